//! What an archive keeps of a file besides its content: mode, owner, time, extended attributes, ACLs, capabilities.

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd};

use ferrite_formats::pxar::{Metadata, Xattr, item};
use rustix::fs::Stat;
use rustix::io::Errno;

use crate::posix_acl;

/// Attribute that holds file capabilities; it has an item of its own.
const CAPABILITY: &str = "security.capability";
/// Largest list of names and largest value the kernel knows.
const MAX_ATTRIBUTE_BYTES: usize = 64 * 1024;

/// How the attributes of an object are reached.
pub(super) enum Object<'a> {
    /// Open file or directory.
    Open(BorrowedFd<'a>),
    /// Entry of an open directory that is not opened itself: symlinks, devices, pipes, sockets.
    Entry(BorrowedFd<'a>, &'a CStr),
}

impl Object<'_> {
    fn list(&self, names: &mut [u8]) -> Result<usize, Errno> {
        match self {
            Self::Open(fd) => rustix::fs::flistxattr(fd, names),
            Self::Entry(directory, name) => {
                rustix::fs::llistxattr(entry_path(*directory, name), names)
            }
        }
    }

    fn get(&self, name: &CStr, value: &mut [u8]) -> Result<usize, Errno> {
        match self {
            Self::Open(fd) => rustix::fs::fgetxattr(fd, name, value),
            Self::Entry(directory, entry) => {
                rustix::fs::lgetxattr(entry_path(*directory, entry), name, value)
            }
        }
    }
}

/// Path by which attribute calls, which know no directory descriptors, reach an entry of an open directory; the last
/// component is not followed.
pub(crate) fn entry_path(directory: BorrowedFd<'_>, name: &CStr) -> CString {
    let mut path = format!("/proc/self/fd/{}/", directory.as_raw_fd()).into_bytes();
    path.extend_from_slice(name.to_bytes());
    // A name from the kernel holds no zero.
    CString::new(path).unwrap_or_default()
}

/// Reads metadata; keeps its buffers from object to object.
pub(super) struct MetadataReader {
    names: Vec<u8>,
    value: Vec<u8>,
}

impl MetadataReader {
    pub(super) fn new() -> Self {
        Self {
            names: vec![0; MAX_ATTRIBUTE_BYTES],
            value: vec![0; MAX_ATTRIBUTE_BYTES],
        }
    }

    /// Metadata of an object whose `stat` is known. What cannot be read or kept is told to `warn`.
    pub(super) fn read(
        &mut self,
        object: &Object<'_>,
        stat: &Stat,
        warn: &mut dyn FnMut(String),
    ) -> Metadata {
        let mut metadata = Metadata::from(archive_stat(stat));
        let bytes = match object.list(&mut self.names) {
            Ok(bytes) => bytes,
            // File systems and kinds of objects without attributes; objects of other users.
            Err(Errno::OPNOTSUPP | Errno::NODATA | Errno::PERM | Errno::ACCESS) => 0,
            Err(error) => {
                warn(format!("extended attributes cannot be listed: {error}"));
                0
            }
        };
        let names = std::mem::take(&mut self.names);
        let mut rest = &names[..bytes];
        while let Ok(name) = CStr::from_bytes_until_nul(rest) {
            rest = &rest[name.to_bytes_with_nul().len()..];
            self.read_attribute(object, name, &mut metadata, warn);
        }
        self.names = names;
        metadata
    }

    fn read_attribute(
        &mut self,
        object: &Object<'_>,
        name: &CStr,
        metadata: &mut Metadata,
        warn: &mut dyn FnMut(String),
    ) {
        let shown = name.to_string_lossy();
        let is_acl = shown == posix_acl::ACCESS || shown == posix_acl::DEFAULT;
        // What else the kernel shows in this name space is computed, not stored.
        if shown.starts_with("system.") && !is_acl {
            return;
        }
        let value = match object.get(name, &mut self.value) {
            Ok(bytes) => &self.value[..bytes],
            // Removed since it was listed.
            Err(Errno::NODATA) => return,
            Err(error) => {
                return warn(format!(
                    "extended attribute {shown} cannot be read: {error}"
                ));
            }
        };
        if is_acl {
            let acl = &mut metadata.acl;
            let known = if shown == posix_acl::ACCESS {
                posix_acl::read_access(value, acl)
            } else {
                posix_acl::read_default(value, acl)
            };
            if !known {
                warn(format!("{shown} is of an unknown form, it was left out"));
            }
        } else if shown == CAPABILITY {
            metadata.fcaps = Some(value.to_vec());
        } else if name.to_bytes_with_nul().len() + value.len() > item::MAX_XATTR {
            warn(format!(
                "extended attribute {shown} is too long, it was left out"
            ));
        } else {
            metadata.xattrs.push(Xattr {
                name: name.to_bytes().to_vec(),
                value: value.to_vec(),
            });
        }
    }
}

fn archive_stat(stat: &Stat) -> ferrite_formats::pxar::Stat {
    ferrite_formats::pxar::Stat {
        mode: u64::from(stat.st_mode),
        flags: 0,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime_secs: stat.st_mtime,
        // The kernel keeps them below a second.
        mtime_nanos: u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
    }
}
