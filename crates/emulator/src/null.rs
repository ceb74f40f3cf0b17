//! A tape that takes everything and keeps nothing: how fast can a host feed a drive?

use ferrite_scsi::command::BlockLimits;
use ferrite_scsi::density::Density;

use crate::medium::{
    Medium, MediumError, MediumFacts, MediumPosition, MediumRead, Spaced, Written,
};

/// Counts what is written. Cannot be read: a block that was written is an unreadable block.
#[derive(Clone, Debug, Default)]
pub struct NullMedium {
    capacity: Option<NullCapacity>,
    /// Filemarks, by object number.
    filemarks: Vec<u64>,
    /// Objects on the tape.
    end: u64,
    /// Where it stands.
    object: u64,
    /// Bytes from the beginning to where it stands; only exact after writing without moving.
    bytes: u64,
}

/// Where a [`NullMedium`] ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NullCapacity {
    /// Bytes until the physical end.
    pub bytes: u64,
    /// Writes that end in the last so many bytes report early warning.
    pub early_warning_bytes: u64,
}

/// More files than any job writes; a host that asks for marks without end fills the tape, not the memory.
const MOST_FILEMARKS: usize = 1 << 20;
const LABEL: &str = "NULL";
/// As LTO drives.
const LIMITS: BlockLimits = BlockLimits {
    granularity: 0,
    max: 0x80_0000,
    min: 1,
};

impl NullMedium {
    /// A tape without end.
    pub fn endless() -> Self {
        Self::default()
    }

    /// A tape that gets full.
    pub fn with_capacity(capacity: NullCapacity) -> Self {
        Self {
            capacity: Some(capacity),
            ..Self::default()
        }
    }

    fn truncate(&mut self) {
        if self.object < self.end {
            self.end = self.object;
            let marks = self.filemarks.partition_point(|&mark| mark < self.end);
            self.filemarks.truncate(marks);
        }
    }

    fn written(&self) -> Written {
        let early_warning = self.capacity.is_some_and(|capacity| {
            self.bytes > capacity.bytes.saturating_sub(capacity.early_warning_bytes)
        });
        Written { early_warning }
    }

    fn go(&mut self, object: u64) {
        self.object = object.min(self.end);
        if self.object == 0 {
            self.bytes = 0;
        }
    }

    fn file(&self) -> u64 {
        self.filemarks.partition_point(|&mark| mark < self.object) as u64
    }

    fn unreadable() -> MediumError {
        MediumError::Unreadable {
            detail: "a null medium keeps no data".into(),
        }
    }
}

impl Medium for NullMedium {
    fn label(&self) -> &str {
        LABEL
    }

    fn facts(&self) -> MediumFacts {
        MediumFacts {
            density: Density::LTO8,
            write_protected: false,
            worm: false,
            limits: LIMITS,
        }
    }

    fn position(&self) -> MediumPosition {
        MediumPosition {
            object: self.object,
            file: self.file(),
            past_early_warning: self.written().early_warning,
        }
    }

    fn write_block(&mut self, block: &[u8]) -> Result<Written, MediumError> {
        let bytes = self.bytes.saturating_add(block.len() as u64);
        if self.capacity.is_some_and(|capacity| bytes > capacity.bytes) {
            return Err(MediumError::Full);
        }
        self.truncate();
        self.bytes = bytes;
        self.object += 1;
        self.end = self.object;
        Ok(self.written())
    }

    fn write_filemark(&mut self) -> Result<Written, MediumError> {
        self.truncate();
        if self.filemarks.len() >= MOST_FILEMARKS {
            return Err(MediumError::Full);
        }
        self.filemarks.push(self.object);
        self.object += 1;
        self.end = self.object;
        Ok(self.written())
    }

    fn sync(&mut self) -> Result<(), MediumError> {
        Ok(())
    }

    fn read_block(&mut self, _buffer: &mut [u8]) -> Result<MediumRead, MediumError> {
        if self.object == self.end {
            return Ok(MediumRead::EndOfData);
        }
        if self.filemarks.binary_search(&self.object).is_ok() {
            self.object += 1;
            return Ok(MediumRead::Filemark);
        }
        Err(Self::unreadable())
    }

    fn rewind(&mut self) -> Result<(), MediumError> {
        self.go(0);
        Ok(())
    }

    fn seek_end(&mut self) -> Result<(), MediumError> {
        self.go(u64::MAX);
        Ok(())
    }

    fn space_blocks(&mut self, count: i64) -> Result<Spaced, MediumError> {
        let step: u64 = 1;
        for done in 0..count.unsigned_abs() {
            let remaining = count.unsigned_abs() - done;
            if count > 0 {
                if self.object == self.end {
                    return Ok(Spaced::EndOfData { remaining });
                }
                let mark = self.filemarks.binary_search(&self.object).is_ok();
                self.object += step;
                if mark {
                    return Ok(Spaced::Filemark { remaining });
                }
            } else {
                let Some(before) = self.object.checked_sub(step) else {
                    return Ok(Spaced::Beginning { remaining });
                };
                self.go(before);
                if self.filemarks.binary_search(&before).is_ok() {
                    return Ok(Spaced::Filemark { remaining });
                }
            }
        }
        Ok(Spaced::Done)
    }

    fn space_filemarks(&mut self, count: i64) -> Result<Spaced, MediumError> {
        let file = self.file();
        if count < 0 {
            return Ok(match file.checked_sub(count.unsigned_abs()) {
                Some(mark) => {
                    self.go(self.filemarks[mark as usize]);
                    Spaced::Done
                }
                None => {
                    self.go(0);
                    Spaced::Beginning {
                        remaining: count.unsigned_abs() - file,
                    }
                }
            });
        }
        self.locate_file(file.saturating_add(count.unsigned_abs()))
    }

    fn locate_object(&mut self, object: u64) -> Result<Spaced, MediumError> {
        self.go(object);
        Ok(if object > self.end {
            Spaced::EndOfData {
                remaining: object - self.end,
            }
        } else {
            Spaced::Done
        })
    }

    fn locate_file(&mut self, file: u64) -> Result<Spaced, MediumError> {
        let marks = self.filemarks.len() as u64;
        if file > marks {
            self.go(u64::MAX);
            return Ok(Spaced::EndOfData {
                remaining: file - marks,
            });
        }
        let object = file
            .checked_sub(1)
            .map_or(0, |mark| self.filemarks[mark as usize] + 1);
        self.go(object);
        Ok(Spaced::Done)
    }

    fn erase(&mut self) -> Result<(), MediumError> {
        self.truncate();
        Ok(())
    }

    fn format(&mut self) -> Result<(), MediumError> {
        self.go(0);
        self.truncate();
        Ok(())
    }

    fn unload(&mut self) -> Result<(), MediumError> {
        Ok(())
    }
}
