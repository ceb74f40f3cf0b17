//! How fast SG_IO is here. Told, not judged: in a guest without hardware support for it, this says something about the guest.

use std::time::{Duration, Instant};

use ferrite_scsi::command::{Rewind, test_unit_ready};
use ferrite_scsi::{Drive, DriveOptions};

use crate::Failure;
use crate::bench::{Bench, succeed};

const BLOCK_BYTES: usize = 256 * 1024;
const BLOCKS: u32 = 40;
const COMMANDS: u32 = 200;

/// Writes and reads a file, and sends short commands.
pub fn measure(bench: &Bench) -> Result<bool, Failure> {
    let mut transport = bench.blank_drive()?;
    let start = Instant::now();
    for _ in 0..COMMANDS {
        succeed(&mut transport, &test_unit_ready())?;
    }
    let each = start.elapsed() / COMMANDS;
    println!("rate: TEST UNIT READY {:.0} us", each.as_secs_f64() * 1e6);
    succeed(&mut transport, &Rewind { immediate: false }.cdb())?;
    let mut drive = Drive::open(transport, DriveOptions::default())?;
    let block = vec![0x5A; BLOCK_BYTES];
    let begin = drive.rewind()?;
    let start = Instant::now();
    let mut file = drive.write_file(begin)?;
    for _ in 0..BLOCKS {
        let _ = file.write_block(&block)?;
    }
    let _ = file.finish()?;
    println!(
        "rate: write 256 KiB blocks {:.0} MB/s",
        megabytes(start.elapsed())
    );
    let begin = drive.rewind()?;
    let mut buffer = vec![0; BLOCK_BYTES];
    let start = Instant::now();
    let mut file = drive.read_file(begin)?;
    for _ in 0..BLOCKS {
        let _ = file.read_block(&mut buffer)?;
    }
    println!(
        "rate: read 256 KiB blocks {:.0} MB/s",
        megabytes(start.elapsed())
    );
    drop(drive);
    bench.clear_drives()?;
    Ok(buffer == block)
}

fn megabytes(elapsed: Duration) -> f64 {
    f64::from(BLOCKS) * BLOCK_BYTES as f64 / 1e6 / elapsed.as_secs_f64()
}
