//! The drive's settings: compression, block length, buffering (scsi.md 2.5; since-3.2.4.md B1).

use super::Drive;
use super::execute::Effect;
use super::motion::refuses_function;
use crate::asc::AdditionalSense;
use crate::density::Density;
use crate::error::ScsiError;
use crate::mode::{
    ConfigurationExtension, DataCompression, MODE_SENSE_10_ALLOCATION, MalformedModeData,
    MediumConfiguration, ModeForm, ModeParameters, ModeSelect, ModeSense, PageCode, page,
};
use crate::opcode::OperationCode;
use crate::sense::SenseKey;
use crate::timeouts;
use crate::transport::Data;

/// What the drive is set to, and what it says about the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriveSettings {
    /// Fixed block length in bytes; 0 = variable.
    pub block_length: u32,
    /// Written data is compressed.
    pub compression: bool,
    /// 0 = not buffered, 1 = buffered.
    pub buffered_mode: u8,
    /// Density of the tape; unknown without one.
    pub density: Density,
    /// Medium type of the tape.
    pub medium_type: u8,
    /// The tape cannot be written.
    pub write_protected: bool,
}

/// Settings to change; `None` keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// Compress written data.
    pub compression: Option<bool>,
    /// Fixed block length in bytes; 0 = variable.
    pub block_length: Option<u32>,
    /// Buffered mode.
    pub buffered: Option<bool>,
}

impl SettingsChange {
    /// What tapes are written with: compression, variable block length, buffered.
    pub const DEFAULTS: Self = Self {
        compression: Some(true),
        block_length: Some(0),
        buffered: Some(true),
    };
}

/// Largest block length of LTO drives.
const MAX_BLOCK_LENGTH: u32 = 0x80_0000;
/// The short form answers with up to 255 bytes of data and its own length byte.
const SENSE_BUFFER_BYTES: usize = MODE_SENSE_10_ALLOCATION as usize;

impl Drive {
    /// Reads the settings.
    pub fn settings(&mut self) -> Result<DriveSettings, ScsiError> {
        let (form, parameters) = self.mode_sense(page::DATA_COMPRESSION)?;
        let compression = compression_page(&parameters)
            .and_then(DataCompression::enabled)
            .map_err(|error| malformed(form, error))?;
        let block = parameters.block.unwrap_or_default();
        Ok(DriveSettings {
            block_length: block.block_length,
            compression,
            buffered_mode: parameters.buffered_mode,
            density: Density(block.density),
            medium_type: parameters.medium_type,
            write_protected: parameters.write_protected,
        })
    }

    /// Changes settings; always sent, even if nothing changes.
    pub fn change_settings(&mut self, change: SettingsChange) -> Result<(), ScsiError> {
        let (form, parameters) = self.changed_settings(change)?;
        self.mode_select(form, &parameters)
    }

    fn changed_settings(
        &mut self,
        change: SettingsChange,
    ) -> Result<(ModeForm, ModeParameters), ScsiError> {
        let (form, mut parameters) = self.mode_sense(page::DATA_COMPRESSION)?;
        if let Some(length) = change.block_length {
            if length > MAX_BLOCK_LENGTH {
                return Err(ScsiError::BlockSize {
                    length: u64::from(length),
                    min: 0,
                    max: MAX_BLOCK_LENGTH,
                });
            }
            parameters.block.get_or_insert_default().block_length = length;
        }
        if let Some(buffered) = change.buffered {
            parameters.buffered_mode = u8::from(buffered);
        }
        if let Some(compression) = change.compression {
            parameters
                .page_mut(page::DATA_COMPRESSION)
                .and_then(|page| DataCompression::set_enabled(page, compression))
                .map_err(|error| malformed(form, error))?;
        }
        Ok((form, parameters))
    }

    /// Compression on, variable block length, buffered mode, programmable early warning off.
    pub fn set_defaults(&mut self) -> Result<(), ScsiError> {
        let (form, mut parameters) = self.changed_settings(SettingsChange::DEFAULTS)?;
        match self.mode_select(form, &parameters) {
            // tgt takes the block descriptor and no page (scsi.md 8.2): block length and buffering matter, compression does not.
            Err(error) if refuses_parameters(&error) => {
                parameters.pages.clear();
                self.mode_select(form, &parameters)?;
            }
            result => result?,
        }
        self.switch_programmable_early_warning_off();
        Ok(())
    }

    /// Changes settings as a user asked, and switches programmable early warning off (since-3.2.4.md B1).
    pub fn set_options(&mut self, change: SettingsChange) -> Result<(), ScsiError> {
        self.change_settings(change)?;
        self.switch_programmable_early_warning_off();
        Ok(())
    }

    /// Drives before LTO-5 lack the page; whatever else goes wrong here only means one more kind of early warning, which is
    /// understood too.
    fn switch_programmable_early_warning_off(&mut self) {
        let _ = self.set_programmable_early_warning(0);
    }

    fn set_programmable_early_warning(&mut self, megabytes: u16) -> Result<(), ScsiError> {
        let (form, mut parameters) = self.mode_sense(page::DEVICE_CONFIGURATION_EXTENSION)?;
        parameters
            .page_mut(page::DEVICE_CONFIGURATION_EXTENSION)
            .and_then(|page| ConfigurationExtension::set_early_warning_mb(page, megabytes))
            .map_err(|error| malformed(form, error))?;
        self.mode_select(form, &parameters)
    }

    /// The mounted tape is write-once. Drives without the page (LTO-3 and older) have none.
    pub fn is_worm(&mut self) -> Result<bool, ScsiError> {
        match self.mode_sense(page::MEDIUM_CONFIGURATION) {
            Ok((_, parameters)) => Ok(parameters
                .page(page::MEDIUM_CONFIGURATION)
                .and_then(MediumConfiguration::is_worm)
                .unwrap_or(false)),
            Err(error) if refuses_function(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn mode_sense(&mut self, page: PageCode) -> Result<(ModeForm, ModeParameters), ScsiError> {
        let mut buffer = [0; SENSE_BUFFER_BYTES];
        match self.mode_sense_as(ModeForm::Ten, page, &mut buffer) {
            Err(error) if is_unknown_command(&error) => {
                let parameters = self.mode_sense_as(ModeForm::Six, page, &mut buffer)?;
                Ok((ModeForm::Six, parameters))
            }
            result => Ok((ModeForm::Ten, result?)),
        }
    }

    fn mode_sense_as(
        &mut self,
        form: ModeForm,
        page: PageCode,
        buffer: &mut [u8],
    ) -> Result<ModeParameters, ScsiError> {
        let command = ModeSense::current(form, page);
        let buffer = &mut buffer[..usize::from(command.allocation)];
        let received = self.query(&command.cdb(), buffer, timeouts::PAGE)?;
        ModeParameters::parse_sense(form, &buffer[..received])
            .map_err(|error| malformed(form, error))
    }

    fn mode_select(
        &mut self,
        form: ModeForm,
        parameters: &ModeParameters,
    ) -> Result<(), ScsiError> {
        match self.mode_select_as(form, parameters) {
            // tgt has MODE SENSE(10) but not MODE SELECT(10) (scsi.md 8.2).
            Err(error) if form == ModeForm::Ten && is_unknown_command(&error) => {
                self.mode_select_as(ModeForm::Six, parameters)
            }
            result => result,
        }
    }

    fn mode_select_as(
        &mut self,
        form: ModeForm,
        parameters: &ModeParameters,
    ) -> Result<(), ScsiError> {
        let list = parameters.to_select_bytes(form);
        let length = u16::try_from(list.len()).unwrap_or(u16::MAX);
        let cdb = ModeSelect { form, length }.cdb();
        self.transfer(&cdb, Data::Out(&list), Effect::Absolute, timeouts::SETTING)?;
        Ok(())
    }
}

fn compression_page(parameters: &ModeParameters) -> Result<&[u8], MalformedModeData> {
    parameters.page(page::DATA_COMPRESSION)
}

fn malformed(form: ModeForm, error: MalformedModeData) -> ScsiError {
    let command = match form {
        ModeForm::Six => OperationCode::MODE_SENSE_6,
        ModeForm::Ten => OperationCode::MODE_SENSE_10,
    };
    ScsiError::Reply {
        command,
        what: error.to_string(),
    }
}

/// The drive refuses to have this changed.
fn refuses_parameters(error: &ScsiError) -> bool {
    error.sense().is_some_and(|sense| {
        sense.is(
            SenseKey::IllegalRequest,
            AdditionalSense::INVALID_FIELD_IN_PARAMETER_LIST,
        )
    })
}

fn is_unknown_command(error: &ScsiError) -> bool {
    error.sense().is_some_and(|sense| {
        sense.is(
            SenseKey::IllegalRequest,
            AdditionalSense::INVALID_OPERATION_CODE,
        )
    })
}
