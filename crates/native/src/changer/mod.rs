//! An open changer: one named operating system thread that owns it and works its calls off in order. Which tape goes where is
//! decided above; here are single movements, each of which ends with a look at all elements.

mod status;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ferrite_scsi::changer::Moved;
use ferrite_scsi::{Changer, ChangerOptions as ScsiOptions, Place};
use napi::Env;
use napi::bindgen_prelude::{ClassInstance, Object, ToNapiValue};
use napi_derive::napi;

use crate::devices::{Wrapping, name_device, open_changer, wrapped};
use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::worker::{Worker, WorkerSlot};
use status::ChangerStatus;

/// A changer as its section in tape.cfg describes it.
#[napi(object, object_to_js = false)]
pub struct ChangerOptions<'env> {
    /// Name of the changer, for its thread and messages.
    pub name: String,
    /// An sg node, a node of the ch driver, a link to one of them, or the changer of an emulated library.
    pub path: String,
    /// Writes every SCSI command down: to a file that is appended to, or `-` for standard error.
    pub trace_scsi: Option<String>,
    /// Device faults of tests.
    pub environment: Option<ClassInstance<'env, Environment>>,
}

/// Who a changer is.
#[napi(object)]
pub struct ChangerInquiry {
    /// 8
    pub peripheral_type: u32,
    /// `Medium Changer`
    pub peripheral_type_text: String,
    /// From INQUIRY.
    pub vendor: String,
    /// From INQUIRY.
    pub product: String,
    /// From INQUIRY.
    pub revision: String,
}

/// A place for a cartridge.
#[napi(object)]
pub struct ElementPlace {
    /// What it is. `transport` is the robot's gripper, where a cartridge stays when a movement fails half way.
    #[napi(ts_type = "'slot' | 'drive' | 'transport'")]
    pub kind: String,
    /// Slots from 1, drives and grippers from 0.
    pub number: u32,
}

impl From<Place> for ElementPlace {
    fn from(place: Place) -> Self {
        let (kind, number) = match place {
            Place::Slot(number) => ("slot", number),
            Place::Drive(number) => ("drive", number),
            Place::Transport(number) => ("transport", number),
        };
        Self {
            kind: kind.to_owned(),
            number,
        }
    }
}

impl TryFrom<ElementPlace> for Place {
    type Error = Failure;

    fn try_from(place: ElementPlace) -> Result<Self, Failure> {
        match place.kind.as_str() {
            "slot" => Ok(Self::Slot(place.number)),
            "drive" => Ok(Self::Drive(place.number)),
            "transport" => Ok(Self::Transport(place.number)),
            other => Err(Failure::new(
                Kind::Usage,
                "no-such-place",
                format!("no place of kind '{other}'"),
            )),
        }
    }
}

/// A movement that succeeded.
#[napi(object)]
pub struct MoveOutcome {
    /// All elements afterwards.
    pub status: ChangerStatus,
    /// For a log: the cartridge arrived although the library's answer was lost.
    pub note: Option<String>,
}

impl From<Moved> for MoveOutcome {
    fn from(moved: Moved) -> Self {
        Self {
            status: moved.status.into(),
            note: moved.note,
        }
    }
}

/// An open changer.
#[napi]
pub struct MediaChanger {
    name: String,
    /// `changer 'library' (/dev/sg0)`
    device: Arc<str>,
    cancel: Arc<AtomicBool>,
    worker: WorkerSlot<Changer>,
}

/// Peripheral device type of a changer, and its name in PBS's tools.
const CHANGER_TYPE: (u32, &str) = (8, "Medium Changer");

#[napi]
impl MediaChanger {
    /// Opens a changer on a thread of its own.
    #[napi(ts_return_type = "Promise<MediaChanger>")]
    pub fn open<'env>(env: &'env Env, options: ChangerOptions<'env>) -> napi::Result<Object<'env>> {
        let cancel = Arc::new(AtomicBool::new(false));
        let path = PathBuf::from(options.path);
        let environment = options.environment.as_ref();
        let wrapping = Wrapping {
            trace: options.trace_scsi,
            faults: environment.and_then(|environment| environment.faults.clone()),
        };
        let (device_cancel, stop) = (Arc::clone(&cancel), Arc::clone(&cancel));
        let name = options.name;
        let device: Arc<str> = format!("changer '{name}' ({})", path.display()).into();
        let opened = Arc::clone(&device);
        Worker::open(
            env,
            &format!("changer-{name}"),
            move || {
                let transport = wrapped(open_changer(&path)?, &wrapping)?;
                let options = ScsiOptions {
                    cancel: Some(device_cancel),
                    ..ScsiOptions::default()
                };
                Changer::open(transport, options)
                    .map_err(|error| name_device(&opened, error.into()))
            },
            move |worker| MediaChanger {
                worker: WorkerSlot::new(format!("changer '{name}'"), worker),
                name,
                device,
                cancel,
            },
            move || stop.store(true, Ordering::Relaxed),
        )
    }

    /// Name of the changer.
    #[napi(getter)]
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// Who it is.
    #[napi(ts_return_type = "Promise<ChangerInquiry>")]
    pub fn inquiry<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |changer| {
            let inquiry = changer.inquiry();
            let (peripheral_type, text) = CHANGER_TYPE;
            Ok(ChangerInquiry {
                peripheral_type,
                peripheral_type_text: text.to_owned(),
                vendor: inquiry.vendor.clone(),
                product: inquiry.product.clone(),
                revision: inquiry.revision.clone(),
            })
        })
    }

    /// Looks at all elements.
    #[napi(ts_return_type = "Promise<ChangerStatus>")]
    pub fn status<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |changer| Ok(ChangerStatus::from(changer.status()?)))
    }

    /// Puts the cartridge of a slot into a drive. Movements are never tried twice; the message of one that failed says where the
    /// cartridge is, and the status is to be read again.
    #[napi(ts_return_type = "Promise<MoveOutcome>")]
    pub fn load<'env>(&self, env: &'env Env, slot: u32, drive: u32) -> napi::Result<Object<'env>> {
        self.call(env, move |changer| {
            Ok(MoveOutcome::from(changer.load(slot, drive)?))
        })
    }

    /// Takes the cartridge out of a drive: into `slot`, else into the one it came from, else into the first free one that is no
    /// mail slot.
    #[napi(ts_return_type = "Promise<MoveOutcome>")]
    pub fn unload<'env>(
        &self,
        env: &'env Env,
        drive: u32,
        slot: Option<u32>,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |changer| {
            Ok(MoveOutcome::from(changer.unload(drive, slot)?))
        })
    }

    /// Moves a cartridge from slot to slot.
    #[napi(ts_return_type = "Promise<MoveOutcome>")]
    pub fn transfer<'env>(&self, env: &'env Env, from: u32, to: u32) -> napi::Result<Object<'env>> {
        self.call(env, move |changer| {
            Ok(MoveOutcome::from(changer.transfer(from, to)?))
        })
    }

    /// Moves a cartridge from any place to any other.
    #[napi(ts_return_type = "Promise<MoveOutcome>", js_name = "move")]
    pub fn move_cartridge<'env>(
        &self,
        env: &'env Env,
        from: ElementPlace,
        to: ElementPlace,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |changer| {
            let moved = changer.move_cartridge(from.try_into()?, to.try_into()?)?;
            Ok(MoveOutcome::from(moved))
        })
    }

    /// Makes the robot look into all elements and read all bar codes. Takes minutes.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn inventory<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |changer| Ok(changer.initialize(None)?))
    }

    /// Locks what an operator opens (mail slot, door, magazines), or unlocks it.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn prevent_removal<'env>(
        &self,
        env: &'env Env,
        prevent: bool,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |changer| Ok(changer.prevent_removal(prevent)?))
    }

    /// Stops waits, and all that follows, between two commands.
    #[napi]
    pub fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }

    /// Closes the changer once its queued calls are done.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.worker.close(env)
    }
}

impl MediaChanger {
    /// Queues `work` on the changer's thread.
    fn call<'env, T, F>(&self, env: &'env Env, work: F) -> napi::Result<Object<'env>>
    where
        T: ToNapiValue + Send + 'static,
        F: FnOnce(&mut Changer) -> Result<T, Failure> + Send + 'static,
    {
        let device = Arc::clone(&self.device);
        self.worker.call(env, move |changer| {
            work(changer).map_err(|failure| name_device(&device, failure))
        })
    }
}
