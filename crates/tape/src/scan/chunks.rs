//! One chunk archive, read for its digests (tape-format.md 5.5).

use ferrite_formats::blob::BlobVerifier;
use ferrite_formats::block_stream::{Verdict, judge};
use ferrite_formats::chunk_archive::{ChunkArchiveDecoder, ChunkEntry, ChunkEvent};
use ferrite_formats::content_header::ContentHeader;
use ferrite_formats::{Digest, FormatError};

use crate::error::{Result, TapeError};
use crate::events::{Progress, Watch};
use crate::file::ContentReader;

/// What became of reading a chunk archive. The tape file was read to its end either way.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum ChunksRead {
    /// All whole chunks count: a clean end, an end inside a chunk, or an error in a file marked as incomplete.
    Count {
        /// How many.
        chunks: u64,
        /// What to warn about.
        warning: Option<String>,
    },
    /// The writer was interrupted: nothing of this file counts.
    Nothing {
        /// Why, for a person.
        reason: String,
    },
}

/// Reads the body of a chunk archive and hands the digest of every whole chunk with a sound blob (C1 to C4, C6) to `chunk`.
/// Its content is not compared with the digest (C5): that is for inserting.
pub(super) fn read_chunks(
    reader: &mut ContentReader<'_>,
    header: &ContentHeader,
    progress: &mut Progress,
    watch: &mut Watch<'_>,
    chunk: &mut dyn FnMut(Digest, &mut Watch<'_>) -> Result<()>,
) -> Result<ChunksRead> {
    let mut archive = Archive {
        decoder: ChunkArchiveDecoder::after_header(header),
        verifier: BlobVerifier::new().map_err(|error| damaged(reader, error))?,
        entry: None,
    };
    let read = archive.read_all(reader, progress, watch, chunk);
    let chunks = archive.decoder.chunks();
    let (file_number, block) = (reader.file_number(), reader.block_number());
    let read = read.and_then(|()| {
        archive
            .decoder
            .finish()
            .map(drop)
            .map_err(|source| TapeError::ChunkArchive {
                file_number,
                block,
                source,
            })
    });
    let error = match read {
        Ok(()) => None,
        // Not the tape's fault, whatever its end looks like.
        Err(
            error @ (TapeError::Io { .. } | TapeError::CatalogRecord { .. } | TapeError::Cancelled),
        ) => return Err(error),
        Err(error) => Some(error),
    };
    match (judge(reader.end()), error) {
        (Verdict::RegisterNothing, error) => Ok(ChunksRead::Nothing {
            reason: error.map_or_else(|| "no end marker".into(), |error| error.to_string()),
        }),
        (Verdict::KeepWholeChunks, error) => Ok(ChunksRead::Count {
            chunks,
            warning: error.map(|error| error.to_string()),
        }),
        (Verdict::Fatal, Some(error)) => Err(error),
        (Verdict::Fatal, None) => Ok(ChunksRead::Count {
            chunks,
            warning: None,
        }),
    }
}

struct Archive {
    decoder: ChunkArchiveDecoder,
    verifier: BlobVerifier,
    entry: Option<ChunkEntry>,
}

impl Archive {
    fn read_all(
        &mut self,
        reader: &mut ContentReader<'_>,
        progress: &mut Progress,
        watch: &mut Watch<'_>,
        chunk: &mut dyn FnMut(Digest, &mut Watch<'_>) -> Result<()>,
    ) -> Result<()> {
        loop {
            watch.check_cancelled()?;
            if reader.payload()?.is_empty() {
                return Ok(());
            }
            progress.at(reader.file_number(), reader.tape_bytes(), watch);
            // Only now is the block known that the payload lies in.
            let place = (reader.file_number(), reader.block_number());
            let payload = reader.payload()?;
            let length = payload.len();
            self.read_payload(payload, place, watch, chunk)?;
            reader.consume(length);
        }
    }

    fn read_payload(
        &mut self,
        payload: &[u8],
        (file_number, block): (u64, u64),
        watch: &mut Watch<'_>,
        chunk: &mut dyn FnMut(Digest, &mut Watch<'_>) -> Result<()>,
    ) -> Result<()> {
        let corrupt = |digest: Option<Digest>, error: FormatError| TapeError::Archive {
            file_number,
            block,
            reason: match digest {
                Some(digest) => format!("chunk {digest}: {error}"),
                None => error.to_string(),
            },
        };
        let mut at = 0;
        while let Some(event) =
            self.decoder
                .step(payload, &mut at)
                .map_err(|source| TapeError::ChunkArchive {
                    file_number,
                    block,
                    source,
                })?
        {
            let digest = self.entry.map(|entry| entry.digest);
            match event {
                ChunkEvent::Entry(entry) => {
                    self.entry = Some(entry);
                    self.verifier
                        .start(None, 0)
                        .map_err(|error| corrupt(Some(entry.digest), error))?;
                }
                ChunkEvent::Body(range) => {
                    self.verifier
                        .update(&payload[range])
                        .map_err(|error| corrupt(digest, error))?;
                }
                ChunkEvent::EntryEnd => {
                    self.verifier
                        .finish()
                        .map_err(|error| corrupt(digest, error))?;
                    if let Some(digest) = digest {
                        chunk(digest, watch)?;
                    }
                }
                ChunkEvent::Header(..) => {}
            }
        }
        Ok(())
    }
}

fn damaged(reader: &ContentReader<'_>, error: FormatError) -> TapeError {
    TapeError::Archive {
        file_number: reader.file_number(),
        block: reader.block_number(),
        reason: error.to_string(),
    }
}
