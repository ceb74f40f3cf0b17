//! The command ring of target_core_user, mailbox version 2 (<linux/target_core_user.h>).
//!
//! Commands lie one behind the other between tail and head. An answer overwrites its command, then the tail moves on: strictly
//! in order, which is what a tape wants.

use std::time::Duration;

use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::sense::{Sense, SenseKey};
use ferrite_scsi::transport::MAX_SENSE_BYTES;
use ferrite_scsi::{Cdb, Completion, Data, Transport, TransportError};

use crate::memory::{OutOfBounds, SharedMemory};

/// `struct tcmu_mailbox`.
mod mailbox {
    pub const VERSION_AND_FLAGS: u64 = 0;
    pub const RING_OFFSET: u64 = 4;
    pub const RING_BYTES: u64 = 8;
    pub const HEAD: u64 = 12;
    pub const TAIL: u64 = 64;
    /// In the upper half of [`VERSION_AND_FLAGS`].
    pub const CAN_READ_LENGTH: u16 = 1 << 1;
    pub const VERSION: u16 = 2;
}

/// `struct tcmu_cmd_entry`, as a command and as an answer.
mod entry {
    pub const LENGTH_AND_OPERATION: u64 = 0;
    pub const OPERATION_MASK: u32 = 7;
    pub const USER_FLAGS: u64 = 7;
    pub const UNKNOWN_OPERATION: u8 = 1;
    pub const READ_LENGTH_VALID: u8 = 2;
    pub const PIECES: u64 = 8;
    pub const CDB_OFFSET: u64 = 24;
    pub const FIRST_PIECE: u64 = 48;
    /// `struct iovec`: offset and length, 8 bytes each.
    pub const PIECE_BYTES: u64 = 16;
    pub const STATUS: u64 = 8;
    pub const READ_LENGTH: u64 = 12;
    pub const SENSE: u64 = 16;
    /// `TCMU_SENSE_BUFFERSIZE`
    pub const SENSE_BYTES: usize = 96;
}

const _: () = assert!(MAX_SENSE_BYTES <= entry::SENSE_BYTES);

/// Operations of an entry.
const PADDING: u32 = 0;
const COMMAND: u32 = 1;

/// More than any host adapter of the kernel sends at once.
const MOST_DATA_BYTES: u64 = 64 << 20;
/// The kernel waits as long as it takes (`cmd_time_out` is 0).
const NO_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// The kernel's side of the mailbox makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// Another layout than the one known here.
    #[error(
        "mailbox version {version}, flags {flags:04X}h: version {} with read lengths is needed",
        mailbox::VERSION
    )]
    Version {
        /// Of the layout.
        version: u16,
        /// What it can do.
        flags: u16,
    },
    /// Something lies outside.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
    /// Lengths contradict each other.
    #[error("ring entry at {at}: {what}")]
    Entry {
        /// Offset in the ring.
        at: u32,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// The ring of one device.
#[derive(Debug)]
pub struct Ring {
    memory: SharedMemory,
    start: u64,
    bytes: u32,
    /// For data in several pieces.
    joined: Vec<u8>,
}

/// Part of a command's data.
#[derive(Clone, Copy, Debug)]
struct Piece {
    at: u64,
    length: usize,
}

impl Ring {
    /// Reads where the ring is.
    ///
    /// # Errors
    /// [`RingError::Version`], or a ring that does not fit into the memory.
    pub fn new(memory: SharedMemory) -> Result<Self, RingError> {
        let [version, flags] = halves(memory.number(mailbox::VERSION_AND_FLAGS)?);
        if version != mailbox::VERSION || flags & mailbox::CAN_READ_LENGTH == 0 {
            return Err(RingError::Version { version, flags });
        }
        let start = u64::from(memory.number(mailbox::RING_OFFSET)?);
        let bytes = memory.number(mailbox::RING_BYTES)?;
        if bytes == 0 {
            let what = "the ring is empty";
            return Err(RingError::Entry { at: 0, what });
        }
        memory.number(start + u64::from(bytes) - 4)?;
        Ok(Self {
            memory,
            start,
            bytes,
            joined: Vec::new(),
        })
    }

    /// Executes all commands that are there, and says how many entries it went through. The caller wakes the kernel.
    ///
    /// # Errors
    /// An entry that makes no sense. Nothing behind it can be found any more.
    pub fn serve(&mut self, transport: &mut dyn Transport) -> Result<u32, RingError> {
        let mut entries = 0;
        loop {
            let tail = self.memory.number(mailbox::TAIL)?;
            let head = self.memory.number(mailbox::HEAD)?;
            if tail == head {
                return Ok(entries);
            }
            if tail.max(head) >= self.bytes {
                let what = "head or tail is outside of the ring";
                return Err(RingError::Entry { at: tail, what });
            }
            // Up to the head, or up to the ring's end if the head is in the next round.
            let end = if head > tail { head } else { self.bytes };
            let next = tail + self.serve_entry(tail, end - tail, transport)?;
            self.memory.store_number(mailbox::TAIL, next % self.bytes)?;
            entries += 1;
        }
    }

    /// Executes one entry and gives its length, which is not more than `room`.
    fn serve_entry(
        &mut self,
        at: u32,
        room: u32,
        transport: &mut dyn Transport,
    ) -> Result<u32, RingError> {
        let wrong = |what| Err(RingError::Entry { at, what });
        let entry = self.start + u64::from(at);
        let length_and_operation = self.memory.number(entry + entry::LENGTH_AND_OPERATION)?;
        let length = length_and_operation & !entry::OPERATION_MASK;
        if length == 0 {
            return wrong("it has no length");
        }
        if length > room {
            return wrong("it reaches beyond the head or the ring's end");
        }
        match length_and_operation & entry::OPERATION_MASK {
            PADDING => {}
            COMMAND => {
                if u64::from(length) < entry::SENSE + entry::SENSE_BYTES as u64 {
                    return wrong("no room for an answer");
                }
                let pieces = self.pieces(at, entry, length)?;
                let (direction, completion) = self.execute(entry, &pieces, transport)?;
                self.answer(entry, &pieces, direction, &completion)?;
            }
            _ => {
                self.memory
                    .write(entry + entry::USER_FLAGS, &[entry::UNKNOWN_OPERATION])?;
            }
        }
        Ok(length)
    }

    fn pieces(&self, at: u32, entry: u64, length: u32) -> Result<Vec<Piece>, RingError> {
        let count = u64::from(self.memory.number(entry + entry::PIECES)?);
        if entry::FIRST_PIECE + count * entry::PIECE_BYTES > u64::from(length) {
            let what = "more pieces of data than it has room for";
            return Err(RingError::Entry { at, what });
        }
        let mut total = 0_u64;
        let mut pieces = Vec::new();
        for number in 0..count {
            let place = entry + entry::FIRST_PIECE + number * entry::PIECE_BYTES;
            let offset = u64::from_ne_bytes(self.memory.array(place)?);
            let bytes = u64::from_ne_bytes(self.memory.array(place + 8)?);
            total = total.saturating_add(bytes);
            if total > MOST_DATA_BYTES {
                let what = "more data than any command has";
                return Err(RingError::Entry { at, what });
            }
            pieces.push(Piece {
                at: offset,
                length: bytes as usize,
            });
        }
        Ok(pieces)
    }

    fn execute(
        &mut self,
        entry: u64,
        pieces: &[Piece],
        transport: &mut dyn Transport,
    ) -> Result<(Direction, Completion), RingError> {
        let place = u64::from_ne_bytes(self.memory.array(entry + entry::CDB_OFFSET)?);
        let [opcode] = self.memory.array(place)?;
        let mut bytes = vec![0; cdb_length(opcode)];
        self.memory.read(place, &mut bytes)?;
        let Some(cdb) = Cdb::from_bytes(&bytes) else {
            return Ok((Direction::Out, refused()));
        };
        let direction = Direction::of(cdb.opcode());
        let result = match *pieces {
            [] => transport.execute(&cdb, Data::None, NO_LIMIT),
            [piece] => {
                let data = self.memory.lend(piece.at, piece.length)?;
                transport.execute(&cdb, direction.data(data), NO_LIMIT)
            }
            _ => self.execute_joined(&cdb, direction, pieces, transport)?,
        };
        Ok((direction, result.unwrap_or_else(|error| lost(&error))))
    }

    fn execute_joined(
        &mut self,
        cdb: &Cdb,
        direction: Direction,
        pieces: &[Piece],
        transport: &mut dyn Transport,
    ) -> Result<Result<Completion, TransportError>, RingError> {
        let mut joined = std::mem::take(&mut self.joined);
        joined.resize(pieces.iter().map(|piece| piece.length).sum(), 0);
        let mut done = 0;
        for piece in pieces {
            self.memory
                .read(piece.at, &mut joined[done..done + piece.length])?;
            done += piece.length;
        }
        let result = transport.execute(cdb, direction.data(&mut joined), NO_LIMIT);
        if direction == Direction::In {
            let mut done = 0;
            for piece in pieces {
                self.memory
                    .write(piece.at, &joined[done..done + piece.length])?;
                done += piece.length;
            }
        }
        self.joined = joined;
        Ok(result)
    }

    fn answer(
        &mut self,
        entry: u64,
        pieces: &[Piece],
        direction: Direction,
        completion: &Completion,
    ) -> Result<(), RingError> {
        let length: usize = pieces.iter().map(|piece| piece.length).sum();
        let transferred = length.saturating_sub(completion.residual);
        let mut sense = [0; entry::SENSE_BYTES];
        let given = completion.sense_bytes();
        sense[..given.len()].copy_from_slice(given);
        let memory = &mut self.memory;
        memory.write(
            entry + entry::STATUS,
            &[u8::from(completion.status), 0, 0, 0],
        )?;
        memory.write(entry + entry::SENSE, &sense)?;
        // A length of 0 means "all" to the kernel: that nothing was read cannot be said.
        if direction == Direction::In && length > 0 {
            let read = u32::try_from(transferred).unwrap_or(u32::MAX);
            memory.store_number(entry + entry::READ_LENGTH, read)?;
            memory.write(entry + entry::USER_FLAGS, &[entry::READ_LENGTH_VALID])?;
        } else {
            memory.store_number(entry + entry::READ_LENGTH, 0)?;
            memory.write(entry + entry::USER_FLAGS, &[0])?;
        }
        Ok(())
    }
}

/// Which way a command's data goes. The ring does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    In,
    Out,
}

impl Direction {
    fn of(opcode: OperationCode) -> Self {
        /// SPC-3 6.28, 6.5, 6.13, 6.35
        const SEND_DIAGNOSTIC: u8 = 0x1D;
        const LOG_SELECT: u8 = 0x4C;
        const PERSISTENT_RESERVE_OUT: u8 = 0x5F;
        const WRITE_BUFFER: u8 = 0x3B;
        /// SPC-4 6.19
        const MAINTENANCE_OUT: u8 = 0xA4;
        /// SMC-3 6.14
        const SEND_VOLUME_TAG: u8 = 0xB6;
        match opcode {
            OperationCode::WRITE_6
            | OperationCode::MODE_SELECT_6
            | OperationCode::MODE_SELECT_10
            | OperationCode::WRITE_ATTRIBUTE
            | OperationCode::SECURITY_PROTOCOL_OUT
            | OperationCode(
                SEND_DIAGNOSTIC
                | LOG_SELECT
                | PERSISTENT_RESERVE_OUT
                | WRITE_BUFFER
                | MAINTENANCE_OUT
                | SEND_VOLUME_TAG,
            ) => Direction::Out,
            _ => Direction::In,
        }
    }

    fn data(self, bytes: &mut [u8]) -> Data<'_> {
        match self {
            Direction::In => Data::In(bytes),
            Direction::Out => Data::Out(bytes),
        }
    }
}

/// Length by the group in the upper three bits (SPC-3 4.3.4.1); vendor specific ones as long as can be.
fn cdb_length(opcode: u8) -> usize {
    match opcode >> 5 {
        0 => 6,
        1 | 2 => 10,
        5 => 12,
        _ => 16,
    }
}

fn halves(number: u32) -> [u16; 2] {
    let [a, b, c, d] = number.to_ne_bytes();
    [u16::from_ne_bytes([a, b]), u16::from_ne_bytes([c, d])]
}

fn refused() -> Completion {
    let sense = Sense::new(
        SenseKey::IllegalRequest,
        AdditionalSense::INVALID_OPERATION_CODE,
    );
    Completion::check_condition(&sense.to_fixed(), 0)
}

/// The way from here to the target failed: for the kernel, a command that the device gave up.
fn lost(_error: &TransportError) -> Completion {
    let sense = Sense::new(SenseKey::AbortedCommand, AdditionalSense::NONE);
    Completion::check_condition(&sense.to_fixed(), 0)
}
