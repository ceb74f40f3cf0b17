//! Threads that hash, compress and insert chunks while the importing thread reads.
//!
//! Memory is bounded: one queued chunk and one at work for each thread, and what the producers are filling. The first
//! failure stops everything; producers see it at their next chunk.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use crossbeam_channel::{Receiver, Sender};
use ferrite_formats::Digest;
use ferrite_formats::blob::BlobEncoder;
use ferrite_memory::AlignedBuffer;

use crate::chunk_store::Inserted;
use crate::error::{Error, FormatContext, Result};
use crate::progress::CancelFlag;
use crate::store::Store;
use crate::zero;

/// More threads would wait for the disk; each may hold two chunks of 16 MiB and their blobs.
const MOST_THREADS: usize = 16;

/// What is to be stored.
enum Content {
    Data(Vec<u8>),
    /// So many zeros, without the memory for them.
    Zeros(usize),
}

struct Job {
    content: Content,
    number: usize,
    stream: Arc<StreamChunks>,
}

/// Chunks of one stream or image, filled in by the threads in any order.
#[derive(Debug, Default)]
pub(super) struct StreamChunks(Mutex<Vec<(usize, StoredChunk)>>);

/// A chunk that is in the store.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredChunk {
    pub(super) digest: Digest,
    pub(super) plain_bytes: u64,
}

impl StreamChunks {
    /// All chunks in order, once the pool has finished.
    pub(super) fn into_ordered(self: Arc<Self>) -> Vec<StoredChunk> {
        let mut chunks =
            std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        chunks.sort_unstable_by_key(|(number, _)| *number);
        chunks.into_iter().map(|(_, chunk)| chunk).collect()
    }
}

/// Counters of an import.
#[derive(Debug, Default)]
pub(super) struct ChunkCounts {
    pub(super) chunks: AtomicU64,
    pub(super) new_chunks: AtomicU64,
    pub(super) new_chunk_bytes: AtomicU64,
}

/// State shared by threads and producers.
#[derive(Debug)]
pub(super) struct PoolState {
    store: Store,
    compress: bool,
    cancel: CancelFlag,
    pub(super) counts: ChunkCounts,
    failed: AtomicBool,
    first_error: Mutex<Option<Error>>,
    /// A whole chunk of zeros was inserted or touched by this import already.
    zeros_stored: AtomicBool,
}

impl PoolState {
    pub(super) fn new(store: &Store, compress: bool, cancel: &CancelFlag) -> Self {
        Self {
            store: store.clone(),
            compress,
            cancel: cancel.clone(),
            counts: ChunkCounts::default(),
            failed: AtomicBool::new(false),
            first_error: Mutex::new(None),
            zeros_stored: AtomicBool::new(false),
        }
    }

    fn fail(&self, error: Error) {
        let mut first = self
            .first_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(error);
        self.failed.store(true, Ordering::Release);
    }

    /// The failure that stopped the pool, once.
    pub(super) fn take_error(&self) -> Option<Error> {
        let mut first = self
            .first_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        first.take()
    }

    fn is_running(&self) -> bool {
        !self.failed.load(Ordering::Acquire) && !self.cancel.is_cancelled()
    }

    fn check(&self) -> Result<()> {
        self.cancel.check()?;
        if self.failed.load(Ordering::Acquire) {
            return Err(self.take_error().unwrap_or(Error::Aborted));
        }
        Ok(())
    }
}

/// Where producers put chunks. The threads end when it is dropped.
pub(super) struct ChunkPool<'p> {
    state: &'p PoolState,
    jobs: Sender<Job>,
    emptied: Receiver<Vec<u8>>,
}

impl<'p> ChunkPool<'p> {
    pub(super) fn start<'scope>(scope: &'scope Scope<'scope, '_>, state: &'p PoolState) -> Self
    where
        'p: 'scope,
    {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = cores.min(MOST_THREADS);
        let (jobs, queue) = crossbeam_channel::bounded::<Job>(threads);
        let (empty, emptied) = crossbeam_channel::bounded(2 * threads);
        for _ in 0..threads {
            let (queue, empty) = (queue.clone(), empty.clone());
            scope.spawn(move || work(state, &queue, &empty));
        }
        Self {
            state,
            jobs,
            emptied,
        }
    }

    /// An empty buffer, used before if possible.
    pub(super) fn buffer(&self) -> Vec<u8> {
        self.emptied.try_recv().unwrap_or_default()
    }

    /// Queues chunk `number` of a stream. Waits while the threads are busy.
    ///
    /// # Errors
    /// The failure that stopped the pool; [`Error::Aborted`].
    pub(super) fn store(
        &self,
        stream: &Arc<StreamChunks>,
        number: usize,
        data: Vec<u8>,
    ) -> Result<()> {
        self.push(stream, number, Content::Data(data))
    }

    /// As [`store`](Self::store), for so many zeros.
    pub(super) fn store_zeros(
        &self,
        stream: &Arc<StreamChunks>,
        number: usize,
        bytes: usize,
    ) -> Result<()> {
        self.push(stream, number, Content::Zeros(bytes))
    }

    /// Stops everything with `error`, unless something else did already.
    pub(super) fn fail(&self, error: Error) {
        self.state.fail(error);
    }

    /// The failure that stopped the pool; to be asked before any error that may follow from it.
    pub(super) fn take_error(&self) -> Option<Error> {
        self.state.take_error()
    }

    fn push(&self, stream: &Arc<StreamChunks>, number: usize, content: Content) -> Result<()> {
        self.state.check()?;
        let job = Job {
            content,
            number,
            stream: Arc::clone(stream),
        };
        // Threads only end before the queue does when they panic.
        self.jobs.send(job).map_err(|_| {
            let error = self.state.take_error();
            error.unwrap_or_else(|| Error::Request("a chunk thread ended early".to_owned()))
        })
    }
}

fn work(state: &PoolState, queue: &Receiver<Job>, emptied: &Sender<Vec<u8>>) {
    let mut worker = match Worker::new(state) {
        Ok(worker) => worker,
        Err(error) => return state.fail(error),
    };
    // After a failure the queue is emptied without work, so that no producer waits for ever.
    for job in queue {
        if state.is_running() {
            match worker.store(&job.content) {
                Ok(chunk) => {
                    let chunks = &job.stream.0;
                    let mut chunks = chunks.lock().unwrap_or_else(PoisonError::into_inner);
                    chunks.push((job.number, chunk));
                }
                Err(error) => state.fail(error),
            }
        }
        if let Content::Data(mut data) = job.content {
            data.clear();
            // Enough are in circulation already when it is full.
            let _ = emptied.try_send(data);
        }
    }
}

/// What one thread reuses from chunk to chunk.
struct Worker<'p> {
    state: &'p PoolState,
    encoder: BlobEncoder,
    blob: Vec<u8>,
    scratch: AlignedBuffer,
}

impl<'p> Worker<'p> {
    fn new(state: &'p PoolState) -> Result<Self> {
        Ok(Self {
            state,
            encoder: BlobEncoder::new().of(state.store.path())?,
            blob: Vec::new(),
            scratch: AlignedBuffer::new(),
        })
    }

    fn store(&mut self, content: &Content) -> Result<StoredChunk> {
        let usual = zero::USUAL_BYTES;
        let (bytes, is_usual_zeros) = match content {
            Content::Data(data) => (data.len(), data.len() == usual && zero::is_zero(data)),
            Content::Zeros(bytes) => (*bytes, *bytes == usual),
        };
        self.state.counts.chunks.fetch_add(1, Ordering::Relaxed);
        let digest = if is_usual_zeros {
            zero::usual_digest()
        } else if let Content::Data(data) = content {
            Digest::of(data)
        } else {
            Digest::of(&vec![0; bytes])
        };
        let known_zeros = is_usual_zeros && self.state.zeros_stored.load(Ordering::Acquire);
        if !known_zeros && !self.state.store.chunks().touch_if_present(&digest)? {
            match content {
                Content::Data(data) => self.insert(&digest, data)?,
                Content::Zeros(bytes) => self.insert(&digest, &vec![0; *bytes])?,
            }
        }
        if is_usual_zeros {
            self.state.zeros_stored.store(true, Ordering::Release);
        }
        Ok(StoredChunk {
            digest,
            plain_bytes: bytes as u64,
        })
    }

    fn insert(&mut self, digest: &Digest, data: &[u8]) -> Result<()> {
        let chunks = self.state.store.chunks();
        self.encoder
            .encode_into(data, self.state.compress, None, &mut self.blob)
            .of(chunks.chunk_path(digest))?;
        if chunks.insert(digest, &self.blob, &mut self.scratch)? != Inserted::Present {
            let counts = &self.state.counts;
            counts.new_chunks.fetch_add(1, Ordering::Relaxed);
            counts
                .new_chunk_bytes
                .fetch_add(self.blob.len() as u64, Ordering::Relaxed);
        }
        Ok(())
    }
}
