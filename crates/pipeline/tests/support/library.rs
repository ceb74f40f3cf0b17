//! A directory of virtual tapes with a drive, and what a job does around the pipeline.

use std::path::{Path, PathBuf};

use ferrite_emulator::pbs::{PbsDirectory, PbsDirectoryOptions};
use ferrite_formats::Digest;
use ferrite_formats::catalog_archive::CatalogArchiveHeader;
use ferrite_formats::label::{MediaLabel, MediaSetLabel};
use ferrite_pipeline::{BackupPlan, Verify};
use ferrite_scsi::{Drive, DriveOptions, Transport};
use ferrite_tape::catalog::overwrite_catalog;
use ferrite_tape::catalog_archive::{CatalogArchiveVersion, write_catalog_archive};
use ferrite_tape::{AlignedBlock, CatalogSource, ChunkIndex, FileStamp, TapeLabels};
use uuid::Uuid;

/// Tapes below `<root>/tapes`, their catalogs below `<root>/catalogs`.
pub struct Library {
    pub root: PathBuf,
    pub directory: PbsDirectory,
    pub set_uuid: Uuid,
    /// Labels of the set's tapes, in order.
    pub set: Vec<TapeLabels>,
}

impl Library {
    pub fn new(root: &Path, max_bytes: u64) -> Self {
        let tapes = root.join("tapes");
        std::fs::create_dir_all(&tapes).unwrap();
        std::fs::create_dir_all(root.join("catalogs")).unwrap();
        let options = PbsDirectoryOptions {
            max_bytes,
            ..PbsDirectoryOptions::default()
        };
        Self {
            root: root.to_owned(),
            directory: PbsDirectory::open(tapes, options).unwrap(),
            set_uuid: Uuid::from_u128(0x5e7),
            set: Vec::new(),
        }
    }

    pub fn drive(&self) -> Drive {
        self.drive_over(self.directory.connect())
    }

    /// The drive behind a wrapper around its connection.
    pub fn drive_over(&self, transport: impl Transport + 'static) -> Drive {
        let mut drive = Drive::open(transport, DriveOptions::default()).unwrap();
        drive.prepare().unwrap();
        drive
    }

    pub fn catalog_path(&self, media_uuid: Uuid) -> PathBuf {
        self.root.join(format!("catalogs/{media_uuid}.log"))
    }

    /// Loads a blank tape and makes it the next one of the set, with the catalogs of the tapes before it.
    pub fn add_tape(&mut self) -> TapeLabels {
        let seq_nr = self.set.len() as u64;
        let labels = TapeLabels {
            label: MediaLabel {
                ctime: 1_700_000_000,
                label_text: format!("TAPE{seq_nr:02}"),
                pool: None,
                uuid: Uuid::from_u128(0x100 + u128::from(seq_nr)),
            },
            media_set_label: Some(MediaSetLabel {
                ctime: 1_700_000_060,
                encryption_key_fingerprint: None,
                key_config: None,
                pool: "pool1".to_owned(),
                seq_nr,
                uuid: self.set_uuid,
            }),
        };
        let stamp = FileStamp {
            uuid: Uuid::from_u128(0xabc),
            ctime: 1_700_000_000,
        };
        self.start_tape(labels.clone(), &mut || stamp);
        labels
    }

    /// As a job does with a new tape; `stamp` is asked once for each file.
    pub fn start_tape(&mut self, labels: TapeLabels, stamp: &mut dyn FnMut() -> FileStamp) {
        self.directory.load(&labels.label.label_text).unwrap();
        let (mut drive, mut block) = (self.drive(), AlignedBlock::new());
        let set_label = labels.media_set_label.as_ref().unwrap();
        let _ = ferrite_tape::write_label(&mut drive, &mut block, &labels.label, stamp()).unwrap();
        let _ = ferrite_tape::write_media_set_label(&mut drive, &mut block, set_label, stamp())
            .unwrap();
        overwrite_catalog(&self.catalog_path(labels.label.uuid), &labels, None).unwrap();
        for earlier in 0..self.set.len() {
            self.append_catalog(&mut drive, earlier, stamp());
        }
        self.set.push(labels);
    }

    /// Appends a copy of the catalog of the set's tape `number` to the loaded tape.
    pub fn append_catalog(&self, drive: &mut Drive, number: usize, stamp: FileStamp) {
        let labels = &self.set[number];
        let header = CatalogArchiveHeader {
            uuid: labels.label.uuid,
            media_set_uuid: labels.media_set_label.as_ref().unwrap().uuid,
            seq_nr: number as u64,
        };
        let path = self.catalog_path(labels.label.uuid);
        let position = drive.end_of_data().unwrap();
        let mut block = AlignedBlock::new();
        let version = CatalogArchiveVersion::V1_1;
        let written =
            write_catalog_archive(drive, position, &mut block, &path, &header, version, stamp)
                .unwrap();
        assert!(written.complete);
        drive.sync().unwrap();
    }

    /// A plan for the set's last tape that knows what the set holds.
    pub fn plan(
        &self,
        store: &ferrite_datastore::Store,
        snapshots: Vec<ferrite_formats::SnapshotPath>,
    ) -> BackupPlan {
        let last = self.set.last().unwrap();
        BackupPlan {
            store: store.clone(),
            snapshots,
            catalog_path: self.catalog_path(last.label.uuid),
            media_uuid: last.label.uuid,
            media_set_uuid: last.media_set_label.as_ref().unwrap().uuid,
            chunk_index: Some(self.chunk_index().into()),
            verify: Verify::Sha256,
            memory_bytes: Some(0),
            reader_threads: Some(2),
            dry_run: false,
        }
    }

    /// The chunks that the set's catalogs list.
    pub fn chunk_index(&self) -> ChunkIndex {
        let uuids = self.set.iter().map(|labels| labels.label.uuid);
        let sources: Vec<_> = uuids
            .map(|uuid| CatalogSource::new(uuid, self.catalog_path(uuid)))
            .collect();
        ChunkIndex::open_or_build(&self.root.join("chunk-index"), &sources).unwrap()
    }

    /// The bytes of a tape file as the drive left them.
    pub fn tape_file(&self, label: &str, number: u64) -> Vec<u8> {
        std::fs::read(
            self.root
                .join(format!("tapes/tapefile-{number}-{label}.json")),
        )
        .unwrap()
    }

    /// Is the chunk of `store` in the catalogs of the set?
    pub fn has(&self, store: &str, digest: &Digest) -> bool {
        self.chunk_index().lookup(store, digest).is_some()
    }
}
