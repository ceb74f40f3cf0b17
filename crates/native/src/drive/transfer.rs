//! Backup and restore: a plan goes down, events come up.

use std::path::PathBuf;

use ferrite_datastore::Store;
use ferrite_pipeline as pipeline;
use ferrite_pipeline::{BackupStatus, Verify};
use napi::Env;
use napi::bindgen_prelude::{ClassInstance, Function, Object};
use napi_derive::napi;

use super::TapeDrive;
use super::events::{DriveEvent, DriveListener};
use crate::catalogs::ChunkIndex;
use crate::datastore::{StoreOptions, number, snapshot_path};
use crate::failure::{Failure, sync};
use crate::labels::parse_uuid;

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
        let texts = |paths: &[ferrite_formats::SnapshotPath]| paths.iter().map(ToString::to_string).collect();
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
                .map(|(snapshot, message)| FailedSnapshot { snapshot: snapshot.to_string(), message: message.clone() })
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
        let index = plan.chunk_index.as_ref().map(|index| index.core()).transpose();
        let index = sync(env, index)?;
        let (store, snapshots) = (plan.store, plan.snapshots);
        let (media_uuid, media_set_uuid) = (plan.media_uuid, plan.media_set_uuid);
        let catalog_path = PathBuf::from(plan.catalog_path);
        let verify = match plan.verify {
            Some(VerifySource::Sha256) => Verify::Sha256,
            Some(VerifySource::Crc) | None => Verify::Crc,
        };
        let (memory_bytes, readers) = (memory(plan.memory_bytes), plan.reader_threads);
        self.call(env, move |state| {
            let snapshots: Result<Vec<_>, Failure> = snapshots.iter().map(|text| snapshot_path(text)).collect();
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
            };
            let environment = state.environment.clone();
            let (drive, _) = state.ready()?;
            let outcome = pipeline::backup(drive, &plan, &environment, &|event| listener.tell(event), &cancel)?;
            Ok(BackupOutcome::from(outcome))
        })
    }
}
