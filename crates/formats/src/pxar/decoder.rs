//! Reads an archive while the caller rebuilds a tree.
//!
//! Every length is bounded before anything is allocated for it, so that a hostile archive costs no more memory than its
//! longest path, 16 MiB of metadata and the caller's buffers.

use std::io::{self, Read};

use super::item::{self, ItemHeader, RawDevice, RawStat, RawStatV1};
use super::metadata::{Metadata, Stat};
use super::{MAX_DEPTH, MAX_METADATA_BYTES, goodbye};

/// Why an archive cannot be read. Offsets count from the start of the archive.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The archive ends where more has to follow.
    #[error("archive ends at byte {offset}, inside {inside}")]
    Truncated {
        /// End of the archive.
        offset: u64,
        /// What is incomplete.
        inside: &'static str,
    },
    /// An item of a type nobody knows.
    #[error("archive corrupt at byte {offset}: unknown item type {kind:016x}")]
    UnknownItem {
        /// Place of the item.
        offset: u64,
        /// Its type.
        kind: u64,
    },
    /// An item that may not stand here (P2, P3).
    #[error("archive corrupt at byte {offset}: {} {place}", item::name(*kind).unwrap_or("item"))]
    UnexpectedItem {
        /// Place of the item.
        offset: u64,
        /// Its type.
        kind: u64,
        /// Where it stands.
        place: &'static str,
    },
    /// P1: an item with an impossible size.
    #[error("archive corrupt at byte {offset}: {} of {size} bytes", item::name(*kind).unwrap_or("item"))]
    ItemSize {
        /// Place of the item.
        offset: u64,
        /// Its type.
        kind: u64,
        /// Its full size.
        size: u64,
    },
    /// The content of an item breaks a rule.
    #[error("archive corrupt at byte {offset}: {detail}")]
    Content {
        /// Place of the item.
        offset: u64,
        /// What is wrong.
        detail: &'static str,
    },
    /// A newer archive format.
    #[error("archive format version {version} is not supported")]
    UnsupportedVersion {
        /// Version in the archive.
        version: u64,
    },
    /// More than this decoder is ready to hold.
    #[error("archive at byte {offset}: {what} beyond the limit of {limit}")]
    Limit {
        /// Place of the item.
        offset: u64,
        /// What is too much.
        what: &'static str,
        /// How much would be accepted.
        limit: u64,
    },
    /// The decoder was used after an error.
    #[error("archive read on after an error")]
    Failed,
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What kind of object an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// Its children follow, then [`Decoded::DirectoryEnd`].
    Directory,
    /// Its content can be read from [`Decoder::payload`] until the next entry is asked for.
    File {
        /// Bytes of content.
        size: u64,
    },
    /// Symbolic link.
    Symlink {
        /// Where it points to.
        target: Vec<u8>,
    },
    /// Block or character device; the mode tells which.
    Device {
        /// Major number.
        major: u64,
        /// Minor number.
        minor: u64,
    },
    /// Named pipe.
    Fifo,
    /// Unix socket.
    Socket,
}

/// What [`Decoder::next_entry`] met; [`Decoder::path`] tells where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every value is an entry, and one lives at a time"
)]
pub enum Decoded {
    /// An object.
    Entry {
        /// Position of its FILENAME item (0 for the root): what hard links refer to.
        position: u64,
        /// Mode, owner, time and the like.
        metadata: Metadata,
        /// Kind and what belongs to it.
        kind: EntryKind,
    },
    /// Another name of an object that came before.
    Hardlink {
        /// Position of its FILENAME item.
        position: u64,
        /// Path of the object below the root; every component is a possible name.
        target: Vec<u8>,
        /// Position of the object's FILENAME item.
        target_position: u64,
    },
    /// All children of the directory at [`Decoder::path`] have been read.
    DirectoryEnd,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Start,
    /// Between the children of the innermost directory.
    Children,
    /// The next item's header was read already: it ended an object that has no last item of its own.
    Peeked {
        header: ItemHeader,
        offset: u64,
    },
    /// Content of a file is being read.
    Payload {
        left: u64,
    },
    Done,
    Failed,
}

/// Streaming reader of one archive.
#[derive(Debug)]
pub struct Decoder<R> {
    input: R,
    offset: u64,
    state: State,
    path: Vec<u8>,
    /// Length of the path of each open directory, the root first.
    directories: Vec<usize>,
    /// The path is that of an object that is finished: go back to its directory first.
    leave: bool,
    /// Accept a format version and a prelude in front of the root.
    preface: bool,
}

impl<R: Read> Decoder<R> {
    /// Starts in front of an archive.
    pub fn new(input: R) -> Self {
        Self {
            input,
            offset: 0,
            state: State::Start,
            path: Vec::new(),
            directories: Vec::new(),
            leave: false,
            preface: false,
        }
    }

    /// Accepts a format version (1 or 2) and a prelude in front of the root, as newer snapshot archives may have them.
    pub(crate) fn with_preface(mut self) -> Self {
        self.preface = true;
        self
    }

    /// Path of the entry given last, below the root and without a leading slash; empty for the root.
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// Last component of [`Self::path`].
    pub fn name(&self) -> &[u8] {
        self.path
            .rsplit(|byte| *byte == b'/')
            .next()
            .unwrap_or_default()
    }

    /// Bytes read so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Gives the reader back; after `None` from [`Self::next_entry`] it stands behind the archive.
    pub fn into_inner(self) -> R {
        self.input
    }

    /// The next entry; `None` behind the end of the root. Content of a file that was not read is skipped.
    ///
    /// # Errors
    /// The broken rule, or an error of the reader; the decoder cannot be used any more after it.
    pub fn next_entry(&mut self) -> Result<Option<Decoded>, DecodeError> {
        let result = self.advance();
        if result.is_err() {
            self.state = State::Failed;
        }
        result
    }

    /// Content of the file given last, from where it was read to.
    pub fn payload(&mut self) -> Payload<'_, R> {
        Payload { decoder: self }
    }

    fn advance(&mut self) -> Result<Option<Decoded>, DecodeError> {
        if let State::Payload { left } = self.state {
            self.skip(left, "file content")?;
            self.state = State::Children;
        }
        if std::mem::take(&mut self.leave) {
            self.path
                .truncate(self.directories.last().copied().unwrap_or(0));
        }
        let (header, offset) = match self.state {
            State::Start => return self.root().map(Some),
            State::Children => self.header("a directory")?,
            State::Peeked { header, offset } => (header, offset),
            State::Payload { .. } | State::Failed => return Err(DecodeError::Failed),
            State::Done => return Ok(None),
        };
        self.state = State::Children;
        match header.kind {
            item::FILENAME => self.child(header, offset).map(Some),
            item::GOODBYE => self.directory_end(header, offset).map(Some),
            kind => Err(unexpected(
                kind,
                offset,
                "where a name or the end of a directory is due",
            )),
        }
    }

    fn root(&mut self) -> Result<Decoded, DecodeError> {
        let (mut header, mut offset) = self.header("nothing (it is empty)")?;
        if header.kind == item::FORMAT_VERSION {
            let bytes = self.content(header, offset, 8, 8)?;
            let version = bytes.try_into().map_or(0, u64::from_le_bytes);
            if !self.preface || !(1..=2).contains(&version) {
                return Err(DecodeError::UnsupportedVersion { version });
            }
            (header, offset) = self.header("what precedes the root")?;
            if header.kind == item::PRELUDE {
                self.skip(header.full_size - item::HEADER_SIZE as u64, "the prelude")?;
                (header, offset) = self.header("what precedes the root")?;
            }
        }
        self.object(header, offset, 0)
    }

    fn child(&mut self, header: ItemHeader, position: u64) -> Result<Decoded, DecodeError> {
        let name = self.text(header, position, 1, item::MAX_NAME)?;
        item::check_name(&name).map_err(|detail| content(position, detail))?;
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(&name);
        let (header, offset) = self.header("an entry")?;
        if header.kind == item::HARDLINK {
            return self.hardlink(header, offset, position);
        }
        self.object(header, offset, position)
    }

    fn hardlink(
        &mut self,
        header: ItemHeader,
        offset: u64,
        position: u64,
    ) -> Result<Decoded, DecodeError> {
        // Distance, at least one byte of path, zero.
        let mut bytes = self.content(header, offset, 10, item::MAX_XATTR)?;
        let mut target = bytes.split_off(8);
        let distance = bytes.try_into().map_or(0, u64::from_le_bytes);
        strip_zero(&mut target, offset)?;
        item::check_hardlink(&target).map_err(|detail| content(offset, detail))?;
        let target_position = match position.checked_sub(distance) {
            Some(target) if distance > 0 && target > 0 => target,
            _ => {
                return Err(content(
                    offset,
                    "a hard link to a place where no entry can be",
                ));
            }
        };
        self.leave = true;
        Ok(Decoded::Hardlink {
            position,
            target,
            target_position,
        })
    }

    /// Reads an object from its ENTRY on.
    fn object(
        &mut self,
        header: ItemHeader,
        offset: u64,
        position: u64,
    ) -> Result<Decoded, DecodeError> {
        let stat = self.stat(header, offset)?;
        let is_root = self.directories.is_empty();
        if is_root && !stat.is_dir() {
            return Err(content(offset, "the root is not a directory"));
        }
        let mut metadata = Metadata::from(stat);
        let mut held = 0;
        let (header, offset) = loop {
            let (header, offset) = self.header("an entry")?;
            if !Metadata::holds(header.kind) {
                break (header, offset);
            }
            held += header.full_size;
            if held > MAX_METADATA_BYTES {
                return Err(DecodeError::Limit {
                    offset,
                    what: "metadata of one entry in bytes",
                    limit: MAX_METADATA_BYTES,
                });
            }
            let (least, most) = Metadata::size_limits(header.kind);
            let bytes = self.content(header, offset, least, most)?;
            metadata
                .take(header.kind, bytes)
                .map_err(|detail| content(offset, detail))?;
        };
        let kind = self.kind(&stat, header, offset)?;
        self.leave = kind != EntryKind::Directory;
        if kind == EntryKind::Directory {
            if self.directories.len() > MAX_DEPTH {
                return Err(DecodeError::Limit {
                    offset,
                    what: "directories inside each other",
                    limit: MAX_DEPTH as u64,
                });
            }
            self.directories.push(self.path.len());
        }
        Ok(Decoded::Entry {
            position,
            metadata,
            kind,
        })
    }

    /// Tells the kind of an object by the first item that is not metadata; its mode has to agree.
    fn kind(
        &mut self,
        stat: &Stat,
        header: ItemHeader,
        offset: u64,
    ) -> Result<EntryKind, DecodeError> {
        let disagree = || content(offset, "the mode of an entry does not fit to what it is");
        match header.kind {
            item::PAYLOAD if stat.is_regular() => {
                let size = header.full_size - item::HEADER_SIZE as u64;
                self.state = State::Payload { left: size };
                Ok(EntryKind::File { size })
            }
            item::SYMLINK if stat.is_symlink() => {
                let target = self.text(header, offset, 1, item::MAX_SYMLINK)?;
                item::check_symlink(&target).map_err(|detail| content(offset, detail))?;
                Ok(EntryKind::Symlink { target })
            }
            item::DEVICE if stat.is_device() => {
                let bytes = self.content(header, offset, RawDevice::SIZE, RawDevice::SIZE)?;
                let numbers = bytes.first_chunk().map(RawDevice::decode);
                let RawDevice { major, minor } = numbers.ok_or_else(disagree)?;
                Ok(EntryKind::Device { major, minor })
            }
            item::PAYLOAD | item::SYMLINK | item::DEVICE => Err(disagree()),
            item::FILENAME | item::GOODBYE => {
                self.state = State::Peeked { header, offset };
                if stat.is_dir() {
                    Ok(EntryKind::Directory)
                } else if stat.is_fifo() {
                    Ok(EntryKind::Fifo)
                } else if stat.is_socket() {
                    Ok(EntryKind::Socket)
                } else {
                    Err(unexpected(
                        header.kind,
                        offset,
                        "where the content of an entry is due",
                    ))
                }
            }
            kind => Err(unexpected(kind, offset, "inside an entry")),
        }
    }

    fn directory_end(&mut self, header: ItemHeader, offset: u64) -> Result<Decoded, DecodeError> {
        let size = header.full_size - item::HEADER_SIZE as u64;
        let record = goodbye::RECORD_SIZE as u64;
        if size < record || size % record != 0 {
            return Err(item_size(header, offset));
        }
        self.skip(size, "the end of a directory")?;
        self.directories.pop();
        self.leave = true;
        if self.directories.is_empty() {
            self.state = State::Done;
        }
        Ok(Decoded::DirectoryEnd)
    }

    fn stat(&mut self, header: ItemHeader, offset: u64) -> Result<Stat, DecodeError> {
        let size = match header.kind {
            item::ENTRY => RawStat::SIZE,
            item::ENTRY_V1 => RawStatV1::SIZE,
            kind => return Err(unexpected(kind, offset, "where an entry has to start")),
        };
        let bytes = self.content(header, offset, size, size)?;
        let stat = match header.kind {
            item::ENTRY => bytes.first_chunk().map(Stat::decode),
            _ => bytes.first_chunk().map(Stat::decode_v1),
        };
        let stat = stat.ok_or_else(|| item_size(header, offset))?;
        if stat.mtime_nanos >= 1_000_000_000 {
            return Err(content(
                offset,
                "a modification time with a second or more of nanoseconds",
            ));
        }
        Ok(stat)
    }

    /// Reads the head of the next item and checks what holds for all of them.
    fn header(&mut self, inside: &'static str) -> Result<(ItemHeader, u64), DecodeError> {
        let offset = self.offset;
        let mut bytes = [0; ItemHeader::SIZE];
        self.read_exact(&mut bytes, inside)?;
        let header = ItemHeader::decode(&bytes);
        if item::name(header.kind).is_none() {
            return Err(DecodeError::UnknownItem {
                offset,
                kind: header.kind,
            });
        }
        let end = offset.checked_add(header.full_size);
        if header.full_size < item::HEADER_SIZE as u64
            || end.is_none_or(|end| end > i64::MAX as u64)
        {
            return Err(item_size(header, offset));
        }
        Ok((header, offset))
    }

    /// Reads the content of an item of `least` to `most` bytes.
    fn content(
        &mut self,
        header: ItemHeader,
        offset: u64,
        least: usize,
        most: usize,
    ) -> Result<Vec<u8>, DecodeError> {
        let size = usize::try_from(header.full_size - item::HEADER_SIZE as u64)
            .ok()
            .filter(|size| (least..=most).contains(size))
            .ok_or_else(|| item_size(header, offset))?;
        let mut bytes = vec![0; size];
        self.read_exact(&mut bytes, item::name(header.kind).unwrap_or("an item"))?;
        Ok(bytes)
    }

    /// Reads the content of an item that is a text of `least` to `most` bytes and a zero.
    fn text(
        &mut self,
        header: ItemHeader,
        offset: u64,
        least: usize,
        most: usize,
    ) -> Result<Vec<u8>, DecodeError> {
        let mut text = self.content(header, offset, least + 1, most + 1)?;
        strip_zero(&mut text, offset)?;
        Ok(text)
    }

    fn read_exact(&mut self, bytes: &mut [u8], inside: &'static str) -> Result<(), DecodeError> {
        let mut done = 0;
        while done < bytes.len() {
            match self.read_some(&mut bytes[done..])? {
                0 => {
                    return Err(DecodeError::Truncated {
                        offset: self.offset,
                        inside,
                    });
                }
                read => done += read,
            }
        }
        Ok(())
    }

    fn skip(&mut self, size: u64, inside: &'static str) -> Result<(), DecodeError> {
        let skipped = io::copy(&mut (&mut self.input).take(size), &mut io::sink())?;
        self.offset += skipped;
        if skipped < size {
            return Err(DecodeError::Truncated {
                offset: self.offset,
                inside,
            });
        }
        Ok(())
    }

    fn read_some(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.input.read(bytes) {
                Ok(read) => {
                    self.offset += read as u64;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn strip_zero(text: &mut Vec<u8>, offset: u64) -> Result<(), DecodeError> {
    match text.pop() {
        Some(0) => Ok(()),
        _ => Err(content(offset, "a text without its terminating zero")),
    }
}

fn content(offset: u64, detail: &'static str) -> DecodeError {
    DecodeError::Content { offset, detail }
}

fn unexpected(kind: u64, offset: u64, place: &'static str) -> DecodeError {
    DecodeError::UnexpectedItem {
        offset,
        kind,
        place,
    }
}

fn item_size(header: ItemHeader, offset: u64) -> DecodeError {
    DecodeError::ItemSize {
        offset,
        kind: header.kind,
        size: header.full_size,
    }
}

/// Content of the current file; ends with the file. An archive that ends early is an error of kind `UnexpectedEof`.
#[derive(Debug)]
pub struct Payload<'d, R> {
    decoder: &'d mut Decoder<R>,
}

impl<R: Read> Payload<'_, R> {
    /// Bytes not read yet.
    pub fn left(&self) -> u64 {
        match self.decoder.state {
            State::Payload { left } => left,
            _ => 0,
        }
    }
}

impl<R: Read> Read for Payload<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = self.left();
        let most = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        if most == 0 {
            return Ok(0);
        }
        let read = self.decoder.read_some(&mut bytes[..most])?;
        if read == 0 {
            let error = DecodeError::Truncated {
                offset: self.decoder.offset,
                inside: "file content",
            };
            self.decoder.state = State::Failed;
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, error));
        }
        self.decoder.state = State::Payload {
            left: left - read as u64,
        };
        Ok(read)
    }
}
