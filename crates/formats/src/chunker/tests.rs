use proptest::prelude::*;
use serde_json::Value;

use super::table::TABLE;
use super::*;
use crate::digest::Digest;
use crate::vectors;

/// Lengths of all chunks of a stream that arrives in pieces.
fn lengths(stream: &[u8], average_bytes: usize, piece: usize) -> Vec<usize> {
    let mut chunker = Chunker::new(average_bytes).unwrap();
    let mut lengths = Vec::new();
    let mut length = 0;
    for mut data in stream.chunks(piece) {
        while let Some(cut) = chunker.scan(data) {
            lengths.push(length + cut);
            (length, data) = (0, &data[cut..]);
        }
        length += data.len();
        assert_eq!(chunker.filled(), length);
    }
    if length > 0 {
        lengths.push(length);
    }
    lengths
}

/// The rules of datastore.md 8 word for word, byte by byte.
fn lengths_by_the_rules(stream: &[u8], average_bytes: usize) -> Vec<usize> {
    let (min, max, mask) = (
        average_bytes / 4,
        average_bytes * 4,
        2 * average_bytes as u32 - 1,
    );
    let mut lengths = Vec::new();
    let (mut start, mut hash) = (0, 0u32);
    for at in 0..stream.len() {
        let entering = TABLE[usize::from(stream[at])];
        let length = at + 1 - start;
        hash = hash.rotate_left(1) ^ entering;
        if length <= 64 {
            continue;
        }
        hash ^= TABLE[usize::from(stream[at - 64])];
        if length >= max || (length >= min && hash & mask >= mask - 2) {
            lengths.push(length);
            (start, hash) = (at + 1, 0);
        }
    }
    if start < stream.len() {
        lengths.push(stream.len() - start);
    }
    lengths
}

#[test]
fn vectors_in_any_pieces() {
    let file: Value = vectors::read("datastore/chunker");
    for case in file["cases"].as_array().unwrap() {
        let stream = vectors::bytes(&case["stream"]);
        let average_bytes = case["averageBytes"].as_u64().unwrap() as usize;
        let expected: Vec<usize> = serde_json::from_value(case["lengths"].clone()).unwrap();
        for piece in [997, 65_536, 1 << 20, usize::MAX] {
            assert_eq!(
                lengths(&stream, average_bytes, piece),
                expected,
                "{}",
                case["stream"]
            );
        }
    }
}

#[test]
fn the_table_is_the_right_one() {
    let file: Value = vectors::read("datastore/chunker");
    let bytes: Vec<u8> = TABLE.iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(Digest::of(&bytes).to_string(), file["tableSha256"]);
}

#[test]
fn other_sizes_are_refused() {
    for bad in [0, 1, 256, 1000, (4 << 20) + 1, 512 << 20] {
        assert!(Chunker::new(bad).is_err(), "{bad}");
    }
    assert_eq!(Chunker::new(512).unwrap().max_bytes(), 2048);
}

#[test]
fn empty_pieces_change_nothing() {
    let mut chunker = Chunker::new(512).unwrap();
    for _ in 0..3 {
        assert_eq!(chunker.scan(&[]), None);
        assert_eq!(chunker.scan(&[0; 500]), None);
    }
    assert_eq!(chunker.scan(&[0; 548]), Some(548));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn small_chunks_in_small_pieces_follow_the_rules(
        stream in proptest::collection::vec(any::<u8>(), 0..20_000),
        piece in 1usize..300,
        average in 9u32..12,
    ) {
        let average_bytes = 1 << average;
        let expected = lengths_by_the_rules(&stream, average_bytes);
        prop_assert_eq!(lengths(&stream, average_bytes, piece), expected.clone());
        prop_assert_eq!(lengths(&stream, average_bytes, usize::MAX), expected);
    }
}
