//! The tape keys of a machine: PBS's two key files, and passwords from a terminal (keys.md, behaviour.md 21).
//!
//! - [`KeyStore`]: `tape-encryption-keys.json` and `tape-encryption-key-config.json`. Whoever changes them holds their
//!   lock; a reader needs none, because files are replaced whole.
//! - [`PasswordReader`]: a terminal without echo, or a line of standard input. It stands in this half of the program so
//!   that a password never becomes a string that cannot be wiped.
//!
//! - [`read_key`]: the key in a file of any kind, also in a scan or photo of a paper key.
//!
//! Keys, passwords and the texts that hold them are wiped when dropped. No error shows one.

mod error;
mod key_text;
mod prompt;
mod replace;
mod store;

pub use error::{Error, ErrorClass, Result};
pub use key_text::{MAX_KEY_FILE_BYTES, read_key};
pub use prompt::{Ask, PasswordReader};
pub use replace::FileAttributes;
pub use store::{CurrentPassword, KeyFile, KeyList, KeyStore, NewWrapping};
