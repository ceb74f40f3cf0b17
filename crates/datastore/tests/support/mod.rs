//! What the tests of this crate share: fixtures, stores, trees.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::print_stderr, reason = "skips are told there")]

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use ferrite_datastore::{Store, StoreOptions, layout};
use tempfile::TempDir;

/// Folder of fixtures written by PBS. `None`: not there, the test is to be skipped.
pub fn fixtures() -> Option<PathBuf> {
    let folder = std::env::var_os("FERRITE_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
        PathBuf::from,
    );
    if folder.join("small/store1").is_dir() {
        return Some(folder);
    }
    let required = std::env::var("FERRITE_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|word| word == "fixtures"),
        "fixtures are required and not in {}",
        folder.display()
    );
    eprintln!("SKIP fixtures: not in {}", folder.display());
    None
}

/// A store in a temporary folder, removed with it.
pub struct TestStore {
    pub store: Store,
    /// Holds the store in `store` and its run directory in `run`.
    pub dir: TempDir,
}

impl std::ops::Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl TestStore {
    /// An empty store. Without its 65,536 folders: making them takes seconds, and insertion makes those it needs.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut StoreOptions)) -> Self {
        Self::in_dir(tempfile::tempdir().unwrap(), change)
    }

    pub fn in_dir(dir: TempDir, change: impl FnOnce(&mut StoreOptions)) -> Self {
        let base = dir.path().join("store");
        fs::create_dir_all(base.join(layout::CHUNKS)).unwrap();
        fs::write(base.join(layout::BASE_LOCK), "").unwrap();
        Self::open(dir, change)
    }

    /// A copy of a store of the fixtures, such as `small/store1`.
    pub fn copy_of(fixture: &str) -> Option<Self> {
        let source = fixtures()?.join(fixture);
        let dir = tempfile::tempdir().unwrap();
        copy_tree(&source, &dir.path().join("store"));
        Some(Self::open(dir, |_| {}))
    }

    fn open(dir: TempDir, change: impl FnOnce(&mut StoreOptions)) -> Self {
        let mut options =
            StoreOptions::new("store1", dir.path().join("store"), dir.path().join("run"));
        change(&mut options);
        let store = Store::open(options).unwrap();
        Self { store, dir }
    }

    pub fn run_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// Paths of all files below the base except chunks and the base's own, sorted.
    pub fn snapshot_files(&self) -> Vec<String> {
        let mut found = Vec::new();
        collect(self.path(), self.path(), &mut found);
        found.retain(|path| !path.starts_with('.'));
        found.sort();
        found
    }

    /// Names of everything in the folders of chunks, sorted.
    pub fn chunk_files(&self) -> Vec<String> {
        let chunks = self.path().join(layout::CHUNKS);
        let mut found = Vec::new();
        collect(&chunks, &chunks, &mut found);
        found.sort();
        found
    }
}

fn collect(base: &Path, directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            collect(base, &path, found);
        } else {
            let relative = path.strip_prefix(base).unwrap();
            found.push(relative.to_str().unwrap().to_owned());
        }
    }
}

/// Copies plain files and directories, writable.
pub fn copy_tree(source: &Path, target: &Path) {
    fs::create_dir_all(target).unwrap();
    for entry in fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        let to = target.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(0o644)).unwrap();
        }
    }
}

/// One line for each entry of a tree, with everything that an archive keeps, sorted: equal trees have equal lists.
pub fn describe(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut names = Vec::new();
    describe_into(root, Path::new("."), &mut lines, &mut names);
    // Which names belong to one file.
    for (path, id) in &names {
        let first = names.iter().find(|(_, other)| other == id).unwrap();
        if first.0 != *path {
            lines.push(format!("{} = {}", path.display(), first.0.display()));
        }
    }
    lines.sort();
    lines
}

fn describe_into(
    root: &Path,
    relative: &Path,
    lines: &mut Vec<String>,
    names: &mut Vec<(PathBuf, (u64, u64))>,
) {
    let path = root.join(relative);
    let meta = path.symlink_metadata().unwrap();
    let kind = meta.file_type();
    let content = if kind.is_file() {
        let bytes = fs::read(&path).unwrap();
        format!("{} {}", bytes.len(), ferrite_formats::Digest::of(&bytes))
    } else if kind.is_symlink() {
        format!("-> {:?}", fs::read_link(&path).unwrap())
    } else if kind.is_block_device() || kind.is_char_device() {
        format!("device {:x}", meta.rdev())
    } else {
        String::new()
    };
    lines.push(format!(
        "{relative:?} {:o} {}:{} {}.{:09} {content} {:?}",
        meta.mode(),
        meta.uid(),
        meta.gid(),
        meta.mtime(),
        meta.mtime_nsec(),
        attributes(&path),
    ));
    if kind.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        entries.sort();
        for name in entries {
            describe_into(root, &relative.join(name), lines, names);
        }
    } else if meta.nlink() > 1 {
        names.push((relative.to_owned(), (meta.dev(), meta.ino())));
    }
}

/// Extended attributes, ACLs included.
fn attributes(path: &Path) -> Vec<(String, String)> {
    let mut names = vec![0; 65536];
    let Ok(bytes) = rustix::fs::llistxattr(path, &mut names[..]) else {
        return Vec::new();
    };
    let mut found: Vec<_> = names[..bytes]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| {
            let name = std::str::from_utf8(name).unwrap();
            let mut value = vec![0; 65536];
            let bytes = rustix::fs::lgetxattr(path, name, &mut value[..]).unwrap();
            (name.to_owned(), hex::encode(&value[..bytes]))
        })
        .collect();
    found.sort();
    found
}

/// Bytes that look random and are the same each time.
pub fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut out = Vec::with_capacity(bytes + 8);
    while out.len() < bytes {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(bytes);
    out
}

/// A fresh file system in memory, unmounted on drop. `None` when this process may not mount.
pub struct SmallDisk(TempDir);

impl SmallDisk {
    pub fn mount(options: &str) -> Option<Self> {
        let disk = Self(tempfile::tempdir().unwrap());
        fs::create_dir(disk.path()).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "ferrite-test"])
            .arg(disk.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(disk);
        }
        eprintln!("SKIP mount: this process may not mount file systems");
        None
    }

    /// Where it is mounted: the only entry of a folder.
    pub fn path(&self) -> PathBuf {
        self.0.path().join("disk")
    }

    pub fn remount(&self, options: &str) {
        let status = Command::new("mount")
            .args(["-o", &format!("remount,{options}")])
            .arg(self.path())
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).output();
    }
}
