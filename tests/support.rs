//! What tests are made of: users, a root file system, a run of the program, and what came of it.
#![allow(unsafe_code, reason = "what a caller may do to a program takes raw calls; all of them are here")]

mod case;
mod files;
mod host;
mod outcome;
mod pty;
mod running;
mod seccomp;
mod skips;
mod users;
mod vm;
mod watch;

pub use case::{Case, LISTENER};
pub use files::{Folder, find_program, gontainer, is_static, need_program, rootfs, work};
pub use host::{
    Random, await_end_of, children_of, exchange, kill, marker, mounts, namespace, processes_with, spin,
    waiting_in_pipes,
};
pub use outcome::Outcome;
pub use running::Running;
pub use seccomp::{Filter, When};
pub use skips::skip;
pub use users::{Start, User, root_users, starts, users};
pub use vm::Machine;
pub use watch::{Fault, Seen};

use std::io;
use std::time::Duration;

/// Long enough for any machine; only what hangs takes it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What a call of libc's returned, with its error if it failed.
fn check<N: Into<libc::c_long>>(result: N) -> io::Result<()> {
    if result.into() < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
