//! The object model of scsi.md 7.2 at its simplest, and the commands that a tape has to do it with.

use std::time::Duration;

use ferrite_emulator::pbs::BLOCK_BYTES;
use ferrite_scsi::command::{
    Erase, Locate, LocateTarget, Read, ReadPosition, Rewind, Space, SpaceUnit, TapePosition, Write,
    WriteFilemarks,
};
use ferrite_scsi::sense::SenseKey;
use ferrite_scsi::{Cdb, Data, Status, Transport};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    Block(u8),
    Filemark,
}

#[derive(Clone, Copy, Debug)]
pub enum Step {
    Write(u8),
    WriteMany(u8),
    ReadMany(u8),
    Mark,
    Sync,
    Read,
    Rewind,
    End,
    Blocks(i64),
    Filemarks(i64),
    LocateObject(u64),
    LocateFile(u64),
    Erase,
    Reopen,
}

pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<u8>().prop_map(Step::Write),
        1 => (2u8..40).prop_map(Step::WriteMany),
        1 => (2u8..40).prop_map(Step::ReadMany),
        3 => Just(Step::Mark),
        1 => Just(Step::Sync),
        5 => Just(Step::Read),
        2 => Just(Step::Rewind),
        1 => Just(Step::End),
        3 => (-5i64..6).prop_map(Step::Blocks),
        3 => (-3i64..4).prop_map(Step::Filemarks),
        2 => (0u64..14).prop_map(Step::LocateObject),
        2 => (0u64..6).prop_map(Step::LocateFile),
        1 => Just(Step::Erase),
        1 => Just(Step::Reopen),
    ]
}

/// What a command reports.
#[derive(Debug, PartialEq, Eq)]
pub enum Report {
    Done,
    Block(u8),
    Filemark(i64),
    EndOfData(i64),
    Beginning(i64),
}

#[derive(Default)]
pub struct Model {
    pub objects: Vec<Object>,
    pub at: usize,
}

impl Step {
    /// Steps that stand for many, taken apart.
    pub fn single(self) -> Vec<Step> {
        match self {
            Step::WriteMany(count) => (0..count).map(Step::Write).collect(),
            Step::ReadMany(count) => vec![Step::Read; usize::from(count)],
            step => vec![step],
        }
    }
}

impl Model {
    pub fn file(&self) -> u64 {
        self.objects[..self.at]
            .iter()
            .filter(|object| **object == Object::Filemark)
            .count() as u64
    }

    fn put(&mut self, object: Object) -> Report {
        self.objects.truncate(self.at);
        self.objects.push(object);
        self.at += 1;
        Report::Done
    }

    pub fn apply(&mut self, step: Step) -> Report {
        match step {
            Step::Write(byte) => self.put(Object::Block(byte)),
            Step::Mark => self.put(Object::Filemark),
            Step::Sync => Report::Done,
            Step::Read => self.read(),
            Step::Rewind => self.go(0),
            Step::End => self.go(self.objects.len()),
            Step::Blocks(count) => self.space(count, |object| matches!(object, Object::Block(_))),
            Step::Filemarks(count) => self.space_filemarks(count),
            Step::LocateObject(object) if object as usize > self.objects.len() => {
                let left = object as usize - self.objects.len();
                self.at = self.objects.len();
                Report::EndOfData(left as i64)
            }
            Step::LocateObject(object) => self.go(object as usize),
            Step::LocateFile(file) => {
                self.at = 0;
                if file == 0 {
                    Report::Done
                } else {
                    self.space_filemarks(file as i64)
                }
            }
            Step::Erase => {
                self.objects.truncate(self.at);
                Report::Done
            }
            // Taken apart before they get here.
            Step::WriteMany(_) | Step::ReadMany(_) | Step::Reopen => Report::Done,
        }
    }

    fn go(&mut self, at: usize) -> Report {
        self.at = at;
        Report::Done
    }

    fn read(&mut self) -> Report {
        match self.objects.get(self.at) {
            None => Report::EndOfData(BLOCK_BYTES as i64),
            Some(object) => {
                self.at += 1;
                match *object {
                    Object::Block(byte) => Report::Block(byte),
                    Object::Filemark => Report::Filemark(BLOCK_BYTES as i64),
                }
            }
        }
    }

    /// Blocks: object by object, stopping at what is none.
    fn space(&mut self, count: i64, counts: impl Fn(Object) -> bool) -> Report {
        for done in 0..count.abs() {
            let left = count.abs() - done;
            if count > 0 {
                let Some(&object) = self.objects.get(self.at) else {
                    return Report::EndOfData(left);
                };
                self.at += 1;
                if !counts(object) {
                    return Report::Filemark(left);
                }
            } else {
                let Some(before) = self.at.checked_sub(1) else {
                    return Report::Beginning(left);
                };
                self.at = before;
                if !counts(self.objects[before]) {
                    return Report::Filemark(left);
                }
            }
        }
        Report::Done
    }

    fn space_filemarks(&mut self, count: i64) -> Report {
        let mut left = count.abs();
        while left > 0 {
            if count > 0 {
                let Some(&object) = self.objects.get(self.at) else {
                    return Report::EndOfData(left);
                };
                self.at += 1;
                left -= i64::from(object == Object::Filemark);
            } else {
                let Some(before) = self.at.checked_sub(1) else {
                    return Report::Beginning(left);
                };
                self.at = before;
                left -= i64::from(self.objects[before] == Object::Filemark);
            }
        }
        Report::Done
    }
}

/// A host that does the model's steps.
pub struct Host<T>(pub T);

impl<T: Transport> Host<T> {
    fn run(&mut self, cdb: &Cdb, data: Data<'_>) -> Report {
        let completion = self.0.execute(cdb, data, Duration::ZERO).unwrap();
        if completion.status == Status::Good {
            return Report::Done;
        }
        let sense = completion.sense().unwrap().unwrap();
        let information = sense.information.unwrap_or(-1);
        match (sense.key, sense.code.1) {
            (SenseKey::NoSense, 0x01) => Report::Filemark(information),
            (SenseKey::BlankCheck, 0x05) => Report::EndOfData(information),
            (SenseKey::NoSense, 0x04) => Report::Beginning(information),
            _ => panic!("{sense} {:?}", completion.detail),
        }
    }

    pub fn apply(&mut self, step: Step, block: &mut [u8]) -> Report {
        let cdb = match step {
            Step::Write(byte) => {
                block.fill(byte);
                let cdb = Write {
                    fixed: false,
                    length: BLOCK_BYTES as u32,
                }
                .cdb();
                return self.run(&cdb, Data::Out(block));
            }
            Step::Read => {
                let read = Read {
                    fixed: false,
                    suppress_incorrect_length: false,
                    length: BLOCK_BYTES as u32,
                };
                return match self.run(&read.cdb(), Data::In(block)) {
                    Report::Done => {
                        assert!(block.iter().all(|byte| *byte == block[0]));
                        Report::Block(block[0])
                    }
                    report => report,
                };
            }
            Step::Mark => WriteFilemarks {
                count: 1,
                immediate: true,
            }
            .cdb(),
            Step::Sync => WriteFilemarks::SYNC.cdb(),
            Step::Rewind => Rewind { immediate: false }.cdb(),
            Step::End => Space::END_OF_DATA.cdb(),
            Step::Blocks(count) => Space {
                unit: SpaceUnit::Blocks,
                count,
            }
            .cdb(),
            Step::Filemarks(count) => Space {
                unit: SpaceUnit::Filemarks,
                count,
            }
            .cdb(),
            Step::LocateObject(object) => Locate {
                target: LocateTarget::Object(object),
                immediate: false,
            }
            .cdb(),
            Step::LocateFile(file) => Locate {
                target: LocateTarget::File(file),
                immediate: false,
            }
            .cdb(),
            Step::Erase => Erase {
                long: false,
                immediate: false,
            }
            .cdb(),
            Step::WriteMany(_) | Step::ReadMany(_) | Step::Reopen => return Report::Done,
        };
        self.run(&cdb, Data::None)
    }

    pub fn position(&mut self) -> (u64, u64) {
        let mut bytes = [0; 32];
        assert_eq!(
            self.run(&ReadPosition::Long.cdb(), Data::In(&mut bytes)),
            Report::Done
        );
        let position = TapePosition::parse(&bytes);
        (position.object, position.file)
    }
}
