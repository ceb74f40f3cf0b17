//! An open sg node as a [`Transport`].

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ferrite_scsi::transport::MAX_SENSE_BYTES;
use ferrite_scsi::{Cdb, Completion, Data, Transport, TransportError};
use rustix::fs::{FileType, Mode, OFlags, fcntl_getfl, fcntl_setfl, fstat, open};

use super::classify::classify;
use super::ioctl;
use crate::discovery::{DeviceTree, SG_MAJOR, ST_MAJOR};
use crate::error::LinuxError;

/// First version of the driver with the header used here.
const LEAST_VERSION: i32 = 30_000;
/// One tape block: kept by the driver so that reading and writing does not allocate.
const RESERVED_BYTES: i32 = 256 * 1024;
const SG_NODE: &str = "a SCSI generic node (/dev/sg...)";

/// How to open an sg node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SgOptions {
    /// Nobody else may open the sg node meanwhile (O_EXCL). Keeps out other users of sg only, not those of st.
    pub exclusive: bool,
}

/// A SCSI device behind an sg node.
#[derive(Debug)]
pub struct SgTransport {
    node: OwnedFd,
    path: PathBuf,
}

impl SgTransport {
    /// Opens a node. Does not wait for a tape and sends no command.
    ///
    /// # Errors
    /// [`LinuxError::WrongNode`] if it is no sg node, with the right one if `path` is a tape node; else why it cannot be opened.
    pub fn open(path: impl Into<PathBuf>, options: SgOptions) -> Result<Self, LinuxError> {
        let path = path.into();
        let exclusive = if options.exclusive {
            OFlags::EXCL
        } else {
            OFlags::empty()
        };
        // With O_NONBLOCK, open neither waits for a tape nor for somebody who holds the node exclusively.
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC | exclusive;
        check_node(&path)?;
        let node = open(&path, flags, Mode::empty())
            .map_err(|errno| LinuxError::open(path.as_path(), errno))?;
        let transport = Self { node, path };
        // What was opened may be something else than what was looked at.
        let found = fstat(&transport.node).map_err(|errno| transport.failed("fstat", errno))?;
        check_numbers(&transport.path, found.st_mode, found.st_rdev)?;
        transport.prepare()?;
        Ok(transport)
    }

    fn prepare(&self) -> Result<(), LinuxError> {
        let version = ioctl::version(self.node.as_fd())
            .map_err(|errno| self.failed("SG_GET_VERSION_NUM", errno))?;
        if version < LEAST_VERSION {
            return Err(LinuxError::WrongNode {
                path: self.path.clone(),
                expected: SG_NODE,
                found: format!("a node of sg driver version {version}"),
            });
        }
        let flags = fcntl_getfl(&self.node).map_err(|errno| self.failed("F_GETFL", errno))?;
        fcntl_setfl(&self.node, flags - OFlags::NONBLOCK)
            .map_err(|errno| self.failed("F_SETFL", errno))?;
        // Only saves time: the driver allocates per command if it cannot keep that much.
        let _ = ioctl::reserve(self.node.as_fd(), RESERVED_BYTES);
        Ok(())
    }

    fn failed(&self, operation: &'static str, errno: rustix::io::Errno) -> LinuxError {
        LinuxError::Ioctl {
            path: self.path.clone(),
            operation,
            source: errno.into(),
        }
    }

    /// The node.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why a transfer of `bytes` does not fit into one command, for [`TransportError::TransferTooLarge`].
    pub fn explain_transfer_limit(&self, tree: &DeviceTree, bytes: usize) -> String {
        let limit = tree
            .find(&self.path)
            .ok()
            .flatten()
            .and_then(|device| tree.transfer_limit(&device.name));
        let node = self.path.display();
        match limit {
            Some(limit) => format!(
                "the host adapter of {node} (host{}) does not allow transfers of {bytes} bytes: it takes {} segments, {} bytes \
                 of scattered memory; look for a module option that raises sg_tablesize, or use another adapter",
                limit.host, limit.segments, limit.bytes
            ),
            None => format!("the host adapter of {node} does not allow transfers of {bytes} bytes"),
        }
    }
}

/// Before opening: opening a tape node may move the tape.
fn check_node(path: &Path) -> Result<(), LinuxError> {
    let found = rustix::fs::stat(path).map_err(|errno| LinuxError::open(path, errno))?;
    check_numbers(path, found.st_mode, found.st_rdev)
}

fn check_numbers(path: &Path, mode: u32, device: u64) -> Result<(), LinuxError> {
    let wrong = |found: String| {
        Err(LinuxError::WrongNode {
            path: path.to_owned(),
            expected: SG_NODE,
            found,
        })
    };
    if FileType::from_raw_mode(mode) != FileType::CharacterDevice {
        return wrong("no device node".to_owned());
    }
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    match major {
        SG_MAJOR => Ok(()),
        ST_MAJOR => {
            let right = DeviceTree::system().sg_of_tape_number(minor);
            wrong(match right {
                Some(sg) => format!("a tape node of the st driver; its generic node is /dev/{sg}"),
                None => "a tape node of the st driver".to_owned(),
            })
        }
        major => wrong(format!("a device node with major number {major}")),
    }
}

impl Transport for SgTransport {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Completion, TransportError> {
        let length = data.len();
        let mut sense = [0; MAX_SENSE_BYTES];
        let result = ioctl::sg_io(self.node.as_fd(), cdb, data, timeout, &mut sense);
        classify(result, &sense, length, timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &str) -> LinuxError {
        SgTransport::open(path, SgOptions::default()).unwrap_err()
    }

    #[test]
    fn wrong_nodes() {
        assert!(matches!(
            open("/dev/no-such-node"),
            LinuxError::NoDevice { .. }
        ));
        assert_eq!(
            open("/dev/null").to_string(),
            "/dev/null is a device node with major number 1, not a SCSI generic node (/dev/sg...)"
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(
            open(file.path().to_str().unwrap())
                .to_string()
                .contains("no device node")
        );
    }

    #[test]
    fn tape_nodes_are_named() {
        let device = rustix::fs::makedev(ST_MAJOR, 0xFFFF);
        let error = check_numbers(
            Path::new("/dev/nst9"),
            FileType::CharacterDevice.as_raw_mode(),
            device,
        );
        assert!(
            error
                .unwrap_err()
                .to_string()
                .starts_with("/dev/nst9 is a tape node of the st driver")
        );
        let sg = rustix::fs::makedev(SG_MAJOR, 3);
        let mode = FileType::CharacterDevice.as_raw_mode();
        assert!(check_numbers(Path::new("/dev/sg3"), mode, sg).is_ok());
    }
}
