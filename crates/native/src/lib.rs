//! napi-rs shells over the Rust core.
//!
//! What crosses the boundary is a plan going down and events coming up. Nothing here blocks Node's event loop or its
//! thread pool: every open drive has one named thread (`worker`), other long work gets a thread of its own
//! (`promise`), results come back through deferred promises, progress through threadsafe functions. A panic on such a
//! thread becomes a rejected promise.

// What #[napi] exports is not registered in test builds, which only linters make.
#![cfg_attr(test, allow(dead_code))]

mod at_exit;
mod catalogs;
mod changer;
mod datastore;
mod device_faults;
mod devices;
mod drive;
mod emulated_library;
mod environment;
mod failure;
mod failure_from;
mod file_lists;
mod file_lock;
mod keys;
mod labels;
mod plain;
mod plans;
mod promise;
mod selection;
mod service_manager;
mod snapshots;
mod worker;
