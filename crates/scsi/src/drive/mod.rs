//! One tape drive, as the host uses it: `Drive` over any [`Transport`].
//!
//! The order of things is in the types. A file is written or read only from a [`Position`], which only a movement of the tape
//! (or [`Drive::here`]) hands out and which the file takes; the file gives the next one back when it ends. So "write before
//! positioned" does not compile, and a position that another movement made worthless is refused at run time.
//!
//! ```no_run
//! use ferrite_scsi::drive::{BlockRead, Drive, DriveOptions};
//! # fn example(transport: Box<dyn ferrite_scsi::Transport>) -> Result<(), ferrite_scsi::ScsiError> {
//! let mut drive = Drive::open(transport, DriveOptions::default())?;
//! drive.prepare()?;
//! let end = drive.end_of_data()?;
//! let mut file = drive.write_file(end)?;
//! let written = file.write_block(&[0; 262_144])?;
//! assert!(!written.early_warning);
//! let _next = file.finish()?;
//! drive.sync()?;
//!
//! let begin = drive.rewind()?;
//! let mut file = drive.read_file(begin)?;
//! let mut block = vec![0; 262_144];
//! while file.read_block(&mut block)? == BlockRead::Block {}
//! # Ok(())
//! # }
//! ```

mod encryption;
mod erase;
mod execute;
mod motion;
mod poll;
mod reader;
mod ready;
mod settings;
mod status;
mod writer;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use erase::Formatted;
pub use execute::Notices;
pub use motion::Position;
pub use reader::{AfterEnd, BlockRead, FileReader};
pub use ready::{WaitOptions, WaitProgress};
pub use settings::{DriveSettings, SettingsChange};
pub use status::{DriveStatus, MediumUsage, MediumWear};
pub use writer::{BlockWritten, FileWriter};

use crate::alert::AlertFlags;
use crate::clock::{Clock, SystemClock};
use crate::command::BlockLimits;
use crate::error::ScsiError;
use crate::inquiry::{Inquiry, PeripheralType};
use crate::transport::Transport;

/// What a drive gets from outside.
pub struct DriveOptions {
    /// Time; the machine's own unless a test brings another.
    pub clock: Box<dyn Clock>,
    /// Set by somebody else to stop waits and polled operations between two commands.
    pub cancel: Option<Arc<AtomicBool>>,
    /// Compare the drive's position with what was written, before and after each file. Off only for targets that cannot tell.
    pub verify_positions: bool,
}

impl Default for DriveOptions {
    fn default() -> Self {
        Self {
            clock: Box::new(SystemClock::default()),
            cancel: None,
            verify_positions: true,
        }
    }
}

impl std::fmt::Debug for DriveOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DriveOptions")
            .field("verify_positions", &self.verify_positions)
            .finish_non_exhaustive()
    }
}

/// An open tape drive.
pub struct Drive {
    transport: Box<dyn Transport>,
    options: DriveOptions,
    inquiry: Inquiry,
    limits: BlockLimits,
    /// Counts everything that makes earlier positions worthless.
    movements: u64,
    locate: motion::LocateStyle,
    notices: Notices,
    /// Flags that reading has cleared in the drive.
    alerts_seen: AlertFlags,
    encryption: encryption::EncryptionState,
}

impl std::fmt::Debug for Drive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Drive")
            .field("inquiry", &self.inquiry)
            .finish_non_exhaustive()
    }
}

/// What an LTO drive takes (scsi.md 2.4), assumed until the drive has been asked.
const LTO_BLOCK_LIMITS: BlockLimits = BlockLimits {
    granularity: 0,
    max: 0x80_0000,
    min: 1,
};

impl Drive {
    /// Asks the device who it is, and nothing else: the tape may be missing, the drive busy.
    ///
    /// # Errors
    /// [`ScsiError::NotATapeDrive`], or what INQUIRY gave.
    pub fn open(
        transport: impl Transport + 'static,
        options: DriveOptions,
    ) -> Result<Self, ScsiError> {
        let mut drive = Self {
            transport: Box::new(transport),
            options,
            inquiry: Inquiry {
                peripheral_type: PeripheralType::Tape,
                vendor: String::new(),
                product: String::new(),
                revision: String::new(),
            },
            limits: LTO_BLOCK_LIMITS,
            movements: 0,
            locate: motion::LocateStyle::default(),
            notices: Notices::default(),
            alerts_seen: AlertFlags::NONE,
            encryption: encryption::EncryptionState::default(),
        };
        drive.inquiry = drive.read_inquiry()?;
        if drive.inquiry.peripheral_type != PeripheralType::Tape {
            return Err(ScsiError::NotATapeDrive {
                found: drive.inquiry.peripheral_type,
            });
        }
        Ok(drive)
    }

    /// Vendor, product and revision.
    pub fn inquiry(&self) -> &Inquiry {
        &self.inquiry
    }

    /// Serial number (VPD page 80h): how a library names the drive.
    ///
    /// # Errors
    /// What INQUIRY gave; [`ScsiError::Reply`] for a page without one.
    pub fn serial(&mut self) -> Result<String, ScsiError> {
        self.read_serial()
    }

    /// What happened along the way that was no error: recovered errors, requests for cleaning.
    pub fn notices(&self) -> &Notices {
        &self.notices
    }
}
