//! Snapshot archives into folders: their indexes say which chunks are to be fetched before the snapshots can appear.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use ferrite_datastore::{CancelFlag, Error as StoreError};
use ferrite_formats::SnapshotPath;
use ferrite_formats::archive_name::check_archive_name;
use ferrite_formats::block::BLOCK_SIZE;
use ferrite_formats::snapshot_archive::SnapshotFile;
use ferrite_scsi::Drive;
use ferrite_tape::file::read_head;
use ferrite_tape::snapshot::{SnapshotRead, SnapshotSink, read_snapshot_archive};
use ferrite_tape::{AlignedBlock, ContentReader, FileKind, NextFile};

use super::IncompleteFile;
use crate::error::{PipelineError, Result};
use crate::events::Event;

/// A snapshot archive on the tape in the drive, and the folder for its files.
#[derive(Clone, Debug)]
pub struct StagedSnapshot {
    /// Tape file, as the catalog says.
    pub file_number: u64,
    /// Source datastore.
    pub store: String,
    /// The snapshot, as on tape.
    pub snapshot: SnapshotPath,
    /// Is made, with the folders above it; must not exist.
    pub directory: PathBuf,
}

/// What [`stage`] did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageOutcome {
    /// Archives that are not whole; their folders are gone again.
    pub incomplete: Vec<IncompleteFile>,
    /// Bytes of all blocks read.
    pub bytes_read: u64,
    /// Duration.
    pub seconds: f64,
}

/// Reads snapshot archives of the tape in the drive, in the order of the tape.
///
/// # Errors
/// See [`PipelineError`]; a tape file that is not what the catalog says is [`PipelineError::Plan`].
pub fn stage(
    drive: &mut Drive,
    snapshots: &[StagedSnapshot],
    events: &dyn Fn(Event),
    cancel: &CancelFlag,
) -> Result<StageOutcome> {
    let started = Instant::now();
    let mut outcome = StageOutcome::default();
    let mut in_order: Vec<_> = snapshots.iter().collect();
    in_order.sort_by_key(|snapshot| snapshot.file_number);
    let mut block = AlignedBlock::new();
    for staged in in_order {
        if cancel.is_cancelled() {
            return Err(PipelineError::Cancelled);
        }
        stage_one(drive, staged, &mut block, &mut outcome, events, cancel)?;
    }
    outcome.seconds = started.elapsed().as_secs_f64();
    Ok(outcome)
}

fn stage_one(
    drive: &mut Drive,
    staged: &StagedSnapshot,
    block: &mut AlignedBlock,
    outcome: &mut StageOutcome,
    events: &dyn Fn(Event),
    cancel: &CancelFlag,
) -> Result<()> {
    let started = Instant::now();
    let StagedSnapshot {
        file_number, store, ..
    } = staged;
    let snapshot = staged.snapshot.to_string();
    let mut reader = open_file(drive, *file_number, block)?;
    let named = match read_head(&mut reader)?.kind {
        FileKind::SnapshotArchive {
            store: found,
            snapshot: path,
        } => found == *store && path == snapshot,
        _ => false,
    };
    if !named {
        return Err(not_as_listed(
            *file_number,
            &format!("snapshot {store}:{snapshot}"),
        ));
    }
    events(Event::SnapshotStart {
        store: store.clone(),
        snapshot: snapshot.clone(),
    });
    fs::create_dir_all(&staged.directory).map_err(at("make", &staged.directory))?;
    let mut sink = Folder {
        directory: &staged.directory,
        cancel,
        failure: None,
    };
    match read_snapshot_archive(&mut reader, &mut sink) {
        Ok(SnapshotRead::Complete) => {}
        Ok(SnapshotRead::Incomplete { reason }) => {
            let message = format!("snapshot {store}:{snapshot} cannot be restored: {reason}");
            events(Event::Warning(message.clone()));
            outcome.incomplete.push(IncompleteFile {
                file_number: *file_number,
                message,
                lost: Some((store.clone(), staged.snapshot.clone())),
            });
            fs::remove_dir_all(&staged.directory).map_err(at("remove", &staged.directory))?;
        }
        Err(error) => return Err(sink.failure.unwrap_or(PipelineError::Tape(error))),
    }
    let bytes = reader.blocks() * BLOCK_SIZE as u64;
    outcome.bytes_read += bytes;
    events(Event::SnapshotArchive {
        store: store.clone(),
        snapshot,
        file_number: *file_number,
        bytes,
        seconds: started.elapsed().as_secs_f64(),
    });
    let _behind = reader.finish()?;
    Ok(())
}

/// Goes to a tape file and reads its first block.
pub(super) fn open_file<'d>(
    drive: &'d mut Drive,
    file_number: u64,
    block: &'d mut AlignedBlock,
) -> Result<ContentReader<'d>> {
    let position = drive
        .locate(file_number)
        .map_err(PipelineError::drive("go to a tape file"))?;
    match ContentReader::open(drive, position, block)? {
        NextFile::File(reader) => Ok(reader),
        NextFile::Empty(_) | NextFile::EndOfData(_) => {
            Err(not_as_listed(file_number, "an archive"))
        }
    }
}

/// The catalog is about another tape, or older than what was written since.
pub(super) fn not_as_listed(file_number: u64, wanted: &str) -> PipelineError {
    PipelineError::Plan(format!(
        "tape file {file_number} is not {wanted}, as the catalog of the tape says: restore the catalog from the tape \
         ('proxmox-tape catalog --force')"
    ))
}

fn at<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> PipelineError + 'a {
    move |source| {
        PipelineError::Store(StoreError::Io {
            action,
            path: path.to_owned(),
            source,
        })
    }
}

/// Takes the files of an archive into a folder.
struct Folder<'a> {
    directory: &'a Path,
    cancel: &'a CancelFlag,
    /// The error in full; the archive reader sees only that there is one.
    failure: Option<PipelineError>,
}

impl SnapshotSink for Folder<'_> {
    fn file(&mut self, file: &SnapshotFile, content: &mut dyn Read) -> io::Result<()> {
        let checked = check_archive_name(&file.name).map_err(StoreError::Argument);
        if let Err(error) = checked {
            let text = error.to_string();
            self.failure = Some(error.into());
            return Err(io::Error::other(text));
        }
        let path = self.directory.join(&file.name);
        let mut stored = File::create_new(&path).map_err(|error| self.fail(&path, error))?;
        let mut cancellable = Cancellable {
            inner: content,
            cancel: self.cancel,
        };
        match io::copy(&mut cancellable, &mut stored) {
            Ok(_) => Ok(()),
            Err(_) if self.cancel.is_cancelled() => {
                self.failure = Some(PipelineError::Cancelled);
                Err(io::Error::other("stopped on request"))
            }
            // Of the tape or of the folder: the archive reader can tell.
            Err(error) => Err(error),
        }
    }
}

impl Folder<'_> {
    fn fail(&mut self, path: &Path, source: io::Error) -> io::Error {
        let text = io::Error::new(source.kind(), source.to_string());
        self.failure = Some(at("write", path)(source));
        text
    }
}

struct Cancellable<'a> {
    inner: &'a mut dyn Read,
    cancel: &'a CancelFlag,
}

impl Read for Cancellable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("stopped on request"));
        }
        self.inner.read(buffer)
    }
}
