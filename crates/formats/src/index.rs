//! Either kind of index, for code that only wants chunks.

use std::ops::Range;

use crate::archive_name::ArchiveKind;
use crate::digest::Digest;
use crate::dynamic_index::DynamicIndex;
use crate::error::{FormatError, Result};
use crate::fixed_index::FixedIndex;

/// Bytes before the table of both kinds.
pub const INDEX_HEADER_BYTES: usize = 4096;

/// One chunk of an image or stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// Names the chunk.
    pub digest: Digest,
    /// The bytes of the image or stream that are in the chunk.
    pub range: Range<u64>,
}

impl IndexEntry {
    /// Plain bytes of the chunk.
    pub fn plain_bytes(&self) -> u64 {
        self.range.end - self.range.start
    }
}

/// A whole `.fidx` or `.didx` file.
#[derive(Debug, Clone, Copy)]
pub enum Index<D = Vec<u8>> {
    /// `.fidx`
    Fixed(FixedIndex<D>),
    /// `.didx`
    Dynamic(DynamicIndex<D>),
}

impl<D: AsRef<[u8]>> Index<D> {
    /// Takes `data` as the file called `name`.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] when the name is not that of an index; else as the two parsers.
    pub fn parse(name: &str, data: D) -> Result<Self> {
        match ArchiveKind::of(name)? {
            ArchiveKind::FixedIndex => FixedIndex::parse(data).map(Self::Fixed),
            ArchiveKind::DynamicIndex => DynamicIndex::parse(data).map(Self::Dynamic),
            ArchiveKind::Blob => Err(FormatError::invalid("index", "a blob has no chunks")),
        }
    }

    /// Number of chunks: at least one.
    #[allow(
        clippy::len_without_is_empty,
        reason = "an index without chunks does not parse"
    )]
    pub fn len(&self) -> usize {
        match self {
            Self::Fixed(index) => index.len(),
            Self::Dynamic(index) => index.len(),
        }
    }

    /// Bytes of the image or stream: the `size` in the manifest.
    pub fn size(&self) -> u64 {
        match self {
            Self::Fixed(index) => index.header().size,
            Self::Dynamic(index) => index.size(),
        }
    }

    /// SHA-256 over the table: the `csum` in the manifest.
    pub fn checksum(&self) -> Digest {
        match self {
            Self::Fixed(index) => index.checksum(),
            Self::Dynamic(index) => index.checksum(),
        }
    }

    /// Digest of chunk `index`; none behind the last.
    pub fn digest(&self, index: usize) -> Option<Digest> {
        match self {
            Self::Fixed(fixed) => fixed.digest(index),
            Self::Dynamic(dynamic) => dynamic.digest(index),
        }
    }

    /// Digest and range of chunk `index`; none behind the last.
    pub fn entry(&self, index: usize) -> Option<IndexEntry> {
        match self {
            Self::Fixed(fixed) => fixed.entry(index),
            Self::Dynamic(dynamic) => dynamic.entry(index),
        }
    }

    /// Chunk that holds byte `offset`; none behind the end.
    pub fn chunk_at(&self, offset: u64) -> Option<usize> {
        match self {
            Self::Fixed(index) => index.chunk_at(offset),
            Self::Dynamic(index) => index.chunk_at(offset),
        }
    }

    /// All chunks in order.
    pub fn iter(&self) -> impl Iterator<Item = IndexEntry> + '_ {
        (0..self.len()).map_while(|index| self.entry(index))
    }
}

#[cfg(test)]
mod tests;
