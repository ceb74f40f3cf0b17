//! Restoring chosen snapshots: their files, the chunks that they lack, and their appearance in a datastore.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ferrite_datastore::{BaseLock, Store};
use ferrite_pipeline as pipeline;
use ferrite_pipeline::Installed;
use napi::Env;
use napi::bindgen_prelude::{ClassInstance, Object};
use napi_derive::napi;

use crate::catalogs::ChunkIndex;
use crate::datastore::{Datastore, StoreOptions, number, snapshot_path};
use crate::failure::{Failure, sync};
use crate::promise::on_thread;

/// A snapshot archive on the tape in the drive, and where its files go.
#[napi(object)]
pub struct StagedSnapshot {
    /// Tape file, as the catalog says.
    pub file_number: i64,
    /// Source datastore.
    pub store: String,
    /// As on tape.
    pub snapshot: String,
    /// New folder.
    pub directory: String,
}

impl TryFrom<StagedSnapshot> for pipeline::StagedSnapshot {
    type Error = Failure;

    fn try_from(staged: StagedSnapshot) -> Result<Self, Failure> {
        Ok(Self {
            file_number: u64::try_from(staged.file_number).unwrap_or(0),
            store: staged.store,
            snapshot: snapshot_path(&staged.snapshot)?,
            directory: PathBuf::from(staged.directory),
        })
    }
}

/// Snapshots of one source datastore whose chunks are looked for.
#[napi(object)]
pub struct DemandSource {
    /// Source datastore.
    pub store: String,
    /// Where they are restored to.
    pub target: StoreOptions,
    /// Their folders.
    pub directories: Vec<String>,
}

/// A chunk archive with chunks that are missing.
#[napi(object)]
pub struct DemandPlace {
    /// Tape.
    pub media_uuid: String,
    /// Tape file.
    pub file_number: i64,
    /// Chunks wanted from it.
    pub chunks: i64,
}

/// The chunks that snapshots need and their targets lack, and where the media set has them.
#[napi]
pub struct ChunkDemand {
    pub(crate) core: Arc<pipeline::ChunkDemand>,
}

#[napi]
impl ChunkDemand {
    /// Looks for every chunk of the snapshots.
    #[napi(ts_return_type = "Promise<ChunkDemand>")]
    pub fn collect<'env>(
        env: &'env Env,
        index: ClassInstance<'env, ChunkIndex>,
        sources: Vec<DemandSource>,
    ) -> napi::Result<Object<'env>> {
        let index = sync(env, index.core())?;
        on_thread(env, "chunk-demand", move || {
            let sources: Result<Vec<_>, Failure> = sources
                .into_iter()
                .map(|source| {
                    Ok(pipeline::DemandSource {
                        target: Store::open(source.target.to_core())?,
                        store: source.store,
                        directories: source.directories.into_iter().map(PathBuf::from).collect(),
                    })
                })
                .collect();
            let cancel = ferrite_datastore::CancelFlag::new();
            let demand = pipeline::ChunkDemand::collect(&index, &sources?, &cancel)?;
            Ok(Self {
                core: Arc::new(demand),
            })
        })
    }

    /// Chunk archives to read, by tape and file.
    #[napi(getter)]
    pub fn places(&self) -> Vec<DemandPlace> {
        self.core
            .places()
            .map(|(place, chunks)| DemandPlace {
                media_uuid: place.media_uuid.to_string(),
                file_number: number(place.file_number),
                chunks: number(chunks),
            })
            .collect()
    }

    /// Chunks that neither target nor media set has.
    #[napi(getter)]
    pub fn lost(&self) -> i64 {
        number(self.core.lost())
    }
}

/// What became of a staged snapshot.
#[napi(object)]
pub struct InstallOutcome {
    /// `unusable`: files or chunks are missing.
    #[napi(ts_type = "'restored' | 'existing' | 'unusable'")]
    pub status: String,
    /// Of an unusable one.
    pub reason: Option<String>,
}

/// How long garbage collection of a target is waited for.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// Keeps garbage collection away from a datastore. Released by `release`, or by the end of the process.
#[napi]
pub struct StoreLock {
    lock: Option<BaseLock>,
}

#[napi]
impl StoreLock {
    /// Gives the lock back; harmless when called again.
    #[napi]
    pub fn release(&mut self) {
        self.lock = None;
    }
}

#[napi]
impl Datastore {
    /// Keeps garbage collection away until the lock is released.
    #[napi(ts_return_type = "Promise<StoreLock>")]
    pub fn lock_for_writing<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let (store, cancel) = (sync(env, self.store())?, self.cancel.clone());
        on_thread(env, "store-lock", move || {
            let lock = store.lock_for_writing(LOCK_TIMEOUT, &cancel)?;
            Ok(StoreLock { lock: Some(lock) })
        })
    }

    /// Makes a snapshot out of a folder with its files, once its chunks are here. The folder stays.
    #[napi(ts_return_type = "Promise<InstallOutcome>")]
    pub fn install_snapshot<'env>(
        &self,
        env: &'env Env,
        directory: String,
        snapshot: String,
        owner_auth_id: String,
    ) -> napi::Result<Object<'env>> {
        let (store, cancel) = (sync(env, self.store())?, self.cancel.clone());
        on_thread(env, "store-install", move || {
            let path = snapshot_path(&snapshot)?;
            let directory = Path::new(&directory);
            let (status, reason) =
                match pipeline::install(&store, directory, &path, &owner_auth_id, &cancel)? {
                    Installed::Restored => ("restored", None),
                    Installed::Existing => ("existing", None),
                    Installed::Unusable(reason) => ("unusable", Some(reason)),
                };
            Ok(InstallOutcome {
                status: status.to_owned(),
                reason,
            })
        })
    }
}
