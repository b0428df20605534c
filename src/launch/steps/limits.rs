//! What the command may take of the machine, process by process. setrlimit(2), proc(5), setpriority(2).

use crate::launch::fault::{Fault, On};
use crate::launch::job::{Job, Running};
use crate::launch::outside;
use crate::sys::process::{self, Limits};

/// Raises our own hard limits where the command's are to be higher, while we still have the capability that
/// this takes: inside a user namespace nobody has. What is to be lower waits: it is not for PID 1.
pub(in crate::launch) fn raise_hard(job: &mut Job) -> Result<(), Fault> {
    for (words, limit) in job.config.resource_limits.iter().filter(|limit| job.config.is_last_limit(limit)) {
        let own = process::resource_limits(limit.resource).on(c"prlimit64", words)?;
        if limit.hard > own.hard {
            let raised = Limits { soft: own.soft, hard: limit.hard };
            process::limit_resource(limit.resource, raised).on(c"prlimit64", words)?;
        }
    }
    Ok(())
}

/// Sets the limits of the command's process alone.
pub(in crate::launch) fn limit_resources(job: &Job) -> Result<(), Fault> {
    for (words, limit) in job.config.resource_limits.iter().filter(|limit| job.config.is_last_limit(limit)) {
        let limits = Limits { soft: limit.soft, hard: limit.hard };
        process::limit_resource(limit.resource, limits).on(c"prlimit64", words)?;
    }
    Ok(())
}

/// How soon the kernel kills the container when memory runs out; all its processes inherit that. From
/// outside, as the container's /proc is not to be trusted. The kernel sets it for everyone who shares the
/// child's memory, so for us too.
pub(in crate::launch) fn adjust_oom(running: &Running) -> Result<(), Fault> {
    outside::write(running, c"oom_score_adj", running.config().oom.unwrap_or_default().to_bytes())
}

/// The niceness of the child, which all processes of the container inherit. From outside: to lower it takes
/// a capability that nobody inside a user namespace has.
pub(in crate::launch) fn set_niceness(running: &Running) -> Result<(), Fault> {
    match (running.child.get(), running.config().nice) {
        (Some(child), Some(nice)) => process::set_niceness(child, nice).of(c"setpriority"),
        _ => Ok(()),
    }
}
