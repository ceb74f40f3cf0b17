//! Zeroed memory at an aligned address, on huge pages where it is large.

use memmap2::{Advice, MmapMut};

use crate::DIRECT_ALIGNMENT;

/// Of x86-64 and, with pages of 4 KiB, of arm64.
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// A fixed number of bytes.
#[derive(Debug)]
pub(crate) struct Pages {
    storage: Storage,
    /// First aligned byte of the storage.
    start: usize,
    bytes: usize,
}

#[derive(Debug)]
enum Storage {
    Heap(Vec<u8>),
    Mapped(MmapMut),
}

impl Pages {
    /// `bytes` zeros. Without `unsafe`, so over-allocated and used from the first aligned byte on; what lies before it is
    /// never touched, and takes no memory.
    pub fn new(bytes: usize) -> Self {
        if bytes >= HUGE_PAGE_BYTES {
            if let Ok(map) = MmapMut::map_anon(bytes + HUGE_PAGE_BYTES) {
                // Refused by a kernel without huge pages.
                let _ = map.advise(Advice::HugePage);
                let start = map.as_ptr().align_offset(HUGE_PAGE_BYTES);
                let storage = Storage::Mapped(map);
                return Self {
                    storage,
                    start,
                    bytes,
                };
            }
        }
        let heap = vec![0; bytes + DIRECT_ALIGNMENT];
        let start = heap.as_ptr().align_offset(DIRECT_ALIGNMENT);
        Self {
            storage: Storage::Heap(heap),
            start,
            bytes,
        }
    }

    pub fn len(&self) -> usize {
        self.bytes
    }

    pub fn as_slice(&self) -> &[u8] {
        let all: &[u8] = match &self.storage {
            Storage::Heap(heap) => heap,
            Storage::Mapped(map) => map,
        };
        &all[self.start..self.start + self.bytes]
    }

    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        let all: &mut [u8] = match &mut self.storage {
            Storage::Heap(heap) => heap,
            Storage::Mapped(map) => map,
        };
        &mut all[self.start..self.start + self.bytes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_zero_and_aligned() {
        for bytes in [
            1,
            DIRECT_ALIGNMENT,
            HUGE_PAGE_BYTES - 1,
            HUGE_PAGE_BYTES,
            5 << 20,
        ] {
            let mut pages = Pages::new(bytes);
            assert_eq!(pages.len(), bytes);
            assert_eq!(pages.as_slice().len(), bytes);
            assert!(pages.as_slice().iter().all(|&byte| byte == 0));
            let alignment = if bytes < HUGE_PAGE_BYTES {
                DIRECT_ALIGNMENT
            } else {
                HUGE_PAGE_BYTES
            };
            assert_eq!(pages.as_slice().as_ptr().align_offset(alignment), 0);
            pages.as_mut_slice().fill(7);
            assert!(pages.as_slice().iter().all(|&byte| byte == 7));
        }
    }
}
