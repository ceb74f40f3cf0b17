//! Mode pages, log pages, density report and sense data, byte for byte (scsi.md appendix A).

#![allow(clippy::unwrap_used, reason = "tests")]

use ferrite_scsi::alert::{AlertFlags, Severity};
use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::density::{self, Density};
use ferrite_scsi::log::{self, Activity, DeviceStatus, PageBuilder};
use ferrite_scsi::mode::{
    ConfigurationExtension, DataCompression, MalformedModeData, MediumConfiguration, ModeForm,
    ModeParameters, page,
};
use ferrite_scsi::sense::{MalformedSense, Sense, SenseKey};
use ferrite_scsi::volume_statistics::VolumeStatistics;

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

/// A1: data length, medium type, buffered mode 1, descriptor length; density, blocks, block length; page with PS.
const COMPRESSION_10: &str =
    "001E 88 10 0000 0008 | 5E 000000 00 000000 | 8F 0E C0 80 00000001 00000001 00000000";

#[test]
fn compression_page() {
    let reply = bytes(COMPRESSION_10);
    assert_eq!(reply.len(), 32);
    let mut parameters = ModeParameters::parse_sense(ModeForm::Ten, &reply).unwrap();
    assert_eq!(parameters.medium_type, 0x88);
    assert_eq!(parameters.buffered_mode, 1);
    assert!(!parameters.write_protected);
    assert_eq!(parameters.block.unwrap().density, Density::LTO8.0);
    assert_eq!(parameters.block.unwrap().block_length, 0);
    assert!(DataCompression::enabled(parameters.page(page::DATA_COMPRESSION).unwrap()).unwrap());
    // MODE SELECT: data length 0, PS cleared, all else kept
    assert_eq!(
        parameters.to_select_bytes(ModeForm::Ten),
        bytes(
            "0000 88 10 0000 0008 | 5E 000000 00 000000 | 0F 0E C0 80 00000001 00000001 00000000"
        )
    );
    DataCompression::set_enabled(parameters.page_mut(page::DATA_COMPRESSION).unwrap(), false)
        .unwrap();
    assert_eq!(parameters.to_select_bytes(ModeForm::Ten)[18], 0x40);
    // what the emulator sends
    let sent = ModeParameters {
        pages: DataCompression::to_bytes(true).to_vec(),
        ..parameters
    };
    assert_eq!(sent.to_sense_bytes(ModeForm::Ten), reply);
}

#[test]
fn compression_page_in_the_short_form() {
    let reply = bytes("1B 88 10 08 | 5E 000000 00 000000 | 8F 0E C0 80 00000001 00000001 00000000");
    assert_eq!(reply.len(), 28);
    let short = ModeParameters::parse_sense(ModeForm::Six, &reply).unwrap();
    let long = ModeParameters::parse_sense(ModeForm::Ten, &bytes(COMPRESSION_10)).unwrap();
    assert_eq!(short, long);
    assert_eq!(short.to_sense_bytes(ModeForm::Six), reply);
}

#[test]
fn longer_mode_data_is_cut() {
    // HP half-height LTO-7 returns the whole allocation
    let mut reply = bytes(COMPRESSION_10);
    reply.resize(4096, 0xFF);
    let parameters = ModeParameters::parse_sense(ModeForm::Ten, &reply).unwrap();
    assert_eq!(parameters.pages.len(), 16);
}

#[test]
fn damaged_mode_data() {
    let reply = bytes(COMPRESSION_10);
    for length in 0..reply.len() {
        assert!(matches!(
            ModeParameters::parse_sense(ModeForm::Ten, &reply[..length]),
            Err(MalformedModeData::TooShort { .. })
        ));
    }
    let parameters = ModeParameters::parse_sense(ModeForm::Ten, &reply).unwrap();
    assert!(matches!(
        parameters.page(page::MEDIUM_CONFIGURATION),
        Err(MalformedModeData::OtherPage { .. })
    ));
    let mut descriptor = reply;
    descriptor[7] = 7;
    assert_eq!(
        ModeParameters::parse_sense(ModeForm::Ten, &descriptor),
        Err(MalformedModeData::BlockDescriptorLength(7))
    );
}

/// A2: LTO-8 WORM.
#[test]
fn medium_configuration() {
    let mut reply = bytes("002E 8C 10 0000 0008 | 5E 000000 00 000000 | 1D 1E 01 00 01 02");
    reply.resize(48, 0);
    let parameters = ModeParameters::parse_sense(ModeForm::Ten, &reply).unwrap();
    let page = parameters.page(page::MEDIUM_CONFIGURATION).unwrap();
    assert!(MediumConfiguration::is_worm(page).unwrap());
    assert_eq!(page, MediumConfiguration::to_bytes(true));
    assert!(!MediumConfiguration::is_worm(&MediumConfiguration::to_bytes(false)).unwrap());
    assert!(MediumConfiguration::is_worm(&page[..31]).is_err());
}

/// scsi.md 2.5: subpage format, length 1Ch, zone in bytes 6-7.
#[test]
fn configuration_extension() {
    let mut page = ConfigurationExtension::to_bytes(0x0102);
    assert_eq!(page[..8], bytes("50 01 001C 00 00 0102"));
    assert_eq!(
        ConfigurationExtension::early_warning_mb(&page).unwrap(),
        0x0102
    );
    ConfigurationExtension::set_early_warning_mb(&mut page, 0).unwrap();
    assert_eq!(page[..8], bytes("50 01 001C 00 00 0000"));
    assert!(ConfigurationExtension::early_warning_mb(&page[..28]).is_err());
}

/// A4.
#[test]
fn tape_alert_response() {
    let reply = bytes("12 00 000C | 0000 03 08 00 00 10 00 00 00 00 00");
    let flags = log::parse_alert_flags(&reply).unwrap();
    assert_eq!(flags.bits(), 0x0000_0000_0008_0000);
    assert_eq!(flags.to_string(), "CLEAN_NOW");
    assert!(flags.wants_cleaning());
    assert!(!flags.is_critical());
    assert_eq!(log::alert_flags_page(flags), reply);
    let both = AlertFlags::NONE.with(4).with(61);
    assert_eq!(both.to_page_bytes()[..], bytes("10 00 00 00 00 00 00 08"));
    assert_eq!(both.to_string(), "MEDIA | ENCRYPTION_POLICY_VIOLATION");
    assert!(both.is_critical());
    assert_eq!(
        both.iter()
            .map(|(_, _, severity)| severity)
            .collect::<Vec<_>>(),
        [Severity::Critical, Severity::Warning]
    );
    assert_eq!(AlertFlags::NONE.to_string(), "(empty)");
    // flag 40 has no name with PBS
    assert_eq!(AlertFlags::NONE.with(40).to_string(), "(empty)");
    assert!(AlertFlags::NONE.with(19).is_worn());
}

/// A5.
#[test]
fn device_status() {
    let reply = bytes("11 00 0008 | 0000 03 04 31 17 00 00");
    let status = DeviceStatus::parse(&reply).unwrap();
    assert_eq!(status.activity, Activity::NoActivity);
    assert!(
        status.mounted && status.medium_present && status.compression && status.memory_accessible
    );
    assert_eq!(status.to_page(), reply);
    let mut rewinding = reply.clone();
    rewinding[10] = 0x08;
    assert_eq!(
        DeviceStatus::parse(&rewinding).unwrap().activity.name(),
        "rewinding"
    );
    let mut not_initialised = reply.clone();
    not_initialised[8] &= !0x01;
    assert!(DeviceStatus::parse(&not_initialised).is_err());
    let mut unknown = reply;
    unknown[10] = 0x10;
    assert!(DeviceStatus::parse(&unknown).is_err());
}

/// A6.
#[test]
fn volume_statistics() {
    let reply = bytes("17 00 0015 | 0000 03 01 01 | 0001 03 04 00000005 | 0101 03 04 0000000C");
    let statistics = VolumeStatistics::parse(&reply).unwrap();
    assert_eq!(statistics.volume_mounts, 5);
    assert_eq!(statistics.beginning_of_medium_passes, 12);
    assert_eq!(statistics.lifetime_bytes_written, 0);
    // a drive that is longer than it says, one that says more than it has
    let mut longer = reply.clone();
    longer.push(9);
    assert_eq!(VolumeStatistics::parse(&longer).unwrap(), statistics);
    assert!(VolumeStatistics::parse(&reply[..reply.len() - 1]).is_err());
    // zero padding inside the announced length looks like parameters 0000h
    let padded = PageBuilder::new(0x17)
        .binary(0, &[1])
        .binary(1, &[5])
        .binary(0, &[])
        .binary(0, &[])
        .finish();
    assert_eq!(VolumeStatistics::parse(&padded).unwrap().volume_mounts, 5);
    // not valid, or never said so
    assert!(VolumeStatistics::parse(&PageBuilder::new(0x17).binary(0, &[0]).finish()).is_err());
    assert!(VolumeStatistics::parse(&PageBuilder::new(0x17).finish()).is_err());
    // a counter of nine bytes
    assert!(
        VolumeStatistics::parse(
            &PageBuilder::new(0x17)
                .binary(0, &[1])
                .binary(1, &[0; 9])
                .finish()
        )
        .is_err()
    );
}

#[test]
fn volume_statistics_units() {
    let page = PageBuilder::new(0x17)
        .binary(0x0000, &[1])
        .binary(0x0010, &[0, 0, 0, 0, 0, 0, 0, 3]) // lifetime MB written
        .binary(0x0016, &[0xFF, 0xFF, 0xFF, 0xFE]) // capacity unknown
        .ascii(0x0040, b"SERIAL1   ")
        .binary(0x0081, &[1])
        .finish();
    let statistics = VolumeStatistics::parse(&page).unwrap();
    assert_eq!(statistics.lifetime_bytes_written, 3_000_000);
    assert_eq!(statistics.total_native_capacity, 0);
    assert_eq!(statistics.serial, "SERIAL1");
    assert!(statistics.worm && !statistics.write_protect);
    assert_eq!(
        VolumeStatistics::parse(&statistics.to_page()).unwrap(),
        statistics
    );
    assert!(
        statistics
            .counters()
            .any(|(name, value)| name == "lifetime-bytes-written" && value == 3_000_000)
    );
}

/// A12.
#[test]
fn density_report() {
    let report = density::to_report(&[Density(0x5C), Density::LTO8], Some(Density::LTO8));
    assert_eq!(report[..2], bytes("006A")); // 2 reserved + 2 * 52
    assert_eq!(report[4..7], bytes("5C 5C 80"));
    assert_eq!(report[4 + 52..4 + 55], bytes("5E 5E A0"));
    let descriptors = density::parse_report(&report).unwrap();
    assert_eq!(
        descriptors
            .iter()
            .map(|descriptor| descriptor.primary)
            .max(),
        Some(Density::LTO8)
    );
    assert_eq!(Density::LTO8.to_string(), "LTO8");
    assert_eq!(Density(0x01).to_string(), "Unknown");
    assert!(density::parse_report(&report[..report.len() - 1]).is_err());
    let mut odd = report;
    odd[1] = 0x69;
    assert!(density::parse_report(&odd).is_err());
}

/// A16, fixed format: (hex, key, code, filemark, eom, ili, information).
#[test]
fn fixed_sense() {
    use AdditionalSense as A;
    use SenseKey as K;
    let golden = [
        (
            "F0 00 40 00000000 0A 00000000 00 02 00 000000",
            K::NoSense,
            A::END_OF_MEDIUM,
            (false, true, false),
            Some(0),
        ),
        (
            "F0 00 80 00040000 0A 00000000 00 01 00 000000",
            K::NoSense,
            A::FILEMARK_DETECTED,
            (true, false, false),
            Some(262_144),
        ),
        (
            "F0 00 20 00000018 0A 00000000 00 00 00 000000",
            K::NoSense,
            A::NONE,
            (false, false, true),
            Some(24),
        ),
        (
            "F0 00 20 FFFFFC00 0A 00000000 00 00 00 000000",
            K::NoSense,
            A::NONE,
            (false, false, true),
            Some(-1024),
        ),
        (
            "F0 00 08 00040000 0A 00000000 00 05 00 000000",
            K::BlankCheck,
            A::END_OF_DATA,
            (false, false, false),
            Some(262_144),
        ),
        (
            "70 00 07 00000000 0A 00000000 74 03 00 000000",
            K::DataProtect,
            A::INCORRECT_KEY,
            (false, false, false),
            None,
        ),
        (
            "F0 00 4D 00040000 0A 00000000 00 02 00 000000",
            K::VolumeOverflow,
            A::END_OF_MEDIUM,
            (false, true, false),
            Some(262_144),
        ),
        (
            "70 00 05 00000000 0A 00000000 20 00 00 C00000",
            K::IllegalRequest,
            A::INVALID_OPERATION_CODE,
            (false, false, false),
            None,
        ),
    ];
    for (hex, key, code, flags, information) in golden {
        let sense = Sense::parse(&bytes(hex)).unwrap();
        assert!(sense.is(key, code), "{hex}");
        assert_eq!(
            (sense.filemark, sense.end_of_medium, sense.incorrect_length),
            flags,
            "{hex}"
        );
        assert_eq!(sense.information, information, "{hex}");
        assert!(!sense.deferred);
        assert_eq!(sense.to_fixed()[..], bytes(hex), "{hex}");
    }
}

/// A16, descriptor format of the early warning.
#[test]
fn descriptor_sense() {
    let hex = "72 00 00 02 00 00 00 10 | 00 0A 80 00 0000000000000000 | 04 02 00 40";
    let sense = Sense::parse(&bytes(hex)).unwrap();
    assert!(sense.is(SenseKey::NoSense, AdditionalSense::END_OF_MEDIUM));
    assert!(sense.end_of_medium);
    assert_eq!(sense.information, Some(0));
    assert_eq!(sense.to_descriptor(), bytes(hex));
}

#[test]
fn sense_details() {
    // 71h: deferred
    assert!(
        Sense::parse(&bytes("71 00 03 00000000 0A 00000000 0C 00 00 000000"))
            .unwrap()
            .deferred
    );
    assert!(
        Sense::parse(&bytes("73 03 0C 00 00 00 00 00"))
            .unwrap()
            .deferred
    );
    // progress of 65536
    let busy = Sense::parse(&bytes("70 00 02 00000000 0A 00000000 04 04 00 808000")).unwrap();
    assert_eq!(busy.progress, Some(0x8000));
    // three bytes are enough for a key, more is absent
    assert_eq!(
        Sense::parse(&[0x70, 0, 0x06]).unwrap().key,
        SenseKey::UnitAttention
    );
    assert_eq!(Sense::parse(&[]), Err(MalformedSense::TooShort(0)));
    assert_eq!(Sense::parse(&[0x70, 0]), Err(MalformedSense::TooShort(2)));
    assert_eq!(
        Sense::parse(&[0x7F; 18]),
        Err(MalformedSense::UnknownResponseCode(0x7F))
    );
    let sense = Sense::new(SenseKey::MediumError, AdditionalSense::WRITE_ERROR);
    assert_eq!(sense.to_string(), "medium error, write error (3/0C/00)");
    let unknown = Sense::new(SenseKey::HardwareError, AdditionalSense(0x99, 0x01));
    assert_eq!(unknown.to_string(), "hardware error (4/99/01)");
}
