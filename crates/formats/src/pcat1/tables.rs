//! The directories of a catalog one by one, children before parents: what an index of file names is built from.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::{CatalogEntry, CatalogKind, CatalogReader, WHAT};
use crate::error::{FormatError, Result};

/// Deepest nesting that is followed; paths on Linux cannot be deeper.
const MAX_DEPTH: usize = 4096;

/// Bytes of [`DirectoryTable::digest`].
pub const TABLE_DIGEST_BYTES: usize = 16;

/// One directory of a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryTable<'a> {
    /// Stands for everything at and below the directory: names, types, sizes, times. Two directories with the same digest,
    /// in whichever snapshots, have the same content. The first half of a SHA-256.
    pub digest: [u8; TABLE_DIGEST_BYTES],
    /// Entries in the order of the catalog.
    pub entries: Vec<TableEntry<'a>>,
}

/// One entry of a [`DirectoryTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableEntry<'a> {
    /// Name and type.
    pub entry: CatalogEntry<'a>,
    /// Of a directory: the number of its table, counted from 0 in the order of [`CatalogTables`].
    pub child: Option<usize>,
}

/// Iterates over the directories of a catalog, each once, children before parents and the root last.
#[derive(Debug)]
pub struct CatalogTables<'a> {
    reader: CatalogReader<'a>,
    /// Positions of the tables in order.
    order: Vec<u64>,
    /// Position to number.
    numbers: HashMap<u64, usize>,
    /// Of the tables that were handed out.
    digests: Vec<[u8; TABLE_DIGEST_BYTES]>,
}

impl<'a> CatalogReader<'a> {
    /// The directories one by one. Reads the whole catalog once to find their order, so what cannot be read is known before
    /// the first of them is handed out.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] for a broken table, tables that overlap, and a tree deeper than paths can be.
    pub fn tables(&self) -> Result<CatalogTables<'a>> {
        let mut order = Vec::new();
        let mut numbers = HashMap::new();
        // Tables that overlap could make few bytes look like many directories.
        let mut budget = self.data.len();
        let mut open = vec![(self.root, self.directory(self.root)?)];
        while let Some((position, directory)) = open.last_mut() {
            match directory.next().transpose()? {
                Some(CatalogEntry {
                    kind: CatalogKind::Directory { position: child },
                    ..
                }) if !numbers.contains_key(&child) => {
                    if open.len() == MAX_DEPTH {
                        let detail = format!("is nested deeper than {MAX_DEPTH}");
                        return Err(FormatError::invalid(WHAT, detail));
                    }
                    let child_directory = self.directory(child)?;
                    let bytes = child_directory.rest.len() + 1;
                    budget = budget
                        .checked_sub(bytes)
                        .ok_or_else(|| FormatError::invalid(WHAT, "has tables that overlap"))?;
                    open.push((child, child_directory));
                }
                Some(_) => {}
                None => {
                    numbers.insert(*position, order.len());
                    order.push(*position);
                    open.pop();
                }
            }
        }
        Ok(CatalogTables {
            reader: *self,
            order,
            numbers,
            digests: Vec::new(),
        })
    }
}

impl<'a> CatalogTables<'a> {
    /// How many directories there are in all.
    pub fn directories(&self) -> usize {
        self.order.len()
    }

    /// The table behind the last one that was handed out.
    ///
    /// # Errors
    /// None after [`CatalogReader::tables`] succeeded on the same bytes.
    pub fn next_table(&mut self) -> Result<Option<DirectoryTable<'a>>> {
        let Some(&position) = self.order.get(self.digests.len()) else {
            return Ok(None);
        };
        let mut hasher = Sha256::new();
        let mut entries = Vec::new();
        for entry in self.reader.directory(position)? {
            let entry = entry?;
            let child = match entry.kind {
                CatalogKind::Directory { position } => self.numbers.get(&position).copied(),
                _ => None,
            };
            self.hash_entry(&mut hasher, &entry, child);
            entries.push(TableEntry { entry, child });
        }
        let full: [u8; 32] = hasher.finalize().into();
        let mut digest = [0; TABLE_DIGEST_BYTES];
        digest.copy_from_slice(&full[..TABLE_DIGEST_BYTES]);
        self.digests.push(digest);
        Ok(Some(DirectoryTable { digest, entries }))
    }

    fn hash_entry(&self, hasher: &mut Sha256, entry: &CatalogEntry<'_>, child: Option<usize>) {
        hasher.update([entry.kind.type_byte()]);
        hasher.update((entry.name.len() as u64).to_le_bytes());
        hasher.update(entry.name);
        match entry.kind {
            CatalogKind::File { size, mtime } => {
                hasher.update(size.to_le_bytes());
                hasher.update(mtime.to_le_bytes());
            }
            CatalogKind::Directory { .. } => {
                let digest = child.and_then(|number| self.digests.get(number));
                hasher.update(digest.copied().unwrap_or_default());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::CatalogWriter;
    use super::*;

    fn catalog(build: impl FnOnce(&mut CatalogWriter)) -> Vec<u8> {
        let mut writer = CatalogWriter::new();
        build(&mut writer);
        writer.finish().unwrap()
    }

    fn names(catalog: &[u8]) -> Vec<(Vec<String>, [u8; TABLE_DIGEST_BYTES])> {
        let mut tables = CatalogReader::parse(catalog).unwrap().tables().unwrap();
        let mut found = Vec::new();
        while let Some(table) = tables.next_table().unwrap() {
            let names = table.entries.iter();
            found.push((
                names
                    .map(|entry| String::from_utf8_lossy(entry.entry.name).into_owned())
                    .collect(),
                table.digest,
            ));
        }
        assert_eq!(found.len(), tables.directories());
        found
    }

    fn tree(writer: &mut CatalogWriter, root: &str, size: u64) {
        writer.start_directory(root.as_bytes()).unwrap();
        writer.start_directory(b"etc").unwrap();
        writer
            .add(b"passwd", CatalogKind::File { size, mtime: 1 })
            .unwrap();
        writer.end_directory().unwrap();
        writer.add(b"link", CatalogKind::Symlink).unwrap();
        writer.end_directory().unwrap();
    }

    #[test]
    fn children_come_before_parents() {
        let found = names(&catalog(|writer| tree(writer, "root.pxar.didx", 5)));
        let order: Vec<_> = found.iter().map(|(names, _)| names.join(" ")).collect();
        assert_eq!(order, ["passwd", "etc link", "root.pxar.didx"]);
    }

    #[test]
    fn equal_trees_have_equal_digests_wherever_they_are() {
        let one = names(&catalog(|writer| tree(writer, "a.pxar.didx", 5)));
        let two = names(&catalog(|writer| {
            tree(writer, "b.pxar.didx", 6);
            tree(writer, "a.pxar.didx", 5);
        }));
        assert_eq!(one[1], two[3]);
        assert_ne!(two[0].1, two[2].1, "another size, another directory");
        assert_ne!(one[2].1, two[4].1);
    }

    #[test]
    fn tables_of_hostile_bytes_are_bounded() {
        // A root whose entries all claim tables inside each other.
        let mut bytes = super::super::PCAT1_MAGIC.to_vec();
        bytes.extend([0x04, 0x01, b'p', 0x01, b'x']);
        let root = bytes.len() as u64;
        let entries: Vec<u8> = (0..20).flat_map(|_| [b'd', 1, b'n', 5]).collect();
        bytes.push(entries.len() as u8 + 1);
        bytes.push(20);
        bytes.extend(entries);
        bytes.extend(root.to_le_bytes());
        let tables = CatalogReader::parse(&bytes).unwrap().tables().unwrap();
        assert_eq!(tables.directories(), 2, "a shared table counts once");
    }
}
