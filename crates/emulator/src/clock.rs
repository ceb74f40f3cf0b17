//! Time in an emulated library: how fast it passes, and who says what time it is.
//!
//! A real drive needs a minute for a rewind. Tests and newcomers do not want to wait, while somebody who tries a schedule
//! does; so every duration of the model goes through a [`Pace`], and the clock comes in from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A clock that all processes of a library agree on.
pub trait EmulatorClock: Send + Sync {
    /// Time since the epoch.
    fn now(&self) -> Duration;
    /// Lets `duration` pass.
    fn sleep(&self, duration: Duration);
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock;

impl EmulatorClock for WallClock {
    fn now(&self) -> Duration {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// A clock that only sleeping moves: two hours pass in no time. Clones are the same clock; as a host's clock too.
#[derive(Clone, Debug, Default)]
pub struct VirtualClock {
    nanoseconds: Arc<AtomicU64>,
}

impl VirtualClock {
    /// Moves the clock.
    pub fn advance(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::SeqCst);
    }
}

impl EmulatorClock for VirtualClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) {
        self.advance(duration);
    }
}

impl ferrite_scsi::clock::Clock for VirtualClock {
    fn now(&self) -> Duration {
        EmulatorClock::now(self)
    }

    fn sleep(&mut self, duration: Duration) {
        self.advance(duration);
    }
}

/// How long the movements of drives and robots take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pace {
    /// No time at all.
    #[default]
    Instant,
    /// As long as with a real library, divided by this; 1 is real time.
    Faster(f64),
}

impl Pace {
    /// What becomes of a duration of the model.
    pub fn duration(self, model: Duration) -> Duration {
        match self {
            Pace::Instant => Duration::ZERO,
            Pace::Faster(factor) if factor.is_finite() && factor > 0.0 => {
                Duration::try_from_secs_f64(model.as_secs_f64() / factor).unwrap_or(model)
            }
            Pace::Faster(_) => model,
        }
    }
}

/// Clock and pace, as a drive or robot has them.
#[derive(Clone)]
pub struct Timing {
    /// What time it is.
    pub clock: Arc<dyn EmulatorClock>,
    /// How fast it passes.
    pub pace: Pace,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            clock: Arc::new(WallClock),
            pace: Pace::Instant,
        }
    }
}

impl std::fmt::Debug for Timing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timing")
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}
