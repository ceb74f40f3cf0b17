//! Entry points for fuzzing: each takes any bytes, runs one parser over them to the end and lets go of the result. None may
//! panic, hang, or need more memory than a small multiple of the input.
//!
//! A fuzzer (or a test with damaged files) picks from [`TARGETS`]; what is new in a parser belongs into its target.

use std::io::{Read, sink};

use crate::media_catalog::{CatalogContent, CatalogIdentity, mask_padding};
use crate::pxar::Decoder;
use crate::snapshot_archive::{SnapshotArchiveHeader, SnapshotArchiveReader};
use crate::{
    block, block_stream, catalog_archive, chunk_archive, content_header, inventory, label,
};

/// A parser run.
pub type Target = fn(&[u8]);

/// Every target with its name.
pub const TARGETS: &[(&str, Target)] = &[
    ("block", parse_block),
    ("block-stream", parse_block_stream),
    ("tape-file", parse_tape_file),
    ("chunk-archive", parse_chunk_archive),
    ("snapshot-archive-body", parse_snapshot_archive_body),
    ("media-catalog", parse_media_catalog),
    ("inventory", parse_inventory),
    ("pxar", parse_pxar),
];

/// One block with number 0.
pub fn parse_block(bytes: &[u8]) {
    let _ = block::parse(bytes, 0);
    if let Some(header) = bytes.first_chunk() {
        let _ = block::BlockHeader::decode(header, 0);
    }
}

/// The blocks of a tape file, and its content.
pub fn parse_block_stream(bytes: &[u8]) {
    if let Ok((content, _)) = block_stream::unframe(bytes) {
        parse_tape_file(&content);
    }
}

/// The content of a tape file of any kind.
pub fn parse_tape_file(mut content: &[u8]) {
    let _ = label::MediaLabel::read(&mut &*content);
    let _ = label::MediaSetLabel::read(&mut &*content);
    parse_chunk_archive(content);
    let Ok((header, json)) = content_header::read(&mut content) else {
        return;
    };
    let _ = chunk_archive::ChunkArchiveHeader::parse(&header, &json);
    if SnapshotArchiveHeader::parse(&header, &json).is_ok() {
        parse_snapshot_archive_body(content);
    }
    if catalog_archive::CatalogArchiveHeader::parse(&header, &json).is_ok() {
        parse_media_catalog(content);
    }
}

/// The content of a chunk archive, fed in pieces of several lengths.
pub fn parse_chunk_archive(content: &[u8]) {
    for piece in [1, 7, content.len().max(1)] {
        let mut decoder = chunk_archive::ChunkArchiveDecoder::new();
        let failed = content
            .chunks(piece)
            .any(|payload| decoder.feed(payload).any(|event| event.is_err()));
        if !failed {
            let _ = decoder.finish();
        }
    }
}

/// A snapshot archive behind its header.
pub fn parse_snapshot_archive_body(body: &[u8]) {
    let mut reader = SnapshotArchiveReader::new(body);
    let mut read_it = true;
    while let Ok(Some(_)) = reader.next_file() {
        // Half of the contents are left to be skipped.
        if std::mem::replace(&mut read_it, false) {
            let _ = std::io::copy(&mut reader.content(), &mut sink());
        } else {
            read_it = true;
        }
    }
}

/// A media catalog file.
pub fn parse_media_catalog(bytes: &[u8]) {
    let _ = CatalogContent::parse(bytes, CatalogIdentity::ANY);
    let _ = mask_padding(&mut bytes.to_vec());
}

/// An inventory.
pub fn parse_inventory(bytes: &[u8]) {
    if let Ok(entries) = inventory::parse(bytes) {
        let _ = inventory::print(&entries);
        let _ = inventory::duplicate_member(&entries);
    }
}

/// A pxar archive.
pub fn parse_pxar(bytes: &[u8]) {
    let mut decoder = Decoder::new(bytes);
    let mut buffer = [0; 16];
    while let Ok(Some(_)) = decoder.next_entry() {
        let _ = decoder.name().len();
        let _ = decoder.payload().read(&mut buffer);
    }
}
