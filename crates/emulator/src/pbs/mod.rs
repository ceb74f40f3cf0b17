//! A directory as a tape drive with its own little changer: PBS's `virtual:` drive (tape-format.md 10, behaviour.md 24).

use std::path::{Path, PathBuf};
use std::time::Duration;

use ferrite_scsi::{Cdb, Completion, Data, Transport, TransportError};

/// Bytes a tape holds unless the configuration says otherwise.
pub const DEFAULT_MAX_BYTES: u64 = 64 << 20;

/// How the directory is used.
#[derive(Clone, Debug)]
pub struct PbsDirectoryOptions {
    /// Capacity of each tape in bytes (`max-size`).
    pub max_bytes: u64,
    /// How long to wait for another process that uses the drive.
    pub lock_timeout: Duration,
}

impl Default for PbsDirectoryOptions {
    fn default() -> Self {
        Self { max_bytes: DEFAULT_MAX_BYTES, lock_timeout: Duration::from_secs(10) }
    }
}

/// Why the directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Another process uses the drive.
    #[error("{path}: virtual drive is in use by another process (waited {} s)", waited.as_secs())]
    Busy {
        /// Lock file.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// The operating system refused.
    #[error("{path}: {action}: {source}")]
    Io {
        /// File or directory.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Its words.
        source: std::io::Error,
    },
    /// A json file of the directory is damaged.
    #[error("{path}: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Not a name a tape can have.
    #[error("'{label}' is no tape label: letters, digits, '_', '-' and '.' are allowed, the first not '-' or '.'")]
    Label {
        /// The name.
        label: String,
    },
}

/// A place for a tape in the directory's changer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// From 1.
    pub number: u32,
    /// Label of the tape in it; also while it is in the drive.
    pub label: Option<String>,
}

/// Slots and drive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    /// Tape in the drive.
    pub loaded: Option<String>,
    /// Sorted by label, rounded up to a multiple of 8.
    pub slots: Vec<Slot>,
}

/// Lists the tapes of a directory; works while another process uses the drive.
pub fn list_slots(_path: &Path) -> Result<Slots, DirectoryError> {
    Ok(Slots::default())
}

/// The open directory. Holds `.drive.lck` until it and all its connections are dropped.
#[derive(Debug)]
pub struct PbsDirectory {
    path: PathBuf,
}

impl PbsDirectory {
    /// Takes the lock and puts the tape in that `drive-status.json` names.
    pub fn open(path: impl Into<PathBuf>, _options: PbsDirectoryOptions) -> Result<Self, DirectoryError> {
        Ok(Self { path: path.into() })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Label of the tape in the drive.
    pub fn loaded(&self) -> Option<String> {
        None
    }

    /// Slots and drive.
    pub fn slots(&self) -> Result<Slots, DirectoryError> {
        list_slots(&self.path)
    }

    /// Puts a tape in, instead of the one that is there; an unknown label makes a new, empty tape.
    pub fn load(&self, _label: &str) -> Result<(), DirectoryError> {
        Ok(())
    }

    /// Takes the tape out; fine if there is none.
    pub fn unload(&self) -> Result<(), DirectoryError> {
        Ok(())
    }

    /// A path from a host to the drive, for `Drive::open`.
    pub fn connect(&self) -> Connection {
        Connection {}
    }
}

/// A host's connection to an emulated drive.
#[derive(Debug)]
pub struct Connection {}

impl Transport for Connection {
    fn execute(&mut self, _: &Cdb, _: Data<'_>, _: Duration) -> Result<Completion, TransportError> {
        Err(TransportError::DeviceGone)
    }
}
