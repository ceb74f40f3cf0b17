//! Rebuilding a tape's catalog by reading all of it (tape-format.md 7.6, full scan).

use std::path::Path;

use ferrite_formats::media_catalog::CatalogIdentity;
use ferrite_scsi::{Drive, Position};

use super::chunks::{ChunksRead, read_chunks};
use crate::aligned::AlignedBlock;
use crate::catalog::{CatalogBuilder, CatalogSummary, Owner, read_catalog};
use crate::error::{Result, TapeError};
use crate::events::{Progress, TapeEvent, Watch};
use crate::file::{ContentReader, FileHead, FileKind, NextFile, read_head};
use crate::labels::{TapeLabels, read_labels_from_start};
use crate::snapshot::{Discard, SnapshotRead, read_snapshot_archive};

/// What a scan is to do.
#[derive(Debug)]
pub struct CatalogScan<'a> {
    /// Labels that the tape must carry.
    pub labels: &'a TapeLabels,
    /// Catalog to be replaced when the end of the tape was reached.
    pub catalog: &'a Path,
    /// Owner of the new catalog.
    pub owner: Option<Owner>,
    /// Tell every chunk ([`TapeEvent::Chunk`]).
    pub verbose: bool,
}

/// Reads the whole tape and replaces its catalog by what is on it: complete snapshot archives, and the whole chunks of chunk
/// archives. Nothing is stored; the catalog at its place stays untouched until the end of the tape was reached.
///
/// # Errors
/// [`TapeError::Label`] when another tape is in the drive; archives that are damaged otherwise than by being cut off
/// (tape-format.md 5.5, 6.5), labels behind file 1, archives of other versions; [`TapeError::Cancelled`].
pub fn scan_catalog(
    drive: &mut Drive,
    block: &mut AlignedBlock,
    scan: &CatalogScan<'_>,
    watch: &mut Watch<'_>,
) -> Result<CatalogSummary> {
    let mut position = go_behind_labels(drive, block, scan.labels)?;
    let mut rebuild = Rebuild {
        catalog: CatalogBuilder::create(scan.catalog, scan.labels, scan.owner)?,
        verbose: scan.verbose,
        progress: Progress::default(),
    };
    loop {
        watch.check_cancelled()?;
        let file_number = position.file_number();
        position = match ContentReader::open(drive, position, block)? {
            NextFile::EndOfData(_) => break,
            NextFile::Empty(next) => {
                watch.warn(
                    file_number,
                    "skipped an empty file (two file marks in a row)",
                );
                next
            }
            NextFile::File(mut reader) => {
                rebuild.read_file(&mut reader, watch)?;
                rebuild
                    .progress
                    .finished(file_number, reader.tape_bytes(), watch);
                reader.finish()?
            }
        };
    }
    rebuild.catalog.finish()?;
    read_catalog(scan.catalog, identity_of(scan.labels))
}

fn identity_of(labels: &TapeLabels) -> CatalogIdentity {
    CatalogIdentity::of(labels.label.uuid, labels.media_set_label.as_ref())
}

/// Reads the labels and gives the position behind them, or says that this is another tape.
pub(crate) fn go_behind_labels(
    drive: &mut Drive,
    block: &mut AlignedBlock,
    wanted: &TapeLabels,
) -> Result<Position> {
    let Some((found, position)) = read_labels_from_start(drive, block)? else {
        return Err(TapeError::Label("the tape in the drive is blank".into()));
    };
    if identity_of(&found) != identity_of(wanted) {
        return Err(TapeError::Label(format!(
            "the tape in the drive is {} ({}), not {} ({}), or not in the expected media set: insert the right tape",
            found.label.label_text, found.label.uuid, wanted.label.label_text, wanted.label.uuid
        )));
    }
    Ok(position)
}

/// A catalog that grows while its tape is read.
struct Rebuild {
    catalog: CatalogBuilder,
    verbose: bool,
    progress: Progress,
}

impl Rebuild {
    fn read_file(&mut self, reader: &mut ContentReader<'_>, watch: &mut Watch<'_>) -> Result<()> {
        let head = match read_head(reader) {
            // Cut off before anything could be known about it.
            Err(TapeError::NoEndMarker { file_number, .. }) => {
                watch.warn(
                    file_number,
                    "skipped a file without end marker: its writer was interrupted",
                );
                return Ok(());
            }
            head => head?,
        };
        match &head.kind {
            FileKind::ChunkArchive { store } => {
                self.read_chunk_archive(reader, &head, store, watch)
            }
            FileKind::SnapshotArchive { store, snapshot } => {
                self.read_snapshot(reader, &head, (store, snapshot), watch)
            }
            FileKind::CatalogArchive(archive) => {
                watch.tell(TapeEvent::CatalogArchive {
                    file_number: reader.file_number(),
                    media_uuid: archive.uuid,
                    restored: false,
                });
                Ok(())
            }
        }
    }

    fn read_chunk_archive(
        &mut self,
        reader: &mut ContentReader<'_>,
        head: &FileHead,
        store: &str,
        watch: &mut Watch<'_>,
    ) -> Result<()> {
        let Self {
            catalog,
            verbose,
            progress,
        } = self;
        let file_number = reader.file_number();
        catalog.start_archive(file_number, head.header.uuid, store)?;
        let read = read_chunks(
            reader,
            &head.header,
            progress,
            watch,
            &mut |digest, watch| {
                if *verbose {
                    watch.tell(TapeEvent::Chunk(digest));
                }
                catalog.chunk(digest)
            },
        )?;
        match read {
            ChunksRead::Count { chunks, warning } => {
                catalog.end_archive()?;
                if let Some(warning) = warning {
                    watch.warn(
                        file_number,
                        format!("chunk archive is incomplete, its whole chunks count: {warning}"),
                    );
                }
                watch.tell(TapeEvent::ChunkArchive {
                    file_number,
                    store: store.to_owned(),
                    chunks,
                });
            }
            ChunksRead::Nothing { reason } => {
                catalog.abandon_archive()?;
                watch.warn(
                    file_number,
                    format!("chunk archive does not count, its writer was interrupted: {reason}"),
                );
            }
        }
        Ok(())
    }

    fn read_snapshot(
        &mut self,
        reader: &mut ContentReader<'_>,
        head: &FileHead,
        (store, snapshot): (&str, &str),
        watch: &mut Watch<'_>,
    ) -> Result<()> {
        let file_number = reader.file_number();
        match read_snapshot_archive(reader, &mut Discard)? {
            SnapshotRead::Complete => {
                self.catalog
                    .snapshot(file_number, head.header.uuid, store, snapshot)?;
                watch.tell(TapeEvent::SnapshotArchive {
                    file_number,
                    store: store.to_owned(),
                    snapshot: snapshot.to_owned(),
                });
            }
            SnapshotRead::Incomplete { reason } => {
                watch.warn(
                    file_number,
                    format!("skipped the incomplete snapshot {store}:{snapshot}: {reason}"),
                );
            }
        }
        Ok(())
    }
}
