//! Block buffers whose address suits direct I/O and host adapters.

use std::fmt;
use std::ops::{Deref, DerefMut};

use ferrite_formats::block::{BLOCK_SIZE, Block};

/// Alignment of every [`AlignedBlock`]: a memory page, which O_DIRECT files and SG_IO's direct mode ask for.
pub const BLOCK_ALIGNMENT: usize = 4096;

/// One tape block (262 144 bytes) on the heap, its address a multiple of [`BLOCK_ALIGNMENT`]. Starts zeroed.
pub struct AlignedBlock(Box<Page>);

#[repr(align(4096))]
struct Page(Block);

const _: () = assert!(align_of::<Page>() == BLOCK_ALIGNMENT && size_of::<Page>() == BLOCK_SIZE);

impl AlignedBlock {
    /// A block of zeros.
    pub fn new() -> Self {
        Self(Box::new(Page([0; BLOCK_SIZE])))
    }
}

impl Default for AlignedBlock {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for AlignedBlock {
    type Target = Block;

    fn deref(&self) -> &Block {
        &self.0.0
    }
}

impl DerefMut for AlignedBlock {
    fn deref_mut(&mut self) -> &mut Block {
        &mut self.0.0
    }
}

impl fmt::Debug for AlignedBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlignedBlock").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_zero_aligned_and_exactly_one_block_even_after_a_move() {
        let blocks: Vec<AlignedBlock> = (0..9).map(|_| AlignedBlock::new()).collect();
        for block in blocks {
            assert_eq!(block.len(), BLOCK_SIZE);
            assert!(block.iter().all(|&byte| byte == 0));
            assert_eq!(block.as_ptr().align_offset(BLOCK_ALIGNMENT), 0);
        }
    }
}
