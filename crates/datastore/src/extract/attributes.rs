//! Giving an extracted object its owner, mode, attributes, ACLs and time.
//!
//! In this order, because each step can undo those after it: a new owner clears capabilities and set-id bits, a new mode
//! changes the ACL's mask, and everything changes times.

use std::ffi::{CStr, CString};
use std::os::fd::BorrowedFd;

use ferrite_formats::pxar::{Metadata, Stat};
use rustix::fs::{AtFlags, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use crate::import::metadata::entry_path;
use crate::posix_acl;

const SET_ID_BITS: u32 = 0o6000;

/// What an object is reached by.
#[derive(Clone, Copy)]
pub(super) enum Object<'a> {
    /// An open file or directory.
    Open(BorrowedFd<'a>),
    /// A symbolic link in an open directory.
    Link(BorrowedFd<'a>, &'a CStr),
    /// A device, pipe or socket in an open directory.
    Special(BorrowedFd<'a>, &'a CStr),
}

/// Who extracts.
pub(super) struct Attributes {
    user: Uid,
    group: Gid,
}

impl Attributes {
    pub(super) fn new() -> Self {
        Self {
            user: rustix::process::geteuid(),
            group: rustix::process::getegid(),
        }
    }

    /// Only the super user gives files away.
    pub(super) fn restores_owners(&self) -> bool {
        self.user.is_root()
    }

    /// Applies everything. What cannot be applied is told to `warn`.
    pub(super) fn apply(
        &self,
        object: Object<'_>,
        metadata: &Metadata,
        warn: &mut dyn FnMut(String),
    ) {
        let stat = &metadata.stat;
        let mut tell = |what: &str, result: Result<(), Errno>| {
            if let Err(error) = result {
                warn(format!("{what} cannot be restored: {error}"));
            }
        };
        if self.restores_owners() {
            tell("owner", set_owner(object, stat));
        }
        if !matches!(object, Object::Link(..)) {
            tell("mode", set_mode(object, self.mode(stat)));
        }
        for xattr in &metadata.xattrs {
            let name = String::from_utf8_lossy(&xattr.name);
            let what = format!("extended attribute {name}");
            tell(&what, set_attribute(object, &xattr.name, &xattr.value));
        }
        let acls = [
            (
                posix_acl::ACCESS,
                posix_acl::write_access(&metadata.acl, stat.mode),
            ),
            (posix_acl::DEFAULT, posix_acl::write_default(&metadata.acl)),
        ];
        for (name, value) in acls {
            if let Some(value) = value {
                tell("ACL", set_attribute(object, name.as_bytes(), &value));
            }
        }
        if let Some(capabilities) = &metadata.fcaps {
            tell(
                "capabilities",
                set_attribute(object, b"security.capability", capabilities),
            );
        }
        tell("time", set_time(object, stat));
    }

    /// Set-id bits only for the owner they were meant for.
    fn mode(&self, stat: &Stat) -> Mode {
        // Masked to 12 bits.
        let mode = (stat.mode & 0o7777) as u32;
        let own = (stat.uid, stat.gid) == (self.user.as_raw(), self.group.as_raw());
        let kept = if own || self.restores_owners() {
            mode
        } else {
            mode & !SET_ID_BITS
        };
        Mode::from_raw_mode(kept)
    }
}

fn set_owner(object: Object<'_>, stat: &Stat) -> Result<(), Errno> {
    // All ones would mean "leave it".
    if stat.uid == u32::MAX || stat.gid == u32::MAX {
        return Err(Errno::INVAL);
    }
    let (user, group) = (Some(Uid::from_raw(stat.uid)), Some(Gid::from_raw(stat.gid)));
    match object {
        Object::Open(fd) => rustix::fs::fchown(fd, user, group),
        Object::Link(directory, name) | Object::Special(directory, name) => {
            rustix::fs::chownat(directory, name, user, group, AtFlags::SYMLINK_NOFOLLOW)
        }
    }
}

fn set_mode(object: Object<'_>, mode: Mode) -> Result<(), Errno> {
    match object {
        Object::Open(fd) => rustix::fs::fchmod(fd, mode),
        // Only called for what was just made in a directory that nobody else may enter yet, so it is no link.
        Object::Link(directory, name) | Object::Special(directory, name) => {
            rustix::fs::chmodat(directory, name, mode, AtFlags::empty())
        }
    }
}

fn set_attribute(object: Object<'_>, name: &[u8], value: &[u8]) -> Result<(), Errno> {
    let name = CString::new(name).map_err(|_| Errno::INVAL)?;
    match object {
        Object::Open(fd) => rustix::fs::fsetxattr(fd, &name, value, XattrFlags::empty()),
        Object::Link(directory, entry) | Object::Special(directory, entry) => {
            let path = entry_path(directory, entry);
            rustix::fs::lsetxattr(path, &name, value, XattrFlags::empty())
        }
    }
}

fn set_time(object: Object<'_>, stat: &Stat) -> Result<(), Errno> {
    let time = Timespec {
        tv_sec: stat.mtime_secs,
        tv_nsec: i64::from(stat.mtime_nanos.min(999_999_999)),
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    match object {
        Object::Open(fd) => rustix::fs::futimens(fd, &times),
        Object::Link(directory, name) | Object::Special(directory, name) => {
            rustix::fs::utimensat(directory, name, &times, AtFlags::SYMLINK_NOFOLLOW)
        }
    }
}
