//! Keys in files of any kind: texts, and pictures of QR codes.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use ferrite_formats::key::{KeyConfig, KeyError, PaperKey, QrSymbol};
use ferrite_keys::{Error, ErrorClass, read_key};
use serde_json::Value;

fn key() -> KeyConfig {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/keys/configs.json");
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    KeyConfig::parse(file["wrapped"][0]["json"].as_str().unwrap().as_bytes()).unwrap()
}

/// A PNG picture with four pixels a module and a light margin.
fn picture(symbol: &QrSymbol) -> Vec<u8> {
    const SCALE: usize = 4;
    const MARGIN: usize = 4;
    let edge = (symbol.size() + 2 * MARGIN) * SCALE;
    let pixels: Vec<u8> = (0..edge * edge)
        .map(|at| {
            let module = |pixel: usize| (pixel / SCALE).wrapping_sub(MARGIN);
            let is_dark = symbol.is_dark(module(at % edge), module(at / edge));
            if is_dark { 0 } else { 255 }
        })
        .collect();
    png_file(edge as u32, &pixels)
}

fn png_file(edge: u32, pixels: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, edge, edge);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    file
}

#[test]
fn the_same_key_comes_from_text_page_and_picture() {
    let key = key();
    let paper = PaperKey::new(&key, Some("Vault")).unwrap();
    let files = [
        key.to_json().unwrap().to_vec(),
        paper.text().as_bytes().to_vec(),
        paper.html().as_bytes().to_vec(),
        picture(paper.qr()),
    ];
    for file in files {
        let found = read_key(&file).unwrap();
        assert_eq!(found.to_json().unwrap(), key.to_json().unwrap());
    }
}

#[test]
fn each_wrong_file_has_its_error() {
    let other = QrSymbol::encode(b"https://example.com/a-page").unwrap();
    let altered = String::from_utf8(key().to_json().unwrap().to_vec()).unwrap();
    let altered = QrSymbol::encode(altered.replace("Scrypt", "Argon2").as_bytes()).unwrap();
    let mut cut = picture(&other);
    cut.truncate(cut.len() / 2);
    for (file, code) in [
        (picture(&other), "no-key"),
        (picture(&altered), "bad-key"),
        (png_file(100, &[255; 10_000]), "no-qr-code"),
        (cut, "bad-picture"),
        (b"%PDF-1.7\n...".to_vec(), "other-format"),
        (b"%PDF-1.7\n<<{x}>>".to_vec(), "other-format"),
        (b"no key".to_vec(), "no-key"),
        (Vec::new(), "no-key"),
    ] {
        let error = read_key(&file).unwrap_err();
        assert_eq!(
            (error.code(), error.class()),
            (code, ErrorClass::Data),
            "{error}"
        );
    }
    // A key that somebody pasted below another beginning is found all the same.
    let pasted = [b"%PDF-\n".as_slice(), &key().to_json().unwrap()].concat();
    assert!(read_key(&pasted).is_ok());
    assert!(matches!(
        read_key(b"{}"),
        Err(Error::Key(KeyError::Format(_)))
    ));
}
