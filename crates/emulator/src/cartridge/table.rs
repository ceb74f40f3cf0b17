//! How objects lie in a cartridge file.
//!
//! After the header come segments: a table of 4 KiB with room for [`OBJECTS`] objects, then the bytes of these objects one behind
//! the other, then, at the next multiple of 4 KiB, the next segment. An object is on the tape once its entry is in the table, and
//! an entry is written after the bytes: a process that is killed in between has written nothing. The next segment's empty table is
//! written before the last entry of a table, so a full table always has a successor.
//!
//! Why tables and not a header before every block: whoever loads a tape of a terabyte reads one page per 64 MB instead of one per
//! block, and blocks stay aligned to pages.

use super::MAX_BLOCK_BYTES;

/// Bytes of a table.
pub(super) const TABLE_BYTES: usize = 4096;
/// Bytes of an entry.
pub(super) const ENTRY_BYTES: usize = 16;
/// Bytes before the first entry.
pub(super) const TABLE_HEADER_BYTES: usize = 32;
/// Objects that a segment holds.
pub(super) const OBJECTS: usize = (TABLE_BYTES - TABLE_HEADER_BYTES) / ENTRY_BYTES;

/// Bytes by which a sealed block may be longer.
const MOST_SEAL_BYTES: u32 = 4096;

const MAGIC: [u8; 4] = *b"FTAB";
const KIND_NONE: u8 = 0;
const KIND_BLOCK: u8 = 1;
const KIND_FILEMARK: u8 = 2;
const FLAG_SEALED: u8 = 1;

/// An object on the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub kind: EntryKind,
    /// Bytes of the block as the host wrote it.
    pub length: u32,
    /// Bytes in the file; more than `length` if the block is sealed.
    pub stored: u32,
    /// Bytes of the tape's capacity that it takes.
    pub charged: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    Block { sealed: bool },
    Filemark,
}

impl Entry {
    pub fn to_bytes(self) -> [u8; ENTRY_BYTES] {
        let (kind, flags) = match self.kind {
            EntryKind::Block { sealed } => (KIND_BLOCK, if sealed { FLAG_SEALED } else { 0 }),
            EntryKind::Filemark => (KIND_FILEMARK, 0),
        };
        let mut bytes = [0; ENTRY_BYTES];
        bytes[0] = kind;
        bytes[1] = flags;
        bytes[4..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.stored.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.charged.to_le_bytes());
        bytes
    }

    /// `Ok(None)`: end of data. `Err`: no entry that this program writes.
    pub fn parse(bytes: &[u8; ENTRY_BYTES]) -> Result<Option<Self>, &'static str> {
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let kind = match (bytes[0], bytes[1]) {
            (KIND_NONE, _) => return Ok(None),
            (KIND_BLOCK, 0) => EntryKind::Block { sealed: false },
            (KIND_BLOCK, FLAG_SEALED) => EntryKind::Block { sealed: true },
            (KIND_FILEMARK, 0) => EntryKind::Filemark,
            _ => return Err("unknown kind of object"),
        };
        let entry = Self {
            kind,
            length: word(4),
            stored: word(8),
            charged: word(12),
        };
        let possible = (1..=MAX_BLOCK_BYTES).contains(&entry.length);
        let consistent = match kind {
            EntryKind::Block { sealed: false } => possible && entry.stored == entry.length,
            EntryKind::Block { sealed: true } => {
                let more = entry.stored.saturating_sub(entry.length);
                possible && (1..=MOST_SEAL_BYTES).contains(&more)
            }
            EntryKind::Filemark => entry.length == 0 && entry.stored == 0,
        };
        if consistent {
            Ok(Some(entry))
        } else {
            Err("an object of impossible length")
        }
    }
}

/// What stands at the head of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TableHead {
    /// Number of the segment, from 0.
    pub number: u32,
    /// Filemarks in the segments before.
    pub filemarks: u64,
    /// Capacity taken by the segments before.
    pub charged: u64,
}

impl TableHead {
    /// A table without objects.
    pub fn to_table(self) -> Box<[u8; TABLE_BYTES]> {
        let mut bytes = Box::new([0; TABLE_BYTES]);
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&self.number.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.filemarks.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.charged.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..24]);
        bytes[24..28].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub fn parse(bytes: &[u8; TABLE_BYTES]) -> Option<Self> {
        let stored = u32::from_le_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]);
        if bytes[..4] != MAGIC || crc32fast::hash(&bytes[..24]) != stored {
            return None;
        }
        let long = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(eight)
        };
        Some(Self {
            number: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            filemarks: long(8),
            charged: long(16),
        })
    }
}

/// Entry `index` of a table.
pub(super) fn entry(
    table: &[u8; TABLE_BYTES],
    index: usize,
) -> Result<Option<Entry>, &'static str> {
    let at = TABLE_HEADER_BYTES + index * ENTRY_BYTES;
    let mut bytes = [0; ENTRY_BYTES];
    match table.get(at..at + ENTRY_BYTES) {
        Some(found) => bytes.copy_from_slice(found),
        None => return Ok(None),
    }
    Entry::parse(&bytes)
}
