//! Fuzz targets: the files of a snapshot and of the run directory, and archives that are extracted.

use std::fs;
use std::path::Path;

use ferrite_datastore::{
    AlignedBuffer, CancelFlag, ChunkOrder, ExtractPlan, ListOptions, Operation, Store,
    StoreOptions, VerifyOptions, layout,
};
use ferrite_formats::blob::Blob;
use ferrite_formats::dynamic_index::DynamicIndexBuilder;
use ferrite_formats::index::Index;
use ferrite_formats::manifest::{CryptMode, FileEntry, Manifest};
use ferrite_formats::pxar::{EncodeError, Encoder, Metadata, Stat, Xattr};
use ferrite_formats::{BackupGroup, BackupType, Digest, SnapshotPath};
use tempfile::TempDir;

/// Reads hostile bytes, or refuses them.
pub type Target = fn(&[u8]);

/// Every target with its name.
pub const TARGETS: &[(&str, Target)] = &[("snapshot", snapshot), ("extract", extract)];

const SNAPSHOT: &str = "host/test/2024-05-01T12:00:00Z";
const TIME: i64 = 1_714_564_800;

struct TestStore {
    store: Store,
    folder: TempDir,
}

impl TestStore {
    fn new() -> Self {
        // In memory: on a disk every sync takes its time.
        let folder = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| TempDir::new())
            .unwrap();
        let base = folder.path().join("store");
        fs::create_dir_all(base.join(layout::CHUNKS)).unwrap();
        fs::write(base.join(layout::BASE_LOCK), "").unwrap();
        fs::create_dir_all(base.join(SNAPSHOT)).unwrap();
        fs::create_dir_all(folder.path().join("run/active-operations")).unwrap();
        let options = StoreOptions::new("store1", base, folder.path().join("run"));
        Self {
            store: Store::open(options).unwrap(),
            folder,
        }
    }

    fn directory(&self) -> std::path::PathBuf {
        self.store.path().join(SNAPSHOT)
    }

    fn insert(&self, content: &[u8]) -> Digest {
        let digest = Digest::of(content);
        let blob = Blob::encode(content, true, None).unwrap();
        let mut scratch = AlignedBuffer::new();
        self.store
            .chunks()
            .insert(&digest, blob.as_bytes(), &mut scratch)
            .unwrap();
        digest
    }

    /// A manifest that lists what is in the directory, as far as it can be listed.
    fn write_manifest(&self) {
        let group = BackupGroup::new(BackupType::Host, "test").unwrap();
        let mut manifest = Manifest::new(group, TIME).unwrap();
        for entry in fs::read_dir(self.directory()).unwrap() {
            let entry = entry.unwrap();
            let filename = entry.file_name().into_string().unwrap();
            let content = fs::read(entry.path()).unwrap();
            let (size, csum) = match Index::parse(&filename, content.as_slice()) {
                Ok(index) => (index.size(), index.checksum()),
                Err(_) => (content.len() as u64, Digest::of(&content)),
            };
            let entry = FileEntry {
                filename,
                crypt_mode: CryptMode::None,
                size,
                csum,
            };
            let _ = manifest.add_file(entry);
        }
        let blob = manifest.to_blob().unwrap();
        fs::write(self.directory().join("index.json.blob"), blob.as_bytes()).unwrap();
    }
}

/// Files of a snapshot, each with kind and length in front: everything that reads a store takes them.
pub fn snapshot(mut data: &[u8]) {
    let test = TestStore::new();
    let directory = test.directory();
    test.insert(b"x");
    let mut has_manifest = false;
    while let Some((&[kind, low, high], rest)) = data.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes([low, high])).min(rest.len());
        let (content, rest) = rest.split_at(length);
        data = rest;
        let path = match kind % 8 {
            0 => directory.join("index.json.blob"),
            1 => {
                let blob = Blob::encode(content, false, None).unwrap();
                fs::write(directory.join("index.json.blob"), blob.as_bytes()).unwrap();
                has_manifest = true;
                continue;
            }
            2 => directory.join("drive.img.fidx"),
            3 => directory.join("root.pxar.didx"),
            4 => {
                fs::write(directory.join("root.pxar.didx"), dynamic_index(content)).unwrap();
                continue;
            }
            5 => directory.join("etc.conf.blob"),
            6 => directory.join("../owner"),
            _ => test.folder.path().join("run/active-operations/store1"),
        };
        has_manifest |= kind % 8 == 0;
        fs::write(path, content).unwrap();
    }
    if !has_manifest {
        test.write_manifest();
    }
    read_everything(&test.store);
}

/// An index with one chunk for every three bytes, of which only one is in the store.
fn dynamic_index(content: &[u8]) -> Vec<u8> {
    let mut index = DynamicIndexBuilder::new();
    for bytes in content.chunks(3) {
        let number = bytes
            .iter()
            .fold(0, |sum, byte| sum * 256 + u64::from(*byte));
        let digest = Digest::of(if number == 1 { b"x" } else { bytes });
        let _ = index.push(number, &digest);
    }
    index
        .finish(uuid::Uuid::nil(), TIME)
        .map_or_else(|_| Vec::new(), |(index, _)| index)
}

fn read_everything(store: &Store) {
    let cancel = CancelFlag::new();
    let path: SnapshotPath = SNAPSHOT.parse().unwrap();
    let listing = store.list(&ListOptions::default()).unwrap();
    assert_eq!(listing.snapshots.len(), 1);
    let _ = store.begin(Operation::Read).unwrap();
    if let Ok(snapshot) = store.open_snapshot(&path) {
        for file in snapshot.files() {
            if file.kind().is_index() {
                let _ = snapshot.read_index(file);
            }
        }
        let chunks = snapshot.chunks_in_tape_order(ChunkOrder::default(), |_| true);
        let _ = chunks.collect::<Result<Vec<_>, _>>();
    }
    let options = VerifyOptions {
        record_as: Some("UPID:test".to_owned()),
        set_aside_bad: true,
        ..VerifyOptions::default()
    };
    store.verify(&options, &|_| {}, &cancel).unwrap();
    for archive in ["root", "drive", "etc"] {
        let target = store.path().join("../out");
        let plan = ExtractPlan {
            snapshot: path.clone(),
            archive: archive.to_owned(),
            target: target.clone(),
        };
        match store.extract(&plan, &|_| {}, &cancel) {
            Ok(_) => fs::remove_dir_all(&target)
                .or_else(|_| fs::remove_file(&target))
                .unwrap(),
            Err(_) => assert!(!target.exists()),
        }
    }
}

/// An archive is extracted: nothing but what is inside the target is touched. The first byte says whether the archive's
/// bytes follow, or what is to be put into one.
pub fn extract(data: &[u8]) {
    let Some((&form, rest)) = data.split_first() else {
        return;
    };
    let archive = if form % 2 == 0 {
        rest.to_vec()
    } else {
        // More directories inside each other than an archive may have are not written.
        let Ok(archive) = archive(rest) else {
            return;
        };
        archive
    };
    let test = TestStore::new();
    let outside = test.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    let mut index = DynamicIndexBuilder::new();
    for piece in archive.chunks(64 << 10) {
        index.push(piece.len() as u64, &test.insert(piece)).unwrap();
    }
    let Ok((index, _)) = index.finish(uuid::Uuid::nil(), TIME) else {
        return;
    };
    fs::write(test.directory().join("root.pxar.didx"), index).unwrap();
    test.write_manifest();
    let target = test.folder.path().join("out");
    let plan = ExtractPlan {
        snapshot: SNAPSHOT.parse().unwrap(),
        archive: "root".to_owned(),
        target: target.clone(),
    };
    if test
        .store
        .extract(&plan, &|_| {}, &CancelFlag::new())
        .is_err()
    {
        assert!(!target.exists());
    }
    assert_eq!(names(&outside), ["secret"]);
    assert_eq!(fs::read(outside.join("secret")).unwrap(), b"secret");
    let beside = names(test.folder.path());
    assert!(
        beside
            .iter()
            .all(|name| ["out", "outside", "run", "store"].contains(&&**name))
    );
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Names and targets that could lead elsewhere.
const NAMES: [&str; 8] = [
    "a",
    "b",
    "a/b",
    "../outside",
    "../outside/secret",
    "b/../../outside/secret",
    "/",
    "a/secret",
];

/// Three bytes are one entry: kind and name, mode, what it refers to.
fn archive(data: &[u8]) -> Result<Vec<u8>, EncodeError> {
    let mut archive = Encoder::new(Vec::new(), &metadata(0o040_755, 0))?;
    let mut positions = Vec::new();
    for entry in data.chunks_exact(3) {
        let name = NAMES[usize::from(entry[0] >> 3) % 2].as_bytes();
        let target = NAMES[usize::from(entry[2]) % NAMES.len()].as_bytes();
        let mode = u64::from(entry[1]) << 4;
        let known = positions.get(usize::from(entry[2] >> 4)).copied();
        let of = |kind: u64| metadata(kind | mode, entry[1]);
        match entry[0] % 8 {
            0 => archive.open_directory(name, &of(0o040_000))?,
            1 if archive.depth() > 0 => archive.close_directory()?,
            2 => positions.push(archive.symlink(name, &of(0o120_000), target)?),
            3 => {
                if let Some(position) = known {
                    // A path that no entry can have is refused.
                    let _ = archive.hardlink(name, target, position);
                }
            }
            4 => positions.push(archive.fifo(name, &of(0o010_000))?),
            5 => positions.push(archive.device(name, &of(0o020_000), 1, 3)?),
            6 => positions.push(archive.socket(name, &of(0o140_000))?),
            _ => {
                let mut file = archive.file(name, &of(0o100_000), 3)?;
                std::io::Write::write_all(&mut file, entry)?;
                positions.push(file.finish()?);
            }
        }
    }
    while archive.depth() > 0 {
        archive.close_directory()?;
    }
    archive.finish()
}

fn metadata(mode: u64, variant: u8) -> Metadata {
    let mut metadata = Metadata::from(Stat {
        mode,
        uid: u32::from(variant),
        mtime_secs: i64::from(variant) << 40,
        ..Stat::default()
    });
    if variant % 4 == 3 {
        metadata.xattrs.push(Xattr {
            name: b"user.test".to_vec(),
            value: vec![variant],
        });
    }
    metadata
}
