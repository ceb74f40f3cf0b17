//! Every command that the program builds, one by one: what a target that is not ours makes of its bytes, and what the sense
//! parser makes of the answer.

use std::time::Duration;

use ferrite_scsi::attribute::ReadAttribute;
use ferrite_scsi::command::{
    Erase, FormatMedium, InitializeElements, InitializeRange, LoadUnload, Locate, LocateTarget,
    MoveMedium, PositionToElement, PreventAllow, ReadElementStatus, ReadPosition, ReportDensity,
    RequestSense, Rewind, Space, SpaceUnit, Write, WriteFilemarks, read_block_limits,
    test_unit_ready,
};
use ferrite_scsi::element::ElementType;
use ferrite_scsi::encryption::{PAGE_CAPABILITIES, SecurityProtocolIn};
use ferrite_scsi::inquiry::{InquiryCommand, VPD_UNIT_SERIAL_NUMBER, parse_serial};
use ferrite_scsi::log::{LogSense, PAGE_TAPE_ALERT};
use ferrite_scsi::mode::{ModeForm, ModeSense, page};
use ferrite_scsi::{Cdb, Data, Status, Transport};

use crate::site::{self, CHANGER_LUN, FIRST_DRIVE, FIRST_SLOT, Site};

const LIMIT: Duration = Duration::from_secs(20);

/// GOOD, or sense key, code and qualifier.
fn answer(transport: &mut dyn Transport, cdb: &Cdb, data: Data<'_>) -> String {
    let completion = transport.execute(cdb, data, LIMIT).unwrap();
    match completion.sense() {
        None => format!("{:?}", completion.status),
        Some(sense) => {
            let sense = sense.unwrap();
            format!(
                "{:X}/{:02X}/{:02X}",
                sense.key as u8, sense.code.0, sense.code.1
            )
        }
    }
}

fn expect(transport: &mut dyn Transport, table: &[(Cdb, usize, &str)]) {
    for (cdb, bytes, expected) in table {
        let mut buffer = vec![0; *bytes];
        let data = match bytes {
            0 => Data::None,
            _ => Data::In(&mut buffer),
        };
        assert_eq!(answer(transport, cdb, data), *expected, "{cdb:?}");
    }
}

#[test]
fn commands_of_drives() {
    let Some(tree) = site::tree() else { return };
    let site = Site::start(tree);
    let mut drive = site.blank_drive();
    let locate = |target| {
        Locate {
            target,
            immediate: false,
        }
        .cdb()
    };
    let capabilities = SecurityProtocolIn {
        page: PAGE_CAPABILITIES,
        allocation: 4096,
    };
    let space = |unit, count| Space { unit, count }.cdb();
    expect(
        &mut *drive,
        &[
            (InquiryCommand::STANDARD.cdb(), 36, "Good"),
            (test_unit_ready(), 0, "6/29/00"),
            (test_unit_ready(), 0, "Good"),
            (RequestSense::FIXED.cdb(), 252, "Good"),
            (read_block_limits(), 6, "Good"),
            (
                ModeSense::current(ModeForm::Six, page::DATA_COMPRESSION).cdb(),
                255,
                "Good",
            ),
            (
                ModeSense::current(ModeForm::Ten, page::DATA_COMPRESSION).cdb(),
                4096,
                "Good",
            ),
            (
                ModeSense::current(ModeForm::Ten, page::DEVICE_CONFIGURATION_EXTENSION).cdb(),
                4096,
                "5/24/00",
            ),
            (Rewind { immediate: false }.cdb(), 0, "Good"),
            (ReadPosition::Long.cdb(), 32, "Good"),
            (ReadPosition::Short.cdb(), 20, "Good"),
            (WriteFilemarks::SYNC.cdb(), 0, "Good"),
            (
                WriteFilemarks {
                    count: 2,
                    immediate: false,
                }
                .cdb(),
                0,
                "Good",
            ),
            (space(SpaceUnit::EndOfData, 0), 0, "Good"),
            (space(SpaceUnit::Filemarks, -1), 0, "Good"),
            (space(SpaceUnit::Blocks, 0), 0, "Good"),
            (PreventAllow { prevent: true }.cdb(), 0, "Good"),
            (PreventAllow { prevent: false }.cdb(), 0, "Good"),
            (
                LoadUnload {
                    load: true,
                    immediate: false,
                }
                .cdb(),
                0,
                "Good",
            ),
            (space(SpaceUnit::Filemarks, 1 << 24), 0, "5/20/00"),
            (locate(LocateTarget::File(1)), 0, "5/20/00"),
            (locate(LocateTarget::Object(1)), 0, "5/20/00"),
            (
                Erase {
                    long: false,
                    immediate: true,
                }
                .cdb(),
                0,
                "5/20/00",
            ),
            (FormatMedium { immediate: true }.cdb(), 0, "5/20/00"),
            (ReportDensity::ALL.cdb(), 8192, "5/20/00"),
            (
                LogSense {
                    page: PAGE_TAPE_ALERT,
                    subpage: 0,
                    allocation: 1024,
                }
                .cdb(),
                1024,
                "5/20/00",
            ),
            (ReadAttribute::ALL.cdb(), 4096, "5/20/00"),
            (capabilities.cdb(), 4096, "5/20/00"),
        ],
    );
    let block = vec![7; 64 * 1024];
    let write = Write {
        fixed: false,
        length: block.len() as u32,
    };
    assert_eq!(answer(&mut *drive, &write.cdb(), Data::Out(&block)), "Good");
}

#[test]
fn commands_of_changers() {
    let Some(tree) = site::tree() else { return };
    let site = Site::start(tree);
    let mut changer = site.connect(CHANGER_LUN);
    let moved = |source, destination| {
        MoveMedium {
            transport: 1,
            source,
            destination,
            invert: false,
        }
        .cdb()
    };
    let elements = |kind, volume_tags, device_ids| {
        let command = ReadElementStatus {
            element_type: Some(kind),
            volume_tags,
            device_ids,
            current_data: false,
            start: 0,
            count: u16::MAX,
            allocation: 0xFFFF,
        };
        command.cdb()
    };
    let range = InitializeRange {
        first: FIRST_SLOT,
        count: 2,
    };
    expect(
        &mut changer,
        &[
            (InquiryCommand::STANDARD.cdb(), 36, "Good"),
            (test_unit_ready(), 0, "6/29/00"),
            (
                ModeSense::current(ModeForm::Six, page::ELEMENT_ADDRESS_ASSIGNMENT).cdb(),
                255,
                "Good",
            ),
            (InitializeElements::All.cdb(), 0, "Good"),
            (InitializeElements::Range(range).cdb(), 0, "Good"),
            (InitializeElements::VendorRange(range).cdb(), 0, "5/20/00"),
            (elements(ElementType::Storage, true, false), 0xFFFF, "Good"),
            (elements(ElementType::Drive, false, true), 0xFFFF, "Good"),
            (
                elements(ElementType::ImportExport, true, false),
                0xFFFF,
                "Good",
            ),
            (
                elements(ElementType::Transport, true, false),
                0xFFFF,
                "Good",
            ),
            (moved(FIRST_SLOT, FIRST_SLOT + 4), 0, "Good"),
            (moved(FIRST_SLOT, FIRST_SLOT + 5), 0, "5/3B/0E"),
            (moved(FIRST_SLOT + 1, FIRST_SLOT + 4), 0, "5/3B/0D"),
            (moved(FIRST_SLOT + 4, FIRST_DRIVE), 0, "Good"),
            (moved(FIRST_DRIVE, 16), 0, "Good"),
            (moved(FIRST_SLOT + 1, 999), 0, "5/24/00"),
            (
                PositionToElement {
                    transport: 1,
                    destination: FIRST_SLOT,
                }
                .cdb(),
                0,
                "5/20/00",
            ),
            (PreventAllow { prevent: true }.cdb(), 0, "5/20/00"),
        ],
    );
}

/// tgt puts 28 spaces in front of it.
#[test]
fn serial_numbers() {
    let Some(tree) = site::tree() else { return };
    let site = Site::start(tree);
    for (lun, serial) in [(1, "DRV00001"), (2, "DRV00002"), (CHANGER_LUN, "CHG00001")] {
        let mut transport = site.connect(lun);
        let mut page = [0; 255];
        let cdb = InquiryCommand {
            page: Some(VPD_UNIT_SERIAL_NUMBER),
            allocation: 255,
        }
        .cdb();
        let completion = transport.execute(&cdb, Data::In(&mut page), LIMIT).unwrap();
        assert_eq!(completion.status, Status::Good);
        let page = &page[..page.len() - completion.residual];
        assert_eq!(parse_serial(page).as_deref(), Some(serial));
    }
}

/// The client's half of the rule that everything has a time limit.
#[test]
fn a_target_that_dies_is_an_error() {
    let Some(tree) = site::tree() else { return };
    let site = Site::start(tree);
    let mut transport = site.connect(CHANGER_LUN);
    drop(site);
    let lost = transport.execute(&test_unit_ready(), Data::None, Duration::from_secs(2));
    assert!(lost.unwrap_err().loses_position());
}
