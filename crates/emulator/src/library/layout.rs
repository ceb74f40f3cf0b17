//! Where the files of a library are.

use std::path::{Path, PathBuf};

/// What the library is: never changes.
pub(super) const CONFIG: &str = "library.json";
/// The changer's device file.
pub(super) const CHANGER: &str = "changer";
/// Directory of all cartridges, also of those that are in no slot.
pub(super) const CARTRIDGES: &str = "cartridges";
const DRIVE: &str = "drive";

pub(super) fn drive(library: &Path, number: u16) -> PathBuf {
    library.join(format!("{DRIVE}{number}"))
}

/// Number of the drive that a file name means.
pub(super) fn drive_number(name: &str) -> Option<u16> {
    name.strip_prefix(DRIVE)?.parse().ok()
}

pub(super) fn cartridge(library: &Path, name: &str) -> PathBuf {
    library.join(CARTRIDGES).join(name)
}
