//! What a drive tells while it works.

use ferrite_pipeline::Event;
use ferrite_tape::scan::ScannedFile as CoreFile;
use ferrite_tape::{TapeEvent, Watch};
use napi::Status;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

use crate::datastore::number;

/// One file of a tape, as far as it can be understood.
#[napi(object)]
pub struct ScannedFile {
    /// Number on the tape.
    pub file_number: i64,
    /// `Proxmox Backup Chunk Archive v1.1` and the like, `empty` or `unknown`.
    pub kind: String,
    /// Content UUID.
    pub uuid: Option<String>,
    /// Epoch seconds.
    pub ctime: Option<i64>,
    /// Bytes of the header JSON.
    pub header_size: Option<u32>,
    /// Part of a multi-volume archive; always 0.
    pub part_number: Option<u32>,
    /// Bytes of its blocks.
    pub bytes: i64,
    /// The last block says that content is missing.
    pub incomplete: bool,
    /// There is a last block.
    pub has_end_marker: bool,
    /// What is wrong with it.
    pub note: Option<String>,
}

impl From<CoreFile> for ScannedFile {
    fn from(file: CoreFile) -> Self {
        Self {
            file_number: number(file.file_number),
            kind: file.kind,
            uuid: file.uuid.map(|uuid| uuid.to_string()),
            ctime: file.ctime,
            header_size: file.header_size,
            part_number: file.part_number.map(u32::from),
            bytes: number(file.bytes),
            incomplete: file.incomplete,
            has_end_marker: file.has_end_marker,
            note: file.note,
        }
    }
}

/// Something that happened on a drive.
#[napi(object)]
#[derive(Default)]
pub struct DriveEvent {
    /// `progress`, `snapshot-start`, `snapshot-skipped`, `chunk-archive`, `snapshot-archive`, `catalog-archive`, `committed`,
    /// `chunk`, `file`, `warning` or `log`.
    #[napi(
        ts_type = "'progress' | 'snapshot-start' | 'snapshot-skipped' | 'chunk-archive' | 'snapshot-archive' | 'catalog-archive' | 'committed' | 'chunk' | 'file' | 'warning' | 'log'"
    )]
    pub kind: String,
    /// Of a warning, a log line, a skipped snapshot (why).
    pub message: Option<String>,
    /// Source datastore.
    pub store: Option<String>,
    /// `ns/a/vm/100/2024-06-05T09:38:20Z`
    pub snapshot: Option<String>,
    /// Tape file.
    pub file_number: Option<i64>,
    /// Tape that a catalog archive describes.
    pub media_uuid: Option<String>,
    /// Digest of a chunk, in hex.
    pub digest: Option<String>,
    /// Bytes of the archive, or tape bytes so far.
    pub bytes: Option<i64>,
    /// Chunks in the archive, or so far.
    pub chunks: Option<i64>,
    /// Time the archive took.
    pub seconds: Option<f64>,
    /// Of progress: share of the plan that is done, 0 to 1, where it can be told.
    pub share: Option<f64>,
    /// A file met by a scan.
    pub file: Option<ScannedFile>,
}

impl DriveEvent {
    fn of(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            ..Self::default()
        }
    }

    fn text(kind: &str, message: String) -> Self {
        Self {
            message: Some(message),
            ..Self::of(kind)
        }
    }
}

impl From<Event> for DriveEvent {
    fn from(event: Event) -> Self {
        match event {
            Event::Progress {
                tape_bytes,
                chunks,
                share,
            } => Self {
                share,
                bytes: Some(number(tape_bytes)),
                chunks: Some(number(chunks)),
                ..Self::of("progress")
            },
            Event::SnapshotStart { store, snapshot } => Self {
                store: Some(store),
                snapshot: Some(snapshot),
                ..Self::of("snapshot-start")
            },
            Event::SnapshotSkipped {
                store,
                snapshot,
                reason,
            } => Self {
                store: Some(store),
                snapshot: Some(snapshot),
                ..Self::text("snapshot-skipped", reason)
            },
            Event::ChunkArchive {
                store,
                file_number,
                chunks,
                bytes,
                seconds,
            } => Self {
                store: Some(store),
                file_number: Some(number(file_number)),
                chunks: Some(number(chunks)),
                bytes: Some(number(bytes)),
                seconds: Some(seconds),
                ..Self::of("chunk-archive")
            },
            Event::SnapshotArchive {
                store,
                snapshot,
                file_number,
                bytes,
                seconds,
            } => Self {
                store: Some(store),
                snapshot: Some(snapshot),
                file_number: Some(number(file_number)),
                bytes: Some(number(bytes)),
                seconds: Some(seconds),
                ..Self::of("snapshot-archive")
            },
            Event::CatalogArchive { file_number } => Self {
                file_number: Some(number(file_number)),
                ..Self::of("catalog-archive")
            },
            Event::Committed { tape_bytes } => Self {
                bytes: Some(number(tape_bytes)),
                ..Self::of("committed")
            },
            Event::Warning(message) => Self::text("warning", message),
            Event::Log(message) => Self::text("log", message),
            other => Self::text("log", format!("{other:?}")),
        }
    }
}

impl From<TapeEvent> for DriveEvent {
    fn from(event: TapeEvent) -> Self {
        match event {
            TapeEvent::Progress {
                file_number,
                tape_bytes,
            } => Self {
                file_number: Some(number(file_number)),
                bytes: Some(number(tape_bytes)),
                ..Self::of("progress")
            },
            TapeEvent::Chunk(digest) => Self {
                digest: Some(digest.to_string()),
                ..Self::of("chunk")
            },
            TapeEvent::ChunkArchive {
                file_number,
                store,
                chunks,
            } => Self {
                file_number: Some(number(file_number)),
                store: Some(store),
                chunks: Some(number(chunks)),
                ..Self::of("chunk-archive")
            },
            TapeEvent::SnapshotArchive {
                file_number,
                store,
                snapshot,
            } => Self {
                file_number: Some(number(file_number)),
                store: Some(store),
                snapshot: Some(snapshot),
                ..Self::of("snapshot-archive")
            },
            TapeEvent::CatalogArchive {
                file_number,
                media_uuid,
                restored,
            } => Self {
                file_number: Some(number(file_number)),
                media_uuid: Some(media_uuid.to_string()),
                message: Some(if restored { "restored" } else { "skipped" }.to_owned()),
                ..Self::of("catalog-archive")
            },
            TapeEvent::File(file) => Self {
                file: Some(file.into()),
                ..Self::of("file")
            },
            TapeEvent::Warning {
                file_number,
                message,
            } => Self {
                file_number: Some(number(file_number)),
                ..Self::text("warning", message)
            },
            other => Self::text("log", format!("{other:?}")),
        }
    }
}

/// A callback that the drive's thread calls.
pub struct DriveListener(ThreadsafeFunction<DriveEvent, (), DriveEvent, Status, false>);

impl DriveListener {
    /// Makes a JavaScript function callable from the drive's thread.
    pub fn new(callback: Function<'_, DriveEvent, ()>) -> napi::Result<Self> {
        callback
            .build_threadsafe_function()
            .callee_handled::<false>()
            .build()
            .map(Self)
    }

    /// Hands an event over without waiting for it to be handled.
    pub fn tell(&self, event: impl Into<DriveEvent>) {
        self.0
            .call(event.into(), ThreadsafeFunctionCallMode::NonBlocking);
    }

    /// Does `work` of the tape crate that is watched by this listener.
    pub fn watch<T>(
        &self,
        cancelled: &dyn Fn() -> bool,
        work: impl FnOnce(&mut Watch<'_>) -> T,
    ) -> T {
        let mut tell = |event: TapeEvent| self.tell(event);
        work(&mut Watch {
            on_event: &mut tell,
            cancelled,
        })
    }
}
