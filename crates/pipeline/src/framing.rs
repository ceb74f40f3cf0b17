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
    let begun_pieces = if flushed <= data {
        1
    } else {
        (flushed - data).div_ceil(PIECE)
    };
    let piece_end = data
        .saturating_add(begun_pieces.saturating_mul(PIECE))
        .min(chunk.end());
    let content_bytes = if piece_end / PAYLOAD == flushed / PAYLOAD {
        piece_end
    } else {
        flushed.max(data)
    };
    let complete = content_bytes == chunk.end() && chunk.blob_bytes % PIECE != 0;
    Cut {
        content_bytes,
        complete,
    }
}

/// Where an archive can end once the block that ends at `flushed` is out, when nothing forces a later end: right there, or
/// behind the entry header that crosses the block's end (a reader takes a cut header for damage, a cut blob for the end).
pub(crate) fn cut_at_block_end(flushed: u64, chunk: Placement) -> Cut {
    let inside_header = flushed > chunk.start && flushed < chunk.data_start();
    let content_bytes = if inside_header {
        chunk.data_start()
    } else {
        flushed
    };
    Cut {
        content_bytes,
        complete: content_bytes >= chunk.end(),
    }
}

/// Is the archive to be closed after the complete chunk that ends at content offset `end`?
pub(crate) fn archive_is_full(end: u64) -> bool {
    (end / PAYLOAD) * BLOCK_SIZE as u64 > ARCHIVE_LIMIT
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// PBS's writer, followed literally: a stream of writes, a block flushed as soon as it is full.
    struct Writer {
        position: u64,
        blocks: u64,
        /// Blocks that fit before early warning.
        capacity: u64,
        early_warning: bool,
    }

    impl Writer {
        fn write(&mut self, bytes: u64) {
            self.position += bytes;
            self.blocks = self.position / PAYLOAD;
            self.early_warning |= self.blocks > self.capacity;
        }
    }

    /// Content length, whole chunks, blocks flushed behind the capacity. `None` if early warning is not met in time.
    fn follow(head: u64, sizes: &[u64], capacity: u64) -> Option<(u64, usize, u64)> {
        let mut writer = Writer {
            position: 0,
            blocks: 0,
            capacity,
            early_warning: false,
        };
        writer.write(head);
        for (index, &size) in sizes.iter().enumerate() {
            writer.write(ENTRY_HEADER);
            let mut left = size;
            while left > 0 {
                let piece = left.min(PIECE);
                writer.write(piece);
                left -= piece;
                if writer.early_warning {
                    let whole = index + usize::from(piece < PIECE);
                    return Some((writer.position, whole, writer.blocks - capacity));
                }
            }
        }
        None
    }

    fn placements(head: u64, sizes: &[u64]) -> Vec<Placement> {
        let mut start = head;
        let place = |&blob_bytes: &u64| {
            let placement = Placement { start, blob_bytes };
            start = placement.end();
            placement
        };
        sizes.iter().map(place).collect()
    }

    /// Sizes around the places where something happens: pieces, blocks, and both less a header.
    fn size() -> impl Strategy<Value = u64> {
        let near = |around: u64| {
            (0u64..130).prop_map(move |offset| (around + offset).saturating_sub(65).max(12))
        };
        prop_oneof![
            12u64..1000,
            12u64..3_000_000,
            near(PIECE),
            near(2 * PIECE),
            near(PAYLOAD),
            near(2 * PAYLOAD - ENTRY_HEADER),
        ]
    }

    proptest! {
        #[test]
        fn cuts_where_pbs_does(sizes in prop::collection::vec(size(), 1..40), capacity in 0u64..20) {
            let head = 71;
            let chunks = placements(head, &sizes);
            let flushed = (capacity + 1) * PAYLOAD;
            let holder = chunks.iter().position(|chunk| chunk.end() >= flushed);
            let expected = follow(head, &sizes, capacity);
            prop_assert_eq!(holder.is_some(), expected.is_some());
            let (Some(holder), Some((content_bytes, whole, behind))) = (holder, expected) else { return Ok(()) };
            let cut = cut_at_early_warning(flushed, chunks[holder]);
            let cut_whole = holder + usize::from(cut.complete);
            if behind == 1 {
                prop_assert_eq!((cut.content_bytes, cut_whole), (content_bytes, whole));
            } else {
                // PBS would need a third block behind early warning.
                prop_assert!(cut.content_bytes < content_bytes && !cut.complete);
            }
            // Whatever happens: one more block, never inside an entry header.
            prop_assert_eq!(cut.content_bytes / PAYLOAD, flushed / PAYLOAD);
            prop_assert!(cut.content_bytes >= chunks[holder].data_start());
        }

        #[test]
        fn nearest_end_is_never_inside_a_header(sizes in prop::collection::vec(size(), 1..20), blocks in 1u64..20) {
            let chunks = placements(71, &sizes);
            let flushed = blocks * PAYLOAD;
            for (index, chunk) in chunks.iter().enumerate().filter(|(_, chunk)| chunk.start < flushed) {
                let cut = cut_at_block_end(flushed, *chunk);
                let next = chunks.get(index + 1).map_or(u64::MAX, |next| next.start);
                if next >= flushed {
                    prop_assert!(cut.content_bytes >= flushed && cut.content_bytes < flushed + ENTRY_HEADER);
                    prop_assert!(cut.content_bytes <= chunk.start || cut.content_bytes >= chunk.data_start());
                    prop_assert_eq!(cut.complete, flushed >= chunk.end());
                }
            }
        }
    }

    #[test]
    fn a_whole_piece_at_the_end_counts_as_unfinished() {
        // Header and blob fill the block exactly, the blob is one whole piece.
        let start = 2 * PAYLOAD - PIECE - ENTRY_HEADER;
        let cut = cut_at_early_warning(
            2 * PAYLOAD,
            Placement {
                start,
                blob_bytes: PIECE,
            },
        );
        assert_eq!(
            cut,
            Cut {
                content_bytes: 2 * PAYLOAD,
                complete: false
            }
        );
        let cut = cut_at_early_warning(
            2 * PAYLOAD,
            Placement {
                start: start + 1,
                blob_bytes: PIECE - 1,
            },
        );
        assert_eq!(
            cut,
            Cut {
                content_bytes: 2 * PAYLOAD,
                complete: true
            }
        );
    }

    #[test]
    fn an_archive_ends_after_16385_blocks() {
        assert!(!archive_is_full(16_385 * PAYLOAD - 1));
        assert!(archive_is_full(16_385 * PAYLOAD));
    }
}
