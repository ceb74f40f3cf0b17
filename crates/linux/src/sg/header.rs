//! `struct sg_io_hdr` of <scsi/sg.h>, and its constants.

use std::ffi::c_void;
use std::mem::{offset_of, size_of};

/// `interface_id`.
pub(super) const INTERFACE_ID: i32 = 'S' as i32;
/// `dxfer_direction`: no data.
pub(super) const DXFER_NONE: i32 = -1;
/// `dxfer_direction`: host to device.
pub(super) const DXFER_TO_DEV: i32 = -2;
/// `dxfer_direction`: device to host.
pub(super) const DXFER_FROM_DEV: i32 = -3;
/// `timeout`: wait for ever. 0 would mean the driver's own, short limit.
pub(super) const NO_TIMEOUT: u32 = u32::MAX;

/// One command and what came of it.
#[repr(C)]
#[derive(Debug)]
pub(super) struct SgIoHeader {
    pub interface_id: i32,
    pub dxfer_direction: i32,
    pub cmd_len: u8,
    pub mx_sb_len: u8,
    pub iovec_count: u16,
    pub dxfer_len: u32,
    pub dxferp: *mut c_void,
    pub cmdp: *const u8,
    pub sbp: *mut u8,
    pub timeout: u32,
    pub flags: u32,
    pub pack_id: i32,
    pub usr_ptr: *mut c_void,
    /// From here on: out. SAM status byte.
    pub status: u8,
    pub masked_status: u8,
    pub msg_status: u8,
    pub sb_len_wr: u8,
    pub host_status: u16,
    pub driver_status: u16,
    pub resid: i32,
    pub duration: u32,
    pub info: u32,
}

/// The kernel's layout; a mistake here would let it write anywhere.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<SgIoHeader>() == 88);
    assert!(offset_of!(SgIoHeader, interface_id) == 0);
    assert!(offset_of!(SgIoHeader, dxfer_direction) == 4);
    assert!(offset_of!(SgIoHeader, cmd_len) == 8);
    assert!(offset_of!(SgIoHeader, mx_sb_len) == 9);
    assert!(offset_of!(SgIoHeader, iovec_count) == 10);
    assert!(offset_of!(SgIoHeader, dxfer_len) == 12);
    assert!(offset_of!(SgIoHeader, dxferp) == 16);
    assert!(offset_of!(SgIoHeader, cmdp) == 24);
    assert!(offset_of!(SgIoHeader, sbp) == 32);
    assert!(offset_of!(SgIoHeader, timeout) == 40);
    assert!(offset_of!(SgIoHeader, flags) == 44);
    assert!(offset_of!(SgIoHeader, pack_id) == 48);
    assert!(offset_of!(SgIoHeader, usr_ptr) == 56);
    assert!(offset_of!(SgIoHeader, status) == 64);
    assert!(offset_of!(SgIoHeader, masked_status) == 65);
    assert!(offset_of!(SgIoHeader, msg_status) == 66);
    assert!(offset_of!(SgIoHeader, sb_len_wr) == 67);
    assert!(offset_of!(SgIoHeader, host_status) == 68);
    assert!(offset_of!(SgIoHeader, driver_status) == 70);
    assert!(offset_of!(SgIoHeader, resid) == 72);
    assert!(offset_of!(SgIoHeader, duration) == 76);
    assert!(offset_of!(SgIoHeader, info) == 80);
};

impl SgIoHeader {
    /// A command without data, sense buffer and limit; nothing has come back yet.
    pub(super) fn empty() -> Self {
        Self {
            interface_id: INTERFACE_ID,
            dxfer_direction: DXFER_NONE,
            cmd_len: 0,
            mx_sb_len: 0,
            iovec_count: 0,
            dxfer_len: 0,
            dxferp: std::ptr::null_mut(),
            cmdp: std::ptr::null(),
            sbp: std::ptr::null_mut(),
            timeout: NO_TIMEOUT,
            flags: 0,
            pack_id: 0,
            usr_ptr: std::ptr::null_mut(),
            status: 0,
            masked_status: 0,
            msg_status: 0,
            sb_len_wr: 0,
            host_status: 0,
            driver_status: 0,
            resid: 0,
            duration: 0,
            info: 0,
        }
    }
}
