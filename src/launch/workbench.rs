//! Where a file system is mounted first, and filled, before it moves to its place in the rootfs.

use super::fault::{Fault, On};
use super::job::Job;
use crate::sys::file::{self, Open};
use crate::sys::{Errno, Fd, mount};
use core::ffi::CStr;

/// A directory that every host has, in the child's own copy of the host's mounts. Here a name leads where it
/// says, and calls that take no descriptor can be used; in the rootfs a name leads where an enemy wants. Names on it are
/// spelt out where they are used.
pub(super) const WORKBENCH: &CStr = c"/proc";

/// Moves what is mounted on the workbench to `place`, right below the rootfs's top, which is made if it is
/// missing. A link there is not followed.
pub(super) fn move_in(job: &Job, place: &'static CStr, mode: u32) -> Result<(), Fault> {
    let root = job.root()?;
    match move_onto(root, place) {
        Err(Fault { errno: Errno::ENOENT, .. }) => {
            let mask = file::set_umask(0).of(c"umask")?;
            let made = file::make_dir_at(root, below(place), mode);
            file::set_umask(mask).of(c"umask")?;
            match made {
                Err(Errno::EEXIST) => {} // another start made it, since
                result => result.on(c"mkdir", place)?,
            }
            move_onto(root, place)
        }
        result => result,
    }
}

fn move_onto(root: &Fd, place: &'static CStr) -> Result<(), Fault> {
    match mount::move_below(WORKBENCH, root, below(place)) {
        // SINCE(5.2): move_mount. EINVAL: the place is no directory, which is said better there.
        Err(Errno::ENOSYS | Errno::EPERM | Errno::EINVAL) => move_by_hand(root, place),
        result => result.on(c"move_mount", place),
    }
}

#[cold]
#[inline(never)]
fn move_by_hand(root: &Fd, place: &'static CStr) -> Result<(), Fault> {
    let dir = file::open_at(root, below(place), Open::RealDir).on(c"open", place)?;
    file::change_dir_to(&dir).on(c"fchdir", place)?;
    mount::move_here(WORKBENCH).on(c"mount", place)?;
    file::change_dir_to(root).on(c"fchdir", place)
}

/// A path without the slash in front.
fn below(place: &'static CStr) -> &'static CStr {
    place.to_bytes_with_nul().get(1..).and_then(|rest| CStr::from_bytes_with_nul(rest).ok()).unwrap_or_default()
}
