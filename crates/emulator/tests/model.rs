//! Any sequence of commands on a virtual tape does what the object model of scsi.md 7.2 says, also when the directory is
//! closed and opened again in between.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod tape_model;

use std::path::Path;
use std::time::Duration;

use ferrite_emulator::pbs::BLOCK_BYTES;
use ferrite_emulator::{Connection, PbsDirectory, PbsDirectoryOptions};
use ferrite_scsi::{Data, Transport};
use proptest::prelude::*;
use tape_model::{Host, Model, Object, Step, step};
use tempfile::TempDir;

/// A closed directory ends its last file, and remembers only which file comes next.
fn reopen(model: &mut Model) {
    let in_file = model.objects[..model.at]
        .last()
        .is_some_and(|object| *object != Object::Filemark);
    if model
        .objects
        .last()
        .is_some_and(|object| *object != Object::Filemark)
    {
        model.objects.push(Object::Filemark);
    }
    if in_file {
        let rest = &model.objects[model.at..];
        model.at += rest
            .iter()
            .position(|object| *object == Object::Filemark)
            .unwrap()
            + 1;
    }
}

struct Tape {
    library: PbsDirectory,
    host: Host<Connection>,
}

impl Tape {
    fn open(path: &Path) -> Self {
        let options = PbsDirectoryOptions {
            max_bytes: 1 << 40,
            ..PbsDirectoryOptions::default()
        };
        let library = PbsDirectory::open(path, options).unwrap();
        let mut connection = library.connect();
        // Unit attention of the new connection.
        let ready = ferrite_scsi::command::test_unit_ready();
        let _ = connection
            .execute(&ready, Data::None, Duration::ZERO)
            .unwrap();
        Self {
            library,
            host: Host(connection),
        }
    }
}

/// Past the page cache on a disk, through it in memory.
fn places() -> Vec<TempDir> {
    let mut places = vec![tempfile::tempdir().unwrap()];
    places.extend(tempfile::tempdir_in("/dev/shm"));
    places
}

fn check(directory: &Path, steps: &[Step]) -> Result<(), TestCaseError> {
    let tape = Tape::open(directory);
    tape.library.load("MODEL").unwrap();
    drop(tape);
    let mut tape = Tape::open(directory);
    let mut model = Model::default();
    let mut block = vec![0; BLOCK_BYTES];
    for step in steps.iter().flat_map(|step| step.single()) {
        if matches!(step, Step::Reopen) {
            drop(tape);
            tape = Tape::open(directory);
            reopen(&mut model);
        }
        prop_assert_eq!(
            tape.host.apply(step, &mut block),
            model.apply(step),
            "{:?}",
            step
        );
        prop_assert_eq!(
            tape.host.position(),
            (model.at as u64, model.file()),
            "{:?}",
            step
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_virtual_tape_is_a_tape(steps in proptest::collection::vec(step(), 1..50)) {
        for place in places() {
            check(place.path(), &steps)?;
        }
    }
}
