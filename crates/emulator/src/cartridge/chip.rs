//! The memory chip in a cartridge: what it is, what it went through, and what hosts noted on it (scsi.md 5.1, 7.8).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a cartridge is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CartridgeKind {
    /// Rewritable.
    #[default]
    Data,
    /// Write once, read many.
    Worm,
    /// Cleans the drive.
    Cleaning,
}

/// An attribute that a host wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostAttribute {
    /// Format on the wire (0 binary, 1 ASCII, 2 text).
    pub format: u8,
    /// Value.
    pub value: Vec<u8>,
}

/// What happened to a cartridge so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Wear {
    /// Times it was threaded.
    pub loads: u64,
    /// Times it was formatted.
    pub initializations: u16,
    /// Counts up with the first change per load; 0 = never changed.
    pub volume_change: u32,
    /// Vendor and serial number of the drives at the last loads, the newest first.
    pub devices: Vec<(String, String)>,
    /// Bytes written before this load.
    pub written_bytes: u64,
    /// Bytes read before this load.
    pub read_bytes: u64,
    /// Bytes written in this, or the last, load.
    pub load_written_bytes: u64,
    /// Bytes read in this, or the last, load.
    pub load_read_bytes: u64,
    /// Times the beginning of the tape passed the head.
    pub beginning_passes: u64,
    /// Times the middle passed it.
    pub middle_passes: u64,
    /// Blocks that could be read only with trouble.
    pub recovered_reads: u64,
    /// Blocks that could not be read.
    pub unrecovered_reads: u64,
    /// Blocks that could be written only with trouble.
    pub recovered_writes: u64,
    /// Blocks that could not be written.
    pub unrecovered_writes: u64,
    /// Unreadable blocks in this load.
    pub load_unrecovered_reads: u64,
    /// Unwritable blocks in this load.
    pub load_unrecovered_writes: u64,
    /// TapeAlert flags of the last load; flag n is bit n-1.
    pub alerts: u64,
    /// First encrypted object; `None`: there is none.
    pub first_encrypted: Option<u64>,
    /// First plain block behind it.
    pub first_plain_after: Option<u64>,
    /// It is threaded; stays set if the drive loses power with the tape in it.
    pub threaded: bool,
}

/// Something wrong with the tape itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// This object cannot be read.
    Unreadable(u64),
    /// Writing this object fails.
    Unwritable(u64),
    /// The end of data cannot be found.
    EndOfDataLost,
    /// The chip cannot be read.
    ChipUnreadable,
    /// The chip cannot be written.
    ChipReadOnly,
    /// The cartridge cannot be threaded.
    CannotBeLoaded,
    /// The tape is torn: it cannot be unloaded either.
    Snapped,
}

/// The chip's contents; with the tape's own properties, which a real drive sees otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Chip {
    /// Bar code; empty if it has no label.
    pub barcode: String,
    /// Data, WORM, cleaning.
    pub kind: CartridgeKind,
    /// LTO generation.
    pub generation: u8,
    /// Bytes the tape holds.
    pub capacity_bytes: u64,
    /// Bytes at the end in which writing reports early warning.
    pub early_warning_bytes: u64,
    /// 100 times what compression makes of a byte; 100 is none, 200 twice as much on the tape.
    #[serde(default = "no_compression")]
    pub compression_percent: u32,
    /// The write protect tab is set.
    #[serde(default)]
    pub write_protected: bool,
    /// LTO-9: the tape was measured at its first load.
    #[serde(default)]
    pub characterised: bool,
    /// Uses a cleaning cartridge has left.
    #[serde(default)]
    pub cleanings_left: u16,
    /// Serial number of the cartridge.
    pub serial: String,
    /// YYYYMMDD.
    pub manufactured: String,
    /// What hosts wrote.
    #[serde(default)]
    pub attributes: BTreeMap<u16, HostAttribute>,
    /// Counters.
    #[serde(default)]
    pub wear: Wear,
    /// What is wrong with it.
    #[serde(default)]
    pub damage: Vec<Damage>,
}

const fn no_compression() -> u32 {
    100
}

/// Early warning: the last hundredth of the tape, but room for two blocks of this many bytes (scsi.md 7.3).
const EARLY_WARNING_BLOCK_BYTES: u64 = 256 << 10;
/// Uses of a new cleaning cartridge.
const CLEANINGS: u16 = 50;
/// Made on this day, unless somebody says otherwise.
const MANUFACTURED: &str = "20240115";
const MANUFACTURER: &str = "FERRITE";

impl Chip {
    /// A new, blank cartridge.
    pub fn new(
        kind: CartridgeKind,
        generation: u8,
        barcode: impl Into<String>,
        capacity_bytes: u64,
    ) -> Self {
        let barcode = barcode.into();
        let early_warning_bytes = (capacity_bytes / 100).max(2 * EARLY_WARNING_BLOCK_BYTES);
        Self {
            serial: format!("S{barcode}"),
            barcode,
            kind,
            generation,
            capacity_bytes,
            early_warning_bytes: early_warning_bytes.min(capacity_bytes / 2),
            compression_percent: no_compression(),
            write_protected: false,
            characterised: false,
            cleanings_left: if kind == CartridgeKind::Cleaning {
                CLEANINGS
            } else {
                0
            },
            manufactured: MANUFACTURED.to_owned(),
            attributes: BTreeMap::new(),
            wear: Wear::default(),
            damage: Vec::new(),
        }
    }

    /// Who made it.
    pub fn manufacturer(&self) -> &'static str {
        MANUFACTURER
    }

    /// True if it has this damage.
    pub fn is_damaged(&self, damage: &Damage) -> bool {
        self.damage.contains(damage)
    }
}
