//! Catalog files when the process is killed or the disk is full: in every gap there is a whole catalog, or one that says
//! where its last good commit ends.
//!
//! The work runs in a child process: this test binary again, asked for the test [`child`] only.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::labels;
use ferrite_formats::Digest;
use ferrite_formats::media_catalog::CatalogError;
use ferrite_tape::catalog::{
    CatalogIdentity, cut_torn_tail, overwrite_catalog, read_catalog, temporary_path,
};
use ferrite_tape::{CatalogBuilder, MediaCatalog, TapeError};
use tempfile::TempDir;
use uuid::Uuid;

const WORK: &str = "FERRITE_TEST_CHILD_WORK";
const PATH: &str = "FERRITE_TEST_CHILD_PATH";
const CHUNKS: u64 = 60_000;
const KILLS: u64 = 25;

/// What the child does until it is killed. As a test of its own it does nothing.
#[test]
fn child() {
    let (Ok(work), Some(path)) = (std::env::var(WORK), std::env::var_os(PATH)) else {
        return;
    };
    println!("started");
    let path = Path::new(&path);
    match work.as_str() {
        "replace" => {
            for round in 0..u64::MAX {
                replace(path, round);
            }
        }
        "append" => append(path),
        "append once" => append_once(path),
        work => panic!("{work}"),
    }
}

/// Round after round a whole catalog; the number of the round stands in its only snapshot's file number.
fn replace(path: &Path, round: u64) {
    let mut catalog = CatalogBuilder::create(path, &labels(0), None).unwrap();
    catalog.start_archive(2, Uuid::nil(), "store1").unwrap();
    for number in 0..CHUNKS {
        catalog.chunk(Digest::of(&number.to_le_bytes())).unwrap();
    }
    catalog.end_archive().unwrap();
    catalog
        .snapshot(
            3 + round,
            Uuid::nil(),
            "store1",
            "vm/100/2024-06-05T09:38:20Z",
        )
        .unwrap();
    catalog.finish().unwrap();
}

/// Commit after commit of chunk archives.
fn append(path: &Path) {
    let mut catalog = MediaCatalog::open(path, CatalogIdentity::ANY).unwrap();
    for file_number in 2.. {
        let chunks = (0..CHUNKS).map(|number| Digest::of(&number.to_le_bytes()));
        catalog
            .register_chunk_archive(file_number, Uuid::nil(), "store1", chunks)
            .unwrap();
        catalog.commit().unwrap();
    }
}

/// One commit that does not fit on the "disk".
fn append_once(path: &Path) {
    let mut catalog = MediaCatalog::open(path, CatalogIdentity::ANY).unwrap();
    let chunks = (0..CHUNKS).map(|number| Digest::of(&number.to_le_bytes()));
    catalog
        .register_chunk_archive(2, Uuid::nil(), "store1", chunks)
        .unwrap();
    let pending = catalog.pending_bytes();
    let error = catalog.commit().unwrap_err();
    assert!(matches!(error, TapeError::Io { .. }), "{error}");
    assert_eq!(catalog.pending_bytes(), pending);
    println!("refused");
}

fn command(work: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "catalog_crashes::child",
            "--exact",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(WORK, work)
        .env(PATH, path)
        .stdout(Stdio::piped());
    command
}

/// Starts the work and kills it a while after it began.
fn kill_after(work: &str, path: &Path, time: Duration) {
    let mut child: Child = command(work, path).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while !lines
        .next()
        .expect("the child starts")
        .unwrap()
        .contains("started")
    {}
    std::thread::sleep(time);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn killed_while_replacing_there_is_always_a_whole_catalog() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("killed.log");
    replace(&path, 0);
    for kill in 0..KILLS {
        kill_after("replace", &path, Duration::from_micros(kill * 1500));
        let content = read_catalog(&path, CatalogIdentity::ANY).unwrap().content;
        assert_eq!(content.chunks(), CHUNKS, "kill {kill}");
        assert_eq!(content.snapshots.len(), 1, "kill {kill}");
    }
    // What the last one left does not disturb the next.
    overwrite_catalog(&path, &labels(0), None).unwrap();
    assert!(!temporary_path(&path).exists());
}

#[test]
fn killed_while_appending_nothing_committed_is_lost() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("killed.log");
    for kill in 0..KILLS {
        overwrite_catalog(&path, &labels(0), None).unwrap();
        kill_after("append", &path, Duration::from_micros(kill * 1500));
        let torn = match read_catalog(&path, CatalogIdentity::ANY) {
            // The write may have ended between two records.
            Ok(catalog) => catalog.content.unfinished,
            Err(TapeError::Catalog {
                source: CatalogError::Torn { .. },
                ..
            }) => true,
            Err(error) => panic!("kill {kill}: {error}"),
        };
        if torn {
            assert!(cut_torn_tail(&path, CatalogIdentity::ANY).unwrap() > 0);
        }
        let content = read_catalog(&path, CatalogIdentity::ANY).unwrap().content;
        assert!(!content.unfinished);
        assert!(
            content
                .archives
                .iter()
                .all(|archive| archive.chunks == CHUNKS),
            "kill {kill}"
        );
    }
}

#[test]
fn a_full_disk_leaves_the_catalog_as_it_was() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("full.log");
    overwrite_catalog(&path, &labels(0), None).unwrap();
    let before = std::fs::read(&path).unwrap();
    // A limit to the size of files, with the signal ignored: the write ends in the middle with an error.
    let inner = command("append once", &path);
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 600; exec \"$@\"", "sh"])
        .arg(inner.get_program())
        .args(inner.get_args())
        .env(WORK, "append once")
        .env(PATH, &path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("refused"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
}
