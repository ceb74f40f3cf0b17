//! Command descriptor blocks as structures: `cdb()` builds the bytes a host sends, `parse()` reads what a target received.
//!
//! Bit positions are constants of the command's own file; operation codes are in [`crate::opcode`]. 24-bit lengths keep their
//! low 24 bits: whoever builds a command has checked the length against the drive's block limits.

mod block;
mod element;
mod motion;
mod unit;

pub use block::{BLOCK_LIMITS_BYTES, BlockLimits, Read, Write, WriteFilemarks, read_block_limits};
pub use element::{
    ExchangeMedium, ImportExportDoor, InitializeElements, InitializeRange, MoveMedium,
    PositionToElement, ReadElementStatus,
};
pub use motion::{
    Locate, LocateTarget, READ_POSITION_LONG_BYTES, READ_POSITION_SHORT_BYTES, ReadPosition,
    Rewind, Space, SpaceUnit, TapePosition,
};
pub use unit::{
    Erase, FormatMedium, LoadUnload, PreventAllow, REPORT_DENSITY_ALLOCATION,
    REQUEST_SENSE_ALLOCATION, ReportDensity, RequestSense, test_unit_ready,
};

/// Largest value of a 24-bit field.
pub const MAX_U24: u32 = 0x00FF_FFFF;

/// The three bytes of a 24-bit big-endian field.
pub(crate) const fn u24_bytes(value: u32) -> [u8; 3] {
    let [_, a, b, c] = value.to_be_bytes();
    [a, b, c]
}

/// Value of a 24-bit big-endian field.
pub(crate) const fn u24(bytes: [u8; 3]) -> u32 {
    u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]])
}

pub(crate) const fn bit(set: bool, mask: u8) -> u8 {
    if set { mask } else { 0 }
}
