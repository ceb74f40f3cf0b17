//! What a catalog says, without the chunks: for listings.

use std::collections::HashMap;

use uuid::Uuid;

use super::{CatalogError, CatalogIdentity, CatalogRecord, CatalogState, load};

/// A snapshot archive on the tape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogSnapshot {
    /// Datastore it was read from.
    pub store: String,
    /// `[ns/<name>/]*<type>/<id>/<time>`.
    pub snapshot: String,
    /// Tape file.
    pub file_number: u64,
    /// UUID in the content header of that file.
    pub uuid: Uuid,
}

/// A chunk archive on the tape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogArchive {
    /// Datastore its chunks were read from.
    pub store: String,
    /// Tape file.
    pub file_number: u64,
    /// UUID in the content header of that file.
    pub uuid: Uuid,
    /// Whole chunks in it.
    pub chunks: u64,
}

/// What a catalog says about its tape.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CatalogContent {
    /// Media UUID; `None` for a file without records.
    pub media_uuid: Option<Uuid>,
    /// Media-set UUID and position in the set.
    pub media_set: Option<(Uuid, u64)>,
    /// Snapshots in tape order. One that stands twice counts with its later file, at that place.
    pub snapshots: Vec<CatalogSnapshot>,
    /// Chunk archives in tape order.
    pub archives: Vec<CatalogArchive>,
    /// The last chunk archive has no end: the catalog can be read but not continued.
    pub unfinished: bool,
}

impl CatalogContent {
    /// Reads a whole catalog file, strictly.
    ///
    /// # Errors
    /// As [`load`].
    pub fn parse(bytes: &[u8], identity: CatalogIdentity) -> Result<Self, CatalogError> {
        let mut content = Self::default();
        let state = load(bytes, identity, |_, record| content.add(&record))?;
        content.finish(&state);
        Ok(content)
    }

    /// Chunk records in all archives.
    pub fn chunks(&self) -> u64 {
        self.archives.iter().map(|archive| archive.chunks).sum()
    }

    /// Takes the next record, for whoever reads a catalog in pieces. [`Self::finish`] ends it.
    #[inline]
    pub fn add(&mut self, record: &CatalogRecord<'_>) {
        match *record {
            CatalogRecord::Chunk(_) => {
                if let Some(archive) = self.archives.last_mut() {
                    archive.chunks += 1;
                }
            }
            CatalogRecord::Label {
                file_number: 0,
                uuid,
                ..
            } => self.media_uuid = Some(uuid),
            CatalogRecord::Label { uuid, seq_nr, .. } => self.media_set = Some((uuid, seq_nr)),
            CatalogRecord::ArchiveStart {
                file_number,
                uuid,
                store,
            } => self.archives.push(CatalogArchive {
                store: store.to_owned(),
                file_number,
                uuid,
                chunks: 0,
            }),
            CatalogRecord::ArchiveEnd { .. } => {}
            CatalogRecord::Snapshot {
                file_number,
                uuid,
                store,
                snapshot,
            } => self.snapshots.push(CatalogSnapshot {
                store: store.to_owned(),
                snapshot: snapshot.to_owned(),
                file_number,
                uuid,
            }),
        }
    }

    /// All records were added; `state` is what they amount to.
    pub fn finish(&mut self, state: &CatalogState) {
        self.unfinished = state.open_archive().is_some();
        self.keep_last_snapshots();
    }

    fn keep_last_snapshots(&mut self) {
        let mut last = HashMap::new();
        for entry in &self.snapshots {
            last.insert(
                (entry.store.clone(), entry.snapshot.clone()),
                entry.file_number,
            );
        }
        if last.len() < self.snapshots.len() {
            // File numbers strictly ascend, so each names one record.
            self.snapshots.retain(|entry| {
                last.get(&(entry.store.clone(), entry.snapshot.clone())) == Some(&entry.file_number)
            });
        }
    }
}
