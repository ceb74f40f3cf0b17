//! SCSI targets in this process: LTO-like drives over a [`Medium`], so that tests, virtual tapes and benches run the very
//! commands that real drives get.
//!
//! - [`target`]: the drive, which knows the standard and nothing of files.
//! - [`medium`]: what it asks of a tape.
//! - [`pbs`]: tapes in a directory as PBS lays them out, with a little changer.
//! - [`cartridge`]: a tape with all an LTO cartridge has.
//! - [`library`]: drives and a robot in a directory, for any number of processes.
//! - [`null`]: a tape for benches.
//! - [`wrappers`]: faults, delays and recordings, around any [`ferrite_scsi::Transport`].

pub mod cartridge;
pub mod clock;
pub mod fuzzing;
pub mod generation;
pub mod library;
pub mod medium;
pub mod null;
pub mod pbs;
mod record;
pub mod target;
pub mod wrappers;

pub use cartridge::{Cartridge, CartridgeError, CartridgeKind, Chip, Damage};
pub use clock::{EmulatorClock, Pace, Timing, VirtualClock, WallClock};
pub use library::{EmulatedLibrary, LibraryOptions};
pub use medium::{Medium, MediumError};
pub use null::{NullCapacity, NullMedium};
pub use pbs::{DirectoryError, PbsDirectory, PbsDirectoryOptions, Slot, Slots, list_slots};
pub use target::{Connection, DriveQuirks, EmulatedDrive, EncryptionControl, Identity};
