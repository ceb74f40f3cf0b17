//! Why a virtual drive's directory cannot be used.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::medium::MediumError;

/// Errors of the directory, each naming the file.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Another process uses the drive.
    #[error("{path}: the virtual drive is in use by another process (waited {} s)", waited.as_secs())]
    Busy {
        /// Lock file.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
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
    /// A json file of the directory is damaged.
    #[error("{path}: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Not a name a tape can have.
    #[error(
        "'{label}' is no tape label: letters, digits, '_', '-' and '.' are allowed, the first not '-' or '.'"
    )]
    Label {
        /// The name.
        label: String,
    },
    /// The tape does not exist and cannot be made.
    #[error("{path}: no such tape, and the directory cannot be written")]
    ReadOnly {
        /// Index of the tape.
        path: PathBuf,
    },
    /// The tape that was in the drive could not store its last data.
    #[error("{detail}")]
    Unload {
        /// Path and cause.
        detail: String,
    },
}

impl DirectoryError {
    pub(super) fn io(path: &Path, action: &'static str, source: impl Into<std::io::Error>) -> Self {
        DirectoryError::Io {
            path: path.to_owned(),
            action,
            source: source.into(),
        }
    }
}

impl From<DirectoryError> for MediumError {
    fn from(error: DirectoryError) -> Self {
        let detail = error.to_string().into();
        match error {
            DirectoryError::Damaged { .. } => MediumError::Corrupted { detail },
            _ => MediumError::Host { detail },
        }
    }
}
