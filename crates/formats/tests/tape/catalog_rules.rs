//! Each rule on successive catalog records, one by one, when writing and when loading.

use ferrite_formats::Digest;
use ferrite_formats::media_catalog::{
    CatalogContent, CatalogError, CatalogIdentity, CatalogReader, CatalogRecord, CatalogRule,
    CatalogWriter, load,
};
use uuid::Uuid;

const MEDIA: Uuid = Uuid::from_u128(1);
const SET: Uuid = Uuid::from_u128(2);
const A: Uuid = Uuid::from_u128(3);
const B: Uuid = Uuid::from_u128(4);
const SNAPSHOT: &str = "ns/a/ct/100/2023-11-14T22:13:20Z";

const IDENTITY: CatalogIdentity = CatalogIdentity {
    media_uuid: Some(MEDIA),
    media_set: Some((SET, 7)),
};

fn label(file_number: u64, uuid: Uuid, seq_nr: u64) -> CatalogRecord<'static> {
    CatalogRecord::Label {
        file_number,
        uuid,
        seq_nr,
    }
}

fn start(file_number: u64, uuid: Uuid) -> CatalogRecord<'static> {
    CatalogRecord::ArchiveStart {
        file_number,
        uuid,
        store: "store1",
    }
}

fn end(file_number: u64, uuid: Uuid) -> CatalogRecord<'static> {
    CatalogRecord::ArchiveEnd { file_number, uuid }
}

fn snapshot(file_number: u64, snapshot: &'static str) -> CatalogRecord<'static> {
    CatalogRecord::Snapshot {
        file_number,
        uuid: A,
        store: "store1",
        snapshot,
    }
}

fn chunk() -> CatalogRecord<'static> {
    CatalogRecord::Chunk(Digest::of(b"chunk"))
}

/// The rule that the last record breaks; the ones before are good. The writer and the loader must agree.
fn broken(records: &[CatalogRecord<'_>]) -> CatalogRule {
    let (last, before) = records.split_last().unwrap();
    let mut writer = CatalogWriter::create(IDENTITY);
    let mut file = ferrite_formats::magic::MEDIA_CATALOG_1_1.to_vec();
    for record in before {
        writer.push(record).unwrap();
        record.append_to(&mut file).unwrap();
    }
    let pending = writer.pending_len();
    let rule = writer.push(last).unwrap_err();
    assert_eq!(
        writer.pending_len(),
        pending,
        "a refused record leaves no trace"
    );
    let place = file.len() as u64;
    last.append_to(&mut file).unwrap();
    let error = load(&file, IDENTITY, |_, _| {}).unwrap_err();
    assert_eq!(
        error,
        CatalogError::Rule {
            offset: place,
            rule: rule.clone()
        }
    );
    rule
}

#[test]
fn labels_come_first_and_in_order() {
    let order = |records: &[CatalogRecord<'_>]| {
        assert!(matches!(broken(records), CatalogRule::LabelOrder { .. }));
    };
    order(&[label(1, SET, 7)]);
    order(&[label(0, MEDIA, 0), label(0, MEDIA, 0)]);
    order(&[label(0, MEDIA, 0), label(2, SET, 7)]);
    order(&[label(0, MEDIA, 0), label(1, SET, 7), label(2, SET, 7)]);
    order(&[label(0, MEDIA, 0), snapshot(2, SNAPSHOT), label(3, SET, 7)]);
    assert!(matches!(broken(&[start(2, A)]), CatalogRule::NoLabel(_)));
    assert!(matches!(
        broken(&[snapshot(2, SNAPSHOT)]),
        CatalogRule::NoLabel(_)
    ));
}

#[test]
fn labels_name_the_tape_and_its_set() {
    let rule = broken(&[label(0, SET, 0)]);
    let expected = CatalogRule::LabelUuid {
        file_number: 0,
        expected: MEDIA,
        found: SET,
    };
    assert_eq!(rule, expected);
    let rule = broken(&[label(0, MEDIA, 0), label(1, MEDIA, 7)]);
    assert!(matches!(
        rule,
        CatalogRule::LabelUuid { file_number: 1, .. }
    ));
    let rule = broken(&[label(0, MEDIA, 0), label(1, SET, 8)]);
    assert_eq!(
        rule,
        CatalogRule::LabelSeqNr {
            expected: 7,
            found: 8
        }
    );
}

#[test]
fn archives_hold_only_chunks() {
    let open = [label(0, MEDIA, 0), label(1, SET, 7), start(2, A), chunk()];
    for record in [start(3, B), snapshot(3, SNAPSHOT), label(1, SET, 7)] {
        let mut records = open.to_vec();
        records.push(record);
        assert!(matches!(
            broken(&records),
            CatalogRule::InsideArchive { open: 2, .. }
        ));
    }
    for record in [end(2, B), end(3, A)] {
        let mut records = open.to_vec();
        records.push(record);
        assert!(matches!(
            broken(&records),
            CatalogRule::ArchiveEndMismatch { open: 2, .. }
        ));
    }
    for record in [chunk(), end(2, A)] {
        let mut records = open.to_vec();
        records.push(end(2, A));
        records.push(record);
        assert!(matches!(broken(&records), CatalogRule::OutsideArchive(_)));
    }
}

#[test]
fn file_numbers_rise_from_two() {
    let minimum = |records: &[CatalogRecord<'_>]| match broken(records) {
        CatalogRule::FileNumber { minimum, .. } => minimum,
        other => panic!("{other}"),
    };
    let labels = [label(0, MEDIA, 0), label(1, SET, 7)];
    let with = |more: &[CatalogRecord<'static>]| [&labels[..], more].concat();
    assert_eq!(minimum(&[label(0, MEDIA, 0), start(1, A)]), 2);
    assert_eq!(minimum(&with(&[start(1, A)])), 2);
    assert_eq!(minimum(&with(&[start(5, A), end(5, A), start(5, B)])), 6);
    assert_eq!(
        minimum(&with(&[snapshot(5, SNAPSHOT), snapshot(4, SNAPSHOT)])),
        6
    );
}

#[test]
fn snapshots_are_snapshots() {
    for bad in [
        "",
        "ct/100",
        "xx/100/2023-11-14T22:13:20Z",
        "/ct/100/2023-11-14T22:13:20Z",
    ] {
        let rule = broken(&[label(0, MEDIA, 0), snapshot(2, bad)]);
        assert!(
            matches!(rule, CatalogRule::SnapshotPath { .. }),
            "{bad}: {rule}"
        );
    }
}

#[test]
fn nothing_is_committed_inside_an_archive() {
    let mut writer = CatalogWriter::create(IDENTITY);
    writer.media_label(MEDIA).unwrap();
    assert_eq!(writer.pending().unwrap().len(), 8 + 33);
    writer.committed();
    assert!(writer.pending().unwrap().is_empty());
    writer.push(&start(2, A)).unwrap();
    assert_eq!(writer.pending(), Err(CatalogRule::Unfinished(2)));
    writer.push(&end(2, A)).unwrap();
    assert_eq!(writer.pending().unwrap().len(), 33 + 6 + 25);
}

#[test]
fn a_writer_goes_on_where_a_file_ends() {
    let mut writer = CatalogWriter::create(IDENTITY);
    writer.media_label(MEDIA).unwrap();
    writer.media_set_label(SET, 7).unwrap();
    writer
        .chunk_archive(2, A, "store1", [Digest::of(b"x")])
        .unwrap();
    let mut file = writer.pending().unwrap().to_vec();
    let state = load(&file, IDENTITY, |_, _| {}).unwrap();
    let mut writer = CatalogWriter::resume(state, file.len() as u64);
    assert!(writer.snapshot(2, B, "store1", SNAPSHOT).is_err());
    writer.snapshot(3, B, "store1", SNAPSHOT).unwrap();
    file.extend_from_slice(writer.pending().unwrap());
    let state = load(&file, IDENTITY, |_, _| {}).unwrap();
    assert_eq!(state.last_file_number(), Some(3));

    // An empty file is a catalog without records: the magic comes with the first commit.
    let state = load(&[], IDENTITY, |_, _| {}).unwrap();
    let mut writer = CatalogWriter::resume(state, 0);
    writer.media_label(MEDIA).unwrap();
    assert!(load(writer.pending().unwrap(), IDENTITY, |_, _| {}).is_ok());
}

#[test]
fn an_archive_without_end_loads_but_cannot_be_continued() {
    let mut file = ferrite_formats::magic::MEDIA_CATALOG_1_1.to_vec();
    for record in [label(0, MEDIA, 0), start(2, A), chunk()] {
        record.append_to(&mut file).unwrap();
    }
    let state = load(&file, IDENTITY, |_, _| {}).unwrap();
    assert_eq!(state.open_archive(), Some((2, A)));
    let mut writer = CatalogWriter::resume(state, file.len() as u64);
    assert!(writer.snapshot(3, B, "store1", SNAPSHOT).is_err());
    assert_eq!(writer.pending(), Err(CatalogRule::Unfinished(2)));
}

#[test]
fn names_that_do_not_fit_are_refused() {
    let long = "s".repeat(256);
    let mut out = Vec::new();
    let record = CatalogRecord::ArchiveStart {
        file_number: 2,
        uuid: A,
        store: &long,
    };
    assert!(matches!(
        record.append_to(&mut out),
        Err(CatalogRule::TooLong { len: 256, .. })
    ));
    let long = "s".repeat(65_536);
    let record = CatalogRecord::Snapshot {
        file_number: 2,
        uuid: A,
        store: "s",
        snapshot: &long,
    };
    assert!(matches!(
        record.append_to(&mut out),
        Err(CatalogRule::TooLong { .. })
    ));
    assert!(out.is_empty());
}

#[test]
fn a_snapshot_that_stands_twice_counts_with_its_later_file() {
    let mut writer = CatalogWriter::create(IDENTITY);
    writer.media_label(MEDIA).unwrap();
    for (file_number, store) in [(2, "store1"), (3, "store2"), (5, "store1")] {
        writer.snapshot(file_number, A, store, SNAPSHOT).unwrap();
    }
    let content = CatalogContent::parse(writer.pending().unwrap(), IDENTITY).unwrap();
    let found: Vec<(&str, u64)> = content
        .snapshots
        .iter()
        .map(|entry| (entry.store.as_str(), entry.file_number))
        .collect();
    assert_eq!(found, [("store2", 3), ("store1", 5)]);
}

#[test]
fn walking_over_chunk_records_is_fast() {
    let mut writer = CatalogWriter::create(CatalogIdentity::ANY);
    writer.media_label(MEDIA).unwrap();
    let digest = Digest::of(b"chunk");
    writer
        .chunk_archive(2, A, "store1", std::iter::repeat_n(digest, 1_000_000))
        .unwrap();
    let file = writer.pending().unwrap();
    let mut best = f64::MAX;
    for _ in 0..5 {
        let begin = std::time::Instant::now();
        let mut same = 0u64;
        load(file, CatalogIdentity::ANY, |_, record| {
            same += u64::from(record == CatalogRecord::Chunk(digest));
        })
        .unwrap();
        best = best.min(begin.elapsed().as_secs_f64());
        assert_eq!(same, 1_000_000);
    }
    eprintln!(
        "{:.1} ns per record, {:.1} GB/s",
        best * 1e3,
        file.len() as f64 / best / 1e9
    );
    // Hundreds of times what it takes; only a change of order fails.
    assert!(best < 1.0);
    assert_eq!(CatalogReader::new(file).unwrap().count(), 1_000_003);
}
