//! Symbols as scanners and telephones see them: turned, small, seen from the side, with noise and shadows.

use proptest::prelude::*;
use qrcodegen::{QrCode, QrCodeEcc};

use super::*;

/// As long as a paper key, for a symbol of version 17.
fn content() -> Vec<u8> {
    (0..470u32).map(|at| b' ' + (at * 7 % 90) as u8).collect()
}

/// How a sheet of paper was photographed.
#[derive(Debug, Clone, Copy)]
struct Shot {
    width: usize,
    height: usize,
    /// Pixels of a module.
    module: f64,
    degrees: f64,
    /// How much smaller the far side is, as a part.
    tilt: f64,
    /// Most that noise adds or takes away.
    noise: i32,
    /// Brightness of dark and light.
    ink: [f64; 2],
    /// Part of the light that is lost at the lower right.
    shadow: f64,
}

const SCAN: Shot = Shot {
    width: 1240,
    height: 1754,
    module: 10.3,
    degrees: 0.0,
    tilt: 0.0,
    noise: 0,
    ink: [30.0, 235.0],
    shadow: 0.0,
};

/// Pseudo-random numbers (xorshift), for the same picture each time.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn within(&mut self, most: i32) -> i32 {
        (self.next() >> 33) as i32 % (2 * most + 1) - most
    }
}

impl Shot {
    fn take(&self, code: &QrCode) -> Gray {
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
        let (sin, cos) = self.degrees.to_radians().sin_cos();
        let middle = f64::from(code.size()) / 2.0;
        let mut pixels = Vec::with_capacity(self.width * self.height);
        for y in 0..self.height {
            for x in 0..self.width {
                let mut light = 0.0;
                // Four points of each pixel: edges are grey.
                for (dx, dy) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
                    let across = x as f64 + dx - self.width as f64 / 2.0;
                    let down = y as f64 + dy - self.height as f64 / 2.0;
                    let scale = self.module * (1.0 + self.tilt * down / self.height as f64);
                    let u = (across * cos + down * sin) / scale + middle;
                    let v = (down * cos - across * sin) / scale + middle;
                    let is_dark = code.get_module(u.floor() as i32, v.floor() as i32);
                    light += self.ink[usize::from(!is_dark)] / 4.0;
                }
                let along = x as f64 / self.width as f64 + y as f64 / self.height as f64;
                light *= 1.0 - self.shadow * along / 2.0;
                let grain = if self.noise == 0 {
                    0
                } else {
                    noise.within(self.noise)
                };
                pixels.push((light as i32 + grain).clamp(0, 255) as u8);
            }
        }
        Gray::new(self.width, self.height, pixels).unwrap()
    }
}

fn symbol(content: &[u8]) -> QrCode {
    QrCode::encode_binary(content, QrCodeEcc::Medium).unwrap()
}

fn read(image: &Gray) -> Result<Vec<u8>, NotRead> {
    read_code(image, |content| Some(content.to_vec()))
}

fn assert_read(shot: Shot) {
    let content = content();
    let found = read(&shot.take(&symbol(&content)));
    assert_eq!(found.as_deref(), Ok(&content[..]), "{shot:?}");
}

#[test]
fn flat_scans_are_read_at_every_angle() {
    for degrees in [0.0, 1.5, -3.0, 7.0, 20.0, 33.0, 45.0, 90.0, 180.0, 271.0] {
        let module = if (degrees % 90.0_f64).abs() > 10.0 {
            9.0
        } else {
            10.3
        };
        assert_read(Shot {
            degrees,
            module,
            ..SCAN
        });
    }
}

#[test]
fn large_and_small_symbols_are_read() {
    for (width, height, module) in [
        (2480, 3508, 20.0),
        (2480, 3508, 6.0),
        (400, 400, 4.2),
        (260, 270, 2.6),
    ] {
        assert_read(Shot {
            width,
            height,
            module,
            degrees: 1.0,
            ..SCAN
        });
    }
    for length in [1, 20, 100, 1000, 2300] {
        let content = vec![b'x'; length];
        let image = Shot {
            module: 5.0,
            ..SCAN
        }
        .take(&symbol(&content));
        assert_eq!(read(&image).as_deref(), Ok(&content[..]), "{length} bytes");
    }
}

#[test]
fn bad_light_noise_and_a_slanting_view_are_no_obstacle() {
    assert_read(Shot {
        noise: 70,
        degrees: 4.0,
        ..SCAN
    });
    assert_read(Shot {
        ink: [90.0, 160.0],
        noise: 20,
        ..SCAN
    });
    assert_read(Shot {
        shadow: 0.8,
        noise: 15,
        degrees: -8.0,
        ..SCAN
    });
    for tilt in [0.15, -0.15, 0.3, -0.3] {
        assert_read(Shot {
            tilt,
            degrees: 5.0,
            module: 8.0,
            noise: 20,
            ..SCAN
        });
    }
}

#[test]
fn what_was_not_read_is_told_apart() {
    let blank = Gray::new(300, 300, vec![240; 90_000]).unwrap();
    assert_eq!(read(&blank), Err(NotRead::NoCode));
    let content = content();
    let code = symbol(&content);
    let refuse = |image: &Gray| read_code(image, |_| None::<()>);
    assert_eq!(refuse(&SCAN.take(&code)), Err(NotRead::Refused));
    // A stain over the middle, larger than what error correction makes good.
    let image = SCAN.take(&code);
    let mut pixels = image.pixels().to_vec();
    for row in pixels.chunks_exact_mut(SCAN.width).take(1100).skip(650) {
        row[400..840].fill(235);
    }
    let image = Gray::new(SCAN.width, SCAN.height, pixels).unwrap();
    assert_eq!(read(&image), Err(NotRead::Unreadable));
}

fn png_file(width: u32, height: u32, color: png::ColorType, pixels: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    file
}

#[test]
fn pictures_become_grey_and_what_is_transparent_white() {
    use png::ColorType::{Grayscale, GrayscaleAlpha, Rgb, Rgba};
    for (color, pixels, expected) in [
        (Grayscale, vec![0, 255], [0, 255]),
        (GrayscaleAlpha, vec![0, 255, 0, 0], [0, 255]),
        (Rgb, vec![0, 0, 0, 255, 0, 0], [0, 76]),
        (Rgba, vec![0, 0, 0, 128, 9, 9, 9, 0], [127, 255]),
    ] {
        let file = png_file(2, 1, color, &pixels);
        assert!(is_picture(&file));
        let image = Gray::decode(&file, MAX_PIXELS).unwrap();
        assert_eq!(
            image,
            Gray::new(2, 1, expected.to_vec()).unwrap(),
            "{color:?}"
        );
    }
}

#[test]
fn hostile_sizes_are_refused_before_memory_is_taken() {
    let mut file = png_file(2, 1, png::ColorType::Grayscale, &[0, 0]);
    file[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
    // The checksum of the header has to be right, or the decoder stops for that.
    let error = Gray::decode(&file, MAX_PIXELS).unwrap_err();
    assert!(matches!(error, PictureError::Damaged { .. }), "{error}");
    let large = png_file(200, 200, png::ColorType::Grayscale, &[0; 40_000]);
    let error = Gray::decode(&large, 39_999).unwrap_err();
    assert!(error.to_string().contains("200 x 200 pixels"), "{error}");
    assert!(Gray::decode(&large[..large.len() / 2], MAX_PIXELS).is_err());
    assert_eq!(
        Gray::decode(b"key", MAX_PIXELS),
        Err(PictureError::NoPicture)
    );
    assert_eq!(Gray::new(usize::MAX, 2, Vec::new()), None);
    assert_eq!(Gray::new(0, 0, Vec::new()), None);
}

#[test]
fn other_formats_are_known_by_name() {
    for (bytes, name) in [
        (&b"%PDF-1.7"[..], Some("PDF")),
        (b"II*\0....", Some("TIFF")),
        (b"MM\0*....", Some("TIFF")),
        (b"GIF89a", Some("GIF")),
        (b"BM\x0a\0\0\0\0\0\0\0", Some("BMP")),
        (b"BM is a text", None),
        (b"RIFF....WEBPVP8 ", Some("WebP")),
        (b"\0\0\0\x18ftypheic", Some("HEIC or AVIF")),
        (b"{\"kdf\":null}", None),
        (b"", None),
    ] {
        assert_eq!(other_format(bytes), name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_pixels_come_to_an_end(data in proptest::collection::vec(any::<u8>(), 0..4000)) {
        fuzzing::TARGETS.iter().for_each(|(_, target)| target(&data));
    }

    /// Damaged symbols, whose finder patterns are mostly there.
    #[test]
    fn damaged_symbols_come_to_an_end(
        flips in proptest::collection::vec(any::<prop::sample::Index>(), 0..400), length in 1usize..60,
    ) {
        let image = Shot { width: 160, height: 160, module: 2.5, ..SCAN }.take(&symbol(&vec![b'k'; length]));
        let mut pixels = image.pixels().to_vec();
        for flip in flips {
            let at = flip.index(pixels.len());
            pixels[at] = 255 - pixels[at];
        }
        let _ = read(&Gray::new(160, 160, pixels).unwrap());
    }

    #[test]
    fn damaged_files_come_to_an_end(
        at in any::<prop::sample::Index>(), put in proptest::collection::vec(any::<u8>(), 1..5),
    ) {
        let mut file = png_file(40, 40, png::ColorType::Grayscale, &[7; 1600]);
        let start = at.index(file.len() - 5);
        file[start..start + put.len()].copy_from_slice(&put);
        fuzzing::picture(&file);
    }
}
