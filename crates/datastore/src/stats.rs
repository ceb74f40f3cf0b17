//! How much is in a store.

use ferrite_formats::archive_name::ArchiveKind;

use crate::chunk_store::ChunkTotals;
use crate::error::{Error, Result};
use crate::listing::ListOptions;
use crate::progress::CancelFlag;
use crate::store::Store;

/// Size of a store, before and after deduplication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Chunk files.
    pub chunks: u64,
    /// Bytes of the chunk files.
    pub chunk_bytes: u64,
    /// Bytes that all indexes of all finished snapshots describe: what the store would hold without deduplication and
    /// compression.
    pub index_bytes: u64,
}

impl Store {
    /// Counts. Looks at every chunk file's directory entry, so it takes a while on a large store.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Aborted`].
    pub fn stats(&self, cancel: &CancelFlag) -> Result<StoreStats> {
        let ChunkTotals {
            chunks,
            chunk_bytes,
        } = self.chunks().count(cancel)?;
        let mut index_bytes: u64 = 0;
        for snapshot in self.list(&ListOptions::default())?.snapshots {
            cancel.check()?;
            if !snapshot.finished {
                continue;
            }
            // What vanished, is locked or damaged is not counted; verification says what is wrong with it.
            let manifest = match self.read_manifest(&snapshot.path) {
                Ok(manifest) => manifest,
                Err(Error::Io { .. } | Error::Format { .. } | Error::Damaged { .. }) => continue,
                Err(error) => return Err(error),
            };
            for file in manifest.files() {
                if file.kind().is_ok_and(ArchiveKind::is_index) {
                    index_bytes = index_bytes.saturating_add(file.size);
                }
            }
        }
        Ok(StoreStats {
            chunks,
            chunk_bytes,
            index_bytes,
        })
    }
}
