//! Lock files shared with PBS and other processes (tape-format.md 8.4): flock(2), exclusive, with a limit to the waiting.

use std::fs::File;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use rustix::fs::{FlockOperation, Gid, Mode, Uid, fchmod, fchown, flock};
use rustix::io::Errno;

use crate::failure::{Failure, Kind};
use crate::plain::Owner;
use crate::promise::on_thread;

const POLL: Duration = Duration::from_millis(20);

/// How to take a lock.
#[napi(object)]
pub struct LockOptions {
    /// Milliseconds to wait for another holder; 0 gives up at once.
    pub timeout_ms: u32,
    /// Mode of the lock file when it is created (default 0600).
    pub mode: Option<u32>,
    /// Owner of the lock file when it is created.
    pub owner: Option<Owner>,
}

/// A held exclusive lock. Released by `release`, by the garbage collector, or by the end of the process.
#[napi]
pub struct FileLock {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

#[napi]
impl FileLock {
    /// Takes the lock, creating its file if it is missing. Fails with code `lock-timeout` while somebody else holds it.
    #[napi(ts_return_type = "Promise<FileLock>")]
    pub fn acquire<'env>(
        env: &'env Env,
        path: String,
        options: LockOptions,
    ) -> napi::Result<Object<'env>> {
        on_thread(env, "file-lock", move || {
            let path = PathBuf::from(path);
            let file = acquire(&path, &options)?;
            Ok(FileLock {
                path,
                file: Mutex::new(Some(file)),
            })
        })
    }

    /// Path of the lock file.
    #[napi(getter)]
    pub fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// Gives the lock back; harmless when called again.
    #[napi]
    pub fn release(&self) {
        if let Ok(mut file) = self.file.lock() {
            *file = None;
        }
    }
}

fn failure(what: &str, path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        Kind::System,
        "lock-io",
        format!("cannot {what} lock file {}: {error}", path.display()),
    )
}

fn open(path: &Path, options: &LockOptions) -> Result<File, Failure> {
    let existing = File::options().read(true).append(true).open(path);
    match existing {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        other => return other.map_err(|error| failure("open", path, &error)),
    }
    let file = File::options()
        .read(true)
        .append(true)
        .create(true)
        .mode(options.mode.unwrap_or(0o600))
        .open(path)
        .map_err(|error| failure("create", path, &error))?;
    // The umask of the process must not keep other users of the lock out.
    let mode = Mode::from_raw_mode(options.mode.unwrap_or(0o600));
    fchmod(&file, mode).map_err(|error| failure("set the mode of", path, &error))?;
    if let Some(owner) = &options.owner {
        fchown(
            &file,
            Some(Uid::from_raw(owner.uid)),
            Some(Gid::from_raw(owner.gid)),
        )
        .map_err(|error| failure("set the owner of", path, &error))?;
    }
    Ok(file)
}

/// True while `path` still names `file`: a lock on a file that was replaced or removed protects nothing.
fn is_current(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.metadata()) {
        (Ok(held), Ok(named)) => held.dev() == named.dev() && held.ino() == named.ino(),
        _ => false,
    }
}

fn acquire(path: &Path, options: &LockOptions) -> Result<File, Failure> {
    let deadline = Instant::now() + Duration::from_millis(u64::from(options.timeout_ms));
    loop {
        let file = open(path, options)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) if is_current(&file, path) => return Ok(file),
            Ok(()) | Err(Errno::INTR) => continue,
            Err(Errno::WOULDBLOCK) if Instant::now() < deadline => std::thread::sleep(POLL),
            Err(Errno::WOULDBLOCK) => {
                let seconds = f64::from(options.timeout_ms) / 1000.0;
                let text = format!(
                    "{} is still locked by another process after {seconds} s",
                    path.display()
                );
                return Err(Failure::new(Kind::Operator, "lock-timeout", text));
            }
            Err(error) => return Err(failure("lock", path, &error)),
        }
    }
}
