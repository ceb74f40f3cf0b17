//! The manifest of a snapshot, `index.json.blob`: what files it has, their sizes and checksums (datastore.md 9).
//!
//! The JSON document is kept as it was read, so members this code does not know survive being written again and stay
//! covered by the signature; typed views are parsed once and checked. `unprotected` is not signed.

mod entry;

use serde_json::{Map, Value, json};

pub use entry::{CryptMode, FileEntry};

use crate::blob::{Blob, BlobRef, MAX_PLAIN_BYTES};
use crate::canonical_json::{to_canonical, to_pretty_sorted};
use crate::crypt::CryptKey;
use crate::digest::Digest;
use crate::error::{FormatError, Result};
use crate::fingerprint::Fingerprint;
use crate::snapshot_path::{BackupGroup, Namespace, SnapshotPath};

const WHAT: &str = "manifest";

/// Largest manifest blob read. A file takes about 200 bytes, a snapshot has a handful.
pub const MAX_MANIFEST_BYTES: u64 = 16 << 20;

const TYPE: &str = "backup-type";
const ID: &str = "backup-id";
const TIME: &str = "backup-time";
const FILES: &str = "files";
const SIGNATURE: &str = "signature";
const UNPROTECTED: &str = "unprotected";
const KEY_FINGERPRINT: &str = "key-fingerprint";
const VERIFY_STATE: &str = "verify_state";
const NOTES: &str = "notes";

/// What a signature check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureState {
    /// Signed with the key.
    Signed,
    /// Carries no signature; PBS accepts that.
    Unsigned,
}

/// A snapshot's manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    document: Map<String, Value>,
    group: BackupGroup,
    time: i64,
    files: Vec<FileEntry>,
}

impl Manifest {
    /// A manifest without files, unsigned.
    pub fn new(group: BackupGroup, time: i64) -> Result<Self> {
        // Checks the time.
        let snapshot = SnapshotPath::new(Namespace::root(), group, time)?;
        let group = snapshot.group().clone();
        let mut document = Map::new();
        document.insert(TYPE.into(), group.ty().as_str().into());
        document.insert(ID.into(), group.id().into());
        document.insert(TIME.into(), time.into());
        document.insert(FILES.into(), Value::Array(Vec::new()));
        document.insert(SIGNATURE.into(), Value::Null);
        document.insert(UNPROTECTED.into(), json!({}));
        Ok(Self {
            document,
            group,
            time,
            files: Vec::new(),
        })
    }

    /// Parses the JSON text. The order of files and all unknown members are kept.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] for anything but a JSON object with sound type, id, time and files; for a file name
    /// that is not an archive name or stands there twice.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let document: Map<String, Value> = serde_json::from_slice(json)
            .map_err(|error| invalid(format!("is not a JSON object: {error}")))?;
        let text = |key: &str| {
            let value = document.get(key).and_then(Value::as_str);
            value.ok_or_else(|| invalid(format!("has no text \"{key}\"")))
        };
        let group = BackupGroup::new(text(TYPE)?.parse()?, text(ID)?)?;
        let time = document.get(TIME).and_then(Value::as_i64);
        let time = time.ok_or_else(|| invalid(format!("has no integer \"{TIME}\"")))?;
        SnapshotPath::new(Namespace::root(), group.clone(), time)?;
        let files = document.get(FILES).and_then(Value::as_array);
        let files =
            entry::parse_all(files.ok_or_else(|| invalid(format!("has no list \"{FILES}\"")))?)?;
        check_type(&document, UNPROTECTED, Value::is_object, "an object")?;
        check_type(&document, SIGNATURE, Value::is_string, "a text")?;
        Ok(Self {
            document,
            group,
            time,
            files,
        })
    }

    /// Decodes and parses `index.json.blob`: an unencrypted blob, compressed or not.
    ///
    /// # Errors
    /// As [`BlobRef::decode`] and [`Manifest::parse`].
    pub fn parse_blob(blob: &[u8]) -> Result<Self> {
        let blob = BlobRef::parse(blob)?;
        if blob.kind().is_encrypted() {
            return Err(invalid("is encrypted; manifests never are"));
        }
        Self::parse(&blob.decode(None, MAX_MANIFEST_BYTES.min(MAX_PLAIN_BYTES))?)
    }

    /// Type and id.
    pub fn group(&self) -> &BackupGroup {
        &self.group
    }

    /// Seconds since 1970.
    pub fn time(&self) -> i64 {
        self.time
    }

    /// The files, in the order in which they were added.
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// The entry of the file called `filename`.
    pub fn file(&self, filename: &str) -> Option<&FileEntry> {
        self.files.iter().find(|file| file.filename == filename)
    }

    /// Appends a file. Removes the signature, which no longer fits.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] for a name that is no archive name or is there already.
    pub fn add_file(&mut self, file: FileEntry) -> Result<()> {
        entry::check_name(&self.files, &file.filename)?;
        if let Some(Value::Array(list)) = self.document.get_mut(FILES) {
            list.push(file.to_json());
        }
        self.document.insert(SIGNATURE.into(), Value::Null);
        self.files.push(file);
        Ok(())
    }

    /// The unsigned members, none when the manifest has no `unprotected`.
    pub fn unprotected(&self) -> Option<&Map<String, Value>> {
        self.document.get(UNPROTECTED).and_then(Value::as_object)
    }

    /// Sets an unsigned member; a null removes it.
    pub fn set_unprotected(&mut self, key: &str, value: Value) {
        let members = self
            .document
            .entry(UNPROTECTED)
            .or_insert_with(|| json!({}));
        if members.is_null() {
            *members = json!({});
        }
        let Some(members) = members.as_object_mut() else {
            return;
        };
        if value.is_null() {
            // Order of the others must not change.
            members.shift_remove(key);
        } else {
            members.insert(key.into(), value);
        }
    }

    /// The snapshot's notes.
    pub fn notes(&self) -> Option<&str> {
        self.unprotected()?.get(NOTES)?.as_str()
    }

    /// Result of the last verification; a stored null is no result.
    pub fn verify_state(&self) -> Option<&Value> {
        self.unprotected()?
            .get(VERIFY_STATE)
            .filter(|state| !state.is_null())
    }

    /// The manifest as a restore stores it: without the result of the last verification (tape-format.md 6.5).
    #[must_use]
    pub fn without_verify_state(&self) -> Self {
        let mut copy = self.clone();
        if copy.unprotected().is_some() {
            copy.set_unprotected(VERIFY_STATE, Value::Null);
        }
        copy
    }

    /// Fingerprint of the key that the snapshot's files are encrypted or signed with.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] when what stands there is no fingerprint.
    pub fn key_fingerprint(&self) -> Result<Option<Fingerprint>> {
        match self
            .unprotected()
            .and_then(|members| members.get(KEY_FINGERPRINT))
        {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => text.parse().map(Some),
            Some(_) => Err(invalid(format!("\"{KEY_FINGERPRINT}\" is not a text"))),
        }
    }

    /// The stored signature; none when absent or null.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] when it is not 64 hex digits.
    pub fn signature(&self) -> Result<Option<Digest>> {
        match self.document.get(SIGNATURE).and_then(Value::as_str) {
            None => Ok(None),
            Some(text) => text
                .parse()
                .map(Some)
                .map_err(|_| invalid("signature is not 64 hex digits")),
        }
    }

    /// The text that a signature covers: canonical JSON without `unprotected` and `signature`.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] when there is a null in it.
    pub fn canonical_text(&self) -> Result<String> {
        let signed = self
            .document
            .iter()
            .filter(|(key, _)| *key != UNPROTECTED && *key != SIGNATURE);
        let signed = signed
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        to_canonical(&Value::Object(signed))
    }

    /// Signs the manifest and stores the key's fingerprint.
    ///
    /// # Errors
    /// As [`Manifest::canonical_text`].
    pub fn sign(&mut self, key: &CryptKey) -> Result<()> {
        let signature = key.sign(self.canonical_text()?.as_bytes());
        self.document
            .insert(SIGNATURE.into(), signature.to_string().into());
        self.set_unprotected(KEY_FINGERPRINT, key.fingerprint().to_string().into());
        Ok(())
    }

    /// Checks fingerprint, then signature, as far as the manifest has them.
    ///
    /// # Errors
    /// [`FormatError::WrongKey`] when one does not fit; [`FormatError::Invalid`] when one is malformed.
    pub fn verify_signature(&self, key: &CryptKey) -> Result<SignatureState> {
        let fingerprint = key.fingerprint();
        if let Some(other) = self
            .key_fingerprint()?
            .filter(|stored| *stored != fingerprint)
        {
            let detail = format!(
                "belongs to key {}, not to key {}",
                other.short(),
                fingerprint.short()
            );
            return Err(FormatError::WrongKey { what: WHAT, detail });
        }
        let Some(signature) = self.signature()? else {
            return Ok(SignatureState::Unsigned);
        };
        if !key.verify(self.canonical_text()?.as_bytes(), &signature) {
            let detail = format!(
                "signature does not fit content and key {}",
                fingerprint.short()
            );
            return Err(FormatError::WrongKey { what: WHAT, detail });
        }
        Ok(SignatureState::Signed)
    }

    /// The whole document, as read and changed since.
    pub fn document(&self) -> &Map<String, Value> {
        &self.document
    }

    /// The JSON text as PBS stores it: indented, keys sorted at every level, no newline at the end.
    pub fn to_json(&self) -> String {
        to_pretty_sorted(&Value::Object(self.document.clone()))
    }

    /// `index.json.blob`: the JSON text, compressed if that is smaller.
    ///
    /// # Errors
    /// [`FormatError::TooLarge`] for a text above 128 MiB.
    pub fn to_blob(&self) -> Result<Blob> {
        Blob::encode(self.to_json().as_bytes(), true, None)
    }
}

/// A member that, unless absent or null, must be of one type.
fn check_type(
    document: &Map<String, Value>,
    key: &str,
    is_type: impl Fn(&Value) -> bool,
    name: &str,
) -> Result<()> {
    match document.get(key) {
        Some(value) if !value.is_null() && !is_type(value) => {
            Err(invalid(format!("\"{key}\" is not {name}")))
        }
        _ => Ok(()),
    }
}

fn invalid(detail: impl Into<String>) -> FormatError {
    FormatError::invalid(WHAT, detail)
}

#[cfg(test)]
mod tests;
