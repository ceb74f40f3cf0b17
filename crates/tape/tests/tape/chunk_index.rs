//! The mapped chunk index: answers, reuse, damage, and the overlay of a running backup.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ferrite_formats::Digest;
use ferrite_formats::label::{MediaLabel, MediaSetLabel};
use ferrite_tape::index::{CatalogSource, ChunkIndex, ChunkLocation, SetIndex};
use ferrite_tape::{CatalogBuilder, TapeError, TapeLabels};
use proptest::prelude::*;
use tempfile::TempDir;
use uuid::Uuid;

/// One chunk archive: file number is given by its place.
type Archive = (&'static str, Vec<Digest>);

fn labels(member: u128) -> TapeLabels {
    TapeLabels {
        label: MediaLabel {
            ctime: 0,
            label_text: format!("TAPE{member:02}"),
            pool: None,
            uuid: Uuid::from_u128(member + 1),
        },
        media_set_label: Some(MediaSetLabel {
            ctime: 0,
            encryption_key_fingerprint: None,
            key_config: None,
            pool: "pool".into(),
            seq_nr: member as u64,
            uuid: Uuid::from_u128(0xabcd),
        }),
    }
}

struct Set {
    folder: TempDir,
    sources: Vec<CatalogSource>,
}

impl Set {
    fn new(tapes: &[Vec<Archive>]) -> Self {
        let folder = TempDir::new().unwrap();
        let sources = tapes
            .iter()
            .enumerate()
            .map(|(member, archives)| write_catalog(folder.path(), member as u128, archives))
            .collect();
        Self { folder, sources }
    }

    fn index_path(&self) -> PathBuf {
        self.folder.path().join("set.index")
    }

    fn open(&self) -> ChunkIndex {
        ChunkIndex::open_or_build(&self.index_path(), &self.sources).unwrap()
    }
}

fn write_catalog(folder: &Path, member: u128, archives: &[Archive]) -> CatalogSource {
    let labels = labels(member);
    let path = folder.join(format!("{}.log", labels.label.uuid));
    let mut catalog = CatalogBuilder::create(&path, &labels, None).unwrap();
    for (number, (store, chunks)) in archives.iter().enumerate() {
        catalog
            .start_archive(number as u64 + 2, Uuid::from_u128(number as u128), store)
            .unwrap();
        for chunk in chunks {
            catalog.chunk(*chunk).unwrap();
        }
        catalog.end_archive().unwrap();
    }
    catalog.finish().unwrap();
    CatalogSource::new(labels.label.uuid, path)
}

fn digest(seed: u64) -> Digest {
    Digest::of(&seed.to_le_bytes())
}

fn location(member: u128, file_number: u64) -> Option<ChunkLocation> {
    Some(ChunkLocation {
        media_uuid: Uuid::from_u128(member + 1),
        file_number,
    })
}

fn inode(path: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap())
}

#[test]
fn tells_tape_and_file_of_each_chunk_per_datastore() {
    let set = Set::new(&[
        vec![
            ("store1", vec![digest(1), digest(2)]),
            ("store2", vec![digest(1)]),
        ],
        vec![("store1", vec![]), ("store1", vec![digest(3)])],
    ]);
    let index = set.open();
    assert_eq!(index.chunks(), 4);
    assert_eq!(index.lookup("store1", &digest(1)), location(0, 2));
    assert_eq!(index.lookup("store2", &digest(1)), location(0, 3));
    assert_eq!(index.lookup("store1", &digest(3)), location(1, 3));
    assert_eq!(index.lookup("store2", &digest(2)), None);
    assert_eq!(index.lookup("store3", &digest(1)), None);
    assert_eq!(index.lookup("store1", &digest(4)), None);
    assert_eq!(index.store("store3"), None);
}

#[test]
fn of_a_repeated_chunk_the_last_archive_counts() {
    let set = Set::new(&[
        vec![
            ("store1", vec![digest(1), digest(1)]),
            ("store1", vec![digest(1)]),
        ],
        vec![("store2", vec![digest(1)])],
        vec![("store1", vec![digest(2), digest(1)])],
    ]);
    let index = set.open();
    assert_eq!(index.chunks(), 3);
    assert_eq!(index.lookup("store1", &digest(1)), location(2, 2));
    assert_eq!(index.lookup("store2", &digest(1)), location(1, 2));
}

#[test]
fn sets_without_chunks_or_tapes_have_an_index_too() {
    for tapes in [vec![], vec![vec![]], vec![vec![("store1", vec![])]]] {
        let set = Set::new(&tapes);
        let index = set.open();
        assert_eq!(index.chunks(), 0);
        assert_eq!(index.lookup("store1", &digest(1)), None);
        assert_eq!(index.lookup("store1", &Digest::new([0xff; 32])), None);
    }
}

#[test]
fn is_reused_while_the_catalogs_stay_the_same() {
    let set = Set::new(&[vec![("store1", vec![digest(1)])]]);
    drop(set.open());
    let first = inode(&set.index_path());
    drop(set.open());
    assert_eq!(inode(&set.index_path()), first);
}

#[test]
fn is_built_again_when_a_catalog_grew_was_replaced_or_joined() {
    let mut set = Set::new(&[vec![("store1", vec![digest(1)])]]);
    assert_eq!(set.open().lookup("store1", &digest(2)), None);

    // Replaced by one of the same length.
    write_catalog(set.folder.path(), 0, &[("store1", vec![digest(2)])]);
    assert_eq!(set.open().lookup("store1", &digest(2)), location(0, 2));
    assert_eq!(set.open().lookup("store1", &digest(1)), None);

    // Grown by an append.
    let identity = ferrite_tape::catalog::CatalogIdentity::ANY;
    let mut catalog = ferrite_tape::MediaCatalog::open(&set.sources[0].path, identity).unwrap();
    catalog
        .register_chunk_archive(9, Uuid::nil(), "store1", [digest(3)])
        .unwrap();
    catalog.commit().unwrap();
    assert_eq!(set.open().lookup("store1", &digest(3)), location(0, 9));

    // A new member.
    let second = write_catalog(set.folder.path(), 1, &[("store1", vec![digest(4)])]);
    set.sources.push(second);
    assert_eq!(set.open().lookup("store1", &digest(4)), location(1, 2));

    // A member less.
    set.sources.remove(0);
    assert_eq!(set.open().lookup("store1", &digest(3)), None);
}

#[test]
fn any_damaged_byte_or_length_means_a_new_build() {
    let set = Set::new(&[
        vec![
            ("store1", (0..40).map(digest).collect()),
            ("store2", vec![digest(1)]),
        ],
        vec![("store1", (40..80).map(digest).collect())],
    ]);
    drop(set.open());
    let path = set.index_path();
    let good = std::fs::read(&path).unwrap();
    // Every byte of header and tables, and enough of the rest.
    let places = (0..600).chain((600..good.len()).step_by(7));
    for place in places {
        let mut bad = good.clone();
        bad[place] ^= 0x41;
        std::fs::write(&path, &bad).unwrap();
        assert!(ChunkIndex::open(&path).is_err(), "byte {place}");
    }
    for length in [0, 1, 255, 256, 4096, good.len() - 1] {
        std::fs::write(&path, &good[..length]).unwrap();
        assert!(ChunkIndex::open(&path).is_err(), "length {length}");
    }
    let mut longer = good.clone();
    longer.push(0);
    std::fs::write(&path, &longer).unwrap();
    assert!(ChunkIndex::open(&path).is_err());

    let index = set.open();
    for number in 0..80 {
        assert_eq!(
            index.lookup("store1", &digest(number)),
            location(u128::from(number >= 40), 2)
        );
    }
    assert_eq!(std::fs::read(&path).unwrap(), good);
}

#[test]
fn hostile_numbers_in_a_header_with_a_right_checksum_are_refused() {
    let set = Set::new(&[vec![("store1", vec![digest(1)])]]);
    drop(set.open());
    let path = set.index_path();
    let good = std::fs::read(&path).unwrap();
    // Directory bits, records, archives, stores, sources, bytes of names.
    for (field, width) in [(12, 4), (16, 8), (24, 4), (28, 4), (32, 4), (40, 8)] {
        let mut bad = good.clone();
        bad[field..field + width].fill(0xff);
        let crc = crc32fast::hash(&bad[..252]);
        bad[252..256].copy_from_slice(&crc.to_le_bytes());
        std::fs::write(&path, &bad).unwrap();
        assert!(ChunkIndex::open(&path).is_err(), "field at {field}");
    }
}

#[test]
fn a_broken_catalog_is_named() {
    let set = Set::new(&[
        vec![("store1", vec![digest(1)])],
        vec![("store1", vec![digest(2)])],
    ]);
    let path = &set.sources[1].path;
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, &bytes[..bytes.len() - 30]).unwrap();
    let error = ChunkIndex::open_or_build(&set.index_path(), &set.sources).unwrap_err();
    assert!(
        matches!(&error, TapeError::Catalog { path: named, .. } if named == path),
        "{error}"
    );
    assert!(!set.index_path().exists());
    assert_eq!(
        std::fs::read_dir(set.folder.path()).unwrap().count(),
        2,
        "no temporary file is left"
    );
}

#[test]
fn what_a_killed_builder_left_is_taken_over() {
    let set = Set::new(&[vec![("store1", vec![digest(1)])]]);
    let mut left = set.index_path().into_os_string();
    left.push(".tmp");
    std::fs::write(&left, vec![0xaa; 1 << 20]).unwrap();
    assert_eq!(set.open().lookup("store1", &digest(1)), location(0, 2));
    assert!(!Path::new(&left).exists());
}

#[test]
fn many_builders_at_once_agree() {
    let set = Set::new(&[vec![("store1", (0..5000).map(digest).collect())]]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(set.open().lookup("store1", &digest(77)), location(0, 2)));
        }
    });
}

#[test]
fn set_index_knows_old_and_new_chunks_of_its_datastore_only() {
    let set = Set::new(&[vec![
        ("store1", vec![digest(1)]),
        ("store2", vec![digest(2)]),
    ]]);
    let index = Arc::new(set.open());
    let mut chunks = SetIndex::new(Some(index.clone()), "store1");
    assert!(chunks.contains(&digest(1)));
    assert!(!chunks.contains(&digest(2)));
    assert!(chunks.insert(digest(2)));
    assert!(!chunks.insert(digest(2)));
    assert!(!chunks.insert(digest(1)));
    assert!(chunks.contains(&digest(2)));
    assert_eq!(chunks.written(), 1);

    let mut other = SetIndex::new(Some(index), "store9");
    assert!(other.insert(digest(1)));
    let mut first = SetIndex::new(None, "store1");
    assert!(first.insert(digest(1)) && first.contains(&digest(1)));
}

const STORES: [&str; 3] = ["a", "store-b", "c.c"];

/// Digests from a small space, so that they repeat, share leading bits, and fill buckets unevenly.
fn any_digest() -> impl Strategy<Value = Digest> {
    prop_oneof![
        (0u8..4, 0u8..4).prop_map(|(first, last)| {
            let mut bytes = [first; 32];
            bytes[31] = last;
            Digest::new(bytes)
        }),
        any::<[u8; 32]>().prop_map(Digest::new),
        Just(Digest::new([0xff; 32])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equals_a_map(
        tapes in prop::collection::vec(
            prop::collection::vec((0usize..3, prop::collection::vec(any_digest(), 0..60)), 0..5),
            0..4,
        ),
        strangers in prop::collection::vec(any_digest(), 0..50),
    ) {
        let tapes: Vec<Vec<Archive>> = tapes
            .into_iter()
            .map(|archives| archives.into_iter().map(|(store, chunks)| (STORES[store], chunks)).collect())
            .collect();
        let mut model = BTreeMap::new();
        for (member, archives) in tapes.iter().enumerate() {
            for (number, (store, chunks)) in archives.iter().enumerate() {
                for chunk in chunks {
                    model.insert((*store, *chunk), location(member as u128, number as u64 + 2));
                }
            }
        }
        let set = Set::new(&tapes);
        for index in [set.open(), ChunkIndex::open(&{ drop(set.open()); set.index_path() }).unwrap()] {
            prop_assert_eq!(index.chunks(), model.len() as u64);
            for ((store, chunk), place) in &model {
                prop_assert_eq!(index.lookup(store, chunk), *place);
            }
            for chunk in &strangers {
                for store in STORES {
                    prop_assert_eq!(
                        index.lookup(store, chunk),
                        model.get(&(store, *chunk)).copied().flatten()
                    );
                }
            }
        }
    }
}
