//! What fuzz targets call: everything this crate reads from disk. Each takes any bytes, must return, and asserts what must hold of
//! whatever was accepted.

use std::sync::Arc;
use std::time::Duration;

use ferrite_scsi::command::test_unit_ready;
use ferrite_scsi::{Changer, ChangerOptions, Data, Drive, DriveOptions, Transport};

use crate::cartridge::{CHIP_PLACE, MemoryStore, Store};
use crate::clock::{Pace, Timing, VirtualClock};
use crate::library::LogicalUnit;
use crate::medium::{Medium, MediumRead};
use crate::target::{DriveQuirks, EmulatedDrive};
use crate::wrappers::ReplayTransport;
use crate::{Cartridge, CartridgeKind, Chip};

/// Bytes of a tape in these targets.
const CAPACITY_BYTES: u64 = 1 << 20;

fn blank() -> Chip {
    Chip::new(CartridgeKind::Data, 8, "FUZZ01L8", CAPACITY_BYTES)
}

/// A store that keeps what was written to it when the cartridge is gone.
#[derive(Clone, Default)]
struct Shared(Arc<std::sync::Mutex<MemoryStore>>);

impl Shared {
    fn store(&self) -> std::sync::MutexGuard<'_, MemoryStore> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Store for Shared {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
        self.store().read_at(buffer, offset)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> std::io::Result<()> {
        self.store().write_at(bytes, offset)
    }

    fn length(&self) -> std::io::Result<u64> {
        self.store().length()
    }

    fn set_length(&mut self, bytes: u64) -> std::io::Result<()> {
        self.store().set_length(bytes)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A whole cartridge of some 300 objects, over which pieces of the input are written: place (3 bytes), length (1 byte), bytes.
/// What can still be opened is read, positioned in, and written on.
pub fn cartridge_file(data: &[u8]) {
    let store = Shared::default();
    let Ok(mut tape) = Cartridge::create_in(Box::new(store.clone()), String::new(), blank()) else {
        return;
    };
    for number in 0..300_u32 {
        let _ = if number % 50 == 49 {
            tape.write_filemark()
        } else {
            tape.write_block(&[number as u8; 40])
        };
    }
    drop(tape);
    let mut rest = data;
    while let Some((&[a, b, c, length], tail)) = rest.split_first_chunk() {
        let (piece, tail) = tail.split_at(usize::from(length).min(tail.len()));
        // Where something lies: the file has some 150 KiB.
        let at = u64::from(u32::from_le_bytes([a, b, c, 0])) % (192 << 10);
        let _ = store.store().write_at(piece, at);
        rest = tail;
    }
    if let Ok(mut tape) = Cartridge::open_in(Box::new(store), String::new()) {
        use_tape(&mut tape);
    }
}

fn use_tape(tape: &mut Cartridge) {
    let end = tape.objects();
    let mut buffer = [0; 64];
    let mut objects = 0;
    while let Ok(MediumRead::Block(_) | MediumRead::Filemark) = tape.read_block(&mut buffer) {
        objects += 1;
        assert!(objects <= end);
        assert_eq!(tape.position().object, objects);
    }
    for object in [0, end / 2, end] {
        if tape.locate_object(object).is_ok() {
            assert_eq!(tape.position().object, object);
        }
    }
    let _ = tape.space_filemarks(-2);
    let _ = tape.space_blocks(3);
    let mut sealed = Vec::new();
    let _ = tape.read_sealed(&mut sealed);
    let at = tape.position().object;
    if tape.write_block(&[1; 10]).is_ok() {
        assert_eq!(tape.objects(), at + 1);
    }
    let _ = tape.refresh();
}

/// The chip's contents, in a cartridge that is otherwise whole: loaded into a drive that is asked for all it knows.
pub fn chip(data: &[u8]) {
    let store = Shared::default();
    if Cartridge::create_in(Box::new(store.clone()), String::new(), blank()).is_err() {
        return;
    }
    if CHIP_PLACE.write(&mut *store.store(), 9, data).is_err() {
        return;
    }
    let Ok(tape) = Cartridge::open_in(Box::new(store), String::new()) else {
        return;
    };
    let timing = Timing {
        clock: Arc::new(VirtualClock::default()),
        pace: Pace::Instant,
    };
    if let Some(drive) = EmulatedDrive::lto(8, "FUZZ", DriveQuirks::default(), timing) {
        drive.insert(Box::new(tape));
        ask(drive.connect());
        let _ = drive.eject();
    }
}

fn ask(device: impl Transport + 'static) {
    let options = DriveOptions {
        clock: Box::new(VirtualClock::default()),
        ..DriveOptions::default()
    };
    let Ok(mut drive) = Drive::open(device, options) else {
        return;
    };
    let _ = drive.status();
    let _ = drive.cartridge_memory();
    let _ = drive.volume_statistics();
    if let Ok(begin) = drive.rewind() {
        if let Ok(mut file) = drive.write_file(begin) {
            let _ = file.write_block(&[1; 100]);
        }
    }
    let _ = drive.end_of_data();
}

/// `library.json`, the robot's state and a drive's, their lengths in front: whatever can be opened is used.
pub fn library_files(data: &[u8]) {
    let Some((&[a, b, c, d], rest)) = data.split_first_chunk() else {
        return;
    };
    let lengths = [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])];
    let (config, rest) = rest.split_at(usize::from(lengths[0]).min(rest.len()));
    let (changer, drive) = rest.split_at(usize::from(lengths[1]).min(rest.len()));
    let path = std::env::temp_dir().join(format!("ferrite-fuzz-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    let made = crate::library::fuzzed_files(&path, config, changer, drive);
    if made.is_ok() {
        let timing = || {
            Some(Timing {
                clock: Arc::new(VirtualClock::default()),
                pace: Pace::Instant,
            })
        };
        if let Ok(unit) = LogicalUnit::open_with(path.join("changer"), timing()) {
            let options = ChangerOptions {
                clock: Box::new(VirtualClock::default()),
                ..ChangerOptions::default()
            };
            let opened = Changer::open(unit.connect("fuzz"), options);
            if let Ok(mut changer) = opened {
                let _ = changer.status();
                let _ = changer.load(1, 0);
                let _ = changer.unload(0, None);
            }
        }
        if let Ok(unit) = LogicalUnit::open_with(path.join("drive0"), timing()) {
            let mut device = unit.connect("fuzz");
            let ready = test_unit_ready();
            for _ in 0..3 {
                let _ = device.execute(&ready, Data::None, Duration::ZERO);
            }
            ask(device);
        }
    }
    let _ = std::fs::remove_dir_all(&path);
}

/// A recording: what it accepts is replayed to a host.
pub fn recording(data: &[u8]) {
    if let Ok(mut replay) = ReplayTransport::new(data) {
        let mut buffer = [0; 36];
        let cdb = ferrite_scsi::inquiry::InquiryCommand::STANDARD.cdb();
        while replay.remaining() > 0 {
            let before = replay.remaining();
            let _ = replay.execute(&cdb, Data::In(&mut buffer), Duration::ZERO);
            assert_eq!(replay.remaining(), before - 1);
        }
    }
}
