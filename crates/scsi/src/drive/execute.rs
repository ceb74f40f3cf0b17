//! Sends commands and sorts what comes back (scsi.md 1.2 and 1.7). Nothing else in this crate calls a transport.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Drive;
use crate::error::{CheckCondition, ScsiError};
use crate::inquiry::{Inquiry, InquiryCommand, STANDARD_BYTES};
use crate::sense::{Sense, SenseKey};
use crate::timeouts;
use crate::transport::{Cdb, Completion, Data, Status, TransportError};

/// Unit attentions that are swallowed before a query gives up.
const UNIT_ATTENTION_RETRIES: u32 = 3;
/// A command that the host adapter asks to repeat is sent this often again.
const REPEATS: u32 = 1;

/// What a command does to the tape: decides what a unit attention in its place means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Neither moves nor depends on the position, or moves to an absolute one: unit attentions are consumed.
    Absolute,
    /// Goes on from where the tape stands: after a reset or medium change it must not run.
    Relative,
}

/// A command that succeeded, perhaps with something to say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    /// Sense with key "no sense" or "recovered error".
    pub sense: Option<Sense>,
    /// Bytes of the buffer not transferred.
    pub residual: usize,
}

impl Outcome {
    /// Early or programmable early warning. Some targets set only the bit (scsi.md 8.2).
    pub fn early_warning(&self) -> bool {
        use crate::asc::AdditionalSense;
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
}

impl Notices {
    fn note(&mut self, sense: &Sense) {
        use crate::asc::AdditionalSense;
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
        let mut attentions = 0;
        let mut repeats = 0;
        let mut busy_since = None;
        loop {
            let again = match &mut data {
                Data::None => Data::None,
                Data::In(buffer) => Data::In(buffer),
                Data::Out(buffer) => Data::Out(buffer),
            };
            let length = again.len();
            let error = match self.once(cdb, again, length, timeout) {
                Ok(outcome) => return Ok(outcome),
                Err(error) => error,
            };
            match &error {
                ScsiError::Check { check, .. } if check.sense.key == SenseKey::UnitAttention => {
                    if effect == Effect::Relative && check.sense.code.loses_position() {
                        self.movements += 1;
                        return Err(ScsiError::PositionLost {
                            command: cdb.opcode(),
                            check: check.clone(),
                        });
                    }
                    // A command answered with a unit attention was not executed, so sending it again is safe; but what
                    // changes settings (encryption, block length) must stop a stream.
                    let consumed = effect == Effect::Absolute || check.sense.code.is_mere_notice();
                    if !consumed || attentions == UNIT_ATTENTION_RETRIES {
                        return Err(error);
                    }
                    attentions += 1;
                }
                ScsiError::Transport {
                    source: TransportError::Repeat { .. },
                    ..
                } if repeats < REPEATS => repeats += 1,
                ScsiError::Status {
                    status: Status::Busy | Status::TaskSetFull,
                    ..
                } => {
                    let since = *busy_since.get_or_insert_with(|| self.options.clock.now());
                    if self.options.clock.now().saturating_sub(since) >= timeout || self.cancelled()
                    {
                        return Err(error);
                    }
                    self.options.clock.sleep(timeouts::BUSY_PAUSE);
                }
                _ => {
                    if error.loses_position() {
                        self.movements += 1;
                    }
                    return Err(error);
                }
            }
        }
    }

    fn once(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        length: usize,
        timeout: Duration,
    ) -> Result<Outcome, ScsiError> {
        let command = cdb.opcode();
        let completion = self
            .transport
            .execute(cdb, data, timeout)
            .map_err(|source| ScsiError::Transport { command, source })?;
        if completion.residual > length {
            let source = TransportError::Implausible {
                what: "residual larger than the buffer",
            };
            return Err(ScsiError::Transport { command, source });
        }
        match completion.status {
            Status::Good => Ok(Outcome {
                sense: None,
                residual: completion.residual,
            }),
            Status::CheckCondition => self.sort_check_condition(cdb, completion),
            status => Err(ScsiError::Status { command, status }),
        }
    }

    fn sort_check_condition(
        &mut self,
        cdb: &Cdb,
        completion: Completion,
    ) -> Result<Outcome, ScsiError> {
        let command = cdb.opcode();
        let sense = match completion.sense() {
            None => return Err(ScsiError::NoSenseData { command }),
            Some(Err(source)) => return Err(ScsiError::MalformedSense { command, source }),
            Some(Ok(sense)) => sense,
        };
        if sense.deferred {
            let check = Box::new(CheckCondition {
                sense,
                detail: completion.detail,
            });
            return Err(ScsiError::Deferred { command, check });
        }
        match sense.key {
            SenseKey::NoSense | SenseKey::RecoveredError => {
                self.notices.note(&sense);
                Ok(Outcome {
                    sense: Some(sense),
                    residual: completion.residual,
                })
            }
            _ => Err(ScsiError::Check {
                command,
                check: Box::new(CheckCondition {
                    sense,
                    detail: completion.detail,
                }),
            }),
        }
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
}
