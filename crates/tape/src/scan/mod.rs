//! Reading a tape from its beginning to its end: to rebuild its catalog, or to list its files.

mod chunks;
mod files;
mod rebuild;

pub use files::{ScannedFile, scan_files};
pub(crate) use rebuild::go_behind_labels;
pub use rebuild::{CatalogScan, scan_catalog};
