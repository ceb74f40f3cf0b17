use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::blob::Encryption;
use crate::vectors;

fn vector() -> Value {
    vectors::read("datastore/manifest")
}

fn text<'a>(vector: &'a Value, member: &str) -> &'a str {
    vector[member].as_str().unwrap()
}

fn key(vector: &Value) -> CryptKey {
    CryptKey::new(*vectors::hex_of(&vector["key"]).first_chunk().unwrap())
}

fn sample() -> Manifest {
    Manifest::parse(text(&vector(), "stored").as_bytes()).unwrap()
}

#[test]
fn the_vector_is_read_and_written_again() {
    let vector = vector();
    let manifest = sample();
    assert_eq!(manifest.to_json(), text(&vector, "stored"));
    assert_eq!(
        manifest.canonical_text().unwrap(),
        text(&vector, "canonical")
    );
    assert_eq!(
        (manifest.group().to_string().as_str(), manifest.time()),
        ("host/elsa", 1_593_179_765)
    );
    for (file, expected) in manifest
        .files()
        .iter()
        .zip(vector["files"].as_array().unwrap())
    {
        assert_eq!(file.filename, expected["filename"]);
        assert_eq!(file.crypt_mode.to_string(), expected["cryptMode"]);
        assert_eq!(file.size, expected["size"]);
        assert_eq!(file.csum.to_string(), expected["csum"]);
        assert_eq!(manifest.file(&file.filename), Some(file));
    }
    assert_eq!(manifest.file("other.blob"), None);
}

/// JSON readers that round while they read change such numbers with every copy.
#[test]
fn numbers_survive_copies() {
    let stored = sample().to_json();
    let number = "1.1111111111111109e+46";
    let text = stored.replacen('{', &format!("{{\n  \"aside\": {number},"), 1);
    let copy = Manifest::parse(text.as_bytes()).unwrap().to_json();
    assert!(copy.contains(number), "{copy}");
}

#[test]
fn the_same_manifest_is_built_from_its_parts() {
    let parsed = sample();
    let mut built = Manifest::new(parsed.group().clone(), parsed.time()).unwrap();
    for file in parsed.files() {
        built.add_file(file.clone()).unwrap();
    }
    assert_eq!(built.to_json(), text(&vector(), "stored"));
    assert!(
        built.add_file(parsed.files()[0].clone()).is_err(),
        "listed twice"
    );
    assert!(
        built
            .add_file(FileEntry {
                filename: "a/b.blob".into(),
                ..parsed.files()[0].clone()
            })
            .is_err()
    );
}

#[test]
fn signature_and_fingerprint_are_made_and_checked() {
    let vector = vector();
    let key = key(&vector);
    let mut manifest = sample();
    assert_eq!(
        manifest.verify_signature(&key),
        Ok(SignatureState::Unsigned)
    );
    manifest.sign(&key).unwrap();
    assert_eq!(
        manifest.signature().unwrap().unwrap().to_string(),
        text(&vector, "signature")
    );
    assert_eq!(
        manifest.key_fingerprint().unwrap().unwrap().to_string(),
        text(&vector, "fingerprint")
    );

    let stored = Manifest::parse(manifest.to_json().as_bytes()).unwrap();
    assert_eq!(stored.verify_signature(&key), Ok(SignatureState::Signed));
    let error = stored
        .verify_signature(&CryptKey::new([1; 32]))
        .unwrap_err();
    assert_eq!(vectors::class(&error), "wrong-key");
    assert!(error.to_string().contains("12:b9:b7:74"), "{error}");
}

#[test]
fn unsigned_members_may_change_signed_ones_may_not() {
    let key = key(&vector());
    let mut manifest = sample();
    manifest.sign(&key).unwrap();
    manifest.set_unprotected("notes", "changed".into());
    assert_eq!(manifest.verify_signature(&key), Ok(SignatureState::Signed));
    let forged = manifest.to_json().replace("\"size\": 200", "\"size\": 201");
    let error = Manifest::parse(forged.as_bytes())
        .unwrap()
        .verify_signature(&key)
        .unwrap_err();
    assert_eq!(vectors::class(&error), "wrong-key");
    let mut file = manifest.files()[0].clone();
    file.filename = "new.blob".into();
    manifest.add_file(file).unwrap();
    assert_eq!(
        manifest.verify_signature(&key),
        Ok(SignatureState::Unsigned)
    );
}

/// Members this code does not know are signed, too, and must not get lost.
#[test]
fn unknown_members_are_kept_and_covered() {
    let key = key(&vector());
    let mut document: Value = serde_json::from_str(text(&vector(), "stored")).unwrap();
    document["future"] = json!({"b": 1, "a": [true]});
    document["files"][0]["note"] = "x".into();
    document["unprotected"] = json!({"z": 1, "verify_state": {"state": "ok"}, "a": {"c": 1.5}});
    let mut manifest = Manifest::parse(document.to_string().as_bytes()).unwrap();
    manifest.sign(&key).unwrap();
    let stored = manifest.without_verify_state().to_json();
    let read = Manifest::parse(stored.as_bytes()).unwrap();
    assert_eq!(read.verify_signature(&key), Ok(SignatureState::Signed));
    assert_eq!(read.document()["future"], document["future"]);
    let members: Vec<&String> = read.unprotected().unwrap().keys().collect();
    assert_eq!(members, ["a", "key-fingerprint", "z"], "the text is sorted");
    let copy = manifest.without_verify_state();
    let members: Vec<&String> = copy.unprotected().unwrap().keys().collect();
    assert_eq!(
        members,
        ["z", "a", "key-fingerprint"],
        "the document is not"
    );
}

#[test]
fn the_result_of_a_verification_is_dropped_for_a_restore() {
    let mut manifest = sample();
    assert_eq!(manifest.without_verify_state(), manifest);
    assert_eq!(manifest.verify_state(), None);
    manifest.set_unprotected("verify_state", json!({"state": "ok", "upid": "UPID:x"}));
    assert_eq!(manifest.verify_state().unwrap()["state"], "ok");
    assert_eq!(manifest.without_verify_state(), sample());

    let mut document: Value = serde_json::from_str(text(&vector(), "stored")).unwrap();
    for unprotected in [json!({"verify_state": null}), Value::Null] {
        document["unprotected"] = unprotected;
        let manifest = Manifest::parse(document.to_string().as_bytes()).unwrap();
        assert_eq!(manifest.verify_state(), None);
        assert!(
            !manifest
                .without_verify_state()
                .to_json()
                .contains("verify_state")
        );
    }
    document.as_object_mut().unwrap().remove("unprotected");
    let mut manifest = Manifest::parse(document.to_string().as_bytes()).unwrap();
    assert_eq!(manifest.notes(), None);
    manifest.set_unprotected("notes", "n".into());
    assert_eq!(manifest.notes(), Some("n"));
}

#[test]
fn damaged_manifests_are_refused() {
    for case in vector()["damaged"].as_array().unwrap() {
        let error =
            Manifest::parse(text(case, "text").as_bytes()).expect_err(&case["name"].to_string());
        assert_eq!(
            vectors::class(&error),
            "invalid",
            "{}: {error}",
            case["name"]
        );
    }
}

#[test]
fn a_manifest_is_an_unencrypted_blob() {
    let manifest = sample();
    let blob = manifest.to_blob().unwrap();
    assert!(blob.view().unwrap().kind().is_compressed());
    assert_eq!(Manifest::parse_blob(blob.as_bytes()), Ok(manifest.clone()));
    let plain = Blob::encode(manifest.to_json().as_bytes(), false, None).unwrap();
    assert_eq!(Manifest::parse_blob(plain.as_bytes()), Ok(manifest.clone()));
    let encryption = Encryption {
        key: &CryptKey::new([1; 32]),
        iv: [0; 16],
    };
    let encrypted = Blob::encode(manifest.to_json().as_bytes(), true, Some(encryption)).unwrap();
    let error = Manifest::parse_blob(encrypted.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("manifests never are"), "{error}");
    assert!(Manifest::parse_blob(&blob.as_bytes()[..50]).is_err());
}

proptest! {
    #[test]
    fn any_text_parses_or_fails(text in "[{}\\[\\]\",:a-z0-9-]{0,60}") {
        let _ = Manifest::parse(text.as_bytes());
    }

    #[test]
    fn what_is_written_is_read(notes in ".{0,40}", size: u64, csum: [u8; 32], time in 1i64..253_402_300_800) {
        let mut manifest = Manifest::new("vm/100".parse().unwrap(), time).unwrap();
        manifest.add_file(FileEntry {
            filename: "a.fidx".into(),
            crypt_mode: CryptMode::SignOnly,
            size,
            csum: Digest::new(csum),
        }).unwrap();
        manifest.set_unprotected("notes", notes.clone().into());
        let read = Manifest::parse(manifest.to_json().as_bytes()).unwrap();
        prop_assert_eq!(read.notes(), Some(notes.as_str()));
        prop_assert_eq!(read.files(), manifest.files());
        prop_assert_eq!(read.to_json(), manifest.to_json());
    }
}
