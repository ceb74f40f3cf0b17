//! Worker threads: a chunk from the tape is verified and put into its datastore.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam_channel::Receiver;
use ferrite_datastore::AlignedBuffer;
use ferrite_formats::Digest;
use ferrite_formats::blob::{BlobVerifier, MAX_PLAIN_BYTES};

use super::pool::Pool;
use super::targets::Targets;
use crate::error::{ChunkFault, panic_text};

/// A blob is verified in slices of this size: CRC, decompression and hash then find it in the processor's cache.
const SLICE_BYTES: usize = 256 << 10;

/// A chunk to verify and store.
pub(super) struct Job {
    /// Number that the pool gave it.
    pub number: u64,
    /// Target by index.
    pub target: usize,
    /// Its name.
    pub digest: Digest,
    /// Its blob.
    pub blob: AlignedBuffer,
}

/// Works off jobs until the drive thread hangs up. A panic costs one chunk, not the thread.
pub(super) fn run(jobs: &Receiver<Job>, pool: &Pool, targets: &Targets) {
    let mut tools = None;
    for job in jobs {
        let stored = catch_unwind(AssertUnwindSafe(|| {
            let mut current = match tools.take() {
                Some(kept) => kept,
                None => Tools {
                    verifier: BlobVerifier::new()?,
                    scratch: AlignedBuffer::new(),
                },
            };
            let stored = current.store(&job, targets);
            tools = Some(current);
            stored
        }));
        let result = stored.unwrap_or_else(|panic| Err(ChunkFault::Panicked(panic_text(&*panic))));
        pool.finish(job.number, result, Some(job.blob));
    }
}

struct Tools {
    verifier: BlobVerifier,
    scratch: AlignedBuffer,
}

impl Tools {
    fn store(&mut self, job: &Job, targets: &Targets) -> Result<(), ChunkFault> {
        self.verifier.start(Some(&job.digest), MAX_PLAIN_BYTES)?;
        for slice in job.blob.chunks(SLICE_BYTES) {
            self.verifier.update(slice)?;
        }
        self.verifier.finish()?;
        let target = targets.get(job.target);
        // Before it is there: a sync that comes in between must not believe that there is nothing to do.
        target.note_chunk();
        target
            .store
            .chunks()
            .insert(&job.digest, &job.blob, &mut self.scratch)?;
        Ok(())
    }
}
