//! Temporary files that become real ones by a rename.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Gid, Uid, fchown};
use rustix::io::Errno;

use crate::catalog::Owner;
use crate::error::{Result, TapeError};
use crate::lock::lock_exclusive;

/// A locked file under a temporary name. Dropped before [`Temporary::rename_to`], it is removed.
///
/// The name is fixed, not random, and the file locked: two processes never work on the same file, and one that was killed
/// leaves a single file that the next one takes over.
#[derive(Debug)]
pub(crate) struct Temporary {
    file: File,
    path: PathBuf,
    renamed: bool,
}

impl Temporary {
    /// Creates the file, or takes over what a killed process left, empty. Waits at most `wait` for another process that
    /// works on it.
    pub(crate) fn create(path: &Path, mode: u32, wait: Duration) -> Result<Self> {
        let temporary = Self {
            file: open_and_lock(path, mode, wait)?,
            path: path.to_owned(),
            renamed: false,
        };
        temporary
            .file
            .set_len(0)
            .map_err(|error| TapeError::io("empty", path, error))?;
        Ok(temporary)
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file to `owner`. A process that may not do so keeps it: for anyone but root the files are their own anyway.
    pub(crate) fn give_to(&self, owner: Option<Owner>) -> Result<()> {
        let Some(Owner { uid, gid }) = owner else {
            return Ok(());
        };
        match fchown(
            &self.file,
            Some(Uid::from_raw(uid)),
            Some(Gid::from_raw(gid)),
        ) {
            Ok(()) | Err(Errno::PERM) => Ok(()),
            Err(error) => Err(TapeError::io(
                "change the owner of",
                &self.path,
                error.into(),
            )),
        }
    }

    /// Makes the content durable, then gives it its real name, durably.
    pub(crate) fn sync_and_rename_to(self, path: &Path) -> Result<()> {
        self.file
            .sync_all()
            .map_err(|error| TapeError::io("sync", &self.path, error))?;
        self.rename_to(path)?;
        sync_folder_of(path)
    }

    /// Gives the file its real name.
    pub(crate) fn rename_to(mut self, path: &Path) -> Result<()> {
        std::fs::rename(&self.path, path).map_err(|error| TapeError::io("replace", path, error))?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // Still locked, so nobody else's. If it cannot be removed, the next one takes it over.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn open_and_lock(path: &Path, mode: u32, wait: Duration) -> Result<File> {
    let failed = |error| TapeError::io("create", path, error);
    loop {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(mode)
            .open(path)
            .map_err(failed)?;
        lock_exclusive(&file, path, wait)?;
        let open = file.metadata().map_err(failed)?;
        // Its last owner may have renamed or removed it while we waited: then we hold the lock of the wrong file.
        match std::fs::metadata(path) {
            Ok(named) if (named.dev(), named.ino()) == (open.dev(), open.ino()) => return Ok(file),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

/// Makes a rename in the folder of `path` durable.
fn sync_folder_of(path: &Path) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| TapeError::io("sync folder", folder, error))
}
