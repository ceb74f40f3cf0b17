//! Fixed file and directory names of a datastore.

/// Folder of the chunks, below the base.
pub const CHUNKS: &str = ".chunks";
/// File whose record lock guards the whole store, below the base.
pub const BASE_LOCK: &str = ".lock";
/// Scratch folder of restores that collect snapshots first, below the base.
pub const RESTORE_SCRATCH: &str = ".tmp";
/// Folder of child namespaces, below the base or a namespace.
pub const NAMESPACES: &str = "ns";
/// Owner file of a group.
pub const OWNER: &str = "owner";
/// Manifest of a snapshot; a snapshot without it is unfinished.
pub const MANIFEST: &str = "index.json.blob";
/// Client log of a snapshot; optional, never listed in the manifest.
pub const CLIENT_LOG: &str = "client.log.blob";
/// Empty file in a snapshot that must not be removed.
pub const PROTECTED: &str = ".protected";
/// Number of folders below `.chunks`, one for each value of a digest's first two bytes.
pub const CHUNK_FOLDERS: u32 = 0x1_0000;

/// `name` with its last extension replaced: the temporary name beside the final one (datastore.md 2).
/// A name without an extension gets one.
pub fn replace_extension(name: &str, extension: &str) -> String {
    match name.rfind('.') {
        Some(dot) if dot > 0 => format!("{}.{extension}", &name[..dot]),
        _ => format!("{name}.{extension}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_names() {
        assert_eq!(
            replace_extension("drive-scsi0.img.fidx", "tmp_fidx"),
            "drive-scsi0.img.tmp_fidx"
        );
        assert_eq!(replace_extension(MANIFEST, "tmp"), "index.json.tmp");
        assert_eq!(replace_extension("abcd", "tmp_x"), "abcd.tmp_x");
        assert_eq!(replace_extension(".protected", "tmp"), ".protected.tmp");
    }
}
