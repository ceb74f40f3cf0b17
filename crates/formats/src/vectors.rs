//! The vector files below `tests/vectors`, for unit tests.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::FormatError;

/// Parses `tests/vectors/<name>.json`.
pub(crate) fn read<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/vectors")
        .join(name);
    let path = path.with_extension("json");
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The bytes that a `plain` or `stream` member describes; tests/vectors/README.md lists the forms.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    let number = |key: &str| value[key].as_u64().unwrap() as usize;
    let members = value.as_object().unwrap();
    match members.keys().next().unwrap().as_str() {
        "text" => value["text"].as_str().unwrap().into(),
        "hex" => hex::decode(value["hex"].as_str().unwrap()).unwrap(),
        "repeat" => value["repeat"]
            .as_str()
            .unwrap()
            .repeat(number("times"))
            .into(),
        "zeros" => vec![0; number("zeros")],
        "counter" => (0..number("counter") as u32 / 4)
            .flat_map(u32::to_le_bytes)
            .collect(),
        "lcg" => lcg(number("lcg")),
        other => panic!("unknown description of bytes: {other}"),
    }
}

fn lcg(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    let step = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(step).take(length).collect()
}

/// Decodes the hex text of a member; empty when there is none.
pub(crate) fn hex_of(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap_or_default()).unwrap()
}

/// The class that vectors name an error by.
pub(crate) fn class(error: &FormatError) -> &'static str {
    match error {
        FormatError::Truncated { .. } => "truncated",
        FormatError::TrailingData { .. } => "trailing-data",
        FormatError::BadMagic { .. } => "bad-magic",
        FormatError::Unsupported { .. } => "unsupported",
        FormatError::TooLarge { .. } => "too-large",
        FormatError::BadCrc { .. } => "bad-crc",
        FormatError::DigestMismatch { .. } => "digest-mismatch",
        FormatError::KeyRequired { .. } => "key-required",
        FormatError::WrongKey { .. } => "wrong-key",
        _ => "invalid",
    }
}
