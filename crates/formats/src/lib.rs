//! Pure bytes <-> structures of PBS tapes and datastores.
//!
//! No I/O, no threads, no clock, no randomness: UUIDs, times and IVs are arguments. Everything here also builds for
//! wasm32, where `ruzstd` stands in for libzstd. Parsers take hostile bytes: they bound every length before allocating
//! and answer with a [`FormatError`], or with the error of their module where callers tell cases apart.

// ---- datastore half
pub mod archive_name;
pub mod blob;
pub mod canonical_json;
pub mod chunker;
mod compression;
pub mod crypt;
pub mod digest;
pub mod dynamic_index;
pub mod fixed_index;
pub mod index;
pub mod manifest;
pub mod pcat1;
pub mod rfc3339;
pub mod snapshot_path;

// ---- shared
mod error;
pub mod fuzzing;
#[cfg(test)]
mod vectors;

pub use crypt::CryptKey;
pub use digest::Digest;
pub use error::{FormatError, Result};
pub use snapshot_path::{BackupGroup, BackupType, Namespace, SnapshotPath};

// ---- tape half
pub mod block;
pub mod block_stream;
pub mod catalog_archive;
pub mod chunk_archive;
pub mod content_header;
pub mod fingerprint;
pub mod inventory;
mod json;
pub mod key;
pub mod label;
mod layout;
pub mod magic;
pub mod media_catalog;
pub mod pxar;
pub mod siphash;
pub mod snapshot_archive;
pub mod uuid_text;

pub use fingerprint::Fingerprint;
