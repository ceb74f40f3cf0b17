//! Chunks of zeros: most of a sparse image.

use std::sync::OnceLock;

use ferrite_formats::Digest;
use ferrite_formats::fixed_index::DEFAULT_CHUNK_BYTES;

/// Whether there are only zeros in `bytes`. Stops early at anything else.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    // Comparing blocks is what the compiler turns into vector instructions.
    const ZEROS: [u8; 1024] = [0; 1024];
    bytes
        .chunks(ZEROS.len())
        .all(|block| *block == ZEROS[..block.len()])
}

/// The usual length of an image's chunks.
pub(crate) const USUAL_BYTES: usize = DEFAULT_CHUNK_BYTES as usize;

/// Digest of a chunk of zeros of the usual length of images, computed once.
pub(crate) fn usual_digest() -> Digest {
    static DIGEST: OnceLock<Digest> = OnceLock::new();
    *DIGEST.get_or_init(|| Digest::of(&vec![0; USUAL_BYTES]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_single_bit() {
        let mut bytes = vec![0; 5000];
        assert!(is_zero(&bytes));
        assert!(is_zero(&[]));
        for place in [0, 1023, 1024, 4095, 4096, 4999] {
            bytes[place] = 1;
            assert!(!is_zero(&bytes), "{place}");
            bytes[place] = 0;
        }
    }

    #[test]
    fn digest_of_the_specification() {
        let expected = "bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8";
        assert_eq!(usual_digest().to_string(), expected);
    }
}
