//! How long each kind of command may take (scsi.md 1.6, the slowest half-height drive of LTO-5 to LTO-9 plus some).
//!
//! A timeout makes the kernel reset the device, which loses buffered data and position for everybody. So these are generous;
//! whoever wants to give up earlier does so between commands.

use std::time::Duration;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// TEST UNIT READY, INQUIRY, READ POSITION, REQUEST SENSE.
pub const QUERY: Duration = seconds(60);
/// MODE SENSE, LOG SENSE, READ and WRITE ATTRIBUTE, REPORT DENSITY SUPPORT, SECURITY PROTOCOL.
pub const PAGE: Duration = seconds(60);
/// MODE SELECT, PREVENT ALLOW.
pub const SETTING: Duration = seconds(120);
/// LOG SENSE 11h: answers even while the tape moves, so a drive that does not answer has another problem.
pub const DEVICE_STATUS: Duration = seconds(5);
/// READ.
pub const READ: Duration = seconds(2400);
/// WRITE.
pub const WRITE: Duration = seconds(2000);
/// WRITE FILEMARKS.
pub const WRITE_FILEMARKS: Duration = seconds(1800);
/// REWIND.
pub const REWIND: Duration = seconds(860);
/// SPACE, LOCATE.
pub const LOCATE: Duration = seconds(3000);
/// LOAD UNLOAD.
pub const LOAD: Duration = seconds(1100);
/// FORMAT MEDIUM up to LTO-8.
pub const FORMAT: Duration = seconds(4200);
/// FORMAT MEDIUM from LTO-9 on: started IMMED and polled.
pub const FORMAT_WITH_OPTIMISATION: Duration = seconds(10_800);
/// ERASE, short.
pub const ERASE_SHORT: Duration = seconds(1200);
/// ERASE, long, polled: half-height LTO-9 takes 166 370 s; plus a tenth.
pub const ERASE_LONG: Duration = seconds(183_000);
/// MODE SENSE, READ ELEMENT STATUS and settings of a changer: it may be scanning its shelves.
pub const CHANGER_PAGE: Duration = seconds(300);
/// MOVE MEDIUM: one library documents 38 minutes (since-3.2.4.md B8).
pub const MOVE: Duration = seconds(2700);
/// INITIALIZE ELEMENT STATUS: reads all bar codes.
pub const INITIALIZE_ELEMENTS: Duration = seconds(1800);

/// How long a question to a changer is repeated after any error.
pub const CHANGER_RETRY: Duration = seconds(5);
/// The same while it says that it is becoming ready: after power on or when a door was closed.
pub const CHANGER_BECOMING_READY: Duration = seconds(300);
/// Pause between two questions whether the drive is ready.
pub const POLL_INTERVAL: Duration = seconds(1);
/// Pause before a command is repeated that a busy device refused.
pub const BUSY_PAUSE: Duration = seconds(1);
/// How long a drive may take to become ready.
pub const READY: Duration = seconds(600);
/// The same while it calibrates a fresh LTO-9 tape (since-3.2.4.md B4), from the start of the wait.
pub const READY_WHILE_CALIBRATING: Duration = seconds(7500);
