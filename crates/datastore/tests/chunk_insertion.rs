//! The rules of chunk insertion, on file systems with and without direct writes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests; clippy knows only test functions, not what they share"
)]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use ferrite_datastore::{AlignedBuffer, ErrorKind, Inserted, SyncLevel};
use ferrite_formats::{Digest, magic};
use proptest::prelude::*;
use support::{SmallDisk, TestStore, noise};

const LENGTHS: [usize; 9] = [
    12, 100, 4096, 65_535, 65_536, 65_537, 131_072, 1_000_003, 4_194_316,
];

fn blob(kind: [u8; 8], bytes: usize) -> Vec<u8> {
    let mut blob = noise(bytes as u64, bytes);
    blob[..8].copy_from_slice(&kind);
    blob
}

fn plain(bytes: usize) -> Vec<u8> {
    blob(magic::BLOB_PLAIN_1_0, bytes)
}

fn insert(store: &TestStore, digest: &Digest, blob: &[u8]) -> ferrite_datastore::Result<Inserted> {
    store
        .chunks()
        .insert(digest, blob, &mut AlignedBuffer::new())
}

/// Makes something in a chunk's place.
type Make<'a> = &'a dyn Fn(&PathBuf);

/// No file but those of chunks.
fn no_temporary_files(store: &TestStore) {
    assert!(
        store.chunk_files().iter().all(|name| name.len() == 69),
        "{:?}",
        store.chunk_files()
    );
}

fn write_and_read(store: &TestStore) {
    let mut scratch = AlignedBuffer::new();
    for length in LENGTHS {
        let content = plain(length);
        // From an aligned address, and from an odd one.
        let mut aligned = AlignedBuffer::new();
        aligned.extend_from_slice(&content);
        let mut odd = vec![0];
        odd.extend_from_slice(&content);
        for (from, seed) in [(&aligned[..], 1), (&odd[1..], 2)] {
            let digest = Digest::of(format!("{seed} {length}").as_bytes());
            let chunks = store.chunks();
            assert_eq!(
                chunks.insert(&digest, from, &mut scratch).unwrap(),
                Inserted::New
            );
            assert_eq!(fs::read(chunks.chunk_path(&digest)).unwrap(), content);
            let chunk = chunks.open_chunk(&digest).unwrap();
            assert_eq!(chunk.bytes, length as u64);
            let meta = chunk.file.metadata().unwrap();
            assert_eq!(meta.mode() & 0o7777, 0o644);
            let mut read = vec![9; 3];
            chunks.read_chunk(&digest, &mut read).unwrap();
            assert_eq!(read, content);
        }
    }
    no_temporary_files(store);
    store.chunks().finish().unwrap();
}

#[test]
fn every_length_on_every_file_system() {
    write_and_read(&TestStore::new());
    write_and_read(&TestStore::with(|options| {
        options.sync_level = SyncLevel::File
    }));
    write_and_read(&TestStore::with(|options| {
        options.sync_level = SyncLevel::None
    }));
    if let Some(disk) = SmallDisk::mount("size=64m") {
        let dir = tempfile::tempdir_in(disk.path()).unwrap();
        write_and_read(&TestStore::in_dir(dir, |_| {}));
    }
}

#[test]
fn what_is_there_decides() {
    use Inserted::{New, Present, Replaced};
    let zstd = magic::BLOB_ZSTD_1_0;
    let encrypted = magic::BLOB_ENCRYPTED_1_0;
    let encrypted_zstd = magic::BLOB_ZSTD_ENCRYPTED_1_0;
    let store = TestStore::new();
    let count = AtomicU32::new(0);
    let case = |existing: Option<Vec<u8>>, new: Vec<u8>, expected: Result<Inserted, &str>| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let digest = Digest::of(&number.to_le_bytes());
        let path = store.chunks().chunk_path(&digest);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if let Some(existing) = &existing {
            fs::write(&path, existing).unwrap();
        }
        let kept = match (insert(&store, &digest, &new), expected) {
            (Ok(found), Ok(wanted)) => {
                assert_eq!(found, wanted, "case {number}");
                found == Present
            }
            (Err(error), Err(text)) => {
                assert!(error.to_string().contains(text), "case {number}: {error}");
                assert!(error.to_string().contains(path.to_str().unwrap()));
                true
            }
            (found, wanted) => panic!("case {number}: {found:?}, wanted {wanted:?}"),
        };
        let content = if kept { existing.unwrap() } else { new };
        assert_eq!(fs::read(&path).unwrap(), content, "case {number}");
    };
    case(None, plain(500), Ok(New));
    case(Some(plain(500)), plain(500), Ok(Present));
    case(Some(Vec::new()), plain(500), Ok(Replaced));
    // Another encoding of the same content: the shorter one stays.
    case(Some(blob(zstd, 300)), plain(500), Ok(Present));
    case(Some(plain(500)), blob(zstd, 300), Ok(Replaced));
    // Encrypted ones cannot be compared; only what must not be is refused.
    case(
        Some(plain(500)),
        blob(encrypted, 532),
        Err("is not encrypted"),
    );
    case(
        Some(blob(zstd, 300)),
        blob(encrypted_zstd, 332),
        Err("is not encrypted"),
    );
    case(
        Some(blob(encrypted, 532)),
        blob(encrypted, 533),
        Err("another length"),
    );
    case(
        Some(blob(encrypted, 532)),
        blob(encrypted_zstd, 332),
        Ok(Present),
    );
    case(
        Some(blob(encrypted_zstd, 332)),
        blob(encrypted, 532),
        Ok(Present),
    );
    case(
        Some(blob(encrypted_zstd, 332)),
        blob(encrypted_zstd, 300),
        Ok(Present),
    );
    case(
        Some(blob(encrypted, 532)),
        blob(encrypted, 532),
        Ok(Present),
    );
    no_temporary_files(&store);
}

#[test]
fn what_is_no_chunk_file_is_refused_by_everyone() {
    let store = TestStore::new();
    let chunks = store.chunks();
    let make: [(&str, Make); 4] = [
        ("directory", &|path| fs::create_dir(path).unwrap()),
        ("symlink", &|path| symlink("/etc/passwd", path).unwrap()),
        ("dangling", &|path| symlink("nowhere", path).unwrap()),
        ("pipe", &|path| {
            let mode = rustix::fs::Mode::RWXU;
            rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0)
                .unwrap();
        }),
    ];
    for (name, make) in make {
        let digest = Digest::of(name.as_bytes());
        let path = chunks.chunk_path(&digest);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        make(&path);
        let errors = [
            insert(&store, &digest, &plain(100)).unwrap_err(),
            chunks.touch_if_present(&digest).unwrap_err(),
            chunks.open_chunk(&digest).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Data, "{name}: {error}");
            assert!(
                error.to_string().contains(path.to_str().unwrap()),
                "{error}"
            );
        }
    }
    let missing = Digest::of(b"missing");
    assert_eq!(
        chunks.open_chunk(&missing).unwrap_err().code(),
        "chunk-missing"
    );
    assert!(!chunks.touch_if_present(&missing).unwrap());
    for impossible in [0, 11, 16 * 1024 * 1024 + 45] {
        let error = insert(&store, &missing, &vec![0; impossible]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
}

#[test]
fn touching_changes_the_access_time_alone() {
    let store = TestStore::new();
    let digest = Digest::of(b"x");
    insert(&store, &digest, &plain(100)).unwrap();
    let path = store.chunks().chunk_path(&digest);
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let touch: [&dyn Fn(); 2] = [
        &|| assert!(store.chunks().touch_if_present(&digest).unwrap()),
        &|| {
            assert_eq!(
                insert(&store, &digest, &plain(100)).unwrap(),
                Inserted::Present
            )
        },
    ];
    for touch in touch {
        let times = fs::FileTimes::new().set_accessed(old).set_modified(old);
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_times(times).unwrap();
        let start = SystemTime::now() - Duration::from_secs(2);
        touch();
        let meta = fs::metadata(&path).unwrap();
        assert_eq!(meta.modified().unwrap(), old);
        assert!(meta.accessed().unwrap() >= start);
    }
    // An empty file is no chunk.
    fs::write(&path, "").unwrap();
    assert!(!store.chunks().touch_if_present(&digest).unwrap());
}

#[test]
fn bad_chunks_are_numbered() {
    let store = TestStore::new();
    let digest = Digest::of(b"x");
    for number in 0..12 {
        insert(&store, &digest, &plain(100 + number)).unwrap();
        let bad = store.chunks().set_aside_bad(&digest).unwrap().unwrap();
        let expected = format!("{digest}.{}.bad", number.min(9));
        assert_eq!(bad.file_name().unwrap().to_str().unwrap(), expected);
    }
    assert_eq!(store.chunks().set_aside_bad(&digest).unwrap(), None);
    let last = store.chunks().chunk_path(&digest).with_extension("9.bad");
    assert_eq!(fs::read(last).unwrap(), plain(111));
}

#[test]
fn many_threads_insert_the_same_chunks() {
    let store = TestStore::new();
    let new = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut scratch = AlignedBuffer::new();
                for number in 0..50_u8 {
                    let blob = plain(70_000 + usize::from(number));
                    let digest = Digest::of(&[number]);
                    let inserted = store.chunks().insert(&digest, &blob, &mut scratch).unwrap();
                    if inserted == Inserted::New {
                        new.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(new.into_inner(), 50);
    assert_eq!(store.chunk_files().len(), 50);
    no_temporary_files(&store);
}

#[test]
fn a_full_disk_leaves_no_half_chunk() {
    let Some(disk) = SmallDisk::mount("size=1m") else {
        return;
    };
    let dir = tempfile::tempdir_in(disk.path()).unwrap();
    let store = TestStore::in_dir(dir, |_| {});
    for bytes in [20_000, 2_000_000] {
        let mut error = None;
        for number in 0..100_u8 {
            let digest = Digest::of(&[number, (bytes >> 16) as u8]);
            if let Err(failed) = insert(&store, &digest, &plain(bytes)) {
                error = Some(failed);
                break;
            }
        }
        let error = error.unwrap();
        assert_eq!(error.code(), "disk-full");
        assert!(error.to_string().contains("/.chunks/"), "{error}");
        no_temporary_files(&store);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_blob_is_stored_as_it_is(bytes in 12usize..300_000, offset in 0usize..5000) {
        let store = TestStore::new();
        let content = plain(bytes);
        let mut buffer = AlignedBuffer::new();
        buffer.extend_from_slice(&vec![7; offset]);
        buffer.extend_from_slice(&content);
        let digest = Digest::of(&content);
        insert(&store, &digest, &buffer[offset..]).unwrap();
        prop_assert_eq!(fs::read(store.chunks().chunk_path(&digest)).unwrap(), content);
    }
}
