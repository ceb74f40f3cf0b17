//! What can be put between a host and any device: faults, delays, recordings.
//!
//! All are [`Transport`](ferrite_scsi::Transport)s around a `Transport`, so they work in front of the emulator, of a kernel node,
//! or of each other; none of them is known to what it wraps. A trace for people is
//! [`TraceTransport`](ferrite_scsi::TraceTransport).

mod delay;
pub mod faults;
mod recording;

pub use delay::DelayTransport;
pub use faults::{Fault, FaultTransport, Faults, Hit, Trigger};
pub use recording::{RecordingError, RecordingTransport, ReplayTransport};
