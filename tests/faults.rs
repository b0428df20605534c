//! Each step of a start made to fail: status 125, a line that names the step, the call, its object and the
//! error, and nothing left behind. And refusals that a start gets around.

use crate::support::{Case, Filter, Folder, Outcome, Start, When, await_end_of, marker, mounts, rootfs, starts};

/// A step, a call of its own that the kernel refuses, and what is said about it.
struct Fault {
    step: &'static str,
    /// Flags with which the step takes place.
    flags: &'static str,
    call: libc::c_long,
    when: When,
    errno: i32,
    /// From the call's name on; `@` is the rootfs.
    says: &'static str,
    only: Only,
}

/// For which starts a step takes place.
#[derive(PartialEq, Eq)]
enum Only {
    All,
    WithUserNamespace,
    WithoutUserNamespace,
    RealRoot,
    OrdinaryUser,
    /// Standard input closed.
    Closed,
    /// A kernel without close_range.
    OldClose,
    /// On a terminal.
    Terminal,
}

const CLONE_NEWNS: u32 = libc::CLONE_NEWNS.cast_unsigned();
const CLONE_NEWPID: u32 = libc::CLONE_NEWPID.cast_unsigned();

const fn bits(number: i32) -> u32 {
    number.cast_unsigned()
}

/// How a file is opened to be read.
const READ_A_FILE: u32 = bits(libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC);

const fn flags(number: libc::c_ulong) -> u32 {
    assert!(number <= 0xffff_ffff);
    #[allow(clippy::cast_possible_truncation, reason = "checked")]
    let low = number as u32;
    low
}

#[rustfmt::skip] // a table
const FAULTS: &[Fault] = &[
    Fault { step: "keep closed standard descriptors closed",  flags: "-uts",       call: libc::SYS_ppoll,          when: When::Is(1, 3),                                        errno: libc::EINVAL, says: "poll: invalid argument (EINVAL)",                                            only: Only::All },
    Fault { step: "keep closed standard descriptors closed",  flags: "-pid",       call: libc::SYS_openat,         when: When::Is(2, bits(libc::O_RDWR | libc::O_CLOEXEC)),     errno: libc::EMFILE, says: "open(/dev/null): too many open files (EMFILE)",                              only: Only::Closed },
    Fault { step: "close inherited descriptors",              flags: "-uts -fd=250", call: libc::SYS_clone3,       when: When::Always,                                          errno: libc::ENOSYS, says: "fcntl(250): bad file descriptor (EBADF)",                                     only: Only::All },
    Fault { step: "close inherited descriptors",              flags: "-uts",       call: libc::SYS_close_range,    when: When::Always,                                          errno: libc::EINVAL, says: "close_range: invalid argument (EINVAL)",                                     only: Only::All },
    Fault { step: "close inherited descriptors",              flags: "-uts",       call: libc::SYS_getdents64,     when: When::Always,                                          errno: libc::EIO,    says: "getdents64(/proc/self/fd): input/output error (EIO)",                        only: Only::OldClose },
    Fault { step: "enter the rootfs",                         flags: "-mnt=@",     call: libc::SYS_chdir,          when: When::Always,                                          errno: libc::EIO,    says: "chdir(@): input/output error (EIO)",                                         only: Only::All },
    Fault { step: "raise resource limits",                    flags: "-uts -rlimit=nofile=64", call: libc::SYS_prlimit64, when: When::Is(2, 0),                                  errno: libc::EINVAL, says: "prlimit64(nofile=64): invalid argument (EINVAL)",                            only: Only::All },
    Fault { step: "limit resources",                          flags: "-pid -rlimit=core=0 -rlimit=nofile=64", call: libc::SYS_prlimit64, when: When::Is(3, 0),                     errno: libc::EPERM,  says: "prlimit64(core=0): operation not permitted (EPERM)",                         only: Only::All },
    Fault { step: "find the subordinate ids",                 flags: "-map=auto",  call: libc::SYS_openat,         when: When::Is(2, READ_A_FILE),                              errno: libc::EIO,    says: "open(/etc/passwd): input/output error (EIO)",                                only: Only::All },
    Fault { step: "become root inside",                       flags: "-map=0:0:2 -pid", call: libc::SYS_setresgid, when: When::Always,                                          errno: libc::EPERM,  says: "setresgid: operation not permitted (EPERM)",                                 only: Only::RealRoot },
    Fault { step: "become root inside",                       flags: "-map=0:0:2", call: libc::SYS_setresuid,      when: When::Always,                                          errno: libc::EPERM,  says: "setresuid: operation not permitted (EPERM)",                                 only: Only::RealRoot },
    Fault { step: "become the user",                          flags: "-user=0 -pid", call: libc::SYS_setresuid,    when: When::Always,                                          errno: libc::EPERM,  says: "setresuid(0): operation not permitted (EPERM)",                              only: Only::All },
    Fault { step: "become the user",                          flags: "-user=0:0 -uts", call: libc::SYS_setresgid,  when: When::Always,                                          errno: libc::EPERM,  says: "setresgid(0:0): operation not permitted (EPERM)",                            only: Only::All },
    Fault { step: "become the user",                          flags: "-user=root -uts", call: libc::SYS_openat,    when: When::Is(2, READ_A_FILE),                              errno: libc::EIO,    says: "open(/etc/passwd): input/output error (EIO)",                                only: Only::All },
    Fault { step: "hold signals back",                        flags: "-pid",       call: libc::SYS_rt_sigprocmask, when: When::Is(0, bits(libc::SIG_SETMASK)),                  errno: libc::EINVAL, says: "rt_sigprocmask: invalid argument (EINVAL)",                                  only: Only::All },
    Fault { step: "hold signals back",                        flags: "-pid",       call: libc::SYS_rt_sigaction,   when: When::Is(0, bits(libc::SIGCHLD)),                      errno: libc::EINVAL, says: "rt_sigaction: invalid argument (EINVAL)",                                    only: Only::All },
    Fault { step: "make the pipe that joins parent and child", flags: "-uts",      call: libc::SYS_pipe2,          when: When::Always,                                          errno: libc::EMFILE, says: "pipe2: too many open files (EMFILE)",                                        only: Only::All },
    Fault { step: "watch for stops of the command",           flags: "-pid",       call: libc::SYS_fcntl,          when: When::Is(1, bits(libc::F_SETOWN)),                     errno: libc::EINVAL, says: "fcntl: invalid argument (EINVAL)",                                           only: Only::Terminal },
    Fault { step: "make the namespaces",                      flags: "-uts -pid",  call: libc::SYS_clone,          when: When::Has(0, CLONE_NEWPID),                            errno: libc::ENOMEM, says: "clone: out of memory (ENOMEM)",                                              only: Only::All },
    Fault { step: "make the namespaces",                      flags: "-mnt=@",     call: libc::SYS_clone,          when: When::Has(0, CLONE_NEWNS),                             errno: libc::EAGAIN, says: "clone: resource temporarily unavailable, or a limit on processes (EAGAIN)",  only: Only::All },
    Fault { step: "deny setgroups",                           flags: "-pid",       call: libc::SYS_openat,         when: When::Is(2, bits(libc::O_WRONLY | libc::O_CLOEXEC)),   errno: libc::EACCES, says: "open(setgroups): permission denied (EACCES)",                                only: Only::WithUserNamespace },
    Fault { step: "deny setgroups",                           flags: "-pid",       call: libc::SYS_fstatfs,        when: When::Is(0, 5),                                        errno: libc::ENOSYS, says: "fstatfs(/proc): the kernel has no such system call (ENOSYS)",                   only: Only::WithUserNamespace },
    Fault { step: "deny setgroups",                           flags: "-pid",       call: libc::SYS_write,          when: When::Is(2, 4),                                        errno: libc::EPERM,  says: "write(setgroups): operation not permitted (EPERM)",                          only: Only::WithUserNamespace },
    Fault { step: "set how soon memory kills it",             flags: "-uts -oom=900", call: libc::SYS_openat,      when: When::Is(2, bits(libc::O_WRONLY | libc::O_CLOEXEC)),   errno: libc::EACCES, says: "open(oom_score_adj): permission denied (EACCES)",                            only: Only::WithoutUserNamespace },
    Fault { step: "set how soon memory kills it",             flags: "-pid -oom=900", call: libc::SYS_write,       when: When::Is(2, 3),                                        errno: libc::EACCES, says: "write(oom_score_adj): permission denied (EACCES)",                           only: Only::All },
    Fault { step: "set its niceness",                         flags: "-pid -nice=3", call: libc::SYS_setpriority,  when: When::Is(2, 3),                                        errno: libc::EACCES, says: "setpriority: permission denied (EACCES)",                                    only: Only::All },
    Fault { step: "let the child go on",                      flags: "-pid",       call: libc::SYS_write,          when: When::Is(2, 1),                                        errno: libc::EIO,    says: "write: input/output error (EIO)",                                            only: Only::All },
    Fault { step: "die with the parent",                      flags: "-pid",       call: libc::SYS_prctl,          when: When::Is(0, bits(libc::PR_SET_PDEATHSIG)),             errno: libc::EINVAL, says: "prctl PR_SET_PDEATHSIG: invalid argument (EINVAL)",                          only: Only::All },
    Fault { step: "lead a process group",                     flags: "-uts",       call: libc::SYS_setsid,         when: When::Always,                                          errno: libc::EPERM,  says: "setsid: operation not permitted (EPERM)",                                   only: Only::All },
    Fault { step: "stop mounts spreading to the host",        flags: "-pid",       call: libc::SYS_mount,          when: When::Is(3, flags(libc::MS_REC | libc::MS_PRIVATE)),   errno: libc::EINVAL, says: "mount(/): invalid argument (EINVAL)",                                        only: Only::WithoutUserNamespace },
    Fault { step: "look at the rootfs", flags: "-mnt=@ -bind=/etc:/tmp/x", call: libc::SYS_openat, when: When::Is(2, bits(libc::O_PATH | libc::O_CLOEXEC)), errno: libc::EIO, says: "open(@): input/output error (EIO)", only: Only::All },
    Fault { step: "take hold of what is to be bound", flags: "-mnt=@ -bind=/etc:/tmp/x", call: libc::SYS_open_tree, when: When::Always, errno: libc::EINVAL, says: "open_tree(/etc): invalid argument (EINVAL)", only: Only::All },
    Fault { step: "claim the directory for changes", flags: "-pid -mnt=@ -overlay=@/new", call: libc::SYS_flock, when: When::Always, errno: libc::EIO, says: "flock(@/new): input/output error (EIO)", only: Only::All },
    Fault { step: "lay an overlay over the rootfs", flags: "-mnt=@ -overlay", call: libc::SYS_mount, when: When::Is(3, 0), errno: libc::ENOMEM, says: "mount(tmpfs): out of memory (ENOMEM)", only: Only::All },
    Fault { step: "lay an overlay over the rootfs", flags: "-mnt=@ -overlay", call: libc::SYS_open_tree, when: When::Always, errno: libc::ENOSYS, says: "open_tree(overlay): the kernel has no such system call (ENOSYS)", only: Only::All },
    Fault { step: "take hold of the host's root", flags: "-tmpfs=/srv", call: libc::SYS_openat, when: When::Has(2, bits(libc::O_PATH | libc::O_NOFOLLOW)), errno: libc::EIO, says: "open(/): input/output error (EIO)", only: Only::WithoutUserNamespace },
    Fault { step: "make read-only what is mounted in the root", flags: "-ro", call: libc::SYS_mount_setattr, when: When::Always, errno: libc::EINVAL, says: "mount_setattr: invalid argument (EINVAL)", only: Only::All },
    Fault { step: "mount what was asked for", flags: "-mnt=@ -tmpfs=/tmp -dev=none", call: libc::SYS_mount, when: When::Is(3, flags(libc::MS_NOSUID | libc::MS_NODEV)), errno: libc::ENOMEM, says: "mount(/tmp): out of memory (ENOMEM)", only: Only::All },
    Fault { step: "mount what was asked for", flags: "-bind=/etc:/usr", call: libc::SYS_move_mount, when: When::Always, errno: libc::EINVAL, says: "move_mount(/usr): invalid argument (EINVAL)", only: Only::All },
    Fault { step: "go where the caller was", flags: "-tmpfs=/srv", call: libc::SYS_chdir, when: When::Always, errno: libc::EIO, says: "chdir(/): input/output error (EIO)", only: Only::All },
    Fault { step: "go where it starts", flags: "-uts -workdir=/usr", call: libc::SYS_openat2, when: When::Always, errno: libc::EIO, says: "open(/usr): input/output error (EIO)", only: Only::All },
    Fault { step: "make the rootfs a mount",                  flags: "-mnt=@",     call: libc::SYS_open_tree,      when: When::Always,                                          errno: libc::EINVAL, says: "open_tree: invalid argument (EINVAL)",                                       only: Only::All },
    Fault { step: "make the rootfs a mount",                  flags: "-mnt=@ -pid", call: libc::SYS_open_tree,     when: When::Always,                                          errno: libc::ENOSPC, says: "open_tree: no space left, or a limit on namespaces or mounts (ENOSPC)",      only: Only::All },
    Fault { step: "make the rootfs a mount",                  flags: "-mnt=@",     call: libc::SYS_move_mount,     when: When::Always,                                          errno: libc::EINVAL, says: "move_mount: invalid argument (EINVAL)",                                      only: Only::All },
    Fault { step: "open no devices of the rootfs",            flags: "-mnt=@",     call: libc::SYS_mount_setattr, when: When::Always,                                          errno: libc::EINVAL, says: "mount_setattr: invalid argument (EINVAL)",                                      only: Only::RealRoot },
    Fault { step: "make the rootfs a mount",                  flags: "-mnt=@",     call: libc::SYS_fchdir,         when: When::Always,                                          errno: libc::EACCES, says: "fchdir: permission denied (EACCES)",                                         only: Only::All },
    Fault { step: "make the rootfs /",                        flags: "-mnt=@ -pid", call: libc::SYS_pivot_root,    when: When::Always,                                          errno: libc::EINVAL, says: "pivot_root(@): invalid argument (EINVAL)",                                   only: Only::All },
    Fault { step: "make the rootfs /",                        flags: "-mnt=@",     call: libc::SYS_pivot_root,     when: When::Always,                                          errno: libc::EPERM,  says: "pivot_root(@): operation not permitted (EPERM)",                             only: Only::All },
    Fault { step: "mount a new /proc",                        flags: "-pid",       call: libc::SYS_mount,          when: When::Has(3, flags(libc::MS_NOEXEC)),                  errno: libc::EBUSY,  says: "mount(/proc): device or resource busy (EBUSY)",                              only: Only::All },
    Fault { step: "mount a new /proc",                        flags: "-pid -mnt=@", call: libc::SYS_mount,         when: When::Has(3, flags(libc::MS_NOEXEC)),                  errno: libc::ENODEV, says: "mount(/proc): no such device, or the kernel lacks this file system (ENODEV)", only: Only::All },
    Fault { step: "take the host's /proc along", flags: "-mnt=@", call: libc::SYS_mount, when: When::Has(3, flags(libc::MS_BIND)), errno: libc::EINVAL, says: "mount(/proc): invalid argument (EINVAL)", only: Only::All },
    Fault { step: "cover what root could misuse in /proc", flags: "-pid -mnt=@", call: libc::SYS_mount, when: When::Has(3, flags(libc::MS_BIND)), errno: libc::EBUSY, says: "mount(/proc/keys): device or resource busy (EBUSY)", only: Only::RealRoot },
    Fault { step: "move /proc into the rootfs", flags: "-pid -mnt=@", call: libc::SYS_move_mount, when: When::Is(4, 0), errno: libc::EIO, says: "move_mount(/proc): input/output error (EIO)", only: Only::All },
    Fault { step: "mount a read-only /sys", flags: "-net -mnt=@ -proc=none", call: libc::SYS_mount, when: When::Has(3, flags(libc::MS_NOEXEC)), errno: libc::EBUSY, says: "mount(/sys): device or resource busy (EBUSY)", only: Only::All },
    Fault { step: "use the host's name servers", flags: "-mnt=@ -proc=none", call: libc::SYS_openat2, when: When::Always, errno: libc::EIO, says: "open(/etc/resolv.conf): input/output error (EIO)", only: Only::All },
    Fault { step: "fill a small /dev", flags: "-mnt=@", call: libc::SYS_symlinkat, when: When::Always, errno: libc::EIO, says: "symlink(/proc/self/fd): input/output error (EIO)", only: Only::All },
    Fault { step: "drop the old root",                        flags: "-mnt=@ -pid", call: libc::SYS_umount2,       when: When::Always,                                          errno: libc::EINVAL, says: "umount2(/): invalid argument (EINVAL)",                                      only: Only::All },
    Fault { step: "set the host name",                        flags: "-uts",       call: libc::SYS_sethostname,    when: When::Always,                                          errno: libc::EPERM,  says: "sethostname(gontainer): operation not permitted (EPERM)",                    only: Only::All },
    Fault { step: "set the host name",                        flags: "-hostname=box -pid", call: libc::SYS_sethostname, when: When::Always,                                      errno: libc::EIO, says: "sethostname(box): input/output error (EIO)",                                     only: Only::All },
    Fault { step: "open a socket in the new network",         flags: "-net",       call: libc::SYS_socket,         when: When::Always,                                          errno: libc::EAFNOSUPPORT, says: "socket: address family not supported (EAFNOSUPPORT)",  only: Only::All },
    Fault { step: "bring the loopback interface up",          flags: "-net -pid",  call: libc::SYS_ioctl,          when: When::Is(1, flags(libc::SIOCSIFFLAGS)),                errno: libc::EPERM,  says: "ioctl SIOCSIFFLAGS(lo): operation not permitted (EPERM)",                    only: Only::All },
    Fault { step: "make a time namespace",                    flags: "-time -pid", call: libc::SYS_unshare,        when: When::Always,                                          errno: libc::EINVAL, says: "unshare CLONE_NEWTIME: invalid argument (EINVAL)",                           only: Only::All },
    Fault { step: "put capabilities out of reach",            flags: "-pid",       call: libc::SYS_prctl,          when: When::Is(0, bits(libc::PR_CAPBSET_DROP)),              errno: libc::EPERM,  says: "prctl PR_CAPBSET_DROP: operation not permitted (EPERM)",                     only: Only::RealRoot },
    Fault { step: "give up capabilities",                     flags: "-uts",       call: libc::SYS_capset,         when: When::Always,                                          errno: libc::EPERM,  says: "capset: operation not permitted (EPERM)",                                    only: Only::RealRoot },
    Fault { step: "give up capabilities",                     flags: "-uts",       call: libc::SYS_capget,         when: When::Always,                                          errno: libc::EINVAL, says: "capget: invalid argument (EINVAL)",                                          only: Only::RealRoot },
    Fault { step: "put capabilities out of reach",            flags: "-pid -cap=none", call: libc::SYS_prctl,      when: When::Is(0, bits(libc::PR_CAPBSET_DROP)),              errno: libc::EPERM,  says: "prctl PR_CAPBSET_DROP: operation not permitted (EPERM)",                     only: Only::All },
    Fault { step: "put capabilities out of reach",            flags: "-uts -cap=none", call: libc::SYS_prctl,      when: When::Is(0, bits(libc::PR_SET_SECUREBITS)),            errno: libc::EPERM,  says: "prctl PR_SET_SECUREBITS: operation not permitted (EPERM)",                   only: Only::All },
    Fault { step: "put capabilities out of reach",            flags: "-uts",       call: libc::SYS_prctl,          when: When::Is(0, bits(libc::PR_SET_SECUREBITS)),            errno: libc::EPERM,  says: "prctl PR_SET_SECUREBITS: operation not permitted (EPERM)",                   only: Only::WithoutUserNamespace },
    Fault { step: "put capabilities out of reach",            flags: "-uts -cap=+63", call: libc::SYS_clone3,      when: When::Always,                                          errno: libc::ENOSYS, says: "capget: operation not permitted (EPERM)",                                    only: Only::All },
    Fault { step: "gain no privileges by executing",          flags: "-pid",       call: libc::SYS_prctl,          when: When::Is(0, bits(libc::PR_SET_NO_NEW_PRIVS)),          errno: libc::EINVAL, says: "prctl PR_SET_NO_NEW_PRIVS: invalid argument (EINVAL)",                       only: Only::All },
    Fault { step: "refuse calls that no container needs",     flags: "-pid",       call: libc::SYS_prctl,          when: When::Is(0, bits(libc::PR_SET_SECCOMP)),               errno: libc::EINVAL, says: "prctl PR_SET_SECCOMP: invalid argument (EINVAL)",                            only: Only::All },
    Fault { step: "refuse calls that no container needs",     flags: "-strict",    call: libc::SYS_prctl,          when: When::Is(0, bits(libc::PR_SET_SECCOMP)),               errno: libc::ENOMEM, says: "prctl PR_SET_SECCOMP: out of memory (ENOMEM)",                               only: Only::All },
    Fault { step: "read the filter of system calls",          flags: "-uts -seccomp=/nowhere", call: libc::SYS_clone3, when: When::Always,                                     errno: libc::ENOSYS, says: "open(/nowhere): no such file or directory (ENOENT)",                         only: Only::All },
    Fault { step: "read the filter of system calls",          flags: "-uts -seccomp=/", call: libc::SYS_clone3,    when: When::Always,                                          errno: libc::ENOSYS, says: "read(/): is a directory (EISDIR)",                                           only: Only::All },
    Fault { step: "read the filter of system calls",          flags: "-uts -seccomp=/dev/null", call: libc::SYS_clone3, when: When::Always,                                    errno: libc::ENOSYS, says: "size(/dev/null): invalid argument (EINVAL)",                                 only: Only::All },
    Fault { step: "read the filter of system calls",          flags: "-uts -seccomp=/dev/zero", call: libc::SYS_clone3, when: When::Always,                                    errno: libc::ENOSYS, says: "size(/dev/zero): file too large (EFBIG)",                                    only: Only::All },
    Fault { step: "wait for the id maps",                     flags: "-pid",       call: libc::SYS_read,           when: When::Is(2, 1),                                        errno: libc::EIO,    says: "read: input/output error (EIO)",                                             only: Only::All },
    Fault { step: "wait for the id maps",                     flags: "-uts",       call: libc::SYS_ppoll,          when: When::Is(1, 1),                                        errno: libc::ENOMEM, says: "poll: out of memory (ENOMEM)",                                               only: Only::All },
    Fault { step: "close PID 1 to the container",             flags: "-pid",       call: libc::SYS_prctl,          when: When::Is(0, bits(libc::PR_SET_DUMPABLE)),              errno: libc::EINVAL, says: "prctl PR_SET_DUMPABLE: invalid argument (EINVAL)",                           only: Only::OrdinaryUser },
    Fault { step: "close our memory to root's other containers", flags: "-uts",       call: libc::SYS_prctl,          when: When::Is(0, bits(libc::PR_SET_DUMPABLE)),              errno: libc::EINVAL, says: "prctl PR_SET_DUMPABLE: invalid argument (EINVAL)",                           only: Only::RealRoot },
    Fault { step: "start the command",                        flags: "-pid",       call: libc::SYS_clone,          when: When::Lacks(0, CLONE_NEWPID),                          errno: libc::EAGAIN, says: "clone: resource temporarily unavailable, or a limit on processes (EAGAIN)",  only: Only::All },
    Fault { step: "take the terminal",                        flags: "-pid",       call: libc::SYS_ioctl,          when: When::Is(1, flags(libc::TIOCSPGRP)),                   errno: libc::EIO,    says: "ioctl TIOCSPGRP: input/output error (EIO)",                                  only: Only::Terminal },
    Fault { step: "leave the caller's session keyring",       flags: "-pid -seccomp=off", call: libc::SYS_keyctl,         when: When::Always,                                          errno: libc::EDQUOT, says: "keyctl KEYCTL_JOIN_SESSION_KEYRING: quota exceeded (EDQUOT)",                only: Only::All },
];

/// Steps that have no row above, and why.
const WITHOUT_A_FAULT: &[(&str, &str)] = &[
    ("make the root read-only", "what lies in it is made so first, by the same call"),
    ("make the container's cgroup", "it takes a host with cgroup v2: see limits"),
    ("set the cgroup's limits", "it takes a host with cgroup v2: see limits"),
    ("enter the container's cgroup", "it takes a host with cgroup v2: see limits"),
    ("see that the kernel has time namespaces", "a test of namespaces takes them away"),
    ("see which groups stay", "only with -trace, and to count them cannot fail"),
    ("die with the parent all the same", "the first time fails first, by the same calls"),
    ("stay closed to the container", "the first time fails first, by the same call"),
    ("name our own file, which is the command", "-bench alone asks for it, and names a file that runs"),
    ("find the terminal", "finding none is no failure"),
    ("make the pipe that tells of the start", "the pipe before it fails first, by the same call"),
    ("map the group id", "the map has its own test"),
    ("map the user id", "the map has its own test"),
    ("leave to the parent what is its alone", "close cannot fail in a way that matters"),
    ("let go of descriptors", "the command runs already; see below"),
    ("leave kept descriptors to the command", "close cannot fail in a way that matters"),
    ("let go of capabilities", "the command runs already; see below"),
    ("create files as 022 allows", "umask cannot fail"),
    ("see that no user namespace can be made", "the filter answers, and a test's below it cannot say yes"),
    ("filter system calls", "tests of -seccomp make it fail"),
    ("reap, and forward signals", "the command runs already; see below"),
    ("let signals through", "the first swap of the mask fails first, by the same call"),
    ("run the command", "tests of the command make it fail"),
];

fn takes_place(fault: &Fault, start: Start) -> bool {
    match fault.only {
        Only::WithUserNamespace => start.has_user_namespace(),
        Only::WithoutUserNamespace => !start.has_user_namespace(),
        Only::RealRoot => start.is_real_root(),
        Only::OrdinaryUser => !start.user.is_root(),
        Only::All | Only::Closed | Only::OldClose | Only::Terminal => true,
    }
}

/// A start whose command must never run.
fn attempt(start: Start, flags: &str, root: &Folder, name: &str) -> Case {
    let words = flags.replace('@', &root.join(""));
    Case::new(start).words(&words).named(name).args(["--", "sh", "-c", "echo ran >/tmp/ran; echo ran"])
}

#[test]
fn a_failing_step_names_itself_and_leaves_nothing() {
    let before = mounts();
    for start in starts() {
        for fault in FAULTS.iter().filter(|fault| takes_place(fault, start)) {
            let root = rootfs(start.user);
            let name = marker();
            let case = attempt(start, fault.flags, &root, &name);
            let case = match fault.only {
                Only::Closed => case.closed(0),
                Only::OldClose => case.refusing(Filter::new(libc::SYS_close_range, libc::ENOSYS)),
                Only::Terminal => case.on_terminal().piped(2),
                _ => case,
            };
            let outcome = case.refusing(Filter::new(fault.call, fault.errno).when(fault.when)).run();
            let says = fault.says.replace('@', &root.join(""));
            outcome.refuses(125, &format!("gontainer: {}: {says}", fault.step));
            outcome.that("nothing ran", outcome.screen.is_empty() && !root.exists("tmp/ran"));
            await_end_of(&name);
        }
    }
    assert_eq!(mounts(), before);
}

#[test]
fn every_step_of_the_plan_has_been_made_to_fail() {
    let plan = include_str!("../src/launch/plan.rs");
    let mut count = 0;
    for line in plan.lines().filter(|line| line.contains("=>")) {
        // `"what it does" if Config::wants_it => file::function;`
        let Some(step) = line.trim().strip_prefix('"').and_then(|rest| rest.split('"').next()) else { continue };
        count += 1;
        let has_row = FAULTS.iter().any(|fault| fault.step == step);
        let has_reason = WITHOUT_A_FAULT.iter().any(|(known, _)| *known == step);
        assert!(has_row != has_reason, "the step {step:?} needs a row, or a reason why it has none");
    }
    assert!(count > 20, "the plan was not understood");
}

#[test]
fn each_id_map_names_itself() {
    for _ in crate::support::root_users() {
        // The lines differ in length, which a filter sees: `0 7 1` and `0 65534 1`.
        for (uid, gid, length, file) in [(7, 65534, 5, "uid"), (7, 65534, 9, "gid"), (65534, 7, 9, "uid")] {
            let start = Start { user: crate::support::User::other("an odd user", uid, gid), flags: &["-uid"] };
            let filter = Filter::new(libc::SYS_write, libc::EPERM).when(When::Is(2, length));
            let outcome = Case::new(start).words("-pid").command("echo ran").refusing(filter).run();
            let what = if file == "uid" { "user" } else { "group" };
            let line = format!("gontainer: map the {what} id: write({file}_map): operation not permitted (EPERM)");
            outcome.refuses(125, &line);
        }
    }
}

#[test]
fn a_supervisor_that_cannot_wait_ends_everything() {
    for start in starts() {
        for call in [libc::SYS_rt_sigtimedwait, libc::SYS_wait4] {
            for flags in ["-uts", "-pid"] {
                let name = marker();
                let filter = Filter::new(call, libc::EIO);
                let case = Case::new(start).words(flags).named(&name).script("kill -CHLD $PPID; true").refusing(filter);
                let outcome = case.run();
                outcome.that("125", outcome.code() == Some(125));
                outcome.that("it is named", outcome.complaint().contains("input/output error (EIO)"));
                await_end_of(&name);
            }
        }
    }
}

#[test]
fn an_error_without_a_name_is_a_number() {
    for start in starts() {
        let refused = || Filter::new(libc::SYS_pipe2, libc::ENOTSOCK);
        let line = "gontainer: make the pipe that joins parent and child: pipe2: error 88";
        Case::new(start).words("-pid").command("echo ran").refusing(refused()).run().refuses(125, line).no_hints();
        let run = Case::new(start).words("-pid -trace").command("echo ran").refusing(refused()).run();
        run.status(125).that("in a trace as well", run.complaint().contains("pipe2() = error 88 "));
    }
}

#[test]
fn of_a_long_name_the_beginning_is_shown_and_then_the_error() {
    for start in starts() {
        for length in [200, 300] {
            let name = format!("/nowhere\x1b/{}", "x".repeat(length));
            let shown = name.get(..256).map_or(name.clone(), |start| format!("{start}…")).replace('\x1b', "\\x1b");
            let line = format!("gontainer: enter the rootfs: chdir({shown}): no such file or directory (ENOENT)");
            Case::new(start).arg(format!("-mnt={name}")).command("true").run().refuses(125, &line);
        }
    }
}

// What a kernel, or a filter around a container or a service, may refuse without harm

fn works(outcome: &Outcome) {
    outcome.stdout("0\n1\n2\n3\nworks\n").stderr("").status(0);
}

#[test]
fn newer_calls_are_gone_without_if_they_are_missing_or_refused() {
    for start in starts() {
        for call in [
            libc::SYS_close_range,
            libc::SYS_open_tree,
            libc::SYS_move_mount,
            libc::SYS_mount_setattr,
            libc::SYS_keyctl,
            libc::SYS_clone3,
        ] {
            for errno in [libc::ENOSYS, libc::EPERM] {
                let root = rootfs(start.user);
                let case = Case::new(start).root(&root).words("-pid -uts -ipc -net").leaking(3..30).leaking(900..910);
                let case = case.script("ls /proc/self/fd; echo works");
                works(&case.refusing(Filter::new(call, errno)).run());
            }
        }
    }
}

/// The child waits for the launcher's word.
#[test]
fn where_kill_is_refused_a_failed_start_ends_all_the_same() {
    for start in starts().into_iter().filter(|start| !start.user.is_root()) {
        let case = Case::new(start).words("-pid -oom=-1000").command("true");
        let run = case.refusing(Filter::new(libc::SYS_kill, libc::EPERM)).run();
        run.refuses(125, "gontainer: set how soon memory kills it: write(oom_score_adj): permission denied (EACCES)");
    }
}

/// As systemd's SystemCallFilter= does it. Who is killed can leave no word.
#[test]
fn who_is_killed_during_the_start_was_no_command() {
    let line = "gontainer: wait for the container: wait4: was killed during its start\n";
    for start in starts() {
        for (flags, calls) in [
            ("-uts", &[libc::SYS_keyctl, libc::SYS_sethostname][..]),
            ("-pid", &[libc::SYS_mount, libc::SYS_keyctl]),
            ("-pid -as-pid1 -time -seccomp=off", &[libc::SYS_mount, libc::SYS_unshare]),
        ] {
            for call in calls {
                let case = |more| {
                    let case = Case::new(start).words(flags).words(more);
                    case.refusing(Filter::new(*call, 0)).command("echo ran").run()
                };
                case("").status(125).stdout("").stderr(line);
                let traced = case("-trace").status(125).stdout("").complaint();
                assert!(traced.ends_with(line) && !traced.contains("execve was called"), "{traced}");
            }
        }
    }
}

/// An ordinary user has 200 keys, of which each container takes one where its caller has a session keyring.
#[test]
fn where_no_key_is_left_the_filter_keeps_the_callers_away() {
    for start in starts() {
        let case = Case::new(start).words("-pid").script("echo works");
        case.refusing(Filter::new(libc::SYS_keyctl, libc::EDQUOT)).run().prints("works\n");
    }
}

#[test]
fn all_newer_calls_may_be_missing_at_once() {
    for start in starts() {
        let root = rootfs(start.user);
        let case = Case::new(start).root(&root).words("-pid -uts -ipc -net").leaking(3..30).leaking(900..910);
        let calls = [
            libc::SYS_close_range,
            libc::SYS_open_tree,
            libc::SYS_move_mount,
            libc::SYS_mount_setattr,
            libc::SYS_keyctl,
            libc::SYS_clone3,
        ];
        let on_hosts_tree = Case::new(start).words("-mnt=/ -pid");
        for case in [case, on_hosts_tree] {
            let case = calls.into_iter().fold(case, |case, call| case.refusing(Filter::new(call, libc::ENOSYS)));
            works(&case.script("ls /proc/self/fd; echo works").run());
        }
    }
}

#[test]
fn an_old_kernels_way_to_the_rootfs_fails_as_plainly() {
    for start in starts() {
        for (call, when, says) in [
            (libc::SYS_mount, When::Has(3, flags(libc::MS_BIND)), "mount(@): invalid argument (EINVAL)"),
            (libc::SYS_getcwd, When::Always, "getcwd: invalid argument (EINVAL)"),
        ] {
            let root = rootfs(start.user);
            let case = attempt(start, "-mnt=@ -pid", &root, "gontainer");
            let case = case.refusing(Filter::new(libc::SYS_open_tree, libc::ENOSYS));
            let outcome = case.refusing(Filter::new(call, libc::EINVAL).when(when)).run();
            let says = says.replace('@', &root.join(""));
            outcome.refuses(125, &format!("gontainer: make the rootfs a mount: {says}"));
        }
    }
}

// Hints: only for a cause that was looked up and found

#[test]
fn user_namespaces_that_are_limited_to_none_are_named() {
    for start in starts().into_iter().filter(|start| start.has_user_namespace() && !start.is_real_root()) {
        let gontainer = crate::support::gontainer().display();
        for (limit, flags) in [
            ("user", "-uid"),
            ("mnt", "-uid -pid"),
            ("pid", "-uid -pid"),
            ("uts", "-uid -uts"),
            ("ipc", "-uid -ipc"),
            ("net", "-uid -net"),
        ] {
            let file = format!("/proc/sys/user/max_{limit}_namespaces");
            let script = format!("echo 0 >{file} && exec {gontainer} -run {flags} -- true");
            let line =
                "gontainer: make the namespaces: clone: no space left, or a limit on namespaces or mounts (ENOSPC)";
            let run = Case::new(start).words("-pid").script(&script).run();
            run.refuses(125, line).hints(&format!("user.max_{limit}_namespaces is 0"));
        }
    }
}

#[test]
fn too_deep_a_nesting_of_namespaces_is_said_to_be_that() {
    for start in starts().into_iter().filter(|start| start.has_user_namespace() && !start.is_real_root()) {
        let gontainer = crate::support::gontainer().display();
        let script = format!("exec {gontainer} -run -uid -- sh -c \"$0\" \"$0\"");
        let run = Case::new(start).args(["--", "sh", "-c", &script, &script]).run();
        run.status(125).stdout("");
        let complaint = run.complaint();
        run.that(
            "the limit is said",
            complaint.starts_with("gontainer: make the namespaces: clone: ") && complaint.contains("limit"),
        );
    }
}

#[test]
fn a_caller_in_a_chroot_is_told_so() {
    for user in crate::support::root_users() {
        let root = rootfs(user);
        let gontainer = crate::support::gontainer();
        root.program(gontainer);
        let inside = gontainer.to_str().unwrap();
        // A /proc to look things up in, in a namespace of mounts that goes with it.
        let script = format!(
            "mount -t proc proc {root}/proc && exec chroot {root} {inside} -run -uid -pid -- /bin/true",
            root = root.join("")
        );
        let run =
            Case::direct(user).shared_mounts().new_namespaces(libc::CLONE_NEWNS).args(["sh", "-c", &script]).run();
        run.refuses(125, "gontainer: make the namespaces: clone: operation not permitted (EPERM)").hints("chroot");
        run.that("and no other cause", run.complaint().matches("hint: ").count() == 1);
    }
}

#[test]
fn a_filter_that_refuses_namespaces_is_named_as_a_possible_cause() {
    for start in starts().into_iter().filter(|start| start.has_user_namespace()) {
        let filter = Filter::new(libc::SYS_clone, libc::EPERM).when(When::Has(0, bits(libc::CLONE_NEWUSER)));
        let run = Case::new(start).words("-pid").command("true").refusing(filter).run();
        run.refuses(125, "gontainer: make the namespaces: clone: operation not permitted (EPERM)")
            .hints("seccomp filter");
    }
}
