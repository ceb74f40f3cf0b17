//! Answers of devices: what a parser took is written and read again as the same.

use std::hint::black_box;

use crate::density::{self, Density};
use crate::inquiry::{self, Inquiry};
use crate::log::{self, DeviceStatus};
use crate::mode::{
    ConfigurationExtension, DataCompression, MediumConfiguration, ModeForm, ModeParameters, page,
};
use crate::sense::{FIXED_SENSE_BYTES, Sense};
use crate::volume_statistics::VolumeStatistics;
use crate::{attribute, encryption, meaning};

/// Sense data of either format.
pub fn sense(data: &[u8]) {
    let Ok(sense) = Sense::parse(data) else {
        return;
    };
    black_box((sense.to_string(), meaning::of(&sense)));
    assert_eq!(Sense::parse(&sense.to_descriptor()), Ok(sense));
    let fixed: [u8; FIXED_SENSE_BYTES] = sense.to_fixed();
    let clipped = sense
        .information
        .map(|information| information.clamp(i32::MIN.into(), i32::MAX.into()));
    let expected = Sense {
        information: clipped,
        ..sense
    };
    assert_eq!(Sense::parse(&fixed), Ok(expected));
}

/// All log pages that are read.
pub fn log_pages(data: &[u8]) {
    let page = data.first().copied().unwrap_or(0) & 0x3F;
    if let Ok(parameters) = log::parameters(page, data) {
        let values = parameters.filter_map(Result::ok);
        assert!(values.map(|found| found.value.len() + 4).sum::<usize>() <= data.len());
    }
    if let Ok(status) = DeviceStatus::parse(data) {
        assert_eq!(DeviceStatus::parse(&status.to_page()), Ok(status));
    }
    if let Ok(flags) = log::parse_alert_flags(data) {
        black_box(flags.to_string());
        assert_eq!(
            log::parse_alert_flags(&log::alert_flags_page(flags)),
            Ok(flags)
        );
    }
}

/// Volume statistics. Counters may be wider than a drive's page has them: cut once, they stay as they are.
pub fn volume_statistics(data: &[u8]) {
    let Ok(statistics) = VolumeStatistics::parse(data) else {
        return;
    };
    black_box(statistics.counters().count());
    let cut = VolumeStatistics::parse(&statistics.to_page());
    let again = cut
        .as_ref()
        .map(|cut| VolumeStatistics::parse(&cut.to_page()));
    assert_eq!(again, Ok(cut.clone()));
}

/// Mode parameters and the pages in them.
pub fn mode_data(data: &[u8]) {
    for form in [ModeForm::Six, ModeForm::Ten] {
        black_box(ModeParameters::parse_list(form, data)).ok();
        let Ok(mut parameters) = ModeParameters::parse_sense(form, data) else {
            continue;
        };
        let again = ModeParameters::parse_sense(form, &parameters.to_sense_bytes(form));
        assert_eq!(again.as_ref(), Ok(&parameters));
        let listed = ModeParameters::parse_list(form, &parameters.to_select_bytes(form));
        assert!(listed.is_ok_and(|listed| listed.block == parameters.block));
        if let Ok(page) = parameters.page(page::MEDIUM_CONFIGURATION) {
            black_box(MediumConfiguration::is_worm(page)).ok();
        }
        if let Ok(page) = parameters.page_mut(page::DATA_COMPRESSION) {
            if DataCompression::set_enabled(page, true).is_ok() {
                assert_eq!(DataCompression::enabled(page), Ok(true));
            }
        }
        if let Ok(page) = parameters.page_mut(page::DEVICE_CONFIGURATION_EXTENSION) {
            if ConfigurationExtension::set_early_warning_mb(page, 7).is_ok() {
                assert_eq!(ConfigurationExtension::early_warning_mb(page), Ok(7));
            }
        }
    }
}

/// REPORT DENSITY SUPPORT: the generations that are known are reported again.
pub fn density_report(data: &[u8]) {
    let Ok(found) = density::parse_report(data) else {
        return;
    };
    let known: Vec<Density> = found
        .iter()
        .map(|descriptor| descriptor.primary)
        .filter(|density| density.generation().is_some())
        .collect();
    let report = density::to_report(&known, known.first().copied());
    let again = density::parse_report(&report).unwrap_or_default();
    assert!(again.iter().map(|descriptor| descriptor.primary).eq(known));
}

/// The cartridge memory.
pub fn cartridge_memory(data: &[u8]) {
    let Ok(attributes) = attribute::parse_list(data) else {
        return;
    };
    let (entries, wrong_length) = attribute::render(&attributes);
    assert!(entries.len() + wrong_length.len() <= attributes.len());
    assert_eq!(
        attribute::parse_list(&attribute::to_list(&attributes)),
        Ok(attributes)
    );
}

/// Both encryption pages.
pub fn encryption_pages(data: &[u8]) {
    black_box(encryption::parse_capabilities(data)).ok();
    black_box(encryption::parse_status(data)).ok();
}

/// INQUIRY data and the serial number page. Text that is no ASCII may be cut once, and then stays as it is.
pub fn inquiry(data: &[u8]) {
    black_box(inquiry::parse_serial(data));
    let Some(cut) = Inquiry::parse(data).and_then(|found| Inquiry::parse(&found.to_bytes())) else {
        return;
    };
    assert_eq!(Inquiry::parse(&cut.to_bytes()), Some(cut));
}
