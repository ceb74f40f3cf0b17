//! Several processes at one library, and processes that are killed: real children of this test, killed with SIGKILL.
//!
//! A child is this program again, with [`ROLE`] set; its test is [`child`].

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ferrite_emulator::library::{EmulatedLibrary, LibraryOptions, LogicalUnit, open_device};
use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::command::{
    Locate, LocateTarget, Read, Rewind, Space, Write, WriteFilemarks, test_unit_ready,
};
use ferrite_scsi::encryption::{self, PAGE_STATUS, SecurityProtocolIn, SecurityProtocolOut};
use ferrite_scsi::sense::SenseKey;
use ferrite_scsi::{Cdb, Changer, ChangerOptions, Completion, Data, Place, Status, Transport};
use tempfile::TempDir;

const ROLE: &str = "FERRITE_EMULATOR_TEST_CHILD";
const LIBRARY: &str = "FERRITE_EMULATOR_TEST_LIBRARY";
const BLOCK_BYTES: usize = 32 << 10;
/// First bytes of a block: who wrote it, and its number.
const HEAD_BYTES: usize = 8;

fn library() -> (TempDir, EmulatedLibrary) {
    let directory = tempfile::tempdir().unwrap();
    let options = LibraryOptions {
        slots: 10,
        cartridges: Some(5),
        capacity_bytes: Some(1 << 30),
        ..LibraryOptions::default()
    };
    let library = EmulatedLibrary::create(directory.path().join("lib"), &options).unwrap();
    (directory, library)
}

fn spawn(role: &str, library: &EmulatedLibrary) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(ROLE, role)
        .env(LIBRARY, library.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What children do.
#[test]
fn child() {
    let (Ok(role), Ok(library)) = (std::env::var(ROLE), std::env::var(LIBRARY)) else {
        return;
    };
    let library = EmulatedLibrary::open(library).unwrap();
    let (role, number) = role.split_once(' ').unwrap();
    let number: u8 = number.parse().unwrap();
    match role {
        "append" => append(&library, number, 60),
        "write-and-move" => write_and_move(&library, number),
        "move" => move_around(&library, number, 40),
        "hold-key" => hold_key(&library, number),
        _ => panic!("{role}"),
    }
}

fn send(device: &mut dyn Transport, cdb: &Cdb, data: Data<'_>) -> Completion {
    device.execute(cdb, data, Duration::ZERO).unwrap()
}

fn good(device: &mut dyn Transport, cdb: &Cdb, data: Data<'_>) {
    let completion = send(device, cdb, data);
    assert_eq!(completion.status, Status::Good, "{:?}", completion.sense());
}

fn wait_ready(device: &mut dyn Transport) {
    while send(device, &test_unit_ready(), Data::None).status != Status::Good {}
}

fn block(writer: u8, number: u32) -> Vec<u8> {
    let mut block = vec![writer; BLOCK_BYTES];
    block[4..HEAD_BYTES].copy_from_slice(&number.to_le_bytes());
    block
}

const WRITE: Write = Write {
    fixed: false,
    length: BLOCK_BYTES as u32,
};
const READ: Read = Read {
    fixed: false,
    suppress_incorrect_length: true,
    length: BLOCK_BYTES as u32,
};

/// Writes wherever the tape stands: at its end, as all others do the same.
fn append(library: &EmulatedLibrary, writer: u8, blocks: u32) {
    let mut device = open_device(library.drive_path(0)).unwrap();
    for number in 0..blocks {
        let block = block(writer, number);
        good(&mut *device, &WRITE.cdb(), Data::Out(&block));
    }
}

#[test]
fn processes_take_turns_at_a_drive() {
    const WRITERS: u8 = 4;
    let (_directory, library) = library();
    library
        .insert(Place::Drive(0), &library.remove(Place::Slot(1)).unwrap())
        .unwrap();
    let mut device = open_device(library.drive_path(0)).unwrap();
    wait_ready(&mut *device);
    let children: Vec<Child> = (1..=WRITERS)
        .map(|writer| spawn(&format!("append {writer}"), &library))
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    // Every block of everybody is there, in each writer's order.
    good(&mut *device, &Rewind { immediate: false }.cdb(), Data::None);
    let mut next = [0; WRITERS as usize + 1];
    for _ in 0..u32::from(WRITERS) * 60 {
        let mut buffer = vec![0; BLOCK_BYTES];
        good(&mut *device, &READ.cdb(), Data::In(&mut buffer));
        let writer = buffer[0];
        assert_eq!(buffer, block(writer, next[usize::from(writer)]));
        next[usize::from(writer)] += 1;
    }
    assert_eq!(next[1..], [60; WRITERS as usize]);
}

/// Numbers without an order, the same for every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as u32 % sides
    }

    fn place(&mut self) -> Place {
        match self.throw(16) {
            drive @ 0..2 => Place::Drive(drive),
            slot => Place::Slot(slot - 1),
        }
    }
}

fn changer(library: &EmulatedLibrary) -> Changer {
    let device = open_device(library.changer_path()).unwrap();
    Changer::open(device, ChangerOptions::default()).unwrap()
}

/// Moves whatever can be moved; others do the same, so much is refused.
fn move_around(library: &EmulatedLibrary, seed: u8, moves: u32) {
    let mut changer = changer(library);
    let mut dice = Dice(u64::from(seed) * 7919);
    for _ in 0..moves {
        let _ = match (dice.place(), dice.place()) {
            (Place::Slot(from), Place::Slot(to)) => changer.transfer(from, to).map(|_| ()),
            (Place::Slot(slot), Place::Drive(drive)) => changer.load(slot, drive).map(|_| ()),
            (Place::Drive(drive), _) => changer.unload(drive, None).map(|_| ()),
            _ => Ok(()),
        };
    }
}

/// Every cartridge is somewhere, and nowhere twice; drives hold what the robot says they hold.
fn assert_consistent(library: &EmulatedLibrary) {
    let mut found: Vec<String> = Vec::new();
    for slot in 1..=u32::from(library.slots() + library.import_export_slots()) {
        found.extend(library.content(Place::Slot(slot)).unwrap());
    }
    for drive in 0..u32::from(library.drives()) {
        let content = library.content(Place::Drive(drive)).unwrap();
        let mut device = open_device(library.drive_path(drive as u16)).unwrap();
        let answer = loop {
            let completion = send(&mut *device, &test_unit_ready(), Data::None);
            match completion.sense() {
                Some(Ok(sense)) if sense.key == SenseKey::UnitAttention => {}
                _ => break completion,
            }
        };
        let empty = matches!(answer.sense(), Some(Ok(sense)) if sense.code == AdditionalSense::MEDIUM_NOT_PRESENT);
        // A cleaning cartridge that has done its work looks like none.
        let cleaning = content.as_deref().is_some_and(|tag| tag.starts_with("CLN"));
        assert!(
            cleaning || empty == content.is_none(),
            "drive {drive}: {content:?}"
        );
        found.extend(content);
    }
    found.sort_unstable();
    let all: Vec<String> = library
        .cartridges()
        .unwrap()
        .into_iter()
        .map(|cartridge| cartridge.chip.barcode)
        .collect();
    assert_eq!(found, all);
}

#[test]
fn processes_take_turns_at_the_robot() {
    let (_directory, library) = library();
    let children: Vec<Child> = (1..=3)
        .map(|seed| spawn(&format!("move {seed}"), &library))
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_consistent(&library);
}

/// Never ends by itself.
fn write_and_move(library: &EmulatedLibrary, seed: u8) {
    let mut robot = changer(library);
    let mut dice = Dice(u64::from(seed) * 104_729 + 1);
    let mut number = 0;
    loop {
        let slot = dice.throw(5) + 1;
        if robot.load(slot, 0).is_err() {
            let _ = robot.unload(0, None);
            continue;
        }
        let mut device = open_device(library.drive_path(0)).unwrap();
        wait_ready(&mut *device);
        let at = Locate {
            target: LocateTarget::Object(u64::from(dice.throw(400))),
            immediate: false,
        };
        let _ = send(&mut *device, &at.cdb(), Data::None);
        for _ in 0..dice.throw(300) {
            let block = block(seed, number);
            good(&mut *device, &WRITE.cdb(), Data::Out(&block));
            number += 1;
        }
        let mark = WriteFilemarks {
            count: 1,
            immediate: dice.throw(2) == 0,
        };
        good(&mut *device, &mark.cdb(), Data::None);
        drop(device);
        let _ = robot.unload(0, None);
    }
}

/// All blocks of a tape are whole.
fn assert_readable(library: &EmulatedLibrary, slot: u32) {
    let mut robot = changer(library);
    robot.load(slot, 1).unwrap();
    let mut device = open_device(library.drive_path(1)).unwrap();
    wait_ready(&mut *device);
    let mut buffer = vec![0; BLOCK_BYTES];
    loop {
        let completion = send(&mut *device, &READ.cdb(), Data::In(&mut buffer));
        match completion.sense() {
            None => {
                let mut number = [0; 4];
                number.copy_from_slice(&buffer[4..HEAD_BYTES]);
                assert_eq!(buffer, block(buffer[0], u32::from_le_bytes(number)));
            }
            Some(Ok(sense)) if sense.filemark => {}
            Some(Ok(sense)) if sense.key == SenseKey::BlankCheck => break,
            Some(other) => panic!("{other:?}"),
        }
    }
    // And it can be written on.
    let block = block(9, 9);
    good(&mut *device, &WRITE.cdb(), Data::Out(&block));
    drop(device);
    robot.unload(1, Some(slot)).unwrap();
}

#[test]
fn a_killed_process_leaves_a_whole_library() {
    let kills = if std::env::var_os("FERRITE_LONG").is_some() {
        200
    } else {
        12
    };
    let (_directory, library) = library();
    let mut dice = Dice(4711);
    for kill in 0..kills {
        let mut child = spawn(&format!("write-and-move {}", kill % 200 + 1), &library);
        std::thread::sleep(Duration::from_millis(15 + u64::from(dice.throw(70))));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_consistent(&library);
        let mut robot = changer(&library);
        let _ = robot.unload(0, None);
        for slot in 1..=10 {
            let content = library.content(Place::Slot(slot)).unwrap();
            if content.is_some_and(|tag| !tag.starts_with("CLN")) {
                assert_readable(&library, slot);
            }
        }
    }
}

/// A process that was killed after the robot's file was written, and before the drive's.
#[test]
fn a_drive_that_was_not_told_gets_its_cartridge() {
    let (_directory, library) = library();
    let path = library.drive_path(0);
    let before = std::fs::read(&path).unwrap();
    let mut robot = changer(&library);
    robot.load(1, 0).unwrap();
    std::fs::write(&path, &before).unwrap();
    assert_consistent(&library);
    assert_readable(&library, 2);
    let mut device = open_device(&path).unwrap();
    wait_ready(&mut *device);
    // The other way: the drive has let it go, and the robot's file still says that it is there.
    let robots = std::fs::read(library.changer_path()).unwrap();
    robot.unload(0, Some(1)).unwrap();
    std::fs::write(library.changer_path(), &robots).unwrap();
    assert_eq!(
        library.content(Place::Drive(0)).unwrap().as_deref(),
        Some("FER001L8")
    );
    assert_consistent(&library);
    wait_ready(&mut *open_device(&path).unwrap());
}

/// Whoever has the device file locked, has the device.
#[test]
fn commands_wait_for_the_lock() {
    let (_directory, library) = library();
    for path in [library.drive_path(0), library.changer_path()] {
        let mut device = open_device(&path).unwrap();
        let file = std::fs::File::open(&path).unwrap();
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockShared).unwrap();
        let asking = std::thread::spawn(move || {
            let _ = send(&mut *device, &test_unit_ready(), Data::None);
        });
        std::thread::sleep(Duration::from_millis(100));
        assert!(!asking.is_finished(), "{}", path.display());
        rustix::fs::flock(&file, rustix::fs::FlockOperation::Unlock).unwrap();
        asking.join().unwrap();
    }
}

fn set_key(device: &mut dyn Transport, key: u8) {
    let list = encryption::enable_page(1, &[key; 32]);
    let length = list.len() as u32;
    good(
        device,
        &SecurityProtocolOut { length }.cdb(),
        Data::Out(&list),
    );
}

/// Sets a key for itself, or for all, says so, and waits to be killed.
fn hold_key(library: &EmulatedLibrary, scope: u8) {
    let unit = LogicalUnit::open(library.drive_path(0)).unwrap();
    let mut device: Box<dyn Transport> = Box::new(unit.connect("the killed one"));
    wait_ready(&mut *device);
    let mut list = encryption::enable_page(1, &[7; 32]);
    list[4] = scope << 5;
    let length = list.len() as u32;
    good(
        &mut *device,
        &SecurityProtocolOut { length }.cdb(),
        Data::Out(&list),
    );
    std::fs::write(library.path().join("cartridges/../ready"), b"").unwrap();
    std::thread::sleep(Duration::from_secs(60));
}

fn encryption_modes(device: &mut dyn Transport) -> (u8, u8) {
    let mut page = [0; 64];
    let command = SecurityProtocolIn {
        page: PAGE_STATUS,
        allocation: 64,
    };
    loop {
        if send(device, &command.cdb(), Data::In(&mut page)).status == Status::Good {
            return (page[5], page[6]);
        }
    }
}

fn with_killed_key_holder(scope: u8, check: impl FnOnce(&EmulatedLibrary)) {
    let (_directory, library) = library();
    library
        .insert(Place::Drive(0), &library.remove(Place::Slot(1)).unwrap())
        .unwrap();
    let mut child = spawn(&format!("hold-key {scope}"), &library);
    let ready = library.path().join("ready");
    let start = Instant::now();
    while !Path::new(&ready).exists() {
        assert!(start.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    check(&library);
}

#[test]
fn a_key_for_all_outlives_its_process_until_it_is_cleared() {
    with_killed_key_holder(2, |library| {
        let mut device = open_device(library.drive_path(0)).unwrap();
        assert_eq!(encryption_modes(&mut *device), (2, 3));
        // The next host clears it, as Ferrite's does when it opens a drive.
        let list = encryption::disable_page(1);
        let length = list.len() as u32;
        good(
            &mut *device,
            &SecurityProtocolOut { length }.cdb(),
            Data::Out(&list),
        );
        assert_eq!(encryption_modes(&mut *device), (0, 0));
        // Nothing of it is left in the drive's file.
        let file = std::fs::read(library.drive_path(0)).unwrap();
        let newest = b"\"key\":[7,7,7";
        let left = file.windows(newest.len()).any(|window| window == newest);
        assert!(!left);
    });
}

#[test]
fn a_key_of_one_initiator_is_of_no_use_to_others() {
    with_killed_key_holder(1, |library| {
        let mut device = open_device(library.drive_path(0)).unwrap();
        assert_eq!(encryption_modes(&mut *device), (0, 0));
        library.power_cycle_drive(0).unwrap();
        let unit = LogicalUnit::open(library.drive_path(0)).unwrap();
        let mut again = unit.connect("the killed one");
        assert_eq!(encryption_modes(&mut again), (0, 0));
        wait_ready(&mut *device);
        set_key(&mut *device, 8);
        assert_eq!(encryption_modes(&mut *device), (2, 3));
    });
}

#[test]
fn a_drive_that_is_asked_by_somebody_else_keeps_its_place() {
    let (_directory, library) = library();
    library
        .insert(Place::Drive(0), &library.remove(Place::Slot(1)).unwrap())
        .unwrap();
    let mut first = open_device(library.drive_path(0)).unwrap();
    let mut second = open_device(library.drive_path(0)).unwrap();
    wait_ready(&mut *first);
    for number in 0..10 {
        let block = block(1, number);
        good(&mut *first, &WRITE.cdb(), Data::Out(&block));
    }
    // One drive, one position.
    good(&mut *second, &Rewind { immediate: false }.cdb(), Data::None);
    let mut buffer = vec![0; BLOCK_BYTES];
    for number in 0..3 {
        let device = if number == 1 { &mut second } else { &mut first };
        good(&mut **device, &READ.cdb(), Data::In(&mut buffer));
        assert_eq!(buffer, block(1, number));
    }
    good(&mut *second, &Space::END_OF_DATA.cdb(), Data::None);
    let end = send(&mut *first, &READ.cdb(), Data::In(&mut buffer));
    assert!(matches!(end.sense(), Some(Ok(sense)) if sense.key == SenseKey::BlankCheck));
}
