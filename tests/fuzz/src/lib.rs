//! What all fuzz targets share: their entry point, and an allocator that takes a request for much memory for a crash.

use std::alloc::{GlobalAlloc, Layout, System};

/// No parser here may ask for more at once while its input has at most one mebibyte: lengths from hostile bytes are
/// bounded before memory is allocated for them.
pub const MOST_BYTES_AT_ONCE: usize = 32 << 20;

/// A fuzz target: `target!(path::to::function)`, a function of `&[u8]`.
#[macro_export]
macro_rules! target {
    ($function:expr) => {
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $function(data));
    };
}

/// The system's allocator up to a limit. libFuzzer's own limit only sees memory that is written to.
struct Bounded;

#[global_allocator]
static ALLOCATOR: Bounded = Bounded;

fn check(bytes: usize) {
    if bytes > MOST_BYTES_AT_ONCE {
        eprintln!("asked for {bytes} bytes at once, more than {MOST_BYTES_AT_ONCE}");
        std::process::abort(); // not a panic: an allocator must not unwind
    }
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        check(new_size);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, new_size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}
