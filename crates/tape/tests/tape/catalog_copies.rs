//! Catalogs restored from the copies on tape (tape-format.md 7.6; K1 to K3 of section 12), and the plain list of a tape's
//! files.

use crate::support::content::{
    SNAPSHOT, catalog_archive, chunk, chunk_archive, chunk_archive_head, labelled, snapshot_archive,
};
use crate::support::labels;
use crate::support::tape::{
    MemoryTape, Object, blocks, incomplete_blocks, small_blocks, unterminated_blocks,
};
use ferrite_tape::catalog::overwrite_catalog;
use ferrite_tape::restore::{CatalogRestore, CatalogRestoreOutcome, restore_catalogs};
use ferrite_tape::scan::{ScannedFile, scan_files};
use ferrite_tape::{AlignedBlock, TapeError, TapeEvent, TapeLabels, Watch};
use tempfile::TempDir;
use uuid::Uuid;

type File = Vec<Vec<u8>>;

/// A catalog as bytes, with as many snapshots as told.
fn catalog(labels: &TapeLabels, snapshots: u64) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.log");
    let mut builder = ferrite_tape::CatalogBuilder::create(&path, labels, None).unwrap();
    for number in 0..snapshots {
        builder
            .snapshot(2 + number, Uuid::nil(), "store1", SNAPSHOT)
            .unwrap();
    }
    builder.finish().unwrap();
    std::fs::read(path).unwrap()
}

struct Restored {
    folder: TempDir,
    outcome: Result<CatalogRestoreOutcome, TapeError>,
}

impl Restored {
    /// What stands in the catalog of member `seq_nr` afterwards.
    fn catalog(&self, seq_nr: u64) -> Option<Vec<u8>> {
        std::fs::read(
            self.folder
                .path()
                .join(format!("{}.log", labels(seq_nr).label.uuid)),
        )
        .ok()
    }

    fn skipped(&self) -> Vec<u64> {
        self.outcome
            .as_ref()
            .unwrap()
            .skipped
            .iter()
            .map(|copy| copy.file_number)
            .collect()
    }
}

/// Restores catalogs from a tape that is member 1 of a set of three, with these files behind its labels. The catalogs of
/// `present` are there already.
fn restore(files: Vec<File>, present: &[u64]) -> Restored {
    let own = labels(1);
    let tape = labelled(&own);
    files.into_iter().for_each(|file| tape.push_file(file));
    let folder = TempDir::new().unwrap();
    for seq_nr in present {
        let path = folder
            .path()
            .join(format!("{}.log", labels(*seq_nr).label.uuid));
        overwrite_catalog(&path, &labels(*seq_nr), None).unwrap();
    }
    let members: Vec<Uuid> = (0..3).map(|seq_nr| labels(seq_nr).label.uuid).collect();
    let options = CatalogRestore {
        labels: &own,
        members: &members,
        folder: folder.path(),
        owner: None,
    };
    let mut watch = Watch {
        on_event: &mut |_| {},
        cancelled: &|| false,
    };
    let outcome = restore_catalogs(
        &mut tape.drive(),
        &mut AlignedBlock::new(),
        &options,
        &mut watch,
    );
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(
        left.iter().all(|path| path.extension().unwrap() == "log"),
        "{left:?}"
    );
    Restored { folder, outcome }
}

fn copy(seq_nr: u64, snapshots: u64) -> File {
    blocks(&catalog_archive(
        &labels(seq_nr),
        &catalog(&labels(seq_nr), snapshots),
    ))
}

#[test]
fn catalogs_come_back_from_behind_the_labels_and_from_the_end() {
    let other = blocks(&snapshot_archive(&[]));
    let restored = restore(vec![copy(0, 3), other.clone(), other, copy(1, 2)], &[]);
    let outcome = restored.outcome.as_ref().unwrap();
    assert!(outcome.own_restored);
    assert_eq!(
        outcome.restored,
        [labels(0).label.uuid, labels(1).label.uuid]
    );
    assert_eq!(outcome.skipped, []);
    assert_eq!(restored.catalog(0).unwrap(), catalog(&labels(0), 3));
    assert_eq!(restored.catalog(1).unwrap(), catalog(&labels(1), 2));
}

#[test]
fn only_the_own_catalog_is_replaced_and_the_last_copy_counts() {
    let other = blocks(&snapshot_archive(&[]));
    let restored = restore(
        vec![
            copy(0, 3),
            copy(1, 1),
            other.clone(),
            copy(1, 2),
            other,
            copy(1, 4),
        ],
        &[0, 1],
    );
    assert_eq!(restored.catalog(0).unwrap(), catalog(&labels(0), 0));
    assert_eq!(restored.catalog(1).unwrap(), catalog(&labels(1), 4));
    assert_eq!(restored.skipped(), [2]);
    assert_eq!(restored.outcome.unwrap().restored, [labels(1).label.uuid]);
}

#[test]
fn the_search_jumps_once_and_stops_where_nothing_newer_can_be() {
    let other = || blocks(&snapshot_archive(&[]));
    // The last file is no catalog: the job was interrupted. What lies in the middle is not looked for.
    let restored = restore(vec![copy(0, 1), other(), copy(1, 1), other()], &[]);
    assert!(!restored.outcome.as_ref().unwrap().own_restored);
    assert_eq!(restored.catalog(0).unwrap(), catalog(&labels(0), 1));
    assert_eq!(restored.catalog(1), None);
    // The first other file is the last one.
    assert!(
        !restore(vec![copy(0, 1), other()], &[])
            .outcome
            .unwrap()
            .own_restored
    );
    // Nothing but labels, nothing but catalogs.
    assert_eq!(
        restore(vec![], &[]).outcome.unwrap(),
        CatalogRestoreOutcome::default()
    );
    assert!(
        restore(vec![copy(0, 1), copy(1, 1)], &[])
            .outcome
            .unwrap()
            .own_restored
    );
    // An empty file counts as another file.
    assert!(
        restore(vec![vec![], other(), copy(1, 1)], &[])
            .outcome
            .unwrap()
            .own_restored
    );
}

#[test]
fn k3_copies_of_other_sets_members_and_tapes_are_skipped() {
    let mut foreign_set = labels(1);
    foreign_set.media_set_label.as_mut().unwrap().uuid = Uuid::from_u128(0x999);
    let unknown = labels(7);
    // Header and content disagree: about the tape, the set, the place in the set.
    let other_tape = catalog_archive(&labels(1), &catalog(&labels(0), 1));
    let other_set = catalog_archive(&labels(1), &catalog(&foreign_set, 1));
    let mut moved = labels(1);
    moved.media_set_label.as_mut().unwrap().seq_nr = 5;
    let other_place = catalog_archive(&labels(1), &catalog(&moved, 1));
    let mut no_set = labels(1);
    no_set.media_set_label = None;
    let nameless = catalog_archive(&labels(1), &catalog(&no_set, 0));
    for content in [
        catalog_archive(&foreign_set, &catalog(&foreign_set, 1)),
        catalog_archive(&unknown, &catalog(&unknown, 1)),
        other_tape,
        other_set,
        other_place,
        nameless,
    ] {
        let restored = restore(vec![blocks(&content), copy(0, 1)], &[1]);
        assert_eq!(restored.skipped(), [2]);
        assert!(!restored.outcome.as_ref().unwrap().own_restored);
        assert_eq!(
            restored.catalog(1).unwrap(),
            catalog(&labels(1), 0),
            "the old one stays"
        );
        assert_eq!(restored.catalog(0).unwrap(), catalog(&labels(0), 1));
    }
}

#[test]
fn k1_k2_unusable_copies_replace_nothing() {
    let good = catalog(&labels(1), 3);
    let mut old = good.clone();
    old[..8].copy_from_slice(&ferrite_formats::magic::MEDIA_CATALOG_1_0);
    let mut tag = good.clone();
    tag[8] = b'X';
    let mut unfinished = good.clone();
    let start = ferrite_formats::media_catalog::CatalogRecord::ArchiveStart {
        file_number: 9,
        uuid: Uuid::nil(),
        store: "s",
    };
    start.append_to(&mut unfinished).unwrap();
    let mut files: Vec<File> = [
        &old,
        &tag,
        &unfinished,
        &good[..good.len() - 1].to_vec(),
        &good[..3].to_vec(),
        &Vec::new(),
    ]
    .into_iter()
    .map(|bad| blocks(&catalog_archive(&labels(1), bad)))
    .collect();
    files.push(incomplete_blocks(&catalog_archive(&labels(1), &good)));
    files.push(unterminated_blocks(&catalog_archive(&labels(1), &good)));
    for file in files {
        let restored = restore(vec![file, copy(0, 1)], &[1]);
        assert_eq!(restored.skipped(), [2]);
        assert_eq!(restored.catalog(1).unwrap(), catalog(&labels(1), 0));
        assert!(restored.catalog(0).is_some());
    }
}

#[test]
fn damage_before_or_in_a_copy_does_not_hide_those_behind_it() {
    let mut torn = blocks(&catalog_archive(&labels(1), &[0; 400_000]));
    torn[1][0] ^= 1;
    let foreign = vec![vec![5; 700]];
    let unknown = blocks(&crate::support::content::head([7; 8], b"{}", 2));
    let mut cut = small_blocks(b"cut", 3);
    cut[0][8] = 0;
    for file in [torn, foreign, unknown, cut, blocks(b"")] {
        let restored = restore(vec![file, copy(0, 1), copy(1, 2)], &[1]);
        assert!(restored.outcome.as_ref().unwrap().own_restored);
        assert_eq!(restored.catalog(1).unwrap(), catalog(&labels(1), 2));
    }
    // In the last file.
    let restored = restore(vec![copy(0, 1), blocks(b"other"), vec![vec![5; 700]]], &[]);
    assert!(!restored.outcome.as_ref().unwrap().own_restored);
    assert!(restored.catalog(0).is_some());
}

fn list(tape: &MemoryTape) -> Vec<ScannedFile> {
    let mut files = Vec::new();
    let mut on_event = |event| {
        if let TapeEvent::File(file) = event {
            files.push(file);
        }
    };
    let mut watch = Watch {
        on_event: &mut on_event,
        cancelled: &|| false,
    };
    let count = scan_files(&mut tape.drive(), &mut AlignedBlock::new(), &mut watch).unwrap();
    assert_eq!(count, files.len() as u64);
    files
}

#[test]
fn every_file_is_listed_also_strange_ones() {
    let tape = labelled(&labels(0));
    let chunks = chunk_archive(&[chunk(1, 200_000), chunk(2, 190_000)]);
    tape.push_file(blocks(&chunks));
    tape.push_file(vec![]);
    tape.push_file(incomplete_blocks(&snapshot_archive(&[])));
    tape.push_file(unterminated_blocks(&chunks));
    tape.push_file(vec![vec![9; 1000], vec![9; 1000]]);
    tape.push_file(blocks(b"short"));
    tape.push_file(blocks(&crate::support::content::head([7; 8], b"{}", 2)));
    let mut torn = blocks(&chunks);
    torn[1][0] ^= 1;
    tape.push_file(torn);
    tape.push_file(blocks(&catalog_archive(&labels(0), b"")));
    let files = list(&tape);
    let kinds: Vec<&str> = files.iter().map(|file| file.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "Proxmox Backup Tape Label v1.0",
            "Proxmox Backup MediaSet Label v1.0",
            "Proxmox Backup Chunk Archive v1.1",
            "empty",
            "Proxmox Backup Snapshot Archive v1.1",
            "Proxmox Backup Chunk Archive v1.1",
            "unknown",
            "unknown",
            "unknown",
            "Proxmox Backup Chunk Archive v1.1",
            "Proxmox Backup Catalog Archive v1.1"
        ]
    );
    for (number, file) in files.iter().enumerate() {
        assert_eq!(file.file_number, number as u64);
        let whole = !matches!(number, 3 | 5 | 6 | 9);
        assert_eq!(file.has_end_marker, whole, "{file:?}");
        assert_eq!(file.incomplete, number == 4);
        assert_eq!(file.note.is_some(), matches!(number, 5..=9), "{file:?}");
    }
    assert_eq!(files[2].bytes, 2 * 262_144);
    assert_eq!(
        files[2].uuid,
        Some(crate::support::content::content_uuid(2))
    );
    assert_eq!(files[2].ctime, Some(crate::support::content::CTIME));
    assert_eq!(files[2].part_number, Some(0));
    assert_eq!(
        files[2].header_size,
        Some(chunk_archive_head().len() as u32 - 48)
    );
    assert_eq!(list(&MemoryTape::default()), []);
}

#[test]
fn a_tape_that_ends_inside_a_file_is_listed_up_to_there() {
    let tape = MemoryTape::with(vec![Object::Block(blocks(b"x").remove(0))]);
    let files = list(&tape);
    assert_eq!(files.len(), 1);
    assert!(files[0].note.is_some());
}
