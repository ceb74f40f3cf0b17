//! What a sense means for the user (scsi.md 1.4): one table, read by [`crate::error::ScsiError`].

use crate::asc::AdditionalSense;
use crate::error::ErrorClass;
use crate::sense::{Sense, SenseKey};

/// Class and advice for one condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// What can be done.
    pub class: ErrorClass,
    /// One clause for the end of the message; empty if the sense says it all.
    pub advice: &'static str,
}

const fn meaning(class: ErrorClass, advice: &'static str) -> Meaning {
    Meaning { class, advice }
}

/// Looks a condition up. Success conditions (marks, recovered errors) never get here, but have a meaning too.
pub fn of(sense: &Sense) -> Meaning {
    match sense.key {
        SenseKey::NoSense | SenseKey::RecoveredError | SenseKey::Equal | SenseKey::Completed => {
            meaning(ErrorClass::System, "")
        }
        SenseKey::NotReady => not_ready(sense.code),
        SenseKey::MediumError => medium_error(sense.code),
        SenseKey::HardwareError => hardware_error(sense.code),
        SenseKey::IllegalRequest => illegal_request(sense.code),
        SenseKey::UnitAttention => unit_attention(sense.code),
        SenseKey::DataProtect => data_protect(sense.code),
        SenseKey::BlankCheck => meaning(ErrorClass::Data, "there is no more data on this tape"),
        SenseKey::VendorSpecific | SenseKey::CopyAborted | SenseKey::Miscompare => {
            meaning(ErrorClass::System, "")
        }
        SenseKey::AbortedCommand => meaning(
            ErrorClass::Retry,
            "the transfer was disturbed; check cables if this happens often",
        ),
        SenseKey::VolumeOverflow => meaning(
            ErrorClass::Operator,
            "the tape is full; the last block was not written",
        ),
    }
}

fn not_ready(code: AdditionalSense) -> Meaning {
    match code {
        AdditionalSense::BECOMING_READY
        | AdditionalSense::NOT_READY_OPERATION_IN_PROGRESS
        | AdditionalSense::FORMAT_IN_PROGRESS
        | AdditionalSense::SELF_TEST_IN_PROGRESS
        | AdditionalSense::SA_CREATION_IN_PROGRESS
        | AdditionalSense::NOT_READY_NO_CAUSE => {
            meaning(ErrorClass::Retry, "wait until the drive is ready")
        }
        AdditionalSense::LOAD_REQUIRED => meaning(
            ErrorClass::Operator,
            "the tape is in the drive but not loaded; load it",
        ),
        AdditionalSense::MANUAL_INTERVENTION_REQUIRED | AdditionalSense::OFFLINE => {
            meaning(ErrorClass::Operator, "look at the drive's own panel")
        }
        AdditionalSense::CLEANING_CARTRIDGE_INSTALLED => {
            meaning(ErrorClass::Operator, "this is no data tape")
        }
        AdditionalSense::CLEANING_FAILURE => meaning(
            ErrorClass::Operator,
            "the cleaning cartridge is used up or unusable",
        ),
        AdditionalSense::INCOMPATIBLE_MEDIUM => meaning(
            ErrorClass::Operator,
            "this drive cannot use cartridges of this kind; insert another one",
        ),
        AdditionalSense(0x3A, _) => meaning(ErrorClass::Operator, "insert or load a tape"),
        _ => meaning(ErrorClass::System, ""),
    }
}

fn medium_error(code: AdditionalSense) -> Meaning {
    match code {
        AdditionalSense::UNKNOWN_FORMAT
        | AdditionalSense::INCOMPATIBLE_FORMAT
        | AdditionalSense::MEDIUM_FORMAT_CORRUPTED => meaning(
            ErrorClass::Data,
            "the tape cannot be read by this drive or was not written by this software",
        ),
        AdditionalSense::WRITE_ERROR
        | AdditionalSense::APPEND_ERROR
        | AdditionalSense::APPEND_POSITION_ERROR => meaning(
            ErrorClass::Data,
            "the tape could not be written here; use another tape, and clean the drive if several fail",
        ),
        AdditionalSense::END_OF_MEDIUM => {
            meaning(ErrorClass::Data, "the physical end of the tape was reached")
        }
        AdditionalSense::INCOMPLETE_BLOCK_READ => meaning(
            ErrorClass::Data,
            "the last block of this file was not written completely",
        ),
        AdditionalSense::RECORDED_ENTITY_NOT_FOUND
        | AdditionalSense::FILEMARK_NOT_FOUND
        | AdditionalSense::END_OF_DATA_NOT_FOUND => meaning(
            ErrorClass::Data,
            "what should be on the tape is missing: it was cut off or is damaged",
        ),
        _ => meaning(
            ErrorClass::Data,
            "the tape is suspect; clean the drive and try again or with another drive",
        ),
    }
}

fn hardware_error(code: AdditionalSense) -> Meaning {
    match code {
        AdditionalSense::LOAD_OR_EJECT_FAILED | AdditionalSense::UNLOAD_FAILURE => meaning(
            ErrorClass::Operator,
            "the cartridge is stuck or damaged; look at the drive",
        ),
        // The words of the sense say it, and an emulated drive adds what failed below it.
        AdditionalSense::INTERNAL_TARGET_FAILURE => meaning(ErrorClass::System, ""),
        _ => meaning(ErrorClass::System, "drive or robot is suspect"),
    }
}

fn illegal_request(code: AdditionalSense) -> Meaning {
    match code {
        AdditionalSense::INVALID_OPERATION_CODE => {
            meaning(ErrorClass::System, "the device lacks this function")
        }
        AdditionalSense::INCOMPATIBLE_MEDIUM => meaning(
            ErrorClass::Operator,
            "this drive cannot use cartridges of this kind",
        ),
        AdditionalSense::SOURCE_EMPTY => {
            meaning(ErrorClass::Operator, "there is no cartridge at the source")
        }
        AdditionalSense::DESTINATION_FULL => meaning(
            ErrorClass::Operator,
            "there is already a cartridge at the destination",
        ),
        AdditionalSense(0x3B, _)
        | AdditionalSense::REMOVAL_PREVENTED
        | AdditionalSense::REMOVAL_PREVENTED_BY_DRIVE => meaning(ErrorClass::Operator, ""),
        _ => meaning(ErrorClass::System, ""),
    }
}

fn unit_attention(code: AdditionalSense) -> Meaning {
    if code.loses_position() {
        meaning(
            ErrorClass::System,
            "the drive was reset or its tape changed by somebody else",
        )
    } else {
        meaning(ErrorClass::Retry, "")
    }
}

fn data_protect(code: AdditionalSense) -> Meaning {
    match code {
        AdditionalSense::WORM_OVERWRITE_ATTEMPTED | AdditionalSense::WORM_INTEGRITY_CHECK => {
            meaning(
                ErrorClass::Operator,
                "a write-once tape cannot be overwritten",
            )
        }
        AdditionalSense::CANNOT_WRITE_INCOMPATIBLE | AdditionalSense::INCOMPATIBLE_MEDIUM => {
            meaning(
                ErrorClass::Operator,
                "this drive can only read cartridges of this generation",
            )
        }
        AdditionalSense::KEY_FAIL_LIMIT => meaning(
            ErrorClass::Operator,
            "too many wrong keys; unload and load the tape again",
        ),
        AdditionalSense(0x27 | 0x5A, _) => meaning(
            ErrorClass::Operator,
            "move the write protect tab of the cartridge or use another tape",
        ),
        AdditionalSense::UNABLE_TO_DECRYPT
        | AdditionalSense::INCORRECT_KEY
        | AdditionalSense::DECRYPTION_ERROR => meaning(
            ErrorClass::Operator,
            "the encryption key is missing or wrong",
        ),
        AdditionalSense::UNENCRYPTED_DATA => {
            meaning(ErrorClass::Data, "this part of the tape is not encrypted")
        }
        AdditionalSense::INTEGRITY_VALIDATION_FAILED => {
            meaning(ErrorClass::Data, "the encrypted data is damaged")
        }
        AdditionalSense(0xEE | 0xEF, _) => meaning(
            ErrorClass::Operator,
            "the library manages encryption and has no key for this tape",
        ),
        _ => meaning(ErrorClass::Operator, "the tape cannot be written"),
    }
}
