//! Inputs for the fuzzer to begin with: out of the test vectors, and out of what PBS wrote where that is at hand.
//!
//! usage: fuzz_seeds OUTPUT VECTORS [FIXTURES]    makes OUTPUT/<target>/<digest> files; see scripts/fuzz

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ferrite_formats::Digest;
use ferrite_formats::blob::BlobRef;
use ferrite_formats::block::{BLOCK_SIZE, HEADER_SIZE};
use ferrite_formats::block_stream::unframe;
use ferrite_formats::content_header::{self, ContentKind};
use ferrite_formats::key::QrSymbol;
use ferrite_formats::pxar::{Acl, AclDefault, AclEntry, Encoder, Metadata, Stat, Xattr};
use serde_json::Value;

/// Longer ones are cut: the fuzzer is fast with short inputs only.
const MOST_BYTES: usize = 16 << 10;
/// Tape files of one tape that go into one input, and what is kept of each.
const MOST_FILES: usize = 10;
const MOST_FILE_BYTES: usize = 4 << 10;
/// The targets that take what a vector file holds.
const VECTORS: [(&str, &[&str]); 19] = [
    ("tape/block", &["block-heads"]),
    (
        "tape/catalog",
        &["media-catalog", "catalog-file", "tape-file"],
    ),
    ("tape/chunk-archive", &["chunk-archive", "tape-file"]),
    (
        "tape/damaged",
        &["chunk-archive", "tape-file", "label", "media-catalog"],
    ),
    ("tape/encryption-page", &["encryption-pages"]),
    ("tape/inventory", &["inventory"]),
    ("tape/label", &["label", "tape-file"]),
    (
        "tape/snapshot-archive",
        &["snapshot-archive-body", "tape-file"],
    ),
    ("datastore/blob", &["blob", "blob-payload"]),
    ("datastore/chunker", &["chunker"]),
    ("datastore/index", &["fixed-index", "dynamic-index"]),
    ("datastore/keys", &["names"]),
    ("datastore/manifest", &["manifest"]),
    ("datastore/pcat1", &["pcat1"]),
    ("datastore/snapshot-path", &["names"]),
    ("keys/configs", &["key-json", "key-files", "paper-key"]),
    ("keys/paper", &["paper-key"]),
    ("pxar/format-1", &["pxar"]),
    ("time/rfc3339", &["rfc3339", "names"]),
];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [output, vectors, fixtures @ ..] = arguments.as_slice() else {
        return Err("usage: fuzz_seeds OUTPUT VECTORS [FIXTURES]".into());
    };
    let seeds = Seeds(output);
    for (name, targets) in VECTORS {
        let text = fs::read(vectors.join(name).with_extension("json"))?;
        seeds.vector(targets, &serde_json::from_slice(&text)?)?;
    }
    for (bytes, scale) in [(4, 2), (4, 5), (40, 4), (120, 3)] {
        seeds.symbol(bytes, scale)?;
    }
    seeds.add(&["virtual-drive"], &virtual_drive())?;
    let archive = archive()?;
    seeds.add(&["pxar"], &archive)?;
    seeds.add(&["extract"], &[&[0], archive.as_slice()].concat())?;
    for fixtures in fixtures {
        for path in files(fixtures)? {
            seeds.fixture(&path)?;
        }
        for folder in folders(fixtures)? {
            seeds.tapes(&folder)?;
        }
    }
    Ok(())
}

struct Seeds<'a>(&'a Path);

impl Seeds<'_> {
    fn add(&self, targets: &[&str], content: &[u8]) -> io::Result<()> {
        for target in targets {
            let folder = self.0.join(target);
            fs::create_dir_all(&folder)?;
            let name = Digest::of(content).to_string();
            fs::write(folder.join(&name[..16]), content)?;
        }
        Ok(())
    }

    fn add_cut(&self, targets: &[&str], content: &[u8]) -> io::Result<()> {
        self.add(targets, &content[..content.len().min(MOST_BYTES)])
    }

    /// Every string of a vector: bytes if it is hex, else text.
    fn vector(&self, targets: &[&str], value: &Value) -> io::Result<()> {
        match value {
            Value::String(text) => match hex::decode(text) {
                Ok(bytes) if bytes.len() > 4 => self.add_cut(targets, &bytes),
                _ => self.add_cut(targets, text.as_bytes()),
            },
            Value::Array(values) => values
                .iter()
                .try_for_each(|value| self.vector(targets, value)),
            Value::Object(members) => members
                .values()
                .try_for_each(|value| self.vector(targets, value)),
            _ => Ok(()),
        }
    }

    /// A QR code of some bytes as a picture, and as pixels behind their width.
    fn symbol(&self, bytes: usize, scale: usize) -> Result<()> {
        const MARGIN: usize = 4;
        let symbol = QrSymbol::encode(&vec![b'k'; bytes])?;
        let edge = (symbol.size() + 2 * MARGIN) * scale / 8 * 8;
        let module = |pixel: usize| (pixel / scale).wrapping_sub(MARGIN);
        let is_dark = |at: &usize| symbol.is_dark(module(at % edge), module(at / edge));
        let dark: Vec<bool> = (0..edge * edge).map(|at| is_dark(&at)).collect();
        let byte = |pixels: &[bool]| {
            let bit = |byte: u8, (index, dark): (usize, &bool)| byte | u8::from(*dark) << index;
            pixels.iter().enumerate().fold(0, bit)
        };
        let mut pixels = vec![u8::try_from(edge - 1)?];
        pixels.extend(dark.chunks(8).map(byte));
        self.add(&["picture-codes"], &pixels)?;

        let gray: Vec<u8> = dark
            .iter()
            .map(|dark| if *dark { 0 } else { 255 })
            .collect();
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, edge as u32, edge as u32);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header()?.write_image_data(&gray)?;
        self.add(&["picture"], &file)?;
        Ok(())
    }

    /// A file by its name.
    fn fixture(&self, path: &Path) -> Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let content = fs::read(path)?;
        if name.ends_with(".log") {
            self.add_cut(&["media-catalog", "catalog-file"], &content)?;
        } else if name == "inventory.json" {
            self.add_cut(&["inventory"], &content)?;
        } else if name.starts_with("tape-encryption-key") {
            self.add_cut(&["key-files"], &content)?;
        } else if name.starts_with("tapefile-") {
            self.tape_file(&content)?;
        } else if name.ends_with(".fidx") {
            self.add_cut(&["fixed-index"], &content)?;
            self.add(&["snapshot"], &tagged(2, &content))?;
        } else if name.ends_with(".didx") {
            self.add_cut(&["dynamic-index"], &content)?;
            self.add(&["snapshot"], &tagged(3, &content))?;
        } else if name.ends_with(".blob") || hex::decode(&*name).is_ok_and(|hex| hex.len() == 32) {
            self.blob(&name, &content)?;
        }
        Ok(())
    }

    fn blob(&self, name: &str, content: &[u8]) -> Result<()> {
        self.add_cut(&["blob"], content)?;
        // Those that are encrypted stay as they are.
        let decoded = BlobRef::parse(content).and_then(|blob| blob.decode(None, 16 << 20));
        let Ok(plain) = decoded else {
            return Ok(());
        };
        if name == "index.json.blob" {
            self.add_cut(&["manifest"], &plain)?;
            self.add(&["snapshot"], &tagged(0, content))?;
        } else {
            self.add_cut(&["pxar", "pcat1"], &plain)?;
            self.add_cut(&["extract"], &[&[0], plain.as_slice()].concat())?;
        }
        Ok(())
    }

    fn tape_file(&self, stream: &[u8]) -> Result<()> {
        let heads: Vec<u8> = stream
            .chunks(BLOCK_SIZE)
            .take(16)
            .flat_map(|block| block[..block.len().min(HEADER_SIZE + 8)].to_vec())
            .collect();
        self.add(&["block-heads"], &heads)?;
        let Ok((content, _)) = unframe(stream) else {
            return Ok(());
        };
        self.add_cut(&["tape-file"], &content)?;
        let mut body = content.as_slice();
        let Ok((header, _)) = content_header::read(&mut body) else {
            return Ok(());
        };
        match header.kind()? {
            ContentKind::MediaLabel | ContentKind::MediaSetLabel => {
                self.add(&["block-stream"], stream)?;
                self.add(&["label"], &content)?;
            }
            ContentKind::ChunkArchive => self.add_cut(&["chunk-archive"], &content)?,
            ContentKind::SnapshotArchive11 | ContentKind::SnapshotArchive12 => {
                self.add_cut(&["snapshot-archive-body"], body)?
            }
            _ => self.add_cut(&["media-catalog", "catalog-file"], body)?,
        }
        Ok(())
    }

    /// The tapes of a virtual drive as inputs of the target `tape`.
    fn tapes(&self, folder: &Path) -> Result<()> {
        for index in files(folder)? {
            let name = index.file_name().unwrap_or_default().to_string_lossy();
            let Some(label) = name.strip_prefix("tape-") else {
                continue;
            };
            let mut input = Vec::new();
            for number in 0..MOST_FILES {
                let path = folder.join(format!("tapefile-{number}-{label}"));
                let Ok(stream) = fs::read(path) else {
                    break;
                };
                if let Ok((content, _)) = unframe(&stream) {
                    let cut = content.len() > MOST_FILE_BYTES;
                    let kept = &content[..content.len().min(MOST_FILE_BYTES)];
                    input.extend(tagged(if cut { 2 } else { 0 }, kept));
                }
            }
            self.add(&["tape"], &input)?;
        }
        Ok(())
    }
}

/// Kind and length in front, as several targets want their parts.
fn tagged(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    let mut tagged = vec![kind];
    tagged.extend(length.to_le_bytes());
    tagged.extend_from_slice(&content[..usize::from(length)]);
    tagged
}

fn virtual_drive() -> Vec<u8> {
    let status = br#"{"current_tape":{"name":"A","pos":1}}"#;
    let index = br#"{"files":2}"#;
    let mut input = vec![status.len() as u8, index.len() as u8];
    input.extend_from_slice(status);
    input.extend_from_slice(index);
    input.push(b'B');
    input
}

/// A small archive with one of everything.
fn archive() -> Result<Vec<u8>> {
    let plain = |mode| {
        Metadata::from(Stat {
            mode,
            ..Stat::default()
        })
    };
    let entry = |id, permissions| AclEntry { id, permissions };
    let everything = |mode| Metadata {
        xattrs: vec![Xattr {
            name: b"user.test".to_vec(),
            value: b"value".to_vec(),
        }],
        acl: Acl {
            users: vec![entry(1000, 6)],
            groups: vec![entry(50, 4)],
            group_obj: Some(4),
            ..Acl::default()
        },
        fcaps: Some(vec![1; 20]),
        quota_project: Some(7),
        ..plain(mode)
    };
    let with_default = Metadata {
        acl: Acl {
            default: Some(AclDefault {
                user_obj: 7,
                group_obj: 5,
                other: 0,
                mask: 7,
            }),
            default_users: vec![entry(1000, 7)],
            default_groups: vec![entry(50, 5)],
            ..Acl::default()
        },
        ..plain(0o040_755)
    };
    let mut archive = Encoder::new(Vec::new(), &plain(0o040_755))?;
    archive.open_directory(b"directory", &with_default)?;
    let mut file = archive.file(b"file", &everything(0o100_644), 7)?;
    io::Write::write_all(&mut file, b"content")?;
    let file = file.finish()?;
    archive.close_directory()?;
    archive.symlink(b"symlink", &plain(0o120_777), b"directory/file")?;
    archive.hardlink(b"hardlink", b"directory/file", file)?;
    archive.device(b"device", &plain(0o020_600), 1, 3)?;
    archive.fifo(b"fifo", &plain(0o010_600))?;
    archive.socket(b"socket", &plain(0o140_600))?;
    Ok(archive.finish()?)
}

/// All files below a folder.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.append(&mut files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

/// The folders `tapes` below a folder of fixtures.
fn folders(fixtures: &Path) -> io::Result<Vec<PathBuf>> {
    let sets = fs::read_dir(fixtures)?;
    let tapes = sets.map(|entry| entry.map(|entry| entry.path().join("tapes")));
    tapes
        .filter(|path| path.as_ref().map_or(true, |path| path.is_dir()))
        .collect()
}
