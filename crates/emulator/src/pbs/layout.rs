//! Which blocks and filemarks are on a tape: arithmetic over the lengths of its files, nothing else.

use std::sync::Arc;

use super::directory::Directory;
use super::error::DirectoryError;
use super::tape::BLOCK_BYTES;
use crate::medium::Spaced;

const BLOCK: u64 = BLOCK_BYTES as u64;
/// More files on one tape than any program wrote; guards against a damaged index.
pub(super) const MAX_FILES: u64 = 1 << 20;

/// A position: block `block` of file `file`. Behind the last block of a file it is in front of the filemark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub file: u64,
    pub block: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TapeFile {
    bytes: u64,
    /// Object number of its first block.
    first_object: u64,
    missing: bool,
}

impl TapeFile {
    /// A partial block at the end counts: it is there, although it cannot be read.
    fn blocks(&self) -> u64 {
        self.bytes.div_ceil(BLOCK)
    }
}

/// The files of a tape in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    files: Vec<TapeFile>,
    /// The last file has no filemark yet.
    open: bool,
}

impl Layout {
    /// Looks at all files that the index names.
    pub fn scan(
        directory: &Arc<Directory>,
        label: &str,
        files: u64,
    ) -> Result<Self, DirectoryError> {
        if files > MAX_FILES {
            let what = format!("{files} files on one tape");
            return Err(DirectoryError::Damaged {
                path: directory.index_path(label),
                what,
            });
        }
        let mut layout = Self::default();
        for number in 0..files {
            let path = directory.file_path(label, number);
            match std::fs::metadata(&path) {
                Ok(metadata) => layout.push(metadata.len(), false),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => layout.push(0, true),
                Err(error) => return Err(DirectoryError::io(&path, "look at", error)),
            }
        }
        Ok(layout)
    }

    fn push(&mut self, bytes: u64, missing: bool) {
        let first_object = self
            .files
            .last()
            .map_or(0, |last| last.first_object + last.blocks() + 1);
        self.files.push(TapeFile {
            bytes,
            first_object,
            missing,
        });
    }

    fn get(&self, file: u64) -> Option<&TapeFile> {
        self.files.get(usize::try_from(file).ok()?)
    }

    /// Number of files, including one without filemark.
    pub fn files(&self) -> u64 {
        self.files.len() as u64
    }

    /// Number of filemarks.
    fn filemarks(&self) -> u64 {
        self.files() - u64::from(self.open)
    }

    pub fn bytes(&self, file: u64) -> u64 {
        self.get(file).map_or(0, |file| file.bytes)
    }

    pub fn blocks(&self, file: u64) -> u64 {
        self.get(file).map_or(0, TapeFile::blocks)
    }

    /// The index names it, but it is not there.
    pub fn is_missing(&self, file: u64) -> bool {
        self.get(file).is_some_and(|file| file.missing)
    }

    pub fn bytes_before(&self, file: u64) -> u64 {
        self.files
            .iter()
            .take(usize::try_from(file).unwrap_or(usize::MAX))
            .map(|file| file.bytes)
            .sum()
    }

    /// End of data.
    pub fn end(&self) -> Place {
        if self.open {
            let file = self.files() - 1;
            Place {
                file,
                block: self.blocks(file),
            }
        } else {
            Place {
                file: self.files(),
                block: 0,
            }
        }
    }

    pub fn is_end(&self, place: Place) -> bool {
        place == self.end()
    }

    /// Blocks and filemarks before `place`.
    pub fn object(&self, place: Place) -> u64 {
        match self.get(place.file) {
            Some(file) => file.first_object + place.block,
            None => self
                .files
                .last()
                .map_or(0, |last| last.first_object + last.blocks() + 1),
        }
    }

    /// The file `number` is now the last one, has `bytes` bytes and no filemark.
    pub fn begin_file(&mut self, number: u64, bytes: u64) {
        self.files
            .truncate(usize::try_from(number).unwrap_or(usize::MAX));
        self.push(bytes, false);
        self.open = true;
    }

    /// Length of the file without filemark.
    pub fn set_open_length(&mut self, bytes: u64) {
        if let Some(last) = self.files.last_mut() {
            last.bytes = bytes;
        }
    }

    /// The last file has its filemark.
    pub fn close_file(&mut self) {
        self.open = false;
    }

    pub fn remove_last(&mut self) {
        self.files.pop();
        self.open = false;
    }

    fn at_end(&self, remaining: u64) -> (Place, Spaced) {
        (self.end(), Spaced::EndOfData { remaining })
    }

    pub fn space_blocks(&self, from: Place, count: i64) -> (Place, Spaced) {
        let count_abs = count.unsigned_abs();
        if count >= 0 {
            let left = self.blocks(from.file).saturating_sub(from.block);
            if count_abs <= left {
                return (
                    Place {
                        block: from.block + count_abs,
                        ..from
                    },
                    Spaced::Done,
                );
            }
            let remaining = count_abs - left;
            if from.file >= self.filemarks() {
                return self.at_end(remaining);
            }
            return (
                Place {
                    file: from.file + 1,
                    block: 0,
                },
                Spaced::Filemark { remaining },
            );
        }
        if count_abs <= from.block {
            return (
                Place {
                    block: from.block - count_abs,
                    ..from
                },
                Spaced::Done,
            );
        }
        let remaining = count_abs - from.block;
        match from.file.checked_sub(1) {
            None => (Place::default(), Spaced::Beginning { remaining }),
            Some(file) => (
                Place {
                    file,
                    block: self.blocks(file),
                },
                Spaced::Filemark { remaining },
            ),
        }
    }

    pub fn space_filemarks(&self, from: Place, count: i64) -> (Place, Spaced) {
        let count_abs = count.unsigned_abs();
        if count >= 0 {
            let available = self.filemarks().saturating_sub(from.file);
            if count_abs <= available {
                return (
                    Place {
                        file: from.file + count_abs,
                        block: 0,
                    },
                    Spaced::Done,
                );
            }
            return self.at_end(count_abs - available);
        }
        match from.file.checked_sub(count_abs) {
            Some(file) => (
                Place {
                    file,
                    block: self.blocks(file),
                },
                Spaced::Done,
            ),
            None => (
                Place::default(),
                Spaced::Beginning {
                    remaining: count_abs - from.file,
                },
            ),
        }
    }

    pub fn locate_file(&self, file: u64) -> (Place, Spaced) {
        if file <= self.filemarks() {
            return (Place { file, block: 0 }, Spaced::Done);
        }
        self.at_end(file - self.filemarks())
    }

    pub fn locate_object(&self, object: u64) -> (Place, Spaced) {
        let end = self.object(self.end());
        if object > end {
            return self.at_end(object - end);
        }
        let file = self
            .files
            .partition_point(|file| file.first_object <= object)
            .saturating_sub(1);
        match self.files.get(file) {
            Some(found) if object <= found.first_object + found.blocks() => (
                Place {
                    file: file as u64,
                    block: object - found.first_object,
                },
                Spaced::Done,
            ),
            _ => (self.end(), Spaced::Done),
        }
    }
}
