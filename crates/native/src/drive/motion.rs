//! Loading, positions, erasing.

use napi::Env;
use napi::bindgen_prelude::{Function, Object};
use napi_derive::napi;

use super::TapeDrive;
use super::progress::OperationProgress;
use crate::datastore::number;
use crate::promise::on_thread;

/// A place for a tape.
#[napi(object)]
pub struct TapeSlot {
    /// From 1.
    pub slot: u32,
    /// Tape in it, also while that is in the drive.
    pub label_text: Option<String>,
}

/// Slots and drive of a virtual drive.
#[napi(object)]
pub struct TapeSlots {
    /// Tape in the drive.
    pub loaded: Option<String>,
    /// Sorted by label.
    pub slots: Vec<TapeSlot>,
}

#[napi]
impl TapeDrive {
    /// Tapes that a virtual drive's own changer can reach.
    #[napi(ts_return_type = "Promise<TapeSlots>")]
    pub fn slots<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| {
            Ok(TapeSlots::from(state.directory()?.slots()?))
        })
    }

    /// Loads a tape into a virtual drive, instead of the one that is in it, and waits until it is ready.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn load<'env>(&self, env: &'env Env, label_text: String) -> napi::Result<Object<'env>> {
        self.call(env, move |state| {
            state.directory()?.load(&label_text)?;
            state.changed();
            state.ready()?;
            Ok(())
        })
    }

    /// Ejects the tape, and puts it back to its place if the drive is a virtual one; fine without one.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn unload<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| state.eject())
    }

    /// To the beginning of the tape.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn rewind<'env>(
        &self,
        env: &'env Env,
        on_progress: Option<Function<'_, OperationProgress, ()>>,
    ) -> napi::Result<Object<'env>> {
        self.call_watched(env, "rewind", on_progress, |state, watch| {
            let _ = state.settled()?.rewind_watched(watch)?;
            Ok(())
        })
    }

    /// To the end of recorded data; the number of files before it.
    #[napi(ts_return_type = "Promise<number>")]
    pub fn end_of_data<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| {
            Ok(number(state.ready()?.0.end_of_data()?.file_number()))
        })
    }

    /// Empties the tape, fast (an end mark at its beginning) or by overwriting all of it, which takes hours.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn erase<'env>(
        &self,
        env: &'env Env,
        fast: bool,
        on_progress: Option<Function<'_, OperationProgress, ()>>,
    ) -> napi::Result<Object<'env>> {
        self.call_watched(env, "erase", on_progress, move |state, watch| {
            let _ = state.settled()?.format(fast, watch)?;
            Ok(())
        })
    }

    /// As `erase`; resolves with what did not work and does not matter, for a log: cartridge memory that was not cleared.
    #[napi(ts_return_type = "Promise<Array<string>>")]
    pub fn format<'env>(
        &self,
        env: &'env Env,
        fast: bool,
        on_progress: Option<Function<'_, OperationProgress, ()>>,
    ) -> napi::Result<Object<'env>> {
        self.call_watched(env, "format", on_progress, move |state, watch| {
            Ok(state.settled()?.format(fast, watch)?.notes)
        })
    }
}

/// Tapes of a virtual drive's directory; works while somebody uses the drive.
#[napi(ts_return_type = "Promise<TapeSlots>")]
pub fn list_virtual_slots(env: &Env, directory: String) -> napi::Result<Object<'_>> {
    on_thread(env, "virtual-slots", move || {
        Ok(TapeSlots::from(ferrite_emulator::list_slots(
            std::path::Path::new(&directory),
        )?))
    })
}

impl From<ferrite_emulator::Slots> for TapeSlots {
    fn from(found: ferrite_emulator::Slots) -> Self {
        let slots = found.slots.into_iter().map(|slot| TapeSlot {
            slot: slot.number,
            label_text: slot.label,
        });
        Self {
            loaded: found.loaded,
            slots: slots.collect(),
        }
    }
}
