//! Passwords and their hints (keys.md 2.2).

use std::fmt;

use zeroize::Zeroizing;

use super::error::{KeyError, Result};

/// Fewest bytes in a password.
pub const MIN_PASSWORD_BYTES: usize = 5;
/// Most characters in a hint.
pub const MAX_HINT_CHARS: usize = 64;

/// A password: UTF-8 as typed, without normalisation. Wiped when dropped, never printed.
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// Takes the bytes of a password; they are wiped also when they are refused.
    ///
    /// # Errors
    /// [`KeyError::PasswordTooShort`] below 5 bytes, [`KeyError::PasswordNotUtf8`].
    pub fn new(bytes: Vec<u8>) -> Result<Self> {
        let bytes = Zeroizing::new(bytes);
        if std::str::from_utf8(&bytes).is_err() {
            return Err(KeyError::PasswordNotUtf8);
        }
        if bytes.len() < MIN_PASSWORD_BYTES {
            return Err(KeyError::PasswordTooShort);
        }
        Ok(Self(bytes))
    }

    /// The first line of a password file or of standard input, without its line end (`\n` or `\r\n`): an editor's
    /// newline at the end of the file is no part of the password.
    ///
    /// # Errors
    /// As [`Password::new`].
    pub fn from_first_line(bytes: Vec<u8>) -> Result<Self> {
        let bytes = Zeroizing::new(bytes);
        let line = bytes
            .split(|&byte| byte == b'\n')
            .next()
            .unwrap_or_default();
        Self::new(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// What reminds of a password: 1 to 64 characters, none of them a control character. Not secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint(String);

impl Hint {
    /// Checks a hint.
    ///
    /// # Errors
    /// [`KeyError::BadHint`].
    pub fn new(text: &str) -> Result<Self> {
        if text.is_empty()
            || text.chars().count() > MAX_HINT_CHARS
            || text.chars().any(char::is_control)
        {
            return Err(KeyError::BadHint);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
