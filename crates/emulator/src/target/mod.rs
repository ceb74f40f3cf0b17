//! A tape drive as a SCSI target: takes CDBs, answers with data and sense (scsi.md section 7).
//!
//! Knows the standard's rules (unit attentions, field checks, what needs a tape, how an end is reported); what lies on the
//! tape is the [`Medium`]'s business. There are two models: the drive of virtual tapes, which has only what PBS's virtual tapes
//! can hold, and LTO drives of the generations 4 to 9, which have everything.
//!
//! The target never waits by itself. A command that takes time says how long it would have taken, and whoever called it
//! waits with the drive unlocked, so that others can ask what it is doing.

mod attributes;
mod blocks;
mod encryption;
mod identity;
mod load;
mod logs;
mod motion;
mod reply;
mod reservation;
mod settings;
mod state;
mod stream;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ferrite_scsi::alert::AlertFlags;
use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::log::Activity;
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::sense::{Sense, SenseKey};
use ferrite_scsi::{Cdb, Completion, Data, Transport, TransportError};

pub use encryption::EncryptionControl;
pub use identity::Identity;
pub(crate) use identity::{identification, report_luns, vpd};
pub(crate) use load::TakenOut;
pub(crate) use reply::{Failure, Reply, ReplyResult};
pub(crate) use state::{DriveState, Hot, Nexuses, Stage, progress};

use crate::clock::Timing;
use crate::generation::{self, GenerationFacts};
use crate::medium::{Medium, MediumError};
use state::Busy;

pub(crate) use reply::{completion, six, ten, twelve};

/// TapeAlert flags the drive raises by itself (scsi.md section 4).
pub(crate) mod alert_flag {
    pub const WRITE_PROTECT: u8 = 9;
    pub const NO_REMOVAL: u8 = 10;
    pub const CLEANING_MEDIA: u8 = 11;
    pub const UNSUPPORTED_FORMAT: u8 = 12;
    pub const FORCED_EJECT: u8 = 16;
    pub const CLEAN_NOW: u8 = 20;
    pub const CLEAN_PERIODIC: u8 = 21;
    pub const EXPIRED_CLEANING_MEDIA: u8 = 22;
    pub const LOST_STATISTICS: u8 = 50;
    pub const LOADING_FAILURE: u8 = 55;
    pub const UNLOAD_FAILURE: u8 = 56;
    pub const WORM_OVERWRITE: u8 = 60;
    pub const READ_FAILURE: u8 = 5;
    pub const WRITE_FAILURE: u8 = 6;
    pub const HARD_ERROR: u8 = 3;

    /// About the drive itself: cleaning, hardware, its surroundings. Another tape does not make them go away.
    pub const OF_DRIVE: [std::ops::RangeInclusive<u8>; 3] =
        [CLEAN_NOW..=CLEAN_PERIODIC, 25..=32, 35..=39];
}

/// What is in the drive.
pub(crate) enum Slot {
    Empty,
    Loaded(Box<dyn Medium>),
    /// A cartridge that the drive cannot use.
    Unusable {
        detail: Arc<str>,
    },
}

/// How real drives differ from each other (scsi.md 7.1); all off is the standard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct DriveQuirks {
    /// LOG SENSE 12h is refused.
    pub no_tape_alert_response: bool,
    /// READ POSITION knows only the short form.
    pub no_long_position: bool,
    /// MODE SENSE(10) and MODE SELECT(10) are refused.
    pub no_mode_10: bool,
    /// Answers fill the whole allocation length (HH7).
    pub fills_allocation: bool,
    /// LOCATE to a file ends on the near side of its filemark (HP).
    pub locate_before_mark: bool,
    /// The robot cannot take a tape out that is threaded.
    pub eject_before_move: bool,
    /// A cartridge that is put in waits for LOAD.
    pub no_autoload: bool,
    /// The manufacture date has 12 bytes.
    pub long_date: bool,
    /// READ ATTRIBUTE goes on with the next attribute if the first is missing (HP).
    pub next_attribute: bool,
    /// Sense data in descriptor format.
    pub descriptor_sense: bool,
    /// Early warning is reported once, not with every write.
    pub warns_once: bool,
    /// Who decides about encryption.
    pub encryption: EncryptionControl,
}

pub(crate) struct DriveTarget {
    identity: Identity,
    /// `None`: the drive of virtual tapes.
    lto: Option<&'static GenerationFacts>,
    quirks: DriveQuirks,
    /// Of a library that decides about encryption itself.
    library_encryption: Option<encryption::Parameters>,
    timing: Timing,
    pub(crate) slot: Slot,
    pub(crate) state: DriveState,
    pub(crate) hot: Hot,
    /// How long the command at hand takes.
    hold: Duration,
    /// For encrypted blocks.
    scratch: Vec<u8>,
}

/// What became of a command.
pub(crate) enum Step {
    /// It has been done, and its answer is to be given after that long.
    Done(ReplyResult, Duration),
    /// The drive is busy: it is to be sent again after that long.
    Later(Duration),
}

/// An emulated drive. Clones are the same drive; it lives as long as any clone or connection.
#[derive(Clone)]
pub struct EmulatedDrive {
    target: Arc<Mutex<DriveTarget>>,
    next_nexus: Arc<std::sync::atomic::AtomicU64>,
}

impl std::fmt::Debug for EmulatedDrive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmulatedDrive").finish_non_exhaustive()
    }
}

impl EmulatedDrive {
    /// An empty drive for virtual tapes.
    pub fn new(identity: Identity) -> Self {
        Self::of(DriveTarget::new(
            identity,
            None,
            DriveQuirks::default(),
            Timing::default(),
        ))
    }

    /// An empty LTO drive of generation 4 to 9; `None` for other generations.
    pub fn lto(generation: u8, serial: &str, quirks: DriveQuirks, timing: Timing) -> Option<Self> {
        let facts = drive_facts(generation)?;
        let identity = Identity::lto_drive(generation, serial);
        Some(Self::of(DriveTarget::new(
            identity,
            Some(facts),
            quirks,
            timing,
        )))
    }

    fn of(target: DriveTarget) -> Self {
        Self {
            target: Arc::new(Mutex::new(target)),
            next_nexus: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, DriveTarget> {
        // A panic in another thread leaves the drive as it was between two commands or in the middle of one, like a crash of
        // a real drive's host: the medium's own state is consistent after each call.
        self.target.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new initiator; it gets "power on" as its first unit attention.
    pub fn connect(&self) -> Connection {
        let number = self
            .next_nexus
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let nexus = format!("connection {number}");
        self.lock().state.nexuses.meet(&nexus);
        Connection {
            drive: self.clone(),
            nexus,
        }
    }

    /// Puts a tape in; the drive threads it. What was in the drive is gone: [`EmulatedDrive::eject`] it first.
    pub fn insert(&self, medium: Box<dyn Medium>) {
        self.lock().insert(Slot::Loaded(medium));
    }

    /// Puts a cartridge in that the drive cannot use; `detail` says why.
    pub fn insert_unusable(&self, detail: impl Into<Arc<str>>) {
        self.lock().insert(Slot::Unusable {
            detail: detail.into(),
        });
    }

    /// Unloads and takes the tape out, as a changer does. The error is the medium's: its last data could not be stored.
    pub fn eject(&self) -> Result<(), MediumError> {
        let mut target = self.lock();
        let unloaded = target.leave();
        target.slot = Slot::Empty;
        unloaded
    }

    /// Takes the tape out as it is, whatever the drive is doing.
    pub fn take_out(&self) -> Option<Box<dyn Medium>> {
        let mut target = self.lock();
        target.forced_eject();
        match std::mem::replace(&mut target.slot, Slot::Empty) {
            Slot::Loaded(medium) => Some(medium),
            Slot::Empty | Slot::Unusable { .. } => None,
        }
    }

    /// The drive loses power and gets it back: what was not on the tape yet is gone, the tape is at its beginning.
    pub fn power_cycle(&self) {
        self.lock().power_cycle();
    }

    /// A reset of the logical unit; `code` is the unit attention it leaves (29/03 by the standard).
    pub fn reset(&self, code: AdditionalSense) {
        self.lock().reset(code);
    }

    /// Raises TapeAlert flags.
    pub fn raise_alerts(&self, flags: AlertFlags) {
        self.lock().state.alerts |= flags.bits();
    }

    /// The drive wants to be cleaned; now, or soon.
    pub fn want_cleaning(&self, now: bool) {
        self.lock().want_cleaning(now);
    }

    /// Name on the cartridge in the drive.
    pub fn label(&self) -> Option<String> {
        match &self.lock().slot {
            Slot::Loaded(medium) => Some(medium.label().to_owned()),
            Slot::Empty | Slot::Unusable { .. } => None,
        }
    }
}

/// Facts of the generations that drives exist of.
pub(crate) fn drive_facts(number: u8) -> Option<&'static GenerationFacts> {
    generation::facts(number)
        .filter(|_| (generation::OLDEST_DRIVE..=generation::NEWEST_DRIVE).contains(&number))
}

/// A host's path to an emulated drive, for [`ferrite_scsi::Drive::open`].
#[derive(Debug)]
pub struct Connection {
    drive: EmulatedDrive,
    nexus: String,
}

impl Transport for Connection {
    fn execute(
        &mut self,
        cdb: &Cdb,
        mut data: Data<'_>,
        _timeout: Duration,
    ) -> Result<Completion, TransportError> {
        let length = data.len();
        loop {
            let mut target = self.drive.lock();
            let step = target.execute(&self.nexus, cdb, &mut data);
            let descriptor = target.quirks.descriptor_sense;
            let (clock, wait) = match &step {
                Step::Done(_, Duration::ZERO) => (None, Duration::ZERO),
                Step::Done(_, wait) | Step::Later(wait) => {
                    (Some(Arc::clone(&target.timing.clock)), *wait)
                }
            };
            drop(target);
            if let Some(clock) = clock {
                clock.sleep(wait);
            }
            if let Step::Done(result, _) = step {
                return Ok(completion(result, length, descriptor));
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut target = self.drive.lock();
        target.state.nexuses.forget(&self.nexus);
        target.state.encryption.forget(&self.nexus);
    }
}

impl DriveTarget {
    pub(crate) fn new(
        identity: Identity,
        lto: Option<&'static GenerationFacts>,
        quirks: DriveQuirks,
        timing: Timing,
    ) -> Self {
        Self {
            identity,
            lto,
            quirks,
            library_encryption: encryption::library_parameters(quirks.encryption),
            timing,
            slot: Slot::Empty,
            state: DriveState::default(),
            hot: Hot {
                unflushed: u64::MAX,
                ..Hot::default()
            },
            hold: Duration::ZERO,
            scratch: Vec::new(),
        }
    }

    pub(crate) fn quirks(&self) -> DriveQuirks {
        self.quirks
    }

    pub(crate) fn timing(&self) -> &Timing {
        &self.timing
    }

    fn now(&self) -> Duration {
        self.timing.clock.now()
    }

    fn raise(&mut self, flag: u8) {
        self.state.alerts |= AlertFlags::NONE.with(flag).bits();
    }

    fn clear_alerts(&mut self, flags: &[u8]) {
        for &flag in flags {
            self.state.alerts &= !AlertFlags::NONE.with(flag).bits();
        }
    }

    pub(crate) fn execute(&mut self, nexus: &str, cdb: &Cdb, data: &mut Data<'_>) -> Step {
        self.hold = Duration::ZERO;
        if self.lto.is_some() {
            self.settle();
        }
        match self.admit(nexus, cdb) {
            Ok(None) => {}
            Ok(Some(wait)) => return Step::Later(wait),
            Err(failure) => return Step::Done(Err(failure), Duration::ZERO),
        }
        let mut result = self.dispatch(nexus, cdb, data);
        if let Err(failure) = &result {
            self.note_failure(failure);
        }
        if let Slot::Loaded(medium) = &self.slot {
            self.hot.object = medium.position().object;
        }
        if self.quirks.fills_allocation {
            reply::fill_allocation(&mut result, data);
        }
        Step::Done(result, self.hold)
    }

    /// What comes before every command: unit attentions, reservations, the queue.
    fn admit(&mut self, nexus: &str, cdb: &Cdb) -> Result<Option<Duration>, Failure> {
        let code = cdb.opcode();
        let anytime = matches!(
            code,
            OperationCode::INQUIRY | OperationCode::REQUEST_SENSE | OperationCode::REPORT_LUNS
        );
        if anytime {
            return Ok(None);
        }
        if let Some(code) = self.state.nexuses.next_attention(nexus) {
            return Err(Failure::sense(Sense::new(SenseKey::UnitAttention, code)));
        }
        self.check_reservation(nexus, code)?;
        let Some(busy) = self.state.busy else {
            return Ok(None);
        };
        let answered = matches!(
            code,
            OperationCode::LOG_SENSE | OperationCode::MODE_SENSE_6 | OperationCode::MODE_SENSE_10
        );
        if answered {
            return Ok(None);
        }
        let now = self.now();
        if busy.immediate || code == OperationCode::TEST_UNIT_READY {
            let code = AdditionalSense::NOT_READY_OPERATION_IN_PROGRESS;
            let mut sense = Sense::new(SenseKey::NotReady, code);
            sense.progress = Some(busy.progress(now));
            return Err(Failure::sense(sense));
        }
        Ok(Some(busy.until.saturating_sub(now)))
    }

    fn dispatch(&mut self, nexus: &str, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
        match cdb.opcode() {
            OperationCode::READ_6 => self.read(nexus, cdb, data),
            OperationCode::WRITE_6 => self.write(nexus, cdb, data),
            OperationCode::WRITE_FILEMARKS_6 => self.write_filemarks(cdb),
            OperationCode::TEST_UNIT_READY => self.medium().map(|_| Reply::good()),
            OperationCode::INQUIRY => self.inquiry(cdb, data),
            OperationCode::REQUEST_SENSE => self.request_sense(nexus, cdb, data),
            OperationCode::REPORT_LUNS => report_luns(cdb, data),
            OperationCode::READ_POSITION => self.read_position(cdb, data),
            OperationCode::REWIND => self.rewind(cdb),
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
            OperationCode::PREVENT_ALLOW => self.prevent_allow(nexus, cdb),
            OperationCode::ERASE_6 => self.erase(cdb),
            OperationCode::FORMAT_MEDIUM => self.format_medium(cdb),
            OperationCode::RESERVE_6 => self.reserve(nexus),
            OperationCode::RELEASE_6 => self.release(nexus),
            _ if self.lto.is_some() => self.dispatch_lto(nexus, cdb, data),
            _ => Err(Failure::invalid_opcode()),
        }
    }

    /// What the drive of virtual tapes does not have.
    fn dispatch_lto(&mut self, nexus: &str, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
        match cdb.opcode() {
            OperationCode::READ_ATTRIBUTE => self.read_attribute(cdb, data),
            OperationCode::WRITE_ATTRIBUTE => self.write_attribute(cdb, data),
            OperationCode::SECURITY_PROTOCOL_IN => self.security_protocol_in(nexus, cdb, data),
            OperationCode::SECURITY_PROTOCOL_OUT => self.security_protocol_out(nexus, cdb, data),
            reservation::RESERVE_10 => self.reserve(nexus),
            reservation::RELEASE_10 => self.release(nexus),
            reservation::PERSISTENT_RESERVE_IN => self.persistent_reserve_in(cdb, data),
            reservation::PERSISTENT_RESERVE_OUT => self.persistent_reserve_out(nexus, cdb, data),
            settings::ALLOW_OVERWRITE => self.allow_overwrite(cdb),
            logs::LOG_SELECT => self.log_select(cdb),
            identity::REPORT_SUPPORTED_OPCODES => identity::report_opcodes(cdb, data),
            _ => Err(Failure::invalid_opcode()),
        }
    }

    /// The tape, or why there is none.
    fn medium(&mut self) -> Result<&mut Box<dyn Medium>, Failure> {
        if let (Slot::Loaded(_), false) = (&self.slot, self.state.stage == Stage::Ready) {
            return Err(self.not_ready());
        }
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
        let protected = self.medium()?.facts().write_protected;
        if protected {
            self.raise(alert_flag::WRITE_PROTECT);
            return Err(Failure::new(
                SenseKey::DataProtect,
                AdditionalSense::WRITE_PROTECTED,
            ));
        }
        if self.reads_only() {
            self.raise(alert_flag::WRITE_PROTECT);
            return Err(Failure::new(
                SenseKey::DataProtect,
                AdditionalSense::CANNOT_WRITE_INCOMPATIBLE,
            ));
        }
        self.medium()
    }

    /// A tape of a generation that this drive can read only.
    fn reads_only(&self) -> bool {
        match (&self.slot, self.lto) {
            (Slot::Loaded(medium), Some(facts)) => medium
                .chip()
                .is_some_and(|chip| !facts.writes.contains(&chip.generation)),
            _ => false,
        }
    }

    /// A movement begins that takes this long on a real drive.
    fn begin(&mut self, activity: Activity, model: Duration, immediate: bool) {
        let duration = self.timing.pace.duration(model);
        if duration.is_zero() || self.lto.is_none() {
            return;
        }
        let now = self.now();
        self.state.busy = Some(Busy {
            activity: activity as u8,
            since: now,
            until: now + duration,
            immediate,
        });
        if !immediate {
            self.hold = duration;
        }
    }

    /// Counts what went wrong.
    fn note_failure(&mut self, failure: &Failure) {
        if self.lto.is_none() || failure.sense.key != SenseKey::MediumError {
            return;
        }
        let writing = failure.sense.code == AdditionalSense::WRITE_ERROR;
        let reading = failure.sense.code == AdditionalSense::UNRECOVERED_READ_ERROR;
        if let (Slot::Loaded(medium), true) = (&mut self.slot, writing || reading) {
            if let Some(chip) = medium.chip_mut() {
                let wear = &mut chip.wear;
                if writing {
                    wear.unrecovered_writes = wear.unrecovered_writes.saturating_add(1);
                    wear.load_unrecovered_writes = wear.load_unrecovered_writes.saturating_add(1);
                } else {
                    wear.unrecovered_reads = wear.unrecovered_reads.saturating_add(1);
                    wear.load_unrecovered_reads = wear.load_unrecovered_reads.saturating_add(1);
                }
            }
            let _ = medium.store_chip();
        }
        if writing || reading {
            self.raise(alert_flag::HARD_ERROR);
            self.raise(if writing {
                alert_flag::WRITE_FAILURE
            } else {
                alert_flag::READ_FAILURE
            });
        }
    }
}
