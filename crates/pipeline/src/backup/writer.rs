//! The drive thread: carries out the steps in order, and decides how the run ends.

use std::io::{self, Read};
use std::time::Instant;

use ferrite_datastore::{CancelFlag, SnapshotReader, StoredFile};
use ferrite_formats::pxar::Stat;
use ferrite_formats::snapshot_archive::{SnapshotArchiveHeader, SnapshotFile};
use ferrite_scsi::Drive;
use ferrite_tape::snapshot::{SnapshotEnd, SnapshotSource, write_snapshot_archive};
use ferrite_tape::{AlignedBlock, FileStamp};

use super::archive::{ArchiveWriter, End, WrittenFile};
use super::session::Session;
use super::steps::{ArchiveStart, OpenSnapshot, Step, StepQueue};
use super::{BackupOutcome, BackupPlan, BackupStatus};
use crate::environment::Environment;
use crate::error::{PipelineError, Result};
use crate::events::{Event, Throttle};
use crate::ring::Ring;

/// Carries out all steps.
pub(super) fn run(
    drive: &mut Drive,
    plan: &BackupPlan,
    environment: &Environment,
    ring: &Ring,
    steps: StepQueue<'_>,
    events: &dyn Fn(Event),
    cancel: &CancelFlag,
) -> Result<BackupOutcome> {
    let session = Session::open(drive, plan)?;
    let mut writer = Writer {
        plan,
        environment,
        ring,
        steps,
        events,
        cancel,
        session,
        outcome: BackupOutcome::empty(),
        block: AlignedBlock::new(),
        throttle: Throttle::new(),
    };
    let ended = writer.walk();
    writer.wind_up(ended)
}

struct Writer<'a> {
    plan: &'a BackupPlan,
    environment: &'a Environment,
    ring: &'a Ring,
    steps: StepQueue<'a>,
    events: &'a dyn Fn(Event),
    cancel: &'a CancelFlag,
    session: Session<'a>,
    outcome: BackupOutcome,
    /// For snapshot archives.
    block: AlignedBlock,
    throttle: Throttle,
}

/// Why the walk over the steps ended.
enum Ended {
    /// All steps are done.
    Done,
    /// The tape is full; the snapshot with this index and all behind it are left.
    EndOfMedia(usize),
    /// The source or the user ended the run; what is on tape is good.
    Short(PipelineError),
}

impl Writer<'_> {
    /// # Errors
    /// Those after which nothing more may be committed.
    fn walk(&mut self) -> Result<Ended> {
        loop {
            let step = match self.steps.next() {
                Ok(step) => step,
                Err(error) => return Ok(Ended::Short(error)),
            };
            let ended = match step {
                Step::Start(snapshot) => {
                    self.tell_start(snapshot);
                    None
                }
                Step::Vanished(snapshot) => {
                    self.skip(snapshot, "it vanished before its turn");
                    self.outcome
                        .vanished
                        .push(self.plan.snapshots[snapshot].clone());
                    None
                }
                Step::Failed(snapshot, reason) => {
                    self.fail(snapshot, reason);
                    None
                }
                Step::Open(start) => self.chunk_archive(start)?,
                Step::Files(open) => self.snapshot_archive(&open)?,
                Step::BadChunk(snapshot, digest, fault) => {
                    Some(Ended::Short(PipelineError::BadChunk {
                        store: self.plan.store.name().to_owned(),
                        snapshot: self.plan.snapshots[snapshot].to_string(),
                        digest,
                        fault,
                    }))
                }
                Step::End => Some(Ended::Done),
                Step::Defect(text) => Some(Ended::Short(PipelineError::Internal(text))),
                Step::Chunk(_) | Step::Close => Some(Ended::Short(PipelineError::Internal(
                    "chunk outside of an archive".to_owned(),
                ))),
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
    }

    /// The last commit, and the answer.
    fn wind_up(mut self, ended: Result<Ended>) -> Result<BackupOutcome> {
        // After an error of the drive nothing is committed: its buffer may have lost more than the file it complained about.
        let ended = ended?;
        let committed = self.session.commit(self.events);
        self.progress_now();
        let first_left = match ended {
            Ended::Short(error) => {
                // That what was written is not safe is worse news than a stop that was asked for.
                return Err(if error.is_cancelled() {
                    committed.err().unwrap_or(error)
                } else {
                    error
                });
            }
            Ended::Done => self.plan.snapshots.len(),
            Ended::EndOfMedia(snapshot) => {
                self.outcome.status = BackupStatus::EndOfMedia;
                snapshot
            }
        };
        committed?;
        self.outcome.remaining = self.plan.snapshots[first_left..].to_vec();
        self.outcome.tape_bytes = self.session.tape_bytes;
        Ok(self.outcome)
    }

    fn chunk_archive(&mut self, start: ArchiveStart) -> Result<Option<Ended>> {
        let started = Instant::now();
        let (environment, events) = (self.environment, self.events);
        let (before_bytes, before_chunks) = (self.session.tape_bytes, self.outcome.chunks);
        let mut bytes = 0;
        let outlook = self.steps.outlook();
        let throttle = &mut self.throttle;
        let mut progress = |block_bytes: u64, chunks: u64| {
            bytes += block_bytes;
            if throttle.is_due() {
                events(Event::Progress {
                    tape_bytes: before_bytes + bytes,
                    chunks: before_chunks + chunks,
                    share: Some(outlook.share()),
                });
            }
        };
        let session = &mut self.session;
        let archive = ArchiveWriter::new(self.ring, &mut self.steps, self.plan.store.name(), start);
        let written = archive.write(
            move || {
                let stamp = stamp(environment)?;
                Ok((session.write_file()?, stamp))
            },
            &mut progress,
        )?;
        if let Some(file) = written.file {
            self.register(file, started)?;
        }
        let snapshot = start.snapshot;
        Ok(match written.end {
            End::Planned => {
                self.session.commit_if_due(self.events)?;
                None
            }
            End::EarlyWarning => Some(Ended::EndOfMedia(snapshot)),
            End::Stopped(error) => Some(Ended::Short(error)),
            End::BadChunk(digest, fault) => Some(Ended::Short(PipelineError::BadChunk {
                store: self.plan.store.name().to_owned(),
                snapshot: self.plan.snapshots[snapshot].to_string(),
                digest,
                fault,
            })),
        })
    }

    fn register(&mut self, file: WrittenFile, started: Instant) -> Result<()> {
        let WrittenFile {
            file_number,
            stamp,
            tape_bytes,
            position,
            chunks,
            chunk_bytes,
        } = file;
        let count = chunks.len() as u64;
        self.session.ended(tape_bytes, position);
        let store = self.plan.store.name();
        self.session
            .catalog()
            .register_chunk_archive(file_number, stamp.uuid, store, chunks)?;
        self.outcome.chunks += count;
        self.outcome.chunk_bytes += chunk_bytes;
        (self.events)(Event::ChunkArchive {
            store: store.to_owned(),
            file_number,
            chunks: count,
            bytes: chunk_bytes,
            seconds: started.elapsed().as_secs_f64(),
        });
        Ok(())
    }

    fn snapshot_archive(&mut self, open: &OpenSnapshot) -> Result<Option<Ended>> {
        let reader = &open.reader;
        let started = Instant::now();
        let (store, snapshot) = (self.plan.store.name(), reader.path());
        let header = SnapshotArchiveHeader::new(store, snapshot);
        let mut source = Files::of(reader, self.cancel);
        let stamp = stamp(self.environment)?;
        let (drive, position) = self.session.begin()?;
        let written = write_snapshot_archive(
            drive,
            position,
            &mut self.block,
            &header,
            stamp,
            &mut source,
        )?;
        let file = written.file;
        self.session.ended(file.tape_bytes, file.position);
        match written.end {
            SnapshotEnd::Complete => {}
            SnapshotEnd::EarlyWarning => {
                self.outcome.snapshot_archive_cut = true;
                return Ok(Some(Ended::EndOfMedia(open.number)));
            }
            SnapshotEnd::SourceFailed { .. } if self.cancel.is_cancelled() => {
                return Ok(Some(Ended::Short(PipelineError::Cancelled)));
            }
            SnapshotEnd::SourceFailed { name, error } => {
                let path = reader.directory().join(name);
                self.fail(
                    open.number,
                    format!("cannot read {}: {error}", path.display()),
                );
                return Ok(None);
            }
        }
        let text = snapshot.to_string();
        self.session
            .catalog()
            .register_snapshot(file.file_number, stamp.uuid, store, &text)?;
        self.outcome.skipped_chunks += open.skipped;
        self.outcome.written.push(snapshot.clone());
        (self.events)(Event::SnapshotArchive {
            store: store.to_owned(),
            snapshot: text,
            file_number: file.file_number,
            bytes: file.tape_bytes,
            seconds: started.elapsed().as_secs_f64(),
        });
        self.session.commit_if_due(self.events)?;
        Ok(None)
    }

    fn tell_start(&self, snapshot: usize) {
        (self.events)(Event::SnapshotStart {
            store: self.plan.store.name().to_owned(),
            snapshot: self.plan.snapshots[snapshot].to_string(),
        });
    }

    fn skip(&self, snapshot: usize, reason: impl Into<String>) {
        (self.events)(Event::SnapshotSkipped {
            store: self.plan.store.name().to_owned(),
            snapshot: self.plan.snapshots[snapshot].to_string(),
            reason: reason.into(),
        });
    }

    fn fail(&mut self, snapshot: usize, reason: String) {
        let path = &self.plan.snapshots[snapshot];
        (self.events)(Event::Warning(format!(
            "snapshot {}:{path}: {reason}",
            self.plan.store.name()
        )));
        self.outcome.failed.push((path.clone(), reason));
    }

    fn progress_now(&self) {
        (self.events)(Event::Progress {
            tape_bytes: self.session.tape_bytes,
            chunks: self.outcome.chunks,
            share: Some(self.steps.outlook().share()),
        });
    }
}

fn stamp(environment: &Environment) -> Result<FileStamp> {
    let uuid = environment.content_uuid();
    let uuid = uuid.map_err(|error| PipelineError::System {
        what: "no random numbers",
        reason: error.to_string(),
    })?;
    Ok(FileStamp {
        uuid,
        ctime: environment.now(),
    })
}

/// The files of an open snapshot as a source for its archive.
struct Files<'a> {
    files: &'a [StoredFile],
    cancel: &'a CancelFlag,
    current: Option<Box<dyn Read + 'a>>,
}

impl<'a> Files<'a> {
    fn of(reader: &'a SnapshotReader, cancel: &'a CancelFlag) -> Self {
        Self {
            files: reader.files(),
            cancel,
            current: None,
        }
    }
}

impl SnapshotSource for Files<'_> {
    fn files(&self) -> Vec<SnapshotFile> {
        let describe = |file: &StoredFile| {
            let stat = file.stat();
            SnapshotFile {
                name: file.name().to_owned(),
                stat: Stat {
                    mode: stat.mode.into(),
                    flags: 0,
                    uid: stat.uid,
                    gid: stat.gid,
                    mtime_secs: stat.mtime_seconds,
                    mtime_nanos: stat.mtime_nanoseconds,
                },
                size: stat.size,
            }
        };
        self.files.iter().map(describe).collect()
    }

    fn content(&mut self, number: usize) -> io::Result<&mut dyn Read> {
        let file = self.files.get(number).ok_or(io::ErrorKind::NotFound)?;
        let cancellable = Cancellable {
            reader: file.reader(),
            cancel: self.cancel,
        };
        Ok(self.current.insert(Box::new(cancellable)))
    }
}

/// Ends in an error when the run is cancelled, so that a large index does not hold it up.
struct Cancellable<'a, R> {
    reader: R,
    cancel: &'a CancelFlag,
}

impl<R: Read> Read for Cancellable<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("stopped on request"));
        }
        self.reader.read(buffer)
    }
}
