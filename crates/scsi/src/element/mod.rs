//! A library's elements: what there is, and the page that says where (SMC-3 5.1, 7.3.4; scsi.md 3.1).

mod report;

use std::fmt;

pub use report::{
    DeviceIdentifier, ElementDescriptor, ElementPage, ElementReport, MalformedElementStatus,
    REPORT_HEADER_BYTES, report_bytes,
};

/// What an element is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ElementType {
    /// 1h: the robot's gripper.
    Transport,
    /// 2h: a slot.
    Storage,
    /// 3h: a slot that an operator reaches (mail slot).
    ImportExport,
    /// 4h: a drive.
    Drive,
}

impl ElementType {
    /// All of them.
    pub const ALL: [Self; 4] = [
        ElementType::Transport,
        ElementType::Storage,
        ElementType::ImportExport,
        ElementType::Drive,
    ];

    /// Element type code (SMC-3 table 10).
    pub const fn code(self) -> u8 {
        match self {
            ElementType::Transport => 0x01,
            ElementType::Storage => 0x02,
            ElementType::ImportExport => 0x03,
            ElementType::Drive => 0x04,
        }
    }

    /// Type for a code; `None` if there is no such type.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ElementType::Transport => "transport",
            ElementType::Storage => "storage",
            ElementType::ImportExport => "import/export",
            ElementType::Drive => "drive",
        })
    }
}

/// Addresses of one element type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressRange {
    /// First address.
    pub first: u16,
    /// How many elements.
    pub count: u16,
}

impl AddressRange {
    /// True if the address is one of these.
    pub fn contains(&self, address: u16) -> bool {
        address
            .checked_sub(self.first)
            .is_some_and(|offset| offset < self.count)
    }
}

/// Element address assignment page (mode page 1Dh).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressAssignment {
    /// Robots.
    pub transport: AddressRange,
    /// Slots.
    pub storage: AddressRange,
    /// Mail slots.
    pub import_export: AddressRange,
    /// Drives.
    pub drive: AddressRange,
}

/// Length of the answer to MODE SENSE(6) for this page without block descriptor.
pub const ADDRESS_ASSIGNMENT_BYTES: usize = 24;
/// Header of MODE SENSE(6).
const MODE_HEADER_BYTES: usize = 4;
const PAGE_CODE: u8 = 0x1D;
const PAGE_CODE_MASK: u8 = 0x3F;
/// Bytes of the page behind its length byte.
const PAGE_LENGTH: u8 = 0x12;

impl AddressAssignment {
    /// Reads an answer to MODE SENSE(6). A block descriptor that was not asked for is skipped.
    ///
    /// # Errors
    /// In words, if the answer is too short or another page.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let short = || {
            format!(
                "element address page of {} bytes instead of {ADDRESS_ASSIGNMENT_BYTES}",
                bytes.len()
            )
        };
        let descriptors = usize::from(*bytes.get(3).ok_or_else(short)?);
        let announced = usize::from(bytes[0]) + 1;
        let bytes = &bytes[..bytes.len().min(announced)];
        let page = bytes
            .get(MODE_HEADER_BYTES + descriptors..)
            .ok_or_else(short)?;
        let [code, length, body @ ..] = page else {
            return Err(short());
        };
        if code & PAGE_CODE_MASK != PAGE_CODE || *length < PAGE_LENGTH {
            return Err(format!(
                "mode page {:02X}h with {length} bytes instead of {PAGE_CODE:02X}h with {PAGE_LENGTH}",
                code & PAGE_CODE_MASK
            ));
        }
        if body.len() < usize::from(PAGE_LENGTH) {
            return Err(short());
        }
        let range = |at: usize| AddressRange {
            first: u16::from_be_bytes([body[at], body[at + 1]]),
            count: u16::from_be_bytes([body[at + 2], body[at + 3]]),
        };
        Ok(Self {
            transport: range(0),
            storage: range(4),
            import_export: range(8),
            drive: range(12),
        })
    }

    /// Answer to MODE SENSE(6) without block descriptor.
    pub fn to_bytes(&self) -> [u8; ADDRESS_ASSIGNMENT_BYTES] {
        let mut bytes = [0; ADDRESS_ASSIGNMENT_BYTES];
        bytes[0] = (ADDRESS_ASSIGNMENT_BYTES - 1) as u8;
        bytes[4] = PAGE_CODE;
        bytes[5] = PAGE_LENGTH;
        for (i, kind) in ElementType::ALL.into_iter().enumerate() {
            let range = self.range(kind);
            let at = 6 + 4 * i;
            bytes[at..at + 2].copy_from_slice(&range.first.to_be_bytes());
            bytes[at + 2..at + 4].copy_from_slice(&range.count.to_be_bytes());
        }
        bytes
    }

    /// Addresses of one type.
    pub fn range(&self, kind: ElementType) -> AddressRange {
        match kind {
            ElementType::Transport => self.transport,
            ElementType::Storage => self.storage,
            ElementType::ImportExport => self.import_export,
            ElementType::Drive => self.drive,
        }
    }

    /// Type of the element at an address; `None` if there is none.
    pub fn kind_at(&self, address: u16) -> Option<ElementType> {
        ElementType::ALL
            .into_iter()
            .find(|&kind| self.range(kind).contains(address))
    }
}
