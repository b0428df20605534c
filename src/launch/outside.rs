//! The child's files in /proc, as the launcher writes them from outside.
//!
//! It is the /proc of the launcher's own mount namespace; to what a container has to offer nothing is ever
//! written. Whose /proc that is, the launcher cannot choose: root may have been led to where somebody else made
//! the tree, with a /proc of files and links. An id map written through `/proc/PID`, a link to another
//! process, would make that process root. So the directory is opened once, no link, seen to be the kernel's and
//! of our own PID namespace, and all names are looked up in it, while the child is busy. What is left is who may
//! mount there: any name can be any file then, and no program can help.

use super::fault::{Fault, On};
use super::job::Running;
use crate::sys::file::{self, Open};
use crate::sys::{Errno, Fd, Pid, process};
use crate::text::Text;
use core::ffi::CStr;
use core::mem::ManuallyDrop;

/// Writes all of such a file.
pub(super) fn write(running: &Running, file: &'static CStr, content: &[u8]) -> Result<(), Fault> {
    let opened = open(running, file, Open::Write)?;
    file::write(opened.number(), content).on(c"write", file).map(drop)
}

/// Opens such a file.
pub(super) fn open(running: &Running, file: &'static CStr, how: Open) -> Result<Fd, Fault> {
    let dir = match running.proc.get() {
        Some(dir) => dir,
        None => {
            let dir = open_dir(running)?;
            running.proc.get_or_init(|| ManuallyDrop::new(dir)) // left to the end of the process, which is near
        }
    };
    file::open_at(dir, file, how).on(c"open", file)
}

const PROC: &CStr = c"/proc";

/// The child is not reaped yet, so its pid is still its own.
fn open_dir(running: &Running) -> Result<Fd, Fault> {
    let child = running.child.get().unwrap_or(Pid(0)); // in a rehearsal there is none
    running.number.set(child.0.unsigned_abs());
    let mut path = Text::<32>::new();
    path.push(b"/proc/").push_number(running.number.get().into());
    match file::open(path.c_str_or_empty(), Open::RealDir) {
        Ok(dir)
            if file::is_in_proc(&dir).on(c"fstatfs", PROC)?
                && process::is_in_own_proc(&dir).on(c"readlinkat", PROC)? =>
        {
            Ok(dir)
        }
        found @ (Ok(_) | Err(Errno::ENOENT)) => open_by_other_number(running, child, found),
        other => other.on(c"open", PROC),
    }
}

/// The same in a /proc of a PID namespace further out, as it is after `unshare -pf`: there the child has another
/// number, its pidfd tells which, and its pid may be a stranger's, who would be given our ids.
#[cold]
#[inline(never)]
fn open_by_other_number(running: &Running, child: Pid, found: Result<Fd, Errno>) -> Result<Fd, Fault> {
    let proc = file::open(PROC, Open::Name).on(c"open", PROC)?;
    if !file::is_in_proc(&proc).on(c"fstatfs", PROC)? {
        return found.and(Err(Errno::NOT_PROC)).on(c"open", PROC);
    }
    let child = process::open_pidfd(child).of(c"pidfd_open")?;
    let mut path = Text::<32>::new();
    path.push(b"self/fdinfo/").push_number(child.number().unsigned_abs().into());
    let number = file::open_at(&proc, path.c_str_or_empty(), Open::Read)
        .and_then(|info| file::number_behind(&info, b"Pid:"))
        .ok()
        .flatten()
        .and_then(|number| u32::try_from(number).ok());
    let number = number.filter(|number| *number > 0).ok_or(Errno::OTHERS_PROC).on(c"open", PROC)?;
    running.number.set(number);
    let mut name = Text::<32>::new();
    name.push_number(number.into());
    file::open_at(&proc, name.c_str_or_empty(), Open::RealDir).on(c"open", PROC)
}
