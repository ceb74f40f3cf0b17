//! Files of pictures.

use std::io::Cursor;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::gray::Gray;

/// Most pixels of a picture that is read: A4 with 600 dpi has 35 million.
pub const MAX_PIXELS: usize = 40_000_000;
const MAX_EDGE: usize = 1 << 16;

/// Why a picture cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// More pixels than are read.
    #[error(
        "the picture has {width} x {height} pixels, more than {limit}: scan the paper again with 200 to 300 dpi, or make the picture smaller"
    )]
    TooLarge {
        /// Pixels along a row.
        width: usize,
        /// Rows.
        height: usize,
        /// Most pixels.
        limit: usize,
    },
    /// A rule of the format is broken.
    #[error("the {format} picture is damaged: {why}")]
    Damaged {
        /// `PNG` or `JPEG`.
        format: &'static str,
        /// What its decoder says.
        why: String,
    },
    /// Neither PNG nor JPEG.
    #[error("neither a PNG nor a JPEG picture")]
    NoPicture,
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";

/// Whether a file begins as a PNG or JPEG picture does.
pub fn is_picture(bytes: &[u8]) -> bool {
    bytes.starts_with(PNG) || bytes.starts_with(JPEG)
}

/// Name of a format that scanners and telephones write, and that is not read here.
pub fn other_format(bytes: &[u8]) -> Option<&'static str> {
    let at = |place: usize, mark: &[u8]| bytes.get(place..place + mark.len()) == Some(mark);
    let bitmap_length = bytes.get(2..6).and_then(|length| length.try_into().ok());
    let is_bitmap = bitmap_length.map(u32::from_le_bytes) == u32::try_from(bytes.len()).ok();
    let known = [
        (at(0, b"%PDF-"), "PDF"),
        (at(0, b"II*\0") || at(0, b"MM\0*"), "TIFF"),
        (at(0, b"GIF8"), "GIF"),
        (at(0, b"BM") && is_bitmap, "BMP"),
        (at(0, b"RIFF") && at(8, b"WEBP"), "WebP"),
        (at(4, b"ftyp"), "HEIC or AVIF"),
    ];
    known
        .iter()
        .find_map(|(is_it, name)| is_it.then_some(*name))
}

impl Gray {
    /// Decodes a PNG or JPEG picture of at most `limit` pixels, [`MAX_PIXELS`] where memory does not matter more.
    /// Transparent parts are white.
    ///
    /// # Errors
    /// [`PictureError`].
    pub fn decode(bytes: &[u8], limit: usize) -> Result<Self, PictureError> {
        if bytes.starts_with(PNG) {
            png(bytes, limit)
        } else if bytes.starts_with(JPEG) {
            jpeg(bytes, limit)
        } else {
            Err(PictureError::NoPicture)
        }
    }
}

/// Before memory is taken for the pixels.
fn check_size(width: usize, height: usize, limit: usize) -> Result<(), PictureError> {
    if width
        .checked_mul(height)
        .is_some_and(|pixels| pixels <= limit)
    {
        return Ok(());
    }
    Err(PictureError::TooLarge {
        width,
        height,
        limit,
    })
}

fn png(bytes: &[u8], limit: usize) -> Result<Gray, PictureError> {
    let failed = |why: String| PictureError::Damaged { format: "PNG", why };
    let damaged = |error: png::DecodingError| failed(error.to_string());
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let header = decoder.read_header_info().map_err(damaged)?;
    let (width, height) = (header.width as usize, header.height as usize);
    check_size(width, height, limit)?;
    let mut reader = decoder.read_info().map_err(damaged)?;
    let size = reader
        .output_buffer_size()
        .filter(|size| *size <= 4 * limit)
        .ok_or_else(|| failed("impossible size".into()))?;
    let mut frame = vec![0; size];
    let info = reader.next_frame(&mut frame).map_err(damaged)?;
    frame.truncate(info.buffer_size());
    let pixels = match info.color_type {
        png::ColorType::Grayscale => frame,
        png::ColorType::GrayscaleAlpha => {
            let over_white = |pixel: &[u8]| on_white(pixel[0], pixel[1]);
            frame.chunks_exact(2).map(over_white).collect()
        }
        png::ColorType::Rgb => frame.chunks_exact(3).map(luma).collect(),
        png::ColorType::Rgba => {
            let over_white = |pixel: &[u8]| on_white(luma(pixel), pixel[3]);
            frame.chunks_exact(4).map(over_white).collect()
        }
        png::ColorType::Indexed => return Err(failed("its palette is missing".into())),
    };
    Gray::new(width, height, pixels).ok_or_else(|| failed("pixels are missing".into()))
}

/// Brightness of red, green and blue (ITU-R BT.601).
fn luma(pixel: &[u8]) -> u8 {
    let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((299 * red + 587 * green + 114 * blue) / 1000) as u8
}

fn on_white(brightness: u8, alpha: u8) -> u8 {
    let (brightness, alpha) = (u32::from(brightness), u32::from(alpha));
    ((brightness * alpha + 255 * (255 - alpha)) / 255) as u8
}

fn jpeg(bytes: &[u8], limit: usize) -> Result<Gray, PictureError> {
    let failed = |why: String| PictureError::Damaged {
        format: "JPEG",
        why,
    };
    let options = DecoderOptions::default()
        .set_max_width(MAX_EDGE)
        .set_max_height(MAX_EDGE)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder
        .decode_headers()
        .map_err(|error| failed(format!("{error:?}")))?;
    let info = decoder.info();
    let info = info.ok_or_else(|| failed("it has no size".into()))?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    check_size(width, height, limit)?;
    let pixels = decoder
        .decode()
        .map_err(|error| failed(format!("{error:?}")))?;
    Gray::new(width, height, pixels).ok_or_else(|| failed("pixels are missing".into()))
}
