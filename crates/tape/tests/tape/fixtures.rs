//! Tapes that PBS wrote: read, scanned, their catalogs restored, and written again byte for byte.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use crate::support::{fixtures, logs};
use ferrite_emulator::{PbsDirectory, PbsDirectoryOptions};
use ferrite_formats::block_stream::{StreamEnd, unframe};
use ferrite_formats::catalog_archive::CatalogArchiveHeader;
use ferrite_formats::content_header::{self, ContentHeader, ContentKind};
use ferrite_formats::label::{MediaLabel, MediaSetLabel};
use ferrite_formats::media_catalog::mask_padding;
use ferrite_formats::snapshot_archive::{
    SnapshotArchiveHeader, SnapshotArchiveReader, SnapshotFile,
};
use ferrite_scsi::{Drive, DriveOptions};
use ferrite_tape::catalog::CatalogIdentity;
use ferrite_tape::catalog_archive::{CatalogArchiveVersion, write_catalog_archive};
use ferrite_tape::restore::{CatalogRestore, restore_catalogs};
use ferrite_tape::scan::{CatalogScan, ScannedFile, scan_catalog, scan_files};
use ferrite_tape::snapshot::{SnapshotEnd, SnapshotSource, write_snapshot_archive};
use ferrite_tape::{
    AlignedBlock, ContentWriter, FileStamp, TapeEvent, TapeLabels, Watch, read_labels, write_label,
    write_media_set_label,
};
use tempfile::TempDir;
use uuid::Uuid;

/// Name of a folder of fixtures and capacity of its tapes.
const SETS: [(&str, u64); 3] = [
    ("small", 5_242_880),
    ("append", 6_291_456),
    ("incomplete", 3_145_728),
];

/// A copy of the tapes of one folder of fixtures.
struct Tapes {
    source: PathBuf,
    _copy: TempDir,
    directory: PbsDirectory,
}

impl Tapes {
    fn open(set: &str, max_bytes: u64) -> Option<Self> {
        let source = fixtures()?.join(set);
        let copy = TempDir::new().unwrap();
        for entry in std::fs::read_dir(source.join("tapes")).unwrap() {
            let path = entry.unwrap().path();
            // Read and written, not copied: the fixtures are read-only, and so would the copies be.
            std::fs::write(
                copy.path().join(path.file_name().unwrap()),
                std::fs::read(&path).unwrap(),
            )
            .unwrap();
        }
        let directory = open_directory(copy.path(), max_bytes);
        Some(Self {
            source,
            _copy: copy,
            directory,
        })
    }

    fn labels(&self) -> Vec<String> {
        self.directory
            .slots()
            .unwrap()
            .slots
            .into_iter()
            .filter_map(|slot| slot.label)
            .collect()
    }

    fn load(&self, label: &str) -> Drive {
        load(&self.directory, label)
    }

    /// The blocks of a tape file, as PBS wrote them.
    fn stream(&self, label: &str, number: u64) -> Option<Vec<u8>> {
        std::fs::read(
            self.source
                .join(format!("tapes/tapefile-{number}-{label}.json")),
        )
        .ok()
    }

    fn streams(&self, label: &str) -> Vec<Vec<u8>> {
        (0..)
            .map_while(|number| self.stream(label, number))
            .collect()
    }
}

fn open_directory(path: &Path, max_bytes: u64) -> PbsDirectory {
    PbsDirectory::open(
        path,
        PbsDirectoryOptions {
            max_bytes,
            ..PbsDirectoryOptions::default()
        },
    )
    .unwrap()
}

fn load(directory: &PbsDirectory, label: &str) -> Drive {
    directory.load(label).unwrap();
    let mut drive = Drive::open(directory.connect(), DriveOptions::default()).unwrap();
    drive.prepare().unwrap();
    drive
}

fn each_tape(mut work: impl FnMut(&Tapes, &str, &mut Drive, &TapeLabels)) {
    for (set, max_bytes) in SETS {
        let Some(tapes) = Tapes::open(set, max_bytes) else {
            return;
        };
        for label in tapes.labels() {
            let mut drive = tapes.load(&label);
            let labels = read_labels(&mut drive, &mut AlignedBlock::new())
                .unwrap()
                .unwrap();
            work(&tapes, &label, &mut drive, &labels);
        }
    }
}

#[test]
fn labels_are_what_the_listing_says() {
    each_tape(|tapes, label, _, labels| {
        let text = std::fs::read(tapes.source.join("tapes.listing.json")).unwrap();
        let listing: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let header = |file: usize| &listing[label][file]["header"];
        assert_eq!(
            serde_json::to_value(&labels.label).unwrap(),
            *header(0),
            "{label}"
        );
        assert_eq!(
            serde_json::to_value(labels.media_set_label.as_ref().unwrap()).unwrap(),
            *header(1),
            "{label}"
        );
    });
}

#[test]
fn encrypted_set_labels_carry_their_wrapped_key() {
    let Some(fixtures) = fixtures() else { return };
    let copy = TempDir::new().unwrap();
    for entry in std::fs::read_dir(fixtures.join("small/enc-label")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::write(
            copy.path().join(path.file_name().unwrap()),
            std::fs::read(&path).unwrap(),
        )
        .unwrap();
    }
    let directory = open_directory(copy.path(), 5_242_880);
    for label in ["ENC001", "ENC002"] {
        let mut drive = load(&directory, label);
        let labels = read_labels(&mut drive, &mut AlignedBlock::new())
            .unwrap()
            .unwrap();
        let set = labels.media_set_label.unwrap();
        assert!(set.encryption_key_fingerprint.is_some() && set.key_config.is_some());
    }
}

#[test]
fn scans_give_the_catalogs_that_pbs_had() {
    each_tape(|tapes, label, drive, labels| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("scanned.log");
        let scan = CatalogScan {
            labels,
            catalog: &path,
            owner: None,
            verbose: true,
        };
        let mut chunks = 0;
        let mut on_event = |event| chunks += u64::from(matches!(event, TapeEvent::Chunk(_)));
        let mut watch = Watch {
            on_event: &mut on_event,
            cancelled: &|| false,
        };
        let summary = scan_catalog(drive, &mut AlignedBlock::new(), &scan, &mut watch).unwrap();
        assert_eq!(summary.content.chunks(), chunks);

        let name = format!("{}.log", labels.label.uuid);
        let mut wanted = std::fs::read(tapes.source.join("lib-tape").join(&name)).unwrap();
        mask_padding(&mut wanted).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), wanted, "{label}");
    });
}

#[test]
fn saved_catalogs_come_back_byte_for_byte() {
    for (set, max_bytes) in SETS {
        let Some(tapes) = Tapes::open(set, max_bytes) else {
            return;
        };
        let folder = TempDir::new().unwrap();
        let labels: Vec<(String, TapeLabels)> = tapes
            .labels()
            .into_iter()
            .map(|label| {
                let found = read_labels(&mut tapes.load(&label), &mut AlignedBlock::new());
                (label, found.unwrap().unwrap())
            })
            .collect();
        let members: Vec<Uuid> = labels.iter().map(|(_, labels)| labels.label.uuid).collect();
        for (label, labels) in &labels {
            let mut watch = Watch {
                on_event: &mut |_| {},
                cancelled: &|| false,
            };
            let options = CatalogRestore {
                labels,
                members: &members,
                folder: folder.path(),
                owner: None,
            };
            restore_catalogs(
                &mut tapes.load(label),
                &mut AlignedBlock::new(),
                &options,
                &mut watch,
            )
            .unwrap();
        }
        let after_inventory = tapes.source.join("lib-tape-after-inventory");
        let wanted = if after_inventory.is_dir() {
            after_inventory
        } else {
            tapes.source.join("lib-tape")
        };
        for (media_uuid, path) in logs(&wanted)
            .into_iter()
            .filter(|(uuid, _)| members.contains(uuid))
        {
            let found = std::fs::read(folder.path().join(format!("{media_uuid}.log"))).unwrap();
            assert_eq!(found, std::fs::read(path).unwrap(), "{set} {media_uuid}");
        }
    }
}

#[test]
fn lists_of_files_agree_with_the_listing() {
    each_tape(|tapes, label, drive, _| {
        let text = std::fs::read(tapes.source.join("tapes.listing.json")).unwrap();
        let listing: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let mut files: Vec<ScannedFile> = Vec::new();
        let mut on_event = |event| {
            if let TapeEvent::File(file) = event {
                files.push(file);
            }
        };
        let mut watch = Watch {
            on_event: &mut on_event,
            cancelled: &|| false,
        };
        scan_files(drive, &mut AlignedBlock::new(), &mut watch).unwrap();
        let listed = listing[label].as_array().unwrap();
        assert_eq!(files.len(), listed.len(), "{label}");
        for (file, listed) in files.iter().zip(listed) {
            if listed.get("error").is_some() {
                // What cannot be listed is the archive that was cut off.
                assert!(file.incomplete, "{file:?}");
                continue;
            }
            assert_eq!(file.uuid.unwrap().to_string(), listed["content_uuid"]);
            assert_eq!(file.bytes, listed["file_bytes"]);
            assert_eq!(
                file.incomplete,
                listed["incomplete"].as_bool().unwrap_or(false)
            );
            assert_eq!(file.kind, listed["type"].as_str().unwrap());
            assert!(file.has_end_marker && file.note.is_none(), "{file:?}");
        }
    });
}

/// Files of a snapshot held in memory.
#[derive(Clone)]
struct MemoryFiles(Vec<(SnapshotFile, Cursor<Vec<u8>>)>);

impl SnapshotSource for MemoryFiles {
    fn files(&self) -> Vec<SnapshotFile> {
        self.0.iter().map(|(file, _)| file.clone()).collect()
    }

    fn content(&mut self, number: usize) -> io::Result<&mut dyn Read> {
        Ok(&mut self.0[number].1)
    }
}

/// A tape file taken apart.
struct Parsed {
    header: ContentHeader,
    json: Vec<u8>,
    content: Vec<u8>,
    end: StreamEnd,
}

impl Parsed {
    fn new(stream: &[u8]) -> Self {
        let (content, end) = unframe(stream).unwrap();
        let mut reader = content.as_slice();
        let (header, json) = content_header::read(&mut reader).unwrap();
        Self {
            header,
            json,
            content,
            end,
        }
    }

    fn body(&self) -> &[u8] {
        &self.content[ContentHeader::SIZE + self.json.len()..]
    }

    fn stamp(&self) -> FileStamp {
        FileStamp {
            uuid: self.header.uuid,
            ctime: self.header.ctime,
        }
    }

    fn snapshot(&self) -> Option<SnapshotArchiveHeader> {
        SnapshotArchiveHeader::parse(&self.header, &self.json).ok()
    }
}

/// Every complete snapshot on the tapes, by its name.
fn snapshots(tapes: &Tapes) -> BTreeMap<String, MemoryFiles> {
    let mut found = BTreeMap::new();
    for label in tapes.labels() {
        for stream in tapes.streams(&label) {
            let file = Parsed::new(&stream);
            let (Some(snapshot), StreamEnd::Complete) = (file.snapshot(), file.end) else {
                continue;
            };
            let mut reader = SnapshotArchiveReader::new(file.body());
            let mut files = Vec::new();
            while let Some(entry) = reader.next_file().unwrap() {
                let mut content = Vec::new();
                reader.content().read_to_end(&mut content).unwrap();
                files.push((entry, Cursor::new(content)));
            }
            found.insert(snapshot.snapshot, MemoryFiles(files));
        }
    }
    found
}

/// Writes a file again by the function for its kind, with the same UUID and time, behind what is on the tape.
fn write_again(drive: &mut Drive, file: &Parsed, snapshots: &BTreeMap<String, MemoryFiles>) {
    let block = &mut AlignedBlock::new();
    let kind = file.header.kind().unwrap();
    match kind {
        ContentKind::MediaLabel => {
            let (_, label) = MediaLabel::read(&mut file.content.as_slice()).unwrap();
            let _ = write_label(drive, block, &label, file.stamp()).unwrap();
        }
        ContentKind::MediaSetLabel => {
            let (_, label) = MediaSetLabel::read(&mut file.content.as_slice()).unwrap();
            let _ = write_media_set_label(drive, block, &label, file.stamp()).unwrap();
        }
        ContentKind::ChunkArchive => {
            let position = drive.end_of_data().unwrap();
            let mut writer = ContentWriter::create(drive, position, block).unwrap();
            writer.write(&file.content).unwrap();
            let _ = writer.finish(false).unwrap();
        }
        ContentKind::SnapshotArchive11 | ContentKind::SnapshotArchive12 => {
            let header = file.snapshot().unwrap();
            let mut source = snapshots[&header.snapshot].clone();
            let position = drive.end_of_data().unwrap();
            let outcome =
                write_snapshot_archive(drive, position, block, &header, file.stamp(), &mut source)
                    .unwrap();
            match outcome.end {
                SnapshotEnd::Complete => assert_eq!(file.end, StreamEnd::Complete),
                SnapshotEnd::EarlyWarning => assert_eq!(file.end, StreamEnd::Incomplete),
                SnapshotEnd::SourceFailed { error, .. } => panic!("{error}"),
            }
        }
        ContentKind::CatalogArchive10 | ContentKind::CatalogArchive11 => {
            let folder = TempDir::new().unwrap();
            let path = folder.path().join("catalog.log");
            std::fs::write(&path, file.body()).unwrap();
            let header = CatalogArchiveHeader::parse(&file.header, &file.json).unwrap();
            let version = match kind {
                ContentKind::CatalogArchive10 => CatalogArchiveVersion::V1_0,
                _ => CatalogArchiveVersion::V1_1,
            };
            let position = drive.end_of_data().unwrap();
            let outcome = write_catalog_archive(
                drive,
                position,
                block,
                &path,
                &header,
                version,
                file.stamp(),
            )
            .unwrap();
            assert!(outcome.complete);
        }
    }
}

#[test]
fn written_again_with_the_same_uuids_and_times_the_tapes_are_the_same() {
    for (set, max_bytes) in SETS {
        let Some(tapes) = Tapes::open(set, max_bytes) else {
            return;
        };
        let snapshots = snapshots(&tapes);
        let copy = TempDir::new().unwrap();
        let directory = open_directory(copy.path(), max_bytes);
        for label in tapes.labels() {
            let mut drive = load(&directory, &label);
            let streams = tapes.streams(&label);
            for stream in &streams {
                write_again(&mut drive, &Parsed::new(stream), &snapshots);
            }
            drop(drive);
            directory.unload().unwrap();
            for (number, stream) in streams.iter().enumerate() {
                let path = copy.path().join(format!("tapefile-{number}-{label}.json"));
                assert!(
                    std::fs::read(path).unwrap() == *stream,
                    "{set} {label} file {number}"
                );
            }
            assert!(
                !copy
                    .path()
                    .join(format!("tapefile-{}-{label}.json", streams.len()))
                    .exists()
            );
        }
    }
}

#[test]
fn every_catalog_belongs_to_the_labels_of_its_tape() {
    each_tape(|tapes, _, _, labels| {
        let path = tapes
            .source
            .join(format!("lib-tape/{}.log", labels.label.uuid));
        let identity = CatalogIdentity::of(labels.label.uuid, labels.media_set_label.as_ref());
        ferrite_tape::catalog::read_catalog(&path, identity).unwrap();
    });
}
