//! Why a cartridge cannot be used.

use super::segments::SegmentError;

/// Errors of a cartridge, each naming its file.
#[derive(Debug, thiserror::Error)]
pub enum CartridgeError {
    /// The operating system refused.
    #[error("{path}: cannot {action} the cartridge: {source}")]
    Io {
        /// File, or `memory`.
        path: String,
        /// What was tried.
        action: &'static str,
        /// Its words.
        source: std::io::Error,
    },
    /// The file is no cartridge, or not a whole one.
    #[error("{path}: not a usable cartridge: {what}")]
    Damaged {
        /// File, or `memory`.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// There is no such block to damage.
    #[error("{path}: object {object} is no block on this tape")]
    NoSuchBlock {
        /// File, or `memory`.
        path: String,
        /// Object number.
        object: u64,
    },
}

impl CartridgeError {
    pub(super) fn io(path: &str, action: &'static str, source: std::io::Error) -> Self {
        CartridgeError::Io {
            path: path.to_owned(),
            action,
            source,
        }
    }

    pub(super) fn damaged(path: &str, what: &str) -> Self {
        CartridgeError::Damaged {
            path: path.to_owned(),
            what: what.to_owned(),
        }
    }

    pub(super) fn segments(path: &str, error: SegmentError) -> Self {
        match error {
            SegmentError::Io(source) => Self::io(path, "read", source),
            SegmentError::Damaged(what) => Self::damaged(path, &what),
        }
    }
}
