//! Threads that read and check chunks.

use std::num::NonZeroUsize;
use std::thread::Scope;

use crossbeam_channel::{Receiver, Sender};
use ferrite_formats::Digest;

use crate::chunk_reader::ChunkReader;
use crate::chunk_store::ChunkStore;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::{CancelFlag, Progress};

/// At least so many, to have several reads in flight on a cold disk; at most so many, each may hold two chunks.
const THREADS: std::ops::RangeInclusive<usize> = 4..=16;

/// A chunk to check.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChunkCheck {
    pub(super) digest: Digest,
    /// Its length by the index.
    pub(super) plain_bytes: u64,
    /// Whether the file it belongs to is encrypted.
    pub(super) encrypted: bool,
}

/// A chunk that is not sound.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) digest: Digest,
    pub(super) error: Error,
    /// Its bytes are wrong, so that the file should be set aside.
    pub(super) corrupt: bool,
}

/// Bytes of a sound chunk's file, or what is wrong.
type Answer = Result<u64, Box<Finding>>;

/// The threads end when it is dropped.
pub(super) struct CheckPool {
    checks: Sender<ChunkCheck>,
    answers: Receiver<Answer>,
    /// Checks that may be under way without any thread waiting for another.
    capacity: usize,
}

impl CheckPool {
    pub(super) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        chunks: &'scope ChunkStore,
        cancel: &'scope CancelFlag,
        progress: &'scope Progress<'scope>,
    ) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = cores.clamp(*THREADS.start(), *THREADS.end());
        let (checks, queue) = crossbeam_channel::bounded(threads);
        let (answer, answers) = crossbeam_channel::bounded(4 * threads);
        for _ in 0..threads {
            let (queue, answer) = (queue.clone(), answer.clone());
            scope.spawn(move || work(chunks, cancel, progress, &queue, &answer));
        }
        Self {
            checks,
            answers,
            capacity: 2 * threads,
        }
    }

    /// Checks all of them. Answers what was found, and the bytes of the sound ones' files. After cancellation the rest is
    /// not checked.
    pub(super) fn check_all(
        &self,
        checks: impl Iterator<Item = ChunkCheck>,
    ) -> Result<(Vec<Finding>, u64)> {
        let (mut findings, mut bytes) = (Vec::new(), 0);
        let lost = || Error::Request("a verifying thread ended early".to_owned());
        let mut take = |answer: Answer| match answer {
            Ok(file_bytes) => bytes += file_bytes,
            Err(finding) => findings.push(*finding),
        };
        let mut under_way = 0;
        for check in checks {
            if under_way == self.capacity {
                take(self.answers.recv().map_err(|_| lost())?);
                under_way -= 1;
            }
            self.checks.send(check).map_err(|_| lost())?;
            under_way += 1;
        }
        for _ in 0..under_way {
            take(self.answers.recv().map_err(|_| lost())?);
        }
        Ok((findings, bytes))
    }
}

fn work(
    chunks: &ChunkStore,
    cancel: &CancelFlag,
    progress: &Progress<'_>,
    queue: &Receiver<ChunkCheck>,
    answers: &Sender<Answer>,
) {
    let mut reader = ChunkReader::new(chunks);
    let mut plain = Vec::new();
    for check in queue {
        let answer = match &mut reader {
            _ if cancel.is_cancelled() => Ok(0),
            Ok(reader) => check_one(reader, chunks, &check, &mut plain),
            Err(error) => Err(Box::new(Finding {
                digest: check.digest,
                error: Error::Request(error.to_string()),
                corrupt: false,
            })),
        };
        if let Ok(bytes) = &answer {
            progress.add(*bytes, || None);
        }
        if answers.send(answer).is_err() {
            return;
        }
    }
}

fn check_one(
    reader: &mut ChunkReader<'_>,
    chunks: &ChunkStore,
    check: &ChunkCheck,
    plain: &mut Vec<u8>,
) -> Answer {
    let digest = check.digest;
    let finding = |error, corrupt| {
        Box::new(Finding {
            digest,
            error,
            corrupt,
        })
    };
    let checked = match reader.check(&digest, check.plain_bytes, plain) {
        Ok(checked) => checked,
        Err(error) => {
            // A chunk that is missing has no file to set aside, one that cannot be read may be sound.
            let missing = matches!(error, Error::ChunkMissing { .. });
            let corrupt = error.kind() == ErrorKind::Data && !missing;
            return Err(finding(error, corrupt));
        }
    };
    if checked.encrypted != check.encrypted {
        let (is, should) = if checked.encrypted {
            ("encrypted", "plain")
        } else {
            ("plain", "encrypted")
        };
        let error = Error::Damaged {
            path: chunks.chunk_path(&digest),
            detail: format!("is {is}, but the chunks of this file should be {should}"),
        };
        return Err(finding(error, false));
    }
    Ok(checked.file_bytes)
}
