//! Memory that the kernel writes as well.
//!
//! `unsafe` is allowed here, and only here in this crate: the kernel changes a mapped mailbox under us, so it is never seen as a
//! slice as a whole. Single numbers are read and written as atomics, byte ranges copied; a range is lent as a slice only while
//! the protocol says that it is ours (the data of a command between its arrival and its answer).
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use memmap2::{MmapOptions, MmapRaw};

/// A place outside of the mapping, or a number that is not aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{length} bytes at {at} are not in the mailbox of {size} bytes")]
pub struct OutOfBounds {
    /// Offset from the mapping's start.
    pub at: u64,
    /// How many bytes.
    pub length: usize,
    /// Bytes of the mapping.
    pub size: usize,
}

/// A mapping that two write.
#[derive(Debug)]
pub struct SharedMemory {
    map: MmapRaw,
}

impl SharedMemory {
    /// Maps the first `bytes` of a file or device.
    ///
    /// # Errors
    /// What mmap(2) gave.
    pub fn map(file: &File, bytes: usize) -> io::Result<Self> {
        let map = MmapOptions::new().len(bytes).map_raw(file)?;
        Ok(Self { map })
    }

    fn pointer(&self, at: u64, length: usize) -> Result<*mut u8, OutOfBounds> {
        let size = self.map.len();
        let outside = OutOfBounds { at, length, size };
        let start = usize::try_from(at).map_err(|_| outside)?;
        let end = start.checked_add(length).ok_or(outside)?;
        if end > size {
            return Err(outside);
        }
        // SAFETY: `start` is within the mapping or one past its end.
        Ok(unsafe { self.map.as_mut_ptr().add(start) })
    }

    fn atomic(&self, at: u64) -> Result<&AtomicU32, OutOfBounds> {
        let pointer = self.pointer(at, size_of::<AtomicU32>())?.cast::<u32>();
        if !pointer.is_aligned() {
            let (length, size) = (size_of::<AtomicU32>(), self.map.len());
            return Err(OutOfBounds { at, length, size });
        }
        // SAFETY: inside of the mapping, which lives as long as `self`, and aligned; any bits are a valid u32. The kernel
        // accesses such fields with plain loads and stores of the same width, which the hardware makes atomic.
        Ok(unsafe { AtomicU32::from_ptr(pointer) })
    }

    /// A number in native byte order; what was written before it by the kernel is visible afterwards.
    pub fn number(&self, at: u64) -> Result<u32, OutOfBounds> {
        Ok(self.atomic(at)?.load(Ordering::Acquire))
    }

    /// Stores a number; what was written before is visible to the kernel that reads it.
    pub fn store_number(&self, at: u64, value: u32) -> Result<(), OutOfBounds> {
        self.atomic(at)?.store(value, Ordering::Release);
        Ok(())
    }

    /// Copies bytes out.
    pub fn read(&self, at: u64, to: &mut [u8]) -> Result<(), OutOfBounds> {
        let from = self.pointer(at, to.len())?;
        // SAFETY: `from` has that many bytes, and `to` is no part of the mapping, which is never lent while `self` is.
        unsafe { std::ptr::copy_nonoverlapping(from, to.as_mut_ptr(), to.len()) };
        Ok(())
    }

    /// Copies bytes out.
    pub fn array<const N: usize>(&self, at: u64) -> Result<[u8; N], OutOfBounds> {
        let mut bytes = [0; N];
        self.read(at, &mut bytes)?;
        Ok(bytes)
    }

    /// Copies bytes in.
    pub fn write(&mut self, at: u64, from: &[u8]) -> Result<(), OutOfBounds> {
        let to = self.pointer(at, from.len())?;
        // SAFETY: as in `read`, the other way.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to, from.len()) };
        Ok(())
    }

    /// Lends a range that the other side leaves alone meanwhile: data of a command that has not been answered.
    pub fn lend(&mut self, at: u64, length: usize) -> Result<&mut [u8], OutOfBounds> {
        let start = self.pointer(at, length)?;
        // SAFETY: inside of the mapping; bytes are valid whatever they are. `&mut self` keeps every other access of this process
        // away. The kernel fills and reads a command's data before it announces and after it has been told of the answer, never
        // between (Documentation/target/tcmu-design).
        Ok(unsafe { std::slice::from_raw_parts_mut(start, length) })
    }
}
