//! What a drive tells of itself and of the tape in it.

use ferrite_linux::{DeviceTree, TapeNode, mtio};
use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use super::TapeDrive;
use crate::datastore::number;
use crate::failure::Failure;

/// Everything `status` shows (cli.md 4.7). What the drive does not tell is absent.
#[napi(object)]
pub struct DriveStatus {
    /// From INQUIRY.
    pub vendor: String,
    /// From INQUIRY.
    pub product: String,
    /// From INQUIRY.
    pub revision: String,
    /// Bytes; 0 is variable.
    pub blocksize: u32,
    /// `LTO5`
    pub density: String,
    /// Data compression is on.
    pub compression: bool,
    /// 1 is buffered.
    pub buffer_mode: u32,
    /// The tape cannot be written to.
    pub write_protect: bool,
    /// Names of TapeAlert flags joined by ` | `, or `(empty)`.
    pub alert_flags: Option<String>,
    /// Filemarks before the position.
    pub file_number: Option<i64>,
    /// Blocks and filemarks before the position.
    pub block_number: Option<i64>,
    /// Epoch seconds.
    pub manufactured: Option<i64>,
    /// Bytes ever written to the tape.
    pub bytes_written: Option<i64>,
    /// Bytes ever read from the tape.
    pub bytes_read: Option<i64>,
    /// Passes over the most used part of the tape.
    pub medium_passes: Option<i64>,
    /// Share of the rated life used; 1 is all of it.
    pub medium_wearout: Option<f64>,
    /// Times the tape was threaded.
    pub volume_mounts: Option<i64>,
    /// A tape is loaded and can be used.
    pub ready: bool,
    /// The tape can be written only once.
    pub worm: Option<bool>,
    /// What the drive is doing: `no-activity`, `cleaning`, `loading` ...
    pub drive_activity: Option<String>,
    /// Flags of the st driver, of a drive that was opened by its tape node: `ONLINE`, `BOT` ...
    pub driver_flags: Option<Vec<String>>,
    /// Options of the st driver, of a drive that was opened by its tape node: `BUFFER_WRITES` ...
    pub driver_options: Option<Vec<String>>,
}

impl From<ferrite_scsi::drive::DriveStatus> for DriveStatus {
    fn from(status: ferrite_scsi::drive::DriveStatus) -> Self {
        Self {
            vendor: status.inquiry.vendor,
            product: status.inquiry.product,
            revision: status.inquiry.revision,
            blocksize: status.settings.block_length,
            density: status.settings.density.name().to_owned(),
            compression: status.settings.compression,
            buffer_mode: u32::from(status.settings.buffered_mode),
            write_protect: status.settings.write_protected,
            alert_flags: status.alert_flags.map(|flags| flags.to_string()),
            file_number: status.file_number.map(number),
            block_number: status.block_number.map(number),
            manufactured: status.usage.map(|usage| usage.manufactured),
            bytes_written: status.usage.map(|usage| number(usage.bytes_written)),
            bytes_read: status.usage.map(|usage| number(usage.bytes_read)),
            medium_passes: status.wear.map(|wear| number(wear.medium_passes)),
            medium_wearout: status.wear.map(|wear| wear.medium_wearout),
            volume_mounts: status.wear.map(|wear| number(wear.volume_mounts)),
            ready: status.ready,
            worm: status.worm,
            drive_activity: status.activity.map(|activity| activity.name().to_owned()),
            driver_flags: None,
            driver_options: None,
        }
    }
}

fn driver_flags(node: &TapeNode) -> Result<Vec<String>, Failure> {
    Ok(node.status()?.flags().map(str::to_owned).collect())
}

fn driver_options(node: &TapeNode) -> Option<Vec<String>> {
    let options = DeviceTree::system().tape_options_of(node.path())?;
    Some(mtio::option_names(options))
}

#[napi]
impl TapeDrive {
    /// Drive and tape; works without a tape.
    #[napi(ts_return_type = "Promise<DriveStatus>")]
    pub fn status<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| {
            let status = DriveStatus::from(state.drive().status()?);
            Ok(match state.tape_node() {
                Some(node) => DriveStatus {
                    driver_flags: Some(driver_flags(node)?),
                    driver_options: driver_options(node),
                    ..status
                },
                None => status,
            })
        })
    }

    /// Native bytes in use on the tape, from the volume statistics; null where the drive keeps none.
    #[napi(ts_return_type = "Promise<number | null>")]
    pub fn used_bytes<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| {
            let statistics = state.ready()?.0.volume_statistics().ok();
            Ok(statistics.map(|statistics| number(statistics.total_used_native_capacity)))
        })
    }
}
