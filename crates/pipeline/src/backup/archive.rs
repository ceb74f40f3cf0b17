//! Writing one chunk archive: block by block out of the ring, up to its planned end or to wherever it has to end before.

use std::collections::VecDeque;

use ferrite_formats::Digest;
use ferrite_formats::block::{
    BLOCK_SIZE, BlockFlags, BlockHeader, HEADER_SIZE, PAYLOAD_SIZE, frame,
};
use ferrite_scsi::{FileWriter, Position};
use ferrite_tape::{AlignedBlock, FileStamp};

use super::sequencer::chunk_archive_head;
use super::steps::{ArchiveStart, PlannedChunk, Step, StepQueue};
use crate::error::{ChunkFault, PipelineError, Result};
use crate::framing::{Cut, PAYLOAD, cut_at_block_end, cut_at_early_warning};
use crate::ring::{PartState, Ring, Stopped};

/// Why an archive ended where it did.
#[derive(Debug)]
pub(super) enum End {
    /// As planned.
    Planned,
    /// The tape is nearly full, and chunks of the snapshot are left.
    EarlyWarning,
    /// The next chunk cannot be written.
    BadChunk(Digest, Box<ChunkFault>),
    /// The run cannot go on: stopped on request, or a defect.
    Stopped(PipelineError),
}

/// A chunk archive as it is on tape.
#[derive(Debug)]
pub(super) struct Written {
    /// Its file; `None` when it ended before its first block, and nothing was written.
    pub file: Option<WrittenFile>,
    /// Why it ended.
    pub end: End,
}

/// A file that was ended with its mark.
#[derive(Debug)]
pub(super) struct WrittenFile {
    /// Number on tape.
    pub file_number: u64,
    /// UUID and time in its header.
    pub stamp: FileStamp,
    /// Bytes of its blocks.
    pub tape_bytes: u64,
    /// Behind it.
    pub position: Position,
    /// Chunks that count as written.
    pub chunks: Vec<Digest>,
    /// Bytes of their blobs.
    pub chunk_bytes: u64,
}

/// An archive on its way to tape.
pub(super) struct ArchiveWriter<'a, 'q> {
    ring: &'a Ring,
    steps: &'a mut StepQueue<'q>,
    store: &'a str,
    start: ArchiveStart,
    /// Chunks that are not wholly on tape yet.
    chunks: VecDeque<PlannedChunk>,
    /// Content planned so far.
    content_bytes: u64,
    /// No more content is planned.
    closed: bool,
    /// Full blocks written.
    blocks: u64,
    done: Vec<Digest>,
    done_bytes: u64,
}

impl<'a, 'q> ArchiveWriter<'a, 'q> {
    pub fn new(
        ring: &'a Ring,
        steps: &'a mut StepQueue<'q>,
        store: &'a str,
        start: ArchiveStart,
    ) -> Self {
        Self {
            ring,
            steps,
            store,
            start,
            chunks: VecDeque::new(),
            content_bytes: start.head_bytes,
            closed: false,
            blocks: 0,
            done: Vec::new(),
            done_bytes: 0,
        }
    }

    /// Writes the archive. `begin` is called when the first block is ready. `progress` is told the bytes of each block that
    /// went out, and the number of chunks that are whole on tape.
    ///
    /// # Errors
    /// The drive's: then nobody knows what is on the tape.
    pub fn write<'d>(
        mut self,
        begin: impl FnOnce() -> Result<(FileWriter<'d>, FileStamp)>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Written> {
        let mut prepared = self.prepare_block();
        if let Some(end) = self.is_void(&mut prepared) {
            return Ok(Written { file: None, end });
        }
        let (mut file, stamp) = begin()?;
        self.write_head(&stamp)?;
        let (cut, end) = loop {
            match prepared {
                Ok(()) if self.content_bytes >= self.flushed() + PAYLOAD => {}
                Ok(()) => {
                    break (
                        Cut {
                            content_bytes: self.content_bytes,
                            complete: true,
                        },
                        End::Planned,
                    );
                }
                Err(Interrupt::Bad(chunk, fault)) => {
                    // What is whole in front of it still goes to tape.
                    let cut = Cut {
                        content_bytes: chunk.placement.start,
                        complete: true,
                    };
                    break (cut, End::BadChunk(chunk.digest, fault));
                }
                Err(Interrupt::Stop(error)) => break (self.nearest_end(), End::Stopped(error)),
            }
            if self.write_full_block(&mut file, progress)? {
                break self.end_at_early_warning();
            }
            prepared = self.prepare_block();
        };
        self.write_last_block(&mut file, cut)?;
        progress(BLOCK_SIZE as u64, self.done.len() as u64);
        let file_number = file.file_number();
        let position = file
            .finish()
            .map_err(PipelineError::drive("end a chunk archive"))?;
        let file = WrittenFile {
            file_number,
            stamp,
            tape_bytes: (self.blocks + 1) * BLOCK_SIZE as u64,
            position,
            chunks: self.done,
            chunk_bytes: self.done_bytes,
        };
        Ok(Written {
            file: Some(file),
            end,
        })
    }

    /// Why nothing at all can be written, if so: an archive has at least one entry.
    fn is_void(&self, prepared: &mut Result<(), Interrupt>) -> Option<End> {
        let interrupt = std::mem::replace(prepared, Ok(())).err()?;
        match interrupt {
            Interrupt::Stop(error) => Some(End::Stopped(error)),
            Interrupt::Bad(chunk, fault) if chunk.placement.start <= self.start.head_bytes => {
                Some(End::BadChunk(chunk.digest, fault))
            }
            bad @ Interrupt::Bad(..) => {
                *prepared = Err(bad);
                None
            }
        }
    }

    /// Content on tape in full blocks.
    fn flushed(&self) -> u64 {
        self.blocks * PAYLOAD
    }

    /// Waits until the next block is in the ring and verified: a full one, or the last one.
    fn prepare_block(&mut self) -> Result<(), Interrupt> {
        let block_end = self.flushed() + PAYLOAD;
        while !self.closed && self.content_bytes < block_end {
            match self.steps.next().map_err(Interrupt::Stop)? {
                Step::Chunk(chunk) => {
                    self.content_bytes = chunk.placement.end();
                    self.chunks.push_back(chunk);
                }
                Step::Close => self.closed = true,
                // The chunk that cannot even be opened stands behind all others, which are good until shown otherwise.
                bad @ (Step::BadChunk(..) | Step::Defect(_)) => {
                    self.steps.put_back(bad);
                    self.closed = true;
                }
                _ => {
                    return Err(Interrupt::Stop(PipelineError::Internal(
                        "archive without end".to_owned(),
                    )));
                }
            }
        }
        for index in 0..self.chunks.len() {
            let chunk = self.chunks[index];
            if chunk.placement.start >= block_end {
                break;
            }
            self.wait_for(chunk)?;
        }
        Ok(())
    }

    fn wait_for(&self, chunk: PlannedChunk) -> Result<(), Interrupt> {
        loop {
            self.steps.check_cancel().map_err(Interrupt::Stop)?;
            match self.ring.poll(chunk.part) {
                Ok(PartState::Ready) => return Ok(()),
                Ok(PartState::Bad(fault)) => return Err(Interrupt::Bad(chunk, Box::new(fault))),
                Ok(PartState::Pending) => {}
                Err(Stopped) => {
                    return Err(Interrupt::Stop(PipelineError::Internal(
                        "the ring was stopped".to_owned(),
                    )));
                }
            }
        }
    }

    /// Puts content header and JSON in front of the first entry.
    fn write_head(&self, stamp: &FileStamp) -> Result<()> {
        let head = chunk_archive_head(self.store, stamp.uuid, stamp.ctime);
        let head = head.map_err(|error| PipelineError::Internal(error.to_string()))?;
        let mut block = self.ring.block(self.start.slot);
        let place = block.get_mut(HEADER_SIZE..HEADER_SIZE + self.start.head_bytes as usize);
        match place {
            Some(place) if place.len() == head.len() => place.copy_from_slice(&head),
            _ => {
                return Err(PipelineError::Internal(
                    "archive header has another length".to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// Writes the next block, which is full and verified, and gives its slot back. Answers whether it met early warning.
    fn write_full_block(
        &mut self,
        file: &mut FileWriter<'_>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<bool> {
        let slot = self.start.slot + self.blocks;
        let written = {
            let mut block = self.ring.block(slot);
            frame(&mut block, &self.header(BlockFlags::NONE, PAYLOAD_SIZE)?);
            file.write_block(block.as_slice())
                .map_err(PipelineError::drive("write a chunk archive"))?
        };
        self.ring.release(slot + 1);
        self.blocks += 1;
        if !written.early_warning {
            // Early warning is about the chunk that ends here, so it must not be forgotten yet.
            self.retire(self.flushed());
        }
        progress(BLOCK_SIZE as u64, self.done.len() as u64);
        Ok(written.early_warning)
    }

    /// The last block of the file. Its early warning, if any, is not looked at: the next file will meet it again.
    fn write_last_block(&mut self, file: &mut FileWriter<'_>, cut: Cut) -> Result<()> {
        let bytes = cut
            .content_bytes
            .checked_sub(self.flushed())
            .filter(|bytes| *bytes < PAYLOAD);
        let misplaced =
            || PipelineError::Internal("archive ends outside of its last block".to_owned());
        let bytes = bytes.ok_or_else(misplaced)? as usize;
        let header = self.header(BlockFlags::END_OF_STREAM, bytes)?;
        let doing = "write a chunk archive";
        let written = if bytes == 0 {
            let mut block = AlignedBlock::new();
            frame(&mut block, &header);
            file.write_block(block.as_slice())
                .map_err(PipelineError::drive(doing))?
        } else {
            let mut block = self.ring.block(self.start.slot + self.blocks);
            frame(&mut block, &header);
            file.write_block(block.as_slice())
                .map_err(PipelineError::drive(doing))?
        };
        let _ = written.early_warning;
        // A chunk that ends with the archive and yet is not complete: all its bytes are there, but PBS writes it again
        // (tape-format 5.4).
        self.retire(if cut.complete {
            cut.content_bytes
        } else {
            cut.content_bytes - 1
        });
        self.ring
            .release(self.start.slot + cut.content_bytes.div_ceil(PAYLOAD));
        Ok(())
    }

    fn header(&self, flags: BlockFlags, bytes: usize) -> Result<BlockHeader> {
        let too_long = || PipelineError::Internal("archive with too many blocks".to_owned());
        let seq_nr = u32::try_from(self.blocks).map_err(|_| too_long())?;
        let size = u32::try_from(bytes).map_err(|_| too_long())?;
        Ok(BlockHeader {
            flags,
            size,
            seq_nr,
        })
    }

    /// Moves chunks that end at or before `content_bytes` to those that count as written.
    fn retire(&mut self, content_bytes: u64) {
        while let Some(chunk) = self
            .chunks
            .front()
            .filter(|chunk| chunk.placement.end() <= content_bytes)
        {
            self.done.push(chunk.digest);
            self.done_bytes += chunk.placement.blob_bytes;
            self.chunks.pop_front();
        }
    }

    /// The full block written last met early warning: finds the end as PBS does, and whether chunks are left for another
    /// tape.
    fn end_at_early_warning(&mut self) -> (Cut, End) {
        let flushed = self.flushed();
        let holder = self
            .chunks
            .iter()
            .position(|chunk| chunk.placement.end() >= flushed);
        let Some(holder) = holder else {
            // Cannot be: content behind the header is chunks, and those before the last block's end are kept.
            return (
                Cut {
                    content_bytes: flushed,
                    complete: true,
                },
                End::EarlyWarning,
            );
        };
        let cut = cut_at_early_warning(flushed, self.chunks[holder].placement);
        if !cut.complete || holder + 1 < self.chunks.len() {
            return (cut, End::EarlyWarning);
        }
        let end = match self.is_last_chunk() {
            // PBS does not notice early warning at the very last chunk of a snapshot (tape-format 1.3).
            Ok(true) => End::Planned,
            Ok(false) => End::EarlyWarning,
            Err(error) => End::Stopped(error),
        };
        (cut, end)
    }

    /// No chunk of the snapshot follows those that were planned so far.
    fn is_last_chunk(&mut self) -> Result<bool> {
        if !self.closed {
            match self.steps.peek()? {
                Step::Close => {
                    self.steps.next()?;
                    self.closed = true;
                }
                _ => return Ok(false),
            }
        }
        // Closed because it was full: the rest of the snapshot is in another archive.
        Ok(!matches!(
            self.steps.peek()?,
            Step::Open(_) | Step::BadChunk(..)
        ))
    }

    /// The first place where the archive can end now.
    fn nearest_end(&self) -> Cut {
        let flushed = self.flushed();
        let chunk = self
            .chunks
            .iter()
            .find(|chunk| chunk.placement.start < flushed);
        match chunk {
            Some(chunk) => cut_at_block_end(flushed, chunk.placement),
            None => Cut {
                content_bytes: flushed,
                complete: true,
            },
        }
    }
}

/// Why the next block cannot be had.
enum Interrupt {
    Bad(PlannedChunk, Box<ChunkFault>),
    Stop(PipelineError),
}
