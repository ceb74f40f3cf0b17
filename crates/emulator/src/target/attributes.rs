//! READ ATTRIBUTE and WRITE ATTRIBUTE: the cartridge's memory chip (scsi.md 2.17, 2.18, 5.1, 7.8).

use ferrite_scsi::alert::AlertFlags;
use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::attribute::{self, Attribute, AttributeFormat, WriteAttribute};
use ferrite_scsi::sense::SenseKey;
use ferrite_scsi::{Cdb, Data};

use super::reply::{self, Failure, Reply, ReplyResult};
use super::state::Stage;
use super::{DriveTarget, Slot};
use crate::cartridge::{CartridgeKind, Chip, Damage, HostAttribute};
use crate::generation;

/// Service actions of READ ATTRIBUTE.
const VALUES: u8 = 0x00;
const LIST: u8 = 0x01;
const VOLUMES: u8 = 0x02;
const PARTITIONS: u8 = 0x03;
const SUPPORTED: u8 = 0x05;
const SERVICE_ACTION_MASK: u8 = 0x1F;

const MEBIBYTE: u64 = 1 << 20;
const NEVER_ENCRYPTED: u64 = u64::MAX;
/// Tape width, tenths of millimetres.
const WIDTH: u32 = 127;
const ORGANISATION: &str = "LTO-CVE";
/// MAM 0408h.
const TYPE_DATA: u8 = 0x00;
const TYPE_CLEANING: u8 = 0x01;
const TYPE_WORM: u8 = 0x80;
/// Longest attribute of free length.
const FREE_LENGTH: usize = 512;

/// Identifier, length (0: any up to [`FREE_LENGTH`]), format of the attributes that belong to the host.
const HOST: [(u16, usize, AttributeFormat); 15] = [
    (0x0800, 8, AttributeFormat::Ascii),
    (0x0801, 32, AttributeFormat::Ascii),
    (0x0802, 8, AttributeFormat::Ascii),
    (0x0803, 160, AttributeFormat::Text),
    (0x0804, 12, AttributeFormat::Ascii),
    (0x0805, 1, AttributeFormat::Binary),
    (0x0806, 32, AttributeFormat::Ascii),
    (0x0807, 80, AttributeFormat::Text),
    (0x0808, 160, AttributeFormat::Text),
    (0x0809, 16, AttributeFormat::Ascii),
    (0x080A, 1, AttributeFormat::Binary),
    (0x080B, 16, AttributeFormat::Ascii),
    (0x080C, 0, AttributeFormat::Binary),
    (0x0820, 36, AttributeFormat::Binary),
    (0x0821, 36, AttributeFormat::Binary),
];
/// The host's vendor specific ones.
const HOST_VENDOR: [std::ops::RangeInclusive<u16>; 2] = [0x0C00..=0x0FFF, 0x1400..=0x17FF];

/// Length a host attribute must have; `None`: no attribute of the host.
fn host_length(id: u16) -> Option<usize> {
    if HOST_VENDOR.iter().any(|range| range.contains(&id)) {
        return Some(0);
    }
    HOST.iter()
        .find(|(known, _, _)| *known == id)
        .map(|(_, length, _)| *length)
}

fn format_of(code: u8) -> AttributeFormat {
    match code {
        1 => AttributeFormat::Ascii,
        2 => AttributeFormat::Text,
        _ => AttributeFormat::Binary,
    }
}

/// Collects attributes that hosts can only read.
struct ReadOnly(Vec<Attribute>);

impl ReadOnly {
    fn bytes(&mut self, id: u16, format: AttributeFormat, value: Vec<u8>) {
        self.0.push(Attribute {
            id,
            read_only: true,
            format,
            value,
        });
    }

    fn number(&mut self, id: u16, value: u64, bytes: usize) {
        let value = value.to_be_bytes()[8 - bytes..].to_vec();
        self.bytes(id, AttributeFormat::Binary, value);
    }

    fn text(&mut self, id: u16, value: &str, bytes: usize) {
        let mut field = vec![b' '; bytes];
        ferrite_scsi::text::put(&mut field, value);
        self.bytes(id, AttributeFormat::Ascii, field);
    }
}

impl DriveTarget {
    /// The chip, readable also while the tape is not threaded.
    fn readable_chip(&mut self) -> Result<Chip, Failure> {
        let chip = match &self.slot {
            Slot::Loaded(medium) if self.state.stage != Stage::Ejected => medium.chip().cloned(),
            _ => None,
        };
        let Some(chip) = chip else {
            self.medium()?;
            return Err(Failure::invalid_opcode());
        };
        if chip.is_damaged(&Damage::ChipUnreadable) {
            return Err(Failure::new(
                SenseKey::MediumError,
                AdditionalSense::CARTRIDGE_MEMORY_READ_ERROR,
            ));
        }
        Ok(chip)
    }

    pub(super) fn read_attribute(&mut self, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
        let cdb = reply::sixteen(cdb)?;
        let first = u16::from_be_bytes([cdb[8], cdb[9]]);
        let allocation = u32::from_be_bytes([cdb[10], cdb[11], cdb[12], cdb[13]]) as usize;
        let chip = self.readable_chip()?;
        // One logical volume, one partition.
        if cdb[5] != 0 {
            return Err(Failure::invalid_field(5));
        }
        if cdb[7] != 0 {
            return Err(Failure::invalid_field(7));
        }
        let all = self.attributes(&chip);
        let list = match cdb[1] & SERVICE_ACTION_MASK {
            VALUES => {
                let present = all.iter().any(|attribute| attribute.id == first);
                let later = all.iter().any(|attribute| attribute.id > first);
                if first != 0 && !present && !(self.quirks.next_attribute && later) {
                    return Err(Failure::invalid_field(8));
                }
                let from: Vec<Attribute> = all
                    .into_iter()
                    .filter(|attribute| attribute.id >= first)
                    .collect();
                attribute::to_list(&from)
            }
            LIST => identifiers(all.iter().map(|attribute| attribute.id)),
            SUPPORTED => {
                let mut ids: Vec<u16> = all.iter().map(|attribute| attribute.id).collect();
                ids.extend(HOST.iter().map(|(id, _, _)| *id));
                ids.sort_unstable();
                ids.dedup();
                identifiers(ids.into_iter())
            }
            VOLUMES | PARTITIONS => vec![0, 0, 0, 2, 0, 1],
            _ => return Err(Failure::invalid_field(1)),
        };
        Ok(Reply::data(&list, allocation, data))
    }

    /// All attributes in ascending order.
    fn attributes(&self, chip: &Chip) -> Vec<Attribute> {
        let mut all = ReadOnly(Vec::new());
        self.device_attributes(chip, &mut all);
        medium_attributes(chip, self.quirks.long_date, &mut all);
        let host = chip.attributes.iter().map(|(&id, host)| Attribute {
            id,
            read_only: false,
            format: format_of(host.format),
            value: host.value.clone(),
        });
        let mut all = all.0;
        all.extend(host);
        all.sort_by_key(|attribute| attribute.id);
        all
    }

    fn device_attributes(&self, chip: &Chip, all: &mut ReadOnly) {
        let wear = &chip.wear;
        let used = match &self.slot {
            Slot::Loaded(medium) => medium.room().map_or(0, |room| room.used),
            Slot::Empty | Slot::Unusable { .. } => 0,
        };
        let density = generation::density(chip.generation).0;
        all.number(
            0x0000,
            chip.capacity_bytes.saturating_sub(used) / MEBIBYTE,
            8,
        );
        all.number(0x0001, chip.capacity_bytes / MEBIBYTE, 8);
        let alerts = AlertFlags::from_bits(wear.alerts).to_page_bytes();
        all.bytes(0x0002, AttributeFormat::Binary, alerts.to_vec());
        all.number(0x0003, wear.loads, 8);
        let host_bytes: usize = chip.attributes.values().map(|host| host.value.len()).sum();
        let chip_bytes = chip_bytes(chip);
        all.number(0x0004, chip_bytes.saturating_sub(host_bytes as u64), 8);
        all.text(0x0005, ORGANISATION, 8);
        all.number(0x0006, u64::from(density), 1);
        all.number(0x0007, u64::from(wear.initializations), 2);
        all.number(0x0009, u64::from(wear.volume_change), 4);
        for (id, device) in (0x020A..).zip(&wear.devices) {
            let mut field = vec![b' '; 40];
            ferrite_scsi::text::put(&mut field[..8], &device.0);
            ferrite_scsi::text::put(&mut field[8..], &device.1);
            all.bytes(id, AttributeFormat::Ascii, field);
        }
        let (written, read) = self.load_bytes(chip);
        let before = |bytes: u64, threaded: bool| if threaded { bytes } else { 0 };
        all.number(
            0x0220,
            wear.written_bytes
                .saturating_add(before(written, wear.threaded))
                / MEBIBYTE,
            8,
        );
        all.number(
            0x0221,
            wear.read_bytes.saturating_add(before(read, wear.threaded)) / MEBIBYTE,
            8,
        );
        all.number(0x0222, written / MEBIBYTE, 8);
        all.number(0x0223, read / MEBIBYTE, 8);
        all.number(0x0224, wear.first_encrypted.unwrap_or(NEVER_ENCRYPTED), 8);
        all.number(0x0225, wear.first_plain_after.unwrap_or(NEVER_ENCRYPTED), 8);
    }

    /// Bytes written and read in this load, or the last.
    pub(super) fn load_bytes(&self, chip: &Chip) -> (u64, u64) {
        if chip.wear.threaded {
            (self.hot.written, self.hot.read)
        } else {
            (chip.wear.load_written_bytes, chip.wear.load_read_bytes)
        }
    }

    pub(super) fn write_attribute(&mut self, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
        let cdb = reply::sixteen(cdb)?;
        let length = WriteAttribute::parse(cdb).length as usize;
        let chip = self.readable_chip()?;
        if cdb[7] != 0 {
            return Err(Failure::invalid_field(7));
        }
        let list = match data {
            Data::Out(buffer) => buffer.get(..length),
            Data::None | Data::In(_) => None,
        }
        .ok_or_else(reply::parameter_list_length)?;
        if list.is_empty() {
            return Ok(Reply::good());
        }
        let attributes = attribute::parse_list(list).map_err(|_| reply::parameter_list_length())?;
        if chip.write_protected {
            self.writable_medium()?;
        }
        if chip.is_damaged(&Damage::ChipReadOnly) {
            return Err(Failure::new(
                SenseKey::MediumError,
                AdditionalSense::CARTRIDGE_MEMORY_WRITE_ERROR,
            ));
        }
        let changed = changed(&chip, attributes)?;
        if let Slot::Loaded(medium) = &mut self.slot {
            if let Some(chip) = medium.chip_mut() {
                *chip = changed;
            }
            medium.store_chip()?;
        }
        Ok(Reply::transferred(length))
    }
}

fn chip_bytes(chip: &Chip) -> u64 {
    generation::facts(chip.generation).map_or(0, |facts| facts.chip_bytes)
}

/// The chip with all attributes written; nothing is changed if one of them cannot be.
fn changed(chip: &Chip, attributes: Vec<Attribute>) -> Result<Chip, Failure> {
    let mut changed = chip.clone();
    let mut at: u16 = 4;
    for attribute in attributes {
        let Some(length) = host_length(attribute.id) else {
            return Err(Failure::invalid_parameter(at));
        };
        let value = attribute.value;
        let fits = value.is_empty()
            || value.len() == length
            || (length == 0 && value.len() <= FREE_LENGTH);
        if !fits {
            return Err(Failure::invalid_parameter(at.saturating_add(3)));
        }
        at = at.saturating_add(5 + value.len() as u16);
        if value.is_empty() {
            changed.attributes.remove(&attribute.id);
        } else {
            let format = attribute.format as u8;
            let host = HostAttribute { format, value };
            changed.attributes.insert(attribute.id, host);
        }
    }
    let bytes: usize = changed
        .attributes
        .values()
        .map(|host| host.value.len())
        .sum();
    if bytes as u64 > chip_bytes(chip) {
        return Err(Failure::new(
            SenseKey::IllegalRequest,
            AdditionalSense::CARTRIDGE_MEMORY_FULL,
        ));
    }
    Ok(changed)
}

fn medium_attributes(chip: &Chip, long_date: bool, all: &mut ReadOnly) {
    let facts = generation::facts(chip.generation);
    all.text(0x0400, chip.manufacturer(), 8);
    all.text(0x0401, &chip.serial, 32);
    all.number(0x0402, facts.map_or(0, |facts| facts.length_m.into()), 4);
    all.number(0x0403, WIDTH.into(), 4);
    all.text(0x0404, ORGANISATION, 8);
    all.number(0x0405, generation::density(chip.generation).0.into(), 1);
    all.text(0x0406, &chip.manufactured, if long_date { 12 } else { 8 });
    all.number(0x0407, chip_bytes(chip), 8);
    let kind = match chip.kind {
        CartridgeKind::Data => TYPE_DATA,
        CartridgeKind::Worm => TYPE_WORM,
        CartridgeKind::Cleaning => TYPE_CLEANING,
    };
    all.number(0x0408, kind.into(), 1);
    all.number(0x0409, chip.cleanings_left.into(), 2);
}

fn identifiers(ids: impl Iterator<Item = u16>) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    for id in ids {
        bytes.extend_from_slice(&id.to_be_bytes());
    }
    let length = (bytes.len() - 4) as u32;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    bytes
}
