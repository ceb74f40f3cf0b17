//! Drives and changers by their paths: which there are, and the way commands take to them.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use ferrite_emulator::library::{
    DeviceDescription, LogicalUnit, is_emulated_device, list_devices, open_device,
};
use ferrite_linux::{DeviceKind, DeviceTree, ScannedDevice, SgOptions, SgTransport, TapeNode};
use ferrite_linux::{LinuxError, TapeTransport, mtio};
use ferrite_scsi::inquiry::PeripheralType;
use ferrite_scsi::{TraceTransport, Transport};
use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use crate::device_faults::DeviceFaults;
use crate::failure::{Failure, Kind};
use crate::promise::on_thread;

/// A drive or changer of this machine.
#[napi(object)]
pub struct Device {
    /// `tape` or `changer`
    #[napi(ts_type = "'tape' | 'changer'")]
    pub kind: String,
    /// What to put into tape.cfg: `/dev/tape/by-id/scsi-<serial>-sg` for a drive, `.../scsi-<serial>` for a changer; the node
    /// where udev made no such link.
    pub path: String,
    /// `path` names the same device after the next start.
    pub stable: bool,
    /// The sg node.
    pub node: String,
    /// A drive's tape node, for `linux:` sections: `/dev/tape/by-id/scsi-<serial>-nst`, else `/dev/nst0`.
    pub tape_path: Option<String>,
    /// Serial number.
    pub serial: String,
    /// Vendor, or `unknown`.
    pub vendor: String,
    /// Model, or `unknown`.
    pub model: String,
    /// Of the sg node; 0 for an emulated device.
    pub major: u32,
    /// Of the sg node; 0 for an emulated device.
    pub minor: u32,
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

impl From<ScannedDevice> for Device {
    fn from(device: ScannedDevice) -> Self {
        let kind = match device.kind {
            DeviceKind::Tape => "tape",
            DeviceKind::Changer => "changer",
        };
        let tape = device.tape_by_id.as_ref().or(device.tape_node.as_ref());
        Self {
            kind: kind.to_owned(),
            path: text(device.path()),
            stable: device.by_id.is_some(),
            node: text(&device.node),
            tape_path: tape.map(|path| text(path)),
            serial: device.serial,
            vendor: device.vendor,
            model: device.model,
            major: device.major,
            minor: device.minor,
        }
    }
}

impl From<DeviceDescription> for Device {
    fn from(device: DeviceDescription) -> Self {
        let kind = match device.kind {
            PeripheralType::Changer => "changer",
            _ => "tape",
        };
        let path = text(&device.path);
        Self {
            kind: kind.to_owned(),
            path: path.clone(),
            stable: true,
            node: path,
            tape_path: None,
            serial: device.serial,
            vendor: device.vendor,
            model: device.model,
            major: 0,
            minor: 0,
        }
    }
}

impl From<LinuxError> for Failure {
    fn from(error: LinuxError) -> Self {
        let (kind, code) = match &error {
            LinuxError::NoDevice { .. } | LinuxError::NoGenericNode { .. } => {
                (Kind::Operator, "no-device")
            }
            LinuxError::PermissionDenied { .. } => (Kind::Operator, "permission"),
            LinuxError::InUse { .. } => (Kind::Operator, "drive-busy"),
            LinuxError::WrongNode { .. } => (Kind::Usage, "wrong-device"),
            LinuxError::Open { .. } | LinuxError::Ioctl { .. } | LinuxError::Tree { .. } => {
                (Kind::System, "device")
            }
            LinuxError::ServiceManager { .. } => (Kind::System, "service-manager"),
        };
        Self::new(kind, code, error.to_string())
    }
}

/// All drives and changers of this machine that have a serial number, by sg number; with a directory those of the emulated
/// library in it instead.
#[napi(ts_return_type = "Promise<Array<Device>>")]
pub fn scan_devices(env: &Env, emulated_directory: Option<String>) -> napi::Result<Object<'_>> {
    on_thread(env, "scan-devices", || {
        Ok(match emulated_directory {
            Some(directory) => {
                let found = list_devices(directory)?;
                found.into_iter().map(Device::from).collect::<Vec<_>>()
            }
            None => {
                let found = DeviceTree::system().scan()?;
                found.into_iter().map(Device::from).collect()
            }
        })
    })
}

/// The drive or changer behind a path (sg node, tape node, changer node, a link to one, or a device of an emulated library),
/// compared by device numbers; null if the path is something else.
#[napi(ts_return_type = "Promise<Device | null>")]
pub fn find_device(env: &Env, path: String) -> napi::Result<Object<'_>> {
    on_thread(env, "find-device", move || {
        let path = Path::new(&path);
        if is_emulated_device(path) {
            let unit = LogicalUnit::open(path)?;
            return Ok(Some(Device::from(unit.description().clone())));
        }
        let found = DeviceTree::system().find(path)?;
        Ok(found.map(Device::from))
    })
}

/// Bit of an option of the st driver by its name, in any case, with `_` or `-`; null if there is none of this name.
#[napi]
pub fn driver_option_bit(name: String) -> Option<u32> {
    mtio::option_bit(&name)
}

/// Characters of a serial number that are enough to tell one drive from another.
const ENOUGH_OF_SERIAL: usize = 8;

/// A serial number that a library tells may be that of this drive: some cut it to its first or last characters.
#[napi]
pub fn same_serial(from_library: String, of_drive: String) -> bool {
    let (a, b) = (from_library.trim(), of_drive.trim());
    if a.is_empty() || b.is_empty() {
        return false;
    }
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    a == b
        || (short.len() >= ENOUGH_OF_SERIAL && (long.starts_with(short) || long.ends_with(short)))
}

/// An open drive, before it was asked anything.
pub struct OpenedDrive {
    /// The way of its commands.
    pub transport: Box<dyn Transport>,
    /// Its tape node, if that is held.
    pub tape_node: Option<TapeNode>,
    /// Its sg node, to explain what the host adapter refuses.
    pub node: Option<PathBuf>,
}

/// Opens the drive behind a node, or of an emulated library. With `hold`, programs that use the tape node are kept away.
pub fn open_drive(path: &Path, hold: bool) -> Result<OpenedDrive, Failure> {
    if is_emulated_device(path) {
        return Ok(OpenedDrive {
            transport: open_device(path)?,
            tape_node: None,
            node: None,
        });
    }
    let tree = DeviceTree::system();
    let mut opened = TapeTransport::open(path, &tree, SgOptions::default())?;
    if hold {
        opened.hold_tape_node(&tree)?;
    }
    let node = opened.sg().path().to_owned();
    let (sg, tape_node) = opened.into_parts();
    Ok(OpenedDrive {
        transport: Box::new(sg),
        tape_node,
        node: Some(node),
    })
}

/// Opens the changer behind a node, or of an emulated library.
pub fn open_changer(path: &Path) -> Result<Box<dyn Transport>, Failure> {
    if is_emulated_device(path) {
        return Ok(open_device(path)?);
    }
    let found = DeviceTree::system().find(path)?;
    let node = found.map_or_else(|| path.to_owned(), |device| device.node);
    Ok(Box::new(SgTransport::open(node, SgOptions::default())?))
}

/// What stands between the host logic and a device.
#[derive(Clone, Default)]
pub struct Wrapping {
    /// Writes all commands down: to a file that is appended to, or with `-` to standard error.
    pub trace: Option<String>,
    /// Faults of a test.
    pub faults: Option<DeviceFaults>,
}

/// Puts faults, and around them the trace, in front of a device.
pub fn wrapped(
    transport: Box<dyn Transport>,
    wrapping: &Wrapping,
) -> Result<Box<dyn Transport>, Failure> {
    let transport = match &wrapping.faults {
        Some(faults) => faults.wrap(transport),
        None => transport,
    };
    Ok(match wrapping.trace.as_deref() {
        None => transport,
        Some("-") => Box::new(TraceTransport::new(transport, std::io::stderr())),
        Some(path) => {
            let log = OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .map_err(|error| {
                    Failure::new(
                        Kind::System,
                        "io",
                        format!("cannot write the trace of SCSI commands to {path}: {error}"),
                    )
                })?;
            Box::new(TraceTransport::new(transport, log))
        }
    })
}

/// Puts the device's name (`drive 'tape0' (/dev/sg1)`) before a failure of the way to it: that is about the device, not about a
/// tape or a file.
pub fn name_device(device: &str, failure: Failure) -> Failure {
    let advice = match failure.code {
        "device-gone" => {
            "; it was removed or switched off, or its node has another name now: 'drive scan' and 'changer scan' list what there is"
        }
        "connection-lost" | "reserved" => "",
        _ => return failure,
    };
    Failure {
        message: format!("{device}: {}{advice}", failure.message),
        ..failure
    }
}

/// What the host adapter of a node takes in one command, for one that refused a block.
pub fn explain_transfer_limit(node: &Path) -> Option<String> {
    let sg = SgTransport::open(node, SgOptions::default()).ok()?;
    Some(sg.explain_transfer_limit(&DeviceTree::system(), ferrite_formats::block::BLOCK_SIZE))
}
