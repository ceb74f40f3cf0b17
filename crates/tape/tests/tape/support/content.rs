//! Contents of tape files, made by hand.

use ferrite_formats::Digest;
use ferrite_formats::blob::Blob;
use ferrite_formats::catalog_archive::CatalogArchiveHeader;
use ferrite_formats::chunk_archive::{ChunkArchiveHeader, ChunkEntry};
use ferrite_formats::content_header::{ContentHeader, ContentKind};
use ferrite_formats::magic::Magic;
use ferrite_formats::pxar::Stat;
use ferrite_formats::snapshot_archive::{
    SnapshotArchiveHeader, SnapshotArchiveLayout, SnapshotFile,
};
use ferrite_tape::TapeLabels;
use uuid::Uuid;

use super::tape::{MemoryTape, blocks};

pub const CTIME: i64 = 1_700_000_061;
pub const SNAPSHOT: &str = "vm/100/2024-06-05T09:38:20Z";

/// UUID of the content of file `number`.
pub fn content_uuid(number: u64) -> Uuid {
    Uuid::from_u128(0xc0_0000 + u128::from(number))
}

/// A content header with JSON, of any kind and size.
pub fn head(magic: Magic, json: &[u8], size: u32) -> Vec<u8> {
    let header = ContentHeader {
        content_magic: magic,
        uuid: content_uuid(2),
        ctime: CTIME,
        size,
        part_number: 0,
    };
    let mut content = header.encode().to_vec();
    content.extend_from_slice(json);
    content
}

pub fn media_label(labels: &TapeLabels) -> Vec<u8> {
    labels.label.encode(content_uuid(0), CTIME).unwrap()
}

pub fn set_label(labels: &TapeLabels) -> Vec<u8> {
    labels
        .media_set_label
        .as_ref()
        .unwrap()
        .encode(content_uuid(1), CTIME)
        .unwrap()
}

/// A tape with both labels and nothing else.
pub fn labelled(labels: &TapeLabels) -> MemoryTape {
    MemoryTape::with_files(vec![
        blocks(&media_label(labels)),
        blocks(&set_label(labels)),
    ])
}

/// A chunk and its blob: `bytes` bytes that do not compress well.
pub fn chunk(seed: u64, bytes: usize) -> (Digest, Vec<u8>) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let data: Vec<u8> = (0..bytes)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect();
    (
        Digest::of(&data),
        Blob::encode(&data, false, None)
            .unwrap()
            .as_bytes()
            .to_vec(),
    )
}

/// A chunk archive of store1 up to its first entry.
pub fn chunk_archive_head() -> Vec<u8> {
    ChunkArchiveHeader {
        store: "store1".into(),
    }
    .encode(content_uuid(2), CTIME)
    .unwrap()
}

/// A chunk archive of store1.
pub fn chunk_archive(chunks: &[(Digest, Vec<u8>)]) -> Vec<u8> {
    let mut content = chunk_archive_head();
    for (digest, blob) in chunks {
        content.extend_from_slice(
            &ChunkEntry {
                digest: *digest,
                size: blob.len() as u64,
            }
            .encode(),
        );
        content.extend_from_slice(blob);
    }
    content
}

pub fn snapshot_header() -> SnapshotArchiveHeader {
    SnapshotArchiveHeader {
        snapshot: SNAPSHOT.into(),
        store: "store1".into(),
    }
}

/// Bytes in front of the pxar archive in a snapshot archive.
pub fn snapshot_head() -> Vec<u8> {
    snapshot_header().encode(content_uuid(2), CTIME).unwrap()
}

pub fn snapshot_file(name: &str, size: u64) -> SnapshotFile {
    let stat = Stat {
        mode: 0o100_644,
        flags: 0,
        uid: 34,
        gid: 34,
        mtime_secs: 1_700_000_000,
        mtime_nanos: 5,
    };
    SnapshotFile {
        name: name.into(),
        stat,
        size,
    }
}

/// A snapshot archive with these files; the manifest comes first by itself.
pub fn snapshot_archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let files: Vec<(&str, &[u8])> = [("index.json.blob", &b"manifest"[..])]
        .into_iter()
        .chain(files.iter().copied())
        .collect();
    let listed = files
        .iter()
        .map(|(name, content)| snapshot_file(name, content.len() as u64))
        .collect();
    let layout =
        SnapshotArchiveLayout::new(&snapshot_header(), content_uuid(2), CTIME, listed).unwrap();
    let mut content = layout.head().to_vec();
    for ((_, head), (_, data)) in layout.file_heads().zip(&files) {
        content.extend_from_slice(head);
        content.extend_from_slice(data);
    }
    content.extend_from_slice(layout.tail());
    content
}

/// A catalog archive for the tape with these labels.
pub fn catalog_archive(labels: &TapeLabels, catalog: &[u8]) -> Vec<u8> {
    let set = labels.media_set_label.as_ref().unwrap();
    let header = CatalogArchiveHeader {
        uuid: labels.label.uuid,
        media_set_uuid: set.uuid,
        seq_nr: set.seq_nr,
    };
    let mut content = header
        .encode(ContentKind::CatalogArchive11, content_uuid(2), CTIME)
        .unwrap();
    content.extend_from_slice(catalog);
    content
}
