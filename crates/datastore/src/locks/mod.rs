//! The locks that PBS 3.2.4 and 4.2.3 take, both kinds together (datastore.md 3, since-3.2.4.md F1 to F8).
//!
//! PBS up to 3.3.4 locks a snapshot's or group's directory itself, later versions a file below the run directory. Each is
//! invisible to the other and harmless there, so [`DirectoryLock`] takes both and the version need not be known.
//!
//! Order, for whoever takes several: whole store (`.lock`), group, snapshot, manifest. Nothing here waits except
//! [`LockFile::acquire`] and [`BaseLock::acquire_shared`] with a timeout.

mod base_lock;
mod directory_lock;
mod file_name;
mod lock_file;

pub use base_lock::BaseLock;
pub use directory_lock::DirectoryLock;
pub use lock_file::{LockFile, LockMode};

pub(crate) use file_name::{group_lock_name, manifest_lock_name, snapshot_lock_name};
pub(crate) use lock_file::create_folders;
