// Included by one test of each crate that has fuzz targets (`#[path]`): inputs that once broke a target do so no more.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A parser run, as the crates' `fuzzing` modules list them with their names.
pub type Target = fn(&[u8]);

/// Runs every kept input of these targets, and checks that each target is among those that the fuzzer runs.
pub fn replay(targets: &[(&str, Target)]) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let listed: BTreeSet<&str> = manifest
        .lines()
        .filter_map(|line| line.trim().strip_prefix("{ name = \"")?.split('"').next())
        .collect();
    for (name, target) in targets {
        assert!(listed.contains(name), "{name} is missing in tests/fuzz");
        for path in inputs(&fuzz.join("regressions").join(name)) {
            eprintln!("{}", path.display());
            target(&std::fs::read(path).unwrap());
        }
    }
    for folder in inputs(&fuzz.join("regressions")) {
        let name = folder.file_name().unwrap().to_string_lossy();
        assert!(
            listed.contains(&*name),
            "{} has no target",
            folder.display()
        );
    }
}

fn inputs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries.map(|entry| entry.unwrap().path()).collect()
}
