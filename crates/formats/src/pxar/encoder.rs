//! Writes an archive while the caller walks a tree.

use std::io::{self, Read, Write};

use super::goodbye::{self, Child};
use super::{MAX_DEPTH, Metadata, item};

/// Why an archive cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// An entry with something that an archive cannot hold.
    #[error("cannot archive {}: it has {detail}", show(name))]
    Entry {
        /// Name of the entry; empty for the root.
        name: Vec<u8>,
        /// What is wrong.
        detail: &'static str,
    },
    /// Directories nested too deeply.
    #[error(
        "cannot archive {}: more than {MAX_DEPTH} directories inside each other",
        show(name)
    )]
    TooDeep {
        /// Name of the directory.
        name: Vec<u8>,
    },
    /// A file gave fewer bytes than were announced; the archive cannot be used unless they are filled up
    /// ([`PayloadWriter::finish_padded`]).
    #[error("file content ends {missing} bytes early")]
    PayloadShort {
        /// Bytes missing.
        missing: u64,
    },
    /// The call does not fit to the state of the archive.
    #[error("pxar encoder: {0}")]
    Misuse(&'static str),
    /// Writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn show(name: &[u8]) -> String {
    if name.is_empty() {
        "the root directory".to_owned()
    } else {
        format!("\"{}\"", name.escape_ascii())
    }
}

/// Where an entry stands in the archive; what hard links refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryPosition(u64);

impl EntryPosition {
    /// Position of the FILENAME item of the entry, in bytes from the start of the archive.
    pub fn get(self) -> u64 {
        self.0
    }
}

/// A directory that is open.
#[derive(Debug)]
struct Directory {
    /// Name and FILENAME position; `None` for the root.
    name: Option<(Vec<u8>, u64)>,
    entry: u64,
    children: Vec<Child>,
}

/// Streaming writer of one archive.
///
/// Entries go into the directory that is open: the root at first, then the one opened last. Every error from writing
/// leaves an archive that cannot be continued; errors about an entry ([`EncodeError::Entry`], [`EncodeError::TooDeep`]) come
/// before anything of it was written, so that the caller may skip it.
#[derive(Debug)]
pub struct Encoder<W> {
    output: W,
    position: u64,
    directories: Vec<Directory>,
    /// Items of one entry; reused.
    scratch: Vec<u8>,
    /// Set while a file or a write is unfinished.
    broken: bool,
}

impl<W: Write> Encoder<W> {
    /// Starts an archive with its root directory.
    ///
    /// # Errors
    /// [`EncodeError::Entry`] when `root` is not the metadata of a directory, errors of the writer.
    pub fn new(output: W, root: &Metadata) -> Result<Self, EncodeError> {
        let mut encoder = Self {
            output,
            position: 0,
            directories: Vec::new(),
            scratch: Vec::new(),
            broken: false,
        };
        check_entry(b"", root, root.stat.is_dir())?;
        root.append_to(&mut encoder.scratch);
        encoder.flush_scratch()?;
        encoder.directories.push(Directory {
            name: None,
            entry: 0,
            children: Vec::new(),
        });
        Ok(encoder)
    }

    /// Bytes written so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Number of directories that are open below the root.
    pub fn depth(&self) -> usize {
        self.directories.len().saturating_sub(1)
    }

    /// Opens a directory; what follows goes into it until [`Self::close_directory`].
    ///
    /// # Errors
    /// As described at [`Encoder`].
    pub fn open_directory(&mut self, name: &[u8], metadata: &Metadata) -> Result<(), EncodeError> {
        self.check_child(name)?;
        check_entry(name, metadata, metadata.stat.is_dir())?;
        if self.directories.len() > MAX_DEPTH {
            return Err(EncodeError::TooDeep {
                name: name.to_vec(),
            });
        }
        let start = self.position;
        item::append_text(&mut self.scratch, item::FILENAME, name);
        let entry = start + self.scratch.len() as u64;
        metadata.append_to(&mut self.scratch);
        self.flush_scratch()?;
        self.directories.push(Directory {
            name: Some((name.to_vec(), start)),
            entry,
            children: Vec::new(),
        });
        Ok(())
    }

    /// Ends the directory opened last.
    ///
    /// # Errors
    /// [`EncodeError::Misuse`] when only the root is open (that is [`Self::finish`]'s), errors of the writer.
    pub fn close_directory(&mut self) -> Result<(), EncodeError> {
        self.check_usable()?;
        if self.directories.len() < 2 {
            return Err(EncodeError::Misuse("no directory is open"));
        }
        self.end_directory()
    }

    /// Starts a regular file of exactly `size` bytes; its content goes to the writer returned, which must be finished.
    ///
    /// # Errors
    /// As described at [`Encoder`].
    pub fn file(
        &mut self,
        name: &[u8],
        metadata: &Metadata,
        size: u64,
    ) -> Result<PayloadWriter<'_, W>, EncodeError> {
        self.check_child(name)?;
        check_entry(name, metadata, metadata.stat.is_regular())?;
        if size
            .checked_add(self.position)
            .is_none_or(|end| end > i64::MAX as u64)
        {
            return Err(EncodeError::Entry {
                name: name.to_vec(),
                detail: "an impossible size",
            });
        }
        let start = self.position;
        item::append_text(&mut self.scratch, item::FILENAME, name);
        metadata.append_to(&mut self.scratch);
        item::append_header(&mut self.scratch, item::PAYLOAD, size);
        self.flush_scratch()?;
        self.broken = true;
        Ok(PayloadWriter {
            encoder: self,
            name: name.to_vec(),
            start,
            missing: size,
        })
    }

    /// Adds a symbolic link.
    ///
    /// # Errors
    /// As described at [`Encoder`].
    pub fn symlink(
        &mut self,
        name: &[u8],
        metadata: &Metadata,
        target: &[u8],
    ) -> Result<EntryPosition, EncodeError> {
        self.check_child(name)?;
        check_entry(name, metadata, metadata.stat.is_symlink())?;
        item::check_symlink(target).map_err(|detail| refuse(name, detail))?;
        self.leaf(name, |out| {
            metadata.append_to(out);
            item::append_text(out, item::SYMLINK, target);
        })
    }

    /// Adds a block or character device.
    ///
    /// # Errors
    /// As described at [`Encoder`].
    pub fn device(
        &mut self,
        name: &[u8],
        metadata: &Metadata,
        major: u64,
        minor: u64,
    ) -> Result<EntryPosition, EncodeError> {
        self.check_child(name)?;
        check_entry(name, metadata, metadata.stat.is_device())?;
        let numbers = item::RawDevice { major, minor };
        self.leaf(name, |out| {
            metadata.append_to(out);
            item::append(out, item::DEVICE, &numbers.encode());
        })
    }

    /// Adds a named pipe.
    ///
    /// # Errors
    /// As described at [`Encoder`].
    pub fn fifo(&mut self, name: &[u8], metadata: &Metadata) -> Result<EntryPosition, EncodeError> {
        self.check_child(name)?;
        check_entry(name, metadata, metadata.stat.is_fifo())?;
        self.leaf(name, |out| metadata.append_to(out))
    }

    /// Adds a Unix socket.
    ///
    /// # Errors
    /// As described at [`Encoder`].
    pub fn socket(
        &mut self,
        name: &[u8],
        metadata: &Metadata,
    ) -> Result<EntryPosition, EncodeError> {
        self.check_child(name)?;
        check_entry(name, metadata, metadata.stat.is_socket())?;
        self.leaf(name, |out| metadata.append_to(out))
    }

    /// Adds another name of an entry written before. `target_path` is its path below the archive root, without a leading
    /// slash; `target` its position.
    ///
    /// # Errors
    /// As described at [`Encoder`].
    pub fn hardlink(
        &mut self,
        name: &[u8],
        target_path: &[u8],
        target: EntryPosition,
    ) -> Result<(), EncodeError> {
        self.check_child(name)?;
        item::check_hardlink(target_path).map_err(|detail| refuse(name, detail))?;
        let distance = match self.position.checked_sub(target.0) {
            None | Some(0) => {
                return Err(refuse(name, "a link target that does not stand before it"));
            }
            Some(distance) => distance,
        };
        self.leaf(name, |out| {
            item::append_header(out, item::HARDLINK, 8 + target_path.len() as u64 + 1);
            out.extend_from_slice(&distance.to_le_bytes());
            out.extend_from_slice(target_path);
            out.push(0);
        })?;
        Ok(())
    }

    /// Ends the root directory and gives the writer back.
    ///
    /// # Errors
    /// [`EncodeError::Misuse`] while other directories are open, errors of the writer.
    pub fn finish(mut self) -> Result<W, EncodeError> {
        self.check_usable()?;
        if self.directories.len() != 1 {
            return Err(EncodeError::Misuse("a directory is still open"));
        }
        self.end_directory()?;
        Ok(self.output)
    }

    fn leaf(
        &mut self,
        name: &[u8],
        items: impl FnOnce(&mut Vec<u8>),
    ) -> Result<EntryPosition, EncodeError> {
        let start = self.position;
        item::append_text(&mut self.scratch, item::FILENAME, name);
        items(&mut self.scratch);
        self.flush_scratch()?;
        self.add_child(name, start);
        Ok(EntryPosition(start))
    }

    fn end_directory(&mut self) -> Result<(), EncodeError> {
        let Some(directory) = self.directories.pop() else {
            return Err(EncodeError::Misuse("the archive has ended"));
        };
        goodbye::append_to(
            &mut self.scratch,
            directory.children,
            self.position,
            directory.entry,
        );
        self.flush_scratch()?;
        if let Some((name, start)) = directory.name {
            self.add_child(&name, start);
        }
        Ok(())
    }

    fn add_child(&mut self, name: &[u8], start: u64) {
        let child = Child::new(name, start, self.position);
        if let Some(directory) = self.directories.last_mut() {
            directory.children.push(child);
        }
    }

    fn check_child(&self, name: &[u8]) -> Result<(), EncodeError> {
        self.check_usable()?;
        item::check_name(name).map_err(|detail| refuse(name, detail))
    }

    fn check_usable(&self) -> Result<(), EncodeError> {
        if self.broken {
            return Err(EncodeError::Misuse(
                "a file or a write before was not finished",
            ));
        }
        Ok(())
    }

    fn flush_scratch(&mut self) -> Result<(), EncodeError> {
        self.broken = true;
        self.output.write_all(&self.scratch)?;
        self.position += self.scratch.len() as u64;
        self.scratch.clear();
        self.broken = false;
        Ok(())
    }
}

fn refuse(name: &[u8], detail: &'static str) -> EncodeError {
    EncodeError::Entry {
        name: name.to_vec(),
        detail,
    }
}

fn check_entry(name: &[u8], metadata: &Metadata, type_fits: bool) -> Result<(), EncodeError> {
    if !type_fits {
        return Err(refuse(name, "a mode of another file type"));
    }
    metadata.check().map_err(|detail| refuse(name, detail))
}

/// Takes the content of one regular file. Dropped without being finished it leaves an archive that cannot be continued.
///
/// A file that has become shorter since its size was announced is the caller's decision: [`Self::finish`] makes it an
/// error, [`Self::finish_padded`] fills up with zeros and says how many, to be warned about. Writing more than was announced
/// is an error of kind `WriteZero`: give the writer no more than [`Self::missing`] bytes.
#[derive(Debug)]
pub struct PayloadWriter<'e, W: Write> {
    encoder: &'e mut Encoder<W>,
    name: Vec<u8>,
    start: u64,
    missing: u64,
}

impl<W: Write> PayloadWriter<'_, W> {
    /// Bytes still to be written.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`EncodeError::PayloadShort`]; the archive cannot be continued then.
    pub fn finish(self) -> Result<EntryPosition, EncodeError> {
        if self.missing > 0 {
            return Err(EncodeError::PayloadShort {
                missing: self.missing,
            });
        }
        self.encoder.broken = false;
        self.encoder.add_child(&self.name, self.start);
        Ok(EntryPosition(self.start))
    }

    /// Ends the file, filling it up with zeros; also gives the number of zeros.
    ///
    /// # Errors
    /// Errors of the writer.
    pub fn finish_padded(mut self) -> Result<(EntryPosition, u64), EncodeError> {
        let padding = self.missing;
        io::copy(&mut io::repeat(0).take(padding), &mut self)?;
        Ok((self.finish()?, padding))
    }
}

impl<W: Write> Write for PayloadWriter<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fitting =
            usize::try_from(self.missing).map_or(bytes.len(), |left| left.min(bytes.len()));
        let written = self.encoder.output.write(&bytes[..fitting])?;
        self.missing -= written as u64;
        self.encoder.position += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.encoder.output.flush()
    }
}
