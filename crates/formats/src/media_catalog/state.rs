//! Rules that successive catalog records keep, applied when writing and when loading (tape-format.md 7.3).

use uuid::Uuid;

use super::CatalogRecord;
use crate::label::MediaSetLabel;
use crate::snapshot_path::SnapshotPath;

/// First tape file that may hold an archive.
const FIRST_ARCHIVE: u64 = 2;

/// Which tape a catalog must belong to. What is `None` is not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CatalogIdentity {
    /// Media UUID that the record of file 0 must carry.
    pub media_uuid: Option<Uuid>,
    /// Media-set UUID and position that the record of file 1 must carry.
    pub media_set: Option<(Uuid, u64)>,
}

impl CatalogIdentity {
    /// Any tape.
    pub const ANY: Self = Self {
        media_uuid: None,
        media_set: None,
    };

    /// The tape with these labels.
    pub fn of(media_uuid: Uuid, set: Option<&MediaSetLabel>) -> Self {
        Self {
            media_uuid: Some(media_uuid),
            media_set: set.map(|set| (set.uuid, set.seq_nr)),
        }
    }
}

/// A record that may not stand where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogRule {
    /// Label records are for files 0 and 1, in this order, at the start.
    #[error("label of file {found} where {} is due", due_label(*.previous))]
    LabelOrder {
        /// File number in the record.
        found: u64,
        /// File number of the record before.
        previous: Option<u64>,
    },
    /// The catalog is that of another tape or media set.
    #[error("label of file {file_number} names {found}, expected {expected}")]
    LabelUuid {
        /// 0 or 1.
        file_number: u64,
        /// UUID of the tape or set that the catalog should belong to.
        expected: Uuid,
        /// UUID in the record.
        found: Uuid,
    },
    /// The tape has another place in the media set.
    #[error("media-set label has sequence number {found}, expected {expected}")]
    LabelSeqNr {
        /// Position in the set.
        expected: u64,
        /// Position in the record.
        found: u64,
    },
    /// Archives can only follow behind the label of file 0.
    #[error("a {0} before any label")]
    NoLabel(&'static str),
    /// Only chunks and the end may follow on the start of a chunk archive.
    #[error("a {found} inside the chunk archive in file {open}")]
    InsideArchive {
        /// Kind of the record.
        found: &'static str,
        /// Tape file of the archive that is open.
        open: u64,
    },
    /// A chunk or an end needs an open chunk archive.
    #[error("a {0} outside of a chunk archive")]
    OutsideArchive(&'static str),
    /// Tape files are recorded in ascending order, from 2.
    #[error("{what} in file {found}, expected file {minimum} or a later one")]
    FileNumber {
        /// Kind of the record.
        what: &'static str,
        /// File number in the record.
        found: u64,
        /// Lowest possible number here.
        minimum: u64,
    },
    /// The end names another archive than the start.
    #[error(
        "end of chunk archive {found_uuid} in file {found}, but {open_uuid} in file {open} is open"
    )]
    ArchiveEndMismatch {
        /// File number in the record.
        found: u64,
        /// UUID in the record.
        found_uuid: Uuid,
        /// File number of the start.
        open: u64,
        /// UUID of the start.
        open_uuid: Uuid,
    },
    /// The snapshot string does not parse.
    #[error("\"{}\" is no snapshot: {detail}", snapshot.escape_debug())]
    SnapshotPath {
        /// What stands in the record.
        snapshot: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A name that does not fit into the record (writing only).
    #[error("{what} of {len} bytes is too long for a catalog")]
    TooLong {
        /// Kind of the name.
        what: &'static str,
        /// Its length.
        len: usize,
    },
    /// Records can only be committed between archives (writing only).
    #[error("the chunk archive in file {0} is still open: nothing can be committed")]
    Unfinished(u64),
}

fn due_label(previous: Option<u64>) -> &'static str {
    match previous {
        None => "that of file 0",
        Some(0) => "that of file 1 or an archive",
        Some(_) => "an archive",
    }
}

/// What is known after a number of records. Feed every record to [`Self::check`].
#[derive(Debug, Clone)]
pub struct CatalogState {
    identity: CatalogIdentity,
    previous: Option<u64>,
    open: Option<(u64, Uuid)>,
}

impl CatalogState {
    /// Before the first record.
    pub fn new(identity: CatalogIdentity) -> Self {
        Self {
            identity,
            previous: None,
            open: None,
        }
    }

    /// Tape file of the last record; `None` for a catalog without records.
    pub fn last_file_number(&self) -> Option<u64> {
        self.previous
    }

    /// Tape file and UUID of a chunk archive whose end is missing so far.
    pub fn open_archive(&self) -> Option<(u64, Uuid)> {
        self.open
    }

    /// Accepts the next record, or says why it may not stand here; then the state is as before.
    ///
    /// # Errors
    /// The broken rule.
    pub fn check(&mut self, record: &CatalogRecord<'_>) -> Result<(), CatalogRule> {
        match *record {
            CatalogRecord::Chunk(_) if self.open.is_some() => {}
            CatalogRecord::Chunk(_) => return Err(CatalogRule::OutsideArchive("chunk")),
            CatalogRecord::Label {
                file_number,
                uuid,
                seq_nr,
            } => {
                self.check_label(file_number, uuid, seq_nr)?;
                self.previous = Some(file_number);
            }
            CatalogRecord::ArchiveStart {
                file_number, uuid, ..
            } => {
                self.check_archive("chunk archive", file_number)?;
                self.previous = Some(file_number);
                self.open = Some((file_number, uuid));
            }
            CatalogRecord::ArchiveEnd { file_number, uuid } => {
                let Some((open, open_uuid)) = self.open else {
                    return Err(CatalogRule::OutsideArchive("chunk archive end"));
                };
                if (open, open_uuid) != (file_number, uuid) {
                    return Err(CatalogRule::ArchiveEndMismatch {
                        found: file_number,
                        found_uuid: uuid,
                        open,
                        open_uuid,
                    });
                }
                self.open = None;
            }
            CatalogRecord::Snapshot {
                file_number,
                snapshot,
                ..
            } => {
                self.check_archive("snapshot archive", file_number)?;
                check_snapshot(snapshot)?;
                self.previous = Some(file_number);
            }
        }
        Ok(())
    }

    fn check_label(&self, file_number: u64, uuid: Uuid, seq_nr: u64) -> Result<(), CatalogRule> {
        self.check_closed("label")?;
        let due = self
            .previous
            .map_or(0, |previous| previous.saturating_add(1));
        if file_number != due || file_number >= FIRST_ARCHIVE {
            return Err(CatalogRule::LabelOrder {
                found: file_number,
                previous: self.previous,
            });
        }
        let set = self.identity.media_set;
        let expected = match file_number {
            0 => self.identity.media_uuid,
            _ => set.map(|(uuid, _)| uuid),
        };
        if let Some(expected) = expected.filter(|expected| *expected != uuid) {
            return Err(CatalogRule::LabelUuid {
                file_number,
                expected,
                found: uuid,
            });
        }
        match set {
            Some((_, expected)) if file_number == 1 && expected != seq_nr => {
                Err(CatalogRule::LabelSeqNr {
                    expected,
                    found: seq_nr,
                })
            }
            _ => Ok(()),
        }
    }

    fn check_archive(&self, what: &'static str, file_number: u64) -> Result<(), CatalogRule> {
        self.check_closed(what)?;
        let previous = self.previous.ok_or(CatalogRule::NoLabel(what))?;
        let minimum = previous.saturating_add(1).max(FIRST_ARCHIVE);
        if file_number < minimum {
            return Err(CatalogRule::FileNumber {
                what,
                found: file_number,
                minimum,
            });
        }
        Ok(())
    }

    fn check_closed(&self, found: &'static str) -> Result<(), CatalogRule> {
        match self.open {
            Some((open, _)) => Err(CatalogRule::InsideArchive { found, open }),
            None => Ok(()),
        }
    }
}

fn check_snapshot(snapshot: &str) -> Result<(), CatalogRule> {
    match snapshot.parse::<SnapshotPath>() {
        Ok(_) => Ok(()),
        Err(error) => Err(CatalogRule::SnapshotPath {
            snapshot: snapshot.to_owned(),
            detail: error.to_string(),
        }),
    }
}
