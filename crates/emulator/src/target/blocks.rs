//! READ, WRITE, WRITE FILEMARKS, READ BLOCK LIMITS (scsi.md 2.8 to 2.10, 7.2, 7.3).

use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::command::{BlockLimits, Read, Write, WriteFilemarks};
use ferrite_scsi::sense::{Sense, SenseKey};
use ferrite_scsi::{Cdb, Data};

use super::reply::{self, Failure, Reply, ReplyResult};
use super::{DriveTarget, Slot};
use crate::medium::{MediumError, MediumRead};

/// What LTO drives answer without a tape (scsi.md 2.4).
const LTO_LIMITS: BlockLimits = BlockLimits {
    granularity: 0,
    max: 0x80_0000,
    min: 1,
};

impl DriveTarget {
    pub(super) fn read(&mut self, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
        let command = Read::parse(reply::six(cdb)?);
        if command.fixed && command.suppress_incorrect_length {
            return Err(Failure::invalid_field(1));
        }
        let block_length = self.settings.block_length;
        if command.fixed && block_length == 0 {
            return Err(Failure::invalid_field(1));
        }
        let past_early_warning = self.medium()?.position().past_early_warning;
        if command.length == 0 {
            return Ok(Reply::good());
        }
        let buffer: &mut [u8] = match data {
            Data::In(buffer) => buffer,
            Data::None | Data::Out(_) => &mut [],
        };
        let result = if command.fixed {
            self.read_fixed(command.length, block_length, buffer)
        } else {
            self.read_variable(command, buffer)
        };
        result.map_err(|mut failure| {
            failure.sense.end_of_medium |=
                past_early_warning && failure.sense.key == SenseKey::BlankCheck;
            failure
        })
    }

    fn read_variable(&mut self, command: Read, buffer: &mut [u8]) -> ReplyResult {
        let requested = command.length as usize;
        let fixed_mode = self.settings.block_length != 0;
        let room = requested.min(buffer.len());
        match self.medium()?.read_block(&mut buffer[..room])? {
            MediumRead::Block(length) => {
                let transferred = room.min(length as usize);
                let longer = length > command.length;
                // Longer blocks are silent only in variable mode (SSC-3 6.4).
                let silent = command.suppress_incorrect_length && !(longer && fixed_mode);
                if length == command.length || silent {
                    return Ok(Reply::transferred(transferred));
                }
                let mut sense = Sense::new(SenseKey::NoSense, AdditionalSense::NONE);
                sense.incorrect_length = true;
                sense.information = Some(i64::from(command.length) - i64::from(length));
                Ok(Reply::with_sense(sense, transferred))
            }
            MediumRead::Filemark => Ok(Reply::with_sense(filemark(i64::from(command.length)), 0)),
            MediumRead::EndOfData => Err(Failure::sense(end_of_data(i64::from(command.length)))),
        }
    }

    fn read_fixed(&mut self, blocks: u32, block_length: u32, buffer: &mut [u8]) -> ReplyResult {
        let block_bytes = block_length as usize;
        let mut transferred = 0;
        for done in 0..blocks {
            let left = i64::from(blocks - done);
            let end = (transferred + block_bytes).min(buffer.len());
            match self.medium()?.read_block(&mut buffer[transferred..end])? {
                MediumRead::Block(length) if length == block_length => transferred = end,
                MediumRead::Block(length) => {
                    let mut sense = Sense::new(SenseKey::NoSense, AdditionalSense::NONE);
                    sense.incorrect_length = true;
                    sense.information = Some(left);
                    return Ok(Reply::with_sense(
                        sense,
                        end.min(transferred + length as usize),
                    ));
                }
                MediumRead::Filemark => return Ok(Reply::with_sense(filemark(left), transferred)),
                MediumRead::EndOfData => {
                    let mut failure = Failure::sense(end_of_data(left));
                    failure.transferred = transferred;
                    return Err(failure);
                }
            }
        }
        Ok(Reply::transferred(transferred))
    }

    pub(super) fn write(&mut self, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
        let command = Write::parse(reply::six(cdb)?);
        let block_length = self.settings.block_length;
        if command.fixed && block_length == 0 {
            return Err(Failure::invalid_field(1));
        }
        let Slot::Loaded(medium) = &mut self.slot else {
            return self.medium().map(|_| Reply::good());
        };
        let (blocks, block_bytes) = if command.fixed {
            (command.length, block_length)
        } else {
            (1, command.length)
        };
        if block_bytes == 0 || blocks == 0 {
            return Ok(Reply::good());
        }
        let Data::Out(buffer) = data else {
            return Err(Failure::invalid_field(2));
        };
        let mut early_warning = false;
        let mut transferred = 0;
        for done in 0..blocks {
            let left = if command.fixed {
                i64::from(blocks - done)
            } else {
                i64::from(block_bytes)
            };
            let end = transferred + block_bytes as usize;
            let block = buffer
                .get(transferred..end)
                .ok_or(Failure::invalid_field(2))?;
            match medium.write_block(block) {
                Ok(written) => early_warning |= written.early_warning,
                Err(error) => {
                    if error == MediumError::WriteProtected {
                        return self.writable_medium().map(|_| Reply::good());
                    }
                    let mut failure = Failure::from(error);
                    failure.transferred = transferred;
                    failure.sense.information =
                        Some(left).filter(|_| failure.sense.key == SenseKey::VolumeOverflow);
                    return Err(failure);
                }
            }
            transferred = end;
        }
        Ok(Reply {
            transferred,
            sense: early_warning.then(early_warning_sense),
        })
    }

    pub(super) fn write_filemarks(&mut self, cdb: &Cdb) -> ReplyResult {
        let command = WriteFilemarks::parse(reply::six(cdb)?).ok_or(Failure::invalid_field(1))?;
        // Flushing a protected tape is fine: there is nothing to flush.
        let medium = if command.count > 0 {
            self.writable_medium()?
        } else {
            self.medium()?
        };
        let mut early_warning = false;
        for _ in 0..command.count {
            early_warning |= medium.write_filemark()?.early_warning;
        }
        if !command.immediate {
            medium.sync()?;
        }
        Ok(Reply {
            transferred: 0,
            sense: early_warning.then(early_warning_sense),
        })
    }

    pub(super) fn read_block_limits(&mut self, data: &mut Data<'_>) -> ReplyResult {
        let limits = match &self.slot {
            Slot::Loaded(medium) => medium.facts().limits,
            Slot::Empty | Slot::Unusable { .. } => LTO_LIMITS,
        };
        let bytes = limits.to_bytes();
        Ok(Reply::data(&bytes, bytes.len(), data))
    }
}

fn filemark(information: i64) -> Sense {
    let mut sense = Sense::new(SenseKey::NoSense, AdditionalSense::FILEMARK_DETECTED);
    sense.filemark = true;
    sense.information = Some(information);
    sense
}

fn end_of_data(information: i64) -> Sense {
    let mut sense = Sense::new(SenseKey::BlankCheck, AdditionalSense::END_OF_DATA);
    sense.information = Some(information);
    sense
}

fn early_warning_sense() -> Sense {
    let mut sense = Sense::new(SenseKey::NoSense, AdditionalSense::END_OF_MEDIUM);
    sense.end_of_medium = true;
    sense.information = Some(0);
    sense
}
