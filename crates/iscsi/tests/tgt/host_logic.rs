//! What the program does with drives and libraries, on a library that is not ours.

use ferrite_scsi::changer::Content;
use ferrite_scsi::drive::{BlockRead, Drive, DriveOptions};
use ferrite_scsi::{ChangerError, ErrorClass, Place, ScsiError};

use crate::site::{self, DRIVE_LUN, FIRST_DRIVE, FIRST_SLOT, Site, TAPES};

const BLOCK: usize = 256 * 1024;

#[test]
fn a_library_is_read() {
    let Some(tree) = site::tree() else { return };
    let site = Site::start(tree);
    let mut changer = site.changer();
    assert_eq!(changer.inquiry().vendor, "IBM");
    assert_eq!(changer.inquiry().product, "3573-TL");
    let status = changer.status().unwrap();
    assert_eq!(status.slots.len(), 8 + 2);
    for (number, tag) in (1..).zip(TAPES) {
        let slot = status.slot(number).unwrap();
        assert_eq!(slot.content, Content::Tagged(tag.to_owned()));
        assert_eq!(u32::from(slot.address), u32::from(FIRST_SLOT) + number - 1);
        assert_eq!(status.slot_with_tag(tag), Some(number));
    }
    let mail: Vec<u16> = status
        .slots
        .iter()
        .filter(|slot| slot.import_export)
        .map(|slot| slot.address)
        .collect();
    assert_eq!(mail, [16, 17]);
    let drives: Vec<u16> = status.drives.iter().map(|drive| drive.address).collect();
    assert_eq!(drives, [FIRST_DRIVE, FIRST_DRIVE + 1]);
    // tgt forgets the end of the last drive's serial number; the first one's is whole.
    let serial = |drive: usize| {
        status.drives[drive]
            .identifier
            .as_ref()
            .map(|id| id.serial.as_str())
    };
    assert_eq!(serial(0), Some("DRV00001"));
    assert!(
        !status.warnings.is_empty(),
        "short element pages are worth a line in the log"
    );
}

#[test]
fn cartridges_move() {
    let Some(tree) = site::tree() else { return };
    let site = Site::start(tree);
    let mut changer = site.changer();
    let loaded = changer.load(2, 1).unwrap().status;
    assert_eq!(
        loaded.drives[1].content,
        Content::Tagged(TAPES[1].to_owned())
    );
    assert_eq!(loaded.drives[1].loaded_slot, Some(2));
    assert_eq!(loaded.slot(2).unwrap().content, Content::Empty);
    // To a mail slot: slots 9 and 10.
    let exported = changer.transfer(1, 9).unwrap().status;
    assert_eq!(
        exported.slot(9).unwrap().content,
        Content::Tagged(TAPES[0].to_owned())
    );
    let unloaded = changer.unload(1, None).unwrap().status;
    assert_eq!(
        unloaded.slot(2).unwrap().content,
        Content::Tagged(TAPES[1].to_owned())
    );
    assert_eq!(unloaded.drives[1].content, Content::Empty);
}

#[test]
fn refused_movements_say_so() {
    let Some(tree) = site::tree() else { return };
    let site = Site::start(tree);
    let mut changer = site.changer();
    let error = changer.load(5, 0).unwrap_err();
    assert!(error.to_string().contains("slot 5"), "{error}");
    let error = changer.transfer(1, 2).unwrap_err();
    assert!(error.to_string().contains("slot 2"), "{error}");
    assert!(matches!(
        changer.load(1, 7).unwrap_err(),
        ChangerError::NoSuchPlace {
            place: Place::Drive(7),
            ..
        }
    ));
}

#[test]
fn a_file_is_written_and_read() {
    let Some(tree) = site::tree() else { return };
    let site = Site::start(tree);
    let transport = site.blank_drive();
    // tgt cannot tell where its tape stands. It takes no mode page either, which only costs its compression.
    let options = DriveOptions {
        verify_positions: false,
        ..DriveOptions::default()
    };
    let mut drive = Drive::open(transport, options).unwrap();
    assert_eq!(drive.inquiry().product, "ULT3580-TD8");
    drive.prepare().unwrap();
    let blocks: Vec<Vec<u8>> = (0..8_u8)
        .map(|seed| vec![seed.wrapping_mul(37); BLOCK])
        .collect();
    let begin = drive.rewind().unwrap();
    let mut file = drive.write_file(begin).unwrap();
    for block in &blocks {
        assert!(!file.write_block(block).unwrap().early_warning);
    }
    let _ = file.finish().unwrap();
    drive.sync().unwrap();
    let begin = drive.rewind().unwrap();
    let mut file = drive.read_file(begin).unwrap();
    let mut buffer = vec![0; BLOCK];
    for block in &blocks {
        assert_eq!(file.read_block(&mut buffer).unwrap(), BlockRead::Block);
        assert!(buffer == *block);
    }
    assert_ne!(file.read_block(&mut buffer).unwrap(), BlockRead::Block);
}

#[test]
fn a_drive_without_a_tape_says_so() {
    let Some(tree) = site::tree() else { return };
    let site = Site::start(tree);
    let mut drive = Drive::open(site.connect(DRIVE_LUN), DriveOptions::default()).unwrap();
    assert!(!drive.is_ready());
    let error: ScsiError = drive.rewind().unwrap_err();
    assert_eq!(error.class(), ErrorClass::Operator, "{error}");
}

#[test]
fn a_command_that_the_drive_does_not_know() {
    let Some(tree) = site::tree() else { return };
    let site = Site::start(tree);
    let mut drive = Drive::open(site.blank_drive(), DriveOptions::default()).unwrap();
    drive.prepare().unwrap();
    for error in [
        drive.volume_statistics().unwrap_err(),
        drive.attributes().unwrap_err(),
        drive.device_status().unwrap_err(),
        drive.densities().unwrap_err(),
        drive.encryption_mode().unwrap_err(),
    ] {
        assert!(
            error.to_string().contains("5/20/00") || error.to_string().contains("not support"),
            "{error}"
        );
    }
}
