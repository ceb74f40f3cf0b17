//! The three ioctls of an sg node.

#![allow(unsafe_code, reason = "ioctl(2) is untyped")]

use std::os::fd::BorrowedFd;
use std::time::Duration;

use ferrite_scsi::transport::MAX_SENSE_BYTES;
use ferrite_scsi::{Cdb, Data};
use rustix::io::Errno;
use rustix::ioctl::{Getter, Opcode, Setter, Updater, ioctl};

use super::header::{DXFER_FROM_DEV, DXFER_NONE, DXFER_TO_DEV, NO_TIMEOUT, SgIoHeader};
use crate::signals::SignalsBlocked;

/// <scsi/sg.h>. These are older than the scheme that encodes sizes.
const SG_IO: Opcode = 0x2285;
const SG_GET_VERSION_NUM: Opcode = 0x2282;
const SG_SET_RESERVED_SIZE: Opcode = 0x2275;

/// Room for sense data; the field has one byte.
const _: () = assert!(MAX_SENSE_BYTES <= u8::MAX as usize);

/// What came back: numbers only, no pointers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SgResult {
    pub status: u8,
    pub sense_length: u8,
    pub host_status: u16,
    pub driver_status: u16,
    pub residual: i32,
}

/// Milliseconds for the kernel, never 0 (its own limit) and never "for ever".
pub(super) fn timeout_ms(timeout: Duration) -> u32 {
    u32::try_from(timeout.as_millis())
        .unwrap_or(NO_TIMEOUT)
        .clamp(1, NO_TIMEOUT - 1)
}

/// Sends one command and waits for its end. The sense data, if any, is in `sense`.
///
/// # Errors
/// EINVAL for more data than the header's 32 bits can count; else what the ioctl gave.
pub(super) fn sg_io(
    fd: BorrowedFd<'_>,
    cdb: &Cdb,
    mut data: Data<'_>,
    timeout: Duration,
    sense: &mut [u8; MAX_SENSE_BYTES],
) -> Result<SgResult, Errno> {
    let mut header = SgIoHeader::empty();
    header.dxfer_len = u32::try_from(data.len()).map_err(|_| Errno::INVAL)?;
    (header.dxfer_direction, header.dxferp) = match &mut data {
        _ if header.dxfer_len == 0 => (DXFER_NONE, std::ptr::null_mut()),
        Data::None => (DXFER_NONE, std::ptr::null_mut()),
        Data::In(buffer) => (DXFER_FROM_DEV, buffer.as_mut_ptr().cast()),
        // The kernel only reads from it.
        Data::Out(buffer) => (DXFER_TO_DEV, buffer.as_ptr().cast_mut().cast()),
    };
    header.cmdp = cdb.as_bytes().as_ptr();
    header.cmd_len = cdb.as_bytes().len() as u8;
    header.sbp = sense.as_mut_ptr();
    header.mx_sb_len = MAX_SENSE_BYTES as u8;
    header.timeout = timeout_ms(timeout);
    let signals = SignalsBlocked::new();
    // SAFETY: SG_IO takes a `struct sg_io_hdr`, whose layout header.rs asserts. Its pointers are to `cdb`, `data` and `sense`,
    // all borrowed until this function returns, and its lengths are theirs. The kernel writes to the data buffer only for
    // DXFER_FROM_DEV, where it comes from a `&mut [u8]`. It is done with all of them when the ioctl returns: the wait cannot
    // be interrupted while signals are blocked, and a fatal signal ends this process.
    let result = unsafe { ioctl(fd, Updater::<SG_IO, SgIoHeader>::new(&mut header)) };
    drop(signals);
    result?;
    Ok(SgResult {
        status: header.status,
        sense_length: header.sb_len_wr,
        host_status: header.host_status,
        driver_status: header.driver_status,
        residual: header.resid,
    })
}

/// Version of the sg driver, times 10000; anything else than an sg node refuses.
pub(super) fn version(fd: BorrowedFd<'_>) -> Result<i32, Errno> {
    // SAFETY: SG_GET_VERSION_NUM writes one int.
    unsafe { ioctl(fd, Getter::<SG_GET_VERSION_NUM, i32>::new()) }
}

/// Makes the driver keep a buffer of so many bytes, instead of allocating one for every command.
pub(super) fn reserve(fd: BorrowedFd<'_>, bytes: i32) -> Result<(), Errno> {
    // SAFETY: SG_SET_RESERVED_SIZE reads one int.
    unsafe { ioctl(fd, Setter::<SG_SET_RESERVED_SIZE, i32>::new(bytes)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_neither_zero_nor_infinite() {
        assert_eq!(timeout_ms(Duration::ZERO), 1);
        assert_eq!(timeout_ms(Duration::from_secs(2700)), 2_700_000);
        assert_eq!(timeout_ms(Duration::from_secs(1 << 40)), u32::MAX - 1);
    }

    #[test]
    fn other_files_refuse() {
        use std::os::fd::AsFd;
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(version(file.as_fd()).is_err());
        assert!(reserve(file.as_fd(), 1).is_err());
        let mut sense = [0; MAX_SENSE_BYTES];
        let cdb = ferrite_scsi::command::test_unit_ready();
        let mut buffer = [0; 8];
        let second = Duration::from_secs(1);
        for data in [Data::None, Data::In(&mut buffer), Data::Out(&[1])] {
            assert_eq!(
                sg_io(file.as_fd(), &cdb, data, second, &mut sense),
                Err(Errno::NOTTY)
            );
        }
    }
}
