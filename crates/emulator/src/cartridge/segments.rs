//! The row of segments of a cartridge: finding objects and filemarks in it, and adding to its end.

use std::io;

use super::Store;
use super::table::{
    ENTRY_BYTES, Entry, EntryKind, OBJECTS, TABLE_BYTES, TABLE_HEADER_BYTES, TableHead, entry,
};

/// Segments begin at multiples of this.
const ALIGNMENT: u64 = TABLE_BYTES as u64;

/// Why segments cannot be used.
#[derive(Debug)]
pub(super) enum SegmentError {
    Io(io::Error),
    Damaged(String),
}

impl From<io::Error> for SegmentError {
    fn from(error: io::Error) -> Self {
        SegmentError::Io(error)
    }
}

/// What is known of a segment without reading it.
#[derive(Clone, Copy, Debug)]
struct Segment {
    /// Of its table.
    offset: u64,
    head: TableHead,
}

/// Where the tape stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// Objects before it.
    pub object: u64,
    /// Filemarks before it.
    pub filemarks: u64,
    /// Capacity used before it.
    pub charged: u64,
    /// Where the next object's bytes are.
    offset: u64,
}

/// The tables, and a position among them.
pub(super) struct Segments {
    segments: Vec<Segment>,
    /// Objects in the last segment.
    last_objects: usize,
    /// Filemarks on the tape.
    filemarks: u64,
    /// Table of the segment the position is in.
    table: Box<[u8; TABLE_BYTES]>,
    table_number: usize,
    position: Position,
}

const fn aligned(offset: u64) -> u64 {
    offset.next_multiple_of(ALIGNMENT)
}

fn read_table(store: &dyn Store, offset: u64) -> io::Result<Option<Box<[u8; TABLE_BYTES]>>> {
    let mut table = Box::new([0; TABLE_BYTES]);
    let bytes = store.read_at(table.as_mut_slice(), offset)?;
    Ok((bytes == TABLE_BYTES).then_some(table))
}

impl Segments {
    /// A blank tape.
    pub fn create(store: &mut dyn Store, data_at: u64) -> io::Result<Self> {
        let head = TableHead {
            number: 0,
            filemarks: 0,
            charged: 0,
        };
        let table = head.to_table();
        store.write_at(table.as_slice(), data_at)?;
        Ok(Self {
            segments: vec![Segment {
                offset: data_at,
                head,
            }],
            last_objects: 0,
            filemarks: 0,
            table,
            table_number: 0,
            position: Position {
                offset: data_at + ALIGNMENT,
                ..Position::default()
            },
        })
    }

    /// Reads all tables. Stands at the beginning.
    pub fn open(store: &dyn Store, data_at: u64) -> Result<Self, SegmentError> {
        let first = read_table(store, data_at)?
            .ok_or_else(|| SegmentError::Damaged("the tape has no beginning".to_owned()))?;
        let head = TableHead::parse(&first)
            .filter(|head| (head.number, head.filemarks, head.charged) == (0, 0, 0))
            .ok_or_else(|| SegmentError::Damaged("the first table is damaged".to_owned()))?;
        let mut segments = Self {
            segments: vec![Segment {
                offset: data_at,
                head,
            }],
            last_objects: 0,
            filemarks: 0,
            table: first,
            table_number: 0,
            position: Position {
                offset: data_at + ALIGNMENT,
                ..Position::default()
            },
        };
        segments.follow(store)?;
        segments.seek(store, 0)?;
        Ok(segments)
    }

    /// Finds what another process has appended. The position stays.
    pub fn follow(&mut self, store: &dyn Store) -> Result<(), SegmentError> {
        let file_bytes = store.length()?;
        loop {
            let last = self.segments.len() - 1;
            let Segment { offset, head } = self.segments[last];
            let table = read_table(store, offset)?
                .ok_or_else(|| SegmentError::Damaged(format!("table {last} is cut off")))?;
            let mut data = offset + ALIGNMENT;
            let (mut filemarks, mut charged) = (head.filemarks, head.charged);
            let mut objects = 0;
            while let Some(entry) = entry(&table, objects)
                .map_err(|what| SegmentError::Damaged(format!("table {last}: {what}")))?
            {
                data += u64::from(entry.stored);
                charged = charged.saturating_add(u64::from(entry.charged));
                filemarks += u64::from(entry.kind == EntryKind::Filemark);
                objects += 1;
            }
            if data > file_bytes {
                return Err(SegmentError::Damaged(format!(
                    "the file ends before the objects of table {last}"
                )));
            }
            self.last_objects = objects;
            self.filemarks = filemarks;
            if self.table_number == last {
                self.table = table;
            }
            if objects < OBJECTS {
                return Ok(());
            }
            let next = aligned(data);
            let expected = TableHead {
                number: head.number + 1,
                filemarks,
                charged,
            };
            let found = read_table(store, next)?.and_then(|table| TableHead::parse(&table));
            if found != Some(expected) {
                return Err(SegmentError::Damaged(format!(
                    "table {} is missing",
                    last + 1
                )));
            }
            self.segments.push(Segment {
                offset: next,
                head: expected,
            });
        }
    }

    pub fn position(&self) -> Position {
        self.position
    }

    /// Objects on the tape.
    pub fn end(&self) -> u64 {
        ((self.segments.len() - 1) * OBJECTS + self.last_objects) as u64
    }

    pub fn at_end(&self) -> bool {
        self.position.object == self.end()
    }

    /// Filemarks on the tape.
    pub fn filemarks(&self) -> u64 {
        self.filemarks
    }

    fn index(&self) -> usize {
        (self.position.object % OBJECTS as u64) as usize
    }

    /// Makes `number` the table at hand.
    fn use_table(&mut self, store: &dyn Store, number: usize) -> Result<(), SegmentError> {
        if self.table_number == number {
            return Ok(());
        }
        let damaged = || SegmentError::Damaged(format!("table {number} cannot be read"));
        let segment = self.segments.get(number).ok_or_else(damaged)?;
        let table = read_table(store, segment.offset)?.ok_or_else(damaged)?;
        if TableHead::parse(&table) != Some(segment.head) {
            return Err(damaged());
        }
        self.table = table;
        self.table_number = number;
        Ok(())
    }

    fn entry(&self, index: usize) -> Result<Option<Entry>, SegmentError> {
        entry(&self.table, index)
            .map_err(|what| SegmentError::Damaged(format!("table {}: {what}", self.table_number)))
    }

    /// To an object, or to the end if there are fewer.
    pub fn seek(&mut self, store: &dyn Store, object: u64) -> Result<(), SegmentError> {
        let object = object.min(self.end());
        let number = usize::try_from(object / OBJECTS as u64).unwrap_or(usize::MAX);
        self.use_table(store, number)?;
        let segment = self.segments[number];
        let mut position = Position {
            object: (number * OBJECTS) as u64,
            filemarks: segment.head.filemarks,
            charged: segment.head.charged,
            offset: segment.offset + ALIGNMENT,
        };
        let mut index = 0;
        while position.object < object {
            let entry = self
                .entry(index)?
                .ok_or_else(|| SegmentError::Damaged(format!("object {object} is missing")))?;
            advance(&mut position, entry);
            index += 1;
        }
        self.position = position;
        Ok(())
    }

    /// The next object and where its bytes are; `None` at the end.
    pub fn peek(&mut self, store: &dyn Store) -> Result<Option<(Entry, u64)>, SegmentError> {
        if self.at_end() {
            return Ok(None);
        }
        let index = self.index();
        let number = usize::try_from(self.position.object / OBJECTS as u64).unwrap_or(usize::MAX);
        if number != self.table_number {
            // A segment was left behind: its successor's bytes begin elsewhere.
            self.use_table(store, number)?;
            self.position.offset = self.segments[number].offset + ALIGNMENT;
        }
        Ok(self
            .entry(index)?
            .map(|entry| (entry, self.position.offset)))
    }

    /// Behind the object that [`Segments::peek`] gave.
    pub fn step(&mut self, entry: Entry) {
        advance(&mut self.position, entry);
    }

    /// Any object, without moving.
    pub fn look(
        &mut self,
        store: &dyn Store,
        object: u64,
    ) -> Result<Option<(Entry, u64)>, SegmentError> {
        let back = self.position.object;
        self.seek(store, object)?;
        let found = if self.position.object == object {
            self.peek(store)?
        } else {
            None
        };
        self.seek(store, back)?;
        Ok(found)
    }

    /// Object number of filemark `number`, from 0. The position stays, the table at hand may not.
    pub fn filemark(
        &mut self,
        store: &dyn Store,
        number: u64,
    ) -> Result<Option<u64>, SegmentError> {
        if number >= self.filemarks {
            return Ok(None);
        }
        let after = self
            .segments
            .partition_point(|segment| segment.head.filemarks <= number);
        let segment = after.saturating_sub(1);
        let (back, mut seen) = (self.table_number, self.segments[segment].head.filemarks);
        self.use_table(store, segment)?;
        let mut found = None;
        for index in 0..OBJECTS {
            match self.entry(index)? {
                Some(entry) if entry.kind == EntryKind::Filemark => {
                    if seen == number {
                        found = Some((segment * OBJECTS + index) as u64);
                        break;
                    }
                    seen += 1;
                }
                Some(_) => {}
                None => break,
            }
        }
        self.use_table(store, back)?;
        Ok(found)
    }

    /// Ends the tape at the position.
    pub fn truncate(&mut self, store: &mut dyn Store) -> io::Result<()> {
        let number = usize::try_from(self.position.object / OBJECTS as u64).unwrap_or(usize::MAX);
        let as_io = |error| match error {
            SegmentError::Io(error) => error,
            SegmentError::Damaged(what) => io::Error::new(io::ErrorKind::InvalidData, what),
        };
        let object = self.position.object;
        self.seek(store, object).map_err(as_io)?;
        let index = self.index();
        let from = TABLE_HEADER_BYTES + index * ENTRY_BYTES;
        self.table[from..].fill(0);
        let segment = self.segments[number];
        store.write_at(&self.table[from..], segment.offset + from as u64)?;
        self.segments.truncate(number + 1);
        self.last_objects = index;
        self.filemarks = self.position.filemarks;
        Ok(())
    }

    /// Gives back what is behind the end.
    pub fn release(&mut self, store: &mut dyn Store) -> io::Result<()> {
        store.set_length(self.position.offset)
    }

    /// Puts an object at the end, where the position must be.
    pub fn append(&mut self, store: &mut dyn Store, bytes: &[u8], entry: Entry) -> io::Result<()> {
        let index = self.index();
        let number = self.segments.len() - 1;
        if self.table_number != number {
            let damaged = |_| io::Error::new(io::ErrorKind::InvalidData, "a table is unreadable");
            let object = self.position.object;
            self.seek(store, object).map_err(damaged)?;
        }
        if !bytes.is_empty() {
            store.write_at(bytes, self.position.offset)?;
        }
        let mut after = self.position;
        advance(&mut after, entry);
        let next = (index + 1 == OBJECTS).then(|| Segment {
            offset: aligned(after.offset),
            head: TableHead {
                number: self.segments[number].head.number + 1,
                filemarks: after.filemarks,
                charged: after.charged,
            },
        });
        if let Some(next) = next {
            store.write_at(next.head.to_table().as_slice(), next.offset)?;
        }
        let at = TABLE_HEADER_BYTES + index * ENTRY_BYTES;
        let raw = entry.to_bytes();
        store.write_at(&raw, self.segments[number].offset + at as u64)?;
        self.table[at..at + ENTRY_BYTES].copy_from_slice(&raw);
        self.position = after;
        self.filemarks = after.filemarks;
        self.last_objects = index + 1;
        if let Some(next) = next {
            self.segments.push(next);
            self.last_objects = 0;
            self.table = next.head.to_table();
            self.table_number = number + 1;
            self.position.offset = next.offset + ALIGNMENT;
        }
        Ok(())
    }
}

fn advance(position: &mut Position, entry: Entry) {
    position.object += 1;
    position.offset += u64::from(entry.stored);
    position.charged = position.charged.saturating_add(u64::from(entry.charged));
    position.filemarks += u64::from(entry.kind == EntryKind::Filemark);
}
