//! Who the drive is: INQUIRY, REPORT LUNS, REQUEST SENSE, REPORT DENSITY SUPPORT, log pages.

use ferrite_scsi::alert::AlertFlags;
use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::command::{ReportDensity, RequestSense};
use ferrite_scsi::density::{self, Density};
use ferrite_scsi::inquiry::{
    Inquiry, InquiryCommand, PeripheralType, VPD_SUPPORTED_PAGES, VPD_UNIT_SERIAL_NUMBER,
};
use ferrite_scsi::log::{
    self, Activity, DeviceStatus, LogSense, PAGE_DEVICE_STATUS, PAGE_SUPPORTED, PAGE_TAPE_ALERT,
    PAGE_TAPE_ALERT_RESPONSE, PAGE_VOLUME_STATISTICS, PageBuilder,
};
use ferrite_scsi::sense::{Sense, SenseKey};
use ferrite_scsi::volume_statistics::VolumeStatistics;
use ferrite_scsi::{Cdb, Data};

use super::reply::{self, Failure, Reply, ReplyResult};
use super::{DriveTarget, Slot};

/// Name plate of a drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Up to 8 characters.
    pub vendor: String,
    /// Up to 16 characters.
    pub product: String,
    /// Up to 4 characters.
    pub revision: String,
    /// Serial number.
    pub serial: String,
}

/// Revision shown by emulated drives: major and minor version, two digits each.
const REVISION: &str = "0001";

impl Identity {
    /// A virtual drive.
    pub fn virtual_drive(serial: impl Into<String>) -> Self {
        Self {
            vendor: "FERRITE".to_owned(),
            product: "VIRTUAL-TAPE".to_owned(),
            revision: REVISION.to_owned(),
            serial: serial.into(),
        }
    }
}

/// Densities the emulated drive writes.
const DENSITIES: [Density; 1] = [Density::LTO8];
/// Log pages it has, in ascending order.
const LOG_PAGES: [u8; 5] = [
    PAGE_SUPPORTED,
    PAGE_DEVICE_STATUS,
    PAGE_TAPE_ALERT_RESPONSE,
    PAGE_VOLUME_STATISTICS,
    PAGE_TAPE_ALERT,
];
/// TapeAlert flags are numbered from 1.
const ALERT_FLAGS: u8 = 64;
/// VPD header: device type, page, length.
const VPD_HEADER_BYTES: usize = 4;
/// REPORT LUNS: length of the list, reserved, one LUN of 0.
const REPORT_LUNS_REPLY: [u8; 16] = [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

impl DriveTarget {
    pub(super) fn inquiry(&self, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
        let command = InquiryCommand::parse(reply::six(cdb)?).ok_or(Failure::invalid_field(2))?;
        let allocation = usize::from(command.allocation);
        match command.page {
            None => {
                let inquiry = Inquiry {
                    peripheral_type: PeripheralType::Tape,
                    vendor: self.identity.vendor.clone(),
                    product: self.identity.product.clone(),
                    revision: self.identity.revision.clone(),
                };
                Ok(Reply::data(&inquiry.to_bytes(), allocation, data))
            }
            Some(VPD_SUPPORTED_PAGES) => {
                let page = vpd(
                    VPD_SUPPORTED_PAGES,
                    &[VPD_SUPPORTED_PAGES, VPD_UNIT_SERIAL_NUMBER],
                );
                Ok(Reply::data(&page, allocation, data))
            }
            Some(VPD_UNIT_SERIAL_NUMBER) => {
                let page = vpd(VPD_UNIT_SERIAL_NUMBER, self.identity.serial.as_bytes());
                Ok(Reply::data(&page, allocation, data))
            }
            Some(_) => Err(Failure::invalid_field(2)),
        }
    }

    /// Gives a pending unit attention as data, and with that it is done.
    pub(super) fn request_sense(
        &mut self,
        nexus: u64,
        cdb: &Cdb,
        data: &mut Data<'_>,
    ) -> ReplyResult {
        let command = RequestSense::parse(reply::six(cdb)?);
        let sense = match self.next_attention(nexus) {
            Some(code) => Sense::new(SenseKey::UnitAttention, code),
            None => match self.medium() {
                Ok(_) => Sense::new(SenseKey::NoSense, AdditionalSense::NONE),
                Err(failure) => failure.sense,
            },
        };
        let allocation = usize::from(command.allocation);
        Ok(if command.descriptor {
            Reply::data(&sense.to_descriptor(), allocation, data)
        } else {
            Reply::data(&sense.to_fixed(), allocation, data)
        })
    }

    pub(super) fn report_density(&mut self, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
        let command = ReportDensity::parse(reply::ten(cdb)?);
        if command.medium_types {
            return Err(Failure::invalid_field(1));
        }
        let mounted = match &self.slot {
            Slot::Loaded(medium) => Some(medium.facts().density),
            Slot::Empty | Slot::Unusable { .. } => None,
        };
        if command.mounted_medium {
            self.medium()?;
        }
        let report = density::to_report(&DENSITIES, mounted);
        Ok(Reply::data(&report, usize::from(command.allocation), data))
    }

    pub(super) fn log_sense(&mut self, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
        let command = LogSense::parse(reply::ten(cdb)?);
        if command.subpage != 0 {
            return Err(Failure::invalid_field(3));
        }
        let page = match command.page {
            PAGE_SUPPORTED => supported_pages(),
            PAGE_DEVICE_STATUS => self.device_status().to_page(),
            PAGE_TAPE_ALERT_RESPONSE => log::alert_flags_page(self.alerts),
            PAGE_TAPE_ALERT => tape_alert_page(std::mem::take(&mut self.alerts)),
            PAGE_VOLUME_STATISTICS => {
                self.medium()?;
                // PBS's virtual drive has statistics, all of them zero (tape-format.md 10).
                VolumeStatistics::default().to_page()
            }
            _ => return Err(Failure::invalid_field(2)),
        };
        Ok(Reply::data(&page, usize::from(command.allocation), data))
    }

    fn device_status(&self) -> DeviceStatus {
        let (loaded, write_protected) = match &self.slot {
            Slot::Loaded(medium) => (true, medium.facts().write_protected),
            Slot::Empty | Slot::Unusable { .. } => (false, false),
        };
        DeviceStatus {
            host_initiated_unload: false,
            memory_accessible: false,
            compression: self.settings.compression,
            write_protected,
            cleaning_requested: false,
            cleaning_required: false,
            medium_present: !matches!(self.slot, Slot::Empty),
            mounted: loaded,
            activity: Activity::NoActivity,
            alert_changed: self.alerts != AlertFlags::NONE,
        }
    }
}

fn vpd(page: u8, body: &[u8]) -> Vec<u8> {
    let body = &body[..body.len().min(usize::from(u8::MAX))];
    let mut bytes = vec![0; VPD_HEADER_BYTES];
    bytes[0] = PeripheralType::Tape.code();
    bytes[1] = page;
    bytes[3] = body.len() as u8;
    bytes.extend_from_slice(body);
    bytes
}

/// A list of page codes instead of parameters.
fn supported_pages() -> Vec<u8> {
    let mut bytes = vec![PAGE_SUPPORTED, 0, 0, LOG_PAGES.len() as u8];
    bytes.extend_from_slice(&LOG_PAGES);
    bytes
}

fn tape_alert_page(alerts: AlertFlags) -> Vec<u8> {
    (1..=ALERT_FLAGS)
        .fold(PageBuilder::new(PAGE_TAPE_ALERT), |page, flag| {
            page.binary(u16::from(flag), &[u8::from(alerts.contains(flag))])
        })
        .finish()
}

/// One logical unit, number 0.
pub(super) fn report_luns(cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
    let cdb = reply::twelve(cdb)?;
    let allocation = u32::from_be_bytes([cdb[6], cdb[7], cdb[8], cdb[9]]);
    Ok(Reply::data(&REPORT_LUNS_REPLY, allocation as usize, data))
}
