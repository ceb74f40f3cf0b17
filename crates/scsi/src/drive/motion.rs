//! Movements: each ends in a [`Position`] or an error (scsi.md 2.6, 2.7; tape-format.md 1.2).

use super::Drive;
use super::execute::Effect;
use super::poll::LongOperation;
use super::ready::WaitProgress;
use crate::asc::AdditionalSense;
use crate::command::{
    Locate, LocateTarget, READ_POSITION_LONG_BYTES, ReadPosition, Rewind, Space, SpaceUnit,
    TapePosition, WriteFilemarks,
};
use crate::error::ScsiError;
use crate::sense::{Sense, SenseKey};
use crate::timeouts;

/// Where the tape stands, from a movement just made; good for one file.
///
/// Not `Clone`: whoever reads or writes from here gives it away and gets the next one from the file's end.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a file is read or written from the position"]
pub struct Position {
    pub(super) file: u64,
    pub(super) movement: u64,
    pub(super) end_of_data: bool,
}

impl Position {
    /// Number of filemarks before it; the number of the file that begins (or goes on) here.
    pub fn file_number(&self) -> u64 {
        self.file
    }

    /// Nothing is on the tape behind it, as far as the movement has shown.
    pub fn is_end_of_data(&self) -> bool {
        self.end_of_data
    }
}

/// No tape holds so many blocks and filemarks: a device that counts so far is defective.
const MOST_OBJECTS: u64 = 1 << 48;

/// How LOCATE to a file behaves on this drive, learned from the first use.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum LocateStyle {
    /// Not tried yet.
    #[default]
    Unknown,
    /// Add this to the wanted file number. HP drives land one file lower (scsi.md 2.7).
    Offset(i64),
    /// Refused: rewind and space over filemarks.
    Unsupported,
}

impl Drive {
    /// Where the drive says it stands.
    ///
    /// # Errors
    /// [`ScsiError::Partitioned`] unless in partition 0; [`ScsiError::Reply`] for a position that no tape has.
    pub fn position(&mut self) -> Result<TapePosition, ScsiError> {
        let mut buffer = [0; READ_POSITION_LONG_BYTES];
        let cdb = ReadPosition::Long.cdb();
        let received = self.query(&cdb, &mut buffer, timeouts::QUERY)?;
        if received != READ_POSITION_LONG_BYTES {
            let what = format!("{received} bytes instead of {READ_POSITION_LONG_BYTES}");
            return Err(ScsiError::Reply {
                command: cdb.opcode(),
                what,
            });
        }
        let position = TapePosition::parse(&buffer);
        if position.partition != 0 {
            return Err(ScsiError::Partitioned {
                partition: position.partition,
            });
        }
        let (object, file) = (position.object, position.file);
        let impossible = |unknown: bool, number: u64| !unknown && number > MOST_OBJECTS;
        if impossible(position.object_unknown, object)
            || impossible(position.mark_count_unknown, file)
        {
            return Err(ScsiError::Reply {
                command: cdb.opcode(),
                what: format!("an impossible position: file {file}, object {object}"),
            });
        }
        Ok(position)
    }

    pub(super) fn known_position(&mut self) -> Result<TapePosition, ScsiError> {
        let position = self.position()?;
        if position.object_unknown || position.mark_count_unknown {
            return Err(ScsiError::UnknownPosition);
        }
        Ok(position)
    }

    /// The present position, for going on where another program or an earlier command left the tape.
    ///
    /// # Errors
    /// [`ScsiError::UnknownPosition`] if the drive has lost it.
    pub fn here(&mut self) -> Result<Position, ScsiError> {
        let position = self.known_position()?;
        Ok(self.at_file(position.file, false))
    }

    pub(super) fn at_file(&mut self, file: u64, end_of_data: bool) -> Position {
        self.movements += 1;
        Position {
            file,
            movement: self.movements,
            end_of_data,
        }
    }

    /// Refuses positions from before the last movement.
    pub(super) fn check_fresh(&self, position: &Position) -> Result<(), ScsiError> {
        if position.movement == self.movements {
            Ok(())
        } else {
            Err(ScsiError::StalePosition {
                file: position.file,
            })
        }
    }

    /// A movement whose end does not depend on where the tape stands: begun again when a reset or medium change ended it.
    fn absolute_motion(
        &mut self,
        operation: &LongOperation,
        on_progress: &mut dyn FnMut(WaitProgress<'_>),
    ) -> Result<(), ScsiError> {
        match self.run_polled(operation, on_progress) {
            Err(ScsiError::PositionLost { .. }) => self.run_polled(operation, on_progress),
            result => result,
        }
    }

    /// To the beginning of the tape, file 0.
    ///
    /// # Errors
    /// [`ScsiError::Cancelled`]: the drive goes on rewinding.
    pub fn rewind(&mut self) -> Result<Position, ScsiError> {
        self.rewind_watched(&mut |_| {})
    }

    /// As [`Drive::rewind`], with news while it takes long.
    ///
    /// # Errors
    /// As [`Drive::rewind`].
    pub fn rewind_watched(
        &mut self,
        on_progress: &mut dyn FnMut(WaitProgress<'_>),
    ) -> Result<Position, ScsiError> {
        self.rewind_tape(on_progress)?;
        Ok(self.at_file(0, false))
    }

    fn rewind_tape(
        &mut self,
        on_progress: &mut dyn FnMut(WaitProgress<'_>),
    ) -> Result<(), ScsiError> {
        let command = |immediate| Rewind { immediate }.cdb();
        let operation = LongOperation {
            immediate: command(true),
            waiting: command(false),
            effect: Effect::Absolute,
            start_limit: timeouts::REWIND,
            limit: timeouts::REWIND,
        };
        self.absolute_motion(&operation, on_progress)
    }

    /// To the first block of file `file`.
    ///
    /// # Errors
    /// A blank check if the tape has fewer filemarks ([`ScsiError::BlankTape`] if no tape has so many);
    /// [`ScsiError::WrongPosition`] if the drive ended elsewhere; [`ScsiError::Cancelled`].
    pub fn locate(&mut self, file: u64) -> Result<Position, ScsiError> {
        self.locate_watched(file, &mut |_| {})
    }

    /// As [`Drive::locate`], with news while it takes long.
    ///
    /// # Errors
    /// As [`Drive::locate`].
    pub fn locate_watched(
        &mut self,
        file: u64,
        on_progress: &mut dyn FnMut(WaitProgress<'_>),
    ) -> Result<Position, ScsiError> {
        if file > MOST_OBJECTS {
            return Err(ScsiError::BlankTape);
        }
        if file < 2 {
            // LOCATE to file 0 is unreliable (scsi.md 2.7), and file 1 would need it.
            self.space_from_beginning(file, on_progress)?;
            return Ok(self.at_file(file, false));
        }
        match self.locate {
            LocateStyle::Unsupported => self.space_from_beginning(file, on_progress)?,
            LocateStyle::Offset(offset) => self.locate_mark(file, offset, on_progress)?,
            LocateStyle::Unknown => self.locate_and_learn(file, on_progress)?,
        }
        if self.options.verify_positions {
            self.expect_file(file)?;
        }
        Ok(self.at_file(file, false))
    }

    fn space_from_beginning(
        &mut self,
        file: u64,
        on_progress: &mut dyn FnMut(WaitProgress<'_>),
    ) -> Result<(), ScsiError> {
        self.rewind_tape(on_progress)?;
        match i64::try_from(file) {
            Ok(0) => Ok(()),
            Ok(count) => self.space_exactly(SpaceUnit::Filemarks, count),
            Err(_) => Err(ScsiError::BlankTape),
        }
    }

    /// LOCATE to the file before, then over its filemark: works for drives that land on either side of a mark.
    fn locate_mark(
        &mut self,
        file: u64,
        offset: i64,
        on_progress: &mut dyn FnMut(WaitProgress<'_>),
    ) -> Result<(), ScsiError> {
        let target = LocateTarget::File(file.saturating_add_signed(offset).saturating_sub(1));
        let command = |immediate| Locate { target, immediate }.cdb();
        let operation = LongOperation {
            immediate: command(true),
            waiting: command(false),
            effect: Effect::Absolute,
            start_limit: timeouts::LOCATE,
            limit: timeouts::LOCATE,
        };
        self.absolute_motion(&operation, on_progress)?;
        self.space_exactly(SpaceUnit::Filemarks, 1)
    }

    fn locate_and_learn(
        &mut self,
        file: u64,
        on_progress: &mut dyn FnMut(WaitProgress<'_>),
    ) -> Result<(), ScsiError> {
        match self.locate_mark(file, 0, on_progress) {
            Err(error) if refuses_function(&error) => {
                self.locate = LocateStyle::Unsupported;
                return self.space_from_beginning(file, on_progress);
            }
            result => result?,
        }
        let found = self.known_position()?.file;
        let offset = file as i64 - found as i64;
        if offset != 0 {
            self.locate_mark(file, offset, on_progress)?;
            self.expect_file(file)?;
        }
        self.locate = LocateStyle::Offset(offset);
        Ok(())
    }

    fn expect_file(&mut self, file: u64) -> Result<(), ScsiError> {
        let position = self.known_position()?;
        if position.file == file {
            return Ok(());
        }
        Err(ScsiError::WrongPosition {
            expected: format!("file {file}"),
            found_file: position.file,
            found_object: position.object,
        })
    }

    /// Behind the last filemark, ready to append. Writes the last file's filemark if it is missing (interrupted writer).
    pub fn end_of_data(&mut self) -> Result<Position, ScsiError> {
        self.space_to_end()?;
        self.repair_missing_filemark()?;
        let position = self.known_position()?;
        Ok(self.at_file(position.file, true))
    }

    /// To the first block of the last file.
    ///
    /// # Errors
    /// [`ScsiError::BlankTape`] if there is none.
    pub fn last_file(&mut self) -> Result<Position, ScsiError> {
        let end = self.end_of_data()?;
        match end.file {
            0 => Err(ScsiError::BlankTape),
            1 => self.rewind(),
            file => {
                self.space_exactly(SpaceUnit::Filemarks, -2)?;
                self.space_exactly(SpaceUnit::Filemarks, 1)?;
                Ok(self.at_file(file - 1, false))
            }
        }
    }

    /// To the end of data, without a look at what is there.
    ///
    /// # Errors
    /// What the drive says.
    pub fn space_to_end(&mut self) -> Result<(), ScsiError> {
        self.movements += 1;
        let result = self.command(
            &Space::END_OF_DATA.cdb(),
            Effect::Absolute,
            timeouts::LOCATE,
        );
        match result {
            Ok(_) => Ok(()),
            // Some targets report the end of data that was asked for.
            Err(ScsiError::Check { check, .. }) if check.sense.key == SenseKey::BlankCheck => {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// At the end of data: one object back has to meet a filemark.
    fn repair_missing_filemark(&mut self) -> Result<(), ScsiError> {
        if self.known_position()?.object == 0 {
            return Ok(());
        }
        let back = Space {
            unit: SpaceUnit::Blocks,
            count: -1,
        };
        let outcome = self.command(&back.cdb(), Effect::Relative, timeouts::LOCATE)?;
        if outcome.sense.is_some_and(|sense| met_filemark(&sense)) {
            return self.space_exactly(SpaceUnit::Filemarks, 1);
        }
        let forward = Space {
            unit: SpaceUnit::Blocks,
            count: 1,
        };
        match self.command(&forward.cdb(), Effect::Relative, timeouts::LOCATE) {
            Ok(_) => {}
            // tgt reports end of data for spacing onto it (scsi.md 8.2).
            Err(ScsiError::Check { check, .. }) if check.sense.key == SenseKey::BlankCheck => {}
            Err(error) => return Err(error),
        }
        self.write_marks(WriteFilemarks {
            count: 1,
            immediate: false,
        })
    }

    /// Spaces over `count` blocks or filemarks (negative: backwards) and fails if there are not so many.
    ///
    /// Blocks: stops at a filemark, which is an error here.
    pub fn space(&mut self, unit: SpaceUnit, count: i64) -> Result<(), ScsiError> {
        self.movements += 1;
        self.space_exactly(unit, count)
    }

    pub(super) fn space_exactly(&mut self, unit: SpaceUnit, count: i64) -> Result<(), ScsiError> {
        let cdb = Space { unit, count }.cdb();
        let outcome = self.command(&cdb, Effect::Relative, timeouts::LOCATE)?;
        match outcome.sense {
            Some(sense) if sense.key == SenseKey::NoSense && stopped_early(&sense) => {
                Err(ScsiError::Check {
                    command: cdb.opcode(),
                    check: Box::new(crate::error::CheckCondition {
                        sense,
                        detail: None,
                    }),
                })
            }
            _ => Ok(()),
        }
    }
}

/// The drive lacks the function or this form of it.
pub(super) fn refuses_function(error: &ScsiError) -> bool {
    error.is_refused_function()
}

/// The command ended at a filemark.
pub(super) fn met_filemark(sense: &Sense) -> bool {
    sense.filemark || sense.is(SenseKey::NoSense, AdditionalSense::FILEMARK_DETECTED)
}

/// A movement ended before its goal.
fn stopped_early(sense: &Sense) -> bool {
    met_filemark(sense)
        || matches!(
            sense.code,
            AdditionalSense::BEGINNING_OF_MEDIUM | AdditionalSense::END_OF_DATA
        )
}
