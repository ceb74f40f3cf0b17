//! The public suite for drives, against everything this crate has.

#![allow(clippy::unwrap_used, reason = "tests")]

use ferrite_emulator::pbs::BLOCK_BYTES;
use ferrite_emulator::{PbsDirectory, PbsDirectoryOptions};
use ferrite_scsi::conformance::{Profile, drive_conformance};

#[test]
fn virtual_drive() {
    let mut directory = tempfile::tempdir().unwrap();
    let mut make = || -> Box<dyn ferrite_scsi::Transport> {
        directory = tempfile::tempdir().unwrap();
        let max_bytes = 20 * BLOCK_BYTES as u64;
        let library = PbsDirectory::open(
            directory.path(),
            PbsDirectoryOptions {
                max_bytes,
                ..PbsDirectoryOptions::default()
            },
        )
        .unwrap();
        library.load("BLANK").unwrap();
        Box::new(library.connect())
    };
    let profile = Profile {
        block_bytes: BLOCK_BYTES,
        capacity_blocks: Some(22),
        new_initiator: true,
    };
    let report = drive_conformance(&mut make, profile);
    assert_eq!(report.failures().count(), 0, "\n{report}");
    assert!(report.outcomes.len() > 30);
}
