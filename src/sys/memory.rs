//! Memory from the kernel, for what is too much or too special for the arena. mmap(2).

use super::{Errno, call};
use core::sync::atomic::AtomicU64;

fn map(count: usize, kind: i32) -> Result<usize, Errno> {
    let bytes = count.checked_mul(size_of::<u64>()).ok_or(Errno::ENOMEM)?.max(1);
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: asks for a new mapping anywhere.
    unsafe { call!(MMAP, 0_usize, bytes, access, kind | libc::MAP_ANONYMOUS, -1) }
}

/// `count` zeroed numbers, kept for the rest of the run. Pages never touched cost nothing.
///
/// # Errors
/// ENOMEM: more than there is.
pub(crate) fn numbers(count: usize) -> Result<&'static mut [u64], Errno> {
    let first = core::ptr::with_exposed_provenance_mut::<u64>(map(count, libc::MAP_PRIVATE | libc::MAP_NORESERVE)?);
    // SAFETY: that many zeroed numbers, page-aligned, never unmapped, and nobody else's.
    Ok(unsafe { core::slice::from_raw_parts_mut(first, count) })
}

/// The same, but after a fork parent and child go on sharing them.
///
/// # Errors
/// ENOMEM: more than there is.
pub(crate) fn shared_numbers(count: usize) -> Result<&'static [AtomicU64], Errno> {
    let first = core::ptr::with_exposed_provenance::<AtomicU64>(map(count, libc::MAP_SHARED)?);
    // SAFETY: that many zeroed numbers, page-aligned, never unmapped, only used as atomics.
    Ok(unsafe { core::slice::from_raw_parts(first, count) })
}
