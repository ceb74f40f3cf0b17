//! From "somebody put a tape in" to "it can be used": waiting, block limits, drive settings (scsi.md 2, open sequence).

use std::time::Duration;

use super::Drive;
use super::execute::Effect;
use super::motion::refuses_function;
use crate::asc::AdditionalSense;
use crate::command::{
    BLOCK_LIMITS_BYTES, BlockLimits, LoadUnload, MAX_U24, PreventAllow, read_block_limits,
    test_unit_ready,
};
use crate::error::ScsiError;
use crate::log::Activity;
use crate::sense::SenseKey;
use crate::timeouts;

/// How to wait for a drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitOptions {
    /// Give up after this time.
    pub limit: Duration,
    /// Wait for a tape too (a changer is bringing one), instead of failing at once without.
    pub for_medium: bool,
    /// Send LOAD once if the tape is in the drive but not loaded, or seems to be missing while one is waited for.
    pub load: bool,
}

impl Default for WaitOptions {
    fn default() -> Self {
        Self {
            limit: timeouts::READY,
            for_medium: false,
            load: true,
        }
    }
}

/// Told once a second while waiting.
#[derive(Clone, Debug)]
pub struct WaitProgress<'a> {
    /// Time waited.
    pub waited: Duration,
    /// When it will be given up.
    pub limit: Duration,
    /// What the drive says.
    pub reason: &'a ScsiError,
    /// Of 65536, if the drive tells.
    pub progress: Option<u16>,
    /// What the drive does meanwhile, if it was asked.
    pub activity: Option<Activity>,
}

/// How long a wait lasts before the drive is asked what it does, and then the time between such questions.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

impl Drive {
    /// True if a tape is loaded and usable now. Pending unit attentions are consumed.
    pub fn is_ready(&mut self) -> bool {
        self.test_ready().is_ok()
    }

    pub(super) fn test_ready(&mut self) -> Result<(), ScsiError> {
        self.command(&test_unit_ready(), Effect::Absolute, timeouts::QUERY)
            .map(|_| ())
    }

    /// Waits for the tape, checks that the drive takes blocks of 256 KiB, and sets compression on, variable block length,
    /// buffered mode, programmable early warning off. To be called once after a tape was loaded.
    pub fn prepare(&mut self) -> Result<(), ScsiError> {
        self.wait_ready(WaitOptions::default(), &mut |_| {})?;
        self.set_up()
    }

    /// The second half of [`Drive::prepare`], for a tape that was waited for.
    pub fn set_up(&mut self) -> Result<(), ScsiError> {
        self.read_block_limits()?;
        self.set_defaults()
    }

    /// Waits until the drive is ready, consuming unit attentions.
    ///
    /// # Errors
    /// [`ScsiError::NotReady`] after the limit; at once what waiting cannot cure (no tape, unusable tape);
    /// [`ScsiError::Cancelled`].
    pub fn wait_ready(
        &mut self,
        options: WaitOptions,
        on_progress: &mut dyn FnMut(WaitProgress<'_>),
    ) -> Result<(), ScsiError> {
        let start = self.options.clock.now();
        let mut may_load = options.load;
        let mut limit = options.limit;
        let mut next_look = LOOK_INTERVAL;
        let mut activity = None;
        loop {
            let Err(error) = self.test_ready() else {
                return Ok(());
            };
            if self.cancelled() {
                return Err(ScsiError::Cancelled);
            }
            if may_load && is_load_required(&error) {
                may_load = false;
                self.start_load()?;
                continue;
            }
            if may_load && options.for_medium && is_without_medium(&error) {
                // A tape that was ejected and not taken out counts as none, until it is loaded.
                may_load = false;
                let _ = self.start_load();
                continue;
            }
            if !waiting_helps(&error, options) {
                return Err(error);
            }
            let waited = self.options.clock.now().saturating_sub(start);
            if waited >= next_look || waited >= limit {
                next_look = waited + LOOK_INTERVAL;
                activity = self.device_status().ok().map(|status| status.activity);
                if activity == Some(Activity::Calibrating) {
                    limit = limit.max(timeouts::READY_WHILE_CALIBRATING);
                }
            }
            if waited >= limit {
                return Err(ScsiError::NotReady {
                    waited,
                    last: Box::new(error),
                });
            }
            let progress = error.sense().and_then(|sense| sense.progress);
            on_progress(WaitProgress {
                waited,
                limit,
                reason: &error,
                progress,
                activity,
            });
            self.options.clock.sleep(timeouts::POLL_INTERVAL);
        }
    }

    pub(super) fn read_block_limits(&mut self) -> Result<(), ScsiError> {
        let mut buffer = [0; BLOCK_LIMITS_BYTES];
        let received = self.query(&read_block_limits(), &mut buffer, timeouts::QUERY)?;
        if received == BLOCK_LIMITS_BYTES {
            self.limits = BlockLimits::parse(&buffer);
        }
        Ok(())
    }

    /// Length for a WRITE, checked against what the drive takes.
    pub(super) fn check_block_length(&self, length: usize) -> Result<u32, ScsiError> {
        let BlockLimits {
            granularity,
            max,
            min,
        } = self.limits;
        let step = 1u32.checked_shl(u32::from(granularity)).unwrap_or(u32::MAX);
        let min = u32::from(min).max(step);
        // 0 is "no limit but that of the CDB".
        let max = if max == 0 { MAX_U24 } else { max };
        match u32::try_from(length) {
            Ok(bytes) if (min..=max).contains(&bytes) && bytes % step == 0 => Ok(bytes),
            _ => Err(ScsiError::BlockSize {
                length: length as u64,
                min,
                max,
            }),
        }
    }

    /// Length for a READ: what fits the CDB.
    pub(super) fn check_read_length(&self, length: usize) -> Result<u32, ScsiError> {
        match u32::try_from(length) {
            Ok(bytes) if bytes <= MAX_U24 => Ok(bytes),
            _ => Err(ScsiError::BlockSize {
                length: length as u64,
                min: 0,
                max: MAX_U24,
            }),
        }
    }

    /// Threads the tape that is in the drive and waits until it can be used.
    ///
    /// # Errors
    /// As [`Drive::wait_ready`].
    pub fn load(&mut self, on_progress: &mut dyn FnMut(WaitProgress<'_>)) -> Result<(), ScsiError> {
        self.start_load()?;
        let options = WaitOptions {
            load: false,
            ..WaitOptions::default()
        };
        self.wait_ready(options, on_progress)
    }

    /// Begins to load. A fresh LTO-9 tape is calibrated meanwhile, for up to two hours: no command may wait for that.
    fn start_load(&mut self) -> Result<(), ScsiError> {
        self.movements += 1;
        let command = |immediate| {
            LoadUnload {
                load: true,
                immediate,
            }
            .cdb()
        };
        match self.command(&command(true), Effect::Absolute, timeouts::LOAD) {
            Err(error) if refuses_function(&error) => {
                self.command(&command(false), Effect::Absolute, timeouts::LOAD)
            }
            result => result,
        }
        .map(|_| ())
    }

    /// Rewinds, flushes and ejects the tape.
    pub fn unload(&mut self) -> Result<(), ScsiError> {
        self.movements += 1;
        self.command(
            &LoadUnload {
                load: false,
                immediate: false,
            }
            .cdb(),
            Effect::Absolute,
            timeouts::LOAD,
        )
        .map(|_| ())
    }

    /// Locks the tape in the drive, or lets it go.
    pub fn prevent_removal(&mut self, prevent: bool) -> Result<(), ScsiError> {
        self.command(
            &PreventAllow { prevent }.cdb(),
            Effect::Absolute,
            timeouts::SETTING,
        )
        .map(|_| ())
    }
}

fn is_load_required(error: &ScsiError) -> bool {
    error
        .sense()
        .is_some_and(|sense| sense.is(SenseKey::NotReady, AdditionalSense::LOAD_REQUIRED))
}

fn is_without_medium(error: &ScsiError) -> bool {
    error.sense().is_some_and(|sense| {
        sense.key == SenseKey::NotReady && matches!(sense.code, AdditionalSense(0x3A, _))
    })
}

/// Conditions that go away by themselves.
fn waiting_helps(error: &ScsiError, options: WaitOptions) -> bool {
    let Some(sense) = error.sense() else {
        return error.class() == crate::error::ErrorClass::Retry;
    };
    if sense.operation_in_progress() {
        return true;
    }
    match (sense.key, sense.code) {
        (SenseKey::UnitAttention, _) => true,
        (SenseKey::NotReady, AdditionalSense(0x3A, _)) => options.for_medium,
        (SenseKey::NotReady, AdditionalSense::LOAD_REQUIRED) => options.for_medium,
        (
            SenseKey::NotReady,
            AdditionalSense::MANUAL_INTERVENTION_REQUIRED | AdditionalSense::OFFLINE,
        ) => false,
        (SenseKey::NotReady, AdditionalSense(0x04 | 0x3E, _)) => true,
        _ => false,
    }
}
