//! Media catalogs on disk: `<media-uuid>.log` files (tape-format.md 7.2 to 7.7).
//!
//! Three ways to use one, each its own type, so that the wrong order of steps does not compile:
//! [`MediaCatalog`] appends to the catalog of the tape a job writes to; [`CatalogBuilder`] makes a new catalog beside the
//! old one and replaces it when it is good; [`read_catalog`] says what one holds. Chunk digests are never kept in memory:
//! lookups are the [chunk index](crate::index)'s work.
//!
//! Every reader of a `.log` holds its exclusive lock while loading, every writer while appending, as PBS does.

mod append;
mod builder;
mod reader;
mod repair;
mod summary;

pub use append::{COMMIT_THRESHOLD_BYTES, MediaCatalog};
pub(crate) use builder::create_temporary;
pub use builder::{CatalogBuilder, overwrite_catalog, temporary_path};
pub(crate) use reader::CatalogFile;
pub use repair::cut_torn_tail;
pub use summary::{CatalogSummary, read_catalog, visit_chunks};

pub use ferrite_formats::media_catalog::{
    CatalogArchive, CatalogContent, CatalogIdentity, CatalogSnapshot,
};

/// Who a created file shall belong to (`backup:backup` on a host with PBS).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// User number.
    pub uid: u32,
    /// Group number.
    pub gid: u32,
}
