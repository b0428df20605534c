//! Network interfaces.

use super::{Errno, Fd, call};

/// Brings the loopback interface of the caller's network namespace up; the kernel then gives it
/// 127.0.0.1 and ::1 by itself. netdevice(7).
pub(crate) fn raise_loopback() -> Result<(), Errno> {
    // Any family's socket takes interface requests.
    // SAFETY: takes numbers only.
    let socket = unsafe { call!(SOCKET, libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC) };
    let socket = Fd::from_result(socket?);
    let mut request =
        libc::ifreq { ifr_name: [0; libc::IFNAMSIZ], ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_flags: 0 } };
    for (to, from) in request.ifr_name.iter_mut().zip(*b"lo") {
        *to = core::ffi::c_char::from_ne_bytes([from]); // signed on some architectures
    }
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).unwrap_or(0);
    // SAFETY: the kernel reads the whole request.
    unsafe { call!(IOCTL, socket.number(), libc::SIOCSIFFLAGS, &raw const request) }.map(drop)
}
