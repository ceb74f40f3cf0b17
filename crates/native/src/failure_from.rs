//! Errors of the crates below, with the kind and code that TypeScript sees. Their texts already say what failed and where.

use ferrite_datastore::ErrorKind;
use ferrite_emulator::pbs::DirectoryError;
use ferrite_keys::ErrorClass as KeyErrorClass;
use ferrite_pipeline::PipelineError;
use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::sense::{Sense, SenseKey};
use ferrite_scsi::{ChangerError, ErrorClass, ScsiError, TransportError};
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

/// Code of a device's error; `drive` for what nobody has to tell apart.
pub fn device_code(error: &ScsiError) -> &'static str {
    match error {
        ScsiError::InFile { source, .. } => device_code(source),
        ScsiError::NotReady { last, .. } => match device_code(last) {
            "drive" => "not-ready",
            code => code,
        },
        ScsiError::PositionLost { .. } => "position-lost",
        ScsiError::Transport { source, .. } => match source {
            TransportError::DeviceGone => "device-gone",
            TransportError::Timeout { .. } | TransportError::ConnectionLost { .. } => {
                "connection-lost"
            }
            TransportError::TransferTooLarge { .. } => "transfer-limit",
            TransportError::PermissionDenied => "permission",
            TransportError::Reserved => "reserved",
            _ => "drive",
        },
        ScsiError::Check { check, .. } => sense_code(&check.sense),
        ScsiError::WormWithData => "worm",
        ScsiError::NoEncryption | ScsiError::EncryptionMode { .. } => "encryption",
        ScsiError::NotATapeDrive { .. } => "wrong-device",
        ScsiError::BlankTape => "end-of-data",
        ScsiError::Cancelled => "aborted",
        _ => "drive",
    }
}

fn sense_code(sense: &Sense) -> &'static str {
    use AdditionalSense as A;
    match (sense.key, sense.code) {
        (SenseKey::NotReady, A(0x3A, _)) => "no-medium",
        (SenseKey::NotReady, _) => "not-ready",
        (SenseKey::DataProtect, A(0x27 | 0x5A, _)) => "write-protected",
        (SenseKey::DataProtect, A::WORM_OVERWRITE_ATTEMPTED | A::WORM_INTEGRITY_CHECK) => "worm",
        (SenseKey::DataProtect, A(0x74 | 0x26 | 0xEE | 0xEF, _)) => "encryption",
        (SenseKey::BlankCheck, _) => "end-of-data",
        (SenseKey::VolumeOverflow, _) => "tape-full",
        (SenseKey::UnitAttention, code) if code.loses_position() => "position-lost",
        _ => "drive",
    }
}

impl From<ScsiError> for Failure {
    fn from(error: ScsiError) -> Self {
        Self::new(error.class().into(), device_code(&error), error.to_string())
    }
}

impl From<ChangerError> for Failure {
    fn from(error: ChangerError) -> Self {
        let code = match &error {
            ChangerError::Command(error) => match device_code(error) {
                "drive" => "changer",
                code => code,
            },
            ChangerError::NotAChanger { .. } => "wrong-device",
            ChangerError::NoSuchPlace { .. } => "no-such-place",
            ChangerError::DriveEmpty { .. } => "drive-empty",
            ChangerError::NoFreeSlot { .. } => "no-free-slot",
            ChangerError::Move { .. }
            | ChangerError::MoveNotDone { .. }
            | ChangerError::StatusAfterMove { .. } => "changer-move",
            _ => "changer",
        };
        Self::new(error.class().into(), code, error.to_string())
    }
}

impl From<TapeError> for Failure {
    fn from(error: TapeError) -> Self {
        let code = match &error {
            TapeError::Drive { source, .. } => device_code(source),
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
            PipelineError::Drive { ref source, .. } => {
                Self::new(error.class().into(), device_code(source), error.to_string())
            }
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
