//! The labels of a tape: media label in file 0, media-set label in file 1 (tape-format.md 4).

use ferrite_formats::block_stream::StreamEnd;
use ferrite_formats::content_header::ContentError;
use ferrite_formats::label::{MediaLabel, MediaSetLabel};
use ferrite_scsi::{Drive, Position};

use crate::aligned::AlignedBlock;
use crate::error::{Result, TapeError};
use crate::file::{ContentReader, ContentWriter, FileStamp, NextFile, WrittenFile};

/// What the first two files of a tape say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TapeLabels {
    /// Which tape this is.
    pub label: MediaLabel,
    /// Which media set it belongs to, if it ever joined one.
    pub media_set_label: Option<MediaSetLabel>,
}

impl TapeLabels {
    /// The media-set label, unless it only reserves an empty tape for a pool (nil UUID).
    pub fn media_set(&self) -> Option<&MediaSetLabel> {
        self.media_set_label
            .as_ref()
            .filter(|set| !set.is_empty_reservation())
    }
}

/// Rewinds and reads both labels. `None`: the tape is blank. Afterwards the tape stands behind the last label read.
///
/// # Errors
/// H1 to H5 as [`TapeError::Content`], H7 (a file mark where a label should be) as [`TapeError::Label`], anything of the
/// drive.
pub fn read_labels(drive: &mut Drive, block: &mut AlignedBlock) -> Result<Option<TapeLabels>> {
    Ok(read_labels_from_start(drive, block)?.map(|(labels, _)| labels))
}

/// Rewinds and reads the media label alone, whatever follows it. `None`: the tape is blank.
///
/// For a tape whose media-set label cannot be read because whoever wrote it was stopped.
///
/// # Errors
/// As [`read_labels`].
pub fn read_media_label(drive: &mut Drive, block: &mut AlignedBlock) -> Result<Option<MediaLabel>> {
    let start = drive.rewind().map_err(TapeError::drive("rewind"))?;
    let read = read_label(drive, start, block, |reader| MediaLabel::read(reader))?;
    Ok(read.ok().map(|((_, label), _)| label))
}

/// As [`read_labels`], with the position behind the labels.
pub(crate) fn read_labels_from_start(
    drive: &mut Drive,
    block: &mut AlignedBlock,
) -> Result<Option<(TapeLabels, Position)>> {
    let start = drive.rewind().map_err(TapeError::drive("rewind"))?;
    let read = read_label(drive, start, block, |reader| MediaLabel::read(reader))?;
    let Ok(((_, label), next)) = read else {
        return Ok(None);
    };
    let set = read_label(drive, next, block, |reader| MediaSetLabel::read(reader))?;
    let (media_set_label, position) = match set {
        Ok(((_, set), position)) => (Some(set), position),
        Err(end) => (None, end),
    };
    Ok(Some((
        TapeLabels {
            label,
            media_set_label,
        },
        position,
    )))
}

/// Reads one label file whole and gives it with the position behind it. `Err` inside: end of data, and the position there.
fn read_label<T>(
    drive: &mut Drive,
    position: Position,
    block: &mut AlignedBlock,
    parse: impl FnOnce(&mut ContentReader<'_>) -> std::result::Result<T, ContentError>,
) -> Result<std::result::Result<(T, Position), Position>> {
    let file_number = position.file_number();
    let mut reader = match ContentReader::open(drive, position, block)? {
        NextFile::File(reader) => reader,
        NextFile::EndOfData(end) => return Ok(Err(end)),
        NextFile::Empty(_) => {
            return Err(TapeError::Label(format!(
                "tape file {file_number} is empty (a file mark instead of a label): not a tape of this format"
            )));
        }
    };
    let label = parse(&mut reader).map_err(|error| TapeError::content(file_number, error))?;
    match reader.end() {
        Some(StreamEnd::Complete) => Ok(Ok((label, reader.finish()?))),
        _ => Err(TapeError::Label(format!(
            "tape file {file_number}: the label is not complete"
        ))),
    }
}

/// Whether the tape is blank: nothing, or only a file mark, at its beginning (behaviour.md 13.1). Rewinds, and leaves the tape
/// behind what it met.
///
/// # Errors
/// [`TapeError::Drive`] when the beginning cannot be read; a tape with foreign data is not blank and no error.
pub fn is_blank(drive: &mut Drive, block: &mut AlignedBlock) -> Result<bool> {
    let start = drive.rewind().map_err(TapeError::drive("rewind"))?;
    match ContentReader::open(drive, start, block) {
        Ok(NextFile::EndOfData(_) | NextFile::Empty(_)) => Ok(true),
        // Blocks of another program: of another length, or without our header.
        Ok(NextFile::File(_)) | Err(TapeError::Block { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Empties the tape, writes the media label as file 0, and syncs. The drive's key is cleared first: labels are never
/// encrypted. The caller has made sure that the tape may be overwritten ([`is_blank`]).
///
/// # Errors
/// [`TapeError::Drive`] (also for a write-once tape with data), [`TapeError::Content`] for a label that no reader would
/// accept; nothing is erased then.
pub fn write_label(
    drive: &mut Drive,
    block: &mut AlignedBlock,
    label: &MediaLabel,
    stamp: FileStamp,
) -> Result<WrittenFile> {
    let content = label
        .encode(stamp.uuid, stamp.ctime)
        .map_err(|error| TapeError::content(0, error))?;
    turn_encryption_off(drive)?;
    let emptied = drive
        .format(true, &mut |_| {})
        .map_err(TapeError::drive("empty the tape"))?;
    // Its notes are about cartridge memory that could not be cleared: of no consequence for what is on the tape.
    write_file(drive, block, emptied.position, &content)
}

/// Writes the media-set label as file 1, which drops everything behind the media label, and syncs. The drive's key is
/// cleared first; whoever writes an encrypted set sets it afterwards.
///
/// # Errors
/// [`TapeError::Drive`] (also when the tape has no file 0), [`TapeError::Content`] for a label that no reader would accept.
pub fn write_media_set_label(
    drive: &mut Drive,
    block: &mut AlignedBlock,
    label: &MediaSetLabel,
    stamp: FileStamp,
) -> Result<WrittenFile> {
    let content = label
        .encode(stamp.uuid, stamp.ctime)
        .map_err(|error| TapeError::content(1, error))?;
    turn_encryption_off(drive)?;
    let position = drive
        .locate(1)
        .map_err(TapeError::drive("go to tape file 1"))?;
    write_file(drive, block, position, &content)
}

fn turn_encryption_off(drive: &mut Drive) -> Result<()> {
    drive
        .clear_encryption_key()
        .map_err(TapeError::drive("turn encryption off for the label"))
}

fn write_file(
    drive: &mut Drive,
    block: &mut AlignedBlock,
    position: Position,
    content: &[u8],
) -> Result<WrittenFile> {
    let mut writer = ContentWriter::create(drive, position, block)?;
    writer.write(content)?;
    let written = writer.finish(false)?;
    let doing = format!("sync tape file {}", written.file_number);
    drive.sync().map_err(TapeError::drive(doing))?;
    Ok(written)
}
