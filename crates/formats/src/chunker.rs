//! Content-defined chunker: cuts a byte stream where its content says, so that equal parts of two streams become equal
//! chunks (datastore.md 8). Cut points equal those of PBS clients.
//!
//! A rolling hash (Buzhash) runs over the last 64 bytes. Its value is a function of those bytes alone, so bytes that
//! cannot be near a cut (all but the last 64 of the smallest chunk) are skipped without hashing.

mod table;

use table::TABLE;

use crate::error::{FormatError, Result};

/// Average chunk size of PBS clients.
pub const DEFAULT_AVERAGE_BYTES: usize = 4 << 20;

/// Bytes the rolling hash looks at. A multiple of 32: the rotation of the leaving byte is then the identity.
const WINDOW_BYTES: usize = 64;

/// Finds the ends of chunks in a stream that arrives in pieces.
///
/// ```
/// use ferrite_formats::chunker::Chunker;
///
/// let mut chunker = Chunker::new(64 * 1024)?;
/// let data = vec![7; 1 << 20];
/// let (mut rest, mut lengths) = (&data[..], Vec::new());
/// while let Some(cut) = chunker.scan(rest) {
///     lengths.push(cut);
///     rest = &rest[cut..];
/// }
/// assert_eq!(lengths, [256 * 1024; 4]); // nothing in the content says where: chunks of the largest size
/// # Ok::<(), ferrite_formats::FormatError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Chunker {
    min_bytes: usize,
    max_bytes: usize,
    mask: u32,
    /// Bytes of the current chunk so far.
    filled: usize,
    hash: u32,
    /// The bytes that leave the hash next, oldest first; valid once the window is full.
    window: [u8; WINDOW_BYTES],
}

impl Chunker {
    /// A chunker for chunks of `average_bytes`, at least a quarter and at most four times as long.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] unless a power of two from 512 B to 256 MiB.
    pub fn new(average_bytes: usize) -> Result<Self> {
        if !average_bytes.is_power_of_two() || !(512..=256 << 20).contains(&average_bytes) {
            return Err(FormatError::invalid(
                "chunker",
                format!("average size {average_bytes} is not a power of two from 512 to 268435456"),
            ));
        }
        Ok(Self {
            min_bytes: average_bytes / 4,
            max_bytes: average_bytes * 4,
            mask: 2 * average_bytes as u32 - 1,
            filled: 0,
            hash: 0,
            window: [0; WINDOW_BYTES],
        })
    }

    /// Longest possible chunk.
    pub fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Bytes of the current chunk so far: after the last piece of a stream, the length of its last chunk.
    pub fn filled(&self) -> usize {
        self.filled
    }

    /// Forgets the current chunk.
    pub fn reset(&mut self) {
        self.filled = 0;
        self.hash = 0;
    }

    /// Takes the next bytes of the stream. `Some(n)`: the chunk ends after `data[..n]`; call again with the bytes
    /// behind it. `None`: all bytes belong to the chunk, which goes on.
    pub fn scan(&mut self, data: &[u8]) -> Option<usize> {
        let mut at = self.skip(data);
        at += self.fill_window(&data[at..]);
        if at == data.len() && self.filled < self.min_bytes {
            return None;
        }
        // The byte that completes the smallest chunk also fills the window.
        let just_filled = self.filled == self.min_bytes && at > 0;
        let cut = if just_filled && is_cut(self.hash, self.mask) {
            Some(at)
        } else {
            self.roll(data, at)
        };
        if cut.is_some() {
            self.reset();
        }
        cut
    }

    /// Passes over bytes in front of the first window that can be at a cut.
    fn skip(&mut self, data: &[u8]) -> usize {
        let skipped = (self.min_bytes - WINDOW_BYTES)
            .saturating_sub(self.filled)
            .min(data.len());
        self.filled += skipped;
        skipped
    }

    /// Hashes bytes until the window is full.
    fn fill_window(&mut self, data: &[u8]) -> usize {
        let missing = self.min_bytes.saturating_sub(self.filled).min(data.len());
        let window_end = WINDOW_BYTES.saturating_sub(self.min_bytes.saturating_sub(self.filled));
        for (place, &byte) in self.window[window_end..].iter_mut().zip(&data[..missing]) {
            *place = byte;
            self.hash = self.hash.rotate_left(1) ^ TABLE[usize::from(byte)];
        }
        self.filled += missing;
        missing
    }

    /// Rolls the full window over `data[at..]` up to the first cut.
    fn roll(&mut self, data: &[u8], at: usize) -> Option<usize> {
        let end = data.len().min(at + (self.max_bytes - self.filled));
        // Leaving bytes come from the window first, then from 64 bytes back in the data.
        let from_window = at + (end - at).min(WINDOW_BYTES);
        let window = self.window;
        let mut cut = self
            .roll_over(&window, &data[at..from_window])
            .map(|n| at + n);
        if cut.is_none() && from_window < end {
            let leaving = &data[from_window - WINDOW_BYTES..];
            cut = self
                .roll_over(leaving, &data[from_window..end])
                .map(|n| from_window + n);
        }
        let stopped = cut.unwrap_or(end);
        self.filled += stopped - at;
        if cut.is_none() && self.filled < self.max_bytes {
            self.keep_window(&data[at..stopped]);
            return None;
        }
        Some(stopped)
    }

    /// The inner loop. Position after the byte that makes a cut.
    #[inline]
    fn roll_over(&mut self, leaving: &[u8], entering: &[u8]) -> Option<usize> {
        let (mut hash, mask) = (self.hash, self.mask);
        let mut cut = None;
        for (position, (&leave, &enter)) in leaving.iter().zip(entering).enumerate() {
            hash = hash.rotate_left(1) ^ (TABLE[usize::from(leave)] ^ TABLE[usize::from(enter)]);
            if is_cut(hash, mask) {
                cut = Some(position + 1);
                break;
            }
        }
        self.hash = hash;
        cut
    }

    /// Remembers the last 64 bytes before the next piece.
    fn keep_window(&mut self, rolled: &[u8]) {
        let new = rolled.len().min(WINDOW_BYTES);
        self.window.rotate_left(new);
        self.window[WINDOW_BYTES - new..].copy_from_slice(&rolled[rolled.len() - new..]);
    }
}

#[inline]
fn is_cut(hash: u32, mask: u32) -> bool {
    hash & mask >= mask - 2
}

#[cfg(test)]
mod tests;
