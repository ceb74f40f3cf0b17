//! What a person does in front of a library: put cartridges in, take them out, move tabs, open doors, buy and break things.

use std::path::PathBuf;

use ferrite_scsi::Place;
use ferrite_scsi::alert::AlertFlags;
use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::element::ElementType;

use super::shared_changer::{Held, SharedChanger, element_of, place_of};
use super::{EmulatedLibrary, LibraryError, changer, layout};
use crate::cartridge::{Cartridge, CartridgeKind, Chip, Damage};
use crate::generation;
use crate::target::Slot;

/// A new cartridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartridgeSpec {
    /// Bar code, which is also its file's name.
    pub barcode: String,
    /// Data, WORM, cleaning.
    pub kind: CartridgeKind,
    /// LTO generation, 2 to 9; `None`: the library's.
    pub generation: Option<u8>,
    /// Bytes it holds; `None`: as the library's others.
    pub capacity_bytes: Option<u64>,
}

/// A cartridge and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartridgeDescription {
    /// Its chip.
    pub chip: Chip,
    /// Its place; `None`: on the shelf beside the library.
    pub place: Option<Place>,
    /// Its file.
    pub path: PathBuf,
}

const LONGEST_BARCODE: usize = 32;

fn check_barcode(barcode: &str) -> Result<(), LibraryError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let good = barcode.len() <= LONGEST_BARCODE
        && barcode.bytes().all(allowed)
        && barcode
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric());
    if good {
        Ok(())
    } else {
        Err(LibraryError::Barcode {
            barcode: barcode.to_owned(),
        })
    }
}

/// Medium type in element status.
fn medium_type(kind: CartridgeKind) -> u8 {
    match kind {
        CartridgeKind::Data => 1,
        CartridgeKind::Cleaning => 2,
        CartridgeKind::Worm => 4,
    }
}

impl EmulatedLibrary {
    /// Makes a blank cartridge; it lies on the shelf beside the library.
    ///
    /// # Errors
    /// [`LibraryError::Barcode`], or the cartridge exists already.
    pub fn create_cartridge(&self, spec: &CartridgeSpec) -> Result<PathBuf, LibraryError> {
        check_barcode(&spec.barcode)?;
        let number = spec.generation.unwrap_or(self.config.generation);
        if generation::facts(number).is_none() {
            return Err(LibraryError::Options(format!(
                "there are no cartridges of LTO generation {number}"
            )));
        }
        let capacity = spec.capacity_bytes.unwrap_or(self.config.capacity_bytes);
        let path = layout::cartridge(&self.path, &spec.barcode);
        let mut chip = Chip::new(spec.kind, number, &spec.barcode, capacity);
        // Only a real drive's time has to be spent on measuring new tapes.
        chip.characterised = self.config.pace == crate::clock::Pace::Instant;
        Cartridge::create(&path, chip)?;
        Ok(path)
    }

    /// All cartridges, by bar code.
    ///
    /// # Errors
    /// What is wrong with the library; a damaged cartridge file.
    pub fn cartridges(&self) -> Result<Vec<CartridgeDescription>, LibraryError> {
        let mut guard = self.changer();
        guard.with(|changer| {
            let directory = self.path.join(layout::CARTRIDGES);
            let io = |source| LibraryError::io(&directory, "read", source);
            let mut all = Vec::new();
            for entry in std::fs::read_dir(&directory).map_err(io)? {
                let entry = entry.map_err(io)?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let cartridge = Cartridge::open(&entry.path())?;
                all.push(CartridgeDescription {
                    chip: cartridge.chip().clone(),
                    place: find(changer, &name),
                    path: entry.path(),
                });
            }
            all.sort_by(|a, b| a.chip.barcode.cmp(&b.chip.barcode));
            Ok(all)
        })
    }

    /// What is in a place: the bar code, which is empty if there is none to be read.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchPlace`].
    pub fn content(&self, place: Place) -> Result<Option<String>, LibraryError> {
        let (kind, number) = element_of(place, &self.config)?;
        let mut guard = self.changer();
        guard.with(|changer| {
            let held = changer.state.element(kind, number).and_then(Option::as_ref);
            Ok(held.map(|held| held.barcode.clone()))
        })
    }

    /// Puts a cartridge from the shelf into a slot, a mail slot or, by hand, a drive.
    ///
    /// # Errors
    /// [`LibraryError::Full`], [`LibraryError::NoCartridge`], [`LibraryError::InUse`].
    pub fn insert(&self, place: Place, barcode: &str) -> Result<(), LibraryError> {
        let (kind, number) = element_of(place, &self.config)?;
        check_barcode(barcode)?;
        let path = layout::cartridge(&self.path, barcode);
        if !path.is_file() {
            return Err(LibraryError::NoCartridge {
                barcode: barcode.to_owned(),
            });
        }
        let chip = Cartridge::open(&path)?.chip().clone();
        let mut guard = self.changer();
        guard.with(|changer| {
            if let Some(place) = find(changer, barcode) {
                return Err(LibraryError::InUse {
                    barcode: barcode.to_owned(),
                    place,
                });
            }
            let insertion = changer.next_insertion();
            let address = changer.addresses.range(kind).first + number;
            let held = Held {
                cartridge: barcode.to_owned(),
                barcode: chip.barcode,
                medium_type: medium_type(chip.kind),
                source: Some(address).filter(|_| kind == ElementType::Storage),
                by_operator: true,
                insertion,
            };
            match changer.state.element_mut(kind, number) {
                Some(element @ None) => *element = Some(held),
                _ => return Err(LibraryError::Full(place)),
            }
            touched(changer, kind);
            changer.keep()?;
            tell_drive(changer, kind, number)
        })
    }

    /// Takes a cartridge out of a place, whatever is going on there, and puts it on the shelf; gives its bar code.
    ///
    /// # Errors
    /// [`LibraryError::Empty`]; [`LibraryError::Locked`] if a host prevents it (not for drives: force is possible there).
    pub fn remove(&self, place: Place) -> Result<String, LibraryError> {
        let (kind, number) = element_of(place, &self.config)?;
        let mut guard = self.changer();
        guard.with(|changer| {
            if kind != ElementType::Drive && changer.state.nexuses.removal_prevented() {
                return Err(LibraryError::Locked(place));
            }
            let held = changer
                .state
                .element_mut(kind, number)
                .and_then(Option::take)
                .ok_or(LibraryError::Empty(place))?;
            touched(changer, kind);
            if let Some(drive) = changer.drive(number).filter(|_| kind == ElementType::Drive) {
                drive.with(|target, inserted| {
                    target.forced_eject();
                    target.slot = Slot::Empty;
                    *inserted = None;
                })?;
            }
            Ok(held.cartridge)
        })
    }

    /// Throws a cartridge away that lies on the shelf.
    ///
    /// # Errors
    /// [`LibraryError::NoCartridge`], [`LibraryError::InUse`].
    pub fn discard_cartridge(&self, barcode: &str) -> Result<(), LibraryError> {
        let path = self.cartridge_path(barcode)?;
        let mut guard = self.changer();
        guard.with(|changer| match find(changer, barcode) {
            Some(place) => Err(LibraryError::InUse {
                barcode: barcode.to_owned(),
                place,
            }),
            None => std::fs::remove_file(&path)
                .map_err(|source| LibraryError::io(&path, "delete", source)),
        })
    }

    /// Moves the write protect tab.
    ///
    /// # Errors
    /// [`LibraryError::NoCartridge`].
    pub fn set_write_protected(&self, barcode: &str, protected: bool) -> Result<(), LibraryError> {
        self.update_chip(barcode, |chip| chip.write_protected = protected)
    }

    /// Breaks something.
    ///
    /// # Errors
    /// [`LibraryError::NoCartridge`].
    pub fn damage(&self, barcode: &str, damage: Damage) -> Result<(), LibraryError> {
        self.update_chip(barcode, |chip| chip.damage.push(damage))
    }

    /// Changes bytes of a block behind the drive's back; the drive does not notice.
    ///
    /// # Errors
    /// [`LibraryError::NoCartridge`]; there is no such block.
    pub fn corrupt(&self, barcode: &str, object: u64) -> Result<(), LibraryError> {
        let path = self.cartridge_path(barcode)?;
        let mut guard = self.changer();
        guard.with(|_| Ok(Cartridge::open(&path)?.corrupt(object)?))
    }

    /// Changes what is known of a cartridge, wherever it is.
    ///
    /// # Errors
    /// [`LibraryError::NoCartridge`], or what is wrong with its file.
    pub fn update_chip(
        &self,
        barcode: &str,
        change: impl FnOnce(&mut Chip),
    ) -> Result<(), LibraryError> {
        let path = self.cartridge_path(barcode)?;
        let mut guard = self.changer();
        guard.with(|changer| {
            let Some(Place::Drive(number)) = find(changer, barcode) else {
                return Ok(Cartridge::open(&path)?.update_chip(change)?);
            };
            let number = u16::try_from(number).unwrap_or(u16::MAX);
            let Some(drive) = changer.drive(number) else {
                return Ok(());
            };
            drive.with(|target, _| {
                if let Slot::Loaded(medium) = &mut target.slot {
                    if let Some(chip) = medium.chip_mut() {
                        change(chip);
                    }
                    let _ = medium.store_chip();
                }
            })
        })
    }

    /// What the robot's scanner reads from a place is something else, or nothing, from now on.
    ///
    /// # Errors
    /// [`LibraryError::Empty`].
    pub fn relabel(&self, place: Place, barcode: &str) -> Result<(), LibraryError> {
        let (kind, number) = element_of(place, &self.config)?;
        let mut guard = self.changer();
        guard.with(|changer| {
            let held = changer
                .state
                .element_mut(kind, number)
                .and_then(Option::as_mut)
                .ok_or(LibraryError::Empty(place))?;
            barcode.clone_into(&mut held.barcode);
            Ok(())
        })
    }

    /// Leaves a cartridge in the robot's gripper, as a movement that failed half way does.
    ///
    /// # Errors
    /// [`LibraryError::Empty`], [`LibraryError::Full`].
    pub fn leave_in_gripper(&self, place: Place) -> Result<(), LibraryError> {
        let (kind, number) = element_of(place, &self.config)?;
        let mut guard = self.changer();
        guard.with(|changer| {
            if changer.state.transport.is_some() {
                return Err(LibraryError::Full(Place::Transport(0)));
            }
            let held = changer
                .state
                .element_mut(kind, number)
                .and_then(Option::take)
                .ok_or(LibraryError::Empty(place))?;
            changer.state.transport = Some(held);
            changer.keep()?;
            tell_drive(changer, kind, number)
        })
    }

    /// Opens the mail slot.
    ///
    /// # Errors
    /// [`LibraryError::Locked`] if a host prevents it.
    pub fn open_tray(&self) -> Result<(), LibraryError> {
        let mut guard = self.changer();
        guard.with(|changer| {
            if changer.state.nexuses.removal_prevented() {
                return Err(LibraryError::Locked(Place::Slot(
                    u32::from(self.config.slots) + 1,
                )));
            }
            changer.state.tray_open = true;
            Ok(())
        })
    }

    /// Closes the mail slot; hosts hear of it.
    ///
    /// # Errors
    /// What is wrong with the library.
    pub fn close_tray(&self) -> Result<(), LibraryError> {
        let mut guard = self.changer();
        guard.with(|changer| {
            changer::close_tray(changer);
            Ok(())
        })
    }

    /// Switches a drive off and on.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchPlace`].
    pub fn power_cycle_drive(&self, number: u16) -> Result<(), LibraryError> {
        self.with_drive(number, |target| target.power_cycle())
    }

    /// Makes a drive want to be cleaned, now or soon.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchPlace`].
    pub fn want_cleaning(&self, number: u16, now: bool) -> Result<(), LibraryError> {
        self.with_drive(number, |target| target.want_cleaning(now))
    }

    /// Raises TapeAlert flags of a drive.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchPlace`].
    pub fn raise_alerts(&self, number: u16, flags: AlertFlags) -> Result<(), LibraryError> {
        self.with_drive(number, |target| target.state.alerts |= flags.bits())
    }

    fn with_drive(
        &self,
        number: u16,
        work: impl FnOnce(&mut crate::target::DriveTarget),
    ) -> Result<(), LibraryError> {
        let mut guard = self.changer();
        guard.with(|changer| match changer.drive(number) {
            Some(drive) => drive.with(|target, _| work(target)),
            None => Err(LibraryError::NoSuchPlace(Place::Drive(number.into()))),
        })
    }

    fn cartridge_path(&self, barcode: &str) -> Result<PathBuf, LibraryError> {
        check_barcode(barcode)?;
        let path = layout::cartridge(&self.path, barcode);
        if path.is_file() {
            Ok(path)
        } else {
            Err(LibraryError::NoCartridge {
                barcode: barcode.to_owned(),
            })
        }
    }
}

fn find(changer: &SharedChanger, cartridge: &str) -> Option<Place> {
    changer
        .state
        .all()
        .find(|(_, _, held)| {
            held.as_ref()
                .is_some_and(|held| held.cartridge == cartridge)
        })
        .map(|(kind, number, _)| place_of(kind, number, &changer.config))
}

/// Hosts hear that somebody was at the mail slot, or at the door.
fn touched(changer: &mut SharedChanger, kind: ElementType) {
    let code = match kind {
        ElementType::ImportExport => AdditionalSense::IMPORT_EXPORT_ACCESSED,
        _ => AdditionalSense::MEDIUM_MAY_HAVE_CHANGED,
    };
    changer.state.nexuses.notify(code, None);
}

fn tell_drive(
    changer: &mut SharedChanger,
    kind: ElementType,
    number: u16,
) -> Result<(), LibraryError> {
    if kind == ElementType::Drive {
        changer.give_expected(number)?;
    }
    Ok(())
}
