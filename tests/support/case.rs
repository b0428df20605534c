//! One run of a program: of which, by whom, and in which state.

use super::files::{WRITING, gontainer};
use super::running::Running;
use super::watch::{self, Fault, Watch, Watched};
use super::{Filter, Folder, Outcome, Start, User, check, pty};
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program for perl: says `ready`, then the name of each signal as it comes, none of them lost; SIGTERM
/// ends it with status 40.
pub const LISTENER: &str = "
    use POSIX; use Config; $| = 1;
    my %number; @number{split ' ', $Config{sig_name}} = split ' ', $Config{sig_num};
    my @heard = grep { !/^(ZERO|KILL|STOP|CHLD|CLD|POLL|TSTP|TTIN|TTOU|NUM32|NUM33)$/ } keys %number;
    sigprocmask(SIG_BLOCK, POSIX::SigSet->new(map { $number{$_} } @heard));
    for my $name (@heard) { $SIG{$name} = sub { print qq($name\\n) } }
    $SIG{TERM} = sub { exit 40 };
    print qq(ready\\n);
    sigsuspend(POSIX::SigSet->new) while 1";

type Preparation = Box<dyn FnMut() -> io::Result<()> + Send + Sync>;

/// Where one of the standard descriptors leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stream {
    Nowhere,
    Pipe,
    /// A pipe into which nobody writes, and which does not end.
    Silence,
    Terminal,
    Closed,
}

/// One run of a program: what of, by whom, and in which state.
pub struct Case {
    user: User,
    program: OsString,
    words: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: PathBuf,
    streams: [Stream; 3],
    input: Vec<u8>,
    before: Vec<Preparation>,
    name: Option<OsString>,
    said: String,
}

impl Case {
    /// `gontainer -run` and the flags that this start needs.
    pub fn new(start: Start) -> Case {
        Case::plain(start.user).arg("-run").args(start.flags)
    }

    /// gontainer, without any words.
    pub fn plain(user: User) -> Case {
        Case::of(user, gontainer().as_os_str())
    }

    /// A program outside any container, to compare with: its name comes first among the words.
    pub fn direct(user: User) -> Case {
        Case::of(user, OsStr::new(""))
    }

    fn of(user: User, program: &OsStr) -> Case {
        Case {
            user,
            program: program.into(),
            words: Vec::new(),
            environment: vec![("PATH".into(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into())],
            folder: "/".into(),
            streams: [Stream::Nowhere, Stream::Pipe, Stream::Pipe],
            input: Vec::new(),
            before: Vec::new(),
            name: None,
            said: String::new(),
        }
    }

    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Case {
        self.words.push(word.as_ref().into());
        self
    }

    pub fn args<W: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = W>) -> Case {
        self.words.extend(words.into_iter().map(|word| word.as_ref().into()));
        self
    }

    /// Words with blanks between.
    pub fn words(self, words: &str) -> Case {
        self.args(words.split_whitespace())
    }

    /// `-mnt=` this folder.
    pub fn root(self, root: &Folder) -> Case {
        self.arg(format!("-mnt={}", root.path().display()))
    }

    /// `--` and a command, words with blanks between.
    pub fn command(self, words: &str) -> Case {
        self.arg("--").words(words)
    }

    /// `-- sh -c SCRIPT`.
    pub fn script(self, script: &str) -> Case {
        self.args(["--", "sh", "-c", script])
    }

    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Case {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.into(), value.as_ref().into()));
        self
    }

    pub fn no_environment(mut self) -> Case {
        self.environment.clear();
        self
    }

    pub fn folder(mut self, folder: impl AsRef<Path>) -> Case {
        self.folder = folder.as_ref().into();
        self
    }

    /// What the program reads from its standard input.
    pub fn input(mut self, bytes: impl AsRef<[u8]>) -> Case {
        self.streams[0] = Stream::Pipe;
        self.input = bytes.as_ref().into();
        self
    }

    /// Its standard input is a pipe that says nothing and does not end.
    pub fn silent_input(mut self) -> Case {
        self.input.clear();
        self.streams[0] = Stream::Silence;
        self
    }

    /// The name that the program is given as its own.
    pub fn named(mut self, name: &str) -> Case {
        self.name = Some(name.into());
        self
    }

    /// Closes one of the standard descriptors.
    pub fn closed(mut self, fd: usize) -> Case {
        self.streams[fd] = Stream::Closed;
        self.noting(&format!("fd {fd} closed"))
    }

    /// All three standard descriptors are a new terminal, which controls a new session that the program
    /// leads.
    pub fn on_terminal(mut self) -> Case {
        self.streams = [Stream::Terminal; 3];
        self.noting("on a terminal")
    }

    /// Standard output, or standard error, is a pipe though there is a terminal.
    pub fn piped(mut self, fd: usize) -> Case {
        self.streams[fd] = Stream::Pipe;
        self
    }

    fn noting(mut self, what: &str) -> Case {
        let _ = write!(self.said, "; {what}");
        self
    }

    /// Does something in the new process, before the program starts there.
    fn before(mut self, what: impl FnMut() -> io::Result<()> + Send + Sync + 'static) -> Case {
        self.before.push(Box::new(what));
        self
    }

    pub fn ignoring(self, signals: &'static [i32]) -> Case {
        self.noting(&format!("ignoring signals {signals:?}")).before(move || {
            for signal in signals {
                // SAFETY: takes numbers only.
                check(if unsafe { libc::signal(*signal, libc::SIG_IGN) } == libc::SIG_ERR { -1 } else { 0 })?;
            }
            Ok(())
        })
    }

    pub fn blocking(self, signals: &'static [i32]) -> Case {
        self.noting(&format!("blocking signals {signals:?}")).before(move || {
            let set = signals.iter().fold(0_u64, |set, signal| set | 1 << (signal - 1));
            let how = libc::c_long::from(libc::SIG_BLOCK);
            let size = std::mem::size_of::<u64>();
            // SAFETY: the kernel reads one set of this size.
            check(unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const set, 0_usize, size) })
        })
    }

    /// Has a signal sent to itself: blocked, it waits for whoever takes it.
    pub fn pending(self, signal: i32) -> Case {
        self.noting(&format!("signal {signal} pending")).before(move || {
            // SAFETY: takes numbers only.
            check(unsafe { libc::raise(signal) })
        })
    }

    /// Leaves these numbers open on a folder of the host's.
    pub fn leaking(self, numbers: std::ops::Range<i32>) -> Case {
        self.noting(&format!("descriptors {numbers:?} open")).before(move || {
            for number in numbers.clone() {
                // SAFETY: the path is a C string.
                let root = unsafe { libc::open(c"/".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY) };
                check(root)?;
                // SAFETY: takes numbers only.
                check(unsafe { libc::dup2(root, number) })?;
                if !numbers.contains(&root) {
                    // SAFETY: opened above, and kept nowhere.
                    check(unsafe { libc::close(root) })?;
                }
            }
            Ok(())
        })
    }

    pub fn umask(self, mask: libc::mode_t) -> Case {
        self.noting(&format!("umask {mask:o}")).before(move || {
            // SAFETY: takes a number only.
            unsafe { libc::umask(mask) };
            Ok(())
        })
    }

    pub fn nice(self, more: i32) -> Case {
        self.noting(&format!("nice {more}")).before(move || {
            // SAFETY: takes a number only; -1 is an answer, not an error.
            unsafe { libc::nice(more) };
            Ok(())
        })
    }

    /// Lowers the soft and hard limit on open files.
    pub fn open_files(self, most: u64) -> Case {
        self.noting(&format!("at most {most} open files")).before(move || {
            let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
            // SAFETY: the kernel reads one limit.
            check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })
        })
    }

    pub fn new_namespaces(self, flags: i32) -> Case {
        self.noting("in namespaces of its own").before(move || {
            // SAFETY: takes a number only.
            check(unsafe { libc::unshare(flags) })
        })
    }

    /// In a mount namespace of its own, from which no mount comes out.
    pub fn private_mounts(self) -> Case {
        self.new_namespaces(libc::CLONE_NEWNS).before(|| {
            let (none, root, flags) = (std::ptr::null(), c"/".as_ptr(), libc::MS_REC | libc::MS_PRIVATE);
            // SAFETY: a change of propagation reads the target only.
            check(unsafe { libc::mount(none, root, none, flags, none.cast()) })
        })
    }

    /// In a mount namespace of its own, all of whose mounts are shared with what is cloned from it.
    pub fn shared_mounts(self) -> Case {
        self.private_mounts().before(|| {
            let (none, root, flags) = (std::ptr::null(), c"/".as_ptr(), libc::MS_REC | libc::MS_SHARED);
            // SAFETY: a change of propagation reads the target only.
            check(unsafe { libc::mount(none, root, none, flags, none.cast()) })
        })
    }

    /// Joins a new session keyring of this name, which only who possesses it can see.
    pub fn session_keyring(self, name: &str) -> Case {
        let name = std::ffi::CString::new(name).unwrap();
        self.noting("with a session keyring").before(move || {
            const JOIN_SESSION_KEYRING: libc::c_long = 1;
            const SETPERM: libc::c_long = 5;
            const POSSESSOR_ALL: libc::c_long = 0x3f00_0000;
            // SAFETY: a C string.
            let keyring = unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, name.as_ptr()) };
            check(keyring)?;
            // SAFETY: takes numbers only.
            check(unsafe { libc::syscall(libc::SYS_keyctl, SETPERM, keyring, POSSESSOR_ALL) })
        })
    }

    /// Has the kernel refuse some system calls.
    pub fn refusing(self, filter: Filter) -> Case {
        self.noting(&filter.to_string()).before(move || filter.install())
    }

    /// Runs it to its end with all its system calls watched, and maybe one of them failing.
    #[track_caller]
    pub fn watched(self, fault: Option<Fault>) -> (Outcome, Watched) {
        let case = match fault {
            Some(fault) => self.noting(&format!("{fault:?}")),
            None => self,
        };
        let (watch, socket) = Watch::new(fault).unwrap();
        let outcome = case.before(move || watch::submit(socket.as_raw_fd())).run();
        (outcome, watch.finish())
    }

    /// Executes the program with no arguments at all, not even its own name.
    pub fn without_words(self) -> Case {
        let program = std::ffi::CString::new(self.program.as_bytes()).unwrap();
        self.noting("argc 0").before(move || {
            let none: [*const libc::c_char; 1] = [std::ptr::null()];
            // SAFETY: a C string and two empty lists.
            check(unsafe { libc::execve(program.as_ptr(), none.as_ptr(), none.as_ptr()) })
        })
    }

    fn describe(&self) -> String {
        let mut text = self.program.to_string_lossy().into_owned();
        for word in &self.words {
            let _ = write!(text, " {}", word.to_string_lossy());
        }
        let _ = write!(text, "\n      as {} ({}:{}){}", self.user.name, self.user.uid, self.user.gid, self.said);
        text.trim_start().to_owned()
    }

    /// Starts it.
    #[track_caller]
    pub fn spawn(self) -> Running {
        let about = self.describe();
        self.try_spawn().unwrap_or_else(|error| panic!("cannot start: {about}\n{error}"))
    }

    pub fn try_spawn(mut self) -> io::Result<Running> {
        let about = self.describe();
        if self.program.is_empty() {
            self.program = self.words.remove(0);
        }
        let mut command = Command::new(&self.program);
        command.args(&self.words).env_clear().envs(self.environment).current_dir(&self.folder);
        if let Some(name) = &self.name {
            command.arg0(name);
        }
        if self.user.switch {
            command.uid(self.user.uid).gid(self.user.gid); // and with it, no other groups
        }
        let mut terminal = None;
        if self.streams.contains(&Stream::Terminal) {
            let (master, slave) = pty::open()?;
            pty::lead_session(&mut command, slave.as_raw_fd());
            terminal = Some((master, slave));
        }
        let stdio = |stream: Stream| match (stream, &terminal) {
            (Stream::Pipe | Stream::Silence, _) => Ok(Stdio::piped()),
            (Stream::Terminal, Some((_, slave))) => slave.try_clone().map(Stdio::from),
            _ => Ok(Stdio::null()),
        };
        let [stdin, stdout, stderr] = self.streams;
        command.stdin(stdio(stdin)?).stdout(stdio(stdout)?).stderr(stdio(stderr)?);
        let streams = self.streams;
        // Whoever runs the tests may ignore them, as a script does in the background.
        self.before.insert(
            0,
            Box::new(|| {
                for signal in 1..=64 {
                    // SAFETY: takes numbers only; those that cannot be set stay.
                    unsafe { libc::signal(signal, libc::SIG_DFL) };
                }
                Ok(())
            }),
        );
        // Even with nothing to close: std's way without a fork would have signals 32 and 33 ignored.
        self.before.push(Box::new(move || {
            for (fd, _) in (0..).zip(streams).filter(|(_, stream)| *stream == Stream::Closed) {
                // SAFETY: takes a number only.
                unsafe { libc::close(fd) };
            }
            Ok(())
        }));
        for what in self.before {
            // SAFETY: what is done there are raw calls on plain data, as after a fork it must be.
            unsafe { command.pre_exec(what) };
        }
        let mut child = {
            let _nobody_writes = WRITING.read().unwrap();
            command.spawn()?
        };
        drop(command); // and with it our copies of the terminal's slave
        if self.streams[0] == Stream::Pipe
            && let Some(mut stdin) = child.stdin.take()
        {
            // A thread of its own: whoever does not read must not stop us.
            std::thread::spawn(move || stdin.write_all(&self.input));
        }
        Running::new(child, terminal.map(|(master, _)| master), about)
    }

    /// Runs it to its end, and to the end of all that holds its output.
    #[track_caller]
    pub fn run(self) -> Outcome {
        self.spawn().finish()
    }
}
