//! Device faults of tests: planned in advance, hit at a command, counted.

use ferrite_emulator::wrappers::{Fault, Faults, Trigger};
use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::sense::SenseKey;
use ferrite_scsi::{Transport, TransportError};
use napi::Env;
use napi_derive::napi;

use crate::datastore::number;
use crate::failure::{Failure, Kind, sync};

/// What happens at a command.
#[napi(string_enum = "kebab-case")]
pub enum DeviceFaultKind {
    /// Not executed: the medium has an error.
    MediumError,
    /// Not executed: the device has an error.
    HardwareError,
    /// Not executed: a unit attention says that the device was reset.
    PositionLost,
    /// Not executed: aborted command.
    Aborted,
    /// The device does not answer in time.
    Timeout,
    /// The device is gone, for this and all later commands.
    DeviceGone,
    /// Silent: a bit of the data that was read is wrong.
    CorruptData,
    /// Silent: a block is skipped, or does not get onto the tape.
    LostBlock,
    /// Silent: a block comes, or is written, twice.
    DuplicateBlock,
    /// Silent: the device says that it is done, and does nothing.
    Lying,
}

/// A planned fault.
#[napi(object)]
pub struct DeviceFault {
    /// Number of the command, from 0, counted over all devices that were opened with the environment.
    pub at: i64,
    /// What happens.
    pub kind: DeviceFaultKind,
}

/// A fault that was hit.
#[napi(object)]
pub struct DeviceFaultHit {
    /// Its place in the plan.
    pub fault: u32,
    /// Number of the command.
    pub at: i64,
    /// The command: `WRITE(6)`.
    pub command: String,
}

/// How long a device is said to have kept silent.
const TIMEOUT_SECONDS: u64 = 60;

fn sense(key: SenseKey, code: AdditionalSense) -> Fault {
    Fault::sense(key, code)
}

fn fault(kind: DeviceFaultKind) -> Fault {
    match kind {
        DeviceFaultKind::MediumError => sense(
            SenseKey::MediumError,
            AdditionalSense::UNRECOVERED_READ_ERROR,
        ),
        DeviceFaultKind::HardwareError => sense(
            SenseKey::HardwareError,
            AdditionalSense::INTERNAL_TARGET_FAILURE,
        ),
        DeviceFaultKind::PositionLost => {
            sense(SenseKey::UnitAttention, AdditionalSense::POWER_ON_OR_RESET)
        }
        DeviceFaultKind::Aborted => sense(SenseKey::AbortedCommand, AdditionalSense(0x4B, 0x00)),
        DeviceFaultKind::Timeout => Fault::Transport(TransportError::Timeout {
            seconds: TIMEOUT_SECONDS,
        }),
        DeviceFaultKind::DeviceGone => Fault::Transport(TransportError::DeviceGone),
        DeviceFaultKind::CorruptData => Fault::Corrupt,
        DeviceFaultKind::LostBlock => Fault::Lost,
        DeviceFaultKind::DuplicateBlock => Fault::Duplicate,
        DeviceFaultKind::Lying => Fault::Ignored,
    }
}

/// A plan of faults for all devices that are opened with one environment.
#[napi]
#[derive(Clone)]
pub struct DeviceFaults {
    plan: Faults,
}

#[napi]
impl DeviceFaults {
    /// Plans faults; an empty plan only counts.
    #[napi(constructor)]
    pub fn new(env: &Env, faults: Vec<DeviceFault>) -> napi::Result<Self> {
        let plan = Faults::default();
        for planned in faults {
            let at = u64::try_from(planned.at).map_err(|_| {
                Failure::new(
                    Kind::Usage,
                    "device-fault",
                    format!("there is no command {}", planned.at),
                )
            });
            let at = sync(env, at)?;
            let trigger = match planned.kind {
                DeviceFaultKind::DeviceGone => Trigger::NEXT.skip(at).always(),
                _ => Trigger::command(at),
            };
            plan.arm(trigger, fault(planned.kind));
        }
        Ok(Self { plan })
    }

    /// Commands so far.
    #[napi(getter)]
    pub fn commands(&self) -> i64 {
        number(self.plan.commands())
    }

    /// Faults that were hit, each at its first command.
    #[napi]
    pub fn hits(&self) -> Vec<DeviceFaultHit> {
        let mut hits: Vec<DeviceFaultHit> = Vec::new();
        for hit in self.plan.hits() {
            let fault = u32::try_from(hit.fault).unwrap_or(u32::MAX);
            if hits.iter().any(|known| known.fault == fault) {
                continue;
            }
            hits.push(DeviceFaultHit {
                fault,
                at: number(hit.command),
                command: hit.cdb.opcode().name().to_owned(),
            });
        }
        hits
    }
}

impl DeviceFaults {
    /// Puts the plan in front of a device.
    pub fn wrap(&self, transport: Box<dyn Transport>) -> Box<dyn Transport> {
        Box::new(self.plan.wrap(transport))
    }
}
