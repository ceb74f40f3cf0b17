//! A directory tree on its way into a pxar archive.
//!
//! The walk goes relative to open directories and follows no symbolic link; names in a directory are sorted, so that two
//! imports of one tree give one stream. It crosses mounts, but not into pseudo file systems, nor into the store that is
//! being written to. What cannot be read or vanishes is told and left out.

use std::collections::HashMap;
use std::ffi::{CStr, CString, OsStr};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::vec;

use ferrite_formats::pcat1::{CatalogKind, CatalogWriter};
use ferrite_formats::pxar::{EncodeError, Encoder, EntryPosition, Metadata};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::Context;
use super::chunk_pool::{ChunkPool, StreamChunks};
use super::metadata::{MetadataReader, Object};
use super::pseudo_fs::pseudo_file_system;
use super::stream::ChunkedStream;
use crate::dir_stack::{DirStack, FileId, file_id};
use crate::error::{Error, FormatContext, IoContext, Result};

/// Name of the catalog of all trees of a snapshot.
pub(super) const CATALOG_NAME: &str = "catalog.pcat1.didx";

const READ_BYTES: usize = 1 << 20;

/// The catalog while it is written.
pub(super) struct TreeCatalog<'p> {
    writer: CatalogWriter,
    stream: ChunkedStream<'p>,
}

impl<'p> TreeCatalog<'p> {
    pub(super) fn new(pool: &'p ChunkPool<'p>) -> Result<Self> {
        Ok(Self {
            writer: CatalogWriter::new(),
            stream: ChunkedStream::new(pool)?,
        })
    }

    pub(super) fn finish(mut self) -> Result<Arc<StreamChunks>> {
        let rest = self.writer.finish().of(CATALOG_NAME)?;
        self.stream.append(&rest)?;
        self.stream.finish()
    }

    fn start_directory(&mut self, name: &[u8]) -> Result<()> {
        self.writer.start_directory(name).of(CATALOG_NAME)
    }

    fn end_directory(&mut self) -> Result<()> {
        self.writer.end_directory().of(CATALOG_NAME)?;
        let finished = self.writer.take_output();
        self.stream.append(&finished)
    }

    fn add(&mut self, name: &[u8], kind: CatalogKind) -> Result<()> {
        self.writer.add(name, kind).of(CATALOG_NAME)
    }
}

impl Context<'_> {
    /// Archives the tree at `source` as `archive`. Answers the chunks of the stream and the number of entries.
    pub(super) fn read_tree<'p>(
        &'p self,
        source: &Path,
        archive: &str,
        catalog: &mut TreeCatalog<'p>,
    ) -> Result<(Arc<StreamChunks>, u64)> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(source, flags, Mode::empty()).at("open", source)?;
        let stat = rustix::fs::fstat(&root).at("stat", source)?;
        let store = rustix::fs::stat(self.store.path()).at("stat", self.store.path())?;
        let store = (store.st_dev, store.st_ino);
        if (stat.st_dev, stat.st_ino) == store {
            return Err(Error::Request(format!(
                "{} is the datastore itself: it cannot be imported into itself",
                source.display()
            )));
        }
        let mut reader = MetadataReader::new();
        let metadata = reader.read(&Object::Open(root.as_fd()), &stat, &mut |text| {
            self.warnings.add(format!("{}: {text}", source.display()));
        });
        let names = read_names(&root).at("list", source)?;
        let encoder = Encoder::new(ChunkedStream::new(&self.pool)?, &metadata);
        let encoder = encoder.map_err(|error| self.stopped(source, error))?;
        catalog.start_directory(archive.as_bytes())?;
        let walk = TreeWalk {
            context: self,
            source,
            store,
            encoder,
            catalog,
            reader,
            buffer: vec![0; READ_BYTES],
            hard_links: HashMap::new(),
            directories: DirStack::new(root).at("stat", source)?,
            open: vec![OpenDirectory {
                names: names.into_iter(),
                path_length: 0,
            }],
            path: Vec::new(),
            entries: 1,
        };
        walk.run()
    }

    /// An error that ends the archive.
    fn stopped(&self, path: &Path, error: EncodeError) -> Error {
        if let Some(cause) = self.pool.take_error() {
            return cause;
        }
        match error {
            EncodeError::Io(source) => Error::Io {
                action: "archive",
                path: path.to_owned(),
                source,
            },
            other => Error::Request(format!("{}: {other}", path.display())),
        }
    }
}

/// A directory that is being walked.
struct OpenDirectory {
    /// Entries still to be visited.
    names: vec::IntoIter<CString>,
    /// Length of its path below the root.
    path_length: usize,
}

struct TreeWalk<'w, 'p> {
    context: &'p Context<'p>,
    source: &'w Path,
    store: FileId,
    encoder: Encoder<ChunkedStream<'p>>,
    catalog: &'w mut TreeCatalog<'p>,
    reader: MetadataReader,
    buffer: Vec<u8>,
    /// Objects with several names, by device and inode: path and position of the first.
    hard_links: HashMap<FileId, (Vec<u8>, EntryPosition)>,
    directories: DirStack,
    open: Vec<OpenDirectory>,
    /// Path of the current entry below the root.
    path: Vec<u8>,
    entries: u64,
}

impl<'p> TreeWalk<'_, 'p> {
    fn run(mut self) -> Result<(Arc<StreamChunks>, u64)> {
        while let Some(directory) = self.open.last_mut() {
            self.context.cancel.check()?;
            let path_length = directory.path_length;
            match directory.names.next() {
                Some(name) => {
                    self.path.truncate(path_length);
                    if path_length > 0 {
                        self.path.push(b'/');
                    }
                    self.path.extend_from_slice(name.to_bytes());
                    self.visit(&name)?;
                }
                None => self.leave()?,
            }
        }
        let source = self.source;
        let finished = self.encoder.finish();
        let stream = finished.map_err(|error| self.context.stopped(source, error))?;
        Ok((stream.finish()?, self.entries))
    }

    /// Ends the innermost directory.
    fn leave(&mut self) -> Result<()> {
        self.open.pop();
        self.catalog.end_directory()?;
        if self.open.is_empty() {
            return Ok(());
        }
        let closed = self.encoder.close_directory();
        self.written(closed)?;
        self.directories.leave().at("go back from", self.shown())
    }

    fn visit(&mut self, name: &CStr) -> Result<()> {
        let directory = self.directories.current();
        let stat = match rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(error) => return self.left_out(error),
        };
        let file_type = FileType::from_raw_mode(stat.st_mode);
        let excludes = &self.context.excludes;
        if excludes.matches(&self.path, file_type == FileType::Directory) {
            return Ok(());
        }
        if file_type == FileType::Directory {
            return self.visit_directory(name);
        }
        let id = (stat.st_dev, stat.st_ino);
        let first_name = (stat.st_nlink > 1).then(|| self.hard_links.get(&id));
        if let Some((target, position)) = first_name.flatten() {
            let linked = self.encoder.hardlink(name.to_bytes(), target, *position);
            return match self.written(linked)? {
                Some(()) => self.added(name, CatalogKind::Hardlink),
                None => Ok(()),
            };
        }
        let position = match file_type {
            FileType::RegularFile => self.visit_file(name, &stat)?,
            _ => self.visit_special(name, file_type, &stat)?,
        };
        if let Some(position) = position.filter(|_| stat.st_nlink > 1) {
            self.hard_links.insert(id, (self.path.clone(), position));
        }
        Ok(())
    }

    fn visit_directory(&mut self, name: &CStr) -> Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let parent = self.directories.current();
        let opened = rustix::fs::openat(parent, name, flags, Mode::empty());
        let directory = match opened {
            Ok(directory) => directory,
            Err(error @ (Errno::ACCESS | Errno::PERM)) => {
                self.left_out(error)?;
                return self.empty_directory(name);
            }
            Err(error) => return self.left_out(error),
        };
        let id = file_id(&directory).at("stat", self.shown())?;
        if id == self.store {
            self.warn("is the datastore itself, it was left out");
            return Ok(());
        }
        if self.directories.contains(id) {
            self.warn("contains itself (by a mount), it was left out");
            return Ok(());
        }
        let stat = rustix::fs::fstat(&directory).at("stat", self.shown())?;
        let names = if id.0 != self.directories.current_id().0 {
            self.names_of_mount(&directory)
        } else {
            read_names(&directory)
        };
        let names = match names {
            Ok(names) => names,
            Err(error) => {
                self.left_out(error)?;
                Vec::new()
            }
        };
        let metadata = self.metadata(&Object::Open(directory.as_fd()), &stat);
        let opened = self.encoder.open_directory(name.to_bytes(), &metadata);
        if self.written(opened)?.is_none() {
            return Ok(());
        }
        self.catalog.start_directory(name.to_bytes())?;
        self.entries += 1;
        self.open.push(OpenDirectory {
            names: names.into_iter(),
            path_length: self.path.len(),
        });
        self.directories.enter(directory).at("stat", self.shown())
    }

    /// Names in a directory on another file system than its parent: none when it is a pseudo file system.
    fn names_of_mount(&self, directory: &OwnedFd) -> Result<Vec<CString>, Errno> {
        if let Some(kind) = pseudo_file_system(directory)? {
            let path = self.shown();
            let text = format!(
                "{}: content of the {kind} file system is left out",
                path.display()
            );
            self.context.warnings.note(text);
            return Ok(Vec::new());
        }
        read_names(directory)
    }

    /// A directory that may not be opened.
    fn empty_directory(&mut self, name: &CStr) -> Result<()> {
        let parent = self.directories.current();
        let stat = match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => stat,
            Ok(_) => return Ok(()),
            Err(error) => return self.left_out(error),
        };
        let metadata = self.entry_metadata(name, &stat);
        let opened = self.encoder.open_directory(name.to_bytes(), &metadata);
        if self.written(opened)?.is_some() {
            self.catalog.start_directory(name.to_bytes())?;
            self.catalog.end_directory()?;
            let closed = self.encoder.close_directory();
            self.written(closed)?;
            self.entries += 1;
        }
        Ok(())
    }

    fn visit_file(&mut self, name: &CStr, found: &Stat) -> Result<Option<EntryPosition>> {
        // An empty file needs no opening. That also keeps off the lock files of stores that this process has locked:
        // closing one would release the lock (see locks/base_lock.rs).
        if found.st_size == 0 {
            let metadata = self.entry_metadata(name, found);
            let written = match self.encoder.file(name.to_bytes(), &metadata, 0) {
                Ok(payload) => payload.finish(),
                Err(error) => Err(error),
            };
            return self.file_written(name, written, found, 0);
        }
        let file = match open_for_reading(self.directories.current(), name) {
            Ok(file) => file,
            Err(error) => return self.left_out(error).map(|()| None),
        };
        let stat = rustix::fs::fstat(&file).at("stat", self.shown())?;
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            self.warn("was replaced while it was read, it was left out");
            return Ok(None);
        }
        let bytes = u64::try_from(stat.st_size).unwrap_or(0);
        let metadata = self.metadata(&Object::Open(file.as_fd()), &stat);
        let path = self.source.join(OsStr::from_bytes(&self.path));
        let written = match self.encoder.file(name.to_bytes(), &metadata, bytes) {
            Ok(mut payload) => {
                let context = self.context;
                let copied = copy(&file, &mut payload, &mut self.buffer, context, &path);
                copied.and_then(|()| Ok(payload.finish_padded()?.0))
            }
            Err(error) => Err(error),
        };
        self.file_written(name, written, &stat, bytes)
    }

    fn file_written(
        &mut self,
        name: &CStr,
        written: Result<EntryPosition, EncodeError>,
        stat: &Stat,
        size: u64,
    ) -> Result<Option<EntryPosition>> {
        let position = self.written(written)?;
        if position.is_some() {
            let mtime = stat.st_mtime;
            self.added(name, CatalogKind::File { size, mtime })?;
        }
        Ok(position)
    }

    fn visit_special(
        &mut self,
        name: &CStr,
        file_type: FileType,
        stat: &Stat,
    ) -> Result<Option<EntryPosition>> {
        let metadata = self.entry_metadata(name, stat);
        let bytes = name.to_bytes();
        let (major, minor) = (
            u64::from(rustix::fs::major(stat.st_rdev)),
            u64::from(rustix::fs::minor(stat.st_rdev)),
        );
        let (written, kind) = match file_type {
            FileType::Symlink => {
                let directory = self.directories.current();
                let target = match rustix::fs::readlinkat(directory, name, Vec::new()) {
                    Ok(target) => target,
                    Err(error) => return self.left_out(error).map(|()| None),
                };
                let written = self.encoder.symlink(bytes, &metadata, target.to_bytes());
                (written, CatalogKind::Symlink)
            }
            FileType::BlockDevice => {
                let written = self.encoder.device(bytes, &metadata, major, minor);
                (written, CatalogKind::BlockDevice)
            }
            FileType::CharacterDevice => {
                let written = self.encoder.device(bytes, &metadata, major, minor);
                (written, CatalogKind::CharDevice)
            }
            FileType::Fifo => (self.encoder.fifo(bytes, &metadata), CatalogKind::Fifo),
            FileType::Socket => (self.encoder.socket(bytes, &metadata), CatalogKind::Socket),
            _ => {
                self.warn("is of an unknown type, it was left out");
                return Ok(None);
            }
        };
        let position = self.written(written)?;
        if position.is_some() {
            self.added(name, kind)?;
        }
        Ok(position)
    }

    fn added(&mut self, name: &CStr, kind: CatalogKind) -> Result<()> {
        self.entries += 1;
        self.catalog.add(name.to_bytes(), kind)
    }

    fn metadata(&mut self, object: &Object<'_>, stat: &Stat) -> Metadata {
        let (context, source, path) = (self.context, self.source, &self.path);
        self.reader.read(object, stat, &mut |text| {
            let path = source.join(OsStr::from_bytes(path));
            context.warnings.add(format!("{}: {text}", path.display()));
        })
    }

    fn entry_metadata(&mut self, name: &CStr, stat: &Stat) -> Metadata {
        let (context, source, path) = (self.context, self.source, &self.path);
        let object = Object::Entry(self.directories.current(), name);
        self.reader.read(&object, stat, &mut |text| {
            let path = source.join(OsStr::from_bytes(path));
            context.warnings.add(format!("{}: {text}", path.display()));
        })
    }

    /// `None` for an entry that the archive cannot hold, which is told; an error when the archive cannot go on.
    fn written<T>(&self, result: Result<T, EncodeError>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error @ (EncodeError::Entry { .. } | EncodeError::TooDeep { .. })) => {
                self.warn(&format!("was left out: {error}"));
                Ok(None)
            }
            Err(error) => Err(self.context.stopped(&self.shown(), error)),
        }
    }

    /// An entry that cannot be read is told; it does not stop the import.
    fn left_out(&self, error: Errno) -> Result<()> {
        match error {
            Errno::NOENT => self.warn("vanished before it could be read"),
            Errno::MFILE | Errno::NFILE | Errno::NOMEM => {
                return Err(error).at("open", self.shown());
            }
            error => self.warn(&format!("cannot be read, it was left out: {error}")),
        }
        Ok(())
    }

    fn warn(&self, text: &str) {
        let path = self.shown();
        self.context
            .warnings
            .add(format!("{}: {text}", path.display()));
    }

    /// Path of the current entry, for messages.
    fn shown(&self) -> std::path::PathBuf {
        self.source.join(OsStr::from_bytes(&self.path))
    }
}

/// Copies a file's content, no more than the archive expects. What is missing in the end is filled up by the caller.
fn copy<W: Write>(
    file: &OwnedFd,
    payload: &mut ferrite_formats::pxar::PayloadWriter<'_, W>,
    buffer: &mut [u8],
    context: &Context<'_>,
    path: &Path,
) -> Result<(), EncodeError> {
    let warn = |text: String| context.warnings.add(format!("{}: {text}", path.display()));
    let mut offset = 0;
    while payload.missing() > 0 {
        // Large files take long.
        if context.cancel.is_cancelled() {
            context.pool.fail(Error::Aborted);
            return Err(EncodeError::Io(std::io::Error::other("aborted")));
        }
        let wanted =
            usize::try_from(payload.missing()).map_or(buffer.len(), |n| n.min(buffer.len()));
        match rustix::io::read(file, &mut buffer[..wanted]) {
            Ok(0) => {
                warn(format!(
                    "became shorter while it was read: {} zeros were added",
                    payload.missing()
                ));
                return Ok(());
            }
            Ok(bytes) => {
                payload.write_all(&buffer[..bytes])?;
                offset += bytes as u64;
                context
                    .progress
                    .add(bytes as u64, || Some(path.display().to_string()));
            }
            Err(Errno::INTR) => {}
            Err(error) => {
                warn(format!(
                    "cannot be read from byte {offset} on ({error}): zeros stand in for the rest"
                ));
                return Ok(());
            }
        }
    }
    if rustix::io::pread(file, &mut buffer[..1], offset).is_ok_and(|bytes| bytes > 0) {
        warn(format!(
            "became longer while it was read: it was cut off after {offset} bytes"
        ));
    }
    Ok(())
}

/// Without changing the access time, where that is allowed.
fn open_for_reading(directory: impl AsFd, name: &CStr) -> Result<OwnedFd, Errno> {
    // NONBLOCK: what was a file a moment ago may be a pipe now.
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match rustix::fs::openat(&directory, name, flags | OFlags::NOATIME, Mode::empty()) {
        Err(Errno::PERM) => rustix::fs::openat(&directory, name, flags, Mode::empty()),
        other => other,
    }
}

/// Names in a directory, sorted by their bytes.
fn read_names(directory: impl AsFd) -> Result<Vec<CString>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let name = entry?.file_name().to_owned();
        if !matches!(name.as_bytes(), b"." | b"..") {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}
