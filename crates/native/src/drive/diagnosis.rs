//! What drive and cartridge keep about themselves: TapeAlert, cartridge memory, statistics.

use ferrite_scsi::alert::AlertFlags as CoreFlags;
use ferrite_scsi::attribute::{
    APPLICATION_NAME, APPLICATION_VENDOR, APPLICATION_VERSION, MEDIA_POOL, USER_LABEL, host_text,
};
use ferrite_scsi::volume_statistics::VolumeStatistics as CoreStatistics;
use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use super::TapeDrive;
use crate::datastore::number;

/// TapeAlert flags that are set.
#[napi(object)]
pub struct AlertFlags {
    /// Names as PBS prints them, by number.
    pub flags: Vec<String>,
    /// The names joined by ` | `, or `(empty)`.
    pub text: String,
    /// Those that end a job and make its tape a damaged one.
    pub critical: Vec<String>,
    /// The drive wants to be cleaned.
    pub cleaning_requested: bool,
    /// The tape is at or near the end of its life.
    pub media_life: bool,
}

impl From<CoreFlags> for AlertFlags {
    fn from(flags: CoreFlags) -> Self {
        let names = |wanted: &dyn Fn(u8) -> bool| {
            flags
                .iter()
                .filter(|&(number, _, _)| wanted(number))
                .map(|(_, name, _)| name.to_owned())
                .collect()
        };
        Self {
            flags: names(&|_| true),
            text: flags.to_string(),
            critical: names(&|number| CoreFlags::NONE.with(number).is_critical()),
            cleaning_requested: flags.wants_cleaning(),
            media_life: flags.is_worn(),
        }
    }
}

/// An attribute of the cartridge memory.
#[napi(object)]
pub struct CartridgeAttribute {
    /// Identifier.
    pub id: u32,
    /// Name.
    pub name: String,
    /// Value as text.
    pub value: String,
}

/// What the drive knows about the cartridge's life. Counters that it does not keep are 0.
#[napi(object)]
pub struct VolumeStatistics {
    /// Passes over the beginning of the tape.
    pub beginning_of_medium_passes: i64,
    /// Percent.
    pub last_load_read_compression_ratio: i64,
    /// Percent.
    pub last_load_write_compression_ratio: i64,
    /// Bytes.
    pub last_mount_bytes_read: i64,
    /// Bytes.
    pub last_mount_bytes_written: i64,
    /// Count.
    pub last_mount_unrecovered_read_errors: i64,
    /// Count.
    pub last_mount_unrecovered_write_errors: i64,
    /// Bytes.
    pub lifetime_bytes_read: i64,
    /// Bytes.
    pub lifetime_bytes_written: i64,
    /// Milliseconds.
    pub medium_mount_time: i64,
    /// Milliseconds.
    pub medium_ready_time: i64,
    /// Passes over the middle of the tape.
    pub middle_of_tape_passes: i64,
    /// Serial number of the cartridge.
    pub serial: String,
    /// Bytes.
    pub total_native_capacity: i64,
    /// Bytes.
    pub total_used_native_capacity: i64,
    /// Count.
    pub volume_datasets_read: i64,
    /// Count.
    pub volume_datasets_written: i64,
    /// Times the tape was threaded.
    pub volume_mounts: i64,
    /// Count.
    pub volume_recovered_read_errors: i64,
    /// Count.
    pub volume_recovered_write_data_errors: i64,
    /// Count.
    pub volume_unrecovered_read_errors: i64,
    /// Count.
    pub volume_unrecovered_write_data_errors: i64,
    /// Count.
    pub volume_unrecovered_write_servo_errors: i64,
    /// Count.
    pub volume_write_servo_errors: i64,
    /// Write-once cartridge.
    pub worm: bool,
    /// The tab is set.
    pub write_protect: bool,
}

impl From<CoreStatistics> for VolumeStatistics {
    fn from(from: CoreStatistics) -> Self {
        Self {
            beginning_of_medium_passes: number(from.beginning_of_medium_passes),
            last_load_read_compression_ratio: number(from.last_load_read_compression_ratio),
            last_load_write_compression_ratio: number(from.last_load_write_compression_ratio),
            last_mount_bytes_read: number(from.last_mount_bytes_read),
            last_mount_bytes_written: number(from.last_mount_bytes_written),
            last_mount_unrecovered_read_errors: number(from.last_mount_unrecovered_read_errors),
            last_mount_unrecovered_write_errors: number(from.last_mount_unrecovered_write_errors),
            lifetime_bytes_read: number(from.lifetime_bytes_read),
            lifetime_bytes_written: number(from.lifetime_bytes_written),
            medium_mount_time: number(from.medium_mount_time),
            medium_ready_time: number(from.medium_ready_time),
            middle_of_tape_passes: number(from.middle_of_tape_passes),
            serial: from.serial,
            total_native_capacity: number(from.total_native_capacity),
            total_used_native_capacity: number(from.total_used_native_capacity),
            volume_datasets_read: number(from.volume_datasets_read),
            volume_datasets_written: number(from.volume_datasets_written),
            volume_mounts: number(from.volume_mounts),
            volume_recovered_read_errors: number(from.volume_recovered_read_errors),
            volume_recovered_write_data_errors: number(from.volume_recovered_write_data_errors),
            volume_unrecovered_read_errors: number(from.volume_unrecovered_read_errors),
            volume_unrecovered_write_data_errors: number(from.volume_unrecovered_write_data_errors),
            volume_unrecovered_write_servo_errors: number(
                from.volume_unrecovered_write_servo_errors,
            ),
            volume_write_servo_errors: number(from.volume_write_servo_errors),
            worm: from.worm,
            write_protect: from.write_protect,
        }
    }
}

/// What happened along the way and was no error.
#[napi(object)]
pub struct DriveNotices {
    /// Commands that succeeded after the drive had recovered from an error.
    pub recovered_errors: i64,
    /// The last of these errors.
    pub last_recovered: Option<String>,
    /// The drive asked to be cleaned.
    pub cleaning_requested: bool,
}

/// What a cartridge memory is to say after its tape was labelled.
#[napi(object)]
pub struct CartridgeLabel {
    /// Text of the media label.
    pub label_text: Option<String>,
    /// Pool of the tape.
    pub pool: Option<String>,
}

const VENDOR: &str = "Ferrite";
const APPLICATION: &str = "Ferrite tape backup";

#[napi]
impl TapeDrive {
    /// TapeAlert flags of drive and tape.
    #[napi(ts_return_type = "Promise<AlertFlags>")]
    pub fn alert_flags<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| {
            Ok(AlertFlags::from(state.drive().alert_flags()?))
        })
    }

    /// The cartridge memory, by identifier.
    #[napi(ts_return_type = "Promise<Array<CartridgeAttribute>>")]
    pub fn cartridge_memory<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| {
            let mut entries = state.drive().cartridge_memory()?;
            entries.sort_by_key(|entry| entry.id);
            let attributes = entries.into_iter().map(|entry| CartridgeAttribute {
                id: u32::from(entry.id),
                name: entry.name.to_owned(),
                value: entry.value,
            });
            Ok(attributes.collect::<Vec<_>>())
        })
    }

    /// Statistics of the tape in the drive.
    #[napi(ts_return_type = "Promise<VolumeStatistics>")]
    pub fn volume_statistics<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| {
            Ok(VolumeStatistics::from(state.drive().volume_statistics()?))
        })
    }

    /// What happened since the drive was opened and was no error.
    #[napi(ts_return_type = "Promise<DriveNotices>")]
    pub fn notices<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| {
            let notices = state.drive().notices();
            Ok(DriveNotices {
                recovered_errors: number(notices.recovered_errors),
                last_recovered: notices.last_recovered.map(|sense| sense.to_string()),
                cleaning_requested: notices.cleaning_requested,
            })
        })
    }

    /// The tape in the drive can be written only once.
    #[napi(ts_return_type = "Promise<boolean>")]
    pub fn is_worm<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| Ok(state.ready()?.0.is_worm()?))
    }

    /// Writes into the cartridge memory what was labelled, for other programs and for people. Resolves with what could not be
    /// written: lines for a log, no reason to worry.
    #[napi(ts_return_type = "Promise<Array<string>>")]
    pub fn write_attributes<'env>(
        &self,
        env: &'env Env,
        label: CartridgeLabel,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |state| {
            let (drive, _) = state.ready()?;
            let texts = [
                (APPLICATION_VENDOR, Some(VENDOR)),
                (APPLICATION_NAME, Some(APPLICATION)),
                (APPLICATION_VERSION, Some(env!("CARGO_PKG_VERSION"))),
                (USER_LABEL, label.label_text.as_deref()),
                (MEDIA_POOL, label.pool.as_deref()),
            ];
            let mut notes = Vec::new();
            for (id, text) in texts {
                let Some(attribute) = text.and_then(|text| host_text(id, text)) else {
                    continue;
                };
                match drive.write_attribute(&attribute) {
                    Ok(()) => {}
                    // A drive without cartridge memory; the first of many refusals is enough.
                    Err(error) if error.is_refused_function() => break,
                    Err(error) => notes.push(format!(
                        "cartridge memory attribute {id:04X}h not written: {error}"
                    )),
                }
            }
            Ok(notes)
        })
    }
}
