//! Tests over whole tapes, catalogs and indexes. One program, so that it links once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that fails has to say so"
)]

mod catalog_copies;
mod catalog_crashes;
mod catalog_files;
mod chunk_index;
mod damaged_tapes;
mod fixtures;
mod rules_archives;
mod rules_blocks;
mod support;
mod writing;
