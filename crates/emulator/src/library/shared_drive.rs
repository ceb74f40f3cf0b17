//! A drive that several processes use: the target of this process, brought up to date before each command.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::sense::SenseKey;
use ferrite_scsi::{Cdb, Completion, Data};
use serde::{Deserialize, Serialize};

use super::config::LibraryConfig;
use super::state_file::{self, DRIVE_MAGIC, HOT_BYTES, StateFile};
use super::{LibraryError, layout};
use crate::cartridge::Cartridge;
use crate::clock::Timing;
use crate::target::{
    DriveState, DriveTarget, Failure, Hot, Identity, Slot, Step, completion, drive_facts,
};

/// What is in the drive, by the name of its file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Inserted {
    /// Name of the cartridge's file.
    pub cartridge: String,
    /// Which insertion this is; the changer counts them.
    pub number: u64,
}

/// State of a drive as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct StoredDrive {
    drive: DriveState,
    inserted: Option<Inserted>,
    /// The machine has to run on for the drive to have power.
    power: String,
}

/// A drive of a library.
pub(super) struct SharedDrive {
    library: PathBuf,
    path: Arc<Path>,
    file: StateFile,
    lock: Arc<File>,
    target: DriveTarget,
    inserted: Option<Inserted>,
    power: String,
    /// As they were stored last.
    stored: StoredDrive,
    hot: Hot,
    /// Counts the commands of all processes.
    turn: u64,
    /// Counts the stored states.
    states: u64,
}

fn initial_hot() -> Hot {
    Hot {
        unflushed: u64::MAX,
        ..Hot::default()
    }
}

fn hot_bytes(hot: &Hot, turn: u64, states: u64) -> [u8; HOT_BYTES] {
    let stream = u64::try_from(hot.stream_until.as_nanos()).unwrap_or(u64::MAX);
    let mut bytes = [0; HOT_BYTES];
    let words = [
        turn,
        states,
        hot.object,
        hot.written,
        hot.read,
        stream,
        // A blank file says: nothing unflushed.
        hot.unflushed.wrapping_add(1),
        u64::from(hot.activity),
    ];
    for (word, bytes) in words.iter().zip(bytes.chunks_exact_mut(8)) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

fn parse_hot(bytes: &[u8; HOT_BYTES]) -> (Hot, u64, u64) {
    let word = |index: usize| {
        let mut eight = [0; 8];
        eight.copy_from_slice(&bytes[index * 8..index * 8 + 8]);
        u64::from_le_bytes(eight)
    };
    let hot = Hot {
        object: word(2),
        written: word(3),
        read: word(4),
        stream_until: Duration::from_nanos(word(5)),
        unflushed: word(6).wrapping_sub(1),
        activity: word(7) as u8,
    };
    (hot, word(0), word(1))
}

/// Changes when the machine is started anew: its drives were without power.
pub(super) fn power() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

impl SharedDrive {
    /// Makes the drive's file.
    pub fn create(path: &Path) -> Result<(), LibraryError> {
        let stored = StoredDrive {
            power: power(),
            ..StoredDrive::default()
        };
        let state =
            serde_json::to_vec(&stored).map_err(|error| LibraryError::damaged(path, error))?;
        StateFile::create(path, DRIVE_MAGIC, &state)
    }

    pub fn open(
        library: &Path,
        config: &LibraryConfig,
        number: u16,
        timing: Timing,
    ) -> Result<Self, LibraryError> {
        let path = layout::drive(library, number);
        let facts = drive_facts(config.generation)
            .ok_or_else(|| LibraryError::damaged(&path, "no such drive generation"))?;
        let identity = Identity::lto_drive(config.generation, config.drive_serial(number));
        let file = StateFile::open(&path, DRIVE_MAGIC)?;
        let lock = Arc::new(file.lock_handle()?);
        Ok(Self {
            library: library.to_owned(),
            path: path.into(),
            file,
            lock,
            target: DriveTarget::new(identity, Some(facts), config.drive_quirks, timing),
            inserted: None,
            power: power(),
            stored: StoredDrive::default(),
            hot: initial_hot(),
            turn: u64::MAX,
            states: u64::MAX,
        })
    }

    /// What it was given last.
    pub fn inserted(&mut self) -> Result<Option<Inserted>, LibraryError> {
        let (lock, path) = (Arc::clone(&self.lock), Arc::clone(&self.path));
        let _locked = state_file::lock(&lock, &path)?;
        self.catch_up()?;
        self.keep(false)?;
        Ok(self.inserted.clone())
    }

    /// Does something with the drive while nobody else does.
    pub fn with<T>(
        &mut self,
        work: impl FnOnce(&mut DriveTarget, &mut Option<Inserted>) -> T,
    ) -> Result<T, LibraryError> {
        let (lock, path) = (Arc::clone(&self.lock), Arc::clone(&self.path));
        let _locked = state_file::lock(&lock, &path)?;
        self.catch_up()?;
        self.target.settle();
        let result = work(&mut self.target, &mut self.inserted);
        self.keep(true)?;
        Ok(result)
    }

    /// One command, or that it has to wait.
    pub fn attempt(
        &mut self,
        nexus: &str,
        cdb: &Cdb,
        data: &mut Data<'_>,
    ) -> Result<Step, LibraryError> {
        let (lock, path) = (Arc::clone(&self.lock), Arc::clone(&self.path));
        let _locked = state_file::lock(&lock, &path)?;
        self.catch_up()?;
        let step = self.target.execute(nexus, cdb, data);
        self.keep(!is_question(cdb.opcode()))?;
        Ok(step)
    }

    pub fn timing(&self) -> &Timing {
        self.target.timing()
    }

    pub fn descriptor_sense(&self) -> bool {
        self.target.quirks().descriptor_sense
    }

    /// Takes over what other processes did.
    fn catch_up(&mut self) -> Result<(), LibraryError> {
        let (hot, turn, states) = parse_hot(&self.file.hot()?);
        if (turn, states) == (self.turn, self.states) {
            return Ok(());
        }
        if states != self.states {
            let payload = zeroize::Zeroizing::new(self.file.state()?);
            self.stored = serde_json::from_slice(&payload)
                .map_err(|error| LibraryError::damaged(&self.path, error))?;
            self.target.state = self.stored.drive.clone();
            if self.inserted != self.stored.inserted {
                self.inserted.clone_from(&self.stored.inserted);
                self.open_cartridge();
            }
        }
        self.target.hot = hot;
        if let Slot::Loaded(medium) = &mut self.target.slot {
            let found = medium
                .refresh()
                .and_then(|()| medium.locate_object(hot.object).map(|_| ()));
            if let Err(error) = found {
                self.target.slot = Slot::Unusable {
                    detail: error.to_string().into(),
                };
            }
        }
        (self.hot, self.turn, self.states) = (hot, turn, states);
        if self.stored.power != self.power {
            self.target.power_cycle();
        }
        Ok(())
    }

    /// Opens what was put in.
    pub fn open_medium(library: &Path, cartridge: &str) -> Slot {
        let path = layout::cartridge(library, cartridge);
        match Cartridge::open(&path) {
            Ok(cartridge) => Slot::Loaded(Box::new(cartridge)),
            Err(error) => Slot::Unusable {
                detail: error.to_string().into(),
            },
        }
    }

    fn open_cartridge(&mut self) {
        self.target.slot = match &self.inserted {
            Some(inserted) => Self::open_medium(&self.library, &inserted.cartridge),
            None => Slot::Empty,
        };
        if let Slot::Loaded(medium) = &mut self.target.slot {
            medium.set_compression(self.target.state.settings.compression);
        }
    }

    /// Stores what changed; if that fails, everything is read anew before the next command.
    fn keep(&mut self, moved: bool) -> Result<(), LibraryError> {
        let kept = self.try_keep(moved);
        if kept.is_err() {
            (self.turn, self.states) = (u64::MAX, u64::MAX);
        }
        kept
    }

    /// First the small piece, which makes all others look at the state: if this process dies in between, the command has
    /// changed nothing there.
    fn try_keep(&mut self, moved: bool) -> Result<(), LibraryError> {
        let changed = self.target.state != self.stored.drive
            || self.inserted != self.stored.inserted
            || self.power != self.stored.power;
        if !changed && !moved && self.target.hot == self.hot {
            return Ok(());
        }
        self.turn = self.turn.wrapping_add(1);
        self.states = self.states.wrapping_add(u64::from(changed));
        let bytes = hot_bytes(&self.target.hot, self.turn, self.states);
        self.file.set_hot(&bytes)?;
        self.hot = self.target.hot;
        if !changed {
            return Ok(());
        }
        let stored = StoredDrive {
            drive: self.target.state.clone(),
            inserted: self.inserted.clone(),
            power: self.power.clone(),
        };
        let state = serde_json::to_vec(&stored)
            .map_err(|error| LibraryError::damaged(&self.path, error))?;
        let state = zeroize::Zeroizing::new(state);
        let old = &self.stored.drive.encryption;
        if old.holds_key() && *old != stored.drive.encryption {
            self.file.set_state_and_wipe(&state)?;
        } else {
            self.file.set_state(&state)?;
        }
        self.stored = stored;
        Ok(())
    }
}

/// Commands that change nothing on tape or chip.
fn is_question(code: OperationCode) -> bool {
    matches!(
        code,
        OperationCode::TEST_UNIT_READY
            | OperationCode::INQUIRY
            | OperationCode::REQUEST_SENSE
            | OperationCode::READ_POSITION
            | OperationCode::LOG_SENSE
            | OperationCode::MODE_SENSE_6
            | OperationCode::MODE_SENSE_10
            | OperationCode::READ_ATTRIBUTE
            | OperationCode::READ_BLOCK_LIMITS
            | OperationCode::REPORT_DENSITY_SUPPORT
            | OperationCode::SECURITY_PROTOCOL_IN
    )
}

/// The emulator itself failed: the drive says so in its own words.
pub(super) fn failed(error: &LibraryError, length: usize) -> Completion {
    let failure = Failure::new(
        SenseKey::HardwareError,
        AdditionalSense::INTERNAL_TARGET_FAILURE,
    )
    .with_detail(&error.to_string().into());
    completion(Err(failure), length, false)
}

/// A CDB that cannot even be looked at.
pub(super) fn invalid_opcode(length: usize) -> Completion {
    completion(Err(Failure::invalid_opcode()), length, false)
}
