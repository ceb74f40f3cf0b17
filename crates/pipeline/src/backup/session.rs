//! The tape being written and its catalog: what is on the one and not yet in the other.

use ferrite_scsi::{Drive, FileWriter, Position};
use ferrite_tape::MediaCatalog;
use ferrite_tape::catalog::CatalogIdentity;

use super::BackupPlan;
use crate::error::{PipelineError, Result};
use crate::events::Event;

/// After this many bytes of blocks since the last sync, archives are made safe without another reason (tape-format 1.4).
/// Not more often: a sync empties the drive's buffer.
const SYNC_BYTES: u64 = 128 << 30;

/// A tape that starts with less than this has no labels.
const FIRST_DATA_FILE: u64 = 2;

/// See the module.
pub(super) struct Session<'d> {
    drive: &'d mut Drive,
    /// Where the next file goes; `None` after a failure, when nobody knows.
    position: Option<Position>,
    catalog: MediaCatalog,
    /// Bytes of blocks written since the last sync.
    unsynced_bytes: u64,
    /// Bytes of blocks written in this run.
    pub tape_bytes: u64,
}

impl<'d> Session<'d> {
    /// Opens the catalog and goes to the end of data.
    pub fn open(drive: &'d mut Drive, plan: &BackupPlan) -> Result<Self> {
        let identity = CatalogIdentity {
            media_uuid: Some(plan.media_uuid),
            media_set: None,
        };
        let catalog = MediaCatalog::open(&plan.catalog_path, identity)?;
        let position = drive
            .end_of_data()
            .map_err(PipelineError::drive("go to the end of data"))?;
        let file_number = position.file_number();
        if file_number < FIRST_DATA_FILE {
            return Err(PipelineError::StrangePosition { file_number });
        }
        Ok(Self {
            drive,
            position: Some(position),
            catalog,
            unsynced_bytes: 0,
            tape_bytes: 0,
        })
    }

    /// The drive and where the next file goes, for whoever writes it. Give the position back with [`Session::ended`].
    pub fn begin(&mut self) -> Result<(&mut Drive, Position)> {
        let position = self.position.take();
        let position = position
            .ok_or_else(|| PipelineError::Internal("tape used after a failure".to_owned()))?;
        Ok((self.drive, position))
    }

    /// Begins a file.
    pub fn write_file(&mut self) -> Result<FileWriter<'_>> {
        let (drive, position) = self.begin()?;
        drive
            .write_file(position)
            .map_err(PipelineError::drive("begin a file"))
    }

    /// A file was written and ended.
    pub fn ended(&mut self, tape_bytes: u64, position: Position) {
        self.position = Some(position);
        self.unsynced_bytes += tape_bytes;
        self.tape_bytes += tape_bytes;
    }

    /// The catalog, to register what was written.
    pub fn catalog(&mut self) -> &mut MediaCatalog {
        &mut self.catalog
    }

    /// Makes everything written safe: first the tape, then the catalog, so that the catalog never names what is not there.
    pub fn commit(&mut self, events: &dyn Fn(Event)) -> Result<()> {
        if self.unsynced_bytes == 0 && self.catalog.pending_bytes() == 0 {
            return Ok(());
        }
        self.drive
            .sync()
            .map_err(PipelineError::drive("write the drive's buffer to tape"))?;
        self.catalog.commit()?;
        self.unsynced_bytes = 0;
        events(Event::Committed {
            tape_bytes: self.tape_bytes,
        });
        Ok(())
    }

    /// After each archive.
    pub fn commit_if_due(&mut self, events: &dyn Fn(Event)) -> Result<()> {
        if self.unsynced_bytes >= SYNC_BYTES {
            self.commit(events)
        } else {
            Ok(())
        }
    }
}
