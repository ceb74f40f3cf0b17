//! Cutting off what an interrupted commit left.

use std::fs::OpenOptions;
use std::path::Path;

use ferrite_formats::media_catalog::{CatalogError, CatalogIdentity, CatalogRecord};

use super::CatalogFile;
use crate::error::{Result, TapeError};

/// Cuts a catalog back to its last whole archive, if its last commit was interrupted (by a kill or a power cut in the middle
/// of the write), and gives the number of bytes cut off: 0 for a whole catalog.
///
/// Never done by itself: to be offered to a person, or to a job that says so. It loses no data: a commit comes after the
/// tape's sync, so the catalog names a little less than is on the tape, as after a crash just before the commit. The next
/// job writes those chunks again behind them, or a scan of the tape finds them.
///
/// # Errors
/// Any other damage is reported as by [`MediaCatalog::open`](super::MediaCatalog::open) and nothing is changed.
pub fn cut_torn_tail(path: &Path, identity: CatalogIdentity) -> Result<u64> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(|error| TapeError::io("open catalog", path, error))?;
    let catalog = CatalogFile::lock(file, path, identity)?;
    // A file of which not even the magic is whole has nothing worth keeping.
    let mut whole = 0;
    let checked = catalog.for_each(|end, record| {
        if !matches!(
            record,
            CatalogRecord::ArchiveStart { .. } | CatalogRecord::Chunk(_)
        ) {
            whole = end;
        }
        Ok(())
    });
    match checked {
        Ok(state) if state.open_archive().is_none() => return Ok(0),
        Ok(_)
        | Err(TapeError::Catalog {
            source: CatalogError::Torn { .. },
            ..
        }) => {}
        Err(error) => return Err(error),
    }
    let failed = |error| TapeError::io("cut catalog", path, error);
    catalog.file().set_len(whole).map_err(failed)?;
    catalog.file().sync_all().map_err(failed)?;
    Ok(catalog.bytes() - whole)
}
