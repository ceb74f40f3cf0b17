//! Collects new records until they are committed (tape-format.md 7.4).

use uuid::Uuid;

use super::record::FILE_MAGIC;
use super::{CatalogIdentity, CatalogRecord, CatalogRule, CatalogState};
use crate::digest::Digest;

/// New records of one catalog file, checked, encoded and waiting to be appended with one write.
///
/// The caller writes [`Self::pending`] at the end of the file, syncs it, and calls [`Self::committed`].
#[derive(Debug, Clone)]
pub struct CatalogWriter {
    state: CatalogState,
    pending: Vec<u8>,
}

impl CatalogWriter {
    /// For a new or empty file: the magic goes in front of the first record.
    pub fn create(identity: CatalogIdentity) -> Self {
        Self {
            state: CatalogState::new(identity),
            pending: FILE_MAGIC.to_vec(),
        }
    }

    /// Goes on behind a file of `file_len` bytes that [`super::load`] has read to its end.
    pub fn resume(state: CatalogState, file_len: u64) -> Self {
        let pending = if file_len == 0 {
            FILE_MAGIC.to_vec()
        } else {
            Vec::new()
        };
        Self { state, pending }
    }

    /// What the records so far amount to.
    pub fn state(&self) -> &CatalogState {
        &self.state
    }

    /// Adds any record.
    ///
    /// # Errors
    /// The broken rule; then nothing is added.
    pub fn push(&mut self, record: &CatalogRecord<'_>) -> Result<(), CatalogRule> {
        // The state changes only on success of both; encoding fails before it appends anything.
        let mut state = self.state.clone();
        state.check(record)?;
        record.append_to(&mut self.pending)?;
        self.state = state;
        Ok(())
    }

    /// Adds the record of file 0.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn media_label(&mut self, media_uuid: Uuid) -> Result<(), CatalogRule> {
        self.push(&CatalogRecord::Label {
            file_number: 0,
            uuid: media_uuid,
            seq_nr: 0,
        })
    }

    /// Adds the record of file 1.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn media_set_label(&mut self, set_uuid: Uuid, seq_nr: u64) -> Result<(), CatalogRule> {
        self.push(&CatalogRecord::Label {
            file_number: 1,
            uuid: set_uuid,
            seq_nr,
        })
    }

    /// Adds a whole chunk archive, which may hold no whole chunk.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn chunk_archive(
        &mut self,
        file_number: u64,
        uuid: Uuid,
        store: &str,
        chunks: impl IntoIterator<Item = Digest>,
    ) -> Result<(), CatalogRule> {
        self.push(&CatalogRecord::ArchiveStart {
            file_number,
            uuid,
            store,
        })?;
        for digest in chunks {
            CatalogRecord::Chunk(digest).append_to(&mut self.pending)?;
        }
        self.push(&CatalogRecord::ArchiveEnd { file_number, uuid })
    }

    /// Adds a complete snapshot archive.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn snapshot(
        &mut self,
        file_number: u64,
        uuid: Uuid,
        store: &str,
        snapshot: &str,
    ) -> Result<(), CatalogRule> {
        self.push(&CatalogRecord::Snapshot {
            file_number,
            uuid,
            store,
            snapshot,
        })
    }

    /// Bytes to be appended to the file; empty when there is nothing new. A new catalog always gets its magic.
    ///
    /// # Errors
    /// [`CatalogRule::Unfinished`] inside a chunk archive.
    pub fn pending(&self) -> Result<&[u8], CatalogRule> {
        match self.state.open_archive() {
            Some((file_number, _)) => Err(CatalogRule::Unfinished(file_number)),
            None => Ok(&self.pending),
        }
    }

    /// Number of bytes waiting, to decide whether a commit is due.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The pending bytes are safely in the file.
    pub fn committed(&mut self) {
        self.pending.clear();
    }
}
