//! READ, WRITE, WRITE FILEMARKS, READ BLOCK LIMITS.

use super::{bit, u24, u24_bytes};
use crate::opcode::OperationCode;
use crate::transport::Cdb;

/// Byte 1: the length counts blocks of the fixed length, not bytes.
const FIXED: u8 = 0x01;
/// Byte 1 of READ: a block of another length is no error.
const SILI: u8 = 0x02;
/// Byte 1 of WRITE FILEMARKS: do not wait until everything is on tape.
const IMMED: u8 = 0x01;
/// Byte 1 of WRITE FILEMARKS: setmarks instead of filemarks (obsolete).
const WSMK: u8 = 0x02;

/// READ(6) (SSC-3 6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// `length` counts blocks of the length set by MODE SELECT.
    pub fixed: bool,
    /// Blocks of another length are no error: shorter ones leave a residual, longer ones are silently cut.
    pub suppress_incorrect_length: bool,
    /// Bytes, or blocks if `fixed`; 24 bits.
    pub length: u32,
}

impl Read {
    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let [a, b, c] = u24_bytes(self.length);
        let flags = bit(self.fixed, FIXED) | bit(self.suppress_incorrect_length, SILI);
        Cdb::new([OperationCode::READ_6.0, flags, a, b, c, 0])
    }

    /// Reads the CDB.
    pub fn parse(cdb: &[u8; 6]) -> Self {
        Self {
            fixed: cdb[1] & FIXED != 0,
            suppress_incorrect_length: cdb[1] & SILI != 0,
            length: u24([cdb[2], cdb[3], cdb[4]]),
        }
    }
}

/// WRITE(6) (SSC-3 6.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write {
    /// `length` counts blocks of the length set by MODE SELECT.
    pub fixed: bool,
    /// Bytes, or blocks if `fixed`; 24 bits.
    pub length: u32,
}

impl Write {
    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let [a, b, c] = u24_bytes(self.length);
        Cdb::new([OperationCode::WRITE_6.0, bit(self.fixed, FIXED), a, b, c, 0])
    }

    /// Reads the CDB.
    pub fn parse(cdb: &[u8; 6]) -> Self {
        Self {
            fixed: cdb[1] & FIXED != 0,
            length: u24([cdb[2], cdb[3], cdb[4]]),
        }
    }
}

/// WRITE FILEMARKS(6) (SSC-3 6.9). Count 0, not immediate, is the flush command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteFilemarks {
    /// Number of marks; 24 bits.
    pub count: u32,
    /// Status is given before the marks (and the data before them) are on tape.
    pub immediate: bool,
}

impl WriteFilemarks {
    /// Everything written so far has to be on tape before the status comes.
    pub const SYNC: Self = Self {
        count: 0,
        immediate: false,
    };

    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let [a, b, c] = u24_bytes(self.count);
        Cdb::new([
            OperationCode::WRITE_FILEMARKS_6.0,
            bit(self.immediate, IMMED),
            a,
            b,
            c,
            0,
        ])
    }

    /// Reads the CDB; `None` for setmarks.
    pub fn parse(cdb: &[u8; 6]) -> Option<Self> {
        (cdb[1] & WSMK == 0).then(|| Self {
            count: u24([cdb[2], cdb[3], cdb[4]]),
            immediate: cdb[1] & IMMED != 0,
        })
    }
}

/// Length of the answer to READ BLOCK LIMITS.
pub const BLOCK_LIMITS_BYTES: usize = 6;

/// READ BLOCK LIMITS (SSC-3 7.5).
pub const fn read_block_limits() -> Cdb {
    Cdb::new([OperationCode::READ_BLOCK_LIMITS.0, 0, 0, 0, 0, 0])
}

/// Answer to READ BLOCK LIMITS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockLimits {
    /// Lengths are multiples of 2 to the power of this.
    pub granularity: u8,
    /// Longest block in bytes; 24 bits.
    pub max: u32,
    /// Shortest block in bytes.
    pub min: u16,
}

const GRANULARITY_MASK: u8 = 0x1F;

impl BlockLimits {
    /// Bytes of the answer.
    pub fn to_bytes(&self) -> [u8; BLOCK_LIMITS_BYTES] {
        let [a, b, c] = u24_bytes(self.max);
        let [high, low] = self.min.to_be_bytes();
        [self.granularity & GRANULARITY_MASK, a, b, c, high, low]
    }

    /// Reads the answer.
    pub fn parse(bytes: &[u8; BLOCK_LIMITS_BYTES]) -> Self {
        Self {
            granularity: bytes[0] & GRANULARITY_MASK,
            max: u24([bytes[1], bytes[2], bytes[3]]),
            min: u16::from_be_bytes([bytes[4], bytes[5]]),
        }
    }
}
