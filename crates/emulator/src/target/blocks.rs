//! READ, WRITE, WRITE FILEMARKS, READ BLOCK LIMITS (scsi.md 2.8 to 2.10, 7.2, 7.3).

use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::command::{BlockLimits, Read, Write, WriteFilemarks};
use ferrite_scsi::log::Activity;
use ferrite_scsi::sense::{Sense, SenseKey};
use ferrite_scsi::{Cdb, Data};

use super::encryption::Parameters;
use super::reply::{self, Failure, Reply, ReplyResult};
use super::{DriveTarget, Slot, alert_flag};
use crate::medium::{MediumRead, Written};

/// First generation of tapes that can hold encrypted blocks.
const OLDEST_ENCRYPTED: u8 = 4;
const MEGABYTE: u64 = 1_000_000;

/// What LTO drives answer without a tape (scsi.md 2.4).
const LTO_LIMITS: BlockLimits = BlockLimits {
    granularity: 0,
    max: 0x80_0000,
    min: 1,
};

impl DriveTarget {
    pub(super) fn read(&mut self, nexus: &str, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
        let command = Read::parse(reply::six(cdb)?);
        if command.fixed && command.suppress_incorrect_length {
            return Err(Failure::invalid_field(1));
        }
        let block_length = self.state.settings.block_length;
        if command.fixed && block_length == 0 {
            return Err(Failure::invalid_field(1));
        }
        let past_early_warning = self.medium()?.position().past_early_warning;
        if command.length == 0 {
            return Ok(Reply::good());
        }
        self.check_position()?;
        self.flush()?;
        let buffer: &mut [u8] = match data {
            Data::In(buffer) => buffer,
            Data::None | Data::Out(_) => &mut [],
        };
        let result = if command.fixed {
            self.read_fixed(nexus, command.length, block_length, buffer)
        } else {
            self.read_variable(nexus, command, buffer)
        };
        result.map_err(|mut failure| {
            failure.sense.end_of_medium |=
                past_early_warning && failure.sense.key == SenseKey::BlankCheck;
            failure
        })
    }

    /// The next object, decrypted if it is encrypted.
    fn read_next(&mut self, nexus: &str, buffer: &mut [u8]) -> Result<MediumRead, Failure> {
        let (read, activity) = match self.read_protected(nexus, buffer)? {
            Some(length) => (MediumRead::Block(length), Activity::ReadingEncrypted),
            None => (self.medium()?.read_block(buffer)?, Activity::Reading),
        };
        if let (MediumRead::Block(length), true) = (read, self.lto.is_some()) {
            let bytes = u64::from(length);
            self.hot.read = self.hot.read.saturating_add(bytes);
            self.soil(bytes);
            self.stream(activity, bytes);
        }
        Ok(read)
    }

    fn read_variable(&mut self, nexus: &str, command: Read, buffer: &mut [u8]) -> ReplyResult {
        let requested = command.length as usize;
        let fixed_mode = self.state.settings.block_length != 0;
        let room = requested.min(buffer.len());
        match self.read_next(nexus, &mut buffer[..room])? {
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

    fn read_fixed(
        &mut self,
        nexus: &str,
        blocks: u32,
        block_length: u32,
        buffer: &mut [u8],
    ) -> ReplyResult {
        let block_bytes = block_length as usize;
        let mut transferred = 0;
        for done in 0..blocks {
            let left = i64::from(blocks - done);
            let end = (transferred + block_bytes).min(buffer.len());
            let read = match self.read_next(nexus, &mut buffer[transferred..end]) {
                Ok(read) => read,
                Err(mut failure) => {
                    failure.transferred = transferred;
                    return Err(failure);
                }
            };
            match read {
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

    pub(super) fn write(&mut self, nexus: &str, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
        let command = Write::parse(reply::six(cdb)?);
        let block_length = self.state.settings.block_length;
        if command.fixed && block_length == 0 {
            return Err(Failure::invalid_field(1));
        }
        self.medium()?;
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
        let key = self.prepare_writing(nexus)?;
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
            match self.write_next(key.as_ref(), block) {
                Ok(written) => early_warning |= written.early_warning,
                Err(mut failure) => {
                    if failure.sense.code == AdditionalSense::WRITE_PROTECTED {
                        return self.writable_medium().map(|_| Reply::good());
                    }
                    failure.transferred = transferred;
                    failure.sense.information =
                        Some(left).filter(|_| failure.sense.key == SenseKey::VolumeOverflow);
                    return Err(failure);
                }
            }
            transferred = end;
        }
        self.count_written(key.is_some(), transferred as u64);
        Ok(Reply {
            transferred,
            sense: self.end_warning(early_warning),
        })
    }

    fn write_next(&mut self, key: Option<&Parameters>, block: &[u8]) -> Result<Written, Failure> {
        match key {
            Some(parameters) => self.write_sealed(parameters, block),
            None => Ok(self.medium()?.write_block(block)?),
        }
    }

    /// What an LTO drive checks and notes before it writes; the key, if the blocks are to be encrypted.
    fn prepare_writing(&mut self, nexus: &str) -> Result<Option<Parameters>, Failure> {
        if self.lto.is_none() {
            return Ok(None);
        }
        self.writable_medium()?;
        self.check_position()?;
        self.check_worm(false)?;
        let key = self.encryption_for_writing(nexus);
        let (object, end, generation) = match &self.slot {
            Slot::Loaded(medium) => (
                medium.position().object,
                medium.end(),
                medium.chip().map_or(0, |chip| chip.generation),
            ),
            Slot::Empty | Slot::Unusable { .. } => (0, None, 0),
        };
        if key.is_some() && generation < OLDEST_ENCRYPTED {
            return Err(Failure::new(
                SenseKey::DataProtect,
                AdditionalSense::INCOMPATIBLE_MEDIUM,
            ));
        }
        self.note_change()?;
        self.note_first_blocks(object, end, key.is_some())?;
        self.hot.unflushed = self.hot.unflushed.min(object);
        Ok(key)
    }

    /// The first change per load counts up the volume change reference.
    pub(super) fn note_change(&mut self) -> Result<(), Failure> {
        if self.state.changed_in_load || self.lto.is_none() {
            return Ok(());
        }
        self.state.changed_in_load = true;
        let medium = self.medium()?;
        if let Some(chip) = medium.chip_mut() {
            chip.wear.volume_change = chip.wear.volume_change.wrapping_add(1);
        }
        Ok(medium.store_chip()?)
    }

    /// Keeps the chip's notes on where encrypted data begins and ends.
    fn note_first_blocks(
        &mut self,
        object: u64,
        end: Option<u64>,
        encrypted: bool,
    ) -> Result<(), Failure> {
        let overwrites = end.is_some_and(|end| object < end);
        let medium = self.medium()?;
        let Some(wear) = medium.chip().map(|chip| &chip.wear) else {
            return Ok(());
        };
        let (mut first, mut plain) = (wear.first_encrypted, wear.first_plain_after);
        if overwrites {
            first.take_if(|first| *first >= object);
            plain.take_if(|plain| *plain >= object);
        }
        if !encrypted && first.is_some() && plain.is_none() {
            plain = Some(object);
        }
        if (first, plain) == (wear.first_encrypted, wear.first_plain_after) {
            return Ok(());
        }
        if let Some(chip) = medium.chip_mut() {
            chip.wear.first_encrypted = first;
            chip.wear.first_plain_after = plain;
        }
        Ok(medium.store_chip()?)
    }

    /// Write-once tapes and append-only mode: nothing that is there may go (scsi.md 7.4).
    pub(super) fn check_worm(&mut self, erasing: bool) -> Result<(), Failure> {
        let append_only = self.state.settings.append_only;
        let allowed = self.state.overwrite_at;
        let medium = self.medium()?;
        let worm = medium.facts().worm;
        if !worm && !append_only {
            return Ok(());
        }
        let Some(end) = medium.end() else {
            return Ok(());
        };
        let object = medium.position().object;
        let marks = medium.trailing_filemarks()?;
        // The marks at the end may go, except the one nearest the beginning.
        let free = object == end || (marks > 0 && object > end - marks);
        let blank = end == 0;
        let permitted = if worm {
            (free && !erasing) || (erasing && blank)
        } else {
            free || allowed == Some(object)
        };
        if permitted {
            return Ok(());
        }
        if worm {
            self.raise(alert_flag::WORM_OVERWRITE);
        }
        Err(Failure::new(
            SenseKey::DataProtect,
            AdditionalSense::WORM_OVERWRITE_ATTEMPTED,
        ))
    }

    fn count_written(&mut self, encrypted: bool, bytes: u64) {
        if self.lto.is_none() {
            return;
        }
        self.hot.written = self.hot.written.saturating_add(bytes);
        self.soil(bytes);
        let activity = if encrypted {
            Activity::WritingEncrypted
        } else {
            Activity::Writing
        };
        self.stream(activity, bytes);
    }

    /// Bytes used when the programmable early warning zone begins; `None`: there is none.
    fn programmable_zone(&self) -> Option<(u64, u64)> {
        let megabytes = self.state.settings.early_warning_mb;
        let Slot::Loaded(medium) = &self.slot else {
            return None;
        };
        let room = medium.room().filter(|_| megabytes > 0)?;
        let zone = room
            .early_warning
            .saturating_add(u64::from(megabytes) * MEGABYTE);
        Some((room.used, room.capacity.saturating_sub(zone)))
    }

    pub(super) fn past_programmable_early_warning(&self) -> bool {
        self.programmable_zone()
            .is_some_and(|(used, begin)| used >= begin)
    }

    /// What a write that succeeded has to say about the end of the tape.
    fn end_warning(&mut self, early_warning: bool) -> Option<Sense> {
        if early_warning {
            if self.quirks.warns_once && self.state.warned {
                return None;
            }
            self.state.warned = self.lto.is_some();
            return Some(early_warning_sense());
        }
        if !self.state.warned && self.past_programmable_early_warning() {
            self.state.warned = true;
            let code = AdditionalSense::PROGRAMMABLE_EARLY_WARNING;
            let mut sense = Sense::new(SenseKey::NoSense, code);
            sense.end_of_medium = true;
            return Some(sense);
        }
        None
    }

    pub(super) fn write_filemarks(&mut self, cdb: &Cdb) -> ReplyResult {
        let command = WriteFilemarks::parse(reply::six(cdb)?).ok_or(Failure::invalid_field(1))?;
        // Flushing a protected tape is fine: there is nothing to flush.
        if command.count > 0 {
            self.writable_medium()?;
            self.check_position()?;
            if self.lto.is_some() {
                self.check_worm(false)?;
                self.note_change()?;
                let at = self.medium()?.position().object;
                self.hot.unflushed = self.hot.unflushed.min(at);
            }
        }
        let medium = self.medium()?;
        let mut early_warning = false;
        for _ in 0..command.count {
            early_warning |= medium.write_filemark()?.early_warning;
        }
        if !command.immediate {
            medium.sync()?;
            self.hot.unflushed = u64::MAX;
        }
        Ok(Reply {
            transferred: 0,
            sense: self.end_warning(early_warning),
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
