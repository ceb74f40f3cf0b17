//! How a chunk index file is laid out. All integers little endian.
//!
//! | Part | Content |
//! |---|---|
//! | header (256 bytes) | magic, version, counts, offsets, CRC-32 of the body, CRC-32 of the header |
//! | sources | 72 bytes each: the catalogs it was built from, in order (see [`SourceIdentity`]) |
//! | archives | 32 bytes each: media UUID, file number u64, store number u32, source number u32 |
//! | stores | per store: length u8, name |
//! | directory (page aligned) | 2^bits + 1 times u32: number of the first record whose digest starts with that bit pattern |
//! | records (page aligned) | 36 bytes each: digest, archive number u32; sorted by digest, then archive number |
//!
//! 10 million chunks are 360 MB of records and 16.8 MB of directory: 37.7 bytes a chunk. With a directory slot for every
//! two to four records a lookup touches one line of the directory and one or two of the records.

use crate::mapped::RECORD_BYTES;

use super::sources::SourceIdentity;

const MAGIC: [u8; 8] = *b"FeChkIdx";
const VERSION: u32 = 1;

/// Bytes before the tables.
pub(super) const HEADER_BYTES: usize = 256;
/// Bytes of one entry of the source table.
pub(super) const SOURCE_BYTES: usize = 72;
/// Bytes of one entry of the archive table.
pub(super) const ARCHIVE_BYTES: usize = 32;
const PAGE: u64 = 4096;
/// A directory entry and an archive number are u32, and the directory needs the count itself as its last entry.
pub(super) const MAX_RECORDS: u64 = u32::MAX as u64 - 1;
/// Names come from hostile catalogs too; no host has more datastores than this.
pub(super) const MAX_STORES: usize = 65_536;
const MAX_DIRECTORY_BITS: u32 = 26;

/// Numbers that place every part of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Leading bits of a digest that choose its directory slot.
    pub(super) directory_bits: u32,
    pub(super) records: u64,
    pub(super) archives: u32,
    pub(super) stores: u32,
    pub(super) sources: u32,
    /// Bytes of the store name table.
    pub(super) names_bytes: u64,
}

impl Layout {
    /// The layout of an index over `records` chunks.
    pub(super) fn new(records: u64, archives: u32, sources: u32, names: &[String]) -> Self {
        Self {
            directory_bits: directory_bits(records),
            records,
            archives,
            stores: names.len() as u32,
            sources,
            names_bytes: names.iter().map(|name| 1 + name.len() as u64).sum(),
        }
    }

    pub(super) fn sources_offset(&self) -> u64 {
        HEADER_BYTES as u64
    }

    pub(super) fn archives_offset(&self) -> u64 {
        self.sources_offset() + u64::from(self.sources) * SOURCE_BYTES as u64
    }

    pub(super) fn names_offset(&self) -> u64 {
        self.archives_offset() + u64::from(self.archives) * ARCHIVE_BYTES as u64
    }

    pub(super) fn directory_offset(&self) -> u64 {
        (self.names_offset() + self.names_bytes).next_multiple_of(PAGE)
    }

    pub(super) fn directory_entries(&self) -> u64 {
        (1 << self.directory_bits) + 1
    }

    pub(super) fn records_offset(&self) -> u64 {
        (self.directory_offset() + self.directory_entries() * 4).next_multiple_of(PAGE)
    }

    pub(super) fn file_bytes(&self) -> u64 {
        self.records_offset() + self.records * RECORD_BYTES as u64
    }

    /// The header for this layout over a body with the given CRC-32.
    pub(super) fn encode(&self, body_crc: u32) -> [u8; HEADER_BYTES] {
        let mut header = [0u8; HEADER_BYTES];
        header[0..8].copy_from_slice(&MAGIC);
        header[8..12].copy_from_slice(&VERSION.to_le_bytes());
        header[12..16].copy_from_slice(&self.directory_bits.to_le_bytes());
        header[16..24].copy_from_slice(&self.records.to_le_bytes());
        header[24..28].copy_from_slice(&self.archives.to_le_bytes());
        header[28..32].copy_from_slice(&self.stores.to_le_bytes());
        header[32..36].copy_from_slice(&self.sources.to_le_bytes());
        header[40..48].copy_from_slice(&self.names_bytes.to_le_bytes());
        header[48..52].copy_from_slice(&body_crc.to_le_bytes());
        let crc = crc32fast::hash(&header[..HEADER_BYTES - 4]);
        header[HEADER_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
        header
    }

    /// Reads the header of a file of `file_bytes` bytes. `None` when it is not an index of this version, or damaged, or
    /// does not describe exactly this many bytes. Returns the CRC-32 the body must have.
    pub(super) fn decode(header: &[u8], file_bytes: u64) -> Option<(Self, u32)> {
        let header = header.get(..HEADER_BYTES)?;
        let crc = crc32fast::hash(&header[..HEADER_BYTES - 4]);
        let known = header[0..8] == MAGIC && u32_at(header, 8)? == VERSION;
        if !known || u32_at(header, HEADER_BYTES - 4)? != crc {
            return None;
        }
        let layout = Self {
            directory_bits: u32_at(header, 12)?,
            records: u64_at(header, 16)?,
            archives: u32_at(header, 24)?,
            stores: u32_at(header, 28)?,
            sources: u32_at(header, 32)?,
            names_bytes: u64_at(header, 40)?,
        };
        let sane = layout.directory_bits <= MAX_DIRECTORY_BITS
            && layout.records <= MAX_RECORDS
            && layout.stores as usize <= MAX_STORES
            && layout.names_bytes <= u64::from(layout.stores) * 256;
        (sane && layout.file_bytes() == file_bytes).then_some((layout, u32_at(header, 48)?))
    }
}

/// One chunk archive, as its entry in the archive table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ArchiveEntry {
    pub(super) media_uuid: [u8; 16],
    pub(super) file_number: u64,
    pub(super) store: u32,
    pub(super) source: u32,
}

impl ArchiveEntry {
    pub(super) fn encode(&self) -> [u8; ARCHIVE_BYTES] {
        let mut entry = [0u8; ARCHIVE_BYTES];
        entry[0..16].copy_from_slice(&self.media_uuid);
        entry[16..24].copy_from_slice(&self.file_number.to_le_bytes());
        entry[24..28].copy_from_slice(&self.store.to_le_bytes());
        entry[28..32].copy_from_slice(&self.source.to_le_bytes());
        entry
    }

    pub(super) fn decode(entry: &[u8]) -> Option<Self> {
        Some(Self {
            media_uuid: entry.get(0..16)?.try_into().ok()?,
            file_number: u64_at(entry, 16)?,
            store: u32_at(entry, 24)?,
            source: u32_at(entry, 28)?,
        })
    }
}

impl SourceIdentity {
    pub(super) fn encode(&self) -> [u8; SOURCE_BYTES] {
        let mut entry = [0u8; SOURCE_BYTES];
        entry[0..16].copy_from_slice(&self.media_uuid);
        entry[16..24].copy_from_slice(&self.bytes.to_le_bytes());
        entry[24..32].copy_from_slice(&self.modified_ns.to_le_bytes());
        entry[32..40].copy_from_slice(&self.inode.to_le_bytes());
        entry[40..72].copy_from_slice(&self.tail_sha256);
        entry
    }
}

/// Slots for about two to four records each: 22 bits at 8 to 16 million records.
fn directory_bits(records: u64) -> u32 {
    records
        .checked_ilog2()
        .unwrap_or(0)
        .saturating_sub(1)
        .min(MAX_DIRECTORY_BITS)
}

pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let field = bytes.get(offset..offset.checked_add(4)?)?;
    Some(u32::from_le_bytes(field.try_into().ok()?))
}

fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    let field = bytes.get(offset..offset.checked_add(8)?)?;
    Some(u64::from_le_bytes(field.try_into().ok()?))
}
