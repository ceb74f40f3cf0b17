//! Cartridges coming and going: loading, unloading, cleaning, resets (scsi.md 7.5, 7.6, 7.8).

use std::time::Duration;

use ferrite_scsi::Cdb;
use ferrite_scsi::alert::AlertFlags;
use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::command::{Erase, FormatMedium, LoadUnload, PreventAllow};
use ferrite_scsi::log::Activity;
use ferrite_scsi::sense::{Sense, SenseKey};

use super::reply::{self, Failure, Reply, ReplyResult};
use super::state::{Hot, Stage, progress};
use super::{DriveTarget, Slot, alert_flag};
use crate::cartridge::{CartridgeKind, Chip, Damage};
use crate::medium::MediumError;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Times of a full-height drive (scsi.md 7.5).
const LOAD_TIME: Duration = seconds(15);
const UNLOAD_TIME: Duration = seconds(19);
const CLEANING_TIME: Duration = seconds(180);
/// LTO-9: the first load of a new tape.
const CALIBRATION_TIME: Duration = seconds(3600);
const FORMAT_TIME: Duration = seconds(120);
const ERASE_SHORT_TIME: Duration = seconds(5);
/// Bytes after which the drive wants to be cleaned: about 100 full LTO-8 tapes.
const CLEANING_INTERVAL_BYTES: u64 = 1_000_000_000_000_000;
/// The newest generation whose tapes are measured at their first load.
const CALIBRATED_GENERATION: u8 = 9;
/// Drives that the chip remembers.
const DEVICES: usize = 4;

/// What the robot found when it took a cartridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TakenOut {
    /// It has it.
    Yes,
    /// A host prevents it.
    Prevented,
    /// The drive wants it to be ejected first.
    Threaded,
    /// It is stuck.
    Stuck,
    /// The drive does something that has to end first, in that time.
    Later(Duration),
}

impl DriveTarget {
    /// Somebody or something puts a cartridge in.
    pub(crate) fn insert(&mut self, slot: Slot) {
        self.slot = slot;
        self.state.alerts = if self.lto.is_some() {
            let drive = alert_flag::OF_DRIVE
                .into_iter()
                .flatten()
                .fold(AlertFlags::NONE, AlertFlags::with);
            self.state.alerts & drive.bits()
        } else {
            0
        };
        self.reset_position();
        let code = AdditionalSense::MEDIUM_MAY_HAVE_CHANGED;
        if self.lto.is_none() {
            self.state.stage = Stage::Ready;
            self.state.nexuses.notify(code, None);
            return;
        }
        if self.quirks.no_autoload {
            self.stage(Stage::LoadRequired);
            self.state.nexuses.notify(code, None);
        } else {
            self.thread();
        }
    }

    fn reset_position(&mut self) {
        self.hot = Hot {
            unflushed: u64::MAX,
            ..Hot::default()
        };
        self.state.busy = None;
        self.state.warned = false;
        self.state.position_lost = false;
        self.state.overwrite_at = None;
        self.state.changed_in_load = false;
    }

    fn stage(&mut self, stage: Stage) {
        self.state.stage = stage;
        self.state.stage_since = self.now();
    }

    fn in_time(&self, model: Duration) -> Duration {
        self.now() + self.timing.pace.duration(model)
    }

    /// Loads what lies in the drive.
    fn thread(&mut self) {
        let (Slot::Loaded(medium), Some(facts)) = (&mut self.slot, self.lto) else {
            return;
        };
        let Some(chip) = medium.chip() else {
            self.state.stage = Stage::Ready;
            return;
        };
        if chip.kind == CartridgeKind::Cleaning {
            let expired = chip.cleanings_left == 0;
            return self.begin_cleaning(expired);
        }
        let usable =
            facts.writes.contains(&chip.generation) || facts.reads.contains(&chip.generation);
        if !usable {
            self.raise(alert_flag::UNSUPPORTED_FORMAT);
            let code = AdditionalSense::INCOMPATIBLE_MEDIUM;
            return self.stage(Stage::Incompatible((code.0, code.1)));
        }
        if chip.is_damaged(&Damage::CannotBeLoaded) {
            self.raise(alert_flag::LOADING_FAILURE);
            return self.stage(Stage::LoadFailed);
        }
        let unclean = chip.wear.threaded;
        let fresh = facts.number == CALIBRATED_GENERATION
            && chip.generation == CALIBRATED_GENERATION
            && !chip.characterised;
        let (vendor, serial) = (self.identity.vendor.clone(), self.identity.serial.clone());
        if let Some(chip) = medium.chip_mut() {
            count_load(chip, vendor, serial);
        }
        let stored = medium.store_chip();
        medium.set_compression(self.state.settings.compression);
        let begun = medium.rewind();
        if unclean {
            self.raise(alert_flag::LOST_STATISTICS);
        }
        if stored.is_err() || begun.is_err() {
            self.raise(alert_flag::LOADING_FAILURE);
            return self.stage(Stage::LoadFailed);
        }
        self.reset_position();
        self.stage(if fresh {
            Stage::Calibrating(self.in_time(LOAD_TIME + CALIBRATION_TIME))
        } else {
            Stage::Loading(self.in_time(LOAD_TIME))
        });
    }

    fn begin_cleaning(&mut self, expired: bool) {
        self.raise(alert_flag::CLEANING_MEDIA);
        let code = AdditionalSense::CLEANING_CARTRIDGE_INSTALLED;
        self.state.nexuses.notify(code, None);
        if expired {
            self.raise(alert_flag::EXPIRED_CLEANING_MEDIA);
            return self.stage(Stage::CleaningExpired);
        }
        self.stage(Stage::Cleaning(self.in_time(CLEANING_TIME)));
    }

    fn finish_cleaning(&mut self) {
        if let Slot::Loaded(medium) = &mut self.slot {
            if let Some(chip) = medium.chip_mut() {
                chip.cleanings_left = chip.cleanings_left.saturating_sub(1);
                chip.wear.loads = chip.wear.loads.saturating_add(1);
            }
            let _ = medium.store_chip();
        }
        self.state.dirt = super::state::Dirt::default();
        self.clear_alerts(&[
            alert_flag::CLEAN_NOW,
            alert_flag::CLEAN_PERIODIC,
            alert_flag::CLEANING_MEDIA,
        ]);
        self.stage(Stage::Cleaned);
    }

    /// What has ended since the last command.
    pub(crate) fn settle(&mut self) {
        let timed = matches!(
            self.state.stage,
            Stage::Loading(_) | Stage::Calibrating(_) | Stage::Unloading(_) | Stage::Cleaning(_)
        );
        if !timed && self.state.busy.is_none() {
            return;
        }
        let now = self.now();
        if self.state.busy.is_some_and(|busy| busy.until <= now) {
            self.state.busy = None;
        }
        match self.state.stage {
            Stage::Loading(until) if until <= now => self.become_ready(false),
            Stage::Calibrating(until) if until <= now => self.become_ready(true),
            Stage::Unloading(until) if until <= now => self.stage(Stage::Ejected),
            Stage::Cleaning(until) if until <= now => self.finish_cleaning(),
            _ => {}
        }
    }

    fn become_ready(&mut self, characterised: bool) {
        if let (Slot::Loaded(medium), true) = (&mut self.slot, characterised) {
            if let Some(chip) = medium.chip_mut() {
                chip.characterised = true;
            }
            let _ = medium.store_chip();
        }
        self.stage(Stage::Ready);
        let code = AdditionalSense::MEDIUM_MAY_HAVE_CHANGED;
        self.state.nexuses.notify(code, None);
    }

    /// Why a cartridge that is in the drive cannot be used.
    pub(super) fn not_ready(&self) -> Failure {
        use AdditionalSense as A;
        let waiting = |code, until| {
            let mut sense = Sense::new(SenseKey::NotReady, code);
            sense.progress = Some(progress(self.state.stage_since, until, self.now()));
            Failure::sense(sense)
        };
        match self.state.stage {
            Stage::Loading(until) | Stage::Calibrating(until) | Stage::Unloading(until) => {
                waiting(A::BECOMING_READY, until)
            }
            Stage::Cleaning(until) => waiting(A::CLEANING_CARTRIDGE_INSTALLED, until),
            Stage::LoadRequired => Failure::new(SenseKey::NotReady, A::LOAD_REQUIRED),
            Stage::CleaningExpired => Failure::new(SenseKey::NotReady, A::CLEANING_FAILURE),
            Stage::Incompatible((asc, ascq)) => Failure::new(SenseKey::NotReady, A(asc, ascq)),
            Stage::LoadFailed => Failure::new(SenseKey::HardwareError, A::LOAD_OR_EJECT_FAILED),
            Stage::Ejected | Stage::Cleaned | Stage::Ready => {
                Failure::new(SenseKey::NotReady, A::MEDIUM_NOT_PRESENT)
            }
        }
    }

    /// Puts everything where it belongs before the tape leaves the heads.
    pub(crate) fn leave(&mut self) -> Result<(), MediumError> {
        let Slot::Loaded(medium) = &mut self.slot else {
            return Ok(());
        };
        let threaded = matches!(
            self.state.stage,
            Stage::Ready | Stage::Loading(_) | Stage::Calibrating(_)
        );
        let mut result = Ok(());
        if threaded || self.lto.is_none() {
            result = medium.unload();
            let alerts = self.state.alerts;
            if let Some(chip) = medium.chip_mut() {
                let wear = &mut chip.wear;
                wear.load_written_bytes = self.hot.written;
                wear.load_read_bytes = self.hot.read;
                wear.written_bytes = wear.written_bytes.saturating_add(self.hot.written);
                wear.read_bytes = wear.read_bytes.saturating_add(self.hot.read);
                wear.beginning_passes = wear.beginning_passes.saturating_add(1);
                wear.alerts = alerts;
                wear.threaded = false;
                result = result.and(medium.store_chip());
            }
        }
        self.state.encryption.medium_leaves();
        self.reset_position();
        self.state.stage = Stage::Ejected;
        result
    }

    /// The robot takes the cartridge; the caller owns it when this says yes.
    pub(crate) fn robot_takes(&mut self) -> TakenOut {
        self.settle();
        if self.state.nexuses.removal_prevented() {
            self.raise(alert_flag::NO_REMOVAL);
            return TakenOut::Prevented;
        }
        if self.is_stuck() {
            self.raise(alert_flag::UNLOAD_FAILURE);
            return TakenOut::Stuck;
        }
        let now = self.now();
        let until = match (self.state.stage, self.state.busy) {
            (Stage::Cleaning(until) | Stage::Unloading(until), _) => until,
            (_, Some(busy)) => busy.until,
            _ => now,
        };
        if until > now {
            return TakenOut::Later(until - now);
        }
        let threaded = matches!(
            self.state.stage,
            Stage::Ready | Stage::Loading(_) | Stage::Calibrating(_)
        );
        if threaded && self.quirks.eject_before_move {
            return TakenOut::Threaded;
        }
        // Data that cannot be stored is the medium's loss; the robot does not hear of it.
        let _ = self.leave();
        self.slot = Slot::Empty;
        TakenOut::Yes
    }

    /// What ejecting would take the robot's time, were the tape threaded.
    pub(crate) fn unload_time(&self) -> Duration {
        match self.state.stage {
            Stage::Ready => self.timing.pace.duration(UNLOAD_TIME),
            _ => Duration::ZERO,
        }
    }

    /// A person pulls the cartridge out.
    pub(crate) fn forced_eject(&mut self) {
        if self.state.stage == Stage::Ready {
            self.lose_buffer();
            self.raise(alert_flag::FORCED_EJECT);
        }
        self.state.encryption.medium_leaves();
        self.reset_position();
        self.state.stage = Stage::Ejected;
    }

    /// Objects that were not on the tape yet are gone.
    fn lose_buffer(&mut self) {
        let unflushed = std::mem::replace(&mut self.hot.unflushed, u64::MAX);
        if let (Slot::Loaded(medium), true) = (&mut self.slot, unflushed != u64::MAX) {
            let _ = medium.locate_object(unflushed).and_then(|_| medium.erase());
        }
    }

    pub(crate) fn power_cycle(&mut self) {
        self.lose_buffer();
        self.state.settings = super::settings::Settings::default();
        self.reset_target(AdditionalSense::POWER_ON_OR_RESET);
        // They would outlive a reset.
        self.state.persistent = super::reservation::PersistentReservations::default();
        self.state.alerts = 0;
        if matches!(self.slot, Slot::Loaded(_)) && self.lto.is_some() {
            self.thread();
        }
    }

    pub(crate) fn reset(&mut self, code: AdditionalSense) {
        self.lose_buffer();
        self.reset_target(code);
        self.state.position_lost = self.state.stage == Stage::Ready;
    }

    fn reset_target(&mut self, code: AdditionalSense) {
        self.state.nexuses.reset(code);
        self.state.encryption.clear();
        self.state.reserved_by = None;
        self.state.busy = None;
    }

    pub(crate) fn want_cleaning(&mut self, now: bool) {
        self.state.dirt.requested = true;
        self.raise(alert_flag::CLEAN_PERIODIC);
        if now {
            self.state.dirt.required = true;
            self.raise(alert_flag::CLEAN_NOW);
        }
    }

    /// Counts what passed the heads.
    pub(super) fn soil(&mut self, bytes: u64) {
        if self.lto.is_none() {
            return;
        }
        self.state.dirt.bytes = self.state.dirt.bytes.saturating_add(bytes);
        if self.state.dirt.bytes >= CLEANING_INTERVAL_BYTES && !self.state.dirt.requested {
            self.want_cleaning(false);
        }
    }

    fn is_stuck(&self) -> bool {
        match &self.slot {
            Slot::Loaded(medium) => medium
                .chip()
                .is_some_and(|chip| chip.is_damaged(&Damage::Snapped)),
            Slot::Empty | Slot::Unusable { .. } => false,
        }
    }

    pub(super) fn load_unload(&mut self, cdb: &Cdb) -> ReplyResult {
        let command = LoadUnload::parse(reply::six(cdb)?);
        if self.lto.is_some() {
            return self.load_unload_lto(command);
        }
        if command.load {
            self.medium()?.rewind()?;
            return Ok(Reply::good());
        }
        self.check_removal()?;
        let unloaded = self.leave();
        self.slot = Slot::Empty;
        unloaded?;
        Ok(Reply::good())
    }

    fn check_removal(&mut self) -> Result<(), Failure> {
        if !self.state.nexuses.removal_prevented() {
            return Ok(());
        }
        self.raise(alert_flag::NO_REMOVAL);
        Err(Failure::new(
            SenseKey::IllegalRequest,
            AdditionalSense::REMOVAL_PREVENTED,
        ))
    }

    fn load_unload_lto(&mut self, command: LoadUnload) -> ReplyResult {
        if matches!(self.slot, Slot::Empty) {
            self.medium()?;
        }
        if command.load {
            return self.load(command.immediate);
        }
        match self.state.stage {
            Stage::Ejected | Stage::Cleaned => return Ok(Reply::good()),
            Stage::Cleaning(_) => return Err(self.not_ready()),
            _ => {}
        }
        self.check_removal()?;
        if self.is_stuck() {
            self.raise(alert_flag::UNLOAD_FAILURE);
            return Err(Failure::new(
                SenseKey::HardwareError,
                AdditionalSense::UNLOAD_FAILURE,
            ));
        }
        let result = self.leave();
        self.stage(Stage::Unloading(self.in_time(UNLOAD_TIME)));
        if !command.immediate {
            self.hold = self.timing.pace.duration(UNLOAD_TIME);
        }
        result?;
        Ok(Reply::good())
    }

    fn load(&mut self, immediate: bool) -> ReplyResult {
        match self.state.stage {
            Stage::Ready => {
                self.medium()?.rewind()?;
                self.state.position_lost = false;
                return Ok(Reply::good());
            }
            Stage::Ejected | Stage::LoadRequired | Stage::LoadFailed => self.thread(),
            Stage::Cleaned
            | Stage::Loading(_)
            | Stage::Calibrating(_)
            | Stage::Unloading(_)
            | Stage::Cleaning(_)
            | Stage::CleaningExpired
            | Stage::Incompatible(_) => {}
        }
        match self.state.stage {
            Stage::Loading(until) if !immediate => {
                self.hold = until.saturating_sub(self.now());
                Ok(Reply::good())
            }
            Stage::Loading(_) | Stage::Calibrating(_) => Ok(Reply::good()),
            _ => Err(self.not_ready()),
        }
    }

    pub(super) fn prevent_allow(&mut self, nexus: &str, cdb: &Cdb) -> ReplyResult {
        let prevent = PreventAllow::parse(reply::six(cdb)?).prevent;
        self.state.nexuses.meet(nexus).prevents_removal = prevent;
        Ok(Reply::good())
    }

    pub(super) fn erase(&mut self, cdb: &Cdb) -> ReplyResult {
        let command = Erase::parse(reply::six(cdb)?);
        self.writable_medium()?;
        self.check_worm(true)?;
        self.check_position()?;
        self.note_change()?;
        let room = self.medium()?.room();
        self.medium()?.erase()?;
        let rest = room.map_or(0, |room| room.capacity.saturating_sub(room.used));
        let time = match self.lto {
            // Long: what is left of the tape at full speed.
            Some(facts) if command.long => Duration::from_secs(rest / facts.bytes_per_second),
            _ => ERASE_SHORT_TIME,
        };
        self.begin(Activity::Erasing, time, command.immediate);
        Ok(Reply::good())
    }

    pub(super) fn format_medium(&mut self, cdb: &Cdb) -> ReplyResult {
        let command = FormatMedium::parse(reply::six(cdb)?).ok_or(Failure::invalid_field(2))?;
        if self.writable_medium()?.position().object != 0 {
            return Err(Failure::new(
                SenseKey::IllegalRequest,
                AdditionalSense::POSITION_PAST_BEGINNING,
            ));
        }
        self.check_worm(true)?;
        self.note_change()?;
        let medium = self.medium()?;
        medium.format()?;
        let mut time = FORMAT_TIME;
        if let Some(chip) = medium.chip_mut() {
            chip.wear.initializations = chip.wear.initializations.saturating_add(1);
            chip.wear.first_encrypted = None;
            chip.wear.first_plain_after = None;
            if chip.generation >= CALIBRATED_GENERATION {
                time += CALIBRATION_TIME;
            }
            medium.store_chip()?;
        }
        self.begin(Activity::Formatting, time, command.immediate);
        Ok(Reply::good())
    }
}

fn count_load(chip: &mut Chip, vendor: String, serial: String) {
    let wear = &mut chip.wear;
    wear.loads = wear.loads.saturating_add(1);
    wear.devices.insert(0, (vendor, serial));
    wear.devices.truncate(DEVICES);
    wear.load_written_bytes = 0;
    wear.load_read_bytes = 0;
    wear.load_unrecovered_reads = 0;
    wear.load_unrecovered_writes = 0;
    wear.threaded = true;
}
