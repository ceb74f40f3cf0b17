//! Targets for fuzzing: any bytes come to an end, without a panic and without much memory.

use crate::{Gray, is_picture, read_code};

/// Pixels that are decoded here: what is searched in fractions of a second.
const LIMIT: usize = 100_000;

/// A parser run.
pub type Target = fn(&[u8]);

/// Every target with its name, for tests that run all of them.
pub const TARGETS: &[(&str, Target)] = &[("picture", picture), ("picture-codes", picture_codes)];

/// A file: PNG, JPEG, or something else.
pub fn picture(data: &[u8]) {
    if let Ok(image) = Gray::decode(data, LIMIT) {
        assert!(is_picture(data));
        assert!(image.width() * image.height() <= LIMIT);
        search(&image);
    }
}

/// Pixels: the first byte is the width, each further byte is eight of them, black or white.
pub fn picture_codes(data: &[u8]) {
    let Some((&width, rest)) = data.split_first() else {
        return;
    };
    let width = usize::from(width) + 1;
    let pixels: Vec<u8> = rest
        .iter()
        .take(LIMIT / 8)
        .flat_map(|byte| (0..8).map(move |bit| if byte >> bit & 1 == 0 { 255 } else { 0 }))
        .collect();
    let height = pixels.len() / width;
    let pixels = pixels.into_iter().take(width * height).collect();
    if let Some(image) = Gray::new(width, height, pixels) {
        search(&image);
    }
}

/// The most that a symbol holds.
const MAX_CONTENT: usize = 8192;

fn search(image: &Gray) {
    let _ = read_code(image, |content| {
        assert!(content.len() <= MAX_CONTENT);
        None::<()>
    });
}
