//! Tape formats and pxar against the shared vectors, against tapes and datastores written by PBS, against random
//! structures, and against damage.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking; clippy only knows functions marked as tests"
)]

mod catalog_rules;
mod damage;
mod fixtures;
mod properties;
mod pxar_limits;
mod pxar_random;
mod pxar_trees;
mod vectors;
