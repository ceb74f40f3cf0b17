//! Putting a chunk into the store: the rules of datastore.md 5.2, and a fast write.
//!
//! A chunk appears under its name complete or not at all: temporary file, then rename. Large chunks are written with
//! O_DIRECT, which halves the CPU time of a restore (no page cache to fill), where the file system takes it. Nothing is
//! synced per chunk unless the store's sync level is `file`; [`ChunkStore::finish`] does it once.

use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ferrite_formats::{Digest, magic};
use ferrite_memory::{AlignedBuffer, DIRECT_ALIGNMENT};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{ChunkStore, MAX_CHUNK_FILE_BYTES, SyncLevel};
use crate::error::{Error, IoContext, Result};
use crate::layout::chunk_dir::FOLDER_MODE;
use crate::owner;

/// Insertion of one digest is serial in the process, that of different ones is (nearly always) not. Shared by all
/// stores: cheaper than a table of stores, and as good.
static INSERTING: [Mutex<()>; 256] = [const { Mutex::new(()) }; 256];

/// Blobs shorter than this go through the page cache.
const DIRECT_FROM_BYTES: usize = 64 * 1024;

const CHUNK_MODE: Mode = Mode::from_raw_mode(0o644);

/// What insertion did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// The chunk was not there and is now.
    New,
    /// The chunk was there and was marked as used.
    Present,
    /// An empty file had its place, or a longer encoding of the same content; it was replaced.
    Replaced,
}

/// What the file that has the chunk's name means for the insertion.
enum Existing {
    None,
    Keep,
    Replace,
}

impl ChunkStore {
    /// Inserts `blob` (a whole, already verified blob with its header) as chunk `digest`. `scratch` is memory that one
    /// thread reuses; it stays nearly empty when `blob` lies in an [`AlignedBuffer`] itself.
    ///
    /// # Errors
    /// [`Error::Request`] for a blob of impossible size; [`Error::Damaged`] when no regular file has the chunk's name, or
    /// when an encrypted chunk would replace a plain one (datastore.md 5.2 rule 4); [`Error::Io`], naming the chunk's path;
    /// nothing half-written stays.
    pub fn insert(
        &self,
        digest: &Digest,
        blob: &[u8],
        scratch: &mut AlignedBuffer,
    ) -> Result<Inserted> {
        if blob.len() < 12 || blob.len() as u64 > MAX_CHUNK_FILE_BYTES {
            return Err(Error::Request(format!(
                "chunk {digest}: {} bytes is no size of a chunk",
                blob.len()
            )));
        }
        let name = digest.chunk_path();
        let _serial = serialize(digest);
        let inserted = match self.existing(digest, &name, blob)? {
            Existing::None => Inserted::New,
            Existing::Replace => Inserted::Replaced,
            // Garbage collection may have removed it between the two calls; then it is new after all.
            Existing::Keep if self.touch(digest)? => return Ok(Inserted::Present),
            Existing::Keep => Inserted::New,
        };
        self.write(digest, &name, blob, scratch)?;
        Ok(inserted)
    }

    /// Rules 1 to 5.
    fn existing(&self, digest: &Digest, name: &str, blob: &[u8]) -> Result<Existing> {
        let stat = match rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(Existing::None),
            Err(error) => return Err(error).at("stat", self.chunk_path(digest)),
        };
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return Err(self.damaged(digest, "is not a regular file"));
        }
        let have = u64::try_from(stat.st_size).unwrap_or(0);
        let want = blob.len() as u64;
        if have == want {
            return Ok(Existing::Keep);
        }
        if have == 0 {
            return Ok(Existing::Replace);
        }
        if is_encrypted(blob) {
            self.check_encrypted(digest, name, blob)?;
            return Ok(Existing::Keep);
        }
        Ok(if have < want {
            Existing::Keep
        } else {
            Existing::Replace
        })
    }

    /// Rule 4: an encrypted chunk meets another file of its name.
    fn check_encrypted(&self, digest: &Digest, name: &str, blob: &[u8]) -> Result<()> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let path = self.chunk_path(digest);
        let file =
            rustix::fs::openat(&self.folder, name, flags, Mode::empty()).at("open", &path)?;
        let mut found = [0; 8];
        rustix::io::pread(&file, &mut found, 0).at("read", &path)?;
        if !is_encrypted(&found) {
            return Err(self.damaged(
                digest,
                "is not encrypted, but an encrypted chunk of the same digest is to be stored",
            ));
        }
        if found == magic::BLOB_ENCRYPTED_1_0 && blob.starts_with(&found) {
            return Err(self.damaged(
                digest,
                "has another length than the encrypted chunk that is to be stored",
            ));
        }
        Ok(())
    }

    /// Rule 6: temporary file, rename.
    fn write(
        &self,
        digest: &Digest,
        name: &str,
        blob: &[u8],
        scratch: &mut AlignedBuffer,
    ) -> Result<()> {
        let temporary = temporary_name(name)?;
        let path = self.chunk_path(digest);
        let written = self
            .create(&temporary, blob.len())
            .and_then(|(fd, direct)| {
                self.fill(&fd, direct, blob, scratch)?;
                rustix::fs::fchmod(&fd, CHUNK_MODE)?;
                if self.sync_level == SyncLevel::File {
                    rustix::fs::fsync(&fd)?;
                }
                Ok(fd)
            });
        let renamed = written.at("write", &path).and_then(|fd| {
            owner::give(self.owner, &fd, &path)?;
            rustix::fs::renameat(&self.folder, &temporary, &self.folder, name).at("write", &path)
        });
        if renamed.is_err() {
            // The first error is the one to tell.
            let _ = rustix::fs::unlinkat(&self.folder, &temporary, AtFlags::empty());
            return renamed;
        }
        if self.sync_level == SyncLevel::File {
            self.sync_folder(digest)?;
        }
        Ok(())
    }

    /// Opens the temporary file; true when with O_DIRECT. Makes the chunk's folder when it is missing.
    fn create(&self, temporary: &str, bytes: usize) -> Result<(OwnedFd, bool), Errno> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let direct = bytes >= DIRECT_FROM_BYTES && self.direct_accepted();
        let open = |direct: bool| {
            let extra = if direct {
                OFlags::DIRECT
            } else {
                OFlags::empty()
            };
            rustix::fs::openat(&self.folder, temporary, flags | extra, CHUNK_MODE)
        };
        let opened = match open(direct) {
            Err(Errno::NOENT) => {
                self.make_folder(&temporary[..4])?;
                open(direct)
            }
            other => other,
        };
        match opened {
            Err(Errno::INVAL) if direct => {
                self.refuse_direct();
                // Some file systems leave the file behind when they refuse.
                let _ = rustix::fs::unlinkat(&self.folder, temporary, AtFlags::empty());
                Ok((open(false)?, false))
            }
            other => Ok((other?, direct)),
        }
    }

    fn make_folder(&self, folder: &str) -> Result<(), Errno> {
        match rustix::fs::mkdirat(&self.folder, folder, FOLDER_MODE) {
            Ok(()) => {
                let path = self.path.join(folder);
                // An owner that cannot be set now shows at the chunk itself.
                let _ = owner::give_at(self.owner, &self.folder, folder, &path);
                Ok(())
            }
            Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn fill(
        &self,
        fd: &OwnedFd,
        direct: bool,
        blob: &[u8],
        scratch: &mut AlignedBuffer,
    ) -> Result<(), Errno> {
        if direct {
            match write_direct(fd, blob, scratch) {
                Err(Errno::INVAL) => {
                    self.refuse_direct();
                    leave_direct(fd)?;
                    rustix::fs::ftruncate(fd, 0)?;
                }
                other => return other,
            }
        }
        write_all(fd, blob, 0)
    }

    fn sync_folder(&self, digest: &Digest) -> Result<()> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let folder = digest.chunk_folder();
        rustix::fs::openat(&self.folder, &folder, flags, Mode::empty())
            .and_then(rustix::fs::fsync)
            .at("sync", self.path.join(folder))
    }
}

/// All but the last, unaligned bytes with O_DIRECT, from where they lie if that is aligned, else through `scratch`. The last
/// bytes go through the page cache: padding them and cutting the file afterwards costs the file system two milliseconds.
fn write_direct(fd: &OwnedFd, blob: &[u8], scratch: &mut AlignedBuffer) -> Result<(), Errno> {
    let (head, tail) = blob.split_at(blob.len() & !(DIRECT_ALIGNMENT - 1));
    if head.as_ptr().align_offset(DIRECT_ALIGNMENT) == 0 {
        write_all(fd, head, 0)?;
    } else {
        scratch.clear();
        scratch.extend_from_slice(head);
        write_all(fd, scratch, 0)?;
    }
    if tail.is_empty() {
        return Ok(());
    }
    leave_direct(fd)?;
    write_all(fd, tail, head.len() as u64)
}

/// What is written from now on goes through the page cache.
fn leave_direct(fd: &OwnedFd) -> Result<(), Errno> {
    let flags = rustix::fs::fcntl_getfl(fd)?;
    rustix::fs::fcntl_setfl(fd, flags - OFlags::DIRECT)
}

fn write_all(fd: &OwnedFd, mut bytes: &[u8], mut offset: u64) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::pwrite(fd, bytes, offset) {
            // A write that makes no progress and gives no reason: call it a full disk, it is what it means in practice.
            Ok(0) => return Err(Errno::NOSPC),
            Ok(written) => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_encrypted(blob: &[u8]) -> bool {
    blob.starts_with(&magic::BLOB_ENCRYPTED_1_0)
        || blob.starts_with(&magic::BLOB_ZSTD_ENCRYPTED_1_0)
}

fn serialize(digest: &Digest) -> MutexGuard<'static, ()> {
    // The last byte: the first two are the folder, and may be what a test or a tape's order has in common.
    let shard = &INSERTING[usize::from(digest.as_bytes()[31])];
    // The mutex guards no data, so a panicked holder leaves nothing broken.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `<name>.tmp_XXXXXX` (datastore.md 2).
fn temporary_name(name: &str) -> Result<String> {
    Ok(format!("{name}.{}", crate::temporary::suffix()?))
}
