//! Sends the drive commands, again where that is harmless (scsi.md 1.7).

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Drive;
use crate::asc::AdditionalSense;
use crate::error::{CheckCondition, ScsiError};
pub(super) use crate::exchange::Outcome;
use crate::exchange::exchange;
use crate::inquiry::{
    Inquiry, InquiryCommand, STANDARD_BYTES, VPD_UNIT_SERIAL_NUMBER, parse_serial,
};
use crate::opcode::OperationCode;
use crate::sense::{Sense, SenseKey};
use crate::timeouts;
use crate::transport::{Cdb, Data, Status, TransportError};

/// Unit attentions that are swallowed before a query gives up.
const UNIT_ATTENTION_RETRIES: u32 = 3;
/// A command that the host adapter asks to repeat is sent this often again.
const REPEATS: u32 = 1;

/// Room for a serial number page: the longest known are 36 characters.
const SERIAL_ALLOCATION: u16 = 252;

/// What a command does to the tape: decides what a unit attention in its place means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Neither moves nor depends on the position, or moves to an absolute one: unit attentions are consumed.
    Absolute,
    /// Goes on from where the tape stands: after a reset or medium change it must not run.
    Relative,
    /// Asks how a movement goes on that was started before: a reset or medium change has ended it.
    Watching,
}

impl Outcome {
    /// A transfer that succeeded: nothing said, or nothing that speaks against it. What is not known to be harmless is an error.
    pub fn expect_harmless(self, command: OperationCode) -> Result<Self, ScsiError> {
        let harmless = self.sense.is_none_or(|sense| {
            sense.key == SenseKey::RecoveredError
                || self.early_warning()
                || matches!(
                    sense.code,
                    AdditionalSense::NONE
                        | AdditionalSense::CLEANING_REQUESTED
                        | AdditionalSense::CLEANING_REQUESTED_VENDOR
                )
        });
        match self.sense {
            Some(sense) if !harmless => {
                let check = Box::new(CheckCondition {
                    sense,
                    detail: None,
                });
                Err(ScsiError::Check { command, check })
            }
            _ => Ok(self),
        }
    }

    /// Early or programmable early warning. Some targets set only the bit (scsi.md 8.2).
    pub fn early_warning(&self) -> bool {
        self.sense.is_some_and(|sense| {
            sense.end_of_medium
                || matches!(
                    sense.code,
                    AdditionalSense::END_OF_MEDIUM | AdditionalSense::PROGRAMMABLE_EARLY_WARNING
                )
        })
    }
}

/// Events that are no errors but worth a line in a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    /// Commands that succeeded after recovery by the drive.
    pub recovered_errors: u64,
    /// The last of them.
    pub last_recovered: Option<Sense>,
    /// The drive asked to be cleaned.
    pub cleaning_requested: bool,
    /// Times that the tape may have been changed, the drive reset or its key replaced: what was set up may be no more.
    pub interruptions: u64,
}

/// A count that runs out.
#[derive(Clone, Copy, Debug, Default)]
struct Tries(u32);

impl Tries {
    fn take(&mut self, most: u32) -> bool {
        self.0 += 1;
        self.0 <= most
    }
}

/// How often one command was sent again, and why.
#[derive(Clone, Copy, Debug, Default)]
struct Attempts {
    attentions: Tries,
    aborts: Tries,
    repeats: Tries,
    waiting_since: Option<Duration>,
}

impl Notices {
    fn note(&mut self, sense: &Sense) {
        if matches!(
            sense.code,
            AdditionalSense::CLEANING_REQUESTED | AdditionalSense::CLEANING_REQUESTED_VENDOR
        ) {
            self.cleaning_requested = true;
        }
        if sense.key == SenseKey::RecoveredError {
            self.recovered_errors += 1;
            self.last_recovered = Some(*sense);
        }
    }
}

/// What was set up in the drive (settings, key, position) may be gone after this.
fn interrupts(error: &ScsiError) -> bool {
    error.loses_position()
        || error.sense().is_some_and(|sense| {
            sense.key == SenseKey::UnitAttention && sense.code.is_about_encryption()
        })
}

impl Drive {
    /// Sends a command without data.
    pub(super) fn command(
        &mut self,
        cdb: &Cdb,
        effect: Effect,
        timeout: Duration,
    ) -> Result<Outcome, ScsiError> {
        self.transfer(cdb, Data::None, effect, timeout)
    }

    /// Sends a command that fills `buffer`; gives the number of bytes received.
    pub(super) fn query(
        &mut self,
        cdb: &Cdb,
        buffer: &mut [u8],
        timeout: Duration,
    ) -> Result<usize, ScsiError> {
        let outcome = self.transfer(cdb, Data::In(buffer), Effect::Absolute, timeout)?;
        Ok(buffer.len() - outcome.residual)
    }

    /// Sends a command, repeating it where that is harmless.
    pub(super) fn transfer(
        &mut self,
        cdb: &Cdb,
        mut data: Data<'_>,
        effect: Effect,
        timeout: Duration,
    ) -> Result<Outcome, ScsiError> {
        let mut attempts = Attempts::default();
        loop {
            let again = match &mut data {
                Data::None => Data::None,
                Data::In(buffer) => Data::In(buffer),
                Data::Out(buffer) => Data::Out(buffer),
            };
            let error = match self.once(cdb, again, timeout) {
                Ok(outcome) => return Ok(outcome),
                Err(error) => error,
            };
            if self.may_repeat(cdb, &error, effect, timeout, &mut attempts) {
                continue;
            }
            if error.loses_position() {
                self.movements += 1;
            }
            return Err(match error {
                ScsiError::Check { command, check }
                    if effect != Effect::Absolute
                        && check.sense.key == SenseKey::UnitAttention
                        && check.sense.code.loses_position() =>
                {
                    ScsiError::PositionLost { command, check }
                }
                error => error,
            });
        }
    }

    /// The command was not executed, and may be now; waits first where that helps.
    fn may_repeat(
        &mut self,
        cdb: &Cdb,
        error: &ScsiError,
        effect: Effect,
        timeout: Duration,
        attempts: &mut Attempts,
    ) -> bool {
        match error {
            ScsiError::Check { check, .. } => match check.sense.key {
                SenseKey::UnitAttention => {
                    // Answered with a unit attention, it was not executed. But what changes settings (encryption, block
                    // length) must stop a stream, and so must what loses the position.
                    let code = check.sense.code;
                    let harmless = match effect {
                        Effect::Absolute => true,
                        Effect::Relative => code.is_mere_notice(),
                        Effect::Watching => !code.loses_position(),
                    };
                    harmless && attempts.attentions.take(UNIT_ATTENTION_RETRIES)
                }
                SenseKey::AbortedCommand => {
                    effect != Effect::Relative && attempts.aborts.take(REPEATS)
                }
                // TEST UNIT READY asks for exactly this.
                _ if cdb.opcode() == OperationCode::TEST_UNIT_READY => false,
                _ => {
                    check.sense.operation_in_progress()
                        && self.wait_for_device(timeouts::POLL_INTERVAL, timeout, attempts)
                }
            },
            ScsiError::Transport {
                source: TransportError::Repeat { .. },
                ..
            } => attempts.repeats.take(REPEATS),
            ScsiError::Status {
                status: Status::Busy | Status::TaskSetFull,
                ..
            } => self.wait_for_device(timeouts::BUSY_PAUSE, timeout, attempts),
            _ => false,
        }
    }

    /// Pauses; false when the command's time is over or somebody wants to stop.
    fn wait_for_device(
        &mut self,
        pause: Duration,
        limit: Duration,
        attempts: &mut Attempts,
    ) -> bool {
        let now = self.options.clock.now();
        let since = *attempts.waiting_since.get_or_insert(now);
        if now.saturating_sub(since) >= limit || self.cancelled() {
            return false;
        }
        self.options.clock.sleep(pause);
        true
    }

    fn once(&mut self, cdb: &Cdb, data: Data<'_>, timeout: Duration) -> Result<Outcome, ScsiError> {
        let result = exchange(&mut *self.transport, cdb, data, timeout);
        match &result {
            Ok(outcome) => {
                if let Some(sense) = &outcome.sense {
                    self.notices.note(sense);
                }
            }
            Err(error) if interrupts(error) => self.notices.interruptions += 1,
            Err(_) => {}
        }
        result
    }

    /// Somebody wants the drive to stop.
    pub(super) fn cancelled(&self) -> bool {
        self.options
            .cancel
            .as_ref()
            .is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    pub(super) fn read_inquiry(&mut self) -> Result<Inquiry, ScsiError> {
        let mut buffer = [0; STANDARD_BYTES];
        let cdb = InquiryCommand::STANDARD.cdb();
        let received = self.query(&cdb, &mut buffer, timeouts::QUERY)?;
        Inquiry::parse(&buffer[..received]).ok_or_else(|| ScsiError::Reply {
            command: cdb.opcode(),
            what: format!("{received} bytes of inquiry data instead of {STANDARD_BYTES}"),
        })
    }

    pub(super) fn read_serial(&mut self) -> Result<String, ScsiError> {
        let mut buffer = [0; SERIAL_ALLOCATION as usize];
        let cdb = InquiryCommand {
            page: Some(VPD_UNIT_SERIAL_NUMBER),
            allocation: SERIAL_ALLOCATION,
        }
        .cdb();
        let received = self.query(&cdb, &mut buffer, timeouts::QUERY)?;
        parse_serial(&buffer[..received])
            .filter(|serial| !serial.is_empty())
            .ok_or_else(|| ScsiError::Reply {
                command: cdb.opcode(),
                what: "no serial number".to_owned(),
            })
    }
}
