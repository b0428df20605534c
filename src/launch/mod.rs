//! One container, from a description to an exit status. The order of things is in [`plan`].
#![allow(unsafe_code)]

mod fault;
mod inside;
mod job;
mod outside;
mod plan;
mod shared;
mod steps;
mod supervise;
mod workbench;

pub(crate) use fault::{Failure, Fault};
pub(crate) use shared::Interpreter;
#[cfg_attr(test, expect(unused_imports, reason = "main asks"))]
pub(crate) use steps::command::is_no_command;

use crate::config::{Command, Config};
use crate::sys::process::{self, Event, Stack};
use crate::sys::recorder::{self, Side};
use crate::sys::{Errno, Name, Pid, file};
use core::mem::ManuallyDrop;
pub(crate) use fault::CANNOT_START;
use fault::On;
use job::{Job, Running};
use shared::Shared;
use steps::ids::{Helper, become_helper};
use supervise::{Role, Supervisor};

/// What the child may use; the deepest call, the walk by hand to where something is bound, takes a third. Half a
/// page less than whole ones: what a start touches of the child's, less than that half, lies on one page with
/// the small statics and the arena's beginning. Hence the sections, in order of their names: build.rs.
const STACK_BYTES: usize = (32 << 10) - (2 << 10);

#[repr(align(4096))]
struct OnPages<T>(T);

/// Of the command between PID 1 and its execve.
#[unsafe(link_section = ".bss.!1")]
static COMMAND_STACK: OnPages<Stack<STACK_BYTES>> = OnPages(Stack::new());
/// Of PID 1, or of the command where there is no PID 1 of ours.
#[unsafe(link_section = ".bss.!2")]
static CHILD_STACK: Stack<STACK_BYTES> = Stack::new();

/// What became of a launch.
pub(crate) enum Outcome {
    /// The command ran and ended; its exit status, or 128 and the number of the signal that killed it.
    Ended(i32),
    /// As above; and memory had run out, within the container's limit, and the kernel killed for it.
    OutOfMemory(i32),
    /// SIGINT killed it, on a terminal: a shell that waits for us acts by what ended us, not by a number.
    Interrupted,
    /// It never ran: why not, and the missing interpreter if that was it.
    NotStarted(Failure, Option<Interpreter>),
}

/// What the launcher does once there is a container, in a step's place.
const WAIT: Name = Name::of(c"wait for the container");

/// Starts a container and waits until its command has ended. If the config wants notice of the start,
/// `started` is called once the command was executed, or with the reason why not.
pub(crate) fn run(config: &Config, command: &Command, started: &mut dyn FnMut(Option<&Failure>)) -> Outcome {
    let shared = Shared::new();
    let result = launch(config, command, &shared, started);
    // A child's own word comes first: what the launcher saw of it is only the consequence.
    match (shared.failure(), result) {
        (Some(failure), _) | (None, Err(failure)) => Outcome::NotStarted(failure, shared.interpreter()),
        (None, Ok(status)) if shared.ran_out_of_memory() => Outcome::OutOfMemory(status),
        (None, Ok(_)) if shared.was_interrupted() && !shared.time_is_over() => Outcome::Interrupted,
        (None, Ok(status)) => Outcome::Ended(status),
    }
}

fn launch(
    config: &Config,
    command: &Command,
    shared: &Shared,
    started: &mut dyn FnMut(Option<&Failure>),
) -> Result<i32, Failure> {
    // Never dropped: this process ends next, and its descriptors with it.
    let mut job = ManuallyDrop::new(Job::new(config, command, shared));
    let result = plan::prepare(&mut job).and_then(|()| run_to_end(&job, started));
    if let Some(cgroup) = job.cgroup
        && steps::cgroup::remove(config, cgroup)
    {
        shared.set_out_of_memory();
    }
    result
}

fn run_to_end(job: &Job, started: &mut dyn FnMut(Option<&Failure>)) -> Result<i32, Failure> {
    let running = Running::new(job);
    plan::parent(&running)?;
    let Some(child) = running.child.get() else { return Ok(CANNOT_START) };
    if let Some(pipe) = &job.started {
        recorder::step(Name::of(c"see the command start"));
        pipe.write.close_copy();
        let _ = file::read(&pipe.read, &mut [0]); // its end, or as good as that
        started(job.shared.failure().as_ref());
    }
    let role = if job.config.wants_init() { Role::LauncherOfInit } else { Role::LauncherOfCommand };
    let status = Supervisor::new(job, role, child).until_end().map_err(|fault| Failure { step: WAIT, fault })?;
    running.child.set(None); // it was reaped: nothing left to kill
    Ok(status)
}

/// The least that a start like this can cost, to compare with: one clone(2) with the same namespaces, in
/// which the same command is executed, in a rootfs by chroot(2). No id maps, no mounts, no PID 1, no care.
/// `started` is called when the command was executed or failed to be; returns the exit status, or why there is
/// none.
#[cold]
pub(crate) fn run_bare(config: &Config, command: &Command, started: &mut dyn FnMut()) -> Result<i32, Fault> {
    let shared = Shared::new();
    let mut job = ManuallyDrop::new(Job::new(config, command, &shared));
    if config.wants_no_command() {
        steps::command::open_own_file(&mut job)?;
    }
    let flags = config.cloned_namespaces() | libc::CLONE_VFORK.cast_unsigned() as usize;
    // SAFETY: the job stays, and this process stands still, until the child has executed or ended; the
    // stack has no other use, and nothing on the child's way is std's or libc's.
    let child = unsafe { process::clone_sharing_memory(flags, Side::Child, &CHILD_STACK, in_bare_child, &*job) };
    let child = child.of(c"clone")?;
    started();
    match process::wait_for_end(child).of(c"wait4")? {
        Some((_, Event::Killed(signal))) => Ok(128 + signal.0),
        Some((_, Event::Exited(status))) => Ok(status),
        _ => Ok(CANNOT_START),
    }
}

extern "C" fn in_bare_child(job: &Job) -> ! {
    let entered = match job.config.root {
        Some(root) => file::change_root(root).is_ok() && file::change_dir(c"/").is_ok(),
        None => true,
    };
    if entered {
        let _ = steps::command::become_it(job);
    }
    process::exit(CANNOT_START)
}

/// Plays all parts of a start one after the other, in a recorder's rehearsal: no call is made.
pub(crate) fn rehearse(config: &Config, command: &Command) {
    let shared = Shared::new();
    let mut job = ManuallyDrop::new(Job::new(config, command, &shared));
    // The last step of a list comes back with the rehearsal's error, as it cannot do its work.
    let _ = plan::prepare(&mut job);
    let running = ManuallyDrop::new(Running::new(&job));
    let _ = plan::parent(&running);
    recorder::play(Side::Child);
    let _ = plan::child(&job);
    if config.wants_init() {
        let _ = plan::init(&job);
        recorder::play(Side::Command);
    }
    let _ = plan::command(&job);
}

/// Makes the child, in new namespaces, on our memory.
fn spawn_child(job: &Job) -> Result<Pid, Errno> {
    // SAFETY: `Running` keeps the job until the child has ended, the stack has no other use, the child
    // writes nothing but what `shared` lists, and nothing on its way is std's or libc's.
    unsafe { process::clone_sharing_memory(job.config.cloned_namespaces(), Side::Child, &CHILD_STACK, in_child, job) }
}

/// Makes the command's process, from PID 1.
fn spawn_command(job: &Job) -> Result<Pid, Errno> {
    // SAFETY: as for the child; where PID 1 ends first, the kernel ends the command before PID 1 can be reaped.
    unsafe { process::clone_sharing_memory(0, Side::Command, &COMMAND_STACK.0, in_command, job) }
}

/// Makes a process for a helper on the host, on the stack that the command will have: the child waits at
/// the pipe until it has ended.
fn spawn_helper(helper: &Helper) -> Result<Pid, Errno> {
    // SAFETY: the helper's words are kept, its caller waits for its end, and before execve it writes nothing.
    unsafe { process::clone_sharing_memory(0, Side::Launcher, &COMMAND_STACK.0, in_helper, helper) }
}

/// The helper's process's first step on its own stack.
extern "C" fn in_helper(helper: &Helper) -> ! {
    become_helper(helper)
}

/// The child's first step on its own stack.
extern "C" fn in_child(job: &Job) -> ! {
    let list = if job.config.wants_init() { plan::init } else { plan::command };
    end(job, plan::child(job).and_then(|()| list(job)))
}

/// The command's process's first step on its own stack.
extern "C" fn in_command(job: &Job) -> ! {
    end(job, plan::command(job))
}

/// A list came to its end: only by a failure, as its last step does not return.
fn end(job: &Job, result: Result<(), Failure>) -> ! {
    match result {
        Err(failure) => {
            job.shared.fail(failure);
            // Only who executes may ask: PID 1 has no interpreter, and the command may be writing its own.
            let lacks_interpreter = failure.fault.is_of_execute() && job.shared.has_interpreter();
            process::exit(failure.fault.status(lacks_interpreter))
        }
        Ok(()) => process::exit(CANNOT_START),
    }
}
