//! Commands for the drive as a whole: ready, sense, load, prevent, erase, format, density.

use super::bit;
use crate::opcode::OperationCode;
use crate::transport::Cdb;

/// TEST UNIT READY (SPC-3 6.33).
pub const fn test_unit_ready() -> Cdb {
    Cdb::new([OperationCode::TEST_UNIT_READY.0, 0, 0, 0, 0, 0])
}

/// Room for the answer to REQUEST SENSE.
pub const REQUEST_SENSE_ALLOCATION: u8 = 252;

/// REQUEST SENSE (SPC-3 6.27).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestSense {
    /// Descriptor instead of fixed format.
    pub descriptor: bool,
    /// Room for the answer in bytes.
    pub allocation: u8,
}

/// Byte 1 of REQUEST SENSE.
const DESC: u8 = 0x01;

impl RequestSense {
    /// Fixed format, 252 bytes.
    pub const FIXED: Self = Self {
        descriptor: false,
        allocation: REQUEST_SENSE_ALLOCATION,
    };

    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        Cdb::new([
            OperationCode::REQUEST_SENSE.0,
            bit(self.descriptor, DESC),
            0,
            0,
            self.allocation,
            0,
        ])
    }

    /// Reads the CDB.
    pub fn parse(cdb: &[u8; 6]) -> Self {
        Self {
            descriptor: cdb[1] & DESC != 0,
            allocation: cdb[4],
        }
    }
}

/// LOAD UNLOAD (SSC-3 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadUnload {
    /// Load, or unload.
    pub load: bool,
    /// Status is given before the operation has ended.
    pub immediate: bool,
}

/// Byte 1 of LOAD UNLOAD, ERASE has its own.
const LOAD_IMMED: u8 = 0x01;
/// Byte 4.
const LOAD: u8 = 0x01;

impl LoadUnload {
    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        Cdb::new([
            OperationCode::LOAD_UNLOAD.0,
            bit(self.immediate, LOAD_IMMED),
            0,
            0,
            bit(self.load, LOAD),
            0,
        ])
    }

    /// Reads the CDB.
    pub fn parse(cdb: &[u8; 6]) -> Self {
        Self {
            load: cdb[4] & LOAD != 0,
            immediate: cdb[1] & LOAD_IMMED != 0,
        }
    }
}

/// PREVENT ALLOW MEDIUM REMOVAL (SSC-3 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreventAllow {
    /// Removal is to be prevented.
    pub prevent: bool,
}

/// Byte 4.
const PREVENT: u8 = 0x01;

impl PreventAllow {
    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        Cdb::new([
            OperationCode::PREVENT_ALLOW.0,
            0,
            0,
            0,
            bit(self.prevent, PREVENT),
            0,
        ])
    }

    /// Reads the CDB.
    pub fn parse(cdb: &[u8; 6]) -> Self {
        Self {
            prevent: cdb[4] & PREVENT != 0,
        }
    }
}

/// ERASE(6) (SSC-3 6.2): from the position to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erase {
    /// Overwrite to the end of the tape (hours), instead of only writing an end of data mark.
    pub long: bool,
    /// Status is given before the operation has ended.
    pub immediate: bool,
}

/// Byte 1 of ERASE.
const ERASE_LONG: u8 = 0x01;
const ERASE_IMMED: u8 = 0x02;

impl Erase {
    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let flags = bit(self.long, ERASE_LONG) | bit(self.immediate, ERASE_IMMED);
        Cdb::new([OperationCode::ERASE_6.0, flags, 0, 0, 0, 0])
    }

    /// Reads the CDB.
    pub fn parse(cdb: &[u8; 6]) -> Self {
        Self {
            long: cdb[1] & ERASE_LONG != 0,
            immediate: cdb[1] & ERASE_IMMED != 0,
        }
    }
}

/// FORMAT MEDIUM (SSC-3 7.1): one partition, default format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatMedium {
    /// Status is given before the operation has ended.
    pub immediate: bool,
}

/// Byte 1 of FORMAT MEDIUM.
const FORMAT_IMMED: u8 = 0x01;
/// Byte 2 of FORMAT MEDIUM: which format; 0 is one partition.
const FORMAT_FIELD_MASK: u8 = 0x0F;

impl FormatMedium {
    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        Cdb::new([
            OperationCode::FORMAT_MEDIUM.0,
            bit(self.immediate, FORMAT_IMMED),
            0,
            0,
            0,
            0,
        ])
    }

    /// Reads the CDB; `None` for formats that make partitions.
    pub fn parse(cdb: &[u8; 6]) -> Option<Self> {
        (cdb[2] & FORMAT_FIELD_MASK == 0).then(|| Self {
            immediate: cdb[1] & FORMAT_IMMED != 0,
        })
    }
}

/// Room for the answer to REPORT DENSITY SUPPORT.
pub const REPORT_DENSITY_ALLOCATION: u16 = 8192;

/// REPORT DENSITY SUPPORT (SSC-3 7.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportDensity {
    /// Only what the mounted medium can have.
    pub mounted_medium: bool,
    /// Medium types instead of densities.
    pub medium_types: bool,
    /// Room for the answer in bytes.
    pub allocation: u16,
}

/// Byte 1 of REPORT DENSITY SUPPORT.
const MEDIA: u8 = 0x01;
const MEDIUM_TYPE: u8 = 0x02;

impl ReportDensity {
    /// All densities that the drive knows.
    pub const ALL: Self = Self {
        mounted_medium: false,
        medium_types: false,
        allocation: REPORT_DENSITY_ALLOCATION,
    };

    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let flags = bit(self.mounted_medium, MEDIA) | bit(self.medium_types, MEDIUM_TYPE);
        let [high, low] = self.allocation.to_be_bytes();
        Cdb::new([
            OperationCode::REPORT_DENSITY_SUPPORT.0,
            flags,
            0,
            0,
            0,
            0,
            0,
            high,
            low,
            0,
        ])
    }

    /// Reads the CDB.
    pub fn parse(cdb: &[u8; 10]) -> Self {
        Self {
            mounted_medium: cdb[1] & MEDIA != 0,
            medium_types: cdb[1] & MEDIUM_TYPE != 0,
            allocation: u16::from_be_bytes([cdb[7], cdb[8]]),
        }
    }
}
