//! Where the bytes of a chunk archive fall in its blocks: pure arithmetic, no memory and no drive.
//!
//! PBS writes an archive as a stream: 48 bytes of entry header, then the blob in pieces of 256 KiB, and learns about early
//! warning (LEOM) after each of these writes. Here blocks are filled ahead of the drive, so the same decision is taken
//! backwards: from the block whose write reported LEOM to the piece during whose write PBS would have flushed that block
//! (tape-format 1.3, 5.4, 10).

use ferrite_formats::block::{BLOCK_SIZE, PAYLOAD_SIZE};
use ferrite_formats::chunk_archive::ChunkEntry;

/// Payload bytes of a full block.
pub(crate) const PAYLOAD: u64 = PAYLOAD_SIZE as u64;

/// Bytes of an entry header in front of each blob.
pub(crate) const ENTRY_HEADER: u64 = ChunkEntry::SIZE as u64;

/// PBS writes a blob in pieces of this size and looks for LEOM after each of them.
pub(crate) const PIECE: u64 = 256 * 1024;

/// An archive is closed after the first complete chunk behind which more than this many bytes of full blocks were flushed.
const ARCHIVE_LIMIT: u64 = 4 << 30;

/// Where one chunk stands in the content stream of its archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    /// Offset of the entry header in the archive's content.
    pub start: u64,
    /// Length of the blob behind the entry header.
    pub blob_bytes: u64,
}

impl Placement {
    /// Offset of the first byte of the blob.
    pub fn data_start(self) -> u64 {
        self.start + ENTRY_HEADER
    }

    /// Offset behind the last byte of the blob.
    pub fn end(self) -> u64 {
        self.data_start() + self.blob_bytes
    }
}

/// How an archive ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Length of the archive's content.
    pub content_bytes: u64,
    /// The chunk at the cut counts as written.
    pub complete: bool,
}

/// Where PBS ends the archive when writing the block that ends at content offset `flushed` reported LEOM. `chunk` is the
/// chunk that holds the last byte of that block.
///
/// PBS finishes the piece that flushed the block. A LEOM during an entry header is seen only after the first piece behind
/// it. A piece that is as long as pieces can be counts as "more to come" even if the blob ends with it. Where finishing the
/// piece would flush another full block, PBS would need a third block behind early warning, for which a virtual drive has
/// no room (tape-format 10, "Consequence"): there the archive ends with the block that reported LEOM, but never inside
/// an entry header.
pub(crate) fn cut_at_early_warning(flushed: u64, chunk: Placement) -> Cut {
    let data = chunk.data_start();
    let begun_pieces = if flushed <= data { 1 } else { (flushed - data).div_ceil(PIECE) };
    let piece_end = data.saturating_add(begun_pieces.saturating_mul(PIECE)).min(chunk.end());
    let content_bytes = if piece_end / PAYLOAD == flushed / PAYLOAD { piece_end } else { flushed.max(data) };
    let complete = content_bytes == chunk.end() && !chunk.blob_bytes.is_multiple_of(PIECE);
    Cut { content_bytes, complete }
}

/// Where an archive can end once the block that ends at `flushed` is out, when nothing forces a later end: right there, or
/// behind the entry header that crosses the block's end (a reader takes a cut header for damage, a cut blob for the end).
pub(crate) fn cut_at_block_end(flushed: u64, chunk: Placement) -> Cut {
    let inside_header = flushed > chunk.start && flushed < chunk.data_start();
    let content_bytes = if inside_header { chunk.data_start() } else { flushed };
    Cut { content_bytes, complete: content_bytes >= chunk.end() }
}

/// Is the archive to be closed after the complete chunk that ends at content offset `end`?
pub(crate) fn archive_is_full(end: u64) -> bool {
    (end / PAYLOAD) * BLOCK_SIZE as u64 > ARCHIVE_LIMIT
}
