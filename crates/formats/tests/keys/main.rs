//! Keys against Wycheproof, against key files and labels that PBS wrote, paper keys against an independent QR reader, and
//! the search for secrets in what is printed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking; clippy only knows functions marked as tests"
)]

mod fixtures;
mod paper;
mod secrets;
mod wycheproof_vectors;

use std::path::Path;

use ferrite_formats::key::Password;
use serde_json::Value;

/// Parses `tests/vectors/keys/<name>.json`.
fn vectors(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/keys");
    let text = std::fs::read(folder.join(name).with_extension("json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn password(text: &str) -> Password {
    Password::new(text.as_bytes().to_vec()).unwrap()
}
