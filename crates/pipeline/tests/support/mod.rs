//! What the tests of this crate share: tapes in a directory, stores made of given chunks, the fixtures written by PBS.
#![allow(dead_code, reason = "each test binary uses its own part of it")]

pub mod faulty;
pub mod fixture;
pub mod library;
pub mod store;
pub mod tmpfs;

/// A folder of its own in memory where the machine has that: these tests sync thousands of times.
pub fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}
