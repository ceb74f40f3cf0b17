//! The one way to a device: a CDB and its data go out, a status comes back.
//!
//! Everything else in this crate is pure functions over bytes. Whatever stands between host and device (a kernel node, an
//! emulator in the process, a recorder, a fault) is an implementation of [`Transport`] or a wrapper around one, so the host
//! logic has no switch for it.

use std::fmt;
use std::time::Duration;

use crate::opcode::OperationCode;
use crate::sense::{MalformedSense, Sense};

/// Longest command descriptor block that this crate builds (SPC-4 4.2.5; variable length CDBs are not used).
pub const MAX_CDB_BYTES: usize = 16;

/// Room for sense data. SPC-4 4.5 allows 252 bytes; what is parsed lies in the first 96 of every known device.
pub const MAX_SENSE_BYTES: usize = 96;

/// A command descriptor block of 6, 10, 12 or 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cdb {
    bytes: [u8; MAX_CDB_BYTES],
    length: u8,
}

impl Cdb {
    /// A CDB of `N` bytes. `N` is 6, 10, 12 or 16; more does not compile.
    pub const fn new<const N: usize>(bytes: [u8; N]) -> Self {
        const { assert!(N > 0 && N <= MAX_CDB_BYTES) };
        let mut all = [0; MAX_CDB_BYTES];
        let mut i = 0;
        while i < N {
            all[i] = bytes[i];
            i += 1;
        }
        Self {
            bytes: all,
            length: N as u8,
        }
    }

    /// Takes a CDB as it comes from a foreign initiator; `None` if it is empty or longer than [`MAX_CDB_BYTES`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() || bytes.len() > MAX_CDB_BYTES {
            return None;
        }
        let mut all = [0; MAX_CDB_BYTES];
        all[..bytes.len()].copy_from_slice(bytes);
        Some(Self {
            bytes: all,
            length: bytes.len() as u8,
        })
    }

    /// The bytes that go to the device.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// First byte, which names the command.
    pub fn opcode(&self) -> OperationCode {
        OperationCode(self.bytes[0])
    }
}

impl fmt::Debug for Cdb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [", self.opcode())?;
        for (i, byte) in self.as_bytes().iter().enumerate() {
            write!(f, "{}{byte:02X}", if i == 0 { "" } else { " " })?;
        }
        f.write_str("]")
    }
}

/// The data phase of a command.
#[derive(Debug)]
pub enum Data<'a> {
    /// No data phase.
    None,
    /// Device to host; at most the buffer's length is transferred.
    In(&'a mut [u8]),
    /// Host to device.
    Out(&'a [u8]),
}

impl Data<'_> {
    /// Length of the buffer in bytes.
    pub fn len(&self) -> usize {
        match self {
            Data::None => 0,
            Data::In(buffer) => buffer.len(),
            Data::Out(buffer) => buffer.len(),
        }
    }

    /// True if nothing can be transferred.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Status byte of a finished command (SAM-5 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 00h
    Good,
    /// 02h: sense data says what happened.
    CheckCondition,
    /// 04h
    ConditionMet,
    /// 08h
    Busy,
    /// 18h
    ReservationConflict,
    /// 28h
    TaskSetFull,
    /// 30h
    AcaActive,
    /// 40h
    TaskAborted,
    /// Anything else.
    Other(u8),
}

impl From<u8> for Status {
    fn from(byte: u8) -> Self {
        match byte {
            0x00 => Status::Good,
            0x02 => Status::CheckCondition,
            0x04 => Status::ConditionMet,
            0x08 => Status::Busy,
            0x18 => Status::ReservationConflict,
            0x28 => Status::TaskSetFull,
            0x30 => Status::AcaActive,
            0x40 => Status::TaskAborted,
            other => Status::Other(other),
        }
    }
}

impl From<Status> for u8 {
    fn from(status: Status) -> Self {
        match status {
            Status::Good => 0x00,
            Status::CheckCondition => 0x02,
            Status::ConditionMet => 0x04,
            Status::Busy => 0x08,
            Status::ReservationConflict => 0x18,
            Status::TaskSetFull => 0x28,
            Status::AcaActive => 0x30,
            Status::TaskAborted => 0x40,
            Status::Other(byte) => byte,
        }
    }
}

/// What came back for a command that reached the device. Holds no heap memory on the normal path.
#[derive(Clone, Debug)]
pub struct Completion {
    /// SAM status byte.
    pub status: Status,
    /// Bytes of the buffer that were **not** transferred; never more than its length.
    pub residual: usize,
    /// Words that a target in this process adds to its sense data (a path and the system's error text). Real devices have none.
    pub detail: Option<Box<str>>,
    sense: [u8; MAX_SENSE_BYTES],
    sense_length: u8,
}

impl Completion {
    /// GOOD with `residual` bytes not transferred.
    pub fn good(residual: usize) -> Self {
        Self::with_status(Status::Good, residual)
    }

    /// A status without sense data.
    pub fn with_status(status: Status, residual: usize) -> Self {
        Self {
            status,
            residual,
            detail: None,
            sense: [0; MAX_SENSE_BYTES],
            sense_length: 0,
        }
    }

    /// CHECK CONDITION with sense bytes as the device sent them (cut to [`MAX_SENSE_BYTES`]).
    pub fn check_condition(sense: &[u8], residual: usize) -> Self {
        let mut completion = Self::with_status(Status::CheckCondition, residual);
        let length = sense.len().min(MAX_SENSE_BYTES);
        completion.sense[..length].copy_from_slice(&sense[..length]);
        completion.sense_length = length as u8;
        completion
    }

    /// Adds [`Completion::detail`].
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Box<str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Raw sense bytes; empty if the device sent none.
    pub fn sense_bytes(&self) -> &[u8] {
        &self.sense[..usize::from(self.sense_length)]
    }

    /// Parses the sense bytes. `None`: the device sent none.
    pub fn sense(&self) -> Option<Result<Sense, MalformedSense>> {
        (self.sense_length > 0).then(|| Sense::parse(self.sense_bytes()))
    }
}

/// The command did not reach the device, or its answer did not reach us (scsi.md 1.2 items 1 and 3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// ENODEV, ENXIO, or the node vanished.
    #[error("the device is gone")]
    DeviceGone,
    /// The device did not answer in time; the kernel has aborted the command and reset the device: position is lost.
    #[error("no answer within {seconds} s; the command was aborted and the device reset")]
    Timeout {
        /// The limit that passed.
        seconds: u64,
    },
    /// The path to the device failed while the command ran: whether it was executed is unknown, position is lost.
    #[error("connection to the device lost ({reason})")]
    ConnectionLost {
        /// Which host status, in words.
        reason: &'static str,
    },
    /// The host adapter asks to send the command again; it was not executed.
    #[error("the host adapter asks to repeat the command ({reason})")]
    Repeat {
        /// Which host status, in words.
        reason: &'static str,
    },
    /// Another host holds a reservation.
    #[error("the device is reserved by another host")]
    Reserved,
    /// EINVAL or ENOMEM for a big buffer.
    #[error("the host adapter does not allow transfers of {bytes} bytes in one command")]
    TransferTooLarge {
        /// Length that was refused.
        bytes: usize,
    },
    /// EPERM or EACCES.
    #[error("permission denied")]
    PermissionDenied,
    /// The answer contradicts itself, for example more bytes transferred than the buffer holds.
    #[error("implausible answer from the host adapter: {what}")]
    Implausible {
        /// What is wrong with it.
        what: &'static str,
    },
    /// Any other error of the operating system.
    #[error("{message}")]
    System {
        /// The system's text.
        message: String,
    },
}

impl TransportError {
    /// True if nobody can say any more where the tape stands.
    pub fn loses_position(&self) -> bool {
        matches!(
            self,
            TransportError::DeviceGone
                | TransportError::Timeout { .. }
                | TransportError::ConnectionLost { .. }
                | TransportError::Implausible { .. }
        )
    }
}

/// Executes SCSI commands on one logical unit.
///
/// The only I/O in this crate. Implementations must not retry, must not interpret sense data, and must be cheap: apart from
/// the transfer itself a command has to cost well under 20 microseconds and should not allocate.
pub trait Transport: Send {
    /// Sends `cdb` with its data phase and waits for the status, at most `timeout`.
    ///
    /// `Ok` means that the device gave a status, which may well be CHECK CONDITION.
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Completion, TransportError>;
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Completion, TransportError> {
        (**self).execute(cdb, data, timeout)
    }
}

impl<T: Transport + ?Sized> Transport for &mut T {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Completion, TransportError> {
        (**self).execute(cdb, data, timeout)
    }
}
