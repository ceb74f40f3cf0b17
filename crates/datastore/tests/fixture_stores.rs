//! Stores that PBS wrote: listed, read, verified and extracted as PBS would.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests; clippy knows only test functions, not what they share"
)]

mod support;

use std::collections::HashSet;
use std::fs;

use ferrite_datastore::{
    CancelFlag, ChunkOrder, ErrorKind, ExtractPlan, ListOptions, Listing, VerifyOptions,
    VerifyReport,
};
use ferrite_formats::blob::{Blob, Encryption};
use ferrite_formats::manifest::{CryptMode, FileEntry, Manifest};
use ferrite_formats::{CryptKey, Digest, SnapshotPath};
use serde_json::Value;
use support::{TestStore, fixtures};

fn json(path: &str) -> Value {
    serde_json::from_slice(&fs::read(fixtures().unwrap().join(path)).unwrap()).unwrap()
}

fn list(store: &TestStore) -> Listing {
    store.list(&ListOptions::default()).unwrap()
}

fn verify(store: &TestStore, options: &VerifyOptions) -> VerifyReport {
    store.verify(options, &|_| {}, &CancelFlag::new()).unwrap()
}

/// Snapshots and, after them, chunks, as they lie on the tapes of one backup. Both once: what did not fit on a tape was
/// written again on the next.
fn on_tapes(folder: &str, tapes: &[&str]) -> Vec<String> {
    let listing = json(&format!("{folder}/tapes.listing.json"));
    let mut order = Vec::new();
    let mut seen = HashSet::new();
    for tape in tapes {
        for file in listing[tape].as_array().unwrap() {
            let mut push = |text: &str| {
                if seen.insert(text.to_owned()) {
                    order.push(text.to_owned());
                }
            };
            for chunk in file["chunk_list"].as_array().into_iter().flatten() {
                push(chunk[0].as_str().unwrap());
            }
            if let Some(snapshot) = file["header"]["snapshot"].as_str() {
                push(snapshot);
            }
        }
    }
    order
}

#[test]
fn listing_and_chunk_order_are_those_of_the_tape() {
    let Some(store) = TestStore::copy_of("small/store1") else {
        return;
    };
    let listing = list(&store);
    assert!(listing.problems.is_empty());
    assert_eq!(listing.snapshots.len(), 11);
    let mut on_tape: HashSet<Digest> = HashSet::new();
    let mut order = Vec::new();
    for info in listing.snapshots {
        assert!(info.finished);
        assert_eq!(info.owner.as_deref(), Some("root@pam"));
        let snapshot = store.open_snapshot(&info.path).unwrap();
        let chunks: Vec<Digest> = snapshot
            .chunks_in_tape_order(ChunkOrder::Digest, |digest| !on_tape.contains(digest))
            .map(Result::unwrap)
            .collect();
        order.extend(chunks.iter().map(ToString::to_string));
        on_tape.extend(chunks);
        order.push(info.path.to_string());
    }
    assert_eq!(order, on_tapes("small", &["TAPE01", "TAPE02", "TAPE03"]));
}

#[test]
fn the_share_that_was_visited_grows_to_the_whole() {
    let Some(store) = TestStore::copy_of("small/store1") else {
        return;
    };
    for info in list(&store).snapshots {
        let snapshot = store.open_snapshot(&info.path).unwrap();
        let mut order = snapshot.chunks_in_tape_order(ChunkOrder::Digest, |_| true);
        let mut shares = vec![order.share()];
        while let Some(digest) = order.next() {
            digest.unwrap();
            shares.push(order.share());
        }
        assert_eq!(shares[0], 0.0);
        assert!(shares.is_sorted(), "{shares:?}");
        assert_eq!(order.share(), 1.0);
    }
}

#[test]
fn every_order_visits_the_same_chunks() {
    let Some(store) = TestStore::copy_of("append/store1") else {
        return;
    };
    for info in list(&store).snapshots {
        let snapshot = store.open_snapshot(&info.path).unwrap();
        let chunks = |order| -> Vec<Digest> {
            snapshot
                .chunks_in_tape_order(order, |_| true)
                .map(Result::unwrap)
                .collect()
        };
        let by_index = chunks(ChunkOrder::Index);
        let set: HashSet<_> = by_index.iter().collect();
        assert_eq!(set.len(), by_index.len(), "each chunk once");
        for order in [ChunkOrder::Inode, ChunkOrder::Digest] {
            assert_eq!(chunks(order).iter().collect::<HashSet<_>>(), set);
        }
        // Within one index by inode: what one index holds is sorted.
        let last = snapshot
            .files()
            .iter()
            .rev()
            .find(|file| file.kind().is_index());
        let in_last = last.map_or(0, |file| {
            let index = snapshot.read_index(file).unwrap();
            index
                .iter()
                .map(|entry| entry.digest)
                .collect::<HashSet<_>>()
                .len()
        });
        let inodes: Vec<_> = chunks(ChunkOrder::Inode)[..in_last]
            .iter()
            .map(|digest| store.chunks().inode(digest).unwrap())
            .collect();
        assert!(inodes.is_sorted());
    }
}

#[test]
fn files_come_in_manifest_order_with_their_stat() {
    let Some(store) = TestStore::copy_of("small/store1") else {
        return;
    };
    let path: SnapshotPath = "vm/100/2024-06-05T09:33:20Z".parse().unwrap();
    let snapshot = store.open_snapshot(&path).unwrap();
    let names: Vec<_> = snapshot.files().iter().map(|file| file.name()).collect();
    let mut expected = vec!["index.json.blob"];
    expected.extend(
        snapshot
            .manifest()
            .files()
            .iter()
            .map(|file| file.filename.as_str()),
    );
    expected.push("client.log.blob");
    assert_eq!(names, expected);
    for file in snapshot.files() {
        let content = fs::read(snapshot.directory().join(file.name())).unwrap();
        assert_eq!(file.stat().size, content.len() as u64);
        assert_eq!(file.stat().mode, 0o100_644);
        assert_eq!(file.read_all(1 << 20).unwrap(), content);
        assert_eq!(file.read_all(3).unwrap_err().kind(), ErrorKind::Data);
    }
}

#[test]
fn everything_verifies() {
    for folder in ["small/store1", "append/store1", "incomplete/sparse"] {
        let Some(store) = TestStore::copy_of(folder) else {
            return;
        };
        let report = verify(&store, &VerifyOptions::default());
        assert_eq!(report.errors, [], "{folder}");
        let listing = json(&format!("{folder}.listing.json"));
        assert_eq!(Some(report.snapshots), listing["snapshot_count"].as_u64());
        assert_eq!(Some(report.chunks), listing["chunk_count"].as_u64());
        assert_eq!(Some(report.bytes), listing["chunk_bytes"].as_u64());
        let stats = store.stats(&CancelFlag::new()).unwrap();
        assert_eq!(Some(stats.chunks), listing["chunk_count"].as_u64());
        assert_eq!(Some(stats.chunk_bytes), listing["chunk_bytes"].as_u64());
    }
}

#[test]
fn damage_is_found_and_set_aside_only_when_asked() {
    let Some(store) = TestStore::copy_of("small/store1") else {
        return;
    };
    let chunks = store.chunk_files();
    let [corrupt, missing, empty] = [&chunks[0], &chunks[1], &chunks[2]];
    let path = |name: &str| store.path().join(".chunks").join(name);
    let mut bytes = fs::read(path(corrupt)).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(path(corrupt), bytes).unwrap();
    fs::remove_file(path(missing)).unwrap();
    fs::write(path(empty), "").unwrap();

    let report = verify(&store, &VerifyOptions::default());
    let named = |name: &str| {
        let digest: Digest = name[5..].parse().unwrap();
        report
            .errors
            .iter()
            .any(|error| error.chunk == Some(digest))
    };
    assert!(
        named(corrupt) && named(missing) && named(empty),
        "{report:#?}"
    );
    for error in &report.errors {
        assert!(error.message.contains("/.chunks/"), "{error:?}");
        assert!(error.file.is_some());
    }
    assert!(path(corrupt).exists());

    let options = VerifyOptions {
        set_aside_bad: true,
        record_as: Some("UPID:test".to_owned()),
        ..VerifyOptions::default()
    };
    let again = verify(&store, &options);
    assert_eq!(again.errors.len(), report.errors.len());
    assert!(!path(corrupt).exists());
    assert!(path(&format!("{corrupt}.0.bad")).exists());
    assert!(path(&format!("{empty}.0.bad")).exists());

    let failed: HashSet<_> = again.errors.iter().map(|error| &error.snapshot).collect();
    for info in list(&store).snapshots {
        let manifest = store.read_manifest(&info.path).unwrap();
        let state = if failed.contains(&info.path) {
            "failed"
        } else {
            "ok"
        };
        assert_eq!(manifest.verify_state().unwrap()["state"], state);
        assert_eq!(manifest.verify_state().unwrap()["upid"], "UPID:test");
    }
}

#[test]
fn files_that_do_not_fit_their_manifest_are_found() {
    let Some(store) = TestStore::copy_of("small/store1") else {
        return;
    };
    let snapshot: SnapshotPath = "vm/300/2024-06-05T11:33:20Z".parse().unwrap();
    let directory = store.snapshot_directory(&snapshot);
    let chosen = VerifyOptions {
        snapshots: Some(vec![snapshot.clone()]),
        ..VerifyOptions::default()
    };
    let damage = |name: &str, change: &dyn Fn(&mut Vec<u8>)| -> VerifyReport {
        let good = fs::read(directory.join(name)).unwrap();
        let mut bad = good.clone();
        change(&mut bad);
        fs::write(directory.join(name), bad).unwrap();
        let report = verify(&store, &chosen);
        fs::write(directory.join(name), good).unwrap();
        report
    };
    let flip_last = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1;
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1);
    for name in ["qemu-server.conf.blob", "drive-virtio0.img.fidx"] {
        for change in [&flip_last as &dyn Fn(&mut Vec<u8>), &cut] {
            let report = damage(name, change);
            assert!(!report.errors.is_empty(), "{name}");
            assert!(
                report
                    .errors
                    .iter()
                    .all(|error| error.file.as_deref() == Some(name))
            );
        }
    }
    let report = damage("drive-virtio0.img.fidx", &flip_last);
    let told = |text| {
        report
            .errors
            .iter()
            .any(|error| error.message.contains(text))
    };
    assert!(told("has checksum") && told("is missing"), "{report:?}");
    let report = damage("index.json.blob", &flip_last);
    assert_eq!(report.errors.len(), 1);
    assert_eq!(report.errors[0].file, None);
    assert_eq!(verify(&store, &chosen).errors, []);

    fs::remove_file(directory.join("qemu-server.conf.blob")).unwrap();
    let report = verify(&store, &chosen);
    assert!(
        report.errors[0].message.contains("qemu-server.conf.blob"),
        "{report:?}"
    );
}

#[test]
fn chunks_are_encrypted_exactly_where_their_file_is() {
    let Some(store) = TestStore::copy_of("small/store1") else {
        return;
    };
    let path: SnapshotPath = "vm/300/2024-06-05T11:33:20Z".parse().unwrap();
    let options = VerifyOptions {
        snapshots: Some(vec![path.clone()]),
        set_aside_bad: true,
        ..VerifyOptions::default()
    };
    let snapshot = store.open_snapshot(&path).unwrap();
    let first = snapshot
        .chunks_in_tape_order(ChunkOrder::Index, |_| true)
        .next();
    let digest = first.unwrap().unwrap();
    let chunk = store.chunks().chunk_path(&digest);
    let good = fs::read(&chunk).unwrap();

    // A plain file, and one of its chunks is encrypted: sound in itself, so it is not set aside.
    let key = CryptKey::new([7; 32]);
    let encryption = Encryption {
        key: &key,
        iv: [1; 16],
    };
    let encrypted = Blob::encode(b"secret", false, Some(encryption)).unwrap();
    fs::write(&chunk, encrypted.as_bytes()).unwrap();
    let report = verify(&store, &options);
    assert_eq!(report.errors.len(), 1);
    assert_eq!(report.errors[0].chunk, Some(digest));
    assert!(
        report.errors[0].message.contains("should be plain"),
        "{report:?}"
    );
    assert_eq!(fs::read(&chunk).unwrap(), encrypted.as_bytes());
    fs::write(&chunk, good).unwrap();

    // The manifest says encrypted, and the chunks are plain.
    let mut manifest = Manifest::new(path.group().clone(), path.time()).unwrap();
    for file in snapshot.manifest().files() {
        let crypt_mode = CryptMode::Encrypt;
        manifest
            .add_file(FileEntry {
                crypt_mode,
                ..file.clone()
            })
            .unwrap();
    }
    let blob = manifest.to_blob().unwrap();
    fs::write(
        snapshot.directory().join("index.json.blob"),
        blob.as_bytes(),
    )
    .unwrap();
    let report = verify(&store, &options);
    assert!(!report.errors.is_empty());
    for error in report.errors {
        assert!(error.message.contains("should be encrypted"), "{error:?}");
    }
}

#[test]
fn a_tree_comes_out_as_it_went_in() {
    let Some(store) = TestStore::copy_of("small/store1") else {
        return;
    };
    let target = store.dir.path().join("out");
    let plan = ExtractPlan {
        snapshot: "ct/101/2024-06-05T09:35:20Z".parse().unwrap(),
        archive: "root.pxar.didx".to_owned(),
        target: target.clone(),
    };
    let report = store.extract(&plan, &|_| {}, &CancelFlag::new()).unwrap();
    assert_eq!(report.warnings, [""; 0]);
    let source = fixtures().unwrap().join("small/src");
    let mut compared = 0;
    let mut open = vec![source.clone()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let out = target.join(path.strip_prefix(&source).unwrap());
            if path.is_dir() {
                open.push(path);
            } else if out.is_symlink() {
                // The fixture keeps the link's target as the content of a file.
                let link = fs::read_link(&out).unwrap();
                assert_eq!(link.to_str().unwrap(), fs::read_to_string(&path).unwrap());
            } else {
                assert_eq!(fs::read(&path).unwrap(), fs::read(&out).unwrap(), "{out:?}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 5);
}

#[test]
fn images_blobs_and_catalogs_come_out_whole() {
    let Some(store) = TestStore::copy_of("small/store1") else {
        return;
    };
    let listing = json("small/store1.listing.json");
    let mut extracted = 0;
    for info in list(&store).snapshots {
        let snapshot = info.path.to_string();
        let files = listing["snapshots"][&snapshot]["files"]
            .as_object()
            .unwrap();
        for (name, file) in files {
            let Some(expected) = file["content_sha256"].as_str() else {
                continue;
            };
            if name.ends_with(".pxar.didx") {
                continue;
            }
            let target = store.dir.path().join("out");
            let plan = ExtractPlan {
                snapshot: info.path.clone(),
                archive: name.clone(),
                target: target.clone(),
            };
            let encrypted = file["manifest"]["crypt-mode"] == "encrypt"
                || info.path.group().id() == "200"
                || info.path.group().id() == "enc1";
            match store.extract(&plan, &|_| {}, &CancelFlag::new()) {
                Ok(_) => {
                    let content = fs::read(&target).unwrap();
                    assert_eq!(
                        Digest::of(&content).to_string(),
                        expected,
                        "{snapshot} {name}"
                    );
                    fs::remove_file(&target).unwrap();
                    extracted += 1;
                }
                Err(error) => {
                    assert!(encrypted, "{snapshot} {name}: {error}");
                    assert!(error.to_string().contains("encrypted"), "{error}");
                    assert!(!target.exists());
                }
            }
        }
    }
    assert!(extracted > 10, "{extracted}");
}

#[test]
fn a_snapshot_without_manifest_is_unfinished() {
    let Some(store) = TestStore::copy_of("small/store1") else {
        return;
    };
    let path = list(&store).snapshots[3].path.clone();
    fs::remove_file(store.snapshot_directory(&path).join("index.json.blob")).unwrap();
    let listing = list(&store);
    let unfinished: Vec<_> = listing
        .snapshots
        .iter()
        .filter(|info| !info.finished)
        .collect();
    assert_eq!(unfinished.len(), 1);
    assert_eq!(unfinished[0].path, path);
    assert_eq!(verify(&store, &VerifyOptions::default()).snapshots, 10);
}

#[test]
fn only_proper_names_are_listed() {
    let store = TestStore::new();
    let base = store.path();
    for path in [
        "vm/100/2024-05-01T12:00:00Z",
        "vm/100/2024-05-01",
        "vm/100/2024-02-30T12:00:00Z",
        "vm/.hidden/2024-05-01T12:00:00Z",
        "foo/100/2024-05-01T12:00:00Z",
        "ns/a/vm/100/2023-05-01T12:00:00Z",
        "ns/a/ns/b/vm/100/2022-05-01T12:00:00Z",
        "ns/a/ns/.bad/vm/100/2022-05-01T12:00:00Z",
        "ns/c/ct/7/2025-05-01T12:00:00Z",
    ] {
        fs::create_dir_all(base.join(path)).unwrap();
    }
    fs::write(base.join("vm/200"), "").unwrap();
    std::os::unix::fs::symlink("100", base.join("vm/300")).unwrap();
    let listed = |namespace: &str, max_depth| -> Vec<String> {
        let options = ListOptions {
            namespace: namespace.parse().unwrap(),
            max_depth,
        };
        let listing = store.list(&options).unwrap();
        listing
            .snapshots
            .iter()
            .map(|info| info.path.to_string())
            .collect()
    };
    assert_eq!(
        listed("", None),
        [
            "ns/c/ct/7/2025-05-01T12:00:00Z",
            "vm/100/2024-05-01T12:00:00Z",
            "ns/a/vm/100/2023-05-01T12:00:00Z",
            "ns/a/ns/b/vm/100/2022-05-01T12:00:00Z",
        ]
    );
    assert_eq!(listed("", Some(0)), ["vm/100/2024-05-01T12:00:00Z"]);
    assert_eq!(listed("a", Some(0)), ["ns/a/vm/100/2023-05-01T12:00:00Z"]);
    assert_eq!(listed("a", None).len(), 2);
    assert_eq!(list(&store).problems.len(), 1);
    let missing = ListOptions {
        namespace: "nowhere".parse().unwrap(),
        max_depth: None,
    };
    assert!(store.list(&missing).unwrap_err().is_not_found());
}
