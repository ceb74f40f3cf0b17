use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::dynamic_index::DynamicIndexBuilder;
use crate::fixed_index::{FixedIndexBuilder, FixedIndexHeader};
use crate::vectors;

/// Head, zeros up to the table, table; only the head when it is marked as cut.
fn file_of(case: &Value) -> Vec<u8> {
    let mut bytes = vectors::hex_of(&case["head"]);
    if let Some(table) = case["table"].as_str() {
        bytes.resize(INDEX_HEADER_BYTES, 0);
        bytes.extend(hex::decode(table).unwrap());
    }
    bytes
}

fn name_of(case: &Value) -> &'static str {
    if case["kind"] == "fixed" {
        "a.img.fidx"
    } else {
        "a.pxar.didx"
    }
}

fn digests_of(case: &Value) -> Vec<Digest> {
    serde_json::from_value(case["digests"].clone()).unwrap()
}

#[test]
fn vectors_are_read() {
    let file: Value = vectors::read("datastore/index");
    for case in file["cases"].as_array().unwrap() {
        let index = Index::parse(name_of(case), file_of(case)).unwrap();
        assert_eq!(index.size(), case["size"].as_u64().unwrap());
        assert_eq!(index.checksum().to_string(), case["checksum"]);
        let (uuid, ctime, checksum) = match &index {
            Index::Fixed(index) => (
                index.header().uuid,
                index.header().ctime,
                index.header().checksum,
            ),
            Index::Dynamic(index) => (
                index.header().uuid,
                index.header().ctime,
                index.header().checksum,
            ),
        };
        assert_eq!(uuid.to_string(), case["uuid"]);
        assert_eq!(ctime, case["ctime"].as_i64().unwrap());
        assert_eq!(checksum, index.checksum());

        let ends: Vec<u64> = serde_json::from_value(case["ends"].clone()).unwrap();
        let entries: Vec<IndexEntry> = index.iter().collect();
        assert_eq!(entries.len(), index.len());
        assert_eq!(
            entries.iter().map(|entry| entry.digest).collect::<Vec<_>>(),
            digests_of(case)
        );
        assert_eq!(
            entries
                .iter()
                .map(|entry| entry.range.end)
                .collect::<Vec<_>>(),
            ends
        );
        assert_eq!(
            (entries[0].range.start, entries[1].range.start),
            (0, ends[0])
        );
        let places = [0, ends[0] - 1, ends[0], ends[1] - 1, ends[1], u64::MAX];
        assert_eq!(
            places.map(|offset| index.chunk_at(offset)),
            [Some(0), Some(0), Some(1), Some(1), None, None]
        );
        assert_eq!(
            (index.digest(2), index.entry(2), index.entry(usize::MAX)),
            (None, None, None)
        );
    }
}

#[test]
fn vectors_are_written() {
    let file: Value = vectors::read("datastore/index");
    for case in file["cases"].as_array().unwrap() {
        let uuid = case["uuid"].as_str().unwrap().parse().unwrap();
        let ctime = case["ctime"].as_i64().unwrap();
        let digests = digests_of(case);
        let (bytes, checksum) = if case["kind"] == "fixed" {
            let mut builder =
                FixedIndexBuilder::new(11, case["chunkBytes"].as_u64().unwrap()).unwrap();
            // Any order will do.
            builder.set(1, &digests[1]).unwrap();
            builder.set(0, &digests[0]).unwrap();
            assert!(builder.set(2, &digests[0]).is_err());
            builder.finish(uuid, ctime).unwrap()
        } else {
            let mut builder = DynamicIndexBuilder::new();
            builder.push(5, &digests[0]).unwrap();
            builder.push(6, &digests[1]).unwrap();
            assert_eq!((builder.size(), builder.chunks()), (11, 2));
            builder.finish(uuid, ctime).unwrap()
        };
        assert!(bytes == file_of(case), "{}", case["name"]);
        assert_eq!(checksum.to_string(), case["checksum"]);
    }
}

#[test]
fn damaged_indexes_are_refused() {
    let file: Value = vectors::read("datastore/index");
    for case in file["damaged"].as_array().unwrap() {
        let error =
            Index::parse(name_of(case), file_of(case)).expect_err(&case["name"].to_string());
        assert_eq!(
            vectors::class(&error),
            case["error"].as_str().unwrap(),
            "{}: {error}",
            case["name"]
        );
    }
    assert!(Index::parse("a.blob", Vec::new()).is_err());
}

#[test]
fn unfinished_indexes_cannot_be_written() {
    let uuid = uuid::Uuid::nil();
    let builder = FixedIndexBuilder::new(11, 8).unwrap();
    assert!(
        builder
            .finish(uuid, 0)
            .unwrap_err()
            .to_string()
            .contains("chunk 0")
    );
    assert!(FixedIndexBuilder::new(0, 8).is_err());
    assert!(FixedIndexBuilder::new(11, 12).is_err());
    assert!(FixedIndexBuilder::new(u64::MAX, 1).is_err());
    assert!(DynamicIndexBuilder::new().finish(uuid, 0).is_err());
    let mut builder = DynamicIndexBuilder::new();
    assert!(builder.push(0, &Digest::ZERO).is_err());
    builder.push(u64::MAX, &Digest::ZERO).unwrap();
    assert!(builder.push(1, &Digest::ZERO).is_err());
}

#[test]
fn hostile_sizes_do_not_overflow() {
    let header = FixedIndexHeader {
        uuid: uuid::Uuid::nil(),
        ctime: i64::MIN,
        checksum: Digest::ZERO,
        size: u64::MAX,
        chunk_bytes: 1 << 63,
    };
    assert_eq!(FixedIndexHeader::parse(&header.encode()), Ok(header));
    assert_eq!((header.chunks(), header.file_bytes()), (2, Some(4096 + 64)));
    assert_eq!(header.range(1), Some(1 << 63..u64::MAX));
    assert_eq!(header.range(2), None);
    assert_eq!(
        FixedIndexHeader {
            chunk_bytes: 1,
            ..header
        }
        .file_bytes(),
        None
    );
}

proptest! {
    #[test]
    fn dynamic_round_trip(chunks in proptest::collection::vec((1u64..1 << 40, any::<[u8; 32]>()), 1..60)) {
        let mut builder = DynamicIndexBuilder::new();
        for (bytes, digest) in &chunks {
            builder.push(*bytes, &Digest::new(*digest)).unwrap();
        }
        let (bytes, checksum) = builder.finish(uuid::Uuid::max(), -1).unwrap();
        let index = Index::parse("x.didx", &bytes).unwrap();
        prop_assert_eq!(index.checksum(), checksum);
        let read: Vec<_> = index.iter().map(|entry| (entry.plain_bytes(), *entry.digest.as_bytes())).collect();
        for entry in index.iter() {
            prop_assert_eq!(index.chunk_at(entry.range.start), index.chunk_at(entry.range.end - 1));
        }
        prop_assert_eq!(read, chunks);
    }

    #[test]
    fn fixed_round_trip(size in 1u64..100_000, power in 9u32..17) {
        let chunk_bytes = 1 << power;
        let mut builder = FixedIndexBuilder::new(size, chunk_bytes).unwrap();
        for chunk in 0..builder.chunks() {
            builder.set(chunk, &Digest::of(&chunk.to_le_bytes())).unwrap();
        }
        let (bytes, checksum) = builder.finish(uuid::Uuid::max(), 1).unwrap();
        let index = Index::parse("x.fidx", &bytes).unwrap();
        prop_assert_eq!((index.checksum(), index.size()), (checksum, size));
        prop_assert_eq!(index.iter().map(|entry| entry.plain_bytes()).sum::<u64>(), size);
        let Index::Fixed(fixed) = index else { panic!() };
        prop_assert!(fixed.iter().eq(index.iter()));
    }

    #[test]
    fn any_bytes_parse_or_fail(tail in proptest::collection::vec(any::<u8>(), 0..200), fixed: bool) {
        let (name, magic) = if fixed {
            ("x.fidx", crate::fixed_index::FIXED_INDEX_MAGIC)
        } else {
            ("x.didx", crate::dynamic_index::DYNAMIC_INDEX_MAGIC)
        };
        let mut bytes = magic.to_vec();
        bytes.extend(&tail);
        bytes.resize(4096 + tail.len() / 2, 1);
        if let Ok(index) = Index::parse(name, &bytes) {
            prop_assert_eq!(index.iter().last().map(|entry| entry.range.end), Some(index.size()));
        }
    }
}
