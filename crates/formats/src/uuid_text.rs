//! UUIDs as text: 8-4-4-4-12 lower case when written, with or without hyphens in any case when read.

use uuid::Uuid;

/// A text that is no UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is not a UUID", .0.escape_debug())]
pub struct UuidTextError(String);

/// Reads the hyphenated (36 characters) or plain (32 characters) form; other spellings are refused.
pub fn parse(text: &str) -> Result<Uuid, UuidTextError> {
    let refuse = || UuidTextError(text.chars().take(40).collect());
    if text.len() != 36 && text.len() != 32 {
        return Err(refuse());
    }
    Uuid::try_parse(text).map_err(|_| refuse())
}

/// For `#[serde(with = "uuid_text::as_text")]`.
pub(crate) mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use uuid::Uuid;

    pub fn serialize<S: Serializer>(uuid: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(uuid)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_in_any_case_are_read() {
        let uuid = Uuid::from_u128(0x0a1b2c3d_4e5f_4a6b_8c7d_8e9fa0b1c2d3);
        assert_eq!(parse("0A1b2c3d-4e5f-4a6b-8c7d-8e9fa0b1c2d3"), Ok(uuid));
        assert_eq!(parse("0a1b2c3d4e5f4a6b8c7d8e9fa0b1c2D3"), Ok(uuid));
        assert_eq!(uuid.to_string(), "0a1b2c3d-4e5f-4a6b-8c7d-8e9fa0b1c2d3");
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "{0a1b2c3d4e5f4a6b8c7d8e9fa0b1c2}",
            "urn:uuid:0a1b2c3d-4e5f-4a6b-8c7d-8e9fa0b1c2d3",
            "0a1b2c3d-4e5f-4a6b-8c7d-8e9fa0b1c2dg",
            "0a1b2c3d-4e5f4-a6b-8c7d-8e9fa0b1c2d3",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
