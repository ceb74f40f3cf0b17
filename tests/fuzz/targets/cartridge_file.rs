#![no_main]

#[path = "../../../crates/emulator/tests/fuzz_targets/targets.rs"]
mod targets;

ferrite_fuzz::target!(targets::cartridge_file);
