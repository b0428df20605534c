//! The host name.

use super::{Errno, call};
use core::ffi::CStr;

/// sethostname(2), of the caller's UTS namespace. At most 64 bytes.
pub(crate) fn set_host_name(name: &CStr) -> Result<(), Errno> {
    // SAFETY: the kernel reads as many bytes as it is told.
    unsafe { call!(SETHOSTNAME, name, name.count_bytes()) }.map(drop)
}

/// What uname(2) tells: the kernel's struct new_utsname.
#[repr(C)]
pub(crate) struct Names {
    system: [u8; 65],
    host: [u8; 65],
    others: [[u8; 65]; 4],
}

impl Names {
    /// The host name.
    pub(crate) fn host(&self) -> &[u8] {
        self.host.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

/// uname(2).
pub(crate) fn names() -> Result<Names, Errno> {
    let mut names = Names { system: [0; 65], host: [0; 65], others: [[0; 65]; 4] };
    // SAFETY: the kernel fills in the structure.
    unsafe { call!(UNAME, &raw mut names) }?;
    Ok(names)
}
