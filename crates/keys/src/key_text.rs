//! The key in a file that somebody has: a text, or a picture of its QR code.

use ferrite_formats::key::{KeyConfig, KeyError, read_paper_key};
use ferrite_qr::{Gray, MAX_PIXELS, NotRead, is_picture, other_format, read_code};

use crate::error::{Error, Result};

/// Most bytes of a file with a key: photos have some mebibytes.
pub const MAX_KEY_FILE_BYTES: usize = 64 << 20;

/// Finds a key in a key file, in a paper key of any form that can be typed, saved or mailed, or on a scan or photo of a
/// paper key as PNG or JPEG picture.
///
/// # Errors
/// [`Error::Picture`], [`Error::NoCode`], [`Error::UnreadableCode`], [`Error::OtherCode`] for pictures;
/// [`Error::OtherFormat`] for those of other formats; what [`read_paper_key`] says of texts.
pub fn read_key(bytes: &[u8]) -> Result<KeyConfig> {
    if is_picture(bytes) {
        return read_picture(bytes);
    }
    // A file of another format can hold what looks like the beginning of a key.
    read_paper_key(bytes).map_err(|error| match other_format(bytes) {
        Some(format) => Error::OtherFormat { format },
        None => error.into(),
    })
}

fn read_picture(bytes: &[u8]) -> Result<KeyConfig> {
    let image = Gray::decode(bytes, MAX_PIXELS)?;
    let mut last = None;
    let found = read_code(&image, |content| match read_paper_key(content) {
        Ok(config) => Some(config),
        Err(error) => {
            last = Some(error);
            None
        }
    });
    found.map_err(|not_read| match (not_read, last) {
        (NotRead::NoCode, _) => Error::NoCode,
        (NotRead::Unreadable, _) => Error::UnreadableCode,
        (NotRead::Refused, Some(error)) if error != KeyError::NoKey => error.into(),
        (NotRead::Refused, _) => Error::OtherCode,
    })
}
