//! Moving cartridges (scsi.md 3.5). A movement is sent once; what came of it is read from the library afterwards.

use std::fmt;

use super::error::CartridgeAt;
use super::execute::refuses_function;
use super::status::{ChangerStatus, Content};
use super::{Changer, ChangerError};
use crate::command::{
    InitializeElements, InitializeRange, MoveMedium, PositionToElement, PreventAllow,
};
use crate::error::ScsiError;
use crate::timeouts;

/// A place in the library, numbered as users do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Slot, from 1.
    Slot(u32),
    /// Drive, from 0.
    Drive(u32),
    /// Robot's gripper, from 0: where a cartridge stays when a movement fails half way.
    Transport(u32),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Slot(number) => write!(f, "slot {number}"),
            Place::Drive(number) => write!(f, "drive {number}"),
            Place::Transport(0) => f.write_str("the robot's gripper"),
            Place::Transport(number) => write!(f, "gripper {number}"),
        }
    }
}

/// A movement that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// All elements afterwards.
    pub status: ChangerStatus,
    /// Something for the log: the move was done although its answer got lost.
    pub note: Option<String>,
}

impl ChangerStatus {
    /// Address and content of a place.
    fn place(&self, place: Place) -> Option<(u16, &Content)> {
        match place {
            Place::Slot(number) => self.slot(number).map(|slot| (slot.address, &slot.content)),
            Place::Drive(number) => self
                .drives
                .get(usize::try_from(number).ok()?)
                .map(|drive| (drive.address, &drive.content)),
            Place::Transport(number) => self
                .transports
                .get(usize::try_from(number).ok()?)
                .map(|robot| (robot.address, &robot.content)),
        }
    }

    fn address(&self, place: Place) -> Result<u16, ChangerError> {
        self.place(place)
            .map(|(address, _)| address)
            .ok_or(ChangerError::NoSuchPlace {
                place,
                slots: self.slots.len(),
                drives: self.drives.len(),
            })
    }

    fn content(&self, place: Place) -> &Content {
        self.place(place)
            .map_or(&Content::Empty, |(_, content)| content)
    }
}

/// The same cartridge as far as bar codes tell: a drive may hide the bar code of the tape in it.
fn may_be(found: &Content, cartridge: &Content) -> bool {
    match (found.tag(), cartridge.tag()) {
        (Some(found), Some(cartridge)) => found == cartridge,
        _ => !found.is_empty(),
    }
}

/// Where the cartridge that was in `from` is now. An empty `from` tells nothing.
fn find(before: &ChangerStatus, after: &ChangerStatus, from: Place, to: Place) -> CartridgeAt {
    let cartridge = before.content(from);
    if cartridge.is_empty() {
        return CartridgeAt::Unknown;
    }
    let gripper = (0u32..)
        .zip(&after.transports)
        .find(|(_, robot)| may_be(&robot.content, cartridge))
        .map(|(number, _)| number);
    let arrived = before.content(to).is_empty() && may_be(after.content(to), cartridge);
    let still_there = may_be(after.content(from), cartridge);
    match (still_there, arrived, gripper) {
        (true, false, _) => CartridgeAt::Source,
        (false, true, _) => CartridgeAt::Destination,
        (false, false, Some(number)) => CartridgeAt::Transport(number),
        _ => CartridgeAt::Unknown,
    }
}

/// The command may have been executed although it failed: nobody heard the answer.
fn outcome_unknown(error: &ScsiError) -> bool {
    match error {
        ScsiError::Transport { source, .. } => source.loses_position(),
        ScsiError::NoSenseData { .. } | ScsiError::MalformedSense { .. } => true,
        _ => false,
    }
}

impl Changer {
    /// Puts the cartridge of a slot into a drive.
    ///
    /// # Errors
    /// As [`Changer::move_cartridge`].
    pub fn load(&mut self, slot: u32, drive: u32) -> Result<Moved, ChangerError> {
        self.move_cartridge(Place::Slot(slot), Place::Drive(drive))
    }

    /// Takes the cartridge out of a drive: into `slot`, or into the slot it came from, or into the first free slot that is no
    /// mail slot. The drive may have to be told to eject first; that is its own command.
    ///
    /// # Errors
    /// [`ChangerError::DriveEmpty`], [`ChangerError::NoFreeSlot`] without `slot`; else as [`Changer::move_cartridge`].
    pub fn unload(&mut self, drive: u32, slot: Option<u32>) -> Result<Moved, ChangerError> {
        let before = self.status()?;
        let slot = match slot {
            Some(slot) => slot,
            None => {
                before.address(Place::Drive(drive))?;
                if before.content(Place::Drive(drive)).is_empty() {
                    return Err(ChangerError::DriveEmpty { drive });
                }
                before
                    .free_slot_for(drive)
                    .ok_or(ChangerError::NoFreeSlot { drive })?
            }
        };
        self.move_from(&before, Place::Drive(drive), Place::Slot(slot))
    }

    /// Moves a cartridge from slot to slot.
    ///
    /// # Errors
    /// As [`Changer::move_cartridge`].
    pub fn transfer(&mut self, from: u32, to: u32) -> Result<Moved, ChangerError> {
        self.move_cartridge(Place::Slot(from), Place::Slot(to))
    }

    /// Moves a cartridge and looks whether it has arrived.
    ///
    /// # Errors
    /// [`ChangerError::Move`] with the place of the cartridge, [`ChangerError::MoveNotDone`] for a library that says it is done
    /// and it is not, [`ChangerError::StatusAfterMove`], [`ChangerError::NoSuchPlace`], or what the status gave.
    pub fn move_cartridge(&mut self, from: Place, to: Place) -> Result<Moved, ChangerError> {
        let before = self.status()?;
        self.move_from(&before, from, to)
    }

    fn move_from(
        &mut self,
        before: &ChangerStatus,
        from: Place,
        to: Place,
    ) -> Result<Moved, ChangerError> {
        let cdb = MoveMedium {
            transport: match from {
                Place::Transport(_) => before.address(from)?,
                _ => before.robot(),
            },
            source: before.address(from)?,
            destination: before.address(to)?,
            invert: false,
        }
        .cdb();
        let result = self.motion(&cdb, timeouts::MOVE);
        let after = self.status();
        match result {
            Ok(()) => confirm(before, after, from, to),
            Err(error) => resolve(before, after.ok(), from, to, error),
        }
    }

    /// Makes the robot look into all elements and read all bar codes, or only those of `range` (element addresses) if the
    /// library can do that. Takes minutes.
    ///
    /// # Errors
    /// What the command gave.
    pub fn initialize(&mut self, range: Option<InitializeRange>) -> Result<(), ChangerError> {
        let ranged = range
            .map(|range| {
                [
                    InitializeElements::Range(range),
                    InitializeElements::VendorRange(range),
                ]
            })
            .into_iter()
            .flatten();
        for command in ranged {
            match self.setting(&command.cdb(), timeouts::INITIALIZE_ELEMENTS) {
                Err(ChangerError::Command(error)) if refuses_function(&error) => {}
                result => return result,
            }
        }
        self.setting(
            &InitializeElements::All.cdb(),
            timeouts::INITIALIZE_ELEMENTS,
        )
    }

    /// Sends the robot in front of an element.
    ///
    /// # Errors
    /// [`ChangerError::NoSuchPlace`], or what the commands gave.
    pub fn position_to(&mut self, place: Place) -> Result<(), ChangerError> {
        let status = self.status()?;
        let cdb = PositionToElement {
            transport: status.robot(),
            destination: status.address(place)?,
        }
        .cdb();
        Ok(self.motion(&cdb, timeouts::MOVE)?)
    }

    /// Locks or unlocks what an operator opens: mail slot, door, magazines.
    ///
    /// # Errors
    /// What the command gave.
    pub fn prevent_removal(&mut self, prevent: bool) -> Result<(), ChangerError> {
        self.setting(&PreventAllow { prevent }.cdb(), timeouts::SETTING)
    }
}

/// The library says that it is done.
fn confirm(
    before: &ChangerStatus,
    after: Result<ChangerStatus, ChangerError>,
    from: Place,
    to: Place,
) -> Result<Moved, ChangerError> {
    let status = after.map_err(|source| ChangerError::StatusAfterMove {
        from,
        to,
        source: Box::new(source),
    })?;
    let cartridge = before.content(from);
    let arrived = status.content(to);
    let problem = if from == to {
        None
    } else if arrived.is_empty() {
        Some(format!("{to} is empty"))
    } else if !may_be(arrived, cartridge) && !cartridge.is_empty() {
        Some(format!("{to} holds {arrived} instead of {cartridge}"))
    } else if !status.content(from).is_empty() {
        Some(format!("{from} is still full"))
    } else {
        None
    };
    match problem {
        None => Ok(Moved { status, note: None }),
        Some(problem) => Err(ChangerError::MoveNotDone {
            from,
            to,
            problem,
            cartridge: find(before, &status, from, to),
            status: Box::new(status),
        }),
    }
}

/// The movement failed, or its answer got lost: the elements tell which.
fn resolve(
    before: &ChangerStatus,
    after: Option<ChangerStatus>,
    from: Place,
    to: Place,
    error: ScsiError,
) -> Result<Moved, ChangerError> {
    let cartridge = after
        .as_ref()
        .map_or(CartridgeAt::Unknown, |after| find(before, after, from, to));
    match after {
        Some(status) if cartridge == CartridgeAt::Destination && outcome_unknown(&error) => {
            let note = Some(format!(
                "the cartridge arrived in {to} although the library's answer was lost: {error}"
            ));
            Ok(Moved { status, note })
        }
        after => Err(ChangerError::Move {
            from,
            to,
            source: Box::new(error),
            cartridge,
            status: after.map(Box::new),
        }),
    }
}
