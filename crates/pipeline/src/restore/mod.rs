//! A tape into datastores.
//!
//! The caller's thread reads the tape and copies each chunk that is missing in its target into a buffer of a bounded
//! [`pool`]; [`worker`] threads verify the chunk and put it into the store. Chunks that the target has are stepped over
//! without a copy. The tape's catalog is rebuilt on the way: a chunk counts only when it is in its store, an archive only
//! when it was read to its end.
//!
//! Chosen snapshots take three steps, so that no tape is read whole for them: [`stage`](stage()) fetches their files,
//! [`restore`](fn@restore) with a [`Selection`] the chunks that [`ChunkDemand`] found missing, and [`install`] makes them
//! appear.

mod chunks;
mod demand;
mod pool;
mod snapshot;
mod stage;
mod targets;
mod walk;
mod worker;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use ferrite_datastore::{CancelFlag, Store};
use ferrite_formats::SnapshotPath;
use ferrite_scsi::Drive;
use ferrite_tape::{Owner, TapeLabels};

use crate::error::Result;
use crate::events::Event;
use crate::threads::spawn;
pub use demand::{ChunkDemand, DemandPlace, DemandSource};
use pool::Pool;
pub use snapshot::{Installed, install};
pub use stage::{StageOutcome, StagedSnapshot, stage};
use targets::Targets;

/// Chunk buffers take no more than this where memory allows: enough for every worker and a few chunks ahead of them.
const POOL_BYTES: u64 = 64 << 20;

/// With less, the largest chunk would wait for all others.
const MIN_POOL_BYTES: u64 = 34 << 20;

/// What to read from the tape in the drive, and where to.
#[derive(Clone, Debug)]
pub struct RestorePlan {
    /// The labels that were read from the tape, media-set label included.
    pub labels: TapeLabels,
    /// Source datastore to target; the target of `""` takes every source that is not named. What has no target is not
    /// restored, but listed in the catalog.
    pub mapping: BTreeMap<String, Store>,
    /// Owner of new groups; existing groups must belong to it.
    pub owner_auth_id: String,
    /// The tape's catalog. Its replacement grows beside it with the extension `tmp`, and takes its place when the whole tape
    /// was read.
    pub catalog_path: PathBuf,
    /// Who the catalog belongs to.
    pub owner: Option<Owner>,
    /// Bound of the memory for chunk data, in bytes; at least 34 MiB are used. `None` = 256 MiB.
    pub memory_bytes: Option<u64>,
    /// Threads that verify and store chunks. `None` = two for each processor, at most 16.
    pub workers: Option<usize>,
    /// Only some chunks of the tape, and no snapshots; the catalog stays as it is. `None` = the whole tape.
    pub selection: Option<Selection>,
}

/// Chunks to fetch from the tape.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Chunk archives, by tape file.
    pub files: Vec<u64>,
    /// What is wanted from them.
    pub demand: Arc<ChunkDemand>,
}

/// A snapshot that was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredSnapshot {
    /// Source datastore.
    pub store: String,
    /// The snapshot.
    pub snapshot: SnapshotPath,
    /// Tape file of its archive.
    pub file_number: u64,
    /// Target datastore.
    pub target: String,
}

/// Something on the tape that is not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncompleteFile {
    /// Tape file.
    pub file_number: u64,
    /// What is missing, for a person.
    pub message: String,
    /// Source datastore and snapshot of a whole archive whose chunks or files are not all there. None of an archive that was
    /// cut off: whoever wrote it was stopped, and never said that it was safe.
    pub lost: Option<(String, SnapshotPath)>,
}

/// What [`restore`] did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RestoreOutcome {
    /// Snapshots that are in their target now and were not before.
    pub restored: Vec<RestoredSnapshot>,
    /// Source datastore and snapshot of those that their target had already; nothing was changed about them.
    pub existing: Vec<(String, SnapshotPath)>,
    /// Source datastore and snapshot of those without a target.
    pub skipped: Vec<(String, SnapshotPath)>,
    /// Archives that end early, and snapshots whose chunks are not all there. None of these snapshots was restored.
    pub incomplete: Vec<IncompleteFile>,
    /// Chunks put into a target.
    pub chunks_restored: u64,
    /// Chunks that their target had.
    pub chunks_present: u64,
    /// Bytes of all blocks read.
    pub bytes_read: u64,
    /// Bytes of the blobs of restored chunks.
    pub bytes_restored: u64,
    /// Duration.
    pub seconds: f64,
}

/// Reads the tape from behind its labels to its end and restores what the plan maps.
///
/// Takes the write lock of each target and counts an operation on it. `events` is called from this thread only.
///
/// # Errors
/// See [`PipelineError`](crate::PipelineError); the first one ends the run. Chunks and snapshots restored before it stay, so
/// running the same plan again goes on where it ended; the tape's old catalog is untouched.
pub fn restore(
    drive: &mut Drive,
    plan: &RestorePlan,
    events: &dyn Fn(Event),
    cancel: &CancelFlag,
) -> Result<RestoreOutcome> {
    let started = Instant::now();
    let targets = Targets::open(plan, cancel)?;
    let pool = Pool::new(pool_bytes(plan.memory_bytes));
    let workers = worker_count(plan.workers);
    let (pool, targets) = (&pool, &targets);
    // By value: when this closure returns, however, the workers' channel must be closed.
    let mut outcome = thread::scope(move |scope| {
        let (job_sender, job_receiver) = crossbeam_channel::bounded(pool::MAX_IN_FLIGHT);
        for number in 0..workers {
            let jobs = job_receiver.clone();
            spawn(scope, format!("chunk-writer-{number}"), move || {
                worker::run(&jobs, pool, targets)
            })?;
        }
        drop(job_receiver);
        walk::run(drive, plan, targets, pool, &job_sender, events, cancel)
    })?;
    outcome.seconds = started.elapsed().as_secs_f64();
    Ok(outcome)
}

fn pool_bytes(memory_bytes: Option<u64>) -> usize {
    let memory = memory_bytes.unwrap_or(crate::DEFAULT_MEMORY_BYTES);
    usize::try_from(memory.clamp(MIN_POOL_BYTES, POOL_BYTES)).unwrap_or(usize::MAX)
}

/// While one writes to disk, another one uses the processor.
const WORKERS_PER_PROCESSOR: usize = 2;

fn worker_count(wanted: Option<usize>) -> usize {
    let available = || thread::available_parallelism().map_or(2, |count| count.get());
    wanted.map_or_else(
        || (available() * WORKERS_PER_PROCESSOR).clamp(2, 16),
        |wanted| wanted.clamp(1, 64),
    )
}
