//! Reader threads: chunk files into the ring, verified.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam_channel::Receiver;
use ferrite_datastore::{ChunkStore, Error as StoreError};
use ferrite_formats::blob::{BlobVerifier, MAX_PLAIN_BYTES};
use ferrite_formats::block::HEADER_SIZE;
use ferrite_formats::chunk_archive::ChunkEntry;
use ferrite_formats::{Digest, FormatError};

use super::Verify;
use crate::error::{ChunkFault, panic_text};
use crate::framing::{PAYLOAD, Placement};
use crate::ring::Ring;

/// A chunk that is to be read into its place in the ring.
pub(super) struct Job {
    /// Number of its part in the ring.
    pub part: u64,
    /// Slot that holds the first block of the chunk's archive.
    pub archive_slot: u64,
    /// Where in that archive.
    pub placement: Placement,
    /// Name of the chunk.
    pub digest: Digest,
    /// Its file, open. Chunk files are replaced by renaming, never changed, so what was opened stays what it is.
    pub file: File,
}

/// Works off jobs until the sequencer hangs up. A panic costs one chunk, not the thread.
pub(super) fn run(jobs: &Receiver<Job>, ring: &Ring, store: &ChunkStore, verify: Verify) {
    let mut verifier = None;
    for job in jobs {
        let read = catch_unwind(AssertUnwindSafe(|| {
            let mut current = match verifier.take() {
                Some(kept) => kept,
                None => {
                    BlobVerifier::new().map_err(|error| format_fault(store, &job.digest, error))?
                }
            };
            read_chunk(&job, ring, store, verify, &mut current)?;
            verifier = Some(current);
            Ok(())
        }));
        let result = read.unwrap_or_else(|panic| Err(ChunkFault::Panicked(panic_text(&*panic))));
        ring.finish(job.part, result);
    }
}

/// Puts entry header and blob of one chunk into their slots and checks the blob on its way, while it is in the cache.
fn read_chunk(
    job: &Job,
    ring: &Ring,
    store: &ChunkStore,
    verify: Verify,
    verifier: &mut BlobVerifier,
) -> Result<(), ChunkFault> {
    let wrong = |error| format_fault(store, &job.digest, error);
    let (start, data, end) = (
        job.placement.start,
        job.placement.data_start(),
        job.placement.end(),
    );

    let entry = ChunkEntry {
        digest: job.digest,
        size: job.placement.blob_bytes,
    }
    .encode();
    let mut header = &entry[..];
    visit(ring, job.archive_slot, start, data, |stretch, _| {
        let (now, later) = header.split_at(stretch.len());
        stretch.copy_from_slice(now);
        header = later;
        Ok(())
    })?;

    let expected = (verify == Verify::Sha256).then_some(&job.digest);
    verifier.start(expected, MAX_PLAIN_BYTES).map_err(wrong)?;
    visit(ring, job.archive_slot, data, end, |stretch, position| {
        job.file
            .read_exact_at(stretch, position - data)
            .map_err(|source| {
                let path = store.chunk_path(&job.digest);
                ChunkFault::Store(StoreError::Io {
                    action: "read",
                    path,
                    source,
                })
            })?;
        verifier.update(stretch).map_err(wrong)
    })?;
    verifier.finish().map_err(wrong)?;
    Ok(())
}

/// Calls `fill` with the memory of each block that holds content `from..to` of an archive, and with the place of that
/// memory in the content.
fn visit(
    ring: &Ring,
    archive_slot: u64,
    from: u64,
    to: u64,
    mut fill: impl FnMut(&mut [u8], u64) -> Result<(), ChunkFault>,
) -> Result<(), ChunkFault> {
    let mut position = from;
    while position < to {
        let offset = position % PAYLOAD;
        let bytes = (PAYLOAD - offset).min(to - position);
        let mut block = ring.block(archive_slot + position / PAYLOAD);
        fill(
            &mut block[HEADER_SIZE..][offset as usize..(offset + bytes) as usize],
            position,
        )?;
        position += bytes;
    }
    Ok(())
}

fn format_fault(store: &ChunkStore, digest: &Digest, source: FormatError) -> ChunkFault {
    ChunkFault::Store(StoreError::Format {
        path: store.chunk_path(digest),
        source,
    })
}
