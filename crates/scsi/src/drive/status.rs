//! What the drive says about itself and the tape (scsi.md 2.15 to 2.20; cli.md 4.7).

use std::time::Duration;

use super::Drive;
use super::execute::Effect;
use super::motion::refuses_function;
use super::settings::DriveSettings;
use crate::alert::AlertFlags;
use crate::attribute::{
    self, Attribute, CartridgeMemoryEntry, LIFETIME_READ, LIFETIME_WRITTEN, MANUFACTURE_DATE,
    READ_ALLOCATION, ReadAttribute, WriteAttribute,
};
use crate::command::{
    REPORT_DENSITY_ALLOCATION, REQUEST_SENSE_ALLOCATION, ReportDensity, RequestSense,
};
use crate::density::{self, Density, DensityDescriptor};
use crate::error::ScsiError;
use crate::inquiry::Inquiry;
use crate::log::{
    self, Activity, DEVICE_STATUS_ALLOCATION, DeviceStatus, LogSense, MalformedLogPage,
    PAGE_DEVICE_STATUS, PAGE_TAPE_ALERT, PAGE_TAPE_ALERT_RESPONSE, PAGE_VOLUME_STATISTICS,
    TAPE_ALERT_RESPONSE_ALLOCATION, VOLUME_STATISTICS_ALLOCATION,
};
use crate::opcode::OperationCode;
use crate::timeouts;
use crate::transport::Data;
use crate::volume_statistics::VolumeStatistics;

/// Everything `status` shows. What the drive does not tell, or cannot tell while busy, is absent.
#[derive(Clone, Debug, PartialEq)]
pub struct DriveStatus {
    /// Vendor, product, revision.
    pub inquiry: Inquiry,
    /// Settings and density.
    pub settings: DriveSettings,
    /// A tape is loaded and usable.
    pub ready: bool,
    /// It can be written only once.
    pub worm: Option<bool>,
    /// What it is doing.
    pub activity: Option<Activity>,
    /// TapeAlert flags.
    pub alert_flags: Option<AlertFlags>,
    /// Filemarks before the position.
    pub file_number: Option<u64>,
    /// Blocks and filemarks before the position.
    pub block_number: Option<u64>,
    /// From the cartridge memory.
    pub usage: Option<MediumUsage>,
    /// From the volume statistics.
    pub wear: Option<MediumWear>,
}

/// What the cartridge memory says about the tape's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediumUsage {
    /// Day of manufacture, seconds since 1970-01-01 UTC.
    pub manufactured: i64,
    /// Bytes ever read.
    pub bytes_read: u64,
    /// Bytes ever written.
    pub bytes_written: u64,
}

/// Wear of the tape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MediumWear {
    /// Passes over the most used part of the tape.
    pub medium_passes: u64,
    /// Share of the rated life used; 1.0 is all of it.
    pub medium_wearout: f64,
    /// Times the tape was threaded.
    pub volume_mounts: u64,
}

/// End-to-end passes an LTO tape is made for.
const RATED_PASSES: f64 = 16_000.0;
const MEBIBYTE: u64 = 1 << 20;

impl Drive {
    /// Asks everything, in an order that also works while the drive is busy or empty.
    ///
    /// # Errors
    /// Only if the drive does not even tell its settings.
    pub fn status(&mut self) -> Result<DriveStatus, ScsiError> {
        self.clear_pending_sense();
        let settings = self.settings()?;
        let activity = self.device_status().ok().map(|status| status.activity);
        let idle = matches!(activity, None | Some(Activity::NoActivity));
        let alert_flags = if idle { self.alert_flags().ok() } else { None };
        let ready = self.is_ready();
        let mut status = DriveStatus {
            inquiry: self.inquiry().clone(),
            settings,
            ready,
            worm: None,
            activity,
            alert_flags,
            file_number: None,
            block_number: None,
            usage: None,
            wear: None,
        };
        if ready {
            status.worm = self.is_worm().ok();
            if idle {
                if let Ok(position) = self.position() {
                    status.file_number = (!position.mark_count_unknown).then_some(position.file);
                    status.block_number = (!position.object_unknown).then_some(position.object);
                }
            }
            status.usage = self
                .attributes()
                .ok()
                .and_then(|attributes| usage(&attributes));
            status.wear = if idle {
                self.volume_statistics()
                    .ok()
                    .map(|statistics| wear(&statistics))
            } else {
                None
            };
        }
        Ok(status)
    }

    fn clear_pending_sense(&mut self) {
        let mut buffer = [0; REQUEST_SENSE_ALLOCATION as usize];
        let _ = self.query(&RequestSense::FIXED.cdb(), &mut buffer, timeouts::QUERY);
    }

    /// Log page 11h: answers even while the tape moves.
    pub fn device_status(&mut self) -> Result<DeviceStatus, ScsiError> {
        let page = self.log_sense(
            PAGE_DEVICE_STATUS,
            DEVICE_STATUS_ALLOCATION,
            timeouts::DEVICE_STATUS,
        )?;
        DeviceStatus::parse(&page).map_err(malformed_log)
    }

    /// TapeAlert flags, without clearing them if the drive has page 12h.
    pub fn alert_flags(&mut self) -> Result<AlertFlags, ScsiError> {
        match self.log_sense(
            PAGE_TAPE_ALERT_RESPONSE,
            TAPE_ALERT_RESPONSE_ALLOCATION,
            timeouts::PAGE,
        ) {
            Ok(page) => log::parse_alert_flags(&page).map_err(malformed_log),
            Err(error) if refuses_function(&error) => self.alert_flags_accumulated(),
            Err(error) => Err(error),
        }
    }

    /// Reading page 2Eh clears the flags in the drive, so they are collected here.
    fn alert_flags_accumulated(&mut self) -> Result<AlertFlags, ScsiError> {
        let page = self.log_sense(
            PAGE_TAPE_ALERT,
            VOLUME_STATISTICS_ALLOCATION,
            timeouts::PAGE,
        )?;
        for parameter in log::parameters(PAGE_TAPE_ALERT, &page).map_err(malformed_log)? {
            let parameter = parameter.map_err(malformed_log)?;
            let set = parameter.value.first().is_some_and(|byte| byte & 1 != 0);
            if let (true, Ok(flag)) = (set, u8::try_from(parameter.code)) {
                self.alerts_seen = self.alerts_seen.with(flag);
            }
        }
        Ok(self.alerts_seen)
    }

    /// Log page 17h.
    pub fn volume_statistics(&mut self) -> Result<VolumeStatistics, ScsiError> {
        let page = self.log_sense(
            PAGE_VOLUME_STATISTICS,
            VOLUME_STATISTICS_ALLOCATION,
            timeouts::PAGE,
        )?;
        VolumeStatistics::parse(&page).map_err(malformed_log)
    }

    fn log_sense(
        &mut self,
        page: u8,
        allocation: u16,
        timeout: Duration,
    ) -> Result<Vec<u8>, ScsiError> {
        let mut buffer = vec![0; usize::from(allocation)];
        let received = self.query(
            &LogSense {
                page,
                subpage: 0,
                allocation,
            }
            .cdb(),
            &mut buffer,
            timeout,
        )?;
        buffer.truncate(received);
        Ok(buffer)
    }

    /// Densities the drive knows.
    pub fn densities(&mut self) -> Result<Vec<DensityDescriptor>, ScsiError> {
        let mut buffer = vec![0; usize::from(REPORT_DENSITY_ALLOCATION)];
        let cdb = ReportDensity::ALL.cdb();
        let received = self.query(&cdb, &mut buffer, timeouts::PAGE)?;
        density::parse_report(&buffer[..received]).map_err(|error| ScsiError::Reply {
            command: cdb.opcode(),
            what: error.to_string(),
        })
    }

    /// Generation of the drive: the highest density it knows.
    pub fn generation(&mut self) -> Result<Density, ScsiError> {
        Ok(self
            .densities()?
            .iter()
            .map(|descriptor| descriptor.primary)
            .max()
            .unwrap_or(Density::UNKNOWN))
    }

    /// All attributes of the cartridge memory, raw.
    pub fn attributes(&mut self) -> Result<Vec<Attribute>, ScsiError> {
        let mut buffer = vec![0; READ_ALLOCATION as usize];
        let cdb = ReadAttribute::ALL.cdb();
        let received = self.query(&cdb, &mut buffer, timeouts::PAGE)?;
        attribute::parse_list(&buffer[..received]).map_err(|error| ScsiError::Reply {
            command: cdb.opcode(),
            what: error.to_string(),
        })
    }

    /// The cartridge memory as `cartridge-memory` shows it.
    pub fn cartridge_memory(&mut self) -> Result<Vec<CartridgeMemoryEntry>, ScsiError> {
        Ok(attribute::render(&self.attributes()?).0)
    }

    /// Writes a host attribute into the cartridge memory (labelling). Failure is no reason to give up a tape.
    pub fn write_attribute(&mut self, attribute: &Attribute) -> Result<(), ScsiError> {
        let list = attribute::to_list(std::slice::from_ref(attribute));
        let length = u32::try_from(list.len()).unwrap_or(u32::MAX);
        self.transfer(
            &WriteAttribute { length }.cdb(),
            Data::Out(&list),
            Effect::Absolute,
            timeouts::PAGE,
        )?;
        Ok(())
    }
}

fn malformed_log(error: MalformedLogPage) -> ScsiError {
    ScsiError::Reply {
        command: OperationCode::LOG_SENSE,
        what: error.to_string(),
    }
}

fn wear(statistics: &VolumeStatistics) -> MediumWear {
    let medium_passes = statistics
        .beginning_of_medium_passes
        .max(statistics.middle_of_tape_passes);
    MediumWear {
        medium_passes,
        medium_wearout: medium_passes as f64 / RATED_PASSES,
        volume_mounts: statistics.volume_mounts,
    }
}

/// All three attributes, or nothing.
fn usage(attributes: &[Attribute]) -> Option<MediumUsage> {
    let find = |id: u16| {
        attributes
            .iter()
            .find(|attribute| attribute.id == id)
            .map(|attribute| attribute.value.as_slice())
    };
    let counter = |id: u16| {
        Some(
            attribute::unsigned(find(id).filter(|value| value.len() == 8)?)
                .saturating_mul(MEBIBYTE),
        )
    };
    Some(MediumUsage {
        manufactured: epoch_of_day(find(MANUFACTURE_DATE)?)?,
        bytes_read: counter(LIFETIME_READ)?,
        bytes_written: counter(LIFETIME_WRITTEN)?,
    })
}

/// Seconds since 1970 of a `YYYYMMDD` day, UTC.
fn epoch_of_day(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text)
        .ok()
        .filter(|text| text.len() == 8)?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let year: i64 = text[..4].parse().ok()?;
    let month: i64 = text[4..6]
        .parse()
        .ok()
        .filter(|month| (1..=12).contains(month))?;
    let day: i64 = text[6..]
        .parse()
        .ok()
        .filter(|day| (1..=31).contains(day))?;
    // Days from civil date, years beginning in March.
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some((era * 146_097 + day_of_era - 719_468) * 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        assert_eq!(epoch_of_day(b"19700101"), Some(0));
        assert_eq!(epoch_of_day(b"20230517"), Some(1_684_281_600));
        assert_eq!(epoch_of_day(b"20240229"), Some(1_709_164_800));
        assert_eq!(epoch_of_day(b"2023051"), None);
        assert_eq!(epoch_of_day(b"20231317"), None);
        assert_eq!(epoch_of_day(b"+2230517"), None);
    }
}
