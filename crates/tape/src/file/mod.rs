//! One tape file: its content as a stream of bytes in blocks (tape-format.md 2), behind a content header (3).
//!
//! Two levels. [`BlockSource`] reads blocks into buffers that the caller owns and applies the rules for blocks; a pipeline
//! hands these buffers on to other threads. [`ContentReader`] and [`ContentWriter`] move bytes through one buffer in the
//! calling thread; labels, snapshot archives, catalogs and scans use them.

mod head;
mod reader;
mod source;
mod writer;

pub use head::{FileHead, FileKind, read_head};
pub use reader::{ContentReader, NextFile};
pub use source::{BlockSource, Met};
pub use writer::{ContentWriter, WrittenFile};

use uuid::Uuid;

/// What the outside world adds to every tape file that is written: given by the caller, so that runs can be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStamp {
    /// Fresh, random (version 4) UUID of the content; the catalog repeats it.
    pub uuid: Uuid,
    /// Seconds of the Unix epoch when the file was begun.
    pub ctime: i64,
}
