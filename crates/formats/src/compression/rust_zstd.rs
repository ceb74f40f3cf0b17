//! `ruzstd`: decompression where libzstd cannot be linked.
//!
//! The library decodes whole blocks and keeps their output until it is read, so it is fed one block at a time: the
//! memory held is one compressed block, the window, and one decompressed block.

use std::io::Read as _;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{SCRATCH_BYTES, corrupt, ends_early, too_large, window_log};
use crate::error::Result;

const FRAME_MAGIC: u32 = 0xFD2F_B528;
/// `0x184D2A50..=0x184D2A5F` start frames without content (RFC 8878, 3.1.2).
const SKIPPABLE_MAGIC: u32 = 0x184D_2A50;
const SKIPPABLE_MASK: u32 = 0xFFFF_FFF0;
/// Magic and the descriptor byte that says how long the header is.
const FRAME_START_BYTES: usize = 5;
/// In the descriptor: "must be zero" (RFC 8878, 3.1.1.1.1.4).
const RESERVED_BIT: u8 = 0b1000;
const BLOCK_HEADER_BYTES: usize = 3;

/// Stands in for a compressor: nothing it is given becomes smaller.
pub(crate) struct Compressor;

#[cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, reason = "native builds compress with libzstd")
)]
impl Compressor {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self)
    }

    pub(crate) fn compress_streaming(&mut self, _: &[u8], _: &mut Vec<u8>) -> Result<bool> {
        Ok(false)
    }

    pub(crate) fn compress_one_shot(&mut self, _: &[u8], _: &mut Vec<u8>) -> Result<bool> {
        Ok(false)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Expect {
    FrameStart,
    Block,
    /// Bytes of a skippable frame still to come.
    Skip(u64),
}

/// Decompresses with bounded output, in one call or from slices.
pub(crate) struct Decompressor {
    decoder: FrameDecoder,
    scratch: Box<[u8]>,
    /// Input that is not yet a whole frame header or block.
    pending: Vec<u8>,
    expect: Expect,
    has_checksum: bool,
    limit: u64,
    produced: u64,
    /// `produced` when the current frame began.
    frame_start: u64,
    frames: u64,
}

impl Decompressor {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            decoder: FrameDecoder::new(),
            scratch: vec![0; SCRATCH_BYTES].into_boxed_slice(),
            pending: Vec::new(),
            expect: Expect::FrameStart,
            has_checksum: false,
            limit: 0,
            produced: 0,
            frame_start: 0,
            frames: 0,
        })
    }

    /// Replaces the content of `out` by the decompressed data, at most `limit` bytes.
    pub(crate) fn decompress_into(
        &mut self,
        data: &[u8],
        limit: u64,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        out.clear();
        self.start(limit)?;
        self.push(data, |bytes| out.extend_from_slice(bytes))?;
        self.finish()
    }

    /// Begins new content of at most `limit` bytes, forgetting whatever came before.
    pub(crate) fn start(&mut self, limit: u64) -> Result<()> {
        self.decoder.set_max_window_size(1 << window_log(limit));
        self.pending.clear();
        self.expect = Expect::FrameStart;
        (self.limit, self.produced, self.frames) = (limit, 0, 0);
        Ok(())
    }

    /// Decompresses the next slice of compressed data; hands what comes out to `sink`.
    pub(crate) fn push(&mut self, mut data: &[u8], mut sink: impl FnMut(&[u8])) -> Result<()> {
        while !data.is_empty() {
            if let Expect::Skip(left) = self.expect {
                data = self.skip(data, left);
                continue;
            }
            // Only the bytes that complete the next unit are taken, so `pending` never holds more than one.
            let need = self.unit_bytes()?;
            let missing = need.saturating_sub(self.pending.len());
            let taken = missing.min(data.len());
            self.pending.extend_from_slice(&data[..taken]);
            data = &data[taken..];
            if self.pending.len() == need && self.unit_bytes()? == need {
                self.decode_unit(&mut sink)?;
                self.pending.clear();
            }
        }
        Ok(())
    }

    /// Checks that the data ended with a frame.
    pub(crate) fn finish(&mut self) -> Result<()> {
        let between_frames = self.expect == Expect::FrameStart && self.pending.is_empty();
        if between_frames && self.frames > 0 {
            Ok(())
        } else {
            Err(ends_early())
        }
    }

    fn skip<'a>(&mut self, data: &'a [u8], left: u64) -> &'a [u8] {
        let skipped = left.min(data.len() as u64);
        self.expect = if skipped == left {
            Expect::FrameStart
        } else {
            Expect::Skip(left - skipped)
        };
        &data[skipped as usize..]
    }

    /// Bytes of the next frame header or block, as far as the bytes in `pending` tell.
    fn unit_bytes(&self) -> Result<usize> {
        match self.expect {
            Expect::FrameStart => frame_header_bytes(&self.pending),
            Expect::Block => Ok(block_bytes(&self.pending, self.has_checksum)),
            Expect::Skip(_) => Ok(0),
        }
    }

    fn decode_unit(&mut self, sink: &mut impl FnMut(&[u8])) -> Result<()> {
        if self.expect == Expect::Block {
            return self.decode_block(sink);
        }
        if let Some(length) = skippable_length(&self.pending) {
            self.frames += 1;
            self.expect = if length == 0 {
                Expect::FrameStart
            } else {
                Expect::Skip(length)
            };
            return Ok(());
        }
        self.decoder
            .init(self.pending.as_slice())
            .map_err(corrupt)?;
        self.has_checksum = self.pending[FRAME_START_BYTES - 1] & 0b100 != 0;
        self.frame_start = self.produced;
        self.expect = Expect::Block;
        Ok(())
    }

    fn decode_block(&mut self, sink: &mut impl FnMut(&[u8])) -> Result<()> {
        let one = BlockDecodingStrategy::UptoBlocks(1);
        let finished = self
            .decoder
            .decode_blocks(self.pending.as_slice(), one)
            .map_err(corrupt)?;
        loop {
            let filled = self.decoder.read(&mut self.scratch).map_err(corrupt)?;
            if filled == 0 {
                break;
            }
            self.produced += filled as u64;
            if self.produced > self.limit {
                return Err(too_large(self.produced, self.limit));
            }
            sink(&self.scratch[..filled]);
        }
        if finished {
            self.frames += 1;
            self.expect = Expect::FrameStart;
            self.check_frame()?;
        }
        Ok(())
    }

    /// The library leaves comparing the frame's own checksum and content size to its user.
    fn check_frame(&self) -> Result<()> {
        if self.has_checksum
            && self.decoder.get_checksum_from_data() != self.decoder.get_calculated_checksum()
        {
            return Err(corrupt("the frame's checksum does not match"));
        }
        // 0 stands for a size that was not stored, too.
        let (stored, found) = (
            self.decoder.content_size(),
            self.produced - self.frame_start,
        );
        if stored != 0 && stored != found {
            return Err(corrupt(format!(
                "{found} bytes in a frame that announces {stored}"
            )));
        }
        Ok(())
    }
}

fn is_skippable(magic: u32) -> bool {
    magic & SKIPPABLE_MASK == SKIPPABLE_MAGIC
}

/// Bytes to pass over, when `header` is that of a skippable frame.
fn skippable_length(header: &[u8]) -> Option<u64> {
    let [a, b, c, d, size @ ..] = header else {
        return None;
    };
    let size = size.first_chunk().map(|size| u32::from_le_bytes(*size));
    size.filter(|_| is_skippable(u32::from_le_bytes([*a, *b, *c, *d])))
        .map(u64::from)
}

/// Length of a frame header, as far as `bytes` tell (RFC 8878, 3.1.1.1).
fn frame_header_bytes(bytes: &[u8]) -> Result<usize> {
    let [a, b, c, d, descriptor, ..] = *bytes else {
        return Ok(FRAME_START_BYTES);
    };
    let magic = u32::from_le_bytes([a, b, c, d]);
    if is_skippable(magic) {
        return Ok(8);
    }
    if magic != FRAME_MAGIC {
        return Err(corrupt("no zstd frame"));
    }
    // The library does not look at it.
    if descriptor & RESERVED_BIT != 0 {
        return Err(corrupt("the frame uses a reserved bit"));
    }
    let single_segment = descriptor & 0b10_0000 != 0;
    let content_size = match (descriptor >> 6, single_segment) {
        (0, false) => 0,
        (0, true) => 1,
        (1, _) => 2,
        (2, _) => 4,
        _ => 8,
    };
    let dictionary_id = [0, 1, 2, 4][usize::from(descriptor & 0b11)];
    Ok(FRAME_START_BYTES + usize::from(!single_segment) + dictionary_id + content_size)
}

/// Length of a block with its header and, after the last one, the frame's checksum (RFC 8878, 3.1.1.2).
fn block_bytes(bytes: &[u8], has_checksum: bool) -> usize {
    let [a, b, c, ..] = *bytes else {
        return BLOCK_HEADER_BYTES;
    };
    let header = u32::from_le_bytes([a, b, c, 0]);
    let is_last = header & 1 == 1;
    let is_run = header >> 1 & 0b11 == 1;
    let content = if is_run { 1 } else { (header >> 3) as usize };
    BLOCK_HEADER_BYTES + content + if is_last && has_checksum { 4 } else { 0 }
}
