//! Reading a chunk and checking everything that can be checked of it.

use ferrite_formats::blob::{BlobDecoder, BlobRef, MAX_CHUNK_BYTES};
use ferrite_formats::index::{Index, IndexEntry};
use ferrite_formats::{Digest, FormatError};

use crate::chunk_store::ChunkStore;
use crate::error::{Error, FormatContext, Result};
use crate::snapshot::StoredFile;

/// What was found out about a sound chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CheckedChunk {
    /// Encrypted, so that only its CRC could be checked.
    pub(crate) encrypted: bool,
    /// Bytes of its file.
    pub(crate) file_bytes: u64,
}

/// Reads chunk after chunk with the same buffers. One for each thread.
pub(crate) struct ChunkReader<'s> {
    chunks: &'s ChunkStore,
    decoder: BlobDecoder,
    blob: Vec<u8>,
}

impl<'s> ChunkReader<'s> {
    pub(crate) fn new(chunks: &'s ChunkStore) -> Result<Self> {
        Ok(Self {
            chunks,
            decoder: BlobDecoder::new().of("decoder")?,
            blob: Vec::new(),
        })
    }

    /// Reads a chunk, checks CRC, and, unless it is encrypted, content and length. Unencrypted content is in `plain` then.
    ///
    /// # Errors
    /// As [`ChunkStore::open_chunk`]; [`Error::Format`] for everything that is wrong with its bytes.
    pub(crate) fn check(
        &mut self,
        digest: &Digest,
        plain_bytes: u64,
        plain: &mut Vec<u8>,
    ) -> Result<CheckedChunk> {
        self.chunks.read_chunk(digest, &mut self.blob)?;
        let path = || self.chunks.chunk_path(digest);
        let blob = BlobRef::parse(&self.blob).of_path(path)?;
        let compared = self
            .decoder
            .verify_chunk(blob, digest, Some(plain_bytes), None, plain)
            .of_path(path)?;
        Ok(CheckedChunk {
            encrypted: !compared,
            file_bytes: self.blob.len() as u64,
        })
    }

    /// As [`check`](Self::check); an encrypted chunk is an error.
    pub(crate) fn read_plain(&mut self, entry: &IndexEntry, plain: &mut Vec<u8>) -> Result<()> {
        let checked = self.check(&entry.digest, entry.plain_bytes(), plain)?;
        if checked.encrypted {
            return Err(FormatError::KeyRequired { what: "chunk" })
                .of(self.chunks.chunk_path(&entry.digest));
        }
        Ok(())
    }
}

/// Checks that no chunk of an index claims to be longer than a chunk can be, before memory is taken for it.
pub(crate) fn check_chunk_sizes(index: &Index, file: &StoredFile) -> Result<()> {
    let too_long = index
        .iter()
        .find(|entry| entry.plain_bytes() > MAX_CHUNK_BYTES);
    too_long.map_or(Ok(()), |entry| {
        Err(Error::Damaged {
            path: file.path().to_owned(),
            detail: format!(
                "chunk {} has {} bytes, more than 16 MiB",
                entry.digest,
                entry.plain_bytes()
            ),
        })
    })
}
