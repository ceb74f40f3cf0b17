//! A restore that something goes wrong with: it never puts into a datastore what it could not verify, and completes when it is
//! run again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test"
)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use ferrite_datastore::Store;
use ferrite_formats::SnapshotPath;
use ferrite_formats::block::{BLOCK_SIZE, BlockFlags, BlockHeader, HEADER_SIZE};
use ferrite_pipeline::{
    CancelFlag, Environment, PipelineError, RestoreOutcome, RestorePlan, backup, restore,
};
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::{Drive, Transport};
use ferrite_tape::catalog::{CatalogIdentity, read_catalog};
use support::faulty::{Action, Counter, Faulty};
use support::library::Library;
use support::store::{self, assert_sound, never};

/// A tape with two snapshots. Its files: labels, chunks, snapshot, chunks, snapshot.
struct Scene {
    scratch: tempfile::TempDir,
    source: Store,
    snapshots: Vec<SnapshotPath>,
    library: Library,
}

impl Scene {
    fn new(chunks: u64, blob_bytes: usize) -> Self {
        let scratch = support::scratch();
        let (source, snapshots) = store::filled(
            &scratch.path().join("store1"),
            "store1",
            2,
            chunks,
            blob_bytes,
        );
        let mut library = Library::new(scratch.path(), 1 << 40);
        library.add_tape();
        let plan = library.plan(&source, snapshots.clone());
        backup(
            &mut library.drive(),
            &plan,
            &Environment::system(),
            &|_| {},
            &never(),
        )
        .unwrap();
        Self {
            scratch,
            source,
            snapshots,
            library,
        }
    }

    fn target(&self, name: &str) -> Store {
        store::open(&self.scratch.path().join(name), "target")
    }

    fn plan(&self, target: &Store) -> RestorePlan {
        RestorePlan {
            labels: self.library.set[0].clone(),
            mapping: BTreeMap::from([("store1".to_owned(), target.clone())]),
            owner_auth_id: "root@pam".to_owned(),
            catalog_path: self.scratch.path().join("restored.log"),
            owner: None,
            memory_bytes: Some(0),
            workers: Some(2),
            selection: None,
        }
    }

    fn restore(&self, target: &Store) -> Result<RestoreOutcome, PipelineError> {
        restore(
            &mut self.library.drive(),
            &self.plan(target),
            &|_| {},
            &never(),
        )
    }

    /// Changes a file of the tape behind the drive's back.
    fn edit(&self, file_number: u64, edit: impl FnOnce(&mut Vec<u8>)) {
        let path = self
            .scratch
            .path()
            .join(format!("tapes/tapefile-{file_number}-TAPE00.json"));
        let mut blocks = std::fs::read(&path).unwrap();
        edit(&mut blocks);
        std::fs::write(path, blocks).unwrap();
        // The drive remembers how long the files of the loaded tape are.
        self.library.directory.load("TAPE00").unwrap();
    }

    fn archives_in_catalog(&self) -> Vec<(u64, u64)> {
        let summary = read_catalog(
            &self.scratch.path().join("restored.log"),
            CatalogIdentity::ANY,
        )
        .unwrap();
        summary
            .content
            .archives
            .iter()
            .map(|archive| (archive.file_number, archive.chunks))
            .collect()
    }
}

#[test]
fn a_flipped_bit_in_a_chunk_stops_the_restore_and_is_named() {
    let scene = Scene::new(4, 300_000);
    scene.edit(2, |blocks| blocks[BLOCK_SIZE + 100_000] ^= 1);
    let target = scene.target("target");
    let error = scene.restore(&target).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("tape file 2 (block 2)")
            && text.contains("store1")
            && text.contains("CRC-32"),
        "{text}"
    );
    assert_eq!(error.code(), "tape-chunk");
    assert_sound(&target);
    assert!(!scene.scratch.path().join("restored.log").exists());

    scene.edit(2, |blocks| blocks[BLOCK_SIZE + 100_000] ^= 1);
    let outcome = scene.restore(&target).unwrap();
    assert_eq!(outcome.restored.len(), 2);
    store::assert_equal(&scene.source, &target);
}

#[test]
fn a_sound_chunk_under_a_wrong_name_is_refused() {
    let scene = Scene::new(2, 1000);
    // The digest in the second entry header.
    let second = HEADER_SIZE + 48 + 23 + 48 + 1000;
    scene.edit(2, |blocks| blocks[second + 8] ^= 1);
    let target = scene.target("target");
    let error = scene.restore(&target).unwrap_err();
    assert!(error.to_string().contains("SHA-256"), "{error}");
    assert_sound(&target);
}

#[test]
fn an_impossible_chunk_size_takes_no_memory() {
    let scene = Scene::new(2, 1000);
    let size = HEADER_SIZE + 48 + 23 + 40;
    for bytes in [100 << 20, u64::MAX] {
        scene.edit(2, |blocks| {
            blocks[size..size + 8].copy_from_slice(&u64::to_le_bytes(bytes))
        });
        let error = scene.restore(&scene.target("target")).unwrap_err();
        assert!(error.to_string().contains("tape file 2"), "{error}");
    }
}

/// Takes the last block away, and marks the one before it as the end if `flags` say so.
fn cut(blocks: &mut Vec<u8>, flags: Option<BlockFlags>) {
    blocks.truncate(blocks.len() - BLOCK_SIZE);
    let start = blocks.len() - BLOCK_SIZE;
    if let Some(flags) = flags {
        let bytes = blocks[start..start + HEADER_SIZE].try_into().unwrap();
        let mut header = BlockHeader::decode(&bytes, 0).unwrap();
        header.flags = flags;
        blocks[start..start + HEADER_SIZE].copy_from_slice(&header.encode());
    }
}

#[test]
fn a_cut_last_chunk_is_a_normal_end() {
    let scene = Scene::new(3, 300_000);
    scene.edit(4, |blocks| cut(blocks, Some(BlockFlags::END_OF_STREAM)));
    let target = scene.target("target");
    let outcome = scene.restore(&target).unwrap();
    assert_eq!(outcome.chunks_restored, 5);
    assert_eq!(
        outcome
            .restored
            .iter()
            .map(|one| &one.snapshot)
            .collect::<Vec<_>>(),
        [&scene.snapshots[0]]
    );
    // The second snapshot lacks a chunk, so it is not there at all.
    assert_eq!(outcome.incomplete.len(), 1);
    let message = &outcome.incomplete[0].message;
    assert!(
        message.contains("1 of its 3 chunks") && message.contains(&scene.snapshots[1].to_string()),
        "{message}"
    );
    assert!(!target.snapshot_directory(&scene.snapshots[1]).exists());
    assert_eq!(scene.archives_in_catalog(), [(2, 3), (4, 2)]);
    assert_sound(&target);
}

#[test]
fn chunks_of_an_incomplete_archive_count() {
    let scene = Scene::new(3, 300_000);
    scene.edit(4, |blocks| {
        cut(
            blocks,
            Some(BlockFlags::END_OF_STREAM | BlockFlags::INCOMPLETE),
        )
    });
    let outcome = scene.restore(&scene.target("target")).unwrap();
    assert_eq!(outcome.chunks_restored, 5);
    assert_eq!(
        outcome
            .incomplete
            .iter()
            .map(|one| one.file_number)
            .collect::<Vec<_>>(),
        [4, 5]
    );
    assert_eq!(scene.archives_in_catalog(), [(2, 3), (4, 2)]);
}

#[test]
fn an_archive_without_end_marker_is_not_registered() {
    let scene = Scene::new(3, 300_000);
    scene.edit(4, |blocks| cut(blocks, None));
    let outcome = scene.restore(&scene.target("target")).unwrap();
    assert_eq!(outcome.restored.len(), 1);
    assert!(
        outcome.incomplete[0].message.contains("not registered"),
        "{:?}",
        outcome.incomplete
    );
    assert_eq!(scene.archives_in_catalog(), [(2, 3)]);
}

#[test]
fn an_interrupted_snapshot_archive_leaves_nothing() {
    for flags in [
        None,
        Some(BlockFlags::END_OF_STREAM | BlockFlags::INCOMPLETE),
    ] {
        let scene = Scene::new(1, 1000);
        scene.edit(5, |blocks| {
            let bytes = blocks[..HEADER_SIZE].try_into().unwrap();
            let mut header = BlockHeader::decode(&bytes, 0).unwrap();
            (header.flags, header.size) = (flags.unwrap_or(BlockFlags::NONE), 700);
            blocks[..HEADER_SIZE].copy_from_slice(&header.encode());
        });
        let target = scene.target("target");
        let outcome = scene.restore(&target).unwrap();
        assert_eq!((outcome.restored.len(), outcome.incomplete.len()), (1, 1));
        assert!(!target.snapshot_directory(&scene.snapshots[1]).exists());
        let summary = read_catalog(
            &scene.scratch.path().join("restored.log"),
            CatalogIdentity::ANY,
        )
        .unwrap();
        assert_eq!(summary.content.snapshots.len(), 1);
    }
}

#[test]
fn what_is_not_mapped_is_listed_and_not_stored() {
    let scene = Scene::new(3, 300_000);
    let target = scene.target("target");
    let mut plan = scene.plan(&target);
    plan.mapping = BTreeMap::from([("other".to_owned(), target.clone())]);
    let outcome = restore(&mut scene.library.drive(), &plan, &|_| {}, &never()).unwrap();
    assert_eq!(outcome.skipped.len(), 2);
    assert_eq!((outcome.chunks_restored, outcome.restored.len()), (0, 0));
    assert_eq!(scene.archives_in_catalog(), [(2, 3), (4, 3)]);
    let original = std::fs::read(scene.library.catalog_path(plan.labels.label.uuid)).unwrap();
    assert_eq!(std::fs::read(plan.catalog_path).unwrap(), original);

    // Damage in what nobody wants is told, and keeps the chunks out of the catalog.
    scene.edit(2, |blocks| blocks[BLOCK_SIZE + 100_000] ^= 1);
    let mut plan = scene.plan(&target);
    plan.mapping.clear();
    let outcome = restore(&mut scene.library.drive(), &plan, &|_| {}, &never()).unwrap();
    assert!(
        outcome.incomplete[0].message.contains("CRC-32"),
        "{:?}",
        outcome.incomplete
    );
    assert_eq!(scene.archives_in_catalog(), [(4, 3)]);
}

#[test]
fn a_group_of_somebody_else_is_refused() {
    let scene = Scene::new(1, 1000);
    let target = scene.target("target");
    let group = scene.snapshots[1].group();
    let directory = target.path().join("host").join(group.id());
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("owner"), "joe@pbs\n").unwrap();
    let error = scene.restore(&target).unwrap_err();
    assert_eq!(error.code(), "owner-mismatch");
    assert!(error.to_string().contains("tape file 5"), "{error}");
    assert_sound(&target);
}

#[test]
fn a_wrong_file_of_a_snapshot_is_refused() {
    let scene = Scene::new(2, 1000);
    // The index is the second file: its table stands 4096 bytes behind its start. Search for the first chunk's digest.
    let digest = {
        let reader = scene.source.open_snapshot(&scene.snapshots[0]).unwrap();
        reader
            .chunks_in_tape_order(ferrite_pipeline::ChunkOrder::Index, |_| true)
            .next()
            .unwrap()
            .unwrap()
    };
    scene.edit(3, |blocks| {
        let at = blocks
            .windows(32)
            .position(|window| window == digest.as_bytes())
            .unwrap();
        blocks[at] ^= 1;
    });
    let target = scene.target("target");
    let error = scene.restore(&target).unwrap_err();
    assert!(error.to_string().contains("checksum"), "{error}");
    assert!(!target.snapshot_directory(&scene.snapshots[0]).exists());
}

/// Runs a restore that is disturbed at every place in turn, and completes it.
fn disturbed(opcode: Option<OperationCode>, disturb: impl Fn(&CancelFlag) -> Action) {
    let scene = Scene::new(3, 400_000);
    let open = |transport: Box<dyn Transport>| {
        let mut drive = Drive::open(transport, ferrite_scsi::DriveOptions::default()).unwrap();
        drive.prepare().unwrap();
        drive
    };
    let mut place = 0;
    loop {
        let target = scene.target(&format!("target{place}"));
        let (cancel, seen) = (CancelFlag::new(), Counter::default());
        let faulty = |at, action| {
            seen.reset();
            let inner = scene.library.directory.connect();
            Box::new(Faulty {
                inner,
                opcode,
                at,
                action,
                seen: seen.clone(),
            })
        };
        drop(open(faulty(u64::MAX, Action::Fail)));
        let before = seen.get();
        let mut drive = open(faulty(before + place, disturb(&cancel)));
        let result = restore(&mut drive, &scene.plan(&target), &|_| {}, &cancel);
        drop(drive);
        let reached = seen.get() > before + place;
        assert!(
            result.is_err() || !reached || cancel.is_cancelled(),
            "an error at command {place} went unnoticed"
        );
        assert!(result.is_ok() || reached);
        assert_sound(&target);
        let outcome = scene.restore(&target).unwrap();
        assert_eq!(outcome.restored.len() + outcome.existing.len(), 2);
        store::assert_equal(&scene.source, &target);
        std::fs::remove_dir_all(target.path()).unwrap();
        if !reached {
            break;
        }
        place += 1;
    }
    assert!(place > 8, "only {place} places were disturbed");
}

#[test]
fn cancelled_at_every_block() {
    disturbed(Some(OperationCode::READ_6), |cancel| {
        let cancel = cancel.clone();
        Action::Call(Box::new(move || cancel.cancel()))
    });
}

#[test]
fn the_drive_fails_at_every_command() {
    disturbed(None, |_| Action::Fail);
}

#[test]
fn a_full_disk_is_told_and_the_rest_follows_later() {
    let scene = Scene::new(6, 900_000);
    let path = scene.scratch.path().join("small");
    let Some(small) = support::tmpfs::Tmpfs::mount(&path, 7 << 20) else {
        return;
    };
    let target = store::open(&path.join("target"), "target");
    let error = scene.restore(&target).unwrap_err();
    assert_eq!(error.code(), "disk-full", "{error}");
    assert!(error.to_string().contains("tape file"), "{error}");
    assert_sound(&target);
    small.resize(64 << 20);
    scene.restore(&target).unwrap();
    compare(&scene.source, &target);
}

fn compare(source: &Store, target: &Store) {
    store::assert_equal(source, target);
    let _: &Path = target.path();
}
