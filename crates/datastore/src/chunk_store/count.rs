//! Counting the chunk files of a store.

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::ChunkStore;
use crate::error::{IoContext, Result};
use crate::layout::chunk_dir::CHUNK_FOLDERS;
use crate::progress::CancelFlag;

/// Chunk files in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ChunkTotals {
    pub(crate) chunks: u64,
    pub(crate) chunk_bytes: u64,
}

fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode).is_file()
}

/// Hex digits of a digest. Corrupt and temporary files have longer names, and so have markers of S3 stores.
const NAME_BYTES: usize = 64;

impl ChunkStore {
    pub(crate) fn count(&self, cancel: &CancelFlag) -> Result<ChunkTotals> {
        let mut totals = ChunkTotals::default();
        for number in 0..CHUNK_FOLDERS {
            cancel.check()?;
            let name = format!("{number:04x}");
            self.count_folder(&name, &mut totals)
                .at("list", self.path.join(&name))?;
        }
        Ok(totals)
    }

    fn count_folder(&self, name: &str, totals: &mut ChunkTotals) -> Result<(), Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = match rustix::fs::openat(&self.folder, name, flags, Mode::empty()) {
            Ok(folder) => folder,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in Dir::new(folder)?.by_ref().flatten() {
            let name = entry.file_name();
            let is_chunk = name.count_bytes() == NAME_BYTES
                && name.to_bytes().iter().all(u8::is_ascii_hexdigit);
            if !is_chunk {
                continue;
            }
            let path = format!("{:.4}/{}", name.to_string_lossy(), name.to_string_lossy());
            // Gone since it was listed, perhaps.
            let stat = rustix::fs::statat(&self.folder, path, AtFlags::SYMLINK_NOFOLLOW);
            if let Some(stat) = stat.ok().filter(is_file) {
                totals.chunks += 1;
                totals.chunk_bytes += u64::try_from(stat.st_size).unwrap_or(0);
            }
        }
        Ok(())
    }
}
