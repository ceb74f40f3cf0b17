//! MOVE MEDIUM and EXCHANGE MEDIUM (scsi.md 3.5, 3.6, 7.9).

use std::time::Duration;

use ferrite_scsi::Cdb;
use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::command::{ExchangeMedium, MoveMedium};
use ferrite_scsi::element::ElementType;
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::sense::SenseKey;

use super::LibraryError;
use super::shared_changer::{Held, SharedChanger};
use crate::target::{Failure, Reply, Slot, Step, TakenOut, twelve};

/// From one element to another.
const MOVE_TIME: Duration = Duration::from_secs(15);

type Element = (ElementType, u16);

fn illegal(code: AdditionalSense) -> Failure {
    Failure::new(SenseKey::IllegalRequest, code)
}

/// Robot 0 is the default one.
pub(super) fn check_transport(changer: &SharedChanger, address: u16) -> Result<(), Failure> {
    if address == 0 || changer.addresses.transport.contains(address) {
        Ok(())
    } else {
        Err(illegal(AdditionalSense::INVALID_ELEMENT_ADDRESS))
    }
}

pub(super) fn element_at(changer: &SharedChanger, address: u16) -> Result<Element, Failure> {
    let kind = changer
        .addresses
        .kind_at(address)
        .ok_or_else(|| illegal(AdditionalSense::INVALID_ELEMENT_ADDRESS))?;
    Ok((kind, address - changer.addresses.range(kind).first))
}

fn is_full(changer: &SharedChanger, (kind, number): Element) -> bool {
    changer
        .state
        .element(kind, number)
        .is_some_and(Option::is_some)
}

/// What is between a movement and its being done.
enum Obstacle {
    Refused(Failure),
    Later(Duration),
    Library(LibraryError),
}

impl From<Failure> for Obstacle {
    fn from(failure: Failure) -> Self {
        Obstacle::Refused(failure)
    }
}

impl From<LibraryError> for Obstacle {
    fn from(error: LibraryError) -> Self {
        Obstacle::Library(error)
    }
}

pub(super) fn execute(changer: &mut SharedChanger, cdb: &Cdb) -> Result<Step, LibraryError> {
    let moved = if cdb.opcode() == OperationCode::MOVE_MEDIUM {
        move_medium(changer, cdb)
    } else {
        exchange_medium(changer, cdb)
    };
    match moved {
        Ok(time) => {
            if !time.is_zero() {
                changer.state.moving = Some(changer.now() + time);
            }
            Ok(Step::Done(Ok(Reply::good()), time))
        }
        Err(Obstacle::Refused(failure)) => Ok(Step::Done(Err(failure), Duration::ZERO)),
        Err(Obstacle::Later(wait)) => Ok(Step::Later(wait)),
        Err(Obstacle::Library(error)) => Err(error),
    }
}

fn move_medium(changer: &mut SharedChanger, cdb: &Cdb) -> Result<Duration, Obstacle> {
    let command = MoveMedium::parse(twelve(cdb)?);
    if command.invert {
        return Err(Failure::invalid_field(10).into());
    }
    check_transport(changer, command.transport)?;
    let from = element_at(changer, command.source)?;
    let to = element_at(changer, command.destination)?;
    if from == to {
        return Ok(Duration::ZERO);
    }
    if !is_full(changer, from) {
        return Err(illegal(AdditionalSense::SOURCE_EMPTY).into());
    }
    if is_full(changer, to) {
        return Err(illegal(AdditionalSense::DESTINATION_FULL).into());
    }
    check_tray(changer, &[from, to])?;
    let unloading = let_go(changer, from)?;
    let held = take(changer, from);
    put(changer, to, held);
    settle(changer, &[from, to])?;
    Ok(unloading + changer.timing.pace.duration(MOVE_TIME))
}

fn exchange_medium(changer: &mut SharedChanger, cdb: &Cdb) -> Result<Duration, Obstacle> {
    let command = ExchangeMedium::parse(twelve(cdb)?);
    check_transport(changer, command.transport)?;
    let source = element_at(changer, command.source)?;
    let first = element_at(changer, command.first_destination)?;
    let second = element_at(changer, command.second_destination)?;
    if !is_full(changer, source) || !is_full(changer, first) {
        return Err(illegal(AdditionalSense::SOURCE_EMPTY).into());
    }
    if source == first || (second != source && is_full(changer, second)) {
        return Err(illegal(AdditionalSense::DESTINATION_FULL).into());
    }
    check_tray(changer, &[source, first, second])?;
    let unloading = let_go(changer, first)? + let_go(changer, source)?;
    let (moved, displaced) = (take(changer, source), take(changer, first));
    put(changer, first, moved);
    put(changer, second, displaced);
    settle(changer, &[source, first, second])?;
    Ok(unloading + changer.timing.pace.duration(MOVE_TIME * 2))
}

fn check_tray(changer: &SharedChanger, elements: &[Element]) -> Result<(), Failure> {
    let mail = elements
        .iter()
        .any(|(kind, _)| *kind == ElementType::ImportExport);
    if changer.state.tray_open && mail {
        return Err(Failure::new(
            SenseKey::NotReady,
            AdditionalSense::MEDIUM_NOT_PRESENT_TRAY_OPEN,
        ));
    }
    Ok(())
}

/// A drive has to let its cartridge go before anything else happens: should this process die now, the drive gets it back.
fn let_go(changer: &mut SharedChanger, (kind, number): Element) -> Result<Duration, Obstacle> {
    if kind != ElementType::Drive {
        return Ok(Duration::ZERO);
    }
    let Some(drive) = changer.drive(number) else {
        return Ok(Duration::ZERO);
    };
    let (taken, time) = drive.with(|target, inserted| {
        let time = target.unload_time();
        let taken = target.robot_takes();
        if taken == TakenOut::Yes {
            target.slot = Slot::Empty;
            *inserted = None;
        }
        (taken, time)
    })?;
    match taken {
        TakenOut::Yes => Ok(time),
        TakenOut::Prevented => Err(illegal(AdditionalSense::REMOVAL_PREVENTED).into()),
        TakenOut::Threaded => Err(illegal(AdditionalSense::REMOVAL_PREVENTED_BY_DRIVE).into()),
        TakenOut::Stuck => {
            Err(Failure::new(SenseKey::HardwareError, AdditionalSense::UNLOAD_FAILURE).into())
        }
        TakenOut::Later(wait) => Err(Obstacle::Later(wait)),
    }
}

fn take(changer: &mut SharedChanger, (kind, number): Element) -> Option<Held> {
    let address = changer.addresses.range(kind).first + number;
    let mut held = changer.state.element_mut(kind, number)?.take()?;
    if kind == ElementType::Storage {
        held.source = Some(address);
    }
    Some(held)
}

fn put(changer: &mut SharedChanger, (kind, number): Element, held: Option<Held>) {
    let insertion = changer.next_insertion();
    let address = changer.addresses.range(kind).first + number;
    let Some(mut held) = held else {
        return;
    };
    held.by_operator = false;
    held.insertion = insertion;
    if kind == ElementType::Storage {
        held.source = Some(address);
    }
    if let Some(element) = changer.state.element_mut(kind, number) {
        *element = Some(held);
    }
}

/// The elements are stored, then the drives get what is theirs.
fn settle(changer: &mut SharedChanger, elements: &[Element]) -> Result<(), LibraryError> {
    changer.keep()?;
    for &(kind, number) in elements {
        if kind == ElementType::Drive {
            changer.give_expected(number)?;
        }
    }
    Ok(())
}
