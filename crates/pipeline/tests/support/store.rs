//! Datastores made for a test.

use std::path::Path;

use ferrite_datastore::{AlignedBuffer, CancelFlag, ChunkOrder, Store, StoreOptions};
use ferrite_formats::blob::{Blob, BlobRef};
use ferrite_formats::dynamic_index::DynamicIndexBuilder;
use ferrite_formats::manifest::{CryptMode, FileEntry, Manifest};
use ferrite_formats::{BackupGroup, BackupType, Digest, Namespace, SnapshotPath};
use uuid::Uuid;

/// An empty store at `path`, without the 65,536 folders that a real one has: they are made as they are needed.
pub fn open(path: &Path, name: &str) -> Store {
    std::fs::create_dir_all(path.join(".chunks")).unwrap();
    std::fs::write(path.join(".lock"), "").unwrap();
    Store::open(StoreOptions::new(name, path, path.with_extension("run"))).unwrap()
}

/// Bytes that neither repeat nor compress.
pub fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut data: Vec<u8> = (0..bytes.div_ceil(8))
        .flat_map(|_| next().to_le_bytes())
        .collect();
    data.truncate(bytes);
    data
}

/// Puts a plain chunk of `bytes` bytes (blob header included) into the store.
pub fn insert_chunk(store: &Store, seed: u64, blob_bytes: usize) -> Digest {
    let data = noise(seed, blob_bytes - 12);
    let digest = Digest::of(&data);
    let blob = Blob::encode(&data, false, None).unwrap();
    assert_eq!(blob.as_bytes().len(), blob_bytes);
    store
        .chunks()
        .insert(&digest, blob.as_bytes(), &mut AlignedBuffer::new())
        .unwrap();
    digest
}

/// Makes the snapshot `host/<id>/<time>` of one stream with these chunks (digest and plain length).
pub fn add_snapshot(store: &Store, id: &str, time: i64, chunks: &[(Digest, u64)]) -> SnapshotPath {
    let group = BackupGroup::new(BackupType::Host, id).unwrap();
    let writer = store
        .create_group(&Namespace::root(), &group, "root@pam")
        .unwrap();
    let snapshot = writer.create_snapshot(time).unwrap().unwrap();
    let mut manifest = Manifest::new(group, time).unwrap();
    if !chunks.is_empty() {
        let mut index = DynamicIndexBuilder::new();
        for (digest, bytes) in chunks {
            index.push(*bytes, digest).unwrap();
        }
        let size = index.size();
        let (content, csum) = index.finish(Uuid::from_u128(7), time).unwrap();
        snapshot.write_file("root.pxar.didx", &content).unwrap();
        let filename = "root.pxar.didx".to_owned();
        manifest
            .add_file(FileEntry {
                filename,
                crypt_mode: CryptMode::None,
                size,
                csum,
            })
            .unwrap();
    }
    let path = snapshot.path().clone();
    snapshot
        .commit(manifest.to_blob().unwrap().as_bytes())
        .unwrap();
    path
}

/// A store of `snapshots` snapshots, each with its own `chunks` chunks of `blob_bytes`, all in digest order.
pub fn filled(
    path: &Path,
    name: &str,
    snapshots: u64,
    chunks: u64,
    blob_bytes: usize,
) -> (Store, Vec<SnapshotPath>) {
    let store = open(path, name);
    let make = |snapshot: u64| {
        let mut digests: Vec<_> = (0..chunks)
            .map(|chunk| insert_chunk(&store, snapshot * 1000 + chunk + 1, blob_bytes))
            .collect();
        digests.sort();
        let chunks: Vec<_> = digests
            .into_iter()
            .map(|digest| (digest, blob_bytes as u64 - 12))
            .collect();
        add_snapshot(
            &store,
            &format!("h{snapshot}"),
            1_700_000_000 + snapshot as i64,
            &chunks,
        )
    };
    let paths = (0..snapshots).map(make).collect();
    (store, paths)
}

/// Every chunk and snapshot file of both stores is the same. `index.json.blob` is compared by its JSON text.
pub fn assert_equal(one: &Store, other: &Store) {
    let (one, other) = (tree(one.path()), tree(other.path()));
    assert_eq!(
        one.keys().collect::<Vec<_>>(),
        other.keys().collect::<Vec<_>>()
    );
    for (name, content) in &one {
        // Not assert_eq: nobody wants to see megabytes.
        assert!(other[name] == *content, "{name} differs");
    }
}

/// Path to content of every file below `root`; manifests decoded and without their verification result.
pub fn tree(root: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut files = std::collections::BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let mut content = std::fs::read(&path).unwrap();
            if path.ends_with("index.json.blob") {
                let manifest = Manifest::parse_blob(&content).unwrap();
                content = manifest.without_verify_state().to_json().into_bytes();
            }
            files.insert(
                path.strip_prefix(root).unwrap().display().to_string(),
                content,
            );
        }
    }
    files
}

/// A flag that is never set.
pub fn never() -> CancelFlag {
    CancelFlag::new()
}

/// No chunk in the store is damaged, and no snapshot lacks one.
pub fn assert_sound(target: &Store) {
    for (path, content) in tree(target.path()) {
        if let Some(name) = path.strip_prefix(".chunks/") {
            let (_, name) = name.split_once('/').unwrap();
            let blob = BlobRef::parse(&content).unwrap();
            let plain = blob.decode(None, u64::MAX).unwrap();
            assert_eq!(Digest::of(&plain).to_string(), name);
        }
    }
    for info in target.list(&Default::default()).unwrap().snapshots {
        let reader = target.open_snapshot(&info.path).unwrap();
        for digest in reader.chunks_in_tape_order(ChunkOrder::Index, |_| true) {
            target.chunks().open_chunk(&digest.unwrap()).unwrap();
        }
    }
}
