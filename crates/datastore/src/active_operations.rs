//! Who is using a datastore: PBS refuses to delete one while these counters are not zero (datastore.md 3.4).
//!
//! One JSON file per store below the run directory, rewritten under a lock file. Every process has an entry of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{CWD, Mode, OFlags};
use serde::{Deserialize, Serialize};

use crate::error::{IoContext, Result};
use crate::locks::{LockFile, LockMode, create_folders};
use crate::owner::Owner;
use crate::progress::CancelFlag;
use crate::temporary;

const FOLDER: &str = "active-operations";
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
const FILE_MODE: u32 = 0o660;

/// What an operation does with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Backup to tape, listing, verification, extraction.
    Read,
    /// Restore from tape, import.
    Write,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ProcessEntry {
    pid: u32,
    /// Field 22 of `/proc/<pid>/stat`: tells a process from a later one with the same number.
    starttime: u64,
    active_operations: Counters,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counters {
    read: i64,
    write: i64,
}

/// A counted operation. Dropping it counts down.
#[derive(Debug)]
pub struct ActiveOperation {
    file: PathBuf,
    operation: Operation,
    owner: Option<Owner>,
}

impl ActiveOperation {
    /// Counts up.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) when the counters stay locked for 10 s; [`Error::Io`](crate::Error::Io).
    pub(crate) fn begin(
        run_dir: &Path,
        store: &str,
        operation: Operation,
        owner: Option<Owner>,
    ) -> Result<Self> {
        let active = Self {
            file: run_dir.join(FOLDER).join(store),
            operation,
            owner,
        };
        active.count(1)?;
        Ok(active)
    }

    fn count(&self, difference: i64) -> Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        create_folders(folder, self.owner)?;
        let mut lock_path = self.file.clone().into_os_string();
        lock_path.push(".lock");
        let _lock = LockFile::acquire(
            Path::new(&lock_path),
            LockMode::Exclusive,
            self.owner,
            LOCK_TIMEOUT,
            &CancelFlag::new(), // short, and the count must not get lost
        )?;
        let mut entries = read_entries(&self.file)?;
        entries.retain(|entry| start_time(entry.pid) == Some(entry.starttime));
        let pid = std::process::id();
        let starttime = start_time(pid).unwrap_or(0);
        let own = match entries.iter_mut().find(|entry| entry.pid == pid) {
            Some(own) => own,
            None => {
                entries.push(ProcessEntry {
                    pid,
                    starttime,
                    active_operations: Counters::default(),
                });
                let last = entries.len() - 1;
                &mut entries[last]
            }
        };
        let counter = match self.operation {
            Operation::Read => &mut own.active_operations.read,
            Operation::Write => &mut own.active_operations.write,
        };
        *counter = (*counter + difference).max(0);
        self.write(folder, &entries)
    }

    fn write(&self, folder: &Path, entries: &[ProcessEntry]) -> Result<()> {
        let json = serde_json::to_vec(entries).map_err(std::io::Error::from);
        let json = json.at("encode", &self.file)?;
        let name = self.file.file_name().unwrap_or_default();
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(CWD, folder, flags, Mode::empty()).at("open", folder)?;
        let name = name.to_string_lossy(); // a store name, ASCII
        temporary::replace_file(directory, &name, &self.file, &json, FILE_MODE, self.owner)
    }
}

impl Drop for ActiveOperation {
    fn drop(&mut self) {
        // Nobody is left to hear an error; the entry goes when the process does.
        let _ = self.count(-1);
    }
}

/// What cannot be read as entries counts as none: the file is rewritten as a whole by everybody anyway.
fn read_entries(file: &Path) -> Result<Vec<ProcessEntry>> {
    match std::fs::read(file) {
        Ok(json) => Ok(serde_json::from_slice(&json).unwrap_or_default()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).at("read", file),
    }
}

/// When a process started, in clock ticks since boot; `None` when it is gone.
fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The second field is the program's name in parentheses and can hold anything; the third follows the last ')'.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(run: &Path) -> Vec<ProcessEntry> {
        read_entries(&run.join("active-operations/store1")).unwrap()
    }

    fn begin(run: &Path, operation: Operation) -> ActiveOperation {
        ActiveOperation::begin(run, "store1", operation, None).unwrap()
    }

    #[test]
    fn counts_up_and_down() {
        let run = tempfile::tempdir().unwrap();
        let run = run.path();
        let read = begin(run, Operation::Read);
        let write = begin(run, Operation::Write);
        let again = begin(run, Operation::Write);
        let text = std::fs::read_to_string(run.join("active-operations/store1")).unwrap();
        let pid = std::process::id();
        let start = start_time(pid).unwrap();
        assert_eq!(
            text,
            format!(
                r#"[{{"pid":{pid},"starttime":{start},"active_operations":{{"read":1,"write":2}}}}]"#
            )
        );
        drop((read, again));
        assert_eq!(
            entries(run)[0].active_operations,
            Counters { read: 0, write: 1 }
        );
        drop(write);
        assert_eq!(entries(run)[0].active_operations, Counters::default());
    }

    #[test]
    fn keeps_the_living_and_drops_the_dead() {
        let run = tempfile::tempdir().unwrap();
        let run = run.path();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let entry = |pid, starttime| ProcessEntry {
            pid,
            starttime,
            active_operations: Counters { read: 1, write: 0 },
        };
        let living = entry(child.id(), start_time(child.id()).unwrap());
        let reused = entry(1, 1_234_567_890_123);
        let dead = entry(0x7fff_fffe, 5);
        let json = serde_json::to_vec(&[&living, &reused, &dead]).unwrap();
        std::fs::create_dir(run.join("active-operations")).unwrap();
        std::fs::write(run.join("active-operations/store1"), json).unwrap();
        let own = begin(run, Operation::Read);
        let found = entries(run);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], living);
        assert_eq!(found[1].pid, std::process::id());
        child.kill().unwrap();
        child.wait().unwrap();
        drop(own);
        assert_eq!(entries(run).len(), 1);
    }

    #[test]
    fn survives_a_damaged_file() {
        let run = tempfile::tempdir().unwrap();
        std::fs::create_dir(run.path().join("active-operations")).unwrap();
        std::fs::write(run.path().join("active-operations/store1"), "[{").unwrap();
        let _own = begin(run.path(), Operation::Write);
        assert_eq!(entries(run.path()).len(), 1);
    }
}
