//! Reading one tape file.

use super::execute::Effect;
use super::motion::met_filemark;
use super::{Drive, Position};
use crate::asc::AdditionalSense;
use crate::command::{Read, Space, SpaceUnit};
use crate::error::ScsiError;
use crate::sense::SenseKey;
use crate::timeouts;
use crate::transport::Data;

/// What a READ met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum BlockRead {
    /// The buffer holds one whole block.
    Block,
    /// The file ends here; the tape stands behind the mark.
    FileMark,
    /// Nothing more is on the tape. At the first block of a file: there is no such file. Later: the filemark is missing.
    EndOfData,
}

/// What follows where only a filemark should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum AfterEnd {
    /// As it should be.
    FileMark,
    /// The filemark is missing.
    EndOfData,
    /// Another block.
    Data,
}

/// Buffer for the READ that must meet a filemark (scsi.md 2.10).
const PROBE_BYTES: usize = 512;

/// A tape file being read.
#[derive(Debug)]
pub struct FileReader<'d> {
    drive: &'d mut Drive,
    file: u64,
    blocks: u64,
    ended: Option<BlockRead>,
}

impl Drive {
    /// Reads from `position` on.
    ///
    /// # Errors
    /// [`ScsiError::StalePosition`].
    pub fn read_file(&mut self, position: Position) -> Result<FileReader<'_>, ScsiError> {
        self.check_fresh(&position)?;
        self.movements += 1;
        Ok(FileReader {
            file: position.file,
            blocks: 0,
            ended: None,
            drive: self,
        })
    }
}

impl FileReader<'_> {
    /// Number of this file on the tape.
    pub fn file_number(&self) -> u64 {
        self.file
    }

    /// Blocks read so far.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Reads one block that is exactly as long as `buffer`. Does not allocate.
    ///
    /// After the end of the file it says so again without moving the tape.
    ///
    /// # Errors
    /// [`ScsiError::BlockLength`] if the block is longer or shorter; anything the drive says. The tape may stand anywhere then.
    pub fn read_block(&mut self, buffer: &mut [u8]) -> Result<BlockRead, ScsiError> {
        if let Some(end) = self.ended {
            return Ok(end);
        }
        match self.read(buffer)? {
            Met::Block => Ok(BlockRead::Block),
            Met::End(end) => Ok(end),
            Met::OtherLength(actual) => {
                let expected = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
                Err(ScsiError::BlockLength {
                    file: self.file,
                    block: self.blocks,
                    expected,
                    actual,
                })
            }
        }
    }

    /// Reads once more, where the file has to end.
    ///
    /// # Errors
    /// Anything the drive says.
    pub fn read_mark(&mut self) -> Result<AfterEnd, ScsiError> {
        let mut buffer = [0; PROBE_BYTES];
        let met = match self.ended {
            Some(end) => Met::End(end),
            None => self.read(&mut buffer)?,
        };
        Ok(match met {
            Met::End(BlockRead::FileMark) => AfterEnd::FileMark,
            Met::End(BlockRead::EndOfData) => AfterEnd::EndOfData,
            _ => AfterEnd::Data,
        })
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<Met, ScsiError> {
        let requested = self.drive.check_read_length(buffer.len())?;
        // SILI off: with it set, a block longer than the buffer would be cut without a word (scsi.md 2.10).
        let cdb = Read {
            fixed: false,
            suppress_incorrect_length: false,
            length: requested,
        }
        .cdb();
        let data = Data::In(buffer);
        let outcome = match self
            .drive
            .transfer(&cdb, data, Effect::Relative, timeouts::READ)
        {
            Ok(outcome) => outcome,
            Err(ScsiError::Check { check, .. }) if check.sense.key == SenseKey::BlankCheck => {
                return Ok(self.end(BlockRead::EndOfData));
            }
            Err(error) => return Err(self.locate_error(error)),
        };
        let requested = i64::from(requested);
        if let Some(sense) = outcome.sense {
            if met_filemark(&sense) {
                return Ok(self.end(BlockRead::FileMark));
            }
            if sense.is(SenseKey::NoSense, AdditionalSense::END_OF_DATA) {
                return Ok(self.end(BlockRead::EndOfData));
            }
            if sense.incorrect_length {
                let difference = sense.information.unwrap_or(0);
                return Ok(Met::OtherLength(requested.saturating_sub(difference)));
            }
        }
        outcome
            .expect_harmless(cdb.opcode())
            .map_err(|error| self.locate_error(error))?;
        if outcome.residual > 0 {
            return Ok(Met::OtherLength(requested - outcome.residual as i64));
        }
        self.blocks += 1;
        Ok(Met::Block)
    }

    fn locate_error(&self, error: ScsiError) -> ScsiError {
        ScsiError::InFile {
            file: self.file,
            block: self.blocks,
            source: Box::new(error),
        }
    }

    fn end(&mut self, end: BlockRead) -> Met {
        self.ended = Some(end);
        Met::End(end)
    }

    /// Behind the filemark of a file that does not say by itself where it ends (no block, or no end marker): whether all of
    /// its blocks came. A block that gets lost between drive and host is no error for either of them.
    ///
    /// # Errors
    /// [`ScsiError::WrongPosition`] if the drive passed other blocks than it gave; anything the drive says.
    pub fn check_blocks(&mut self) -> Result<(), ScsiError> {
        let drive = &mut *self.drive;
        if self.ended != Some(BlockRead::FileMark) || !drive.options.verify_positions {
            return Ok(());
        }
        let behind = drive.known_position()?;
        let _ = drive.locate(self.file)?;
        let begin = drive.known_position()?;
        drive.space_exactly(SpaceUnit::Filemarks, 1)?;
        let object = begin.object + self.blocks + 1;
        if behind.object == object {
            return Ok(());
        }
        Err(self.locate_error(ScsiError::WrongPosition {
            expected: format!("file {}, object {object}", self.file + 1),
            found_file: behind.file,
            found_object: behind.object,
        }))
    }

    /// Goes behind the file's end, over what was not read, and gives the position there.
    pub fn finish(mut self) -> Result<Position, ScsiError> {
        if self.ended.is_none() {
            self.skip_rest()?;
        }
        match self.ended {
            Some(BlockRead::EndOfData) => Ok(self.drive.at_file(self.file, true)),
            _ => Ok(self.drive.at_file(self.file + 1, false)),
        }
    }

    fn skip_rest(&mut self) -> Result<(), ScsiError> {
        let cdb = Space {
            unit: SpaceUnit::Filemarks,
            count: 1,
        }
        .cdb();
        let ended = match self.drive.command(&cdb, Effect::Relative, timeouts::LOCATE) {
            Ok(outcome) => {
                let at_end = outcome
                    .sense
                    .is_some_and(|sense| sense.is(SenseKey::NoSense, AdditionalSense::END_OF_DATA));
                if at_end {
                    BlockRead::EndOfData
                } else {
                    BlockRead::FileMark
                }
            }
            Err(ScsiError::Check { check, .. }) if check.sense.key == SenseKey::BlankCheck => {
                BlockRead::EndOfData
            }
            Err(error) => return Err(error),
        };
        self.ended = Some(ended);
        Ok(())
    }
}

enum Met {
    Block,
    End(BlockRead),
    OtherLength(i64),
}
