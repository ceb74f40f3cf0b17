//! A tape of the directory as a [`Medium`]: one OS file per tape file, its end is the filemark (tape-format.md 10).
//!
//! The drive's position is behind a file before the file's first byte is written, as with PBS, which can take over after every
//! command. A crash between two steps leaves files that the index does not name, never an index that names missing files: they
//! would be holes in the tape.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use ferrite_scsi::command::BlockLimits;
use ferrite_scsi::density::Density;

use super::directory::{CurrentTape, Directory};
use super::disk::{Disk, DiskFile};
use super::error::DirectoryError;
use super::layout::{Layout, MAX_FILES, Place};
use super::pieces::Pieces;
use super::sink::FileSink;
use super::source::FileSource;
use crate::medium::{
    Medium, MediumError, MediumFacts, MediumPosition, MediumRead, Spaced, Written,
};

/// Every block on such a tape has this length.
pub const BLOCK_BYTES: usize = ferrite_formats::block::BLOCK_SIZE;
const BLOCK: u64 = BLOCK_BYTES as u64;
/// 2 to the power of this is [`BLOCK_BYTES`].
const BLOCK_GRANULARITY: u8 = BLOCK_BYTES.trailing_zeros() as u8;
/// A file on a full tape still takes this many blocks without a remark.
const MIN_FREE_BLOCKS: u64 = 2;
/// Blocks behind the limit that are still taken, with early warning.
const EARLY_WARNING_BLOCKS: u64 = 2;
/// Finished files whose data has not been synced are kept open for that; more are synced at once.
const MAX_UNSYNCED: usize = 64;

/// A loaded tape.
pub(super) struct PbsTape {
    directory: Arc<Directory>,
    disk: Arc<dyn Disk>,
    label: String,
    max_bytes: u64,
    layout: Layout,
    at: Place,
    /// Position in `drive-status.json`.
    stored_pos: u64,
    reader: Option<Reader>,
    writer: Option<Writer>,
    pieces: Pieces,
    unsynced: Vec<Unsynced>,
    /// Something was changed since the last sync.
    dirty: bool,
    past_early_warning: bool,
}

/// A finished file whose data may still be in the machine's memory.
struct Unsynced {
    path: Arc<Path>,
    file: Arc<dyn DiskFile>,
}

struct Reader {
    source: FileSource,
    number: u64,
}

struct Writer {
    sink: FileSink,
    /// Blocks that fit without early warning.
    plain_blocks: u64,
}

impl PbsTape {
    /// Takes the tape as it is in the directory; `None` if it does not exist.
    pub fn open(
        directory: Arc<Directory>,
        disk: Arc<dyn Disk>,
        label: &str,
        max_bytes: u64,
        pos: u64,
    ) -> Result<Option<Self>, DirectoryError> {
        let Some(files) = directory.read_index(label)? else {
            return Ok(None);
        };
        let layout = Layout::scan(&directory, label, files)?;
        if let Some(last) = files.checked_sub(1).filter(|_| !directory.read_only()) {
            release_reserved_room(&directory.file_path(label, last));
        }
        let file = pos.min(layout.files());
        Ok(Some(Self {
            at: Place { file, block: 0 },
            stored_pos: pos,
            label: label.to_owned(),
            max_bytes,
            layout,
            directory,
            disk,
            reader: None,
            writer: None,
            pieces: Pieces::default(),
            unsynced: Vec::new(),
            dirty: false,
            past_early_warning: false,
        }))
    }

    fn path(&self, number: u64) -> Arc<Path> {
        self.directory.file_path(&self.label, number).into()
    }

    /// PBS's position is a file number: behind the file that is being read or written.
    fn store_position(&mut self, pos: u64) -> Result<(), MediumError> {
        if pos != self.stored_pos {
            self.directory.store_current_tape(Some(CurrentTape {
                name: self.label.clone(),
                pos,
            }))?;
            self.stored_pos = pos;
        }
        Ok(())
    }

    fn moved(&mut self, place: Place) -> Result<(), MediumError> {
        self.at = place;
        if self
            .reader
            .as_ref()
            .is_some_and(|reader| reader.number != place.file)
        {
            self.stop_reading();
        }
        self.past_early_warning = false;
        let pos = if place.block == 0 {
            place.file
        } else {
            place.file + 1
        };
        self.store_position(pos)
    }

    /// Ends writing before the tape moves. The file stays without filemark in `layout` until one is written.
    fn stop_writing(&mut self) -> Result<(), MediumError> {
        let Some(writer) = self.writer.take() else {
            return Ok(());
        };
        let closed = writer.sink.close(&mut self.pieces);
        self.layout.set_open_length(closed.stored);
        self.at = self.layout.end();
        let synced = if self.unsynced.len() >= MAX_UNSYNCED {
            self.sync_files()
        } else {
            Ok(())
        };
        self.unsynced.push(Unsynced {
            path: self.path(self.at.file),
            file: closed.file,
        });
        closed
            .result
            .map_err(|detail| MediumError::Deferred { detail })?;
        synced
    }

    fn sync_files(&mut self) -> Result<(), MediumError> {
        let mut result = Ok(());
        for Unsynced { path, file } in self.unsynced.drain(..) {
            if let Err(error) = file.sync() {
                result = Err(MediumError::Deferred {
                    detail: format!("{}: sync: {error}", path.display()).into(),
                });
            }
        }
        result
    }

    /// The writer at the present position: begins a file, or cuts the one that is here and goes on in it.
    fn begin_writing(&mut self) -> Result<(), MediumError> {
        if self.directory.read_only() {
            return Err(MediumError::WriteProtected);
        }
        if self.writer.is_some() {
            return Ok(());
        }
        self.stop_reading();
        self.pieces.settle();
        self.dirty = true;
        let Place {
            file: number,
            block,
        } = self.at;
        if number >= MAX_FILES {
            return Err(MediumError::Full);
        }
        // A partial block at the end of a file is overwritten, not continued.
        let kept = (block * BLOCK).min(self.layout.bytes(number) / BLOCK * BLOCK);
        let overwrites = number < self.layout.files();
        if overwrites {
            self.directory.store_index(&self.label, number + 1)?;
            self.remove_files(number + 1)?;
        }
        let used = self.layout.bytes_before(number);
        let plain_blocks = (self.max_bytes.saturating_sub(used) / BLOCK).max(MIN_FREE_BLOCKS);
        let path = self.path(number);
        let opened = self
            .open_for_writing(&path, kept)
            .map_err(|error| MediumError::Host {
                detail: format!("{}: cannot open: {error}", path.display()).into(),
            })?;
        if !overwrites {
            self.directory.store_index(&self.label, number + 1)?;
        }
        self.layout.begin_file(number, kept);
        self.at.block = kept / BLOCK;
        self.store_position(number + 1)?;
        let limit = (plain_blocks + EARLY_WARNING_BLOCKS).saturating_mul(BLOCK);
        let sink = FileSink::new(opened, path, kept, limit);
        self.writer = Some(Writer { sink, plain_blocks });
        Ok(())
    }

    /// Makes a file, or cuts the one that is there to `kept` bytes.
    fn open_for_writing(&self, path: &Path, kept: u64) -> std::io::Result<Arc<dyn DiskFile>> {
        if kept == 0 {
            return self.disk.create(path);
        }
        let file = self.disk.open(path)?;
        file.truncate(kept)?;
        Ok(file)
    }

    /// Removes the files from `first` on. The index has forgotten them already: a crash leaves strays, not holes.
    fn remove_files(&mut self, first: u64) -> Result<(), MediumError> {
        for number in (first..self.layout.files()).rev() {
            let path = self.path(number);
            match std::fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(MediumError::Host {
                        detail: format!("{}: remove: {error}", path.display()).into(),
                    });
                }
            }
            self.layout.remove_last();
        }
        Ok(())
    }

    /// Opens the file at the present position, unless it is open.
    fn start_reading(&mut self) -> Result<(), MediumError> {
        let number = self.at.file;
        if self
            .reader
            .as_ref()
            .is_some_and(|reader| reader.number == number)
        {
            return Ok(());
        }
        self.stop_reading();
        let path = self.directory.file_path(&self.label, number);
        let source =
            FileSource::open(&path, self.layout.bytes(number) / BLOCK).map_err(|error| {
                let detail: Arc<str> = format!("{}: {error}", path.display()).into();
                if error.kind() == std::io::ErrorKind::NotFound {
                    MediumError::Missing { detail }
                } else {
                    MediumError::Unreadable { detail }
                }
            })?;
        self.reader = Some(Reader { source, number });
        Ok(())
    }

    fn stop_reading(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.source.close(&mut self.pieces);
        }
    }

    fn read_at_place(&mut self, buffer: &mut [u8]) -> Result<MediumRead, MediumError> {
        let Place {
            file: number,
            block,
        } = self.at;
        let left = self.layout.bytes(number).saturating_sub(block * BLOCK);
        if left < BLOCK && !self.layout.is_missing(number) {
            let path = self.directory.file_path(&self.label, number);
            let detail = format!("{}: ends {left} bytes into block {block}", path.display()).into();
            return Err(MediumError::IncompleteBlock { detail });
        }
        self.start_reading()?;
        let Some(reader) = &mut self.reader else {
            return Ok(MediumRead::EndOfData);
        };
        let length = buffer.len().min(BLOCK_BYTES);
        let result = reader
            .source
            .read(block, &mut buffer[..length], &mut self.pieces);
        result.map_err(|error| {
            let path = self.directory.file_path(&self.label, number);
            MediumError::Unreadable {
                detail: format!("{}: block {block}: {error}", path.display()).into(),
            }
        })?;
        Ok(MediumRead::Block(BLOCK_BYTES as u32))
    }
}

/// A writer that was killed leaves the room it had reserved behind the end of its file.
fn release_reserved_room(path: &Path) {
    const SECTOR: u64 = 512;
    let Ok(metadata) = std::fs::metadata(path) else {
        return;
    };
    if metadata.blocks() * SECTOR >= metadata.len() + BLOCK {
        // Setting the length it has frees what lies behind. If not, the room is lost until the file is written again.
        let _ = std::fs::File::options()
            .write(true)
            .open(path)
            .and_then(|file| file.set_len(metadata.len()));
    }
}

impl Medium for PbsTape {
    fn label(&self) -> &str {
        &self.label
    }

    fn facts(&self) -> MediumFacts {
        MediumFacts {
            density: Density::LTO8,
            write_protected: self.directory.read_only(),
            worm: false,
            limits: BlockLimits {
                granularity: BLOCK_GRANULARITY,
                max: BLOCK_BYTES as u32,
                min: 0,
            },
        }
    }

    fn position(&self) -> MediumPosition {
        MediumPosition {
            object: self.layout.object(self.at),
            file: self.at.file,
            past_early_warning: self.past_early_warning,
        }
    }

    fn write_block(&mut self, block: &[u8]) -> Result<Written, MediumError> {
        if block.len() != BLOCK_BYTES {
            return Err(MediumError::BlockLength);
        }
        self.begin_writing()?;
        let Some(writer) = &mut self.writer else {
            return Err(MediumError::Full);
        };
        let number = self.at.block + 1;
        if number > writer.plain_blocks + EARLY_WARNING_BLOCKS {
            return Err(MediumError::Full);
        }
        let result = writer.sink.append(block, &mut self.pieces);
        let (length, stored) = (writer.sink.length(), writer.sink.stored());
        let early_warning = number > writer.plain_blocks;
        if let Err(detail) = result {
            self.layout.set_open_length(stored);
            self.at = self.layout.end();
            return Err(MediumError::Deferred { detail });
        }
        self.layout.set_open_length(length);
        self.at.block = number;
        self.past_early_warning = early_warning;
        Ok(Written { early_warning })
    }

    fn write_filemark(&mut self) -> Result<Written, MediumError> {
        let early_warning = self.past_early_warning;
        self.begin_writing()?;
        self.stop_writing()?;
        self.layout.close_file();
        self.at = self.layout.end();
        self.store_position(self.at.file)?;
        Ok(Written { early_warning })
    }

    fn sync(&mut self) -> Result<(), MediumError> {
        if !self.dirty {
            return Ok(());
        }
        if let Some(writer) = &mut self.writer {
            writer
                .sink
                .sync(&mut self.pieces)
                .map_err(|detail| MediumError::Deferred { detail })?;
        }
        self.sync_files()?;
        self.directory.sync(&self.label)?;
        self.dirty = self.writer.is_some();
        Ok(())
    }

    fn read_block(&mut self, buffer: &mut [u8]) -> Result<MediumRead, MediumError> {
        self.stop_writing()?;
        if self.layout.is_end(self.at) {
            return Ok(MediumRead::EndOfData);
        }
        // PBS stores this as soon as a file is opened, even if it is never read to its end.
        self.store_position(self.at.file + 1)?;
        if self.at.block == self.layout.blocks(self.at.file)
            && !self.layout.is_missing(self.at.file)
        {
            self.at = Place {
                file: self.at.file + 1,
                block: 0,
            };
            self.stop_reading();
            return Ok(MediumRead::Filemark);
        }
        let read = self.read_at_place(buffer)?;
        self.at.block += 1;
        Ok(read)
    }

    fn rewind(&mut self) -> Result<(), MediumError> {
        self.stop_writing()?;
        self.moved(Place { file: 0, block: 0 })
    }

    fn seek_end(&mut self) -> Result<(), MediumError> {
        self.stop_writing()?;
        self.moved(self.layout.end())?;
        self.past_early_warning = self.layout.bytes_before(u64::MAX) > self.max_bytes;
        Ok(())
    }

    fn space_blocks(&mut self, count: i64) -> Result<Spaced, MediumError> {
        self.stop_writing()?;
        let (place, spaced) = self.layout.space_blocks(self.at, count);
        self.moved(place)?;
        Ok(spaced)
    }

    fn space_filemarks(&mut self, count: i64) -> Result<Spaced, MediumError> {
        self.stop_writing()?;
        let (place, spaced) = self.layout.space_filemarks(self.at, count);
        self.moved(place)?;
        Ok(spaced)
    }

    fn locate_object(&mut self, object: u64) -> Result<Spaced, MediumError> {
        self.stop_writing()?;
        let (place, spaced) = self.layout.locate_object(object);
        self.moved(place)?;
        Ok(spaced)
    }

    fn locate_file(&mut self, file: u64) -> Result<Spaced, MediumError> {
        self.stop_writing()?;
        let (place, spaced) = self.layout.locate_file(file);
        self.moved(place)?;
        Ok(spaced)
    }

    fn erase(&mut self) -> Result<(), MediumError> {
        if self.directory.read_only() {
            return Err(MediumError::WriteProtected);
        }
        self.stop_writing()?;
        if self.at.block > 0 {
            self.begin_writing()?;
            return self.stop_writing();
        }
        self.dirty = true;
        self.stop_reading();
        self.directory.store_index(&self.label, self.at.file)?;
        self.remove_files(self.at.file)
    }

    fn format(&mut self) -> Result<(), MediumError> {
        self.rewind()?;
        self.erase()
    }

    fn unload(&mut self) -> Result<(), MediumError> {
        let stopped = self.stop_writing();
        let synced = if stopped.is_ok() { self.sync() } else { Ok(()) };
        self.directory.store_current_tape(None)?;
        stopped.and(synced)
    }
}

impl Drop for PbsTape {
    fn drop(&mut self) {
        // Whoever did not finish a file gets what a crash of PBS leaves: the blocks so far. Nobody is left to hear an error.
        let _ = self.stop_writing();
    }
}
