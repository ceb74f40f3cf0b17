//! What one media set holds for one datastore, while a backup adds to it.

use std::collections::HashSet;
use std::sync::Arc;

use ferrite_formats::Digest;

use super::{ChunkIndex, StoreId};

/// The chunks a media set holds for one source datastore: the mapped index of what was there before, and the digests
/// written since.
///
/// Deduplication never crosses datastores (tape-format.md 5.3), so one of these belongs to exactly one store. Memory
/// grows only with the new chunks (about 50 bytes each).
#[derive(Debug, Default)]
pub struct SetIndex {
    base: Option<(Arc<ChunkIndex>, StoreId)>,
    written: HashSet<Digest>,
}

impl SetIndex {
    /// The chunks of `store` in `base`; `None` when the set holds nothing yet.
    pub fn new(base: Option<Arc<ChunkIndex>>, store: &str) -> Self {
        Self {
            base: base.and_then(|index| index.store(store).map(|id| (index, id))),
            written: HashSet::new(),
        }
    }

    /// Whether the set already has this chunk.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.written.contains(digest)
            || self
                .base
                .as_ref()
                .is_some_and(|(index, store)| index.contains(*store, digest))
    }

    /// Notes a chunk as written. Returns whether it is new to the set.
    pub fn insert(&mut self, digest: Digest) -> bool {
        !self.contains(&digest) && self.written.insert(digest)
    }

    /// Chunks written since the index was opened.
    pub fn written(&self) -> usize {
        self.written.len()
    }
}
