//! Snapshots to tape.
//!
//! Three kinds of thread, each with one job: the [`sequencer`] walks the plan, decides which chunks are new and where each
//! of them goes, and gets the disk to fetch them early; [`reader`] threads put chunk files into their places in the
//! [ring](crate::ring) and verify them; the caller's thread drives the tape ([`writer`]). Nothing depends on how fast any of
//! them is: which bytes go to tape is fixed by the plan, and only where the tape ends is found out by the drive thread.

mod archive;
mod reader;
mod sequencer;
mod session;
mod source;
mod steps;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use ferrite_datastore::{CancelFlag, Operation, Store};
use ferrite_formats::SnapshotPath;
use ferrite_formats::block::BLOCK_SIZE;
use ferrite_scsi::Drive;
use ferrite_tape::ChunkIndex;
use uuid::Uuid;

use crate::environment::Environment;
use crate::error::Result;
use crate::events::Event;
use crate::ring::Ring;
use crate::threads::spawn;
use source::SourceFileSystem;

/// Memory of a run unless the plan says otherwise.
pub const DEFAULT_MEMORY_BYTES: u64 = 256 << 20;

/// The ring is this large where memory allows: more showed no effect (spec/limits.md).
const RING_BYTES: u64 = 64 << 20;

/// The largest chunk (16 MiB) takes 65 blocks; with less than this nothing would be read while it waits.
const MIN_RING_BLOCKS: u64 = 80;

/// How far the source is checked before it goes to tape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// The CRC of every chunk, as PBS does.
    #[default]
    Crc,
    /// Also the SHA-256 of every unencrypted chunk's content against its name.
    Sha256,
}

/// What to write to the tape in the drive.
#[derive(Clone, Debug)]
pub struct BackupPlan {
    /// Where from.
    pub store: Store,
    /// Snapshots in the order in which they go to tape.
    pub snapshots: Vec<SnapshotPath>,
    /// Catalog of the tape in the drive; appended to after each sync of the tape.
    pub catalog_path: PathBuf,
    /// The tape in the drive.
    pub media_uuid: Uuid,
    /// Its media set.
    pub media_set_uuid: Uuid,
    /// Chunks that the set holds already, on all its tapes, the one in the drive included. `None` = no chunks.
    pub chunk_index: Option<Arc<ChunkIndex>>,
    /// How far to check the source.
    pub verify: Verify,
    /// Bound of the memory for chunk data, in bytes; at least some 40 MB are used. `None` = [`DEFAULT_MEMORY_BYTES`].
    pub memory_bytes: Option<u64>,
    /// Threads that read and verify chunks. `None` = two for each processor, 4 to 8.
    pub reader_threads: Option<usize>,
    /// Only find out where everything would go: chunk files are opened and not read, what is written in their place is not
    /// their content. For drives whose tapes keep none.
    pub dry_run: bool,
}

/// Why [`backup`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupStatus {
    /// Every snapshot of the plan was dealt with.
    Done,
    /// The tape is full. What is left is in [`BackupOutcome::remaining`]; plan it again for the next tape, with a chunk index
    /// that includes this tape's catalog.
    EndOfMedia,
}

/// What [`backup`] did. Everything in `written` is on the tape and in its catalog.
#[derive(Clone, Debug, PartialEq)]
pub struct BackupOutcome {
    /// Why it returned.
    pub status: BackupStatus,
    /// Snapshots that are complete on tape.
    pub written: Vec<SnapshotPath>,
    /// Snapshots that were removed from the store before their turn.
    pub vanished: Vec<SnapshotPath>,
    /// Snapshots that could not be opened, and why.
    pub failed: Vec<(SnapshotPath, String)>,
    /// Snapshots that were not dealt with, in order. The first may be partly on this tape.
    pub remaining: Vec<SnapshotPath>,
    /// The archive with the files of `remaining[0]` was begun on this tape and did not fit. If that happens again on a fresh
    /// tape, it never will (tape-format 1.3).
    pub snapshot_archive_cut: bool,
    /// Chunks written whole.
    pub chunks: u64,
    /// Bytes of their blobs.
    pub chunk_bytes: u64,
    /// Bytes of all blocks written.
    pub tape_bytes: u64,
    /// Chunks that the set already had.
    pub skipped_chunks: u64,
    /// Duration.
    pub seconds: f64,
}

/// Writes the plan's snapshots behind the data on the tape, until they are all there or the tape is full.
///
/// The tape must carry its two labels (and the catalogs of earlier tapes, which are the caller's work), its encryption key
/// must be set. An operation is counted on the datastore meanwhile. `events` is called from this thread only.
///
/// # Errors
/// See [`PipelineError`](crate::PipelineError). A bad chunk and a cancelled run still close the archive they were in and commit what is whole; after
/// an error of the drive nothing more is committed, because nobody knows what its buffer lost.
pub fn backup(
    drive: &mut Drive,
    plan: &BackupPlan,
    environment: &Environment,
    events: &dyn Fn(Event),
    cancel: &CancelFlag,
) -> Result<BackupOutcome> {
    let started = Instant::now();
    let _operation = plan.store.begin(Operation::Read)?;
    let readers = reader_threads(plan.reader_threads);
    let ring = Ring::new(ring_blocks(plan.memory_bytes, readers) as usize);
    let (step_sender, step_receiver) = steps::channel();
    let (job_sender, job_receiver) = crossbeam_channel::bounded(sequencer::OPEN_CHUNKS);
    let order = environment.chunk_order(plan.store.options().chunk_order);

    let (ring, outlook) = (&ring, &steps::Outlook::default());
    let file_system = &SourceFileSystem::default();
    // By value: when this closure returns, however, nobody must hold an end of a channel that the threads wait for.
    let mut outcome = thread::scope(move |scope| {
        let _stop = StopOnDrop(ring);
        for number in 0..readers {
            let jobs = job_receiver.clone();
            let around = reader::Surroundings {
                ring,
                store: plan.store.chunks(),
                verify: plan.verify,
                dry_run: plan.dry_run,
                file_system,
            };
            let work = move || reader::run(&jobs, &around);
            spawn(scope, format!("chunk-reader-{number}"), work)?;
        }
        drop(job_receiver);
        let sequence = move || {
            sequencer::run(
                plan,
                order,
                ring,
                &step_sender,
                &job_sender,
                outlook,
                file_system,
            )
        };
        spawn(scope, "chunk-sequencer".to_owned(), sequence)?;

        let steps = steps::StepQueue::new(step_receiver, cancel, outlook);
        writer::run(drive, plan, environment, ring, steps, events, cancel)
    })?;
    outcome.seconds = started.elapsed().as_secs_f64();
    Ok(outcome)
}

struct StopOnDrop<'a>(&'a Ring);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn ring_blocks(memory_bytes: Option<u64>, readers: usize) -> u64 {
    let memory = memory_bytes.unwrap_or(DEFAULT_MEMORY_BYTES);
    let buffers = (readers * source::PIECE_BYTES) as u64;
    let ring = memory.saturating_sub(buffers).min(RING_BYTES);
    (ring / BLOCK_SIZE as u64).max(MIN_RING_BLOCKS)
}

/// While one waits for the disk, another one uses the processor.
const READERS_PER_PROCESSOR: usize = 2;

fn reader_threads(wanted: Option<usize>) -> usize {
    let available = || thread::available_parallelism().map_or(2, |count| count.get());
    wanted.map_or_else(
        || (available() * READERS_PER_PROCESSOR).clamp(4, 8),
        |wanted| wanted.clamp(1, 64),
    )
}

impl BackupOutcome {
    fn empty() -> Self {
        Self {
            status: BackupStatus::Done,
            written: Vec::new(),
            vanished: Vec::new(),
            failed: Vec::new(),
            remaining: Vec::new(),
            snapshot_archive_cut: false,
            chunks: 0,
            chunk_bytes: 0,
            tape_bytes: 0,
            skipped_chunks: 0,
            seconds: 0.0,
        }
    }
}
