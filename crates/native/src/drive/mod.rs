//! An open drive: one named operating system thread that owns it and works its calls off in order.

mod catalog;
mod diagnosis;
mod encryption;
mod events;
mod labels;
mod medium;
mod motion;
mod progress;
mod state;
mod status;
mod tool;
mod transfer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ferrite_datastore::CancelFlag;
use ferrite_pipeline::Environment as CoreEnvironment;
use ferrite_scsi::drive::WaitProgress;
use napi::Env;
use napi::bindgen_prelude::{ClassInstance, Function, Object, ToNapiValue};
use napi_derive::napi;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::promise::guarded;
use crate::worker::{Worker, WorkerSlot};
use progress::{OperationProgress, ProgressListener};
use state::DriveState;

/// A drive as its section in tape.cfg describes it.
#[napi(object, object_to_js = false)]
pub struct DriveOptions<'env> {
    /// Type of its section.
    #[napi(ts_type = "'virtual' | 'lto' | 'linux'")]
    pub kind: String,
    /// Directory of a virtual drive. Else an sg node, a tape node that does not rewind, or a link to one of them: commands go
    /// through the sg node, and the tape node is held so that users of the st driver keep away. Or a drive of an emulated
    /// library, `DIR/drive0`.
    pub path: String,
    /// Capacity of each virtual tape in bytes (default 64 MiB).
    pub max_size: Option<i64>,
    /// Tapes keep the lengths of their files and next to none of their content: for plans.
    pub hollow: Option<bool>,
    /// Name of the drive, for its thread and messages.
    pub name: String,
    /// Only look and do single things (`pmt`): no key is cleared, nothing set up, no tape node held but the one that was named.
    pub passive: Option<bool>,
    /// Writes every SCSI command down: to a file that is appended to, or `-` for standard error. Keys are not shown.
    pub trace_scsi: Option<String>,
    /// Clock, UUIDs and chunk order; the system's where not given.
    pub environment: Option<ClassInstance<'env, Environment>>,
}

/// Stops the work of a drive: between two commands, and in waits.
#[derive(Clone, Default)]
struct Cancel {
    transfer: CancelFlag,
    device: Arc<AtomicBool>,
}

impl Cancel {
    fn set(&self) {
        self.transfer.cancel();
        self.device.store(true, Ordering::Relaxed);
    }
}

/// An open drive.
#[napi]
pub struct TapeDrive {
    name: String,
    cancel: Cancel,
    worker: WorkerSlot<DriveState>,
}

#[napi]
impl TapeDrive {
    /// Opens a drive on a thread of its own. Fails while another process uses it.
    #[napi(ts_return_type = "Promise<TapeDrive>")]
    pub fn open<'env>(env: &'env Env, options: DriveOptions<'env>) -> napi::Result<Object<'env>> {
        let cancel = Cancel::default();
        let environment = match &options.environment {
            Some(environment) => Arc::clone(&environment.core),
            None => Arc::new(CoreEnvironment::system()),
        };
        let setup = match state::Setup::new(&options, environment, Arc::clone(&cancel.device)) {
            Ok(setup) => setup,
            Err(failure) => return Err(failure.into_js(env)),
        };
        let name = options.name.clone();
        let stop = cancel.clone();
        Worker::open(
            env,
            &format!("drive-{name}"),
            move || setup.open(),
            move |worker| TapeDrive {
                worker: WorkerSlot::new(format!("drive '{name}'"), worker),
                name,
                cancel,
            },
            move || stop.set(),
        )
    }

    /// Name of the drive.
    #[napi(getter)]
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// Stops the work in progress, and all that follows, between two commands.
    #[napi]
    pub fn cancel(&self) {
        self.cancel.set();
    }

    /// Closes the drive once its queued calls are done; then others can open it.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.worker.close(env)
    }
}

impl TapeDrive {
    /// Queues `work` on the drive's thread.
    fn call<'env, T, F>(&self, env: &'env Env, work: F) -> napi::Result<Object<'env>>
    where
        T: ToNapiValue + Send + 'static,
        F: FnOnce(&mut DriveState) -> Result<T, Failure> + Send + 'static,
    {
        self.worker.call(env, move |state| {
            guarded(|| work(state)).map_err(|failure| {
                state.forget_key();
                state.explain(failure)
            })
        })
    }
    /// As [`Self::call`], for work that takes long: `on_progress` hears how far it is.
    fn call_watched<'env, T, F>(
        &self,
        env: &'env Env,
        operation: &'static str,
        on_progress: Option<Function<'_, OperationProgress, ()>>,
        work: F,
    ) -> napi::Result<Object<'env>>
    where
        T: ToNapiValue + Send + 'static,
        F: FnOnce(&mut DriveState, &mut dyn FnMut(WaitProgress<'_>)) -> Result<T, Failure>
            + Send
            + 'static,
    {
        let listener = ProgressListener::new(operation, on_progress)?;
        self.call(env, move |state| {
            work(state, &mut |progress| listener.tell(progress))
        })
    }
}
