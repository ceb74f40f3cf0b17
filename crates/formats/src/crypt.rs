//! Client-side encryption: keys, what is derived from them, and AES-256-GCM as blobs use it (datastore.md 4 and 5,
//! keys.md 1, tape-format.md 9.2).
//!
//! Keys are wiped when dropped and never printed. IVs come from the caller, who must never use one twice with a key.

use std::fmt;

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::consts::U16;
use aes_gcm::{AesGcm, Nonce, Tag};
use hmac::{Hmac, Mac};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::digest::Digest;
use crate::error::{FormatError, Result};
use crate::fingerprint::Fingerprint;

/// Bytes in an encryption key.
pub const KEY_BYTES: usize = 32;
/// Bytes in an initialisation vector. 16, not the usual 12: the first counter block is derived by GHASH.
pub const IV_BYTES: usize = 16;
/// Bytes in an authentication tag.
pub const TAG_BYTES: usize = 16;

/// Rounds of every derivation *from a key*; keys need no stretching.
const DERIVATION_ROUNDS: u32 = 10;
const ID_KEY_SALT: &[u8] = b"_id_key";
const FINGERPRINT_LABEL: &[u8] = b"Proxmox Backup Encryption Key Fingerprint";

type BlobCipher = AesGcm<Aes256, U16>;

/// An encryption key together with its identity key.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct CryptKey {
    key: [u8; KEY_BYTES],
    id_key: [u8; KEY_BYTES],
}

impl CryptKey {
    /// Takes the 32 raw bytes of a key and derives its identity key.
    pub fn new(key: [u8; KEY_BYTES]) -> Self {
        let id_key = *derive(&key, ID_KEY_SALT);
        Self { key, id_key }
    }

    /// The raw key, for wrapping it in a key file.
    pub fn raw(&self) -> &[u8; KEY_BYTES] {
        &self.key
    }

    /// The identity key: hashes of plain data are salted with it, manifests are signed with it.
    pub fn id_key(&self) -> &[u8; KEY_BYTES] {
        &self.id_key
    }

    /// What names this key without revealing it.
    pub fn fingerprint(&self) -> Fingerprint {
        let label = Digest::of(FINGERPRINT_LABEL);
        Fingerprint::new(*self.chunk_digest(label.as_bytes()).as_bytes())
    }

    /// Digest of an encrypted chunk: SHA-256 over plain data and identity key.
    pub fn chunk_digest(&self, plain: &[u8]) -> Digest {
        let hasher = Sha256::new().chain_update(plain);
        self.finish_chunk_digest(hasher)
    }

    /// Ends a running hash over plain data as the digest of an encrypted chunk.
    pub fn finish_chunk_digest(&self, hasher: Sha256) -> Digest {
        Digest::finish(hasher.chain_update(self.id_key))
    }

    /// HMAC-SHA256 over `message` with the identity key: the signature of a manifest's canonical text.
    pub fn sign(&self, message: &[u8]) -> Digest {
        let tag: [u8; 32] = self.mac(message).finalize().into_bytes().into();
        Digest::new(tag)
    }

    /// Whether `signature` is [`CryptKey::sign`] of `message`, compared in constant time.
    pub fn verify(&self, message: &[u8], signature: &Digest) -> bool {
        self.mac(message).verify_slice(signature.as_bytes()).is_ok()
    }

    fn mac(&self, message: &[u8]) -> Hmac<Sha256> {
        // `new_from_slice` would have to be unwrapped: it accepts keys of any length.
        let mut block = Zeroizing::new([0; 64]);
        block[..KEY_BYTES].copy_from_slice(&self.id_key);
        <Hmac<Sha256> as KeyInit>::new((&*block).into()).chain_update(message)
    }

    /// The key a drive encrypts a media set with: derived from this key and the set's UUID.
    pub fn tape_drive_key(&self, media_set_uuid: &[u8; 16]) -> Zeroizing<[u8; KEY_BYTES]> {
        derive(&self.key, media_set_uuid)
    }

    /// Encrypts `data` in place and returns the tag. `iv` must be random and used once.
    ///
    /// # Errors
    /// [`FormatError::TooLarge`] above 64 GiB, the limit of GCM.
    pub fn encrypt_in_place(
        &self,
        iv: &[u8; IV_BYTES],
        data: &mut [u8],
    ) -> Result<[u8; TAG_BYTES]> {
        let found = data.len() as u64;
        let tag = self
            .cipher()
            .encrypt_inout_detached(&Nonce::<U16>::from(*iv), &[], data.into())
            .map_err(|_| FormatError::TooLarge {
                what: "bytes to encrypt",
                found,
                limit: aes_gcm::P_MAX,
            })?;
        Ok(tag.into())
    }

    /// Decrypts `data` in place after checking its tag. On failure `data` is unspecified.
    ///
    /// # Errors
    /// [`FormatError::WrongKey`] when the tag does not fit: another key, or damaged data.
    pub fn decrypt_in_place(
        &self,
        iv: &[u8; IV_BYTES],
        tag: &[u8; TAG_BYTES],
        data: &mut [u8],
    ) -> Result<()> {
        self.cipher()
            .decrypt_inout_detached(
                &Nonce::<U16>::from(*iv),
                &[],
                data.into(),
                &Tag::<U16>::from(*tag),
            )
            .map_err(|_| FormatError::WrongKey {
                what: "encrypted data",
                detail:
                    "authentication failed: it was encrypted with another key, or it is damaged"
                        .into(),
            })
    }

    fn cipher(&self) -> BlobCipher {
        BlobCipher::new((&self.key).into())
    }
}

/// Says which key it is, never the key.
impl fmt::Debug for CryptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CryptKey({})", self.fingerprint().short())
    }
}

/// Digest that names a chunk: salted with the identity key when there is a key.
pub fn chunk_digest(plain: &[u8], key: Option<&CryptKey>) -> Digest {
    key.map_or_else(|| Digest::of(plain), |key| key.chunk_digest(plain))
}

fn derive(key: &[u8; KEY_BYTES], salt: &[u8]) -> Zeroizing<[u8; KEY_BYTES]> {
    let mut derived = Zeroizing::new([0; KEY_BYTES]);
    pbkdf2::pbkdf2_hmac::<Sha256>(key, salt, DERIVATION_ROUNDS, &mut *derived);
    derived
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::vectors;

    fn key_of(case: &Value) -> Option<CryptKey> {
        vectors::hex_of(&case["key"])
            .first_chunk()
            .map(|key| CryptKey::new(*key))
    }

    #[test]
    fn vectors() {
        let file: Value = vectors::read("datastore/keys");
        for case in file["keys"].as_array().unwrap() {
            let key = key_of(case).unwrap();
            assert_eq!(hex::encode(key.id_key()), case["idKey"]);
            assert_eq!(key.fingerprint().to_string(), case["fingerprint"]);
            assert!(
                case["fingerprint"]
                    .as_str()
                    .unwrap()
                    .starts_with(&key.fingerprint().short())
            );
        }
        for case in file["chunkDigests"].as_array().unwrap() {
            let digest = chunk_digest(&vectors::bytes(&case["plain"]), key_of(case).as_ref());
            assert_eq!(digest.to_string(), case["digest"]);
        }
        for case in file["driveKeys"].as_array().unwrap() {
            let uuid: uuid::Uuid = case["mediaSetUuid"].as_str().unwrap().parse().unwrap();
            let drive_key = key_of(case).unwrap().tape_drive_key(uuid.as_bytes());
            assert_eq!(hex::encode(drive_key.as_slice()), case["driveKey"]);
        }
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let key = CryptKey::new([0x42; 32]);
        assert_eq!(
            format!("{key:?}"),
            format!("CryptKey({})", key.fingerprint().short())
        );
    }

    #[test]
    fn a_signature_fits_one_message_and_one_key() {
        let (key, other) = (CryptKey::new([1; 32]), CryptKey::new([2; 32]));
        let signature = key.sign(b"message");
        assert!(key.verify(b"message", &signature));
        assert!(!key.verify(b"massage", &signature));
        assert!(!other.verify(b"message", &signature));
    }
}
