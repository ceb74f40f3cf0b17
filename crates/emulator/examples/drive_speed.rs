//! Speed of the drive path alone: blocks of 256 KiB through `Drive`, the SCSI target and a medium.
//!
//! `cargo run --release -p ferrite-emulator --example drive_speed -- [DIR] [MiB]`. Prints per run the wall time, the
//! processor time and GB/s: a null medium; an LTO-8 cartridge in memory, written, overwritten and read; a cartridge of an emulated
//! library in DIR, through the locks that processes share it by; a virtual tape in DIR written (sync counted), and read back
//! from disk and from the page cache. Then what a command costs that transfers nothing.

#![allow(clippy::print_stdout, reason = "prints its figures")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ferrite_emulator::library::{EmulatedLibrary, LibraryOptions, open_device};
use ferrite_emulator::pbs::BLOCK_BYTES;
use ferrite_emulator::{
    Cartridge, CartridgeKind, Chip, DriveQuirks, EmulatedDrive, Identity, NullMedium, PbsDirectory,
    PbsDirectoryOptions, Timing,
};
use ferrite_scsi::Place;
use ferrite_scsi::{BlockRead, Drive, DriveOptions, Transport};

const RUNS: usize = 3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let directory = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let mebibytes: u64 = arguments
        .next()
        .and_then(|text| text.into_string().ok()?.parse().ok())
        .unwrap_or(2048);
    let blocks = (mebibytes << 20) / BLOCK_BYTES as u64;
    let block = vec![0x5A; BLOCK_BYTES];

    for _ in 0..RUNS {
        let null = EmulatedDrive::new(Identity::virtual_drive("null"));
        null.insert(Box::new(NullMedium::endless()));
        let mut drive = prepare(null.connect())?;
        measure("null write", blocks, || write(&mut drive, &block, blocks))?;

        let mut drive = prepare(cartridge_drive((blocks + 100) * BLOCK_BYTES as u64)?)?;
        measure("cartridge in memory, first write", blocks, || {
            write(&mut drive, &block, blocks)
        })?;
        measure("cartridge in memory, write", blocks, || {
            write(&mut drive, &block, blocks)
        })?;
        measure("cartridge in memory, read", blocks, || read(&mut drive))?;
        measure_commands("cartridge in memory, READ POSITION", &mut drive)?;
        drop(drive);

        let work = directory.join(format!("drive-speed-{}", std::process::id()));
        std::fs::create_dir_all(&work)?;
        library_speed(&work, &block, blocks)?;
        let options = PbsDirectoryOptions {
            max_bytes: u64::MAX,
            ..PbsDirectoryOptions::default()
        };
        let library = PbsDirectory::open(&work, options)?;
        library.load("SPEED")?;
        let mut drive = prepare(library.connect())?;
        measure("virtual write", blocks, || {
            write(&mut drive, &block, blocks)
        })?;
        measure("virtual read, not in the page cache", blocks, || {
            read(&mut drive)
        })?;
        std::io::copy(
            &mut std::fs::File::open(work.join("tapefile-0-SPEED.json"))?,
            &mut std::io::sink(),
        )?;
        // The drive looks for the cache when it opens a file.
        library.load("SPEED")?;
        drive.prepare()?;
        measure("virtual read, in the page cache", blocks, || {
            read(&mut drive)
        })?;
        drop((drive, library));
        std::fs::remove_dir_all(&work)?;
    }
    Ok(())
}

/// An LTO-8 drive with a tape of that many bytes in memory.
fn cartridge_drive(bytes: u64) -> Result<impl Transport, Box<dyn std::error::Error>> {
    let drive = EmulatedDrive::lto(8, "SPEED00001", DriveQuirks::default(), Timing::default())
        .ok_or("no such drive")?;
    let chip = Chip::new(CartridgeKind::Data, 8, "SPEEDML8", bytes);
    drive.insert(Box::new(Cartridge::in_memory(chip)?));
    Ok(drive.connect())
}

fn library_speed(
    work: &std::path::Path,
    block: &[u8],
    blocks: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let path = work.join("library");
    let library = EmulatedLibrary::create(&path, &LibraryOptions::default())?;
    let barcode = library.remove(Place::Slot(1))?;
    library.insert(Place::Drive(0), &barcode)?;
    let mut drive = prepare(open_device(library.drive_path(0))?)?;
    measure("library, first write", blocks, || {
        write(&mut drive, block, blocks)
    })?;
    measure("library, write", blocks, || {
        write(&mut drive, block, blocks)
    })?;
    measure("library, read", blocks, || read(&mut drive))?;
    measure_commands("library, READ POSITION", &mut drive)?;
    drop((drive, library));
    Ok(std::fs::remove_dir_all(path)?)
}

const COMMANDS: u32 = 20_000;

fn measure_commands(name: &str, drive: &mut Drive) -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    for _ in 0..COMMANDS {
        let _ = drive.position()?;
    }
    let micros = start.elapsed().as_secs_f64() * 1e6 / f64::from(COMMANDS);
    println!("{name:38} {micros:7.2} us per command");
    Ok(())
}

fn prepare(transport: impl Transport + 'static) -> Result<Drive, Box<dyn std::error::Error>> {
    let mut drive = Drive::open(transport, DriveOptions::default())?;
    drive.prepare()?;
    Ok(drive)
}

fn write(drive: &mut Drive, block: &[u8], blocks: u64) -> Result<(), Box<dyn std::error::Error>> {
    let begin = drive.rewind()?;
    let mut file = drive.write_file(begin)?;
    for _ in 0..blocks {
        let _ = file.write_block(block)?;
    }
    let _ = file.finish()?;
    Ok(drive.sync()?)
}

fn read(drive: &mut Drive) -> Result<(), Box<dyn std::error::Error>> {
    let begin = drive.rewind()?;
    let mut block = vec![0; BLOCK_BYTES];
    let mut file = drive.read_file(begin)?;
    while file.read_block(&mut block)? == BlockRead::Block {}
    Ok(())
}

fn measure<E>(name: &str, blocks: u64, work: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
    let (start, cpu) = (Instant::now(), cpu_time());
    work()?;
    let (wall, cpu) = (start.elapsed(), cpu_time() - cpu);
    let gigabytes = (blocks * BLOCK_BYTES as u64) as f64 / 1e9;
    let per_block = wall.as_secs_f64() * 1e6 / blocks as f64;
    println!(
        "{name:38} {:6.2} GB/s  {:5.2} s  {:.3} CPU s per GB  {per_block:7.2} us per block",
        gigabytes / wall.as_secs_f64(),
        wall.as_secs_f64(),
        cpu.as_secs_f64() / gigabytes,
    );
    Ok(())
}

fn cpu_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
