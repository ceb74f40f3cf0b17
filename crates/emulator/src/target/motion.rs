//! READ POSITION, REWIND, SPACE, LOCATE (scsi.md 2.6, 2.7, 7.2).

use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::command::{Locate, LocateTarget, ReadPosition, Space, SpaceUnit, TapePosition};
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::sense::{Sense, SenseKey};
use ferrite_scsi::{Cdb, Data};

use super::DriveTarget;
use super::reply::{self, Failure, Reply, ReplyResult};
use crate::medium::Spaced;

impl DriveTarget {
    pub(super) fn read_position(&mut self, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
        let form = ReadPosition::parse(reply::ten(cdb)?).ok_or(Failure::invalid_field(1))?;
        let at = self.medium()?.position();
        let position = TapePosition {
            beginning: at.object == 0,
            past_early_warning: at.past_early_warning,
            object: at.object,
            file: at.file,
            ..TapePosition::default()
        };
        Ok(match form {
            ReadPosition::Long => Reply::data(&position.to_bytes(), usize::MAX, data),
            ReadPosition::Short => Reply::data(&position.to_short_bytes(), usize::MAX, data),
        })
    }

    pub(super) fn rewind(&mut self) -> ReplyResult {
        self.medium()?.rewind()?;
        Ok(Reply::good())
    }

    pub(super) fn space(&mut self, cdb: &Cdb) -> ReplyResult {
        let command = if cdb.opcode() == OperationCode::SPACE_6 {
            Space::parse_6(reply::six(cdb)?)
        } else {
            Space::parse_16(reply::sixteen(cdb)?)
        }
        .ok_or(Failure::invalid_field(1))?;
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
        let past_early_warning = medium.position().past_early_warning;
        report(spaced, past_early_warning)
    }

    pub(super) fn locate(&mut self, cdb: &Cdb) -> ReplyResult {
        let command = if cdb.opcode() == OperationCode::LOCATE_10 {
            Locate::parse_10(reply::ten(cdb)?)
        } else {
            Locate::parse_16(reply::sixteen(cdb)?)
        }
        .ok_or(Failure::invalid_field(1))?;
        let medium = self.medium()?;
        let spaced = match command.target {
            LocateTarget::Object(object) => medium.locate_object(object)?,
            LocateTarget::File(file) => medium.locate_file(file)?,
            LocateTarget::EndOfData => {
                medium.seek_end()?;
                Spaced::Done
            }
        };
        let past_early_warning = medium.position().past_early_warning;
        report(spaced, past_early_warning)
    }
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
