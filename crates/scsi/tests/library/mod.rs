//! A small library in memory: enough of a changer to try the host logic and the conformance suite on, with the quirks and
//! faults that real ones have.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ferrite_scsi::asc::AdditionalSense as A;
use ferrite_scsi::clock::Clock;
use ferrite_scsi::command::{MoveMedium, ReadElementStatus};
use ferrite_scsi::element::{
    AddressAssignment, AddressRange, DeviceIdentifier, ElementDescriptor, ElementPage, ElementType,
    report_bytes,
};
use ferrite_scsi::inquiry::{Inquiry, PeripheralType};
use ferrite_scsi::opcode::OperationCode as Op;
use ferrite_scsi::sense::{Sense, SenseKey as K};
use ferrite_scsi::{Cdb, Completion, Data, Transport, TransportError};

/// How the library falls short of the standard.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quirks {
    /// Most elements in one answer.
    pub elements_per_answer: Option<usize>,
    /// Device identifiers are refused.
    pub no_identifiers: bool,
    /// The last bytes of every report are not sent, although they are counted.
    pub forgotten_bytes: usize,
    /// Types that the address page counts one too many of.
    pub miscounted: Option<ElementType>,
    /// Volume tags are announced and not sent, for this type.
    pub tagless: Option<ElementType>,
}

/// What the next movement does.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Says yes and does nothing.
    Lies,
    /// Moves, and the answer gets lost.
    AnswerLost,
    /// Ends with the cartridge in the gripper.
    HalfWay,
    /// Refuses.
    Refuses(Sense),
}

pub struct State {
    pub elements: Vec<(ElementType, ElementDescriptor)>,
    pub quirks: Quirks,
    /// Conditions that commands other than INQUIRY meet first.
    pub pending: VecDeque<Sense>,
    pub faults: VecDeque<Fault>,
    /// Commands as they came.
    pub log: Vec<Cdb>,
    /// Somebody takes the cartridge out of an element, before that many more commands.
    pub taken_out: Option<(usize, u16)>,
    waited: Duration,
}

/// A connection; clones see the same library.
#[derive(Clone)]
pub struct Library(Arc<Mutex<State>>);

pub const ROBOT: u16 = 1;
pub const STORAGE: u16 = 1001;
pub const MAIL: u16 = 101;
pub const DRIVES: u16 = 257;

pub fn sense(key: K, code: A) -> Sense {
    Sense::new(key, code)
}

fn cartridge(address: u16, tag: &str) -> ElementDescriptor {
    ElementDescriptor {
        full: true,
        medium_type: 1,
        source: Some(address),
        tag: Some(tag.to_owned()),
        ..ElementDescriptor::empty(address)
    }
}

impl Library {
    /// One robot, `slots` slots of which the first two are full, two mail slots, two empty drives.
    pub fn new(slots: u16) -> Self {
        let mut elements = vec![(ElementType::Transport, ElementDescriptor::empty(ROBOT))];
        elements.extend((0..slots).map(|i| {
            let element = match i {
                0 => cartridge(STORAGE, "ABC123L8"),
                1 => cartridge(STORAGE + 1, "ABC124L8"),
                _ => ElementDescriptor::empty(STORAGE + i),
            };
            (ElementType::Storage, element)
        }));
        elements.extend((0..2).map(|i| {
            (
                ElementType::ImportExport,
                ElementDescriptor::empty(MAIL + i),
            )
        }));
        elements.extend((0..2).map(|i| {
            let identifier = Some(DeviceIdentifier {
                vendor: "IBM".to_owned(),
                model: "ULT3580-TD8".to_owned(),
                serial: format!("000000000{i}"),
            });
            let element = ElementDescriptor {
                identifier,
                ..ElementDescriptor::empty(DRIVES + i)
            };
            (ElementType::Drive, element)
        }));
        Self(Arc::new(Mutex::new(State {
            elements,
            quirks: Quirks::default(),
            pending: VecDeque::from([sense(K::UnitAttention, A::POWER_ON_OR_RESET)]),
            faults: VecDeque::new(),
            log: Vec::new(),
            taken_out: None,
            waited: Duration::ZERO,
        })))
    }

    pub fn with(slots: u16, quirks: Quirks) -> Self {
        let library = Self::new(slots);
        library.state().quirks = quirks;
        library
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// How often a command was sent.
    pub fn sent(&self, code: Op) -> usize {
        self.state()
            .log
            .iter()
            .filter(|cdb| cdb.opcode() == code)
            .count()
    }

    pub fn waited(&self) -> Duration {
        self.state().waited
    }
}

/// Waiting on the library's own clock.
impl Clock for Library {
    fn now(&self) -> Duration {
        self.waited()
    }

    fn sleep(&mut self, duration: Duration) {
        self.state().waited += duration;
    }
}

impl State {
    pub fn element(&mut self, address: u16) -> Option<&mut ElementDescriptor> {
        self.elements
            .iter_mut()
            .map(|(_, element)| element)
            .find(|element| element.address == address)
    }

    fn assignment(&self) -> AddressAssignment {
        let range = |kind| {
            let mut of_kind = self.elements.iter().filter(|(found, _)| *found == kind);
            let first = of_kind
                .clone()
                .next()
                .map_or(0, |(_, element)| element.address);
            let extra = u16::from(self.quirks.miscounted == Some(kind));
            AddressRange {
                first,
                count: of_kind.by_ref().count() as u16 + extra,
            }
        };
        AddressAssignment {
            transport: range(ElementType::Transport),
            storage: range(ElementType::Storage),
            import_export: range(ElementType::ImportExport),
            drive: range(ElementType::Drive),
        }
    }

    fn element_status(&self, command: ReadElementStatus) -> Result<Vec<u8>, Sense> {
        if command.device_ids && self.quirks.no_identifiers {
            return Err(sense(K::IllegalRequest, A::INVALID_FIELD_IN_CDB));
        }
        let most =
            usize::from(command.count).min(self.quirks.elements_per_answer.unwrap_or(usize::MAX));
        let mut left = most;
        let pages: Vec<ElementPage> = ElementType::ALL
            .into_iter()
            .filter(|kind| command.element_type.is_none_or(|wanted| wanted == *kind))
            .map(|kind| {
                let elements: Vec<_> = self
                    .elements
                    .iter()
                    .filter(|(found, element)| *found == kind && element.address >= command.start)
                    .map(|(_, element)| element.clone())
                    .take(left)
                    .collect();
                left -= elements.len();
                ElementPage {
                    kind,
                    volume_tags: command.volume_tags && self.quirks.tagless != Some(kind),
                    device_ids: command.device_ids,
                    elements,
                }
            })
            .collect();
        let mut bytes = report_bytes(&pages);
        if command.volume_tags && self.quirks.tagless == command.element_type && bytes.len() > 9 {
            bytes[9] |= 0x80; // page byte 1: PVOLTAG
        }
        let kept = bytes
            .len()
            .saturating_sub(self.quirks.forgotten_bytes)
            .max(8);
        bytes.truncate(kept);
        Ok(bytes)
    }

    fn place(&mut self, source: u16, destination: u16) {
        let Some(from) = self.element(source) else {
            return;
        };
        let (tag, medium_type, origin) = (from.tag.take(), from.medium_type, from.source.take());
        (from.full, from.medium_type) = (false, 0);
        let is_slot = (STORAGE..STORAGE + 1000).contains(&source);
        if let Some(to) = self.element(destination) {
            (to.full, to.tag, to.medium_type) = (true, tag, medium_type);
            to.source = if is_slot { Some(source) } else { origin };
        }
    }

    fn move_medium(&mut self, command: MoveMedium) -> Result<(), Sense> {
        let refuse = |code| Err(sense(K::IllegalRequest, code));
        match self.element(command.source).map(|element| element.full) {
            None => return refuse(A::INVALID_ELEMENT_ADDRESS),
            Some(false) if self.element(command.destination).is_some() => {
                return refuse(A::SOURCE_EMPTY);
            }
            Some(_) => {}
        }
        match self
            .element(command.destination)
            .map(|element| element.full)
        {
            None => refuse(A::INVALID_ELEMENT_ADDRESS),
            Some(true) => refuse(A::DESTINATION_FULL),
            Some(false) => {
                self.place(command.source, command.destination);
                Ok(())
            }
        }
    }

    fn faulty_move(&mut self, fault: Fault, command: MoveMedium) -> Result<Vec<u8>, Failure> {
        match fault {
            Fault::Lies => Ok(Vec::new()),
            Fault::AnswerLost => {
                self.place(command.source, command.destination);
                Err(Failure::Transport(TransportError::Timeout {
                    seconds: 2700,
                }))
            }
            Fault::HalfWay => {
                self.place(command.source, ROBOT);
                Err(Failure::Check(sense(
                    K::HardwareError,
                    A::MECHANICAL_POSITIONING_ERROR,
                )))
            }
            Fault::Refuses(sense) => Err(Failure::Check(sense)),
        }
    }

    fn operator(&mut self) {
        match self.taken_out.take() {
            Some((0, address)) => {
                if let Some(element) = self.element(address) {
                    (element.full, element.tag, element.source) = (false, None, None);
                }
                self.pending
                    .push_back(sense(K::UnitAttention, A::MEDIUM_MAY_HAVE_CHANGED));
            }
            Some((commands, address)) => self.taken_out = Some((commands - 1, address)),
            None => {}
        }
    }

    fn answer(&mut self, cdb: &Cdb) -> Result<Vec<u8>, Failure> {
        let bytes = cdb.as_bytes();
        if cdb.opcode() != Op::INQUIRY {
            if let Some(sense) = self.pending.pop_front() {
                return Err(Failure::Check(sense));
            }
        }
        match cdb.opcode() {
            Op::INQUIRY => Ok(Inquiry {
                peripheral_type: PeripheralType::Changer,
                vendor: "EXAMPLE".to_owned(),
                product: "SHELF".to_owned(),
                revision: "1".to_owned(),
            }
            .to_bytes()
            .to_vec()),
            Op::MODE_SENSE_6 => Ok(self.assignment().to_bytes().to_vec()),
            Op::READ_ELEMENT_STATUS => {
                let command = ReadElementStatus::parse(bytes.try_into().unwrap())
                    .ok_or(sense(K::IllegalRequest, A::INVALID_FIELD_IN_CDB))?;
                Ok(self.element_status(command)?)
            }
            Op::MOVE_MEDIUM => {
                let command = MoveMedium::parse(bytes.try_into().unwrap());
                match self.faults.pop_front() {
                    Some(fault) => self.faulty_move(fault, command),
                    None => Ok(self.move_medium(command).map(|()| Vec::new())?),
                }
            }
            Op::TEST_UNIT_READY
            | Op::INITIALIZE_ELEMENT_STATUS
            | Op::POSITION_TO_ELEMENT
            | Op::PREVENT_ALLOW => Ok(Vec::new()),
            _ => Err(Failure::Check(sense(
                K::IllegalRequest,
                A::INVALID_OPERATION_CODE,
            ))),
        }
    }
}

enum Failure {
    Check(Sense),
    Transport(TransportError),
}

impl From<Sense> for Failure {
    fn from(sense: Sense) -> Self {
        Failure::Check(sense)
    }
}

impl Transport for Library {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        _: Duration,
    ) -> Result<Completion, TransportError> {
        let mut state = self.state();
        state.log.push(*cdb);
        state.operator();
        match (state.answer(cdb), data) {
            (Ok(bytes), Data::In(buffer)) => {
                let length = bytes.len().min(buffer.len());
                buffer[..length].copy_from_slice(&bytes[..length]);
                Ok(Completion::good(buffer.len() - length))
            }
            (Ok(_), _) => Ok(Completion::good(0)),
            (Err(Failure::Check(sense)), data) => {
                Ok(Completion::check_condition(&sense.to_fixed(), data.len()))
            }
            (Err(Failure::Transport(error)), _) => Err(error),
        }
    }
}
