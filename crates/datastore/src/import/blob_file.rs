//! A small file as a blob.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ferrite_formats::blob::{Blob, MAX_CHUNK_BYTES};
use ferrite_formats::manifest::{CryptMode, FileEntry};

use super::Context;
use crate::error::{Error, FormatContext, IoContext, Result};
use crate::snapshot_writer::SnapshotWriter;

impl Context<'_> {
    /// Stores `source` as file `name` of the snapshot.
    pub(super) fn store_blob(
        &self,
        source: &Path,
        name: &str,
        snapshot: &SnapshotWriter,
    ) -> Result<FileEntry> {
        let mut content = Vec::new();
        let file = File::open(source).at("open", source)?;
        file.take(MAX_CHUNK_BYTES + 1)
            .read_to_end(&mut content)
            .at("read", source)?;
        if content.len() as u64 > MAX_CHUNK_BYTES {
            return Err(Error::Request(format!(
                "{} is longer than 16 MiB, too long for a blob; import it as an image",
                source.display()
            )));
        }
        self.progress
            .add(content.len() as u64, || Some(name.to_owned()));
        // Blobs are always tried: they are configuration files and logs.
        let blob = Blob::encode(&content, true, None).of(source)?;
        snapshot.write_file(name, blob.as_bytes())?;
        Ok(FileEntry {
            filename: name.to_owned(),
            crypt_mode: CryptMode::None,
            size: blob.as_bytes().len() as u64,
            csum: blob.file_digest(),
        })
    }
}
