//! The public suites for drives and changers, against everything this crate has.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicU32, Ordering};

use ferrite_emulator::library::{EmulatedLibrary, LibraryOptions, LogicalUnit};
use ferrite_emulator::pbs::BLOCK_BYTES;
use ferrite_emulator::{
    Cartridge, CartridgeKind, Chip, DriveQuirks, EmulatedDrive, PbsDirectory, PbsDirectoryOptions,
    Timing,
};
use ferrite_scsi::Transport;
use ferrite_scsi::conformance::{
    ChangerProfile, Features, Profile, Report, changer_conformance, drive_conformance,
    feature_conformance, worm_conformance,
};
use tempfile::TempDir;

#[track_caller]
fn assert_passed(name: &str, report: &Report, checks: usize) {
    assert_eq!(report.failures().count(), 0, "{name}:\n{report}");
    assert!(report.outcomes.len() >= checks);
}

/// LTO-4 drives have no volume statistics (scsi.md 5.2).
#[track_caller]
fn assert_lto_passed(generation: u8, report: &Report) {
    let failures: Vec<&str> = report.failures().map(|outcome| outcome.name).collect();
    let expected: &[&str] = if generation == 4 {
        &["volume-statistics-page"]
    } else {
        &[]
    };
    assert_eq!(failures, expected, "LTO-{generation}:\n{report}");
    assert!(report.outcomes.len() >= DRIVE_CHECKS);
}

const DRIVE_CHECKS: usize = 37;
const CHANGER_CHECKS: usize = 17;
const FEATURE_CHECKS: usize = 21;
const WORM_CHECKS: usize = 4;

#[test]
fn virtual_drive() {
    let mut directory = tempfile::tempdir().unwrap();
    let mut make = || -> Box<dyn Transport> {
        directory = tempfile::tempdir().unwrap();
        let max_bytes = 20 * BLOCK_BYTES as u64;
        let library = PbsDirectory::open(
            directory.path(),
            PbsDirectoryOptions {
                max_bytes,
                ..PbsDirectoryOptions::default()
            },
        )
        .unwrap();
        library.load("BLANK").unwrap();
        Box::new(library.connect())
    };
    let profile = Profile {
        block_bytes: BLOCK_BYTES,
        capacity_blocks: Some(22),
        new_initiator: true,
    };
    let report = drive_conformance(&mut make, profile);
    assert_passed("virtual", &report, DRIVE_CHECKS);
}

fn profile() -> Profile {
    Profile {
        block_bytes: BLOCK_BYTES,
        capacity_blocks: Some(22),
        new_initiator: true,
    }
}

/// A drive with a blank tape in memory.
fn in_memory(kind: CartridgeKind, generation: u8, block_bytes: usize) -> Box<dyn Transport> {
    let drive = EmulatedDrive::lto(
        generation,
        "SERIAL0001",
        DriveQuirks::default(),
        Timing::default(),
    )
    .unwrap();
    let capacity = 20 * block_bytes as u64;
    let mut chip = Chip::new(kind, generation, "BLANK", capacity);
    chip.early_warning_bytes = 4 * block_bytes as u64;
    drive.insert(Box::new(Cartridge::in_memory(chip).unwrap()));
    Box::new(drive.connect())
}

#[test]
fn features_of_all_generations() {
    for generation in 4..=9 {
        let mut make = || in_memory(CartridgeKind::Data, generation, BLOCK_BYTES);
        let report = feature_conformance(&mut make, profile(), Features::LTO);
        assert_passed(&format!("LTO-{generation}"), &report, FEATURE_CHECKS);
        let mut make = || in_memory(CartridgeKind::Worm, generation, BLOCK_BYTES);
        let report = worm_conformance(&mut make, profile());
        assert_passed(&format!("WORM LTO-{generation}"), &report, WORM_CHECKS);
    }
}

/// Any odd length: a tape has no favourite.
#[test]
fn drives_of_all_generations_in_memory() {
    for generation in 4..=9 {
        for block_bytes in [BLOCK_BYTES, 4093] {
            let mut make = || in_memory(CartridgeKind::Data, generation, block_bytes);
            let report = drive_conformance(
                &mut make,
                Profile {
                    block_bytes,
                    ..profile()
                },
            );
            assert_lto_passed(generation, &report);
        }
    }
}

fn library(directory: &TempDir, generation: u8) -> EmulatedLibrary {
    EmulatedLibrary::create(
        directory.path().join("library"),
        &LibraryOptions {
            generation,
            slots: 5,
            cartridges: Some(2),
            cleaning_cartridges: 1,
            capacity_bytes: Some(20 * BLOCK_BYTES as u64),
            ..LibraryOptions::default()
        },
    )
    .unwrap()
}

/// A name that no initiator had yet.
fn stranger() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("stranger {}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

#[test]
fn drives_of_a_library() {
    for generation in 4..=9 {
        let mut directory = tempfile::tempdir().unwrap();
        let mut make = || -> Box<dyn Transport> {
            directory = tempfile::tempdir().unwrap();
            let library = library(&directory, generation);
            library
                .insert(
                    ferrite_scsi::Place::Drive(0),
                    &library.remove(ferrite_scsi::Place::Slot(1)).unwrap(),
                )
                .unwrap();
            let unit = LogicalUnit::open(library.drive_path(0)).unwrap();
            Box::new(unit.connect(stranger()))
        };
        let report = drive_conformance(&mut make, profile());
        assert_lto_passed(generation, &report);
        let report = feature_conformance(&mut make, profile(), Features::LTO);
        assert_passed(&format!("LTO-{generation}"), &report, FEATURE_CHECKS);
    }
}

#[test]
fn changer_of_a_library() {
    let mut directory = tempfile::tempdir().unwrap();
    let mut make = || -> Box<dyn Transport> {
        directory = tempfile::tempdir().unwrap();
        let library = library(&directory, 8);
        let unit = LogicalUnit::open(library.changer_path()).unwrap();
        Box::new(unit.connect(stranger()))
    };
    let report = changer_conformance(
        &mut make,
        ChangerProfile {
            new_initiator: true,
        },
    );
    assert_passed("library", &report, CHANGER_CHECKS);
}
