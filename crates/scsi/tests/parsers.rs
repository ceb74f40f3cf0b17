//! Parsers take any bytes without panicking, and read what their builders wrote.

#![allow(clippy::unwrap_used, reason = "tests")]

use ferrite_scsi::Cdb;
use ferrite_scsi::alert::AlertFlags;
use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::attribute::{self, Attribute, AttributeFormat, ReadAttribute, WriteAttribute};
use ferrite_scsi::command::{
    BlockLimits, Locate, LocateTarget, Read, ReportDensity, Space, SpaceUnit, TapePosition, Write,
    WriteFilemarks,
};
use ferrite_scsi::inquiry::{Inquiry, InquiryCommand, PeripheralType, parse_serial};
use ferrite_scsi::log::{self, DeviceStatus, LogSense};
use ferrite_scsi::mode::{
    BlockDescriptor, ModeForm, ModeParameters, ModeSense, PageCode, PageControl, page,
};
use ferrite_scsi::sense::{FieldPointer, Sense, SenseKey};
use ferrite_scsi::volume_statistics::VolumeStatistics;
use ferrite_scsi::{density, encryption};
use proptest::prelude::*;

fn six(cdb: Cdb) -> [u8; 6] {
    cdb.as_bytes().try_into().unwrap()
}

fn ten(cdb: Cdb) -> [u8; 10] {
    cdb.as_bytes().try_into().unwrap()
}

fn sixteen(cdb: Cdb) -> [u8; 16] {
    cdb.as_bytes().try_into().unwrap()
}

fn sense() -> impl Strategy<Value = Sense> {
    let key_specific = prop_oneof![
        Just((SenseKey::MediumError, None, None)),
        (any::<bool>(), proptest::option::of(0u8..8), any::<u16>()).prop_map(
            |(in_cdb, bit, byte)| {
                (
                    SenseKey::IllegalRequest,
                    Some(FieldPointer { in_cdb, bit, byte }),
                    None,
                )
            }
        ),
        any::<u16>().prop_map(|progress| (SenseKey::NotReady, None, Some(progress))),
    ];
    let flags = any::<(bool, bool, bool, bool)>();
    (
        key_specific,
        any::<(u8, u8)>(),
        flags,
        proptest::option::of(any::<i32>()),
    )
        .prop_map(
            |(
                (key, field, progress),
                (asc, ascq),
                (filemark, end_of_medium, incorrect_length, deferred),
                information,
            )| Sense {
                filemark,
                end_of_medium,
                incorrect_length,
                deferred,
                information: information.map(i64::from),
                field,
                progress,
                ..Sense::new(key, AdditionalSense(asc, ascq))
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(sense) = Sense::parse(&bytes) {
            let _ = sense.to_string();
            let _ = ferrite_scsi::meaning::of(&sense);
        }
        let _ = Inquiry::parse(&bytes);
        let _ = parse_serial(&bytes);
        let _ = DeviceStatus::parse(&bytes);
        let _ = log::parse_alert_flags(&bytes).map(|flags| flags.to_string());
        let _ = VolumeStatistics::parse(&bytes);
        let _ = density::parse_report(&bytes);
        let _ = encryption::parse_capabilities(&bytes);
        let _ = encryption::parse_status(&bytes);
        if let Ok(attributes) = attribute::parse_list(&bytes) {
            let _ = attribute::render(&attributes);
        }
        for form in [ModeForm::Six, ModeForm::Ten] {
            for parameters in [ModeParameters::parse_sense(form, &bytes), ModeParameters::parse_list(form, &bytes)] {
                let Ok(mut parameters) = parameters else { continue };
                for code in [page::DATA_COMPRESSION, page::MEDIUM_CONFIGURATION, page::DEVICE_CONFIGURATION_EXTENSION] {
                    let _ = parameters.page(code);
                    let _ = parameters.page_mut(code);
                }
            }
        }
    }

    /// Damage that leaves most of a page intact gets further into the parsers than noise does.
    #[test]
    fn damaged_pages(at in any::<prop::sample::Index>(), byte: u8, length in any::<prop::sample::Index>()) {
        let statistics = VolumeStatistics { volume_mounts: 5, serial: "X".to_owned(), ..VolumeStatistics::default() };
        let pages = [
            statistics.to_page(),
            log::alert_flags_page(AlertFlags::NONE.with(4)),
            density::to_report(&[density::Density::LTO8], None),
            attribute::to_list(&[attribute::host_text(attribute::USER_LABEL, "label").unwrap()]),
        ];
        for mut page in pages {
            page[at.index(4)] = byte;
            page.truncate(length.index(page.len() + 1));
            let _ = VolumeStatistics::parse(&page);
            let _ = log::parse_alert_flags(&page);
            let _ = density::parse_report(&page);
            let _ = attribute::parse_list(&page).map(|attributes| attribute::render(&attributes));
        }
    }

    #[test]
    fn sense_in_both_formats(sense in sense()) {
        prop_assert_eq!(Sense::parse(&sense.to_fixed()), Ok(sense));
        prop_assert_eq!(Sense::parse(&sense.to_descriptor()), Ok(sense));
    }

    #[test]
    fn commands(length in 0u32..=0xFF_FFFF, flag: bool, other: bool, count in -0x7F_FFFEi64..=0x7F_FFFF, long: i64, number: u64) {
        let read = Read { fixed: flag, suppress_incorrect_length: other, length };
        prop_assert_eq!(Read::parse(&six(read.cdb())), read);
        let write = Write { fixed: flag, length };
        prop_assert_eq!(Write::parse(&six(write.cdb())), write);
        let marks = WriteFilemarks { count: length, immediate: flag };
        prop_assert_eq!(WriteFilemarks::parse(&six(marks.cdb())), Some(marks));
        for unit in [SpaceUnit::Blocks, SpaceUnit::Filemarks, SpaceUnit::EndOfData] {
            let space = Space { unit, count };
            prop_assert_eq!(Space::parse_6(&six(space.cdb())), Some(space));
        }
        if !(-0x7F_FFFE..=0x7F_FFFF).contains(&long) {
            let space = Space { unit: SpaceUnit::Blocks, count: long };
            prop_assert_eq!(Space::parse_16(&sixteen(space.cdb())), Some(space));
        }
        for target in [LocateTarget::Object(number), LocateTarget::File(number), LocateTarget::EndOfData] {
            let locate = Locate { target, immediate: flag };
            prop_assert_eq!(Locate::parse_16(&sixteen(locate.cdb())), Some(locate));
        }
    }

    #[test]
    fn page_commands(page in 0u8..0x3F, subpage: u8, allocation: u16, flag: bool, first: u16, long: u32) {
        let code = PageCode { page, subpage };
        for control in [PageControl::Current, PageControl::Changeable, PageControl::Default, PageControl::Saved] {
            let long = ModeSense { form: ModeForm::Ten, disable_block_descriptor: flag, control, page: code, allocation };
            prop_assert_eq!(ModeSense::parse_10(&ten(long.cdb())), long);
            let short = ModeSense { form: ModeForm::Six, allocation: allocation & 0xFF, ..long };
            prop_assert_eq!(ModeSense::parse_6(&six(short.cdb())), short);
        }
        let log = LogSense { page, subpage, allocation };
        prop_assert_eq!(LogSense::parse(&ten(log.cdb())), log);
        let density = ReportDensity { mounted_medium: flag, medium_types: !flag, allocation };
        prop_assert_eq!(ReportDensity::parse(&ten(density.cdb())), density);
        let inquiry = InquiryCommand { page: flag.then_some(page), allocation };
        prop_assert_eq!(InquiryCommand::parse(&six(inquiry.cdb())), Some(inquiry));
        let read = ReadAttribute { first, allocation: long };
        prop_assert_eq!(ReadAttribute::parse(&sixteen(read.cdb())), Some(read));
        let write = WriteAttribute { length: long };
        prop_assert_eq!(WriteAttribute::parse(&sixteen(write.cdb())), write);
    }

    #[test]
    fn mode_parameters(medium_type: u8, write_protected: bool, buffered_mode in 0u8..8, speed in 0u8..16,
                       block in proptest::option::of((any::<u8>(), 0u32..=0xFF_FFFF, 0u32..=0xFF_FFFF)),
                       body in proptest::collection::vec(any::<u8>(), 0..64)) {
        let mut pages = vec![page::DATA_COMPRESSION.page, body.len() as u8];
        pages.extend_from_slice(&body);
        let block = block.map(|(density, blocks, block_length)| BlockDescriptor { density, blocks, block_length });
        let parameters = ModeParameters { medium_type, write_protected, buffered_mode, speed, block, pages };
        for form in [ModeForm::Six, ModeForm::Ten] {
            prop_assert_eq!(&ModeParameters::parse_sense(form, &parameters.to_sense_bytes(form)).unwrap(), &parameters);
            let selected = ModeParameters::parse_list(form, &parameters.to_select_bytes(form)).unwrap();
            prop_assert_eq!(selected, ModeParameters { write_protected: false, ..parameters.clone() });
            prop_assert_eq!(parameters.page(page::DATA_COMPRESSION).unwrap(), parameters.pages.as_slice());
        }
    }

    #[test]
    fn attributes(values in proptest::collection::vec((any::<u16>(), any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..6)) {
        let attributes: Vec<_> = values
            .into_iter()
            .map(|(id, read_only, value)| Attribute { id, read_only, format: AttributeFormat::Text, value })
            .collect();
        prop_assert_eq!(attribute::parse_list(&attribute::to_list(&attributes)).unwrap(), attributes);
    }

    #[test]
    fn positions(object: u64, file: u64, partition: u32, flags: [bool; 5]) {
        let [beginning, past_early_warning, past_programmable_early_warning, mark_count_unknown, object_unknown] = flags;
        let position = TapePosition {
            beginning, past_early_warning, past_programmable_early_warning, mark_count_unknown, object_unknown, partition, object, file,
        };
        prop_assert_eq!(TapePosition::parse(&position.to_bytes()), position);
    }

    #[test]
    fn small_things(granularity in 0u8..32, max in 0u32..=0xFF_FFFF, min: u16, bits: u64, text in "[a-zA-Z0-9]{1,8}") {
        let limits = BlockLimits { granularity, max, min };
        prop_assert_eq!(BlockLimits::parse(&limits.to_bytes()), limits);
        let flags = AlertFlags::from_bits(bits);
        prop_assert_eq!(AlertFlags::from_page_bytes(flags.to_page_bytes()), flags);
        prop_assert_eq!(log::parse_alert_flags(&log::alert_flags_page(flags)).unwrap(), flags);
        let inquiry = Inquiry {
            peripheral_type: PeripheralType::Changer,
            vendor: text.clone(),
            product: text.clone(),
            revision: text[..text.len().min(4)].to_owned(),
        };
        prop_assert_eq!(Inquiry::parse(&inquiry.to_bytes()).unwrap(), inquiry);
    }
}
