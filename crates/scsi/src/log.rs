//! LOG SENSE pages of a tape drive (SPC-3 6.6, 7.2; ADC-2 for 11h and 12h; SSC-3 8.2 for 17h; scsi.md 2.15).

use crate::alert::AlertFlags;
use crate::command::bit;
use crate::opcode::OperationCode;
use crate::transport::Cdb;

/// Supported log pages (SPC-3 7.2.11).
pub const PAGE_SUPPORTED: u8 = 0x00;
/// DT device status (ADC-2 6.1.2).
pub const PAGE_DEVICE_STATUS: u8 = 0x11;
/// TapeAlert response (ADC-2 6.1.3): the flags, without clearing them.
pub const PAGE_TAPE_ALERT_RESPONSE: u8 = 0x12;
/// Volume statistics (SSC-3 8.2.7).
pub const PAGE_VOLUME_STATISTICS: u8 = 0x17;
/// TapeAlert (SSC-3 8.2.3): reading it clears the flags.
pub const PAGE_TAPE_ALERT: u8 = 0x2E;

/// Room for the answers.
pub const DEVICE_STATUS_ALLOCATION: u16 = 8192;
/// Room for the answer.
pub const TAPE_ALERT_RESPONSE_ALLOCATION: u16 = 512;
/// Room for the answer.
pub const VOLUME_STATISTICS_ALLOCATION: u16 = 8192;

/// Byte 2 of the CDB: cumulative values.
const CUMULATIVE: u8 = 0x40;
const PAGE_CODE_MASK: u8 = 0x3F;
const HEADER_BYTES: usize = 4;
const PARAMETER_HEADER_BYTES: usize = 4;
/// Parameter control: binary list, not to be added up.
const FORMAT_BINARY_LIST: u8 = 0x03;
/// Parameter control: ASCII list.
const FORMAT_ASCII_LIST: u8 = 0x01;

/// LOG SENSE, cumulative values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSense {
    /// Page code.
    pub page: u8,
    /// Subpage code.
    pub subpage: u8,
    /// Room for the answer in bytes.
    pub allocation: u16,
}

impl LogSense {
    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let [high, low] = self.allocation.to_be_bytes();
        let page = CUMULATIVE | (self.page & PAGE_CODE_MASK);
        Cdb::new([
            OperationCode::LOG_SENSE.0,
            0,
            page,
            self.subpage,
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
            page: cdb[2] & PAGE_CODE_MASK,
            subpage: cdb[3],
            allocation: u16::from_be_bytes([cdb[7], cdb[8]]),
        }
    }
}

/// A log page that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedLogPage {
    /// Fewer bytes than announced or needed.
    #[error("log page cut off: {received} bytes, {announced} announced")]
    TooShort {
        /// Bytes there are.
        received: usize,
        /// Bytes there should be.
        announced: usize,
    },
    /// Another page than the one asked for.
    #[error("log page {found:02X}h instead of {wanted:02X}h")]
    OtherPage {
        /// Asked for.
        wanted: u8,
        /// Received.
        found: u8,
    },
    /// A parameter that must be there is not, or has the wrong length.
    #[error("log page {page:02X}h: {what}")]
    Parameter {
        /// The page.
        page: u8,
        /// What is wrong.
        what: String,
    },
}

/// One parameter of a log page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogParameter<'a> {
    /// Parameter code.
    pub code: u16,
    /// The value.
    pub value: &'a [u8],
}

/// Checks the page header and gives the parameters. Bytes behind the announced length are ignored.
pub fn parameters(page: u8, bytes: &[u8]) -> Result<Parameters<'_>, MalformedLogPage> {
    let received = bytes.len();
    let Some(header) = bytes.get(..HEADER_BYTES) else {
        return Err(MalformedLogPage::TooShort {
            received,
            announced: HEADER_BYTES,
        });
    };
    let found = header[0] & PAGE_CODE_MASK;
    if found != page {
        return Err(MalformedLogPage::OtherPage {
            wanted: page,
            found,
        });
    }
    let announced = HEADER_BYTES + usize::from(u16::from_be_bytes([header[2], header[3]]));
    let rest = bytes
        .get(HEADER_BYTES..announced)
        .ok_or(MalformedLogPage::TooShort {
            received,
            announced,
        })?;
    Ok(Parameters { page, rest })
}

/// Iterator over the parameters of a page; a parameter that is cut off is an error and ends it.
#[derive(Clone, Debug)]
pub struct Parameters<'a> {
    page: u8,
    rest: &'a [u8],
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Result<LogParameter<'a>, MalformedLogPage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let rest = std::mem::take(&mut self.rest);
        let cut = |what: &str| MalformedLogPage::Parameter {
            page: self.page,
            what: what.to_owned(),
        };
        let [high, low, _control, length, tail @ ..] = rest else {
            return Some(Err(cut("parameter header cut off")));
        };
        let Some(value) = tail.get(..usize::from(*length)) else {
            return Some(Err(cut("parameter value cut off")));
        };
        self.rest = &rest[PARAMETER_HEADER_BYTES + value.len()..];
        Some(Ok(LogParameter {
            code: u16::from_be_bytes([*high, *low]),
            value,
        }))
    }
}

/// Builds a page out of parameters.
#[derive(Clone, Debug)]
pub struct PageBuilder {
    bytes: Vec<u8>,
}

impl PageBuilder {
    /// An empty page.
    pub fn new(page: u8) -> Self {
        Self {
            bytes: vec![page & PAGE_CODE_MASK, 0, 0, 0],
        }
    }

    /// Adds a binary parameter of at most 255 bytes.
    #[must_use]
    pub fn binary(self, code: u16, value: &[u8]) -> Self {
        self.parameter(code, FORMAT_BINARY_LIST, value)
    }

    /// Adds an ASCII parameter of at most 255 bytes.
    #[must_use]
    pub fn ascii(self, code: u16, value: &[u8]) -> Self {
        self.parameter(code, FORMAT_ASCII_LIST, value)
    }

    fn parameter(mut self, code: u16, control: u8, value: &[u8]) -> Self {
        let value = &value[..value.len().min(usize::from(u8::MAX))];
        let [high, low] = code.to_be_bytes();
        self.bytes
            .extend_from_slice(&[high, low, control, value.len() as u8]);
        self.bytes.extend_from_slice(value);
        self
    }

    /// The page.
    pub fn finish(mut self) -> Vec<u8> {
        let length = (self.bytes.len() - HEADER_BYTES).min(usize::from(u16::MAX)) as u16;
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
        self.bytes
    }
}

/// What the drive is doing (ADC-2 table 20).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Activity {
    /// 00h
    NoActivity = 0x00,
    /// 01h
    Cleaning = 0x01,
    /// 02h
    Loading = 0x02,
    /// 03h
    Unloading = 0x03,
    /// 04h
    Other = 0x04,
    /// 05h
    Reading = 0x05,
    /// 06h
    Writing = 0x06,
    /// 07h
    Locating = 0x07,
    /// 08h
    Rewinding = 0x08,
    /// 09h
    Erasing = 0x09,
    /// 0Ah
    Formatting = 0x0A,
    /// 0Bh: a fresh LTO-9 tape is being measured.
    Calibrating = 0x0B,
    /// 0Ch
    OtherDt = 0x0C,
    /// 0Dh
    MicrocodeUpdate = 0x0D,
    /// 0Eh
    ReadingEncrypted = 0x0E,
    /// 0Fh
    WritingEncrypted = 0x0F,
}

impl Activity {
    /// Name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Activity::NoActivity => "no-activity",
            Activity::Cleaning => "cleaning",
            Activity::Loading => "loading",
            Activity::Unloading => "unloading",
            Activity::Other => "other",
            Activity::Reading => "reading",
            Activity::Writing => "writing",
            Activity::Locating => "locating",
            Activity::Rewinding => "rewinding",
            Activity::Erasing => "erasing",
            Activity::Formatting => "formatting",
            Activity::Calibrating => "calibrating",
            Activity::OtherDt => "other-dt",
            Activity::MicrocodeUpdate => "microcode-update",
            Activity::ReadingEncrypted => "reading-encrypted",
            Activity::WritingEncrypted => "writing-encrypted",
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0x00 => Activity::NoActivity,
            0x01 => Activity::Cleaning,
            0x02 => Activity::Loading,
            0x03 => Activity::Unloading,
            0x04 => Activity::Other,
            0x05 => Activity::Reading,
            0x06 => Activity::Writing,
            0x07 => Activity::Locating,
            0x08 => Activity::Rewinding,
            0x09 => Activity::Erasing,
            0x0A => Activity::Formatting,
            0x0B => Activity::Calibrating,
            0x0C => Activity::OtherDt,
            0x0D => Activity::MicrocodeUpdate,
            0x0E => Activity::ReadingEncrypted,
            0x0F => Activity::WritingEncrypted,
            _ => return None,
        })
    }
}

/// DT device status page: the drive's very high frequency data (ADC-2 6.1.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceStatus {
    /// The host started the unload that is pending.
    pub host_initiated_unload: bool,
    /// Cartridge memory can be read.
    pub memory_accessible: bool,
    /// Compression is on.
    pub compression: bool,
    /// The mounted tape is write protected.
    pub write_protected: bool,
    /// Cleaning is requested.
    pub cleaning_requested: bool,
    /// Cleaning is required.
    pub cleaning_required: bool,
    /// A cartridge is in the drive.
    pub medium_present: bool,
    /// The tape is mounted.
    pub mounted: bool,
    /// What it is doing.
    pub activity: Activity,
    /// TapeAlert flags have changed.
    pub alert_changed: bool,
}

const PARAMETER_VHF: u16 = 0x0000;
const VHF_BYTES: usize = 4;
/// VHF byte 0.
const HUI: u8 = 0x40;
const MACC: u8 = 0x20;
const CMPR: u8 = 0x10;
const WRTP: u8 = 0x08;
const CRQST: u8 = 0x04;
const CRQRD: u8 = 0x02;
const DINIT: u8 = 0x01;
/// VHF byte 1.
const MPRSNT: u8 = 0x10;
const MSTD: u8 = 0x04;
const MTHRD: u8 = 0x02;
const MOUNTED: u8 = 0x01;
/// VHF byte 3.
const TAFC: u8 = 0x01;

impl DeviceStatus {
    /// Parses log page 11h.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedLogPage> {
        let error = |what: &str| MalformedLogPage::Parameter {
            page: PAGE_DEVICE_STATUS,
            what: what.to_owned(),
        };
        for parameter in parameters(PAGE_DEVICE_STATUS, bytes)? {
            let parameter = parameter?;
            if parameter.code != PARAMETER_VHF {
                continue;
            }
            let &[flags, medium, activity, more] = parameter.value else {
                return Err(error("device status of wrong length"));
            };
            if flags & DINIT == 0 {
                return Err(error("device status not initialised yet"));
            }
            return Ok(Self {
                host_initiated_unload: flags & HUI != 0,
                memory_accessible: flags & MACC != 0,
                compression: flags & CMPR != 0,
                write_protected: flags & WRTP != 0,
                cleaning_requested: flags & CRQST != 0,
                cleaning_required: flags & CRQRD != 0,
                medium_present: medium & MPRSNT != 0,
                mounted: medium & MOUNTED != 0,
                activity: Activity::from_code(activity)
                    .ok_or_else(|| error("unknown drive activity"))?,
                alert_changed: more & TAFC != 0,
            });
        }
        Err(error("no device status"))
    }

    /// Log page 11h.
    pub fn to_page(&self) -> Vec<u8> {
        let flags = DINIT
            | bit(self.host_initiated_unload, HUI)
            | bit(self.memory_accessible, MACC)
            | bit(self.compression, CMPR)
            | bit(self.write_protected, WRTP)
            | bit(self.cleaning_requested, CRQST)
            | bit(self.cleaning_required, CRQRD);
        let medium = bit(self.medium_present, MPRSNT) | bit(self.mounted, MSTD | MTHRD | MOUNTED);
        let vhf: [u8; VHF_BYTES] = [
            flags,
            medium,
            self.activity as u8,
            bit(self.alert_changed, TAFC),
        ];
        PageBuilder::new(PAGE_DEVICE_STATUS)
            .binary(PARAMETER_VHF, &vhf)
            .finish()
    }
}

/// Parameter 0000h of page 12h: 64 flags.
const PARAMETER_FLAGS: u16 = 0x0000;

/// Parses log page 12h.
pub fn parse_alert_flags(bytes: &[u8]) -> Result<AlertFlags, MalformedLogPage> {
    for parameter in parameters(PAGE_TAPE_ALERT_RESPONSE, bytes)? {
        let parameter = parameter?;
        if parameter.code == PARAMETER_FLAGS {
            if let Ok(flags) = <[u8; 8]>::try_from(parameter.value) {
                return Ok(AlertFlags::from_page_bytes(flags));
            }
        }
    }
    Err(MalformedLogPage::Parameter {
        page: PAGE_TAPE_ALERT_RESPONSE,
        what: "no TapeAlert flags".to_owned(),
    })
}

/// Log page 12h.
pub fn alert_flags_page(flags: AlertFlags) -> Vec<u8> {
    PageBuilder::new(PAGE_TAPE_ALERT_RESPONSE)
        .binary(PARAMETER_FLAGS, &flags.to_page_bytes())
        .finish()
}
