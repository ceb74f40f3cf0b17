//! The directory as PBS sees it after every operation, several processes at it, damaged and read-only directories.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ferrite_emulator::pbs::{BLOCK_BYTES, Disk, DiskFile, SystemDisk};
use ferrite_emulator::{DirectoryError, PbsDirectory, PbsDirectoryOptions, list_slots};
use ferrite_scsi::alert::AlertFlags;
use ferrite_scsi::density::Density;
use ferrite_scsi::drive::{BlockRead, Drive, DriveOptions};
use ferrite_scsi::{ErrorClass, ScsiError};
use tempfile::TempDir;

static BLOCK: [u8; BLOCK_BYTES] = [0x42; BLOCK_BYTES];

fn options(max_blocks: u64) -> PbsDirectoryOptions {
    PbsDirectoryOptions {
        max_bytes: max_blocks * BLOCK_BYTES as u64,
        lock_timeout: Duration::from_millis(100),
        ..PbsDirectoryOptions::default()
    }
}

fn open(path: &Path) -> (PbsDirectory, Drive) {
    let library = PbsDirectory::open(path, options(1000)).unwrap();
    let drive = Drive::open(library.connect(), DriveOptions::default()).unwrap();
    (library, drive)
}

/// A directory with the tape A in the drive.
fn loaded() -> (TempDir, PbsDirectory, Drive) {
    let directory = tempfile::tempdir().unwrap();
    let (library, mut drive) = open(directory.path());
    library.load("A").unwrap();
    drive.prepare().unwrap();
    (directory, library, drive)
}

fn text(directory: &TempDir, name: &str) -> String {
    std::fs::read_to_string(directory.path().join(name)).unwrap()
}

/// `files`, `pos`, and the lengths of all tape files in blocks.
#[track_caller]
fn assert_state(directory: &TempDir, files: u64, pos: u64, blocks: &[u64]) {
    assert_eq!(
        text(directory, "tape-A.json"),
        format!("{{\n  \"files\": {files}\n}}")
    );
    let status =
        format!("{{\n  \"current_tape\": {{\n    \"name\": \"A\",\n    \"pos\": {pos}\n  }}\n}}");
    assert_eq!(text(directory, "drive-status.json"), status);
    let mut names: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("tapefile"))
        .collect();
    names.sort();
    let expected: Vec<_> = (0..blocks.len())
        .map(|number| format!("tapefile-{number}-A.json"))
        .collect();
    assert_eq!(names, expected);
    for (name, blocks) in names.iter().zip(blocks) {
        let length = std::fs::metadata(directory.path().join(name))
            .unwrap()
            .len();
        assert_eq!(length, blocks * BLOCK_BYTES as u64, "{name}");
    }
}

fn write(drive: &mut Drive, blocks: u64) {
    let end = drive.end_of_data().unwrap();
    let mut file = drive.write_file(end).unwrap();
    for _ in 0..blocks {
        let _ = file.write_block(&BLOCK).unwrap();
    }
    let _ = file.finish().unwrap();
}

#[test]
fn pbs_can_take_over_after_every_step() {
    let (directory, library, mut drive) = loaded();
    assert_state(&directory, 0, 0, &[]);
    write(&mut drive, 1);
    assert_state(&directory, 1, 1, &[1]);
    write(&mut drive, 3);
    assert_state(&directory, 2, 2, &[1, 3]);
    write(&mut drive, 20);
    assert_state(&directory, 3, 3, &[1, 3, 20]);
    let begin = drive.rewind().unwrap();
    assert_state(&directory, 3, 0, &[1, 3, 20]);
    // The position is behind a file as soon as its first block is read.
    let mut file = drive.read_file(begin).unwrap();
    let _ = file.read_block(&mut [0; BLOCK_BYTES]).unwrap();
    assert_state(&directory, 3, 1, &[1, 3, 20]);
    let second = file.finish().unwrap();
    assert_state(&directory, 3, 1, &[1, 3, 20]);
    // Index and position are stored before the first block, and what follows is gone.
    let mut file = drive.write_file(second).unwrap();
    assert_state(&directory, 3, 1, &[1, 3, 20]);
    let _ = file.write_block(&BLOCK).unwrap();
    assert_eq!(text(&directory, "tape-A.json"), "{\n  \"files\": 2\n}");
    assert!(!directory.path().join("tapefile-2-A.json").exists());
    let end = file.finish().unwrap();
    assert_state(&directory, 2, 2, &[1, 1]);
    assert_eq!(end.file_number(), 2);
    let _ = drive.locate(1).unwrap();
    assert_state(&directory, 2, 1, &[1, 1]);
    let _ = drive.end_of_data().unwrap();
    assert_state(&directory, 2, 2, &[1, 1]);
    let formatted = drive.format(true, &mut |_| ()).unwrap();
    assert_eq!(formatted.notes, Vec::<String>::new());
    assert_state(&directory, 0, 0, &[]);
    library.unload().unwrap();
    assert_eq!(
        text(&directory, "drive-status.json"),
        "{\n  \"current_tape\": null\n}"
    );
}

#[test]
fn an_interrupted_writer_leaves_its_blocks() {
    let (directory, library, mut drive) = loaded();
    write(&mut drive, 1);
    let end = drive.end_of_data().unwrap();
    let mut file = drive.write_file(end).unwrap();
    let _ = file.write_block(&BLOCK).unwrap();
    // The process ends here.
    std::mem::forget(file);
    drop((drive, library));
    assert_state(&directory, 2, 2, &[1, 1]);
    let (_library, mut drive) = open(directory.path());
    drive.prepare().unwrap();
    assert_eq!(drive.end_of_data().unwrap().file_number(), 2);
}

#[test]
fn a_killed_writer_does_not_keep_the_room_it_reserved() {
    use std::os::unix::fs::MetadataExt;
    let (directory, library, mut drive) = loaded();
    write(&mut drive, 1);
    drop((drive, library));
    let path = directory.path().join("tapefile-0-A.json");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    let reserve = rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::KEEP_SIZE, 0, 64 << 20);
    if reserve.is_err() {
        eprintln!("SKIP reserved room: not on this file system");
        return;
    }
    let _opened = open(directory.path());
    let metadata = std::fs::metadata(&path).unwrap();
    assert_eq!(metadata.len(), BLOCK_BYTES as u64);
    assert!(
        metadata.blocks() * 512 < 1 << 20,
        "{} sectors",
        metadata.blocks()
    );
}

/// Looks at the index whenever a tape file is made: a process that is killed then leaves it like this.
struct WatchedDisk {
    index: PathBuf,
    seen: Mutex<Vec<String>>,
}

impl Disk for WatchedDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let text = std::fs::read_to_string(&self.index)?;
        self.seen.lock().unwrap().push(text);
        SystemDisk.create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        SystemDisk.open(path)
    }
}

#[test]
fn the_index_never_names_a_file_before_it_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(WatchedDisk {
        index: directory.path().join("tape-A.json"),
        seen: Mutex::default(),
    });
    let options = PbsDirectoryOptions {
        disk: Arc::clone(&disk) as Arc<dyn Disk>,
        ..options(1000)
    };
    let library = PbsDirectory::open(directory.path(), options).unwrap();
    library.load("A").unwrap();
    let mut drive = Drive::open(library.connect(), DriveOptions::default()).unwrap();
    drive.prepare().unwrap();
    for _ in 0..3 {
        write(&mut drive, 1);
    }
    // Where files are overwritten, those behind are forgotten first.
    let second = drive.locate(1).unwrap();
    let mut file = drive.write_file(second).unwrap();
    let _ = file.write_block(&BLOCK).unwrap();
    let indexed = [0, 1, 2, 2].map(|files| format!("{{\n  \"files\": {files}\n}}"));
    assert_eq!(*disk.seen.lock().unwrap(), indexed);
}

#[test]
fn a_file_that_cannot_be_made_is_not_in_the_index() {
    let (directory, _library, mut drive) = loaded();
    write(&mut drive, 1);
    std::fs::create_dir(directory.path().join("tapefile-1-A.json")).unwrap();
    let end = drive.end_of_data().unwrap();
    let mut file = drive.write_file(end).unwrap();
    let error = file.write_block(&BLOCK).unwrap_err();
    assert_eq!(error.class(), ErrorClass::System);
    assert!(
        error.detail().unwrap().contains("tapefile-1-A.json"),
        "{error}"
    );
    drop(file);
    assert_eq!(text(&directory, "tape-A.json"), "{\n  \"files\": 1\n}");
    std::fs::remove_dir(directory.path().join("tapefile-1-A.json")).unwrap();
    write(&mut drive, 1);
    assert_state(&directory, 2, 2, &[1, 1]);
}

#[test]
fn the_position_survives_the_process() {
    let (directory, library, mut drive) = loaded();
    write(&mut drive, 1);
    write(&mut drive, 1);
    let _ = drive.locate(1).unwrap();
    drop((drive, library));
    let (library, mut drive) = open(directory.path());
    assert_eq!(library.loaded().as_deref(), Some("A"));
    drive.prepare().unwrap();
    let here = drive.here().unwrap();
    assert_eq!(here.file_number(), 1);
}

#[test]
fn one_process_at_a_time() {
    let (directory, library, drive) = loaded();
    let second = PbsDirectory::open(directory.path(), options(1000));
    assert!(matches!(second, Err(DirectoryError::Busy { .. })));
    // Slots can be listed all the same.
    assert_eq!(
        list_slots(directory.path()).unwrap().loaded.as_deref(),
        Some("A")
    );
    // The drive alone keeps the lock.
    drop(library);
    assert!(PbsDirectory::open(directory.path(), options(1000)).is_err());
    drop(drive);
    PbsDirectory::open(directory.path(), options(1000)).unwrap();
}

#[test]
fn slots() {
    let (directory, library, _drive) = loaded();
    for label in ["C", "B.1", "x-2", "_9"] {
        library.load(label).unwrap();
    }
    library.load("C").unwrap();
    let slots = library.slots().unwrap();
    assert_eq!(slots.loaded.as_deref(), Some("C"));
    let labels: Vec<_> = slots
        .slots
        .iter()
        .map(|slot| slot.label.as_deref())
        .collect();
    assert_eq!(
        labels,
        [
            Some("A"),
            Some("B.1"),
            Some("C"),
            Some("_9"),
            Some("x-2"),
            None,
            None,
            None
        ]
    );
    assert_eq!(
        slots
            .slots
            .iter()
            .map(|slot| slot.number)
            .collect::<Vec<_>>(),
        (1..=8).collect::<Vec<_>>()
    );
    // Only regular files with a name that can be a label are tapes.
    std::fs::create_dir(directory.path().join("tape-DIR.json")).unwrap();
    std::fs::write(directory.path().join("tape-.json"), "").unwrap();
    std::fs::write(directory.path().join("tape-a b.json"), "").unwrap();
    assert_eq!(library.slots().unwrap(), slots);
    for number in 0..4 {
        library.load(&format!("N{number}")).unwrap();
    }
    assert_eq!(library.slots().unwrap().slots.len(), 16);
}

#[test]
fn labels_stay_in_the_directory() {
    let (_directory, library, _drive) = loaded();
    for label in [
        "",
        "../A",
        "a/b",
        "-a",
        ".a",
        "a b",
        "a\0",
        &"a".repeat(200),
    ] {
        assert!(
            matches!(library.load(label), Err(DirectoryError::Label { .. })),
            "{label}"
        );
    }
    assert_eq!(library.loaded().as_deref(), Some("A"));
}

#[test]
fn a_host_that_unloads() {
    let (directory, library, mut drive) = loaded();
    write(&mut drive, 1);
    drive.unload().unwrap();
    assert_eq!(library.loaded(), None);
    assert_eq!(
        text(&directory, "drive-status.json"),
        "{\n  \"current_tape\": null\n}"
    );
    let error = drive.prepare().unwrap_err();
    assert_eq!(error.class(), ErrorClass::Operator);
    assert!(!drive.status().unwrap().ready);
    library.load("A").unwrap();
    drive.prepare().unwrap();
    assert_eq!(drive.end_of_data().unwrap().file_number(), 1);
}

#[test]
fn a_tape_changed_under_a_writer() {
    let (_directory, library, mut drive) = loaded();
    let begin = drive.rewind().unwrap();
    let mut file = drive.write_file(begin).unwrap();
    let _ = file.write_block(&BLOCK).unwrap();
    library.load("B").unwrap();
    let error = file.write_block(&BLOCK).unwrap_err();
    assert!(error.loses_position(), "{error}");
    drop(file);
    // The other tape got nothing, not even a filemark.
    assert_eq!(drive.end_of_data().unwrap().file_number(), 0);
}

#[test]
fn status() {
    let (_directory, _library, mut drive) = loaded();
    write(&mut drive, 2);
    let status = drive.status().unwrap();
    assert!(status.ready && !status.settings.write_protected && status.settings.compression);
    assert_eq!(
        (status.settings.block_length, status.settings.buffered_mode),
        (0, 1)
    );
    assert_eq!(status.settings.density, Density::LTO8);
    assert_eq!(
        (status.file_number, status.block_number),
        (Some(1), Some(3))
    );
    assert_eq!(status.alert_flags, Some(AlertFlags::NONE));
    assert_eq!(status.usage, None);
    assert_eq!(status.wear.unwrap().volume_mounts, 0);
    assert_eq!(drive.volume_statistics().unwrap(), Default::default());
    // No encryption: nothing to clear, no key to set.
    drive.clear_encryption_key().unwrap();
    assert!(drive.set_encryption_key(&[0; 32]).is_err());
}

#[test]
fn other_block_lengths_are_refused() {
    let (_directory, _library, mut drive) = loaded();
    let begin = drive.rewind().unwrap();
    let mut file = drive.write_file(begin).unwrap();
    for length in [0, 512, BLOCK_BYTES - 1, BLOCK_BYTES + 1, 2 * BLOCK_BYTES] {
        let error = file.write_block(&vec![0; length]).unwrap_err();
        assert!(
            matches!(
                error,
                ScsiError::BlockSize {
                    min: 262_144,
                    max: 262_144,
                    ..
                }
            ),
            "{error}"
        );
    }
    let _ = file.write_block(&BLOCK).unwrap();
}

#[test]
fn a_short_file_is_a_medium_error() {
    let (directory, library, mut drive) = loaded();
    write(&mut drive, 2);
    write(&mut drive, 1);
    let path = directory.path().join("tapefile-0-A.json");
    std::fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(BLOCK_BYTES as u64 + 100)
        .unwrap();
    library.load("A").unwrap();
    drive.prepare().unwrap();
    let begin = drive.rewind().unwrap();
    let mut file = drive.read_file(begin).unwrap();
    let mut block = vec![0; BLOCK_BYTES];
    assert_eq!(file.read_block(&mut block).unwrap(), BlockRead::Block);
    let error = file.read_block(&mut block).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Data);
    assert!(
        error
            .to_string()
            .contains("tapefile-0-A.json: ends 100 bytes into block 1"),
        "{error}"
    );
    // The rest of the tape is still there.
    let next = file.finish().unwrap();
    let mut file = drive.read_file(next).unwrap();
    assert_eq!(file.read_block(&mut block).unwrap(), BlockRead::Block);
    // Appending goes on behind it.
    write(&mut drive, 1);
    assert_eq!(text(&directory, "tape-A.json"), "{\n  \"files\": 3\n}");
}

#[test]
fn missing_and_empty_files() {
    let (directory, library, mut drive) = loaded();
    for _ in 0..3 {
        write(&mut drive, 1);
    }
    std::fs::remove_file(directory.path().join("tapefile-0-A.json")).unwrap();
    std::fs::write(directory.path().join("tapefile-1-A.json"), "").unwrap();
    library.load("A").unwrap();
    drive.prepare().unwrap();
    let begin = drive.rewind().unwrap();
    let mut block = vec![0; BLOCK_BYTES];
    let mut file = drive.read_file(begin).unwrap();
    let error = file.read_block(&mut block).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Data);
    assert!(error.to_string().contains("tapefile-0-A.json"), "{error}");
    let next = file.finish().unwrap();
    // Nothing but a filemark.
    let mut file = drive.read_file(next).unwrap();
    assert_eq!(file.read_block(&mut block).unwrap(), BlockRead::FileMark);
    let next = file.finish().unwrap();
    let mut file = drive.read_file(next).unwrap();
    assert_eq!(file.read_block(&mut block).unwrap(), BlockRead::Block);
}

#[test]
fn damaged_json_is_an_unusable_tape_until_another_is_loaded() {
    for (name, content) in [
        ("tape-A.json", "{\"files\": 18446744073709551615}"),
        ("tape-A.json", "{\"files\": -1}"),
        ("tape-A.json", "[[[["),
        ("drive-status.json", "{\"current_tape\": 7}"),
    ] {
        let (directory, library, drive) = loaded();
        drop((library, drive));
        std::fs::write(directory.path().join(name), content).unwrap();
        let (library, mut drive) = open(directory.path());
        let error = drive.prepare().unwrap_err();
        assert_eq!(error.class(), ErrorClass::Data);
        assert!(error.to_string().contains(name), "{error}");
        library.load("B").unwrap();
        drive.prepare().unwrap();
    }
    // As PBS: an empty index is an empty tape; a status that names a vanished tape, or none of ours, is an empty drive.
    let (directory, library, drive) = loaded();
    drop((library, drive));
    std::fs::write(directory.path().join("tape-A.json"), "").unwrap();
    let (library, mut drive) = open(directory.path());
    drive.prepare().unwrap();
    assert_eq!(drive.end_of_data().unwrap().file_number(), 0);
    drop((library, drive));
    for status in [
        "{\"current_tape\": {\"name\": \"GONE\", \"pos\": 1}}",
        "{\"current_tape\": {\"name\": \"../A\", \"pos\": 1}}",
        "{}",
    ] {
        std::fs::write(directory.path().join("drive-status.json"), status).unwrap();
        let (library, mut drive) = open(directory.path());
        assert_eq!(library.loaded(), None);
        assert_eq!(drive.prepare().unwrap_err().class(), ErrorClass::Operator);
    }
    // A position behind the end is the end.
    std::fs::write(
        directory.path().join("drive-status.json"),
        "{\"current_tape\": {\"name\": \"A\", \"pos\": 99}}",
    )
    .unwrap();
    let (_library, mut drive) = open(directory.path());
    drive.prepare().unwrap();
    assert_eq!(drive.here().unwrap().file_number(), 0);
}

#[test]
fn no_directory_is_made_for_a_typing_error() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let error = PbsDirectory::open(&missing, options(1)).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    assert!(!missing.exists());
}

#[test]
fn a_full_tape_takes_two_blocks_more_for_every_file() {
    let directory = tempfile::tempdir().unwrap();
    let library = PbsDirectory::open(directory.path(), options(3)).unwrap();
    library.load("A").unwrap();
    let mut drive = Drive::open(library.connect(), DriveOptions::default()).unwrap();
    drive.prepare().unwrap();
    let mut position = drive.rewind().unwrap();
    // 3 fit, then 2 with early warning; each later file: 2 without, 2 with.
    for plain in [3, 2, 2] {
        let mut file = drive.write_file(position).unwrap();
        let warnings: Vec<_> = (0..plain + 2)
            .map(|_| file.write_block(&BLOCK).unwrap().early_warning)
            .collect();
        assert_eq!(
            warnings,
            (0..plain + 2)
                .map(|block| block >= plain)
                .collect::<Vec<_>>()
        );
        let error = file.write_block(&BLOCK).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Operator);
        assert!(error.to_string().contains("the tape is full"), "{error}");
        // Nothing was written by the failed command, and the file can be ended.
        drop(file);
        position = drive.end_of_data().unwrap();
    }
    assert_state(&directory, 3, 3, &[5, 4, 4]);
}

#[test]
fn a_directory_that_cannot_be_written_is_a_protected_tape() {
    use std::os::unix::fs::PermissionsExt;
    let (directory, library, mut drive) = loaded();
    write(&mut drive, 1);
    drop((library, drive));
    let before = text(&directory, "drive-status.json");
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(directory.path().join("probe"), "").is_ok() {
        // The super user may write everywhere.
        std::fs::remove_file(directory.path().join("probe")).unwrap();
        eprintln!("SKIP read-only directory: running as root");
        return;
    }
    let (library, mut drive) = open(directory.path());
    drive.prepare().unwrap();
    assert!(drive.settings().unwrap().write_protected);
    let begin = drive.rewind().unwrap();
    let mut file = drive.write_file(begin).unwrap();
    let error = file.write_block(&BLOCK).unwrap_err();
    assert!(error.to_string().contains("write protected"), "{error}");
    drop(file);
    assert!(drive.alert_flags().unwrap().contains(9));
    let begin = drive.rewind().unwrap();
    let mut file = drive.read_file(begin).unwrap();
    assert_eq!(
        file.read_block(&mut vec![0; BLOCK_BYTES]).unwrap(),
        BlockRead::Block
    );
    assert!(matches!(
        library.load("NEW"),
        Err(DirectoryError::ReadOnly { .. })
    ));
    assert_eq!(text(&directory, "drive-status.json"), before);
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
}
