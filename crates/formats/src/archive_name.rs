//! Names of the files in a snapshot directory (datastore.md 1).

use crate::error::{FormatError, Result};

/// The manifest: written last, listed nowhere.
pub const MANIFEST_NAME: &str = "index.json.blob";
/// The client's log: optional, never listed in the manifest.
pub const CLIENT_LOG_NAME: &str = "client.log.blob";

/// What a file of a snapshot holds, by the ending of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArchiveKind {
    /// `.fidx`: a disk image in chunks of one size.
    FixedIndex,
    /// `.didx`: a byte stream in chunks of varying size.
    DynamicIndex,
    /// `.blob`: the content itself.
    Blob,
}

impl ArchiveKind {
    /// The kind of the file called `name`.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] when the name ends in none of the three.
    pub fn of(name: &str) -> Result<Self> {
        match name.rsplit_once('.') {
            Some((_, "fidx")) => Ok(Self::FixedIndex),
            Some((_, "didx")) => Ok(Self::DynamicIndex),
            Some((_, "blob")) => Ok(Self::Blob),
            _ => Err(refuse(name, "does not end in .fidx, .didx or .blob")),
        }
    }

    /// Whether the file names chunks.
    pub fn is_index(self) -> bool {
        self != Self::Blob
    }
}

/// Checks that `name` can be used as a file of a snapshot directory: an archive by its ending, one path component of at
/// most 255 bytes, not hidden.
///
/// # Errors
/// [`FormatError::Invalid`].
pub fn check_archive_name(name: &str) -> Result<ArchiveKind> {
    if name.contains(['/', '\0']) || name.starts_with('.') || name.len() > 255 {
        return Err(refuse(name, "is not a file name for a snapshot"));
    }
    ArchiveKind::of(name)
}

fn refuse(name: &str, why: &str) -> FormatError {
    let shown: String = name.chars().take(80).collect();
    FormatError::invalid(
        "archive name",
        format!("\"{}\" {why}", shown.escape_debug()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_tells_the_kind() {
        assert_eq!(
            ArchiveKind::of("drive-scsi0.img.fidx"),
            Ok(ArchiveKind::FixedIndex)
        );
        assert_eq!(
            ArchiveKind::of("root.mpxar.didx"),
            Ok(ArchiveKind::DynamicIndex)
        );
        assert_eq!(ArchiveKind::of(MANIFEST_NAME), Ok(ArchiveKind::Blob));
        for bad in ["", "fidx", "a.FIDX", "a.fidx.tmp", "blob"] {
            assert!(ArchiveKind::of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for bad in [
            "../a.blob",
            "a/b.blob",
            ".blob",
            ".x.blob",
            "a\0.blob",
            &format!("{}.blob", "x".repeat(251)),
        ] {
            assert!(check_archive_name(bad).is_err(), "{bad}");
        }
        assert_eq!(check_archive_name("x.blob"), Ok(ArchiveKind::Blob));
    }
}
