//! Where things lie in a datastore (datastore.md 1).

pub(crate) mod chunk_dir;

use std::path::PathBuf;

use ferrite_formats::{BackupGroup, Namespace, SnapshotPath};

/// Folder of the chunks, below the base.
pub const CHUNKS: &str = ".chunks";
/// File whose record lock guards the whole store, below the base.
pub const BASE_LOCK: &str = ".lock";
/// Folder of child namespaces, below the base or a namespace.
pub const NAMESPACES: &str = "ns";
/// Owner file of a group.
pub const OWNER: &str = "owner";
/// Empty file in a snapshot that must not be removed.
pub const PROTECTED: &str = ".protected";

/// Path of a group below the base: `ns/a/ns/b/vm/100`.
pub fn group_path(namespace: &Namespace, group: &BackupGroup) -> PathBuf {
    PathBuf::from(namespace.path()).join(group.to_string())
}

/// Path of a snapshot below the base: `ns/a/ns/b/vm/100/2024-05-01T12:00:00Z`.
pub fn snapshot_path(snapshot: &SnapshotPath) -> PathBuf {
    PathBuf::from(snapshot.to_string())
}

/// `name` with its last extension replaced: the temporary name beside the final one (datastore.md 2).
/// A name without an extension gets one.
pub(crate) fn replace_extension(name: &str, extension: &str) -> String {
    match name.rfind('.') {
        Some(dot) if dot > 0 => format!("{}.{extension}", &name[..dot]),
        _ => format!("{name}.{extension}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let snapshot: SnapshotPath = "ns/a/ns/b/vm/100/2024-05-01T12:00:00Z".parse().unwrap();
        let group = group_path(snapshot.namespace(), snapshot.group());
        assert_eq!(group, PathBuf::from("ns/a/ns/b/vm/100"));
        assert_eq!(snapshot_path(&snapshot), group.join("2024-05-01T12:00:00Z"));
        let root: SnapshotPath = "vm/100/2024-05-01T12:00:00Z".parse().unwrap();
        assert_eq!(
            group_path(root.namespace(), root.group()),
            PathBuf::from("vm/100")
        );
    }

    #[test]
    fn temporary_names() {
        assert_eq!(
            replace_extension("drive-scsi0.img.fidx", "tmp_fidx"),
            "drive-scsi0.img.tmp_fidx"
        );
        assert_eq!(
            replace_extension("index.json.blob", "tmp"),
            "index.json.tmp"
        );
        assert_eq!(replace_extension("abcd", "tmp_x"), "abcd.tmp_x");
        assert_eq!(replace_extension(".protected", "tmp"), ".protected.tmp");
    }
}
