//! Catalog files on disk: reading, appending, replacing, and every way in which one can be unusable (K1, K2).

use std::path::Path;

use crate::support::{fixtures, labels, logs};
use ferrite_formats::Digest;
use ferrite_formats::media_catalog::{CatalogError, CatalogRecord, CatalogRule, mask_padding};
use ferrite_tape::catalog::{
    CatalogContent, CatalogIdentity, Owner, cut_torn_tail, overwrite_catalog, read_catalog,
    temporary_path,
};
use ferrite_tape::{CatalogBuilder, MediaCatalog, TapeError, TapeLabels};
use tempfile::TempDir;
use uuid::Uuid;

const SNAPSHOT: &str = "ns/a/vm/100/2024-06-05T09:38:20Z";

fn identity(labels: &TapeLabels) -> CatalogIdentity {
    CatalogIdentity::of(labels.label.uuid, labels.media_set_label.as_ref())
}

fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn digest(number: u64) -> Digest {
    Digest::of(&number.to_le_bytes())
}

/// A catalog of member 0 with one chunk archive and one snapshot.
fn sample(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("sample.log");
    let mut catalog = CatalogBuilder::create(&path, &labels(0), None).unwrap();
    catalog.start_archive(2, uuid(2), "store1").unwrap();
    catalog.chunk(digest(1)).unwrap();
    catalog.chunk(digest(2)).unwrap();
    catalog.end_archive().unwrap();
    catalog.snapshot(3, uuid(3), "store1", SNAPSHOT).unwrap();
    catalog.finish().unwrap();
    path
}

/// What is wrong with a catalog of these bytes.
fn refusal(bytes: &[u8]) -> (CatalogError, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bad.log");
    std::fs::write(&path, bytes).unwrap();
    let error = MediaCatalog::open(&path, identity(&labels(0))).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("bad.log"), "{text}");
    assert!(read_catalog(&path, identity(&labels(0))).is_err());
    assert_eq!(
        std::fs::read(&path).unwrap(),
        bytes,
        "nothing may be repaired"
    );
    match error {
        TapeError::Catalog { source, .. } => (source, text),
        error => panic!("{error}"),
    }
}

/// Magic, labels, and these records.
fn catalog_bytes(records: &[CatalogRecord<'_>]) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("start.log");
    overwrite_catalog(&path, &labels(0), None).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    for record in records {
        record.append_to(&mut bytes).unwrap();
    }
    bytes
}

fn rule(records: &[CatalogRecord<'_>]) -> CatalogRule {
    match refusal(&catalog_bytes(records)).0 {
        CatalogError::Rule { rule, .. } => rule,
        error => panic!("{error}"),
    }
}

#[test]
fn reads_what_pbs_wrote() {
    let Some(fixtures) = fixtures() else { return };
    for set in ["small", "append", "incomplete"] {
        for (media_uuid, path) in logs(&fixtures.join(set).join("lib-tape")) {
            let bytes = std::fs::read(&path).unwrap();
            let identity = CatalogIdentity::of(media_uuid, None);
            let summary = read_catalog(&path, identity).unwrap();
            assert_eq!(summary.bytes, bytes.len() as u64);
            assert_eq!(
                summary.content,
                CatalogContent::parse(&bytes, identity).unwrap()
            );
            assert_eq!(summary.content.media_uuid, Some(media_uuid));
        }
    }
}

#[test]
fn a_copy_record_by_record_of_pbs_catalogs_equals_them() {
    let Some(fixtures) = fixtures() else { return };
    let folder = TempDir::new().unwrap();
    for (media_uuid, original) in logs(&fixtures.join("small/lib-tape")) {
        let mut bytes = std::fs::read(&original).unwrap();
        mask_padding(&mut bytes).unwrap();
        let path = folder.path().join(format!("{media_uuid}.log"));
        std::fs::write(&path, b"").unwrap();
        let mut tape = labels(0);
        tape.label.uuid = media_uuid;
        let content = CatalogContent::parse(&bytes, CatalogIdentity::ANY).unwrap();
        match (content.media_set, &mut tape.media_set_label) {
            (Some((uuid, seq_nr)), Some(set)) => (set.uuid, set.seq_nr) = (uuid, seq_nr),
            (_, set) => *set = None,
        }
        overwrite_catalog(&path, &tape, None).unwrap();
        let mut catalog = MediaCatalog::open(&path, identity(&tape)).unwrap();
        let mut archive: Option<(u64, Uuid, String, Vec<Digest>)> = None;
        for item in ferrite_formats::media_catalog::CatalogReader::new(&bytes).unwrap() {
            match item.unwrap().1 {
                CatalogRecord::ArchiveStart {
                    file_number,
                    uuid,
                    store,
                } => {
                    archive = Some((file_number, uuid, store.to_owned(), Vec::new()));
                }
                CatalogRecord::Chunk(digest) => archive.as_mut().unwrap().3.push(digest),
                CatalogRecord::ArchiveEnd { .. } => {
                    let (file_number, uuid, store, chunks) = archive.take().unwrap();
                    catalog
                        .register_chunk_archive(file_number, uuid, &store, chunks)
                        .unwrap();
                    catalog.commit().unwrap();
                }
                CatalogRecord::Snapshot {
                    file_number,
                    uuid,
                    store,
                    snapshot,
                } => {
                    catalog
                        .register_snapshot(file_number, uuid, store, snapshot)
                        .unwrap();
                }
                CatalogRecord::Label { .. } => {}
            }
        }
        catalog.commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{media_uuid}");
    }
}

#[test]
fn only_committed_records_reach_the_file() {
    let folder = TempDir::new().unwrap();
    let path = sample(folder.path());
    let before = std::fs::read(&path).unwrap();
    let mut catalog = MediaCatalog::open(&path, identity(&labels(0))).unwrap();
    catalog
        .register_snapshot(4, uuid(4), "store1", SNAPSHOT)
        .unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before);
    catalog.commit_if_large().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert!(catalog.pending_bytes() > 0);
    catalog.commit().unwrap();
    assert_eq!(catalog.pending_bytes(), 0);
    let after = std::fs::read(&path).unwrap();
    assert!(after.starts_with(&before) && after.len() > before.len());

    let chunks = (0..40_000).map(digest);
    catalog
        .register_chunk_archive(5, uuid(5), "store1", chunks)
        .unwrap();
    catalog.commit_if_large().unwrap();
    assert_eq!(catalog.pending_bytes(), 0);
    let content = read_catalog(&path, identity(&labels(0))).unwrap().content;
    assert_eq!(content.chunks(), 40_002);
    // The same snapshot twice: the later file counts.
    assert_eq!(content.snapshots.len(), 1);
    assert_eq!(content.snapshots[0].file_number, 4);
}

#[test]
fn an_empty_file_gets_its_magic_with_the_first_commit() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("empty.log");
    std::fs::write(&path, b"").unwrap();
    let summary = read_catalog(&path, CatalogIdentity::ANY).unwrap();
    assert_eq!(summary.content, CatalogContent::default());
    let mut catalog = MediaCatalog::open(&path, CatalogIdentity::ANY).unwrap();
    // Archives need a label before them.
    assert!(
        catalog
            .register_snapshot(2, uuid(2), "store1", SNAPSHOT)
            .is_err()
    );
    catalog.commit().unwrap();
    assert_eq!(std::fs::read(&path).unwrap().len(), 8);
}

#[test]
fn records_that_break_a_rule_are_not_noted() {
    let folder = TempDir::new().unwrap();
    let path = sample(folder.path());
    let mut catalog = MediaCatalog::open(&path, identity(&labels(0))).unwrap();
    for file_number in [0, 1, 2, 3] {
        let error = catalog
            .register_snapshot(file_number, uuid(9), "store1", SNAPSHOT)
            .unwrap_err();
        assert!(matches!(error, TapeError::CatalogRecord { .. }), "{error}");
        assert!(
            catalog
                .register_chunk_archive(file_number, uuid(9), "store1", [digest(1)])
                .is_err()
        );
    }
    assert!(
        catalog
            .register_snapshot(4, uuid(9), "store1", "vm/100")
            .is_err()
    );
    assert!(
        catalog
            .register_snapshot(4, uuid(9), &"s".repeat(256), SNAPSHOT)
            .is_err()
    );
    assert_eq!(catalog.pending_bytes(), 0);
}

#[test]
fn k1_old_and_foreign_files_are_refused() {
    let mut bytes = catalog_bytes(&[]);
    bytes[..8].copy_from_slice(&ferrite_formats::magic::MEDIA_CATALOG_1_0);
    let (error, text) = refusal(&bytes);
    assert_eq!(error, CatalogError::OldVersion);
    assert!(text.contains("no longer supported"), "{text}");
    bytes[0] ^= 1;
    assert!(matches!(refusal(&bytes).0, CatalogError::WrongMagic { .. }));
}

#[test]
fn k2_torn_at_every_byte() {
    let folder = TempDir::new().unwrap();
    let bytes = std::fs::read(sample(folder.path())).unwrap();
    let mut reader = ferrite_formats::media_catalog::CatalogReader::new(&bytes).unwrap();
    let mut ends = vec![0, 8];
    while reader.next_record().unwrap().is_some() {
        ends.push(reader.offset() as usize);
    }
    let path = folder.path().join("cut.log");
    for length in 0..=bytes.len() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let opened = MediaCatalog::open(&path, identity(&labels(0)));
        if ends.contains(&length) {
            opened.unwrap();
            continue;
        }
        let good = *ends.iter().rfind(|end| **end <= length).unwrap() as u64;
        let error = opened.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("byte {good}")), "{length}: {text}");
        assert!(
            text.contains("restore this catalog from its tape"),
            "{text}"
        );
        let TapeError::Catalog {
            source: CatalogError::Torn { offset, .. },
            ..
        } = error
        else {
            panic!("{length}: {error}")
        };
        assert_eq!(offset, good, "{length}");
    }
}

#[test]
fn a_torn_tail_is_cut_back_to_the_last_whole_archive() {
    let folder = TempDir::new().unwrap();
    let bytes = std::fs::read(sample(folder.path())).unwrap();
    let snapshot_bytes = 33 + "store1".len() + 1 + SNAPSHOT.len();
    let after_chunks = bytes.len() - snapshot_bytes;
    let after_labels = after_chunks - (33 + "store1".len()) - 2 * 33 - 25;
    let path = folder.path().join("cut.log");
    for length in 0..=bytes.len() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let whole = match length {
            _ if length == bytes.len() => length,
            _ if length >= after_chunks => after_chunks,
            _ if length >= after_labels => after_labels,
            _ if length >= 8 + 33 => 8 + 33,
            // Only the magic: a catalog without records, nothing to cut.
            8 => 8,
            _ => 0,
        };
        let cut = cut_torn_tail(&path, identity(&labels(0))).unwrap();
        assert_eq!(cut as usize, length - whole, "{length}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes[..whole]);
        MediaCatalog::open(&path, identity(&labels(0))).unwrap();
    }
    let mut damaged = bytes.clone();
    damaged[8] = b'X';
    std::fs::write(&path, &damaged).unwrap();
    assert!(cut_torn_tail(&path, identity(&labels(0))).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), damaged);
}

#[test]
fn k2_unfinished_archives_load_but_take_nothing_more() {
    let bytes = catalog_bytes(&[
        CatalogRecord::ArchiveStart {
            file_number: 2,
            uuid: uuid(2),
            store: "store1",
        },
        CatalogRecord::Chunk(digest(1)),
    ]);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("open.log");
    std::fs::write(&path, &bytes).unwrap();
    let content = read_catalog(&path, identity(&labels(0))).unwrap().content;
    assert!(content.unfinished);
    assert_eq!(content.chunks(), 1);
    let mut catalog = MediaCatalog::open(&path, identity(&labels(0))).unwrap();
    assert!(
        catalog
            .register_snapshot(3, uuid(3), "store1", SNAPSHOT)
            .is_err()
    );
    assert!(
        catalog
            .register_chunk_archive(3, uuid(3), "store1", [])
            .is_err()
    );
    assert!(catalog.commit().is_err());
}

#[test]
fn k2_every_rule_for_records() {
    use CatalogRecord::{ArchiveEnd, ArchiveStart, Chunk, Label, Snapshot};
    let start = ArchiveStart {
        file_number: 4,
        uuid: uuid(4),
        store: "store1",
    };
    let end = ArchiveEnd {
        file_number: 4,
        uuid: uuid(4),
    };
    let snapshot = Snapshot {
        file_number: 5,
        uuid: uuid(5),
        store: "store1",
        snapshot: SNAPSHOT,
    };
    let chunk = Chunk(digest(1));

    assert!(matches!(
        rule(&[Label {
            file_number: 1,
            uuid: uuid(1),
            seq_nr: 0
        }]),
        CatalogRule::LabelOrder { .. }
    ));
    assert!(matches!(
        rule(&[Label {
            file_number: 2,
            uuid: uuid(1),
            seq_nr: 0
        }]),
        CatalogRule::LabelOrder { .. }
    ));
    assert!(matches!(
        rule(&[start, start]),
        CatalogRule::InsideArchive { .. }
    ));
    assert!(matches!(
        rule(&[start, snapshot]),
        CatalogRule::InsideArchive { .. }
    ));
    assert!(matches!(
        rule(&[
            start,
            Label {
                file_number: 0,
                uuid: uuid(1),
                seq_nr: 0
            }
        ]),
        CatalogRule::InsideArchive { .. }
    ));
    assert_eq!(rule(&[chunk]), CatalogRule::OutsideArchive("chunk"));
    assert!(matches!(
        rule(&[start, end, chunk]),
        CatalogRule::OutsideArchive(_)
    ));
    assert!(matches!(rule(&[end]), CatalogRule::OutsideArchive(_)));
    for wrong in [
        ArchiveEnd {
            file_number: 5,
            uuid: uuid(4),
        },
        ArchiveEnd {
            file_number: 4,
            uuid: uuid(5),
        },
    ] {
        assert!(matches!(
            rule(&[start, wrong]),
            CatalogRule::ArchiveEndMismatch { .. }
        ));
    }
    assert!(matches!(
        rule(&[start, end, start]),
        CatalogRule::FileNumber { .. }
    ));
    assert!(matches!(
        rule(&[snapshot, snapshot]),
        CatalogRule::FileNumber { .. }
    ));
    let early = Snapshot {
        file_number: 1,
        uuid: uuid(5),
        store: "store1",
        snapshot: SNAPSHOT,
    };
    assert!(matches!(rule(&[early]), CatalogRule::FileNumber { .. }));
    let nonsense = Snapshot {
        file_number: 5,
        uuid: uuid(5),
        store: "store1",
        snapshot: "vm/100/yesterday",
    };
    assert!(matches!(
        rule(&[nonsense]),
        CatalogRule::SnapshotPath { .. }
    ));

    let mut no_colon = catalog_bytes(&[snapshot]);
    let colon = no_colon.len() - SNAPSHOT.len() - 1;
    no_colon[colon] = b'/';
    assert!(matches!(refusal(&no_colon).0, CatalogError::Text { .. }));
    let mut unknown_tag = catalog_bytes(&[]);
    let place = unknown_tag.len() as u64;
    unknown_tag.push(b'X');
    assert_eq!(
        refusal(&unknown_tag).0,
        CatalogError::UnknownTag {
            offset: place,
            tag: b'X'
        }
    );
}

#[test]
fn k2_catalogs_of_another_tape_or_set_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = sample(folder.path());
    let mut other = labels(0);
    other.label.uuid = uuid(77);
    let error = MediaCatalog::open(&path, identity(&other)).unwrap_err();
    assert!(error.to_string().contains(&uuid(77).to_string()), "{error}");
    let mut other = labels(0);
    other.media_set_label.as_mut().unwrap().uuid = uuid(78);
    assert!(MediaCatalog::open(&path, identity(&other)).is_err());
    let mut other = labels(0);
    other.media_set_label.as_mut().unwrap().seq_nr = 3;
    assert!(MediaCatalog::open(&path, identity(&other)).is_err());
    assert!(MediaCatalog::open(&path, CatalogIdentity::ANY).is_ok());
}

#[test]
fn catalogs_longer_than_what_is_read_at_once() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("long.log");
    let mut catalog = CatalogBuilder::create(&path, &labels(0), None).unwrap();
    // Long names, so that records of all kinds cross the borders of what is read at once.
    let namespaces = "ns/some-namespace/".repeat(7);
    for number in 0..400 {
        let file_number = 2 + 2 * number;
        catalog
            .start_archive(
                file_number,
                uuid(number.into()),
                &"s".repeat(1 + number as usize % 255),
            )
            .unwrap();
        for chunk in 0..300 {
            catalog.chunk(digest(number * 1000 + chunk)).unwrap();
        }
        catalog.end_archive().unwrap();
        let snapshot = format!("{namespaces}vm/{number}/2024-06-05T09:38:20Z");
        catalog
            .snapshot(file_number + 1, uuid(number.into()), "store1", &snapshot)
            .unwrap();
    }
    catalog.finish().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.len() > 3 << 20);
    let identity = identity(&labels(0));
    let expected = CatalogContent::parse(&bytes, identity).unwrap();
    assert_eq!(expected.chunks(), 120_000);
    assert_eq!(read_catalog(&path, identity).unwrap().content, expected);

    // Damage far behind the first piece is found, and its place is right.
    for place in [(1 << 20) + 5, 2 << 20, bytes.len() - 40] {
        let mut bad = bytes.clone();
        bad.truncate(place);
        std::fs::write(&path, &bad).unwrap();
        let wanted = CatalogContent::parse(&bad, identity);
        match (read_catalog(&path, identity), wanted) {
            (Ok(found), Ok(wanted)) => assert_eq!(found.content, wanted),
            (Err(TapeError::Catalog { source, .. }), Err(wanted)) => assert_eq!(source, wanted),
            (found, wanted) => panic!("{found:?} instead of {wanted:?}"),
        }
    }
}

#[test]
fn an_abandoned_archive_leaves_no_trace() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("catalog.log");
    // Fewer and more chunks than are held in memory.
    for chunks in [0, 3, 100_000] {
        let mut catalog = CatalogBuilder::create(&path, &labels(0), None).unwrap();
        catalog.start_archive(2, uuid(2), "store1").unwrap();
        catalog.chunk(digest(1)).unwrap();
        catalog.end_archive().unwrap();
        catalog.start_archive(3, uuid(3), "store1").unwrap();
        for number in 0..chunks {
            catalog.chunk(digest(number)).unwrap();
        }
        catalog.abandon_archive().unwrap();
        catalog.abandon_archive().unwrap();
        catalog.snapshot(4, uuid(4), "store1", SNAPSHOT).unwrap();
        catalog.finish().unwrap();
        let content = read_catalog(&path, identity(&labels(0))).unwrap().content;
        assert_eq!(content.archives.len(), 1);
        assert_eq!(content.chunks(), 1);
        assert_eq!(content.snapshots[0].file_number, 4);
    }
}

#[test]
fn a_catalog_under_construction_replaces_the_old_one_only_when_finished() {
    let folder = TempDir::new().unwrap();
    let path = sample(folder.path());
    let before = std::fs::read(&path).unwrap();
    let mut catalog = CatalogBuilder::create(&path, &labels(0), None).unwrap();
    assert!(temporary_path(&path).exists());
    catalog.start_archive(2, uuid(2), "store1").unwrap();
    catalog.chunk(digest(5)).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let error = catalog.finish().unwrap_err();
    assert!(
        matches!(
            error,
            TapeError::CatalogRecord {
                source: CatalogRule::Unfinished(2),
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert!(!temporary_path(&path).exists(), "given up, so removed");

    std::fs::write(
        temporary_path(&path),
        b"left by a killed process, longer than what comes now ".repeat(9),
    )
    .unwrap();
    overwrite_catalog(&path, &labels(0), None).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), catalog_bytes(&[]));
    assert!(!temporary_path(&path).exists());
}

#[test]
fn writers_notice_whoever_ignores_the_lock_of_the_media_set() {
    let folder = TempDir::new().unwrap();
    let path = sample(folder.path());
    let open = || MediaCatalog::open(&path, identity(&labels(0))).unwrap();
    let (mut first, mut second) = (open(), open());
    first
        .register_snapshot(4, uuid(4), "store1", SNAPSHOT)
        .unwrap();
    second
        .register_snapshot(4, uuid(5), "store1", SNAPSHOT)
        .unwrap();
    first.commit().unwrap();
    let after_first = std::fs::read(&path).unwrap();
    let error = second.commit().unwrap_err();
    assert!(matches!(error, TapeError::CatalogChanged { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), after_first);

    let mut third = open();
    overwrite_catalog(&path, &labels(0), None).unwrap();
    third
        .register_snapshot(5, uuid(5), "store1", SNAPSHOT)
        .unwrap();
    assert!(matches!(
        third.commit().unwrap_err(),
        TapeError::CatalogChanged { .. }
    ));
    assert_eq!(std::fs::read(&path).unwrap(), catalog_bytes(&[]));
}

#[test]
fn modes_and_owners() {
    use std::os::unix::fs::MetadataExt;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("own.log");
    overwrite_catalog(&path, &labels(0), None).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let me = std::fs::metadata(&path).unwrap();
    let root = me.uid() == 0;
    let owner = if root {
        Owner { uid: 34, gid: 34 }
    } else {
        Owner {
            uid: me.uid(),
            gid: me.gid(),
        }
    };
    overwrite_catalog(&path, &labels(0), Some(owner)).unwrap();
    let given = std::fs::metadata(&path).unwrap();
    assert_eq!((given.uid(), given.gid()), (owner.uid, owner.gid));
    assert_eq!(given.mode() & 0o600, 0o600);
    assert_eq!(given.mode() & 0o111, 0);
    if !root {
        // What may not be given away is kept.
        overwrite_catalog(&path, &labels(0), Some(Owner { uid: 0, gid: 0 })).unwrap();
    }
}
