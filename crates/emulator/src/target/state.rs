//! What a drive remembers between two commands. All of it can be stored: processes that share a drive hand it on.

use std::collections::VecDeque;
use std::time::Duration;

use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::log::Activity;
use serde::{Deserialize, Serialize};

use super::encryption::EncryptionState;
use super::reservation::PersistentReservations;
use super::settings::Settings;

/// Unit attentions kept per nexus; more of them say nothing new.
const MAX_ATTENTIONS: usize = 16;
/// Initiators a target knows; beyond that the oldest is forgotten, as real ones do.
const MAX_NEXUSES: usize = 64;

/// ASC and ASCQ in a stored state.
pub(crate) type Code = (u8, u8);

/// One initiator's view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Nexus {
    /// Who it is.
    pub name: String,
    /// What it has to hear of.
    pub attentions: VecDeque<Code>,
    /// It forbids to take the medium out.
    #[serde(default)]
    pub prevents_removal: bool,
}

/// All initiators that were heard of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Nexuses(Vec<Nexus>);

impl Nexuses {
    /// The nexus; a new one begins with "power on".
    pub fn meet(&mut self, name: &str) -> &mut Nexus {
        if let Some(found) = self.0.iter().position(|nexus| nexus.name == name) {
            return &mut self.0[found];
        }
        if self.0.len() >= MAX_NEXUSES {
            self.0.remove(0);
        }
        let code = AdditionalSense::POWER_ON_OR_RESET;
        self.0.push(Nexus {
            name: name.to_owned(),
            attentions: VecDeque::from([(code.0, code.1)]),
            prevents_removal: false,
        });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    pub fn forget(&mut self, name: &str) {
        self.0.retain(|nexus| nexus.name != name);
    }

    /// The next condition that the nexus has to hear of.
    pub fn next_attention(&mut self, name: &str) -> Option<AdditionalSense> {
        let (asc, ascq) = self.meet(name).attentions.pop_front()?;
        Some(AdditionalSense(asc, ascq))
    }

    /// Tells all but `except`. A condition that an initiator has not heard of yet is not established twice (SAM-5 5.14).
    pub fn notify(&mut self, code: AdditionalSense, except: Option<&str>) {
        let code = (code.0, code.1);
        for nexus in &mut self.0 {
            let told = except.is_some_and(|name| nexus.name == name);
            let waiting = nexus.attentions.contains(&code);
            if !told && !waiting && nexus.attentions.len() < MAX_ATTENTIONS {
                nexus.attentions.push_back(code);
            }
        }
    }

    /// A reset: older conditions are of no interest any more, nobody prevents anything.
    pub fn reset(&mut self, code: AdditionalSense) {
        for nexus in &mut self.0 {
            nexus.attentions = VecDeque::from([(code.0, code.1)]);
            nexus.prevents_removal = false;
        }
    }

    pub fn removal_prevented(&self) -> bool {
        self.0.iter().any(|nexus| nexus.prevents_removal)
    }
}

/// What the drive does with the cartridge that is in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// It can be taken out, or loaded.
    #[default]
    Ejected,
    /// It waits for LOAD.
    LoadRequired,
    /// It is being threaded, until then.
    Loading(Duration),
    /// A new LTO-9 tape is being measured, until then.
    Calibrating(Duration),
    /// It can be used.
    Ready,
    /// It is being ejected, until then.
    Unloading(Duration),
    /// It cleans the drive, until then.
    Cleaning(Duration),
    /// It has cleaned the drive.
    Cleaned,
    /// It is a cleaning cartridge that is used up.
    CleaningExpired,
    /// The drive cannot use it.
    Incompatible(Code),
    /// It could not be threaded.
    LoadFailed,
}

/// A movement that takes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Busy {
    /// What the device status page says.
    pub activity: u8,
    /// Since then.
    pub since: Duration,
    /// Until then.
    pub until: Duration,
    /// The command that began it has ended: others are refused. Otherwise they wait in the queue.
    pub immediate: bool,
}

impl Busy {
    /// Of 65536.
    pub fn progress(&self, now: Duration) -> u16 {
        progress(self.since, self.until, now)
    }
}

/// What a stored code means.
pub(crate) fn activity(code: u8) -> Activity {
    [
        Activity::Reading,
        Activity::Writing,
        Activity::ReadingEncrypted,
        Activity::WritingEncrypted,
        Activity::Locating,
        Activity::Rewinding,
        Activity::Erasing,
        Activity::Formatting,
    ]
    .into_iter()
    .find(|activity| *activity as u8 == code)
    .unwrap_or(Activity::Other)
}

/// How far `now` is on the way, of 65536.
pub(crate) fn progress(since: Duration, until: Duration, now: Duration) -> u16 {
    let whole = until.saturating_sub(since).as_millis().max(1);
    let done = now.saturating_sub(since).as_millis();
    u16::try_from(done * 65_535 / whole).unwrap_or(u16::MAX)
}

/// When the drive wants to be cleaned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dirt {
    /// Bytes moved since it was cleaned.
    pub bytes: u64,
    /// It would like to be cleaned.
    pub requested: bool,
    /// It has to be.
    pub required: bool,
}

/// What changes with every block; kept apart because it is stored with every command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hot {
    /// Where the tape stands.
    pub object: u64,
    /// Bytes written since the tape was loaded.
    pub written: u64,
    /// Bytes read since the tape was loaded.
    pub read: u64,
    /// When the drive's buffer will be empty, on the emulator's clock.
    pub stream_until: Duration,
    /// First object that a loss of power would take; `u64::MAX`: none.
    pub unflushed: u64,
    /// What the device status page says while the buffer is not empty.
    pub activity: u8,
}

/// Everything else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DriveState {
    pub nexuses: Nexuses,
    pub settings: Settings,
    /// TapeAlert flags; flag n is bit n-1.
    pub alerts: u64,
    pub stage: Stage,
    /// When the present stage began.
    pub stage_since: Duration,
    pub busy: Option<Busy>,
    /// Who reserved the drive.
    pub reserved_by: Option<String>,
    pub persistent: PersistentReservations,
    pub encryption: EncryptionState,
    pub dirt: Dirt,
    /// Nobody knows where the tape stands.
    pub position_lost: bool,
    /// Programmable early warning was reported since the zone was entered.
    pub warned: bool,
    /// In append-only mode: where the host may overwrite.
    pub overwrite_at: Option<u64>,
    /// The first change of this load has been counted.
    pub changed_in_load: bool,
}
