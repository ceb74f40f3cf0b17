//! Checking a blob that arrives in slices, as it lies in a ring of buffers.

use sha2::{Digest as _, Sha256};

use super::decode::check_digest;
use super::{
    BLOB_HEADER_BYTES, BlobHeader, BlobKind, ENCRYPTED_BLOB_HEADER_BYTES, MAX_BLOB_BYTES,
    MAX_PLAIN_BYTES, WHAT, check_crc,
};
use crate::compression::Decompressor;
use crate::digest::Digest;
use crate::error::{FormatError, Result};

/// What [`BlobVerifier::finish`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobReport {
    /// Kind of the blob.
    pub kind: BlobKind,
    /// Length with header.
    pub blob_bytes: u64,
    /// Length of the content, where it was looked at.
    pub plain_bytes: Option<u64>,
    /// Whether the content was compared with the digest. False without a digest and for encrypted blobs, whose content
    /// cannot be told without the key.
    pub content_checked: bool,
}

/// Checks blob after blob: header, CRC and, against a digest, the SHA-256 of the content. No call allocates once the
/// first compressed blob has been seen.
///
/// ```
/// use ferrite_formats::{Digest, blob::{Blob, BlobVerifier, MAX_CHUNK_BYTES}};
///
/// let blob = Blob::encode(b"hello", true, None)?;
/// let mut verifier = BlobVerifier::new()?;
/// verifier.start(Some(&Digest::of(b"hello")), MAX_CHUNK_BYTES)?;
/// for slice in blob.as_bytes().chunks(4) {
///     verifier.update(slice)?;
/// }
/// assert!(verifier.finish()?.content_checked);
/// # Ok::<(), ferrite_formats::FormatError>(())
/// ```
pub struct BlobVerifier {
    decompressor: Decompressor,
    header: [u8; ENCRYPTED_BLOB_HEADER_BYTES],
    blob_bytes: u64,
    parsed: Option<BlobHeader>,
    crc: crc32fast::Hasher,
    expected: Option<Digest>,
    hasher: Sha256,
    limit: u64,
    plain_bytes: u64,
    /// A content error is kept until the CRC is known: a wrong CRC explains it better.
    content_error: Option<FormatError>,
}

impl BlobVerifier {
    /// Makes the contexts. Call [`BlobVerifier::start`] before the first slice.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] when there is no memory for them.
    pub fn new() -> Result<Self> {
        Ok(Self {
            decompressor: Decompressor::new()?,
            header: [0; ENCRYPTED_BLOB_HEADER_BYTES],
            blob_bytes: 0,
            parsed: None,
            crc: crc32fast::Hasher::new(),
            expected: None,
            hasher: Sha256::new(),
            limit: MAX_PLAIN_BYTES,
            plain_bytes: 0,
            content_error: None,
        })
    }

    /// Begins a new blob, whatever became of the last one. With `digest` the content is hashed and compared; it may
    /// have at most `limit` bytes.
    ///
    /// # Errors
    /// None in practice; [`FormatError::Invalid`] when libzstd cannot be reset.
    pub fn start(&mut self, digest: Option<&Digest>, limit: u64) -> Result<()> {
        self.limit = limit.min(MAX_PLAIN_BYTES);
        self.blob_bytes = 0;
        self.parsed = None;
        self.crc.reset();
        self.expected = digest.copied();
        self.hasher.reset();
        self.plain_bytes = 0;
        self.content_error = None;
        if digest.is_some() {
            self.decompressor.start(self.limit)?;
        }
        Ok(())
    }

    /// Takes the next bytes of the blob.
    ///
    /// # Errors
    /// [`FormatError::BadMagic`] as soon as the first eight bytes are there, [`FormatError::TooLarge`] for more than
    /// [`MAX_BLOB_BYTES`]. Everything else is reported by [`BlobVerifier::finish`].
    pub fn update(&mut self, mut slice: &[u8]) -> Result<()> {
        let header_bytes = self
            .parsed
            .map_or(BLOB_HEADER_BYTES, |header| header.kind.header_bytes());
        let (blob_bytes, limit) = (self.blob_bytes + slice.len() as u64, MAX_BLOB_BYTES);
        if blob_bytes > limit {
            return Err(FormatError::TooLarge {
                what: "blob size in bytes",
                found: blob_bytes,
                limit,
            });
        }
        if self.blob_bytes < header_bytes as u64 {
            slice = self.take_header(slice)?;
        }
        self.blob_bytes = blob_bytes;
        if let Some(header) = self.parsed {
            self.take_payload(header.kind, slice);
        }
        Ok(())
    }

    /// Copies header bytes; returns what follows them.
    fn take_header<'a>(&mut self, mut slice: &'a [u8]) -> Result<&'a [u8]> {
        let mut filled = self.blob_bytes as usize;
        loop {
            let wanted = self
                .parsed
                .map_or(BLOB_HEADER_BYTES, |header| header.kind.header_bytes());
            let taken = slice.len().min(wanted - filled);
            self.header[filled..filled + taken].copy_from_slice(&slice[..taken]);
            (filled, slice) = (filled + taken, &slice[taken..]);
            if filled < wanted || self.parsed.is_some() {
                return Ok(slice);
            }
            self.parsed = Some(BlobHeader::parse(&self.header)?);
        }
    }

    fn take_payload(&mut self, kind: BlobKind, payload: &[u8]) {
        self.crc.update(payload);
        if self.expected.is_none() || kind.is_encrypted() || self.content_error.is_some() {
            return;
        }
        let result = if kind.is_compressed() {
            let (hasher, plain_bytes) = (&mut self.hasher, &mut self.plain_bytes);
            self.decompressor.push(payload, |plain| {
                hasher.update(plain);
                *plain_bytes += plain.len() as u64;
            })
        } else {
            self.plain_bytes += payload.len() as u64;
            self.hasher.update(payload);
            Ok(())
        };
        self.content_error = result.err().or_else(|| self.above_limit());
    }

    fn above_limit(&self) -> Option<FormatError> {
        (self.plain_bytes > self.limit).then_some(FormatError::TooLarge {
            what: "blob content in bytes",
            found: self.plain_bytes,
            limit: self.limit,
        })
    }

    /// Ends the blob.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] inside the header, [`FormatError::BadCrc`], then whatever is wrong with the content:
    /// [`FormatError::Invalid`] for broken compression, [`FormatError::TooLarge`], [`FormatError::DigestMismatch`].
    pub fn finish(&mut self) -> Result<BlobReport> {
        let need =
            self.parsed
                .map_or(BLOB_HEADER_BYTES, |header| header.kind.header_bytes()) as u64;
        let (Some(header), true) = (self.parsed, self.blob_bytes >= need) else {
            return Err(FormatError::Truncated {
                what: WHAT,
                need,
                have: self.blob_bytes,
            });
        };
        check_crc(header.crc, std::mem::take(&mut self.crc).finalize())?;
        let content_checked = self.check_content(header.kind)?;
        Ok(BlobReport {
            kind: header.kind,
            blob_bytes: self.blob_bytes,
            plain_bytes: content_checked.then_some(self.plain_bytes),
            content_checked,
        })
    }

    fn check_content(&mut self, kind: BlobKind) -> Result<bool> {
        let Some(expected) = self.expected.filter(|_| !kind.is_encrypted()) else {
            return Ok(false);
        };
        if let Some(error) = self.content_error.take() {
            return Err(error);
        }
        if kind.is_compressed() {
            self.decompressor.finish()?;
        }
        check_digest(&expected, Digest::finish(std::mem::take(&mut self.hasher)))?;
        Ok(true)
    }
}
