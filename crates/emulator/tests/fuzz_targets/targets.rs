//! Fuzz targets: the json files of a virtual drive, and commands of an initiator that knows no rules.

use std::path::Path;
use std::time::Duration;

pub use ferrite_emulator::fuzzing::{cartridge_file, chip, library_files, recording};
use ferrite_emulator::pbs::BLOCK_BYTES;
use ferrite_emulator::{
    Cartridge, CartridgeKind, Chip, DriveQuirks, EmulatedDrive, Identity, NullCapacity, NullMedium,
    PbsDirectory, PbsDirectoryOptions, Timing, list_slots,
};
use ferrite_scsi::drive::{Drive, DriveOptions};
use ferrite_scsi::{Cdb, Data, ScsiError, Status, Transport};

/// Reads hostile bytes, or refuses them.
pub type Target = fn(&[u8]);

/// Every target with its name.
pub const TARGETS: &[(&str, Target)] = &[
    ("virtual-drive", virtual_drive),
    ("emulated-drive", emulated_drive),
    ("lto-drive", lto_drive),
    ("cartridge-file", cartridge_file),
    ("cartridge-chip", chip),
    ("library-files", library_files),
    ("scsi-recording", recording),
];

/// Files of the tape in a [`virtual_drive`].
const TAPE_FILES: u64 = 2;

/// `drive-status.json` and `tape-A.json`, their lengths in the first two bytes; what follows is a label to load. The
/// drive is opened, and the tape read as far as it goes.
pub fn virtual_drive(data: &[u8]) {
    let Some((&[status, index], rest)) = data.split_first_chunk() else {
        return;
    };
    let (status, rest) = rest.split_at(usize::from(status).min(rest.len()));
    let (index, label) = rest.split_at(usize::from(index).min(rest.len()));
    if takes_long(index) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| {
        std::fs::write(directory.path().join(name), content).unwrap();
    };
    write("drive-status.json", status);
    write("tape-A.json", index);
    for number in 0..TAPE_FILES {
        let length = BLOCK_BYTES / 2 * (number as usize + 2);
        write(&format!("tapefile-{number}-A.json"), &vec![1; length]);
    }
    let _ = use_drive(directory.path(), &String::from_utf8_lossy(label));
}

/// An index of some 100,000 files is allowed, and takes a second for looking at them.
fn takes_long(index: &[u8]) -> bool {
    index
        .split(|byte| !byte.is_ascii_digit())
        .any(|digits| (4..=7).contains(&digits.len()))
}

fn use_drive(path: &Path, label: &str) -> Result<(), Box<dyn std::error::Error>> {
    let options = PbsDirectoryOptions {
        max_bytes: 8 * BLOCK_BYTES as u64,
        lock_timeout: Duration::ZERO,
        ..PbsDirectoryOptions::default()
    };
    if let Ok(slots) = list_slots(path) {
        assert!(slots.slots.len() % 8 == 0 && slots.slots.len() <= 8);
    }
    let library = PbsDirectory::open(path, options)?;
    let mut drive = Drive::open(library.connect(), DriveOptions::default())?;
    let _ = drive.status();
    let _ = read_tape(&mut drive);
    library.slots()?;
    library.load("A")?;
    let _ = read_tape(&mut drive);
    library.unload()?;
    // A label may lead nowhere outside of the directory.
    if library.load(label).is_ok() {
        assert!(path.join(format!("tape-{label}.json")).is_file());
        assert!(!label.contains('/'));
    }
    Ok(())
}

fn read_tape(drive: &mut Drive) -> Result<(), ScsiError> {
    drive.prepare()?;
    let mut block = vec![0; BLOCK_BYTES];
    for file in 0..=TAPE_FILES {
        let start = drive.locate(file)?;
        let mut reader = drive.read_file(start)?;
        while reader.read_block(&mut block)? == ferrite_scsi::BlockRead::Block {}
        let _ = reader.finish()?;
    }
    let _ = drive.last_file()?;
    Ok(())
}

/// Commands, each with its length in front and the data it sends or the room for its answer behind: whatever they are,
/// the drive answers each, with sense data that a host can read.
pub fn emulated_drive(data: &[u8]) {
    let drive = EmulatedDrive::new(Identity::virtual_drive("FUZZ"));
    drive.insert(Box::new(NullMedium::with_capacity(NullCapacity {
        bytes: 4096,
        early_warning_bytes: 1024,
    })));
    commands(&drive, data);
}

/// The same to an LTO drive with a small cartridge.
pub fn lto_drive(data: &[u8]) {
    let drive = EmulatedDrive::lto(8, "FUZZ", DriveQuirks::default(), Timing::default()).unwrap();
    let chip = Chip::new(CartridgeKind::Data, 8, "FUZZ01L8", 64 << 10);
    drive.insert(Box::new(Cartridge::in_memory(chip).unwrap()));
    commands(&drive, data);
}

fn commands(drive: &EmulatedDrive, data: &[u8]) {
    let mut connections = [drive.connect(), drive.connect()];
    let mut rest = data;
    while let Some((&head, tail)) = rest.split_first() {
        let (cdb, tail) = tail.split_at((usize::from(head & 0x0F) + 1).min(tail.len()));
        let (length, tail) = tail.split_first().unwrap_or((&0, &[]));
        let connection = &mut connections[usize::from(head >> 7)];
        let Some(cdb) = Cdb::from_bytes(cdb) else {
            return;
        };
        rest = tail;
        if head & 0x40 == 0 {
            let mut answer = vec![0; usize::from(*length) * 4];
            answer_is_sound(connection, &cdb, Data::In(&mut answer));
        } else {
            let (sent, tail) = tail.split_at(usize::from(*length).min(tail.len()));
            answer_is_sound(connection, &cdb, Data::Out(sent));
            rest = tail;
        }
    }
}

fn answer_is_sound(connection: &mut impl Transport, cdb: &Cdb, data: Data<'_>) {
    let length = data.len();
    let completion = connection.execute(cdb, data, Duration::ZERO).unwrap();
    assert!(completion.residual <= length, "{cdb:?}");
    match completion.status {
        Status::CheckCondition => assert!(matches!(completion.sense(), Some(Ok(_))), "{cdb:?}"),
        // The other initiator has reserved the drive.
        Status::ReservationConflict => assert_eq!(completion.residual, length),
        status => assert_eq!(status, Status::Good, "{cdb:?}"),
    }
}
