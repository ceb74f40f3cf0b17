//! What the thread of a drive owns.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ferrite_emulator::pbs::{HollowDisk, PbsDirectory, PbsDirectoryOptions};
use ferrite_pipeline::Environment;
use ferrite_scsi::{Drive, DriveOptions as ScsiOptions};
use ferrite_tape::{AlignedBlock, FileStamp};

use super::DriveOptions;
use crate::failure::{Failure, Kind};

/// Everything needed to open the drive, checked before its thread is started.
pub struct Setup {
    path: PathBuf,
    options: PbsDirectoryOptions,
    environment: Arc<Environment>,
    cancel: Arc<AtomicBool>,
}

impl Setup {
    pub fn new(
        options: &DriveOptions<'_>,
        environment: Arc<Environment>,
        cancel: Arc<AtomicBool>,
    ) -> Result<Self, Failure> {
        if options.kind != "virtual" {
            let text = format!(
                "drive '{}': drives of type '{}' are not supported",
                options.name, options.kind
            );
            return Err(Failure::new(Kind::Usage, "drive-type", text));
        }
        let mut directory = PbsDirectoryOptions::default();
        if let Some(bytes) = options.max_size {
            let invalid = |_| {
                Failure::new(
                    Kind::Usage,
                    "max-size",
                    format!("drive '{}': max-size {bytes}", options.name),
                )
            };
            directory.max_bytes = u64::try_from(bytes).map_err(invalid)?;
        }
        if options.hollow == Some(true) {
            directory.disk = Arc::new(HollowDisk);
        }
        Ok(Self {
            path: PathBuf::from(&options.path),
            options: directory,
            environment,
            cancel,
        })
    }

    pub fn open(self) -> Result<DriveState, Failure> {
        let directory = PbsDirectory::open(self.path, self.options)?;
        let options = ScsiOptions {
            cancel: Some(self.cancel),
            ..ScsiOptions::default()
        };
        let drive = Drive::open(directory.connect(), options)?;
        Ok(DriveState {
            directory,
            drive,
            block: AlignedBlock::new(),
            environment: self.environment,
            prepared: false,
        })
    }
}

/// The open drive and its own little changer.
pub struct DriveState {
    pub directory: PbsDirectory,
    pub environment: Arc<Environment>,
    pub block: AlignedBlock,
    drive: Drive,
    /// The tape in the drive was waited for, and the drive set up for it.
    prepared: bool,
}

impl DriveState {
    /// The drive as it is, with or without a tape.
    pub fn drive(&mut self) -> &mut Drive {
        &mut self.drive
    }

    /// The drive with a tape that is ready, and the block buffer.
    pub fn ready(&mut self) -> Result<(&mut Drive, &mut AlignedBlock), Failure> {
        if !self.prepared {
            self.drive.prepare()?;
            self.prepared = true;
        }
        Ok((&mut self.drive, &mut self.block))
    }

    /// After the tape was changed.
    pub fn changed(&mut self) {
        self.prepared = false;
    }

    /// UUID and time of the next tape file.
    pub fn stamp(&self) -> Result<FileStamp, Failure> {
        let no_random = |error| {
            Failure::new(
                Kind::System,
                "random",
                format!("no random numbers: {error}"),
            )
        };
        Ok(FileStamp {
            uuid: self.environment.content_uuid().map_err(no_random)?,
            ctime: self.environment.now(),
        })
    }
}
