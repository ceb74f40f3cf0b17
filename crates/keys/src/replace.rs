//! Replaces a file so that whoever reads it, also after a kill or a power cut, finds the old content or the new one:
//! temporary file beside it, mode and owner, fsync, rename, fsync of the folder.

use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use crate::error::{Error, IoContext, Result};

/// Mode and owner of a file that is written.
#[derive(Debug, Clone, Copy)]
pub struct FileAttributes {
    /// Permission bits.
    pub mode: u32,
    /// User and group; the process's own where not given.
    pub owner: Option<(u32, u32)>,
}

/// Writes `content` to `path`, while the caller keeps all others from doing so. On an error the old file is untouched, and
/// no temporary file is left.
pub(crate) fn replace_file(path: &Path, content: &[u8], attributes: FileAttributes) -> Result<()> {
    remove_leftovers(path);
    let temporary = path.with_extension(suffix()?);
    // Closed to all others until it has its owner: it may hold keys.
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .at("create", &temporary)?;
    let written = write(file, content, attributes)
        .and_then(|()| std::fs::rename(&temporary, path))
        .at("write", path);
    if written.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&temporary);
    }
    written?;
    sync_folder_of(path)
}

fn write(mut file: File, content: &[u8], attributes: FileAttributes) -> std::io::Result<()> {
    file.write_all(content)?;
    if let Some((uid, gid)) = attributes.owner {
        fchown(&file, Some(uid), Some(gid))?;
    }
    file.set_permissions(Permissions::from_mode(attributes.mode))?;
    file.sync_all()
}

/// `tmp_XXXXXX`, six random letters and digits: the name that PBS gives such files.
fn suffix() -> Result<String> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789__";
    let mut random = [0; 6];
    getrandom::fill(&mut random).map_err(|error| Error::Random(error.to_string()))?;
    let letters = random.map(|byte| char::from(LETTERS[usize::from(byte & 63)]));
    Ok(format!("tmp_{}", letters.iter().collect::<String>()))
}

/// Removes temporary files of processes that were killed: a key that is removed must not live on in one.
fn remove_leftovers(path: &Path) {
    let (Some(stem), Some(folder)) = (path.file_stem(), path.parent()) else {
        return;
    };
    let beginning = [stem.as_encoded_bytes(), b".tmp_"].concat();
    // What cannot be seen or removed harms nobody more than before.
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(&beginning) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn sync_folder_of(path: &Path) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    File::open(&folder)
        .and_then(|opened| opened.sync_all())
        .at("sync folder", &folder)
}
