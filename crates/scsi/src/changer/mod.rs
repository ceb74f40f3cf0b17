//! One library, as the host uses it: `Changer` over any [`Transport`] (scsi.md 3).
//!
//! Slots are numbered from 1 (storage elements first, then import/export elements, in reported order), drives from 0, as users
//! and configuration files do; element addresses stay in here and in the status. Nothing is remembered between calls: a person
//! can open the door at any time, so every movement begins with a look at all elements and ends with another.
//!
//! ```no_run
//! use ferrite_scsi::{Changer, ChangerOptions};
//! # fn example(transport: Box<dyn ferrite_scsi::Transport>) -> Result<(), ferrite_scsi::ChangerError> {
//! let mut changer = Changer::open(transport, ChangerOptions::default())?;
//! let status = changer.status()?;
//! if let Some(slot) = status.slot_with_tag("ABC123L8") {
//!     let moved = changer.load(slot, 0)?;
//!     assert_eq!(moved.status.drives[0].loaded_slot, Some(slot));
//! }
//! # Ok(())
//! # }
//! ```

mod advice;
mod elements;
mod error;
mod execute;
mod moves;
mod status;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use advice::exception_text;
pub use error::{CartridgeAt, ChangerError};
pub use moves::{Moved, Place};
pub use status::{ChangerStatus, Content, DriveElement, Slot, TransportElement};

use crate::clock::{Clock, SystemClock};
use crate::inquiry::{Inquiry, InquiryCommand, PeripheralType, STANDARD_BYTES};
use crate::timeouts;
use crate::transport::Transport;

/// What a changer gets from outside.
pub struct ChangerOptions {
    /// Time; the machine's own unless a test brings another.
    pub clock: Box<dyn Clock>,
    /// Set by somebody else to stop waits between two commands.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl Default for ChangerOptions {
    fn default() -> Self {
        Self {
            clock: Box::new(SystemClock::default()),
            cancel: None,
        }
    }
}

impl std::fmt::Debug for ChangerOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangerOptions").finish_non_exhaustive()
    }
}

/// An open media changer.
pub struct Changer {
    transport: Box<dyn Transport>,
    options: ChangerOptions,
    inquiry: Inquiry,
    /// Unit attentions met by questions: door, mail slot, reset.
    attentions: u64,
}

impl std::fmt::Debug for Changer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changer")
            .field("inquiry", &self.inquiry)
            .finish_non_exhaustive()
    }
}

impl Changer {
    /// Asks the device who it is, and nothing else.
    ///
    /// # Errors
    /// [`ChangerError::NotAChanger`], or what INQUIRY gave.
    pub fn open(
        transport: impl Transport + 'static,
        options: ChangerOptions,
    ) -> Result<Self, ChangerError> {
        let mut changer = Self {
            transport: Box::new(transport),
            options,
            inquiry: Inquiry {
                peripheral_type: PeripheralType::Changer,
                vendor: String::new(),
                product: String::new(),
                revision: String::new(),
            },
            attentions: 0,
        };
        let mut buffer = [0; STANDARD_BYTES];
        let cdb = InquiryCommand::STANDARD.cdb();
        let received = changer.query(&cdb, &mut buffer, timeouts::QUERY)?;
        changer.inquiry = Inquiry::parse(&buffer[..received]).ok_or_else(|| {
            ChangerError::reply(
                cdb.opcode(),
                format!("{received} bytes of inquiry data instead of {STANDARD_BYTES}"),
            )
        })?;
        if changer.inquiry.peripheral_type != PeripheralType::Changer {
            return Err(ChangerError::NotAChanger {
                found: changer.inquiry.peripheral_type,
            });
        }
        Ok(changer)
    }

    /// Vendor, product and revision.
    pub fn inquiry(&self) -> &Inquiry {
        &self.inquiry
    }
}
