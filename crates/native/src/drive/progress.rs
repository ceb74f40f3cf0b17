//! News of an operation that takes long.

use ferrite_scsi::drive::WaitProgress;
use napi::Status;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

/// Progress of something that takes long, told once a second at most.
#[napi(object)]
pub struct OperationProgress {
    /// What was begun.
    #[napi(ts_type = "'wait' | 'load' | 'rewind' | 'locate' | 'erase' | 'format'")]
    pub operation: String,
    /// Seconds since then.
    pub seconds: f64,
    /// Seconds after which it is given up.
    pub limit_seconds: f64,
    /// Share that is done, 0 to 1, where the drive tells.
    pub share: Option<f64>,
    /// What the drive says it is doing: `loading`, `calibrating` (a fresh LTO-9 tape: up to two hours), `rewinding` ...
    pub activity: Option<String>,
    /// For a person: what the drive answers.
    pub message: String,
}

/// Progress in sense data is a share of this.
const WHOLE: f64 = 65_536.0;

type Callback = ThreadsafeFunction<OperationProgress, (), OperationProgress, Status, false>;

/// A callback for the progress of one operation.
pub struct ProgressListener {
    operation: &'static str,
    callback: Option<Callback>,
}

impl ProgressListener {
    /// Makes a JavaScript function callable from the drive's thread.
    pub fn new(
        operation: &'static str,
        callback: Option<Function<'_, OperationProgress, ()>>,
    ) -> napi::Result<Self> {
        let callback = callback
            .map(|callback| {
                callback
                    .build_threadsafe_function()
                    .callee_handled::<false>()
                    .build()
            })
            .transpose()?;
        Ok(Self {
            operation,
            callback,
        })
    }

    /// Hands the news over without waiting for it to be handled.
    pub fn tell(&self, progress: WaitProgress<'_>) {
        let Some(callback) = &self.callback else {
            return;
        };
        let news = OperationProgress {
            operation: self.operation.to_owned(),
            seconds: progress.waited.as_secs_f64(),
            limit_seconds: progress.limit.as_secs_f64(),
            share: progress.progress.map(|done| f64::from(done) / WHOLE),
            activity: progress.activity.map(|activity| activity.name().to_owned()),
            message: progress.reason.to_string(),
        };
        callback.call(news, ThreadsafeFunctionCallMode::NonBlocking);
    }
}
