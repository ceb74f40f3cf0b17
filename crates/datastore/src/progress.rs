//! What a long operation tells while it runs, and how it is stopped.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// Stops a running operation from another thread. Clones share the flag.
#[derive(Debug, Clone, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the operation to stop; it ends with [`Error::Aborted`] at its next look.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True once [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The look.
    ///
    /// # Errors
    /// [`Error::Aborted`] once [`cancel`](Self::cancel) was called.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            return Err(Error::Aborted);
        }
        Ok(())
    }
}

/// What an operation tells while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// At most ten times a second, and once at the end.
    Progress {
        /// Bytes handled so far.
        bytes: u64,
        /// Bytes to handle, where known.
        total: Option<u64>,
        /// The file or snapshot at hand.
        item: Option<String>,
    },
    /// Something was left out or is not as it should be; the operation goes on.
    Warning(String),
    /// For the log.
    Log(String),
}

/// Receives events; called from several threads.
pub type EventSink<'a> = &'a (dyn Fn(Event) + Sync);

/// Coalesces progress to at most ten events a second.
pub(crate) struct Progress<'a> {
    sink: EventSink<'a>,
    total: Option<u64>,
    bytes: AtomicU64,
    next: Mutex<Instant>,
}

impl<'a> Progress<'a> {
    const INTERVAL: Duration = Duration::from_millis(100);

    pub(crate) fn new(sink: EventSink<'a>, total: Option<u64>) -> Self {
        Self {
            sink,
            total,
            bytes: AtomicU64::new(0),
            next: Mutex::new(Instant::now()),
        }
    }

    /// Counts `bytes`, and tells if it is time to.
    pub(crate) fn add(&self, bytes: u64, item: impl FnOnce() -> Option<String>) {
        let sum = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        // Whoever finds the lock taken has nothing to tell: another thread is just telling.
        if let Ok(mut next) = self.next.try_lock() {
            let now = Instant::now();
            if now < *next {
                return;
            }
            *next = now + Self::INTERVAL;
            self.tell(sum, item());
        }
    }

    /// Bytes counted so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The last event.
    pub(crate) fn finish(&self) {
        self.tell(self.bytes(), None);
    }

    fn tell(&self, bytes: u64, item: Option<String>) {
        (self.sink)(Event::Progress {
            bytes,
            total: self.total,
            item,
        });
    }
}
