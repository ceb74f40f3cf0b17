//! Media catalog: the `<media uuid>.log` file that says what lies on a tape (tape-format.md 7.2 to 7.4).
//!
//! An append-only file of records behind eight magic bytes. [`CatalogReader`] walks over a file held (or mapped) in memory
//! without copying; [`CatalogState`] knows the rules that successive records must keep, and is asked both before a record
//! is written ([`CatalogWriter`]) and after it was read ([`load`]).
//!
//! Why not decode to a list of records: a catalog of a full tape holds some ten million chunk records. Users build what
//! they need (an index, [`CatalogContent`], rows of a database) from the borrowed records.

mod content;
mod record;
mod state;
mod writer;

pub use content::{CatalogArchive, CatalogContent, CatalogSnapshot};
pub use record::{CatalogReader, CatalogRecord, RECORD_CHUNK_SIZE, mask_padding};
pub use state::{CatalogIdentity, CatalogRule, CatalogState};
pub use writer::CatalogWriter;

use crate::magic::Magic;

/// Why a catalog file cannot be used. Offsets count from the start of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// K1: written before datastore names were recorded.
    #[error("media catalog version 1.0 is no longer supported: create it again from the tape")]
    OldVersion,
    /// K1: no catalog file.
    #[error("no media catalog: the file starts with {}", hex::encode(found))]
    WrongMagic {
        /// First bytes found.
        found: Magic,
    },
    /// K2: the file ends inside a record (or inside the magic): a commit that was cut off. The first `offset` bytes are
    /// a good catalog.
    #[error(
        "media catalog torn: the record at byte {offset} needs {need} bytes, the file has {found} more"
    )]
    Torn {
        /// End of the last good record.
        offset: u64,
        /// Bytes that the torn record needs, as far as its head tells.
        need: u64,
        /// Bytes of it present.
        found: u64,
    },
    /// K2: no record starts with this byte.
    #[error("media catalog damaged at byte {offset}: unknown record type {tag:#04x}")]
    UnknownTag {
        /// Place of the record.
        offset: u64,
        /// The byte found.
        tag: u8,
    },
    /// K2: a text inside a record is wrong.
    #[error("media catalog damaged: the record at byte {offset} has {detail}")]
    Text {
        /// Place of the record.
        offset: u64,
        /// What is wrong.
        detail: &'static str,
    },
    /// K2: the record does not fit to those before it, or to the tape.
    #[error("media catalog not usable: record at byte {offset}: {rule}")]
    Rule {
        /// Place of the record.
        offset: u64,
        /// The broken rule.
        rule: CatalogRule,
    },
}

/// Reads a catalog file to its end, checks every record against the rules and the tape it should belong to, and hands it
/// on with its offset. Gives the state in which a [`CatalogWriter`] goes on.
///
/// A torn tail is an error; whoever only wants to look may call again with the bytes before [`CatalogError::Torn`].
///
/// # Errors
/// The first thing that is wrong; records before it have been handed on.
pub fn load<'a>(
    bytes: &'a [u8],
    identity: CatalogIdentity,
    mut each: impl FnMut(u64, CatalogRecord<'a>),
) -> Result<CatalogState, CatalogError> {
    let mut state = CatalogState::new(identity);
    let mut reader = CatalogReader::new(bytes)?;
    while let Some((offset, record)) = reader.next_record()? {
        state
            .check(&record)
            .map_err(|rule| CatalogError::Rule { offset, rule })?;
        each(offset, record);
        // Inside an archive any number of chunks keeps the rules.
        while state.open_archive().is_some() {
            let Some((offset, digest)) = reader.next_chunk() else {
                break;
            };
            each(offset, CatalogRecord::Chunk(digest));
        }
    }
    Ok(state)
}
