#![no_main]

#[path = "../../../crates/tape/tests/tape/fuzz_targets.rs"]
mod fuzz_targets;
#[path = "../../../crates/tape/tests/tape/support/mod.rs"]
mod support;

ferrite_fuzz::target!(fuzz_targets::tape);
