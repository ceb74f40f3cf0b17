//! Keys of tapes and clients as files: password-protected key configs, PBS's two key files, and paper keys (keys.md,
//! tape-format.md 9).
//!
//! No clock and no randomness: salts, IVs and times are arguments. Keys, passwords, and texts that may hold them are
//! wiped when dropped; no `Debug`, no `Display` and no error shows one. What the KDFs allocate inside their crates is
//! out of reach and not wiped.

mod base64_text;
mod config;
mod error;
mod files;
mod json;
mod kdf;
mod paper;
mod paper_reader;
mod password;
mod qr;
mod wrap;

pub use config::{KeyConfig, KeyInfo, KeyTime, Protection};
pub use error::{KeyError, Result};
pub use files::{EMPTY_FILE, KeyConfigFile, PlainKeyFile, config_file_digest};
pub use kdf::{Kdf, KdfKind, MAX_ROUNDS, MAX_SALT_BYTES, MAX_SCRYPT_BYTES, SALT_BYTES};
pub use paper::{BEGIN_MARKER, END_MARKER, PaperKey};
pub use paper_reader::{MAX_PAPER_BYTES, read_paper_key};
pub use password::{Hint, MAX_HINT_CHARS, MIN_PASSWORD_BYTES, Password};
pub use qr::QrSymbol;
pub use wrap::{WrapRandomness, WrappedKey};

#[cfg(test)]
mod tests;
