//! A cartridge: one block-structured file (or memory) with all that an LTO cartridge has: blocks of any length, filemarks, its
//! memory chip, wear, write protection, damage, blocks that are encrypted for good.
//!
//! Layout of the file, all numbers little endian:
//!
//! | where | what |
//! |---|---|
//! | 0 | a line that says what this is; at 64 the epoch, which counts whenever something on the tape went away |
//! | 4096 | the chip, as a record in two slots of 64 KiB (src/record.rs), JSON |
//! | 135168 | segments: a table of 254 objects, then their bytes (the file's own module says how) |
//!
//! Only what a table names is on the tape, and a table's entry is written last: a process that dies at any moment leaves a tape
//! that ends before the block it was writing. Other processes follow by reading the tables behind what they know, or all of them
//! if the epoch changed. Object numbers, filemark numbers and the capacity used are known at every segment's head, so positioning
//! costs a search and one page.

mod chip;
mod error;
mod segments;
mod store;
mod table;

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

pub use chip::{CartridgeKind, Chip, Damage, HostAttribute, Wear};
pub use error::CartridgeError;
pub use store::{FileStore, MemoryStore, Store};

use ferrite_scsi::command::BlockLimits;

use crate::generation;
use crate::medium::{
    Medium, MediumError, MediumFacts, MediumPosition, MediumRead, Room, Spaced, Written,
};
use crate::record::RecordPlace;
use segments::Segments;
use table::{Entry, EntryKind};

/// First bytes of a cartridge file.
pub const CARTRIDGE_MAGIC: &[u8] = b"Ferrite cartridge 1\n";
const EPOCH_AT: u64 = 64;
pub(crate) const CHIP_PLACE: RecordPlace = RecordPlace {
    offset: 4096,
    slot_bytes: 64 << 10,
};
/// Where the tape begins.
const DATA_AT: u64 = CHIP_PLACE.offset + CHIP_PLACE.bytes();
/// Longest block of LTO drives.
pub const MAX_BLOCK_BYTES: u32 = 0x80_0000;
/// Capacity a filemark takes; otherwise a tape could hold marks without end.
const FILEMARK_BYTES: u32 = 4096;
/// Tape behind the last block, so that a file that reached the end can still be closed.
const MARK_RESERVE_BYTES: u64 = 64 * FILEMARK_BYTES as u64;

/// A cartridge's contents and where they stand.
pub struct Cartridge {
    store: Box<dyn Store>,
    /// For messages.
    name: String,
    chip: Chip,
    chip_version: u64,
    epoch: u64,
    segments: Segments,
    /// Compress what is written, if the cartridge's data can be.
    compress: bool,
    /// The file could only be opened for reading.
    read_only: bool,
}

impl std::fmt::Debug for Cartridge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cartridge")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Cartridge {
    /// A new cartridge in memory.
    ///
    /// # Errors
    /// None that memory gives.
    pub fn in_memory(chip: Chip) -> Result<Self, CartridgeError> {
        Self::create_in(Box::new(MemoryStore::default()), "memory".to_owned(), chip)
    }

    /// A new cartridge in a new file.
    ///
    /// # Errors
    /// The file exists, or the system refused.
    pub fn create(path: &Path, chip: Chip) -> Result<Self, CartridgeError> {
        let name = path.display().to_string();
        let file = std::fs::File::options()
            .read(true)
            .write(true)
            .create_new(true)
            // Whoever reads the file reads the tape.
            .mode(0o600)
            .open(path)
            .map_err(|source| CartridgeError::io(&name, "create", source))?;
        Self::create_in(Box::new(FileStore::new(file)), name, chip)
    }

    /// A new cartridge in any store that is empty.
    ///
    /// # Errors
    /// What the store gave.
    pub fn create_in(
        mut store: Box<dyn Store>,
        name: String,
        chip: Chip,
    ) -> Result<Self, CartridgeError> {
        let segments = Segments::create(store.as_mut(), DATA_AT)
            .map_err(|source| CartridgeError::io(&name, "write", source))?;
        let mut cartridge = Self {
            store,
            name,
            chip,
            chip_version: 0,
            epoch: 0,
            segments,
            compress: true,
            read_only: false,
        };
        cartridge.write_chip()?;
        // Last: without it, this is no cartridge yet.
        cartridge
            .store
            .write_at(CARTRIDGE_MAGIC, 0)
            .map_err(|source| CartridgeError::io(&cartridge.name, "write", source))?;
        Ok(cartridge)
    }

    /// An existing cartridge; a file that cannot be written counts as write protected.
    ///
    /// # Errors
    /// [`CartridgeError::Damaged`] if this is no cartridge, or what the system gave.
    pub fn open(path: &Path) -> Result<Self, CartridgeError> {
        let name = path.display().to_string();
        let writable = std::fs::File::options().read(true).write(true).open(path);
        let (file, read_only) = match writable {
            Ok(file) => (file, false),
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem
                ) =>
            {
                let file = std::fs::File::open(path)
                    .map_err(|source| CartridgeError::io(&name, "open", source))?;
                (file, true)
            }
            Err(source) => return Err(CartridgeError::io(&name, "open", source)),
        };
        let mut cartridge = Self::open_in(Box::new(FileStore::new(file)), name)?;
        cartridge.read_only = read_only;
        Ok(cartridge)
    }

    /// An existing cartridge in any store.
    ///
    /// # Errors
    /// [`CartridgeError::Damaged`] if this is no cartridge, or what the store gave.
    pub fn open_in(store: Box<dyn Store>, name: String) -> Result<Self, CartridgeError> {
        let mut magic = [0; CARTRIDGE_MAGIC.len()];
        let io = |source| CartridgeError::io(&name, "read", source);
        if store.read_at(&mut magic, 0).map_err(io)? < magic.len() || magic != CARTRIDGE_MAGIC {
            return Err(CartridgeError::damaged(&name, "no cartridge file"));
        }
        let epoch = read_epoch(store.as_ref()).map_err(io)?;
        let (chip, chip_version) = read_chip(store.as_ref(), &name)?;
        let segments = Segments::open(store.as_ref(), DATA_AT)
            .map_err(|error| CartridgeError::segments(&name, error))?;
        Ok(Self {
            store,
            name,
            chip,
            chip_version,
            epoch,
            segments,
            compress: true,
            read_only: false,
        })
    }

    /// What is on the chip.
    pub fn chip(&self) -> &Chip {
        &self.chip
    }

    /// Changes what is on the chip, and stores it.
    ///
    /// # Errors
    /// What the store gave.
    pub fn update_chip(&mut self, change: impl FnOnce(&mut Chip)) -> Result<(), CartridgeError> {
        let mut chip = self.chip.clone();
        change(&mut chip);
        if chip != self.chip {
            self.chip = chip;
            self.write_chip()?;
        }
        Ok(())
    }

    fn write_chip(&mut self) -> Result<(), CartridgeError> {
        let payload = serde_json::to_vec(&self.chip)
            .map_err(|error| CartridgeError::damaged(&self.name, &error.to_string()))?;
        self.chip_version += 1;
        CHIP_PLACE
            .write(self.store.as_mut(), self.chip_version, &payload)
            .map_err(|source| CartridgeError::io(&self.name, "write the chip of", source))
    }

    /// Changes bytes of a block behind the drive's back.
    ///
    /// # Errors
    /// [`CartridgeError::NoSuchBlock`], or what the store gave.
    pub fn corrupt(&mut self, object: u64) -> Result<(), CartridgeError> {
        let (entry, at) = self
            .segments
            .look(self.store.as_ref(), object)
            .map_err(|error| CartridgeError::segments(&self.name, error))?
            .filter(|(entry, _)| entry.stored > 0)
            .ok_or_else(|| CartridgeError::NoSuchBlock {
                path: self.name.clone(),
                object,
            })?;
        let middle = at + u64::from(entry.stored / 2);
        let mut byte = [0];
        let io = |source| CartridgeError::io(&self.name, "damage", source);
        self.store.read_at(&mut byte, middle).map_err(io)?;
        byte[0] ^= 0x40;
        self.store.write_at(&byte, middle).map_err(io)
    }

    /// Objects on the tape.
    pub fn objects(&self) -> u64 {
        self.segments.end()
    }

    fn host(&self, action: &str, error: impl std::fmt::Display) -> MediumError {
        MediumError::Host {
            detail: format!("{}: cannot {action}: {error}", self.name).into(),
        }
    }

    fn segment_error(&self, error: segments::SegmentError) -> MediumError {
        match error {
            segments::SegmentError::Io(error) => self.host("read", error),
            segments::SegmentError::Damaged(what) => MediumError::Corrupted {
                detail: format!("{}: {what}", self.name).into(),
            },
        }
    }

    fn check_writable(&self) -> Result<(), MediumError> {
        if self.chip.write_protected || self.read_only {
            return Err(MediumError::WriteProtected);
        }
        let object = self.segments.position().object;
        if self.chip.is_damaged(&Damage::Unwritable(object)) {
            return Err(MediumError::WriteError {
                detail: format!("{}: object {object} is damaged", self.name).into(),
            });
        }
        Ok(())
    }

    /// Everything behind the position goes away.
    fn truncate(&mut self) -> Result<(), MediumError> {
        if self.segments.at_end() {
            return Ok(());
        }
        self.epoch += 1;
        let epoch = self.epoch.to_le_bytes();
        self.store
            .write_at(&epoch, EPOCH_AT)
            .and_then(|()| self.segments.truncate(self.store.as_mut()))
            .map_err(|error| self.host("write", error))
    }

    fn append(&mut self, bytes: &[u8], entry: Entry) -> Result<Written, MediumError> {
        self.check_writable()?;
        let used = self
            .segments
            .position()
            .charged
            .saturating_add(u64::from(entry.charged));
        let reserve = match entry.kind {
            EntryKind::Filemark => MARK_RESERVE_BYTES,
            EntryKind::Block { .. } => 0,
        };
        if used > self.chip.capacity_bytes.saturating_add(reserve) {
            return Err(MediumError::Full);
        }
        self.truncate()?;
        self.segments
            .append(self.store.as_mut(), bytes, entry)
            .map_err(|error| self.host("write", error))?;
        Ok(Written {
            early_warning: self.past_early_warning(),
        })
    }

    fn past_early_warning(&self) -> bool {
        let chip = &self.chip;
        self.segments.position().charged
            >= chip.capacity_bytes.saturating_sub(chip.early_warning_bytes)
    }

    /// The next object, if the tape is not at its end.
    fn peek(&mut self) -> Result<Option<(Entry, u64)>, MediumError> {
        let object = self.segments.position().object;
        if self.chip.damage.is_empty() {
            return self
                .segments
                .peek(self.store.as_ref())
                .map_err(|error| self.segment_error(error));
        }
        if self.chip.is_damaged(&Damage::Unreadable(object)) {
            return Err(MediumError::Unreadable {
                detail: format!("{}: object {object} is damaged", self.name).into(),
            });
        }
        if self.segments.at_end() && self.chip.is_damaged(&Damage::EndOfDataLost) {
            return Err(MediumError::EndOfDataLost {
                detail: format!("{}: no end of data", self.name).into(),
            });
        }
        self.segments
            .peek(self.store.as_ref())
            .map_err(|error| self.segment_error(error))
    }

    fn fill(&self, buffer: &mut [u8], at: u64) -> Result<(), MediumError> {
        match self.store.read_at(buffer, at) {
            Ok(bytes) if bytes == buffer.len() => Ok(()),
            Ok(_) => Err(MediumError::IncompleteBlock {
                detail: format!("{}: the file ends in the middle of a block", self.name).into(),
            }),
            Err(error) => Err(self.host("read", error)),
        }
    }

    fn seek(&mut self, object: u64) -> Result<(), MediumError> {
        self.segments
            .seek(self.store.as_ref(), object)
            .map_err(|error| self.segment_error(error))
    }

    /// Object number of filemark `number`, from 0.
    fn filemark(&mut self, number: u64) -> Result<Option<u64>, MediumError> {
        self.segments
            .filemark(self.store.as_ref(), number)
            .map_err(|error| self.segment_error(error))
    }
}

fn read_epoch(store: &dyn Store) -> std::io::Result<u64> {
    let mut bytes = [0; 8];
    store.read_at(&mut bytes, EPOCH_AT)?;
    Ok(u64::from_le_bytes(bytes))
}

fn read_chip(store: &dyn Store, name: &str) -> Result<(Chip, u64), CartridgeError> {
    let record = CHIP_PLACE
        .read(store)
        .map_err(|source| CartridgeError::io(name, "read the chip of", source))?
        .ok_or_else(|| CartridgeError::damaged(name, "the chip is empty"))?;
    let chip: Chip = serde_json::from_slice(&record.payload)
        .map_err(|error| CartridgeError::damaged(name, &format!("the chip: {error}")))?;
    if generation::facts(chip.generation).is_none() {
        return Err(CartridgeError::damaged(name, "an unknown generation"));
    }
    Ok((chip, record.version))
}

impl Medium for Cartridge {
    fn label(&self) -> &str {
        &self.chip.barcode
    }

    fn facts(&self) -> MediumFacts {
        MediumFacts {
            density: generation::density(self.chip.generation),
            write_protected: self.chip.write_protected || self.read_only,
            worm: self.chip.kind == CartridgeKind::Worm,
            limits: BlockLimits {
                granularity: 0,
                max: MAX_BLOCK_BYTES,
                min: 1,
            },
        }
    }

    fn position(&self) -> MediumPosition {
        let at = self.segments.position();
        MediumPosition {
            object: at.object,
            file: at.filemarks,
            past_early_warning: self.past_early_warning(),
        }
    }

    fn write_block(&mut self, block: &[u8]) -> Result<Written, MediumError> {
        let length = u32::try_from(block.len()).map_err(|_| MediumError::BlockLength)?;
        if length == 0 || length > MAX_BLOCK_BYTES {
            return Err(MediumError::BlockLength);
        }
        let charged = if self.compress && self.chip.compression_percent > 100 {
            let compressed = u64::from(length) * 100 / u64::from(self.chip.compression_percent);
            compressed.max(1) as u32
        } else {
            length
        };
        let kind = EntryKind::Block { sealed: false };
        let entry = Entry {
            kind,
            length,
            stored: length,
            charged,
        };
        self.append(block, entry)
    }

    fn write_filemark(&mut self) -> Result<Written, MediumError> {
        let entry = Entry {
            kind: EntryKind::Filemark,
            length: 0,
            stored: 0,
            charged: FILEMARK_BYTES,
        };
        self.append(&[], entry)
    }

    fn sync(&mut self) -> Result<(), MediumError> {
        if self.read_only {
            return Ok(());
        }
        self.store.sync().map_err(|error| self.host("sync", error))
    }

    fn read_block(&mut self, buffer: &mut [u8]) -> Result<MediumRead, MediumError> {
        let Some((entry, at)) = self.peek()? else {
            return Ok(MediumRead::EndOfData);
        };
        if entry.kind == EntryKind::Filemark {
            self.segments.step(entry);
            return Ok(MediumRead::Filemark);
        }
        let bytes = buffer.len().min(entry.length as usize);
        self.fill(&mut buffer[..bytes], at)?;
        self.segments.step(entry);
        Ok(MediumRead::Block(entry.length))
    }

    fn rewind(&mut self) -> Result<(), MediumError> {
        self.seek(0)
    }

    fn seek_end(&mut self) -> Result<(), MediumError> {
        if self.chip.is_damaged(&Damage::EndOfDataLost) {
            return Err(MediumError::EndOfDataLost {
                detail: format!("{}: no end of data", self.name).into(),
            });
        }
        self.seek(u64::MAX)
    }

    fn space_blocks(&mut self, count: i64) -> Result<Spaced, MediumError> {
        let at = self.segments.position();
        let wanted = count.unsigned_abs();
        if count < 0 {
            let mark = match at.filemarks.checked_sub(1) {
                Some(number) => self.filemark(number)?,
                None => None,
            };
            let floor = mark.map_or(0, |mark| mark + 1);
            if wanted <= at.object - floor {
                self.seek(at.object - wanted)?;
                return Ok(Spaced::Done);
            }
            let remaining = wanted - (at.object - floor);
            self.seek(mark.unwrap_or(0))?;
            return Ok(match mark {
                Some(_) => Spaced::Filemark { remaining },
                None => Spaced::Beginning { remaining },
            });
        }
        let mark = self.filemark(at.filemarks)?;
        let end = mark.unwrap_or_else(|| self.segments.end());
        if wanted <= end - at.object {
            self.seek(at.object + wanted)?;
            return Ok(Spaced::Done);
        }
        let remaining = wanted - (end - at.object);
        match mark {
            Some(mark) => {
                self.seek(mark + 1)?;
                Ok(Spaced::Filemark { remaining })
            }
            None => {
                self.seek_end()?;
                Ok(Spaced::EndOfData { remaining })
            }
        }
    }

    fn space_filemarks(&mut self, count: i64) -> Result<Spaced, MediumError> {
        let file = self.segments.position().filemarks;
        let wanted = count.unsigned_abs();
        if count >= 0 {
            return self.locate_file(file.saturating_add(wanted));
        }
        let mark = match file.checked_sub(wanted) {
            Some(number) => self.filemark(number)?,
            None => None,
        };
        match mark {
            Some(mark) => {
                self.seek(mark)?;
                Ok(Spaced::Done)
            }
            None => {
                self.seek(0)?;
                Ok(Spaced::Beginning {
                    remaining: wanted.saturating_sub(file),
                })
            }
        }
    }

    fn locate_object(&mut self, object: u64) -> Result<Spaced, MediumError> {
        let end = self.segments.end();
        if object > end {
            self.seek_end()?;
            return Ok(Spaced::EndOfData {
                remaining: object - end,
            });
        }
        self.seek(object)?;
        Ok(Spaced::Done)
    }

    fn locate_file(&mut self, file: u64) -> Result<Spaced, MediumError> {
        let marks = self.segments.filemarks();
        if file > marks {
            self.seek_end()?;
            return Ok(Spaced::EndOfData {
                remaining: file - marks,
            });
        }
        let object = match file.checked_sub(1) {
            None => 0,
            Some(number) => self.filemark(number)?.map_or(0, |mark| mark + 1),
        };
        self.seek(object)?;
        Ok(Spaced::Done)
    }

    fn erase(&mut self) -> Result<(), MediumError> {
        self.check_writable()?;
        self.truncate()
    }

    fn format(&mut self) -> Result<(), MediumError> {
        self.check_writable()?;
        self.seek(0)?;
        self.truncate()?;
        self.segments
            .release(self.store.as_mut())
            .map_err(|error| self.host("write", error))
    }

    fn unload(&mut self) -> Result<(), MediumError> {
        self.sync()
    }

    fn room(&self) -> Option<Room> {
        Some(Room {
            used: self.segments.position().charged,
            capacity: self.chip.capacity_bytes,
            early_warning: self.chip.early_warning_bytes,
        })
    }

    fn end(&self) -> Option<u64> {
        Some(self.segments.end())
    }

    fn trailing_filemarks(&mut self) -> Result<u64, MediumError> {
        let (end, mut run) = (self.segments.end(), 0);
        let mut number = self.segments.filemarks();
        while number > 0 {
            number -= 1;
            if self.filemark(number)? != Some(end - 1 - run) {
                break;
            }
            run += 1;
        }
        Ok(run)
    }

    fn set_compression(&mut self, on: bool) {
        self.compress = on;
    }

    fn next_sealed(&mut self) -> Result<Option<u32>, MediumError> {
        Ok(self.peek()?.and_then(|(entry, _)| match entry.kind {
            EntryKind::Block { sealed: true } => Some(entry.length),
            EntryKind::Block { sealed: false } | EntryKind::Filemark => None,
        }))
    }

    fn next_is_plain(&mut self) -> Result<bool, MediumError> {
        let plain = EntryKind::Block { sealed: false };
        Ok(self.peek()?.is_some_and(|(entry, _)| entry.kind == plain))
    }

    fn read_sealed(&mut self, sealed: &mut Vec<u8>) -> Result<(), MediumError> {
        sealed.clear();
        let Some((entry, at)) = self.peek()? else {
            return Ok(());
        };
        sealed.resize(entry.stored as usize, 0);
        self.fill(sealed, at)
    }

    fn skip_sealed(&mut self) -> Result<(), MediumError> {
        if let Some((entry, _)) = self.peek()? {
            self.segments.step(entry);
        }
        Ok(())
    }

    fn write_sealed(&mut self, sealed: &[u8], length: u32) -> Result<Written, MediumError> {
        let stored = u32::try_from(sealed.len()).map_err(|_| MediumError::BlockLength)?;
        if length == 0 || length > MAX_BLOCK_BYTES || stored <= length {
            return Err(MediumError::BlockLength);
        }
        let entry = Entry {
            kind: EntryKind::Block { sealed: true },
            length,
            stored,
            charged: length,
        };
        self.append(sealed, entry)
    }

    fn chip(&self) -> Option<&Chip> {
        Some(&self.chip)
    }

    fn chip_mut(&mut self) -> Option<&mut Chip> {
        Some(&mut self.chip)
    }

    fn store_chip(&mut self) -> Result<(), MediumError> {
        if self.read_only {
            return Ok(());
        }
        self.write_chip().map_err(|error| self.host("store", error))
    }

    fn refresh(&mut self) -> Result<(), MediumError> {
        let object = self.segments.position().object;
        let epoch = read_epoch(self.store.as_ref()).map_err(|error| self.host("read", error))?;
        let (chip, version) =
            read_chip(self.store.as_ref(), &self.name).map_err(|error| self.host("read", error))?;
        (self.chip, self.chip_version) = (chip, version);
        let follow = if epoch == self.epoch {
            self.segments.follow(self.store.as_ref())
        } else {
            Segments::open(self.store.as_ref(), DATA_AT).map(|segments| self.segments = segments)
        };
        follow.map_err(|error| self.segment_error(error))?;
        self.epoch = epoch;
        self.seek(object)
    }
}
