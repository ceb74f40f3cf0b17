//! The plain content of a dynamic index as one stream: chunks are read and verified ahead, on several threads, and
//! delivered in order.

use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use crossbeam_channel::{Receiver, Sender};
use ferrite_formats::index::{Index, IndexEntry};

use crate::chunk_reader::ChunkReader;
use crate::chunk_store::ChunkStore;
use crate::error::{Error, Result};

/// Reading ahead further does not help a disk, and each chunk may take 16 MiB.
const MOST_THREADS: usize = 8;
/// At least so many, to have several reads in flight on a cold disk.
const LEAST_THREADS: usize = 4;

/// Threads to read and verify chunks with.
pub(super) fn reader_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    cores.clamp(LEAST_THREADS, MOST_THREADS)
}

struct Job {
    entry: IndexEntry,
    buffer: Vec<u8>,
    done: Sender<Result<Vec<u8>>>,
}

/// The error that ended a stream; an `io::Error` cannot carry it.
#[derive(Clone, Default)]
pub(crate) struct StreamFailure(Arc<Mutex<Option<Error>>>);

impl StreamFailure {
    fn set(&self, error: Error) {
        let mut failure = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
    }

    pub(crate) fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A verified stream. The threads end when it is dropped.
pub(crate) struct ChunkStream {
    /// In stream order; each delivers one chunk.
    results: Receiver<Receiver<Result<Vec<u8>>>>,
    emptied: Sender<Vec<u8>>,
    current: Vec<u8>,
    position: usize,
    failure: StreamFailure,
}

impl ChunkStream {
    pub(crate) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        chunks: &'scope ChunkStore,
        index: &'scope Index,
    ) -> Self {
        let threads = reader_threads();
        let (jobs, queue) = crossbeam_channel::bounded::<Job>(threads);
        let (order, results) = crossbeam_channel::bounded(threads);
        let (emptied, empty) = crossbeam_channel::bounded::<Vec<u8>>(2 * threads);
        for _ in 0..threads {
            let queue = queue.clone();
            scope.spawn(move || work(chunks, &queue));
        }
        scope.spawn(move || {
            for entry in index.iter() {
                let (done, result) = crossbeam_channel::bounded(1);
                let buffer = empty.try_recv().unwrap_or_default();
                let job = Job {
                    entry,
                    buffer,
                    done,
                };
                // Nobody reads any more: the end.
                if jobs.send(job).is_err() || order.send(result).is_err() {
                    return;
                }
            }
        });
        Self {
            results,
            emptied,
            current: Vec::new(),
            position: 0,
            failure: StreamFailure::default(),
        }
    }

    /// Where to find what an `io::Error` of this stream stands for.
    pub(crate) fn failure(&self) -> StreamFailure {
        self.failure.clone()
    }

    /// False at the end of the stream.
    fn next_chunk(&mut self) -> Result<bool> {
        let Ok(result) = self.results.recv() else {
            return Ok(false);
        };
        // A thread that panicked.
        let lost = |_| Error::Request("a chunk thread ended early".to_owned());
        let chunk = result.recv().map_err(lost)??;
        let used = std::mem::replace(&mut self.current, chunk);
        // Enough are in circulation already when it is full.
        let _ = self.emptied.try_send(used);
        self.position = 0;
        Ok(true)
    }
}

fn work(chunks: &ChunkStore, queue: &Receiver<Job>) {
    let mut reader = ChunkReader::new(chunks);
    for job in queue {
        let mut plain = job.buffer;
        let result = match &mut reader {
            Ok(reader) => reader.read_plain(&job.entry, &mut plain).map(|()| plain),
            Err(error) => Err(Error::Request(error.to_string())),
        };
        // Nobody waits for it when the stream was dropped.
        let _ = job.done.send(result);
    }
}

impl Read for ChunkStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.position == self.current.len() {
            match self.next_chunk() {
                Ok(true) => {}
                Ok(false) => return Ok(0),
                Err(error) => {
                    let told = io::Error::other(error.to_string());
                    self.failure.set(error);
                    return Err(told);
                }
            }
        }
        let rest = &self.current[self.position..];
        let bytes = rest.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&rest[..bytes]);
        self.position += bytes;
        Ok(bytes)
    }
}
