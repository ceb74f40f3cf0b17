//! Why an emulated library cannot be used.

use std::path::{Path, PathBuf};

use ferrite_scsi::Place;

use crate::cartridge::CartridgeError;

/// Errors of a library, each naming the file or place.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The operating system refused.
    #[error("{path}: cannot {action}: {source}")]
    Io {
        /// File or directory.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Its words.
        source: std::io::Error,
    },
    /// The directory is no emulated library.
    #[error("{path}: no emulated library; 'proxmox-tape emulator create {path}' makes one")]
    NoLibrary {
        /// The directory.
        path: PathBuf,
    },
    /// There is something already.
    #[error("{path}: there is already something here")]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// The path names no drive or changer of a library.
    #[error("{path}: no device of an emulated library")]
    NoDevice {
        /// The path.
        path: PathBuf,
    },
    /// A file of the library is damaged.
    #[error("{path}: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Options that no library can have.
    #[error("{0}")]
    Options(String),
    /// Not a bar code a cartridge can have.
    #[error(
        "'{barcode}' is no bar code: up to 32 letters, digits, '_', '-' and '.' are allowed, the first a letter or digit"
    )]
    Barcode {
        /// The text.
        barcode: String,
    },
    /// There is no such slot or drive.
    #[error("the library has no {0}")]
    NoSuchPlace(Place),
    /// Nothing is there.
    #[error("there is no cartridge in {0}")]
    Empty(Place),
    /// Something is there.
    #[error("there is already a cartridge in {0}")]
    Full(Place),
    /// No cartridge has this bar code.
    #[error("there is no cartridge {barcode}; 'proxmox-tape emulator cartridge create' makes one")]
    NoCartridge {
        /// Bar code.
        barcode: String,
    },
    /// It is in a place already.
    #[error("cartridge {barcode} is in {place}; take it out first")]
    InUse {
        /// Bar code.
        barcode: String,
        /// Where it is.
        place: Place,
    },
    /// A host forbids it.
    #[error("a host has locked {0}")]
    Locked(Place),
    /// Of a cartridge.
    #[error(transparent)]
    Cartridge(#[from] CartridgeError),
}

impl LibraryError {
    pub(super) fn io(path: &Path, action: &'static str, source: impl Into<std::io::Error>) -> Self {
        LibraryError::Io {
            path: path.to_owned(),
            action,
            source: source.into(),
        }
    }

    pub(super) fn damaged(path: &Path, what: impl ToString) -> Self {
        LibraryError::Damaged {
            path: path.to_owned(),
            what: what.to_string(),
        }
    }
}
