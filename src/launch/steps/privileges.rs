//! What the command may do.

use crate::launch::fault::{Fault, On};
use crate::launch::job::Job;
use crate::sys::Errno;
use crate::sys::process::{self, CapabilitySets};

/// What Docker leaves to root by default, by number, capabilities(7): CHOWN, DAC_OVERRIDE, FOWNER, FSETID,
/// KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD, AUDIT_WRITE, SETFCAP.
const KEPT: [u32; 14] = [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31];

const fn kept() -> u64 {
    let mut set = 0;
    let mut rest: &[u32] = &KEPT;
    while let [first, others @ ..] = rest {
        set |= 1 << *first;
        rest = others;
    }
    set
}

/// Leaves real root, who owns the host's `/proc/sys` and could unmount what covers it or trace PID 1, only
/// the kept capabilities, in all five sets.
pub(in crate::launch) fn cut_capabilities(_: &Job) -> Result<(), Fault> {
    for capability in 0..u64::BITS {
        if kept() & 1 << capability == 0 {
            match process::drop_from_bounding(capability) {
                Err(Errno::EINVAL) => break, // the kernel has no more
                result => result.of("prctl PR_CAPBSET_DROP")?,
            }
        }
    }
    let permitted = process::capabilities().of("capget")?.permitted & kept();
    let sets = CapabilitySets { effective: permitted, permitted, inheritable: 0 };
    process::set_capabilities(sets).of("capset") // and with them the ambient set
}

/// The caller's keys stay the caller's.
pub(in crate::launch) fn leave_keyring(_: &Job) -> Result<(), Fault> {
    match process::new_session_keyring() {
        // A kernel without keys, or a filter that keeps the command from them too.
        Err(Errno::ENOSYS | Errno::EPERM) => Ok(()),
        result => result.of("keyctl KEYCTL_JOIN_SESSION_KEYRING"),
    }
}
