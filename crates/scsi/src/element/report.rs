//! Answer to READ ELEMENT STATUS (SMC-3 6.10.2 to 6.10.6; scsi.md 3.2).
//!
//! Changers differ in what they leave out or pad, so the parser takes what it can and says in words what it had to guess.
//! Only a structure that makes no sense at all (an element type that does not exist, descriptors without an address) is an
//! error.

use crate::asc::AdditionalSense;
use crate::command::{bit, u24, u24_bytes};
use crate::element::ElementType;
use crate::text;

/// Header of the report, and of each page in it.
pub const REPORT_HEADER_BYTES: usize = 8;
const PAGE_HEADER_BYTES: usize = 8;
/// Part of a descriptor that all types have.
const FIXED_BYTES: usize = 12;
/// Address and flags: less says nothing.
const LEAST_DESCRIPTOR_BYTES: usize = 3;
/// Volume tag: 32 bytes text, 2 reserved, 2 sequence number.
const TAG_BYTES: usize = 36;
const TAG_TEXT_BYTES: usize = 32;
/// Header of the device identifier.
const IDENTIFIER_HEADER_BYTES: usize = 4;

/// Page byte 1.
const PVOLTAG: u8 = 0x80;
const AVOLTAG: u8 = 0x40;
/// Descriptor byte 2.
const FULL: u8 = 0x01;
const IMPEXP: u8 = 0x02;
const EXCEPT: u8 = 0x04;
const ACCESS: u8 = 0x08;
const EXENAB: u8 = 0x10;
const INENAB: u8 = 0x20;
/// Descriptor byte 9.
const SVALID: u8 = 0x80;
const MEDIUM_TYPE_MASK: u8 = 0x07;
/// Identifier byte 0 and 1.
const CODE_SET_MASK: u8 = 0x0F;
const CODE_SET_ASCII: u8 = 0x02;
const IDENTIFIER_TYPE_MASK: u8 = 0x0F;
const IDENTIFIER_VENDOR_SPECIFIC: u8 = 0x00;
const IDENTIFIER_T10_VENDOR: u8 = 0x01;
/// Vendor 8, model 16; the serial number follows.
const VENDOR_BYTES: usize = 8;
const MODEL_BYTES: usize = 16;

/// A report that cannot be read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedElementStatus {
    /// Not even a header.
    #[error("element status of only {0} bytes")]
    TooShort(usize),
    /// The element type of a page.
    #[error("unknown element type {0:02X}h")]
    UnknownElementType(u8),
    /// Descriptors too short to hold an address and flags.
    #[error("element descriptors of {0} bytes")]
    DescriptorLength(usize),
}

/// Which drive stands in a drive element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceIdentifier {
    /// Empty if the changer gives only a serial number.
    pub vendor: String,
    /// Empty if the changer gives only a serial number.
    pub model: String,
    /// Serial number.
    pub serial: String,
}

/// One element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementDescriptor {
    /// Element address.
    pub address: u16,
    /// There is a cartridge.
    pub full: bool,
    /// An operator put it there (import/export only).
    pub placed_by_operator: bool,
    /// Something is wrong with the element; what.
    pub exception: Option<AdditionalSense>,
    /// The robot can reach it (drives: the tape is not held).
    pub accessible: bool,
    /// Cartridges can go out through it (import/export only).
    pub export_enabled: bool,
    /// Cartridges can come in through it (import/export only).
    pub import_enabled: bool,
    /// Storage element the cartridge came from.
    pub source: Option<u16>,
    /// 0 unspecified, 1 data, 2 cleaning, 3 diagnostic, 4 WORM, 5 microcode.
    pub medium_type: u8,
    /// Bar code. `None` if there is no cartridge, or none that could be read.
    pub tag: Option<String>,
    /// Which drive this is (drives only).
    pub identifier: Option<DeviceIdentifier>,
}

impl ElementDescriptor {
    /// An empty element.
    pub fn empty(address: u16) -> Self {
        Self {
            address,
            full: false,
            placed_by_operator: false,
            exception: None,
            accessible: true,
            export_enabled: false,
            import_enabled: false,
            source: None,
            medium_type: 0,
            tag: None,
            identifier: None,
        }
    }
}

/// A parsed report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ElementReport {
    /// First address reported.
    pub first: u16,
    /// Number of elements that the changer announces.
    pub available: u16,
    /// Elements with their type, in reported order.
    pub elements: Vec<(ElementType, ElementDescriptor)>,
    /// The buffer was full before the report ended: ask again behind the last element.
    pub truncated: bool,
    /// What did not obey the standard, one line each.
    pub warnings: Vec<String>,
}

impl ElementReport {
    /// Reads what came for a command with room for `allocation` bytes.
    ///
    /// # Errors
    /// [`MalformedElementStatus`]; everything that can be guessed is a warning instead.
    pub fn parse(bytes: &[u8], allocation: usize) -> Result<Self, MalformedElementStatus> {
        let Some((header, rest)) = bytes.split_at_checked(REPORT_HEADER_BYTES) else {
            return Err(MalformedElementStatus::TooShort(bytes.len()));
        };
        let mut report = Self {
            first: u16::from_be_bytes([header[0], header[1]]),
            available: u16::from_be_bytes([header[2], header[3]]),
            ..Self::default()
        };
        if report.available == 0 {
            return Ok(report);
        }
        let announced = u24([header[5], header[6], header[7]]) as usize;
        // More than came: the buffer was too small, or the device forgot the end (scsi.md 8.3).
        let forgotten = announced > rest.len() && bytes.len() < allocation;
        report.truncated = announced > rest.len() && !forgotten;
        if forgotten {
            report.warnings.push(format!(
                "element status ends {} bytes early",
                announced - rest.len()
            ));
        }
        let mut rest = &rest[..rest.len().min(announced)];
        while let Some((header, body)) = rest.split_at_checked(PAGE_HEADER_BYTES) {
            let length = u24([header[5], header[6], header[7]]) as usize;
            let (page, next) = body.split_at(body.len().min(length));
            report.take_page(header, page, forgotten)?;
            rest = next;
        }
        Ok(report)
    }

    fn take_page(
        &mut self,
        header: &[u8],
        page: &[u8],
        complete_last: bool,
    ) -> Result<(), MalformedElementStatus> {
        let kind = ElementType::from_code(header[0])
            .ok_or(MalformedElementStatus::UnknownElementType(header[0]))?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if length < LEAST_DESCRIPTOR_BYTES {
            return Err(MalformedElementStatus::DescriptorLength(length));
        }
        let layout = self.layout(kind, header[1], length);
        for descriptor in page.chunks(length) {
            if descriptor.len() == length {
                self.take_descriptor(kind, descriptor, layout);
            } else if complete_last && descriptor.len() >= FIXED_BYTES {
                let mut filled = descriptor.to_vec();
                filled.resize(length, 0);
                self.take_descriptor(kind, &filled, layout);
            }
        }
        Ok(())
    }

    /// Where the variable parts of this page's descriptors are. Announced tags that do not fit are not there: seen for the
    /// alternate tag with many targets, for both with a virtual library's transport (since-3.2.4.md B3).
    fn layout(&mut self, kind: ElementType, flags: u8, length: usize) -> Layout {
        let mut primary = flags & PVOLTAG != 0;
        let mut alternate = flags & AVOLTAG != 0;
        let bytes = |primary: bool, alternate: bool| {
            FIXED_BYTES + TAG_BYTES * (usize::from(primary) + usize::from(alternate))
        };
        if length < FIXED_BYTES {
            self.warn(format!(
                "{kind} elements have descriptors of {length} bytes"
            ));
        }
        if bytes(primary, alternate) > length && alternate {
            self.warn(format!(
                "{kind} elements announce an alternate volume tag and do not have it"
            ));
            alternate = false;
        }
        if bytes(primary, alternate) > length && primary {
            self.warn(format!(
                "{kind} elements announce a volume tag and do not have it"
            ));
            primary = false;
        }
        Layout {
            primary,
            identifier_at: bytes(primary, alternate),
        }
    }

    /// Once per report, however many pages say so.
    fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    fn take_descriptor(&mut self, kind: ElementType, descriptor: &[u8], layout: Layout) {
        let at = |i: usize| descriptor.get(i).copied().unwrap_or(0);
        let flags = at(2);
        let full = flags & FULL != 0;
        let mut element = ElementDescriptor {
            address: u16::from_be_bytes([at(0), at(1)]),
            full,
            placed_by_operator: flags & IMPEXP != 0,
            exception: (flags & EXCEPT != 0).then(|| AdditionalSense(at(4), at(5))),
            accessible: flags & ACCESS != 0,
            export_enabled: flags & EXENAB != 0,
            import_enabled: flags & INENAB != 0,
            source: (at(9) & SVALID != 0).then(|| u16::from_be_bytes([at(10), at(11)])),
            medium_type: at(9) & MEDIUM_TYPE_MASK,
            tag: None,
            identifier: None,
        };
        if layout.primary && full {
            element.tag = descriptor
                .get(FIXED_BYTES..FIXED_BYTES + TAG_BYTES)
                .map(text::field)
                .filter(|tag| !tag.is_empty());
        }
        if kind == ElementType::Drive {
            element.identifier = descriptor
                .get(layout.identifier_at..)
                .and_then(parse_identifier);
        }
        self.elements.push((kind, element));
    }
}

#[derive(Clone, Copy)]
struct Layout {
    primary: bool,
    identifier_at: usize,
}

/// `None` for what is no identifier, is of another kind, or is empty: none of these speaks against the element.
fn parse_identifier(bytes: &[u8]) -> Option<DeviceIdentifier> {
    let (header, rest) = bytes.split_at_checked(IDENTIFIER_HEADER_BYTES)?;
    if header[0] & CODE_SET_MASK != CODE_SET_ASCII {
        return None;
    }
    let identifier = &rest[..rest.len().min(usize::from(header[3]))];
    let found = match header[1] & IDENTIFIER_TYPE_MASK {
        // Quantum SuperLoader 3, HP: the serial number alone.
        IDENTIFIER_VENDOR_SPECIFIC => DeviceIdentifier {
            serial: text::field(identifier),
            ..DeviceIdentifier::default()
        },
        IDENTIFIER_T10_VENDOR if identifier.len() >= VENDOR_BYTES + MODEL_BYTES => {
            let (vendor, rest) = identifier.split_at(VENDOR_BYTES);
            let (model, serial) = rest.split_at(MODEL_BYTES);
            DeviceIdentifier {
                vendor: text::field(vendor),
                model: text::field(model),
                serial: text::field(serial),
            }
        }
        _ => return None,
    };
    (found != DeviceIdentifier::default()).then_some(found)
}

/// One page of a report to be built: elements of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementPage {
    /// Type of all its elements.
    pub kind: ElementType,
    /// With primary volume tags.
    pub volume_tags: bool,
    /// With device identifiers.
    pub device_ids: bool,
    /// In the order of their addresses.
    pub elements: Vec<ElementDescriptor>,
}

/// Text of a device identifier: vendor, model and serial number.
fn identifier_text(identifier: &DeviceIdentifier) -> Vec<u8> {
    const LEAST_SERIAL_BYTES: usize = 10;
    let serial = identifier.serial.len().max(LEAST_SERIAL_BYTES);
    let mut bytes = vec![b' '; VENDOR_BYTES + MODEL_BYTES + serial];
    text::put(&mut bytes[..VENDOR_BYTES], &identifier.vendor);
    text::put(&mut bytes[VENDOR_BYTES..][..MODEL_BYTES], &identifier.model);
    text::put(&mut bytes[VENDOR_BYTES + MODEL_BYTES..], &identifier.serial);
    // The length field has one byte.
    bytes.truncate(usize::from(u8::MAX));
    bytes
}

impl ElementPage {
    /// All descriptors have the length that the longest needs.
    fn descriptor_bytes(&self) -> usize {
        let identifier = if self.device_ids {
            self.elements
                .iter()
                .filter_map(|element| element.identifier.as_ref())
                .map(|identifier| identifier_text(identifier).len())
                .max()
                .unwrap_or(0)
        } else {
            0
        };
        let tag = if self.volume_tags { TAG_BYTES } else { 0 };
        FIXED_BYTES + tag + IDENTIFIER_HEADER_BYTES + identifier
    }

    fn write(&self, out: &mut Vec<u8>) {
        let length = self.descriptor_bytes();
        let [high, low] = (length as u16).to_be_bytes();
        let [a, b, c] = u24_bytes((length * self.elements.len()) as u32);
        let tags = bit(self.volume_tags, PVOLTAG);
        out.extend_from_slice(&[self.kind.code(), tags, high, low, 0, a, b, c]);
        for element in &self.elements {
            let start = out.len();
            out.resize(start + length, 0);
            self.write_descriptor(element, &mut out[start..]);
        }
    }

    fn write_descriptor(&self, element: &ElementDescriptor, out: &mut [u8]) {
        out[..2].copy_from_slice(&element.address.to_be_bytes());
        out[2] = bit(element.full, FULL)
            | bit(element.placed_by_operator, IMPEXP)
            | bit(element.exception.is_some(), EXCEPT)
            | bit(element.accessible, ACCESS)
            | bit(element.export_enabled, EXENAB)
            | bit(element.import_enabled, INENAB);
        if let Some(exception) = element.exception {
            (out[4], out[5]) = (exception.0, exception.1);
        }
        out[9] = element.medium_type & MEDIUM_TYPE_MASK;
        if let Some(source) = element.source {
            out[9] |= SVALID;
            out[10..12].copy_from_slice(&source.to_be_bytes());
        }
        let mut variable = &mut out[FIXED_BYTES..];
        if self.volume_tags {
            let (tag, rest) = variable.split_at_mut(TAG_BYTES);
            if let Some(text) = &element.tag {
                text::put(&mut tag[..TAG_TEXT_BYTES], text);
            }
            variable = rest;
        }
        if let (true, Some(identifier)) = (self.device_ids, &element.identifier) {
            let text = identifier_text(identifier);
            variable[0] = CODE_SET_ASCII;
            variable[1] = IDENTIFIER_T10_VENDOR;
            variable[3] = text.len() as u8;
            variable[IDENTIFIER_HEADER_BYTES..][..text.len()].copy_from_slice(&text);
        }
    }
}

/// A whole report as a changer sends it, before it is cut to the allocation length. Pages without elements are left out.
pub fn report_bytes(pages: &[ElementPage]) -> Vec<u8> {
    let pages = || pages.iter().filter(|page| !page.elements.is_empty());
    let addresses = || {
        pages()
            .flat_map(|page| &page.elements)
            .map(|element| element.address)
    };
    let first = addresses().min().unwrap_or(0);
    let available = addresses().count().min(usize::from(u16::MAX)) as u16;
    let mut out = vec![0; REPORT_HEADER_BYTES];
    for page in pages() {
        page.write(&mut out);
    }
    let length = (out.len() - REPORT_HEADER_BYTES) as u32;
    out[..2].copy_from_slice(&first.to_be_bytes());
    out[2..4].copy_from_slice(&available.to_be_bytes());
    out[5..8].copy_from_slice(&u24_bytes(length));
    out
}
