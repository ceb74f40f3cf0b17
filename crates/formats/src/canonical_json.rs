//! Two ways in which PBS prints JSON: sorted for files, canonical for signatures (datastore.md 9).

use std::fmt::Write as _;

use serde_json::Value;

use crate::error::{FormatError, Result};

/// The text a signature covers: no white space, keys sorted as byte strings, minimal escapes, UTF-8.
///
/// # Errors
/// [`FormatError::Invalid`] for a null anywhere in `value`: PBS signs none.
pub fn to_canonical(value: &Value) -> Result<String> {
    let mut text = String::new();
    write_canonical(value, &mut text)?;
    Ok(text)
}

fn write_canonical(value: &Value, text: &mut String) -> Result<()> {
    match value {
        Value::Null => {
            return Err(FormatError::invalid(
                "canonical JSON",
                "null cannot be signed",
            ));
        }
        Value::Array(items) => {
            text.push('[');
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    text.push(',');
                }
                write_canonical(item, text)?;
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            // Byte order and character order of UTF-8 are the same.
            members.sort_unstable_by_key(|(key, _)| *key);
            text.push('{');
            for (number, (key, member)) in members.into_iter().enumerate() {
                if number > 0 {
                    text.push(',');
                }
                push_scalar(&Value::from(key.as_str()), text);
                text.push(':');
                write_canonical(member, text)?;
            }
            text.push('}');
        }
        scalar => push_scalar(scalar, text),
    }
    Ok(())
}

/// serde_json escapes as canonical JSON wants it: quote, backslash, control characters; nothing else.
fn push_scalar(scalar: &Value, text: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{scalar}");
}

/// The text of a file: two blanks of indent, keys sorted at every level, no newline at the end.
pub fn to_pretty_sorted(value: &Value) -> String {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    format!("{sorted:#}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn canonical_text_is_sorted_and_dense() {
        let value =
            json!({"b": [1, -2, true, {"z": {}, "a": []}], "a/": "\u{e4}/\u{7f}", "a": false});
        assert_eq!(
            to_canonical(&value),
            Ok(
                "{\"a\":false,\"a/\":\"\u{e4}/\u{7f}\",\"b\":[1,-2,true,{\"a\":[],\"z\":{}}]}"
                    .into()
            )
        );
    }

    #[test]
    fn strings_are_escaped_minimally() {
        let value = json!("\"\\\u{8}\t\n\u{c}\r\u{1}\u{1f}/\u{2028}\u{1f600}");
        let expected = "\"\\\"\\\\\\b\\t\\n\\f\\r\\u0001\\u001f/\u{2028}\u{1f600}\"";
        assert_eq!(to_canonical(&value), Ok(expected.into()));
    }

    #[test]
    fn null_cannot_be_signed() {
        assert!(to_canonical(&json!({"a": [1, null]})).is_err());
        assert!(to_canonical(&Value::Null).is_err());
    }

    #[test]
    fn pretty_text_sorts_every_level_and_ends_without_newline() {
        let value = json!({"b": {"d": 1, "c": []}, "a": [{"f": null, "e": {}}]});
        let expected = "{\n  \"a\": [\n    {\n      \"e\": {},\n      \"f\": null\n    }\n  ],\n  \"b\": {\n    \"c\": [],\n    \"d\": 1\n  }\n}";
        assert_eq!(to_pretty_sorted(&value), expected);
    }
}
