//! What the targets that we did not write, and the ways to targets, are known to do against the standards.

use super::lenient::{Excuse, Excused, Rule};

/// A drive or changer behind the Linux kernel's target_core_user (TCMU), whatever serves it.
pub const TCMU: &[Excuse] = &[Excuse {
    what: Excused::Rule(Rule::NothingTransferred),
    section: "SPC-3 4.3.4.6, SAM-5 5.5",
    observed: "a response without data cannot say so (its length 0 means all): the residual is 0",
}];
