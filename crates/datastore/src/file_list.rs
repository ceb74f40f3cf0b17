//! The list of files that a snapshot brings along (`catalog.pcat1.didx`, datastore.md 11), and the chunks it consists of.

use std::io::Read;

use ferrite_formats::blob::{BlobRef, MAX_CHUNK_BYTES};
use ferrite_formats::index::IndexEntry;
use ferrite_formats::manifest::{CryptMode, FileEntry};
use ferrite_formats::{CryptKey, SnapshotPath};

use crate::active_operations::Operation;
use crate::chunk_reader::check_chunk_sizes;
use crate::error::{Error, FormatContext, Result};
use crate::extract::ChunkStream;
use crate::progress::CancelFlag;
use crate::snapshot::{SnapshotReader, StoredFile};
use crate::store::Store;

/// Name of the file list in a snapshot.
pub const FILE_LIST_NAME: &str = "catalog.pcat1.didx";

/// Longest file list that is taken into memory: some four million files.
pub const MAX_FILE_LIST_BYTES: u64 = 128 << 20;

/// The file list of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileList {
    /// The bytes of the list, to be read with [`ferrite_formats::pcat1`].
    Listed(Vec<u8>),
    /// The client encrypted it, and the key for it was not given.
    Encrypted,
    /// The snapshot has none: disk images and configuration files are not listed.
    Absent,
    /// It has more than [`MAX_FILE_LIST_BYTES`].
    TooLong {
        /// Its length.
        bytes: u64,
    },
}

/// What a snapshot consists of.
#[derive(Debug, Clone)]
pub struct SnapshotFiles {
    /// Its archives as the manifest lists them.
    pub files: Vec<FileEntry>,
    /// The files inside them.
    pub list: FileList,
}

impl Store {
    /// Reads the file list of a snapshot; every chunk of it is verified. `key` opens lists that a client encrypted with it.
    ///
    /// # Errors
    /// As [`open_snapshot`](Self::open_snapshot); [`Error::ChunkMissing`], [`Error::Format`] or [`Error::Damaged`] for what
    /// is wrong with its chunks, a wrong key included; [`Error::Aborted`].
    pub fn snapshot_files(
        &self,
        snapshot: &SnapshotPath,
        key: Option<&CryptKey>,
        cancel: &CancelFlag,
    ) -> Result<SnapshotFiles> {
        let _operation = self.begin(Operation::Read)?;
        let snapshot = self.open_snapshot(snapshot)?;
        let list = match snapshot.file(FILE_LIST_NAME) {
            None => FileList::Absent,
            Some(file) => self.read_file_list(&snapshot, file, key, cancel)?,
        };
        Ok(SnapshotFiles {
            files: snapshot.manifest().files().to_vec(),
            list,
        })
    }

    fn read_file_list(
        &self,
        snapshot: &SnapshotReader,
        file: &StoredFile,
        key: Option<&CryptKey>,
        cancel: &CancelFlag,
    ) -> Result<FileList> {
        let index = snapshot.read_index(file)?;
        check_chunk_sizes(&index, file)?;
        let bytes = index.size();
        if bytes > MAX_FILE_LIST_BYTES {
            return Ok(FileList::TooLong { bytes });
        }
        let entry = snapshot.manifest().file(file.name());
        let encrypted = entry.is_some_and(|entry| entry.crypt_mode == CryptMode::Encrypt);
        // Clients have keys of their own; one that is not this snapshot's is no reason to call its list damaged.
        let stored = snapshot.manifest().key_fingerprint().ok().flatten();
        let key = key.filter(|key| stored.is_none_or(|stored| stored == key.fingerprint()));
        let mut list = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
        match (encrypted, key) {
            (true, None) => return Ok(FileList::Encrypted),
            (true, Some(key)) => {
                for entry in index.iter() {
                    cancel.check()?;
                    self.append_decrypted(&entry, key, &mut list)?;
                }
            }
            (false, _) => std::thread::scope(|scope| {
                let mut stream = ChunkStream::start(scope, self.chunks(), &index);
                let failure = stream.failure();
                stream.read_to_end(&mut list).map_err(|error| {
                    failure.take().unwrap_or_else(|| Error::Damaged {
                        path: file.path().to_owned(),
                        detail: error.to_string(),
                    })
                })
            })
            .map(drop)?,
        }
        Ok(FileList::Listed(list))
    }

    fn append_decrypted(
        &self,
        entry: &IndexEntry,
        key: &CryptKey,
        list: &mut Vec<u8>,
    ) -> Result<()> {
        let path = || self.chunks().chunk_path(&entry.digest);
        let mut blob = Vec::new();
        self.chunks().read_chunk(&entry.digest, &mut blob)?;
        let plain = BlobRef::parse(&blob)
            .and_then(|blob| blob.decode(Some(key), MAX_CHUNK_BYTES))
            .of_path(path)?;
        if key.chunk_digest(&plain) != entry.digest || plain.len() as u64 != entry.plain_bytes() {
            return Err(Error::Damaged {
                path: path(),
                detail: "does not hold what its name says".to_owned(),
            });
        }
        list.extend_from_slice(&plain);
        Ok(())
    }

    /// Hands every chunk of a snapshot, in the order of its files, to `visit`; those that several files share come again.
    ///
    /// # Errors
    /// As [`open_snapshot`](Self::open_snapshot); [`Error::Format`] for an index; [`Error::Aborted`].
    pub fn snapshot_chunks(
        &self,
        snapshot: &SnapshotPath,
        visit: &mut dyn FnMut(&IndexEntry),
        cancel: &CancelFlag,
    ) -> Result<()> {
        let _operation = self.begin(Operation::Read)?;
        let snapshot = self.open_snapshot(snapshot)?;
        for file in snapshot.files() {
            cancel.check()?;
            if file.kind().is_index() {
                for entry in snapshot.read_index(file)?.iter() {
                    visit(&entry);
                }
            }
        }
        Ok(())
    }
}
