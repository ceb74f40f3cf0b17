//! What the sequencer tells the drive thread, in the order in which it has to happen.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use ferrite_datastore::{CancelFlag, SnapshotReader};
use ferrite_formats::Digest;

use crate::error::{ChunkFault, PipelineError, Result};
use crate::framing::Placement;
use crate::ring::{Ring, Stopped};

/// Steps that may wait. The ring bounds the run-ahead over chunks of usual size; this does it for tiny ones.
const STEPS_AHEAD: usize = 1024;

/// Snapshots that are open ahead of the drive. Each holds a lock and some ten file descriptors.
const SNAPSHOTS_AHEAD: usize = 8;

/// How long a wait for the sequencer lasts before the cancel flag is looked at.
const PATIENCE: Duration = Duration::from_millis(100);

/// One step. Snapshots are named by their index in the plan.
pub(super) enum Step {
    /// A snapshot begins.
    Start(usize),
    /// The snapshot is gone.
    Vanished(usize),
    /// The snapshot cannot be read; nothing of it follows. What was written of its chunks counts.
    Failed(usize, String),
    /// A chunk archive begins.
    Open(ArchiveStart),
    /// The next chunk of the open archive.
    Chunk(PlannedChunk),
    /// The archive ends behind the last chunk.
    Close,
    /// The next chunk cannot be read, so the run ends here.
    BadChunk(usize, Digest, Box<ChunkFault>),
    /// All chunks of the snapshot are in archives: its files follow.
    Files(Box<OpenSnapshot>),
    /// The plan is done.
    End,
    /// A defect in this program.
    Defect(String),
}

/// Where a chunk archive begins in the ring.
#[derive(Clone, Copy, Debug)]
pub(super) struct ArchiveStart {
    /// The snapshot whose chunks it holds.
    pub snapshot: usize,
    /// Slot of its first block.
    pub slot: u64,
    /// Content bytes before the first entry, to be filled in by the drive thread.
    pub head_bytes: u64,
}

/// A chunk and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlannedChunk {
    /// Part of the ring that becomes ready with it.
    pub part: u64,
    /// Its name.
    pub digest: Digest,
    /// Its place in the archive.
    pub placement: Placement,
}

/// A snapshot whose chunks are all in archives.
pub(super) struct OpenSnapshot {
    /// Its index in the plan.
    pub number: usize,
    /// Its files.
    pub reader: SnapshotReader,
    /// Its chunks that the set has already.
    pub skipped: u64,
    /// Lets the sequencer open another one when this is done with.
    pub _permit: Permit,
}

/// Leave to have a snapshot open. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Permit(Sender<()>);

impl Drop for Permit {
    fn drop(&mut self) {
        // There is room for every permit; the sequencer may be gone.
        let _ = self.0.try_send(());
    }
}

/// Where permits come from.
#[derive(Debug)]
pub(super) struct Permits {
    returned: Sender<()>,
    free: Receiver<()>,
}

impl Permits {
    pub fn new() -> Self {
        let (returned, free) = bounded(SNAPSHOTS_AHEAD);
        (0..SNAPSHOTS_AHEAD).for_each(|_| drop(Permit(returned.clone())));
        Self { returned, free }
    }

    /// Waits for a permit.
    pub fn take(&self, ring: &Ring) -> Result<Permit, Stopped> {
        while self.free.recv_timeout(PATIENCE).is_err() {
            ring.check()?;
        }
        Ok(Permit(self.returned.clone()))
    }
}

/// How far the sequencer is in the plan, for progress. It is ahead of the drive by what the ring holds.
#[derive(Debug, Default)]
pub(super) struct Outlook(AtomicU64);

impl Outlook {
    /// `share` of the plan's snapshots is planned, 0 to 1.
    pub fn set(&self, share: f64) {
        self.0.store(share.to_bits(), Ordering::Relaxed);
    }

    pub fn share(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// The way from the sequencer to the drive thread.
pub(super) fn channel() -> (Sender<Step>, Receiver<Step>) {
    bounded(STEPS_AHEAD)
}

/// The drive thread's end: waits that see the cancel flag, and a look at the next step.
pub(super) struct StepQueue<'a> {
    receiver: Receiver<Step>,
    cancel: &'a CancelFlag,
    outlook: &'a Outlook,
    peeked: Option<Step>,
}

impl<'a> StepQueue<'a> {
    pub fn new(receiver: Receiver<Step>, cancel: &'a CancelFlag, outlook: &'a Outlook) -> Self {
        Self {
            receiver,
            cancel,
            outlook,
            peeked: None,
        }
    }

    /// Share of the plan that the sequencer has passed.
    pub fn outlook(&self) -> &'a Outlook {
        self.outlook
    }

    /// Waits for the next step.
    ///
    /// # Errors
    /// [`PipelineError::Cancelled`]; [`PipelineError::Internal`] when the sequencer is gone.
    pub fn next(&mut self) -> Result<Step> {
        self.check_cancel()?;
        if let Some(step) = self.peeked.take() {
            return Ok(step);
        }
        loop {
            match self.receiver.recv_timeout(PATIENCE) {
                Ok(step) => return Ok(step),
                Err(RecvTimeoutError::Timeout) => self.check_cancel()?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(PipelineError::Internal(
                        "the sequencer ended before the plan".to_owned(),
                    ));
                }
            }
        }
    }

    /// Waits for the next step and leaves it in the queue.
    ///
    /// # Errors
    /// As [`StepQueue::next`].
    pub fn peek(&mut self) -> Result<&Step> {
        let step = self.next()?;
        Ok(self.peeked.insert(step))
    }

    /// Makes a step the next one again.
    pub fn put_back(&mut self, step: Step) {
        self.peeked = Some(step);
    }

    /// # Errors
    /// [`PipelineError::Cancelled`].
    pub fn check_cancel(&self) -> Result<()> {
        if self.cancel.is_cancelled() {
            Err(PipelineError::Cancelled)
        } else {
            Ok(())
        }
    }
}
