//! What an index was built from, so that an unchanged set is not read again and a changed one is never missed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::error::{Result, TapeError};

/// How much of a catalog's end is hashed into its identity.
const TAIL_BYTES: u64 = 64 * 1024;

/// One catalog file that an index is built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogSource {
    /// The tape it describes.
    pub media_uuid: Uuid,
    /// Path of `<media-uuid>.log`.
    pub path: PathBuf,
}

impl CatalogSource {
    /// A catalog at `path` of the tape `media_uuid`.
    pub fn new(media_uuid: Uuid, path: impl Into<PathBuf>) -> Self {
        Self {
            media_uuid,
            path: path.into(),
        }
    }
}

/// State of a catalog file at the moment it was read.
///
/// Size and modification time change with every commit. The inode and the hash of the end also tell apart two catalogs
/// of one size that replaced each other within one tick of the file system's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SourceIdentity {
    pub(super) media_uuid: [u8; 16],
    pub(super) bytes: u64,
    pub(super) modified_ns: i64,
    pub(super) inode: u64,
    pub(super) tail_sha256: [u8; 32],
}

impl SourceIdentity {
    /// The identity of the catalog now at its path.
    pub(super) fn of(catalog: &CatalogSource) -> Result<Self> {
        let file = File::open(&catalog.path)
            .map_err(|error| TapeError::io("open catalog", &catalog.path, error))?;
        Self::of_open(catalog.media_uuid, &catalog.path, &file)
    }

    /// The identity of an open catalog file. Moves its position.
    pub(super) fn of_open(media_uuid: Uuid, path: &Path, mut file: &File) -> Result<Self> {
        let failed = |error| TapeError::io("read catalog", path, error);
        let metadata = file.metadata().map_err(failed)?;
        let tail_start = metadata.len().saturating_sub(TAIL_BYTES);
        file.seek(SeekFrom::Start(tail_start)).map_err(failed)?;
        let mut tail = Vec::with_capacity(TAIL_BYTES as usize);
        file.take(TAIL_BYTES)
            .read_to_end(&mut tail)
            .map_err(failed)?;
        Ok(Self {
            media_uuid: *media_uuid.as_bytes(),
            bytes: metadata.len(),
            modified_ns: metadata
                .mtime()
                .wrapping_mul(1_000_000_000)
                .wrapping_add(metadata.mtime_nsec()),
            inode: metadata.ino(),
            tail_sha256: Sha256::digest(&tail).into(),
        })
    }
}
