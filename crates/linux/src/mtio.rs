//! The st driver's own ioctls (<sys/mtio.h>; scsi.md 6.3): options, block size, status. Data never goes this way.
//!
//! An open [`TapeNode`] is also a guard: st lets one process in at a time, so `mt` and `tar` keep away while a drive is used
//! through its sg node.

#![allow(unsafe_code, reason = "ioctl(2) is untyped")]

use std::mem::{offset_of, size_of};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, open, stat};
use rustix::io::Errno;
use rustix::ioctl::{Getter, Opcode, Setter, ioctl};

use crate::discovery::ST_MAJOR;
use crate::error::LinuxError;

const MTIOCTOP: Opcode = 0x4008_6D01;
const MTIOCGET: Opcode = 0x8030_6D02;
/// Bit of the minor number: the tape is not rewound when the node is closed.
const NO_REWIND: u32 = 0x80;
const NODE: &str = "a tape node that does not rewind (/dev/nst...)";

/// `struct mtop`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Operation {
    code: i16,
    count: i32,
}

/// `struct mtget`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct RawStatus {
    kind: i64,
    residue: i64,
    density_and_block_size: i64,
    flags: i64,
    errors: i64,
    file_number: i32,
    block_number: i32,
}

/// The sizes are also in the ioctl numbers.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Operation>() == 8);
    assert!(offset_of!(Operation, count) == 4);
    assert!(size_of::<RawStatus>() == 48);
    assert!(offset_of!(RawStatus, flags) == 24);
    assert!(offset_of!(RawStatus, file_number) == 40);
    assert!(offset_of!(RawStatus, block_number) == 44);
    assert!((MTIOCTOP >> 16) & 0x3FFF == size_of::<Operation>() as Opcode);
    assert!((MTIOCGET >> 16) & 0x3FFF == size_of::<RawStatus>() as Opcode);
};

/// `mt_op` codes used here.
const MTSETBLK: i16 = 20;
const MTSETDRVBUFFER: i16 = 24;
/// High nibble of the argument of MTSETDRVBUFFER.
const SET_ALL_OPTIONS: u32 = 0x1000_0000;
const SET_OPTIONS: u32 = 0x3000_0000;
const CLEAR_OPTIONS: u32 = 0x4000_0000;
/// Options have 16 bits.
const OPTIONS_MASK: u32 = 0xFFFF;

/// Options of the st driver with their names in `pmt` (cli.md 5).
pub const OPTIONS: &[(&str, u32)] = &[
    ("buffer-writes", 0x1),
    ("async-writes", 0x2),
    ("read-ahead", 0x4),
    ("debugging", 0x8),
    ("two-fm", 0x10),
    ("fast-mteom", 0x20),
    ("auto-lock", 0x40),
    ("def-writes", 0x80),
    ("can-bsr", 0x100),
    ("no-blklims", 0x200),
    ("can-partitions", 0x400),
    ("scsi2logical", 0x800),
    ("sysv", 0x1000),
    ("nowait", 0x2000),
    ("sili", 0x4000),
    ("weof-no-wait", 0x8000),
];

/// Other names of some: those of `mt`, and one as the manual prints it.
const OTHER_NAMES: &[(&str, u32)] = &[
    ("debug", 0x8),
    ("two-fms", 0x10),
    ("fast-eod", 0x20),
    ("no-blklimits", 0x200),
    ("scsi2locical", 0x800),
    ("no-wait", 0x2000),
];

/// Bit of an option by its name, in any case, with `_` or `-`.
pub fn option_bit(name: &str) -> Option<u32> {
    let name = name.to_ascii_lowercase().replace('_', "-");
    OPTIONS
        .iter()
        .chain(OTHER_NAMES)
        .find(|(known, _)| *known == name)
        .map(|&(_, bit)| bit)
}

/// Names of the options that are on, as `status` shows them: `BUFFER_WRITES`.
pub fn option_names(options: u32) -> Vec<String> {
    OPTIONS
        .iter()
        .filter(|(_, bit)| options & bit != 0)
        .map(|(name, _)| name.to_ascii_uppercase().replace('-', "_"))
        .collect()
}

/// What to do with some options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionChange {
    /// Exactly these are on.
    Replace,
    /// These are on, others stay.
    Set,
    /// These are off, others stay.
    Clear,
}

/// What MTIOCGET tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeStatus {
    /// File number as st counts; -1 if it does not know.
    pub file_number: i32,
    /// Block number in the file as st counts; -1 if it does not know.
    pub block_number: i32,
    /// 0: variable.
    pub block_bytes: u32,
    /// Density code.
    pub density: u8,
    /// Errors that were recovered.
    pub soft_errors: u16,
    flags: u32,
}

/// `mt_gstat` bits with names.
const FLAGS: &[(&str, u32)] = &[
    ("EOF", 0x8000_0000),
    ("BOT", 0x4000_0000),
    ("EOT", 0x2000_0000),
    ("SM", 0x1000_0000),
    ("EOD", 0x0800_0000),
    ("WR_PROT", 0x0400_0000),
    ("ONLINE", 0x0100_0000),
    ("D_6250", 0x0080_0000),
    ("D_1600", 0x0040_0000),
    ("D_800", 0x0020_0000),
    ("DRIVE_OPEN", 0x0004_0000),
    ("IM_REP_EN", 0x0001_0000),
    ("CLN", 0x0000_8000),
];

impl NodeStatus {
    fn from_raw(raw: &RawStatus) -> Self {
        let [density, a, b, c] = (raw.density_and_block_size as u32).to_be_bytes();
        Self {
            file_number: raw.file_number,
            block_number: raw.block_number,
            block_bytes: u32::from_be_bytes([0, a, b, c]),
            density,
            soft_errors: raw.errors as u16,
            flags: raw.flags as u32,
        }
    }

    /// Names of the flags that are set, as `status` shows them (cli.md 4.7).
    pub fn flags(&self) -> impl Iterator<Item = &'static str> {
        FLAGS
            .iter()
            .filter(|(_, bit)| self.flags & bit != 0)
            .map(|&(name, _)| name)
    }
}

/// An open tape node of the st driver.
#[derive(Debug)]
pub struct TapeNode {
    node: OwnedFd,
    path: PathBuf,
}

impl TapeNode {
    /// Opens a node without waiting for a tape.
    ///
    /// # Errors
    /// [`LinuxError::InUse`] if another process has it; [`LinuxError::WrongNode`] if it is no tape node, or one that would
    /// rewind the tape when it is closed.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, LinuxError> {
        let path = path.into();
        let found = stat(&path).map_err(|errno| LinuxError::open(path.as_path(), errno))?;
        check_numbers(&path, found.st_mode, found.st_rdev)?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let node = open(&path, flags, Mode::empty())
            .map_err(|errno| LinuxError::open(path.as_path(), errno))?;
        Ok(Self { node, path })
    }

    /// The node.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What st knows.
    ///
    /// # Errors
    /// What the ioctl gave.
    pub fn status(&self) -> Result<NodeStatus, LinuxError> {
        // SAFETY: MTIOCGET writes a `struct mtget`, whose layout is asserted above.
        let raw = unsafe { ioctl(&self.node, Getter::<MTIOCGET, RawStatus>::new()) }
            .map_err(|errno| self.failed("MTIOCGET", errno))?;
        Ok(NodeStatus::from_raw(&raw))
    }

    /// Changes options of the driver; `options` are bits of [`OPTIONS`]. Needs CAP_SYS_ADMIN.
    ///
    /// # Errors
    /// What the ioctl gave.
    pub fn change_options(&self, change: OptionChange, options: u32) -> Result<(), LinuxError> {
        self.operate("MTSETDRVBUFFER", option_operation(change, options))
    }

    /// Sets the block length; 0 is variable.
    ///
    /// # Errors
    /// What the ioctl gave.
    pub fn set_block_bytes(&self, bytes: u32) -> Result<(), LinuxError> {
        let count = i32::try_from(bytes).map_err(|_| self.failed("MTSETBLK", Errno::INVAL))?;
        let operation = Operation {
            code: MTSETBLK,
            count,
        };
        self.operate("MTSETBLK", operation)
    }

    fn operate(&self, name: &'static str, operation: Operation) -> Result<(), LinuxError> {
        // SAFETY: MTIOCTOP reads a `struct mtop`, whose layout is asserted above.
        unsafe { ioctl(&self.node, Setter::<MTIOCTOP, Operation>::new(operation)) }
            .map_err(|errno| self.failed(name, errno))
    }

    fn failed(&self, operation: &'static str, errno: Errno) -> LinuxError {
        match errno {
            Errno::PERM | Errno::ACCESS => LinuxError::PermissionDenied {
                path: self.path.clone(),
            },
            errno => LinuxError::Ioctl {
                path: self.path.clone(),
                operation,
                source: errno.into(),
            },
        }
    }
}

fn option_operation(change: OptionChange, options: u32) -> Operation {
    let how = match change {
        OptionChange::Replace => SET_ALL_OPTIONS,
        OptionChange::Set => SET_OPTIONS,
        OptionChange::Clear => CLEAR_OPTIONS,
    };
    Operation {
        code: MTSETDRVBUFFER,
        count: (how | (options & OPTIONS_MASK)) as i32,
    }
}

fn check_numbers(path: &Path, mode: u32, device: u64) -> Result<(), LinuxError> {
    let wrong = |found: &str| {
        Err(LinuxError::WrongNode {
            path: path.to_owned(),
            expected: NODE,
            found: found.to_owned(),
        })
    };
    if FileType::from_raw_mode(mode) != FileType::CharacterDevice {
        return wrong("no device node");
    }
    if rustix::fs::major(device) != ST_MAJOR {
        return wrong("no node of the st driver");
    }
    if rustix::fs::minor(device) & NO_REWIND == 0 {
        return wrong("a tape node that rewinds the tape when it is closed");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        let sili = option_bit("sili").unwrap();
        assert_eq!(option_bit("no-such-option"), None);
        assert_eq!(option_bit("NO_BLKLIMS"), option_bit("no-blklimits"));
        assert_eq!(option_bit("SCSI2locical"), Some(0x800));
        assert_eq!(
            option_names(0x2005),
            ["BUFFER_WRITES", "READ_AHEAD", "NOWAIT"]
        );
        for (change, count) in [
            (OptionChange::Replace, 0x1000_4000),
            (OptionChange::Set, 0x3000_4000),
            (OptionChange::Clear, 0x4000_4000),
        ] {
            let operation = option_operation(change, sili);
            assert_eq!(
                operation,
                Operation {
                    code: MTSETDRVBUFFER,
                    count
                }
            );
        }
        // options never reach the nibble that says what to do with them
        assert_eq!(
            option_operation(OptionChange::Set, u32::MAX).count,
            0x3000_FFFF
        );
        let all: u32 = OPTIONS.iter().map(|(_, bit)| bit).sum();
        assert_eq!(all, OPTIONS_MASK);
    }

    #[test]
    fn status() {
        let raw = RawStatus {
            kind: 0x72,
            // density 5Eh, blocks of 262144 bytes
            density_and_block_size: 0x5E04_0000,
            flags: 0x4101_0000,
            errors: 0x1_0003,
            file_number: -1,
            block_number: 7,
            ..RawStatus::default()
        };
        let status = NodeStatus::from_raw(&raw);
        assert_eq!(
            (status.density, status.block_bytes, status.soft_errors),
            (0x5E, 262_144, 3)
        );
        assert_eq!((status.file_number, status.block_number), (-1, 7));
        let flags: Vec<_> = status.flags().collect();
        assert_eq!(flags, ["BOT", "ONLINE", "IM_REP_EN"]);
    }

    #[test]
    fn wrong_nodes() {
        let character = FileType::CharacterDevice.as_raw_mode();
        let check = |device| check_numbers(Path::new("/dev/st0"), character, device);
        assert!(check(rustix::fs::makedev(ST_MAJOR, 0x80)).is_ok());
        let error = check(rustix::fs::makedev(ST_MAJOR, 0)).unwrap_err();
        assert!(error.to_string().contains("rewinds"), "{error}");
        assert!(check(rustix::fs::makedev(21, 0x80)).is_err());
        assert!(matches!(
            TapeNode::open("/dev/no-such-node").unwrap_err(),
            LinuxError::NoDevice { .. }
        ));
        assert!(matches!(
            TapeNode::open("/dev/null").unwrap_err(),
            LinuxError::WrongNode { .. }
        ));
    }
}
