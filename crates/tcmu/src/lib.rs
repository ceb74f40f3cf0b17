//! For tests: serves any [`ferrite_scsi::Transport`] to the Linux kernel through target_core_user, so that the kernel's own st, sg
//! and ch drivers make real nodes of emulated drives and libraries (scripts/guest).
//!
//! - [`memory`]: what is shared with the kernel. The only `unsafe` of this crate.
//! - [`ring`]: commands in, answers out; knows the mailbox's layout and nothing of files.
//! - [`uio`]: a device's node: mapping, waiting, waking the kernel.
//!
//! The kernel passes every CDB but those for reservations and REPORT LUNS, INQUIRY included, so what stands behind a node is the
//! emulator and not the kernel's idea of a tape. Why not iSCSI: a target of our own would be as much code, and slower in the
//! guest; tests/tgt of crates/iscsi talks to somebody else's.

pub mod memory;
pub mod ring;
pub mod uio;

pub use memory::SharedMemory;
pub use ring::{Ring, RingError};
pub use uio::{UioDevice, UioError, find_units};
