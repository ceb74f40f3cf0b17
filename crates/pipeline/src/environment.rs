//! What a run takes from the world besides its plan: the time, randomness, and the order of chunks.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use ferrite_datastore::ChunkOrder;
use uuid::{Builder, Uuid};

/// Clock, source of content UUIDs and chunk order of a run. [`Environment::system`] in production; tests replay what a tape
/// of PBS has with [`Environment::scripted`].
pub struct Environment {
    source: Source,
    chunk_order: Option<ChunkOrder>,
}

enum Source {
    System,
    Scripted(Mutex<Script>),
}

struct Script {
    uuids: VecDeque<Uuid>,
    times: VecDeque<i64>,
    last_time: i64,
}

impl Environment {
    /// The system's clock and random number generator, and the chunk order that the datastore is set to.
    #[must_use]
    pub fn system() -> Self {
        Self {
            source: Source::System,
            chunk_order: None,
        }
    }

    /// Replays `uuids` and `times`, one of each for every tape file that is started. When the UUIDs run out, random ones
    /// follow; when the times run out, the last one stays.
    #[must_use]
    pub fn scripted(
        uuids: impl IntoIterator<Item = Uuid>,
        times: impl IntoIterator<Item = i64>,
        chunk_order: ChunkOrder,
    ) -> Self {
        let script = Script {
            uuids: uuids.into_iter().collect(),
            times: times.into_iter().collect(),
            last_time: 0,
        };
        Self {
            source: Source::Scripted(Mutex::new(script)),
            chunk_order: Some(chunk_order),
        }
    }

    /// The chunk order to use for a datastore that is set to `configured`.
    #[must_use]
    pub fn chunk_order(&self, configured: ChunkOrder) -> ChunkOrder {
        self.chunk_order.unwrap_or(configured)
    }

    /// Now, as seconds since the epoch.
    #[must_use]
    pub fn now(&self) -> i64 {
        match &self.source {
            Source::System => epoch_seconds(),
            Source::Scripted(script) => {
                let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
                let time = script.times.pop_front().unwrap_or(script.last_time);
                script.last_time = time;
                time
            }
        }
    }

    /// The content UUID of the next tape file: random, version 4.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn content_uuid(&self) -> Result<Uuid, getrandom::Error> {
        if let Source::Scripted(script) = &self.source {
            let scripted = script
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .uuids
                .pop_front();
            if let Some(uuid) = scripted {
                return Ok(uuid);
            }
        }
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Builder::from_random_bytes(bytes).into_uuid())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match self.source {
            Source::System => "system",
            Source::Scripted(_) => "scripted",
        };
        f.debug_struct("Environment")
            .field("source", &source)
            .field("chunk_order", &self.chunk_order)
            .finish()
    }
}

fn epoch_seconds() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        // A clock before 1970 is a wrong clock; a header with time 0 says so better than an aborted backup.
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_makes_random_version_4_uuids() {
        let environment = Environment::system();
        let (a, b) = (
            environment.content_uuid().unwrap(),
            environment.content_uuid().unwrap(),
        );
        assert_ne!(a, b);
        assert_eq!(a.get_version_num(), 4);
        assert!(environment.now() > 1_700_000_000);
        assert_eq!(
            environment.chunk_order(ChunkOrder::Index),
            ChunkOrder::Index
        );
    }

    #[test]
    fn script_is_replayed_and_then_outlived() {
        let environment = Environment::scripted([Uuid::from_u128(7)], [5, 6], ChunkOrder::Digest);
        assert_eq!(environment.content_uuid().unwrap(), Uuid::from_u128(7));
        assert_eq!(environment.content_uuid().unwrap().get_version_num(), 4);
        assert_eq!(
            [environment.now(), environment.now(), environment.now()],
            [5, 6, 6]
        );
        assert_eq!(
            environment.chunk_order(ChunkOrder::Inode),
            ChunkOrder::Digest
        );
    }
}
