//! The bounded ring of blocks between the reader threads and the drive.
//!
//! A slot is one tape block, page aligned, so that the drive's transport can hand it to the kernel as it is. Slots are
//! numbered without end; slot `n` lives in block `n % length`. The sequencer gives out slots in order, readers fill them in
//! any order, the drive writes and releases them in order. What may be written is decided by *parts* (a chunk, or a block's
//! worth of a chunk that is larger than the ring): a part is done when its bytes are in their slots and verified, so no
//! block leaves the ring before every chunk in it is known to be good.
//!
//! Slots have a mutex each because two chunks can meet in one block and be read by two threads. It is practically never
//! contended; the alternative, handing out disjoint slices of one buffer, needs `unsafe` or a copy.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use ferrite_tape::AlignedBlock;

use crate::error::ChunkFault;

/// How long a wait lasts before its caller looks whether the run was cancelled.
const PATIENCE: Duration = Duration::from_millis(100);

/// The ring was stopped: whoever waits for it goes home.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stopped;

/// What the drive finds when it asks for a part.
#[derive(Debug)]
pub(crate) enum PartState {
    /// Still being read; ask again (this is the moment to look at the cancel flag).
    Pending,
    /// In its slots and verified.
    Ready,
    /// Not readable or not what it claims to be.
    Bad(ChunkFault),
}

struct State {
    /// Slots below this are released.
    released: u64,
    /// The sequencer waits until slots below this are free. Waking it when it does not would be a system call for each block.
    wanted: Option<u64>,
    /// Results of parts from `first_part` on; `None` = pending.
    parts: VecDeque<Option<Result<(), ChunkFault>>>,
    first_part: u64,
    stopped: bool,
}

/// See the module.
pub(crate) struct Ring {
    /// Made when first used, so that a small backup takes little memory.
    blocks: Vec<OnceLock<Mutex<AlignedBlock>>>,
    state: Mutex<State>,
    space: Condvar,
    progress: Condvar,
}

impl Ring {
    /// A ring of `length` blocks (at least two).
    pub fn new(length: usize) -> Self {
        Self {
            blocks: (0..length.max(2)).map(|_| OnceLock::new()).collect(),
            state: Mutex::new(State {
                released: 0,
                wanted: None,
                parts: VecDeque::new(),
                first_part: 0,
                stopped: false,
            }),
            space: Condvar::new(),
            progress: Condvar::new(),
        }
    }

    /// Number of blocks.
    pub fn length(&self) -> u64 {
        self.blocks.len() as u64
    }

    /// The memory of a slot.
    pub fn block(&self, slot: u64) -> MutexGuard<'_, AlignedBlock> {
        let index = (slot % self.length()) as usize;
        // A reader that panicked left bytes that nobody will write: its part is never done.
        let block = self.blocks[index].get_or_init(Mutex::default);
        block.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ------------------------------------------------------------------------------------------------ sequencer

    /// Waits until all slots below `end` can be filled.
    pub fn reserve(&self, end: u64) -> Result<(), Stopped> {
        let mut state = self.state();
        while !state.stopped && end > state.released + self.length() {
            state.wanted = Some(end);
            state = self
                .space
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped { Err(Stopped) } else { Ok(()) }
    }

    /// Announces `count` parts, in the order in which they will be written. Returns the number of the first.
    pub fn announce(&self, count: u64) -> u64 {
        let mut state = self.state();
        let first = state.first_part + state.parts.len() as u64;
        state.parts.extend((0..count).map(|_| None));
        first
    }

    // ------------------------------------------------------------------------------------------------ readers

    /// Tells how a part ended.
    pub fn finish(&self, part: u64, result: Result<(), ChunkFault>) {
        let mut state = self.state();
        let index = part.checked_sub(state.first_part);
        if let Some(entry) = index.and_then(|index| state.parts.get_mut(index as usize)) {
            *entry = Some(result);
            self.progress.notify_one();
        }
    }

    // ------------------------------------------------------------------------------------------------ drive

    /// Waits a moment for a part. Parts must be asked for in order; once `Ready` or `Bad` was answered, that part and all
    /// before it are forgotten.
    pub fn poll(&self, part: u64) -> Result<PartState, Stopped> {
        let mut state = self.state();
        for last_look in [false, true] {
            let Some(index) = part.checked_sub(state.first_part) else {
                return Ok(PartState::Ready);
            };
            let index = index as usize;
            if state.parts.get(index).is_some_and(Option::is_some) {
                let result = state.parts.drain(..=index).next_back().flatten();
                state.first_part = part + 1;
                return Ok(match result {
                    Some(Err(fault)) => PartState::Bad(fault),
                    _ => PartState::Ready,
                });
            }
            if state.stopped {
                return Err(Stopped);
            }
            if !last_look {
                state = self
                    .progress
                    .wait_timeout(state, PATIENCE)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
        }
        Ok(PartState::Pending)
    }

    /// Gives back all slots below `end`.
    pub fn release(&self, end: u64) {
        let mut state = self.state();
        state.released = state.released.max(end);
        let free = state.released + self.length();
        if state.wanted.take_if(|wanted| *wanted <= free).is_some() {
            self.space.notify_one();
        }
    }

    // ------------------------------------------------------------------------------------------------ all

    /// Ends every wait, now and later: the run is over or a thread died.
    pub fn stop(&self) {
        self.state().stopped = true;
        self.space.notify_all();
        self.progress.notify_all();
    }

    /// # Errors
    /// [`Stopped`].
    pub fn check(&self) -> Result<(), Stopped> {
        if self.state().stopped {
            Err(Stopped)
        } else {
            Ok(())
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is a single assignment, so it is whole even if its author panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn fault() -> ChunkFault {
        ChunkFault::Panicked("test".to_owned())
    }

    #[test]
    fn slots_share_memory_modulo_length() {
        let ring = Ring::new(3);
        ring.block(1)[16] = 7;
        assert_eq!(ring.block(4)[16], 7);
        assert_eq!(ring.block(2)[16], 0);
    }

    #[test]
    fn reserve_waits_for_release() {
        let ring = Ring::new(4);
        ring.reserve(4).unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| ring.reserve(6));
            thread::sleep(Duration::from_millis(20));
            assert!(!waiting.is_finished());
            ring.release(1);
            thread::sleep(Duration::from_millis(20));
            assert!(!waiting.is_finished());
            ring.release(2);
            assert_eq!(waiting.join().unwrap(), Ok(()));
        });
    }

    #[test]
    fn parts_end_out_of_order_and_are_seen_in_order() {
        let ring = Ring::new(2);
        let first = ring.announce(3);
        ring.finish(first + 1, Err(fault()));
        assert!(matches!(ring.poll(first), Ok(PartState::Pending)));
        ring.finish(first, Ok(()));
        assert!(matches!(ring.poll(first), Ok(PartState::Ready)));
        assert!(matches!(ring.poll(first), Ok(PartState::Ready)));
        assert!(matches!(ring.poll(first + 1), Ok(PartState::Bad(_))));
        ring.stop();
        assert!(matches!(ring.poll(first + 2), Err(Stopped)));
        assert_eq!(ring.reserve(9), Err(Stopped));
    }
}
