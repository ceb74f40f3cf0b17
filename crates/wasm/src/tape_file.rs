//! One tape file, handed over piece by piece, so that a page can look into a file that is larger than its memory.

use ferrite_formats::block::BLOCK_SIZE;
use ferrite_formats::block_stream::{BlockStream, StreamEnd};
use ferrite_formats::catalog_archive::CatalogArchiveHeader;
use ferrite_formats::chunk_archive::{ChunkArchiveDecoder, ChunkArchiveHeader, ChunkEvent};
use ferrite_formats::content_header::{self, ContentHeader, ContentKind};
use ferrite_formats::media_catalog::{CatalogContent, CatalogIdentity};
use ferrite_formats::snapshot_archive::{SnapshotArchiveHeader, SnapshotArchiveReader};
use serde::Serialize;
use wasm_bindgen::JsError;

use crate::Catalog;

/// Content that is kept: that of catalogs and snapshot archives, whose indexes are large. Chunks are not kept.
const MOST_CONTENT_BYTES: usize = 1 << 29;

#[derive(Serialize)]
pub struct TapeFile {
    kind: &'static str,
    uuid: String,
    ctime: i64,
    end: &'static str,
    blocks: u32,
    header: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    chunks: Option<Vec<Chunk>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Vec<File>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog: Option<Catalog>,
}

#[derive(Serialize)]
pub struct Chunk {
    digest: String,
    size: u64,
}

/// A file of a snapshot archive.
#[derive(Serialize)]
pub struct File {
    name: String,
    size: u64,
    /// Epoch seconds.
    mtime: i64,
}

/// What is known of a tape file so far.
pub struct Reader {
    stream: BlockStream,
    /// A block that is not whole yet.
    rest: Vec<u8>,
    head: Option<Head>,
    content: Content,
}

struct Head {
    header: ContentHeader,
    kind: ContentKind,
    json: Vec<u8>,
}

enum Content {
    /// Kept as it is.
    Bytes(Vec<u8>),
    Chunks(Box<Chunks>),
}

struct Chunks {
    decoder: ChunkArchiveDecoder,
    whole: Vec<Chunk>,
    /// The entry at hand; it may be cut by the end of its tape.
    current: Option<Chunk>,
}

impl Reader {
    pub fn new() -> Self {
        Self {
            stream: BlockStream::new(),
            rest: Vec::new(),
            head: None,
            content: Content::Bytes(Vec::new()),
        }
    }

    /// Takes the next bytes of the file.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), JsError> {
        if !self.rest.is_empty() {
            let missing = (BLOCK_SIZE - self.rest.len()).min(bytes.len());
            self.rest.extend_from_slice(&bytes[..missing]);
            bytes = &bytes[missing..];
            if self.rest.len() < BLOCK_SIZE {
                return Ok(());
            }
            let block = std::mem::take(&mut self.rest);
            self.block(&block)?;
        }
        let mut blocks = bytes.chunks_exact(BLOCK_SIZE);
        for block in &mut blocks {
            self.block(block)?;
        }
        self.rest = blocks.remainder().to_vec();
        Ok(())
    }

    fn block(&mut self, block: &[u8]) -> Result<(), JsError> {
        let mut payload = self.stream.block(block)?;
        if self.head.is_none() {
            self.head = Some(self.read_head(&mut payload)?);
        }
        self.content.add(payload)
    }

    /// Headers are shorter than a block.
    fn read_head(&mut self, payload: &mut &[u8]) -> Result<Head, JsError> {
        let (header, json) = content_header::read(payload)?;
        let kind = header.kind()?;
        match kind {
            ContentKind::ChunkArchive => {
                ChunkArchiveHeader::parse(&header, &json)?;
                self.content = Content::Chunks(Box::new(Chunks {
                    decoder: ChunkArchiveDecoder::after_header(&header),
                    whole: Vec::new(),
                    current: None,
                }));
            }
            ContentKind::SnapshotArchive11 | ContentKind::SnapshotArchive12 => {
                SnapshotArchiveHeader::parse(&header, &json)?;
            }
            ContentKind::CatalogArchive10 | ContentKind::CatalogArchive11 => {
                CatalogArchiveHeader::parse(&header, &json)?;
            }
            ContentKind::MediaLabel | ContentKind::MediaSetLabel => {}
        }
        Ok(Head { header, kind, json })
    }

    /// Behind the last byte: what the file holds.
    pub fn finish(mut self) -> Result<TapeFile, JsError> {
        if !self.rest.is_empty() {
            // Too short for a block: says so.
            let rest = std::mem::take(&mut self.rest);
            self.stream.block(&rest)?;
        }
        let end = self.stream.file_mark()?;
        let Some(Head { header, kind, json }) = self.head else {
            return Err(JsError::new("the file has no blocks"));
        };
        let (mut chunks, mut files, mut catalog) = (None, None, None);
        match (kind, self.content) {
            (_, Content::Chunks(found)) => chunks = Some(found.finish(end)?),
            (
                ContentKind::SnapshotArchive11 | ContentKind::SnapshotArchive12,
                Content::Bytes(body),
            ) => files = Some(files_of(&body, end)?),
            (
                ContentKind::CatalogArchive10 | ContentKind::CatalogArchive11,
                Content::Bytes(body),
            ) if end.is_complete() => {
                let content = CatalogContent::parse(&body, CatalogIdentity::default())?;
                catalog = Some(Catalog::from(&content));
            }
            (_, Content::Bytes(_)) => {}
        }
        Ok(TapeFile {
            kind: kind.name(),
            uuid: header.uuid.to_string(),
            ctime: header.ctime,
            end: match end {
                StreamEnd::Complete => "complete",
                StreamEnd::Incomplete => "incomplete",
                StreamEnd::NoEndMarker => "no-end-marker",
            },
            blocks: self.stream.blocks(),
            header: serde_json::from_slice(&json)?,
            chunks,
            files,
            catalog,
        })
    }
}

impl Content {
    fn add(&mut self, payload: &[u8]) -> Result<(), JsError> {
        match self {
            Self::Bytes(bytes) if bytes.len() + payload.len() > MOST_CONTENT_BYTES => {
                Err(JsError::new("the archive is too large to be looked into"))
            }
            Self::Bytes(bytes) => {
                bytes.extend_from_slice(payload);
                Ok(())
            }
            Self::Chunks(chunks) => chunks.add(payload),
        }
    }
}

impl Chunks {
    fn add(&mut self, payload: &[u8]) -> Result<(), JsError> {
        for event in self.decoder.feed(payload) {
            match event? {
                ChunkEvent::Entry(entry) => {
                    self.current = Some(Chunk {
                        digest: entry.digest.to_string(),
                        size: entry.size,
                    });
                }
                ChunkEvent::EntryEnd => self.whole.extend(self.current.take()),
                ChunkEvent::Header(..) | ChunkEvent::Body(_) => {}
            }
        }
        Ok(())
    }

    fn finish(self, end: StreamEnd) -> Result<Vec<Chunk>, JsError> {
        match self.decoder.finish() {
            Err(error) if end.is_complete() => Err(error.into()),
            _ => Ok(self.whole),
        }
    }
}

/// Files of a snapshot; those in front of the cut where the archive met the end of its tape.
fn files_of(body: &[u8], end: StreamEnd) -> Result<Vec<File>, JsError> {
    let mut archive = SnapshotArchiveReader::new(body);
    let mut files = Vec::new();
    loop {
        match archive.next_file() {
            Ok(Some(file)) => files.push(File {
                name: file.name,
                size: file.size,
                mtime: file.stat.mtime_secs,
            }),
            Ok(None) => return Ok(files),
            Err(_) if !end.is_complete() => return Ok(files),
            Err(error) => return Err(error.into()),
        }
    }
}
