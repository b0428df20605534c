//! Which system calls the command may make.
//!
//! What no container needs is refused: the kernel's most attacked parts, what is the whole machine's, and
//! the ways from a terminal to whoever shares it. EPERM for old calls, ENOSYS for newer ones, so that
//! programs do without. Allowed stays what the kernel itself judges by namespaces and capabilities.

use crate::config::{CAP_SYS_ADMIN, Filter};
use crate::launch::fault::{Fault, On};
use crate::launch::job::Job;
use crate::sys::file::{self, Open};
use crate::sys::seccomp::{self, Check, Compiled, Instruction, MOST_INSTRUCTIONS, Policy, Test};
use crate::sys::{Errno, keep, number, process, recorder};

/// Refused in every container.
const REFUSED: &[usize] = &[
    // What is the whole machine's: its clock, its modules, its swap, its end.
    number::ACCT,
    number::ADJTIMEX,
    number::CLOCK_ADJTIME,
    number::CLOCK_SETTIME,
    number::DELETE_MODULE,
    number::FINIT_MODULE,
    number::INIT_MODULE,
    number::KEXEC_FILE_LOAD,
    number::KEXEC_LOAD,
    number::QUOTACTL,
    QUOTACTL_FD,
    number::REBOOT,
    number::SETTIMEOFDAY,
    number::SWAPOFF,
    number::SWAPON,
    // What shows more than the container.
    number::LOOKUP_DCOOKIE,
    number::OPEN_BY_HANDLE_AT,
    number::SYSLOG,
    // Keys: no namespace keeps them apart.
    number::ADD_KEY,
    number::KEYCTL,
    number::REQUEST_KEY,
    // What gave away more kernels than it served containers.
    number::BPF,
    number::IO_URING_ENTER,
    number::IO_URING_REGISTER,
    number::IO_URING_SETUP,
    number::PERF_EVENT_OPEN,
    number::USERFAULTFD,
];
const QUOTACTL_FD: usize = 443;

/// Refused besides where root inside is real root without CAP_SYS_ADMIN: the kernel takes it for the owner of every user
/// namespace that root made, another container's with the covers of its /proc, and lets it take descriptors from
/// processes of the host that have no more capabilities. A socket is enough to reach them. And clone3, for what
/// [`CGROUPS`] says.
const REFUSED_TO_ROOT: &[usize] = &[number::CLONE3, number::PIDFD_GETFD, number::SETNS];

/// Refused with `-strict` besides: what makes namespaces or mounts, and what reaches into other processes.
const REFUSED_IF_STRICT: &[usize] = &[
    number::CHROOT,
    number::CLONE3, // its flags lie in memory, where no filter looks; libraries then use clone
    number::FANOTIFY_INIT,
    number::FSCONFIG,
    number::FSMOUNT,
    number::FSOPEN,
    number::FSPICK,
    number::KCMP,
    number::MOUNT,
    number::MOUNT_SETATTR,
    number::MOVE_MOUNT,
    number::NAME_TO_HANDLE_AT,
    number::OPEN_TREE,
    OPEN_TREE_ATTR,
    number::PIDFD_GETFD,
    number::PIVOT_ROOT,
    number::PROCESS_VM_READV,
    number::PROCESS_VM_WRITEV,
    number::PTRACE,
    number::SETNS,
    number::UMOUNT2,
];
const OPEN_TREE_ATTR: usize = 467;

/// What a program could type on the terminal that it shares with its caller, paste there, or put in
/// between: TIOCSTI, TIOCLINUX and TIOCSETD.
const TERMINAL: Check = Check {
    calls: &[number::IOCTL],
    only_if: None,
    argument: 1,
    test: Test::NoneOf(&[0x5412, 0x541c, 0x5423]),
    errno: Errno::EPERM,
};

/// A terminal that tells of its input by a signal, by FIOASYNC or O_ASYNC, tells the group that has it: the caller's shell,
/// whatever its PID namespace. And which signal that is, F_SETSIG says. Refused only where there is a terminal: without
/// them nginx, for one, has no workers.
const SIGNALS: Check = Check {
    calls: &[number::FCNTL],
    only_if: Some((1, libc::F_SETFL.cast_unsigned(), F_SETSIG)),
    argument: 2,
    test: Test::Without(libc::O_ASYNC.cast_unsigned()),
    ..TERMINAL
};
const F_SETSIG: u32 = 10;
const FIOASYNC: Check = Check { test: Test::NoneOf(&[0x5452]), ..TERMINAL };

/// A kernel without these families says the same. AF_VSOCK leads to the virtual machine's host, whatever
/// the network namespace; AF_ALG is much kernel for what a library does as well.
const SOCKETS: Check = Check {
    calls: &[number::SOCKET, number::SOCKETPAIR],
    only_if: None,
    argument: 0,
    test: Test::NoneOf(&[libc::AF_ALG.cast_unsigned(), libc::AF_VSOCK.cast_unsigned()]),
    errno: Errno::EAFNOSUPPORT,
};

/// With `-strict`: AF_UNIX, AF_INET, AF_INET6, AF_NETLINK.
const FEW_SOCKETS: Check = Check { test: Test::OneOf(&[1, 2, 10, 16]), ..SOCKETS };

/// CLONE_NEW*, all but CLONE_NEWTIME, which clone(2) takes for a part of a signal's number.
const NEW_NAMESPACES: u32 = 0x7e02_0000;
const CLONE: Check = Check { calls: &[number::CLONE], argument: 0, test: Test::Without(NEW_NAMESPACES), ..TERMINAL };
const UNSHARE: Check =
    Check { calls: &[number::UNSHARE], test: Test::Without(NEW_NAMESPACES | process::CLONE_NEWTIME), ..CLONE };

/// To real root besides: with a cgroup namespace, which a user namespace of its own may make, it mounts cgroup2, whose files
/// are root's, and kills, freezes or starves what else runs in its cgroup and below.
const CGROUPS: Check = Check {
    calls: &[number::CLONE, number::UNSHARE],
    test: Test::Without(libc::CLONE_NEWCGROUP.cast_unsigned()),
    ..CLONE
};

const DEFAULT: Compiled =
    seccomp::compile(&Policy { refused: &[REFUSED, seccomp::HARDWARE_CALLS], checks: &[TERMINAL, SOCKETS] });
static DEFAULT_PROGRAM: [Instruction; DEFAULT.length()] = DEFAULT.cut();

/// What stands before that one for real root.
const ROOTS: Compiled = seccomp::compile(&Policy { refused: &[REFUSED_TO_ROOT], checks: &[CGROUPS] });
static ROOTS_PROGRAM: [Instruction; ROOTS.length() - 1] = ROOTS.cut();

/// And before all on a terminal.
const ON_TERMINAL: Compiled = seccomp::compile(&Policy { refused: &[], checks: &[SIGNALS, FIOASYNC] });
static ON_TERMINAL_PROGRAM: [Instruction; ON_TERMINAL.length() - 1] = ON_TERMINAL.cut();

const STRICT: Compiled = seccomp::compile(&Policy {
    refused: &[REFUSED, REFUSED_IF_STRICT, seccomp::HARDWARE_CALLS, seccomp::SEGMENT_CALLS],
    checks: &[TERMINAL, FEW_SOCKETS, CLONE, UNSHARE],
});
static STRICT_PROGRAM: [Instruction; STRICT.length()] = STRICT.cut();

/// Installs the filter that is built in, for PID 1 and the command.
pub(in crate::launch) fn refuse_calls(job: &Job) -> Result<(), Fault> {
    let config = job.config;
    let program: &[Instruction] = if config.strict { &STRICT_PROGRAM } else { &DEFAULT_PROGRAM };
    let is_roots = !config.strict && config.is_real_root() && config.allowed_capabilities() & CAP_SYS_ADMIN == 0;
    let before: [&[Instruction]; 2] =
        [if job.on_terminal { &ON_TERMINAL_PROGRAM } else { &[] }, if is_roots { &ROOTS_PROGRAM } else { &[] }];
    if before.iter().all(|program| program.is_empty()) {
        seccomp::filter(program)
    } else {
        refuse_more(before, program)
    }
    .of(c"prctl PR_SET_SECCOMP")
}

/// All of them as one.
#[inline(never)] // so much stack nobody else touches
fn refuse_more([first, second]: [&[Instruction]; 2], last: &[Instruction]) -> Result<(), Errno> {
    let mut program = [Instruction::NONE; 192];
    let parts = [first, second, last];
    let length = parts.iter().map(|part| part.len()).sum();
    let mut places = program.iter_mut();
    for part in parts {
        for instruction in part {
            if let Some(place) = places.next() {
                *place = *instruction;
            }
        }
    }
    seccomp::filter(program.get(..length).unwrap_or_default())
}
const _: () = assert!(ON_TERMINAL.length() + ROOTS.length() + DEFAULT.length() <= 192);
const _: () = assert!(ON_TERMINAL.length() + STRICT.length() <= 192);

/// Asks the kernel for what it is now to refuse: a user namespace, in which a program would have all
/// capabilities again, and a hundred ways into the kernel with them.
pub(in crate::launch) fn see_that_it_holds(_: &Job) -> Result<(), Fault> {
    match process::unshare_user() {
        Err(Errno::EPERM) => Ok(()),
        Err(errno) => Err(errno).of(c"unshare"),
        Ok(()) => Err(Errno::EEXIST).of(c"unshare"), // in a rehearsal too, where nothing follows in this list
    }
}

/// Reads the user's filter, all of it: before anything is made, and before the descriptor that its name
/// may stand for is closed.
#[cold]
#[inline(never)] // much stack
pub(in crate::launch) fn read(job: &mut Job) -> Result<(), Fault> {
    const SIZE: usize = size_of::<Instruction>();
    let Filter::File(path) = job.config.filter else { return Ok(()) };
    let file = file::open(path, Open::Stream).on(c"open", path)?;
    let mut bytes = [0_u8; MOST_INSTRUCTIONS * SIZE + 1];
    let mut filled = 0;
    loop {
        match file::read(&file, bytes.get_mut(filled..).unwrap_or_default()).on(c"read", path)? {
            0 => break,
            more => filled += more,
        }
        if recorder::is_rehearsal() {
            return Ok(()); // which sees one byte again and again
        }
    }
    let (whole, rest) = bytes.get(..filled).unwrap_or_default().as_chunks::<SIZE>();
    if filled == bytes.len() {
        return Err(Errno::EFBIG).on(c"size", path);
    }
    if whole.is_empty() || !rest.is_empty() {
        return Err(Errno::EINVAL).on(c"size", path);
    }
    let mut program = [Instruction::NONE; MOST_INSTRUCTIONS];
    for (instruction, bytes) in program.iter_mut().zip(whole) {
        *instruction = Instruction::read(*bytes);
    }
    job.filter = keep(program).get(..whole.len()).unwrap_or_default();
    Ok(())
}

/// Installs the user's filter: last of all, so that it need not allow what gontainer does before.
pub(in crate::launch) fn filter_by_file(job: &Job) -> Result<(), Fault> {
    seccomp::filter(job.filter).of(c"prctl PR_SET_SECCOMP")
}
