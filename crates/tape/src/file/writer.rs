//! Writing the content of one tape file.

use ferrite_formats::block::{BLOCK_SIZE, Block, BlockFiller};
use ferrite_scsi::{Drive, FileWriter, Position};

use crate::aligned::AlignedBlock;
use crate::error::{Result, TapeError};

/// A tape file that was written and ended with its file mark. On tape for certain only after [`Drive::sync`].
#[derive(Debug)]
#[must_use]
pub struct WrittenFile {
    /// Number of the file on the tape.
    pub file_number: u64,
    /// Blocks of the file, times their size.
    pub tape_bytes: u64,
    /// Early warning was met while it was written (also by its very last block).
    pub early_warning: bool,
    /// Behind the file: where the next one goes.
    pub position: Position,
}

/// The content of one tape file being written through one block buffer.
///
/// Blocks go out as soon as they are full. Dropped without [`ContentWriter::finish`], the file still gets its file mark and
/// is then recognised as unterminated by every reader.
#[derive(Debug)]
pub struct ContentWriter<'d> {
    writer: FileWriter<'d>,
    block: &'d mut Block,
    filler: BlockFiller,
}

impl<'d> ContentWriter<'d> {
    /// Begins a file at `position`: everything behind it on the tape is lost with the first block.
    ///
    /// # Errors
    /// [`TapeError::Drive`] when the drive does not stand there.
    pub fn create(
        drive: &'d mut Drive,
        position: Position,
        block: &'d mut AlignedBlock,
    ) -> Result<Self> {
        let doing = format!("begin tape file {}", position.file_number());
        let writer = drive
            .write_file(position)
            .map_err(TapeError::drive(doing))?;
        Ok(Self {
            writer,
            block,
            filler: BlockFiller::new(),
        })
    }

    /// Number of this file on the tape.
    pub fn file_number(&self) -> u64 {
        self.writer.file_number()
    }

    /// Whether early warning (LEOM) was met since the file was begun; it stays on.
    pub fn early_warning(&self) -> bool {
        self.writer.early_warning()
    }

    /// Bytes of the blocks that went out so far.
    pub fn tape_bytes(&self) -> u64 {
        self.writer.blocks() * BLOCK_SIZE as u64
    }

    /// Content bytes taken so far.
    pub fn content_bytes(&self) -> u64 {
        self.filler.content_len()
    }

    /// Appends content. All of it is taken, also behind early warning.
    ///
    /// # Errors
    /// [`TapeError::Drive`]: the file is not on the tape.
    pub fn write(&mut self, mut content: &[u8]) -> Result<()> {
        while !content.is_empty() {
            let taken = self.filler.fill(self.block, content);
            content = &content[taken..];
            if self.filler.seal(self.block) {
                self.write_block()?;
            }
        }
        Ok(())
    }

    /// Writes the last block, which is never full and may be empty, and the file mark. `incomplete` says that content is
    /// missing behind it.
    ///
    /// # Errors
    /// [`TapeError::Drive`]: the file is not on the tape.
    pub fn finish(mut self, incomplete: bool) -> Result<WrittenFile> {
        if !self.filler.close(self.block, incomplete) {
            return Err(TapeError::Usage {
                file_number: self.file_number(),
                reason: "closed with a full block that was not written",
            });
        }
        self.write_block()?;
        let (file_number, tape_bytes) = (self.file_number(), self.tape_bytes());
        let early_warning = self.early_warning();
        let doing = format!("end tape file {file_number}");
        Ok(WrittenFile {
            file_number,
            tape_bytes,
            early_warning,
            position: self.writer.finish().map_err(TapeError::drive(doing))?,
        })
    }

    fn write_block(&mut self) -> Result<()> {
        let written = self.writer.write_block(self.block.as_slice());
        let doing = || format!("write tape file {}", self.writer.file_number());
        // The writer remembers early warning itself.
        let _ = written.map_err(|error| TapeError::drive(doing())(error))?;
        Ok(())
    }
}
