//! The lock on a whole datastore: a POSIX record lock over `<base>/.lock` (datastore.md 3.1).
//!
//! Such a lock belongs to the process, and closing *any* descriptor of the file drops all of the process's locks on it.
//! So the file is opened once per process and store, here, however many operations hold the lock, and closed by the last.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::lock_file::{LockMode, retry};
use crate::error::{Error, IoContext, Result};
use crate::layout::BASE_LOCK;
use crate::owner::{self, Owner};
use crate::progress::CancelFlag;

/// Device and inode of a base directory: the same store under two paths is one entry.
type StoreKey = (u64, u64);

struct Held {
    mode: LockMode,
    /// Operations in this process that hold the lock; more than one only when it is shared.
    holders: usize,
    /// Its closing releases the lock.
    _file: OwnedFd,
}

static HELD: Mutex<BTreeMap<StoreKey, Held>> = Mutex::new(BTreeMap::new());

fn held() -> MutexGuard<'static, BTreeMap<StoreKey, Held>> {
    // No code between two changes of an entry can panic, so a poisoned map is still whole.
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lock on a whole datastore. Dropping it releases it.
#[derive(Debug)]
pub struct BaseLock {
    key: StoreKey,
}

impl BaseLock {
    /// For whoever writes chunks or indexes: keeps garbage collection away for as long as it is held. Tries again for
    /// `timeout` while garbage collection runs.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Aborted`]; [`Error::Io`].
    pub fn acquire_shared(
        base: &Path,
        owner: Option<Owner>,
        timeout: Duration,
        cancel: &CancelFlag,
    ) -> Result<Self> {
        retry(timeout, cancel, || {
            Self::try_acquire(base, owner, LockMode::Shared)
        })
    }

    /// For whoever removes chunks. Fails at once while anybody writes.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Io`].
    pub fn try_acquire_exclusive(base: &Path, owner: Option<Owner>) -> Result<Self> {
        Self::try_acquire(base, owner, LockMode::Exclusive)
    }

    fn try_acquire(base: &Path, owner: Option<Owner>, mode: LockMode) -> Result<Self> {
        let path = base.join(BASE_LOCK);
        let busy = || Error::Busy {
            path: base.to_owned(),
            lock: match mode {
                LockMode::Shared => "garbage collection is running",
                LockMode::Exclusive => "somebody is writing to the datastore",
            },
        };
        let stat = rustix::fs::stat(base).at("stat", base)?;
        let key = (stat.st_dev, stat.st_ino);
        let mut held = held();
        if let Some(entry) = held.get_mut(&key) {
            if entry.mode == LockMode::Shared && mode == LockMode::Shared {
                entry.holders += 1;
                return Ok(Self { key });
            }
            return Err(busy());
        }
        let file = open(&path, owner)?;
        match rustix::fs::fcntl_lock(&file, mode.operation()) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK | Errno::ACCESS) => return Err(busy()),
            Err(error) => return Err(error).at("lock", &path),
        }
        held.insert(
            key,
            Held {
                mode,
                holders: 1,
                _file: file,
            },
        );
        Ok(Self { key })
    }
}

impl Drop for BaseLock {
    fn drop(&mut self) {
        let mut held = held();
        if let Some(entry) = held.get_mut(&self.key) {
            entry.holders -= 1;
            if entry.holders == 0 {
                held.remove(&self.key);
            }
        }
    }
}

fn open(path: &Path, owner: Option<Owner>) -> Result<OwnedFd> {
    let mode = Mode::from_raw_mode(0o644);
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    match rustix::fs::open(path, flags | OFlags::CREATE | OFlags::EXCL, mode) {
        Ok(file) => {
            owner::give(owner, &file, path)?;
            Ok(file)
        }
        Err(Errno::EXIST) => rustix::fs::open(path, flags, mode).at("open", path),
        Err(error) => Err(error).at("create", path),
    }
}
