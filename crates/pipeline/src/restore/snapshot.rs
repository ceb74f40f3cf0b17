//! Reading one snapshot archive: its files into a new snapshot, checked against each other before the manifest appears.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ferrite_datastore::{CancelFlag, Error as StoreError, MAX_INDEX_BYTES, SnapshotWriter, Store};
use ferrite_formats::archive_name::MANIFEST_NAME;
use ferrite_formats::index::Index;
use ferrite_formats::manifest::{FileEntry, MAX_MANIFEST_BYTES, Manifest};
use ferrite_formats::snapshot_archive::SnapshotFile;
use ferrite_formats::{Digest, FormatError, SnapshotPath};
use ferrite_tape::ContentReader;
use ferrite_tape::snapshot::{Discard, SnapshotRead, SnapshotSink, read_snapshot_archive};

use super::targets::Target;
use crate::error::{PipelineError, Result};

/// Files are copied in pieces of this size.
const PIECE_BYTES: usize = 256 << 10;

/// What became of a snapshot archive.
#[derive(Debug)]
pub(super) enum SnapshotEnd {
    /// The snapshot is in its target.
    Restored,
    /// The target has it already.
    Existing,
    /// The archive on tape is not whole; it does not count.
    Cut(String),
    /// The archive is whole, but the snapshot is not: it was not restored.
    Unusable(String),
}

/// Steps over a snapshot archive. Answers why it does not count, if so.
pub(super) fn skip(reader: &mut ContentReader<'_>) -> Result<Option<String>> {
    match read_snapshot_archive(reader, &mut Discard)? {
        SnapshotRead::Complete => Ok(None),
        SnapshotRead::Incomplete { reason } => Ok(Some(reason)),
    }
}

/// Restores the snapshot whose archive `reader` stands in, behind its head.
///
/// # Errors
/// Damage in the archive, another owner, errors of drive and datastore. Nothing of the snapshot stays then.
pub(super) fn restore(
    reader: &mut ContentReader<'_>,
    target: &Target,
    path: &SnapshotPath,
    owner_auth_id: &str,
    cancel: &CancelFlag,
) -> Result<SnapshotEnd> {
    let group = target
        .store
        .create_group(path.namespace(), path.group(), owner_auth_id)?;
    let Some(writer) = group.create_snapshot(path.time())? else {
        return Ok(skip(reader)?.map_or(SnapshotEnd::Existing, SnapshotEnd::Cut));
    };
    let mut sink = Sink {
        writer: &writer,
        cancel,
        manifest: Vec::new(),
        failure: None,
    };
    match read_snapshot_archive(reader, &mut sink) {
        Ok(SnapshotRead::Complete) => {}
        Ok(SnapshotRead::Incomplete { reason }) => return Ok(SnapshotEnd::Cut(reason)),
        Err(error) => return Err(sink.failure.unwrap_or(PipelineError::Tape(error))),
    }
    let manifest_blob = std::mem::take(&mut sink.manifest);
    let manifest = parse_manifest(&manifest_blob, &writer)?;
    if let Some(reason) = check(&manifest, writer.directory(), &target.store, cancel)? {
        return Ok(SnapshotEnd::Unusable(reason));
    }
    let stored = manifest.without_verify_state().to_blob();
    let stored =
        stored.map_err(|source| format_error(writer.directory().join(MANIFEST_NAME), source))?;
    // The snapshot appears with its manifest, so everything that it relies on has to be on disk before.
    target.sync()?;
    writer.commit(stored.as_bytes())?;
    Ok(SnapshotEnd::Restored)
}

/// What became of a staged snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installed {
    /// It is in the datastore.
    Restored,
    /// The datastore has it already.
    Existing,
    /// Files or chunks are missing, for a person.
    Unusable(String),
}

/// Makes a snapshot out of a folder that [`stage`](super::stage()) made, once all of its chunks are in the datastore. The
/// folder stays.
///
/// # Errors
/// Files that are not what the manifest says, another owner, errors of the datastore. Nothing of the snapshot stays then.
pub fn install(
    store: &Store,
    folder: &Path,
    path: &SnapshotPath,
    owner_auth_id: &str,
    cancel: &CancelFlag,
) -> Result<Installed> {
    let manifest_path = folder.join(MANIFEST_NAME);
    let blob = read_file(&manifest_path, MAX_MANIFEST_BYTES)?;
    let manifest = Manifest::parse_blob(&blob)
        .map_err(|source| format_error(manifest_path.clone(), source))?;
    if let Some(reason) = check(&manifest, folder, store, cancel)? {
        return Ok(Installed::Unusable(reason));
    }
    let group = store.create_group(path.namespace(), path.group(), owner_auth_id)?;
    let Some(writer) = group.create_snapshot(path.time())? else {
        return Ok(Installed::Existing);
    };
    let failed = |source| io_error(folder, source);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let text = name.to_string_lossy();
        if text != MANIFEST_NAME {
            copy_file(&folder.join(&name), &text, &writer)?;
        }
    }
    let stored = manifest
        .without_verify_state()
        .to_blob()
        .map_err(|source| format_error(manifest_path, source))?;
    writer.commit(stored.as_bytes())?;
    Ok(Installed::Restored)
}

fn copy_file(from: &Path, name: &str, writer: &SnapshotWriter) -> Result<()> {
    let mut source = File::open(from).map_err(|error| io_error(from, error))?;
    let mut stored = writer.create_file(name)?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match source.read(&mut piece) {
            Ok(0) => return Ok(stored.finish()?),
            Ok(bytes) => stored.append(&piece[..bytes])?,
            Err(error) => return Err(io_error(from, error)),
        }
    }
}

fn read_file(path: &Path, most_bytes: u64) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let length = File::open(path)
        .and_then(|file| file.take(most_bytes + 1).read_to_end(&mut content))
        .map_err(|error| io_error(path, error))?;
    if length as u64 > most_bytes {
        return Err(damaged(path, format!("is longer than {most_bytes} bytes")));
    }
    Ok(content)
}

fn io_error(path: &Path, source: io::Error) -> PipelineError {
    PipelineError::Store(StoreError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })
}

fn parse_manifest(blob: &[u8], writer: &SnapshotWriter) -> Result<Manifest> {
    Manifest::parse_blob(blob)
        .map_err(|source| format_error(writer.directory().join(MANIFEST_NAME), source))
}

fn format_error(path: std::path::PathBuf, source: FormatError) -> PipelineError {
    PipelineError::Store(StoreError::Format { path, source })
}

/// Takes the files of an archive into a new snapshot, and keeps the manifest back.
struct Sink<'a> {
    writer: &'a SnapshotWriter,
    cancel: &'a CancelFlag,
    manifest: Vec<u8>,
    /// The error in full; the archive reader sees only that there is one.
    failure: Option<PipelineError>,
}

impl SnapshotSink for Sink<'_> {
    fn file(&mut self, file: &SnapshotFile, content: &mut dyn Read) -> io::Result<()> {
        let result = if file.name == MANIFEST_NAME {
            self.take_manifest(file, content)
        } else {
            self.take_file(file, content)
        };
        result.map_err(|stop| match stop {
            Stop::Tape(error) => error,
            Stop::Target(error) => {
                let text = error.to_string();
                self.failure = Some(error);
                io::Error::other(text)
            }
        })
    }
}

/// Whose fault it is that a file cannot be taken.
enum Stop {
    Tape(io::Error),
    Target(PipelineError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Target(error.into())
    }
}

impl Sink<'_> {
    fn take_manifest(&mut self, file: &SnapshotFile, content: &mut dyn Read) -> Result<(), Stop> {
        if file.size > MAX_MANIFEST_BYTES {
            return Err(StoreError::Damaged {
                path: self.writer.directory().join(MANIFEST_NAME),
                detail: format!(
                    "is {} bytes long on tape, more than {MAX_MANIFEST_BYTES}",
                    file.size
                ),
            }
            .into());
        }
        content
            .read_to_end(&mut self.manifest)
            .map_err(Stop::Tape)?;
        Ok(())
    }

    fn take_file(&mut self, file: &SnapshotFile, content: &mut dyn Read) -> Result<(), Stop> {
        let mut stored = self.writer.create_file(&file.name)?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            if self.cancel.is_cancelled() {
                return Err(Stop::Target(PipelineError::Cancelled));
            }
            match content.read(&mut piece).map_err(Stop::Tape)? {
                0 => break,
                bytes => stored.append(&piece[..bytes])?,
            }
        }
        Ok(stored.finish()?)
    }
}

/// Compares every file with the manifest, and looks for every chunk. Answers what is missing, if the snapshot is not whole.
///
/// # Errors
/// A file that is not what the manifest says: then the archive on tape is damaged.
fn check(
    manifest: &Manifest,
    directory: &Path,
    store: &Store,
    cancel: &CancelFlag,
) -> Result<Option<String>> {
    let mut looked_for = HashSet::new();
    let (mut missing, mut example) = (0u64, None);
    for file in manifest
        .files()
        .iter()
        .filter(|file| file.filename != MANIFEST_NAME)
    {
        let path = directory.join(&file.filename);
        if !path.exists() {
            return Ok(Some(format!(
                "the manifest lists {}, which is not in the archive",
                file.filename
            )));
        }
        let Some(index) = check_file(file, &path)? else {
            continue;
        };
        for entry in index.iter() {
            if !looked_for.insert(entry.digest) {
                continue;
            }
            if cancel.is_cancelled() {
                return Err(PipelineError::Cancelled);
            }
            if !store.chunks().touch_if_present(&entry.digest)? {
                missing += 1;
                example.get_or_insert(entry.digest);
            }
        }
    }
    let Some(digest) = example else {
        return Ok(None);
    };
    Ok(Some(format!(
        "{missing} of its {} chunks are neither on the tapes read so far nor in datastore {}, {digest} for one",
        looked_for.len(),
        store.name()
    )))
}

/// Compares size and checksum of a file with the manifest; gives the index if it is one.
fn check_file(file: &FileEntry, path: &Path) -> Result<Option<Index>> {
    let content = read_file(path, MAX_INDEX_BYTES)?;
    let length = content.len();
    let format = |source| format_error(path.to_owned(), source);
    let (index, size, csum) = if file.kind().map_err(format)?.is_index() {
        let index = Index::parse(&file.filename, content).map_err(format)?;
        let (size, csum) = (index.size(), index.checksum());
        (Some(index), size, csum)
    } else {
        (None, length as u64, Digest::of(&content))
    };
    if size != file.size {
        return Err(damaged(
            path,
            format!("has size {size}, the manifest says {}", file.size),
        ));
    }
    if csum != file.csum {
        return Err(damaged(
            path,
            format!("has checksum {csum}, the manifest says {}", file.csum),
        ));
    }
    Ok(index)
}

fn damaged(path: &Path, detail: String) -> PipelineError {
    PipelineError::Store(StoreError::Damaged {
        path: path.to_owned(),
        detail,
    })
}
