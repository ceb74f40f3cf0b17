//! Names and json files of the directory, and the lock on it (tape-format.md 10).

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{Access, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::error::DirectoryError;

const LOCK_FILE: &str = ".drive.lck";
const STATUS_FILE: &str = "drive-status.json";
const LOCK_POLL: Duration = Duration::from_millis(50);
const FILE_MODE: u32 = 0o644;
/// Longer json files are none of ours.
const MAX_JSON_BYTES: u64 = 64 << 10;
/// Slots come in rows of this many.
const SLOT_ROW: usize = 8;
/// Labels on real cartridges have up to 32 characters; file names end at 255.
const MAX_LABEL_BYTES: usize = 128;

/// A place for a tape in the directory's changer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// From 1.
    pub number: u32,
    /// Label of the tape in it; also while it is in the drive.
    pub label: Option<String>,
}

/// Slots and drive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    /// Tape in the drive.
    pub loaded: Option<String>,
    /// Sorted by label, rounded up to a multiple of 8.
    pub slots: Vec<Slot>,
}

/// `tape-<label>.json`.
#[derive(Serialize, Deserialize)]
struct TapeIndex {
    files: u64,
}

/// `drive-status.json`.
#[derive(Default, Serialize, Deserialize)]
struct DriveStatusFile {
    #[serde(default)]
    current_tape: Option<CurrentTape>,
}

/// The tape in the drive and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CurrentTape {
    pub name: String,
    /// Number of the file that is read or written next.
    pub pos: u64,
}

/// The directory with its lock, shared by the changer and the tape in the drive.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    read_only: bool,
    /// flock; released with the last user.
    _lock: File,
}

impl Directory {
    /// Waits for the lock, at most `timeout`.
    pub fn open(path: &Path, timeout: Duration) -> Result<Self, DirectoryError> {
        // The directory itself has to be there: a typing error must not make one.
        std::fs::read_dir(path)
            .map_err(|error| DirectoryError::io(path, "read directory", error))?;
        let read_only = rustix::fs::access(path, Access::WRITE_OK).is_err();
        let lock_path = path.join(LOCK_FILE);
        let lock = open_lock(path, &lock_path)?;
        let start = Instant::now();
        loop {
            match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK | Errno::INTR) => {}
                Err(error) => return Err(DirectoryError::io(&lock_path, "lock", error)),
            }
            let waited = start.elapsed();
            if waited >= timeout {
                return Err(DirectoryError::Busy {
                    path: lock_path,
                    waited,
                });
            }
            std::thread::sleep(LOCK_POLL.min(timeout - waited));
        }
        Ok(Self {
            path: path.to_owned(),
            read_only,
            _lock: lock,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Nothing can be written in it.
    pub fn read_only(&self) -> bool {
        self.read_only
    }

    pub fn index_path(&self, label: &str) -> PathBuf {
        index_path(&self.path, label)
    }

    pub fn file_path(&self, label: &str, number: u64) -> PathBuf {
        file_path(&self.path, label, number)
    }

    pub fn current_tape(&self) -> Result<Option<CurrentTape>, DirectoryError> {
        read_current_tape(&self.path)
    }

    /// Replaces `drive-status.json`. A directory that cannot be written keeps its old one.
    pub fn store_current_tape(
        &self,
        current_tape: Option<CurrentTape>,
    ) -> Result<(), DirectoryError> {
        if self.read_only {
            return Ok(());
        }
        replace(&self.path, STATUS_FILE, &DriveStatusFile { current_tape })
    }

    /// Number of files on a tape; `None` if there is no such tape.
    pub fn read_index(&self, label: &str) -> Result<Option<u64>, DirectoryError> {
        read_tape_index(&self.path, label)
    }

    pub fn store_index(&self, label: &str, files: u64) -> Result<(), DirectoryError> {
        replace_tape_index(&self.path, label, files)
    }

    /// Makes renames and new files durable, and the index of `label` with them.
    pub fn sync(&self, label: &str) -> Result<(), DirectoryError> {
        let index_path = self.index_path(label);
        let index = File::open(&index_path)
            .map_err(|error| DirectoryError::io(&index_path, "open", error))?;
        index
            .sync_data()
            .map_err(|error| DirectoryError::io(&index_path, "sync", error))?;
        let directory = File::open(&self.path)
            .map_err(|error| DirectoryError::io(&self.path, "open", error))?;
        directory
            .sync_all()
            .map_err(|error| DirectoryError::io(&self.path, "sync directory", error))
    }
}

fn index_path(directory: &Path, label: &str) -> PathBuf {
    directory.join(format!("tape-{label}.json"))
}

pub(super) fn file_path(directory: &Path, label: &str, number: u64) -> PathBuf {
    directory.join(format!("tapefile-{number}-{label}.json"))
}

/// Number of files on a tape; `None` if there is no such tape.
pub(super) fn read_tape_index(
    directory: &Path,
    label: &str,
) -> Result<Option<u64>, DirectoryError> {
    match read_json::<TapeIndex>(&index_path(directory, label))? {
        JsonFile::Missing => Ok(None),
        // PBS takes an empty file for an empty tape.
        JsonFile::Empty => Ok(Some(0)),
        JsonFile::Value(index) => Ok(Some(index.files)),
    }
}

pub(super) fn replace_tape_index(
    directory: &Path,
    label: &str,
    files: u64,
) -> Result<(), DirectoryError> {
    replace(
        directory,
        &format!("tape-{label}.json"),
        &TapeIndex { files },
    )
}

/// Under the lock there is one writer, so one temporary name is enough; it is none that a slot scan would see.
fn replace(directory: &Path, name: &str, value: &impl Serialize) -> Result<(), DirectoryError> {
    let path = directory.join(name);
    let temporary = directory.join(format!(".{name}.tmp"));
    let mut text =
        serde_json::to_string_pretty(value).map_err(|error| DirectoryError::Damaged {
            path: path.clone(),
            what: error.to_string(),
        })?;
    text.shrink_to_fit();
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    let write = || -> std::io::Result<()> {
        let mut file = File::from(rustix::fs::open(
            &temporary,
            flags,
            Mode::from_raw_mode(FILE_MODE),
        )?);
        file.write_all(text.as_bytes())?;
        std::fs::rename(&temporary, &path)
    };
    write().map_err(|error| DirectoryError::io(&path, "write", error))
}

/// In a directory that cannot be written the directory itself is locked: it keeps two readers of ours apart.
fn open_lock(directory: &Path, lock_path: &Path) -> Result<File, DirectoryError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
    let error = match rustix::fs::open(lock_path, flags, Mode::from_raw_mode(FILE_MODE)) {
        Ok(file) => return Ok(File::from(file)),
        Err(error) => error,
    };
    if !matches!(error, Errno::ACCESS | Errno::PERM | Errno::ROFS) {
        return Err(DirectoryError::io(lock_path, "open", error));
    }
    File::open(lock_path)
        .or_else(|_| File::open(directory))
        .map_err(|error| DirectoryError::io(lock_path, "open", error))
}

enum JsonFile<T> {
    Missing,
    Empty,
    Value(T),
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<JsonFile<T>, DirectoryError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(JsonFile::Missing),
        Err(error) => return Err(DirectoryError::io(path, "open", error)),
    };
    let mut text = Vec::new();
    file.take(MAX_JSON_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(|error| DirectoryError::io(path, "read", error))?;
    if text.is_empty() {
        return Ok(JsonFile::Empty);
    }
    let damaged = |what: String| DirectoryError::Damaged {
        path: path.to_owned(),
        what,
    };
    if text.len() as u64 > MAX_JSON_BYTES {
        return Err(damaged(format!("longer than {MAX_JSON_BYTES} bytes")));
    }
    serde_json::from_slice(&text)
        .map(JsonFile::Value)
        .map_err(|error| damaged(error.to_string()))
}

fn read_current_tape(path: &Path) -> Result<Option<CurrentTape>, DirectoryError> {
    Ok(
        match read_json::<DriveStatusFile>(&path.join(STATUS_FILE))? {
            JsonFile::Missing | JsonFile::Empty => None,
            JsonFile::Value(status) => status.current_tape,
        },
    )
}

/// Refuses what would not stay in the directory or could not be a label.
pub(super) fn check_label(label: &str) -> Result<(), DirectoryError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let good = !label.is_empty()
        && label.len() <= MAX_LABEL_BYTES
        && label.bytes().all(allowed)
        && !label.starts_with(['-', '.']);
    if good {
        Ok(())
    } else {
        Err(DirectoryError::Label {
            label: label.to_owned(),
        })
    }
}

/// Lists the tapes of a directory; works while another process uses the drive.
///
/// PBS lists them in the order of the directory; ours is that of the labels, so that slot numbers stay the same.
pub fn list_slots(path: &Path) -> Result<Slots, DirectoryError> {
    let entries = std::fs::read_dir(path)
        .map_err(|error| DirectoryError::io(path, "read directory", error))?;
    let mut labels = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| DirectoryError::io(path, "read directory", error))?;
        let name = entry.file_name();
        let label = name
            .to_str()
            .and_then(|name| name.strip_prefix("tape-")?.strip_suffix(".json"));
        let Some(label) = label.filter(|label| check_label(label).is_ok()) else {
            continue;
        };
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            labels.push(label.to_owned());
        }
    }
    labels.sort_unstable();
    let loaded = read_current_tape(path)?
        .map(|tape| tape.name)
        .filter(|name| labels.binary_search(name).is_ok());
    let slot_count = labels.len().div_ceil(SLOT_ROW) * SLOT_ROW;
    let mut labels = labels.into_iter();
    let slots = (1..)
        .take(slot_count)
        .map(|number| Slot {
            number,
            label: labels.next(),
        })
        .collect();
    Ok(Slots { loaded, slots })
}
