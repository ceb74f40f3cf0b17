//! SCSI commands for LTO drives and changers, over one Transport trait.
