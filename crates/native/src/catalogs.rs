//! Media catalogs on disk, and the chunk index of a media set.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ferrite_formats::Digest;
use ferrite_formats::media_catalog::{self, CatalogIdentity};
use ferrite_tape::catalog::{cut_torn_tail, overwrite_catalog, read_catalog as read};
use ferrite_tape::{CatalogSource, ChunkIndex as CoreIndex, TapeLabels as CoreLabels};
use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use crate::datastore::number;
use crate::failure::{Failure, Kind, sync};
use crate::labels::{TapeLabels, parse_uuid};
use crate::plain::Owner;
use crate::promise::on_thread;

/// A snapshot archive that a catalog names.
#[napi(object)]
pub struct CatalogSnapshot {
    /// Source datastore.
    pub store: String,
    /// `ns/a/vm/100/2024-06-05T09:38:20Z`
    pub snapshot: String,
    /// Tape file.
    pub file_number: i64,
    /// UUID of the archive's content.
    pub uuid: String,
}

/// A chunk archive that a catalog names.
#[napi(object)]
pub struct CatalogArchive {
    /// Source datastore.
    pub store: String,
    /// Tape file.
    pub file_number: i64,
    /// UUID of the archive's content.
    pub uuid: String,
    /// Whole chunks in it.
    pub chunks: i64,
}

/// What a media catalog says.
#[napi(object)]
pub struct CatalogContent {
    /// Tape it is about; absent in an empty catalog.
    pub media_uuid: Option<String>,
    /// Media set of that tape.
    pub media_set_uuid: Option<String>,
    /// Position in the set.
    pub seq_nr: Option<i64>,
    /// In order of the tape.
    pub snapshots: Vec<CatalogSnapshot>,
    /// In order of the tape.
    pub archives: Vec<CatalogArchive>,
    /// Size of the catalog file.
    pub bytes: i64,
}

impl CatalogContent {
    /// From the structures of `formats`.
    pub fn new(content: &media_catalog::CatalogContent, bytes: u64) -> Self {
        Self {
            media_uuid: content.media_uuid.map(|uuid| uuid.to_string()),
            media_set_uuid: content.media_set.map(|(uuid, _)| uuid.to_string()),
            seq_nr: content.media_set.map(|(_, seq_nr)| number(seq_nr)),
            snapshots: content
                .snapshots
                .iter()
                .map(|snapshot| CatalogSnapshot {
                    store: snapshot.store.clone(),
                    snapshot: snapshot.snapshot.clone(),
                    file_number: number(snapshot.file_number),
                    uuid: snapshot.uuid.to_string(),
                })
                .collect(),
            archives: content
                .archives
                .iter()
                .map(|archive| CatalogArchive {
                    store: archive.store.clone(),
                    file_number: number(archive.file_number),
                    uuid: archive.uuid.to_string(),
                    chunks: number(archive.chunks),
                })
                .collect(),
            bytes: number(bytes),
        }
    }
}

/// Labels for the tape crate.
pub fn core_labels(labels: &TapeLabels) -> Result<CoreLabels, Failure> {
    Ok(CoreLabels {
        label: (&labels.label).try_into()?,
        media_set_label: labels
            .media_set_label
            .as_ref()
            .map(TryInto::try_into)
            .transpose()?,
    })
}

/// Reads `<media-uuid>.log`, checking it whole.
#[napi(ts_return_type = "Promise<CatalogContent>")]
pub fn read_catalog(env: &Env, path: String) -> napi::Result<Object<'_>> {
    on_thread(env, "catalog-read", move || {
        let summary = read(Path::new(&path), CatalogIdentity::ANY)?;
        Ok(CatalogContent::new(&summary.content, summary.bytes))
    })
}

/// Replaces a catalog by one that holds only the labels, through a temporary file and a rename.
#[napi(ts_return_type = "Promise<void>")]
pub fn create_catalog(
    env: &Env,
    path: String,
    labels: TapeLabels,
    owner: Option<Owner>,
) -> napi::Result<Object<'_>> {
    on_thread(env, "catalog-create", move || {
        overwrite_catalog(
            Path::new(&path),
            &core_labels(&labels)?,
            owner.map(Into::into),
        )?;
        Ok(())
    })
}

/// Cuts a catalog back to its last whole archive if whoever appended to it was stopped in the middle; the bytes cut off, 0 for
/// a whole catalog. What is cut off was never committed. Any other damage is an error, and nothing is changed.
#[napi(ts_return_type = "Promise<number>")]
pub fn cut_torn_catalog(env: &Env, path: String) -> napi::Result<Object<'_>> {
    on_thread(env, "catalog-cut", move || {
        Ok(number(cut_torn_tail(
            Path::new(&path),
            CatalogIdentity::ANY,
        )?))
    })
}

/// A catalog file and the tape it is about.
#[napi(object)]
pub struct CatalogFile {
    /// Tape.
    pub media_uuid: String,
    /// `<media-uuid>.log`
    pub path: String,
}

/// Where a chunk lies.
#[napi(object)]
pub struct ChunkPlace {
    /// Tape.
    pub media_uuid: String,
    /// Number of the chunk archive on it.
    pub file_number: i64,
}

/// The sorted, mapped file that says which chunks a media set holds and where.
#[napi]
pub struct ChunkIndex {
    index: Mutex<Option<Arc<CoreIndex>>>,
}

impl ChunkIndex {
    /// The index, for a thread that works with it.
    pub fn core(&self) -> Result<Arc<CoreIndex>, Failure> {
        let index = self.index.lock().ok().and_then(|index| index.clone());
        index.ok_or_else(|| Failure::new(Kind::Usage, "closed", "the chunk index is closed"))
    }
}

#[napi]
impl ChunkIndex {
    /// Opens the index at `path` for these catalogs, in order of their sequence numbers; builds it first where it is missing,
    /// damaged or older than one of them.
    #[napi(ts_return_type = "Promise<ChunkIndex>")]
    pub fn build(env: &Env, path: String, catalogs: Vec<CatalogFile>) -> napi::Result<Object<'_>> {
        on_thread(env, "chunk-index", move || {
            let sources: Result<Vec<CatalogSource>, Failure> = catalogs
                .iter()
                .map(|catalog| {
                    let uuid = parse_uuid("media uuid", &catalog.media_uuid)?;
                    Ok(CatalogSource::new(uuid, PathBuf::from(&catalog.path)))
                })
                .collect();
            let index = CoreIndex::open_or_build(Path::new(&path), &sources?)?;
            Ok(Self {
                index: Mutex::new(Some(Arc::new(index))),
            })
        })
    }

    /// Records in the index.
    #[napi(getter)]
    pub fn chunks(&self, env: &Env) -> napi::Result<i64> {
        sync(env, self.core().map(|index| number(index.chunks())))
    }

    /// Where the set holds this chunk of a datastore; null where it does not.
    #[napi]
    pub fn lookup(
        &self,
        env: &Env,
        store: String,
        digest: String,
    ) -> napi::Result<Option<ChunkPlace>> {
        let lookup = || {
            let digest: Digest = digest.parse().map_err(|error| {
                Failure::new(
                    Kind::Usage,
                    "digest",
                    format!("chunk digest '{digest}': {error}"),
                )
            })?;
            Ok(self
                .core()?
                .lookup(&store, &digest)
                .map(|place| ChunkPlace {
                    media_uuid: place.media_uuid.to_string(),
                    file_number: number(place.file_number),
                }))
        };
        sync(env, lookup())
    }

    /// Unmaps the file once nothing works with it any more.
    #[napi]
    pub fn close(&self) {
        if let Ok(mut index) = self.index.lock() {
            *index = None;
        }
    }
}
