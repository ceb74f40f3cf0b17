//! The head of a tape file: content header and JSON, and what they say the file holds (rules H1 to H8).

use ferrite_formats::catalog_archive::CatalogArchiveHeader;
use ferrite_formats::chunk_archive::ChunkArchiveHeader;
use ferrite_formats::content_header::{self, ContentError, ContentHeader, ContentKind};
use ferrite_formats::snapshot_archive::SnapshotArchiveHeader;

use super::ContentReader;
use crate::error::{Result, TapeError};

/// What a tape file behind the labels holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind {
    /// Chunks of one datastore.
    ChunkArchive {
        /// Datastore the chunks were read from.
        store: String,
    },
    /// The files of one snapshot.
    SnapshotArchive {
        /// Datastore the snapshot was read from.
        store: String,
        /// `[ns/<name>/]*<type>/<id>/<time>`.
        snapshot: String,
    },
    /// A copy of a media catalog.
    CatalogArchive(CatalogArchiveHeader),
}

/// Header of a tape file, read and understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileHead {
    /// The 48 bytes.
    pub header: ContentHeader,
    /// What the file holds.
    pub kind: FileKind,
}

/// Reads the head of a tape file behind the labels; the reader is left at the start of the body.
///
/// # Errors
/// [`TapeError::Content`] for H1 to H4, for labels (which belong in files 0 and 1 only) and for archives of other versions
/// (H8), and for parts of a multi-volume file; errors of the blocks.
pub fn read_head(reader: &mut ContentReader<'_>) -> Result<FileHead> {
    let file_number = reader.file_number();
    let failed = |error: ContentError| TapeError::content(file_number, error);
    let (header, json) = content_header::read(reader).map_err(failed)?;
    let kind = match header.kind().map_err(failed)? {
        ContentKind::ChunkArchive => {
            let ChunkArchiveHeader { store } =
                ChunkArchiveHeader::parse(&header, &json).map_err(failed)?;
            FileKind::ChunkArchive { store }
        }
        ContentKind::SnapshotArchive11 | ContentKind::SnapshotArchive12 => {
            let head = SnapshotArchiveHeader::parse(&header, &json).map_err(failed)?;
            FileKind::SnapshotArchive {
                store: head.store,
                snapshot: head.snapshot,
            }
        }
        ContentKind::CatalogArchive10 | ContentKind::CatalogArchive11 => {
            FileKind::CatalogArchive(CatalogArchiveHeader::parse(&header, &json).map_err(failed)?)
        }
        ContentKind::MediaLabel | ContentKind::MediaSetLabel => {
            return Err(TapeError::Archive {
                file_number,
                block: 0,
                reason: format!("holds a {} behind the labels of the tape", header.what()),
            });
        }
    };
    Ok(FileHead { header, kind })
}
