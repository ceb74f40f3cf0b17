//! Speed of the drive path alone: blocks of 256 KiB through `Drive`, the SCSI target and a medium.
//!
//! `cargo run --release -p ferrite-emulator --example drive_speed -- [DIR] [MiB]`. Prints per run the wall time, the
//! processor time and GB/s: a null medium, a virtual tape in DIR written (sync counted), and read back from disk and from the
//! page cache.

#![allow(clippy::print_stdout, reason = "prints its figures")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ferrite_emulator::pbs::BLOCK_BYTES;
use ferrite_emulator::{EmulatedDrive, Identity, NullMedium, PbsDirectory, PbsDirectoryOptions};
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

        let work = directory.join(format!("drive-speed-{}", std::process::id()));
        std::fs::create_dir_all(&work)?;
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
