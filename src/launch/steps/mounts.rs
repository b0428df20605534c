//! Mounts other than the root's.

use crate::launch::fault::{Fault, On};
use crate::launch::job::Job;
use crate::sys::{Errno, Fd, file, mount};
use core::ffi::CStr;

/// Real root's mount namespace is a peer of the host's: before any other mount, cut it off.
pub(in crate::launch) fn make_private(_: &Job) -> Result<(), Fault> {
    mount::make_private().on("mount", c"/")
}

/// Where a file system is mounted first, and filled, before it is moved to its place in the rootfs. On the
/// host's tree a name leads where it says, and a call that takes no descriptor can be used; in the rootfs a
/// name leads where an enemy wants it to.
const BENCH: &CStr = c"/proc";

/// A /proc of this PID namespace: without it, `ps` shows the host's processes and /proc/self is nobody.
/// While the host's is still there: later the kernel refuses, as no proc is left to be seen (EPERM).
pub(in crate::launch) fn mount_proc(job: &Job) -> Result<(), Fault> {
    mount::mount_proc(BENCH).on("mount", c"/proc")?;
    if job.config.wants_root() { move_in(job, c"/proc", 0o555) } else { Ok(()) }
}

/// Moves what is mounted on the bench to its place in the rootfs, a directory right below its top, which is
/// made if it is missing. A link there is not followed.
fn move_in(job: &Job, place: &'static CStr, mode: u32) -> Result<(), Fault> {
    let root = job.root()?;
    match move_onto(root, place) {
        Err(Fault { errno: Errno::ENOENT, .. }) => {
            let mask = file::set_umask(0);
            let made = file::make_dir_at(root, below(place), mode);
            file::set_umask(mask);
            made.on("mkdir", place)?;
            move_onto(root, place)
        }
        result => result,
    }
}

fn move_onto(root: &Fd, place: &'static CStr) -> Result<(), Fault> {
    match mount::move_below(BENCH, root, below(place)) {
        // SINCE(5.2): move_mount. EINVAL: the place is no directory, which is said better there.
        Err(Errno::ENOSYS | Errno::EPERM | Errno::EINVAL) => move_by_hand(root, place),
        result => result.on("move_mount", place),
    }
}

#[cold]
#[inline(never)]
fn move_by_hand(root: &Fd, place: &'static CStr) -> Result<(), Fault> {
    let dir = file::open_real_dir(root, below(place)).on("open", place)?;
    file::change_dir_to(&dir).on("fchdir", place)?;
    mount::move_here(BENCH).on("mount", place)?;
    file::change_dir_to(root).on("fchdir", place)
}

/// A path without the slash in front.
fn below(place: &'static CStr) -> &'static CStr {
    place.to_bytes_with_nul().get(1..).and_then(|rest| CStr::from_bytes_with_nul(rest).ok()).unwrap_or_default()
}
