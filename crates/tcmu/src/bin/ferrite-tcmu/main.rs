//! What scripts/guest runs beside the commands that users have: the server behind the kernel's nodes, and the checks of the nodes.
//!
//! usage: ferrite-tcmu create LIBRARY --capacity-bytes N
//!        ferrite-tcmu serve LIBRARY
//!        ferrite-tcmu conform --drive NODE --changer NODE [--capacity-blocks N]
//!        ferrite-tcmu nodes --drive NODE --changer NODE
//!        ferrite-tcmu rates --drive NODE --changer NODE
//!
//! `conform` and `rates` also take the nodes of a real library. They write to its tapes.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program with a terminal"
)]

mod bench;
mod conform;
mod nodes;
mod rates;
mod serve;

use std::path::Path;
use std::process::ExitCode;

/// Anything that ends the program.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("ferrite-tcmu: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// False if something was found wrong.
fn run(words: &[&str]) -> Result<bool, Failure> {
    match words {
        ["create", library, "--capacity-bytes", bytes] => {
            serve::create(Path::new(library), bytes.parse()?)
        }
        ["serve", library] => serve::serve(Path::new(library)),
        ["conform", options @ ..] => conform::conform(&bench::Bench::from_options(options)?),
        ["nodes", options @ ..] => nodes::check(&bench::Bench::from_options(options)?),
        ["rates", options @ ..] => rates::measure(&bench::Bench::from_options(options)?),
        _ => Err("see the head of crates/tcmu/src/bin/ferrite-tcmu/main.rs".into()),
    }
}
