//! PBS's two key files as one store: plain keys for the super user, the same keys under their passwords for everybody who
//! may see the configuration (keys.md 3).
//!
//! Order of writing: a key that is added goes into the plain file first, one that is removed leaves the key configs first.
//! A kill in between leaves a plain key that no config names: adding and removing it again both work.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use ferrite_formats::key::{
    Hint, KdfKind, KeyConfig, KeyConfigFile, KeyError, KeyInfo, KeyTime, Password, PlainKeyFile,
    WrapRandomness, config_file_digest,
};
use ferrite_formats::{CryptKey, Digest, Fingerprint};
use zeroize::Zeroizing;

use crate::error::{Error, IoContext, Result};
use crate::replace::{FileAttributes, replace_file};

/// Most bytes of a key file: what the parser takes at most.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// One of the two files.
#[derive(Debug, Clone)]
pub struct KeyFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it gets when it is written.
    pub attributes: FileAttributes,
}

/// Both key files. Whoever calls something that changes them holds the lock of the keys.
#[derive(Debug, Clone)]
pub struct KeyStore {
    plain: KeyFile,
    configs: KeyFile,
}

/// All keys, as far as everybody may know them.
#[derive(Debug, Clone)]
pub struct KeyList {
    /// In the order of the file.
    pub keys: Vec<KeyInfo>,
    /// Of the file, for [`KeyStore::remove`].
    pub digest: Digest,
}

/// How a key is to be put under a password.
#[derive(Debug)]
pub struct NewWrapping<'a> {
    /// The password.
    pub password: &'a Password,
    /// Not [`KdfKind::None`].
    pub kdf: KdfKind,
    /// What reminds of the password; where not given, the hint that the key has.
    pub hint: Option<&'a Hint>,
    /// The time now.
    pub now: KeyTime,
}

/// What opens a key whose password is to be changed.
#[derive(Debug)]
pub enum CurrentPassword<'a> {
    /// The password it has.
    Password(&'a Password),
    /// None: the key is taken from the plain keys.
    PlainKey,
}

impl KeyStore {
    /// A store of these files; neither has to exist.
    pub fn new(plain: KeyFile, configs: KeyFile) -> Self {
        Self { plain, configs }
    }

    /// All keys.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Io`].
    pub fn list(&self) -> Result<KeyList> {
        let content = self.read_configs()?;
        let file = parse(&self.configs.path, content.as_deref(), |content| {
            KeyConfigFile::parse(content)
        })?;
        Ok(KeyList {
            keys: file.configs().map(KeyConfig::info).collect(),
            digest: config_file_digest(content.as_deref().map(Vec::as_slice)),
        })
    }

    /// The key under its password.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::File`], [`Error::Io`].
    pub fn config(&self, fingerprint: &Fingerprint) -> Result<KeyConfig> {
        let configs = self.load_configs()?;
        configs
            .get(fingerprint)
            .cloned()
            .ok_or_else(|| self.unknown(fingerprint))
    }

    /// The key itself.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::NotPlain`], [`Error::File`], [`Error::Io`] (also for lack of permission).
    pub fn key(&self, fingerprint: &Fingerprint) -> Result<CryptKey> {
        let plain = self.load_plain()?;
        if let Some(key) = plain.get(fingerprint) {
            return Ok(key.clone());
        }
        let _ = self.config(fingerprint)?;
        Err(self.not_plain(fingerprint))
    }

    /// Makes a new random key.
    ///
    /// # Errors
    /// [`KeyError::NoPassword`] for [`KdfKind::None`], [`KeyError::BadHint`] without a hint; those of reading and writing.
    pub fn create(&self, wrapping: &NewWrapping<'_>) -> Result<Fingerprint> {
        let mut raw = Zeroizing::new([0; 32]);
        fill(&mut *raw)?;
        let key = CryptKey::new(*raw);
        let hint = wrapping.hint.ok_or(KeyError::BadHint)?;
        let config = KeyConfig::create(
            &key,
            wrapping.password,
            wrapping.kdf,
            hint,
            &randomness()?,
            &wrapping.now,
        )?;
        self.insert(key, config, false)
    }

    /// Takes in a key that comes under its password: from a key file, a paper key, a tape. `hint` replaces the one it has;
    /// `overwrite` allows that the key is there already, and then its password becomes that of `config`.
    ///
    /// # Errors
    /// [`Error::Exists`], [`KeyError::WrongPassword`], [`KeyError::FingerprintMismatch`], [`KeyError::NoPassword`]; those of
    /// reading and writing.
    pub fn import(
        &self,
        config: KeyConfig,
        password: &Password,
        hint: Option<&Hint>,
        overwrite: bool,
    ) -> Result<Fingerprint> {
        if config.fingerprint.is_some() {
            let _ = config.check_tape_key()?;
        }
        let key = config.open(password)?;
        let named = KeyConfig {
            fingerprint: Some(key.fingerprint()),
            ..config
        };
        let _ = named.check_tape_key()?;
        let named = match hint {
            Some(hint) => named.with_hint(hint),
            None => named,
        };
        self.insert(key, named, overwrite)
    }

    fn insert(&self, key: CryptKey, config: KeyConfig, overwrite: bool) -> Result<Fingerprint> {
        let fingerprint = key.fingerprint();
        let (mut plain, mut configs) = (self.load_plain()?, self.load_configs()?);
        let has_plain = plain.get(&fingerprint).is_some();
        if !overwrite && has_plain && configs.get(&fingerprint).is_some() {
            return Err(Error::Exists { fingerprint });
        }
        if !has_plain {
            plain.insert(key)?;
            self.write_plain(&plain)?;
        }
        configs.replace(config)?;
        self.write_configs(&configs)?;
        Ok(fingerprint)
    }

    /// Puts a key under another password. Tapes keep the old one.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::NotPlain`], [`KeyError::WrongPassword`], those of a new password; those of reading and
    /// writing. Then nothing was changed.
    pub fn change_password(
        &self,
        fingerprint: &Fingerprint,
        current: &CurrentPassword<'_>,
        wrapping: &NewWrapping<'_>,
    ) -> Result<()> {
        let mut configs = self.load_configs()?;
        let config = configs
            .get(fingerprint)
            .ok_or_else(|| self.unknown(fingerprint))?;
        let key = match current {
            CurrentPassword::Password(password) => config.open(password)?,
            CurrentPassword::PlainKey => self.key(fingerprint)?,
        };
        let kept = config.hint.as_deref().map(Hint::new).transpose()?;
        let hint = wrapping.hint.or(kept.as_ref()).ok_or(KeyError::BadHint)?;
        let changed = config.wrap_again(
            &key,
            wrapping.password,
            wrapping.kdf,
            hint,
            &randomness()?,
            &wrapping.now,
        )?;
        configs.replace(changed)?;
        self.write_configs(&configs)
    }

    /// Removes a key from both files. With `digest` only if the key configs are those that the caller has seen.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Changed`]; those of reading and writing.
    pub fn remove(&self, fingerprint: &Fingerprint, digest: Option<&Digest>) -> Result<()> {
        let content = self.read_configs()?;
        let found = config_file_digest(content.as_deref().map(Vec::as_slice));
        if digest.is_some_and(|digest| *digest != found) {
            let path = self.configs.path.clone();
            return Err(Error::Changed { path, found });
        }
        let (mut plain, mut configs) = (self.load_plain()?, self.load_configs()?);
        let (had_config, had_key) = (
            configs.remove(fingerprint).is_some(),
            plain.remove(fingerprint).is_some(),
        );
        if had_config {
            self.write_configs(&configs)?;
        }
        if had_key {
            self.write_plain(&plain)?;
        }
        if had_config || had_key {
            return Ok(());
        }
        Err(self.unknown(fingerprint))
    }

    fn unknown(&self, fingerprint: &Fingerprint) -> Error {
        Error::Unknown {
            fingerprint: *fingerprint,
            path: self.configs.path.clone(),
        }
    }

    fn not_plain(&self, fingerprint: &Fingerprint) -> Error {
        Error::NotPlain {
            fingerprint: *fingerprint,
            configs: self.configs.path.clone(),
            plain: self.plain.path.clone(),
        }
    }

    fn read_configs(&self) -> Result<Option<Zeroizing<Vec<u8>>>> {
        read(&self.configs.path)
    }

    fn load_configs(&self) -> Result<KeyConfigFile> {
        let content = self.read_configs()?;
        parse(&self.configs.path, content.as_deref(), |content| {
            KeyConfigFile::parse(content)
        })
    }

    fn load_plain(&self) -> Result<PlainKeyFile> {
        let content = read(&self.plain.path)?;
        parse(&self.plain.path, content.as_deref(), |content| {
            PlainKeyFile::parse(content)
        })
    }

    fn write_plain(&self, plain: &PlainKeyFile) -> Result<()> {
        replace_file(&self.plain.path, &plain.print()?, self.plain.attributes)
    }

    fn write_configs(&self, configs: &KeyConfigFile) -> Result<()> {
        replace_file(
            &self.configs.path,
            &configs.print()?,
            self.configs.attributes,
        )
    }
}

fn parse<T: Default>(
    path: &Path,
    content: Option<&Vec<u8>>,
    parse: impl FnOnce(&[u8]) -> Result<T, KeyError>,
) -> Result<T> {
    let Some(content) = content else {
        return Ok(T::default());
    };
    parse(content).map_err(|error| Error::File {
        path: path.into(),
        error,
    })
}

/// `None`: there is no such file. What was read is wiped, and nothing of it is left in a buffer that was too small.
fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).at("read", path),
    };
    let bytes = file.metadata().at("read", path)?.len().min(MAX_FILE_BYTES);
    // One more than there is: reading into a full buffer would let it grow.
    let room = usize::try_from(bytes)
        .unwrap_or(usize::MAX)
        .saturating_add(64);
    let mut content = Zeroizing::new(Vec::with_capacity(room));
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut content)
        .at("read", path)?;
    Ok(Some(content))
}

fn randomness() -> Result<WrapRandomness> {
    let mut randomness = WrapRandomness {
        salt: [0; 32],
        iv: [0; 16],
    };
    fill(&mut randomness.salt)?;
    fill(&mut randomness.iv)?;
    Ok(randomness)
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| Error::Random(error.to_string()))
}
