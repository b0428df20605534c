//! The rootfs: entered by pivot_root(2), which leaves no way back, as chroot(2) does.

use crate::launch::fault::{Fault, On};
use crate::launch::job::Job;
use crate::sys::file::{self, Open};
use crate::sys::{Errno, mount};

/// Makes the rootfs the launcher's working directory, which the child's new mount namespace takes over:
/// from here on no name leads to it, so none can be swapped. (A descriptor would not do: its mount stays
/// in the old namespace, and binding it fails with EINVAL.)
pub(in crate::launch) fn enter(job: &mut Job) -> Result<(), Fault> {
    enter_late(job)
}

/// Whether it is there, before anything is made for a child that goes there later.
pub(in crate::launch) fn look(job: &mut Job) -> Result<(), Fault> {
    let root = job.config.root.unwrap_or_default();
    file::open(root, Open::Name).on(c"open", root).map(drop)
}

/// The child does it, where the caller's working directory was needed until now.
pub(in crate::launch) fn enter_late(job: &Job) -> Result<(), Fault> {
    let root = job.config.root.unwrap_or_default();
    file::change_dir(root).on(c"chdir", root)
}

/// Without a rootfs: the host's root, to mount in it.
pub(in crate::launch) fn hold_hosts(job: &Job) -> Result<(), Fault> {
    job.set_root(file::open(c"/", Open::RealDir).on(c"open", c"/")?);
    Ok(())
}

/// The caller's directory once more, by its name: what lies over it now is where the command starts. The directory
/// beneath, if it stayed the working one, would be a way around a bind with `:ro`, and under a tmpfs. Where that name
/// leads nowhere now, `/`.
pub(in crate::launch) fn enter_callers_dir(_: &Job) -> Result<(), Fault> {
    match enter_by_name::<256>() {
        Err(Errno::ERANGE) => enter_by_name::<4096>(),
        result => result,
    }
    .or_else(|_| file::change_dir(c"/"))
    .on(c"chdir", c"/")
}

#[inline(never)] // most names are short, and a long one's buffer two pages more of the child's stack
fn enter_by_name<const BYTES: usize>() -> Result<(), Errno> {
    file::change_dir(file::working_dir(&mut [0; BYTES])?)
}

/// Mounts the rootfs and all below it over itself: pivot_root takes only a mount, and one that is ours. The
/// descriptor of its top stays: all that goes into the rootfs goes there by it, while the names of the host
/// are still the host's.
pub(in crate::launch) fn make_mount(job: &Job) -> Result<(), Fault> {
    let tree = match mount::copy_tree_here() {
        Err(Errno::ENOSYS | Errno::EPERM) => return bind_here(job), // SINCE(5.2): open_tree
        result => result.of(c"open_tree")?,
    };
    match mount::attach_tree_here(&tree) {
        Err(Errno::ENOSYS | Errno::EPERM) => return bind_here(job), // SINCE(5.2): move_mount
        result => result.of(c"move_mount")?,
    }
    file::change_dir_to(&tree).of(c"fchdir")?;
    job.set_root(tree);
    Ok(())
}

/// The same by mount(2). It leaves us below the new mount; only a name leads onto it, and is checked.
#[cold]
#[inline(never)]
fn bind_here(job: &Job) -> Result<(), Fault> {
    let root = job.config.root.unwrap_or_default();
    let before = file::identity_of_working_dir().on(c"stat", root)?;
    mount::bind(c".", c".").on(c"mount", root)?;
    let mut path = [0; 4096];
    let name = file::working_dir(&mut path).of(c"getcwd")?;
    // `/` is where the root is, below what lies on it; only the way up from there ends on top.
    file::change_dir(if name == c"/" { c"/.." } else { name }).on(c"chdir", root)?;
    let after = file::identity_of_working_dir().on(c"stat", root)?;
    if before != after {
        return Err(Errno::ESTALE).on(c"chdir", root);
    }
    job.set_root(file::open(c".", Open::RealDir).on(c"open", root)?);
    Ok(())
}

/// Device files in the rootfs open nothing, as in a user namespace's own mounts: a tree that somebody prepared,
/// or root inside, who may make such files, would else have the host's disks. /dev is filled after this.
pub(in crate::launch) fn refuse_devices(job: &Job) -> Result<(), Fault> {
    mount::restrict_tree(job.root()?, mount::NO_DEVICES).of(c"mount_setattr")
}

/// All that is mounted in the root by now becomes read-only; the root itself only when all else is mounted, as
/// mount points may have to be made in it.
pub(in crate::launch) fn freeze_tree(job: &Job) -> Result<(), Fault> {
    let top = job.root()?;
    let is_frozen = mount::is_read_only(top).of(c"fstatfs")?;
    mount::restrict_tree(top, mount::READ_ONLY).of(c"mount_setattr")?;
    if is_frozen { Ok(()) } else { mount::set_writable(top, true).of(c"mount_setattr") }
}

pub(in crate::launch) fn freeze(job: &Job) -> Result<(), Fault> {
    mount::set_writable(job.root()?, false).of(c"mount_setattr")
}

/// The rootfs becomes `/`. The old root lies on top of it until [`drop_old`].
pub(in crate::launch) fn pivot(job: &Job) -> Result<(), Fault> {
    mount::pivot_here().on(c"pivot_root", job.config.root.unwrap_or_default())
}

/// The old root goes. The working directory is the new one already.
pub(in crate::launch) fn drop_old(_: &Job) -> Result<(), Fault> {
    mount::detach_top(c"/").on(c"umount2", c"/")
}
