//! Time as the host logic sees it, so that tests can wait two hours in no time.

use std::time::{Duration, Instant};

/// A monotonic clock that can also wait.
pub trait Clock: Send {
    /// Time since some fixed point.
    fn now(&self) -> Duration;
    /// Lets `duration` pass.
    fn sleep(&mut self, duration: Duration);
}

/// The machine's own clock.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&mut self, duration: Duration) {
        std::thread::sleep(duration);
    }
}
