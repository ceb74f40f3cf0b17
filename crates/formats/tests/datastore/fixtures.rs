//! Chunks, indexes, blobs and manifests written by PBS: parsed, compared with its own listings, and made again byte for
//! byte.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ferrite_formats::archive_name::{ArchiveKind, MANIFEST_NAME};
use ferrite_formats::blob::{
    Blob, BlobDecoder, BlobKind, BlobRef, BlobVerifier, Encryption, MAX_CHUNK_BYTES,
};
use ferrite_formats::canonical_json::to_canonical;
use ferrite_formats::chunker::{Chunker, DEFAULT_AVERAGE_BYTES};
use ferrite_formats::crypt::chunk_digest;
use ferrite_formats::dynamic_index::DynamicIndexBuilder;
use ferrite_formats::fixed_index::{DEFAULT_CHUNK_BYTES, FixedIndexBuilder};
use ferrite_formats::index::Index;
use ferrite_formats::manifest::{CryptMode, FileEntry, Manifest, SignatureState};
use ferrite_formats::pcat1::{CatalogKind, CatalogReader};
use ferrite_formats::{CryptKey, Digest, SnapshotPath};
use serde_json::Value;

/// Source datastores, with the folder they are in.
const STORES: [(&str, &str); 3] = [
    ("small", "store1"),
    ("append", "store1"),
    ("incomplete", "sparse"),
];

/// The folder of fixtures. Tests without it print why and pass, unless FERRITE_REQUIRE names `fixtures`.
pub fn folder() -> Option<PathBuf> {
    let path = std::env::var_os("FERRITE_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
        PathBuf::from,
    );
    if path.join("small/store1").is_dir() {
        return Some(path);
    }
    let required = std::env::var("FERRITE_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|word| word.trim() == "fixtures"),
        "fixtures are required but not at {}",
        path.display()
    );
    eprintln!("SKIP fixtures: nothing at {}", path.display());
    None
}

pub fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&read(path)).unwrap()
}

/// A datastore with PBS's listing of it.
pub struct Store {
    pub path: PathBuf,
    listing: Value,
}

impl Store {
    pub fn all(folder: &Path) -> Vec<Self> {
        let open = |(set, name): (&str, &str)| Self {
            path: folder.join(set).join(name),
            listing: json(&folder.join(set).join(format!("{name}.listing.json"))),
        };
        STORES.map(open).into()
    }

    fn chunk(&self, digest: &Digest) -> Vec<u8> {
        read(&self.path.join(".chunks").join(digest.chunk_path()))
    }

    /// Path and row of every file of every snapshot.
    fn files(&self) -> Vec<(&str, &str, &Value)> {
        let snapshots = self.listing["snapshots"].as_object().unwrap();
        let files = snapshots.iter().flat_map(|(snapshot, row)| {
            let files = row["files"].as_object().unwrap();
            files
                .iter()
                .map(move |(name, row)| (snapshot.as_str(), name.as_str(), row))
        });
        files.collect()
    }

    fn manifest(&self, snapshot: &str) -> Manifest {
        Manifest::parse_blob(&read(&self.path.join(snapshot).join(MANIFEST_NAME))).unwrap()
    }
}

fn client_key(folder: &Path) -> CryptKey {
    let info = json(&folder.join("small/client-key.info.json"));
    let raw = hex::decode(info["raw_key_hex"].as_str().unwrap()).unwrap();
    let key = CryptKey::new(raw.try_into().unwrap());
    assert_eq!(key.fingerprint().to_string(), info["fingerprint"]);
    key
}

fn kind_name(kind: BlobKind) -> &'static str {
    match kind {
        BlobKind::Plain => "plain",
        BlobKind::Zstd => "zstd",
        BlobKind::Encrypted => "enc",
        BlobKind::EncryptedZstd => "enc+zstd",
    }
}

/// Encodes the content of a blob as its writer did.
fn made_again(blob: BlobRef<'_>, plain: &[u8], key: &CryptKey) -> Blob {
    let encryption = blob.iv_and_tag().map(|(iv, _)| Encryption { key, iv: *iv });
    Blob::encode(plain, blob.kind().is_compressed(), encryption).unwrap()
}

#[test]
fn every_chunk_is_read_verified_and_made_again() {
    let Some(folder) = folder() else { return };
    let key = client_key(&folder);
    let mut decoder = BlobDecoder::new().unwrap();
    let mut verifier = BlobVerifier::new().unwrap();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for store in Store::all(&folder) {
        let chunks = store.listing["chunks"].as_object().unwrap();
        assert_eq!(
            chunks.len() as u64,
            store.listing["chunk_count"].as_u64().unwrap()
        );
        for (name, row) in chunks {
            let digest: Digest = name.parse().unwrap();
            let bytes = store.chunk(&digest);
            let blob = BlobRef::parse(&bytes).unwrap();
            assert_eq!(bytes.len() as u64, row["size"].as_u64().unwrap());
            assert_eq!(Digest::of(&bytes).to_string(), row["blob_sha256"]);
            assert_eq!(kind_name(blob.kind()), row["kind"]);
            *kinds.entry(kind_name(blob.kind())).or_default() += 1;

            let mut plain = Vec::new();
            let checked = decoder.verify_chunk(blob, &digest, None, Some(&key), &mut plain);
            assert_eq!(checked, Ok(true), "{name}");
            assert_eq!(
                chunk_digest(&plain, Some(&key).filter(|_| blob.kind().is_encrypted())),
                digest
            );
            assert!(
                made_again(blob, &plain, &key).as_bytes() == bytes,
                "{name} differs when made again"
            );

            verifier.start(Some(&digest), MAX_CHUNK_BYTES).unwrap();
            for slice in bytes.chunks(100_000) {
                verifier.update(slice).unwrap();
            }
            let report = verifier.finish().unwrap();
            assert_eq!(
                (report.kind, report.blob_bytes),
                (blob.kind(), bytes.len() as u64)
            );
            assert_eq!(report.content_checked, !blob.kind().is_encrypted());
        }
    }
    eprintln!("chunks: {kinds:?}");
    assert_eq!(kinds.len(), 4, "not every kind of blob was seen: {kinds:?}");
}

#[test]
fn every_index_is_read_and_written_again() {
    let Some(folder) = folder() else { return };
    let mut indexes = 0;
    for store in Store::all(&folder) {
        for (snapshot, name, row) in store.files() {
            if !ArchiveKind::of(name).unwrap().is_index() {
                continue;
            }
            let bytes = read(&store.path.join(snapshot).join(name));
            assert_eq!(
                Digest::of(&bytes).to_string(),
                row["sha256"],
                "{snapshot} {name}"
            );
            let index = Index::parse(name, bytes.as_slice()).unwrap();
            assert_eq!(index.len() as u64, row["chunks"].as_u64().unwrap());
            assert_eq!(index.size(), row["index_bytes"].as_u64().unwrap());
            assert_eq!(index.checksum().to_string(), row["index_csum"]);
            assert!(
                index_made_again(&index) == bytes,
                "{snapshot} {name} differs when written again"
            );
            indexes += 1;
        }
    }
    eprintln!("{indexes} indexes");
    assert!(indexes > 30);
}

fn index_made_again(index: &Index<&[u8]>) -> Vec<u8> {
    let (bytes, checksum) = match index {
        Index::Fixed(fixed) => {
            let header = *fixed.header();
            assert_eq!(header.checksum, fixed.checksum());
            assert_eq!(header.chunk_bytes, DEFAULT_CHUNK_BYTES);
            let mut builder = FixedIndexBuilder::new(header.size, header.chunk_bytes).unwrap();
            for (number, entry) in index.iter().enumerate() {
                builder.set(number, &entry.digest).unwrap();
            }
            builder.finish(header.uuid, header.ctime).unwrap()
        }
        Index::Dynamic(dynamic) => {
            let header = *dynamic.header();
            assert_eq!(header.checksum, dynamic.checksum());
            let mut builder = DynamicIndexBuilder::new();
            for entry in index.iter() {
                builder.push(entry.plain_bytes(), &entry.digest).unwrap();
            }
            builder.finish(header.uuid, header.ctime).unwrap()
        }
    };
    assert_eq!(checksum, index.checksum());
    bytes
}

#[test]
fn every_blob_file_is_read_and_made_again() {
    let Some(folder) = folder() else { return };
    let key = client_key(&folder);
    for store in Store::all(&folder) {
        for (snapshot, name, row) in store.files() {
            if ArchiveKind::of(name).unwrap().is_index() {
                continue;
            }
            let place = format!("{snapshot} {name}");
            let blob = Blob::parse(read(&store.path.join(snapshot).join(name))).unwrap();
            assert_eq!(blob.file_digest().to_string(), row["sha256"], "{place}");
            let view = blob.view().unwrap();
            let plain = view.decode(Some(&key), MAX_CHUNK_BYTES).unwrap();
            // The listing of the sparse images has the digests of files only.
            if let Some(content) = row["content_sha256"].as_str() {
                assert_eq!(Digest::of(&plain).to_string(), content, "{place}");
            }
            assert_eq!(made_again(view, &plain, &key), blob, "{place}");
        }
    }
}

#[test]
fn every_manifest_is_read_checked_and_written_again() {
    let Some(folder) = folder() else { return };
    let key = client_key(&folder);
    let mut signed = 0;
    for store in Store::all(&folder) {
        for (snapshot, row) in store.listing["snapshots"].as_object().unwrap() {
            let path: SnapshotPath = snapshot.parse().unwrap();
            assert_eq!(path.to_string(), *snapshot);
            let bytes = read(&store.path.join(snapshot).join(MANIFEST_NAME));
            let manifest = Manifest::parse_blob(&bytes).unwrap();
            assert_eq!(
                (manifest.group(), manifest.time()),
                (path.group(), path.time())
            );
            let row = &row["files"][MANIFEST_NAME];
            assert_eq!(
                Value::Object(manifest.document().clone()),
                row["manifest_json"]
            );
            assert!(
                manifest.to_blob().unwrap().as_bytes() == bytes,
                "{snapshot} differs when written again"
            );
            check_canonical(&manifest, row);

            let state = manifest.verify_signature(&key).unwrap();
            assert_eq!(
                state == SignatureState::Signed,
                row["manifest_json"]["signature"].is_string()
            );
            signed += usize::from(state == SignatureState::Signed);
            for file in manifest.files() {
                check_file(&store, snapshot, file);
            }
        }
    }
    assert!(signed >= 6, "only {signed} manifests are signed");
}

/// Compares as the listing does: canonical text of the whole manifest without its verification.
fn check_canonical(manifest: &Manifest, row: &Value) {
    let mut document = Value::Object(manifest.without_verify_state().document().clone());
    let text = if document["signature"].is_null() {
        // Ours refuses null, which is never signed.
        document.as_object_mut().unwrap().remove("signature");
        let text = to_canonical(&document).unwrap();
        text.replace(",\"unprotected\":", ",\"signature\":null,\"unprotected\":")
    } else {
        to_canonical(&document).unwrap()
    };
    assert_eq!(
        Digest::of(text.as_bytes()).to_string(),
        row["manifest_canonical_sha256"]
    );
}

/// The rules of verification for one file (datastore.md 10), chunks of sparse images only once.
fn check_file(store: &Store, snapshot: &str, file: &FileEntry) {
    let bytes = read(&store.path.join(snapshot).join(&file.filename));
    if file.kind().unwrap() == ArchiveKind::Blob {
        assert_eq!(
            (bytes.len() as u64, Digest::of(&bytes)),
            (file.size, file.csum)
        );
        return;
    }
    let index = Index::parse(&file.filename, bytes).unwrap();
    assert_eq!((index.size(), index.checksum()), (file.size, file.csum));
    let digest = index.digest(0).unwrap();
    let chunk = store.chunk(&digest);
    let encrypted = BlobRef::parse(&chunk).unwrap().kind().is_encrypted();
    assert_eq!(
        encrypted,
        file.crypt_mode == CryptMode::Encrypt,
        "{snapshot} {}",
        file.filename
    );
}

/// The stream of a dynamic index.
fn stream(store: &Store, snapshot: &str, name: &str, key: &CryptKey) -> (Vec<u8>, Vec<u64>) {
    let index = Index::parse(name, read(&store.path.join(snapshot).join(name))).unwrap();
    let (mut stream, mut ends) = (Vec::new(), Vec::new());
    for entry in index.iter() {
        let chunk = store.chunk(&entry.digest);
        stream.extend(
            BlobRef::parse(&chunk)
                .unwrap()
                .decode(Some(key), entry.plain_bytes())
                .unwrap(),
        );
        assert_eq!(stream.len() as u64, entry.range.end);
        ends.push(entry.range.end);
    }
    (stream, ends)
}

#[test]
fn streams_are_cut_where_pbs_cut_them() {
    let Some(folder) = folder() else { return };
    let key = client_key(&folder);
    for store in Store::all(&folder) {
        for (snapshot, name, _) in store.files() {
            if ArchiveKind::of(name) != Ok(ArchiveKind::DynamicIndex) {
                continue;
            }
            let (stream, expected) = stream(&store, snapshot, name, &key);
            let mut chunker = Chunker::new(DEFAULT_AVERAGE_BYTES).unwrap();
            let (mut ends, mut at) = (Vec::new(), 0);
            while let Some(cut) = chunker.scan(&stream[at..]) {
                at += cut;
                ends.push(at as u64);
            }
            if at < stream.len() {
                ends.push(stream.len() as u64);
            }
            assert_eq!(ends, expected, "{snapshot} {name}");
        }
    }
}

#[test]
fn catalogs_list_the_files_of_the_archives() {
    let Some(folder) = folder() else { return };
    let key = client_key(&folder);
    let mut catalogs = 0;
    for store in Store::all(&folder) {
        for (snapshot, name, _) in store.files() {
            if name != "catalog.pcat1.didx" {
                continue;
            }
            let (stream, _) = stream(&store, snapshot, name, &key);
            let mut archives = Vec::new();
            let mut entries = 0;
            let reader = CatalogReader::parse(&stream).unwrap();
            reader
                .walk(&mut |path, kind| {
                    entries += 1;
                    if !path.contains(&b'/') {
                        assert!(matches!(kind, CatalogKind::Directory { .. }));
                        archives.push(String::from_utf8(path.to_vec()).unwrap());
                    }
                    Ok(())
                })
                .unwrap();
            assert_eq!(archives, ["root.pxar.didx"], "{snapshot}");
            assert!(store.manifest(snapshot).file("root.pxar.didx").is_some());
            assert_eq!(entries, 11);
            catalogs += 1;
        }
    }
    assert!(catalogs >= 5);
}
