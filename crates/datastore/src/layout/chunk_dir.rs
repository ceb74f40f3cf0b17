//! The 65,536 folders below `.chunks`, one for each value of a digest's first two bytes (datastore.md 1).
//!
//! Made one after the other: several threads took longer (spec/limits.md 3).

use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use super::{BASE_LOCK, CHUNKS};
use crate::error::{IoContext, Result};
use crate::owner::{self, Owner};
use crate::progress::CancelFlag;

/// Number of folders.
pub(crate) const CHUNK_FOLDERS: u32 = 0x1_0000;

/// Mode of `.chunks` and the folders in it.
pub(crate) const FOLDER_MODE: Mode = Mode::from_raw_mode(0o750);

/// Makes `.chunks` with its folders in `base`, and `.lock`, which comes last: its presence says that the folders are
/// complete. What is there already stays.
pub(crate) fn make(base: &Path, owner: Option<Owner>, cancel: &CancelFlag) -> Result<()> {
    let path = base.join(CHUNKS);
    make_folder(CWD, &path, &path, owner)?;
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    let chunks = rustix::fs::open(&path, flags, Mode::empty()).at("open", &path)?;
    for number in 0..CHUNK_FOLDERS {
        if number % 256 == 0 {
            cancel.check()?;
        }
        let folder = format!("{number:04x}");
        make_folder(&chunks, &folder, &path, owner)?;
    }
    let lock = base.join(BASE_LOCK);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    match rustix::fs::open(&lock, flags, Mode::from_raw_mode(0o644)) {
        Ok(file) => owner::give(owner, &file, &lock),
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error).at("create", &lock),
    }
}

fn make_folder(
    parent: impl AsFd,
    name: impl rustix::path::Arg + Copy,
    path: &Path,
    owner: Option<Owner>,
) -> Result<()> {
    match rustix::fs::mkdirat(&parent, name, FOLDER_MODE) {
        Ok(()) => owner::give_at(owner, &parent, name, path),
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error).at("create the chunk folders in", path),
    }
}

/// Takes back a failed creation. Only empty folders go, so that a store that somebody else has just begun to fill stays.
pub(crate) fn remove(base: &Path, made_base: bool) {
    let chunks = base.join(CHUNKS);
    for number in 0..CHUNK_FOLDERS {
        // Nothing to do about what cannot be removed: the creation's own error is the one to tell.
        let _ = std::fs::remove_dir(chunks.join(format!("{number:04x}")));
    }
    let _ = std::fs::remove_dir(&chunks);
    if made_base {
        let _ = std::fs::remove_dir(base);
    }
}
