//! What is Linux's own: tape drives and changers as the kernel shows them (SG_IO on sg nodes, MTIO on st nodes, which nodes
//! there are), and messages to the service manager.
//!
//! - [`sg`]: [`SgTransport`], through which all SCSI commands go.
//! - [`mtio`]: [`TapeNode`], for st options and status, and as a guard: st lets one process in, sg lets all.
//! - [`TapeTransport`]: a drive by either of its nodes.
//! - [`discovery`]: [`DeviceTree`], what /sys and /dev say.
//! - [`notify_service_manager`]: how far the program is, for systemd.
//!
//! The only crate of this workspace with ioctls. Every `unsafe` block is in `sg::ioctl`, [`mtio`] or `signals`, next to
//! the structure that the kernel fills, whose layout is asserted when this compiles.
//!
//! Why not through st: it has no cartridge memory and no encryption, shows early warning only as an error number, and needs
//! CAP_SYS_RAWIO for anything beyond reading and writing.

pub mod discovery;
mod error;
pub mod mtio;
mod service_manager;
pub mod sg;
mod signals;
mod tape;

pub use discovery::{DeviceKind, DeviceTree, ScannedDevice};
pub use error::LinuxError;
pub use mtio::TapeNode;
pub use service_manager::notify_service_manager;
pub use sg::{SgOptions, SgTransport};
pub use tape::TapeTransport;
