//! Where clock, randomness and chunk order of what is written come from, and the device faults of tests.

use std::sync::Arc;

use ferrite_pipeline::{ChunkOrder, Environment as CoreEnvironment};
use napi::Env;
use napi_derive::napi;

use crate::device_faults::DeviceFaults;
use crate::failure::{Failure, sync};
use crate::labels::parse_uuid;

/// Chunk order of a scripted run.
#[napi(string_enum = "lowercase")]
pub enum ScriptedOrder {
    /// Ascending digest within each index.
    Digest,
    /// By inode number, as in production.
    Inode,
}

/// What a scripted run replays: one UUID and one time for each tape file, in order.
#[napi(object)]
pub struct Script {
    /// Content UUIDs.
    pub content_uuids: Vec<String>,
    /// Epoch seconds.
    pub times: Vec<i64>,
    /// Order of chunks.
    pub chunk_order: ScriptedOrder,
}

/// Clock, source of content UUIDs, chunk order, and device faults.
#[napi]
#[derive(Clone)]
pub struct Environment {
    pub(crate) core: Arc<CoreEnvironment>,
    pub(crate) faults: Option<DeviceFaults>,
}

#[napi]
impl Environment {
    /// The machine's clock and random numbers, and the order the datastore is set to.
    #[napi(factory)]
    pub fn system() -> Self {
        Self {
            core: Arc::new(CoreEnvironment::system()),
            faults: None,
        }
    }

    /// The same, with these faults in every drive and changer that is opened with it.
    #[napi]
    pub fn with_device_faults(&self, faults: &DeviceFaults) -> Self {
        Self {
            core: Arc::clone(&self.core),
            faults: Some(faults.clone()),
        }
    }

    /// Replays UUIDs and times, so that a tape comes out the same byte for byte.
    #[napi(factory)]
    pub fn scripted(env: &Env, script: Script) -> napi::Result<Self> {
        let uuids: Result<Vec<_>, Failure> = script
            .content_uuids
            .iter()
            .map(|text| parse_uuid("content uuid", text))
            .collect();
        let order = match script.chunk_order {
            ScriptedOrder::Digest => ChunkOrder::Digest,
            ScriptedOrder::Inode => ChunkOrder::Inode,
        };
        sync(env, uuids).map(|uuids| Self {
            core: Arc::new(CoreEnvironment::scripted(uuids, script.times, order)),
            faults: None,
        })
    }
}
