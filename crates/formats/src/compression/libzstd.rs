//! libzstd, with contexts that are made once and used for any number of frames.

use zstd::zstd_safe::{
    CCtx, CParameter, DCtx, DParameter, ErrorCode, InBuffer, OutBuffer, ResetDirective,
    compress_bound, get_error_name, get_frame_content_size, zstd_sys::ZSTD_EndDirective,
};

use super::{SCRATCH_BYTES, WHAT, corrupt, ends_early, too_large, window_log};
use crate::error::{FormatError, Result};

/// Level of every blob that PBS writes (datastore.md 4).
const LEVEL: i32 = 1;

fn failed(code: ErrorCode) -> FormatError {
    corrupt(get_error_name(code))
}

fn out_of_memory() -> FormatError {
    FormatError::invalid(WHAT, "no memory for a zstd context")
}

/// Makes the two kinds of frame that blobs hold.
pub(crate) struct Compressor {
    context: CCtx<'static>,
}

impl Compressor {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            context: CCtx::try_create().ok_or_else(out_of_memory)?,
        })
    }

    /// Appends to `out` a frame without content size, as a stream compressor that does not know the length writes it.
    /// False, and `out` as before, unless the frame is shorter than `data`.
    pub(crate) fn compress_streaming(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        let start = out.len();
        let room = data.len().saturating_sub(1);
        if room == 0 {
            return Ok(false);
        }
        out.resize(start + room, 0);
        let written = self.stream(data, &mut out[start..])?;
        out.truncate(start + written.unwrap_or(0));
        Ok(written.is_some())
    }

    /// Length of the frame, or none when it does not fit into `out`.
    fn stream(&mut self, data: &[u8], out: &mut [u8]) -> Result<Option<usize>> {
        self.context
            .reset(ResetDirective::SessionOnly)
            .map_err(failed)?;
        self.context
            .set_parameter(CParameter::CompressionLevel(LEVEL))
            .map_err(failed)?;
        let capacity = out.len();
        let mut output = OutBuffer::around(out);
        let mut input = InBuffer::around(data);
        while input.pos() < data.len() {
            self.context
                .compress_stream(&mut output, &mut input)
                .map_err(failed)?;
            if output.pos() == capacity && input.pos() < data.len() {
                return Ok(None);
            }
        }
        // Ending in a call of its own keeps libzstd from learning the length and writing it into the frame header.
        let end = ZSTD_EndDirective::ZSTD_e_end;
        let mut nothing = InBuffer::around(&[]);
        while self
            .context
            .compress_stream2(&mut output, &mut nothing, end)
            .map_err(failed)?
            > 0
        {
            if output.pos() == capacity {
                return Ok(None);
            }
        }
        Ok(Some(output.pos()))
    }

    /// Appends to `out` a frame with content size, as made by one call over all data.
    /// False, and `out` as before, unless the frame is shorter than `data`.
    pub(crate) fn compress_one_shot(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        let start = out.len();
        // Less room than the bound could make libzstd choose other blocks than PBS does.
        out.resize(start + compress_bound(data.len()), 0);
        let written = self
            .context
            .compress(&mut out[start..], data, LEVEL)
            .map_err(failed)?;
        let smaller = written < data.len();
        out.truncate(start + if smaller { written } else { 0 });
        Ok(smaller)
    }
}

/// Decompresses with bounded output, in one call or from slices.
pub(crate) struct Decompressor {
    context: DCtx<'static>,
    scratch: Box<[u8]>,
    window_log: u32,
    limit: u64,
    produced: u64,
    frame_open: bool,
    frames: u64,
}

impl Decompressor {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            context: DCtx::try_create().ok_or_else(out_of_memory)?,
            scratch: vec![0; SCRATCH_BYTES].into_boxed_slice(),
            window_log: 0,
            limit: 0,
            produced: 0,
            frame_open: false,
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
        if let Some(room) = one_shot_room(data, limit, out.capacity())? {
            out.reserve(room);
            if self.context.decompress(out, data).is_ok() {
                let produced = out.len() as u64;
                return if produced > limit {
                    Err(too_large(produced, limit))
                } else {
                    Ok(())
                };
            }
            // Several frames in a row, or damage: the stream reader finds out which.
            out.clear();
        }
        self.start(limit)?;
        self.push(data, |bytes| out.extend_from_slice(bytes))?;
        self.finish()
    }

    /// Begins new content of at most `limit` bytes, forgetting whatever came before.
    pub(crate) fn start(&mut self, limit: u64) -> Result<()> {
        self.context
            .reset(ResetDirective::SessionOnly)
            .map_err(failed)?;
        let window_log = window_log(limit);
        if self.window_log != window_log {
            self.context
                .set_parameter(DParameter::WindowLogMax(window_log))
                .map_err(failed)?;
            self.window_log = window_log;
        }
        (self.limit, self.produced, self.frame_open, self.frames) = (limit, 0, false, 0);
        Ok(())
    }

    /// Decompresses the next slice of compressed data; hands what comes out to `sink`.
    pub(crate) fn push(&mut self, data: &[u8], mut sink: impl FnMut(&[u8])) -> Result<()> {
        let mut input = InBuffer::around(data);
        let mut more_output = false;
        while input.pos() < data.len() || more_output {
            let mut output = OutBuffer::around(&mut *self.scratch);
            let hint = self
                .context
                .decompress_stream(&mut output, &mut input)
                .map_err(failed)?;
            let filled = output.pos();
            self.produced += filled as u64;
            if self.produced > self.limit {
                return Err(too_large(self.produced, self.limit));
            }
            sink(&self.scratch[..filled]);
            self.frame_open = hint != 0;
            self.frames += u64::from(!self.frame_open);
            more_output = self.frame_open && filled == SCRATCH_BYTES;
        }
        Ok(())
    }

    /// Checks that the data ended with a frame.
    pub(crate) fn finish(&mut self) -> Result<()> {
        if self.frame_open || self.frames == 0 {
            Err(ends_early())
        } else {
            Ok(())
        }
    }
}

/// Room in which one call can decompress everything, when that is known or already there.
fn one_shot_room(data: &[u8], limit: u64, capacity: usize) -> Result<Option<usize>> {
    if window_bytes(data) > 1 << window_log(limit) {
        // One call needs no window, but what one reader accepts the others must accept, too.
        return Ok(None);
    }
    match get_frame_content_size(data) {
        Ok(Some(size)) if size > limit => Err(too_large(size, limit)),
        Ok(Some(size)) => Ok(usize::try_from(size).ok()),
        _ => Ok(usize::try_from(limit)
            .ok()
            .filter(|&limit| limit <= capacity)),
    }
}

/// Window that the first frame asks for; 0 when its content size stands for it (RFC 8878, 3.1.1.1.2).
fn window_bytes(data: &[u8]) -> u64 {
    const SINGLE_SEGMENT: u8 = 0b10_0000;
    match data {
        [_, _, _, _, descriptor, window, ..] if descriptor & SINGLE_SEGMENT == 0 => {
            let base = 1 << (10 + (window >> 3));
            base + base / 8 * u64::from(window & 0b111)
        }
        _ => 0,
    }
}
