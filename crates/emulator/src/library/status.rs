//! READ ELEMENT STATUS (scsi.md 3.2, 7.9).

use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::command::ReadElementStatus;
use ferrite_scsi::element::{
    DeviceIdentifier, ElementDescriptor, ElementPage, ElementType, REPORT_HEADER_BYTES,
    report_bytes,
};
use ferrite_scsi::{Cdb, Data};

use super::identity;
use super::shared_changer::{Held, SharedChanger};
use crate::target::{Failure, Reply, ReplyResult, twelve};

/// Vendors' code for a bar code that cannot be read (scsi.md 3.6).
const BARCODE_UNREAD: AdditionalSense = AdditionalSense(0x83, 0x09);

pub(super) fn read(changer: &SharedChanger, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
    let command = ReadElementStatus::parse(twelve(cdb)?).ok_or(Failure::invalid_field(1))?;
    let quirks = changer.config.changer_quirks;
    if command.device_ids && quirks.no_identifiers {
        return Err(Failure::invalid_field(6));
    }
    if command.device_ids && command.volume_tags && quirks.tags_or_identifiers {
        return Err(Failure::invalid_field(6));
    }
    let mut left = usize::from(command.count);
    if quirks.elements_per_answer > 0 {
        left = left.min(usize::from(quirks.elements_per_answer));
    }
    let mut pages = Vec::new();
    for kind in ElementType::ALL {
        if command.element_type.is_some_and(|wanted| wanted != kind) {
            continue;
        }
        let elements: Vec<ElementDescriptor> = elements(changer, kind, command)
            .filter(|element| element.address >= command.start)
            .take(left)
            .collect();
        left -= elements.len();
        pages.push(ElementPage {
            kind,
            volume_tags: command.volume_tags,
            device_ids: command.device_ids,
            elements,
        });
    }
    let mut bytes = report_bytes(&pages);
    if quirks.serial_only && command.device_ids {
        serial_only(&mut bytes, command.volume_tags);
    }
    let allocation = if quirks.allocation_16_bit {
        command.allocation & 0xFFFF
    } else {
        command.allocation
    };
    Ok(Reply::data(&bytes, allocation as usize, data))
}

fn elements(
    changer: &SharedChanger,
    kind: ElementType,
    command: ReadElementStatus,
) -> impl Iterator<Item = ElementDescriptor> {
    let range = changer.addresses.range(kind);
    (0..range.count).map(move |number| {
        let held = changer.state.element(kind, number).and_then(Option::as_ref);
        describe(changer, kind, number, range.first + number, held, command)
    })
}

fn describe(
    changer: &SharedChanger,
    kind: ElementType,
    number: u16,
    address: u16,
    held: Option<&Held>,
    command: ReadElementStatus,
) -> ElementDescriptor {
    let mut element = ElementDescriptor::empty(address);
    if kind == ElementType::ImportExport {
        element.accessible = !changer.state.tray_open;
        (element.import_enabled, element.export_enabled) = (true, true);
    }
    if kind == ElementType::Drive && command.device_ids {
        element.identifier = Some(DeviceIdentifier {
            vendor: identity::VENDOR.to_owned(),
            model: identity::drive_product(changer.config.generation),
            serial: changer.config.drive_serial(number),
        });
    }
    let Some(held) = held else {
        return element;
    };
    element.full = true;
    element.placed_by_operator = kind == ElementType::ImportExport && held.by_operator;
    element.medium_type = held.medium_type;
    element.source = held.source;
    if held.barcode.is_empty() {
        element.exception = Some(BARCODE_UNREAD);
    } else if command.volume_tags {
        element.tag = Some(held.barcode.clone());
    }
    element
}

/// Leaves only the serial number of each device identifier, as Quantum and HP do.
fn serial_only(report: &mut [u8], tags: bool) {
    const PAGE_HEADER_BYTES: usize = 8;
    const IDENTIFIER_AT: usize = 12;
    const TAG_BYTES: usize = 36;
    /// Vendor and model come before the serial number.
    const NAME_BYTES: usize = 24;
    let mut rest = report.get_mut(REPORT_HEADER_BYTES..).unwrap_or_default();
    while rest.len() >= PAGE_HEADER_BYTES {
        let stride = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        let bytes = u32::from_be_bytes([0, rest[5], rest[6], rest[7]]) as usize;
        let drives = rest[0] == ElementType::Drive.code();
        let (page, next) = rest[PAGE_HEADER_BYTES..].split_at_mut(bytes);
        let at = IDENTIFIER_AT + if tags { TAG_BYTES } else { 0 };
        for descriptor in page.chunks_exact_mut(stride).filter(|_| drives) {
            let length = usize::from(descriptor[at + 3]);
            descriptor[at + 1] = 0;
            descriptor[at + 3] = (length - NAME_BYTES) as u8;
            descriptor.copy_within(at + 4 + NAME_BYTES..at + 4 + length, at + 4);
            descriptor[at + 4 + length - NAME_BYTES..].fill(0);
        }
        rest = next;
    }
}
