//! Catalogs from the copies that jobs leave on tape (tape-format.md 7.6, fast).

use std::path::{Path, PathBuf};

use ferrite_formats::catalog_archive::CatalogArchiveHeader;
use ferrite_scsi::{Drive, ErrorClass, Position};
use uuid::Uuid;

use crate::aligned::AlignedBlock;
use crate::catalog::{Owner, create_temporary};
use crate::catalog_archive::{CatalogCopy, copy_to};
use crate::error::{Result, TapeError};
use crate::events::{TapeEvent, Watch};
use crate::file::{ContentReader, FileHead, FileKind, NextFile, read_head};
use crate::labels::TapeLabels;
use crate::scan::go_behind_labels;

/// Which catalogs to restore.
#[derive(Debug)]
pub struct CatalogRestore<'a> {
    /// Labels that the tape must carry; its media set is the one whose catalogs are taken.
    pub labels: &'a TapeLabels,
    /// All known members of the media set.
    pub members: &'a [Uuid],
    /// Folder of the catalogs.
    pub folder: &'a Path,
    /// Owner of restored catalogs.
    pub owner: Option<Owner>,
}

/// A copy that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedCopy {
    /// Tape file.
    pub file_number: u64,
    /// Why, for a person.
    pub reason: String,
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CatalogRestoreOutcome {
    /// The catalog of the tape in the drive was. If not, the tape has to be scanned.
    pub own_restored: bool,
    /// Tapes whose catalogs were restored, in the order of their copies; each once.
    pub restored: Vec<Uuid>,
    /// Copies that were left out.
    pub skipped: Vec<SkippedCopy>,
}

/// Restores catalogs of a media set from the copies on one of its tapes: those behind the labels (of earlier tapes of the
/// set), and those at the end of the tape (of the tape itself).
///
/// The tape's own catalog is always replaced, a later copy by a still later one; those of other members only where none is
/// there. A copy is checked whole before it replaces anything. It can be older than the last archives on the tape, when the
/// job that wrote those was interrupted.
///
/// # Errors
/// [`TapeError::Label`] when another tape is in the drive; errors of the drive and of the file system;
/// [`TapeError::Cancelled`]. An unusable copy or a damaged file is no error.
pub fn restore_catalogs(
    drive: &mut Drive,
    block: &mut AlignedBlock,
    restore: &CatalogRestore<'_>,
    watch: &mut Watch<'_>,
) -> Result<CatalogRestoreOutcome> {
    let mut outcome = CatalogRestoreOutcome::default();
    let mut position = go_behind_labels(drive, block, restore.labels)?;
    let mut jumped = false;
    loop {
        watch.check_cancelled()?;
        let file_number = position.file_number();
        let found = match ContentReader::open(drive, position, block) {
            Ok(NextFile::EndOfData(_)) => return Ok(outcome),
            Ok(NextFile::Empty(_)) => None,
            Ok(NextFile::File(reader)) => take_copy(reader, restore, &mut outcome, watch)?,
            Err(error) => {
                tell_damage(file_number, error, watch)?;
                None
            }
        };
        position = match found {
            Some(next) => next,
            None if jumped => return Ok(outcome),
            None => {
                jumped = true;
                let last = drive
                    .last_file()
                    .map_err(TapeError::drive("go to the last file of the tape"))?;
                if last.file_number() <= file_number {
                    return Ok(outcome);
                }
                last
            }
        };
    }
}

/// A damaged file is not a copy, and does not keep those behind it from being found.
fn tell_damage(file_number: u64, error: TapeError, watch: &mut Watch<'_>) -> Result<()> {
    if error.class() != ErrorClass::Data || matches!(error, TapeError::Drive { .. }) {
        return Err(error);
    }
    watch.warn(file_number, format!("not read: {error}"));
    Ok(())
}

/// Reads a file if it is a catalog archive and gives the position behind it; `None` for any other file.
fn take_copy(
    mut reader: ContentReader<'_>,
    restore: &CatalogRestore<'_>,
    outcome: &mut CatalogRestoreOutcome,
    watch: &mut Watch<'_>,
) -> Result<Option<Position>> {
    let file_number = reader.file_number();
    let header = match read_head(&mut reader) {
        Ok(FileHead {
            kind: FileKind::CatalogArchive(header),
            ..
        }) => header,
        Ok(_) => return Ok(None),
        Err(error) => return tell_damage(file_number, error, watch).map(|()| None),
    };
    let refused = match refusal(&header, restore) {
        Some(reason) => Some(reason),
        None => replace_catalog(&mut reader, &header, restore)?,
    };
    let restored = refused.is_none();
    if restored {
        outcome.own_restored |= header.uuid == restore.labels.label.uuid;
        if !outcome.restored.contains(&header.uuid) {
            outcome.restored.push(header.uuid);
        }
    }
    if let Some(reason) = refused {
        watch.warn(
            file_number,
            format!("skipped the catalog of tape {}: {reason}", header.uuid),
        );
        outcome.skipped.push(SkippedCopy {
            file_number,
            reason,
        });
    }
    watch.tell(TapeEvent::CatalogArchive {
        file_number,
        media_uuid: header.uuid,
        restored,
    });
    reader.finish().map(Some)
}

/// Why a copy is not wanted, going by its header.
fn refusal(header: &CatalogArchiveHeader, restore: &CatalogRestore<'_>) -> Option<String> {
    let set = restore.labels.media_set().map(|set| set.uuid);
    if set != Some(header.media_set_uuid) {
        return Some(format!("it belongs to media set {}", header.media_set_uuid));
    }
    let own = header.uuid == restore.labels.label.uuid;
    if !own && !restore.members.contains(&header.uuid) {
        return Some("this tape is no known member of the media set".into());
    }
    if !own && catalog_path(restore.folder, header.uuid).exists() {
        return Some("its catalog is there already".into());
    }
    None
}

/// Copies, checks and renames. Gives the reason when the copy is unusable.
fn replace_catalog(
    reader: &mut ContentReader<'_>,
    header: &CatalogArchiveHeader,
    restore: &CatalogRestore<'_>,
) -> Result<Option<String>> {
    let path = catalog_path(restore.folder, header.uuid);
    let temporary = create_temporary(&path, restore.owner)?;
    match copy_to(reader, header, &temporary)? {
        CatalogCopy::Good => temporary.sync_and_rename_to(&path).map(|()| None),
        CatalogCopy::Unusable(reason) => Ok(Some(reason)),
    }
}

/// Path of the catalog of a tape.
fn catalog_path(folder: &Path, media_uuid: Uuid) -> PathBuf {
    folder.join(format!("{media_uuid}.log"))
}
