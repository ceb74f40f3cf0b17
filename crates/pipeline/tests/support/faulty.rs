//! A transport that does something at a chosen command.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::{Cdb, Completion, Data, Transport, TransportError};

/// Commands that were sent.
#[derive(Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    pub fn reset(&self) {
        self.0.store(0, Ordering::SeqCst);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// What happens at the chosen command.
pub enum Action {
    /// It is not executed; the device is said to be gone.
    Fail,
    /// It is executed, and then this is called.
    Call(Box<dyn FnMut() + Send>),
}

/// Counts the commands with one operation code (or all) and acts at the one with number `at`, from 0.
pub struct Faulty<T> {
    pub inner: T,
    pub opcode: Option<OperationCode>,
    pub at: u64,
    pub action: Action,
    pub seen: Counter,
}

impl<T: Transport> Transport for Faulty<T> {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Completion, TransportError> {
        if self.opcode.is_some_and(|opcode| opcode != cdb.opcode()) {
            return self.inner.execute(cdb, data, timeout);
        }
        let number = self.seen.0.fetch_add(1, Ordering::SeqCst);
        if number != self.at {
            return self.inner.execute(cdb, data, timeout);
        }
        match &mut self.action {
            Action::Fail => Err(TransportError::DeviceGone),
            Action::Call(call) => {
                let completion = self.inner.execute(cdb, data, timeout);
                call();
                completion
            }
        }
    }
}
