//! What a new library is to be.

use serde::{Deserialize, Serialize};

use super::LibraryError;
use crate::clock::Pace;
use crate::generation::{self, GenerationFacts, NEWEST_DRIVE, OLDEST_DRIVE};
use crate::target::DriveQuirks;

/// What a new library is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct LibraryOptions {
    /// LTO generation of the drives, 4 to 9.
    pub generation: u8,
    /// Drives, 1 to 64.
    pub drives: u16,
    /// Slots, 1 to 2000.
    pub slots: u16,
    /// Mail slots, 0 to 200.
    pub import_export: u16,
    /// Blank cartridges in the first slots; `None`: in two of three slots, but at most 100.
    pub cartridges: Option<u16>,
    /// Cleaning cartridges in the slots behind them.
    pub cleaning_cartridges: u16,
    /// Bytes a cartridge holds; `None`: as many as a real one.
    pub capacity_bytes: Option<u64>,
    /// Begin of the cartridges' bar codes; three digits and the generation follow.
    pub barcode_prefix: String,
    /// How fast its movements are.
    pub pace: Pace,
    /// Start of the serial numbers; `None`: a random one.
    pub serial: Option<String>,
    /// Deviations of the drives from the standard.
    pub drive_quirks: DriveQuirks,
    /// Deviations of the changer.
    pub changer_quirks: ChangerQuirks,
}

impl Default for LibraryOptions {
    fn default() -> Self {
        Self {
            generation: 8,
            drives: 2,
            slots: 24,
            import_export: 4,
            cartridges: None,
            cleaning_cartridges: 1,
            capacity_bytes: None,
            barcode_prefix: "FER".to_owned(),
            pace: Pace::Instant,
            serial: None,
            drive_quirks: DriveQuirks::default(),
            changer_quirks: ChangerQuirks::default(),
        }
    }
}

/// How real changers differ from each other (scsi.md 3.7, 7.1); all off is the standard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ChangerQuirks {
    /// Device identifiers are refused.
    pub no_identifiers: bool,
    /// Device identifiers are the serial number alone (Quantum, HP).
    pub serial_only: bool,
    /// Bar codes and device identifiers are not given together.
    pub tags_or_identifiers: bool,
    /// Only the low 16 bits of the allocation length count.
    pub allocation_16_bit: bool,
    /// The robot is no element.
    pub no_transport: bool,
    /// Most elements in one answer; 0: all.
    pub elements_per_answer: u16,
}

const MOST_DRIVES: u16 = 64;
const MOST_SLOTS: u16 = 2000;
const MOST_MAIL_SLOTS: u16 = 200;
const MOST_CARTRIDGES_BY_DEFAULT: u16 = 100;
const LONGEST_PREFIX: usize = 16;
/// A tape has to hold at least the blocks of its early warning zone.
const LEAST_CAPACITY_BYTES: u64 = 1 << 20;

impl LibraryOptions {
    pub(super) fn check(&self) -> Result<&'static GenerationFacts, LibraryError> {
        let wrong = |what: String| Err(LibraryError::Options(what));
        let facts = generation::facts(self.generation)
            .filter(|_| (OLDEST_DRIVE..=NEWEST_DRIVE).contains(&self.generation));
        let Some(facts) = facts else {
            return wrong(format!(
                "there are no emulated drives of LTO generation {}; {OLDEST_DRIVE} to {NEWEST_DRIVE} are possible",
                self.generation
            ));
        };
        if !(1..=MOST_DRIVES).contains(&self.drives) {
            return wrong(format!("a library has 1 to {MOST_DRIVES} drives"));
        }
        if !(1..=MOST_SLOTS).contains(&self.slots) {
            return wrong(format!("a library has 1 to {MOST_SLOTS} slots"));
        }
        if self.import_export > MOST_MAIL_SLOTS {
            return wrong(format!(
                "a library has at most {MOST_MAIL_SLOTS} mail slots"
            ));
        }
        if u32::from(self.data_cartridges()) + u32::from(self.cleaning_cartridges)
            > u32::from(self.slots)
        {
            return wrong(format!(
                "{} cartridges and {} cleaning cartridges do not fit into {} slots",
                self.data_cartridges(),
                self.cleaning_cartridges,
                self.slots
            ));
        }
        if self
            .capacity_bytes
            .is_some_and(|bytes| bytes < LEAST_CAPACITY_BYTES)
        {
            return wrong(format!(
                "a cartridge holds at least {LEAST_CAPACITY_BYTES} bytes"
            ));
        }
        if self.barcode_prefix.len() > LONGEST_PREFIX {
            return wrong(format!(
                "the bar codes' prefix has at most {LONGEST_PREFIX} characters"
            ));
        }
        Ok(facts)
    }

    /// Blank cartridges that it gets.
    pub fn data_cartridges(&self) -> u16 {
        self.cartridges.unwrap_or_else(|| {
            let room = self.slots.saturating_sub(self.cleaning_cartridges);
            room.min((self.slots * 2).div_ceil(3))
                .min(MOST_CARTRIDGES_BY_DEFAULT)
        })
    }
}
