//! Any bytes into the fuzz targets, and the inputs that once broke one.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use proptest::prelude::*;

#[path = "../../../../tests/fuzz/regressions.rs"]
mod regressions;
mod targets;

#[test]
fn regressions_stay_fixed() {
    regressions::replay(targets::TARGETS);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_target_takes_any_bytes(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        targets::TARGETS.iter().for_each(|(_, target)| target(&data));
    }
}
