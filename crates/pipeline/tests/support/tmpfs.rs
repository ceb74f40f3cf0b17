//! A small file system, to be filled up.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Mounted until it is dropped.
pub struct Tmpfs(PathBuf);

impl Tmpfs {
    /// `None` (said on stderr) where this process may not mount.
    pub fn mount(path: &Path, bytes: u64) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let options = format!("size={bytes},mode=0700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(path)
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(path.to_owned()));
        }
        eprintln!("SKIP tmpfs: cannot mount {}", path.display());
        None
    }

    pub fn resize(&self, bytes: u64) {
        let options = format!("remount,size={bytes}");
        assert!(
            Command::new("mount")
                .args(["-o", &options])
                .arg(&self.0)
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // A file that is still open must not keep the test's folder mounted.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
