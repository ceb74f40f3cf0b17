//! Small files of /sys and udev. Devices come and go while they are read, so what cannot be read is not there.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Attributes are one page; udev's files are a few kilobytes.
const MAX_BYTES: u64 = 256 * 1024;

/// Content of a file, cut at [`MAX_BYTES`].
pub(super) fn bytes(path: &Path) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)
        .ok()?
        .take(MAX_BYTES)
        .read_to_end(&mut content)
        .ok()?;
    Some(content)
}

/// Content of a file with one line.
pub(super) fn text_file(path: &Path) -> Option<String> {
    let content = String::from_utf8(bytes(path)?).ok()?;
    Some(content.trim().to_owned())
}

/// `major:minor` of a `dev` file.
pub(super) fn numbers(path: &Path) -> Option<(u32, u32)> {
    let content = text_file(path)?;
    let (major, minor) = content.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Names in a folder; those that are no text are left out.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    Ok(fs::read_dir(folder)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect())
}
