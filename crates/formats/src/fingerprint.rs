//! Fingerprints of encryption keys: 32 bytes, written as 64 hex digits with a colon between bytes (tape-format.md 4.2).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::error::{FormatError, Result};

/// Fingerprint of a tape or backup encryption key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Wraps 32 bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 8 bytes in the same style, as messages show them (keys.md 1). Not accepted as input.
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(8 * 3 - 1);
        text
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = FormatError;

    /// Parses 32 pairs of hex digits, either case, with single colons between them.
    fn from_str(text: &str) -> Result<Self> {
        let mut bytes = [0; 32];
        let mut pairs = text.split(':');
        for byte in &mut bytes {
            *byte = pairs.next().and_then(hex_pair).ok_or_else(refuse)?;
        }
        if pairs.next().is_some() {
            return Err(refuse());
        }
        Ok(Self(bytes))
    }
}

fn hex_pair(pair: &str) -> Option<u8> {
    let mut byte = [0];
    hex::decode_to_slice(pair, &mut byte).ok()?;
    Some(byte[0])
}

fn refuse() -> FormatError {
    FormatError::invalid(
        "key fingerprint",
        "is not 32 pairs of hex digits with colons between them",
    )
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "0e:ab:d4:46:0b:6e:b9:ca:34:50:23:de:e2:b7:78:c7:90:e5:4a:16:83:b9:65:9c:0a:57:ae:19:90:90:15:9b";

    #[test]
    fn text_and_bytes_correspond() {
        let fingerprint: Fingerprint = TEXT.parse().unwrap();
        assert_eq!(fingerprint.as_bytes()[..3], [0x0e, 0xab, 0xd4]);
        assert_eq!(fingerprint.to_string(), TEXT);
        assert_eq!(TEXT.to_uppercase().parse(), Ok(fingerprint));
        assert_eq!(fingerprint.short(), "0e:ab:d4:46:0b:6e:b9:ca");
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "",
            &TEXT.replace(':', ""),
            &TEXT[3..],
            &format!("{TEXT}:00"),
            &format!("{TEXT}:"),
            &TEXT.replace("ab:d4", "ab::d4"),
            &TEXT.replace('e', "g"),
        ] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
        }
    }
}
