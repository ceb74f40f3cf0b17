//! Dynamic index (`.didx`): the chunks of a byte stream, cut where the content says (datastore.md 7).

use std::ops::Range;

use uuid::Uuid;

use crate::digest::{DIGEST_BYTES, Digest};
use crate::error::{FormatError, Result};
use crate::index::{INDEX_HEADER_BYTES, IndexEntry};
use crate::layout::wire_struct;
use crate::magic::Magic;

const WHAT: &str = "dynamic index";

/// First eight bytes of a `.didx` file.
pub const DYNAMIC_INDEX_MAGIC: Magic = [28, 145, 78, 165, 25, 186, 179, 205];

/// End offset and digest.
const ENTRY_BYTES: usize = 8 + DIGEST_BYTES;

wire_struct! {
    struct RawDynamicHeader: 64 {
        magic: Magic,
        uuid: Uuid,
        ctime: i64,
        checksum: [u8; 32],
    }
}

/// First 64 bytes of a `.didx` file; zeros follow up to offset 4096.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DynamicIndexHeader {
    /// Random.
    pub uuid: Uuid,
    /// Seconds since 1970.
    pub ctime: i64,
    /// SHA-256 over the entries, as stored. Not compared with the entries when parsing.
    pub checksum: Digest,
}

impl DynamicIndexHeader {
    /// Reads the header from the first bytes of a file.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] or [`FormatError::BadMagic`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let Some(raw) = bytes.first_chunk().map(RawDynamicHeader::decode) else {
            let have = bytes.len() as u64;
            return Err(FormatError::Truncated {
                what: WHAT,
                need: RawDynamicHeader::SIZE as u64,
                have,
            });
        };
        if raw.magic != DYNAMIC_INDEX_MAGIC {
            return Err(FormatError::BadMagic {
                what: WHAT,
                found: raw.magic,
            });
        }
        Ok(Self {
            uuid: raw.uuid,
            ctime: raw.ctime,
            checksum: Digest::new(raw.checksum),
        })
    }

    /// The header as it stands in the file, without the zeros.
    pub fn encode(&self) -> [u8; 64] {
        RawDynamicHeader {
            magic: DYNAMIC_INDEX_MAGIC,
            uuid: self.uuid,
            ctime: self.ctime,
            checksum: *self.checksum.as_bytes(),
        }
        .encode()
    }
}

/// A whole `.didx` file: a `Vec`, a slice or a mapping. Reads entries where they lie.
#[derive(Debug, Clone, Copy)]
pub struct DynamicIndex<D = Vec<u8>> {
    data: D,
    header: DynamicIndexHeader,
}

impl<D: AsRef<[u8]>> DynamicIndex<D> {
    /// Takes `data` as a whole file.
    ///
    /// # Errors
    /// As [`DynamicIndexHeader::parse`]; [`FormatError::Truncated`] without an entry, [`FormatError::Invalid`] for a
    /// partial entry or end offsets that do not grow.
    pub fn parse(data: D) -> Result<Self> {
        let header = DynamicIndexHeader::parse(data.as_ref())?;
        FormatError::need(WHAT, data.as_ref(), INDEX_HEADER_BYTES + ENTRY_BYTES)?;
        let index = Self { data, header };
        let partial = index.table().len() % ENTRY_BYTES;
        if partial != 0 {
            return Err(FormatError::invalid(
                WHAT,
                format!("{partial} bytes after the last whole entry"),
            ));
        }
        let mut last_end = 0;
        for (number, entry) in index.table().chunks_exact(ENTRY_BYTES).enumerate() {
            let end = end_of(entry);
            if end <= last_end {
                return Err(FormatError::invalid(
                    WHAT,
                    format!("chunk {number} ends at {end}, not after {last_end}"),
                ));
            }
            last_end = end;
        }
        Ok(index)
    }

    /// UUID and times.
    pub fn header(&self) -> &DynamicIndexHeader {
        &self.header
    }

    /// The entries, one after the other.
    pub fn table(&self) -> &[u8] {
        &self.data.as_ref()[INDEX_HEADER_BYTES..]
    }

    /// Number of chunks: at least one.
    #[allow(
        clippy::len_without_is_empty,
        reason = "an index without chunks does not parse"
    )]
    pub fn len(&self) -> usize {
        self.table().len() / ENTRY_BYTES
    }

    /// Bytes of the stream.
    pub fn size(&self) -> u64 {
        self.end(self.len().saturating_sub(1)).unwrap_or(0)
    }

    fn slot(&self, index: usize) -> Option<&[u8]> {
        let start = index.checked_mul(ENTRY_BYTES)?;
        self.table().get(start..)?.get(..ENTRY_BYTES)
    }

    fn end(&self, index: usize) -> Option<u64> {
        self.slot(index).map(end_of)
    }

    /// Digest of chunk `index`; none behind the last.
    pub fn digest(&self, index: usize) -> Option<Digest> {
        self.slot(index).map(digest_of)
    }

    /// Bytes of the stream in chunk `index`; none behind the last.
    pub fn range(&self, index: usize) -> Option<Range<u64>> {
        let start = index
            .checked_sub(1)
            .map_or(Some(0), |before| self.end(before))?;
        Some(start..self.end(index)?)
    }

    /// Digest and range of chunk `index`; none behind the last.
    pub fn entry(&self, index: usize) -> Option<IndexEntry> {
        Some(IndexEntry {
            digest: self.digest(index)?,
            range: self.range(index)?,
        })
    }

    /// All chunks in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = IndexEntry> + '_ {
        let mut start = 0;
        self.table().chunks_exact(ENTRY_BYTES).map(move |entry| {
            let end = end_of(entry);
            let range = std::mem::replace(&mut start, end)..end;
            IndexEntry {
                digest: digest_of(entry),
                range,
            }
        })
    }

    /// Chunk that holds byte `offset` of the stream; none behind its end.
    pub fn chunk_at(&self, offset: u64) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.end(middle)? <= offset {
                low = middle + 1
            } else {
                high = middle
            }
        }
        (low < self.len()).then_some(low)
    }

    /// SHA-256 over the entries: the `csum` in the manifest.
    pub fn checksum(&self) -> Digest {
        Digest::of(self.table())
    }
}

fn end_of(entry: &[u8]) -> u64 {
    u64::from_le_bytes(entry.first_chunk().copied().unwrap_or_default())
}

fn digest_of(entry: &[u8]) -> Digest {
    entry
        .get(8..)
        .and_then(|bytes| Digest::read(bytes).ok())
        .unwrap_or_default()
}

/// Collects the chunks of a stream in order.
#[derive(Debug)]
pub struct DynamicIndexBuilder {
    /// Header place, then the entries.
    bytes: Vec<u8>,
    size: u64,
}

impl Default for DynamicIndexBuilder {
    fn default() -> Self {
        Self {
            bytes: vec![0; INDEX_HEADER_BYTES],
            size: 0,
        }
    }
}

impl DynamicIndexBuilder {
    /// An index without chunks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes of the stream so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Number of chunks so far.
    pub fn chunks(&self) -> usize {
        (self.bytes.len() - INDEX_HEADER_BYTES) / ENTRY_BYTES
    }

    /// Appends the next chunk of the stream, of `chunk_bytes` plain bytes.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] for an empty chunk or a stream above 64 bits.
    pub fn push(&mut self, chunk_bytes: u64, digest: &Digest) -> Result<()> {
        let end = self
            .size
            .checked_add(chunk_bytes)
            .filter(|_| chunk_bytes > 0);
        let Some(end) = end else {
            return Err(FormatError::invalid(
                WHAT,
                format!("a chunk of {chunk_bytes} bytes cannot follow"),
            ));
        };
        self.size = end;
        self.bytes.extend_from_slice(&end.to_le_bytes());
        self.bytes.extend_from_slice(digest.as_bytes());
        Ok(())
    }

    /// Ends the index. Returns the whole file and its checksum.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] without a chunk: such a file is not readable.
    pub fn finish(mut self, uuid: Uuid, ctime: i64) -> Result<(Vec<u8>, Digest)> {
        if self.size == 0 {
            return Err(FormatError::invalid(WHAT, "has no chunk"));
        }
        let checksum = Digest::of(&self.bytes[INDEX_HEADER_BYTES..]);
        let header = DynamicIndexHeader {
            uuid,
            ctime,
            checksum,
        }
        .encode();
        self.bytes[..header.len()].copy_from_slice(&header);
        Ok((self.bytes, checksum))
    }
}
