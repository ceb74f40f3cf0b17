//! Where a cartridge's bytes are: a file, or memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// A row of bytes that can be read and written at any place.
pub trait Store: Send {
    /// Reads at `offset`; fewer bytes than asked for only at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes` at `offset`; a gap before it reads as zero.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// How many bytes there are.
    fn length(&self) -> io::Result<u64>;
    /// Cuts or lengthens.
    fn set_length(&mut self, bytes: u64) -> io::Result<()>;
    /// Returns when a power cut cannot take what was written.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file.
#[derive(Debug)]
pub struct FileStore {
    file: File,
}

impl FileStore {
    /// Takes the file, open for reading and, if the cartridge is to be written, writing.
    pub fn new(file: File) -> Self {
        Self { file }
    }
}

impl Store for FileStore {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match self
                .file
                .read_at(&mut buffer[done..], offset.saturating_add(done as u64))
            {
                Ok(0) => break,
                Ok(bytes) => done += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn set_length(&mut self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Memory, in pieces that stay where they are once they are there.
#[derive(Debug, Default)]
pub struct MemoryStore {
    pieces: Vec<Box<[u8]>>,
    length: u64,
}

const PIECE_BYTES: usize = 4 << 20;

impl MemoryStore {
    /// Piece number and place in it.
    fn place(offset: u64) -> (usize, usize) {
        let piece = usize::try_from(offset / PIECE_BYTES as u64).unwrap_or(usize::MAX);
        (piece, (offset % PIECE_BYTES as u64) as usize)
    }
}

impl Store for MemoryStore {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let available = self.length.saturating_sub(offset);
        let wanted = usize::try_from(available)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let mut done = 0;
        while done < wanted {
            let (piece, at) = Self::place(offset + done as u64);
            let bytes = (wanted - done).min(PIECE_BYTES - at);
            match self.pieces.get(piece) {
                Some(piece) => buffer[done..done + bytes].copy_from_slice(&piece[at..at + bytes]),
                None => buffer[done..done + bytes].fill(0),
            }
            done += bytes;
        }
        Ok(wanted)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while done < bytes.len() {
            let (piece, at) = Self::place(offset + done as u64);
            let part = (bytes.len() - done).min(PIECE_BYTES - at);
            while self.pieces.len() <= piece {
                self.pieces.push(vec![0; PIECE_BYTES].into_boxed_slice());
            }
            self.pieces[piece][at..at + part].copy_from_slice(&bytes[done..done + part]);
            done += part;
        }
        self.length = self.length.max(offset + bytes.len() as u64);
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn set_length(&mut self, bytes: u64) -> io::Result<()> {
        let (piece, at) = Self::place(bytes);
        self.pieces.truncate(piece + usize::from(at > 0));
        if let Some(last) = self.pieces.get_mut(piece) {
            last[at..].fill(0);
        }
        self.length = bytes;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
