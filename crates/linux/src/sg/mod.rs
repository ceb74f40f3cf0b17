//! SCSI commands through sg nodes: the SG_IO ioctl with the version 3 header (scsi.md 1.1, 1.2).

mod classify;
mod header;
mod ioctl;
mod transport;

pub use transport::{SgOptions, SgTransport};
