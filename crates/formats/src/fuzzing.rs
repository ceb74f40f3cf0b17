//! What fuzz targets call: one plain function per parser. Each takes any bytes, must return, and asserts what must hold
//! of whatever was accepted.

pub mod datastore;
pub mod key;
pub mod tape;

/// A parser run.
pub type Target = fn(&[u8]);
