//! One tape file held in memory.

use ferrite_formats::block_stream::{StreamEnd, unframe};
use ferrite_formats::catalog_archive::CatalogArchiveHeader;
use ferrite_formats::chunk_archive::{ChunkArchiveDecoder, ChunkArchiveHeader, ChunkEvent};
use ferrite_formats::content_header::{self, ContentHeader, ContentKind};
use serde::Serialize;
use wasm_bindgen::JsError;

#[derive(Serialize)]
pub struct TapeFile {
    kind: &'static str,
    uuid: String,
    ctime: i64,
    end: &'static str,
    blocks: usize,
    header: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    chunks: Option<Vec<Chunk>>,
}

#[derive(Serialize)]
pub struct Chunk {
    digest: String,
    size: u64,
}

pub fn describe(bytes: &[u8]) -> Result<TapeFile, JsError> {
    let (content, end) = unframe(bytes)?;
    let mut body = content.as_slice();
    let (header, json) = content_header::read(&mut body)?;
    let kind = header.kind()?;
    let chunks = match kind {
        ContentKind::ChunkArchive => {
            ChunkArchiveHeader::parse(&header, &json)?;
            Some(chunks_of(&header, body)?)
        }
        ContentKind::CatalogArchive10 | ContentKind::CatalogArchive11 => {
            CatalogArchiveHeader::parse(&header, &json)?;
            None
        }
        _ => None,
    };
    Ok(TapeFile {
        kind: kind.name(),
        uuid: header.uuid.to_string(),
        ctime: header.ctime,
        end: match end {
            StreamEnd::Complete => "complete",
            StreamEnd::Incomplete => "incomplete",
            StreamEnd::NoEndMarker => "no-end-marker",
        },
        blocks: bytes.len() / ferrite_formats::block::BLOCK_SIZE,
        header: serde_json::from_slice(&json)?,
        chunks,
    })
}

/// Whole chunks; the last entry of an archive may be cut by the end of its tape.
fn chunks_of(header: &ContentHeader, body: &[u8]) -> Result<Vec<Chunk>, JsError> {
    let mut decoder = ChunkArchiveDecoder::after_header(header);
    let (mut chunks, mut current) = (Vec::new(), None);
    for event in decoder.feed(body) {
        match event? {
            ChunkEvent::Entry(entry) => current = Some(entry),
            ChunkEvent::EntryEnd => {
                chunks.extend(current.take().map(|entry| Chunk {
                    digest: entry.digest.to_string(),
                    size: entry.size,
                }));
            }
            ChunkEvent::Header(..) | ChunkEvent::Body(_) => {}
        }
    }
    decoder.finish()?;
    Ok(chunks)
}
