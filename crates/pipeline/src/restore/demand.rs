//! Which chunks are missing for some snapshots, and where on the tapes of a media set they are.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ferrite_datastore::{CancelFlag, Error as StoreError, MAX_INDEX_BYTES, Store};
use ferrite_formats::Digest;
use ferrite_formats::archive_name::{MANIFEST_NAME, check_archive_name};
use ferrite_formats::index::Index;
use ferrite_tape::ChunkIndex;
use uuid::Uuid;

use crate::error::{PipelineError, Result};

/// Snapshots of one source datastore, in folders as [`stage`](super::stage()) makes them.
#[derive(Clone, Debug)]
pub struct DemandSource {
    /// Source datastore.
    pub store: String,
    /// Where they are restored to.
    pub target: Store,
    /// Their folders.
    pub directories: Vec<PathBuf>,
}

/// A chunk archive with chunks that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DemandPlace {
    /// Tape.
    pub media_uuid: Uuid,
    /// Tape file.
    pub file_number: u64,
}

/// The chunks that snapshots need and their targets lack.
#[derive(Clone, Debug, Default)]
pub struct ChunkDemand {
    /// By source datastore.
    wanted: BTreeMap<String, HashMap<Digest, DemandPlace>>,
    counts: BTreeMap<DemandPlace, u64>,
    lost: u64,
}

impl ChunkDemand {
    /// Looks for every chunk of the staged snapshots in its target and, if it is not there, in the media set.
    ///
    /// # Errors
    /// An index that cannot be read; errors of the datastores; [`PipelineError::Cancelled`].
    pub fn collect(
        index: &ChunkIndex,
        sources: &[DemandSource],
        cancel: &CancelFlag,
    ) -> Result<Self> {
        let mut demand = Self::default();
        for source in sources {
            let mut seen = HashSet::new();
            for directory in &source.directories {
                for path in index_files(directory)? {
                    demand.add(index, source, &path, &mut seen, cancel)?;
                }
            }
        }
        Ok(demand)
    }

    fn add(
        &mut self,
        index: &ChunkIndex,
        source: &DemandSource,
        path: &Path,
        seen: &mut HashSet<Digest>,
        cancel: &CancelFlag,
    ) -> Result<()> {
        let wanted = self.wanted.entry(source.store.clone()).or_default();
        for entry in read_index(path)?.iter() {
            if !seen.insert(entry.digest) {
                continue;
            }
            if cancel.is_cancelled() {
                return Err(PipelineError::Cancelled);
            }
            if source.target.chunks().touch_if_present(&entry.digest)? {
                continue;
            }
            match index.lookup(&source.store, &entry.digest) {
                Some(found) => {
                    let place = DemandPlace {
                        media_uuid: found.media_uuid,
                        file_number: found.file_number,
                    };
                    wanted.insert(entry.digest, place);
                    *self.counts.entry(place).or_default() += 1;
                }
                None => self.lost += 1,
            }
        }
        Ok(())
    }

    /// Chunk archives to read and how many of their chunks are wanted, by tape and file.
    pub fn places(&self) -> impl Iterator<Item = (DemandPlace, u64)> {
        self.counts.iter().map(|(place, count)| (*place, *count))
    }

    /// Chunks that neither the target nor the media set has.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// How many chunks are wanted from a tape file.
    pub(super) fn count(&self, place: DemandPlace) -> u64 {
        self.counts.get(&place).copied().unwrap_or(0)
    }

    /// Is this chunk wanted from this place?
    pub(super) fn wants(&self, store: &str, digest: &Digest, place: DemandPlace) -> bool {
        let chunks = self.wanted.get(store);
        chunks.and_then(|chunks| chunks.get(digest)) == Some(&place)
    }
}

fn index_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let failed = |source| read_error(directory, source);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let text = name.to_string_lossy();
        if text != MANIFEST_NAME && check_archive_name(&text).is_ok_and(|kind| kind.is_index()) {
            files.push(directory.join(&name));
        }
    }
    files.sort();
    Ok(files)
}

fn read_index(path: &Path) -> Result<Index> {
    let mut content = Vec::new();
    let length = File::open(path)
        .and_then(|file| file.take(MAX_INDEX_BYTES + 1).read_to_end(&mut content))
        .map_err(|source| read_error(path, source))?;
    if length as u64 > MAX_INDEX_BYTES {
        return Err(StoreError::Damaged {
            path: path.to_owned(),
            detail: format!("is longer than {MAX_INDEX_BYTES} bytes"),
        }
        .into());
    }
    let name = path.file_name().map(|name| name.to_string_lossy());
    Index::parse(&name.unwrap_or_default(), content).map_err(|source| {
        StoreError::Format {
            path: path.to_owned(),
            source,
        }
        .into()
    })
}

fn read_error(path: &Path, source: std::io::Error) -> PipelineError {
    StoreError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    }
    .into()
}
