//! The two key files on disk: as PBS writes them, whole at every moment, refused as a whole when one thing in them is wrong.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use ferrite_formats::CryptKey;
use ferrite_formats::key::{Hint, KdfKind, KeyConfig, KeyError, KeyTime, Password, PlainKeyFile};
use ferrite_keys::{CurrentPassword, Error, FileAttributes, KeyFile, KeyStore, NewWrapping};
use serde_json::Value;

struct Place {
    folder: tempfile::TempDir,
    store: KeyStore,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, mode| KeyFile {
            path: folder.path().join(name),
            attributes: FileAttributes { mode, owner: None },
        };
        let store = KeyStore::new(
            file("tape-encryption-keys.json", 0o600),
            file("tape-encryption-key-config.json", 0o640),
        );
        Self { folder, store }
    }

    fn plain(&self) -> PathBuf {
        self.folder.path().join("tape-encryption-keys.json")
    }

    fn configs(&self) -> PathBuf {
        self.folder.path().join("tape-encryption-key-config.json")
    }

    fn contents(&self) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        (fs::read(self.plain()).ok(), fs::read(self.configs()).ok())
    }
}

fn password(text: &str) -> Password {
    Password::new(text.as_bytes().to_vec()).unwrap()
}

fn hint(text: &str) -> Hint {
    Hint::new(text).unwrap()
}

fn wrapping<'a>(password: &'a Password, hint: Option<&'a Hint>) -> NewWrapping<'a> {
    NewWrapping {
        password,
        kdf: KdfKind::Pbkdf2,
        hint,
        now: KeyTime::new(1_714_564_800, 7200).unwrap(),
    }
}

/// The key of the vectors, under "correct horse".
fn vector_config() -> KeyConfig {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/vectors/keys/configs.json"
    );
    let file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let json = file["wrapped"][1]["json"].as_str().unwrap();
    KeyConfig::parse(json.as_bytes()).unwrap()
}

#[test]
fn a_key_is_made_shown_renamed_and_removed() {
    let place = Place::new();
    assert!(place.store.list().unwrap().keys.is_empty());
    let (first, equine) = (password("correct horse"), hint("equine"));
    let fingerprint = place
        .store
        .create(&wrapping(&first, Some(&equine)))
        .unwrap();

    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(place.plain()), mode(place.configs())), (0o600, 0o640));
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 2);
    assert_eq!(
        place.store.key(&fingerprint).unwrap().fingerprint(),
        fingerprint
    );
    let config = place.store.config(&fingerprint).unwrap();
    assert_eq!(config.created.as_str(), "2024-05-01T14:00:00+02:00");
    config.open(&first).unwrap();

    let second = password("battery staple");
    let change = |current: &CurrentPassword<'_>, new: &Password| {
        place
            .store
            .change_password(&fingerprint, current, &wrapping(new, None))
    };
    let before = place.contents();
    let error = change(&CurrentPassword::Password(&second), &second).unwrap_err();
    assert_eq!(error.code(), "wrong-password");
    assert!(error.to_string().contains("equine"), "{error}");
    assert_eq!(place.contents(), before);
    change(&CurrentPassword::Password(&first), &second).unwrap();
    assert_eq!(place.contents().0, before.0);
    let config = place.store.config(&fingerprint).unwrap();
    assert_eq!(config.hint.as_deref(), Some("equine"));
    config.open(&second).unwrap();
    change(&CurrentPassword::PlainKey, &first).unwrap();
    place
        .store
        .config(&fingerprint)
        .unwrap()
        .open(&first)
        .unwrap();

    place.store.remove(&fingerprint, None).unwrap();
    assert_eq!(
        place.contents(),
        (Some(b"[]".to_vec()), Some(b"[]".to_vec()))
    );
    assert_eq!(
        place.store.key(&fingerprint).unwrap_err().code(),
        "unknown-key"
    );
    assert_eq!(
        place.store.remove(&fingerprint, None).unwrap_err().code(),
        "unknown-key"
    );
}

#[test]
fn keys_come_back_under_the_password_they_have() {
    let place = Place::new();
    let (right, wrong) = (password("correct horse"), password("correct hearse"));
    let config = vector_config();
    let import = |config: KeyConfig, password, hint: Option<&Hint>, overwrite| {
        place.store.import(config, password, hint, overwrite)
    };
    assert_eq!(
        import(config.clone(), &wrong, None, false)
            .unwrap_err()
            .code(),
        "wrong-password"
    );
    assert_eq!(place.contents(), (None, None));
    let fingerprint = import(config.clone(), &right, Some(&hint("other")), false).unwrap();
    assert_eq!(
        place.store.config(&fingerprint).unwrap().hint.as_deref(),
        Some("other")
    );

    let error = import(config.clone(), &right, None, false).unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    import(config.clone(), &right, None, true).unwrap();
    assert_eq!(
        place.store.config(&fingerprint).unwrap().hint.as_deref(),
        Some("equine")
    );

    // A very old file does not name its key.
    let nameless = KeyConfig {
        fingerprint: None,
        ..config
    };
    import(nameless, &right, None, true).unwrap();
    assert_eq!(place.store.list().unwrap().keys.len(), 1);
}

#[test]
fn what_an_interrupted_command_left_is_completed() {
    let place = Place::new();
    let right = password("correct horse");
    let fingerprint = place
        .store
        .import(vector_config(), &right, None, false)
        .unwrap();
    let (plain, configs) = place.contents();

    // Added to the plain keys only; removed from the key configs only; plain keys lost.
    for (kept_plain, kept_configs) in [(true, false), (false, true)] {
        let put = |path, keep, content: &Option<Vec<u8>>| {
            if keep {
                fs::write(path, content.as_ref().unwrap()).unwrap()
            } else {
                fs::remove_file(path).unwrap()
            }
        };
        put(place.plain(), kept_plain, &plain);
        put(place.configs(), kept_configs, &configs);
        if !kept_plain {
            assert_eq!(
                place.store.key(&fingerprint).unwrap_err().code(),
                "no-plain-key"
            );
        }
        place
            .store
            .import(vector_config(), &right, None, false)
            .unwrap();
        assert_eq!(place.contents(), (plain.clone(), configs.clone()));
    }
    fs::write(place.configs(), b"[]").unwrap();
    place.store.remove(&fingerprint, None).unwrap();
    assert_eq!(fs::read(place.plain()).unwrap(), b"[]");
}

#[test]
fn a_digest_guards_against_changes_of_others() {
    let place = Place::new();
    let right = password("correct horse");
    let empty = place.store.list().unwrap().digest;
    assert_eq!(
        empty.to_string(),
        "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
    );
    let fingerprint = place
        .store
        .import(vector_config(), &right, None, false)
        .unwrap();
    let before = place.contents();
    let error = place.store.remove(&fingerprint, Some(&empty)).unwrap_err();
    assert_eq!(error.code(), "digest-mismatch");
    assert_eq!(place.contents(), before);
    let digest = place.store.list().unwrap().digest;
    place.store.remove(&fingerprint, Some(&digest)).unwrap();
}

#[test]
fn damaged_files_are_named_and_left_alone() {
    let place = Place::new();
    let right = password("correct horse");
    let fingerprint = place
        .store
        .import(vector_config(), &right, None, false)
        .unwrap();
    let (plain, configs) = place.contents();
    let (plain, configs) = (plain.unwrap(), configs.unwrap());
    let twice = |content: &[u8]| {
        let element = &content[1..content.len() - 1];
        [b"[", element, b",", element, b"]"].concat()
    };
    let altered = String::from_utf8(plain.clone())
        .unwrap()
        .replace("\"key\": \"00", "\"key\": \"01");
    for (path, damaged) in [
        (place.plain(), plain[..plain.len() / 2].to_vec()),
        (place.plain(), twice(&plain)),
        (place.plain(), altered.into_bytes()),
        (place.plain(), b"{}".to_vec()),
        (place.configs(), configs[..configs.len() / 2].to_vec()),
        (place.configs(), twice(&configs)),
        (
            place.configs(),
            String::from_utf8(configs.clone())
                .unwrap()
                .replace("PBKDF2", "Argon2")
                .into_bytes(),
        ),
    ] {
        fs::write(place.plain(), &plain).unwrap();
        fs::write(place.configs(), &configs).unwrap();
        fs::write(&path, &damaged).unwrap();
        let before = place.contents();
        for error in [
            place
                .store
                .create(&wrapping(&right, Some(&hint("x"))))
                .unwrap_err(),
            place
                .store
                .import(vector_config(), &right, None, true)
                .unwrap_err(),
            place.store.remove(&fingerprint, None).unwrap_err(),
        ] {
            assert_eq!(error.code(), "damaged-key-file", "{error}");
            let text = error.to_string();
            assert!(text.starts_with(&path.display().to_string()), "{text}");
            assert!(!text.contains("000102"), "{text}");
        }
        assert_eq!(place.contents(), before);
    }
}

#[test]
fn keys_without_password_are_no_tape_keys() {
    let place = Place::new();
    let (right, equine) = (password("correct horse"), hint("equine"));
    let none = NewWrapping {
        kdf: KdfKind::None,
        ..wrapping(&right, Some(&equine))
    };
    assert_eq!(place.store.create(&none).unwrap_err().code(), "kdf-none");
    let plain = br#"{"kdf":null,"created":"2024-05-01T12:00:00+00:00","modified":"2024-05-01T12:00:00+00:00","data":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}"#;
    let error = place
        .store
        .import(KeyConfig::parse(plain).unwrap(), &right, None, true)
        .unwrap_err();
    assert!(matches!(error, Error::Key(KeyError::NoPassword)), "{error}");
    assert_eq!(
        place
            .store
            .create(&wrapping(&right, None))
            .unwrap_err()
            .code(),
        "bad-hint"
    );
    assert_eq!(place.contents(), (None, None));
}

#[test]
fn many_keys_stay_in_their_order() {
    let place = Place::new();
    let mut file = PlainKeyFile::default();
    for byte in 1..=40 {
        file.insert(CryptKey::new([byte; 32])).unwrap();
    }
    let text = file.print().unwrap();
    fs::write(place.plain(), &*text).unwrap();
    let right = password("correct horse");
    let fingerprint = place
        .store
        .import(vector_config(), &right, None, false)
        .unwrap();
    place.store.remove(&fingerprint, None).unwrap();
    assert_eq!(fs::read(place.plain()).unwrap(), *text);
}

#[test]
fn a_folder_that_cannot_be_written_to_changes_nothing() {
    let place = Place::new();
    let right = password("correct horse");
    let _ = place
        .store
        .import(vector_config(), &right, None, false)
        .unwrap();
    let before = place.contents();
    let missing = KeyStore::new(
        KeyFile {
            path: place.plain(),
            attributes: FileAttributes {
                mode: 0o600,
                owner: None,
            },
        },
        KeyFile {
            path: place.folder.path().join("missing/configs.json"),
            attributes: FileAttributes {
                mode: 0o640,
                owner: None,
            },
        },
    );
    let error = missing
        .import(vector_config(), &right, None, true)
        .unwrap_err();
    assert_eq!(error.code(), "io");
    assert!(
        error.to_string().contains("missing/configs.tmp_"),
        "{error}"
    );
    assert_eq!(place.contents(), before);
}

#[test]
fn temporary_files_of_killed_commands_do_not_stay() {
    let place = Place::new();
    let (plain, configs) = (
        "tape-encryption-keys.tmp_aB3xYz",
        "tape-encryption-key-config.tmp_aB3xYz",
    );
    let others = ["tape-encryption-keys.txt", "other.tmp_aB3xYz"];
    for name in [plain, configs, others[0], others[1]] {
        fs::write(place.folder.path().join(name), b"half a key").unwrap();
    }
    let right = password("correct horse");
    let _ = place
        .store
        .import(vector_config(), &right, None, false)
        .unwrap();
    let there = |name: &str| place.folder.path().join(name).exists();
    assert!(!there(plain) && !there(configs) && there(others[0]) && there(others[1]));
}
