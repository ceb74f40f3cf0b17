//! The thread that decides what goes where: which chunks are new, and which byte of which archive each of them begins at.
//!
//! It runs ahead of the readers by opening chunk files and deciding how they are read, and ahead of the drive by as much as the
//! ring holds. It never waits for anything but room: steps are sent before the room for them is reserved, so the drive
//! thread always knows what it is waiting for.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam_channel::Sender;
use ferrite_datastore::{ChunkFile, ChunkOrder, ErrorKind, SnapshotReader};
use ferrite_formats::Digest;
use ferrite_formats::chunk_archive::ChunkArchiveHeader;
use ferrite_formats::content_header::ContentError;
use ferrite_tape::SetIndex;
use uuid::Uuid;

use super::BackupPlan;
use super::reader::Job;
use super::source::SourceFileSystem;
use super::steps::{ArchiveStart, OpenSnapshot, Outlook, Permit, Permits, PlannedChunk, Step};
use crate::error::panic_text;
use crate::framing::{PAYLOAD, Placement, archive_is_full};
use crate::ring::{Ring, Stopped};

/// Chunk files that are open ahead of the readers, their content being fetched where the kernel does that. Four in flight
/// were enough to double the speed of a cold disk, more than 16 gave nothing (spec/limits.md 2).
pub(super) const OPEN_CHUNKS: usize = 16;

/// Walks the plan to its end, or until the ring is stopped.
pub(super) fn run(
    plan: &BackupPlan,
    order: ChunkOrder,
    ring: &Ring,
    steps: &Sender<Step>,
    jobs: &Sender<Job>,
    outlook: &Outlook,
    file_system: &SourceFileSystem,
) {
    let walked = catch_unwind(AssertUnwindSafe(|| {
        let index = SetIndex::new(plan.chunk_index.clone(), plan.store.name());
        Sequencer {
            plan,
            order,
            ring,
            steps,
            jobs,
            outlook,
            file_system,
            index,
            next_slot: 0,
        }
        .walk()
    }));
    if let Err(panic) = walked {
        // Nobody listens if the run is over.
        let _ = steps.send(Step::Defect(panic_text(&*panic)));
    }
}

struct Sequencer<'a> {
    plan: &'a BackupPlan,
    order: ChunkOrder,
    ring: &'a Ring,
    steps: &'a Sender<Step>,
    jobs: &'a Sender<Job>,
    outlook: &'a Outlook,
    file_system: &'a SourceFileSystem,
    /// Everything that was planned counts as written: if it does not get on the tape, the run ends.
    index: SetIndex,
    /// First slot of the ring that no archive uses yet.
    next_slot: u64,
}

/// The archive being filled.
struct Archive {
    slot: u64,
    content_bytes: u64,
}

impl Sequencer<'_> {
    fn walk(&mut self) -> Result<(), Stopped> {
        let permits = Permits::new();
        for (number, snapshot) in self.plan.snapshots.iter().enumerate() {
            let permit = permits.take(self.ring)?;
            match self.plan.store.open_snapshot(snapshot) {
                Ok(reader) => self.snapshot(number, reader, permit)?,
                Err(error) if error.kind() == ErrorKind::Vanished => {
                    self.tell(Step::Vanished(number))?
                }
                Err(error) => self.tell(Step::Failed(number, error.to_string()))?,
            }
        }
        self.tell(Step::End)
    }

    fn snapshot(
        &mut self,
        number: usize,
        reader: SnapshotReader,
        permit: Permit,
    ) -> Result<(), Stopped> {
        self.tell(Step::Start(number))?;
        // The iterator asks about each chunk once, so what it is answered can be counted there.
        let skipped = Cell::new(0);
        let mut index = std::mem::take(&mut self.index);
        let wanted = |digest: &Digest| {
            let new = index.insert(*digest);
            skipped.set(skipped.get() + u64::from(!new));
            new
        };
        let mut archive = None;
        let mut order = reader.chunks_in_tape_order(self.order, wanted);
        while let Some(digest) = order.next() {
            let share = (number as f64 + order.share()) / self.plan.snapshots.len() as f64;
            self.outlook.set(share);
            match digest {
                Ok(digest) => self.chunk(number, digest, &mut archive)?,
                Err(error) => {
                    drop(order);
                    self.close(archive)?;
                    self.index = index;
                    return self.tell(Step::Failed(number, error.to_string()));
                }
            }
        }
        drop(order);
        self.close(archive)?;
        self.index = index;
        let skipped = skipped.get();
        self.tell(Step::Files(Box::new(OpenSnapshot {
            number,
            reader,
            skipped,
            _permit: permit,
        })))
    }

    fn chunk(
        &mut self,
        snapshot: usize,
        digest: Digest,
        archive: &mut Option<Archive>,
    ) -> Result<(), Stopped> {
        let ChunkFile { file, bytes } = match self.plan.store.chunks().open_chunk(&digest) {
            Ok(chunk) => chunk,
            Err(error) => {
                // The drive thread ends the archive in front of it, and the run.
                self.tell(Step::BadChunk(snapshot, digest, Box::new(error.into())))?;
                return Err(Stopped);
            }
        };
        let source = if self.plan.dry_run {
            SourceFileSystem::unread(file, bytes)
        } else {
            self.file_system.open(file, bytes)
        };

        let current = match archive.take() {
            Some(current) => current,
            None => self.open(snapshot)?,
        };
        let placement = Placement {
            start: current.content_bytes,
            blob_bytes: bytes,
        };
        let part = self.ring.announce(1);
        self.tell(Step::Chunk(PlannedChunk {
            part,
            digest,
            placement,
        }))?;
        self.ring
            .reserve(current.slot + placement.end().div_ceil(PAYLOAD))?;
        let job = Job {
            part,
            archive_slot: current.slot,
            placement,
            digest,
            source,
        };
        self.jobs.send(job).map_err(|_| Stopped)?;

        let current = Archive {
            content_bytes: placement.end(),
            ..current
        };
        if archive_is_full(placement.end()) {
            self.close(Some(current))
        } else {
            *archive = Some(current);
            Ok(())
        }
    }

    fn open(&mut self, snapshot: usize) -> Result<Archive, Stopped> {
        let slot = self.next_slot;
        let head_bytes = match chunk_archive_head(self.plan.store.name(), Uuid::nil(), 0) {
            Ok(head) => head.len() as u64,
            Err(error) => {
                self.tell(Step::Defect(error.to_string()))?;
                return Err(Stopped);
            }
        };
        self.tell(Step::Open(ArchiveStart {
            snapshot,
            slot,
            head_bytes,
        }))?;
        Ok(Archive {
            slot,
            content_bytes: head_bytes,
        })
    }

    fn close(&mut self, archive: Option<Archive>) -> Result<(), Stopped> {
        let Some(archive) = archive else {
            return Ok(());
        };
        // An archive that ends with a full block gets an empty one behind it, which needs no room in the ring.
        self.next_slot = archive.slot + archive.content_bytes.div_ceil(PAYLOAD);
        self.tell(Step::Close)
    }

    fn tell(&self, step: Step) -> Result<(), Stopped> {
        self.steps.send(step).map_err(|_| Stopped)
    }
}

/// Everything in front of the first entry. Its length does not depend on UUID and time, which are known only when the drive
/// thread begins the file.
pub(super) fn chunk_archive_head(
    store: &str,
    uuid: Uuid,
    ctime: i64,
) -> Result<Vec<u8>, ContentError> {
    ChunkArchiveHeader {
        store: store.to_owned(),
    }
    .encode(uuid, ctime)
}
