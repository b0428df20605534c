//! System calls as people read them: names and arguments of every call that a start makes.

use crate::limits::RESOURCES;
use crate::sys::recorder::{Call, Record, What, records};
use crate::text::Text;

/// How a register reads.
enum Shape {
    /// A C string.
    Quoted,
    /// A descriptor: the path it was opened with, if that was recorded.
    Fd,
    /// The same, left out where it says "the working directory".
    At,
    Number,
    Octal,
    /// One of these.
    Choice(&'static [(usize, &'static str)]),
    /// Any of these.
    Flags(&'static [(usize, &'static str)]),
}
use Shape::{At, Choice, Fd, Flags, Number, Octal, Quoted};

/// One call: its name in `sc::nr`, and its registers up to the last that is shown.
struct Reading {
    name: &'static str,
    shapes: &'static [Shape],
}

const CLONE_FLAGS: &[(usize, &str)] = &[
    (0x1000_0000, "user"),
    (0x2000_0000, "pid"),
    (0x0002_0000, "mnt"),
    (0x0400_0000, "uts"),
    (0x0800_0000, "ipc"),
    (0x4000_0000, "net"),
    (0x0200_0000, "cgroup"),
    (0x0000_0080, "time"),
    (0x0000_0100, "shared memory"),
    (0x0000_4000, "wait for execve"),
];
const MOUNT_FLAGS: &[(usize, &str)] = &[
    (1, "read-only"),
    (2, "nosuid"),
    (4, "nodev"),
    (8, "noexec"),
    (0x20, "remount"),
    (0x1000, "bind"),
    (0x2000, "move"),
    (0x4000, "recursive"),
    (0x4_0000, "private"),
    (0x8_0000, "slave"),
];
const OPEN_FLAGS: &[(usize, &str)] = &[
    (1, "write"),
    (2, "read and write"),
    (0o200_000, "directory"),
    (0o400_000, "no links"),
    (0o10_000_000, "name only"),
];
const TREE_FLAGS: &[(usize, &str)] = &[(1, "clone"), (0x8000, "recursive")];
const PRCTL: &[(usize, &str)] = &[
    (1, "parent-death signal"),
    (4, "dumpable"),
    (22, "filter system calls"),
    (24, "drop from the bounding set"),
    (28, "secure bits"),
    (38, "no new privileges"),
];
const IOCTL: &[(usize, &str)] = &[
    (0x540f, "which group is in the foreground?"),
    (0x5410, "bring this group to the foreground"),
    (0x8914, "set interface flags"),
];
const FCNTL: &[(usize, &str)] =
    &[(1, "is it open?"), (8, "signal this process on input"), (10, "with this signal"), (4, "set flags")];
const KEYCTL: &[(usize, &str)] = &[(1, "join a new session keyring")];
const UNKNOWN: &[(usize, &str)] = &[(u32::MAX as usize, "as /etc/passwd says")];
const SIGNALS: &[(usize, &str)] = &[(17, "SIGCHLD")];

#[rustfmt::skip] // a call, a line
static READINGS: &[Reading] = &[
    Reading { name: "CAPGET",          shapes: &[] },
    Reading { name: "CAPSET",          shapes: &[] },
    Reading { name: "CHDIR",           shapes: &[Quoted] },
    Reading { name: "CLONE",           shapes: &[Flags(CLONE_FLAGS)] },
    Reading { name: "CLOSE",           shapes: &[Fd] },
    Reading { name: "CLOSE_RANGE",     shapes: &[Number] },
    Reading { name: "EXECVE",          shapes: &[Quoted] },
    Reading { name: "EXECVEAT",        shapes: &[Fd] },
    Reading { name: "EXIT_GROUP",      shapes: &[Number] },
    Reading { name: "FACCESSAT",       shapes: &[At, Quoted] },
    Reading { name: "FCHDIR",          shapes: &[Fd] },
    Reading { name: "FCNTL",           shapes: &[Fd, Choice(FCNTL)] },
    Reading { name: "GETCWD",          shapes: &[] },
    Reading { name: "GETDENTS64",      shapes: &[Fd] },
    Reading { name: "GETPGID",         shapes: &[] },
    Reading { name: "GETPID",          shapes: &[] },
    Reading { name: "GETGROUPS",       shapes: &[] },
    Reading { name: "GETXATTR",        shapes: &[Quoted, Quoted] },
    Reading { name: "IOCTL",           shapes: &[Fd, Choice(IOCTL)] },
    Reading { name: "KEYCTL",          shapes: &[Choice(KEYCTL)] },
    Reading { name: "KILL",            shapes: &[Number, Number] },
    Reading { name: "MKDIRAT",         shapes: &[At, Quoted, Octal] },
    Reading { name: "MKNODAT",         shapes: &[At, Quoted] },
    Reading { name: "MOUNT",           shapes: &[Quoted, Quoted, Quoted, Flags(MOUNT_FLAGS)] },
    Reading { name: "MOVE_MOUNT",      shapes: &[At, Quoted, At, Quoted] },
    Reading { name: "NEWFSTATAT",      shapes: &[At, Quoted] },
    Reading { name: "OPENAT",          shapes: &[At, Quoted, Flags(OPEN_FLAGS)] },
    Reading { name: "OPENAT2",         shapes: &[At, Quoted] },
    Reading { name: "MOUNT_SETATTR",   shapes: &[Fd] },
    Reading { name: "STATFS",          shapes: &[Quoted] },
    Reading { name: "OPEN_TREE",       shapes: &[At, Quoted, Flags(TREE_FLAGS)] },
    Reading { name: "PIDFD_GETFD",     shapes: &[Fd, Number] },
    Reading { name: "PIDFD_OPEN",      shapes: &[Number] },
    Reading { name: "PIPE2",           shapes: &[] },
    Reading { name: "PIVOT_ROOT",      shapes: &[Quoted, Quoted] },
    Reading { name: "PPOLL",           shapes: &[] },
    Reading { name: "PRCTL",           shapes: &[Choice(PRCTL), Number] },
    Reading { name: "PRLIMIT64",       shapes: &[Number, Choice(RESOURCES)] },
    Reading { name: "READ",            shapes: &[Fd] },
    Reading { name: "READLINKAT",      shapes: &[At, Quoted] },
    Reading { name: "RT_SIGACTION",    shapes: &[Choice(SIGNALS)] },
    Reading { name: "RT_SIGPROCMASK",  shapes: &[] },
    Reading { name: "RT_SIGTIMEDWAIT", shapes: &[] },
    Reading { name: "SETGROUPS",       shapes: &[Number] },
    Reading { name: "SETHOSTNAME",     shapes: &[Quoted] },
    Reading { name: "SETPGID",         shapes: &[Number, Number] },
    Reading { name: "SETPRIORITY",     shapes: &[Choice(&[(0, "process")]), Number, Number] },
    Reading { name: "SETRESGID",       shapes: &[Choice(UNKNOWN)] },
    Reading { name: "SETRESUID",       shapes: &[Choice(UNKNOWN)] },
    Reading { name: "SOCKET",          shapes: &[] },
    Reading { name: "SYMLINKAT",       shapes: &[Quoted, At, Quoted] },
    Reading { name: "UNAME",           shapes: &[] },
    Reading { name: "UMASK",           shapes: &[Octal] },
    Reading { name: "UNLINKAT",        shapes: &[At, Quoted] },
    Reading { name: "UMOUNT2",         shapes: &[Quoted, Flags(&[(2, "detach")])] },
    Reading { name: "UNSHARE",         shapes: &[Flags(CLONE_FLAGS)] },
    Reading { name: "WAIT4",           shapes: &[Number] },
    Reading { name: "WRITE",           shapes: &[Fd, Quoted] },
];

/// Writes a call with its arguments, as in `mount("proc", "/proc", nosuid|nodev|noexec)`.
pub(super) fn write<const N: usize>(line: &mut Text<N>, record: &Record, call: &Call) {
    let reading = READINGS.iter().find(|reading| reading.name == call.name);
    for letter in call.name.bytes() {
        line.push(&[letter.to_ascii_lowercase()]);
    }
    line.push(b"(");
    let mut is_first = true;
    for (index, shape) in reading.map(|reading| reading.shapes).unwrap_or_default().iter().enumerate() {
        let mut argument = Text::<96>::new();
        write_argument(&mut argument, record, call, index, shape);
        if !argument.is_empty() {
            if !is_first {
                line.push(b", ");
            }
            is_first = false;
            line.push(argument.as_bytes());
        }
    }
    line.push(b")");
}

fn write_argument(argument: &mut Text<96>, record: &Record, call: &Call, index: usize, shape: &Shape) {
    let register = call.registers.get(index).copied().unwrap_or(0);
    match shape {
        Quoted => {
            if let Some(text) = call.text(index).filter(|text| !text.is_empty()) {
                argument.push(b"\"").push_escaped(text).push(b"\"");
            }
        }
        Fd => match path_of(record, register) {
            Some(path) => _ = argument.push_escaped(path),
            None => write_number(argument, register),
        },
        At => {
            if register.cast_signed() != isize::try_from(libc::AT_FDCWD).unwrap_or(0) {
                write_argument(argument, record, call, index, &Fd);
            }
        }
        Number => write_number(argument, register),
        Octal => {
            argument.push(b"0");
            for shift in [6, 3, 0] {
                argument.push_number((register >> shift & 7) as u64);
            }
        }
        Choice(names) => match names.iter().find(|(value, _)| *value == register) {
            Some((_, name)) => _ = argument.push_str(name),
            None => write_number(argument, register),
        },
        Flags(names) => write_names(argument, names, register, b"|"),
    }
}

/// Writes the names of the namespaces that flags of clone(2) ask for.
pub(super) fn write_namespaces(text: &mut Text<96>, flags: usize, between: &[u8]) {
    write_names(text, CLONE_FLAGS, flags, between);
}

fn write_names(text: &mut Text<96>, names: &[(usize, &str)], flags: usize, between: &[u8]) {
    for (_, name) in names.iter().filter(|(bit, _)| flags & bit != 0) {
        if !text.is_empty() {
            text.push(between);
        }
        text.push_str(name);
    }
}

fn write_number(argument: &mut Text<96>, register: usize) {
    // Registers hold 32-bit numbers with their sign here.
    let number = register.cast_signed();
    if number < 0 {
        argument.push(b"-");
    }
    argument.push_number(number.unsigned_abs() as u64);
}

/// The path that a side's descriptor was opened with, if a path it was.
fn path_of(before: &Record, fd: usize) -> Option<&'static [u8]> {
    const OPENERS: &[&str] = &["OPENAT", "OPENAT2", "OPEN_TREE", "SOCKET"];
    let opened_it = |record: &&'static Record| {
        record.side == before.side
            && record.begin_ns < before.begin_ns
            && matches!(record.result(), Some((_, Ok(result))) if result == fd)
            && matches!(&record.what, What::Call(call) if OPENERS.contains(&call.name))
    };
    match &records().filter(opened_it).last()?.what {
        What::Call(call) if matches!(call.name, "OPENAT" | "OPENAT2") => call.text(1),
        _ => None,
    }
}
