//! QR codes of paper keys (keys.md 5): 8-bit mode, error correction level M, smallest version, one symbol.

use std::fmt::Write;

use qrcodegen::{QrCode, QrCodeEcc, QrSegment, Version};

use super::error::Result;
use crate::error::FormatError;

/// Most bytes in one symbol: version 40 at level M.
const MAX_BYTES: usize = 2331;
/// Light modules around the drawn symbol, as the standard asks of a printed one.
const QUIET_ZONE: i32 = 4;

/// A QR code symbol.
pub struct QrSymbol(QrCode);

impl QrSymbol {
    /// Encodes `data`.
    ///
    /// # Errors
    /// [`FormatError::TooLarge`] above 2331 bytes.
    pub fn encode(data: &[u8]) -> Result<Self> {
        let refuse = || FormatError::TooLarge {
            what: "bytes for a QR code",
            found: data.len() as u64,
            limit: MAX_BYTES as u64,
        };
        if data.len() > MAX_BYTES {
            return Err(refuse().into());
        }
        let segments = [QrSegment::make_bytes(data)];
        let code = QrCode::encode_segments_advanced(
            &segments,
            QrCodeEcc::Medium,
            Version::MIN,
            Version::MAX,
            None,  // the mask that scans best
            false, // level M also where a higher level would fit, as the reference
        );
        Ok(Self(code.map_err(|_| refuse())?))
    }

    /// Modules along an edge.
    pub fn size(&self) -> usize {
        self.0.size().unsigned_abs() as usize
    }

    /// Whether a module is dark; light outside of the symbol.
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        let at = |value: usize| i32::try_from(value).unwrap_or(i32::MAX);
        self.0.get_module(at(x), at(y))
    }

    /// Block characters, two rows of modules per line, each line with its newline; no quiet zone.
    pub fn blocks(&self) -> String {
        let mut text = String::new();
        for y in (0..self.size()).step_by(2) {
            text.extend((0..self.size()).map(|x| {
                match (self.is_dark(x, y), self.is_dark(x, y + 1)) {
                    (false, false) => ' ',
                    (true, false) => '\u{2580}',
                    (false, true) => '\u{2584}',
                    (true, true) => '\u{2588}',
                }
            }));
            text.push('\n');
        }
        text
    }

    /// An SVG document: a white square with its quiet zone, and one path of the dark runs of each row.
    pub fn svg(&self) -> String {
        let (size, edge) = (self.0.size(), self.0.size() + 2 * QUIET_ZONE);
        let mut path = String::new();
        for y in 0..size {
            let mut x = 0;
            while x < size {
                let start = x;
                while self.0.get_module(x, y) {
                    x += 1;
                }
                if x > start {
                    let length = x - start;
                    // Writing to a string cannot fail.
                    let _ = write!(
                        path,
                        "M{} {}h{length}v1h-{length}z",
                        start + QUIET_ZONE,
                        y + QUIET_ZONE
                    );
                }
                x += 1;
            }
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {edge} {edge}\" shape-rendering=\"crispEdges\">\
             <path fill=\"#fff\" d=\"M0 0h{edge}v{edge}h-{edge}z\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
        )
    }
}
