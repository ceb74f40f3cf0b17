//! Appending to the catalog of the tape that a job writes to.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use ferrite_formats::Digest;
use ferrite_formats::media_catalog::{CatalogIdentity, CatalogWriter};
use uuid::Uuid;

use super::CatalogFile;
use crate::error::{Result, TapeError};
use crate::lock::{LOCK_WAIT, lock_exclusive, unlock};

/// More pending bytes than this are worth a commit between two archives (tape-format.md 7.4).
pub const COMMIT_THRESHOLD_BYTES: usize = 1 << 20;

/// The catalog of one tape, open for appending.
///
/// Records are collected in memory and reach the file only by [`MediaCatalog::commit`]. The order that keeps the catalog
/// true is the caller's: first sync the tape, then commit. What was registered and not committed is lost when this is
/// dropped, as it is in a crash, and the tape then holds archives that no catalog names: harmless.
#[derive(Debug)]
pub struct MediaCatalog {
    file: File,
    path: PathBuf,
    /// Length of the file as far as this process knows.
    bytes: u64,
    writer: CatalogWriter,
}

impl MediaCatalog {
    /// Opens the catalog at `path` and checks it whole. An empty file is a catalog without records.
    ///
    /// # Errors
    /// [`TapeError::Catalog`] when any record breaks a rule, the catalog belongs to another tape or set, or its last
    /// commit was cut off: nothing is repaired, the message says how to get a good one. [`TapeError::Io`] (also when it
    /// does not exist), [`TapeError::Locked`].
    pub fn open(path: &Path, identity: CatalogIdentity) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|error| TapeError::io("open catalog", path, error))?;
        let catalog = CatalogFile::lock(file, path, identity)?;
        let state = catalog.for_each(|_, _| Ok(()))?;
        catalog.unlock()?;
        let bytes = catalog.bytes();
        Ok(Self {
            file: catalog.into_file(),
            path: path.to_owned(),
            bytes,
            writer: CatalogWriter::resume(state, bytes),
        })
    }

    /// Notes a chunk archive that was written and closed, with the chunks that are wholly in it (possibly none).
    ///
    /// # Errors
    /// [`TapeError::CatalogRecord`] when the record breaks a rule; nothing is noted then.
    pub fn register_chunk_archive(
        &mut self,
        file_number: u64,
        uuid: Uuid,
        store: &str,
        chunks: impl IntoIterator<Item = Digest>,
    ) -> Result<()> {
        self.writer
            .chunk_archive(file_number, uuid, store, chunks)
            .map_err(TapeError::record(&self.path))
    }

    /// Notes a snapshot archive that was written completely. `snapshot` is in tape form (tape-format.md 6.1).
    ///
    /// # Errors
    /// [`TapeError::CatalogRecord`] when the record breaks a rule; nothing is noted then.
    pub fn register_snapshot(
        &mut self,
        file_number: u64,
        uuid: Uuid,
        store: &str,
        snapshot: &str,
    ) -> Result<()> {
        self.writer
            .snapshot(file_number, uuid, store, snapshot)
            .map_err(TapeError::record(&self.path))
    }

    /// Bytes of records that are not in the file yet.
    pub fn pending_bytes(&self) -> usize {
        self.writer.pending_len()
    }

    /// Path of the catalog file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends all pending records with one write and makes them durable.
    ///
    /// # Errors
    /// [`TapeError::Io`]: the file is cut back to what it was before, as far as the system lets us, and the records stay
    /// pending. [`TapeError::CatalogChanged`] when somebody else wrote to or replaced the file meanwhile.
    pub fn commit(&mut self) -> Result<()> {
        let pending = self
            .writer
            .pending()
            .map_err(TapeError::record(&self.path))?;
        if pending.is_empty() {
            return Ok(());
        }
        lock_exclusive(&self.file, &self.path, LOCK_WAIT)?;
        let appended = self.check_unchanged().and_then(|()| self.append(pending));
        let unlocked = unlock(&self.file, &self.path);
        appended?;
        self.bytes += pending.len() as u64;
        self.writer.committed();
        unlocked
    }

    /// Commits when more than [`COMMIT_THRESHOLD_BYTES`] are pending. To be called between archives.
    ///
    /// # Errors
    /// As [`MediaCatalog::commit`].
    pub fn commit_if_large(&mut self) -> Result<()> {
        if self.pending_bytes() > COMMIT_THRESHOLD_BYTES {
            return self.commit();
        }
        Ok(())
    }

    fn append(&self, pending: &[u8]) -> Result<()> {
        let written = self
            .file
            .write_all_at(pending, self.bytes)
            .and_then(|()| self.file.sync_data());
        written.map_err(|error| {
            // Without this a disk that fills up in the middle of a write would leave a torn, unusable catalog.
            let _ = self.file.set_len(self.bytes);
            TapeError::io("write catalog", &self.path, error)
        })
    }

    /// The media-set lock keeps other jobs away; this notices whoever does not take it.
    fn check_unchanged(&self) -> Result<()> {
        let failed = |error| TapeError::io("check catalog", &self.path, error);
        let open = self.file.metadata().map_err(failed)?;
        let named = std::fs::metadata(&self.path).map_err(failed)?;
        let changed = |reason| TapeError::CatalogChanged {
            path: self.path.clone(),
            reason,
        };
        if (open.dev(), open.ino()) != (named.dev(), named.ino()) {
            return Err(changed(
                "was replaced by another process while this one was writing to the tape",
            ));
        }
        if open.len() != self.bytes {
            return Err(changed(
                "was written to by another process while this one was writing to the tape",
            ));
        }
        Ok(())
    }
}
