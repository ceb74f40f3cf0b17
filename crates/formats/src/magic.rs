//! The eight byte magic numbers of tapes, archives, catalogs and blobs (tape-format.md, table 0).
//!
//! Each is the start of the SHA-256 of an ASCII text; the texts stand in [`TABLE`], and a test recomputes every value.

/// Eight bytes that name a format and its version.
pub type Magic = [u8; 8];

/// First bytes of every tape block.
pub const BLOCK_HEADER_1_0: Magic = [0xdc, 0xbd, 0xaf, 0xca, 0xeb, 0xa0, 0xa5, 0x28];
/// First bytes of the content of every tape file.
pub const CONTENT_HEADER_1_0: Magic = [0x63, 0xee, 0x14, 0x9f, 0xcd, 0xf2, 0x9b, 0x0c];
/// Content: media label, file 0 of a tape.
pub const MEDIA_LABEL_1_0: Magic = [0x2a, 0x05, 0xbf, 0x3c, 0xb0, 0x30, 0xaa, 0x39];
/// Content: media-set label, file 1 of a tape.
pub const MEDIA_SET_LABEL_1_0: Magic = [0x08, 0x60, 0x63, 0xf9, 0x2f, 0x97, 0x53, 0xd8];
/// Content: chunk archive without a datastore name; no longer read.
pub const CHUNK_ARCHIVE_1_0: Magic = [0x3e, 0xad, 0xa7, 0x5f, 0x31, 0x4c, 0x06, 0x6e];
/// Content: chunk archive.
pub const CHUNK_ARCHIVE_1_1: Magic = [0x6d, 0x31, 0x63, 0x6d, 0xd7, 0x02, 0x83, 0xbf];
/// First bytes of every entry of a chunk archive.
pub const CHUNK_ARCHIVE_ENTRY_1_0: Magic = [0x48, 0x57, 0x6d, 0xf2, 0xde, 0x42, 0x8f, 0xdc];
/// Content: snapshot archive without a datastore name; no longer read.
pub const SNAPSHOT_ARCHIVE_1_0: Magic = [0x09, 0xb6, 0x02, 0x1f, 0x7d, 0xe8, 0x72, 0x85];
/// Content: snapshot archive, written for the root namespace.
pub const SNAPSHOT_ARCHIVE_1_1: Magic = [0xda, 0x16, 0x15, 0xd0, 0x11, 0xe2, 0x9a, 0x62];
/// Content: snapshot archive, written for other namespaces.
pub const SNAPSHOT_ARCHIVE_1_2: Magic = [0x62, 0x10, 0x36, 0x9b, 0xba, 0x10, 0x33, 0x1d];
/// Content: catalog archive of a job over the root namespace alone.
pub const CATALOG_ARCHIVE_1_0: Magic = [0xb7, 0xcf, 0xc7, 0x25, 0x9e, 0x99, 0x1e, 0x73];
/// Content: catalog archive of any other job.
pub const CATALOG_ARCHIVE_1_1: Magic = [0xb3, 0xec, 0x71, 0xf0, 0xad, 0xec, 0x02, 0x60];
/// Media catalog file on disk without datastore names; no longer read.
pub const MEDIA_CATALOG_1_0: Magic = [0xdd, 0x1d, 0xa4, 0x01, 0x3b, 0x45, 0x13, 0x28];
/// Media catalog file on disk.
pub const MEDIA_CATALOG_1_1: Magic = [0x4c, 0x8e, 0xe8, 0xc1, 0x20, 0xa8, 0x89, 0x71];
/// Blob: stored as it is.
pub const BLOB_PLAIN_1_0: Magic = [0x42, 0xab, 0x38, 0x07, 0xbe, 0x83, 0x70, 0xa1];
/// Blob: zstd frame.
pub const BLOB_ZSTD_1_0: Magic = [0x31, 0xb9, 0x58, 0x42, 0x6f, 0xb6, 0xa3, 0x7f];
/// Blob: encrypted by the backup client.
pub const BLOB_ENCRYPTED_1_0: Magic = [0x7b, 0x67, 0x85, 0xbe, 0x22, 0x2d, 0x4c, 0xf0];
/// Blob: zstd frame, encrypted by the backup client.
pub const BLOB_ZSTD_ENCRYPTED_1_0: Magic = [0xe6, 0x59, 0x1b, 0xbf, 0x0b, 0xbf, 0xd8, 0x0b];

/// Every magic with the text whose SHA-256 begins with it.
pub const TABLE: &[(&str, Magic)] = &[
    ("Proxmox Tape Block Header v1.0", BLOCK_HEADER_1_0),
    ("Proxmox Backup Content Header v1.0", CONTENT_HEADER_1_0),
    ("Proxmox Backup Tape Label v1.0", MEDIA_LABEL_1_0),
    ("Proxmox Backup MediaSet Label v1.0", MEDIA_SET_LABEL_1_0),
    ("Proxmox Backup Chunk Archive v1.0", CHUNK_ARCHIVE_1_0),
    ("Proxmox Backup Chunk Archive v1.1", CHUNK_ARCHIVE_1_1),
    (
        "Proxmox Backup Chunk Archive Entry v1.0",
        CHUNK_ARCHIVE_ENTRY_1_0,
    ),
    ("Proxmox Backup Snapshot Archive v1.0", SNAPSHOT_ARCHIVE_1_0),
    ("Proxmox Backup Snapshot Archive v1.1", SNAPSHOT_ARCHIVE_1_1),
    ("Proxmox Backup Snapshot Archive v1.2", SNAPSHOT_ARCHIVE_1_2),
    ("Proxmox Backup Catalog Archive v1.0", CATALOG_ARCHIVE_1_0),
    ("Proxmox Backup Catalog Archive v1.1", CATALOG_ARCHIVE_1_1),
    ("Proxmox Backup Media Catalog v1.0", MEDIA_CATALOG_1_0),
    ("Proxmox Backup Media Catalog v1.1", MEDIA_CATALOG_1_1),
    ("Proxmox Backup uncompressed blob v1.0", BLOB_PLAIN_1_0),
    ("Proxmox Backup zstd compressed blob v1.0", BLOB_ZSTD_1_0),
    ("Proxmox Backup encrypted blob v1.0", BLOB_ENCRYPTED_1_0),
    (
        "Proxmox Backup zstd compressed encrypted blob v1.0",
        BLOB_ZSTD_ENCRYPTED_1_0,
    ),
];

/// The text of a known magic, for messages.
pub fn name(magic: &Magic) -> Option<&'static str> {
    TABLE
        .iter()
        .find(|(_, known)| known == magic)
        .map(|(text, _)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn every_magic_is_the_start_of_the_hash_of_its_text() {
        for (text, magic) in TABLE {
            assert_eq!(&Sha256::digest(text.as_bytes())[..8], magic, "{text}");
        }
    }

    #[test]
    fn names_are_found_by_value() {
        assert_eq!(
            name(&CHUNK_ARCHIVE_1_1),
            Some("Proxmox Backup Chunk Archive v1.1")
        );
        assert_eq!(name(&[0; 8]), None);
    }
}
