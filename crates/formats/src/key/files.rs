//! PBS's two key files: `tape-encryption-keys.json` with plain keys, and `tape-encryption-key-config.json` with the same
//! keys under passwords (keys.md 3). Both are arrays; a missing file is an empty one. Elements keep their order.

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::config::KeyConfig;
use super::error::{KeyError, Result};
use super::json::{self, Members};
use crate::crypt::{CryptKey, KEY_BYTES};
use crate::digest::Digest;
use crate::error::FormatError;
use crate::fingerprint::Fingerprint;

/// Content that stands for a missing file.
pub const EMPTY_FILE: &[u8] = b"[]";
/// Largest file that is read: room for some ten thousand keys.
const MAX_FILE_BYTES: usize = 16 << 20;
const PLAIN: &str = "the plain tape keys";
const CONFIGS: &str = "the tape key configs";

/// What `--digest` compares: SHA-256 of the key-config file's content, `None` for a missing file.
pub fn config_file_digest(content: Option<&[u8]>) -> Digest {
    Digest::of(content.unwrap_or(EMPTY_FILE))
}

/// Content of `tape-encryption-keys.json`.
#[derive(Debug, Clone, Default)]
pub struct PlainKeyFile(Vec<CryptKey>);

impl PlainKeyFile {
    /// Parses the file and computes every fingerprint again.
    ///
    /// # Errors
    /// [`KeyError::FingerprintMismatch`], [`KeyError::Duplicate`], [`KeyError::Format`]: then no key of it is used.
    pub fn parse(content: &[u8]) -> Result<Self> {
        let value = json::parse(PLAIN, content, MAX_FILE_BYTES)?;
        let elements = value
            .0
            .as_array()
            .ok_or_else(|| FormatError::invalid(PLAIN, "are not a JSON array"))?;
        let mut file = Self::default();
        for element in elements {
            let members = Members::of(PLAIN, element)?;
            let stored: Fingerprint = members.text("fingerprint")?.parse()?;
            let mut raw = Zeroizing::new([0; KEY_BYTES]);
            hex::decode_to_slice(members.text("key")?, &mut *raw)
                .map_err(|_| members.refuse("key", "is not 64 hex digits"))?;
            let key = CryptKey::new(*raw);
            let computed = key.fingerprint();
            if stored != computed {
                return Err(KeyError::FingerprintMismatch { stored, computed });
            }
            file.insert(key)?;
        }
        Ok(file)
    }

    /// The file as PBS writes it: indented, no newline at the end.
    ///
    /// # Errors
    /// None in practice.
    pub fn print(&self) -> Result<Zeroizing<Vec<u8>>> {
        json::print(PLAIN, self.0.len(), true, self)
    }

    /// The key with this fingerprint.
    pub fn get(&self, fingerprint: &Fingerprint) -> Option<&CryptKey> {
        self.0.iter().find(|key| key.fingerprint() == *fingerprint)
    }

    /// Adds a key.
    ///
    /// # Errors
    /// [`KeyError::Duplicate`].
    pub fn insert(&mut self, key: CryptKey) -> Result<()> {
        let fingerprint = key.fingerprint();
        if self.get(&fingerprint).is_some() {
            return Err(KeyError::Duplicate {
                fingerprint,
                file: PLAIN,
            });
        }
        self.0.push(key);
        Ok(())
    }

    /// Takes a key out.
    pub fn remove(&mut self, fingerprint: &Fingerprint) -> Option<CryptKey> {
        let at = self
            .0
            .iter()
            .position(|key| key.fingerprint() == *fingerprint)?;
        Some(self.0.remove(at))
    }
}

impl Serialize for PlainKeyFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for key in &self.0 {
            list.serialize_element(&PlainElement(key))?;
        }
        list.end()
    }
}

struct PlainElement<'a>(&'a CryptKey);

impl Serialize for PlainElement<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("fingerprint", &self.0.fingerprint())?;
        map.serialize_entry("key", &*Zeroizing::new(hex::encode(self.0.raw())))?;
        map.end()
    }
}

/// Content of `tape-encryption-key-config.json`.
#[derive(Debug, Clone, Default)]
pub struct KeyConfigFile(Vec<(Fingerprint, KeyConfig)>);

impl KeyConfigFile {
    /// Parses the file. Fingerprints cannot be verified without passwords.
    ///
    /// # Errors
    /// [`KeyError::NoFingerprint`], [`KeyError::NoPassword`], [`KeyError::Duplicate`], [`KeyError::Format`].
    pub fn parse(content: &[u8]) -> Result<Self> {
        let value = json::parse(CONFIGS, content, MAX_FILE_BYTES)?;
        let elements = value
            .0
            .as_array()
            .ok_or_else(|| FormatError::invalid(CONFIGS, "are not a JSON array"))?;
        let mut file = Self::default();
        for element in elements {
            file.insert(KeyConfig::from_value(element)?)?;
        }
        Ok(file)
    }

    /// The file as PBS writes it: indented, no newline at the end.
    ///
    /// # Errors
    /// None in practice.
    pub fn print(&self) -> Result<Vec<u8>> {
        let configs: Vec<_> = self.configs().collect();
        Ok(json::print(CONFIGS, configs.len(), true, &configs)?.to_vec())
    }

    /// All key configs in their order.
    pub fn configs(&self) -> impl Iterator<Item = &KeyConfig> {
        self.0.iter().map(|(_, config)| config)
    }

    /// The key config with this fingerprint.
    pub fn get(&self, fingerprint: &Fingerprint) -> Option<&KeyConfig> {
        self.0
            .iter()
            .find(|(found, _)| found == fingerprint)
            .map(|(_, config)| config)
    }

    /// Adds a key config.
    ///
    /// # Errors
    /// [`KeyError::Duplicate`], [`KeyError::NoFingerprint`], [`KeyError::NoPassword`].
    pub fn insert(&mut self, config: KeyConfig) -> Result<()> {
        let fingerprint = config.check_tape_key()?;
        if self.get(&fingerprint).is_some() {
            return Err(KeyError::Duplicate {
                fingerprint,
                file: CONFIGS,
            });
        }
        self.0.push((fingerprint, config));
        Ok(())
    }

    /// Puts a key config in the place of the one with the same fingerprint, or adds it: after a changed password, and
    /// for a key that comes back from a tape.
    ///
    /// # Errors
    /// [`KeyError::NoFingerprint`], [`KeyError::NoPassword`].
    pub fn replace(&mut self, config: KeyConfig) -> Result<()> {
        let fingerprint = config.check_tape_key()?;
        match self.0.iter_mut().find(|(found, _)| *found == fingerprint) {
            Some((_, old)) => *old = config,
            None => self.0.push((fingerprint, config)),
        }
        Ok(())
    }

    /// Takes a key config out.
    pub fn remove(&mut self, fingerprint: &Fingerprint) -> Option<KeyConfig> {
        let at = self.0.iter().position(|(found, _)| found == fingerprint)?;
        Some(self.0.remove(at).1)
    }
}
