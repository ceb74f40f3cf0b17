//! What an SG_IO result means (scsi.md 1.2).

use std::time::Duration;

use ferrite_scsi::transport::MAX_SENSE_BYTES;
use ferrite_scsi::{Completion, Status, TransportError};
use rustix::io::Errno;

use super::ioctl::SgResult;

/// Every host adapter takes this much at once: EINVAL for more is about the length, for less about something else.
const SURELY_ALLOWED_BYTES: usize = 64 * 1024;

/// `driver_status`, low nibble: sense data came with it (old kernels).
const DRIVER_SENSE: u16 = 0x08;
/// `driver_status`, low nibble: timeout (old kernels).
const DRIVER_TIMEOUT: u16 = 0x06;
const DRIVER_MASK: u16 = 0x0F;

/// Sorts the result of a command with a buffer of `length` bytes.
pub(super) fn classify(
    result: Result<SgResult, Errno>,
    sense: &[u8; MAX_SENSE_BYTES],
    length: usize,
    timeout: Duration,
) -> Result<Completion, TransportError> {
    let result = result.map_err(|errno| refused(errno, length))?;
    let status = Status::from(result.status);
    // The device's own words count more than what the host adapter makes of them.
    if status == Status::CheckCondition && result.sense_length > 0 {
        let sense = &sense[..usize::from(result.sense_length).min(MAX_SENSE_BYTES)];
        let residual = usize::try_from(result.residual).unwrap_or(0).min(length);
        return Ok(Completion::check_condition(sense, residual));
    }
    if let Some(error) = host_error(result.host_status, timeout) {
        return Err(error);
    }
    match result.driver_status & DRIVER_MASK {
        0 | DRIVER_SENSE => {}
        DRIVER_TIMEOUT => return Err(timed_out(timeout)),
        _ => {
            return Err(TransportError::ConnectionLost {
                reason: "error of the kernel's driver",
            });
        }
    }
    match usize::try_from(result.residual) {
        Ok(residual) if residual <= length => Ok(Completion::with_status(status, residual)),
        Ok(_) => Err(TransportError::Implausible {
            what: "residual larger than the buffer",
        }),
        Err(_) => Err(TransportError::Implausible {
            what: "more bytes transferred than the buffer holds",
        }),
    }
}

fn timed_out(timeout: Duration) -> TransportError {
    TransportError::Timeout {
        seconds: timeout.as_secs(),
    }
}

/// The kernel did not take the command.
fn refused(errno: Errno, length: usize) -> TransportError {
    match errno {
        Errno::NODEV | Errno::NXIO => TransportError::DeviceGone,
        Errno::INVAL | Errno::NOMEM if length > SURELY_ALLOWED_BYTES => {
            TransportError::TransferTooLarge { bytes: length }
        }
        Errno::PERM | Errno::ACCESS => TransportError::PermissionDenied,
        // Signals are blocked, so this does not happen; if it did, the command would go on without us.
        Errno::INTR => TransportError::ConnectionLost {
            reason: "interrupted by a signal",
        },
        other => TransportError::System {
            message: other.to_string(),
        },
    }
}

/// `host_status`: DID_... of the kernel's <scsi/scsi_status.h>.
fn host_error(host_status: u16, timeout: Duration) -> Option<TransportError> {
    let lost = |reason| Some(TransportError::ConnectionLost { reason });
    let repeat = |reason| Some(TransportError::Repeat { reason });
    match host_status {
        0x00 => None,
        0x01 => lost("no connection to the device"),
        0x02 => lost("bus busy until the time was over"),
        0x03 => Some(timed_out(timeout)),
        0x04 => lost("no such target"),
        0x05 => lost("aborted by somebody else"),
        0x06 => lost("parity error"),
        0x07 => lost("internal error of the host adapter"),
        0x08 => lost("reset"),
        0x09 => lost("unexpected interrupt"),
        0x0B => repeat("soft error"),
        0x0C => repeat("repeat at once"),
        0x0D => repeat("queue again"),
        0x0E => lost("transport disrupted"),
        0x0F => lost("transport failed fast"),
        0x10 => lost("target failure"),
        0x11 => Some(TransportError::Reserved),
        0x12 => lost("no space on the device"),
        0x13 => lost("medium error reported by the host adapter"),
        _ => lost("unknown host status"),
    }
}

#[cfg(test)]
mod tests {
    use ferrite_scsi::asc::AdditionalSense;
    use ferrite_scsi::sense::{Sense, SenseKey};
    use proptest::prelude::*;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(60);
    const BLOCK: usize = 262_144;

    fn sorted(result: SgResult, length: usize) -> Result<Completion, TransportError> {
        let mut sense = [0; MAX_SENSE_BYTES];
        let bytes = Sense::new(SenseKey::MediumError, AdditionalSense::WRITE_ERROR).to_fixed();
        sense[..bytes.len()].copy_from_slice(&bytes);
        classify(Ok(result), &sense, length, TIMEOUT)
    }

    #[test]
    fn good() {
        let result = SgResult {
            residual: 100,
            ..SgResult::default()
        };
        let completion = sorted(result, BLOCK).unwrap();
        assert_eq!(
            (completion.status, completion.residual),
            (Status::Good, 100)
        );
    }

    #[test]
    fn sense_comes_before_host_and_driver_status() {
        let result = SgResult {
            status: 0x02,
            sense_length: 18,
            host_status: 0x07,
            driver_status: DRIVER_SENSE,
            // nonsense, of which the sense data is not to blame
            residual: -5,
        };
        let completion = sorted(result, BLOCK).unwrap();
        assert_eq!(completion.status, Status::CheckCondition);
        assert_eq!(completion.residual, 0);
        let sense = completion.sense().unwrap().unwrap();
        assert!(sense.is(SenseKey::MediumError, AdditionalSense::WRITE_ERROR));
    }

    #[test]
    fn check_condition_without_sense() {
        let result = SgResult {
            status: 0x02,
            ..SgResult::default()
        };
        let completion = sorted(result, 0).unwrap();
        assert_eq!(completion.status, Status::CheckCondition);
        assert!(completion.sense().is_none());
    }

    #[test]
    fn good_status_of_a_dead_device() {
        let result = |host_status| SgResult {
            host_status,
            ..SgResult::default()
        };
        let error = |host_status| sorted(result(host_status), BLOCK).unwrap_err();
        assert_eq!(error(0x03), TransportError::Timeout { seconds: 60 });
        assert_eq!(error(0x11), TransportError::Reserved);
        for host_status in [0x01, 0x04, 0x08, 0x0E, 0x0F, 0x77] {
            assert!(error(host_status).loses_position(), "{host_status:02X}");
        }
        for host_status in [0x0B, 0x0C, 0x0D] {
            assert!(matches!(error(host_status), TransportError::Repeat { .. }));
        }
        let old_kernel = SgResult {
            driver_status: DRIVER_TIMEOUT,
            ..SgResult::default()
        };
        assert_eq!(
            sorted(old_kernel, BLOCK).unwrap_err(),
            TransportError::Timeout { seconds: 60 }
        );
    }

    #[test]
    fn busy_and_reserved_are_for_the_caller() {
        for (byte, status) in [
            (0x08, Status::Busy),
            (0x18, Status::ReservationConflict),
            (0x28, Status::TaskSetFull),
        ] {
            let result = SgResult {
                status: byte,
                ..SgResult::default()
            };
            assert_eq!(sorted(result, 0).unwrap().status, status);
        }
    }

    #[test]
    fn implausible_residuals() {
        for residual in [-1, BLOCK as i32 + 1] {
            let result = SgResult {
                residual,
                ..SgResult::default()
            };
            assert!(matches!(
                sorted(result, BLOCK).unwrap_err(),
                TransportError::Implausible { .. }
            ));
        }
    }

    #[test]
    fn errors_of_the_ioctl() {
        let sense = [0; MAX_SENSE_BYTES];
        let error = |errno, length| classify(Err(errno), &sense, length, TIMEOUT).unwrap_err();
        for errno in [Errno::NODEV, Errno::NXIO] {
            assert_eq!(error(errno, 0), TransportError::DeviceGone);
        }
        for errno in [Errno::INVAL, Errno::NOMEM] {
            assert_eq!(
                error(errno, BLOCK),
                TransportError::TransferTooLarge { bytes: BLOCK }
            );
            assert!(matches!(error(errno, 36), TransportError::System { .. }));
        }
        assert_eq!(error(Errno::PERM, 36), TransportError::PermissionDenied);
        assert!(error(Errno::INTR, 36).loses_position());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever the kernel says: never more bytes than the buffer has, never success of a command that failed below.
        #[test]
        fn any_result(status: u8, sense_length: u8, host_status: u16, driver_status: u16, residual: i32, length in 0usize..1 << 24) {
            let result = SgResult { status, sense_length, host_status, driver_status, residual };
            if let Ok(completion) = sorted(result, length) {
                prop_assert!(completion.residual <= length);
                if completion.status == Status::Good {
                    prop_assert_eq!((status, host_status), (0, 0));
                }
            }
        }
    }
}
