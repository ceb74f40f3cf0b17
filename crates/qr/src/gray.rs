//! Pictures in grey, and what of them is dark.

/// A picture in grey: 0 is black, 255 white; row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gray {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Gray {
    /// A picture of `width` times `height` pixels; nothing where there are not just as many.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Option<Self> {
        let sound = width > 0 && height > 0 && width.checked_mul(height) == Some(pixels.len());
        sound.then_some(Self {
            width,
            height,
            pixels,
        })
    }

    /// Pixels along a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Brightness, row by row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The mean of each square of `factor` times `factor` pixels; what is left over at the edges is cut off.
    pub(crate) fn shrunk(&self, factor: usize) -> Self {
        let factor = factor.clamp(1, self.width.min(self.height).max(1));
        let (width, height) = (self.width / factor, self.height / factor);
        let mut pixels = Vec::with_capacity(width * height);
        let mut sums = vec![0u32; width];
        let area = (factor * factor) as u32;
        for rows in self.pixels.chunks_exact(self.width * factor) {
            sums.fill(0);
            for row in rows.chunks_exact(self.width) {
                for (sum, square) in sums.iter_mut().zip(row.chunks_exact(factor)) {
                    *sum += square.iter().map(|&pixel| u32::from(pixel)).sum::<u32>();
                }
            }
            pixels.extend(sums.iter().map(|sum| (sum / area) as u8));
        }
        Self {
            width,
            height,
            pixels,
        }
    }

    /// What is darker than its surroundings: shadows and grey paper do not matter. At most 16 million pixels.
    pub(crate) fn bits(&self) -> Bits {
        let (width, height) = (self.width, self.height);
        let stride = width + 1;
        // Sums of all pixels above and to the left.
        let mut sums = vec![0u32; stride * (height + 1)];
        for y in 0..height {
            let mut row = 0u32;
            for x in 0..width {
                row = row.wrapping_add(u32::from(self.pixels[y * width + x]));
                sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1].wrapping_add(row);
            }
        }
        let reach = (width.max(height) / 2 / SURROUNDINGS).max(4);
        let mut dark = Vec::with_capacity(width * height);
        for y in 0..height {
            let (top, bottom) = (y.saturating_sub(reach), (y + reach + 1).min(height));
            for x in 0..width {
                let (left, right) = (x.saturating_sub(reach), (x + reach + 1).min(width));
                let sum = sums[bottom * stride + right]
                    .wrapping_add(sums[top * stride + left])
                    .wrapping_sub(sums[top * stride + right])
                    .wrapping_sub(sums[bottom * stride + left]);
                let area = ((bottom - top) * (right - left)) as u64;
                let pixel = u64::from(self.pixels[y * width + x]);
                dark.push(pixel * area * 100 < u64::from(sum) * DARK_PERCENT);
            }
        }
        Bits {
            width,
            height,
            dark,
        }
    }
}

/// The surroundings of a pixel are this part of the longer side: more than a finder pattern of a page-filling code.
const SURROUNDINGS: usize = 8;
/// Dark is what has less than this part of the brightness around it.
const DARK_PERCENT: u64 = 85;

/// Which pixels are dark.
pub(crate) struct Bits {
    width: usize,
    height: usize,
    dark: Vec<bool>,
}

impl Bits {
    pub(crate) fn height(&self) -> usize {
        self.height
    }

    pub(crate) fn row(&self, y: usize) -> &[bool] {
        let start = y * self.width;
        self.dark.get(start..start + self.width).unwrap_or(&[])
    }

    /// Light outside of the picture.
    pub(crate) fn is_dark(&self, x: i64, y: i64) -> bool {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else {
            return false;
        };
        x < self.width && y < self.height && self.dark[y * self.width + x]
    }
}
