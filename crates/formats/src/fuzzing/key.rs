//! Parsers of key files and paper keys. Nothing is derived from passwords here: one run of scrypt takes longer than
//! thousands of inputs.

use serde_json::Value;

use super::Target;
use crate::key::{KeyConfig, KeyConfigFile, PaperKey, PlainKeyFile, Protection, read_paper_key};

/// Every target with its name, for tests that run all of them.
pub const TARGETS: &[(&str, Target)] = &[
    ("key-json", key_json),
    ("key-files", key_files),
    ("paper-key", paper_key),
];

/// A key config: what is accepted is within the limits, and comes back from what is written for it.
pub fn key_json(data: &[u8]) {
    if let Ok(config) = KeyConfig::parse(data) {
        comes_back(&config);
    }
}

/// The key in the label of a media set: as `key_json`.
pub fn wrapped_key(value: &Value) {
    if let Ok(config) = KeyConfig::from_value(value) {
        comes_back(&config);
    }
}

fn comes_back(config: &KeyConfig) {
    if let Protection::Password { kdf, .. } = &config.protection {
        assert!(kdf.check().is_ok());
    }
    let Ok(json) = config.to_json() else {
        unreachable!("a key config that cannot be written");
    };
    let back = KeyConfig::parse(&json);
    assert!(back.is_ok_and(|back| back.to_json().is_ok_and(|again| again == json)));
    if let Ok(label) = config.to_label_value() {
        let back = KeyConfig::from_value(&label);
        assert!(back.is_ok_and(|back| back.to_json().is_ok_and(|again| again == json)));
    }
}

/// Either key file: what is accepted comes back from what is written for it.
pub fn key_files(data: &[u8]) {
    if let Ok(text) = PlainKeyFile::parse(data).and_then(|file| file.print()) {
        let again = PlainKeyFile::parse(&text).and_then(|file| file.print());
        assert!(again.is_ok_and(|again| again == text));
    }
    if let Ok(text) = KeyConfigFile::parse(data).and_then(|file| file.print()) {
        let again = KeyConfigFile::parse(&text).and_then(|file| file.print());
        assert!(again.is_ok_and(|again| again == text));
    }
}

/// A paper key: what is found comes back from the paper key that is printed for it.
pub fn paper_key(data: &[u8]) {
    let Ok(config) = read_paper_key(data) else {
        return;
    };
    comes_back(&config);
    // A hint of kilobytes fits into no QR code; one with an end marker in it ends the paper key too early.
    let odd = config
        .hint
        .as_ref()
        .is_some_and(|hint| hint.contains("PROXMOX"));
    if let (false, Ok(paper), Ok(json)) = (odd, PaperKey::new(&config, None), config.to_json()) {
        for text in [paper.text(), paper.html()] {
            let back = read_paper_key(text.as_bytes());
            assert!(back.is_ok_and(|back| back.to_json().is_ok_and(|again| again == json)));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use crate::vectors;

    /// Sound texts of every kind.
    fn seeds() -> Vec<String> {
        let (configs, paper): (Value, Value) =
            (vectors::read("keys/configs"), vectors::read("keys/paper"));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (plain, wrapped) = (&configs["plain"], text(&configs["wrapped"][0]["json"]));
        let element = format!(
            r#"[{{"fingerprint":{},"key":{}}}]"#,
            plain["fingerprint"], plain["key"]
        );
        let mut seeds = vec![
            wrapped.clone(),
            format!("[{wrapped}]"),
            text(&plain["json"]),
            element,
        ];
        seeds.extend(
            paper["read"]
                .as_array()
                .unwrap()
                .iter()
                .map(|case| text(&case["text"])),
        );
        seeds
    }

    proptest! {
        #[test]
        fn every_target_takes_any_bytes(data in proptest::collection::vec(any::<u8>(), 0..500)) {
            super::TARGETS.iter().for_each(|(_, target)| target(&data));
        }

        #[test]
        fn every_target_takes_damaged_keys(
            seed in proptest::sample::select(seeds()), at: proptest::sample::Index, cut in 0usize..4,
            put in prop::collection::vec(any::<u8>(), 0..4),
        ) {
            let mut data = seed.into_bytes();
            let start = at.index(data.len());
            let end = data.len().min(start + cut);
            data.splice(start..end, put);
            super::TARGETS.iter().for_each(|(_, target)| target(&data));
        }
    }
}
