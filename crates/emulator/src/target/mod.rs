//! An LTO-like drive as a SCSI target: takes CDBs, answers with data and sense (scsi.md section 7).
//!
//! Knows the standard's rules (unit attentions, field checks, what needs a tape, how an end is reported); what lies on the
//! tape is the [`Medium`]'s business. Answers like an LTO-8 drive. Time does not pass in it: wrappers around
//! [`ferrite_scsi::Transport`] add delays and faults.

mod blocks;
mod identity;
mod motion;
mod reply;
mod settings;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ferrite_scsi::alert::AlertFlags;
use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::command::{Erase, FormatMedium, LoadUnload, PreventAllow};
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::sense::{Sense, SenseKey};
use ferrite_scsi::{Cdb, Completion, Data, Transport, TransportError};

pub use identity::Identity;

use crate::medium::Medium;
use reply::{Failure, Reply, ReplyResult};
use settings::Settings;

/// TapeAlert flags the drive raises by itself.
const ALERT_WRITE_PROTECT: u8 = 9;
const ALERT_NO_REMOVAL: u8 = 10;

/// What is in the drive.
enum Slot {
    Empty,
    Loaded(Box<dyn Medium>),
    /// A cartridge that the drive cannot use.
    Unusable {
        detail: Arc<str>,
    },
}

/// One initiator's view.
struct Nexus {
    id: u64,
    attentions: VecDeque<AdditionalSense>,
}

/// Unit attentions kept per nexus; more of them say nothing new.
const MAX_ATTENTIONS: usize = 16;

struct DriveTarget {
    identity: Identity,
    slot: Slot,
    nexuses: Vec<Nexus>,
    next_nexus: u64,
    settings: Settings,
    removal_prevented: bool,
    alerts: AlertFlags,
}

/// An emulated drive. Clones are the same drive; it lives as long as any clone or connection.
#[derive(Clone)]
pub struct EmulatedDrive {
    target: Arc<Mutex<DriveTarget>>,
}

impl std::fmt::Debug for EmulatedDrive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmulatedDrive").finish_non_exhaustive()
    }
}

impl EmulatedDrive {
    /// An empty drive.
    pub fn new(identity: Identity) -> Self {
        let target = DriveTarget {
            identity,
            slot: Slot::Empty,
            nexuses: Vec::new(),
            next_nexus: 0,
            settings: Settings::default(),
            removal_prevented: false,
            alerts: AlertFlags::NONE,
        };
        Self {
            target: Arc::new(Mutex::new(target)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, DriveTarget> {
        // A panic in another thread leaves the drive as it was between two commands or in the middle of one, like a crash of
        // a real drive's host: the medium's own state is consistent after each call.
        self.target.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new initiator; it gets "power on" as its first unit attention.
    pub fn connect(&self) -> Connection {
        let mut target = self.lock();
        let id = target.next_nexus;
        target.next_nexus += 1;
        target.nexuses.push(Nexus {
            id,
            attentions: VecDeque::from([AdditionalSense::POWER_ON_OR_RESET]),
        });
        drop(target);
        Connection {
            drive: self.clone(),
            nexus: id,
        }
    }

    /// Puts a tape in and threads it. What was in the drive is gone: [`EmulatedDrive::eject`] it first.
    pub fn insert(&self, medium: Box<dyn Medium>) {
        self.put(Slot::Loaded(medium));
    }

    /// Puts a cartridge in that the drive cannot use; `detail` says why.
    pub fn insert_unusable(&self, detail: impl Into<Arc<str>>) {
        self.put(Slot::Unusable {
            detail: detail.into(),
        });
    }

    fn put(&self, slot: Slot) {
        let mut target = self.lock();
        target.slot = slot;
        target.alerts = AlertFlags::NONE;
        target.notify_all(AdditionalSense::MEDIUM_MAY_HAVE_CHANGED);
    }

    /// Unloads and takes the tape out, as a changer does. The error is the medium's: its last data could not be stored.
    pub fn eject(&self) -> Result<(), crate::medium::MediumError> {
        match std::mem::replace(&mut self.lock().slot, Slot::Empty) {
            Slot::Loaded(mut medium) => medium.unload(),
            Slot::Empty | Slot::Unusable { .. } => Ok(()),
        }
    }

    /// Name on the cartridge in the drive.
    pub fn label(&self) -> Option<String> {
        match &self.lock().slot {
            Slot::Loaded(medium) => Some(medium.label().to_owned()),
            Slot::Empty | Slot::Unusable { .. } => None,
        }
    }
}

/// A host's path to an emulated drive, for [`ferrite_scsi::Drive::open`].
#[derive(Debug)]
pub struct Connection {
    drive: EmulatedDrive,
    nexus: u64,
}

impl Transport for Connection {
    fn execute(
        &mut self,
        cdb: &Cdb,
        mut data: Data<'_>,
        _timeout: Duration,
    ) -> Result<Completion, TransportError> {
        let length = data.len();
        let result = self.drive.lock().execute(self.nexus, cdb, &mut data);
        Ok(reply::completion(result, length))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.drive
            .lock()
            .nexuses
            .retain(|nexus| nexus.id != self.nexus);
    }
}

impl DriveTarget {
    fn notify_all(&mut self, code: AdditionalSense) {
        for nexus in &mut self.nexuses {
            if nexus.attentions.len() < MAX_ATTENTIONS {
                nexus.attentions.push_back(code);
            }
        }
    }

    fn notify_others(&mut self, except: u64, code: AdditionalSense) {
        for nexus in self.nexuses.iter_mut().filter(|nexus| nexus.id != except) {
            if nexus.attentions.len() < MAX_ATTENTIONS {
                nexus.attentions.push_back(code);
            }
        }
    }

    fn next_attention(&mut self, nexus: u64) -> Option<AdditionalSense> {
        self.nexuses
            .iter_mut()
            .find(|other| other.id == nexus)?
            .attentions
            .pop_front()
    }

    fn execute(&mut self, nexus: u64, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
        match cdb.opcode() {
            OperationCode::INQUIRY => return self.inquiry(cdb, data),
            OperationCode::REQUEST_SENSE => return self.request_sense(nexus, cdb, data),
            OperationCode::REPORT_LUNS => return identity::report_luns(cdb, data),
            _ => {}
        }
        if let Some(code) = self.next_attention(nexus) {
            return Err(Failure::sense(Sense::new(SenseKey::UnitAttention, code)));
        }
        match cdb.opcode() {
            OperationCode::READ_6 => self.read(cdb, data),
            OperationCode::WRITE_6 => self.write(cdb, data),
            OperationCode::WRITE_FILEMARKS_6 => self.write_filemarks(cdb),
            OperationCode::TEST_UNIT_READY => self.medium().map(|_| Reply::good()),
            OperationCode::READ_POSITION => self.read_position(cdb, data),
            OperationCode::REWIND => self.rewind(),
            OperationCode::SPACE_6 | OperationCode::SPACE_16 => self.space(cdb),
            OperationCode::LOCATE_10 | OperationCode::LOCATE_16 => self.locate(cdb),
            OperationCode::READ_BLOCK_LIMITS => self.read_block_limits(data),
            OperationCode::MODE_SENSE_6 | OperationCode::MODE_SENSE_10 => {
                self.mode_sense(cdb, data)
            }
            OperationCode::MODE_SELECT_6 | OperationCode::MODE_SELECT_10 => {
                self.mode_select(nexus, cdb, data)
            }
            OperationCode::LOG_SENSE => self.log_sense(cdb, data),
            OperationCode::REPORT_DENSITY_SUPPORT => self.report_density(cdb, data),
            OperationCode::LOAD_UNLOAD => self.load_unload(cdb),
            OperationCode::PREVENT_ALLOW => self.prevent_allow(cdb),
            OperationCode::ERASE_6 => self.erase(cdb),
            OperationCode::FORMAT_MEDIUM => self.format_medium(cdb),
            // One path to the drive at a time is all there is.
            OperationCode::RESERVE_6 | OperationCode::RELEASE_6 => Ok(Reply::good()),
            _ => Err(Failure::invalid_opcode()),
        }
    }

    /// The tape, or why there is none.
    fn medium(&mut self) -> Result<&mut Box<dyn Medium>, Failure> {
        match &mut self.slot {
            Slot::Loaded(medium) => Ok(medium),
            Slot::Empty => Err(Failure::new(
                SenseKey::NotReady,
                AdditionalSense::MEDIUM_NOT_PRESENT,
            )),
            Slot::Unusable { detail } => Err(Failure::new(
                SenseKey::MediumError,
                AdditionalSense::MEDIUM_FORMAT_CORRUPTED,
            )
            .with_detail(detail)),
        }
    }

    /// The tape, if it can be written.
    fn writable_medium(&mut self) -> Result<&mut Box<dyn Medium>, Failure> {
        if self.medium()?.facts().write_protected {
            self.alerts = self.alerts.with(ALERT_WRITE_PROTECT);
            return Err(Failure::new(
                SenseKey::DataProtect,
                AdditionalSense::WRITE_PROTECTED,
            ));
        }
        self.medium()
    }

    fn load_unload(&mut self, cdb: &Cdb) -> ReplyResult {
        let command = LoadUnload::parse(reply::six(cdb)?);
        if command.load {
            self.medium()?.rewind()?;
            return Ok(Reply::good());
        }
        if self.removal_prevented {
            self.alerts = self.alerts.with(ALERT_NO_REMOVAL);
            return Err(Failure::new(
                SenseKey::IllegalRequest,
                AdditionalSense::REMOVAL_PREVENTED,
            ));
        }
        match std::mem::replace(&mut self.slot, Slot::Empty) {
            Slot::Loaded(mut medium) => medium.unload()?,
            Slot::Empty | Slot::Unusable { .. } => {}
        }
        Ok(Reply::good())
    }

    fn prevent_allow(&mut self, cdb: &Cdb) -> ReplyResult {
        self.removal_prevented = PreventAllow::parse(reply::six(cdb)?).prevent;
        Ok(Reply::good())
    }

    fn erase(&mut self, cdb: &Cdb) -> ReplyResult {
        // Long or short, at once or not: there is nothing to overwrite behind the end of an emulated tape.
        let _ = Erase::parse(reply::six(cdb)?);
        self.writable_medium()?.erase()?;
        Ok(Reply::good())
    }

    fn format_medium(&mut self, cdb: &Cdb) -> ReplyResult {
        FormatMedium::parse(reply::six(cdb)?).ok_or(Failure::invalid_field(2))?;
        let medium = self.writable_medium()?;
        if medium.position().object != 0 {
            return Err(Failure::new(
                SenseKey::IllegalRequest,
                AdditionalSense::POSITION_PAST_BEGINNING,
            ));
        }
        medium.format()?;
        Ok(Reply::good())
    }
}
