//! MODE SENSE and MODE SELECT of the emulated drive (scsi.md 2.5).

use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::density::{Density, MEDIUM_TYPE_WORM};
use ferrite_scsi::mode::{
    BlockDescriptor, ConfigurationExtension, DataCompression, MediumConfiguration, ModeForm,
    ModeParameters, ModeSelect, ModeSense, PageCode, PageControl, device_configuration_bytes, page,
};
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::sense::SenseKey;
use ferrite_scsi::{Cdb, Data};
use serde::{Deserialize, Serialize};

use super::reply::{self, Failure, Reply, ReplyResult};
use super::state::Stage;
use super::{DriveTarget, Slot};

/// What MODE SELECT can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub compression: bool,
    /// Fixed block length in bytes; 0 = variable.
    pub block_length: u32,
    pub buffered_mode: u8,
    /// Programmable early warning zone in MB.
    pub early_warning_mb: u16,
    /// Data can only be appended (SSC-4 4.2.17).
    #[serde(default)]
    pub append_only: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            compression: true,
            block_length: 0,
            buffered_mode: 1,
            early_warning_mb: 0,
            append_only: false,
        }
    }
}

/// Page byte 0: may not be set in MODE SELECT.
const PS: u8 = 0x80;
/// Page byte 0: subpage format.
const SPF: u8 = 0x40;
const PAGE_CODE_MASK: u8 = 0x3F;
/// Largest block length of LTO drives.
const MAX_BLOCK_LENGTH: u32 = 0x80_0000;

/// Pages whose contents do not matter here, with their length: nothing in them can be changed.
const FIXED_PAGES: [(PageCode, u8); 5] = [
    (page::ERROR_RECOVERY, 0x0A),
    (page::DISCONNECT_RECONNECT, 0x0E),
    (page::CONTROL, 0x0A),
    // No further partitions.
    (page::MEDIUM_PARTITION, 0x06),
    (page::INFORMATIONAL_EXCEPTIONS, 0x0A),
];
/// First generation whose drives have the medium configuration page.
const MEDIUM_CONFIGURATION_GENERATION: u8 = 4;
/// SSC-4 8.3.8.
pub(super) const ALLOW_OVERWRITE: OperationCode = OperationCode(0x82);
/// Device configuration extension page: write mode in the upper half.
const WRITE_MODE_BYTE: usize = 5;
const WRITE_MODE_MASK: u8 = 0xF0;
const APPEND_ONLY: u8 = 0x10;

impl DriveTarget {
    pub(super) fn mode_sense(&mut self, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
        self.check_mode_form(cdb)?;
        let command = if cdb.opcode() == OperationCode::MODE_SENSE_6 {
            ModeSense::parse_6(reply::six(cdb)?)
        } else {
            ModeSense::parse_10(reply::ten(cdb)?)
        };
        if command.control == PageControl::Saved {
            return Err(Failure::new(
                SenseKey::IllegalRequest,
                AdditionalSense::SAVING_PARAMETERS_NOT_SUPPORTED,
            ));
        }
        let settings = if command.control == PageControl::Default {
            Settings::default()
        } else {
            self.state.settings
        };
        let mut pages = self
            .pages(command.page, settings)
            .ok_or(Failure::invalid_field(2))?;
        if command.control == PageControl::Changeable {
            make_mask(command.page, &mut pages);
        }
        let facts = match &self.slot {
            Slot::Loaded(medium) if self.state.stage == Stage::Ready => Some(medium.facts()),
            _ => None,
        };
        let density = facts.map_or(Density::UNKNOWN, |facts| facts.density);
        let worm = facts.is_some_and(|facts| facts.worm);
        let parameters = ModeParameters {
            medium_type: density.generation().map_or(0, |generation| {
                generation.medium_type | if worm { MEDIUM_TYPE_WORM } else { 0 }
            }),
            write_protected: facts.is_some_and(|facts| facts.write_protected) || self.reads_only(),
            buffered_mode: settings.buffered_mode,
            speed: 0,
            block: (!command.disable_block_descriptor).then_some(BlockDescriptor {
                density: density.0,
                blocks: 0,
                block_length: settings.block_length,
            }),
            pages,
        };
        Ok(Reply::data(
            &parameters.to_sense_bytes(command.form),
            usize::from(command.allocation),
            data,
        ))
    }

    fn check_mode_form(&self, cdb: &Cdb) -> Result<(), Failure> {
        let ten = matches!(
            cdb.opcode(),
            OperationCode::MODE_SENSE_10 | OperationCode::MODE_SELECT_10
        );
        if ten && self.quirks.no_mode_10 {
            return Err(Failure::invalid_opcode());
        }
        Ok(())
    }

    /// The page, or all of them.
    fn pages(&self, wanted: PageCode, settings: Settings) -> Option<Vec<u8>> {
        if wanted == page::NONE {
            return Some(Vec::new());
        }
        let worm = matches!(&self.slot, Slot::Loaded(medium) if medium.facts().worm);
        let mut extension = ConfigurationExtension::to_bytes(settings.early_warning_mb);
        extension[WRITE_MODE_BYTE] |= if settings.append_only { APPEND_ONLY } else { 0 };
        let mut all = vec![
            (
                page::DATA_COMPRESSION,
                DataCompression::to_bytes(settings.compression).to_vec(),
            ),
            (
                page::DEVICE_CONFIGURATION,
                device_configuration_bytes(settings.compression).to_vec(),
            ),
            (page::DEVICE_CONFIGURATION_EXTENSION, extension.to_vec()),
        ];
        if self
            .lto
            .is_none_or(|facts| facts.number >= MEDIUM_CONFIGURATION_GENERATION)
        {
            all.push((
                page::MEDIUM_CONFIGURATION,
                MediumConfiguration::to_bytes(worm).to_vec(),
            ));
        }
        if self.lto.is_some() {
            all.extend(FIXED_PAGES.map(|(code, length)| {
                let mut bytes = vec![0; 2 + usize::from(length)];
                (bytes[0], bytes[1]) = (code.page, length);
                (code, bytes)
            }));
        }
        all.sort_by_key(|(code, _)| (code.page, code.subpage));
        if wanted == page::ALL {
            return Some(
                all.into_iter()
                    .filter(|(code, _)| code.subpage == 0)
                    .flat_map(|(_, bytes)| bytes)
                    .collect(),
            );
        }
        all.into_iter()
            .find(|(code, _)| *code == wanted)
            .map(|(_, bytes)| bytes)
    }

    /// ALLOW OVERWRITE: where data may be overwritten in append-only mode.
    pub(super) fn allow_overwrite(&mut self, cdb: &Cdb) -> ReplyResult {
        const DISABLED: u8 = 0;
        const CURRENT_POSITION: u8 = 1;
        const FORMAT: u8 = 2;
        let cdb = reply::sixteen(cdb)?;
        let position = self.medium()?.position().object;
        let mut object = [0; 8];
        object.copy_from_slice(&cdb[4..12]);
        self.state.overwrite_at = match cdb[2] & 0x0F {
            DISABLED => None,
            CURRENT_POSITION if u64::from_be_bytes(object) == position => Some(position),
            CURRENT_POSITION => return Err(Failure::invalid_field(4)),
            FORMAT if position == 0 => Some(0),
            _ => return Err(Failure::invalid_field(2)),
        };
        Ok(Reply::good())
    }

    pub(super) fn mode_select(
        &mut self,
        nexus: &str,
        cdb: &Cdb,
        data: &mut Data<'_>,
    ) -> ReplyResult {
        self.check_mode_form(cdb)?;
        let command = if cdb.opcode() == OperationCode::MODE_SELECT_6 {
            ModeSelect::parse_6(reply::six(cdb)?)
        } else {
            ModeSelect::parse_10(reply::ten(cdb)?)
        }
        .ok_or(Failure::invalid_field(1))?;
        let list: &[u8] = match data {
            Data::Out(buffer) => buffer,
            Data::None | Data::In(_) => &[],
        };
        let length = usize::from(command.length);
        if length == 0 {
            return Ok(Reply::good());
        }
        let list = list
            .get(..length)
            .ok_or_else(reply::parameter_list_length)?;
        let parameters = ModeParameters::parse_list(command.form, list)
            .map_err(|_| reply::parameter_list_length())?;
        let new = self.selected(command.form, &parameters)?;
        if new != self.state.settings {
            self.state.settings = new;
            if let Slot::Loaded(medium) = &mut self.slot {
                medium.set_compression(new.compression);
            }
            let code = AdditionalSense::MODE_PARAMETERS_CHANGED;
            self.state.nexuses.notify(code, Some(nexus));
        }
        Ok(Reply::transferred(length))
    }

    /// Checks everything before anything is changed.
    fn selected(&self, form: ModeForm, parameters: &ModeParameters) -> Result<Settings, Failure> {
        let mut settings = self.state.settings;
        settings.buffered_mode = parameters.buffered_mode;
        let header_bytes = match form {
            ModeForm::Six => 4,
            ModeForm::Ten => 8,
        };
        let mut at = header_bytes;
        if let Some(block) = parameters.block {
            if block.block_length > MAX_BLOCK_LENGTH {
                return Err(Failure::invalid_parameter(header_bytes + 5));
            }
            settings.block_length = block.block_length;
            at += 8;
        }
        let mut rest = parameters.pages.as_slice();
        while let [first, second, ..] = *rest {
            if first & PS != 0 {
                return Err(Failure::invalid_parameter(at));
            }
            let (subpage, length) = match *rest {
                [_, subpage, high, low, ..] if first & SPF != 0 => {
                    (subpage, 4 + usize::from(u16::from_be_bytes([high, low])))
                }
                _ => (0, 2 + usize::from(second)),
            };
            let body = rest
                .get(..length)
                .ok_or_else(reply::parameter_list_length)?;
            let code = PageCode {
                page: first & PAGE_CODE_MASK,
                subpage,
            };
            apply(code, body, &mut settings, self.lto.is_some())
                .map_err(|()| Failure::invalid_parameter(at))?;
            at = at.saturating_add(u16::try_from(length).unwrap_or(u16::MAX));
            rest = &rest[length..];
        }
        Ok(settings)
    }
}

fn apply(code: PageCode, body: &[u8], settings: &mut Settings, lto: bool) -> Result<(), ()> {
    match code {
        page::DATA_COMPRESSION => {
            settings.compression = DataCompression::enabled(body).map_err(|_| ())?
        }
        page::DEVICE_CONFIGURATION_EXTENSION => {
            settings.early_warning_mb =
                ConfigurationExtension::early_warning_mb(body).map_err(|_| ())?;
            settings.append_only = body[WRITE_MODE_BYTE] & WRITE_MODE_MASK == APPEND_ONLY;
        }
        // Nothing in them can be changed.
        page::DEVICE_CONFIGURATION | page::MEDIUM_CONFIGURATION => {}
        _ if FIXED_PAGES.iter().any(|(fixed, _)| *fixed == code) && lto => {}
        _ => return Err(()),
    }
    Ok(())
}

/// Turns current values into the mask of what can be changed.
fn make_mask(code: PageCode, pages: &mut [u8]) {
    let header = if code.subpage == 0 { 2 } else { 4 };
    if let Some(body) = pages.get_mut(header..) {
        body.fill(0);
    }
    match code {
        page::DATA_COMPRESSION => {
            let _ = DataCompression::set_enabled(pages, true);
        }
        page::DEVICE_CONFIGURATION_EXTENSION => {
            let _ = ConfigurationExtension::set_early_warning_mb(pages, u16::MAX);
        }
        _ => {}
    }
}
