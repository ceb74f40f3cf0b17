//! A library that answers with whatever the fuzzer likes, and its element status alone.

use super::device::{Device, SleepingClock};
use crate::changer::{Changer, ChangerError, ChangerOptions, Place};
use crate::command::InitializeRange;
use crate::element::{AddressAssignment, ElementReport};

/// Operations of one run.
const MOST_OPERATIONS: usize = 16;
/// Address and flags of an element.
const LEAST_DESCRIPTOR_BYTES: usize = 3;

/// READ ELEMENT STATUS and the element address page.
pub fn element_status(data: &[u8]) {
    for allocation in [data.len(), data.len() + 1] {
        if let Ok(report) = ElementReport::parse(data, allocation) {
            assert!(report.elements.len() * LEAST_DESCRIPTOR_BYTES <= data.len());
        }
    }
    if let Ok(assigned) = AddressAssignment::parse(data) {
        assert_eq!(AddressAssignment::parse(&assigned.to_bytes()), Ok(assigned));
    }
}

/// The first byte says how many bytes choose operations; the rest is what the device answers.
pub fn hostile_changer(data: &[u8]) {
    let Some((&count, rest)) = data.split_first() else {
        return;
    };
    let count = usize::from(count).min(MOST_OPERATIONS).min(rest.len());
    let (operations, answers) = rest.split_at(count);
    let options = ChangerOptions {
        clock: Box::new(SleepingClock::default()),
        ..ChangerOptions::default()
    };
    let Ok(mut changer) = Changer::open(Device::answering(answers), options) else {
        return;
    };
    for &operation in operations {
        if let Err(error) = operate(&mut changer, operation) {
            let _ = std::hint::black_box((error.to_string(), error.class()));
        }
    }
}

/// One operation: the low three bits say which, the others go into it.
fn operate(changer: &mut Changer, operation: u8) -> Result<(), ChangerError> {
    let number = u32::from(operation >> 3);
    match operation & 0x07 {
        0 => changer.status().map(drop),
        1 => changer.load(number, 0).map(drop),
        2 => changer.unload(number, None).map(drop),
        3 => changer.unload(0, Some(number)).map(drop),
        4 => changer.transfer(1, number).map(drop),
        5 => changer
            .move_cartridge(Place::Transport(0), Place::Slot(number))
            .map(drop),
        6 => changer.initialize(Some(InitializeRange { first: 0, count: 1 })),
        _ => changer.position_to(Place::Drive(number)),
    }
}
