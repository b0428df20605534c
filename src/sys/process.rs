//! Processes: making, ending, waiting, and what they may do.

use super::arch::{clone_onto, trap};
use super::recorder::{self, Side};
use super::words::Words;
use super::{Errno, Fd, Signal, call, file};
use crate::number;
use core::convert::Infallible;
use core::ffi::CStr;
use core::ptr::NonNull;

/// A process by its number in the caller's PID namespace; negative, a process group.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pid(pub(crate) i32);

impl Pid {
    /// For kill(2): all of the group that this process leads.
    pub(crate) fn group(self) -> Pid {
        Pid(-self.0)
    }
}

/// A stack for a child that shares its parent's memory.
#[repr(C, align(16))]
pub(crate) struct Stack<const BYTES: usize>(core::cell::UnsafeCell<[u8; BYTES]>);

// SAFETY: only a child made by `clone_sharing_memory` touches it, and one at a time by its contract.
unsafe impl<const BYTES: usize> Sync for Stack<BYTES> {}

impl<const BYTES: usize> Stack<BYTES> {
    pub(crate) const fn new() -> Self {
        Stack(core::cell::UnsafeCell::new([0; BYTES]))
    }

    /// Where a child starts; stacks grow down.
    fn top(&self) -> *mut u8 {
        self.0.get().cast::<u8>().wrapping_add(BYTES)
    }
}

/// clone(2) with `CLONE_VM` and the given namespaces: `entry(arg)` runs in a new process that shares this
/// one's memory, on `stack`, until it executes something or exits. It has its own descriptors, working
/// directory and signal dispositions, and sends SIGCHLD when it ends. `side` is what the recorder calls it.
///
/// # Errors
/// EPERM: not allowed to make such a namespace. EINVAL: the kernel has no such namespace. ENOSPC: a
/// limit on namespaces, or nested too deep. EAGAIN: a limit on processes.
///
/// # Safety
/// Until the child has executed or ended, nothing else uses `stack`, `arg` stays, and what both processes
/// write is made for that. The child may use nothing of libc's or std's: their thread-local storage is
/// its parent's.
pub(crate) unsafe fn clone_sharing_memory<T, const BYTES: usize>(
    namespaces: usize,
    side: Side,
    stack: &'static Stack<BYTES>,
    entry: extern "C" fn(&T) -> !,
    arg: &T,
) -> Result<Pid, Errno> {
    const { assert!(BYTES > 8 << 10 && BYTES.is_multiple_of(16)) };
    let flags = namespaces | (libc::CLONE_VM | libc::SIGCHLD).cast_unsigned() as usize;
    // SAFETY: same function, its argument a thin reference passed as a thin pointer.
    let entry = unsafe { core::mem::transmute::<extern "C" fn(&T) -> !, extern "C" fn(*const ()) -> !>(entry) };
    let stack = (stack.0.get().addr(), stack.top());
    // SAFETY: the top of a stack, 16-aligned as its bottom is; the rest is promised by the caller.
    unsafe { clone_and_record(flags, side, stack, entry, (&raw const *arg).cast()) }
}

/// [`clone_sharing_memory`] for all kinds of arguments.
///
/// # Safety
/// As there; `stack` is the bottom and the top of one.
#[inline(never)]
unsafe fn clone_and_record(
    flags: usize,
    side: Side,
    (bottom, top): (usize, *mut u8),
    entry: extern "C" fn(*const ()) -> !,
    arg: *const (),
) -> Result<Pid, Errno> {
    let clone = || loop {
        // SAFETY: promised by the caller.
        let result = unsafe { clone_onto(flags, top, entry, arg) };
        match super::errno::decode(result.cast_unsigned()) {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    };
    if !recorder::is_on() {
        return clone().map(Pid::from_result);
    }
    recorder::know_stack(side, bottom..top.addr());
    // SAFETY: no register points to a text.
    let record = unsafe { recorder::begin(super::number::CLONE, [flags, 0, 0, 0, 0, 0], 0) };
    let result = if recorder::is_rehearsal() { recorder::rehearsed(super::number::CLONE, &[0; 6]) } else { clone() };
    recorder::end(record, result);
    result.map(Pid::from_result)
}

impl Pid {
    fn from_result(result: usize) -> Pid {
        Pid(i32::try_from(result).unwrap_or(0))
    }
}

/// sched.h; libc has it for some targets only.
pub(crate) const CLONE_NEWTIME: u32 = 0x80;

/// unshare(2) of the time namespace, which takes the caller in at its next execve(2), and its children.
///
/// # Errors
/// EINVAL: the kernel has none. ENOSPC: a limit on them. EPERM: no CAP_SYS_ADMIN.
pub(crate) fn leave_time_namespace() -> Result<(), Errno> {
    // SAFETY: takes a number only.
    unsafe { call!(UNSHARE, CLONE_NEWTIME) }.map(drop)
}

/// Whether a command can be put into a time namespace: from Linux 6.2 on, execve(2) enters the one that
/// the caller has unshared. Before, only its children entered it. Without a /proc to ask, unshare(2) will say.
pub(crate) fn has_time_namespaces() -> bool {
    (super::uts::names().is_ok_and(|names| names.is_since(6, 2)) || recorder::is_rehearsal())
        && (super::file::is_there(c"/proc/self/ns/time", libc::F_OK)
            || !super::file::is_there(c"/proc/self", libc::F_OK))
}

/// A copy of this process, clone(2) with no flag but SIGCHLD, as fork(2): None in the copy.
///
/// # Errors
/// EAGAIN: a limit on processes.
pub(crate) fn fork() -> Result<Option<Pid>, Errno> {
    // SAFETY: no stack: the copy goes on on a copy of this one, in a copy of this memory. Nothing that
    // this program uses minds: it has one thread, and libc is not asked for anything.
    let pid = unsafe { call!(CLONE, libc::SIGCHLD, 0_usize, 0_usize, 0_usize, 0_usize) }?;
    Ok((pid != 0).then(|| Pid::from_result(pid)))
}

/// How many CPUs the caller may run on, sched_getaffinity(2); 0 if there are more than 8192.
pub(crate) fn cpu_count() -> u64 {
    let mut mask = [0_u64; 128];
    // SAFETY: the kernel writes at most that many bytes.
    match unsafe { call!(SCHED_GETAFFINITY, 0, size_of_val(&mask), mask.as_mut_ptr()) } {
        Ok(_) => mask.iter().map(|word| u64::from(word.count_ones())).sum(),
        Err(_) => 0,
    }
}

/// execveat(2) of an open file, which returns only to say why not.
///
/// # Errors
/// ENOENT of a script: its interpreter cannot open a file that is closed by then.
pub(crate) fn execute_open(file: &Fd, arguments: Words, environment: Words) -> Result<Infallible, Errno> {
    let (arguments, environment) = (arguments.as_ptr(), environment.as_ptr());
    // SAFETY: a C string and two NULL-terminated arrays of them.
    came_back(unsafe { call!(EXECVEAT, file.number(), c"", arguments, environment, libc::AT_EMPTY_PATH) })
}

/// execve(2), which returns only to say why not.
///
/// # Errors
/// ENOENT also means that the file's interpreter is missing. EACCES: not executable. ENOEXEC: no format
/// that the kernel knows.
pub(crate) fn execve(path: &CStr, arguments: Words, environment: Words) -> Result<Infallible, Errno> {
    // SAFETY: a C string and two NULL-terminated arrays of them.
    came_back(unsafe { call!(EXECVE, path, arguments.as_ptr(), environment.as_ptr()) })
}

/// What an execve(2) that came back has to say.
fn came_back(result: Result<usize, Errno>) -> Result<Infallible, Errno> {
    Err(result.err().unwrap_or(Errno::EINVAL)) // only in a rehearsal: success does not return
}

/// exit_group(2).
pub(crate) fn exit(status: i32) -> ! {
    for _ in 0..2 {
        // SAFETY: takes a number only.
        let _ = unsafe { call!(EXIT_GROUP, status) }; // does not return
    }
    trap() // a filter refuses it
}

/// What became of a child.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Exited(i32),
    Killed(Signal),
    Stopped(Signal),
}

/// wait4(2) without waiting: the next child that has ended or stopped, if any.
///
/// # Errors
/// ECHILD: there is no child.
pub(crate) fn wait() -> Result<Option<(Pid, Event)>, Errno> {
    wait_with(Pid(-1), libc::WNOHANG | libc::WUNTRACED)
}

/// wait4(2) until this child has ended.
///
/// # Errors
/// ECHILD: it is no child, or reaped already.
pub(crate) fn wait_for_end(child: Pid) -> Result<Option<(Pid, Event)>, Errno> {
    wait_with(child, 0)
}

/// What a process and all those that it has waited for have used.
pub(crate) struct Usage {
    pub(crate) user_us: u64,
    pub(crate) system_us: u64,
}

/// wait4(2) until a child has ended; it, how it ended, and what it used.
///
/// # Errors
/// ECHILD: there is no child.
pub(crate) fn wait_for_usage() -> Result<(Pid, Event, Usage), Errno> {
    let mut status = 0_i32;
    let mut usage = core::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the kernel writes one number and fills in this structure.
    let pid = unsafe { call!(WAIT4, -1, &raw mut status, 0, usage.as_mut_ptr()) }?;
    // SAFETY: filled in, and all zeroes are valid too.
    let usage = unsafe { usage.assume_init() };
    let micros = |time: libc::timeval| time.tv_sec.cast_unsigned() * 1_000_000 + time.tv_usec.cast_unsigned();
    let usage = Usage { user_us: micros(usage.ru_utime), system_us: micros(usage.ru_stime) };
    Ok((Pid::from_result(pid), decode_status(status), usage))
}

/// wait4(2); of -1, any child.
fn wait_with(whom: Pid, options: i32) -> Result<Option<(Pid, Event)>, Errno> {
    let mut status = 0_i32;
    // SAFETY: the kernel writes one number.
    match unsafe { call!(WAIT4, whom.0, &raw mut status, options) }? {
        0 => Ok(None),
        pid => Ok(Some((Pid::from_result(pid), decode_status(status)))),
    }
}

fn decode_status(status: i32) -> Event {
    match (status & 0x7f, status >> 8 & 0xff) {
        (0, code) => Event::Exited(code),
        (0x7f, signal) => Event::Stopped(Signal(signal)),
        (signal, _) => Event::Killed(Signal(signal)),
    }
}

/// A descriptor that stands for a process, pidfd_open(2).
///
/// # Errors
/// ENOSYS before Linux 5.3.
pub(crate) fn open_pidfd(process: Pid) -> Result<Fd, Errno> {
    // SAFETY: takes numbers only.
    unsafe { call!(PIDFD_OPEN, process.0, 0) }.map(Fd::from_result)
}

/// A copy of another process's descriptor, close-on-exec, pidfd_getfd(2).
///
/// # Errors
/// ENOSYS before Linux 5.6; EPERM if the caller may not ptrace(2) that process.
pub(crate) fn copy_descriptor(from: &Fd, number: i32) -> Result<Fd, Errno> {
    // SAFETY: takes numbers only.
    unsafe { call!(PIDFD_GETFD, from.number(), number, 0) }.map(Fd::from_result)
}

/// getpid(2).
pub(crate) fn own_pid() -> Pid {
    // SAFETY: takes nothing, never fails.
    unsafe { call!(GETPID) }.map_or(Pid(0), Pid::from_result)
}

/// Whether a process's directory in the kernel's /proc is in that of our own PID namespace: there `self`, beside it,
/// leads to our own pid. (In another's it may do so by chance, where both have counted far.) readlinkat(2), getpid(2). A
/// rehearsal takes it for one.
pub(crate) fn is_in_own_proc(dir: &Fd) -> Result<bool, Errno> {
    let mut text = [0; 16];
    let length = match file::read_link(dir, c"../self", &mut text) {
        Err(Errno::ENOENT) => 0, // of processes that we are not among
        length => length?,
    };
    let number = number::decimal(text.get(..length).unwrap_or_default());
    Ok(number == Some(own_pid().0.unsigned_abs().into()) || recorder::is_rehearsal())
}

/// getpgid(2) of the caller; 0 if the group is of another PID namespace.
pub(crate) fn own_group() -> Pid {
    // SAFETY: takes a number only; never fails for the caller itself.
    unsafe { call!(GETPGID, 0) }.map_or(Pid(0), Pid::from_result)
}

/// Makes the caller leader of a process group of its own, setpgid(2).
///
/// # Errors
/// EPERM if it leads a session, and so a group, already.
pub(crate) fn lead_group() -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    unsafe { call!(SETPGID, 0, 0) }.map(drop)
}

/// Makes the caller leader of a session of its own, without a terminal, setsid(2).
///
/// # Errors
/// EPERM if it leads a process group already.
pub(crate) fn lead_session() -> Result<(), Errno> {
    // SAFETY: takes nothing.
    unsafe { call!(SETSID) }.map(drop)
}

/// Who executed us, from the auxiliary vector: that costs no call, and no filter can refuse it.
#[derive(Clone, Copy)]
pub(crate) struct Caller {
    /// The effective user and group.
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Whether the file that was executed gave it privileges: bits of its mode, or capabilities.
    pub(crate) was_raised: bool,
    /// The name of that file, as it was executed.
    pub(crate) file: &'static CStr,
}

impl Caller {
    /// Reads what lies behind the environment.
    ///
    /// # Safety
    /// `environment` is what `main` was given.
    pub(crate) unsafe fn behind(environment: Words) -> Caller {
        let wanted = [libc::AT_EUID, libc::AT_EGID, libc::AT_UID, libc::AT_GID, libc::AT_SECURE, libc::AT_EXECFN];
        // SAFETY: promised by the caller.
        let [uid, gid, real_uid, real_gid, is_secure, file] = unsafe { environment.auxiliary(wanted) };
        let file = NonNull::new(core::ptr::with_exposed_provenance_mut(usize::try_from(file).unwrap_or(0)));
        // SAFETY: the kernel leaves a C string there, behind the environment's.
        let file = file.map_or(c"", |file| unsafe { CStr::from_ptr(file.as_ptr()) });
        // A security module may say "secure" of a change of its own, which gives nothing away.
        let was_raised = is_secure != 0
            && (real_uid != uid || real_gid != gid || capabilities().is_ok_and(|sets| sets.permitted != 0));
        let [uid, gid] = [uid, gid].map(|id| u32::try_from(id).unwrap_or(u32::MAX));
        Caller { uid, gid, was_raised, file }
    }
}

/// setgroups(2): the supplementary groups.
///
/// # Errors
/// EINVAL: a group has no mapping in the user namespace. EPERM: no CAP_SETGID, or setgroups is denied there.
pub(crate) fn set_groups(groups: &[u32]) -> Result<(), Errno> {
    // SAFETY: the kernel reads as many numbers as it is told.
    unsafe { call!(SETGROUPS, groups.len(), groups.as_ptr()) }.map(drop)
}

/// How many supplementary groups the caller has, getgroups(2).
///
/// # Errors
/// Only if a filter refuses the call.
pub(crate) fn count_groups() -> Result<usize, Errno> {
    // SAFETY: without room for them, they are only counted.
    unsafe { call!(GETGROUPS, 0_usize, 0_usize) }
}

/// setresgid(2), of all three.
///
/// # Errors
/// EINVAL: no mapping in the user namespace. EPERM: no CAP_SETGID.
pub(crate) fn set_group_id(gid: u32) -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    unsafe { call!(SETRESGID, gid, gid, gid) }.map(drop)
}

/// setresuid(2), of all three. The last of them to be other than root's takes all capabilities away. A
/// change clears the parent-death signal, and what /proc/sys/fs/suid_dumpable says becomes of the memory's
/// `PR_SET_DUMPABLE`, for all who share it.
///
/// # Errors
/// As [`set_group_id`].
pub(crate) fn set_user_id(uid: u32) -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    unsafe { call!(SETRESUID, uid, uid, uid) }.map(drop)
}

/// Has the kernel send SIGKILL when the parent ends, `PR_SET_PDEATHSIG` of prctl(2). It holds over
/// execve(2), but not when that gains privilege or ids change.
///
/// # Errors
/// Only if a filter refuses the call.
pub(crate) fn die_with_parent() -> Result<(), Errno> {
    prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL.cast_unsigned())
}

/// Closes this memory to ptrace(2) and `/proc/PID/{mem,exe,fd,root,…}` for all without CAP_SYS_PTRACE in
/// the user namespace where it was executed. `PR_SET_DUMPABLE` of prctl(2); it makes the process's /proc
/// files root's and ends with execve(2). False takes it back.
///
/// # Errors
/// Only if a filter refuses the call.
pub(crate) fn close_memory(closed: bool) -> Result<(), Errno> {
    prctl(libc::PR_SET_DUMPABLE, u32::from(!closed))
}

/// From here on execve(2) gains nothing by set-user-id and set-group-id bits and file capabilities,
/// `PR_SET_NO_NEW_PRIVS` of prctl(2), for children too.
///
/// # Errors
/// Only if a filter refuses the call.
pub(crate) fn refuse_new_privileges() -> Result<(), Errno> {
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1)
}

/// Whether somebody has confined us in a way that no program gets rid of: by `PR_SET_NO_NEW_PRIVS` or a filter of system
/// calls, prctl(2). All that runs in a container of ours is, unless its caller took both away.
pub(crate) fn is_confined() -> bool {
    [libc::PR_GET_NO_NEW_PRIVS, libc::PR_GET_SECCOMP].into_iter().any(|option| {
        // SAFETY: takes numbers only.
        let answer = unsafe { call!(PRCTL, option, 0, 0, 0, 0) };
        answer != Ok(0) // an error is a filter's
    })
}

/// What a user id means for capabilities, `PR_SET_SECUREBITS` of prctl(2).
///
/// # Errors
/// EPERM: no CAP_SETPCAP, or a bit to change is locked.
pub(crate) fn set_secure_bits(bits: u32) -> Result<(), Errno> {
    prctl(libc::PR_SET_SECUREBITS, bits)
}

/// Moves the caller into a new user namespace, unshare(2).
///
/// # Errors
/// EPERM: a filter refuses it, or we are in a chroot. ENOSPC: a limit on them.
pub(crate) fn unshare_user() -> Result<(), Errno> {
    // SAFETY: takes a number only.
    unsafe { call!(UNSHARE, libc::CLONE_NEWUSER) }.map(drop)
}

/// Takes a capability out of the bounding set, `PR_CAPBSET_DROP` of prctl(2).
///
/// # Errors
/// EINVAL: the kernel has none of this number. EPERM: no CAP_SETPCAP.
pub(crate) fn drop_from_bounding(capability: u32) -> Result<(), Errno> {
    prctl(libc::PR_CAPBSET_DROP, capability)
}

/// prctl(2) with an option that takes one number.
fn prctl(option: i32, number: u32) -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    unsafe { call!(PRCTL, option, number) }.map(drop)
}

/// The three sets of capset(2) as bits: capability N is bit N.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct CapabilitySets {
    pub(crate) effective: u64,
    pub(crate) permitted: u64,
    pub(crate) inheritable: u64,
}

/// The kernel's header for both calls: version 3, the calling process.
#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: i32,
}

const CAPABILITY_VERSION_3: u32 = 0x2008_0522;

/// The kernel's two halves of three words: low 32 capabilities, then the high ones.
type CapabilityHalves = [[u32; 3]; 2];

/// capget(2) of the caller.
///
/// # Errors
/// Only if a filter refuses the call.
pub(crate) fn capabilities() -> Result<CapabilitySets, Errno> {
    let mut header = CapabilityHeader { version: CAPABILITY_VERSION_3, pid: 0 };
    let mut halves: CapabilityHalves = [[u32::MAX; 3]; 2]; // in a rehearsal, all of them
    // SAFETY: the kernel may write the header's version, and writes both halves.
    unsafe { call!(CAPGET, &raw mut header, halves.as_mut_ptr()) }?;
    let [[effective, permitted, inheritable], [high_effective, high_permitted, high_inheritable]] = halves;
    let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    Ok(CapabilitySets {
        effective: join(effective, high_effective),
        permitted: join(permitted, high_permitted),
        inheritable: join(inheritable, high_inheritable),
    })
}

/// capset(2). What leaves permitted or inheritable leaves the ambient set too.
///
/// # Errors
/// EPERM: something was to be gained.
pub(crate) fn set_capabilities(sets: CapabilitySets) -> Result<(), Errno> {
    let mut header = CapabilityHeader { version: CAPABILITY_VERSION_3, pid: 0 };
    let low = |set: u64| u32::try_from(set & 0xffff_ffff).unwrap_or(0);
    let high = |set: u64| low(set >> 32);
    let halves: CapabilityHalves = [
        [low(sets.effective), low(sets.permitted), low(sets.inheritable)],
        [high(sets.effective), high(sets.permitted), high(sets.inheritable)],
    ];
    // SAFETY: the kernel reads the halves; it may write the header's version.
    unsafe { call!(CAPSET, &raw mut header, halves.as_ptr()) }.map(drop)
}

/// Gives the caller a new, empty session keyring, `KEYCTL_JOIN_SESSION_KEYRING` of keyctl(2).
///
/// # Errors
/// ENOSYS: a kernel without keys. EPERM: refused by a seccomp filter, as in a Docker container. EDQUOT: more keys
/// than `/proc/sys/kernel/keys/maxkeys`.
pub(crate) fn new_session_keyring() -> Result<(), Errno> {
    const KEYCTL_JOIN_SESSION_KEYRING: i32 = 1;
    // SAFETY: a null name asks for an anonymous keyring.
    unsafe { call!(KEYCTL, KEYCTL_JOIN_SESSION_KEYRING, 0_usize) }.map(drop)
}

/// The kernel's struct rlimit64: what holds, and up to where its owner may raise that.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) soft: u64,
    pub(crate) hard: u64,
}

/// The caller's limits of a resource, prlimit64(2).
///
/// # Errors
/// EINVAL: the kernel has no such resource.
pub(crate) fn resource_limits(resource: usize) -> Result<Limits, Errno> {
    let mut limits = Limits { soft: u64::MAX, hard: u64::MAX };
    // SAFETY: the kernel writes one structure, and reads none.
    unsafe { call!(PRLIMIT64, 0, resource, 0_usize, &raw mut limits) }?;
    Ok(limits)
}

/// Sets the caller's limits of a resource, prlimit64(2).
///
/// # Errors
/// EPERM: raising the hard one takes CAP_SYS_RESOURCE in the host's user namespace, and nobody raises
/// `nofile` above `/proc/sys/fs/nr_open`.
pub(crate) fn limit_resource(resource: usize, limits: Limits) -> Result<(), Errno> {
    // SAFETY: the kernel reads one structure, and writes none.
    unsafe { call!(PRLIMIT64, 0, resource, &raw const limits, 0_usize) }.map(drop)
}

/// Sets the niceness of a process, -20 to 19, setpriority(2).
///
/// # Errors
/// EACCES: lower than RLIMIT_NICE allows takes CAP_SYS_NICE in the host's user namespace.
pub(crate) fn set_niceness(process: Pid, niceness: i32) -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    unsafe { call!(SETPRIORITY, libc::PRIO_PROCESS, process.0, niceness) }.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_status_tells_exit_death_and_stop_apart() {
        assert!(decode_status(37 << 8) == Event::Exited(37));
        assert!(decode_status(9) == Event::Killed(Signal(9)));
        assert!(decode_status(11 | 0x80) == Event::Killed(Signal(11))); // with a core dump
        assert!(decode_status(20 << 8 | 0x7f) == Event::Stopped(Signal(20)));
    }

    #[test]
    fn capabilities_survive_a_round_trip() {
        let Ok(sets) = capabilities() else { panic!("capget") };
        assert!(set_capabilities(sets).is_ok());
        assert!(capabilities() == Ok(sets));
    }
}
