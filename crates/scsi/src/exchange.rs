//! Sends one command and sorts what comes back (scsi.md 1.2). Nothing else in this crate calls a transport for host logic;
//! whether to repeat a command is decided by [`crate::drive`] and [`crate::changer`], which know what it does.

use std::time::Duration;

use crate::command::{REQUEST_SENSE_ALLOCATION, RequestSense};
use crate::error::{CheckCondition, ScsiError};
use crate::sense::{Sense, SenseKey};
use crate::timeouts;
use crate::transport::{Cdb, Completion, Data, Status, Transport, TransportError};

/// A command that succeeded, perhaps with something to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// Sense with key "no sense" or "recovered error".
    pub sense: Option<Sense>,
    /// Bytes of the buffer not transferred.
    pub residual: usize,
}

/// Sends a command once. Asks for the sense data if it did not come with the status.
pub(crate) fn exchange(
    transport: &mut dyn Transport,
    cdb: &Cdb,
    data: Data<'_>,
    timeout: Duration,
) -> Result<Outcome, ScsiError> {
    let command = cdb.opcode();
    let length = data.len();
    let completion = transport
        .execute(cdb, data, timeout)
        .map_err(|source| ScsiError::Transport { command, source })?;
    if completion.residual > length {
        let source = TransportError::Implausible {
            what: "residual larger than the buffer",
        };
        return Err(ScsiError::Transport { command, source });
    }
    match completion.status {
        Status::Good => Ok(Outcome {
            sense: None,
            residual: completion.residual,
        }),
        Status::CheckCondition => sort_check_condition(transport, cdb, completion),
        status => Err(ScsiError::Status { command, status }),
    }
}

fn sort_check_condition(
    transport: &mut dyn Transport,
    cdb: &Cdb,
    completion: Completion,
) -> Result<Outcome, ScsiError> {
    let command = cdb.opcode();
    let sense = match completion.sense() {
        None => ask_for_sense(transport).ok_or(ScsiError::NoSenseData { command })?,
        Some(Err(source)) => return Err(ScsiError::MalformedSense { command, source }),
        Some(Ok(sense)) => sense,
    };
    if sense.deferred {
        let check = Box::new(CheckCondition {
            sense,
            detail: completion.detail,
        });
        return Err(ScsiError::Deferred { command, check });
    }
    match sense.key {
        // "In progress" with key 0 is no success either: the command was not executed.
        SenseKey::NoSense | SenseKey::RecoveredError if !sense.operation_in_progress() => {
            Ok(Outcome {
                sense: Some(sense),
                residual: completion.residual,
            })
        }
        _ => Err(ScsiError::Check {
            command,
            check: Box::new(CheckCondition {
                sense,
                detail: completion.detail,
            }),
        }),
    }
}

/// Sense data that did not come with the status. Not through [`exchange`]: it would ask again if this fails too.
fn ask_for_sense(transport: &mut dyn Transport) -> Option<Sense> {
    let mut buffer = [0; REQUEST_SENSE_ALLOCATION as usize];
    let cdb = RequestSense::FIXED.cdb();
    let completion = transport
        .execute(&cdb, Data::In(&mut buffer), timeouts::QUERY)
        .ok()?;
    let received = buffer.len().checked_sub(completion.residual)?;
    Sense::parse(&buffer[..received])
        .ok()
        .filter(|sense| sense.key != SenseKey::NoSense)
}
