//! Reads element descriptors: one type per command, and several commands where one answer cannot hold them all.

use super::execute::refuses_function;
use super::{Changer, ChangerError};
use crate::asc::AdditionalSense;
use crate::command::ReadElementStatus;
use crate::element::{
    ADDRESS_ASSIGNMENT_BYTES, AddressAssignment, ElementDescriptor, ElementReport, ElementType,
};
use crate::mode::{MODE_SENSE_6_ALLOCATION, ModeForm, ModeSense, page};
use crate::opcode::OperationCode;
use crate::sense::SenseKey;
use crate::timeouts;

/// Elements asked for at once: some changers give no more.
const ELEMENTS_PER_QUERY: u16 = 1000;
/// Room for one answer: some changers look at the low 16 bits of the length only.
const ALLOCATION: u16 = 0xFFFF;
/// Addresses have 16 bits, so no library has more. Whoever reports more is repeating itself.
const MAX_ELEMENTS: usize = 65_536;

/// What is asked for besides the elements' state. Never both: some changers refuse or garble that (scsi.md 3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum With {
    VolumeTags,
    DeviceIds,
}

/// The elements of one type.
#[derive(Debug, Default)]
pub(super) struct Elements {
    pub elements: Vec<ElementDescriptor>,
    pub warnings: Vec<String>,
}

impl Elements {
    /// True if another question may bring more elements.
    fn take(&mut self, kind: ElementType, report: ElementReport) -> bool {
        let before = self.elements.len();
        let foreign = report.elements.iter().any(|(found, _)| *found != kind);
        if foreign {
            self.warn(format!(
                "asked for {kind} elements, the library reports others too"
            ));
        }
        for warning in report.warnings {
            self.warn(warning);
        }
        self.elements.extend(
            report
                .elements
                .into_iter()
                .filter(|(found, _)| *found == kind)
                .map(|(_, element)| element),
        );
        let found = self.elements.len() - before;
        found > 0 && (report.truncated || found >= usize::from(ELEMENTS_PER_QUERY))
    }

    fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }
}

impl Changer {
    /// Mode page 1Dh.
    pub(super) fn address_assignment(&mut self) -> Result<AddressAssignment, ChangerError> {
        let cdb = ModeSense {
            disable_block_descriptor: true,
            ..ModeSense::current(ModeForm::Six, page::ELEMENT_ADDRESS_ASSIGNMENT)
        }
        .cdb();
        const { assert!(ADDRESS_ASSIGNMENT_BYTES <= MODE_SENSE_6_ALLOCATION as usize) };
        let mut buffer = [0; MODE_SENSE_6_ALLOCATION as usize];
        let received = self.query(&cdb, &mut buffer, timeouts::CHANGER_PAGE)?;
        AddressAssignment::parse(&buffer[..received])
            .map_err(|what| ChangerError::reply(cdb.opcode(), what))
    }

    /// All elements of one type, of which there should be `assigned`.
    pub(super) fn elements(
        &mut self,
        kind: ElementType,
        with: With,
        assigned: u16,
    ) -> Result<Elements, ChangerError> {
        let mut all = Elements::default();
        let mut start = 0;
        loop {
            let report = match self.element_report(kind, with, start) {
                Ok(report) => report,
                // A type that this library does not have, or nothing behind the last element.
                Err(error) if (start > 0 || assigned == 0) && lacks_elements(&error) => {
                    return Ok(all);
                }
                Err(error) => return Err(error),
            };
            let empty = report.elements.is_empty();
            let mut more = all.take(kind, report);
            // Fewer per answer than asked for: go on while elements are missing.
            more |= !empty && all.elements.len() < usize::from(assigned);
            let last = all.elements.iter().map(|element| element.address).max();
            let (true, Some(next)) = (more, last.and_then(|last| last.checked_add(1))) else {
                return Ok(all);
            };
            if next <= start || all.elements.len() > MAX_ELEMENTS {
                return Err(ChangerError::reply(
                    OperationCode::READ_ELEMENT_STATUS,
                    format!("{kind} elements are reported again and again"),
                ));
            }
            start = next;
        }
    }

    fn element_report(
        &mut self,
        kind: ElementType,
        with: With,
        start: u16,
    ) -> Result<ElementReport, ChangerError> {
        let cdb = ReadElementStatus {
            element_type: Some(kind),
            volume_tags: with == With::VolumeTags,
            device_ids: with == With::DeviceIds,
            current_data: false,
            start,
            count: ELEMENTS_PER_QUERY,
            allocation: u32::from(ALLOCATION),
        }
        .cdb();
        let mut buffer = vec![0; usize::from(ALLOCATION)];
        let received = self.query(&cdb, &mut buffer, timeouts::CHANGER_PAGE)?;
        let report = ElementReport::parse(&buffer[..received], buffer.len())
            .map_err(|error| ChangerError::reply(cdb.opcode(), error.to_string()))?;
        let lowest = report
            .elements
            .iter()
            .map(|(_, element)| element.address)
            .min();
        match lowest {
            Some(lowest) if lowest < start => Err(ChangerError::reply(
                cdb.opcode(),
                format!("element {lowest:04X}h reported, asked for {start:04X}h and up"),
            )),
            _ => Ok(report),
        }
    }
}

fn lacks_elements(error: &ChangerError) -> bool {
    match error {
        ChangerError::Command(error) => {
            refuses_function(error)
                || error.sense().is_some_and(|sense| {
                    sense.is(
                        SenseKey::IllegalRequest,
                        AdditionalSense::INVALID_ELEMENT_ADDRESS,
                    )
                })
        }
        _ => false,
    }
}
