//! Project Wycheproof's vectors for the primitives under key wrapping, fingerprints and manifest signatures.

use ferrite_formats::CryptKey;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use wycheproof::{TestResult, aead, mac, pbkdf2};

/// AES-256 with IVs of 16 bytes, among them those that make the counter wrap. All are valid; we alter each in turn.
#[test]
fn aes_256_gcm_with_16_bytes_of_iv() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let groups = set
        .test_groups
        .iter()
        .filter(|group| (group.key_size, group.nonce_size, group.tag_size) == (256, 128, 128));
    let mut cases = 0;
    for test in groups.flat_map(|group| &group.tests) {
        assert!(
            test.aad.is_empty(),
            "keys and blobs have no associated data"
        );
        assert_eq!(test.result, TestResult::Valid);
        let key = CryptKey::new(test.key.as_slice().try_into().unwrap());
        let iv: [u8; 16] = test.nonce.as_slice().try_into().unwrap();
        let tag: [u8; 16] = test.tag.as_slice().try_into().unwrap();

        let mut data = test.pt.to_vec();
        assert_eq!(
            key.encrypt_in_place(&iv, &mut data).unwrap(),
            tag,
            "case {}",
            test.tc_id
        );
        assert_eq!(data, test.ct.as_slice(), "case {}", test.tc_id);
        for bit in 0..128 {
            let mut altered = tag;
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(
                key.decrypt_in_place(&iv, &altered, &mut data.clone())
                    .is_err()
            );
        }
        key.decrypt_in_place(&iv, &tag, &mut data).unwrap();
        assert_eq!(data, test.pt.as_slice(), "case {}", test.tc_id);
        cases += 1;
    }
    assert!(cases > 15, "{cases}");
}

#[test]
fn pbkdf2_hmac_sha256() {
    let set = pbkdf2::TestSet::load(pbkdf2::TestName::Pbkdf2HmacSha256).unwrap();
    let mut cases = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut derived = vec![0; test.dk_len];
        let rounds = u32::try_from(test.iteration_count).unwrap();
        ::pbkdf2::pbkdf2_hmac::<Sha256>(&test.password, &test.salt, rounds, &mut derived);
        assert_eq!(
            derived == test.dk.as_slice(),
            test.result == TestResult::Valid,
            "case {}",
            test.tc_id
        );
        cases += 1;
    }
    assert!(cases > 50, "{cases}");
}

#[test]
fn hmac_sha256() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let mut cases = 0;
    for group in &set.test_groups {
        for test in &group.tests {
            let hmac = Hmac::<Sha256>::new_from_slice(&test.key).unwrap();
            let fits = hmac
                .chain_update(&test.msg)
                .verify_truncated_left(&test.tag)
                .is_ok();
            assert_eq!(
                fits,
                test.result == TestResult::Valid,
                "case {}",
                test.tc_id
            );
            cases += 1;
        }
    }
    assert!(cases > 100, "{cases}");
}
