//! The one place where files are mapped into memory.
//!
//! `unsafe` is allowed here, and only here in this crate, for two reasons: the kernel can change a mapped file under us
//! (memmap2 therefore marks mapping as unsafe), and a byte slice has to be seen as a slice of fixed-size records to be
//! sorted in place. Both maps are only ever of chunk index files, which Ferrite alone writes: under a temporary name while
//! they grow, then renamed and never changed again, so no process truncates or rewrites a file that is mapped. Space is
//! allocated before the first store through a map, so that a full disk is an error and not a signal.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Write};

use memmap2::{Mmap, MmapMut};
use rustix::fs::FallocateFlags;
use rustix::io::Errno;

/// One record of the chunk index as it stands in the file: digest (32 bytes), archive number (u32le).
pub(crate) type Record = [u8; RECORD_BYTES];

/// Bytes of one [`Record`].
pub(crate) const RECORD_BYTES: usize = 36;

/// A chunk index file mapped for reading.
#[derive(Debug)]
pub(crate) struct MappedFile {
    map: Mmap,
}

impl MappedFile {
    /// Maps the whole file.
    pub(crate) fn open(file: &File) -> io::Result<Self> {
        // SAFETY: the file is a chunk index (see the module's head): nobody changes or truncates it while it has a name
        // or is mapped. Its bytes are plain integers, for which every value is valid, and are bounds checked by the reader.
        let map = unsafe { Mmap::map(file)? };
        Ok(Self { map })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Tells the kernel that lookups will jump about, so that it does not read ahead for each of them.
    pub(crate) fn expect_random_access(&self) {
        // Only advice: a kernel that refuses it still answers every lookup.
        let _ = self.map.advise(memmap2::Advice::Random);
    }

    /// Tells the kernel that the whole file is about to be read once, front to back.
    pub(crate) fn expect_sequential_access(&self) {
        let _ = self.map.advise(memmap2::Advice::Sequential);
    }
}

/// A chunk index file under construction, mapped for writing.
#[derive(Debug)]
pub(crate) struct GrowingFile {
    map: MmapMut,
}

impl GrowingFile {
    /// Allocates `length` bytes on disk for an empty file and maps them.
    pub(crate) fn allocate(file: &File, length: u64) -> io::Result<Self> {
        reserve(file, length)?;
        // SAFETY: the file has a temporary name, is locked by this process (see `index::build`) and its blocks are
        // allocated; nobody else opens it before it is renamed. Its bytes are plain integers, valid for every value.
        let map = unsafe { MmapMut::map_mut(file)? };
        Ok(Self { map })
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.map
    }
}

/// Sees `bytes` as records. The length must be a multiple of [`RECORD_BYTES`]; a rest is left out.
pub(crate) fn as_records(bytes: &mut [u8]) -> &mut [Record] {
    let count = bytes.len() / RECORD_BYTES;
    // SAFETY: `Record` is an array of bytes: alignment 1, no padding, every bit pattern valid. `count * RECORD_BYTES` is
    // not more than `bytes.len()`, and the result borrows `bytes` mutably, so there is no other access meanwhile.
    unsafe { std::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast::<Record>(), count) }
}

/// Makes `file` exactly `length` bytes long with all blocks on disk.
fn reserve(file: &File, length: u64) -> io::Result<()> {
    file.set_len(0)?;
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, length) {
        Ok(()) => return Ok(()),
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
        Err(error) => return Err(error.into()),
    }
    // No fallocate here (some network and FUSE file systems): zeros, written the ordinary way.
    let zeros = vec![0u8; 1 << 20];
    let mut left = length;
    let mut writer: &File = file;
    while left > 0 {
        let piece = usize::try_from(left).map_or(zeros.len(), |left| left.min(zeros.len()));
        writer.write_all(&zeros[..piece])?;
        left -= piece as u64;
    }
    Ok(())
}
