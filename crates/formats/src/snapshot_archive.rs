//! Snapshot archive: the files of a snapshot's directory (manifest, indexes, blobs) in one small pxar archive
//! (tape-format.md 6).
//!
//! The writer knows all sizes beforehand, so [`SnapshotArchiveLayout`] gives the bytes around each file and the length of
//! the whole; file contents go from the datastore straight into blocks. [`SnapshotArchiveReader`] gives the files back one
//! after the other, from any reader that stands behind the header.

use std::collections::HashSet;
use std::io::Read;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::archive_name::MANIFEST_NAME;
use crate::content_header::{self, ContentError, ContentHeader, ContentKind};
use crate::error::FormatError;
use crate::json;
use crate::pxar::goodbye::{self, Child};
use crate::pxar::{self, DecodeError, Decoded, Decoder, EntryKind, Payload, Stat, item};
use crate::snapshot_path::SnapshotPath;

/// Root of every snapshot archive: a directory 0664 of root, 1 January 1970.
const ROOT: Stat = Stat {
    mode: 0o040_664,
    flags: 0,
    uid: 0,
    gid: 0,
    mtime_secs: 0,
    mtime_nanos: 0,
};
/// Most bytes of names in one archive; a snapshot has a handful of files.
const MAX_NAME_BYTES: u64 = 16 * 1024 * 1024;
const WHAT: &str = "snapshot archive";

/// Header JSON of a snapshot archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotArchiveHeader {
    /// `[ns/<name>/]*<type>/<id>/<time>`.
    pub snapshot: String,
    /// Datastore that the snapshot comes from.
    pub store: String,
}

impl SnapshotArchiveHeader {
    /// Of a snapshot of datastore `store`.
    pub fn new(store: impl Into<String>, snapshot: &SnapshotPath) -> Self {
        Self {
            snapshot: snapshot.to_string(),
            store: store.into(),
        }
    }

    /// The snapshot.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] (P6).
    pub fn snapshot_path(&self) -> Result<SnapshotPath, FormatError> {
        self.snapshot.parse()
    }

    /// Version to write: 1.1 in the root namespace, 1.2 elsewhere.
    ///
    /// # Errors
    /// As [`Self::snapshot_path`].
    pub fn kind(&self) -> Result<ContentKind, FormatError> {
        Ok(if self.snapshot_path()?.namespace().is_root() {
            ContentKind::SnapshotArchive11
        } else {
            ContentKind::SnapshotArchive12
        })
    }

    /// Start of a snapshot archive, up to the pxar archive inside.
    ///
    /// # Errors
    /// As [`Self::snapshot_path`].
    pub fn encode(&self, content_uuid: Uuid, ctime: i64) -> Result<Vec<u8>, ContentError> {
        let text = json::print(WHAT, self)?;
        content_header::encode(self.kind()?, content_uuid, ctime, &text)
    }

    /// Interprets what [`content_header::read`] gave.
    ///
    /// # Errors
    /// H2, H4, P6.
    pub fn parse(header: &ContentHeader, text: &[u8]) -> Result<Self, ContentError> {
        header.expect(&[
            ContentKind::SnapshotArchive11,
            ContentKind::SnapshotArchive12,
        ])?;
        let parsed: Self = json::parse(WHAT, text)?;
        parsed.snapshot_path()?;
        Ok(parsed)
    }
}

/// A file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFile {
    /// Name in the snapshot's directory.
    pub name: String,
    /// Mode (of a regular file), owner and time.
    pub stat: Stat,
    /// Bytes of content.
    pub size: u64,
}

/// The bytes of a snapshot archive around the contents of its files: [`Self::head`], then for each file its part of
/// [`Self::file_heads`] and its content, then [`Self::tail`].
#[derive(Debug, Clone)]
pub struct SnapshotArchiveLayout {
    head: Vec<u8>,
    files: Vec<SnapshotFile>,
    file_heads: Vec<Vec<u8>>,
    tail: Vec<u8>,
    content_len: u64,
}

impl SnapshotArchiveLayout {
    /// Lays out an archive. `files` come in tape order: manifest, files of the manifest, client log.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] unless the manifest comes first, names are possible and different, and all are regular
    /// files; as [`SnapshotArchiveHeader::encode`].
    pub fn new(
        header: &SnapshotArchiveHeader,
        content_uuid: Uuid,
        ctime: i64,
        files: Vec<SnapshotFile>,
    ) -> Result<Self, ContentError> {
        check_files(&files)?;
        let mut head = header.encode(content_uuid, ctime)?;
        let header_len = head.len() as u64;
        item::append(&mut head, item::ENTRY, &ROOT.encode());

        let mut position = head.len() as u64 - header_len;
        let mut children = Vec::with_capacity(files.len());
        let mut file_heads = Vec::with_capacity(files.len());
        for file in &files {
            let bytes = file_head(file);
            let end = (position + bytes.len() as u64)
                .checked_add(file.size)
                .filter(|end| *end < i64::MAX as u64 / 2)
                .ok_or_else(|| refuse(file, "has an impossible size"))?;
            children.push(Child::new(file.name.as_bytes(), position, end));
            file_heads.push(bytes);
            position = end;
        }
        let mut tail = Vec::new();
        goodbye::append_to(&mut tail, children, position, 0);
        Ok(Self {
            content_len: header_len + position + tail.len() as u64,
            head,
            files,
            file_heads,
            tail,
        })
    }

    /// Bytes of the whole content of the tape file.
    pub fn content_len(&self) -> u64 {
        self.content_len
    }

    /// The files, in order.
    pub fn files(&self) -> &[SnapshotFile] {
        &self.files
    }

    /// Bytes from the start of the content up to the first file.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Each file with the bytes in front of its content.
    pub fn file_heads(&self) -> impl ExactSizeIterator<Item = (&SnapshotFile, &[u8])> {
        self.files
            .iter()
            .zip(self.file_heads.iter().map(Vec::as_slice))
    }

    /// Bytes behind the content of the last file.
    pub fn tail(&self) -> &[u8] {
        &self.tail
    }
}

fn file_head(file: &SnapshotFile) -> Vec<u8> {
    let mut out = Vec::new();
    item::append_text(&mut out, item::FILENAME, file.name.as_bytes());
    item::append(&mut out, item::ENTRY, &file.stat.encode());
    item::append_header(&mut out, item::PAYLOAD, file.size);
    out
}

fn check_files(files: &[SnapshotFile]) -> Result<(), FormatError> {
    if files.first().is_none_or(|file| file.name != MANIFEST_NAME) {
        return Err(FormatError::invalid(
            WHAT,
            "the manifest has to be the first file",
        ));
    }
    let mut names = HashSet::new();
    for file in files {
        item::check_name(file.name.as_bytes()).map_err(|detail| refuse(file, detail))?;
        if !file.stat.is_regular() {
            return Err(refuse(file, "is not a regular file"));
        }
        if file.stat.mtime_nanos >= 1_000_000_000 {
            return Err(refuse(file, "has an impossible modification time"));
        }
        if !names.insert(file.name.as_str()) {
            return Err(refuse(file, "stands twice"));
        }
    }
    Ok(())
}

fn refuse(file: &SnapshotFile, detail: &str) -> FormatError {
    let name: String = file.name.chars().take(80).collect();
    FormatError::invalid(WHAT, format!("\"{}\" {detail}", name.escape_debug()))
}

/// Why a snapshot archive cannot be read. What that means depends on how the tape file ended:
/// [`crate::block_stream::judge`].
#[derive(Debug, thiserror::Error)]
pub enum SnapshotArchiveError {
    /// The archive inside is damaged; offsets count from its start (P1 to P3).
    #[error(transparent)]
    Archive(#[from] DecodeError),
    /// P3: something that is not a regular file directly below the root.
    #[error("snapshot archive: \"{}\" at byte {offset} is not a regular file", name.escape_debug())]
    EntryType {
        /// Place of the entry in the archive inside.
        offset: u64,
        /// Its name.
        name: String,
    },
    /// P3: a name that stands twice, or is no text.
    #[error("snapshot archive: the name \"{}\" at byte {offset} {detail}", name.escape_debug())]
    Name {
        /// Place of the entry in the archive inside.
        offset: u64,
        /// The name.
        name: String,
        /// What is wrong with it.
        detail: &'static str,
    },
    /// P4: no manifest.
    #[error("snapshot archive has no manifest (index.json.blob)")]
    NoManifest,
}

/// Reads the files of a snapshot archive, one after the other, from a reader that stands behind the header JSON.
///
/// When [`Self::next_file`] has given `None`, drain the reader to the end of the tape file: an empty last block may follow.
#[derive(Debug)]
pub struct SnapshotArchiveReader<R> {
    decoder: Decoder<R>,
    names: HashSet<String>,
    name_bytes: u64,
}

impl<R: Read> SnapshotArchiveReader<R> {
    /// Starts in front of the archive inside.
    pub fn new(body: R) -> Self {
        Self {
            decoder: Decoder::new(body).with_preface(),
            names: HashSet::new(),
            name_bytes: 0,
        }
    }

    /// The next file, whose content [`Self::content`] gives; `None` behind the last one. Content not read is skipped.
    ///
    /// # Errors
    /// The broken rule, or an error of the reader; nothing more can be read after it.
    pub fn next_file(&mut self) -> Result<Option<SnapshotFile>, SnapshotArchiveError> {
        loop {
            match self.decoder.next_entry()? {
                None if !self.names.contains(MANIFEST_NAME) => {
                    return Err(SnapshotArchiveError::NoManifest);
                }
                None => return Ok(None),
                Some(Decoded::Entry {
                    kind: EntryKind::Directory,
                    ..
                }) if self.decoder.path().is_empty() => {}
                Some(Decoded::DirectoryEnd) => {}
                Some(Decoded::Entry {
                    position,
                    metadata,
                    kind: EntryKind::File { size },
                }) => return self.file(position, metadata, size).map(Some),
                Some(Decoded::Entry { position, .. } | Decoded::Hardlink { position, .. }) => {
                    return Err(SnapshotArchiveError::EntryType {
                        offset: position,
                        name: self.shown_name(),
                    });
                }
            }
        }
    }

    /// Content of the file given last, from where it was read to.
    pub fn content(&mut self) -> Payload<'_, R> {
        self.decoder.payload()
    }

    /// Gives the reader back.
    pub fn into_inner(self) -> R {
        self.decoder.into_inner()
    }

    fn file(
        &mut self,
        offset: u64,
        metadata: pxar::Metadata,
        size: u64,
    ) -> Result<SnapshotFile, SnapshotArchiveError> {
        let refuse = |detail| SnapshotArchiveError::Name {
            offset,
            name: self.shown_name(),
            detail,
        };
        let name = std::str::from_utf8(self.decoder.path())
            .map_err(|_| refuse("is not UTF-8"))?
            .to_owned();
        self.name_bytes += name.len() as u64;
        if self.name_bytes > MAX_NAME_BYTES {
            return Err(DecodeError::Limit {
                offset,
                what: "file names in bytes",
                limit: MAX_NAME_BYTES,
            }
            .into());
        }
        if !self.names.insert(name.clone()) {
            return Err(SnapshotArchiveError::Name {
                offset,
                name,
                detail: "stands twice",
            });
        }
        Ok(SnapshotFile {
            name,
            stat: metadata.stat,
            size,
        })
    }

    fn shown_name(&self) -> String {
        let path = self.decoder.path();
        String::from_utf8_lossy(&path[..path.len().min(200)]).into_owned()
    }
}
