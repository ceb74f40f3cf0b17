//! The drive as a whole: identity, attentions, settings, logs, loading.

use super::{Check, Device, Rule, expect_equal};
use crate::command::{
    BLOCK_LIMITS_BYTES, BlockLimits, LoadUnload, PreventAllow, ReportDensity, RequestSense,
    read_block_limits, test_unit_ready,
};
use crate::density;
use crate::inquiry::{Inquiry, InquiryCommand, PeripheralType, STANDARD_BYTES};
use crate::log::{
    self, DEVICE_STATUS_ALLOCATION, DeviceStatus, LogSense, PAGE_DEVICE_STATUS,
    PAGE_TAPE_ALERT_RESPONSE, PAGE_VOLUME_STATISTICS,
};
use crate::mode::{DataCompression, ModeForm, ModeParameters, ModeSelect, ModeSense, page};
use crate::sense::{Sense, SenseKey};
use crate::transport::{Cdb, Data, Status};
use crate::volume_statistics::VolumeStatistics;

pub(super) const CHECKS: &[Check] = &[
    ("inquiry", "SPC-3 6.4", inquiry),
    (
        "unit-attention-once",
        "SPC-3 5.9, scsi.md 7.1",
        unit_attention_once,
    ),
    (
        "unknown-operation-code",
        "SPC-3 4.5.6, scsi.md 7.1",
        unknown_operation_code,
    ),
    ("allocation-length", "SPC-3 4.3.4.6", allocation_length),
    ("request-sense", "SPC-3 6.27", request_sense),
    ("block-limits", "SSC-3 7.5", block_limits),
    (
        "compression-page",
        "SSC-3 8.3.2, scsi.md 2.5",
        compression_page,
    ),
    ("block-descriptor-alone", "SPC-3 7.4.5", block_descriptor),
    (
        "mode-select-refuses-ps",
        "SPC-3 7.4.5",
        mode_select_refuses_ps,
    ),
    ("density-report", "SSC-3 7.8", density_report),
    ("device-status-page", "ADC-2 6.1.2", device_status_page),
    ("tape-alert-page", "ADC-2 6.1.3", tape_alert_page),
    (
        "volume-statistics-page",
        "SSC-3 8.2.7",
        volume_statistics_page,
    ),
    ("prevent-removal", "SSC-3 7.4", prevent_removal),
    ("unload", "SSC-3 7.2, scsi.md 7.5", unload),
];

fn inquiry(device: &mut Device<'_>) -> Result<(), String> {
    let bytes = device.data(&InquiryCommand::STANDARD.cdb(), STANDARD_BYTES)?;
    let inquiry = Inquiry::parse(&bytes).ok_or_else(|| format!("{} bytes", bytes.len()))?;
    expect_equal("device type", inquiry.peripheral_type, PeripheralType::Tape)?;
    if inquiry.vendor.is_empty() || inquiry.product.is_empty() {
        return Err("no vendor or product".to_owned());
    }
    Ok(())
}

fn unit_attention_once(device: &mut Device<'_>) -> Result<(), String> {
    if !device.profile.new_initiator {
        return Ok(());
    }
    // INQUIRY neither fails nor takes the condition away.
    inquiry(device)?;
    let first = device.run(&test_unit_ready())?;
    match first.sense {
        Some(Sense {
            key: SenseKey::UnitAttention,
            ..
        }) => {}
        _ => return Err(format!("first command of a new initiator: {first}")),
    }
    device.settle()
}

fn unknown_operation_code(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    // Vendor specific in every standard, and known to no LTO drive.
    const UNKNOWN: u8 = 0x1F;
    let sense = device
        .run(&Cdb::new([UNKNOWN, 0, 0, 0, 0, 0]))?
        .expect_sense(SenseKey::IllegalRequest, 0x20, 0x00)?;
    match sense.field {
        Some(field) if !field.in_cdb || field.byte != 0 => Err(format!("field pointer {field:?}")),
        _ => Ok(()),
    }
}

fn allocation_length(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    let whole = device.data(&InquiryCommand::STANDARD.cdb(), STANDARD_BYTES)?;
    let cut = device.data(
        &InquiryCommand {
            page: None,
            allocation: 8,
        }
        .cdb(),
        STANDARD_BYTES,
    )?;
    expect_equal(
        "data for allocation length 8",
        cut.as_slice(),
        whole.get(..8).unwrap_or_default(),
    )?;
    let none = device.data(
        &InquiryCommand {
            page: None,
            allocation: 0,
        }
        .cdb(),
        STANDARD_BYTES,
    )?;
    device.leniency.apply(
        Rule::NothingTransferred,
        expect_equal("bytes for allocation length 0", none.len(), 0),
    )
}

fn request_sense(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    let bytes = device.data(
        &RequestSense::FIXED.cdb(),
        usize::from(RequestSense::FIXED.allocation),
    )?;
    let sense = Sense::parse(&bytes).map_err(|error| error.to_string())?;
    expect_equal("sense of an idle drive", sense.key, SenseKey::NoSense)
}

fn block_limits(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    let bytes = device.data(&read_block_limits(), BLOCK_LIMITS_BYTES)?;
    let bytes = bytes
        .as_slice()
        .try_into()
        .map_err(|_| format!("{} bytes", bytes.len()))?;
    let limits = BlockLimits::parse(bytes);
    let length = device.profile.block_bytes as u64;
    if (u64::from(limits.min)..=u64::from(limits.max)).contains(&length) {
        Ok(())
    } else {
        Err(format!("{length} bytes are outside of {limits:?}"))
    }
}

fn compression_page(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    for enabled in [false, true] {
        let mut parameters = mode_sense(device)?;
        let page = parameters
            .page_mut(page::DATA_COMPRESSION)
            .map_err(|error| error.to_string())?;
        DataCompression::set_enabled(page, enabled).map_err(|error| error.to_string())?;
        mode_select(device, &parameters.to_select_bytes(ModeForm::Ten))?.expect_good()?;
        let after = mode_sense(device)?;
        let page = after
            .page(page::DATA_COMPRESSION)
            .map_err(|error| error.to_string())?;
        expect_equal("compression", DataCompression::enabled(page), Ok(enabled))?;
    }
    Ok(())
}

/// How the st driver of Linux learns block length, density and write protection.
fn block_descriptor(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    let command = ModeSense::current(ModeForm::Six, page::NONE);
    let bytes = device.data(&command.cdb(), usize::from(command.allocation))?;
    let parameters =
        ModeParameters::parse_sense(ModeForm::Six, &bytes).map_err(|error| error.to_string())?;
    let block = parameters.block.ok_or("no block descriptor")?;
    expect_equal("fixed block length", block.block_length, 0)?;
    expect_equal("write protection", parameters.write_protected, false)
}

fn mode_select_refuses_ps(device: &mut Device<'_>) -> Result<(), String> {
    const PS: u8 = 0x80;
    device.settle()?;
    let parameters = mode_sense(device)?;
    let mut list = parameters.to_select_bytes(ModeForm::Ten);
    let page_at = list.len() - parameters.pages.len();
    list[page_at] |= PS;
    let answer = mode_select(device, &list)?;
    match answer.sense {
        Some(sense) if sense.key == SenseKey::IllegalRequest => Ok(()),
        _ => Err(format!("the reserved bit PS gave {answer}")),
    }
}

fn mode_sense(device: &mut Device<'_>) -> Result<ModeParameters, String> {
    let command = ModeSense::current(ModeForm::Ten, page::DATA_COMPRESSION);
    let bytes = device.data(&command.cdb(), usize::from(command.allocation))?;
    ModeParameters::parse_sense(ModeForm::Ten, &bytes).map_err(|error| error.to_string())
}

fn mode_select(device: &mut Device<'_>, list: &[u8]) -> Result<super::Answer, String> {
    let length = u16::try_from(list.len()).map_err(|error| error.to_string())?;
    device.send(
        &ModeSelect {
            form: ModeForm::Ten,
            length,
        }
        .cdb(),
        Data::Out(list),
    )
}

fn density_report(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    let bytes = device.data(
        &ReportDensity::ALL.cdb(),
        usize::from(ReportDensity::ALL.allocation),
    )?;
    let densities = density::parse_report(&bytes).map_err(|error| error.to_string())?;
    if densities.iter().any(|descriptor| descriptor.writable) {
        Ok(())
    } else {
        Err("no writable density".to_owned())
    }
}

fn log_page(device: &mut Device<'_>, page: u8) -> Result<Vec<u8>, String> {
    device.settle()?;
    let command = LogSense {
        page,
        subpage: 0,
        allocation: DEVICE_STATUS_ALLOCATION,
    };
    device.data(&command.cdb(), usize::from(command.allocation))
}

fn device_status_page(device: &mut Device<'_>) -> Result<(), String> {
    let status = DeviceStatus::parse(&log_page(device, PAGE_DEVICE_STATUS)?)
        .map_err(|error| error.to_string())?;
    expect_equal(
        "medium present, mounted",
        (status.medium_present, status.mounted),
        (true, true),
    )
}

fn tape_alert_page(device: &mut Device<'_>) -> Result<(), String> {
    let flags = log::parse_alert_flags(&log_page(device, PAGE_TAPE_ALERT_RESPONSE)?)
        .map_err(|error| error.to_string())?;
    expect_equal(
        "critical flags of an idle drive",
        flags.is_critical(),
        false,
    )
}

fn volume_statistics_page(device: &mut Device<'_>) -> Result<(), String> {
    VolumeStatistics::parse(&log_page(device, PAGE_VOLUME_STATISTICS)?)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

fn prevent_removal(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    device.good(&PreventAllow { prevent: true }.cdb())?;
    let unload = LoadUnload {
        load: false,
        immediate: false,
    }
    .cdb();
    device
        .run(&unload)?
        .expect_sense(SenseKey::IllegalRequest, 0x53, 0x02)?;
    device.good(&PreventAllow { prevent: false }.cdb())?;
    device.good(&unload)
}

fn unload(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    device.good(
        &LoadUnload {
            load: false,
            immediate: false,
        }
        .cdb(),
    )?;
    let answer = device.run(&test_unit_ready())?;
    match (answer.status, answer.sense) {
        (Status::CheckCondition, Some(sense)) if sense.key == SenseKey::NotReady => Ok(()),
        _ => Err(format!("after unloading: {answer}")),
    }
}
