//! The drive target by itself: several initiators, fixed blocks, mode and inquiry pages, any command bytes at all; and the
//! null medium.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ferrite_emulator::pbs::BLOCK_BYTES;
use ferrite_emulator::{
    Connection, EmulatedDrive, Identity, NullCapacity, NullMedium, PbsDirectory,
    PbsDirectoryOptions,
};
use ferrite_scsi::asc::AdditionalSense as A;
use ferrite_scsi::command::{
    MAX_U24, Read, RequestSense, Rewind, Write, WriteFilemarks, test_unit_ready,
};
use ferrite_scsi::drive::{BlockRead, Drive, DriveOptions, SettingsChange};
use ferrite_scsi::inquiry::{InquiryCommand, parse_serial};
use ferrite_scsi::mode::{ModeForm, ModeSelect, ModeSense, PageControl, page};
use ferrite_scsi::sense::{Sense, SenseKey as K};
use ferrite_scsi::{Cdb, Completion, Data, ErrorClass, Status, TraceTransport, Transport};
use proptest::prelude::*;
use tempfile::TempDir;

fn send(connection: &mut Connection, cdb: &Cdb, data: Data<'_>) -> Completion {
    connection.execute(cdb, data, Duration::ZERO).unwrap()
}

fn sense(completion: &Completion) -> Sense {
    completion.sense().unwrap().unwrap()
}

#[track_caller]
fn assert_sense(completion: &Completion, key: K, code: A) {
    assert!(sense(completion).is(key, code), "{}", sense(completion));
}

fn virtual_drive() -> (TempDir, PbsDirectory) {
    let directory = tempfile::tempdir().unwrap();
    let options = PbsDirectoryOptions {
        max_bytes: 1 << 30,
        ..PbsDirectoryOptions::default()
    };
    let library = PbsDirectory::open(directory.path(), options).unwrap();
    library.load("A").unwrap();
    (directory, library)
}

#[test]
fn every_initiator_hears_of_a_new_tape() {
    let (_directory, library) = virtual_drive();
    let (mut first, mut second) = (library.connect(), library.connect());
    for connection in [&mut first, &mut second] {
        assert_sense(
            &send(connection, &test_unit_ready(), Data::None),
            K::UnitAttention,
            A::POWER_ON_OR_RESET,
        );
        assert_eq!(
            send(connection, &test_unit_ready(), Data::None).status,
            Status::Good
        );
    }
    library.load("B").unwrap();
    // REQUEST SENSE gives it as data, and with that it is done.
    let mut data = [0; 252];
    let completion = send(&mut first, &RequestSense::FIXED.cdb(), Data::In(&mut data));
    assert_eq!(
        (completion.status, completion.residual),
        (Status::Good, 252 - 18)
    );
    assert!(
        Sense::parse(&data)
            .unwrap()
            .is(K::UnitAttention, A::MEDIUM_MAY_HAVE_CHANGED)
    );
    assert_eq!(
        send(&mut first, &test_unit_ready(), Data::None).status,
        Status::Good
    );
    assert_sense(
        &send(&mut second, &test_unit_ready(), Data::None),
        K::UnitAttention,
        A::MEDIUM_MAY_HAVE_CHANGED,
    );
    library.unload().unwrap();
    assert_sense(
        &send(&mut first, &test_unit_ready(), Data::None),
        K::NotReady,
        A::MEDIUM_NOT_PRESENT,
    );
    let descriptor = RequestSense {
        descriptor: true,
        allocation: 252,
    };
    let _ = send(&mut first, &descriptor.cdb(), Data::In(&mut data));
    assert!(
        Sense::parse(&data)
            .unwrap()
            .is(K::NotReady, A::MEDIUM_NOT_PRESENT)
    );
}

#[test]
fn changed_settings_are_news_for_the_others() {
    let (_directory, library) = virtual_drive();
    let mut other = library.connect();
    let _ = send(&mut other, &test_unit_ready(), Data::None);
    let mut drive = Drive::open(library.connect(), DriveOptions::default()).unwrap();
    drive
        .change_settings(SettingsChange {
            compression: Some(false),
            ..SettingsChange::default()
        })
        .unwrap();
    assert_sense(
        &send(&mut other, &test_unit_ready(), Data::None),
        K::UnitAttention,
        A::MODE_PARAMETERS_CHANGED,
    );
    assert!(!drive.settings().unwrap().compression);
    // The same again is no news.
    drive
        .change_settings(SettingsChange {
            compression: Some(false),
            ..SettingsChange::default()
        })
        .unwrap();
    assert_eq!(
        send(&mut other, &test_unit_ready(), Data::None).status,
        Status::Good
    );
}

#[test]
fn fixed_blocks() {
    let (_directory, library) = virtual_drive();
    let mut drive = Drive::open(library.connect(), DriveOptions::default()).unwrap();
    let mut connection = library.connect();
    let _ = send(&mut connection, &test_unit_ready(), Data::None);
    let mut data = vec![0x11; 3 * BLOCK_BYTES];
    let write = Write {
        fixed: true,
        length: 3,
    }
    .cdb();
    // Not without a block length.
    assert_sense(
        &send(&mut connection, &write, Data::Out(&data)),
        K::IllegalRequest,
        A::INVALID_FIELD_IN_CDB,
    );
    drive
        .change_settings(SettingsChange {
            block_length: Some(BLOCK_BYTES as u32),
            ..SettingsChange::default()
        })
        .unwrap();
    let _ = send(&mut connection, &test_unit_ready(), Data::None);
    assert_eq!(
        send(&mut connection, &write, Data::Out(&data)).status,
        Status::Good
    );
    // Fewer bytes than blocks: an error of the host, not a short block.
    assert_eq!(
        send(&mut connection, &write, Data::Out(&data[1..])).status,
        Status::CheckCondition
    );
    let _ = send(
        &mut connection,
        &WriteFilemarks {
            count: 1,
            immediate: true,
        }
        .cdb(),
        Data::None,
    );
    let _ = send(
        &mut connection,
        &Rewind { immediate: false }.cdb(),
        Data::None,
    );
    let read = Read {
        fixed: true,
        suppress_incorrect_length: false,
        length: 2,
    }
    .cdb();
    data.fill(0);
    let completion = send(
        &mut connection,
        &read,
        Data::In(&mut data[..2 * BLOCK_BYTES]),
    );
    assert_eq!((completion.status, completion.residual), (Status::Good, 0));
    assert!(data[..2 * BLOCK_BYTES].iter().all(|byte| *byte == 0x11));
    // The failed write above left two whole blocks before it failed: three to go.
    let completion = send(
        &mut connection,
        &Read {
            fixed: true,
            suppress_incorrect_length: false,
            length: 9,
        }
        .cdb(),
        Data::In(&mut data),
    );
    assert_sense(&completion, K::NoSense, A::FILEMARK_DETECTED);
    assert_eq!(sense(&completion).information, Some(6));
    assert_eq!(completion.residual, 0);
    let silent = Read {
        fixed: true,
        suppress_incorrect_length: true,
        length: 1,
    }
    .cdb();
    assert_sense(
        &send(&mut connection, &silent, Data::In(&mut data)),
        K::IllegalRequest,
        A::INVALID_FIELD_IN_CDB,
    );
    let completion = send(&mut connection, &read, Data::In(&mut data));
    assert_sense(&completion, K::BlankCheck, A::END_OF_DATA);
    assert_eq!(sense(&completion).information, Some(2));
}

#[test]
fn inquiry_pages() {
    let (directory, library) = virtual_drive();
    let mut connection = library.connect();
    let mut data = [0; 255];
    let _ = send(
        &mut connection,
        &InquiryCommand {
            page: Some(0x80),
            allocation: 255,
        }
        .cdb(),
        Data::In(&mut data),
    );
    let name = directory.path().file_name().unwrap().to_str().unwrap();
    assert_eq!(parse_serial(&data).as_deref(), Some(name));
    let _ = send(
        &mut connection,
        &InquiryCommand {
            page: Some(0x00),
            allocation: 255,
        }
        .cdb(),
        Data::In(&mut data),
    );
    assert_eq!(data[..6], [0x01, 0x00, 0x00, 0x02, 0x00, 0x80]);
    let unknown = send(
        &mut connection,
        &InquiryCommand {
            page: Some(0xB1),
            allocation: 255,
        }
        .cdb(),
        Data::In(&mut data),
    );
    assert_sense(&unknown, K::IllegalRequest, A::INVALID_FIELD_IN_CDB);
    // A page without the page bit.
    let odd = Cdb::new([0x12, 0, 0x80, 0, 36, 0]);
    assert_sense(
        &send(&mut connection, &odd, Data::In(&mut data)),
        K::IllegalRequest,
        A::INVALID_FIELD_IN_CDB,
    );
}

#[test]
fn mode_pages() {
    let (_directory, library) = virtual_drive();
    let mut connection = library.connect();
    let _ = send(&mut connection, &test_unit_ready(), Data::None);
    let mut data = [0; 512];
    let sense_for = |control, page| {
        ModeSense {
            control,
            ..ModeSense::current(ModeForm::Ten, page)
        }
        .cdb()
    };
    let completion = send(
        &mut connection,
        &sense_for(PageControl::Current, page::ALL),
        Data::In(&mut data),
    );
    assert_eq!(completion.residual, 512 - (8 + 8 + 16 + 16 + 32));
    let completion = send(
        &mut connection,
        &sense_for(PageControl::Changeable, page::DATA_COMPRESSION),
        Data::In(&mut data),
    );
    assert_eq!(completion.status, Status::Good);
    assert_eq!(data[16..20], [0x8F, 0x0E, 0x80, 0x00]);
    let saved = send(
        &mut connection,
        &sense_for(PageControl::Saved, page::DATA_COMPRESSION),
        Data::In(&mut data),
    );
    assert_sense(
        &saved,
        K::IllegalRequest,
        A::SAVING_PARAMETERS_NOT_SUPPORTED,
    );
    let unknown = send(
        &mut connection,
        &sense_for(PageControl::Current, page::CONTROL),
        Data::In(&mut data),
    );
    assert_sense(&unknown, K::IllegalRequest, A::INVALID_FIELD_IN_CDB);
    // A page that is cut off, a page nobody knows, a list that is shorter than announced: nothing changes.
    let cut = [0, 0, 0, 0x10, 0, 0, 0, 0, 0x0F, 0x0E, 0x00];
    let unknown = [0, 0, 0, 0x10, 0, 0, 0, 0, 0x0A, 0x00];
    for (list, length, code) in [
        (&cut[..], 11, A::PARAMETER_LIST_LENGTH_ERROR),
        (&unknown[..], 10, A::INVALID_FIELD_IN_PARAMETER_LIST),
        (&unknown[..], 20, A::PARAMETER_LIST_LENGTH_ERROR),
    ] {
        let select = ModeSelect {
            form: ModeForm::Ten,
            length,
        }
        .cdb();
        assert_sense(
            &send(&mut connection, &select, Data::Out(list)),
            K::IllegalRequest,
            code,
        );
    }
    let mut drive = Drive::open(library.connect(), DriveOptions::default()).unwrap();
    assert!(drive.settings().unwrap().compression);
}

#[test]
fn a_null_medium_feeds_as_fast_as_it_can() {
    let null = EmulatedDrive::new(Identity::virtual_drive("null"));
    let capacity = NullCapacity {
        bytes: 10_000,
        early_warning_bytes: 3000,
    };
    null.insert(Box::new(NullMedium::with_capacity(capacity)));
    let mut drive = Drive::open(null.connect(), DriveOptions::default()).unwrap();
    drive.prepare().unwrap();
    let begin = drive.rewind().unwrap();
    let mut file = drive.write_file(begin).unwrap();
    let warnings: Vec<_> = (0..10)
        .map(|_| file.write_block(&[0; 1000]).unwrap().early_warning)
        .collect();
    assert_eq!(
        warnings,
        [
            false, false, false, false, false, false, false, true, true, true
        ]
    );
    assert_eq!(
        file.write_block(&[0; 1000]).unwrap_err().class(),
        ErrorClass::Operator
    );
    drop(file);
    let end = drive.end_of_data().unwrap();
    assert_eq!(end.file_number(), 1);
    assert_eq!(drive.last_file().unwrap().file_number(), 0);
    assert_eq!(drive.locate(1).unwrap().file_number(), 1);
    let begin = drive.rewind().unwrap();
    let mut file = drive.read_file(begin).unwrap();
    assert!(file.read_block(&mut [0; 1000]).is_err());
    let next = file.finish().unwrap();
    let mut file = drive.read_file(next).unwrap();
    assert_eq!(
        file.read_block(&mut [0; 1000]).unwrap(),
        BlockRead::EndOfData
    );
    let position = drive.format(true, &mut |_| ()).unwrap().position;
    assert!(drive.write_file(position).is_ok());
    // Marks fill it too.
    let begin = drive.rewind().unwrap();
    let endless = drive.write_filemarks(begin, MAX_U24).unwrap_err();
    assert_eq!(endless.class(), ErrorClass::Operator);
}

/// What a trace is written to.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_trace_shows_commands_data_and_sense_but_no_keys() {
    let (_directory, library) = virtual_drive();
    let log = Log::default();
    let mut traced = TraceTransport::new(library.connect(), log.clone());
    let _ = traced.execute(
        &InquiryCommand::STANDARD.cdb(),
        Data::In(&mut [0; 36]),
        Duration::ZERO,
    );
    let _ = traced.execute(&test_unit_ready(), Data::None, Duration::ZERO);
    let key = [0xAB; 52];
    let _ = traced.execute(
        &Cdb::new([0xB5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, 52, 0, 0]),
        Data::Out(&key),
        Duration::ZERO,
    );
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        text.contains("INQUIRY [12 00 00 00 24 00]\n  in  36 bytes\n    0000  01 80"),
        "{text}"
    );
    assert!(
        text.contains("TEST UNIT READY [00 00 00 00 00 00]\n  unit attention, power on"),
        "{text}"
    );
    assert!(text.contains("52 bytes (not shown"), "{text}");
    assert!(!text.contains("ab ab"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any bytes as a command: an answer, and no more data than there is room for.
    #[test]
    fn any_command(bytes in proptest::collection::vec(any::<u8>(), 1..=16), out in any::<bool>(), length in 0usize..300) {
        // Writing a million filemarks is a command too, but not for a test.
        prop_assume!(bytes[0] != 0x10);
        let (_directory, library) = virtual_drive();
        let mut connection = library.connect();
        let _ = send(&mut connection, &test_unit_ready(), Data::None);
        let cdb = Cdb::from_bytes(&bytes).unwrap();
        let mut data = vec![0x55; length];
        let completion = send(&mut connection, &cdb, if out { Data::Out(&data) } else { Data::In(&mut data) });
        prop_assert!(completion.residual <= length);
        prop_assert!(completion.sense().is_none_or(|sense| sense.is_ok()));
        // And it goes on.
        let again = send(&mut connection, &test_unit_ready(), Data::None);
        prop_assert!(again.status == Status::Good || sense(&again).key != K::HardwareError);
    }
}
