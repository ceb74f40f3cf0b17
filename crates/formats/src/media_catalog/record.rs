//! Records of a catalog file: fixed structures with C alignment, padding included (tape-format.md 7.2).

use uuid::Uuid;

use super::{CatalogError, CatalogRule};
use crate::digest::Digest;
use crate::layout::{Pad, wire_struct};
use crate::magic::{MEDIA_CATALOG_1_0, MEDIA_CATALOG_1_1, Magic};

const MAGIC_SIZE: usize = size_of::<Magic>();
const TAG_SIZE: usize = 1;

const TAG_LABEL: u8 = b'L';
const TAG_ARCHIVE_START: u8 = b'A';
const TAG_CHUNK: u8 = b'C';
const TAG_ARCHIVE_END: u8 = b'E';
const TAG_SNAPSHOT: u8 = b'S';

wire_struct! {
    struct RawLabel: 32 { file_number: u64, uuid: Uuid, seq_nr: u64 }
}
wire_struct! {
    struct RawArchiveStart: 32 { file_number: u64, uuid: Uuid, store_len: u8, padding: Pad<7> }
}
wire_struct! {
    struct RawArchiveEnd: 24 { file_number: u64, uuid: Uuid }
}
wire_struct! {
    struct RawSnapshot: 32 {
        file_number: u64,
        uuid: Uuid,
        store_len: u8,
        padding_1: Pad<1>,
        name_len: u16,
        padding_2: Pad<4>,
    }
}

/// Where padding lies in the records that have some: start and end, from the start of the record (its tag).
const ARCHIVE_START_PADDING: &[(usize, usize)] = &[(26, 33)];
const SNAPSHOT_PADDING: &[(usize, usize)] = &[(26, 27), (29, 33)];

/// Bytes of a chunk record in the file: tag and digest.
pub const RECORD_CHUNK_SIZE: usize = TAG_SIZE + 32;

/// One record of a catalog file, borrowed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogRecord<'a> {
    /// File 0 or 1 of the tape.
    Label {
        /// 0: media label; 1: media-set label.
        file_number: u64,
        /// Media UUID (file 0) or media-set UUID (file 1).
        uuid: Uuid,
        /// 0 (file 0) or the position in the set (file 1).
        seq_nr: u64,
    },
    /// A chunk archive; its chunks follow, then [`CatalogRecord::ArchiveEnd`].
    ArchiveStart {
        /// Tape file.
        file_number: u64,
        /// UUID in the content header of that file.
        uuid: Uuid,
        /// Datastore of all its chunks.
        store: &'a str,
    },
    /// A chunk of the archive that is open.
    Chunk(Digest),
    /// End of the chunk archive.
    ArchiveEnd {
        /// As in the start.
        file_number: u64,
        /// As in the start.
        uuid: Uuid,
    },
    /// A snapshot archive.
    Snapshot {
        /// Tape file.
        file_number: u64,
        /// UUID in the content header of that file.
        uuid: Uuid,
        /// Datastore of the snapshot.
        store: &'a str,
        /// `[ns/<name>/]*<type>/<id>/<time>`.
        snapshot: &'a str,
    },
}

impl CatalogRecord<'_> {
    /// Appends the record as it lies in the file; padding is zero.
    ///
    /// # Errors
    /// [`CatalogRule::TooLong`] for a store name above 255 or a snapshot above 65535 bytes; nothing is appended then.
    pub fn append_to(&self, out: &mut Vec<u8>) -> Result<(), CatalogRule> {
        match *self {
            Self::Label {
                file_number,
                uuid,
                seq_nr,
            } => {
                out.push(TAG_LABEL);
                let raw = RawLabel {
                    file_number,
                    uuid,
                    seq_nr,
                };
                out.extend_from_slice(&raw.encode());
            }
            Self::ArchiveStart {
                file_number,
                uuid,
                store,
            } => {
                let raw = RawArchiveStart {
                    file_number,
                    uuid,
                    store_len: short("datastore name", store.len())?,
                    padding: Pad,
                };
                out.push(TAG_ARCHIVE_START);
                out.extend_from_slice(&raw.encode());
                out.extend_from_slice(store.as_bytes());
            }
            Self::Chunk(digest) => {
                out.push(TAG_CHUNK);
                out.extend_from_slice(digest.as_bytes());
            }
            Self::ArchiveEnd { file_number, uuid } => {
                out.push(TAG_ARCHIVE_END);
                out.extend_from_slice(&RawArchiveEnd { file_number, uuid }.encode());
            }
            Self::Snapshot {
                file_number,
                uuid,
                store,
                snapshot,
            } => {
                let raw = RawSnapshot {
                    file_number,
                    uuid,
                    store_len: short("datastore name", store.len())?,
                    padding_1: Pad,
                    name_len: short("snapshot name", snapshot.len())?,
                    padding_2: Pad,
                };
                out.push(TAG_SNAPSHOT);
                out.extend_from_slice(&raw.encode());
                out.extend_from_slice(store.as_bytes());
                out.push(b':');
                out.extend_from_slice(snapshot.as_bytes());
            }
        }
        Ok(())
    }
}

fn short<T: TryFrom<usize>>(what: &'static str, len: usize) -> Result<T, CatalogRule> {
    T::try_from(len).map_err(|_| CatalogRule::TooLong { what, len })
}

/// The magic of a catalog file; `Err` of the reader tells an old one from a foreign file.
pub(super) const FILE_MAGIC: Magic = MEDIA_CATALOG_1_1;

/// Walks over the records of a catalog file without copying them. Checks the form of each record, not how they follow on
/// each other: that is [`super::CatalogState`]'s work ([`super::load`] does both).
#[derive(Debug, Clone)]
pub struct CatalogReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> CatalogReader<'a> {
    /// Starts at the first record. A file of zero bytes is a catalog without records.
    ///
    /// # Errors
    /// [`CatalogError::OldVersion`], [`CatalogError::WrongMagic`], [`CatalogError::Torn`] for a file that ends inside the
    /// magic.
    pub fn new(bytes: &'a [u8]) -> Result<Self, CatalogError> {
        let at = match bytes.first_chunk::<MAGIC_SIZE>() {
            Some(&FILE_MAGIC) => MAGIC_SIZE,
            Some(&MEDIA_CATALOG_1_0) => return Err(CatalogError::OldVersion),
            Some(&found) => return Err(CatalogError::WrongMagic { found }),
            None if bytes.is_empty() => 0,
            None if FILE_MAGIC.starts_with(bytes) => {
                return Err(CatalogError::Torn {
                    offset: 0,
                    need: MAGIC_SIZE as u64,
                    found: bytes.len() as u64,
                });
            }
            None => {
                let mut found = [0; MAGIC_SIZE];
                found[..bytes.len()].copy_from_slice(bytes);
                return Err(CatalogError::WrongMagic { found });
            }
        };
        Ok(Self { bytes, at })
    }

    /// Offset of the next record, equal to the end of the last good one.
    pub fn offset(&self) -> u64 {
        self.at as u64
    }

    /// The next record with its offset, if it is a whole chunk; else `None`, and the reader stays where it is. In a loop
    /// this is the fast way over the chunks of an archive.
    #[inline]
    pub fn next_chunk(&mut self) -> Option<(u64, Digest)> {
        let record: &[u8; RECORD_CHUNK_SIZE] = self.bytes[self.at..].first_chunk()?;
        let (tag, digest) = record.split_first()?;
        if *tag != TAG_CHUNK {
            return None;
        }
        let offset = self.at as u64;
        self.at += RECORD_CHUNK_SIZE;
        Some((offset, Digest::new(*digest.first_chunk()?)))
    }

    /// The next record with its offset; `None` at the end of the file. After an error the same error comes again.
    ///
    /// # Errors
    /// [`CatalogError::Torn`], [`CatalogError::UnknownTag`], [`CatalogError::Text`].
    #[inline]
    pub fn next_record(&mut self) -> Result<Option<(u64, CatalogRecord<'a>)>, CatalogError> {
        if let Some((offset, digest)) = self.next_chunk() {
            return Ok(Some((offset, CatalogRecord::Chunk(digest))));
        }
        self.next_other()
    }

    #[inline(never)]
    fn next_other(&mut self) -> Result<Option<(u64, CatalogRecord<'a>)>, CatalogError> {
        let rest = &self.bytes[self.at..];
        let offset = self.at as u64;
        let Some((&tag, fixed)) = rest.split_first() else {
            return Ok(None);
        };
        let (record, len) = decode(tag, fixed, offset)?;
        self.at += TAG_SIZE + len;
        Ok(Some((offset, record)))
    }
}

impl<'a> Iterator for CatalogReader<'a> {
    type Item = Result<(u64, CatalogRecord<'a>), CatalogError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let item = self.next_record().transpose();
        if matches!(item, Some(Err(_))) {
            self.at = self.bytes.len();
        }
        item
    }
}

/// Decodes what stands behind a tag; gives the record and its length without the tag.
fn decode(tag: u8, rest: &[u8], offset: u64) -> Result<(CatalogRecord<'_>, usize), CatalogError> {
    let mut cursor = Cursor {
        rest,
        offset,
        used: 0,
    };
    let record = match tag {
        TAG_LABEL => {
            let raw = RawLabel::decode(cursor.fixed()?);
            CatalogRecord::Label {
                file_number: raw.file_number,
                uuid: raw.uuid,
                seq_nr: raw.seq_nr,
            }
        }
        TAG_ARCHIVE_START => {
            let raw = RawArchiveStart::decode(cursor.fixed()?);
            CatalogRecord::ArchiveStart {
                file_number: raw.file_number,
                uuid: raw.uuid,
                store: cursor.text(raw.store_len.into())?,
            }
        }
        TAG_CHUNK => CatalogRecord::Chunk(Digest::new(*cursor.fixed()?)),
        TAG_ARCHIVE_END => {
            let raw = RawArchiveEnd::decode(cursor.fixed()?);
            CatalogRecord::ArchiveEnd {
                file_number: raw.file_number,
                uuid: raw.uuid,
            }
        }
        TAG_SNAPSHOT => {
            let raw = RawSnapshot::decode(cursor.fixed()?);
            let (store_len, name_len) = (usize::from(raw.store_len), usize::from(raw.name_len));
            cursor.require(store_len + 1 + name_len)?;
            let store = cursor.text(store_len)?;
            if cursor.fixed::<1>()? != b":" {
                return Err(CatalogError::Text {
                    offset,
                    detail: "no colon between datastore and snapshot",
                });
            }
            CatalogRecord::Snapshot {
                file_number: raw.file_number,
                uuid: raw.uuid,
                store,
                snapshot: cursor.text(name_len)?,
            }
        }
        tag => return Err(CatalogError::UnknownTag { offset, tag }),
    };
    Ok((record, cursor.used))
}

/// Takes pieces off the bytes behind a tag.
struct Cursor<'a> {
    rest: &'a [u8],
    offset: u64,
    used: usize,
}

impl<'a> Cursor<'a> {
    fn require(&self, bytes: usize) -> Result<(), CatalogError> {
        if self.rest.len() < bytes {
            return Err(CatalogError::Torn {
                offset: self.offset,
                need: (TAG_SIZE + self.used + bytes) as u64,
                found: (TAG_SIZE + self.used + self.rest.len()) as u64,
            });
        }
        Ok(())
    }

    fn bytes(&mut self, len: usize) -> Result<&'a [u8], CatalogError> {
        self.require(len)?;
        let (head, tail) = self.rest.split_at(len);
        self.rest = tail;
        self.used += len;
        Ok(head)
    }

    fn fixed<const N: usize>(&mut self) -> Result<&'a [u8; N], CatalogError> {
        self.require(N)?;
        let (offset, found) = (self.offset, self.rest.len() as u64);
        self.bytes(N)?.first_chunk().ok_or(CatalogError::Torn {
            offset,
            need: N as u64,
            found,
        })
    }

    fn text(&mut self, len: usize) -> Result<&'a str, CatalogError> {
        let offset = self.offset;
        std::str::from_utf8(self.bytes(len)?).map_err(|_| CatalogError::Text {
            offset,
            detail: "a name that is not UTF-8",
        })
    }
}

/// Zeroes the padding inside all records, so that a file written by PBS (which leaves memory garbage there) can be compared
/// byte by byte with one written here.
///
/// # Errors
/// As [`CatalogReader`]; records before the error are masked.
pub fn mask_padding(bytes: &mut [u8]) -> Result<(), CatalogError> {
    let mut at = CatalogReader::new(bytes)?.at;
    while at < bytes.len() {
        let tag = bytes[at];
        let (_, len) = decode(tag, &bytes[at + TAG_SIZE..], at as u64)?;
        let padding = match tag {
            TAG_ARCHIVE_START => ARCHIVE_START_PADDING,
            TAG_SNAPSHOT => SNAPSHOT_PADDING,
            _ => &[],
        };
        for (start, end) in padding {
            bytes[at + start..at + end].fill(0);
        }
        at += TAG_SIZE + len;
    }
    Ok(())
}
