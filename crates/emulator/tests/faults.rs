//! The disk below a virtual tape fails: at every single operation, once and for good. Nothing that was said to be safe may be
//! gone, nothing may be said to be safe that is not, and the drive has to go on.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ferrite_emulator::pbs::{BLOCK_BYTES, Disk, DiskFile, SystemDisk, WriteStyle};
use ferrite_emulator::{PbsDirectory, PbsDirectoryOptions};
use ferrite_scsi::drive::{BlockRead, Drive, DriveOptions};
use ferrite_scsi::{ErrorClass, ScsiError};

/// Counts operations and fails number `fail_at` (and all later ones, if the disk stays broken).
struct FaultyDisk {
    style: Option<WriteStyle>,
    count: AtomicUsize,
    fail_at: usize,
    for_good: bool,
    repaired: AtomicBool,
    hit: AtomicBool,
    /// Something failed that the host has to hear of.
    harm: AtomicBool,
}

impl FaultyDisk {
    fn new(fail_at: usize, for_good: bool, style: Option<WriteStyle>) -> Arc<Self> {
        Arc::new(Self {
            style,
            count: AtomicUsize::new(0),
            fail_at,
            for_good,
            repaired: AtomicBool::new(false),
            hit: AtomicBool::new(false),
            harm: AtomicBool::new(false),
        })
    }

    fn operation(&self) -> io::Result<()> {
        self.harmless_operation()
            .inspect_err(|_| self.harm.store(true, Ordering::SeqCst))
    }

    fn harmless_operation(&self) -> io::Result<()> {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        let broken = number == self.fail_at || (self.for_good && number > self.fail_at);
        if broken && !self.repaired.load(Ordering::SeqCst) {
            self.hit.store(true, Ordering::SeqCst);
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

struct SharedDisk(Arc<FaultyDisk>);

impl Disk for SharedDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.0.operation()?;
        Ok(Arc::new(FaultyFile {
            file: SystemDisk.create(path)?,
            disk: Arc::clone(&self.0),
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.0.operation()?;
        Ok(Arc::new(FaultyFile {
            file: SystemDisk.open(path)?,
            disk: Arc::clone(&self.0),
        }))
    }
}

struct FaultyFile {
    file: Arc<dyn DiskFile>,
    disk: Arc<FaultyDisk>,
}

impl DiskFile for FaultyFile {
    fn style(&self) -> WriteStyle {
        self.disk.style.unwrap_or_else(|| self.file.style())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), (usize, io::Error)> {
        match self.disk.operation() {
            Ok(()) => self.file.write_at(bytes, offset),
            Err(error) => {
                // A full disk takes a part: here half a block more than half of the piece.
                let part =
                    (bytes.len() / 2 + BLOCK_BYTES / 2).min(bytes.len() - 4096) / 4096 * 4096;
                self.file.write_at(&bytes[..part], offset)?;
                Err((part, error))
            }
        }
    }

    fn reserve(&self, offset: u64, length: u64) -> io::Result<()> {
        // A favour: when it fails, nothing needs to.
        self.disk.harmless_operation()?;
        self.file.reserve(offset, length)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.disk.operation()?;
        self.file.truncate(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.operation()?;
        self.file.sync()
    }
}

fn block(file: u64, number: u64) -> Vec<u8> {
    vec![(file * 50 + number) as u8; BLOCK_BYTES]
}

/// One file, synced. `Ok`: the drive says it is safe.
fn write_file(drive: &mut Drive, blocks: u64) -> Result<u64, ScsiError> {
    let end = drive.end_of_data()?;
    let number = end.file_number();
    let mut file = drive.write_file(end)?;
    for index in 0..blocks {
        let _ = file.write_block(&block(number, index))?;
    }
    let _ = file.finish()?;
    drive.sync()?;
    Ok(number)
}

/// Every block of these files reads back; what else is on the tape can be read without surprise.
fn assert_readable(drive: &mut Drive, safe: &[(u64, u64)]) {
    let mut position = drive.rewind().unwrap();
    let mut buffer = vec![0; BLOCK_BYTES];
    loop {
        let number = position.file_number();
        let mut file = drive.read_file(position).unwrap();
        let mut blocks = 0;
        let end = loop {
            match file.read_block(&mut buffer).unwrap() {
                BlockRead::Block => {
                    assert!(
                        buffer == block(number, blocks),
                        "file {number} block {blocks}"
                    );
                    blocks += 1;
                }
                end => break end,
            }
        };
        if let Some((_, expected)) = safe.iter().find(|(safe, _)| *safe == number) {
            assert_eq!(
                (blocks, end),
                (*expected, BlockRead::FileMark),
                "file {number}"
            );
        }
        if end == BlockRead::EndOfData {
            assert!(safe.iter().all(|(safe, _)| *safe < number));
            return;
        }
        position = file.finish().unwrap();
    }
}

/// Returns false when the run had fewer operations than `fail_at`.
fn run(fail_at: usize, for_good: bool, style: Option<WriteStyle>) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new(fail_at, for_good, style);
    let options = PbsDirectoryOptions {
        max_bytes: 1 << 40,
        disk: Arc::new(SharedDisk(Arc::clone(&disk))),
        ..PbsDirectoryOptions::default()
    };
    let library = PbsDirectory::open(directory.path(), options).unwrap();
    library.load("A").unwrap();
    let mut drive = Drive::open(library.connect(), DriveOptions::default()).unwrap();
    drive.prepare().unwrap();
    let mut safe = Vec::new();
    let mut failed = false;
    for blocks in [1, 40, 3, 16] {
        match write_file(&mut drive, blocks) {
            Ok(number) => safe.push((number, blocks)),
            Err(error) => {
                failed = true;
                assert_eq!(error.class(), ErrorClass::System, "{error}");
                assert!(
                    error.to_string().contains("tapefile-"),
                    "no path in: {error}"
                );
                assert!(
                    error.to_string().contains("storage"),
                    "no cause in: {error}"
                );
                break;
            }
        }
    }
    let hit = disk.hit.load(Ordering::SeqCst);
    assert_eq!(disk.harm.load(Ordering::SeqCst), failed);
    disk.repaired.store(true, Ordering::SeqCst);
    assert_readable(&mut drive, &safe);
    let number = write_file(&mut drive, 2).unwrap();
    safe.push((number, 2));
    assert_readable(&mut drive, &safe);
    // And for whoever comes next.
    drop((drive, library));
    let library = PbsDirectory::open(directory.path(), PbsDirectoryOptions::default()).unwrap();
    let mut drive = Drive::open(library.connect(), DriveOptions::default()).unwrap();
    drive.prepare().unwrap();
    assert_readable(&mut drive, &safe);
    hit
}

fn every_operation(for_good: bool, style: Option<WriteStyle>, at_least: usize) {
    let planned = (0..)
        .find(|&fail_at| !run(fail_at, for_good, style))
        .unwrap();
    assert!(planned >= at_least, "only {planned} operations could fail");
}

#[test]
fn every_operation_fails_once() {
    every_operation(false, None, 15);
}

#[test]
fn the_disk_stays_full() {
    every_operation(true, None, 15);
}

#[test]
fn every_cached_write_fails_once() {
    every_operation(false, Some(WriteStyle::Cached), 60);
}
