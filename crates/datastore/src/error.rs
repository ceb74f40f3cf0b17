//! The one error of this crate.
//!
//! Policy: a message says what failed and on which path, chunk or snapshot. [`Error::kind`] is what callers branch on
//! (skip, retry, give up), [`Error::code`] is stable and what a user can look up. Format errors of the bytes themselves
//! come from `ferrite-formats`; here they get the path they were read from.

use std::io;
use std::path::{Path, PathBuf};

use ferrite_formats::{Digest, FormatError};

/// `Result` of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request itself is wrong; nothing was touched.
    Usage,
    /// Somebody else holds what is needed: wait or look who.
    Busy,
    /// What was to be read was removed meanwhile: skip it.
    Vanished,
    /// What was read is damaged or foreign.
    Data,
    /// The machine refused: I/O error, permission, disk full.
    System,
    /// The user stopped the work.
    Aborted,
}

/// Why an operation on a datastore failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A system call failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as an infinitive: `open`, `create`, `write to`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A lock is held by somebody else.
    #[error("{} is locked by another operation ({lock})", path.display())]
    Busy {
        /// What is locked.
        path: PathBuf,
        /// Which lock it is, in words.
        lock: &'static str,
    },
    /// A snapshot or group was removed or moved between listing and use.
    #[error("{} does not exist any more", path.display())]
    Vanished {
        /// The directory that is gone.
        path: PathBuf,
    },
    /// The target of a creation exists.
    #[error("{} exists already", path.display())]
    Exists {
        /// What exists.
        path: PathBuf,
    },
    /// The directory is not a datastore, or cannot become one.
    #[error("{} is not a datastore: {detail}", path.display())]
    NotADatastore {
        /// The directory.
        path: PathBuf,
        /// What is missing or in the way, and what to do.
        detail: String,
    },
    /// The name of a datastore or of an owner breaks a rule of datastore.md 1.1 or 1.2.
    #[error("{what} {text:?}: {rule}")]
    Name {
        /// The kind of name.
        what: &'static str,
        /// The name as given.
        text: String,
        /// The broken rule.
        rule: &'static str,
    },
    /// A name or time given by the caller breaks a rule.
    #[error(transparent)]
    Argument(FormatError),
    /// The request cannot be carried out as it stands.
    #[error("{0}")]
    Request(String),
    /// A group belongs to somebody else.
    #[error("group {group} belongs to {owner}, not to {wanted}")]
    OwnerMismatch {
        /// The group, with its namespace.
        group: String,
        /// Content of its owner file.
        owner: String,
        /// Who wanted to write.
        wanted: String,
    },
    /// Bytes of a file are not what they should be.
    #[error("{}: {source}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: FormatError,
    },
    /// A file is sound by itself but contradicts what refers to it.
    #[error("{}: {detail}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The contradiction.
        detail: String,
    },
    /// A chunk that an index refers to is not in the chunk store.
    #[error("chunk {digest} is missing ({})", path.display())]
    ChunkMissing {
        /// The chunk.
        digest: Digest,
        /// Where it should be.
        path: PathBuf,
    },
    /// The work was stopped by its [`CancelFlag`](crate::CancelFlag).
    #[error("aborted")]
    Aborted,
}

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } => ErrorKind::System,
            Self::Busy { .. } => ErrorKind::Busy,
            Self::Vanished { .. } => ErrorKind::Vanished,
            Self::Exists { .. }
            | Self::NotADatastore { .. }
            | Self::Name { .. }
            | Self::Argument(_)
            | Self::Request(_)
            | Self::OwnerMismatch { .. } => ErrorKind::Usage,
            Self::Format { .. } | Self::Damaged { .. } | Self::ChunkMissing { .. } => {
                ErrorKind::Data
            }
            Self::Aborted => ErrorKind::Aborted,
        }
    }

    /// Stable code, never reused.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "disk-full",
                io::ErrorKind::ReadOnlyFilesystem => "read-only",
                io::ErrorKind::PermissionDenied => "permission-denied",
                io::ErrorKind::NotFound => "not-found",
                _ => "io",
            },
            Self::Busy { .. } => "busy",
            Self::Vanished { .. } => "vanished",
            Self::Exists { .. } => "exists",
            Self::NotADatastore { .. } => "not-a-datastore",
            Self::Name { .. } | Self::Argument(_) => "bad-name",
            Self::Request(_) => "bad-request",
            Self::OwnerMismatch { .. } => "owner-mismatch",
            Self::Format { .. } => "bad-format",
            Self::Damaged { .. } => "damaged",
            Self::ChunkMissing { .. } => "chunk-missing",
            Self::Aborted => "aborted",
        }
    }

    /// True when the error says that `path` (a file, or one of its parents) does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Puts path and action in front of a system error.
pub(crate) trait IoContext<T> {
    /// `action` is an infinitive: `open`, `create`, `write to`.
    fn at(self, action: &'static str, path: impl AsRef<Path>) -> Result<T>;
}

impl<T, E: Into<io::Error>> IoContext<T> for Result<T, E> {
    fn at(self, action: &'static str, path: impl AsRef<Path>) -> Result<T> {
        self.map_err(|error| Error::Io {
            action,
            path: path.as_ref().to_path_buf(),
            source: error.into(),
        })
    }
}

/// Puts the path in front of a format error.
pub(crate) trait FormatContext<T> {
    /// `path` is where the bytes were read from, or are to be written to.
    fn of(self, path: impl AsRef<Path>) -> Result<T>;

    /// As [`of`](Self::of), for a path that is only made when it is needed.
    fn of_path(self, path: impl FnOnce() -> PathBuf) -> Result<T>;
}

impl<T> FormatContext<T> for Result<T, FormatError> {
    fn of(self, path: impl AsRef<Path>) -> Result<T> {
        self.of_path(|| path.as_ref().to_path_buf())
    }

    fn of_path(self, path: impl FnOnce() -> PathBuf) -> Result<T> {
        self.map_err(|source| Error::Format {
            path: path(),
            source,
        })
    }
}
