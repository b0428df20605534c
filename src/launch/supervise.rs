//! Waiting for the command: what the launcher and PID 1 do until it ends.
//!
//! Signals come to the launcher, which alone stands in the caller's process group, and go on to the
//! command, through PID 1 where there is one. Stops come the other way: a stopped command stops the
//! caller's whole group, as the key would have done; what continues the group continues the command.

use super::fault::{Fault, On, TIME_IS_OVER};
use super::job::{Job, Terminal};
use super::steps;
use crate::sys::process::Event;
use crate::sys::signal::{self, INTERRUPT, SignalSet};
use crate::sys::{Pid, Signal, clock, file, process};
use core::cell::Cell;

/// Who waits, and for whom.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// PID 1, for the command and every orphan.
    Init,
    /// The launcher, for PID 1.
    LauncherOfInit,
    /// The launcher, for the command itself.
    LauncherOfCommand,
}

/// One who waits for `child`.
pub(super) struct Supervisor<'a> {
    job: &'a Job<'a>,
    role: Role,
    child: Pid,
    /// Whether the command is to have the terminal: it got it at the start, or has asked for it.
    wants_terminal: Cell<bool>,
    /// Whether the command's group has the terminal because we gave it.
    handed_over: Cell<bool>,
    /// Whether the command has stopped, and was not continued by us.
    is_stopped: Cell<bool>,
    /// Until when to wait, by [`clock::now`].
    until: Cell<Option<u64>>,
    /// What continues us then, once we have stopped.
    timer: Cell<Option<i32>>,
    /// Whether a SIGINT came to us, and so to our group.
    was_told: Cell<bool>,
}

/// Between the signal that asks a container to end when its time is over, and the one that ends it.
const GRACE_NS: u64 = 5_000_000_000;

/// How often to look for a stop that nobody tells of.
const POLL_NS: u64 = 100_000_000;

const CHILD: Signal = Signal(libc::SIGCHLD);
const CONTINUE: Signal = Signal(libc::SIGCONT);
const HANG_UP: Signal = Signal(libc::SIGHUP);
const STOP_KEY: Signal = Signal(libc::SIGTSTP);
const TERMINATE: Signal = Signal(libc::SIGTERM);
const KILL: Signal = Signal(libc::SIGKILL);

impl<'a> Supervisor<'a> {
    pub(super) fn new(job: &'a Job<'a>, role: Role, child: Pid) -> Self {
        let has_it = job.terminal.is_some_and(|terminal| terminal.hand_over);
        Supervisor {
            job,
            role,
            child,
            wants_terminal: Cell::new(has_it),
            handed_over: Cell::new(has_it),
            is_stopped: Cell::new(false),
            until: Cell::new(None),
            timer: Cell::new(None),
            was_told: Cell::new(false),
        }
    }

    /// Takes signals until the child has ended, and returns the exit status that says how.
    pub(super) fn until_end(&self) -> Result<i32, Fault> {
        let limit = if self.role == Role::Init { None } else { self.job.config.timeout_ns };
        self.until.set(limit.map(time_after).transpose()?);
        loop {
            let mut until = self.until.get();
            if self.job.polls_stops && self.role == Role::LauncherOfInit {
                until = Some(until.unwrap_or(u64::MAX).min(clock::now_ns() + POLL_NS));
            }
            match signal::await_signal(until).of(c"rt_sigtimedwait")? {
                None if until != self.until.get() => {}
                None => self.until.set(self.end_in_time()?),
                Some(CHILD) => {}
                Some(CONTINUE) => self.let_continue(),
                Some(STOP_KEY) => {
                    // If the key came to our group, a shell is about to take the terminal: from there nobody takes it.
                    if self.role != Role::Init && self.job.shared.take_terminal_is_free() {
                        self.handed_over.set(false);
                        // No key stops a PID 1, which gets the terminal once we go on.
                        if self.job.config.as_pid1 {
                            self.stop_with_command(STOP_KEY);
                        }
                    }
                    // It took back a SIGCONT that waited: what is stopped would stay so, and tell nobody.
                    if self.is_stopped.get() {
                        self.forward(CONTINUE);
                    }
                    self.forward(STOP_KEY);
                }
                Some(other) => {
                    self.forward(other);
                    // A stopped command would stay for ever, with nobody left to continue it.
                    if other == HANG_UP {
                        self.forward(CONTINUE);
                    }
                }
            }
            // Whatever came: lower numbers come first, and who sends them without end would keep SIGCHLD waiting.
            if let Some(status) = self.reap()? {
                // The key reached the command's group alone: the rest is interrupted as the command was.
                if self.take_terminal_back() && self.job.shared.was_interrupted() && !self.was_told.get() {
                    let _ = signal::kill(Pid(0), INTERRUPT); // cannot fail: we are in it
                }
                if self.role == Role::Init || !self.job.shared.time_is_over() {
                    return Ok(status);
                }
                if self.role == Role::LauncherOfCommand {
                    // Whoever is left in it. Else ESRCH: that number comes round only after all others.
                    let _ = signal::kill(self.child.group(), KILL);
                }
                return Ok(TIME_IS_OVER);
            }
        }
    }

    /// The time is over: first asks the command's group to end, and wakes it if it is stopped; asked again,
    /// kills. Returns until when to wait after that.
    #[cold]
    fn end_in_time(&self) -> Result<Option<u64>, Fault> {
        if !self.job.shared.time_is_over() {
            self.job.shared.set_time_is_over();
            self.forward(TERMINATE);
            self.forward(CONTINUE);
            return time_after(GRACE_NS).map(Some);
        }
        // With PID 1, if that is our child, all of its namespace ends. Without one there is only the group.
        if self.role == Role::LauncherOfCommand {
            let _ = signal::kill(self.child.group(), KILL); // ESRCH: it does not lead one yet
        }
        let _ = signal::kill(self.child, KILL); // not reaped, so it is still itself
        Ok(None)
    }

    /// Takes note of every child that has changed: SIGCHLDs that come together count as one.
    fn reap(&self) -> Result<Option<i32>, Fault> {
        while let Some((pid, event)) = process::wait().of(c"wait4")? {
            match event {
                _ if pid != self.child => {} // an orphan, now reaped: the launcher may be the PID 1 of a container too
                Event::Exited(status) => return Ok(Some(status)),
                Event::Killed(signal) => {
                    self.job.note_death();
                    if signal == INTERRUPT && self.job.terminal.is_some() {
                        self.job.shared.set_interrupted();
                    }
                    return Ok(Some(128 + signal.0));
                }
                Event::Stopped(signal) => self.note_stop(signal),
            }
        }
        if self.role == Role::LauncherOfInit
            && let Some(stops) = &self.job.stops
            && let Some(signal) = self.job.shared.take_stopped()
        {
            let _ = file::read(&stops.read, &mut [0]); // only makes room for the next
            self.stop_with_command(signal);
        }
        Ok(None)
    }

    /// The command stopped. With a tracer of its own it stops for other reasons, which are not ours.
    fn note_stop(&self, signal: Signal) {
        if !matches!(signal.0, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU) {
            return;
        }
        self.is_stopped.set(true);
        match (&self.job.stops, self.role) {
            (Some(stops), Role::Init) => {
                let has_seen_all = self.job.shared.set_stopped(signal);
                // A byte for each would fill the pipe while the launcher is stopped itself.
                if has_seen_all {
                    let _ = file::write(stops.write.number(), b"s"); // raises SIGCHLD in the launcher
                }
            }
            (_, Role::LauncherOfCommand) => self.stop_with_command(signal),
            _ => {}
        }
    }

    /// The launcher's answer to a stopped command.
    fn stop_with_command(&self, signal: Signal) {
        let Some(terminal) = self.job.terminal else { return };
        let wants_terminal = matches!(signal.0, libc::SIGTTIN | libc::SIGTTOU);
        self.wants_terminal.set(self.wants_terminal.get() || wants_terminal);
        if wants_terminal && is_ours(terminal) {
            return self.let_continue();
        }
        // Not for longer than the command has time: it could stop itself, and what it started go on.
        if self.until.get().is_some() && self.timer.get().is_none() {
            match signal::make_timer() {
                Ok(timer) => self.timer.set(Some(timer)),
                Err(_) => return self.let_continue(),
            }
        }
        self.take_terminal_back();
        // The rest of the group too: a pipeline or a script that we are part of stops as one. As the terminal would
        // have asked: timeout(1) is in the background and ignores that it may not read.
        let stop = if wants_terminal { signal } else { STOP_KEY };
        let _ = signal::kill(Pid(0), stop); // cannot fail: we are in it
        if let (Some(timer), Some(until)) = (self.timer.get(), self.until.get()) {
            let _ = signal::arm(timer, until); // only now: a stop takes back the SIGCONT that waits, and the other way round
        }
        let _ = signal::swap_mask(SignalSet::ALL.without(stop)); // here we stand still
        let _ = signal::swap_mask(SignalSet::ALL);
        // Continued, SIGCONT is pending and goes on from there. Else nobody could have continued us (an
        // orphaned process group does not stop), nor would anyone continue the command.
        let continued = signal::pending().is_ok_and(|pending| pending.has(CONTINUE));
        if !continued && signal == STOP_KEY {
            self.let_continue();
        }
    }

    /// Continues the command, with the terminal if it is ours to give.
    fn let_continue(&self) {
        self.is_stopped.set(false);
        let Some(terminal) = self.job.terminal else { return self.forward(CONTINUE) };
        match self.role {
            Role::Init => {
                if self.job.shared.take_terminal_is_free() {
                    let _ = file::set_foreground(terminal.fd, self.child); // ENOTTY: it was hung up
                }
            }
            _ if !self.may_hand_over(terminal) => {}
            Role::LauncherOfInit => {
                self.job.shared.set_terminal_is_free();
                self.handed_over.set(true);
            }
            Role::LauncherOfCommand => {
                let _ = file::set_foreground(terminal.fd, self.child); // ENOTTY: it was hung up
                self.handed_over.set(true);
            }
        }
        self.forward(CONTINUE);
    }

    /// A job that is continued in the foreground is: what stands in it beside gontainer may be what reads there.
    fn may_hand_over(&self, terminal: Terminal) -> bool {
        (self.wants_terminal.get() || self.job.config.as_pid1) && is_ours(terminal)
    }

    /// Returns whether it was the command's.
    fn take_terminal_back(&self) -> bool {
        if let Some(terminal) = self.job.terminal
            && self.role != Role::Init
            && self.handed_over.take()
            // Not from the shell that leads the session: what it waited for, which we are part of, stopped or ended before.
            && file::foreground(terminal.fd) != file::session(terminal.fd)
        {
            let _ = file::set_foreground(terminal.fd, process::own_group()); // ENOTTY: it was hung up
            return true;
        }
        false
    }

    /// Hands a signal on. What a terminal sends to a whole group goes to the command's whole group; when the
    /// time is over, everything does: a shell that alone was told would leave what it waits for.
    fn forward(&self, signal: Signal) {
        self.was_told.set(self.was_told.get() || signal == INTERRUPT);
        let is_for_all = matches!(
            signal.0,
            libc::SIGINT | libc::SIGQUIT | libc::SIGTSTP | libc::SIGCONT | libc::SIGHUP | libc::SIGWINCH
        );
        let to_group = self.role != Role::LauncherOfInit && (is_for_all || self.job.shared.time_is_over());
        // Before the command leads its group there is none; then it has no children either.
        if !to_group || signal::kill(self.child.group(), signal).is_err() {
            let _ = signal::kill(self.child, signal); // EPERM: it became somebody else; ESRCH: it ended
        }
    }
}

/// So much later than now, by the clock that limits a wait.
fn time_after(ns: u64) -> Result<u64, Fault> {
    clock::now().map(|now| now.saturating_add(ns)).of(c"clock_gettime")
}

/// Whether our own group is in the foreground.
fn is_ours(terminal: Terminal) -> bool {
    file::foreground(terminal.fd).is_ok_and(steps::terminal::is_ours)
}
