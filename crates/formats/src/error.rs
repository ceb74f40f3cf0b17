//! The one error of this crate.
//!
//! Policy: a parser says *what* it was reading, *what* it wanted and *what* it found. It does not know where the bytes
//! came from; callers that do (tape file and block number, path) wrap this error and put the place in front.
//! Nothing here quotes secrets: keys, passwords and plain data never appear in a message.

use crate::digest::Digest;

/// Why bytes are not the structure they should be, or a structure cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// Fewer bytes than the structure needs.
    #[error("{what}: needs {need} bytes, found {have}")]
    Truncated {
        /// The structure being read.
        what: &'static str,
        /// Bytes needed.
        need: u64,
        /// Bytes present.
        have: u64,
    },
    /// Bytes left over after the end of the structure.
    #[error("{what}: {extra} bytes too many after its end")]
    TrailingData {
        /// The structure being read.
        what: &'static str,
        /// Bytes after its end.
        extra: u64,
    },
    /// The first bytes are not those of the structure.
    #[error("{what}: wrong magic number {}", hex::encode(found))]
    BadMagic {
        /// The structure being read.
        what: &'static str,
        /// The bytes found in place of the magic number.
        found: [u8; 8],
    },
    /// A known structure in a version or with a feature that is not readable.
    #[error("{what} is not supported")]
    Unsupported {
        /// The structure and its version.
        what: String,
    },
    /// A length or count above what is accepted; found before anything was allocated for it.
    #[error("{what}: {found} is above the limit of {limit}")]
    TooLarge {
        /// The length or count, with its unit.
        what: &'static str,
        /// The value found.
        found: u64,
        /// The largest accepted.
        limit: u64,
    },
    /// CRC-32 in the header and of the data differ.
    #[error("{what}: CRC-32 is {computed:08x}, the header says {stored:08x}")]
    BadCrc {
        /// The structure being checked.
        what: &'static str,
        /// Value in the header.
        stored: u32,
        /// Value of the data.
        computed: u32,
    },
    /// The content is sound but not the content that was asked for.
    #[error("{what}: SHA-256 is {computed}, expected {expected}")]
    DigestMismatch {
        /// The structure being checked.
        what: &'static str,
        /// Digest asked for.
        expected: Digest,
        /// Digest of the content.
        computed: Digest,
    },
    /// Encrypted content and no key given.
    #[error("{what} is encrypted and no key was given")]
    KeyRequired {
        /// The structure being read.
        what: &'static str,
    },
    /// A key was given and does not fit: authentication failed, or the fingerprint is another one.
    #[error("{what}: {detail}")]
    WrongKey {
        /// The structure being read.
        what: &'static str,
        /// What did not fit.
        detail: String,
    },
    /// A rule of the format is broken.
    #[error("{what}: {detail}")]
    Invalid {
        /// The structure being read or written.
        what: &'static str,
        /// The rule and what was found instead.
        detail: String,
    },
}

/// `Result` of this crate.
pub type Result<T, E = FormatError> = std::result::Result<T, E>;

impl FormatError {
    /// Shorthand for [`FormatError::Invalid`].
    pub fn invalid(what: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid {
            what,
            detail: detail.into(),
        }
    }

    /// Checks that `bytes` holds at least `need` bytes.
    ///
    /// # Errors
    /// [`FormatError::Truncated`].
    pub fn need(what: &'static str, bytes: &[u8], need: usize) -> Result<()> {
        if bytes.len() < need {
            return Err(Self::Truncated {
                what,
                need: need as u64,
                have: bytes.len() as u64,
            });
        }
        Ok(())
    }
}
