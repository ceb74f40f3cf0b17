//! Rules for archives on tape (C1 to C6, P1 to P6 of tape-format.md 12, the table of 5.5), each broken once, and what a
//! rebuilt catalog then holds.

use crate::support::content::{
    SNAPSHOT, catalog_archive, chunk, chunk_archive, chunk_archive_head, labelled, set_label,
    snapshot_archive, snapshot_head,
};
use crate::support::labels;
use crate::support::tape::{
    MemoryTape, blocks, incomplete_blocks, small_blocks, unterminated_blocks,
};
use ferrite_formats::Digest;
use ferrite_formats::blob::{BLOB_HEADER_BYTES, MAX_BLOB_BYTES};
use ferrite_formats::block::PAYLOAD_SIZE;
use ferrite_formats::chunk_archive::{ChunkArchiveError, ChunkEntry};
use ferrite_formats::content_header::ContentError;
use ferrite_formats::pxar::{DecodeError, item};
use ferrite_formats::snapshot_archive::SnapshotArchiveError;
use ferrite_scsi::ErrorClass;
use ferrite_tape::catalog::{CatalogContent, temporary_path};
use ferrite_tape::scan::{CatalogScan, scan_catalog, scan_files};
use ferrite_tape::{AlignedBlock, TapeError, TapeEvent, Watch};
use tempfile::TempDir;
use uuid::Uuid;

type File = Vec<Vec<u8>>;

/// Scans a tape with these files behind its labels. Gives the catalog, and the warnings with their files.
fn scan(files: Vec<File>) -> Result<(CatalogContent, Vec<(u64, String)>), TapeError> {
    let labels = labels(0);
    let tape = labelled(&labels);
    files.into_iter().for_each(|file| tape.push_file(file));
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("scanned.log");
    let mut warnings = Vec::new();
    let mut on_event = |event| {
        if let TapeEvent::Warning {
            file_number,
            message,
        } = event
        {
            warnings.push((file_number, message));
        }
    };
    let mut watch = Watch {
        on_event: &mut on_event,
        cancelled: &|| false,
    };
    let scan = CatalogScan {
        labels: &labels,
        catalog: &path,
        owner: None,
        verbose: false,
    };
    let scanned = scan_catalog(
        &mut tape.drive(),
        &mut AlignedBlock::new(),
        &scan,
        &mut watch,
    );
    assert_eq!(path.exists(), scanned.is_ok());
    assert!(!temporary_path(&path).exists());
    Ok((scanned?.content, warnings))
}

fn refused(file: File) -> TapeError {
    let error = scan(vec![file]).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Data, "{error}");
    assert!(error.to_string().starts_with("tape file 2"), "{error}");
    error
}

/// A chunk archive with two chunks of about one and a half blocks together.
fn two_chunks() -> (Vec<(Digest, Vec<u8>)>, Vec<u8>) {
    let chunks = vec![chunk(1, 200_000), chunk(2, 190_000)];
    let content = chunk_archive(&chunks);
    (chunks, content)
}

/// Where the second entry starts.
fn second_entry(chunks: &[(Digest, Vec<u8>)]) -> usize {
    chunk_archive(&chunks[..1]).len()
}

fn chunk_counts(content: &CatalogContent) -> Vec<u64> {
    content
        .archives
        .iter()
        .map(|archive| archive.chunks)
        .collect()
}

#[test]
fn whole_archives_are_registered_with_number_uuid_and_store() {
    let (_, chunks) = two_chunks();
    let (content, warnings) = scan(vec![
        blocks(&chunks),
        blocks(&snapshot_archive(&[("root.pxar.didx", &[7; 300_000])])),
        blocks(&catalog_archive(&labels(0), b"not looked at")),
        blocks(&chunks),
    ])
    .unwrap();
    assert_eq!(warnings, []);
    assert_eq!(chunk_counts(&content), [2, 2]);
    assert_eq!(content.archives[1].file_number, 5);
    assert_eq!(content.archives[0].store, "store1");
    let snapshot = &content.snapshots[0];
    assert_eq!(
        (
            snapshot.file_number,
            snapshot.store.as_str(),
            snapshot.snapshot.as_str()
        ),
        (3, "store1", SNAPSHOT)
    );
    assert_eq!(snapshot.uuid, crate::support::content::content_uuid(2));
    assert_eq!(
        content.media_set,
        Some((labels(0).media_set_label.unwrap().uuid, 0))
    );
}

#[test]
fn an_archive_without_whole_chunk_and_one_that_ends_on_a_full_block() {
    let (chunks, content) = two_chunks();
    let cut = &content[..second_entry(&chunks[..1]) - 1000];
    // Entry and blob that fill the block exactly: an empty last block follows.
    let head = chunk_archive_head().len() + ChunkEntry::SIZE + BLOB_HEADER_BYTES;
    let full = chunk_archive(&[chunk(3, PAYLOAD_SIZE - head)]);
    assert_eq!(full.len(), PAYLOAD_SIZE);
    let (content, _) = scan(vec![blocks(cut), blocks(&full)]).unwrap();
    assert_eq!(chunk_counts(&content), [0, 1]);
}

#[test]
fn c1_no_entry_where_one_should_be() {
    let (chunks, content) = two_chunks();
    for place in [chunk_archive_head().len(), second_entry(&chunks)] {
        let mut bad = content.clone();
        bad[place] ^= 1;
        let TapeError::ChunkArchive {
            file_number: 2,
            block: 0,
            source: ChunkArchiveError::EntryMagic { offset, .. },
        } = refused(blocks(&bad))
        else {
            panic!("another error")
        };
        assert_eq!(offset, place as u64);
    }
}

#[test]
fn c1_c2_c4_in_a_file_marked_as_incomplete_or_unterminated() {
    // Small enough for one block: its end is known when the error is met.
    let chunks = vec![chunk(1, 1000), chunk(2, 1000)];
    let content = chunk_archive(&chunks);
    let second = second_entry(&chunks);
    let mut magic = content.clone();
    magic[second] ^= 1;
    let mut crc = content.clone();
    *crc.last_mut().unwrap() ^= 1;
    let cut = content[..second + 20].to_vec();
    for bad in [&magic, &crc, &cut] {
        let (found, warnings) = scan(vec![incomplete_blocks(bad)]).unwrap();
        assert_eq!(chunk_counts(&found), [1]);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].1.contains("whole chunks count"), "{warnings:?}");
        refused(blocks(bad));
    }
    let (found, warnings) = scan(vec![unterminated_blocks(&cut), blocks(&content)]).unwrap();
    assert_eq!(chunk_counts(&found), [2]);
    assert_eq!(found.archives[0].file_number, 3);
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].0 == 2 && warnings[0].1.contains("does not count"),
        "{warnings:?}"
    );
    // Here the error is met before the file mark, which alone tells that there is no end marker.
    refused(unterminated_blocks(&magic));
    refused(unterminated_blocks(&crc));
}

#[test]
fn an_error_before_the_end_of_a_file_is_fatal_whatever_its_end() {
    let chunks: Vec<_> = (0..4).map(|seed| chunk(seed, 200_000)).collect();
    let mut content = chunk_archive(&chunks);
    content[second_entry(&chunks)] ^= 1;
    refused(incomplete_blocks(&content));
    refused(unterminated_blocks(&content));
}

#[test]
fn an_unterminated_archive_without_other_fault_is_not_registered() {
    let (_, content) = two_chunks();
    let (found, warnings) = scan(vec![unterminated_blocks(&content), blocks(&content)]).unwrap();
    assert_eq!(chunk_counts(&found), [2]);
    assert_eq!(found.archives[0].file_number, 3);
    assert_eq!(warnings.len(), 1);
    // Not even its head is whole.
    let head = small_blocks(&content[..20], 20);
    let mut head = head;
    head[0][8] = 0;
    let (found, warnings) = scan(vec![head]).unwrap();
    assert_eq!(found.archives, []);
    assert_eq!(warnings.len(), 1);
}

#[test]
fn c2_end_inside_an_entry_header() {
    let (chunks, content) = two_chunks();
    let second = second_entry(&chunks);
    for length in [1, 8, 47] {
        let error = refused(blocks(&content[..second + length]));
        let TapeError::ChunkArchive {
            source: ChunkArchiveError::EntryCut { offset, found },
            ..
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!((offset, found), (second as u64, length));
    }
}

#[test]
fn c3_end_inside_a_chunk_is_a_normal_end() {
    let (chunks, content) = two_chunks();
    let second = second_entry(&chunks);
    for length in [second + 48, second + 49, second + 1000, content.len() - 1] {
        let (found, warnings) = scan(vec![blocks(&content[..length])]).unwrap();
        assert_eq!(chunk_counts(&found), [1], "{length}");
        assert_eq!(warnings, []);
    }
}

#[test]
fn c4_blobs_of_impossible_length_unknown_kind_or_wrong_crc() {
    let (digest, blob) = chunk(1, 1000);
    let mut kind = blob.clone();
    kind[0] ^= 1;
    let mut crc = blob.clone();
    crc[9] ^= 1;
    let mut data = blob.clone();
    data[500] ^= 1;
    // A blob that says it is encrypted needs a longer header than this one has.
    let mut short = blob[..20].to_vec();
    short[..8].copy_from_slice(&ferrite_formats::magic::BLOB_ENCRYPTED_1_0);
    for bad in [kind, crc, data, short, blob[..11].to_vec()] {
        let error = refused(blocks(&chunk_archive(&[(digest, bad)])));
        assert!(error.to_string().contains(&digest.to_string()), "{error}");
        assert!(error.to_string().contains("block 0"), "{error}");
    }
}

#[test]
fn c6_entries_too_large_are_refused_before_anything_is_read() {
    let (digest, _) = chunk(1, 10);
    for size in [MAX_BLOB_BYTES + 1, u64::MAX] {
        let mut content = chunk_archive_head();
        content.extend_from_slice(&ChunkEntry { digest, size }.encode());
        let error = refused(blocks(&content));
        assert!(
            matches!(
                error,
                TapeError::ChunkArchive {
                    source: ChunkArchiveError::BlobSize { .. },
                    ..
                }
            ),
            "{error}"
        );
    }
}

/// A snapshot archive whose pxar archive is made of these items.
fn items(items: &[(u64, &[u8])]) -> Vec<u8> {
    let mut content = snapshot_head();
    for (kind, data) in items {
        content.extend_from_slice(&kind.to_le_bytes());
        content.extend_from_slice(&(16 + data.len() as u64).to_le_bytes());
        content.extend_from_slice(data);
    }
    content
}

fn stat(mode: u64) -> [u8; 40] {
    let mut stat = [0; 40];
    stat[..8].copy_from_slice(&mode.to_le_bytes());
    stat
}

const ROOT: u64 = 0o040_664;
const REGULAR: u64 = 0o100_644;

/// A snapshot archive with one file, of this name and mode, and the manifest before it.
fn with_file(name: &[u8], mode: u64) -> Vec<u8> {
    let (root, file) = (stat(ROOT), stat(REGULAR));
    items(&[
        (item::ENTRY, &root),
        (item::FILENAME, b"index.json.blob\0"),
        (item::ENTRY, &file),
        (item::PAYLOAD, b"manifest"),
        (item::FILENAME, name),
        (item::ENTRY, &stat(mode)),
        (item::PAYLOAD, b"data"),
        (item::GOODBYE, &[0; 48]),
    ])
}

fn snapshot_refused(content: &[u8]) -> SnapshotArchiveError {
    match refused(blocks(content)) {
        TapeError::Snapshot {
            file_number: 2,
            block: 0,
            source,
        } => source,
        error => panic!("{error}"),
    }
}

#[test]
fn handmade_snapshot_archives_are_read() {
    let (content, warnings) = scan(vec![blocks(&with_file(b"a.blob\0", REGULAR))]).unwrap();
    assert_eq!((content.snapshots.len(), warnings.len()), (1, 0));
}

#[test]
fn p1_items_of_impossible_size() {
    let whole = with_file(b"a.blob\0", REGULAR);
    let start = snapshot_head().len();
    for size in [0u64, 15, 17, 57, u64::MAX] {
        let mut bad = whole.clone();
        bad[start + 8..start + 16].copy_from_slice(&size.to_le_bytes());
        snapshot_refused(&bad);
    }
    snapshot_refused(&with_file(
        &[[b'a'; 4097].as_slice(), b"\0"].concat(),
        REGULAR,
    ));
}

#[test]
fn p2_items_out_of_place() {
    let (root, file) = (stat(ROOT), stat(REGULAR));
    let name: (u64, &[u8]) = (item::FILENAME, b"index.json.blob\0");
    for order in [
        vec![name, (item::ENTRY, &file)],
        vec![(item::GOODBYE, &[0; 24][..])],
        vec![(item::ENTRY, &root[..]), (item::PAYLOAD, b"x")],
        vec![(item::ENTRY, &root[..]), (item::ENTRY, &file[..])],
        vec![(item::ENTRY, &root[..]), name, (item::PAYLOAD, b"x")],
        vec![(item::ENTRY, &root[..]), name, name],
        vec![(item::ENTRY, &root[..]), (0x1234, b"unknown")],
        // The root has to be a directory.
        vec![(item::ENTRY, &file[..]), (item::PAYLOAD, b"x")],
    ] {
        snapshot_refused(&items(&order));
    }
}

#[test]
fn p3_names_and_kinds_of_entries() {
    for name in [
        &b"\0"[..],
        b".\0",
        b"..\0",
        b"a/b\0",
        b"/etc/passwd\0",
        b"a",
        b"a\0b\0",
        b"index.json.blob\0",
        b"\xff\xfe\0",
    ] {
        snapshot_refused(&with_file(name, REGULAR));
    }
    for mode in [
        0o040_755, 0o120_777, 0o020_600, 0o060_600, 0o010_644, 0o140_644,
    ] {
        snapshot_refused(&with_file(b"a.blob\0", mode));
    }
}

#[test]
fn p4_a_snapshot_without_manifest() {
    let (root, file) = (stat(ROOT), stat(REGULAR));
    let error = snapshot_refused(&items(&[
        (item::ENTRY, &root),
        (item::FILENAME, b"a.blob\0"),
        (item::ENTRY, &file),
        (item::PAYLOAD, b"data"),
        (item::GOODBYE, &[0; 48]),
    ]));
    assert!(matches!(error, SnapshotArchiveError::NoManifest), "{error}");
}

#[test]
fn p5_cut_off_snapshots_are_skipped() {
    let whole = snapshot_archive(&[("a.didx", &[1; 5000])]);
    for length in [
        snapshot_head().len(),
        snapshot_head().len() + 3,
        whole.len() / 2,
        whole.len() - 1,
        whole.len(),
    ] {
        for file in [
            incomplete_blocks(&whole[..length]),
            unterminated_blocks(&whole[..length]),
        ] {
            let (content, warnings) = scan(vec![file, blocks(&whole)]).unwrap();
            assert_eq!(content.snapshots.len(), 1, "{length}");
            assert_eq!(content.snapshots[0].file_number, 3);
            assert_eq!(warnings.len(), 1);
            assert!(
                warnings[0].0 == 2 && warnings[0].1.contains(SNAPSHOT),
                "{warnings:?}"
            );
        }
        if length < whole.len() {
            let error = snapshot_refused(&whole[..length]);
            assert!(
                matches!(
                    error,
                    SnapshotArchiveError::Archive(DecodeError::Truncated { .. })
                ),
                "{error}"
            );
        }
    }
}

#[test]
fn p6_snapshot_names_that_do_not_parse() {
    for name in [
        "vm/100",
        "vm/100/yesterday",
        "../vm/100/2024-06-05T09:38:20Z",
        "xx/100/2024-06-05T09:38:20Z",
        "",
    ] {
        let json = format!("{{\"snapshot\": \"{name}\", \"store\": \"store1\"}}");
        let content = crate::support::content::head(
            ferrite_formats::magic::SNAPSHOT_ARCHIVE_1_1,
            json.as_bytes(),
            json.len() as u32,
        );
        let error = refused(blocks(&content));
        assert!(
            matches!(
                error,
                TapeError::Content {
                    source: ContentError::Json(_),
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn empty_files_are_skipped_and_unknown_ones_are_fatal() {
    let whole = blocks(&snapshot_archive(&[]));
    let (content, warnings) = scan(vec![vec![], whole.clone()]).unwrap();
    assert_eq!(content.snapshots[0].file_number, 3);
    assert_eq!(warnings.len(), 1);
    assert!(scan(vec![blocks(&set_label(&labels(0)))]).is_err());
    assert!(scan(vec![blocks(b"foreign")]).is_err());
}

#[test]
fn an_empty_last_block_behind_a_snapshot_does_not_disturb_the_next_file() {
    let empty = snapshot_archive(&[("a.didx", &[])]).len();
    let filling = vec![1; PAYLOAD_SIZE - empty];
    let content = snapshot_archive(&[("a.didx", &filling)]);
    assert_eq!(content.len(), PAYLOAD_SIZE);
    let (found, _) = scan(vec![blocks(&content), blocks(&content)]).unwrap();
    // The same snapshot twice: the later one counts.
    assert_eq!(found.snapshots[0].file_number, 3);
}

#[test]
fn i3_another_tape_in_the_drive() {
    let tape = labelled(&labels(0));
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.log");
    let mut other_set = labels(0);
    other_set.media_set_label.as_mut().unwrap().uuid = Uuid::from_u128(9);
    let mut no_set = labels(0);
    no_set.media_set_label = None;
    for wanted in [labels(1), other_set, no_set] {
        let mut watch = Watch {
            on_event: &mut |_| {},
            cancelled: &|| false,
        };
        let scan = CatalogScan {
            labels: &wanted,
            catalog: &path,
            owner: None,
            verbose: false,
        };
        let scanned = scan_catalog(
            &mut tape.drive(),
            &mut AlignedBlock::new(),
            &scan,
            &mut watch,
        );
        let error = scanned.unwrap_err();
        assert!(matches!(error, TapeError::Label(_)), "{error}");
        assert!(!path.exists());
    }
    let mut watch = Watch {
        on_event: &mut |_| {},
        cancelled: &|| false,
    };
    let scan = CatalogScan {
        labels: &labels(0),
        catalog: &path,
        owner: None,
        verbose: false,
    };
    let error = scan_catalog(
        &mut MemoryTape::default().drive(),
        &mut AlignedBlock::new(),
        &scan,
        &mut watch,
    )
    .unwrap_err();
    assert!(error.to_string().contains("blank"), "{error}");
}

#[test]
fn scans_stop_on_request() {
    let labels = labels(0);
    let tape = labelled(&labels);
    tape.push_file(blocks(&snapshot_archive(&[])));
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.log");
    let scan = CatalogScan {
        labels: &labels,
        catalog: &path,
        owner: None,
        verbose: false,
    };
    let mut watch = Watch {
        on_event: &mut |_| {},
        cancelled: &|| true,
    };
    let error = scan_catalog(
        &mut tape.drive(),
        &mut AlignedBlock::new(),
        &scan,
        &mut watch,
    )
    .unwrap_err();
    assert!(matches!(error, TapeError::Cancelled));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(matches!(
        scan_files(&mut tape.drive(), &mut AlignedBlock::new(), &mut watch),
        Err(TapeError::Cancelled)
    ));
}
