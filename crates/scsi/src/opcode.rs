//! Operation codes, each with the standard that defines it.

use std::fmt;

/// First byte of a CDB.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OperationCode(pub u8);

macro_rules! operation_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        impl OperationCode {
            $($(#[$doc])* pub const $name: Self = Self($code);)*

            /// Name in the standard, `"unknown command"` if not one of ours.
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($code => $text,)*
                    _ => "unknown command",
                }
            }
        }
    };
}

operation_codes! {
    /// SPC-3 6.33
    TEST_UNIT_READY = 0x00, "TEST UNIT READY";
    /// SSC-3 7.9
    REWIND = 0x01, "REWIND";
    /// SPC-3 6.27
    REQUEST_SENSE = 0x03, "REQUEST SENSE";
    /// SSC-3 7.1
    FORMAT_MEDIUM = 0x04, "FORMAT MEDIUM";
    /// SMC-3 6.2
    INITIALIZE_ELEMENT_STATUS = 0x07, "INITIALIZE ELEMENT STATUS";
    /// SSC-3 7.5
    READ_BLOCK_LIMITS = 0x05, "READ BLOCK LIMITS";
    /// SSC-3 6.4
    READ_6 = 0x08, "READ";
    /// SSC-3 6.8
    WRITE_6 = 0x0A, "WRITE";
    /// SSC-3 6.9
    WRITE_FILEMARKS_6 = 0x10, "WRITE FILEMARKS";
    /// SSC-3 6.6
    SPACE_6 = 0x11, "SPACE(6)";
    /// SPC-3 6.4
    INQUIRY = 0x12, "INQUIRY";
    /// SPC-3 6.7
    MODE_SELECT_6 = 0x15, "MODE SELECT(6)";
    /// SPC-2 (obsolete later)
    RESERVE_6 = 0x16, "RESERVE(6)";
    /// SPC-2 (obsolete later)
    RELEASE_6 = 0x17, "RELEASE(6)";
    /// SSC-3 6.2
    ERASE_6 = 0x19, "ERASE";
    /// SPC-3 6.9
    MODE_SENSE_6 = 0x1A, "MODE SENSE(6)";
    /// SSC-3 7.2
    LOAD_UNLOAD = 0x1B, "LOAD UNLOAD";
    /// SSC-3 7.4
    PREVENT_ALLOW = 0x1E, "PREVENT ALLOW MEDIUM REMOVAL";
    /// SSC-3 6.3
    LOCATE_10 = 0x2B, "LOCATE(10)";
    /// SSC-3 7.6
    READ_POSITION = 0x34, "READ POSITION";
    /// SMC-3 6.3
    INITIALIZE_ELEMENT_STATUS_WITH_RANGE = 0x37, "INITIALIZE ELEMENT STATUS WITH RANGE";
    /// SSC-3 7.8
    REPORT_DENSITY_SUPPORT = 0x44, "REPORT DENSITY SUPPORT";
    /// SPC-3 6.6
    LOG_SENSE = 0x4D, "LOG SENSE";
    /// SPC-3 6.8
    MODE_SELECT_10 = 0x55, "MODE SELECT(10)";
    /// SPC-3 6.10
    MODE_SENSE_10 = 0x5A, "MODE SENSE(10)";
    /// SPC-3 6.14
    READ_ATTRIBUTE = 0x8C, "READ ATTRIBUTE";
    /// SPC-3 6.34
    WRITE_ATTRIBUTE = 0x8D, "WRITE ATTRIBUTE";
    /// SSC-3 7.11
    SPACE_16 = 0x91, "SPACE(16)";
    /// SSC-3 7.3
    LOCATE_16 = 0x92, "LOCATE(16)";
    /// SPC-3 6.21
    REPORT_LUNS = 0xA0, "REPORT LUNS";
    /// SPC-4, data encryption in SSC-3 8.5
    SECURITY_PROTOCOL_IN = 0xA2, "SECURITY PROTOCOL IN";
    /// SMC-3 6.5
    MOVE_MEDIUM = 0xA5, "MOVE MEDIUM";
    /// SMC-3 6.1
    EXCHANGE_MEDIUM = 0xA6, "EXCHANGE MEDIUM";
    /// SPC-4, data encryption in SSC-3 8.5
    SECURITY_PROTOCOL_OUT = 0xB5, "SECURITY PROTOCOL OUT";
    /// SMC-3 6.10
    READ_ELEMENT_STATUS = 0xB8, "READ ELEMENT STATUS";
    /// Vendor specific, older than its number in SMC-3.
    INITIALIZE_ELEMENT_STATUS_WITH_RANGE_VENDOR = 0xE7, "INITIALIZE ELEMENT STATUS WITH RANGE";
}

/// Codes that mean something else on a changer than on a drive. Their names in messages are the drive's.
impl OperationCode {
    /// SMC-3 6.7. On a drive: LOCATE(10).
    pub const POSITION_TO_ELEMENT: Self = Self(0x2B);
    /// SMC-3 6.6. On a drive: LOAD UNLOAD.
    pub const OPEN_CLOSE_IMPORT_EXPORT: Self = Self(0x1B);
}

impl fmt::Display for OperationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            "unknown command" => write!(f, "command {:02X}h", self.0),
            name => f.write_str(name),
        }
    }
}

impl fmt::Debug for OperationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
