//! SCSI targets in the process: LTO-like drives and libraries over a Medium.

pub mod medium;
pub mod pbs;

pub use pbs::{DirectoryError, PbsDirectory, PbsDirectoryOptions, Slot, Slots, list_slots};
