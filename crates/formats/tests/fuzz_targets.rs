//! Inputs that once broke a fuzz target.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use ferrite_formats::fuzzing::{datastore, key, tape};

#[path = "../../../tests/fuzz/regressions.rs"]
mod regressions;

#[test]
fn regressions_stay_fixed() {
    regressions::replay(datastore::TARGETS);
    regressions::replay(key::TARGETS);
    regressions::replay(tape::TARGETS);
}
