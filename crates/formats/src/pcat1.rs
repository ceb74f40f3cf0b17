//! `catalog.pcat1`: the names of the files in a snapshot's pxar archives (datastore.md 11). Optional, for look-up only.
//!
//! A stream of directory tables, children before parents, that ends with the position of the root's table. The writer is
//! driven by a walk over a tree and holds only the tables of the directories that are open; the reader looks at bytes
//! and bounds its walk by their number, so tables that refer to each other cannot make it run long.

mod reader;
mod tables;
mod varint;
mod writer;

use crate::magic::Magic;

pub use reader::{CatalogDirectory, CatalogReader};
pub use tables::{CatalogTables, DirectoryTable, TABLE_DIGEST_BYTES, TableEntry};
pub use writer::CatalogWriter;

const WHAT: &str = "pcat1 catalog";

/// First eight bytes of a catalog.
pub const PCAT1_MAGIC: Magic = [145, 253, 96, 249, 196, 103, 88, 213];

/// Longest name in a catalog: that of a file.
pub const MAX_NAME_BYTES: usize = 4096;

/// What an entry of a catalog is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogKind {
    /// Directory, with the position of its table in the stream.
    Directory {
        /// Position of the table.
        position: u64,
    },
    /// Regular file.
    File {
        /// Length in bytes.
        size: u64,
        /// Modification time, seconds since 1970.
        mtime: i64,
    },
    /// Symbolic link.
    Symlink,
    /// Hard link.
    Hardlink,
    /// Block device.
    BlockDevice,
    /// Character device.
    CharDevice,
    /// Named pipe.
    Fifo,
    /// Socket.
    Socket,
}

impl CatalogKind {
    /// The letter that stands for it in a table.
    pub const fn type_byte(self) -> u8 {
        match self {
            Self::Directory { .. } => b'd',
            Self::File { .. } => b'f',
            Self::Symlink => b'l',
            Self::Hardlink => b'h',
            Self::BlockDevice => b'b',
            Self::CharDevice => b'c',
            Self::Fifo => b'p',
            Self::Socket => b's',
        }
    }
}

/// One entry of a directory's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogEntry<'a> {
    /// Name, without a slash.
    pub name: &'a [u8],
    /// What it is.
    pub kind: CatalogKind,
}

#[cfg(test)]
mod tests;
