//! Bounded memory for chunks on their way from the tape to a datastore, and the account of what became of each of them.
//!
//! Buffers are reused, because fresh memory costs more than filling it. Their capacities add up to at most the pool's
//! bound. Results are kept in the order in which chunks were announced, which is their order on tape.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ferrite_datastore::{AlignedBuffer, CancelFlag};

use crate::error::{ChunkFault, PipelineError, Result};

/// Chunks on their way at once. Small chunks would otherwise be announced by the million.
pub(super) const MAX_IN_FLIGHT: usize = 256;

/// Capacities are multiples of this, so that a returned buffer fits the next chunk more often.
const CAPACITY_STEP: usize = 1 << 20;

/// How long a wait lasts before the cancel flag is looked at.
const PATIENCE: Duration = Duration::from_millis(100);

struct State {
    free: Vec<AlignedBuffer>,
    /// Capacities of all buffers, free or not.
    allocated_bytes: usize,
    /// Results from number `first` on; `None` = on its way.
    results: VecDeque<Option<Result<(), ChunkFault>>>,
    first: u64,
}

/// See the module.
pub(super) struct Pool {
    bound_bytes: usize,
    state: Mutex<State>,
    changed: Condvar,
}

impl Pool {
    /// A pool of at most `bound_bytes`, which must hold the largest chunk.
    pub fn new(bound_bytes: usize) -> Self {
        let state = State {
            free: Vec::new(),
            allocated_bytes: 0,
            results: VecDeque::new(),
            first: 0,
        };
        Self {
            bound_bytes,
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// Waits for an empty buffer that takes `bytes`.
    ///
    /// # Errors
    /// [`PipelineError::Cancelled`]; [`PipelineError::Internal`] when `bytes` exceed the bound.
    pub fn acquire(&self, bytes: usize, cancel: &CancelFlag) -> Result<AlignedBuffer> {
        let capacity = bytes.next_multiple_of(CAPACITY_STEP);
        if bytes > self.bound_bytes {
            return Err(PipelineError::Internal(format!(
                "chunk of {bytes} bytes in a pool of {}",
                self.bound_bytes
            )));
        }
        let mut state = self.state();
        loop {
            if let Some(buffer) = state.take(bytes, capacity, self.bound_bytes) {
                return Ok(buffer);
            }
            state = self.wait(state, cancel)?;
        }
    }

    /// Announces the next chunk.
    pub fn announce(&self) -> u64 {
        let mut state = self.state();
        state.results.push_back(None);
        state.first + state.results.len() as u64 - 1
    }

    /// Tells what became of a chunk, and gives its buffer back.
    pub fn finish(
        &self,
        number: u64,
        result: Result<(), ChunkFault>,
        buffer: Option<AlignedBuffer>,
    ) {
        let mut state = self.state();
        let index = number.checked_sub(state.first);
        if let Some(entry) = index.and_then(|index| state.results.get_mut(index as usize)) {
            *entry = Some(result);
        }
        if let Some(mut buffer) = buffer {
            buffer.clear();
            state.free.push(buffer);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Gives a buffer back whose chunk was never announced.
    pub fn give_back(&self, mut buffer: AlignedBuffer) {
        buffer.clear();
        self.state().free.push(buffer);
    }

    /// Takes the result of the chunk announced first, if it is known.
    pub fn try_take(&self) -> Option<Result<(), ChunkFault>> {
        let mut state = self.state();
        state.take_result()
    }

    /// Waits for the result of the chunk announced first. There must be one.
    ///
    /// # Errors
    /// [`PipelineError::Cancelled`].
    pub fn take(&self, cancel: &CancelFlag) -> Result<Result<(), ChunkFault>> {
        let mut state = self.state();
        loop {
            if let Some(result) = state.take_result() {
                return Ok(result);
            }
            state = self.wait(state, cancel)?;
        }
    }

    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        cancel: &CancelFlag,
    ) -> Result<MutexGuard<'a, State>> {
        if cancel.is_cancelled() {
            return Err(PipelineError::Cancelled);
        }
        Ok(self
            .changed
            .wait_timeout(state, PATIENCE)
            .unwrap_or_else(PoisonError::into_inner)
            .0)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Buffers and results are moved in single steps, so the state is whole even if its author panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The smallest free buffer that fits, else a new one if there is room for it, made by dropping free ones if need be.
    fn take(&mut self, bytes: usize, capacity: usize, bound_bytes: usize) -> Option<AlignedBuffer> {
        let fitting = self
            .free
            .iter()
            .enumerate()
            .filter(|(_, buffer)| buffer.capacity() >= bytes);
        if let Some((index, _)) = fitting.min_by_key(|(_, buffer)| buffer.capacity()) {
            return Some(self.free.swap_remove(index));
        }
        let capacity = if capacity > bound_bytes {
            bytes
        } else {
            capacity
        };
        while self.allocated_bytes + capacity > bound_bytes {
            let dropped = self.free.pop()?;
            self.allocated_bytes = self.allocated_bytes.saturating_sub(dropped.capacity());
        }
        let mut buffer = AlignedBuffer::new();
        buffer.reserve(capacity);
        self.allocated_bytes += buffer.capacity();
        Some(buffer)
    }

    fn take_result(&mut self) -> Option<Result<(), ChunkFault>> {
        let known = self.results.front().is_some_and(Option::is_some);
        if !known {
            return None;
        }
        self.first += 1;
        self.results.pop_front().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn buffers_are_reused_and_bounded() {
        let cancel = CancelFlag::new();
        let pool = Pool::new(3 << 20);
        let small = pool.acquire(10, &cancel).unwrap();
        let large = pool.acquire(2 << 20, &cancel).unwrap();
        assert!(small.capacity() + large.capacity() <= 3 << 20);
        assert!(pool.state().take(10, 1 << 20, 3 << 20).is_none());
        let (number, address) = (pool.announce(), large.as_ptr());
        pool.finish(number, Ok(()), Some(large));
        let again = pool.acquire(100, &cancel).unwrap();
        assert_eq!(again.as_ptr(), address);
        pool.finish(number, Ok(()), Some(again));
        pool.finish(number, Ok(()), Some(small));
        // Needs the room of both.
        assert!(pool.acquire(3 << 20, &cancel).is_ok());
        assert!(pool.acquire((3 << 20) + 1, &cancel).is_err());
    }

    #[test]
    fn results_come_in_order() {
        let cancel = CancelFlag::new();
        let pool = Pool::new(1 << 20);
        let (first, second) = (pool.announce(), pool.announce());
        pool.finish(second, Err(ChunkFault::Panicked("x".to_owned())), None);
        assert!(pool.try_take().is_none());
        thread::scope(|scope| {
            scope.spawn(|| pool.finish(first, Ok(()), None));
            assert!(pool.take(&cancel).unwrap().is_ok());
        });
        assert!(pool.try_take().is_some_and(|result| result.is_err()));
        assert!(pool.try_take().is_none());
    }

    #[test]
    fn a_cancelled_wait_ends() {
        let cancel = CancelFlag::new();
        cancel.cancel();
        let pool = Pool::new(1 << 20);
        let _all = pool.acquire(1 << 20, &cancel).unwrap();
        assert!(pool.acquire(1, &cancel).unwrap_err().is_cancelled());
    }
}
