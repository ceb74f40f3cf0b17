//! pxar archives, format 1: a directory tree as a sequence of items (datastore.md 13).
//!
//! [`Encoder`] writes while the caller walks a tree, [`Decoder`] reads while the caller rebuilds one; neither seeks,
//! recurses, nor holds more than one entry's metadata and, per open directory, its lookup table (encoder) or a few numbers
//! (decoder). Snapshot archives on tape ([`crate::snapshot_archive`]) are a narrow use of the same items.
//!
//! The lookup table behind each directory (GOODBYE) is written as the reference does and skipped on reading: it serves
//! random access, which has its own way through the chunks of an index.

mod decoder;
mod encoder;
pub mod goodbye;
pub mod item;
mod metadata;

pub use decoder::{DecodeError, Decoded, Decoder, EntryKind, Payload};
pub use encoder::{EncodeError, Encoder, EntryPosition, PayloadWriter};
pub use metadata::{Acl, AclDefault, AclEntry, Metadata, Stat, Xattr};

/// Most levels of directories below the root, for writing and reading: as many as a path of 4096 bytes can name.
pub const MAX_DEPTH: usize = 2048;
/// Most bytes of extended attributes, ACLs and the like of one entry that the decoder holds.
pub const MAX_METADATA_BYTES: u64 = 16 * 1024 * 1024;
