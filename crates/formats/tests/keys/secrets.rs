//! Searches everything that can be printed, and every error that bad input brings, for keys and passwords.

use std::fmt::Debug;

use ferrite_formats::CryptKey;
use ferrite_formats::key::{
    Hint, KdfKind, KeyConfig, KeyConfigFile, KeyTime, PlainKeyFile, WrapRandomness, read_paper_key,
};
use serde_json::{Value, json};

use super::password;

/// A key whose hex, base64 and decimal forms are long enough not to occur by chance.
const KEY: [u8; 32] = *b"sEcReTkEyBytesThatMustNotBeShown";
const PASSWORD: &str = "pAsSwOrDnEvErShOwN";

fn forms() -> Vec<String> {
    let decimal = KEY.map(|byte| byte.to_string());
    let base64_of_key = "c0VjUmVUa0V5Qnl0ZXNUaGF0TXVzdE5vdEJlU2hvd24";
    let mut forms = vec![
        PASSWORD.to_owned(),
        String::from_utf8(KEY.to_vec()).unwrap(),
        base64_of_key.to_owned(),
        hex::encode(KEY),
        hex::encode(CryptKey::new(KEY).id_key()),
        decimal[..4].join(", "),
    ];
    // Also of a part: twelve characters of each.
    forms.iter_mut().for_each(|form| form.truncate(12));
    forms
}

fn assert_clean(printed: &str) {
    for form in forms() {
        assert!(!printed.contains(&form), "{form} in {printed}");
    }
}

fn assert_debug_clean(value: &impl Debug) {
    assert_clean(&format!("{value:?}"));
    assert_clean(&format!("{value:#?}"));
}

fn wrapped() -> KeyConfig {
    KeyConfig::create(
        &CryptKey::new(KEY),
        &password(PASSWORD),
        KdfKind::Pbkdf2,
        &Hint::new("a hint").unwrap(),
        &WrapRandomness {
            salt: [1; 32],
            iv: [2; 16],
        },
        &KeyTime::new(0, 0).unwrap(),
    )
    .unwrap()
}

fn plain_config() -> Value {
    let data = "c0VjUmVUa0V5Qnl0ZXNUaGF0TXVzdE5vdEJlU2hvd24=";
    json!({ "kdf": null, "created": "2024-05-01T12:00:00Z", "modified": "2024-05-01T12:00:00Z", "data": data,
            "fingerprint": CryptKey::new(KEY).fingerprint() })
}

fn plain_element() -> Value {
    json!({ "fingerprint": CryptKey::new(KEY).fingerprint(), "key": hex::encode(KEY) })
}

#[test]
fn debug_output_is_clean() {
    let key = CryptKey::new(KEY);
    assert_debug_clean(&key);
    assert_debug_clean(&password(PASSWORD));
    assert_debug_clean(&wrapped());
    assert_debug_clean(&KeyConfig::from_value(&plain_config()).unwrap());
    let file = PlainKeyFile::parse(json!([plain_element()]).to_string().as_bytes()).unwrap();
    assert_debug_clean(&file);
    let mut configs = KeyConfigFile::default();
    configs.insert(wrapped()).unwrap();
    assert_debug_clean(&configs);
    assert_debug_clean(&ferrite_formats::key::Protection::None(key));
}

/// What is printed when a password or a key does not fit.
#[test]
fn errors_of_opening_are_clean() {
    let mut other_name = wrapped();
    other_name.fingerprint = Some(CryptKey::new([1; 32]).fingerprint());
    for error in [
        wrapped().open(&password(&PASSWORD[1..])).unwrap_err(),
        other_name.open(&password(PASSWORD)).unwrap_err(),
        ferrite_formats::key::Password::new([PASSWORD.as_bytes(), b"\xff"].concat()).unwrap_err(),
        Hint::new(&format!("{PASSWORD}\n")).unwrap_err(),
    ] {
        assert_clean(&error.to_string());
        assert_debug_clean(&error);
    }
}

/// Puts wrong values into every place of a text with a key, and cuts it everywhere.
fn damaged(text: &Value) -> Vec<String> {
    let whole = text.to_string();
    let mut all: Vec<String> = (0..whole.len())
        .map(|end| whole[..end].to_owned())
        .collect();
    all.extend((0..whole.len()).map(|at| format!("{}\u{1}{}", &whole[..at], &whole[at..])));
    let secrets = [
        json!(hex::encode(KEY)),
        json!(PASSWORD),
        json!([PASSWORD]),
        json!({ PASSWORD: PASSWORD }),
    ];
    for name in text.as_object().unwrap().keys() {
        for secret in &secrets {
            let mut changed = text.clone();
            changed[name] = secret.clone();
            all.push(changed.to_string());
        }
    }
    all.extend(secrets.iter().map(ToString::to_string));
    all
}

#[test]
fn errors_of_parsing_are_clean() {
    let mut errors = 0;
    let mut check = |result: Result<(), ferrite_formats::key::KeyError>| {
        if let Err(error) = result {
            errors += 1;
            assert_clean(&error.to_string());
            assert_debug_clean(&error);
        }
    };
    for text in damaged(&plain_element()) {
        check(PlainKeyFile::parse(format!("[{text}]").as_bytes()).map(drop));
        check(PlainKeyFile::parse(text.as_bytes()).map(drop));
    }
    for text in damaged(&plain_config()) {
        check(KeyConfig::parse(text.as_bytes()).map(drop));
        check(KeyConfigFile::parse(format!("[{text}]").as_bytes()).map(drop));
        check(read_paper_key(text.as_bytes()).map(drop));
        let marked =
            format!("-----BEGIN PROXMOX BACKUP KEY-----\n{text}\n-----END PROXMOX BACKUP KEY-----");
        check(read_paper_key(marked.as_bytes()).map(drop));
    }
    assert!(errors > 1000, "{errors}");
}
