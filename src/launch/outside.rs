//! The child's files in /proc, as the launcher writes them from outside.
//!
//! It is the /proc of the launcher's own mount namespace; to what a container has to offer nothing is ever
//! written. Whose /proc that is, the launcher cannot choose: root may have been led to where somebody else made
//! the tree, with a /proc of files and links. An id map written through `/proc/PID`, a link to another
//! process, would make that process root. So the directory is opened once, no link, seen to be the kernel's,
//! and all names are looked up in it: that takes two calls, while the child is busy. What is left is who may
//! mount there: any name can be any file then, and no program can help.

use super::fault::{Fault, On};
use super::job::Running;
use crate::sys::file::{self, Open};
use crate::sys::{Errno, Fd};
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

/// The child is not reaped yet, so its pid is still its own.
fn open_dir(running: &Running) -> Result<Fd, Fault> {
    let pid = running.child.get().map_or(0, |child| child.0.unsigned_abs());
    let mut path = Text::<32>::new();
    path.push(b"/proc/").push_number(pid.into());
    let dir = file::open(path.c_str_or_empty(), Open::RealDir).on(c"open", c"/proc")?;
    if file::is_in_proc(&dir).on(c"fstatfs", c"/proc")? { Ok(dir) } else { Err(Errno::NOT_PROC).on(c"open", c"/proc") }
}
