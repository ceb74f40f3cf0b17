//! Writing one tape file.

use super::execute::Effect;
use super::{Drive, Position};
use crate::command::{Erase, Locate, LocateTarget, TapePosition, Write, WriteFilemarks};
use crate::error::ScsiError;
use crate::timeouts;
use crate::transport::Data;

/// A block the drive has taken. It is on tape for certain only after [`Drive::sync`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct BlockWritten {
    /// The tape is nearly full: end the file soon. Some more blocks and the filemark still fit.
    pub early_warning: bool,
}

/// A tape file being written. Dropping it without [`FileWriter::finish`] still tries to write the filemark.
#[derive(Debug)]
pub struct FileWriter<'d> {
    drive: &'d mut Drive,
    file: u64,
    /// Object number of the first block, when it is watched.
    first_object: Option<u64>,
    blocks: u64,
    early_warning: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// A write failed: no more blocks, but the filemark may be tried.
    Failed,
    /// Finished, or the tape's position is lost: writing anything more could destroy other files.
    Closed,
}

/// The mark behind a file: written when the drive comes to it.
const END_OF_FILE: WriteFilemarks = WriteFilemarks {
    count: 1,
    immediate: true,
};

impl Drive {
    /// Begins a file at `position`; everything behind it is lost with the first block.
    ///
    /// # Errors
    /// [`ScsiError::StalePosition`], [`ScsiError::WrongPosition`] if the tape does not stand there any more.
    pub fn write_file(&mut self, position: Position) -> Result<FileWriter<'_>, ScsiError> {
        self.check_fresh(&position)?;
        let first_object = if self.options.verify_positions {
            Some(self.expect_start(&position)?.object)
        } else {
            None
        };
        self.check_key()?;
        self.movements += 1;
        Ok(FileWriter {
            file: position.file,
            first_object,
            blocks: 0,
            early_warning: false,
            state: State::Open,
            drive: self,
        })
    }

    fn expect_start(&mut self, position: &Position) -> Result<TapePosition, ScsiError> {
        let found = self.position()?;
        if found.object_unknown || found.mark_count_unknown {
            return Err(ScsiError::UnknownPosition);
        }
        if found.file != position.file {
            return Err(ScsiError::WrongPosition {
                expected: format!("file {}", position.file),
                found_file: found.file,
                found_object: found.object,
            });
        }
        Ok(found)
    }

    /// Waits until everything written is on the tape. The position stays good.
    ///
    /// # Errors
    /// [`ScsiError::Deferred`] or a write error: data written since the last sync may be lost.
    pub fn sync(&mut self) -> Result<(), ScsiError> {
        self.write_marks(WriteFilemarks::SYNC)
    }

    pub(super) fn write_marks(&mut self, marks: WriteFilemarks) -> Result<(), ScsiError> {
        let cdb = marks.cdb();
        self.command(&cdb, Effect::Relative, timeouts::WRITE_FILEMARKS)?
            .expect_harmless(cdb.opcode())
            .map(|_| ())
    }

    /// Writes `count` filemarks at `position` and waits until they are on the tape.
    pub fn write_filemarks(
        &mut self,
        position: Position,
        count: u32,
    ) -> Result<Position, ScsiError> {
        self.check_fresh(&position)?;
        self.movements += 1;
        self.write_marks(WriteFilemarks {
            count,
            immediate: false,
        })?;
        Ok(self.at_file(
            position.file + u64::from(count),
            count > 0 || position.end_of_data,
        ))
    }
}

impl FileWriter<'_> {
    /// Number of this file on the tape.
    pub fn file_number(&self) -> u64 {
        self.file
    }

    /// Blocks written so far.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Early warning was met since the file was begun.
    pub fn early_warning(&self) -> bool {
        self.early_warning
    }

    /// Writes one block. Does not allocate.
    ///
    /// # Errors
    /// Class operator with volume overflow if the tape is full and the block was not written; anything else means that this
    /// file is not on the tape.
    pub fn write_block(&mut self, block: &[u8]) -> Result<BlockWritten, ScsiError> {
        if self.state != State::Open {
            return Err(self.locate_error(ScsiError::GivenUp));
        }
        let length = self.drive.check_block_length(block.len())?;
        let cdb = Write {
            fixed: false,
            length,
        }
        .cdb();
        let result = self
            .drive
            .transfer(&cdb, Data::Out(block), Effect::Relative, timeouts::WRITE);
        let outcome = match result.and_then(|outcome| outcome.expect_harmless(cdb.opcode())) {
            Ok(outcome) if outcome.residual > 0 => Err(ScsiError::Reply {
                command: cdb.opcode(),
                what: format!(
                    "only {} of {length} bytes taken",
                    block.len() - outcome.residual
                ),
            }),
            result => result,
        };
        match outcome {
            Ok(outcome) => {
                self.blocks += 1;
                let early_warning = outcome.early_warning();
                self.early_warning |= early_warning;
                Ok(BlockWritten { early_warning })
            }
            Err(error) => {
                self.state = if error.loses_position() {
                    State::Closed
                } else {
                    State::Failed
                };
                Err(self.locate_error(error))
            }
        }
    }

    fn locate_error(&self, error: ScsiError) -> ScsiError {
        ScsiError::InFile {
            file: self.file,
            block: self.blocks,
            source: Box::new(error),
        }
    }

    /// Writes the filemark, without waiting for the tape, and gives the position behind it.
    ///
    /// # Errors
    /// What the filemark gave; [`ScsiError::WrongPosition`] if blocks got lost between host and drive. The file is not on the
    /// tape then.
    pub fn finish(mut self) -> Result<Position, ScsiError> {
        match self.state {
            State::Open => {}
            State::Failed | State::Closed => {
                return Err(self.locate_error(ScsiError::GivenUp));
            }
        }
        // From here on Drop must not write a second mark.
        self.state = State::Closed;
        self.drive
            .write_marks(END_OF_FILE)
            .map_err(|error| self.locate_error(error))?;
        if let Some(first) = self.first_object {
            if let Err(error) = self.expect_end(first) {
                self.take_back(first);
                return Err(error);
            }
        }
        Ok(self.drive.at_file(self.file + 1, true))
    }

    /// A file with blocks missing or repeated is no unfinished file, which readers know how to pass: it would stop every
    /// restore. So it is taken off the tape again. Best effort, and only where the drive stands at its very first block:
    /// everything from there on was written just now.
    fn take_back(&mut self, first_object: u64) {
        let drive = &mut *self.drive;
        drive.movements += 1;
        let target = LocateTarget::Object(first_object);
        let locate = Locate {
            target,
            immediate: false,
        };
        let located = drive.command(&locate.cdb(), Effect::Absolute, timeouts::LOCATE);
        let there = located.is_ok()
            && drive
                .position()
                .is_ok_and(|found| (found.file, found.object) == (self.file, first_object));
        if there {
            let erase = Erase {
                long: false,
                immediate: false,
            };
            let _ = drive.command(&erase.cdb(), Effect::Relative, timeouts::ERASE_SHORT);
        }
    }

    /// The drive must have counted what we counted.
    fn expect_end(&mut self, first_object: u64) -> Result<(), ScsiError> {
        let found = self.drive.position()?;
        let object = first_object + self.blocks + 1;
        if found.file == self.file + 1 && found.object == object {
            return Ok(());
        }
        Err(self.locate_error(ScsiError::WrongPosition {
            expected: format!("file {}, object {object}", self.file + 1),
            found_file: found.file,
            found_object: found.object,
        }))
    }
}

impl Drop for FileWriter<'_> {
    fn drop(&mut self) {
        if self.state == State::Closed {
            return;
        }
        // Best effort: a reader then sees a stream without end marker instead of one that runs into the next file. The next
        // end_of_data() repairs it if this fails.
        let _ = self.drive.write_marks(END_OF_FILE);
        self.drive.movements += 1;
    }
}
