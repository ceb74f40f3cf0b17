//! What a catalog file holds, for lists and decisions.

use std::path::Path;

use ferrite_formats::media_catalog::{CatalogContent, CatalogIdentity};

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
