//! A lock on a file that exists only to be locked: flock, with the checks that deletable lock files need.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::error::{Error, IoContext, Result};
use crate::owner::{self, Owner};
use crate::progress::CancelFlag;

const LOCK_FILE_MODE: Mode = Mode::from_raw_mode(0o660);
const LOCK_FOLDER_MODE: Mode = Mode::from_raw_mode(0o755);

/// First and longest pause between two tries.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// How a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Together with other readers.
    Shared,
    /// Alone.
    Exclusive,
}

impl LockMode {
    pub(super) fn operation(self) -> FlockOperation {
        match self {
            Self::Shared => FlockOperation::NonBlockingLockShared,
            Self::Exclusive => FlockOperation::NonBlockingLockExclusive,
        }
    }
}

/// A held lock on a file; dropping it releases it. The file stays.
#[derive(Debug)]
pub struct LockFile {
    path: PathBuf,
    /// Its open file description carries the lock.
    file: OwnedFd,
}

impl LockFile {
    /// Takes the lock or fails at once. Creates the file (mode 0660) and missing folders above it (0755) for `owner`.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Io`].
    pub fn try_acquire(path: &Path, mode: LockMode, owner: Option<Owner>) -> Result<Self> {
        // Whoever removes what the lock protects deletes the file while holding it (since-3.2.4.md F4): a lock on a file
        // that has no name any more protects nothing. One more try gets the new file; failing again, somebody is busy there.
        for _ in 0..2 {
            let file = open_or_create(path, owner)?;
            match rustix::fs::flock(&file, mode.operation()) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Err(busy(path)),
                Err(error) => return Err(error).at("lock", path),
            }
            if names_the_same(&file, path)? {
                return Ok(Self {
                    path: path.to_owned(),
                    file,
                });
            }
        }
        Err(busy(path))
    }

    /// As [`try_acquire`](Self::try_acquire), trying again until `timeout` has passed.
    ///
    /// # Errors
    /// [`Error::Busy`] when the time is up; [`Error::Aborted`]; [`Error::Io`].
    pub fn acquire(
        path: &Path,
        mode: LockMode,
        owner: Option<Owner>,
        timeout: Duration,
        cancel: &CancelFlag,
    ) -> Result<Self> {
        retry(timeout, cancel, || Self::try_acquire(path, mode, owner))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Deletes the file and releases the lock: only for whoever holds it exclusively and has just removed what it
    /// protects (since-3.2.4.md F4).
    pub(crate) fn remove(self) {
        // Left behind it does no harm: an empty file that the next user takes.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        unlock(&self.file);
    }
}

/// Closing alone would not do: a child process being started by another thread has a copy of the descriptor until it
/// calls exec, and the lock would live as long as that.
pub(super) fn unlock(file: &OwnedFd) {
    // Cannot fail for a valid descriptor.
    let _ = rustix::fs::flock(file, FlockOperation::Unlock);
}

/// Calls `attempt` until it answers anything but busy, or the time is up.
pub(super) fn retry<T>(
    timeout: Duration,
    cancel: &CancelFlag,
    mut attempt: impl FnMut() -> Result<T>,
) -> Result<T> {
    let start = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        cancel.check()?;
        match attempt() {
            Err(Error::Busy { .. }) if start.elapsed() + pause <= timeout => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            other => return other,
        }
    }
}

fn busy(path: &Path) -> Error {
    Error::Busy {
        path: path.to_owned(),
        lock: "lock file",
    }
}

fn names_the_same(file: &OwnedFd, path: &Path) -> Result<bool> {
    let open = rustix::fs::fstat(file).at("stat", path)?;
    match rustix::fs::stat(path) {
        Ok(named) => Ok((named.st_dev, named.st_ino) == (open.st_dev, open.st_ino)),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error).at("stat", path),
    }
}

/// The file appears with its mode and owner already set: between creation and chown another user's daemon would be
/// locked out of its own lock.
fn open_or_create(path: &Path, owner: Option<Owner>) -> Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    loop {
        match rustix::fs::open(path, flags, Mode::empty()) {
            Err(Errno::NOENT) => {}
            other => return other.at("open", path),
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        create_folders(folder, owner)?;
        let unnamed = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        match rustix::fs::open(folder, unnamed, LOCK_FILE_MODE) {
            Ok(file) => {
                rustix::fs::fchmod(&file, LOCK_FILE_MODE).at("create", path)?;
                owner::give(owner, &file, path)?;
                let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
                match rustix::fs::linkat(CWD, link, CWD, path, AtFlags::SYMLINK_FOLLOW) {
                    Ok(()) => return Ok(file),
                    Err(Errno::EXIST) => continue,
                    // No /proc: the plain way will do.
                    Err(Errno::NOENT) => {}
                    Err(error) => return Err(error).at("create", path),
                }
            }
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {}
            Err(error) => return Err(error).at("create", path),
        }
        match rustix::fs::open(path, flags | OFlags::CREATE | OFlags::EXCL, LOCK_FILE_MODE) {
            Ok(file) => {
                rustix::fs::fchmod(&file, LOCK_FILE_MODE).at("create", path)?;
                owner::give(owner, &file, path)?;
                return Ok(file);
            }
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error).at("create", path),
        }
    }
}

/// `mkdir -p`, giving every folder made to `owner`: what root keeps for itself below the run directory locks PBS's
/// daemons out (since-3.2.4.md F5).
pub(crate) fn create_folders(folder: &Path, owner: Option<Owner>) -> Result<()> {
    match rustix::fs::mkdir(folder, LOCK_FOLDER_MODE) {
        Ok(()) => owner::give_at(owner, CWD, folder, folder),
        Err(Errno::EXIST) => Ok(()),
        Err(Errno::NOENT) => {
            let Some(parent) = folder.parent().filter(|parent| *parent != folder) else {
                return Err(Errno::NOENT).at("create", folder);
            };
            create_folders(parent, owner)?;
            create_folders(folder, owner)
        }
        Err(error) => Err(error).at("create", folder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn shared_and_exclusive() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/lock");
        let one = LockFile::try_acquire(&path, LockMode::Shared, None).unwrap();
        let two = LockFile::try_acquire(&path, LockMode::Shared, None).unwrap();
        let denied = LockFile::try_acquire(&path, LockMode::Exclusive, None).unwrap_err();
        assert_eq!(denied.kind(), crate::ErrorKind::Busy, "{denied}");
        drop(one);
        assert!(LockFile::try_acquire(&path, LockMode::Exclusive, None).is_err());
        drop(two);
        let _held = LockFile::try_acquire(&path, LockMode::Exclusive, None).unwrap();
        assert!(LockFile::try_acquire(&path, LockMode::Shared, None).is_err());
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o660);
    }

    #[test]
    fn a_deleted_lock_file_is_no_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let file = open_or_create(&path, None).unwrap();
        assert!(names_the_same(&file, &path).unwrap());
        std::fs::remove_file(&path).unwrap();
        assert!(!names_the_same(&file, &path).unwrap());
        open_or_create(&path, None).unwrap();
        assert!(!names_the_same(&file, &path).unwrap());
        // The holder of the deleted file does not keep anybody from the new one.
        rustix::fs::flock(&file, LockMode::Exclusive.operation()).unwrap();
        LockFile::try_acquire(&path, LockMode::Exclusive, None).unwrap();
    }

    #[test]
    fn waits_for_the_holder_and_can_be_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let cancel = CancelFlag::new();
        let acquire =
            |timeout| LockFile::acquire(&path, LockMode::Exclusive, None, timeout, &cancel);
        let held = acquire(Duration::ZERO).unwrap();
        let late = acquire(Duration::from_millis(30)).unwrap_err();
        assert_eq!(late.code(), "busy");
        std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(30));
                drop(held);
            });
            acquire(Duration::from_secs(20)).unwrap();
        });
        cancel.cancel();
        assert_eq!(
            acquire(Duration::from_secs(20)).unwrap_err().code(),
            "aborted"
        );
    }
}
