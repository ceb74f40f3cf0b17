use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::error::Result;
use crate::vectors;

type Walked = Vec<(Vec<u8>, CatalogKind)>;

fn walk(catalog: &[u8]) -> Result<Walked> {
    let mut entries = Vec::new();
    CatalogReader::parse(catalog)?.walk(&mut |path, kind| {
        // Positions depend on the bytes; tests compare trees.
        let kind = match kind {
            CatalogKind::Directory { .. } => CatalogKind::Directory { position: 0 },
            other => other,
        };
        entries.push((path.to_vec(), kind));
        Ok(())
    })?;
    Ok(entries)
}

/// Writes the entries of a walk, with or without fetching output on the way.
fn write(entries: &Walked, fetch: bool) -> Vec<u8> {
    let mut writer = CatalogWriter::new();
    let mut output = Vec::new();
    let mut open: Vec<Vec<u8>> = Vec::new();
    for (path, kind) in entries {
        let at = path.iter().rposition(|&byte| byte == b'/');
        let (parent, name) = at.map_or((&[][..], &path[..]), |at| (&path[..at], &path[at + 1..]));
        while open.last().is_some_and(|directory| directory != parent) {
            open.pop();
            writer.end_directory().unwrap();
        }
        match kind {
            CatalogKind::Directory { .. } => {
                writer.start_directory(name).unwrap();
                open.push(path.clone());
            }
            kind => writer.add(name, *kind).unwrap(),
        }
        if fetch {
            output.extend(writer.take_output());
        }
    }
    for _ in open {
        writer.end_directory().unwrap();
    }
    output.extend(writer.finish().unwrap());
    output
}

fn entries_of(case: &Value) -> Walked {
    let entry = |entry: &Value| {
        let kind = match entry["type"].as_str().unwrap() {
            "d" => CatalogKind::Directory { position: 0 },
            "f" => CatalogKind::File {
                // Above 2^53 as a text, which JavaScript can read.
                size: entry["size"]
                    .as_u64()
                    .unwrap_or_else(|| entry["size"].as_str().unwrap().parse().unwrap()),
                mtime: entry["mtime"].as_i64().unwrap(),
            },
            "l" => CatalogKind::Symlink,
            "h" => CatalogKind::Hardlink,
            "b" => CatalogKind::BlockDevice,
            "c" => CatalogKind::CharDevice,
            "p" => CatalogKind::Fifo,
            "s" => CatalogKind::Socket,
            other => panic!("{other}"),
        };
        (entry["path"].as_str().unwrap().as_bytes().to_vec(), kind)
    };
    case["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(entry)
        .collect()
}

#[test]
fn vectors_are_read_and_written() {
    let file: Value = vectors::read("datastore/pcat1");
    for case in file["cases"].as_array().unwrap() {
        let catalog = vectors::hex_of(&case["catalog"]);
        let entries = entries_of(case);
        assert_eq!(walk(&catalog).unwrap(), entries, "{}", case["name"]);
        for fetch in [false, true] {
            assert_eq!(
                hex::encode(write(&entries, fetch)),
                hex::encode(&catalog),
                "{}",
                case["name"]
            );
        }
    }
}

#[test]
fn damaged_catalogs_are_refused() {
    let file: Value = vectors::read("datastore/pcat1");
    for case in file["damaged"].as_array().unwrap() {
        let error = walk(&vectors::hex_of(&case["catalog"])).expect_err(&case["name"].to_string());
        assert_eq!(
            vectors::class(&error),
            case["error"].as_str().unwrap(),
            "{}: {error}",
            case["name"]
        );
    }
}

/// Not only a walk, which would notice that it goes on too long.
#[test]
fn a_directory_cannot_hold_itself() {
    let catalog = [
        &PCAT1_MAGIC[..],
        &[5, 1, b'd', 1, b'a', 0],
        &8u64.to_le_bytes(),
    ]
    .concat();
    let root = CatalogReader::parse(&catalog).unwrap().root().unwrap();
    let entries: Vec<_> = root.collect();
    assert!(matches!(entries[..], [Err(_)]), "{entries:?}");
}

#[test]
fn a_walk_stops_at_the_first_error_of_its_visitor() {
    let file: Value = vectors::read("datastore/pcat1");
    let catalog = vectors::hex_of(&file["cases"][0]["catalog"]);
    let mut visited = 0;
    let result = CatalogReader::parse(&catalog).unwrap().walk(&mut |_, _| {
        visited += 1;
        if visited == 3 {
            Err(crate::FormatError::invalid("test", "stop"))
        } else {
            Ok(())
        }
    });
    assert!(result.is_err());
    assert_eq!(visited, 3);
}

#[test]
fn the_writer_refuses_wrong_use() {
    let mut writer = CatalogWriter::new();
    assert!(writer.end_directory().is_err());
    let long = vec![b'x'; MAX_NAME_BYTES + 1];
    for name in [&b""[..], b"a/b", &long] {
        assert!(writer.add(name, CatalogKind::Fifo).is_err());
        assert!(writer.start_directory(name).is_err());
    }
    assert!(
        writer
            .add(b"d", CatalogKind::Directory { position: 8 })
            .is_err()
    );
    writer.start_directory(b"d").unwrap();
    assert!(writer.finish().is_err());
}

/// A tree deeper than the reader follows is an error, not an overflow.
#[test]
fn deep_trees_end_in_an_error() {
    let mut writer = CatalogWriter::new();
    for _ in 0..5000 {
        writer.start_directory(b"d").unwrap();
    }
    for _ in 0..5000 {
        writer.end_directory().unwrap();
    }
    assert!(
        walk(&writer.finish().unwrap())
            .unwrap_err()
            .to_string()
            .contains("deeper")
    );
}

#[derive(Debug, Clone)]
enum Tree {
    File(u64, i64),
    Other(CatalogKind),
    Directory(Vec<Tree>),
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        any::<(u64, i64)>().prop_map(|(size, mtime)| Tree::File(size, mtime)),
        Just(Tree::Other(CatalogKind::Symlink)),
        Just(Tree::Other(CatalogKind::Socket)),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        proptest::collection::vec(inner, 0..6).prop_map(Tree::Directory)
    })
}

fn flatten(trees: &[Tree], prefix: &str, entries: &mut Walked) {
    for (number, tree) in trees.iter().enumerate() {
        let path = format!("{prefix}n{number}");
        let kind = match tree {
            Tree::File(size, mtime) => CatalogKind::File {
                size: *size,
                mtime: *mtime,
            },
            Tree::Other(kind) => *kind,
            Tree::Directory(_) => CatalogKind::Directory { position: 0 },
        };
        entries.push((path.clone().into_bytes(), kind));
        if let Tree::Directory(children) = tree {
            flatten(children, &format!("{path}/"), entries);
        }
    }
}

proptest! {
    #[test]
    fn trees_come_back(trees in proptest::collection::vec(any_tree(), 0..5), fetch: bool) {
        let mut entries = Vec::new();
        flatten(&trees, "", &mut entries);
        prop_assert_eq!(walk(&write(&entries, fetch)).unwrap(), entries);
    }

    #[test]
    fn any_bytes_are_walked_or_refused(tables in proptest::collection::vec(any::<u8>(), 0..200), root in 8u64..208) {
        let catalog = [&PCAT1_MAGIC[..], &tables, &root.to_le_bytes()].concat();
        if let Ok(entries) = walk(&catalog) {
            prop_assert!(entries.len() <= catalog.len());
        }
    }
}
