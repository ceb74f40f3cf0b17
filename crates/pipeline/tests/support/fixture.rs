//! Datastores and tapes written by PBS.

use std::collections::BTreeMap;
use std::fs::{File, FileTimes, Permissions};
use std::io::{Cursor, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ferrite_formats::block_stream::{StreamEnd, unframe};
use ferrite_formats::content_header::{self, ContentHeader, ContentKind};
use ferrite_formats::label::{MediaLabel, MediaSetLabel};
use ferrite_formats::snapshot_archive::{SnapshotArchiveHeader, SnapshotArchiveReader};
use ferrite_tape::{FileStamp, TapeLabels};

/// The folder of one fixture; `None` (said on stderr) where there are none.
pub fn find(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("FERRITE_FIXTURES")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"));
    let folder = root.join(name);
    if folder.join("tapes.listing.json").is_file() {
        return Some(folder);
    }
    let required = std::env::var("FERRITE_REQUIRE")
        .is_ok_and(|list| list.split(',').any(|item| item == "fixtures"));
    assert!(
        !required,
        "fixtures are required and not in {}",
        folder.display()
    );
    eprintln!("SKIP fixtures: {} is not there", folder.display());
    None
}

/// Copies a tree; everything in the copy can be written to.
pub fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
            std::fs::set_permissions(&target, Permissions::from_mode(0o644)).unwrap();
        }
    }
}

/// A tape file as PBS wrote it.
pub struct TapeFile {
    /// The blocks.
    pub blocks: Vec<u8>,
    /// The content without block headers.
    pub content: Vec<u8>,
    /// How it ends.
    pub end: StreamEnd,
    /// Its content header.
    pub header: ContentHeader,
}

impl TapeFile {
    fn parse(blocks: Vec<u8>) -> Self {
        let (content, end) = unframe(&blocks).unwrap();
        let header = ContentHeader::decode(&content).unwrap();
        Self {
            blocks,
            content,
            end,
            header,
        }
    }

    pub fn kind(&self) -> ContentKind {
        self.header.kind().unwrap()
    }

    pub fn stamp(&self) -> FileStamp {
        FileStamp {
            uuid: self.header.uuid,
            ctime: self.header.ctime,
        }
    }
}

/// All files of the tape `label` in a directory of virtual tapes.
pub fn tape_files(directory: &Path, label: &str) -> Vec<TapeFile> {
    (0..)
        .map_while(|number| {
            std::fs::read(directory.join(format!("tapefile-{number}-{label}.json"))).ok()
        })
        .map(TapeFile::parse)
        .collect()
}

/// Tapes by label.
pub fn tapes(folder: &Path) -> BTreeMap<String, Vec<TapeFile>> {
    let directory = folder.join("tapes");
    let mut tapes = BTreeMap::new();
    for entry in std::fs::read_dir(&directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(label) = name
            .strip_prefix("tape-")
            .and_then(|rest| rest.strip_suffix(".json"))
        {
            tapes.insert(label.to_owned(), tape_files(&directory, label));
        }
    }
    tapes
}

/// Labels of a tape of a media set.
pub fn labels(files: &[TapeFile]) -> TapeLabels {
    let (_, label) = MediaLabel::read(&mut Cursor::new(&files[0].content)).unwrap();
    let (_, set_label) = MediaSetLabel::read(&mut Cursor::new(&files[1].content)).unwrap();
    TapeLabels {
        label,
        media_set_label: Some(set_label),
    }
}

/// Gives the files of a store the modes, owners and times that the archives on its tapes say they had.
pub fn set_file_attributes(store: &Path, tapes: &BTreeMap<String, Vec<TapeFile>>) {
    let archives = tapes
        .values()
        .flatten()
        .filter(|file| file.kind().is_snapshot_archive());
    for archive in archives.filter(|archive| archive.end == StreamEnd::Complete) {
        let mut content = Cursor::new(&archive.content);
        let (header, json) = content_header::read(&mut content).unwrap();
        let head = SnapshotArchiveHeader::parse(&header, &json).unwrap();
        let mut reader = SnapshotArchiveReader::new(content);
        while let Some(file) = reader.next_file().unwrap() {
            std::io::copy(&mut reader.content(), &mut std::io::sink()).unwrap();
            let path = store.join(&head.snapshot).join(&file.name);
            let since = Duration::new(file.stat.mtime_secs as u64, file.stat.mtime_nanos);
            let opened = File::options().write(true).open(&path).unwrap();
            opened
                .set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + since))
                .unwrap();
            let mode = (file.stat.mode & 0o7777) as u32;
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            std::os::unix::fs::chown(&path, Some(file.stat.uid), Some(file.stat.gid)).unwrap();
        }
    }
}

/// Zeroes the padding of a catalog's records, which PBS leaves to chance.
pub fn mask_catalog(catalog: &mut [u8]) {
    let mut at = 8;
    while at < catalog.len() {
        at += match catalog[at] {
            b'L' | b'C' => 33,
            b'E' => 25,
            b'A' => {
                catalog[at + 26..at + 33].fill(0);
                33 + usize::from(catalog[at + 25])
            }
            b'S' => {
                catalog[at + 26] = 0;
                catalog[at + 29..at + 33].fill(0);
                let name = usize::from(u16::from_le_bytes([catalog[at + 27], catalog[at + 28]]));
                33 + usize::from(catalog[at + 25]) + 1 + name
            }
            other => panic!("record {other:#x} at {at}"),
        };
    }
    assert_eq!(at, catalog.len(), "torn catalog");
}

/// The content of a tape file, with the padding in catalogs masked.
pub fn masked_content(file: &TapeFile) -> Vec<u8> {
    let mut content = file.content.clone();
    if file.kind().is_catalog_archive() {
        let head = ContentHeader::SIZE + file.header.size as usize;
        mask_catalog(&mut content[head..]);
    }
    content
}

/// The 16 bytes in front of each block.
pub fn block_headers(file: &TapeFile) -> Vec<Vec<u8>> {
    file.blocks
        .chunks(262_144)
        .map(|block| block[..16].to_vec())
        .collect()
}

/// A file as text.
pub fn text(path: &Path) -> String {
    let mut text = String::new();
    File::open(path).unwrap().read_to_string(&mut text).unwrap();
    text
}
