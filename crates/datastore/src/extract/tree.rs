//! A pxar archive into a directory.
//!
//! Nothing is written outside of the target, whatever the archive says: names are single path components (the decoder
//! refuses others), everything is created new in directories that were created new, relative to their descriptors, and no
//! symbolic link is followed. Until an object is complete only its owner may open it.

use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use ferrite_formats::pxar::{DecodeError, Decoded, Decoder, EntryKind, Metadata};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::Context;
use super::attributes::{Attributes, Object};
use super::chunk_stream::{ChunkStream, StreamFailure};
use super::single_file::write_at;
use crate::chunk_reader::check_chunk_sizes;
use crate::dir_stack::DirStack;
use crate::error::{Error, IoContext, Result};
use crate::snapshot::{SnapshotReader, StoredFile};
use crate::zero::is_zero;

const COPY_BYTES: usize = 256 * 1024;
/// Shorter runs of zeros are written, not left as holes.
const HOLE_BYTES: usize = 64 * 1024;

impl Context<'_> {
    /// Extracts `file` into `target`. Answers the number of entries.
    pub(super) fn extract_tree(
        &self,
        snapshot: &SnapshotReader,
        file: &StoredFile,
        target: &Path,
    ) -> Result<u64> {
        let index = snapshot.read_index(file)?;
        check_chunk_sizes(&index, file)?;
        let mut directory = TargetDirectory::open(target)?;
        let entries = std::thread::scope(|scope| {
            let stream = ChunkStream::start(scope, self.store.chunks(), &index);
            let failure = stream.failure();
            let extraction = TreeExtraction {
                context: self,
                target,
                archive: file.path(),
                failure,
                decoder: Decoder::new(stream),
                directories: DirStack::new(directory.open_again()?).at("stat", target)?,
                open: Vec::new(),
                attributes: Attributes::new(),
                buffer: vec![0; COPY_BYTES],
                entries: 0,
            };
            extraction.run()
        })?;
        directory.keep = true;
        Ok(entries)
    }
}

/// The directory that is extracted into. Emptied again on drop unless kept, and removed if it was made here.
struct TargetDirectory {
    path: PathBuf,
    made_here: bool,
    keep: bool,
}

impl TargetDirectory {
    fn open(path: &Path) -> Result<Self> {
        let made_here = match rustix::fs::mkdir(path, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST) => {
                if std::fs::read_dir(path).at("list", path)?.next().is_some() {
                    return Err(Error::Request(format!(
                        "{} is not empty; choose a new or an empty directory",
                        path.display()
                    )));
                }
                false
            }
            Err(error) => return Err(error).at("create", path),
        };
        Ok(Self {
            path: path.to_owned(),
            made_here,
            keep: false,
        })
    }

    fn open_again(&self) -> Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(&self.path, flags, Mode::empty()).at("open", &self.path)
    }
}

impl Drop for TargetDirectory {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        // The error that led here is the one to tell.
        if self.made_here {
            let _ = std::fs::remove_dir_all(&self.path);
        } else if let Ok(entries) = std::fs::read_dir(&self.path) {
            for entry in entries.flatten() {
                let path = entry.path();
                let _ = std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path));
            }
        }
    }
}

struct TreeExtraction<'x> {
    context: &'x Context<'x>,
    target: &'x Path,
    /// The index file, for messages.
    archive: &'x Path,
    failure: StreamFailure,
    decoder: Decoder<ChunkStream>,
    directories: DirStack,
    /// Metadata of the open directories, the root first, applied when all their entries are there.
    open: Vec<Metadata>,
    attributes: Attributes,
    buffer: Vec<u8>,
    entries: u64,
}

impl TreeExtraction<'_> {
    fn run(mut self) -> Result<u64> {
        if !self.attributes.restores_owners() {
            let text = "only the super user can restore owners: everything belongs to you";
            self.context.warnings.note(text.to_owned());
        }
        loop {
            self.context.cancel.check()?;
            let decoded = match self.decoder.next_entry() {
                Ok(Some(decoded)) => decoded,
                Ok(None) => return self.check_end(),
                Err(error) => return Err(self.undecodable(error)),
            };
            match decoded {
                Decoded::Entry { metadata, kind, .. } => self.entry(metadata, kind)?,
                Decoded::Hardlink { target, .. } => self.hard_link(&target)?,
                Decoded::DirectoryEnd => self.end_directory()?,
            }
        }
    }

    /// The archive and its stream end together.
    fn check_end(self) -> Result<u64> {
        let mut stream = self.decoder.into_inner();
        match stream.read(&mut [0]) {
            Ok(0) => Ok(self.entries),
            Ok(_) => Err(Error::Damaged {
                path: self.archive.to_owned(),
                detail: "goes on after the end of its archive".to_owned(),
            }),
            Err(source) => Err(self.failure.take().unwrap_or_else(|| Error::Io {
                action: "read",
                path: self.archive.to_owned(),
                source,
            })),
        }
    }

    fn entry(&mut self, metadata: Metadata, kind: EntryKind) -> Result<()> {
        self.entries += 1;
        if self.open.is_empty() {
            // The root, which is the target itself; the decoder accepts only a directory.
            self.open.push(metadata);
            return Ok(());
        }
        let name = self.name()?;
        match kind {
            EntryKind::Directory => self.directory(&name, metadata),
            EntryKind::File { size } => self.file(&name, &metadata, size),
            EntryKind::Symlink { target } => {
                let path = self.path();
                let directory = self.directories.current();
                rustix::fs::symlinkat(target, directory, &name).at("create", path)?;
                self.apply(Object::Link(self.directories.current(), &name), &metadata);
                Ok(())
            }
            EntryKind::Device { major, minor } => {
                // The decoder gives a device only with one of the two modes.
                let is_block =
                    metadata.stat.file_type() == u64::from(FileType::BlockDevice.as_raw_mode());
                let file_type = if is_block {
                    FileType::BlockDevice
                } else {
                    FileType::CharacterDevice
                };
                let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
                let device = rustix::fs::makedev(number(major), number(minor));
                self.special(&name, file_type, device, &metadata)
            }
            EntryKind::Fifo => self.special(&name, FileType::Fifo, 0, &metadata),
            EntryKind::Socket => self.special(&name, FileType::Socket, 0, &metadata),
        }
    }

    fn directory(&mut self, name: &CStr, metadata: Metadata) -> Result<()> {
        let path = self.path();
        let parent = self.directories.current();
        rustix::fs::mkdirat(parent, name, Mode::RWXU).at("create", &path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(parent, name, flags, Mode::empty()).at("open", &path)?;
        self.directories.enter(directory).at("stat", &path)?;
        self.open.push(metadata);
        Ok(())
    }

    fn end_directory(&mut self) -> Result<()> {
        if let Some(metadata) = self.open.pop() {
            self.apply(Object::Open(self.directories.current()), &metadata);
        }
        let path = self.path();
        self.directories.leave().at("go back from", path)
    }

    fn file(&mut self, name: &CStr, metadata: &Metadata, size: u64) -> Result<()> {
        let path = self.path();
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let fd = rustix::fs::openat(self.directories.current(), name, flags, mode);
        let file = File::from(fd.at("create", &path)?);
        self.content(&file, size, &path)?;
        self.apply(Object::Open(file.as_fd()), metadata);
        Ok(())
    }

    fn content(&mut self, file: &File, size: u64, path: &Path) -> Result<()> {
        let mut offset = 0;
        let mut hole = false;
        while offset < size {
            self.context.cancel.check()?;
            let bytes = match self.decoder.payload().read(&mut self.buffer) {
                // The decoder makes a content that ends early an error.
                Ok(0) => break,
                Ok(bytes) => bytes,
                Err(error) => return Err(self.undecodable(DecodeError::Io(error))),
            };
            let content = &self.buffer[..bytes];
            hole = bytes >= HOLE_BYTES && is_zero(content);
            if !hole {
                write_at(file, content, offset).at("write", path)?;
            }
            offset += bytes as u64;
            let progress = self.context.progress;
            progress.add(bytes as u64, || Some(path.display().to_string()));
        }
        if hole {
            rustix::fs::ftruncate(file, size).at("write", path)?;
        }
        Ok(())
    }

    fn special(
        &mut self,
        name: &CStr,
        file_type: FileType,
        device: u64,
        metadata: &Metadata,
    ) -> Result<()> {
        let directory = self.directories.current();
        let mode = Mode::RUSR | Mode::WUSR;
        match rustix::fs::mknodat(directory, name, file_type, mode, device) {
            Ok(()) => self.apply(Object::Special(directory, name), metadata),
            Err(Errno::PERM) => self.warn("cannot be made by this user, it was left out"),
            Err(error) => return Err(error).at("create", self.path()),
        }
        Ok(())
    }

    fn hard_link(&mut self, target: &[u8]) -> Result<()> {
        self.entries += 1;
        let name = self.name()?;
        let directory = self.directories.current();
        let linked = find_parent(self.directories.root(), target).and_then(|(parent, last)| {
            let parent = parent.as_ref().map_or(self.directories.root(), AsFd::as_fd);
            rustix::fs::linkat(parent, &last, directory, &name, AtFlags::empty())
        });
        match linked {
            Ok(()) => Ok(()),
            // Left out itself, or an archive that is not right.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::PERM) => {
                let target = String::from_utf8_lossy(target);
                self.warn(&format!(
                    "is a hard link to {target}, which is not there: it was left out"
                ));
                Ok(())
            }
            Err(error) => Err(error).at("create", self.path()),
        }
    }

    fn apply(&self, object: Object<'_>, metadata: &Metadata) {
        self.attributes
            .apply(object, metadata, &mut |text| self.warn(&text));
    }

    fn name(&self) -> Result<CString> {
        // The decoder refuses names with a zero byte.
        CString::new(self.decoder.name()).map_err(|_| Error::Damaged {
            path: self.archive.to_owned(),
            detail: "has a name with a zero byte".to_owned(),
        })
    }

    fn path(&self) -> PathBuf {
        self.target.join(OsStr::from_bytes(self.decoder.path()))
    }

    fn warn(&self, text: &str) {
        let path = self.path();
        self.context
            .warnings
            .add(format!("{}: {text}", path.display()));
    }

    /// The stream's own failure is the better explanation.
    fn undecodable(&self, error: DecodeError) -> Error {
        self.failure.take().unwrap_or_else(|| Error::Damaged {
            path: self.archive.to_owned(),
            detail: error.to_string(),
        })
    }
}

/// Goes down to the directory that holds `path`, without following links; `None` when it is `root` itself. Answers it
/// and the last component.
fn find_parent(root: BorrowedFd<'_>, path: &[u8]) -> Result<(Option<OwnedFd>, CString), Errno> {
    let component = |bytes: &[u8]| CString::new(bytes).map_err(|_| Errno::INVAL);
    let mut components = path.split(|byte| *byte == b'/');
    let last = components.next_back().unwrap_or_default();
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut parent: Option<OwnedFd> = None;
    for name in components {
        let inside = parent.as_ref().map_or(root, AsFd::as_fd);
        parent = Some(rustix::fs::openat(
            inside,
            component(name)?,
            flags,
            Mode::empty(),
        )?);
    }
    Ok((parent, component(last)?))
}
