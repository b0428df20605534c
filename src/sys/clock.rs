//! Time.

use super::unrecorded;

/// The monotonic clock, clock_gettime(2), in nanoseconds. Not recorded: the recorder reads it.
pub(crate) fn now_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes the time.
    let _ = unsafe { unrecorded!(CLOCK_GETTIME, libc::CLOCK_MONOTONIC, &raw mut time) }; // cannot fail for this clock
    time.tv_sec.cast_unsigned().wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec.cast_unsigned())
}
