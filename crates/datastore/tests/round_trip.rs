//! In and out again: what is imported verifies, and comes out as it went in.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests; clippy knows only test functions, not what they share"
)]

mod support;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ferrite_datastore::{
    CancelFlag, Error, Event, ExtractPlan, ImportItem, ImportKind, ImportPlan, ImportReport,
    ListOptions, Result, VerifyOptions,
};
use ferrite_formats::pcat1::CatalogReader;
use ferrite_formats::{BackupGroup, BackupType, Namespace};
use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};
use support::{SmallDisk, TestStore, describe, noise};

fn item(kind: ImportKind, name: &str, source: &Path) -> ImportItem {
    ImportItem {
        kind,
        name: name.to_owned(),
        source: source.to_owned(),
    }
}

fn plan(items: Vec<ImportItem>) -> ImportPlan {
    ImportPlan {
        group: BackupGroup::new(BackupType::Host, "test").unwrap(),
        namespace: Namespace::root(),
        backup_time: 1_714_564_800,
        owner_auth_id: "root@pam".to_owned(),
        items,
        compress: true,
        exclude: Vec::new(),
    }
}

fn import(store: &TestStore, plan: &ImportPlan) -> Result<ImportReport> {
    store.import_snapshot(plan, &|_| {}, &CancelFlag::new())
}

fn extract(store: &TestStore, archive: &str, target: &Path) -> Result<Vec<String>> {
    let plan = ExtractPlan {
        snapshot: "host/test/2024-05-01T12:00:00Z".parse().unwrap(),
        archive: archive.to_owned(),
        target: target.to_owned(),
    };
    let report = store.extract(&plan, &|_| {}, &CancelFlag::new())?;
    Ok(report.warnings)
}

fn verify(store: &TestStore) {
    let report = store
        .verify(&VerifyOptions::default(), &|_| {}, &CancelFlag::new())
        .unwrap();
    assert_eq!(report.errors, []);
    assert_eq!(report.snapshots, 1);
}

/// Into a store, verified, and out again: as before, without warnings.
fn round_trip(tree: &Path) -> (TestStore, ImportReport) {
    let store = TestStore::new();
    let report = import(&store, &plan(vec![item(ImportKind::Tree, "root", tree)])).unwrap();
    assert_eq!(report.warnings, [""; 0]);
    verify(&store);
    let out = store.dir.path().join("out");
    assert_eq!(extract(&store, "root", &out).unwrap(), [""; 0]);
    assert_eq!(describe(tree), describe(&out));
    (store, report)
}

fn set_times(path: &Path, seconds: i64, nanoseconds: i64) {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    rustix::fs::utimensat(CWD, path, &times, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn odd_files() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let path = |name: &str| root.join(name);
    fs::write(path("plain"), "hello").unwrap();
    fs::write(path("empty"), "").unwrap();
    fs::write(path("Ünïcödé 日本語 \u{1f980}"), "x").unwrap();
    fs::write(
        root.join(std::ffi::OsStr::from_bytes(b"not\xffutf8\n")),
        "y",
    )
    .unwrap();
    fs::write(path(&"n".repeat(255)), "long name").unwrap();
    fs::create_dir(path("dir")).unwrap();
    fs::create_dir(path("dir/empty")).unwrap();
    fs::hard_link(path("plain"), path("dir/linked")).unwrap();
    fs::hard_link(path("empty"), path("dir/linked-empty")).unwrap();
    symlink("plain", path("relative")).unwrap();
    symlink("/etc/passwd", path("absolute")).unwrap();
    symlink("nowhere/at/all", path("dangling")).unwrap();
    symlink("..", path("dir/loop")).unwrap();
    let fifo = Mode::from_raw_mode(0o640);
    rustix::fs::mknodat(CWD, path("pipe"), FileType::Fifo, fifo, 0).unwrap();
    std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
    // Neither a multiple of anything, nor all data.
    let sparse = fs::File::create(path("sparse")).unwrap();
    sparse.set_len(20_000_001).unwrap();
    sparse.write_all_at(b"island", 10_000_000).unwrap();
    fs::write(path("large"), noise(1, 9_000_000)).unwrap();
    if is_root() {
        let null = rustix::fs::makedev(1, 3);
        rustix::fs::mknodat(CWD, path("null"), FileType::CharacterDevice, fifo, null).unwrap();
        let disk = rustix::fs::makedev(259, 1_000_000);
        rustix::fs::mknodat(CWD, path("disk"), FileType::BlockDevice, fifo, disk).unwrap();
        fs::hard_link(path("null"), path("dir/null")).unwrap();
        std::os::unix::fs::chown(path("dir"), Some(1234), Some(5678)).unwrap();
        std::os::unix::fs::lchown(path("dangling"), Some(99), Some(98)).unwrap();
        fs::write(path("suid"), "#!").unwrap();
        std::os::unix::fs::chown(path("suid"), Some(42), Some(43)).unwrap();
        chmod(&path("suid"), 0o6755);
        chmod(&path("plain"), 0o000);
    }
    chmod(&path("dir/empty"), 0o1777);
    chmod(&path("large"), 0o444);
    set_times(&path("large"), -1, 5);
    set_times(&path("relative"), 1_000_000_000, 999_999_999);
    set_times(&path("dir/empty"), 4_000_000_000, 1);
    set_times(&path("dir"), 1, 0);
    set_times(root, 86_400, 7);

    let (store, report) = round_trip(root);
    let out = store.dir.path().join("out");
    let meta = fs::metadata(out.join("sparse")).unwrap();
    assert!(meta.blocks() * 512 < 5_000_000, "holes stay holes");
    assert_eq!(
        report.files,
        describe(root)
            .iter()
            .filter(|line| line.starts_with('"'))
            .count() as u64
    );

    let catalog = store.dir.path().join("catalog");
    extract(&store, "catalog", &catalog).unwrap();
    let catalog = fs::read(catalog).unwrap();
    let mut entries = 0;
    CatalogReader::parse(&catalog)
        .unwrap()
        .walk(&mut |path, _| {
            entries += 1;
            assert!(
                path.starts_with(b"root.pxar.didx"),
                "{}",
                path.escape_ascii()
            );
            Ok(())
        })
        .unwrap();
    assert_eq!(entries, report.files);
}

#[test]
fn extended_attributes_and_acls() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let folder = dir.path().join("folder");
    fs::create_dir(&folder).unwrap();
    let flags = XattrFlags::empty();
    if rustix::fs::setxattr(&file, "user.note", b"value\0with zero", flags).is_err() {
        eprintln!("SKIP xattr: the file system has none");
        return;
    }
    rustix::fs::setxattr(&file, "user.empty", b"", flags).unwrap();
    rustix::fs::setxattr(&folder, "user.large", &noise(3, 3000), flags).unwrap();
    // setfacl -m u:1000:rw,g:50:r
    let access = "0200000001000600ffffffff02000600e803000004000400ffffffff080004003200000010000600ffffffff20000000ffffffff";
    let access = hex::decode(access).unwrap();
    if rustix::fs::setxattr(&file, "system.posix_acl_access", &access, flags).is_ok() {
        rustix::fs::setxattr(&folder, "system.posix_acl_default", &access, flags).unwrap();
    }
    if is_root() {
        let capability = hex::decode("0100000200200000000000000000000000000000").unwrap();
        rustix::fs::setxattr(&file, "security.capability", &capability, flags).unwrap();
        let link = dir.path().join("link");
        symlink("file", &link).unwrap();
        rustix::fs::lsetxattr(&link, "trusted.note", b"on a link", flags).unwrap();
    }
    round_trip(dir.path());
}

#[test]
fn deep_trees() {
    // Deeper than a process may have files open, and paths longer than a path may be.
    let dir = tempfile::tempdir().unwrap();
    let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::RDONLY;
    let root = rustix::fs::open(dir.path(), flags, Mode::empty()).unwrap();
    let mut current = root;
    for _ in 0..1500 {
        rustix::fs::mkdirat(&current, "sub", Mode::RWXU).unwrap();
        current = rustix::fs::openat(&current, "sub", flags, Mode::empty()).unwrap();
    }
    drop(
        rustix::fs::openat(
            &current,
            "leaf",
            rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY,
            Mode::RUSR,
        )
        .unwrap(),
    );
    let store = TestStore::new();
    let report = import(
        &store,
        &plan(vec![item(ImportKind::Tree, "root", dir.path())]),
    )
    .unwrap();
    assert_eq!((report.files, report.warnings.len()), (1502, 0));
    verify(&store);
    let out = store.dir.path().join("out");
    extract(&store, "root", &out).unwrap();
    let mut current = rustix::fs::open(&out, flags, Mode::empty()).unwrap();
    for _ in 0..1500 {
        current = rustix::fs::openat(&current, "sub", flags, Mode::empty()).unwrap();
    }
    assert!(rustix::fs::statat(&current, "leaf", rustix::fs::AtFlags::empty()).is_ok());
}

#[test]
fn the_second_import_stores_only_what_is_new() {
    let store = TestStore::new();
    let tree = store.dir.path().join("tree");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("a"), noise(1, 30_000_000)).unwrap();
    let mut plan = plan(vec![item(ImportKind::Tree, "root", &tree)]);
    let first = import(&store, &plan).unwrap();
    assert_eq!(first.new_chunks, first.chunks);
    assert!(first.bytes_read >= 30_000_000);
    let stored = store.stats(&CancelFlag::new()).unwrap();
    assert_eq!(
        (stored.chunks, stored.chunk_bytes),
        (first.new_chunks, first.new_chunk_bytes)
    );

    fs::write(tree.join("b"), "new").unwrap();
    plan.backup_time += 1;
    let second = import(&store, &plan).unwrap();
    assert!(second.new_chunks <= 3, "{second:?}");
    assert!(second.chunks > 5);
    let stats = store.stats(&CancelFlag::new()).unwrap();
    assert_eq!(stats.chunks, first.new_chunks + second.new_chunks);
    assert!(stats.index_bytes > 60_000_000);
}

#[test]
fn imports_at_once_share_their_chunks() {
    let store = TestStore::new();
    let tree = store.dir.path().join("tree");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("a"), noise(1, 30_000_000)).unwrap();
    let new_chunks: u64 = std::thread::scope(|scope| {
        let imports: Vec<_> = (0..4)
            .map(|number| {
                let mut plan = plan(vec![item(ImportKind::Tree, "root", &tree)]);
                plan.group = BackupGroup::new(BackupType::Host, format!("h{number}")).unwrap();
                let store = &store;
                scope.spawn(move || import(store, &plan).unwrap().new_chunks)
            })
            .collect();
        imports
            .into_iter()
            .map(|import| import.join().unwrap())
            .sum()
    });
    let verified = store
        .verify(&VerifyOptions::default(), &|_| {}, &CancelFlag::new())
        .unwrap();
    assert_eq!((verified.snapshots, verified.errors.len()), (4, 0));
    assert_eq!(verified.chunks, new_chunks);
    // The next one finds the same group locked while it is written to.
    let group = BackupGroup::new(BackupType::Host, "h0").unwrap();
    let _writer = store
        .create_group(&Namespace::root(), &group, "root@pam")
        .unwrap();
    let mut plan = plan(vec![item(ImportKind::Tree, "root", &tree)]);
    (plan.group, plan.backup_time) = (group, plan.backup_time + 1);
    assert_eq!(import(&store, &plan).unwrap_err().code(), "busy");
}

#[test]
fn images_keep_their_content_and_their_holes() {
    let store = TestStore::new();
    let image = store.dir.path().join("image");
    let file = fs::File::create(&image).unwrap();
    file.write_all_at(&noise(5, 5_000_000), 0).unwrap();
    file.write_all_at(&noise(6, 1000), 30_000_000).unwrap();
    file.set_len(41_943_041).unwrap();
    let blob = store.dir.path().join("conf");
    fs::write(&blob, "name: value\n".repeat(100)).unwrap();
    let items = vec![
        item(ImportKind::Image, "disk", &image),
        item(ImportKind::Blob, "app.conf", &blob),
    ];
    let report = import(&store, &plan(items)).unwrap();
    // 11 pieces of 4 MiB; 3 hold data, the last is a single zero, 7 are the same chunk of zeros.
    assert_eq!((report.chunks, report.new_chunks), (11, 5));
    verify(&store);
    let files = store.snapshot_files();
    assert_eq!(
        files,
        [
            "host/test/2024-05-01T12:00:00Z/app.conf.blob",
            "host/test/2024-05-01T12:00:00Z/disk.img.fidx",
            "host/test/2024-05-01T12:00:00Z/index.json.blob",
            "host/test/owner",
        ]
    );
    let out = store.dir.path().join("out");
    extract(&store, "disk", &out).unwrap();
    assert_eq!(fs::read(&image).unwrap(), fs::read(&out).unwrap());
    assert!(fs::metadata(&out).unwrap().blocks() * 512 < 20_000_000);
    assert!(matches!(
        extract(&store, "disk", &out),
        Err(Error::Exists { .. })
    ));
    let out = store.dir.path().join("out2");
    extract(&store, "app.conf.blob", &out).unwrap();
    assert_eq!(fs::read(&blob).unwrap(), fs::read(&out).unwrap());
}

#[test]
fn plans_that_cannot_work_touch_nothing() {
    let store = TestStore::new();
    let base = store.dir.path();
    let (tree, file, empty) = (base.join("tree"), base.join("file"), base.join("empty"));
    fs::create_dir(&tree).unwrap();
    fs::write(&file, "x").unwrap();
    fs::write(&empty, "").unwrap();
    let of = |kind, name: &str, source: &Path| plan(vec![item(kind, name, source)]);
    let mut wrong_owner = of(ImportKind::Blob, "a", &file);
    wrong_owner.owner_auth_id = "root".to_owned();
    let mut wrong_time = of(ImportKind::Blob, "a", &file);
    wrong_time.backup_time = 0;
    let mut wrong_pattern = of(ImportKind::Tree, "a", &tree);
    wrong_pattern.exclude.push(String::new());
    let twice = vec![
        item(ImportKind::Blob, "a", &file),
        item(ImportKind::Blob, "a", &file),
    ];
    for (wrong, expected) in [
        (plan(Vec::new()), "nothing to import"),
        (plan(twice), "given twice"),
        (of(ImportKind::Blob, "../a", &file), "../a"),
        (of(ImportKind::Blob, "index.json", &file), "reserved"),
        (of(ImportKind::Tree, "a", &file), "is not a directory"),
        (of(ImportKind::Blob, "a", &tree), "is a directory"),
        (of(ImportKind::Image, "a", &empty), "is empty"),
        (
            of(ImportKind::Image, "a", Path::new("/dev/null")),
            "/dev/null",
        ),
        (of(ImportKind::Blob, "a", &base.join("missing")), "missing"),
        (of(ImportKind::Tree, "a", store.path()), "datastore itself"),
        (wrong_owner, "user@realm"),
        (wrong_time, "backup time"),
        (wrong_pattern, "pattern"),
    ] {
        let error = import(&store, &wrong).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(store.snapshot_files(), [""; 0], "{error}");
        assert_eq!(store.chunk_files(), [""; 0], "{error}");
    }
}

#[test]
fn a_snapshot_is_never_overwritten_and_a_group_keeps_its_owner() {
    let store = TestStore::new();
    let file = store.dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let mut plan = plan(vec![item(ImportKind::Blob, "a", &file)]);
    import(&store, &plan).unwrap();
    let before = store.snapshot_files();
    let error = import(&store, &plan).unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    assert!(error.to_string().contains("2024-05-01T12:00:00Z"));
    plan.backup_time += 1;
    plan.owner_auth_id = "joe@pbs".to_owned();
    let error = import(&store, &plan).unwrap_err();
    assert!(matches!(error, Error::OwnerMismatch { .. }), "{error}");
    assert_eq!(store.snapshot_files(), before);
}

#[test]
fn excludes_and_the_store_inside_of_the_tree() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    fs::create_dir_all(tree.join("src/cache")).unwrap();
    fs::write(tree.join("src/cache/big"), "x").unwrap();
    fs::write(tree.join("src/a.o"), "x").unwrap();
    fs::write(tree.join("src/a.c"), "x").unwrap();
    let inside = tempfile::Builder::new()
        .prefix("box")
        .tempdir_in(&tree)
        .unwrap();
    let store = TestStore::in_dir(inside, |_| {});
    let mut plan = plan(vec![item(ImportKind::Tree, "root", &tree)]);
    plan.exclude = vec!["*.o".to_owned(), "cache/".to_owned()];
    let report = import(&store, &plan).unwrap();
    assert_eq!(report.warnings.len(), 1);
    assert!(
        report.warnings[0].contains("datastore itself"),
        "{report:?}"
    );
    let out = dir.path().join("out");
    extract(&store, "root.pxar", &out).unwrap();
    assert!(out.join("src/a.c").exists());
    assert!(!out.join("src/a.o").exists());
    assert!(!out.join("src/cache").exists());
    let boxed = out.join(store.dir.path().file_name().unwrap());
    assert!(boxed.exists() && !boxed.join("store").exists());
}

#[test]
fn mounts_are_crossed_but_not_into_proc() {
    let Some(disk) = SmallDisk::mount("size=1m") else {
        return;
    };
    let tree = disk.path();
    fs::create_dir(tree.join("proc")).unwrap();
    let proc = tree.join("proc");
    let mounted = std::process::Command::new("mount")
        .args(["-t", "proc", "proc"])
        .arg(&proc)
        .status();
    if !mounted.unwrap().success() {
        return;
    }
    let store = TestStore::new();
    let logged = Mutex::new(Vec::new());
    let report = store.import_snapshot(
        &plan(vec![item(ImportKind::Tree, "root", tree.parent().unwrap())]),
        &|event| {
            if let Event::Log(text) = event {
                logged.lock().unwrap().push(text);
            }
        },
        &CancelFlag::new(),
    );
    std::process::Command::new("umount")
        .arg(&proc)
        .status()
        .unwrap();
    report.unwrap();
    let logged = logged.into_inner().unwrap();
    assert!(
        logged
            .iter()
            .any(|text| text.contains("/proc") && text.contains("proc file system"))
    );
}

/// Imports a folder with one file of 4 MB of noise that `change` changes after its first bytes were read. Answers the
/// warning and the file as it came out.
fn import_changing(change: &(dyn Fn(&fs::File) + Sync)) -> (String, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("changing");
    fs::write(&path, noise(1, 4_000_000)).unwrap();
    let store = TestStore::new();
    let once = std::sync::Once::new();
    let report = store.import_snapshot(
        &plan(vec![item(ImportKind::Tree, "root", dir.path())]),
        // The first event comes from the reading thread right after the first read.
        &|event| {
            if matches!(event, Event::Progress { .. }) {
                once.call_once(|| change(&fs::File::options().write(true).open(&path).unwrap()));
            }
        },
        &CancelFlag::new(),
    );
    let warnings = report.unwrap().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("/changing: "), "{warnings:?}");
    verify(&store);
    let out = store.dir.path().join("out");
    extract(&store, "root", &out).unwrap();
    (warnings[0].clone(), fs::read(out.join("changing")).unwrap())
}

#[test]
fn a_file_that_becomes_shorter_is_filled_up() {
    let (warning, content) = import_changing(&|file| file.set_len(2_000_000).unwrap());
    assert!(warning.contains("became shorter"), "{warning}");
    assert!(warning.contains("2000000 zeros"), "{warning}");
    let mut expected = noise(1, 2_000_000);
    expected.resize(4_000_000, 0);
    assert!(content == expected);
}

#[test]
fn a_file_that_becomes_longer_is_cut_off() {
    let (warning, content) =
        import_changing(&|file| file.write_all_at(b"more", 4_000_000).unwrap());
    assert!(warning.contains("became longer"), "{warning}");
    assert!(content == noise(1, 4_000_000));
}

#[test]
fn a_stopped_import_leaves_no_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("large"), noise(1, 60_000_000)).unwrap();
    for kind in [ImportKind::Tree, ImportKind::Image] {
        let source = match kind {
            ImportKind::Tree => dir.path().to_owned(),
            _ => dir.path().join("large"),
        };
        let store = TestStore::new();
        let cancel = CancelFlag::new();
        let stop = |event| {
            if matches!(event, Event::Progress { bytes, .. } if bytes > 0) {
                cancel.cancel();
            }
        };
        let error = store
            .import_snapshot(&plan(vec![item(kind, "a", &source)]), &stop, &cancel)
            .unwrap_err();
        assert_eq!(error.code(), "aborted");
        assert_eq!(store.snapshot_files(), [""; 0]);
        assert!(!store.path().join("host/test").exists());
        // And the same import works afterwards.
        import(&store, &plan(vec![item(kind, "a", &source)])).unwrap();
        verify(&store);
    }
}

#[test]
fn a_full_disk_leaves_no_snapshot_and_names_the_path() {
    let Some(disk) = SmallDisk::mount("size=8m") else {
        return;
    };
    let dir = tempfile::tempdir_in(disk.path()).unwrap();
    let store = TestStore::in_dir(dir, |_| {});
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("large"), noise(1, 30_000_000)).unwrap();
    let error = import(
        &store,
        &plan(vec![item(ImportKind::Tree, "root", outside.path())]),
    )
    .unwrap_err();
    assert_eq!(error.code(), "disk-full", "{error}");
    assert!(error.to_string().contains("/.chunks/"), "{error}");
    assert_eq!(store.snapshot_files(), [""; 0]);
    assert!(
        store.chunk_files().iter().all(|name| !name.contains("tmp")),
        "{:?}",
        store.chunk_files()
    );

    // Extraction to a full disk.
    let big = TestStore::new();
    let items = vec![
        item(ImportKind::Tree, "root", outside.path()),
        item(ImportKind::Image, "disk", &outside.path().join("large")),
    ];
    import(&big, &plan(items)).unwrap();
    for archive in ["root", "disk"] {
        let out = disk.path().join("out");
        let error = extract(&big, archive, &out).unwrap_err();
        assert_eq!(error.code(), "disk-full", "{error}");
        assert!(error.to_string().contains("/out"), "{error}");
        let left: Vec<_> = fs::read_dir(disk.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(left, [store.dir.path()], "nothing half-written stays");
    }
}

#[test]
fn a_read_only_store_says_so() {
    let Some(disk) = SmallDisk::mount("size=8m") else {
        return;
    };
    let dir = tempfile::tempdir_in(disk.path()).unwrap();
    let run = tempfile::tempdir().unwrap();
    let store = TestStore::in_dir(dir, |options| options.run_dir = run.path().to_owned());
    let file = run.path().join("file");
    fs::write(&file, "x").unwrap();
    let mut plan = plan(vec![item(ImportKind::Image, "a", &file)]);
    import(&store, &plan).unwrap();
    disk.remount("ro");
    plan.backup_time += 1;
    let error = import(&store, &plan).unwrap_err();
    assert_eq!(error.code(), "read-only", "{error}");
    assert!(
        error.to_string().contains(disk.path().to_str().unwrap()),
        "{error}"
    );
    // Reading works.
    verify(&store);
    assert_eq!(
        store.list(&ListOptions::default()).unwrap().snapshots.len(),
        1
    );
    extract(&store, "a", &run.path().join("out")).unwrap();
    disk.remount("rw");
}

#[test]
fn extraction_refuses_targets_in_use_and_unknown_archives() {
    let store = TestStore::new();
    let tree = store.dir.path().join("tree");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("a"), "x").unwrap();
    let items = vec![
        item(ImportKind::Tree, "root", &tree),
        item(ImportKind::Blob, "root.conf", &tree.join("a")),
    ];
    import(&store, &plan(items)).unwrap();
    let error = extract(&store, "root.pxar", &tree).unwrap_err();
    assert!(error.to_string().contains("is not empty"), "{error}");
    let out = store.dir.path().join("out");
    for (archive, expected) in [
        ("nothing", "has no archive"),
        ("root", "several archives"),
        ("", "has no archive"),
    ] {
        let error = extract(&store, archive, &out).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.to_string().contains("root.pxar.didx"), "{error}");
    }
    assert!(!out.exists());
    // An existing empty directory is fine, and stays when the extraction fails.
    fs::create_dir(&out).unwrap();
    let chunk = store.path().join(".chunks").join(&store.chunk_files()[0]);
    let good = fs::read(&chunk).unwrap();
    fs::write(&chunk, &good[..good.len() - 1]).unwrap();
    let other = store.path().join(".chunks").join(&store.chunk_files()[1]);
    let good_other = fs::read(&other).unwrap();
    fs::write(&other, &good_other[..good_other.len() - 1]).unwrap();
    let error = extract(&store, "root.pxar", &out).unwrap_err();
    assert!(error.to_string().contains("/.chunks/"), "{error}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
    fs::write(&chunk, good).unwrap();
    fs::write(&other, good_other).unwrap();
    extract(&store, "root.pxar", &out).unwrap();
    assert_eq!(fs::read_to_string(out.join("a")).unwrap(), "x");
}

#[derive(Debug, Clone)]
enum Node {
    File(usize, u64),
    Link(String),
    Directory(Vec<(String, Node)>),
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        (0usize..200_000, any::<u64>()).prop_map(|(bytes, seed)| Node::File(bytes, seed)),
        "[a-z./]{1,30}".prop_map(Node::Link),
    ];
    leaf.prop_recursive(4, 40, 8, |inner| {
        prop::collection::vec(("[^/\0]{1,20}", inner), 0..8).prop_map(Node::Directory)
    })
}

fn build(path: &PathBuf, node: &Node) {
    // Names can come twice; the first one stays.
    match node {
        _ if path.symlink_metadata().is_ok() => {}
        Node::File(bytes, seed) => fs::write(path, noise(*seed, *bytes)).unwrap(),
        Node::Link(target) => symlink(target, path).unwrap(),
        Node::Directory(entries) => {
            fs::create_dir(path).unwrap();
            for (name, node) in entries {
                if name != "." && name != ".." && name.len() <= 255 {
                    build(&path.join(name), node);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree(entries in prop::collection::vec(("[^/\0]{1,20}", node()), 0..6)) {
        let dir = tempfile::tempdir().unwrap();
        build(&dir.path().join("tree"), &Node::Directory(entries));
        round_trip(&dir.path().join("tree"));
    }
}
