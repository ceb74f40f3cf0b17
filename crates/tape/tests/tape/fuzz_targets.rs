//! Fuzz targets: a chunk index file, a catalog file, and whole tapes.

use std::path::Path;

use ferrite_formats::Digest;
use ferrite_formats::block::BLOCK_SIZE;
use ferrite_formats::media_catalog::{
    CatalogContent, CatalogIdentity, CatalogReader, CatalogRecord,
};
use ferrite_tape::catalog::{cut_torn_tail, read_catalog};
use ferrite_tape::index::{CatalogSource, ChunkIndex};
use ferrite_tape::restore::{CatalogRestore, restore_catalogs};
use ferrite_tape::scan::{CatalogScan, scan_catalog, scan_files};
use ferrite_tape::{AlignedBlock, MediaCatalog, TapeError, Watch, is_blank, read_labels};
use tempfile::TempDir;

use crate::support::content::{media_label, set_label};
use crate::support::labels;
use crate::support::tape::{MemoryTape, Object, blocks, incomplete_blocks, unterminated_blocks};

/// Reads hostile bytes, or refuses them.
pub type Target = fn(&[u8]);

/// Every target with its name.
pub const TARGETS: &[(&str, Target)] = &[
    ("chunk-index", chunk_index),
    ("catalog-file", catalog_file),
    ("tape", tape),
];

/// A chunk index: small numbers for its header, then the content of its tables. Magic, lengths and checksums are put
/// right, so that everything behind them is reached.
pub fn chunk_index(data: &[u8]) {
    let Some((&numbers, content)) = data.split_first_chunk::<6>() else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("index");
    std::fs::write(&path, data).unwrap();
    assert!(
        ChunkIndex::open(&path).is_err(),
        "no checksum fits by chance"
    );

    let file = index_file(numbers, content);
    std::fs::write(&path, &file).unwrap();
    let Ok(index) = ChunkIndex::open(&path) else {
        return;
    };
    assert_eq!(index.file_bytes(), file.len() as u64);
    let records = &file[file.len() - index.chunks() as usize * RECORD_BYTES..];
    let digests = records.chunks(RECORD_BYTES).chain(content.chunks(32));
    let names = ["a", "b", "", "store1"];
    for bytes in digests.filter_map(|bytes| bytes.first_chunk::<32>()) {
        for name in names {
            if let Some(found) = index.lookup(name, &Digest::new(*bytes)) {
                // The archive that is named stands in the table.
                let mut entry = found.media_uuid.as_bytes().to_vec();
                entry.extend_from_slice(&found.file_number.to_le_bytes());
                assert!(file.windows(entry.len()).any(|window| window == entry));
            }
        }
    }
}

const RECORD_BYTES: usize = 36;
const PAGE: usize = 4096;

/// Lays a file out as `index/layout.rs` says.
fn index_file(
    [bits, records, archives, stores, sources, names]: [u8; 6],
    content: &[u8],
) -> Vec<u8> {
    let (bits, records) = (u32::from(bits % 6), usize::from(records % 32));
    let (archives, stores, sources) = (archives % 8, stores % 4, sources % 3);
    let mut content = content.iter().copied().chain(std::iter::repeat(0));
    let mut fill = |file: &mut Vec<u8>, bytes: usize| file.extend(content.by_ref().take(bytes));
    let mut file = vec![0; 256];
    fill(
        &mut file,
        usize::from(sources) * 72 + usize::from(archives) * 32,
    );
    fill(&mut file, usize::from(names));
    file.resize(file.len().next_multiple_of(PAGE), 0);
    fill(&mut file, ((1 << bits) + 1) * 4);
    file.resize(file.len().next_multiple_of(PAGE), 0);
    fill(&mut file, records * RECORD_BYTES);

    let body_crc = crc32fast::hash(&file[256..]);
    file[..8].copy_from_slice(b"FeChkIdx");
    file[8..12].copy_from_slice(&1u32.to_le_bytes());
    file[12..16].copy_from_slice(&bits.to_le_bytes());
    file[16..24].copy_from_slice(&(records as u64).to_le_bytes());
    for (at, number) in [(24, archives), (28, stores), (32, sources), (40, names)] {
        file[at..at + 4].copy_from_slice(&u32::from(number).to_le_bytes());
    }
    file[48..52].copy_from_slice(&body_crc.to_le_bytes());
    let header_crc = crc32fast::hash(&file[..252]);
    file[252..256].copy_from_slice(&header_crc.to_le_bytes());
    file
}

/// A catalog file: read in pieces it says what it says as a whole, cutting its torn end off makes it good, and an index
/// over it finds its chunks.
pub fn catalog_file(data: &[u8]) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("media.log");
    std::fs::write(&path, data).unwrap();
    let whole = CatalogContent::parse(data, CatalogIdentity::ANY);
    let read = read_catalog(&path, CatalogIdentity::ANY);
    assert_eq!(
        read.as_ref().ok().map(|summary| &summary.content),
        whole.as_ref().ok()
    );
    let opened = MediaCatalog::open(&path, CatalogIdentity::ANY).is_ok();
    assert_eq!(opened, whole.is_ok());
    // What ends inside an archive can be read but not continued.
    let good = whole.as_ref().is_ok_and(|content| !content.unfinished);
    if let Some(media_uuid) = whole.ok().and_then(|content| content.media_uuid) {
        let source = CatalogSource::new(media_uuid, &path);
        all_found(&folder.path().join("index"), source, data);
    }
    if let Ok(cut) = cut_torn_tail(&path, CatalogIdentity::ANY) {
        let left = std::fs::read(&path).unwrap();
        assert_eq!(left, data[..data.len() - cut as usize]);
        assert_eq!(cut == 0, good);
        let summary = read_catalog(&path, CatalogIdentity::ANY).unwrap();
        assert!(!summary.content.unfinished);
    } else {
        assert!(!good && std::fs::read(&path).unwrap() == data);
    }
}

fn all_found(path: &Path, source: CatalogSource, catalog: &[u8]) {
    let index = ChunkIndex::open_or_build(path, &[source]).unwrap();
    let mut current = None;
    for record in CatalogReader::new(catalog).unwrap() {
        match record.unwrap().1 {
            CatalogRecord::ArchiveStart { store, .. } => current = index.store(store),
            CatalogRecord::Chunk(digest) => assert!(index.contains(current.unwrap(), &digest)),
            _ => {}
        }
    }
}

/// Most bytes of one object in the input of [`tape`].
const MOST_OBJECTS: usize = 12;

/// A tape: objects with kind and length in front. Everything that reads whole tapes must come to an end, and a catalog
/// that was made must be a good one.
pub fn tape(data: &[u8]) {
    let tape = MemoryTape::with(objects(data));
    let block = &mut AlignedBlock::new();
    let folder = TempDir::new().unwrap();
    let mut watch = Watch {
        on_event: &mut |_| {},
        cancelled: &|| false,
    };
    let _ = is_blank(&mut tape.drive(), block);
    let found = read_labels(&mut tape.drive(), block);
    scan_files(&mut tape.drive(), block, &mut watch).unwrap();

    let labels = found.ok().flatten().unwrap_or_else(|| labels(0));
    let identity = CatalogIdentity::of(labels.label.uuid, labels.media_set_label.as_ref());
    let path = folder.path().join("scanned.log");
    let scan = CatalogScan {
        labels: &labels,
        catalog: &path,
        owner: None,
        verbose: true,
    };
    match scan_catalog(&mut tape.drive(), block, &scan, &mut watch) {
        Ok(summary) => assert_eq!(read_catalog(&path, identity).unwrap(), summary),
        Err(error) => {
            assert!(!path.exists());
            assert!(!matches!(error, TapeError::Usage { .. }), "{error}");
        }
    }
    let restore = CatalogRestore {
        labels: &labels,
        members: &[labels.label.uuid],
        folder: folder.path(),
        owner: None,
    };
    if let Ok(outcome) = restore_catalogs(&mut tape.drive(), block, &restore, &mut watch) {
        let path = folder.path().join(format!("{}.log", labels.label.uuid));
        assert_eq!(outcome.own_restored, path.exists());
        if outcome.own_restored {
            read_catalog(&path, CatalogIdentity::ANY).unwrap();
        }
    }
}

fn objects(mut data: &[u8]) -> Vec<Object> {
    let mut objects = Vec::new();
    while let Some((&[kind, low, high], rest)) = data.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes([low, high])).min(rest.len());
        let (content, rest) = rest.split_at(length);
        data = rest;
        if objects.len() >= MOST_OBJECTS {
            break;
        }
        let file = match kind % 8 {
            0 | 1 => blocks(content),
            2 => incomplete_blocks(content),
            3 => unterminated_blocks(content),
            4 => blocks(&media_label(&labels(0))),
            5 => blocks(&set_label(&labels(0))),
            // One block, of the right length, another, or cut off; and a file mark.
            6 => {
                let mut block = content.to_vec();
                if kind & 8 == 0 {
                    block.resize(BLOCK_SIZE, 0);
                }
                objects.push(if block.is_empty() {
                    Object::PartialBlock
                } else {
                    Object::Block(block)
                });
                continue;
            }
            _ => Vec::new(),
        };
        objects.extend(file.into_iter().map(Object::Block));
        objects.push(Object::Mark);
    }
    objects
}
