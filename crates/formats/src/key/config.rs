//! The key config: one key, usually under a password, with what is known of it (keys.md 2, tape-format.md 9.3).

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::base64_text;
use super::error::{KeyError, Result};
use super::json::{self, Members};
use super::kdf::{Kdf, KdfKind, MAX_SALT_BYTES};
use super::password::{Hint, Password};
use super::wrap::{WrapRandomness, WrappedKey};
use crate::crypt::{CryptKey, KEY_BYTES};
use crate::error::FormatError;
use crate::fingerprint::Fingerprint;
use crate::rfc3339;

const WHAT: &str = "key config";
/// Longest text of one key config that is read.
const MAX_JSON_BYTES: usize = 64 << 10;

/// A time in a key config. Keeps its text: a key config read and written again has the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTime(String);

impl KeyTime {
    /// `epoch` seconds since 1970, shown `offset_seconds` east of UTC: `2024-05-01T12:00:00+00:00`.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] outside of the years 0 to 9999.
    pub fn new(epoch: i64, offset_seconds: i32) -> Result<Self> {
        Ok(Self(rfc3339::format_with_offset(epoch, offset_seconds)?))
    }

    fn parse(text: &str) -> Result<Self> {
        rfc3339::parse(text)?;
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Seconds since 1970.
    pub fn epoch(&self) -> i64 {
        rfc3339::parse(&self.0).unwrap_or_default()
    }
}

/// How the key stands in its config.
#[derive(Debug, Clone)]
pub enum Protection {
    /// As it is.
    None(CryptKey),
    /// Encrypted with a key that is derived from a password.
    Password {
        /// The derivation.
        kdf: Kdf,
        /// The encrypted key.
        wrapped: WrappedKey,
    },
}

/// A key config. Prints no key; wipes one that it holds without password.
#[derive(Debug, Clone)]
pub struct KeyConfig {
    /// The key.
    pub protection: Protection,
    /// When the key was made.
    pub created: KeyTime,
    /// When its password was last changed.
    pub modified: KeyTime,
    /// Which key it is; missing in very old files.
    pub fingerprint: Option<Fingerprint>,
    /// Password hint.
    pub hint: Option<String>,
}

/// What is shown of a key (keys.md 4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyInfo {
    /// Kind of its protection.
    pub kdf: KdfKind,
    /// Epoch seconds.
    pub created: i64,
    /// Epoch seconds.
    pub modified: i64,
    /// Which key it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// Password hint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl KeyConfig {
    /// Puts a new key under a password. The key itself is 32 random bytes of the caller's.
    ///
    /// # Errors
    /// [`KeyError::NoPassword`] for [`KdfKind::None`], and errors of the KDF.
    pub fn create(
        key: &CryptKey,
        password: &Password,
        kind: KdfKind,
        hint: &Hint,
        randomness: &WrapRandomness,
        now: &KeyTime,
    ) -> Result<Self> {
        let kdf = Kdf::for_new_key(kind, &randomness.salt).ok_or(KeyError::NoPassword)?;
        let wrapped = WrappedKey::wrap(key, kdf.derive(password)?, randomness.iv)?;
        Ok(Self {
            protection: Protection::Password { kdf, wrapped },
            created: now.clone(),
            modified: now.clone(),
            fingerprint: Some(key.fingerprint()),
            hint: Some(hint.as_str().into()),
        })
    }

    /// Opens the key with its password and checks that it is the one named. A key without password opens with any.
    ///
    /// # Errors
    /// [`KeyError::WrongPassword`], [`KeyError::FingerprintMismatch`], and errors of the KDF.
    pub fn open(&self, password: &Password) -> Result<CryptKey> {
        let key = match &self.protection {
            Protection::None(key) => key.clone(),
            Protection::Password { kdf, wrapped } => wrapped
                .unwrap(kdf.derive(password)?)
                .ok_or_else(|| KeyError::WrongPassword {
                    fingerprint: self.fingerprint,
                    hint: self.hint.clone(),
                })?,
        };
        self.check_key(&key)?;
        Ok(key)
    }

    /// Opens the key and puts it under another password, with new salt and IV. `created` stays, `modified` becomes `now`.
    ///
    /// # Errors
    /// As [`KeyConfig::open`] and [`KeyConfig::create`].
    pub fn change_password(
        &self,
        current: &Password,
        new: &Password,
        kind: KdfKind,
        hint: &Hint,
        randomness: &WrapRandomness,
        now: &KeyTime,
    ) -> Result<Self> {
        self.wrap_again(&self.open(current)?, new, kind, hint, randomness, now)
    }

    /// [`KeyConfig::change_password`] for one who has the key (of the plain key file) and not its password.
    ///
    /// # Errors
    /// [`KeyError::FingerprintMismatch`] for another key, and as [`KeyConfig::create`].
    pub fn wrap_again(
        &self,
        key: &CryptKey,
        new: &Password,
        kind: KdfKind,
        hint: &Hint,
        randomness: &WrapRandomness,
        now: &KeyTime,
    ) -> Result<Self> {
        self.check_key(key)?;
        let changed = Self::create(key, new, kind, hint, randomness, now)?;
        Ok(Self {
            created: self.created.clone(),
            ..changed
        })
    }

    /// The same key config with another hint, as an import may give it.
    #[must_use]
    pub fn with_hint(self, hint: &Hint) -> Self {
        Self {
            hint: Some(hint.as_str().into()),
            ..self
        }
    }

    fn check_key(&self, key: &CryptKey) -> Result<()> {
        let computed = key.fingerprint();
        match self.fingerprint {
            Some(stored) if stored != computed => {
                Err(KeyError::FingerprintMismatch { stored, computed })
            }
            _ => Ok(()),
        }
    }

    /// Checks what a tape key needs: a password and a fingerprint.
    ///
    /// # Errors
    /// [`KeyError::NoPassword`], [`KeyError::NoFingerprint`].
    pub fn check_tape_key(&self) -> Result<Fingerprint> {
        if matches!(self.protection, Protection::None(_)) {
            return Err(KeyError::NoPassword);
        }
        self.fingerprint.ok_or(KeyError::NoFingerprint)
    }

    /// What is shown of the key.
    pub fn info(&self) -> KeyInfo {
        KeyInfo {
            kdf: match &self.protection {
                Protection::None(_) => KdfKind::None,
                Protection::Password { kdf, .. } => kdf.kind(),
            },
            created: self.created.epoch(),
            modified: self.modified.epoch(),
            fingerprint: self.fingerprint,
            hint: self.hint.clone(),
        }
    }

    /// Reads a key file: one key config in JSON, members in any order.
    ///
    /// # Errors
    /// [`KeyError::Format`] for other JSON, an unknown KDF, or KDF parameters above the limits.
    pub fn parse(json: &[u8]) -> Result<Self> {
        Self::from_value(&json::parse(WHAT, json, MAX_JSON_BYTES)?.0)
    }

    /// Reads the `key-config` of a media-set label, or an element of a file.
    ///
    /// # Errors
    /// As [`KeyConfig::parse`].
    pub fn from_value(value: &Value) -> Result<Self> {
        let members = Members::of(WHAT, value)?;
        let kdf = match members.map.get("kdf") {
            None => return Err(members.refuse("kdf", "is missing")),
            Some(Value::Null) => None,
            Some(kdf) => Some(kdf_of(kdf)?),
        };
        let data = members.text("data")?;
        let protection = match kdf {
            None => {
                let mut key = Zeroizing::new([0; KEY_BYTES]);
                base64_text::decode_array("\"data\" of a key config", data, &mut key)?;
                Protection::None(CryptKey::new(*key))
            }
            Some(kdf) => Protection::Password {
                kdf,
                wrapped: WrappedKey::from_base64(data)?,
            },
        };
        Ok(Self {
            protection,
            created: time_of(&members, "created")?,
            modified: time_of(&members, "modified")?,
            fingerprint: members
                .optional_text("fingerprint")?
                .map(str::parse)
                .transpose()?,
            hint: members.optional_text("hint")?.map(Into::into),
        })
    }

    /// Compact JSON, members in PBS's order: the content of a key file of its own.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_json(&self) -> Result<Zeroizing<Vec<u8>>> {
        json::print(WHAT, 1, false, self)
    }

    /// Indented JSON, members in PBS's order: what a paper key shows.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_json_pretty(&self) -> Result<Zeroizing<Vec<u8>>> {
        json::print(WHAT, 1, true, self)
    }

    /// The `key-config` of a media-set label: all members sorted by name.
    ///
    /// # Errors
    /// As [`KeyConfig::check_tape_key`]: nothing else may get onto a tape.
    pub fn to_label_value(&self) -> Result<Value> {
        self.check_tape_key()?;
        let mut value = serde_json::to_value(self)
            .map_err(|_| FormatError::invalid(WHAT, "cannot be written as JSON"))?;
        value.sort_all_objects();
        Ok(value)
    }
}

fn time_of(members: &Members<'_>, name: &str) -> Result<KeyTime> {
    KeyTime::parse(members.text(name)?).map_err(|_| members.refuse(name, "is not an RFC 3339 time"))
}

/// `{"Scrypt":{..}}` or `{"PBKDF2":{..}}`, within the limits.
fn kdf_of(value: &Value) -> Result<Kdf> {
    const KDF: &str = "\"kdf\" of a key config";
    let outer = Members::of(KDF, value)?;
    let mut variants = outer.map.iter();
    let (Some((name, parameters)), None) = (variants.next(), variants.next()) else {
        return Err(FormatError::invalid(KDF, "is not one function with its parameters").into());
    };
    let members = Members::of(KDF, parameters)?;
    let salt = || {
        base64_text::decode(
            "salt of a key config",
            members.text("salt")?,
            MAX_SALT_BYTES,
        )
    };
    let kdf = match name.as_str() {
        "Scrypt" => Kdf::Scrypt {
            n: members.number("n")?,
            r: members.number("r")?,
            p: members.number("p")?,
            salt: salt()?,
        },
        "PBKDF2" => Kdf::Pbkdf2 {
            iter: members.number("iter")?,
            salt: salt()?,
        },
        _ => {
            return Err(FormatError::Unsupported {
                what: "the KDF of the key config (known are Scrypt and PBKDF2)".into(),
            }
            .into());
        }
    };
    kdf.check()?;
    Ok(kdf)
}

impl Serialize for KeyConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let data = match &self.protection {
            Protection::None(key) => {
                map.serialize_entry("kdf", &())?;
                Zeroizing::new(base64_text::encode(key.raw()))
            }
            Protection::Password { kdf, wrapped } => {
                map.serialize_entry("kdf", &kdf_value(kdf))?;
                Zeroizing::new(wrapped.to_base64())
            }
        };
        map.serialize_entry("created", self.created.as_str())?;
        map.serialize_entry("modified", self.modified.as_str())?;
        map.serialize_entry("data", data.as_str())?;
        if let Some(fingerprint) = &self.fingerprint {
            map.serialize_entry("fingerprint", fingerprint)?;
        }
        if let Some(hint) = &self.hint {
            map.serialize_entry("hint", hint)?;
        }
        map.end()
    }
}

fn kdf_value(kdf: &Kdf) -> Value {
    match kdf {
        Kdf::Scrypt { n, r, p, salt } => {
            json!({ "Scrypt": { "n": n, "r": r, "p": p, "salt": base64_text::encode(salt) } })
        }
        Kdf::Pbkdf2 { iter, salt } => {
            json!({ "PBKDF2": { "iter": iter, "salt": base64_text::encode(salt) } })
        }
    }
}
