//! A datastore: making one, opening one, and the way to everything in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ferrite_formats::snapshot_path::is_datastore_name;
use ferrite_formats::{BackupGroup, Namespace, SnapshotPath};
use rustix::fs::{CWD, Mode};
use rustix::io::Errno;

use crate::active_operations::{ActiveOperation, Operation};
use crate::chunk_store::{ChunkStore, SyncLevel};
use crate::error::{Error, IoContext, Result};
use crate::layout::{BASE_LOCK, CHUNKS, chunk_dir, group_path, snapshot_path};
use crate::locks::{
    BaseLock, DirectoryLock, LockFile, LockMode, group_lock_name, manifest_lock_name,
    snapshot_lock_name,
};
use crate::owner::{self, Owner};
use crate::progress::CancelFlag;

/// How long a manifest lock is waited for (datastore.md 3.3).
const MANIFEST_LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// In which order the chunks of one index are visited (the `chunk-order` tuning of a datastore).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChunkOrder {
    /// By inode number: roughly as they lie on a hard disk.
    #[default]
    Inode,
    /// As the index lists them (`none`).
    Index,
    /// By digest: the same on every machine, for tests.
    Digest,
}

/// Where a datastore is and how it is to be used.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Its name in the configuration; lock files are called by it.
    pub name: String,
    /// Its base directory.
    pub path: PathBuf,
    /// `<root>/run/proxmox-backup`: lock files and active operations lie below it.
    pub run_dir: PathBuf,
    /// Who is to own what is created; `None` leaves it to the process's user.
    pub owner: Option<Owner>,
    /// Order of chunks within an index.
    pub chunk_order: ChunkOrder,
    /// When written chunks are forced to disk.
    pub sync_level: SyncLevel,
}

impl StoreOptions {
    /// The defaults of PBS, for a name, a base directory and a run directory.
    pub fn new(
        name: impl Into<String>,
        path: impl Into<PathBuf>,
        run_dir: impl Into<PathBuf>,
    ) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
            run_dir: run_dir.into(),
            owner: None,
            chunk_order: ChunkOrder::default(),
            sync_level: SyncLevel::default(),
        }
    }
}

/// An open datastore. Clones are the same store; they may be used from any thread.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: StoreOptions,
    chunks: ChunkStore,
}

impl Store {
    /// Makes a store in a new or empty directory (`.chunks` with its 65,536 folders, `.lock`), or opens the store that
    /// is there without altering it. A store whose creation was interrupted is completed.
    ///
    /// # Errors
    /// [`Error::Name`]; [`Error::NotADatastore`] for a directory that holds something else; [`Error::Aborted`];
    /// [`Error::Io`]; what was made is removed again.
    pub fn create(options: StoreOptions, cancel: &CancelFlag) -> Result<Self> {
        check_name(&options.name)?;
        let base = &options.path;
        match State::of(base)? {
            State::Store => {}
            State::Foreign => {
                return Err(Error::NotADatastore {
                    path: base.clone(),
                    detail: "it is not empty and has no .chunks folder; choose a new or an empty directory"
                        .to_owned(),
                });
            }
            state => {
                let made_base = state == State::Missing;
                if made_base {
                    std::fs::create_dir_all(base).at("create", base)?;
                    owner::give_at(options.owner, CWD, base, base)?;
                }
                if let Err(error) = chunk_dir::make(base, options.owner, cancel) {
                    chunk_dir::remove(base, made_base);
                    return Err(error);
                }
            }
        }
        Self::open(options)
    }

    /// Opens an existing store.
    ///
    /// # Errors
    /// [`Error::Name`]; [`Error::NotADatastore`]; [`Error::Io`].
    pub fn open(options: StoreOptions) -> Result<Self> {
        check_name(&options.name)?;
        let base = &options.path;
        if !matches!(State::of(base)?, State::Store | State::Unfinished) {
            return Err(Error::NotADatastore {
                path: base.clone(),
                detail: "it has no .chunks folder; is its file system mounted?".to_owned(),
            });
        }
        let chunks = ChunkStore::open(base, options.owner, options.sync_level)?;
        Ok(Self(Arc::new(Inner { options, chunks })))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.options.name
    }

    /// Its base directory.
    pub fn path(&self) -> &Path {
        &self.0.options.path
    }

    /// What it was opened with.
    pub fn options(&self) -> &StoreOptions {
        &self.0.options
    }

    /// Its chunks.
    pub fn chunks(&self) -> &ChunkStore {
        &self.0.chunks
    }

    /// Counts an operation for as long as the result is held; PBS does not delete the store meanwhile.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Io`].
    pub fn begin(&self, operation: Operation) -> Result<ActiveOperation> {
        let options = self.options();
        ActiveOperation::begin(&options.run_dir, &options.name, operation, options.owner)
    }

    /// The lock that whoever writes chunks or indexes holds throughout. Waits up to `timeout` for garbage collection.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Aborted`]; [`Error::Io`].
    pub fn lock_for_writing(&self, timeout: Duration, cancel: &CancelFlag) -> Result<BaseLock> {
        BaseLock::acquire_shared(self.path(), self.options().owner, timeout, cancel)
    }

    /// Makes a namespace and those above it, one level at a time.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create_namespace(&self, namespace: &Namespace) -> Result<()> {
        let mut path = self.path().to_owned();
        for part in &PathBuf::from(namespace.path()) {
            path.push(part);
            self.make_directory(&path)?;
        }
        Ok(())
    }

    /// Path of a snapshot's directory.
    pub fn snapshot_directory(&self, snapshot: &SnapshotPath) -> PathBuf {
        self.path().join(snapshot_path(snapshot))
    }

    /// Locks a snapshot's directory, without waiting.
    ///
    /// # Errors
    /// [`Error::Vanished`]; [`Error::Busy`]; [`Error::Io`].
    pub fn lock_snapshot(&self, snapshot: &SnapshotPath, mode: LockMode) -> Result<DirectoryLock> {
        let directory = self.snapshot_directory(snapshot);
        let file = self.lock_path().join(snapshot_lock_name(snapshot));
        DirectoryLock::try_acquire(&directory, &file, mode, self.options().owner)
    }

    pub(crate) fn lock_group(
        &self,
        namespace: &Namespace,
        group: &BackupGroup,
    ) -> Result<DirectoryLock> {
        let directory = self.path().join(group_path(namespace, group));
        let file = self.lock_path().join(group_lock_name(namespace, group));
        DirectoryLock::try_acquire(&directory, &file, LockMode::Exclusive, self.options().owner)
    }

    /// Both manifest locks, of PBS up to 3.3.4 and after (datastore.md 3.3, since-3.2.4.md F3).
    pub(crate) fn lock_manifest(
        &self,
        snapshot: &SnapshotPath,
        cancel: &CancelFlag,
    ) -> Result<[LockFile; 2]> {
        let old = self
            .lock_path()
            .join(snapshot_path(snapshot))
            .join(format!("{}.index.json.lck", snapshot.time_text()));
        let new = self.lock_path().join(manifest_lock_name(snapshot));
        let acquire = |path: &Path| {
            let owner = self.options().owner;
            LockFile::acquire(
                path,
                LockMode::Exclusive,
                owner,
                MANIFEST_LOCK_TIMEOUT,
                cancel,
            )
        };
        Ok([acquire(&new)?, acquire(&old)?])
    }

    fn lock_path(&self) -> PathBuf {
        self.options().run_dir.join("locks").join(self.name())
    }

    /// A plain directory of the tree of namespaces, groups and snapshots. True when it was made, false when it was there.
    pub(crate) fn make_directory(&self, path: &Path) -> Result<bool> {
        match rustix::fs::mkdir(path, Mode::from_raw_mode(0o777)) {
            Ok(()) => {
                owner::give_at(self.options().owner, CWD, path, path)?;
                Ok(true)
            }
            Err(Errno::EXIST) => Ok(false),
            Err(error) => Err(error).at("create", path),
        }
    }
}

fn check_name(name: &str) -> Result<()> {
    if is_datastore_name(name) {
        return Ok(());
    }
    Err(Error::Name {
        what: "datastore name",
        text: name.to_owned(),
        rule: "must be 3 to 32 letters, digits, '_', '.' or '-', and begin with none of the last two",
    })
}

/// What is at a store's path.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Missing,
    Empty,
    /// Has `.chunks` but no `.lock`: a store that PBS has not written to yet, or an interrupted creation.
    Unfinished,
    Store,
    /// Something else.
    Foreign,
}

impl State {
    fn of(base: &Path) -> Result<Self> {
        let entries = match std::fs::read_dir(base) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::Missing),
            Err(error) => return Err(error).at("open", base),
        };
        let is_directory = |name| base.join(name).symlink_metadata().is_ok_and(|m| m.is_dir());
        if is_directory(CHUNKS) {
            let locked = base.join(BASE_LOCK).symlink_metadata().is_ok();
            return Ok(if locked {
                Self::Store
            } else {
                Self::Unfinished
            });
        }
        for entry in entries {
            // A fresh ext4 has this folder; it is in nobody's way.
            if entry.at("read", base)?.file_name() != "lost+found" {
                return Ok(Self::Foreign);
            }
        }
        Ok(Self::Empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// In memory: ext4 takes seconds for 65,536 folders, and more for removing them.
    fn folder() -> tempfile::TempDir {
        tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
    }

    fn options(path: &Path) -> StoreOptions {
        StoreOptions::new("store1", path, path.join("../run"))
    }

    #[test]
    fn a_new_store_has_all_folders_and_is_adopted_unaltered() {
        let dir = folder();
        let base = dir.path().join("new/store");
        Store::create(options(&base), &CancelFlag::new()).unwrap();
        let chunks = base.join(".chunks");
        assert_eq!(std::fs::read_dir(&chunks).unwrap().count(), 65_536);
        let mode = std::fs::metadata(chunks.join("ffff"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o750);
        assert_eq!(std::fs::metadata(base.join(".lock")).unwrap().len(), 0);

        std::fs::remove_dir(chunks.join("1234")).unwrap();
        Store::create(options(&base), &CancelFlag::new()).unwrap();
        assert!(
            !chunks.join("1234").exists(),
            "a complete store is left alone"
        );

        std::fs::remove_file(base.join(".lock")).unwrap();
        Store::create(options(&base), &CancelFlag::new()).unwrap();
        assert!(
            chunks.join("1234").exists(),
            "an unfinished one is completed"
        );
    }

    #[test]
    fn refuses_what_is_not_a_store() {
        let dir = folder();
        std::fs::write(dir.path().join("file"), "x").unwrap();
        let error = Store::create(options(dir.path()), &CancelFlag::new()).unwrap_err();
        assert_eq!(error.code(), "not-a-datastore");
        assert!(error.to_string().contains("is not empty"), "{error}");
        assert!(Store::open(options(dir.path())).is_err());
        assert!(Store::open(options(&dir.path().join("missing"))).is_err());
        let mut unnamed = options(&dir.path().join("x"));
        unnamed.name = "../x".to_owned();
        assert_eq!(
            Store::create(unnamed, &CancelFlag::new())
                .unwrap_err()
                .code(),
            "bad-name"
        );
    }

    #[test]
    fn a_stopped_creation_leaves_nothing() {
        let dir = folder();
        let base = dir.path().join("store");
        let cancel = CancelFlag::new();
        cancel.cancel();
        assert_eq!(
            Store::create(options(&base), &cancel).unwrap_err().code(),
            "aborted"
        );
        assert!(!base.exists());
    }
}
