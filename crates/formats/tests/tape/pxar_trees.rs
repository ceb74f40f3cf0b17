//! pxar archives written by PBS's client, put together from the chunks of the fixture datastores: read, and written again
//! from what was read, byte for byte.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use ferrite_formats::CryptKey;
use ferrite_formats::blob::BlobRef;
use ferrite_formats::dynamic_index::DynamicIndex;
use ferrite_formats::pxar::{Decoded, Decoder, Encoder, EntryKind, EntryPosition};

use crate::fixtures;

fn indexes_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with(".chunks") {
                indexes_below(&path, found);
            }
        } else if path.to_string_lossy().ends_with(".pxar.didx") {
            found.push(path);
        }
    }
}

fn client_key(set: &Path) -> CryptKey {
    let info = std::fs::read(set.join("client-key.info.json")).unwrap();
    let info: serde_json::Value = serde_json::from_slice(&info).unwrap();
    let raw = hex::decode(info["raw_key_hex"].as_str().unwrap()).unwrap();
    CryptKey::new(raw.try_into().unwrap())
}

fn put_together(store: &Path, index: &Path, key: &CryptKey) -> Vec<u8> {
    let index = DynamicIndex::parse(std::fs::read(index).unwrap()).unwrap();
    let mut archive = Vec::new();
    for entry in index.iter() {
        let path = store.join(".chunks").join(entry.digest.chunk_path());
        let blob = std::fs::read(path).unwrap();
        let plain = BlobRef::parse(&blob)
            .unwrap()
            .decode(Some(key), 16 << 20)
            .unwrap();
        archive.extend_from_slice(&plain);
    }
    assert_eq!(archive.len() as u64, index.size());
    archive
}

/// Decodes an archive and encodes it again from what was decoded alone; counts the kinds met.
pub fn written_again(archive: &[u8], kinds: &mut HashMap<&'static str, usize>) -> Vec<u8> {
    let mut decoder = Decoder::new(archive);
    let mut encoder: Option<Encoder<Vec<u8>>> = None;
    let mut positions: HashMap<u64, EntryPosition> = HashMap::new();
    while let Some(entry) = decoder.next_entry().unwrap() {
        let name = decoder.name().to_vec();
        let (position, metadata, kind) = match entry {
            Decoded::Entry {
                position,
                metadata,
                kind,
            } => (position, metadata, kind),
            Decoded::DirectoryEnd => {
                if !decoder.path().is_empty() {
                    encoder.as_mut().unwrap().close_directory().unwrap();
                }
                continue;
            }
            Decoded::Hardlink {
                target,
                target_position,
                ..
            } => {
                *kinds.entry("hard link").or_default() += 1;
                let writer = encoder.as_mut().unwrap();
                writer
                    .hardlink(&name, &target, positions[&target_position])
                    .unwrap();
                continue;
            }
        };
        if !metadata.xattrs.is_empty() {
            *kinds.entry("with attributes").or_default() += 1;
        }
        let Some(writer) = &mut encoder else {
            encoder = Some(Encoder::new(Vec::new(), &metadata).unwrap());
            continue;
        };
        let (name_of_kind, written) = match kind {
            EntryKind::Directory => {
                writer.open_directory(&name, &metadata).unwrap();
                ("directory", None)
            }
            EntryKind::File { size } => {
                let mut file = writer.file(&name, &metadata, size).unwrap();
                std::io::copy(&mut decoder.payload(), &mut file).unwrap();
                ("file", Some(file.finish().unwrap()))
            }
            EntryKind::Symlink { target } => (
                "symlink",
                Some(writer.symlink(&name, &metadata, &target).unwrap()),
            ),
            EntryKind::Device { major, minor } => (
                "device",
                Some(writer.device(&name, &metadata, major, minor).unwrap()),
            ),
            EntryKind::Fifo => ("fifo", Some(writer.fifo(&name, &metadata).unwrap())),
            EntryKind::Socket => ("socket", Some(writer.socket(&name, &metadata).unwrap())),
        };
        *kinds.entry(name_of_kind).or_default() += 1;
        if let Some(written) = written {
            assert_eq!(written.get(), position);
            positions.insert(position, written);
        }
    }
    assert_eq!(decoder.offset(), archive.len() as u64);
    encoder.unwrap().finish().unwrap()
}

#[test]
fn archives_of_the_client_are_written_again_byte_for_byte() {
    let Some(folder) = fixtures::folder() else {
        return;
    };
    let mut kinds = HashMap::new();
    let mut archives = 0;
    for set in ["small", "append"] {
        let set = folder.join(set);
        let store = set.join("store1");
        let key = client_key(&set);
        let mut indexes = Vec::new();
        indexes_below(&store, &mut indexes);
        for index in indexes {
            let archive = put_together(&store, &index, &key);
            assert!(
                written_again(&archive, &mut kinds) == archive,
                "{}",
                index.display()
            );
            archives += 1;
        }
    }
    eprintln!("{archives} archives: {kinds:?}");
    assert_eq!(archives, 10);
    assert!(kinds["hard link"] > 0);
}

#[test]
fn files_of_the_archive_are_those_of_the_source_tree() {
    let Some(folder) = fixtures::folder() else {
        return;
    };
    let set = folder.join("small");
    let store = set.join("store1");
    let mut indexes = Vec::new();
    indexes_below(&store, &mut indexes);
    indexes.sort();
    let archive = put_together(&store, &indexes[0], &client_key(&set));
    let mut decoder = Decoder::new(archive.as_slice());
    let mut files = 0;
    while let Some(entry) = decoder.next_entry().unwrap() {
        let path = String::from_utf8(decoder.path().to_vec()).unwrap();
        let source = set.join("src").join(&path);
        match entry {
            Decoded::Entry {
                kind: EntryKind::File { size },
                ..
            } if source.exists() => {
                let mut content = Vec::new();
                decoder.payload().read_to_end(&mut content).unwrap();
                assert_eq!(content.len() as u64, size);
                assert!(content == std::fs::read(source).unwrap(), "{path}");
                files += 1;
            }
            _ => {}
        }
    }
    assert!(files > 0);
}
