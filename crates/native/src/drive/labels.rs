//! The two labels of a tape.

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use super::TapeDrive;
use crate::labels::{MediaLabel, MediaSetLabel, TapeLabels};

#[napi]
impl TapeDrive {
    /// Rewinds and reads both labels; null on a blank tape.
    #[napi(ts_return_type = "Promise<TapeLabels | null>")]
    pub fn read_labels<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| {
            let (drive, block) = state.ready()?;
            let labels = ferrite_tape::read_labels(drive, block)?;
            Ok(labels.map(|labels| TapeLabels {
                label: (&labels.label).into(),
                media_set_label: labels.media_set_label.as_ref().map(MediaSetLabel::from),
            }))
        })
    }

    /// Rewinds and reads the media label alone, whatever follows it; null on a blank tape.
    #[napi(ts_return_type = "Promise<MediaLabel | null>")]
    pub fn read_media_label<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| {
            let (drive, block) = state.ready()?;
            let label = ferrite_tape::read_media_label(drive, block)?;
            Ok(label.as_ref().map(MediaLabel::from))
        })
    }

    /// Whether nothing is on the tape.
    #[napi(ts_return_type = "Promise<boolean>")]
    pub fn is_blank<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| {
            let (drive, block) = state.ready()?;
            Ok(ferrite_tape::is_blank(drive, block)?)
        })
    }

    /// Writes the media label as file 0; everything on the tape is lost.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn write_label<'env>(
        &self,
        env: &'env Env,
        label: MediaLabel,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |state| {
            let stamp = state.stamp()?;
            let (drive, block) = state.ready()?;
            let _ = ferrite_tape::write_label(drive, block, &(&label).try_into()?, stamp)?;
            Ok(())
        })
    }

    /// Writes the media-set label as file 1; everything behind it is lost.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn write_media_set_label<'env>(
        &self,
        env: &'env Env,
        label: MediaSetLabel,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |state| {
            let stamp = state.stamp()?;
            let (drive, block) = state.ready()?;
            let _ =
                ferrite_tape::write_media_set_label(drive, block, &(&label).try_into()?, stamp)?;
            Ok(())
        })
    }
}
