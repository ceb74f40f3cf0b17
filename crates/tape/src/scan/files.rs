//! A plain list of what is on a tape, also on a strange or damaged one.

use ferrite_formats::block_stream::StreamEnd;
use ferrite_formats::content_header::{self, ContentHeader};
use ferrite_formats::magic;
use ferrite_scsi::Drive;
use uuid::Uuid;

use crate::aligned::AlignedBlock;
use crate::error::{Result, TapeError};
use crate::events::{Progress, TapeEvent, Watch};
use crate::file::{ContentReader, NextFile};

/// One file of a tape, as far as it can be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedFile {
    /// Number on the tape.
    pub file_number: u64,
    /// `Proxmox Backup Tape Label v1.0`, `Proxmox Backup Chunk Archive v1.1`, ..., `empty`, or `unknown`.
    pub kind: String,
    /// From the content header.
    pub uuid: Option<Uuid>,
    /// From the content header: seconds of the Unix epoch.
    pub ctime: Option<i64>,
    /// From the content header: bytes of the header JSON.
    pub header_size: Option<u32>,
    /// From the content header.
    pub part_number: Option<u8>,
    /// Bytes of the blocks read.
    pub bytes: u64,
    /// The last block says that content is missing.
    pub incomplete: bool,
    /// There is a last block; false for files whose writer was interrupted.
    pub has_end_marker: bool,
    /// What is wrong with it.
    pub note: Option<String>,
}

/// Rewinds and reads the whole tape, with one [`TapeEvent::File`] for every file, labels included. Gives their number.
///
/// Damage in a file is told in its [`ScannedFile::note`] and the rest of the file is skipped.
///
/// # Errors
/// [`TapeError::Drive`] when the drive cannot go on, [`TapeError::Cancelled`].
pub fn scan_files(
    drive: &mut Drive,
    block: &mut AlignedBlock,
    watch: &mut Watch<'_>,
) -> Result<u64> {
    let mut position = drive.rewind().map_err(TapeError::drive("rewind"))?;
    let mut files = 0;
    let mut progress = Progress::default();
    loop {
        watch.check_cancelled()?;
        let file_number = position.file_number();
        let mut found = ScannedFile::unknown(file_number);
        position = match ContentReader::open(drive, position, block) {
            Ok(NextFile::EndOfData(_)) => return Ok(files),
            Ok(NextFile::Empty(next)) => {
                found.kind = "empty".into();
                next
            }
            Ok(NextFile::File(mut reader)) => {
                found.read(&mut reader, &mut progress, watch)?;
                reader.finish()?
            }
            Err(TapeError::Block { source, .. }) => {
                found.note = Some(source.to_string());
                skip_foreign_file(drive, file_number)?
            }
            Err(error) => return Err(error),
        };
        files += 1;
        let bytes = found.bytes;
        watch.tell(TapeEvent::File(found));
        progress.finished(file_number, bytes, watch);
    }
}

/// The first block is none of ours: leave the file without reading it.
fn skip_foreign_file(drive: &mut Drive, file_number: u64) -> Result<ferrite_scsi::Position> {
    let failed = || TapeError::drive(format!("leave tape file {file_number}"));
    let here = drive.here().map_err(failed())?;
    drive
        .read_file(here)
        .and_then(|reader| reader.finish())
        .map_err(failed())
}

impl ScannedFile {
    fn unknown(file_number: u64) -> Self {
        Self {
            file_number,
            kind: "unknown".into(),
            uuid: None,
            ctime: None,
            header_size: None,
            part_number: None,
            bytes: 0,
            incomplete: false,
            has_end_marker: false,
            note: None,
        }
    }

    fn read(
        &mut self,
        reader: &mut ContentReader<'_>,
        progress: &mut Progress,
        watch: &mut Watch<'_>,
    ) -> Result<()> {
        let read = self.read_content(reader, progress, watch);
        self.bytes = reader.tape_bytes();
        let end = reader.end();
        self.incomplete = end == Some(StreamEnd::Incomplete);
        self.has_end_marker = matches!(end, Some(StreamEnd::Complete | StreamEnd::Incomplete));
        match read {
            Err(error @ (TapeError::Drive { .. } | TapeError::Cancelled)) => Err(error),
            Err(error) => {
                self.note.get_or_insert(error.to_string());
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn read_content(
        &mut self,
        reader: &mut ContentReader<'_>,
        progress: &mut Progress,
        watch: &mut Watch<'_>,
    ) -> Result<()> {
        let first = reader.payload()?;
        match ContentHeader::decode(first) {
            Ok(header) => self.describe(&header),
            Err(error) => self.note = Some(error.to_string()),
        }
        if self.note.is_none() {
            if let Err(error) = content_header::read(reader) {
                self.note = Some(error.to_string());
            }
        }
        loop {
            watch.check_cancelled()?;
            progress.at(reader.file_number(), reader.tape_bytes(), watch);
            let length = reader.payload()?.len();
            if length == 0 {
                return Ok(());
            }
            reader.consume(length);
        }
    }

    fn describe(&mut self, header: &ContentHeader) {
        self.uuid = Some(header.uuid);
        self.ctime = Some(header.ctime);
        self.header_size = Some(header.size);
        self.part_number = Some(header.part_number);
        if let Some(name) = magic::name(&header.content_magic) {
            self.kind = name.into();
        }
        self.note = header.kind().err().map(|error| error.to_string());
    }
}
