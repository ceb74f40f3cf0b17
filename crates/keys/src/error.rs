//! Why a key cannot be stored, found or unlocked. Policy: a message names the file or the key (by its fingerprint), and
//! says what to do where there is something to do; it never quotes a key, a password or the content of a key file.

use std::io;
use std::path::{Path, PathBuf};

use ferrite_formats::key::KeyError;
use ferrite_formats::{Digest, Fingerprint};

/// What the caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The request is wrong: nothing was touched.
    Usage,
    /// A person has to act: another password, another tape.
    Operator,
    /// A file or key is damaged.
    Data,
    /// The machine refused.
    System,
    /// Stopped by the user.
    Aborted,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such key in the key configs.
    #[error(
        "no key {fingerprint} in {}: 'proxmox-tape key list' lists the keys, 'proxmox-tape key restore' brings one back from its tape, 'proxmox-tape key import' from a key file or paper key",
        path.display()
    )]
    Unknown {
        /// The key asked for.
        fingerprint: Fingerprint,
        /// The file that has the key configs.
        path: PathBuf,
    },
    /// A key config without the key itself: nothing can be encrypted or decrypted with it.
    #[error(
        "key {fingerprint} stands in {} under its password only, {} does not have it: 'proxmox-tape key restore' or 'proxmox-tape key import' puts it there",
        configs.display(), plain.display()
    )]
    NotPlain {
        /// The key asked for.
        fingerprint: Fingerprint,
        /// The file that has the key configs.
        configs: PathBuf,
        /// The file that should have the key.
        plain: PathBuf,
    },
    /// The key is there already.
    #[error("key {fingerprint} is there already: nothing was changed")]
    Exists {
        /// The key.
        fingerprint: Fingerprint,
    },
    /// The file is not the one that the caller has seen.
    #[error(
        "{} was changed meanwhile (its digest is {found}): look at it again, then repeat the command",
        path.display()
    )]
    Changed {
        /// The file with the key configs.
        path: PathBuf,
        /// Its digest now.
        found: Digest,
    },
    /// A key file that cannot be understood.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: KeyError,
    },
    /// What a key, password or hint gave.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The operating system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// `read`, `sync`, ...
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No random numbers for a new key.
    #[error("no random numbers: {0}")]
    Random(String),
    /// The two typed passwords differ.
    #[error("the two passwords differ: nothing was changed")]
    PasswordsDiffer,
    /// Standard input ended before a password.
    #[error("no password: standard input is no terminal, and has no (further) line")]
    NoPassword,
    /// A password line that is no password.
    #[error("the password on standard input is longer than {limit} bytes")]
    LongPassword {
        /// Most bytes.
        limit: usize,
    },
    /// Ctrl-C, or a signal.
    #[error("aborted: no password was given, nothing was changed")]
    Aborted,
}

/// `Result` of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Stable code, never reused.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown-key",
            Self::NotPlain { .. } => "no-plain-key",
            Self::Exists { .. } => "key-exists",
            Self::Changed { .. } => "digest-mismatch",
            Self::File { .. } => "damaged-key-file",
            Self::Key(error) => key_code(error),
            Self::Io { .. } => "io",
            Self::Random(_) => "random",
            Self::PasswordsDiffer => "passwords-differ",
            Self::NoPassword => "no-password",
            Self::LongPassword { .. } => "bad-password",
            Self::Aborted => "aborted",
        }
    }

    /// What the caller can do about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Exists { .. }
            | Self::Changed { .. }
            | Self::PasswordsDiffer
            | Self::NoPassword
            | Self::LongPassword { .. } => ErrorClass::Usage,
            Self::Unknown { .. } | Self::NotPlain { .. } => ErrorClass::Operator,
            Self::File { .. } => ErrorClass::Data,
            Self::Key(error) => key_class(error),
            Self::Io { .. } | Self::Random(_) => ErrorClass::System,
            Self::Aborted => ErrorClass::Aborted,
        }
    }
}

fn key_code(error: &KeyError) -> &'static str {
    match error {
        KeyError::WrongPassword { .. } => "wrong-password",
        KeyError::FingerprintMismatch { .. } => "key-mismatch",
        KeyError::PasswordTooShort | KeyError::PasswordNotUtf8 => "bad-password",
        KeyError::BadHint => "bad-hint",
        KeyError::NoPassword => "kdf-none",
        KeyError::NoFingerprint => "no-fingerprint",
        KeyError::Duplicate { .. } => "key-exists",
        KeyError::NoKey => "no-key",
        KeyError::OutOfMemory { .. } => "out-of-memory",
        _ => "bad-key",
    }
}

fn key_class(error: &KeyError) -> ErrorClass {
    match error {
        KeyError::PasswordTooShort
        | KeyError::PasswordNotUtf8
        | KeyError::BadHint
        | KeyError::NoPassword => ErrorClass::Usage,
        KeyError::WrongPassword { .. } => ErrorClass::Operator,
        KeyError::OutOfMemory { .. } => ErrorClass::System,
        _ => ErrorClass::Data,
    }
}

/// Adds the place to an error of the operating system.
pub(crate) trait IoContext<T> {
    fn at(self, doing: &'static str, path: &Path) -> Result<T>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn at(self, doing: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io {
            doing,
            path: path.into(),
            source,
        })
    }
}
