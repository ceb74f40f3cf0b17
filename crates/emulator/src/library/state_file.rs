//! The file of a drive or changer: its state, its lock, and its name for users, all in one.
//!
//! A process locks the file (flock), sees from a number whether anybody else was there since, does one command, stores what
//! changed, and lets go. The lock goes with the process; the state is a record in two slots (src/record.rs), and what changes
//! with every block lies before it in one small piece that is written at once. So a process may be killed at any moment.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::LibraryError;
use crate::cartridge::{FileStore, Store};
use crate::record::{Record, RecordPlace};

/// First bytes, by kind of device.
pub(super) const DRIVE_MAGIC: &[u8] = b"Ferrite emulated drive 1\n";
pub(super) const CHANGER_MAGIC: &[u8] = b"Ferrite emulated changer 1\n";
const HOT_AT: u64 = 64;
/// Bytes of the hot piece.
pub(super) const HOT_BYTES: usize = 64;
const STATE_PLACE: RecordPlace = RecordPlace {
    offset: 4096,
    slot_bytes: 2 << 20,
};

/// An open device file.
pub(super) struct StateFile {
    path: PathBuf,
    lock: File,
    store: FileStore,
    version: u64,
}

/// The lock; it goes when this does.
pub(super) struct Locked<'f> {
    file: &'f File,
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let _ = flock(self.file, FlockOperation::Unlock);
    }
}

impl StateFile {
    pub fn create(path: &Path, magic: &[u8], state: &[u8]) -> Result<(), LibraryError> {
        let io = |source: io::Error| LibraryError::io(path, "create", source);
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(io)?;
        private(&file).map_err(io)?;
        let mut store = FileStore::new(file);
        STATE_PLACE.write(&mut store, 1, state).map_err(io)?;
        store.write_at(magic, 0).map_err(io)
    }

    pub fn open(path: &Path, magic: &[u8]) -> Result<Self, LibraryError> {
        let io = |source: io::Error| LibraryError::io(path, "open", source);
        let file = File::options()
            .read(true)
            .write(true)
            .open(path)
            .map_err(io)?;
        let lock = file.try_clone().map_err(io)?;
        let store = FileStore::new(file);
        let mut head = vec![0; magic.len()];
        if store.read_at(&mut head, 0).map_err(io)? < head.len() || head != magic {
            return Err(LibraryError::NoDevice {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            lock,
            store,
            version: 0,
        })
    }

    /// A handle whose lock the caller can hold while using the rest.
    pub fn lock_handle(&self) -> Result<File, LibraryError> {
        self.lock
            .try_clone()
            .map_err(|source| LibraryError::io(&self.path, "open", source))
    }

    /// The hot piece.
    pub fn hot(&self) -> Result<[u8; HOT_BYTES], LibraryError> {
        let mut hot = [0; HOT_BYTES];
        self.store
            .read_at(&mut hot, HOT_AT)
            .map_err(|source| LibraryError::io(&self.path, "read", source))?;
        Ok(hot)
    }

    pub fn set_hot(&mut self, hot: &[u8; HOT_BYTES]) -> Result<(), LibraryError> {
        self.store
            .write_at(hot, HOT_AT)
            .map_err(|source| LibraryError::io(&self.path, "write", source))
    }

    /// The stored state.
    pub fn state(&mut self) -> Result<Vec<u8>, LibraryError> {
        let record = STATE_PLACE
            .read(&self.store)
            .map_err(|source| LibraryError::io(&self.path, "read", source))?;
        let Some(Record { version, payload }) = record else {
            return Err(LibraryError::damaged(&self.path, "the device has no state"));
        };
        self.version = version;
        Ok(payload)
    }

    /// Replaces the stored state as [`StateFile::set_state`] does, and leaves nothing of older ones in the file: they hold a key.
    pub fn set_state_and_wipe(&mut self, state: &[u8]) -> Result<(), LibraryError> {
        const LONGEST_STATE_BYTES: usize = 128 << 10;
        let mut padded = state.to_vec();
        // Blanks behind JSON are no part of it.
        padded.resize(padded.len().max(LONGEST_STATE_BYTES), b' ');
        self.set_state(&padded)?;
        self.set_state(&padded)
    }

    /// Replaces the stored state, of which [`StateFile::state`] has read the newest.
    pub fn set_state(&mut self, state: &[u8]) -> Result<(), LibraryError> {
        let version = self.version + 1;
        STATE_PLACE
            .write(&mut self.store, version, state)
            .map_err(|source| LibraryError::io(&self.path, "write", source))?;
        self.version = version;
        Ok(())
    }
}

/// Waits for the lock.
pub(super) fn lock<'f>(file: &'f File, path: &Path) -> Result<Locked<'f>, LibraryError> {
    loop {
        match flock(file, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(Locked { file }),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(LibraryError::io(path, "lock", error)),
        }
    }
}

/// The state of a drive may hold a key.
fn private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}
