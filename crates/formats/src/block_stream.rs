//! A tape file as a sequence of blocks and its end (tape-format.md 2, rules B1 to B9).
//!
//! [`BlockStream`] is told what the drive returned (a block, a file mark, end of data) and answers with payload, with the
//! way the file ended, or with the rule that is broken. It does no I/O, so a drive, a file of a virtual tape and a tape
//! image in a browser are read by the same rules.

use crate::block::{BLOCK_SIZE, Block, BlockError, BlockFiller, BlockFlags, block_count, parse};

/// How a tape file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamEnd {
    /// End marker, file mark: all content is there.
    Complete,
    /// End marker with INCOMPLETE: the writer met the end of the medium.
    Incomplete,
    /// File mark without end marker: the writer was interrupted.
    NoEndMarker,
}

impl StreamEnd {
    /// Whether the writer finished this file.
    pub fn is_complete(self) -> bool {
        self == Self::Complete
    }
}

/// What an error inside an archive means, given how its tape file ended (tape-format.md 5.5, 6.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The archive is damaged: stop.
    Fatal,
    /// The writer met the end of the medium: keep the chunks that are whole; a snapshot is not whole.
    KeepWholeChunks,
    /// The writer was interrupted: warn, register nothing of this file.
    RegisterNothing,
}

/// Judges an error met while reading an archive. `end` is `None` while the end of the file has not been reached yet: an
/// error in the middle of a file is always fatal.
pub fn judge(end: Option<StreamEnd>) -> Verdict {
    match end {
        Some(StreamEnd::Incomplete) => Verdict::KeepWholeChunks,
        Some(StreamEnd::NoEndMarker) => Verdict::RegisterNothing,
        Some(StreamEnd::Complete) | None => Verdict::Fatal,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// A block with the end marker was seen; a file mark has to follow.
    Marked(StreamEnd),
    Ended(StreamEnd),
    Failed,
}

/// State of reading one tape file.
#[derive(Debug, Clone)]
pub struct BlockStream {
    blocks: u32,
    phase: Phase,
}

impl Default for BlockStream {
    fn default() -> Self {
        Self::new()
    }
}

impl BlockStream {
    /// Before the first block of a file.
    pub fn new() -> Self {
        Self {
            blocks: 0,
            phase: Phase::Open,
        }
    }

    /// Blocks accepted so far.
    pub fn blocks(&self) -> u32 {
        self.blocks
    }

    /// After this block the drive must report a file mark; ask for it at once.
    pub fn wants_file_mark(&self) -> bool {
        matches!(self.phase, Phase::Marked(_))
    }

    /// How the file ended, once its end was reached.
    pub fn end(&self) -> Option<StreamEnd> {
        match self.phase {
            Phase::Ended(end) => Some(end),
            Phase::Open | Phase::Marked(_) | Phase::Failed => None,
        }
    }

    /// The drive returned a block: gives its valid payload.
    ///
    /// # Errors
    /// The broken rule; the stream cannot be used any more after it.
    pub fn block<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], BlockError> {
        match self.phase {
            Phase::Open => {}
            Phase::Marked(_) => {
                return self.fail(BlockError::DataBehindEnd {
                    last: self.blocks - 1,
                });
            }
            Phase::Ended(_) => return Err(BlockError::Misuse("its end")),
            Phase::Failed => return Err(BlockError::Misuse("an error")),
        }
        let (header, payload) = match parse(bytes, self.blocks) {
            Ok(found) => found,
            Err(error) => return self.fail(error),
        };
        self.blocks = self.blocks.wrapping_add(1);
        if header.flags.contains(BlockFlags::END_OF_STREAM) {
            self.phase = Phase::Marked(if header.flags.contains(BlockFlags::INCOMPLETE) {
                StreamEnd::Incomplete
            } else {
                StreamEnd::Complete
            });
        }
        Ok(payload)
    }

    /// The drive met a file mark.
    ///
    /// # Errors
    /// [`BlockError::EmptyFile`] before the first block, [`BlockError::Misuse`].
    pub fn file_mark(&mut self) -> Result<StreamEnd, BlockError> {
        let end = match self.phase {
            Phase::Open if self.blocks == 0 => return self.fail(BlockError::EmptyFile),
            Phase::Open => StreamEnd::NoEndMarker,
            Phase::Marked(end) => end,
            Phase::Ended(_) => return Err(BlockError::Misuse("its end")),
            Phase::Failed => return Err(BlockError::Misuse("an error")),
        };
        self.phase = Phase::Ended(end);
        Ok(end)
    }

    /// The drive met the end of data inside this file: always an error. (Before the first block it means that there is
    /// no further file; the caller sees that by [`Self::blocks`] being 0.)
    pub fn end_of_data(&mut self) -> BlockError {
        self.phase = Phase::Failed;
        BlockError::UnexpectedEndOfData {
            blocks: self.blocks,
        }
    }

    fn fail<T>(&mut self, error: BlockError) -> Result<T, BlockError> {
        self.phase = Phase::Failed;
        Err(error)
    }
}

/// Joins the content of a whole tape file held in memory (a file of a virtual tape, a tape image).
///
/// # Errors
/// The broken rule; an incomplete block at the end counts as [`BlockError::WrongLength`].
pub fn unframe(stream: &[u8]) -> Result<(Vec<u8>, StreamEnd), BlockError> {
    let mut state = BlockStream::new();
    let mut content = Vec::with_capacity(stream.len());
    for block in stream.chunks(BLOCK_SIZE) {
        content.extend_from_slice(state.block(block)?);
    }
    let end = state.file_mark()?;
    Ok((content, end))
}

/// Frames content held in memory as the blocks of one tape file. For labels, tests and images; archives are framed in the
/// caller's buffers with [`BlockFiller`].
pub fn frame_content(content: &[u8], incomplete: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(block_count(content.len() as u64) as usize * BLOCK_SIZE);
    let mut block: Box<Block> = Box::new([0; BLOCK_SIZE]);
    let mut filler = BlockFiller::new();
    let mut rest = content;
    loop {
        let taken = filler.fill(&mut block, rest);
        rest = &rest[taken..];
        if !filler.seal(&mut block) {
            break;
        }
        out.extend_from_slice(block.as_slice());
    }
    // The loop ends with a block that is not full, so closing cannot be refused.
    let closed = filler.close(&mut block, incomplete);
    debug_assert!(closed);
    out.extend_from_slice(block.as_slice());
    out
}
