//! Tape files that have a length and next to no content: a plan fills such tapes to find out where a job's data would go.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use super::directory::{check_label, file_path, read_tape_index, replace_tape_index};
use super::disk::{Disk, DiskFile, WriteStyle};
use super::error::DirectoryError;
use super::layout::MAX_FILES;
use super::tape::BLOCK_BYTES;

/// Labels are read back; they fit in here with ease.
const KEPT_BYTES: usize = 16 << 10;

/// Keeps the beginning of each file. What lies behind it is a hole, which takes no room.
#[derive(Clone, Copy, Debug, Default)]
pub struct HollowDisk;

impl Disk for HollowDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(HollowFile(File::create(path)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(HollowFile(
            File::options().write(true).open(path)?,
        )))
    }
}

struct HollowFile(File);

impl DiskFile for HollowFile {
    fn style(&self) -> WriteStyle {
        WriteStyle::Cached
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), (usize, io::Error)> {
        let write = || {
            if offset == 0 {
                self.0
                    .write_all_at(&bytes[..bytes.len().min(KEPT_BYTES)], 0)?;
            }
            self.0.set_len(offset + bytes.len() as u64)
        };
        write().map_err(|error| (0, error))
    }

    fn reserve(&self, _offset: u64, _length: u64) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Puts a hollow copy of a tape into another directory. Works while somebody uses the drive of the first.
///
/// # Errors
/// [`DirectoryError::Io`], [`DirectoryError::Damaged`]; a tape that is not there is a damaged one.
pub fn copy_hollow_tape(from: &Path, label: &str, to: &Path) -> Result<(), DirectoryError> {
    check_label(label)?;
    let files = read_tape_index(from, label)?.unwrap_or(0).min(MAX_FILES);
    for number in 0..files {
        let source = file_path(from, label, number);
        let copied = || {
            let mut opened = File::open(&source)?;
            let mut head = Vec::new();
            (&mut opened)
                .take(KEPT_BYTES as u64)
                .read_to_end(&mut head)?;
            let copy = File::create(file_path(to, label, number))?;
            copy.write_all_at(&head, 0)?;
            copy.set_len(opened.metadata()?.len())
        };
        match copied() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => result.map_err(|error| DirectoryError::io(&source, "copy", error))?,
        }
    }
    replace_tape_index(to, label, files)
}

/// Lengths of the files of a tape, in order. Works while somebody uses the drive.
///
/// # Errors
/// As [`copy_hollow_tape`].
pub fn tape_file_lengths(directory: &Path, label: &str) -> Result<Vec<u64>, DirectoryError> {
    check_label(label)?;
    let files = read_tape_index(directory, label)?
        .unwrap_or(0)
        .min(MAX_FILES);
    let length = |number| {
        std::fs::metadata(file_path(directory, label, number)).map_or(0, |file| file.len())
    };
    Ok((0..files).map(length).collect())
}

/// Adds files to a hollow tape until it has `files` of them that hold `bytes` together: what is known of a tape that is not
/// at hand.
///
/// # Errors
/// As [`copy_hollow_tape`].
pub fn grow_hollow_tape(
    directory: &Path,
    label: &str,
    files: u64,
    bytes: u64,
) -> Result<(), DirectoryError> {
    check_label(label)?;
    let present = read_tape_index(directory, label)?.unwrap_or(0);
    let files = files.min(MAX_FILES);
    let length = |number| {
        std::fs::metadata(file_path(directory, label, number)).map_or(0, |file| file.len())
    };
    let missing = bytes.saturating_sub((0..present).map(length).sum());
    for number in present..files {
        let path = file_path(directory, label, number);
        let length = if number + 1 == files {
            missing / BLOCK_BYTES as u64 * BLOCK_BYTES as u64
        } else {
            0
        };
        File::create(&path)
            .and_then(|file| file.set_len(length))
            .map_err(|error| DirectoryError::io(&path, "make", error))?;
    }
    replace_tape_index(directory, label, files.max(present))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn copies_have_the_lengths_of_their_tapes() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (number, length) in [300, 70_000, 0].into_iter().enumerate() {
            let path = file_path(from.path(), "T1", number as u64);
            std::fs::write(path, vec![number as u8 + 1; length]).unwrap();
        }
        replace_tape_index(from.path(), "T1", 3).unwrap();
        copy_hollow_tape(from.path(), "T1", to.path()).unwrap();
        assert_eq!(read_tape_index(to.path(), "T1").unwrap(), Some(3));
        let copy = |number| std::fs::read(file_path(to.path(), "T1", number)).unwrap();
        assert_eq!(copy(0), [1; 300]);
        assert_eq!(copy(1).len(), 70_000);
        assert!(copy(1)[..KEPT_BYTES].iter().all(|&byte| byte == 2));
        assert_eq!(copy(2).len(), 0);

        grow_hollow_tape(to.path(), "T1", 6, 10 << 20).unwrap();
        assert_eq!(read_tape_index(to.path(), "T1").unwrap(), Some(6));
        let total: usize = (0..6).map(|number| copy(number).len()).sum();
        assert!(((10 << 20) - BLOCK_BYTES..=10 << 20).contains(&total));
        assert!(matches!(
            copy_hollow_tape(from.path(), "../T1", to.path()),
            Err(DirectoryError::Label { .. })
        ));
    }

    #[test]
    fn a_file_has_its_length_and_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let file = HollowDisk.create(&path).unwrap();
        let block = vec![7; 256 << 10];
        for number in 0..4 {
            file.write_at(&block, number * block.len() as u64).unwrap();
        }
        let content = std::fs::read(&path).unwrap();
        assert_eq!(content.len(), 4 * block.len());
        assert!(content[..KEPT_BYTES].iter().all(|&byte| byte == 7));
        assert!(content[KEPT_BYTES..].iter().all(|&byte| byte == 0));
        assert!(std::fs::metadata(&path).unwrap().blocks() * 512 < block.len() as u64);
        HollowDisk.open(&path).unwrap().truncate(5).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), [7; 5]);
    }
}
