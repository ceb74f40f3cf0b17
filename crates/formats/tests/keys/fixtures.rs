//! Keys and tapes that PBS wrote.

use std::path::{Path, PathBuf};

use ferrite_formats::block_stream::unframe;
use ferrite_formats::key::{KeyConfig, KeyConfigFile, PlainKeyFile, read_paper_key};
use ferrite_formats::label::MediaSetLabel;
use ferrite_formats::{Fingerprint, block_stream::StreamEnd};
use serde_json::Value;

use super::password;

/// `small` of the fixtures. Tests without it print why and pass, unless FERRITE_REQUIRE names `fixtures`.
fn folder() -> Option<PathBuf> {
    let path = std::env::var_os("FERRITE_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
        PathBuf::from,
    );
    let path = path.join("small");
    if path.join("enc-label").is_dir() {
        return Some(path);
    }
    let required = std::env::var("FERRITE_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|word| word.trim() == "fixtures"),
        "no fixtures at {}",
        path.display()
    );
    eprintln!("SKIP fixtures: nothing at {}", path.display());
    None
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The two tape keys: fingerprint, password, raw key in hex, key config.
fn tape_keys(folder: &Path) -> Vec<(Fingerprint, String, String, Value)> {
    ["tape-key-scrypt.json", "tape-key-pbkdf2.json"]
        .iter()
        .map(|name| {
            let file: Value = serde_json::from_slice(&read(&folder.join(name))).unwrap();
            let text = |member: &str| file[member].as_str().unwrap().to_owned();
            (
                text("fingerprint").parse().unwrap(),
                text("password"),
                text("raw_key_hex"),
                file["key_config"].clone(),
            )
        })
        .collect()
}

#[test]
fn both_key_files_are_read_and_written_byte_for_byte() {
    let Some(folder) = folder() else { return };
    let plain_text = read(&folder.join("etc/tape-encryption-keys.json"));
    let config_text = read(&folder.join("etc/tape-encryption-key-config.json"));
    let plain = PlainKeyFile::parse(&plain_text).unwrap();
    let configs = KeyConfigFile::parse(&config_text).unwrap();
    assert_eq!(*plain.print().unwrap(), plain_text);
    assert_eq!(configs.print().unwrap(), config_text);
    for (fingerprint, words, raw, _) in tape_keys(&folder) {
        let key = configs
            .get(&fingerprint)
            .unwrap()
            .open(&password(&words))
            .unwrap();
        assert_eq!(hex::encode(key.raw()), raw);
        assert_eq!(plain.get(&fingerprint).unwrap().raw(), key.raw());
    }
    assert_eq!(configs.configs().count(), 2);
}

#[test]
fn the_keys_on_encrypted_tapes_open_with_their_passwords() {
    let Some(folder) = folder() else { return };
    let keys = tape_keys(&folder);
    let mut opened = Vec::new();
    for tape in ["ENC001", "ENC002"] {
        let file = read(&folder.join(format!("enc-label/tapefile-1-{tape}.json")));
        let (content, end) = unframe(&file).unwrap();
        assert_eq!(end, StreamEnd::Complete);
        let (_, label) = MediaSetLabel::read(&mut content.as_slice()).unwrap();
        let on_tape = label.key_config.unwrap();
        let config = KeyConfig::from_value(&on_tape).unwrap();
        assert_eq!(config.to_label_value().unwrap(), on_tape);
        assert_eq!(
            config.to_label_value().unwrap().to_string(),
            on_tape.to_string()
        );

        let (fingerprint, words, raw, listed) = keys
            .iter()
            .find(|key| Some(key.0) == label.encryption_key_fingerprint)
            .unwrap();
        assert_eq!(&on_tape, listed);
        let key = config.open(&password(words)).unwrap();
        assert_eq!(&hex::encode(key.raw()), raw);
        assert!(config.open(&password("another password")).is_err());
        opened.push(*fingerprint);
    }
    opened.dedup();
    assert_eq!(opened.len(), 2, "both kinds of KDF are on the tapes");
}

#[test]
fn a_client_key_file_is_read_and_written_byte_for_byte() {
    let Some(folder) = folder() else { return };
    let text = read(&folder.join("client-key.json"));
    let text = text.trim_ascii_end();
    let config = read_paper_key(text).unwrap();
    assert_eq!(config.to_json().unwrap().as_slice(), text);
}
