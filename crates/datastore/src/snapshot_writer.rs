//! A snapshot that is being created: its files appear one by one, its manifest last, and without it nothing stays.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ferrite_formats::SnapshotPath;
use ferrite_formats::archive_name::{MANIFEST_NAME, check_archive_name};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::chunk_store::SyncLevel;
use crate::error::{Error, IoContext, Result};
use crate::group::{GroupWriter, LockedGroup};
use crate::layout::{PROTECTED, replace_extension};
use crate::locks::{DirectoryLock, LockMode};
use crate::owner;

const FILE_MODE: Mode = Mode::from_raw_mode(0o644);

/// A new snapshot, exclusively locked, together with its group. Dropping it without [`commit`](Self::commit) removes
/// its directory and everything in it.
#[derive(Debug)]
pub struct SnapshotWriter {
    group: Arc<LockedGroup>,
    path: SnapshotPath,
    directory: PathBuf,
    /// `None` only while it is dropped.
    lock: Option<DirectoryLock>,
    committed: bool,
}

impl GroupWriter {
    /// Makes the snapshot's directory and locks it; `None` when a snapshot of that time exists, which is never
    /// overwritten. What a killed process left (a directory without manifest that nobody holds a lock on) does not count
    /// as a snapshot: it is emptied and used.
    ///
    /// # Errors
    /// [`Error::Busy`] when somebody is reading or writing an unfinished snapshot of that time; [`Error::Argument`] for an
    /// impossible time; [`Error::Io`].
    pub fn create_snapshot(&self, time: i64) -> Result<Option<SnapshotWriter>> {
        let group = &self.0;
        let path = SnapshotPath::new(group.namespace.clone(), group.group.clone(), time)
            .map_err(Error::Argument)?;
        let directory = group.store.snapshot_directory(&path);
        let made = group.store.make_directory(&directory)?;
        if !made && is_taken(&directory) {
            return Ok(None);
        }
        let lock = group.store.lock_snapshot(&path, LockMode::Exclusive);
        if made && lock.is_err() {
            // Empty; the reason why it cannot be used is the one to tell.
            let _ = std::fs::remove_dir(&directory);
        }
        let lock = lock?;
        if !made {
            // Asked again now that nobody else can be at it.
            if is_taken(&directory) {
                return Ok(None);
            }
            remove_files(&lock, &directory)?;
        }
        Ok(Some(SnapshotWriter {
            group: Arc::clone(group),
            path,
            directory,
            lock: Some(lock),
            committed: false,
        }))
    }
}

fn is_taken(directory: &std::path::Path) -> bool {
    // Anything but a plain "no" is a reason to keep off.
    let absent = |name| {
        let found = directory.join(name).symlink_metadata();
        found.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    };
    !(absent(MANIFEST_NAME) && absent(PROTECTED))
}

impl SnapshotWriter {
    /// The snapshot.
    pub fn path(&self) -> &SnapshotPath {
        &self.path
    }

    /// Its directory.
    pub fn directory(&self) -> &std::path::Path {
        &self.directory
    }

    /// Begins a file. It lies under a temporary name until [`SnapshotFile::finish`].
    ///
    /// # Errors
    /// [`Error::Argument`] when `name` cannot be a file of a snapshot (`*.fidx`, `*.didx`, `*.blob`);
    /// [`Error::Request`] for the manifest;
    /// [`Error::Exists`] when the snapshot has it already; [`Error::Io`].
    pub fn create_file(&self, name: &str) -> Result<SnapshotFile<'_>> {
        check_archive_name(name).map_err(Error::Argument)?;
        if name == MANIFEST_NAME {
            return Err(Error::Request(format!(
                "{name} is the manifest, it comes last"
            )));
        }
        let path = self.directory.join(name);
        if path.symlink_metadata().is_ok() {
            return Err(Error::Exists { path });
        }
        self.begin(name)
    }

    fn begin(&self, name: &str) -> Result<SnapshotFile<'_>> {
        let temporary = replace_extension(name, "tmp");
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = self.directory.join(name);
        let fd =
            rustix::fs::openat(self.lock()?, &temporary, flags, FILE_MODE).at("create", &path)?;
        Ok(SnapshotFile {
            snapshot: self,
            file: File::from(fd),
            name: name.to_owned(),
            temporary,
            path,
            renamed: false,
        })
    }

    /// Writes a whole file.
    ///
    /// # Errors
    /// As [`create_file`](Self::create_file).
    pub fn write_file(&self, name: &str, content: &[u8]) -> Result<()> {
        let mut file = self.create_file(name)?;
        file.append(content)?;
        file.finish()
    }

    /// Completes the snapshot: `manifest` (the content of `index.json.blob`) appears last. Whoever wants the chunks on
    /// disk before calls [`ChunkStore::finish`](crate::ChunkStore::finish) first.
    ///
    /// # Errors
    /// [`Error::Io`]; the snapshot is removed.
    pub fn commit(mut self, manifest: &[u8]) -> Result<()> {
        let mut file = self.begin(MANIFEST_NAME)?;
        file.append(manifest)?;
        let sync = self.group.store.options().sync_level != SyncLevel::None;
        if sync {
            file.file.sync_all().at("sync", &file.path)?;
        }
        file.finish()?;
        if sync {
            rustix::fs::fsync(self.lock()?).at("sync", &self.directory)?;
        }
        self.committed = true;
        self.group.used.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn lock(&self) -> Result<&DirectoryLock> {
        self.lock.as_ref().ok_or_else(|| Error::Vanished {
            path: self.directory.clone(),
        })
    }
}

impl Drop for SnapshotWriter {
    fn drop(&mut self) {
        let Some(lock) = self.lock.take() else {
            return;
        };
        // Nobody is left to hear an error. What cannot be removed has no manifest, so it does not count as a snapshot.
        if !self.committed
            && remove_files(&lock, &self.directory).is_ok()
            && std::fs::remove_dir(&self.directory).is_ok()
        {
            lock.remove_lock_file();
        }
    }
}

/// Empties a snapshot's directory, the manifest first, so that a half-removed snapshot never looks like a whole one.
fn remove_files(directory: impl AsFd, path: &std::path::Path) -> Result<()> {
    let directory = directory.as_fd();
    let remove =
        |name: &std::ffi::CStr| match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            other => other.at("remove from", path),
        };
    remove(c"index.json.blob")?;
    let mut entries = Dir::read_from(directory).at("list", path)?;
    while let Some(entry) = entries.read() {
        let entry = entry.at("list", path)?;
        if entry.file_type() != FileType::Directory {
            remove(entry.file_name())?;
        }
    }
    Ok(())
}

/// A file of a new snapshot while it is written. Dropping it without [`finish`](Self::finish) removes it.
#[derive(Debug)]
pub struct SnapshotFile<'a> {
    snapshot: &'a SnapshotWriter,
    file: File,
    name: String,
    temporary: String,
    path: PathBuf,
    renamed: bool,
}

impl SnapshotFile<'_> {
    /// Appends.
    ///
    /// # Errors
    /// [`Error::Io`] with the file's final path.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).at("write", &self.path)
    }

    /// Gives the file its mode, owner and name.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(mut self) -> Result<()> {
        rustix::fs::fchmod(&self.file, FILE_MODE).at("write", &self.path)?;
        let store = &self.snapshot.group.store;
        owner::give(store.options().owner, &self.file, &self.path)?;
        let directory = self.snapshot.lock()?;
        rustix::fs::renameat(directory, &self.temporary, directory, &self.name)
            .at("write", &self.path)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for SnapshotFile<'_> {
    fn drop(&mut self) {
        if !self.renamed {
            if let Ok(directory) = self.snapshot.lock() {
                // Gone with the whole directory otherwise.
                let _ = rustix::fs::unlinkat(directory, &self.temporary, AtFlags::empty());
            }
        }
    }
}
