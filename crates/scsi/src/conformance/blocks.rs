//! Writing and reading: blocks, filemarks, lengths, the end of the tape.

use super::{Answer, Check, Device, Rule, expect_equal};
use crate::command::{Erase, Read, ReadPosition, Rewind, TapePosition, Write, WriteFilemarks};
use crate::sense::{Sense, SenseKey};
use crate::transport::Data;

pub(super) const CHECKS: &[Check] = &[
    ("blank-tape", "SSC-3 6.4, scsi.md 2.10", blank_tape),
    ("write-and-read", "SSC-3 6.4, 6.8", write_and_read),
    ("filemark", "SSC-3 6.4, 6.9", filemark),
    ("empty-file", "SSC-3 6.9", empty_file),
    (
        "overwriting-truncates",
        "SSC-3 6.8, scsi.md 7.2",
        overwriting_truncates,
    ),
    (
        "filemark-truncates",
        "SSC-3 6.9, scsi.md 7.2",
        filemark_truncates,
    ),
    ("shorter-read", "SSC-3 6.4, scsi.md 2.10", shorter_read),
    ("longer-read", "SSC-3 6.4, scsi.md 2.10", longer_read),
    ("zero-length", "SSC-3 6.4, 6.8", zero_length),
    ("short-erase", "SSC-3 6.2", short_erase),
    ("early-warning", "SSC-3 4.2.3, scsi.md 7.3", early_warning),
];

impl Device<'_> {
    /// A block that no other looks like.
    fn block(&self, number: u64) -> Vec<u8> {
        let seed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes();
        (0..self.profile.block_bytes)
            .map(|i| seed[i % seed.len()].wrapping_add((i >> 8) as u8))
            .collect()
    }

    pub(super) fn write(&mut self, number: u64) -> Result<Answer, String> {
        let block = self.block(number);
        self.send(
            &Write {
                fixed: false,
                length: block.len() as u32,
            }
            .cdb(),
            Data::Out(&block),
        )
    }

    pub(super) fn write_good(&mut self, number: u64) -> Result<(), String> {
        self.write(number)?
            .expect_good()
            .map_err(|error| format!("writing block {number}: {error}"))
    }

    pub(super) fn mark(&mut self) -> Result<(), String> {
        self.good(
            &WriteFilemarks {
                count: 1,
                immediate: true,
            }
            .cdb(),
        )
    }

    /// Files of so many blocks each, numbered through from 0.
    pub(super) fn write_files(&mut self, files: &[u64]) -> Result<(), String> {
        self.settle()?;
        let mut number = 0;
        for &blocks in files {
            for _ in 0..blocks {
                self.write_good(number)?;
                number += 1;
            }
            self.mark()?;
        }
        self.good(&WriteFilemarks::SYNC.cdb())
    }

    fn read(&mut self, buffer: &mut [u8], silent: bool) -> Result<Answer, String> {
        let length = buffer.len() as u32;
        self.send(
            &Read {
                fixed: false,
                suppress_incorrect_length: silent,
                length,
            }
            .cdb(),
            Data::In(buffer),
        )
    }

    /// The next object has to be this block.
    pub(super) fn expect_block(&mut self, number: u64) -> Result<(), String> {
        let mut buffer = vec![0; self.profile.block_bytes];
        self.read(&mut buffer, false)?
            .expect_good()
            .map_err(|error| format!("reading block {number}: {error}"))?;
        if buffer == self.block(number) {
            Ok(())
        } else {
            Err(format!("block {number} reads back differently"))
        }
    }

    /// The next object has to be a filemark.
    pub(super) fn expect_mark(&mut self) -> Result<(), String> {
        let mut buffer = vec![0; self.profile.block_bytes];
        let answer = self.read(&mut buffer, false)?;
        let sense = answer.expect_sense(SenseKey::NoSense, 0x00, 0x01)?;
        expect_equal("filemark bit", sense.filemark, true)?;
        self.leniency.apply(
            Rule::NothingTransferred,
            expect_equal("bytes transferred at a filemark", answer.transferred, 0),
        )?;
        expect_equal(
            "residue at a filemark",
            sense.information,
            Some(buffer.len() as i64),
        )
    }

    /// Nothing may follow.
    pub(super) fn expect_end(&mut self) -> Result<(), String> {
        let mut buffer = vec![0; self.profile.block_bytes];
        let answer = self.read(&mut buffer, false)?;
        let blank = answer
            .sense
            .is_some_and(|sense| sense.key == SenseKey::BlankCheck);
        let exact = answer
            .expect_sense(SenseKey::BlankCheck, 0x00, 0x05)
            .map(|_| ());
        if blank {
            self.leniency.apply(Rule::EndOfData, exact)
        } else {
            exact
        }
    }

    pub(super) fn position(&mut self) -> Result<TapePosition, String> {
        let bytes = self.data(
            &ReadPosition::Long.cdb(),
            crate::command::READ_POSITION_LONG_BYTES,
        )?;
        let bytes = bytes
            .as_slice()
            .try_into()
            .map_err(|_| format!("position of {} bytes", bytes.len()))?;
        Ok(TapePosition::parse(bytes))
    }

    pub(super) fn expect_position(&mut self, object: u64, file: u64) -> Result<(), String> {
        let position = self.position()?;
        self.leniency.apply(
            Rule::Position,
            expect_equal(
                "(object, file)",
                (position.object, position.file),
                (object, file),
            ),
        )?;
        self.leniency.apply(
            Rule::Position,
            expect_equal("beginning of partition", position.beginning, object == 0),
        )
    }

    pub(super) fn rewind(&mut self) -> Result<(), String> {
        self.good(&Rewind { immediate: false }.cdb())
    }
}

fn blank_tape(device: &mut Device<'_>) -> Result<(), String> {
    device.settle()?;
    device.expect_position(0, 0)?;
    device.expect_end()?;
    device.expect_end()?;
    device.expect_position(0, 0)
}

fn write_and_read(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&[1, 3])?;
    device.expect_position(6, 2)?;
    device.rewind()?;
    device.expect_block(0)?;
    device.expect_mark()?;
    for number in 1..4 {
        device.expect_block(number)?;
    }
    device.expect_position(5, 1)?;
    device.expect_mark()?;
    device.expect_position(6, 2)?;
    device.expect_end()?;
    device.expect_position(6, 2)
}

fn filemark(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&[1])?;
    device.rewind()?;
    device.expect_block(0)?;
    // A small buffer is enough to meet a mark: the reader behind an end marker brings 512 bytes.
    let mut buffer = [0; 512];
    let answer = device.read(&mut buffer, true)?;
    answer.expect_sense(SenseKey::NoSense, 0x00, 0x01)?;
    device.expect_position(2, 1)
}

fn empty_file(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&[1, 0, 1])?;
    device.rewind()?;
    device.expect_block(0)?;
    device.expect_mark()?;
    device.expect_mark()?;
    device.expect_position(3, 2)?;
    device.expect_block(1)?;
    device.expect_mark()?;
    device.expect_end()
}

fn overwriting_truncates(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&[2, 2, 2])?;
    device.rewind()?;
    device.expect_block(0)?;
    device.write_good(9)?;
    device.expect_position(2, 0)?;
    device.expect_end()?;
    device.mark()?;
    device.rewind()?;
    device.expect_block(0)?;
    device.expect_block(9)?;
    device.expect_mark()?;
    device.expect_end()
}

fn filemark_truncates(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&[2, 2])?;
    device.rewind()?;
    device.expect_block(0)?;
    device.mark()?;
    device.expect_position(2, 1)?;
    device.expect_end()
}

fn incorrect_length(answer: &Answer, information: i64) -> Result<(), String> {
    match answer.sense {
        Some(Sense {
            key: SenseKey::NoSense,
            incorrect_length: true,
            information: found,
            ..
        }) => expect_equal("requested minus actual", found, Some(information)),
        _ => Err(format!("a block of another length gave {answer}")),
    }
}

fn shorter_read(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&[2])?;
    device.rewind()?;
    let expected = device.block(0);
    let mut buffer = vec![0; device.profile.block_bytes / 2];
    let answer = device.read(&mut buffer, false)?;
    incorrect_length(&answer, buffer.len() as i64 - expected.len() as i64)?;
    expect_equal("bytes transferred", answer.transferred, buffer.len())?;
    expect_equal(
        "beginning of the block",
        buffer == expected[..buffer.len()],
        true,
    )?;
    // The rest of the block is skipped.
    device.expect_block(1)?;
    device.rewind()?;
    // With SILI a block that is longer than the buffer is cut silently.
    device.read(&mut buffer, true)?.expect_good()?;
    device.expect_block(1)
}

fn longer_read(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&[2])?;
    device.rewind()?;
    let block_bytes = device.profile.block_bytes;
    let mut buffer = vec![0; block_bytes + 1000];
    let answer = device.read(&mut buffer, false)?;
    incorrect_length(&answer, 1000)?;
    expect_equal("bytes transferred", answer.transferred, block_bytes)?;
    let answer = device.read(&mut buffer, true)?;
    answer.expect_good()?;
    expect_equal(
        "bytes transferred with SILI",
        answer.transferred,
        block_bytes,
    )
}

fn zero_length(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&[1])?;
    device.rewind()?;
    device
        .run(
            &Read {
                fixed: false,
                suppress_incorrect_length: true,
                length: 0,
            }
            .cdb(),
        )?
        .expect_good()?;
    device.expect_position(0, 0)?;
    device
        .run(
            &Write {
                fixed: false,
                length: 0,
            }
            .cdb(),
        )?
        .expect_good()?;
    device.expect_block(0)
}

fn short_erase(device: &mut Device<'_>) -> Result<(), String> {
    device.write_files(&[2, 2])?;
    device.rewind()?;
    device.expect_block(0)?;
    device.good(
        &Erase {
            long: false,
            immediate: false,
        }
        .cdb(),
    )?;
    device.expect_position(1, 0)?;
    device.expect_end()?;
    device.rewind()?;
    device.expect_block(0)?;
    device.expect_end()
}

/// Writes until nothing fits, and reads it all back.
fn early_warning(device: &mut Device<'_>) -> Result<(), String> {
    let Some(capacity) = device.profile.capacity_blocks else {
        return Ok(());
    };
    device.settle()?;
    let mut warned = 0;
    let mut blocks = 0;
    let full = loop {
        if blocks > capacity {
            return Err(format!("{blocks} blocks written, and the tape is not full"));
        }
        let answer = device.write(blocks)?;
        match answer.sense {
            None => {
                answer.expect_good()?;
                expect_equal(
                    "blocks without a warning behind the first with one",
                    warned,
                    0,
                )?;
            }
            Some(sense) if sense.key == SenseKey::NoSense => {
                answer.expect_sense(SenseKey::NoSense, 0x00, 0x02)?;
                expect_equal("end of medium bit", sense.end_of_medium, true)?;
                warned += 1;
            }
            Some(_) => break answer.expect_sense(SenseKey::VolumeOverflow, 0x00, 0x02)?,
        }
        blocks += 1;
    };
    expect_equal(
        "end of medium bit of the full tape",
        full.end_of_medium,
        true,
    )?;
    if warned < 2 {
        return Err(format!(
            "only {warned} blocks between early warning and the end"
        ));
    }
    expect_equal(
        "past early warning",
        device.position()?.past_early_warning,
        true,
    )?;
    // The mark still fits.
    let marked = device.run(
        &WriteFilemarks {
            count: 1,
            immediate: false,
        }
        .cdb(),
    )?;
    if marked
        .sense
        .is_some_and(|sense| sense.key != SenseKey::NoSense)
    {
        return Err(format!("filemark behind early warning: {marked}"));
    }
    device.rewind()?;
    for number in 0..blocks {
        device.expect_block(number)?;
    }
    device.expect_mark()?;
    device.expect_end()
}
