//! Long operations: started with IMMED, then asked after until they are done, so that they show progress and can be given up.

use std::time::Duration;

use super::Drive;
use super::execute::Effect;
use super::motion::refuses_function;
use super::ready::WaitProgress;
use crate::asc::AdditionalSense;
use crate::command::test_unit_ready;
use crate::error::ScsiError;
use crate::opcode::OperationCode;
use crate::sense::SenseKey;
use crate::timeouts;
use crate::transport::Cdb;

/// One long operation in its two forms.
#[derive(Clone, Copy)]
pub(super) struct LongOperation {
    /// Returns at once.
    pub immediate: Cdb,
    /// Returns when it is done: for drives that refuse the other form.
    pub waiting: Cdb,
    /// Whether it may be sent again after somebody else's reset.
    pub effect: Effect,
    /// How long the drive may take to begin: buffered data goes to the tape first.
    pub start_limit: Duration,
    /// How long it may take as a whole.
    pub limit: Duration,
}

/// Pauses between the first questions: short movements cost little time. Later ones are a second apart.
const FIRST_PAUSES_MS: [u64; 6] = [10, 20, 50, 100, 200, 500];

impl Drive {
    /// Does `operation`. Stopped on request, the drive goes on with it.
    pub(super) fn run_polled(
        &mut self,
        operation: &LongOperation,
        on_progress: &mut dyn FnMut(WaitProgress<'_>),
    ) -> Result<(), ScsiError> {
        self.movements += 1;
        let (effect, limit) = (operation.effect, operation.limit);
        match self.command(&operation.immediate, effect, operation.start_limit) {
            Ok(_) => {}
            Err(error) if refuses_immediate(&error) => {
                return self.command(&operation.waiting, effect, limit).map(|_| ());
            }
            Err(error) => return Err(error),
        }
        self.wait_until_done(operation.immediate.opcode(), limit, on_progress)
    }

    fn wait_until_done(
        &mut self,
        command: OperationCode,
        limit: Duration,
        on_progress: &mut dyn FnMut(WaitProgress<'_>),
    ) -> Result<(), ScsiError> {
        let start = self.options.clock.now();
        let mut told: Option<Duration> = None;
        let mut pauses = FIRST_PAUSES_MS.iter().copied().map(Duration::from_millis);
        loop {
            let question = test_unit_ready();
            let error = match self.command(&question, Effect::Watching, timeouts::QUERY) {
                Ok(_) => return Ok(()),
                // The operation failed after it was accepted; its data was flushed before, so this is about nothing else.
                Err(ScsiError::Deferred { check, .. }) => {
                    return Err(ScsiError::Check { command, check });
                }
                Err(error) => error,
            };
            if !is_in_progress(&error) {
                return Err(error);
            }
            if self.cancelled() {
                return Err(ScsiError::Cancelled);
            }
            let waited = self.options.clock.now().saturating_sub(start);
            if waited >= limit {
                return Err(ScsiError::NotReady {
                    waited,
                    last: Box::new(error),
                });
            }
            if told.is_none_or(|last| waited.saturating_sub(last) >= timeouts::POLL_INTERVAL) {
                told = Some(waited);
                on_progress(WaitProgress {
                    waited,
                    limit,
                    reason: &error,
                    progress: error.sense().and_then(|sense| sense.progress),
                    activity: None,
                });
            }
            let pause = pauses.next().unwrap_or(timeouts::POLL_INTERVAL);
            self.options.clock.sleep(pause);
        }
    }
}

/// The drive does not know the command with IMMED. Without the command itself the other form fails the same way.
fn refuses_immediate(error: &ScsiError) -> bool {
    refuses_function(error)
        && !error
            .sense()
            .is_some_and(|sense| sense.code == AdditionalSense::INVALID_OPERATION_CODE)
}

fn is_in_progress(error: &ScsiError) -> bool {
    error.sense().is_some_and(|sense| {
        sense.operation_in_progress()
            || sense.is(SenseKey::NotReady, AdditionalSense::NOT_READY_NO_CAUSE)
    })
}
