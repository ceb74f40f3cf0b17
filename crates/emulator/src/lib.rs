//! SCSI targets in the process: LTO-like drives and libraries over a Medium.
