//! Files that appear complete or not at all: a temporary name beside the final one, then rename (datastore.md 2).

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};

use crate::error::{Error, IoContext, Result};
use crate::owner::{self, Owner};

/// `tmp_XXXXXX`, six random letters and digits.
pub(crate) fn suffix() -> Result<String> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789__";
    let mut random = [0; 6];
    getrandom::fill(&mut random)
        .map_err(|error| Error::Request(format!("no random numbers to be had: {error}")))?;
    let letters = random.map(|byte| char::from(LETTERS[usize::from(byte & 63)]));
    Ok(format!("tmp_{}", letters.iter().collect::<String>()))
}

/// Writes `content` to `name` in `directory`, replacing what was there. `path` is the final path, for messages.
pub(crate) fn replace_file(
    directory: impl AsFd,
    name: &str,
    path: &Path,
    content: &[u8],
    mode: u32,
    owner: Option<Owner>,
) -> Result<()> {
    let directory = directory.as_fd();
    let temporary = crate::layout::replace_extension(name, &suffix()?);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(directory, &temporary, flags, Mode::from_raw_mode(0o600))
        .at("create", path)?;
    let mut file = File::from(fd);
    let written = file
        .write_all(content)
        .at("write", path)
        .and_then(|()| rustix::fs::fchmod(&file, Mode::from_raw_mode(mode)).at("write", path))
        .and_then(|()| owner::give(owner, &file, path))
        .and_then(|()| {
            rustix::fs::renameat(directory, &temporary, directory, name).at("write", path)
        });
    if written.is_err() {
        // The first error is the one to tell.
        let _ = rustix::fs::unlinkat(directory, &temporary, AtFlags::empty());
    }
    written
}
