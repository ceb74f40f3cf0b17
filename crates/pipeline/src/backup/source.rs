//! How a chunk file is read: out of the page cache where it is in there, past it where it is not.
//!
//! A backup reads most chunks once and never again. Through the page cache that costs the memory for them, what was in there
//! before, and more time than the disk takes: 1.1 processor seconds per GB against 0.3, on a virtual disk with 2.2 GB/s
//! against 3.4 for reading large aligned pieces past it. Where a file system has no such way, the kernel is asked to fetch
//! chunks early into its cache instead.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::num::NonZeroU64;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use ferrite_memory::{AlignedBuffer, DIRECT_ALIGNMENT};
use rustix::fs::{Advice, OFlags};
use rustix::io::{Errno, ReadWriteFlags};

/// A reader's buffer: one huge page. Twice as much was 7 % slower, because a piece is still in the processor's cache when it is
/// checked; less does not get a huge page, and took more than twice the time.
pub(super) const PIECE_BYTES: usize = 2 << 20;

/// Smaller chunks are not worth a way of their own.
const DIRECT_FROM_BYTES: u64 = 128 << 10;

/// The kernel fetches no more than this for one request on any disk (its default `max_sectors_kb` is 1280).
const FETCH_BYTES: u64 = 1 << 20;

const PAGE: u64 = DIRECT_ALIGNMENT as u64;

/// An open chunk file.
#[derive(Debug)]
pub(super) struct Source {
    file: File,
    bytes: u64,
    /// Read past the page cache.
    direct: bool,
}

/// What was found out about the file system of the chunks.
#[derive(Debug, Default)]
pub(super) struct SourceFileSystem {
    /// It does not read past the page cache.
    refused: AtomicBool,
}

/// How the bytes of a file come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Cached,
    Direct,
    /// Through the cache, and early.
    Fetched,
}

impl SourceFileSystem {
    /// A file that will not be read.
    pub fn unread(file: File, bytes: u64) -> Source {
        Source {
            file,
            bytes,
            direct: false,
        }
    }

    /// Decides how a file of `bytes` is to be read, and has its content fetched if that can be done without waiting.
    pub fn open(&self, file: File, bytes: u64) -> Source {
        let way = self.way(&file, bytes);
        if way == Way::Fetched {
            fetch(&file, bytes);
        }
        Source {
            file,
            bytes,
            direct: way == Way::Direct,
        }
    }

    fn way(&self, file: &File, bytes: u64) -> Way {
        if bytes < DIRECT_FROM_BYTES || self.refused.load(Ordering::Relaxed) {
            return Way::Fetched;
        }
        match is_cached(file, bytes) {
            Some(true) => Way::Cached,
            Some(false) if set_direct(file, true).is_ok() => Way::Direct,
            _ => {
                self.refuse();
                Way::Fetched
            }
        }
    }

    fn refuse(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }
}

impl Source {
    /// Reads from `offset` on, a piece of at most what fits `buffer` and never past the end. `offset` is where the last piece
    /// ended.
    ///
    /// # Errors
    /// Of the disk; [`io::ErrorKind::UnexpectedEof`] when the file is shorter than it was.
    pub fn piece<'b>(
        &mut self,
        offset: u64,
        buffer: &'b mut AlignedBuffer,
        file_system: &SourceFileSystem,
    ) -> io::Result<&'b [u8]> {
        buffer.set_len(PIECE_BYTES);
        let wanted = usize::try_from(self.bytes - offset).unwrap_or(usize::MAX);
        // Up to the end of its last page: the file ends in there.
        let room = wanted.next_multiple_of(DIRECT_ALIGNMENT).min(PIECE_BYTES);
        let wanted = wanted.min(room);
        let mut filled = 0;
        while filled < wanted {
            match self
                .file
                .read_at(&mut buffer[filled..room], offset + filled as u64)
            {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Accepted when it was opened, but not this alignment; or a read that ended in the middle of a page.
                Err(error) if self.direct && error.raw_os_error() == Some(INVALID) => {
                    file_system.refuse();
                    set_direct(&self.file, false)?;
                    self.direct = false;
                }
                Err(error) => return Err(error),
            }
        }
        if self.direct && offset + wanted as u64 == self.bytes {
            self.forget_probe();
        }
        Ok(&buffer[..wanted])
    }

    /// Is it read past the page cache, piece by piece?
    pub fn is_direct(&self) -> bool {
        self.direct
    }

    /// Reads `buffer` full from `offset` on, out of the page cache.
    ///
    /// # Errors
    /// As [`Source::piece`].
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    /// The question whether it is cached brought its last page into the cache: whoever asks next must not find it.
    fn forget_probe(&self) {
        let _ = rustix::fs::fadvise(&self.file, last_page(self.bytes), None, Advice::DontNeed);
    }
}

const INVALID: i32 = Errno::INVAL.raw_os_error();

fn last_page(bytes: u64) -> u64 {
    (bytes - 1) / PAGE * PAGE
}

/// Is the end of a file in the page cache? One page of it is read in the background if not. `None`: the file system cannot
/// tell.
fn is_cached(file: &File, bytes: u64) -> Option<bool> {
    let offset = last_page(bytes);
    let mut page = [0; DIRECT_ALIGNMENT];
    let mut slices = [IoSliceMut::new(&mut page)];
    match rustix::io::preadv2(file, &mut slices, offset, ReadWriteFlags::NOWAIT) {
        Ok(_) => Some(true),
        Err(Errno::AGAIN) => Some(false),
        Err(_) => None,
    }
}

fn set_direct(file: &File, direct: bool) -> io::Result<()> {
    let mut flags = rustix::fs::fcntl_getfl(file)?;
    flags.set(OFlags::DIRECT, direct);
    Ok(rustix::fs::fcntl_setfl(file, flags)?)
}

/// Asks the kernel to read a whole file into its cache, and does not wait for it.
fn fetch(file: &File, bytes: u64) {
    let mut offset = 0;
    while offset < bytes {
        // Only advice: whatever hinders it will show when the file is read.
        let _ = rustix::fs::fadvise(file, offset, NonZeroU64::new(FETCH_BYTES), Advice::WillNeed);
        offset += FETCH_BYTES;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|at| (at / 7) as u8).collect()
    }

    /// A file that is on the disk and not in the cache, where that can be had.
    fn cold_file(content: &[u8]) -> tempfile::NamedTempFile {
        // Not the folder for temporary files, which may be in memory.
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target");
        let file = tempfile::NamedTempFile::new_in(folder).unwrap();
        std::fs::write(file.path(), content).unwrap();
        let open = File::open(file.path()).unwrap();
        open.sync_all().unwrap();
        rustix::fs::fadvise(&open, 0, None, Advice::DontNeed).unwrap();
        file
    }

    fn read_all(source: &mut Source, file_system: &SourceFileSystem) -> io::Result<Vec<u8>> {
        let mut buffer = AlignedBuffer::new();
        let mut all = Vec::new();
        while (all.len() as u64) < source.bytes {
            all.extend_from_slice(source.piece(all.len() as u64, &mut buffer, file_system)?);
        }
        Ok(all)
    }

    #[test]
    fn every_length_is_read_whole_whether_cached_or_not() {
        for bytes in [
            1,
            4096,
            DIRECT_FROM_BYTES as usize,
            PIECE_BYTES - 1,
            PIECE_BYTES,
            PIECE_BYTES + 1,
            9_000_001,
        ] {
            let content = content(bytes);
            let file = cold_file(&content);
            for _ in 0..2 {
                let file_system = SourceFileSystem::default();
                let open = File::open(file.path()).unwrap();
                let mut source = file_system.open(open, bytes as u64);
                assert!(read_all(&mut source, &file_system).unwrap() == content);
                // For the second round.
                std::fs::read(file.path()).unwrap();
            }
        }
    }

    #[test]
    fn what_is_cached_is_read_from_there() {
        let content = content(1 << 20);
        let file = cold_file(&content);
        let file_system = SourceFileSystem::default();
        let open = || File::open(file.path()).unwrap();
        let mut cold = file_system.open(open(), 1 << 20);
        if cold.is_direct() {
            read_all(&mut cold, &file_system).unwrap();
            assert!(file_system.open(open(), 1 << 20).is_direct());
        }
        std::fs::read(file.path()).unwrap();
        assert!(!file_system.open(open(), 1 << 20).is_direct());
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        let file = cold_file(&content(200_000));
        let file_system = SourceFileSystem::default();
        let mut source = file_system.open(File::open(file.path()).unwrap(), 300_000);
        let error = read_all(&mut source, &file_system).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_file_system_that_refuses_is_not_asked_again() {
        let content = content(300_000);
        let file = cold_file(&content);
        let file_system = SourceFileSystem::default();
        file_system.refuse();
        let mut source = file_system.open(File::open(file.path()).unwrap(), 300_000);
        assert!(!source.is_direct());
        assert!(read_all(&mut source, &file_system).unwrap() == content);
    }
}
