//! What long work on a tape tells its caller, and how it is stopped.

use ferrite_formats::Digest;
use uuid::Uuid;

use crate::error::{Result, TapeError};
use crate::scan::ScannedFile;

/// Something that happened while a tape was read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TapeEvent {
    /// Blocks read since the work began, in bytes. Comes after every file, and inside long ones every 64 MiB.
    Progress {
        /// Tape file being read.
        file_number: u64,
        /// Bytes of blocks so far.
        tape_bytes: u64,
    },
    /// A chunk in an archive (only when asked for).
    Chunk(Digest),
    /// A chunk archive was read to its end and counts.
    ChunkArchive {
        /// Tape file.
        file_number: u64,
        /// Datastore of its chunks.
        store: String,
        /// Whole chunks in it.
        chunks: u64,
    },
    /// A complete snapshot archive was read.
    SnapshotArchive {
        /// Tape file.
        file_number: u64,
        /// Datastore of the snapshot.
        store: String,
        /// `[ns/<name>/]*<type>/<id>/<time>`.
        snapshot: String,
    },
    /// A copy of a catalog was met.
    CatalogArchive {
        /// Tape file.
        file_number: u64,
        /// Tape that the copy describes.
        media_uuid: Uuid,
        /// It replaced the catalog on disk.
        restored: bool,
    },
    /// One file of the tape (only from [`scan_files`](crate::scan::scan_files)).
    File(ScannedFile),
    /// Something a person should know, which does not stop the work.
    Warning {
        /// Tape file.
        file_number: u64,
        /// What and why.
        message: String,
    },
}

/// The two ways in which long work talks with its caller.
pub struct Watch<'a> {
    /// Is told what happens, in the thread that does the work.
    pub on_event: &'a mut dyn FnMut(TapeEvent),
    /// Is asked between blocks whether to stop.
    pub cancelled: &'a dyn Fn() -> bool,
}

impl std::fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Watch<'_> {
    pub(crate) fn tell(&mut self, event: TapeEvent) {
        (self.on_event)(event);
    }

    pub(crate) fn warn(&mut self, file_number: u64, message: impl Into<String>) {
        self.tell(TapeEvent::Warning {
            file_number,
            message: message.into(),
        });
    }

    pub(crate) fn check_cancelled(&self) -> Result<()> {
        if (self.cancelled)() {
            return Err(TapeError::Cancelled);
        }
        Ok(())
    }
}

/// Bytes between two progress events inside one file.
const PROGRESS_BYTES: u64 = 64 << 20;

/// Counts blocks over many files and tells about them now and then.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    finished_files: u64,
    told: u64,
}

impl Progress {
    /// Another block of the file was read.
    pub(crate) fn at(&mut self, file_number: u64, file_bytes: u64, watch: &mut Watch<'_>) {
        let tape_bytes = self.finished_files + file_bytes;
        if tape_bytes >= self.told + PROGRESS_BYTES {
            self.tell(file_number, tape_bytes, watch);
        }
    }

    /// The file was left.
    pub(crate) fn finished(&mut self, file_number: u64, file_bytes: u64, watch: &mut Watch<'_>) {
        self.finished_files += file_bytes;
        self.tell(file_number, self.finished_files, watch);
    }

    fn tell(&mut self, file_number: u64, tape_bytes: u64, watch: &mut Watch<'_>) {
        self.told = tape_bytes;
        watch.tell(TapeEvent::Progress {
            file_number,
            tape_bytes,
        });
    }
}
