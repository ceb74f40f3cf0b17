//! Snapshot archives: all files of one snapshot in one tape file (tape-format.md 6).

use std::fs::File;
use std::io::{self, Read};

use ferrite_formats::block_stream::{StreamEnd, Verdict, judge};
use ferrite_formats::pxar::DecodeError;
use ferrite_formats::snapshot_archive::{
    SnapshotArchiveError, SnapshotArchiveHeader, SnapshotArchiveLayout, SnapshotArchiveReader,
    SnapshotFile,
};
use ferrite_scsi::{Drive, Position};

use crate::aligned::AlignedBlock;
use crate::error::{Result, TapeError};
use crate::file::{ContentReader, ContentWriter, FileStamp, WrittenFile};

/// File data is copied in pieces of this size; early warning is looked for behind each (tape-format.md 1.3: any power of two
/// from 4 KiB to 256 KiB gives the cuts that the reference has).
const PIECE_BYTES: usize = 64 * 1024;

/// The files of a snapshot, as they are to go to tape.
pub trait SnapshotSource {
    /// Names, attributes and sizes in tape order: manifest, files of the manifest, client log. The same on every call.
    fn files(&self) -> Vec<SnapshotFile>;

    /// The content of file `number` of [`SnapshotSource::files`], from its start. Each is asked for once, in order; only as
    /// many bytes as announced are read.
    ///
    /// # Errors
    /// Whatever the file system says; the archive is then closed as incomplete.
    fn content(&mut self, number: usize) -> io::Result<&mut dyn Read>;
}

/// Files that are open already.
#[derive(Debug, Default)]
pub struct OpenFiles(pub Vec<(SnapshotFile, File)>);

impl SnapshotSource for OpenFiles {
    fn files(&self) -> Vec<SnapshotFile> {
        self.0.iter().map(|(file, _)| file.clone()).collect()
    }

    fn content(&mut self, number: usize) -> io::Result<&mut dyn Read> {
        match self.0.get_mut(number) {
            Some((_, file)) => Ok(file),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// How a snapshot archive came to its end.
#[derive(Debug)]
pub enum SnapshotEnd {
    /// All of it is in the tape file.
    Complete,
    /// Early warning: cut off and marked as incomplete, to be written again whole on the next tape.
    EarlyWarning,
    /// A file could not be read: cut off and marked as incomplete.
    SourceFailed {
        /// The file.
        name: String,
        /// Why.
        error: io::Error,
    },
}

/// A snapshot archive that was written, whole or not. The tape file is well-formed either way.
#[derive(Debug)]
#[must_use]
pub struct SnapshotOutcome {
    /// Only a complete archive may be recorded in the catalog.
    pub end: SnapshotEnd,
    /// The tape file.
    pub file: WrittenFile,
}

/// Writes the snapshot archive of `header` at `position`.
///
/// # Errors
/// [`TapeError::Drive`]: the tape file is not whole (it has no end marker). [`TapeError::Content`] for files that no archive
/// can hold; nothing is written then.
pub fn write_snapshot_archive(
    drive: &mut Drive,
    position: Position,
    block: &mut AlignedBlock,
    header: &SnapshotArchiveHeader,
    stamp: FileStamp,
    source: &mut dyn SnapshotSource,
) -> Result<SnapshotOutcome> {
    let layout = SnapshotArchiveLayout::new(header, stamp.uuid, stamp.ctime, source.files())
        .map_err(|error| TapeError::content(position.file_number(), error))?;
    let mut writer = ContentWriter::create(drive, position, block)?;
    writer.write(layout.head())?;
    let mut piece = vec![0; PIECE_BYTES];
    for (number, (file, head)) in layout.file_heads().enumerate() {
        writer.write(head)?;
        let end = match source.content(number) {
            Ok(content) => copy_content(content, file, &mut writer, &mut piece)?,
            Err(error) => SnapshotEnd::SourceFailed {
                name: file.name.clone(),
                error,
            },
        };
        if !matches!(end, SnapshotEnd::Complete) {
            return Ok(SnapshotOutcome {
                end,
                file: writer.finish(true)?,
            });
        }
    }
    writer.write(layout.tail())?;
    Ok(SnapshotOutcome {
        end: SnapshotEnd::Complete,
        file: writer.finish(false)?,
    })
}

/// Copies one file; [`SnapshotEnd::Complete`] says that the archive may go on.
fn copy_content(
    content: &mut dyn Read,
    file: &SnapshotFile,
    writer: &mut ContentWriter<'_>,
    piece: &mut [u8],
) -> Result<SnapshotEnd> {
    let mut left = file.size;
    while left > 0 {
        let length = usize::try_from(left).map_or(piece.len(), |left| left.min(piece.len()));
        if let Err(error) = content.read_exact(&mut piece[..length]) {
            return Ok(SnapshotEnd::SourceFailed {
                name: file.name.clone(),
                error,
            });
        }
        writer.write(&piece[..length])?;
        left -= length as u64;
        if writer.early_warning() {
            return Ok(SnapshotEnd::EarlyWarning);
        }
    }
    Ok(SnapshotEnd::Complete)
}

/// Where the files of a snapshot go that is read from tape.
pub trait SnapshotSink {
    /// Takes the next file. Content that is not read is skipped.
    ///
    /// # Errors
    /// Whatever the file system says: reading stops.
    fn file(&mut self, file: &SnapshotFile, content: &mut dyn Read) -> io::Result<()>;
}

/// Takes files and drops them: for scans.
#[derive(Debug, Default, Clone, Copy)]
pub struct Discard;

impl SnapshotSink for Discard {
    fn file(&mut self, _file: &SnapshotFile, _content: &mut dyn Read) -> io::Result<()> {
        Ok(())
    }
}

/// What became of reading a snapshot archive. The tape file was read to its end either way.
#[derive(Debug)]
#[must_use]
pub enum SnapshotRead {
    /// Every file was handed to the sink.
    Complete,
    /// The writer met the end of the medium or was interrupted (P5): what the sink got is of no use.
    Incomplete {
        /// Why, for a person.
        reason: String,
    },
}

/// Reads the body of a snapshot archive, behind its head, and drains the tape file.
///
/// # Errors
/// [`TapeError::Snapshot`] when the archive is damaged (P1 to P3) or lacks a manifest, [`TapeError::Io`] from the sink,
/// errors of the blocks and the drive.
pub fn read_snapshot_archive(
    reader: &mut ContentReader<'_>,
    sink: &mut dyn SnapshotSink,
) -> Result<SnapshotRead> {
    let file_number = reader.file_number();
    if let Err(error) = read_files(reader, sink) {
        // A full disk is not the tape's fault, whatever the tape's end looks like.
        if matches!(error, TapeError::Sink { .. }) || judge(reader.end()) == Verdict::Fatal {
            return Err(error);
        }
        return Ok(SnapshotRead::Incomplete {
            reason: error.to_string(),
        });
    }
    match reader.skip_to_end()? {
        StreamEnd::Complete => Ok(SnapshotRead::Complete),
        StreamEnd::Incomplete => Ok(SnapshotRead::Incomplete {
            reason: format!("tape file {file_number} is marked as incomplete"),
        }),
        StreamEnd::NoEndMarker => Ok(SnapshotRead::Incomplete {
            reason: format!("tape file {file_number} has no end marker"),
        }),
    }
}

fn read_files(reader: &mut ContentReader<'_>, sink: &mut dyn SnapshotSink) -> Result<()> {
    let file_number = reader.file_number();
    let mut archive = SnapshotArchiveReader::new(&mut *reader);
    let failure = loop {
        let file = match archive.next_file() {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(()),
            Err(error) => break error,
        };
        let mut content = Watched {
            inner: archive.content(),
            failed: None,
        };
        if let Err(error) = sink.file(&file, &mut content) {
            match content.failed {
                Some(failed) => break SnapshotArchiveError::from(DecodeError::Io(failed)),
                None => {
                    return Err(TapeError::Sink {
                        file_number,
                        name: file.name,
                        source: error,
                    });
                }
            }
        }
    };
    let block = archive.into_inner().block_number();
    Err(TapeError::snapshot(file_number, block, failure))
}

/// Tells errors of the tape from those of the sink that reads it.
struct Watched<R> {
    inner: R,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| {
            let kind = error.kind();
            self.failed = Some(error);
            // The sink passes this on; the real one comes from `failed`.
            io::Error::from(kind)
        })
    }
}
