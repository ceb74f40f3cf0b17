//! A vector of bytes whose content starts at an aligned address.

use std::ops::{Deref, DerefMut};

use crate::pages::Pages;

/// Alignment of address, offset and length that every disk accepts for direct I/O.
pub const DIRECT_ALIGNMENT: usize = 4096;

/// A reusable byte buffer whose content starts at an aligned address. What is collected in one is written to disk without a
/// further copy.
#[derive(Debug, Default)]
pub struct AlignedBuffer {
    /// None while it has no memory.
    pages: Option<Pages>,
    /// Bytes of content.
    len: usize,
}

impl AlignedBuffer {
    /// An empty buffer without memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A buffer of `bytes` zeros.
    #[must_use]
    pub fn zeroed(bytes: usize) -> Self {
        let mut buffer = Self::new();
        buffer.set_len(bytes);
        buffer
    }

    /// Bytes it can hold before it grows; a multiple of [`DIRECT_ALIGNMENT`].
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.pages.as_ref().map_or(0, Pages::len)
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
        let mut pages = Pages::new(rounded);
        pages.as_mut_slice()[..self.len].copy_from_slice(self);
        self.pages = Some(pages);
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
        let all = self.pages.as_ref().map_or(&[][..], Pages::as_slice);
        &all[..self.len]
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        let all = self.pages.as_mut().map_or(&mut [][..], Pages::as_mut_slice);
        &mut all[..self.len]
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
                prop_assert!(buffer.is_empty() || buffer.as_ptr().align_offset(DIRECT_ALIGNMENT) == 0);
                prop_assert_eq!(buffer.capacity() % DIRECT_ALIGNMENT, 0);
            }
            buffer.clear();
            prop_assert!(buffer.is_empty());
        }
    }

    #[test]
    fn content_outlives_the_move_to_huge_pages() {
        let mut buffer = AlignedBuffer::new();
        for piece in 0..40u8 {
            buffer.extend_from_slice(&[piece; 100_000]);
        }
        for (piece, bytes) in buffer.chunks(100_000).enumerate() {
            assert!(bytes.iter().all(|&byte| byte == piece as u8));
        }
        assert!(AlignedBuffer::zeroed(3 << 20).iter().all(|&byte| byte == 0));
    }
}
