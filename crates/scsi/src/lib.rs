//! SCSI commands for LTO drives and changers, over one [`Transport`] trait.
//!
//! Layers, each depending only on those above it:
//! - [`transport`]: a CDB and data go out, a status comes back. The only I/O.
//! - [`opcode`], [`asc`], [`sense`]: the vocabulary.
//! - [`command`], [`inquiry`], ...: pure builders and parsers of every command and page, used by host and emulator alike.
//! - [`drive`], [`changer`]: what a host does with a tape drive, and with the library it stands in.
//!
//! Why not the kernel's st driver: it has no cartridge memory and no encryption, hides early warning behind an error number,
//! and would leave nothing to put an emulator behind. Why `Drive` is not generic over its transport: a virtual call costs
//! nanoseconds against a transfer of 256 KiB, and every signature above stays plain.

pub mod alert;
pub mod asc;
pub mod attribute;
pub mod changer;
pub mod clock;
pub mod command;
pub mod conformance;
pub mod density;
pub mod drive;
pub mod element;
pub mod encryption;
pub mod error;
mod exchange;
pub mod fuzzing;
pub mod inquiry;
pub mod log;
pub mod meaning;
pub mod mode;
pub mod opcode;
pub mod sense;
pub mod text;
pub mod timeouts;
pub mod trace;
pub mod transport;
pub mod volume_statistics;

pub use changer::{Changer, ChangerError, ChangerOptions, ChangerStatus, Place};
pub use drive::{
    AfterEnd, BlockRead, BlockWritten, Drive, DriveOptions, FileReader, FileWriter, Position,
};
pub use error::{ErrorClass, ScsiError};
pub use trace::TraceTransport;
pub use transport::{Cdb, Completion, Data, Status, Transport, TransportError};
