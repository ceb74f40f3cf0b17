//! Keeps signals away from a thread while it waits for a device.
//!
//! The sg driver waits interruptibly: a signal in the middle of SG_IO orphans the command, which goes on, and a handler that
//! was installed with SA_RESTART (as Node's are) makes the kernel send it **again**. A block would be on the tape twice.

#![allow(
    unsafe_code,
    reason = "pthread_sigmask(3) has no safe form in the standard library"
)]

use std::mem::MaybeUninit;

/// While this lives, the thread that made it gets no signals; other threads of the process do.
#[derive(Debug)]
pub(crate) struct SignalsBlocked {
    before: libc::sigset_t,
    /// A mask belongs to its thread: not `Send`.
    _thread: std::marker::PhantomData<*const ()>,
}

impl SignalsBlocked {
    pub(crate) fn new() -> Self {
        let mut all = MaybeUninit::uninit();
        let mut before = MaybeUninit::uninit();
        // SAFETY: sigfillset initialises `all`, and pthread_sigmask reads it and writes the old mask to `before`. Both can fail
        // only for an invalid `how`, which SIG_SETMASK is not, so both sets are initialised.
        let before = unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            before.assume_init()
        };
        Self {
            before,
            _thread: std::marker::PhantomData,
        }
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: `before` is a mask that pthread_sigmask gave for this very thread.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, std::ptr::null_mut());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocked(signal: libc::c_int) -> bool {
        let mut now = MaybeUninit::uninit();
        // SAFETY: with a null set only the present mask is written; sigismember reads it.
        unsafe {
            libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), now.as_mut_ptr());
            libc::sigismember(now.as_ptr(), signal) == 1
        }
    }

    #[test]
    fn signals_come_back() {
        assert!(!blocked(libc::SIGTERM));
        {
            let _guard = SignalsBlocked::new();
            assert!(blocked(libc::SIGTERM));
        }
        assert!(!blocked(libc::SIGTERM));
    }
}
