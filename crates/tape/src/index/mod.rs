//! Which chunks a media set holds and where: a sorted file, mapped, never a table in memory.
//!
//! A set of 10 million chunks (some 40 TB) would be about 900 MB as a hash map. As a file of sorted records with a
//! directory over the digests' leading bits it is 37.7 bytes a chunk, costs no anonymous memory, and answers more than
//! 3 million random lookups a second on one thread. It is derived from the catalogs of the set's tapes and belongs in
//! the cache folder: it is rebuilt when a catalog changed and when the file is damaged in any way.
//!
//! Opening reads the file once to check its CRC-32. That is not only for safety: it brings the file into the page cache
//! in one sequential pass, where random lookups would fetch it page by page.

mod build;
mod layout;
mod session;
mod sources;

use std::fs::File;
use std::path::Path;

use ferrite_formats::Digest;
use uuid::Uuid;

use crate::error::{Result, TapeError};
use crate::mapped::{MappedFile, RECORD_BYTES};
use layout::{ARCHIVE_BYTES, ArchiveEntry, HEADER_BYTES, Layout, SOURCE_BYTES, u32_at};
use sources::SourceIdentity;

pub use session::SetIndex;
pub use sources::CatalogSource;

/// Number of a datastore name within one [`ChunkIndex`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreId(u32);

/// The tape file that holds a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChunkLocation {
    /// Tape.
    pub media_uuid: Uuid,
    /// Number of the chunk archive on that tape.
    pub file_number: u64,
}

/// The mapped chunk index of a media set. Cheap to share between threads; never changes after it was opened.
#[derive(Debug)]
pub struct ChunkIndex {
    map: MappedFile,
    layout: Layout,
    stores: Vec<String>,
}

impl ChunkIndex {
    /// Opens the index at `path` for exactly these catalogs (in order of their sequence numbers), and builds it first
    /// unless it is there, sound, and was built from the very same state of these catalogs.
    ///
    /// Where a chunk occurs more than once for a store, the last archive of the last catalog counts.
    ///
    /// # Errors
    /// A catalog cannot be read or breaks a rule of tape-format.md 7.3 (the error names it); the folder of `path` cannot
    /// be written. A missing, foreign, stale or damaged index file is no error: it is replaced.
    pub fn open_or_build(path: &Path, catalogs: &[CatalogSource]) -> Result<Self> {
        let identities = catalogs
            .iter()
            .map(SourceIdentity::of)
            .collect::<Result<Vec<_>>>()?;
        if let Some(index) = Self::open_matching(path, &identities) {
            return Ok(index);
        }
        build::build(path, catalogs)
    }

    /// Opens the index at `path` as it is, checked but without regard to the catalogs.
    ///
    /// # Errors
    /// [`TapeError::Io`] when it cannot be read, [`TapeError::Index`] when it is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |error| TapeError::io("open chunk index", path, error);
        let file = File::open(path).map_err(failed)?;
        let file_bytes = file.metadata().map_err(failed)?.len();
        let damaged = || TapeError::index(path, "is not a sound chunk index");
        if file_bytes < HEADER_BYTES as u64 {
            return Err(damaged());
        }
        let map = MappedFile::open(&file).map_err(failed)?;
        Self::check(map).ok_or_else(damaged)
    }

    fn open_matching(path: &Path, identities: &[SourceIdentity]) -> Option<Self> {
        let index = Self::open(path).ok()?;
        let wanted: Vec<u8> = identities.iter().flat_map(SourceIdentity::encode).collect();
        (index.source_table() == wanted).then_some(index)
    }

    /// Checks header, CRC-32 and tables of a mapped file.
    fn check(map: MappedFile) -> Option<Self> {
        let index = Self::check_tables(map)?;
        let (_, body_crc) = Layout::decode(index.map.bytes(), index.file_bytes())?;
        index.map.expect_sequential_access();
        let sound = crc32fast::hash(&index.map.bytes()[HEADER_BYTES..]) == body_crc;
        index.map.expect_random_access();
        sound.then_some(index)
    }

    /// Checks header and tables of a mapped file, and believes its CRC-32.
    fn check_tables(map: MappedFile) -> Option<Self> {
        let (layout, _) = Layout::decode(map.bytes(), map.bytes().len() as u64)?;
        let stores = read_names(map.bytes(), &layout)?;
        Some(Self {
            map,
            layout,
            stores,
        })
    }

    /// Chunks in the index. The same digest counts once for each datastore.
    pub fn chunks(&self) -> u64 {
        self.layout.records
    }

    /// Bytes of the index file.
    pub fn file_bytes(&self) -> u64 {
        self.layout.file_bytes()
    }

    /// The number of a datastore, if the set has chunk archives of it.
    pub fn store(&self, name: &str) -> Option<StoreId> {
        let number = self.stores.iter().position(|store| store == name)?;
        Some(StoreId(number as u32))
    }

    /// Whether the set holds this chunk for this datastore.
    pub fn contains(&self, store: StoreId, digest: &Digest) -> bool {
        self.locate(store, digest).is_some()
    }

    /// Where the set holds this chunk of this datastore.
    pub fn locate(&self, store: StoreId, digest: &Digest) -> Option<ChunkLocation> {
        let (first, end) = self.slot(digest)?;
        let at = self.lower_bound(first, end, digest)?;
        for number in at..end {
            let record = self.record(number)?;
            if record[..32] != digest.as_bytes()[..] {
                break;
            }
            let archive = self.archive(u32_at(record, 32)?)?;
            if archive.store == store.0 {
                return Some(ChunkLocation {
                    media_uuid: Uuid::from_bytes(archive.media_uuid),
                    file_number: archive.file_number,
                });
            }
        }
        None
    }

    /// [`ChunkIndex::locate`] by the datastore's name.
    pub fn lookup(&self, store: &str, digest: &Digest) -> Option<ChunkLocation> {
        self.locate(self.store(store)?, digest)
    }

    /// Whether the set holds this chunk, of whichever datastore.
    pub fn holds(&self, digest: &Digest) -> bool {
        let Some((first, end)) = self.slot(digest) else {
            return false;
        };
        let at = self.lower_bound(first, end, digest);
        at.filter(|&at| at < end)
            .and_then(|at| self.record(at))
            .is_some_and(|record| record[..32] == digest.as_bytes()[..])
    }

    /// The records that share the digest's leading bits: first and end.
    fn slot(&self, digest: &Digest) -> Option<(u64, u64)> {
        let number = slot_number(digest.as_bytes(), self.layout.directory_bits);
        let offset = self.layout.directory_offset() + number * 4;
        let pair = self.map.bytes().get(offset as usize..offset as usize + 8)?;
        let (first, end) = (u64::from(u32_at(pair, 0)?), u64::from(u32_at(pair, 4)?));
        (first <= end && end <= self.layout.records).then_some((first, end))
    }

    /// First record of `first..end` whose digest is not below `digest`.
    fn lower_bound(&self, first: u64, end: u64, digest: &Digest) -> Option<u64> {
        let (mut low, mut high) = (first, end);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.record(middle)?[..32] < digest.as_bytes()[..] {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Some(low)
    }

    fn record(&self, number: u64) -> Option<&[u8]> {
        let offset = (self.layout.records_offset() + number * RECORD_BYTES as u64) as usize;
        self.map.bytes().get(offset..offset + RECORD_BYTES)
    }

    fn archive(&self, number: u32) -> Option<ArchiveEntry> {
        if number >= self.layout.archives {
            return None;
        }
        let offset = self.layout.archives_offset() as usize + number as usize * ARCHIVE_BYTES;
        ArchiveEntry::decode(self.map.bytes().get(offset..offset + ARCHIVE_BYTES)?)
    }

    fn source_table(&self) -> &[u8] {
        let start = self.layout.sources_offset() as usize;
        let length = self.layout.sources as usize * SOURCE_BYTES;
        self.map
            .bytes()
            .get(start..start + length)
            .unwrap_or_default()
    }
}

/// The directory slot of a digest: its first `bits` bits.
fn slot_number(digest: &[u8; 32], bits: u32) -> u64 {
    let [a, b, c, d, ..] = *digest;
    // As u64: shifting a u32 by 32 (no directory bits at all) would overflow.
    u64::from(u32::from_be_bytes([a, b, c, d])) >> (32 - bits)
}

fn read_names(bytes: &[u8], layout: &Layout) -> Option<Vec<String>> {
    let start = layout.names_offset() as usize;
    let mut table = bytes.get(start..start + layout.names_bytes as usize)?;
    let mut names = Vec::new();
    for _ in 0..layout.stores {
        let (&length, rest) = table.split_first()?;
        let (name, rest) = rest.split_at_checked(length.into())?;
        names.push(String::from_utf8(name.to_vec()).ok()?);
        table = rest;
    }
    table.is_empty().then_some(names)
}
