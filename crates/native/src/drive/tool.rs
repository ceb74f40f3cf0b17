//! The tape moved by hand (`pmt`, cli.md 5): each call does one thing from where the tape stands, and sets nothing up.

use ferrite_linux::mtio::OptionChange;
use ferrite_scsi::command::SpaceUnit;
use ferrite_scsi::drive::SettingsChange;
use napi::Env;
use napi::bindgen_prelude::{Function, Object};
use napi_derive::napi;

use super::TapeDrive;
use super::progress::OperationProgress;
use super::state::DriveState;
use crate::datastore::number;
use crate::failure::{Failure, Kind};

/// Where the tape stands.
#[napi(object)]
pub struct TapePosition {
    /// Filemarks before it.
    pub file: i64,
    /// Blocks and filemarks before it.
    pub object: i64,
    /// It is the beginning of the tape.
    pub beginning: bool,
    /// The end of the tape is near.
    pub past_early_warning: bool,
}

/// Settings of a drive; what is not given stays as it is.
#[napi(object)]
pub struct DriveSettings {
    /// First of all: compression on, variable block length, buffered, no early warning of a program's own.
    pub defaults: Option<bool>,
    /// Compress what is written.
    pub compression: Option<bool>,
    /// Bytes of all blocks; 0 is variable.
    pub blocksize: Option<u32>,
    /// Take data before it is on the tape.
    pub buffer_mode: Option<bool>,
}

/// What to do with options of the st driver.
#[napi(string_enum = "lowercase")]
pub enum DriverOptionChange {
    /// These are on and all others off.
    Replace,
    /// These are on, others stay.
    Set,
    /// These are off, others stay.
    Clear,
}

impl From<DriverOptionChange> for OptionChange {
    fn from(from: DriverOptionChange) -> Self {
        match from {
            DriverOptionChange::Replace => Self::Replace,
            DriverOptionChange::Set => Self::Set,
            DriverOptionChange::Clear => Self::Clear,
        }
    }
}

fn space(state: &mut DriveState, unit: SpaceUnit, count: i64) -> Result<(), Failure> {
    Ok(state.drive().space(unit, count)?)
}

#[napi]
impl TapeDrive {
    /// Over `count` filemarks; backwards, and ending before the mark, if negative.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn space_filemarks<'env>(&self, env: &'env Env, count: i64) -> napi::Result<Object<'env>> {
        self.call(env, move |state| space(state, SpaceUnit::Filemarks, count))
    }

    /// Over `count` blocks; backwards if negative. Meeting a filemark is an error.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn space_blocks<'env>(&self, env: &'env Env, count: i64) -> napi::Result<Object<'env>> {
        self.call(env, move |state| space(state, SpaceUnit::Blocks, count))
    }

    /// Back over `count` filemarks and forward over one: to the first block of the file `count` - 1 before this one.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn backward_to_file<'env>(&self, env: &'env Env, count: u32) -> napi::Result<Object<'env>> {
        self.call(env, move |state| {
            space(state, SpaceUnit::Filemarks, -i64::from(count))?;
            space(state, SpaceUnit::Filemarks, 1)
        })
    }

    /// Forward over `count` filemarks and back over one: behind the last block of the file `count` - 1 after this one.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn forward_before_mark<'env>(
        &self,
        env: &'env Env,
        count: u32,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |state| {
            space(state, SpaceUnit::Filemarks, i64::from(count))?;
            space(state, SpaceUnit::Filemarks, -1)
        })
    }

    /// To the first block of a file, counted from the beginning of the tape.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn locate_file<'env>(
        &self,
        env: &'env Env,
        file: u32,
        on_progress: Option<Function<'_, OperationProgress, ()>>,
    ) -> napi::Result<Object<'env>> {
        self.call_watched(env, "locate", on_progress, move |state, watch| {
            let _ = state.drive().locate_watched(u64::from(file), watch)?;
            Ok(())
        })
    }

    /// To the end of recorded data. Unlike `endOfData` this writes no filemark that is missing there.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn seek_end_of_data<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| Ok(state.drive().space_to_end()?))
    }

    /// Writes filemarks here, which drops everything behind them, and waits until they are on the tape.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn write_filemarks<'env>(&self, env: &'env Env, count: u32) -> napi::Result<Object<'env>> {
        self.call(env, move |state| {
            let here = state.drive().here()?;
            let _ = state.drive().write_filemarks(here, count)?;
            Ok(())
        })
    }

    /// Ends the tape here: by a mark (fast), or by overwriting all of it to its physical end, which takes hours.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn erase_here<'env>(
        &self,
        env: &'env Env,
        fast: bool,
        on_progress: Option<Function<'_, OperationProgress, ()>>,
    ) -> napi::Result<Object<'env>> {
        self.call_watched(env, "erase", on_progress, move |state, watch| {
            let here = state.drive().here()?;
            let _ = state.drive().erase(here, !fast, watch)?;
            Ok(())
        })
    }

    /// Where the tape stands.
    #[napi(ts_return_type = "Promise<TapePosition>")]
    pub fn position<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| {
            let position = state.drive().position()?;
            Ok(TapePosition {
                file: number(position.file),
                object: number(position.object),
                beginning: position.beginning,
                past_early_warning: position.past_early_warning,
            })
        })
    }

    /// Changes settings of the drive.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn set_options<'env>(
        &self,
        env: &'env Env,
        settings: DriveSettings,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |state| {
            let drive = state.drive();
            if settings.defaults == Some(true) {
                drive.set_defaults()?;
            }
            Ok(drive.set_options(SettingsChange {
                compression: settings.compression,
                block_length: settings.blocksize,
                buffered: settings.buffer_mode,
            })?)
        })
    }

    /// Sets the block length, 0 for variable: through the st driver if the drive was opened by its tape node.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn set_block_size<'env>(&self, env: &'env Env, bytes: u32) -> napi::Result<Object<'env>> {
        self.call(env, move |state| {
            if let Some(node) = state.tape_node() {
                return Ok(node.set_block_bytes(bytes)?);
            }
            Ok(state.drive().change_settings(SettingsChange {
                block_length: Some(bytes),
                ..SettingsChange::default()
            })?)
        })
    }

    /// Changes options of the st driver, `bits` as `driverOptionBit` gives them.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn change_driver_options<'env>(
        &self,
        env: &'env Env,
        change: DriverOptionChange,
        bits: u32,
    ) -> napi::Result<Object<'env>> {
        let name = self.name();
        self.call(env, move |state| {
            let node = state.tape_node().ok_or_else(|| {
                Failure::new(
                    Kind::Usage,
                    "no-tape-node",
                    format!(
                        "drive '{name}' was not opened by a tape node: options of the st driver need /dev/nst..."
                    ),
                )
            })?;
            Ok(node.change_options(change.into(), bits)?)
        })
    }
}
