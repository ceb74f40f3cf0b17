//! Key configs and KDFs against the vectors, and random ones through all forms.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::crypt::CryptKey;
use crate::vectors;

fn class(error: &KeyError) -> &'static str {
    match error {
        KeyError::WrongPassword { .. } => "wrong-password",
        KeyError::FingerprintMismatch { .. } => "fingerprint-mismatch",
        KeyError::Format(error) => vectors::class(error),
        other => panic!("{other}"),
    }
}

fn list(value: &Value) -> &[Value] {
    let list = value.as_array().unwrap();
    assert!(!list.is_empty());
    list
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    vectors::hex_of(value).try_into().unwrap()
}

fn password(text: &str) -> Password {
    Password::new(text.as_bytes().to_vec()).unwrap()
}

fn written(config: &KeyConfig) -> String {
    String::from_utf8(config.to_json().unwrap().to_vec()).unwrap()
}

fn create(case: &Value) -> KeyConfig {
    let kind: KdfKind = serde_json::from_value(case["kdf"].clone()).unwrap();
    let randomness = WrapRandomness {
        salt: array(&case["salt"]),
        iv: array(&case["iv"]),
    };
    let offset_seconds = case["offsetSeconds"].as_i64().unwrap() as i32;
    KeyConfig::create(
        &CryptKey::new(array(&case["key"])),
        &password(text(&case["password"])),
        kind,
        &Hint::new(text(&case["hint"])).unwrap(),
        &randomness,
        &KeyTime::new(case["epoch"].as_i64().unwrap(), offset_seconds).unwrap(),
    )
    .unwrap()
}

#[test]
fn kdf_vectors() {
    let file: Value = vectors::read("keys/kdf");
    let number = |case: &Value, name: &str| case[name].as_u64().unwrap();
    for case in list(&file["scrypt"]) {
        let kdf = Kdf::Scrypt {
            n: number(case, "n"),
            r: number(case, "r"),
            p: number(case, "p"),
            salt: vectors::hex_of(&case["salt"]),
        };
        let derived = kdf
            .derive_from(&vectors::hex_of(&case["password"]))
            .unwrap();
        assert_eq!(hex::encode(*derived), case["derived"], "{case}");
    }
    for case in list(&file["pbkdf2"]) {
        let kdf = Kdf::Pbkdf2 {
            iter: number(case, "iter"),
            salt: vectors::hex_of(&case["salt"]),
        };
        let derived = kdf
            .derive_from(&vectors::hex_of(&case["password"]))
            .unwrap();
        assert_eq!(hex::encode(*derived), case["derived"], "{case}");
    }
}

#[test]
fn kdf_parameters_out_of_bounds_are_refused_by_the_parser() {
    let configs: Value = vectors::read("keys/configs");
    let sound: Value = serde_json::from_str(text(&configs["wrapped"][0]["json"])).unwrap();
    let file: Value = vectors::read("keys/kdf");
    for case in list(&file["refused"]) {
        let mut config = sound.clone();
        config["kdf"] = case["kdf"].clone();
        let error = KeyConfig::from_value(&config).unwrap_err();
        assert_eq!(class(&error), case["error"], "{case}: {error}");
    }
}

/// The parser is one guard; whoever builds a [`Kdf`] meets the other.
#[test]
fn derivation_refuses_parameters_above_the_limits() {
    let salt = vec![0; 32];
    for kdf in [
        Kdf::Scrypt {
            n: 1 << 40,
            r: 8,
            p: 1,
            salt: salt.clone(),
        },
        Kdf::Scrypt {
            n: 2,
            r: 1 << 32,
            p: 1 << 32,
            salt: salt.clone(),
        },
        Kdf::Pbkdf2 {
            iter: MAX_ROUNDS + 1,
            salt: salt.clone(),
        },
        Kdf::Pbkdf2 {
            iter: 1,
            salt: vec![0; MAX_SALT_BYTES + 1],
        },
    ] {
        assert_eq!(
            class(&kdf.derive(&password("12345")).unwrap_err()),
            "too-large"
        );
    }
    let largest = Kdf::Scrypt {
        n: 1 << 20,
        r: 8,
        p: 1,
        salt,
    };
    largest.check().unwrap();
}

#[test]
fn keys_are_wrapped_as_the_vectors_say() {
    let file: Value = vectors::read("keys/configs");
    for case in list(&file["wrapped"]) {
        let config = create(case);
        assert_eq!(written(&config), text(&case["json"]));
        let pretty = config.to_json_pretty().unwrap();
        assert_eq!(std::str::from_utf8(&pretty).unwrap(), text(&case["pretty"]));
        assert_eq!(
            config.to_label_value().unwrap().to_string(),
            text(&case["label"])
        );
        let Protection::Password { kdf, wrapped } = &config.protection else {
            panic!("not wrapped");
        };
        let derived = kdf.derive(&password(text(&case["password"]))).unwrap();
        assert_eq!(hex::encode(*derived), case["derived"]);
        assert_eq!(hex::encode(wrapped.tag), case["tag"]);
        assert_eq!(hex::encode(wrapped.ciphertext), case["ciphertext"]);
    }
}

#[test]
fn wrapped_keys_open() {
    let file: Value = vectors::read("keys/configs");
    for case in list(&file["wrapped"]) {
        let label: Value = serde_json::from_str(text(&case["label"])).unwrap();
        for config in [
            KeyConfig::parse(text(&case["json"]).as_bytes()).unwrap(),
            KeyConfig::from_value(&label).unwrap(),
        ] {
            assert_eq!(written(&config), text(&case["json"]));
            let key = config.open(&password(text(&case["password"]))).unwrap();
            assert_eq!(hex::encode(key.raw()), case["key"]);
            assert_eq!(key.fingerprint().to_string(), case["fingerprint"]);
            let info = config.info();
            assert_eq!(info.created, case["epoch"].as_i64().unwrap());
            assert_eq!(serde_json::to_value(info.kdf).unwrap(), case["kdf"]);
            assert_eq!(info.hint.as_deref(), case["hint"].as_str());
        }
    }
}

#[test]
fn a_key_without_password_is_no_tape_key() {
    let file: Value = vectors::read("keys/configs");
    let config = KeyConfig::parse(text(&file["plain"]["json"]).as_bytes()).unwrap();
    assert_eq!(written(&config), text(&file["plain"]["json"]));
    let key = config.open(&password("any password")).unwrap();
    assert_eq!(hex::encode(key.raw()), file["plain"]["key"]);
    assert_eq!(config.to_label_value(), Err(KeyError::NoPassword));
    assert_eq!(
        KeyConfigFile::default().insert(config),
        Err(KeyError::NoPassword)
    );
}

#[test]
fn other_spellings_are_read() {
    let file: Value = vectors::read("keys/configs");
    for case in list(&file["accepted"]) {
        let config = KeyConfig::parse(text(&case["json"]).as_bytes());
        let config = config.unwrap_or_else(|error| panic!("{}: {error}", case["name"]));
        assert_eq!(written(&config), text(&case["written"]), "{}", case["name"]);
    }
}

#[test]
fn what_is_no_key_config_is_refused() {
    let file: Value = vectors::read("keys/configs");
    for case in list(&file["refused"]) {
        let error = KeyConfig::parse(text(&case["json"]).as_bytes()).unwrap_err();
        assert_eq!(class(&error), case["error"], "{}: {error}", case["name"]);
    }
    let long = json!({ "hint": "x".repeat(70_000) }).to_string();
    let error = KeyConfig::parse(long.as_bytes()).unwrap_err();
    assert_eq!(class(&error), "too-large");
}

#[test]
fn altered_keys_and_other_passwords_do_not_open() {
    let file: Value = vectors::read("keys/configs");
    for case in list(&file["unopened"]) {
        let config = KeyConfig::parse(text(&case["json"]).as_bytes()).unwrap();
        let error = config.open(&password(text(&case["password"]))).unwrap_err();
        assert_eq!(class(&error), case["error"], "{}: {error}", case["name"]);
        if case["error"] == "wrong-password" {
            assert!(error.to_string().contains("(hint: \"equine\")"), "{error}");
        }
    }
}

#[test]
fn a_changed_password_keeps_the_key_and_its_age() {
    let file: Value = vectors::read("keys/configs");
    let case = &file["wrapped"][1];
    let (old, current, new) = (
        create(case),
        password("correct horse"),
        password("battery staple"),
    );
    let randomness = WrapRandomness {
        salt: [1; 32],
        iv: [2; 16],
    };
    let now = KeyTime::new(1_800_000_000, 7200).unwrap();
    let hint = Hint::new("power").unwrap();
    let change = |current: &Password, kind| {
        old.change_password(current, &new, kind, &hint, &randomness, &now)
    };

    let changed = change(&current, KdfKind::Pbkdf2).unwrap();
    assert_eq!(changed.created, old.created);
    assert_eq!(changed.modified.as_str(), "2027-01-15T10:00:00+02:00");
    assert_eq!(changed.hint.as_deref(), Some("power"));
    assert_eq!(changed.fingerprint, old.fingerprint);
    assert_eq!(hex::encode(changed.open(&new).unwrap().raw()), case["key"]);
    assert!(changed.open(&current).is_err());

    assert_eq!(
        class(&change(&new, KdfKind::Pbkdf2).unwrap_err()),
        "wrong-password"
    );
    assert_eq!(
        change(&current, KdfKind::None).unwrap_err(),
        KeyError::NoPassword
    );
    let other = CryptKey::new([9; 32]);
    let error = old
        .wrap_again(&other, &new, KdfKind::Pbkdf2, &hint, &randomness, &now)
        .unwrap_err();
    assert_eq!(class(&error), "fingerprint-mismatch");
}

#[test]
fn passwords_and_hints_keep_their_rules() {
    let refused = |bytes: &[u8]| Password::new(bytes.to_vec()).unwrap_err();
    assert_eq!(refused(b"1234"), KeyError::PasswordTooShort);
    assert_eq!(refused(b"caf\xe9 latin"), KeyError::PasswordNotUtf8);
    assert_eq!(password("pâté").as_bytes().len(), 6);
    for (bytes, line) in [
        (&b"secret\n"[..], &b"secret"[..]),
        (b"secret\r\n", b"secret"),
        (b"secret", b"secret"),
        (b" secret \nsecond", b" secret "),
        (b"secret\rmore\n", b"secret\rmore"),
    ] {
        assert_eq!(
            Password::from_first_line(bytes.to_vec())
                .unwrap()
                .as_bytes(),
            line
        );
    }
    assert_eq!(
        Password::from_first_line(b"\nsecret".to_vec()).unwrap_err(),
        KeyError::PasswordTooShort
    );
    assert!(Hint::new(&"ü".repeat(64)).is_ok());
    for bad in ["", "a\nb", "a\u{7f}", &"x".repeat(65)] {
        assert_eq!(Hint::new(bad), Err(KeyError::BadHint));
    }
}

prop_compose! {
    /// Few rounds: what is tested are forms, not derivations.
    fn any_config()(
        rounds in 1u64..3, salt in prop::collection::vec(any::<u8>(), 0..70), iv: [u8; 16], key: [u8; 32],
        hint in prop::option::of("\\PC{0,80}"), epoch in 0i64..4_000_000_000, minutes in -839i32..840, named: bool,
    ) -> (KeyConfig, [u8; 32]) {
        let (secret, kdf) = (CryptKey::new(key), Kdf::Pbkdf2 { iter: rounds, salt });
        let wrapped = WrappedKey::wrap(&secret, kdf.derive(&password("12345")).unwrap(), iv).unwrap();
        let config = KeyConfig {
            protection: Protection::Password { kdf, wrapped },
            created: KeyTime::new(epoch, minutes * 60).unwrap(),
            modified: KeyTime::new(epoch + 1, minutes * 60).unwrap(),
            fingerprint: named.then(|| secret.fingerprint()),
            hint,
        };
        (config, key)
    }
}

proptest! {
    #[test]
    fn every_form_brings_the_key_back((config, key) in any_config(), subject in prop::option::of("\\PC{0,60}")) {
        let json = written(&config);
        let back = KeyConfig::parse(json.as_bytes()).unwrap();
        prop_assert_eq!(&written(&back), &json);
        let opened = back.open(&password("12345")).unwrap();
        prop_assert_eq!(opened.raw(), &key);
        if config.fingerprint.is_some() {
            let label = config.to_label_value().unwrap();
            prop_assert_eq!(&written(&KeyConfig::from_value(&label).unwrap()), &json);
        }
        let paper = PaperKey::new(&config, subject.as_deref()).unwrap();
        for text in [paper.text(), paper.html()] {
            prop_assert_eq!(&written(&read_paper_key(text.as_bytes()).unwrap()), &json);
        }
    }
}
