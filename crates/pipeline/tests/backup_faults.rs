//! A backup that something goes wrong with: it never says that all is well when it is not, loses nothing that was safe, and
//! completes when it is run again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test"
)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ferrite_datastore::{LockMode, Store};
use ferrite_formats::{Digest, SnapshotPath};
use ferrite_pipeline::{
    BackupOutcome, BackupStatus, CancelFlag, Environment, PipelineError, RestorePlan, Verify,
    backup, restore,
};
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::{Cdb, Completion, Data, Drive, Transport, TransportError};
use support::faulty::{Action, Counter, Faulty};
use support::library::Library;
use support::store::{self, never};

const LARGE: u64 = 1 << 40;

/// A backup with the real clock.
fn run(
    library: &Library,
    drive: &mut Drive,
    store: &Store,
    snapshots: &[SnapshotPath],
) -> Result<BackupOutcome, PipelineError> {
    let plan = library.plan(store, snapshots.to_vec());
    backup(drive, &plan, &Environment::system(), &|_| {}, &never())
}

/// Backs up what is not on tape yet, over as many tapes as it takes.
fn complete(library: &mut Library, store: &Store, snapshots: &[SnapshotPath]) {
    let mut left = snapshots.to_vec();
    loop {
        let outcome = run(library, &mut library.drive(), store, &left).unwrap();
        assert_eq!(outcome.failed, []);
        if outcome.status == BackupStatus::Done {
            return;
        }
        assert!(library.set.len() < 30, "no progress");
        left = outcome.remaining;
        library.add_tape();
    }
}

/// Restores all tapes into a new store and compares it with the source.
fn assert_restores(library: &Library, scratch: &Path, source: &Store) {
    let target_path = scratch.join(format!("target{}", rand_name()));
    let target = store::open(&target_path, "target");
    for labels in &library.set {
        library.directory.load(&labels.label.label_text).unwrap();
        let plan = RestorePlan {
            labels: labels.clone(),
            mapping: BTreeMap::from([(String::new(), target.clone())]),
            owner_auth_id: "root@pam".to_owned(),
            catalog_path: scratch.join("restored.log"),
            owner: None,
            memory_bytes: None,
            workers: None,
            selection: None,
        };
        restore(&mut library.drive(), &plan, &|_| {}, &never()).unwrap();
    }
    store::assert_equal(source, &target);
    std::fs::remove_dir_all(target_path).unwrap();
    // Back to where a job would go on.
    library
        .directory
        .load(&library.set.last().unwrap().label.label_text)
        .unwrap();
}

fn rand_name() -> u128 {
    Environment::system().content_uuid().unwrap().as_u128()
}

/// Chunks of a snapshot in tape order.
fn chunks(store: &Store, snapshot: &SnapshotPath) -> Vec<Digest> {
    let reader = store.open_snapshot(snapshot).unwrap();
    reader
        .chunks_in_tape_order(ferrite_pipeline::ChunkOrder::Inode, |_| true)
        .map(Result::unwrap)
        .collect()
}

/// The chunks before the third are on tape, the others are not.
const UP_TO_IT: [bool; 5] = [true, true, false, false, false];

/// Harms the third chunk of the second snapshot, and checks what a backup makes of it.
fn with_bad_chunk(verify: Verify, harm: impl Fn(&Path), expect: &str, on_tape: [bool; 5]) {
    let scratch = support::scratch();
    let (store, snapshots) = store::filled(&scratch.path().join("store1"), "store1", 3, 5, 300_000);
    let mut library = Library::new(scratch.path(), LARGE);
    library.add_tape();
    let order = chunks(&store, &snapshots[1]);
    let path = store.chunks().chunk_path(&order[2]);
    let good = std::fs::read(&path).unwrap();
    harm(&path);

    let mut plan = library.plan(&store, snapshots.clone());
    plan.verify = verify;
    let error = backup(
        &mut library.drive(),
        &plan,
        &Environment::system(),
        &|_| {},
        &never(),
    )
    .unwrap_err();
    let text = error.to_string();
    let named = [
        order[2].to_string(),
        snapshots[1].to_string(),
        path.display().to_string(),
        expect.to_owned(),
    ];
    for part in named {
        assert!(text.contains(&part), "{text} does not name {part}");
    }
    assert_eq!(error.code(), "source-chunk");
    let held: Vec<_> = order
        .iter()
        .map(|digest| library.has("store1", digest))
        .collect();
    assert_eq!(held, on_tape);
    let first = chunks(&store, &snapshots[0]);
    assert!(first.iter().all(|digest| library.has("store1", digest)));

    std::fs::remove_file(&path).ok();
    std::fs::write(&path, good).unwrap();
    complete(&mut library, &store, &snapshots);
    assert_restores(&library, scratch.path(), &store);
}

#[test]
fn a_missing_chunk_ends_the_archive_before_it() {
    with_bad_chunk(
        Verify::Crc,
        |path| std::fs::remove_file(path).unwrap(),
        "missing",
        // What has no inode comes last.
        [true, true, false, true, true],
    );
}

#[test]
fn an_empty_chunk_ends_the_archive_before_it() {
    with_bad_chunk(
        Verify::Crc,
        |path| std::fs::write(path, "").unwrap(),
        "empty",
        UP_TO_IT,
    );
}

#[test]
fn a_chunk_with_a_flipped_bit_ends_the_archive_before_it() {
    let flip = |path: &Path| {
        let mut bytes = std::fs::read(path).unwrap();
        bytes[299_999] ^= 4;
        std::fs::write(path, bytes).unwrap();
    };
    with_bad_chunk(Verify::Crc, flip, "CRC-32", UP_TO_IT);
}

#[test]
fn another_chunk_of_that_name_ends_the_archive_before_it() {
    let replace = |path: &Path| {
        let blob = ferrite_formats::blob::Blob::encode(b"something else", false, None).unwrap();
        std::fs::write(path, blob.as_bytes()).unwrap();
    };
    with_bad_chunk(Verify::Sha256, replace, "SHA-256", UP_TO_IT);
}

#[test]
fn snapshots_that_cannot_be_opened_do_not_stop_the_others() {
    let scratch = support::scratch();
    let (store, snapshots) = store::filled(&scratch.path().join("store1"), "store1", 4, 2, 1000);
    let mut library = Library::new(scratch.path(), LARGE);
    library.add_tape();
    for digest in chunks(&store, &snapshots[0]) {
        std::fs::remove_file(store.chunks().chunk_path(&digest)).unwrap();
    }
    std::fs::remove_dir_all(store.snapshot_directory(&snapshots[0]).parent().unwrap()).unwrap();
    let busy = store
        .lock_snapshot(&snapshots[1], LockMode::Exclusive)
        .unwrap();
    let index = store
        .snapshot_directory(&snapshots[2])
        .join("root.pxar.didx");
    let good = std::fs::read(&index).unwrap();
    std::fs::write(&index, &good[..4000]).unwrap();

    let outcome = run(&library, &mut library.drive(), &store, &snapshots).unwrap();
    assert_eq!(outcome.status, BackupStatus::Done);
    assert_eq!(outcome.vanished, snapshots[..1]);
    assert_eq!(
        outcome
            .failed
            .iter()
            .map(|(path, _)| path)
            .collect::<Vec<_>>(),
        [&snapshots[1], &snapshots[2]]
    );
    assert!(
        outcome.failed[0].1.contains("locked"),
        "{:?}",
        outcome.failed
    );
    assert!(
        outcome.failed[1].1.contains("root.pxar.didx"),
        "{:?}",
        outcome.failed
    );
    assert_eq!(outcome.written, snapshots[3..]);

    drop(busy);
    std::fs::write(&index, good).unwrap();
    complete(&mut library, &store, &snapshots[1..3]);
    assert_restores(&library, scratch.path(), &store);
}

#[test]
fn a_tape_without_labels_is_not_written_to() {
    let scratch = support::scratch();
    let (store, snapshots) = store::filled(&scratch.path().join("store1"), "store1", 1, 1, 1000);
    let mut library = Library::new(scratch.path(), LARGE);
    library.add_tape();
    library.directory.load("EMPTY1").unwrap();
    let error = run(&library, &mut library.drive(), &store, &snapshots).unwrap_err();
    assert_eq!(error.code(), "I4");
}

/// Runs a backup that is disturbed at every place in turn, until the place lies behind its end.
fn disturbed(
    opcode: Option<OperationCode>,
    disturb: impl Fn(&CancelFlag) -> Action,
    check: impl Fn(&PipelineError),
) {
    let scratch = support::scratch();
    let (store, snapshots) = store::filled(&scratch.path().join("store1"), "store1", 2, 3, 400_000);
    let mut place = 0;
    loop {
        let root = scratch.path().join(format!("{place}"));
        let mut library = Library::new(&root, LARGE);
        library.add_tape();
        let (cancel, seen) = (CancelFlag::new(), Counter::default());
        // Opening the drive is not what is tested.
        let mut drive = Drive::open(
            Faulty {
                inner: library.directory.connect(),
                opcode,
                at: u64::MAX,
                action: Action::Fail,
                seen: seen.clone(),
            },
            ferrite_scsi::DriveOptions::default(),
        )
        .unwrap();
        drive.prepare().unwrap();
        let before = seen.get();
        drop(drive);
        let action = disturb(&cancel);
        let faulty = Faulty {
            inner: library.directory.connect(),
            opcode,
            at: before + place,
            action,
            seen: seen.clone(),
        };
        seen.reset();
        let mut drive = library.drive_over(faulty);
        let plan = library.plan(&store, snapshots.clone());
        let result = backup(&mut drive, &plan, &Environment::system(), &|_| {}, &cancel);
        drop(drive);
        let reached = seen.get() > before + place;
        match result {
            Ok(outcome) => {
                assert_eq!(outcome.status, BackupStatus::Done);
                assert!(
                    !reached || cancel.is_cancelled(),
                    "an error at command {place} went unnoticed"
                );
            }
            Err(error) => {
                assert!(reached, "{error}");
                check(&error);
            }
        }
        complete(&mut library, &store, &snapshots);
        assert_restores(&library, &root, &store);
        drop(library);
        std::fs::remove_dir_all(root).unwrap();
        if !reached {
            break;
        }
        place += 1;
    }
    assert!(place > 8, "only {place} places were disturbed");
}

#[test]
fn cancelled_at_every_block() {
    let cancel_after = |cancel: &CancelFlag| {
        let cancel = cancel.clone();
        Action::Call(Box::new(move || cancel.cancel()))
    };
    disturbed(Some(OperationCode::WRITE_6), cancel_after, |error| {
        assert!(error.is_cancelled(), "{error}")
    });
}

#[test]
fn the_drive_fails_at_every_command() {
    disturbed(
        None,
        |_| Action::Fail,
        |error| assert!(!error.is_cancelled(), "{error}"),
    );
}

#[test]
fn a_full_disk_under_the_tapes_loses_nothing() {
    let scratch = support::scratch();
    let (store, snapshots) = store::filled(&scratch.path().join("store1"), "store1", 2, 6, 900_000);
    let root = scratch.path().join("small");
    let Some(small) = support::tmpfs::Tmpfs::mount(&root, 9 << 20) else {
        return;
    };
    {
        let mut library = Library::new(&root, LARGE);
        library.add_tape();
        let error = run(&library, &mut library.drive(), &store, &snapshots).unwrap_err();
        assert!(error.to_string().contains("No space left"), "{error}");
        small.resize(64 << 20);
        complete(&mut library, &store, &snapshots);
        assert_restores(&library, scratch.path(), &store);
    }
}

/// Notes whenever the catalog has grown since the command before, and what that command was.
struct Watching<T> {
    inner: T,
    catalog: PathBuf,
    bytes: u64,
    last: Vec<u8>,
    growths: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl<T> Watching<T> {
    fn look(&mut self) {
        let bytes = std::fs::metadata(&self.catalog).map_or(0, |metadata| metadata.len());
        if std::mem::replace(&mut self.bytes, bytes) != bytes {
            self.growths.lock().unwrap().push(self.last.clone());
        }
    }
}

impl<T: Transport> Transport for Watching<T> {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Completion, TransportError> {
        self.look();
        self.last = cdb.as_bytes().to_vec();
        self.inner.execute(cdb, data, timeout)
    }
}

impl<T> Drop for Watching<T> {
    fn drop(&mut self) {
        self.look();
    }
}

#[test]
fn the_catalog_grows_only_behind_a_sync_of_the_tape() {
    let scratch = support::scratch();
    let (store, snapshots) = store::filled(&scratch.path().join("store1"), "store1", 3, 4, 300_000);
    let mut library = Library::new(scratch.path(), 10 * 262_144);
    let growths = Arc::default();
    let mut left = snapshots;
    while !left.is_empty() {
        let labels = library.add_tape();
        let catalog = library.catalog_path(labels.label.uuid);
        let bytes = std::fs::metadata(&catalog).unwrap().len();
        let inner = library.directory.connect();
        let growths = Arc::clone(&growths);
        let watching = Watching {
            inner,
            catalog,
            bytes,
            last: Vec::new(),
            growths,
        };
        left = run(&library, &mut library.drive_over(watching), &store, &left)
            .unwrap()
            .remaining;
    }
    let growths = growths.lock().unwrap();
    assert_eq!(growths.len(), library.set.len());
    // WRITE FILEMARKS(6) of no filemarks, to be answered when the buffer is on tape.
    assert!(
        growths.iter().all(|cdb| cdb == &[0x10, 0, 0, 0, 0, 0]),
        "{growths:x?}"
    );
}
