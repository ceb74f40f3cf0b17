//! Changer commands and element status, byte for byte (scsi.md section 3 and appendix A), and property tests of both.

#![allow(clippy::unwrap_used, reason = "tests")]

use ferrite_scsi::Cdb;
use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::command::{
    ExchangeMedium, ImportExportDoor, InitializeElements, InitializeRange, MoveMedium,
    PositionToElement, ReadElementStatus,
};
use ferrite_scsi::element::{
    AddressAssignment, AddressRange, DeviceIdentifier, ElementDescriptor, ElementPage,
    ElementReport, ElementType, MalformedElementStatus, report_bytes,
};
use ferrite_scsi::mode::{ModeForm, ModeSense, page};
use proptest::prelude::*;

/// Hex text, blanks and bars ignored.
fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace() && *byte != b'|')
        .collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[track_caller]
fn assert_cdb(cdb: Cdb, hex: &str) {
    assert_eq!(
        format!("{:02X?}", cdb.as_bytes()),
        format!("{:02X?}", bytes(hex))
    );
}

const STORAGE: ReadElementStatus = ReadElementStatus {
    element_type: Some(ElementType::Storage),
    volume_tags: true,
    device_ids: false,
    current_data: false,
    start: 0,
    count: 1000,
    allocation: 0xFFFF,
};

/// A18 and scsi.md 3.1, 3.5.
#[test]
fn commands() {
    // opcode, VOLTAG | type 2, start, count 1000, CURDATA and DVCID, allocation, 2 reserved
    assert_cdb(STORAGE.cdb(), "B8 12 0000 03E8 00 00FFFF 00 00");
    let drives = ReadElementStatus {
        element_type: Some(ElementType::Drive),
        volume_tags: false,
        device_ids: true,
        ..STORAGE
    };
    assert_cdb(drives.cdb(), "B8 04 0000 03E8 01 00FFFF 00 00");
    let all = ReadElementStatus {
        element_type: None,
        current_data: true,
        start: 0x03E9,
        count: 0xFFFF,
        allocation: 0x01_0000,
        ..STORAGE
    };
    assert_cdb(all.cdb(), "B8 10 03E9 FFFF 02 010000 00 00");
    // opcode, 0, robot, source, destination, 2 reserved, INVERT, control
    let load = MoveMedium {
        transport: 1,
        source: 0x03E9,
        destination: 0x0101,
        invert: false,
    };
    assert_cdb(load.cdb(), "A5 00 0001 03E9 0101 00 00 00 00");
    assert_cdb(
        MoveMedium {
            invert: true,
            ..load
        }
        .cdb(),
        "A5 00 0001 03E9 0101 00 00 01 00",
    );
    // opcode, 0, robot, source, first and second destination, INV, control
    let exchange = ExchangeMedium {
        transport: 1,
        source: 0x03E9,
        first_destination: 0x0101,
        second_destination: 0x03EA,
    };
    assert_cdb(exchange.cdb(), "A6 00 0001 03E9 0101 03EA 00 00");
    let position = PositionToElement {
        transport: 1,
        destination: 0x0101,
    };
    assert_cdb(position.cdb(), "2B 00 0001 0101 00 00 00 00");
    // byte 4: 0 open, 1 close
    let door = ImportExportDoor {
        element: 0x0065,
        close: true,
    };
    assert_cdb(door.cdb(), "1B 00 0065 01 00");
    assert_cdb(InitializeElements::All.cdb(), "07 00 00 00 00 00");
    // opcode, RANGE, first, 2 reserved, count, 2 reserved
    let range = InitializeRange {
        first: 0x03E9,
        count: 8,
    };
    assert_cdb(
        InitializeElements::Range(range).cdb(),
        "37 01 03E9 0000 0008 00 00",
    );
    assert_cdb(
        InitializeElements::VendorRange(range).cdb(),
        "E7 01 03E9 0000 0008 00 00",
    );
    // DBD, page 1Dh, allocation 255
    let addresses = ModeSense {
        disable_block_descriptor: true,
        ..ModeSense::current(ModeForm::Six, page::ELEMENT_ADDRESS_ASSIGNMENT)
    };
    assert_cdb(addresses.cdb(), "1A 08 1D 00 FF 00");
}

/// A15: data length, 2 reserved, no descriptor; page, length; first and count of robots, slots, mail slots, drives; reserved.
#[test]
fn address_page() {
    let reply = bytes("17 00 00 00 1D 12 0001 0001 03E9 0008 0065 0002 0101 0002 0000");
    let assigned = AddressAssignment::parse(&reply).unwrap();
    let range = |first, count| AddressRange { first, count };
    assert_eq!(
        assigned,
        AddressAssignment {
            transport: range(1, 1),
            storage: range(0x03E9, 8),
            import_export: range(0x0065, 2),
            drive: range(0x0101, 2),
        }
    );
    assert_eq!(assigned.to_bytes().as_slice(), reply);
    assert_eq!(assigned.kind_at(0x0102), Some(ElementType::Drive));
    assert_eq!(assigned.kind_at(0x0103), None);
    // a block descriptor although none was wanted
    let described =
        bytes("1F 00 00 08 0000000000000000 1D 12 0001 0001 03E9 0008 0065 0002 0101 0002 0000");
    assert_eq!(AddressAssignment::parse(&described).unwrap(), assigned);
    // longer than announced
    let mut longer = reply.clone();
    longer.resize(255, 0xEE);
    assert_eq!(AddressAssignment::parse(&longer).unwrap(), assigned);
    for wrong in [
        &reply[..23],
        &bytes("0B 00 00 00 1D 12 0001 0001 03E9 0008 0065 0002 0101 0002 0000"),
        &bytes("17 00 00 00 1E 12 0001 0001 03E9 0008 0065 0002 0101 0002 0000"),
        &[],
    ] {
        assert!(AddressAssignment::parse(wrong).is_err(), "{wrong:02X?}");
    }
}

/// A13: first address, number, byte count; page type, PVOLTAG, descriptor length, byte count; address, FULL and ACCESS,
/// exception, bus address, SVALID and medium type, source; bar code; tag's end; identifier header.
const SLOT: &str = "03E9 0001 00 00003C | 02 80 0034 00 000034 |
    03E9 09 00 0000 000000 81 03E9 | 4142433132334C38 2020202020202020 2020202020202020 2020202020202020 | 00000000 | 00000000";

fn slot() -> ElementDescriptor {
    ElementDescriptor {
        full: true,
        medium_type: 1,
        source: Some(0x03E9),
        tag: Some("ABC123L8".to_owned()),
        ..ElementDescriptor::empty(0x03E9)
    }
}

#[test]
fn slot_with_bar_code() {
    let text = SLOT.replace('\n', "");
    let reply = bytes(&text);
    let report = ElementReport::parse(&reply, 0xFFFF).unwrap();
    assert_eq!((report.first, report.available), (0x03E9, 1));
    assert_eq!(report.elements, [(ElementType::Storage, slot())]);
    assert_eq!((report.truncated, report.warnings.len()), (false, 0));
    let built = ElementPage {
        kind: ElementType::Storage,
        volume_tags: true,
        device_ids: false,
        elements: vec![slot()],
    };
    assert_eq!(report_bytes(&[built]), reply);
    // bytes behind the report are nobody's
    let mut longer = reply.clone();
    longer.extend([0xEE; 100]);
    assert_eq!(ElementReport::parse(&longer, 0xFFFF).unwrap(), report);
}

/// A14: as A13; the identifier: ASCII, T10 vendor, reserved, length 34; vendor, model, serial number.
#[test]
fn drive_with_identifier() {
    let mut reply = bytes(
        "0101 0001 00 00003A | 04 00 0032 00 000032 | 0101 08 00 0000 000000 00 0000 | 02 01 00 22",
    );
    reply.extend(b"IBM     ULT3580-TD8     0123456789");
    let report = ElementReport::parse(&reply, 0xFFFF).unwrap();
    let drive = ElementDescriptor {
        identifier: Some(DeviceIdentifier {
            vendor: "IBM".to_owned(),
            model: "ULT3580-TD8".to_owned(),
            serial: "0123456789".to_owned(),
        }),
        ..ElementDescriptor::empty(0x0101)
    };
    assert_eq!(report.elements, [(ElementType::Drive, drive.clone())]);
    let built = ElementPage {
        kind: ElementType::Drive,
        volume_tags: false,
        device_ids: true,
        elements: vec![drive],
    };
    assert_eq!(report_bytes(&[built]), reply);
}

/// A report of one page with one descriptor.
fn single(kind: u8, page_flags: u8, descriptor: &[u8]) -> Vec<u8> {
    let length = descriptor.len() as u8;
    let mut reply = vec![0x01, 0x01, 0, 1, 0, 0, 0, length + 8];
    reply.extend([kind, page_flags, 0, length, 0, 0, 0, length]);
    reply.extend(descriptor);
    reply
}

#[track_caller]
fn element(reply: &[u8]) -> (ElementDescriptor, Vec<String>) {
    let mut report = ElementReport::parse(reply, 0xFFFF).unwrap();
    assert_eq!(report.elements.len(), 1);
    (report.elements.remove(0).1, report.warnings)
}

#[test]
fn serial_number_alone() {
    // Quantum SuperLoader 3: identifier type 0, any length
    let mut descriptor = bytes("0101 08 00 0000 000000 00 0000 | 02 00 00 0C");
    descriptor.extend(b"  HU1234ABCD");
    let (drive, _) = element(&single(4, 0, &descriptor));
    assert_eq!(
        drive.identifier,
        Some(DeviceIdentifier {
            serial: "HU1234ABCD".to_owned(),
            ..DeviceIdentifier::default()
        })
    );
    // binary, unknown type, too short for vendor and model: no identifier, and no error
    for header in ["01 00 00 0C", "02 03 00 0C", "02 01 00 0C", "00 00 00 00"] {
        descriptor[12..16].copy_from_slice(&bytes(header));
        assert_eq!(element(&single(4, 0, &descriptor)).0.identifier, None);
    }
    // longer than the descriptor: what is there
    descriptor[12..16].copy_from_slice(&bytes("02 00 00 FF"));
    assert!(element(&single(4, 0, &descriptor)).0.identifier.is_some());
}

#[test]
fn bar_codes_end_at_nul() {
    let mut descriptor = bytes("0101 09 00 0000 000000 00 0000");
    descriptor.resize(12 + 36, b' ');
    for (text, expected) in [
        (&b"ABC123L8\0  garbage"[..], Some("ABC123L8")),
        (b"  ABC123L8  ", Some("ABC123L8")),
        (b"\0ABC123L8", None),
        (b"   ", None),
    ] {
        descriptor[12..].fill(b' ');
        descriptor[12..][..text.len()].copy_from_slice(text);
        let (slot, _) = element(&single(2, 0x80, &descriptor));
        assert_eq!(slot.tag.as_deref(), expected, "{text:?}");
        assert!(slot.full);
    }
    // an empty element has no bar code, whatever is in the field
    descriptor[2] = 0x08;
    descriptor[12..20].copy_from_slice(b"ABC123L8");
    assert_eq!(element(&single(2, 0x80, &descriptor)).0.tag, None);
}

#[test]
fn tags_announced_and_not_sent() {
    let fixed = bytes("0101 09 00 0000 000000 00 0000");
    for kind in 1..=4 {
        // PVOLTAG, 16 bytes: no room
        let mut descriptor = fixed.clone();
        descriptor.resize(16, 0);
        let (found, warnings) = element(&single(kind, 0x80, &descriptor));
        assert_eq!((found.full, found.tag), (true, None));
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        // PVOLTAG and AVOLTAG, room for one: the primary tag
        let mut descriptor = fixed.clone();
        descriptor.extend(b"ABC123L8");
        descriptor.resize(12 + 36 + 4, 0);
        let (found, warnings) = element(&single(kind, 0xC0, &descriptor));
        assert_eq!(found.tag.as_deref(), Some("ABC123L8"));
        assert_eq!(warnings.len(), 1, "{warnings:?}");
    }
}

#[test]
fn alternate_tag_is_skipped() {
    let mut descriptor = bytes("0101 09 00 0000 000000 00 0000");
    descriptor.extend(b"ABC123L8");
    descriptor.resize(12 + 36, 0);
    descriptor.extend(b"OTHER");
    descriptor.resize(12 + 72, 0);
    descriptor.extend(bytes("02 00 00 03"));
    descriptor.extend(b"123");
    let (drive, warnings) = element(&single(4, 0xC0, &descriptor));
    assert_eq!(drive.tag.as_deref(), Some("ABC123L8"));
    assert_eq!(drive.identifier.unwrap().serial, "123");
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn short_descriptors() {
    // flags but no source, no identifier
    let (slot, warnings) = element(&single(2, 0, &bytes("0101 09 00 00 00")));
    assert_eq!((slot.address, slot.full, slot.source), (0x0101, true, None));
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        ElementReport::parse(&single(2, 0, &[1, 1]), 0xFFFF),
        Err(MalformedElementStatus::DescriptorLength(2))
    );
    assert_eq!(
        ElementReport::parse(&single(2, 0, &[]), 0xFFFF),
        Err(MalformedElementStatus::DescriptorLength(0))
    );
    assert_eq!(
        ElementReport::parse(&single(5, 0, &[0; 12]), 0xFFFF),
        Err(MalformedElementStatus::UnknownElementType(5))
    );
    assert_eq!(
        ElementReport::parse(&[0; 7], 0xFFFF),
        Err(MalformedElementStatus::TooShort(7))
    );
}

#[test]
fn reports_that_end_early() {
    let page = |elements: u16| ElementPage {
        kind: ElementType::Storage,
        volume_tags: true,
        device_ids: false,
        elements: (0..elements)
            .map(|i| ElementDescriptor {
                address: 0x03E9 + i,
                ..slot()
            })
            .collect(),
    };
    let whole = report_bytes(&[page(3)]);
    // the device forgot 8 bytes (tgt): the padding of the last descriptor is made up
    let report = ElementReport::parse(&whole[..whole.len() - 8], 0xFFFF).unwrap();
    assert_eq!(report.elements.len(), 3);
    assert_eq!(report.elements[2].1.tag.as_deref(), Some("ABC123L8"));
    assert!(!report.truncated);
    assert_eq!(report.warnings, ["element status ends 8 bytes early"]);
    // less than the fixed part of the last one arrived
    let report = ElementReport::parse(&whole[..16 + 2 * 52 + 11], 0xFFFF).unwrap();
    assert_eq!(report.elements.len(), 2);
    // the buffer was too small: only whole descriptors, and more to ask for
    let cut = 16 + 2 * 52 + 40;
    let report = ElementReport::parse(&whole[..cut], cut).unwrap();
    assert_eq!(report.elements.len(), 2);
    assert!(report.truncated);
    // nothing there
    let report = ElementReport::parse(&report_bytes(&[]), 0xFFFF).unwrap();
    assert_eq!(report, ElementReport::default());
}

fn descriptor() -> impl Strategy<Value = ElementDescriptor> {
    let text = || "[A-Z0-9]{1,10}";
    let identifier = (text(), text(), text()).prop_map(|(vendor, model, serial)| {
        let vendor = vendor[..vendor.len().min(8)].to_owned();
        DeviceIdentifier {
            vendor,
            model,
            serial,
        }
    });
    (
        any::<(u16, bool, bool, bool, bool)>(),
        proptest::option::of(any::<(u8, u8)>()),
        proptest::option::of(any::<u16>()),
        0u8..8,
        proptest::option::of("[A-Z0-9]{1,32}"),
        identifier,
    )
        .prop_map(
            |((address, full, operator, out, inward), exception, source, medium_type, tag, id)| {
                ElementDescriptor {
                    full,
                    placed_by_operator: operator,
                    export_enabled: out,
                    import_enabled: inward,
                    exception: exception.map(|(asc, ascq)| AdditionalSense(asc, ascq)),
                    source,
                    medium_type,
                    tag: tag.filter(|_| full),
                    identifier: Some(id),
                    ..ElementDescriptor::empty(address)
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reports_round_trip(elements in proptest::collection::vec(descriptor(), 1..20), volume_tags: bool, device_ids: bool) {
        let page = ElementPage { kind: ElementType::Drive, volume_tags, device_ids, elements };
        let reply = report_bytes(std::slice::from_ref(&page));
        let report = ElementReport::parse(&reply, reply.len() + 1).unwrap();
        let expected: Vec<_> = page
            .elements
            .into_iter()
            .map(|element| ElementDescriptor {
                tag: element.tag.clone().filter(|_| volume_tags),
                identifier: element.identifier.clone().filter(|_| device_ids),
                ..element
            })
            .map(|element| (ElementType::Drive, element))
            .collect();
        prop_assert_eq!(report.elements, expected);
        prop_assert!(report.warnings.is_empty());
    }

    #[test]
    fn any_report(mut data in proptest::collection::vec(any::<u8>(), 0..600), kind in 1u8..5, length in 0u8..60) {
        let _ = ElementReport::parse(&data, 0xFFFF);
        let _ = AddressAssignment::parse(&data);
        // Deeper: a header that leads somewhere.
        if data.len() >= 16 {
            data[2] |= 1;
            data[8] = kind;
            data[10..12].copy_from_slice(&[0, length]);
            if let Ok(report) = ElementReport::parse(&data, 0xFFFF) {
                prop_assert!(report.elements.len() * 3 <= data.len());
            }
        }
    }

    #[test]
    fn commands_round_trip(numbers: [u16; 4], flags: [bool; 3], kind in 0u8..5, allocation in 0u32..=0xFF_FFFF) {
        let twelve = |cdb: Cdb| -> [u8; 12] { cdb.as_bytes().try_into().unwrap() };
        let ten = |cdb: Cdb| -> [u8; 10] { cdb.as_bytes().try_into().unwrap() };
        let [transport, source, destination, other] = numbers;
        let read = ReadElementStatus {
            element_type: ElementType::from_code(kind),
            volume_tags: flags[0],
            device_ids: flags[1],
            current_data: flags[2],
            start: source,
            count: other,
            allocation,
        };
        prop_assert_eq!(ReadElementStatus::parse(&twelve(read.cdb())), Some(read));
        let mover = MoveMedium { transport, source, destination, invert: flags[0] };
        prop_assert_eq!(MoveMedium::parse(&twelve(mover.cdb())), mover);
        let exchange = ExchangeMedium { transport, source, first_destination: destination, second_destination: other };
        prop_assert_eq!(ExchangeMedium::parse(&twelve(exchange.cdb())), exchange);
        let position = PositionToElement { transport, destination };
        prop_assert_eq!(PositionToElement::parse(&ten(position.cdb())), position);
        let door = ImportExportDoor { element: source, close: flags[0] };
        let six: [u8; 6] = door.cdb().as_bytes().try_into().unwrap();
        prop_assert_eq!(ImportExportDoor::parse(&six), Some(door));
        let range = InitializeRange { first: source, count: other };
        for command in [InitializeElements::Range(range), InitializeElements::VendorRange(range)] {
            prop_assert_eq!(InitializeElements::parse_range(&ten(command.cdb())), command);
        }
        let assigned = AddressAssignment {
            transport: AddressRange { first: transport, count: source },
            storage: AddressRange { first: destination, count: other },
            import_export: AddressRange { first: other, count: transport },
            drive: AddressRange { first: source, count: destination },
        };
        prop_assert_eq!(AddressAssignment::parse(&assigned.to_bytes()).unwrap(), assigned);
    }
}
