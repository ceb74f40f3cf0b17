//! PBS datastores: snapshots, chunks, locks, verify, import, extract.
//!
//! [`Store`] is the way in. Reading for a tape backup: [`Store::list`], [`Store::open_snapshot`], then
//! [`SnapshotReader::files`] and [`SnapshotReader::chunks_in_tape_order`], with [`ChunkStore::open_chunk`] for each chunk.
//! Restoring: [`Store::lock_for_writing`], [`ChunkStore::touch_if_present`] or [`ChunkStore::insert`] for each chunk,
//! [`ChunkStore::finish`], then [`Store::create_group`], [`GroupWriter::create_snapshot`] and [`SnapshotWriter`]. Whole jobs:
//! [`Store::import_snapshot`], [`Store::extract`], [`Store::verify`]. Each of them says what it locks; the order of locks
//! stands in [`locks`].
//!
//! Two rules hold everywhere. What appears under its final name is complete: files are written under a temporary name and
//! renamed, a snapshot's manifest last, and whatever fails takes back what it began. And nothing trusts a path it was given
//! earlier: files are opened relative to open directories, without following links.

mod active_operations;
mod chunk_reader;
mod chunk_store;
mod dir_stack;
mod error;
mod extract;
mod file_list;
mod group;
mod import;
pub mod layout;
mod listing;
pub mod locks;
mod manifest_file;
mod owner;
mod posix_acl;
mod progress;
mod snapshot;
mod snapshot_writer;
mod stats;
mod store;
mod tape_order;
mod temporary;
mod verify;
mod warnings;
mod zero;

pub use active_operations::{ActiveOperation, Operation};
pub use chunk_store::{ChunkFile, ChunkStore, Inserted, MAX_CHUNK_FILE_BYTES, SyncLevel};
pub use error::{Error, ErrorKind, Result};
pub use extract::{ArchiveItem, ArchivedFile, ExtractPlan, ExtractReport};
pub use ferrite_memory::AlignedBuffer;
pub use file_list::{FILE_LIST_NAME, FileList, MAX_FILE_LIST_BYTES, SnapshotFiles};
pub use group::GroupWriter;
pub use import::{ImportItem, ImportKind, ImportPlan, ImportReport};
pub use listing::{ListOptions, Listing, SnapshotInfo};
pub use locks::{BaseLock, DirectoryLock, LockFile, LockMode};
pub use owner::Owner;
pub use progress::{CancelFlag, Event, EventSink};
pub use snapshot::{FileStat, MAX_INDEX_BYTES, SnapshotReader, StoredFile, StoredFileReader};
pub use snapshot_writer::{SnapshotFile, SnapshotWriter};
pub use stats::StoreStats;
pub use store::{ChunkOrder, Store, StoreOptions};
pub use tape_order::TapeOrder;
pub use verify::{VerifyError, VerifyOptions, VerifyReport};
