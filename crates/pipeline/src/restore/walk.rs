//! The drive thread: one tape file after the other.

use std::time::Instant;

use crossbeam_channel::Sender;
use ferrite_datastore::CancelFlag;
use ferrite_formats::SnapshotPath;
use ferrite_formats::block::BLOCK_SIZE;
use ferrite_formats::content_header::ContentHeader;
use ferrite_formats::snapshot_archive::SnapshotArchiveHeader;
use ferrite_scsi::Drive;
use ferrite_tape::file::read_head;
use ferrite_tape::{AlignedBlock, CatalogBuilder, ContentReader, FileHead, FileKind, NextFile};
use uuid::Uuid;

use super::chunks::{ArchiveEnd, ChunkArchive, Surroundings, Wanted};
use super::demand::DemandPlace;
use super::pool::Pool;
use super::snapshot::{self, SnapshotEnd};
use super::stage::{not_as_listed, open_file};
use super::targets::Targets;
use super::worker::Job;
use super::{IncompleteFile, RestoreOutcome, RestorePlan, RestoredSnapshot};
use crate::error::{PipelineError, Result};
use crate::events::{Event, Throttle};

/// The first file behind the labels.
const FIRST_DATA_FILE: u64 = 2;

/// Reads the whole tape.
pub(super) fn run(
    drive: &mut Drive,
    plan: &RestorePlan,
    targets: &Targets,
    pool: &Pool,
    jobs: &Sender<Job>,
    events: &dyn Fn(Event),
    cancel: &CancelFlag,
) -> Result<RestoreOutcome> {
    if plan.labels.media_set_label.is_none() {
        return Err(PipelineError::Plan(
            "the tape has no media-set label, so there is nothing on it to restore".to_owned(),
        ));
    }
    let mut walk = Walk {
        plan,
        around: Surroundings {
            targets,
            pool,
            jobs,
            cancel,
        },
        events,
        catalog: match plan.selection {
            Some(_) => None,
            None => Some(CatalogBuilder::create(
                &plan.catalog_path,
                &plan.labels,
                plan.owner,
            )?),
        },
        outcome: RestoreOutcome::default(),
        throttle: Throttle::new(),
    };
    match &plan.selection {
        Some(selection) => walk.read_files(drive, &selection.files)?,
        None => walk.read_tape(drive)?,
    }
    walk.finish()
}

struct Walk<'a> {
    plan: &'a RestorePlan,
    around: Surroundings<'a>,
    events: &'a dyn Fn(Event),
    /// `None` for a selection.
    catalog: Option<CatalogBuilder>,
    outcome: RestoreOutcome,
    throttle: Throttle,
}

impl Walk<'_> {
    fn read_tape(&mut self, drive: &mut Drive) -> Result<()> {
        let mut position = drive.locate(FIRST_DATA_FILE).map_err(PipelineError::drive(
            "go to the first file behind the labels",
        ))?;
        let mut block = AlignedBlock::new();
        loop {
            if self.around.cancel.is_cancelled() {
                return Err(PipelineError::Cancelled);
            }
            let file_number = position.file_number();
            let mut reader = match ContentReader::open(drive, position, &mut block)? {
                NextFile::File(reader) => reader,
                NextFile::Empty(behind) => {
                    self.tell(Event::Log(format!(
                        "tape file {file_number} is empty, skipped"
                    )));
                    position = behind;
                    continue;
                }
                NextFile::EndOfData(_) => return Ok(()),
            };
            let before = self.outcome.bytes_read;
            self.file(&mut reader)?;
            self.outcome.bytes_read = before + reader.blocks() * BLOCK_SIZE as u64;
            self.progress(false);
            position = reader.finish()?;
        }
    }

    /// Chunk archives of a selection.
    fn read_files(&mut self, drive: &mut Drive, files: &[u64]) -> Result<()> {
        let mut block = AlignedBlock::new();
        for &file_number in files {
            if self.around.cancel.is_cancelled() {
                return Err(PipelineError::Cancelled);
            }
            let mut reader = open_file(drive, file_number, &mut block)?;
            let FileHead { header, kind } = read_head(&mut reader)?;
            let FileKind::ChunkArchive { store } = kind else {
                return Err(not_as_listed(file_number, "a chunk archive"));
            };
            let before = self.outcome.bytes_read;
            self.chunk_archive(&mut reader, &header, &store)?;
            self.outcome.bytes_read = before + reader.blocks() * BLOCK_SIZE as u64;
            self.progress(false);
        }
        Ok(())
    }

    fn file(&mut self, reader: &mut ContentReader<'_>) -> Result<()> {
        let FileHead { header, kind } = read_head(reader)?;
        match kind {
            FileKind::ChunkArchive { store } => self.chunk_archive(reader, &header, &store),
            FileKind::SnapshotArchive { store, snapshot } => {
                let file_number = reader.file_number();
                let head = SnapshotArchiveHeader { snapshot, store };
                self.snapshot_archive(reader, header.uuid, &head)
                    .map_err(|source| match source {
                        // These say where; the others know only the datastore.
                        source @ (PipelineError::Tape(_) | PipelineError::Cancelled) => source,
                        source => PipelineError::TapeSnapshot {
                            file_number,
                            store: head.store,
                            snapshot: head.snapshot,
                            source: Box::new(source),
                        },
                    })
            }
            FileKind::CatalogArchive(_) => {
                // Nothing in it is needed; the drive steps over what was not read.
                self.tell(Event::CatalogArchive {
                    file_number: reader.file_number(),
                });
                Ok(())
            }
        }
    }

    fn chunk_archive(
        &mut self,
        reader: &mut ContentReader<'_>,
        header: &ContentHeader,
        store: &str,
    ) -> Result<()> {
        let started = Instant::now();
        let file_number = reader.file_number();
        let (events, throttle, outcome) = (self.events, &mut self.throttle, &mut self.outcome);
        let chunks_before = outcome.chunks_restored + outcome.chunks_present;
        let mut progress = |chunks: u64| {
            outcome.bytes_read += BLOCK_SIZE as u64;
            if throttle.is_due() {
                events(Event::Progress {
                    tape_bytes: outcome.bytes_read,
                    chunks: chunks_before + chunks,
                    share: None,
                });
            }
        };
        let wanted = self.plan.selection.as_ref().map(|selection| {
            let media_uuid = self.plan.labels.label.uuid;
            let place = DemandPlace {
                media_uuid,
                file_number,
            };
            Wanted::new(&selection.demand, place)
        });
        let catalog = self.catalog.as_mut();
        let archive = ChunkArchive::new(&self.around, catalog, wanted, file_number, store);
        let (end, counts) = archive.read(reader, header, &mut progress)?;
        self.outcome.chunks_restored += counts.restored;
        self.outcome.bytes_restored += counts.restored_bytes;
        self.outcome.chunks_present += counts.present;
        self.tell(Event::ChunkArchive {
            store: store.to_owned(),
            file_number,
            chunks: counts.chunks,
            bytes: counts.bytes,
            seconds: started.elapsed().as_secs_f64(),
        });
        match end {
            ArchiveEnd::Whole => {}
            ArchiveEnd::Cut(message) => self.incomplete(file_number, message, None),
            ArchiveEnd::Void(reason) => {
                self.incomplete(file_number, format!("{reason}; not registered"), None)
            }
        }
        Ok(())
    }

    fn snapshot_archive(
        &mut self,
        reader: &mut ContentReader<'_>,
        uuid: Uuid,
        head: &SnapshotArchiveHeader,
    ) -> Result<()> {
        let started = Instant::now();
        let (file_number, store) = (reader.file_number(), head.store.as_str());
        let snapshot = head
            .snapshot_path()
            .map_err(|error| PipelineError::Plan(error.to_string()))?;
        let target = self
            .around
            .targets
            .find(store)
            .map(|index| self.around.targets.get(index));
        let Some(target) = target else {
            if let Some(reason) = snapshot::skip(reader)? {
                self.incomplete(file_number, reason, None);
                return Ok(());
            }
            self.list_snapshot(file_number, uuid, head)?;
            self.skipped(head, "its datastore is not mapped");
            self.outcome.skipped.push((store.to_owned(), snapshot));
            return Ok(());
        };
        self.tell(Event::SnapshotStart {
            store: store.to_owned(),
            snapshot: head.snapshot.clone(),
        });
        let owner = &self.plan.owner_auth_id;
        match snapshot::restore(reader, target, &snapshot, owner, self.around.cancel)? {
            SnapshotEnd::Cut(reason) => {
                self.incomplete(file_number, reason, None);
                return Ok(());
            }
            SnapshotEnd::Unusable(reason) => {
                let message = format!("snapshot {store}:{snapshot} was not restored: {reason}");
                self.incomplete(file_number, message, Some((store.to_owned(), snapshot)));
            }
            SnapshotEnd::Existing => {
                self.skipped(head, "it is there already");
                self.outcome.existing.push((store.to_owned(), snapshot));
            }
            SnapshotEnd::Restored => {
                self.outcome.restored.push(RestoredSnapshot {
                    store: store.to_owned(),
                    snapshot,
                    file_number,
                    target: target.store.name().to_owned(),
                });
                self.tell(Event::SnapshotArchive {
                    store: store.to_owned(),
                    snapshot: head.snapshot.clone(),
                    file_number,
                    bytes: reader.blocks() * BLOCK_SIZE as u64,
                    seconds: started.elapsed().as_secs_f64(),
                });
            }
        }
        // The archive is whole, whatever became of the snapshot here.
        self.list_snapshot(file_number, uuid, head)
    }

    fn list_snapshot(
        &mut self,
        file_number: u64,
        uuid: Uuid,
        head: &SnapshotArchiveHeader,
    ) -> Result<()> {
        if let Some(catalog) = &mut self.catalog {
            catalog.snapshot(file_number, uuid, &head.store, &head.snapshot)?;
        }
        Ok(())
    }

    /// The tape was read to its end.
    fn finish(mut self) -> Result<RestoreOutcome> {
        self.around.targets.sync()?;
        self.progress(true);
        if let Some(catalog) = self.catalog {
            catalog.finish()?;
        }
        (self.events)(Event::Committed {
            tape_bytes: self.outcome.bytes_read,
        });
        Ok(self.outcome)
    }

    fn incomplete(
        &mut self,
        file_number: u64,
        message: String,
        lost: Option<(String, SnapshotPath)>,
    ) {
        self.tell(Event::Warning(message.clone()));
        self.outcome.incomplete.push(IncompleteFile {
            file_number,
            message,
            lost,
        });
    }

    fn skipped(&self, head: &SnapshotArchiveHeader, reason: &str) {
        self.tell(Event::SnapshotSkipped {
            store: head.store.clone(),
            snapshot: head.snapshot.clone(),
            reason: reason.to_owned(),
        });
    }

    fn progress(&mut self, now: bool) {
        if now || self.throttle.is_due() {
            let chunks = self.outcome.chunks_restored + self.outcome.chunks_present;
            self.tell(Event::Progress {
                tape_bytes: self.outcome.bytes_read,
                chunks,
                share: None,
            });
        }
    }

    fn tell(&self, event: Event) {
        (self.events)(event);
    }
}
