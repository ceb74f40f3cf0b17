//! Emptying tapes (scsi.md 2.11, 2.12). Long operations are started and polled, so they show progress and can be given up.

use std::time::Duration;

use super::execute::Effect;
use super::motion::refuses_function;
use super::poll::LongOperation;
use super::ready::WaitProgress;
use super::{Drive, Position};
use crate::attribute::{self, HOST_ATTRIBUTES};
use crate::command::{Erase, FormatMedium};
use crate::density::Density;
use crate::error::ScsiError;
use crate::timeouts;

/// An emptied tape.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Formatted {
    /// The beginning of the tape.
    pub position: Position,
    /// Things that did not work and do not matter: cartridge memory that could not be cleared.
    pub notes: Vec<String>,
}

impl Drive {
    /// Ends the tape where it stands: a mark (short), or everything to its physical end overwritten (long, hours).
    ///
    /// # Errors
    /// [`ScsiError::Cancelled`]: the drive goes on erasing.
    pub fn erase(
        &mut self,
        position: Position,
        long: bool,
        on_progress: &mut dyn FnMut(WaitProgress<'_>),
    ) -> Result<Position, ScsiError> {
        self.check_fresh(&position)?;
        self.erase_from_here(long, on_progress)?;
        Ok(self.at_file(position.file, true))
    }

    /// Empties the whole tape, by the way its generation likes best, and clears our attributes in the cartridge memory.
    /// `fast` leaves the old data on the tape behind an end mark.
    ///
    /// # Errors
    /// [`ScsiError::WormWithData`] for a write-once tape that is not blank.
    pub fn format(
        &mut self,
        fast: bool,
        on_progress: &mut dyn FnMut(WaitProgress<'_>),
    ) -> Result<Formatted, ScsiError> {
        if self.is_worm()? {
            let end = self.end_of_data()?;
            if end.file_number() > 0 || self.position()?.object > 0 {
                return Err(ScsiError::WormWithData);
            }
        } else {
            let _ = self.rewind_watched(on_progress)?;
            self.format_rewritable(fast, on_progress)?;
        }
        let notes = self.clear_host_attributes();
        let position = self.rewind()?;
        Ok(Formatted { position, notes })
    }

    fn format_rewritable(
        &mut self,
        fast: bool,
        on_progress: &mut dyn FnMut(WaitProgress<'_>),
    ) -> Result<(), ScsiError> {
        // A drive that cannot tell is treated as one that only erases.
        let generation = self.generation().unwrap_or(Density::UNKNOWN);
        if (Density::LTO5..=Density::LTO8).contains(&generation) {
            self.format_medium(timeouts::FORMAT, on_progress)?;
            if fast {
                return Ok(());
            }
        } else if generation >= Density::LTO9 && !fast {
            self.format_medium(timeouts::FORMAT_WITH_OPTIMISATION, on_progress)?;
        }
        // From LTO-9 on, FORMAT MEDIUM makes the drive measure the tape again for up to two hours: not when fast.
        self.erase_from_here(!fast, on_progress)
    }

    fn format_medium(
        &mut self,
        limit: Duration,
        on_progress: &mut dyn FnMut(WaitProgress<'_>),
    ) -> Result<(), ScsiError> {
        let command = |immediate| FormatMedium { immediate }.cdb();
        let operation = LongOperation {
            immediate: command(true),
            waiting: command(false),
            effect: Effect::Relative,
            start_limit: timeouts::FORMAT,
            limit,
        };
        self.run_polled(&operation, on_progress)
    }

    fn erase_from_here(
        &mut self,
        long: bool,
        on_progress: &mut dyn FnMut(WaitProgress<'_>),
    ) -> Result<(), ScsiError> {
        self.movements += 1;
        let command = |immediate| Erase { long, immediate }.cdb();
        if long {
            let operation = LongOperation {
                immediate: command(true),
                waiting: command(false),
                effect: Effect::Relative,
                start_limit: timeouts::FORMAT,
                limit: timeouts::ERASE_LONG,
            };
            return self.run_polled(&operation, on_progress);
        }
        self.command(&command(false), Effect::Relative, timeouts::ERASE_SHORT)
            .map(|_| ())
    }

    /// What did not work. A drive without cartridge memory has nothing to clear.
    fn clear_host_attributes(&mut self) -> Vec<String> {
        let mut notes = Vec::new();
        for id in HOST_ATTRIBUTES {
            match self.write_attribute(&attribute::deletion(id)) {
                Ok(()) => {}
                Err(error) if refuses_function(&error) => break,
                Err(error) => notes.push(format!(
                    "cartridge memory attribute {id:04X}h not cleared: {error}"
                )),
            }
        }
        notes
    }
}
