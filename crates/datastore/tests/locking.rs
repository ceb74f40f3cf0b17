//! Locks between processes: the other one is a second copy of this test program.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests; clippy knows only test functions, not what they share"
)]

mod support;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use ferrite_datastore::{
    BaseLock, CancelFlag, DirectoryLock, ErrorKind, LockFile, LockMode, Operation, Store,
    StoreOptions,
};
use ferrite_formats::{BackupGroup, BackupType, Namespace, SnapshotPath};
use rustix::fs::FlockOperation;
use support::TestStore;

const SNAPSHOT: &str = "vm/100/2024-05-01T12:00:00Z";
/// What the other process is to do, and on which store.
const ROLE: &str = "FERRITE_TEST_ROLE";
const BASE: &str = "FERRITE_TEST_BASE";

/// A process that has done what its role says, and waits to be released or killed.
struct Other {
    child: Child,
    input: Option<ChildStdin>,
    /// Closed before it ends, its last words would be an error.
    _output: Lines<BufReader<ChildStdout>>,
}

impl Other {
    fn start(role: &str, store: &TestStore) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "other_process",
                "--exact",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(ROLE, role)
            .env(BASE, store.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(
            lines.by_ref().any(|line| line.unwrap().ends_with("ready")),
            "{role}"
        );
        Self {
            input: child.stdin.take(),
            child,
            _output: lines,
        }
    }

    /// Lets it end properly.
    fn release(mut self) {
        drop(self.input.take());
        assert!(self.child.wait().unwrap().success());
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Not a test: what the other process does.
#[test]
fn other_process() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let base = PathBuf::from(std::env::var_os(BASE).unwrap());
    let store = Store::open(options(&base)).unwrap();
    let cancel = CancelFlag::new();
    let _held: Box<dyn std::any::Any> = match role.as_str() {
        "write" => Box::new(store.lock_for_writing(Duration::ZERO, &cancel).unwrap()),
        "collect" => Box::new(BaseLock::try_acquire_exclusive(store.path(), None).unwrap()),
        "read" => Box::new(store.lock_snapshot(&snapshot(), LockMode::Shared).unwrap()),
        "remove" => Box::new(
            store
                .lock_snapshot(&snapshot(), LockMode::Exclusive)
                .unwrap(),
        ),
        // PBS up to 3.3.4 knows only this lock, later versions only the other.
        "old-read" | "old-remove" => {
            let directory = File::open(store.snapshot_directory(&snapshot())).unwrap();
            let operation = match role.as_str() {
                "old-read" => FlockOperation::NonBlockingLockShared,
                _ => FlockOperation::NonBlockingLockExclusive,
            };
            rustix::fs::flock(&directory, operation).unwrap();
            Box::new(directory)
        }
        "new-read" | "new-remove" => {
            let name = r"vm-100-2024\x2d05\x2d01T12\x3a00\x3a00Z";
            let path = base.join("run/locks/store1").join(name);
            let mode = match role.as_str() {
                "new-read" => LockMode::Shared,
                _ => LockMode::Exclusive,
            };
            Box::new(LockFile::try_acquire(&path, mode, None).unwrap())
        }
        "group" => Box::new(
            store
                .create_group(&Namespace::root(), &group(), "root@pam")
                .unwrap(),
        ),
        "snapshot" => {
            let writer = store
                .create_group(&Namespace::root(), &group(), "root@pam")
                .unwrap();
            let writer = writer.create_snapshot(snapshot().time()).unwrap().unwrap();
            writer.write_file("a.blob", b"half a snapshot").unwrap();
            let mut open = writer.create_file("b.blob").unwrap();
            open.append(b"half a file").unwrap();
            std::mem::forget(open);
            Box::new(writer)
        }
        "operation" => Box::new(store.begin(Operation::Write).unwrap()),
        other => panic!("{other}"),
    };
    println!("ready");
    std::io::stdout().flush().unwrap();
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

fn options(dir: &Path) -> StoreOptions {
    StoreOptions::new("store1", dir.join("store"), dir.join("run"))
}

fn snapshot() -> SnapshotPath {
    SNAPSHOT.parse().unwrap()
}

fn group() -> BackupGroup {
    BackupGroup::new(BackupType::Vm, "100").unwrap()
}

/// A store with one directory that counts as a snapshot for locking.
fn store() -> TestStore {
    let store = TestStore::new();
    fs::create_dir_all(store.path().join(SNAPSHOT)).unwrap();
    store
}

fn lock(store: &TestStore, mode: LockMode) -> Result<DirectoryLock, ErrorKind> {
    store
        .lock_snapshot(&snapshot(), mode)
        .map_err(|error| error.kind())
}

#[test]
fn writers_share_the_store_and_exclude_garbage_collection() {
    let store = store();
    let cancel = CancelFlag::new();
    let write = |timeout| store.lock_for_writing(timeout, &cancel);
    let collect = || BaseLock::try_acquire_exclusive(store.path(), None);

    let other = Other::start("write", &store);
    let first = write(Duration::ZERO).unwrap();
    other.release();
    let second = write(Duration::ZERO).unwrap();
    // In the same process too, and by a second `Store` that knows it under another path.
    assert_eq!(collect().unwrap_err().kind(), ErrorKind::Busy);
    let alias = store.dir.path().join("alias");
    std::os::unix::fs::symlink(store.path(), &alias).unwrap();
    let third = BaseLock::acquire_shared(&alias, None, Duration::ZERO, &cancel).unwrap();
    // Dropping all but one must not release the lock: another process still cannot collect.
    drop((first, third));
    let refused = Command::new(std::env::current_exe().unwrap())
        .args(["other_process", "--exact"])
        .env(ROLE, "collect")
        .env(BASE, store.dir.path())
        .output()
        .unwrap();
    assert!(!refused.status.success());
    drop(second);

    let other = Other::start("collect", &store);
    let error = write(Duration::from_millis(20)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.to_string().contains("garbage collection"), "{error}");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            other.release();
        });
        let start = Instant::now();
        write(Duration::from_secs(30)).unwrap();
        assert!(start.elapsed() >= Duration::from_millis(50));
    });
}

#[test]
fn snapshots_are_locked_for_both_generations() {
    let store = store();
    for role in ["read", "old-read", "new-read"] {
        let reader = Other::start(role, &store);
        let shared = lock(&store, LockMode::Shared).unwrap();
        let denied = lock(&store, LockMode::Exclusive).unwrap_err();
        assert_eq!(denied, ErrorKind::Busy, "{role}");
        drop(shared);
        let denied = lock(&store, LockMode::Exclusive).unwrap_err();
        assert_eq!(denied, ErrorKind::Busy, "{role}");
        reader.release();
        drop(lock(&store, LockMode::Exclusive).unwrap());
    }
    for role in ["remove", "old-remove", "new-remove"] {
        let other = Other::start(role, &store);
        for mode in [LockMode::Shared, LockMode::Exclusive] {
            assert_eq!(lock(&store, mode).unwrap_err(), ErrorKind::Busy, "{role}");
        }
        // A killed process holds nothing.
        other.kill();
        drop(lock(&store, LockMode::Exclusive).unwrap());
    }
}

#[test]
fn gone_is_not_busy() {
    let store = store();
    let other = Other::start("old-remove", &store);
    // What the other process, PBS, would do under its lock.
    fs::remove_dir(store.path().join(SNAPSHOT)).unwrap();
    assert_eq!(
        lock(&store, LockMode::Shared).unwrap_err(),
        ErrorKind::Vanished
    );
    other.release();
    let error = store.open_snapshot(&snapshot()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Vanished);
    assert!(error.to_string().contains(SNAPSHOT), "{error}");
}

#[test]
fn one_writer_for_each_group() {
    let store = TestStore::new();
    let other = Other::start("group", &store);
    let create = || store.create_group(&Namespace::root(), &group(), "root@pam");
    let error = create().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.to_string().contains("vm/100"), "{error}");
    other.release();
    create().unwrap();
}

#[test]
fn what_a_killed_writer_left_is_used_again() {
    let store = TestStore::new();
    let other = Other::start("snapshot", &store);
    let create = || store.create_group(&Namespace::root(), &group(), "root@pam");
    assert_eq!(create().unwrap_err().kind(), ErrorKind::Busy);
    other.kill();
    let left = store.snapshot_files();
    assert_eq!(
        left,
        [
            format!("{SNAPSHOT}/a.blob"),
            format!("{SNAPSHOT}/b.tmp"),
            "vm/100/owner".to_owned()
        ]
    );
    let listing = store
        .list(&ferrite_datastore::ListOptions::default())
        .unwrap();
    assert!(!listing.snapshots[0].finished);

    let writer = create()
        .unwrap()
        .create_snapshot(snapshot().time())
        .unwrap()
        .unwrap();
    writer.write_file("c.blob", b"new").unwrap();
    writer.commit(b"manifest").unwrap();
    assert_eq!(
        store.snapshot_files(),
        [
            format!("{SNAPSHOT}/c.blob"),
            format!("{SNAPSHOT}/index.json.blob"),
            "vm/100/owner".to_owned()
        ]
    );
    assert!(
        create()
            .unwrap()
            .create_snapshot(snapshot().time())
            .unwrap()
            .is_none()
    );
}

#[test]
fn operations_of_several_processes_are_counted() {
    let store = store();
    let other = Other::start("operation", &store);
    let count = || {
        let text = fs::read(store.run_dir().join("active-operations/store1")).unwrap();
        let entries: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let sum = |kind: &str| -> i64 {
            let entries = entries.as_array().unwrap().iter();
            entries
                .map(|entry| entry["active_operations"][kind].as_i64().unwrap())
                .sum()
        };
        (sum("read"), sum("write"))
    };
    let read = store.begin(Operation::Read).unwrap();
    assert_eq!(count(), (1, 1));
    other.kill();
    drop(read);
    assert_eq!(count(), (0, 0), "the dead do not count");
}
