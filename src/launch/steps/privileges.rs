//! What the command may do.

use crate::launch::fault::{Fault, On};
use crate::launch::job::Job;
use crate::sys::process::{self, CapabilitySets};
use crate::sys::{Errno, file};
use core::ffi::CStr;

/// The half-made child shares our memory and all its capabilities. To root inside another container without -uid
/// it lies open, if that sees its pid: in its own user namespace because that one's owner has all capabilities
/// there, and without one as soon as it has given up what others have not got. Not dumpable, it takes
/// CAP_SYS_PTRACE outside. Root alone needs this, and can: everybody else's containers have user namespaces,
/// none of which owns another; and would lose the /proc files that the id maps are written to.
pub(in crate::launch) fn close_memory(job: &mut Job) -> Result<(), Fault> {
    const MAPS: &CStr = c"/proc/self/setgroups";
    process::close_memory(true).of(c"prctl PR_SET_DUMPABLE")?;
    // Somebody else who has the number that stands for root here, and who starts nothing so. Root by another number may
    // still write there, where 0 is not somebody else.
    if job.config.user && job.config.caller_uid != 0 && !file::is_there(MAPS, libc::W_OK) {
        process::close_memory(false).of(c"prctl PR_SET_DUMPABLE")?;
    }
    Ok(())
}

/// Before anything is created in a tree of its own: there a caller's habits have no place. On the host's
/// tree the caller's mask stays.
pub(in crate::launch) fn set_umask(_: &Job) -> Result<(), Fault> {
    file::set_umask(0o022).of(c"umask").map(drop)
}

/// What execve(2) would give back to root leaves the bounding set. That takes a call for each, of 1 µs;
/// there is no call for several.
pub(in crate::launch) fn bound_capabilities(job: &Job) -> Result<(), Fault> {
    let allowed = job.config.allowed_capabilities();
    let added = job.config.capabilities.added;
    if added != 0 && added & !process::capabilities().of(c"capget")?.permitted != 0 {
        return Err(Errno::EPERM).of(c"capget"); // the caller has not got it: better now than a surprise later
    }
    for capability in (0..u64::BITS).filter(|capability| allowed & 1 << capability == 0) {
        match process::drop_from_bounding(capability) {
            Err(Errno::EINVAL) => break, // the kernel has no more
            result => result.of(c"prctl PR_CAPBSET_DROP")?,
        }
    }
    // A new user namespace starts with the usual bits; without one they are the caller's.
    if allowed == 0 {
        process::set_secure_bits(NO_POWERS).of(c"prctl PR_SET_SECUREBITS")
    } else if !job.config.user {
        process::set_secure_bits(0).of(c"prctl PR_SET_SECUREBITS")
    } else {
        Ok(())
    }
}

/// Without capabilities uid 0 is a user id as any other, for good: NOROOT, NO_SETUID_FIXUP and
/// NO_CAP_AMBIENT_RAISE, each locked, and KEEP_CAPS locked at off.
const NO_POWERS: u32 = 0b1110_1111;

/// The command's capabilities, in the four sets that are left beside the bounding one: late, as its ids may have
/// changed on the way.
pub(in crate::launch) fn give_up(job: &Job) -> Result<(), Fault> {
    keep(job.config.allowed_capabilities())
}

/// PID 1 keeps what the command has, so that it may be its tracer, and what it takes to signal a command
/// that has become somebody else.
pub(in crate::launch) fn keep_for_signals(job: &Job) -> Result<(), Fault> {
    const CAP_KILL: u64 = 1 << 5;
    keep(job.config.allowed_capabilities() | CAP_KILL)
}

fn keep(wanted: u64) -> Result<(), Fault> {
    let permitted = process::capabilities().of(c"capget")?.permitted & wanted;
    let sets = CapabilitySets { effective: permitted, permitted, inheritable: 0 };
    process::set_capabilities(sets).of(c"capset") // and with them the ambient set
}

/// For what is executed from here on, set-user-id bits and file capabilities count for nothing.
pub(in crate::launch) fn refuse_new(_: &Job) -> Result<(), Fault> {
    process::refuse_new_privileges().of(c"prctl PR_SET_NO_NEW_PRIVS")
}

/// The caller's keys stay the caller's.
pub(in crate::launch) fn leave_keyring(job: &Job) -> Result<(), Fault> {
    match process::new_session_keyring() {
        // A kernel without keys, or a filter that keeps the command from them too.
        Err(Errno::ENOSYS | Errno::EPERM) => Ok(()),
        // An ordinary user has 200 keys, kernel.keys.maxkeys: then our filter alone keeps the command from the caller's.
        Err(Errno::EDQUOT) if job.config.wants_default_filter() => Ok(()),
        result => result.of(c"keyctl KEYCTL_JOIN_SESSION_KEYRING"),
    }
}
