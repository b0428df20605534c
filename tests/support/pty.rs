//! A terminal to put a program on.

use super::check;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// A new pseudo-terminal of 80 columns and 24 rows: our side, and the program's.
pub(super) fn open() -> io::Result<(OwnedFd, OwnedFd)> {
    let (mut master, mut slave) = (-1, -1);
    let size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    let none = std::ptr::null_mut();
    // SAFETY: two places for numbers, no place for a name, default settings, and one size to read.
    check(unsafe { libc::openpty(&raw mut master, &raw mut slave, none, none.cast(), (&raw const size).cast_mut()) })?;
    let owned = [master, slave].map(|fd| {
        // SAFETY: takes numbers only.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        // SAFETY: just opened, and owned by nobody else.
        unsafe { OwnedFd::from_raw_fd(fd) }
    });
    Ok(owned.into())
}

/// The program will lead a session which this terminal controls.
pub(super) fn lead_session(command: &mut Command, slave: i32) {
    let lead = move || {
        // SAFETY: takes nothing.
        check(unsafe { libc::setsid() })?;
        // SAFETY: takes numbers only.
        check(unsafe { libc::ioctl(slave, libc::TIOCSCTTY, 0) })
    };
    // SAFETY: two raw calls.
    unsafe { command.pre_exec(lead) };
}

/// Our side of a terminal.
pub struct Terminal<'a>(&'a File);

impl<'a> Terminal<'a> {
    pub(super) fn new(master: &'a File) -> Terminal<'a> {
        Terminal(master)
    }

    /// As from the keyboard: `\x03` is Ctrl-C, `\x1a` Ctrl-Z.
    pub fn types(&self, text: &str) {
        (&mut &*self.0).write_all(text.as_bytes()).unwrap();
    }

    pub fn resize(&self, rows: u16, columns: u16) {
        let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: the kernel reads one size.
        check(unsafe { libc::ioctl(self.0.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) }).unwrap();
    }

    /// The process group in the foreground.
    pub fn foreground(&self) -> i32 {
        let mut group = 0_i32;
        // SAFETY: the kernel writes one number.
        check(unsafe { libc::ioctl(self.0.as_raw_fd(), libc::TIOCGPGRP, &raw mut group) }).unwrap();
        group
    }
}
