//! Pure bytes <-> structures of PBS tapes and datastores.
//!
//! No I/O, no threads, no clock, no randomness: UUIDs, times and IVs are arguments. Everything here also builds for
//! wasm32, where `ruzstd` stands in for libzstd. Parsers take hostile bytes: they bound every length before allocating
//! and answer with a [`FormatError`].

// ---- datastore half
pub mod blob;
mod compression;
pub mod crypt;
pub mod digest;

// ---- shared
mod error;

pub use crypt::CryptKey;
pub use digest::Digest;
pub use error::{FormatError, Result};

// ---- tape half
pub mod block;
pub mod block_stream;
pub mod catalog_archive;
pub mod chunk_archive;
pub mod content_header;
pub mod fingerprint;
pub mod label;
mod layout;
pub mod magic;
pub mod siphash;
pub mod uuid_text;

pub use fingerprint::Fingerprint;
