//! Writing tape files: the worked examples of tape-format.md 11, ends of tapes, failing sources, interrupted writers.

use std::fs::File;
use std::io::{self, Cursor, Read};

use crate::support::content::{labelled, snapshot_file, snapshot_header};
use crate::support::labels;
use crate::support::tape::{MemoryTape, Object, blocks};
use ferrite_formats::Digest;
use ferrite_formats::block::{BLOCK_SIZE, BlockFlags, BlockHeader, PAYLOAD_SIZE};
use ferrite_formats::block_stream::{StreamEnd, unframe};
use ferrite_formats::catalog_archive::CatalogArchiveHeader;
use ferrite_formats::pxar::Stat;
use ferrite_formats::snapshot_archive::{SnapshotArchiveHeader, SnapshotFile};
use ferrite_scsi::ErrorClass;
use ferrite_tape::catalog::overwrite_catalog;
use ferrite_tape::catalog_archive::{CatalogArchiveVersion, write_catalog_archive};
use ferrite_tape::snapshot::{
    OpenFiles, SnapshotEnd, SnapshotOutcome, SnapshotSource, write_snapshot_archive,
};
use ferrite_tape::{
    AlignedBlock, ContentWriter, FileStamp, MediaCatalog, TapeError, TapeLabels, read_labels,
    write_label, write_media_set_label,
};
use tempfile::TempDir;
use uuid::Uuid;

fn stamp(number: u128, ctime: i64) -> FileStamp {
    let uuid = Uuid::parse_str(&format!(
        "0000000{number}-0000-4000-8000-00000000000{number}"
    ))
    .unwrap();
    FileStamp { uuid, ctime }
}

/// Labels of the worked examples.
fn example_labels() -> TapeLabels {
    let mut labels = labels(0);
    labels.label.label_text = "TAPE01".into();
    labels.label.pool = Some("daily".into());
    labels.label.uuid = "0a1b2c3d-4e5f-4a6b-8c7d-8e9fa0b1c2d3".parse().unwrap();
    let set = labels.media_set_label.as_mut().unwrap();
    set.pool = "daily".into();
    set.uuid = "f0e1d2c3-b4a5-4968-8776-655443322110".parse().unwrap();
    labels
}

fn sha256(tape: &MemoryTape, file: usize) -> String {
    Digest::of(&tape.files()[file]).to_string()
}

#[test]
fn worked_examples_of_the_format() {
    let labels = example_labels();
    let set = labels.media_set_label.as_ref().unwrap();
    let tape = MemoryTape::default();
    let mut drive = tape.drive();
    let block = &mut AlignedBlock::new();
    let _ = write_label(&mut drive, block, &labels.label, stamp(1, 1_700_000_000)).unwrap();
    assert_eq!(
        sha256(&tape, 0),
        "9a4660abf0f923388658f16ec28faab3d69d74bfff4ace8d1cfa63ed076c7c88"
    );
    let written = write_media_set_label(&mut drive, block, set, stamp(2, 1_700_000_061)).unwrap();
    assert_eq!(
        sha256(&tape, 1),
        "c215886ab0197bea3756121acca3e64f75c399e87a1c2d55cc53458849925e09"
    );
    assert_eq!(written.position.file_number(), 2);
    assert_eq!(read_labels(&mut drive, block).unwrap().unwrap(), labels);

    let end = drive.end_of_data().unwrap();
    let (digest, blob) = {
        let data = b"hello tape chunk";
        let blob = ferrite_formats::blob::Blob::encode(data, false, None).unwrap();
        (Digest::of(data), blob.as_bytes().to_vec())
    };
    let mut writer = ContentWriter::create(&mut drive, end, block).unwrap();
    let header = ferrite_formats::chunk_archive::ChunkArchiveHeader {
        store: "store1".into(),
    };
    writer
        .write(&header.encode(stamp(3, 0).uuid, 1_700_000_062).unwrap())
        .unwrap();
    let entry = ferrite_formats::chunk_archive::ChunkEntry {
        digest,
        size: blob.len() as u64,
    };
    writer.write(&entry.encode()).unwrap();
    writer.write(&blob).unwrap();
    let chunks = writer.finish(false).unwrap();
    assert_eq!(
        sha256(&tape, 2),
        "a97d6e002ad88b0faecb9ebaab3e7902bd8c452a775b7bbf302e89611fd6581c"
    );

    let stat = |mtime_secs, mtime_nanos| Stat {
        mode: 0o100_644,
        flags: 0,
        uid: 34,
        gid: 34,
        mtime_secs,
        mtime_nanos,
    };
    let mut source = Memory(vec![
        (
            SnapshotFile {
                name: "index.json.blob".into(),
                stat: stat(1_700_000_000, 0),
                size: 8,
            },
            b"MANIFEST".to_vec(),
        ),
        (
            SnapshotFile {
                name: "root.pxar.didx".into(),
                stat: stat(1_700_000_001, 500_000_000),
                size: 3,
            },
            b"IDX".to_vec(),
        ),
    ])
    .open();
    let header = SnapshotArchiveHeader {
        snapshot: "ct/100/2023-11-14T22:13:20Z".into(),
        store: "store1".into(),
    };
    let written = write_snapshot_archive(
        &mut drive,
        chunks.position,
        block,
        &header,
        stamp(4, 1_700_000_063),
        &mut source,
    )
    .unwrap();
    assert!(matches!(written.end, SnapshotEnd::Complete));
    assert_eq!(
        sha256(&tape, 3),
        "cdc0c555b3ecdfc75d6d541593eba20f0207584c5e9967b7ae763d99676972a5"
    );

    let folder = TempDir::new().unwrap();
    let path = folder.path().join(format!("{}.log", labels.label.uuid));
    overwrite_catalog(&path, &labels, None).unwrap();
    let identity = ferrite_tape::catalog::CatalogIdentity::of(labels.label.uuid, Some(set));
    let mut catalog = MediaCatalog::open(&path, identity).unwrap();
    catalog
        .register_chunk_archive(2, stamp(3, 0).uuid, "store1", [digest])
        .unwrap();
    catalog
        .register_snapshot(3, stamp(4, 0).uuid, "store1", &header.snapshot)
        .unwrap();
    catalog.commit().unwrap();
    assert_eq!(
        Digest::of(&std::fs::read(&path).unwrap()).to_string(),
        "92681768a67e83fe8e727c808aa9e0862be9047bc648789147385e5096ef3d45"
    );
    let copy = CatalogArchiveHeader {
        uuid: labels.label.uuid,
        media_set_uuid: set.uuid,
        seq_nr: 0,
    };
    let version = CatalogArchiveVersion::V1_1;
    let position = written.file.position;
    let written = write_catalog_archive(
        &mut drive,
        position,
        block,
        &path,
        &copy,
        version,
        stamp(5, 1_700_000_064),
    )
    .unwrap();
    assert!(written.complete);
    assert_eq!(
        sha256(&tape, 4),
        "63cda80e9433cc8d7f2e85e6e37871a769eacbfdb20e5dd17bdcc8b82f568ca7"
    );
}

#[test]
fn blocks_of_content_of_every_length() {
    let end = BlockFlags::END_OF_STREAM;
    let table = [
        (0, vec![(end, 0)]),
        (1, vec![(end, 1)]),
        (PAYLOAD_SIZE - 1, vec![(end, PAYLOAD_SIZE - 1)]),
        (
            PAYLOAD_SIZE,
            vec![(BlockFlags::NONE, PAYLOAD_SIZE), (end, 0)],
        ),
        (
            PAYLOAD_SIZE + 1,
            vec![(BlockFlags::NONE, PAYLOAD_SIZE), (end, 1)],
        ),
    ];
    for (length, wanted) in table {
        // In one piece, and in pieces that never end with a block.
        for piece in [length.max(1), 1000] {
            let tape = MemoryTape::default();
            let mut drive = tape.drive();
            let start = drive.rewind().unwrap();
            let mut block = AlignedBlock::new();
            // Whatever was in the buffer must not reach the tape.
            block.fill(0xaa);
            let mut writer = ContentWriter::create(&mut drive, start, &mut block).unwrap();
            let content = vec![0x11; length];
            content
                .chunks(piece)
                .for_each(|piece| writer.write(piece).unwrap());
            assert_eq!(writer.content_bytes(), length as u64);
            let written = writer.finish(false).unwrap();
            let stream = &tape.files()[0];
            assert_eq!(written.tape_bytes, stream.len() as u64);
            let headers: Vec<_> = stream
                .chunks(BLOCK_SIZE)
                .enumerate()
                .map(|(number, block)| {
                    let header =
                        BlockHeader::decode(block.first_chunk().unwrap(), number as u32).unwrap();
                    assert_eq!(header.seq_nr, number as u32);
                    (header.flags, header.size as usize)
                })
                .collect();
            assert_eq!(headers, wanted);
            assert_eq!(*stream, blocks(&content).concat());
        }
    }
}

#[test]
fn early_warning_stays_on_within_a_file_and_is_off_in_the_next() {
    let tape = MemoryTape::default().early_warning_after(1);
    let mut drive = tape.drive();
    let mut block = AlignedBlock::new();
    let start = drive.rewind().unwrap();
    let mut writer = ContentWriter::create(&mut drive, start, &mut block).unwrap();
    writer.write(&vec![1; PAYLOAD_SIZE]).unwrap();
    assert!(!writer.early_warning());
    writer.write(&vec![1; PAYLOAD_SIZE]).unwrap();
    assert!(writer.early_warning());
    writer.write(b"more").unwrap();
    assert!(writer.early_warning());
    let written = writer.finish(true).unwrap();
    assert!(written.early_warning);
    assert_eq!(unframe(&tape.files()[0]).unwrap().1, StreamEnd::Incomplete);

    let mut writer = ContentWriter::create(&mut drive, written.position, &mut block).unwrap();
    writer.write(b"short").unwrap();
    assert!(!writer.early_warning());
    // Learned from the very last block.
    assert!(writer.finish(false).unwrap().early_warning);
}

#[test]
fn a_full_tape_is_an_error_that_names_file_and_block() {
    let tape = labelled(&labels(0)).full_after(4);
    let mut drive = tape.drive();
    let mut block = AlignedBlock::new();
    let end = drive.end_of_data().unwrap();
    let mut writer = ContentWriter::create(&mut drive, end, &mut block).unwrap();
    writer.write(&vec![1; 2 * PAYLOAD_SIZE]).unwrap();
    let error = writer.write(&vec![1; PAYLOAD_SIZE]).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Operator);
    let text = error.to_string();
    assert!(
        text.contains("file 2") && text.contains("block 2"),
        "{text}"
    );
    drop(writer);
    // The file has its mark and no end marker.
    let (_, end) = unframe(&tape.files()[2]).unwrap();
    assert_eq!(end, StreamEnd::NoEndMarker);
}

#[test]
fn an_abandoned_writer_leaves_an_unterminated_file() {
    let tape = labelled(&labels(0));
    let mut drive = tape.drive();
    let mut block = AlignedBlock::new();
    let end = drive.end_of_data().unwrap();
    let mut writer = ContentWriter::create(&mut drive, end, &mut block).unwrap();
    writer.write(&vec![1; PAYLOAD_SIZE + 5]).unwrap();
    drop(writer);
    assert_eq!(tape.objects().last(), Some(&Object::Mark));
    assert_eq!(unframe(&tape.files()[2]).unwrap().1, StreamEnd::NoEndMarker);
    assert_eq!(drive.end_of_data().unwrap().file_number(), 3);
}

/// Files with their content.
struct Memory(Vec<(SnapshotFile, Vec<u8>)>);

impl Memory {
    fn open(self) -> MemorySource {
        let (files, contents) = self.0.into_iter().unzip();
        MemorySource {
            files,
            contents: Vec::into_iter(contents).map(Cursor::new).collect(),
            fail: None,
        }
    }
}

struct MemorySource {
    files: Vec<SnapshotFile>,
    contents: Vec<Cursor<Vec<u8>>>,
    /// This file cannot be opened.
    fail: Option<usize>,
}

impl SnapshotSource for MemorySource {
    fn files(&self) -> Vec<SnapshotFile> {
        self.files.clone()
    }

    fn content(&mut self, number: usize) -> io::Result<&mut dyn Read> {
        if self.fail == Some(number) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(&mut self.contents[number])
    }
}

/// Manifest, and a file of `bytes` bytes.
fn source(bytes: usize) -> MemorySource {
    Memory(vec![
        (snapshot_file("index.json.blob", 8), b"manifest".to_vec()),
        (snapshot_file("disk.img.fidx", bytes as u64), vec![7; bytes]),
        (snapshot_file("client.log.blob", 3), b"log".to_vec()),
    ])
    .open()
}

fn write_snapshot(tape: &MemoryTape, source: &mut dyn SnapshotSource) -> SnapshotOutcome {
    let mut drive = tape.drive();
    let end = drive.end_of_data().unwrap();
    let stamp = FileStamp {
        uuid: Uuid::nil(),
        ctime: 0,
    };
    write_snapshot_archive(
        &mut drive,
        end,
        &mut AlignedBlock::new(),
        &snapshot_header(),
        stamp,
        source,
    )
    .unwrap()
}

#[test]
fn a_snapshot_stops_at_early_warning_behind_the_piece_of_file_data() {
    // Two blocks for the labels, one without warning.
    let tape = labelled(&labels(0)).early_warning_after(3);
    let outcome = write_snapshot(&tape, &mut source(10 * PAYLOAD_SIZE));
    assert!(matches!(outcome.end, SnapshotEnd::EarlyWarning));
    assert!(outcome.file.early_warning);
    let (content, end) = unframe(&tape.files()[2]).unwrap();
    assert_eq!(end, StreamEnd::Incomplete);
    // The second block reported it; the piece of 64 KiB that filled it went on tape whole.
    let start = content
        .windows(4)
        .position(|bytes| bytes == [7; 4])
        .unwrap();
    let data = content.len() - start;
    assert!(content.len() >= 2 * PAYLOAD_SIZE && content.len() < 2 * PAYLOAD_SIZE + 65_536);
    assert_eq!(data % 65_536, 0);
    assert!(content[start..].iter().all(|byte| *byte == 7));
}

#[test]
fn early_warning_of_the_last_block_does_not_cut_a_snapshot() {
    let tape = labelled(&labels(0)).early_warning_after(2);
    let outcome = write_snapshot(&tape, &mut source(1000));
    assert!(matches!(outcome.end, SnapshotEnd::Complete));
    assert!(outcome.file.early_warning);
    assert_eq!(unframe(&tape.files()[2]).unwrap().1, StreamEnd::Complete);
}

#[test]
fn a_source_that_fails_ends_the_archive_as_incomplete_and_the_tape_goes_on() {
    let mut shrunk = source(200_000);
    shrunk.contents[1].get_mut().truncate(150_000);
    let mut closed = source(10);
    closed.fail = Some(2);
    for (mut source, file) in [(shrunk, "disk.img.fidx"), (closed, "client.log.blob")] {
        let tape = labelled(&labels(0));
        let outcome = write_snapshot(&tape, &mut source);
        let SnapshotEnd::SourceFailed { name, .. } = outcome.end else {
            panic!("{:?}", outcome.end)
        };
        assert_eq!(name, file);
        assert_eq!(outcome.file.position.file_number(), 3);
        assert_eq!(unframe(&tape.files()[2]).unwrap().1, StreamEnd::Incomplete);
    }
}

#[test]
fn a_source_that_grew_is_cut_to_its_announced_size() {
    let mut grown = source(1000);
    grown.contents[1].get_mut().extend([9; 500]);
    let tape = labelled(&labels(0));
    assert!(matches!(
        write_snapshot(&tape, &mut grown).end,
        SnapshotEnd::Complete
    ));
    assert!(!unframe(&tape.files()[2]).unwrap().0.contains(&9));
}

#[test]
fn open_files_are_a_source() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("index.json.blob");
    std::fs::write(&path, b"manifest").unwrap();
    let mut files = OpenFiles(vec![(
        snapshot_file("index.json.blob", 8),
        File::open(&path).unwrap(),
    )]);
    let tape = labelled(&labels(0));
    assert!(matches!(
        write_snapshot(&tape, &mut files).end,
        SnapshotEnd::Complete
    ));
    assert!(files.content(1).is_err());
}

#[test]
fn archives_that_nobody_could_read_are_not_begun() {
    let tape = labelled(&labels(0));
    let before = tape.objects();
    for files in [
        vec![snapshot_file("root.pxar.didx", 3)],
        vec![],
        vec![snapshot_file("index.json.blob", 0), snapshot_file("a/b", 0)],
        vec![
            snapshot_file("index.json.blob", 0),
            snapshot_file("index.json.blob", 0),
        ],
    ] {
        let contents = files.iter().map(|_| Cursor::new(Vec::new())).collect();
        let mut source = MemorySource {
            files,
            contents,
            fail: None,
        };
        let mut drive = tape.drive();
        let end = drive.end_of_data().unwrap();
        let stamp = FileStamp {
            uuid: Uuid::nil(),
            ctime: 0,
        };
        let block = &mut AlignedBlock::new();
        let written = write_snapshot_archive(
            &mut drive,
            end,
            block,
            &snapshot_header(),
            stamp,
            &mut source,
        );
        assert!(matches!(
            written.unwrap_err(),
            TapeError::Content { file_number: 2, .. }
        ));
        assert_eq!(tape.objects(), before);
    }
}

fn write_catalog(tape: &MemoryTape, labels: &TapeLabels, bytes: &[u8]) -> Result<bool, TapeError> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.log");
    std::fs::write(&path, bytes).unwrap();
    let set = labels.media_set_label.as_ref().unwrap();
    let header = CatalogArchiveHeader {
        uuid: labels.label.uuid,
        media_set_uuid: set.uuid,
        seq_nr: set.seq_nr,
    };
    let mut drive = tape.drive();
    let end = drive.end_of_data().unwrap();
    let stamp = FileStamp {
        uuid: Uuid::nil(),
        ctime: 0,
    };
    let (block, version) = (&mut AlignedBlock::new(), CatalogArchiveVersion::V1_0);
    Ok(write_catalog_archive(&mut drive, end, block, &path, &header, version, stamp)?.complete)
}

fn catalog_bytes(labels: &TapeLabels) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.log");
    overwrite_catalog(&path, labels, None).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn i4_no_catalog_where_labels_belong() {
    let labels = labels(0);
    let only_label =
        MemoryTape::with_files(vec![blocks(&crate::support::content::media_label(&labels))]);
    for tape in [MemoryTape::default(), only_label] {
        let before = tape.objects();
        let error = write_catalog(&tape, &labels, &catalog_bytes(&labels)).unwrap_err();
        assert!(matches!(error, TapeError::Usage { .. }), "{error}");
        assert_eq!(tape.objects(), before);
    }
}

#[test]
fn only_sound_catalogs_of_the_named_tape_go_to_tape() {
    let own = labels(0);
    let good = catalog_bytes(&own);
    let tape = labelled(&own);
    let before = tape.objects();
    for bad in [
        &good[..good.len() - 1],
        b"foreign bytes",
        &catalog_bytes(&labels(1)),
    ] {
        assert!(matches!(
            write_catalog(&tape, &own, bad).unwrap_err(),
            TapeError::Catalog { .. }
        ));
        assert_eq!(tape.objects(), before);
    }
    assert!(write_catalog(&tape, &own, &good).unwrap());
}

#[test]
fn early_warning_inside_a_catalog_is_ignored() {
    let labels = labels(0);
    let mut bytes = catalog_bytes(&labels);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.log");
    std::fs::write(&path, &bytes).unwrap();
    let mut catalog =
        MediaCatalog::open(&path, ferrite_tape::catalog::CatalogIdentity::ANY).unwrap();
    let chunks = (0..40_000u64).map(|number| Digest::of(&number.to_le_bytes()));
    catalog
        .register_chunk_archive(2, Uuid::nil(), "store1", chunks)
        .unwrap();
    catalog.commit().unwrap();
    bytes = std::fs::read(&path).unwrap();
    let tape = labelled(&labels).early_warning_after(2);
    assert!(write_catalog(&tape, &labels, &bytes).unwrap());
    let (content, end) = unframe(&tape.files()[2]).unwrap();
    assert_eq!(end, StreamEnd::Complete);
    assert!(content.ends_with(&bytes));
}

#[test]
fn labelling_empties_a_tape_and_a_set_label_drops_what_is_behind_it() {
    let labels = labels(0);
    let set = labels.media_set_label.as_ref().unwrap();
    let tape = labelled(&labels);
    tape.push_file(blocks(b"data"));
    let mut drive = tape.drive();
    let block = &mut AlignedBlock::new();
    let stamp = FileStamp {
        uuid: Uuid::nil(),
        ctime: 0,
    };
    let _ = write_media_set_label(&mut drive, block, set, stamp).unwrap();
    assert_eq!(tape.files().len(), 2);
    tape.push_file(blocks(b"data"));
    let _ = write_label(&mut drive, block, &labels.label, stamp).unwrap();
    assert_eq!(tape.files().len(), 1);
    assert_eq!(
        read_labels(&mut drive, block)
            .unwrap()
            .unwrap()
            .media_set_label,
        None
    );

    let blank = MemoryTape::default();
    let error = write_media_set_label(&mut blank.drive(), block, set, stamp).unwrap_err();
    assert!(matches!(error, TapeError::Drive { .. }), "{error}");
    assert_eq!(blank.objects(), []);
}
