use proptest::prelude::*;
use serde_json::Value;

use super::{libzstd, rust_zstd};
use crate::error::{FormatError, Result};
use crate::vectors;

type Decompress = fn(&[u8], u64) -> Result<Vec<u8>>;

/// Both decompressors, in one call and in pieces.
const ROUTES: [(&str, Decompress); 6] = [
    ("libzstd", with_libzstd),
    ("libzstd, pieces of 1", |data, limit| {
        libzstd_in_pieces(data, limit, 1)
    }),
    ("libzstd, pieces of 7", |data, limit| {
        libzstd_in_pieces(data, limit, 7)
    }),
    ("ruzstd", with_ruzstd),
    ("ruzstd, pieces of 1", |data, limit| {
        ruzstd_in_pieces(data, limit, 1)
    }),
    ("ruzstd, pieces of 7", |data, limit| {
        ruzstd_in_pieces(data, limit, 7)
    }),
];

fn with_libzstd(data: &[u8], limit: u64) -> Result<Vec<u8>> {
    let mut out = vec![0xee; 3];
    libzstd::Decompressor::new()?
        .decompress_into(data, limit, &mut out)
        .map(|()| out)
}

fn libzstd_in_pieces(data: &[u8], limit: u64, piece: usize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut decompressor = libzstd::Decompressor::new()?;
    decompressor.start(limit)?;
    for slice in data.chunks(piece) {
        decompressor.push(slice, |bytes| out.extend_from_slice(bytes))?;
    }
    decompressor.finish().map(|()| out)
}

fn with_ruzstd(data: &[u8], limit: u64) -> Result<Vec<u8>> {
    let mut out = vec![0xee; 3];
    rust_zstd::Decompressor::new()?
        .decompress_into(data, limit, &mut out)
        .map(|()| out)
}

fn ruzstd_in_pieces(data: &[u8], limit: u64, piece: usize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut decompressor = rust_zstd::Decompressor::new()?;
    decompressor.start(limit)?;
    for slice in data.chunks(piece) {
        decompressor.push(slice, |bytes| out.extend_from_slice(bytes))?;
    }
    decompressor.finish().map(|()| out)
}

#[test]
fn both_decompressors_agree_with_the_vectors() {
    let file: Value = vectors::read("datastore/zstd");
    for case in file["cases"].as_array().unwrap() {
        let data = vectors::hex_of(&case["zstd"]);
        let limit = case["limit"].as_u64().unwrap_or(1 << 20);
        for (route, decompress) in ROUTES {
            let place = format!("{} with {route}", case["name"]);
            match case["error"].as_str() {
                None => assert_eq!(
                    decompress(&data, limit).unwrap(),
                    vectors::bytes(&case["plain"]),
                    "{place}"
                ),
                Some(class) => {
                    let error = decompress(&data, limit).expect_err(&place);
                    assert_eq!(vectors::class(&error), class, "{place}: {error}");
                }
            }
        }
    }
}

#[test]
fn contexts_forget_a_failed_frame() {
    let good = compressed(b"content");
    let mut out = Vec::new();
    let mut native = libzstd::Decompressor::new().unwrap();
    let mut pure = rust_zstd::Decompressor::new().unwrap();
    for _ in 0..2 {
        assert!(
            native
                .decompress_into(&good[..good.len() - 1], 100, &mut out)
                .is_err()
        );
        native.decompress_into(&good, 100, &mut out).unwrap();
        assert_eq!(out, b"content");
        assert!(
            pure.decompress_into(&good[..good.len() - 1], 100, &mut out)
                .is_err()
        );
        pure.decompress_into(&good, 100, &mut out).unwrap();
        assert_eq!(out, b"content");
    }
}

#[test]
fn a_buffer_that_is_large_enough_is_filled_without_a_copy_and_still_bounded() {
    let frame = stream_frame(&[7; 1000]);
    let mut out = Vec::with_capacity(2000);
    let mut decompressor = libzstd::Decompressor::new().unwrap();
    decompressor
        .decompress_into(&frame, 1500, &mut out)
        .unwrap();
    assert_eq!(out, [7; 1000]);
    let error = decompressor
        .decompress_into(&frame, 999, &mut out)
        .unwrap_err();
    assert_eq!(vectors::class(&error), "too-large");
}

/// A small frame that would expand to 1 GiB must stop at the limit, in either decompressor.
#[test]
fn a_bomb_stops_at_the_limit() {
    // Runs of 128 KiB: four bytes each.
    let mut bomb = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
    for _ in 0..8192 {
        bomb.extend_from_slice(&[0x02, 0x00, 0x10, 0x00]);
    }
    for (route, decompress) in ROUTES {
        match decompress(&bomb, 1 << 20) {
            Err(FormatError::TooLarge { found, .. }) => {
                assert!(found < 3 << 20, "{route}: {found}")
            }
            other => panic!("{route}: {:?}", other.map(|out| out.len())),
        }
    }
}

/// Whether a frame is accepted must not depend on the room in the caller's buffer.
#[test]
fn a_window_that_is_too_large_is_refused_in_any_room() {
    let mut frame = stream_frame(&[7; 1000]);
    frame[5] = 0x80; // 64 MiB
    let mut decompressor = libzstd::Decompressor::new().unwrap();
    for capacity in [0, 1 << 20] {
        let mut out = Vec::with_capacity(capacity);
        assert!(
            decompressor
                .decompress_into(&frame, 1 << 20, &mut out)
                .is_err()
        );
    }
}

fn compressed(data: &[u8]) -> Vec<u8> {
    // Not through `Compressor`, which gives up on data that does not become smaller.
    zstd::bulk::compress(data, 1).unwrap()
}

fn stream_frame(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(
        libzstd::Compressor::new()
            .unwrap()
            .compress_streaming(data, &mut out)
            .unwrap()
    );
    out
}

#[test]
fn streaming_frames_equal_those_of_a_stream_of_writes() {
    use std::io::Write as _;

    let mut compressor = libzstd::Compressor::new().unwrap();
    // Around the block size of 128 KiB, where the end of the stream makes an extra empty block.
    for length in [
        1000,
        (128 << 10) - 1,
        128 << 10,
        (128 << 10) + 1,
        1 << 20,
        (4 << 20) + 5,
    ] {
        let data: Vec<u8> = (0..length as u32)
            .map(|n| (n ^ n.wrapping_mul(n) >> 9) as u8 & 0x3f)
            .collect();
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        for piece in data.chunks(8192) {
            encoder.write_all(piece).unwrap();
        }
        let expected = encoder.finish().unwrap();
        let mut out = vec![1, 2, 3];
        assert!(compressor.compress_streaming(&data, &mut out).unwrap());
        assert_eq!(out[..3], [1, 2, 3]);
        assert!(out[3..] == expected, "{length} bytes differ");
    }
}

#[test]
fn only_strictly_smaller_frames_are_kept() {
    let mut compressor = libzstd::Compressor::new().unwrap();
    for length in 0..200 {
        let data = vec![b'x'; length];
        let streaming = zstd::stream::encode_all(&data[..], 1).unwrap().len() < length;
        let mut out = b"kept".to_vec();
        assert_eq!(
            compressor.compress_streaming(&data, &mut out).unwrap(),
            streaming,
            "{length}"
        );
        assert_eq!(out.len() == 4, !streaming);
        let one_shot = zstd::bulk::compress(&data, 1).unwrap().len() < length;
        let mut out = b"kept".to_vec();
        assert_eq!(
            compressor.compress_one_shot(&data, &mut out).unwrap(),
            one_shot,
            "{length}"
        );
        assert_eq!(out.len() == 4, !one_shot);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_compressed_comes_back(data in proptest::collection::vec(0u8..4, 0..300_000), piece in 1usize..70_000) {
        let frame = compressed(&data);
        let limit = data.len() as u64;
        prop_assert_eq!(&with_libzstd(&frame, limit).unwrap(), &data);
        prop_assert_eq!(&with_ruzstd(&frame, limit).unwrap(), &data);
        prop_assert_eq!(&libzstd_in_pieces(&frame, limit, piece).unwrap(), &data);
        prop_assert_eq!(&ruzstd_in_pieces(&frame, limit, piece).unwrap(), &data);
    }

    #[test]
    fn damage_never_panics_and_never_passes_the_limit(
        seed in proptest::collection::vec(0u8..16, 100..5000),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut frame = compressed(&seed);
        for (at, byte) in flips {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        for (route, decompress) in ROUTES {
            if let Ok(out) = decompress(&frame, 6000) {
                prop_assert!(out.len() <= 6000, "{}", route);
            }
        }
    }
}
