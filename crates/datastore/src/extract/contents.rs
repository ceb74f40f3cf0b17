//! What an archive holds without writing it anywhere: each file with its digest and the chunks that it lies in, so that a
//! restore can be compared with its originals and a file be told its tapes.

use std::io::Read;

use ferrite_formats::Digest;
use ferrite_formats::SnapshotPath;
use ferrite_formats::archive_name::ArchiveKind;
use ferrite_formats::index::Index;
use ferrite_formats::pxar::{DecodeError, Decoded, Decoder, EntryKind};
use sha2::{Digest as _, Sha256};

use super::chunk_stream::{ChunkStream, StreamFailure};
use super::{Context, find_archive};
use crate::active_operations::Operation;
use crate::chunk_reader::check_chunk_sizes;
use crate::error::{Error, Result};
use crate::progress::{CancelFlag, EventSink, Progress};
use crate::snapshot::{SnapshotReader, StoredFile};
use crate::store::Store;
use crate::warnings::Warnings;

const READ_BYTES: usize = 256 * 1024;

/// A file in an archive; an image or other stream is one file with the archive's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedFile {
    /// Below the root of the tree; bytes, as file names are.
    pub path: Vec<u8>,
    /// Bytes of content.
    pub size: u64,
    /// SHA-256 of the content.
    pub sha256: Digest,
    /// Chunks that hold its content, in order; empty for a file without content.
    pub chunks: Vec<Digest>,
}

/// What [`Store::archive_contents`] hands over, in the order of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchiveItem {
    /// A file.
    File(ArchivedFile),
    /// Another name of a file that came before.
    Hardlink {
        /// Below the root of the tree.
        path: Vec<u8>,
        /// Path of the file.
        target: Vec<u8>,
    },
}

impl Store {
    /// Reads a tree, image or stream whole, verifying every chunk, and hands over each of its files.
    ///
    /// # Errors
    /// As [`extract`](Self::extract); [`Error::Request`] for a blob, which has no chunks.
    pub fn archive_contents(
        &self,
        snapshot: &SnapshotPath,
        archive: &str,
        on_item: &mut dyn FnMut(ArchiveItem) -> Result<()>,
        sink: EventSink<'_>,
        cancel: &CancelFlag,
    ) -> Result<()> {
        let _operation = self.begin(Operation::Read)?;
        let snapshot = self.open_snapshot(snapshot)?;
        let file = find_archive(&snapshot, archive)?;
        if file.kind() == ArchiveKind::Blob {
            return Err(Error::Request(format!(
                "{} is a blob: extract it",
                file.path().display()
            )));
        }
        let total = snapshot
            .manifest()
            .file(file.name())
            .map(|entry| entry.size);
        let progress = Progress::new(sink, total);
        let warnings = Warnings::new(sink);
        let context = Context {
            store: self,
            progress: &progress,
            warnings: &warnings,
            cancel,
        };
        context.list_contents(&snapshot, file, on_item)?;
        progress.finish();
        Ok(())
    }
}

impl Context<'_> {
    fn list_contents(
        &self,
        snapshot: &SnapshotReader,
        file: &StoredFile,
        on_item: &mut dyn FnMut(ArchiveItem) -> Result<()>,
    ) -> Result<()> {
        let index = snapshot.read_index(file)?;
        check_chunk_sizes(&index, file)?;
        std::thread::scope(|scope| {
            let mut stream = ChunkStream::start(scope, self.store.chunks(), &index);
            let failure = stream.failure();
            let mut listing = Listing {
                context: self,
                file,
                index: &index,
                failure,
                buffer: vec![0; READ_BYTES],
            };
            if file.name().ends_with(".pxar.didx") {
                listing.tree(Decoder::new(stream), on_item)
            } else {
                let (size, sha256) = listing.digest(&mut stream)?;
                on_item(listing.archived(file.name().as_bytes().to_vec(), 0, size, sha256))
            }
        })
    }
}

struct Listing<'a> {
    context: &'a Context<'a>,
    file: &'a StoredFile,
    index: &'a Index,
    failure: StreamFailure,
    buffer: Vec<u8>,
}

impl Listing<'_> {
    fn tree(
        &mut self,
        mut decoder: Decoder<ChunkStream>,
        on_item: &mut dyn FnMut(ArchiveItem) -> Result<()>,
    ) -> Result<()> {
        while let Some(entry) = decoder
            .next_entry()
            .map_err(|error| self.decode_error(&error))?
        {
            self.context.cancel.check()?;
            let path = decoder.path().to_vec();
            match entry {
                Decoded::Entry {
                    kind: EntryKind::File { .. },
                    ..
                } => {
                    let start = decoder.offset();
                    let (size, sha256) = self.digest(&mut decoder.payload())?;
                    on_item(self.archived(path, start, size, sha256))?;
                }
                Decoded::Hardlink { target, .. } => {
                    on_item(ArchiveItem::Hardlink { path, target })?
                }
                Decoded::Entry { .. } | Decoded::DirectoryEnd => {}
            }
        }
        Ok(())
    }

    /// Size and SHA-256 of everything up to the reader's end.
    fn digest(&mut self, reader: &mut dyn Read) -> Result<(u64, Digest)> {
        let (mut hasher, mut size) = (Sha256::new(), 0);
        loop {
            self.context.cancel.check()?;
            let bytes = reader
                .read(&mut self.buffer)
                .map_err(|error| self.read_error(&error))?;
            if bytes == 0 {
                return Ok((size, Digest::finish(hasher)));
            }
            hasher.update(&self.buffer[..bytes]);
            size += bytes as u64;
            self.context.progress.add(bytes as u64, || None);
        }
    }

    fn archived(&self, path: Vec<u8>, start: u64, size: u64, sha256: Digest) -> ArchiveItem {
        let first = if size == 0 {
            None
        } else {
            self.index.chunk_at(start)
        };
        let chunks = first.into_iter().flat_map(|first| {
            let entries =
                (first..self.index.len()).map_while(|position| self.index.entry(position));
            entries
                .take_while(|entry| entry.range.start < start + size)
                .map(|entry| entry.digest)
        });
        ArchiveItem::File(ArchivedFile {
            path,
            size,
            sha256,
            chunks: chunks.collect(),
        })
    }

    /// What the store says about a chunk says more than what the reader of the stream makes of it.
    fn read_error(&self, error: &std::io::Error) -> Error {
        self.failure
            .take()
            .unwrap_or_else(|| self.damaged(error.to_string()))
    }

    fn decode_error(&self, error: &DecodeError) -> Error {
        self.failure
            .take()
            .unwrap_or_else(|| self.damaged(error.to_string()))
    }

    fn damaged(&self, detail: String) -> Error {
        Error::Damaged {
            path: self.file.path().to_owned(),
            detail,
        }
    }
}
