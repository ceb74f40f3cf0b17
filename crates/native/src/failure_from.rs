//! Errors of the crates below, with the kind and code that TypeScript sees. Their texts already say what failed and where.

use ferrite_datastore::ErrorKind;
use ferrite_emulator::pbs::DirectoryError;
use ferrite_keys::ErrorClass as KeyErrorClass;
use ferrite_pipeline::PipelineError;
use ferrite_scsi::{ErrorClass, ScsiError};
use ferrite_tape::TapeError;

use crate::failure::{Failure, Kind};

impl From<ferrite_datastore::Error> for Failure {
    fn from(error: ferrite_datastore::Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Usage => Kind::Usage,
            ErrorKind::Busy | ErrorKind::Vanished => Kind::Operator,
            ErrorKind::Data => Kind::Data,
            ErrorKind::System => Kind::System,
            ErrorKind::Aborted => Kind::Aborted,
        };
        Self::new(kind, error.code(), error.to_string())
    }
}

impl From<ErrorClass> for Kind {
    fn from(class: ErrorClass) -> Self {
        match class {
            ErrorClass::Operator => Self::Operator,
            ErrorClass::Data => Self::Data,
            ErrorClass::Retry | ErrorClass::System => Self::System,
            ErrorClass::Usage => Self::Usage,
            ErrorClass::Aborted => Self::Aborted,
        }
    }
}

impl From<ScsiError> for Failure {
    fn from(error: ScsiError) -> Self {
        Self::new(error.class().into(), "drive", error.to_string())
    }
}

impl From<TapeError> for Failure {
    fn from(error: TapeError) -> Self {
        let code = match &error {
            TapeError::Drive { .. } => "drive",
            TapeError::Block { .. } | TapeError::NoEndMarker { .. } => "tape-block",
            TapeError::Content { .. } => "tape-header",
            TapeError::ChunkArchive { .. } => "chunk-archive",
            TapeError::Archive { .. } => "tape-archive",
            TapeError::Io { .. } => "io",
            TapeError::Catalog { .. }
            | TapeError::CatalogRecord { .. }
            | TapeError::CatalogChanged { .. } => "catalog",
            TapeError::Locked { .. } => "lock-timeout",
            TapeError::Index { .. } => "chunk-index",
            TapeError::Label(_) => "tape-label",
            TapeError::Cancelled => "aborted",
            _ => "tape",
        };
        Self::new(error.class().into(), code, error.to_string())
    }
}

impl From<PipelineError> for Failure {
    fn from(error: PipelineError) -> Self {
        match error {
            PipelineError::Tape(error) => error.into(),
            PipelineError::Store(error) => error.into(),
            error => Self::new(error.class().into(), error.code(), error.to_string()),
        }
    }
}

impl From<DirectoryError> for Failure {
    fn from(error: DirectoryError) -> Self {
        let (kind, code) = match &error {
            DirectoryError::Busy { .. } => (Kind::Operator, "drive-busy"),
            DirectoryError::Io { .. } => (Kind::System, "io"),
            DirectoryError::Damaged { .. } => (Kind::Data, "virtual-drive"),
            DirectoryError::Label { .. } => (Kind::Usage, "tape-label"),
            DirectoryError::ReadOnly { .. } => (Kind::Operator, "read-only"),
            DirectoryError::Unload { .. } => (Kind::System, "drive"),
        };
        Self::new(kind, code, error.to_string())
    }
}

impl From<ferrite_keys::Error> for Failure {
    fn from(error: ferrite_keys::Error) -> Self {
        let kind = match error.class() {
            KeyErrorClass::Usage => Kind::Usage,
            KeyErrorClass::Operator => Kind::Operator,
            KeyErrorClass::Data => Kind::Data,
            KeyErrorClass::System => Kind::System,
            KeyErrorClass::Aborted => Kind::Aborted,
        };
        Self::new(kind, error.code(), error.to_string())
    }
}
