//! Inputs that once broke a fuzz target.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use ferrite_qr::fuzzing;

#[path = "../../../tests/fuzz/regressions.rs"]
mod regressions;

#[test]
fn regressions_stay_fixed() {
    regressions::replay(fuzzing::TARGETS);
}
