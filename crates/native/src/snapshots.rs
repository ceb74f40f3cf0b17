//! Snapshots put into a datastore, checked, and taken out again.

use std::collections::HashMap;
use std::path::PathBuf;

use ferrite_datastore as core;
use ferrite_formats::BackupGroup;
use ferrite_tape::ChunkIndex as CoreIndex;
use napi::Env;
use napi::bindgen_prelude::{ClassInstance, Function, Object};
use napi_derive::napi;

use crate::catalogs::ChunkIndex;
use crate::datastore::{Datastore, StoreEvent, listener, namespace, number, sink, snapshot_path};
use crate::failure::{Failure, Kind, sync};
use crate::promise::on_thread;

/// What an item of an import becomes.
#[napi(string_enum = "lowercase")]
pub enum ImportKind {
    /// A directory tree: `<name>.pxar.didx`.
    Tree,
    /// A disk image, a file or a block device: `<name>.img.fidx`.
    Image,
    /// A small file as a whole: `<name>.blob`.
    Blob,
}

/// One archive of a new snapshot.
#[napi(object)]
pub struct ImportItem {
    /// What it becomes.
    pub kind: ImportKind,
    /// Name without the extensions that its kind gives it.
    pub name: String,
    /// Directory, file or device.
    pub source: String,
}

/// What to put into a datastore.
#[napi(object)]
pub struct ImportPlan {
    /// `vm`, `ct` or `host`.
    pub backup_type: String,
    /// Id within its type.
    pub backup_id: String,
    /// Epoch seconds.
    pub backup_time: i64,
    /// `a/b`; root where not given.
    pub ns: Option<String>,
    /// Owner of the group.
    pub owner_auth_id: String,
    /// Archives, each with another name.
    pub items: Vec<ImportItem>,
    /// Compress what becomes smaller by it (default true).
    pub compress: Option<bool>,
    /// Patterns to leave out of trees.
    pub exclude: Option<Vec<String>>,
}

/// What an import made.
#[napi(object)]
pub struct ImportReport {
    /// The new snapshot, as on tape.
    pub snapshot: String,
    /// Bytes read from sources.
    pub bytes_read: i64,
    /// Chunks that the snapshot refers to, repetitions included.
    pub chunks: i64,
    /// Those that were not in the datastore before.
    pub new_chunks: i64,
    /// Bytes of their files.
    pub new_chunk_bytes: i64,
    /// Files, directories, links and so on that were archived.
    pub files: i64,
    /// What was left out or changed while it was read.
    pub warnings: Vec<String>,
}

/// What to take out of a datastore.
#[napi(object)]
pub struct ExtractPlan {
    /// As on tape.
    pub snapshot: String,
    /// Full name of the archive, or as much of it as is unique up to a dot.
    pub archive: String,
    /// New or empty directory for a tree, new file for anything else.
    pub target: String,
}

/// What was taken out.
#[napi(object)]
pub struct ExtractReport {
    /// Bytes of file content.
    pub bytes_written: i64,
    /// Files, directories, links and so on.
    pub files: i64,
    /// What could not be restored as it was.
    pub warnings: Vec<String>,
}

/// What to verify.
#[napi(object)]
pub struct VerifyRequest {
    /// As on tape; all finished ones where not given.
    pub snapshots: Option<Vec<String>>,
    /// Rename corrupt chunks to `<digest>.N.bad`, so that the next backup stores them again.
    pub set_aside_bad: Option<bool>,
}

/// Something that is not as it should be.
#[napi(object)]
pub struct VerifyError {
    /// The snapshot.
    pub snapshot: String,
    /// The file of it, unless it is the snapshot as a whole.
    pub file: Option<String>,
    /// Digest of the chunk, if it is one.
    pub chunk: Option<String>,
    /// What is wrong.
    pub message: String,
}

/// Result of a verification.
#[napi(object)]
pub struct VerifyReport {
    /// Snapshots checked.
    pub snapshots: i64,
    /// Distinct chunks read.
    pub chunks: i64,
    /// Bytes of their files.
    pub bytes: i64,
    /// At most 10,000 of what was found.
    pub errors: Vec<VerifyError>,
    /// Errors beyond those.
    pub more_errors: i64,
    /// Snapshots that somebody was writing or removing, and that were not checked.
    pub skipped: Vec<String>,
}

/// Whose files are asked for, and where their chunks are looked up.
#[napi(object, object_to_js = false)]
pub struct ContentsRequest<'env> {
    /// As on tape.
    pub snapshot: String,
    /// Full name of the archive, or as much of it as is unique up to a dot.
    pub archive: String,
    /// Media set in which to find the tapes of each file.
    pub chunk_index: Option<ClassInstance<'env, ChunkIndex>>,
    /// Name of the datastore that went to that media set; the name of this one where not given.
    pub source_store: Option<String>,
}

/// A file in an archive; an image is one file with the archive's name. Each of several names of one file counts.
#[napi(object)]
#[derive(Clone)]
pub struct ArchivedFile {
    /// Below the root of the tree. Bytes that are no UTF-8 are shown as U+FFFD.
    pub path: String,
    /// Bytes of content.
    pub size: i64,
    /// SHA-256 of the content, in hex.
    pub sha256: String,
    /// Media UUIDs of the tapes that hold its content, in the order of its chunks.
    pub media: Vec<String>,
}

/// Chunks and indexes of a datastore.
#[napi(object)]
pub struct StoreStats {
    /// Chunk files.
    pub chunks: i64,
    /// Bytes of these files.
    pub chunk_bytes: i64,
    /// Bytes that the indexes of all snapshots describe: the size of the data before deduplication.
    pub index_bytes: i64,
}

impl From<core::VerifyReport> for VerifyReport {
    fn from(report: core::VerifyReport) -> Self {
        let errors = report.errors.into_iter().map(|error| VerifyError {
            snapshot: error.snapshot.to_string(),
            file: error.file,
            chunk: error.chunk.map(|digest| digest.to_string()),
            message: error.message,
        });
        Self {
            snapshots: number(report.snapshots),
            chunks: number(report.chunks),
            bytes: number(report.bytes),
            errors: errors.collect(),
            more_errors: number(report.more_errors),
            skipped: report.skipped.iter().map(ToString::to_string).collect(),
        }
    }
}

impl TryFrom<ImportPlan> for core::ImportPlan {
    type Error = Failure;

    fn try_from(plan: ImportPlan) -> Result<Self, Failure> {
        let invalid = |error: ferrite_formats::FormatError| {
            Failure::new(Kind::Usage, "bad-name", error.to_string())
        };
        let ty = plan.backup_type.parse().map_err(invalid)?;
        let items = plan.items.into_iter().map(|item| core::ImportItem {
            kind: match item.kind {
                ImportKind::Tree => core::ImportKind::Tree,
                ImportKind::Image => core::ImportKind::Image,
                ImportKind::Blob => core::ImportKind::Blob,
            },
            name: item.name,
            source: PathBuf::from(item.source),
        });
        Ok(Self {
            group: BackupGroup::new(ty, plan.backup_id).map_err(invalid)?,
            namespace: namespace(plan.ns.as_deref().unwrap_or(""))?,
            backup_time: plan.backup_time,
            owner_auth_id: plan.owner_auth_id,
            items: items.collect(),
            compress: plan.compress.unwrap_or(true),
            exclude: plan.exclude.unwrap_or_default(),
        })
    }
}

#[napi]
impl Datastore {
    /// Makes a snapshot out of files on disk. The store looks as before when it fails.
    #[napi(ts_return_type = "Promise<ImportReport>")]
    pub fn import_snapshot<'env>(
        &self,
        env: &'env Env,
        plan: ImportPlan,
        on_event: Option<Function<'_, StoreEvent, ()>>,
    ) -> napi::Result<Object<'env>> {
        let tell = sink(listener(on_event)?);
        let (store, cancel) = (sync(env, self.store())?, self.cancel.clone());
        on_thread(env, "store-import", move || {
            let report = store.import_snapshot(&plan.try_into()?, &tell, &cancel)?;
            Ok(ImportReport {
                snapshot: report.snapshot,
                bytes_read: number(report.bytes_read),
                chunks: number(report.chunks),
                new_chunks: number(report.new_chunks),
                new_chunk_bytes: number(report.new_chunk_bytes),
                files: number(report.files),
                warnings: report.warnings,
            })
        })
    }

    /// Takes an archive out of a snapshot; every chunk is verified on its way.
    #[napi(ts_return_type = "Promise<ExtractReport>")]
    pub fn extract<'env>(
        &self,
        env: &'env Env,
        plan: ExtractPlan,
        on_event: Option<Function<'_, StoreEvent, ()>>,
    ) -> napi::Result<Object<'env>> {
        let tell = sink(listener(on_event)?);
        let (store, cancel) = (sync(env, self.store())?, self.cancel.clone());
        on_thread(env, "store-extract", move || {
            let plan = core::ExtractPlan {
                snapshot: snapshot_path(&plan.snapshot)?,
                archive: plan.archive,
                target: PathBuf::from(plan.target),
            };
            let report = store.extract(&plan, &tell, &cancel)?;
            Ok(ExtractReport {
                bytes_written: number(report.bytes_written),
                files: number(report.files),
                warnings: report.warnings,
            })
        })
    }

    /// Checks every chunk and file of snapshots. What is damaged is in the report.
    #[napi(ts_return_type = "Promise<VerifyReport>")]
    pub fn verify<'env>(
        &self,
        env: &'env Env,
        request: VerifyRequest,
        on_event: Option<Function<'_, StoreEvent, ()>>,
    ) -> napi::Result<Object<'env>> {
        let tell = sink(listener(on_event)?);
        let (store, cancel) = (sync(env, self.store())?, self.cancel.clone());
        on_thread(env, "store-verify", move || {
            let chosen = request
                .snapshots
                .map(|paths| paths.iter().map(|path| snapshot_path(path)).collect());
            let options = core::VerifyOptions {
                snapshots: chosen.transpose()?,
                set_aside_bad: request.set_aside_bad.unwrap_or(false),
                record_as: None,
            };
            Ok(VerifyReport::from(store.verify(&options, &tell, &cancel)?))
        })
    }

    /// Counts chunks and what they stand for.
    #[napi(ts_return_type = "Promise<StoreStats>")]
    pub fn stats<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let (store, cancel) = (sync(env, self.store())?, self.cancel.clone());
        on_thread(env, "store-stats", move || {
            let stats = store.stats(&cancel)?;
            Ok(StoreStats {
                chunks: number(stats.chunks),
                chunk_bytes: number(stats.chunk_bytes),
                index_bytes: number(stats.index_bytes),
            })
        })
    }

    /// Reads an archive whole, verifying every chunk: its files with their digests and, given a chunk index, their tapes.
    #[napi(ts_return_type = "Promise<Array<ArchivedFile>>")]
    pub fn archive_contents<'env>(
        &self,
        env: &'env Env,
        request: ContentsRequest<'_>,
        on_event: Option<Function<'_, StoreEvent, ()>>,
    ) -> napi::Result<Object<'env>> {
        let tell = sink(listener(on_event)?);
        let (store, cancel) = (sync(env, self.store())?, self.cancel.clone());
        let index = sync(
            env,
            request
                .chunk_index
                .as_ref()
                .map(|index| index.core())
                .transpose(),
        )?;
        let source = request
            .source_store
            .unwrap_or_else(|| store.name().to_owned());
        let (snapshot, archive) = (request.snapshot, request.archive);
        on_thread(env, "store-contents", move || {
            let mut files: Vec<ArchivedFile> = Vec::new();
            let mut by_path: HashMap<Vec<u8>, usize> = HashMap::new();
            let mut collect = |item: core::ArchiveItem| {
                match item {
                    core::ArchiveItem::File(file) => {
                        by_path.insert(file.path.clone(), files.len());
                        let media = tapes_of(&file, index.as_deref(), &source);
                        files.push(ArchivedFile {
                            path: String::from_utf8_lossy(&file.path).into_owned(),
                            size: number(file.size),
                            sha256: file.sha256.to_string(),
                            media,
                        });
                    }
                    core::ArchiveItem::Hardlink { path, target } => {
                        if let Some(original) = by_path
                            .get(&target)
                            .and_then(|place| files.get(*place))
                            .cloned()
                        {
                            let path = String::from_utf8_lossy(&path).into_owned();
                            files.push(ArchivedFile { path, ..original });
                        }
                    }
                }
                Ok(())
            };
            store.archive_contents(
                &snapshot_path(&snapshot)?,
                &archive,
                &mut collect,
                &tell,
                &cancel,
            )?;
            Ok(files)
        })
    }
}

/// Media UUIDs of the tapes on which the set holds the file's chunks, each once.
fn tapes_of(file: &core::ArchivedFile, index: Option<&CoreIndex>, source: &str) -> Vec<String> {
    let mut media: Vec<String> = Vec::new();
    for place in index.iter().flat_map(|index| {
        file.chunks
            .iter()
            .filter_map(|digest| index.lookup(source, digest))
    }) {
        let uuid = place.media_uuid.to_string();
        if !media.contains(&uuid) {
            media.push(uuid);
        }
    }
    media
}
