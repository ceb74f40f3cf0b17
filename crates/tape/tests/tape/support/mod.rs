//! What several test files share.

pub mod content;
pub mod tape;

use std::path::{Path, PathBuf};

use ferrite_formats::label::{MediaLabel, MediaSetLabel};
use ferrite_tape::TapeLabels;
use uuid::Uuid;

/// The folder of PBS's fixtures, or `None` (said on stderr) where they are missing and may be.
pub fn fixtures() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let folder = std::env::var_os("FERRITE_FIXTURES").map_or(beside, PathBuf::from);
    if folder.join("small").is_dir() {
        return Some(folder);
    }
    let required = std::env::var("FERRITE_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|what| what.trim() == "fixtures"),
        "fixtures are required and {} has none",
        folder.display()
    );
    eprintln!("SKIP fixtures: {} has none", folder.display());
    None
}

/// Every `<uuid>.log` below a folder of a fixture, with the UUID of its name.
pub fn logs(folder: &Path) -> Vec<(Uuid, PathBuf)> {
    let mut logs: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .map(|path| {
            (
                path.file_stem().unwrap().to_str().unwrap().parse().unwrap(),
                path,
            )
        })
        .collect();
    logs.sort();
    logs
}

/// Labels of member `seq_nr` of a set of tests.
pub fn labels(seq_nr: u64) -> TapeLabels {
    TapeLabels {
        label: MediaLabel {
            ctime: 1_700_000_000,
            label_text: format!("TAPE{seq_nr:02}"),
            pool: Some("pool1".into()),
            uuid: Uuid::from_u128(u128::from(seq_nr) + 1),
        },
        media_set_label: Some(MediaSetLabel {
            ctime: 1_700_000_060,
            encryption_key_fingerprint: None,
            key_config: None,
            pool: "pool1".into(),
            seq_nr,
            uuid: Uuid::from_u128(0xabcd),
        }),
    }
}
