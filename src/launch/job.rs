//! One launch, as its steps see it.

use super::WAIT;
use super::fault::{Failure, Fault, On as _};
use super::shared::Shared;
use crate::config::{Command, Config, List};
use crate::ids::Range;
use crate::sys::file::Pipe;
use crate::sys::process::{self, Event};
use crate::sys::seccomp::Instruction;
use crate::sys::signal::{self, SignalSet};
use crate::sys::{Errno, Fd, Name, Pid, Signal};
use crate::text::Text;
use core::cell::{Cell, OnceCell};
use core::mem::ManuallyDrop;

/// The terminal that controls our session.
#[derive(Clone, Copy)]
pub(crate) struct Terminal {
    /// Which of the standard descriptors it is.
    pub(crate) fd: i32,
    /// Whether the command gets it from the start.
    pub(crate) hand_over: bool,
}

/// The container's cgroup.
pub(crate) struct Cgroup {
    /// The launcher's, in which it is a leaf of this name.
    pub(crate) own: Fd,
    pub(crate) name: Text<32>,
    pub(crate) leaf: Fd,
    /// Who writes here goes in: the leaf's `cgroup.procs`.
    pub(crate) entry: Fd,
    /// The other leaf, where the launcher is meanwhile, if it could not stay.
    pub(crate) refuge: Option<Text<32>>,
}

/// All that a launch has gathered on the host before its first clone(2); the child reads it in place.
pub(crate) struct Job<'a> {
    pub(crate) config: &'a Config,
    pub(crate) command: &'a Command,
    pub(crate) shared: &'a Shared,
    /// On the numbers of standard descriptors that the caller closed, so that nothing else lands there.
    pub(crate) placeholders: [Option<Fd>; 3],
    pub(crate) terminal: Option<Terminal>,
    /// Whether the command may have a terminal, which may be another session's.
    pub(crate) on_terminal: bool,
    /// The filter that the user names, if any.
    pub(crate) filter: &'static [Instruction],
    /// What the caller blocked, and whether it ignored SIGCHLD: the command gets both back.
    pub(crate) caller_mask: SignalSet,
    pub(crate) caller_ignores_children: bool,
    /// Our own file, where the command is the one that does nothing.
    pub(crate) own_file: Option<Fd>,
    /// One byte through it lets the child go on; its end says that the launcher is gone.
    pub(crate) go: Option<Pipe>,
    /// Its end says that the command was executed, or never will be.
    pub(crate) started: Option<Pipe>,
    /// One byte through it, and SIGCHLD with it, for each stop of the command that PID 1 sees.
    pub(crate) stops: Option<Pipe>,
    /// Whether there is no such SIGCHLD.
    pub(crate) polls_stops: bool,
    /// The maps that are more than the caller's own ids.
    pub(crate) users: List<Range>,
    pub(crate) groups: List<Range>,
    pub(crate) cgroup: Option<&'static Cgroup>,
    /// Where changes to the rootfs are kept: locked, and not to be used.
    pub(crate) claimed: Option<Fd>,
    /// The same directory in the child's mount namespace, from when the child has opened it until it is mounted.
    pub(crate) changes: Cell<Option<Fd>>,
    /// Whether /proc is the one from outside, as the kernel allowed no new one: the child's to know.
    pub(crate) has_old_proc: Cell<bool>,
    /// The top of the container's tree, once the child has it: see [`super::inside`].
    pub(crate) root: OnceCell<Fd>,
}

impl<'a> Job<'a> {
    pub(crate) const fn new(config: &'a Config, command: &'a Command, shared: &'a Shared) -> Job<'a> {
        Job {
            config,
            command,
            shared,
            placeholders: [None, None, None],
            terminal: None,
            on_terminal: false,
            filter: &[],
            caller_mask: SignalSet::EMPTY,
            caller_ignores_children: false,
            own_file: None,
            go: None,
            started: None,
            stops: None,
            polls_stops: false,
            users: List::EMPTY,
            groups: List::EMPTY,
            cgroup: None,
            claimed: None,
            changes: Cell::new(None),
            has_old_proc: Cell::new(false),
            root: OnceCell::new(),
        }
    }

    /// The top of the container's tree, for steps of the child that come after it was made a mount.
    pub(crate) fn root(&self) -> Result<&Fd, Fault> {
        self.root.get().ok_or(Errno::EBADF).of(c"find the root")
    }

    /// Sets that, once.
    pub(crate) fn set_root(&self, top: Fd) {
        let _ = self.root.set(top); // the child makes the rootfs a mount, and nobody else
    }

    pub(crate) fn config(&self) -> &'a Config {
        self.config
    }

    /// A child was killed. Before its signals were let through that is no command's end, and it left no word itself.
    #[cold]
    #[inline(never)]
    pub(crate) fn note_death(&self) {
        if !self.shared.is_released() && !self.shared.time_is_over() {
            let fault = Fault { call: Name::of(c"wait4"), object: None, errno: Errno::KILLED };
            self.shared.fail(Failure { step: WAIT, fault });
        }
    }
}

/// A launch with its child, which stands on our memory: nothing that it borrows goes away before it has
/// ended. Dropped early, it is killed first.
pub(crate) struct Running<'a> {
    pub(crate) job: &'a Job<'a>,
    pub(crate) child: Cell<Option<Pid>>,
    /// Its number in the launcher's /proc, which need not be its pid.
    pub(crate) number: Cell<u32>,
    /// The child's directory in /proc: see [`super::outside`].
    pub(crate) proc: OnceCell<ManuallyDrop<Fd>>,
}

impl<'a> Running<'a> {
    /// Before there is a child.
    pub(crate) const fn new(job: &'a Job<'a>) -> Self {
        Running { job, child: Cell::new(None), number: Cell::new(0), proc: OnceCell::new() }
    }

    pub(crate) fn config(&self) -> &Config {
        self.job.config
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            crate::sys::recorder::step(Name::of(c"leave nothing behind"));
            if let Some(go) = &self.job.go {
                go.write.close_copy(); // where a filter refuses kill(2), its end ends the child
            }
            // Its group too: without a PID namespace what a command has started would go on. ESRCH: it leads none yet.
            let _ = signal::kill(child.group(), Signal(libc::SIGKILL));
            let _ = signal::kill(child, Signal(libc::SIGKILL)); // ESRCH: it has ended
            // ECHILD: and was reaped. Where something else had killed it, what failed here is only the consequence.
            if let Ok(Some((_, Event::Killed(signal)))) = process::wait_for_end(child)
                && signal.0 != libc::SIGKILL
            {
                self.job.note_death();
            }
        }
    }
}
