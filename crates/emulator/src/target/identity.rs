//! Who the drive is: INQUIRY, REPORT LUNS, REQUEST SENSE, REPORT DENSITY SUPPORT, REPORT SUPPORTED OPERATION CODES.

use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::command::{ReportDensity, RequestSense};
use ferrite_scsi::density::{self, Density};
use ferrite_scsi::inquiry::{
    Inquiry, InquiryCommand, PeripheralType, VPD_SUPPORTED_PAGES, VPD_UNIT_SERIAL_NUMBER,
};
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::sense::{Sense, SenseKey};
use ferrite_scsi::{Cdb, Data};

use super::reply::{self, Failure, Reply, ReplyResult};
use super::{DriveTarget, Slot};
use crate::generation::{self, GenerationFacts};

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
const VENDOR: &str = "FERRITE";

impl Identity {
    /// A virtual drive.
    pub fn virtual_drive(serial: impl Into<String>) -> Self {
        Self {
            vendor: VENDOR.to_owned(),
            product: "VIRTUAL-TAPE".to_owned(),
            revision: REVISION.to_owned(),
            serial: serial.into(),
        }
    }

    /// An LTO drive.
    pub fn lto_drive(generation: u8, serial: impl Into<String>) -> Self {
        Self {
            vendor: VENDOR.to_owned(),
            product: format!("ULTRIUM-TD{generation}"),
            revision: REVISION.to_owned(),
            serial: serial.into(),
        }
    }
}

/// Densities the emulated drive writes.
const DENSITIES: [Density; 1] = [Density::LTO8];
/// Device identification (SPC-3 7.6.3).
const VPD_IDENTIFICATION: u8 = 0x83;
/// Sequential-access device capabilities (SSC-3 8.4.2).
const VPD_SEQUENTIAL_ACCESS: u8 = 0xB0;
/// Manufacturer-assigned serial number (SSC-3 8.4.3).
const VPD_MANUFACTURER_SERIAL: u8 = 0xB1;
/// TapeAlert supported flags (SSC-3 8.4.4).
const VPD_TAPE_ALERT: u8 = 0xB2;
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
            Some(page) => {
                let body = self.product_data(page).ok_or(Failure::invalid_field(2))?;
                let page = vpd(PeripheralType::Tape, page, &body);
                Ok(Reply::data(&page, allocation, data))
            }
        }
    }

    /// A page of vital product data, without its header.
    fn product_data(&self, page: u8) -> Option<Vec<u8>> {
        let serial = &self.identity.serial;
        match (page, self.lto) {
            (VPD_SUPPORTED_PAGES, None) => Some(vec![VPD_SUPPORTED_PAGES, VPD_UNIT_SERIAL_NUMBER]),
            (VPD_SUPPORTED_PAGES, Some(_)) => Some(vec![
                VPD_SUPPORTED_PAGES,
                VPD_UNIT_SERIAL_NUMBER,
                VPD_IDENTIFICATION,
                VPD_SEQUENTIAL_ACCESS,
                VPD_MANUFACTURER_SERIAL,
                VPD_TAPE_ALERT,
            ]),
            (VPD_UNIT_SERIAL_NUMBER, _) | (VPD_MANUFACTURER_SERIAL, Some(_)) => {
                Some(serial.clone().into_bytes())
            }
            (VPD_IDENTIFICATION, Some(_)) => Some(identification(&self.identity.product, serial)),
            // WORM is possible.
            (VPD_SEQUENTIAL_ACCESS, Some(_)) => Some(vec![0x01, 0x00]),
            // All flags may be raised.
            (VPD_TAPE_ALERT, Some(_)) => Some(vec![0xFF; 8]),
            _ => None,
        }
    }

    /// Gives a pending unit attention as data, and with that it is done.
    pub(super) fn request_sense(
        &mut self,
        nexus: &str,
        cdb: &Cdb,
        data: &mut Data<'_>,
    ) -> ReplyResult {
        let command = RequestSense::parse(reply::six(cdb)?);
        let sense = match self.state.nexuses.next_attention(nexus) {
            Some(code) => Sense::new(SenseKey::UnitAttention, code),
            None => self.idle_sense(),
        };
        let allocation = usize::from(command.allocation);
        Ok(if command.descriptor {
            Reply::data(&sense.to_descriptor(), allocation, data)
        } else {
            Reply::data(&sense.to_fixed(), allocation, data)
        })
    }

    /// What there is to say when nothing happened.
    fn idle_sense(&mut self) -> Sense {
        if let Some(busy) = self.state.busy {
            let code = AdditionalSense::NOT_READY_OPERATION_IN_PROGRESS;
            let mut sense = Sense::new(SenseKey::NotReady, code);
            sense.progress = Some(busy.progress(self.timing.clock.now()));
            return sense;
        }
        match self.medium() {
            Ok(_) => Sense::new(SenseKey::NoSense, AdditionalSense::NONE),
            Err(failure) => failure.sense,
        }
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
        let report = match self.lto {
            None => density::to_report(&DENSITIES, mounted),
            Some(facts) => {
                lto_densities(facts, mounted.filter(|_| command.mounted_medium), mounted)
            }
        };
        Ok(Reply::data(&report, usize::from(command.allocation), data))
    }
}

/// What an LTO drive reads and writes; or only what the mounted tape is.
fn lto_densities(
    facts: &GenerationFacts,
    only: Option<Density>,
    mounted: Option<Density>,
) -> Vec<u8> {
    const HEADER_BYTES: usize = 4;
    const DESCRIPTOR_BYTES: usize = 52;
    /// Byte 2 of a descriptor.
    const WRTOK: u8 = 0x80;
    let mut numbers: Vec<u8> = facts.writes.iter().chain(facts.reads).copied().collect();
    numbers.sort_unstable();
    numbers.retain(|&number| only.is_none_or(|only| generation::density(number) == only));
    let densities: Vec<Density> = numbers
        .iter()
        .map(|&number| generation::density(number))
        .collect();
    let mut report = density::to_report(&densities, mounted);
    for (descriptor, number) in report[HEADER_BYTES..]
        .chunks_exact_mut(DESCRIPTOR_BYTES)
        .zip(numbers)
    {
        if !facts.writes.contains(&number) {
            descriptor[2] &= !WRTOK;
        }
    }
    report
}

/// SPC-3 6.23; service action of MAINTENANCE IN.
pub(super) const REPORT_SUPPORTED_OPCODES: OperationCode = OperationCode(0xA3);

/// All commands, each with the length of its CDB.
pub(super) fn report_opcodes(cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
    const SERVICE_ACTION: u8 = 0x0C;
    let cdb = reply::twelve(cdb)?;
    if cdb[1] & 0x1F != SERVICE_ACTION {
        return Err(Failure::invalid_field(1));
    }
    if cdb[2] & 0x07 != 0 {
        return Err(Failure::invalid_field(2));
    }
    let allocation = u32::from_be_bytes([cdb[6], cdb[7], cdb[8], cdb[9]]) as usize;
    const CODES: [u8; 37] = [
        0x00, 0x01, 0x03, 0x04, 0x05, 0x08, 0x0A, 0x10, 0x11, 0x12, 0x15, 0x16, 0x17, 0x19, 0x1A,
        0x1B, 0x1E, 0x2B, 0x34, 0x44, 0x4C, 0x4D, 0x55, 0x56, 0x57, 0x5A, 0x5E, 0x5F, 0x82, 0x8C,
        0x8D, 0x91, 0x92, 0xA0, 0xA2, 0xA3, 0xB5,
    ];
    let mut bytes = vec![0; 4];
    for code in CODES {
        // The group in the upper three bits says how long a CDB is.
        let length = match code >> 5 {
            0 => 6,
            1 | 2 => 10,
            4 => 16,
            _ => 12,
        };
        bytes.extend_from_slice(&[code, 0, 0, 0, 0, 0, 0, length]);
    }
    let length = (bytes.len() - 4) as u32;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    Ok(Reply::data(&bytes, allocation, data))
}

/// Body of the device identification page: one T10 vendor designator in ASCII, of the logical unit.
pub(crate) fn identification(product: &str, serial: &str) -> Vec<u8> {
    const CODE_SET_ASCII: u8 = 0x02;
    const T10_VENDOR: u8 = 0x01;
    let text = format!("{VENDOR:8}{product:16}{serial}");
    let mut body = vec![CODE_SET_ASCII, T10_VENDOR, 0, text.len().min(255) as u8];
    body.extend_from_slice(text.as_bytes());
    body
}

/// A page of vital product data.
pub(crate) fn vpd(kind: PeripheralType, page: u8, body: &[u8]) -> Vec<u8> {
    let body = &body[..body.len().min(usize::from(u8::MAX))];
    let mut bytes = vec![0; VPD_HEADER_BYTES];
    bytes[0] = kind.code();
    bytes[1] = page;
    bytes[3] = body.len() as u8;
    bytes.extend_from_slice(body);
    bytes
}

/// One logical unit, number 0.
pub(crate) fn report_luns(cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
    let cdb = reply::twelve(cdb)?;
    let allocation = u32::from_be_bytes([cdb[6], cdb[7], cdb[8], cdb[9]]);
    Ok(Reply::data(&REPORT_LUNS_REPLY, allocation as usize, data))
}
