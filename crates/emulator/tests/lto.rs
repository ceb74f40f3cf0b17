//! What LTO drives do beyond what the conformance suites ask: time, wear, keys of several initiators, resets, quirks, old tapes.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use ferrite_emulator::cartridge::MemoryStore;
use ferrite_emulator::wrappers::DelayTransport;
use ferrite_emulator::{
    Cartridge, CartridgeKind, Chip, Connection, Damage, DriveQuirks, EmulatedDrive, EmulatorClock,
    EncryptionControl, Pace, Timing, VirtualClock,
};
use ferrite_scsi::asc::AdditionalSense as A;
use ferrite_scsi::clock::Clock;
use ferrite_scsi::command::{
    LoadUnload, Locate, LocateTarget, Read, Rewind, Space, Write, WriteFilemarks, test_unit_ready,
};
use ferrite_scsi::drive::{BlockRead, Drive, DriveOptions, SettingsChange};
use ferrite_scsi::encryption::{self, PAGE_STATUS, SecurityProtocolIn, SecurityProtocolOut};
use ferrite_scsi::log::Activity;
use ferrite_scsi::mode::{ModeForm, ModeSense, page};
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::sense::{Sense, SenseKey as K};
use ferrite_scsi::{Cdb, Completion, Data, Status, Transport};

const BLOCK_BYTES: usize = 64 << 10;
const CAPACITY_BYTES: u64 = 64 << 20;

fn chip(kind: CartridgeKind, generation: u8) -> Chip {
    Chip::new(kind, generation, "TAPE01", CAPACITY_BYTES)
}

fn cartridge(chip: Chip) -> Box<Cartridge> {
    Box::new(Cartridge::in_memory(chip).unwrap())
}

fn drive_with(quirks: DriveQuirks, timing: Timing, generation: u8) -> EmulatedDrive {
    EmulatedDrive::lto(generation, "SERIAL0001", quirks, timing).unwrap()
}

fn loaded() -> EmulatedDrive {
    let drive = drive_with(DriveQuirks::default(), Timing::default(), 8);
    drive.insert(cartridge(chip(CartridgeKind::Data, 8)));
    drive
}

fn slow(generation: u8) -> (EmulatedDrive, VirtualClock) {
    let clock = VirtualClock::default();
    // Somewhere behind the epoch, as real clocks are.
    clock.advance(Duration::from_secs(1_000_000));
    let timing = Timing {
        clock: Arc::new(clock.clone()),
        pace: Pace::Faster(1.0),
    };
    (
        drive_with(DriveQuirks::default(), timing, generation),
        clock,
    )
}

fn open(drive: &EmulatedDrive) -> Drive {
    Drive::open(drive.connect(), DriveOptions::default()).unwrap()
}

fn open_on(drive: &EmulatedDrive, clock: &VirtualClock) -> Drive {
    let options = DriveOptions {
        clock: Box::new(clock.clone()),
        ..DriveOptions::default()
    };
    Drive::open(drive.connect(), options).unwrap()
}

fn send(connection: &mut Connection, cdb: &Cdb, data: Data<'_>) -> Completion {
    connection.execute(cdb, data, Duration::ZERO).unwrap()
}

fn run(connection: &mut Connection, cdb: &Cdb) -> Completion {
    send(connection, cdb, Data::None)
}

#[track_caller]
fn sense(completion: &Completion) -> Sense {
    completion.sense().unwrap().unwrap()
}

#[track_caller]
fn assert_sense(completion: &Completion, key: K, code: A) {
    assert!(sense(completion).is(key, code), "{}", sense(completion));
}

#[track_caller]
fn assert_good(completion: &Completion) {
    assert_eq!(completion.status, Status::Good, "{:?}", completion.sense());
}

fn ready(drive: &EmulatedDrive) -> Connection {
    let mut connection = drive.connect();
    while run(&mut connection, &test_unit_ready()).status != Status::Good {}
    connection
}

fn write_cdb(bytes: usize) -> Cdb {
    Write {
        fixed: false,
        length: bytes as u32,
    }
    .cdb()
}

fn read_cdb(bytes: usize) -> Cdb {
    Read {
        fixed: false,
        suppress_incorrect_length: false,
        length: bytes as u32,
    }
    .cdb()
}

const REWIND: Rewind = Rewind { immediate: false };

fn write(connection: &mut Connection, byte: u8) -> Completion {
    let block = vec![byte; BLOCK_BYTES];
    send(connection, &write_cdb(BLOCK_BYTES), Data::Out(&block))
}

fn read(connection: &mut Connection) -> (Completion, Vec<u8>) {
    let mut block = vec![0; BLOCK_BYTES];
    let completion = send(connection, &read_cdb(BLOCK_BYTES), Data::In(&mut block));
    (completion, block)
}

#[test]
fn loading_takes_its_time_and_is_announced() {
    let (drive, clock) = slow(8);
    let mut connection = drive.connect();
    assert_sense(
        &run(&mut connection, &test_unit_ready()),
        K::UnitAttention,
        A::POWER_ON_OR_RESET,
    );
    drive.insert(cartridge(chip(CartridgeKind::Data, 8)));
    let waiting = run(&mut connection, &test_unit_ready());
    assert_sense(&waiting, K::NotReady, A::BECOMING_READY);
    assert_eq!(sense(&waiting).progress, Some(0));
    clock.advance(Duration::from_secs(7));
    let waiting = run(&mut connection, &test_unit_ready());
    assert!((20_000..40_000).contains(&sense(&waiting).progress.unwrap()));
    clock.advance(Duration::from_secs(20));
    assert_sense(
        &run(&mut connection, &test_unit_ready()),
        K::UnitAttention,
        A::MEDIUM_MAY_HAVE_CHANGED,
    );
    assert_good(&run(&mut connection, &test_unit_ready()));
    // Ejecting takes time too, and the cartridge stays where it is.
    let unload = LoadUnload {
        load: false,
        immediate: true,
    };
    assert_good(&run(&mut connection, &unload.cdb()));
    assert_sense(
        &run(&mut connection, &test_unit_ready()),
        K::NotReady,
        A::BECOMING_READY,
    );
    clock.advance(Duration::from_secs(60));
    assert_sense(
        &run(&mut connection, &test_unit_ready()),
        K::NotReady,
        A::MEDIUM_NOT_PRESENT,
    );
    let load = LoadUnload {
        load: true,
        immediate: false,
    };
    let before = EmulatorClock::now(&clock);
    assert_good(&run(&mut connection, &load.cdb()));
    assert!(EmulatorClock::now(&clock) - before > Duration::from_secs(10));
}

#[test]
fn a_new_lto9_tape_is_measured_once() {
    let (drive, clock) = slow(9);
    drive.insert(cartridge(chip(CartridgeKind::Data, 9)));
    let mut host = open_on(&drive, &clock);
    assert_eq!(
        host.device_status().unwrap().activity,
        Activity::Calibrating
    );
    let start = Clock::now(&clock);
    // The host knows that this may take longer than any other load.
    host.prepare().unwrap();
    assert!(Clock::now(&clock) - start > Duration::from_secs(3000));
    let tape = drive.take_out().unwrap();
    drive.insert(tape);
    let start = Clock::now(&clock);
    host.prepare().unwrap();
    assert!(Clock::now(&clock) - start < Duration::from_secs(60));
}

#[test]
fn movements_are_queued_or_go_on_by_themselves() {
    let (drive, clock) = slow(8);
    drive.insert(cartridge(chip(CartridgeKind::Data, 8)));
    clock.advance(Duration::from_secs(60));
    let mut connection = ready(&drive);
    for byte in 0..200 {
        assert_good(&write(&mut connection, byte));
    }
    let immediate = Rewind { immediate: true };
    assert_good(&run(&mut connection, &immediate.cdb()));
    let busy = read(&mut connection).0;
    assert_sense(&busy, K::NotReady, A::NOT_READY_OPERATION_IN_PROGRESS);
    // What the drive does can be asked meanwhile.
    let mut host = open_on(&drive, &clock);
    assert_eq!(host.device_status().unwrap().activity, Activity::Rewinding);
    clock.advance(Duration::from_secs(200));
    assert_good(&read(&mut connection).0);
    // Without IMMED the command itself lasts.
    assert_good(&run(&mut connection, &Space::END_OF_DATA.cdb()));
    let before = EmulatorClock::now(&clock);
    assert_good(&run(&mut connection, &REWIND.cdb()));
    assert!(EmulatorClock::now(&clock) - before > Duration::from_secs(2));
}

#[test]
fn tapes_stream_and_hitch() {
    let (drive, clock) = slow(8);
    let mut chip = chip(CartridgeKind::Data, 8);
    chip.capacity_bytes = 2 << 30;
    drive.insert(cartridge(chip));
    clock.advance(Duration::from_secs(60));
    let mut connection = ready(&drive);
    let block = vec![1; 1 << 20];
    let cdb = write_cdb(1 << 20);
    let before = EmulatorClock::now(&clock);
    for _ in 0..1024 {
        assert_good(&send(&mut connection, &cdb, Data::Out(&block)));
    }
    let took = EmulatorClock::now(&clock) - before;
    let mut host = open_on(&drive, &clock);
    assert_eq!(host.device_status().unwrap().activity, Activity::Writing);
    // 1 GiB at 360 MB/s, less what the buffer of 256 MiB takes.
    assert!(
        (Duration::from_millis(2100)..Duration::from_millis(2400)).contains(&took),
        "{took:?}"
    );
    // A pause empties the buffer: the tape has to stop and start again.
    clock.advance(Duration::from_secs(10));
    let before = EmulatorClock::now(&clock);
    assert_good(&send(&mut connection, &cdb, Data::Out(&block)));
    let took = EmulatorClock::now(&clock) - before;
    assert!(took >= Duration::from_secs(2), "{took:?}");
    // A slow connection in front of it costs its own time.
    let mut slow = DelayTransport::connection(
        connection,
        Arc::new(clock.clone()),
        100_000_000,
        Duration::from_millis(1),
    );
    let before = EmulatorClock::now(&clock);
    let _ = slow
        .execute(&cdb, Data::Out(&block), Duration::ZERO)
        .unwrap();
    assert!(EmulatorClock::now(&clock) - before > Duration::from_millis(11));
}

fn set_key(connection: &mut Connection, key: u8, scope: u8) {
    const SCOPE_BYTE: usize = 4;
    let mut list = encryption::enable_page(1, &[key; 32]);
    list[SCOPE_BYTE] = scope << 5;
    let cdb = SecurityProtocolOut {
        length: list.len() as u32,
    }
    .cdb();
    assert_good(&send(connection, &cdb, Data::Out(&list)));
}

fn encryption_status(connection: &mut Connection) -> Vec<u8> {
    let mut data = vec![0; 64];
    let cdb = SecurityProtocolIn {
        page: PAGE_STATUS,
        allocation: 64,
    }
    .cdb();
    assert_good(&send(connection, &cdb, Data::In(&mut data)));
    data
}

const NEXUS: u8 = 1;
const EVERYBODY: u8 = 2;

#[test]
fn keys_belong_to_an_initiator_or_to_all() {
    let drive = loaded();
    let (mut first, mut second) = (ready(&drive), ready(&drive));
    set_key(&mut first, 7, NEXUS);
    assert_good(&write(&mut first, 1));
    assert_good(&run(&mut first, &REWIND.cdb()));
    assert_sense(&read(&mut second).0, K::DataProtect, A::UNABLE_TO_DECRYPT);
    let (completion, block) = read(&mut first);
    assert_good(&completion);
    assert_eq!(block, vec![1; BLOCK_BYTES]);
    assert_eq!(encryption_status(&mut first)[4..8], [0x21, 2, 3, 1]);
    assert_eq!(encryption_status(&mut second)[4..8], [0x00, 0, 0, 0]);
    // For all: others hear of it, and have it.
    set_key(&mut first, 7, EVERYBODY);
    assert_sense(
        &run(&mut second, &test_unit_ready()),
        K::UnitAttention,
        A::ENCRYPTION_CHANGED_BY_OTHER,
    );
    assert_good(&run(&mut second, &REWIND.cdb()));
    assert_good(&read(&mut second).0);
    // It stays when the one who set it is gone: the next one has to clear it.
    drop(first);
    assert_eq!(encryption_status(&mut second)[4..8], [0x42, 2, 3, 1]);
    drive.reset(A::DEVICE_RESET);
    assert_sense(
        &run(&mut second, &test_unit_ready()),
        K::UnitAttention,
        A::DEVICE_RESET,
    );
    assert_eq!(encryption_status(&mut second)[4..8], [0x00, 0, 0, 0]);
    // One's own ends with its owner.
    let mut third = ready(&drive);
    set_key(&mut third, 9, NEXUS);
    drop(third);
    let mut fourth = ready(&drive);
    assert_eq!(encryption_status(&mut fourth)[4..8], [0x00, 0, 0, 0]);
}

#[test]
fn a_condition_that_was_not_heard_of_yet_is_not_told_twice() {
    let drive = loaded();
    let (mut first, mut second) = (ready(&drive), ready(&drive));
    for key in [7, 8, 9] {
        set_key(&mut first, key, EVERYBODY);
    }
    assert_sense(
        &run(&mut second, &test_unit_ready()),
        K::UnitAttention,
        A::ENCRYPTION_CHANGED_BY_OTHER,
    );
    assert_good(&run(&mut second, &test_unit_ready()));
    // Heard of, it is news again; another one comes behind it.
    set_key(&mut first, 7, EVERYBODY);
    drive.eject().unwrap();
    drive.insert(cartridge(chip(CartridgeKind::Data, 8)));
    for code in [A::ENCRYPTION_CHANGED_BY_OTHER, A::MEDIUM_MAY_HAVE_CHANGED] {
        assert_sense(
            &run(&mut second, &test_unit_ready()),
            K::UnitAttention,
            code,
        );
    }
    assert_good(&run(&mut second, &test_unit_ready()));
}

#[test]
fn a_library_may_decide_about_encryption_or_nobody() {
    let controlled = |encryption| {
        let quirks = DriveQuirks {
            encryption,
            ..DriveQuirks::default()
        };
        drive_with(quirks, Timing::default(), 8)
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("TAPE01");
    let library = controlled(EncryptionControl::Library);
    library.insert(Box::new(
        Cartridge::create(&path, chip(CartridgeKind::Data, 8)).unwrap(),
    ));
    let mut host = ready(&library);
    assert_eq!(encryption_status(&mut host)[4..7], [0x42, 2, 3]);
    assert_good(&write(&mut host, 0x5A));
    assert_good(&run(&mut host, &REWIND.cdb()));
    assert_eq!(read(&mut host).1, vec![0x5A; BLOCK_BYTES]);
    let mut drive = open(&library);
    drive.prepare().unwrap();
    drive.clear_encryption_key().unwrap();
    assert!(drive.encryption_managed_elsewhere());
    assert!(drive.set_encryption_key(&[7; 32]).is_err());
    drop((drive, host));
    library.eject().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(64).any(|window| window == [0x5A; 64]));

    // Another drive has the cartridge and not the library's key.
    let other = drive_with(DriveQuirks::default(), Timing::default(), 8);
    other.insert(Box::new(Cartridge::open(&path).unwrap()));
    assert_sense(
        &read(&mut ready(&other)).0,
        K::DataProtect,
        A::UNABLE_TO_DECRYPT,
    );

    let nobody = controlled(EncryptionControl::None);
    nobody.insert(cartridge(chip(CartridgeKind::Data, 8)));
    let mut drive = open(&nobody);
    drive.prepare().unwrap();
    drive.clear_encryption_key().unwrap();
    assert!(!drive.encryption_managed_elsewhere());
    let error = drive.encryption_mode().unwrap_err();
    assert!(error.is_refused_function(), "{error}");
}

#[test]
fn ten_wrong_keys_are_enough() {
    let drive = loaded();
    let mut connection = ready(&drive);
    set_key(&mut connection, 7, EVERYBODY);
    assert_good(&write(&mut connection, 1));
    assert_good(&run(&mut connection, &REWIND.cdb()));
    set_key(&mut connection, 8, EVERYBODY);
    for _ in 0..10 {
        assert_sense(&read(&mut connection).0, K::DataProtect, A::INCORRECT_KEY);
    }
    let list = encryption::enable_page(1, &[7; 32]);
    let cdb = SecurityProtocolOut {
        length: list.len() as u32,
    }
    .cdb();
    let refused = send(&mut connection, &cdb, Data::Out(&list));
    assert_sense(&refused, K::DataProtect, A::KEY_FAIL_LIMIT);
    let tape = drive.take_out().unwrap();
    drive.insert(tape);
    let mut connection = ready(&drive);
    set_key(&mut connection, 7, EVERYBODY);
    assert_good(&read(&mut connection).0);
}

/// A file of a cartridge that was written with a key.
fn encrypted_file(directory: &std::path::Path) -> std::path::PathBuf {
    let path = directory.join("cartridge");
    let tape = Cartridge::create(&path, chip(CartridgeKind::Data, 8)).unwrap();
    let drive = drive_with(DriveQuirks::default(), Timing::default(), 8);
    drive.insert(Box::new(tape));
    let mut connection = ready(&drive);
    set_key(&mut connection, 7, EVERYBODY);
    assert_good(&write(&mut connection, 0xA5));
    drive.eject().unwrap();
    path
}

#[test]
fn the_file_of_an_encrypted_tape_has_nothing_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = encrypted_file(directory.path());
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.len() > BLOCK_BYTES);
    let longest = bytes
        .chunk_by(|a, b| a == b && *a == 0xA5)
        .map(<[u8]>::len)
        .max();
    assert!(longest < Some(16), "{longest:?}");
    let key = bytes
        .chunk_by(|a, b| a == b && *a == 7)
        .map(<[u8]>::len)
        .max();
    assert!(key < Some(16), "{key:?}");
}

#[test]
fn a_changed_ciphertext_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let path = encrypted_file(directory.path());
    let mut tape = Cartridge::open(&path).unwrap();
    tape.corrupt(0).unwrap();
    let drive = drive_with(DriveQuirks::default(), Timing::default(), 8);
    drive.insert(Box::new(tape));
    let mut connection = ready(&drive);
    set_key(&mut connection, 7, EVERYBODY);
    assert_sense(
        &read(&mut connection).0,
        K::DataProtect,
        A::INTEGRITY_VALIDATION_FAILED,
    );
    // The chip remembers where encryption begins.
    let mut host = open(&drive);
    let first = host
        .attributes()
        .unwrap()
        .into_iter()
        .find(|attribute| attribute.id == 0x0224)
        .unwrap();
    assert_eq!(first.value, [0; 8]);
}

#[test]
fn power_cuts_take_what_was_not_flushed() {
    let drive = loaded();
    let mut connection = ready(&drive);
    assert_good(&write(&mut connection, 1));
    assert_good(&run(&mut connection, &WriteFilemarks::SYNC.cdb()));
    assert_good(&write(&mut connection, 2));
    drive.power_cycle();
    let mut connection = ready(&drive);
    assert_good(&read(&mut connection).0);
    assert_sense(&read(&mut connection).0, K::BlankCheck, A::END_OF_DATA);
    let mut host = open(&drive);
    assert!(host.alert_flags().unwrap().contains(50));
    // A reset leaves the tape where nobody knows.
    assert_good(&write(&mut connection, 2));
    drive.reset(A::DEVICE_RESET);
    assert_sense(
        &write(&mut connection, 3),
        K::UnitAttention,
        A::DEVICE_RESET,
    );
    assert_sense(
        &write(&mut connection, 3),
        K::MediumError,
        A::SEQUENTIAL_POSITIONING_ERROR,
    );
    assert!(host.position().is_ok_and(|at| at.object_unknown));
    assert_good(&run(&mut connection, &Space::END_OF_DATA.cdb()));
    assert_good(&write(&mut connection, 3));
}

#[test]
fn reservations() {
    let drive = loaded();
    let (mut owner, mut other) = (ready(&drive), ready(&drive));
    let reserve = Cdb::new([0x16, 0, 0, 0, 0, 0]);
    let release = Cdb::new([0x17, 0, 0, 0, 0, 0]);
    assert_good(&run(&mut owner, &reserve));
    assert_eq!(
        run(&mut other, &test_unit_ready()).status,
        Status::ReservationConflict
    );
    assert_good(&run(&mut other, &release));
    assert_eq!(write(&mut other, 1).status, Status::ReservationConflict);
    assert_good(&write(&mut owner, 1));
    assert_good(&run(&mut owner, &release));
    assert_good(&write(&mut other, 1));
}

fn persistent(connection: &mut Connection, action: u8, kind: u8, key: u64, new: u64) -> Completion {
    let mut list = [0; 24];
    list[..8].copy_from_slice(&key.to_be_bytes());
    list[8..16].copy_from_slice(&new.to_be_bytes());
    let cdb = Cdb::new([0x5F, action, kind, 0, 0, 0, 0, 0, 24, 0]);
    send(connection, &cdb, Data::Out(&list))
}

fn persistent_in(connection: &mut Connection, action: u8) -> Vec<u8> {
    let mut data = vec![0; 64];
    let cdb = Cdb::new([0x5E, action, 0, 0, 0, 0, 0, 0, 64, 0]);
    let completion = send(connection, &cdb, Data::In(&mut data));
    assert_good(&completion);
    data.truncate(64 - completion.residual);
    data
}

#[test]
fn persistent_reservations() {
    const EXCLUSIVE: u8 = 3;
    const WRITE_EXCLUSIVE: u8 = 1;
    const FOR_REGISTRANTS: u8 = 6;
    let drive = loaded();
    let (mut owner, mut other) = (ready(&drive), ready(&drive));
    let conflict = |completion: Completion| {
        assert_eq!(completion.status, Status::ReservationConflict);
    };
    conflict(persistent(&mut owner, 1, EXCLUSIVE, 0, 0));
    assert_good(&persistent(&mut owner, 0, 0, 0, 11));
    conflict(persistent(&mut owner, 1, EXCLUSIVE, 12, 0));
    assert_good(&persistent(&mut owner, 1, EXCLUSIVE, 11, 0));
    assert_eq!(
        persistent_in(&mut other, 0)[4..],
        [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 11]
    );
    assert_eq!(persistent_in(&mut other, 1)[21], EXCLUSIVE);
    conflict(run(&mut other, &test_unit_ready()));
    conflict(write(&mut other, 1));
    assert_good(&write(&mut owner, 1));
    // Reading is allowed while only writing is exclusive.
    assert_good(&persistent(&mut owner, 2, EXCLUSIVE, 11, 0));
    assert_good(&persistent(&mut owner, 1, WRITE_EXCLUSIVE, 11, 0));
    assert_good(&run(&mut owner, &REWIND.cdb()));
    assert_good(&read(&mut other).0);
    conflict(write(&mut other, 2));
    // Who registers may take over.
    assert_good(&persistent(&mut other, 6, 0, 0, 22));
    conflict(persistent(&mut other, 4, FOR_REGISTRANTS, 22, 33));
    assert_good(&persistent(&mut other, 4, FOR_REGISTRANTS, 22, 11));
    assert_sense(
        &run(&mut owner, &test_unit_ready()),
        K::UnitAttention,
        A::RESERVATIONS_PREEMPTED,
    );
    conflict(run(&mut owner, &test_unit_ready()));
    assert_good(&persistent(&mut owner, 6, 0, 0, 11));
    assert_good(&write(&mut owner, 3));
    assert_good(&persistent(&mut other, 3, 0, 22, 0));
    let _ = run(&mut owner, &test_unit_ready());
    assert_eq!(persistent_in(&mut owner, 0)[4..], [0; 4]);
    assert_good(&write(&mut owner, 4));
}

#[test]
fn append_only_mode() {
    let drive = loaded();
    let mut connection = ready(&drive);
    assert_good(&write(&mut connection, 1));
    assert_good(&write(&mut connection, 2));
    let sense_page = ModeSense::current(ModeForm::Ten, page::DEVICE_CONFIGURATION_EXTENSION);
    let mut data = vec![0; 4096];
    let completion = send(&mut connection, &sense_page.cdb(), Data::In(&mut data));
    let length = 4096 - completion.residual;
    let mut list = data[..length].to_vec();
    list[..2].fill(0);
    list[16 + 5] = 0x10;
    let select = Cdb::new([0x55, 0x10, 0, 0, 0, 0, 0, 0, length as u8, 0]);
    assert_good(&send(&mut connection, &select, Data::Out(&list)));
    assert_good(&write(&mut connection, 3));
    let second = Locate {
        target: LocateTarget::Object(1),
        immediate: false,
    };
    assert_good(&run(&mut connection, &second.cdb()));
    assert_sense(
        &write(&mut connection, 4),
        K::DataProtect,
        A::WORM_OVERWRITE_ATTEMPTED,
    );
    let allow = Cdb::new([0x82, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    assert_good(&run(&mut connection, &allow));
    assert_good(&write(&mut connection, 4));
}

#[test]
fn tapes_of_other_generations() {
    for (drive_generation, tape, expected) in [
        (8, 8, "writes"),
        (8, 7, "writes"),
        (8, 6, "refuses"),
        (8, 9, "refuses"),
        (7, 5, "reads"),
        (6, 4, "reads"),
        (9, 8, "writes"),
        (9, 7, "refuses"),
        (4, 3, "writes"),
        (4, 2, "reads"),
    ] {
        let drive = drive_with(DriveQuirks::default(), Timing::default(), drive_generation);
        drive.insert(cartridge(chip(CartridgeKind::Data, tape)));
        let mut host = open(&drive);
        let mut connection = drive.connect();
        let _ = run(&mut connection, &test_unit_ready());
        let name = format!("LTO-{tape} in LTO-{drive_generation}");
        if expected == "refuses" {
            let refused = run(&mut connection, &test_unit_ready());
            assert_sense(&refused, K::NotReady, A::INCOMPATIBLE_MEDIUM);
            assert!(host.alert_flags().unwrap().contains(12), "{name}");
            continue;
        }
        let mut connection = ready(&drive);
        let written = write(&mut connection, 1);
        if expected == "writes" {
            assert_good(&written);
        } else {
            assert_sense(&written, K::DataProtect, A::CANNOT_WRITE_INCOMPATIBLE);
            assert!(host.settings().unwrap().write_protected, "{name}");
        }
    }
    // No tape before LTO-4 can hold encrypted blocks.
    let drive = drive_with(DriveQuirks::default(), Timing::default(), 4);
    drive.insert(cartridge(chip(CartridgeKind::Data, 3)));
    let mut connection = ready(&drive);
    set_key(&mut connection, 7, EVERYBODY);
    assert_sense(
        &write(&mut connection, 1),
        K::DataProtect,
        A::INCOMPATIBLE_MEDIUM,
    );
}

#[test]
fn cleaning_takes_time_and_wears_the_cartridge() {
    let (drive, clock) = slow(8);
    drive.want_cleaning(true);
    let mut host = open_on(&drive, &clock);
    let status = host.device_status().unwrap();
    assert!(status.cleaning_requested && status.cleaning_required);
    let mut cleaner = chip(CartridgeKind::Cleaning, 8);
    cleaner.cleanings_left = 1;
    drive.insert(cartridge(cleaner));
    assert_eq!(host.device_status().unwrap().activity, Activity::Cleaning);
    let mut connection = drive.connect();
    let _ = run(&mut connection, &test_unit_ready());
    let cleaning = run(&mut connection, &test_unit_ready());
    assert_sense(&cleaning, K::NotReady, A::CLEANING_CARTRIDGE_INSTALLED);
    clock.advance(Duration::from_secs(600));
    assert_sense(
        &run(&mut connection, &test_unit_ready()),
        K::NotReady,
        A::MEDIUM_NOT_PRESENT,
    );
    assert!(!host.alert_flags().unwrap().wants_cleaning());
    let cleaner = drive.take_out().unwrap();
    assert_eq!(cleaner.chip().unwrap().cleanings_left, 0);
    drive.insert(cleaner);
    let _ = run(&mut connection, &test_unit_ready());
    let expired = run(&mut connection, &test_unit_ready());
    assert_sense(&expired, K::NotReady, A::CLEANING_FAILURE);
    assert!(host.alert_flags().unwrap().contains(22));
}

#[test]
fn the_chip_tells_of_a_tapes_life() {
    let drive = loaded();
    let mut host = open(&drive);
    host.prepare().unwrap();
    let begin = host.rewind().unwrap();
    let mut file = host.write_file(begin).unwrap();
    for _ in 0..40 {
        let _ = file.write_block(&vec![1; BLOCK_BYTES]).unwrap();
    }
    let _ = file.finish().unwrap();
    let begin = host.rewind().unwrap();
    let mut buffer = vec![0; BLOCK_BYTES];
    let mut file = host.read_file(begin).unwrap();
    while file.read_block(&mut buffer).unwrap() == BlockRead::Block {}
    let number = |host: &mut Drive, id: u16| {
        let attributes = host.attributes().unwrap();
        let found = attributes.iter().find(|attribute| attribute.id == id);
        ferrite_scsi::attribute::unsigned(&found.unwrap().value)
    };
    // 40 blocks of 64 KiB.
    for id in [0x0220, 0x0221, 0x0222, 0x0223] {
        assert_eq!(number(&mut host, id), 2, "{id:04X}");
    }
    assert_eq!(number(&mut host, 0x0009), 1);
    let statistics = host.volume_statistics().unwrap();
    assert_eq!(statistics.beginning_of_medium_passes, 1);
    let tape = drive.take_out().unwrap();
    let chip = tape.chip().unwrap();
    assert_eq!(chip.wear.loads, 1);
    assert!(chip.wear.threaded, "pulled out by hand");
    drive.insert(tape);
    assert!(host.is_ready());
    assert!(host.alert_flags().unwrap().contains(50));
    assert_eq!(number(&mut host, 0x0003), 2);
    // Errors count.
    drive.eject().unwrap();
    let mut bad = self::chip(CartridgeKind::Data, 8);
    bad.damage = vec![Damage::Unreadable(0), Damage::Unwritable(1)];
    let mut tape = cartridge(bad);
    let block = vec![1; BLOCK_BYTES];
    let _ = ferrite_emulator::Medium::write_block(tape.as_mut(), &block).unwrap();
    drive.insert(tape);
    let mut connection = ready(&drive);
    assert_sense(
        &read(&mut connection).0,
        K::MediumError,
        A::UNRECOVERED_READ_ERROR,
    );
    assert_good(&run(&mut connection, &Space::END_OF_DATA.cdb()));
    assert_sense(&write(&mut connection, 1), K::MediumError, A::WRITE_ERROR);
    let statistics = host.volume_statistics().unwrap();
    assert_eq!(statistics.volume_unrecovered_read_errors, 1);
    assert_eq!(statistics.last_mount_unrecovered_write_errors, 1);
    let flags = host.alert_flags().unwrap();
    assert!(flags.contains(5) && flags.contains(6));
}

#[test]
fn broken_cartridges() {
    for (damage, code) in [
        (Damage::CannotBeLoaded, A::LOAD_OR_EJECT_FAILED),
        (Damage::Snapped, A::UNLOAD_FAILURE),
        (Damage::ChipUnreadable, A::CARTRIDGE_MEMORY_READ_ERROR),
        (Damage::ChipReadOnly, A::CARTRIDGE_MEMORY_WRITE_ERROR),
        (Damage::EndOfDataLost, A::END_OF_DATA_NOT_FOUND),
    ] {
        let drive = drive_with(DriveQuirks::default(), Timing::default(), 8);
        let mut bad = chip(CartridgeKind::Data, 8);
        bad.damage = vec![damage.clone()];
        drive.insert(cartridge(bad));
        let mut connection = drive.connect();
        for _ in 0..2 {
            let _ = run(&mut connection, &test_unit_ready());
        }
        let completion = match damage {
            Damage::CannotBeLoaded => run(&mut connection, &test_unit_ready()),
            Damage::Snapped => {
                let unload = LoadUnload {
                    load: false,
                    immediate: false,
                };
                run(&mut connection, &unload.cdb())
            }
            Damage::ChipUnreadable => {
                let all = ferrite_scsi::attribute::ReadAttribute::ALL;
                send(&mut connection, &all.cdb(), Data::In(&mut [0; 1000]))
            }
            Damage::ChipReadOnly => {
                let label = ferrite_scsi::attribute::host_text(0x0803, "x").unwrap();
                let list = ferrite_scsi::attribute::to_list(&[label]);
                let length = list.len() as u32;
                let cdb = ferrite_scsi::attribute::WriteAttribute { length }.cdb();
                send(&mut connection, &cdb, Data::Out(&list))
            }
            _ => read(&mut connection).0,
        };
        assert_eq!(sense(&completion).code, code, "{damage:?}");
    }
}

#[test]
fn quirks() {
    let quirky = |quirks| {
        let drive = drive_with(quirks, Timing::default(), 8);
        drive.insert(cartridge(chip(CartridgeKind::Data, 8)));
        drive
    };
    let drive = quirky(DriveQuirks {
        no_mode_10: true,
        fills_allocation: true,
        locate_before_mark: true,
        warns_once: true,
        ..DriveQuirks::default()
    });
    // The host logic copes.
    let mut host = open(&drive);
    host.prepare().unwrap();
    host.change_settings(SettingsChange {
        compression: Some(false),
        ..SettingsChange::default()
    })
    .unwrap();
    assert!(!host.settings().unwrap().compression);
    for _ in 0..4 {
        let end = host.end_of_data().unwrap();
        let mut file = host.write_file(end).unwrap();
        let _ = file.write_block(&[1; 512]).unwrap();
        let _ = file.finish().unwrap();
    }
    assert_eq!(host.locate(3).unwrap().file_number(), 3);
    assert_eq!(host.position().unwrap().object, 6);
    let mut connection = ready(&drive);
    let third = Locate {
        target: LocateTarget::File(3),
        immediate: false,
    };
    assert_good(&run(&mut connection, &third.cdb()));
    assert_eq!(host.position().unwrap().object, 5);

    let drive = quirky(DriveQuirks {
        no_autoload: true,
        descriptor_sense: true,
        no_tape_alert_response: true,
        long_date: true,
        next_attribute: true,
        no_long_position: true,
        ..DriveQuirks::default()
    });
    let mut connection = drive.connect();
    for _ in 0..2 {
        let _ = run(&mut connection, &test_unit_ready());
    }
    let waiting = run(&mut connection, &test_unit_ready());
    assert_eq!(waiting.sense_bytes()[0], 0x72);
    assert_sense(&waiting, K::NotReady, A::LOAD_REQUIRED);
    let mut host = open(&drive);
    // Sends LOAD by itself.
    host.prepare().unwrap();
    assert!(host.position().is_err());
    let date = host
        .attributes()
        .unwrap()
        .into_iter()
        .find(|attribute| attribute.id == 0x0406)
        .unwrap();
    assert_eq!(date.value.len(), 12);
    let from_missing = ferrite_scsi::attribute::ReadAttribute {
        first: 0x0300,
        allocation: 4096,
    };
    let mut connection = ready(&drive);
    assert_good(&send(
        &mut connection,
        &from_missing.cdb(),
        Data::In(&mut [0; 4096]),
    ));
}

#[test]
fn compression_makes_room() {
    let mut compressible = chip(CartridgeKind::Data, 8);
    compressible.compression_percent = 200;
    compressible.capacity_bytes = 8 << 20;
    let blocks = |compression: bool, key: bool| {
        let drive = drive_with(DriveQuirks::default(), Timing::default(), 8);
        drive.insert(cartridge(compressible.clone()));
        let mut host = open(&drive);
        host.prepare().unwrap();
        host.change_settings(SettingsChange {
            compression: Some(compression),
            ..SettingsChange::default()
        })
        .unwrap();
        let mut connection = ready(&drive);
        if key {
            set_key(&mut connection, 7, EVERYBODY);
        }
        let full = |completion: &Completion| matches!(completion.sense(), Some(Ok(sense)) if sense.key == K::VolumeOverflow);
        (0..)
            .take_while(|_| !full(&write(&mut connection, 1)))
            .count()
    };
    assert_eq!(blocks(false, false), 128);
    assert_eq!(blocks(true, false), 256);
    assert_eq!(blocks(true, true), 128);
}

#[test]
fn supported_operation_codes_are_supported() {
    let drive = loaded();
    let mut connection = ready(&drive);
    let mut data = vec![0; 4096];
    let cdb = Cdb::new([0xA3, 0x0C, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0]);
    assert_good(&send(&mut connection, &cdb, Data::In(&mut data)));
    let length = u32::from_be_bytes([data[0], data[1], data[2], data[3]]) as usize;
    assert!(length > 30 * 8);
    for descriptor in data[4..4 + length].chunks_exact(8) {
        let mut bytes = vec![0; usize::from(descriptor[7])];
        bytes[0] = descriptor[0];
        let completion = run(&mut connection, &Cdb::from_bytes(&bytes).unwrap());
        if let Some(Ok(sense)) = completion.sense() {
            assert_ne!(
                sense.code,
                A::INVALID_OPERATION_CODE,
                "{:?}",
                OperationCode(descriptor[0])
            );
        }
    }
}

#[test]
fn a_tape_in_memory_can_be_kept_like_a_file() {
    let tape = Cartridge::create_in(
        Box::new(MemoryStore::default()),
        "memory".to_owned(),
        chip(CartridgeKind::Data, 8),
    )
    .unwrap();
    assert_eq!(tape.objects(), 0);
    assert!(Cartridge::open_in(Box::new(MemoryStore::default()), "empty".to_owned()).is_err());
}
