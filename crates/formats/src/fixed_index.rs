//! Fixed index (`.fidx`): the chunks of a disk image, all of one size but the last (datastore.md 6).

use std::ops::Range;

use uuid::Uuid;

use crate::digest::{DIGEST_BYTES, Digest};
use crate::error::{FormatError, Result};
use crate::index::{INDEX_HEADER_BYTES, IndexEntry};
use crate::layout::wire_struct;
use crate::magic::Magic;

const WHAT: &str = "fixed index";

/// First eight bytes of a `.fidx` file.
pub const FIXED_INDEX_MAGIC: Magic = [47, 127, 65, 237, 145, 253, 15, 205];

/// Chunk size of all clients.
pub const DEFAULT_CHUNK_BYTES: u64 = 4 << 20;

wire_struct! {
    struct RawFixedHeader: 80 {
        magic: Magic,
        uuid: Uuid,
        ctime: i64,
        checksum: [u8; 32],
        size: u64,
        chunk_bytes: u64,
    }
}

/// First 80 bytes of a `.fidx` file; zeros follow up to offset 4096.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedIndexHeader {
    /// Random.
    pub uuid: Uuid,
    /// Seconds since 1970.
    pub ctime: i64,
    /// SHA-256 over the digest table, as stored. Not compared with the table when parsing.
    pub checksum: Digest,
    /// Bytes of the image.
    pub size: u64,
    /// Bytes of every chunk but the last: a power of two.
    pub chunk_bytes: u64,
}

impl FixedIndexHeader {
    /// Reads the header from the first bytes of a file.
    ///
    /// # Errors
    /// [`FormatError::Truncated`], [`FormatError::BadMagic`], [`FormatError::Invalid`] for an empty image or a chunk
    /// size that is not a power of two.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let Some(raw) = bytes.first_chunk().map(RawFixedHeader::decode) else {
            let have = bytes.len() as u64;
            return Err(FormatError::Truncated {
                what: WHAT,
                need: RawFixedHeader::SIZE as u64,
                have,
            });
        };
        if raw.magic != FIXED_INDEX_MAGIC {
            return Err(FormatError::BadMagic {
                what: WHAT,
                found: raw.magic,
            });
        }
        check_sizes(raw.size, raw.chunk_bytes)?;
        Ok(Self {
            uuid: raw.uuid,
            ctime: raw.ctime,
            checksum: Digest::new(raw.checksum),
            size: raw.size,
            chunk_bytes: raw.chunk_bytes,
        })
    }

    /// Number of chunks: at least one.
    pub fn chunks(&self) -> u64 {
        self.size.div_ceil(self.chunk_bytes)
    }

    /// Length of the whole file; none when it would not fit into 64 bits.
    pub fn file_bytes(&self) -> Option<u64> {
        self.chunks()
            .checked_mul(DIGEST_BYTES as u64)?
            .checked_add(INDEX_HEADER_BYTES as u64)
    }

    /// Bytes of the image in chunk `index`; none behind the last.
    pub fn range(&self, index: u64) -> Option<Range<u64>> {
        // Below `chunks()` the start is below `size`, so it cannot overflow.
        let start = (index < self.chunks()).then(|| index * self.chunk_bytes)?;
        Some(start..start.saturating_add(self.chunk_bytes).min(self.size))
    }

    /// The header as it stands in the file, without the zeros.
    pub fn encode(&self) -> [u8; 80] {
        RawFixedHeader {
            magic: FIXED_INDEX_MAGIC,
            uuid: self.uuid,
            ctime: self.ctime,
            checksum: *self.checksum.as_bytes(),
            size: self.size,
            chunk_bytes: self.chunk_bytes,
        }
        .encode()
    }
}

fn check_sizes(size: u64, chunk_bytes: u64) -> Result<()> {
    if !chunk_bytes.is_power_of_two() {
        return Err(FormatError::invalid(
            WHAT,
            format!("chunk size {chunk_bytes} is not a power of two"),
        ));
    }
    if size == 0 {
        return Err(FormatError::invalid(WHAT, "is empty"));
    }
    Ok(())
}

/// A whole `.fidx` file: a `Vec`, a slice or a mapping. Reads digests where they lie.
#[derive(Debug, Clone, Copy)]
pub struct FixedIndex<D = Vec<u8>> {
    data: D,
    header: FixedIndexHeader,
}

impl<D: AsRef<[u8]>> FixedIndex<D> {
    /// Takes `data` as a whole file.
    ///
    /// # Errors
    /// As [`FixedIndexHeader::parse`]; [`FormatError::Invalid`] when the length is not exactly that of the table.
    pub fn parse(data: D) -> Result<Self> {
        let header = FixedIndexHeader::parse(data.as_ref())?;
        let found = data.as_ref().len() as u64;
        if header.file_bytes() != Some(found) {
            let (size, chunk_bytes) = (header.size, header.chunk_bytes);
            return Err(FormatError::invalid(
                WHAT,
                format!(
                    "{found} bytes do not fit an image of {size} bytes in chunks of {chunk_bytes}"
                ),
            ));
        }
        Ok(Self { data, header })
    }

    /// UUID, times and sizes.
    pub fn header(&self) -> &FixedIndexHeader {
        &self.header
    }

    /// The digests, one after the other.
    pub fn table(&self) -> &[u8] {
        &self.data.as_ref()[INDEX_HEADER_BYTES..]
    }

    /// Number of chunks: at least one.
    #[allow(
        clippy::len_without_is_empty,
        reason = "an index without chunks does not parse"
    )]
    pub fn len(&self) -> usize {
        self.table().len() / DIGEST_BYTES
    }

    /// Digest of chunk `index`; none behind the last.
    pub fn digest(&self, index: usize) -> Option<Digest> {
        let start = index.checked_mul(DIGEST_BYTES)?;
        Digest::read(self.table().get(start..)?).ok()
    }

    /// Digest and range of chunk `index`; none behind the last.
    pub fn entry(&self, index: usize) -> Option<IndexEntry> {
        Some(IndexEntry {
            digest: self.digest(index)?,
            range: self.header.range(index as u64)?,
        })
    }

    /// All chunks in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = IndexEntry> + '_ {
        let mut start = 0;
        let FixedIndexHeader {
            size, chunk_bytes, ..
        } = self.header;
        self.table().chunks_exact(DIGEST_BYTES).map(move |bytes| {
            let end = size.min(u64::saturating_add(start, chunk_bytes));
            let range = std::mem::replace(&mut start, end)..end;
            IndexEntry {
                digest: Digest::read(bytes).unwrap_or_default(),
                range,
            }
        })
    }

    /// Chunk that holds byte `offset` of the image; none behind its end.
    pub fn chunk_at(&self, offset: u64) -> Option<usize> {
        (offset < self.header.size).then(|| (offset / self.header.chunk_bytes) as usize)
    }

    /// SHA-256 over the table: the `csum` in the manifest.
    pub fn checksum(&self) -> Digest {
        Digest::of(self.table())
    }
}

/// Collects the digests of an image, in any order.
#[derive(Debug)]
pub struct FixedIndexBuilder {
    /// Header place, then the table.
    bytes: Vec<u8>,
    size: u64,
    chunk_bytes: u64,
}

impl FixedIndexBuilder {
    /// Prepares the table of an image of `size` bytes.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] for an empty image or a chunk size that is not a power of two,
    /// [`FormatError::TooLarge`] when the table does not fit into memory addresses.
    pub fn new(size: u64, chunk_bytes: u64) -> Result<Self> {
        check_sizes(size, chunk_bytes)?;
        let chunks = size.div_ceil(chunk_bytes);
        let limit = (isize::MAX as u64 - INDEX_HEADER_BYTES as u64) / DIGEST_BYTES as u64;
        if chunks > limit {
            return Err(FormatError::TooLarge {
                what: "chunks of an index",
                found: chunks,
                limit,
            });
        }
        let file_bytes = INDEX_HEADER_BYTES + chunks as usize * DIGEST_BYTES;
        let mut bytes = Vec::new();
        // The size of a sparse image can be anything; running out of memory must not end the process.
        bytes
            .try_reserve_exact(file_bytes)
            .map_err(|_| FormatError::invalid(WHAT, format!("no memory for {chunks} digests")))?;
        bytes.resize(file_bytes, 0);
        Ok(Self {
            bytes,
            size,
            chunk_bytes,
        })
    }

    /// Number of chunks.
    pub fn chunks(&self) -> usize {
        (self.bytes.len() - INDEX_HEADER_BYTES) / DIGEST_BYTES
    }

    /// Sets the digest of chunk `index`.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] behind the last chunk.
    pub fn set(&mut self, index: usize, digest: &Digest) -> Result<()> {
        let chunks = self.chunks();
        let slot = self.bytes[INDEX_HEADER_BYTES..]
            .chunks_exact_mut(DIGEST_BYTES)
            .nth(index);
        let Some(slot) = slot else {
            return Err(FormatError::invalid(
                WHAT,
                format!("has {chunks} chunks, none is number {index}"),
            ));
        };
        slot.copy_from_slice(digest.as_bytes());
        Ok(())
    }

    /// Ends the index. Returns the whole file and its checksum.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] when a chunk has no digest.
    pub fn finish(mut self, uuid: Uuid, ctime: i64) -> Result<(Vec<u8>, Digest)> {
        let table = &self.bytes[INDEX_HEADER_BYTES..];
        let missing = table
            .chunks_exact(DIGEST_BYTES)
            .position(|slot| slot == Digest::ZERO.as_bytes());
        if let Some(missing) = missing {
            return Err(FormatError::invalid(
                WHAT,
                format!("chunk {missing} has no digest"),
            ));
        }
        let checksum = Digest::of(table);
        let (size, chunk_bytes) = (self.size, self.chunk_bytes);
        let header = FixedIndexHeader {
            uuid,
            ctime,
            checksum,
            size,
            chunk_bytes,
        }
        .encode();
        self.bytes[..header.len()].copy_from_slice(&header);
        Ok((self.bytes, checksum))
    }
}
