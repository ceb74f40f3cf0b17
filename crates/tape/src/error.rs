//! Why something on a tape, or a catalog of a tape, could not be read or written.
//!
//! Policy: every error names the place, a tape file with its number (and the block, where one is at fault) or a path, and,
//! where a person can do something, what. The drive's and the tape's name are added by whoever knows them. What damage
//! means for the work at hand is not decided here: [`TapeError::class`] says whether it is the data, the machine, or a
//! person's turn, and the rules for cut-off archives are applied where archives are read.

use std::io;
use std::path::{Path, PathBuf};

use ferrite_formats::block::BlockError;
use ferrite_formats::chunk_archive::ChunkArchiveError;
use ferrite_formats::content_header::ContentError;
use ferrite_formats::media_catalog::{CatalogError, CatalogRule};
use ferrite_formats::pxar::DecodeError;
use ferrite_formats::snapshot_archive::SnapshotArchiveError;
use ferrite_scsi::{ErrorClass, ScsiError};

/// Result of this crate's functions.
pub type Result<T> = std::result::Result<T, TapeError>;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TapeError {
    /// The drive refused or failed. `doing` says what it was asked for.
    #[error("{doing}: {source}")]
    Drive {
        /// What was being done, with the tape file's number where there is one.
        doing: String,
        /// The drive's answer.
        source: ScsiError,
    },
    /// B1 to B9: a block, or the order of blocks, is wrong.
    #[error("tape file {file_number}: {source}")]
    Block {
        /// Tape file.
        file_number: u64,
        /// The broken rule, with the block's number.
        source: BlockError,
    },
    /// B8: the file mark comes before the end marker: whoever wrote this file was interrupted.
    #[error("tape file {file_number}: no end marker, it was cut off after {blocks} blocks")]
    NoEndMarker {
        /// Tape file.
        file_number: u64,
        /// Blocks of the file.
        blocks: u64,
    },
    /// H1 to H8: the head of a tape file is wrong.
    #[error("tape file {file_number}: {source}")]
    Content {
        /// Tape file.
        file_number: u64,
        /// The broken rule.
        source: ContentError,
    },
    /// C1 to C6: a chunk archive is damaged.
    #[error("tape file {file_number} (block {block}): {source}")]
    ChunkArchive {
        /// Tape file.
        file_number: u64,
        /// Block that was being read.
        block: u64,
        /// The broken rule.
        source: ChunkArchiveError,
    },
    /// P1 to P4: a snapshot archive is damaged.
    #[error("tape file {file_number} (block {block}): {source}")]
    Snapshot {
        /// Tape file.
        file_number: u64,
        /// Block that was being read.
        block: u64,
        /// The broken rule.
        source: SnapshotArchiveError,
    },
    /// A file of a snapshot could not be stored.
    #[error("tape file {file_number}: cannot store \"{name}\": {source}")]
    Sink {
        /// Tape file.
        file_number: u64,
        /// The file of the snapshot.
        name: String,
        /// The system's answer.
        source: io::Error,
    },
    /// Anything else wrong with the content of a tape file.
    #[error("tape file {file_number} (block {block}): {reason}")]
    Archive {
        /// Tape file.
        file_number: u64,
        /// Block that was being read.
        block: u64,
        /// What is wrong.
        reason: String,
    },
    /// A tape file was used in a way its state does not allow.
    #[error("tape file {file_number}: {reason}")]
    Usage {
        /// Tape file.
        file_number: u64,
        /// What was wrong with the call.
        reason: &'static str,
    },
    /// The file system refused.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb with its object.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// K1, K2: a catalog file is damaged or belongs to something else.
    #[error("catalog {}: {source}{}", path.display(), what_to_do(source))]
    Catalog {
        /// The catalog file.
        path: PathBuf,
        /// What is wrong, with the offset in the file.
        source: CatalogError,
    },
    /// A record cannot be added to a catalog.
    #[error("catalog {}: cannot record tape file: {source}", path.display())]
    CatalogRecord {
        /// The catalog file.
        path: PathBuf,
        /// The broken rule.
        source: CatalogRule,
    },
    /// The catalog file is not what it was when it was opened.
    #[error("catalog {}: {reason}", path.display())]
    CatalogChanged {
        /// The catalog file.
        path: PathBuf,
        /// What changed.
        reason: &'static str,
    },
    /// Another process holds a lock for too long.
    #[error("{} is locked by another process (waited {seconds} s); try again when it has finished", path.display())]
    Locked {
        /// The locked file.
        path: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// A chunk index cannot be built or used.
    #[error("chunk index: {} {reason}", path.display())]
    Index {
        /// The index or the catalog at fault.
        path: PathBuf,
        /// What is wrong, as the rest of a sentence about the file.
        reason: String,
    },
    /// The labels on the tape are not those of a usable tape.
    #[error("{0}")]
    Label(String),
    /// Stopped on request.
    #[error("stopped on request")]
    Cancelled,
}

impl TapeError {
    /// What can be done about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Drive { source, .. } => source.class(),
            Self::Block { .. }
            | Self::NoEndMarker { .. }
            | Self::Content { .. }
            | Self::ChunkArchive { .. }
            | Self::Snapshot { .. }
            | Self::Archive { .. }
            | Self::Catalog { .. }
            | Self::Label(_) => ErrorClass::Data,
            Self::Usage { .. } | Self::CatalogRecord { .. } => ErrorClass::Usage,
            Self::Io { .. }
            | Self::Sink { .. }
            | Self::CatalogChanged { .. }
            | Self::Index { .. } => ErrorClass::System,
            Self::Locked { .. } => ErrorClass::Operator,
            Self::Cancelled => ErrorClass::Aborted,
        }
    }

    pub(crate) fn drive(doing: impl Into<String>) -> impl FnOnce(ScsiError) -> Self {
        move |source| match source {
            ScsiError::Cancelled => Self::Cancelled,
            source => Self::Drive {
                doing: doing.into(),
                source,
            },
        }
    }

    /// Wraps what a parser of headers says about a tape file; an error of the tape below it comes out as it was.
    pub(crate) fn content(file_number: u64, source: ContentError) -> Self {
        match source {
            ContentError::Io(error) => Self::from_io(file_number, error),
            source => Self::Content {
                file_number,
                source,
            },
        }
    }

    /// Wraps what the parser of snapshot archives says; an error of the tape below it comes out as it was.
    pub(crate) fn snapshot(file_number: u64, block: u64, source: SnapshotArchiveError) -> Self {
        match source {
            SnapshotArchiveError::Archive(DecodeError::Io(error)) => {
                Self::from_io(file_number, error)
            }
            source => Self::Snapshot {
                file_number,
                block,
                source,
            },
        }
    }

    /// Takes the error out again that [`ContentReader`](crate::file::ContentReader) had to wrap as a reader.
    pub(crate) fn from_io(file_number: u64, error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(inner) => inner,
            Err(error) => Self::Archive {
                file_number,
                block: 0,
                reason: error.to_string(),
            },
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn index(path: &Path, reason: impl Into<String>) -> Self {
        Self::Index {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }

    pub(crate) fn catalog(path: &Path, source: CatalogError) -> Self {
        Self::Catalog {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn record(path: &Path) -> impl FnOnce(CatalogRule) -> Self {
        move |source| Self::CatalogRecord {
            path: path.to_owned(),
            source,
        }
    }
}

/// The way out of each kind of catalog damage.
fn what_to_do(error: &CatalogError) -> &'static str {
    match error {
        CatalogError::Torn { .. } => {
            "; an append was interrupted, restore this catalog from its tape (catalog --force)"
        }
        _ => "; restore this catalog from its tape (catalog --force)",
    }
}
