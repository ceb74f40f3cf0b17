//! Parsers of bytes from a tape, of catalogs, of the inventory, and of pxar archives.

use std::hint::black_box;
use std::io::{Read, sink};

use super::Target;
use crate::block::{BLOCK_SIZE, HEADER_SIZE};
use crate::block_stream::{BlockStream, StreamEnd};
use crate::label::{MediaLabel, MediaSetLabel};
use crate::media_catalog::{CatalogContent, CatalogIdentity, CatalogReader, mask_padding};
use crate::pxar::Decoder;
use crate::snapshot_archive::{SnapshotArchiveHeader, SnapshotArchiveReader};
use crate::{block, block_stream, catalog_archive, chunk_archive, content_header, inventory};

/// Every target with its name, for tests that run all of them.
pub const TARGETS: &[(&str, Target)] = &[
    ("block-stream", blocks),
    ("block-heads", block_heads),
    ("label", label),
    ("tape-file", tape_file),
    ("chunk-archive", chunks),
    ("snapshot-archive-body", snapshot_files),
    ("media-catalog", catalog),
    ("inventory", inventory_json),
    ("pxar", pxar_tree),
];

/// One block with number 0: its header comes back, its payload has the size it claims.
pub fn one_block(data: &[u8]) {
    if let Ok((header, payload)) = block::parse(data, 0) {
        assert_eq!(payload.len(), header.size as usize);
        assert_eq!(data[..HEADER_SIZE], header.encode());
    }
    if let Some(header) = data.first_chunk() {
        let _ = black_box(block::BlockHeader::decode(header, 0));
    }
}

/// The blocks of a tape file, and its content.
pub fn blocks(data: &[u8]) {
    if let Ok((content, _)) = block_stream::unframe(data) {
        tape_file(&content);
    }
    one_block(data);
}

/// What of each block is given; the rest is zero. A fuzzer makes no progress with inputs of 256 KiB.
const HEAD_BYTES: usize = HEADER_SIZE + 8;

/// The blocks of a tape file by their first bytes: what is accepted is in sequence, and ends as its last block says.
pub fn block_heads(data: &[u8]) {
    let mut block = vec![0; BLOCK_SIZE];
    let mut stream = BlockStream::new();
    for (number, head) in data.chunks_exact(HEAD_BYTES).enumerate() {
        block[..HEAD_BYTES].copy_from_slice(head);
        one_block(&block);
        let marked = stream.wants_file_mark();
        let Ok(payload) = stream.block(&block) else {
            assert!(stream.block(&block).is_err() && stream.file_mark().is_err());
            return;
        };
        assert!(!marked && stream.blocks() as usize == number + 1);
        assert!(stream.wants_file_mark() || !payload.is_empty());
    }
    let marked = stream.wants_file_mark();
    match stream.file_mark() {
        Ok(end) => assert_eq!(marked, end != StreamEnd::NoEndMarker),
        Err(_) => assert_eq!(stream.blocks(), 0),
    }
}

/// Either label: it comes back from what is written for it.
pub fn label(data: &[u8]) {
    if let Ok((head, label)) = MediaLabel::read(&mut &*data) {
        // Near the size limit the indented text may be too long.
        if let Ok(content) = label.encode(head.uuid, head.ctime) {
            let back = MediaLabel::read(&mut content.as_slice());
            assert!(back.is_ok_and(|(_, back)| back == label));
        }
    }
    if let Ok((head, label)) = MediaSetLabel::read(&mut &*data) {
        if let Some(key) = &label.key_config {
            super::key::wrapped_key(key);
        }
        // A fingerprint without its key is read but never written.
        if let Ok(content) = label.encode(head.uuid, head.ctime) {
            let back = MediaSetLabel::read(&mut content.as_slice());
            assert!(back.is_ok_and(|(_, back)| back == label));
        }
    }
}

/// The content of a tape file of any kind.
pub fn tape_file(mut data: &[u8]) {
    label(data);
    chunks(data);
    let Ok((header, json)) = content_header::read(&mut data) else {
        return;
    };
    let _ = black_box(chunk_archive::ChunkArchiveHeader::parse(&header, &json));
    if SnapshotArchiveHeader::parse(&header, &json).is_ok() {
        snapshot_files(data);
    }
    if catalog_archive::CatalogArchiveHeader::parse(&header, &json).is_ok() {
        catalog(data);
    }
}

/// The content of a chunk archive: the pieces in which it is fed make no difference.
pub fn chunks(data: &[u8]) {
    let whole = chunk_archive_in_pieces(data, data.len().max(1));
    for piece in [1, 7] {
        assert_eq!(chunk_archive_in_pieces(data, piece), whole);
    }
}

/// How the archive ended, with the number of blob bytes; `None` for an error.
fn chunk_archive_in_pieces(
    data: &[u8],
    piece: usize,
) -> Option<(chunk_archive::ChunkArchiveEnd, usize)> {
    let mut decoder = chunk_archive::ChunkArchiveDecoder::new();
    let mut blob_bytes = 0;
    for payload in data.chunks(piece) {
        for event in decoder.feed(payload) {
            if let chunk_archive::ChunkEvent::Body(range) = event.ok()? {
                blob_bytes += payload[range].len();
            }
        }
    }
    Some((decoder.finish().ok()?, blob_bytes))
}

/// A snapshot archive behind its header; half of the contents are read, half skipped.
pub fn snapshot_files(data: &[u8]) {
    let mut reader = SnapshotArchiveReader::new(data);
    let mut skip = false;
    while let Ok(Some(file)) = reader.next_file() {
        if !skip {
            let read = std::io::copy(&mut reader.content(), &mut sink());
            assert!(read.is_err() || read.is_ok_and(|bytes| bytes == file.size));
        }
        skip = !skip;
    }
}

/// A media catalog file: its records come back from what is written for them, but for padding.
pub fn catalog(data: &[u8]) {
    let _ = black_box(CatalogContent::parse(data, CatalogIdentity::ANY));
    let mut masked = data.to_vec();
    let good = mask_padding(&mut masked).is_ok();
    let Ok(mut records) = CatalogReader::new(data) else {
        return;
    };
    let start = records.offset() as usize;
    let mut written = masked[..start].to_vec();
    let mut all = true;
    loop {
        match records.next_record() {
            Ok(Some((_, record))) => assert!(record.append_to(&mut written).is_ok()),
            Ok(None) => break,
            Err(_) => {
                all = false;
                break;
            }
        }
    }
    assert_eq!(all, good);
    assert_eq!(written, masked[..written.len()]);
    assert!(!all || written.len() == masked.len());
}

/// An inventory: printed and read again it is the same.
pub fn inventory_json(data: &[u8]) {
    let Ok(entries) = inventory::parse(data) else {
        return;
    };
    let _ = black_box(inventory::duplicate_member(&entries));
    let again = inventory::print(&entries).and_then(|text| inventory::parse(&text));
    assert_eq!(again, Ok(entries));
}

/// A pxar archive: directories that start also end.
pub fn pxar_tree(data: &[u8]) {
    use crate::pxar::{Decoded, EntryKind};
    let mut decoder = Decoder::new(data);
    let mut open = 0;
    let mut buffer = [0; 16];
    loop {
        match decoder.next_entry() {
            Ok(Some(Decoded::Entry {
                kind: EntryKind::Directory,
                ..
            })) => open += 1,
            Ok(Some(Decoded::DirectoryEnd)) => open -= 1,
            Ok(Some(_)) => {}
            Ok(None) => {
                assert_eq!(open, 0);
                return;
            }
            Err(_) => return,
        }
        assert!(open >= 0 && decoder.path().len() <= data.len());
        assert!(decoder.path().ends_with(decoder.name()));
        let _ = black_box(decoder.payload().read(&mut buffer));
    }
}
