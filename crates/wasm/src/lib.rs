//! wasm-bindgen shells over `formats`: what a browser can tell of tape images, catalogs and key files without a server.
//!
//! The same functions are reached from Node through napi; both read the vectors of `tests/vectors`.

mod key;
mod tape_file;

use ferrite_formats::blob::BlobRef;
use ferrite_formats::media_catalog::{CatalogContent, CatalogIdentity};
use ferrite_formats::{inventory, media_catalog};
use serde::Serialize;
use wasm_bindgen::prelude::{JsError, JsValue, wasm_bindgen};

/// Largest blob content that a page is given: what an encoder may put into one blob (datastore.md 4).
const BLOB_LIMIT: u64 = 128 << 20;

fn to_js(value: &impl Serialize) -> Result<JsValue, JsError> {
    let plain = serde_wasm_bindgen::Serializer::json_compatible();
    value
        .serialize(&plain)
        .map_err(|error| JsError::new(&error.to_string()))
}

/// What one tape file (a `tapefile-*` of a virtual drive, or an image of one) holds: see `TapeFile`.
#[wasm_bindgen(js_name = describeTapeFile)]
pub fn describe_tape_file(bytes: &[u8]) -> Result<JsValue, JsError> {
    let mut reader = TapeFileReader::new();
    reader.push(bytes)?;
    reader.finish()
}

/// A tape file that is handed over in pieces of any size; chunks are not kept, so it may be larger than the memory.
#[wasm_bindgen]
pub struct TapeFileReader(tape_file::Reader);

#[wasm_bindgen]
impl TapeFileReader {
    /// In front of the first byte.
    #[wasm_bindgen(constructor)]
    #[allow(
        clippy::new_without_default,
        reason = "JavaScript knows constructors only"
    )]
    pub fn new() -> Self {
        Self(tape_file::Reader::new())
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), JsError> {
        self.0.push(bytes)
    }

    /// What the file holds: see `TapeFile`. The reader is used up.
    pub fn finish(self) -> Result<JsValue, JsError> {
        to_js(&self.0.finish()?)
    }
}

/// Entries of `inventory.json` with PBS's key names, sorted by media UUID.
#[wasm_bindgen(js_name = readInventory)]
pub fn read_inventory(text: &[u8]) -> Result<JsValue, JsError> {
    to_js(&inventory::parse(text)?)
}

/// Snapshots and archives of a media catalog file (`<uuid>.log`).
#[wasm_bindgen(js_name = readCatalog)]
pub fn read_catalog(bytes: &[u8]) -> Result<JsValue, JsError> {
    let content = CatalogContent::parse(bytes, CatalogIdentity::default())?;
    to_js(&Catalog::from(&content))
}

/// Content of an unencrypted blob; its CRC is checked.
#[wasm_bindgen(js_name = decodeBlob)]
pub fn decode_blob(bytes: &[u8]) -> Result<Vec<u8>, JsError> {
    let blob = BlobRef::parse(bytes)?;
    blob.check_crc()?;
    Ok(blob.decode(None, BLOB_LIMIT)?)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Catalog {
    media_uuid: Option<String>,
    media_set_uuid: Option<String>,
    seq_nr: Option<u64>,
    snapshots: Vec<Snapshot>,
    archives: Vec<Archive>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    store: String,
    snapshot: String,
    file_number: u64,
    uuid: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Archive {
    store: String,
    file_number: u64,
    uuid: String,
    chunks: u64,
}

impl From<&CatalogContent> for Catalog {
    fn from(content: &CatalogContent) -> Self {
        Self {
            media_uuid: content.media_uuid.map(|uuid| uuid.to_string()),
            media_set_uuid: content.media_set.map(|(uuid, _)| uuid.to_string()),
            seq_nr: content.media_set.map(|(_, seq_nr)| seq_nr),
            snapshots: content.snapshots.iter().map(Snapshot::from).collect(),
            archives: content.archives.iter().map(Archive::from).collect(),
        }
    }
}

impl From<&media_catalog::CatalogSnapshot> for Snapshot {
    fn from(from: &media_catalog::CatalogSnapshot) -> Self {
        Self {
            store: from.store.clone(),
            snapshot: from.snapshot.clone(),
            file_number: from.file_number,
            uuid: from.uuid.to_string(),
        }
    }
}

impl From<&media_catalog::CatalogArchive> for Archive {
    fn from(from: &media_catalog::CatalogArchive) -> Self {
        Self {
            store: from.store.clone(),
            file_number: from.file_number,
            uuid: from.uuid.to_string(),
            chunks: from.chunks,
        }
    }
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
export interface TapeFile {
  kind: string;
  uuid: string;
  /** Epoch seconds. */
  ctime: number;
  /** `complete`, `incomplete` (met the end of its tape) or `no-end-marker` (its writer was interrupted). */
  end: string;
  blocks: number;
  /** Labels and archive headers, with PBS's key names. */
  header: Record<string, unknown>;
  /** Of a chunk archive: whole chunks. */
  chunks?: { digest: string; size: number }[];
  /** Of a snapshot archive: what it consists of. */
  files?: { name: string; size: number; mtime: number }[];
  /** Of a copy of a catalog: what it says. */
  catalog?: MediaCatalog;
}

export interface MediaCatalog {
  mediaUuid?: string;
  mediaSetUuid?: string;
  seqNr?: number;
  snapshots: { store: string; snapshot: string; fileNumber: number; uuid: string }[];
  archives: { store: string; fileNumber: number; uuid: string; chunks: number }[];
}
"#;
