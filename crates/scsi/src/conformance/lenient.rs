//! Targets that are known to fall short: a list of excuses says in what, and the run says whether the list is still true.
//!
//! An excuse is for one check, or for one rule that many checks lean on (excusing each of those would hide what else they look
//! at). An excuse that nothing needed is a complaint as well: the list stays as long as the target's faults are, no longer.

use std::cell::RefCell;
use std::fmt;

use super::changer::run_changer_checks;
use super::features::run_feature_checks;
use super::{ChangerProfile, Features, Outcome, Profile, Report, run_drive_checks};
use crate::transport::Transport;

/// What many checks lean on, and a target may get wrong in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// READ POSITION tells object and file number.
    Position,
    /// Reading at the end of data gives BLANK CHECK 00/05.
    EndOfData,
    /// The residual says so when a command with a data phase transferred nothing.
    NothingTransferred,
    /// READ ELEMENT STATUS sends as many bytes as it announces.
    WholeElementStatus,
}

/// What an excuse is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excused {
    /// This check fails.
    Check(&'static str),
    /// This check would do harm and is not run.
    Untried(&'static str),
    /// Some checks meet this rule broken.
    Rule(Rule),
}

/// One fault of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excuse {
    /// Which check or rule.
    pub what: Excused,
    /// Where the standard says otherwise.
    pub section: &'static str,
    /// What the target does: part of what the check says, so that another fault is not excused with it.
    pub observed: &'static str,
}

/// A run with excuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// All checks that ran, with what they found, excused or not.
    pub report: Report,
    /// What has no excuse, and excuses that nothing needed. Empty: the target is as good as its list says, and no better.
    pub complaints: Vec<String>,
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.report)?;
        self.complaints
            .iter()
            .try_for_each(|complaint| writeln!(f, "COMPLAINT  {complaint}"))
    }
}

/// The excuses of a run, and which of those for rules were needed.
pub(super) struct Leniency<'e> {
    excuses: &'e [Excuse],
    needed: RefCell<Vec<Excuse>>,
}

impl<'e> Leniency<'e> {
    pub(super) fn new(excuses: &'e [Excuse]) -> Self {
        Self {
            excuses,
            needed: RefCell::default(),
        }
    }

    /// Lets a broken rule pass if it is excused.
    pub(super) fn apply(&self, rule: Rule, result: Result<(), String>) -> Result<(), String> {
        let Err(said) = result else {
            return Ok(());
        };
        let excuse = self.excuses.iter().find(|excuse| {
            matches!(excuse.what, Excused::Rule(excused) if excused == rule)
                && said.contains(excuse.observed)
        });
        match excuse {
            Some(&excuse) => {
                self.needed.borrow_mut().push(excuse);
                Ok(())
            }
            None => Err(said),
        }
    }

    pub(super) fn tries(&self, check: &str) -> bool {
        !self
            .excuses
            .iter()
            .any(|excuse| matches!(excuse.what, Excused::Untried(name) if name == check))
    }

    fn judge(&self, report: Report) -> Judgement {
        let covers = |excuse: &Excuse, outcome: &Outcome| {
            let said = outcome.result.as_ref().err();
            matches!(excuse.what, Excused::Check(name) if name == outcome.name)
                && said.is_some_and(|said| said.contains(excuse.observed))
        };
        let unexcused = report
            .failures()
            .filter(|outcome| !self.excuses.iter().any(|excuse| covers(excuse, outcome)))
            .map(|Outcome { name, result, .. }| {
                let said = result.as_ref().err().map_or("", String::as_str);
                format!("{name} has no excuse: {said}")
            });
        let unneeded = self.excuses.iter().filter(|excuse| match excuse.what {
            Excused::Check(_) => !report.failures().any(|outcome| covers(excuse, outcome)),
            Excused::Rule(_) => !self.needed.borrow().contains(excuse),
            Excused::Untried(_) => false,
        });
        let unneeded = unneeded.map(|excuse| {
            format!(
                "the excuse for {:?} is not needed ({})",
                excuse.what, excuse.observed
            )
        });
        let complaints = unexcused.chain(unneeded).collect();
        Judgement { report, complaints }
    }
}

/// [`super::drive_conformance`] of a drive with excuses.
pub fn lenient_drive_conformance(
    make: &mut dyn FnMut() -> Box<dyn Transport>,
    profile: Profile,
    excuses: &[Excuse],
) -> Judgement {
    let leniency = Leniency::new(excuses);
    let report = run_drive_checks(make, profile, &leniency);
    leniency.judge(report)
}

/// [`super::feature_conformance`] of a drive with excuses.
pub fn lenient_feature_conformance(
    make: &mut dyn FnMut() -> Box<dyn Transport>,
    profile: Profile,
    features: Features,
    excuses: &[Excuse],
) -> Judgement {
    let leniency = Leniency::new(excuses);
    let report = run_feature_checks(make, profile, features, &leniency);
    leniency.judge(report)
}

/// [`super::changer_conformance`] of a changer with excuses.
pub fn lenient_changer_conformance(
    make: &mut dyn FnMut() -> Box<dyn Transport>,
    profile: ChangerProfile,
    excuses: &[Excuse],
) -> Judgement {
    let leniency = Leniency::new(excuses);
    let report = run_changer_checks(make, profile, &leniency);
    leniency.judge(report)
}
