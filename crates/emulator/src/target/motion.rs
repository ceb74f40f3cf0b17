//! READ POSITION, REWIND, SPACE, LOCATE (scsi.md 2.6, 2.7, 7.2).

use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::command::{
    Locate, LocateTarget, ReadPosition, Rewind, Space, SpaceUnit, TapePosition,
};
use ferrite_scsi::log::Activity;
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::sense::{Sense, SenseKey};
use ferrite_scsi::{Cdb, Data};

use super::reply::{self, Failure, Reply, ReplyResult};
use super::{DriveTarget, Slot};
use crate::medium::{Medium, Room, Spaced};

impl DriveTarget {
    pub(super) fn read_position(&mut self, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
        let form = ReadPosition::parse(reply::ten(cdb)?).ok_or(Failure::invalid_field(1))?;
        if form == ReadPosition::Long && self.quirks.no_long_position {
            return Err(Failure::invalid_field(1));
        }
        let at = self.medium()?.position();
        let position = if self.state.position_lost {
            TapePosition {
                object_unknown: true,
                mark_count_unknown: true,
                ..TapePosition::default()
            }
        } else {
            TapePosition {
                beginning: at.object == 0,
                past_early_warning: at.past_early_warning,
                past_programmable_early_warning: self.past_programmable_early_warning(),
                object: at.object,
                file: at.file,
                ..TapePosition::default()
            }
        };
        Ok(match form {
            ReadPosition::Long => Reply::data(&position.to_bytes(), usize::MAX, data),
            ReadPosition::Short => Reply::data(&position.to_short_bytes(), usize::MAX, data),
        })
    }

    pub(super) fn rewind(&mut self, cdb: &Cdb) -> ReplyResult {
        let command = Rewind::parse(reply::six(cdb)?);
        let before = self.medium()?.room();
        self.flush()?;
        let lto = self.lto.is_some();
        let medium = self.medium()?;
        if lto && medium.position().object > 0 {
            count_passes(medium.as_mut())?;
        }
        medium.rewind()?;
        let after = medium.room();
        self.state.position_lost = false;
        self.state.warned = false;
        self.begin(
            Activity::Rewinding,
            Self::distance_time(before, after),
            command.immediate,
        );
        Ok(Reply::good())
    }

    /// What was written is on the tape.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        if self.hot.unflushed != u64::MAX {
            self.medium()?.sync()?;
            self.hot.unflushed = u64::MAX;
        }
        Ok(())
    }

    /// Only commands that go to a place of their own make sense now.
    pub(super) fn check_position(&self) -> Result<(), Failure> {
        if self.state.position_lost {
            return Err(Failure::new(
                SenseKey::MediumError,
                AdditionalSense::SEQUENTIAL_POSITIONING_ERROR,
            ));
        }
        Ok(())
    }

    pub(super) fn space(&mut self, cdb: &Cdb) -> ReplyResult {
        let command = if cdb.opcode() == OperationCode::SPACE_6 {
            Space::parse_6(reply::six(cdb)?)
        } else {
            Space::parse_16(reply::sixteen(cdb)?)
        }
        .ok_or(Failure::invalid_field(1))?;
        let before = self.medium()?.room();
        if command.unit != SpaceUnit::EndOfData {
            self.check_position()?;
        }
        self.flush()?;
        let medium = self.medium()?;
        let spaced = match (command.unit, command.count) {
            (SpaceUnit::EndOfData, _) => {
                medium.seek_end()?;
                Spaced::Done
            }
            (_, 0) => Spaced::Done,
            (SpaceUnit::Blocks, count) => medium.space_blocks(count)?,
            (SpaceUnit::Filemarks, count) => medium.space_filemarks(count)?,
        };
        self.moved(before, false);
        self.report(spaced)
    }

    /// A movement has ended; its time begins.
    fn moved(&mut self, before: Option<Room>, immediate: bool) {
        let after = match &self.slot {
            Slot::Loaded(medium) => medium.room(),
            Slot::Empty | Slot::Unusable { .. } => None,
        };
        self.state.position_lost = false;
        self.state.warned = false;
        let time = Self::distance_time(before, after);
        self.begin(Activity::Locating, time, immediate);
    }

    pub(super) fn locate(&mut self, cdb: &Cdb) -> ReplyResult {
        let command = if cdb.opcode() == OperationCode::LOCATE_10 {
            Locate::parse_10(reply::ten(cdb)?)
        } else {
            Locate::parse_16(reply::sixteen(cdb)?)
        }
        .ok_or(Failure::invalid_field(1))?;
        let before = self.medium()?.room();
        self.flush()?;
        let near_side = self.quirks.locate_before_mark;
        let medium = self.medium()?;
        let spaced = match command.target {
            // HP: the near side of the mark, one file lower.
            LocateTarget::File(file) if near_side && file > 0 => match medium.locate_file(file)? {
                Spaced::Done => medium.space_filemarks(-1)?,
                other => other,
            },
            LocateTarget::Object(object) => medium.locate_object(object)?,
            LocateTarget::File(file) => medium.locate_file(file)?,
            LocateTarget::EndOfData => {
                medium.seek_end()?;
                Spaced::Done
            }
        };
        self.moved(before, command.immediate);
        self.report(spaced)
    }

    fn report(&mut self, spaced: Spaced) -> ReplyResult {
        let past_early_warning = self.medium()?.position().past_early_warning;
        report(spaced, past_early_warning)
    }
}

/// The tape goes over the heads back to its beginning (scsi.md 7.8).
fn count_passes(medium: &mut dyn Medium) -> Result<(), Failure> {
    let from_middle = medium
        .room()
        .is_some_and(|room| room.used >= room.capacity / 2);
    if let Some(chip) = medium.chip_mut() {
        let wear = &mut chip.wear;
        wear.beginning_passes = wear.beginning_passes.saturating_add(1);
        if from_middle {
            wear.middle_passes = wear.middle_passes.saturating_add(1);
        }
    }
    Ok(medium.store_chip()?)
}

fn report(spaced: Spaced, past_early_warning: bool) -> ReplyResult {
    let information = |remaining: u64| Some(i64::try_from(remaining).unwrap_or(i64::MAX));
    match spaced {
        Spaced::Done => Ok(Reply::good()),
        Spaced::Filemark { remaining } => {
            let mut sense = Sense::new(SenseKey::NoSense, AdditionalSense::FILEMARK_DETECTED);
            sense.filemark = true;
            sense.information = information(remaining);
            Ok(Reply::with_sense(sense, 0))
        }
        Spaced::Beginning { remaining } => {
            let mut sense = Sense::new(SenseKey::NoSense, AdditionalSense::BEGINNING_OF_MEDIUM);
            sense.end_of_medium = true;
            sense.information = information(remaining);
            Ok(Reply::with_sense(sense, 0))
        }
        Spaced::EndOfData { remaining } => {
            let mut sense = Sense::new(SenseKey::BlankCheck, AdditionalSense::END_OF_DATA);
            sense.end_of_medium = past_early_warning;
            sense.information = information(remaining);
            Err(Failure::sense(sense))
        }
    }
}
