//! Measures the chunk index: `cargo run --release -p ferrite-tape --example chunk_index [million] [folder] [keep]`.
//!
//! Writes catalogs with that many million random digests (default 10) over 40 tapes below `folder` (default: the system's
//! temporary folder), then builds the index, opens it again, and looks chunks up in random order on one thread, half of which
//! are not there. Prints one line a figure; peak anonymous memory is what the build added. With `keep` the catalogs stay, in
//! `folder` itself, for a program that backs up to their media set.

use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ferrite_formats::Digest;
use ferrite_formats::label::{MediaLabel, MediaSetLabel};
use ferrite_tape::index::{CatalogSource, ChunkIndex};
use ferrite_tape::{CatalogBuilder, TapeLabels};
use uuid::Uuid;

const TAPES: u64 = 40;
const ARCHIVES_PER_TAPE: u64 = 500;
const LOOKUPS: u64 = 4_000_000;
const STORE: &str = "store1";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let million: f64 = arguments.next().map_or(Ok(10.0), |text| text.parse())?;
    let folder = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let chunks = (million * 1e6) as u64;
    if arguments.next().as_deref() == Some("keep") {
        return measure(&folder, chunks);
    }
    let folder = folder.join(format!("ferrite-chunk-index-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = measure(&folder, chunks);
    std::fs::remove_dir_all(&folder)?;
    measured
}

fn measure(folder: &Path, chunks: u64) -> Result<(), Box<dyn Error>> {
    let sources = (0..TAPES)
        .map(|tape| write_catalog(folder, tape, chunks))
        .collect::<Result<Vec<_>, _>>()?;
    let path = folder.join("set.index");

    let (built, anonymous) =
        peak_anonymous(|| timed(|| ChunkIndex::open_or_build(&path, &sources)));
    let (index, time) = built?;
    report("chunks", format!("{}", index.chunks()));
    report("build", seconds(time));
    report("build, peak anonymous memory", format!("{anonymous} KiB"));
    report(
        "size",
        format!(
            "{:.2} bytes a chunk",
            index.file_bytes() as f64 / index.chunks() as f64
        ),
    );
    drop(index);

    let (index, time) = timed(|| ChunkIndex::open_or_build(&path, &sources))?;
    report("open (map and check)", seconds(time));

    let queries: Vec<Digest> = (0..LOOKUPS).map(|number| query(number, chunks)).collect();
    let store = index.store(STORE).ok_or("no chunks")?;
    for round in 1..=3 {
        let start = Instant::now();
        let found = queries
            .iter()
            .filter(|digest| black_box(index.contains(store, digest)))
            .count();
        let rate = LOOKUPS as f64 / start.elapsed().as_secs_f64() / 1e6;
        report(
            &format!("lookups, round {round}"),
            format!("{rate:.1} M/s ({found} of {LOOKUPS} found)"),
        );
    }
    Ok(())
}

fn write_catalog(folder: &Path, tape: u64, chunks: u64) -> Result<CatalogSource, Box<dyn Error>> {
    let labels = labels(tape);
    let path = folder.join(format!("{}.log", labels.label.uuid));
    let mut catalog = CatalogBuilder::create(&path, &labels, None)?;
    let (first, end) = (chunks * tape / TAPES, chunks * (tape + 1) / TAPES);
    for archive in 0..ARCHIVES_PER_TAPE {
        catalog.start_archive(archive + 2, Uuid::nil(), STORE)?;
        let part = |archive| first + (end - first) * archive / ARCHIVES_PER_TAPE;
        for number in part(archive)..part(archive + 1) {
            catalog.chunk(digest(number))?;
        }
        catalog.end_archive()?;
    }
    catalog.finish()?;
    Ok(CatalogSource::new(labels.label.uuid, path))
}

fn labels(tape: u64) -> TapeLabels {
    TapeLabels {
        label: MediaLabel {
            ctime: 0,
            label_text: format!("TAPE{tape:02}"),
            pool: None,
            uuid: Uuid::from_u128(u128::from(tape) + 1),
        },
        media_set_label: Some(MediaSetLabel {
            ctime: 0,
            encryption_key_fingerprint: None,
            key_config: None,
            pool: "pool".into(),
            seq_nr: tape,
            uuid: Uuid::from_u128(99),
        }),
    }
}

/// 32 bytes that look random, from a counter (splitmix64): hashing would take longer than what is measured.
fn digest(number: u64) -> Digest {
    let mut bytes = [0; 32];
    for (part, word) in bytes.chunks_exact_mut(8).enumerate() {
        let mut x = number
            .wrapping_mul(4)
            .wrapping_add(part as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word.copy_from_slice(&(x ^ (x >> 31)).to_be_bytes());
    }
    Digest::new(bytes)
}

/// A chunk of the set and one that is not, in turn, in random order.
fn query(number: u64, chunks: u64) -> Digest {
    let [a, b, c, d, e, f, g, h, ..] = *digest(number.wrapping_add(1 << 60)).as_bytes();
    let random = u64::from_le_bytes([a, b, c, d, e, f, g, h]) % chunks.max(1);
    digest(if number % 2 == 0 {
        random
    } else {
        random + (1 << 50)
    })
}

fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(T, Duration), E> {
    let start = Instant::now();
    let result = work()?;
    Ok((result, start.elapsed()))
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

#[allow(clippy::print_stdout, reason = "a program that prints its findings")]
fn report(what: &str, value: String) {
    println!("{what:32} {value}");
}

/// Runs `work` and gives the most anonymous memory that the process had meanwhile, in KiB, less what it had before.
fn peak_anonymous<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = anonymous_kib();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let peak = scope.spawn(|| {
            let mut peak = before;
            while !done.load(Ordering::Relaxed) {
                peak = peak.max(anonymous_kib());
                std::thread::sleep(Duration::from_millis(2));
            }
            peak
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        (result, peak.join().unwrap_or(before) - before)
    })
}

fn anonymous_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}
