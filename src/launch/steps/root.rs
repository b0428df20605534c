//! The rootfs: entered by pivot_root(2), which leaves no way back, as chroot(2) does.

use crate::launch::fault::{Fault, On};
use crate::launch::job::Job;
use crate::sys::file::{self, Open};
use crate::sys::{Errno, Fd, mount};

/// Makes the rootfs the launcher's working directory, which the child's new mount namespace takes over:
/// from here on no name leads to it, so none can be swapped. (A descriptor would not do: its mount stays
/// in the old namespace, and binding it fails with EINVAL.)
pub(in crate::launch) fn enter(job: &mut Job) -> Result<(), Fault> {
    match job.config.root {
        Some(root) => file::change_dir(root).on("chdir", root),
        None => Ok(()),
    }
}

/// Mounts the rootfs and all below it over itself: pivot_root takes only a mount, and one that is ours. The
/// descriptor of its top stays: all that goes into the rootfs goes there by it, while the names of the host
/// are still the host's.
pub(in crate::launch) fn make_mount(job: &Job) -> Result<(), Fault> {
    let tree = match mount::copy_tree_here() {
        Err(Errno::ENOSYS | Errno::EPERM) => return bind_here(job), // SINCE(5.2): open_tree
        result => result.of("open_tree")?,
    };
    match mount::attach_tree_here(&tree) {
        Err(Errno::ENOSYS | Errno::EPERM) => return bind_here(job), // SINCE(5.2): move_mount
        result => result.of("move_mount")?,
    }
    file::change_dir_to(&tree).of("fchdir")?;
    keep(job, tree);
    Ok(())
}

/// The same by mount(2). It leaves us below the new mount; only a name leads onto it, and is checked.
#[cold]
#[inline(never)]
fn bind_here(job: &Job) -> Result<(), Fault> {
    let root = job.config.root.unwrap_or_default();
    let before = file::identity_of_working_dir().on("stat", root)?;
    mount::bind(c".", c".").on("mount", root)?;
    let mut path = [0; 4096];
    file::change_dir(file::working_dir(&mut path).of("getcwd")?).on("chdir", root)?;
    let after = file::identity_of_working_dir().on("stat", root)?;
    if before != after {
        return Err(Errno::ESTALE).on("chdir", root);
    }
    keep(job, file::open(c".", Open::RealDir).on("open", root)?);
    Ok(())
}

/// Device files in the rootfs open nothing, as in a user namespace's own mounts: a tree that somebody prepared,
/// or root inside, who may make such files, would else have the host's disks. /dev is filled after this.
pub(in crate::launch) fn refuse_devices(job: &Job) -> Result<(), Fault> {
    let Some(top) = job.root.get() else { return Ok(()) };
    match mount::refuse_devices(top) {
        Err(Errno::ENOSYS | Errno::EPERM) => mount::refuse_devices_here().of("mount"), // SINCE(5.12): mount_setattr
        result => result.of("mount_setattr"),
    }
}

fn keep(job: &Job, top: Fd) {
    let _ = job.root.set(top); // once: the child makes the rootfs a mount, and nobody else
}

/// The rootfs becomes `/`. The old root lies on top of it until [`drop_old`].
pub(in crate::launch) fn pivot(job: &Job) -> Result<(), Fault> {
    mount::pivot_here().on("pivot_root", job.config.root.unwrap_or_default())
}

/// The old root goes. The working directory is the new one already.
pub(in crate::launch) fn drop_old(_: &Job) -> Result<(), Fault> {
    mount::detach_top(c"/").on("umount2", c"/")
}
