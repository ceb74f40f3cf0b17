//! Base64 as key files have it: standard alphabet, padded.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use zeroize::Zeroizing;

use super::error::Result;
use crate::error::FormatError;

pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// As the image in a paper key's page has it.
pub(super) fn encode_unpadded(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

/// Decodes exactly `N` bytes; `what` names the member. Nothing is kept elsewhere: the bytes may be a key.
pub(super) fn decode_array<const N: usize>(
    what: &'static str,
    text: &str,
    bytes: &mut [u8; N],
) -> Result<()> {
    let refuse = || FormatError::invalid(what, format!("is not {N} bytes in base64"));
    if text.len() != N.div_ceil(3) * 4 {
        return Err(refuse().into());
    }
    // Whole groups of three: what is one byte too long decodes too, and is then refused.
    let mut groups = Zeroizing::new(vec![0; N.div_ceil(3) * 3]);
    if STANDARD.decode_slice(text, &mut groups) != Ok(N) {
        return Err(refuse().into());
    }
    bytes.copy_from_slice(&groups[..N]);
    Ok(())
}

/// Decodes up to `limit` bytes.
pub(super) fn decode(what: &'static str, text: &str, limit: usize) -> Result<Vec<u8>> {
    if text.len() / 4 * 3 > limit + 2 {
        return Err(FormatError::TooLarge {
            what,
            found: text.len() as u64 / 4 * 3,
            limit: limit as u64,
        }
        .into());
    }
    Ok(STANDARD
        .decode(text)
        .map_err(|_| FormatError::invalid(what, "is not base64"))?)
}
