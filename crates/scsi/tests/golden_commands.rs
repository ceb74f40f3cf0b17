//! Every command's bytes, field by field (scsi.md section 2 and appendix A).

#![allow(clippy::unwrap_used, reason = "tests")]

use ferrite_scsi::Cdb;
use ferrite_scsi::attribute::{self, ReadAttribute, WriteAttribute};
use ferrite_scsi::command::{
    BlockLimits, Erase, FormatMedium, LoadUnload, Locate, LocateTarget, PreventAllow, Read,
    ReadPosition, ReportDensity, RequestSense, Rewind, Space, SpaceUnit, TapePosition, Write,
    WriteFilemarks, read_block_limits, test_unit_ready,
};
use ferrite_scsi::encryption::{
    self, PAGE_CAPABILITIES, PAGE_STATUS, SecurityProtocolIn, SecurityProtocolOut,
};
use ferrite_scsi::inquiry::{Inquiry, InquiryCommand, PeripheralType, parse_serial};
use ferrite_scsi::log::LogSense;
use ferrite_scsi::mode::{ModeForm, ModeSelect, ModeSense, page};

/// Hex text, blanks ignored.
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

#[test]
fn six_byte_commands() {
    assert_cdb(test_unit_ready(), "00 00 00 00 00 00");
    assert_cdb(Rewind { immediate: false }.cdb(), "01 00 00 00 00 00");
    // byte 1 bit 0: IMMED
    assert_cdb(Rewind { immediate: true }.cdb(), "01 01 00 00 00 00");
    // byte 4: allocation length 252
    assert_cdb(RequestSense::FIXED.cdb(), "03 00 00 00 FC 00");
    assert_cdb(read_block_limits(), "05 00 00 00 00 00");
    // bytes 3-4: allocation length 36
    assert_cdb(InquiryCommand::STANDARD.cdb(), "12 00 00 00 24 00");
    // byte 1: EVPD, byte 2: page
    assert_cdb(
        InquiryCommand {
            page: Some(0x80),
            allocation: 255,
        }
        .cdb(),
        "12 01 80 00 FF 00",
    );
    // byte 4 bit 0: LOAD
    assert_cdb(
        LoadUnload {
            load: true,
            immediate: false,
        }
        .cdb(),
        "1B 00 00 00 01 00",
    );
    assert_cdb(
        LoadUnload {
            load: false,
            immediate: false,
        }
        .cdb(),
        "1B 00 00 00 00 00",
    );
    assert_cdb(PreventAllow { prevent: true }.cdb(), "1E 00 00 00 01 00");
    // byte 1 bit 0: LONG, bit 1: IMMED
    assert_cdb(
        Erase {
            long: true,
            immediate: false,
        }
        .cdb(),
        "19 01 00 00 00 00",
    );
    assert_cdb(
        Erase {
            long: true,
            immediate: true,
        }
        .cdb(),
        "19 03 00 00 00 00",
    );
    assert_cdb(FormatMedium { immediate: false }.cdb(), "04 00 00 00 00 00");
    assert_cdb(FormatMedium { immediate: true }.cdb(), "04 01 00 00 00 00");
}

#[test]
fn block_commands() {
    // bytes 2-4: length 262144; byte 1: FIXED = 0
    assert_cdb(
        Write {
            fixed: false,
            length: 262_144,
        }
        .cdb(),
        "0A 00 04 00 00 00",
    );
    // byte 1 bit 1: SILI
    let with_sili = Read {
        fixed: false,
        suppress_incorrect_length: true,
        length: 262_144,
    };
    assert_cdb(with_sili.cdb(), "08 02 04 00 00 00");
    let read = Read {
        fixed: false,
        suppress_incorrect_length: false,
        length: 512,
    };
    assert_cdb(read.cdb(), "08 00 00 02 00 00");
    // end of a file: IMMED, one mark
    assert_cdb(
        WriteFilemarks {
            count: 1,
            immediate: true,
        }
        .cdb(),
        "10 01 00 00 01 00",
    );
    // missing filemark repair: not immediate
    assert_cdb(
        WriteFilemarks {
            count: 1,
            immediate: false,
        }
        .cdb(),
        "10 00 00 00 01 00",
    );
    // flush
    assert_cdb(WriteFilemarks::SYNC.cdb(), "10 00 00 00 00 00");
}

#[test]
fn motion_commands() {
    // A17: LOCATE to file 5 is LOCATE to file id 4, then one filemark forward
    assert_cdb(
        Locate {
            target: LocateTarget::File(4),
            immediate: false,
        }
        .cdb(),
        "92 08 00 00 0000000000000004 00 00 00 00",
    );
    assert_cdb(
        Space {
            unit: SpaceUnit::Filemarks,
            count: 1,
        }
        .cdb(),
        "11 01 00 00 01 00",
    );
    // A17: two filemarks back, 24-bit two's complement
    assert_cdb(
        Space {
            unit: SpaceUnit::Filemarks,
            count: -2,
        }
        .cdb(),
        "11 01 FF FF FE 00",
    );
    assert_cdb(Space::END_OF_DATA.cdb(), "11 03 00 00 00 00");
    assert_cdb(
        Space {
            unit: SpaceUnit::Blocks,
            count: -1,
        }
        .cdb(),
        "11 00 FF FF FF 00",
    );
    // the largest count of the short form, and the first of the long one
    assert_cdb(
        Space {
            unit: SpaceUnit::Blocks,
            count: 0x7F_FFFF,
        }
        .cdb(),
        "11 00 7F FF FF 00",
    );
    assert_cdb(
        Space {
            unit: SpaceUnit::Blocks,
            count: 0x80_0000,
        }
        .cdb(),
        "91 00 00 00 0000000000800000 00 00 00 00",
    );
    assert_cdb(
        Space {
            unit: SpaceUnit::Filemarks,
            count: -0x7F_FFFF,
        }
        .cdb(),
        "91 01 00 00 FFFFFFFFFF800001 00 00 00 00",
    );
    // service action 06: long form
    assert_cdb(ReadPosition::Long.cdb(), "34 06 00 00 00 00 00 00 00 00");
    assert_cdb(ReadPosition::Short.cdb(), "34 00 00 00 00 00 00 00 00 00");
    // As the st driver asks.
    let vendor = [0x34, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(ReadPosition::parse(&vendor), Some(ReadPosition::Short));
}

#[test]
fn page_commands() {
    // byte 2: page control current, page 0F; bytes 7-8: allocation 4096
    assert_cdb(
        ModeSense::current(ModeForm::Ten, page::DATA_COMPRESSION).cdb(),
        "5A 00 0F 00 00 00 00 10 00 00",
    );
    assert_cdb(
        ModeSense::current(ModeForm::Six, page::DATA_COMPRESSION).cdb(),
        "1A 00 0F 00 FF 00",
    );
    // byte 3: subpage
    assert_cdb(
        ModeSense::current(ModeForm::Ten, page::DEVICE_CONFIGURATION_EXTENSION).cdb(),
        "5A 00 10 01 00 00 00 10 00 00",
    );
    // A1: byte 1 bit 4: PF; bytes 7-8: 32 bytes
    assert_cdb(
        ModeSelect {
            form: ModeForm::Ten,
            length: 32,
        }
        .cdb(),
        "55 10 00 00 00 00 00 00 20 00",
    );
    assert_cdb(
        ModeSelect {
            form: ModeForm::Six,
            length: 28,
        }
        .cdb(),
        "15 10 00 00 1C 00",
    );
    // byte 2: cumulative values | page; bytes 7-8: allocation
    assert_cdb(
        LogSense {
            page: 0x11,
            subpage: 0,
            allocation: 8192,
        }
        .cdb(),
        "4D 00 51 00 00 00 00 20 00 00",
    );
    assert_cdb(
        LogSense {
            page: 0x12,
            subpage: 0,
            allocation: 512,
        }
        .cdb(),
        "4D 00 52 00 00 00 00 02 00 00",
    );
    // byte 1: MEDIA = 0, MEDIUM TYPE = 0; bytes 7-8: allocation 8192
    assert_cdb(ReportDensity::ALL.cdb(), "44 00 00 00 00 00 00 20 00 00");
    // bytes 8-9: first attribute 0; bytes 10-13: allocation 32768
    assert_cdb(
        ReadAttribute::ALL.cdb(),
        "8C 00 00 00 00 00 00 00 00 00 00 00 80 00 00 00",
    );
    // A8: byte 1: write through; bytes 10-13: 17 bytes
    assert_cdb(
        WriteAttribute { length: 17 }.cdb(),
        "8D 01 00 00 00 00 00 00 00 00 00 00 00 11 00 00",
    );
}

#[test]
fn encryption_commands() {
    // byte 1: security protocol 20h; bytes 2-3: page; bytes 6-9: allocation 8192
    assert_cdb(
        SecurityProtocolIn {
            page: PAGE_CAPABILITIES,
            allocation: encryption::ALLOCATION,
        }
        .cdb(),
        "A2 20 00 10 00 00 00 00 20 00 00 00",
    );
    assert_cdb(
        SecurityProtocolIn {
            page: PAGE_STATUS,
            allocation: encryption::ALLOCATION,
        }
        .cdb(),
        "A2 20 00 20 00 00 00 00 20 00 00 00",
    );
    // A10: 52 bytes with a key, 20 without
    assert_cdb(
        SecurityProtocolOut { length: 52 }.cdb(),
        "B5 20 00 10 00 00 00 00 00 34 00 00",
    );
    let key = std::array::from_fn(|i| i as u8);
    let enable = encryption::enable_page(3, &key);
    // page, length 48; scope all nexus, 0; encrypt, decrypt mixed; algorithm, key format, KAD format; reserved; key length
    assert_eq!(
        enable[..20],
        bytes("0010 0030 40 00 02 03 03 00 00 00000000000000 0020")
    );
    assert_eq!(enable[20..], key);
    let disable = encryption::disable_page(1);
    assert_eq!(
        disable[..],
        bytes("0010 0010 40 00 00 00 01 00 00 00000000000000 0000")
    );
}

/// A9: algorithm index 1 of a 44-byte page.
#[test]
fn encryption_capabilities() {
    let page = bytes(
        // page 0010, length 0028, CFG_P 01, 15 reserved; index 01, reserved, length 0014, BA = hardware both ways,
        // flags, max UKAD 0020, max AKAD 000C, key size 0020, flags, reserved, MSDK count, reserved, AES-256-GCM
        "0010 0028 01 000000000000000000000000000000
         01 00 0014 BA 10 0020 000C 0020 09 00 0000 00000000 00010014",
    );
    assert_eq!(page.len(), 44);
    assert_eq!(encryption::parse_capabilities(&page).unwrap(), Some(1));
    // announced length wins over what was transferred
    let mut longer = page.clone();
    longer.resize(8192, 0xFF);
    assert_eq!(encryption::parse_capabilities(&longer).unwrap(), Some(1));
    // decryption not in hardware
    let mut software = page.clone();
    software[24] = 0xB6;
    assert_eq!(encryption::parse_capabilities(&software).unwrap(), None);
    let mut other_length = page;
    other_length[23] = 0x15;
    assert!(encryption::parse_capabilities(&other_length).is_err());
}

/// A11.
#[test]
fn encryption_status() {
    let page = bytes("0020 0014 42 02 03 01 00000001 00 00 0000 0000000000000000");
    assert_eq!(
        encryption::parse_status(&page).unwrap(),
        encryption::EncryptionMode::Mixed
    );
    // a target announces 32 bytes and sends 24
    let mut announced = page.clone();
    announced[3] = 0x20;
    assert_eq!(
        encryption::parse_status(&announced).unwrap(),
        encryption::EncryptionMode::Mixed
    );
    let mut unknown = page.clone();
    unknown[5] = 1;
    assert!(encryption::parse_status(&unknown).is_err());
    assert!(encryption::parse_status(&page[..11]).is_err());
}

/// A3.
#[test]
fn read_position_long() {
    let reply = bytes("00000000 00000000 0000000000000007 0000000000000002 0000000000000000");
    let position = TapePosition::parse(reply.as_slice().try_into().unwrap());
    assert_eq!(
        (position.object, position.file, position.partition),
        (7, 2, 0)
    );
    assert!(!position.beginning && !position.past_early_warning && !position.object_unknown);
    assert_eq!(position.to_bytes()[..], reply);
    let mut at_beginning = [0; 32];
    at_beginning[0] = 0x80;
    assert!(TapePosition::parse(&at_beginning).beginning);
    at_beginning[0] = 0x40;
    assert!(TapePosition::parse(&at_beginning).past_early_warning);
    at_beginning[0] = 0x0C;
    let unknown = TapePosition::parse(&at_beginning);
    assert!(unknown.mark_count_unknown && unknown.object_unknown);
}

#[test]
fn block_limits() {
    // granularity, max 800000h, min 1
    let limits = BlockLimits::parse(&[0x00, 0x80, 0x00, 0x00, 0x00, 0x01]);
    assert_eq!(
        limits,
        BlockLimits {
            granularity: 0,
            max: 0x80_0000,
            min: 1
        }
    );
    assert_eq!(limits.to_bytes(), [0x00, 0x80, 0x00, 0x00, 0x00, 0x01]);
}

#[test]
fn inquiry() {
    let reply = bytes(
        // tape, removable, SPC-4, format 2, additional length, flags; vendor; product; revision
        "01 80 06 02 5B 00 01 30
         49424D2020202020 554C54333538302D5444382020202020 4E313132",
    );
    let inquiry = Inquiry::parse(&reply).unwrap();
    assert_eq!(inquiry.peripheral_type, PeripheralType::Tape);
    assert_eq!(
        (
            inquiry.vendor.as_str(),
            inquiry.product.as_str(),
            inquiry.revision.as_str()
        ),
        ("IBM", "ULT3580-TD8", "N112")
    );
    assert_eq!(Inquiry::parse(&inquiry.to_bytes()).unwrap(), inquiry);
    assert_eq!(Inquiry::parse(&reply[..35]), None);
    // since-3.2.4 B7: text ends at the first NUL
    let mut padded = reply;
    padded[8..16].copy_from_slice(b"ABC\0  XY");
    assert_eq!(Inquiry::parse(&padded).unwrap().vendor, "ABC");
}

#[test]
fn serial_number_page() {
    // right-justified in 10 bytes
    assert_eq!(
        parse_serial(&bytes("01 80 00 0A 20202020 313032333435")).as_deref(),
        Some("102345")
    );
    assert_eq!(parse_serial(&bytes("01 83 00 02 3132")), None);
    assert_eq!(parse_serial(&[1, 0x80]), None);
}

/// A8: parameter lists of WRITE ATTRIBUTE.
#[test]
fn write_attribute_lists() {
    let vendor = attribute::host_text(attribute::APPLICATION_VENDOR, "Acme").unwrap();
    // length of the rest; id, format ASCII, length, value padded with NUL
    assert_eq!(
        attribute::to_list(&[vendor]),
        bytes("0000000D 0800 01 0008 41636D6500000000")
    );
    let deletion = attribute::deletion(attribute::APPLICATION_VENDOR);
    assert_eq!(
        attribute::to_list(&[deletion]),
        bytes("00000005 0800 01 0000")
    );
    // cut at a character boundary, not in the middle of a letter
    let name = attribute::host_text(attribute::APPLICATION_VENDOR, "abcdefgü").unwrap();
    assert_eq!(name.value, b"abcdefg\0");
    assert_eq!(
        attribute::host_text(attribute::MANUFACTURE_DATE, "20230517"),
        None
    );
}

/// A7.
#[test]
fn read_attribute_list() {
    let reply = bytes("0000001A 0003 80 0008 0000000000000009 0406 81 0008 3230323330353137");
    let attributes = attribute::parse_list(&reply).unwrap();
    assert!(attributes.iter().all(|attribute| attribute.read_only));
    let (entries, wrong_length) = attribute::render(&attributes);
    let shown: Vec<_> = entries
        .iter()
        .map(|entry| (entry.id, entry.value.as_str()))
        .collect();
    assert_eq!(shown, [(0x0003, "9"), (0x0406, "20230517")]);
    assert!(wrong_length.is_empty());
    // more bytes than announced are fine, fewer are not
    let mut longer = reply.clone();
    longer.push(0);
    assert_eq!(attribute::parse_list(&longer).unwrap(), attributes);
    assert!(attribute::parse_list(&reply[..reply.len() - 1]).is_err());
    // a date of 12 bytes is left out
    let odd = bytes("00000011 0406 81 000C 323032333035313700000000");
    assert_eq!(
        attribute::render(&attribute::parse_list(&odd).unwrap()),
        (vec![], vec![0x0406])
    );
}
