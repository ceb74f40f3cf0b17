//! A key under a password: 16 bytes IV, 16 bytes tag, 32 bytes ciphertext of AES-256-GCM (keys.md 2).

use zeroize::Zeroizing;

use super::base64_text;
use super::error::Result;
use super::kdf::SALT_BYTES;
use crate::crypt::{CryptKey, IV_BYTES, KEY_BYTES, TAG_BYTES};

/// What must be random, and never used twice, when a key is wrapped.
#[derive(Debug, Clone, Copy)]
pub struct WrapRandomness {
    /// Salt of the KDF.
    pub salt: [u8; SALT_BYTES],
    /// IV of the cipher.
    pub iv: [u8; IV_BYTES],
}

/// A wrapped key; not secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// IV of the cipher.
    pub iv: [u8; IV_BYTES],
    /// Authentication tag.
    pub tag: [u8; TAG_BYTES],
    /// The encrypted key.
    pub ciphertext: [u8; KEY_BYTES],
}

const DATA_BYTES: usize = IV_BYTES + TAG_BYTES + KEY_BYTES;

impl WrappedKey {
    pub(super) fn wrap(
        key: &CryptKey,
        derived: Zeroizing<[u8; KEY_BYTES]>,
        iv: [u8; IV_BYTES],
    ) -> Result<Self> {
        let mut ciphertext = Zeroizing::new(*key.raw());
        let tag = CryptKey::new(*derived).encrypt_in_place(&iv, &mut *ciphertext)?;
        Ok(Self {
            iv,
            tag,
            ciphertext: *ciphertext,
        })
    }

    /// The key, or nothing when authentication fails.
    pub(super) fn unwrap(&self, derived: Zeroizing<[u8; KEY_BYTES]>) -> Option<CryptKey> {
        let mut key = Zeroizing::new(self.ciphertext);
        CryptKey::new(*derived)
            .decrypt_in_place(&self.iv, &self.tag, &mut *key)
            .ok()?;
        Some(CryptKey::new(*key))
    }

    pub(super) fn to_base64(&self) -> String {
        base64_text::encode(&[&self.iv[..], &self.tag, &self.ciphertext].concat())
    }

    pub(super) fn from_base64(text: &str) -> Result<Self> {
        let mut data = [0; DATA_BYTES];
        base64_text::decode_array("\"data\" of a key config", text, &mut data)?;
        let mut wrapped = Self {
            iv: [0; IV_BYTES],
            tag: [0; TAG_BYTES],
            ciphertext: [0; KEY_BYTES],
        };
        wrapped.iv.copy_from_slice(&data[..IV_BYTES]);
        wrapped
            .tag
            .copy_from_slice(&data[IV_BYTES..IV_BYTES + TAG_BYTES]);
        wrapped
            .ciphertext
            .copy_from_slice(&data[IV_BYTES + TAG_BYTES..]);
        Ok(wrapped)
    }
}
