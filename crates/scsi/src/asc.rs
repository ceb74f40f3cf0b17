//! Additional sense codes with their qualifiers (SPC-3 annex D; scsi.md 1.4).

/// ASC and ASCQ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AdditionalSense(pub u8, pub u8);

macro_rules! additional_sense_codes {
    ($($name:ident = $asc:literal / $ascq:literal, $text:literal;)*) => {
        impl AdditionalSense {
            $(
                #[doc = $text]
                pub const $name: Self = Self($asc, $ascq);
            )*

            fn exact_text(self) -> Option<&'static str> {
                match (self.0, self.1) {
                    $(($asc, $ascq) => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

additional_sense_codes! {
    FILEMARK_DETECTED = 0x00/0x01, "filemark detected";
    END_OF_MEDIUM = 0x00/0x02, "end of medium";
    BEGINNING_OF_MEDIUM = 0x00/0x04, "beginning of medium";
    END_OF_DATA = 0x00/0x05, "end of data";
    PROGRAMMABLE_EARLY_WARNING = 0x00/0x07, "programmable early warning";
    OPERATION_IN_PROGRESS = 0x00/0x16, "operation in progress";
    CLEANING_REQUESTED = 0x00/0x17, "cleaning requested";
    ERASE_IN_PROGRESS = 0x00/0x18, "erase in progress";
    LOCATE_IN_PROGRESS = 0x00/0x19, "locate in progress";
    REWIND_IN_PROGRESS = 0x00/0x1A, "rewind in progress";
    SET_CAPACITY_IN_PROGRESS = 0x00/0x1B, "set capacity in progress";
    VERIFY_IN_PROGRESS = 0x00/0x1C, "verify in progress";
    NOT_READY_NO_CAUSE = 0x04/0x00, "cause not reported";
    BECOMING_READY = 0x04/0x01, "becoming ready";
    LOAD_REQUIRED = 0x04/0x02, "a LOAD command is required";
    MANUAL_INTERVENTION_REQUIRED = 0x04/0x03, "manual intervention required";
    FORMAT_IN_PROGRESS = 0x04/0x04, "format in progress";
    NOT_READY_OPERATION_IN_PROGRESS = 0x04/0x07, "an operation is in progress";
    SELF_TEST_IN_PROGRESS = 0x04/0x09, "self-test in progress";
    CARTRIDGE_MEMORY_NOT_ACCESSIBLE = 0x04/0x10, "cartridge memory not accessible";
    OFFLINE = 0x04/0x12, "drive is offline";
    SA_CREATION_IN_PROGRESS = 0x04/0x13, "security association creation in progress";
    WRITE_ERROR = 0x0C/0x00, "write error";
    CARTRIDGE_MEMORY_WRITE_ERROR = 0x0C/0x0B, "cartridge memory write error";
    UNRECOVERED_READ_ERROR = 0x11/0x00, "unrecovered read error";
    INCOMPLETE_BLOCK_READ = 0x11/0x08, "incomplete block read";
    CARTRIDGE_MEMORY_READ_ERROR = 0x11/0x12, "cartridge memory read error";
    RECORDED_ENTITY_NOT_FOUND = 0x14/0x00, "recorded entity not found";
    FILEMARK_NOT_FOUND = 0x14/0x02, "filemark not found";
    END_OF_DATA_NOT_FOUND = 0x14/0x03, "end of data not found";
    MECHANICAL_POSITIONING_ERROR = 0x15/0x01, "mechanical positioning error";
    PARAMETER_LIST_LENGTH_ERROR = 0x1A/0x00, "parameter list length error";
    INVALID_OPERATION_CODE = 0x20/0x00, "command not supported";
    INVALID_ELEMENT_ADDRESS = 0x21/0x01, "invalid element address";
    INVALID_FIELD_IN_CDB = 0x24/0x00, "invalid field in the command";
    LOGICAL_UNIT_NOT_SUPPORTED = 0x25/0x00, "logical unit not supported";
    INVALID_FIELD_IN_PARAMETER_LIST = 0x26/0x00, "invalid field in the parameter list";
    KEY_FAIL_LIMIT = 0x26/0x10, "data decryption key fail limit reached";
    INCOMPLETE_KEY_DATA = 0x26/0x11, "incomplete key-associated data set";
    KEY_REFERENCE_NOT_FOUND = 0x26/0x12, "vendor specific key reference not found";
    WRITE_PROTECTED = 0x27/0x00, "write protected";
    HARDWARE_WRITE_PROTECTED = 0x27/0x01, "hardware write protected";
    SOFTWARE_WRITE_PROTECTED = 0x27/0x02, "software write protected";
    ASSOCIATED_WRITE_PROTECT = 0x27/0x03, "associated write protect";
    PERSISTENT_WRITE_PROTECT = 0x27/0x04, "persistent write protect";
    PERMANENT_WRITE_PROTECT = 0x27/0x05, "permanent write protect";
    MEDIUM_MAY_HAVE_CHANGED = 0x28/0x00, "the medium may have changed";
    IMPORT_EXPORT_ACCESSED = 0x28/0x01, "import or export element accessed";
    POWER_ON_OR_RESET = 0x29/0x00, "power on, reset or bus reset occurred";
    POWER_ON = 0x29/0x01, "power on occurred";
    BUS_RESET = 0x29/0x02, "bus reset occurred";
    DEVICE_RESET = 0x29/0x03, "device reset occurred";
    INTERNAL_RESET = 0x29/0x04, "device internal reset";
    NEXUS_LOSS = 0x29/0x07, "I_T nexus loss occurred";
    MODE_PARAMETERS_CHANGED = 0x2A/0x01, "mode parameters changed";
    LOG_PARAMETERS_CHANGED = 0x2A/0x02, "log parameters changed";
    RESERVATIONS_PREEMPTED = 0x2A/0x03, "reservations preempted";
    TIMESTAMP_CHANGED = 0x2A/0x10, "timestamp changed";
    ENCRYPTION_CHANGED_BY_OTHER = 0x2A/0x11, "encryption parameters changed by another initiator";
    ENCRYPTION_CHANGED_BY_VENDOR = 0x2A/0x12, "encryption parameters changed by a vendor specific event";
    KEY_INSTANCE_COUNTER_CHANGED = 0x2A/0x13, "encryption key instance counter changed";
    COMMAND_SEQUENCE_ERROR = 0x2C/0x00, "command sequence error";
    INCOMPATIBLE_MEDIUM = 0x30/0x00, "incompatible medium";
    UNKNOWN_FORMAT = 0x30/0x01, "cannot read medium: unknown format";
    INCOMPATIBLE_FORMAT = 0x30/0x02, "cannot read medium: incompatible format";
    CLEANING_CARTRIDGE_INSTALLED = 0x30/0x03, "cleaning cartridge installed";
    CANNOT_WRITE_INCOMPATIBLE = 0x30/0x05, "cannot write medium: incompatible format";
    CLEANING_FAILURE = 0x30/0x07, "cleaning failure";
    WORM_OVERWRITE_ATTEMPTED = 0x30/0x0C, "overwrite attempted on a WORM medium";
    WORM_INTEGRITY_CHECK = 0x30/0x0D, "WORM integrity check failed";
    MEDIUM_FORMAT_CORRUPTED = 0x31/0x00, "medium format corrupted";
    TAPE_LENGTH_ERROR = 0x33/0x00, "tape length error";
    SAVING_PARAMETERS_NOT_SUPPORTED = 0x39/0x00, "saving parameters not supported";
    MEDIUM_NOT_PRESENT = 0x3A/0x00, "no tape in the drive";
    MEDIUM_NOT_PRESENT_TRAY_CLOSED = 0x3A/0x01, "no tape in the drive, tray closed";
    MEDIUM_NOT_PRESENT_TRAY_OPEN = 0x3A/0x02, "no tape in the drive, tray or door open";
    MEDIUM_NOT_PRESENT_LOADABLE = 0x3A/0x03, "tape is ejected and can be loaded";
    MEDIUM_NOT_PRESENT_MEMORY_ACCESSIBLE = 0x3A/0x04, "tape is ejected, cartridge memory accessible";
    SEQUENTIAL_POSITIONING_ERROR = 0x3B/0x00, "sequential positioning error";
    POSITION_PAST_BEGINNING = 0x3B/0x0C, "position is past the beginning of the medium";
    DESTINATION_FULL = 0x3B/0x0D, "destination element full";
    SOURCE_EMPTY = 0x3B/0x0E, "source element empty";
    MAGAZINE_NOT_ACCESSIBLE = 0x3B/0x11, "magazine not accessible";
    MAGAZINE_REMOVED = 0x3B/0x12, "magazine removed";
    MAGAZINE_INSERTED = 0x3B/0x13, "magazine inserted";
    MAGAZINE_LOCKED = 0x3B/0x14, "magazine locked";
    DRIVE_REMOVED = 0x3B/0x1A, "drive removed from the library";
    DRIVE_INSERTED = 0x3B/0x1B, "drive inserted into the library";
    NOT_SELF_CONFIGURED = 0x3E/0x00, "device has not configured itself yet";
    MICROCODE_CHANGED = 0x3F/0x01, "microcode has been changed";
    INQUIRY_DATA_CHANGED = 0x3F/0x03, "inquiry data has changed";
    LUNS_CHANGED = 0x3F/0x0E, "reported LUNs have changed";
    INTERNAL_TARGET_FAILURE = 0x44/0x00, "internal failure of the drive";
    APPEND_ERROR = 0x50/0x00, "append error";
    APPEND_POSITION_ERROR = 0x50/0x01, "append position error";
    ERASE_FAILURE = 0x51/0x00, "erase failure";
    CARTRIDGE_FAULT = 0x52/0x00, "cartridge fault";
    LOAD_OR_EJECT_FAILED = 0x53/0x00, "load or eject failed";
    UNLOAD_FAILURE = 0x53/0x01, "unloading the tape failed";
    REMOVAL_PREVENTED = 0x53/0x02, "removal of the medium is prevented";
    REMOVAL_PREVENTED_BY_DRIVE = 0x53/0x03, "removal of the medium is prevented by the drive";
    LOAD_UNLOAD_DRIVE_FAILURE = 0x53/0x04, "load or unload failure";
    CARTRIDGE_MEMORY_FULL = 0x55/0x06, "cartridge memory full";
    OPERATOR_REMOVAL_REQUEST = 0x5A/0x01, "operator asks to remove the medium";
    OPERATOR_WRITE_PROTECT = 0x5A/0x02, "operator selected write protect";
    SECURITY_ERROR = 0x74/0x00, "security error";
    UNABLE_TO_DECRYPT = 0x74/0x01, "unable to decrypt data";
    UNENCRYPTED_DATA = 0x74/0x02, "unencrypted data met while decrypting";
    INCORRECT_KEY = 0x74/0x03, "incorrect data encryption key";
    INTEGRITY_VALIDATION_FAILED = 0x74/0x04, "cryptographic integrity validation failed";
    DECRYPTION_ERROR = 0x74/0x05, "error decrypting data";
    CLEANING_REQUESTED_VENDOR = 0x82/0x82, "drive requires cleaning";
    KEY_REQUIRED_BY_LIBRARY = 0xEF/0x10, "encryption is managed by the library: key required";
    KEY_GENERATION_BY_LIBRARY = 0xEF/0x11, "encryption is managed by the library: key generation required";
    KEY_TRANSLATION_BY_LIBRARY = 0xEF/0x13, "encryption is managed by the library: key translation required";
    KEY_OPTIONAL_BY_LIBRARY = 0xEF/0x1A, "encryption is managed by the library: key optional";
    NO_KEY_BY_LIBRARY = 0xEF/0xC0, "encryption is managed by the library: no key";
}

/// ASC of all reset conditions (SPC-3 annex D).
const ASC_RESET: u8 = 0x29;
/// ASC of medium change conditions.
const ASC_MEDIUM_CHANGED: u8 = 0x28;

impl AdditionalSense {
    /// No additional sense information.
    pub const NONE: Self = Self(0x00, 0x00);

    /// Words; for codes without an own entry those of the whole ASC, if it has any.
    pub fn text(self) -> Option<&'static str> {
        self.exact_text().or(match self.0 {
            0x27 => Some("write protected"),
            ASC_MEDIUM_CHANGED => Some("the medium may have changed"),
            ASC_RESET => Some("reset occurred"),
            0x2A => Some("parameters changed"),
            0x3A => Some("no tape in the drive"),
            0x40 => Some("diagnostic failure"),
            0x47 | 0x48 | 0x4B | 0x4E => Some("transfer failed"),
            0x53 => Some("loading or unloading failed"),
            0x5D => Some("failure prediction threshold exceeded"),
            0x74 => Some("security error"),
            0xEE | 0xEF => Some("encryption is managed by the library"),
            _ => None,
        })
    }

    /// A unit attention with this code means that nobody knows any more where the tape stands.
    pub fn loses_position(self) -> bool {
        matches!(self.0, ASC_MEDIUM_CHANGED | ASC_RESET)
    }

    /// A unit attention with this code says that somebody changed the key or other encryption parameters.
    pub fn is_about_encryption(self) -> bool {
        matches!(self, Self(0x2A, 0x11..=0x13))
    }

    /// A unit attention with this code changes nothing for the one who reads or writes.
    pub fn is_mere_notice(self) -> bool {
        matches!(
            self,
            Self::LOG_PARAMETERS_CHANGED | Self::TIMESTAMP_CHANGED | Self::OPERATOR_REMOVAL_REQUEST
        ) || matches!(self.0, 0x3F | 0x5D)
    }
}
