//! A device that is slower.

use std::sync::Arc;
use std::time::Duration;

use ferrite_scsi::{Cdb, Completion, Data, Transport, TransportError};

use crate::clock::EmulatorClock;

type Rule = Box<dyn FnMut(&Cdb, usize) -> Duration + Send>;

/// Lets time pass before each command.
pub struct DelayTransport<T> {
    inner: T,
    clock: Arc<dyn EmulatorClock>,
    delay: Rule,
}

impl<T: Transport> DelayTransport<T> {
    /// `delay` says for each command, with the length of its data in bytes, how long it takes.
    pub fn new(
        inner: T,
        clock: Arc<dyn EmulatorClock>,
        delay: impl FnMut(&Cdb, usize) -> Duration + Send + 'static,
    ) -> Self {
        Self {
            inner,
            clock,
            delay: Box::new(delay),
        }
    }

    /// A connection of that many bytes per second, each command costing `per_command`.
    pub fn connection(
        inner: T,
        clock: Arc<dyn EmulatorClock>,
        bytes_per_second: u64,
        per_command: Duration,
    ) -> Self {
        Self::new(inner, clock, move |_, bytes| {
            let nanoseconds =
                (bytes as u64).saturating_mul(1_000_000_000) / bytes_per_second.max(1);
            per_command + Duration::from_nanos(nanoseconds)
        })
    }
}

impl<T: Transport> Transport for DelayTransport<T> {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Completion, TransportError> {
        let delay = (self.delay)(cdb, data.len());
        if !delay.is_zero() {
            self.clock.sleep(delay);
        }
        self.inner.execute(cdb, data, timeout)
    }
}
