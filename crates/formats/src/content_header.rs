//! Content header: the first 48 bytes of every tape file, followed by a short JSON text (tape-format.md 3).

use std::io::{self, Read};

use uuid::Uuid;

use crate::error::FormatError;
use crate::layout::{Pad, wire_struct};
use crate::magic::{self, CONTENT_HEADER_1_0, Magic};

/// Largest header JSON accepted, in bytes. For labels this is a rule of the format (H3), for archives our bound.
pub const MAX_JSON_SIZE: u32 = 65_536;

wire_struct! {
    struct RawContentHeader: 48 {
        magic: Magic,
        content_magic: Magic,
        uuid: Uuid,
        ctime: i64,
        size: u32,
        part_number: u8,
        reserved: Pad<3>,
    }
}

/// What a tape file holds, by the magic in its content header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContentKind {
    /// File 0.
    MediaLabel,
    /// File 1.
    MediaSetLabel,
    /// Chunk archive 1.1.
    ChunkArchive,
    /// Snapshot archive 1.1, written for the root namespace.
    SnapshotArchive11,
    /// Snapshot archive 1.2, written for other namespaces.
    SnapshotArchive12,
    /// Catalog archive 1.0.
    CatalogArchive10,
    /// Catalog archive 1.1.
    CatalogArchive11,
}

impl ContentKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::MediaLabel,
        Self::MediaSetLabel,
        Self::ChunkArchive,
        Self::SnapshotArchive11,
        Self::SnapshotArchive12,
        Self::CatalogArchive10,
        Self::CatalogArchive11,
    ];

    /// Magic in the content header.
    pub const fn magic(self) -> Magic {
        match self {
            Self::MediaLabel => magic::MEDIA_LABEL_1_0,
            Self::MediaSetLabel => magic::MEDIA_SET_LABEL_1_0,
            Self::ChunkArchive => magic::CHUNK_ARCHIVE_1_1,
            Self::SnapshotArchive11 => magic::SNAPSHOT_ARCHIVE_1_1,
            Self::SnapshotArchive12 => magic::SNAPSHOT_ARCHIVE_1_2,
            Self::CatalogArchive10 => magic::CATALOG_ARCHIVE_1_0,
            Self::CatalogArchive11 => magic::CATALOG_ARCHIVE_1_1,
        }
    }

    /// Name for messages and listings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MediaLabel => "media label",
            Self::MediaSetLabel => "media-set label",
            Self::ChunkArchive => "chunk archive",
            Self::SnapshotArchive11 | Self::SnapshotArchive12 => "snapshot archive",
            Self::CatalogArchive10 | Self::CatalogArchive11 => "catalog archive",
        }
    }

    /// Either version of a snapshot archive.
    pub const fn is_snapshot_archive(self) -> bool {
        matches!(self, Self::SnapshotArchive11 | Self::SnapshotArchive12)
    }

    /// Either version of a catalog archive.
    pub const fn is_catalog_archive(self) -> bool {
        matches!(self, Self::CatalogArchive10 | Self::CatalogArchive11)
    }

    /// Kind of a content magic.
    ///
    /// # Errors
    /// [`ContentError::OldVersion`] for archives that no longer are read, [`ContentError::UnknownContent`] (H8).
    pub fn from_magic(content: &Magic) -> Result<Self, ContentError> {
        if let Some(kind) = Self::ALL.into_iter().find(|kind| kind.magic() == *content) {
            return Ok(kind);
        }
        Err(match *content {
            magic::CHUNK_ARCHIVE_1_0 => ContentError::OldVersion("chunk archive"),
            magic::SNAPSHOT_ARCHIVE_1_0 => ContentError::OldVersion("snapshot archive"),
            found => ContentError::UnknownContent { found },
        })
    }
}

/// Why the head of a tape file, a label or an archive header cannot be read (rules H1 to H8 of tape-format.md 12).
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// H1: the file is shorter than a content header.
    #[error("no content header: the file holds only {found} bytes")]
    TooShort {
        /// Bytes found.
        found: usize,
    },
    /// H1: no content header.
    #[error("no content header: the file starts with {}", hex::encode(found))]
    WrongMagic {
        /// First bytes found.
        found: Magic,
    },
    /// H2: another content than expected.
    #[error("expected a {expected}, found {}", describe(found))]
    WrongContent {
        /// Content wanted.
        expected: &'static str,
        /// Content magic found.
        found: Magic,
    },
    /// H8: an archive of version 1.0.
    #[error("{0} version 1.0 is no longer supported")]
    OldVersion(&'static str),
    /// H8: a content magic nobody knows.
    #[error("unknown content type {}", hex::encode(found))]
    UnknownContent {
        /// Content magic found.
        found: Magic,
    },
    /// A part of a multi-volume file other than the first; nothing ever wrote such files.
    #[error("{what}: part {part} of a file that spans tapes, which is not supported")]
    MultiVolume {
        /// Label or archive being read.
        what: &'static str,
        /// Part number.
        part: u8,
    },
    /// H3: empty or oversized JSON.
    #[error("{what}: JSON header of {size} bytes (1 to 65536 are possible)")]
    JsonSize {
        /// Label or archive being read.
        what: &'static str,
        /// Size in the content header.
        size: u32,
    },
    /// The file ends inside the JSON.
    #[error("{what}: JSON header ends after {found} of {size} bytes")]
    JsonCut {
        /// Label or archive being read.
        what: &'static str,
        /// Size in the content header.
        size: u32,
        /// Bytes found.
        found: usize,
    },
    /// H4: the JSON does not parse, or a key is missing or has a wrong type.
    #[error(transparent)]
    Json(#[from] FormatError),
    /// H5: bytes behind a label.
    #[error("{what}: data behind the JSON")]
    TrailingData {
        /// Label being read.
        what: &'static str,
    },
    /// Reading the tape failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn describe(content: &Magic) -> String {
    magic::name(content).map_or_else(
        || format!("unknown content {}", hex::encode(content)),
        str::to_owned,
    )
}

/// The header of a tape file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentHeader {
    /// What the file holds; see [`ContentKind`].
    pub content_magic: Magic,
    /// Random per file; catalogs refer to it.
    pub uuid: Uuid,
    /// When the file was started, in seconds of the Unix epoch.
    pub ctime: i64,
    /// Bytes of the JSON that follows.
    pub size: u32,
    /// 0; other numbers belong to a multi-volume scheme that was never used.
    pub part_number: u8,
}

impl ContentHeader {
    /// Bytes on the medium.
    pub const SIZE: usize = RawContentHeader::SIZE;

    /// The 48 bytes on the medium.
    pub fn encode(&self) -> [u8; Self::SIZE] {
        RawContentHeader {
            magic: CONTENT_HEADER_1_0,
            content_magic: self.content_magic,
            uuid: self.uuid,
            ctime: self.ctime,
            size: self.size,
            part_number: self.part_number,
            reserved: Pad,
        }
        .encode()
    }

    /// Reads a header; its magic is checked, its content magic is not.
    ///
    /// # Errors
    /// [`ContentError::TooShort`], [`ContentError::WrongMagic`] (H1).
    pub fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        let Some(bytes) = bytes.first_chunk() else {
            return Err(ContentError::TooShort { found: bytes.len() });
        };
        let raw = RawContentHeader::decode(bytes);
        if raw.magic != CONTENT_HEADER_1_0 {
            return Err(ContentError::WrongMagic { found: raw.magic });
        }
        Ok(Self {
            content_magic: raw.content_magic,
            uuid: raw.uuid,
            ctime: raw.ctime,
            size: raw.size,
            part_number: raw.part_number,
        })
    }

    /// What the file holds.
    ///
    /// # Errors
    /// [`ContentError::OldVersion`], [`ContentError::UnknownContent`] (H8).
    pub fn kind(&self) -> Result<ContentKind, ContentError> {
        ContentKind::from_magic(&self.content_magic)
    }

    /// Insists on one of `kinds` (H2).
    ///
    /// # Errors
    /// [`ContentError::WrongContent`].
    pub fn expect(&self, kinds: &[ContentKind]) -> Result<ContentKind, ContentError> {
        kinds
            .iter()
            .copied()
            .find(|kind| kind.magic() == self.content_magic)
            .ok_or(ContentError::WrongContent {
                expected: kinds.first().map_or("known content", |kind| kind.name()),
                found: self.content_magic,
            })
    }

    /// Name of the content for messages, also when it is not known.
    pub fn what(&self) -> &'static str {
        self.kind().map_or("tape file", ContentKind::name)
    }

    /// Checks everything that holds for all files that can be read: a known content (H8), part 0, a JSON size (H3).
    ///
    /// # Errors
    /// As [`Self::kind`] and [`Self::json_size`], [`ContentError::MultiVolume`].
    pub fn check(&self) -> Result<ContentKind, ContentError> {
        let kind = self.kind()?;
        if self.part_number != 0 {
            return Err(ContentError::MultiVolume {
                what: kind.name(),
                part: self.part_number,
            });
        }
        self.json_size()?;
        Ok(kind)
    }

    /// Checks that the JSON has 1 to [`MAX_JSON_SIZE`] bytes (H3) and gives its size.
    ///
    /// # Errors
    /// [`ContentError::JsonSize`].
    pub fn json_size(&self) -> Result<usize, ContentError> {
        if self.size == 0 || self.size > MAX_JSON_SIZE {
            return Err(ContentError::JsonSize {
                what: self.what(),
                size: self.size,
            });
        }
        Ok(self.size as usize)
    }
}

/// Header of a new tape file together with its JSON; what [`read`] gives back.
///
/// # Errors
/// [`ContentError::JsonSize`] when the JSON is larger than readers accept.
pub fn encode(
    kind: ContentKind,
    uuid: Uuid,
    ctime: i64,
    json: &[u8],
) -> Result<Vec<u8>, ContentError> {
    let header = ContentHeader {
        content_magic: kind.magic(),
        uuid,
        ctime,
        size: u32::try_from(json.len()).unwrap_or(u32::MAX),
        part_number: 0,
    };
    header.json_size()?;
    let mut out = Vec::with_capacity(ContentHeader::SIZE + json.len());
    out.extend_from_slice(&header.encode());
    out.extend_from_slice(json);
    Ok(out)
}

/// Reads the header of a tape file and its JSON; the reader is left at the start of the body.
///
/// # Errors
/// H1, as [`ContentHeader::check`], a JSON that is cut, and errors of the reader.
pub fn read(reader: &mut impl Read) -> Result<(ContentHeader, Vec<u8>), ContentError> {
    let mut bytes = Vec::with_capacity(ContentHeader::SIZE);
    reader
        .take(ContentHeader::SIZE as u64)
        .read_to_end(&mut bytes)?;
    let header = ContentHeader::decode(&bytes)?;
    header.check()?;
    let size = header.json_size()?;
    let mut json = Vec::with_capacity(size);
    reader.take(size as u64).read_to_end(&mut json)?;
    if json.len() < size {
        return Err(ContentError::JsonCut {
            what: header.what(),
            size: header.size,
            found: json.len(),
        });
    }
    Ok((header, json))
}
