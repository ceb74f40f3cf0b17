//! Key configs out of what people have: a key file, a paper key as text or page, a scan of either, the content of the QR
//! code, a mail with one of them inside (keys.md 6).
//!
//! First strictly, as PBS reads it. Where that fails, what printing, typing and scanning do to a text is undone: line
//! ends inside of strings, indentation, quotation marks of word processors, entities, marks of quoted mail. None of it
//! can turn one key into another: the authentication tag decides when the key is opened.

use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use super::config::KeyConfig;
use super::error::{KeyError, Result};
use crate::error::FormatError;

/// Longest text that is read: a page with its image is far below.
pub const MAX_PAPER_BYTES: usize = 4 << 20;

const BEGIN: &str = "BEGIN PROXMOX BACKUP KEY";
const END: &str = "END PROXMOX BACKUP KEY";

/// Finds the key config in `bytes`.
///
/// # Errors
/// [`KeyError::NoKey`] when there is none, [`KeyError::Format`] naming what is wrong with the one there is.
pub fn read_paper_key(bytes: &[u8]) -> Result<KeyConfig> {
    if bytes.len() > MAX_PAPER_BYTES {
        return Err(FormatError::TooLarge {
            what: "bytes of a key text",
            found: bytes.len() as u64,
            limit: MAX_PAPER_BYTES as u64,
        }
        .into());
    }
    // Around the key may stand anything, also text in another encoding.
    let text = Zeroizing::new(String::from_utf8_lossy(bytes).into_owned());
    let text = text.trim_start_matches('\u{feff}');
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        return KeyConfig::parse(text.as_bytes());
    }
    let object = object_in(between_markers(text)).ok_or(KeyError::NoKey)?;
    KeyConfig::parse(object.as_bytes()).or_else(|strict| {
        let repaired = Zeroizing::new(repair(object));
        read_repaired(&repaired).unwrap_or(Err(strict))
    })
}

/// What stands between the first begin marker and the first end marker behind it; all of a text without begin marker.
fn between_markers(text: &str) -> &str {
    let Some(begin) = text.find(BEGIN) else {
        return text;
    };
    let inside = &text[begin + BEGIN.len()..];
    inside.find(END).map_or(inside, |end| &inside[..end])
}

/// From the first opening to the last closing brace; whatever dashes of the markers are left stay outside.
fn object_in(text: &str) -> Option<&str> {
    let (start, end) = (text.find('{')?, text.rfind('}')?);
    (start < end).then(|| &text[start..=end])
}

/// Undoes what happens to a text between printer and keyboard.
fn repair(object: &str) -> String {
    let mut plain = object
        .replace(
            [
                '\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}', '\u{ab}', '\u{bb}',
            ],
            "\"",
        )
        .replace(['\u{a0}', '\u{2028}', '\u{2029}'], " ")
        .replace(
            ['\u{200b}', '\u{200c}', '\u{200d}', '\u{feff}', '\u{ad}'],
            "",
        );
    if !plain.contains('"') {
        plain = plain.replace("&quot;", "\"").replace("&#34;", "\"");
    }
    let mut repaired = String::with_capacity(plain.len());
    for line in plain.lines() {
        repaired.push_str(line.trim_matches([' ', '\t', '\r', '>', '|']));
    }
    plain.zeroize();
    repaired
}

/// Parses a repaired text; nothing when it still is no JSON object.
fn read_repaired(text: &str) -> Option<Result<KeyConfig>> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    strip_spaces(&mut value, false);
    let config = KeyConfig::from_value(&value);
    wipe_data(&mut value);
    Some(config)
}

/// Removes white space from all strings but the hint, the only one that can have any.
fn strip_spaces(value: &mut Value, is_hint: bool) {
    match value {
        Value::String(text) if !is_hint => text.retain(|letter| !letter.is_whitespace()),
        Value::Object(members) => {
            for (name, member) in members {
                strip_spaces(member, name == "hint");
            }
        }
        _ => {}
    }
}

fn wipe_data(value: &mut Value) {
    if let Some(Value::String(data)) = value.get_mut("data") {
        data.zeroize();
    }
}
