//! A drive that answers with whatever the fuzzer likes: the host logic must come to an end, and never panic.

use std::time::Duration;

use crate::attribute::{self, HOST_ATTRIBUTES};
use crate::clock::Clock;
use crate::command::SpaceUnit;
use crate::drive::{Drive, DriveOptions, Position, SettingsChange, WaitOptions};
use crate::error::ScsiError;
use crate::transport::{Cdb, Completion, Data, Status, Transport, TransportError};

/// Block length of the files that are read and written.
const BLOCK_BYTES: usize = 512;
/// Blocks of one file.
const MAX_BLOCKS: u8 = 8;

/// The first byte says how many bytes choose operations; the rest is what the device answers. When the answers are used
/// up the device is gone, so every run ends.
pub fn hostile_drive(data: &[u8]) {
    let Some((&count, rest)) = data.split_first() else {
        return;
    };
    let (operations, answers) = rest.split_at(usize::from(count).min(rest.len()));
    let device = Device::answering(answers);
    let options = DriveOptions {
        clock: Box::new(SleepingClock::default()),
        ..DriveOptions::default()
    };
    let Ok(mut drive) = Drive::open(device, options) else {
        return;
    };
    for &operation in operations {
        if let Err(error) = operate(&mut drive, operation) {
            let _ = std::hint::black_box((error.to_string(), error.class()));
        }
    }
}

/// One operation: the low five bits say which, the others go into it.
fn operate(drive: &mut Drive, operation: u8) -> Result<(), ScsiError> {
    let number = operation >> 5;
    match operation & 0x1F {
        0 => drive.prepare(),
        1 => drive.status().map(drop),
        2 => drive.change_settings(SettingsChange::DEFAULTS),
        3 => drive.is_worm().map(drop),
        4 => drive.position().map(drop),
        5 => drive.rewind().map(drop),
        6 => drive.locate(u64::from(number)).map(drop),
        7 => drive.end_of_data().map(drop),
        8 => drive.last_file().map(drop),
        9 => drive.space(SpaceUnit::Filemarks, i64::from(number) - 4),
        10 => {
            let here = drive.here()?;
            read(drive, here, number)
        }
        11 => {
            let start = drive.locate(u64::from(number))?;
            read(drive, start, number)
        }
        12 => {
            let end = drive.end_of_data()?;
            write(drive, end, number)
        }
        13 => {
            let here = drive.here()?;
            drive.write_filemarks(here, u32::from(number)).map(drop)
        }
        14 => drive.sync(),
        15 => drive.format(number % 2 == 0, &mut |_| {}).map(drop),
        16 => {
            let here = drive.here()?;
            drive.erase(here, number % 2 == 0, &mut |_| {}).map(drop)
        }
        17 => drive.volume_statistics().map(drop),
        18 => drive.cartridge_memory().map(drop),
        19 => drive.set_encryption_key(&[number; 32]),
        20 => drive.clear_encryption_key(),
        21 => drive.generation().map(drop),
        22 => drive.alert_flags().map(drop),
        23 => HOST_ATTRIBUTES
            .iter()
            .try_for_each(|&id| drive.write_attribute(&attribute::deletion(id))),
        24 => drive.load(&mut |_| {}),
        25 => drive.unload(),
        26 => drive.prevent_removal(number % 2 == 0),
        27 => drive.wait_ready(
            WaitOptions {
                for_medium: true,
                ..WaitOptions::default()
            },
            &mut |_| {},
        ),
        28 => {
            let here = drive.here()?;
            write(drive, here, number)
        }
        _ => drive.set_defaults(),
    }
}

fn read(drive: &mut Drive, position: Position, blocks: u8) -> Result<(), ScsiError> {
    let mut reader = drive.read_file(position)?;
    let mut block = [0; BLOCK_BYTES];
    for _ in 0..blocks.min(MAX_BLOCKS) {
        let _ = reader.read_block(&mut block)?;
    }
    let _ = reader.read_mark()?;
    reader.finish().map(drop)
}

fn write(drive: &mut Drive, position: Position, blocks: u8) -> Result<(), ScsiError> {
    let mut writer = drive.write_file(position)?;
    for _ in 0..blocks.min(MAX_BLOCKS) {
        let _ = writer.write_block(&[0; BLOCK_BYTES])?;
    }
    writer.finish().map(drop)
}

/// Answers one command after the other from the fuzzer's bytes.
pub(super) struct Device {
    answers: Vec<u8>,
    used: usize,
}

impl Device {
    /// A device with these bytes to answer with.
    pub(super) fn answering(answers: &[u8]) -> Self {
        Self {
            answers: answers.to_vec(),
            used: 0,
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.answers.get(self.used).copied();
        self.used += 1;
        byte
    }

    /// As many of the next bytes as there are.
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let start = self.used.min(self.answers.len());
        let end = start.saturating_add(count).min(self.answers.len());
        self.used = end;
        self.answers[start..end].to_vec()
    }

    fn good(&mut self, mut data: Data<'_>, residual: u8) -> Completion {
        let length = self.byte().map_or(0, usize::from);
        let answer = self.bytes(length);
        let mut left = usize::from(residual);
        if let Data::In(buffer) = &mut data {
            let filled = answer.len().min(buffer.len());
            buffer[..filled].copy_from_slice(&answer[..filled]);
            // 0: as it is. Otherwise the device lies about it.
            if residual == 0 {
                left = buffer.len() - filled;
            }
        }
        Completion::good(left)
    }
}

impl Transport for Device {
    fn execute(
        &mut self,
        _cdb: &Cdb,
        data: Data<'_>,
        _timeout: Duration,
    ) -> Result<Completion, TransportError> {
        let kind = self.byte().ok_or(TransportError::DeviceGone)?;
        let detail = kind >> 3;
        match kind & 0x07 {
            0..=2 => Ok(self.good(data, 0)),
            3 => Ok(self.good(data, detail)),
            4 | 5 => {
                let length = self.byte().map_or(0, usize::from);
                let sense = self.bytes(length);
                Ok(Completion::check_condition(&sense, usize::from(detail)))
            }
            6 => {
                let status = self.byte().map_or(Status::Busy, Status::from);
                Ok(Completion::with_status(status, usize::from(detail)))
            }
            _ => Err(match detail % 4 {
                0 => TransportError::Repeat { reason: "test" },
                1 => TransportError::ConnectionLost { reason: "test" },
                2 => TransportError::Timeout { seconds: 1 },
                _ => TransportError::Reserved,
            }),
        }
    }
}

/// Time passes only while somebody sleeps.
#[derive(Default)]
pub(super) struct SleepingClock(Duration);

impl Clock for SleepingClock {
    fn now(&self) -> Duration {
        self.0
    }

    fn sleep(&mut self, duration: Duration) {
        self.0 = self.0.saturating_add(duration);
    }
}
