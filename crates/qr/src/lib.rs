//! QR codes in scans and photos of paper: a PNG or JPEG picture to what the code on it says.
//!
//! Finding the code is done here, not by `rqrr`, which decodes what was found: a page of a scanner has noise that breaks
//! outlines, and a hostile picture must neither panic nor take long. Lines across the picture are searched for the
//! proportions of finder patterns; three of these make a symbol; its modules are sampled through the perspective that the
//! finder patterns and the last alignment pattern give (ISO/IEC 18004, 6.3 and 12).
//!
//! No I/O, no threads. Memory: at most [`MAX_PIXELS`] times four bytes for decoding, and 120 MB for searching.

#[doc(hidden)]
pub mod fuzzing;

mod finder;
mod gray;
mod perspective;
mod picture;
mod symbol;

pub use gray::Gray;
pub use picture::{MAX_PIXELS, PictureError, is_picture, other_format};

use zeroize::Zeroizing;

/// Why no code was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRead {
    /// There is nothing like a QR code in the picture.
    NoCode,
    /// There is one, and too much of it is wrong.
    Unreadable,
    /// There is one, which the caller did not accept.
    Refused,
}

/// Searches a picture for QR codes, until `accept` takes the content of one.
///
/// # Errors
/// [`NotRead`], the most that was reached.
pub fn read_code<T>(
    image: &Gray,
    mut accept: impl FnMut(&[u8]) -> Option<T>,
) -> Result<T, NotRead> {
    let mut reached = NotRead::NoCode;
    for factor in factors(image) {
        let shrunk;
        let level = if factor == 1 {
            image
        } else {
            shrunk = image.shrunk(factor);
            &shrunk
        };
        let bits = level.bits();
        for corners in finder::symbols(&bits) {
            let mut content = Zeroizing::new(Vec::new());
            match symbol::read(&bits, &corners, &mut content) {
                symbol::Reading::None => {}
                symbol::Reading::Damaged if reached == NotRead::NoCode => {
                    reached = NotRead::Unreadable;
                }
                symbol::Reading::Damaged => {}
                symbol::Reading::Whole => match accept(&content) {
                    Some(value) => return Ok(value),
                    None => reached = NotRead::Refused,
                },
            }
        }
    }
    Err(reached)
}

/// Pixels along the longer side at which most codes on a page are found best.
const BEST_EDGE: usize = 1600;
/// Pixels that are searched at once.
const MAX_SEARCHED: usize = 12_000_000;

/// By how much the picture is shrunk, one try after the other: noise vanishes in small ones, small codes need large ones.
fn factors(image: &Gray) -> Vec<usize> {
    let edge = image.width().max(image.height());
    let middle = ((edge + BEST_EDGE / 2) / BEST_EDGE).max(1);
    let fits = |factor: usize| image.width() / factor * (image.height() / factor) <= MAX_SEARCHED;
    let mut factors = Vec::new();
    for factor in [middle, middle * 2, middle.div_ceil(2), middle * 3, 1] {
        if fits(factor) && !factors.contains(&factor) {
            factors.push(factor);
        }
    }
    factors
}

#[cfg(test)]
mod tests;
