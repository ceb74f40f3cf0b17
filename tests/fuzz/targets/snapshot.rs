#![no_main]

#[path = "../../../crates/datastore/tests/fuzz_targets/targets.rs"]
mod targets;

ferrite_fuzz::target!(targets::snapshot);
