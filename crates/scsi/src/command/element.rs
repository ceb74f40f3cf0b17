//! Commands for a library's robot and its elements (SMC-3 clause 6; scsi.md 3).

use super::{bit, u24, u24_bytes};
use crate::element::ElementType;
use crate::opcode::OperationCode;
use crate::transport::Cdb;

fn address(cdb: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([cdb[at], cdb[at + 1]])
}

/// READ ELEMENT STATUS (SMC-3 6.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadElementStatus {
    /// One type of elements; `None` for all. Some changers garble the answer for all types.
    pub element_type: Option<ElementType>,
    /// With bar codes.
    pub volume_tags: bool,
    /// With serial numbers of drives. Not together with `volume_tags`: some changers refuse or garble that.
    pub device_ids: bool,
    /// From what the changer knows, without moving anything.
    pub current_data: bool,
    /// First element address wanted.
    pub start: u16,
    /// Most elements wanted.
    pub count: u16,
    /// Room for the answer in bytes, 24 bits. Some changers look at the low 16 bits only.
    pub allocation: u32,
}

/// Byte 1 of READ ELEMENT STATUS.
const VOLTAG: u8 = 0x10;
const ELEMENT_TYPE_MASK: u8 = 0x0F;
const ALL_TYPES: u8 = 0x00;
/// Byte 6.
const DVCID: u8 = 0x01;
const CURDATA: u8 = 0x02;

impl ReadElementStatus {
    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let kind = self.element_type.map_or(ALL_TYPES, ElementType::code);
        let [start_high, start_low] = self.start.to_be_bytes();
        let [count_high, count_low] = self.count.to_be_bytes();
        let [a, b, c] = u24_bytes(self.allocation);
        Cdb::new([
            OperationCode::READ_ELEMENT_STATUS.0,
            bit(self.volume_tags, VOLTAG) | kind,
            start_high,
            start_low,
            count_high,
            count_low,
            bit(self.device_ids, DVCID) | bit(self.current_data, CURDATA),
            a,
            b,
            c,
            0,
            0,
        ])
    }

    /// Reads the CDB; `None` for an unknown element type.
    pub fn parse(cdb: &[u8; 12]) -> Option<Self> {
        let element_type = match cdb[1] & ELEMENT_TYPE_MASK {
            ALL_TYPES => None,
            code => Some(ElementType::from_code(code)?),
        };
        Some(Self {
            element_type,
            volume_tags: cdb[1] & VOLTAG != 0,
            device_ids: cdb[6] & DVCID != 0,
            current_data: cdb[6] & CURDATA != 0,
            start: address(cdb, 2),
            count: address(cdb, 4),
            allocation: u24([cdb[7], cdb[8], cdb[9]]),
        })
    }
}

/// MOVE MEDIUM (SMC-3 6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoveMedium {
    /// Robot; 0 is the default one.
    pub transport: u16,
    /// Where the cartridge is.
    pub source: u16,
    /// Where it goes.
    pub destination: u16,
    /// Turned over on the way. Tapes have one side.
    pub invert: bool,
}

/// Byte 10 of MOVE MEDIUM, byte 8 of POSITION TO ELEMENT.
const INVERT: u8 = 0x01;

impl MoveMedium {
    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let mut bytes = [0; 12];
        bytes[0] = OperationCode::MOVE_MEDIUM.0;
        bytes[2..4].copy_from_slice(&self.transport.to_be_bytes());
        bytes[4..6].copy_from_slice(&self.source.to_be_bytes());
        bytes[6..8].copy_from_slice(&self.destination.to_be_bytes());
        bytes[10] = bit(self.invert, INVERT);
        Cdb::new(bytes)
    }

    /// Reads the CDB.
    pub fn parse(cdb: &[u8; 12]) -> Self {
        Self {
            transport: address(cdb, 2),
            source: address(cdb, 4),
            destination: address(cdb, 6),
            invert: cdb[10] & INVERT != 0,
        }
    }
}

/// EXCHANGE MEDIUM (SMC-3 6.1): source to the first destination, what was there to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeMedium {
    /// Robot; 0 is the default one.
    pub transport: u16,
    /// Where the cartridge is.
    pub source: u16,
    /// Where it goes.
    pub first_destination: u16,
    /// Where the cartridge goes that was there; the source is allowed.
    pub second_destination: u16,
}

impl ExchangeMedium {
    /// Bytes for the device; nothing is turned over.
    pub fn cdb(&self) -> Cdb {
        let mut bytes = [0; 12];
        bytes[0] = OperationCode::EXCHANGE_MEDIUM.0;
        bytes[2..4].copy_from_slice(&self.transport.to_be_bytes());
        bytes[4..6].copy_from_slice(&self.source.to_be_bytes());
        bytes[6..8].copy_from_slice(&self.first_destination.to_be_bytes());
        bytes[8..10].copy_from_slice(&self.second_destination.to_be_bytes());
        Cdb::new(bytes)
    }

    /// Reads the CDB.
    pub fn parse(cdb: &[u8; 12]) -> Self {
        Self {
            transport: address(cdb, 2),
            source: address(cdb, 4),
            first_destination: address(cdb, 6),
            second_destination: address(cdb, 8),
        }
    }
}

/// POSITION TO ELEMENT (SMC-3 6.7): the robot drives there and waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionToElement {
    /// Robot; 0 is the default one.
    pub transport: u16,
    /// Where it goes.
    pub destination: u16,
}

impl PositionToElement {
    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let mut bytes = [0; 10];
        bytes[0] = OperationCode::POSITION_TO_ELEMENT.0;
        bytes[2..4].copy_from_slice(&self.transport.to_be_bytes());
        bytes[4..6].copy_from_slice(&self.destination.to_be_bytes());
        Cdb::new(bytes)
    }

    /// Reads the CDB.
    pub fn parse(cdb: &[u8; 10]) -> Self {
        Self {
            transport: address(cdb, 2),
            destination: address(cdb, 4),
        }
    }
}

/// OPEN/CLOSE IMPORT/EXPORT ELEMENT (SMC-3 6.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportExportDoor {
    /// The import/export element.
    pub element: u16,
    /// Close instead of open.
    pub close: bool,
}

/// Byte 4 of OPEN/CLOSE IMPORT/EXPORT ELEMENT.
const ACTION_MASK: u8 = 0x1F;
const ACTION_OPEN: u8 = 0x00;
const ACTION_CLOSE: u8 = 0x01;

impl ImportExportDoor {
    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let [high, low] = self.element.to_be_bytes();
        let action = if self.close {
            ACTION_CLOSE
        } else {
            ACTION_OPEN
        };
        Cdb::new([
            OperationCode::OPEN_CLOSE_IMPORT_EXPORT.0,
            0,
            high,
            low,
            action,
            0,
        ])
    }

    /// Reads the CDB; `None` for an unknown action.
    pub fn parse(cdb: &[u8; 6]) -> Option<Self> {
        let close = match cdb[4] & ACTION_MASK {
            ACTION_OPEN => false,
            ACTION_CLOSE => true,
            _ => return None,
        };
        Some(Self {
            element: address(cdb, 2),
            close,
        })
    }
}

/// Elements that INITIALIZE ELEMENT STATUS WITH RANGE looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitializeRange {
    /// First element address.
    pub first: u16,
    /// How many.
    pub count: u16,
}

/// INITIALIZE ELEMENT STATUS (SMC-3 6.2, 6.3): look everywhere, read all bar codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitializeElements {
    /// All elements: 07h.
    All,
    /// Some elements: 37h.
    Range(InitializeRange),
    /// Some elements, with the operation code of older changers: E7h.
    VendorRange(InitializeRange),
}

/// Byte 1 of INITIALIZE ELEMENT STATUS WITH RANGE.
const RANGE: u8 = 0x01;

impl InitializeElements {
    /// Bytes for the device.
    pub fn cdb(self) -> Cdb {
        let (code, range) = match self {
            InitializeElements::All => {
                return Cdb::new([OperationCode::INITIALIZE_ELEMENT_STATUS.0, 0, 0, 0, 0, 0]);
            }
            InitializeElements::Range(range) => {
                (OperationCode::INITIALIZE_ELEMENT_STATUS_WITH_RANGE, range)
            }
            InitializeElements::VendorRange(range) => (
                OperationCode::INITIALIZE_ELEMENT_STATUS_WITH_RANGE_VENDOR,
                range,
            ),
        };
        let mut bytes = [0; 10];
        bytes[0] = code.0;
        bytes[1] = RANGE;
        bytes[2..4].copy_from_slice(&range.first.to_be_bytes());
        bytes[6..8].copy_from_slice(&range.count.to_be_bytes());
        Cdb::new(bytes)
    }

    /// Reads 37h or E7h. Without the range bit it is [`InitializeElements::All`].
    pub fn parse_range(cdb: &[u8; 10]) -> Self {
        if cdb[1] & RANGE == 0 {
            return InitializeElements::All;
        }
        let range = InitializeRange {
            first: address(cdb, 2),
            count: address(cdb, 6),
        };
        if cdb[0] == OperationCode::INITIALIZE_ELEMENT_STATUS_WITH_RANGE_VENDOR.0 {
            InitializeElements::VendorRange(range)
        } else {
            InitializeElements::Range(range)
        }
    }
}
