//! Why a device command failed, and what that means for the person in front of the drive.
//!
//! Policy: every error names the command and, where the device gave sense data, the sense in words with its triple, and ends
//! with what it means. [`ScsiError::class`] decides what to do about it. Drive name, tape label and file number are added by
//! whoever knows them; block numbers are in the errors of reading and writing files. Damaged answers of a device are errors,
//! never panics. Programmer errors (a stale [`crate::drive::Position`]) are errors of class [`ErrorClass::Usage`].

use std::time::Duration;

use crate::asc::AdditionalSense;
use crate::inquiry::PeripheralType;
use crate::meaning;
use crate::opcode::OperationCode;
use crate::sense::{MalformedSense, Sense, SenseKey};
use crate::transport::{Status, TransportError};

/// What can be done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The same command may well succeed when sent again.
    Retry,
    /// A person has to act: no tape, write protected, wrong generation, drive needs cleaning, key missing.
    Operator,
    /// The medium or what lies on it is damaged or foreign.
    Data,
    /// Drive, library, adapter or operating system failed.
    System,
    /// The caller asked for something impossible.
    Usage,
    /// Stopped on request.
    Aborted,
}

/// CHECK CONDITION of one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckCondition {
    /// Parsed sense data.
    pub sense: Sense,
    /// Words of a target in this process (path, system error).
    pub detail: Option<Box<str>>,
}

impl std::fmt::Display for CheckCondition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.sense)?;
        if let Some(detail) = &self.detail {
            write!(f, " [{detail}]")?;
        }
        let meaning = meaning::of(&self.sense);
        if !meaning.advice.is_empty() {
            write!(f, ": {}", meaning.advice)?;
        }
        Ok(())
    }
}

/// Error of a SCSI command or of a sequence of them.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ScsiError {
    /// The device says why.
    #[error("{command} failed: {check}")]
    Check {
        /// The command.
        command: OperationCode,
        /// What it says.
        check: Box<CheckCondition>,
    },
    /// An earlier buffered write failed; what was written since the last sync may not be on the tape.
    #[error("{command} reports that earlier, buffered data could not be written: {check}")]
    Deferred {
        /// The command that got the report; it was not executed.
        command: OperationCode,
        /// What happened.
        check: Box<CheckCondition>,
    },
    /// Reset or medium change in the middle of a file: nobody knows where the tape stands.
    #[error("{command} failed, the tape's position is lost: {check}")]
    PositionLost {
        /// The command that got the report; it was not executed.
        command: OperationCode,
        /// The unit attention.
        check: Box<CheckCondition>,
    },
    /// CHECK CONDITION without sense data.
    #[error("{command} failed and the device gave no sense data")]
    NoSenseData {
        /// The command.
        command: OperationCode,
    },
    /// CHECK CONDITION with unusable sense data.
    #[error("{command} failed and the device's sense data is unusable: {source}")]
    MalformedSense {
        /// The command.
        command: OperationCode,
        /// What is wrong with it.
        source: MalformedSense,
    },
    /// Busy, reserved, aborted.
    #[error("{command} refused by the device: status {status:?}")]
    Status {
        /// The command.
        command: OperationCode,
        /// The status.
        status: Status,
    },
    /// The command did not get through.
    #[error("{command} failed: {source}")]
    Transport {
        /// The command.
        command: OperationCode,
        /// Why.
        source: TransportError,
    },
    /// The answer does not obey the standard.
    #[error("{command}: unusable answer of the device: {what}")]
    Reply {
        /// The command.
        command: OperationCode,
        /// What is wrong with it.
        what: String,
    },
    /// A block on tape has another length than every block of this format.
    #[error("file {file} block {block}: block of {actual} bytes on tape, expected {expected}")]
    BlockLength {
        /// File number on tape.
        file: u64,
        /// Block in the file, from 0.
        block: u64,
        /// Length asked for.
        expected: u32,
        /// Length on tape; at least this much if the device cannot tell.
        actual: i64,
    },
    /// Where in which tape file a command failed.
    #[error("file {file} block {block}: {source}")]
    InFile {
        /// File number on tape.
        file: u64,
        /// Block in the file, from 0.
        block: u64,
        /// What failed.
        source: Box<ScsiError>,
    },
    /// The logical unit is no tape drive.
    #[error("not a tape drive but a {found}")]
    NotATapeDrive {
        /// What it is.
        found: PeripheralType,
    },
    /// Only partition 0 is used.
    #[error("partitioned tapes are not supported (the tape stands in partition {partition})")]
    Partitioned {
        /// Where the tape stands.
        partition: u32,
    },
    /// The drive stands elsewhere than it should.
    #[error("the drive stands at file {found_file}, object {found_object}, instead of {expected}")]
    WrongPosition {
        /// Where it should stand, in words.
        expected: String,
        /// File number reported.
        found_file: u64,
        /// Object number reported.
        found_object: u64,
    },
    /// The drive does not know where it stands.
    #[error("the drive does not know its position on the tape; rewind first")]
    UnknownPosition,
    /// A [`crate::drive::Position`] that another movement has made worthless.
    #[error("the drive was moved since this position was taken (file {file})")]
    StalePosition {
        /// File number of the position.
        file: u64,
    },
    /// More blocks, or the end, for a file that had a write error.
    #[error("the file was given up after an error")]
    GivenUp,
    /// Nothing to read: the tape is blank.
    #[error("no data on the tape")]
    BlankTape,
    /// The wait for the drive ended without success.
    #[error("the drive is not ready after {} s: {last}", waited.as_secs())]
    NotReady {
        /// How long was waited.
        waited: Duration,
        /// The last answer.
        last: Box<ScsiError>,
    },
    /// A block that the drive or this crate cannot transfer at once.
    #[error("blocks of {length} bytes cannot be transferred: the drive takes {min} to {max}")]
    BlockSize {
        /// Length asked for.
        length: u64,
        /// Smallest length possible.
        min: u32,
        /// Largest length possible.
        max: u32,
    },
    /// A write-once tape that already holds data cannot be erased.
    #[error("write-once (WORM) tape with data: it cannot be erased")]
    WormWithData,
    /// The drive cannot encrypt.
    #[error("the drive does not support AES-GCM encryption")]
    NoEncryption,
    /// The drive did not take over the encryption settings.
    #[error("unexpected encryption mode of the drive: {found}, expected {expected}")]
    EncryptionMode {
        /// What was set.
        expected: &'static str,
        /// What the drive says.
        found: String,
    },
    /// Cancelled between two commands.
    #[error("stopped on request")]
    Cancelled,
}

impl ScsiError {
    /// What can be done about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            ScsiError::Check { check, .. } | ScsiError::Deferred { check, .. } => {
                meaning::of(&check.sense).class
            }
            ScsiError::PositionLost { .. } => ErrorClass::System,
            ScsiError::NoSenseData { .. }
            | ScsiError::MalformedSense { .. }
            | ScsiError::Reply { .. } => ErrorClass::System,
            ScsiError::Status { status, .. } => match status {
                Status::Busy | Status::TaskSetFull | Status::TaskAborted => ErrorClass::Retry,
                Status::ReservationConflict => ErrorClass::Operator,
                _ => ErrorClass::System,
            },
            ScsiError::Transport { source, .. } => match source {
                TransportError::Repeat { .. } => ErrorClass::Retry,
                TransportError::Reserved | TransportError::PermissionDenied => ErrorClass::Operator,
                _ => ErrorClass::System,
            },
            ScsiError::BlockLength { .. } | ScsiError::BlankTape => ErrorClass::Data,
            ScsiError::Partitioned { .. }
            | ScsiError::WormWithData
            | ScsiError::NotATapeDrive { .. } => ErrorClass::Operator,
            ScsiError::NoEncryption => ErrorClass::Operator,
            ScsiError::WrongPosition { .. }
            | ScsiError::UnknownPosition
            | ScsiError::EncryptionMode { .. } => ErrorClass::System,
            ScsiError::StalePosition { .. } | ScsiError::BlockSize { .. } | ScsiError::GivenUp => {
                ErrorClass::Usage
            }
            ScsiError::NotReady { last, .. } => match last.class() {
                ErrorClass::Retry => ErrorClass::Operator,
                other => other,
            },
            ScsiError::InFile { source, .. } => source.class(),
            ScsiError::Cancelled => ErrorClass::Aborted,
        }
    }

    /// Sense data of the failed command, if the device gave any.
    pub fn sense(&self) -> Option<&Sense> {
        match self {
            ScsiError::Check { check, .. }
            | ScsiError::Deferred { check, .. }
            | ScsiError::PositionLost { check, .. } => Some(&check.sense),
            ScsiError::NotReady { last, .. } => last.sense(),
            ScsiError::InFile { source, .. } => source.sense(),
            _ => None,
        }
    }

    /// Words that a target in this process gave with the sense data: the path and cause of a failure below a virtual drive.
    pub fn detail(&self) -> Option<&str> {
        match self {
            ScsiError::Check { check, .. }
            | ScsiError::Deferred { check, .. }
            | ScsiError::PositionLost { check, .. } => check.detail.as_deref(),
            ScsiError::NotReady { last, .. } => last.detail(),
            ScsiError::InFile { source, .. } => source.detail(),
            _ => None,
        }
    }

    /// True if the device does not know the command, or not in this form: a feature is missing, nothing is wrong.
    pub fn is_refused_function(&self) -> bool {
        self.sense().is_some_and(|sense| {
            sense.key == SenseKey::IllegalRequest
                && matches!(
                    sense.code,
                    AdditionalSense::INVALID_OPERATION_CODE | AdditionalSense::INVALID_FIELD_IN_CDB
                )
        })
    }

    /// True if the tape's position is unknown after this error.
    pub fn loses_position(&self) -> bool {
        match self {
            ScsiError::PositionLost { .. } | ScsiError::Deferred { .. } => true,
            ScsiError::Transport { source, .. } => source.loses_position(),
            ScsiError::InFile { source, .. } => source.loses_position(),
            ScsiError::Check { check, .. } => check.sense.code.loses_position(),
            _ => false,
        }
    }
}
