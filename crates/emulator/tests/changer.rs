//! The robot of a library beyond what the conformance suite asks: exchanges, time, locks, quirks.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use ferrite_emulator::library::{
    ChangerQuirks, EmulatedDevice, EmulatedLibrary, LibraryOptions, LogicalUnit,
};
use ferrite_emulator::{DriveQuirks, EmulatorClock, Pace, Timing, VirtualClock};
use ferrite_scsi::asc::AdditionalSense as A;
use ferrite_scsi::changer::Changer;
use ferrite_scsi::command::{
    ExchangeMedium, InitializeElements, LoadUnload, MoveMedium, PreventAllow, ReadElementStatus,
    test_unit_ready,
};
use ferrite_scsi::element::{ElementReport, ElementType};
use ferrite_scsi::inquiry::{InquiryCommand, parse_serial};
use ferrite_scsi::sense::SenseKey as K;
use ferrite_scsi::{Cdb, ChangerOptions, Completion, Data, Place, Status, Transport};
use tempfile::TempDir;

const STORAGE: u16 = 1001;
const MAIL: u16 = 101;
const DRIVE: u16 = 501;

struct Robot {
    _directory: TempDir,
    library: EmulatedLibrary,
    clock: VirtualClock,
    device: EmulatedDevice,
}

impl Robot {
    fn new(options: LibraryOptions) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = LibraryOptions {
            slots: 4,
            import_export: 2,
            cartridges: Some(2),
            cleaning_cartridges: 0,
            ..options
        };
        let path = directory.path().join("lib");
        let pace = options.pace;
        EmulatedLibrary::create(&path, &options).unwrap();
        let clock = VirtualClock::default();
        clock.advance(Duration::from_secs(1_000_000));
        let timing = Timing {
            clock: Arc::new(clock.clone()),
            pace,
        };
        let library = EmulatedLibrary::open_with(&path, timing.clone()).unwrap();
        let unit = LogicalUnit::open_with(library.changer_path(), Some(timing)).unwrap();
        let mut robot = Self {
            _directory: directory,
            library,
            clock,
            device: unit.connect("host"),
        };
        while robot.run(&test_unit_ready()).status != Status::Good {}
        robot
    }

    fn run(&mut self, cdb: &Cdb) -> Completion {
        self.device
            .execute(cdb, Data::None, Duration::ZERO)
            .unwrap()
    }

    fn drive(&self, number: u16) -> EmulatedDevice {
        let timing = Timing {
            clock: Arc::new(self.clock.clone()),
            pace: Pace::Instant,
        };
        let unit = LogicalUnit::open_with(self.library.drive_path(number), Some(timing)).unwrap();
        let mut device = unit.connect("host");
        for _ in 0..3 {
            let _ = device
                .execute(&test_unit_ready(), Data::None, Duration::ZERO)
                .unwrap();
        }
        device
    }

    fn host(&self) -> Changer {
        let options = ChangerOptions {
            clock: Box::new(self.clock.clone()),
            ..ChangerOptions::default()
        };
        Changer::open(self.device.clone(), options).unwrap()
    }

    fn contents(&self, places: &[Place]) -> Vec<Option<String>> {
        places
            .iter()
            .map(|&place| self.library.content(place).unwrap())
            .collect()
    }
}

fn moving(source: u16, destination: u16) -> Cdb {
    MoveMedium {
        transport: 0,
        source,
        destination,
        invert: false,
    }
    .cdb()
}

fn exchange(source: u16, first: u16, second: u16) -> Cdb {
    ExchangeMedium {
        transport: 1,
        source,
        first_destination: first,
        second_destination: second,
    }
    .cdb()
}

#[track_caller]
fn assert_good(completion: &Completion) {
    assert_eq!(completion.status, Status::Good, "{:?}", completion.sense());
}

#[track_caller]
fn assert_sense(completion: &Completion, key: K, code: A) {
    let sense = completion.sense().unwrap().unwrap();
    assert!(sense.is(key, code), "{sense}");
}

fn tags(tags: &[&str]) -> Vec<Option<String>> {
    tags.iter()
        .map(|tag| (!tag.is_empty()).then(|| (*tag).to_owned()))
        .collect()
}

#[test]
fn exchanges() {
    let mut robot = Robot::new(LibraryOptions::default());
    let places = [
        Place::Slot(1),
        Place::Slot(2),
        Place::Slot(3),
        Place::Drive(0),
    ];
    assert_good(&robot.run(&moving(STORAGE, DRIVE)));
    assert_good(&robot.run(&exchange(STORAGE + 1, DRIVE, STORAGE + 2)));
    assert_eq!(
        robot.contents(&places),
        tags(&["", "", "FER001L8", "FER002L8"])
    );
    // Back and forth.
    assert_good(&robot.run(&exchange(STORAGE + 2, DRIVE, STORAGE + 2)));
    assert_eq!(
        robot.contents(&places),
        tags(&["", "", "FER002L8", "FER001L8"])
    );
    for (cdb, code) in [
        (exchange(STORAGE, DRIVE, STORAGE + 1), A::SOURCE_EMPTY),
        (exchange(STORAGE + 2, STORAGE, STORAGE + 1), A::SOURCE_EMPTY),
        (exchange(STORAGE + 2, DRIVE, DRIVE), A::DESTINATION_FULL),
        (exchange(STORAGE + 2, DRIVE, 9), A::INVALID_ELEMENT_ADDRESS),
    ] {
        assert_sense(&robot.run(&cdb), K::IllegalRequest, code);
    }
    // The drive has what the robot gave it.
    let mut drive = robot.drive(0);
    let ready = drive.execute(&test_unit_ready(), Data::None, Duration::ZERO);
    assert_good(&ready.unwrap());
}

#[test]
fn robots_take_their_time() {
    let mut robot = Robot::new(LibraryOptions {
        pace: Pace::Faster(1.0),
        ..LibraryOptions::default()
    });
    let now = |robot: &Robot| EmulatorClock::now(&robot.clock);
    let before = now(&robot);
    assert_good(&robot.run(&moving(STORAGE, STORAGE + 2)));
    assert_eq!(now(&robot) - before, Duration::from_secs(15));
    // Somebody else's movement.
    let unit = LogicalUnit::open_with(
        robot.library.changer_path(),
        Some(Timing {
            clock: Arc::new(Still(robot.clock.clone())),
            pace: Pace::Faster(1.0),
        }),
    )
    .unwrap();
    let mut other = unit.connect("host");
    let start = now(&robot);
    let _ = other
        .execute(&moving(STORAGE + 2, STORAGE), Data::None, Duration::ZERO)
        .unwrap();
    assert_eq!(now(&robot), start);
    let status = |current| ReadElementStatus {
        element_type: Some(ElementType::Storage),
        volume_tags: true,
        device_ids: false,
        current_data: current,
        start: 0,
        count: 10,
        allocation: 1000,
    };
    let mut buffer = [0; 1000];
    // What is known already comes at once, the rest waits for the robot.
    for (current, waits) in [(true, 0), (false, 15)] {
        let cdb = status(current).cdb();
        let completion = robot
            .device
            .execute(&cdb, Data::In(&mut buffer), Duration::ZERO)
            .unwrap();
        assert_good(&completion);
        assert_eq!(now(&robot) - start, Duration::from_secs(waits));
    }
    // During an inventory nothing else works.
    let _ = other
        .execute(&InitializeElements::All.cdb(), Data::None, Duration::ZERO)
        .unwrap();
    assert_sense(
        &robot.run(&test_unit_ready()),
        K::NotReady,
        A::BECOMING_READY,
    );
    robot.clock.advance(Duration::from_secs(61));
    assert_good(&robot.run(&test_unit_ready()));
    // From a drive: it has to rewind and eject first.
    assert_good(&robot.run(&moving(STORAGE, DRIVE)));
    robot.clock.advance(Duration::from_secs(60));
    let before = now(&robot);
    assert_good(&robot.run(&moving(DRIVE, STORAGE)));
    assert_eq!(now(&robot) - before, Duration::from_secs(19 + 15));
}

/// A clock that this one does not move by sleeping: somebody else's process.
struct Still(VirtualClock);

impl EmulatorClock for Still {
    fn now(&self) -> Duration {
        EmulatorClock::now(&self.0)
    }

    fn sleep(&self, _duration: Duration) {}
}

#[test]
fn locks_and_doors() {
    let mut robot = Robot::new(LibraryOptions::default());
    assert_good(&robot.run(&moving(STORAGE, DRIVE)));
    let mut drive = robot.drive(0);
    let prevent = |prevent| PreventAllow { prevent }.cdb();
    let locked = drive.execute(&prevent(true), Data::None, Duration::ZERO);
    assert_good(&locked.unwrap());
    assert_sense(
        &robot.run(&moving(DRIVE, STORAGE)),
        K::IllegalRequest,
        A::REMOVAL_PREVENTED,
    );
    let _ = drive.execute(&prevent(false), Data::None, Duration::ZERO);
    assert_good(&robot.run(&moving(DRIVE, STORAGE)));
    // The mail slot opens and closes by command too.
    let door = |action| Cdb::new([0x1B, 0, 0, MAIL as u8, action, 0]);
    assert_good(&robot.run(&prevent(true)));
    assert_sense(
        &robot.run(&door(0)),
        K::IllegalRequest,
        A::REMOVAL_PREVENTED,
    );
    assert_good(&robot.run(&prevent(false)));
    assert_good(&robot.run(&door(0)));
    assert_sense(
        &robot.run(&test_unit_ready()),
        K::NotReady,
        A::MEDIUM_NOT_PRESENT_TRAY_OPEN,
    );
    assert_good(&robot.run(&door(1)));
    assert_sense(
        &robot.run(&test_unit_ready()),
        K::UnitAttention,
        A::IMPORT_EXPORT_ACCESSED,
    );
    // What the operator put into the mail slot says so; what the robot put there does not.
    let tape = robot.library.remove(Place::Slot(2)).unwrap();
    robot.library.insert(Place::Slot(5), &tape).unwrap();
    for _ in 0..2 {
        let _ = robot.run(&test_unit_ready());
    }
    assert_good(&robot.run(&moving(STORAGE, MAIL + 1)));
    let cdb = ReadElementStatus {
        element_type: Some(ElementType::ImportExport),
        volume_tags: true,
        device_ids: false,
        current_data: false,
        start: 0,
        count: 10,
        allocation: 1000,
    };
    let mut buffer = [0; 1000];
    let _ = robot
        .device
        .execute(&cdb.cdb(), Data::In(&mut buffer), Duration::ZERO)
        .unwrap();
    let report = ElementReport::parse(&buffer, 1000).unwrap();
    let by_operator: Vec<bool> = report
        .elements
        .iter()
        .map(|(_, element)| element.placed_by_operator)
        .collect();
    assert_eq!(by_operator, [true, false]);
}

#[test]
fn drives_that_want_to_be_asked_first() {
    let mut robot = Robot::new(LibraryOptions {
        drive_quirks: DriveQuirks {
            eject_before_move: true,
            ..DriveQuirks::default()
        },
        ..LibraryOptions::default()
    });
    assert_good(&robot.run(&moving(STORAGE, DRIVE)));
    let mut drive = robot.drive(0);
    assert_sense(
        &robot.run(&moving(DRIVE, STORAGE)),
        K::IllegalRequest,
        A::REMOVAL_PREVENTED_BY_DRIVE,
    );
    let eject = LoadUnload {
        load: false,
        immediate: false,
    };
    let _ = drive
        .execute(&eject.cdb(), Data::None, Duration::ZERO)
        .unwrap();
    assert_good(&robot.run(&moving(DRIVE, STORAGE)));
}

#[test]
fn hosts_cope_with_quirks() {
    let none = ChangerQuirks::default();
    for quirks in [
        ChangerQuirks {
            no_identifiers: true,
            ..none
        },
        ChangerQuirks {
            serial_only: true,
            ..none
        },
        ChangerQuirks {
            tags_or_identifiers: true,
            ..none
        },
        ChangerQuirks {
            allocation_16_bit: true,
            ..none
        },
        ChangerQuirks {
            no_transport: true,
            ..none
        },
        ChangerQuirks {
            elements_per_answer: 1,
            ..none
        },
    ] {
        let robot = Robot::new(LibraryOptions {
            changer_quirks: quirks,
            ..LibraryOptions::default()
        });
        let mut host = robot.host();
        let status = host.load(2, 1).unwrap().status;
        assert_eq!(status.slots.len(), 6, "{quirks:?}");
        assert_eq!(status.drives[1].content.tag(), Some("FER002L8"));
        assert_eq!(status.drives[1].loaded_slot, Some(2));
        let serial = status.drives[1]
            .identifier
            .as_ref()
            .map(|identifier| identifier.serial.clone());
        let mut page = [0; 64];
        let cdb = InquiryCommand {
            page: Some(0x80),
            allocation: 64,
        };
        let _ = robot
            .drive(1)
            .execute(&cdb.cdb(), Data::In(&mut page), Duration::ZERO)
            .unwrap();
        let expected = parse_serial(&page).filter(|_| !quirks.no_identifiers);
        assert_eq!(serial, expected, "{quirks:?}");
        host.unload(1, None).unwrap();
    }
}
