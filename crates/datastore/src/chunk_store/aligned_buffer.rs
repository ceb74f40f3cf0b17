//! Memory that O_DIRECT accepts: starts at a multiple of 4096 and is padded to one.
//!
//! Without `unsafe`, so over-allocated by one page and used from the first aligned byte on.

use std::ops::{Deref, DerefMut};

/// Alignment of address, offset and length that every disk accepts for direct writes.
pub const DIRECT_ALIGNMENT: usize = 4096;

/// A reusable byte buffer whose content starts at an aligned address. Chunks collected in one are written to disk
/// without a further copy.
#[derive(Debug, Default)]
pub struct AlignedBuffer {
    storage: Vec<u8>,
    /// First aligned byte of `storage`.
    start: usize,
    /// Bytes of content.
    len: usize,
}

impl AlignedBuffer {
    /// An empty buffer without memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes it can hold before it grows; a multiple of [`DIRECT_ALIGNMENT`].
    pub fn capacity(&self) -> usize {
        (self.storage.len() - self.start) & !(DIRECT_ALIGNMENT - 1)
    }

    /// Grows until `bytes` fit; the content stays.
    pub fn reserve(&mut self, bytes: usize) {
        if bytes <= self.capacity() {
            return;
        }
        // Doubling keeps appending in pieces linear.
        let rounded = bytes
            .max(self.capacity() * 2)
            .next_multiple_of(DIRECT_ALIGNMENT);
        let mut storage = vec![0; rounded + DIRECT_ALIGNMENT];
        let start = storage.as_ptr().align_offset(DIRECT_ALIGNMENT);
        storage[start..start + self.len].copy_from_slice(self);
        self.storage = storage;
        self.start = start;
    }

    /// Forgets the content and keeps the memory.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Makes the content `bytes` long. What is added has unspecified values: zeros or earlier content.
    pub fn set_len(&mut self, bytes: usize) {
        self.reserve(bytes);
        self.len = bytes;
    }

    /// Appends.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        let old = self.len;
        self.set_len(old + bytes.len());
        self[old..].copy_from_slice(bytes);
    }
}

impl Deref for AlignedBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.storage[self.start..self.start + self.len]
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.storage[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn is_a_vector_at_an_aligned_address(pieces in prop::collection::vec(0usize..10_000, 0..8)) {
            let mut buffer = AlignedBuffer::new();
            let mut model = Vec::new();
            for (value, bytes) in pieces.into_iter().enumerate() {
                let piece = vec![value as u8; bytes];
                buffer.extend_from_slice(&piece);
                model.extend_from_slice(&piece);
                prop_assert_eq!(&buffer[..], &model[..]);
                prop_assert_eq!(buffer.as_ptr().align_offset(DIRECT_ALIGNMENT), 0);
            }
            buffer.clear();
            prop_assert!(buffer.is_empty());
        }
    }
}
