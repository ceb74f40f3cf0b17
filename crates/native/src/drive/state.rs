//! What the thread of a drive owns.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ferrite_emulator::pbs::{HollowDisk, PbsDirectory, PbsDirectoryOptions};
use ferrite_linux::TapeNode;
use ferrite_pipeline::Environment;
use ferrite_scsi::drive::{WaitOptions, WaitProgress};
use ferrite_scsi::{Drive, DriveOptions as ScsiOptions};
use ferrite_tape::{AlignedBlock, FileStamp};

use super::DriveOptions;
use crate::devices::{
    OpenedDrive, Wrapping, explain_transfer_limit, name_device, open_drive, wrapped,
};
use crate::failure::{Failure, Kind};

/// What kind of drive it is.
#[derive(Clone)]
enum Behind {
    /// A directory of tape files.
    Directory(PbsDirectoryOptions),
    /// A device node, or a device of an emulated library.
    Node,
}

/// Everything needed to open the drive, checked before its thread is started.
pub struct Setup {
    name: String,
    path: PathBuf,
    behind: Behind,
    passive: bool,
    wrapping: Wrapping,
    environment: Arc<Environment>,
    cancel: Arc<AtomicBool>,
}

impl Setup {
    pub fn new(
        options: &DriveOptions<'_>,
        environment: Arc<Environment>,
        cancel: Arc<AtomicBool>,
    ) -> Result<Self, Failure> {
        let behind = match options.kind.as_str() {
            "virtual" => Behind::Directory(directory_options(options)?),
            "lto" | "linux" => Behind::Node,
            other => {
                let text = format!("drive '{}': no drives of type '{other}'", options.name);
                return Err(Failure::new(Kind::Usage, "drive-type", text));
            }
        };
        Ok(Self {
            name: options.name.clone(),
            path: PathBuf::from(&options.path),
            behind,
            passive: options.passive.unwrap_or(false),
            wrapping: Wrapping {
                trace: options.trace_scsi.clone(),
                faults: options
                    .environment
                    .as_ref()
                    .and_then(|environment| environment.faults.clone()),
            },
            environment,
            cancel,
        })
    }

    pub fn open(self) -> Result<DriveState, Failure> {
        let device = format!("drive '{}' ({})", self.name, self.path.display());
        self.connect(device.clone())
            .map_err(|failure| name_device(&device, failure))
    }

    fn connect(self, device: String) -> Result<DriveState, Failure> {
        let (directory, opened) = match self.behind {
            Behind::Directory(options) => {
                let directory = PbsDirectory::open(&self.path, options)?;
                let opened = OpenedDrive {
                    transport: Box::new(directory.connect()),
                    tape_node: None,
                    node: None,
                };
                (Some(directory), opened)
            }
            Behind::Node => (None, open_drive(&self.path, !self.passive)?),
        };
        let options = ScsiOptions {
            cancel: Some(self.cancel),
            ..ScsiOptions::default()
        };
        let transport = wrapped(opened.transport, &self.wrapping)?;
        let mut state = DriveState {
            drive: Drive::open(transport, options)?,
            device,
            directory,
            tape_node: opened.tape_node,
            node: opened.node,
            block: AlignedBlock::new(),
            environment: self.environment,
            prepared: None,
        };
        state.greet(self.passive);
        Ok(state)
    }
}

fn directory_options(options: &DriveOptions<'_>) -> Result<PbsDirectoryOptions, Failure> {
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
    Ok(directory)
}

/// The open drive, and the little changer of a virtual one.
pub struct DriveState {
    pub environment: Arc<Environment>,
    pub block: AlignedBlock,
    drive: Drive,
    /// `drive 'tape0' (/dev/sg1)`
    device: String,
    directory: Option<PbsDirectory>,
    tape_node: Option<TapeNode>,
    node: Option<PathBuf>,
    /// The tape in the drive was waited for, and the drive set up for it; the drive's interruptions at that time.
    prepared: Option<u64>,
}

impl DriveState {
    /// Right after opening: what happened before is not about us, and a key that a killed process left is nobody's any more.
    fn greet(&mut self, passive: bool) {
        if self.directory.is_some() {
            return;
        }
        let _ = self.drive.is_ready();
        if !passive {
            // Without a tape some drives cannot; `prepare` does it again, and hears what is wrong.
            let _ = self.drive.clear_encryption_key();
        }
    }

    /// The drive as it is, with or without a tape.
    pub fn drive(&mut self) -> &mut Drive {
        &mut self.drive
    }

    /// The drive with a tape that is ready, and the block buffer.
    pub fn ready(&mut self) -> Result<(&mut Drive, &mut AlignedBlock), Failure> {
        if self.prepared != Some(self.drive.notices().interruptions) {
            self.prepare(WaitOptions::default(), &mut |_| {})?;
        }
        Ok((&mut self.drive, &mut self.block))
    }

    /// The drive with a tape that is ready.
    pub fn settled(&mut self) -> Result<&mut Drive, Failure> {
        Ok(self.ready()?.0)
    }

    /// Waits for the tape and sets the drive up for it, without a key.
    pub fn prepare(
        &mut self,
        options: WaitOptions,
        on_progress: &mut dyn FnMut(WaitProgress<'_>),
    ) -> Result<(), Failure> {
        self.drive.wait_ready(options, on_progress)?;
        self.drive.clear_encryption_key()?;
        self.drive.set_up()?;
        self.prepared = Some(self.drive.notices().interruptions);
        Ok(())
    }

    /// After the tape was changed.
    pub fn changed(&mut self) {
        self.prepared = None;
    }

    /// The directory of a virtual drive, which is its changer.
    pub fn directory(&self) -> Result<&PbsDirectory, Failure> {
        self.directory.as_ref().ok_or_else(|| {
            Failure::new(
                Kind::Usage,
                "no-changer",
                "only a virtual drive fetches its tapes itself: use the changer, or load by hand",
            )
        })
    }

    /// The tape node that is held.
    pub fn tape_node(&self) -> Option<&TapeNode> {
        self.tape_node.as_ref()
    }

    /// Clears the key and takes the tape out; fine without one.
    pub fn eject(&mut self) -> Result<(), Failure> {
        self.changed();
        if self.drive.has_encryption_key() {
            self.drive.clear_encryption_key()?;
        }
        match &self.directory {
            Some(directory) => {
                if self.drive.is_ready() {
                    self.drive.unload()?;
                }
                Ok(directory.unload()?)
            }
            None => match self.drive.unload().map_err(Failure::from) {
                Err(failure) if failure.code != "no-medium" => Err(failure),
                _ => Ok(()),
            },
        }
    }

    /// After a call that failed: whatever comes next begins without a key.
    pub fn forget_key(&mut self) {
        if self.drive.has_encryption_key() {
            // Tried again when the drive is closed, and by the next one who opens it.
            let _ = self.drive.clear_encryption_key();
        }
    }

    /// Adds to a failure which drive it is about, and what only the device's node can tell.
    pub fn explain(&self, failure: Failure) -> Failure {
        let failure = name_device(&self.device, failure);
        let explanation = match (&self.node, failure.code) {
            (Some(node), "transfer-limit") => explain_transfer_limit(node),
            _ => None,
        };
        match explanation {
            Some(text) => Failure {
                message: format!("{}: {text}", failure.message),
                ..failure
            },
            None => failure,
        }
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
