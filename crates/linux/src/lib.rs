//! Tape drives and changers as the Linux kernel shows them: SG_IO on sg nodes, MTIO on st nodes, and which nodes there are.
//!
//! - [`sg`]: [`SgTransport`], through which all SCSI commands go.
//! - [`mtio`]: [`TapeNode`], for st options and status, and as a guard: st lets one process in, sg lets all.
//! - [`TapeTransport`]: a drive by either of its nodes.
//! - [`discovery`]: [`DeviceTree`], what /sys and /dev say.
//!
//! The only crate of this workspace with ioctls. Every `unsafe` block is in `sg::ioctl`, [`mtio`] or `signals`, next to
//! the structure that the kernel fills, whose layout is asserted when this compiles.
//!
//! Why not through st: it has no cartridge memory and no encryption, shows early warning only as an error number, and needs
//! CAP_SYS_RAWIO for anything beyond reading and writing.

pub mod discovery;
mod error;
pub mod mtio;
pub mod sg;
mod signals;
mod tape;

pub use discovery::{DeviceKind, DeviceTree, ScannedDevice};
pub use error::LinuxError;
pub use mtio::TapeNode;
pub use sg::{SgOptions, SgTransport};
pub use tape::TapeTransport;
