//! A tape in memory that holds whatever a test puts on it, also what no drive of ours would ever write.

use std::sync::{Arc, Mutex, MutexGuard};

use ferrite_emulator::medium::{
    Medium, MediumError, MediumFacts, MediumPosition, MediumRead, Spaced, Written,
};
use ferrite_emulator::wrappers::Faults;
use ferrite_emulator::{EmulatedDrive, Identity};
use ferrite_formats::block::{BLOCK_SIZE, BlockFlags, BlockHeader, HEADER_SIZE};
use ferrite_formats::block_stream::frame_content;
use ferrite_scsi::command::BlockLimits;
use ferrite_scsi::density::Density;
use ferrite_scsi::{Drive, DriveOptions};

/// What lies on the tape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    Block(Vec<u8>),
    /// Its writer was stopped in the middle of it.
    PartialBlock,
    Mark,
}

#[derive(Debug, Default)]
struct State {
    objects: Vec<Object>,
    at: usize,
    /// Blocks on the whole tape after which writes report early warning.
    early_warning_after: Option<usize>,
    /// Blocks on the whole tape after which nothing more fits.
    full_after: Option<usize>,
}

/// A tape in memory; clones are the same tape.
#[derive(Debug, Clone, Default)]
pub struct MemoryTape(Arc<Mutex<State>>);

impl MemoryTape {
    /// A tape with these objects.
    pub fn with(objects: Vec<Object>) -> Self {
        let tape = Self::default();
        tape.state().objects = objects;
        tape
    }

    /// A tape with these files, each a list of blocks.
    pub fn with_files(files: Vec<Vec<Vec<u8>>>) -> Self {
        Self::with(files.into_iter().flat_map(file_objects).collect())
    }

    pub fn early_warning_after(self, blocks: usize) -> Self {
        self.state().early_warning_after = Some(blocks);
        self
    }

    pub fn full_after(self, blocks: usize) -> Self {
        self.state().full_after = Some(blocks);
        self
    }

    pub fn objects(&self) -> Vec<Object> {
        self.state().objects.clone()
    }

    /// The files on the tape, each its blocks one behind the other.
    pub fn files(&self) -> Vec<Vec<u8>> {
        let mut files = vec![Vec::new()];
        for object in self.objects() {
            match object {
                Object::Block(bytes) => files.last_mut().unwrap().extend(bytes),
                Object::PartialBlock => {}
                Object::Mark => files.push(Vec::new()),
            }
        }
        assert_eq!(files.pop().unwrap(), b"", "the last file has no file mark");
        files
    }

    /// Appends a file.
    pub fn push_file(&self, blocks: Vec<Vec<u8>>) {
        self.state().objects.extend(file_objects(blocks));
    }

    /// A drive with this tape in it.
    pub fn drive(&self) -> Drive {
        self.faulty_drive(&Faults::default())
    }

    /// A drive with this tape in it, and with faults.
    pub fn faulty_drive(&self, faults: &Faults) -> Drive {
        let drive = EmulatedDrive::new(Identity::virtual_drive("MEMORY"));
        drive.insert(Box::new(self.clone()));
        let transport = faults.wrap(drive.connect());
        let mut drive = Drive::open(transport, DriveOptions::default()).unwrap();
        drive.prepare().unwrap();
        drive
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

fn file_objects(blocks: Vec<Vec<u8>>) -> Vec<Object> {
    blocks
        .into_iter()
        .map(Object::Block)
        .chain([Object::Mark])
        .collect()
}

/// The blocks of a tape file with this content.
pub fn blocks(content: &[u8]) -> Vec<Vec<u8>> {
    split(&frame_content(content, false))
}

/// The same, marked as incomplete.
pub fn incomplete_blocks(content: &[u8]) -> Vec<Vec<u8>> {
    split(&frame_content(content, true))
}

/// The same, without its end marker: as an interrupted writer leaves it. At least one block is left.
pub fn unterminated_blocks(content: &[u8]) -> Vec<Vec<u8>> {
    let mut blocks = blocks(content);
    if blocks.len() > 1 {
        blocks.pop();
    } else {
        blocks[0][8] = 0;
    }
    blocks
}

/// Blocks that hold this content with the given number of bytes in each, instead of as many as fit.
pub fn small_blocks(content: &[u8], payload: usize) -> Vec<Vec<u8>> {
    let parts: Vec<&[u8]> = content.chunks(payload).collect();
    let last = parts.len() - 1;
    let flags = |number| {
        if number == last {
            BlockFlags::END_OF_STREAM
        } else {
            BlockFlags::NONE
        }
    };
    parts
        .iter()
        .enumerate()
        .map(|(number, part)| block(number as u32, flags(number), part))
        .collect()
}

/// One block.
pub fn block(seq_nr: u32, flags: BlockFlags, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; BLOCK_SIZE];
    let header = BlockHeader {
        flags,
        size: payload.len() as u32,
        seq_nr,
    };
    bytes[..HEADER_SIZE].copy_from_slice(&header.encode());
    bytes[HEADER_SIZE..HEADER_SIZE + payload.len()].copy_from_slice(payload);
    bytes
}

fn split(stream: &[u8]) -> Vec<Vec<u8>> {
    stream.chunks(BLOCK_SIZE).map(<[u8]>::to_vec).collect()
}

impl State {
    fn truncate(&mut self) {
        self.objects.truncate(self.at);
    }

    fn blocks(&self) -> usize {
        self.objects
            .iter()
            .filter(|object| matches!(object, Object::Block(_)))
            .count()
    }

    fn step_forward(&mut self) -> Option<bool> {
        let mark = *self.objects.get(self.at)? == Object::Mark;
        self.at += 1;
        Some(mark)
    }

    fn step_back(&mut self) -> Option<bool> {
        self.at = self.at.checked_sub(1)?;
        Some(self.objects[self.at] == Object::Mark)
    }
}

impl Medium for MemoryTape {
    fn label(&self) -> &str {
        "MEMORY"
    }

    fn facts(&self) -> MediumFacts {
        MediumFacts {
            density: Density::LTO8,
            write_protected: false,
            worm: false,
            limits: BlockLimits {
                granularity: 0,
                max: 0x80_0000,
                min: 1,
            },
        }
    }

    fn position(&self) -> MediumPosition {
        let state = self.state();
        let marks = state.objects[..state.at]
            .iter()
            .filter(|object| **object == Object::Mark)
            .count();
        let past_early_warning = state
            .early_warning_after
            .is_some_and(|limit| state.blocks() > limit);
        MediumPosition {
            object: state.at as u64,
            file: marks as u64,
            past_early_warning,
        }
    }

    fn write_block(&mut self, block: &[u8]) -> Result<Written, MediumError> {
        let mut state = self.state();
        state.truncate();
        if state
            .full_after
            .is_some_and(|limit| state.blocks() >= limit)
        {
            return Err(MediumError::Full);
        }
        state.objects.push(Object::Block(block.to_vec()));
        state.at += 1;
        let early_warning = state
            .early_warning_after
            .is_some_and(|limit| state.blocks() > limit);
        Ok(Written { early_warning })
    }

    fn write_filemark(&mut self) -> Result<Written, MediumError> {
        let mut state = self.state();
        state.truncate();
        state.objects.push(Object::Mark);
        state.at += 1;
        Ok(Written::default())
    }

    fn sync(&mut self) -> Result<(), MediumError> {
        Ok(())
    }

    fn read_block(&mut self, buffer: &mut [u8]) -> Result<MediumRead, MediumError> {
        let mut state = self.state();
        let Some(object) = state.objects.get(state.at) else {
            return Ok(MediumRead::EndOfData);
        };
        let read = match object {
            Object::PartialBlock => {
                let detail = "cut in the middle".into();
                return Err(MediumError::IncompleteBlock { detail });
            }
            Object::Mark => MediumRead::Filemark,
            Object::Block(bytes) => {
                let fits = bytes.len().min(buffer.len());
                buffer[..fits].copy_from_slice(&bytes[..fits]);
                MediumRead::Block(bytes.len() as u32)
            }
        };
        state.at += 1;
        Ok(read)
    }

    fn rewind(&mut self) -> Result<(), MediumError> {
        self.state().at = 0;
        Ok(())
    }

    fn seek_end(&mut self) -> Result<(), MediumError> {
        let mut state = self.state();
        state.at = state.objects.len();
        Ok(())
    }

    fn space_blocks(&mut self, count: i64) -> Result<Spaced, MediumError> {
        let mut state = self.state();
        for done in 0..count.unsigned_abs() {
            let remaining = count.unsigned_abs() - done;
            let met = if count > 0 {
                state.step_forward()
            } else {
                state.step_back()
            };
            match met {
                Some(true) => return Ok(Spaced::Filemark { remaining }),
                Some(false) => {}
                None if count > 0 => return Ok(Spaced::EndOfData { remaining }),
                None => return Ok(Spaced::Beginning { remaining }),
            }
        }
        Ok(Spaced::Done)
    }

    fn space_filemarks(&mut self, count: i64) -> Result<Spaced, MediumError> {
        let mut state = self.state();
        let mut remaining = count.unsigned_abs();
        while remaining > 0 {
            let met = if count > 0 {
                state.step_forward()
            } else {
                state.step_back()
            };
            match met {
                Some(true) => remaining -= 1,
                Some(false) => {}
                None if count > 0 => return Ok(Spaced::EndOfData { remaining }),
                None => return Ok(Spaced::Beginning { remaining }),
            }
        }
        Ok(Spaced::Done)
    }

    fn locate_object(&mut self, object: u64) -> Result<Spaced, MediumError> {
        let mut state = self.state();
        let end = state.objects.len() as u64;
        state.at = object.min(end) as usize;
        Ok(if object > end {
            Spaced::EndOfData {
                remaining: object - end,
            }
        } else {
            Spaced::Done
        })
    }

    fn locate_file(&mut self, file: u64) -> Result<Spaced, MediumError> {
        self.state().at = 0;
        self.space_filemarks(file as i64)
    }

    fn erase(&mut self) -> Result<(), MediumError> {
        self.state().truncate();
        Ok(())
    }

    fn format(&mut self) -> Result<(), MediumError> {
        let mut state = self.state();
        state.objects.clear();
        state.at = 0;
        Ok(())
    }

    fn unload(&mut self) -> Result<(), MediumError> {
        Ok(())
    }
}
