//! Between parent and child: making it, joining it, outliving neither.

use crate::launch::fault::{CANNOT_START, Fault, On};
use crate::launch::job::{Job, Running};
use crate::sys::{file, process};

/// The pipe that the byte "go" comes through.
pub(in crate::launch) fn make_pipe(job: &mut Job) -> Result<(), Fault> {
    job.go = Some(file::pipe().of(c"pipe2")?);
    Ok(())
}

/// The pipe that tells the launcher of the command's execve(2): close-on-exec, it ends there.
pub(in crate::launch) fn make_start_pipe(job: &mut Job) -> Result<(), Fault> {
    job.started = Some(file::pipe().of(c"pipe2")?);
    Ok(())
}

/// One clone(2) makes the child and all its namespaces.
pub(in crate::launch) fn make_child(running: &Running) -> Result<(), Fault> {
    let child = crate::launch::spawn_child(running.job).of(c"clone")?;
    running.child.set(Some(child));
    Ok(())
}

/// The maps are written: whatever depends on ids may happen now.
pub(in crate::launch) fn let_go(running: &Running) -> Result<(), Fault> {
    match &running.job.go {
        Some(go) => file::write(go.write.number(), b"g").of(c"write").map(drop),
        None => Ok(()),
    }
}

/// What is the launcher's alone. With its end of the pipe the child would never see that end. And no directory of the
/// host may be open when a name is looked up inside, the command's or its interpreter's by the kernel too: from
/// `/proc/self/fd/N` the way leads up to the host's root, and close-on-exec is too late for that.
pub(in crate::launch) fn leave_launchers(job: &Job) -> Result<(), Fault> {
    if let Some(go) = &job.go {
        go.write.close_copy();
    }
    if let Some(cgroup) = job.cgroup {
        cgroup.own.close_copy();
        cgroup.leaf.close_copy();
    }
    Ok(())
}

/// From here on the kernel kills us when the launcher dies. That it has not died before, the pipe tells.
pub(in crate::launch) fn die_with_parent(_: &Job) -> Result<(), Fault> {
    process::die_with_parent().of(c"prctl PR_SET_PDEATHSIG")
}

/// The same once more: with other ids the kernel has forgotten it. Had the launcher died in between, the
/// pipe's other end would be closed.
pub(in crate::launch) fn die_with_parent_again(job: &Job) -> Result<(), Fault> {
    process::die_with_parent().of(c"prctl PR_SET_PDEATHSIG")?;
    match &job.go {
        Some(go) if file::is_hung_up(&go.read).of(c"poll")? => process::exit(CANNOT_START),
        _ => Ok(()),
    }
}

/// Waits for "go". Without it, or if the pipe's other end has gone since, the launcher is dead and nobody
/// is left to hear of anything: a dying parent closes its files before the kernel looks for children to
/// signal (exit_files and exit_notify in kernel/exit.c), so one of the two is certain.
pub(in crate::launch) fn await_go(job: &Job) -> Result<(), Fault> {
    let Some(go) = &job.go else { return Ok(()) };
    let heard = file::read(&go.read, &mut [0]).of(c"read")?;
    if heard == 0 || file::is_hung_up(&go.read).of(c"poll")? {
        process::exit(CANNOT_START);
    }
    Ok(())
}
