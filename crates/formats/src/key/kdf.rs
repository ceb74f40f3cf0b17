//! From a password to the key that wraps a key (keys.md 2.1).
//!
//! Parameters come from files and tapes of others. They are bounded before anything is allocated or computed: 1 GiB for
//! scrypt and ten million rounds for PBKDF2 take about ten seconds.

use sha2::Sha256;
use zeroize::Zeroizing;

use super::error::{KeyError, Result};
use super::password::Password;
use crate::crypt::KEY_BYTES;
use crate::error::FormatError;

/// Bytes in the salt of a new key.
pub const SALT_BYTES: usize = 32;
/// Longest salt that is read.
pub const MAX_SALT_BYTES: usize = 1024;
/// Most memory for scrypt, as 128 n r p.
pub const MAX_SCRYPT_BYTES: u64 = 1 << 30;
/// Most rounds of PBKDF2.
pub const MAX_ROUNDS: u64 = 10_000_000;

/// How a new key is protected; the values of `--kdf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KdfKind {
    /// Not at all. Refused for tape keys.
    None,
    /// scrypt with n 65536, r 8, p 1.
    #[default]
    Scrypt,
    /// PBKDF2-HMAC-SHA256 with 65535 rounds.
    Pbkdf2,
}

/// A key derivation function with its parameters, as a key config stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kdf {
    /// scrypt (RFC 7914).
    Scrypt {
        /// Cost: a power of two above 1.
        n: u64,
        /// Block size.
        r: u64,
        /// Parallelism.
        p: u64,
        /// Salt, at most [`MAX_SALT_BYTES`].
        salt: Vec<u8>,
    },
    /// PBKDF2 with HMAC-SHA256 (RFC 8018).
    Pbkdf2 {
        /// Rounds.
        iter: u64,
        /// Salt, at most [`MAX_SALT_BYTES`].
        salt: Vec<u8>,
    },
}

impl Kdf {
    /// The parameters that PBS gives new keys; none for [`KdfKind::None`].
    pub fn for_new_key(kind: KdfKind, salt: &[u8; SALT_BYTES]) -> Option<Self> {
        let salt = salt.to_vec();
        match kind {
            KdfKind::None => None,
            KdfKind::Scrypt => Some(Self::Scrypt {
                n: 65_536,
                r: 8,
                p: 1,
                salt,
            }),
            KdfKind::Pbkdf2 => Some(Self::Pbkdf2 { iter: 65_535, salt }),
        }
    }

    /// Which one it is.
    pub fn kind(&self) -> KdfKind {
        match self {
            Self::Scrypt { .. } => KdfKind::Scrypt,
            Self::Pbkdf2 { .. } => KdfKind::Pbkdf2,
        }
    }

    /// Checks the parameters, in constant time and memory.
    ///
    /// # Errors
    /// [`FormatError::TooLarge`] above the limits, [`FormatError::Invalid`] for values that the function does not take.
    pub fn check(&self) -> Result<()> {
        let salt = match self {
            Self::Scrypt { n, r, p, salt } => {
                check_scrypt(*n, *r, *p)?;
                salt
            }
            Self::Pbkdf2 { iter, salt } => {
                limit("PBKDF2 rounds of a key", *iter, MAX_ROUNDS)?;
                if *iter == 0 {
                    return Err(FormatError::invalid("PBKDF2 rounds of a key", "are 0").into());
                }
                salt
            }
        };
        limit(
            "bytes in the salt of a key",
            salt.len() as u64,
            MAX_SALT_BYTES as u64,
        )
    }

    /// Derives the wrapping key from a password.
    ///
    /// # Errors
    /// As [`Kdf::check`], and [`KeyError::OutOfMemory`].
    pub fn derive(&self, password: &Password) -> Result<Zeroizing<[u8; KEY_BYTES]>> {
        self.derive_from(password.as_bytes())
    }

    pub(super) fn derive_from(&self, password: &[u8]) -> Result<Zeroizing<[u8; KEY_BYTES]>> {
        self.check()?;
        let mut derived = Zeroizing::new([0; KEY_BYTES]);
        match self {
            Self::Scrypt { n, r, p, salt } => {
                reserve(scrypt_bytes(*n, *r, *p))?;
                let refuse =
                    || FormatError::invalid("scrypt parameters of a key", "are out of range");
                let number = |value: u64| u32::try_from(value).map_err(|_| refuse());
                let log_n = u8::try_from(n.ilog2()).map_err(|_| refuse())?;
                let params =
                    scrypt::Params::new(log_n, number(*r)?, number(*p)?).map_err(|_| refuse())?;
                scrypt::scrypt(password, salt, &params, &mut *derived).map_err(|_| refuse())?;
            }
            Self::Pbkdf2 { iter, salt } => {
                let rounds = u32::try_from(*iter).map_err(|_| {
                    FormatError::invalid("PBKDF2 rounds of a key", "are out of range")
                })?;
                pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, rounds, &mut *derived);
            }
        }
        Ok(derived)
    }
}

fn check_scrypt(n: u64, r: u64, p: u64) -> Result<()> {
    const WHAT: &str = "scrypt parameters of a key";
    limit(
        "bytes of memory that scrypt needs for a key",
        scrypt_bytes(n, r, p),
        MAX_SCRYPT_BYTES,
    )?;
    if n < 2 || !n.is_power_of_two() {
        return Err(
            FormatError::invalid(WHAT, format!("n is {n}, not a power of two above 1")).into(),
        );
    }
    if r == 0 || p == 0 {
        return Err(FormatError::invalid(WHAT, "r or p is 0").into());
    }
    Ok(())
}

/// 128 n r p, or the largest number when that is larger.
fn scrypt_bytes(n: u64, r: u64, p: u64) -> u64 {
    128_u64
        .saturating_mul(n)
        .saturating_mul(r)
        .saturating_mul(p)
}

fn limit(what: &'static str, found: u64, limit: u64) -> Result<()> {
    if found > limit {
        return Err(FormatError::TooLarge { what, found, limit }.into());
    }
    Ok(())
}

/// Finds out whether the memory can be had: inside of scrypt its lack would end the process (or the browser's module).
fn reserve(bytes: u64) -> Result<()> {
    let refuse = |_| KeyError::OutOfMemory { bytes };
    let length = usize::try_from(bytes).map_err(|_| KeyError::OutOfMemory { bytes })?;
    Vec::<u8>::new().try_reserve_exact(length).map_err(refuse)
}
