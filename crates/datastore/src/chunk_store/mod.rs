//! The chunks of a store: `.chunks/<4 hex>/<64 hex>`, one blob each (datastore.md 5).
//!
//! Everything goes relative to one descriptor of `.chunks`, so a path look-up costs two components. Nothing here looks
//! inside a blob beyond its magic number: callers verify before they insert.

mod count;
mod insert;

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use ferrite_formats::Digest;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::io::Errno;

pub use insert::Inserted;

pub(crate) use count::ChunkTotals;

use crate::error::{Error, IoContext, Result};
use crate::layout::CHUNKS;
use crate::owner::Owner;

/// Largest chunk file: 16 MiB of data and the longest blob header (datastore.md 4).
pub const MAX_CHUNK_FILE_BYTES: u64 = 16 * 1024 * 1024 + 44;

/// When written chunks are forced to disk (the `sync-level` tuning of a datastore).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SyncLevel {
    /// Never.
    None,
    /// Each file and its directory, as it is written.
    File,
    /// The whole file system once, when the work is done.
    #[default]
    Filesystem,
}

/// An open chunk file.
#[derive(Debug)]
pub struct ChunkFile {
    /// Open for reading, positioned at the start.
    pub file: File,
    /// Its length in bytes, 1 to [`MAX_CHUNK_FILE_BYTES`].
    pub bytes: u64,
}

/// The chunk store of one datastore. Shared by threads.
#[derive(Debug)]
pub struct ChunkStore {
    /// `.chunks`.
    folder: OwnedFd,
    path: PathBuf,
    owner: Option<Owner>,
    sync_level: SyncLevel,
    /// Set once the file system refused O_DIRECT, so that it is not asked again for each chunk.
    direct_refused: AtomicBool,
}

impl ChunkStore {
    pub(crate) fn open(base: &Path, owner: Option<Owner>, sync_level: SyncLevel) -> Result<Self> {
        let path = base.join(CHUNKS);
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(&path, flags, Mode::empty()).at("open", &path)?;
        Ok(Self {
            folder,
            path,
            owner,
            sync_level,
            direct_refused: AtomicBool::new(false),
        })
    }

    /// Where the file of a chunk is.
    pub fn chunk_path(&self, digest: &Digest) -> PathBuf {
        self.path.join(digest.chunk_path())
    }

    /// Opens a chunk for reading.
    ///
    /// # Errors
    /// [`Error::ChunkMissing`]; [`Error::Damaged`] when it is no regular file, empty, or longer than
    /// [`MAX_CHUNK_FILE_BYTES`]; [`Error::Io`].
    pub fn open_chunk(&self, digest: &Digest) -> Result<ChunkFile> {
        // NONBLOCK: a pipe in a chunk's place must be an error, not a hang.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let name = digest.chunk_path();
        let file = match rustix::fs::openat(&self.folder, &name, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::NOENT) => return Err(self.missing(digest)),
            Err(Errno::LOOP) => return Err(self.damaged(digest, "is a symbolic link")),
            Err(error) => return Err(error).at("open", self.chunk_path(digest)),
        };
        let stat = rustix::fs::fstat(&file).at("stat", self.chunk_path(digest))?;
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return Err(self.damaged(digest, "is not a regular file"));
        }
        let bytes = u64::try_from(stat.st_size).unwrap_or(0);
        match bytes {
            0 => Err(self.damaged(digest, "is empty")),
            1..=MAX_CHUNK_FILE_BYTES => Ok(ChunkFile { file, bytes }),
            _ => Err(self.damaged(
                digest,
                &format!("is {bytes} bytes long, too long for a chunk"),
            )),
        }
    }

    /// Reads a whole chunk file into `buffer`, replacing its content.
    ///
    /// # Errors
    /// As [`open_chunk`](Self::open_chunk); [`Error::Damaged`] when the file ends early.
    pub fn read_chunk(&self, digest: &Digest, buffer: &mut Vec<u8>) -> Result<()> {
        let chunk = self.open_chunk(digest)?;
        // Bounded by MAX_CHUNK_FILE_BYTES. Not cleared first: only what is new needs zeroing.
        buffer.resize(usize::try_from(chunk.bytes).unwrap_or(usize::MAX), 0);
        let mut filled = 0;
        while filled < buffer.len() {
            match rustix::io::read(&chunk.file, &mut buffer[filled..]) {
                Ok(0) => return Err(self.damaged(digest, "became shorter while it was read")),
                Ok(bytes) => filled += bytes,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error).at("read", self.chunk_path(digest)),
            }
        }
        Ok(())
    }

    /// Inode number of a chunk's file; `None` when it cannot be had.
    pub fn inode(&self, digest: &Digest) -> Option<u64> {
        let stat = rustix::fs::statat(&self.folder, digest.chunk_path(), AtFlags::SYMLINK_NOFOLLOW);
        stat.ok().map(|stat| stat.st_ino)
    }

    /// If the chunk is there (a regular file that is not empty), marks it as used now and answers true. Garbage
    /// collection goes by this mark, so whoever relies on a found chunk must call this before the index that refers to
    /// it appears (datastore.md 5.2).
    ///
    /// # Errors
    /// [`Error::Damaged`] when something else has its name; [`Error::Io`].
    pub fn touch_if_present(&self, digest: &Digest) -> Result<bool> {
        let name = digest.chunk_path();
        let stat = match rustix::fs::statat(&self.folder, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(false),
            Err(error) => return Err(error).at("stat", self.chunk_path(digest)),
        };
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return Err(self.damaged(digest, "is not a regular file"));
        }
        Ok(stat.st_size > 0 && self.touch(digest)?)
    }

    /// Access time now, modification time unchanged. False when the chunk is gone.
    fn touch(&self, digest: &Digest) -> Result<bool> {
        let time = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
        let times = Timestamps {
            last_access: time(UTIME_NOW),
            last_modification: time(UTIME_OMIT),
        };
        let name = digest.chunk_path();
        match rustix::fs::utimensat(&self.folder, name, &times, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error).at("mark as used", self.chunk_path(digest)),
        }
    }

    /// Renames a corrupt chunk to `<digest>.N.bad`, N the first of 0 to 9 that is free, else 9. Answers the new path;
    /// `None` when the chunk is gone.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn set_aside_bad(&self, digest: &Digest) -> Result<Option<PathBuf>> {
        let name = digest.chunk_path();
        let taken = |candidate: &String| {
            rustix::fs::statat(&self.folder, candidate, AtFlags::SYMLINK_NOFOLLOW).is_ok()
        };
        let bad = (0..9)
            .map(|number| format!("{name}.{number}.bad"))
            .find(|candidate| !taken(candidate))
            .unwrap_or_else(|| format!("{name}.9.bad"));
        match rustix::fs::renameat(&self.folder, &name, &self.folder, &bad) {
            Ok(()) => Ok(Some(self.path.join(bad))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error).at("rename", self.chunk_path(digest)),
        }
    }

    /// Forces everything written so far to disk, unless the sync level says otherwise. One call at the end of the work.
    ///
    /// # Errors
    /// [`Error::Io`], also for a write that failed after it was accepted.
    pub fn finish(&self) -> Result<()> {
        match self.sync_level {
            SyncLevel::Filesystem => rustix::fs::syncfs(&self.folder).at("sync", &self.path),
            SyncLevel::None | SyncLevel::File => Ok(()),
        }
    }

    fn direct_accepted(&self) -> bool {
        !self.direct_refused.load(Ordering::Relaxed)
    }

    fn refuse_direct(&self) {
        self.direct_refused.store(true, Ordering::Relaxed);
    }

    fn missing(&self, digest: &Digest) -> Error {
        Error::ChunkMissing {
            digest: *digest,
            path: self.chunk_path(digest),
        }
    }

    fn damaged(&self, digest: &Digest, detail: &str) -> Error {
        Error::Damaged {
            path: self.chunk_path(digest),
            detail: detail.to_owned(),
        }
    }
}
