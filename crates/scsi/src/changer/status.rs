//! What stands where in the library (scsi.md 3.2 to 3.4).

use std::fmt;

use super::elements::With;
use super::{Changer, ChangerError, exception_text};
use crate::asc::AdditionalSense;
use crate::element::{
    AddressAssignment, AddressRange, DeviceIdentifier, ElementDescriptor, ElementType,
};

/// What is in an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    Empty,
    /// A cartridge without bar code, or with one that cannot be read.
    Full,
    /// A cartridge with this bar code.
    Tagged(String),
}

impl Content {
    /// Nothing there.
    pub fn is_empty(&self) -> bool {
        *self == Content::Empty
    }

    /// Bar code, if there is one.
    pub fn tag(&self) -> Option<&str> {
        match self {
            Content::Tagged(tag) => Some(tag),
            Content::Empty | Content::Full => None,
        }
    }

    fn of(element: &ElementDescriptor) -> Self {
        match (element.full, &element.tag) {
            (false, _) => Content::Empty,
            (true, None) => Content::Full,
            (true, Some(tag)) => Content::Tagged(tag.clone()),
        }
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Empty => f.write_str("empty"),
            Content::Full => f.write_str("a cartridge without readable bar code"),
            Content::Tagged(tag) => f.write_str(tag),
        }
    }
}

/// A drive as the library sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriveElement {
    /// Element address.
    pub address: u16,
    /// What is in it.
    pub content: Content,
    /// Number of the slot its cartridge came from, from 1; `None` if the library does not know or it is no slot.
    pub loaded_slot: Option<u32>,
    /// Who the drive is, if the library tells: this is how drive numbers and device nodes are matched.
    pub identifier: Option<DeviceIdentifier>,
    /// What is wrong with the element; words: [`exception_text`].
    pub exception: Option<AdditionalSense>,
}

/// A slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Element address.
    pub address: u16,
    /// What is in it.
    pub content: Content,
    /// An operator reaches it (mail slot).
    pub import_export: bool,
    /// What is wrong with the element; words: [`exception_text`].
    pub exception: Option<AdditionalSense>,
}

/// The robot's gripper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportElement {
    /// Element address.
    pub address: u16,
    /// What is in it: something only after a movement that failed half way.
    pub content: Content,
    /// What is wrong with the element; words: [`exception_text`].
    pub exception: Option<AdditionalSense>,
}

/// All elements of a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangerStatus {
    /// Drives, numbered from 0.
    pub drives: Vec<DriveElement>,
    /// Slots, numbered from 1: the first is slot 1. Storage elements first, then import/export elements.
    pub slots: Vec<Slot>,
    /// Robots.
    pub transports: Vec<TransportElement>,
    /// What is strange about the library's answers and does not matter for using it; for the log.
    pub warnings: Vec<String>,
}

/// Number of a slot for its place in the list.
fn slot_number(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

impl ChangerStatus {
    /// Slots with their numbers.
    pub fn numbered_slots(&self) -> impl Iterator<Item = (u32, &Slot)> {
        self.slots
            .iter()
            .enumerate()
            .map(|(i, slot)| (slot_number(i), slot))
    }

    /// Slot of a number from 1.
    pub fn slot(&self, number: u32) -> Option<&Slot> {
        self.slots
            .get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// First slot with this bar code, by number.
    pub fn slot_with_tag(&self, tag: &str) -> Option<u32> {
        self.numbered_slots()
            .find(|(_, slot)| slot.content.tag() == Some(tag))
            .map(|(number, _)| number)
    }

    /// First drive with this bar code, by number.
    pub fn drive_with_tag(&self, tag: &str) -> Option<u32> {
        let index = self
            .drives
            .iter()
            .position(|drive| drive.content.tag() == Some(tag))?;
        u32::try_from(index).ok()
    }

    /// Where the cartridge of a drive goes: the slot it came from, else the first empty slot that is no mail slot.
    pub fn free_slot_for(&self, drive: u32) -> Option<u32> {
        let home = usize::try_from(drive)
            .ok()
            .and_then(|drive| self.drives.get(drive))
            .and_then(|drive| drive.loaded_slot)
            .filter(|&slot| self.slot(slot).is_some_and(|slot| slot.content.is_empty()));
        home.or_else(|| {
            self.numbered_slots()
                .find(|(_, slot)| !slot.import_export && slot.content.is_empty())
                .map(|(number, _)| number)
        })
    }

    /// Address of the robot to use; 0, the default one, if the library reports none.
    pub(super) fn robot(&self) -> u16 {
        self.transports.first().map_or(0, |robot| robot.address)
    }

    fn slot_at(&self, address: u16) -> Option<u32> {
        self.numbered_slots()
            .find(|(_, slot)| slot.address == address)
            .map(|(number, _)| number)
    }

    fn note_duplicate_tags(&mut self) {
        let contents = self
            .slots
            .iter()
            .map(|slot| &slot.content)
            .chain(self.drives.iter().map(|drive| &drive.content));
        let mut tags: Vec<&str> = contents.filter_map(Content::tag).collect();
        tags.sort_unstable();
        let mut twice: Vec<&str> = tags
            .windows(2)
            .filter(|pair| pair[0] == pair[1])
            .map(|pair| pair[0])
            .collect();
        twice.dedup();
        let lines: Vec<String> = twice
            .into_iter()
            .map(|tag| format!("several cartridges have the bar code {tag}"))
            .collect();
        self.warnings.extend(lines);
    }

    fn note_exceptions(&mut self) {
        let slots = self
            .numbered_slots()
            .map(|(number, slot)| (format!("slot {number}"), slot.exception));
        let drives = self
            .drives
            .iter()
            .enumerate()
            .map(|(number, drive)| (format!("drive {number}"), drive.exception));
        let lines: Vec<String> = slots
            .chain(drives)
            .filter_map(|(name, code)| Some(format!("{name}: {}", exception_text(code?))))
            .collect();
        self.warnings.extend(lines);
    }
}

/// Looks at a library in which somebody is at work, before the last one has to do.
const MOST_LOOKS: u32 = 3;

impl Changer {
    /// Looks at all elements; again if somebody used the door or the mail slot meanwhile.
    ///
    /// # Errors
    /// What the questions gave; [`ChangerError::ElementCount`] and [`ChangerError::NoElements`] for a library that contradicts
    /// itself or cannot be used.
    pub fn status(&mut self) -> Result<ChangerStatus, ChangerError> {
        let mut looks = 1;
        loop {
            // Meets what happened before; only later events make what was read obsolete.
            let assigned = self.address_assignment()?;
            let before = self.attentions;
            let status = self.read_status(&assigned);
            if self.attentions == before || looks == MOST_LOOKS {
                return status;
            }
            looks += 1;
        }
    }

    fn read_status(&mut self, assigned: &AddressAssignment) -> Result<ChangerStatus, ChangerError> {
        let mut warnings = Vec::new();
        let mut storage = self.counted(ElementType::Storage, assigned, &mut warnings)?;
        let import_export = self.counted(ElementType::ImportExport, assigned, &mut warnings)?;
        let mut drives = self.counted(ElementType::Drive, assigned, &mut warnings)?;
        self.add_identifiers(&mut drives, assigned.drive, &mut warnings);
        let transports = self.counted(ElementType::Transport, assigned, &mut warnings)?;
        for (kind, elements) in [
            (ElementType::Drive, &drives),
            (ElementType::Storage, &storage),
        ] {
            if elements.is_empty() {
                return Err(ChangerError::NoElements { kind });
            }
        }
        let mail_slots_from = storage.len();
        storage.extend(import_export);
        let slots = storage
            .iter()
            .enumerate()
            .map(|(i, element)| Slot {
                address: element.address,
                content: Content::of(element),
                import_export: i >= mail_slots_from,
                exception: element.exception,
            })
            .collect();
        let mut status = ChangerStatus {
            drives: Vec::new(),
            slots,
            transports: transports
                .iter()
                .map(|element| TransportElement {
                    address: element.address,
                    content: Content::of(element),
                    exception: element.exception,
                })
                .collect(),
            warnings,
        };
        status.drives = drives
            .into_iter()
            .map(|element| DriveElement {
                address: element.address,
                content: Content::of(&element),
                loaded_slot: element
                    .source
                    .filter(|_| element.full)
                    .and_then(|address| status.slot_at(address)),
                identifier: element.identifier,
                exception: element.exception,
            })
            .collect();
        status.note_exceptions();
        status.note_duplicate_tags();
        Ok(status)
    }

    /// Elements of one type, as many as the address page says. Robots may be miscounted: many libraries do, and it does no harm.
    fn counted(
        &mut self,
        kind: ElementType,
        assigned: &AddressAssignment,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<ElementDescriptor>, ChangerError> {
        let count = assigned.range(kind).count;
        let found = self.elements(kind, With::VolumeTags, count)?;
        warnings.extend(found.warnings);
        let reported = found.elements.len();
        if reported != usize::from(count) {
            let error = ChangerError::ElementCount {
                kind,
                reported,
                assigned: count,
            };
            if kind != ElementType::Transport {
                return Err(error);
            }
            warnings.push(format!(
                "the library reports {reported} robots, but has addresses for {count}"
            ));
        }
        Ok(found.elements)
    }

    /// Serial numbers of the drives. A library that does not tell them is as good as any other.
    fn add_identifiers(
        &mut self,
        drives: &mut [ElementDescriptor],
        assigned: AddressRange,
        warnings: &mut Vec<String>,
    ) {
        let identified = match self.elements(ElementType::Drive, With::DeviceIds, assigned.count) {
            Ok(found) => found.elements,
            Err(error) => {
                warnings.push(format!(
                    "the library does not tell its drives' serial numbers: {error}"
                ));
                return;
            }
        };
        for drive in drives {
            let found = identified
                .iter()
                .find(|element| element.address == drive.address)
                .and_then(|element| element.identifier.clone());
            drive.identifier = found.or_else(|| drive.identifier.take());
        }
    }
}
