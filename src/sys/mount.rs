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

/// mount(2) of a new file system of a kind that has neither programs, nor devices, nor options: proc, of the
/// caller's PID namespace; sysfs, of its network namespace; mqueue, of its IPC namespace.
///
/// # Errors
/// EPERM in a user namespace if no proc (sysfs) is fully visible in this mount namespace: something covers a
/// part of each (as in a Docker container), or the old root is detached already.
pub(crate) fn mount_new(kind: &CStr, place: &CStr, read_only: bool) -> Result<(), Errno> {
    let flags = NOTHING_SPECIAL | if read_only { libc::MS_RDONLY } else { 0 };
    // SAFETY: C strings; there are no data.
    unsafe { call!(MOUNT, kind, place, kind, flags) }.map(drop)
}

/// No setuid programs, no devices, no programs at all.
const NOTHING_SPECIAL: libc::c_ulong = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;

/// mount(2) of a tmpfs that is and stays empty.
pub(crate) fn mount_nothing(place: &CStr) -> Result<(), Errno> {
    let flags = NOTHING_SPECIAL | libc::MS_RDONLY;
    // SAFETY: C strings.
    unsafe { call!(MOUNT, c"tmpfs", place, c"tmpfs", flags, c"mode=555") }.map(drop)
}

/// mount(2) of a tmpfs to bind devices in, which take no room.
pub(crate) fn mount_devices(place: &CStr) -> Result<(), Errno> {
    // SAFETY: C strings.
    unsafe { call!(MOUNT, c"tmpfs", place, c"tmpfs", NOTHING_SPECIAL, c"mode=755,size=64k") }.map(drop)
}

/// mount(2) of a tmpfs that everyone may write to, for shm_open(3).
pub(crate) fn mount_shared_memory(place: &CStr) -> Result<(), Errno> {
    // SAFETY: C strings.
    unsafe { call!(MOUNT, c"tmpfs", place, c"tmpfs", libc::MS_NOSUID | libc::MS_NODEV, c"mode=1777") }.map(drop)
}

/// mount(2) of a devpts of its own, with group 5 (tty) for its terminals or, if that has no number here, the
/// group of whoever opens one. devpts(5).
pub(crate) fn mount_terminals(place: &CStr, with_group: bool) -> Result<(), Errno> {
    let data =
        if with_group { c"newinstance,ptmxmode=666,mode=620,gid=5" } else { c"newinstance,ptmxmode=666,mode=620" };
    // SAFETY: C strings.
    unsafe { call!(MOUNT, c"devpts", place, c"devpts", libc::MS_NOSUID | libc::MS_NOEXEC, data) }.map(drop)
}

/// Makes the mount at `place` read-only, mount(2) with `MS_REMOUNT | MS_BIND`; also without setuid programs,
/// devices and programs, as in a user namespace a flag that is locked may be set but not cleared.
pub(crate) fn make_read_only(place: &CStr) -> Result<(), Errno> {
    let flags = NOTHING_SPECIAL | libc::MS_RDONLY | libc::MS_REMOUNT | libc::MS_BIND;
    // SAFETY: C strings; a remount takes neither source, type nor data.
    unsafe { call!(MOUNT, c"", place, 0_usize, flags) }.map(drop)
}

/// Moves the mount at `source`, links followed, onto what a descriptor names: move_mount(2), or where that is
/// missing mount(2) with the kernel's own name for it, in the host's /proc.
pub(crate) fn move_onto(source: &CStr, onto: &Fd) -> Result<(), Errno> {
    const SYMLINKS_AND_EMPTY_PATH: i32 = 0x01 | 0x40; // MOVE_MOUNT_F_SYMLINKS | MOVE_MOUNT_T_EMPTY_PATH
    // SAFETY: the paths are C strings.
    match unsafe { call!(MOVE_MOUNT, libc::AT_FDCWD, source, onto.number(), c"", SYMLINKS_AND_EMPTY_PATH) } {
        Err(Errno::ENOSYS | Errno::EPERM) => {} // SINCE(5.2): move_mount
        result => return result.map(drop),
    }
    let name = own_name(onto);
    // SAFETY: C strings; a move takes neither type nor data.
    unsafe { call!(MOUNT, source, name.as_c_str().unwrap_or_default(), 0_usize, libc::MS_MOVE) }.map(drop)
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

/// Adds `nodev` to a mount and to all below it, mount_setattr(2).
///
/// # Errors
/// ENOSYS before Linux 5.12; EPERM under some seccomp filters.
pub(crate) fn refuse_devices(top: &Fd) -> Result<(), Errno> {
    const MOUNT_ATTR_NODEV: u64 = 0x4;
    let attributes = [MOUNT_ATTR_NODEV, 0, 0, 0]; // set, clear, propagation, user namespace
    let flags = libc::AT_EMPTY_PATH | libc::AT_RECURSIVE;
    let (list, size) = (attributes.as_ptr(), size_of_val(&attributes));
    // SAFETY: the path is a C string; the kernel reads the four numbers.
    unsafe { call!(MOUNT_SETATTR, top.number(), c"", flags, list, size) }.map(drop)
}

/// Adds `nodev` to the mount whose top is the working directory, mount(2), without touching its other flags. What
/// is mounted below it is left as it is.
pub(crate) fn refuse_devices_here() -> Result<(), Errno> {
    let mut status = [0_u64; 15]; // struct statfs of a 64-bit kernel: f_flags is its eleventh word
    // SAFETY: the path is a C string; the kernel fills in that many bytes.
    unsafe { call!(STATFS, c".", status.as_mut_ptr()) }?;
    let [.., has, _, _, _, _] = status;
    // The low bits are those of mount(2), up to noexec and for the two of noatime; relatime has another place there.
    const ST_RELATIME: u64 = 0x1000;
    let kept = has & 0xf
        | has & (libc::MS_NOATIME | libc::MS_NODIRATIME)
        | if has & ST_RELATIME != 0 { libc::MS_RELATIME } else { 0 };
    let flags = kept | libc::MS_NODEV | libc::MS_REMOUNT | libc::MS_BIND;
    // SAFETY: C strings; a remount takes neither source, type nor data.
    unsafe { call!(MOUNT, c"", c".", 0_usize, flags) }.map(drop)
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
