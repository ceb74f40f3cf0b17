//! Reader threads: chunk files into the ring, verified.

use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam_channel::Receiver;
use ferrite_datastore::{ChunkStore, Error as StoreError};
use ferrite_formats::blob::{BlobVerifier, MAX_PLAIN_BYTES};
use ferrite_formats::block::HEADER_SIZE;
use ferrite_formats::chunk_archive::ChunkEntry;
use ferrite_formats::{Digest, FormatError};
use ferrite_memory::AlignedBuffer;

use super::Verify;
use super::source::{Source, SourceFileSystem};
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
    pub source: Source,
}

/// What a reader thread works with.
pub(super) struct Surroundings<'a> {
    pub ring: &'a Ring,
    pub store: &'a ChunkStore,
    pub verify: Verify,
    /// Nothing is read.
    pub dry_run: bool,
    pub file_system: &'a SourceFileSystem,
}

/// Made at the first chunk, and again after a panic.
struct Tools {
    verifier: BlobVerifier,
    /// Empty as long as all chunks are in the page cache.
    buffer: AlignedBuffer,
}

/// Works off jobs until the sequencer hangs up. A panic costs one chunk, not the thread.
pub(super) fn run(jobs: &Receiver<Job>, around: &Surroundings<'_>) {
    let mut tools = None;
    for mut job in jobs {
        if around.dry_run {
            around.ring.finish(job.part, Ok(()));
            continue;
        }
        let read = catch_unwind(AssertUnwindSafe(|| {
            let mut current = match tools.take() {
                Some(kept) => kept,
                None => Tools {
                    verifier: BlobVerifier::new()
                        .map_err(|error| around.format_fault(&job.digest, error))?,
                    buffer: AlignedBuffer::new(),
                },
            };
            read_chunk(&mut job, around, &mut current)?;
            tools = Some(current);
            Ok(())
        }));
        let result = read.unwrap_or_else(|panic| Err(ChunkFault::Panicked(panic_text(&*panic))));
        around.ring.finish(job.part, result);
    }
}

/// Puts entry header and blob of one chunk into their slots and checks the blob on its way, while it is in the cache.
fn read_chunk(
    job: &mut Job,
    around: &Surroundings<'_>,
    tools: &mut Tools,
) -> Result<(), ChunkFault> {
    let (slot, digest) = (job.archive_slot, job.digest);
    let (start, data, end) = (
        job.placement.start,
        job.placement.data_start(),
        job.placement.end(),
    );
    let entry = ChunkEntry {
        digest,
        size: job.placement.blob_bytes,
    }
    .encode();
    visit(around.ring, slot, start..data, |stretch, position| {
        let at = (position - start) as usize;
        stretch.copy_from_slice(&entry[at..at + stretch.len()]);
        Ok(())
    })?;

    let wrong = |error| around.format_fault(&digest, error);
    let failed = |error| around.read_fault(&digest, error);
    let Tools { verifier, buffer } = tools;
    let expected = (around.verify == Verify::Sha256).then_some(&digest);
    verifier.start(expected, MAX_PLAIN_BYTES).map_err(wrong)?;
    if job.source.is_direct() {
        // In pieces as they come from the disk, so that no slot is locked while the disk is waited for.
        let mut position = data;
        while position < end {
            let piece = job
                .source
                .piece(position - data, buffer, around.file_system)
                .map_err(failed)?;
            let from = position;
            position += piece.len() as u64;
            visit(around.ring, slot, from..position, |stretch, position| {
                let at = (position - from) as usize;
                stretch.copy_from_slice(&piece[at..at + stretch.len()]);
                verifier.update(stretch).map_err(wrong)
            })?;
        }
    } else {
        visit(around.ring, slot, data..end, |stretch, position| {
            job.source
                .read_exact_at(stretch, position - data)
                .map_err(failed)?;
            verifier.update(stretch).map_err(wrong)
        })?;
    }
    verifier.finish().map_err(wrong)?;
    Ok(())
}

/// Calls `fill` with the memory of each block that holds this content of an archive, and with the place of that
/// memory in the content.
fn visit(
    ring: &Ring,
    archive_slot: u64,
    content: Range<u64>,
    mut fill: impl FnMut(&mut [u8], u64) -> Result<(), ChunkFault>,
) -> Result<(), ChunkFault> {
    let mut position = content.start;
    while position < content.end {
        let offset = position % PAYLOAD;
        let bytes = (PAYLOAD - offset).min(content.end - position);
        let mut block = ring.block(archive_slot + position / PAYLOAD);
        fill(
            &mut block[HEADER_SIZE..][offset as usize..(offset + bytes) as usize],
            position,
        )?;
        position += bytes;
    }
    Ok(())
}

impl Surroundings<'_> {
    fn format_fault(&self, digest: &Digest, source: FormatError) -> ChunkFault {
        ChunkFault::Store(StoreError::Format {
            path: self.store.chunk_path(digest),
            source,
        })
    }

    fn read_fault(&self, digest: &Digest, source: io::Error) -> ChunkFault {
        ChunkFault::Store(StoreError::Io {
            action: "read",
            path: self.store.chunk_path(digest),
            source,
        })
    }
}
