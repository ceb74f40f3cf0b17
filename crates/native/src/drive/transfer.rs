//! Backup and restore: a plan goes down, events come up.

use std::path::PathBuf;
use std::sync::Arc;

use ferrite_datastore::Store;
use ferrite_pipeline as pipeline;
use ferrite_pipeline::{BackupStatus, Verify};
use napi::Env;
use napi::bindgen_prelude::{ClassInstance, Function, Object};
use napi_derive::napi;

use super::TapeDrive;
use super::events::{DriveEvent, DriveListener};
use crate::catalogs::{ChunkIndex, core_labels};
use crate::datastore::{StoreOptions, number, snapshot_path};
use crate::failure::{Failure, sync};
use crate::labels::{TapeLabels, parse_uuid};
use crate::plain::Owner;
use crate::selection::{ChunkDemand, StagedSnapshot};

/// How far the source is checked before it goes to tape.
#[napi(string_enum = "lowercase")]
pub enum VerifySource {
    /// The CRC of every chunk, as PBS does.
    Crc,
    /// Also the SHA-256 of every unencrypted chunk's content.
    Sha256,
}

/// What to write to the tape in the drive.
#[napi(object, object_to_js = false)]
pub struct BackupPlan<'env> {
    /// Source. Whoever plans has registered its use.
    pub store: StoreOptions,
    /// As on tape, in order.
    pub snapshots: Vec<String>,
    /// Catalog of the tape in the drive; appended to after each sync of the tape.
    pub catalog_path: String,
    /// Tape in the drive.
    pub media_uuid: String,
    /// Its media set.
    pub media_set_uuid: String,
    /// What the set holds already, on all its tapes; nothing where not given.
    pub chunk_index: Option<ClassInstance<'env, ChunkIndex>>,
    /// Default `crc`.
    pub verify: Option<VerifySource>,
    /// Bound of the memory for chunk data in bytes (default 256 MiB).
    pub memory_bytes: Option<i64>,
    /// Threads that read chunks.
    pub reader_threads: Option<u32>,
    /// Only find out where everything would go, on a drive that is `hollow`: chunks are not read.
    pub dry_run: Option<bool>,
    /// The media set is encrypted: nothing is written unless the drive says that it encrypts, or that it does not (the default).
    pub encrypted: Option<bool>,
}

/// A snapshot that could not be opened.
#[napi(object)]
pub struct FailedSnapshot {
    /// As on tape.
    pub snapshot: String,
    /// Why.
    pub message: String,
}

/// What a backup did. Everything in `written` is on the tape and in its catalog.
#[napi(object)]
pub struct BackupOutcome {
    /// `end-of-media`: plan `remaining` for the next tape, with a chunk index that includes this tape's catalog.
    #[napi(ts_type = "'done' | 'end-of-media'")]
    pub status: String,
    /// Complete on tape.
    pub written: Vec<String>,
    /// Removed from the store before their turn.
    pub vanished: Vec<String>,
    /// Could not be opened.
    pub failed: Vec<FailedSnapshot>,
    /// Not dealt with, in order; the first may be partly on this tape.
    pub remaining: Vec<String>,
    /// The archive of `remaining[0]` was begun on this tape and did not fit.
    pub snapshot_archive_cut: bool,
    /// Chunks written whole.
    pub chunks: i64,
    /// Bytes of their blobs.
    pub chunk_bytes: i64,
    /// Bytes of all blocks written.
    pub tape_bytes: i64,
    /// Chunks that the set already had.
    pub skipped_chunks: i64,
    /// Duration.
    pub seconds: f64,
}

impl From<pipeline::BackupOutcome> for BackupOutcome {
    fn from(outcome: pipeline::BackupOutcome) -> Self {
        let texts = |paths: &[ferrite_formats::SnapshotPath]| {
            paths.iter().map(ToString::to_string).collect()
        };
        let status = match outcome.status {
            BackupStatus::Done => "done",
            BackupStatus::EndOfMedia => "end-of-media",
        };
        let failed = outcome.failed.iter();
        Self {
            status: status.to_owned(),
            written: texts(&outcome.written),
            vanished: texts(&outcome.vanished),
            failed: failed
                .map(|(snapshot, message)| FailedSnapshot {
                    snapshot: snapshot.to_string(),
                    message: message.clone(),
                })
                .collect(),
            remaining: texts(&outcome.remaining),
            snapshot_archive_cut: outcome.snapshot_archive_cut,
            chunks: number(outcome.chunks),
            chunk_bytes: number(outcome.chunk_bytes),
            tape_bytes: number(outcome.tape_bytes),
            skipped_chunks: number(outcome.skipped_chunks),
            seconds: outcome.seconds,
        }
    }
}

/// A bound of memory that a caller named; nothing below zero.
fn memory(bytes: Option<i64>) -> Option<u64> {
    bytes.map(|bytes| u64::try_from(bytes).unwrap_or(0))
}

/// A source datastore and where it is restored to.
#[napi(object)]
pub struct StoreTarget {
    /// Source datastore; the empty text takes every source that is not named.
    pub source: String,
    /// Target.
    pub target: StoreOptions,
}

/// Chunks to fetch from the tape in the drive.
#[napi(object, object_to_js = false)]
pub struct ChunkSelection<'env> {
    /// Chunk archives, by tape file.
    pub files: Vec<i64>,
    /// What is wanted from them.
    pub demand: ClassInstance<'env, ChunkDemand>,
}

/// What to read from the tape in the drive, and where to.
#[napi(object, object_to_js = false)]
pub struct RestorePlan<'env> {
    /// Labels that were read from the tape.
    pub labels: TapeLabels,
    /// What has no target is not restored, but listed in the catalog.
    pub mapping: Vec<StoreTarget>,
    /// Owner of new groups; existing groups must belong to it.
    pub owner_auth_id: String,
    /// Catalog of the tape; replaced when the whole tape was read.
    pub catalog_path: String,
    /// Owner of the catalog.
    pub owner: Option<Owner>,
    /// Bound of the memory for chunk data in bytes (default 256 MiB).
    pub memory_bytes: Option<i64>,
    /// Threads that verify and store chunks.
    pub workers: Option<u32>,
    /// Only some chunks, no snapshots; the catalog stays as it is. The whole tape where not given.
    pub selection: Option<ChunkSelection<'env>>,
}

/// What fetching the files of snapshots did.
#[napi(object)]
pub struct StageOutcome {
    /// Archives that are not whole; their folders are gone again.
    pub incomplete: Vec<IncompleteFile>,
    /// Bytes of all blocks read.
    pub bytes_read: i64,
    /// Duration.
    pub seconds: f64,
}

/// A snapshot on the tape.
#[napi(object)]
pub struct TapeSnapshot {
    /// Source datastore.
    pub store: String,
    /// As on tape.
    pub snapshot: String,
    /// Tape file of its archive, of a restored one.
    pub file_number: Option<i64>,
    /// Target datastore, of a restored one.
    pub target: Option<String>,
}

/// Something on the tape that is not whole.
#[napi(object)]
pub struct IncompleteFile {
    /// Tape file.
    pub file_number: i64,
    /// What is missing.
    pub message: String,
    /// The snapshot of a whole archive whose chunks or files are not all there; absent for an archive that was cut off.
    pub lost: Option<TapeSnapshot>,
}

/// What a restore did.
#[napi(object)]
pub struct RestoreOutcome {
    /// In their target now, and not before.
    pub restored: Vec<TapeSnapshot>,
    /// In their target already; nothing was changed about them.
    pub existing: Vec<TapeSnapshot>,
    /// Without target.
    pub skipped: Vec<TapeSnapshot>,
    /// Archives that end early, snapshots whose chunks are not all there; none of them was restored.
    pub incomplete: Vec<IncompleteFile>,
    /// Chunks put into a target.
    pub chunks_restored: i64,
    /// Chunks that their target had.
    pub chunks_present: i64,
    /// Bytes of all blocks read.
    pub bytes_read: i64,
    /// Bytes of the blobs of restored chunks.
    pub bytes_restored: i64,
    /// Duration.
    pub seconds: f64,
}

fn plain((store, snapshot): (String, ferrite_formats::SnapshotPath)) -> TapeSnapshot {
    TapeSnapshot {
        store,
        snapshot: snapshot.to_string(),
        file_number: None,
        target: None,
    }
}

impl From<pipeline::IncompleteFile> for IncompleteFile {
    fn from(file: pipeline::IncompleteFile) -> Self {
        Self {
            file_number: number(file.file_number),
            message: file.message,
            lost: file.lost.map(plain),
        }
    }
}

impl From<pipeline::RestoreOutcome> for RestoreOutcome {
    fn from(outcome: pipeline::RestoreOutcome) -> Self {
        let named = |snapshots: Vec<_>| snapshots.into_iter().map(plain).collect();
        let restored = outcome.restored.into_iter().map(|snapshot| TapeSnapshot {
            store: snapshot.store,
            snapshot: snapshot.snapshot.to_string(),
            file_number: Some(number(snapshot.file_number)),
            target: Some(snapshot.target),
        });
        let incomplete = outcome.incomplete.into_iter();
        Self {
            restored: restored.collect(),
            existing: named(outcome.existing),
            skipped: named(outcome.skipped),
            incomplete: incomplete.map(Into::into).collect(),
            chunks_restored: number(outcome.chunks_restored),
            chunks_present: number(outcome.chunks_present),
            bytes_read: number(outcome.bytes_read),
            bytes_restored: number(outcome.bytes_restored),
            seconds: outcome.seconds,
        }
    }
}

#[napi]
impl TapeDrive {
    /// Writes snapshots behind the data on the tape, until they are all there or the tape is full.
    #[napi(ts_return_type = "Promise<BackupOutcome>")]
    pub fn backup<'env>(
        &self,
        env: &'env Env,
        plan: BackupPlan<'_>,
        on_event: Function<'_, DriveEvent, ()>,
    ) -> napi::Result<Object<'env>> {
        let listener = DriveListener::new(on_event)?;
        let cancel = self.cancel.transfer.clone();
        let index = plan
            .chunk_index
            .as_ref()
            .map(|index| index.core())
            .transpose();
        let index = sync(env, index)?;
        let (store, snapshots) = (plan.store, plan.snapshots);
        let (media_uuid, media_set_uuid) = (plan.media_uuid, plan.media_set_uuid);
        let catalog_path = PathBuf::from(plan.catalog_path);
        let verify = match plan.verify {
            Some(VerifySource::Sha256) => Verify::Sha256,
            Some(VerifySource::Crc) | None => Verify::Crc,
        };
        let (memory_bytes, readers) = (memory(plan.memory_bytes), plan.reader_threads);
        let dry_run = plan.dry_run.unwrap_or(false);
        let encrypted = plan.encrypted.unwrap_or(false);
        self.call(env, move |state| {
            let snapshots: Result<Vec<_>, Failure> =
                snapshots.iter().map(|text| snapshot_path(text)).collect();
            let plan = pipeline::BackupPlan {
                store: Store::open(store.to_core())?,
                snapshots: snapshots?,
                catalog_path,
                media_uuid: parse_uuid("media uuid", &media_uuid)?,
                media_set_uuid: parse_uuid("media set uuid", &media_set_uuid)?,
                chunk_index: index,
                verify,
                memory_bytes,
                reader_threads: readers.map(|threads| threads as usize),
                dry_run,
            };
            let environment = state.environment.clone();
            let drive = state.settled()?;
            if !dry_run {
                drive.expect_encryption(encrypted)?;
            }
            let outcome = pipeline::backup(
                drive,
                &plan,
                &environment,
                &|event| listener.tell(event),
                &cancel,
            )?;
            Ok(BackupOutcome::from(outcome))
        })
    }

    /// Fetches the files of snapshots into folders.
    #[napi(ts_return_type = "Promise<StageOutcome>")]
    pub fn stage_snapshots<'env>(
        &self,
        env: &'env Env,
        snapshots: Vec<StagedSnapshot>,
        on_event: Function<'_, DriveEvent, ()>,
    ) -> napi::Result<Object<'env>> {
        let listener = DriveListener::new(on_event)?;
        let cancel = self.cancel.transfer.clone();
        self.call(env, move |state| {
            let snapshots: Result<Vec<_>, Failure> =
                snapshots.into_iter().map(TryInto::try_into).collect();
            let (drive, _) = state.ready()?;
            let outcome =
                pipeline::stage(drive, &snapshots?, &|event| listener.tell(event), &cancel)?;
            Ok(StageOutcome {
                incomplete: outcome.incomplete.into_iter().map(Into::into).collect(),
                bytes_read: number(outcome.bytes_read),
                seconds: outcome.seconds,
            })
        })
    }

    /// Reads the tape from behind its labels to its end and restores what is mapped; with a selection only its chunks.
    #[napi(ts_return_type = "Promise<RestoreOutcome>")]
    pub fn restore<'env>(
        &self,
        env: &'env Env,
        plan: RestorePlan<'env>,
        on_event: Function<'_, DriveEvent, ()>,
    ) -> napi::Result<Object<'env>> {
        let listener = DriveListener::new(on_event)?;
        let cancel = self.cancel.transfer.clone();
        let selection = plan.selection.map(|selection| pipeline::Selection {
            files: selection
                .files
                .iter()
                .map(|file| u64::try_from(*file).unwrap_or(0))
                .collect(),
            demand: Arc::clone(&selection.demand.core),
        });
        let (mapping, labels) = (plan.mapping, plan.labels);
        let (owner_auth_id, catalog_path) = (plan.owner_auth_id, plan.catalog_path);
        let (owner, memory_bytes, workers) = (plan.owner, plan.memory_bytes, plan.workers);
        self.call(env, move |state| {
            let targets: Result<_, Failure> = mapping
                .iter()
                .map(|entry| Ok((entry.source.clone(), Store::open(entry.target.to_core())?)))
                .collect();
            let plan = pipeline::RestorePlan {
                labels: core_labels(&labels)?,
                mapping: targets?,
                owner_auth_id,
                catalog_path: PathBuf::from(catalog_path),
                owner: owner.map(Into::into),
                memory_bytes: memory(memory_bytes),
                workers: workers.map(|workers| workers as usize),
                selection,
            };
            let (drive, _) = state.ready()?;
            let outcome = pipeline::restore(drive, &plan, &|event| listener.tell(event), &cancel)?;
            Ok(RestoreOutcome::from(outcome))
        })
    }
}
