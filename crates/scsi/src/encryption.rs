//! Encryption in the drive: the tape data encryption security protocol, 20h (SSC-3 8.5; scsi.md 2.19).

use std::fmt;

use crate::opcode::OperationCode;
use crate::transport::Cdb;

/// Security protocol of tape data encryption.
pub const PROTOCOL_TAPE_ENCRYPTION: u8 = 0x20;
/// Data encryption capabilities page (IN).
pub const PAGE_CAPABILITIES: u16 = 0x0010;
/// Data encryption status page (IN).
pub const PAGE_STATUS: u16 = 0x0020;
/// Set data encryption page (OUT).
pub const PAGE_SET_ENCRYPTION: u16 = 0x0010;
/// Room for answers. A multiple of 4: some drives refuse others (since-3.2.4.md B6).
pub const ALLOCATION: u32 = 8192;
/// Length of an AES-256 key.
pub const KEY_BYTES: usize = 32;

/// SECURITY PROTOCOL IN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityProtocolIn {
    /// Page of protocol 20h.
    pub page: u16,
    /// Room for the answer in bytes.
    pub allocation: u32,
}

impl SecurityProtocolIn {
    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let mut bytes = [0; 12];
        bytes[0] = OperationCode::SECURITY_PROTOCOL_IN.0;
        bytes[1] = PROTOCOL_TAPE_ENCRYPTION;
        bytes[2..4].copy_from_slice(&self.page.to_be_bytes());
        bytes[6..10].copy_from_slice(&self.allocation.to_be_bytes());
        Cdb::new(bytes)
    }
}

/// SECURITY PROTOCOL OUT with the set data encryption page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityProtocolOut {
    /// Bytes of the parameter list.
    pub length: u32,
}

impl SecurityProtocolOut {
    /// Bytes for the device.
    pub fn cdb(&self) -> Cdb {
        let mut bytes = [0; 12];
        bytes[0] = OperationCode::SECURITY_PROTOCOL_OUT.0;
        bytes[1] = PROTOCOL_TAPE_ENCRYPTION;
        bytes[2..4].copy_from_slice(&PAGE_SET_ENCRYPTION.to_be_bytes());
        bytes[6..10].copy_from_slice(&self.length.to_be_bytes());
        Cdb::new(bytes)
    }
}

/// Pages that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedEncryptionPage {
    /// Fewer bytes than needed.
    #[error("encryption page cut off: {received} bytes, {announced} announced")]
    TooShort {
        /// Bytes there are.
        received: usize,
        /// Bytes there should be.
        announced: usize,
    },
    /// Another page than the one asked for.
    #[error("encryption page {found:04X}h instead of {wanted:04X}h")]
    OtherPage {
        /// Asked for.
        wanted: u16,
        /// Received.
        found: u16,
    },
    /// An algorithm descriptor of another length.
    #[error("encryption algorithm descriptor of {0} bytes")]
    DescriptorLength(usize),
    /// A combination of modes that no standard knows.
    #[error("unknown encryption modes: encrypting {encrypt}, decrypting {decrypt}")]
    Modes {
        /// Encryption mode.
        encrypt: u8,
        /// Decryption mode.
        decrypt: u8,
    },
}

const PAGE_HEADER_BYTES: usize = 4;
/// Capabilities: descriptors begin here.
const CAPABILITIES_HEADER_BYTES: usize = 20;
const ALGORITHM_DESCRIPTOR_BYTES: usize = 24;
/// Descriptor bytes 2-3 count what follows.
const ALGORITHM_DESCRIPTOR_LENGTH: u16 = 0x0014;
/// Descriptor byte 4: DECRYPT_C and ENCRYPT_C both "in hardware".
const CAPABILITY_MASK: u8 = 0x0F;
const IN_HARDWARE: u8 = 0x0A;
/// Security algorithm code of AES-256-GCM (SPC-4 table 105).
const ALGORITHM_AES_256_GCM: u32 = 0x0001_0014;

/// Checks page code and length, and gives the page cut to its announced length.
fn page_body(wanted: u16, minimum: usize, bytes: &[u8]) -> Result<&[u8], MalformedEncryptionPage> {
    let received = bytes.len();
    let Some(header) = bytes.get(..PAGE_HEADER_BYTES) else {
        return Err(MalformedEncryptionPage::TooShort {
            received,
            announced: PAGE_HEADER_BYTES,
        });
    };
    let found = u16::from_be_bytes([header[0], header[1]]);
    if found != wanted {
        return Err(MalformedEncryptionPage::OtherPage { wanted, found });
    }
    let announced = PAGE_HEADER_BYTES + usize::from(u16::from_be_bytes([header[2], header[3]]));
    let body = &bytes[..announced.min(received)];
    if body.len() < minimum {
        return Err(MalformedEncryptionPage::TooShort {
            received,
            announced: minimum,
        });
    }
    Ok(body)
}

/// Index of the drive's AES-256-GCM algorithm; `None` if it has none.
pub fn parse_capabilities(bytes: &[u8]) -> Result<Option<u8>, MalformedEncryptionPage> {
    let page = page_body(PAGE_CAPABILITIES, CAPABILITIES_HEADER_BYTES, bytes)?;
    for descriptor in page[CAPABILITIES_HEADER_BYTES..].chunks(ALGORITHM_DESCRIPTOR_BYTES) {
        if descriptor.len() < ALGORITHM_DESCRIPTOR_BYTES {
            return Err(MalformedEncryptionPage::DescriptorLength(descriptor.len()));
        }
        let length = u16::from_be_bytes([descriptor[2], descriptor[3]]);
        if length != ALGORITHM_DESCRIPTOR_LENGTH {
            return Err(MalformedEncryptionPage::DescriptorLength(
                usize::from(length) + PAGE_HEADER_BYTES,
            ));
        }
        let key_bytes = u16::from_be_bytes([descriptor[10], descriptor[11]]);
        let code = u32::from_be_bytes([
            descriptor[20],
            descriptor[21],
            descriptor[22],
            descriptor[23],
        ]);
        let in_hardware = descriptor[4] & CAPABILITY_MASK == IN_HARDWARE;
        if in_hardware && usize::from(key_bytes) == KEY_BYTES && code == ALGORITHM_AES_256_GCM {
            return Ok(Some(descriptor[0]));
        }
    }
    Ok(None)
}

/// What the drive does with data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptionMode {
    /// Neither encrypts nor decrypts.
    Off,
    /// Encrypts; gives encrypted blocks as they are.
    RawRead,
    /// Encrypts and decrypts; plain blocks are errors.
    On,
    /// Encrypts; reads encrypted and plain blocks.
    Mixed,
}

impl EncryptionMode {
    /// Name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            EncryptionMode::Off => "off",
            EncryptionMode::RawRead => "raw read",
            EncryptionMode::On => "on",
            EncryptionMode::Mixed => "mixed",
        }
    }
}

impl fmt::Display for EncryptionMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Encryption and decryption modes (SSC-3 tables 157, 158).
const ENCRYPT_OFF: u8 = 0;
const ENCRYPT_ON: u8 = 2;
const DECRYPT_OFF: u8 = 0;
const DECRYPT_RAW: u8 = 1;
const DECRYPT_ON: u8 = 2;
const DECRYPT_MIXED: u8 = 3;
/// Status page: bytes that are looked at.
const STATUS_BYTES: usize = 12;

/// Mode of the data encryption status page.
pub fn parse_status(bytes: &[u8]) -> Result<EncryptionMode, MalformedEncryptionPage> {
    let page = page_body(PAGE_STATUS, STATUS_BYTES, bytes)?;
    match (page[5], page[6]) {
        (ENCRYPT_OFF, DECRYPT_OFF) => Ok(EncryptionMode::Off),
        (ENCRYPT_ON, DECRYPT_RAW) => Ok(EncryptionMode::RawRead),
        (ENCRYPT_ON, DECRYPT_ON) => Ok(EncryptionMode::On),
        (ENCRYPT_ON, DECRYPT_MIXED) => Ok(EncryptionMode::Mixed),
        (encrypt, decrypt) => Err(MalformedEncryptionPage::Modes { encrypt, decrypt }),
    }
}

/// Set data encryption page without a key.
pub const DISABLE_BYTES: usize = 20;
/// Set data encryption page with a key.
pub const ENABLE_BYTES: usize = DISABLE_BYTES + KEY_BYTES;
/// Byte 4: scope "all I_T nexus".
const SCOPE_ALL_NEXUS: u8 = 0x40;

fn set_page<const N: usize>(modes: (u8, u8), algorithm: u8) -> [u8; N] {
    let mut bytes = [0; N];
    bytes[..2].copy_from_slice(&PAGE_SET_ENCRYPTION.to_be_bytes());
    bytes[2..4].copy_from_slice(&((N - PAGE_HEADER_BYTES) as u16).to_be_bytes());
    bytes[4] = SCOPE_ALL_NEXUS;
    (bytes[6], bytes[7]) = modes;
    bytes[8] = algorithm;
    bytes
}

/// Parameter list that switches encryption on: encrypt what is written, read both encrypted and plain blocks. Holds the key:
/// the caller wipes it.
pub fn enable_page(algorithm: u8, key: &[u8; KEY_BYTES]) -> [u8; ENABLE_BYTES] {
    let mut bytes = set_page::<ENABLE_BYTES>((ENCRYPT_ON, DECRYPT_MIXED), algorithm);
    bytes[18..20].copy_from_slice(&(KEY_BYTES as u16).to_be_bytes());
    bytes[20..].copy_from_slice(key);
    bytes
}

/// Parameter list that switches encryption off and makes the drive forget the key.
pub fn disable_page(algorithm: u8) -> [u8; DISABLE_BYTES] {
    set_page((ENCRYPT_OFF, DECRYPT_OFF), algorithm)
}
