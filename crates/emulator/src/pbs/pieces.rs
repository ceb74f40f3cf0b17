//! Big aligned buffers, and a thread that writes or reads one while the other is filled or emptied.
//!
//! Without the thread the disk would stand still while 4 MiB are copied together, about a quarter of the time.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use ferrite_memory::AlignedBuffer;

use super::disk::DiskFile;

/// One piece: a multiple of the block length, so that every flush leaves an aligned offset.
pub(super) const PIECE_BYTES: usize = 4 << 20;
/// One is filled, one is written, one waits: on a busy machine either side gets the processor late. One writer only, so that
/// what is in the file is always its beginning, whenever the process dies.
const MAX_BUFFERS: usize = 3;
const THREAD_NAME: &str = "virtual-tape";

/// Buffer of one piece.
pub(super) struct PieceBuffer(AlignedBuffer);

impl PieceBuffer {
    fn new() -> Self {
        Self(AlignedBuffer::zeroed(PIECE_BYTES))
    }

    /// The first `length` bytes.
    pub fn piece(&self, length: usize) -> &[u8] {
        &self.0[..length]
    }

    /// The first `length` bytes, to be filled.
    pub fn piece_mut(&mut self, length: usize) -> &mut [u8] {
        &mut self.0[..length]
    }

    /// Copies `block` in at `at`.
    pub fn put(&mut self, at: usize, block: &[u8]) {
        self.0[at..at + block.len()].copy_from_slice(block);
    }
}

/// What the thread does with a piece.
pub(super) enum Task {
    Write {
        file: Arc<dyn DiskFile>,
        /// Room to reserve first, from the piece's offset on.
        reserve: Option<u64>,
    },
    Read {
        file: Arc<File>,
    },
}

/// A piece to be written or read.
pub(super) struct Job {
    pub task: Task,
    pub buffer: PieceBuffer,
    pub length: usize,
    pub offset: u64,
}

/// A piece that was written or read, or not.
pub(super) struct Done {
    pub buffer: PieceBuffer,
    pub length: usize,
    /// On error with the number of bytes that are there nevertheless.
    pub result: Result<(), (usize, io::Error)>,
    /// Room was to be reserved, and was not.
    pub not_reserved: bool,
}

impl Job {
    fn run(self) -> Done {
        let Job {
            task,
            mut buffer,
            length,
            offset,
        } = self;
        let (result, not_reserved) = match task {
            Task::Write { file, reserve } => {
                let not_reserved =
                    reserve.is_some_and(|bytes| file.reserve(offset, bytes).is_err());
                (file.write_at(buffer.piece(length), offset), not_reserved)
            }
            Task::Read { file } => {
                let result = file.read_exact_at(buffer.piece_mut(length), offset);
                (result.map_err(|error| (0, error)), false)
            }
        };
        Done {
            buffer,
            length,
            result,
            not_reserved,
        }
    }
}

struct Lane {
    jobs: Sender<Job>,
    done: Receiver<Done>,
    thread: JoinHandle<()>,
}

impl Lane {
    fn start() -> Option<Self> {
        let (jobs, next_job) = channel::<Job>();
        let (finished, done) = channel();
        let work = move || {
            for job in next_job {
                if finished.send(job.run()).is_err() {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name(THREAD_NAME.to_owned())
            .spawn(work)
            .ok()?;
        Some(Self { jobs, done, thread })
    }
}

/// Buffers and the thread of one drive.
#[derive(Default)]
pub(super) struct Pieces {
    free: Vec<PieceBuffer>,
    buffers: usize,
    lane: Option<Lane>,
    in_flight: usize,
    /// Pieces that were worked on here because there is no thread.
    finished_here: VecDeque<Done>,
}

impl Pieces {
    /// A buffer, if one can be had without waiting for the thread.
    pub fn buffer(&mut self) -> Option<PieceBuffer> {
        self.free.pop().or_else(|| {
            (self.buffers < MAX_BUFFERS).then(|| {
                self.buffers += 1;
                PieceBuffer::new()
            })
        })
    }

    /// Takes a buffer back.
    pub fn give_back(&mut self, buffer: PieceBuffer) {
        self.free.push(buffer);
    }

    /// Has a piece written or read; its [`Done`] comes from [`Pieces::wait`], in the order of the jobs.
    pub fn submit(&mut self, job: Job) {
        if self.lane.is_none() && self.in_flight == 0 {
            self.lane = Lane::start();
        }
        self.in_flight += 1;
        let job = match &self.lane {
            Some(lane) => match lane.jobs.send(job) {
                Ok(()) => return,
                Err(refused) => refused.0,
            },
            None => job,
        };
        // The system has no thread for us: not faster than the disk, but it works.
        self.finished_here.push_back(job.run());
    }

    /// Waits for all pieces in work, whatever became of them.
    pub fn settle(&mut self) {
        while let Some(done) = self.wait() {
            self.give_back(done.buffer);
        }
    }

    /// Waits for the oldest piece in work; `None` if there is none, or if the thread is gone with it.
    pub fn wait(&mut self) -> Option<Done> {
        self.in_flight = self.in_flight.checked_sub(1)?;
        match self.finished_here.pop_front() {
            Some(done) => Some(done),
            None => self.lane.as_ref()?.done.recv().ok(),
        }
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        if let Some(Lane { jobs, done, thread }) = self.lane.take() {
            drop((jobs, done));
            // A panic in there has already been printed.
            let _ = thread.join();
        }
    }
}
