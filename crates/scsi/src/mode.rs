//! MODE SENSE and MODE SELECT: the drive's settings (SPC-3 6.7 to 6.10, 7.4; SSC-3 8.3; scsi.md 2.5).
//!
//! Settings are changed by read-modify-write of the page as the drive sent it, so bits this crate does not know survive.

use crate::command::{MAX_U24, bit, u24, u24_bytes};
use crate::opcode::OperationCode;
use crate::transport::Cdb;

/// Room for the answer to MODE SENSE(10).
pub const MODE_SENSE_10_ALLOCATION: u16 = 4096;
/// Room for the answer to MODE SENSE(6).
pub const MODE_SENSE_6_ALLOCATION: u8 = 255;

/// Page codes with their subpages.
pub mod page {
    use super::PageCode;

    /// No page: header and block descriptor alone. Vendor specific in SPC-3 7.4.5; LTO drives answer so, and the st driver of
    /// Linux takes block length, density and write protection from it. Known to targets only.
    pub const NONE: PageCode = PageCode {
        page: 0x00,
        subpage: 0x00,
    };
    /// Read-write error recovery (SSC-3 8.3.5). Known to targets only.
    pub const ERROR_RECOVERY: PageCode = PageCode {
        page: 0x01,
        subpage: 0x00,
    };
    /// Disconnect-reconnect (SPC-3 7.4.8). Known to targets only.
    pub const DISCONNECT_RECONNECT: PageCode = PageCode {
        page: 0x02,
        subpage: 0x00,
    };
    /// Control (SPC-3 7.4.6).
    pub const CONTROL: PageCode = PageCode {
        page: 0x0A,
        subpage: 0x00,
    };
    /// Data compression (SSC-3 8.3.2).
    pub const DATA_COMPRESSION: PageCode = PageCode {
        page: 0x0F,
        subpage: 0x00,
    };
    /// Device configuration (SSC-3 8.3.3).
    pub const DEVICE_CONFIGURATION: PageCode = PageCode {
        page: 0x10,
        subpage: 0x00,
    };
    /// Device configuration extension (SSC-3 8.3.8): programmable early warning.
    pub const DEVICE_CONFIGURATION_EXTENSION: PageCode = PageCode {
        page: 0x10,
        subpage: 0x01,
    };
    /// Medium partition (SSC-3 8.3.4).
    pub const MEDIUM_PARTITION: PageCode = PageCode {
        page: 0x11,
        subpage: 0x00,
    };
    /// Informational exceptions (SSC-3 8.3.6).
    pub const INFORMATIONAL_EXCEPTIONS: PageCode = PageCode {
        page: 0x1C,
        subpage: 0x00,
    };
    /// Medium configuration (SSC-3 8.3.7): WORM.
    pub const MEDIUM_CONFIGURATION: PageCode = PageCode {
        page: 0x1D,
        subpage: 0x00,
    };
    /// Element address assignment (SMC-3 7.3.4): the same code on a changer.
    pub const ELEMENT_ADDRESS_ASSIGNMENT: PageCode = PageCode {
        page: 0x1D,
        subpage: 0x00,
    };
    /// All pages, for MODE SENSE only.
    pub const ALL: PageCode = PageCode {
        page: 0x3F,
        subpage: 0x00,
    };
}

/// A page and subpage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageCode {
    /// Six bits.
    pub page: u8,
    /// 0 is the page itself.
    pub subpage: u8,
}

/// Width of the CDB, which decides the form of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModeForm {
    /// 6-byte commands, 4-byte header.
    Six,
    /// 10-byte commands, 8-byte header.
    Ten,
}

/// Which values MODE SENSE gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageControl {
    /// In use now.
    Current,
    /// A bit set for each that can be changed.
    Changeable,
    /// After power on.
    Default,
    /// Saved by the device.
    Saved,
}

/// Byte 1 of MODE SENSE: no block descriptor.
const DBD: u8 = 0x08;
const PAGE_CODE_MASK: u8 = 0x3F;
const PAGE_CONTROL_SHIFT: u8 = 6;
/// Byte 1 of MODE SELECT: page format.
const PF: u8 = 0x10;
/// Byte 1 of MODE SELECT: save pages.
const SP: u8 = 0x01;
/// Page byte 0: can be saved; reserved in MODE SELECT.
const PS: u8 = 0x80;
/// Page byte 0: subpage format.
const SPF: u8 = 0x40;
/// Device specific parameter (SSC-3 8.3.1).
const WRITE_PROTECT: u8 = 0x80;
const BUFFERED_MODE_SHIFT: u8 = 4;
const BUFFERED_MODE_MASK: u8 = 0x07;
const SPEED_MASK: u8 = 0x0F;
/// Length of a block descriptor (SPC-3 7.4.5).
const BLOCK_DESCRIPTOR_BYTES: usize = 8;

/// MODE SENSE, either width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModeSense {
    /// Width.
    pub form: ModeForm,
    /// Leave the block descriptor out.
    pub disable_block_descriptor: bool,
    /// Which values.
    pub control: PageControl,
    /// Which page.
    pub page: PageCode,
    /// Room for the answer in bytes; 8 bits in the short form.
    pub allocation: u16,
}

impl ModeSense {
    /// Current values of a page with the block descriptor.
    pub fn current(form: ModeForm, page: PageCode) -> Self {
        let allocation = match form {
            ModeForm::Six => u16::from(MODE_SENSE_6_ALLOCATION),
            ModeForm::Ten => MODE_SENSE_10_ALLOCATION,
        };
        Self {
            form,
            disable_block_descriptor: false,
            control: PageControl::Current,
            page,
            allocation,
        }
    }

    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let dbd = bit(self.disable_block_descriptor, DBD);
        let control = match self.control {
            PageControl::Current => 0,
            PageControl::Changeable => 1,
            PageControl::Default => 2,
            PageControl::Saved => 3,
        };
        let page = (control << PAGE_CONTROL_SHIFT) | (self.page.page & PAGE_CODE_MASK);
        let [high, low] = self.allocation.to_be_bytes();
        match self.form {
            ModeForm::Six => Cdb::new([
                OperationCode::MODE_SENSE_6.0,
                dbd,
                page,
                self.page.subpage,
                low,
                0,
            ]),
            ModeForm::Ten => Cdb::new([
                OperationCode::MODE_SENSE_10.0,
                dbd,
                page,
                self.page.subpage,
                0,
                0,
                0,
                high,
                low,
                0,
            ]),
        }
    }

    /// Reads MODE SENSE(6).
    pub fn parse_6(cdb: &[u8; 6]) -> Self {
        Self::parse(ModeForm::Six, [cdb[1], cdb[2], cdb[3]], u16::from(cdb[4]))
    }

    /// Reads MODE SENSE(10).
    pub fn parse_10(cdb: &[u8; 10]) -> Self {
        Self::parse(
            ModeForm::Ten,
            [cdb[1], cdb[2], cdb[3]],
            u16::from_be_bytes([cdb[7], cdb[8]]),
        )
    }

    fn parse(form: ModeForm, bytes: [u8; 3], allocation: u16) -> Self {
        let control = match bytes[1] >> PAGE_CONTROL_SHIFT {
            0 => PageControl::Current,
            1 => PageControl::Changeable,
            2 => PageControl::Default,
            _ => PageControl::Saved,
        };
        let page = PageCode {
            page: bytes[1] & PAGE_CODE_MASK,
            subpage: bytes[2],
        };
        Self {
            form,
            disable_block_descriptor: bytes[0] & DBD != 0,
            control,
            page,
            allocation,
        }
    }
}

/// MODE SELECT, either width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModeSelect {
    /// Width.
    pub form: ModeForm,
    /// Bytes of the parameter list; 8 bits in the short form.
    pub length: u16,
}

impl ModeSelect {
    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let [high, low] = self.length.to_be_bytes();
        match self.form {
            ModeForm::Six => Cdb::new([OperationCode::MODE_SELECT_6.0, PF, 0, 0, low, 0]),
            ModeForm::Ten => Cdb::new([
                OperationCode::MODE_SELECT_10.0,
                PF,
                0,
                0,
                0,
                0,
                0,
                high,
                low,
                0,
            ]),
        }
    }

    /// Reads MODE SELECT(6); `None` if pages are to be saved.
    pub fn parse_6(cdb: &[u8; 6]) -> Option<Self> {
        (cdb[1] & SP == 0).then(|| Self {
            form: ModeForm::Six,
            length: u16::from(cdb[4]),
        })
    }

    /// Reads MODE SELECT(10); `None` if pages are to be saved.
    pub fn parse_10(cdb: &[u8; 10]) -> Option<Self> {
        (cdb[1] & SP == 0).then(|| Self {
            form: ModeForm::Ten,
            length: u16::from_be_bytes([cdb[7], cdb[8]]),
        })
    }
}

/// Block descriptor (SPC-3 7.4.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockDescriptor {
    /// Density code of the medium.
    pub density: u8,
    /// Number of blocks, 24 bits; 0 = all.
    pub blocks: u32,
    /// Fixed block length, 24 bits; 0 = variable.
    pub block_length: u32,
}

/// Mode parameters: header, block descriptor, pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModeParameters {
    /// Medium type (scsi.md 2.16).
    pub medium_type: u8,
    /// The medium cannot be written. Not sent with MODE SELECT.
    pub write_protected: bool,
    /// 0 = not buffered, 1 = buffered.
    pub buffered_mode: u8,
    /// Speed; 0 = default.
    pub speed: u8,
    /// Block descriptor, if there is one.
    pub block: Option<BlockDescriptor>,
    /// The pages as they are on the wire.
    pub pages: Vec<u8>,
}

/// Mode parameters that cannot be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedModeData {
    /// Fewer bytes than the header announces or needs.
    #[error("mode data cut off: {received} bytes, {announced} announced")]
    TooShort {
        /// Bytes there are.
        received: usize,
        /// Bytes there should be.
        announced: usize,
    },
    /// Block descriptors have 8 bytes, and there is one at most.
    #[error("block descriptor length {0}")]
    BlockDescriptorLength(usize),
    /// The page asked for is not the first one.
    #[error("page {found_page:02X}h/{found_subpage:02X}h instead of {:02X}h/{:02X}h", wanted.page, wanted.subpage)]
    OtherPage {
        /// What was asked for.
        wanted: PageCode,
        /// What is there.
        found_page: u8,
        /// What is there.
        found_subpage: u8,
    },
    /// A page has an unexpected length.
    #[error("page of {found} bytes instead of {expected}")]
    PageLength {
        /// Length needed.
        expected: usize,
        /// Length found.
        found: usize,
    },
}

impl ModeForm {
    fn header_bytes(self) -> usize {
        match self {
            ModeForm::Six => 4,
            ModeForm::Ten => 8,
        }
    }

    /// Bytes of the header's length field, which does not count itself.
    fn length_field_bytes(self) -> usize {
        match self {
            ModeForm::Six => 1,
            ModeForm::Ten => 2,
        }
    }
}

impl ModeParameters {
    /// Parses the answer to MODE SENSE. Bytes behind the announced length are ignored: some drives return the whole
    /// allocation (HP half-height LTO-7; test `longer_mode_data_is_cut`).
    pub fn parse_sense(form: ModeForm, bytes: &[u8]) -> Result<Self, MalformedModeData> {
        let announced = match (form, bytes) {
            (ModeForm::Six, [length, ..]) => usize::from(*length),
            (ModeForm::Ten, [high, low, ..]) => usize::from(u16::from_be_bytes([*high, *low])),
            _ => {
                return Err(MalformedModeData::TooShort {
                    received: bytes.len(),
                    announced: form.header_bytes(),
                });
            }
        } + form.length_field_bytes();
        let data = bytes.get(..announced).ok_or(MalformedModeData::TooShort {
            received: bytes.len(),
            announced,
        })?;
        Self::parse_list(form, data)
    }

    /// Parses a parameter list as MODE SELECT carries it: the length field is ignored.
    pub fn parse_list(form: ModeForm, data: &[u8]) -> Result<Self, MalformedModeData> {
        let header_bytes = form.header_bytes();
        let header = data
            .get(..header_bytes)
            .ok_or(MalformedModeData::TooShort {
                received: data.len(),
                announced: header_bytes,
            })?;
        let (medium_type, device_specific, descriptor_bytes) = match form {
            ModeForm::Six => (header[1], header[2], usize::from(header[3])),
            ModeForm::Ten => (
                header[2],
                header[3],
                usize::from(u16::from_be_bytes([header[6], header[7]])),
            ),
        };
        let rest = &data[header_bytes..];
        let (block, pages) = match descriptor_bytes {
            0 => (None, rest),
            BLOCK_DESCRIPTOR_BYTES => match rest.split_first_chunk::<BLOCK_DESCRIPTOR_BYTES>() {
                Some((descriptor, pages)) => (Some(BlockDescriptor::parse(descriptor)), pages),
                None => {
                    let announced = header_bytes + BLOCK_DESCRIPTOR_BYTES;
                    return Err(MalformedModeData::TooShort {
                        received: data.len(),
                        announced,
                    });
                }
            },
            other => return Err(MalformedModeData::BlockDescriptorLength(other)),
        };
        Ok(Self {
            medium_type,
            write_protected: device_specific & WRITE_PROTECT != 0,
            buffered_mode: (device_specific >> BUFFERED_MODE_SHIFT) & BUFFERED_MODE_MASK,
            speed: device_specific & SPEED_MASK,
            block,
            pages: pages.to_vec(),
        })
    }

    /// Answer to MODE SENSE.
    pub fn to_sense_bytes(&self, form: ModeForm) -> Vec<u8> {
        let mut bytes = self.to_list(form, self.write_protected);
        let length = bytes.len() - form.length_field_bytes();
        match form {
            ModeForm::Six => bytes[0] = length.min(usize::from(u8::MAX)) as u8,
            ModeForm::Ten => bytes[..2]
                .copy_from_slice(&(length.min(usize::from(u16::MAX)) as u16).to_be_bytes()),
        }
        bytes
    }

    /// Parameter list for MODE SELECT: length 0, write protect and PS cleared (strict targets refuse them).
    pub fn to_select_bytes(&self, form: ModeForm) -> Vec<u8> {
        let mut bytes = self.to_list(form, false);
        let pages_at = bytes.len() - self.pages.len();
        if let Some(first) = bytes.get_mut(pages_at) {
            *first &= !PS;
        }
        bytes
    }

    fn to_list(&self, form: ModeForm, write_protected: bool) -> Vec<u8> {
        let device_specific = bit(write_protected, WRITE_PROTECT)
            | ((self.buffered_mode & BUFFERED_MODE_MASK) << BUFFERED_MODE_SHIFT)
            | (self.speed & SPEED_MASK);
        let descriptor_bytes = if self.block.is_some() {
            BLOCK_DESCRIPTOR_BYTES as u8
        } else {
            0
        };
        let mut bytes = match form {
            ModeForm::Six => vec![0, self.medium_type, device_specific, descriptor_bytes],
            ModeForm::Ten => vec![
                0,
                0,
                self.medium_type,
                device_specific,
                0,
                0,
                0,
                descriptor_bytes,
            ],
        };
        if let Some(block) = &self.block {
            bytes.extend_from_slice(&block.to_bytes());
        }
        bytes.extend_from_slice(&self.pages);
        bytes
    }

    /// The first page with its header, if it is the wanted one.
    pub fn page(&self, wanted: PageCode) -> Result<&[u8], MalformedModeData> {
        let length = self.page_length(wanted)?;
        Ok(&self.pages[..length])
    }

    /// The same, to be changed in place.
    pub fn page_mut(&mut self, wanted: PageCode) -> Result<&mut [u8], MalformedModeData> {
        let length = self.page_length(wanted)?;
        Ok(&mut self.pages[..length])
    }

    fn page_length(&self, wanted: PageCode) -> Result<usize, MalformedModeData> {
        let received = self.pages.len();
        let (subpage, length) = match self.pages.as_slice() {
            [first, subpage, high, low, ..] if first & SPF != 0 => {
                (*subpage, 4 + usize::from(u16::from_be_bytes([*high, *low])))
            }
            [first, length, ..] if first & SPF == 0 => (0, 2 + usize::from(*length)),
            _ => {
                return Err(MalformedModeData::TooShort {
                    received,
                    announced: 4,
                });
            }
        };
        let found_page = self.pages[0] & PAGE_CODE_MASK;
        if found_page != wanted.page || subpage != wanted.subpage {
            return Err(MalformedModeData::OtherPage {
                wanted,
                found_page,
                found_subpage: subpage,
            });
        }
        if length > received {
            return Err(MalformedModeData::TooShort {
                received,
                announced: length,
            });
        }
        Ok(length)
    }
}

impl BlockDescriptor {
    fn parse(bytes: &[u8; BLOCK_DESCRIPTOR_BYTES]) -> Self {
        Self {
            density: bytes[0],
            blocks: u24([bytes[1], bytes[2], bytes[3]]),
            block_length: u24([bytes[5], bytes[6], bytes[7]]),
        }
    }

    fn to_bytes(self) -> [u8; BLOCK_DESCRIPTOR_BYTES] {
        let [a, b, c] = u24_bytes(self.blocks.min(MAX_U24));
        let [d, e, f] = u24_bytes(self.block_length.min(MAX_U24));
        [self.density, a, b, c, 0, d, e, f]
    }
}

/// Data compression page: 16 bytes with its header.
pub const DATA_COMPRESSION_BYTES: usize = 16;
/// Byte 2 of the data compression page.
const DCE: u8 = 0x80;
const DCC: u8 = 0x40;
/// Byte 3.
const DDE: u8 = 0x80;
/// Compression algorithm of LTO.
const ALGORITHM_LTO: u32 = 1;

/// The data compression page in use.
pub struct DataCompression;

impl DataCompression {
    /// Compression of written data is on.
    pub fn enabled(page: &[u8]) -> Result<bool, MalformedModeData> {
        page.get(2)
            .map(|byte| byte & DCE != 0)
            .ok_or(MalformedModeData::PageLength {
                expected: DATA_COMPRESSION_BYTES,
                found: page.len(),
            })
    }

    /// Switches compression in the page as the drive sent it.
    pub fn set_enabled(page: &mut [u8], enabled: bool) -> Result<(), MalformedModeData> {
        let found = page.len();
        let byte = page.get_mut(2).ok_or(MalformedModeData::PageLength {
            expected: DATA_COMPRESSION_BYTES,
            found,
        })?;
        *byte = (*byte & !DCE) | bit(enabled, DCE);
        Ok(())
    }

    /// The page of an LTO drive, with PS set.
    pub fn to_bytes(enabled: bool) -> [u8; DATA_COMPRESSION_BYTES] {
        let mut bytes = [0; DATA_COMPRESSION_BYTES];
        bytes[0] = PS | page::DATA_COMPRESSION.page;
        bytes[1] = (DATA_COMPRESSION_BYTES - 2) as u8;
        bytes[2] = bit(enabled, DCE) | DCC;
        bytes[3] = DDE;
        bytes[4..8].copy_from_slice(&ALGORITHM_LTO.to_be_bytes());
        bytes[8..12].copy_from_slice(&ALGORITHM_LTO.to_be_bytes());
        bytes
    }
}

/// Device configuration extension page: 32 bytes with its header.
pub const DEVICE_CONFIGURATION_EXTENSION_BYTES: usize = 32;
const EXTENSION_PAGE_LENGTH: u16 = 0x1C;

/// The device configuration extension page: programmable early warning zone.
pub struct ConfigurationExtension;

impl ConfigurationExtension {
    /// Size of the programmable early warning zone in MB.
    pub fn early_warning_mb(page: &[u8]) -> Result<u16, MalformedModeData> {
        Self::check(page)?;
        Ok(u16::from_be_bytes([page[6], page[7]]))
    }

    /// Sets it in the page as the drive sent it.
    pub fn set_early_warning_mb(page: &mut [u8], megabytes: u16) -> Result<(), MalformedModeData> {
        Self::check(page)?;
        page[6..8].copy_from_slice(&megabytes.to_be_bytes());
        Ok(())
    }

    fn check(page: &[u8]) -> Result<(), MalformedModeData> {
        if page.len() == DEVICE_CONFIGURATION_EXTENSION_BYTES {
            return Ok(());
        }
        Err(MalformedModeData::PageLength {
            expected: DEVICE_CONFIGURATION_EXTENSION_BYTES,
            found: page.len(),
        })
    }

    /// The page of an LTO drive.
    pub fn to_bytes(early_warning_mb: u16) -> [u8; DEVICE_CONFIGURATION_EXTENSION_BYTES] {
        let mut bytes = [0; DEVICE_CONFIGURATION_EXTENSION_BYTES];
        let code = page::DEVICE_CONFIGURATION_EXTENSION;
        bytes[0] = SPF | code.page;
        bytes[1] = code.subpage;
        bytes[2..4].copy_from_slice(&EXTENSION_PAGE_LENGTH.to_be_bytes());
        bytes[6..8].copy_from_slice(&early_warning_mb.to_be_bytes());
        bytes
    }
}

/// Medium configuration page: 32 bytes with its header.
pub const MEDIUM_CONFIGURATION_BYTES: usize = 32;
/// Byte 2 of the medium configuration page.
const WORMM: u8 = 0x01;
/// Byte 4: some format labels may be overwritten; byte 5: filemarks right before the end of data but one.
const WORM_LABEL_RESTRICTIONS: u8 = 0x01;
const WORM_FILEMARK_RESTRICTIONS: u8 = 0x02;

/// The medium configuration page: WORM.
pub struct MediumConfiguration;

impl MediumConfiguration {
    /// The mounted medium is write-once.
    pub fn is_worm(page: &[u8]) -> Result<bool, MalformedModeData> {
        if page.len() != MEDIUM_CONFIGURATION_BYTES {
            return Err(MalformedModeData::PageLength {
                expected: MEDIUM_CONFIGURATION_BYTES,
                found: page.len(),
            });
        }
        Ok(page[2] & WORMM != 0)
    }

    /// The page of an LTO drive.
    pub fn to_bytes(worm: bool) -> [u8; MEDIUM_CONFIGURATION_BYTES] {
        let mut bytes = [0; MEDIUM_CONFIGURATION_BYTES];
        bytes[0] = page::MEDIUM_CONFIGURATION.page;
        bytes[1] = (MEDIUM_CONFIGURATION_BYTES - 2) as u8;
        if worm {
            bytes[2] = WORMM;
            bytes[4] = WORM_LABEL_RESTRICTIONS;
            bytes[5] = WORM_FILEMARK_RESTRICTIONS;
        }
        bytes
    }
}

/// Device configuration page: 16 bytes with its header (SSC-3 8.3.3).
pub const DEVICE_CONFIGURATION_BYTES: usize = 16;
/// Byte 8: blocks can be identified (BIS).
const BLOCK_IDENTIFIERS: u8 = 0x40;
/// Byte 14: data is compressed.
const SELECT_COMPRESSION: u8 = 0x01;

/// The device configuration page of an LTO drive.
pub fn device_configuration_bytes(compression: bool) -> [u8; DEVICE_CONFIGURATION_BYTES] {
    let mut bytes = [0; DEVICE_CONFIGURATION_BYTES];
    bytes[0] = page::DEVICE_CONFIGURATION.page;
    bytes[1] = (DEVICE_CONFIGURATION_BYTES - 2) as u8;
    bytes[8] = BLOCK_IDENTIFIERS;
    bytes[14] = bit(compression, SELECT_COMPRESSION);
    bytes
}
