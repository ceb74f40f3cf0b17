//! Blocks: the only thing a drive ever transfers (tape-format.md 2).
//!
//! A block is exactly 256 KiB: a 16 byte header and 262 128 bytes of payload, zero filled behind the valid bytes. Writers
//! put content straight into the payload area of a buffer they own ([`BlockFiller::spare`], [`BlockFiller::advance`]) and
//! frame it in place, so no byte is copied twice. Reading a whole tape file is [`crate::block_stream`]'s work.

use std::fmt;
use std::ops::BitOr;

use crate::layout::{U24, wire_struct};
use crate::magic::{BLOCK_HEADER_1_0, Magic};

/// Bytes of a block on the medium.
pub const BLOCK_SIZE: usize = 262_144;
/// Bytes of the header of a block.
pub const HEADER_SIZE: usize = 16;
/// Bytes of content a full block carries.
pub const PAYLOAD_SIZE: usize = BLOCK_SIZE - HEADER_SIZE;
/// A buffer of one block.
pub type Block = [u8; BLOCK_SIZE];

wire_struct! {
    struct RawBlockHeader: 16 { magic: Magic, flags: u8, size: U24, seq_nr: u32 }
}
const _: () = assert!(RawBlockHeader::SIZE == HEADER_SIZE && PAYLOAD_SIZE == 0x3FFF0);

/// Flags of a block. Bits without a meaning are kept and tolerated.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct BlockFlags(u8);

impl BlockFlags {
    /// No flag: content goes on in the next block.
    pub const NONE: Self = Self(0);
    /// Last block of its file.
    pub const END_OF_STREAM: Self = Self(0x01);
    /// The file was cut off (end of medium); only together with [`Self::END_OF_STREAM`].
    pub const INCOMPLETE: Self = Self(0x02);

    /// Flags from the byte on the medium.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The byte on the medium.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for BlockFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for BlockFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockFlags({:#04x})", self.0)
    }
}

/// What is wrong with a block or with the sequence of blocks of a tape file (rules B1 to B9 of tape-format.md 12).
///
/// Blocks are counted from 0 within their file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// B1: the drive transferred another length.
    #[error("block {block} has {found} bytes instead of 262144: not a tape of this format")]
    WrongLength {
        /// Number of the block in its file.
        block: u32,
        /// Bytes transferred.
        found: usize,
    },
    /// B2: no block header.
    #[error(
        "block {block} has no block header (it starts with {}): foreign data, or not readable",
        hex::encode(found)
    )]
    WrongMagic {
        /// Number of the block in its file.
        block: u32,
        /// First bytes of the block.
        found: Magic,
    },
    /// B3: another block than the next one.
    #[error("blocks out of sequence: expected number {expected}, found {found}")]
    WrongSequence {
        /// Number expected.
        expected: u32,
        /// Number in the header.
        found: u32,
    },
    /// B4: more payload than a block holds.
    #[error("block {block} claims {size} bytes of payload, at most 262128 are possible")]
    PayloadTooLarge {
        /// Number of the block in its file.
        block: u32,
        /// Size in the header.
        size: u32,
    },
    /// B5: an empty block that is not the last one.
    #[error("block {block} is empty but not marked as the last one")]
    EmptyPayload {
        /// Number of the block in its file.
        block: u32,
    },
    /// B6: another block follows the one marked as the last.
    #[error(
        "data behind the end marker: a block follows block {last}, which is marked as the last one"
    )]
    DataBehindEnd {
        /// Number of the block with the end marker.
        last: u32,
    },
    /// B6, B7: the tape ends where a block or a file mark should be.
    #[error("unexpected end of tape after {blocks} blocks of this file")]
    UnexpectedEndOfData {
        /// Blocks read before.
        blocks: u32,
    },
    /// A file mark where the first block should be; the caller decides what an empty file means (H7, 7.6).
    #[error("empty file: a file mark where the first block should be")]
    EmptyFile,
    /// B9: the stream was used after its end or after an error.
    #[error("tape file used after {0}")]
    Misuse(&'static str),
}

/// Header of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHeader {
    /// End marker and its like.
    pub flags: BlockFlags,
    /// Valid payload bytes, 0..=262128.
    pub size: u32,
    /// Number of the block in its file, from 0.
    pub seq_nr: u32,
}

impl BlockHeader {
    /// The 16 bytes on the medium. Sizes of 2^24 and more lose their upper bits: keep to [`PAYLOAD_SIZE`].
    pub fn encode(&self) -> [u8; HEADER_SIZE] {
        debug_assert!(self.size as usize <= PAYLOAD_SIZE);
        RawBlockHeader {
            magic: BLOCK_HEADER_1_0,
            flags: self.flags.bits(),
            size: U24(self.size),
            seq_nr: self.seq_nr,
        }
        .encode()
    }

    /// Reads a header and checks everything that can be checked without its neighbours (B2, B4, B5).
    ///
    /// # Errors
    /// [`BlockError::WrongMagic`], [`BlockError::PayloadTooLarge`], [`BlockError::EmptyPayload`], with the number that
    /// the header itself gives (`expected` for a wrong magic).
    pub fn decode(bytes: &[u8; HEADER_SIZE], expected: u32) -> Result<Self, BlockError> {
        let raw = RawBlockHeader::decode(bytes);
        if raw.magic != BLOCK_HEADER_1_0 {
            return Err(BlockError::WrongMagic {
                block: expected,
                found: raw.magic,
            });
        }
        let header = Self {
            flags: BlockFlags::from_bits(raw.flags),
            size: raw.size.0,
            seq_nr: raw.seq_nr,
        };
        if header.size as usize > PAYLOAD_SIZE {
            return Err(BlockError::PayloadTooLarge {
                block: header.seq_nr,
                size: header.size,
            });
        }
        if header.size == 0 && !header.flags.contains(BlockFlags::END_OF_STREAM) {
            return Err(BlockError::EmptyPayload {
                block: header.seq_nr,
            });
        }
        Ok(header)
    }
}

/// Number of blocks that content of this length takes: there is always a last block that is not full.
pub const fn block_count(content_len: u64) -> u64 {
    content_len / PAYLOAD_SIZE as u64 + 1
}

/// Makes a block of a buffer whose payload area already holds `header.size` bytes of content: writes the header and
/// zeroes everything behind the content.
pub fn frame(block: &mut Block, header: &BlockHeader) {
    block[..HEADER_SIZE].copy_from_slice(&header.encode());
    let end = (HEADER_SIZE + header.size as usize).min(BLOCK_SIZE);
    block[end..].fill(0);
}

/// Checks what the drive transferred (B1 to B5) and gives its header and valid payload.
///
/// # Errors
/// The rule that is broken.
pub fn parse(bytes: &[u8], expected_seq: u32) -> Result<(BlockHeader, &[u8]), BlockError> {
    let whole: &Block = bytes.try_into().map_err(|_| BlockError::WrongLength {
        block: expected_seq,
        found: bytes.len(),
    })?;
    let (head, payload) =
        whole
            .split_first_chunk::<HEADER_SIZE>()
            .ok_or(BlockError::WrongLength {
                block: expected_seq,
                found: bytes.len(),
            })?;
    let header = BlockHeader::decode(head, expected_seq)?;
    if header.seq_nr != expected_seq {
        return Err(BlockError::WrongSequence {
            expected: expected_seq,
            found: header.seq_nr,
        });
    }
    Ok((header, &payload[..header.size as usize]))
}

/// Fills blocks with the content of one tape file, in place.
///
/// It owns no buffer: the caller hands the same block to each call until it is framed, writes it to the drive, and goes
/// on with the next (or the same) buffer.
#[derive(Debug, Clone, Default)]
pub struct BlockFiller {
    used: usize,
    seq_nr: u32,
}

impl BlockFiller {
    /// At the start of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of the block being filled; equals the number of blocks framed so far.
    pub fn seq_nr(&self) -> u32 {
        self.seq_nr
    }

    /// Content bytes in the block being filled.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Content bytes that still fit.
    pub fn room(&self) -> usize {
        PAYLOAD_SIZE - self.used
    }

    /// Content bytes taken so far, over all blocks of the file.
    pub fn content_len(&self) -> u64 {
        u64::from(self.seq_nr) * PAYLOAD_SIZE as u64 + self.used as u64
    }

    /// A full block has to be framed with [`Self::seal`] before more content is added.
    pub fn is_full(&self) -> bool {
        self.used == PAYLOAD_SIZE
    }

    /// The free part of the payload area, to be filled from its start.
    pub fn spare<'b>(&self, block: &'b mut Block) -> &'b mut [u8] {
        &mut block[HEADER_SIZE + self.used..]
    }

    /// Says that `bytes` at the start of [`Self::spare`] are content now. More than fit count as a full block.
    pub fn advance(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.room());
        self.used += bytes.min(self.room());
    }

    /// Copies as much of `content` as fits and gives the number of bytes taken.
    pub fn fill(&mut self, block: &mut Block, content: &[u8]) -> usize {
        let bytes = content.len().min(self.room());
        self.spare(block)[..bytes].copy_from_slice(&content[..bytes]);
        self.advance(bytes);
        bytes
    }

    /// Frames a full block that is not the last one. Blocks that are not full would break the rules of the format:
    /// nothing is done and `false` returned.
    #[must_use]
    pub fn seal(&mut self, block: &mut Block) -> bool {
        let full = self.is_full();
        if full {
            self.frame(block, BlockFlags::NONE);
        }
        full
    }

    /// Frames the last block of the file; `incomplete` says that content is missing behind it. A full block has to be
    /// sealed and written before: the last block is never full, and may be empty. Otherwise nothing is done and `false`
    /// returned.
    #[must_use]
    pub fn close(&mut self, block: &mut Block, incomplete: bool) -> bool {
        if self.is_full() {
            return false;
        }
        let flags = if incomplete {
            BlockFlags::END_OF_STREAM | BlockFlags::INCOMPLETE
        } else {
            BlockFlags::END_OF_STREAM
        };
        self.frame(block, flags);
        true
    }

    fn frame(&mut self, block: &mut Block, flags: BlockFlags) {
        let header = BlockHeader {
            flags,
            size: self.used as u32,
            seq_nr: self.seq_nr,
        };
        frame(block, &header);
        self.used = 0;
        self.seq_nr = self.seq_nr.wrapping_add(1);
    }
}
