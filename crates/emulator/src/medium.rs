//! What lies in an emulated drive: a tape as SCSI sees it, wherever its bytes are kept.
//!
//! The object model of scsi.md 7.2: blocks and filemarks numbered from 0, end of data after the last. The drive target
//! translates CDBs into these calls and errors into sense data; a medium knows nothing of SCSI beyond the conditions in
//! [`MediumError`].

use std::sync::Arc;

use ferrite_scsi::command::BlockLimits;
use ferrite_scsi::density::Density;

use crate::cartridge::Chip;

/// Facts about a medium that do not change while it is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediumFacts {
    /// Density it is written with.
    pub density: Density,
    /// Cannot be written.
    pub write_protected: bool,
    /// Write once.
    pub worm: bool,
    /// Block lengths it can hold.
    pub limits: BlockLimits,
}

/// Where the tape stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediumPosition {
    /// Blocks and filemarks before the position.
    pub object: u64,
    /// Filemarks before the position.
    pub file: u64,
    /// The last write went past early warning.
    pub past_early_warning: bool,
}

/// A write that succeeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Written {
    /// The tape is past early warning.
    pub early_warning: bool,
}

/// How much of a tape is used up at its position, in bytes of its capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Before the position.
    pub used: u64,
    /// In all.
    pub capacity: u64,
    /// At the end, where writing reports early warning.
    pub early_warning: u64,
}

/// What a read met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum MediumRead {
    /// A block of this length; as much as fits is in the buffer. The position is behind the block.
    Block(u32),
    /// The position is behind the mark.
    Filemark,
    /// The position is unchanged.
    EndOfData,
}

/// How a movement over blocks or marks ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Spaced {
    /// As far as asked.
    Done,
    /// Counting blocks, a filemark was met: the position is behind it (forward) or before it (backward).
    Filemark {
        /// Blocks of the count that are left, as a positive number.
        remaining: u64,
    },
    /// End of data was met.
    EndOfData {
        /// What is left of the count.
        remaining: u64,
    },
    /// Beginning of the tape was met.
    Beginning {
        /// What is left of the count.
        remaining: u64,
    },
}

/// Why a medium could not do what it was asked. `detail` goes to the user beside the sense data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediumError {
    /// The end of the tape: the block was not written.
    Full,
    /// The medium cannot be written.
    WriteProtected,
    /// Not a block length this medium holds.
    BlockLength,
    /// What lies on it makes no sense.
    Corrupted {
        /// Path and cause.
        detail: Arc<str>,
    },
    /// What should be there cannot be read.
    Unreadable {
        /// Path and cause.
        detail: Arc<str>,
    },
    /// A block that was only partly written.
    IncompleteBlock {
        /// Path and cause.
        detail: Arc<str>,
    },
    /// What should be there is missing.
    Missing {
        /// Path and cause.
        detail: Arc<str>,
    },
    /// It could not be written at this place.
    WriteError {
        /// Path and cause.
        detail: Arc<str>,
    },
    /// Where the data ends cannot be found.
    EndOfDataLost {
        /// Path and cause.
        detail: Arc<str>,
    },
    /// The machine under the emulator failed. The command was not executed.
    Host {
        /// Path and cause.
        detail: Arc<str>,
    },
    /// The machine under the emulator failed to store data that was taken before. The command was not executed.
    Deferred {
        /// Path and cause.
        detail: Arc<str>,
    },
}

impl std::fmt::Display for MediumError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            MediumError::Full => f.write_str("the tape is full"),
            MediumError::WriteProtected => f.write_str("the tape is write protected"),
            MediumError::BlockLength => f.write_str("wrong block length"),
            MediumError::Corrupted { detail }
            | MediumError::Unreadable { detail }
            | MediumError::IncompleteBlock { detail }
            | MediumError::Missing { detail }
            | MediumError::WriteError { detail }
            | MediumError::EndOfDataLost { detail }
            | MediumError::Host { detail }
            | MediumError::Deferred { detail } => f.write_str(detail),
        }
    }
}

impl std::error::Error for MediumError {}

/// A tape in a drive.
pub trait Medium: Send {
    /// Name on the cartridge.
    fn label(&self) -> &str;

    /// Facts that do not change while it is loaded.
    fn facts(&self) -> MediumFacts;

    /// Where it stands.
    fn position(&self) -> MediumPosition;

    /// Writes a block at the position and truncates the tape behind it.
    fn write_block(&mut self, block: &[u8]) -> Result<Written, MediumError>;

    /// Writes one filemark at the position and truncates the tape behind it.
    fn write_filemark(&mut self) -> Result<Written, MediumError>;

    /// Returns when everything written is where a power cut cannot take it.
    fn sync(&mut self) -> Result<(), MediumError>;

    /// Reads the next object.
    fn read_block(&mut self, buffer: &mut [u8]) -> Result<MediumRead, MediumError>;

    /// To the beginning.
    fn rewind(&mut self) -> Result<(), MediumError>;

    /// To the end of data.
    fn seek_end(&mut self) -> Result<(), MediumError>;

    /// Over `count` blocks, backwards if negative; stops at filemarks.
    fn space_blocks(&mut self, count: i64) -> Result<Spaced, MediumError>;

    /// Over `count` filemarks, backwards if negative.
    fn space_filemarks(&mut self, count: i64) -> Result<Spaced, MediumError>;

    /// To an object; beyond the end of data: to the end of data.
    fn locate_object(&mut self, object: u64) -> Result<Spaced, MediumError>;

    /// To the first object behind the `file`-th filemark; beyond the end of data: to the end of data.
    fn locate_file(&mut self, file: u64) -> Result<Spaced, MediumError>;

    /// Ends the tape at the position.
    fn erase(&mut self) -> Result<(), MediumError>;

    /// Empties the tape.
    fn format(&mut self) -> Result<(), MediumError>;

    /// Flushes, and leaves the drive. The target drops the medium afterwards whatever the result.
    fn unload(&mut self) -> Result<(), MediumError>;

    // What only cartridges can do; other tapes need none of it.

    /// How full it is at the position; `None`: it does not know.
    fn room(&self) -> Option<Room> {
        None
    }

    /// Objects on it; `None`: it does not know.
    fn end(&self) -> Option<u64> {
        None
    }

    /// Filemarks behind each other at the end of data.
    fn trailing_filemarks(&mut self) -> Result<u64, MediumError> {
        Ok(0)
    }

    /// Whether the drive compresses what is written from now on.
    fn set_compression(&mut self, _on: bool) {}

    /// Length of the next object if it is an encrypted block.
    fn next_sealed(&mut self) -> Result<Option<u32>, MediumError> {
        Ok(None)
    }

    /// The next object is a block that is not encrypted.
    fn next_is_plain(&mut self) -> Result<bool, MediumError> {
        Ok(false)
    }

    /// What the next, encrypted, block is on the tape. The position is unchanged.
    fn read_sealed(&mut self, _sealed: &mut Vec<u8>) -> Result<(), MediumError> {
        Ok(())
    }

    /// Behind the block that [`Medium::read_sealed`] gave.
    fn skip_sealed(&mut self) -> Result<(), MediumError> {
        Ok(())
    }

    /// Writes an encrypted block that was of `length` bytes, as [`Medium::write_block`] does.
    fn write_sealed(&mut self, _sealed: &[u8], _length: u32) -> Result<Written, MediumError> {
        Err(MediumError::Host {
            detail: "this tape cannot hold encrypted blocks".into(),
        })
    }

    /// Its memory chip.
    fn chip(&self) -> Option<&Chip> {
        None
    }

    /// Its memory chip, to be changed; [`Medium::store_chip`] keeps the changes.
    fn chip_mut(&mut self) -> Option<&mut Chip> {
        None
    }

    /// Keeps what was changed on the chip.
    fn store_chip(&mut self) -> Result<(), MediumError> {
        Ok(())
    }

    /// Looks at what another process has done to it. The position stays, or is the end if there is less now.
    fn refresh(&mut self) -> Result<(), MediumError> {
        Ok(())
    }
}
