//! Rules for blocks and heads of tape files (B1 to B9, H1 to H8 of tape-format.md 12), each broken once.

use crate::support::content::{
    CTIME, chunk, chunk_archive, content_uuid, head, labelled, media_label, set_label,
    snapshot_archive,
};
use crate::support::labels;
use crate::support::tape::{
    MemoryTape, Object, block, blocks, incomplete_blocks, small_blocks, unterminated_blocks,
};
use ferrite_emulator::wrappers::{Fault, Faults, Trigger};
use ferrite_formats::block::{BLOCK_SIZE, BlockError, BlockFlags, PAYLOAD_SIZE};
use ferrite_formats::block_stream::StreamEnd;
use ferrite_formats::content_header::{ContentError, ContentHeader};
use ferrite_formats::magic;
use ferrite_scsi::ErrorClass;
use ferrite_scsi::opcode::OperationCode;
use ferrite_tape::file::read_head;
use ferrite_tape::{
    AlignedBlock, BlockSource, ContentReader, Met, NextFile, TapeError, is_blank, read_labels,
    read_media_label,
};

const END: BlockFlags = BlockFlags::END_OF_STREAM;
const NONE: BlockFlags = BlockFlags::NONE;

/// Reads file 0 of a tape to its end.
fn read(tape: &MemoryTape) -> Result<(Vec<u8>, StreamEnd), TapeError> {
    let mut drive = tape.drive();
    let mut buffer = AlignedBlock::new();
    let start = drive.rewind().unwrap();
    let NextFile::File(mut reader) = ContentReader::open(&mut drive, start, &mut buffer)? else {
        panic!("no file");
    };
    let mut content = Vec::new();
    loop {
        let payload = reader.payload()?;
        if payload.is_empty() {
            break;
        }
        content.extend_from_slice(payload);
        let length = payload.len();
        reader.consume(length);
    }
    let end = reader.end().expect("the end was reached");
    assert_eq!(reader.finish().unwrap().file_number(), 1);
    Ok((content, end))
}

/// What is wrong with a file of these objects; it must stay wrong when read on (B9).
fn broken(objects: Vec<Object>) -> BlockError {
    let tape = MemoryTape::with(objects);
    let mut drive = tape.drive();
    let start = drive.rewind().unwrap();
    let mut buffer = AlignedBlock::new();
    let mut source = BlockSource::new(&mut drive, start).unwrap();
    let error = loop {
        assert_eq!(source.end(), None);
        match source.read(&mut buffer) {
            Ok(Met::Payload(_)) => {}
            Ok(met) => panic!("{met:?}"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.class(), ErrorClass::Data);
    assert!(error.to_string().starts_with("tape file 0: "), "{error}");
    let again = source.read(&mut buffer).unwrap_err();
    assert!(
        matches!(
            again,
            TapeError::Block {
                source: BlockError::Misuse(_),
                ..
            }
        ),
        "{again}"
    );
    assert_eq!(source.end(), None);
    match error {
        TapeError::Block {
            file_number: 0,
            source,
        } => source,
        error => panic!("{error}"),
    }
}

fn objects(blocks: Vec<Vec<u8>>) -> Vec<Object> {
    blocks
        .into_iter()
        .map(Object::Block)
        .chain([Object::Mark])
        .collect()
}

#[test]
fn content_of_every_length_comes_back() {
    for length in [
        0,
        1,
        PAYLOAD_SIZE - 1,
        PAYLOAD_SIZE,
        PAYLOAD_SIZE + 1,
        3 * PAYLOAD_SIZE,
    ] {
        let content: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
        assert_eq!(
            read(&MemoryTape::with_files(vec![blocks(&content)])).unwrap(),
            (content.clone(), StreamEnd::Complete)
        );
        let tape = MemoryTape::with_files(vec![incomplete_blocks(&content)]);
        assert_eq!(read(&tape).unwrap(), (content, StreamEnd::Incomplete));
    }
}

#[test]
fn blocks_need_not_be_full_and_flags_without_meaning_are_tolerated() {
    let content: Vec<u8> = (0..5000u32).map(|byte| byte as u8).collect();
    let mut parts = small_blocks(&content, 700);
    for part in &mut parts {
        part[8] |= 0xf0;
    }
    assert_eq!(
        read(&MemoryTape::with_files(vec![parts])).unwrap(),
        (content, StreamEnd::Complete)
    );
}

#[test]
fn b1_blocks_of_another_length() {
    for length in [1, 512, BLOCK_SIZE - 1, BLOCK_SIZE + 1, 2 * BLOCK_SIZE] {
        let error = broken(objects(vec![block(0, NONE, b"a"), vec![0; length]]));
        assert_eq!(
            error,
            BlockError::WrongLength {
                block: 1,
                found: length
            },
            "{length}"
        );
    }
}

#[test]
fn b2_blocks_without_header() {
    let mut foreign = block(0, END, b"a");
    foreign[0] ^= 1;
    assert!(matches!(
        broken(objects(vec![foreign.clone()])),
        BlockError::WrongMagic { block: 0, .. }
    ));
    assert!(matches!(
        broken(objects(vec![block(0, NONE, b"a"), foreign])),
        BlockError::WrongMagic { block: 1, .. }
    ));
}

#[test]
fn b3_blocks_out_of_sequence() {
    let first = block(0, NONE, b"a");
    for found in [0, 2, u32::MAX] {
        let error = broken(objects(vec![first.clone(), block(found, END, b"b")]));
        assert_eq!(error, BlockError::WrongSequence { expected: 1, found });
        assert!(
            error
                .to_string()
                .contains(&format!("expected number 1, found {found}")),
            "{error}"
        );
    }
    assert!(matches!(
        broken(objects(vec![block(1, END, b"a")])),
        BlockError::WrongSequence {
            expected: 0,
            found: 1
        }
    ));
}

#[test]
fn b4_payload_larger_than_a_block() {
    let mut large = block(0, END, b"a");
    large[9..12].copy_from_slice(&(PAYLOAD_SIZE as u32 + 1).to_le_bytes()[..3]);
    let size = PAYLOAD_SIZE as u32 + 1;
    assert_eq!(
        broken(objects(vec![large])),
        BlockError::PayloadTooLarge { block: 0, size }
    );
}

#[test]
fn b5_empty_block_in_the_middle() {
    let error = broken(objects(vec![
        block(0, NONE, b"a"),
        block(1, NONE, b""),
        block(2, END, b"b"),
    ]));
    assert_eq!(error, BlockError::EmptyPayload { block: 1 });
}

#[test]
fn b6_something_behind_the_end_marker() {
    let last = Object::Block(block(0, END, b"a"));
    let more = Object::Block(block(1, END, b"a"));
    assert_eq!(
        broken(vec![last.clone(), more, Object::Mark]),
        BlockError::DataBehindEnd { last: 0 }
    );
    let short = Object::Block(vec![1; 10]);
    assert_eq!(
        broken(vec![last.clone(), short, Object::Mark]),
        BlockError::DataBehindEnd { last: 0 }
    );
    assert_eq!(
        broken(vec![last]),
        BlockError::UnexpectedEndOfData { blocks: 1 }
    );
}

#[test]
fn b7_end_of_data_inside_a_file() {
    let part = |seq_nr| Object::Block(block(seq_nr, NONE, b"a"));
    assert_eq!(
        broken(vec![part(0), part(1)]),
        BlockError::UnexpectedEndOfData { blocks: 2 }
    );
}

#[test]
fn b8_file_mark_without_end_marker() {
    let tape = MemoryTape::with_files(vec![vec![block(0, NONE, b"a"), block(1, NONE, b"b")]]);
    let error = read(&tape).unwrap_err();
    assert!(
        matches!(
            error,
            TapeError::NoEndMarker {
                file_number: 0,
                blocks: 2
            }
        ),
        "{error}"
    );
    // Skipping is content with it, and says so.
    let mut drive = tape.drive();
    let start = drive.rewind().unwrap();
    let mut buffer = AlignedBlock::new();
    let NextFile::File(mut reader) = ContentReader::open(&mut drive, start, &mut buffer).unwrap()
    else {
        panic!("no file");
    };
    assert_eq!(reader.skip_to_end().unwrap(), StreamEnd::NoEndMarker);
    assert_eq!(reader.end(), Some(StreamEnd::NoEndMarker));
    assert_eq!(reader.finish().unwrap().file_number(), 1);
}

#[test]
fn b9_the_end_is_known_only_when_it_was_reached_and_with_the_last_block() {
    let tape = MemoryTape::with_files(vec![
        vec![block(0, NONE, b"a"), block(1, END, b"b")],
        vec![block(0, END, b"c")],
    ]);
    let mut drive = tape.drive();
    let start = drive.rewind().unwrap();
    let mut buffer = AlignedBlock::new();
    let mut source = BlockSource::new(&mut drive, start).unwrap();
    assert_eq!(source.read(&mut buffer).unwrap(), Met::Payload(16..17));
    assert_eq!(source.end(), None);
    assert_eq!(source.read(&mut buffer).unwrap(), Met::Payload(16..17));
    assert_eq!(source.end(), Some(StreamEnd::Complete));
    for _ in 0..2 {
        assert_eq!(
            source.read(&mut buffer).unwrap(),
            Met::End(StreamEnd::Complete)
        );
    }
    let next = source.finish().unwrap();
    assert_eq!(next.file_number(), 1);
    let mut source = BlockSource::new(&mut drive, next).unwrap();
    assert_eq!(source.skip(&mut buffer).unwrap(), StreamEnd::Complete);
}

#[test]
fn empty_files_and_the_end_of_the_tape_are_no_errors() {
    let tape = MemoryTape::with_files(vec![vec![], vec![block(0, END, b"a")]]);
    let mut drive = tape.drive();
    let mut buffer = AlignedBlock::new();
    let start = drive.rewind().unwrap();
    let NextFile::Empty(next) = ContentReader::open(&mut drive, start, &mut buffer).unwrap() else {
        panic!("file 0 is empty");
    };
    let NextFile::File(reader) = ContentReader::open(&mut drive, next, &mut buffer).unwrap() else {
        panic!("file 1 is there");
    };
    let next = reader.finish().unwrap();
    assert!(matches!(
        ContentReader::open(&mut drive, next, &mut buffer).unwrap(),
        NextFile::EndOfData(position) if position.file_number() == 2
    ));
}

#[test]
fn blocks_that_get_lost_on_the_way_from_the_drive_are_noticed() {
    let read_all = |lost: Option<u64>| -> Result<Vec<Met>, TapeError> {
        let content = vec![7; 2 * PAYLOAD_SIZE + 1];
        let tape = MemoryTape::with_files(vec![blocks(b"one"), blocks(&content), blocks(b"three")]);
        let faults = Faults::default();
        let mut drive = tape.faulty_drive(&faults);
        let mut buffer = AlignedBlock::new();
        let mut position = drive.rewind().unwrap();
        if let Some(lost) = lost {
            let trigger = Trigger::on(OperationCode::READ_6).skip(lost);
            let _ = faults.arm(trigger, Fault::Lost);
        }
        let mut ends = Vec::new();
        loop {
            let mut source = BlockSource::new(&mut drive, position)?;
            let end = loop {
                match source.read(&mut buffer)? {
                    Met::Payload(_) => {}
                    end => break end,
                }
            };
            ends.push(end.clone());
            if end == Met::EndOfData {
                return Ok(ends);
            }
            position = source.finish()?;
        }
    };
    let complete = Met::End(StreamEnd::Complete);
    let all = vec![complete.clone(), complete.clone(), complete, Met::EndOfData];
    assert_eq!(read_all(None).unwrap(), all);
    // Blocks and filemarks in the order of their READs.
    for (lost, what) in [
        "all of a file",
        "",
        "the first",
        "the second",
        "the last",
        "",
        "all",
    ]
    .into_iter()
    .enumerate()
    .filter(|(_, what)| !what.is_empty())
    {
        let error = read_all(Some(lost as u64)).expect_err(what);
        assert!(
            matches!(error, TapeError::Drive { .. } | TapeError::Block { .. }),
            "{what}: {error}"
        );
    }
}

#[test]
fn the_last_file_is_whole_without_its_file_mark() {
    let written = MemoryTape::with_files([b"0", b"1", b"2"].map(|content| blocks(content)).into());
    let mut objects = written.objects();
    assert_eq!(objects.pop(), Some(Object::Mark));
    let mut drive = MemoryTape::with(objects).drive();
    let mut buffer = AlignedBlock::new();
    let start = drive.locate(2).unwrap();
    let NextFile::File(mut reader) = ContentReader::open(&mut drive, start, &mut buffer).unwrap()
    else {
        panic!("file 2 is there");
    };
    assert_eq!(reader.skip_to_end().unwrap(), StreamEnd::Complete);
    let behind = reader.finish().unwrap();
    assert!(matches!(
        ContentReader::open(&mut drive, behind, &mut buffer).unwrap(),
        NextFile::EndOfData(_)
    ));
    // Who appends gives it the mark.
    assert_eq!(drive.end_of_data().unwrap().file_number(), 3);
}

#[test]
fn a_block_whose_writer_was_stopped_ends_its_file() {
    let content = vec![7; PAYLOAD_SIZE + 1];
    let mut cut = blocks(&content);
    cut.pop();
    let whole: Vec<_> = cut.into_iter().map(Object::Block).collect();
    let tape = MemoryTape::with(
        [whole, vec![Object::PartialBlock, Object::Mark]]
            .concat()
            .into_iter()
            .chain([Object::PartialBlock, Object::Mark])
            .chain([Object::Block(block(0, END, b"a")), Object::Mark])
            .collect(),
    );
    let mut drive = tape.drive();
    let mut buffer = AlignedBlock::new();
    let start = drive.rewind().unwrap();
    let mut source = BlockSource::new(&mut drive, start).unwrap();
    assert!(matches!(source.read(&mut buffer).unwrap(), Met::Payload(_)));
    assert_eq!(
        source.read(&mut buffer).unwrap(),
        Met::End(StreamEnd::NoEndMarker)
    );
    let next = source.finish().unwrap();
    let NextFile::Empty(next) = ContentReader::open(&mut drive, next, &mut buffer).unwrap() else {
        panic!("nothing of file 1 is there");
    };
    let NextFile::File(reader) = ContentReader::open(&mut drive, next, &mut buffer).unwrap() else {
        panic!("file 2 is whole");
    };
    assert_eq!(reader.file_number(), 2);
}

/// What is wrong with the head of a file behind the labels.
fn bad_head(content: &[u8]) -> TapeError {
    let tape = labelled(&labels(0));
    tape.push_file(blocks(content));
    let mut drive = tape.drive();
    let position = drive.locate(2).unwrap();
    let mut buffer = AlignedBlock::new();
    let NextFile::File(mut reader) =
        ContentReader::open(&mut drive, position, &mut buffer).unwrap()
    else {
        panic!("no file");
    };
    let error = read_head(&mut reader).unwrap_err();
    assert!(error.to_string().starts_with("tape file 2"), "{error}");
    error
}

fn content_error(error: TapeError) -> ContentError {
    match error {
        TapeError::Content { source, .. } => source,
        error => panic!("{error}"),
    }
}

/// What is wrong with a tape whose file 0 or 1 holds this.
fn bad_label(file: usize, content: &[u8]) -> TapeError {
    let labels = labels(0);
    let mut files = vec![blocks(&media_label(&labels)), blocks(&set_label(&labels))];
    files[file] = blocks(content);
    let tape = MemoryTape::with_files(files);
    let error = read_labels(&mut tape.drive(), &mut AlignedBlock::new()).unwrap_err();
    assert!(
        error.to_string().contains(&format!("tape file {file}")),
        "{error}"
    );
    error
}

#[test]
fn h1_no_content_header() {
    for length in [0, 1, 47] {
        let short = &head(magic::CHUNK_ARCHIVE_1_1, b"{}", 2)[..length];
        assert!(
            matches!(content_error(bad_head(short)), ContentError::TooShort { found } if found == length)
        );
        assert!(matches!(
            content_error(bad_label(0, short)),
            ContentError::TooShort { .. }
        ));
    }
    let mut foreign = chunk_archive(&[]);
    foreign[3] ^= 1;
    assert!(matches!(
        content_error(bad_head(&foreign)),
        ContentError::WrongMagic { .. }
    ));
}

#[test]
fn h2_another_content_where_a_label_should_be() {
    let labels = labels(0);
    assert!(matches!(
        content_error(bad_label(0, &set_label(&labels))),
        ContentError::WrongContent { .. }
    ));
    assert!(matches!(
        content_error(bad_label(1, &media_label(&labels))),
        ContentError::WrongContent { .. }
    ));
    assert!(matches!(
        content_error(bad_label(1, &chunk_archive(&[]))),
        ContentError::WrongContent { .. }
    ));
}

#[test]
fn h3_json_of_an_impossible_size() {
    for size in [0, 65_537, u32::MAX] {
        for content in [
            head(magic::MEDIA_LABEL_1_0, b"{}", size),
            head(magic::CHUNK_ARCHIVE_1_1, b"{}", size),
        ] {
            let error = if content[8..16] == magic::MEDIA_LABEL_1_0 {
                bad_label(0, &content)
            } else {
                bad_head(&content)
            };
            assert!(
                matches!(content_error(error), ContentError::JsonSize { .. }),
                "{size}"
            );
        }
    }
    let error = content_error(bad_label(0, &head(magic::MEDIA_LABEL_1_0, b"{}", 3)));
    assert!(matches!(error, ContentError::JsonCut { .. }), "{error}");
}

#[test]
fn h4_json_that_says_nothing() {
    let uuid = "0a1b2c3d-4e5f-4a6b-8c7d-8e9fa0b1c2d3";
    let json = |kind, text: &str| head(kind, text.as_bytes(), text.len() as u32);
    for text in [
        "{",
        "[]",
        "{}",
        &format!(
            "{{\"ctime\":1,\"label_text\":\"A\",\"uuid\":\"{}\"}}",
            &uuid[1..]
        ),
        &format!("{{\"ctime\":\"1\",\"label_text\":\"A\",\"uuid\":\"{uuid}\"}}"),
        // The key that development builds of December 2020 wrote.
        &format!("{{\"ctime\":1,\"changer_id\":\"A\",\"uuid\":\"{uuid}\"}}"),
    ] {
        let error = bad_label(0, &json(magic::MEDIA_LABEL_1_0, text));
        assert!(error.to_string().contains("media label"), "{error}");
        assert!(
            matches!(content_error(error), ContentError::Json(_)),
            "{text}"
        );
    }
    let fingerprint = format!(
        "{{\"ctime\":1,\"pool\":\"p\",\"seq_nr\":0,\"uuid\":\"{uuid}\",\"encryption_key_fingerprint\":\"00:11\"}}"
    );
    let error = bad_label(1, &json(magic::MEDIA_SET_LABEL_1_0, &fingerprint));
    assert!(matches!(content_error(error), ContentError::Json(_)));
    for kind in [
        magic::CHUNK_ARCHIVE_1_1,
        magic::SNAPSHOT_ARCHIVE_1_1,
        magic::CATALOG_ARCHIVE_1_1,
    ] {
        let error = bad_head(&json(kind, "{}"));
        assert!(error.to_string().contains("archive"), "{error}");
        assert!(matches!(content_error(error), ContentError::Json(_)));
    }
}

#[test]
fn h5_data_behind_a_label() {
    let labels = labels(0);
    for file in [0, 1] {
        let mut content = if file == 0 {
            media_label(&labels)
        } else {
            set_label(&labels)
        };
        content.push(b'\n');
        assert!(matches!(
            content_error(bad_label(file, &content)),
            ContentError::TrailingData { .. }
        ));
    }
}

#[test]
fn labels_have_to_be_whole() {
    let labels = labels(0);
    for file in [
        incomplete_blocks(&media_label(&labels)),
        unterminated_blocks(&media_label(&labels)),
    ] {
        let tape = MemoryTape::with_files(vec![file]);
        let error = read_labels(&mut tape.drive(), &mut AlignedBlock::new()).unwrap_err();
        assert!(error.to_string().contains("tape file 0"), "{error}");
    }
}

#[test]
fn a_media_label_is_read_whatever_follows_it() {
    let labels = labels(0);
    let label = blocks(&media_label(&labels)).into_iter().map(Object::Block);
    let cut: Vec<_> = label
        .chain([Object::Mark, Object::PartialBlock, Object::Mark])
        .collect();
    let tape = MemoryTape::with(cut);
    let mut buffer = AlignedBlock::new();
    let error = read_labels(&mut tape.drive(), &mut buffer).unwrap_err();
    assert!(error.to_string().contains("tape file 1"), "{error}");
    let read = read_media_label(&mut tape.drive(), &mut buffer).unwrap();
    assert_eq!(read, Some(labels.label));
    let blank = MemoryTape::default();
    assert_eq!(
        read_media_label(&mut blank.drive(), &mut buffer).unwrap(),
        None
    );
}

#[test]
fn h6_blank_tapes_and_tapes_without_set_are_normal() {
    let mut buffer = AlignedBlock::new();
    assert_eq!(
        read_labels(&mut MemoryTape::default().drive(), &mut buffer).unwrap(),
        None
    );
    let labels = labels(0);
    let tape = MemoryTape::with_files(vec![blocks(&media_label(&labels))]);
    let found = read_labels(&mut tape.drive(), &mut buffer)
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.label, found.media_set_label),
        (labels.label.clone(), None)
    );
    let found = read_labels(&mut labelled(&labels).drive(), &mut buffer)
        .unwrap()
        .unwrap();
    assert_eq!(found, labels);
}

#[test]
fn h7_file_mark_where_a_label_should_be() {
    let label = blocks(&media_label(&labels(0)));
    for (file, files) in [
        (0, vec![vec![]]),
        (0, vec![vec![], label.clone()]),
        (1, vec![label, vec![]]),
    ] {
        let error = read_labels(
            &mut MemoryTape::with_files(files).drive(),
            &mut AlignedBlock::new(),
        )
        .unwrap_err();
        assert!(
            error
                .to_string()
                .contains(&format!("tape file {file} is empty")),
            "{error}"
        );
    }
}

#[test]
fn h8_unknown_old_or_misplaced_content() {
    let json = |kind| head(kind, b"{}", 2);
    assert!(matches!(
        content_error(bad_head(&json([7; 8]))),
        ContentError::UnknownContent { .. }
    ));
    for old in [magic::CHUNK_ARCHIVE_1_0, magic::SNAPSHOT_ARCHIVE_1_0] {
        let error = bad_head(&json(old));
        assert!(
            error
                .to_string()
                .contains("version 1.0 is no longer supported"),
            "{error}"
        );
        assert!(matches!(content_error(error), ContentError::OldVersion(_)));
    }
    for label in [media_label(&labels(0)), set_label(&labels(0))] {
        let error = bad_head(&label);
        assert!(
            error.to_string().contains("label behind the labels"),
            "{error}"
        );
    }
    let mut part = ContentHeader {
        content_magic: magic::CHUNK_ARCHIVE_1_1,
        uuid: content_uuid(2),
        ctime: CTIME,
        size: 19,
        part_number: 1,
    }
    .encode()
    .to_vec();
    part.extend_from_slice(b"{\"store\": \"store1\"}");
    let error = bad_head(&part);
    assert!(error.to_string().contains("part 1 of a file"), "{error}");
}

#[test]
fn a_tape_is_blank_when_nothing_or_a_file_mark_is_at_its_beginning() {
    let mut buffer = AlignedBlock::new();
    let mut blank = |tape: MemoryTape| is_blank(&mut tape.drive(), &mut buffer).unwrap();
    assert!(blank(MemoryTape::default()));
    assert!(blank(MemoryTape::with(vec![Object::Mark])));
    assert!(blank(MemoryTape::with_files(vec![vec![], blocks(b"x")])));
    assert!(!blank(labelled(&labels(0))));
    assert!(!blank(MemoryTape::with_files(vec![blocks(
        &snapshot_archive(&[])
    )])));
    // Tapes of other programs.
    assert!(!blank(MemoryTape::with(vec![Object::Block(vec![1; 512])])));
    assert!(!blank(MemoryTape::with(vec![Object::Block(
        vec![1; BLOCK_SIZE]
    )])));
    assert!(!blank(MemoryTape::with(vec![Object::Block(vec![
        1;
        BLOCK_SIZE
            + 7
    ])])));
    assert!(!blank(MemoryTape::with_files(vec![blocks(
        &chunk_archive(&[chunk(1, 10)])
    )])));
}
