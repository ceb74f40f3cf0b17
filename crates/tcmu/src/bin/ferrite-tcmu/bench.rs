//! The devices under test: a drive in a library, and how to bring both into a known state.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ferrite_linux::{DeviceTree, SgOptions, SgTransport, TapeTransport};
use ferrite_scsi::command::{Erase, PreventAllow, Rewind, test_unit_ready};
use ferrite_scsi::{
    Cdb, Changer, ChangerOptions, Completion, Data, Drive, DriveOptions, Status, Transport,
};

use crate::Failure;

/// Erasing a real tape from its beginning is quick; loading it is not.
const LIMIT: Duration = Duration::from_secs(600);

/// A drive, the library it stands in, and what the tapes hold.
pub struct Bench {
    pub tree: DeviceTree,
    pub drive: PathBuf,
    pub changer: PathBuf,
    pub capacity_blocks: Option<u64>,
    /// Number of the drive in the library.
    drive_number: u32,
}

impl Bench {
    /// Reads `--drive NODE --changer NODE [--capacity-blocks N]`.
    pub fn from_options(options: &[&str]) -> Result<Self, Failure> {
        let mut drive = None;
        let mut changer = None;
        let mut capacity_blocks = None;
        for pair in options.chunks(2) {
            match *pair {
                ["--drive", node] => drive = Some(PathBuf::from(node)),
                ["--changer", node] => changer = Some(PathBuf::from(node)),
                ["--capacity-blocks", number] => capacity_blocks = Some(number.parse()?),
                _ => return Err(format!("unknown option {}", pair.join(" ")).into()),
            }
        }
        let (Some(drive), Some(changer)) = (drive, changer) else {
            return Err("--drive and --changer are needed".into());
        };
        let mut bench = Self {
            tree: DeviceTree::system(),
            drive,
            changer,
            capacity_blocks,
            drive_number: 0,
        };
        bench.drive_number = bench.find_drive_number()?;
        Ok(bench)
    }

    /// By the serial number, which both the kernel and the library tell.
    fn find_drive_number(&self) -> Result<u32, Failure> {
        let serial = self
            .tree
            .find(&self.drive)?
            .ok_or_else(|| format!("{} is no drive", self.drive.display()))?
            .serial;
        let status = self.open_changer()?.status()?;
        let number = status.drives.iter().position(|drive| {
            drive
                .identifier
                .as_ref()
                .is_some_and(|identifier| identifier.serial == serial)
        });
        let number = number.ok_or_else(|| {
            format!("the library has no drive with serial number {serial}: {status:?}")
        })?;
        Ok(u32::try_from(number)?)
    }

    pub fn changer_transport(&self) -> Result<SgTransport, Failure> {
        Ok(SgTransport::open(&self.changer, SgOptions::default())?)
    }

    pub fn drive_transport(&self) -> Result<TapeTransport, Failure> {
        Ok(TapeTransport::open(
            &self.drive,
            &self.tree,
            SgOptions::default(),
        )?)
    }

    pub fn open_changer(&self) -> Result<Changer, Failure> {
        Ok(Changer::open(
            self.changer_transport()?,
            ChangerOptions::default(),
        )?)
    }

    /// All cartridges in slots.
    pub fn clear_drives(&self) -> Result<(), Failure> {
        let mut changer = self.open_changer()?;
        let status = changer.status()?;
        for (number, drive) in (0..).zip(&status.drives) {
            if !drive.content.is_empty() {
                changer.unload(number, None)?;
            }
        }
        Ok(())
    }

    /// The drive, open, with a blank tape in it at its beginning.
    pub fn blank_drive(&self) -> Result<TapeTransport, Failure> {
        let mut changer = self.open_changer()?;
        let status = changer.status()?;
        let loaded = status.drives.get(self.drive_number as usize);
        if loaded.is_none_or(|drive| drive.content.is_empty()) {
            let slot = status
                .numbered_slots()
                .find(|(_, slot)| {
                    slot.content
                        .tag()
                        .is_some_and(|tag| !tag.starts_with("CLN"))
                })
                .ok_or("no cartridge with a bar code in the library")?
                .0;
            changer.load(slot, self.drive_number)?;
        }
        drop(changer);
        let mut drive = Drive::open(self.drive_transport()?, DriveOptions::default())?;
        drive.prevent_removal(false)?;
        drive.load(&mut |_| {})?;
        drive.prepare()?;
        drive.clear_encryption_key()?;
        drop(drive);
        let mut transport = self.drive_transport()?;
        succeed(&mut transport, &Rewind { immediate: false }.cdb())?;
        let erase = Erase {
            long: false,
            immediate: false,
        };
        succeed(&mut transport, &erase.cdb())?;
        Ok(transport)
    }

    /// A library at rest: everything in slots.
    pub fn idle_changer(&self) -> Result<SgTransport, Failure> {
        self.clear_drives()?;
        let mut transport = self.changer_transport()?;
        settle(&mut transport)?;
        succeed(&mut transport, &PreventAllow { prevent: false }.cdb())?;
        Ok(transport)
    }

    /// Node of the tape driver for the drive.
    pub fn tape_name(&self) -> Result<String, Failure> {
        let device = self.tree.find(&self.drive)?.ok_or("no such drive")?;
        Ok(self
            .tree
            .tape_of_sg(&device.name)
            .ok_or("the drive has no tape node")?)
    }

    pub fn node(&self, name: &str) -> PathBuf {
        Path::new("/dev").join(name)
    }
}

/// Reads unit attentions away.
pub fn settle(transport: &mut dyn Transport) -> Result<(), Failure> {
    for _ in 0..16 {
        let completion = transport.execute(&test_unit_ready(), Data::None, LIMIT)?;
        if completion.status == Status::Good {
            return Ok(());
        }
    }
    Err("the device does not become ready".into())
}

/// A command without data that has to succeed.
pub fn succeed(transport: &mut dyn Transport, cdb: &Cdb) -> Result<Completion, Failure> {
    let completion = transport.execute(cdb, Data::None, LIMIT)?;
    if completion.status == Status::Good {
        Ok(completion)
    } else {
        Err(format!("{cdb:?}: {:?}, {:?}", completion.status, completion.sense()).into())
    }
}
