//! What a running pipeline tells its caller.

use std::time::{Duration, Instant};

/// At most one progress event per this time: ten a second are plenty for a person and cost nothing.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Something worth telling while a drive works. Byte counts are blob bytes unless said otherwise.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Bytes moved so far in this run: blocks written to or read from the tape. At most ten a second.
    Progress {
        /// Tape bytes (whole blocks) so far.
        tape_bytes: u64,
        /// Chunks so far.
        chunks: u64,
        /// Share of the plan that is done, 0 to 1, where it can be told.
        share: Option<f64>,
    },
    /// A snapshot is being worked on.
    SnapshotStart {
        /// Source datastore.
        store: String,
        /// Tape form: `ns/a/ns/b/vm/100/2024-06-05T09:38:20Z`.
        snapshot: String,
    },
    /// A snapshot is left out.
    SnapshotSkipped {
        /// Source datastore.
        store: String,
        /// Tape form.
        snapshot: String,
        /// Why, for a person.
        reason: String,
    },
    /// A chunk archive was written or read to its end.
    ChunkArchive {
        /// Source datastore.
        store: String,
        /// Number of its file on the tape.
        file_number: u64,
        /// Whole chunks in it.
        chunks: u64,
        /// Blob bytes of these chunks.
        bytes: u64,
        /// Time it took.
        seconds: f64,
    },
    /// A snapshot archive was written or read to its end.
    SnapshotArchive {
        /// Source datastore.
        store: String,
        /// Tape form.
        snapshot: String,
        /// Number of its file on the tape.
        file_number: u64,
        /// Tape bytes of the archive.
        bytes: u64,
        /// Time it took.
        seconds: f64,
    },
    /// A catalog archive was met and skipped.
    CatalogArchive {
        /// Number of its file on the tape.
        file_number: u64,
    },
    /// What was written so far is safe: on the tape, and in the media catalog on disk.
    Committed {
        /// Tape bytes (whole blocks) so far.
        tape_bytes: u64,
    },
    /// Something a person should know, which does not stop the run.
    Warning(String),
    /// A line for the task log.
    Log(String),
}

/// Lets one call in a while through.
#[derive(Debug)]
pub(crate) struct Throttle {
    last: Option<Instant>,
}

impl Throttle {
    pub fn new() -> Self {
        Self { last: None }
    }

    /// Is it time for the next progress event?
    pub fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let due = self
            .last
            .is_none_or(|last| now.duration_since(last) >= PROGRESS_INTERVAL);
        if due {
            self.last = Some(now);
        }
        due
    }
}
