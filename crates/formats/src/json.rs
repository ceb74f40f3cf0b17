//! JSON as it stands on tapes and in the status directory: two spaces, no newline at the end, keys in the order in which
//! the structures declare them (tape-format.md, conventions).

use serde::{Serialize, de::DeserializeOwned};

use crate::error::{FormatError, Result};

/// Parses `json` as a `T`; `what` names it in errors (H4).
pub(crate) fn parse<T: DeserializeOwned>(what: &'static str, json: &[u8]) -> Result<T> {
    // By way of a value: a key that stands twice counts with its last value, as it does for PBS.
    serde_json::from_slice::<serde_json::Value>(json)
        .and_then(serde_json::from_value)
        .map_err(|error| FormatError::invalid(what, error.to_string()))
}

/// Prints `value`.
pub(crate) fn print<T: Serialize>(what: &'static str, value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value).map_err(|error| FormatError::invalid(what, error.to_string()))
}
