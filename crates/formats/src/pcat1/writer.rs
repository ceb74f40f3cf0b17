//! Writing a catalog during a walk over a tree.

use super::varint::{push_signed, push_unsigned};
use super::{CatalogKind, MAX_NAME_BYTES, PCAT1_MAGIC, WHAT};
use crate::error::{FormatError, Result};

/// Writes a catalog: `start_directory`, entries, `end_directory`, nested as the tree is; one top directory per archive,
/// called like it (`root.pxar.didx`).
///
/// Finished tables pile up until [`CatalogWriter::take_output`] fetches them, so a caller can stream them away.
#[derive(Debug)]
pub struct CatalogWriter {
    output: Vec<u8>,
    /// Bytes already fetched.
    fetched: u64,
    /// Root first.
    open: Vec<OpenDirectory>,
}

#[derive(Debug, Default)]
struct OpenDirectory {
    name: Vec<u8>,
    entries: u64,
    /// Entries in the order of the walk, without the distances to the tables of subdirectories.
    table: Vec<u8>,
    /// Where in `table` a distance belongs, and to which position; distances are known when this table's position is.
    children: Vec<(usize, u64)>,
}

impl Default for CatalogWriter {
    fn default() -> Self {
        Self {
            output: PCAT1_MAGIC.to_vec(),
            fetched: 0,
            open: vec![OpenDirectory::default()],
        }
    }
}

impl CatalogWriter {
    /// A catalog without archives.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens a directory inside the one that is open.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] for a name that is empty, too long or holds a slash.
    pub fn start_directory(&mut self, name: &[u8]) -> Result<()> {
        check_name(name)?;
        self.open.push(OpenDirectory {
            name: name.to_vec(),
            ..OpenDirectory::default()
        });
        Ok(())
    }

    /// Closes the directory opened last.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] when none is open.
    pub fn end_directory(&mut self) -> Result<()> {
        if self.open.len() < 2 {
            return Err(FormatError::invalid(WHAT, "no directory is open"));
        }
        let Some(directory) = self.open.pop() else {
            return Ok(());
        };
        let position = self.write_table(&directory);
        if let Some(parent) = self.open.last_mut() {
            parent.push_entry(CatalogKind::Directory { position }, &directory.name);
            parent.children.push((parent.table.len(), position));
        }
        Ok(())
    }

    /// Adds an entry to the open directory.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] for a name that is empty, too long or holds a slash, and for a directory, which is
    /// opened and closed instead.
    pub fn add(&mut self, name: &[u8], kind: CatalogKind) -> Result<()> {
        check_name(name)?;
        let Some(directory) = self.open.last_mut() else {
            return Ok(());
        };
        if let CatalogKind::Directory { .. } = kind {
            return Err(FormatError::invalid(
                WHAT,
                "a directory is started and ended, not added",
            ));
        }
        directory.push_entry(kind, name);
        if let CatalogKind::File { size, mtime } = kind {
            push_unsigned(size, &mut directory.table);
            push_signed(mtime, &mut directory.table);
        }
        Ok(())
    }

    /// Fetches the bytes of the stream that are finished.
    pub fn take_output(&mut self) -> Vec<u8> {
        self.fetched += self.output.len() as u64;
        std::mem::take(&mut self.output)
    }

    /// Ends the catalog; returns the bytes not yet fetched.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] while a directory is open.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        let (Some(root), true) = (self.open.pop(), self.open.is_empty()) else {
            return Err(FormatError::invalid(WHAT, "a directory is still open"));
        };
        let position = self.write_table(&root);
        self.output.extend_from_slice(&position.to_le_bytes());
        Ok(self.output)
    }

    /// Appends a table; returns its position in the stream.
    fn write_table(&mut self, directory: &OpenDirectory) -> u64 {
        let position = self.fetched + self.output.len() as u64;
        let mut table = Vec::with_capacity(directory.table.len() + 16);
        push_unsigned(directory.entries, &mut table);
        let mut copied = 0;
        for &(at, child) in &directory.children {
            table.extend_from_slice(&directory.table[copied..at]);
            push_unsigned(position - child, &mut table);
            copied = at;
        }
        table.extend_from_slice(&directory.table[copied..]);
        push_unsigned(table.len() as u64, &mut self.output);
        self.output.extend_from_slice(&table);
        position
    }
}

impl OpenDirectory {
    fn push_entry(&mut self, kind: CatalogKind, name: &[u8]) {
        self.entries += 1;
        self.table.push(kind.type_byte());
        push_unsigned(name.len() as u64, &mut self.table);
        self.table.extend_from_slice(name);
    }
}

fn check_name(name: &[u8]) -> Result<()> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.contains(&b'/') {
        return Err(FormatError::invalid(
            WHAT,
            "a name is empty, too long or holds a slash",
        ));
    }
    Ok(())
}
