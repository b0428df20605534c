//! Mounts. Calls are split by intent, so that no caller composes flags.

use super::{Errno, Fd, call};
use core::ffi::CStr;

/// Cuts this mount namespace off from others: no mount or unmount spreads either way, from `/` down.
/// mount_namespaces(7), "Shared subtrees".
pub(crate) fn make_private() -> Result<(), Errno> {
    // SAFETY: C strings; type and data may be null for a change of propagation.
    unsafe { call!(MOUNT, c"", c"/", 0_usize, libc::MS_REC | libc::MS_PRIVATE) }.map(drop)
}

/// mount(2) of a new proc file system, of the caller's PID namespace, on `target`.
///
/// # Errors
/// EPERM in a user namespace if no proc is fully visible in this mount namespace: something covers a
/// part of each (as in a Docker container), or the old root is detached already.
pub(crate) fn mount_proc(target: &CStr) -> Result<(), Errno> {
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    // SAFETY: C strings; proc takes no data.
    unsafe { call!(MOUNT, c"proc", target, c"proc", flags) }.map(drop)
}

/// A detached copy of the mounts at and below the working directory, open_tree(2).
///
/// # Errors
/// ENOSYS before Linux 5.2; EPERM under some seccomp filters.
pub(crate) fn copy_tree_here() -> Result<Fd, Errno> {
    const OPEN_TREE_CLONE: i32 = 1;
    let flags = OPEN_TREE_CLONE | libc::O_CLOEXEC | libc::AT_RECURSIVE | libc::AT_EMPTY_PATH;
    // SAFETY: the path is a C string.
    unsafe { call!(OPEN_TREE, libc::AT_FDCWD, c"", flags) }.map(Fd::from_result)
}

/// Attaches a detached tree on top of the working directory, move_mount(2).
pub(crate) fn attach_tree_here(tree: &Fd) -> Result<(), Errno> {
    const MOVE_MOUNT_F_EMPTY_PATH: i32 = 0x04;
    // SAFETY: the paths are C strings.
    unsafe { call!(MOVE_MOUNT, tree.number(), c"", libc::AT_FDCWD, c".", MOVE_MOUNT_F_EMPTY_PATH) }.map(drop)
}

/// mount(2) of a directory and what is mounted below it onto another, `MS_BIND | MS_REC`.
pub(crate) fn bind(source: &CStr, target: &CStr) -> Result<(), Errno> {
    // SAFETY: C strings; a bind takes neither type nor data.
    unsafe { call!(MOUNT, source, target, 0_usize, libc::MS_BIND | libc::MS_REC) }.map(drop)
}

/// Makes the working directory, which must be the root of a mount, `/`; the old root lies on top of it
/// afterwards. pivot_root(2), "pivot_root(".", ".")".
///
/// # Errors
/// EINVAL if the working directory is no mount, or the old root is the initramfs.
pub(crate) fn pivot_here() -> Result<(), Errno> {
    // SAFETY: C strings.
    unsafe { call!(PIVOT_ROOT, c".", c".") }.map(drop)
}

/// Detaches the topmost mount at `target`, with all below it; it goes when nobody uses it any more.
/// umount2(2) with `MNT_DETACH`, which, unlike other calls, follows `/` up to what is mounted over it
/// (LOOKUP_MOUNTPOINT in fs/namei.c).
pub(crate) fn detach_top(target: &CStr) -> Result<(), Errno> {
    // SAFETY: a C string.
    unsafe { call!(UMOUNT2, target, libc::MNT_DETACH) }.map(drop)
}
