//! Parsers of bytes from a datastore.

use std::hint::black_box;
use std::path::{Component, Path};

use super::Target;
use crate::archive_name::check_archive_name;
use crate::blob::{BlobRef, BlobVerifier};
use crate::chunker::Chunker;
use crate::digest::Digest;
use crate::dynamic_index::DynamicIndex;
use crate::fingerprint::Fingerprint;
use crate::fixed_index::FixedIndex;
use crate::manifest::Manifest;
use crate::pcat1::CatalogReader;
use crate::rfc3339;
use crate::snapshot_path::SnapshotPath;
use crate::uuid_text;

/// Limit on plain bytes: low, so that the fuzzer does not spend its time on expanding bombs.
const PLAIN_LIMIT: u64 = 1 << 20;

/// Every target with its name, for tests that run all of them.
pub const TARGETS: &[(&str, Target)] = &[
    ("blob", blob),
    ("blob-payload", blob_payload),
    ("fixed-index", fixed_index),
    ("dynamic-index", dynamic_index),
    ("manifest", manifest),
    ("pcat1", pcat1),
    ("names", names),
    ("rfc3339", rfc3339),
    ("chunker", chunker),
];

/// A blob: reader and verifier must agree, and decoded content keeps to the limit.
pub fn blob(data: &[u8]) {
    let decoded = BlobRef::parse(data).and_then(|blob| blob.decode(None, PLAIN_LIMIT));
    let digest = decoded
        .as_ref()
        .map_or(Digest::ZERO, |plain| Digest::of(plain));
    let verified = verify(data, &digest, 97);
    if let Ok(plain) = &decoded {
        assert!(plain.len() as u64 <= PLAIN_LIMIT);
        assert_eq!(
            verified,
            Ok(true),
            "the verifier refuses what the reader accepts"
        );
    }
}

/// The same with magic and CRC put right, so that the payload is reached.
pub fn blob_payload(data: &[u8]) {
    let kinds = crate::blob::BlobKind::ALL;
    let Some((selector, payload)) = data.split_first() else {
        return;
    };
    let kind = kinds[usize::from(*selector) % kinds.len()];
    let mut bytes = kind.magic().to_vec();
    bytes.resize(kind.header_bytes(), *selector);
    bytes.extend_from_slice(payload);
    bytes[8..12].copy_from_slice(&crc32fast::hash(payload).to_le_bytes());
    blob(&bytes);
}

fn verify(data: &[u8], digest: &Digest, piece: usize) -> crate::Result<bool> {
    let mut verifier = BlobVerifier::new()?;
    verifier.start(Some(digest), PLAIN_LIMIT)?;
    data.chunks(piece)
        .try_for_each(|slice| verifier.update(slice))?;
    verifier.finish().map(|report| report.content_checked)
}

/// A `.fidx` file.
pub fn fixed_index(data: &[u8]) {
    let Ok(index) = FixedIndex::parse(data) else {
        return;
    };
    assert_eq!(index.iter().len() as u64, index.header().chunks());
    let end = index.iter().fold(0, |end, entry| {
        assert!(entry.range.start == end && entry.range.end > end);
        entry.range.end
    });
    assert_eq!(end, index.header().size);
    black_box(index.chunk_at(end / 2));
}

/// A `.didx` file.
pub fn dynamic_index(data: &[u8]) {
    let Ok(index) = DynamicIndex::parse(data) else {
        return;
    };
    let end = index.iter().fold(0, |end, entry| {
        assert!(entry.range.start == end && entry.range.end > end);
        entry.range.end
    });
    assert_eq!(end, index.size());
    assert!(index.chunk_at(end - 1).is_some() && index.chunk_at(end).is_none());
}

/// The JSON text of a manifest: what is printed is read again as the same.
pub fn manifest(data: &[u8]) {
    let Ok(manifest) = Manifest::parse(data) else {
        return;
    };
    let text = manifest.to_json();
    let again = Manifest::parse(text.as_bytes());
    assert_eq!(again.map(|manifest| manifest.to_json()).as_ref(), Ok(&text));
    black_box((
        manifest.canonical_text(),
        manifest.signature(),
        manifest.key_fingerprint(),
    ))
    .0
    .ok();
}

/// A catalog: a walk ends, with fewer entries than bytes.
pub fn pcat1(data: &[u8]) {
    let Ok(reader) = CatalogReader::parse(data) else {
        return;
    };
    let mut entries = 0;
    let result = reader.walk(&mut |path, kind| {
        entries += 1;
        black_box((path, kind));
        Ok(())
    });
    assert!(entries <= data.len());
    black_box(result).ok();
}

/// A snapshot's path, a key's fingerprint, a UUID, a file's name: what is accepted prints as it was, but for case and
/// hyphens, and no file name leaves its directory.
pub fn names(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(path) = text.parse::<SnapshotPath>() {
        assert_eq!(path.to_string(), text);
    }
    if let Ok(fingerprint) = text.parse::<Fingerprint>() {
        assert!(fingerprint.to_string().eq_ignore_ascii_case(text));
    }
    if let Ok(uuid) = uuid_text::parse(text) {
        let plain = text.replace('-', "");
        assert!(uuid.simple().to_string().eq_ignore_ascii_case(&plain));
    }
    if check_archive_name(text).is_ok() {
        let mut components = Path::new(text).components();
        assert!(matches!(components.next(), Some(Component::Normal(name)) if name == text));
        assert_eq!(components.next(), None);
    }
}

/// A time: what is accepted can be printed and read again.
pub fn rfc3339(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    // Normalising, or an offset, can lead out of the years that have a text.
    if let Some(printed) = rfc3339::parse(text)
        .ok()
        .and_then(|epoch| rfc3339::format_utc(epoch).ok())
    {
        assert_eq!(rfc3339::parse(&printed), rfc3339::parse(text));
    }
}

/// A stream to cut, its pieces given by the first byte: cuts do not depend on the pieces.
pub fn chunker(data: &[u8]) {
    let Some((piece, stream)) = data.split_first() else {
        return;
    };
    assert_eq!(
        cuts(stream, usize::from(*piece) + 1),
        cuts(stream, usize::MAX)
    );
}

fn cuts(stream: &[u8], piece: usize) -> Vec<usize> {
    let Ok(mut chunker) = Chunker::new(512) else {
        return Vec::new();
    };
    let (mut cuts, mut at) = (Vec::new(), 0);
    for mut data in stream.chunks(piece) {
        while let Some(cut) = chunker.scan(data) {
            at += cut;
            cuts.push(at);
            data = &data[cut..];
        }
        at += data.len();
    }
    cuts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_target_takes_any_bytes(data in proptest::collection::vec(any::<u8>(), 0..3000)) {
            super::TARGETS.iter().for_each(|(_, target)| target(&data));
        }
    }
}
