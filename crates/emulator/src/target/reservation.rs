//! RESERVE and RELEASE, in both lengths (SPC-2; scsi.md 7.1).

use ferrite_scsi::Status;
use ferrite_scsi::opcode::OperationCode;

use super::DriveTarget;
use super::reply::{Failure, Reply, ReplyResult};

/// SPC-2 7.21.
pub(super) const RESERVE_10: OperationCode = OperationCode(0x56);
/// SPC-2 7.17.
pub(super) const RELEASE_10: OperationCode = OperationCode(0x57);

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
        let Some(owner) = &self.state.reserved_by else {
            return Ok(());
        };
        let harmless = matches!(
            code,
            OperationCode::LOG_SENSE
                | OperationCode::RELEASE_6
                | RELEASE_10
                | OperationCode::READ_POSITION
                | OperationCode::READ_BLOCK_LIMITS
        );
        if owner == nexus || harmless {
            Ok(())
        } else {
            Err(Failure::status(Status::ReservationConflict))
        }
    }
}
