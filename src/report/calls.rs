//! System calls as people read them: names and arguments of every call that a start makes.

use crate::limits::RESOURCES;
use crate::sys::recorder::{Call, Record, Side, What, records};
use crate::sys::{Name, number as nr};
use crate::text::{Text, parts};

/// How a register reads.
enum Shape {
    /// A C string.
    Quoted,
    /// A descriptor: the path it was opened with, if that was recorded.
    Fd,
    /// The same, left out where it says "the working directory".
    At,
    Number,
    /// A process; in a rehearsal there is none yet.
    Process,
    Octal,
    /// What the call is for, whatever the register says.
    Always(Names),
    /// What an option of prctl(2) is about.
    Detail,
    /// A C string, left out where the first register says the same.
    Kind,
    /// One of these.
    Choice(Names),
    /// Any of these.
    Flags(Names),
    /// What has a limit.
    Resource,
    /// Not at all.
    Hidden,
}
use Shape::{Always, At, Choice, Detail, Fd, Flags, Hidden, Kind, Number, Octal, Process, Quoted, Resource};

/// One call: its number, its name, and its registers up to the last that is shown.
struct Reading {
    number: usize,
    name: Name,
    shapes: [Shape; 4],
}

/// Each list of numbers and what they are called, one behind the other. A list goes by a name of one byte: the table
/// of calls has many.
macro_rules! names {
    ($($list:ident { $($value:expr => $name:literal,)* })*) => {
        #[derive(Clone, Copy, PartialEq, Eq)]
        enum Names {
            $($list),*
        }

        static NAMES: &[(Names, u32, Name)] = &[$($((Names::$list, $value, Name::of($name)),)*)*];
    };
}

names! {
    Namespaces {
        0x1000_0000 => c"user",
        0x2000_0000 => c"pid",
        0x0002_0000 => c"mnt",
        0x0400_0000 => c"uts",
        0x0800_0000 => c"ipc",
        0x4000_0000 => c"net",
        0x0200_0000 => c"cgroup",
        0x0000_0080 => c"time",
        0x0000_0100 => c"shared memory",
        0x0000_4000 => c"wait for execve",
    }
    Mount {
        1 => c"read-only",
        2 => c"nosuid",
        4 => c"nodev",
        8 => c"noexec",
        0x20 => c"remount",
        0x1000 => c"bind",
        0x2000 => c"move",
        0x4000 => c"recursive",
        0x4_0000 => c"private",
    }
    Open {
        1 => c"write",
        2 => c"read and write",
        libc::O_DIRECTORY.cast_unsigned() => c"directory",
        libc::O_NOFOLLOW.cast_unsigned() => c"no links",
        0o10_000_000 => c"name only",
    }
    Tree {
        1 => c"clone",
        0x8000 => c"recursive",
    }
    Prctl {
        1 => c"parent-death signal",
        4 => c"dumpable",
        22 => c"filter system calls",
        24 => c"drop for good",
        28 => c"secure bits",
        38 => c"no new privileges",
    }
    Ioctl {
        0x540f => c"who has this terminal?",
        0x5413 => c"is it a terminal?",
        0x5410 => c"the terminal is for this group",
        0x8914 => c"lo: up",
    }
    Fcntl {
        1 => c"is it open?",
        8 => c"signal this process on input",
        10 => c"with this signal",
        4 => c"set flags",
    }
    Poll {
        3 => c"are 0, 1 and 2 open?",
        1 => c"is the parent still there?",
    }
    Keyctl { 1 => c"join a new session keyring", }
    Ids { u32::MAX => c"as /etc/passwd says", }
    Signals {
        9 => c"SIGKILL",
        17 => c"SIGCHLD",
    }
    Last { u32::MAX => c"and above", }
    Family { 2 => c"internet", }
    Unmount { 2 => c"detach", }
    Capabilities { 0 => c"own capabilities", }
    Count { 0 => c"how many", }
    Memory { 0 => c"more memory", }
    Socket { 0 => c"its socket", }
    Own { 0 => c"own", }
    Waiting { 0 => c"which signals wait", }
    AnySignal { 0 => c"any signal", }
    Niceness { 0 => c"niceness", }
    Lock { 0 => c"for us alone", }
}

impl Names {
    fn list(self) -> impl Iterator<Item = (u32, Name)> {
        NAMES.iter().filter(move |(list, ..)| *list == self).map(|(_, value, name)| (*value, *name))
    }
}

macro_rules! readings {
    ($($name:ident [$($shape:expr),*];)*) => {
        static READINGS: &[Reading] = &[$(Reading {
            number: nr::$name,
            name: Name::of_str(concat!(stringify!($name), "\0")),
            shapes: readings!(@pad $($shape,)* Hidden, Hidden, Hidden, Hidden),
        }),*];
    };
    (@pad $a:expr, $b:expr, $c:expr, $d:expr $(, $rest:expr)*) => { [$a, $b, $c, $d] };
}

#[rustfmt::skip] // a call, a line
readings! {
    CAPGET          [Always(Names::Capabilities)];
    CAPSET          [Always(Names::Capabilities)];
    CHDIR           [Quoted];
    CHROOT          [Quoted];
    CLONE           [Flags(Names::Namespaces)];
    CLOSE           [Fd];
    CLOSE_RANGE     [Number, Choice(Names::Last)];
    DUP3            [Fd, Number];
    EXECVE          [Quoted];
    EXECVEAT        [Fd];
    EXIT_GROUP      [Number];
    FACCESSAT       [At, Quoted];
    FCHMODAT        [At, Quoted, Octal];
    FCHOWNAT        [At, Quoted, Number, Number];
    FCHDIR          [Fd];
    FCNTL           [Fd, Choice(Names::Fcntl)];
    FLOCK           [Fd, Always(Names::Lock)];
    GETCWD          [];
    GETDENTS64      [Fd];
    GETPGID         [];
    GETPID          [];
    GETGROUPS       [Always(Names::Count)];
    GETXATTR        [Quoted, Quoted];
    IOCTL           [Fd, Choice(Names::Ioctl)];
    KEYCTL          [Choice(Names::Keyctl)];
    KILL            [Process, Choice(Names::Signals)];
    MKDIRAT         [At, Quoted, Octal];
    MKNODAT         [At, Quoted];
    MMAP            [Always(Names::Memory)];
    MOUNT           [Quoted, Quoted, Kind, Flags(Names::Mount)];
    MOVE_MOUNT      [At, Quoted, At, Quoted];
    NEWFSTATAT      [At, Quoted];
    OPENAT          [At, Quoted, Flags(Names::Open)];
    OPENAT2         [At, Quoted];
    MOUNT_SETATTR   [Fd];
    FSTATFS         [Fd];
    OPEN_TREE       [At, Quoted, Flags(Names::Tree)];
    PIDFD_GETFD     [Fd, Always(Names::Socket)];
    PIDFD_OPEN      [Process];
    PIPE2           [];
    PIVOT_ROOT      [Quoted, Quoted];
    PPOLL           [Hidden, Choice(Names::Poll)];
    PRCTL           [Choice(Names::Prctl), Detail];
    PRLIMIT64       [Always(Names::Own), Resource];
    READ            [Fd];
    READLINKAT      [At, Quoted];
    RT_SIGACTION    [Choice(Names::Signals)];
    RT_SIGPENDING   [];
    RT_SIGPROCMASK  [Always(Names::Waiting)];
    RT_SIGTIMEDWAIT [Always(Names::AnySignal)];
    SCHED_GETAFFINITY [];
    SETGROUPS       [Number];
    SETHOSTNAME     [Quoted];
    SETPGID         [Number, Number];
    SETPRIORITY     [Always(Names::Niceness), Process, Number];
    SETRESGID       [Choice(Names::Ids)];
    SETRESUID       [Choice(Names::Ids)];
    SOCKET          [Choice(Names::Family)];
    SETSID          [];
    STATX           [At, Quoted];
    SYMLINKAT       [Quoted, At, Quoted];
    UNAME           [];
    UMASK           [Octal];
    UNLINKAT        [At, Quoted];
    UMOUNT2         [Quoted, Flags(Names::Unmount)];
    UNSHARE         [Flags(Names::Namespaces)];
    WAIT4           [Process];
    WRITE           [Fd, Quoted];
}

fn reading_of(call: &Call) -> Option<&'static Reading> {
    READINGS.iter().find(|reading| reading.number == call.number)
}

/// Its name, in capitals.
pub(super) fn name_of(call: &Call) -> &'static [u8] {
    reading_of(call).map_or(b"", |reading| reading.name.bytes())
}

/// Writes a call with its arguments, as in `mount("proc", "/proc", nosuid|nodev|noexec)`.
pub(super) fn write<const N: usize>(line: &mut Text<N>, record: &Record, call: &Call) {
    let reading = reading_of(call);
    for letter in name_of(call) {
        line.push(&[letter.to_ascii_lowercase()]);
    }
    line.push(b"(");
    let mut is_first = true;
    for (index, shape) in reading.iter().flat_map(|reading| &reading.shapes).enumerate() {
        let mut argument = Text::<128>::new();
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

fn write_argument(argument: &mut Text<128>, record: &Record, call: &Call, index: usize, shape: &Shape) {
    let register = call.registers.get(index).copied().unwrap_or(0);
    match shape {
        Quoted => {
            if let Some(text) = call.text(index).filter(|text| !text.is_empty()) {
                argument.push(b"\"");
                write_path(argument, text);
                argument.push(b"\"");
            }
        }
        Kind if call.text(index) == call.text(0) => {}
        Kind => write_argument(argument, record, call, index, &Quoted),
        Fd => match meaning_of(record, register) {
            Some(meaning) => write_path(argument, meaning),
            None => write_number(argument, register),
        },
        Always(names) => {
            if let Some((_, name)) = names.list().next() {
                argument.push(name.bytes());
            }
        }
        Process if register == 0 => _ = argument.push(b"PID"),
        Process => write_number(argument, register),
        Detail => match call.registers {
            [1, ..] => _ = argument.push(b"SIGKILL"),
            [24, capability, ..] => {
                argument.push(b"capability ");
                write_number(argument, capability);
            }
            _ => {}
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
        Choice(names) => match names.list().find(|(value, _)| *value as usize == register) {
            Some((_, name)) => _ = argument.push(name.bytes()),
            None => write_number(argument, register),
        },
        Hidden => {}
        Resource => _ = argument.push(parts(RESOURCES.as_bytes(), b' ').nth(register).unwrap_or_default()),
        Flags(names) => write_names(argument, *names, register, b"|"),
    }
}

/// Writes the names of the namespaces that flags of clone(2) ask for.
pub(super) fn write_namespaces(text: &mut Text<128>, flags: usize, between: &[u8]) {
    write_names(text, Names::Namespaces, flags, between);
}

fn write_names(text: &mut Text<128>, names: Names, flags: usize, between: &[u8]) {
    for (_, name) in names.list().filter(|(bit, _)| flags & *bit as usize != 0) {
        if !text.is_empty() {
            text.push(between);
        }
        text.push(name.bytes());
    }
}

#[inline(never)]
fn write_number(argument: &mut Text<128>, register: usize) {
    // Registers hold 32-bit numbers with their sign here.
    let number = register.cast_signed();
    if number < 0 {
        argument.push(b"-");
    }
    argument.push_number(number.unsigned_abs() as u64);
}

/// A path, of a long one both ends; in a rehearsal the child has no number.
#[inline(never)]
fn write_path(argument: &mut Text<128>, path: &[u8]) {
    const EACH_END: usize = 18;
    match path {
        [b'/', b'p', b'r', b'o', b'c', b'/', b'0', rest @ ..] => _ = argument.push(b"/proc/PID").push_escaped(rest),
        _ if path.len() > 2 * EACH_END + 1 => {
            argument.push_escaped(path.get(..EACH_END).unwrap_or_default()).push_str("…");
            argument.push_escaped(path.get(path.len() - EACH_END..).unwrap_or_default());
        }
        _ => _ = argument.push_escaped(path),
    }
}

/// Both ends of the pipes, by the step that made them; the last is of any other.
const PIPES: &[(&str, [&str; 2])] = &[
    ("make the pipe that joins parent and child", ["pipe from the parent", "pipe to the child"]),
    ("make the pipe that tells of the start", ["pipe that ends at the start"; 2]),
    ("", ["pipe from PID 1", "pipe to the parent"]),
];

/// What a side's descriptor stands for, as far as is known: it was opened by that side, or by one before it
/// that made it.
#[inline(never)]
fn meaning_of(user: &Record, fd: usize) -> Option<&'static [u8]> {
    if let Some(standard) = ["stdin", "stdout", "stderr"].get(fd) {
        return Some(standard.as_bytes());
    }
    let mut before_ns = user.begin_ns;
    for side in [Side::Command, Side::Child, Side::Launcher] {
        if side as u8 > user.side as u8 {
            continue;
        }
        let of_side = || records().filter(|record| record.side == side && record.begin_ns < before_ns);
        if let Some(meaning) = of_side().filter_map(|record| opened(record, fd)).last() {
            return Some(meaning);
        }
        before_ns = of_side().next().map_or(before_ns, |first| first.begin_ns);
    }
    None
}

/// What a call has opened under this number, if it has.
#[inline(never)]
fn opened(record: &'static Record, fd: usize) -> Option<&'static [u8]> {
    let (What::Call(call), Some((_, Ok(result)))) = (&record.what, record.result()) else { return None };
    if call.number == nr::PIPE2 {
        let end = [result & 0xffff_ffff, result >> 32].iter().position(|end| *end == fd)?;
        let step = super::trace::step_of(record);
        let (_, ends) = PIPES.iter().find(|(made_by, _)| made_by.as_bytes() == step.bytes() || made_by.is_empty())?;
        return ends.get(end).map(|name| name.as_bytes());
    }
    if result != fd {
        return None;
    }
    match call.number {
        nr::OPENAT | nr::OPENAT2 => call.text(1),
        nr::OPEN_TREE => Some(call.text(1).filter(|path| !path.is_empty()).unwrap_or(b"the rootfs")),
        nr::SOCKET | nr::PIDFD_GETFD => Some(b"the child's socket"),
        nr::PIDFD_OPEN => Some(b"the child"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_has_a_reading() {
        let Ok(files) = std::fs::read_dir("src/sys") else { panic!("src/sys") };
        let mut count = 0;
        for file in files.filter_map(Result::ok).filter(|file| file.path().is_file()) {
            let text = std::fs::read_to_string(file.path()).unwrap_or_default();
            for call in text.split(" call!(").skip(1) {
                let name = call.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next();
                let name = name.filter(|name| !name.is_empty());
                assert!(
                    name.is_none_or(|name| READINGS.iter().any(|reading| reading.name.bytes() == name.as_bytes())),
                    "{name:?} of {:?} has no reading",
                    file.path()
                );
                count += 1;
            }
        }
        assert!(count > 40, "{count}");
    }

    #[test]
    fn a_long_path_loses_its_middle() {
        let mut line = Text::new();
        write_path(&mut line, b"/srv/containers/of/many/people/with/long/names/rootfs");
        assert_eq!(line.as_bytes(), "/srv/containers/of…/long/names/rootfs".as_bytes());
    }
}
