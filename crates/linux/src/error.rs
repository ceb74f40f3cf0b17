//! Why a device node could not be used, or the service manager not told. Each error names the node and says what to do.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;

/// Error of a device node, of the kernel's device tree, or of the service manager's socket.
#[derive(Debug, thiserror::Error)]
pub enum LinuxError {
    /// ENOENT, ENODEV or ENXIO: the node names nothing.
    #[error("{}: no such device: check cables and power, then scan for devices", path.display())]
    NoDevice {
        /// The node.
        path: PathBuf,
    },
    /// EACCES or EPERM.
    #[error("{}: permission denied: run as root or as a member of group tape", path.display())]
    PermissionDenied {
        /// The node.
        path: PathBuf,
    },
    /// EBUSY: somebody has the node for himself.
    #[error("{}: in use by another program", path.display())]
    InUse {
        /// The node.
        path: PathBuf,
    },
    /// Opening failed for another reason.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The node.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A path that is not the kind of node needed.
    #[error("{} is {found}, not {expected}", path.display())]
    WrongNode {
        /// The path.
        path: PathBuf,
        /// What is needed.
        expected: &'static str,
        /// What it is, and perhaps which node would be right.
        found: String,
    },
    /// A tape node without sg node.
    #[error("{}: the drive has no SCSI generic node: load the kernel's sg driver (modprobe sg)", path.display())]
    NoGenericNode {
        /// The tape node.
        path: PathBuf,
    },
    /// An ioctl failed.
    #[error("{operation} on {} failed: {source}", path.display())]
    Ioctl {
        /// The node.
        path: PathBuf,
        /// Which.
        operation: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The service manager could not be told.
    #[error("cannot tell the service manager at {socket}: {source}")]
    ServiceManager {
        /// As `NOTIFY_SOCKET` names it.
        socket: String,
        /// Why.
        source: io::Error,
    },
    /// A file of the device tree could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Tree {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl LinuxError {
    /// Sorts what open(2) gave.
    pub(crate) fn open(path: impl Into<PathBuf>, errno: Errno) -> Self {
        let path = path.into();
        match errno {
            Errno::NOENT | Errno::NODEV | Errno::NXIO => LinuxError::NoDevice { path },
            Errno::ACCESS | Errno::PERM => LinuxError::PermissionDenied { path },
            Errno::BUSY => LinuxError::InUse { path },
            other => LinuxError::Open {
                path,
                source: other.into(),
            },
        }
    }
}
