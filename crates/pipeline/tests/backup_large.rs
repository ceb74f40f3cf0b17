//! Backups that are large in one way: many snapshots, many tiny chunks, archives beyond four gigabytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test"
)]

mod support;

use std::cell::RefCell;

use ferrite_datastore::AlignedBuffer;
use ferrite_emulator::{EmulatedDrive, Identity, NullMedium};
use ferrite_formats::Digest;
use ferrite_formats::blob::Blob;
use ferrite_pipeline::{BackupPlan, BackupStatus, Environment, Event, Verify, backup};
use ferrite_scsi::{Drive, DriveOptions};
use ferrite_tape::catalog::{CatalogIdentity, overwrite_catalog, read_catalog};
use ferrite_tape::{AlignedBlock, FileStamp, TapeLabels};
use support::library::Library;
use support::store::{self, never};
use uuid::Uuid;

/// A drive with an endless tape that keeps nothing, labelled.
fn null_drive(labels: &TapeLabels) -> Drive {
    let null = EmulatedDrive::new(Identity::virtual_drive("null"));
    null.insert(Box::new(NullMedium::endless()));
    let mut drive = Drive::open(null.connect(), DriveOptions::default()).unwrap();
    drive.prepare().unwrap();
    let (mut block, stamp) = (
        AlignedBlock::new(),
        FileStamp {
            uuid: Uuid::from_u128(3),
            ctime: 1,
        },
    );
    let _ = ferrite_tape::write_label(&mut drive, &mut block, &labels.label, stamp).unwrap();
    let set_label = labels.media_set_label.as_ref().unwrap();
    let _ = ferrite_tape::write_media_set_label(&mut drive, &mut block, set_label, stamp).unwrap();
    drive
}

#[test]
fn an_archive_of_four_gigabytes_is_followed_by_another() {
    let scratch = support::scratch();
    let store = store::open(&scratch.path().join("store1"), "store1");
    // 300 names for one chunk of 16 MiB of zeros: only its CRC is looked at.
    let blob = Blob::encode(&vec![0; 16 << 20], false, None).unwrap();
    let blob_bytes = blob.as_bytes().len() as u64;
    let names: Vec<Digest> = (0u32..300)
        .map(|number| Digest::of(&number.to_le_bytes()))
        .collect();
    store
        .chunks()
        .insert(&names[0], blob.as_bytes(), &mut AlignedBuffer::new())
        .unwrap();
    for name in &names[1..] {
        let path = store.chunks().chunk_path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::hard_link(store.chunks().chunk_path(&names[0]), path).unwrap();
    }
    let chunks: Vec<_> = names.iter().map(|name| (*name, 16 << 20)).collect();
    let snapshot = store::add_snapshot(&store, "h1", 1_700_000_000, &chunks);

    let labels = Library::new(scratch.path(), 1 << 30).add_tape();
    let catalog_path = scratch.path().join("tape.log");
    overwrite_catalog(&catalog_path, &labels, None).unwrap();
    let plan = BackupPlan {
        store: store.clone(),
        snapshots: vec![snapshot],
        catalog_path: catalog_path.clone(),
        media_uuid: labels.label.uuid,
        media_set_uuid: labels.media_set_label.as_ref().unwrap().uuid,
        chunk_index: None,
        verify: Verify::Crc,
        memory_bytes: None,
        reader_threads: None,
        dry_run: false,
    };
    let archives = RefCell::new(Vec::new());
    let events = |event| {
        if let Event::ChunkArchive {
            file_number,
            chunks,
            bytes,
            ..
        } = event
        {
            archives.borrow_mut().push((file_number, chunks, bytes));
        }
    };
    let outcome = backup(
        &mut null_drive(&labels),
        &plan,
        &Environment::system(),
        &events,
        &never(),
    )
    .unwrap();
    assert_eq!((outcome.status, outcome.chunks), (BackupStatus::Done, 300));

    // The first archive ends with the first chunk behind 16385 full blocks.
    let first = (1..)
        .find(|&chunks| (71 + chunks * (48 + blob_bytes)) / 262_128 >= 16_385)
        .unwrap();
    let expected = vec![
        (2, first, first * blob_bytes),
        (3, 300 - first, (300 - first) * blob_bytes),
    ];
    assert_eq!(archives.into_inner(), expected);
    let catalog = read_catalog(&catalog_path, CatalogIdentity::ANY).unwrap();
    let listed: Vec<_> = catalog
        .content
        .archives
        .iter()
        .map(|archive| (archive.file_number, archive.chunks))
        .collect();
    assert_eq!(listed, [(2, first), (3, 300 - first)]);
}

#[test]
fn many_snapshots_and_many_tiny_chunks() {
    let scratch = support::scratch();
    let store = store::open(&scratch.path().join("store1"), "store1");
    let mut snapshots = Vec::new();
    for number in 0..60 {
        // Every other one has nothing of its own.
        let own = if number % 2 == 0 { 100 } else { 0 };
        let mut chunks = vec![(store::insert_chunk(&store, 1, 20), 8)];
        chunks.extend((0..own).map(|chunk| {
            (
                store::insert_chunk(&store, 10 + number * 1000 + chunk, 500),
                488,
            )
        }));
        snapshots.push(store::add_snapshot(
            &store,
            &format!("h{number}"),
            1_700_000_000,
            &chunks,
        ));
    }
    let mut library = Library::new(scratch.path(), 1 << 40);
    library.add_tape();
    let plan = library.plan(&store, snapshots.clone());
    let outcome = backup(
        &mut library.drive(),
        &plan,
        &Environment::system(),
        &|_| {},
        &never(),
    )
    .unwrap();
    assert_eq!(outcome.written, snapshots);
    assert_eq!((outcome.chunks, outcome.skipped_chunks), (3001, 59));

    // Again: everything is known.
    let plan = library.plan(&store, snapshots);
    let outcome = backup(
        &mut library.drive(),
        &plan,
        &Environment::system(),
        &|_| {},
        &never(),
    )
    .unwrap();
    assert_eq!((outcome.chunks, outcome.skipped_chunks), (0, 3060));
}
