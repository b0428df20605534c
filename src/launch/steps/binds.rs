//! What `-bind` and `-tmpfs` name.

use crate::config::Changes;
use crate::launch::fault::{Fault, On};
use crate::launch::inside;
use crate::launch::job::Job;
use crate::mounts::{Bind, Held, What};
use crate::sys::file::{self, Open};
use crate::sys::recorder::is_rehearsal;
use crate::sys::{Errno, Fd, mount};
use core::ffi::CStr;

/// Opens each name of the host's once, while all names are the host's still and the working directory is the
/// caller's; from here on none of them can be swapped. In the child: a descriptor of the launcher's would lead to a
/// mount of another namespace, which cannot be bound (EINVAL). Copied here, a source comes without what is mounted
/// over it later.
pub(in crate::launch) fn hold_sources(job: &Job) -> Result<(), Fault> {
    for mount in job.config.mounts.iter() {
        if let What::Bind(bind) = &mount.what {
            let source = bind.source;
            bind.held.set(Some(match mount::copy_tree(source) {
                // SINCE(5.2): open_tree
                Err(Errno::ENOSYS | Errno::EPERM) => Held::Name(file::open(source, Open::Name).on(c"open", source)?),
                result => Held::Tree(result.on(c"open_tree", source)?),
            }));
        }
    }
    if let Some(Changes::Dir(path)) = job.config.overlay {
        let dir = file::open(path, Open::List).on(c"open", path)?;
        if let Some(claimed) = &job.claimed {
            // Another by now, which nobody has looked at?
            if !file::are_same(&dir, claimed).on(c"stat", path)? && !is_rehearsal() {
                return Err(Errno::ESTALE).on(c"stat", path);
            }
            claimed.close_copy(); // for what `handshake::leave_launchers` says
        }
        job.changes.set(Some(dir));
    }
    Ok(())
}

/// Mounts everything, in the order given.
pub(in crate::launch) fn mount_all(job: &Job) -> Result<(), Fault> {
    for mount in job.config.mounts.iter() {
        let place = mount.place;
        match &mount.what {
            What::Tmpfs(most) => mount::mount_memory(&find_place(job, place, true)?, *most).on(c"mount", place)?,
            What::Bind(bind) => bind_one(job, bind, place)?,
        }
    }
    Ok(())
}

fn bind_one(job: &Job, bind: &Bind, place: &'static CStr) -> Result<(), Fault> {
    let held = bind.held.take().ok_or(Errno::EBADF).on(c"open", bind.source)?;
    let (Held::Tree(source) | Held::Name(source)) = &held;
    let is_dir = file::is_dir(source).on(c"stat", bind.source)?;
    let onto = find_place(job, place, is_dir)?;
    let top = match held {
        Held::Tree(tree) => mount::attach_tree(&tree, &onto).on(c"move_mount", place).map(|()| tree)?,
        Held::Name(source) => bind_by_name(job, &source, place, &onto)?,
    };
    match restrictions(job, bind, is_dir) {
        0 => Ok(()),
        flags => mount::restrict_tree(&top, flags).on(c"mount_setattr", place),
    }
}

/// Where to mount, inside: what the path leads to there, made if it is missing. Not the root itself, over which
/// nothing may lie.
fn find_place(job: &Job, place: &'static CStr, is_dir: bool) -> Result<Fd, Fault> {
    let root = job.root()?;
    let found = if is_dir {
        inside::make_dir(root, place).on(c"mkdir", place)?
    } else {
        inside::make_file(root, place).on(c"create", place)?
    };
    if file::is_dir(&found).on(c"stat", place)? != is_dir {
        Err(if is_dir { Errno::ENOTDIR } else { Errno::EISDIR }).on(c"mount", place)
    } else if file::are_same(&found, root).on(c"stat", place)? {
        Err(Errno::EBUSY).on(c"mount", place)
    } else {
        Ok(found)
    }
}

/// By mount(2), which returns no descriptor of the new mount: the path is looked up once more, and checked.
#[cold]
#[inline(never)]
fn bind_by_name(job: &Job, source: &Fd, place: &'static CStr, onto: &Fd) -> Result<Fd, Fault> {
    mount::bind_onto(source, onto).on(c"mount", place)?;
    let top = inside::find(job.root()?, place).on(c"open", place)?;
    if file::are_same(source, &top).on(c"stat", place)? { Ok(top) } else { Err(Errno::ESTALE).on(c"open", place) }
}

/// What a bind loses: the right to be written to if it was asked for; and, where device files would
/// open, those in a directory open nothing. A device that is named itself does.
fn restrictions(job: &Job, bind: &Bind, is_dir: bool) -> u64 {
    let no_devices = if is_dir && job.config.lets_devices_open() { mount::NO_DEVICES } else { 0 };
    no_devices | if bind.read_only { mount::READ_ONLY } else { 0 }
}
