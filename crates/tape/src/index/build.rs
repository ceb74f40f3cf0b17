//! Building a chunk index: two passes over the catalogs, sorting in place in the mapped output.
//!
//! The first pass checks the catalogs and counts chunks by the first byte of their digest, so that the second can put
//! every record into its bucket of the output file. Buckets fit a core's cache and are sorted there. Anonymous memory
//! stays at the read buffer and the store names, whatever the set's size; the rest is the output file's page cache.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use ferrite_formats::Digest;
use ferrite_formats::media_catalog::{CatalogIdentity, CatalogRecord};

use super::layout::{
    ARCHIVE_BYTES, ArchiveEntry, HEADER_BYTES, Layout, MAX_RECORDS, MAX_STORES, u32_at,
};
use super::sources::{CatalogSource, SourceIdentity};
use super::{ChunkIndex, slot_number};
use crate::catalog::CatalogFile;
use crate::error::{Result, TapeError};
use crate::mapped::{GrowingFile, MappedFile, RECORD_BYTES, Record, as_records};
use crate::temporary::Temporary;

/// How long to wait for another process that builds the same index.
const BUILD_WAIT: Duration = Duration::from_secs(60);
/// Below this many records a second thread costs more than it gives.
const PARALLEL_SORT_RECORDS: usize = 100_000;

/// Builds the index at `path`, replacing what is there.
pub(super) fn build(path: &Path, catalogs: &[CatalogSource]) -> Result<ChunkIndex> {
    let temporary = Temporary::create(&temporary_path(path), 0o640, BUILD_WAIT)?;
    let census = Census::take(catalogs)?;
    // Another process may have finished the same work while we waited for its lock.
    if let Some(index) = ChunkIndex::open_matching(path, &census.identities()) {
        return Ok(index);
    }
    write(temporary.file(), temporary.path(), &census)?;
    let failed = |error| TapeError::io("map chunk index", path, error);
    let map = MappedFile::open(temporary.file()).map_err(failed)?;
    // Not synced: a file that a power cut left torn fails its CRC-32 and is built again.
    temporary.rename_to(path)?;
    ChunkIndex::check_tables(map)
        .ok_or_else(|| TapeError::index(path, "was changed while it was built"))
}

/// `<path>.tmp`.
fn temporary_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

/// What the first pass found.
struct Census {
    sources: Vec<(CatalogFile, SourceIdentity)>,
    /// Chunks by first byte of the digest.
    buckets: [u64; 256],
    archives: u32,
    stores: StoreNames,
}

impl Census {
    fn take(catalogs: &[CatalogSource]) -> Result<Self> {
        let mut census = Self {
            sources: Vec::with_capacity(catalogs.len()),
            buckets: [0; 256],
            archives: 0,
            stores: StoreNames::default(),
        };
        for catalog in catalogs {
            let reader =
                CatalogFile::open(&catalog.path, CatalogIdentity::of(catalog.media_uuid, None))?;
            let identity =
                SourceIdentity::of_open(catalog.media_uuid, &catalog.path, reader.file())?;
            let too_many = |what: &str| {
                TapeError::index(
                    &catalog.path,
                    format!("makes the media set's {what} too many for one index"),
                )
            };
            reader.for_each(|_, record| {
                match record {
                    CatalogRecord::ArchiveStart { store, .. } => {
                        census
                            .stores
                            .number(store)
                            .ok_or_else(|| too_many("datastores"))?;
                        census.archives = census
                            .archives
                            .checked_add(1)
                            .ok_or_else(|| too_many("chunk archives"))?;
                    }
                    CatalogRecord::Chunk(digest) => {
                        census.buckets[usize::from(digest.as_bytes()[0])] += 1
                    }
                    _ => {}
                }
                Ok(())
            })?;
            if census.records() > MAX_RECORDS {
                return Err(too_many("chunks"));
            }
            reader.unlock()?;
            census.sources.push((reader, identity));
        }
        Ok(census)
    }

    fn records(&self) -> u64 {
        self.buckets.iter().sum()
    }

    fn identities(&self) -> Vec<SourceIdentity> {
        self.sources.iter().map(|(_, identity)| *identity).collect()
    }
}

/// Datastore names in order of appearance.
#[derive(Default)]
struct StoreNames {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl StoreNames {
    /// The number of a store, new or known; `None` when there are too many.
    fn number(&mut self, name: &str) -> Option<u32> {
        if let Some(&number) = self.numbers.get(name) {
            return Some(number);
        }
        if self.names.len() >= MAX_STORES {
            return None;
        }
        let number = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        Some(number)
    }
}

fn write(file: &File, path: &Path, census: &Census) -> Result<()> {
    let failed = |error| TapeError::io("write chunk index", path, error);
    let sources = census.sources.len() as u32;
    let mut layout = Layout::new(
        census.records(),
        census.archives,
        sources,
        &census.stores.names,
    );
    let mut output = GrowingFile::allocate(file, layout.file_bytes()).map_err(failed)?;
    let (tables, record_bytes) = output
        .bytes()
        .split_at_mut(layout.records_offset() as usize);
    let records = as_records(record_bytes);
    fill_tables(tables, &layout, census);
    scatter(tables, records, &layout, census)?;
    let archives = &tables[layout.archives_offset() as usize..layout.names_offset() as usize];
    sort(records, &census.buckets, archives);
    layout.records = drop_replaced(records, archives) as u64;
    let directory = &mut tables[layout.directory_offset() as usize..];
    fill_directory(
        directory,
        &records[..layout.records as usize],
        layout.directory_bits,
    );
    let length = layout.file_bytes();
    let bytes = &mut output.bytes()[..length as usize];
    let crc = crc32fast::hash(&bytes[HEADER_BYTES..]);
    bytes[..HEADER_BYTES].copy_from_slice(&layout.encode(crc));
    drop(output);
    file.set_len(length).map_err(failed)
}

/// Source and name tables; archives follow in [`scatter`].
fn fill_tables(tables: &mut [u8], layout: &Layout, census: &Census) {
    let mut sources = &mut tables[layout.sources_offset() as usize..];
    for identity in census.identities() {
        sources = put(sources, &identity.encode());
    }
    let mut names = &mut tables[layout.names_offset() as usize..];
    for name in &census.stores.names {
        names = put(names, &[name.len() as u8]);
        names = put(names, name.as_bytes());
    }
}

fn put<'a>(target: &'a mut [u8], bytes: &[u8]) -> &'a mut [u8] {
    let (head, rest) = target.split_at_mut(bytes.len());
    head.copy_from_slice(bytes);
    rest
}

/// Second pass: archive table, and every chunk into its bucket.
fn scatter(
    tables: &mut [u8],
    records: &mut [Record],
    layout: &Layout,
    census: &Census,
) -> Result<()> {
    let mut cursor = bucket_starts(&census.buckets);
    let ends: Vec<usize> = (0..256)
        .map(|bucket| cursor[bucket] + census.buckets[bucket] as usize)
        .collect();
    let mut archives = 0u32;
    for (source, (reader, identity)) in census.sources.iter().enumerate() {
        let changed = || TapeError::index(reader.path(), "changed while it was read");
        reader.for_each(|_, record| {
            match *record {
                CatalogRecord::ArchiveStart {
                    file_number, store, ..
                } => {
                    let &store = census.stores.numbers.get(store).ok_or_else(changed)?;
                    let entry = ArchiveEntry {
                        media_uuid: identity.media_uuid,
                        file_number,
                        store,
                        source: source as u32,
                    };
                    let offset =
                        layout.archives_offset() as usize + archives as usize * ARCHIVE_BYTES;
                    archives += 1;
                    if archives > layout.archives {
                        return Err(changed());
                    }
                    tables[offset..offset + ARCHIVE_BYTES].copy_from_slice(&entry.encode());
                }
                CatalogRecord::Chunk(digest) => {
                    let bucket = usize::from(digest.as_bytes()[0]);
                    if cursor[bucket] >= ends[bucket] {
                        return Err(changed());
                    }
                    records[cursor[bucket]] = encode_record(&digest, archives.wrapping_sub(1));
                    cursor[bucket] += 1;
                }
                _ => {}
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn encode_record(digest: &Digest, archive: u32) -> Record {
    let mut record = [0; RECORD_BYTES];
    record[..32].copy_from_slice(digest.as_bytes());
    record[32..].copy_from_slice(&archive.to_le_bytes());
    record
}

fn bucket_starts(buckets: &[u64; 256]) -> [usize; 256] {
    let mut start = 0;
    buckets.map(|count| {
        let this = start;
        start += count as usize;
        this
    })
}

/// Sorts every bucket by digest, then store, then archive.
fn sort(records: &mut [Record], buckets: &[u64; 256], archives: &[u8]) {
    let threads = match records.len() {
        0..PARALLEL_SORT_RECORDS => 1,
        _ => thread::available_parallelism().map_or(1, |cores| cores.get().min(4)),
    };
    let mut slices = Vec::with_capacity(256);
    let mut rest = records;
    for &count in buckets {
        let (bucket, others) = rest.split_at_mut(count as usize);
        slices.push(bucket);
        rest = others;
    }
    let work = Mutex::new(slices.into_iter());
    let sort_next = || {
        // A poisoned lock means that a sibling panicked; the scope passes that on.
        while let Some(bucket) = work.lock().ok().and_then(|mut slices| slices.next()) {
            bucket.sort_unstable_by(|a, b| {
                leading_bytes(a)
                    .cmp(&leading_bytes(b))
                    .then_with(|| a[8..32].cmp(&b[8..32]))
                    .then_with(|| place(a, archives).cmp(&place(b, archives)))
            });
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(sort_next);
        }
        sort_next();
    });
}

/// The first eight bytes as a number: one compare decides nearly all pairs.
fn leading_bytes(record: &Record) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *record;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// Store and archive number of a record.
fn place(record: &Record, archives: &[u8]) -> (u32, u32) {
    let archive = u32_at(record, 32).unwrap_or(0);
    let entry = archives
        .get(archive as usize * ARCHIVE_BYTES..)
        .and_then(ArchiveEntry::decode);
    (entry.map_or(0, |entry| entry.store), archive)
}

/// Keeps the last archive of each chunk and store (tape-format.md 7.3). Returns how many records are left.
fn drop_replaced(records: &mut [Record], archives: &[u8]) -> usize {
    let mut kept = 0;
    for number in 0..records.len() {
        let this = records[number];
        let replaced = records.get(number + 1).is_some_and(|next| {
            next[..32] == this[..32] && place(next, archives).0 == place(&this, archives).0
        });
        if !replaced {
            if kept != number {
                records[kept] = this;
            }
            kept += 1;
        }
    }
    kept
}

fn fill_directory(directory: &mut [u8], records: &[Record], bits: u32) {
    let mut slots = directory.chunks_exact_mut(4);
    let mut filled = 0u64;
    let mut fill_to = |slot: u64, number: usize| {
        while filled <= slot {
            if let Some(entry) = slots.next() {
                entry.copy_from_slice(&(number as u32).to_le_bytes());
            }
            filled += 1;
        }
    };
    for (number, record) in records.iter().enumerate() {
        if let Some(digest) = record.first_chunk() {
            fill_to(slot_number(digest, bits), number);
        }
    }
    fill_to(1 << bits, records.len());
}
