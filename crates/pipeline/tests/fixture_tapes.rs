//! The datastores of the fixtures, backed up again, give PBS's tapes byte for byte; its tapes, restored, give the datastores.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test"
)]

mod support;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use ferrite_datastore::{ChunkOrder, ListOptions, Store, StoreOptions};
use ferrite_formats::SnapshotPath;
use ferrite_pipeline::{BackupStatus, Environment, RestorePlan, backup, restore};
use ferrite_tape::catalog::{CatalogIdentity, read_catalog};
use support::fixture::{self, TapeFile};
use support::library::Library;
use support::store::{never, tree};

/// A media set being written again, with the UUIDs and times of the original.
struct Replay<'a> {
    library: Library,
    store: Store,
    originals: &'a BTreeMap<String, Vec<TapeFile>>,
    /// Labels of the tapes that are still blank.
    blank: VecDeque<&'a str>,
}

impl<'a> Replay<'a> {
    fn original(&self) -> &'a [TapeFile] {
        &self.originals[&self.library.set.last().unwrap().label.label_text]
    }

    fn next_tape(&mut self) {
        let label = self
            .blank
            .pop_front()
            .expect("more tapes used than PBS used");
        let files = &self.originals[label];
        let mut stamps = files.iter().map(TapeFile::stamp);
        self.library.set_uuid = fixture::labels(files).media_set_label.unwrap().uuid;
        self.library
            .start_tape(fixture::labels(files), &mut || stamps.next().unwrap());
    }

    /// One job: every snapshot, then the catalog of the last tape.
    fn job(&mut self, mut snapshots: Vec<SnapshotPath>) {
        if self.library.set.is_empty() {
            self.next_tape();
        }
        loop {
            let mut drive = self.library.drive();
            let first = drive.end_of_data().unwrap().file_number() as usize;
            let stamps: Vec<_> = self.original()[first..]
                .iter()
                .map(TapeFile::stamp)
                .collect();
            let environment = Environment::scripted(
                stamps.iter().map(|stamp| stamp.uuid),
                stamps.iter().map(|stamp| stamp.ctime),
                ChunkOrder::Digest,
            );
            let plan = self.library.plan(&self.store, snapshots);
            let outcome = backup(&mut drive, &plan, &environment, &|_| {}, &never()).unwrap();
            assert_eq!(outcome.failed, []);
            if outcome.status == BackupStatus::Done {
                break;
            }
            snapshots = outcome.remaining;
            drop(drive);
            self.next_tape();
        }
        let mut drive = self.library.drive();
        let file_number = drive.end_of_data().unwrap().file_number() as usize;
        let stamp = self.original()[file_number].stamp();
        self.library
            .append_catalog(&mut drive, self.library.set.len() - 1, stamp);
    }
}

fn all_snapshots(store: &Store) -> Vec<SnapshotPath> {
    let listing = store.list(&ListOptions::default()).unwrap();
    assert_eq!(listing.problems, Vec::<String>::new());
    listing
        .snapshots
        .into_iter()
        .map(|info| info.path)
        .collect()
}

fn latest_of_each_group(snapshots: &[SnapshotPath]) -> Vec<SnapshotPath> {
    let group = |path: &SnapshotPath| (path.namespace().clone(), path.group().clone());
    let is_last = |index: usize| {
        snapshots
            .get(index + 1)
            .is_none_or(|next| group(next) != group(&snapshots[index]))
    };
    (0..snapshots.len())
        .filter(|&index| is_last(index))
        .map(|index| snapshots[index].clone())
        .collect()
}

fn replay(folder: &Path, store_name: &str, max_bytes: u64, latest_first: bool) {
    let originals = fixture::tapes(folder);
    let scratch = tempfile::tempdir().unwrap();
    let store_path = scratch.path().join(store_name);
    fixture::copy_tree(&folder.join(store_name), &store_path);
    fixture::set_file_attributes(&store_path, &originals);
    let store = Store::open(StoreOptions::new(
        store_name,
        &store_path,
        scratch.path().join("run"),
    ))
    .unwrap();
    let mut replay = Replay {
        library: Library::new(scratch.path(), max_bytes),
        store: store.clone(),
        originals: &originals,
        blank: originals.keys().map(String::as_str).collect(),
    };
    let all = all_snapshots(&store);
    if latest_first {
        let first = latest_of_each_group(&all);
        replay.job(first.clone());
        replay.job(
            all.into_iter()
                .filter(|path| !first.contains(path))
                .collect(),
        );
    } else {
        replay.job(all);
    }
    let library = replay.library;
    let (root, used): (_, Vec<_>) = (library.root.clone(), library.set.clone());
    drop(library.directory);

    compare_tapes(folder, &root.join("tapes"));
    for labels in used {
        let name = format!("{}.log", labels.label.uuid);
        let masked = |path: &Path| {
            let mut bytes = std::fs::read(path).unwrap();
            fixture::mask_catalog(&mut bytes);
            bytes
        };
        let (ours, theirs) = (
            root.join("catalogs").join(&name),
            folder.join("lib-tape").join(&name),
        );
        assert_eq!(masked(&ours), masked(&theirs), "catalog {name}");
    }
}

/// Every file of the directories of tapes is the same; the padding of catalog records, and nothing else, is masked.
fn compare_tapes(theirs: &Path, ours: &Path) {
    let theirs = theirs.join("tapes");
    let names = |directory: &Path| {
        let entries = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = entries.filter(|name| name != ".drive.lck").collect();
        names.sort();
        names
    };
    assert_eq!(names(ours), names(&theirs));
    for name in names(&theirs)
        .iter()
        .filter(|name| !name.starts_with("tapefile-"))
    {
        assert_eq!(
            fixture::text(&ours.join(name)),
            fixture::text(&theirs.join(name)),
            "{name}"
        );
    }
    let labels = names(&theirs).into_iter().filter_map(|name| {
        Some(
            name.strip_prefix("tape-")?
                .strip_suffix(".json")?
                .to_owned(),
        )
    });
    for label in labels {
        let pairs = fixture::tape_files(ours, &label)
            .into_iter()
            .zip(fixture::tape_files(&theirs, &label));
        for (number, (our, their)) in pairs.enumerate() {
            let what = format!("file {number} of {label}");
            assert_eq!(our.blocks.len(), their.blocks.len(), "{what}");
            assert_eq!(
                fixture::block_headers(&our),
                fixture::block_headers(&their),
                "{what}"
            );
            assert_eq!(
                fixture::masked_content(&our),
                fixture::masked_content(&their),
                "{what}"
            );
            if !our.kind().is_catalog_archive() {
                assert!(our.blocks == their.blocks, "{what}");
            }
        }
    }
}

#[test]
fn small_is_written_again_byte_for_byte() {
    let Some(folder) = fixture::find("small") else {
        return;
    };
    replay(&folder, "store1", 5_242_880, false);
}

#[test]
fn append_is_written_again_byte_for_byte() {
    let Some(folder) = fixture::find("append") else {
        return;
    };
    replay(&folder, "store1", 6_291_456, true);
}

#[test]
fn incomplete_is_written_again_byte_for_byte() {
    let Some(folder) = fixture::find("incomplete") else {
        return;
    };
    replay(&folder, "sparse", 3_145_728, false);
}

/// Restores every tape of a fixture; twice, the second time everything is there.
fn restore_all(folder: &Path, store_name: &str) {
    let scratch = tempfile::tempdir().unwrap();
    let originals = fixture::tapes(folder);
    let mut library = Library::new(scratch.path(), u64::MAX);
    fixture::copy_tree(&folder.join("tapes"), &scratch.path().join("tapes"));
    let target = support::store::open(&scratch.path().join("target"), "target");
    let snapshots = all_snapshots(
        &Store::open(StoreOptions::new(
            store_name,
            folder.join(store_name),
            scratch.path().join("run"),
        ))
        .unwrap(),
    );
    for again in [false, true] {
        let (mut restored, mut existing) = (Vec::new(), Vec::new());
        for (label, files) in &originals {
            library.directory.load(label).unwrap();
            let labels = fixture::labels(files);
            library.set.push(labels.clone());
            let plan = RestorePlan {
                catalog_path: library.catalog_path(labels.label.uuid),
                labels,
                mapping: BTreeMap::from([(store_name.to_owned(), target.clone())]),
                owner_auth_id: "root@pam".to_owned(),
                owner: None,
                memory_bytes: None,
                workers: None,
                selection: None,
            };
            let outcome = restore(&mut library.drive(), &plan, &|_| {}, &never()).unwrap();
            restored.extend(
                outcome
                    .restored
                    .into_iter()
                    .map(|snapshot| snapshot.snapshot),
            );
            existing.extend(outcome.existing.into_iter().map(|(_, snapshot)| snapshot));
            assert!(outcome.chunks_restored == 0 || !again);
        }
        let (mut found, mut expected) =
            (if again { existing } else { restored }, snapshots.clone());
        found.sort_by_key(ToString::to_string);
        expected.sort_by_key(ToString::to_string);
        assert_eq!(found, expected);
    }
    let (ours, theirs) = (tree(target.path()), tree(&folder.join(store_name)));
    let names = |tree: &BTreeMap<String, Vec<u8>>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&theirs));
    for (name, content) in &theirs {
        assert!(&ours[name] == content || name.ends_with("/owner"), "{name}");
    }

    for files in originals.values() {
        let uuid = fixture::labels(files).label.uuid;
        let ours = read_catalog(&library.catalog_path(uuid), CatalogIdentity::ANY).unwrap();
        let theirs = folder
            .join("lib-tape-after-restore")
            .join(format!("{uuid}.log"));
        if theirs.is_file() {
            assert_eq!(ours, read_catalog(&theirs, CatalogIdentity::ANY).unwrap());
            let mut masked = [
                std::fs::read(library.catalog_path(uuid)).unwrap(),
                std::fs::read(theirs).unwrap(),
            ];
            masked
                .iter_mut()
                .for_each(|catalog| fixture::mask_catalog(catalog));
            assert_eq!(masked[0], masked[1]);
        }
    }
}

#[test]
fn small_is_restored() {
    let Some(folder) = fixture::find("small") else {
        return;
    };
    restore_all(&folder, "store1");
}

#[test]
fn append_is_restored() {
    let Some(folder) = fixture::find("append") else {
        return;
    };
    restore_all(&folder, "store1");
}

#[test]
fn incomplete_is_restored() {
    let Some(folder) = fixture::find("incomplete") else {
        return;
    };
    restore_all(&folder, "sparse");
}
