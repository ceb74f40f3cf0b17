//! What a library's complaints mean and what to do about them (scsi.md 3.6). The table of [`crate::meaning`] is for drives:
//! "tray open" is something else there.

use crate::asc::AdditionalSense;
use crate::error::{CheckCondition, ErrorClass, ScsiError};
use crate::meaning::{self, Meaning};
use crate::sense::{Sense, SenseKey};

const fn operator(advice: &'static str) -> Meaning {
    Meaning {
        class: ErrorClass::Operator,
        advice,
    }
}

/// Class and advice for a sense that a changer gave.
pub(super) fn of(sense: &Sense) -> Meaning {
    use AdditionalSense as A;
    match (sense.key, sense.code) {
        (
            SenseKey::NotReady,
            A::BECOMING_READY | A::NOT_READY_OPERATION_IN_PROGRESS | A::NOT_READY_NO_CAUSE,
        ) => Meaning {
            class: ErrorClass::Retry,
            advice: "the library is still busy with itself; wait until its panel says ready",
        },
        (SenseKey::NotReady, A::MANUAL_INTERVENTION_REQUIRED) => {
            operator("the library needs a person; look at its panel")
        }
        (SenseKey::NotReady, A::OFFLINE) => {
            operator("the library is switched offline; set it online at its panel")
        }
        (SenseKey::NotReady, A::MEDIUM_NOT_PRESENT_TRAY_OPEN) => {
            operator("close the door and the mail slot")
        }
        (SenseKey::IllegalRequest, A::DESTINATION_FULL) => {
            operator("there is already a cartridge at the destination; unload or move it first")
        }
        (SenseKey::IllegalRequest, A::SOURCE_EMPTY) => operator(
            "there is no cartridge at the source; read the library's status, or let it take inventory",
        ),
        (SenseKey::IllegalRequest, A::INVALID_ELEMENT_ADDRESS) => operator(
            "the library has no such place (any more); read its status and check the configuration",
        ),
        (SenseKey::IllegalRequest, A::INCOMPATIBLE_MEDIUM) => {
            operator("this cartridge does not fit the drive's generation; use another drive")
        }
        (
            SenseKey::IllegalRequest,
            A::MAGAZINE_NOT_ACCESSIBLE | A::MAGAZINE_REMOVED | A::MAGAZINE_LOCKED,
        ) => operator("insert the magazine and close it"),
        (SenseKey::IllegalRequest, A::DRIVE_REMOVED | A::DRIVE_INSERTED) => {
            operator("a drive was pulled or put in; read the library's status")
        }
        (_, A::REMOVAL_PREVENTED) => {
            operator("the drive holds its tape for a program; end that program or unlock the drive")
        }
        (_, A::REMOVAL_PREVENTED_BY_DRIVE) => operator(
            "the drive has not let go of its tape; eject it first (option eject-before-unload)",
        ),
        // 3B/8x: drives that hold on to a threaded tape.
        (SenseKey::IllegalRequest, A(0x3B, 0x80..=0x8F)) => operator(
            "the library does not take a tape that the drive has not ejected (option eject-before-unload)",
        ),
        (_, A::LOAD_OR_EJECT_FAILED | A::UNLOAD_FAILURE | A::LOAD_UNLOAD_DRIVE_FAILURE) => {
            operator("the cartridge is stuck or damaged, or was not ejected; look at the drive")
        }
        (_, A::MECHANICAL_POSITIONING_ERROR) => {
            operator("the robot cannot reach the place; look into the library")
        }
        (SenseKey::HardwareError, _) => operator("the robot is suspect; look at its panel"),
        (SenseKey::UnitAttention, A::MEDIUM_MAY_HAVE_CHANGED | A::IMPORT_EXPORT_ACCESSED) => {
            Meaning {
                class: ErrorClass::Retry,
                advice: "somebody used the door or the mail slot; read the status and try again",
            }
        }
        (SenseKey::UnitAttention, _) => Meaning {
            class: ErrorClass::Retry,
            advice: "the library was reset; read the status and try again",
        },
        (SenseKey::AbortedCommand, _) => Meaning {
            class: ErrorClass::Retry,
            advice: "",
        },
        (SenseKey::IllegalRequest, A::INVALID_OPERATION_CODE) => Meaning {
            class: ErrorClass::System,
            advice: "the library lacks this function",
        },
        _ => Meaning {
            class: meaning::of(sense).class,
            advice: "",
        },
    }
}

/// Text of an error with the advice for changers.
pub(super) fn describe(error: &ScsiError) -> String {
    match error {
        ScsiError::Check { command, check } => {
            format!("{command} failed: {}", describe_check(check))
        }
        other => other.to_string(),
    }
}

fn describe_check(check: &CheckCondition) -> String {
    let mut text = check.sense.to_string();
    if let Some(detail) = &check.detail {
        text.push_str(&format!(" [{detail}]"));
    }
    let advice = of(&check.sense).advice;
    if !advice.is_empty() {
        text.push_str(": ");
        text.push_str(advice);
    }
    text
}

/// What an element's exception means. Codes from 80h up are vendor specific; those below are the ones seen.
pub fn exception_text(code: AdditionalSense) -> String {
    let known = match code {
        AdditionalSense(0x83, 0x00 | 0x09) => Some("bar code cannot be read"),
        AdditionalSense(0x83, 0x02) => Some("no magazine"),
        AdditionalSense(0x83, 0x04) => Some("no drive there"),
        other => other.text(),
    };
    match known {
        Some(text) => format!("{text} ({:02X}/{:02X})", code.0, code.1),
        None => format!("exception {:02X}/{:02X}", code.0, code.1),
    }
}
