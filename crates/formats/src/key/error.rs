//! Why a key cannot be read, opened or made. Policy: cases that a caller answers differently (ask again, look for
//! another file, give up) are variants. No message quotes a password, a key, or a value of a key file other than its
//! hint and fingerprint.

use crate::error::FormatError;
use crate::fingerprint::Fingerprint;

use super::password::{MAX_HINT_CHARS, MIN_PASSWORD_BYTES};

/// What is wrong with a key, a password or a key file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Authentication failed: GCM cannot tell a wrong password from altered data.
    #[error(
        "wrong password for key {}{}; if the password is right, the salt or the data of the key was altered",
        short(fingerprint.as_ref()),
        shown_hint(hint.as_deref())
    )]
    WrongPassword {
        /// Fingerprint that the key config gives.
        fingerprint: Option<Fingerprint>,
        /// Password hint that the key config gives.
        hint: Option<String>,
    },
    /// The key opens, and is not the one that its config names.
    #[error("key config of {stored}: the key in it has fingerprint {computed}")]
    FingerprintMismatch {
        /// Fingerprint in the config.
        stored: Fingerprint,
        /// Fingerprint of the key.
        computed: Fingerprint,
    },
    /// The password has too few bytes.
    #[error("the password has fewer than {MIN_PASSWORD_BYTES} bytes")]
    PasswordTooShort,
    /// The password is not UTF-8.
    #[error("the password is not UTF-8 text; it was perhaps typed or saved with another encoding")]
    PasswordNotUtf8,
    /// A hint that PBS's API would refuse.
    #[error(
        "the password hint has not 1 to {MAX_HINT_CHARS} characters without control characters"
    )]
    BadHint,
    /// A key without password where one with password is needed.
    #[error("the key is not protected by a password (kdf \"none\"), as tape keys must be")]
    NoPassword,
    /// A key config without fingerprint where one is needed.
    #[error("the key config has no fingerprint")]
    NoFingerprint,
    /// The same key twice in a key file, or to be added again.
    #[error("key {fingerprint} stands twice in {file}")]
    Duplicate {
        /// The key.
        fingerprint: Fingerprint,
        /// Which of the two files, by what it holds.
        file: &'static str,
    },
    /// A text without a key config.
    #[error(
        "no key found: neither a key config in JSON nor the lines between \"BEGIN PROXMOX BACKUP KEY\" and \"END PROXMOX BACKUP KEY\""
    )]
    NoKey,
    /// This machine has not the memory that the KDF asks for.
    #[error("the KDF of the key needs {bytes} bytes of memory, which are not available")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: u64,
    },
    /// A rule of the format is broken.
    #[error(transparent)]
    Format(#[from] FormatError),
}

/// `Result` of this module.
pub type Result<T, E = KeyError> = std::result::Result<T, E>;

fn short(fingerprint: Option<&Fingerprint>) -> String {
    fingerprint.map_or_else(|| "without fingerprint".into(), Fingerprint::short)
}

/// Hints come from tapes and files of others: shown escaped, and cut.
fn shown_hint(hint: Option<&str>) -> String {
    hint.map_or_else(String::new, |hint| {
        let cut: String = hint.chars().take(MAX_HINT_CHARS).collect();
        format!(" (hint: \"{}\")", cut.escape_debug())
    })
}
