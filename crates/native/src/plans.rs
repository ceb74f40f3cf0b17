//! What plans need besides the pipelines: tapes without content, and the regular expressions of group filters.

use std::path::Path;

use ferrite_emulator::pbs;
use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use regex::Regex;

use crate::datastore::number;
use crate::failure::{Failure, Kind, sync};
use crate::promise::on_thread;

/// Compiled expressions take no more memory than this.
const REGEX_BYTES: usize = 10 << 20;

/// Which of the texts a regular expression (Rust's syntax) matches anywhere. Takes time in proportion to the texts.
#[napi]
pub fn match_regex(env: &Env, expression: String, texts: Vec<String>) -> napi::Result<Vec<bool>> {
    let compiled = regex::RegexBuilder::new(&expression)
        .size_limit(REGEX_BYTES)
        .build();
    let invalid = |error: regex::Error| {
        let message = format!("regular expression '{expression}': {error}");
        Failure::new(Kind::Usage, "bad-regex", message)
    };
    let regex: Regex = sync(env, compiled.map_err(invalid))?;
    Ok(texts.iter().map(|text| regex.is_match(text)).collect())
}

/// Puts copies of a virtual drive's tapes into another directory: with the lengths of their files and next to none of their
/// content. Works while somebody uses the drive.
#[napi(ts_return_type = "Promise<void>")]
pub fn copy_hollow_tapes(
    env: &Env,
    from: String,
    labels: Vec<String>,
    to: String,
) -> napi::Result<Object<'_>> {
    on_thread(env, "hollow-copy", move || {
        for label in &labels {
            pbs::copy_hollow_tape(Path::new(&from), label, Path::new(&to))?;
        }
        Ok(())
    })
}

/// Bytes of each file of a virtual drive's tape, in order. Works while somebody uses the drive.
#[napi(ts_return_type = "Promise<Array<number>>")]
pub fn virtual_tape_files(env: &Env, directory: String, label: String) -> napi::Result<Object<'_>> {
    on_thread(env, "virtual-files", move || {
        let lengths = pbs::tape_file_lengths(Path::new(&directory), &label)?;
        Ok(lengths.into_iter().map(number).collect::<Vec<_>>())
    })
}

/// Adds files to a tape without content until it has `files` of them that hold `bytes` together.
#[napi(ts_return_type = "Promise<void>")]
pub fn grow_hollow_tape(
    env: &Env,
    directory: String,
    label: String,
    files: i64,
    bytes: i64,
) -> napi::Result<Object<'_>> {
    on_thread(env, "hollow-grow", move || {
        let count = |value: i64| u64::try_from(value).unwrap_or(0);
        Ok(pbs::grow_hollow_tape(
            Path::new(&directory),
            &label,
            count(files),
            count(bytes),
        )?)
    })
}
