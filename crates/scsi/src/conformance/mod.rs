//! What every tape drive and every changer has to do, as suites that any [`Transport`] can be put through: emulators in the
//! process, emulators behind kernel nodes, devices somebody else wrote.
//!
//! Checks say what they found instead of panicking, so that a target that is known to fall short can be compared with a list
//! of its excuses. Each check gets a fresh connection to a drive with a blank tape.

mod blocks;
mod changer;
pub mod excuses;
mod features;
mod lenient;
mod motion;
mod unit;

use std::fmt;
use std::time::Duration;

pub use changer::{ChangerProfile, changer_conformance};
pub use features::{Features, feature_conformance, worm_conformance};
pub use lenient::{
    Excuse, Excused, Judgement, Rule, lenient_changer_conformance, lenient_drive_conformance,
    lenient_feature_conformance,
};

use lenient::Leniency;

use crate::sense::{Sense, SenseKey};
use crate::transport::{Cdb, Data, Status, Transport};

/// What the drive under test can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Block length to write.
    pub block_bytes: usize,
    /// The tape is full after at most this many blocks; `None`: too many to try.
    pub capacity_blocks: Option<u64>,
    /// The connection is a new initiator for the drive itself (a kernel node is not).
    pub new_initiator: bool,
}

/// A check and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Name, stable: lists of excuses use it.
    pub name: &'static str,
    /// Where the rule stands.
    pub section: &'static str,
    /// What was wrong.
    pub result: Result<(), String>,
}

/// All checks of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// In the order they ran.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// Checks that found something wrong.
    pub fn failures(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes
            .iter()
            .filter(|outcome| outcome.result.is_err())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Outcome {
            name,
            section,
            result,
        } in &self.outcomes
        {
            match result {
                Ok(()) => writeln!(f, "ok      {name}")?,
                Err(what) => writeln!(f, "FAILED  {name} ({section}): {what}")?,
            }
        }
        Ok(())
    }
}

/// Name, where the rule stands, and what is done with the device.
type Check<P = Profile> = (
    &'static str,
    &'static str,
    fn(&mut Device<'_, P>) -> Result<(), String>,
);

/// Runs all checks. `make` connects to a drive with a blank, writable tape in it; what an earlier connection wrote must be gone.
pub fn drive_conformance(make: &mut dyn FnMut() -> Box<dyn Transport>, profile: Profile) -> Report {
    run_drive_checks(make, profile, &Leniency::new(&[]))
}

fn run_drive_checks(
    make: &mut dyn FnMut() -> Box<dyn Transport>,
    profile: Profile,
    leniency: &Leniency<'_>,
) -> Report {
    let checks = unit::CHECKS
        .iter()
        .chain(blocks::CHECKS)
        .chain(motion::CHECKS);
    run_checks(make, &profile, checks, leniency)
}

/// Runs those of the checks that `leniency` does not leave out, each with a connection of its own.
fn run_checks<'c, P: 'c>(
    make: &mut dyn FnMut() -> Box<dyn Transport>,
    profile: &P,
    checks: impl Iterator<Item = &'c Check<P>>,
    leniency: &Leniency<'_>,
) -> Report {
    let tried = checks.filter(|(name, ..)| leniency.tries(name));
    let outcomes = tried.map(|&(name, section, check)| {
        let mut device = Device {
            transport: make(),
            profile,
            leniency,
        };
        Outcome {
            name,
            section,
            result: check(&mut device),
        }
    });
    Report {
        outcomes: outcomes.collect(),
    }
}

/// Long enough for any single command on a short tape.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The device under test, spoken to in plain CDBs.
struct Device<'p, P = Profile> {
    transport: Box<dyn Transport>,
    profile: &'p P,
    leniency: &'p Leniency<'p>,
}

/// What a command gave.
#[derive(Clone, Debug)]
struct Answer {
    status: Status,
    sense: Option<Sense>,
    transferred: usize,
}

impl Answer {
    fn expect_good(&self) -> Result<(), String> {
        if self.status == Status::Good {
            Ok(())
        } else {
            Err(format!("expected GOOD, got {self}"))
        }
    }

    fn expect_sense(&self, key: SenseKey, asc: u8, ascq: u8) -> Result<Sense, String> {
        match self.sense {
            Some(sense) if (sense.key, sense.code.0, sense.code.1) == (key, asc, ascq) => Ok(sense),
            _ => Err(format!(
                "expected {:X}/{asc:02X}/{ascq:02X}, got {self}",
                key as u8
            )),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sense {
            Some(sense) => write!(f, "{sense}"),
            None => write!(f, "status {:?}", self.status),
        }
    }
}

/// `Err` with both values unless they are equal.
fn expect_equal<T: PartialEq + fmt::Debug>(
    what: &str,
    found: T,
    expected: T,
) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: {found:?} instead of {expected:?}"))
    }
}

impl<P> Device<'_, P> {
    fn send(&mut self, cdb: &Cdb, data: Data<'_>) -> Result<Answer, String> {
        let length = data.len();
        let completion = self
            .transport
            .execute(cdb, data, TIMEOUT)
            .map_err(|error| format!("{cdb:?}: {error}"))?;
        let transferred = length
            .checked_sub(completion.residual)
            .ok_or("residual larger than the buffer")?;
        let sense = completion
            .sense()
            .transpose()
            .map_err(|error| format!("{cdb:?}: {error}"))?;
        Ok(Answer {
            status: completion.status,
            sense,
            transferred,
        })
    }

    fn run(&mut self, cdb: &Cdb) -> Result<Answer, String> {
        self.send(cdb, Data::None)
    }

    fn good(&mut self, cdb: &Cdb) -> Result<(), String> {
        self.run(cdb)?
            .expect_good()
            .map_err(|error| format!("{cdb:?}: {error}"))
    }

    /// Data of a command that must succeed.
    fn data(&mut self, cdb: &Cdb, allocation: usize) -> Result<Vec<u8>, String> {
        let mut buffer = vec![0; allocation];
        let answer = self.send(cdb, Data::In(&mut buffer))?;
        answer
            .expect_good()
            .map_err(|error| format!("{cdb:?}: {error}"))?;
        buffer.truncate(answer.transferred);
        Ok(buffer)
    }

    /// Reads away the unit attentions of a new connection.
    fn become_ready(&mut self) -> Result<(), String> {
        const MOST: usize = 16;
        for _ in 0..MOST {
            let answer = self.run(&crate::command::test_unit_ready())?;
            if answer.status == Status::Good {
                return Ok(());
            }
        }
        Err("does not become ready".to_owned())
    }
}

impl Device<'_> {
    /// Ready, and at the beginning of the tape.
    fn settle(&mut self) -> Result<(), String> {
        self.become_ready()?;
        self.good(&crate::command::Rewind { immediate: false }.cdb())
    }
}
