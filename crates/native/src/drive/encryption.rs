//! The key in the drive (tape-format.md 9.4). It stays there only as long as this handle has a use for it.

use ferrite_formats::crypt::KEY_BYTES;
use ferrite_scsi::encryption::EncryptionMode;
use napi::Env;
use napi::bindgen_prelude::{ClassInstance, Object};
use napi_derive::napi;
use zeroize::Zeroizing;

use super::TapeDrive;
use crate::failure::{Failure, sync};
use crate::keys::TapeKey;
use crate::labels::parse_uuid;

/// A key for the tapes of one media set.
#[napi(object, object_to_js = false)]
pub struct SetKey<'env> {
    /// The tape key.
    pub key: ClassInstance<'env, TapeKey>,
    /// The set, from whose UUID and the key the drive's own key is made.
    pub media_set_uuid: String,
}

fn drive_key(from: &SetKey<'_>) -> Result<Zeroizing<[u8; KEY_BYTES]>, Failure> {
    let uuid = parse_uuid("media set uuid", &from.media_set_uuid)?;
    Ok(from.key.core().tape_drive_key(uuid.as_bytes()))
}

#[napi]
impl TapeDrive {
    /// Makes the drive encrypt all that is written from now on and decrypt what was written with this key; null clears the key.
    /// It is also cleared by writing a label, by ejecting, closing, waiting for another tape, by the end of the process, by
    /// every call that fails, and by the next one who opens the drive.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn set_encryption<'env>(
        &self,
        env: &'env Env,
        key: Option<SetKey<'env>>,
    ) -> napi::Result<Object<'env>> {
        let key = sync(env, key.as_ref().map(drive_key).transpose())?;
        self.call(env, move |state| {
            let (drive, _) = state.ready()?;
            match key {
                Some(key) => drive.set_encryption_key(&key)?,
                None => drive.clear_encryption_key()?,
            }
            Ok(())
        })
    }

    /// What the drive does with data: `off`, `raw-read`, `on`, `mixed`; `managed` if the library or a policy of the drive
    /// decides; `unsupported` if it cannot encrypt.
    #[napi(
        ts_return_type = "Promise<'off' | 'raw-read' | 'on' | 'mixed' | 'managed' | 'unsupported'>"
    )]
    pub fn encryption_mode<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |state| {
            let drive = state.drive();
            if drive.encryption_managed_elsewhere() {
                return Ok("managed");
            }
            match drive.encryption_mode() {
                Ok(EncryptionMode::RawRead) => Ok("raw-read"),
                Ok(mode) => Ok(mode.name()),
                Err(error) if error.is_refused_function() => Ok("unsupported"),
                Err(error) => Err(error.into()),
            }
        })
    }
}
