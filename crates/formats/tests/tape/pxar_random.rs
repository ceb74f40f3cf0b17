//! Random trees survive being archived, and every entry is found through the lookup tables.

use std::collections::HashMap;
use std::io::Write;

use ferrite_formats::pxar::{
    Acl, AclDefault, AclEntry, Decoded, Decoder, Encoder, EntryPosition, Metadata, Stat, Xattr,
    item,
};
use ferrite_formats::siphash::name_hash;
use proptest::prelude::*;

use crate::pxar_trees::written_again;

/// A tree to be archived. Names are added when it is written.
#[derive(Debug, Clone)]
enum Node {
    Directory(Metadata, Vec<Node>),
    File(Metadata, Vec<u8>),
    Symlink(Metadata, Vec<u8>),
    Device(Metadata, u64, u64),
    Fifo(Metadata),
    Socket(Metadata),
    /// To the n-th entry before it that can be linked to.
    Hardlink(usize),
}

fn any_acl() -> impl Strategy<Value = Acl> {
    let list = || {
        proptest::collection::vec(
            (any::<u64>(), 0u64..8).prop_map(|(id, permissions)| AclEntry { id, permissions }),
            0..3,
        )
    };
    let default = proptest::option::of((0u64..8, 0u64..8, 0u64..8, any::<u64>()));
    (
        list(),
        list(),
        proptest::option::of(0u64..8),
        default,
        list(),
        list(),
    )
        .prop_map(
            |(users, groups, group_obj, default, default_users, default_groups)| Acl {
                users,
                groups,
                group_obj,
                default: default.map(|(user_obj, group_obj, other, mask)| AclDefault {
                    user_obj,
                    group_obj,
                    other,
                    mask,
                }),
                default_users,
                default_groups,
            },
        )
}

fn any_metadata(file_type: u64) -> impl Strategy<Value = Metadata> {
    let xattr =
        ("[a-z.]{1,9}", proptest::collection::vec(any::<u8>(), 0..20)).prop_map(|(name, value)| {
            Xattr {
                name: name.into_bytes(),
                value,
            }
        });
    (
        (
            0u64..0o10000,
            any::<u64>(),
            any::<u32>(),
            any::<u32>(),
            any::<i64>(),
            0u32..1_000_000_000,
        ),
        proptest::collection::vec(xattr, 0..3),
        any_acl(),
        proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20)),
        any::<Option<u64>>(),
    )
        .prop_map(
            move |((mode, flags, uid, gid, mtime_secs, mtime_nanos), xattrs, acl, fcaps, quota)| {
                Metadata {
                    stat: Stat {
                        mode: file_type | mode,
                        flags,
                        uid,
                        gid,
                        mtime_secs,
                        mtime_nanos,
                    },
                    xattrs,
                    acl,
                    fcaps,
                    quota_project: quota,
                }
            },
        )
}

fn any_node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        (
            any_metadata(0o100_000),
            proptest::collection::vec(any::<u8>(), 0..60)
        )
            .prop_map(|(metadata, content)| Node::File(metadata, content)),
        (any_metadata(0o120_000), "[a-z/.]{1,30}")
            .prop_map(|(metadata, target)| Node::Symlink(metadata, target.into_bytes())),
        (
            prop_oneof![any_metadata(0o020_000), any_metadata(0o060_000)],
            any::<(u64, u64)>()
        )
            .prop_map(|(metadata, (major, minor))| Node::Device(metadata, major, minor)),
        any_metadata(0o010_000).prop_map(Node::Fifo),
        any_metadata(0o140_000).prop_map(Node::Socket),
        any::<usize>().prop_map(Node::Hardlink),
    ];
    leaf.prop_recursive(5, 60, 12, |node| {
        (
            any_metadata(0o040_000),
            proptest::collection::vec(node, 0..12),
        )
            .prop_map(|(metadata, children)| Node::Directory(metadata, children))
    })
}

#[derive(Default)]
struct Written {
    encoder: Option<Encoder<Vec<u8>>>,
    links: Vec<(Vec<u8>, EntryPosition)>,
    path: Vec<Vec<u8>>,
}

impl Written {
    fn children(&mut self, nodes: &[Node]) {
        for (index, node) in nodes.iter().enumerate() {
            self.node(format!("{index}-é{}", index * 7 % 5).as_bytes(), node);
        }
    }

    fn node(&mut self, name: &[u8], node: &Node) {
        let encoder = self.encoder.as_mut().unwrap();
        self.path.push(name.to_vec());
        let path = self.path.join(&b'/');
        match node {
            Node::Directory(metadata, children) => {
                encoder.open_directory(name, metadata).unwrap();
                self.children(children);
                self.encoder.as_mut().unwrap().close_directory().unwrap();
            }
            Node::File(metadata, content) => {
                let mut file = encoder.file(name, metadata, content.len() as u64).unwrap();
                file.write_all(content).unwrap();
                self.links.push((path, file.finish().unwrap()));
            }
            Node::Symlink(metadata, target) => {
                let at = encoder.symlink(name, metadata, target).unwrap();
                self.links.push((path, at));
            }
            Node::Device(metadata, major, minor) => {
                let at = encoder.device(name, metadata, *major, *minor).unwrap();
                self.links.push((path, at));
            }
            Node::Fifo(metadata) => {
                let at = encoder.fifo(name, metadata).unwrap();
                self.links.push((path, at));
            }
            Node::Socket(metadata) => {
                let at = encoder.socket(name, metadata).unwrap();
                self.links.push((path, at));
            }
            Node::Hardlink(which) => {
                if !self.links.is_empty() {
                    let (target, at) = &self.links[which % self.links.len()];
                    encoder.hardlink(name, target, *at).unwrap();
                }
            }
        }
        self.path.pop();
    }
}

fn archive_of(metadata: &Metadata, nodes: &[Node]) -> Vec<u8> {
    let mut written = Written {
        encoder: Some(Encoder::new(Vec::new(), metadata).unwrap()),
        ..Written::default()
    };
    written.children(nodes);
    written.encoder.unwrap().finish().unwrap()
}

fn u64_at(archive: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(archive[at..at + 8].try_into().unwrap())
}

/// Looks a path up from the end of the archive, as a reader with random access does; gives the position of its FILENAME.
fn look_up(archive: &[u8], path: &[u8]) -> usize {
    let mut end = archive.len();
    // The root's ENTRY stands at 0; that of a child behind its name.
    let (mut found, mut entry) = (0, 0);
    for name in path.split(|byte| *byte == b'/') {
        let tail = end - 24;
        assert_eq!(u64_at(archive, tail), item::GOODBYE_TAIL);
        let goodbye = end - u64_at(archive, tail + 16) as usize;
        assert_eq!(u64_at(archive, goodbye), item::GOODBYE);
        assert_eq!(goodbye - u64_at(archive, tail + 8) as usize, entry);
        let children = (tail - goodbye - 16) / 24;
        let hash = name_hash(name);
        let mut slot = 0;
        loop {
            assert!(slot < children, "not found: {}", path.escape_ascii());
            let record = goodbye + 16 + 24 * slot;
            let at = u64_at(archive, record);
            if at == hash {
                found = goodbye - u64_at(archive, record + 8) as usize;
                end = found + u64_at(archive, record + 16) as usize;
                break;
            }
            slot = 2 * slot + if hash < at { 1 } else { 2 };
        }
        assert_eq!(u64_at(archive, found), item::FILENAME);
        assert_eq!(&archive[found + 16..found + 16 + name.len()], name);
        entry = found + 16 + name.len() + 1;
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn trees_come_back(metadata in any_metadata(0o040_000), nodes in proptest::collection::vec(any_node(), 0..14)) {
        let archive = archive_of(&metadata, &nodes);
        prop_assert!(written_again(&archive, &mut HashMap::new()) == archive);
    }

    #[test]
    fn every_entry_is_found_through_the_tables(
        metadata in any_metadata(0o040_000), nodes in proptest::collection::vec(any_node(), 0..14),
    ) {
        let archive = archive_of(&metadata, &nodes);
        let mut decoder = Decoder::new(archive.as_slice());
        let mut paths: HashMap<u64, Vec<u8>> = HashMap::new();
        while let Some(entry) = decoder.next_entry().unwrap() {
            let path = decoder.path().to_vec();
            match entry {
                Decoded::Entry { position, .. } if !path.is_empty() => {
                    prop_assert_eq!(look_up(&archive, &path) as u64, position);
                    paths.insert(position, path);
                }
                Decoded::Hardlink { position, target, target_position } => {
                    prop_assert_eq!(look_up(&archive, &path) as u64, position);
                    prop_assert_eq!(&paths[&target_position], &target);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn an_archive_cut_anywhere_is_an_error(
        metadata in any_metadata(0o040_000), nodes in proptest::collection::vec(any_node(), 0..5), at in any::<proptest::sample::Index>(),
    ) {
        let archive = archive_of(&metadata, &nodes);
        let mut decoder = Decoder::new(&archive[..at.index(archive.len())]);
        let cut = loop {
            match decoder.next_entry() {
                Ok(Some(_)) => {}
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        prop_assert!(cut);
    }
}
