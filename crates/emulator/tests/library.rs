//! A library in a directory, as hosts and operators use it.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use ferrite_emulator::library::{
    CartridgeSpec, EmulatedLibrary, LibraryError, LibraryOptions, LogicalUnit, is_emulated_device,
    list_devices, open_device,
};
use ferrite_emulator::{CartridgeKind, Damage, Pace};
use ferrite_scsi::inquiry::PeripheralType;
use ferrite_scsi::log::Activity;
use ferrite_scsi::{BlockRead, Changer, ChangerOptions, Drive, DriveOptions, ErrorClass, Place};
use tempfile::TempDir;

const BLOCK_BYTES: usize = 256 << 10;

fn options() -> LibraryOptions {
    LibraryOptions {
        slots: 8,
        cartridges: Some(4),
        capacity_bytes: Some(16 << 20),
        ..LibraryOptions::default()
    }
}

fn library() -> (TempDir, EmulatedLibrary) {
    let directory = tempfile::tempdir().unwrap();
    let library = EmulatedLibrary::create(directory.path().join("lib"), &options()).unwrap();
    (directory, library)
}

fn changer(library: &EmulatedLibrary) -> Changer {
    let device = open_device(library.changer_path()).unwrap();
    Changer::open(device, ChangerOptions::default()).unwrap()
}

fn drive(library: &EmulatedLibrary, number: u16) -> Drive {
    let device = open_device(library.drive_path(number)).unwrap();
    Drive::open(device, DriveOptions::default()).unwrap()
}

fn block(number: usize) -> Vec<u8> {
    vec![number as u8; BLOCK_BYTES]
}

fn write(drive: &mut Drive, blocks: std::ops::Range<usize>) {
    let end = drive.end_of_data().unwrap();
    let mut file = drive.write_file(end).unwrap();
    for number in blocks {
        let _ = file.write_block(&block(number)).unwrap();
    }
    let _ = file.finish().unwrap();
    drive.sync().unwrap();
}

fn read(drive: &mut Drive, blocks: std::ops::Range<usize>) {
    let begin = drive.rewind().unwrap();
    let mut file = drive.read_file(begin).unwrap();
    let mut buffer = vec![0; BLOCK_BYTES];
    for number in blocks {
        assert_eq!(file.read_block(&mut buffer).unwrap(), BlockRead::Block {});
        assert_eq!(buffer, block(number));
    }
    assert_eq!(file.read_block(&mut buffer).unwrap(), BlockRead::FileMark);
}

#[test]
fn devices_are_found_by_their_paths() {
    let (directory, library) = library();
    let devices = list_devices(library.path()).unwrap();
    let kinds: Vec<PeripheralType> = devices.iter().map(|device| device.kind).collect();
    assert_eq!(
        kinds,
        [
            PeripheralType::Changer,
            PeripheralType::Tape,
            PeripheralType::Tape
        ]
    );
    for device in &devices {
        assert!(is_emulated_device(&device.path));
        let mode = std::fs::metadata(&device.path)
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{}", device.path.display());
    }
    assert!(!is_emulated_device(library.path()));
    assert!(!is_emulated_device(library.path().join("library.json")));
    assert!(!is_emulated_device("/dev/null"));
    assert!(matches!(
        open_device(library.path().join("drive7")),
        Err(LibraryError::NoDevice { .. })
    ));
    assert!(matches!(
        list_devices(directory.path()),
        Err(LibraryError::NoLibrary { .. })
    ));
    // Drives know what the changer says of them.
    let status = changer(&library).status().unwrap();
    for (element, device) in status.drives.iter().zip(&devices[1..]) {
        let identifier = element.identifier.as_ref().unwrap();
        assert_eq!(identifier.serial, device.serial);
        assert_eq!(Some(element.address), device.element_address);
    }
    assert!(matches!(
        EmulatedLibrary::create(library.path(), &options()),
        Err(LibraryError::Exists { .. })
    ));
}

#[test]
fn a_tape_is_loaded_written_and_read_in_the_other_drive() {
    let (_directory, library) = library();
    let mut changer = changer(&library);
    let status = changer.load(1, 0).unwrap().status;
    assert_eq!(status.drives[0].content.tag(), Some("FER001L8"));
    let mut first = drive(&library, 0);
    first.prepare().unwrap();
    write(&mut first, 0..5);
    drop(first);
    changer.unload(0, Some(6)).unwrap();
    let status = changer.load(6, 1).unwrap().status;
    assert_eq!(status.drives[1].loaded_slot, Some(6));
    let mut second = drive(&library, 1);
    second.prepare().unwrap();
    read(&mut second, 0..5);
    let statistics = second.volume_statistics().unwrap();
    assert_eq!(statistics.volume_mounts, 2);
    assert_eq!(
        statistics.lifetime_bytes_written / 1_000_000,
        5 * BLOCK_BYTES as u64 / 1_000_000
    );
}

#[test]
fn operators_change_what_hosts_see() {
    let (_directory, library) = library();
    let mut changer = changer(&library);
    assert_eq!(
        library.content(Place::Slot(5)).unwrap().as_deref(),
        Some("CLN001CU")
    );
    // Export: the robot brings it to the mail slot, the operator takes it.
    changer.transfer(2, 9).unwrap();
    assert_eq!(library.remove(Place::Slot(9)).unwrap(), "FER002L8");
    assert_eq!(changer.status().unwrap().slot_with_tag("FER002L8"), None);
    assert!(matches!(
        library.insert(Place::Slot(1), "FER002L8"),
        Err(LibraryError::Full(_))
    ));
    assert!(matches!(
        library.insert(Place::Slot(2), "FER001L8"),
        Err(LibraryError::InUse { .. })
    ));
    library.insert(Place::Slot(10), "FER002L8").unwrap();
    assert_eq!(
        changer.status().unwrap().slot_with_tag("FER002L8"),
        Some(10)
    );
    let spec = CartridgeSpec {
        barcode: "WRM001LY".to_owned(),
        kind: CartridgeKind::Worm,
        generation: None,
        capacity_bytes: None,
    };
    library.create_cartridge(&spec).unwrap();
    assert!(library.create_cartridge(&spec).is_err());
    library.insert(Place::Slot(2), "WRM001LY").unwrap();
    // Taken out of the drive by hand.
    changer.load(2, 0).unwrap();
    let mut drive = drive(&library, 0);
    drive.prepare().unwrap();
    assert!(drive.is_worm().unwrap());
    library.remove(Place::Drive(0)).unwrap();
    assert!(!drive.is_ready());
    assert!(drive.alert_flags().unwrap().contains(16));
    library.discard_cartridge("WRM001LY").unwrap();
    assert_eq!(library.cartridges().unwrap().len(), 5);
    changer.prevent_removal(true).unwrap();
    assert!(matches!(
        library.remove(Place::Slot(1)),
        Err(LibraryError::Locked(_))
    ));
    assert!(library.open_tray().is_err());
    changer.prevent_removal(false).unwrap();
    library.open_tray().unwrap();
    assert!(changer.transfer(1, 9).is_err());
    library.close_tray().unwrap();
    changer.transfer(1, 9).unwrap();
}

#[test]
fn write_protection_and_damage() {
    let (_directory, library) = library();
    let mut changer = changer(&library);
    changer.load(1, 0).unwrap();
    let mut drive = drive(&library, 0);
    drive.prepare().unwrap();
    write(&mut drive, 0..3);
    library.set_write_protected("FER001L8", true).unwrap();
    let end = drive.end_of_data().unwrap();
    let mut file = drive.write_file(end).unwrap();
    let refused = file.write_block(&block(0)).unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Operator);
    drop(file);
    read(&mut drive, 0..3);
    library.damage("FER001L8", Damage::Unreadable(1)).unwrap();
    let begin = drive.rewind().unwrap();
    let mut file = drive.read_file(begin).unwrap();
    let mut buffer = block(9);
    assert!(file.read_block(&mut buffer).is_ok());
    let unreadable = file.read_block(&mut buffer).unwrap_err();
    assert_eq!(unreadable.class(), ErrorClass::Data);
}

#[test]
fn cleaning() {
    let (_directory, library) = library();
    library.want_cleaning(0, true).unwrap();
    let mut changer = changer(&library);
    let mut drive = drive(&library, 0);
    assert!(drive.alert_flags().unwrap().wants_cleaning());
    changer.load(5, 0).unwrap();
    changer.unload(0, Some(5)).unwrap();
    assert!(!drive.alert_flags().unwrap().wants_cleaning());
    let used = library.cartridges().unwrap();
    let cleaning = used
        .iter()
        .find(|cartridge| cartridge.chip.kind == CartridgeKind::Cleaning)
        .unwrap();
    assert_eq!(cleaning.chip.cleanings_left, 49);
    assert_eq!(cleaning.place, Some(Place::Slot(5)));
}

#[test]
fn a_drive_can_be_asked_what_it_is_doing() {
    let directory = tempfile::tempdir().unwrap();
    let options = LibraryOptions {
        pace: Pace::Faster(20.0),
        ..options()
    };
    let library = EmulatedLibrary::create(directory.path().join("lib"), &options).unwrap();
    library
        .insert(Place::Drive(0), &library.remove(Place::Slot(1)).unwrap())
        .unwrap();
    let unit = LogicalUnit::open(library.drive_path(0)).unwrap();
    let mut host = Drive::open(unit.connect("host"), DriveOptions::default()).unwrap();
    // 15 seconds in less than one.
    host.prepare().unwrap();
    write(&mut host, 0..30);
    let mut other = Drive::open(unit.connect("other"), DriveOptions::default()).unwrap();
    let rewinding = std::thread::spawn(move || host.rewind().map(|_| ()));
    let start = Instant::now();
    let mut seen = false;
    while !seen && start.elapsed() < Duration::from_secs(10) {
        seen = other.device_status().unwrap().activity == Activity::Rewinding;
    }
    assert!(seen && !rewinding.is_finished());
    rewinding.join().unwrap().unwrap();
}
