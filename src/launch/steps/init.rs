//! PID 1: the same memory image, staying on to reap orphans and to pass signals on.

use crate::launch::fault::{Fault, On};
use crate::launch::job::Job;
use crate::launch::supervise::{Role, Supervisor};
use crate::sys::{file, process};
use core::convert::Infallible;

/// PID 1 shares the launcher's memory, and root inside could write there through /proc/1/mem: an escape,
/// tried on 6.18. Not dumpable, it is closed to everyone inside. Only now: it makes PID 1's /proc files
/// root's, and an ordinary user could not have written the maps any more.
pub(in crate::launch) fn close_to_the_container(_: &Job) -> Result<(), Fault> {
    process::close_memory(true).of(c"prctl PR_SET_DUMPABLE")
}

/// The command gets a process of its own.
pub(in crate::launch) fn start_command(job: &Job) -> Result<(), Fault> {
    let command = crate::launch::spawn_command(job).of(c"clone")?;
    job.shared.set_command(command);
    Ok(())
}

/// Holds nothing that is worth having: only the terminal, to hand it on, the pipe to tell of stops, and in a
/// benchmark our own file, which is the command.
pub(in crate::launch) fn close_descriptors(job: &Job) -> Result<(), Fault> {
    if let Some(started) = &job.started {
        started.write.close_copy(); // first: the launcher waits for its end
        started.read.close_copy();
    }
    let terminal = job.terminal.map(|terminal| terminal.fd);
    for fd in (0..=2).filter(|fd| Some(*fd) != terminal) {
        file::close_number(fd);
    }
    if let Some(go) = &job.go {
        go.read.close_copy();
    }
    if let Some(stops) = &job.stops {
        stops.read.close_copy();
    }
    for (number, _) in job.config.kept_descriptors.iter() {
        file::close_number(*number);
    }
    if let Some(root) = job.root.get() {
        root.close_copy();
    }
    if let Some(cgroup) = job.cgroup {
        cgroup.entry.close_copy();
    }
    file::change_dir(c"/").on(c"chdir", c"/") // so that no mount is kept busy
}

/// Until the command ends; then the kernel ends whatever else is in the PID namespace.
pub(in crate::launch) fn serve(job: &Job) -> Result<Infallible, Fault> {
    let status = Supervisor::new(job, Role::Init, job.shared.command()).until_end()?;
    process::exit(status)
}
