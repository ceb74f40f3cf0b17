//! INQUIRY: who is there (SPC-3 6.4; scsi.md 2.3).

use std::fmt;

use crate::opcode::OperationCode;
use crate::text;
use crate::transport::Cdb;

/// Length of standard inquiry data as asked for.
pub const STANDARD_BYTES: usize = 36;

/// Byte 1 of the CDB: a vital product data page is wanted.
const EVPD: u8 = 0x01;

/// Unit serial number page (SPC-3 7.6.10).
pub const VPD_UNIT_SERIAL_NUMBER: u8 = 0x80;
/// Supported pages (SPC-3 7.6.9).
pub const VPD_SUPPORTED_PAGES: u8 = 0x00;

/// Peripheral device type (SPC-3 table 83).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeripheralType {
    /// 01h
    Tape,
    /// 08h
    Changer,
    /// Anything else.
    Other(u8),
}

const TYPE_MASK: u8 = 0x1F;
const TYPE_TAPE: u8 = 0x01;
const TYPE_CHANGER: u8 = 0x08;

impl PeripheralType {
    /// Value in byte 0.
    pub fn code(self) -> u8 {
        match self {
            PeripheralType::Tape => TYPE_TAPE,
            PeripheralType::Changer => TYPE_CHANGER,
            PeripheralType::Other(code) => code & TYPE_MASK,
        }
    }

    fn from_code(byte: u8) -> Self {
        match byte & TYPE_MASK {
            TYPE_TAPE => PeripheralType::Tape,
            TYPE_CHANGER => PeripheralType::Changer,
            other => PeripheralType::Other(other),
        }
    }
}

impl fmt::Display for PeripheralType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeripheralType::Tape => f.write_str("tape drive"),
            PeripheralType::Changer => f.write_str("media changer"),
            PeripheralType::Other(code) => write!(f, "device of type {code:02X}h"),
        }
    }
}

/// Standard inquiry data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    /// Kind of device.
    pub peripheral_type: PeripheralType,
    /// Up to 8 characters.
    pub vendor: String,
    /// Up to 16 characters.
    pub product: String,
    /// Up to 4 characters.
    pub revision: String,
}

/// INQUIRY CDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InquiryCommand {
    /// Vital product data page, or the standard data.
    pub page: Option<u8>,
    /// Room for the answer in bytes.
    pub allocation: u16,
}

impl InquiryCommand {
    /// Standard data.
    pub const STANDARD: Self = Self {
        page: None,
        allocation: STANDARD_BYTES as u16,
    };

    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let [high, low] = self.allocation.to_be_bytes();
        let evpd = if self.page.is_some() { EVPD } else { 0 };
        Cdb::new([
            OperationCode::INQUIRY.0,
            evpd,
            self.page.unwrap_or(0),
            high,
            low,
            0,
        ])
    }

    /// Reads the CDB; `None` for a page without the page bit.
    pub fn parse(cdb: &[u8; 6]) -> Option<Self> {
        let allocation = u16::from_be_bytes([cdb[3], cdb[4]]);
        match (cdb[1] & EVPD != 0, cdb[2]) {
            (true, page) => Some(Self {
                page: Some(page),
                allocation,
            }),
            (false, 0) => Some(Self {
                page: None,
                allocation,
            }),
            (false, _) => None,
        }
    }
}

impl Inquiry {
    /// Parses at least 36 bytes; `None` if there are fewer.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..STANDARD_BYTES)?;
        Some(Self {
            peripheral_type: PeripheralType::from_code(bytes[0]),
            vendor: text::field(&bytes[8..16]),
            product: text::field(&bytes[16..32]),
            revision: text::field(&bytes[32..36]),
        })
    }

    /// Standard data of an SPC-3 device with a removable medium.
    pub fn to_bytes(&self) -> [u8; STANDARD_BYTES] {
        let mut bytes = [0; STANDARD_BYTES];
        bytes[0] = self.peripheral_type.code();
        bytes[1] = 0x80; // RMB: removable
        bytes[2] = 0x05; // SPC-3
        bytes[3] = 0x02; // response data format
        bytes[4] = (STANDARD_BYTES - 5) as u8; // additional length
        text::put(&mut bytes[8..16], &self.vendor);
        text::put(&mut bytes[16..32], &self.product);
        text::put(&mut bytes[32..36], &self.revision);
        bytes
    }
}

/// Serial number of the unit serial number page; `None` if the page is not that page.
pub fn parse_serial(page: &[u8]) -> Option<String> {
    let header = page.get(..4)?;
    if header[1] != VPD_UNIT_SERIAL_NUMBER {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let end = page.len().min(4 + length);
    Some(text::field(&page[4..end]))
}
