//! Who has the terminal.
//!
//! The command leads a process group of its own, so that it has a number inside a new PID namespace and
//! nothing in the container can signal the launcher's group. Only one group reads from a terminal: the
//! command's gets it at the start if both its input and output are that terminal, and otherwise once it asks by stopping
//! (SIGTTIN, SIGTTOU): `gontainer … | less` leaves it to less. A script starts what it does not wait for with SIGINT
//! ignored: that waits until it asks, so that the script can still read. The launcher takes the terminal back. A command
//! that had it and was killed by SIGINT stands for the key, which reached its group alone: the launcher's gets it too.

use crate::launch::fault::{Fault, On};
use crate::launch::job::{Job, Terminal};
use crate::sys::file::Open;
use crate::sys::signal::{INTERRUPT, TERMINAL_INPUT};
use crate::sys::{Errno, Pid, file, process, signal};

/// Looks for the terminal that controls our session among the standard descriptors, and for any other.
pub(in crate::launch) fn find(job: &mut Job) -> Result<(), Fault> {
    // One that is handed on, or that is found in the host's /dev, does as well for what the filter refuses.
    job.on_terminal = job.config.keeps_descriptors() || job.config.is_strict() && !job.config.wants_dev();
    for fd in (0..=2).filter(|fd| file::is_terminal(*fd)) {
        job.on_terminal = true;
        if let Ok(group) = file::foreground(fd) {
            // SIGTTIN does not stop a PID 1: it would ask for ever.
            let wants_it =
                job.config.as_pid1 || file::foreground(1).is_ok() && signal::is_ignored(INTERRUPT) != Ok(true);
            let is_ours = is_ours(group);
            let hand_over = fd == 0 && wants_it && is_ours;
            job.terminal = Some(Terminal { fd, hand_over });
            if hand_over {
                job.shared.set_terminal_is_free();
            }
            // bash at its prompt starts a `$(…)` with this ignored: EIO instead of a stop, by which the command asks.
            if is_ours {
                signal::heed(TERMINAL_INPUT).of(c"rt_sigaction")?;
            }
            break;
        }
    }
    Ok(())
}

/// Whether our own group is `group`, which the terminal has in the foreground.
pub(in crate::launch) fn is_ours(group: Pid) -> bool {
    group == process::own_group() && (group.0 != 0 || !is_in_background())
}

/// Of an outer PID namespace all groups are 0 here. But to read nothing gives EIO in the background, if SIGTTIN is held
/// back; and by a descriptor of its own it need not wait for who else reads (tried on 6.18).
#[cold]
#[inline(never)]
fn is_in_background() -> bool {
    file::open(c"/dev/tty", Open::Read).is_ok_and(|terminal| file::read(&terminal, &mut []) == Err(Errno::EIO))
}

/// With a terminal and a PID 1 between: how its word of a stopped command comes to the launcher.
pub(in crate::launch) fn watch_stops(job: &mut Job) -> Result<(), Fault> {
    if job.terminal.is_some() {
        let pipe = file::pipe().of(c"pipe2")?;
        match file::raise_child_signal_on_input(&pipe.read, process::own_pid()) {
            Err(Errno::EPERM) => job.polls_stops = true, // in a container on a terminal
            result => result.of(c"fcntl")?,
        }
        job.stops = Some(pipe);
    }
    Ok(())
}

/// Makes the command's group the terminal's foreground group; not if a key has sent the launcher's to the background since.
pub(in crate::launch) fn take(job: &Job) -> Result<(), Fault> {
    match job.terminal {
        Some(terminal) if job.shared.take_terminal_is_free() => {
            file::set_foreground(terminal.fd, process::own_pid()).of(c"ioctl TIOCSPGRP")
        }
        _ => Ok(()),
    }
}
