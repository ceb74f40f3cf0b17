//! Why something with the library did not work.
//!
//! Policy: every error ends with what a person can do; errors of a movement say where the cartridge is now, as far as the
//! library knows.

use crate::element::ElementType;
use crate::error::{ErrorClass, ScsiError};
use crate::inquiry::PeripheralType;
use crate::opcode::OperationCode;
use crate::sense::Sense;

use super::advice;
use super::moves::Place;
use super::status::ChangerStatus;

/// Where a cartridge is after a movement that did not go well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CartridgeAt {
    /// Not moved.
    Source,
    /// Arrived all the same.
    Destination,
    /// In the robot's gripper: has to be moved from there.
    Transport(u32),
    /// The status does not tell, or could not be read.
    Unknown,
}

/// Error of a changer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ChangerError {
    /// A command failed.
    #[error("{}", advice::describe(.0))]
    Command(#[from] ScsiError),
    /// The logical unit is no changer.
    #[error("not a media changer but a {found}")]
    NotAChanger {
        /// What it is.
        found: PeripheralType,
    },
    /// Status and address page disagree about the number of elements.
    #[error(
        "the library reports {reported} {kind} elements, but has addresses for {assigned}: let it take inventory, or restart it"
    )]
    ElementCount {
        /// Which elements.
        kind: ElementType,
        /// In the element status.
        reported: usize,
        /// In the address page.
        assigned: u16,
    },
    /// A library without drives or without slots.
    #[error("the library reports no {kind} elements: check its configuration")]
    NoElements {
        /// Drives or slots.
        kind: ElementType,
    },
    /// The number is too high, or 0.
    #[error("there is no {place}: the library has {slots} slots and {drives} drives")]
    NoSuchPlace {
        /// What was asked for.
        place: Place,
        /// Slots there are, numbered from 1.
        slots: usize,
        /// Drives there are, numbered from 0.
        drives: usize,
    },
    /// A movement failed.
    #[error("moving the cartridge from {from} to {to}: {}{}", advice::describe(.source), located(*.from, *.to, *.cartridge))]
    Move {
        /// Where it was.
        from: Place,
        /// Where it should go.
        to: Place,
        /// What the library said.
        source: Box<ScsiError>,
        /// Where it is now.
        cartridge: CartridgeAt,
        /// All elements after the attempt, if they could be read.
        status: Option<Box<ChangerStatus>>,
    },
    /// The library says that it moved the cartridge, and its status says that it did not.
    #[error(
        "the library reported the move from {from} to {to} as done, but {problem}{}: look into the library and let it take inventory",
        located(*.from, *.to, *.cartridge)
    )]
    MoveNotDone {
        /// Where it was.
        from: Place,
        /// Where it should go.
        to: Place,
        /// What contradicts.
        problem: String,
        /// Where it is now.
        cartridge: CartridgeAt,
        /// All elements after the attempt.
        status: Box<ChangerStatus>,
    },
    /// The movement was reported as done, but the status afterwards could not be read.
    #[error(
        "the cartridge was moved from {from} to {to}, but the library's status could not be read afterwards: {source}"
    )]
    StatusAfterMove {
        /// Where it was.
        from: Place,
        /// Where it should be.
        to: Place,
        /// Why not.
        source: Box<ChangerError>,
    },
    /// Unloading an empty drive.
    #[error("drive {drive} is empty")]
    DriveEmpty {
        /// Number of the drive, from 0.
        drive: u32,
    },
    /// Nowhere to put a cartridge.
    #[error("no free slot for the cartridge in drive {drive}: take one out of the library")]
    NoFreeSlot {
        /// Number of the drive, from 0.
        drive: u32,
    },
}

fn located(from: Place, to: Place, cartridge: CartridgeAt) -> String {
    match cartridge {
        CartridgeAt::Source => format!("; the cartridge is still in {from}"),
        CartridgeAt::Destination => format!("; the cartridge is now in {to}"),
        CartridgeAt::Transport(number) => format!(
            "; the cartridge is in {}: move it from there to a free slot",
            Place::Transport(number)
        ),
        CartridgeAt::Unknown => "; where the cartridge is now is not known".to_owned(),
    }
}

impl ChangerError {
    /// An answer that cannot be used.
    pub(super) fn reply(command: OperationCode, what: String) -> Self {
        ChangerError::Command(ScsiError::Reply { command, what })
    }

    /// What can be done about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            ChangerError::Command(error) => class_of(error),
            ChangerError::Move { source, .. } => class_of(source),
            ChangerError::StatusAfterMove { source, .. } => source.class(),
            ChangerError::NotAChanger { .. }
            | ChangerError::MoveNotDone { .. }
            | ChangerError::NoFreeSlot { .. }
            | ChangerError::DriveEmpty { .. } => ErrorClass::Operator,
            ChangerError::ElementCount { .. } | ChangerError::NoElements { .. } => {
                ErrorClass::System
            }
            ChangerError::NoSuchPlace { .. } => ErrorClass::Usage,
        }
    }

    /// Sense data of the failed command, if the device gave any.
    pub fn sense(&self) -> Option<&Sense> {
        match self {
            ChangerError::Command(error) => error.sense(),
            ChangerError::Move { source, .. } => source.sense(),
            ChangerError::StatusAfterMove { source, .. } => source.sense(),
            _ => None,
        }
    }

    /// All elements after a movement that failed: what is to be cached although there is an error.
    pub fn status(&self) -> Option<&ChangerStatus> {
        match self {
            ChangerError::Move { status, .. } => status.as_deref(),
            ChangerError::MoveNotDone { status, .. } => Some(status),
            _ => None,
        }
    }
}

fn class_of(error: &ScsiError) -> ErrorClass {
    match error {
        ScsiError::Check { check, .. } => advice::of(&check.sense).class,
        other => other.class(),
    }
}
