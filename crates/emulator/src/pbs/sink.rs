//! Writes one tape file: collects blocks into big aligned pieces where the file system writes those past its cache.
//!
//! Sketch, per GB on disk: 4096 blocks copied once each into buffers that stay in the processor's cache, 256 writes of 4 MiB,
//! 16 reservations. Against plain writes of 256 KiB this halves the processor time (limits.md 2). Where the file system has
//! no such way (tmpfs), blocks go through at once without the copy.
//!
//! Like a real drive it takes blocks before they are stored, so a full disk may show one or two pieces later: as a deferred
//! error, on the next block, the filemark or the sync.

use std::path::Path;
use std::sync::Arc;

use super::disk::{DiskFile, WriteStyle};
use super::pieces::{Done, Job, PIECE_BYTES, PieceBuffer, Pieces, Task};
use super::tape::BLOCK_BYTES;

/// Room is reserved in steps of this many bytes.
const RESERVE_STEP: u64 = 64 << 20;

/// A tape file being written.
pub(super) struct FileSink {
    file: Arc<dyn DiskFile>,
    path: Arc<Path>,
    buffer: Option<PieceBuffer>,
    /// Bytes in the buffer.
    filled: usize,
    /// Bytes given to the thread.
    pending: u64,
    /// Bytes in the file.
    written: u64,
    /// Bytes reserved from the file's beginning.
    reserved: u64,
    may_reserve: bool,
    /// The file can never get longer.
    limit: u64,
    /// Why blocks were lost. Whoever got it needs no reminder when the file is closed.
    failure: Option<Arc<str>>,
}

/// What is left of a [`FileSink`].
pub(super) struct Closed {
    /// Blocks were lost that nobody has been told about.
    pub result: Result<(), Arc<str>>,
    /// Bytes in the file.
    pub stored: u64,
    /// To be synced later.
    pub file: Arc<dyn DiskFile>,
}

impl FileSink {
    /// Goes on behind `written` bytes of `file`; at most `limit` bytes will be in it.
    pub fn new(file: Arc<dyn DiskFile>, path: Arc<Path>, written: u64, limit: u64) -> Self {
        Self {
            file,
            path,
            buffer: None,
            filled: 0,
            pending: 0,
            written,
            reserved: written,
            may_reserve: true,
            limit,
            failure: None,
        }
    }

    /// Bytes taken, whether in the file or not yet.
    pub fn length(&self) -> u64 {
        self.written + self.pending + self.filled as u64
    }

    /// Takes one block of [`BLOCK_BYTES`].
    ///
    /// # Errors
    /// Earlier blocks (and this one) could not be stored; says so again from then on.
    pub fn append(&mut self, block: &[u8], pieces: &mut Pieces) -> Result<(), Arc<str>> {
        self.check()?;
        if self.file.style() == WriteStyle::Cached {
            return match self.file.write_at(block, self.written) {
                Ok(()) => {
                    self.written += block.len() as u64;
                    Ok(())
                }
                Err((_, error)) => Err(self.fail("write", &error)),
            };
        }
        let mut buffer = match self.buffer.take() {
            Some(buffer) => buffer,
            None => self.next_buffer(pieces)?,
        };
        buffer.put(self.filled, block);
        self.filled += block.len();
        self.buffer = Some(buffer);
        if self.filled == PIECE_BYTES {
            self.submit(pieces);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Arc<str>> {
        self.failure
            .as_ref()
            .map_or(Ok(()), |failure| Err(Arc::clone(failure)))
    }

    /// An empty buffer, waiting for the thread to finish with one.
    fn next_buffer(&mut self, pieces: &mut Pieces) -> Result<PieceBuffer, Arc<str>> {
        loop {
            if let Some(buffer) = pieces.buffer() {
                return Ok(buffer);
            }
            match pieces.wait() {
                Some(done) => self.take(done, pieces)?,
                None => return Err(self.lose_thread()),
            }
        }
    }

    fn submit(&mut self, pieces: &mut Pieces) {
        let Some(buffer) = self.buffer.take() else {
            return;
        };
        let length = std::mem::take(&mut self.filled);
        let offset = self.written + self.pending;
        let reserve = self.room_to_reserve(offset, length);
        self.pending += length as u64;
        pieces.submit(Job {
            task: Task::Write {
                file: Arc::clone(&self.file),
                reserve,
            },
            buffer,
            length,
            offset,
        });
    }

    /// Bytes to reserve before the piece at `offset` is written. Files of less than a piece get none.
    fn room_to_reserve(&mut self, offset: u64, length: usize) -> Option<u64> {
        let end = offset + length as u64;
        if !self.may_reserve || length < PIECE_BYTES || end <= self.reserved {
            return None;
        }
        let step = RESERVE_STEP
            .min(self.limit.saturating_sub(offset))
            .max(length as u64);
        self.reserved = offset + step;
        Some(step)
    }

    /// Books a finished piece.
    fn take(&mut self, done: Done, pieces: &mut Pieces) -> Result<(), Arc<str>> {
        pieces.give_back(done.buffer);
        self.check()?;
        if done.not_reserved {
            // Not supported, or not so much room left: writing will tell when there is none.
            self.may_reserve = false;
        }
        self.pending -= done.length as u64;
        match done.result {
            Ok(()) => {
                self.written += done.length as u64;
                Ok(())
            }
            Err((stored, error)) => {
                // Whole blocks that made it are kept; the rest is cut off so that the file has no broken end.
                self.written += (stored / BLOCK_BYTES * BLOCK_BYTES) as u64;
                pieces.settle();
                Err(self.fail("write", &error))
            }
        }
    }

    fn lose_thread(&mut self) -> Arc<str> {
        self.fail(
            "write",
            &std::io::Error::other("the writing thread is gone"),
        )
    }

    fn fail(&mut self, action: &str, error: &std::io::Error) -> Arc<str> {
        let _ = self.file.truncate(self.written);
        self.reserved = self.written;
        self.pending = 0;
        self.filled = 0;
        let failure: Arc<str> = format!("{}: cannot {action}: {error}", self.path.display()).into();
        self.failure = Some(Arc::clone(&failure));
        failure
    }

    /// Returns when everything taken is in the file.
    pub fn flush(&mut self, pieces: &mut Pieces) -> Result<(), Arc<str>> {
        self.check()?;
        if self.filled > 0 {
            self.submit(pieces);
        }
        while self.pending > 0 {
            match pieces.wait() {
                Some(done) => self.take(done, pieces)?,
                None => return Err(self.lose_thread()),
            }
        }
        Ok(())
    }

    /// Flushes and waits for the disk.
    pub fn sync(&mut self, pieces: &mut Pieces) -> Result<(), Arc<str>> {
        self.flush(pieces)?;
        self.file.sync().map_err(|error| self.fail("sync", &error))
    }

    /// Flushes and gives back reserved room.
    pub fn close(mut self, pieces: &mut Pieces) -> Closed {
        let result = if self.failure.is_some() {
            Ok(())
        } else {
            self.flush(pieces).and_then(|()| self.trim())
        };
        if let Some(buffer) = self.buffer.take() {
            pieces.give_back(buffer);
        }
        Closed {
            result,
            stored: self.written,
            file: self.file,
        }
    }

    /// Bytes in the file.
    pub fn stored(&self) -> u64 {
        self.written
    }

    fn trim(&mut self) -> Result<(), Arc<str>> {
        if self.reserved <= self.written {
            return Ok(());
        }
        self.reserved = self.written;
        self.file
            .truncate(self.written)
            .map_err(|error| self.fail("truncate", &error))
    }
}
