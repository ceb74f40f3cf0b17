//! The cartridge file: any sequence of commands, any place where a process can die, other processes at the same tape.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod tape_model;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ferrite_emulator::cartridge::{MemoryStore, Store};
use ferrite_emulator::medium::{Medium, MediumRead};
use ferrite_emulator::pbs::BLOCK_BYTES;
use ferrite_emulator::{
    Cartridge, CartridgeKind, Chip, Connection, DriveQuirks, EmulatedDrive, Timing,
};
use ferrite_scsi::command::test_unit_ready;
use ferrite_scsi::{Data, Status, Transport};
use proptest::prelude::*;
use tape_model::{Host, Model, Step, step};

fn chip() -> Chip {
    Chip::new(CartridgeKind::Data, 8, "TAPE01L8", 1 << 40)
}

/// A store that several cartridges can be opened on, and that remembers what was written to it.
#[derive(Clone, Default)]
struct Shared {
    store: Arc<Mutex<MemoryStore>>,
    log: Arc<Mutex<Vec<Change>>>,
}

#[derive(Clone)]
enum Change {
    Write(Vec<u8>, u64),
    Length(u64),
}

impl Change {
    fn apply(&self, store: &mut dyn Store, bytes: usize) {
        match self {
            Change::Write(written, offset) => {
                store.write_at(&written[..bytes.min(written.len())], *offset)
            }
            Change::Length(length) => store.set_length(*length),
        }
        .unwrap();
    }

    fn bytes(&self) -> usize {
        match self {
            Change::Write(written, _) => written.len(),
            Change::Length(_) => 0,
        }
    }
}

impl Store for Shared {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.store.lock().unwrap().read_at(buffer, offset)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut log = self.log.lock().unwrap();
        log.push(Change::Write(bytes.to_vec(), offset));
        self.store.lock().unwrap().write_at(bytes, offset)
    }

    fn length(&self) -> io::Result<u64> {
        self.store.lock().unwrap().length()
    }

    fn set_length(&mut self, bytes: u64) -> io::Result<()> {
        self.log.lock().unwrap().push(Change::Length(bytes));
        self.store.lock().unwrap().set_length(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn create(&self) -> Cartridge {
        Cartridge::create_in(Box::new(self.clone()), "shared".to_owned(), chip()).unwrap()
    }

    fn open(&self) -> Cartridge {
        Cartridge::open_in(Box::new(self.clone()), "shared".to_owned()).unwrap()
    }
}

fn connect(tape: Cartridge) -> Host<Connection> {
    let drive =
        EmulatedDrive::lto(8, "SERIAL0001", DriveQuirks::default(), Timing::default()).unwrap();
    drive.insert(Box::new(tape));
    let mut connection = drive.connect();
    let ready = test_unit_ready();
    while connection
        .execute(&ready, Data::None, Duration::ZERO)
        .unwrap()
        .status
        != Status::Good
    {}
    Host(connection)
}

fn check(steps: &[Step]) -> Result<(), TestCaseError> {
    let store = Shared::default();
    let mut host = connect(store.create());
    let mut model = Model::default();
    let mut block = vec![0; BLOCK_BYTES];
    for step in steps.iter().flat_map(|step| step.single()) {
        if matches!(step, Step::Reopen) {
            host = connect(store.open());
            model.at = 0;
        }
        prop_assert_eq!(
            host.apply(step, &mut block),
            model.apply(step),
            "{:?}",
            step
        );
        prop_assert_eq!(
            host.position(),
            (model.at as u64, model.file()),
            "{:?}",
            step
        );
    }
    Ok(())
}

/// Objects of a tape as letters: the first byte of a block, `|` for a mark.
fn contents(tape: &mut Cartridge) -> Vec<(u8, u32)> {
    tape.rewind().unwrap();
    let mut buffer = vec![0; 300];
    let mut all = Vec::new();
    loop {
        match tape.read_block(&mut buffer).unwrap() {
            MediumRead::Block(length) => {
                let read = &buffer[..(length as usize).min(300)];
                assert!(read.iter().all(|byte| *byte == read[0]), "a torn block");
                all.push((read[0], length));
            }
            MediumRead::Filemark => all.push((b'|', 0)),
            MediumRead::EndOfData => return all,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cartridge_is_a_tape(steps in proptest::collection::vec(step(), 1..60)) {
        check(&steps)?;
    }

    /// Short and long blocks, many of them, over several segments; places found by number, also after opening again.
    #[test]
    fn objects_are_found(lengths in proptest::collection::vec(0u32..300, 1..900), places in proptest::collection::vec(0usize..1000, 1..20)) {
        let store = Shared::default();
        let mut tape = store.create();
        for (number, &length) in lengths.iter().enumerate() {
            if length == 0 {
                let _ = tape.write_filemark().unwrap();
            } else {
                let _ = tape.write_block(&vec![number as u8; length as usize]).unwrap();
            }
        }
        let mut again = store.open();
        let expected: Vec<(u8, u32)> = lengths.iter().enumerate()
            .map(|(number, &length)| if length == 0 { (b'|', 0) } else { (number as u8, length) })
            .collect();
        prop_assert_eq!(contents(&mut again), expected);
        for place in places {
            let place = place.min(lengths.len());
            for tape in [&mut tape, &mut again] {
                let _ = tape.locate_object(place as u64).unwrap();
                let marks = lengths[..place].iter().filter(|length| **length == 0).count() as u64;
                prop_assert_eq!(tape.position().object, place as u64);
                prop_assert_eq!(tape.position().file, marks);
                let charged: u64 = lengths[..place].iter().map(|&length| if length == 0 { 4096 } else { u64::from(length) }).sum();
                prop_assert_eq!(tape.room().unwrap().used, charged);
                if marks > 0 {
                    let _ = tape.locate_file(marks).unwrap();
                    let after = lengths[..place].iter().rposition(|length| *length == 0).unwrap() as u64 + 1;
                    prop_assert_eq!(tape.position().object, after);
                }
            }
        }
    }
}

/// A process dies after every single write, and in the middle of each: the tape is what it was before a command or after it.
#[test]
fn a_process_may_die_anywhere() {
    let store = Shared::default();
    let mut tape = store.create();
    let created = store.log.lock().unwrap().len();
    // What the tape holds after each command, and how much was written by then.
    let mut states = vec![(created, Vec::new())];
    let mut expected: Vec<(u8, u32)> = Vec::new();
    let mut note = |expected: &[(u8, u32)]| {
        states.push((store.log.lock().unwrap().len(), expected.to_vec()));
    };
    // Over the end of the first segment, back into it, over it again.
    for number in 0..260_u32 {
        let length = 1 + number % 7;
        let _ = tape
            .write_block(&vec![number as u8; length as usize])
            .unwrap();
        expected.push((number as u8, length));
        note(&expected);
    }
    for (place, byte) in [(255, 1), (250, 2), (3, 3)] {
        let _ = tape.locate_object(place).unwrap();
        let _ = tape.write_filemark().unwrap();
        expected.truncate(place as usize);
        // A truncated tape is a state of its own: the old data is gone before the new is there.
        note(&expected);
        expected.push((b'|', 0));
        note(&expected);
        for _ in 0..6 {
            let _ = tape.write_block(&[byte; 9]).unwrap();
            expected.push((byte, 9));
            note(&expected);
        }
        tape.update_chip(|chip| chip.wear.loads += 1).unwrap();
        note(&expected);
    }
    tape.rewind().unwrap();
    tape.format().unwrap();
    note(&[]);
    let log = store.log.lock().unwrap().clone();
    let mut disk = MemoryStore::default();
    for (number, change) in log.iter().enumerate() {
        if number >= created {
            let possible: Vec<&Vec<(u8, u32)>> = {
                let before = states.iter().rposition(|(at, _)| *at <= number).unwrap();
                states[before..]
                    .iter()
                    .take(3)
                    .map(|(_, state)| state)
                    .collect()
            };
            for bytes in cuts(change.bytes()) {
                let mut cut = copy(&disk);
                change.apply(&mut cut, bytes);
                let mut tape = Cartridge::open_in(Box::new(cut), format!("{number}/{bytes}"))
                    .unwrap_or_else(|error| panic!("{error}"));
                let found = contents(&mut tape);
                assert!(possible.contains(&&found), "write {number}, cut at {bytes}");
            }
        }
        change.apply(&mut disk, usize::MAX);
    }
}

/// Entries and epochs are written at once by any system (they lie within a sector); longer pieces can be cut.
fn cuts(bytes: usize) -> Vec<usize> {
    if bytes <= 16 {
        return vec![0];
    }
    vec![0, 1, bytes / 3 / 512 * 512, bytes / 2 / 512 * 512]
}

fn copy(store: &MemoryStore) -> MemoryStore {
    let mut bytes = vec![0; usize::try_from(store.length().unwrap()).unwrap()];
    store.read_at(&mut bytes, 0).unwrap();
    let mut copy = MemoryStore::default();
    copy.write_at(&bytes, 0).unwrap();
    copy
}

#[test]
fn others_follow_what_is_written() {
    let store = Shared::default();
    let mut writer = store.create();
    let mut reader = store.open();
    let mut expected = Vec::new();
    for number in 0..600_u32 {
        let _ = writer.write_block(&[number as u8; 5]).unwrap();
        expected.push((number as u8, 5));
        if number % 97 == 0 {
            reader.refresh().unwrap();
            assert_eq!(contents(&mut reader), expected);
        }
    }
    let _ = writer.locate_object(300).unwrap();
    let _ = writer.write_block(&[1; 6]).unwrap();
    expected.truncate(300);
    expected.push((1, 6));
    // The reader stood behind what is the end now.
    reader.refresh().unwrap();
    assert_eq!(reader.position().object, 301);
    assert_eq!(contents(&mut reader), expected);
    writer
        .update_chip(|chip| chip.write_protected = true)
        .unwrap();
    reader.refresh().unwrap();
    assert!(reader.facts().write_protected);
}

#[test]
fn damaged_files_are_refused() {
    let store = Shared::default();
    let mut tape = store.create();
    for _ in 0..300 {
        let _ = tape.write_block(&[1; 100]).unwrap();
    }
    let whole = store.store.lock().unwrap().length().unwrap();
    let first_table = 4096 + 2 * 65_536;
    let damages: [(&str, u64, &[u8]); 3] = [
        ("first table", first_table, b"XXXX"),
        ("kind of an object", first_table + 32, &[9]),
        ("length of an object", first_table + 32 + 8, &[0, 0, 0, 0]),
    ];
    for (what, at, bytes) in damages {
        let mut bad = copy(&store.store.lock().unwrap());
        bad.write_at(bytes, at).unwrap();
        let refused = Cartridge::open_in(Box::new(bad), "bad".to_owned());
        assert!(refused.is_err(), "{what}");
    }
    // Cut off anywhere behind the first table: refused, or shorter by whole objects only.
    for length in (first_table..whole).step_by(1777) {
        let mut cut = copy(&store.store.lock().unwrap());
        cut.set_length(length).unwrap();
        assert!(Cartridge::open_in(Box::new(cut), "cut".to_owned()).is_err());
    }
}
