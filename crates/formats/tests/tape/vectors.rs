//! The worked examples of the specification (tests/vectors/tape, tests/vectors/pxar).

use std::io::{Read, Write};
use std::path::PathBuf;

use ferrite_formats::block::{BLOCK_SIZE, BlockFlags, PAYLOAD_SIZE, block_count, parse};
use ferrite_formats::block_stream::{StreamEnd, frame_content, unframe};
use ferrite_formats::catalog_archive::CatalogArchiveHeader;
use ferrite_formats::chunk_archive::{
    ChunkArchiveDecoder, ChunkArchiveEnd, ChunkArchiveHeader, ChunkEntry, ChunkEvent,
};
use ferrite_formats::content_header::{self, ContentHeader, ContentKind};
use ferrite_formats::label::{MediaLabel, MediaSetLabel};
use ferrite_formats::media_catalog::{
    CatalogContent, CatalogIdentity, CatalogReader, CatalogRecord, CatalogWriter, mask_padding,
};
use ferrite_formats::pxar::{Decoded, Decoder, Encoder, EntryKind, Metadata, Stat, goodbye, item};
use ferrite_formats::siphash::name_hash;
use ferrite_formats::snapshot_archive::{
    SnapshotArchiveHeader, SnapshotArchiveLayout, SnapshotArchiveReader, SnapshotFile,
};
use ferrite_formats::{Digest, Fingerprint, inventory, magic};
use serde_json::Value;
use uuid::Uuid;

pub fn vectors(file: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/vectors")
        .join(file);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap()
}

pub fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn uuid(value: &Value) -> Uuid {
    value.as_str().unwrap().parse().unwrap()
}

pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

/// Content UUID and time of the file in a vector.
fn file_head(vector: &Value) -> (Uuid, i64) {
    let head = &vector["header"];
    (uuid(&head["uuid"]), head["ctime"].as_i64().unwrap())
}

/// Checks what was written against content and both hashes of a vector.
fn assert_content(vector: &Value, content: &[u8]) {
    assert_eq!(hex::encode(content), vector["content"].as_str().unwrap());
    assert_eq!(sha256(content), vector["contentSha256"].as_str().unwrap());
    let stream = frame_content(content, false);
    assert_eq!(sha256(&stream), vector["streamSha256"].as_str().unwrap());
    assert_eq!(
        unframe(&stream).unwrap(),
        (content.to_vec(), StreamEnd::Complete)
    );
}

#[test]
fn magics() {
    let vectors = vectors("tape/magic.json");
    let rows = vectors["magics"].as_array().unwrap();
    assert_eq!(rows.len(), magic::TABLE.len());
    for row in rows {
        let found: magic::Magic = bytes(&row["hex"]).try_into().unwrap();
        assert_eq!(magic::name(&found), row["text"].as_str());
    }
}

#[test]
fn blocks_of_content_at_the_edges_of_a_block() {
    let vectors = vectors("tape/block.json");
    assert_eq!(number(&vectors["blockSize"]), BLOCK_SIZE as u64);
    assert_eq!(number(&vectors["payloadSize"]), PAYLOAD_SIZE as u64);
    for row in vectors["framing"].as_array().unwrap() {
        let length = number(&row["contentLength"]);
        let stream = frame_content(&vec![0; length as usize], false);
        let headers: Vec<String> = stream
            .chunks(BLOCK_SIZE)
            .map(|block| hex::encode(&block[..16]))
            .collect();
        assert_eq!(headers.len() as u64, block_count(length));
        assert_eq!(serde_json::json!(headers), row["headers"], "{length}");
        assert_eq!(sha256(&stream), text(&row["streamSha256ForZeros"]));
        let (content, end) = unframe(&stream).unwrap();
        assert_eq!((content.len() as u64, end), (length, StreamEnd::Complete));
    }
}

#[test]
fn incomplete_block() {
    let vectors = vectors("tape/block.json");
    let vector = &vectors["incomplete"];
    let content = bytes(&vector["content"]);
    let stream = frame_content(&content, true);
    assert_eq!(stream[..16], bytes(&vector["header"])[..]);
    assert_eq!(sha256(&stream), text(&vector["streamSha256"]));
    assert_eq!(unframe(&stream).unwrap(), (content, StreamEnd::Incomplete));
}

#[test]
fn unknown_flag_bits_are_tolerated() {
    let mut stream = frame_content(b"ABC", false);
    stream[8] |= 0x84;
    let (header, payload) = parse(&stream, 0).unwrap();
    assert_eq!(header.flags, BlockFlags::from_bits(0x85));
    assert_eq!(payload, b"ABC");
    assert_eq!(
        unframe(&stream).unwrap(),
        (b"ABC".to_vec(), StreamEnd::Complete)
    );
}

#[test]
fn media_label() {
    let vectors = vectors("tape/label.json");
    let vector = &vectors["mediaLabel"];
    let label = MediaLabel {
        ctime: vector["label"]["ctime"].as_i64().unwrap(),
        label_text: text(&vector["label"]["labelText"]),
        pool: Some(text(&vector["label"]["pool"])),
        uuid: uuid(&vector["label"]["uuid"]),
    };
    let (content_uuid, ctime) = file_head(vector);
    let content = label.encode(content_uuid, ctime).unwrap();
    assert_content(vector, &content);
    let (header, back) = MediaLabel::read(&mut content.as_slice()).unwrap();
    assert_eq!(back, label);
    assert_eq!((header.uuid, header.ctime), (content_uuid, ctime));
}

#[test]
fn media_set_label() {
    let vectors = vectors("tape/label.json");
    let vector = &vectors["mediaSetLabel"];
    let label = MediaSetLabel {
        ctime: vector["label"]["ctime"].as_i64().unwrap(),
        encryption_key_fingerprint: None,
        key_config: None,
        pool: text(&vector["label"]["pool"]),
        seq_nr: number(&vector["label"]["seqNr"]),
        uuid: uuid(&vector["label"]["uuid"]),
    };
    let (content_uuid, ctime) = file_head(vector);
    let content = label.encode(content_uuid, ctime).unwrap();
    assert_content(vector, &content);
    assert_eq!(
        MediaSetLabel::read(&mut content.as_slice()).unwrap().1,
        label
    );
}

#[test]
fn encrypted_media_set_label_sorts_the_key_config() {
    let vectors = vectors("tape/label.json");
    let vector = &vectors["encryptedMediaSetLabel"];
    let json = text(&vector["json"]);
    let fingerprint: Fingerprint = text(&vector["label"]["encryptionKeyFingerprint"])
        .parse()
        .unwrap();
    // As a key file has it: in order of declaration.
    let config = &vector["label"]["keyConfig"];
    let scrypt = &config["kdf"]["Scrypt"];
    let unsorted = serde_json::json!({
        "kdf": {"Scrypt": {"n": scrypt["n"], "r": scrypt["r"], "p": scrypt["p"], "salt": scrypt["salt"]}},
        "created": config["created"],
        "modified": config["modified"],
        "data": config["data"],
        "fingerprint": config["fingerprint"],
        "hint": config["hint"],
    });
    let label = MediaSetLabel {
        ctime: 1_700_000_060,
        encryption_key_fingerprint: Some(fingerprint),
        key_config: Some(unsorted),
        pool: "daily".to_owned(),
        seq_nr: 0,
        uuid: uuid(&vector["label"]["uuid"]),
    };
    let content = label.encode(Uuid::nil(), 1).unwrap();
    let written = &content[ContentHeader::SIZE..];
    assert_eq!(std::str::from_utf8(written).unwrap(), json);
    assert_eq!(sha256(written), text(&vector["jsonSha256"]));
    let (_, back) = MediaSetLabel::read(&mut content.as_slice()).unwrap();
    assert_eq!(back, label);
    assert_eq!(back.encode(Uuid::nil(), 1).unwrap(), content);
}

#[test]
fn chunk_archive_written() {
    let vector = vectors("tape/chunk-archive.json");
    let (content_uuid, ctime) = file_head(&vector);
    let header = ChunkArchiveHeader {
        store: text(&vector["store"]),
    };
    let mut content = header.encode(content_uuid, ctime).unwrap();
    for chunk in vector["chunks"].as_array().unwrap() {
        let blob = bytes(&chunk["blob"]);
        let digest = text(&chunk["digest"]).parse().unwrap();
        let size = blob.len() as u64;
        content.extend_from_slice(&ChunkEntry { digest, size }.encode());
        content.extend_from_slice(&blob);
    }
    assert_content(&vector, &content);
}

#[test]
fn chunk_archive_read_in_pieces_of_every_length() {
    let vector = vectors("tape/chunk-archive.json");
    let content = bytes(&vector["content"]);
    let chunk = &vector["chunks"][0];
    for piece in 1..=content.len() {
        let mut decoder = ChunkArchiveDecoder::new();
        let mut headers = 0;
        let mut entries = Vec::new();
        let mut blob = Vec::new();
        let mut ends = 0;
        for payload in content.chunks(piece) {
            for event in decoder.feed(payload) {
                match event.unwrap() {
                    ChunkEvent::Header(head, header) => {
                        headers += 1;
                        assert_eq!((head.uuid, head.ctime), file_head(&vector));
                        assert_eq!(header.store, text(&vector["store"]));
                    }
                    ChunkEvent::Entry(entry) => entries.push(entry),
                    ChunkEvent::Body(range) => blob.extend_from_slice(&payload[range]),
                    ChunkEvent::EntryEnd => ends += 1,
                }
            }
        }
        assert_eq!(
            (headers, entries.len(), ends),
            (1, 1, 1),
            "pieces of {piece}"
        );
        assert_eq!(entries[0].digest.to_string(), text(&chunk["digest"]));
        assert_eq!(blob, bytes(&chunk["blob"]));
        let end = ChunkArchiveEnd {
            chunks: 1,
            cut: None,
        };
        assert_eq!(decoder.offset(), content.len() as u64);
        assert_eq!(decoder.finish().unwrap(), end);
    }
}

fn stat_of(value: &Value) -> Stat {
    Stat {
        mode: number(&value["mode"]),
        flags: 0,
        uid: number(&value["uid"]) as u32,
        gid: number(&value["gid"]) as u32,
        mtime_secs: value["mtimeSecs"].as_i64().unwrap(),
        mtime_nanos: number(&value["mtimeNanos"]) as u32,
    }
}

#[test]
fn snapshot_archive() {
    let vector = vectors("tape/snapshot-archive.json");
    let (content_uuid, ctime) = file_head(&vector);
    let header = SnapshotArchiveHeader {
        snapshot: text(&vector["snapshot"]),
        store: text(&vector["store"]),
    };
    let rows = vector["files"].as_array().unwrap();
    let files: Vec<SnapshotFile> = rows
        .iter()
        .map(|row| SnapshotFile {
            name: text(&row["name"]),
            stat: stat_of(row),
            size: bytes(&row["content"]).len() as u64,
        })
        .collect();
    let layout = SnapshotArchiveLayout::new(&header, content_uuid, ctime, files.clone()).unwrap();
    let mut content = layout.head().to_vec();
    assert_eq!(
        content.len() - 56,
        number(&vector["archiveStart"]) as usize,
        "the root entry has 56 bytes"
    );
    for ((_, head), row) in layout.file_heads().zip(rows) {
        content.extend_from_slice(head);
        content.extend_from_slice(&bytes(&row["content"]));
    }
    content.extend_from_slice(layout.tail());
    assert_eq!(layout.content_len(), content.len() as u64);
    assert_content(&vector, &content);

    let mut rest = content.as_slice();
    let (head, json) = content_header::read(&mut rest).unwrap();
    assert_eq!(head.kind().unwrap(), ContentKind::SnapshotArchive11);
    assert_eq!(SnapshotArchiveHeader::parse(&head, &json).unwrap(), header);
    let mut reader = SnapshotArchiveReader::new(rest);
    for (file, row) in files.iter().zip(rows) {
        assert_eq!(reader.next_file().unwrap().as_ref(), Some(file));
        let mut found = Vec::new();
        reader.content().read_to_end(&mut found).unwrap();
        assert_eq!(found, bytes(&row["content"]));
    }
    assert_eq!(reader.next_file().unwrap(), None);
    assert!(reader.into_inner().is_empty());
}

#[test]
fn catalog_file() {
    let vectors = vectors("tape/catalog.json");
    let vector = &vectors["file"];
    let file = bytes(&vector["hex"]);
    assert_eq!(sha256(&file), text(&vector["sha256"]));
    let identity = CatalogIdentity {
        media_uuid: Some(uuid(&vectors["archive"]["uuid"])),
        media_set: Some((uuid(&vectors["archive"]["mediaSetUuid"]), 0)),
    };
    let mut writer = CatalogWriter::create(identity);
    let mut records = CatalogReader::new(&file).unwrap();
    for row in vector["records"].as_array().unwrap() {
        let (offset, record) = records.next_record().unwrap().unwrap();
        assert_eq!(offset, number(&row["offset"]));
        assert_eq!(describe(&record, offset), *row);
        writer.push(&record).unwrap();
    }
    assert_eq!(records.next_record().unwrap(), None);
    assert_eq!(writer.pending().unwrap(), file);

    let content = CatalogContent::parse(&file, identity).unwrap();
    assert_eq!(content.chunks(), 1);
    assert_eq!(content.snapshots.len(), 1);
}

fn describe(record: &CatalogRecord<'_>, offset: u64) -> Value {
    match *record {
        CatalogRecord::Label {
            file_number,
            uuid,
            seq_nr,
        } => serde_json::json!({"offset": offset, "type": "label", "fileNumber": file_number,
            "uuid": uuid.to_string(), "seqNr": seq_nr}),
        CatalogRecord::ArchiveStart {
            file_number,
            uuid,
            store,
        } => {
            serde_json::json!({"offset": offset, "type": "archiveStart", "fileNumber": file_number,
            "uuid": uuid.to_string(), "store": store})
        }
        CatalogRecord::Chunk(digest) => {
            serde_json::json!({"offset": offset, "type": "chunk", "digest": digest})
        }
        CatalogRecord::ArchiveEnd { file_number, uuid } => {
            serde_json::json!({"offset": offset, "type": "archiveEnd", "fileNumber": file_number,
                "uuid": uuid.to_string()})
        }
        CatalogRecord::Snapshot {
            file_number,
            uuid,
            store,
            snapshot,
        } => serde_json::json!({"offset": offset, "type": "snapshot", "fileNumber": file_number,
            "uuid": uuid.to_string(), "store": store, "snapshot": snapshot}),
    }
}

#[test]
fn catalog_padding_is_ignored_and_masked() {
    let vectors = vectors("tape/catalog.json");
    let vector = &vectors["file"];
    let file = bytes(&vector["hex"]);
    let mut garbage = file.clone();
    for range in vector["padding"].as_array().unwrap() {
        let (start, end) = (number(&range[0]) as usize, number(&range[1]) as usize);
        garbage[start..end].fill(0xa5);
    }
    assert_ne!(garbage, file);
    assert_eq!(
        CatalogContent::parse(&garbage, CatalogIdentity::ANY).unwrap(),
        CatalogContent::parse(&file, CatalogIdentity::ANY).unwrap()
    );
    mask_padding(&mut garbage).unwrap();
    assert_eq!(garbage, file);
}

#[test]
fn catalog_archive() {
    let vectors = vectors("tape/catalog.json");
    let vector = &vectors["archive"];
    let (content_uuid, ctime) = file_head(vector);
    let header = CatalogArchiveHeader {
        uuid: uuid(&vector["uuid"]),
        media_set_uuid: uuid(&vector["mediaSetUuid"]),
        seq_nr: number(&vector["seqNr"]),
    };
    let mut content = header
        .encode(ContentKind::CatalogArchive11, content_uuid, ctime)
        .unwrap();
    content.extend_from_slice(&bytes(&vectors["file"]["hex"]));
    assert_content(vector, &content);

    let mut rest = content.as_slice();
    let (head, json) = content_header::read(&mut rest).unwrap();
    assert_eq!(CatalogArchiveHeader::parse(&head, &json).unwrap(), header);
    assert_eq!(rest, bytes(&vectors["file"]["hex"]));
}

#[test]
fn inventory_file() {
    let vector = vectors("tape/inventory.json");
    let entries = inventory::parse(text(&vector["text"]).as_bytes()).unwrap();
    let row = &vector["entries"][0];
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!(entry.bytes_used, row["bytesUsed"].as_u64());
    assert_eq!(entry.id.label.uuid, uuid(&row["label"]["uuid"]));
    assert_eq!(
        entry.location.as_ref().unwrap().to_string(),
        text(&row["location"])
    );
    assert_eq!(entry.status.unwrap().to_string(), text(&row["status"]));
    let printed = inventory::print(&entries).unwrap();
    assert_eq!(String::from_utf8(printed).unwrap(), text(&vector["text"]));
}

#[test]
fn pxar_constants() {
    let vectors = vectors("pxar/format-1.json");
    for (name, hash) in vectors["nameHashes"].as_object().unwrap() {
        assert_eq!(
            format!("{:016x}", name_hash(name.as_bytes())),
            text(hash),
            "{name}"
        );
    }
    for row in vectors["items"].as_array().unwrap() {
        let kind = u64::from_str_radix(&text(&row["type"]), 16).unwrap();
        assert_eq!(item::name(kind), row["name"].as_str());
        assert_eq!(kind.to_le_bytes(), bytes(&row["bytes"])[..]);
        assert_eq!(name_hash(text(&row["text"]).as_bytes()), kind);
    }
    for (kind, label, name) in item::TABLE {
        assert_eq!(name_hash(label.as_bytes()), *kind, "{name}");
    }
    for (len, slots) in vectors["goodbyeSlots"].as_object().unwrap() {
        let order = goodbye::search_tree_order(len.parse().unwrap());
        assert_eq!(serde_json::json!(order), *slots);
    }
}

#[test]
fn pxar_worked_archive() {
    let vectors = vectors("pxar/format-1.json");
    let vector = &vectors["archive"];
    let archive = bytes(&vector["hex"]);
    assert_eq!(sha256(&archive), text(&vector["sha256"]));
    let rows = vector["entries"].as_array().unwrap();
    let metadata = |row: &Value| Metadata::from(stat_of(row));

    let mut encoder = Encoder::new(Vec::new(), &metadata(&rows[0])).unwrap();
    let content = bytes(&rows[1]["content"]);
    let mut file = encoder
        .file(b"hello.txt", &metadata(&rows[1]), content.len() as u64)
        .unwrap();
    file.write_all(&content).unwrap();
    assert_eq!(file.finish().unwrap().get(), 0x38);
    encoder
        .symlink(
            b"ln",
            &metadata(&rows[2]),
            text(&rows[2]["target"]).as_bytes(),
        )
        .unwrap();
    let written = encoder.finish().unwrap();
    assert_eq!(hex::encode(&written), hex::encode(&archive));

    let mut decoder = Decoder::new(archive.as_slice());
    for row in rows {
        let Some(Decoded::Entry { metadata, kind, .. }) = decoder.next_entry().unwrap() else {
            panic!("no entry");
        };
        assert_eq!(decoder.path(), text(&row["path"]).as_bytes());
        assert_eq!(metadata, Metadata::from(stat_of(row)));
        match kind {
            EntryKind::Directory => assert_eq!(text(&row["kind"]), "directory"),
            EntryKind::File { .. } => {
                let mut found = Vec::new();
                decoder.payload().read_to_end(&mut found).unwrap();
                assert_eq!(found, bytes(&row["content"]));
            }
            EntryKind::Symlink { target } => assert_eq!(target, text(&row["target"]).as_bytes()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(decoder.next_entry().unwrap(), Some(Decoded::DirectoryEnd));
    assert_eq!(decoder.next_entry().unwrap(), None);
    assert_eq!(decoder.offset(), archive.len() as u64);
}
