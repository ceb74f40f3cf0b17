//! Reservations of both kinds: RESERVE and RELEASE (SPC-2), PERSISTENT RESERVE IN and OUT (SPC-3 5.6, 6.12, 6.13; scsi.md 7.1).

use ferrite_scsi::asc::AdditionalSense;
use ferrite_scsi::opcode::OperationCode;
use ferrite_scsi::{Cdb, Data, Status};
use serde::{Deserialize, Serialize};

use super::DriveTarget;
use super::reply::{self, Failure, Reply, ReplyResult};

/// SPC-2 7.21.
pub(super) const RESERVE_10: OperationCode = OperationCode(0x56);
/// SPC-2 7.17.
pub(super) const RELEASE_10: OperationCode = OperationCode(0x57);
/// SPC-3 6.12.
pub(super) const PERSISTENT_RESERVE_IN: OperationCode = OperationCode(0x5E);
/// SPC-3 6.13.
pub(super) const PERSISTENT_RESERVE_OUT: OperationCode = OperationCode(0x5F);

const SERVICE_ACTION_MASK: u8 = 0x1F;
/// Service actions of PERSISTENT RESERVE IN.
const READ_KEYS: u8 = 0;
const READ_RESERVATION: u8 = 1;
const REPORT_CAPABILITIES: u8 = 2;
/// Service actions of PERSISTENT RESERVE OUT.
const REGISTER: u8 = 0;
const RESERVE: u8 = 1;
const RELEASE: u8 = 2;
const CLEAR: u8 = 3;
const PREEMPT: u8 = 4;
const PREEMPT_AND_ABORT: u8 = 5;
const REGISTER_AND_IGNORE: u8 = 6;
/// Bytes of its parameter list.
const PARAMETER_BYTES: usize = 24;
/// Types of reservations: 1 and 3 for their holder, 5 and 6 for all who registered, 7 and 8 held by all of them. The odd ones and
/// 5, 7 keep others from writing only.
const TYPES: [u8; 6] = [1, 3, 5, 6, 7, 8];
const WRITE_EXCLUSIVE: [u8; 3] = [1, 5, 7];
const FOR_REGISTRANTS: [u8; 4] = [5, 6, 7, 8];
const HELD_BY_ALL: [u8; 2] = [7, 8];
/// Initiators that can register.
const MOST_REGISTRATIONS: usize = 64;

/// Registrations and the reservation, if there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PersistentReservations {
    generation: u32,
    /// Who, with which key.
    registered: Vec<(String, u64)>,
    /// Who, of which type.
    holder: Option<(String, u8)>,
}

impl PersistentReservations {
    fn key(&self, nexus: &str) -> Option<u64> {
        self.registered
            .iter()
            .find(|(name, _)| name == nexus)
            .map(|(_, key)| *key)
    }

    fn holds(&self, nexus: &str) -> bool {
        self.holder.as_ref().is_some_and(|(name, kind)| {
            name == nexus || (HELD_BY_ALL.contains(kind) && self.key(nexus).is_some())
        })
    }

    /// The initiator may do this although somebody holds a reservation.
    fn admits(&self, nexus: &str, code: OperationCode) -> bool {
        let Some((_, kind)) = &self.holder else {
            return true;
        };
        let reads = matches!(
            code,
            OperationCode::READ_6
                | OperationCode::READ_ATTRIBUTE
                | OperationCode::MODE_SENSE_6
                | OperationCode::MODE_SENSE_10
                | OperationCode::TEST_UNIT_READY
                | OperationCode::REPORT_DENSITY_SUPPORT
                | OperationCode::SECURITY_PROTOCOL_IN
        );
        self.holds(nexus)
            || (FOR_REGISTRANTS.contains(kind) && self.key(nexus).is_some())
            || (WRITE_EXCLUSIVE.contains(kind) && reads)
    }

    fn unregister(&mut self, nexus: &str) {
        self.registered.retain(|(name, _)| name != nexus);
        let left = self.registered.is_empty();
        self.holder.take_if(|(name, kind)| {
            if HELD_BY_ALL.contains(kind) {
                left
            } else {
                name == nexus
            }
        });
    }
}

impl DriveTarget {
    pub(super) fn reserve(&mut self, nexus: &str) -> ReplyResult {
        self.state.reserved_by = Some(nexus.to_owned());
        Ok(Reply::good())
    }

    /// Somebody else's reservation stays.
    pub(super) fn release(&mut self, nexus: &str) -> ReplyResult {
        self.state.reserved_by.take_if(|owner| owner == nexus);
        Ok(Reply::good())
    }

    pub(super) fn check_reservation(
        &self,
        nexus: &str,
        code: OperationCode,
    ) -> Result<(), Failure> {
        let owner = self.state.reserved_by.as_deref();
        let persistent = &self.state.persistent;
        if owner.is_none() && persistent.holder.is_none() {
            return Ok(());
        }
        let harmless = matches!(
            code,
            OperationCode::LOG_SENSE
                | OperationCode::RELEASE_6
                | RELEASE_10
                | OperationCode::READ_POSITION
                | OperationCode::READ_BLOCK_LIMITS
                | PERSISTENT_RESERVE_IN
                | PERSISTENT_RESERVE_OUT
        );
        let mine = owner.is_none_or(|owner| owner == nexus) && persistent.admits(nexus, code);
        if mine || harmless {
            Ok(())
        } else {
            Err(Failure::status(Status::ReservationConflict))
        }
    }

    pub(super) fn persistent_reserve_in(&self, cdb: &Cdb, data: &mut Data<'_>) -> ReplyResult {
        let cdb = reply::ten(cdb)?;
        let allocation = usize::from(u16::from_be_bytes([cdb[7], cdb[8]]));
        let state = &self.state.persistent;
        let mut bytes = state.generation.to_be_bytes().to_vec();
        match cdb[1] & SERVICE_ACTION_MASK {
            READ_KEYS => {
                bytes.extend_from_slice(&(8 * state.registered.len() as u32).to_be_bytes());
                for (_, key) in &state.registered {
                    bytes.extend_from_slice(&key.to_be_bytes());
                }
            }
            READ_RESERVATION => match &state.holder {
                Some((name, kind)) => {
                    bytes.extend_from_slice(&16_u32.to_be_bytes());
                    bytes.extend_from_slice(&state.key(name).unwrap_or(0).to_be_bytes());
                    bytes.extend_from_slice(&[0, 0, 0, 0, 0, *kind, 0, 0]);
                }
                None => bytes.extend_from_slice(&[0; 4]),
            },
            // All types; reservations end with the power.
            REPORT_CAPABILITIES => bytes = vec![0, 8, 0, 0x80, 0xEA, 0x01, 0, 0],
            _ => return Err(Failure::invalid_field(1)),
        }
        Ok(Reply::data(&bytes, allocation, data))
    }

    pub(super) fn persistent_reserve_out(
        &mut self,
        nexus: &str,
        cdb: &Cdb,
        data: &mut Data<'_>,
    ) -> ReplyResult {
        let cdb = reply::ten(cdb)?;
        let list = match data {
            Data::Out(list) => list.get(..PARAMETER_BYTES),
            Data::None | Data::In(_) => None,
        };
        let list = list.ok_or_else(reply::parameter_list_length)?;
        let long = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&list[at..at + 8]);
            u64::from_be_bytes(eight)
        };
        let (key, action_key) = (long(0), long(8));
        let (action, kind) = (cdb[1] & SERVICE_ACTION_MASK, cdb[2] & 0x0F);
        let registered = self.state.persistent.key(nexus);
        let conflict = || Failure::status(Status::ReservationConflict);
        if action != REGISTER_AND_IGNORE && registered.unwrap_or(0) != key {
            return Err(conflict());
        }
        if !matches!(action, REGISTER | REGISTER_AND_IGNORE) && registered.is_none() {
            return Err(conflict());
        }
        match action {
            REGISTER | REGISTER_AND_IGNORE => self.register(nexus, action_key)?,
            RESERVE if !TYPES.contains(&kind) => return Err(Failure::invalid_field(2)),
            RESERVE => self.hold(nexus, kind)?,
            RELEASE => {
                if self.state.persistent.holds(nexus) {
                    self.state.persistent.holder = None;
                }
            }
            CLEAR => {
                self.state.persistent.registered.clear();
                self.state.persistent.holder = None;
                self.preempted(nexus);
            }
            PREEMPT | PREEMPT_AND_ABORT => self.preempt(nexus, kind, action_key)?,
            _ => return Err(Failure::invalid_field(1)),
        }
        Ok(Reply::transferred(PARAMETER_BYTES))
    }

    fn preempted(&mut self, nexus: &str) {
        let state = &mut self.state;
        state.persistent.generation = state.persistent.generation.wrapping_add(1);
        let code = AdditionalSense::RESERVATIONS_PREEMPTED;
        state.nexuses.notify(code, Some(nexus));
    }

    /// A key of 0 takes the registration away.
    fn register(&mut self, nexus: &str, key: u64) -> Result<(), Failure> {
        let state = &mut self.state.persistent;
        state.generation = state.generation.wrapping_add(1);
        if key == 0 {
            state.unregister(nexus);
            return Ok(());
        }
        if let Some(known) = state.registered.iter_mut().find(|(name, _)| name == nexus) {
            known.1 = key;
        } else if state.registered.len() < MOST_REGISTRATIONS {
            state.registered.push((nexus.to_owned(), key));
        } else {
            return Err(Failure::invalid_field(1));
        }
        Ok(())
    }

    fn hold(&mut self, nexus: &str, kind: u8) -> Result<(), Failure> {
        let state = &mut self.state.persistent;
        let same = state
            .holder
            .as_ref()
            .is_none_or(|(_, held)| *held == kind && state.holds(nexus));
        if !same {
            return Err(Failure::status(Status::ReservationConflict));
        }
        if state.holder.is_none() {
            state.holder = Some((nexus.to_owned(), kind));
        }
        Ok(())
    }

    /// Takes registrations of a key away, and the reservation if one of them held it.
    fn preempt(&mut self, nexus: &str, kind: u8, key: u64) -> Result<(), Failure> {
        let state = &mut self.state.persistent;
        let holder_key = state.holder.as_ref().and_then(|(name, _)| state.key(name));
        let others = |(name, other): &(String, u64)| name != nexus && *other == key;
        if !state.registered.iter().any(others) && holder_key != Some(key) {
            return Err(Failure::status(Status::ReservationConflict));
        }
        if holder_key == Some(key) {
            if !TYPES.contains(&kind) {
                return Err(Failure::invalid_field(2));
            }
            state.holder = Some((nexus.to_owned(), kind));
        }
        state.registered.retain(|other| !others(other));
        self.preempted(nexus);
        Ok(())
    }
}
