//! Changers: elements and where they are, bar codes, serial numbers, movements and their refusals.

use super::lenient::Leniency;
use super::{Check, Device, Report, Rule, expect_equal, run_checks};
use crate::command::{
    InitializeElements, MoveMedium, PositionToElement, PreventAllow, ReadElementStatus,
    test_unit_ready,
};
use crate::element::{
    AddressAssignment, ElementDescriptor, ElementReport, ElementType, REPORT_HEADER_BYTES,
};
use crate::inquiry::{Inquiry, InquiryCommand, PeripheralType, STANDARD_BYTES};
use crate::mode::{MODE_SENSE_6_ALLOCATION, ModeForm, ModeSense, page};
use crate::sense::{Sense, SenseKey};
use crate::transport::{Cdb, Status, Transport};

/// What the changer under test can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangerProfile {
    /// The connection is a new initiator for the changer itself (a kernel node is not).
    pub new_initiator: bool,
}

type Library<'p> = Device<'p, ChangerProfile>;

const CHECKS: &[Check<ChangerProfile>] = &[
    ("changer-inquiry", "SPC-3 6.4", inquiry),
    (
        "changer-unit-attention-once",
        "SPC-3 5.9, scsi.md 7.1",
        unit_attention_once,
    ),
    (
        "changer-unknown-operation-code",
        "SPC-3 4.5.6, scsi.md 7.1",
        unknown_operation_code,
    ),
    (
        "element-addresses",
        "SMC-3 7.3.4, scsi.md 3.1",
        element_addresses,
    ),
    ("element-counts", "SMC-3 6.10, scsi.md 3.4", element_counts),
    ("elements-of-all-types", "SMC-3 6.10", elements_of_all_types),
    ("element-range", "SMC-3 6.10.1", element_range),
    (
        "element-allocation-length",
        "SMC-3 6.10.1",
        element_allocation_length,
    ),
    ("bar-codes", "SMC-3 6.10.3, scsi.md 3.2", bar_codes),
    (
        "drive-identifiers",
        "SMC-3 6.10.6, scsi.md 3.2",
        drive_identifiers,
    ),
    ("move-between-slots", "SMC-3 6.5", move_between_slots),
    ("load-and-unload", "SMC-3 6.5, scsi.md 7.9", load_and_unload),
    ("source-empty", "SMC-3 6.5, scsi.md 3.6", source_empty),
    (
        "destination-full",
        "SMC-3 6.5, scsi.md 3.6",
        destination_full,
    ),
    ("no-such-element", "SMC-3 6.5, scsi.md 3.6", no_such_element),
    ("initialize-elements", "SMC-3 6.2", initialize_elements),
    ("position-to-element", "SMC-3 6.7", position_to_element),
    ("changer-prevent-removal", "SMC-3 6.9", prevent_removal),
];

/// Runs all checks. `make` connects to a library at rest: two cartridges with bar codes in slots, one slot empty, and an empty
/// drive that takes the cartridges; what an earlier connection moved is back.
pub fn changer_conformance(
    make: &mut dyn FnMut() -> Box<dyn Transport>,
    profile: ChangerProfile,
) -> Report {
    run_changer_checks(make, profile, &Leniency::new(&[]))
}

pub(super) fn run_changer_checks(
    make: &mut dyn FnMut() -> Box<dyn Transport>,
    profile: ChangerProfile,
    leniency: &Leniency<'_>,
) -> Report {
    run_checks(make, &profile, CHECKS.iter(), leniency)
}

/// Room for the status of any library under test.
const ALLOCATION: u16 = 0xFFFF;

/// Everything of one type.
const fn all_of(kind: ElementType) -> ReadElementStatus {
    ReadElementStatus {
        element_type: Some(kind),
        volume_tags: true,
        device_ids: false,
        current_data: false,
        start: 0,
        count: u16::MAX,
        allocation: ALLOCATION as u32,
    }
}

/// What the checks move around.
struct Contents {
    first: ElementDescriptor,
    second: ElementDescriptor,
    empty_slot: u16,
    empty_drive: u16,
}

impl Library<'_> {
    fn addresses(&mut self) -> Result<AddressAssignment, String> {
        let cdb = ModeSense {
            disable_block_descriptor: true,
            ..ModeSense::current(ModeForm::Six, page::ELEMENT_ADDRESS_ASSIGNMENT)
        };
        let bytes = self.data(&cdb.cdb(), usize::from(MODE_SENSE_6_ALLOCATION))?;
        AddressAssignment::parse(&bytes)
    }

    fn report(&mut self, command: ReadElementStatus) -> Result<ElementReport, String> {
        let allocation = command.allocation as usize;
        let bytes = self.data(&command.cdb(), allocation)?;
        let report = ElementReport::parse(&bytes, allocation).map_err(|error| error.to_string())?;
        for warning in &report.warnings {
            self.leniency
                .apply(Rule::WholeElementStatus, Err(warning.clone()))?;
        }
        Ok(report)
    }

    fn elements(&mut self, kind: ElementType) -> Result<Vec<ElementDescriptor>, String> {
        let report = self.report(all_of(kind))?;
        Ok(report
            .elements
            .into_iter()
            .map(|(_, element)| element)
            .collect())
    }

    fn element(&mut self, kind: ElementType, address: u16) -> Result<ElementDescriptor, String> {
        self.elements(kind)?
            .into_iter()
            .find(|element| element.address == address)
            .ok_or_else(|| format!("{kind} element {address:04X}h is missing"))
    }

    fn contents(&mut self) -> Result<Contents, String> {
        self.become_ready()?;
        let slots = self.elements(ElementType::Storage)?;
        let drives = self.elements(ElementType::Drive)?;
        let mut tagged = slots.iter().filter(|slot| slot.tag.is_some());
        let empty = |elements: &[ElementDescriptor]| {
            elements
                .iter()
                .find(|element| !element.full)
                .map(|element| element.address)
        };
        match (tagged.next(), tagged.next(), empty(&slots), empty(&drives)) {
            (Some(first), Some(second), Some(empty_slot), Some(empty_drive)) => Ok(Contents {
                first: first.clone(),
                second: second.clone(),
                empty_slot,
                empty_drive,
            }),
            _ => Err(
                "two cartridges with bar codes, an empty slot and an empty drive are needed"
                    .to_owned(),
            ),
        }
    }

    fn mover(&mut self, source: u16, destination: u16) -> Result<Cdb, String> {
        let transport = self.addresses()?.transport.first;
        Ok(MoveMedium {
            transport,
            source,
            destination,
            invert: false,
        }
        .cdb())
    }

    fn move_good(&mut self, source: u16, destination: u16) -> Result<(), String> {
        let cdb = self.mover(source, destination)?;
        self.good(&cdb)
    }

    /// A movement must be refused so, and change nothing.
    fn move_refused(
        &mut self,
        source: u16,
        destination: u16,
        (asc, ascq): (u8, u8),
    ) -> Result<(), String> {
        let before = (
            self.elements(ElementType::Storage)?,
            self.elements(ElementType::Drive)?,
        );
        let cdb = self.mover(source, destination)?;
        self.run(&cdb)?
            .expect_sense(SenseKey::IllegalRequest, asc, ascq)?;
        let after = (
            self.elements(ElementType::Storage)?,
            self.elements(ElementType::Drive)?,
        );
        expect_equal("elements behind a refused movement", after, before)
    }

    fn expect_content(
        &mut self,
        kind: ElementType,
        address: u16,
        tag: Option<&str>,
    ) -> Result<(), String> {
        let element = self.element(kind, address)?;
        let name = format!("{kind} element {address:04X}h");
        expect_equal(&format!("{name} full"), element.full, tag.is_some())?;
        expect_equal(&format!("bar code in {name}"), element.tag.as_deref(), tag)
    }
}

fn inquiry(library: &mut Library<'_>) -> Result<(), String> {
    let bytes = library.data(&InquiryCommand::STANDARD.cdb(), STANDARD_BYTES)?;
    let inquiry = Inquiry::parse(&bytes).ok_or_else(|| format!("{} bytes", bytes.len()))?;
    expect_equal(
        "device type",
        inquiry.peripheral_type,
        PeripheralType::Changer,
    )?;
    if inquiry.vendor.is_empty() || inquiry.product.is_empty() {
        return Err("no vendor or product".to_owned());
    }
    Ok(())
}

fn unit_attention_once(library: &mut Library<'_>) -> Result<(), String> {
    if !library.profile.new_initiator {
        return Ok(());
    }
    inquiry(library)?;
    let first = library.run(&test_unit_ready())?;
    match first.sense {
        Some(Sense {
            key: SenseKey::UnitAttention,
            ..
        }) => library.become_ready(),
        _ => Err(format!("first command of a new initiator: {first}")),
    }
}

fn unknown_operation_code(library: &mut Library<'_>) -> Result<(), String> {
    /// Vendor specific in every standard.
    const UNKNOWN: u8 = 0x1F;
    library.become_ready()?;
    library
        .run(&Cdb::new([UNKNOWN, 0, 0, 0, 0, 0]))?
        .expect_sense(SenseKey::IllegalRequest, 0x20, 0x00)
        .map(|_| ())
}

fn element_addresses(library: &mut Library<'_>) -> Result<(), String> {
    library.become_ready()?;
    let assigned = library.addresses()?;
    let mut ranges: Vec<_> = ElementType::ALL
        .iter()
        .map(|&kind| assigned.range(kind))
        .filter(|range| range.count > 0)
        .map(|range| (u32::from(range.first), u32::from(range.count)))
        .collect();
    ranges.sort_unstable();
    for pair in ranges.windows(2) {
        if pair[0].0 + pair[0].1 > pair[1].0 {
            return Err(format!("address ranges overlap: {assigned:?}"));
        }
    }
    if assigned.storage.count == 0 || assigned.drive.count == 0 {
        return Err(format!("no slots or no drives: {assigned:?}"));
    }
    Ok(())
}

fn element_counts(library: &mut Library<'_>) -> Result<(), String> {
    library.become_ready()?;
    let assigned = library.addresses()?;
    for kind in ElementType::ALL {
        let range = assigned.range(kind);
        let found = library.elements(kind)?;
        let expected: Vec<u16> = (0..range.count).map(|i| range.first + i).collect();
        let addresses: Vec<u16> = found.iter().map(|element| element.address).collect();
        expect_equal(
            &format!("addresses of {kind} elements"),
            addresses,
            expected,
        )?;
    }
    Ok(())
}

fn elements_of_all_types(library: &mut Library<'_>) -> Result<(), String> {
    library.become_ready()?;
    let mut sum = 0;
    for kind in ElementType::ALL {
        sum += library.elements(kind)?.len();
    }
    let all = library.report(ReadElementStatus {
        element_type: None,
        ..all_of(ElementType::Storage)
    })?;
    expect_equal("elements of all types", all.elements.len(), sum)
}

fn element_range(library: &mut Library<'_>) -> Result<(), String> {
    library.become_ready()?;
    let storage = library.addresses()?.storage;
    let from_second = library.report(ReadElementStatus {
        start: storage.first + 1,
        count: 1,
        ..all_of(ElementType::Storage)
    })?;
    let addresses: Vec<u16> = from_second
        .elements
        .iter()
        .map(|(_, element)| element.address)
        .collect();
    expect_equal(
        "one element from the second slot on",
        addresses,
        vec![storage.first + 1],
    )?;
    expect_equal("first address", from_second.first, storage.first + 1)
}

fn element_allocation_length(library: &mut Library<'_>) -> Result<(), String> {
    library.become_ready()?;
    let whole = library.data(&all_of(ElementType::Storage).cdb(), usize::from(ALLOCATION))?;
    let header = library.data(
        &ReadElementStatus {
            allocation: REPORT_HEADER_BYTES as u32,
            ..all_of(ElementType::Storage)
        }
        .cdb(),
        REPORT_HEADER_BYTES,
    )?;
    // The byte count does not depend on the room for the answer.
    expect_equal(
        "header alone",
        header.as_slice(),
        whole.get(..REPORT_HEADER_BYTES).unwrap_or_default(),
    )
}

fn bar_codes(library: &mut Library<'_>) -> Result<(), String> {
    let contents = library.contents()?;
    if contents.first.tag == contents.second.tag {
        return Err("two cartridges with the same bar code".to_owned());
    }
    let without = library.report(ReadElementStatus {
        volume_tags: false,
        ..all_of(ElementType::Storage)
    })?;
    expect_equal(
        "bar codes nobody asked for",
        without
            .elements
            .iter()
            .filter(|(_, element)| element.tag.is_some())
            .count(),
        0,
    )
}

fn drive_identifiers(library: &mut Library<'_>) -> Result<(), String> {
    library.become_ready()?;
    let report = library.report(ReadElementStatus {
        volume_tags: false,
        device_ids: true,
        ..all_of(ElementType::Drive)
    })?;
    let mut serials = Vec::new();
    for (_, drive) in report.elements {
        let identifier = drive
            .identifier
            .filter(|identifier| !identifier.serial.is_empty())
            .ok_or_else(|| format!("drive {:04X}h has no serial number", drive.address))?;
        if serials.contains(&identifier.serial) {
            return Err(format!(
                "two drives with serial number {}",
                identifier.serial
            ));
        }
        serials.push(identifier.serial);
    }
    Ok(())
}

fn move_between_slots(library: &mut Library<'_>) -> Result<(), String> {
    let contents = library.contents()?;
    let (home, tag) = (contents.first.address, contents.first.tag.as_deref());
    library.move_good(home, contents.empty_slot)?;
    library.expect_content(ElementType::Storage, home, None)?;
    library.expect_content(ElementType::Storage, contents.empty_slot, tag)?;
    library.move_good(contents.empty_slot, home)?;
    library.expect_content(ElementType::Storage, home, tag)?;
    library.expect_content(ElementType::Storage, contents.empty_slot, None)
}

fn load_and_unload(library: &mut Library<'_>) -> Result<(), String> {
    let contents = library.contents()?;
    let (home, drive) = (contents.first.address, contents.empty_drive);
    let tag = contents.first.tag.as_deref();
    library.move_good(home, drive)?;
    library.expect_content(ElementType::Storage, home, None)?;
    library.expect_content(ElementType::Drive, drive, tag)?;
    let source = library.element(ElementType::Drive, drive)?.source;
    expect_equal("slot the drive's cartridge came from", source, Some(home))?;
    library.move_good(drive, home)?;
    library.expect_content(ElementType::Drive, drive, None)?;
    library.expect_content(ElementType::Storage, home, tag)
}

fn source_empty(library: &mut Library<'_>) -> Result<(), String> {
    let contents = library.contents()?;
    library.move_refused(contents.empty_slot, contents.empty_drive, (0x3B, 0x0E))
}

fn destination_full(library: &mut Library<'_>) -> Result<(), String> {
    let contents = library.contents()?;
    library.move_refused(
        contents.first.address,
        contents.second.address,
        (0x3B, 0x0D),
    )?;
    library.move_good(contents.first.address, contents.empty_drive)?;
    library.move_refused(contents.second.address, contents.empty_drive, (0x3B, 0x0D))?;
    library.move_good(contents.empty_drive, contents.first.address)
}

fn no_such_element(library: &mut Library<'_>) -> Result<(), String> {
    let contents = library.contents()?;
    let assigned = library.addresses()?;
    let nowhere = (0..=u16::MAX)
        .rev()
        .find(|&address| assigned.kind_at(address).is_none())
        .ok_or("every address is an element")?;
    library.move_refused(contents.first.address, nowhere, (0x21, 0x01))?;
    library.move_refused(nowhere, contents.empty_slot, (0x21, 0x01))
}

fn initialize_elements(library: &mut Library<'_>) -> Result<(), String> {
    library.become_ready()?;
    let before = library.elements(ElementType::Storage)?;
    library.good(&InitializeElements::All.cdb())?;
    library.become_ready()?;
    let after = library.elements(ElementType::Storage)?;
    expect_equal("slots behind an inventory", after, before)
}

fn position_to_element(library: &mut Library<'_>) -> Result<(), String> {
    library.become_ready()?;
    let assigned = library.addresses()?;
    library.good(
        &PositionToElement {
            transport: assigned.transport.first,
            destination: assigned.storage.first,
        }
        .cdb(),
    )
}

fn prevent_removal(library: &mut Library<'_>) -> Result<(), String> {
    library.become_ready()?;
    for prevent in [true, false] {
        library.good(&PreventAllow { prevent }.cdb())?;
        let ready = library.run(&test_unit_ready())?;
        expect_equal("ready while locked", ready.status, Status::Good)?;
    }
    Ok(())
}
