//! Who owns what is created: PBS's daemons run as `backup` and must be able to remove what a root process wrote.

use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, Gid, Uid};
use rustix::io::Errno;

use crate::error::{IoContext, Result};

/// User and group of everything that is created in a store and below its run directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// Gives an open file or directory to `owner`. A process that may not do so keeps it: for anyone but root the store is
/// their own anyway.
pub(crate) fn give(owner: Option<Owner>, fd: impl AsFd, path: &Path) -> Result<()> {
    let Some(Owner { uid, gid }) = owner else {
        return Ok(());
    };
    permitted(rustix::fs::fchown(
        fd,
        Some(Uid::from_raw(uid)),
        Some(Gid::from_raw(gid)),
    ))
    .at("change the owner of", path)
}

/// As [`give`], for an entry of a directory; symlinks are not followed.
pub(crate) fn give_at(
    owner: Option<Owner>,
    directory: impl AsFd,
    name: impl rustix::path::Arg,
    path: &Path,
) -> Result<()> {
    let Some(Owner { uid, gid }) = owner else {
        return Ok(());
    };
    permitted(rustix::fs::chownat(
        directory,
        name,
        Some(Uid::from_raw(uid)),
        Some(Gid::from_raw(gid)),
        AtFlags::SYMLINK_NOFOLLOW,
    ))
    .at("change the owner of", path)
}

fn permitted(result: Result<(), Errno>) -> Result<(), Errno> {
    match result {
        Err(Errno::PERM) => Ok(()),
        other => other,
    }
}
