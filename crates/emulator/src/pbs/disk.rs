//! The file system below the tape files, as a trait: tests bring one that fails.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Advice, FallocateFlags, Mode, OFlags};
use rustix::io::Errno;

const FILE_MODE: u32 = 0o644;
/// `f_type` of tmpfs (linux/magic.h TMPFS_MAGIC).
const TMPFS_MAGIC: rustix::fs::FsWord = 0x0102_1994;

/// How bytes reach the file best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteStyle {
    /// Past the page cache: aligned buffers, few big pieces.
    Direct,
    /// Through the page cache: as they come.
    Cached,
}

/// A tape file open for writing.
pub trait DiskFile: Send + Sync {
    /// How it wants to be written.
    fn style(&self) -> WriteStyle;

    /// Writes all of `bytes` at `offset`. On error gives the number of bytes that are there nevertheless.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), (usize, io::Error)>;

    /// Reserves room without changing the length. Not possible everywhere: then writes find their room themselves.
    fn reserve(&self, offset: u64, length: u64) -> io::Result<()>;

    /// Sets the length and gives back what was reserved behind it.
    fn truncate(&self, length: u64) -> io::Result<()>;

    /// Returns when the data would survive a power cut.
    fn sync(&self) -> io::Result<()>;
}

/// Opens tape files for writing.
pub trait Disk: Send + Sync {
    /// Makes the file, or empties it.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens an existing file.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
}

/// The machine's own file systems.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        open_for_writing(path, OFlags::CREATE | OFlags::TRUNC)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        open_for_writing(path, OFlags::empty())
    }
}

fn open_for_writing(path: &Path, flags: OFlags) -> io::Result<Arc<dyn DiskFile>> {
    let flags = flags | OFlags::WRONLY | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(FILE_MODE);
    match rustix::fs::open(path, flags | OFlags::DIRECT, mode) {
        Ok(file) if !is_tmpfs(&file) => {
            return Ok(Arc::new(SystemFile {
                file: File::from(file),
                style: WriteStyle::Direct,
            }));
        }
        // tmpfs takes the flag and copies all the same.
        Ok(_) | Err(Errno::INVAL | Errno::OPNOTSUPP) => {}
        Err(error) => return Err(error.into()),
    }
    let file = File::from(rustix::fs::open(path, flags, mode)?);
    Ok(Arc::new(SystemFile {
        file,
        style: WriteStyle::Cached,
    }))
}

fn is_tmpfs(file: &impl std::os::fd::AsFd) -> bool {
    rustix::fs::fstatfs(file).is_ok_and(|stat| stat.f_type == TMPFS_MAGIC)
}

struct SystemFile {
    file: File,
    style: WriteStyle,
}

impl SystemFile {
    /// Switches to cached writes; false if they are already.
    fn leave_direct(&self) -> bool {
        let Ok(flags) = rustix::fs::fcntl_getfl(&self.file) else {
            return false;
        };
        flags.contains(OFlags::DIRECT)
            && rustix::fs::fcntl_setfl(&self.file, flags - OFlags::DIRECT).is_ok()
    }
}

impl DiskFile for SystemFile {
    fn style(&self) -> WriteStyle {
        self.style
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), (usize, io::Error)> {
        let mut done = 0;
        while done < bytes.len() {
            match self.file.write_at(&bytes[done..], offset + done as u64) {
                Ok(0) => return Err((done, io::ErrorKind::WriteZero.into())),
                Ok(written) => done += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Opened, but this file system wants another alignment than ours: go through the cache instead.
                Err(error)
                    if error.raw_os_error() == Some(Errno::INVAL.raw_os_error())
                        && self.leave_direct() => {}
                Err(error) => return Err((done, error)),
            }
        }
        Ok(())
    }

    fn reserve(&self, offset: u64, length: u64) -> io::Result<()> {
        // The length stays what was written: a crash must not leave a file that ends in zeros.
        Ok(rustix::fs::fallocate(
            &self.file,
            FallocateFlags::KEEP_SIZE,
            offset,
            length,
        )?)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Prepares a file for reading from front to back.
pub(super) fn read_sequentially(file: &File) {
    // Only a hint: it doubles the kernel's readahead.
    let _ = rustix::fs::fadvise(file, 0, None, Advice::Sequential);
}

/// Opens a tape file for reading past the page cache; `None` where that is not possible or no gain.
pub(super) fn open_direct(path: &Path) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECT | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).ok()?;
    (!is_tmpfs(&file)).then(|| File::from(file))
}
