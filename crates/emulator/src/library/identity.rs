//! Names of a library's devices.

use ferrite_scsi::inquiry::PeripheralType;

pub(crate) use crate::target::{identification, vpd};

/// Device identification page (SPC-3 7.6.3).
pub(super) const VPD_IDENTIFICATION: u8 = 0x83;
pub(super) const VENDOR: &str = "FERRITE";
pub(super) const CHANGER_PRODUCT: &str = "TAPE LIBRARY";
pub(super) const REVISION: &str = "0001";

pub(super) fn drive_product(generation: u8) -> String {
    crate::target::Identity::lto_drive(generation, "").product
}

/// Kind of a device, for lists.
pub(super) const fn peripheral_type(changer: bool) -> PeripheralType {
    if changer {
        PeripheralType::Changer
    } else {
        PeripheralType::Tape
    }
}
