//! SCSI targets in this process: LTO-like drives over a [`Medium`], so that tests, virtual tapes and benches run the very
//! commands that real drives get.
//!
//! - [`target`]: the drive, which knows the standard and nothing of files.
//! - [`medium`]: what it asks of a tape.
//! - [`pbs`]: tapes in a directory as PBS lays them out, with a little changer.
//! - [`null`]: a tape for benches.
//!
//! Faults, delays and recording are wrappers around [`ferrite_scsi::Transport`], not switches in here.

pub mod medium;
pub mod null;
pub mod pbs;
pub mod target;

pub use medium::{Medium, MediumError};
pub use null::{NullCapacity, NullMedium};
pub use pbs::{DirectoryError, PbsDirectory, PbsDirectoryOptions, Slot, Slots, list_slots};
pub use target::{Connection, EmulatedDrive, Identity};
