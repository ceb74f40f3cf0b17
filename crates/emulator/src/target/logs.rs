//! LOG SENSE and LOG SELECT (scsi.md 2.15, 5.2).

use ferrite_scsi::alert::AlertFlags;
use ferrite_scsi::log::{
    self, Activity, DeviceStatus, LogSense, PAGE_DEVICE_STATUS, PAGE_SUPPORTED, PAGE_TAPE_ALERT,
    PAGE_TAPE_ALERT_RESPONSE, PAGE_VOLUME_STATISTICS, PageBuilder,
};
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::volume_statistics::VolumeStatistics;
use ferrite_scsi::{Cdb, Data};

use super::reply::{self, Failure, Reply, ReplyResult};
use super::state::{Stage, activity};
use super::{DriveTarget, Slot};
use crate::cartridge::{CartridgeKind, Chip};

/// SPC-3 6.5.
pub(super) const LOG_SELECT: OperationCode = OperationCode(0x4C);
const PAGE_WRITE_ERRORS: u8 = 0x02;
const PAGE_READ_ERRORS: u8 = 0x03;
const PAGE_SEQUENTIAL_ACCESS: u8 = 0x0C;
const PAGE_DEVICE_STATISTICS: u8 = 0x14;
const PAGE_TAPE_USAGE: u8 = 0x30;
const PAGE_TAPE_CAPACITY: u8 = 0x31;
const PAGE_COMPRESSION: u8 = 0x32;

/// Pages of the drive of virtual tapes, in ascending order.
const VIRTUAL_PAGES: [u8; 5] = [
    PAGE_SUPPORTED,
    PAGE_DEVICE_STATUS,
    PAGE_TAPE_ALERT_RESPONSE,
    PAGE_VOLUME_STATISTICS,
    PAGE_TAPE_ALERT,
];
/// Pages of an LTO drive, in ascending order.
const LTO_PAGES: [u8; 12] = [
    PAGE_SUPPORTED,
    PAGE_WRITE_ERRORS,
    PAGE_READ_ERRORS,
    PAGE_SEQUENTIAL_ACCESS,
    PAGE_DEVICE_STATUS,
    PAGE_TAPE_ALERT_RESPONSE,
    PAGE_DEVICE_STATISTICS,
    PAGE_VOLUME_STATISTICS,
    PAGE_TAPE_ALERT,
    PAGE_TAPE_USAGE,
    PAGE_TAPE_CAPACITY,
    PAGE_COMPRESSION,
];
/// First generation with volume statistics.
const STATISTICS_GENERATION: u8 = 5;
/// TapeAlert flags are numbered from 1.
const ALERT_FLAGS: u8 = 64;
const MEBIBYTE: u64 = 1 << 20;
const MEGABYTE: u64 = 1_000_000;
/// A dataset of LTO tapes, about.
const DATASET_BYTES: u64 = 2_500_000;
const NEVER: u64 = 0xFFFF_FFFF_FFFF;

impl DriveTarget {
    pub(super) fn log_sense(&mut self, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
        let command = LogSense::parse(reply::ten(cdb)?);
        if command.subpage != 0 {
            return Err(Failure::invalid_field(3));
        }
        let page = match command.page {
            PAGE_SUPPORTED => supported_pages(&self.log_pages()),
            PAGE_DEVICE_STATUS => self.device_status().to_page(),
            PAGE_TAPE_ALERT_RESPONSE if self.quirks.no_tape_alert_response => {
                return Err(Failure::invalid_field(2));
            }
            PAGE_TAPE_ALERT_RESPONSE => {
                log::alert_flags_page(AlertFlags::from_bits(self.state.alerts))
            }
            PAGE_TAPE_ALERT => {
                let alerts = std::mem::take(&mut self.state.alerts);
                tape_alert_page(AlertFlags::from_bits(alerts))
            }
            PAGE_VOLUME_STATISTICS => self.volume_statistics()?,
            page if self.log_pages().contains(&page) => self.counter_page(page)?,
            _ => return Err(Failure::invalid_field(2)),
        };
        Ok(Reply::data(&page, usize::from(command.allocation), data))
    }

    /// Clears counters, of which only the TapeAlert flags can be cleared here.
    pub(super) fn log_select(&mut self, cdb: &Cdb) -> ReplyResult {
        const PARAMETER_CODE_RESET: u8 = 0x02;
        let cdb = reply::ten(cdb)?;
        if u16::from_be_bytes([cdb[7], cdb[8]]) != 0 {
            return Err(Failure::invalid_field(7));
        }
        if cdb[1] & PARAMETER_CODE_RESET != 0 {
            self.state.alerts = 0;
        }
        Ok(Reply::good())
    }

    fn log_pages(&self) -> Vec<u8> {
        match self.lto {
            None => VIRTUAL_PAGES.to_vec(),
            Some(facts) => LTO_PAGES
                .into_iter()
                .filter(|&page| {
                    page != PAGE_VOLUME_STATISTICS || facts.number >= STATISTICS_GENERATION
                })
                .collect(),
        }
    }

    fn device_status(&self) -> DeviceStatus {
        let stage = self.state.stage;
        let write_protected = match &self.slot {
            Slot::Loaded(medium) => medium.facts().write_protected,
            Slot::Empty | Slot::Unusable { .. } => false,
        };
        let present = !matches!(self.slot, Slot::Empty);
        let ready = matches!(self.slot, Slot::Loaded(_)) && stage == Stage::Ready;
        let doing = match (stage, self.state.busy) {
            (Stage::Loading(_), _) => Activity::Loading,
            (Stage::Calibrating(_), _) => Activity::Calibrating,
            (Stage::Unloading(_), _) => Activity::Unloading,
            (Stage::Cleaning(_), _) => Activity::Cleaning,
            (_, Some(busy)) => activity(busy.activity),
            (Stage::Ready, None) if self.hot.stream_until > self.now() => {
                activity(self.hot.activity)
            }
            (_, None) => Activity::NoActivity,
        };
        DeviceStatus {
            host_initiated_unload: false,
            memory_accessible: self.lto.is_some() && ready,
            compression: self.state.settings.compression,
            write_protected,
            cleaning_requested: self.state.dirt.requested,
            cleaning_required: self.state.dirt.required,
            medium_present: present,
            mounted: ready,
            activity: doing,
            alert_changed: self.state.alerts != 0,
        }
    }

    fn volume_statistics(&mut self) -> Result<Vec<u8>, Failure> {
        if self
            .lto
            .is_some_and(|facts| facts.number < STATISTICS_GENERATION)
        {
            return Err(Failure::invalid_field(2));
        }
        let medium = self.medium()?;
        let Some(chip) = medium.chip().cloned() else {
            // PBS's virtual drive has statistics, all of them zero (tape-format.md 10).
            return Ok(VolumeStatistics::default().to_page());
        };
        let (room, protected) = (medium.room(), medium.facts().write_protected);
        let used = room.map_or(0, |room| room.used);
        let (written, read) = self.load_bytes(&chip);
        let wear = &chip.wear;
        let current = |bytes: u64| if wear.threaded { bytes } else { 0 };
        let (all_written, all_read) = (
            wear.written_bytes.saturating_add(current(written)),
            wear.read_bytes.saturating_add(current(read)),
        );
        let statistics = VolumeStatistics {
            volume_mounts: wear.loads,
            volume_datasets_written: all_written / DATASET_BYTES,
            volume_recovered_write_data_errors: wear.recovered_writes,
            volume_unrecovered_write_data_errors: wear.unrecovered_writes,
            volume_datasets_read: all_read / DATASET_BYTES,
            volume_recovered_read_errors: wear.recovered_reads,
            volume_unrecovered_read_errors: wear.unrecovered_reads,
            last_mount_unrecovered_write_errors: wear.load_unrecovered_writes,
            last_mount_unrecovered_read_errors: wear.load_unrecovered_reads,
            last_mount_bytes_written: written,
            last_mount_bytes_read: read,
            lifetime_bytes_written: all_written,
            lifetime_bytes_read: all_read,
            last_load_write_compression_ratio: u64::from(chip.compression_percent),
            last_load_read_compression_ratio: u64::from(chip.compression_percent),
            total_native_capacity: chip.capacity_bytes,
            total_used_native_capacity: used,
            beginning_of_medium_passes: wear.beginning_passes,
            middle_of_tape_passes: wear.middle_passes,
            serial: chip.serial.clone(),
            write_protect: protected,
            worm: chip.kind == CartridgeKind::Worm,
            ..VolumeStatistics::default()
        };
        Ok(with_partition(statistics.to_page(), &chip, used))
    }

    fn counter_page(&mut self, page: u8) -> Result<Vec<u8>, Failure> {
        let chip = match &self.slot {
            Slot::Loaded(medium) => medium.chip().cloned(),
            Slot::Empty | Slot::Unusable { .. } => None,
        };
        let (written, read) = (self.hot.written, self.hot.read);
        let builder = PageBuilder::new(page);
        let counter = |builder: PageBuilder, code: u16, value: u64| {
            builder.binary(code, &value.to_be_bytes())
        };
        let wear = chip.as_ref().map(|chip| &chip.wear);
        let builder = match page {
            PAGE_WRITE_ERRORS | PAGE_READ_ERRORS => {
                let writing = page == PAGE_WRITE_ERRORS;
                let (recovered, lost, bytes) = wear.map_or((0, 0, 0), |wear| {
                    if writing {
                        (wear.recovered_writes, wear.unrecovered_writes, written)
                    } else {
                        (wear.recovered_reads, wear.unrecovered_reads, read)
                    }
                });
                [
                    (0, 0),
                    (1, recovered),
                    (2, 0),
                    (3, recovered),
                    (4, 0),
                    (5, bytes),
                    (6, lost),
                ]
                .into_iter()
                .fold(builder, |page, (code, value)| counter(page, code, value))
            }
            PAGE_SEQUENTIAL_ACCESS => {
                let page = [(0, written), (1, written), (2, read), (3, read)]
                    .into_iter()
                    .fold(builder, |page, (code, value)| counter(page, code, value));
                let cleaning = u64::from(self.state.dirt.requested);
                counter(page, 0x0100, cleaning)
            }
            PAGE_DEVICE_STATISTICS => counter(builder, 0, wear.map_or(0, |wear| wear.loads)),
            PAGE_TAPE_USAGE => counter(builder, 1, wear.map_or(0, |wear| wear.loads)),
            PAGE_TAPE_CAPACITY => {
                let (used, capacity) = self.used_and_capacity();
                let remaining = capacity.saturating_sub(used) / MEBIBYTE;
                let word = |value: u64| u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes();
                builder
                    .binary(1, &word(remaining))
                    .binary(3, &word(capacity / MEBIBYTE))
            }
            _ => {
                let ratio = chip.map_or(100, |chip| chip.compression_percent as u16);
                builder
                    .binary(0, &ratio.to_be_bytes())
                    .binary(1, &ratio.to_be_bytes())
            }
        };
        Ok(builder.finish())
    }

    fn used_and_capacity(&self) -> (u64, u64) {
        match &self.slot {
            Slot::Loaded(medium) => medium
                .room()
                .map_or((0, 0), |room| (room.used, room.capacity)),
            Slot::Empty | Slot::Unusable { .. } => (0, 0),
        }
    }
}

/// Adds the lists of partition 0: first encrypted and plain objects, capacity, used, remaining.
fn with_partition(mut page: Vec<u8>, chip: &Chip, used: u64) -> Vec<u8> {
    const BINARY_LIST: u8 = 0x03;
    let wear = &chip.wear;
    let remaining = chip
        .capacity_bytes
        .saturating_sub(chip.early_warning_bytes)
        .saturating_sub(used);
    let values = [
        (0x0200_u16, wear.first_encrypted.unwrap_or(NEVER), 6),
        (0x0201, wear.first_plain_after.unwrap_or(NEVER), 6),
        (0x0202, chip.capacity_bytes / MEGABYTE, 4),
        (0x0203, used / MEGABYTE, 4),
        (0x0204, remaining / MEGABYTE, 4),
    ];
    for (code, value, bytes) in values {
        page.extend_from_slice(&code.to_be_bytes());
        // Parameter length, then one record: its length, reserved, partition.
        page.extend_from_slice(&[BINARY_LIST, bytes as u8 + 4, bytes as u8 + 3, 0, 0, 0]);
        page.extend_from_slice(&value.to_be_bytes()[8 - bytes..]);
    }
    let length = (page.len() - 4) as u16;
    page[2..4].copy_from_slice(&length.to_be_bytes());
    page
}

/// A list of page codes instead of parameters.
fn supported_pages(pages: &[u8]) -> Vec<u8> {
    let mut bytes = vec![PAGE_SUPPORTED, 0, 0, pages.len() as u8];
    bytes.extend_from_slice(pages);
    bytes
}

fn tape_alert_page(alerts: AlertFlags) -> Vec<u8> {
    (1..=ALERT_FLAGS)
        .fold(PageBuilder::new(PAGE_TAPE_ALERT), |page, flag| {
            page.binary(u16::from(flag), &[u8::from(alerts.contains(flag))])
        })
        .finish()
}
