//! Paper keys: what is written, what is read, and the QR code through a reader that is not ours.

use ferrite_formats::key::{
    KeyConfig, KeyConfigFile, KeyError, PaperKey, PlainKeyFile, QrSymbol, config_file_digest,
    read_paper_key,
};
use ferrite_formats::{CryptKey, FormatError};
use serde_json::Value;

use super::{password, vectors};

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn config(json: &Value) -> KeyConfig {
    KeyConfig::parse(text(json).as_bytes()).unwrap()
}

/// Decodes a symbol from a picture with four pixels a module and a light margin.
fn decode(size: usize, is_dark: impl Fn(usize, usize) -> bool) -> String {
    const SCALE: usize = 4;
    const MARGIN: usize = 4;
    let edge = (size + 2 * MARGIN) * SCALE;
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(edge, edge, |x, y| {
        let at = |pixel: usize| (pixel / SCALE).wrapping_sub(MARGIN);
        let (x, y) = (at(x), at(y));
        if x < size && y < size && is_dark(x, y) {
            0
        } else {
            255
        }
    });
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1);
    grids[0].decode().unwrap().1
}

/// The modules that block characters show.
fn decode_blocks(blocks: &str) -> String {
    let rows: Vec<Vec<char>> = blocks.lines().map(|line| line.chars().collect()).collect();
    decode(rows[0].len(), |x, y| match (rows[y / 2][x], y % 2) {
        ('\u{2588}', _) | ('\u{2580}', 0) | ('\u{2584}', 1) => true,
        (' ' | '\u{2580}' | '\u{2584}', _) => false,
        (other, _) => panic!("{other}"),
    })
}

/// The modules that the last path of an SVG paints.
fn decode_svg(svg: &str) -> String {
    let number = |text: &str| text.parse::<usize>().unwrap();
    let edge = number(
        svg.split("viewBox=\"0 0 ")
            .nth(1)
            .unwrap()
            .split(' ')
            .next()
            .unwrap(),
    );
    let path = svg
        .rsplit("d=\"")
        .next()
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let mut dark = vec![vec![false; edge]; edge];
    for run in path.split_terminator('z') {
        let (start, rest) = run.strip_prefix('M').unwrap().split_once('h').unwrap();
        let (x, y) = start.split_once(' ').unwrap();
        let (length, back) = rest.split_once("v1h-").unwrap();
        assert_eq!(length, back);
        dark[number(y)][number(x)..][..number(length)].fill(true);
    }
    decode(edge, |x, y| dark[y][x])
}

#[test]
fn paper_keys_are_written_as_the_vectors_say() {
    let file = vectors("paper");
    for case in list(&file["written"]) {
        let config = config(&case["json"]);
        let paper = PaperKey::new(&config, case["subject"].as_str()).unwrap();
        if let Some(size) = case["symbolSize"].as_u64() {
            assert_eq!(paper.qr().size() as u64, size);
        }
        let json = String::from_utf8(config.to_json_pretty().unwrap().to_vec()).unwrap();

        let printed = paper.text();
        let blocks = printed.strip_prefix(text(&case["text"])).unwrap();
        let blocks = blocks.strip_suffix('\n').unwrap();
        assert_eq!(decode_blocks(blocks), json);
        assert_eq!(decode_svg(&paper.qr().svg()), json);

        let page = paper.html();
        assert!(page.starts_with("<!DOCTYPE html>\n") && page.ends_with("</html>\n"));
        let subject = page.lines().find(|line| line.starts_with("<p>Subject"));
        assert_eq!(subject, case["page"].as_str());
        assert!(
            !page.contains("<b>"),
            "neither subject nor hint can bring in markup"
        );
        assert!(!page.contains("http"), "the page loads nothing");
    }
}

#[test]
fn keys_are_found_in_what_people_have() {
    let file = vectors("paper");
    let secret = config(&file["json"])
        .open(&password(text(&file["password"])))
        .unwrap();
    for case in list(&file["read"]) {
        let found = read_paper_key(text(&case["text"]).as_bytes());
        let found = found.unwrap_or_else(|error| panic!("{}: {error}", case["name"]));
        assert_eq!(
            found.to_json().unwrap().as_slice(),
            text(&file["json"]).as_bytes(),
            "{}",
            case["name"]
        );
        assert_eq!(secret.fingerprint(), found.fingerprint.unwrap());
    }
    let mut other_encoding = b"Subject: caf\xe9\n\n".to_vec();
    other_encoding.extend_from_slice(text(&file["written"][0]["text"]).as_bytes());
    assert!(read_paper_key(&other_encoding).is_ok());
}

#[test]
fn texts_without_a_key_are_refused() {
    let file = vectors("paper");
    for case in list(&file["refused"]) {
        let error = read_paper_key(text(&case["text"]).as_bytes()).unwrap_err();
        let class = match &error {
            KeyError::NoKey => "no-key",
            KeyError::Format(FormatError::TooLarge { .. }) => "too-large",
            KeyError::Format(FormatError::Invalid { .. }) => "invalid",
            other => panic!("{}: {other}", case["name"]),
        };
        assert_eq!(class, case["error"], "{}: {error}", case["name"]);
    }
    let long = vec![b' '; ferrite_formats::key::MAX_PAPER_BYTES + 1];
    assert!(read_paper_key(&long).is_err());
}

#[test]
fn subjects_are_one_line() {
    let config = config(&vectors("paper")["json"]);
    for bad in ["a\nb", "a\u{1b}[31m", &"x".repeat(1025)] {
        assert!(PaperKey::new(&config, Some(bad)).is_err());
    }
    assert!(PaperKey::new(&config, Some(&"ü".repeat(1024))).is_ok());
    assert!(QrSymbol::encode(&[0; 2331]).is_ok());
    assert!(QrSymbol::encode(&[0; 2332]).is_err());
}

#[test]
fn key_files_refuse_duplicates_and_wrong_fingerprints() {
    let configs = vectors("configs");
    let (json, plain) = (&configs["wrapped"][0]["json"], &configs["plain"]);
    let one = text(json);
    let twice = format!("[{one},{one}]");
    assert!(matches!(
        KeyConfigFile::parse(twice.as_bytes()),
        Err(KeyError::Duplicate { .. })
    ));
    assert!(matches!(
        KeyConfigFile::parse(b"{}"),
        Err(KeyError::Format(_))
    ));

    let element = |fingerprint: &str, key: &str| {
        format!(r#"{{"fingerprint":"{fingerprint}","key":"{key}"}}"#)
    };
    let sound = element(text(&plain["fingerprint"]), text(&plain["key"]));
    let parse = |text: String| PlainKeyFile::parse(text.as_bytes());
    assert!(parse(format!("[{sound}]")).is_ok());
    assert!(matches!(
        parse(format!("[{sound},{sound}]")),
        Err(KeyError::Duplicate { .. })
    ));
    let other = element(text(&plain["fingerprint"]), &"00".repeat(32));
    assert!(matches!(
        parse(format!("[{other}]")),
        Err(KeyError::FingerprintMismatch { .. })
    ));
    for bad in [
        "",
        "[",
        "{}",
        "[1]",
        "[{}]",
        &format!("[{sound}]x"),
        &format!("[{}]", sound.replace("\"00", "\"0")),
    ] {
        assert!(
            matches!(parse(bad.into()), Err(KeyError::Format(_))),
            "{bad}"
        );
    }
}

#[test]
fn key_files_change_key_by_key() {
    let configs = vectors("configs");
    let mut file = KeyConfigFile::parse(b"[]").unwrap();
    assert_eq!(file.print().unwrap(), b"[]");
    assert_eq!(config_file_digest(None), config_file_digest(Some(b"[]")));
    let wrapped = config(&configs["wrapped"][0]["json"]);
    let fingerprint = wrapped.fingerprint.unwrap();
    file.insert(wrapped.clone()).unwrap();
    assert!(matches!(
        file.insert(wrapped),
        Err(KeyError::Duplicate { .. })
    ));
    file.replace(config(&configs["wrapped"][1]["json"]))
        .unwrap();
    assert_eq!(file.configs().count(), 1);
    let expected = format!(
        "[\n  {}\n]",
        text(&configs["wrapped"][1]["pretty"]).replace('\n', "\n  ")
    );
    assert_eq!(String::from_utf8(file.print().unwrap()).unwrap(), expected);
    assert!(file.remove(&fingerprint).is_some() && file.remove(&fingerprint).is_none());

    let mut plain = PlainKeyFile::default();
    plain.insert(CryptKey::new([7; 32])).unwrap();
    let fingerprint = CryptKey::new([7; 32]).fingerprint();
    assert_eq!(
        PlainKeyFile::parse(&plain.print().unwrap())
            .unwrap()
            .get(&fingerprint)
            .unwrap()
            .raw(),
        &[7; 32]
    );
    assert!(plain.remove(&fingerprint).is_some());
    assert_eq!(plain.print().unwrap().as_slice(), b"[]");
}
