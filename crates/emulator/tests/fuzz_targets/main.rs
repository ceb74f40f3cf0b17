//! Any bytes into the fuzz targets, and the inputs that once broke one.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use proptest::prelude::*;

#[path = "../../../../tests/fuzz/regressions.rs"]
mod regressions;
mod targets;

#[test]
fn regressions_stay_fixed() {
    regressions::replay(targets::TARGETS);
}

#[test]
fn a_virtual_drive_as_pbs_leaves_it() {
    let (status, index) = (
        br#"{"current_tape":{"name":"A","pos":1}}"#,
        br#"{"files":2}"#,
    );
    let mut input = vec![status.len() as u8, index.len() as u8];
    input.extend_from_slice(status);
    input.extend_from_slice(index);
    input.extend_from_slice(b"B");
    targets::virtual_drive(&input);
}

/// Newest state in a device file of a library.
fn state(path: &std::path::Path) -> Vec<u8> {
    const SLOTS: [usize; 2] = [4096, 4096 + (2 << 20)];
    let bytes = std::fs::read(path).unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let newest = SLOTS
        .into_iter()
        .filter(|at| bytes.get(*at..at + 4) == Some(b"FREC"))
        .max_by_key(|at| word(at + 8))
        .unwrap();
    bytes[newest + 20..][..word(newest + 4)].to_vec()
}

/// `library.json`, the robot's state, a drive's with a tape and a key in it, a chip.
fn whole_files() -> [Vec<u8>; 4] {
    use ferrite_emulator::library::{EmulatedLibrary, LibraryOptions, open_device};
    let directory = tempfile::tempdir().unwrap();
    let options = LibraryOptions {
        drives: 1,
        slots: 3,
        import_export: 1,
        cartridges: Some(2),
        ..LibraryOptions::default()
    };
    let library = EmulatedLibrary::create(directory.path().join("lib"), &options).unwrap();
    let tape = library.remove(ferrite_scsi::Place::Slot(1)).unwrap();
    library
        .insert(ferrite_scsi::Place::Drive(0), &tape)
        .unwrap();
    let mut drive = ferrite_scsi::Drive::open(
        open_device(library.drive_path(0)).unwrap(),
        ferrite_scsi::DriveOptions::default(),
    )
    .unwrap();
    drive.prepare().unwrap();
    drive.set_encryption_key(&[7; 32]).unwrap();
    let label = ferrite_scsi::attribute::host_text(0x0803, "label").unwrap();
    drive.write_attribute(&label).unwrap();
    let chip = &library.cartridges().unwrap()[1].chip;
    [
        std::fs::read(library.path().join("library.json")).unwrap(),
        state(&library.changer_path()),
        state(&library.drive_path(0)),
        serde_json::to_vec(chip).unwrap(),
    ]
}

/// The text with number `at` replaced, or a byte.
fn mutate(text: &[u8], at: usize, value: &str, byte: Option<u8>) -> Vec<u8> {
    let mut text = text.to_vec();
    let digits = |text: &[u8], from: usize| {
        text[from..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    match byte {
        Some(byte) => {
            let at = at % text.len();
            text[at] = byte;
        }
        None => {
            let starts: Vec<usize> = (1..text.len())
                .filter(|&i| text[i].is_ascii_digit() && !text[i - 1].is_ascii_digit())
                .collect();
            let start = starts[at % starts.len()];
            let end = start + digits(&text, start);
            text.splice(start..end, value.bytes());
        }
    }
    text
}

fn library_input(files: &[Vec<u8>]) -> Vec<u8> {
    let mut input = (files[0].len() as u16).to_le_bytes().to_vec();
    input.extend_from_slice(&(files[1].len() as u16).to_le_bytes());
    files[..3]
        .iter()
        .for_each(|file| input.extend_from_slice(file));
    input
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Files as they are, with impossible numbers and wrong letters in them.
    #[test]
    fn state_files_may_say_anything(
        file in 0usize..4,
        at in any::<usize>(),
        value in prop_oneof![Just("0"), Just("1"), Just("9"), Just("255"), Just("65535"), Just("4294967295"), Just("9223372036854775807"), Just("18446744073709551615"), Just("-1"), Just("1e300")],
        byte in proptest::option::weighted(0.3, any::<u8>()),
    ) {
        thread_local! {
            static WHOLE: [Vec<u8>; 4] = whole_files();
        }
        let mut files = WHOLE.with(Clone::clone);
        files[file] = mutate(&files[file], at, value, byte);
        if file == 3 {
            targets::chip(&files[3]);
        } else {
            targets::library_files(&library_input(&files));
        }
    }

    /// A cartridge with any piece of it replaced.
    #[test]
    fn cartridges_may_be_damaged_anywhere(pieces in proptest::collection::vec((0u32..170_000, proptest::collection::vec(any::<u8>(), 1..20)), 1..5)) {
        let mut input = Vec::new();
        for (at, bytes) in pieces {
            input.extend_from_slice(&at.to_le_bytes()[..3]);
            input.push(bytes.len() as u8);
            input.extend_from_slice(&bytes);
        }
        targets::cartridge_file(&input);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_target_takes_any_bytes(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        targets::TARGETS.iter().for_each(|(_, target)| target(&data));
    }
}
