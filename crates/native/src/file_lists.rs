//! File lists of snapshots, and where the chunks of snapshots and tapes are.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use crossbeam_channel::Receiver;
use ferrite_datastore::{FileList as CoreList, SnapshotFiles};
use ferrite_formats::index::IndexEntry;
use ferrite_formats::key::{KeyConfig, KeyError, Password, Protection};
use ferrite_formats::manifest::FileEntry;
use ferrite_formats::pcat1::{CatalogKind, CatalogReader, DirectoryTable, TableEntry};
use ferrite_formats::{CryptKey, Digest, FormatError};
use ferrite_tape::catalog::visit_chunks;
use napi::Env;
use napi::bindgen_prelude::{Buffer, ClassInstance, Float64Array, Object, Uint8Array, Uint32Array};
use napi_derive::napi;
use uuid::Uuid;

use crate::catalogs::ChunkIndex;
use crate::datastore::{Datastore, SnapshotFile, number, snapshot_path};
use crate::failure::{Failure, Kind, sync};
use crate::promise::{guarded, on_thread};

/// A page of a file list ends behind the directory with which it reaches this number of entries.
const PAGE_ENTRIES: usize = 50_000;

/// Whose file list is wanted.
#[napi(object)]
pub struct FileListRequest {
    /// As on tape.
    pub snapshot: String,
    /// The client's key file, for lists that it encrypted.
    pub client_key: Option<Buffer>,
    /// Password of that key, unless it has none.
    pub password: Option<Buffer>,
}

/// Whether the files of a snapshot can be listed.
#[napi(string_enum)]
#[derive(Clone, Copy)]
pub enum FileListState {
    /// They can.
    #[napi(value = "listed")]
    Listed,
    /// The client encrypted the list, and its key was not given.
    #[napi(value = "encrypted")]
    Encrypted,
    /// The snapshot has no list.
    #[napi(value = "absent")]
    Absent,
    /// The list is too long to be taken into memory.
    #[napi(value = "too-long")]
    TooLong,
}

/// Some directories of a file list, in columns. Names are text: bytes that are no UTF-8 are U+FFFD.
#[napi(object, object_from_js = false)]
pub struct FileListPage {
    /// 16 bytes for each directory: those of equal directories, in whichever snapshot, are equal.
    pub digests: Uint8Array,
    /// Number of entries of each directory.
    pub entry_counts: Uint32Array,
    /// Names of all entries, each followed by a NUL.
    pub names: String,
    /// Type of each entry, one letter: d, f, l, h, b, c, p, s (datastore.md 11).
    pub kinds: String,
    /// Bytes of each file; 0 for everything else.
    pub sizes: Float64Array,
    /// Epoch seconds of each file; 0 for everything else.
    pub mtimes: Float64Array,
    /// Of each entry that is a directory: its number, counted from 0 over all pages; children come before parents.
    pub children: Uint32Array,
}

/// The files of one snapshot, page by page. A thread reads ahead by one page; it ends when this is collected or closed.
#[napi]
pub struct FileList {
    files: Vec<FileEntry>,
    state: FileListState,
    pages: Mutex<Option<Pages>>,
}

type Pages = Receiver<Result<Columns, Failure>>;

/// A page on its way to JavaScript.
#[derive(Default)]
struct Columns {
    digests: Vec<u8>,
    entry_counts: Vec<u32>,
    names: String,
    kinds: String,
    sizes: Vec<f64>,
    mtimes: Vec<f64>,
    children: Vec<u32>,
}

impl FileList {
    fn new(files: SnapshotFiles) -> Result<Self, Failure> {
        let mut pages = None;
        let state = match files.list {
            CoreList::Listed(bytes) => {
                pages = Some(read_pages(bytes)?);
                FileListState::Listed
            }
            CoreList::Encrypted => FileListState::Encrypted,
            CoreList::Absent => FileListState::Absent,
            CoreList::TooLong { .. } => FileListState::TooLong,
        };
        Ok(Self {
            files: files.files,
            state,
            pages: Mutex::new(pages),
        })
    }
}

fn read_pages(bytes: Vec<u8>) -> Result<Pages, Failure> {
    let (sender, pages) = crossbeam_channel::bounded(1);
    let read = move || {
        let send = |page| sender.send(page).is_ok();
        if let Err(failure) = guarded(|| send_pages(&bytes, &|columns| send(Ok(columns)))) {
            send(Err(failure));
        }
    };
    std::thread::Builder::new()
        .name("file-list".to_owned())
        .spawn(read)
        .map_err(|error| {
            Failure::new(
                Kind::System,
                "thread",
                format!("cannot start thread file-list: {error}"),
            )
        })?;
    Ok(pages)
}

/// Ends early when nobody wants more pages.
fn send_pages(bytes: &[u8], send: &dyn Fn(Columns) -> bool) -> Result<(), Failure> {
    let damaged = |error: FormatError| {
        Failure::new(
            Kind::Data,
            "file-list",
            format!("the snapshot's list of files is damaged: {error}"),
        )
    };
    let mut tables = CatalogReader::parse(bytes)
        .and_then(|reader| reader.tables())
        .map_err(damaged)?;
    let mut columns = Columns::default();
    while let Some(table) = tables.next_table().map_err(damaged)? {
        columns.add(&table);
        if columns.children.len() >= PAGE_ENTRIES && !send(std::mem::take(&mut columns)) {
            return Ok(());
        }
    }
    send(columns);
    Ok(())
}

impl Columns {
    fn add(&mut self, table: &DirectoryTable<'_>) {
        self.digests.extend(table.digest);
        // A list of 128 MiB has fewer entries than fit.
        self.entry_counts.push(saturated(table.entries.len()));
        for TableEntry { entry, child } in &table.entries {
            let name = String::from_utf8_lossy(entry.name).replace('\0', "\u{fffd}");
            self.names.push_str(&name);
            self.names.push('\0');
            self.kinds.push(char::from(entry.kind.type_byte()));
            let (size, mtime) = match entry.kind {
                CatalogKind::File { size, mtime } => (size as f64, mtime as f64),
                _ => (0.0, 0.0),
            };
            self.sizes.push(size);
            self.mtimes.push(mtime);
            self.children.push(child.map_or(0, saturated));
        }
    }
}

fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl From<Columns> for FileListPage {
    fn from(columns: Columns) -> Self {
        Self {
            digests: columns.digests.into(),
            entry_counts: columns.entry_counts.into(),
            names: columns.names,
            kinds: columns.kinds,
            sizes: columns.sizes.into(),
            mtimes: columns.mtimes.into(),
            children: columns.children.into(),
        }
    }
}

#[napi]
impl FileList {
    /// Whether there is anything to list.
    #[napi(getter)]
    pub fn state(&self) -> FileListState {
        self.state
    }

    /// Archives of the snapshot, as its manifest lists them.
    #[napi(getter)]
    pub fn archives(&self) -> Vec<SnapshotFile> {
        self.files.iter().map(SnapshotFile::from).collect()
    }

    /// The next page; null at the end.
    #[napi(ts_return_type = "Promise<FileListPage | null>")]
    pub fn next<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let pages = self.pages.lock().ok().and_then(|pages| pages.clone());
        on_thread(env, "file-list-page", move || {
            let page = pages.and_then(|pages| pages.recv().ok()).transpose()?;
            Ok(page.map(FileListPage::from))
        })
    }

    /// Ends the reading.
    #[napi]
    pub fn close(&self) {
        if let Ok(mut pages) = self.pages.lock() {
            *pages = None;
        }
    }
}

/// Part of a snapshot's data.
#[napi(object)]
pub struct SnapshotShare {
    /// The tape; absent for chunks that no tape of the set has.
    pub media_uuid: Option<String>,
    /// The chunk archive on it.
    pub file_number: Option<i64>,
    /// Chunks, counted as often as the snapshot refers to them.
    pub chunks: i64,
    /// Bytes of the snapshot's data in them.
    pub bytes: i64,
}

/// Which chunks of a tape exist elsewhere.
#[napi(object, object_to_js = false)]
pub struct CoverageRequest<'env> {
    /// Catalog of the tape.
    pub catalog_path: String,
    /// Only this file of it.
    pub file_number: Option<i64>,
    /// Other media sets.
    pub sets: Vec<ClassInstance<'env, ChunkIndex>>,
    /// Datastores.
    pub stores: Vec<ClassInstance<'env, Datastore>>,
}

/// Chunks of one archive, and how many of them exist elsewhere.
#[napi(object)]
pub struct ArchiveCoverage {
    /// Tape file.
    pub file_number: i64,
    /// Source datastore.
    pub store: String,
    /// Chunks in it.
    pub chunks: i64,
    /// Of each media set asked for: chunks that it has, too.
    pub in_sets: Vec<i64>,
    /// Of each datastore asked for: chunks that it has.
    pub in_stores: Vec<i64>,
    /// Chunks that are in none of them.
    pub nowhere: i64,
}

#[napi]
impl Datastore {
    /// The archives of a snapshot, and the files in them.
    #[napi(ts_return_type = "Promise<FileList>")]
    pub fn file_list<'env>(
        &self,
        env: &'env Env,
        request: FileListRequest,
    ) -> napi::Result<Object<'env>> {
        let (store, cancel) = (sync(env, self.store())?, self.cancel.clone());
        on_thread(env, "store-file-list", move || {
            let key = request
                .client_key
                .map(|key| client_key(&key, request.password.as_deref()))
                .transpose()?;
            let snapshot = snapshot_path(&request.snapshot)?;
            FileList::new(store.snapshot_files(&snapshot, key.as_ref(), &cancel)?)
        })
    }

    /// On which tapes of a media set the data of a snapshot lies, in the order of the set.
    #[napi(ts_return_type = "Promise<Array<SnapshotShare>>")]
    pub fn snapshot_shares<'env>(
        &self,
        env: &'env Env,
        snapshot: String,
        chunk_index: &ChunkIndex,
        source_store: Option<String>,
    ) -> napi::Result<Object<'env>> {
        let (store, cancel) = (sync(env, self.store())?, self.cancel.clone());
        let index = sync(env, chunk_index.core())?;
        let source = source_store.unwrap_or_else(|| store.name().to_owned());
        on_thread(env, "store-shares", move || {
            // Ordered, so that two runs answer alike.
            let mut shares: BTreeMap<_, (u64, u64)> = BTreeMap::new();
            let mut visit = |entry: &IndexEntry| {
                let place = index.lookup(&source, &entry.digest);
                let place = place.map(|place| (place.media_uuid, place.file_number));
                let share = shares.entry(place).or_default();
                share.0 += 1;
                share.1 += entry.plain_bytes();
            };
            store.snapshot_chunks(&snapshot_path(&snapshot)?, &mut visit, &cancel)?;
            let share =
                |(place, (chunks, bytes)): (Option<(Uuid, u64)>, (u64, u64))| SnapshotShare {
                    media_uuid: place.map(|(media, _)| media.to_string()),
                    file_number: place.map(|(_, file)| number(file)),
                    chunks: number(chunks),
                    bytes: number(bytes),
                };
            Ok(shares.into_iter().map(share).collect::<Vec<_>>())
        })
    }
}

/// Looks up every chunk of a tape in other media sets and in datastores.
#[napi(ts_return_type = "Promise<Array<ArchiveCoverage>>")]
pub fn chunk_coverage<'env>(
    env: &'env Env,
    request: CoverageRequest<'_>,
) -> napi::Result<Object<'env>> {
    let sets: Result<Vec<_>, Failure> = request.sets.iter().map(|set| set.core()).collect();
    let stores: Result<Vec<_>, Failure> =
        request.stores.iter().map(|store| store.store()).collect();
    let (sets, stores) = (sync(env, sets)?, sync(env, stores)?);
    let (path, only) = (request.catalog_path, request.file_number);
    on_thread(env, "chunk-coverage", move || {
        let mut archives: Vec<ArchiveCoverage> = Vec::new();
        let mut visit = |file_number: u64, store: &str, digest: &Digest| {
            let file_number = number(file_number);
            if only.is_some_and(|only| only != file_number) {
                return;
            }
            if archives
                .last()
                .is_none_or(|last| last.file_number != file_number)
            {
                archives.push(ArchiveCoverage {
                    file_number,
                    store: store.to_owned(),
                    chunks: 0,
                    in_sets: vec![0; sets.len()],
                    in_stores: vec![0; stores.len()],
                    nowhere: 0,
                });
            }
            let Some(archive) = archives.last_mut() else {
                return;
            };
            archive.chunks += 1;
            let mut somewhere = false;
            for (set, count) in sets.iter().zip(&mut archive.in_sets) {
                if set.holds(digest) {
                    *count += 1;
                    somewhere = true;
                }
            }
            for (store, count) in stores.iter().zip(&mut archive.in_stores) {
                if store.chunks().inode(digest).is_some() {
                    *count += 1;
                    somewhere = true;
                }
            }
            archive.nowhere += i64::from(!somewhere);
        };
        visit_chunks(Path::new(&path), &mut visit)?;
        Ok(archives)
    })
}

/// The key of a client, from its key file.
fn client_key(file: &[u8], password: Option<&[u8]>) -> Result<CryptKey, Failure> {
    let refused = |error: KeyError| {
        Failure::new(
            Kind::Usage,
            "client-key",
            format!("the client's key cannot be used: {error}"),
        )
    };
    let config = KeyConfig::parse(file).map_err(refused)?;
    match (config.protection, password) {
        (Protection::None(key), _) => Ok(key),
        (Protection::Password { .. }, None) => Err(Failure::new(
            Kind::Usage,
            "client-key",
            "the client's key needs its password",
        )),
        (protection @ Protection::Password { .. }, Some(password)) => {
            let password = Password::new(password.to_vec()).map_err(refused)?;
            KeyConfig {
                protection,
                ..config
            }
            .open(&password)
            .map_err(refused)
        }
    }
}
