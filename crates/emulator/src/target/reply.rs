//! What a command gives back inside the target, and how that becomes a [`Completion`].

use std::sync::Arc;

use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::sense::{FieldPointer, Sense, SenseKey};
use ferrite_scsi::{Cdb, Completion, Data, Status};

use crate::medium::MediumError;

/// A command that succeeded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reply {
    /// Bytes of the data buffer that were moved.
    pub transferred: usize,
    /// Early warning and marks: CHECK CONDITION although it succeeded.
    pub sense: Option<Sense>,
}

/// A command that failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// CHECK CONDITION, unless there is no sense data to it.
    pub status: Status,
    pub sense: Sense,
    /// Bytes of the data buffer that were moved nevertheless.
    pub transferred: usize,
    pub detail: Option<Arc<str>>,
}

pub(crate) type ReplyResult = Result<Reply, Failure>;

impl Reply {
    pub fn good() -> Self {
        Self {
            transferred: 0,
            sense: None,
        }
    }

    pub fn transferred(bytes: usize) -> Self {
        Self {
            transferred: bytes,
            sense: None,
        }
    }

    pub fn with_sense(sense: Sense, transferred: usize) -> Self {
        Self {
            transferred,
            sense: Some(sense),
        }
    }

    /// Copies `bytes` to the host, cut to the allocation length and to its buffer.
    pub fn data(bytes: &[u8], allocation: usize, data: &mut Data<'_>) -> Self {
        match data {
            Data::In(buffer) => {
                let length = bytes.len().min(allocation).min(buffer.len());
                buffer[..length].copy_from_slice(&bytes[..length]);
                Self::transferred(length)
            }
            Data::None | Data::Out(_) => Self::good(),
        }
    }
}

impl Failure {
    pub fn sense(sense: Sense) -> Self {
        Self {
            status: Status::CheckCondition,
            sense,
            transferred: 0,
            detail: None,
        }
    }

    /// A status without sense data.
    pub fn status(status: Status) -> Self {
        Self {
            status,
            ..Self::new(SenseKey::NoSense, AdditionalSense::NONE)
        }
    }

    pub fn new(key: SenseKey, code: AdditionalSense) -> Self {
        Self::sense(Sense::new(key, code))
    }

    pub fn with_detail(mut self, detail: &Arc<str>) -> Self {
        self.detail = Some(Arc::clone(detail));
        self
    }

    pub fn invalid_opcode() -> Self {
        Self::pointing(AdditionalSense::INVALID_OPERATION_CODE, true, 0)
    }

    /// Byte `byte` of the CDB is wrong.
    pub fn invalid_field(byte: u16) -> Self {
        Self::pointing(AdditionalSense::INVALID_FIELD_IN_CDB, true, byte)
    }

    /// Byte `byte` of the parameter list is wrong.
    pub fn invalid_parameter(byte: u16) -> Self {
        Self::pointing(
            AdditionalSense::INVALID_FIELD_IN_PARAMETER_LIST,
            false,
            byte,
        )
    }

    fn pointing(code: AdditionalSense, in_cdb: bool, byte: u16) -> Self {
        let mut sense = Sense::new(SenseKey::IllegalRequest, code);
        sense.field = Some(FieldPointer {
            in_cdb,
            bit: None,
            byte,
        });
        Self::sense(sense)
    }
}

impl From<MediumError> for Failure {
    fn from(error: MediumError) -> Self {
        let (key, code, detail) = match error {
            MediumError::Full => {
                let mut failure =
                    Self::new(SenseKey::VolumeOverflow, AdditionalSense::END_OF_MEDIUM);
                failure.sense.end_of_medium = true;
                return failure;
            }
            MediumError::WriteProtected => {
                return Self::new(SenseKey::DataProtect, AdditionalSense::WRITE_PROTECTED);
            }
            MediumError::BlockLength => return Self::invalid_field(2),
            MediumError::Corrupted { detail } => (
                SenseKey::MediumError,
                AdditionalSense::MEDIUM_FORMAT_CORRUPTED,
                detail,
            ),
            MediumError::Unreadable { detail } => (
                SenseKey::MediumError,
                AdditionalSense::UNRECOVERED_READ_ERROR,
                detail,
            ),
            MediumError::IncompleteBlock { detail } => (
                SenseKey::MediumError,
                AdditionalSense::INCOMPLETE_BLOCK_READ,
                detail,
            ),
            MediumError::Missing { detail } => (
                SenseKey::MediumError,
                AdditionalSense::RECORDED_ENTITY_NOT_FOUND,
                detail,
            ),
            MediumError::WriteError { detail } => {
                (SenseKey::MediumError, AdditionalSense::WRITE_ERROR, detail)
            }
            MediumError::EndOfDataLost { detail } => (
                SenseKey::BlankCheck,
                AdditionalSense::END_OF_DATA_NOT_FOUND,
                detail,
            ),
            MediumError::Host { detail } => (
                SenseKey::HardwareError,
                AdditionalSense::INTERNAL_TARGET_FAILURE,
                detail,
            ),
            MediumError::Deferred { detail } => {
                let mut failure = Self::new(
                    SenseKey::HardwareError,
                    AdditionalSense::INTERNAL_TARGET_FAILURE,
                );
                failure.sense.deferred = true;
                return failure.with_detail(&detail);
            }
        };
        Self::new(key, code).with_detail(&detail)
    }
}

/// `length` is that of the host's buffer.
pub(crate) fn completion(result: ReplyResult, length: usize, descriptor: bool) -> Completion {
    let check = |sense: Sense, residual: usize| {
        if descriptor {
            Completion::check_condition(&sense.to_descriptor(), residual)
        } else {
            Completion::check_condition(&sense.to_fixed(), residual)
        }
    };
    match result {
        Ok(Reply {
            transferred,
            sense: None,
        }) => Completion::good(length - transferred),
        Ok(Reply {
            transferred,
            sense: Some(sense),
        }) => check(sense, length - transferred),
        Err(Failure {
            status: Status::CheckCondition,
            sense,
            transferred,
            detail,
        }) => {
            let completion = check(sense, length - transferred);
            match detail {
                Some(detail) => completion.with_detail(&*detail),
                None => completion,
            }
        }
        Err(failure) => Completion::with_status(failure.status, length - failure.transferred),
    }
}

/// HH7: what is not filled with data comes as zeros.
pub(crate) fn fill_allocation(result: &mut ReplyResult, data: &mut Data<'_>) {
    if let (
        Ok(Reply {
            transferred,
            sense: None,
        }),
        Data::In(buffer),
    ) = (result, data)
    {
        if *transferred > 0 {
            buffer[*transferred..].fill(0);
            *transferred = buffer.len();
        }
    }
}

pub(crate) fn parameter_list_length() -> Failure {
    Failure::new(
        SenseKey::IllegalRequest,
        AdditionalSense::PARAMETER_LIST_LENGTH_ERROR,
    )
}

/// The CDB as one of 6 bytes; the operation code has already said that it is one.
pub(crate) fn six(cdb: &Cdb) -> Result<&[u8; 6], Failure> {
    cdb.as_bytes()
        .try_into()
        .map_err(|_| Failure::invalid_field(0))
}

/// The CDB as one of 10 bytes.
pub(crate) fn ten(cdb: &Cdb) -> Result<&[u8; 10], Failure> {
    cdb.as_bytes()
        .try_into()
        .map_err(|_| Failure::invalid_field(0))
}

/// The CDB as one of 12 bytes.
pub(crate) fn twelve(cdb: &Cdb) -> Result<&[u8; 12], Failure> {
    cdb.as_bytes()
        .try_into()
        .map_err(|_| Failure::invalid_field(0))
}

/// The CDB as one of 16 bytes.
pub(crate) fn sixteen(cdb: &Cdb) -> Result<&[u8; 16], Failure> {
    cdb.as_bytes()
        .try_into()
        .map_err(|_| Failure::invalid_field(0))
}
