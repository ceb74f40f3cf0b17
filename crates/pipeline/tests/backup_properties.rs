//! Whatever the sizes of chunks and tapes: the tapes are those that a literal, single-threaded writer makes, and they restore.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test"
)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use ferrite_datastore::Store;
use ferrite_formats::chunk_archive::{ChunkArchiveHeader, ChunkEntry};
use ferrite_formats::snapshot_archive::{SnapshotArchiveHeader, SnapshotFile};
use ferrite_formats::{Digest, SnapshotPath};
use ferrite_pipeline::{BackupStatus, ChunkOrder, Environment, RestorePlan, backup, restore};
use ferrite_tape::snapshot::{OpenFiles, SnapshotEnd, write_snapshot_archive};
use ferrite_tape::{AlignedBlock, ContentWriter, FileStamp, MediaCatalog, TapeError, WrittenFile};
use proptest::prelude::*;
use support::library::Library;
use support::store::{self, never};
use uuid::Uuid;

/// Stamps in the order of tape files.
fn stamp(number: u64) -> FileStamp {
    FileStamp {
        uuid: Uuid::from_u128(0xfeed_0000 + u128::from(number)),
        ctime: 1_700_001_000 + number as i64,
    }
}

/// tape-format 1.3 and 5.4, followed to the letter.
struct Literal {
    library: Library,
    stamps: u64,
}

impl Literal {
    fn catalog(&self) -> MediaCatalog {
        let uuid = self.library.set.last().unwrap().label.uuid;
        let identity = ferrite_tape::catalog::CatalogIdentity {
            media_uuid: Some(uuid),
            media_set: None,
        };
        MediaCatalog::open(&self.library.catalog_path(uuid), identity).unwrap()
    }

    fn next_stamp(&mut self) -> FileStamp {
        self.stamps += 1;
        stamp(self.stamps - 1)
    }

    /// The job: every snapshot, as many tapes as it takes.
    fn run(&mut self, store: &Store, snapshots: &[SnapshotPath]) -> Result<(), TapeError> {
        for snapshot in snapshots {
            let reader = store.open_snapshot(snapshot).unwrap();
            let index = self.library.chunk_index();
            let wanted = |digest: &Digest| index.lookup(store.name(), digest).is_none();
            let mut chunks: Vec<Digest> = reader
                .chunks_in_tape_order(ChunkOrder::Digest, wanted)
                .map(Result::unwrap)
                .collect();
            while !chunks.is_empty() {
                let (file, stamp, done) = self.chunk_archive(store, &chunks)?;
                let mut catalog = self.catalog();
                let whole = chunks[..done].to_vec();
                catalog
                    .register_chunk_archive(file.file_number, stamp.uuid, store.name(), whole)
                    .unwrap();
                catalog.commit().unwrap();
                chunks.drain(..done);
                if !chunks.is_empty() {
                    // Chunks here are far from filling an archive, so it ended because of the tape.
                    self.library.add_tape();
                }
            }
            while !self.snapshot_archive(store, snapshot)? {
                self.library.add_tape();
            }
        }
        Ok(())
    }

    /// Writes one archive; answers how many chunks are whole.
    fn chunk_archive(
        &mut self,
        store: &Store,
        chunks: &[Digest],
    ) -> Result<(WrittenFile, FileStamp, usize), TapeError> {
        let stamp = self.next_stamp();
        let (mut drive, mut block) = (self.library.drive(), AlignedBlock::new());
        let position = drive.end_of_data().unwrap();
        let mut writer = ContentWriter::create(&mut drive, position, &mut block)?;
        let head = ChunkArchiveHeader {
            store: store.name().to_owned(),
        };
        writer.write(&head.encode(stamp.uuid, stamp.ctime).unwrap())?;
        for (index, digest) in chunks.iter().enumerate() {
            let blob = std::fs::read(store.chunks().chunk_path(digest)).unwrap();
            writer.write(
                &ChunkEntry {
                    digest: *digest,
                    size: blob.len() as u64,
                }
                .encode(),
            )?;
            for piece in blob.chunks(262_144) {
                writer.write(piece)?;
                if writer.early_warning() {
                    let done = index + usize::from(piece.len() < 262_144);
                    return Ok((writer.finish(false)?, stamp, done));
                }
            }
        }
        Ok((writer.finish(false)?, stamp, chunks.len()))
    }

    /// Answers whether it is complete.
    fn snapshot_archive(
        &mut self,
        store: &Store,
        snapshot: &SnapshotPath,
    ) -> Result<bool, TapeError> {
        let stamp = self.next_stamp();
        let reader = store.open_snapshot(snapshot).unwrap();
        let describe = |file: &ferrite_datastore::StoredFile| {
            let stat = file.stat();
            let stat = ferrite_formats::pxar::Stat {
                mode: stat.mode.into(),
                flags: 0,
                uid: stat.uid,
                gid: stat.gid,
                mtime_secs: stat.mtime_seconds,
                mtime_nanos: stat.mtime_nanoseconds,
            };
            SnapshotFile {
                name: file.name().to_owned(),
                stat,
                size: file.stat().size,
            }
        };
        let open = |file| (describe(file), std::fs::File::open(file.path()).unwrap());
        let mut files = OpenFiles(reader.files().iter().map(open).collect());
        let header = SnapshotArchiveHeader::new(store.name(), snapshot);
        let (mut drive, mut block) = (self.library.drive(), AlignedBlock::new());
        let position = drive.end_of_data().unwrap();
        let outcome =
            write_snapshot_archive(&mut drive, position, &mut block, &header, stamp, &mut files)?;
        let complete = matches!(outcome.end, SnapshotEnd::Complete);
        if complete {
            let mut catalog = self.catalog();
            let path = snapshot.to_string();
            catalog
                .register_snapshot(outcome.file.file_number, stamp.uuid, store.name(), &path)
                .unwrap();
            catalog.commit().unwrap();
        }
        Ok(complete)
    }
}

fn run_pipeline(
    library: &mut Library,
    store: &Store,
    snapshots: &[SnapshotPath],
    stamps: u64,
    threads: usize,
) {
    let mut left = snapshots.to_vec();
    let environment = Environment::scripted(
        (0..stamps).map(|number| stamp(number).uuid),
        (0..stamps).map(|number| stamp(number).ctime),
        ChunkOrder::Digest,
    );
    loop {
        let mut plan = library.plan(store, left);
        plan.reader_threads = Some(threads);
        let outcome = backup(&mut library.drive(), &plan, &environment, &|_| {}, &never()).unwrap();
        if outcome.status == BackupStatus::Done {
            return;
        }
        assert!(library.set.len() < 40, "no progress");
        left = outcome.remaining;
        library.add_tape();
    }
}

fn assert_restores(library: &Library, store: &Store, scratch: &Path, whole_pieces: bool) {
    let target = store::open(&scratch.join("target"), "target");
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
        let catalogs = [
            library.catalog_path(labels.label.uuid),
            scratch.join("restored.log"),
        ];
        let [written, rebuilt] = catalogs.map(|path| std::fs::read(path).unwrap());
        // A chunk of whole pieces that ends a tape is on it, but its writer does not count on it (tape-format 5.4).
        assert!(written == rebuilt || whole_pieces && written.len() < rebuilt.len());
    }
    store::assert_equal(store, &target);
}

fn blob_bytes() -> impl Strategy<Value = usize> {
    prop_oneof![
        13usize..2000,
        100_000usize..700_000,
        Just(262_144),
        Just(524_288),
        262_000usize..262_300
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tapes_are_those_of_a_literal_writer(
        sizes in prop::collection::vec(prop::collection::vec(blob_bytes(), 0..8), 1..4),
        blocks in 9u64..24,
        threads in 1usize..4,
    ) {
        let scratch = support::scratch();
        let store = store::open(&scratch.path().join("store1"), "store1");
        let mut seed = 0;
        let mut snapshots = Vec::new();
        for (number, sizes) in sizes.iter().enumerate() {
            let mut insert = |&bytes: &usize| {
                seed += 1;
                (store::insert_chunk(&store, seed, bytes), bytes as u64 - 12)
            };
            let chunks: Vec<_> = sizes.iter().map(&mut insert).collect();
            snapshots.push(store::add_snapshot(&store, &format!("h{number}"), 1_700_000_000, &chunks));
        }
        let max_bytes = blocks * 262_144;
        let mut library = Library::new(&scratch.path().join("ours"), max_bytes);
        library.add_tape();
        run_pipeline(&mut library, &store, &snapshots, 200, threads);

        let mut literal = Literal { library: Library::new(&scratch.path().join("literal"), max_bytes), stamps: 0 };
        literal.library.add_tape();
        // Where the letter leads to "no space", ours ends earlier; then there is nothing to compare with.
        if literal.run(&store, &snapshots).is_ok() {
            let trees = ["ours", "literal"].map(|name| store::tree(&scratch.path().join(name)));
            let names = trees.each_ref().map(|tree| tree.keys().filter(|name| *name != "chunk-index").collect::<Vec<_>>());
            prop_assert_eq!(&names[0], &names[1]);
            for name in &names[0] {
                prop_assert!(trees[0][*name] == trees[1][*name], "{} differs", name);
            }
        }
        let whole_pieces = sizes.iter().flatten().any(|bytes| bytes % 262_144 == 0);
        assert_restores(&library, &store, scratch.path(), whole_pieces);
    }
}

/// Two chunks, the first of `first_bytes`, on a tape where PBS would need more room behind early warning than there is.
fn ends_earlier(first_bytes: u64) {
    let scratch = support::scratch();
    let store = store::open(&scratch.path().join("store1"), "store1");
    let first = store::insert_chunk(&store, 1, first_bytes as usize);
    let second = (2..)
        .map(|seed| store::noise(seed, 600_000))
        .find(|data| Digest::of(data) > first)
        .unwrap();
    let digest = Digest::of(&second);
    let blob = ferrite_formats::blob::Blob::encode(&second, false, None).unwrap();
    store
        .chunks()
        .insert(
            &digest,
            blob.as_bytes(),
            &mut ferrite_datastore::AlignedBuffer::new(),
        )
        .unwrap();
    let snapshot = store::add_snapshot(
        &store,
        "h1",
        1_700_000_000,
        &[(first, first_bytes - 12), (digest, 600_000)],
    );

    let max_bytes = (LABEL_BLOCKS + CAPACITY) * 262_144;
    let mut literal = Literal {
        library: Library::new(&scratch.path().join("literal"), max_bytes),
        stamps: 0,
    };
    literal.library.add_tape();
    let error = literal
        .run(&store, std::slice::from_ref(&snapshot))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("end of the tape") || error.contains("OVERFLOW") || error.contains("full"),
        "{error}"
    );

    let mut library = Library::new(&scratch.path().join("ours"), max_bytes);
    library.add_tape();
    run_pipeline(&mut library, &store, &[snapshot], 20, 2);
    assert_eq!(library.set.len(), 2);
    assert!(library.chunk_index().lookup("store1", &first).is_some());
    assert_restores(&library, &store, scratch.path(), false);
}

const LABEL_BLOCKS: u64 = 2;
/// Blocks of a chunk archive before the one that reports early warning.
const CAPACITY: u64 = 8;
const PAYLOAD: u64 = 262_128;
/// Content in front of the first blob: header, JSON, entry header.
const HEAD: u64 = 48 + 23 + 48;

#[test]
fn early_warning_inside_an_entry_header() {
    ends_earlier((CAPACITY + 1) * PAYLOAD - 20 - HEAD);
}

#[test]
fn early_warning_in_a_piece_that_fills_two_blocks() {
    ends_earlier(CAPACITY * PAYLOAD + 262_115 - 48 - HEAD);
}
