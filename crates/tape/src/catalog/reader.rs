//! A catalog file read piece by piece, in constant memory and under its lock.
//!
//! A catalog of a full tape has hundreds of megabytes. It is neither read whole nor mapped: other programs write these
//! files, and a mapped file that is truncated under us would end the process.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use ferrite_formats::magic::{MEDIA_CATALOG_1_1, Magic};
use ferrite_formats::media_catalog::{
    CatalogError, CatalogIdentity, CatalogReader, CatalogRecord, CatalogState,
};

use crate::error::{Result, TapeError};
use crate::lock::{LOCK_WAIT, lock_exclusive, unlock};

/// Bytes read at once. Longer than the longest record (65 825 bytes), so that one always fits.
const WINDOW_BYTES: usize = 1 << 20;
const MAGIC_BYTES: usize = size_of::<Magic>();

/// An open catalog file. Its length is what it was on opening; what others append later is not seen.
#[derive(Debug)]
pub(crate) struct CatalogFile {
    file: File,
    path: PathBuf,
    identity: CatalogIdentity,
    bytes: u64,
}

impl CatalogFile {
    /// Opens the catalog of a tape and takes its exclusive lock, as PBS does for the time of loading.
    pub(crate) fn open(path: &Path, identity: CatalogIdentity) -> Result<Self> {
        let file = File::open(path).map_err(|error| TapeError::io("open catalog", path, error))?;
        Self::lock(file, path, identity)
    }

    /// As [`CatalogFile::open`], for a file that is open already.
    pub(crate) fn lock(file: File, path: &Path, identity: CatalogIdentity) -> Result<Self> {
        lock_exclusive(&file, path, LOCK_WAIT)?;
        let metadata = file
            .metadata()
            .map_err(|error| TapeError::io("read catalog", path, error))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            identity,
            bytes: metadata.len(),
        })
    }

    /// Gives the lock back; the file stays readable up to the length it had.
    pub(crate) fn unlock(&self) -> Result<()> {
        unlock(&self.file, &self.path)
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn into_file(self) -> File {
        self.file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Length of the file when it was opened.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Hands every record to `visit`, with the offset of its end in the file, checked against all rules (tape-format.md 7.3). Gives the state after the last.
    ///
    /// Can be called again, and reads the same bytes again.
    pub(crate) fn for_each(
        &self,
        mut visit: impl FnMut(u64, &CatalogRecord<'_>) -> Result<()>,
    ) -> Result<CatalogState> {
        let failed = |source| TapeError::catalog(&self.path, source);
        let mut state = CatalogState::new(self.identity);
        let mut window = Window::fill_first(&self.file, self.bytes)
            .map_err(|error| TapeError::io("read catalog", &self.path, error))?;
        loop {
            let (base, whole_file_seen) = (window.base, window.end() >= self.bytes);
            let mut records = CatalogReader::new(window.bytes()).map_err(failed)?;
            let used = loop {
                match records.next_record() {
                    Ok(Some((offset, record))) => {
                        let offset = base + offset;
                        state
                            .check(&record)
                            .map_err(|rule| failed(CatalogError::Rule { offset, rule }))?;
                        visit(base + records.offset(), &record)?;
                    }
                    Ok(None) => break records.offset(),
                    // The record goes on behind the window.
                    Err(CatalogError::Torn { offset, .. }) if !whole_file_seen => break offset,
                    Err(error) => return Err(failed(at_file_offset(error, base))),
                }
            };
            if whole_file_seen {
                return Ok(state);
            }
            window
                .slide(&self.file, used, self.bytes)
                .map_err(|error| TapeError::io("read catalog", &self.path, error))?;
        }
    }
}

/// Part of a catalog file in memory, always with the file's magic in front, so that it looks like a whole catalog.
struct Window {
    buffer: Vec<u8>,
    /// What to add to an offset in the buffer to get the offset in the file.
    base: u64,
}

impl Window {
    fn fill_first(file: &File, file_bytes: u64) -> io::Result<Self> {
        let mut window = Self {
            buffer: Vec::new(),
            base: 0,
        };
        window.read_on(file, file_bytes)?;
        Ok(window)
    }

    /// Drops what lies before `used` and reads on.
    fn slide(&mut self, file: &File, used: u64, file_bytes: u64) -> io::Result<()> {
        let magic = MAGIC_BYTES as u64;
        let dropped = used.saturating_sub(magic);
        self.buffer.drain(..dropped as usize);
        self.buffer[..MAGIC_BYTES].copy_from_slice(&MEDIA_CATALOG_1_1);
        self.base += dropped;
        self.read_on(file, file_bytes)
    }

    /// Fills the window up, at most to `file_bytes`.
    fn read_on(&mut self, file: &File, file_bytes: u64) -> io::Result<()> {
        let have = self.buffer.len();
        let left = file_bytes.saturating_sub(self.end());
        let room = (WINDOW_BYTES - have.min(WINDOW_BYTES)) as u64;
        let wanted = have + left.min(room) as usize;
        let start = self.end();
        self.buffer.resize(wanted, 0);
        file.read_exact_at(&mut self.buffer[have..], start)
    }

    fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Offset in the file behind the window.
    fn end(&self) -> u64 {
        self.base + self.buffer.len() as u64
    }
}

/// Turns an offset in the window into one in the file.
fn at_file_offset(mut error: CatalogError, base: u64) -> CatalogError {
    match &mut error {
        CatalogError::Torn { offset, .. }
        | CatalogError::UnknownTag { offset, .. }
        | CatalogError::Text { offset, .. }
        | CatalogError::Rule { offset, .. } => *offset += base,
        CatalogError::OldVersion | CatalogError::WrongMagic { .. } => {}
    }
    error
}
