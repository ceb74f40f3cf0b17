//! The lock on a group or snapshot: lock file and directory flock together.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::lock_file::{LockFile, LockMode, unlock};
use crate::error::{Error, IoContext, Result};
use crate::owner::Owner;

/// A locked group or snapshot directory, open. Dropping it releases both locks.
#[derive(Debug)]
pub struct DirectoryLock {
    /// Opened after the lock file was locked; files are opened relative to it. Carries the directory's own lock.
    directory: OwnedFd,
    /// `None` only once the lock file was removed.
    file: Option<LockFile>,
}

impl DirectoryLock {
    /// Locks `directory` through `lock_file` and itself, without waiting.
    ///
    /// # Errors
    /// [`Error::Vanished`] when the directory is not there, or was replaced meanwhile; [`Error::Busy`]; [`Error::Io`].
    pub fn try_acquire(
        directory: &Path,
        lock_file: &Path,
        mode: LockMode,
        owner: Option<Owner>,
    ) -> Result<Self> {
        let vanished = || Error::Vanished {
            path: directory.to_owned(),
        };
        let found = |error: Errno| match error {
            Errno::NOENT | Errno::NOTDIR => vanished(),
            other => Error::Io {
                action: "open",
                path: directory.to_owned(),
                source: other.into(),
            },
        };
        // Asked first only so that no lock file is made for a snapshot that is gone already.
        rustix::fs::stat(directory).map_err(found)?;
        let file = LockFile::try_acquire(lock_file, mode, owner)
            .map_err(|error| for_directory(error, directory))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::open(directory, flags, Mode::empty()).map_err(found)?;
        match rustix::fs::flock(&fd, mode.operation()) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                // PBS up to 3.3.4 removes a snapshot under this lock: gone counts more than busy.
                rustix::fs::stat(directory).map_err(found)?;
                return Err(Error::Busy {
                    path: directory.to_owned(),
                    lock: "directory",
                });
            }
            Err(error) => return Err(error).at("lock", directory),
        }
        let locked = rustix::fs::fstat(&fd).at("stat", directory)?;
        let named = rustix::fs::stat(directory).map_err(found)?;
        if (locked.st_dev, locked.st_ino) != (named.st_dev, named.st_ino) {
            return Err(vanished());
        }
        Ok(Self {
            directory: fd,
            file: Some(file),
        })
    }

    /// Releases the lock and deletes the lock file, after the directory was removed under it.
    pub(crate) fn remove_lock_file(mut self) {
        if let Some(file) = self.file.take() {
            file.remove();
        }
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        unlock(&self.directory);
    }
}

impl AsFd for DirectoryLock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// Users know the snapshot, not the lock file's name.
fn for_directory(error: Error, directory: &Path) -> Error {
    match error {
        Error::Busy { lock, .. } => Error::Busy {
            path: directory.to_owned(),
            lock,
        },
        other => other,
    }
}
