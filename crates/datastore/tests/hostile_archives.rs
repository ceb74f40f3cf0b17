//! Archives that try to write outside of the target, or are not what their index says.

#![allow(
    clippy::unwrap_used,
    reason = "tests; clippy knows only test functions, not what they share"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use ferrite_datastore::{AlignedBuffer, CancelFlag, ExtractPlan, ExtractReport, Result};
use ferrite_formats::blob::Blob;
use ferrite_formats::dynamic_index::DynamicIndexBuilder;
use ferrite_formats::manifest::{CryptMode, FileEntry, Manifest};
use ferrite_formats::pxar::{Encoder, Metadata, Stat};
use ferrite_formats::{BackupGroup, BackupType, Digest, Namespace};
use support::{TestStore, noise};

const SNAPSHOT: &str = "host/test/2024-05-01T12:00:00Z";
const TIME: i64 = 1_714_564_800;

fn metadata(mode: u64) -> Metadata {
    Metadata::from(Stat {
        mode,
        ..Stat::default()
    })
}

fn directory() -> Metadata {
    metadata(0o040_755)
}

fn file() -> Metadata {
    metadata(0o100_644)
}

/// A store with a snapshot whose `root.pxar.didx` describes `stream`.
fn store_with(stream: &[u8]) -> TestStore {
    let store = TestStore::new();
    let mut index = DynamicIndexBuilder::new();
    for piece in stream.chunks(1 << 20) {
        let digest = Digest::of(piece);
        let blob = Blob::encode(piece, true, None).unwrap();
        let mut scratch = AlignedBuffer::new();
        store
            .chunks()
            .insert(&digest, blob.as_bytes(), &mut scratch)
            .unwrap();
        index.push(piece.len() as u64, &digest).unwrap();
    }
    let size = index.size();
    let (index, csum) = index.finish(uuid::Uuid::nil(), TIME).unwrap();
    let group = BackupGroup::new(BackupType::Host, "test").unwrap();
    let mut manifest = Manifest::new(group.clone(), TIME).unwrap();
    let entry = FileEntry {
        filename: "root.pxar.didx".to_owned(),
        crypt_mode: CryptMode::None,
        size,
        csum,
    };
    manifest.add_file(entry).unwrap();
    let writer = store
        .create_group(&Namespace::root(), &group, "root@pam")
        .unwrap();
    let writer = writer.create_snapshot(TIME).unwrap().unwrap();
    writer.write_file("root.pxar.didx", &index).unwrap();
    writer
        .commit(manifest.to_blob().unwrap().as_bytes())
        .unwrap();
    store
}

fn extract(store: &TestStore) -> (PathBuf, Result<ExtractReport>) {
    let target = store.dir.path().join("out");
    let plan = ExtractPlan {
        snapshot: SNAPSHOT.parse().unwrap(),
        archive: "root".to_owned(),
        target: target.clone(),
    };
    let report = store.extract(&plan, &|_| {}, &CancelFlag::new());
    (target, report)
}

/// What lies beside the target, outside of it, in which nothing may appear.
fn outside(store: &TestStore) -> PathBuf {
    let outside = store.dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    outside
}

fn assert_untouched(outside: &Path) {
    let names: Vec<_> = fs::read_dir(outside)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["secret"]);
    assert_eq!(
        fs::read_to_string(outside.join("secret")).unwrap(),
        "secret"
    );
}

#[test]
fn a_directory_in_the_place_of_a_link_is_refused() {
    let mut archive = Encoder::new(Vec::new(), &directory()).unwrap();
    archive
        .symlink(b"a", &metadata(0o120_777), b"../outside")
        .unwrap();
    archive.open_directory(b"a", &directory()).unwrap();
    archive.file(b"evil", &file(), 0).unwrap().finish().unwrap();
    archive.close_directory().unwrap();
    let store = store_with(&archive.finish().unwrap());
    let outside = outside(&store);
    let (target, report) = extract(&store);
    let error = report.unwrap_err();
    assert!(error.to_string().contains("/out/a"), "{error}");
    assert!(!target.exists());
    assert_untouched(&outside);
}

#[test]
fn a_file_in_the_place_of_a_link_is_refused() {
    let mut archive = Encoder::new(Vec::new(), &directory()).unwrap();
    archive
        .symlink(b"a", &metadata(0o120_777), b"../outside/secret")
        .unwrap();
    archive.file(b"a", &file(), 0).unwrap().finish().unwrap();
    let store = store_with(&archive.finish().unwrap());
    let outside = outside(&store);
    let (_, report) = extract(&store);
    assert!(report.is_err());
    assert_untouched(&outside);
}

#[test]
fn hard_links_reach_nothing_outside() {
    let mut archive = Encoder::new(Vec::new(), &directory()).unwrap();
    let real = archive.file(b"real", &file(), 0).unwrap().finish().unwrap();
    archive
        .symlink(b"dir", &metadata(0o120_777), b"../outside")
        .unwrap();
    archive
        .symlink(b"link", &metadata(0o120_777), b"../outside/secret")
        .unwrap();
    archive.hardlink(b"through", b"dir/secret", real).unwrap();
    archive
        .hardlink(b"missing", b"nothing/at/all", real)
        .unwrap();
    archive.hardlink(b"link2", b"link", real).unwrap();
    archive.hardlink(b"good", b"real", real).unwrap();
    let store = store_with(&archive.finish().unwrap());
    let outside = outside(&store);
    let (target, report) = extract(&store);
    let warnings = report.unwrap().warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("through") && warnings[1].contains("missing"));
    assert!(!target.join("through").exists());
    assert!(
        target.join("link2").is_symlink(),
        "the link itself, not what it points to"
    );
    assert!(target.join("good").exists());
    assert_untouched(&outside);
}

#[test]
fn streams_that_are_no_archive() {
    let mut archive = Encoder::new(Vec::new(), &directory()).unwrap();
    let mut payload = archive.file(b"a", &file(), 3_000_000).unwrap();
    std::io::Write::write_all(&mut payload, &noise(1, 3_000_000)).unwrap();
    payload.finish().unwrap();
    let good = archive.finish().unwrap();
    let mut longer = good.clone();
    longer.push(0);
    for (stream, expected) in [
        (noise(2, 100), "unknown item type"),
        (good[..1000].to_vec(), "archive ends"),
        (good[..good.len() - 1].to_vec(), "archive ends"),
        (longer, "after the end"),
    ] {
        let store = store_with(&stream);
        let (target, report) = extract(&store);
        let error = report.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.to_string().contains("root.pxar.didx"), "{error}");
        assert!(!target.exists());
    }
    let (target, report) = extract(&store_with(&good));
    assert_eq!(report.unwrap().bytes_written, 3_000_000);
    drop(target);
}

#[test]
fn chunks_that_are_too_long_are_refused_before_they_are_read() {
    let store = store_with(&noise(1, 100));
    let directory = store.path().join(SNAPSHOT);
    let mut index = DynamicIndexBuilder::new();
    index.push(1 << 50, &Digest::of(b"x")).unwrap();
    let (index, _) = index.finish(uuid::Uuid::nil(), TIME).unwrap();
    fs::write(directory.join("root.pxar.didx"), index).unwrap();
    let (_, report) = extract(&store);
    let error = report.unwrap_err();
    assert!(error.to_string().contains("more than 16 MiB"), "{error}");
}
