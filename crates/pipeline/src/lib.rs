//! The threads that keep a drive streaming: [`backup`](fn@backup) and [`restore`](fn@restore).
//!
//! Both take a drive, a plan and an [`Environment`], and run until the plan or the tape is done. They know no policy: which
//! tape, which snapshots, what happens after the end of a tape is the caller's business, and a run on the next tape is a new
//! call with a new plan. What they guarantee is order: data on the tape is synced before the catalog names it, chunks are
//! on disk before a manifest that relies on them, and nothing that is not verified reaches a tape or a datastore.
//!
//! # What it costs
//!
//! | | bytes copied per chunk byte | system calls per 4 MiB chunk (besides the drive's) |
//! |---|---|---|
//! | backup | 1: page cache to ring block, where the drive takes it from | open, fstat, 4 fadvise, 16 to 17 pread, close |
//! | restore | 1: drive's block to chunk buffer, which goes to disk as it is | stat, and the chunk store's writing of a file |
//! | restore of a chunk that is there | 0 | stat, utimensat |
//!
//! CRC, decompression and SHA-256 run over 256 KiB at a time, while those are in the processor's cache. `examples/feed.rs`
//! measures all of it.
//!
//! # Threads
//!
//! The caller's thread drives the tape, so [`ferrite_scsi::Drive`] never changes threads; reading, hashing and storing
//! chunks is done by threads of their own, and a panic in one of them becomes an error of the run.

mod backup;
mod environment;
mod error;
mod events;
mod framing;
mod restore;
mod ring;
mod threads;

pub use backup::{BackupOutcome, BackupPlan, BackupStatus, DEFAULT_MEMORY_BYTES, Verify, backup};
pub use environment::Environment;
pub use error::{ChunkFault, PipelineError, Result};
pub use events::Event;
pub use ferrite_datastore::{CancelFlag, ChunkOrder};
pub use restore::{
    ChunkDemand, DemandPlace, DemandSource, IncompleteFile, Installed, RestoreOutcome, RestorePlan,
    RestoredSnapshot, Selection, StageOutcome, StagedSnapshot, install, restore, stage,
};
