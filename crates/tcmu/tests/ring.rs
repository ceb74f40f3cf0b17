//! The ring with a kernel made of a file: commands in, answers out, and mailboxes that make no sense.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs::File;
use std::time::Duration;

use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::sense::{Sense, SenseKey};
use ferrite_scsi::{Cdb, Completion, Data, Transport, TransportError};
use ferrite_tcmu::{Ring, RingError, SharedMemory};
use proptest::prelude::*;

const MAILBOX_BYTES: usize = 64 * 1024;
const RING_AT: u32 = 128;
/// Room for three commands.
const RING_BYTES: u32 = 720;
const DATA_AT: u64 = 4096;
const CDB_IN_ENTRY: u64 = 200;
const ENTRY_BYTES: u32 = 216;
const COMMAND: u32 = 1;

/// The other side of the mailbox.
struct Kernel {
    memory: SharedMemory,
    ring: Ring,
    head: u32,
}

/// What a command got.
#[derive(Debug, PartialEq)]
struct Answer {
    status: u8,
    flags: u8,
    read_length: u32,
    sense: [u8; 4],
}

fn map(file: &File) -> SharedMemory {
    SharedMemory::map(file, MAILBOX_BYTES).unwrap()
}

fn mailbox(version_and_flags: u32) -> (SharedMemory, File) {
    let file = tempfile::tempfile().unwrap();
    file.set_len(MAILBOX_BYTES as u64).unwrap();
    let memory = map(&file);
    for (at, value) in [(0, version_and_flags), (4, RING_AT), (8, RING_BYTES)] {
        memory.store_number(at, value).unwrap();
    }
    (memory, file)
}

/// Version 2, can out of order, read length, management.
fn version_2() -> u32 {
    let mut bytes = [0; 4];
    bytes[..2].copy_from_slice(&2_u16.to_ne_bytes());
    bytes[2..].copy_from_slice(&0x0F_u16.to_ne_bytes());
    u32::from_ne_bytes(bytes)
}

impl Kernel {
    fn new() -> Self {
        let (memory, file) = mailbox(version_2());
        Self {
            memory,
            ring: Ring::new(map(&file)).unwrap(),
            head: 0,
        }
    }

    fn put(&mut self, at: u64, bytes: &[u8]) {
        self.memory.write(at, bytes).unwrap();
    }

    fn header(&mut self, operation: u32, bytes: u32) -> u64 {
        let entry = u64::from(RING_AT + self.head);
        self.put(entry, &[0; 8]);
        self.memory.store_number(entry, bytes | operation).unwrap();
        entry
    }

    fn announce(&mut self, bytes: u32) {
        self.head = (self.head + bytes) % RING_BYTES;
        self.memory.store_number(12, self.head).unwrap();
    }

    /// A command; fills up the ring's end first if it does not fit before it.
    fn command(&mut self, cdb: &[u8], pieces: &[(u64, u64)]) -> u64 {
        if self.head + ENTRY_BYTES > RING_BYTES {
            let rest = RING_BYTES - self.head;
            self.header(0, rest);
            self.announce(rest);
        }
        let entry = self.header(COMMAND, ENTRY_BYTES);
        self.put(entry + 8, &(pieces.len() as u32).to_ne_bytes());
        self.put(entry + 24, &(entry + CDB_IN_ENTRY).to_ne_bytes());
        for (place, (offset, length)) in (48..).step_by(16).zip(pieces) {
            self.put(entry + place, &offset.to_ne_bytes());
            self.put(entry + place + 8, &length.to_ne_bytes());
        }
        let mut whole = [0; 16];
        whole[..cdb.len()].copy_from_slice(cdb);
        self.put(entry + CDB_IN_ENTRY, &whole);
        self.announce(ENTRY_BYTES);
        entry
    }

    fn answer(&self, entry: u64) -> Answer {
        Answer {
            status: self.memory.array::<1>(entry + 8).unwrap()[0],
            flags: self.memory.array::<1>(entry + 7).unwrap()[0],
            read_length: self.memory.number(entry + 12).unwrap(),
            sense: self.memory.array(entry + 16).unwrap(),
        }
    }

    fn serve(&mut self, device: &mut Device) -> u32 {
        let entries = self.ring.serve(device).unwrap();
        assert_eq!(self.memory.number(64).unwrap(), self.head);
        entries
    }
}

/// Keeps what is written; reads give it back, at most `most` bytes.
#[derive(Default)]
struct Device {
    commands: Vec<Vec<u8>>,
    stored: Vec<u8>,
    most: usize,
    lost: bool,
}

impl Transport for Device {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        _timeout: Duration,
    ) -> Result<Completion, TransportError> {
        self.commands.push(cdb.as_bytes().to_vec());
        if self.lost {
            return Err(TransportError::DeviceGone);
        }
        match data {
            Data::None => Ok(Completion::good(0)),
            Data::Out(bytes) => {
                self.stored = bytes.to_vec();
                Ok(Completion::good(0))
            }
            Data::In(buffer) => {
                let length = self.most.min(buffer.len()).min(self.stored.len());
                buffer[..length].copy_from_slice(&self.stored[..length]);
                let residual = buffer.len() - length;
                if residual == 0 {
                    return Ok(Completion::good(0));
                }
                let mut sense = Sense::new(SenseKey::NoSense, AdditionalSense::NONE);
                sense.incorrect_length = true;
                Ok(Completion::check_condition(&sense.to_fixed(), residual))
            }
        }
    }
}

const READ: [u8; 6] = [0x08, 0, 0, 0x10, 0, 0];
const WRITE: [u8; 6] = [0x0A, 0, 0, 0x10, 0, 0];

#[test]
fn data_in_one_piece_and_in_several() {
    let mut kernel = Kernel::new();
    let mut device = Device {
        most: usize::MAX,
        ..Device::default()
    };
    let content: Vec<u8> = (0..4096_u32).map(|i| (i % 251) as u8).collect();
    kernel.put(DATA_AT, &content);
    let write = kernel.command(&WRITE, &[(DATA_AT, 4096)]);
    assert_eq!(kernel.serve(&mut device), 1);
    assert_eq!(device.stored, content);
    let good = kernel.answer(write);
    assert_eq!((good.status, good.flags, good.read_length), (0, 0, 0));
    let pieces = [(DATA_AT + 8192, 1000), (DATA_AT + 16384, 3096)];
    let read = kernel.command(&READ, &pieces);
    assert_eq!(kernel.serve(&mut device), 1);
    let good = kernel.answer(read);
    assert_eq!((good.status, good.flags, good.read_length), (0, 2, 4096));
    let first: [u8; 1000] = kernel.memory.array(DATA_AT + 8192).unwrap();
    let second: [u8; 3096] = kernel.memory.array(DATA_AT + 16384).unwrap();
    assert!(first == content[..1000] && second == content[1000..]);
    kernel.command(&[0; 6], &[]);
    kernel.serve(&mut device);
    // and the other way, in the ring's next round
    let write = kernel.command(&WRITE, &pieces);
    device.stored.clear();
    assert_eq!(
        kernel.serve(&mut device),
        2,
        "the end of the ring is filled up"
    );
    assert_eq!(kernel.answer(write).status, 0);
    assert_eq!(device.stored, content);
}

#[test]
fn a_short_read_tells_its_length_and_its_sense() {
    let mut kernel = Kernel::new();
    let mut device = Device {
        stored: vec![9; 300],
        most: 300,
        ..Device::default()
    };
    let read = kernel.command(&READ, &[(DATA_AT, 4096)]);
    kernel.serve(&mut device);
    let answer = kernel.answer(read);
    assert_eq!(
        (answer.status, answer.flags, answer.read_length),
        (2, 2, 300)
    );
    // fixed format, ILI
    assert_eq!(answer.sense, [0x70, 0, 0x20, 0]);
}

#[test]
fn several_commands_in_order() {
    let mut kernel = Kernel::new();
    let mut device = Device::default();
    for round in 0..20_u8 {
        let ready = [0, 0, 0, 0, 0, round];
        let locate = [0x92, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, round, 0, 0, 0, 0];
        kernel.command(&ready, &[]);
        kernel.command(&locate, &[]);
        kernel.serve(&mut device);
        assert_eq!(device.commands.pop().unwrap(), locate);
        assert_eq!(device.commands.pop().unwrap(), ready);
    }
}

#[test]
fn lengths_of_commands() {
    let mut kernel = Kernel::new();
    let mut device = Device::default();
    for (opcode, bytes) in [
        (0x1A, 6),
        (0x5A, 10),
        (0x2B, 10),
        (0xB8, 12),
        (0x8C, 16),
        (0xE7, 16),
    ] {
        kernel.command(&[opcode; 16], &[]);
        kernel.serve(&mut device);
        assert_eq!(device.commands.pop().unwrap(), vec![opcode; bytes]);
    }
}

#[test]
fn what_is_unknown_is_refused_and_what_is_lost_is_aborted() {
    let mut kernel = Kernel::new();
    let mut device = Device::default();
    let management = kernel.header(2, 64);
    kernel.announce(64);
    kernel.serve(&mut device);
    assert_eq!(kernel.answer(management).flags, 1);
    device.lost = true;
    let command = kernel.command(&[OperationCode::REWIND.0, 0, 0, 0, 0, 0], &[]);
    kernel.serve(&mut device);
    let answer = kernel.answer(command);
    assert_eq!(
        (answer.status, answer.sense[2]),
        (2, SenseKey::AbortedCommand as u8)
    );
}

#[test]
fn mailboxes_that_are_none() {
    for wrong in [
        0,
        u32::from_ne_bytes([1, 0, 0x0F, 0]),
        u32::from_ne_bytes([2, 0, 1, 0]),
    ] {
        let (_, file) = mailbox(wrong);
        assert!(
            matches!(Ring::new(map(&file)), Err(RingError::Version { .. })),
            "{wrong:08x}"
        );
    }
    let (memory, file) = mailbox(version_2());
    for (at, value) in [(4, u32::MAX), (8, MAILBOX_BYTES as u32), (8, 0), (4, 129)] {
        let before = memory.number(at).unwrap();
        memory.store_number(at, value).unwrap();
        assert!(Ring::new(map(&file)).is_err(), "{value} at {at}");
        memory.store_number(at, before).unwrap();
    }
    assert!(Ring::new(map(&file)).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// A kernel that writes nonsense is an error or an answer, never an access outside.
    #[test]
    fn any_entry(
        length_and_operation in prop_oneof![any::<u32>(), (0..64_u32).prop_map(|n| n * 8 + 1)],
        pieces in prop_oneof![any::<u32>(), 0..12_u32],
        cdb_at in prop_oneof![any::<u64>(), 0..MAILBOX_BYTES as u64],
        piece in prop_oneof![any::<(u64, u64)>(), (0..MAILBOX_BYTES as u64, 0..9000_u64)],
    ) {
        let mut kernel = Kernel::new();
        let entry = kernel.command(&READ, &[piece, piece]);
        kernel.memory.store_number(entry, length_and_operation).unwrap();
        kernel.memory.store_number(entry + 8, pieces).unwrap();
        kernel.put(entry + 24, &cdb_at.to_ne_bytes());
        let mut device = Device { stored: vec![1; 5000], most: 5000, ..Device::default() };
        let _ = kernel.ring.serve(&mut device);
        prop_assert!(device.commands.len() <= 2 * RING_BYTES as usize / 8);
    }
}
