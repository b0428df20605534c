//! Mounts other than the root's.

use crate::launch::fault::{Fault, On};
use crate::launch::job::Job;
use crate::sys::file::{self, Open};
use crate::sys::{Errno, mount};

/// Real root's mount namespace is a peer of the host's: before any other mount, cut it off.
pub(in crate::launch) fn make_private(_: &Job) -> Result<(), Fault> {
    mount::make_private().on("mount", c"/")
}

/// A /proc of this PID namespace: without it, `ps` shows the host's processes and /proc/self is nobody.
/// While the old root is still there: later the kernel refuses, as no proc is left to be seen (EPERM).
pub(in crate::launch) fn mount_proc(job: &Job) -> Result<(), Fault> {
    if !job.config.wants_root() {
        return mount::mount_proc(c"/proc").on("mount", c"/proc");
    }
    // The rootfs may be hostile: /proc must be a directory of it, not a link to elsewhere.
    let proc = match file::open(c"/proc", Open::RealDir) {
        Err(Errno::ENOENT) => {
            file::make_dir(c"/proc", 0o555).on("mkdir", c"/proc")?;
            file::open(c"/proc", Open::RealDir)
        }
        result => result,
    };
    file::change_dir_to(&proc.on("open", c"/proc")?).on("fchdir", c"/proc")?;
    mount::mount_proc(c".").on("mount", c"/proc")
}
