use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::vectors;

const MIB: u64 = 1 << 20;

fn key_of(case: &Value) -> Option<CryptKey> {
    let key = vectors::hex_of(&case["key"]);
    key.first_chunk().map(|key| CryptKey::new(*key))
}

fn kind_name(kind: BlobKind) -> &'static str {
    match kind {
        BlobKind::Plain => "plain",
        BlobKind::Zstd => "zstd",
        BlobKind::Encrypted => "encrypted",
        BlobKind::EncryptedZstd => "encrypted-zstd",
    }
}

/// Checks a blob in pieces of some length.
fn verify(blob: &[u8], digest: Option<&Digest>, limit: u64, piece: usize) -> Result<BlobReport> {
    let mut verifier = BlobVerifier::new()?;
    verifier.start(digest, limit)?;
    for slice in blob.chunks(piece) {
        verifier.update(slice)?;
    }
    verifier.finish()
}

#[test]
fn vectors_encode_and_decode() {
    let file: Value = vectors::read("datastore/blob");
    for case in file["cases"].as_array().unwrap() {
        let name = &case["name"];
        let (plain, expected) = (
            vectors::bytes(&case["plain"]),
            vectors::hex_of(&case["blob"]),
        );
        let key = key_of(case);
        let encryption = key.as_ref().map(|key| {
            let iv = *vectors::hex_of(&case["iv"]).first_chunk().unwrap();
            Encryption { key, iv }
        });
        let blob = Blob::encode(&plain, case["compress"].as_bool().unwrap(), encryption).unwrap();
        assert_eq!(
            hex::encode(blob.as_bytes()),
            hex::encode(&expected),
            "{name}"
        );
        if let Some(digest) = case["sha256"].as_str() {
            assert_eq!(blob.file_digest().to_string(), digest);
        }
        let view = blob.view().unwrap();
        assert_eq!(kind_name(view.kind()), case["kind"], "{name}");
        assert_eq!(view.decode(key.as_ref(), MIB).unwrap(), plain, "{name}");

        let digest = Digest::of(&plain);
        for piece in [1, 5, 12, 44, 1000] {
            let report = verify(&expected, Some(&digest), MIB, piece).unwrap();
            assert_eq!(report.content_checked, key.is_none(), "{name}");
            assert_eq!(report.blob_bytes, expected.len() as u64);
            assert_eq!(
                report.plain_bytes,
                key.is_none().then_some(plain.len() as u64)
            );
        }
    }
}

#[test]
fn damaged_blobs_are_refused_by_reader_and_verifier() {
    let file: Value = vectors::read("datastore/blob");
    for case in file["damaged"].as_array().unwrap() {
        let (name, class) = (&case["name"], case["error"].as_str().unwrap());
        let bytes = vectors::hex_of(&case["blob"]);
        let limit = case["limit"].as_u64().unwrap_or(MIB);
        let key = key_of(case);
        let result = BlobRef::parse(&bytes).and_then(|blob| blob.decode(key.as_ref(), limit));
        let error = result.expect_err(&name.to_string());
        assert_eq!(vectors::class(&error), class, "{name}: {error}");
        if ["key-required", "wrong-key"].contains(&class) {
            continue; // only a reader with a key can tell
        }
        for piece in [1, 7, 100] {
            let error =
                verify(&bytes, Some(&Digest::ZERO), limit, piece).expect_err(&name.to_string());
            assert_eq!(vectors::class(&error), class, "{name}: {error}");
        }
    }
}

#[test]
fn the_verifier_tells_other_content() {
    let blob = Blob::encode(b"hello", false, None).unwrap();
    let error = verify(blob.as_bytes(), Some(&Digest::of(b"hullo")), MIB, 3).unwrap_err();
    assert_eq!(vectors::class(&error), "digest-mismatch");
    let report = verify(blob.as_bytes(), None, 0, 3).unwrap();
    assert!(!report.content_checked && report.plain_bytes.is_none());
}

#[test]
fn the_verifier_forgets_an_abandoned_blob() {
    let compressed = Blob::encode(&[7; 100_000], true, None).unwrap();
    let digest = Digest::of(&[7; 100_000]);
    let mut verifier = BlobVerifier::new().unwrap();
    for _ in 0..3 {
        verifier.start(Some(&digest), MIB).unwrap();
        verifier.update(&compressed.as_bytes()[..20]).unwrap();
        verifier.start(Some(&digest), MIB).unwrap();
        verifier.update(compressed.as_bytes()).unwrap();
        assert!(verifier.finish().unwrap().content_checked);
        verifier.start(Some(&Digest::of(b"x")), MIB).unwrap();
        assert!(verifier.update(b"no blob at all").is_err());
    }
    // Plain content, hashed in part; content that is broken.
    let plain = Blob::encode(b"hello", false, None).unwrap();
    let mut broken = compressed.into_bytes();
    broken.truncate(50);
    broken[20..].fill(0xff);
    for abandoned in [&plain.as_bytes()[..14], &broken] {
        verifier.start(Some(&digest), MIB).unwrap();
        verifier.update(abandoned).unwrap();
        verifier.start(Some(&Digest::of(b"hello")), MIB).unwrap();
        verifier.update(plain.as_bytes()).unwrap();
        assert!(verifier.finish().unwrap().content_checked);
    }
}

#[test]
fn flipped_compressed_data_is_a_crc_error_not_a_zstd_error() {
    let mut bytes = Blob::encode(&[7; 100_000], true, None)
        .unwrap()
        .into_bytes();
    let last = bytes.len() - 1;
    for at in 12..=last {
        bytes[at] ^= 0x10;
        let error = verify(&bytes, Some(&Digest::ZERO), MIB, 4).unwrap_err();
        assert_eq!(vectors::class(&error), "bad-crc", "byte {at}");
        bytes[at] ^= 0x10;
    }
}

#[test]
fn a_chunk_is_compared_with_digest_and_length() {
    let key = CryptKey::new([1; 32]);
    let mut decoder = BlobDecoder::new().unwrap();
    let mut out = Vec::new();
    let plain = Blob::encode(&[3; 5000], true, None).unwrap();
    let encryption = Encryption {
        key: &key,
        iv: [9; 16],
    };
    let encrypted = Blob::encode(&[3; 5000], true, Some(encryption)).unwrap();
    let mut check = |blob: &Blob, digest: Digest, bytes: u64, key: Option<&CryptKey>| {
        decoder.verify_chunk(blob.view().unwrap(), &digest, Some(bytes), key, &mut out)
    };
    let (digest, salted) = (Digest::of(&[3; 5000]), key.chunk_digest(&[3; 5000]));
    assert_eq!(check(&plain, digest, 5000, None), Ok(true));
    assert_eq!(
        check(&plain, digest, 5000, Some(&key)),
        Ok(true),
        "the key is not for plain chunks"
    );
    assert_eq!(check(&encrypted, salted, 5000, Some(&key)), Ok(true));
    assert_eq!(
        check(&encrypted, Digest::ZERO, 1, None),
        Ok(false),
        "nothing to compare without key"
    );
    for (blob, digest, bytes) in [
        (&plain, salted, 5000),
        (&plain, digest, 4999),
        (&plain, digest, 5001),
    ] {
        assert!(check(blob, digest, bytes, None).is_err());
    }
    for (digest, bytes) in [(digest, 5000), (salted, 4999), (salted, 5001)] {
        assert!(check(&encrypted, digest, bytes, Some(&key)).is_err());
    }
}

#[test]
fn nothing_above_the_limit_is_encoded() {
    let plain = vec![0; MAX_PLAIN_BYTES as usize + 1];
    let error = Blob::encode(&plain, true, None).unwrap_err();
    assert_eq!(vectors::class(&error), "too-large");
}

fn any_plain() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..3000),
        proptest::collection::vec(0u8..3, 0..100_000),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn round_trip(plain in any_plain(), compress: bool, encrypt: bool, iv: [u8; 16], piece in 1usize..50_000) {
        let key = CryptKey::new([0x42; 32]);
        let encryption = encrypt.then_some(Encryption { key: &key, iv });
        let blob = Blob::encode(&plain, compress, encryption).unwrap();
        let view = blob.view().unwrap();
        prop_assert!(blob.as_bytes().len() <= plain.len() + view.kind().header_bytes());
        prop_assert_eq!(view.kind().is_encrypted(), encrypt);
        prop_assert_eq!(&view.decode(Some(&key), plain.len() as u64).unwrap(), &plain);
        if let Some(less) = plain.len().checked_sub(1) {
            prop_assert!(view.decode(Some(&key), less as u64).is_err());
        }
        let report = verify(blob.as_bytes(), Some(&Digest::of(&plain)), plain.len() as u64, piece).unwrap();
        prop_assert_eq!(report.content_checked, !encrypt);
    }

    #[test]
    fn any_flipped_bit_behind_the_header_is_found(plain in any_plain(), compress: bool, at: prop::sample::Index, bit in 0..8) {
        let mut bytes = Blob::encode(&plain, compress, None).unwrap().into_bytes();
        let at = 8 + at.index(bytes.len() - 8);
        bytes[at] ^= 1u8 << bit;
        prop_assert!(BlobRef::parse(&bytes).unwrap().check_crc().is_err());
        prop_assert!(verify(&bytes, None, 0, 1000).is_err());
    }

    #[test]
    fn reader_and_verifier_agree_on_any_bytes(kind in 0usize..4, tail in proptest::collection::vec(any::<u8>(), 0..200), fix_crc: bool) {
        let kind = BlobKind::ALL[kind];
        let mut bytes = [&kind.magic()[..], &tail].concat();
        if fix_crc && bytes.len() >= kind.header_bytes() {
            let crc = crc32fast::hash(&bytes[kind.header_bytes()..]);
            bytes[8..12].copy_from_slice(&crc.to_le_bytes());
        }
        let decoded = BlobRef::parse(&bytes).and_then(|blob| blob.decode(None, 1000));
        let digest = decoded.as_ref().map_or(Digest::ZERO, |plain| Digest::of(plain));
        let verified = verify(&bytes, Some(&digest), 1000, 17);
        if !kind.is_encrypted() {
            prop_assert_eq!(decoded.is_ok(), verified.is_ok(), "{:?} {:?}", decoded, verified);
        }
    }
}
