//! Clocks.

use crate::launch::fault::{Fault, On};
use crate::launch::job::Job;
use crate::sys::{Errno, process};

/// A kernel that would leave the command itself where it is.
pub(in crate::launch) fn check_kernel(_: &mut Job) -> Result<(), Fault> {
    if process::has_time_namespaces() { Ok(()) } else { Err(Errno::NO_TIME_NAMESPACES).of(c"unshare CLONE_NEWTIME") }
}

/// A time namespace for whatever is executed from here on. clone(2) cannot make one.
pub(in crate::launch) fn leave_clocks(_: &Job) -> Result<(), Fault> {
    process::leave_time_namespace().of(c"unshare CLONE_NEWTIME")
}
