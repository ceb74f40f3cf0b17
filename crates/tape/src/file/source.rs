//! Blocks of one tape file, read into the caller's buffers.

use std::ops::Range;

use ferrite_formats::block::{Block, BlockError, HEADER_SIZE};
use ferrite_formats::block_stream::{BlockStream, StreamEnd};
use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::sense::{Sense, SenseKey};
use ferrite_scsi::{AfterEnd, BlockRead, Drive, FileReader, Position, ScsiError};

use crate::error::{Result, TapeError};

/// Files in front of the data.
const LABEL_FILES: u64 = 2;

/// What reading the next block met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Met {
    /// Content: these bytes of the buffer. Empty only in the last block.
    Payload(Range<usize>),
    /// The end of the file; the tape stands behind its file mark.
    End(StreamEnd),
    /// A file mark as the first object: an empty file.
    EmptyFile,
    /// End of data as the first object: there is no such file.
    EndOfData,
}

/// A tape file being read block by block, with every rule of tape-format.md 2 checked (B1 to B9).
///
/// When a block says that it is the last one, the file mark behind it is read at once. So [`BlockSource::end`] is known
/// while the payload of the last block is still to be used, which decides what an error in it means (tape-format.md 5.5).
#[derive(Debug)]
pub struct BlockSource<'d> {
    reader: FileReader<'d>,
    stream: BlockStream,
    /// An error was met: nothing more may be read from this file.
    failed: bool,
}

impl<'d> BlockSource<'d> {
    /// Starts reading at `position`. Nothing is read yet.
    ///
    /// # Errors
    /// [`TapeError::Drive`] when the position is no longer that of the drive.
    pub fn new(drive: &'d mut Drive, position: Position) -> Result<Self> {
        let doing = format!("read tape file {}", position.file_number());
        let reader = drive.read_file(position).map_err(TapeError::drive(doing))?;
        Ok(Self {
            reader,
            stream: BlockStream::new(),
            failed: false,
        })
    }

    /// Number of this file on the tape.
    pub fn file_number(&self) -> u64 {
        self.reader.file_number()
    }

    /// Blocks read so far.
    pub fn blocks(&self) -> u64 {
        self.stream.blocks().into()
    }

    /// How the file ended, once that is known.
    pub fn end(&self) -> Option<StreamEnd> {
        self.stream.end()
    }

    /// Reads the next block into `block`.
    ///
    /// # Errors
    /// [`TapeError::Block`] for a broken rule (also when called again after the end or an error, B9),
    /// [`TapeError::Drive`] for a failed command.
    pub fn read(&mut self, block: &mut Block) -> Result<Met> {
        if let Some(end) = self.stream.end() {
            return Ok(Met::End(end));
        }
        if self.failed {
            return Err(self.broken(BlockError::Misuse("an error")));
        }
        let met = self.read_next(block);
        self.failed = met.is_err();
        met
    }

    fn read_next(&mut self, block: &mut Block) -> Result<Met> {
        match self.reader.read_block(block) {
            Ok(BlockRead::Block) => self.accept(block),
            Ok(BlockRead::FileMark) => self.mark(),
            // Nothing but the end of the file can follow a block whose writer was stopped in the middle of it.
            Err(error) if error.sense().is_some_and(is_partial_block) => self.mark(),
            Ok(BlockRead::EndOfData) => match self.stream.end_of_data() {
                BlockError::UnexpectedEndOfData { blocks: 0 } => Ok(Met::EndOfData),
                error => Err(self.broken(error)),
            },
            Err(error) => Err(self.failed(error)),
        }
    }

    /// The file ends here. If it does not say so itself, blocks may have got lost on the way.
    fn mark(&mut self) -> Result<Met> {
        let met = match self.stream.file_mark() {
            Ok(StreamEnd::NoEndMarker) => Met::End(StreamEnd::NoEndMarker),
            Ok(end) => return Ok(Met::End(end)),
            Err(BlockError::EmptyFile) => Met::EmptyFile,
            Err(error) => return Err(self.broken(error)),
        };
        match self.reader.check_blocks() {
            Ok(()) => Ok(met),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn accept(&mut self, block: &Block) -> Result<Met> {
        let payload = self.stream.block(block.as_slice()).map(<[u8]>::len);
        let length = payload.map_err(|error| self.broken(error))?;
        if self.stream.wants_file_mark() {
            self.read_mark()?;
        }
        Ok(Met::Payload(HEADER_SIZE..HEADER_SIZE + length))
    }

    /// B6: behind the last block nothing but a file mark. The last file of a tape is whole without one, too: its writer was
    /// stopped, or its drive refused, at the very end. Labels have to be as they should, for something is written behind them.
    fn read_mark(&mut self) -> Result<()> {
        let found = self
            .reader
            .read_mark()
            .map_err(|error| self.failed(error))?;
        let result = match found {
            AfterEnd::FileMark => self.stream.file_mark().map(drop),
            AfterEnd::EndOfData if self.file_number() >= LABEL_FILES => {
                self.stream.file_mark().map(drop)
            }
            AfterEnd::EndOfData => Err(self.stream.end_of_data()),
            AfterEnd::Data => {
                let last = self.stream.blocks().saturating_sub(1);
                Err(BlockError::DataBehindEnd { last })
            }
        };
        result.map_err(|error| self.broken(error))
    }

    /// Reads to the end of the file and says how it ended; an unterminated file (B8) is no error here.
    ///
    /// # Errors
    /// As [`BlockSource::read`]; an empty or missing file is [`TapeError::Block`].
    pub fn skip(&mut self, block: &mut Block) -> Result<StreamEnd> {
        loop {
            match self.read(block)? {
                Met::Payload(_) => {}
                Met::End(end) => return Ok(end),
                Met::EmptyFile => return Err(self.broken(BlockError::EmptyFile)),
                Met::EndOfData => {
                    return Err(self.broken(BlockError::UnexpectedEndOfData { blocks: 0 }));
                }
            }
        }
    }

    /// Leaves the file: over whatever was not read, to the position behind its file mark.
    ///
    /// # Errors
    /// [`TapeError::Drive`].
    pub fn finish(self) -> Result<Position> {
        let doing = format!("leave tape file {}", self.reader.file_number());
        self.reader.finish().map_err(TapeError::drive(doing))
    }

    fn broken(&self, source: BlockError) -> TapeError {
        TapeError::Block {
            file_number: self.reader.file_number(),
            source,
        }
    }

    fn failed(&self, error: ScsiError) -> TapeError {
        let block = self.stream.blocks();
        match error {
            ScsiError::BlockLength { actual, .. } => self.broken(BlockError::WrongLength {
                block,
                found: usize::try_from(actual).unwrap_or(0),
            }),
            error => {
                TapeError::drive(format!("read tape file {}", self.reader.file_number()))(error)
            }
        }
    }
}

fn is_partial_block(sense: &Sense) -> bool {
    sense.is(
        SenseKey::MediumError,
        AdditionalSense::INCOMPLETE_BLOCK_READ,
    )
}
