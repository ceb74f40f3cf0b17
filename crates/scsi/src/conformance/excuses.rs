//! What the targets that we did not write, and the ways to targets, are known to do against the standards.

use super::lenient::{Excuse, Excused, Rule};

/// A drive or changer behind the Linux kernel's target_core_user (TCMU), whatever serves it.
pub const TCMU: &[Excuse] = &[Excuse {
    // A length of 0 in a response means "all": that nothing was transferred cannot be said.
    what: Excused::Rule(Rule::NothingTransferred),
    section: "SPC-3 4.3.4.6, SAM-5 5.5",
    observed: "instead of 0",
}];

const fn check(name: &'static str, section: &'static str, observed: &'static str) -> Excuse {
    Excuse {
        what: Excused::Check(name),
        section,
        observed,
    }
}

const fn rule(rule: Rule, section: &'static str, observed: &'static str) -> Excuse {
    Excuse {
        what: Excused::Rule(rule),
        section,
        observed,
    }
}

/// The sense data of a command that a device does not have.
const NOT_SUPPORTED: &str = "command not supported (5/20/00)";

/// Tape drives of Debian's tgt 1.0.85.
pub const TGT_DRIVE: &[Excuse] = &[
    // READ POSITION is a stub: always block 0, its length where the flags belong.
    rule(
        Rule::Position,
        "SSC-3 7.7",
        "(object, file): (0, 0) instead of",
    ),
    rule(
        Rule::Position,
        "SSC-3 7.7",
        "beginning of partition: false instead of true",
    ),
    // 8/00/00 with the EOM bit.
    rule(
        Rule::EndOfData,
        "SSC-3 6.4",
        "expected 8/00/05, got blank check",
    ),
    rule(Rule::NothingTransferred, "SSC-3 6.4", "instead of 0"),
    check("compression-page", "SSC-3 8.3.2", NOT_SUPPORTED),
    check("density-report", "SSC-3 7.8", NOT_SUPPORTED),
    check("device-status-page", "ADC-2 6.1.2", NOT_SUPPORTED),
    check("tape-alert-page", "ADC-2 6.1.3", NOT_SUPPORTED),
    check("volume-statistics-page", "SSC-3 8.2.7", NOT_SUPPORTED),
    check("short-erase", "SSC-3 6.2", NOT_SUPPORTED),
    check("space-in-the-long-form", "SSC-3 7.11", NOT_SUPPORTED),
    check("locate-file", "SSC-3 7.3", NOT_SUPPORTED),
    check("locate-object", "SSC-3 7.3", NOT_SUPPORTED),
    check("locate-beyond-end", "SSC-3 7.3", NOT_SUPPORTED),
    check("format", "SSC-3 7.1", NOT_SUPPORTED),
    // LOAD UNLOAD is taken for the START STOP UNIT of disks, which without LOEJ does nothing.
    check(
        "prevent-removal",
        "SSC-3 7.4",
        "expected 5/53/02, got status Good",
    ),
    check("unload", "SSC-3 7.2", "after unloading: status Good"),
    // Data are right, residuals are not: the block's length, and not the rest of the buffer; for a long block all of it.
    check(
        "shorter-read",
        "SSC-3 6.4",
        "bytes transferred: 0 instead of 32768",
    ),
    check(
        "longer-read",
        "SSC-3 6.4",
        "bytes transferred: 1000 instead of 65536",
    ),
    // A READ of nothing meets the next block's length.
    check(
        "zero-length",
        "SSC-3 6.4",
        "expected GOOD, got no sense (0/00/00)",
    ),
    // SPACE counts objects whatever they are, ends one object before the mark when it goes backwards, and calls the end of
    // data no error.
    check(
        "space-filemarks",
        "SSC-3 6.6",
        "expected 8/00/05, got no sense, end of data",
    ),
    check(
        "space-filemarks-back",
        "SSC-3 6.6",
        "expected 0/00/01, got status Good",
    ),
    check(
        "space-blocks",
        "SSC-3 6.6",
        "expected 0/00/01, got status Good",
    ),
    check(
        "space-blocks-back",
        "SSC-3 6.6",
        "expected 0/00/01, got status Good",
    ),
    check(
        "space-to-end",
        "SSC-3 6.6",
        "expected 0/00/01, got status Good",
    ),
    check(
        "missing-filemark",
        "SSC-3 6.6",
        "expected GOOD, got no sense, end of data",
    ),
];

/// Media changers of Debian's tgt 1.0.85.
pub const TGT_CHANGER: &[Excuse] = &[
    // It ends the target's process.
    Excuse {
        what: Excused::Untried("elements-of-all-types"),
        section: "SMC-3 6.10",
        observed: "READ ELEMENT STATUS with element type 0 ends the target",
    },
    rule(
        Rule::WholeElementStatus,
        "SMC-3 6.10.1",
        "element status ends 8 bytes early",
    ),
    // The number of elements in the command is ignored.
    check(
        "element-range",
        "SMC-3 6.10.1",
        "one element from the second slot on: [4097, 4098, 4099, 4100, 4101, 4102, 4103]",
    ),
    check(
        "no-such-element",
        "SMC-3 6.5",
        "expected 5/21/01, got illegal request, invalid field in the command",
    ),
    check("position-to-element", "SMC-3 6.7", NOT_SUPPORTED),
    check("changer-prevent-removal", "SMC-3 6.9", NOT_SUPPORTED),
];
