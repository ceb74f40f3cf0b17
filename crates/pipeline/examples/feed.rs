//! How fast the pipeline feeds a drive and a datastore on this machine.
//!
//! ```text
//! cargo run --release -p ferrite-pipeline --example feed -- [--dir DIR] [--size MIB] [--runs N] [CASE]...
//! ```
//!
//! Makes a datastore of 4 MiB chunks below DIR (half plain, half compressible), then runs every case in turn, N times, and
//! prints the medians. Cases: `read`, `null-crc`, `null-sha256` (warm source into a drive that takes everything),
//! `cold-serial`, `cold` (the same with a source that is not cached, and one file after the other), `cat`, `disk-crc`,
//! `disk-sha256` (onto the file system of DIR, sync included), `restore` (of a tape that is not cached), `restore-warm`,
//! `restore-present` (everything is there already).
//!
//! ```text
//! feed --store PATH null-crc|null-sha256
//! ```
//!
//! feeds all snapshots of an existing datastore, which stays as cached or uncached as it is, into a drive that takes
//! everything, once, and prints one line of JSON for `scripts/bench`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)] // a program for a terminal

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use ferrite_datastore::{AlignedBuffer, ListOptions, Store, StoreOptions};
use ferrite_emulator::pbs::{PbsDirectory, PbsDirectoryOptions};
use ferrite_emulator::{EmulatedDrive, Identity, NullMedium};
use ferrite_formats::blob::Blob;
use ferrite_formats::fixed_index::{DEFAULT_CHUNK_BYTES, FixedIndexBuilder};
use ferrite_formats::label::{MediaLabel, MediaSetLabel};
use ferrite_formats::manifest::{CryptMode, FileEntry, Manifest};
use ferrite_formats::{BackupGroup, BackupType, Digest, Namespace, SnapshotPath};
use ferrite_pipeline::{
    BackupPlan, CancelFlag, ChunkOrder, Environment, RestorePlan, Verify, backup, restore,
};
use ferrite_scsi::{Drive, DriveOptions};
use ferrite_tape::catalog::overwrite_catalog;
use ferrite_tape::{AlignedBlock, FileStamp, TapeLabels};
use rustix::fs::Advice;
use uuid::Uuid;

const CASES: [&str; 11] = [
    "read",
    "null-crc",
    "null-sha256",
    "cold-serial",
    "cold",
    "cat",
    "disk-crc",
    "disk-sha256",
    "restore",
    "restore-warm",
    "restore-present",
];

struct Options {
    dir: PathBuf,
    /// An existing datastore.
    store: Option<PathBuf>,
    bytes: u64,
    runs: usize,
    cases: Vec<String>,
}

fn options() -> Options {
    let mut options = Options {
        dir: std::env::temp_dir(),
        store: None,
        bytes: 4 << 30,
        runs: 5,
        cases: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().expect("option without value");
        match argument.as_str() {
            "--dir" => options.dir = value().into(),
            "--store" => options.store = Some(value().into()),
            "--size" => options.bytes = value().parse::<u64>().expect("size in MiB") << 20,
            "--runs" => options.runs = value().parse().expect("number of runs"),
            case if CASES.contains(&case) => options.cases.push(argument),
            other => panic!("unknown argument {other}"),
        }
    }
    if options.cases.is_empty() {
        options.cases = CASES.map(str::to_owned).to_vec();
    }
    options
}

fn main() {
    let options = options();
    let scratch = tempfile::tempdir_in(&options.dir).unwrap();
    if let Some(store) = &options.store {
        let bench = Bench::adopt(scratch.path(), store);
        let verify = match options.cases.first().map(String::as_str) {
            Some("null-sha256") => Verify::Sha256,
            _ => Verify::Crc,
        };
        let (wall, _) = bench.feed(verify);
        let cpu = cpu_seconds();
        println!("{{\"wallSeconds\":{wall},\"cpuSeconds\":{cpu}}}");
        return;
    }
    let bench = Bench::new(scratch.path(), options.bytes);
    println!(
        "{} chunks, {:.3} GB in {}",
        bench.chunks.len(),
        bench.gigabytes(),
        options.dir.display()
    );
    let mut samples: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for _ in 0..options.runs {
        for case in &options.cases {
            let (wall, cpu) = bench.measure(case);
            samples.entry(case.clone()).or_default().push((wall, cpu));
        }
    }
    println!(
        "{:<16} {:>8} {:>8} {:>8} {:>10}",
        "case", "GB/s", "seconds", "spread", "CPU s/GB"
    );
    for case in &options.cases {
        let mut wall: Vec<f64> = samples[case].iter().map(|sample| sample.0).collect();
        let mut cpu: Vec<f64> = samples[case].iter().map(|sample| sample.1).collect();
        wall.sort_by(f64::total_cmp);
        cpu.sort_by(f64::total_cmp);
        let (median, cpu) = (wall[wall.len() / 2], cpu[cpu.len() / 2]);
        let spread = wall[wall.len() - 1] - wall[0];
        let gigabytes = bench.gigabytes();
        println!(
            "{case:<16} {:>8.2} {median:>8.3} {spread:>8.3} {:>10.3}",
            gigabytes / median,
            cpu / gigabytes
        );
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status
        .lines()
        .filter(|line| line.starts_with("VmHWM") || line.starts_with("RssAnon"))
        .for_each(|line| println!("{line}"));
}

struct Bench {
    root: PathBuf,
    store: Store,
    snapshots: Vec<SnapshotPath>,
    chunks: Vec<PathBuf>,
    /// Bytes of the chunk files, where this program made them.
    bytes: Option<u64>,
}

impl Bench {
    fn new(root: &Path, bytes: u64) -> Self {
        let store = open_store(&root.join("store1"), "store1");
        let count = (bytes / DEFAULT_CHUNK_BYTES).max(1);
        let mut index =
            FixedIndexBuilder::new(count * DEFAULT_CHUNK_BYTES, DEFAULT_CHUNK_BYTES).unwrap();
        let (mut chunks, mut written) = (Vec::new(), 0);
        for number in 0..count {
            let data = chunk_data(number);
            let digest = Digest::of(&data);
            let blob = Blob::encode(&data, true, None).unwrap();
            store
                .chunks()
                .insert(&digest, blob.as_bytes(), &mut AlignedBuffer::new())
                .unwrap();
            index.set(number as usize, &digest).unwrap();
            chunks.push(store.chunks().chunk_path(&digest));
            written += blob.as_bytes().len() as u64;
        }
        let group = BackupGroup::new(BackupType::Vm, "100").unwrap();
        let writer = store
            .create_group(&Namespace::root(), &group, "root@pam")
            .unwrap();
        let snapshot = writer.create_snapshot(1_700_000_000).unwrap().unwrap();
        let (content, csum) = index.finish(Uuid::from_u128(1), 1_700_000_000).unwrap();
        snapshot.write_file("drive.img.fidx", &content).unwrap();
        let mut manifest = Manifest::new(group, 1_700_000_000).unwrap();
        let size = count * DEFAULT_CHUNK_BYTES;
        let file = FileEntry {
            filename: "drive.img.fidx".to_owned(),
            crypt_mode: CryptMode::None,
            size,
            csum,
        };
        manifest.add_file(file).unwrap();
        let path = snapshot.path().clone();
        snapshot
            .commit(manifest.to_blob().unwrap().as_bytes())
            .unwrap();
        Self {
            root: root.to_owned(),
            store,
            snapshots: vec![path],
            chunks,
            bytes: Some(written),
        }
    }

    /// All finished snapshots of a datastore that is there already.
    fn adopt(root: &Path, path: &Path) -> Self {
        let store = Store::open(StoreOptions::new("source", path, root.join("run"))).unwrap();
        let listing = store.list(&ListOptions::default());
        let found = listing.unwrap().snapshots.into_iter();
        let snapshots = found.filter(|snapshot| snapshot.finished);
        Self {
            root: root.to_owned(),
            store,
            snapshots: snapshots.map(|snapshot| snapshot.path).collect(),
            chunks: Vec::new(),
            bytes: None,
        }
    }

    fn gigabytes(&self) -> f64 {
        self.bytes.unwrap_or(0) as f64 / 1e9
    }

    /// Wall and CPU seconds.
    fn measure(&self, case: &str) -> (f64, f64) {
        match case {
            "read" => self
                .warm()
                .timed(|| self.read_all(1 << 20, &mut std::io::sink())),
            "null-crc" => self.warm().feed(Verify::Crc),
            "null-sha256" => self.warm().feed(Verify::Sha256),
            "cold-serial" => self
                .cool()
                .timed(|| self.read_all(1 << 20, &mut std::io::sink())),
            "cold" => self.cool().feed(Verify::Crc),
            "cat" => self.warm().cat(),
            "disk-crc" => self.warm().to_disk(Verify::Crc, true),
            "disk-sha256" => self.warm().to_disk(Verify::Sha256, true),
            "restore" => self.restore(false, false),
            "restore-warm" => self.restore(true, false),
            "restore-present" => self.restore(true, true),
            other => panic!("unknown case {other}"),
        }
    }

    fn timed(&self, work: impl FnOnce()) -> (f64, f64) {
        let (cpu, started) = (cpu_seconds(), Instant::now());
        work();
        (started.elapsed().as_secs_f64(), cpu_seconds() - cpu)
    }

    fn warm(&self) -> &Self {
        self.read_all(1 << 20, &mut std::io::sink());
        self
    }

    /// Takes the source out of the page cache.
    fn cool(&self) -> &Self {
        for path in &self.chunks {
            let file = File::open(path).unwrap();
            file.sync_all().unwrap();
            rustix::fs::fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        }
        self
    }

    fn read_all(&self, piece_bytes: usize, sink: &mut dyn Write) {
        let mut piece = vec![0; piece_bytes];
        for path in &self.chunks {
            let mut file = File::open(path).unwrap();
            loop {
                match file.read(&mut piece).unwrap() {
                    0 => break,
                    bytes => sink.write_all(&piece[..bytes]).unwrap(),
                }
            }
        }
    }

    fn cat(&self) -> (f64, f64) {
        let path = self.root.join("cat");
        let sample = self.timed(|| {
            let mut file = File::create(&path).unwrap();
            self.read_all(128 << 10, &mut file);
            file.sync_all().unwrap();
        });
        std::fs::remove_file(path).unwrap();
        sample
    }

    fn feed(&self, verify: Verify) -> (f64, f64) {
        let null = EmulatedDrive::new(Identity::virtual_drive("null"));
        null.insert(Box::new(NullMedium::endless()));
        let mut drive = Drive::open(null.connect(), DriveOptions::default()).unwrap();
        self.backup(&mut drive, verify)
    }

    fn labels(&self) -> TapeLabels {
        let set_uuid = Uuid::from_u128(2);
        TapeLabels {
            label: MediaLabel {
                ctime: 1_700_000_000,
                label_text: "TAPE01".to_owned(),
                pool: None,
                uuid: Uuid::from_u128(1),
            },
            media_set_label: Some(MediaSetLabel {
                ctime: 1_700_000_000,
                encryption_key_fingerprint: None,
                key_config: None,
                pool: "pool1".to_owned(),
                seq_nr: 0,
                uuid: set_uuid,
            }),
        }
    }

    fn backup(&self, drive: &mut Drive, verify: Verify) -> (f64, f64) {
        drive.prepare().unwrap();
        let (labels, mut block) = (self.labels(), AlignedBlock::new());
        let stamp = FileStamp {
            uuid: Uuid::from_u128(3),
            ctime: 1_700_000_000,
        };
        let _ = ferrite_tape::write_label(drive, &mut block, &labels.label, stamp).unwrap();
        let set_label = labels.media_set_label.as_ref().unwrap();
        let _ = ferrite_tape::write_media_set_label(drive, &mut block, set_label, stamp).unwrap();
        let catalog_path = self.root.join("tape.log");
        overwrite_catalog(&catalog_path, &labels, None).unwrap();
        let plan = BackupPlan {
            store: self.store.clone(),
            snapshots: self.snapshots.clone(),
            catalog_path,
            media_uuid: labels.label.uuid,
            media_set_uuid: set_label.uuid,
            chunk_index: None,
            verify,
            memory_bytes: None,
            reader_threads: None,
            dry_run: false,
        };
        let environment = Environment::scripted([], [1_700_000_000], ChunkOrder::Inode);
        self.timed(|| {
            let outcome = backup(drive, &plan, &environment, &|_| {}, &CancelFlag::new()).unwrap();
            assert!(
                self.bytes
                    .is_none_or(|written| written == outcome.chunk_bytes)
            );
            assert_eq!(outcome.written, self.snapshots);
        })
    }

    /// Backs up to a tape on disk, which stays if it is to be restored.
    fn to_disk(&self, verify: Verify, remove: bool) -> (f64, f64) {
        let directory = self.root.join("tapes");
        std::fs::create_dir_all(&directory).unwrap();
        let options = PbsDirectoryOptions {
            max_bytes: u64::MAX,
            ..PbsDirectoryOptions::default()
        };
        let tapes = PbsDirectory::open(&directory, options).unwrap();
        tapes.load("TAPE01").unwrap();
        let mut drive = Drive::open(tapes.connect(), DriveOptions::default()).unwrap();
        let sample = self.backup(&mut drive, verify);
        drop((drive, tapes));
        if remove {
            std::fs::remove_dir_all(directory).unwrap();
        }
        sample
    }

    /// Of a tape that is in the page cache or not, or of one whose chunks are all there.
    fn restore(&self, warm: bool, present: bool) -> (f64, f64) {
        self.to_disk(Verify::Crc, false);
        // A fresh one each time, and none is deleted: ext4 is slow where many files were deleted just before.
        let mut paths = (0..).map(|number| self.root.join(format!("target{number}")));
        let path = paths.find(|path| !path.exists()).unwrap();
        let target = open_store(&path, "target");
        let plan = RestorePlan {
            labels: self.labels(),
            mapping: BTreeMap::from([(String::new(), target)]),
            owner_auth_id: "root@pam".to_owned(),
            catalog_path: self.root.join("restored.log"),
            owner: None,
            memory_bytes: None,
            workers: None,
            selection: None,
        };
        let directory = self.root.join("tapes");
        let options = PbsDirectoryOptions {
            max_bytes: u64::MAX,
            ..PbsDirectoryOptions::default()
        };
        let tapes = PbsDirectory::open(&directory, options).unwrap();
        let mut drive = Drive::open(tapes.connect(), DriveOptions::default()).unwrap();
        drive.prepare().unwrap();
        let mut run = |fresh: bool| {
            self.timed(|| {
                let outcome = restore(&mut drive, &plan, &|_| {}, &CancelFlag::new()).unwrap();
                assert_eq!(outcome.restored.len(), usize::from(fresh));
                assert!(fresh || outcome.chunks_restored == 0);
            })
        };
        let cache = || {
            for entry in std::fs::read_dir(&directory).unwrap() {
                // Into the page cache.
                std::io::copy(
                    &mut File::open(entry.unwrap().path()).unwrap(),
                    &mut std::io::sink(),
                )
                .unwrap();
            }
        };
        if warm {
            cache();
        }
        let mut sample = run(true);
        if present {
            cache();
            sample = run(false);
        }
        drop((drive, tapes));
        std::fs::remove_dir_all(directory).unwrap();
        sample
    }
}

/// A store whose 65,536 folders are made as they are needed.
fn open_store(path: &Path, name: &str) -> Store {
    std::fs::create_dir_all(path.join(".chunks")).unwrap();
    std::fs::write(path.join(".lock"), "").unwrap();
    Store::open(StoreOptions::new(name, path, path.with_extension("run"))).unwrap()
}

/// Odd chunks are noise, even ones compress to about half.
fn chunk_data(number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut data = vec![0; DEFAULT_CHUNK_BYTES as usize];
    for (index, word) in data.chunks_exact_mut(8).enumerate() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        if number % 2 == 1 || index / 64 % 2 == 0 {
            word.copy_from_slice(&state.to_le_bytes());
        }
    }
    data
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}
