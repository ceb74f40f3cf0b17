//! New groups and snapshots: complete or not there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests; clippy knows only test functions, not what they share"
)]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use ferrite_datastore::{ErrorKind, GroupWriter, Owner, Store};
use ferrite_formats::{BackupGroup, BackupType};
use support::{SmallDisk, TestStore};

const TIME: i64 = 1_714_564_800;
const SNAPSHOT: &str = "ns/a/ns/b/ct/7/2024-05-01T12:00:00Z";

fn create_group(store: &Store, auth_id: &str) -> Result<GroupWriter, ferrite_datastore::Error> {
    let group = BackupGroup::new(BackupType::Ct, "7").unwrap();
    store.create_group(&"a/b".parse().unwrap(), &group, auth_id)
}

#[test]
fn files_appear_complete_and_the_manifest_last() {
    let store = TestStore::new();
    let group = create_group(&store, "root@pam").unwrap();
    let owner = fs::read_to_string(store.path().join("ns/a/ns/b/ct/7/owner")).unwrap();
    assert_eq!(owner, "root@pam\n");
    let snapshot = group.create_snapshot(TIME).unwrap().unwrap();
    let directory = store.path().join(SNAPSHOT);
    assert_eq!(snapshot.directory(), directory);
    let mut file = snapshot.create_file("disk.img.fidx").unwrap();
    file.append(b"one").unwrap();
    assert!(directory.join("disk.img.tmp").exists());
    assert!(!directory.join("disk.img.fidx").exists());
    file.append(b"two").unwrap();
    file.finish().unwrap();
    assert_eq!(
        fs::read(directory.join("disk.img.fidx")).unwrap(),
        b"onetwo"
    );
    drop(snapshot.create_file("given-up.blob").unwrap());
    assert_eq!(store.snapshot_files().len(), 2);

    for bad in [
        "index.json.blob",
        "../x.blob",
        "x",
        ".x.blob",
        "",
        "a/b.blob",
    ] {
        assert_eq!(
            snapshot.create_file(bad).unwrap_err().kind(),
            ErrorKind::Usage,
            "{bad}"
        );
    }
    let again = snapshot.create_file("disk.img.fidx").unwrap_err();
    assert_eq!(again.code(), "exists");

    snapshot.commit(b"manifest").unwrap();
    assert_eq!(
        fs::read(directory.join("index.json.blob")).unwrap(),
        b"manifest"
    );
    assert_eq!(
        fs::metadata(directory.join("index.json.blob"))
            .unwrap()
            .mode()
            & 0o7777,
        0o644
    );
    assert!(group.create_snapshot(TIME).unwrap().is_none());
    assert_eq!(
        group.create_snapshot(0).unwrap_err().kind(),
        ErrorKind::Usage
    );
}

#[test]
fn without_commit_nothing_stays() {
    let store = TestStore::new();
    {
        let group = create_group(&store, "root@pam").unwrap();
        let snapshot = group.create_snapshot(TIME).unwrap().unwrap();
        snapshot.write_file("a.blob", b"x").unwrap();
    }
    assert_eq!(store.snapshot_files(), [""; 0]);
    assert!(store.path().join("ns/a/ns/b/ct").exists());
    assert!(
        !store.path().join("ns/a/ns/b/ct/7").exists(),
        "a group made for nothing goes too"
    );

    let group = create_group(&store, "root@pam").unwrap();
    group
        .create_snapshot(TIME)
        .unwrap()
        .unwrap()
        .commit(b"m")
        .unwrap();
    drop(group.create_snapshot(TIME + 1).unwrap().unwrap());
    drop(group);
    assert_eq!(
        store.snapshot_files().len(),
        2,
        "{:?}",
        store.snapshot_files()
    );
    // Lock files of what is gone are gone as well.
    let locks: Vec<_> = fs::read_dir(store.run_dir().join("locks/store1/a:b"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(locks.iter().all(|name| !name.contains("01Z")), "{locks:?}");
}

#[test]
fn the_group_stays_locked_while_one_of_its_snapshots_is_written() {
    let store = TestStore::new();
    let group = create_group(&store, "root@pam").unwrap();
    let snapshot = group.create_snapshot(TIME).unwrap().unwrap();
    drop(group);
    assert_eq!(
        create_group(&store, "root@pam").unwrap_err().kind(),
        ErrorKind::Busy
    );
    snapshot.commit(b"m").unwrap();
    create_group(&store, "root@pam").unwrap();
}

#[test]
fn owners_are_checked() {
    let store = TestStore::new();
    let commit = |auth_id: &str| {
        let group = create_group(&store, auth_id)?;
        let time = TIME + store.snapshot_files().len() as i64;
        group.create_snapshot(time)?.unwrap().commit(b"m")
    };
    commit("joe@pbs!tape").unwrap();
    commit("joe@pbs").unwrap();
    let error = commit("root@pam").unwrap_err();
    assert!(
        error.to_string().contains("belongs to joe@pbs!tape"),
        "{error}"
    );
    let owner = store.path().join("ns/a/ns/b/ct/7/owner");
    fs::remove_file(&owner).unwrap();
    let error = commit("joe@pbs").unwrap_err();
    assert!(
        error.to_string().contains(owner.to_str().unwrap()),
        "{error}"
    );
    assert_eq!(commit("").unwrap_err().kind(), ErrorKind::Usage);

    // An empty group without owner is what a process leaves that is killed right after mkdir.
    let orphan = TestStore::new();
    fs::create_dir_all(orphan.path().join("ns/a/ns/b/ct/7")).unwrap();
    create_group(&orphan, "root@pam").unwrap();
}

#[test]
fn a_protected_leftover_is_kept() {
    let store = TestStore::new();
    fs::create_dir_all(store.path().join(SNAPSHOT)).unwrap();
    fs::write(store.path().join(SNAPSHOT).join(".protected"), "").unwrap();
    fs::write(store.path().join("ns/a/ns/b/ct/7/owner"), "root@pam\n").unwrap();
    let group = create_group(&store, "root@pam").unwrap();
    assert!(group.create_snapshot(TIME).unwrap().is_none());
}

#[test]
fn everything_belongs_to_the_owner() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIP root: only the super user can give files away");
        return;
    }
    let owner = Owner { uid: 34, gid: 35 };
    let store = TestStore::with(|options| options.owner = Some(owner));
    let group = create_group(&store, "root@pam").unwrap();
    let snapshot = group.create_snapshot(TIME).unwrap().unwrap();
    snapshot.write_file("a.blob", b"x").unwrap();
    snapshot.commit(b"m").unwrap();
    let _operation = store.begin(ferrite_datastore::Operation::Read).unwrap();
    let digest = ferrite_formats::Digest::of(b"x");
    let mut scratch = ferrite_datastore::AlignedBuffer::new();
    store
        .chunks()
        .insert(&digest, &[0; 100], &mut scratch)
        .unwrap();
    let mut open = vec![store.dir.path().to_owned()];
    let mut seen = 0;
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            // Made by the test itself.
            let own = ["store", "store/.chunks", "store/.lock"];
            if own.iter().all(|name| path != store.dir.path().join(name)) {
                assert_eq!((meta.uid(), meta.gid()), (34, 35), "{}", path.display());
                seen += 1;
            }
            if meta.is_dir() {
                if path.starts_with(store.run_dir()) {
                    assert_eq!(meta.permissions().mode() & 0o7777, 0o755);
                }
                open.push(path);
            } else if path.starts_with(store.run_dir()) {
                assert_eq!(
                    meta.permissions().mode() & 0o7777,
                    0o660,
                    "{}",
                    path.display()
                );
            }
        }
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn a_full_disk_removes_the_snapshot() {
    let Some(disk) = SmallDisk::mount("size=1m") else {
        return;
    };
    let run = tempfile::tempdir().unwrap();
    let dir = tempfile::tempdir_in(disk.path()).unwrap();
    let store = TestStore::in_dir(dir, |options| options.run_dir = run.path().to_owned());
    let group = create_group(&store, "root@pam").unwrap();
    let snapshot = group.create_snapshot(TIME).unwrap().unwrap();
    let error = snapshot.write_file("a.blob", &[1; 2_000_000]).unwrap_err();
    assert_eq!(error.code(), "disk-full");
    assert!(
        error.to_string().contains(&format!("{SNAPSHOT}/a.blob")),
        "{error}"
    );
    let error = snapshot.commit(&[1; 2_000_000]).unwrap_err();
    assert_eq!(error.code(), "disk-full");
    drop(group);
    assert_eq!(store.snapshot_files(), [""; 0]);
}
