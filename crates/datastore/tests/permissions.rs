//! As a user who may not do everything: the tests run themselves again as `nobody`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests; clippy knows only test functions, not what they share"
)]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use ferrite_datastore::{
    CancelFlag, ExtractPlan, ImportItem, ImportKind, ImportPlan, ListOptions, Store, StoreOptions,
};
use ferrite_formats::{BackupGroup, BackupType, Namespace};
use support::TestStore;

const BASE: &str = "FERRITE_TEST_NOBODY";
const NOBODY: u32 = 65_534;

/// Runs the test called `name` again as nobody, in `base`.
fn run_as_nobody(name: &str, base: &Path) {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIP root: only the super user can become nobody");
        return;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(BASE, base)
        .uid(NOBODY)
        .gid(NOBODY)
        .output();
    match output {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{text}{error}");
        }
        // The program lies where nobody may not go.
        Err(error) => {
            assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
            eprintln!("SKIP root: nobody may not run this program");
        }
    }
}

fn as_nobody() -> Option<PathBuf> {
    std::env::var_os(BASE).map(PathBuf::from)
}

fn open(base: &Path) -> Store {
    Store::open(StoreOptions::new(
        "store1",
        base.join("store"),
        base.join("run"),
    ))
    .unwrap()
}

fn plan(source: &Path) -> ImportPlan {
    ImportPlan {
        group: BackupGroup::new(BackupType::Host, "test").unwrap(),
        namespace: Namespace::root(),
        backup_time: 1_714_564_800,
        owner_auth_id: "root@pam".to_owned(),
        items: vec![ImportItem {
            kind: ImportKind::Tree,
            name: "root".to_owned(),
            source: source.to_owned(),
        }],
        compress: true,
        exclude: Vec::new(),
    }
}

/// Gives everything to nobody.
fn give(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path());
        }
    }
}

#[test]
fn unreadable_files_are_named_and_the_rest_is_imported() {
    let Some(base) = as_nobody() else {
        let store = TestStore::new();
        let tree = store.dir.path().join("tree");
        fs::create_dir_all(tree.join("closed/inner")).unwrap();
        for name in ["secret", "open", "closed/file"] {
            fs::write(tree.join(name), name).unwrap();
        }
        give(store.dir.path());
        for (name, mode) in [("secret", 0o600), ("closed", 0o700)] {
            chown(tree.join(name), Some(0), Some(0)).unwrap();
            fs::set_permissions(tree.join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        run_as_nobody(
            "unreadable_files_are_named_and_the_rest_is_imported",
            store.dir.path(),
        );
        return;
    };
    let store = open(&base);
    let cancel = CancelFlag::new();
    let report = store
        .import_snapshot(&plan(&base.join("tree")), &|_| {}, &cancel)
        .unwrap();
    assert_eq!(report.warnings.len(), 2, "{report:?}");
    for (warning, name) in report
        .warnings
        .iter()
        .zip(["/tree/closed: ", "/tree/secret: "])
    {
        assert!(warning.contains(name), "{warning}");
        assert!(warning.contains("Permission denied"), "{warning}");
    }
    let target = base.join("out");
    let plan = ExtractPlan {
        snapshot: report.snapshot.parse().unwrap(),
        archive: "root".to_owned(),
        target: target.clone(),
    };
    store.extract(&plan, &|_| {}, &cancel).unwrap();
    assert_eq!(fs::read_to_string(target.join("open")).unwrap(), "open");
    assert!(!target.join("secret").exists());
    // It is there, with its mode, but empty, and belongs to whoever extracts.
    let closed = fs::metadata(target.join("closed")).unwrap();
    assert_eq!((closed.mode() & 0o7777, closed.uid()), (0o700, NOBODY));
    assert_eq!(fs::read_dir(target.join("closed")).unwrap().count(), 0);
}

#[test]
fn a_store_of_somebody_else_is_refused_by_path() {
    let Some(base) = as_nobody() else {
        let store = TestStore::new();
        let tree = store.dir.path().join("tree");
        fs::create_dir(&tree).unwrap();
        fs::create_dir(store.run_dir()).unwrap();
        give(store.dir.path());
        let chunks = store.path().join(".chunks");
        let closed = store.path().join("vm/100");
        fs::create_dir_all(&closed).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        chown(&chunks, Some(0), Some(0)).unwrap();
        fs::set_permissions(&chunks, fs::Permissions::from_mode(0o755)).unwrap();
        run_as_nobody(
            "a_store_of_somebody_else_is_refused_by_path",
            store.dir.path(),
        );
        assert!(!store.path().join("host/test").exists());
        return;
    };
    let store = open(&base);
    let error = store.import_snapshot(&plan(&base.join("tree")), &|_| {}, &CancelFlag::new());
    let error = error.unwrap_err();
    assert_eq!(error.code(), "permission-denied");
    assert!(error.to_string().contains("/store/.chunks/"), "{error}");
    // What cannot be seen must not be left out silently.
    let error = store.list(&ListOptions::default()).unwrap_err();
    assert!(error.to_string().contains("/store/vm/100"), "{error}");
}
