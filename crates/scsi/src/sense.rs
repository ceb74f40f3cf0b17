//! Sense data: why a command did not simply succeed (SPC-3 4.5; scsi.md 1.3).
//!
//! Both formats are read and written: hosts parse what devices send, and the emulator sends what hosts must parse.

use std::fmt;

use crate::asc::AdditionalSense;

/// Sense key (SPC-3 4.5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SenseKey {
    /// 0h: the command succeeded, with something to say (marks, early warning).
    NoSense = 0x0,
    /// 1h: succeeded after recovery by the device.
    RecoveredError = 0x1,
    /// 2h
    NotReady = 0x2,
    /// 3h
    MediumError = 0x3,
    /// 4h
    HardwareError = 0x4,
    /// 5h
    IllegalRequest = 0x5,
    /// 6h: something happened since the last command, which was not executed.
    UnitAttention = 0x6,
    /// 7h: write protection, encryption.
    DataProtect = 0x7,
    /// 8h: end of data.
    BlankCheck = 0x8,
    /// 9h
    VendorSpecific = 0x9,
    /// Ah
    CopyAborted = 0xA,
    /// Bh
    AbortedCommand = 0xB,
    /// Ch
    Equal = 0xC,
    /// Dh: physical end of the medium.
    VolumeOverflow = 0xD,
    /// Eh
    Miscompare = 0xE,
    /// Fh
    Completed = 0xF,
}

impl SenseKey {
    /// Takes the low nibble.
    pub fn from_nibble(byte: u8) -> Self {
        match byte & 0x0F {
            0x0 => SenseKey::NoSense,
            0x1 => SenseKey::RecoveredError,
            0x2 => SenseKey::NotReady,
            0x3 => SenseKey::MediumError,
            0x4 => SenseKey::HardwareError,
            0x5 => SenseKey::IllegalRequest,
            0x6 => SenseKey::UnitAttention,
            0x7 => SenseKey::DataProtect,
            0x8 => SenseKey::BlankCheck,
            0x9 => SenseKey::VendorSpecific,
            0xA => SenseKey::CopyAborted,
            0xB => SenseKey::AbortedCommand,
            0xC => SenseKey::Equal,
            0xD => SenseKey::VolumeOverflow,
            0xE => SenseKey::Miscompare,
            _ => SenseKey::Completed,
        }
    }

    /// Name in plain words.
    pub const fn text(self) -> &'static str {
        match self {
            SenseKey::NoSense => "no sense",
            SenseKey::RecoveredError => "recovered error",
            SenseKey::NotReady => "not ready",
            SenseKey::MediumError => "medium error",
            SenseKey::HardwareError => "hardware error",
            SenseKey::IllegalRequest => "illegal request",
            SenseKey::UnitAttention => "unit attention",
            SenseKey::DataProtect => "data protect",
            SenseKey::BlankCheck => "blank check",
            SenseKey::VendorSpecific => "vendor specific",
            SenseKey::CopyAborted => "copy aborted",
            SenseKey::AbortedCommand => "aborted command",
            SenseKey::Equal => "equal",
            SenseKey::VolumeOverflow => "volume overflow",
            SenseKey::Miscompare => "miscompare",
            SenseKey::Completed => "completed",
        }
    }
}

/// Sense data that cannot be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedSense {
    /// Too short for its format.
    #[error("sense data of only {0} bytes")]
    TooShort(usize),
    /// Response code is none of 70h to 73h.
    #[error("unknown sense response code {0:02X}h")]
    UnknownResponseCode(u8),
}

/// Which field of a CDB or parameter list the device did not like (SPC-3 4.5.2.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldPointer {
    /// In the CDB (true) or in the parameter list.
    pub in_cdb: bool,
    /// Highest bit of the field, if the device says so.
    pub bit: Option<u8>,
    /// First byte of the field.
    pub byte: u16,
}

/// Parsed sense data, of either format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sense {
    /// What kind of condition.
    pub key: SenseKey,
    /// Additional sense code and its qualifier.
    pub code: AdditionalSense,
    /// A filemark was met.
    pub filemark: bool,
    /// Early warning was passed (writing), or an end of the tape was met.
    pub end_of_medium: bool,
    /// Block length differs from the length asked for.
    pub incorrect_length: bool,
    /// Requested minus actual: bytes in variable block mode, else blocks or marks. `None` if the device marks it as not valid.
    pub information: Option<i64>,
    /// An earlier command, whose end was reported as good, has failed; the present one was **not** executed.
    pub deferred: bool,
    /// Progress of an operation, of 65536.
    pub progress: Option<u16>,
    /// For illegal request.
    pub field: Option<FieldPointer>,
}

const RESPONSE_CODE_MASK: u8 = 0x7F;
const FIXED_CURRENT: u8 = 0x70;
const FIXED_DEFERRED: u8 = 0x71;
const DESCRIPTOR_CURRENT: u8 = 0x72;
const DESCRIPTOR_DEFERRED: u8 = 0x73;
/// Fixed format byte 0, descriptor type 00 byte 2.
const VALID: u8 = 0x80;
/// Fixed format byte 2, stream commands descriptor byte 3.
const FILEMARK: u8 = 0x80;
const END_OF_MEDIUM: u8 = 0x40;
const INCORRECT_LENGTH: u8 = 0x20;
/// Sense key specific, byte 0.
const SKSV: u8 = 0x80;
const FIELD_IN_CDB: u8 = 0x40;
const BIT_POINTER_VALID: u8 = 0x08;
/// Descriptor types (SPC-3 4.5.2.1).
const DESCRIPTOR_INFORMATION: u8 = 0x00;
const DESCRIPTOR_SENSE_KEY_SPECIFIC: u8 = 0x02;
const DESCRIPTOR_STREAM_COMMANDS: u8 = 0x04;

/// Length of fixed format sense data as it is built here.
pub const FIXED_SENSE_BYTES: usize = 18;
/// Fixed format: number of bytes behind byte 7.
const FIXED_ADDITIONAL_LENGTH: u8 = 0x0A;

impl Sense {
    /// Sense data with only key and code.
    pub const fn new(key: SenseKey, code: AdditionalSense) -> Self {
        Self {
            key,
            code,
            filemark: false,
            end_of_medium: false,
            incorrect_length: false,
            information: None,
            deferred: false,
            progress: None,
            field: None,
        }
    }

    /// Key and code compared at once.
    pub fn is(&self, key: SenseKey, code: AdditionalSense) -> bool {
        self.key == key && self.code == code
    }

    /// The command was not executed because something else is still going on; it will be over by itself.
    pub fn operation_in_progress(&self) -> bool {
        use AdditionalSense as A;
        match self.key {
            SenseKey::NoSense => matches!(
                self.code,
                A::OPERATION_IN_PROGRESS
                    | A::ERASE_IN_PROGRESS
                    | A::LOCATE_IN_PROGRESS
                    | A::REWIND_IN_PROGRESS
                    | A::SET_CAPACITY_IN_PROGRESS
                    | A::VERIFY_IN_PROGRESS
            ),
            SenseKey::NotReady => matches!(
                self.code,
                A::BECOMING_READY | A::FORMAT_IN_PROGRESS | A::NOT_READY_OPERATION_IN_PROGRESS
            ),
            _ => false,
        }
    }

    /// Parses fixed or descriptor format. Extra bytes are ignored; fields that are cut off count as absent.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedSense> {
        let Some(&first) = bytes.first() else {
            return Err(MalformedSense::TooShort(0));
        };
        match first & RESPONSE_CODE_MASK {
            FIXED_CURRENT => Self::parse_fixed(bytes, false),
            FIXED_DEFERRED => Self::parse_fixed(bytes, true),
            DESCRIPTOR_CURRENT => Self::parse_descriptor(bytes, false),
            DESCRIPTOR_DEFERRED => Self::parse_descriptor(bytes, true),
            other => Err(MalformedSense::UnknownResponseCode(other)),
        }
    }

    fn parse_fixed(bytes: &[u8], deferred: bool) -> Result<Self, MalformedSense> {
        // Byte 2 carries the key; a device may leave out all that follows.
        if bytes.len() < 3 {
            return Err(MalformedSense::TooShort(bytes.len()));
        }
        let at = |i: usize| bytes.get(i).copied().unwrap_or(0);
        let mut sense = Self::new(
            SenseKey::from_nibble(bytes[2]),
            AdditionalSense(at(12), at(13)),
        );
        sense.deferred = deferred;
        sense.filemark = bytes[2] & FILEMARK != 0;
        sense.end_of_medium = bytes[2] & END_OF_MEDIUM != 0;
        sense.incorrect_length = bytes[2] & INCORRECT_LENGTH != 0;
        if bytes[0] & VALID != 0 && bytes.len() >= 7 {
            sense.information = Some(i64::from(i32::from_be_bytes([
                bytes[3], bytes[4], bytes[5], bytes[6],
            ])));
        }
        if bytes.len() >= 18 {
            sense.take_key_specific([bytes[15], bytes[16], bytes[17]]);
        }
        Ok(sense)
    }

    fn parse_descriptor(bytes: &[u8], deferred: bool) -> Result<Self, MalformedSense> {
        if bytes.len() < 8 {
            return Err(MalformedSense::TooShort(bytes.len()));
        }
        let mut sense = Self::new(
            SenseKey::from_nibble(bytes[1]),
            AdditionalSense(bytes[2], bytes[3]),
        );
        sense.deferred = deferred;
        let end = bytes.len().min(8 + usize::from(bytes[7]));
        let mut rest = &bytes[8..end];
        while rest.len() >= 2 {
            let length = 2 + usize::from(rest[1]);
            let Some(descriptor) = rest.get(..length) else {
                break;
            };
            sense.take_descriptor(descriptor);
            rest = &rest[length..];
        }
        Ok(sense)
    }

    fn take_descriptor(&mut self, descriptor: &[u8]) {
        match *descriptor {
            [
                DESCRIPTOR_INFORMATION,
                _,
                flags,
                _,
                a,
                b,
                c,
                d,
                e,
                f,
                g,
                h,
                ..,
            ] if flags & VALID != 0 => {
                self.information = Some(i64::from_be_bytes([a, b, c, d, e, f, g, h]));
            }
            [DESCRIPTOR_SENSE_KEY_SPECIFIC, _, _, _, a, b, c, ..] => {
                self.take_key_specific([a, b, c])
            }
            [DESCRIPTOR_STREAM_COMMANDS, _, _, flags, ..] => {
                self.filemark = flags & FILEMARK != 0;
                self.end_of_medium = flags & END_OF_MEDIUM != 0;
                self.incorrect_length = flags & INCORRECT_LENGTH != 0;
            }
            _ => {}
        }
    }

    fn take_key_specific(&mut self, bytes: [u8; 3]) {
        if bytes[0] & SKSV == 0 {
            return;
        }
        let value = u16::from_be_bytes([bytes[1], bytes[2]]);
        match self.key {
            SenseKey::IllegalRequest => {
                self.field = Some(FieldPointer {
                    in_cdb: bytes[0] & FIELD_IN_CDB != 0,
                    bit: (bytes[0] & BIT_POINTER_VALID != 0).then_some(bytes[0] & 0x07),
                    byte: value,
                });
            }
            SenseKey::NotReady | SenseKey::NoSense => self.progress = Some(value),
            _ => {}
        }
    }

    fn key_specific_bytes(&self) -> [u8; 3] {
        if let Some(field) = self.field {
            let bit = field.bit.map_or(0, |bit| BIT_POINTER_VALID | (bit & 0x07));
            let in_cdb = if field.in_cdb { FIELD_IN_CDB } else { 0 };
            let [high, low] = field.byte.to_be_bytes();
            return [SKSV | in_cdb | bit, high, low];
        }
        if let Some(progress) = self.progress {
            let [high, low] = progress.to_be_bytes();
            return [SKSV, high, low];
        }
        [0; 3]
    }

    fn stream_flags(&self) -> u8 {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        flag(self.filemark, FILEMARK)
            | flag(self.end_of_medium, END_OF_MEDIUM)
            | flag(self.incorrect_length, INCORRECT_LENGTH)
    }

    /// Fixed format. INFORMATION is clipped to 32 bits.
    pub fn to_fixed(&self) -> [u8; FIXED_SENSE_BYTES] {
        let mut bytes = [0; FIXED_SENSE_BYTES];
        bytes[0] = if self.deferred {
            FIXED_DEFERRED
        } else {
            FIXED_CURRENT
        };
        if let Some(information) = self.information {
            bytes[0] |= VALID;
            let clipped = information.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
            bytes[3..7].copy_from_slice(&clipped.to_be_bytes());
        }
        bytes[2] = self.key as u8 | self.stream_flags();
        bytes[7] = FIXED_ADDITIONAL_LENGTH;
        bytes[12] = self.code.0;
        bytes[13] = self.code.1;
        bytes[15..18].copy_from_slice(&self.key_specific_bytes());
        bytes
    }

    /// Descriptor format, with only the descriptors that say something.
    pub fn to_descriptor(&self) -> Vec<u8> {
        let code = if self.deferred {
            DESCRIPTOR_DEFERRED
        } else {
            DESCRIPTOR_CURRENT
        };
        let mut bytes = vec![code, self.key as u8, self.code.0, self.code.1, 0, 0, 0, 0];
        if let Some(information) = self.information {
            bytes.extend_from_slice(&[DESCRIPTOR_INFORMATION, 0x0A, VALID, 0]);
            bytes.extend_from_slice(&information.to_be_bytes());
        }
        let key_specific = self.key_specific_bytes();
        if key_specific[0] & SKSV != 0 {
            bytes.extend_from_slice(&[DESCRIPTOR_SENSE_KEY_SPECIFIC, 0x06, 0, 0]);
            bytes.extend_from_slice(&key_specific);
            bytes.push(0);
        }
        let flags = self.stream_flags();
        if flags != 0 {
            bytes.extend_from_slice(&[DESCRIPTOR_STREAM_COMMANDS, 0x02, 0, flags]);
        }
        bytes[7] = (bytes.len() - 8) as u8;
        bytes
    }
}

impl fmt::Display for Sense {
    /// `medium error, write error (3/0C/00)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.deferred {
            f.write_str("deferred ")?;
        }
        f.write_str(self.key.text())?;
        if let Some(text) = self.code.text() {
            write!(f, ", {text}")?;
        }
        write!(
            f,
            " ({:X}/{:02X}/{:02X})",
            self.key as u8, self.code.0, self.code.1
        )
    }
}
