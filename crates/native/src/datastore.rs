//! A datastore, for listing, import, extraction and verification.

use std::sync::Mutex;

use ferrite_datastore::{
    ActiveOperation, CancelFlag, ChunkOrder, Event, ListOptions, Operation, Store, SyncLevel,
};
use ferrite_formats::manifest::FileEntry;
use ferrite_formats::{Namespace, SnapshotPath};
use napi::bindgen_prelude::{Function, Object};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;

use crate::failure::{Failure, Kind, sync};
use crate::plain::Owner;
use crate::promise::on_thread;

/// Order of chunks within an index.
#[napi(string_enum = "lowercase")]
pub enum ChunkOrderOption {
    /// By inode number of the chunk file.
    Inode,
    /// As in the index.
    None,
}

/// When written chunks are forced to disk.
#[napi(string_enum = "lowercase")]
pub enum SyncLevelOption {
    /// Never.
    None,
    /// Each chunk.
    File,
    /// Once, when the work is done.
    Filesystem,
}

/// What a datastore is opened for; PBS does not delete a store that is in use.
#[napi(string_enum = "lowercase")]
pub enum StoreUse {
    /// Snapshots are read.
    Read,
    /// Snapshots are added.
    Write,
}

/// Where a datastore is and how to use it.
#[napi(object)]
pub struct StoreOptions {
    /// Name in datastore.cfg; locks are called by it.
    pub name: String,
    /// Base directory.
    pub path: String,
    /// `<root>/run/proxmox-backup`: locks and active operations lie below it.
    pub run_dir: String,
    /// Owner of what is created; the process's user where not given.
    pub owner: Option<Owner>,
    /// Default `inode`.
    pub chunk_order: Option<ChunkOrderOption>,
    /// Default `filesystem`.
    pub sync_level: Option<SyncLevelOption>,
    /// Counted as active until the datastore is closed.
    pub use_for: Option<StoreUse>,
}

impl StoreOptions {
    /// The options of the datastore crate.
    pub fn to_core(&self) -> ferrite_datastore::StoreOptions {
        let mut core = ferrite_datastore::StoreOptions::new(&self.name, &self.path, &self.run_dir);
        core.owner = self.owner.map(Into::into);
        core.chunk_order = match self.chunk_order {
            Some(ChunkOrderOption::None) => ChunkOrder::Index,
            Some(ChunkOrderOption::Inode) | None => ChunkOrder::Inode,
        };
        core.sync_level = match self.sync_level {
            Some(SyncLevelOption::None) => SyncLevel::None,
            Some(SyncLevelOption::File) => SyncLevel::File,
            Some(SyncLevelOption::Filesystem) | None => SyncLevel::Filesystem,
        };
        core
    }
}

/// Which part of a datastore to list.
#[napi(object)]
pub struct ListRequest {
    /// Namespace to start at, `a/b`; root where not given.
    pub ns: Option<String>,
    /// Levels below it; all where not given.
    pub max_depth: Option<u32>,
}

/// A snapshot as found.
#[napi(object)]
pub struct SnapshotInfo {
    /// `a/b`; empty for root.
    pub ns: String,
    /// `vm`, `ct` or `host`.
    pub backup_type: String,
    /// Id within its type.
    pub backup_id: String,
    /// Epoch seconds.
    pub backup_time: i64,
    /// As on tape: `ns/a/ns/b/vm/100/2024-06-05T09:38:20Z`.
    pub path: String,
    /// It has a manifest.
    pub finished: bool,
    /// It may not be removed.
    pub protected: bool,
    /// Owner of its group, where readable.
    pub owner: Option<String>,
}

/// A listing, with what was not as it should be.
#[napi(object)]
pub struct StoreListing {
    /// In the order of a tape backup.
    pub snapshots: Vec<SnapshotInfo>,
    /// For warnings.
    pub problems: Vec<String>,
}

/// A file of a snapshot as its manifest lists it.
#[napi(object)]
pub struct SnapshotFile {
    /// `root.pxar.didx`
    pub filename: String,
    /// `none`, `encrypt` or `sign-only`.
    pub crypt_mode: String,
    /// Stream size of an index, file size of a blob, in bytes.
    pub size: i64,
    /// 64 hex digits.
    pub csum: String,
}

/// What happens while a datastore works.
#[napi(object)]
pub struct StoreEvent {
    /// `progress`, `warning` or `log`.
    pub kind: String,
    /// Of a warning or a log line.
    pub message: Option<String>,
    /// Bytes handled so far.
    pub bytes: Option<i64>,
    /// Bytes to handle, where known.
    pub total: Option<i64>,
    /// File or snapshot at hand.
    pub item: Option<String>,
}

/// A callback that store threads call.
pub type StoreListener = ThreadsafeFunction<StoreEvent, (), StoreEvent, Status, false>;

/// Makes the callback callable from other threads.
pub fn listener(
    callback: Option<Function<'_, StoreEvent, ()>>,
) -> napi::Result<Option<StoreListener>> {
    callback
        .map(|callback| {
            callback
                .build_threadsafe_function()
                .callee_handled::<false>()
                .build()
        })
        .transpose()
}

/// Bytes as a JavaScript number; 2^53 bytes are 9 PB.
pub fn number(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

impl From<Event> for StoreEvent {
    fn from(event: Event) -> Self {
        let text = |kind: &str, message: String| Self {
            kind: kind.to_owned(),
            message: Some(message),
            bytes: None,
            total: None,
            item: None,
        };
        match event {
            Event::Progress { bytes, total, item } => Self {
                kind: "progress".to_owned(),
                message: None,
                bytes: Some(number(bytes)),
                total: total.map(number),
                item,
            },
            Event::Warning(message) => text("warning", message),
            Event::Log(message) => text("log", message),
        }
    }
}

/// The sink that store functions take.
pub fn sink(listener: Option<StoreListener>) -> impl Fn(Event) + Sync {
    move |event| {
        if let Some(listener) = &listener {
            listener.call(event.into(), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

/// A snapshot path that a caller named.
pub fn snapshot_path(text: &str) -> Result<SnapshotPath, Failure> {
    text.parse().map_err(|error| {
        Failure::new(
            Kind::Usage,
            "snapshot-path",
            format!("snapshot '{text}': {error}"),
        )
    })
}

/// An open datastore.
#[napi]
pub struct Datastore {
    name: String,
    path: String,
    pub(crate) cancel: CancelFlag,
    /// Gone when it is closed: an open directory keeps its file system from being unmounted.
    open: Mutex<Option<OpenStore>>,
}

struct OpenStore {
    store: Store,
    _active: Option<ActiveOperation>,
}

impl Datastore {
    fn new(store: Store, use_for: Option<StoreUse>) -> Result<Self, Failure> {
        let operation = use_for.map(|use_for| match use_for {
            StoreUse::Read => Operation::Read,
            StoreUse::Write => Operation::Write,
        });
        let active = operation
            .map(|operation| store.begin(operation))
            .transpose()?;
        Ok(Self {
            name: store.name().to_owned(),
            path: store.path().display().to_string(),
            cancel: CancelFlag::new(),
            open: Mutex::new(Some(OpenStore {
                store,
                _active: active,
            })),
        })
    }

    /// The store, for a thread that works with it.
    pub(crate) fn store(&self) -> Result<Store, Failure> {
        let store = self
            .open
            .lock()
            .ok()
            .and_then(|open| Some(open.as_ref()?.store.clone()));
        store.ok_or_else(|| {
            Failure::new(
                Kind::Usage,
                "closed",
                format!("datastore '{}' is closed", self.name),
            )
        })
    }
}

#[napi]
impl Datastore {
    /// Makes a datastore (`.chunks` with its 65,536 folders, `.lock`), or adopts the one that is there without altering it.
    #[napi(ts_return_type = "Promise<Datastore>")]
    pub fn create<'env>(env: &'env Env, options: StoreOptions) -> napi::Result<Object<'env>> {
        on_thread(env, "store-create", move || {
            Self::new(
                Store::create(options.to_core(), &CancelFlag::new())?,
                options.use_for,
            )
        })
    }

    /// Opens an existing datastore.
    #[napi(ts_return_type = "Promise<Datastore>")]
    pub fn open<'env>(env: &'env Env, options: StoreOptions) -> napi::Result<Object<'env>> {
        on_thread(env, "store-open", move || {
            Self::new(Store::open(options.to_core())?, options.use_for)
        })
    }

    /// Name in datastore.cfg.
    #[napi(getter)]
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// Base directory.
    #[napi(getter)]
    pub fn path(&self) -> String {
        self.path.clone()
    }

    /// Snapshots in the order of a tape backup: groups by type and id over all namespaces, the oldest of each first.
    #[napi(ts_return_type = "Promise<StoreListing>")]
    pub fn list_snapshots<'env>(
        &self,
        env: &'env Env,
        request: ListRequest,
    ) -> napi::Result<Object<'env>> {
        let store = sync(env, self.store())?;
        on_thread(env, "store-list", move || {
            let options = ListOptions {
                namespace: namespace(request.ns.as_deref().unwrap_or(""))?,
                max_depth: request.max_depth.map(|depth| depth as usize),
            };
            let listing = store.list(&options)?;
            Ok(StoreListing {
                snapshots: listing.snapshots.iter().map(SnapshotInfo::from).collect(),
                problems: listing.problems,
            })
        })
    }

    /// Files of a snapshot as its manifest lists them.
    #[napi(ts_return_type = "Promise<Array<SnapshotFile>>")]
    pub fn snapshot_files<'env>(
        &self,
        env: &'env Env,
        snapshot: String,
    ) -> napi::Result<Object<'env>> {
        let store = sync(env, self.store())?;
        on_thread(env, "store-files", move || {
            let reader = store.open_snapshot(&snapshot_path(&snapshot)?)?;
            Ok(reader
                .manifest()
                .files()
                .iter()
                .map(SnapshotFile::from)
                .collect::<Vec<_>>())
        })
    }

    /// Stops what runs on this datastore at its next look.
    #[napi]
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Ends the use of the datastore; it counts as active no more.
    #[napi]
    pub fn close(&self) {
        if let Ok(mut open) = self.open.lock() {
            *open = None;
        }
    }
}

/// A namespace that a caller named.
pub fn namespace(text: &str) -> Result<Namespace, Failure> {
    text.parse().map_err(|error| {
        Failure::new(
            Kind::Usage,
            "namespace",
            format!("namespace '{text}': {error}"),
        )
    })
}

impl From<&ferrite_datastore::SnapshotInfo> for SnapshotInfo {
    fn from(from: &ferrite_datastore::SnapshotInfo) -> Self {
        let group = from.path.group();
        Self {
            ns: from.path.namespace().to_string(),
            backup_type: group.ty().to_string(),
            backup_id: group.id().to_owned(),
            backup_time: from.path.time(),
            path: from.path.to_string(),
            finished: from.finished,
            protected: from.protected,
            owner: from.owner.clone(),
        }
    }
}

impl From<&FileEntry> for SnapshotFile {
    fn from(from: &FileEntry) -> Self {
        Self {
            filename: from.filename.clone(),
            crypt_mode: from.crypt_mode.to_string(),
            size: number(from.size),
            csum: from.csum.to_string(),
        }
    }
}
