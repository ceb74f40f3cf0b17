//! Reading one chunk archive: its chunks into their target, its digests into the catalog.

use std::collections::VecDeque;

use crossbeam_channel::Sender;
use ferrite_datastore::{AlignedBuffer, CancelFlag, Error as StoreError, MAX_CHUNK_FILE_BYTES};
use ferrite_formats::Digest;
use ferrite_formats::blob::{BlobVerifier, MAX_PLAIN_BYTES};
use ferrite_formats::block_stream::{StreamEnd, Verdict, judge};
use ferrite_formats::chunk_archive::{
    ChunkArchiveDecoder, ChunkArchiveError, ChunkEntry, ChunkEvent,
};
use ferrite_formats::content_header::ContentHeader;
use ferrite_tape::{CatalogBuilder, ContentReader, TapeError};

use super::demand::{ChunkDemand, DemandPlace};
use super::pool::Pool;
use super::targets::Targets;
use super::worker::Job;
use crate::error::{ChunkFault, PipelineError, Result};

/// Chunks that wait for an earlier one to be registered. Only chunks that the target has can be so many: they need no memory.
const MAX_WAITING: usize = 1 << 16;

/// How an archive ended.
#[derive(Debug)]
pub(super) enum ArchiveEnd {
    /// Read to its end.
    Whole,
    /// The writer met the end of the tape: chunks up to there count. Why, for a person.
    Cut(String),
    /// The writer was interrupted, or a chunk that nobody asked for is damaged: nothing of it is registered.
    Void(String),
}

/// Counts of one archive.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts {
    /// Chunks put into the target, or found there.
    pub restored: u64,
    /// Bytes of their blobs.
    pub restored_bytes: u64,
    /// Chunks that the target had.
    pub present: u64,
    /// All whole chunks.
    pub chunks: u64,
    /// Bytes of their blobs.
    pub bytes: u64,
}

/// What reading an archive needs from the run.
pub(super) struct Surroundings<'a> {
    pub targets: &'a Targets,
    pub pool: &'a Pool,
    pub jobs: &'a Sender<Job>,
    pub cancel: &'a CancelFlag,
}

/// Some chunks of one archive.
pub(super) struct Wanted<'a> {
    demand: &'a ChunkDemand,
    place: DemandPlace,
    /// Chunks that were not met yet.
    left: u64,
}

impl<'a> Wanted<'a> {
    pub fn new(demand: &'a ChunkDemand, place: DemandPlace) -> Self {
        Self {
            demand,
            place,
            left: demand.count(place),
        }
    }
}

/// The body of a chunk archive.
pub(super) struct ChunkArchive<'a> {
    around: &'a Surroundings<'a>,
    /// `None`: what is read is not listed.
    catalog: Option<&'a mut CatalogBuilder>,
    /// `None`: all chunks.
    wanted: Option<Wanted<'a>>,
    file_number: u64,
    store: &'a str,
    target: Option<usize>,
    current: Current,
    /// Chunks read and not registered yet, in tape order.
    waiting: VecDeque<Waiting>,
    counts: Counts,
}

/// What happens to the chunk being read.
enum Current {
    /// Between chunks.
    None,
    /// The target has it.
    Present(ChunkEntry),
    /// It goes to the target.
    Collect(ChunkEntry, AlignedBuffer),
    /// It has no target: only its CRC is checked, so that the catalog does not promise what is damaged.
    Check(ChunkEntry),
    /// Nobody wants it.
    Ignored,
}

struct Waiting {
    entry: ChunkEntry,
    /// A worker has it; its result is the pool's next one.
    with_worker: bool,
    place: Place,
}

/// Where reading was when a chunk ended, and what an error there would mean.
#[derive(Clone, Copy)]
struct Place {
    block: u64,
    verdict: Verdict,
}

impl<'a> ChunkArchive<'a> {
    pub fn new(
        around: &'a Surroundings<'a>,
        catalog: Option<&'a mut CatalogBuilder>,
        wanted: Option<Wanted<'a>>,
        file_number: u64,
        store: &'a str,
    ) -> Self {
        Self {
            around,
            catalog,
            wanted,
            file_number,
            store,
            target: around.targets.find(store),
            current: Current::None,
            waiting: VecDeque::new(),
            counts: Counts::default(),
        }
    }

    /// Reads the archive behind its head, which is `header`. Every chunk that counts is in the target when this returns.
    /// `progress` is called for each block with the number of whole chunks before it.
    ///
    /// # Errors
    /// Damage in the middle of the tape file, a chunk that is not what it claims to be, errors of drive and datastore.
    pub fn read(
        mut self,
        reader: &mut ContentReader<'_>,
        header: &ContentHeader,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(ArchiveEnd, Counts)> {
        if let Some(catalog) = &mut self.catalog {
            catalog.start_archive(self.file_number, header.uuid, self.store)?;
        }
        let mut end = self.read_entries(reader, header, progress)?;
        if let Current::Collect(_, buffer) = std::mem::replace(&mut self.current, Current::None) {
            // The last chunk is cut off, or the archive is damaged behind it.
            self.around.pool.give_back(buffer);
        }
        if let Some(message) = self.register_all()? {
            end = ArchiveEnd::Cut(message);
        }
        if let Some(catalog) = &mut self.catalog {
            match end {
                ArchiveEnd::Void(_) => catalog.abandon_archive()?,
                ArchiveEnd::Whole | ArchiveEnd::Cut(_) => catalog.end_archive()?,
            }
        }
        Ok((end, self.counts))
    }

    fn read_entries(
        &mut self,
        reader: &mut ContentReader<'_>,
        header: &ContentHeader,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ArchiveEnd> {
        let mut decoder = ChunkArchiveDecoder::after_header(header);
        // Only for chunks without target.
        let mut verifier =
            BlobVerifier::new().map_err(|error| PipelineError::Internal(error.to_string()))?;
        loop {
            if self.around.cancel.is_cancelled() {
                return Err(PipelineError::Cancelled);
            }
            if self.wanted.as_ref().is_some_and(|wanted| wanted.left == 0) {
                return Ok(ArchiveEnd::Whole);
            }
            match reader.payload() {
                Ok([]) => break,
                Ok(_) => {}
                Err(error @ TapeError::NoEndMarker { .. }) => {
                    return Ok(ArchiveEnd::Void(error.to_string()));
                }
                Err(error) => return Err(error.into()),
            }
            progress(self.counts.chunks);
            let place = Place {
                block: reader.block_number(),
                verdict: judge(reader.end()),
            };
            let payload = reader.payload()?;
            let mut at = 0;
            loop {
                match decoder.step(payload, &mut at) {
                    Ok(Some(event)) => {
                        if let Some(damage) = self.event(event, payload, place, &mut verifier)? {
                            return Ok(ArchiveEnd::Void(damage));
                        }
                    }
                    Ok(None) => break,
                    Err(error) => return self.damaged(error, place),
                }
            }
            let used = payload.len();
            reader.consume(used);
        }
        let place = Place {
            block: reader.block_number(),
            verdict: judge(reader.end()),
        };
        match decoder.finish() {
            Ok(_) if reader.end() == Some(StreamEnd::Incomplete) => Ok(ArchiveEnd::Cut(format!(
                "tape file {} is marked as incomplete",
                self.file_number
            ))),
            Ok(_) => Ok(ArchiveEnd::Whole),
            Err(error) => self.damaged(error, place),
        }
    }

    /// What a broken rule means depends on how the tape file ended (tape-format 5.5).
    fn damaged(&self, source: ChunkArchiveError, place: Place) -> Result<ArchiveEnd> {
        let error = TapeError::ChunkArchive {
            file_number: self.file_number,
            block: place.block,
            source,
        };
        match place.verdict {
            Verdict::Fatal => Err(error.into()),
            Verdict::KeepWholeChunks => Ok(ArchiveEnd::Cut(error.to_string())),
            Verdict::RegisterNothing => Ok(ArchiveEnd::Void(error.to_string())),
        }
    }

    /// Answers what is wrong with a chunk without target.
    fn event(
        &mut self,
        event: ChunkEvent,
        payload: &[u8],
        place: Place,
        verifier: &mut BlobVerifier,
    ) -> Result<Option<String>> {
        match event {
            ChunkEvent::Header(..) => {}
            ChunkEvent::Entry(entry) => {
                self.current = self.start(entry, place)?;
                if let Current::Check(_) = self.current {
                    let started = verifier.start(None, MAX_PLAIN_BYTES);
                    started.map_err(|error| PipelineError::Internal(error.to_string()))?;
                }
            }
            ChunkEvent::Body(range) => match &mut self.current {
                Current::Collect(_, buffer) => buffer.extend_from_slice(&payload[range]),
                &mut Current::Check(entry) => {
                    if let Err(error) = verifier.update(&payload[range]) {
                        return Ok(Some(self.describe(entry.digest, &error)));
                    }
                }
                Current::None | Current::Present(_) | Current::Ignored => {}
            },
            ChunkEvent::EntryEnd => {
                let current = std::mem::replace(&mut self.current, Current::None);
                if let Current::Check(entry) = &current {
                    if let Err(error) = verifier.finish() {
                        return Ok(Some(self.describe(entry.digest, &error)));
                    }
                }
                self.hand_over(current, place)?;
            }
        }
        Ok(None)
    }

    fn describe(&self, digest: Digest, error: &dyn std::fmt::Display) -> String {
        format!(
            "tape file {}, chunk {digest} of store {}, which is not restored: {error}",
            self.file_number, self.store
        )
    }

    fn start(&self, entry: ChunkEntry, place: Place) -> Result<Current> {
        if let Some(wanted) = &self.wanted {
            if !wanted.demand.wants(self.store, &entry.digest, wanted.place) {
                return Ok(Current::Ignored);
            }
        }
        let Some(target) = self.target else {
            return Ok(Current::Check(entry));
        };
        let chunks = self.around.targets.get(target).store.chunks();
        if chunks.touch_if_present(&entry.digest)? {
            return Ok(Current::Present(entry));
        }
        if entry.size > MAX_CHUNK_FILE_BYTES {
            // Before memory is taken for it.
            let reason = format!("{} bytes are more than a chunk can have", entry.size);
            return Err(self.bad_chunk(
                entry.digest,
                place.block,
                StoreError::Request(reason).into(),
            ));
        }
        let bytes = usize::try_from(entry.size).unwrap_or(usize::MAX);
        Ok(Current::Collect(
            entry,
            self.around.pool.acquire(bytes, self.around.cancel)?,
        ))
    }

    /// A chunk was read to its end.
    fn hand_over(&mut self, current: Current, place: Place) -> Result<()> {
        let (entry, with_worker) = match current {
            Current::None | Current::Ignored => return Ok(()),
            Current::Present(entry) => {
                self.counts.present += 1;
                (entry, false)
            }
            Current::Check(entry) => (entry, false),
            Current::Collect(entry, blob) => {
                let number = self.around.pool.announce();
                let target = self.target.unwrap_or_default();
                let job = Job {
                    number,
                    target,
                    digest: entry.digest,
                    blob,
                };
                let sent = self.around.jobs.send(job);
                sent.map_err(|_| PipelineError::Internal("the chunk writers ended".to_owned()))?;
                (entry, true)
            }
        };
        if let Some(wanted) = &mut self.wanted {
            wanted.left = wanted.left.saturating_sub(1);
        }
        self.waiting.push_back(Waiting {
            entry,
            with_worker,
            place,
        });
        self.register_known()
    }

    /// Registers the chunks in front whose fate is known.
    fn register_known(&mut self) -> Result<()> {
        while let Some(first) = self.waiting.front() {
            let result = if !first.with_worker {
                Ok(())
            } else if self.waiting.len() > MAX_WAITING {
                self.around.pool.take(self.around.cancel)?
            } else {
                match self.around.pool.try_take() {
                    Some(result) => result,
                    None => return Ok(()),
                }
            };
            if let Some(message) = self.register_first(result)? {
                // Only known for chunks at the very end of a file, behind which nothing is read any more.
                return Err(PipelineError::Internal(message));
            }
        }
        Ok(())
    }

    /// Waits for all chunks. Answers why the last ones do not count, if so.
    fn register_all(&mut self) -> Result<Option<String>> {
        let mut cut = None;
        while let Some(first) = self.waiting.front() {
            let result = if first.with_worker {
                self.around.pool.take(self.around.cancel)?
            } else {
                Ok(())
            };
            if cut.is_some() {
                self.waiting.pop_front();
            } else {
                cut = self.register_first(result)?;
            }
        }
        Ok(cut)
    }

    /// Registers the first waiting chunk, or answers why it does not count although the run may go on.
    fn register_first(&mut self, result: Result<(), ChunkFault>) -> Result<Option<String>> {
        let Some(Waiting {
            entry,
            with_worker,
            place,
        }) = self.waiting.pop_front()
        else {
            return Ok(None);
        };
        if let Err(fault) = result {
            let excused =
                matches!(fault, ChunkFault::Format(_)) && place.verdict == Verdict::KeepWholeChunks;
            let error = self.bad_chunk(entry.digest, place.block, fault);
            return if excused {
                Ok(Some(error.to_string()))
            } else {
                Err(error)
            };
        }
        if let Some(catalog) = &mut self.catalog {
            catalog.chunk(entry.digest)?;
        }
        self.counts.chunks += 1;
        self.counts.bytes += entry.size;
        if with_worker {
            self.counts.restored += 1;
            self.counts.restored_bytes += entry.size;
        }
        Ok(None)
    }

    fn bad_chunk(&self, digest: Digest, block: u64, fault: ChunkFault) -> PipelineError {
        PipelineError::BadTapeChunk {
            file_number: self.file_number,
            block,
            store: self.store.to_owned(),
            digest,
            fault: Box::new(fault),
        }
    }
}
