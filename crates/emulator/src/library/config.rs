//! What a library is: `library.json`, written once.

use std::path::Path;

use ferrite_scsi::element::{AddressAssignment, AddressRange};
use serde::{Deserialize, Serialize};

use super::options::ChangerQuirks;
use super::{LibraryError, LibraryOptions, layout};
use crate::clock::Pace;
use crate::generation::{NEWEST_DRIVE, OLDEST_DRIVE};
use crate::target::DriveQuirks;

const VERSION: u32 = 1;
/// Sparse, so that nobody gets away with confusing numbers and addresses (scsi.md 7.9).
const TRANSPORT_AT: u16 = 1;
const MAIL_AT: u16 = 101;
const DRIVES_AT: u16 = 501;
const STORAGE_AT: u16 = 1001;

/// `library.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct LibraryConfig {
    version: u32,
    pub generation: u8,
    pub drives: u16,
    pub slots: u16,
    pub import_export: u16,
    /// First five characters of all serial numbers.
    pub serial: String,
    pub capacity_bytes: u64,
    pub pace: Pace,
    #[serde(default)]
    pub drive_quirks: DriveQuirks,
    #[serde(default)]
    pub changer_quirks: ChangerQuirks,
}

impl LibraryConfig {
    pub fn new(options: &LibraryOptions, capacity_bytes: u64) -> Result<Self, LibraryError> {
        let serial = match &options.serial {
            Some(serial) => serial.clone(),
            None => random_serial()?,
        };
        Ok(Self {
            version: VERSION,
            generation: options.generation,
            drives: options.drives,
            slots: options.slots,
            import_export: options.import_export,
            serial,
            capacity_bytes: options.capacity_bytes.unwrap_or(capacity_bytes),
            pace: options.pace,
            drive_quirks: options.drive_quirks,
            changer_quirks: options.changer_quirks,
        })
    }

    pub fn read(library: &Path) -> Result<Self, LibraryError> {
        let path = library.join(layout::CONFIG);
        let text = std::fs::read(&path).map_err(|error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                LibraryError::NoLibrary {
                    path: library.to_owned(),
                }
            } else {
                LibraryError::io(&path, "read", error)
            }
        })?;
        let config = Self::parse(&text).map_err(|what| LibraryError::damaged(&path, what))?;
        Ok(config)
    }

    /// Checks what it reads: everything later relies on it.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let config: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if config.version != VERSION {
            return Err(format!(
                "version {} of an emulated library; this program knows {VERSION}",
                config.version
            ));
        }
        let plausible = (OLDEST_DRIVE..=NEWEST_DRIVE).contains(&config.generation)
            && (1..=MAIL_AT).contains(&config.drives)
            && (1..=u16::MAX - STORAGE_AT).contains(&config.slots)
            && config.import_export < DRIVES_AT - MAIL_AT
            && !config.serial.is_empty();
        if plausible {
            Ok(config)
        } else {
            Err("no library can be like that".to_owned())
        }
    }

    pub fn to_text(&self) -> Result<Vec<u8>, String> {
        serde_json::to_vec_pretty(self).map_err(|error| error.to_string())
    }

    /// Ten characters, as long as the field for it in element descriptors.
    pub fn drive_serial(&self, number: u16) -> String {
        format!("{}D{number:04}", self.serial)
    }

    pub fn changer_serial(&self) -> String {
        format!("{}LIB00", self.serial)
    }

    pub fn addresses(&self) -> AddressAssignment {
        let range = |first, count| AddressRange { first, count };
        AddressAssignment {
            transport: range(TRANSPORT_AT, u16::from(!self.changer_quirks.no_transport)),
            storage: range(STORAGE_AT, self.slots),
            import_export: range(MAIL_AT, self.import_export),
            drive: range(DRIVES_AT, self.drives),
        }
    }
}

/// Five characters.
fn random_serial() -> Result<String, LibraryError> {
    const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut random = [0; 5];
    getrandom::fill(&mut random)
        .map_err(|error| LibraryError::Options(format!("no random numbers: {error}")))?;
    Ok(random
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect())
}
