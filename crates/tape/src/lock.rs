//! flock(2) with a limit to the waiting.

use std::fs::File;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::{Result, TapeError};

/// How long the other programs that use these files wait for a lock (tape-format.md 8.4).
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(10);

const POLL: Duration = Duration::from_millis(20);

/// Takes an exclusive lock on an open file, waiting at most `wait`.
///
/// Polls instead of blocking: flock(2) has no timeout, and a lock that is never released must not hang a job.
pub(crate) fn lock_exclusive(file: &File, path: &Path, wait: Duration) -> Result<()> {
    let start = Instant::now();
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) if start.elapsed() < wait => thread::sleep(POLL),
            Err(Errno::WOULDBLOCK) => {
                return Err(TapeError::Locked {
                    path: path.into(),
                    seconds: wait.as_secs(),
                });
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(TapeError::io("lock", path, error.into())),
        }
    }
}

/// Gives the lock back before the file is closed.
pub(crate) fn unlock(file: &File, path: &Path) -> Result<()> {
    flock(file, FlockOperation::Unlock).map_err(|error| TapeError::io("unlock", path, error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_waited_for_and_then_given_up() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let open = || File::open(file.path()).unwrap();
        let (first, second) = (open(), open());
        lock_exclusive(&first, file.path(), Duration::ZERO).unwrap();
        let error = lock_exclusive(&second, file.path(), Duration::from_millis(50)).unwrap_err();
        assert!(matches!(error, TapeError::Locked { .. }), "{error}");
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(60));
                unlock(&first, file.path()).unwrap();
            });
            lock_exclusive(&second, file.path(), Duration::from_secs(5)).unwrap();
        });
    }
}
