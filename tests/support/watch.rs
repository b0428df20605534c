//! Every system call of a start, seen before the kernel does it, and one of them made to fail: by
//! seccomp's user notification, seccomp_unotify(2), which counts exactly where `strace --inject` counts
//! each thread by itself, and needs no tracer that a start might notice.

use super::{PATIENCE, check, is_static};
use std::io::{self, IoSlice};
use std::mem::{MaybeUninit, size_of, zeroed};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixDatagram;
use std::thread::JoinHandle;

/// A system call by its number, made by the launcher (0), its child (1), or a process made later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub side: usize,
    /// How many of this number that process made before.
    pub index: usize,
    pub call: i32,
    /// The first argument, which tells an ioctl's file or a prctl's purpose.
    pub first: u64,
}

/// A call that fails, instead of being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub at: Seen,
    pub errno: i32,
}

/// What a watched start did.
#[derive(Default)]
pub struct Watched {
    /// From main to the end, of each process until it becomes the command.
    pub calls: Vec<Seen>,
    /// Whether the call that was to fail came.
    pub struck: bool,
    /// Whether all its processes ended.
    pub ended: bool,
}

/// Who watches; it ends when the last of the watched processes has.
pub struct Watch(JoinHandle<Watched>);

impl Watch {
    /// Who is to watch the process that [`submit`]s through the returned socket.
    pub(super) fn new(fault: Option<Fault>) -> io::Result<(Watch, UnixDatagram)> {
        let (ours, theirs) = UnixDatagram::pair()?;
        ours.set_read_timeout(Some(PATIENCE))?;
        let watch = std::thread::spawn(move || match receive(&ours) {
            Ok(listener) => serve(&listener, fault),
            Err(_) => Watched::default(),
        });
        Ok((Watch(watch), theirs))
    }

    pub fn finish(self) -> Watched {
        self.0.join().unwrap()
    }
}

/// Has all system calls of this process, and of what comes of it, asked for first.
pub(super) fn submit(socket: RawFd) -> io::Result<()> {
    let step = |code: u32, k: u32, jt: u8| libc::sock_filter { code: u16::try_from(code).unwrap(), jt, jf: 0, k };
    let sendmsg = u32::try_from(libc::SYS_sendmsg).unwrap(); // hands the listener over
    let mut program = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, sendmsg, 1),
        step(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_USER_NOTIF, 0),
        step(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0),
    ];
    let program = libc::sock_fprog { len: 4, filter: program.as_mut_ptr() };
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    let install = || {
        let mode = libc::SECCOMP_SET_MODE_FILTER;
        // SAFETY: the kernel reads as many instructions as it is told.
        unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) }
    };
    let mut listener = install();
    if listener < 0 {
        // An ordinary user may only without gaining privilege by it.
        // SAFETY: takes numbers only.
        check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })?;
        listener = install();
    }
    check(listener)?;
    send(socket, i32::try_from(listener).unwrap())
}

/// Room for one descriptor in a control message, aligned as its header must be.
type Control = [u64; 4];

fn message(bytes: &mut libc::iovec, control: &mut Control) -> libc::msghdr {
    // SAFETY: all zeroes are a valid message.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = bytes;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    // SAFETY: computes a length.
    message.msg_controllen = unsafe { libc::CMSG_SPACE(4) } as _;
    message
}

/// Allocates nothing: this happens after a fork.
fn send(socket: RawFd, fd: RawFd) -> io::Result<()> {
    let byte = IoSlice::new(b"l");
    let mut bytes = libc::iovec { iov_base: byte.as_ptr().cast_mut().cast(), iov_len: 1 };
    let mut control: Control = [0; 4];
    let message = message(&mut bytes, &mut control);
    // SAFETY: computes an address.
    let header = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
    // SAFETY: there is room for one header.
    let header = unsafe { &mut *header };
    header.cmsg_level = libc::SOL_SOCKET;
    header.cmsg_type = libc::SCM_RIGHTS;
    // SAFETY: computes a length.
    header.cmsg_len = unsafe { libc::CMSG_LEN(4) } as _;
    // SAFETY: and for one descriptor behind it.
    let place = unsafe { libc::CMSG_DATA(header) }.cast::<RawFd>();
    // SAFETY: as above; a header's data is aligned for a number.
    unsafe { place.write_unaligned(fd) };
    // SAFETY: a message of one byte and one descriptor.
    check(unsafe { libc::sendmsg(socket, &raw const message, 0) } as libc::c_long)
}

fn receive(socket: &UnixDatagram) -> io::Result<OwnedFd> {
    let mut byte = 0_u8;
    let mut bytes = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let mut control: Control = [0; 4];
    let mut message = message(&mut bytes, &mut control);
    // SAFETY: room for one byte and one descriptor.
    check(unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) } as libc::c_long)?;
    // SAFETY: the kernel has filled in what it says.
    let header = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
    if header.is_null() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // SAFETY: there is a header.
    let data = unsafe { libc::CMSG_DATA(header) }.cast::<RawFd>();
    // SAFETY: what was sent is one descriptor.
    let fd = unsafe { data.read_unaligned() };
    // SAFETY: just received, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// `_IOWR('!', number, T)`, as on every architecture here.
const fn request<T>(number: usize) -> libc::c_ulong {
    (3 << 30 | size_of::<T>() << 16 | 0x21 << 8 | number) as libc::c_ulong
}

/// One process that is watched.
struct Process {
    pid: u32,
    calls: Vec<i32>,
    /// Where its calls are its own: after libc's start-up, before the command.
    counts: bool,
    is_command: bool,
}

fn serve(listener: &OwnedFd, fault: Option<Fault>) -> Watched {
    let mut watched = Watched::default();
    let mut processes: Vec<Process> = Vec::new();
    // After its execution it is gontainer's own, or after the last of libc's start-up.
    let first = if is_static() { libc::SYS_execve } else { libc::SYS_set_tid_address };
    let patience = i32::try_from(PATIENCE.as_millis()).unwrap();
    loop {
        let mut polled = libc::pollfd { fd: listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: the kernel reads and writes one entry.
        let ready = unsafe { libc::poll(&raw mut polled, 1, patience) };
        if ready == 0 {
            return watched; // something neither ends nor does anything
        }
        if polled.revents & libc::POLLIN == 0 {
            watched.ended = polled.revents & libc::POLLHUP != 0;
            return watched;
        }
        let mut asked = MaybeUninit::<libc::seccomp_notif>::zeroed(); // as the kernel demands
        // SAFETY: the kernel fills in this structure.
        if unsafe { libc::ioctl(listener.as_raw_fd(), request::<libc::seccomp_notif>(0), asked.as_mut_ptr()) } < 0 {
            continue; // who asked was killed meanwhile
        }
        // SAFETY: filled in, and all zeroes are valid too.
        let asked = unsafe { asked.assume_init() };
        let side = processes.iter().position(|process| process.pid == asked.pid).unwrap_or_else(|| {
            // What a launcher makes is its own, what a command makes is the command's.
            let counts = !processes.is_empty() && !processes.iter().any(|process| process.is_command);
            processes.push(Process { pid: asked.pid, calls: Vec::new(), counts, is_command: false });
            processes.len() - 1
        });
        let process = &mut processes[side];
        let call = asked.data.nr;
        let index = process.calls.iter().filter(|made| **made == call).count();
        let seen = Seen { side, index, call, first: asked.data.args[0] };
        let mut errno = 0;
        if process.counts {
            process.calls.push(call);
            watched.calls.push(seen);
            let meant = |fault: &Fault| (fault.at.side, fault.at.index, fault.at.call) == (side, seen.index, call);
            if let Some(fault) = fault.filter(meant) {
                watched.struck = true;
                errno = -fault.errno;
            }
            // It succeeds, as the command is named by its path.
            process.is_command = libc::c_long::from(call) == libc::SYS_execve && errno == 0;
            process.counts = !process.is_command;
        } else if side == 0 && libc::c_long::from(call) == first {
            process.counts = true;
        }
        let flags = if errno == 0 { u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).unwrap() } else { 0 };
        let answer = libc::seccomp_notif_resp { id: asked.id, val: 0, error: errno, flags };
        // SAFETY: the kernel reads this structure; ENOENT: who asked was killed meanwhile.
        unsafe { libc::ioctl(listener.as_raw_fd(), request::<libc::seccomp_notif_resp>(1), &raw const answer) };
    }
}
