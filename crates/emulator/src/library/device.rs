//! Drives and changers of a library as devices: found by their path, spoken to in CDBs.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ferrite_scsi::inquiry::PeripheralType;
use ferrite_scsi::{Cdb, Completion, Data, Transport, TransportError};

use super::config::LibraryConfig;
use super::shared_changer::SharedChanger;
use super::shared_drive::{self, SharedDrive};
use super::state_file::{CHANGER_MAGIC, DRIVE_MAGIC};
use super::{LibraryError, identity, layout};
use crate::clock::Timing;
use crate::target::{Step, completion};

/// The initiator that all programs of this machine are, as those behind one host adapter.
pub const HOST: &str = "host";

/// A device of a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceDescription {
    /// Tape or changer.
    pub kind: PeripheralType,
    /// Path for [`open_device`], and for configuration files.
    pub path: PathBuf,
    /// As INQUIRY says.
    pub vendor: String,
    /// As INQUIRY says.
    pub model: String,
    /// Serial number.
    pub serial: String,
    /// Element address of a drive.
    pub element_address: Option<u16>,
}

/// Which device a path names.
enum Which {
    Drive(u16),
    Changer,
}

/// Library and device that a path names.
fn locate(path: &Path) -> Result<(PathBuf, Which), LibraryError> {
    let none = || LibraryError::NoDevice {
        path: path.to_owned(),
    };
    // Links are followed: udev-like names of devices are possible.
    let path = std::fs::canonicalize(path).map_err(|source| {
        if source.kind() == std::io::ErrorKind::NotFound {
            none()
        } else {
            LibraryError::io(path, "open", source)
        }
    })?;
    let library = path.parent().ok_or_else(none)?;
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(none)?;
    let which = match layout::drive_number(name) {
        Some(number) => Which::Drive(number),
        None if name == layout::CHANGER => Which::Changer,
        None => return Err(none()),
    };
    Ok((library.to_owned(), which))
}

/// True if the path is a drive or changer of an emulated library.
pub fn is_emulated_device(path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    // Not a device node: opening those has effects.
    if !path.is_file() {
        return false;
    }
    let longest = DRIVE_MAGIC.len().max(CHANGER_MAGIC.len());
    let mut head = Vec::with_capacity(longest);
    let read = File::open(path).and_then(|file| file.take(longest as u64).read_to_end(&mut head));
    read.is_ok() && (head.starts_with(DRIVE_MAGIC) || head.starts_with(CHANGER_MAGIC))
}

/// Opens a drive or changer of an emulated library as this machine's [`HOST`]. Any number of processes may do so at once.
///
/// # Errors
/// [`LibraryError::NoDevice`] for other paths, or what is wrong with the library.
pub fn open_device(path: impl AsRef<Path>) -> Result<Box<dyn Transport>, LibraryError> {
    let unit = LogicalUnit::open(path)?;
    Ok(Box::new(unit.connect(HOST)))
}

/// All devices of the library in a directory: the changer first, then the drives.
///
/// # Errors
/// [`LibraryError::NoLibrary`], or what is wrong with it.
pub fn list_devices(library: impl AsRef<Path>) -> Result<Vec<DeviceDescription>, LibraryError> {
    let library = library.as_ref();
    let config = LibraryConfig::read(library)?;
    let mut devices = vec![DeviceDescription {
        kind: identity::peripheral_type(true),
        path: library.join(layout::CHANGER),
        vendor: identity::VENDOR.to_owned(),
        model: identity::CHANGER_PRODUCT.to_owned(),
        serial: config.changer_serial(),
        element_address: None,
    }];
    let first = config.addresses().drive.first;
    devices.extend((0..config.drives).map(|number| DeviceDescription {
        kind: identity::peripheral_type(false),
        path: layout::drive(library, number),
        vendor: identity::VENDOR.to_owned(),
        model: identity::drive_product(config.generation),
        serial: config.drive_serial(number),
        element_address: Some(first + number),
    }));
    Ok(devices)
}

enum Unit {
    Drive(Box<SharedDrive>),
    Changer(Box<SharedChanger>),
}

/// A drive or changer, for those that serve it to somebody else. Clones are the same.
#[derive(Clone)]
pub struct LogicalUnit {
    unit: Arc<Mutex<Unit>>,
    description: Arc<DeviceDescription>,
}

impl std::fmt::Debug for LogicalUnit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.description.fmt(f)
    }
}

/// Answer to a command, as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawReply {
    /// SAM status.
    pub status: u8,
    /// Sense data; empty without any.
    pub sense: Vec<u8>,
    /// Bytes of the data buffer that were not transferred, in either direction.
    pub residual: usize,
}

impl LogicalUnit {
    /// Opens the device that a path names.
    ///
    /// # Errors
    /// As [`open_device`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, LibraryError> {
        Self::open_with(path, None)
    }

    /// The same with another clock and pace than the library's own.
    ///
    /// # Errors
    /// As [`open_device`].
    pub fn open_with(path: impl AsRef<Path>, timing: Option<Timing>) -> Result<Self, LibraryError> {
        let path = path.as_ref();
        let (library, which) = locate(path)?;
        let config = LibraryConfig::read(&library)?;
        let timing = timing.unwrap_or_else(|| Timing {
            pace: config.pace,
            ..Timing::default()
        });
        let index = match which {
            Which::Changer => 0,
            Which::Drive(number) => usize::from(number) + 1,
        };
        let none = || LibraryError::NoDevice {
            path: path.to_owned(),
        };
        let description = list_devices(&library)?
            .into_iter()
            .nth(index)
            .ok_or_else(none)?;
        // The changer first: it gives drives what a process that was killed could not.
        let mut changer = SharedChanger::open(&library, &config, timing.clone())?;
        changer.with(|_| Ok(()))?;
        let unit = match which {
            Which::Changer => Unit::Changer(Box::new(changer)),
            Which::Drive(number) => {
                let drive = SharedDrive::open(&library, &config, number, timing)?;
                Unit::Drive(Box::new(drive))
            }
        };
        Ok(Self {
            unit: Arc::new(Mutex::new(unit)),
            description: Arc::new(description),
        })
    }

    /// Who it is.
    pub fn description(&self) -> &DeviceDescription {
        &self.description
    }

    /// A path to it for an initiator. Initiators of one name are one: they share unit attentions, reservations and keys.
    pub fn connect(&self, nexus: impl Into<String>) -> EmulatedDevice {
        EmulatedDevice {
            unit: self.clone(),
            nexus: nexus.into(),
        }
    }

    /// One command of an initiator, as it came: CDB in, status and sense out. Waits as long as the device needs.
    ///
    /// CDBs that are too long, and failures of the emulator itself, are answered with sense data like everything else.
    pub fn execute(&self, nexus: &str, cdb: &[u8], data: Data<'_>) -> RawReply {
        let length = data.len();
        let completion = match Cdb::from_bytes(cdb) {
            Some(cdb) => self.completion(nexus, &cdb, data),
            None => shared_drive::invalid_opcode(length),
        };
        RawReply {
            status: completion.status.into(),
            sense: completion.sense_bytes().to_vec(),
            residual: completion.residual,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Unit> {
        // Everything is read anew from the library's files when needed.
        self.unit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn completion(&self, nexus: &str, cdb: &Cdb, mut data: Data<'_>) -> Completion {
        let length = data.len();
        loop {
            let (step, timing, descriptor) = match &mut *self.lock() {
                Unit::Drive(drive) => (
                    drive.attempt(nexus, cdb, &mut data),
                    drive.timing().clone(),
                    drive.descriptor_sense(),
                ),
                Unit::Changer(changer) => (
                    changer.attempt(nexus, cdb, &mut data),
                    changer.timing.clone(),
                    false,
                ),
            };
            // Nothing is locked while time passes.
            match step {
                Err(error) => return shared_drive::failed(&error, length),
                Ok(Step::Later(wait)) => timing.clock.sleep(wait),
                Ok(Step::Done(result, hold)) => {
                    if !hold.is_zero() {
                        timing.clock.sleep(hold);
                    }
                    return completion(result, length, descriptor);
                }
            }
        }
    }
}

/// A host's path to a device of a library.
#[derive(Clone, Debug)]
pub struct EmulatedDevice {
    unit: LogicalUnit,
    nexus: String,
}

impl Transport for EmulatedDevice {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        _timeout: Duration,
    ) -> Result<Completion, TransportError> {
        // Like a node that was removed.
        if !self.unit.description.path.exists() {
            return Err(TransportError::DeviceGone);
        }
        Ok(self.unit.completion(&self.nexus, cdb, data))
    }
}
