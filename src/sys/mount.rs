//! Mounts. Calls are split by intent, so that no caller composes flags.

use super::{Errno, Fd, call};
use crate::text::Text;
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

/// A detached copy of the mount at `path`, or of what lies there, and, if `recursive`, of all mounts below
/// it, open_tree(2).
///
/// # Errors
/// ENOSYS before Linux 5.2; EPERM under some seccomp filters.
#[allow(dead_code, reason = "for binds")]
pub(crate) fn copy_tree(path: &CStr, recursive: bool) -> Result<Fd, Errno> {
    const OPEN_TREE_CLONE: i32 = 1;
    let flags = OPEN_TREE_CLONE | libc::O_CLOEXEC | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a C string.
    unsafe { call!(OPEN_TREE, libc::AT_FDCWD, path, flags) }.map(Fd::from_result)
}

/// Attaches a detached tree on top of what a descriptor names, move_mount(2).
///
/// # Errors
/// ENOSYS before Linux 5.2; EPERM under some seccomp filters. EINVAL: one is a directory, the other not.
#[allow(dead_code, reason = "for binds")]
pub(crate) fn attach_tree(tree: &Fd, onto: &Fd) -> Result<(), Errno> {
    const EMPTY_PATHS: i32 = 0x04 | 0x40; // MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
    // SAFETY: the paths are C strings.
    unsafe { call!(MOVE_MOUNT, tree.number(), c"", onto.number(), c"", EMPTY_PATHS) }.map(drop)
}

/// mount(2) of the file or directory at `source` onto what a descriptor names, and, if `recursive`, of what
/// is mounted below it: one call less than with open_tree(2), and on any kernel. The name of the target is
/// the kernel's own, in the host's /proc: only before that has gone.
#[allow(dead_code, reason = "for binds")]
pub(crate) fn bind_onto(source: &CStr, onto: &Fd, recursive: bool) -> Result<(), Errno> {
    let flags = libc::MS_BIND | if recursive { libc::MS_REC } else { 0 };
    // SAFETY: C strings; a bind takes neither type nor data.
    unsafe { call!(MOUNT, source, own_name(onto).as_c_str().unwrap_or_default(), 0_usize, flags) }.map(drop)
}

/// The name of a descriptor in /proc. It leads to just what the descriptor names, whatever became of the
/// path that this was opened by.
fn own_name(fd: &Fd) -> Text<32> {
    let mut name = Text::new();
    name.push(b"/proc/self/fd/").push_number(fd.number().unsigned_abs().into());
    name
}

/// Moves the mount at `source` onto `name` in the directory `dir`, move_mount(2). A link of that name is not
/// followed.
///
/// # Errors
/// ENOSYS before Linux 5.2; EPERM under some seccomp filters. EINVAL: one is a directory, the other not.
pub(crate) fn move_below(source: &CStr, dir: &Fd, name: &CStr) -> Result<(), Errno> {
    // SAFETY: the paths are C strings.
    unsafe { call!(MOVE_MOUNT, libc::AT_FDCWD, source, dir.number(), name, 0) }.map(drop)
}

/// Moves the mount at `source` onto the working directory, mount(2) with `MS_MOVE`.
pub(crate) fn move_here(source: &CStr) -> Result<(), Errno> {
    // SAFETY: C strings; a move takes neither type nor data.
    unsafe { call!(MOUNT, source, c".", 0_usize, libc::MS_MOVE) }.map(drop)
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
