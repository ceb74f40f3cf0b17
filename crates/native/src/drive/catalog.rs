//! Catalogs on tape, and scans of a tape.

use std::path::PathBuf;

use ferrite_formats::catalog_archive::CatalogArchiveHeader;
use ferrite_tape::catalog_archive::{CatalogArchiveVersion, write_catalog_archive};
use ferrite_tape::restore::{CatalogRestore, restore_catalogs};
use ferrite_tape::scan::{CatalogScan, scan_catalog, scan_files};
use napi::Env;
use napi::bindgen_prelude::{Function, Object};
use napi_derive::napi;

use super::TapeDrive;
use super::events::{DriveEvent, DriveListener};
use crate::catalogs::{CatalogContent, core_labels};
use crate::datastore::number;
use crate::failure::{Failure, Kind};
use crate::labels::{TapeLabels, parse_uuid};
use crate::plain::Owner;

/// Version of a catalog archive.
#[napi(string_enum)]
pub enum CatalogArchiveFormat {
    /// Jobs over the root namespace of a datastore alone.
    #[napi(value = "1.0")]
    V1_0,
    /// All other jobs.
    #[napi(value = "1.1")]
    V1_1,
}

/// The copy of a catalog that is to go to tape.
#[napi(object)]
pub struct CatalogCopyPlan {
    /// `<media-uuid>.log`
    pub catalog_path: String,
    /// Tape that it describes.
    pub media_uuid: String,
    /// Media set of that tape.
    pub media_set_uuid: String,
    /// Position of that tape in the set.
    pub seq_nr: i64,
    /// Version of the archive.
    pub content_version: CatalogArchiveFormat,
}

/// A copy that was written.
#[napi(object)]
pub struct CatalogCopyOutcome {
    /// False: the end of the medium was met at its start; it belongs on the next tape.
    pub complete: bool,
    /// Tape file.
    pub file_number: i64,
}

/// Which catalogs to take from the tape.
#[napi(object)]
pub struct CatalogRestorePlan {
    /// Labels that the tape must carry.
    pub labels: TapeLabels,
    /// Media UUIDs of all known members of the set.
    pub members: Vec<String>,
    /// Folder of the catalogs.
    pub status_dir: String,
    /// Owner of restored catalogs.
    pub owner: Option<Owner>,
}

/// A copy that was left out.
#[napi(object)]
pub struct SkippedCatalog {
    /// Tape file.
    pub file_number: i64,
    /// Why, for a person.
    pub reason: String,
}

/// What was restored.
#[napi(object)]
pub struct CatalogRestoreOutcome {
    /// The catalog of the tape in the drive was. If not, the tape has to be scanned.
    pub own_restored: bool,
    /// Media UUIDs.
    pub restored: Vec<String>,
    /// Copies that were left out.
    pub skipped: Vec<SkippedCatalog>,
}

/// How to rebuild the catalog of the tape in the drive from all of its archives.
#[napi(object)]
pub struct CatalogScanPlan {
    /// Labels that the tape must carry.
    pub labels: TapeLabels,
    /// Catalog to be replaced at the end.
    pub catalog_path: String,
    /// One event for every chunk.
    pub verbose: Option<bool>,
    /// Owner of the catalog.
    pub owner: Option<Owner>,
}

#[napi]
impl TapeDrive {
    /// Appends a copy of a catalog behind the data on the tape, and syncs.
    #[napi(ts_return_type = "Promise<CatalogCopyOutcome>")]
    pub fn append_catalog<'env>(
        &self,
        env: &'env Env,
        plan: CatalogCopyPlan,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |state| {
            let header = CatalogArchiveHeader {
                uuid: parse_uuid("media uuid", &plan.media_uuid)?,
                media_set_uuid: parse_uuid("media set uuid", &plan.media_set_uuid)?,
                seq_nr: u64::try_from(plan.seq_nr).map_err(|_| {
                    Failure::new(
                        Kind::Usage,
                        "seq-nr",
                        format!("sequence number {}", plan.seq_nr),
                    )
                })?,
            };
            let version = match plan.content_version {
                CatalogArchiveFormat::V1_0 => CatalogArchiveVersion::V1_0,
                CatalogArchiveFormat::V1_1 => CatalogArchiveVersion::V1_1,
            };
            let stamp = state.stamp()?;
            let (drive, block) = state.ready()?;
            let position = drive.end_of_data()?;
            let path = PathBuf::from(plan.catalog_path);
            let written =
                write_catalog_archive(drive, position, block, &path, &header, version, stamp)?;
            drive.sync()?;
            Ok(CatalogCopyOutcome {
                complete: written.complete,
                file_number: number(written.file.file_number),
            })
        })
    }

    /// Restores catalogs of the media set from the copies on the tape.
    #[napi(ts_return_type = "Promise<CatalogRestoreOutcome>")]
    pub fn restore_catalogs<'env>(
        &self,
        env: &'env Env,
        plan: CatalogRestorePlan,
        on_event: Function<'_, DriveEvent, ()>,
    ) -> napi::Result<Object<'env>> {
        let listener = DriveListener::new(on_event)?;
        let cancel = self.cancel.transfer.clone();
        self.call(env, move |state| {
            let labels = core_labels(&plan.labels)?;
            let members: Result<Vec<_>, Failure> = plan
                .members
                .iter()
                .map(|uuid| parse_uuid("media uuid", uuid))
                .collect();
            let restore = CatalogRestore {
                labels: &labels,
                members: &members?,
                folder: &PathBuf::from(plan.status_dir),
                owner: plan.owner.map(Into::into),
            };
            let (drive, block) = state.ready()?;
            let outcome = listener.watch(&|| cancel.is_cancelled(), |watch| {
                restore_catalogs(drive, block, &restore, watch)
            })?;
            let skipped = outcome.skipped.into_iter();
            Ok(CatalogRestoreOutcome {
                own_restored: outcome.own_restored,
                restored: outcome.restored.iter().map(ToString::to_string).collect(),
                skipped: skipped
                    .map(|copy| SkippedCatalog {
                        file_number: number(copy.file_number),
                        reason: copy.reason,
                    })
                    .collect(),
            })
        })
    }

    /// Reads the whole tape and replaces its catalog by what is on it.
    #[napi(ts_return_type = "Promise<CatalogContent>")]
    pub fn scan_catalog<'env>(
        &self,
        env: &'env Env,
        plan: CatalogScanPlan,
        on_event: Function<'_, DriveEvent, ()>,
    ) -> napi::Result<Object<'env>> {
        let listener = DriveListener::new(on_event)?;
        let cancel = self.cancel.transfer.clone();
        self.call(env, move |state| {
            let labels = core_labels(&plan.labels)?;
            let scan = CatalogScan {
                labels: &labels,
                catalog: &PathBuf::from(plan.catalog_path),
                owner: plan.owner.map(Into::into),
                verbose: plan.verbose.unwrap_or(false),
            };
            let (drive, block) = state.ready()?;
            let summary = listener.watch(&|| cancel.is_cancelled(), |watch| {
                scan_catalog(drive, block, &scan, watch)
            })?;
            Ok(CatalogContent::new(&summary.content, summary.bytes))
        })
    }

    /// Reads the tape from its beginning, one event for each file; their number.
    #[napi(ts_return_type = "Promise<number>")]
    pub fn scan_files<'env>(
        &self,
        env: &'env Env,
        on_event: Function<'_, DriveEvent, ()>,
    ) -> napi::Result<Object<'env>> {
        let listener = DriveListener::new(on_event)?;
        let cancel = self.cancel.transfer.clone();
        self.call(env, move |state| {
            let (drive, block) = state.ready()?;
            Ok(number(
                listener.watch(&|| cancel.is_cancelled(), |watch| {
                    scan_files(drive, block, watch)
                })?,
            ))
        })
    }
}
