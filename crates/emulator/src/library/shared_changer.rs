//! The robot of a library, as all processes that use it see it.
//!
//! The changer's file is the truth about where cartridges are. A drive knows what it was given, with the number of that insertion;
//! when a process dies between the two, the drive is the one that knows less, and [`SharedChanger::reconcile`] gives it its
//! cartridge. So no cartridge is ever used in two places. Locks are taken in this order: changer, then drive.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::element::{AddressAssignment, ElementType};
use ferrite_scsi::{Cdb, Data, Place};
use serde::{Deserialize, Serialize};

use super::changer;
use super::config::LibraryConfig;
use super::shared_drive::{Inserted, SharedDrive};
use super::state_file::{self, CHANGER_MAGIC, HOT_BYTES, StateFile};
use super::{LibraryError, layout};
use crate::clock::Timing;
use crate::target::{Nexuses, Step};

/// A cartridge in an element.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    /// Name of its file.
    pub cartridge: String,
    /// What the robot's scanner reads; empty: nothing.
    pub barcode: String,
    /// As in element status: 1 data, 2 cleaning, 4 WORM.
    pub medium_type: u8,
    /// Storage element it was in last.
    pub source: Option<u16>,
    /// A person put it here.
    pub by_operator: bool,
    /// Number of this insertion, for drives.
    pub insertion: u64,
}

/// State of the robot, as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ChangerState {
    pub nexuses: Nexuses,
    pub transport: Option<Held>,
    pub storage: Vec<Option<Held>>,
    pub import_export: Vec<Option<Held>>,
    pub drives: Vec<Option<Held>>,
    /// Insertions so far.
    pub insertions: u64,
    pub tray_open: bool,
    /// Inventory: since, until.
    pub inventory: Option<(Duration, Duration)>,
    /// The robot moves until then.
    pub moving: Option<Duration>,
    pub reserved_by: Option<String>,
    /// TapeAlert flags; flag n is bit n-1.
    pub alerts: u64,
    power: String,
}

impl ChangerState {
    pub fn new(config: &LibraryConfig) -> Self {
        let empty = |count: u16| vec![None; usize::from(count)];
        Self {
            storage: empty(config.slots),
            import_export: empty(config.import_export),
            drives: empty(config.drives),
            power: power(),
            ..Self::default()
        }
    }

    fn fits(&self, config: &LibraryConfig) -> bool {
        self.storage.len() == usize::from(config.slots)
            && self.import_export.len() == usize::from(config.import_export)
            && self.drives.len() == usize::from(config.drives)
    }

    /// The element, by type and number from 0.
    pub fn element(&self, kind: ElementType, number: u16) -> Option<&Option<Held>> {
        let number = usize::from(number);
        match kind {
            ElementType::Transport => Some(&self.transport).filter(|_| number == 0),
            ElementType::Storage => self.storage.get(number),
            ElementType::ImportExport => self.import_export.get(number),
            ElementType::Drive => self.drives.get(number),
        }
    }

    pub fn element_mut(&mut self, kind: ElementType, number: u16) -> Option<&mut Option<Held>> {
        let index = usize::from(number);
        match kind {
            ElementType::Transport => Some(&mut self.transport).filter(|_| number == 0),
            ElementType::Storage => self.storage.get_mut(index),
            ElementType::ImportExport => self.import_export.get_mut(index),
            ElementType::Drive => self.drives.get_mut(index),
        }
    }

    /// All elements.
    pub fn all(&self) -> impl Iterator<Item = (ElementType, u16, &Option<Held>)> {
        let transport = std::iter::once((ElementType::Transport, 0, &self.transport));
        transport
            .chain(row(ElementType::Storage, &self.storage))
            .chain(row(ElementType::ImportExport, &self.import_export))
            .chain(row(ElementType::Drive, &self.drives))
    }
}

fn row(
    kind: ElementType,
    elements: &[Option<Held>],
) -> impl Iterator<Item = (ElementType, u16, &Option<Held>)> {
    elements
        .iter()
        .zip(0..)
        .map(move |(held, number)| (kind, number, held))
}

/// Type and number of the element that users call so.
pub(super) fn element_of(
    place: Place,
    config: &LibraryConfig,
) -> Result<(ElementType, u16), LibraryError> {
    let none = LibraryError::NoSuchPlace(place);
    let within =
        |number: u32, count: u16| u16::try_from(number).ok().filter(|&number| number < count);
    match place {
        Place::Slot(number) => {
            let index = number.checked_sub(1).ok_or(none)?;
            match within(index, config.slots) {
                Some(number) => Ok((ElementType::Storage, number)),
                None => within(index - u32::from(config.slots), config.import_export)
                    .map(|number| (ElementType::ImportExport, number))
                    .ok_or(LibraryError::NoSuchPlace(place)),
            }
        }
        Place::Drive(number) => within(number, config.drives)
            .map(|number| (ElementType::Drive, number))
            .ok_or(none),
        Place::Transport(0) => Ok((ElementType::Transport, 0)),
        Place::Transport(_) => Err(none),
    }
}

/// What users call an element.
pub(super) fn place_of(kind: ElementType, number: u16, config: &LibraryConfig) -> Place {
    let number = u32::from(number);
    match kind {
        ElementType::Transport => Place::Transport(number),
        ElementType::Storage => Place::Slot(number + 1),
        ElementType::ImportExport => Place::Slot(u32::from(config.slots) + number + 1),
        ElementType::Drive => Place::Drive(number),
    }
}

fn power() -> String {
    super::shared_drive::power()
}

/// The robot.
pub(super) struct SharedChanger {
    pub library: PathBuf,
    path: Arc<Path>,
    pub config: LibraryConfig,
    pub addresses: AddressAssignment,
    pub timing: Timing,
    file: StateFile,
    lock: Arc<File>,
    pub state: ChangerState,
    stored: ChangerState,
    turn: u64,
    drives: Vec<SharedDrive>,
    power: String,
}

impl SharedChanger {
    pub fn create(path: &Path, state: &ChangerState) -> Result<(), LibraryError> {
        let state =
            serde_json::to_vec(state).map_err(|error| LibraryError::damaged(path, error))?;
        StateFile::create(path, CHANGER_MAGIC, &state)
    }

    pub fn open(
        library: &Path,
        config: &LibraryConfig,
        timing: Timing,
    ) -> Result<Self, LibraryError> {
        let path = library.join(layout::CHANGER);
        let file = StateFile::open(&path, CHANGER_MAGIC)?;
        let lock = Arc::new(file.lock_handle()?);
        let drives = (0..config.drives)
            .map(|number| SharedDrive::open(library, config, number, timing.clone()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            library: library.to_owned(),
            path: path.into(),
            config: config.clone(),
            addresses: config.addresses(),
            timing,
            file,
            lock,
            state: ChangerState::default(),
            stored: ChangerState::default(),
            turn: u64::MAX,
            drives,
            power: power(),
        })
    }

    pub fn now(&self) -> Duration {
        self.timing.clock.now()
    }

    /// Does something with the robot while nobody else does.
    pub fn with<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, LibraryError>,
    ) -> Result<T, LibraryError> {
        let (lock, path) = (Arc::clone(&self.lock), Arc::clone(&self.path));
        let _locked = state_file::lock(&lock, &path)?;
        self.catch_up()?;
        let result = work(self);
        self.keep()?;
        result
    }

    /// One command, or that it has to wait.
    pub fn attempt(
        &mut self,
        nexus: &str,
        cdb: &Cdb,
        data: &mut Data<'_>,
    ) -> Result<Step, LibraryError> {
        self.with(|changer| changer::execute(changer, nexus, cdb, data))
    }

    fn catch_up(&mut self) -> Result<(), LibraryError> {
        let turn = turn_of(&self.file.hot()?);
        if turn != self.turn {
            let payload = self.file.state()?;
            self.stored = serde_json::from_slice(&payload)
                .map_err(|error| LibraryError::damaged(&self.path, error))?;
            if !self.stored.fits(&self.config) {
                return Err(LibraryError::damaged(
                    &self.path,
                    "not as many elements as the library has",
                ));
            }
            self.state = self.stored.clone();
            self.turn = turn;
            self.reconcile()?;
        }
        if self.state.power != self.power {
            self.state.power.clone_from(&self.power);
            self.state.reserved_by = None;
            (self.state.inventory, self.state.moving) = (None, None);
            self.state.nexuses.reset(AdditionalSense::POWER_ON_OR_RESET);
        }
        let now = self.now();
        self.state.inventory.take_if(|(_, until)| *until <= now);
        self.state.moving.take_if(|until| *until <= now);
        Ok(())
    }

    /// Stores what changed; if that fails, everything is read anew before the next command.
    pub fn keep(&mut self) -> Result<(), LibraryError> {
        let kept = self.try_keep();
        if kept.is_err() {
            self.turn = u64::MAX;
        }
        kept
    }

    /// The number that makes others look comes first.
    fn try_keep(&mut self) -> Result<(), LibraryError> {
        if self.state == self.stored {
            return Ok(());
        }
        self.turn = self.turn.wrapping_add(1);
        let mut hot = [0; HOT_BYTES];
        hot[..8].copy_from_slice(&self.turn.to_le_bytes());
        self.file.set_hot(&hot)?;
        let state = serde_json::to_vec(&self.state)
            .map_err(|error| LibraryError::damaged(&self.path, error))?;
        self.file.set_state(&state)?;
        self.stored = self.state.clone();
        Ok(())
    }

    /// Drives that do not know yet what they hold are told.
    fn reconcile(&mut self) -> Result<(), LibraryError> {
        for number in 0..self.config.drives {
            let expected = self.expected(number);
            self.give(number, expected)?;
        }
        Ok(())
    }

    fn expected(&self, number: u16) -> Option<Inserted> {
        let held = self.state.drives.get(usize::from(number))?.as_ref()?;
        Some(Inserted {
            cartridge: held.cartridge.clone(),
            number: held.insertion,
        })
    }

    /// Makes a drive hold what its element holds.
    fn give(&mut self, number: u16, expected: Option<Inserted>) -> Result<(), LibraryError> {
        let library = self.library.clone();
        let Some(drive) = self.drives.get_mut(usize::from(number)) else {
            return Ok(());
        };
        if drive.inserted()? == expected {
            return Ok(());
        }
        drive.with(|target, inserted| {
            if *inserted == expected {
                return;
            }
            target.forced_eject();
            target.slot = crate::target::Slot::Empty;
            if let Some(expected) = &expected {
                target.insert(SharedDrive::open_medium(&library, &expected.cartridge));
            }
            *inserted = expected;
        })
    }

    /// Tells a drive what its element holds, after the elements were stored.
    pub fn give_expected(&mut self, number: u16) -> Result<(), LibraryError> {
        let expected = self.expected(number);
        self.give(number, expected)
    }

    pub fn drive(&mut self, number: u16) -> Option<&mut SharedDrive> {
        self.drives.get_mut(usize::from(number))
    }

    pub fn next_insertion(&mut self) -> u64 {
        self.state.insertions = self.state.insertions.wrapping_add(1);
        self.state.insertions
    }
}

fn turn_of(hot: &[u8; HOT_BYTES]) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&hot[..8]);
    u64::from_le_bytes(eight)
}
