//! Tapes that PBS wrote, through the whole SCSI path.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::path::{Path, PathBuf};

use ferrite_emulator::pbs::BLOCK_BYTES;
use ferrite_emulator::{PbsDirectory, PbsDirectoryOptions};
use ferrite_scsi::{BlockRead, Drive, DriveOptions};

/// Folders of the fixtures with tapes, their `max-size`, and their labels.
const FOLDERS: [(&str, u64, &[&str]); 3] = [
    ("small", 5_242_880, &["TAPE01", "TAPE02", "TAPE03"]),
    ("append", 6_291_456, &["TAPE01", "TAPE02", "TAPE03"]),
    ("incomplete", 3_145_728, &["INC001", "INC002"]),
];

fn fixtures() -> Option<PathBuf> {
    let path = std::env::var_os("FERRITE_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
        PathBuf::from,
    );
    if path.join("small/tapes").is_dir() {
        return Some(path);
    }
    let required = std::env::var("FERRITE_REQUIRE").is_ok_and(|list| list.contains("fixtures"));
    assert!(
        !required,
        "fixtures are required but not at {}",
        path.display()
    );
    eprintln!("SKIP fixtures: not at {}", path.display());
    None
}

fn copy_tapes(from: &Path) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::write(
            directory.path().join(entry.file_name()),
            std::fs::read(entry.path()).unwrap(),
        )
        .unwrap();
    }
    directory
}

fn open(path: &Path, max_bytes: u64) -> PbsDirectory {
    PbsDirectory::open(
        path,
        PbsDirectoryOptions {
            max_bytes,
            ..PbsDirectoryOptions::default()
        },
    )
    .unwrap()
}

fn tape_file(directory: &Path, label: &str, number: u64) -> Vec<u8> {
    std::fs::read(directory.join(format!("tapefile-{number}-{label}.json"))).unwrap()
}

#[test]
fn reads_what_pbs_wrote() {
    let Some(fixtures) = fixtures() else { return };
    for (folder, max_bytes, labels) in FOLDERS {
        let directory = copy_tapes(&fixtures.join(folder).join("tapes"));
        let library = open(directory.path(), max_bytes);
        let mut drive = Drive::open(library.connect(), DriveOptions::default()).unwrap();
        assert_eq!(
            library.loaded().as_deref(),
            labels.last().copied(),
            "{folder}"
        );
        for label in labels {
            library.load(label).unwrap();
            drive.prepare().unwrap();
            let mut position = drive.rewind().unwrap();
            let mut block = vec![0; BLOCK_BYTES];
            loop {
                let number = position.file_number();
                let mut file = drive.read_file(position).unwrap();
                let mut content = Vec::new();
                let end = loop {
                    match file.read_block(&mut block).unwrap() {
                        BlockRead::Block => content.extend_from_slice(&block),
                        end => break end,
                    }
                };
                if end == BlockRead::EndOfData {
                    assert!(content.is_empty());
                    let files = std::fs::read_to_string(
                        directory.path().join(format!("tape-{label}.json")),
                    )
                    .unwrap();
                    assert_eq!(files, format!("{{\n  \"files\": {number}\n}}"));
                    break;
                }
                assert!(
                    content == tape_file(directory.path(), label, number),
                    "{folder} {label} file {number}"
                );
                position = file.finish().unwrap();
            }
        }
    }
}

/// The same blocks on blank tapes of the same size: the same files, early warning exactly where PBS met it.
#[test]
fn writes_what_pbs_wrote() {
    let Some(fixtures) = fixtures() else { return };
    for (folder, max_bytes, labels) in FOLDERS {
        let source = fixtures.join(folder).join("tapes");
        let target = tempfile::tempdir().unwrap();
        let library = open(target.path(), max_bytes);
        let mut drive = Drive::open(library.connect(), DriveOptions::default()).unwrap();
        for label in labels {
            library.load(label).unwrap();
            drive.prepare().unwrap();
            let mut used = 0;
            for number in 0.. {
                let Ok(content) =
                    std::fs::read(source.join(format!("tapefile-{number}-{label}.json")))
                else {
                    break;
                };
                let end = drive.end_of_data().unwrap();
                assert_eq!(end.file_number(), number);
                let mut file = drive.write_file(end).unwrap();
                let free = max_bytes.saturating_sub(used) / BLOCK_BYTES as u64;
                for (index, block) in content.chunks(BLOCK_BYTES).enumerate() {
                    let written = file.write_block(block).unwrap();
                    assert_eq!(
                        written.early_warning,
                        index as u64 >= free.max(2),
                        "{folder} {label} {number} {index}"
                    );
                }
                let _ = file.finish().unwrap();
                used += content.len() as u64;
            }
            drive.sync().unwrap();
        }
        let position = drive.end_of_data().unwrap();
        assert!(position.is_end_of_data());
        drop(drive);
        drop(library);
        assert_same_directory(&source, target.path());
    }
}

fn assert_same_directory(expected: &Path, found: &Path) {
    let names = |path: &Path| {
        let mut names: Vec<_> = std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != ".drive.lck")
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(expected), names(found));
    for name in names(expected) {
        let same = std::fs::read(expected.join(&name)).unwrap()
            == std::fs::read(found.join(&name)).unwrap();
        assert!(same, "{} differs", found.join(&name).display());
    }
}
