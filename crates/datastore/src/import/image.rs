//! A disk image: a file or block device, cut into chunks of 4 MiB. Holes are not read.

use std::fs::File;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Advice, SeekFrom};
use rustix::io::Errno;

use super::Context;
use super::chunk_pool::StreamChunks;
use crate::error::{Error, IoContext, Result};
use crate::zero::USUAL_BYTES;

impl Context<'_> {
    /// Reads `source` and hands its chunks to the pool. Answers them and the size of the image.
    pub(super) fn read_image(&self, source: &Path) -> Result<(Arc<StreamChunks>, u64)> {
        let file = File::open(source).at("open", source)?;
        let bytes = image_bytes(&file, source)?;
        // Only advice.
        let _ = rustix::fs::fadvise(&file, 0, None, Advice::Sequential);
        let chunks = Arc::default();
        let mut holes = Holes::new();
        let name = || Some(source.display().to_string());
        let mut start = 0;
        for number in 0.. {
            if start >= bytes {
                break;
            }
            // At most 4 MiB.
            let length = (bytes - start).min(USUAL_BYTES as u64) as usize;
            if holes.cover(&file, start, length as u64) {
                self.pool.store_zeros(&chunks, number, length)?;
            } else {
                let mut data = self.pool.buffer();
                data.resize(length, 0);
                let read = read_at(&file, &mut data, start).at("read", source)?;
                if read < length {
                    data[read..].fill(0);
                    self.warnings.add(format!(
                        "{} became shorter while it was read: zeros stand in for what is missing from byte {} on",
                        source.display(),
                        start + read as u64
                    ));
                }
                self.pool.store(&chunks, number, data)?;
            }
            self.progress.add(length as u64, name);
            start += length as u64;
        }
        Ok((chunks, bytes))
    }
}

fn image_bytes(file: &File, source: &Path) -> Result<u64> {
    let found = file.metadata().at("stat", source)?;
    let bytes = if found.file_type().is_block_device() {
        rustix::fs::seek(file, SeekFrom::End(0)).at("find the size of", source)?
    } else if found.is_file() {
        found.len()
    } else {
        return Err(Error::Request(format!(
            "{} is neither a file nor a block device: it cannot become an image",
            source.display()
        )));
    };
    if bytes == 0 {
        return Err(Error::Request(format!(
            "{} is empty: an image has at least one byte",
            source.display()
        )));
    }
    Ok(bytes)
}

/// Reads until the buffer is full or the file ends; answers how much.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::pread(file, &mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// What is known of the holes of a sparse file.
struct Holes {
    /// Everything before, from the last question on, is a hole; the next data begins here.
    data_from: u64,
    supported: bool,
}

impl Holes {
    fn new() -> Self {
        Self {
            data_from: 0,
            supported: true,
        }
    }

    /// Whether a hole covers the range. Asked with rising ranges.
    fn cover(&mut self, file: &File, start: u64, length: u64) -> bool {
        if self.supported && self.data_from <= start {
            match rustix::fs::seek(file, SeekFrom::Data(start)) {
                Ok(data) => self.data_from = data,
                // Behind the last data.
                Err(Errno::NXIO) => self.data_from = u64::MAX,
                Err(_) => self.supported = false,
            }
        }
        self.supported && self.data_from >= start + length
    }
}
