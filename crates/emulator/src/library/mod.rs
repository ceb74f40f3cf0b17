//! A tape library in a directory: drives, a robot, slots and cartridges, for everybody who has no such thing.
//!
//! ```no_run
//! use ferrite_emulator::library::{EmulatedLibrary, LibraryOptions, open_device};
//! use ferrite_scsi::{Changer, ChangerOptions, Drive, DriveOptions};
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! EmulatedLibrary::create("/tmp/library", &LibraryOptions::default())?;
//! let mut changer = Changer::open(open_device("/tmp/library/changer")?, ChangerOptions::default())?;
//! changer.load(1, 0)?;
//! let mut drive = Drive::open(open_device("/tmp/library/drive0")?, DriveOptions::default())?;
//! drive.prepare()?;
//! # Ok(())
//! # }
//! ```
//!
//! The directory:
//!
//! | file | what |
//! |---|---|
//! | `library.json` | what the library is; written once |
//! | `changer` | the robot: its path for hosts, its lock, its state, where each cartridge is |
//! | `drive0`, `drive1`, ... | a drive: its path for hosts, its lock, its state |
//! | `cartridges/BARCODE` | a cartridge, also one that lies on the shelf beside the library |
//!
//! There is no server: every process does its commands itself, one at a time per device, under the device file's lock. Whoever
//! has the lock sees from a number whether somebody else was there, and reads what changed. All programs of a machine are one
//! initiator ([`HOST`]), as those behind one host adapter; what a drive remembers (settings, keys, unit attentions) outlives
//! the program, and ends when the machine is started anew: drives lose power with it.

mod changer;
mod config;
mod device;
mod error;
mod identity;
mod layout;
mod moves;
mod operator;
mod options;
mod shared_changer;
mod shared_drive;
mod state_file;
mod status;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ferrite_scsi::Place;

pub use device::{
    DeviceDescription, EmulatedDevice, HOST, LogicalUnit, RawReply, is_emulated_device,
    list_devices, open_device,
};
pub use error::LibraryError;
pub use operator::{CartridgeDescription, CartridgeSpec};
pub use options::{ChangerQuirks, LibraryOptions};

use crate::cartridge::CartridgeKind;
use crate::clock::Timing;
use config::LibraryConfig;
use shared_changer::{ChangerState, SharedChanger};
use shared_drive::SharedDrive;

/// A library as its owner sees it; hosts use [`open_device`].
pub struct EmulatedLibrary {
    path: PathBuf,
    config: LibraryConfig,
    changer: Mutex<SharedChanger>,
}

impl std::fmt::Debug for EmulatedLibrary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmulatedLibrary")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl EmulatedLibrary {
    /// Makes a library in a new or empty directory.
    ///
    /// # Errors
    /// [`LibraryError::Options`]; [`LibraryError::Exists`]; what the system refused.
    pub fn create(path: impl AsRef<Path>, options: &LibraryOptions) -> Result<Self, LibraryError> {
        let path = path.as_ref();
        let facts = options.check()?;
        let config = LibraryConfig::new(options, facts.capacity_bytes)?;
        let cartridges = path.join(layout::CARTRIDGES);
        let io = |source| LibraryError::io(path, "create", source);
        std::fs::create_dir_all(path).map_err(io)?;
        if std::fs::read_dir(path).map_err(io)?.next().is_some() {
            return Err(LibraryError::Exists {
                path: path.to_owned(),
            });
        }
        std::fs::create_dir(&cartridges).map_err(io)?;
        for number in 0..config.drives {
            SharedDrive::create(&layout::drive(path, number))?;
        }
        SharedChanger::create(&path.join(layout::CHANGER), &ChangerState::new(&config))?;
        let text = config
            .to_text()
            .map_err(|what| LibraryError::damaged(path, what))?;
        // Last: without it, this is no library.
        let name = path.join(layout::CONFIG);
        std::fs::write(&name, text).map_err(|source| LibraryError::io(&name, "write", source))?;
        let library = Self::open(path)?;
        library.fill(options, facts.suffix)?;
        Ok(library)
    }

    /// Puts the first cartridges in.
    fn fill(&self, options: &LibraryOptions, suffix: &str) -> Result<(), LibraryError> {
        let data = options.data_cartridges();
        for number in 1..=data {
            let barcode = format!("{}{number:03}{suffix}", options.barcode_prefix);
            self.stock(number, barcode, CartridgeKind::Data)?;
        }
        for number in 1..=options.cleaning_cartridges {
            let barcode = format!("CLN{number:03}CU");
            self.stock(data + number, barcode, CartridgeKind::Cleaning)?;
        }
        Ok(())
    }

    fn stock(&self, slot: u16, barcode: String, kind: CartridgeKind) -> Result<(), LibraryError> {
        let spec = CartridgeSpec {
            barcode,
            kind,
            generation: None,
            capacity_bytes: None,
        };
        self.create_cartridge(&spec)?;
        self.insert(Place::Slot(slot.into()), &spec.barcode)
    }

    /// Opens an existing library.
    ///
    /// # Errors
    /// [`LibraryError::NoLibrary`], or what is wrong with it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, LibraryError> {
        let path = path.as_ref();
        let config = LibraryConfig::read(path)?;
        let timing = Timing {
            pace: config.pace,
            ..Timing::default()
        };
        Self::open_with(path, timing)
    }

    /// The same with another clock and pace than the library's own.
    ///
    /// # Errors
    /// As [`EmulatedLibrary::open`].
    pub fn open_with(path: impl AsRef<Path>, timing: Timing) -> Result<Self, LibraryError> {
        let path = path.as_ref();
        let config = LibraryConfig::read(path)?;
        let changer = SharedChanger::open(path, &config, timing)?;
        Ok(Self {
            path: path.to_owned(),
            config,
            changer: Mutex::new(changer),
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The changer's path.
    pub fn changer_path(&self) -> PathBuf {
        self.path.join(layout::CHANGER)
    }

    /// A drive's path.
    pub fn drive_path(&self, number: u16) -> PathBuf {
        layout::drive(&self.path, number)
    }

    /// Its devices: the changer first, then the drives.
    ///
    /// # Errors
    /// What is wrong with the library.
    pub fn devices(&self) -> Result<Vec<DeviceDescription>, LibraryError> {
        list_devices(&self.path)
    }

    /// How many drives it has.
    pub fn drives(&self) -> u16 {
        self.config.drives
    }

    /// How many slots it has; mail slots have the numbers behind them.
    pub fn slots(&self) -> u16 {
        self.config.slots
    }

    /// How many mail slots it has.
    pub fn import_export_slots(&self) -> u16 {
        self.config.import_export
    }

    fn changer(&self) -> MutexGuard<'_, SharedChanger> {
        // Everything is read anew from the library's files when needed.
        self.changer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A library of any three files, for fuzz targets.
pub(crate) fn fuzzed_files(
    path: &Path,
    config: &[u8],
    changer: &[u8],
    drive: &[u8],
) -> Result<(), LibraryError> {
    let cartridges = path.join(layout::CARTRIDGES);
    let io = |source| LibraryError::io(path, "create", source);
    std::fs::create_dir_all(&cartridges).map_err(io)?;
    std::fs::write(path.join(layout::CONFIG), config).map_err(io)?;
    state_file::StateFile::create(
        &path.join(layout::CHANGER),
        state_file::CHANGER_MAGIC,
        changer,
    )?;
    state_file::StateFile::create(&layout::drive(path, 0), state_file::DRIVE_MAGIC, drive)
}
