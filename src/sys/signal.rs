//! Signals: masks, waiting, sending. Numbers are the kernel's, 1 to 64.

use super::{Errno, Pid, call, clock, process, unrecorded};

/// A signal's number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signal(pub(crate) i32);

/// What a terminal's key sends.
pub(crate) const INTERRUPT: Signal = Signal(libc::SIGINT);
/// What it sends to who reads from it and is not in the foreground.
pub(crate) const TERMINAL_INPUT: Signal = Signal(libc::SIGTTIN);

/// A set of signals as the kernel keeps it: signal N is bit N - 1.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct SignalSet(u64);

impl SignalSet {
    pub(crate) const EMPTY: SignalSet = SignalSet(0);
    /// All of them. The kernel leaves SIGKILL and SIGSTOP out, and a fault of the process itself still
    /// ends it.
    pub(crate) const ALL: SignalSet = SignalSet(u64::MAX);

    /// This set without `signal`.
    pub(crate) fn without(self, signal: Signal) -> SignalSet {
        SignalSet(self.0 & !Self::bit(signal))
    }

    /// This set and `signal`.
    pub(crate) fn with(self, signal: Signal) -> SignalSet {
        SignalSet(self.0 | Self::bit(signal))
    }

    pub(crate) fn has(self, signal: Signal) -> bool {
        self.0 & Self::bit(signal) != 0
    }

    fn bit(signal: Signal) -> u64 {
        u32::try_from(signal.0 - 1).ok().and_then(|shift| 1_u64.checked_shl(shift)).unwrap_or(0)
    }
}

/// The size that the kernel wants to hear for a set, in bytes.
const SET_BYTES: usize = size_of::<SignalSet>();

/// Blocks exactly these signals, and returns the set that was blocked before. rt_sigprocmask(2).
///
/// # Errors
/// Only if a filter refuses the call.
pub(crate) fn swap_mask(mask: SignalSet) -> Result<SignalSet, Errno> {
    let mut old = SignalSet::EMPTY;
    // SAFETY: the kernel reads one set and writes the other.
    unsafe { call!(RT_SIGPROCMASK, libc::SIG_SETMASK, &raw const mask, &raw mut old, SET_BYTES) }?;
    Ok(old)
}

/// The blocked signals that wait to be delivered. rt_sigpending(2).
///
/// # Errors
/// Only if a filter refuses the call.
pub(crate) fn pending() -> Result<SignalSet, Errno> {
    let mut set = SignalSet::EMPTY;
    // SAFETY: the kernel writes one set.
    unsafe { call!(RT_SIGPENDING, &raw mut set, SET_BYTES) }?;
    Ok(set)
}

/// Takes the next blocked signal, waiting for one, but no longer than until this time of [`clock::now`]. A SIGPIPE
/// or SIGXFSZ that we raised ourselves, by writing where nobody reads or no more may be written, is none.
/// rt_sigtimedwait(2).
///
/// # Errors
/// Only if a filter refuses the call.
pub(crate) fn await_signal(until_ns: Option<u64>) -> Result<Option<Signal>, Errno> {
    let all = SignalSet::ALL;
    loop {
        let left = until_ns.map(clock::time_until).transpose()?;
        if let Some(libc::timespec { tv_sec: 0, tv_nsec: 0 }) = left {
            return Ok(None); // whatever waits: there might be no end to it
        }
        let left = left.as_ref().map_or(core::ptr::null(), core::ptr::from_ref);
        let mut info = [0_i32; 32]; // siginfo_t
        // SAFETY: the kernel reads one set, and the time if there is one; it writes the information.
        match unsafe { call!(RT_SIGTIMEDWAIT, &raw const all, info.as_mut_ptr(), left, SET_BYTES) } {
            Err(Errno::EINTR) => {} // stopped and continued, or traced: signal(7)
            Err(Errno::EAGAIN) if until_ns.is_some() => return Ok(None),
            result => {
                result?;
                let [number, _, _, _, sender, ..] = info; // on 64 bits the sender stands behind a gap
                if !matches!(number, libc::SIGPIPE | libc::SIGXFSZ) || sender != process::own_pid().0 {
                    return Ok(Some(Signal(number)));
                }
            }
        }
    }
}

/// kill(2): to a process, or with a [negated](Pid::group) pid to a process group.
///
/// # Errors
/// ESRCH: there is none. EPERM: it is somebody else's.
pub(crate) fn kill(target: Pid, signal: Signal) -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    unsafe { call!(KILL, target.0, signal.0) }.map(drop)
}

/// A timer that sends the caller SIGCONT, timer_create(2), once it is [armed](arm). Neither is recorded: a start has
/// ended by then.
///
/// # Errors
/// EAGAIN: a limit on signals that wait, RLIMIT_SIGPENDING.
pub(crate) fn make_timer() -> Result<i32, Errno> {
    let mut event = [0_i32; 16]; // struct sigevent: a value of eight bytes, the signal, SIGEV_SIGNAL
    event[2] = libc::SIGCONT;
    let mut timer = 0_i32;
    // SAFETY: the kernel reads the structure, 64 bytes, and writes the timer's number.
    unsafe { unrecorded!(TIMER_CREATE, libc::CLOCK_MONOTONIC, event.as_ptr(), &raw mut timer) }?;
    Ok(timer)
}

/// Has a timer go off at this time of [`clock::now`], or at once if that is past. timer_settime(2).
pub(crate) fn arm(timer: i32, then_ns: u64) -> Result<(), Errno> {
    let mut left = clock::time_until(then_ns)?;
    left.tv_nsec |= 1; // no time at all would disarm it
    let times = [libc::timespec { tv_sec: 0, tv_nsec: 0 }, left]; // no interval
    // SAFETY: the kernel reads the two times, and has no place to write to.
    unsafe { unrecorded!(TIMER_SETTIME, timer, 0, times.as_ptr(), 0_usize) }.map(drop)
}

/// Ends the caller by a signal that is blocked and has its default effect, for those who ask what ended it. Comes back
/// where it is ignored, as by the PID 1 of a namespace.
pub(crate) fn end_by(signal: Signal) {
    let _ = kill(process::own_pid(), signal); // cannot fail
    let _ = swap_mask(SignalSet::ALL.without(signal));
}

/// The kernel's struct sigaction where no handler is set: then the restorer does not matter, and the
/// order of the rest after the handler neither, as all of it is zero.
#[repr(C)]
#[derive(Clone, Copy)]
struct Action {
    handler: usize,
    rest: [u64; 3],
}

static DEFAULT: Action = Action { handler: libc::SIG_DFL, rest: [0; 3] };

/// What is done about SIGCHLD from now on: the default, or what children's status gets lost by, to ignore
/// it. Returns whether it was ignored before. rt_sigaction(2).
///
/// # Errors
/// Only if a filter refuses the call.
pub(crate) fn ignore_child_signal(ignore: bool) -> Result<bool, Errno> {
    let new = Action { handler: if ignore { libc::SIG_IGN } else { libc::SIG_DFL }, ..DEFAULT };
    swap_action(libc::SIGCHLD, &raw const new)
}

/// Gives a signal its default effect. rt_sigaction(2).
pub(crate) fn heed(signal: Signal) -> Result<bool, Errno> {
    swap_action(signal.0, &raw const DEFAULT)
}

/// Whether a signal is ignored. rt_sigaction(2).
///
/// # Errors
/// Only if a filter refuses the call.
pub(crate) fn is_ignored(signal: Signal) -> Result<bool, Errno> {
    swap_action(signal.0, core::ptr::null())
}

/// rt_sigaction(2); of null, no change. Returns whether it was ignored before.
fn swap_action(signal: i32, new: *const Action) -> Result<bool, Errno> {
    let mut old = DEFAULT;
    // SAFETY: the kernel reads one action, if there is one, and writes the other, 32 bytes at most on all architectures.
    unsafe { call!(RT_SIGACTION, signal, new, &raw mut old, SET_BYTES) }?;
    Ok(old.handler == libc::SIG_IGN)
}
