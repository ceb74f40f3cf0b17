//! Making blobs.

use super::{BLOB_HEADER_BYTES, BlobKind, ENCRYPTED_BLOB_HEADER_BYTES, MAX_PLAIN_BYTES};
use crate::compression::Compressor;
use crate::crypt::{CryptKey, IV_BYTES};
use crate::error::{FormatError, Result};

/// How a blob is encrypted.
#[derive(Debug, Clone, Copy)]
pub struct Encryption<'a> {
    /// The key.
    pub key: &'a CryptKey,
    /// Random, and never used with this key before.
    pub iv: [u8; IV_BYTES],
}

/// Encodes any number of blobs with the same contexts.
pub struct BlobEncoder {
    compressor: Compressor,
}

impl BlobEncoder {
    /// Makes the compression context.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] when there is no memory for it.
    pub fn new() -> Result<Self> {
        Ok(Self {
            compressor: Compressor::new()?,
        })
    }

    /// Replaces the content of `out` by the blob of `plain`.
    ///
    /// With `compress`, the compressed form is used where it is strictly smaller: a streaming frame in an unencrypted
    /// blob, a one-shot frame in an encrypted one, both level 1 (datastore.md 4). wasm32 builds never compress.
    /// Releases from 3.2.8 on choose slightly differently (since-3.2.4.md F12); every reader takes either form.
    ///
    /// # Errors
    /// [`FormatError::TooLarge`] above [`MAX_PLAIN_BYTES`].
    pub fn encode_into(
        &mut self,
        plain: &[u8],
        compress: bool,
        encryption: Option<Encryption<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let found = plain.len() as u64;
        if found > MAX_PLAIN_BYTES {
            return Err(FormatError::TooLarge {
                what: "plain data of a blob in bytes",
                found,
                limit: MAX_PLAIN_BYTES,
            });
        }
        out.clear();
        match encryption {
            None => self.encode_plain(plain, compress, out),
            Some(encryption) => self.encode_encrypted(plain, compress, encryption, out),
        }
    }

    fn encode_plain(&mut self, plain: &[u8], compress: bool, out: &mut Vec<u8>) -> Result<()> {
        out.resize(BLOB_HEADER_BYTES, 0);
        let compressed = compress && self.compressor.compress_streaming(plain, out)?;
        if !compressed {
            out.extend_from_slice(plain);
        }
        let kind = if compressed {
            BlobKind::Zstd
        } else {
            BlobKind::Plain
        };
        write_header(kind, out);
        Ok(())
    }

    fn encode_encrypted(
        &mut self,
        plain: &[u8],
        compress: bool,
        encryption: Encryption<'_>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        out.resize(ENCRYPTED_BLOB_HEADER_BYTES, 0);
        let compressed = compress && self.compressor.compress_one_shot(plain, out)?;
        if !compressed {
            out.extend_from_slice(plain);
        }
        let (header, payload) = out.split_at_mut(ENCRYPTED_BLOB_HEADER_BYTES);
        let tag = encryption.key.encrypt_in_place(&encryption.iv, payload)?;
        let (iv_place, tag_place) = header[BLOB_HEADER_BYTES..].split_at_mut(IV_BYTES);
        iv_place.copy_from_slice(&encryption.iv);
        tag_place.copy_from_slice(&tag);
        write_header(
            if compressed {
                BlobKind::EncryptedZstd
            } else {
                BlobKind::Encrypted
            },
            out,
        );
        Ok(())
    }
}

fn write_header(kind: BlobKind, blob: &mut [u8]) {
    let crc = crc32fast::hash(&blob[kind.header_bytes()..]);
    blob[..8].copy_from_slice(&kind.magic());
    blob[8..BLOB_HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
}
