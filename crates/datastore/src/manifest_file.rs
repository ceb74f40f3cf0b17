//! Reading a snapshot's manifest without locking the snapshot, and rewriting it under its lock (datastore.md 3.3, 9).

use std::io::Read;

use ferrite_formats::SnapshotPath;
use ferrite_formats::archive_name::MANIFEST_NAME;
use ferrite_formats::manifest::{MAX_MANIFEST_BYTES, Manifest};
use rustix::fs::{Mode, OFlags};

use crate::error::{Error, FormatContext, IoContext, Result};
use crate::progress::CancelFlag;
use crate::store::Store;
use crate::temporary;

impl Store {
    /// Reads a manifest. It is replaced atomically, so no lock is needed for this alone.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Format`] or [`Error::Damaged`].
    pub fn read_manifest(&self, snapshot: &SnapshotPath) -> Result<Manifest> {
        let path = self.snapshot_directory(snapshot).join(MANIFEST_NAME);
        let file = std::fs::File::open(&path).at("open", &path)?;
        let mut blob = Vec::new();
        let mut bounded = file.take(MAX_MANIFEST_BYTES + 1);
        bounded.read_to_end(&mut blob).at("read", &path)?;
        if blob.len() as u64 > MAX_MANIFEST_BYTES {
            return Err(Error::Damaged {
                path,
                detail: format!("is longer than {MAX_MANIFEST_BYTES} bytes"),
            });
        }
        Manifest::parse_blob(&blob).of(&path)
    }

    /// Rewrites a manifest: locks it, reads it, lets `change` change its unsigned part, replaces it atomically.
    ///
    /// # Errors
    /// [`Error::Busy`] when it stays locked for 5 s; as [`read_manifest`](Self::read_manifest); [`Error::Io`].
    pub fn update_manifest(
        &self,
        snapshot: &SnapshotPath,
        change: impl FnOnce(&mut Manifest),
    ) -> Result<()> {
        let _lock = self.lock_manifest(snapshot, &CancelFlag::new())?;
        let mut manifest = self.read_manifest(snapshot)?;
        change(&mut manifest);
        let directory = self.snapshot_directory(snapshot);
        let path = directory.join(MANIFEST_NAME);
        let blob = manifest.to_blob().of(&path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(&directory, flags, Mode::empty()).at("open", &directory)?;
        let owner = self.options().owner;
        temporary::replace_file(fd, MANIFEST_NAME, &path, blob.as_bytes(), 0o644, owner)
    }
}
