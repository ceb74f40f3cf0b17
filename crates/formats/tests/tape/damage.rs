//! Damaged input: every broken rule has its own error, cuts at every byte are noticed, and nothing panics.

use std::io::Read;

use ferrite_formats::block::BlockError;
use ferrite_formats::block_stream::{
    BlockStream, StreamEnd, Verdict, frame_content, judge, unframe,
};
use ferrite_formats::chunk_archive::{ChunkArchiveDecoder, ChunkArchiveEnd, ChunkArchiveError};
use ferrite_formats::content_header;
use ferrite_formats::fuzzing::tape as fuzzing;
use ferrite_formats::label::MediaLabel;
use ferrite_formats::media_catalog::{CatalogContent, CatalogError, CatalogIdentity};
use ferrite_formats::pxar::{DecodeError, Decoder, item};
use ferrite_formats::snapshot_archive::{SnapshotArchiveHeader, SnapshotArchiveReader};
use serde_json::Value;

use crate::vectors::{bytes, number, text, vectors};

/// Debug form of the error that parsing a case gives.
fn error_of(case: &Value) -> String {
    match text(&case["parser"]).as_str() {
        "block-stream" => {
            let mut stream = frame_content(&bytes(&case["content"]), false);
            for patch in case["patch"].as_array().unwrap() {
                let (at, new) = (number(&patch[0]) as usize, bytes(&patch[1]));
                stream[at..at + new.len()].copy_from_slice(&new);
            }
            let repeat = case["repeat"].as_u64().unwrap_or(1) as usize;
            stream = stream.repeat(repeat);
            let len = case["cutTo"]
                .as_u64()
                .map_or(stream.len(), |len| len as usize);
            stream.truncate(len);
            format!("{:?}", unframe(&stream).unwrap_err())
        }
        "label" => {
            let input = bytes(&case["hex"]);
            format!("{:?}", MediaLabel::read(&mut input.as_slice()).unwrap_err())
        }
        "chunk-archive" => format!("{:?}", chunk_archive(&bytes(&case["hex"])).unwrap_err()),
        "snapshot-archive" => snapshot_archive(&bytes(&case["hex"])).unwrap_err(),
        "media-catalog" => {
            let input = bytes(&case["hex"]);
            let result = CatalogContent::parse(&input, CatalogIdentity::ANY);
            format!("{:?}", result.unwrap_err())
        }
        other => panic!("no parser {other}"),
    }
}

fn chunk_archive(content: &[u8]) -> Result<ChunkArchiveEnd, ChunkArchiveError> {
    let mut decoder = ChunkArchiveDecoder::new();
    for event in decoder.feed(content) {
        event?;
    }
    decoder.finish()
}

/// Number of files, all read to their ends.
fn snapshot_archive(content: &[u8]) -> Result<usize, String> {
    let mut rest = content;
    let (head, json) = content_header::read(&mut rest).map_err(|error| format!("{error:?}"))?;
    SnapshotArchiveHeader::parse(&head, &json).map_err(|error| format!("{error:?}"))?;
    let mut reader = SnapshotArchiveReader::new(rest);
    let mut files = 0;
    while let Some(_file) = reader.next_file().map_err(|error| format!("{error:?}"))? {
        files += 1;
    }
    Ok(files)
}

#[test]
fn every_broken_rule_has_its_error() {
    let vectors = vectors("tape/damaged.json");
    let cases = vectors["cases"].as_array().unwrap();
    for case in cases {
        let found = error_of(case);
        let wanted = text(&case["error"]);
        assert!(
            found.starts_with(&wanted),
            "{}: {found}, not {wanted}",
            case["name"]
        );
    }
    assert!(cases.len() > 50);
}

#[test]
fn a_newer_snapshot_archive_with_version_and_prelude_is_read() {
    let vector = vectors("tape/snapshot-archive.json");
    let content = bytes(&vector["content"]);
    let at = number(&vector["archiveStart"]) as usize;
    for prelude in [&b""[..], b"{\"any\": 1}"] {
        let mut newer = content[..at].to_vec();
        newer.extend_from_slice(&item::FORMAT_VERSION.to_le_bytes());
        newer.extend_from_slice(&24u64.to_le_bytes());
        newer.extend_from_slice(&1u64.to_le_bytes());
        if !prelude.is_empty() {
            newer.extend_from_slice(&item::PRELUDE.to_le_bytes());
            newer.extend_from_slice(&(16 + prelude.len() as u64).to_le_bytes());
            newer.extend_from_slice(prelude);
        }
        newer.extend_from_slice(&content[at..]);
        assert_eq!(snapshot_archive(&newer), Ok(2));
        // Outside of snapshot archives such a stream is one of the split archives.
        let error = Decoder::new(&newer[at..]).next_entry().unwrap_err();
        assert!(matches!(
            error,
            DecodeError::UnsupportedVersion { version: 1 }
        ));
    }
}

#[test]
fn a_stream_without_end_marker_is_told_from_a_complete_one() {
    let stream = frame_content(&[7; 300_000], false);
    let mut state = BlockStream::new();
    state.block(&stream[..262_144]).unwrap();
    assert!(!state.wants_file_mark());
    assert_eq!(state.end(), None);
    assert_eq!(state.file_mark(), Ok(StreamEnd::NoEndMarker));
    assert_eq!(state.end(), Some(StreamEnd::NoEndMarker));
    assert_eq!(state.block(&stream), Err(BlockError::Misuse("its end")));

    let mut state = BlockStream::new();
    state.block(&stream[..262_144]).unwrap();
    assert_eq!(
        state.end_of_data(),
        BlockError::UnexpectedEndOfData { blocks: 1 }
    );
    assert_eq!(state.file_mark(), Err(BlockError::Misuse("an error")));
}

#[test]
fn an_error_counts_by_how_the_file_ended() {
    assert_eq!(judge(None), Verdict::Fatal);
    assert_eq!(judge(Some(StreamEnd::Complete)), Verdict::Fatal);
    assert_eq!(judge(Some(StreamEnd::Incomplete)), Verdict::KeepWholeChunks);
    assert_eq!(
        judge(Some(StreamEnd::NoEndMarker)),
        Verdict::RegisterNothing
    );
}

#[test]
fn a_label_cut_anywhere_is_an_error() {
    let content = bytes(&vectors("tape/label.json")["mediaLabel"]["content"]);
    for len in 0..content.len() {
        assert!(MediaLabel::read(&mut &content[..len]).is_err(), "{len}");
    }
}

#[test]
fn a_chunk_archive_cut_anywhere_keeps_to_its_rules() {
    let content = bytes(&vectors("tape/chunk-archive.json")["content"]);
    let entry = 0x57 - 16;
    for len in 0..=content.len() {
        let result = chunk_archive(&content[..len]);
        match len {
            _ if len < entry => assert!(matches!(result, Err(ChunkArchiveError::Header(_)))),
            _ if len == entry => assert_eq!(result.unwrap().chunks, 0),
            _ if len < entry + 48 => {
                let Err(ChunkArchiveError::EntryCut { offset, found }) = result else {
                    panic!("{len}: {result:?}");
                };
                assert_eq!((offset, found), (entry as u64, len - entry));
            }
            _ if len < content.len() => {
                let end = result.unwrap();
                assert_eq!((end.chunks, end.cut.unwrap().size), (0, 28));
            }
            _ => assert_eq!((result.unwrap()).chunks, 1),
        }
    }
}

#[test]
fn a_snapshot_archive_cut_anywhere_is_an_error() {
    let content = bytes(&vectors("tape/snapshot-archive.json")["content"]);
    assert_eq!(snapshot_archive(&content), Ok(2));
    for len in 0..content.len() {
        assert!(snapshot_archive(&content[..len]).is_err(), "{len}");
    }
}

#[test]
fn a_pxar_archive_cut_anywhere_is_an_error() {
    let archive = bytes(&vectors("pxar/format-1.json")["archive"]["hex"]);
    for len in 0..archive.len() {
        let mut decoder = Decoder::new(&archive[..len]);
        let error = loop {
            match decoder.next_entry() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{len}: no error"),
                Err(error) => break error,
            }
        };
        let DecodeError::Truncated { offset, .. } = error else {
            panic!("{len}: {error:?}");
        };
        assert_eq!(offset, len as u64);
        assert!(matches!(decoder.next_entry(), Err(DecodeError::Failed)));
    }
}

#[test]
fn file_content_cut_short_is_an_error_of_the_reader() {
    let archive = bytes(&vectors("pxar/format-1.json")["archive"]["hex"]);
    let mut decoder = Decoder::new(&archive[..0x9c]);
    decoder.next_entry().unwrap();
    decoder.next_entry().unwrap();
    let mut content = Vec::new();
    let error = decoder.payload().read_to_end(&mut content).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    assert!(error.to_string().contains("byte 156"), "{error}");
    assert!(decoder.next_entry().is_err());
}

#[test]
fn a_catalog_cut_anywhere_tells_the_end_of_the_last_good_record() {
    let file = bytes(&vectors("tape/catalog.json")["file"]["hex"]);
    let ends = [0, 8, 0x29, 0x4a, 0x71, 0x92, 0xab, 0xee];
    for len in 0..=file.len() {
        let result = CatalogContent::parse(&file[..len], CatalogIdentity::ANY);
        if ends.contains(&len) {
            let content = result.unwrap();
            assert_eq!(content.unfinished, (0x71..0xab).contains(&len), "{len}");
            continue;
        }
        let Err(CatalogError::Torn {
            offset,
            need,
            found,
        }) = result
        else {
            panic!("{len}: {result:?}");
        };
        let good = *ends.iter().rfind(|end| **end < len).unwrap();
        assert_eq!((offset, found), (good as u64, (len - good) as u64));
        assert!(need > found);
        let good = CatalogContent::parse(&file[..good], CatalogIdentity::ANY);
        assert!(good.is_ok());
    }
}

/// Valid inputs of all parsers.
fn samples() -> Vec<Vec<u8>> {
    let tape = |file: &str| vectors(&format!("tape/{file}.json"));
    let content = |vector: &Value| bytes(&vector["content"]);
    let label = tape("label");
    let catalog = tape("catalog");
    let snapshot = content(&tape("snapshot-archive"));
    vec![
        content(&label["mediaLabel"]),
        content(&label["mediaSetLabel"]),
        content(&tape("chunk-archive")),
        snapshot[0x84 - 16..].to_vec(),
        snapshot,
        content(&catalog["archive"]),
        bytes(&catalog["file"]["hex"]),
        text(&tape("inventory")["text"]).into_bytes(),
        bytes(&vectors("pxar/format-1.json")["archive"]["hex"]),
    ]
}

#[test]
fn no_parser_panics_on_any_changed_byte_or_cut() {
    for sample in samples() {
        for at in 0..sample.len() {
            let mut changed = sample.clone();
            for value in [0, 1, 0x7f, 0x80, 0xff, sample[at] ^ 1, sample[at] ^ 0x80] {
                changed[at] = value;
                run_targets(&changed);
            }
            run_targets(&sample[..at]);
            run_targets(&sample[at..]);
        }
    }
}

fn run_targets(input: &[u8]) {
    for (_, target) in fuzzing::TARGETS {
        target(input);
    }
}

#[test]
fn no_parser_panics_on_a_changed_block_header() {
    let sample = bytes(&vectors("tape/chunk-archive.json")["content"]);
    let mut stream = frame_content(&sample, false);
    for at in 0..16 {
        let before = stream[at];
        for value in [0, 1, 2, 3, 0x7f, 0x80, 0xff] {
            stream[at] = value;
            fuzzing::one_block(&stream);
            fuzzing::blocks(&stream);
        }
        stream[at] = before;
    }
}
