//! A snapshot that is being read: locked, its manifest loaded, its files open (datastore.md 3.5).
//!
//! All files are opened at once and described by what `fstat` says of the open file: PBS may replace the manifest (notes,
//! verification result) while the snapshot is locked for reading, and size and content must belong together.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use ferrite_formats::SnapshotPath;
use ferrite_formats::archive_name::{ArchiveKind, CLIENT_LOG_NAME, MANIFEST_NAME};
use ferrite_formats::index::Index;
use ferrite_formats::manifest::{MAX_MANIFEST_BYTES, Manifest};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::error::{Error, FormatContext, IoContext, Result};
use crate::locks::{DirectoryLock, LockMode};
use crate::store::Store;

/// Largest index that is read into memory: 26 million chunks, 100 TiB at the usual chunk size.
pub const MAX_INDEX_BYTES: u64 = 1 << 30;

/// A snapshot locked for reading. Dropping it releases the lock.
#[derive(Debug)]
pub struct SnapshotReader {
    store: Store,
    path: SnapshotPath,
    directory: PathBuf,
    /// Held for as long as files are read.
    _lock: DirectoryLock,
    manifest: Manifest,
    files: Vec<StoredFile>,
}

/// A file of a snapshot, open.
#[derive(Debug)]
pub struct StoredFile {
    name: String,
    path: PathBuf,
    kind: ArchiveKind,
    file: File,
    stat: FileStat,
}

/// What a snapshot archive on tape says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStat {
    /// Full Unix mode, type included.
    pub mode: u32,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Modification time, whole seconds since 1970.
    pub mtime_seconds: i64,
    /// Nanoseconds after `mtime_seconds`, 0 to 999,999,999.
    pub mtime_nanoseconds: u32,
    /// Length in bytes.
    pub size: u64,
}

impl Store {
    /// Locks a finished snapshot for reading, without waiting, and opens its files.
    ///
    /// # Errors
    /// [`Error::Vanished`] when it is not there any more, to be skipped silently; [`Error::Busy`] when somebody writes or
    /// removes it; [`Error::Format`] or [`Error::Damaged`] for a manifest that cannot be used; [`Error::Io`], also when
    /// the manifest or a file that it lists is missing.
    pub fn open_snapshot(&self, snapshot: &SnapshotPath) -> Result<SnapshotReader> {
        let lock = self.lock_snapshot(snapshot, LockMode::Shared)?;
        let directory = self.snapshot_directory(snapshot);
        let manifest_file = StoredFile::open(&lock, &directory, MANIFEST_NAME)?;
        let blob = manifest_file.read_all(MAX_MANIFEST_BYTES)?;
        let manifest = Manifest::parse_blob(&blob).of(&manifest_file.path)?;

        let mut files = vec![manifest_file];
        for listed in manifest.files() {
            // The parser refuses names that leave the directory, and names that stand there twice.
            if listed.filename != MANIFEST_NAME {
                files.push(StoredFile::open(&lock, &directory, &listed.filename)?);
            }
        }
        match StoredFile::open(&lock, &directory, CLIENT_LOG_NAME) {
            Ok(log) if files.iter().all(|file| file.name != CLIENT_LOG_NAME) => files.push(log),
            Ok(_) => {}
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
        Ok(SnapshotReader {
            store: self.clone(),
            path: snapshot.clone(),
            directory,
            _lock: lock,
            manifest,
            files,
        })
    }
}

impl SnapshotReader {
    /// The snapshot.
    pub fn path(&self) -> &SnapshotPath {
        &self.path
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The store it is in.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its files in the order of a tape: the manifest, what it lists, the client's log if there is one.
    pub fn files(&self) -> &[StoredFile] {
        &self.files
    }

    /// The file called `name`.
    pub fn file(&self, name: &str) -> Option<&StoredFile> {
        self.files.iter().find(|file| file.name == name)
    }

    /// Reads an index file.
    ///
    /// # Errors
    /// [`Error::Format`], also for a file above [`MAX_INDEX_BYTES`]; [`Error::Io`].
    pub fn read_index(&self, file: &StoredFile) -> Result<Index> {
        let content = file.read_all(MAX_INDEX_BYTES)?;
        Index::parse(&file.name, content).of(&file.path)
    }
}

impl StoredFile {
    fn open(directory: impl AsFd, directory_path: &Path, name: &str) -> Result<Self> {
        let path = directory_path.join(name);
        // NONBLOCK: a pipe in a file's place must be an error, not a hang.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(directory, name, flags, Mode::empty()).at("open", &path)?;
        let stat = rustix::fs::fstat(&fd).at("stat", &path)?;
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return Err(Error::Damaged {
                path,
                detail: "is not a regular file".to_owned(),
            });
        }
        Ok(Self {
            kind: ArchiveKind::of(name).of(&path)?,
            name: name.to_owned(),
            path,
            file: File::from(fd),
            stat: FileStat {
                mode: stat.st_mode,
                uid: stat.st_uid,
                gid: stat.st_gid,
                mtime_seconds: stat.st_mtime,
                // The kernel keeps them within a second.
                mtime_nanoseconds: u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
                size: u64::try_from(stat.st_size).unwrap_or(0),
            },
        })
    }

    /// Its name, a plain file name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its path, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds, by its name.
    pub fn kind(&self) -> ArchiveKind {
        self.kind
    }

    /// Mode, owner, time and length, as of its opening.
    pub fn stat(&self) -> &FileStat {
        &self.stat
    }

    /// Reads its content from the start: exactly [`FileStat::size`] bytes, or an error. May be called repeatedly.
    pub fn reader(&self) -> StoredFileReader<'_> {
        StoredFileReader {
            file: self,
            offset: 0,
        }
    }

    /// The whole content.
    ///
    /// # Errors
    /// [`Error::Damaged`] when longer than `limit`; [`Error::Io`].
    pub fn read_all(&self, limit: u64) -> Result<Vec<u8>> {
        if self.stat.size > limit {
            return Err(Error::Damaged {
                path: self.path.clone(),
                detail: format!("is {} bytes long, more than {limit}", self.stat.size),
            });
        }
        let mut content = Vec::with_capacity(usize::try_from(self.stat.size).unwrap_or(0));
        self.reader()
            .read_to_end(&mut content)
            .at("read", &self.path)?;
        Ok(content)
    }
}

/// Reads a [`StoredFile`]; has a position of its own.
#[derive(Debug)]
pub struct StoredFileReader<'a> {
    file: &'a StoredFile,
    offset: u64,
}

impl Read for StoredFileReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = self.file.stat.size - self.offset;
        let wanted = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        loop {
            match rustix::io::pread(&self.file.file, &mut buffer[..wanted], self.offset) {
                Ok(0) => {
                    return Err(std::io::Error::new(
                        std::io::ErrorKind::UnexpectedEof,
                        "the file became shorter while it was read",
                    ));
                }
                Ok(bytes) => {
                    self.offset += bytes as u64;
                    return Ok(bytes);
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
