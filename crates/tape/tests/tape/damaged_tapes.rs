//! Tapes damaged at random: no panic, no hang, and never a catalog that names what is not on the tape.

use std::collections::BTreeSet;

use crate::support::content::{catalog_archive, chunk, chunk_archive, labelled, snapshot_archive};
use crate::support::labels;
use crate::support::tape::{MemoryTape, Object, blocks, incomplete_blocks, unterminated_blocks};
use ferrite_formats::Digest;
use ferrite_formats::media_catalog::{CatalogReader, CatalogRecord};
use ferrite_tape::catalog::CatalogIdentity;
use ferrite_tape::index::{CatalogSource, ChunkIndex};
use ferrite_tape::restore::{CatalogRestore, restore_catalogs};
use ferrite_tape::scan::{CatalogScan, scan_catalog, scan_files};
use ferrite_tape::{AlignedBlock, CatalogBuilder, TapeError, Watch, read_labels};
use proptest::prelude::*;
use tempfile::TempDir;
use uuid::Uuid;

/// A tape with some of everything on it.
fn tape() -> MemoryTape {
    let tape = labelled(&labels(0));
    let chunks: Vec<_> = (0..4).map(|seed| chunk(seed, 120_000)).collect();
    let archive = chunk_archive(&chunks);
    let snapshot = snapshot_archive(&[("root.pxar.didx", &[3; 300_000])]);
    tape.push_file(blocks(&catalog_archive(&labels(0), &catalog())));
    tape.push_file(blocks(&archive));
    tape.push_file(blocks(&snapshot));
    tape.push_file(incomplete_blocks(&archive[..400_000]));
    tape.push_file(unterminated_blocks(&archive));
    tape.push_file(incomplete_blocks(&snapshot[..200_000]));
    tape.push_file(blocks(&catalog_archive(&labels(0), &catalog())));
    tape
}

fn catalog() -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("c.log");
    let mut builder = CatalogBuilder::create(&path, &labels(0), None).unwrap();
    builder.start_archive(3, Uuid::nil(), "store1").unwrap();
    (0..4).for_each(|seed| builder.chunk(chunk(seed, 120_000).0).unwrap());
    builder.end_archive().unwrap();
    builder.finish().unwrap();
    std::fs::read(path).unwrap()
}

/// All chunks that a catalog names.
fn digests(catalog: &[u8]) -> BTreeSet<Digest> {
    CatalogReader::new(catalog)
        .unwrap()
        .filter_map(|record| match record.unwrap().1 {
            CatalogRecord::Chunk(digest) => Some(digest),
            _ => None,
        })
        .collect()
}

#[derive(Debug, Clone)]
enum Damage {
    Flip {
        object: usize,
        byte: usize,
        mask: u8,
    },
    Cut(usize),
    Remove(usize),
    Repeat(usize),
    Swap(usize, usize),
    Shorten(usize, usize),
}

/// Mostly in the first bytes of a block, where the structures are.
fn place() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0usize..160, 1 => 0usize..262_144]
}

fn damage() -> impl Strategy<Value = Damage> {
    let object = 0usize..24;
    prop_oneof![
        4 => (object.clone(), place(), 1u8..).prop_map(|(object, byte, mask)| Damage::Flip { object, byte, mask }),
        1 => object.clone().prop_map(Damage::Cut),
        1 => object.clone().prop_map(Damage::Remove),
        1 => object.clone().prop_map(Damage::Repeat),
        1 => (object.clone(), object.clone()).prop_map(|(a, b)| Damage::Swap(a, b)),
        1 => (object, 0usize..262_144).prop_map(|(object, length)| Damage::Shorten(object, length)),
    ]
}

fn apply(objects: &mut Vec<Object>, damage: &Damage) {
    let length = objects.len();
    let at = |number: usize| number % length.max(1);
    if length == 0 {
        return;
    }
    match *damage {
        Damage::Flip { object, byte, mask } => {
            if let Object::Block(bytes) = &mut objects[at(object)] {
                let place = byte % bytes.len().max(1);
                bytes[place] ^= mask;
            }
        }
        Damage::Cut(object) => objects.truncate(at(object)),
        Damage::Remove(object) => drop(objects.remove(at(object))),
        Damage::Repeat(object) => objects.insert(at(object), objects[at(object)].clone()),
        Damage::Swap(a, b) => objects.swap(at(a), at(b)),
        Damage::Shorten(object, length) => {
            if let Object::Block(bytes) = &mut objects[at(object)] {
                bytes.truncate(length.max(1));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn are_read_as_far_as_they_can_be(damages in prop::collection::vec(damage(), 1..4)) {
        let mut objects = tape().objects();
        damages.iter().for_each(|damage| apply(&mut objects, damage));
        let tape = MemoryTape::with(objects);
        let block = &mut AlignedBlock::new();
        let folder = TempDir::new().unwrap();
        let mut watch = Watch { on_event: &mut |_| {}, cancelled: &|| false };
        let labels = labels(0);

        let _ = read_labels(&mut tape.drive(), block);
        scan_files(&mut tape.drive(), block, &mut watch).unwrap();

        let path = folder.path().join("scanned.log");
        let scan = CatalogScan { labels: &labels, catalog: &path, owner: None, verbose: false };
        match scan_catalog(&mut tape.drive(), block, &scan, &mut watch) {
            Ok(summary) => {
                let known: BTreeSet<_> = (0..4).map(|seed| chunk(seed, 120_000).0).collect();
                let identity = CatalogIdentity::of(labels.label.uuid, labels.media_set_label.as_ref());
                prop_assert_eq!(ferrite_tape::catalog::read_catalog(&path, identity).unwrap(), summary.clone());
                // A flipped bit in a digest is not noticed without the content (C5 is for inserting); all else is.
                let strangers = digests(&std::fs::read(&path).unwrap()).difference(&known).count();
                prop_assert!(strangers <= damages.len());
                let source = CatalogSource::new(labels.label.uuid, &path);
                let index = ChunkIndex::open_or_build(&folder.path().join("index"), &[source]).unwrap();
                prop_assert!(index.chunks() <= summary.content.chunks());
            }
            Err(error) => {
                prop_assert!(!path.exists());
                prop_assert!(!matches!(error, TapeError::Usage { .. }), "{}", error);
            }
        }

        let members = [labels.label.uuid];
        let restore = CatalogRestore { labels: &labels, members: &members, folder: folder.path(), owner: None };
        if let Ok(outcome) = restore_catalogs(&mut tape.drive(), block, &restore, &mut watch) {
            let path = folder.path().join(format!("{}.log", labels.label.uuid));
            prop_assert_eq!(outcome.own_restored, path.exists());
            if outcome.own_restored {
                ferrite_tape::catalog::read_catalog(&path, CatalogIdentity::ANY).unwrap();
            }
        }
    }
}
