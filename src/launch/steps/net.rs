//! The network.

use crate::launch::fault::{Fault, On};
use crate::launch::job::Job;
use crate::sys::net;

/// A new network namespace has only `lo`, and that is down.
pub(in crate::launch) fn raise_loopback(_: &Job) -> Result<(), Fault> {
    net::raise_loopback().on("ioctl SIOCSIFFLAGS", c"lo")
}
