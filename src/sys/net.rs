//! Network interfaces.

use super::{Errno, Fd, call};

/// A socket for interface requests in the caller's network namespace, socket(2): any family's takes them.
///
/// # Errors
/// EAFNOSUPPORT: a kernel without this family.
pub(crate) fn open_socket() -> Result<Fd, Errno> {
    // SAFETY: takes numbers only.
    unsafe { call!(SOCKET, libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC) }.map(Fd::from_result)
}

/// Brings the loopback interface of this socket's network namespace up; the kernel then gives it
/// 127.0.0.1 and ::1 by itself. netdevice(7).
///
/// # Errors
/// EPERM: no CAP_NET_ADMIN in the user namespace that owns the network.
pub(crate) fn raise_loopback(socket: i32) -> Result<(), Errno> {
    let mut request =
        libc::ifreq { ifr_name: [0; libc::IFNAMSIZ], ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_flags: 0 } };
    for (to, from) in request.ifr_name.iter_mut().zip(*b"lo") {
        *to = core::ffi::c_char::from_ne_bytes([from]); // signed on some architectures
    }
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).unwrap_or(0);
    // SAFETY: the kernel reads the whole request.
    unsafe { call!(IOCTL, socket, libc::SIOCSIFFLAGS, &raw const request) }.map(drop)
}
