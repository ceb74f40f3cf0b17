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
mod fuzz_targets;
#[path = "../../../../tests/fuzz/regressions.rs"]
mod regressions;
mod rules_archives;
mod rules_blocks;
mod support;
mod writing;

#[test]
fn fuzz_regressions_stay_fixed() {
    regressions::replay(fuzz_targets::TARGETS);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_fuzz_target_takes_any_bytes(data in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        fuzz_targets::TARGETS.iter().for_each(|(_, target)| target(&data));
    }
}
