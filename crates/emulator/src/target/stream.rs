//! How fast a tape moves: streaming rate, back-hitch, distances (scsi.md 7.5).
//!
//! A drive writes its buffer at the speed of the tape. A host that is faster waits for it; one that is slower than the
//! slowest speed lets the buffer run empty, and the tape has to stop, go back and start again before the next block.

use std::time::Duration;

use ferrite_scsi::log::Activity;

use super::DriveTarget;
use crate::medium::Room;

/// Buffer of a drive.
const BUFFER_BYTES: u64 = 256 << 20;
/// Stop, go back, start.
const BACK_HITCH: Duration = Duration::from_millis(2500);
/// Starting and stopping of any movement.
const SHORTEST_MOVE: Duration = Duration::from_secs(2);
/// From one end of the tape to the other.
const WHOLE_TAPE: Duration = Duration::from_secs(75);

impl DriveTarget {
    /// `bytes` go to or come from the tape.
    pub(super) fn stream(&mut self, activity: Activity, bytes: u64) {
        let Some(facts) = self.lto else {
            return;
        };
        let time = self.timing.pace.duration(Duration::from_nanos(
            bytes.saturating_mul(1_000_000_000) / facts.bytes_per_second,
        ));
        if time.is_zero() {
            return;
        }
        let now = self.now();
        let buffer = Duration::from_nanos(BUFFER_BYTES * 1_000_000_000 / facts.bytes_per_second);
        let buffer = self.timing.pace.duration(buffer);
        // The buffer hides pauses as long as the slowest speed does not use it up.
        let patience =
            Duration::from_nanos(BUFFER_BYTES * 1_000_000_000 / facts.slowest_bytes_per_second);
        let patience = self.timing.pace.duration(patience);
        if now > self.hot.stream_until + patience && !self.hot.stream_until.is_zero() {
            self.hold += self.timing.pace.duration(BACK_HITCH);
        }
        let empty = self.hot.stream_until.max(now) + time;
        self.hot.stream_until = empty;
        self.hot.activity = activity as u8;
        self.hold += empty.saturating_sub(now + buffer);
    }

    /// Time for going over so much of the tape.
    pub(super) fn distance_time(before: Option<Room>, after: Option<Room>) -> Duration {
        let (Some(before), Some(after)) = (before, after) else {
            return Duration::ZERO;
        };
        let way = before.used.abs_diff(after.used);
        if way == 0 {
            return Duration::ZERO;
        }
        let part = way as f64 / before.capacity.max(1) as f64;
        SHORTEST_MOVE + WHOLE_TAPE.mul_f64(part.min(1.0))
    }
}
