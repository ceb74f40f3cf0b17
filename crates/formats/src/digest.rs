//! SHA-256 digests: the names of chunks, and the checksums of indexes, blobs and manifests.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::error::{FormatError, Result};

/// Bytes in a digest.
pub const DIGEST_BYTES: usize = 32;

/// A SHA-256 digest. Orders by its bytes; prints and parses as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest([u8; DIGEST_BYTES]);

impl Digest {
    /// A digest slot that was never filled (an index slot whose chunk was never written).
    pub const ZERO: Self = Self([0; DIGEST_BYTES]);

    /// Wraps 32 bytes.
    pub const fn new(bytes: [u8; DIGEST_BYTES]) -> Self {
        Self(bytes)
    }

    /// SHA-256 of `data`.
    pub fn of(data: &[u8]) -> Self {
        Self(Sha256::digest(data).into())
    }

    /// Result of a running hash.
    pub fn finish(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; DIGEST_BYTES] {
        &self.0
    }

    /// The digest in the first 32 bytes of `bytes`.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] when there are fewer.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        match bytes.first_chunk() {
            Some(first) => Ok(Self(*first)),
            None => Err(FormatError::Truncated {
                what: "digest",
                need: 32,
                have: bytes.len() as u64,
            }),
        }
    }

    /// Name of the folder below `.chunks` that holds this chunk: the first four hex digits (datastore.md 1).
    pub fn chunk_folder(&self) -> String {
        hex::encode(&self.0[..2])
    }

    /// `<folder>/<64 hex>`, the path of this chunk below `.chunks`.
    pub fn chunk_path(&self) -> String {
        let name = hex::encode(self.0);
        format!("{}/{name}", &name[..4])
    }
}

impl From<[u8; DIGEST_BYTES]> for Digest {
    fn from(bytes: [u8; DIGEST_BYTES]) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = FormatError;

    /// Parses 64 hex digits, either case.
    fn from_str(text: &str) -> Result<Self> {
        let mut bytes = [0; DIGEST_BYTES];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| FormatError::invalid("digest", "is not 64 hex digits"))?;
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    #[test]
    fn names_the_chunk_file() {
        let digest = Digest::of(b"hello");
        assert_eq!(digest.to_string(), HELLO);
        assert_eq!(digest.chunk_folder(), "2cf2");
        assert_eq!(digest.chunk_path(), format!("2cf2/{HELLO}"));
    }

    #[test]
    fn parses_either_case_and_nothing_else() {
        assert_eq!(HELLO.to_uppercase().parse(), Ok(Digest::of(b"hello")));
        for bad in [
            "",
            "2c",
            &HELLO[1..],
            &format!("{HELLO}00"),
            &HELLO.replace('2', "x"),
        ] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
        assert!(Digest::read(&[0; 31]).is_err());
        assert_eq!(Digest::read(&[0; 40]), Ok(Digest::ZERO));
    }

    #[test]
    fn is_a_hex_string_in_json() {
        let digest: Digest = serde_json::from_str(&format!("\"{HELLO}\"")).unwrap();
        assert_eq!(
            serde_json::to_string(&digest).unwrap(),
            format!("\"{HELLO}\"")
        );
    }
}
