//! Putting a directory tree, a disk image or a file into a store, as a valid snapshot.
//!
//! One thread walks and reads; a pool of threads hashes, compresses and inserts. Nothing shows in the store before the
//! manifest is renamed into place, last. Chunks of a failed import stay until garbage collection: they may be shared with
//! others already.

mod blob_file;
mod chunk_pool;
mod exclude;
mod image;
pub(crate) mod metadata;
mod pseudo_fs;
mod stream;
mod tree;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ferrite_formats::archive_name::{ArchiveKind, CLIENT_LOG_NAME, MANIFEST_NAME};
use ferrite_formats::dynamic_index::DynamicIndexBuilder;
use ferrite_formats::fixed_index::{DEFAULT_CHUNK_BYTES, FixedIndexBuilder};
use ferrite_formats::manifest::{CryptMode, FileEntry, Manifest};
use ferrite_formats::snapshot_path::is_safe_id;
use ferrite_formats::{BackupGroup, Namespace};

use self::chunk_pool::{ChunkPool, PoolState, StreamChunks};
use self::exclude::Excludes;
use self::tree::{CATALOG_NAME, TreeCatalog};
use crate::active_operations::Operation;
use crate::error::{Error, FormatContext, IoContext, Result};
use crate::locks::BaseLock;
use crate::progress::{CancelFlag, Event, EventSink, Progress};
use crate::snapshot_writer::SnapshotWriter;
use crate::store::Store;
use crate::warnings::Warnings;

/// How long garbage collection is waited for.
const BASE_LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// What an item becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportKind {
    /// A directory tree: `<name>.pxar.didx`.
    Tree,
    /// A disk image, a file or a block device: `<name>.img.fidx`.
    Image,
    /// A small file as a whole: `<name>.blob`.
    Blob,
}

/// One archive of the new snapshot.
#[derive(Debug, Clone)]
pub struct ImportItem {
    /// What it becomes.
    pub kind: ImportKind,
    /// Name without the extensions that [`ImportKind`] gives it; a safe id.
    pub name: String,
    /// The directory or file.
    pub source: PathBuf,
}

/// What to put into a store.
#[derive(Debug, Clone)]
pub struct ImportPlan {
    /// Group of the new snapshot.
    pub group: BackupGroup,
    /// Its namespace; made if missing.
    pub namespace: Namespace,
    /// Its time, epoch seconds.
    pub backup_time: i64,
    /// Owner of the group: `user@realm` or `user@realm!token`.
    pub owner_auth_id: String,
    /// Its archives; at least one, each with another name.
    pub items: Vec<ImportItem>,
    /// Compress chunks that become smaller by it.
    pub compress: bool,
    /// What to leave out of trees. `*`, `?`, `[a-z]` within a name, `**` across names; a leading `/` ties a pattern to the
    /// root of the tree, a trailing one to directories.
    pub exclude: Vec<String>,
}

/// Result of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportReport {
    /// The new snapshot, in the form of tapes.
    pub snapshot: String,
    /// Bytes read from sources.
    pub bytes_read: u64,
    /// Chunks that the snapshot refers to, repetitions included.
    pub chunks: u64,
    /// Those that were not in the store before.
    pub new_chunks: u64,
    /// Bytes of the chunk files of those.
    pub new_chunk_bytes: u64,
    /// Files, directories, links and so on that were archived.
    pub files: u64,
    /// What was left out or changed while it was read, each with its path.
    pub warnings: Vec<String>,
}

/// What the parts of an import share.
struct Context<'a> {
    store: &'a Store,
    pool: ChunkPool<'a>,
    excludes: Excludes,
    progress: &'a Progress<'a>,
    warnings: &'a Warnings<'a>,
    cancel: &'a CancelFlag,
}

/// An archive whose chunks are still being stored.
struct PendingIndex {
    name: String,
    kind: ArchiveKind,
    /// Plain bytes; of a fixed index.
    bytes: u64,
    chunks: Arc<StreamChunks>,
}

impl Store {
    /// Makes a snapshot of `plan`. Files that cannot be read, vanish or change meanwhile are named in warnings and do not
    /// stop it.
    ///
    /// # Errors
    /// [`Error::Exists`] when there is a snapshot of that time; [`Error::OwnerMismatch`]; [`Error::Busy`] while the group is
    /// being written to, or garbage collection does not end within a minute; [`Error::Request`] or [`Error::Argument`] for a
    /// plan that cannot work; [`Error::Aborted`]; [`Error::Io`]. The store then looks as before.
    pub fn import_snapshot(
        &self,
        plan: &ImportPlan,
        sink: EventSink<'_>,
        cancel: &CancelFlag,
    ) -> Result<ImportReport> {
        let excludes = Excludes::new(&plan.exclude)?;
        check_items(&plan.items)?;
        let mut manifest =
            Manifest::new(plan.group.clone(), plan.backup_time).map_err(Error::Argument)?;

        let _operation = self.begin(Operation::Write)?;
        let _lock = self.wait_for_garbage_collection(sink, cancel)?;
        let group = self.create_group(&plan.namespace, &plan.group, &plan.owner_auth_id)?;
        let Some(snapshot) = group.create_snapshot(plan.backup_time)? else {
            let time = ferrite_formats::rfc3339::format_utc(plan.backup_time);
            return Err(Error::Exists {
                path: group.directory().join(time.map_err(Error::Argument)?),
            });
        };

        let warnings = Warnings::new(sink);
        let progress = Progress::new(sink, None);
        let state = PoolState::new(self, plan.compress, cancel);
        // The pool ends with the context at the end of the closure, so that after the scope all chunks are stored.
        let read = std::thread::scope(|scope| {
            let context = Context {
                store: self,
                pool: ChunkPool::start(scope, &state),
                excludes,
                progress: &progress,
                warnings: &warnings,
                cancel,
            };
            context.read_items(&plan.items, &snapshot, &mut manifest)
        });
        // A failure of the pool is the cause of whatever else went wrong.
        let (pending, files) = state.take_error().map_or(read, Err)?;
        cancel.check()?;
        for index in pending {
            index.write(&snapshot, &mut manifest)?;
        }
        self.chunks().finish()?;
        let path = snapshot.path().to_string();
        let blob = manifest
            .to_blob()
            .of(snapshot.directory().join(MANIFEST_NAME))?;
        snapshot.commit(blob.as_bytes())?;
        progress.finish();
        let counts = &state.counts;
        Ok(ImportReport {
            snapshot: path,
            bytes_read: progress.bytes(),
            chunks: counts.chunks.load(Ordering::Relaxed),
            new_chunks: counts.new_chunks.load(Ordering::Relaxed),
            new_chunk_bytes: counts.new_chunk_bytes.load(Ordering::Relaxed),
            files,
            warnings: warnings.into_list(),
        })
    }
}

impl Store {
    fn wait_for_garbage_collection(
        &self,
        sink: EventSink<'_>,
        cancel: &CancelFlag,
    ) -> Result<BaseLock> {
        match self.lock_for_writing(Duration::ZERO, cancel) {
            Err(error @ Error::Busy { .. }) => {
                let seconds = BASE_LOCK_TIMEOUT.as_secs();
                sink(Event::Log(format!("{error}; waiting up to {seconds} s")));
                self.lock_for_writing(BASE_LOCK_TIMEOUT, cancel)
            }
            other => other,
        }
    }
}

/// Everything that can be known before anything is touched.
fn check_items(items: &[ImportItem]) -> Result<()> {
    if items.is_empty() {
        return Err(Error::Request("nothing to import was given".to_owned()));
    }
    let mut names = HashSet::from([
        MANIFEST_NAME.to_owned(),
        CLIENT_LOG_NAME.to_owned(),
        CATALOG_NAME.to_owned(),
    ]);
    for item in items {
        if !is_safe_id(&item.name) {
            return Err(Error::Name {
                what: "archive name",
                text: item.name.clone(),
                rule: "must consist of letters, digits, '_', '.' and '-', and begin with none of the last two",
            });
        }
        if !names.insert(item.file_name()) {
            return Err(Error::Request(format!(
                "archive {} is given twice, or its name is reserved",
                item.file_name()
            )));
        }
        let found = std::fs::metadata(&item.source).at("open", &item.source)?;
        if found.is_dir() != (item.kind == ImportKind::Tree) {
            let is = if found.is_dir() {
                "a directory"
            } else {
                "not a directory"
            };
            return Err(Error::Request(format!(
                "{} is {is}: it cannot become {}",
                item.source.display(),
                item.file_name()
            )));
        }
    }
    Ok(())
}

impl ImportItem {
    fn file_name(&self) -> String {
        let extension = match self.kind {
            ImportKind::Tree => "pxar.didx",
            ImportKind::Image => "img.fidx",
            ImportKind::Blob => "blob",
        };
        format!("{}.{extension}", self.name)
    }
}

impl Context<'_> {
    /// Reads everything and hands chunks to the pool. Answers the indexes to be written and the number of files.
    fn read_items(
        &self,
        items: &[ImportItem],
        snapshot: &SnapshotWriter,
        manifest: &mut Manifest,
    ) -> Result<(Vec<PendingIndex>, u64)> {
        let mut pending = Vec::new();
        let mut catalog: Option<TreeCatalog<'_>> = None;
        let mut files = 0;
        for item in items {
            let name = item.file_name();
            match item.kind {
                ImportKind::Tree => {
                    let catalog = match &mut catalog {
                        Some(catalog) => catalog,
                        None => catalog.insert(TreeCatalog::new(&self.pool)?),
                    };
                    let (chunks, in_tree) = self.read_tree(&item.source, &name, catalog)?;
                    files += in_tree;
                    pending.push(PendingIndex::dynamic(name, chunks));
                }
                ImportKind::Image => {
                    let (chunks, bytes) = self.read_image(&item.source)?;
                    files += 1;
                    pending.push(PendingIndex {
                        name,
                        kind: ArchiveKind::FixedIndex,
                        bytes,
                        chunks,
                    });
                }
                ImportKind::Blob => {
                    let entry = self.store_blob(&item.source, &name, snapshot)?;
                    files += 1;
                    add_file(manifest, entry, snapshot)?;
                }
            }
        }
        if let Some(catalog) = catalog {
            pending.push(PendingIndex::dynamic(
                CATALOG_NAME.to_owned(),
                catalog.finish()?,
            ));
        }
        Ok((pending, files))
    }
}

impl PendingIndex {
    fn dynamic(name: String, chunks: Arc<StreamChunks>) -> Self {
        Self {
            name,
            kind: ArchiveKind::DynamicIndex,
            bytes: 0,
            chunks,
        }
    }

    fn write(self, snapshot: &SnapshotWriter, manifest: &mut Manifest) -> Result<()> {
        let path = snapshot.directory().join(&self.name);
        let uuid = random_uuid()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let ctime = now.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0));
        let chunks = self.chunks.into_ordered();
        let (file, csum, size) = if self.kind == ArchiveKind::FixedIndex {
            let mut builder = FixedIndexBuilder::new(self.bytes, DEFAULT_CHUNK_BYTES).of(&path)?;
            for (number, chunk) in chunks.iter().enumerate() {
                builder.set(number, &chunk.digest).of(&path)?;
            }
            let (file, csum) = builder.finish(uuid, ctime).of(&path)?;
            (file, csum, self.bytes)
        } else {
            let mut builder = DynamicIndexBuilder::new();
            for chunk in &chunks {
                builder.push(chunk.plain_bytes, &chunk.digest).of(&path)?;
            }
            let size = builder.size();
            let (file, csum) = builder.finish(uuid, ctime).of(&path)?;
            (file, csum, size)
        };
        snapshot.write_file(&self.name, &file)?;
        let entry = FileEntry {
            filename: self.name,
            crypt_mode: CryptMode::None,
            size,
            csum,
        };
        add_file(manifest, entry, snapshot)
    }
}

fn add_file(manifest: &mut Manifest, entry: FileEntry, snapshot: &SnapshotWriter) -> Result<()> {
    let path = snapshot.directory().join(MANIFEST_NAME);
    manifest.add_file(entry).of(path)
}

/// A random UUID, version 4.
fn random_uuid() -> Result<uuid::Uuid> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| Error::Request(format!("no random numbers to be had: {error}")))?;
    Ok(uuid::Builder::from_random_bytes(random).into_uuid())
}
