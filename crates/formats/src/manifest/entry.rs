//! Files of a manifest.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use super::invalid;
use crate::archive_name::{ArchiveKind, check_archive_name};
use crate::digest::Digest;
use crate::error::{FormatError, Result};

/// How the content of a file is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CryptMode {
    /// Not at all.
    #[default]
    None,
    /// Encrypted; its chunks are encrypted blobs.
    Encrypt,
    /// Only the manifest is signed; chunks are plain.
    SignOnly,
}

impl CryptMode {
    const ALL: [Self; 3] = [Self::None, Self::Encrypt, Self::SignOnly];

    /// `none`, `encrypt` or `sign-only`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Encrypt => "encrypt",
            Self::SignOnly => "sign-only",
        }
    }
}

impl fmt::Display for CryptMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CryptMode {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self> {
        let mode = Self::ALL.into_iter().find(|mode| mode.as_str() == text);
        mode.ok_or_else(|| invalid("a crypt-mode is not none, encrypt or sign-only"))
    }
}

/// One file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Name with its ending: `drive-scsi0.img.fidx`.
    pub filename: String,
    /// Protection of the content.
    pub crypt_mode: CryptMode,
    /// Index: bytes of the image or stream. Blob: bytes of the file.
    pub size: u64,
    /// Index: checksum of its table. Blob: SHA-256 of the file.
    pub csum: Digest,
}

impl FileEntry {
    /// Kind of the file.
    ///
    /// # Errors
    /// None for entries of a manifest, whose names are checked.
    pub fn kind(&self) -> Result<ArchiveKind> {
        ArchiveKind::of(&self.filename)
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "filename": self.filename,
            "crypt-mode": self.crypt_mode.as_str(),
            "size": self.size,
            "csum": self.csum.to_string(),
        })
    }

    fn parse(value: &Value) -> Result<Self> {
        let text = |key: &str| {
            let text = value.get(key).and_then(Value::as_str);
            text.ok_or_else(|| invalid(format!("a file has no text \"{key}\"")))
        };
        let size = value.get("size").and_then(Value::as_u64);
        Ok(Self {
            filename: text("filename")?.to_owned(),
            crypt_mode: match value.get("crypt-mode") {
                None => CryptMode::default(),
                Some(_) => text("crypt-mode")?.parse()?,
            },
            size: size.ok_or_else(|| invalid("a file has no size"))?,
            csum: text("csum")?.parse()?,
        })
    }
}

pub(super) fn parse_all(list: &[Value]) -> Result<Vec<FileEntry>> {
    let mut names = HashSet::new();
    let mut files = Vec::new();
    for value in list {
        let file = FileEntry::parse(value)?;
        check_archive_name(&file.filename)?;
        if !names.insert(file.filename.clone()) {
            return Err(listed_twice(&file.filename));
        }
        files.push(file);
    }
    Ok(files)
}

pub(super) fn check_name(files: &[FileEntry], filename: &str) -> Result<()> {
    check_archive_name(filename)?;
    if files.iter().any(|file| file.filename == filename) {
        return Err(listed_twice(filename));
    }
    Ok(())
}

fn listed_twice(filename: &str) -> FormatError {
    invalid(format!("lists {filename} twice"))
}
