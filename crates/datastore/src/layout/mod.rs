//! Where things lie in a datastore and how they are called (datastore.md 1, 1.1).

mod names;
mod paths;
mod time;

pub use names::{
    BackupGroup, BackupType, MAX_NAMESPACE_DEPTH, Namespace, SnapshotPath, is_archive_name,
    is_safe_id, is_store_name,
};
pub use paths::{CHUNKS, CLIENT_LOG, MANIFEST, OWNER, PROTECTED};
pub use time::{format_backup_time, parse_backup_time};

pub(crate) use names::group_path;
pub(crate) use paths::{BASE_LOCK, CHUNK_FOLDERS, NAMESPACES, RESTORE_SCRATCH, replace_extension};
