//! Which tape drives and changers there are, and which nodes belong together (scsi.md 1.8).
//!
//! Read from /sys, /dev and udev's own files below one root, so that tests bring a tree of their own; no udev library, because
//! what is needed are three properties in a plain text file.

mod files;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ferrite_scsi::inquiry;
use ferrite_scsi::text;

use crate::error::LinuxError;
use files::{bytes, names, numbers, text_file};

/// Major number of sg nodes.
pub const SG_MAJOR: u32 = 21;
/// Major number of st and nst nodes.
pub const ST_MAJOR: u32 = 9;
/// Major number of nodes of the ch driver.
pub const CH_MAJOR: u32 = 86;
/// Bytes of one segment when memory is scattered.
const PAGE_BYTES: u64 = 4096;
/// Minor number of a tape node: the drive's number is in the other bits (<linux/mtio.h>).
const ST_MODE_AND_REWIND: u32 = 0xE0;

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// A tape drive.
    Tape,
    /// A media changer.
    Changer,
}

impl DeviceKind {
    /// Text in the `type` file: the SCSI peripheral device type, in decimal.
    fn from_type(text: &str) -> Option<Self> {
        match text {
            "1" => Some(DeviceKind::Tape),
            "8" => Some(DeviceKind::Changer),
            _ => None,
        }
    }

    /// Name in /dev/tape/by-id, in which udev replaces blanks. Drives need an udev rule of their own for it (their other links are to st nodes).
    fn link_name(self, serial: &str) -> String {
        let serial = link_text(serial);
        match self {
            DeviceKind::Tape => format!("scsi-{serial}-sg"),
            DeviceKind::Changer => format!("scsi-{serial}"),
        }
    }
}

/// A serial number in the name of a link.
fn link_text(serial: &str) -> String {
    serial.replace(char::is_whitespace, "_")
}

/// A drive or changer that the kernel knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannedDevice {
    /// Drive or changer.
    pub kind: DeviceKind,
    /// Name of its sg node, `sg3`.
    pub name: String,
    /// The sg node, `/dev/sg3`. The number may be another one after the next start.
    pub node: PathBuf,
    /// The name that stays, `/dev/tape/by-id/scsi-<serial>-sg`; `None` if udev made no such link.
    pub by_id: Option<PathBuf>,
    /// A drive's tape node that does not rewind, `/dev/nst0`; `None` without the st driver.
    pub tape_node: Option<PathBuf>,
    /// The name of that which stays, `/dev/tape/by-id/scsi-<serial>-nst`.
    pub tape_by_id: Option<PathBuf>,
    /// Serial number.
    pub serial: String,
    /// Vendor, `unknown` if udev and kernel do not tell.
    pub vendor: String,
    /// Model, `unknown` if udev and kernel do not tell.
    pub model: String,
    /// Number of the sg node.
    pub major: u32,
    /// Number of the sg node.
    pub minor: u32,
}

impl ScannedDevice {
    /// The path to put into a configuration: the one that stays, if there is one.
    pub fn path(&self) -> &Path {
        self.by_id.as_deref().unwrap_or(&self.node)
    }
}

/// How much a host adapter takes in one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferLimit {
    /// Number of the host adapter.
    pub host: u32,
    /// Pieces of memory in one command.
    pub segments: u64,
    /// What that is in pages.
    pub bytes: u64,
}

/// The kernel's device tree.
#[derive(Clone, Debug)]
pub struct DeviceTree {
    root: PathBuf,
}

impl DeviceTree {
    /// This machine's.
    pub fn system() -> Self {
        Self::below("/")
    }

    /// A tree with `sys`, `dev` and `run` below `root`.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn class(&self, class: &str) -> PathBuf {
        self.root.join("sys/class").join(class)
    }

    /// Folder of the SCSI device behind a node of a class.
    fn device(&self, class: &str, name: &str) -> PathBuf {
        self.class(class).join(name).join("device")
    }

    /// Path of a node: `/dev/sg3` for `sg3`.
    pub fn node(&self, name: &str) -> PathBuf {
        self.root.join("dev").join(name)
    }

    /// All drives and changers, by sg number. Devices without a serial number are left out: nothing tells them from others.
    ///
    /// # Errors
    /// [`LinuxError::Tree`] if the class cannot be read. No sg driver means no devices.
    pub fn scan(&self) -> Result<Vec<ScannedDevice>, LinuxError> {
        let class = self.class("scsi_generic");
        let mut numbered = BTreeMap::new();
        let found = names(&class).or_else(|source| match source.kind() {
            io::ErrorKind::NotFound => Ok(Vec::new()),
            _ => Err(LinuxError::Tree {
                path: class.clone(),
                source,
            }),
        })?;
        for name in found {
            if let (Some(number), Some(device)) = (sg_number(&name), self.scanned(&name)) {
                numbered.insert(number, device);
            }
        }
        Ok(numbered.into_values().collect())
    }

    /// The device of an sg node's name; `None` if it is no drive or changer, or just going away.
    fn scanned(&self, name: &str) -> Option<ScannedDevice> {
        let device = self.device("scsi_generic", name);
        let kind = DeviceKind::from_type(&text_file(&device.join("type"))?)?;
        let (major, minor) = numbers(&self.class("scsi_generic").join(name).join("dev"))?;
        let properties = self.udev_properties(major, minor);
        let property = |name: &str| {
            properties
                .get(name)
                .cloned()
                .filter(|value| !value.is_empty())
        };
        let attribute = |name: &str| {
            bytes(&device.join(name))
                .map(|bytes| text::field(bytes.trim_ascii()))
                .filter(|text| !text.is_empty())
        };
        // Without udev (a container, a rescue system) the kernel's copy of VPD page 80h says the same.
        let serial = property("ID_SCSI_SERIAL").or_else(|| {
            inquiry::parse_serial(&bytes(&device.join("vpd_pg80"))?)
                .filter(|serial| !serial.is_empty())
        })?;
        let or_unknown = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
        let tape = self.tape_of_sg(name).filter(|_| kind == DeviceKind::Tape);
        let tape_link = format!("scsi-{}-nst", link_text(&serial));
        Some(ScannedDevice {
            kind,
            node: self.node(name),
            by_id: self.link_to(&kind.link_name(&serial), name),
            tape_by_id: tape
                .as_deref()
                .and_then(|tape| self.link_to(&tape_link, tape)),
            tape_node: tape.map(|tape| self.node(&tape)),
            vendor: or_unknown(property("ID_VENDOR").or_else(|| attribute("vendor"))),
            model: or_unknown(property("ID_MODEL").or_else(|| attribute("model"))),
            name: name.to_owned(),
            serial,
            major,
            minor,
        })
    }

    /// Lines `E:NAME=value` of the file in which udev keeps a device's properties.
    fn udev_properties(&self, major: u32, minor: u32) -> BTreeMap<String, String> {
        let path = self
            .root
            .join("run/udev/data")
            .join(format!("c{major}:{minor}"));
        let text = bytes(&path).unwrap_or_default();
        String::from_utf8_lossy(&text)
            .lines()
            .filter_map(|line| line.strip_prefix("E:")?.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// The link in /dev/tape/by-id, if it leads to this very node: with multipath, several nodes have one serial number.
    fn link_to(&self, link_name: &str, name: &str) -> Option<PathBuf> {
        if link_name.contains('/') {
            return None;
        }
        let link = self.root.join("dev/tape/by-id").join(link_name);
        let target = fs::read_link(&link).ok()?;
        (target.file_name() == Some(OsStr::new(name))).then_some(link)
    }

    /// The drive or changer behind a path: an sg node, a link to one, a tape node, or a node of the ch driver. Compared by
    /// device numbers, not names.
    ///
    /// # Errors
    /// Why the path cannot be looked at, or [`LinuxError::Tree`].
    pub fn find(&self, path: &Path) -> Result<Option<ScannedDevice>, LinuxError> {
        let found = rustix::fs::stat(path).map_err(|errno| LinuxError::open(path, errno))?;
        let (major, minor) = (
            rustix::fs::major(found.st_rdev),
            rustix::fs::minor(found.st_rdev),
        );
        self.find_number(major, minor)
    }

    /// The drive or changer behind a device number, as [`DeviceTree::find`].
    ///
    /// # Errors
    /// [`LinuxError::Tree`].
    pub fn find_number(&self, major: u32, minor: u32) -> Result<Option<ScannedDevice>, LinuxError> {
        if major == ST_MAJOR {
            return Ok(self
                .sg_of_tape_number(minor)
                .and_then(|sg| self.scanned(&sg)));
        }
        if major == CH_MAJOR {
            return Ok(self
                .sg_of_changer_number(minor)
                .and_then(|sg| self.scanned(&sg)));
        }
        Ok(self
            .scan()?
            .into_iter()
            .find(|device| (device.major, device.minor) == (major, minor)))
    }

    /// Name of the tape node that does not rewind (`nst0`) for the minor number of any of a drive's tape nodes.
    pub fn tape_of_number(&self, minor: u32) -> Option<String> {
        let same_drive = |found: u32| found & !ST_MODE_AND_REWIND == minor & !ST_MODE_AND_REWIND;
        let class = self.class("scsi_tape");
        names(&class)
            .ok()?
            .into_iter()
            .filter(|name| tape_number(name).is_some())
            .find(|name| {
                numbers(&class.join(name).join("dev"))
                    .is_some_and(|(major, found)| major == ST_MAJOR && same_drive(found))
            })
    }

    /// Name of the sg node (`sg3`) for the minor number of a tape node.
    pub fn sg_of_tape_number(&self, minor: u32) -> Option<String> {
        self.sg_of_tape(&self.tape_of_number(minor)?)
    }

    /// Name of the sg node (`sg3`) of a tape node (`nst0`).
    pub fn sg_of_tape(&self, tape: &str) -> Option<String> {
        first_name(
            &self.device("scsi_tape", tape).join("scsi_generic"),
            |name| sg_number(name).is_some(),
        )
    }

    /// Name of the tape node that does not rewind (`nst0`) of an sg node (`sg3`).
    pub fn tape_of_sg(&self, sg: &str) -> Option<String> {
        first_name(&self.device("scsi_generic", sg).join("scsi_tape"), |name| {
            tape_number(name).is_some()
        })
    }

    /// Name of the node of the ch driver (`sch0`) of an sg node, if that driver is loaded.
    pub fn changer_node_of_sg(&self, sg: &str) -> Option<String> {
        first_name(
            &self.device("scsi_generic", sg).join("scsi_changer"),
            |name| name.starts_with("sch"),
        )
    }

    /// Name of the sg node (`sg3`) for the minor number of a node of the ch driver.
    fn sg_of_changer_number(&self, minor: u32) -> Option<String> {
        let class = self.class("scsi_changer");
        let name = names(&class)
            .ok()?
            .into_iter()
            .find(|name| numbers(&class.join(name).join("dev")) == Some((CH_MAJOR, minor)))?;
        first_name(&class.join(name).join("device/scsi_generic"), |name| {
            sg_number(name).is_some()
        })
    }

    /// Options of the st driver for a tape node (`nst0`), bits of [`crate::mtio::OPTIONS`].
    pub fn tape_options(&self, tape: &str) -> Option<u32> {
        let text = text_file(&self.class("scsi_tape").join(tape).join("options"))?;
        u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()
    }

    /// The same for the path of any of a drive's tape nodes.
    pub fn tape_options_of(&self, node: &Path) -> Option<u32> {
        let found = rustix::fs::stat(node).ok()?;
        self.tape_options(&self.tape_of_number(rustix::fs::minor(found.st_rdev))?)
    }

    /// What the host adapter of an sg node takes in one command.
    pub fn transfer_limit(&self, sg: &str) -> Option<TransferLimit> {
        // The link ends in host:channel:target:lun.
        let device = fs::canonicalize(self.device("scsi_generic", sg)).ok()?;
        let address = device.file_name()?.to_str()?;
        let host: u32 = address.split(':').next()?.parse().ok()?;
        let path = self
            .class("scsi_host")
            .join(format!("host{host}"))
            .join("sg_tablesize");
        let segments: u64 = text_file(&path)?.parse().ok()?;
        Some(TransferLimit {
            host,
            segments,
            bytes: segments.saturating_mul(PAGE_BYTES),
        })
    }
}

fn first_name(folder: &Path, wanted: impl Fn(&str) -> bool) -> Option<String> {
    let mut found: Vec<_> = names(folder)
        .ok()?
        .into_iter()
        .filter(|name| wanted(name))
        .collect();
    found.sort_unstable();
    found.into_iter().next()
}

fn number_behind(prefix: &str, name: &str) -> Option<u32> {
    let digits = name.strip_prefix(prefix)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// 3 for `sg3`.
fn sg_number(name: &str) -> Option<u32> {
    number_behind("sg", name)
}

/// 0 for `nst0`; none for `st0`, which rewinds, and `nst0a`, which changes settings.
fn tape_number(name: &str) -> Option<u32> {
    number_behind("nst", name)
}
