//! What lies on a tape: its files, catalogs and the mapped chunk index.
//!
//! | Module | What it is about |
//! |---|---|
//! | [`file`](mod@file) | one tape file: blocks, content header, reading and writing |
//! | [`labels`] | media label and media-set label |
//! | [`snapshot`] | snapshot archives: the files of one snapshot |
//! | [`catalog`] | `<media-uuid>.log` files on disk |
//! | [`catalog_archive`] | copies of catalogs on tape |
//! | [`restore`] | catalogs from the copies on tape |
//! | [`scan`] | catalogs from everything on tape, and a plain list of its files |
//! | [`index`] | which chunks a media set holds and where |
//!
//! All of it runs in the calling thread over a [`ferrite_scsi::Drive`]. The threads that keep a drive streaming during
//! backup and restore are the pipeline's, on top of this crate. Time and randomness come from the caller
//! ([`FileStamp`]).

mod aligned;
pub mod catalog;
pub mod catalog_archive;
mod error;
mod events;
pub mod file;
pub mod index;
pub mod labels;
mod lock;
mod mapped;
pub mod restore;
pub mod scan;
pub mod snapshot;
mod temporary;

pub use aligned::{AlignedBlock, BLOCK_ALIGNMENT};
pub use catalog::{CatalogBuilder, CatalogSummary, MediaCatalog, Owner};
pub use catalog_archive::{CatalogArchiveOutcome, CatalogArchiveVersion, write_catalog_archive};
pub use error::{Result, TapeError};
pub use events::{TapeEvent, Watch};
pub use file::{
    BlockSource, ContentReader, ContentWriter, FileHead, FileKind, FileStamp, Met, NextFile,
    WrittenFile,
};
pub use index::{CatalogSource, ChunkIndex, ChunkLocation, SetIndex, StoreId};
pub use labels::{
    TapeLabels, is_blank, read_labels, read_media_label, write_label, write_media_set_label,
};
pub use restore::{CatalogRestore, CatalogRestoreOutcome, restore_catalogs};
pub use scan::{CatalogScan, ScannedFile, scan_catalog, scan_files};
pub use snapshot::{
    OpenFiles, SnapshotEnd, SnapshotOutcome, SnapshotRead, SnapshotSink, SnapshotSource,
    read_snapshot_archive, write_snapshot_archive,
};
