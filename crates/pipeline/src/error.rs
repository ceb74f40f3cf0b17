//! Why a run ended early.
//!
//! Policy: what lies below says what failed and where (drive, tape file and block, path); this crate adds what only it
//! knows, the snapshot and the chunk. [`PipelineError::class`] decides what can be done, [`PipelineError::code`] is stable
//! and what a user can look up. Whatever the error, what was committed before stays true, and running the same plan again
//! goes on from there.

use std::any::Any;

use ferrite_datastore::{Error as StoreError, ErrorKind};
use ferrite_formats::Digest;
use ferrite_scsi::{ErrorClass, ScsiError};
use ferrite_tape::TapeError;

/// Result of this crate's functions.
pub type Result<T, E = PipelineError> = std::result::Result<T, E>;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// Something about a tape or a catalog.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// The drive failed outside of any tape file.
    #[error("{doing}: {source}")]
    Drive {
        /// What it was asked for.
        doing: &'static str,
        /// Its answer.
        source: ScsiError,
    },
    /// Something about a datastore.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A chunk of the source cannot go to tape. What was written before it is safe.
    #[error(
        "snapshot {store}:{snapshot}, chunk {digest}: {fault}; verify the snapshot, then back it up again"
    )]
    BadChunk {
        /// Source datastore.
        store: String,
        /// Snapshot being backed up, in tape form.
        snapshot: String,
        /// The chunk.
        digest: Digest,
        /// What is wrong with it.
        fault: Box<ChunkFault>,
    },
    /// A chunk on the tape is not what it claims to be, or cannot be stored.
    #[error("tape file {file_number} (block {block}), chunk {digest} of store {store}: {fault}")]
    BadTapeChunk {
        /// Tape file.
        file_number: u64,
        /// Block in which the chunk ends.
        block: u64,
        /// Source datastore.
        store: String,
        /// The chunk.
        digest: Digest,
        /// What is wrong.
        fault: Box<ChunkFault>,
    },
    /// Something else about a snapshot archive on the tape.
    #[error("tape file {file_number}, snapshot {store}:{snapshot}: {source}")]
    TapeSnapshot {
        /// Tape file.
        file_number: u64,
        /// Source datastore.
        store: String,
        /// In tape form.
        snapshot: String,
        /// What is wrong.
        source: Box<PipelineError>,
    },
    /// I4: a tape that is written to begins with two labels.
    #[error(
        "tape has {file_number} files; a media label and a media-set label are expected before any data, label it first"
    )]
    StrangePosition {
        /// Files before the end of data.
        file_number: u64,
    },
    /// The plan cannot be carried out as it stands.
    #[error("{0}")]
    Plan(String),
    /// The system has no random numbers, or no memory for another thread.
    #[error("{what}: {reason}")]
    System {
        /// What was needed.
        what: &'static str,
        /// The system's words.
        reason: String,
    },
    /// Stopped on request. What was written before the stop is safe.
    #[error("stopped on request")]
    Cancelled,
    /// A defect in this program.
    #[error("internal error: {0}")]
    Internal(String),
}

/// What is wrong with one chunk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkFault {
    /// The store says why, naming the path.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bytes are not the chunk that they are said to be.
    #[error(transparent)]
    Format(#[from] ferrite_formats::FormatError),
    /// A defect in this program, met while the chunk was handled.
    #[error("internal error: {0}")]
    Panicked(String),
}

impl PipelineError {
    /// What can be done about it.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Tape(error) => error.class(),
            Self::Drive { source, .. } => source.class(),
            Self::Store(error) => store_class(error),
            Self::BadChunk { fault, .. } | Self::BadTapeChunk { fault, .. } => match &**fault {
                ChunkFault::Store(error) => store_class(error),
                ChunkFault::Format(_) => ErrorClass::Data,
                ChunkFault::Panicked(_) => ErrorClass::System,
            },
            Self::TapeSnapshot { source, .. } => source.class(),
            Self::StrangePosition { .. } => ErrorClass::Operator,
            Self::Plan(_) => ErrorClass::Usage,
            Self::System { .. } | Self::Internal(_) => ErrorClass::System,
            Self::Cancelled => ErrorClass::Aborted,
        }
    }

    /// Stable code, never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Tape(TapeError::Cancelled)
            | Self::Cancelled
            | Self::Store(StoreError::Aborted) => "aborted",
            Self::Tape(_) => "tape",
            Self::Drive { .. } => "drive",
            Self::Store(error) => error.code(),
            Self::BadChunk { .. } => "source-chunk",
            Self::BadTapeChunk { fault, .. } => match &**fault {
                ChunkFault::Store(error) => error.code(),
                _ => "tape-chunk",
            },
            Self::TapeSnapshot { source, .. } => source.code(),
            Self::StrangePosition { .. } => "I4",
            Self::Plan(_) => "bad-plan",
            Self::System { .. } => "system",
            Self::Internal(_) => "internal",
        }
    }

    /// Was the run stopped on request?
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.class() == ErrorClass::Aborted
    }

    pub(crate) fn drive(doing: &'static str) -> impl FnOnce(ScsiError) -> Self {
        move |source| match source {
            ScsiError::Cancelled => Self::Cancelled,
            source => Self::Drive { doing, source },
        }
    }
}

fn store_class(error: &StoreError) -> ErrorClass {
    match error.kind() {
        ErrorKind::Usage => ErrorClass::Usage,
        ErrorKind::Busy => ErrorClass::Operator,
        ErrorKind::Vanished | ErrorKind::Data => ErrorClass::Data,
        ErrorKind::System => ErrorClass::System,
        ErrorKind::Aborted => ErrorClass::Aborted,
    }
}

/// The words of a panic.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown panic")
        .to_owned()
}
