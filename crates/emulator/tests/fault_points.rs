//! Every fault point of scsi.md 7.10, on a library: what a host sees of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::io::BufReader;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ferrite_emulator::library::{CartridgeSpec, EmulatedLibrary, LibraryOptions, LogicalUnit};
use ferrite_emulator::wrappers::{Fault, Faults, RecordingTransport, ReplayTransport, Trigger};
use ferrite_emulator::{CartridgeKind, Damage, EmulatorClock, VirtualClock};
use ferrite_scsi::alert::AlertFlags;
use ferrite_scsi::asc::AdditionalSense as A;
use ferrite_scsi::command::{
    Locate, LocateTarget, MoveMedium, Read, ReadElementStatus, ReadPosition, Rewind, TapePosition,
    Write, WriteFilemarks, test_unit_ready,
};
use ferrite_scsi::element::{ElementReport, ElementType};
use ferrite_scsi::opcode::OperationCode as Op;
use ferrite_scsi::sense::{Sense, SenseKey as K};
use ferrite_scsi::{Cdb, Completion, Data, Place, Status, Transport, TransportError};
use tempfile::TempDir;

const BLOCK_BYTES: usize = 4096;

/// A library with a tape in drive 0: three blocks, a mark, one block.
struct Bench {
    _directory: TempDir,
    library: Arc<EmulatedLibrary>,
    faults: Faults,
    clock: VirtualClock,
    drive: Box<dyn Transport>,
    changer: Box<dyn Transport>,
}

type Answer = Result<Completion, TransportError>;

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = LibraryOptions {
            slots: 6,
            cartridges: Some(4),
            capacity_bytes: Some(1 << 20),
            ..LibraryOptions::default()
        };
        let library = EmulatedLibrary::create(directory.path().join("lib"), &options).unwrap();
        let tape = library.remove(Place::Slot(1)).unwrap();
        library.insert(Place::Drive(0), &tape).unwrap();
        let clock = VirtualClock::default();
        let faults = Faults::new(3, Arc::new(clock.clone()));
        let open = |path| LogicalUnit::open(path).unwrap().connect("host");
        let mut bench = Self {
            drive: Box::new(faults.wrap(open(library.drive_path(0)))),
            changer: Box::new(faults.wrap(open(library.changer_path()))),
            _directory: directory,
            library: Arc::new(library),
            faults,
            clock,
        };
        while bench.run(&test_unit_ready()).unwrap().status != Status::Good {}
        while bench
            .changer
            .execute(&test_unit_ready(), Data::None, Duration::ZERO)
            .unwrap()
            .status
            != Status::Good
        {}
        for byte in 1..=3 {
            bench.write_good(byte);
        }
        bench.mark();
        bench.write_good(4);
        bench.mark();
        bench.good(&Rewind { immediate: false }.cdb());
        bench
    }

    fn arm(&self, trigger: Trigger, fault: Fault) {
        self.faults.arm(trigger, fault);
    }

    fn act(&self, trigger: Trigger, act: impl Fn(&EmulatedLibrary) + Send + Sync + 'static) {
        let library = Arc::clone(&self.library);
        self.arm(trigger, Fault::Act(Arc::new(move || act(&library))));
    }

    fn rewrite(&self, trigger: Trigger, change: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) {
        self.arm(trigger, Fault::Rewrite(Arc::new(change)));
    }

    fn run(&mut self, cdb: &Cdb) -> Answer {
        self.drive.execute(cdb, Data::None, Duration::ZERO)
    }

    #[track_caller]
    fn good(&mut self, cdb: &Cdb) {
        let completion = self.run(cdb).unwrap();
        assert_eq!(completion.status, Status::Good, "{:?}", completion.sense());
    }

    fn write(&mut self, byte: u8) -> Answer {
        let cdb = Write {
            fixed: false,
            length: BLOCK_BYTES as u32,
        }
        .cdb();
        self.drive
            .execute(&cdb, Data::Out(&[byte; BLOCK_BYTES]), Duration::ZERO)
    }

    #[track_caller]
    fn write_good(&mut self, byte: u8) {
        let completion = self.write(byte).unwrap();
        assert_eq!(completion.status, Status::Good, "{:?}", completion.sense());
    }

    fn mark(&mut self) {
        let mark = WriteFilemarks {
            count: 1,
            immediate: false,
        };
        let _ = self.run(&mark.cdb()).unwrap();
    }

    fn read_any(&mut self) -> (Answer, Vec<u8>) {
        let mut buffer = vec![0; BLOCK_BYTES];
        let cdb = Read {
            fixed: false,
            suppress_incorrect_length: false,
            length: BLOCK_BYTES as u32,
        }
        .cdb();
        let answer = self
            .drive
            .execute(&cdb, Data::In(&mut buffer), Duration::ZERO);
        (answer, buffer)
    }

    /// The next object: first byte of a block, `|` for a mark, `.` for the end.
    #[track_caller]
    fn read(&mut self) -> char {
        let (answer, buffer) = self.read_any();
        let completion = answer.unwrap();
        match completion.sense() {
            None => {
                assert!(buffer.iter().all(|byte| *byte == buffer[0]), "corrupt");
                char::from(b'0' + buffer[0])
            }
            Some(Ok(sense)) if sense.filemark => '|',
            Some(Ok(sense)) if sense.key == K::BlankCheck => '.',
            Some(other) => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn tape(&mut self) -> String {
        let mut all = String::new();
        loop {
            match self.read() {
                '.' => return all,
                object => all.push(object),
            }
        }
    }

    fn query(&mut self, cdb: &Cdb, length: usize) -> (Answer, Vec<u8>) {
        let mut buffer = vec![0; length];
        let answer = self
            .drive
            .execute(cdb, Data::In(&mut buffer), Duration::ZERO);
        if let Ok(completion) = &answer {
            buffer.truncate(length.saturating_sub(completion.residual));
        }
        (answer, buffer)
    }

    fn log_page(&mut self, page: u8) -> (Answer, Vec<u8>) {
        let command = ferrite_scsi::log::LogSense {
            page,
            subpage: 0,
            allocation: 512,
        };
        self.query(&command.cdb(), 512)
    }

    fn alerts(&mut self) -> AlertFlags {
        let page = self.log_page(0x12).1;
        ferrite_scsi::log::parse_alert_flags(&page).unwrap()
    }

    fn robot(&mut self, cdb: &Cdb) -> Answer {
        self.changer.execute(cdb, Data::None, Duration::ZERO)
    }

    fn elements(&mut self, kind: ElementType, ids: bool) -> (Answer, Vec<u8>) {
        let command = ReadElementStatus {
            element_type: Some(kind),
            volume_tags: !ids,
            device_ids: ids,
            current_data: false,
            start: 0,
            count: 100,
            allocation: 4096,
        };
        let mut buffer = vec![0; 4096];
        let answer = self
            .changer
            .execute(&command.cdb(), Data::In(&mut buffer), Duration::ZERO);
        if let Ok(completion) = &answer {
            buffer.truncate(4096 - completion.residual);
        }
        (answer, buffer)
    }

    #[track_caller]
    fn tags(&mut self) -> Vec<Option<String>> {
        let bytes = self.elements(ElementType::Storage, false).1;
        let report = ElementReport::parse(&bytes, 4096).unwrap();
        report
            .elements
            .into_iter()
            .map(|(_, element)| element.tag)
            .collect()
    }
}

#[track_caller]
fn assert_sense(answer: &Answer, key: K, code: A) {
    let sense = answer.as_ref().unwrap().sense().unwrap().unwrap();
    assert!(sense.is(key, code), "{sense}");
}

const FROM_SLOT_2_TO_6: MoveMedium = MoveMedium {
    transport: 1,
    source: 1002,
    destination: 1006,
    invert: false,
};

#[test]
fn points_1_to_5_read_and_write_errors() {
    let mut bench = Bench::new();
    let unreadable = Fault::sense(K::MediumError, A::UNRECOVERED_READ_ERROR);
    // 1: for good, at an object; 2: once.
    bench
        .library
        .damage("FER001L8", Damage::Unreadable(4))
        .unwrap();
    bench.arm(Trigger::on(Op::READ_6).skip(1), unreadable);
    assert_eq!(bench.read(), '1');
    let trouble = bench.read_any().0;
    assert_sense(&trouble, K::MediumError, A::UNRECOVERED_READ_ERROR);
    assert_eq!([bench.read(), bench.read(), bench.read()], ['2', '3', '|']);
    for _ in 0..2 {
        let trouble = bench.read_any().0;
        assert_sense(&trouble, K::MediumError, A::UNRECOVERED_READ_ERROR);
    }
    // 3, 5: writing.
    bench
        .library
        .damage("FER001L8", Damage::Unwritable(0))
        .unwrap();
    bench.good(&Rewind { immediate: false }.cdb());
    assert_sense(&bench.write(1), K::MediumError, A::WRITE_ERROR);
    let failing = Fault::sense(K::MediumError, A::WRITE_ERROR);
    bench.arm(Trigger::on(Op::WRITE_FILEMARKS_6), failing);
    let mark = WriteFilemarks::SYNC.cdb();
    assert_sense(&bench.run(&mark), K::MediumError, A::WRITE_ERROR);
    // 4: said two commands later, as deferred.
    let mut bench = Bench::new();
    let late = Sense::new(K::MediumError, A::WRITE_ERROR);
    bench.arm(Trigger::on(Op::WRITE_6), Fault::Deferred(late, 2));
    bench.write_good(1);
    bench.write_good(2);
    let answer = bench.write(3);
    assert_sense(&answer, K::MediumError, A::WRITE_ERROR);
    assert!(answer.unwrap().sense().unwrap().unwrap().deferred);
}

#[test]
fn points_6_to_13_blocks_that_are_not_what_they_were() {
    let mut bench = Bench::new();
    bench.library.corrupt("FER001L8", 0).unwrap();
    bench.arm(Trigger::on(Op::READ_6).skip(1), Fault::Corrupt);
    for _ in 0..2 {
        let (answer, block) = bench.read_any();
        assert_eq!(answer.unwrap().status, Status::Good);
        assert!(block.iter().any(|byte| *byte != block[0]));
    }
    bench.arm(Trigger::NEXT, Fault::Shorter(96));
    assert_eq!(bench.read_any().0.unwrap().residual, 96);
    bench.good(&Rewind { immediate: false }.cdb());
    bench.arm(Trigger::NEXT, Fault::Longer(10));
    let sense = bench.read_any().0.unwrap().sense().unwrap().unwrap();
    assert!(sense.incorrect_length && sense.information == Some(-10));

    let read = || Trigger::on(Op::READ_6);
    for (trigger, fault, expected) in [
        (read().skip(1), Fault::Lost, "13|4|"),
        (read().skip(1), Fault::Duplicate, "1123|4|"),
        (read().skip(3), Fault::LostFilemark, "1234|"),
        (read().skip(1), Fault::ExtraFilemark, "1|23|4|"),
        (Trigger::NEXT.times(0), Fault::Lost, "123|4|"),
    ] {
        let mut bench = Bench::new();
        bench.arm(trigger, fault.clone());
        assert_eq!(bench.tape(), expected, "{fault:?}");
    }
    // The same while writing.
    for (trigger, fault, expected) in [
        (Trigger::on(Op::WRITE_6).skip(1), Fault::Lost, "57|"),
        (Trigger::on(Op::WRITE_6).skip(1), Fault::Duplicate, "5667|"),
        (
            Trigger::on(Op::WRITE_FILEMARKS_6),
            Fault::LostFilemark,
            "567",
        ),
        (
            Trigger::on(Op::WRITE_FILEMARKS_6),
            Fault::Duplicate,
            "567||",
        ),
    ] {
        let mut bench = Bench::new();
        bench.arm(trigger, fault.clone());
        for byte in 5..=7 {
            bench.write_good(byte);
        }
        bench.mark();
        bench.good(&Rewind { immediate: false }.cdb());
        assert_eq!(bench.tape(), expected, "{fault:?}");
    }
    let mut bench = Bench::new();
    bench
        .library
        .damage("FER001L8", Damage::EndOfDataLost)
        .unwrap();
    for expected in "123|4|".chars() {
        assert_eq!(bench.read(), expected);
    }
    let lost = bench.read_any().0;
    assert_sense(&lost, K::BlankCheck, A::END_OF_DATA_NOT_FOUND);
    // After a loss of power what was not flushed is not there.
    let mut bench = Bench::new();
    bench.write_good(8);
    bench.library.power_cycle_drive(0).unwrap();
    while bench.run(&test_unit_ready()).unwrap().status != Status::Good {}
    assert_eq!(bench.read(), '.');
}

/// Blocks that are written until something is said, and what.
fn until_warning(bench: &mut Bench, most: usize) -> (usize, Option<Sense>) {
    for count in 0..most {
        if let Some(Ok(sense)) = bench.write(1).unwrap().sense() {
            return (count, Some(sense));
        }
    }
    (most, None)
}

#[test]
fn points_14_to_17_warnings_before_the_end() {
    // 1 MiB, of which half is the zone of early warning: after 127 blocks of 4 KiB.
    let mut bench = Bench::new();
    let (normally, sense) = until_warning(&mut bench, 300);
    assert!(sense.unwrap().is(K::NoSense, A::END_OF_MEDIUM));
    assert!((120..=128).contains(&normally));
    let mut bench = Bench::new();
    bench.arm(Trigger::on(Op::WRITE_6).always(), Fault::NoWarning);
    let (full, sense) = until_warning(&mut bench, 300);
    assert!(sense.unwrap().is(K::VolumeOverflow, A::END_OF_MEDIUM));
    assert_eq!(full, 256);
    let mut bench = Bench::new();
    let early = Fault::Warning(A::END_OF_MEDIUM);
    bench.arm(Trigger::on(Op::WRITE_6).skip(3), early);
    assert_eq!(until_warning(&mut bench, 300).0, 3);
    let mut bench = Bench::new();
    let once = Trigger::on(Op::WRITE_6).skip(normally as u64 + 1).always();
    bench.arm(once, Fault::NoWarning);
    assert_eq!(until_warning(&mut bench, 300).0, normally);
    assert_eq!(until_warning(&mut bench, 20).1, None);
    let mut bench = Bench::new();
    let programmable = Fault::Warning(A::PROGRAMMABLE_EARLY_WARNING);
    bench.arm(Trigger::on(Op::WRITE_6).skip(2), programmable);
    let sense = until_warning(&mut bench, 300).1.unwrap();
    assert!(sense.is(K::NoSense, A::PROGRAMMABLE_EARLY_WARNING));
}

#[test]
fn points_18_to_22_tapes_and_drives_that_change() {
    let mut bench = Bench::new();
    bench.act(Trigger::on(Op::WRITE_6).skip(1), |library| {
        library.set_write_protected("FER001L8", true).unwrap();
    });
    bench.write_good(1);
    assert_sense(&bench.write(2), K::DataProtect, A::WRITE_PROTECTED);

    let swap = |bench: &mut Bench, barcode: &str, kind, generation| {
        let spec = CartridgeSpec {
            barcode: barcode.to_owned(),
            kind,
            generation: Some(generation),
            capacity_bytes: None,
        };
        bench.library.create_cartridge(&spec).unwrap();
        bench.library.remove(Place::Drive(0)).unwrap();
        bench.library.insert(Place::Drive(0), barcode).unwrap();
        for _ in 0..4 {
            let _ = bench.run(&test_unit_ready());
        }
    };
    swap(&mut bench, "WORM", CartridgeKind::Worm, 8);
    bench.write_good(1);
    bench.good(&Rewind { immediate: false }.cdb());
    assert_sense(&bench.write(2), K::DataProtect, A::WORM_OVERWRITE_ATTEMPTED);
    swap(&mut bench, "OLDER", CartridgeKind::Data, 7);
    bench.write_good(1);
    swap(&mut bench, "ANCIENT", CartridgeKind::Data, 5);
    let refused = bench.run(&test_unit_ready());
    assert_sense(&refused, K::NotReady, A::INCOMPATIBLE_MEDIUM);

    let mut bench = Bench::new();
    bench.act(Trigger::on(Op::WRITE_6).skip(1), |library| {
        library.power_cycle_drive(0).unwrap();
    });
    let lost = TransportError::ConnectionLost { reason: "reset" };
    bench.arm(Trigger::on(Op::WRITE_6).skip(1), Fault::AnswerLost(lost));
    bench.write_good(5);
    assert!(bench.write(6).is_err());
    let next = bench.run(&test_unit_ready());
    assert_sense(&next, K::UnitAttention, A::MEDIUM_MAY_HAVE_CHANGED);
    // The buffer is gone.
    assert_eq!(bench.read(), '.');
}

#[test]
fn points_23_to_35_answers_that_are_none() {
    let mut bench = Bench::new();
    let seconds = Duration::from_secs;
    let now = EmulatorClock::now(&bench.clock);
    let gone = TransportError::ConnectionLost {
        reason: "no connect",
    };
    bench.arm(
        Trigger::NEXT.always().between(now, now + seconds(5)),
        Fault::Transport(gone),
    );
    assert!(bench.run(&test_unit_ready()).is_err());
    bench.clock.advance(seconds(6));
    bench.good(&test_unit_ready());
    for (fault, expected) in [
        (TransportError::Timeout { seconds: 60 }, "no answer"),
        (TransportError::DeviceGone, "gone"),
        (
            TransportError::ConnectionLost {
                reason: "error with GOOD",
            },
            "connection",
        ),
    ] {
        bench.arm(Trigger::NEXT, Fault::Transport(fault));
        let error = bench.run(&test_unit_ready()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    bench.arm(Trigger::NEXT, Fault::Shorter(4));
    assert_eq!(bench.read_any().0.unwrap().residual, 4);
    bench.arm(Trigger::NEXT, Fault::Implausible);
    assert_eq!(bench.read_any().0.unwrap().residual, BLOCK_BYTES + 1);
    let start = EmulatorClock::now(&bench.clock);
    let waiting = Fault::sense(K::NotReady, A::BECOMING_READY);
    bench.arm(
        Trigger::on(Op::TEST_UNIT_READY)
            .always()
            .between(start, start + seconds(7200)),
        waiting,
    );
    let mut polls = 0;
    while bench.run(&test_unit_ready()).unwrap().status != Status::Good {
        bench.clock.advance(seconds(60));
        polls += 1;
    }
    assert_eq!(polls, 120);
    let storm = Fault::sense(K::UnitAttention, A::MODE_PARAMETERS_CHANGED);
    bench.arm(Trigger::NEXT.times(5), storm);
    for _ in 0..5 {
        let attention = bench.run(&test_unit_ready());
        assert_sense(&attention, K::UnitAttention, A::MODE_PARAMETERS_CHANGED);
    }
    for status in [
        Status::Busy,
        Status::TaskSetFull,
        Status::ReservationConflict,
    ] {
        bench.arm(Trigger::NEXT.times(2), Fault::Status(status));
        for _ in 0..2 {
            assert_eq!(bench.run(&test_unit_ready()).unwrap().status, status);
        }
    }
    bench.arm(Trigger::NEXT, Fault::EmptySense);
    let empty = bench.run(&test_unit_ready()).unwrap();
    assert_eq!(empty.status, Status::CheckCondition);
    assert!(empty.sense().is_none());
    bench.good(&Rewind { immediate: false }.cdb());
    assert_eq!([bench.read(), bench.read(), bench.read()], ['1', '2', '3']);
    bench.arm(Trigger::NEXT, Fault::DescriptorSense);
    let mark = bench.read_any().0.unwrap();
    assert_eq!(mark.sense_bytes()[0], 0x72);
    assert!(mark.sense().unwrap().unwrap().filemark);
    let vendors = Fault::sense(K::VendorSpecific, A(0x80, 0x01));
    bench.arm(Trigger::NEXT, vendors);
    assert_sense(
        &bench.run(&test_unit_ready()),
        K::VendorSpecific,
        A(0x80, 0x01),
    );
    bench.good(&test_unit_ready());
}

#[test]
fn points_36_to_44_loading_positions_alerts_cleaning() {
    let mut bench = Bench::new();
    let load = |load| {
        ferrite_scsi::command::LoadUnload {
            load,
            immediate: false,
        }
        .cdb()
    };
    bench.library.damage("FER001L8", Damage::Snapped).unwrap();
    assert_sense(
        &bench.run(&load(false)),
        K::HardwareError,
        A::UNLOAD_FAILURE,
    );
    assert!(bench.alerts().contains(56));
    bench
        .library
        .update_chip("FER001L8", |chip| {
            chip.damage = vec![Damage::CannotBeLoaded];
        })
        .unwrap();
    bench.good(&load(false));
    assert_sense(
        &bench.run(&load(true)),
        K::HardwareError,
        A::LOAD_OR_EJECT_FAILED,
    );
    assert!(bench.alerts().contains(55));

    let mut bench = Bench::new();
    bench.act(Trigger::on(Op::WRITE_6).skip(1), |library| {
        library.remove(Place::Drive(0)).unwrap();
    });
    bench.write_good(1);
    assert_sense(&bench.write(2), K::NotReady, A::MEDIUM_NOT_PRESENT);
    assert!(bench.alerts().contains(16));

    let mut bench = Bench::new();
    assert_eq!(bench.read(), '1');
    let library = Arc::clone(&bench.library);
    library.power_cycle_drive(0).unwrap();
    while bench.run(&test_unit_ready()).unwrap().status != Status::Good {}
    assert_eq!(bench.read(), '1');

    let mut bench = Bench::new();
    bench.arm(Trigger::on(Op::LOCATE_16), Fault::OneFileOff);
    let first = Locate {
        target: LocateTarget::File(0),
        immediate: false,
    };
    bench.good(&first.cdb());
    assert_eq!(bench.read(), '4');
    bench.rewrite(Trigger::on(Op::READ_POSITION), |position| {
        position[0] |= 0x04;
        position[15] = 99;
    });
    let bytes = bench.query(&ReadPosition::Long.cdb(), 32).1;
    let position = TapePosition::parse(&bytes.try_into().unwrap());
    assert!(position.object_unknown && position.object == 99);

    bench.rewrite(Trigger::on(Op::LOG_SENSE), |page| {
        page[8..16].copy_from_slice(&AlertFlags::NONE.with(4).to_page_bytes());
    });
    assert!(bench.alerts().contains(4));
    bench.act(Trigger::on(Op::READ_6), |library| {
        library.want_cleaning(0, true).unwrap();
    });
    bench.read();
    assert!(bench.alerts().wants_cleaning());
    bench
        .library
        .update_chip("CLN001CU", |chip| chip.cleanings_left = 0)
        .unwrap();
    bench.library.remove(Place::Drive(0)).unwrap();
    bench.library.remove(Place::Slot(5)).unwrap();
    bench.library.insert(Place::Drive(0), "CLN001CU").unwrap();
    for _ in 0..3 {
        let _ = bench.run(&test_unit_ready());
    }
    let expired = bench.run(&test_unit_ready());
    assert_sense(&expired, K::NotReady, A::CLEANING_FAILURE);
    assert!(bench.alerts().contains(22));
}

#[test]
fn points_45_to_50_pages_settings_keys() {
    let mut bench = Bench::new();
    let all = ferrite_scsi::attribute::ReadAttribute::ALL.cdb();
    bench
        .library
        .damage("FER001L8", Damage::ChipUnreadable)
        .unwrap();
    let unreadable = bench.query(&all, 32_768).0;
    assert_sense(&unreadable, K::MediumError, A::CARTRIDGE_MEMORY_READ_ERROR);
    let mut bench = Bench::new();
    bench.rewrite(Trigger::on(Op::READ_ATTRIBUTE), |list| {
        let mut attributes = ferrite_scsi::attribute::parse_list(list).unwrap();
        attributes.retain(|attribute| attribute.id != 0x0406);
        *list = ferrite_scsi::attribute::to_list(&attributes);
    });
    let dates = |list: &[u8]| {
        ferrite_scsi::attribute::parse_list(list)
            .unwrap()
            .iter()
            .filter(|attribute| attribute.id == 0x0406)
            .count()
    };
    assert_eq!(dates(&bench.query(&all, 32_768).1), 0);
    assert_eq!(dates(&bench.query(&all, 32_768).1), 1);
    let refused = Fault::sense(K::IllegalRequest, A::INVALID_FIELD_IN_CDB);
    bench.arm(Trigger::on(Op::LOG_SENSE), refused.clone());
    assert_sense(
        &bench.log_page(0x12).0,
        K::IllegalRequest,
        A::INVALID_FIELD_IN_CDB,
    );
    bench.rewrite(Trigger::on(Op::LOG_SENSE), |page| page.truncate(6));
    assert_eq!(bench.log_page(0x11).1.len(), 6);

    // MODE SELECT says yes and does nothing.
    bench.arm(Trigger::on(Op::MODE_SELECT_10), Fault::Ignored);
    let select = Cdb::new([0x55, 0x10, 0, 0, 0, 0, 0, 0, 16, 0]);
    let list = [0, 0, 0, 0x10, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 4, 0];
    let answer = bench
        .drive
        .execute(&select, Data::Out(&list), Duration::ZERO);
    assert_eq!(answer.unwrap().status, Status::Good);
    let sense = Cdb::new([0x5A, 0, 0x0F, 0, 0, 0, 0, 0, 64, 0]);
    let length = &bench.query(&sense, 64).1[13..16];
    assert_eq!(length, [0, 0, 0]);

    let capabilities = Cdb::new([0xA2, 0x20, 0, 0x10, 0, 0, 0, 0, 0, 128, 0, 0]);
    bench.rewrite(Trigger::on(Op::SECURITY_PROTOCOL_IN), |page| {
        page.truncate(20)
    });
    assert_eq!(bench.query(&capabilities, 128).1.len(), 20);
    bench.arm(Trigger::on(Op::SECURITY_PROTOCOL_OUT), refused);
    let out = ferrite_scsi::encryption::enable_page(1, &[7; 32]);
    let cdb = ferrite_scsi::encryption::SecurityProtocolOut { length: 52 }.cdb();
    let answer = bench.drive.execute(&cdb, Data::Out(&out), Duration::ZERO);
    assert_sense(&answer, K::IllegalRequest, A::INVALID_FIELD_IN_CDB);
    for code in [A::INCORRECT_KEY, A::INTEGRITY_VALIDATION_FAILED] {
        bench.arm(
            Trigger::on(Op::READ_6).skip(1),
            Fault::sense(K::DataProtect, code),
        );
        bench.good(&Rewind { immediate: false }.cdb());
        assert_eq!(bench.read(), '1');
        assert_sense(&bench.read_any().0, K::DataProtect, code);
    }
}

#[test]
fn points_51_to_63_libraries() {
    let mut bench = Bench::new();
    let tag = |text: &str| Some(text.to_owned());
    assert_eq!(
        bench.tags(),
        [
            None,
            tag("FER002L8"),
            tag("FER003L8"),
            tag("FER004L8"),
            tag("CLN001CU"),
            None
        ]
    );
    bench.library.relabel(Place::Slot(2), "OTHER").unwrap();
    bench.library.relabel(Place::Slot(3), "").unwrap();
    bench.library.relabel(Place::Slot(4), "OTHER").unwrap();
    assert_eq!(bench.tags()[1..4], [tag("OTHER"), None, tag("OTHER")]);
    let moving = FROM_SLOT_2_TO_6.cdb();
    // 54, 58: somebody was faster.
    bench.act(Trigger::on(Op::MOVE_MEDIUM), |library| {
        library.remove(Place::Slot(2)).unwrap();
    });
    assert_sense(
        &bench.robot(&moving),
        K::UnitAttention,
        A::MEDIUM_MAY_HAVE_CHANGED,
    );
    assert_sense(&bench.robot(&moving), K::IllegalRequest, A::SOURCE_EMPTY);
    bench.library.insert(Place::Slot(2), "FER002L8").unwrap();
    let _ = bench.robot(&test_unit_ready());
    // 55, 56.
    bench.arm(Trigger::on(Op::MOVE_MEDIUM), Fault::Ignored);
    assert_eq!(bench.robot(&moving).unwrap().status, Status::Good);
    assert_eq!(bench.tags()[1], tag("FER002L8"));
    let failure = Sense::new(K::HardwareError, A::MECHANICAL_POSITIONING_ERROR);
    bench.arm(Trigger::on(Op::MOVE_MEDIUM), Fault::SenseAfter(failure));
    assert_sense(
        &bench.robot(&moving),
        K::HardwareError,
        A::MECHANICAL_POSITIONING_ERROR,
    );
    assert_eq!(bench.tags()[5], tag("FER002L8"));
    // 57: what is in the gripper can be put down.
    bench.library.leave_in_gripper(Place::Slot(6)).unwrap();
    assert_eq!(bench.tags()[5], None);
    let put_down = MoveMedium {
        source: 1,
        destination: 1002,
        ..FROM_SLOT_2_TO_6
    };
    assert_eq!(bench.robot(&put_down.cdb()).unwrap().status, Status::Good);
    assert_eq!(bench.tags()[1], tag("FER002L8"));
    // 59, 60, 63.
    bench.rewrite(Trigger::on(Op::READ_ELEMENT_STATUS), |report| {
        report.truncate(report.len() - 8);
    });
    let bytes = bench.elements(ElementType::Storage, false).1;
    assert!(
        !ElementReport::parse(&bytes, 4096)
            .unwrap()
            .warnings
            .is_empty()
    );
    let no_ids = Fault::sense(K::IllegalRequest, A::INVALID_FIELD_IN_CDB);
    bench.arm(Trigger::on(Op::READ_ELEMENT_STATUS), no_ids);
    let refused = bench.elements(ElementType::Drive, true).0;
    assert_sense(&refused, K::IllegalRequest, A::INVALID_FIELD_IN_CDB);
    bench.rewrite(Trigger::on(Op::READ_ELEMENT_STATUS), |report| {
        // No valid source in the first descriptor.
        report[16 + 9] &= 0x7F;
    });
    let bytes = bench.elements(ElementType::Drive, false).1;
    let report = ElementReport::parse(&bytes, 4096).unwrap();
    assert_eq!(report.elements[0].1.source, None);
    // 61, 62.
    let initialising = Fault::sense(K::NotReady, A::BECOMING_READY);
    bench.arm(Trigger::NEXT.times(3), initialising);
    for _ in 0..3 {
        let waiting = bench.robot(&test_unit_ready());
        assert_sense(&waiting, K::NotReady, A::BECOMING_READY);
    }
    bench.library.open_tray().unwrap();
    let to_mail = MoveMedium {
        destination: 101,
        ..FROM_SLOT_2_TO_6
    };
    assert_sense(
        &bench.robot(&to_mail.cdb()),
        K::NotReady,
        A::MEDIUM_NOT_PRESENT_TRAY_OPEN,
    );
    bench.library.close_tray().unwrap();
    assert_sense(
        &bench.robot(&to_mail.cdb()),
        K::UnitAttention,
        A::IMPORT_EXPORT_ACCESSED,
    );
    assert_eq!(bench.robot(&to_mail.cdb()).unwrap().status, Status::Good);
}

#[test]
fn points_64_to_66_the_way_to_the_device() {
    let mut bench = Bench::new();
    bench.arm(Trigger::NEXT.always(), Fault::TransferLimit(1024));
    assert_eq!(
        bench.read_any().0.unwrap_err(),
        TransportError::TransferTooLarge { bytes: BLOCK_BYTES }
    );
    bench.good(&test_unit_ready());
    let before = EmulatorClock::now(&bench.clock);
    bench.arm(Trigger::NEXT, Fault::Slow(Duration::from_secs(4)));
    bench.good(&test_unit_ready());
    assert_eq!(
        EmulatorClock::now(&bench.clock) - before,
        Duration::from_secs(4)
    );
    std::fs::remove_file(bench.library.drive_path(0)).unwrap();
    assert_eq!(
        bench.run(&test_unit_ready()).unwrap_err(),
        TransportError::DeviceGone
    );
}

#[test]
fn plans_are_counted_and_repeatable() {
    let run = |seed| {
        let clock = Arc::new(VirtualClock::default());
        let faults = Faults::new(seed, clock);
        let drive = ferrite_emulator::EmulatedDrive::lto(
            8,
            "SERIAL0001",
            ferrite_emulator::DriveQuirks::default(),
            ferrite_emulator::Timing::default(),
        )
        .unwrap();
        let mut device = faults.wrap(drive.connect());
        faults.arm(
            Trigger::NEXT.always().with_probability(0.2),
            Fault::Status(Status::Busy),
        );
        faults.arm(Trigger::command(17), Fault::EmptySense);
        faults.arm(Trigger::command(1000), Fault::EmptySense);
        for _ in 0..100 {
            let _ = device.execute(&test_unit_ready(), Data::None, Duration::ZERO);
        }
        assert_eq!(faults.commands(), 100);
        assert_eq!(faults.missed(), [2]);
        let hits: Vec<u64> = faults
            .hits()
            .iter()
            .filter(|hit| hit.fault == 0)
            .map(|hit| hit.command)
            .collect();
        assert!((5..50).contains(&hits.len()));
        hits
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

/// What a recording is written to.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn recordings_can_be_replayed() {
    let mut bench = Bench::new();
    let tape = Tape::default();
    let inner = std::mem::replace(
        &mut bench.drive,
        Box::new(ReplayTransport::new(&b""[..]).unwrap()),
    );
    bench.drive = Box::new(RecordingTransport::new(inner, tape.clone(), BLOCK_BYTES));
    let session = |bench: &mut Bench| {
        assert_eq!(bench.tape(), "123|4|");
        bench.write_good(5);
        bench.good(&Rewind { immediate: false }.cdb());
        bench.log_page(0x11).1
    };
    let first = session(&mut bench);
    let key = ferrite_scsi::encryption::enable_page(1, &[0xAB; 32]);
    let cdb = ferrite_scsi::encryption::SecurityProtocolOut { length: 52 }.cdb();
    let _ = bench.drive.execute(&cdb, Data::Out(&key), Duration::ZERO);
    let recording = tape.0.lock().unwrap().clone();
    assert!(
        !String::from_utf8(recording.clone())
            .unwrap()
            .contains("abababab")
    );
    bench.drive = Box::new(ReplayTransport::new(BufReader::new(&recording[..])).unwrap());
    assert_eq!(session(&mut bench), first);
    // Anything else is an error that says where.
    let mut replay = ReplayTransport::new(&recording[..]).unwrap();
    assert_eq!(replay.remaining(), 11);
    let error = replay
        .execute(&test_unit_ready(), Data::None, Duration::ZERO)
        .unwrap_err();
    assert!(error.to_string().contains("line 1"), "{error}");
    assert!(ReplayTransport::new(&b"{\"cdb\":\"0g\"}\n"[..]).is_err());
    assert!(ReplayTransport::new(&b"nonsense\n"[..]).is_err());
}
