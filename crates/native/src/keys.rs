//! Tape keys and their passwords. Neither ever becomes a JavaScript value: TypeScript holds objects that only this side can
//! look into.

use std::path::PathBuf;
use std::sync::Arc;

use ferrite_formats::key::{
    Hint, KdfKind, KeyConfig, KeyInfo as CoreKeyInfo, KeyTime, PaperKey, Password as CorePassword,
    read_paper_key,
};
use ferrite_formats::{CryptKey, Digest, Fingerprint};
use ferrite_keys::{
    Ask, CurrentPassword, FileAttributes, KeyFile, KeyStore as CoreKeyStore, NewWrapping,
    PasswordReader as CoreReader,
};
use napi::Env;
use napi::bindgen_prelude::{Buffer, ClassInstance, Object};
use napi_derive::napi;
use zeroize::{Zeroize, Zeroizing};

use crate::failure::{Failure, Kind, sync};
use crate::plain::Owner;
use crate::promise::on_thread;

/// A password. Its bytes cannot be had back, and are overwritten when it is collected.
#[napi]
pub struct Password {
    core: Arc<CorePassword>,
}

#[napi]
impl Password {
    /// Takes UTF-8 bytes; the buffer is overwritten, also when they are refused.
    #[napi(factory)]
    pub fn from_bytes(env: &Env, mut bytes: Buffer) -> napi::Result<Self> {
        let password = CorePassword::new(bytes.to_vec());
        bytes.zeroize();
        let failed =
            |error: ferrite_formats::key::KeyError| Failure::from(ferrite_keys::Error::from(error));
        sync(env, password.map_err(failed)).map(|core| Self {
            core: Arc::new(core),
        })
    }
}

/// What to ask for.
#[napi(object)]
pub struct PasswordPrompt {
    /// What the person sees on the terminal.
    pub prompt: String,
    /// Asks again with this text, and compares; only on a terminal.
    pub verify: Option<String>,
}

/// Asks for passwords: on the terminal without echo, else line by line of standard input.
#[napi]
pub struct PasswordReader {
    core: CoreReader,
}

#[napi]
impl PasswordReader {
    /// Reads nothing yet.
    #[napi(constructor)]
    #[allow(clippy::new_without_default, reason = "JavaScript has no defaults")]
    pub fn new() -> Self {
        Self {
            core: CoreReader::default(),
        }
    }

    /// The next password.
    #[napi(ts_return_type = "Promise<Password>")]
    pub fn read<'env>(&self, env: &'env Env, ask: PasswordPrompt) -> napi::Result<Object<'env>> {
        let reader = self.core.clone();
        on_thread(env, "password", move || {
            let ask = Ask {
                prompt: ask.prompt,
                verify: ask.verify,
            };
            Ok(Password {
                core: Arc::new(reader.read(&ask)?),
            })
        })
    }

    /// A password or token that another program is given, so JavaScript sees it: any line that is not empty.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn read_secret<'env>(&self, env: &'env Env, prompt: String) -> napi::Result<Object<'env>> {
        let reader = self.core.clone();
        on_thread(env, "password", move || {
            Ok(reader.read_secret(&prompt)?.to_string())
        })
    }

    /// Stops asking; the terminal is as it was.
    #[napi]
    pub fn cancel(&self) {
        self.core.cancel();
    }
}

/// A key as it stands in the plain key file. Its bytes cannot be had; they are overwritten when it is collected.
#[napi]
pub struct TapeKey {
    core: Arc<CryptKey>,
}

#[napi]
impl TapeKey {
    /// Which key it is.
    #[napi(getter)]
    pub fn fingerprint(&self) -> String {
        self.core.fingerprint().to_string()
    }
}

impl TapeKey {
    /// The key, for the thread of a drive.
    pub fn core(&self) -> Arc<CryptKey> {
        Arc::clone(&self.core)
    }
}

/// How a key is protected.
#[napi(string_enum = "lowercase")]
pub enum KeyDerivation {
    /// Not at all: refused for tape keys.
    None,
    /// scrypt with n 65536, r 8, p 1.
    Scrypt,
    /// PBKDF2-HMAC-SHA256 with 65535 rounds.
    Pbkdf2,
}

impl From<KeyDerivation> for KdfKind {
    fn from(kdf: KeyDerivation) -> Self {
        match kdf {
            KeyDerivation::None => Self::None,
            KeyDerivation::Scrypt => Self::Scrypt,
            KeyDerivation::Pbkdf2 => Self::Pbkdf2,
        }
    }
}

impl From<KdfKind> for KeyDerivation {
    fn from(kind: KdfKind) -> Self {
        match kind {
            KdfKind::None => Self::None,
            KdfKind::Scrypt => Self::Scrypt,
            KdfKind::Pbkdf2 => Self::Pbkdf2,
        }
    }
}

/// What is known of a key without its password (keys.md 4).
#[napi(object)]
pub struct KeyInfo {
    /// Kind of its protection.
    pub kdf: KeyDerivation,
    /// When the key was made, epoch seconds.
    pub created: i64,
    /// When its password was last changed, epoch seconds.
    pub modified: i64,
    /// 32 hex pairs with colons; absent in very old files.
    pub fingerprint: Option<String>,
    /// Password hint.
    pub hint: Option<String>,
}

impl From<CoreKeyInfo> for KeyInfo {
    fn from(info: CoreKeyInfo) -> Self {
        Self {
            kdf: info.kdf.into(),
            created: info.created,
            modified: info.modified,
            fingerprint: info.fingerprint.map(|fingerprint| fingerprint.to_string()),
            hint: info.hint,
        }
    }
}

/// All keys of a store.
#[napi(object)]
pub struct KeyList {
    /// In the order of the file.
    pub keys: Vec<KeyInfo>,
    /// SHA-256 of the file with the key configs, for `remove`.
    pub digest: String,
}

/// A key under its password: from a key file, a paper key, the label of a tape. Not secret; one without password is
/// refused where it would be used.
#[napi]
pub struct WrappedKey {
    core: Arc<KeyConfig>,
}

#[napi]
impl WrappedKey {
    /// Finds it in a key file or in a paper key of any form that can be typed, saved or mailed. The buffer is
    /// overwritten: it may hold a key without password.
    #[napi(factory)]
    pub fn parse(env: &Env, mut bytes: Buffer) -> napi::Result<Self> {
        let parsed = read_paper_key(&bytes);
        bytes.zeroize();
        let parsed = parsed.map_err(|error| ferrite_keys::Error::from(error).into());
        sync(env, parsed).map(|core| Self {
            core: Arc::new(core),
        })
    }

    /// Finds it in whatever file somebody has: as `parse`, and on a scan or photo of a paper key (PNG, JPEG). The buffer is
    /// overwritten when it was read.
    #[napi(ts_return_type = "Promise<WrappedKey>")]
    pub fn read(env: &Env, bytes: Buffer) -> napi::Result<Object<'_>> {
        let content = Zeroizing::new(bytes.to_vec());
        let mut bytes = bytes;
        bytes.zeroize();
        on_thread(env, "key", move || {
            Ok(Self {
                core: Arc::new(ferrite_keys::read_key(&content)?),
            })
        })
    }

    /// What is known of it.
    #[napi(getter)]
    pub fn info(&self) -> KeyInfo {
        self.core.info().into()
    }

    /// Proves that a password opens it and that it is the key named; its fingerprint.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn check<'env>(&self, env: &'env Env, password: &Password) -> napi::Result<Object<'env>> {
        let (config, password) = (Arc::clone(&self.core), Arc::clone(&password.core));
        on_thread(env, "key", move || {
            let key = config.open(&password).map_err(ferrite_keys::Error::from)?;
            Ok(key.fingerprint().to_string())
        })
    }

    /// As the label of a media set has it.
    #[napi]
    pub fn label_json(&self, env: &Env) -> napi::Result<String> {
        let value = self.core.to_label_value();
        let value = value.map_err(|error| ferrite_keys::Error::from(error).into());
        sync(env, value).map(|value| value.to_string())
    }

    /// A page or text to be printed.
    #[napi]
    pub fn paper(
        &self,
        env: &Env,
        format: PaperFormat,
        subject: Option<String>,
    ) -> napi::Result<String> {
        let paper = || -> Result<String, ferrite_keys::Error> {
            // Whoever finds a key without password on paper has it.
            let _ = self.core.check_tape_key()?;
            let paper = PaperKey::new(&self.core, subject.as_deref())?;
            let text = match format {
                PaperFormat::Text => paper.text(),
                PaperFormat::Html => paper.html(),
            };
            Ok(text.to_string())
        };
        sync(env, paper().map_err(Failure::from))
    }
}

/// Form of a paper key.
#[napi(string_enum = "lowercase")]
pub enum PaperFormat {
    /// Lines, with a QR code of block characters.
    Text,
    /// One page.
    Html,
}

/// Where the two key files are, and what they get when they are written.
#[napi(object)]
pub struct KeyFiles {
    /// `tape-encryption-keys.json`
    pub plain_path: String,
    /// `tape-encryption-key-config.json`
    pub config_path: String,
    /// Mode of the latter; the former is always 0600.
    pub config_mode: u32,
    /// Owner of the latter; the process's own where not given.
    pub config_owner: Option<Owner>,
}

/// How a key is put under a password.
#[napi(object, object_to_js = false)]
pub struct KeyWrapping<'env> {
    /// The password.
    pub password: ClassInstance<'env, Password>,
    /// Not `none`.
    pub kdf: KeyDerivation,
    /// What reminds of it; the present hint where not given.
    pub hint: Option<String>,
    /// Epoch seconds.
    pub now: i64,
    /// East of UTC: times in key files are local.
    pub utc_offset_seconds: i32,
}

/// A wrapping that a thread can own.
struct OwnedWrapping {
    password: Arc<CorePassword>,
    kdf: KdfKind,
    hint: Option<Hint>,
    now: KeyTime,
}

impl TryFrom<KeyWrapping<'_>> for OwnedWrapping {
    type Error = ferrite_keys::Error;

    fn try_from(wrapping: KeyWrapping<'_>) -> Result<Self, Self::Error> {
        Ok(Self {
            password: Arc::clone(&wrapping.password.core),
            kdf: wrapping.kdf.into(),
            hint: wrapping.hint.as_deref().map(Hint::new).transpose()?,
            now: KeyTime::new(wrapping.now, wrapping.utc_offset_seconds)?,
        })
    }
}

impl OwnedWrapping {
    fn borrowed(&self) -> NewWrapping<'_> {
        NewWrapping {
            password: &self.password,
            kdf: self.kdf,
            hint: self.hint.as_ref(),
            now: self.now.clone(),
        }
    }
}

/// The two key files. Whoever calls something that changes them holds the lock of the keys.
#[napi]
pub struct KeyStore {
    core: Arc<CoreKeyStore>,
}

#[napi]
impl KeyStore {
    /// Neither file has to exist.
    #[napi(constructor)]
    pub fn new(files: KeyFiles) -> Self {
        let file = |path: String, mode: u32, owner: Option<Owner>| KeyFile {
            path: PathBuf::from(path),
            attributes: FileAttributes {
                mode,
                owner: owner.map(|owner| (owner.uid, owner.gid)),
            },
        };
        Self {
            core: Arc::new(CoreKeyStore::new(
                file(files.plain_path, 0o600, None),
                file(files.config_path, files.config_mode, files.config_owner),
            )),
        }
    }

    /// All keys.
    #[napi(ts_return_type = "Promise<KeyList>")]
    pub fn list<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let store = Arc::clone(&self.core);
        on_thread(env, "keys", move || {
            let list = store.list()?;
            Ok(KeyList {
                keys: list.keys.into_iter().map(KeyInfo::from).collect(),
                digest: list.digest.to_string(),
            })
        })
    }

    /// Makes a new key; its fingerprint.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn create<'env>(
        &self,
        env: &'env Env,
        wrapping: KeyWrapping<'env>,
    ) -> napi::Result<Object<'env>> {
        let store = Arc::clone(&self.core);
        let wrapping = OwnedWrapping::try_from(wrapping);
        on_thread(env, "keys", move || {
            Ok(store.create(&wrapping?.borrowed())?.to_string())
        })
    }

    /// Takes in a key that its password opens; its fingerprint. `overwrite`: it may be there already, and then has this
    /// password from now on.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn import_key<'env>(
        &self,
        env: &'env Env,
        wrapped: &WrappedKey,
        password: &Password,
        hint: Option<String>,
        overwrite: bool,
    ) -> napi::Result<Object<'env>> {
        let store = Arc::clone(&self.core);
        let (config, password) = (Arc::clone(&wrapped.core), Arc::clone(&password.core));
        on_thread(env, "keys", move || {
            let hint = hint.as_deref().map(Hint::new).transpose();
            let hint = hint.map_err(ferrite_keys::Error::from)?;
            let fingerprint =
                store.import((*config).clone(), &password, hint.as_ref(), overwrite)?;
            Ok(fingerprint.to_string())
        })
    }

    /// Puts a key under another password. Without `current` the key is taken from the plain keys.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn change_password<'env>(
        &self,
        env: &'env Env,
        fingerprint: String,
        current: Option<&Password>,
        wrapping: KeyWrapping<'env>,
    ) -> napi::Result<Object<'env>> {
        let store = Arc::clone(&self.core);
        let current = current.map(|password| Arc::clone(&password.core));
        let wrapping = OwnedWrapping::try_from(wrapping);
        on_thread(env, "keys", move || {
            let current = match &current {
                Some(password) => CurrentPassword::Password(password),
                None => CurrentPassword::PlainKey,
            };
            let fingerprint = parse_fingerprint(&fingerprint)?;
            Ok(store.change_password(&fingerprint, &current, &wrapping?.borrowed())?)
        })
    }

    /// Removes a key; with `digest` only if the key configs are still those of the list with this digest.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn remove<'env>(
        &self,
        env: &'env Env,
        fingerprint: String,
        digest: Option<String>,
    ) -> napi::Result<Object<'env>> {
        let store = Arc::clone(&self.core);
        on_thread(env, "keys", move || {
            let digest = digest.as_deref().map(parse_digest).transpose()?;
            Ok(store.remove(&parse_fingerprint(&fingerprint)?, digest.as_ref())?)
        })
    }

    /// The key under its password.
    #[napi(ts_return_type = "Promise<WrappedKey>")]
    pub fn wrapped<'env>(&self, env: &'env Env, fingerprint: String) -> napi::Result<Object<'env>> {
        let store = Arc::clone(&self.core);
        on_thread(env, "keys", move || {
            Ok(WrappedKey {
                core: Arc::new(store.config(&parse_fingerprint(&fingerprint)?)?),
            })
        })
    }

    /// The key itself, for a drive.
    #[napi(ts_return_type = "Promise<TapeKey>")]
    pub fn unlock<'env>(&self, env: &'env Env, fingerprint: String) -> napi::Result<Object<'env>> {
        let store = Arc::clone(&self.core);
        on_thread(env, "keys", move || {
            Ok(TapeKey {
                core: Arc::new(store.key(&parse_fingerprint(&fingerprint)?)?),
            })
        })
    }
}

fn parse_fingerprint(text: &str) -> Result<Fingerprint, Failure> {
    let refuse = |error: ferrite_formats::FormatError| {
        Failure::new(Kind::Usage, "fingerprint", format!("'{text}': {error}"))
    };
    text.parse().map_err(refuse)
}

fn parse_digest(text: &str) -> Result<Digest, Failure> {
    let refuse = |error: ferrite_formats::FormatError| {
        Failure::new(Kind::Usage, "digest", format!("'{text}': {error}"))
    };
    text.parse().map_err(refuse)
}
