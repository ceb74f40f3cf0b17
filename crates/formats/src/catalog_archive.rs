//! Catalog archive: a media catalog file, copied to tape behind a header that names its tape (tape-format.md 7.1).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::content_header::{self, ContentError, ContentHeader, ContentKind};
use crate::json;
use crate::uuid_text;

/// Header of a catalog archive. The body is the catalog file as it was on disk; see [`crate::media_catalog`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogArchiveHeader {
    /// Tape that the catalog describes.
    #[serde(with = "uuid_text::as_text")]
    pub uuid: Uuid,
    /// Media set of that tape.
    #[serde(with = "uuid_text::as_text")]
    pub media_set_uuid: Uuid,
    /// Position of that tape in the set.
    pub seq_nr: u64,
}

impl CatalogArchiveHeader {
    /// Start of a catalog archive, up to its body. `kind` is 1.0 for a job over the root namespace alone, else 1.1.
    ///
    /// # Errors
    /// [`ContentError::WrongContent`] when `kind` is no catalog archive.
    pub fn encode(
        &self,
        kind: ContentKind,
        content_uuid: Uuid,
        ctime: i64,
    ) -> Result<Vec<u8>, ContentError> {
        if !kind.is_catalog_archive() {
            return Err(ContentError::WrongContent {
                expected: ContentKind::CatalogArchive11.name(),
                found: kind.magic(),
            });
        }
        let text = json::print(kind.name(), self)?;
        content_header::encode(kind, content_uuid, ctime, &text)
    }

    /// Interprets what [`content_header::read`] gave.
    ///
    /// # Errors
    /// H2, H4.
    pub fn parse(header: &ContentHeader, json: &[u8]) -> Result<Self, ContentError> {
        let kind =
            header.expect(&[ContentKind::CatalogArchive10, ContentKind::CatalogArchive11])?;
        Ok(json::parse(kind.name(), json)?)
    }
}
