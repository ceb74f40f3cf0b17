//! Cartridge memory: READ ATTRIBUTE and WRITE ATTRIBUTE (SPC-3 6.14, 6.34, 7.3; scsi.md 2.17, 2.18, 5.1).

use crate::opcode::OperationCode;
use crate::text;
use crate::transport::Cdb;

/// Room for the answer to READ ATTRIBUTE.
pub const READ_ALLOCATION: u32 = 32_768;

/// Byte 1 of READ ATTRIBUTE: which list.
const SERVICE_ACTION_VALUES: u8 = 0x00;
const SERVICE_ACTION_MASK: u8 = 0x1F;
/// Byte 1 of WRITE ATTRIBUTE: not only into a cache.
const WRITE_THROUGH: u8 = 0x01;
const LIST_HEADER_BYTES: usize = 4;
const RECORD_HEADER_BYTES: usize = 5;
/// Record byte 2.
const READ_ONLY: u8 = 0x80;
const FORMAT_MASK: u8 = 0x03;

/// READ ATTRIBUTE: values, from attribute `first` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadAttribute {
    /// First attribute wanted. Targets differ if it does not exist: ask from 0 and filter.
    pub first: u16,
    /// Room for the answer in bytes.
    pub allocation: u32,
}

impl ReadAttribute {
    /// Everything.
    pub const ALL: Self = Self {
        first: 0,
        allocation: READ_ALLOCATION,
    };

    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let mut bytes = [0; 16];
        bytes[0] = OperationCode::READ_ATTRIBUTE.0;
        bytes[1] = SERVICE_ACTION_VALUES;
        bytes[8..10].copy_from_slice(&self.first.to_be_bytes());
        bytes[10..14].copy_from_slice(&self.allocation.to_be_bytes());
        Cdb::new(bytes)
    }

    /// Reads the CDB; `None` for lists other than the values.
    pub fn parse(cdb: &[u8; 16]) -> Option<Self> {
        (cdb[1] & SERVICE_ACTION_MASK == SERVICE_ACTION_VALUES).then(|| Self {
            first: u16::from_be_bytes([cdb[8], cdb[9]]),
            allocation: u32::from_be_bytes([cdb[10], cdb[11], cdb[12], cdb[13]]),
        })
    }
}

/// WRITE ATTRIBUTE, written through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteAttribute {
    /// Bytes of the parameter list.
    pub length: u32,
}

impl WriteAttribute {
    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let mut bytes = [0; 16];
        bytes[0] = OperationCode::WRITE_ATTRIBUTE.0;
        bytes[1] = WRITE_THROUGH;
        bytes[10..14].copy_from_slice(&self.length.to_be_bytes());
        Cdb::new(bytes)
    }

    /// Reads the CDB.
    pub fn parse(cdb: &[u8; 16]) -> Self {
        Self {
            length: u32::from_be_bytes([cdb[10], cdb[11], cdb[12], cdb[13]]),
        }
    }
}

/// Format of an attribute's value (SPC-3 table 270).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum AttributeFormat {
    /// Bytes, numbers.
    Binary = 0,
    /// ASCII, padded with blanks.
    Ascii = 1,
    /// Text in the character set of attribute 0805h.
    Text = 2,
}

/// One attribute as it is on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Identifier.
    pub id: u16,
    /// The host cannot change it.
    pub read_only: bool,
    /// Format.
    pub format: AttributeFormat,
    /// The value.
    pub value: Vec<u8>,
}

/// An attribute list that is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("attribute list cut off: {received} bytes, {announced} announced")]
pub struct MalformedAttributeList {
    /// Bytes there are.
    pub received: usize,
    /// Bytes there should be.
    pub announced: usize,
}

/// Parses the answer to READ ATTRIBUTE, or the parameter list of WRITE ATTRIBUTE: the form is the same. Bytes behind the
/// announced length are ignored.
pub fn parse_list(bytes: &[u8]) -> Result<Vec<Attribute>, MalformedAttributeList> {
    let received = bytes.len();
    let Some((header, tail)) = bytes.split_first_chunk::<LIST_HEADER_BYTES>() else {
        return Err(MalformedAttributeList {
            received,
            announced: LIST_HEADER_BYTES,
        });
    };
    let announced = LIST_HEADER_BYTES.saturating_add(u32::from_be_bytes(*header) as usize);
    let mut rest = tail
        .get(..announced - LIST_HEADER_BYTES)
        .ok_or(MalformedAttributeList {
            received,
            announced,
        })?;
    let mut attributes = Vec::new();
    while let Some((header, tail)) = rest.split_first_chunk::<RECORD_HEADER_BYTES>() {
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        let Some(value) = tail.get(..length) else {
            return Err(MalformedAttributeList {
                received,
                announced,
            });
        };
        let format = match header[2] & FORMAT_MASK {
            1 => AttributeFormat::Ascii,
            2 => AttributeFormat::Text,
            _ => AttributeFormat::Binary,
        };
        attributes.push(Attribute {
            id: u16::from_be_bytes([header[0], header[1]]),
            read_only: header[2] & READ_ONLY != 0,
            format,
            value: value.to_vec(),
        });
        rest = &tail[length..];
    }
    Ok(attributes)
}

/// The list of READ ATTRIBUTE or WRITE ATTRIBUTE.
pub fn to_list(attributes: &[Attribute]) -> Vec<u8> {
    let mut bytes = vec![0; LIST_HEADER_BYTES];
    for attribute in attributes {
        let value = &attribute.value[..attribute.value.len().min(usize::from(u16::MAX))];
        bytes.extend_from_slice(&attribute.id.to_be_bytes());
        bytes.push(attribute.format as u8 | if attribute.read_only { READ_ONLY } else { 0 });
        bytes.extend_from_slice(&(value.len() as u16).to_be_bytes());
        bytes.extend_from_slice(value);
    }
    let length = (bytes.len() - LIST_HEADER_BYTES) as u32;
    bytes[..LIST_HEADER_BYTES].copy_from_slice(&length.to_be_bytes());
    bytes
}

/// How a value is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rendering {
    /// Unsigned number.
    Decimal,
    /// Text, as it is.
    Text,
    /// Lower-case hex.
    Hex,
    /// TapeAlert flags.
    Alerts,
}

/// An attribute that `cartridge-memory` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownAttribute {
    /// Identifier.
    pub id: u16,
    /// Length in bytes; 0 = any.
    pub length: u16,
    /// How it is shown.
    pub rendering: Rendering,
    /// Name shown.
    pub name: &'static str,
}

/// Application vendor, 8 characters.
pub const APPLICATION_VENDOR: u16 = 0x0800;
/// Application name, 32 characters.
pub const APPLICATION_NAME: u16 = 0x0801;
/// Application version, 8 characters.
pub const APPLICATION_VERSION: u16 = 0x0802;
/// User medium text label, 160 bytes.
pub const USER_LABEL: u16 = 0x0803;
/// Media pool, 160 bytes.
pub const MEDIA_POOL: u16 = 0x0808;
/// Medium manufacture date, YYYYMMDD.
pub const MANUFACTURE_DATE: u16 = 0x0406;
/// MiB written in the cartridge's life.
pub const LIFETIME_WRITTEN: u16 = 0x0220;
/// MiB read in the cartridge's life.
pub const LIFETIME_READ: u16 = 0x0221;

/// What labelling writes and erasing deletes, in this order.
pub const HOST_ATTRIBUTES: [u16; 5] = [
    APPLICATION_VENDOR,
    APPLICATION_NAME,
    APPLICATION_VERSION,
    USER_LABEL,
    MEDIA_POOL,
];

const fn known(id: u16, length: u16, rendering: Rendering, name: &'static str) -> KnownAttribute {
    KnownAttribute {
        id,
        length,
        rendering,
        name,
    }
}

use Rendering::{Alerts, Decimal, Hex, Text};

/// All attributes shown, in ascending order of identifier.
pub const KNOWN: [KnownAttribute; 45] = [
    known(0x0000, 8, Decimal, "Remaining Capacity In Partition"),
    known(0x0001, 8, Decimal, "Maximum Capacity In Partition"),
    known(0x0002, 8, Alerts, "Tapealert Flags"),
    known(0x0003, 8, Decimal, "Load Count"),
    known(0x0004, 8, Decimal, "MAM Space Remaining"),
    known(0x0005, 8, Text, "Assigning Organization"),
    known(0x0006, 1, Hex, "Formatted Density Code"),
    known(0x0007, 2, Decimal, "Initialization Count"),
    known(0x0009, 4, Hex, "Volume Change Reference"),
    known(0x020A, 40, Text, "Device Vendor/Serial Number at Last Load"),
    known(0x020B, 40, Text, "Device Vendor/Serial Number at Load-1"),
    known(0x020C, 40, Text, "Device Vendor/Serial Number at Load-2"),
    known(0x020D, 40, Text, "Device Vendor/Serial Number at Load-3"),
    known(0x0220, 8, Decimal, "Total MBytes Written in Medium Life"),
    known(0x0221, 8, Decimal, "Total MBytes Read In Medium Life"),
    known(0x0222, 8, Decimal, "Total MBytes Written in Current Load"),
    known(0x0223, 8, Decimal, "Total MBytes Read in Current/Last Load"),
    known(0x0224, 8, Hex, "Logical Position of First Encrypted Block"),
    known(
        0x0225,
        8,
        Hex,
        "Logical Position of First Unencrypted Block After the First Encrypted Block",
    ),
    known(0x0400, 8, Text, "Medium Manufacturer"),
    known(0x0401, 32, Text, "Medium Serial Number"),
    known(0x0402, 4, Decimal, "Medium Length"),
    known(0x0403, 4, Decimal, "Medium Width"),
    known(0x0404, 8, Text, "Assigning Organization"),
    known(0x0405, 1, Hex, "Medium Density Code"),
    known(0x0406, 8, Text, "Medium Manufacture Date"),
    known(0x0407, 8, Decimal, "MAM Capacity"),
    known(0x0408, 1, Hex, "Medium Type"),
    known(0x0409, 2, Hex, "Medium Type Information"),
    known(0x040B, 10, Hex, "Supported Density Codes"),
    known(0x0800, 8, Text, "Application Vendor"),
    known(0x0801, 32, Text, "Application Name"),
    known(0x0802, 8, Text, "Application Version"),
    known(0x0803, 160, Text, "User Medium Text Label"),
    known(0x0804, 12, Text, "Date And Time Last Written"),
    known(0x0805, 1, Hex, "Text Localization Identifier"),
    known(0x0806, 32, Text, "Barcode"),
    known(0x0807, 80, Text, "Owning Host Textual Name"),
    known(0x0808, 160, Text, "Media Pool"),
    known(0x080B, 16, Text, "Application Format Version"),
    known(0x080C, 0, Hex, "Volume Coherency Information"),
    known(0x0820, 36, Hex, "Medium Globally Unique Identifier"),
    known(0x0821, 36, Hex, "Media Pool Globally Unique Identifier"),
    known(0x1000, 28, Hex, "Unique Cartridge Identify (UCI)"),
    known(
        0x1001,
        24,
        Hex,
        "Alternate Unique Cartridge Identify (Alt-UCI)",
    ),
];

/// An attribute as `cartridge-memory` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartridgeMemoryEntry {
    /// Identifier.
    pub id: u16,
    /// Name.
    pub name: &'static str,
    /// Value as text.
    pub value: String,
}

/// The known ones among `attributes`, rendered. Those of wrong length are left out and their identifiers given back second.
pub fn render(attributes: &[Attribute]) -> (Vec<CartridgeMemoryEntry>, Vec<u16>) {
    let mut entries = Vec::new();
    let mut wrong_length = Vec::new();
    for attribute in attributes {
        let Some(known) = KNOWN.iter().find(|known| known.id == attribute.id) else {
            continue;
        };
        if known.length != 0 && usize::from(known.length) != attribute.value.len() {
            wrong_length.push(attribute.id);
            continue;
        }
        let value = render_value(known.rendering, &attribute.value);
        entries.push(CartridgeMemoryEntry {
            id: attribute.id,
            name: known.name,
            value,
        });
    }
    (entries, wrong_length)
}

fn render_value(rendering: Rendering, value: &[u8]) -> String {
    match rendering {
        Decimal => unsigned(value).to_string(),
        // Unlike PBS, which shows the padding too.
        Text => text::field(value),
        Hex => value.iter().map(|byte| format!("{byte:02x}")).collect(),
        Alerts => {
            // Flag 1 is the most significant bit, as in log page 12h (HP's manual; PBS takes the least significant).
            let mut bytes = [0; 8];
            let length = value.len().min(8);
            bytes[..length].copy_from_slice(&value[..length]);
            crate::alert::AlertFlags::from_page_bytes(bytes).to_string()
        }
    }
}

/// Big-endian number of up to 8 bytes; longer values keep their last 8.
pub fn unsigned(value: &[u8]) -> u64 {
    value
        .iter()
        .fold(0, |sum, &byte| (sum << 8) | u64::from(byte))
}

/// A host attribute with its fixed length, the text cut at a character boundary and padded with NUL. `None` for identifiers
/// that are no text of the host.
pub fn host_text(id: u16, value: &str) -> Option<Attribute> {
    let known = KNOWN
        .iter()
        .find(|known| known.id == id && HOST_ATTRIBUTES.contains(&id))?;
    let format = if matches!(id, USER_LABEL | MEDIA_POOL) {
        AttributeFormat::Text
    } else {
        AttributeFormat::Ascii
    };
    let mut bytes = vec![0; usize::from(known.length)];
    let length = text::cut(value, bytes.len());
    bytes[..length].copy_from_slice(&value.as_bytes()[..length]);
    Some(Attribute {
        id,
        read_only: false,
        format,
        value: bytes,
    })
}

/// The record that deletes a host attribute.
pub fn deletion(id: u16) -> Attribute {
    let format = if matches!(id, USER_LABEL | MEDIA_POOL) {
        AttributeFormat::Text
    } else {
        AttributeFormat::Ascii
    };
    Attribute {
        id,
        read_only: false,
        format,
        value: Vec::new(),
    }
}
