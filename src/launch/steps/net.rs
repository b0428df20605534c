//! The network. A new network namespace has only `lo`, and that is down. To raise it takes the kernel
//! longer than anything else of a start, the namespace itself aside (80 µs of 800 on 6.18), so whoever of
//! parent and child is free first does it: the child is busy with mounts, the parent with id maps.

use crate::launch::fault::{Fault, On};
use crate::launch::job::{Job, Running};
use crate::sys::{Fd, net, process};

/// Opens what interface requests go through, in the new network namespace.
pub(in crate::launch) fn open_socket(job: &Job) -> Result<(), Fault> {
    let socket = net::open_socket().of(c"socket")?;
    job.shared.set_network_socket(socket.into_number());
    Ok(())
}

/// How often the parent looks for the child's socket: at most some 20 µs, in which it has nothing else to do.
const LOOKS: usize = 400;

/// The parent's try, through the child's socket. Without a way to get it, the child is left to it.
pub(in crate::launch) fn raise_loopback_for_child(running: &Running) -> Result<(), Fault> {
    match copy_socket(running) {
        Some(socket) if running.job.shared.claim_loopback() => raise(socket.number()),
        _ => Ok(()),
    }
}

fn copy_socket(running: &Running) -> Option<Fd> {
    let child = process::open_pidfd(running.child.get()?).ok()?;
    let look = |_| {
        core::hint::spin_loop();
        running.job.shared.network_socket()
    };
    let number = (0..LOOKS).find_map(look)?;
    process::copy_descriptor(&child, number).ok() // SINCE(5.6): pidfd_getfd; refused where nobody may ptrace
}

/// The child's try, and the end of the socket.
pub(in crate::launch) fn raise_loopback(job: &Job) -> Result<(), Fault> {
    let Some(number) = job.shared.network_socket() else { return Ok(()) };
    let result = if job.shared.claim_loopback() { raise(number) } else { Ok(()) };
    crate::sys::file::close_number(number);
    result
}

fn raise(socket: i32) -> Result<(), Fault> {
    net::raise_loopback(socket).on(c"ioctl SIOCSIFFLAGS", c"lo")
}
