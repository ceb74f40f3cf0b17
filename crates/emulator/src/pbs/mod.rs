//! A directory as a tape drive with its own little changer: PBS's `virtual:` drive (tape-format.md 10, behaviour.md 24).
//!
//! PBS and this program can use the same directory by turns: names, json files, lock, early warning and what is stored before
//! what are PBS's. Between host and directory stands a SCSI drive all the same, so a backup to a virtual tape runs the code
//! that a backup to a real one runs.

mod directory;
mod disk;
mod error;
mod hollow;
mod layout;
mod pieces;
mod sink;
mod source;
mod tape;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use directory::{Slot, Slots, list_slots};
pub use disk::{Disk, DiskFile, SystemDisk, WriteStyle};
pub use error::DirectoryError;
pub use hollow::{HollowDisk, copy_hollow_tape, grow_hollow_tape, tape_file_lengths};
pub use tape::BLOCK_BYTES;

use crate::target::{Connection, EmulatedDrive, Identity};
use directory::{CurrentTape, Directory, check_label};
use tape::PbsTape;

/// Bytes a tape holds unless the configuration says otherwise.
pub const DEFAULT_MAX_BYTES: u64 = 64 << 20;

/// How the directory is used.
#[derive(Clone)]
pub struct PbsDirectoryOptions {
    /// Capacity of each tape in bytes (`max-size`).
    pub max_bytes: u64,
    /// How long to wait for another process that uses the drive.
    pub lock_timeout: Duration,
    /// Where tape files are written; the machine's own file systems unless a test brings another.
    pub disk: Arc<dyn Disk>,
}

impl Default for PbsDirectoryOptions {
    fn default() -> Self {
        Self {
            max_bytes: DEFAULT_MAX_BYTES,
            lock_timeout: Duration::from_secs(10),
            disk: Arc::new(SystemDisk),
        }
    }
}

impl std::fmt::Debug for PbsDirectoryOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PbsDirectoryOptions")
            .field("max_bytes", &self.max_bytes)
            .field("lock_timeout", &self.lock_timeout)
            .finish_non_exhaustive()
    }
}

/// The open directory: drive and changer. Holds `.drive.lck` until it and all its connections are dropped.
#[derive(Debug)]
pub struct PbsDirectory {
    directory: Arc<Directory>,
    drive: EmulatedDrive,
    options: PbsDirectoryOptions,
}

impl PbsDirectory {
    /// Takes the lock, and puts the tape into the drive that `drive-status.json` names.
    ///
    /// A tape that has vanished since is no longer in the drive; a damaged one is, but cannot be used.
    ///
    /// # Errors
    /// [`DirectoryError::Busy`] while another process has the drive; the directory must exist.
    pub fn open(
        path: impl AsRef<Path>,
        options: PbsDirectoryOptions,
    ) -> Result<Self, DirectoryError> {
        let directory = Arc::new(Directory::open(path.as_ref(), options.lock_timeout)?);
        let drive = EmulatedDrive::new(Identity::virtual_drive(serial(path.as_ref())));
        let opened = Self {
            directory,
            drive,
            options,
        };
        match opened.open_current() {
            Ok(Some(tape)) => opened.drive.insert(Box::new(tape)),
            Ok(None) => {}
            Err(error @ DirectoryError::Damaged { .. }) => {
                opened.drive.insert_unusable(error.to_string())
            }
            Err(error) => return Err(error),
        }
        Ok(opened)
    }

    fn open_current(&self) -> Result<Option<PbsTape>, DirectoryError> {
        match self.directory.current_tape()? {
            Some(CurrentTape { name, pos }) if check_label(&name).is_ok() => {
                self.open_tape(&name, pos)
            }
            _ => Ok(None),
        }
    }

    fn open_tape(&self, label: &str, pos: u64) -> Result<Option<PbsTape>, DirectoryError> {
        let (directory, disk) = (Arc::clone(&self.directory), Arc::clone(&self.options.disk));
        PbsTape::open(directory, disk, label, self.options.max_bytes, pos)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Label of the tape in the drive.
    pub fn loaded(&self) -> Option<String> {
        self.drive.label()
    }

    /// Slots and drive.
    pub fn slots(&self) -> Result<Slots, DirectoryError> {
        let mut slots = list_slots(self.path())?;
        slots.loaded = self.loaded();
        Ok(slots)
    }

    /// Puts a tape in, rewound, instead of the one that is there. An unknown label makes a new, empty tape, as PBS does.
    pub fn load(&self, label: &str) -> Result<(), DirectoryError> {
        check_label(label)?;
        self.unload()?;
        if self.directory.read_index(label)?.is_none() {
            if self.directory.read_only() {
                return Err(DirectoryError::ReadOnly {
                    path: self.directory.index_path(label),
                });
            }
            self.directory.store_index(label, 0)?;
        }
        self.directory.store_current_tape(Some(CurrentTape {
            name: label.to_owned(),
            pos: 0,
        }))?;
        if let Some(tape) = self.open_tape(label, 0)? {
            self.drive.insert(Box::new(tape));
        }
        Ok(())
    }

    /// Takes the tape out; fine if there is none.
    ///
    /// # Errors
    /// The last data written could not be stored. The tape is out all the same.
    pub fn unload(&self) -> Result<(), DirectoryError> {
        let ejected = self.drive.eject();
        self.directory.store_current_tape(None)?;
        ejected.map_err(|error| DirectoryError::Unload {
            detail: format!("{error}"),
        })
    }

    /// A path from a host to the drive, for [`ferrite_scsi::Drive::open`].
    pub fn connect(&self) -> Connection {
        self.drive.connect()
    }
}

/// A virtual drive's serial number is its directory's name.
fn serial(path: &Path) -> String {
    let absolute: PathBuf = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
