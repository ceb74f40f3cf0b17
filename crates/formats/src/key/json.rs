//! JSON that may hold keys: parsed into values that are wiped when dropped, with errors that quote nothing.

use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use super::error::Result;
use crate::error::FormatError;

/// A value whose strings are overwritten when it goes.
pub(super) struct WipedValue(pub Value);

impl Drop for WipedValue {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        _ => {}
    }
}

/// Parses `json`, at most `limit` bytes.
pub(super) fn parse(what: &'static str, json: &[u8], limit: usize) -> Result<WipedValue> {
    if json.len() > limit {
        let (found, limit) = (json.len() as u64, limit as u64);
        return Err(FormatError::TooLarge { what, found, limit }.into());
    }
    let value = serde_json::from_slice(json).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        FormatError::invalid(what, format!("is not JSON: line {line}, column {column}"))
    })?;
    Ok(WipedValue(value))
}

/// Room for every member of one element of a key file: growing would leave copies of keys behind.
const ELEMENT_BYTES: usize = 4096;

pub(super) fn print(
    what: &'static str,
    elements: usize,
    pretty: bool,
    value: &impl Serialize,
) -> Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity((elements + 1) * ELEMENT_BYTES));
    let written = if pretty {
        serde_json::to_writer_pretty(&mut *text, value)
    } else {
        serde_json::to_writer(&mut *text, value)
    };
    written.map_err(|_| FormatError::invalid(what, "cannot be written as JSON"))?;
    Ok(text)
}

/// Members of an object by name, with errors that name the member and nothing of its value.
pub(super) struct Members<'a> {
    pub what: &'static str,
    pub map: &'a Map<String, Value>,
}

impl<'a> Members<'a> {
    pub fn of(what: &'static str, value: &'a Value) -> Result<Self> {
        let map = value
            .as_object()
            .ok_or_else(|| FormatError::invalid(what, "is not a JSON object"))?;
        Ok(Self { what, map })
    }

    /// A member that is absent or null counts as missing.
    pub fn optional_text(&self, name: &str) -> Result<Option<&'a str>> {
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.refuse(name, "is not a string")),
        }
    }

    pub fn text(&self, name: &str) -> Result<&'a str> {
        self.optional_text(name)?
            .ok_or_else(|| self.refuse(name, "is missing"))
    }

    pub fn number(&self, name: &str) -> Result<u64> {
        let value = self
            .map
            .get(name)
            .ok_or_else(|| self.refuse(name, "is missing"))?;
        value
            .as_u64()
            .ok_or_else(|| self.refuse(name, "is not a whole number from 0 on"))
    }

    pub fn refuse(&self, name: &str, why: &str) -> super::KeyError {
        FormatError::invalid(self.what, format!("\"{name}\" {why}")).into()
    }
}
