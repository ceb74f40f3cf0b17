//! TapeAlert: what the drive complains about (SSC-3 annex A; scsi.md section 4).

use std::fmt;

/// How bad a flag is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// For information.
    Info,
    /// Something to look after.
    Warning,
    /// Data or device at risk.
    Critical,
}

/// A set of TapeAlert flags; flag n is bit n-1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertFlags(u64);

use Severity::{Critical, Info, Warning};

/// Flag number, name as PBS prints it, severity. Other flags are not shown, as PBS does.
const FLAGS: [(u8, &str, Severity); 55] = [
    (1, "READ_WARNING", Warning),
    (2, "WRITE_WARNING", Warning),
    (3, "HARD_ERROR", Warning),
    (4, "MEDIA", Critical),
    (5, "READ_FAILURE", Critical),
    (6, "WRITE_FAILURE", Critical),
    (7, "MEDIA_LIFE", Warning),
    (8, "NOT_DATA_GRADE", Warning),
    (9, "WRITE_PROTECT", Critical),
    (10, "NO_REMOVAL", Info),
    (11, "CLEANING_MEDIA", Info),
    (12, "UNSUPPORTED_FORMAT", Info),
    (13, "RECOVERABLE_MECHANICAL_CARTRIDGE_FAILURE", Critical),
    (14, "UNRECOVERABLE_SNAPPED_TAPE", Critical),
    (15, "MEMORY_CHIP_IN_CARTRIDGE_FAILURE", Warning),
    (16, "FORCED_EJECT", Critical),
    (17, "READ_ONLY_FORMAT", Warning),
    (18, "TAPE_DIRECTORY_CORRUPTED", Warning),
    (19, "NEARING_MEDIA_LIFE", Info),
    (20, "CLEAN_NOW", Critical),
    (21, "CLEAN_PERIODIC", Warning),
    (22, "EXPIRED_CLEANING_MEDIA", Critical),
    (23, "INVALID_CLEANING_TAPE", Critical),
    (24, "RETENSION_REQUEST", Warning),
    (25, "HOST_CHANNEL_FAILURE", Warning),
    (26, "COOLING_FAN_FAILURE", Warning),
    (27, "POWER_SUPPLY_FAILURE", Warning),
    (28, "POWER_CONSUMPTION", Warning),
    (29, "DRIVE_MANTAINANCE", Warning), // spelled so by PBS
    (30, "HARDWARE_A", Critical),
    (31, "HARDWARE_B", Critical),
    (32, "INTERFACE", Warning),
    (33, "EJECT_MEDIA", Critical),
    (34, "DOWNLOAD_FAULT", Warning),
    (35, "DRIVE_HUMIDITY", Warning),
    (36, "DRIVE_TEMPERATURE", Warning),
    (37, "DRIVE_VOLTAGE", Warning),
    (38, "PREDICTIVE_FAILURE", Critical),
    (39, "DIAGNOSTICS_REQUIRED", Warning),
    (41, "LOADER_STRAY_TAPE", Critical),
    (42, "LOADER_HARDWARE", Warning),
    (45, "LOADER_MAGAZINE", Critical),
    (49, "DIMINISHED_NATIVE_CAPACITY", Warning),
    (50, "LOST_STATISTICS", Warning),
    (51, "TAPE_DIRECTORY_INVALID_AT_UNLOAD", Warning),
    (52, "TAPE_SYSTEM_AREA_WRITE_FAILURE", Critical),
    (53, "TAPE_SYSTEM_AREA_READ_FAILURE", Critical),
    (54, "NO_START_OF_DATA", Critical),
    (55, "LOADING_FAILURE", Critical),
    (56, "UNRECOVERABLE_UNLOAD_FAILURE", Critical),
    (57, "AUTOMATION_INTERFACE_FAILURE", Critical),
    (58, "FIRMWARE_FAILURE", Warning),
    (59, "WORM_INTEGRITY_CHECK_FAILED", Warning),
    (60, "WORM_OVERWRITE_ATTEMPTED", Warning),
    (61, "ENCRYPTION_POLICY_VIOLATION", Warning),
];

/// PBS's mask: 13 and 20 are of critical severity but do not stop a job.
const CRITICAL_MASK: u64 = mask(&[
    4, 5, 6, 9, 14, 16, 22, 23, 30, 31, 33, 38, 41, 45, 52, 53, 54, 55, 56, 57,
]);
/// The drive wants to be cleaned.
const CLEANING_MASK: u64 = mask(&[20, 21]);
/// The cartridge is worn.
const MEDIA_LIFE_MASK: u64 = mask(&[7, 19]);

const fn mask(flags: &[u8]) -> u64 {
    let mut all = 0;
    let mut i = 0;
    while i < flags.len() {
        all |= 1 << (flags[i] - 1);
        i += 1;
    }
    all
}

impl AlertFlags {
    /// No flag.
    pub const NONE: Self = Self(0);

    /// From the eight bytes of log page 12h, where flag 1 is the first byte's most significant bit.
    pub fn from_page_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes).reverse_bits())
    }

    /// The eight bytes of log page 12h.
    pub fn to_page_bytes(self) -> [u8; 8] {
        self.0.reverse_bits().to_be_bytes()
    }

    /// Flag n is bit n-1.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Flag n is bit n-1.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// With flag `flag` (1 to 64) set; other numbers change nothing.
    #[must_use]
    pub fn with(self, flag: u8) -> Self {
        if (1..=64).contains(&flag) {
            Self(self.0 | (1 << (flag - 1)))
        } else {
            self
        }
    }

    /// Flag `flag` (1 to 64) is set.
    pub fn contains(self, flag: u8) -> bool {
        (1..=64).contains(&flag) && self.0 & (1 << (flag - 1)) != 0
    }

    /// The medium must not be used for this job (PBS's mask).
    pub fn is_critical(self) -> bool {
        self.0 & CRITICAL_MASK != 0
    }

    /// The drive wants to be cleaned.
    pub fn wants_cleaning(self) -> bool {
        self.0 & CLEANING_MASK != 0
    }

    /// The cartridge is at or near the end of its life.
    pub fn is_worn(self) -> bool {
        self.0 & MEDIA_LIFE_MASK != 0
    }

    /// Number, name and severity of the flags that are set and have a name, in ascending order of number.
    pub fn iter(self) -> impl Iterator<Item = (u8, &'static str, Severity)> {
        FLAGS
            .iter()
            .copied()
            .filter(move |&(flag, _, _)| self.contains(flag))
    }
}

impl fmt::Display for AlertFlags {
    /// Names joined by ` | `, or `(empty)`; flags without a name are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (_, name, _) in self.iter() {
            if !first {
                f.write_str(" | ")?;
            }
            f.write_str(name)?;
            first = false;
        }
        if first {
            f.write_str("(empty)")
        } else {
            Ok(())
        }
    }
}
