//! `DataBlob`: the envelope of every chunk and of every `.blob` file (datastore.md 4).
//!
//! [`BlobRef`] looks at bytes that lie somewhere else, [`Blob`] owns them, [`BlobEncoder`] makes them and
//! [`BlobVerifier`] checks one that arrives in slices. Encoded blobs equal PBS's byte for byte.

mod decode;
mod encode;
mod verify;

pub use decode::BlobDecoder;
pub use encode::{BlobEncoder, Encryption};
pub use verify::{BlobReport, BlobVerifier};

use crate::crypt::{CryptKey, IV_BYTES, TAG_BYTES};
use crate::digest::Digest;
use crate::error::{FormatError, Result};
use crate::magic::{self, Magic};

const WHAT: &str = "blob";

/// Magic and CRC: the whole header of an unencrypted blob.
pub const BLOB_HEADER_BYTES: usize = 12;
/// The same, IV and tag: the header of an encrypted blob.
pub const ENCRYPTED_BLOB_HEADER_BYTES: usize = BLOB_HEADER_BYTES + IV_BYTES + TAG_BYTES;
/// Most plain bytes in one blob; encoders refuse more.
pub const MAX_PLAIN_BYTES: u64 = 128 << 20;
/// Most bytes of one blob with its header; to be checked before memory is taken for a blob of a claimed length.
pub const MAX_BLOB_BYTES: u64 = MAX_PLAIN_BYTES + ENCRYPTED_BLOB_HEADER_BYTES as u64;
/// Most plain bytes in one chunk that a PBS server accepts.
pub const MAX_CHUNK_BYTES: u64 = 16 << 20;

/// What a blob's magic number says about its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlobKind {
    /// Plain data as it is.
    Plain,
    /// zstd compressed.
    Zstd,
    /// AES-256-GCM encrypted.
    Encrypted,
    /// zstd compressed, then encrypted.
    EncryptedZstd,
}

impl BlobKind {
    /// All four kinds.
    pub const ALL: [Self; 4] = [
        Self::Plain,
        Self::Zstd,
        Self::Encrypted,
        Self::EncryptedZstd,
    ];

    /// The first eight bytes of a blob of this kind.
    pub const fn magic(self) -> Magic {
        match self {
            Self::Plain => magic::BLOB_PLAIN_1_0,
            Self::Zstd => magic::BLOB_ZSTD_1_0,
            Self::Encrypted => magic::BLOB_ENCRYPTED_1_0,
            Self::EncryptedZstd => magic::BLOB_ZSTD_ENCRYPTED_1_0,
        }
    }

    /// The kind with these first eight bytes.
    pub fn from_magic(magic: &Magic) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.magic() == *magic)
    }

    /// Whether the payload is encrypted.
    pub const fn is_encrypted(self) -> bool {
        matches!(self, Self::Encrypted | Self::EncryptedZstd)
    }

    /// Whether the payload is compressed.
    pub const fn is_compressed(self) -> bool {
        matches!(self, Self::Zstd | Self::EncryptedZstd)
    }

    /// Bytes before the payload; the CRC covers what follows them.
    pub const fn header_bytes(self) -> usize {
        if self.is_encrypted() {
            ENCRYPTED_BLOB_HEADER_BYTES
        } else {
            BLOB_HEADER_BYTES
        }
    }
}

/// Lengths before and at the CRC, read from the first bytes of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobHeader {
    /// Kind of the blob.
    pub kind: BlobKind,
    /// CRC-32 stored in the header.
    pub crc: u32,
}

impl BlobHeader {
    /// Reads magic and CRC from the first [`BLOB_HEADER_BYTES`] of a blob.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] or [`FormatError::BadMagic`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let Some((magic, [a, b, c, d, ..])) = bytes.split_first_chunk() else {
            FormatError::need(WHAT, bytes, BLOB_HEADER_BYTES)?;
            return Err(FormatError::invalid(WHAT, "has no header"));
        };
        let kind = BlobKind::from_magic(magic).ok_or(FormatError::BadMagic {
            what: WHAT,
            found: *magic,
        })?;
        Ok(Self {
            kind,
            crc: u32::from_le_bytes([*a, *b, *c, *d]),
        })
    }
}

/// A blob that lies in someone else's memory. Header and length are sound; the payload is unchecked.
#[derive(Clone, Copy)]
pub struct BlobRef<'a> {
    bytes: &'a [u8],
    header: BlobHeader,
}

impl<'a> BlobRef<'a> {
    /// Takes `bytes` as a whole blob.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] when shorter than its header, [`FormatError::BadMagic`] for an unknown kind,
    /// [`FormatError::TooLarge`] above [`MAX_BLOB_BYTES`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let header = BlobHeader::parse(bytes)?;
        FormatError::need(WHAT, bytes, header.kind.header_bytes())?;
        let found = bytes.len() as u64;
        if found > MAX_BLOB_BYTES {
            return Err(FormatError::TooLarge {
                what: "blob size in bytes",
                found,
                limit: MAX_BLOB_BYTES,
            });
        }
        Ok(Self { bytes, header })
    }

    /// Kind of the blob.
    pub fn kind(&self) -> BlobKind {
        self.header.kind
    }

    /// The whole blob, header included.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What follows the header: plain, compressed or encrypted.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[self.kind().header_bytes()..]
    }

    /// IV and tag of an encrypted blob.
    pub fn iv_and_tag(&self) -> Option<(&'a [u8; IV_BYTES], &'a [u8; TAG_BYTES])> {
        if !self.kind().is_encrypted() {
            return None;
        }
        let (iv, rest) = self.bytes[BLOB_HEADER_BYTES..].split_first_chunk()?;
        Some((iv, rest.first_chunk()?))
    }

    /// CRC-32 in the header.
    pub fn stored_crc(&self) -> u32 {
        self.header.crc
    }

    /// Compares the CRC of the payload with the header. IV and tag are not covered by it.
    ///
    /// # Errors
    /// [`FormatError::BadCrc`].
    pub fn check_crc(&self) -> Result<()> {
        check_crc(self.header.crc, crc32fast::hash(self.payload()))
    }

    /// Checks the CRC and returns the plain data, at most `limit` bytes ([`MAX_PLAIN_BYTES`] at the most).
    ///
    /// Loops over many blobs are faster with a [`BlobDecoder`], which keeps its contexts.
    ///
    /// # Errors
    /// CRC, decompression or authentication failure, [`FormatError::KeyRequired`], [`FormatError::TooLarge`].
    pub fn decode(&self, key: Option<&CryptKey>, limit: u64) -> Result<Vec<u8>> {
        let mut plain = Vec::new();
        BlobDecoder::new()?.decode_into(*self, key, limit, &mut plain)?;
        Ok(plain)
    }
}

impl std::fmt::Debug for BlobRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BlobRef({:?}, {} bytes)", self.kind(), self.bytes.len())
    }
}

/// A blob with its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob(Vec<u8>);

impl Blob {
    /// Takes `bytes` as a whole blob.
    ///
    /// # Errors
    /// As [`BlobRef::parse`].
    pub fn parse(bytes: Vec<u8>) -> Result<Self> {
        BlobRef::parse(&bytes)?;
        Ok(Self(bytes))
    }

    /// Encodes `plain` once; see [`BlobEncoder`] for many.
    ///
    /// # Errors
    /// [`FormatError::TooLarge`] above [`MAX_PLAIN_BYTES`].
    pub fn encode(
        plain: &[u8],
        compress: bool,
        encryption: Option<Encryption<'_>>,
    ) -> Result<Self> {
        let mut bytes = Vec::new();
        BlobEncoder::new()?.encode_into(plain, compress, encryption, &mut bytes)?;
        Ok(Self(bytes))
    }

    /// The bytes of the blob, header included.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes of the blob, header included.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// SHA-256 of the whole blob: the `csum` of a `.blob` file in a manifest.
    pub fn file_digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    /// Kind, payload and decoding.
    ///
    /// # Errors
    /// None in practice: the bytes were parsed when the blob was made.
    pub fn view(&self) -> Result<BlobRef<'_>> {
        BlobRef::parse(&self.0)
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

fn check_crc(stored: u32, computed: u32) -> Result<()> {
    if stored == computed {
        Ok(())
    } else {
        Err(FormatError::BadCrc {
            what: WHAT,
            stored,
            computed,
        })
    }
}

#[cfg(test)]
mod tests;
