//! Making a new catalog beside the old one.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use ferrite_formats::Digest;
use ferrite_formats::magic::MEDIA_CATALOG_1_1;
use ferrite_formats::media_catalog::{CatalogIdentity, CatalogRecord, CatalogRule, CatalogState};
use uuid::Uuid;

use super::Owner;
use crate::error::{Result, TapeError};
use crate::labels::TapeLabels;
use crate::lock::LOCK_WAIT;
use crate::temporary::Temporary;

/// Records are written out in pieces of about this size.
const SPILL_BYTES: usize = 1 << 20;

/// Where the catalog at `path` is put together: its name with the extension `tmp` (tape-format.md 7.5).
pub fn temporary_path(path: &Path) -> PathBuf {
    path.with_extension("tmp")
}

/// The temporary file for the catalog at `path`, empty, with owner and mode of a catalog (tape-format.md 7.7).
pub(crate) fn create_temporary(path: &Path, owner: Option<Owner>) -> Result<Temporary> {
    // As PBS: the process default. Without a service user nobody else has any business with it.
    let mode = if owner.is_some() { 0o666 } else { 0o600 };
    let temporary = Temporary::create(&temporary_path(path), mode, LOCK_WAIT)?;
    temporary.give_to(owner)?;
    Ok(temporary)
}

/// A catalog under construction: a locked `.tmp` file that becomes the `.log` file by [`CatalogBuilder::finish`].
///
/// Chunks are written as they come, in constant memory, and taken back when their archive turns out not to count. Dropped
/// without `finish`, it removes the temporary file; a killed process leaves one that the next builder overwrites.
#[derive(Debug)]
pub struct CatalogBuilder {
    temporary: Temporary,
    path: PathBuf,
    state: CatalogState,
    /// Bytes in the file; records after them are in `pending`.
    written: u64,
    pending: Vec<u8>,
    /// Where the open chunk archive starts, and the state before it.
    archive: Option<(u64, CatalogState)>,
    /// The chunk archive's file number and UUID.
    archive_name: (u64, Uuid),
}

impl CatalogBuilder {
    /// Starts a catalog with the records of its tape's labels. The file at `path` stays as it is until
    /// [`CatalogBuilder::finish`].
    ///
    /// # Errors
    /// [`TapeError::Io`], [`TapeError::Locked`] when another process builds the same catalog.
    pub fn create(path: &Path, labels: &TapeLabels, owner: Option<Owner>) -> Result<Self> {
        let set = labels.media_set_label.as_ref();
        let mut builder = Self {
            temporary: create_temporary(path, owner)?,
            path: path.to_owned(),
            state: CatalogState::new(CatalogIdentity::of(labels.label.uuid, set)),
            written: 0,
            pending: MEDIA_CATALOG_1_1.to_vec(),
            archive: None,
            archive_name: (0, Uuid::nil()),
        };
        builder.add(&CatalogRecord::Label {
            file_number: 0,
            uuid: labels.label.uuid,
            seq_nr: 0,
        })?;
        if let Some(set) = set {
            builder.add(&CatalogRecord::Label {
                file_number: 1,
                uuid: set.uuid,
                seq_nr: set.seq_nr,
            })?;
        }
        Ok(builder)
    }

    /// Starts a chunk archive; [`CatalogBuilder::chunk`]s follow, then [`CatalogBuilder::end_archive`] or
    /// [`CatalogBuilder::abandon_archive`].
    ///
    /// # Errors
    /// [`TapeError::CatalogRecord`], [`TapeError::Io`].
    pub fn start_archive(&mut self, file_number: u64, uuid: Uuid, store: &str) -> Result<()> {
        let before = (self.bytes(), self.state.clone());
        self.add(&CatalogRecord::ArchiveStart {
            file_number,
            uuid,
            store,
        })?;
        self.archive = Some(before);
        self.archive_name = (file_number, uuid);
        Ok(())
    }

    /// Notes a chunk that is wholly in the open archive.
    ///
    /// # Errors
    /// [`TapeError::CatalogRecord`] outside of an archive, [`TapeError::Io`].
    pub fn chunk(&mut self, digest: Digest) -> Result<()> {
        self.add(&CatalogRecord::Chunk(digest))?;
        self.spill()
    }

    /// Ends the open archive: its chunks count.
    ///
    /// # Errors
    /// [`TapeError::CatalogRecord`] outside of an archive.
    pub fn end_archive(&mut self) -> Result<()> {
        let (file_number, uuid) = self.archive_name;
        self.add(&CatalogRecord::ArchiveEnd { file_number, uuid })?;
        self.archive = None;
        Ok(())
    }

    /// Takes the open archive back, as if it had never been started. Without an open archive nothing happens.
    ///
    /// # Errors
    /// [`TapeError::Io`].
    pub fn abandon_archive(&mut self) -> Result<()> {
        let Some((start, state)) = self.archive.take() else {
            return Ok(());
        };
        self.state = state;
        if start >= self.written {
            self.pending.truncate((start - self.written) as usize);
            return Ok(());
        }
        self.pending.clear();
        self.written = start;
        let cut = self.temporary.file().set_len(start);
        cut.map_err(|error| TapeError::io("cut back", self.temporary.path(), error))
    }

    /// Notes a complete snapshot archive.
    ///
    /// # Errors
    /// [`TapeError::CatalogRecord`], [`TapeError::Io`].
    pub fn snapshot(
        &mut self,
        file_number: u64,
        uuid: Uuid,
        store: &str,
        snapshot: &str,
    ) -> Result<()> {
        self.add(&CatalogRecord::Snapshot {
            file_number,
            uuid,
            store,
            snapshot,
        })?;
        self.spill()
    }

    /// Writes everything out, makes it durable, and replaces the catalog by it.
    ///
    /// # Errors
    /// [`TapeError::CatalogRecord`] with an archive still open, [`TapeError::Io`]. The old catalog is then untouched.
    pub fn finish(mut self) -> Result<()> {
        if let Some((file_number, _)) = self.state.open_archive() {
            return Err(TapeError::record(self.temporary.path())(
                CatalogRule::Unfinished(file_number),
            ));
        }
        self.write_out()?;
        self.temporary.sync_and_rename_to(&self.path)
    }

    fn add(&mut self, record: &CatalogRecord<'_>) -> Result<()> {
        // Encoding refuses names that are too long; only then may the state change.
        let length = self.pending.len();
        let added = record
            .append_to(&mut self.pending)
            .and_then(|()| self.state.check(record));
        added.map_err(|rule| {
            self.pending.truncate(length);
            TapeError::record(self.temporary.path())(rule)
        })
    }

    fn bytes(&self) -> u64 {
        self.written + self.pending.len() as u64
    }

    fn spill(&mut self) -> Result<()> {
        if self.pending.len() < SPILL_BYTES {
            return Ok(());
        }
        self.write_out()
    }

    fn write_out(&mut self) -> Result<()> {
        self.temporary
            .file()
            .write_all_at(&self.pending, self.written)
            .map_err(|error| TapeError::io("write catalog", self.temporary.path(), error))?;
        self.written += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }
}

/// "Overwrite catalog": replaces the catalog at `path` by one that holds only the labels.
///
/// # Errors
/// [`TapeError::Io`], [`TapeError::Locked`].
pub fn overwrite_catalog(path: &Path, labels: &TapeLabels, owner: Option<Owner>) -> Result<()> {
    CatalogBuilder::create(path, labels, owner)?.finish()
}
