//! Tapes, catalogs and inventories written by PBS: parsed, compared with its own listings, and written again byte for byte.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use ferrite_formats::blob::BlobRef;
use ferrite_formats::block_stream::{StreamEnd, frame_content, unframe};
use ferrite_formats::catalog_archive::CatalogArchiveHeader;
use ferrite_formats::chunk_archive::{
    ChunkArchiveDecoder, ChunkArchiveEnd, ChunkArchiveHeader, ChunkEntry, ChunkEvent,
};
use ferrite_formats::content_header::{self, ContentHeader, ContentKind};
use ferrite_formats::label::{MediaLabel, MediaSetLabel};
use ferrite_formats::media_catalog::{
    CatalogContent, CatalogIdentity, CatalogReader, CatalogWriter, mask_padding,
};
use ferrite_formats::snapshot_archive::{
    SnapshotArchiveError, SnapshotArchiveHeader, SnapshotArchiveLayout, SnapshotArchiveReader,
    SnapshotFile,
};
use ferrite_formats::{Digest, inventory, magic};
use serde_json::Value;

/// The folder of fixtures. Tests without it print why and pass, unless FERRITE_REQUIRE names `fixtures`.
pub fn folder() -> Option<PathBuf> {
    let path = std::env::var_os("FERRITE_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
        PathBuf::from,
    );
    if path.join("small/tapes").is_dir() {
        return Some(path);
    }
    let required = std::env::var("FERRITE_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|word| word.trim() == "fixtures"),
        "fixtures are required but not at {}",
        path.display()
    );
    eprintln!("SKIP fixtures: nothing at {}", path.display());
    None
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&read(path)).unwrap()
}

const SETS: [&str; 3] = ["small", "append", "incomplete"];

/// The datastore that the tapes of a set were written from.
struct Store(PathBuf);

impl Store {
    fn of(set: &Path, name: &str) -> Self {
        Self(set.join(name))
    }

    fn chunk(&self, digest: &Digest) -> Vec<u8> {
        read(&self.0.join(".chunks").join(digest.chunk_path()))
    }

    fn file(&self, snapshot: &str, name: &str) -> Vec<u8> {
        read(&self.0.join(snapshot).join(name))
    }
}

/// One tape file with the row of PBS's listing.
struct TapeFile {
    place: String,
    set: PathBuf,
    stream: Vec<u8>,
    row: Value,
}

fn tape_files(folder: &Path) -> Vec<TapeFile> {
    let mut files = Vec::new();
    for set in SETS {
        let set = folder.join(set);
        let listing = json(&set.join("tapes.listing.json"));
        for (label, rows) in listing.as_object().unwrap() {
            for (number, row) in rows.as_array().unwrap().iter().enumerate() {
                let path = set.join(format!("tapes/tapefile-{number}-{label}.json"));
                files.push(TapeFile {
                    place: path.display().to_string(),
                    set: set.clone(),
                    stream: read(&path),
                    row: row.clone(),
                });
            }
        }
    }
    files
}

#[test]
fn every_tape_file_is_read_and_written_again_byte_for_byte() {
    let Some(folder) = folder() else { return };
    let files = tape_files(&folder);
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut incomplete = 0;
    for file in &files {
        let (content, end) = unframe(&file.stream).unwrap();
        assert_ne!(end, StreamEnd::NoEndMarker, "{}", file.place);
        let cut = end == StreamEnd::Incomplete;
        incomplete += usize::from(cut);
        // The listing has only an error for archives that are cut.
        assert_eq!(cut, file.row["error"] == "unexpected EOF", "{}", file.place);
        let mut body = content.as_slice();
        let (header, text) = content_header::read(&mut body).unwrap();
        if !cut {
            check_header(file, &header, &text);
        }
        let kind = header.kind().unwrap();
        *kinds.entry(kind.name()).or_default() += 1;
        let mut expected = content.clone();
        let written = match kind {
            ContentKind::MediaLabel => {
                let (_, label) = MediaLabel::read(&mut content.as_slice()).unwrap();
                label.encode(header.uuid, header.ctime).unwrap()
            }
            ContentKind::MediaSetLabel => {
                let (_, label) = MediaSetLabel::read(&mut content.as_slice()).unwrap();
                label.encode(header.uuid, header.ctime).unwrap()
            }
            ContentKind::ChunkArchive => chunk_archive(file, &header, &text, &content),
            ContentKind::SnapshotArchive11 | ContentKind::SnapshotArchive12 => {
                snapshot_archive(file, &header, &text, body, cut, content.len())
            }
            ContentKind::CatalogArchive10 | ContentKind::CatalogArchive11 => {
                let at = content.len() - body.len();
                mask_padding(&mut expected[at..]).unwrap();
                catalog_archive(file, kind, &header, &text, body)
            }
        };
        assert!(
            written == expected,
            "{}: differs when written again",
            file.place
        );
        if !kind.is_catalog_archive() {
            let stream = frame_content(&written, cut);
            assert!(stream == file.stream, "{}: framed differently", file.place);
        }
    }
    eprintln!(
        "{} tape files: {kinds:?}, {incomplete} incomplete",
        files.len()
    );
    assert_eq!(files.len(), 73);
    assert_eq!(kinds.len(), 5);
    assert!(incomplete > 0);
}

fn check_header(file: &TapeFile, header: &ContentHeader, text: &[u8]) {
    let row = &file.row;
    let place = &file.place;
    assert_eq!(row["file_bytes"].as_u64(), Some(file.stream.len() as u64));
    assert_eq!(
        magic::name(&header.content_magic),
        row["type"].as_str(),
        "{place}"
    );
    assert_eq!(
        header.uuid.to_string(),
        row["content_uuid"].as_str().unwrap()
    );
    assert_eq!(
        u64::from(header.part_number),
        row["part_number"].as_u64().unwrap()
    );
    assert_eq!(
        serde_json::from_slice::<Value>(text).unwrap(),
        row["header"],
        "{place}"
    );
}

/// Reads a chunk archive, compares it with listing and datastore, and makes its content anew from the datastore.
fn chunk_archive(file: &TapeFile, header: &ContentHeader, text: &[u8], content: &[u8]) -> Vec<u8> {
    let parsed = ChunkArchiveHeader::parse(header, text).unwrap();
    let store = Store::of(&file.set, &parsed.store);
    let mut decoder = ChunkArchiveDecoder::new();
    let mut whole = Vec::new();
    let mut written = Vec::new();
    let mut blob = Vec::new();
    let mut current = None;
    for payload in content.chunks(262_128) {
        for event in decoder.feed(payload) {
            match event.unwrap() {
                ChunkEvent::Header(head, parsed) => {
                    written.extend(parsed.encode(head.uuid, head.ctime).unwrap());
                }
                ChunkEvent::Entry(entry) => {
                    current = Some(entry);
                    blob.clear();
                }
                ChunkEvent::Body(range) => blob.extend_from_slice(&payload[range]),
                ChunkEvent::EntryEnd => {
                    let entry = current.take().unwrap();
                    assert_eq!(blob, store.chunk(&entry.digest), "{}", file.place);
                    BlobRef::parse(&blob).unwrap().check_crc().unwrap();
                    append_entry(&mut written, &entry, &blob);
                    whole.push(serde_json::json!([entry.digest, entry.size]));
                }
            }
        }
    }
    let end = decoder.finish().unwrap();
    assert_eq!(
        end,
        ChunkArchiveEnd {
            chunks: whole.len() as u64,
            cut: current
        }
    );
    if let Some(entry) = end.cut {
        append_entry(
            &mut written,
            &entry,
            &store.chunk(&entry.digest)[..blob.len()],
        );
    }
    let row = &file.row;
    assert_eq!(
        row["chunks"].as_u64().unwrap(),
        end.chunks,
        "{}",
        file.place
    );
    assert_eq!(row["chunk_list"], Value::Array(whole), "{}", file.place);
    written
}

fn append_entry(out: &mut Vec<u8>, entry: &ChunkEntry, blob: &[u8]) {
    out.extend_from_slice(&entry.encode());
    out.extend_from_slice(blob);
}

/// Reads a snapshot archive, compares its files with the datastore, and makes its content anew.
fn snapshot_archive(
    file: &TapeFile,
    header: &ContentHeader,
    text: &[u8],
    body: &[u8],
    cut: bool,
    content_len: usize,
) -> Vec<u8> {
    let parsed = SnapshotArchiveHeader::parse(header, text).unwrap();
    assert_eq!(
        parsed.kind().unwrap(),
        header.kind().unwrap(),
        "{}",
        file.place
    );
    let store = Store::of(&file.set, &parsed.store);
    let mut reader = SnapshotArchiveReader::new(body);
    let mut files: Vec<SnapshotFile> = Vec::new();
    let error = loop {
        match reader.next_file() {
            Ok(None) => break None,
            Err(error) => break Some(error),
            Ok(Some(found)) => {
                let mut bytes = Vec::new();
                let result = reader.content().read_to_end(&mut bytes);
                let original = store.file(&parsed.snapshot, &found.name);
                assert_eq!(original.len() as u64, found.size);
                assert!(
                    original.starts_with(&bytes),
                    "{}: {}",
                    file.place,
                    found.name
                );
                assert_eq!(result.is_ok(), bytes == original);
                files.push(found);
            }
        }
    };
    assert_eq!(error.is_some(), cut, "{}: {error:?}", file.place);
    assert!(
        !matches!(error, Some(SnapshotArchiveError::NoManifest)),
        "the archive is cut, not without a manifest"
    );
    if let Some(listed) = file.row["files"].as_object() {
        assert_eq!(listed.len(), files.len());
        for found in &files {
            let row = &listed[&found.name];
            assert_eq!(row["size"].as_u64(), Some(found.size));
            let bytes = store.file(&parsed.snapshot, &found.name);
            assert_eq!(row["sha256"], serde_json::json!(Digest::of(&bytes)));
        }
    }
    let layout = SnapshotArchiveLayout::new(&parsed, header.uuid, header.ctime, files).unwrap();
    let mut written = layout.head().to_vec();
    for (found, head) in layout.file_heads() {
        written.extend_from_slice(head);
        written.extend(store.file(&parsed.snapshot, &found.name));
    }
    written.extend_from_slice(layout.tail());
    assert_eq!(layout.content_len(), written.len() as u64);
    if cut {
        assert!(written.len() > content_len);
        written.truncate(content_len);
    }
    written
}

/// Reads a catalog archive and makes its content anew, record by record.
fn catalog_archive(
    file: &TapeFile,
    kind: ContentKind,
    header: &ContentHeader,
    text: &[u8],
    body: &[u8],
) -> Vec<u8> {
    let parsed = CatalogArchiveHeader::parse(header, text).unwrap();
    let identity = CatalogIdentity {
        media_uuid: Some(parsed.uuid),
        media_set: Some((parsed.media_set_uuid, parsed.seq_nr)),
    };
    assert_eq!(
        body.len() as u64,
        file.row["payload_bytes"].as_u64().unwrap()
    );
    let mut written = parsed.encode(kind, header.uuid, header.ctime).unwrap();
    written.extend(written_again(body, identity));

    // The catalog on disk has only grown since.
    let log = file.set.join(format!("lib-tape/{}.log", parsed.uuid));
    let mut log = read(&log);
    let mut saved = body.to_vec();
    mask_padding(&mut log).unwrap();
    mask_padding(&mut saved).unwrap();
    assert!(log.starts_with(&saved), "{}", file.place);
    written
}

/// A catalog written anew from its records.
fn written_again(bytes: &[u8], identity: CatalogIdentity) -> Vec<u8> {
    let mut writer = CatalogWriter::create(identity);
    for record in CatalogReader::new(bytes).unwrap() {
        writer.push(&record.unwrap().1).unwrap();
    }
    writer.pending().unwrap().to_vec()
}

fn status_folders(folder: &Path) -> Vec<PathBuf> {
    let names = [
        "lib-tape",
        "lib-tape-after-inventory",
        "lib-tape-after-restore",
    ];
    let all = SETS
        .iter()
        .flat_map(|set| names.iter().map(move |name| folder.join(set).join(name)));
    all.filter(|path| path.is_dir()).collect()
}

#[test]
fn every_catalog_is_read_and_written_again() {
    let Some(folder) = folder() else { return };
    let mut catalogs = 0;
    for status in status_folders(&folder) {
        let entries = inventory::parse(&read(&status.join("inventory.json"))).unwrap();
        for entry in &entries {
            let uuid = entry.id.label.uuid;
            let path = status.join(format!("{uuid}.log"));
            if !path.exists() {
                continue;
            }
            let bytes = read(&path);
            let identity = CatalogIdentity::of(uuid, entry.id.media_set_label.as_ref());
            let content = CatalogContent::parse(&bytes, identity)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(content.media_uuid, Some(uuid));
            assert!(!content.unfinished);
            let mut masked = bytes.clone();
            mask_padding(&mut masked).unwrap();
            assert!(
                written_again(&bytes, identity) == masked,
                "{}",
                path.display()
            );
            catalogs += 1;
        }
    }
    eprintln!("{catalogs} catalogs");
    assert_eq!(catalogs, 26);
}

#[test]
fn catalogs_say_what_pbs_reads_in_them() {
    let Some(folder) = folder() else { return };
    for set in SETS {
        let set = folder.join(set);
        let listing = json(&set.join("catalogs.listing.json"));
        for (label, tape) in listing.as_object().unwrap() {
            let uuid = tape["uuid"].as_str().unwrap();
            let bytes = read(&set.join(format!("lib-tape/{uuid}.log")));
            let found = by_store(&bytes);
            assert_eq!(found, tape["stores"], "{label} in {}", set.display());
        }
    }
}

/// The catalog in the shape of PBS's listing.
fn by_store(bytes: &[u8]) -> Value {
    use ferrite_formats::media_catalog::{CatalogRecord, load};
    /// Digests or snapshots with their tape files.
    type Places = BTreeMap<String, u64>;
    let mut stores: BTreeMap<String, (Places, Places)> = BTreeMap::new();
    let mut open = (String::new(), 0);
    load(bytes, CatalogIdentity::ANY, |_, record| match record {
        CatalogRecord::ArchiveStart {
            file_number, store, ..
        } => {
            open = (store.to_owned(), file_number);
            stores.entry(store.to_owned()).or_default();
        }
        CatalogRecord::Chunk(digest) => {
            let chunks = &mut stores.get_mut(&open.0).unwrap().0;
            chunks.insert(digest.to_string(), open.1);
        }
        CatalogRecord::Snapshot {
            file_number,
            store,
            snapshot,
            ..
        } => {
            let snapshots = &mut stores.entry(store.to_owned()).or_default().1;
            snapshots.insert(snapshot.to_owned(), file_number);
        }
        CatalogRecord::Label { .. } | CatalogRecord::ArchiveEnd { .. } => {}
    })
    .unwrap();
    stores
        .into_iter()
        .map(|(store, (chunks, snapshots))| {
            let row = serde_json::json!({
                "chunk_count": chunks.len(), "chunks": chunks, "snapshots": snapshots
            });
            (store, row)
        })
        .collect::<serde_json::Map<String, Value>>()
        .into()
}

#[test]
fn every_inventory_is_printed_as_it_was() {
    let Some(folder) = folder() else { return };
    let mut inventories = 0;
    for status in status_folders(&folder) {
        let text = read(&status.join("inventory.json"));
        let entries = inventory::parse(&text).unwrap();
        assert!(inventory::duplicate_member(&entries).is_none());
        assert_eq!(
            String::from_utf8(inventory::print(&entries).unwrap()).unwrap(),
            String::from_utf8(text).unwrap()
        );
        inventories += 1;
    }
    assert_eq!(inventories, 7);
}

#[test]
fn encrypted_set_labels_are_written_again_byte_for_byte() {
    let Some(folder) = folder() else { return };
    for label in ["ENC001", "ENC002"] {
        for number in [0, 1] {
            let path = folder.join(format!("small/enc-label/tapefile-{number}-{label}.json"));
            let stream = read(&path);
            let (content, _) = unframe(&stream).unwrap();
            let written = if number == 0 {
                let (head, label) = MediaLabel::read(&mut content.as_slice()).unwrap();
                label.encode(head.uuid, head.ctime).unwrap()
            } else {
                let (head, label) = MediaSetLabel::read(&mut content.as_slice()).unwrap();
                assert!(label.encryption_key_fingerprint.is_some());
                assert!(label.key_config.is_some());
                assert!(label.without_key_config().key_config.is_none());
                label.encode(head.uuid, head.ctime).unwrap()
            };
            assert_eq!(
                String::from_utf8_lossy(&written[48..]),
                String::from_utf8_lossy(&content[48..])
            );
            assert!(
                frame_content(&written, false) == stream,
                "{}",
                path.display()
            );
        }
    }
}
