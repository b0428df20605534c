//! What both sides of a launch write while they share memory.
//!
//! Parent and child have the same memory but their own descriptors, working directory and signals. What both
//! sides may touch at a time is this struct, by atomics and by two cells with one writer each. Besides it a child
//! writes what is its own from clone(2) on: the `Job`'s cells, the held sources of binds, the variables that tell
//! the command who it is, and the recorder's list. All else is read-only. A child may not allocate, panic, or touch
//! std, libc or anything thread-local: the thread pointer it runs with is its parent's. execve or exit_group ends
//! the sharing.
#![allow(unsafe_code)]

use super::fault::Failure;
use crate::sys::{Pid, Signal};
use crate::text::Text;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, AtomicI32, Ordering};

/// Of an interpreter's path as much as a message shows.
pub(crate) type Interpreter = Text<128>;

/// The one struct that several processes write.
pub(crate) struct Shared {
    /// Set by the one who writes `failure`.
    is_failing: AtomicBool,
    /// Set with Release after that.
    failed: AtomicBool,
    failure: UnsafeCell<Option<Failure>>,
    /// The missing interpreter of a command that exists.
    interpreter: UnsafeCell<Interpreter>,
    /// The command's pid as PID 1 sees it.
    command: AtomicI32,
    /// The child's socket in its new network namespace; 0 before there is one.
    network_socket: AtomicI32,
    /// Whether parent or child has taken it upon itself to raise the loopback interface.
    loopback_is_claimed: AtomicBool,
    /// The signal that stopped the command, until the launcher has seen it.
    stopped: AtomicI32,
    /// Whether the command is to have the terminal and has not got it: at the start it takes it; when PID 1 continues
    /// it, PID 1 does. The launcher takes it back when a key asks for a stop before that.
    terminal_is_free: AtomicBool,
    /// Whether SIGINT killed the command, on a terminal.
    interrupted: AtomicBool,
    /// Whether a signal from outside can be what ends the command: before, none gets through but SIGKILL.
    released: AtomicBool,
    /// Whether the time limit has run out.
    time_is_over: AtomicBool,
    /// Whether the kernel killed for want of memory within the container's limit.
    out_of_memory: AtomicBool,
}

// SAFETY: atomics, and two cells with one writer each, which others read only after `failed` says so or its end.
unsafe impl Sync for Shared {}

impl Shared {
    pub(crate) const fn new() -> Shared {
        Shared {
            is_failing: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            failure: UnsafeCell::new(None),
            interpreter: UnsafeCell::new(Interpreter::new()),
            command: AtomicI32::new(0),
            network_socket: AtomicI32::new(0),
            loopback_is_claimed: AtomicBool::new(false),
            stopped: AtomicI32::new(0),
            terminal_is_free: AtomicBool::new(false),
            interrupted: AtomicBool::new(false),
            released: AtomicBool::new(false),
            time_is_over: AtomicBool::new(false),
            out_of_memory: AtomicBool::new(false),
        }
    }

    /// Leaves word of a failure. The first one counts: PID 1 and the command's process go on side by side.
    /// A child that calls this ends next.
    pub(crate) fn fail(&self, failure: Failure) {
        if self.is_failing.swap(true, Ordering::AcqRel) {
            return;
        }
        // SAFETY: only the first comes here; nobody reads before `failed` says so.
        unsafe { *self.failure.get() = Some(failure) };
        self.failed.store(true, Ordering::Release);
    }

    /// Leaves the name of a command's missing interpreter, before [`Shared::fail`].
    pub(crate) fn name_interpreter(&self, name: Interpreter) {
        // SAFETY: only the process that becomes the command writes, and others read once it has ended.
        unsafe { *self.interpreter.get() = name };
    }

    /// Whether [`Shared::name_interpreter`] was called; for the process that would have called it.
    pub(crate) fn has_interpreter(&self) -> bool {
        // SAFETY: the only writer reads.
        unsafe { !(*self.interpreter.get()).is_empty() }
    }

    /// What a child left word of.
    pub(crate) fn failure(&self) -> Option<Failure> {
        if !self.failed.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: written before `failed` was set, and never again.
        unsafe { *self.failure.get() }
    }

    /// The missing interpreter that a child found, if it left word of a failure; for when all children have ended.
    pub(crate) fn interpreter(&self) -> Option<Interpreter> {
        self.failure()?;
        // SAFETY: whoever wrote it has ended.
        let interpreter = unsafe { *self.interpreter.get() };
        (!interpreter.is_empty()).then_some(interpreter)
    }

    pub(crate) fn set_command(&self, pid: Pid) {
        self.command.store(pid.0, Ordering::Relaxed);
    }

    pub(crate) fn command(&self) -> Pid {
        Pid(self.command.load(Ordering::Relaxed))
    }

    pub(crate) fn set_network_socket(&self, number: i32) {
        self.network_socket.store(number, Ordering::Release);
    }

    pub(crate) fn network_socket(&self) -> Option<i32> {
        Some(self.network_socket.load(Ordering::Acquire)).filter(|number| *number > 0)
    }

    /// Whether it is the caller who is to raise the loopback interface: true once.
    pub(crate) fn claim_loopback(&self) -> bool {
        !self.loopback_is_claimed.swap(true, Ordering::AcqRel)
    }

    /// Returns whether the launcher has seen all stops before this one.
    pub(crate) fn set_stopped(&self, by: Signal) -> bool {
        self.stopped.swap(by.0, Ordering::AcqRel) == 0
    }

    /// The signal that stopped the command, once.
    pub(crate) fn take_stopped(&self) -> Option<Signal> {
        match self.stopped.swap(0, Ordering::Acquire) {
            0 => None,
            signal => Some(Signal(signal)),
        }
    }

    pub(crate) fn set_terminal_is_free(&self) {
        self.terminal_is_free.store(true, Ordering::Release);
    }

    /// Whether the terminal is the caller's to give or to keep: true once.
    pub(crate) fn take_terminal_is_free(&self) -> bool {
        self.terminal_is_free.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn set_out_of_memory(&self) {
        self.out_of_memory.store(true, Ordering::Release);
    }

    pub(crate) fn ran_out_of_memory(&self) -> bool {
        self.out_of_memory.load(Ordering::Acquire)
    }

    pub(crate) fn set_interrupted(&self) {
        self.interrupted.store(true, Ordering::Release);
    }

    pub(crate) fn was_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Acquire)
    }

    pub(crate) fn set_released(&self) {
        self.released.store(true, Ordering::Release);
    }

    pub(crate) fn is_released(&self) -> bool {
        self.released.load(Ordering::Acquire)
    }

    pub(crate) fn set_time_is_over(&self) {
        self.time_is_over.store(true, Ordering::Release);
    }

    pub(crate) fn time_is_over(&self) -> bool {
        self.time_is_over.load(Ordering::Acquire)
    }
}
