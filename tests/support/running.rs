//! A program that has been started, and what it says.

use super::pty::Terminal;
use super::{Outcome, PATIENCE, check, kill};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::{AsRawFd, FromRawFd as _, OwnedFd};
use std::process::{Child, ChildStdin, ExitStatus};
use std::time::{Duration, Instant};

/// What has been read of a stream.
struct Source {
    file: Option<File>,
    bytes: Vec<u8>,
    /// How much of it a test has seen already.
    seen: usize,
}

impl Source {
    fn new(fd: Option<OwnedFd>) -> Source {
        Source { file: fd.map(File::from), bytes: Vec::new(), seen: 0 }
    }

    fn read(&mut self) {
        let mut buffer = [0; 65536];
        // An error, EIO, is how a terminal ends that nobody has open any more.
        match self.file.as_mut().and_then(|file| file.read(&mut buffer).ok()) {
            Some(count @ 1..) => self.bytes.extend_from_slice(&buffer[..count]),
            Some(0) | None => self.file = None,
        }
    }

    /// The text up to and with this one, and what comes before, if it is there.
    fn take(&mut self, text: &str) -> Option<String> {
        let rest = &self.bytes[self.seen..];
        let at = rest.windows(text.len()).position(|window| window == text.as_bytes())?;
        let taken = String::from_utf8_lossy(&rest[..at + text.len()]).into_owned();
        self.seen += at + text.len();
        Some(taken)
    }
}

/// A program that has been started.
pub struct Running {
    child: Child,
    pidfd: OwnedFd,
    status: Option<ExitStatus>,
    out: Source,
    err: Source,
    screen: Source,
    about: String,
    /// Its input, which ends when this does.
    _silence: Option<ChildStdin>,
}

impl Running {
    pub(super) fn new(mut child: Child, terminal: Option<OwnedFd>, about: String) -> io::Result<Running> {
        // SAFETY: takes numbers only; the child is ours and not reaped.
        let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, libc::c_long::from(child.id()), 0_usize) };
        check(pidfd)?;
        // SAFETY: just opened, and owned by nobody else.
        let pidfd = unsafe { OwnedFd::from_raw_fd(i32::try_from(pidfd).unwrap()) };
        Ok(Running {
            pidfd,
            status: None,
            out: Source::new(child.stdout.take().map(OwnedFd::from)),
            err: Source::new(child.stderr.take().map(OwnedFd::from)),
            screen: Source::new(terminal),
            about,
            _silence: child.stdin.take(),
            child,
        })
    }

    /// Its number on the host.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub fn signal(&self, signal: i32) {
        kill(self.pid(), signal); // not reaped before it is waited for, so the number is its own
    }

    /// Its terminal.
    pub fn terminal(&self) -> Terminal<'_> {
        Terminal::new(self.screen.file.as_ref().expect("there is a terminal, and somebody has it open"))
    }

    /// Takes its terminal away.
    pub fn hang_up(&mut self) {
        self.screen.file = None;
    }

    /// Types on its terminal.
    pub fn types(&self, text: &str) {
        self.terminal().types(text);
    }

    /// Waits until a process of this name leads the terminal's foreground group, and its shell waits for it: that gives
    /// the foreground first and continues the job then, which would undo a key between the two.
    #[track_caller]
    pub fn await_foreground(&mut self, name: &str) {
        let deadline = Instant::now() + PATIENCE;
        let field = |pid: &str, index: usize| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            Some(stat.rsplit(") ").next()?.split(' ').nth(index)?.to_owned())
        };
        let is_there = |terminal: Terminal| {
            let leader = terminal.foreground().to_string();
            let is_it = fs::read_to_string(format!("/proc/{leader}/comm")).is_ok_and(|comm| comm.trim_end() == name);
            is_it && field(&leader, 1).and_then(|shell| field(&shell, 0)).is_some_and(|state| state == "S")
        };
        while !is_there(self.terminal()) {
            if Instant::now() > deadline {
                self.give_up(&format!("{name} never came to the foreground"));
            }
            std::thread::yield_now();
        }
    }

    /// Reads its terminal, or its standard output, until there is this text, and returns what came up to it.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let on_screen = self.screen.file.is_some() || !self.screen.bytes.is_empty();
            let source = if on_screen { &mut self.screen } else { &mut self.out };
            if let Some(taken) = source.take(text) {
                return taken;
            }
            if source.file.is_none() || !self.pump(deadline) {
                self.give_up(&format!("never saw {text:?}"));
            }
        }
    }

    /// Waits until it has ended and nothing holds its output any more.
    #[track_caller]
    pub fn finish(self) -> Outcome {
        self.finish_within(PATIENCE)
    }

    /// The same for what takes its time: a network, a compiler.
    #[track_caller]
    pub fn finish_within(mut self, patience: Duration) -> Outcome {
        let deadline = Instant::now() + patience;
        while self.status.is_none() || self.out.file.is_some() || self.err.file.is_some() {
            if !self.pump(deadline) {
                self.give_up(match self.status {
                    None => "it does not end",
                    Some(_) => "it has ended, but something of it is alive and holds its output",
                });
            }
        }
        // Whoever had the terminal has ended, so its end comes too.
        while self.screen.file.is_some() {
            if !self.pump(deadline) {
                self.give_up("it has ended, but something of it is alive and holds its terminal");
            }
        }
        self.outcome()
    }

    /// Waits until it has ended, whatever else goes on.
    #[track_caller]
    pub fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        while self.status.is_none() {
            if !self.pump(deadline) {
                self.give_up("it does not end");
            }
        }
        self.status.unwrap()
    }

    /// Takes what there is to be had; false if the time is over.
    fn pump(&mut self, deadline: Instant) -> bool {
        let number = |source: &Source| source.file.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let ended = if self.status.is_none() { self.pidfd.as_raw_fd() } else { -1 };
        let mut polled = [number(&self.out), number(&self.err), number(&self.screen), ended].map(|fd| libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        });
        let left = deadline.saturating_duration_since(Instant::now());
        let left = i32::try_from(left.as_millis()).unwrap();
        // SAFETY: the kernel reads and writes four entries.
        let ready = unsafe { libc::poll(polled.as_mut_ptr(), 4, left) };
        for (source, polled) in [&mut self.out, &mut self.err, &mut self.screen].into_iter().zip(&polled) {
            if polled.revents != 0 {
                source.read();
            }
        }
        if polled[3].revents != 0 {
            self.status = Some(self.child.wait().unwrap());
        }
        ready != 0
    }

    #[track_caller]
    fn give_up(&mut self, why: &str) -> ! {
        if self.status.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        panic!("{why}\n{}", self.outcome());
    }

    fn outcome(&mut self) -> Outcome {
        let take = |source: &mut Source| std::mem::take(&mut source.bytes);
        Outcome {
            status: self.status,
            stdout: take(&mut self.out),
            stderr: take(&mut self.err),
            screen: String::from_utf8_lossy(&take(&mut self.screen)).into_owned(),
            about: self.about.clone(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.status.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
