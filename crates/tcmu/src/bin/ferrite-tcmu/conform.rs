//! The conformance suites, over the nodes.

use ferrite_scsi::Transport;
use ferrite_scsi::conformance::{
    ChangerProfile, Features, Judgement, Profile, excuses, lenient_changer_conformance,
    lenient_drive_conformance, lenient_feature_conformance,
};

use crate::Failure;
use crate::bench::Bench;

const BLOCK_BYTES: usize = 256 * 1024;

/// Runs all suites; true if nothing is wrong.
pub fn conform(bench: &Bench) -> Result<bool, Failure> {
    let mut make = || -> Box<dyn Transport> {
        match bench.blank_drive() {
            Ok(transport) => Box::new(transport),
            Err(failure) => Box::new(Broken(failure.to_string())),
        }
    };
    let profile = Profile {
        block_bytes: BLOCK_BYTES,
        capacity_blocks: bench.capacity_blocks,
        new_initiator: false,
    };
    let drive = lenient_drive_conformance(&mut make, profile, excuses::TCMU);
    report("drive", &drive);
    let features = lenient_feature_conformance(&mut make, profile, Features::LTO, excuses::TCMU);
    report("features", &features);
    let mut make = || -> Box<dyn Transport> {
        match bench.idle_changer() {
            Ok(transport) => Box::new(transport),
            Err(failure) => Box::new(Broken(failure.to_string())),
        }
    };
    let profile = ChangerProfile {
        new_initiator: false,
    };
    let changer = lenient_changer_conformance(&mut make, profile, &[]);
    report("changer", &changer);
    let all = [drive, features, changer];
    Ok(all.iter().all(|judgement| judgement.complaints.is_empty()))
}

fn report(what: &str, judgement: &Judgement) {
    println!("{what}: {} checks", judgement.report.outcomes.len());
    print!("{judgement}");
}

/// Stands for a device that could not be brought into its first state; every check says why.
struct Broken(String);

impl Transport for Broken {
    fn execute(
        &mut self,
        _cdb: &ferrite_scsi::Cdb,
        _data: ferrite_scsi::Data<'_>,
        _timeout: std::time::Duration,
    ) -> Result<ferrite_scsi::Completion, ferrite_scsi::TransportError> {
        Err(ferrite_scsi::TransportError::System {
            message: self.0.clone(),
        })
    }
}
