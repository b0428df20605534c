//! Time.

use super::unrecorded;

/// The monotonic clock, clock_gettime(2), in nanoseconds. Not recorded: the recorder reads it.
pub(crate) fn now_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes the time.
    let _ = unsafe { unrecorded!(CLOCK_GETTIME, libc::CLOCK_MONOTONIC, &raw mut time) }; // cannot fail for this clock
    time.tv_sec.cast_unsigned().wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec.cast_unsigned())
}

/// How long it is until [`now_ns`] says this; no time if that is past.
pub(super) fn time_until(then_ns: u64) -> libc::timespec {
    let left = then_ns.saturating_sub(now_ns());
    libc::timespec {
        tv_sec: i64::try_from(left / 1_000_000_000).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(left % 1_000_000_000).unwrap_or(0),
    }
}
