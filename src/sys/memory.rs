//! Memory from the kernel: for the arena, and for what is too much or too special for it.

use super::{Errno, call};
use core::sync::atomic::AtomicU64;

/// So many zeroed bytes, one at least: their address. mmap(2).
///
/// # Errors
/// ENOMEM: more than there is.
pub(super) fn map(bytes: usize, kind: i32) -> Result<usize, Errno> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: asks for a new mapping anywhere.
    unsafe { call!(MMAP, 0_usize, bytes.max(1), access, kind | libc::MAP_ANONYMOUS, -1) }
}

fn map_numbers(count: usize, kind: i32) -> Result<usize, Errno> {
    map(count.checked_mul(size_of::<u64>()).ok_or(Errno::ENOMEM)?, kind)
}

/// `count` zeroed numbers, kept for the rest of the run. Pages never touched cost nothing.
///
/// # Errors
/// ENOMEM: more than there is.
pub(crate) fn numbers(count: usize) -> Result<&'static mut [u64], Errno> {
    let first =
        core::ptr::with_exposed_provenance_mut::<u64>(map_numbers(count, libc::MAP_PRIVATE | libc::MAP_NORESERVE)?);
    // SAFETY: that many zeroed numbers, page-aligned, never unmapped, and nobody else's.
    Ok(unsafe { core::slice::from_raw_parts_mut(first, count) })
}

/// The same, but after a fork parent and child go on sharing them.
///
/// # Errors
/// ENOMEM: more than there is.
pub(crate) fn shared_numbers(count: usize) -> Result<&'static [AtomicU64], Errno> {
    let first = core::ptr::with_exposed_provenance::<AtomicU64>(map_numbers(count, libc::MAP_SHARED)?);
    // SAFETY: that many zeroed numbers, page-aligned, never unmapped, only used as atomics.
    Ok(unsafe { core::slice::from_raw_parts(first, count) })
}
