//! Labels and inventory entries as plain objects.

use ferrite_formats::fingerprint::Fingerprint;
use ferrite_formats::{inventory, label, uuid_text};
use napi::Env;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use uuid::Uuid;

use crate::failure::{Failure, Kind, sync};

/// File 0 of a tape (tape-format.md 4.1).
#[napi(object)]
#[derive(Clone, Debug)]
pub struct MediaLabel {
    /// Barcode or name on the cartridge.
    pub label_text: String,
    /// Media UUID in canonical text form.
    pub uuid: String,
    /// Epoch seconds.
    pub ctime: i64,
    /// Pool the tape is reserved for.
    pub pool: Option<String>,
}

/// File 1 of a tape (tape-format.md 4.2).
#[napi(object)]
#[derive(Clone, Debug)]
pub struct MediaSetLabel {
    /// Pool name.
    pub pool: String,
    /// Media-set UUID in canonical text form; all zero reserves the tape for the pool.
    pub uuid: String,
    /// Position in the set, from 0.
    pub seq_nr: i64,
    /// Epoch seconds at which the tape joined the set.
    pub ctime: i64,
    /// Of an encrypted set: 32 hex pairs with colons.
    pub encryption_key_fingerprint: Option<String>,
    /// Wrapped key as JSON text; stands only on tape.
    pub key_config: Option<String>,
}

/// Both labels of a tape.
#[napi(object)]
#[derive(Clone, Debug)]
pub struct TapeLabels {
    /// File 0.
    pub label: MediaLabel,
    /// File 1.
    pub media_set_label: Option<MediaSetLabel>,
}

/// One tape of `inventory.json` (tape-format.md 8.1).
#[napi(object)]
#[derive(Clone, Debug)]
pub struct InventoryEntry {
    /// File 0 as last seen.
    pub label: MediaLabel,
    /// File 1 as last seen.
    pub media_set_label: Option<MediaSetLabel>,
    /// `offline`, `online-<changer>` or `vault-<vault>`.
    pub location: Option<String>,
    /// `writable`, `full`, `unknown`, `damaged` or `retired`.
    pub status: Option<String>,
    /// Native bytes in use, where the drive tells.
    pub bytes_used: Option<i64>,
}

/// A UUID that a caller named.
pub fn parse_uuid(what: &str, text: &str) -> Result<Uuid, Failure> {
    uuid_text::parse(text)
        .map_err(|error| Failure::new(Kind::Usage, "uuid", format!("{what}: {error}")))
}

fn invalid(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Kind::Data, "I1", error.to_string())
}

impl From<&label::MediaLabel> for MediaLabel {
    fn from(from: &label::MediaLabel) -> Self {
        Self {
            label_text: from.label_text.clone(),
            uuid: from.uuid.to_string(),
            ctime: from.ctime,
            pool: from.pool.clone(),
        }
    }
}

impl TryFrom<&MediaLabel> for label::MediaLabel {
    type Error = Failure;

    fn try_from(from: &MediaLabel) -> Result<Self, Failure> {
        Ok(Self {
            ctime: from.ctime,
            label_text: from.label_text.clone(),
            pool: from.pool.clone(),
            uuid: parse_uuid("media uuid", &from.uuid)?,
        })
    }
}

impl From<&label::MediaSetLabel> for MediaSetLabel {
    fn from(from: &label::MediaSetLabel) -> Self {
        Self {
            pool: from.pool.clone(),
            uuid: from.uuid.to_string(),
            seq_nr: i64::try_from(from.seq_nr).unwrap_or(i64::MAX),
            ctime: from.ctime,
            encryption_key_fingerprint: from
                .encryption_key_fingerprint
                .map(|fingerprint| fingerprint.to_string()),
            key_config: from.key_config.as_ref().map(ToString::to_string),
        }
    }
}

impl TryFrom<&MediaSetLabel> for label::MediaSetLabel {
    type Error = Failure;

    fn try_from(from: &MediaSetLabel) -> Result<Self, Failure> {
        let usage = |text: String| Failure::new(Kind::Usage, "media-set-label", text);
        let key_config = from
            .key_config
            .as_deref()
            .map(serde_json::from_str)
            .transpose();
        Ok(Self {
            ctime: from.ctime,
            encryption_key_fingerprint: from
                .encryption_key_fingerprint
                .as_deref()
                .map(str::parse::<Fingerprint>)
                .transpose()
                .map_err(|error| usage(error.to_string()))?,
            key_config: key_config.map_err(|error| usage(format!("wrapped key: {error}")))?,
            pool: from.pool.clone(),
            seq_nr: u64::try_from(from.seq_nr)
                .map_err(|_| usage(format!("sequence number {}", from.seq_nr)))?,
            uuid: parse_uuid("media set uuid", &from.uuid)?,
        })
    }
}

impl From<&inventory::InventoryEntry> for InventoryEntry {
    fn from(from: &inventory::InventoryEntry) -> Self {
        Self {
            label: (&from.id.label).into(),
            media_set_label: from.id.media_set_label.as_ref().map(Into::into),
            location: from.location.as_ref().map(ToString::to_string),
            status: from.status.as_ref().map(ToString::to_string),
            bytes_used: from
                .bytes_used
                .map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        }
    }
}

impl TryFrom<&InventoryEntry> for inventory::InventoryEntry {
    type Error = Failure;

    fn try_from(from: &InventoryEntry) -> Result<Self, Failure> {
        let usage = |error: &dyn std::fmt::Display| {
            Failure::new(Kind::Usage, "inventory-entry", error.to_string())
        };
        Ok(Self {
            bytes_used: from
                .bytes_used
                .map(u64::try_from)
                .transpose()
                .map_err(|error| usage(&error))?,
            id: inventory::MediaId {
                label: (&from.label).try_into()?,
                media_set_label: from
                    .media_set_label
                    .as_ref()
                    .map(TryInto::try_into)
                    .transpose()?,
            },
            location: from
                .location
                .as_deref()
                .map(str::parse)
                .transpose()
                .map_err(|error| usage(&error))?,
            status: from
                .status
                .as_deref()
                .map(str::parse)
                .transpose()
                .map_err(|error| usage(&error))?,
        })
    }
}

/// Entries of the text of an inventory, sorted by media UUID.
#[napi]
pub fn parse_inventory(env: &Env, text: Buffer) -> napi::Result<Vec<InventoryEntry>> {
    let entries = inventory::parse(&text).map_err(|error| invalid(&error));
    sync(
        env,
        entries.map(|entries| entries.iter().map(Into::into).collect()),
    )
}

/// The text of an inventory, byte for byte as PBS writes it.
#[napi]
pub fn print_inventory(env: &Env, entries: Vec<InventoryEntry>) -> napi::Result<Buffer> {
    let parsed: Result<Vec<inventory::InventoryEntry>, Failure> =
        entries.iter().map(TryInto::try_into).collect();
    let text =
        parsed.and_then(|entries| inventory::print(&entries).map_err(|error| invalid(&error)));
    sync(env, text.map(Into::into))
}
