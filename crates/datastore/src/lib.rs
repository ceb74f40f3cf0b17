//! PBS datastores: snapshots, chunks, locks, verify, import, extract.

mod active_operations;
mod chunk_reader;
mod chunk_store;
mod dir_stack;
mod error;
mod extract;
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
pub use chunk_store::{
    AlignedBuffer, ChunkFile, ChunkStore, DIRECT_ALIGNMENT, Inserted, MAX_CHUNK_FILE_BYTES,
    SyncLevel,
};
pub use error::{Error, ErrorKind, Result};
pub use extract::{ExtractPlan, ExtractReport};
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
