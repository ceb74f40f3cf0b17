//! Chunk archive: the chunks of a snapshot as they lie in the datastore, one behind the other (tape-format.md 5).
//!
//! [`ChunkArchiveDecoder`] is fed with the payload of one block after the other and says which parts of it are whose:
//! chunk bytes are never copied here. The writer needs no encoder object: [`ChunkArchiveHeader::encode`], then for each
//! chunk [`ChunkEntry::encode`] and the blob.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::blob::{BLOB_HEADER_BYTES, MAX_BLOB_BYTES};
use crate::content_header::{self, ContentError, ContentHeader, ContentKind};
use crate::digest::Digest;
use crate::json;
use crate::layout::wire_struct;
use crate::magic::{CHUNK_ARCHIVE_ENTRY_1_0, Magic};

wire_struct! {
    struct RawEntry: 48 { magic: Magic, digest: [u8; 32], size: u64 }
}

/// Header JSON of a chunk archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkArchiveHeader {
    /// Datastore that all chunks of this archive come from.
    pub store: String,
}

impl ChunkArchiveHeader {
    /// Start of a chunk archive, up to its first entry.
    ///
    /// # Errors
    /// [`ContentError::JsonSize`] for a name beyond all bounds.
    pub fn encode(&self, content_uuid: Uuid, ctime: i64) -> Result<Vec<u8>, ContentError> {
        let kind = ContentKind::ChunkArchive;
        let text = json::print(kind.name(), self)?;
        content_header::encode(kind, content_uuid, ctime, &text)
    }

    /// Interprets what [`content_header::read`] gave.
    ///
    /// # Errors
    /// H2, H4.
    pub fn parse(header: &ContentHeader, json: &[u8]) -> Result<Self, ContentError> {
        let kind = header.expect(&[ContentKind::ChunkArchive])?;
        Ok(json::parse(kind.name(), json)?)
    }
}

/// Head of an entry: which chunk, and how many bytes its blob has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkEntry {
    /// Name of the chunk.
    pub digest: Digest,
    /// Bytes of the blob that follows.
    pub size: u64,
}

impl ChunkEntry {
    /// Bytes on the medium.
    pub const SIZE: usize = RawEntry::SIZE;

    /// The 48 bytes on the medium.
    pub fn encode(&self) -> [u8; Self::SIZE] {
        RawEntry {
            magic: CHUNK_ARCHIVE_ENTRY_1_0,
            digest: *self.digest.as_bytes(),
            size: self.size,
        }
        .encode()
    }

    /// Reads an entry head; `offset` is its place in the content of the tape file, for messages.
    ///
    /// # Errors
    /// [`ChunkArchiveError::EntryMagic`] (C1), [`ChunkArchiveError::BlobSize`] (C4, C6).
    pub fn decode(bytes: &[u8; Self::SIZE], offset: u64) -> Result<Self, ChunkArchiveError> {
        let raw = RawEntry::decode(bytes);
        if raw.magic != CHUNK_ARCHIVE_ENTRY_1_0 {
            return Err(ChunkArchiveError::EntryMagic {
                offset,
                found: raw.magic,
            });
        }
        let digest = Digest::new(raw.digest);
        if !(BLOB_HEADER_BYTES as u64..=MAX_BLOB_BYTES).contains(&raw.size) {
            return Err(ChunkArchiveError::BlobSize {
                offset,
                digest,
                size: raw.size,
            });
        }
        Ok(Self {
            digest,
            size: raw.size,
        })
    }
}

/// Why a chunk archive cannot be read. What that means for its chunks depends on how the tape file ended:
/// [`crate::block_stream::judge`].
#[derive(Debug, thiserror::Error)]
pub enum ChunkArchiveError {
    /// The head of the file is wrong.
    #[error(transparent)]
    Header(#[from] ContentError),
    /// C1: no entry where one should start.
    #[error(
        "chunk archive corrupt at byte {offset}: expected an entry, found {}",
        hex::encode(found)
    )]
    EntryMagic {
        /// Place in the content of the tape file.
        offset: u64,
        /// Bytes found.
        found: Magic,
    },
    /// C2: the file ends inside the head of an entry.
    #[error(
        "chunk archive corrupt at byte {offset}: ends after {found} of 48 bytes of an entry header"
    )]
    EntryCut {
        /// Place of the entry in the content of the tape file.
        offset: u64,
        /// Bytes of the entry head found.
        found: usize,
    },
    /// C4, C6: no blob can have this size.
    #[error(
        "chunk archive corrupt at byte {offset}: chunk {digest} with an impossible size of {size} bytes"
    )]
    BlobSize {
        /// Place of the entry in the content of the tape file.
        offset: u64,
        /// Chunk named by the entry.
        digest: Digest,
        /// Size in the entry.
        size: u64,
    },
    /// The decoder was used after an error.
    #[error("chunk archive read on after an error")]
    Failed,
}

/// What [`ChunkArchiveDecoder::step`] met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChunkEvent {
    /// The head of the file is complete; comes first and once (not from [`ChunkArchiveDecoder::after_header`]).
    Header(ContentHeader, ChunkArchiveHeader),
    /// A chunk starts.
    Entry(ChunkEntry),
    /// Bytes of the blob of the current chunk: a range of the slice that was fed; never empty.
    Body(Range<usize>),
    /// The blob of the current chunk is complete.
    EntryEnd,
}

/// How a chunk archive ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkArchiveEnd {
    /// Chunks whose blobs were complete.
    pub chunks: u64,
    /// The last entry, if the file ended inside its blob: a normal end at the end of a tape (C3), the chunk does not count.
    pub cut: Option<ChunkEntry>,
}

#[derive(Debug)]
enum State {
    Head(Vec<u8>),
    Entry {
        head: [u8; ChunkEntry::SIZE],
        have: usize,
    },
    Body {
        entry: ChunkEntry,
        left: u64,
    },
    Failed,
}

const BETWEEN_ENTRIES: State = State::Entry {
    head: [0; ChunkEntry::SIZE],
    have: 0,
};

/// Push parser for the content of one chunk archive. It holds one entry head (and at first the header JSON), never a blob.
#[derive(Debug)]
pub struct ChunkArchiveDecoder {
    state: State,
    offset: u64,
    chunks: u64,
}

impl Default for ChunkArchiveDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl ChunkArchiveDecoder {
    /// To be fed from the first byte of the content.
    pub fn new() -> Self {
        Self {
            state: State::Head(Vec::new()),
            offset: 0,
            chunks: 0,
        }
    }

    /// To be fed from the first entry, after the caller has read the head with [`content_header::read`]. `header` serves
    /// to tell places in the file.
    pub fn after_header(header: &ContentHeader) -> Self {
        Self {
            state: BETWEEN_ENTRIES,
            offset: ContentHeader::SIZE as u64 + u64::from(header.size),
            chunks: 0,
        }
    }

    /// Content bytes consumed so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Chunks whose blobs were complete so far.
    pub fn chunks(&self) -> u64 {
        self.chunks
    }

    /// Goes on in `payload` from `*at` to the next event and moves `*at` behind it. `None`: this payload is used up, feed
    /// the next one with `*at` = 0.
    ///
    /// # Errors
    /// The broken rule; after an error the decoder gives no more events.
    pub fn step(
        &mut self,
        payload: &[u8],
        at: &mut usize,
    ) -> Result<Option<ChunkEvent>, ChunkArchiveError> {
        let from = (*at).min(payload.len());
        let rest = &payload[from..];
        let (used, event) = match self.advance(rest) {
            Ok(progress) => progress,
            Err(error) => {
                self.state = State::Failed;
                return Err(error);
            }
        };
        *at = from + used;
        self.offset += used as u64;
        Ok(event.map(|event| match event {
            ChunkEvent::Body(range) => ChunkEvent::Body(from + range.start..from + range.end),
            other => other,
        }))
    }

    /// All events of one payload, in order.
    pub fn feed<'a>(
        &'a mut self,
        payload: &'a [u8],
    ) -> impl Iterator<Item = Result<ChunkEvent, ChunkArchiveError>> + 'a {
        let mut at = 0;
        let mut failed = false;
        std::iter::from_fn(move || {
            if failed {
                return None;
            }
            let event = self.step(payload, &mut at).transpose();
            failed = matches!(event, Some(Err(_)));
            event
        })
    }

    /// The end of the file was reached.
    ///
    /// # Errors
    /// [`ChunkArchiveError::EntryCut`] (C2), a header that is cut.
    pub fn finish(self) -> Result<ChunkArchiveEnd, ChunkArchiveError> {
        let cut = match self.state {
            State::Head(head) => return Err(head_cut(&head)),
            State::Entry { have: 0, .. } => None,
            State::Entry { have, .. } => {
                return Err(ChunkArchiveError::EntryCut {
                    offset: self.offset - have as u64,
                    found: have,
                });
            }
            State::Body { entry, .. } => Some(entry),
            State::Failed => return Err(ChunkArchiveError::Failed),
        };
        Ok(ChunkArchiveEnd {
            chunks: self.chunks,
            cut,
        })
    }

    /// Bytes used of `rest`, and an event whose range is relative to `rest`.
    fn advance(&mut self, rest: &[u8]) -> Result<(usize, Option<ChunkEvent>), ChunkArchiveError> {
        match &mut self.state {
            State::Head(head) => {
                let used = collect_head(head, rest)?;
                let Some((header, json)) = split_head(head)? else {
                    return Ok((used, None));
                };
                let parsed = ChunkArchiveHeader::parse(&header, json)?;
                self.state = BETWEEN_ENTRIES;
                Ok((used, Some(ChunkEvent::Header(header, parsed))))
            }
            State::Entry { head, have } => {
                let used = rest.len().min(head.len() - *have);
                head[*have..*have + used].copy_from_slice(&rest[..used]);
                *have += used;
                if *have < head.len() {
                    return Ok((used, None));
                }
                let start = self.offset + used as u64 - head.len() as u64;
                let entry = ChunkEntry::decode(head, start)?;
                let left = entry.size;
                self.state = State::Body { entry, left };
                Ok((used, Some(ChunkEvent::Entry(entry))))
            }
            State::Body { left: 0, .. } => {
                self.chunks += 1;
                self.state = BETWEEN_ENTRIES;
                Ok((0, Some(ChunkEvent::EntryEnd)))
            }
            State::Body { left, .. } => {
                let used = usize::try_from(*left).map_or(rest.len(), |left| left.min(rest.len()));
                *left -= used as u64;
                let event = (used > 0).then_some(ChunkEvent::Body(0..used));
                Ok((used, event))
            }
            State::Failed => Err(ChunkArchiveError::Failed),
        }
    }
}

/// Moves bytes of the content header, then of the JSON, to `head`; gives the number of bytes used.
fn collect_head(head: &mut Vec<u8>, rest: &[u8]) -> Result<usize, ChunkArchiveError> {
    let mut used = 0;
    if head.len() < ContentHeader::SIZE {
        used = rest.len().min(ContentHeader::SIZE - head.len());
        head.extend_from_slice(&rest[..used]);
    }
    if head.len() >= ContentHeader::SIZE {
        let whole = ContentHeader::SIZE + checked_head(head)?.json_size()?;
        let more = (rest.len() - used).min(whole - head.len());
        head.extend_from_slice(&rest[used..used + more]);
        used += more;
    }
    Ok(used)
}

/// The parts of the head, once it is complete.
fn split_head(head: &[u8]) -> Result<Option<(ContentHeader, &[u8])>, ChunkArchiveError> {
    if head.len() < ContentHeader::SIZE {
        return Ok(None);
    }
    let header = checked_head(head)?;
    let json = &head[ContentHeader::SIZE..];
    Ok((json.len() == header.json_size()?).then_some((header, json)))
}

fn checked_head(head: &[u8]) -> Result<ContentHeader, ContentError> {
    let header = ContentHeader::decode(head)?;
    // First: old and unknown contents are named as such, not as "expected a chunk archive".
    header.check()?;
    header.expect(&[ContentKind::ChunkArchive])?;
    Ok(header)
}

fn head_cut(head: &[u8]) -> ChunkArchiveError {
    let error = match checked_head(head) {
        Ok(header) => ContentError::JsonCut {
            what: header.what(),
            size: header.size,
            found: head.len().saturating_sub(ContentHeader::SIZE),
        },
        Err(error) => error,
    };
    error.into()
}
