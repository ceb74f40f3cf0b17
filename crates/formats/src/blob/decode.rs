//! Taking blobs apart.

use super::{BlobKind, BlobRef, MAX_PLAIN_BYTES, WHAT};
use crate::compression::Decompressor;
use crate::crypt::{CryptKey, chunk_digest};
use crate::digest::Digest;
use crate::error::{FormatError, Result};

/// Decodes any number of blobs with the same contexts and buffers.
pub struct BlobDecoder {
    decompressor: Decompressor,
    decrypted: Vec<u8>,
}

impl BlobDecoder {
    /// Makes the decompression context.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] when there is no memory for it.
    pub fn new() -> Result<Self> {
        Ok(Self {
            decompressor: Decompressor::new()?,
            decrypted: Vec::new(),
        })
    }

    /// Checks the CRC and replaces the content of `out` by the plain data, at most `limit` bytes
    /// ([`MAX_PLAIN_BYTES`] at the most).
    ///
    /// # Errors
    /// CRC, decompression or authentication failure, [`FormatError::KeyRequired`], [`FormatError::TooLarge`].
    pub fn decode_into(
        &mut self,
        blob: BlobRef<'_>,
        key: Option<&CryptKey>,
        limit: u64,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        blob.check_crc()?;
        let limit = limit.min(MAX_PLAIN_BYTES);
        match blob.kind() {
            BlobKind::Plain => copy_bounded(blob.payload(), limit, out),
            BlobKind::Zstd => self
                .decompressor
                .decompress_into(blob.payload(), limit, out),
            BlobKind::Encrypted => {
                copy_bounded(blob.payload(), limit, out)?;
                decrypt(blob, key, out)
            }
            BlobKind::EncryptedZstd => {
                copy_bounded(blob.payload(), MAX_PLAIN_BYTES, &mut self.decrypted)?;
                decrypt(blob, key, &mut self.decrypted)?;
                self.decompressor
                    .decompress_into(&self.decrypted, limit, out)
            }
        }
    }

    /// Checks a chunk as verification does (datastore.md 10): CRC, then content against `digest` and `plain_bytes`.
    ///
    /// Encrypted chunks are compared only when their key is given; without it the CRC is all that can be checked.
    /// Returns whether the content was compared.
    ///
    /// # Errors
    /// Any decoding failure, [`FormatError::DigestMismatch`], or [`FormatError::Invalid`] for another length.
    pub fn verify_chunk(
        &mut self,
        blob: BlobRef<'_>,
        digest: &Digest,
        plain_bytes: Option<u64>,
        key: Option<&CryptKey>,
        out: &mut Vec<u8>,
    ) -> Result<bool> {
        let key = key.filter(|_| blob.kind().is_encrypted());
        if blob.kind().is_encrypted() && key.is_none() {
            blob.check_crc()?;
            return Ok(false);
        }
        // One byte above the expected length is enough to tell that it is too long.
        let limit = plain_bytes.map_or(MAX_PLAIN_BYTES, |bytes| bytes.saturating_add(1));
        self.decode_into(blob, key, limit, out)?;
        check_length(out.len() as u64, plain_bytes)?;
        check_digest(digest, chunk_digest(out, key))?;
        Ok(true)
    }
}

pub(super) fn check_digest(expected: &Digest, computed: Digest) -> Result<()> {
    if *expected == computed {
        return Ok(());
    }
    Err(FormatError::DigestMismatch {
        what: "chunk",
        expected: *expected,
        computed,
    })
}

fn check_length(found: u64, expected: Option<u64>) -> Result<()> {
    match expected {
        Some(expected) if expected != found => Err(FormatError::invalid(
            "chunk",
            format!("has {found} plain bytes, expected {expected}"),
        )),
        _ => Ok(()),
    }
}

fn copy_bounded(payload: &[u8], limit: u64, out: &mut Vec<u8>) -> Result<()> {
    let found = payload.len() as u64;
    if found > limit {
        return Err(FormatError::TooLarge {
            what: "blob content in bytes",
            found,
            limit,
        });
    }
    out.clear();
    out.extend_from_slice(payload);
    Ok(())
}

fn decrypt(blob: BlobRef<'_>, key: Option<&CryptKey>, data: &mut [u8]) -> Result<()> {
    let key = key.ok_or(FormatError::KeyRequired { what: WHAT })?;
    let (iv, tag) = blob
        .iv_and_tag()
        .ok_or(FormatError::KeyRequired { what: WHAT })?;
    key.decrypt_in_place(iv, tag, data)
}
