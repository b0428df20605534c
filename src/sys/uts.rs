//! The host name.

use super::{Errno, call};
use crate::text::{first_part, parts};
use core::ffi::CStr;

/// sethostname(2), of the caller's UTS namespace. At most 64 bytes.
///
/// # Errors
/// EPERM: no CAP_SYS_ADMIN over this namespace.
pub(crate) fn set_host_name(name: &CStr) -> Result<(), Errno> {
    // SAFETY: the kernel reads as many bytes as it is told.
    unsafe { call!(SETHOSTNAME, name, name.count_bytes()) }.map(drop)
}

/// What uname(2) tells: the kernel's struct new_utsname.
#[repr(C)]
pub(crate) struct Names {
    system: [u8; 65],
    host: [u8; 65],
    release: [u8; 65],
    others: [[u8; 65]; 3],
}

impl Names {
    /// The host name.
    pub(crate) fn host(&self) -> &[u8] {
        first_part(&self.host, 0)
    }

    /// The kernel's release.
    pub(crate) fn release(&self) -> &[u8] {
        first_part(&self.release, 0)
    }

    /// Whether the kernel is of this version or later, as in `6.2`. For what no call tells apart.
    pub(crate) fn is_since(&self, major: u32, minor: u32) -> bool {
        version(&self.release) >= (major, minor)
    }
}

/// The first two numbers of a release, `6.1.0-31-amd64`.
fn version(release: &[u8]) -> (u32, u32) {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
    let number = |text: &[u8]| text.iter().map_while(digit).fold(0_u32, |sum, digit| sum.saturating_mul(10) + digit);
    let mut parts = parts(release, b'.').map(number);
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// uname(2).
///
/// # Errors
/// Only if a filter refuses the call.
pub(crate) fn names() -> Result<Names, Errno> {
    let mut names = Names { system: [0; 65], host: [0; 65], release: [0; 65], others: [[0; 65]; 3] };
    // SAFETY: the kernel fills in the structure.
    unsafe { call!(UNAME, &raw mut names) }?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_numbers() {
        assert_eq!(version(b"6.1.0-31-amd64\0"), (6, 1));
        assert_eq!(version(b"4.18\0junk"), (4, 18));
        assert_eq!(version(b"6-rc1"), (6, 0));
        assert_eq!(version(b""), (0, 0));
        assert!(version(b"5.19.9") < (6, 2) && version(b"10.0") > (6, 2));
    }
}
