//! Sends the changer's commands, again where that is harmless (scsi.md 1.7).

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Changer, ChangerError};
use crate::error::ScsiError;
use crate::exchange::exchange;
use crate::sense::SenseKey;
use crate::timeouts;
use crate::transport::{Cdb, Data, TransportError};

/// Unit attentions in a row that a question swallows: power on, inventory changed, mail slot used, and one for good measure.
const UNIT_ATTENTIONS: u32 = 4;

/// What may be done about an error of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    /// Not executed because something had happened before: ask at once.
    AtOnce,
    /// May be over soon.
    Within(Duration),
    /// Asking again gives the same.
    Never,
}

fn again(error: &ScsiError) -> Again {
    match error {
        ScsiError::Transport {
            source:
                TransportError::DeviceGone
                | TransportError::PermissionDenied
                | TransportError::Reserved
                | TransportError::TransferTooLarge { .. },
            ..
        } => Again::Never,
        ScsiError::Check { check, .. } => match check.sense.key {
            SenseKey::UnitAttention => Again::AtOnce,
            SenseKey::IllegalRequest => Again::Never,
            _ if check.sense.operation_in_progress() => {
                Again::Within(timeouts::CHANGER_BECOMING_READY)
            }
            _ => Again::Within(timeouts::CHANGER_RETRY),
        },
        _ => Again::Within(timeouts::CHANGER_RETRY),
    }
}

/// True if the device does not know the command, or not in this form.
pub(super) fn refuses_function(error: &ScsiError) -> bool {
    error.is_refused_function()
}

impl Changer {
    /// Asks a question, again after any error that may pass: for a few seconds, or for minutes while the library says that it
    /// is becoming ready. Gives the number of bytes received.
    pub(super) fn query(
        &mut self,
        cdb: &Cdb,
        buffer: &mut [u8],
        timeout: Duration,
    ) -> Result<usize, ChangerError> {
        let residual = self.repeated(|changer| {
            exchange(
                &mut *changer.transport,
                cdb,
                Data::In(&mut *buffer),
                timeout,
            )
            .map(|outcome| outcome.residual)
        })?;
        Ok(buffer.len() - residual)
    }

    /// The same for a command without data that changes nothing, or nothing but settings.
    pub(super) fn setting(&mut self, cdb: &Cdb, timeout: Duration) -> Result<(), ChangerError> {
        self.repeated(|changer| {
            exchange(&mut *changer.transport, cdb, Data::None, timeout).map(|_| ())
        })
    }

    /// Sends a command that moves cartridges: never a second time, whatever the answer.
    pub(super) fn motion(&mut self, cdb: &Cdb, timeout: Duration) -> Result<(), ScsiError> {
        exchange(&mut *self.transport, cdb, Data::None, timeout).map(|_| ())
    }

    fn repeated<T>(
        &mut self,
        mut ask: impl FnMut(&mut Self) -> Result<T, ScsiError>,
    ) -> Result<T, ChangerError> {
        let start = self.options.clock.now();
        let mut attentions = 0;
        loop {
            let error = match ask(self) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let again = again(&error);
            if again == Again::AtOnce {
                self.attentions += 1;
            }
            let limit = match again {
                Again::Never => return Err(error.into()),
                Again::AtOnce if attentions < UNIT_ATTENTIONS => {
                    attentions += 1;
                    continue;
                }
                Again::AtOnce => timeouts::CHANGER_RETRY,
                Again::Within(limit) => limit,
            };
            if self.options.clock.now().saturating_sub(start) >= limit {
                return Err(error.into());
            }
            if self.cancelled() {
                return Err(ScsiError::Cancelled.into());
            }
            self.options.clock.sleep(timeouts::POLL_INTERVAL);
        }
    }

    fn cancelled(&self) -> bool {
        self.options
            .cancel
            .as_ref()
            .is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}
