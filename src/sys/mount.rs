//! Mounts. Calls are split by intent, so that no caller composes flags.

use super::file::{self, Open, own_name};
use super::{Errno, Fd, call};
use crate::text::Text;
use core::ffi::CStr;

/// Cuts this mount namespace off from others: no mount or unmount spreads either way, from `/` down.
/// mount_namespaces(7), "Shared subtrees".
///
/// # Errors
/// EPERM: no CAP_SYS_ADMIN over these mounts. EINVAL: `/` is no mount, as in a chroot.
pub(crate) fn make_private() -> Result<(), Errno> {
    change(c"/", libc::MS_REC | libc::MS_PRIVATE)
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
///
/// # Errors
/// ENOENT: no such place.
pub(crate) fn mount_nothing(place: &CStr) -> Result<(), Errno> {
    mount_tmpfs(place, NOTHING_SPECIAL | libc::MS_RDONLY, c"mode=555")
}

/// mount(2) of a tmpfs to bind devices in, which take no room.
pub(crate) fn mount_devices(place: &CStr) -> Result<(), Errno> {
    mount_tmpfs(place, NOTHING_SPECIAL, c"mode=755,size=64k")
}

/// mount(2) of a tmpfs that everyone may write to, for shm_open(3).
pub(crate) fn mount_shared_memory(place: &CStr) -> Result<(), Errno> {
    mount_tmpfs(place, libc::MS_NOSUID | libc::MS_NODEV, c"mode=1777")
}

/// mount(2) of a devpts of its own, with group 5 (tty) for its terminals or, if that has no number here, the
/// group of whoever opens one. devpts(5).
///
/// # Errors
/// EINVAL: the group has no number in this user namespace.
pub(crate) fn mount_terminals(place: &CStr, with_group: bool) -> Result<(), Errno> {
    let data =
        if with_group { c"newinstance,ptmxmode=666,mode=620,gid=5" } else { c"newinstance,ptmxmode=666,mode=620" };
    // SAFETY: C strings.
    unsafe { call!(MOUNT, c"devpts", place, c"devpts", libc::MS_NOSUID | libc::MS_NOEXEC, data) }.map(drop)
}

/// Makes the mount at `place` read-only, mount(2) with `MS_REMOUNT | MS_BIND`; also without setuid programs,
/// devices and programs, as in a user namespace a flag that is locked may be set but not cleared.
///
/// # Errors
/// EINVAL: no mount has its top there.
pub(crate) fn make_read_only(place: &CStr) -> Result<(), Errno> {
    remount_read_only(place, NOTHING_SPECIAL)
}

/// The same of a device that is mounted there, which still opens, and for writing too: what changes no more is its
/// mode, owner and times.
pub(crate) fn freeze_device(place: &CStr) -> Result<(), Errno> {
    remount_read_only(place, NOTHING_SPECIAL & !libc::MS_NODEV)
}

fn remount_read_only(place: &CStr, flags: libc::c_ulong) -> Result<(), Errno> {
    change(place, flags | libc::MS_RDONLY | libc::MS_REMOUNT | libc::MS_BIND)
}

/// mount(2) of what is mounted at `place` once more: other flags, or another propagation.
fn change(place: &CStr, flags: libc::c_ulong) -> Result<(), Errno> {
    mount_existing(c"", place, flags)
}

/// mount(2) of no new file system, but of one that is there: it is bound, moved or changed.
fn mount_existing(source: &CStr, place: &CStr, flags: libc::c_ulong) -> Result<(), Errno> {
    // SAFETY: C strings; of what is there neither type nor data are asked, and of a change no source.
    unsafe { call!(MOUNT, source, place, 0_usize, flags) }.map(drop)
}

/// Moves the mount at `source`, links followed, onto what a descriptor names: move_mount(2), or where that is
/// missing mount(2) with the kernel's own name for it, in the host's /proc.
///
/// # Errors
/// EINVAL: the source is no mount, or one is a directory, the other not.
pub(crate) fn move_onto(source: &CStr, onto: &Fd) -> Result<(), Errno> {
    const SYMLINKS_AND_EMPTY_PATH: i32 = 0x01 | 0x40; // MOVE_MOUNT_F_SYMLINKS | MOVE_MOUNT_T_EMPTY_PATH
    // SAFETY: the paths are C strings.
    match unsafe { call!(MOVE_MOUNT, libc::AT_FDCWD, source, onto.number(), c"", SYMLINKS_AND_EMPTY_PATH) } {
        Err(Errno::ENOSYS | Errno::EPERM) => {} // SINCE(5.2): move_mount
        result => return result.map(drop),
    }
    mount_existing(source, own_name(onto.number()).c_str_or_empty(), libc::MS_MOVE)
}

/// A detached copy of what the working directory is, and of the mounts below it, open_tree(2).
///
/// # Errors
/// ENOSYS before Linux 5.2; EPERM under some seccomp filters.
pub(crate) fn copy_tree_here() -> Result<Fd, Errno> {
    copy(c"", libc::AT_RECURSIVE | libc::AT_EMPTY_PATH)
}

/// The same of what lies at `path`.
pub(crate) fn copy_tree(path: &CStr) -> Result<Fd, Errno> {
    copy(path, libc::AT_RECURSIVE)
}

/// The same of the topmost mount at `path`, without those below it.
pub(crate) fn copy_mount(path: &CStr) -> Result<Fd, Errno> {
    copy(path, 0)
}

/// open_tree(2).
fn copy(path: &CStr, flags: i32) -> Result<Fd, Errno> {
    const OPEN_TREE_CLONE: i32 = 1;
    // SAFETY: the path is a C string.
    unsafe { call!(OPEN_TREE, libc::AT_FDCWD, path, OPEN_TREE_CLONE | libc::O_CLOEXEC | flags) }.map(Fd::from_result)
}

/// Flags of a mount, with the same numbers in mount(2), mount_setattr(2) and statfs(2).
pub(crate) const READ_ONLY: u64 = 1;
pub(crate) const NO_DEVICES: u64 = 4;

/// Adds such flags to the mount that a descriptor names the top of, and to all below it, for good: cut off from
/// other mount namespaces, they get no later mounts from there, which would lack the flags. mount_setattr(2), or
/// where that is missing mount(2). All other flags stay, as in a user namespace those that are locked have to.
///
/// # Errors
/// EINVAL: it names no mount's top. EPERM: a flag that is locked would be lost.
pub(crate) fn restrict_tree(top: &Fd, flags: u64) -> Result<(), Errno> {
    match set_attributes(top, [flags, 0, libc::MS_PRIVATE], libc::AT_RECURSIVE) {
        Err(Errno::ENOSYS | Errno::EPERM) => {} // SINCE(5.12): mount_setattr
        result => return result,
    }
    change_tree(top, libc::MS_PRIVATE)?;
    remount(top, flags, 0)?;
    remount_below(top, flags)
}

/// Makes that one mount writable or read-only, and leaves those below it as they are.
pub(crate) fn set_writable(top: &Fd, is_writable: bool) -> Result<(), Errno> {
    let (set, clear) = if is_writable { (0, READ_ONLY) } else { (READ_ONLY, 0) };
    match set_attributes(top, [set, clear, 0], 0) {
        Err(Errno::ENOSYS | Errno::EPERM) => remount(top, set, clear),
        result => result,
    }
}

/// Flags to set and to clear, and a type of propagation or 0, mount_setattr(2).
fn set_attributes(top: &Fd, [set, clear, propagation]: [u64; 3], how: i32) -> Result<(), Errno> {
    let attributes = [set, clear, propagation, 0]; // then a user namespace
    let (list, size) = (attributes.as_ptr(), size_of_val(&attributes));
    // SAFETY: the path is a C string; the kernel reads the four numbers.
    unsafe { call!(MOUNT_SETATTR, top.number(), c"", how | libc::AT_EMPTY_PATH, list, size) }.map(drop)
}

/// Changes the propagation of a mount and of all below it, mount(2), by its top's name in the host's /proc.
#[cold]
#[inline(never)]
fn change_tree(top: &Fd, propagation: u64) -> Result<(), Errno> {
    change(own_name(top.number()).c_str_or_empty(), libc::MS_REC | propagation)
}

/// The same by mount(2), which has to be told all flags of the mount, by the descriptor's name in the host's /proc.
#[cold]
#[inline(never)]
fn remount(top: &Fd, set: u64, clear: u64) -> Result<(), Errno> {
    let has = flags_of(top)?;
    // The low bits are those of mount(2), up to noexec and for the two of noatime; relatime and nosymfollow have other places there.
    const ST_RELATIME: u64 = 0x1000;
    const ST_NOSYMFOLLOW: u64 = 0x2000;
    const MS_NOSYMFOLLOW: u64 = 0x100; // SINCE(5.10); libc lacks it
    let kept = has & 0xf
        | has & (libc::MS_NOATIME | libc::MS_NODIRATIME)
        | match has & (ST_RELATIME | libc::MS_NOATIME) {
            0 => libc::MS_STRICTATIME, // which has no flag of its own
            ST_RELATIME => libc::MS_RELATIME,
            _ => 0,
        }
        | if has & ST_NOSYMFOLLOW != 0 { MS_NOSYMFOLLOW } else { 0 };
    change(own_name(top.number()).c_str_or_empty(), kept & !clear | set | libc::MS_REMOUNT | libc::MS_BIND)
}

/// Whether the mount that a descriptor names something of is read-only.
pub(crate) fn is_read_only(on: &Fd) -> Result<bool, Errno> {
    flags_of(on).map(|flags| flags & READ_ONLY != 0)
}

/// Its flags.
fn flags_of(on: &Fd) -> Result<u64, Errno> {
    let [.., flags, _, _, _, _] = file::file_system(on)?;
    Ok(flags)
}

/// Adds flags to each mount below the one that a descriptor names the top of, as the kernel lists them, by its way
/// down from there. One that another hides, or that lies where we may not go, is out of the command's reach too; so
/// is what an overlay over `/` covers, where the way down leads to a plain directory.
#[cold]
#[inline(never)]
fn remount_below(top: &Fd, set: u64) -> Result<(), Errno> {
    // Not by its number in fdinfo, which is closed to who has become root inside: seen on 5.10, and not on 6.18.
    let mut place = [0; 1024];
    let length = file::read_link(top, own_name(top.number()).c_str_or_empty(), &mut place)?;
    let place = place.get(..length).unwrap_or_default();
    let list = file::open(c"/proc/self/mountinfo", Open::Read)?;
    let mut result = Ok(());
    file::has_line(&list, usize::MAX, &mut |line| {
        result = remount_listed(top, place, line, set);
        result.is_err()
    })?;
    result
}

/// The same to the mount of one line of proc_pid_mountinfo(5), if it is below `place`, which `top` names.
///
/// # Errors
/// ENAMETOOLONG: its place is not shown whole.
fn remount_listed(top: &Fd, place: &[u8], line: &[u8], set: u64) -> Result<(), Errno> {
    let mut words = line.split(|byte| *byte == b' ');
    let point = match (words.nth(4), words.next()) {
        (Some(point), Some(_)) => plain(point),
        _ if line.is_empty() => return Ok(()), // behind the last one
        _ => return Err(Errno::ENAMETOOLONG),
    };
    let Some(way) = way_down(place, point.as_bytes()) else { return Ok(()) };
    let mut name = MountPoint::new();
    name.push(way);
    match file::open_at(top, name.c_str_or_empty(), Open::Name) {
        Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES) => Ok(()),
        found => match remount(&found?, set, 0) {
            Err(Errno::EINVAL) => Ok(()), // no mount's top
            result => result,
        },
    }
}

/// The longest that [`file::has_line`] shows.
type MountPoint = Text<1024>;

/// What leads from one place to another below it.
fn way_down<'a>(from: &[u8], to: &'a [u8]) -> Option<&'a [u8]> {
    let from = from.strip_suffix(b"/").unwrap_or(from);
    to.strip_prefix(from)?.strip_prefix(b"/").filter(|way| !way.is_empty())
}

/// A path as it is, where the list has blanks, line ends and backslashes as `\ooo`.
fn plain(listed: &[u8]) -> MountPoint {
    let mut path = MountPoint::new();
    let mut left = listed;
    while let [first, rest @ ..] = left {
        left = match rest {
            [high @ b'0'..=b'3', middle @ b'0'..=b'7', low @ b'0'..=b'7', rest @ ..] if *first == b'\\' => {
                path.push(&[(high - b'0') << 6 | (middle - b'0') << 3 | (low - b'0')]);
                rest
            }
            _ => {
                path.push(&[*first]);
                rest
            }
        };
    }
    path
}

/// Attaches a detached tree on top of the working directory, move_mount(2).
///
/// # Errors
/// ENOSYS before Linux 5.2; EPERM under some seccomp filters.
pub(crate) fn attach_tree_here(tree: &Fd) -> Result<(), Errno> {
    const MOVE_MOUNT_F_EMPTY_PATH: i32 = 0x04;
    // SAFETY: the paths are C strings.
    unsafe { call!(MOVE_MOUNT, tree.number(), c"", libc::AT_FDCWD, c".", MOVE_MOUNT_F_EMPTY_PATH) }.map(drop)
}

/// Attaches a detached tree on top of what a descriptor names, move_mount(2).
///
/// # Errors
/// ENOSYS before Linux 5.2; EPERM under some seccomp filters. EINVAL: one is a directory, the other not.
pub(crate) fn attach_tree(tree: &Fd, onto: &Fd) -> Result<(), Errno> {
    const EMPTY_PATHS: i32 = 0x04 | 0x40; // MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
    // SAFETY: the paths are C strings.
    unsafe { call!(MOVE_MOUNT, tree.number(), c"", onto.number(), c"", EMPTY_PATHS) }.map(drop)
}

/// mount(2) of what one descriptor names, and of the mounts below it, onto what another names; by their names
/// in the host's /proc, so only before that has gone.
pub(crate) fn bind_onto(source: &Fd, onto: &Fd) -> Result<(), Errno> {
    bind(own_name(source.number()).c_str_or_empty(), own_name(onto.number()).c_str_or_empty())
}

/// The same, onto a path.
pub(crate) fn bind_to(source: &Fd, target: &CStr) -> Result<(), Errno> {
    bind(own_name(source.number()).c_str_or_empty(), target)
}

/// mount(2) of a tmpfs onto what a descriptor names, for everyone to write to, of at most so many bytes.
pub(crate) fn mount_memory(onto: &Fd, most: Option<u64>) -> Result<(), Errno> {
    let mut data = Text::<64>::new();
    data.push(b"mode=1777");
    if let Some(most) = most {
        data.push(b",size=").push_number(most);
    }
    mount_tmpfs(own_name(onto.number()).c_str_or_empty(), libc::MS_NOSUID | libc::MS_NODEV, data.c_str_or_empty())
}

/// mount(2) of a tmpfs to hold the changes to a tree: whatever may lie in that may lie here.
pub(crate) fn mount_changes(place: &CStr) -> Result<(), Errno> {
    mount_tmpfs(place, 0, c"mode=755")
}

/// mount(2) of a tmpfs.
fn mount_tmpfs(place: &CStr, flags: libc::c_ulong, data: &CStr) -> Result<(), Errno> {
    // SAFETY: C strings.
    unsafe { call!(MOUNT, c"tmpfs", place, c"tmpfs", flags, data) }.map(drop)
}

/// mount(2) of an overlay with these options: its layers, and in a user namespace that it keeps its notes in
/// attributes which users may set. What the mount of `lower` has of nosuid, nodev and noexec it has too.
///
/// # Errors
/// EPERM in a user namespace before Linux 5.11; EINVAL there if mounts below the working directory are locked.
pub(crate) fn mount_overlay(data: &CStr, place: &CStr, lower: &Fd) -> Result<(), Errno> {
    let flags = flags_of(lower)? & NOTHING_SPECIAL;
    // SAFETY: C strings.
    unsafe { call!(MOUNT, c"overlay", place, c"overlay", flags, data) }.map(drop)
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
    mount_existing(source, c".", libc::MS_MOVE)
}

/// mount(2) of a directory and what is mounted below it onto another, `MS_BIND | MS_REC`.
///
/// # Errors
/// EINVAL: the source is of another mount namespace.
pub(crate) fn bind(source: &CStr, target: &CStr) -> Result<(), Errno> {
    mount_existing(source, target, libc::MS_BIND | libc::MS_REC)
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
///
/// # Errors
/// EINVAL: no mount has its top there, or it came locked from another user namespace.
pub(crate) fn detach_top(target: &CStr) -> Result<(), Errno> {
    // SAFETY: a C string.
    unsafe { call!(UMOUNT2, target, libc::MNT_DETACH) }.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_down_is_what_a_mounts_place_says_behind_anothers() {
        assert_eq!(way_down(b"/", b"/a/b"), Some(&b"a/b"[..]));
        assert_eq!(way_down(b"/a", b"/a/b"), Some(&b"b"[..]));
        for other in [&b"/"[..], b"/a", b"/ab", b"/b/a", b""] {
            assert_eq!(way_down(b"/a", other), None);
        }
        assert_eq!(way_down(b"/", b"/"), None);
    }

    #[test]
    fn a_listed_path_is_read_back() {
        assert_eq!(plain(b"a\\040b\\134\\012/c\\0").as_bytes(), b"a b\\\n/c\\0");
    }
}
