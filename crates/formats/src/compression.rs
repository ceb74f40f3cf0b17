//! zstd as blobs use it, behind two implementations with one interface.
//!
//! Native builds use libzstd, whose output PBS's is byte for byte. wasm32 builds use `ruzstd`, which only decompresses:
//! a page that writes blobs stores them uncompressed, which every reader accepts. Native unit tests run both
//! decompressors over the same vectors.
//!
//! Content is one frame or several in a row, as PBS's reader accepts. Output is bounded by the caller, memory by the
//! output bound: a frame that claims a larger window is refused.

#[cfg(not(target_arch = "wasm32"))]
mod libzstd;
#[cfg(any(target_arch = "wasm32", test))]
mod rust_zstd;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use libzstd::{Compressor, Decompressor};
#[cfg(target_arch = "wasm32")]
pub(crate) use rust_zstd::{Compressor, Decompressor};

use crate::error::FormatError;

const WHAT: &str = "zstd data";

/// Output is handed on in pieces of this size: large enough for one zstd block, small enough to stay in the L2 cache
/// while it is hashed.
const SCRATCH_BYTES: usize = 128 * 1024;

/// Compressors up to level 19 use windows of at most 8 MiB, however short their input.
const MIN_WINDOW_LOG: u32 = 23;

/// Window accepted for content of at most `limit` bytes: 8 MiB, or what a frame of one segment of that size needs.
fn window_log(limit: u64) -> u32 {
    let needed = limit.max(1).next_power_of_two().trailing_zeros();
    needed.clamp(MIN_WINDOW_LOG, 27)
}

fn corrupt(detail: impl std::fmt::Display) -> FormatError {
    FormatError::invalid(WHAT, format!("cannot be decompressed: {detail}"))
}

fn too_large(found: u64, limit: u64) -> FormatError {
    FormatError::TooLarge {
        what: "decompressed size in bytes",
        found,
        limit,
    }
}

fn ends_early() -> FormatError {
    FormatError::invalid(WHAT, "ends inside a frame")
}

#[cfg(test)]
mod tests;
