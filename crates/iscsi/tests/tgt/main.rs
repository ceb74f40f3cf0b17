//! Against a target that somebody else wrote: Debian's tgt over iSCSI on the loopback interface.
//!
//! Two rules (it dies otherwise): never READ ELEMENT STATUS for all element types, and a time limit for everything.

#![allow(clippy::unwrap_used, reason = "tests")]

mod commands;
mod host_logic;
mod site;

use ferrite_scsi::Transport;
use ferrite_scsi::conformance::{
    ChangerProfile, Profile, excuses, lenient_changer_conformance, lenient_drive_conformance,
};
use site::{CHANGER_LUN, Site};

#[test]
fn drive_suite() {
    let Some(tree) = site::tree() else { return };
    let site = Site::start(tree);
    let profile = Profile {
        block_bytes: 64 * 1024,
        // It has early warning, and no end.
        capacity_blocks: None,
        new_initiator: true,
    };
    let judgement =
        lenient_drive_conformance(&mut || site.blank_drive(), profile, excuses::TGT_DRIVE);
    assert!(judgement.complaints.is_empty(), "\n{judgement}");
}

#[test]
fn changer_suite() {
    let Some(tree) = site::tree() else { return };
    let site = Site::start(tree);
    let mut make = || {
        site.tidy();
        Box::new(site.connect(CHANGER_LUN)) as Box<dyn Transport>
    };
    let profile = ChangerProfile {
        new_initiator: true,
    };
    let judgement = lenient_changer_conformance(&mut make, profile, excuses::TGT_CHANGER);
    assert!(judgement.complaints.is_empty(), "\n{judgement}");
}

/// More excuses than these are a step back: of the suite, or of the program.
#[test]
fn excuses_are_counted() {
    let lengths = [
        excuses::TGT_DRIVE.len(),
        excuses::TGT_CHANGER.len(),
        excuses::TCMU.len(),
    ];
    assert_eq!(lengths, [26, 6, 1]);
}
