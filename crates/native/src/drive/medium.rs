//! The tape comes into the drive and goes out of it, moved by a changer or by a person.

use std::time::Duration;

use ferrite_scsi::drive::WaitOptions;
use napi::Env;
use napi::bindgen_prelude::{Function, Object};
use napi_derive::napi;

use super::TapeDrive;
use super::progress::OperationProgress;

/// How to wait for a tape.
#[napi(object)]
#[derive(Default)]
pub struct WaitForTape {
    /// A changer is bringing one: wait for it, too, instead of failing at once while there is none.
    pub for_medium: Option<bool>,
    /// Give up after this time (default 600; never before 7500 while a fresh LTO-9 tape is calibrated).
    pub limit_seconds: Option<f64>,
}

impl From<WaitForTape> for WaitOptions {
    fn from(from: WaitForTape) -> Self {
        let defaults = Self::default();
        let limit = from
            .limit_seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Self {
            for_medium: from.for_medium.unwrap_or(defaults.for_medium),
            limit: limit.unwrap_or(defaults.limit),
            ..defaults
        }
    }
}

/// Who a drive is.
#[napi(object)]
pub struct DriveIdentity {
    /// From INQUIRY.
    pub vendor: String,
    /// From INQUIRY.
    pub product: String,
    /// From INQUIRY.
    pub revision: String,
    /// As a library tells it of its drives.
    pub serial: Option<String>,
}

#[napi]
impl TapeDrive {
    /// Who the drive is; works without a tape.
    #[napi(ts_return_type = "Promise<DriveIdentity>")]
    pub fn identity<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| {
            let serial = state.drive().serial().ok();
            let inquiry = state.drive().inquiry();
            Ok(DriveIdentity {
                vendor: inquiry.vendor.clone(),
                product: inquiry.product.clone(),
                revision: inquiry.revision.clone(),
                serial,
            })
        })
    }

    /// A tape is loaded and can be used now.
    #[napi(ts_return_type = "Promise<boolean>")]
    pub fn has_medium<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| Ok(state.drive().is_ready()))
    }

    /// Waits until the tape can be used, clears any key, and sets the drive up for it: compression, variable block length,
    /// buffering. To be called when a changer has put a tape in.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn wait_ready<'env>(
        &self,
        env: &'env Env,
        options: Option<WaitForTape>,
        on_progress: Option<Function<'_, OperationProgress, ()>>,
    ) -> napi::Result<Object<'env>> {
        self.call_watched(env, "wait", on_progress, move |state, watch| {
            state.changed();
            state.prepare(options.unwrap_or_default().into(), watch)
        })
    }

    /// Threads the tape that is in the drive and waits until it can be used.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn load_medium<'env>(
        &self,
        env: &'env Env,
        on_progress: Option<Function<'_, OperationProgress, ()>>,
    ) -> napi::Result<Object<'env>> {
        self.call_watched(env, "load", on_progress, |state, watch| {
            state.changed();
            Ok(state.drive().load(watch)?)
        })
    }

    /// Clears the key, rewinds, and ejects the tape; fine without one.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn eject<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| state.eject())
    }

    /// Locks the tape in the drive.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn lock_door<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| Ok(state.drive().prevent_removal(true)?))
    }

    /// Lets the tape go.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn unlock_door<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| Ok(state.drive().prevent_removal(false)?))
    }
}
