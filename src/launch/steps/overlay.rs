//! A rootfs that keeps no change: what is written goes to a layer above it.

use crate::config::Changes;
use crate::launch::fault::{Fault, On};
use crate::launch::job::Job;
use crate::launch::workbench::WORKBENCH;
use crate::sys::file::{self, Open};
use crate::sys::{Errno, mount};
use core::ffi::CStr;

/// In the directory that holds the changes: the changes, and what overlayfs needs to make them whole or not at all.
const UPPER: &CStr = c"/proc/upper";
const WORK: &CStr = c"/proc/work";

/// Makes the directory that keeps the changes, if it is missing, for its owner alone: what root inside makes there
/// is the host's too, and set-user-id programs and devices are nobody else's to use. Takes it for this container
/// alone, as long as the launcher lives: what two overlays do to one upper layer is undefined.
pub(in crate::launch) fn claim_changes(job: &mut Job) -> Result<(), Fault> {
    let Some(Changes::Dir(path)) = job.config.overlay else { return Ok(()) };
    match file::make_dir(path, 0o700) {
        Err(Errno::EEXIST) => {}
        result => result.on(c"mkdirat", path)?,
    }
    let dir = file::open(path, Open::List).on(c"open", path)?;
    if file::open(job.config.root.unwrap_or_default(), Open::Name).and_then(|root| file::are_same(&root, &dir))
        == Ok(true)
    {
        return Err(Errno::IS_ROOTFS).on(c"stat", path);
    }
    // Who else may write to it could have its parts lead elsewhere; who may go in, run set-user-id programs of ours in it.
    if !file::is_alone_for(&dir, job.config.caller_uid).on(c"stat", path)? {
        return Err(Errno::NOT_YOURS).on(c"stat", path);
    }
    match file::lock(&dir) {
        Err(Errno::EAGAIN) => Err(Errno::IN_USE),
        result => result,
    }
    .on(c"flock", path)?;
    job.claimed = Some(dir);
    Ok(())
}

/// Puts an overlay in the place of the rootfs, which is the working directory. Its layers have names on the workbench;
/// it is mounted there too, copied, and what is on the workbench goes again: the copy keeps the layers.
pub(in crate::launch) fn lay(job: &Job) -> Result<(), Fault> {
    const OVERLAY: &CStr = c"overlay";
    match (job.config.overlay, job.changes.take()) {
        (Some(Changes::Dir(path)), Some(dir)) => mount::bind_to(&dir, WORKBENCH).on(c"mount", path)?,
        _ => mount::mount_changes(WORKBENCH).on(c"mount", c"tmpfs")?,
    }
    match file::make_dir(UPPER, 0o755) {
        Err(Errno::EEXIST) => {} // changes of an earlier start
        result => {
            result.on(c"mkdir", c"upper")?;
            // Where a directory is in both layers, the upper one's attributes count.
            file::copy_attributes(c".", UPPER).on(c"chmod", c"upper")?;
        }
    }
    match file::make_dir(WORK, 0o700) {
        Err(Errno::EEXIST) => {}
        result => result.on(c"mkdir", c"work")?,
    }
    let data = if job.config.user {
        c"lowerdir=.,upperdir=/proc/upper,workdir=/proc/work,userxattr" // SINCE(5.11)
    } else {
        c"lowerdir=.,upperdir=/proc/upper,workdir=/proc/work"
    };
    let lower = file::open(c".", Open::RealDir).on(c"open", OVERLAY)?;
    mount::mount_overlay(data, WORK, &lower).on(c"mount", OVERLAY)?;
    let tree = mount::copy_mount(WORK).on(c"open_tree", OVERLAY)?;
    // Without a word the kernel makes it so where it cannot make what it needs in `work` (ovl_get_workdir in
    // fs/overlayfs/super.c): somebody else's, or no inode left.
    if mount::is_read_only(&tree) == Ok(true) {
        return Err(Errno::EROFS).on(c"mount", c"work");
    }
    mount::detach_top(WORKBENCH).on(c"umount2", WORKBENCH)?;
    mount::attach_tree_here(&tree).on(c"move_mount", OVERLAY)?;
    file::change_dir_to(&tree).on(c"fchdir", OVERLAY)?;
    job.set_root(tree);
    Ok(())
}
