//! Copies of catalogs on tape (tape-format.md 7.1).

use std::os::unix::fs::FileExt;
use std::path::Path;

use ferrite_formats::block_stream::StreamEnd;
use ferrite_formats::catalog_archive::CatalogArchiveHeader;
use ferrite_formats::content_header::ContentKind;
use ferrite_formats::media_catalog::{CatalogIdentity, CatalogRecord};
use ferrite_scsi::{Drive, Position};

use crate::aligned::AlignedBlock;
use crate::catalog::CatalogFile;
use crate::error::{Result, TapeError};
use crate::file::{ContentReader, ContentWriter, FileStamp, WrittenFile};
use crate::temporary::Temporary;

/// Version of a catalog archive. Readers treat both alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogArchiveVersion {
    /// Jobs over the root namespace of a datastore alone.
    V1_0,
    /// All other jobs.
    V1_1,
}

impl CatalogArchiveVersion {
    fn kind(self) -> ContentKind {
        match self {
            Self::V1_0 => ContentKind::CatalogArchive10,
            Self::V1_1 => ContentKind::CatalogArchive11,
        }
    }
}

/// A catalog archive that was written. It never stands in a catalog itself.
#[derive(Debug)]
#[must_use]
pub struct CatalogArchiveOutcome {
    /// False: the end of the medium was met at its very start, it was closed as incomplete and belongs on another tape.
    pub complete: bool,
    /// The tape file.
    pub file: WrittenFile,
}

/// Writes the catalog file at `catalog`, as it is on disk now, as a catalog archive at `position`.
///
/// The catalog is checked first: what it says must be sound and about the tape that `header` names. Early warning inside the
/// body is ignored, as the reference does: the drive has room for it behind early warning, and a catalog that is on the tape
/// is worth more than a clean end.
///
/// # Errors
/// [`TapeError::Catalog`] before anything is written; [`TapeError::Drive`].
pub fn write_catalog_archive(
    drive: &mut Drive,
    position: Position,
    block: &mut AlignedBlock,
    catalog: &Path,
    header: &CatalogArchiveHeader,
    version: CatalogArchiveVersion,
    stamp: FileStamp,
) -> Result<CatalogArchiveOutcome> {
    let file_number = position.file_number();
    if file_number < 2 {
        return Err(TapeError::Usage {
            file_number,
            reason: "is the place of a label: two labels have to be on the tape before anything else",
        });
    }
    let head = header
        .encode(version.kind(), stamp.uuid, stamp.ctime)
        .map_err(|error| TapeError::content(file_number, error))?;
    let file = CatalogFile::open(catalog, identity_of(header))?;
    file.for_each(|_, _| Ok(()))?;
    let mut writer = ContentWriter::create(drive, position, block)?;
    writer.write(&head)?;
    let complete = !writer.early_warning();
    if complete {
        copy_file(&file, &mut writer)?;
    }
    Ok(CatalogArchiveOutcome {
        complete,
        file: writer.finish(!complete)?,
    })
}

/// The tape that a catalog archive is about.
pub(crate) fn identity_of(header: &CatalogArchiveHeader) -> CatalogIdentity {
    CatalogIdentity {
        media_uuid: Some(header.uuid),
        media_set: Some((header.media_set_uuid, header.seq_nr)),
    }
}

fn copy_file(catalog: &CatalogFile, writer: &mut ContentWriter<'_>) -> Result<()> {
    let mut piece = vec![0; 256 * 1024];
    let mut at = 0;
    while at < catalog.bytes() {
        let length =
            usize::try_from(catalog.bytes() - at).map_or(piece.len(), |left| left.min(piece.len()));
        catalog
            .file()
            .read_exact_at(&mut piece[..length], at)
            .map_err(|error| TapeError::io("read catalog", catalog.path(), error))?;
        writer.write(&piece[..length])?;
        at += length as u64;
    }
    Ok(())
}

/// Why a copy on tape was not taken.
#[derive(Debug)]
#[must_use]
pub(crate) enum CatalogCopy {
    /// Complete and sound.
    Good,
    /// Not usable, and why.
    Unusable(String),
}

/// Copies the body of a catalog archive to `temporary` and checks it whole: end marker, every record, and that it is about
/// the tape that the header names (K1 to K3).
pub(crate) fn copy_to(
    reader: &mut ContentReader<'_>,
    header: &CatalogArchiveHeader,
    temporary: &Temporary,
) -> Result<CatalogCopy> {
    let failed = |error| TapeError::io("write catalog", temporary.path(), error);
    temporary.file().set_len(0).map_err(failed)?;
    let mut at = 0;
    loop {
        let payload = match reader.payload() {
            Ok([]) => break,
            Ok(payload) => payload,
            Err(error @ (TapeError::NoEndMarker { .. } | TapeError::Block { .. })) => {
                return Ok(CatalogCopy::Unusable(error.to_string()));
            }
            Err(error) => return Err(error),
        };
        temporary.file().write_all_at(payload, at).map_err(failed)?;
        at += payload.len() as u64;
        let length = payload.len();
        reader.consume(length);
    }
    if reader.end() != Some(StreamEnd::Complete) {
        return Ok(CatalogCopy::Unusable(
            "the copy is marked as incomplete".into(),
        ));
    }
    check_copy(header, temporary)
}

fn check_copy(header: &CatalogArchiveHeader, temporary: &Temporary) -> Result<CatalogCopy> {
    let file = temporary
        .file()
        .try_clone()
        .map_err(|error| TapeError::io("check catalog", temporary.path(), error))?;
    let mut labels = 0;
    let checked =
        CatalogFile::lock(file, temporary.path(), identity_of(header))?.for_each(|_, record| {
            labels += u32::from(matches!(record, CatalogRecord::Label { .. }));
            Ok(())
        });
    let state = match checked {
        Ok(state) => state,
        Err(TapeError::Catalog { source, .. }) => {
            return Ok(CatalogCopy::Unusable(source.to_string()));
        }
        Err(error) => return Err(error),
    };
    Ok(match state.open_archive() {
        _ if labels < 2 => CatalogCopy::Unusable("the copy does not name its media set".into()),
        Some((open, _)) => CatalogCopy::Unusable(format!(
            "the copy ends inside the chunk archive in file {open}"
        )),
        None => CatalogCopy::Good,
    })
}
