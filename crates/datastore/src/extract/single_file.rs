//! An image, a stream or a blob into one file.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ferrite_formats::blob::{BlobRef, MAX_BLOB_BYTES, MAX_PLAIN_BYTES};
use ferrite_formats::index::Index;
use rustix::fs::{CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::Context;
use super::chunk_stream::reader_threads;
use crate::chunk_reader::{ChunkReader, check_chunk_sizes};
use crate::error::{Error, FormatContext, IoContext, Result};
use crate::snapshot::{SnapshotReader, StoredFile};
use crate::temporary;
use crate::zero::is_zero;

impl Context<'_> {
    /// Writes the plain content of an index to `target`; chunks of zeros become holes. Answers 1, the number of files.
    pub(super) fn extract_stream(
        &self,
        snapshot: &SnapshotReader,
        file: &StoredFile,
        target: &Path,
    ) -> Result<u64> {
        let index = snapshot.read_index(file)?;
        check_chunk_sizes(&index, file)?;
        let new = NewFile::create(target)?;
        rustix::fs::ftruncate(&new.file, index.size()).at("write", target)?;
        self.write_chunks(&index, &new, target)?;
        new.finish()?;
        Ok(1)
    }

    /// The chunks are independent of each other, so each thread takes the next one and writes it where it belongs.
    fn write_chunks(&self, index: &Index, new: &NewFile, target: &Path) -> Result<()> {
        let next = AtomicUsize::new(0);
        let failure: Mutex<Option<Error>> = Mutex::new(None);
        let work = || -> Result<()> {
            let mut reader = ChunkReader::new(self.store.chunks())?;
            let mut plain = Vec::new();
            while let Some(entry) = index.entry(next.fetch_add(1, Ordering::Relaxed)) {
                self.cancel.check()?;
                reader.read_plain(&entry, &mut plain)?;
                if !is_zero(&plain) {
                    write_at(&new.file, &plain, entry.range.start).at("write", target)?;
                }
                self.progress.add(plain.len() as u64, || None);
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            for _ in 0..reader_threads().min(index.len()) {
                scope.spawn(|| {
                    if let Err(error) = work() {
                        // The others find nothing left to do.
                        next.store(usize::MAX / 2, Ordering::Relaxed);
                        if let Ok(mut failure) = failure.lock() {
                            failure.get_or_insert(error);
                        }
                    }
                });
            }
        });
        let failure = failure.into_inner();
        failure.unwrap_or_default().map_or(Ok(()), Err)
    }

    /// Writes the content of a blob to `target`. Answers 1, the number of files.
    pub(super) fn extract_blob(&self, file: &StoredFile, target: &Path) -> Result<u64> {
        let blob = file.read_all(MAX_BLOB_BYTES)?;
        let plain = BlobRef::parse(&blob)
            .and_then(|blob| blob.decode(None, MAX_PLAIN_BYTES))
            .of(file.path())?;
        let new = NewFile::create(target)?;
        write_at(&new.file, &plain, 0).at("write", target)?;
        new.finish()?;
        self.progress.add(plain.len() as u64, || None);
        Ok(1)
    }
}

pub(super) fn write_at(file: impl AsFd, mut bytes: &[u8], mut offset: u64) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::pwrite(&file, bytes, offset) {
            // A write that makes no progress and gives no reason: a full disk, in practice.
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

/// A file under a temporary name beside its final one. Dropping it without [`finish`](Self::finish) removes it.
struct NewFile {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
}

impl NewFile {
    fn create(target: &Path) -> Result<Self> {
        let exists = || Error::Exists {
            path: target.to_owned(),
        };
        if target.symlink_metadata().is_ok() {
            return Err(exists());
        }
        let Some(name) = target.file_name() else {
            return Err(exists());
        };
        let mut temporary = name.to_owned();
        temporary.push(format!(".{}", temporary::suffix()?));
        let temporary = target.with_file_name(temporary);
        // For the owner alone: what is inside may be anybody's disk.
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let fd =
            rustix::fs::open(&temporary, flags, Mode::from_raw_mode(0o600)).at("create", target)?;
        Ok(Self {
            file: File::from(fd),
            temporary,
            target: target.to_owned(),
        })
    }

    fn finish(mut self) -> Result<()> {
        let (from, to) = (&self.temporary, &self.target);
        let renamed = match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // File systems without this kind of renaming.
            Err(Errno::INVAL | Errno::NOSYS) => rustix::fs::rename(from, to),
            other => other,
        };
        match renamed {
            Ok(()) => {
                self.temporary = PathBuf::new();
                Ok(())
            }
            Err(Errno::EXIST) => Err(Error::Exists {
                path: self.target.clone(),
            }),
            Err(error) => Err(error).at("create", &self.target),
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.temporary.as_os_str().is_empty() {
            // The error that led here is the one to tell.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}
