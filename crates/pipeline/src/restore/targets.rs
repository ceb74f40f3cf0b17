//! The datastores that a tape is restored to.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ferrite_datastore::{ActiveOperation, BaseLock, CancelFlag, Operation, Store};

use super::RestorePlan;
use crate::error::Result;

/// How long garbage collection of a target is waited for.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// One target, held for writing.
pub(super) struct Target {
    /// The store.
    pub store: Store,
    /// Chunks were put in since the last sync.
    unsynced: AtomicBool,
    _lock: BaseLock,
    _operation: ActiveOperation,
}

impl Target {
    fn open(store: &Store, cancel: &CancelFlag) -> Result<Self> {
        let operation = store.begin(Operation::Write)?;
        let lock = store.lock_for_writing(LOCK_TIMEOUT, cancel)?;
        Ok(Self {
            store: store.clone(),
            unsynced: AtomicBool::new(false),
            _lock: lock,
            _operation: operation,
        })
    }

    /// A chunk was put in.
    pub fn note_chunk(&self) {
        self.unsynced.store(true, Ordering::Relaxed);
    }

    /// Forces the chunks that were put in to disk, before anything relies on them.
    pub fn sync(&self) -> Result<()> {
        if self.unsynced.swap(false, Ordering::Relaxed) {
            self.store.chunks().finish()?;
        }
        Ok(())
    }
}

/// All targets of a plan. A target is named by its index, which is cheap to send to a worker.
pub(super) struct Targets {
    targets: Vec<Target>,
    by_source: BTreeMap<String, usize>,
}

impl Targets {
    /// Locks all targets; one that takes several sources is locked once.
    pub fn open(plan: &RestorePlan, cancel: &CancelFlag) -> Result<Self> {
        let mut targets: Vec<Target> = Vec::new();
        let mut by_source = BTreeMap::new();
        for (source, store) in &plan.mapping {
            let known = targets
                .iter()
                .position(|target| target.store.path() == store.path());
            let index = match known {
                Some(index) => index,
                None => {
                    targets.push(Target::open(store, cancel)?);
                    targets.len() - 1
                }
            };
            by_source.insert(source.clone(), index);
        }
        Ok(Self { targets, by_source })
    }

    /// Where `source` goes.
    pub fn find(&self, source: &str) -> Option<usize> {
        self.by_source
            .get(source)
            .or_else(|| self.by_source.get(""))
            .copied()
    }

    /// A target by its index.
    pub fn get(&self, index: usize) -> &Target {
        &self.targets[index]
    }

    /// Forces everything to disk.
    pub fn sync(&self) -> Result<()> {
        self.targets.iter().try_for_each(Target::sync)
    }
}
