//! What the encoder refuses and the decoder is not talked into.

use std::io::{Read, Write};

use ferrite_formats::pxar::{
    DecodeError, Decoded, Decoder, EncodeError, Encoder, EntryKind, MAX_DEPTH, MAX_METADATA_BYTES,
    Metadata, Stat, Xattr, item,
};

fn metadata(mode: u64) -> Metadata {
    Metadata::from(Stat {
        mode,
        ..Stat::default()
    })
}

fn directory() -> Metadata {
    metadata(0o040_755)
}

fn file() -> Metadata {
    metadata(0o100_644)
}

fn encoder() -> Encoder<Vec<u8>> {
    Encoder::new(Vec::new(), &directory()).unwrap()
}

/// The raw bytes of an item.
fn raw(kind: u64, size: u64, content: &[u8]) -> Vec<u8> {
    let mut out = kind.to_le_bytes().to_vec();
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(content);
    out
}

fn entry(mode: u64) -> Vec<u8> {
    raw(item::ENTRY, 56, &metadata(mode).stat.encode())
}

fn first_error(archive: &[u8]) -> DecodeError {
    let mut decoder = Decoder::new(archive);
    loop {
        match decoder.next_entry() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("no error"),
            Err(error) => return error,
        }
    }
}

#[test]
fn directories_can_be_nested_to_the_limit_and_no_deeper() {
    let mut encoder = encoder();
    for _ in 0..MAX_DEPTH {
        encoder.open_directory(b"d", &directory()).unwrap();
    }
    assert_eq!(encoder.depth(), MAX_DEPTH);
    let error = encoder.open_directory(b"d", &directory()).unwrap_err();
    assert!(matches!(error, EncodeError::TooDeep { .. }));
    // Nothing was written of it: the archive goes on.
    encoder.fifo(b"f", &metadata(0o010_600)).unwrap();
    for _ in 0..MAX_DEPTH {
        encoder.close_directory().unwrap();
    }
    let archive = encoder.finish().unwrap();
    let mut decoder = Decoder::new(archive.as_slice());
    let mut deepest = 0;
    while decoder.next_entry().unwrap().is_some() {
        deepest = deepest.max(decoder.path().len());
    }
    assert_eq!(deepest, 2 * MAX_DEPTH + 1);

    let mut deeper = entry(0o040_755);
    for _ in 0..=MAX_DEPTH {
        deeper.extend(raw(item::FILENAME, 18, b"d\0"));
        deeper.extend(entry(0o040_755));
    }
    deeper.extend(raw(item::FILENAME, 18, b"d\0"));
    assert!(matches!(first_error(&deeper), DecodeError::Limit { .. }));
}

#[test]
fn announced_sizes_cost_no_memory() {
    let mut huge_file = entry(0o040_755);
    huge_file.extend(raw(item::FILENAME, 18, b"f\0"));
    huge_file.extend(entry(0o100_644));
    let mut decoder_input = huge_file.clone();
    decoder_input.extend(raw(item::PAYLOAD, 1 << 60, b"some"));
    let mut decoder = Decoder::new(decoder_input.as_slice());
    decoder.next_entry().unwrap();
    let Some(Decoded::Entry {
        kind: EntryKind::File { size },
        ..
    }) = decoder.next_entry().unwrap()
    else {
        panic!("no file");
    };
    assert_eq!(size, (1 << 60) - 16);
    let mut content = Vec::new();
    assert!(decoder.payload().read_to_end(&mut content).is_err());
    assert_eq!(content, b"some");

    for kind in [
        item::XATTR,
        item::FCAPS,
        item::ACL_USER,
        item::SYMLINK,
        item::PAYLOAD,
    ] {
        let mut archive = huge_file.clone();
        archive.extend(raw(kind, u64::MAX, b""));
        let error = first_error(&archive);
        assert!(matches!(error, DecodeError::ItemSize { .. }), "{error}");
    }
}

#[test]
fn metadata_of_one_entry_is_bounded() {
    let mut archive = entry(0o040_755);
    let value = vec![b'x'; 65_000];
    let attribute = raw(item::XATTR, 16 + 65_000, &{
        let mut content = value;
        content[1] = 0;
        content
    });
    for _ in 0..=MAX_METADATA_BYTES / 65_016 {
        archive.extend_from_slice(&attribute);
    }
    assert!(matches!(first_error(&archive), DecodeError::Limit { .. }));
}

#[test]
fn items_out_of_place_are_named_with_their_offset() {
    let root = entry(0o040_755);
    let start = root.len() as u64;
    let cases: [(Vec<u8>, &str); 9] = [
        (
            raw(0x1234, 16, b""),
            "archive corrupt at byte 56: unknown item type 0000000000001234",
        ),
        (
            entry(0o040_755),
            "archive corrupt at byte 56: ENTRY inside an entry",
        ),
        (
            raw(item::FILENAME, 15, b""),
            "archive corrupt at byte 56: FILENAME of 15 bytes",
        ),
        (
            raw(item::FILENAME, 17, b"\0"),
            "archive corrupt at byte 56: FILENAME of 17 bytes",
        ),
        (
            raw(item::FILENAME, 18, b"/\0"),
            "archive corrupt at byte 56: a name with a slash",
        ),
        (
            raw(item::FILENAME, 19, b"..\0"),
            "archive corrupt at byte 56: the name . or ..",
        ),
        (
            raw(item::GOODBYE, 39, b""),
            "archive corrupt at byte 56: GOODBYE of 39 bytes",
        ),
        (
            raw(item::QUOTA_PROJID, 24, &[0; 8]).repeat(2),
            "archive corrupt at byte 80: an item that may stand only once and stands twice",
        ),
        (
            raw(item::XATTR, 19, b"abc"),
            "archive corrupt at byte 56: an extended attribute without a zero byte behind its name",
        ),
    ];
    assert_eq!(start, 56);
    for (bytes, message) in cases {
        let mut archive = root.clone();
        archive.extend(bytes);
        assert_eq!(first_error(&archive).to_string(), message);
    }
}

#[test]
fn modes_must_fit_to_what_an_entry_is() {
    for (mode, kind, content) in [
        (0o040_755, item::PAYLOAD, &b""[..]),
        (0o120_777, item::PAYLOAD, b""),
        (0o100_644, item::SYMLINK, b"t\0"),
        (0o100_644, item::DEVICE, &[0; 16]),
        (0o100_644, item::FILENAME, b"n\0"),
        (0o644, item::PAYLOAD, b""),
    ] {
        let mut archive = entry(0o040_755);
        archive.extend(raw(item::FILENAME, 18, b"f\0"));
        archive.extend(entry(mode));
        archive.extend(raw(kind, 16 + content.len() as u64, content));
        let error = first_error(&archive);
        let refused = match error {
            DecodeError::Content { .. } => true,
            // A directory may have a child or an end here, so the child's missing entry is what is noticed.
            DecodeError::UnexpectedItem { .. } => kind == item::FILENAME,
            _ => false,
        };
        assert!(refused, "{mode:o} {kind:x}: {error}");
    }
}

#[test]
fn hard_links_point_back_to_an_entry_below_the_root() {
    let mut start = entry(0o040_755);
    start.extend(raw(item::FILENAME, 18, b"a\0"));
    start.extend(entry(0o010_600));
    let position = start.len() as u64;
    start.extend(raw(item::FILENAME, 18, b"b\0"));
    let link = |distance: u64, target: &[u8]| {
        let mut archive = start.clone();
        let mut content = distance.to_le_bytes().to_vec();
        content.extend_from_slice(target);
        archive.extend(raw(item::HARDLINK, 16 + content.len() as u64, &content));
        archive
    };
    let good = link(position - 56, b"a\0");
    let mut decoder = Decoder::new(good.as_slice());
    decoder.next_entry().unwrap();
    decoder.next_entry().unwrap();
    let found = decoder.next_entry().unwrap().unwrap();
    let expected = Decoded::Hardlink {
        position,
        target: b"a".to_vec(),
        target_position: 56,
    };
    assert_eq!(found, expected);

    for (distance, target) in [
        (0, &b"a\0"[..]),
        (position, b"a\0"),
        (position + 1, b"a\0"),
        (1, b"/a\0"),
        (1, b"../a\0"),
        (1, b"a/./b\0"),
        (1, b"a"),
        (1, b"a\0b\0"),
        (1, b"\0"),
    ] {
        let error = first_error(&link(distance, target));
        assert!(
            matches!(
                error,
                DecodeError::Content { .. } | DecodeError::ItemSize { .. }
            ),
            "{distance} {}: {error}",
            target.escape_ascii()
        );
    }
}

#[test]
fn old_entries_are_read() {
    let mut stat = metadata(0o040_755).stat.encode()[..24].to_vec();
    stat.extend_from_slice(&1_700_000_000_123_456_789u64.to_le_bytes());
    let mut archive = raw(item::ENTRY_V1, 48, &stat);
    archive.extend(raw(item::GOODBYE, 40, &[0; 24]));
    let mut decoder = Decoder::new(archive.as_slice());
    let Some(Decoded::Entry { metadata, .. }) = decoder.next_entry().unwrap() else {
        panic!("no entry");
    };
    assert_eq!(metadata.stat.mtime_secs, 1_700_000_000);
    assert_eq!(metadata.stat.mtime_nanos, 123_456_789);
    assert_eq!(decoder.next_entry().unwrap(), Some(Decoded::DirectoryEnd));
    assert_eq!(decoder.next_entry().unwrap(), None);
}

#[test]
fn a_file_that_became_shorter_is_an_error_or_padded() {
    let mut first = encoder();
    let mut payload = first.file(b"f", &file(), 10).unwrap();
    payload.write_all(b"1234").unwrap();
    assert_eq!(payload.missing(), 6);
    assert!(matches!(
        payload.finish().unwrap_err(),
        EncodeError::PayloadShort { missing: 6 }
    ));
    assert!(matches!(
        first.fifo(b"g", &metadata(0o010_600)).unwrap_err(),
        EncodeError::Misuse(_)
    ));
    assert!(matches!(
        first.finish().unwrap_err(),
        EncodeError::Misuse(_)
    ));

    let mut second = encoder();
    let mut payload = second.file(b"f", &file(), 10).unwrap();
    payload.write_all(b"1234").unwrap();
    let (_, padding) = payload.finish_padded().unwrap();
    assert_eq!(padding, 6);
    let archive = second.finish().unwrap();
    let mut decoder = Decoder::new(archive.as_slice());
    decoder.next_entry().unwrap();
    decoder.next_entry().unwrap();
    let mut content = Vec::new();
    decoder.payload().read_to_end(&mut content).unwrap();
    assert_eq!(content, b"1234\0\0\0\0\0\0");
}

#[test]
fn more_content_than_announced_is_an_error() {
    let mut encoder = encoder();
    let mut payload = encoder.file(b"f", &file(), 3).unwrap();
    let error = payload.write_all(b"1234").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WriteZero);
    payload.finish().unwrap();
    encoder.finish().unwrap();
}

#[test]
fn a_file_left_unfinished_breaks_the_archive() {
    let mut encoder = encoder();
    drop(encoder.file(b"f", &file(), 3).unwrap());
    assert!(matches!(
        encoder.close_directory().unwrap_err(),
        EncodeError::Misuse(_)
    ));
    assert!(matches!(
        encoder.finish().unwrap_err(),
        EncodeError::Misuse(_)
    ));
}

#[test]
fn the_encoder_refuses_what_an_archive_cannot_hold_and_goes_on() {
    let mut encoder = encoder();
    let fifo = metadata(0o010_600);
    for name in [&b""[..], b".", b"..", b"a/b", b"a\0b", &[b'n'; 4097]] {
        let error = encoder.fifo(name, &fifo).unwrap_err();
        assert!(matches!(error, EncodeError::Entry { .. }));
    }
    assert!(encoder.fifo(b"f", &file()).is_err());
    assert!(encoder.socket(b"f", &fifo).is_err());
    assert!(encoder.symlink(b"f", &metadata(0o120_777), b"").is_err());
    assert!(
        encoder
            .symlink(b"f", &metadata(0o120_777), &[b't'; 4097])
            .is_err()
    );
    assert!(encoder.device(b"f", &file(), 1, 2).is_err());
    assert!(encoder.file(b"f", &file(), u64::MAX).is_err());
    let mut attributes = file();
    attributes.xattrs.push(Xattr {
        name: b"user.large".to_vec(),
        value: vec![0; item::MAX_XATTR],
    });
    assert!(encoder.file(b"f", &attributes, 0).is_err());
    let mut late = file();
    late.stat.mtime_nanos = 1_000_000_000;
    assert!(encoder.file(b"f", &late, 0).is_err());
    let position = encoder.fifo(b"f", &fifo).unwrap();
    assert!(encoder.hardlink(b"g", b"/f", position).is_err());
    assert!(encoder.hardlink(b"g", b"../f", position).is_err());
    encoder.hardlink(b"g", b"f", position).unwrap();
    assert!(encoder.close_directory().is_err());
    let archive = encoder.finish().unwrap();
    let mut decoder = Decoder::new(archive.as_slice());
    let mut entries = 0;
    while decoder.next_entry().unwrap().is_some() {
        entries += 1;
    }
    assert_eq!(entries, 4, "root, fifo, hard link, end");
    assert!(Encoder::new(Vec::new(), &file()).is_err());
}
