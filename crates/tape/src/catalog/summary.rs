//! What a catalog file holds, for lists and decisions.

use std::path::Path;

use ferrite_formats::Digest;
use ferrite_formats::media_catalog::{CatalogContent, CatalogIdentity, CatalogRecord};

use super::CatalogFile;
use crate::error::Result;

/// Labels, snapshots and archives of a catalog file, and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogSummary {
    /// What it says; chunks are only counted.
    pub content: CatalogContent,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Reads a catalog file, checking it whole, in memory that does not grow with its chunks. `identity` says which tape it
/// must belong to; [`CatalogIdentity::ANY`] takes any.
///
/// # Errors
/// As [`MediaCatalog::open`](super::MediaCatalog::open).
pub fn read_catalog(path: &Path, identity: CatalogIdentity) -> Result<CatalogSummary> {
    let catalog = CatalogFile::open(path, identity)?;
    let mut content = CatalogContent::default();
    let state = catalog.for_each(|_, record| {
        content.add(record);
        Ok(())
    })?;
    content.finish(&state);
    Ok(CatalogSummary {
        content,
        bytes: catalog.bytes(),
    })
}

/// Hands every chunk of a catalog file to `visit`, with its tape file and source datastore, in the order of the tape.
///
/// # Errors
/// As [`read_catalog`].
pub fn visit_chunks(path: &Path, visit: &mut dyn FnMut(u64, &str, &Digest)) -> Result<()> {
    let catalog = CatalogFile::open(path, CatalogIdentity::ANY)?;
    let mut archive = (0, String::new());
    catalog.for_each(|_, record| {
        match record {
            CatalogRecord::ArchiveStart {
                file_number, store, ..
            } => archive = (*file_number, (*store).to_owned()),
            CatalogRecord::Chunk(digest) => visit(archive.0, &archive.1, digest),
            _ => {}
        }
        Ok(())
    })?;
    Ok(())
}
