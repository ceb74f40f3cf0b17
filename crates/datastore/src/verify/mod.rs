//! Verification: every file of a snapshot against its manifest, every chunk against its digest (datastore.md 10).
//!
//! One thread goes through the snapshots and hands chunks to a pool; each chunk is read once per run, however many
//! snapshots refer to it. Memory is bounded: one chunk for each thread, one index, and what is remembered of chunks
//! checked before, up to a limit beyond which chunks are checked again.

mod chunk_pool;

use std::collections::{HashMap, HashSet};

use ferrite_formats::archive_name::{ArchiveKind, MANIFEST_NAME};
use ferrite_formats::blob::{BlobRef, MAX_BLOB_BYTES, MAX_PLAIN_BYTES};
use ferrite_formats::manifest::{CryptMode, FileEntry};
use ferrite_formats::{Digest, SnapshotPath};
use serde_json::json;

use self::chunk_pool::{CheckPool, ChunkCheck, Finding};
use crate::active_operations::Operation;
use crate::chunk_reader::check_chunk_sizes;
use crate::error::{Error, ErrorKind, FormatContext, Result};
use crate::listing::ListOptions;
use crate::progress::{CancelFlag, Event, EventSink, Progress};
use crate::snapshot::{SnapshotReader, StoredFile};
use crate::store::Store;
use crate::tape_order;

/// Chunks remembered as checked: some 300 MB at most, 16 TiB of data.
const MOST_REMEMBERED: usize = 4 << 20;
/// Errors listed in a report; more are only counted.
const MOST_ERRORS: usize = 10_000;

/// What to verify.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// These snapshots; `None` for all finished ones.
    pub snapshots: Option<Vec<SnapshotPath>>,
    /// Rename corrupt chunks to `<digest>.N.bad`, so that the next backup stores them again.
    pub set_aside_bad: bool,
    /// Store the result in each manifest, under this task id.
    pub record_as: Option<String>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyError {
    /// The snapshot.
    pub snapshot: SnapshotPath,
    /// The file of it, unless it is the snapshot as a whole.
    pub file: Option<String>,
    /// The chunk, if it is one.
    pub chunk: Option<Digest>,
    /// What is wrong.
    pub message: String,
}

/// Result of a verification.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Snapshots checked.
    pub snapshots: u64,
    /// Distinct chunks read.
    pub chunks: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// At most 10,000 of what was found.
    pub errors: Vec<VerifyError>,
    /// Errors beyond those.
    pub more_errors: u64,
    /// Snapshots that somebody was writing to or removing, and that were not checked.
    pub skipped: Vec<SnapshotPath>,
}

impl Store {
    /// Verifies snapshots. Whatever is wrong with them is in the report; an error means that verification itself could
    /// not go on.
    ///
    /// # Errors
    /// [`Error::Aborted`]; [`Error::Io`] for a store that cannot be listed.
    pub fn verify(
        &self,
        options: &VerifyOptions,
        sink: EventSink<'_>,
        cancel: &CancelFlag,
    ) -> Result<VerifyReport> {
        let _operation = self.begin(Operation::Read)?;
        let snapshots = match &options.snapshots {
            Some(snapshots) => snapshots.clone(),
            None => {
                let listing = self.list(&ListOptions::default())?;
                let finished = listing.snapshots.into_iter().filter(|info| info.finished);
                finished.map(|info| info.path).collect()
            }
        };
        let progress = Progress::new(sink, None);
        let report = std::thread::scope(|scope| {
            let mut verification = Verification {
                store: self,
                options,
                sink,
                cancel,
                pool: CheckPool::start(scope, self.chunks(), cancel, &progress),
                checked: HashSet::new(),
                bad: HashMap::new(),
                report: VerifyReport::default(),
            };
            for snapshot in &snapshots {
                cancel.check()?;
                verification.snapshot(snapshot)?;
            }
            Ok(verification.report)
        })?;
        progress.finish();
        Ok(report)
    }
}

/// A chunk, and whether it has to be encrypted.
type Checked = (Digest, bool);

struct Verification<'v> {
    store: &'v Store,
    options: &'v VerifyOptions,
    sink: EventSink<'v>,
    cancel: &'v CancelFlag,
    pool: CheckPool,
    checked: HashSet<Checked>,
    /// What was wrong with those that were not sound.
    bad: HashMap<Checked, String>,
    report: VerifyReport,
}

impl Verification<'_> {
    fn snapshot(&mut self, path: &SnapshotPath) -> Result<()> {
        (self.sink)(Event::Log(format!("verifying {path}")));
        let errors_before = self.error_count();
        match self.store.open_snapshot(path) {
            Ok(snapshot) => {
                self.report.snapshots += 1;
                for entry in snapshot.manifest().files().to_vec() {
                    self.file(&snapshot, &entry)?;
                }
            }
            // Gone: nothing to verify. When it was asked for by name, that is an error.
            Err(error)
                if error.kind() == ErrorKind::Vanished && self.options.snapshots.is_none() =>
            {
                return Ok(());
            }
            Err(error) if error.kind() == ErrorKind::Busy => {
                (self.sink)(Event::Warning(format!("{path} was skipped: {error}")));
                self.report.skipped.push(path.clone());
                return Ok(());
            }
            Err(error) => {
                self.report.snapshots += 1;
                self.error(path, None, None, error.to_string());
                return Ok(());
            }
        }
        self.record(path, self.error_count() == errors_before);
        Ok(())
    }

    fn file(&mut self, snapshot: &SnapshotReader, entry: &FileEntry) -> Result<()> {
        let path = snapshot.path();
        // The manifest does not list itself; opening made sure that everything else is there.
        let Some(file) = snapshot
            .file(&entry.filename)
            .filter(|_| entry.filename != MANIFEST_NAME)
        else {
            return Ok(());
        };
        if file.kind() == ArchiveKind::Blob {
            if let Err(error) = check_blob(file, entry) {
                self.error(path, Some(entry), None, error.to_string());
            }
            return Ok(());
        }
        let index = match snapshot.read_index(file) {
            Ok(index) => index,
            Err(error) => {
                self.error(path, Some(entry), None, error.to_string());
                return Ok(());
            }
        };
        if index.size() != entry.size {
            let text = format!(
                "describes {} bytes, the manifest says {}",
                index.size(),
                entry.size
            );
            self.error(path, Some(entry), None, text);
        }
        if index.checksum() != entry.csum {
            let text = format!(
                "has checksum {}, the manifest says {}",
                index.checksum(),
                entry.csum
            );
            self.error(path, Some(entry), None, text);
        }
        if let Err(error) = check_chunk_sizes(&index, file) {
            self.error(path, Some(entry), None, error.to_string());
            return Ok(());
        }
        let encrypted = entry.crypt_mode == CryptMode::Encrypt;
        let lengths: HashMap<Digest, u64> = index
            .iter()
            .map(|chunk| (chunk.digest, chunk.plain_bytes()))
            .collect();
        self.chunks(path, entry, &lengths, encrypted)
    }

    fn chunks(
        &mut self,
        path: &SnapshotPath,
        entry: &FileEntry,
        lengths: &HashMap<Digest, u64>,
        encrypted: bool,
    ) -> Result<()> {
        let mut new = Vec::new();
        for digest in lengths.keys() {
            let key = (*digest, encrypted);
            if let Some(message) = self.bad.get(&key).cloned() {
                self.error(path, Some(entry), Some(*digest), message);
            } else if !self.checked.contains(&key) {
                new.push(*digest);
            }
        }
        let chunks = self.store.chunks();
        tape_order::sort(&mut new, self.store.options().chunk_order, chunks);
        let checks = new.iter().map(|digest| ChunkCheck {
            digest: *digest,
            plain_bytes: lengths.get(digest).copied().unwrap_or(0),
            encrypted,
        });
        let (findings, bytes) = self.pool.check_all(checks)?;
        self.cancel.check()?;
        self.report.chunks += new.len() as u64;
        self.report.bytes += bytes;
        for Finding {
            digest,
            error,
            corrupt,
        } in findings
        {
            let mut message = error.to_string();
            if corrupt && self.options.set_aside_bad {
                match chunks.set_aside_bad(&digest) {
                    Ok(Some(bad)) => message += &format!("; renamed to {}", bad.display()),
                    Ok(None) => {}
                    Err(error) => message += &format!("; {error}"),
                }
            }
            self.bad.insert((digest, encrypted), message.clone());
            self.error(path, Some(entry), Some(digest), message);
        }
        let room = MOST_REMEMBERED.saturating_sub(self.checked.len());
        self.checked
            .extend(new.iter().take(room).map(|digest| (*digest, encrypted)));
        Ok(())
    }

    fn record(&self, path: &SnapshotPath, sound: bool) {
        let Some(upid) = &self.options.record_as else {
            return;
        };
        let state = json!({ "state": if sound { "ok" } else { "failed" }, "upid": upid });
        let updated = self.store.update_manifest(path, |manifest| {
            manifest.set_unprotected("verify_state", state)
        });
        if let Err(error) = updated {
            let text = format!("{path}: the result could not be stored: {error}");
            (self.sink)(Event::Warning(text));
        }
    }

    fn error_count(&self) -> u64 {
        self.report.errors.len() as u64 + self.report.more_errors
    }

    fn error(
        &mut self,
        snapshot: &SnapshotPath,
        file: Option<&FileEntry>,
        chunk: Option<Digest>,
        message: String,
    ) {
        let place = file.map_or_else(String::new, |file| format!(" {}", file.filename));
        (self.sink)(Event::Warning(format!("{snapshot}{place}: {message}")));
        if self.report.errors.len() == MOST_ERRORS {
            self.report.more_errors += 1;
            return;
        }
        self.report.errors.push(VerifyError {
            snapshot: snapshot.clone(),
            file: file.map(|file| file.filename.clone()),
            chunk,
            message,
        });
    }
}

/// Length, SHA-256, CRC, and that it decodes, as far as that is possible without a key.
fn check_blob(file: &StoredFile, entry: &FileEntry) -> Result<()> {
    let damaged = |detail: String| Error::Damaged {
        path: file.path().to_owned(),
        detail,
    };
    let bytes = file.read_all(MAX_BLOB_BYTES)?;
    if bytes.len() as u64 != entry.size {
        let (found, wanted) = (bytes.len(), entry.size);
        return Err(damaged(format!(
            "is {found} bytes long, the manifest says {wanted}"
        )));
    }
    let digest = Digest::of(&bytes);
    if digest != entry.csum {
        return Err(damaged(format!(
            "has SHA-256 {digest}, the manifest says {}",
            entry.csum
        )));
    }
    let blob = BlobRef::parse(&bytes).of(file.path())?;
    if blob.kind().is_encrypted() {
        return blob.check_crc().of(file.path());
    }
    blob.decode(None, MAX_PLAIN_BYTES)
        .of(file.path())
        .map(|_| ())
}
