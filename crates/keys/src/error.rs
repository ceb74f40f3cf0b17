//! Why a key cannot be stored, found or unlocked. Policy: a message names the file or the key (by its fingerprint), and
//! says what to do where there is something to do; it never quotes a key, a password or the content of a key file.

use std::io;
use std::path::{Path, PathBuf};

use ferrite_formats::key::KeyError;
use ferrite_formats::{Digest, Fingerprint};
use ferrite_qr::PictureError;

/// What helps where a picture did not.
const SCAN_AGAIN: &str = "Scan the paper flat with 200 to 300 dpi in grey, or type the lines beside the code into a file";

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
    #[error(
        "{}: {error}. Put a copy of the file back; without one, move it away and take its keys back with 'proxmox-tape key restore' or 'proxmox-tape key import'",
        path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: KeyError,
    },
    /// What a key, password or hint gave.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A picture that cannot be read.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A picture without a QR code.
    #[error(
        "no QR code was found in the picture: all of the code, with its white margin, has to be in it and sharp. {SCAN_AGAIN}"
    )]
    NoCode,
    /// A picture whose QR code has too many faults.
    #[error(
        "the QR code in the picture cannot be read: too much of it is blurred or covered. {SCAN_AGAIN}"
    )]
    UnreadableCode,
    /// A picture with a QR code of something else.
    #[error("the QR code in the picture is no key: is it a picture of a paper key?")]
    OtherCode,
    /// A file that may well show a paper key, and cannot be read here.
    #[error(
        "{format} files are not read: save the page of the paper key as a PNG or JPEG picture (of a PDF file, \
        'pdftoppm -r 200 -gray -png' makes one), or type its text into a file"
    )]
    OtherFormat {
        /// `PDF`, `TIFF`, ...
        format: &'static str,
    },
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
    /// Enter, and nothing before it.
    #[error("the password is empty: nothing was changed")]
    EmptyPassword,
    /// A password line that is no password.
    #[error("the password on standard input is longer than {limit} bytes")]
    LongPassword {
        /// Most bytes.
        limit: usize,
    },
    /// A new password that no terminal takes.
    #[error(
        "the password has control characters, or a byte order mark before it, and could never be typed at a terminal: save its file as plain UTF-8 text"
    )]
    UntypablePassword,
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
            Self::Picture(PictureError::TooLarge { .. }) => "picture-too-large",
            Self::Picture(_) => "bad-picture",
            Self::NoCode => "no-qr-code",
            Self::UnreadableCode => "unreadable-qr-code",
            Self::OtherCode => "no-key",
            Self::OtherFormat { .. } => "other-format",
            Self::Io { .. } => "io",
            Self::Random(_) => "random",
            Self::PasswordsDiffer => "passwords-differ",
            Self::NoPassword | Self::EmptyPassword => "no-password",
            Self::LongPassword { .. } | Self::UntypablePassword => "bad-password",
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
            | Self::EmptyPassword
            | Self::LongPassword { .. }
            | Self::UntypablePassword => ErrorClass::Usage,
            Self::Unknown { .. } | Self::NotPlain { .. } => ErrorClass::Operator,
            Self::File { .. }
            | Self::Picture(_)
            | Self::NoCode
            | Self::UnreadableCode
            | Self::OtherCode
            | Self::OtherFormat { .. } => ErrorClass::Data,
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
