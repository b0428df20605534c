//! Time.

use super::{Errno, unrecorded};

/// The monotonic clock, clock_gettime(2), in nanoseconds. Not recorded: the recorder reads it.
///
/// # Errors
/// Only if a filter refuses the call.
pub(crate) fn now() -> Result<u64, Errno> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes the time.
    unsafe { unrecorded!(CLOCK_GETTIME, libc::CLOCK_MONOTONIC, &raw mut time) }?;
    Ok(time.tv_sec.cast_unsigned().wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec.cast_unsigned()))
}

/// The same for what only measures: 0 if there is no clock.
pub(crate) fn now_ns() -> u64 {
    now().unwrap_or(0)
}

/// How long it is until [`now`] says this; no time if that is past.
pub(super) fn time_until(then_ns: u64) -> Result<libc::timespec, Errno> {
    let left = then_ns.saturating_sub(now()?);
    Ok(libc::timespec {
        tv_sec: i64::try_from(left / 1_000_000_000).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(left % 1_000_000_000).unwrap_or(0),
    })
}

/// Waits so long, less than a second, nanosleep(2); interrupted by a signal, it begins again.
pub(crate) fn sleep_ms(milliseconds: u32) {
    let time = libc::timespec { tv_sec: 0, tv_nsec: libc::c_long::from(milliseconds) * 1_000_000 };
    // SAFETY: the kernel reads the time; it is given no place for what is left of it.
    let _ = unsafe { unrecorded!(NANOSLEEP, &raw const time, 0_usize) };
}
