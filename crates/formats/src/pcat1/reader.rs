//! Reading a catalog that lies in memory.

use super::varint::{take_signed, take_unsigned};
use super::{CatalogEntry, CatalogKind, MAX_NAME_BYTES, PCAT1_MAGIC, WHAT};
use crate::error::{FormatError, Result};

/// Deepest nesting followed by [`CatalogReader::walk`]; paths on Linux cannot be deeper.
const MAX_DEPTH: usize = 4096;

/// A whole catalog.
#[derive(Debug, Clone, Copy)]
pub struct CatalogReader<'a> {
    pub(super) data: &'a [u8],
    pub(super) root: u64,
}

impl<'a> CatalogReader<'a> {
    /// Takes `data` as a whole catalog; checks magic and the root's position. Tables are checked as they are read.
    ///
    /// # Errors
    /// [`FormatError::Truncated`], [`FormatError::BadMagic`], [`FormatError::Invalid`].
    pub fn parse(data: &'a [u8]) -> Result<Self> {
        FormatError::need(WHAT, data, PCAT1_MAGIC.len() + 8)?;
        let Some((tables, end)) = data.split_last_chunk::<8>() else {
            return Err(FormatError::invalid(WHAT, "has no end"));
        };
        let magic = data.first_chunk::<8>().copied().unwrap_or_default();
        if magic != PCAT1_MAGIC {
            return Err(FormatError::BadMagic {
                what: WHAT,
                found: magic,
            });
        }
        let reader = Self {
            data: tables,
            root: u64::from_le_bytes(*end),
        };
        reader.directory(reader.root)?;
        Ok(reader)
    }

    /// The root: one directory per archive.
    ///
    /// # Errors
    /// As [`CatalogReader::directory`].
    pub fn root(&self) -> Result<CatalogDirectory<'a>> {
        self.directory(self.root)
    }

    /// The directory whose table is at `position`.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] when no table can be there.
    pub fn directory(&self, position: u64) -> Result<CatalogDirectory<'a>> {
        let start = usize::try_from(position)
            .ok()
            .filter(|&start| start >= PCAT1_MAGIC.len());
        let mut rest = start
            .and_then(|start| self.data.get(start..))
            .unwrap_or_default();
        let table_bytes = take_unsigned(&mut rest)?;
        let table = usize::try_from(table_bytes)
            .ok()
            .and_then(|bytes| rest.get(..bytes));
        let Some(mut rest) = table else {
            return Err(invalid(position, "reaches behind the end"));
        };
        let entries = take_unsigned(&mut rest)?;
        // An entry takes at least three bytes.
        if entries > rest.len() as u64 / 3 {
            return Err(invalid(
                position,
                format!("has no room for {entries} entries"),
            ));
        }
        Ok(CatalogDirectory {
            position,
            entries_left: entries,
            rest,
        })
    }

    /// Calls `visit` for every entry below the root, directories before their content, with the path from the root:
    /// components joined with slashes, the first of them the name of the archive.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] for a broken table, or when tables are shared so that the walk would read more bytes
    /// than the catalog has. Stops at the first error of `visit`.
    pub fn walk(&self, visit: &mut dyn FnMut(&[u8], CatalogKind) -> Result<()>) -> Result<()> {
        let mut budget = self.data.len();
        let mut path = Vec::new();
        let root = self.root()?;
        spend(&mut budget, &root)?;
        let mut open = vec![(root, 0)];
        while let Some((directory, path_bytes)) = open.last_mut() {
            path.truncate(*path_bytes);
            let Some(entry) = directory.next().transpose()? else {
                open.pop();
                continue;
            };
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(entry.name);
            visit(&path, entry.kind)?;
            if let CatalogKind::Directory { position } = entry.kind {
                let child = self.directory(position)?;
                spend(&mut budget, &child)?;
                if open.len() == MAX_DEPTH {
                    return Err(invalid(
                        position,
                        format!("is nested deeper than {MAX_DEPTH}"),
                    ));
                }
                open.push((child, path.len()));
            }
        }
        Ok(())
    }
}

fn spend(budget: &mut usize, directory: &CatalogDirectory<'_>) -> Result<()> {
    let left = budget.checked_sub(directory.rest.len() + 1);
    *budget = left.ok_or_else(|| invalid(directory.position, "is not a tree's"))?;
    Ok(())
}

fn invalid(position: u64, detail: impl std::fmt::Display) -> FormatError {
    FormatError::invalid(WHAT, format!("table at {position} {detail}"))
}

/// Iterates over the entries of one directory. After an error there are no more.
#[derive(Debug, Clone)]
pub struct CatalogDirectory<'a> {
    position: u64,
    entries_left: u64,
    pub(super) rest: &'a [u8],
}

impl<'a> CatalogDirectory<'a> {
    fn take_entry(&mut self) -> Result<CatalogEntry<'a>> {
        let Some((&type_byte, rest)) = self.rest.split_first() else {
            return Err(invalid(self.position, "ends before its last entry"));
        };
        self.rest = rest;
        let name_bytes = usize::try_from(take_unsigned(&mut self.rest)?).unwrap_or(usize::MAX);
        let name = self.rest.split_at_checked(name_bytes);
        let Some((name, rest)) = name.filter(|(name, _)| is_name(name)) else {
            return Err(invalid(self.position, "has an entry without a sound name"));
        };
        self.rest = rest;
        let kind = match type_byte {
            b'd' => CatalogKind::Directory {
                position: self.take_child()?,
            },
            b'f' => CatalogKind::File {
                size: take_unsigned(&mut self.rest)?,
                mtime: take_signed(&mut self.rest)?,
            },
            b'l' => CatalogKind::Symlink,
            b'h' => CatalogKind::Hardlink,
            b'b' => CatalogKind::BlockDevice,
            b'c' => CatalogKind::CharDevice,
            b'p' => CatalogKind::Fifo,
            b's' => CatalogKind::Socket,
            _ => {
                return Err(invalid(
                    self.position,
                    format!("has an entry of type {type_byte:#04x}"),
                ));
            }
        };
        Ok(CatalogEntry { name, kind })
    }

    /// Children stand in front of their parents, so references cannot run in circles.
    fn take_child(&mut self) -> Result<u64> {
        let distance = take_unsigned(&mut self.rest)?;
        let child = self.position.checked_sub(distance).filter(|_| distance > 0);
        child.ok_or_else(|| {
            invalid(
                self.position,
                format!("has a child {distance} bytes in front of it"),
            )
        })
    }
}

fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.contains(&b'/')
}

impl<'a> Iterator for CatalogDirectory<'a> {
    type Item = Result<CatalogEntry<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.entries_left == 0 {
            return None;
        }
        self.entries_left -= 1;
        let entry = self.take_entry();
        if entry.is_err() {
            self.entries_left = 0;
        }
        Some(entry)
    }
}
