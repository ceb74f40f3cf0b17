//! Emulated libraries: made by a command, opened by their devices' paths like real ones, and here as the person in front of
//! one sees it (and as tests do).

use std::path::PathBuf;
use std::sync::Arc;

use ferrite_emulator::cartridge::{CartridgeKind as CoreKind, Damage};
use ferrite_emulator::clock::Pace;
use ferrite_emulator::library::{
    CartridgeDescription, CartridgeSpec, EmulatedLibrary as CoreLibrary, LibraryError,
    LibraryOptions,
};
use ferrite_emulator::{DriveQuirks, EncryptionControl as CoreControl};
use ferrite_scsi::Place;
use ferrite_scsi::alert::AlertFlags;
use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use crate::changer::ElementPlace;
use crate::datastore::number;
use crate::devices::Device;
use crate::failure::{Failure, Kind, sync};
use crate::promise::on_thread;

/// What a new library is to be; what is not given is as `proxmox-tape emulator create` makes it.
#[napi(object)]
#[derive(Default)]
pub struct EmulatedLibraryOptions {
    /// LTO generation of drives and cartridges, 4 to 9 (8).
    pub generation: Option<u32>,
    /// Drives (2).
    pub drives: Option<u32>,
    /// Slots (24).
    pub slots: Option<u32>,
    /// Mail slots (4).
    pub import_export: Option<u32>,
    /// Blank cartridges in the first slots (two of three slots).
    pub cartridges: Option<u32>,
    /// Cleaning cartridges in the slots behind them (1).
    pub cleaning_cartridges: Option<u32>,
    /// Bytes that a cartridge holds (as a real one).
    pub tape_bytes: Option<i64>,
    /// Begin of the bar codes (`FER`); three digits and `L8` follow.
    pub barcode_prefix: Option<String>,
    /// Movements take as long as in a real library, divided by this: 1 is real time. No time at all where not given.
    pub speed: Option<f64>,
    /// Who decides about encryption in its drives (`application`).
    pub encryption: Option<EncryptionControl>,
}

/// Who decides about encryption in the drives of a library.
#[napi(string_enum = "lowercase")]
pub enum EncryptionControl {
    /// The programs that use them.
    Application,
    /// The library, with a key that programs never see.
    Library,
    /// Nobody: they have no encryption.
    None,
}

/// What a cartridge is for.
#[napi(string_enum = "lowercase")]
pub enum CartridgeKind {
    /// Rewritable.
    Data,
    /// Write once, read many.
    Worm,
    /// Cleans the drive.
    Cleaning,
}

/// A new cartridge.
#[napi(object)]
pub struct NewCartridge {
    /// Bar code, which also names its file.
    pub barcode: String,
    /// Default `data`.
    pub kind: Option<CartridgeKind>,
    /// LTO generation (the library's).
    pub generation: Option<u32>,
    /// Bytes it holds (as the library's others).
    pub tape_bytes: Option<i64>,
}

/// A cartridge and where it is.
#[napi(object)]
pub struct EmulatedCartridge {
    /// Bar code.
    pub barcode: String,
    /// What it is for.
    pub kind: CartridgeKind,
    /// LTO generation.
    pub generation: u32,
    /// Bytes it holds.
    pub tape_bytes: i64,
    /// The tab is set.
    pub write_protected: bool,
    /// Absent: on the shelf beside the library.
    pub place: Option<ElementPlace>,
    /// Its file.
    pub path: String,
}

/// Something wrong with a tape.
#[napi(string_enum = "kebab-case")]
pub enum TapeDamage {
    /// An object cannot be read.
    Unreadable,
    /// Writing an object fails.
    Unwritable,
    /// The end of data cannot be found.
    EndOfDataLost,
    /// The chip cannot be read.
    ChipUnreadable,
    /// The chip cannot be written.
    ChipReadOnly,
    /// The cartridge cannot be threaded.
    CannotBeLoaded,
    /// The tape is torn: it cannot be unloaded either.
    Snapped,
}

impl From<LibraryError> for Failure {
    fn from(error: LibraryError) -> Self {
        let (kind, code) = match &error {
            LibraryError::NoLibrary { .. } | LibraryError::NoDevice { .. } => {
                (Kind::Operator, "no-device")
            }
            LibraryError::Options(_) | LibraryError::Barcode { .. } => {
                (Kind::Usage, "emulator-options")
            }
            LibraryError::NoSuchPlace(_) => (Kind::Usage, "no-such-place"),
            LibraryError::Exists { .. } => (Kind::Operator, "exists"),
            LibraryError::Empty(_)
            | LibraryError::Full(_)
            | LibraryError::NoCartridge { .. }
            | LibraryError::InUse { .. }
            | LibraryError::Locked(_) => (Kind::Operator, "emulated-library"),
            LibraryError::Damaged { .. } | LibraryError::Cartridge(_) => {
                (Kind::Data, "emulated-library")
            }
            LibraryError::Io { .. } => (Kind::System, "io"),
        };
        Self::new(kind, code, error.to_string())
    }
}

/// A number that a library has room for.
fn small<T: TryFrom<u32>>(what: &str, value: Option<u32>, default: T) -> Result<T, Failure> {
    let Some(value) = value else {
        return Ok(default);
    };
    value.try_into().map_err(|_| {
        Failure::new(
            Kind::Usage,
            "emulator-options",
            format!("{value} {what} are too many"),
        )
    })
}

fn capacity(bytes: Option<i64>) -> Result<Option<u64>, Failure> {
    bytes.map(u64::try_from).transpose().map_err(|_| {
        Failure::new(
            Kind::Usage,
            "emulator-options",
            "a cartridge cannot hold less than nothing",
        )
    })
}

impl TryFrom<EmulatedLibraryOptions> for LibraryOptions {
    type Error = Failure;

    fn try_from(from: EmulatedLibraryOptions) -> Result<Self, Failure> {
        let defaults = Self::default();
        let cartridges = from
            .cartridges
            .map(|count| small("cartridges", Some(count), 0))
            .transpose()?;
        Ok(Self {
            generation: small("generations", from.generation, defaults.generation)?,
            drives: small("drives", from.drives, defaults.drives)?,
            slots: small("slots", from.slots, defaults.slots)?,
            import_export: small("mail slots", from.import_export, defaults.import_export)?,
            cartridges: cartridges.or(defaults.cartridges),
            cleaning_cartridges: small(
                "cleaning cartridges",
                from.cleaning_cartridges,
                defaults.cleaning_cartridges,
            )?,
            capacity_bytes: capacity(from.tape_bytes)?,
            barcode_prefix: from.barcode_prefix.unwrap_or(defaults.barcode_prefix),
            pace: from.speed.map_or(Pace::Instant, Pace::Faster),
            drive_quirks: DriveQuirks {
                encryption: from.encryption.map(Into::into).unwrap_or_default(),
                ..DriveQuirks::default()
            },
            ..Self::default()
        })
    }
}

impl From<EncryptionControl> for CoreControl {
    fn from(control: EncryptionControl) -> Self {
        match control {
            EncryptionControl::Application => Self::Application,
            EncryptionControl::Library => Self::Library,
            EncryptionControl::None => Self::None,
        }
    }
}

impl From<CartridgeKind> for CoreKind {
    fn from(kind: CartridgeKind) -> Self {
        match kind {
            CartridgeKind::Data => Self::Data,
            CartridgeKind::Worm => Self::Worm,
            CartridgeKind::Cleaning => Self::Cleaning,
        }
    }
}

impl From<CoreKind> for CartridgeKind {
    fn from(kind: CoreKind) -> Self {
        match kind {
            CoreKind::Data => Self::Data,
            CoreKind::Worm => Self::Worm,
            CoreKind::Cleaning => Self::Cleaning,
        }
    }
}

impl From<CartridgeDescription> for EmulatedCartridge {
    fn from(from: CartridgeDescription) -> Self {
        Self {
            barcode: from.chip.barcode,
            kind: from.chip.kind.into(),
            generation: u32::from(from.chip.generation),
            tape_bytes: number(from.chip.capacity_bytes),
            write_protected: from.chip.write_protected,
            place: from.place.map(ElementPlace::from),
            path: from.path.to_string_lossy().into_owned(),
        }
    }
}

fn damage(kind: TapeDamage, object: Option<i64>) -> Result<Damage, Failure> {
    let object = || {
        object
            .and_then(|object| u64::try_from(object).ok())
            .ok_or_else(|| Failure::new(Kind::Usage, "emulator-options", "which object?"))
    };
    Ok(match kind {
        TapeDamage::Unreadable => Damage::Unreadable(object()?),
        TapeDamage::Unwritable => Damage::Unwritable(object()?),
        TapeDamage::EndOfDataLost => Damage::EndOfDataLost,
        TapeDamage::ChipUnreadable => Damage::ChipUnreadable,
        TapeDamage::ChipReadOnly => Damage::ChipReadOnly,
        TapeDamage::CannotBeLoaded => Damage::CannotBeLoaded,
        TapeDamage::Snapped => Damage::Snapped,
    })
}

/// An emulated library, as the person in front of it sees it. Any number of processes may use one at once.
#[napi]
pub struct EmulatedLibrary {
    core: Arc<CoreLibrary>,
}

#[napi]
impl EmulatedLibrary {
    /// Makes a library in a new or empty directory.
    #[napi(ts_return_type = "Promise<EmulatedLibrary>")]
    pub fn create(
        env: &Env,
        directory: String,
        options: Option<EmulatedLibraryOptions>,
    ) -> napi::Result<Object<'_>> {
        let options = sync(env, options.unwrap_or_default().try_into())?;
        on_thread(env, "library-create", move || {
            let core = Arc::new(CoreLibrary::create(PathBuf::from(directory), &options)?);
            Ok(Self { core })
        })
    }

    /// Opens a library.
    #[napi(ts_return_type = "Promise<EmulatedLibrary>")]
    pub fn open(env: &Env, directory: String) -> napi::Result<Object<'_>> {
        on_thread(env, "library-open", move || {
            let core = Arc::new(CoreLibrary::open(PathBuf::from(directory))?);
            Ok(Self { core })
        })
    }

    /// The directory.
    #[napi(getter)]
    pub fn directory(&self) -> String {
        self.core.path().to_string_lossy().into_owned()
    }

    /// Slots, without mail slots; those have the numbers behind them.
    #[napi(getter)]
    pub fn slots(&self) -> u32 {
        u32::from(self.core.slots())
    }

    /// Its devices: the changer first, then the drives.
    #[napi(ts_return_type = "Promise<Array<Device>>")]
    pub fn devices<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |library| {
            let devices = library.devices()?.into_iter();
            Ok(devices.map(Device::from).collect::<Vec<_>>())
        })
    }

    /// All cartridges, by bar code.
    #[napi(ts_return_type = "Promise<Array<EmulatedCartridge>>")]
    pub fn cartridges<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |library| {
            let cartridges = library.cartridges()?.into_iter();
            Ok(cartridges.map(EmulatedCartridge::from).collect::<Vec<_>>())
        })
    }

    /// Makes a blank cartridge; it lies on the shelf beside the library. Resolves with the path of its file.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn create_cartridge<'env>(
        &self,
        env: &'env Env,
        cartridge: NewCartridge,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |library| {
            let spec = CartridgeSpec {
                barcode: cartridge.barcode,
                kind: cartridge.kind.map(CoreKind::from).unwrap_or_default(),
                generation: cartridge
                    .generation
                    .map(|generation| small("generations", Some(generation), 0))
                    .transpose()?,
                capacity_bytes: capacity(cartridge.tape_bytes)?,
            };
            let path = library.create_cartridge(&spec)?;
            Ok(path.to_string_lossy().into_owned())
        })
    }

    /// Throws a cartridge away that lies on the shelf.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn discard_cartridge<'env>(
        &self,
        env: &'env Env,
        barcode: String,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |library| Ok(library.discard_cartridge(&barcode)?))
    }

    /// Puts a cartridge from the shelf into a slot, a mail slot or, by hand, a drive.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn insert<'env>(
        &self,
        env: &'env Env,
        place: ElementPlace,
        barcode: String,
    ) -> napi::Result<Object<'env>> {
        self.at(env, place, move |library, place| {
            Ok(library.insert(place, &barcode)?)
        })
    }

    /// Takes a cartridge out of a place, whatever is going on there, and puts it on the shelf. Resolves with its bar code.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn remove<'env>(&self, env: &'env Env, place: ElementPlace) -> napi::Result<Object<'env>> {
        self.at(env, place, |library, place| Ok(library.remove(place)?))
    }

    /// Moves the write protect tab.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn set_write_protect<'env>(
        &self,
        env: &'env Env,
        barcode: String,
        on: bool,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |library| {
            Ok(library.set_write_protected(&barcode, on)?)
        })
    }

    /// So many bytes before its end a tape warns of it. On a tape for tests this may be most of it: what is written after a
    /// warning has to fit.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn set_early_warning<'env>(
        &self,
        env: &'env Env,
        barcode: String,
        bytes: i64,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |library| {
            let bytes = u64::try_from(bytes).unwrap_or(0);
            Ok(library.update_chip(&barcode, |chip| chip.early_warning_bytes = bytes)?)
        })
    }

    /// Breaks something on a tape; `object` counts its blocks and filemarks from 0, where it is about one of them.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn damage<'env>(
        &self,
        env: &'env Env,
        barcode: String,
        kind: TapeDamage,
        object: Option<i64>,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |library| {
            Ok(library.damage(&barcode, damage(kind, object)?)?)
        })
    }

    /// Changes bytes of a block behind the drive's back.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn corrupt<'env>(
        &self,
        env: &'env Env,
        barcode: String,
        object: i64,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |library| {
            let object = u64::try_from(object).unwrap_or(u64::MAX);
            Ok(library.corrupt(&barcode, object)?)
        })
    }

    /// The robot reads another bar code from a place from now on, or with an empty one none.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn relabel<'env>(
        &self,
        env: &'env Env,
        place: ElementPlace,
        barcode: String,
    ) -> napi::Result<Object<'env>> {
        self.at(env, place, move |library, place| {
            Ok(library.relabel(place, &barcode)?)
        })
    }

    /// Leaves the cartridge of a place in the robot's gripper, as a movement that failed half way does.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn leave_in_gripper<'env>(
        &self,
        env: &'env Env,
        place: ElementPlace,
    ) -> napi::Result<Object<'env>> {
        self.at(env, place, |library, place| {
            Ok(library.leave_in_gripper(place)?)
        })
    }

    /// Opens the mail slot, or closes it, of which hosts hear.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn set_mail_slot<'env>(&self, env: &'env Env, open: bool) -> napi::Result<Object<'env>> {
        self.call(env, move |library| {
            let done = if open {
                library.open_tray()
            } else {
                library.close_tray()
            };
            Ok(done?)
        })
    }

    /// Switches a drive off and on.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn power_cycle_drive<'env>(
        &self,
        env: &'env Env,
        drive: u32,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |library| {
            Ok(library.power_cycle_drive(small("drives", Some(drive), 0)?)?)
        })
    }

    /// Makes a drive want to be cleaned: now, or soon.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn want_cleaning<'env>(
        &self,
        env: &'env Env,
        drive: u32,
        now: bool,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |library| {
            Ok(library.want_cleaning(small("drives", Some(drive), 0)?, now)?)
        })
    }

    /// Raises TapeAlert flags of a drive, by their numbers from 1 to 64.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn raise_alerts<'env>(
        &self,
        env: &'env Env,
        drive: u32,
        flags: Vec<u32>,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |library| {
            let flags = flags.into_iter().filter_map(|flag| u8::try_from(flag).ok());
            let flags = flags.fold(AlertFlags::NONE, AlertFlags::with);
            Ok(library.raise_alerts(small("drives", Some(drive), 0)?, flags)?)
        })
    }
}

impl EmulatedLibrary {
    fn call<'env, T, F>(&self, env: &'env Env, work: F) -> napi::Result<Object<'env>>
    where
        T: napi::bindgen_prelude::ToNapiValue + Send + 'static,
        F: FnOnce(&CoreLibrary) -> Result<T, Failure> + Send + 'static,
    {
        let core = Arc::clone(&self.core);
        on_thread(env, "library", move || work(&core))
    }

    fn at<'env, T, F>(
        &self,
        env: &'env Env,
        place: ElementPlace,
        work: F,
    ) -> napi::Result<Object<'env>>
    where
        T: napi::bindgen_prelude::ToNapiValue + Send + 'static,
        F: FnOnce(&CoreLibrary, Place) -> Result<T, Failure> + Send + 'static,
    {
        self.call(env, move |library| work(library, place.try_into()?))
    }
}
