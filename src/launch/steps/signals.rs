//! Signals, and the groups they go to.

use crate::launch::fault::{Fault, On};
use crate::launch::job::Job;
use crate::sys::process;
use crate::sys::signal::{self, SignalSet};

/// Blocks all signals, so that none is lost during the start, and lets children leave a status even if
/// the caller ignores SIGCHLD.
pub(in crate::launch) fn hold(job: &mut Job) -> Result<(), Fault> {
    job.caller_mask = signal::swap_mask(SignalSet::ALL).of(c"rt_sigprocmask")?;
    job.caller_ignores_children = signal::ignore_child_signal(false).of(c"rt_sigaction")?;
    Ok(())
}

/// Gives back what [`hold`] took, in the command's process: it starts as if its caller had started it.
pub(in crate::launch) fn release(job: &Job) -> Result<(), Fault> {
    job.shared.set_released();
    if job.caller_ignores_children {
        signal::ignore_child_signal(true).of(c"rt_sigaction")?;
    }
    signal::swap_mask(job.caller_mask).of(c"rt_sigprocmask")?;
    Ok(())
}

/// Leaves the parent's process group: a key on the terminal then signals the launcher once, and it alone
/// hands it on.
pub(in crate::launch) fn lead_group(job: &Job) -> Result<(), Fault> {
    // To PID 1 its session means nothing, and the kernel's autogroups make each setsid(2) take 15 µs (6.18). But root's
    // root may write to /proc/1/autogroup.
    if job.config.wants_init() && !job.config.is_real_root() {
        process::lead_group().of(c"setpgid")
    } else {
        lead_commands_group(job)
    }
}

/// The same for the command. Without a terminal among the standard descriptors it leaves the session, too: else it had by
/// /dev/tty the one that the session has, and a SIGTSTP would stop it, where nobody continues it.
pub(in crate::launch) fn lead_commands_group(job: &Job) -> Result<(), Fault> {
    match job.terminal {
        Some(_) => process::lead_group().of(c"setpgid"),
        None => process::lead_session().of(c"setsid"),
    }
}
