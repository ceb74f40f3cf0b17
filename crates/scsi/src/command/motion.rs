//! Where the tape stands, and how it gets elsewhere: READ POSITION, REWIND, SPACE, LOCATE.

use super::{bit, u24, u24_bytes};
use crate::opcode::OperationCode;
use crate::transport::Cdb;

/// Byte 1 of REWIND and LOCATE.
const IMMED: u8 = 0x01;

/// REWIND (SSC-3 7.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewind {
    /// Status is given before the tape has arrived.
    pub immediate: bool,
}

impl Rewind {
    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        Cdb::new([
            OperationCode::REWIND.0,
            bit(self.immediate, IMMED),
            0,
            0,
            0,
            0,
        ])
    }

    /// Reads the CDB.
    pub fn parse(cdb: &[u8; 6]) -> Self {
        Self {
            immediate: cdb[1] & IMMED != 0,
        }
    }
}

/// What SPACE counts (SSC-3 table 39).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpaceUnit {
    /// Logical blocks; stops at a filemark.
    Blocks,
    /// Filemarks.
    Filemarks,
    /// To the end of data; no count.
    EndOfData,
}

const SPACE_CODE_MASK: u8 = 0x0F;
const SPACE_BLOCKS: u8 = 0x00;
const SPACE_FILEMARKS: u8 = 0x01;
const SPACE_END_OF_DATA: u8 = 0x03;

impl SpaceUnit {
    fn code(self) -> u8 {
        match self {
            SpaceUnit::Blocks => SPACE_BLOCKS,
            SpaceUnit::Filemarks => SPACE_FILEMARKS,
            SpaceUnit::EndOfData => SPACE_END_OF_DATA,
        }
    }

    fn from_code(byte: u8) -> Option<Self> {
        match byte & SPACE_CODE_MASK {
            SPACE_BLOCKS => Some(SpaceUnit::Blocks),
            SPACE_FILEMARKS => Some(SpaceUnit::Filemarks),
            SPACE_END_OF_DATA => Some(SpaceUnit::EndOfData),
            _ => None,
        }
    }
}

/// SPACE(6) (SSC-3 6.6) or, for counts that do not fit 24 bits, SPACE(16) (SSC-3 7.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// What to count.
    pub unit: SpaceUnit,
    /// How many; negative is towards the beginning.
    pub count: i64,
}

const SPACE_6_MIN: i64 = -0x7F_FFFE;
const SPACE_6_MAX: i64 = 0x7F_FFFF;

impl Space {
    /// To the end of data.
    pub const END_OF_DATA: Self = Self {
        unit: SpaceUnit::EndOfData,
        count: 0,
    };

    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        if (SPACE_6_MIN..=SPACE_6_MAX).contains(&self.count) {
            let [a, b, c] = u24_bytes(self.count as u32);
            return Cdb::new([OperationCode::SPACE_6.0, self.unit.code(), a, b, c, 0]);
        }
        let mut bytes = [0; 16];
        bytes[0] = OperationCode::SPACE_16.0;
        bytes[1] = self.unit.code();
        bytes[4..12].copy_from_slice(&self.count.to_be_bytes());
        Cdb::new(bytes)
    }

    /// Reads SPACE(6); `None` for a unit that no present drive knows.
    pub fn parse_6(cdb: &[u8; 6]) -> Option<Self> {
        // Sign-extend 24 bits.
        let count = ((u24([cdb[2], cdb[3], cdb[4]]) << 8) as i32) >> 8;
        Some(Self {
            unit: SpaceUnit::from_code(cdb[1])?,
            count: i64::from(count),
        })
    }

    /// Reads SPACE(16); `None` as for [`Space::parse_6`].
    pub fn parse_16(cdb: &[u8; 16]) -> Option<Self> {
        let mut count = [0; 8];
        count.copy_from_slice(&cdb[4..12]);
        Some(Self {
            unit: SpaceUnit::from_code(cdb[1])?,
            count: i64::from_be_bytes(count),
        })
    }
}

/// Where LOCATE goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocateTarget {
    /// Logical object (block or filemark) number.
    Object(u64),
    /// Logical file identifier: number of filemarks before the position.
    File(u64),
    /// End of data. Refused by some drives: use SPACE.
    EndOfData,
}

/// LOCATE(16) (SSC-3 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locate {
    /// Destination, in the current partition.
    pub target: LocateTarget,
    /// Status is given before the tape has arrived.
    pub immediate: bool,
}

const DEST_TYPE_SHIFT: u8 = 3;
const DEST_TYPE_MASK: u8 = 0x03;
const DEST_OBJECT: u8 = 0x00;
const DEST_FILE: u8 = 0x01;
const DEST_END_OF_DATA: u8 = 0x03;
/// Byte 1: change partition.
const CHANGE_PARTITION: u8 = 0x02;

impl Locate {
    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let (dest, number) = match self.target {
            LocateTarget::Object(number) => (DEST_OBJECT, number),
            LocateTarget::File(number) => (DEST_FILE, number),
            LocateTarget::EndOfData => (DEST_END_OF_DATA, 0),
        };
        let mut bytes = [0; 16];
        bytes[0] = OperationCode::LOCATE_16.0;
        bytes[1] = (dest << DEST_TYPE_SHIFT) | bit(self.immediate, IMMED);
        bytes[4..12].copy_from_slice(&number.to_be_bytes());
        Cdb::new(bytes)
    }

    /// Reads LOCATE(16); `None` for unknown destinations and for a partition other than 0.
    pub fn parse_16(cdb: &[u8; 16]) -> Option<Self> {
        if cdb[1] & CHANGE_PARTITION != 0 && cdb[3] != 0 {
            return None;
        }
        let mut number = [0; 8];
        number.copy_from_slice(&cdb[4..12]);
        let number = u64::from_be_bytes(number);
        let target = match (cdb[1] >> DEST_TYPE_SHIFT) & DEST_TYPE_MASK {
            DEST_OBJECT => LocateTarget::Object(number),
            DEST_FILE => LocateTarget::File(number),
            DEST_END_OF_DATA => LocateTarget::EndOfData,
            _ => return None,
        };
        Some(Self {
            target,
            immediate: cdb[1] & IMMED != 0,
        })
    }

    /// Reads LOCATE(10) (SSC-3 6.3), which knows only objects.
    pub fn parse_10(cdb: &[u8; 10]) -> Option<Self> {
        if cdb[1] & CHANGE_PARTITION != 0 && cdb[8] != 0 {
            return None;
        }
        let number = u32::from_be_bytes([cdb[3], cdb[4], cdb[5], cdb[6]]);
        Some(Self {
            target: LocateTarget::Object(u64::from(number)),
            immediate: cdb[1] & IMMED != 0,
        })
    }
}

/// Length of the long form answer.
pub const READ_POSITION_LONG_BYTES: usize = 32;
/// Length of the short form answer.
pub const READ_POSITION_SHORT_BYTES: usize = 20;

/// READ POSITION (SSC-3 7.6): the form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadPosition {
    /// Service action 00h: 20 bytes.
    Short,
    /// Service action 06h: 32 bytes, with the file number.
    Long,
}

const SERVICE_ACTION_MASK: u8 = 0x1F;
const SERVICE_ACTION_SHORT: u8 = 0x00;
/// The short form with vendor specific numbers, which the st driver asks for; LTO drives give the same numbers.
const SERVICE_ACTION_SHORT_VENDOR: u8 = 0x01;
const SERVICE_ACTION_LONG: u8 = 0x06;

impl ReadPosition {
    /// Bytes for the device.
    pub fn cdb(self) -> Cdb {
        let action = match self {
            ReadPosition::Short => SERVICE_ACTION_SHORT,
            ReadPosition::Long => SERVICE_ACTION_LONG,
        };
        Cdb::new([
            OperationCode::READ_POSITION.0,
            action,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
        ])
    }

    /// Reads the CDB; `None` for other forms.
    pub fn parse(cdb: &[u8; 10]) -> Option<Self> {
        match cdb[1] & SERVICE_ACTION_MASK {
            SERVICE_ACTION_SHORT | SERVICE_ACTION_SHORT_VENDOR => Some(ReadPosition::Short),
            SERVICE_ACTION_LONG => Some(ReadPosition::Long),
            _ => None,
        }
    }
}

/// Answer to READ POSITION, long form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TapePosition {
    /// At the beginning of the partition.
    pub beginning: bool,
    /// Past early warning.
    pub past_early_warning: bool,
    /// Past the programmable early warning.
    pub past_programmable_early_warning: bool,
    /// The file number is not known.
    pub mark_count_unknown: bool,
    /// The object number is not known.
    pub object_unknown: bool,
    /// Partition.
    pub partition: u32,
    /// Blocks and filemarks before the position.
    pub object: u64,
    /// Filemarks before the position.
    pub file: u64,
}

const BOP: u8 = 0x80;
const EOP: u8 = 0x40;
const MPU: u8 = 0x08;
const LONU: u8 = 0x04;
const BPEW: u8 = 0x01;

impl TapePosition {
    /// Reads the long form.
    pub fn parse(bytes: &[u8; READ_POSITION_LONG_BYTES]) -> Self {
        let number = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[at..at + 8]);
            u64::from_be_bytes(eight)
        };
        Self {
            beginning: bytes[0] & BOP != 0,
            past_early_warning: bytes[0] & EOP != 0,
            past_programmable_early_warning: bytes[0] & BPEW != 0,
            mark_count_unknown: bytes[0] & MPU != 0,
            object_unknown: bytes[0] & LONU != 0,
            partition: u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            object: number(8),
            file: number(16),
        }
    }

    /// Bytes of the long form.
    pub fn to_bytes(&self) -> [u8; READ_POSITION_LONG_BYTES] {
        let mut bytes = [0; READ_POSITION_LONG_BYTES];
        bytes[0] = bit(self.beginning, BOP)
            | bit(self.past_early_warning, EOP)
            | bit(self.mark_count_unknown, MPU)
            | bit(self.object_unknown, LONU)
            | bit(self.past_programmable_early_warning, BPEW);
        bytes[4..8].copy_from_slice(&self.partition.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.object.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.file.to_be_bytes());
        bytes
    }

    /// Bytes of the short form; positions above 32 bits show as all ones with the overflow bit.
    pub fn to_short_bytes(&self) -> [u8; READ_POSITION_SHORT_BYTES] {
        /// Short form byte 0: position unknown.
        const LOLU: u8 = 0x04;
        /// Short form byte 0: position does not fit.
        const PERR: u8 = 0x02;
        let mut bytes = [0; READ_POSITION_SHORT_BYTES];
        let (object, overflow) =
            u32::try_from(self.object).map_or((u32::MAX, true), |object| (object, false));
        bytes[0] = bit(self.beginning, BOP)
            | bit(self.past_early_warning, EOP)
            | bit(self.object_unknown, LOLU)
            | bit(overflow, PERR)
            | bit(self.past_programmable_early_warning, BPEW);
        bytes[1] = self.partition as u8;
        bytes[4..8].copy_from_slice(&object.to_be_bytes());
        bytes[8..12].copy_from_slice(&object.to_be_bytes());
        bytes
    }
}
