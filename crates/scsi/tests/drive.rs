//! The host logic against a scripted device: what it sends for which answers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ferrite_scsi::asc::AdditionalSense as A;
use ferrite_scsi::clock::Clock;
use ferrite_scsi::command::TapePosition;
use ferrite_scsi::drive::{AfterEnd, BlockRead, Drive, DriveOptions, WaitOptions};
use ferrite_scsi::inquiry::{Inquiry, PeripheralType};
use ferrite_scsi::log::{Activity, DeviceStatus, PageBuilder};
use ferrite_scsi::mode::{DataCompression, ModeForm, ModeParameters};
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::sense::{Sense, SenseKey as K};
use ferrite_scsi::{
    Cdb, Completion, Data, ErrorClass, ScsiError, Status, Transport, TransportError,
};

/// What the device answers to one command.
enum Answer {
    Good,
    Data(Vec<u8>),
    /// CHECK CONDITION; so many bytes of the buffer were not moved.
    Check(Sense, usize),
    Status(Status),
    Fails(TransportError),
}

use Answer::{Check, Fails, Good};

fn check(key: K, code: A) -> Answer {
    Check(Sense::new(key, code), 0)
}

fn deferred(key: K, code: A) -> Answer {
    Check(
        Sense {
            deferred: true,
            ..Sense::new(key, code)
        },
        0,
    )
}

fn at(object: u64, file: u64) -> Answer {
    Answer::Data(
        TapePosition {
            object,
            file,
            ..TapePosition::default()
        }
        .to_bytes()
        .to_vec(),
    )
}

/// The commands that are to come, as the beginning of their bytes in hex, and the answers.
#[derive(Default)]
struct Script {
    steps: VecDeque<(&'static str, Answer)>,
}

#[derive(Clone, Default)]
struct Device(Arc<Mutex<Script>>);

impl Device {
    fn expect(&self, steps: impl IntoIterator<Item = (&'static str, Answer)>) {
        self.0.lock().unwrap().steps.extend(steps);
    }

    #[track_caller]
    fn assert_done(&self) {
        let left: Vec<_> = self
            .0
            .lock()
            .unwrap()
            .steps
            .iter()
            .map(|step| step.0)
            .collect();
        assert!(left.is_empty(), "never sent: {left:?}");
    }
}

impl Transport for Device {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        _: Duration,
    ) -> Result<Completion, TransportError> {
        let sent: String = cdb
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        let step = {
            let steps = &mut self.0.lock().unwrap().steps;
            // Every movement is asked after; only the tests of that say what is answered.
            let scripted = steps.front().is_some_and(|step| step.0.starts_with("00"));
            if cdb.opcode() == OperationCode::TEST_UNIT_READY && !scripted {
                return Ok(Completion::good(0));
            }
            steps.pop_front()
        };
        let Some((expected, answer)) = step else {
            panic!("unexpected {cdb:?}");
        };
        assert!(
            sent.starts_with(&expected.replace(' ', "")),
            "sent {cdb:?}, expected {expected}"
        );
        Ok(match (answer, data) {
            (Good, Data::In(buffer)) => {
                buffer.fill(0xDA);
                Completion::good(0)
            }
            (Good, _) => Completion::good(0),
            (Answer::Data(bytes), Data::In(buffer)) => {
                let length = bytes.len().min(buffer.len());
                buffer[..length].copy_from_slice(&bytes[..length]);
                Completion::good(buffer.len() - length)
            }
            (Answer::Data(_), _) => panic!("{cdb:?} takes no data"),
            (Check(sense, residual), _) => Completion::check_condition(&sense.to_fixed(), residual),
            (Answer::Status(status), _) => Completion::with_status(status, 0),
            (Fails(error), _) => return Err(error),
        })
    }
}

/// Time that passes only by sleeping.
#[derive(Clone, Default)]
struct TestClock(Arc<Mutex<Duration>>);

impl Clock for TestClock {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn sleep(&mut self, duration: Duration) {
        *self.0.lock().unwrap() += duration;
    }
}

fn inquiry() -> Answer {
    let inquiry = Inquiry {
        peripheral_type: PeripheralType::Tape,
        vendor: "TEST".to_owned(),
        product: "DRIVE".to_owned(),
        revision: "1".to_owned(),
    };
    Answer::Data(inquiry.to_bytes().to_vec())
}

fn open_with(verify_positions: bool) -> (Device, Drive, TestClock) {
    let (device, clock) = (Device::default(), TestClock::default());
    device.expect([("12", inquiry())]);
    let options = DriveOptions {
        clock: Box::new(clock.clone()),
        cancel: None,
        verify_positions,
    };
    let drive = Drive::open(device.clone(), options).unwrap();
    device.assert_done();
    (device, drive, clock)
}

fn open() -> (Device, Drive, TestClock) {
    open_with(true)
}

const BLOCK: [u8; 1024] = [7; 1024];

#[test]
fn refuses_what_is_no_tape_drive() {
    let device = Device::default();
    device.expect([("12", Answer::Data(vec![0x08; 36]))]);
    let error = Drive::open(device, DriveOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "not a tape drive but a media changer");
}

#[test]
fn swallows_unit_attentions_of_queries() {
    let (device, mut drive, _) = open();
    device.expect([
        ("34 06", check(K::UnitAttention, A::POWER_ON_OR_RESET)),
        ("34 06", check(K::UnitAttention, A::MEDIUM_MAY_HAVE_CHANGED)),
        ("34 06", at(7, 2)),
    ]);
    assert_eq!(drive.position().unwrap().object, 7);
    // four in a row are too many
    device.expect((0..4).map(|_| ("34 06", check(K::UnitAttention, A::POWER_ON_OR_RESET))));
    assert!(drive.position().is_err());
    device.assert_done();
}

#[test]
fn refuses_partitions_and_unknown_positions() {
    let (device, mut drive, _) = open();
    let partition = TapePosition {
        partition: 1,
        ..TapePosition::default()
    };
    device.expect([("34 06", Answer::Data(partition.to_bytes().to_vec()))]);
    assert!(matches!(
        drive.position(),
        Err(ScsiError::Partitioned { partition: 1 })
    ));
    device.expect([("34 06", Answer::Data(vec![0; 20]))]);
    assert!(matches!(drive.position(), Err(ScsiError::Reply { .. })));
    let unknown = TapePosition {
        object_unknown: true,
        ..TapePosition::default()
    };
    device.expect([("34 06", Answer::Data(unknown.to_bytes().to_vec()))]);
    assert!(matches!(drive.here(), Err(ScsiError::UnknownPosition)));
}

#[test]
fn refuses_positions_that_no_tape_has() {
    let (device, mut drive, _) = open();
    for (object, file) in [(u64::MAX, 3), (7, u64::MAX), (1 << 49, 0)] {
        device.expect([("34 06", at(object, file))]);
        assert!(matches!(drive.here(), Err(ScsiError::Reply { .. })));
    }
    let garbage = TapePosition {
        mark_count_unknown: true,
        object: 7,
        file: u64::MAX,
        ..TapePosition::default()
    };
    device.expect([("34 06", Answer::Data(garbage.to_bytes().to_vec()))]);
    assert_eq!(drive.position().unwrap().object, 7);
    assert!(matches!(drive.locate(u64::MAX), Err(ScsiError::BlankTape)));
    device.assert_done();
}

#[test]
fn writes_a_file() {
    let (device, mut drive, _) = open();
    device.expect([
        ("01 01 00", Good),
        ("34 06", at(0, 0)),
        ("0A 00 00 04 00", Good),
        // recovered errors are success
        ("0A 00 00 04 00", check(K::RecoveredError, A(0x0C, 0x01))),
        // early warning: the block is written
        (
            "0A 00 00 04 00",
            Check(
                Sense {
                    end_of_medium: true,
                    ..Sense::new(K::NoSense, A::END_OF_MEDIUM)
                },
                0,
            ),
        ),
        // programmable early warning, and targets that set only the bit
        (
            "0A 00 00 04 00",
            check(K::NoSense, A::PROGRAMMABLE_EARLY_WARNING),
        ),
        (
            "0A 00 00 04 00",
            Check(
                Sense {
                    end_of_medium: true,
                    ..Sense::new(K::NoSense, A::NONE)
                },
                0,
            ),
        ),
        ("10 01 00 00 01 00", check(K::NoSense, A::END_OF_MEDIUM)),
        ("34 06", at(6, 1)),
    ]);
    let begin = drive.rewind().unwrap();
    let mut file = drive.write_file(begin).unwrap();
    let warnings: Vec<bool> = (0..5)
        .map(|_| file.write_block(&BLOCK).unwrap().early_warning)
        .collect();
    assert_eq!(warnings, [false, false, true, true, true]);
    assert!(file.early_warning());
    let end = file.finish().unwrap();
    assert_eq!(end.file_number(), 1);
    device.assert_done();
    assert_eq!(drive.notices().recovered_errors, 1);
}

#[test]
fn notices_blocks_lost_on_the_way() {
    let (device, mut drive, _) = open();
    device.expect([
        ("01", Good),
        ("34 06", at(0, 0)),
        ("0A", Good),
        ("0A", Good),
        ("10 01", Good),
        // only one block and the mark; it is taken off the tape again
        ("34 06", at(2, 1)),
        ("92 00 00 00 00 00 00 00 00 00 00 00", Good),
        ("34 06", at(0, 0)),
        ("19 00", Good),
    ]);
    let begin = drive.rewind().unwrap();
    let mut file = drive.write_file(begin).unwrap();
    let _ = file.write_block(&BLOCK).unwrap();
    let _ = file.write_block(&BLOCK).unwrap();
    let error = file.finish().unwrap_err();
    assert!(
        error.to_string().contains("instead of file 1, object 3"),
        "{error}"
    );
    device.assert_done();
}

#[test]
fn refuses_to_write_elsewhere() {
    let (device, mut drive, _) = open();
    device.expect([("01", Good), ("34 06", at(9, 2))]);
    let begin = drive.rewind().unwrap();
    assert!(matches!(
        drive.write_file(begin),
        Err(ScsiError::WrongPosition { found_file: 2, .. })
    ));
    device.assert_done();
}

#[test]
fn refuses_stale_positions() {
    let (device, mut drive, _) = open_with(false);
    device.expect([("01", Good), ("01", Good)]);
    let old = drive.rewind().unwrap();
    let _new = drive.rewind().unwrap();
    let error = drive.write_file(old).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Usage);
    device.assert_done();
}

/// A dropped writer still ends its file ...
#[test]
fn a_dropped_writer_writes_the_filemark() {
    let (device, mut drive, _) = open_with(false);
    device.expect([("01", Good), ("0A", Good), ("10 01 00 00 01", Good)]);
    let begin = drive.rewind().unwrap();
    let mut file = drive.write_file(begin).unwrap();
    let _ = file.write_block(&BLOCK).unwrap();
    drop(file);
    device.assert_done();
}

/// ... also after a write error ...
#[test]
fn a_failed_writer_writes_the_filemark() {
    let (device, mut drive, _) = open_with(false);
    device.expect([
        ("01", Good),
        ("0A", check(K::VolumeOverflow, A::END_OF_MEDIUM)),
        ("10 01", Good),
    ]);
    let begin = drive.rewind().unwrap();
    let mut file = drive.write_file(begin).unwrap();
    let error = file.write_block(&BLOCK).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Operator);
    assert!(
        error
            .to_string()
            .starts_with("file 0 block 0: WRITE failed: volume overflow"),
        "{error}"
    );
    // no more blocks after an error
    assert!(file.write_block(&BLOCK).is_err());
    assert!(file.finish().is_err());
    device.assert_done();
}

/// ... but never when nobody knows where the tape stands: it could be at its beginning.
#[test]
fn no_filemark_after_the_position_is_lost() {
    let lost = [
        || check(K::UnitAttention, A::BUS_RESET),
        || check(K::UnitAttention, A::MEDIUM_MAY_HAVE_CHANGED),
        || deferred(K::MediumError, A::WRITE_ERROR),
        || Fails(TransportError::Timeout { seconds: 2000 }),
        || Fails(TransportError::ConnectionLost { reason: "reset" }),
        || Fails(TransportError::DeviceGone),
    ];
    for answer in lost {
        let (device, mut drive, _) = open_with(false);
        device.expect([("01", Good), ("0A", answer())]);
        let begin = drive.rewind().unwrap();
        let mut file = drive.write_file(begin).unwrap();
        let error = file.write_block(&BLOCK).unwrap_err();
        assert!(error.loses_position(), "{error}");
        drop(file);
        device.assert_done();
    }
}

#[test]
fn a_deferred_error_fails_the_filemark_and_the_sync() {
    let (device, mut drive, _) = open_with(false);
    device.expect([
        ("01", Good),
        ("0A", Good),
        ("10 01", deferred(K::MediumError, A::WRITE_ERROR)),
    ]);
    let begin = drive.rewind().unwrap();
    let mut file = drive.write_file(begin).unwrap();
    let _ = file.write_block(&BLOCK).unwrap();
    let error = file.finish().unwrap_err();
    assert_eq!(error.class(), ErrorClass::Data);
    device.expect([(
        "10 00 00 00 00 00",
        deferred(K::MediumError, A::WRITE_ERROR),
    )]);
    assert!(matches!(drive.sync(), Err(ScsiError::Deferred { .. })));
    device.assert_done();
}

#[test]
fn a_stream_stops_when_settings_change_but_not_for_a_notice() {
    let (device, mut drive, _) = open_with(false);
    device.expect([
        ("01", Good),
        ("0A", check(K::UnitAttention, A::LOG_PARAMETERS_CHANGED)),
        ("0A", Good),
        (
            "0A",
            check(K::UnitAttention, A::ENCRYPTION_CHANGED_BY_OTHER),
        ),
        ("10 01", Good),
    ]);
    let begin = drive.rewind().unwrap();
    let mut file = drive.write_file(begin).unwrap();
    let _ = file.write_block(&BLOCK).unwrap();
    assert!(file.write_block(&BLOCK).is_err());
    drop(file);
    device.assert_done();
}

#[test]
fn busy_devices_are_asked_again_until_the_deadline() {
    let (device, mut drive, clock) = open();
    device.expect([
        ("34 06", Answer::Status(Status::Busy)),
        ("34 06", Answer::Status(Status::TaskSetFull)),
        ("34 06", at(1, 1)),
    ]);
    assert_eq!(drive.position().unwrap().file, 1);
    assert_eq!(clock.now(), Duration::from_secs(2));
    device.expect((0..=60).map(|_| ("34 06", Answer::Status(Status::Busy))));
    let error = drive.position().unwrap_err();
    assert_eq!(error.class(), ErrorClass::Retry);
    device.assert_done();
    device.expect([("34 06", Answer::Status(Status::ReservationConflict))]);
    assert_eq!(drive.position().unwrap_err().class(), ErrorClass::Operator);
}

#[test]
fn reads_a_file() {
    let (device, mut drive, _) = open();
    let mark = || {
        Check(
            Sense {
                filemark: true,
                ..Sense::new(K::NoSense, A::FILEMARK_DETECTED)
            },
            1024,
        )
    };
    device.expect([("01", Good), ("08 00 00 04 00", Good), ("08 00", mark())]);
    let begin = drive.rewind().unwrap();
    let mut buffer = [0; 1024];
    let mut file = drive.read_file(begin).unwrap();
    assert_eq!(file.read_block(&mut buffer).unwrap(), BlockRead::Block);
    assert_eq!(buffer, [0xDA; 1024]);
    assert_eq!(file.read_block(&mut buffer).unwrap(), BlockRead::FileMark);
    // says so again without asking the drive
    assert_eq!(file.read_block(&mut buffer).unwrap(), BlockRead::FileMark);
    let next = file.finish().unwrap();
    assert_eq!(next.file_number(), 1);
    // end of data: key 8, or key 0 with its code
    for end in [
        check(K::BlankCheck, A::NONE),
        check(K::NoSense, A::END_OF_DATA),
    ] {
        device.expect([("01", Good), ("08", end)]);
        let begin = drive.rewind().unwrap();
        let mut file = drive.read_file(begin).unwrap();
        assert_eq!(file.read_block(&mut buffer).unwrap(), BlockRead::EndOfData);
        let end = file.finish().unwrap();
        assert!(end.is_end_of_data());
        assert_eq!(end.file_number(), 0);
    }
    device.assert_done();
}

#[test]
fn blocks_of_another_length_are_errors() {
    let (device, mut drive, _) = open();
    let wrong = |information, residual| {
        let sense = Sense {
            incorrect_length: true,
            information: Some(information),
            ..Sense::new(K::NoSense, A::NONE)
        };
        Check(sense, residual)
    };
    let cases = [
        (wrong(24, 24), 1000),
        (wrong(-1024, 0), 2048),
        (Answer::Data(vec![0; 1000]), 1000),
    ];
    for (answer, length) in cases {
        device.expect([("01", Good), ("08", answer)]);
        let begin = drive.rewind().unwrap();
        let mut file = drive.read_file(begin).unwrap();
        match file.read_block(&mut [0; 1024]) {
            Err(ScsiError::BlockLength {
                expected: 1024,
                actual,
                ..
            }) => assert_eq!(actual, length),
            other => panic!("{other:?}"),
        }
    }
    device.assert_done();
}

#[test]
fn unknown_conditions_fail_a_read() {
    let (device, mut drive, _) = open();
    for (answer, good) in [
        (check(K::NoSense, A(0x5E, 0x00)), false),
        (check(K::NoSense, A::CLEANING_REQUESTED), true),
        (check(K::RecoveredError, A(0x17, 0x01)), true),
        (check(K::MediumError, A::UNRECOVERED_READ_ERROR), false),
    ] {
        device.expect([("01", Good), ("08", answer)]);
        let begin = drive.rewind().unwrap();
        let mut file = drive.read_file(begin).unwrap();
        assert_eq!(file.read_block(&mut [0; 1024]).is_ok(), good);
    }
    device.assert_done();
}

#[test]
fn the_read_behind_the_end_marker() {
    let (device, mut drive, _) = open();
    let mark = Check(
        Sense {
            filemark: true,
            ..Sense::new(K::NoSense, A::FILEMARK_DETECTED)
        },
        512,
    );
    let longer = Sense {
        incorrect_length: true,
        information: Some(512 - 262_144),
        ..Sense::new(K::NoSense, A::NONE)
    };
    let cases = [
        (mark, AfterEnd::FileMark),
        (check(K::BlankCheck, A::END_OF_DATA), AfterEnd::EndOfData),
        (Check(longer, 0), AfterEnd::Data),
        (Good, AfterEnd::Data),
    ];
    for (answer, expected) in cases {
        device.expect([("01", Good), ("08 00 00 02 00 00", answer)]);
        let begin = drive.rewind().unwrap();
        let mut file = drive.read_file(begin).unwrap();
        assert_eq!(file.read_mark().unwrap(), expected);
    }
    device.assert_done();
}

#[test]
fn skips_the_rest_of_a_file() {
    let (device, mut drive, _) = open();
    device.expect([("01", Good), ("08", Good), ("11 01 00 00 01 00", Good)]);
    let begin = drive.rewind().unwrap();
    let mut file = drive.read_file(begin).unwrap();
    let _ = file.read_block(&mut [0; 1024]).unwrap();
    assert_eq!(file.finish().unwrap().file_number(), 1);
    device.expect([
        ("01", Good),
        ("11 01", check(K::BlankCheck, A::END_OF_DATA)),
    ]);
    let begin = drive.rewind().unwrap();
    let file = drive.read_file(begin).unwrap();
    assert!(file.finish().unwrap().is_end_of_data());
    device.assert_done();
}

#[test]
fn locates_files() {
    let (device, mut drive, _) = open();
    device.expect([("01", Good), ("01", Good), ("11 01 00 00 01", Good)]);
    assert_eq!(drive.locate(0).unwrap().file_number(), 0);
    assert_eq!(drive.locate(1).unwrap().file_number(), 1);
    // the first real LOCATE is checked ...
    device.expect([
        ("92 09 00 00 00 00 00 00 00 00 00 04", Good),
        ("11 01 00 00 01", Good),
        ("34", at(50, 5)),
        ("34", at(50, 5)),
    ]);
    assert_eq!(drive.locate(5).unwrap().file_number(), 5);
    // ... and so is every later one, without learning again
    device.expect([
        ("92 09 00 00 00 00 00 00 00 00 00 02", Good),
        ("11 01", Good),
        ("34", at(20, 2)),
    ]);
    assert!(matches!(
        drive.locate(3),
        Err(ScsiError::WrongPosition { found_file: 2, .. })
    ));
    device.assert_done();
}

/// B17: a movement may still be going on when its status comes; what follows was not executed then.
#[test]
fn waits_for_movements_in_progress() {
    let (device, mut drive, clock) = open_with(false);
    device.expect([
        ("01", Good),
        ("0A", check(K::NoSense, A::REWIND_IN_PROGRESS)),
        ("0A", not_ready(A::NOT_READY_OPERATION_IN_PROGRESS)),
        ("0A", Good),
        ("10 01", Good),
    ]);
    let begin = drive.rewind().unwrap();
    let mut file = drive.write_file(begin).unwrap();
    let _ = file.write_block(&BLOCK).unwrap();
    assert_eq!(file.blocks(), 1);
    let _ = file.finish().unwrap();
    assert_eq!(clock.now(), Duration::from_secs(2));
    // Not for ever.
    device.expect((0..=60).map(|_| ("34", not_ready(A::BECOMING_READY))));
    assert_eq!(drive.position().unwrap_err().class(), ErrorClass::Retry);
    device.assert_done();
}

#[test]
fn aborted_commands_are_sent_once_more_if_they_do_no_harm() {
    let (device, mut drive, _) = open_with(false);
    let aborted = || check(K::AbortedCommand, A(0x4B, 0x00));
    device.expect([("34", aborted()), ("34", at(3, 1))]);
    assert_eq!(drive.position().unwrap().file, 1);
    device.expect([("34", aborted()), ("34", aborted())]);
    assert!(drive.position().is_err());
    device.expect([("01", Good), ("0A", aborted()), ("10 01", Good)]);
    let begin = drive.rewind().unwrap();
    let mut file = drive.write_file(begin).unwrap();
    assert!(file.write_block(&BLOCK).is_err());
    drop(file);
    device.assert_done();
}

/// What is not known to be harmless is no success.
#[test]
fn unknown_conditions_fail_a_write() {
    for sense in [
        Sense::new(K::NoSense, A(0x5E, 0x00)),
        Sense {
            filemark: true,
            ..Sense::new(K::NoSense, A::FILEMARK_DETECTED)
        },
        Sense::new(K::NoSense, A::BEGINNING_OF_MEDIUM),
    ] {
        let (device, mut drive, _) = open_with(false);
        device.expect([
            ("01", Good),
            ("0A", Check(sense, 0)),
            ("10 01", Check(sense, 0)),
        ]);
        let begin = drive.rewind().unwrap();
        let mut file = drive.write_file(begin).unwrap();
        assert!(file.write_block(&BLOCK).is_err());
        drop(file);
        device.assert_done();
        device.expect([("10 00", Check(sense, 0))]);
        assert!(drive.sync().is_err());
    }
    let (device, mut drive, _) = open_with(false);
    device.expect([
        ("01", Good),
        ("0A", check(K::NoSense, A::CLEANING_REQUESTED)),
        ("10 01", Good),
    ]);
    let begin = drive.rewind().unwrap();
    let mut file = drive.write_file(begin).unwrap();
    assert!(!file.write_block(&BLOCK).unwrap().early_warning);
    let _ = file.finish().unwrap();
    assert!(drive.notices().cleaning_requested);
}

#[test]
fn sense_data_that_did_not_come_is_asked_for_once() {
    let (device, mut drive, _) = open();
    let sense = Sense::new(K::HardwareError, A::INTERNAL_TARGET_FAILURE);
    device.expect([
        ("34", Answer::Status(Status::CheckCondition)),
        ("03", Answer::Data(sense.to_fixed().to_vec())),
    ]);
    assert_eq!(drive.position().unwrap_err().sense(), Some(&sense));
    let nothing = Sense::new(K::NoSense, A::NONE);
    device.expect([
        ("34", Answer::Status(Status::CheckCondition)),
        ("03", Answer::Data(nothing.to_fixed().to_vec())),
    ]);
    assert!(matches!(
        drive.position(),
        Err(ScsiError::NoSenseData { .. })
    ));
    device.assert_done();
}

/// HP drives land in front of the filemark, one file lower.
#[test]
fn learns_where_locate_lands() {
    let (device, mut drive, _) = open();
    device.expect([
        ("92 09 00 00 00 00 00 00 00 00 00 04", Good),
        ("11 01 00 00 01", Good),
        ("34", at(40, 4)),
        ("92 09 00 00 00 00 00 00 00 00 00 05", Good),
        ("11 01 00 00 01", Good),
        ("34", at(50, 5)),
        ("34", at(50, 5)),
    ]);
    assert_eq!(drive.locate(5).unwrap().file_number(), 5);
    device.expect([
        ("92 09 00 00 00 00 00 00 00 00 00 09", Good),
        ("11 01", Good),
        ("34", at(90, 9)),
    ]);
    assert_eq!(drive.locate(9).unwrap().file_number(), 9);
    device.assert_done();
}

#[test]
fn does_without_locate() {
    let (device, mut drive, _) = open();
    device.expect([
        ("92", check(K::IllegalRequest, A::INVALID_OPERATION_CODE)),
        ("01", Good),
        ("11 01 00 00 05", Good),
        ("34", at(50, 5)),
    ]);
    assert_eq!(drive.locate(5).unwrap().file_number(), 5);
    device.expect([("01", Good), ("11 01 00 00 03", Good), ("34", at(30, 3))]);
    assert_eq!(drive.locate(3).unwrap().file_number(), 3);
    device.assert_done();
}

#[test]
fn a_relative_movement_does_not_survive_a_reset() {
    let (device, mut drive, _) = open();
    device.expect([
        ("92", Good),
        ("11 01", check(K::UnitAttention, A::DEVICE_RESET)),
    ]);
    assert!(matches!(
        drive.locate(5),
        Err(ScsiError::PositionLost { .. })
    ));
    device.assert_done();
}

#[test]
fn end_of_data_with_and_without_filemark() {
    let (device, mut drive, _) = open();
    let mark = Check(
        Sense {
            filemark: true,
            information: Some(1),
            ..Sense::new(K::NoSense, A::FILEMARK_DETECTED)
        },
        0,
    );
    device.expect([
        ("11 03 00 00 00 00", Good),
        ("34", at(9, 3)),
        ("11 00 FF FF FF 00", mark),
        ("11 01 00 00 01 00", Good),
        ("34", at(9, 3)),
    ]);
    let end = drive.end_of_data().unwrap();
    assert_eq!((end.file_number(), end.is_end_of_data()), (3, true));
    // interrupted writer: a block is the last object
    device.expect([
        ("11 03", check(K::BlankCheck, A::END_OF_DATA)),
        ("34", at(9, 2)),
        ("11 00 FF FF FF 00", Good),
        ("11 00 00 00 01 00", Good),
        ("10 00 00 00 01 00", Good),
        ("34", at(10, 3)),
    ]);
    assert_eq!(drive.end_of_data().unwrap().file_number(), 3);
    // blank tape
    device.expect([("11 03", Good), ("34", at(0, 0)), ("34", at(0, 0))]);
    assert!(matches!(drive.last_file(), Err(ScsiError::BlankTape)));
    device.assert_done();
}

fn not_ready(code: A) -> Answer {
    check(K::NotReady, code)
}

#[test]
fn waits_until_ready() {
    let (device, mut drive, clock) = open();
    device.expect([
        ("00", check(K::UnitAttention, A::POWER_ON_OR_RESET)),
        ("00", not_ready(A::BECOMING_READY)),
        ("00", not_ready(A::LOAD_REQUIRED)),
        ("1B 01 00 00 01 00", Good),
        ("00", not_ready(A::BECOMING_READY)),
        ("00", Good),
    ]);
    let mut calls = 0;
    drive
        .wait_ready(WaitOptions::default(), &mut |_| calls += 1)
        .unwrap();
    assert_eq!((calls, clock.now()), (2, Duration::from_secs(2)));
    // no tape: at once, or waiting for one
    device.expect([("00", not_ready(A::MEDIUM_NOT_PRESENT))]);
    let error = drive
        .wait_ready(WaitOptions::default(), &mut |_| ())
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Operator);
    device.expect([
        ("00", not_ready(A::MEDIUM_NOT_PRESENT)),
        // it may have been ejected and never taken out
        ("1B 01 00 00 01 00", not_ready(A::MEDIUM_NOT_PRESENT)),
        ("00", not_ready(A::MEDIUM_NOT_PRESENT)),
        ("00", Good),
    ]);
    drive
        .wait_ready(
            WaitOptions {
                for_medium: true,
                ..WaitOptions::default()
            },
            &mut |_| (),
        )
        .unwrap();
    // what waiting does not cure
    for answer in [
        not_ready(A::CLEANING_CARTRIDGE_INSTALLED),
        check(K::MediumError, A::INCOMPATIBLE_FORMAT),
    ] {
        device.expect([("00", answer)]);
        assert!(
            drive
                .wait_ready(WaitOptions::default(), &mut |_| ())
                .is_err()
        );
    }
    device.assert_done();
}

#[test]
fn waits_longer_while_a_fresh_tape_is_calibrated() {
    let activity = |activity| {
        let status = DeviceStatus {
            host_initiated_unload: false,
            memory_accessible: false,
            compression: false,
            write_protected: false,
            cleaning_requested: false,
            cleaning_required: false,
            medium_present: true,
            mounted: false,
            activity,
            alert_changed: false,
        };
        Answer::Data(status.to_page())
    };
    let (device, mut drive, clock) = open();
    // asked every 30 s what it does
    let busy = |from: u64, to: u64, doing: Activity| {
        (from..to).flat_map(move |second| {
            let look = (second > 0 && second % 30 == 0).then(|| ("4D 00 51", activity(doing)));
            std::iter::once(("00", not_ready(A::BECOMING_READY))).chain(look)
        })
    };
    device.expect(busy(0, 700, Activity::Calibrating).chain([("00", Good)]));
    drive
        .wait_ready(WaitOptions::default(), &mut |_| ())
        .unwrap();
    assert_eq!(clock.now(), Duration::from_secs(700));
    device.expect(busy(0, 601, Activity::Loading));
    let error = drive
        .wait_ready(WaitOptions::default(), &mut |_| ())
        .unwrap_err();
    assert!(matches!(error, ScsiError::NotReady { .. }), "{error}");
    device.assert_done();
}

#[test]
fn a_wait_can_be_cancelled() {
    let (device, cancel) = (Device::default(), Arc::new(AtomicBool::new(false)));
    device.expect([
        ("12", inquiry()),
        ("00", not_ready(A::BECOMING_READY)),
        ("00", not_ready(A::BECOMING_READY)),
    ]);
    let clock = Box::new(TestClock::default());
    let options = DriveOptions {
        clock,
        cancel: Some(Arc::clone(&cancel)),
        verify_positions: true,
    };
    let mut drive = Drive::open(device.clone(), options).unwrap();
    let result = drive.wait_ready(WaitOptions::default(), &mut |_| {
        cancel.store(true, Ordering::Relaxed)
    });
    assert_eq!(result.unwrap_err().class(), ErrorClass::Aborted);
    device.assert_done();
}

fn compression(form: ModeForm) -> Answer {
    let parameters = ModeParameters {
        block: Some(ferrite_scsi::mode::BlockDescriptor {
            block_length: 512,
            ..Default::default()
        }),
        pages: DataCompression::to_bytes(false).to_vec(),
        ..ModeParameters::default()
    };
    Answer::Data(parameters.to_sense_bytes(form))
}

#[test]
fn sets_the_defaults() {
    let (device, mut drive, _) = open();
    device.expect([
        ("5A 00 0F", compression(ModeForm::Ten)),
        ("55 10 00 00 00 00 00 00 20 00", Good),
        // programmable early warning: whatever goes wrong there is no reason to stop
        (
            "5A 00 10 01",
            check(K::IllegalRequest, A::INVALID_FIELD_IN_CDB),
        ),
    ]);
    drive.set_defaults().unwrap();
    // a drive that knows only the short form; one that knows only half of the long one
    let unknown = || check(K::IllegalRequest, A::INVALID_OPERATION_CODE);
    device.expect([
        ("5A 00 0F", unknown()),
        ("1A 00 0F", compression(ModeForm::Six)),
        ("15 10 00 00 1C", Good),
    ]);
    device.expect([("5A 00 10 01", unknown()), ("1A 00 10 01", unknown())]);
    drive.set_defaults().unwrap();
    device.expect([
        ("5A 00 0F", compression(ModeForm::Ten)),
        ("55", unknown()),
        ("15 10 00 00 1C", Good),
    ]);
    device.expect([("5A 00 10 01", unknown()), ("1A 00 10 01", unknown())]);
    drive.set_defaults().unwrap();
    // one whose compression cannot be changed
    let refused = || check(K::IllegalRequest, A::INVALID_FIELD_IN_PARAMETER_LIST);
    device.expect([
        ("5A 00 0F", compression(ModeForm::Ten)),
        ("55 10 00 00 00 00 00 00 20", refused()),
        ("55 10 00 00 00 00 00 00 10", Good),
        ("5A 00 10 01", refused()),
    ]);
    drive.set_defaults().unwrap();
    device.assert_done();
}

#[test]
fn collects_alert_flags_that_reading_clears() {
    let (device, mut drive, _) = open();
    let refused = || {
        (
            "4D 00 52",
            check(K::IllegalRequest, A::INVALID_FIELD_IN_CDB),
        )
    };
    let page = |flag: u16| {
        Answer::Data(
            PageBuilder::new(0x2E)
                .binary(flag, &[1])
                .binary(63, &[0])
                .finish(),
        )
    };
    device.expect([
        refused(),
        ("4D 00 6E", page(3)),
        refused(),
        ("4D 00 6E", page(20)),
    ]);
    assert_eq!(drive.alert_flags().unwrap().to_string(), "HARD_ERROR");
    assert_eq!(
        drive.alert_flags().unwrap().to_string(),
        "HARD_ERROR | CLEAN_NOW"
    );
    device.assert_done();
}

#[test]
fn long_operations_are_polled() {
    let (device, mut drive, clock) = open();
    let progress = Sense {
        progress: Some(0x4000),
        ..Sense::new(K::NotReady, A::NOT_READY_OPERATION_IN_PROGRESS)
    };
    device.expect([
        ("01", Good),
        ("19 03", Good),
        ("00", Check(progress, 0)),
        ("00", Good),
    ]);
    let begin = drive.rewind().unwrap();
    let mut seen = Vec::new();
    let _ = drive
        .erase(begin, true, &mut |progress| seen.push(progress.progress))
        .unwrap();
    assert_eq!(
        (seen, clock.now()),
        (vec![Some(0x4000)], Duration::from_millis(10))
    );
    // a drive that cannot do it at once gets the waiting form
    device.expect([
        ("01", Good),
        ("19 03", check(K::IllegalRequest, A::INVALID_FIELD_IN_CDB)),
        ("19 01", Good),
    ]);
    let begin = drive.rewind().unwrap();
    let _ = drive.erase(begin, true, &mut |_| ()).unwrap();
    device.assert_done();
}

fn encryption_capabilities() -> Answer {
    let mut page = vec![0; 44];
    page[..4].copy_from_slice(&[0x00, 0x10, 0x00, 0x28]);
    page[20..24].copy_from_slice(&[0x01, 0x00, 0x00, 0x14]);
    page[24] = 0xBA;
    page[31] = 0x20;
    page[40..44].copy_from_slice(&[0x00, 0x01, 0x00, 0x14]);
    Answer::Data(page)
}

#[test]
fn the_key_does_not_outlive_the_drive_handle() {
    let (device, mut drive, _) = open();
    let mode = |encrypt: u8, decrypt: u8| {
        let mut page = vec![0; 24];
        page[..7].copy_from_slice(&[0x00, 0x20, 0x00, 0x14, 0x42, encrypt, decrypt]);
        Answer::Data(page)
    };
    device.expect([
        ("A2 20 00 10", encryption_capabilities()),
        ("B5 20 00 10 00 00 00 00 00 34", Good),
        ("A2 20 00 20", mode(2, 3)),
    ]);
    drive.set_encryption_key(&[1; 32]).unwrap();
    device.expect([
        ("A2 20 00 10", encryption_capabilities()),
        ("B5 20 00 10 00 00 00 00 00 14", Good),
        ("A2 20 00 20", mode(0, 0)),
    ]);
    drop(drive);
    device.assert_done();

    // a drive that did not take the key is an error
    let (device, mut drive, _) = open();
    device.expect([
        ("A2 20 00 10", encryption_capabilities()),
        ("B5", Good),
        ("A2 20 00 20", mode(0, 0)),
    ]);
    assert!(matches!(
        drive.set_encryption_key(&[1; 32]),
        Err(ScsiError::EncryptionMode { .. })
    ));
    device.expect([
        ("A2 20 00 10", encryption_capabilities()),
        ("B5", Good),
        ("A2 20 00 20", mode(0, 0)),
    ]);
    drop(drive);
    device.assert_done();
}

#[test]
fn encryption_managed_by_the_library() {
    let (device, mut drive, _) = open();
    // no encryption: nothing to clear
    device.expect([(
        "A2 20 00 10",
        check(K::IllegalRequest, A::INVALID_OPERATION_CODE),
    )]);
    drive.clear_encryption_key().unwrap();
    assert!(!drive.encryption_managed_elsewhere());
    // it could encrypt, but is not ours to set: remembered, and not tried again
    device.expect([
        ("A2 20 00 10", encryption_capabilities()),
        (
            "B5",
            check(K::IllegalRequest, A::INVALID_FIELD_IN_PARAMETER_LIST),
        ),
    ]);
    drive.clear_encryption_key().unwrap();
    assert!(drive.encryption_managed_elsewhere());
    drive.clear_encryption_key().unwrap();
    device.assert_done();

    // it has encryption and offers none, and what it does about it is its library's business
    let (device, mut drive, _) = open();
    let mut none = vec![0; 20];
    none[..5].copy_from_slice(&[0x00, 0x10, 0x00, 0x10, 0x02]);
    device.expect([("A2 20 00 10", Answer::Data(none.clone()))]);
    drive.clear_encryption_key().unwrap();
    assert!(drive.encryption_managed_elsewhere());
    let mut encrypting = vec![0; 24];
    encrypting[..7].copy_from_slice(&[0x00, 0x20, 0x00, 0x14, 0x42, 2, 3]);
    device.expect([("A2 20 00 20", Answer::Data(encrypting))]);
    drive.expect_encryption(false).unwrap();
    device.expect([("A2 20 00 10", Answer::Data(none))]);
    assert!(matches!(
        drive.set_encryption_key(&[1; 32]),
        Err(ScsiError::NoEncryption)
    ));
    device.assert_done();
}
