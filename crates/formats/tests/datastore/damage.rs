//! Files that PBS wrote, then damaged: cut anywhere, bits flipped anywhere. Every damage is an error or harmless, never
//! a panic or another content.

use ferrite_formats::Digest;
use ferrite_formats::archive_name::MANIFEST_NAME;
use ferrite_formats::blob::{BlobRef, BlobVerifier, MAX_CHUNK_BYTES};
use ferrite_formats::index::Index;
use ferrite_formats::manifest::Manifest;

use crate::fixtures::{Store, folder, read};

const SNAPSHOT: &str = "vm/100/2024-06-05T09:33:20Z";

#[test]
fn cut_and_flipped_manifests_are_refused() {
    let Some(folder) = folder() else { return };
    let store = &Store::all(&folder)[0];
    let bytes = read(&store.path.join(SNAPSHOT).join(MANIFEST_NAME));
    for length in 0..bytes.len() {
        assert!(
            Manifest::parse_blob(&bytes[..length]).is_err(),
            "cut at {length}"
        );
    }
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(Manifest::parse_blob(&flipped).is_err(), "byte {at} flipped");
    }
}

#[test]
fn cut_and_flipped_indexes_are_refused_or_have_another_checksum() {
    let Some(folder) = folder() else { return };
    let store = &Store::all(&folder)[0];
    for name in ["drive-scsi0.img.fidx", "root.pxar.didx"] {
        let snapshot = if name.ends_with("fidx") {
            SNAPSHOT
        } else {
            "host/web1/2024-06-05T09:34:20Z"
        };
        let bytes = read(&store.path.join(snapshot).join(name));
        let original = Index::parse(name, bytes.as_slice()).unwrap();
        for length in (0..bytes.len()).rev() {
            assert!(
                Index::parse(name, &bytes[..length]).is_err(),
                "{name} cut at {length}"
            );
        }
        // UUID, time, stored checksum and zeros do not matter for the content.
        for at in (0..8).chain(64..80).chain(4096..bytes.len()) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            let Ok(index) = Index::parse(name, &flipped) else {
                continue;
            };
            let same_table = index.checksum() == original.checksum();
            let same_size = index.size() == original.size();
            let harmless = name.ends_with("didx") && (64..80).contains(&at);
            assert!(
                harmless || !same_table || !same_size,
                "{name}: byte {at} flipped"
            );
        }
    }
}

#[test]
fn cut_and_flipped_chunks_are_found_by_the_verifier() {
    let Some(folder) = folder() else { return };
    let store = &Store::all(&folder)[0];
    let index = Index::parse(
        "x.fidx",
        read(&store.path.join(SNAPSHOT).join("drive-efidisk0.img.fidx")),
    )
    .unwrap();
    let digest = index.digest(0).unwrap();
    let bytes = read(&store.path.join(".chunks").join(digest.chunk_path()));
    let mut verifier = BlobVerifier::new().unwrap();
    let mut is_sound = |bytes: &[u8], digest: &Digest| {
        verifier.start(Some(digest), MAX_CHUNK_BYTES).unwrap();
        verifier
            .update(bytes)
            .and_then(|()| verifier.finish())
            .is_ok()
    };
    assert!(is_sound(&bytes, &digest));
    assert!(!is_sound(&bytes, &Digest::ZERO));
    for at in (0..bytes.len()).step_by(bytes.len() / 50 + 1) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x40;
        assert!(!is_sound(&flipped, &digest), "byte {at} flipped");
        assert!(!is_sound(&bytes[..at], &digest), "cut at {at}");
        assert!(
            BlobRef::parse(&flipped)
                .and_then(|blob| blob.decode(None, MAX_CHUNK_BYTES))
                .is_err()
        );
    }
}
