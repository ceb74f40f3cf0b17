//! Content of one tape file as a stream of bytes.

use std::io::{self, Read};
use std::ops::Range;

use ferrite_formats::block::{BLOCK_SIZE, Block};
use ferrite_formats::block_stream::StreamEnd;
use ferrite_scsi::{Drive, Position};

use super::source::{BlockSource, Met};
use crate::aligned::AlignedBlock;
use crate::error::{Result, TapeError};

/// What lies at a position.
#[derive(Debug)]
#[must_use]
pub enum NextFile<'d> {
    /// A file with at least one block.
    File(ContentReader<'d>),
    /// A file mark without a block before it, and the position behind it.
    Empty(Position),
    /// Nothing more is on the tape.
    EndOfData(Position),
}

/// The content of one tape file, through one block buffer.
///
/// [`ContentReader::payload`] lends the unused bytes of the current block, so nothing is copied unless the caller does.
#[derive(Debug)]
pub struct ContentReader<'d> {
    source: BlockSource<'d>,
    block: &'d mut Block,
    /// Bytes of the block that are content and not consumed yet.
    unused: Range<usize>,
    /// Content bytes consumed.
    offset: u64,
}

impl<'d> ContentReader<'d> {
    /// Reads the first block at `position`. `block` is the buffer for the whole file.
    ///
    /// # Errors
    /// As [`BlockSource::read`].
    pub fn open(
        drive: &'d mut Drive,
        position: Position,
        block: &'d mut AlignedBlock,
    ) -> Result<NextFile<'d>> {
        let mut source = BlockSource::new(drive, position)?;
        match source.read(block)? {
            Met::Payload(unused) => Ok(NextFile::File(Self {
                source,
                block,
                unused,
                offset: 0,
            })),
            Met::EmptyFile => Ok(NextFile::Empty(source.finish()?)),
            Met::EndOfData => Ok(NextFile::EndOfData(source.finish()?)),
            Met::End(_) => Err(TapeError::Usage {
                file_number: source.file_number(),
                reason: "ended before its first block",
            }),
        }
    }

    /// Number of this file on the tape.
    pub fn file_number(&self) -> u64 {
        self.source.file_number()
    }

    /// Blocks read so far.
    pub fn blocks(&self) -> u64 {
        self.source.blocks()
    }

    /// Bytes of the blocks read so far.
    pub fn tape_bytes(&self) -> u64 {
        self.blocks() * BLOCK_SIZE as u64
    }

    /// Number of the block that holds the next byte, for messages.
    pub fn block_number(&self) -> u64 {
        self.blocks().saturating_sub(1)
    }

    /// Content bytes consumed so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// How the file ended; `None` while its last block has not been read.
    pub fn end(&self) -> Option<StreamEnd> {
        self.source.end()
    }

    /// The next content bytes, as many as lie in the current block; empty at the end of the file.
    ///
    /// # Errors
    /// As [`BlockSource::read`], and [`TapeError::NoEndMarker`] (B8).
    pub fn payload(&mut self) -> Result<&[u8]> {
        while self.unused.is_empty() {
            match self.source.read(self.block)? {
                Met::Payload(range) => self.unused = range,
                Met::End(StreamEnd::NoEndMarker) => {
                    return Err(TapeError::NoEndMarker {
                        file_number: self.file_number(),
                        blocks: self.blocks(),
                    });
                }
                Met::End(_) | Met::EmptyFile | Met::EndOfData => return Ok(&[]),
            }
        }
        Ok(&self.block[self.unused.clone()])
    }

    /// Says that the first `bytes` of [`ContentReader::payload`] are used.
    pub fn consume(&mut self, bytes: usize) {
        let bytes = bytes.min(self.unused.len());
        self.unused.start += bytes;
        self.offset += bytes as u64;
    }

    /// Reads to the end of the file and says how it ended; an unterminated file is no error here (B8).
    ///
    /// # Errors
    /// As [`BlockSource::read`].
    pub fn skip_to_end(&mut self) -> Result<StreamEnd> {
        self.unused = 0..0;
        self.source.skip(self.block)
    }

    /// Leaves the file, over whatever was not read, without reading it.
    ///
    /// # Errors
    /// [`TapeError::Drive`].
    pub fn finish(self) -> Result<Position> {
        self.source.finish()
    }
}

/// For parsers that take a reader. Errors come wrapped in [`io::Error`]; this crate takes them out again.
impl Read for ContentReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let payload = self.payload().map_err(io::Error::other)?;
        let length = payload.len().min(buffer.len());
        buffer[..length].copy_from_slice(&payload[..length]);
        self.consume(length);
        Ok(length)
    }
}
