//! The order in which a snapshot's chunks go to tape (datastore.md 3.5 step 7).
//!
//! Index files last to first; within one by the store's [`ChunkOrder`]; each chunk once. One index at a time is in
//! memory, and only the chunks of it that are wanted.

use std::collections::HashSet;
use std::vec;

use ferrite_formats::Digest;

use crate::chunk_store::ChunkStore;
use crate::error::Result;
use crate::snapshot::SnapshotReader;
use crate::store::ChunkOrder;

/// Below this, starting threads costs more than it saves.
const PARALLEL_FROM: usize = 64;
/// They wait for the disk, not for a core. A disk reorders this many look-ups well enough.
const LOOK_UP_THREADS: usize = 8;

/// Iterator over the chunks of a snapshot in tape order. Ends after the first error.
pub struct TapeOrder<'a, F> {
    snapshot: &'a SnapshotReader,
    order: ChunkOrder,
    wanted: F,
    /// Files not visited yet, in list order; taken from the end.
    files_left: usize,
    seen: HashSet<Digest>,
    current: vec::IntoIter<Digest>,
    /// Chunks that `current` had at first.
    current_len: usize,
}

impl SnapshotReader {
    /// Every chunk that the snapshot's indexes refer to, once, in tape order. Chunks for which `wanted` answers false
    /// (those that are on tape already) are left out; it is asked once for each.
    pub fn chunks_in_tape_order<F>(&self, order: ChunkOrder, wanted: F) -> TapeOrder<'_, F>
    where
        F: FnMut(&Digest) -> bool,
    {
        TapeOrder {
            snapshot: self,
            order,
            wanted,
            files_left: self.files().len(),
            seen: HashSet::new(),
            current: Vec::new().into_iter(),
            current_len: 0,
        }
    }
}

impl<F> TapeOrder<'_, F> {
    /// Share of the snapshot's files that were passed, 0 to 1, for progress.
    pub fn share(&self) -> f64 {
        let files = self.snapshot.files().len().max(1) as f64;
        let left = self.current.len() as f64 / self.current_len.max(1) as f64;
        (1.0 - (self.files_left as f64 + left) / files).clamp(0.0, 1.0)
    }
}

impl<F: FnMut(&Digest) -> bool> TapeOrder<'_, F> {
    /// The wanted chunks of the next index; `None` after the last.
    fn next_index(&mut self) -> Result<Option<Vec<Digest>>> {
        while self.files_left > 0 {
            self.files_left -= 1;
            let file = &self.snapshot.files()[self.files_left];
            if !file.kind().is_index() {
                continue;
            }
            let index = self.snapshot.read_index(file)?;
            let mut digests = Vec::new();
            for entry in index.iter() {
                if self.seen.insert(entry.digest) && (self.wanted)(&entry.digest) {
                    digests.push(entry.digest);
                }
            }
            sort(&mut digests, self.order, self.snapshot.store().chunks());
            return Ok(Some(digests));
        }
        Ok(None)
    }
}

impl<F: FnMut(&Digest) -> bool> Iterator for TapeOrder<'_, F> {
    type Item = Result<Digest>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(digest) = self.current.next() {
                return Some(Ok(digest));
            }
            match self.next_index() {
                Ok(Some(digests)) => {
                    self.current_len = digests.len();
                    self.current = digests.into_iter();
                }
                Ok(None) => return None,
                Err(error) => {
                    self.files_left = 0;
                    return Some(Err(error));
                }
            }
        }
    }
}

pub(crate) fn sort(digests: &mut [Digest], order: ChunkOrder, chunks: &ChunkStore) {
    match order {
        ChunkOrder::Index => {}
        ChunkOrder::Digest => digests.sort_unstable(),
        ChunkOrder::Inode => {
            let mut with_inode = inodes(digests, chunks);
            // Stable, and what has no inode last: those stay in index order, and the reader says what is wrong.
            with_inode.sort_by_key(|(inode, _)| inode.unwrap_or(u64::MAX));
            for (place, (_, digest)) in digests.iter_mut().zip(with_inode) {
                *place = digest;
            }
        }
    }
}

/// One look-up each; on a cold disk that is a seek each, so several threads give the disk something to reorder.
fn inodes(digests: &[Digest], chunks: &ChunkStore) -> Vec<(Option<u64>, Digest)> {
    let look_up = |part: &[Digest]| -> Vec<_> {
        part.iter()
            .map(|digest| (chunks.inode(digest), *digest))
            .collect()
    };
    if digests.len() < PARALLEL_FROM {
        return look_up(digests);
    }
    std::thread::scope(|scope| {
        let parts: Vec<_> = digests
            .chunks(digests.len().div_ceil(LOOK_UP_THREADS))
            .map(|part| (part, scope.spawn(move || look_up(part))))
            .collect();
        parts
            .into_iter()
            // A thread that panicked leaves its part in index order.
            .flat_map(|(part, thread)| {
                thread
                    .join()
                    .unwrap_or_else(|_| part.iter().map(|digest| (None, *digest)).collect())
            })
            .collect()
    })
}
