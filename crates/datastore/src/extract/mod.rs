//! Taking an archive of a snapshot out of the store: a tree into a directory, an image or stream or blob into a file.
//!
//! Every chunk is verified on its way. What fails leaves nothing behind, and nothing that exists is overwritten.

mod attributes;
mod chunk_stream;
mod contents;
mod single_file;
mod tree;

use std::path::PathBuf;

use ferrite_formats::SnapshotPath;
use ferrite_formats::archive_name::{ArchiveKind, MANIFEST_NAME};

pub(crate) use chunk_stream::ChunkStream;
pub use contents::{ArchiveItem, ArchivedFile};

use crate::active_operations::Operation;
use crate::error::{Error, Result};
use crate::progress::{CancelFlag, EventSink, Progress};
use crate::snapshot::{SnapshotReader, StoredFile};
use crate::store::Store;
use crate::warnings::Warnings;

/// What to take out of a store.
#[derive(Debug, Clone)]
pub struct ExtractPlan {
    /// The snapshot.
    pub snapshot: SnapshotPath,
    /// The archive: its full name, or as much of it as is unique up to a dot (`root`, `root.pxar`).
    pub archive: String,
    /// For a tree (`.pxar.didx`) a directory, new or empty; for anything else a file that does not exist.
    pub target: PathBuf,
}

/// Result of an extraction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractReport {
    /// Bytes of file content.
    pub bytes_written: u64,
    /// Files, directories, links and so on.
    pub files: u64,
    /// What could not be restored as it was, each with its path.
    pub warnings: Vec<String>,
}

/// What the parts of an extraction share.
struct Context<'a> {
    store: &'a Store,
    progress: &'a Progress<'a>,
    warnings: &'a Warnings<'a>,
    cancel: &'a CancelFlag,
}

impl Store {
    /// Takes an archive out of the store.
    ///
    /// # Errors
    /// As [`open_snapshot`](Self::open_snapshot); [`Error::Request`] when there is no such archive or the target is in use;
    /// [`Error::ChunkMissing`], [`Error::Format`] or [`Error::Damaged`] for what is wrong in the store, encrypted content
    /// included; [`Error::Io`]; [`Error::Aborted`].
    pub fn extract(
        &self,
        plan: &ExtractPlan,
        sink: EventSink<'_>,
        cancel: &CancelFlag,
    ) -> Result<ExtractReport> {
        let _operation = self.begin(Operation::Read)?;
        let snapshot = self.open_snapshot(&plan.snapshot)?;
        let file = find_archive(&snapshot, &plan.archive)?;
        let total = snapshot
            .manifest()
            .file(file.name())
            .map(|entry| entry.size);
        let progress = Progress::new(sink, total);
        let warnings = Warnings::new(sink);
        let context = Context {
            store: self,
            progress: &progress,
            warnings: &warnings,
            cancel,
        };
        let files = if file.name().ends_with(".pxar.didx") {
            context.extract_tree(&snapshot, file, &plan.target)?
        } else if file.kind() == ArchiveKind::Blob {
            context.extract_blob(file, &plan.target)?
        } else {
            context.extract_stream(&snapshot, file, &plan.target)?
        };
        progress.finish();
        Ok(ExtractReport {
            bytes_written: progress.bytes(),
            files,
            warnings: warnings.into_list(),
        })
    }
}

fn find_archive<'s>(snapshot: &'s SnapshotReader, archive: &str) -> Result<&'s StoredFile> {
    if let Some(file) = snapshot.file(archive) {
        return Ok(file);
    }
    let begins = |file: &&StoredFile| {
        file.name() != MANIFEST_NAME
            && file
                .name()
                .strip_prefix(archive)
                .is_some_and(|rest| rest.starts_with('.'))
    };
    let mut found = snapshot.files().iter().filter(begins);
    match (found.next(), found.next()) {
        (Some(file), None) => Ok(file),
        (Some(_), Some(_)) => Err(Error::Request(format!(
            "{}: several archives are called {archive}, name one of them in full: {}",
            snapshot.path(),
            names(snapshot)
        ))),
        (None, _) => Err(Error::Request(format!(
            "{} has no archive {archive}; it has {}",
            snapshot.path(),
            names(snapshot)
        ))),
    }
}

fn names(snapshot: &SnapshotReader) -> String {
    let names: Vec<&str> = snapshot.files().iter().map(StoredFile::name).collect();
    names.join(", ")
}
