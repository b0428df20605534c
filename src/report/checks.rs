//! Causes: facts of this host that explain a failure. Each is looked up before it is named, as a wrong
//! hint costs more than none.

use super::Message;
use crate::config::{CAP_SYS_ADMIN, Changes, Config};
use crate::ids::Range;
use crate::launch::Fault;
use crate::sys::file::{self, Open};
use crate::sys::{Errno, Name, process, uts};
use crate::text::{Text, parts};
use core::ffi::CStr;

/// A cause: the failures that it can explain, how to know, and what to do about it.
struct Cause {
    /// Commas between.
    calls: Name,
    /// Twice the same if there is but one.
    errnos: [Errno; 2],
    holds: fn(&Config) -> bool,
    remedy: Name,
}

/// Its bit.
const CAP_SETFCAP: u64 = 1 << 31;

const REFUSED: [Errno; 2] = [Errno::EPERM, Errno::EACCES];

/// Calls that an LSM refuses in a user namespace which it let us make.
const CONFINED: &CStr = c"clone,open,write,mount,sethostname,open_tree,move_mount,pivot_root";

/// Of a call on the cgroup tree, where no part of it was delegated to us.
const NOT_DELEGATED: Cause = Cause {
    calls: Name::of(c"openat,mkdirat,read,write"),
    errnos: [Errno::EACCES, Errno::EBUSY],
    holds: |config| config.wants_cgroup() && is_missing(c"/sys/fs/cgroup/unified"),
    remedy: Name::of(
        c"to get a cgroup of its own: systemd-run --user --scope -p Delegate=yes gontainer ... (root: no --user)",
    ),
};

/// A kind of namespace.
struct Kind {
    /// Its bit for clone(2) or unshare(2).
    flag: i32,
    /// As in `/proc/PID/ns` and in `user.max_NAME_namespaces`.
    name: Name,
    /// What people call it, and the option that a kernel without it was built without.
    option: Option<[Name; 2]>,
}

static KINDS: &[Kind] = &[
    Kind {
        flag: libc::CLONE_NEWUSER,
        name: Name::of(c"user"),
        option: Some([Name::of(c"user"), Name::of(c"USER_NS")]),
    },
    Kind { flag: libc::CLONE_NEWNS, name: Name::of(c"mnt"), option: None },
    Kind { flag: libc::CLONE_NEWPID, name: Name::of(c"pid"), option: Some([Name::of(c"PID"), Name::of(c"PID_NS")]) },
    Kind { flag: libc::CLONE_NEWUTS, name: Name::of(c"uts"), option: None },
    Kind { flag: libc::CLONE_NEWIPC, name: Name::of(c"ipc"), option: Some([Name::of(c"IPC"), Name::of(c"IPC_NS")]) },
    Kind {
        flag: libc::CLONE_NEWNET,
        name: Name::of(c"net"),
        option: Some([Name::of(c"network"), Name::of(c"NET_NS")]),
    },
    Kind {
        flag: libc::CLONE_NEWCGROUP,
        name: Name::of(c"cgroup"),
        option: Some([Name::of(c"cgroup"), Name::of(c"CGROUPS")]),
    },
    Kind { flag: process::CLONE_NEWTIME.cast_signed(), name: Name::of(c"time"), option: None },
];

static CAUSES: &[Cause] = &[
    Cause {
        calls: Name::of(c"clone,unshare CLONE_NEWTIME"),
        errnos: [Errno::EPERM; 2],
        holds: |config| !config.user && !has(CAP_SYS_ADMIN),
        remedy: Name::of(c"without -uid this takes CAP_SYS_ADMIN, which you do not have: add -uid"),
    },
    Cause {
        calls: Name::of(c"clone"),
        errnos: [Errno::EPERM; 2],
        holds: |config| config.user && reads(c"/proc/sys/kernel/unprivileged_userns_clone", b"0"),
        remedy: Name::of(c"user namespaces are off here for ordinary users; as root: sysctl kernel.unprivileged_userns_clone=1"),
    },
    Cause {
        calls: Name::of(c"clone,mount"),
        errnos: [Errno::EPERM, Errno::EINVAL],
        holds: |_| is_chrooted(),
        remedy: Name::of(c"this process is in a chroot: no user namespace can be made, and / is no mount: use pivot_root"),
    },
    Cause {
        calls: Name::of(c"clone"),
        errnos: [Errno::EPERM; 2],
        holds: |config| config.user && has_proc() && !is_mapped(c"/proc/self/uid_map", config.caller_uid),
        remedy: Name::of(c"your user id has no mapping in the user namespace you are in already"),
    },
    Cause {
        calls: Name::of(c"clone"),
        errnos: [Errno::EPERM; 2],
        holds: |config| config.user && status_says(b"Seccomp:\t2"),
        remedy: Name::of(c"a seccomp filter is in force here, as in Docker: it may be what refuses"),
    },
    Cause {
        calls: Name::of(c"open"),
        errnos: [Errno::EROFS; 2],
        holds: |config| config.user,
        remedy: Name::of(c"/proc is read-only here: the id maps cannot be written"),
    },
    Cause {
        calls: Name::of(c"write"),
        errnos: [Errno::EPERM; 2],
        holds: |config| config.user && config.is_roots() && !has(CAP_SETFCAP),
        remedy: Name::of(c"to map root takes CAP_SETFCAP from Linux 5.12 on"),
    },
    Cause {
        calls: Name::of(CONFINED),
        errnos: REFUSED,
        holds: |config| {
            config.user
                && config.caller_uid != 0
                && reads(c"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", b"1")
        },
        remedy: Name::of(c"AppArmor restricts user namespaces here; as root: sysctl kernel.apparmor_restrict_unprivileged_userns=0, \
                 or a profile that allows userns"),
    },
    Cause {
        calls: Name::of(c"mkdir,create"),
        errnos: [Errno::EROFS; 2],
        holds: |config| config.wants_mounts() && !config.wants_overlay(),
        remedy: Name::of(c"the tree is read-only and lacks this mount point: make it there first"),
    },
    Cause {
        calls: Name::of(c"mkdir,create"),
        errnos: [Errno::EACCES; 2],
        holds: |config| config.user && is_anothers(config),
        remedy: Name::of(c"only the owner of the tree can make a mount point: to it root inside is you"),
    },
    Cause {
        calls: Name::of(c"mount"),
        errnos: [Errno::EBUSY; 2],
        holds: Config::wants_more_mounts,
        remedy: Name::of(c"this path leads to the root itself"),
    },
    Cause {
        calls: Name::of(c"mount"),
        errnos: [Errno::ELOOP; 2],
        holds: Config::wants_overlay,
        remedy: Name::of(c"the rootfs must not lie in -overlay's upper or work"),
    },
    Cause {
        calls: Name::of(c"mount"),
        errnos: [Errno::EPERM, Errno::ENODEV],
        holds: |config| config.wants_overlay() && config.user && uts::names().is_ok_and(|names| !names.is_since(5, 11)),
        remedy: Name::of(c"-overlay in a user namespace takes Linux 5.11"),
    },
    Cause {
        calls: Name::of(c"mount"),
        errnos: [Errno::EINVAL; 2],
        holds: keeps_changes_on_overlay,
        remedy: Name::of(c"the directory for changes lies on an overlay, as in Docker: name another"),
    },
    Cause {
        calls: Name::of(c"mount"),
        errnos: [Errno::EINVAL; 2],
        holds: |config| config.wants_overlay() && config.user && hides_mounts(config),
        remedy: Name::of(c"something is mounted in this tree, which a user namespace cannot overlay: root without -uid can"),
    },
    Cause {
        calls: Name::of(c"mount"),
        errnos: REFUSED,
        holds: |config| config.user && is_mounted(|place| place.starts_with(b"/proc/"), b""),
        remedy: Name::of(c"a part of /proc is covered here, as in Docker: the kernel allows no new one"),
    },
    Cause {
        calls: Name::of(c"open,mount,clone"),
        errnos: [Errno::ENOENT, Errno::EPERM],
        holds: |config| (config.user || config.wants_more_mounts() || config.keeps_changes()) && !has_proc(),
        remedy: Name::of(c"no /proc is mounted here, which this takes; as root: mount -t proc proc /proc"),
    },
    Cause {
        calls: Name::of(c"setresuid,setresgid,setgroups"),
        errnos: [Errno::EINVAL; 2],
        holds: |config| config.user,
        remedy: Name::of(c"this id has no mapping: -map=auto maps 0 to 65535, -map=INSIDE:OUTSIDE:COUNT what you like"),
    },
    Cause {
        calls: Name::of(c"setgroups"),
        errnos: [Errno::EPERM; 2],
        holds: Config::denies_groups,
        remedy: Name::of(c"where only your own group is mapped there are no others: -map=auto maps more"),
    },
    Cause {
        calls: Name::of(c"look up"),
        errnos: [Errno::NO_SUBORDINATES; 2],
        holds: |_| true,
        remedy: Name::of(c"as root, add a line NAME:100000:65536 to /etc/subuid and /etc/subgid, of ids nobody else has"),
    },
    Cause {
        calls: Name::of(c"find"),
        errnos: [Errno::ENOENT; 2],
        holds: |_| true,
        remedy: Name::of(c"ids other than your own take newuidmap and newgidmap: Debian's package uidmap"),
    },
    Cause {
        calls: Name::of(c"run"),
        errnos: [Errno::HELPER_FAILED; 2],
        holds: |_| status_says(b"NoNewPrivs:\t1"),
        remedy: Name::of(c"no_new_privs is in force here: no helper can gain privilege"),
    },
    Cause {
        calls: Name::of(c"pivot_root"),
        errnos: [Errno::EINVAL; 2],
        holds: |_| is_mounted(|place| place == b"/", b" - rootfs "),
        remedy: Name::of(c"the root is an initramfs, which pivot_root cannot leave: switch_root to a tmpfs first, or leave -mnt out"),
    },
    Cause {
        calls: Name::of(c"openat"),
        errnos: [Errno::ENOENT; 2],
        holds: Config::wants_cgroup,
        remedy: Name::of(c"no cgroup v2 is on /sys/fs/cgroup, which -memory, -cpus and -pids need"),
    },
    Cause {
        calls: Name::of(c"read"),
        errnos: [Errno::EOPNOTSUPP; 2],
        holds: |config| config.wants_cgroup() && !is_missing(c"/sys/fs/cgroup/unified"),
        remedy: Name::of(c"cgroup v1 has the controllers on this host: boot with systemd.unified_cgroup_hierarchy=1"),
    },
    Cause {
        calls: Name::of(c"read"),
        errnos: [Errno::EOPNOTSUPP; 2],
        holds: |config| config.wants_cgroup() && is_missing(c"/sys/fs/cgroup/unified"),
        remedy: Name::of(c"gontainer's cgroup was not given the controllers for these limits"),
    },
    Cause {
        calls: Name::of(c"write"),
        errnos: [Errno::EBUSY; 2],
        holds: Config::wants_cgroup,
        remedy: Name::of(c"other processes are in gontainer's cgroup: one that has any passes no limits on"),
    },
    NOT_DELEGATED,
    Cause { errnos: [Errno::EOPNOTSUPP, Errno::EROFS], ..NOT_DELEGATED },
    Cause {
        calls: Name::of(c"prlimit64"),
        errnos: [Errno::EPERM; 2],
        holds: |_| true,
        remedy: Name::of(c"a hard limit is raised only by root of the host (CAP_SYS_RESOURCE), nofile at most to fs.nr_open"),
    },
    Cause {
        calls: Name::of(c"write"),
        errnos: [Errno::EACCES; 2],
        holds: |config| config.oom.is_some(),
        remedy: Name::of(c"-oom: below your own takes CAP_SYS_RESOURCE on the host"),
    },
    Cause {
        calls: Name::of(c"setpriority"),
        errnos: REFUSED,
        holds: |_| true,
        remedy: Name::of(c"-nice: below your own takes CAP_SYS_NICE on the host, or a higher RLIMIT_NICE"),
    },
    Cause {
        calls: Name::of(c"size"),
        errnos: [Errno::EINVAL, Errno::EFBIG],
        holds: |config| config.wants_filter_of_file(),
        remedy: Name::of(c"-seccomp takes BPF as libseccomp exports it: 1 to 4096 instructions of 8 bytes"),
    },
    Cause {
        calls: Name::of(c"prctl PR_SET_SECCOMP"),
        errnos: [Errno::EINVAL; 2],
        holds: |config| config.wants_filter_of_file(),
        remedy: Name::of(c"the kernel does not take the file of -seccomp for a program"),
    },
    Cause {
        calls: Name::of(c"prctl PR_SET_SECCOMP"),
        errnos: [Errno::EINVAL; 2],
        holds: |_| !status_says(b"Seccomp:"),
        remedy: Name::of(c"this kernel has no filters of system calls (CONFIG_SECCOMP_FILTER); -seccomp=off does without"),
    },
    Cause {
        calls: Name::of(c"prctl PR_SET_SECCOMP"),
        errnos: REFUSED,
        holds: |config| config.new_privileges,
        remedy: Name::of(c"with -new-privs a filter takes CAP_SYS_ADMIN, which is gone by then"),
    },
    Cause {
        calls: Name::of(c"prctl PR_CAPBSET_DROP"),
        errnos: [Errno::EPERM; 2],
        holds: |config| !config.user,
        remedy: Name::of(c"this root lacks CAP_SETPCAP: add -uid"),
    },
    Cause {
        calls: Name::of(c"capget"),
        errnos: [Errno::EPERM; 2],
        holds: |config| config.capabilities.added != 0,
        remedy: Name::of(c"-cap adds only what the caller has and the kernel knows"),
    },
    Cause {
        calls: Name::of(c"execve"),
        errnos: [Errno::ENOENT; 2],
        holds: |config| config.wants_root(),
        remedy: Name::of(c"commands are looked up inside the rootfs of -mnt"),
    },
];

/// Adds what to do about a failure, for each cause that holds here.
pub(super) fn write_causes(message: &mut Message, config: &Config, fault: &Fault) {
    for cause in CAUSES {
        let is_meant = parts(cause.calls.bytes(), b',').any(|call| call == fault.call.bytes());
        if is_meant && cause.errnos.contains(&fault.errno) && (cause.holds)(config) {
            message.push_str("hint: ").push(cause.remedy.bytes()).push_str("\n");
        }
    }
    let made = match fault.call.bytes() {
        b"clone" => config.cloned_namespaces(),
        b"unshare CLONE_NEWTIME" => process::CLONE_NEWTIME as usize,
        _ => 0,
    };
    for kind in KINDS.iter().filter(|kind| kind.flag.cast_unsigned() as usize & made != 0) {
        write_cause_in_kind(message, kind, fault.errno);
    }
}

/// Why a namespace of this kind, which was asked for, cannot be made.
fn write_cause_in_kind(message: &mut Message, kind: &Kind, errno: Errno) {
    let mut path = Text::<64>::new();
    let kind_name = kind.name.bytes();
    if errno == Errno::ENOSPC {
        path.push_str("/proc/sys/user/max_").push(kind_name).push_str("_namespaces");
        if reads(path.c_str_or_empty(), b"0") {
            message.push_str("hint: user.max_").push(kind_name).push_str("_namespaces is 0 here; as root: ");
            message.push_str("sysctl user.max_").push(kind_name).push_str("_namespaces=10000\n");
        }
    } else if let (Errno::EINVAL, Some([name, option])) = (errno, kind.option) {
        path.push_str("/proc/self/ns/").push(kind_name);
        if is_missing(path.c_str_or_empty()) {
            message.push_str("hint: this kernel was built without ").push(name.bytes());
            message.push_str(" namespaces (CONFIG_").push(option.bytes()).push_str(")\n");
        }
    }
}

/// Whether we have one of these capabilities.
fn has(capabilities: u64) -> bool {
    process::capabilities().is_ok_and(|sets| sets.effective & capabilities != 0)
}

/// A chrooted process sees no mount at `/`.
fn is_chrooted() -> bool {
    file::open(c"/proc/self/mountinfo", Open::Read).is_ok() && !is_mounted(|place| place == b"/", b"")
}

/// Whether an id stands in a map: lines of inside, outside, count.
fn is_mapped(map: &CStr, id: u32) -> bool {
    has_line(map, &mut |line| Range::parse(line, b' ').is_some_and(|range| id.wrapping_sub(range.inside) < range.count))
}

/// The fifth word of a line of mountinfo, proc_pid_mountinfo(5).
fn mount_point(line: &[u8]) -> &[u8] {
    parts(line, b' ').nth(4).unwrap_or_default()
}

/// Whether the directory for changes lies on an overlay. The launcher is still where its name is looked up.
fn keeps_changes_on_overlay(config: &Config) -> bool {
    const OVERLAYFS_SUPER_MAGIC: u64 = 0x794c_7630;
    let Some(Changes::Dir(path)) = config.overlay else { return false };
    file::open(path, Open::Name)
        .and_then(|dir| file::file_system(&dir))
        .is_ok_and(|[kind, ..]| kind == OVERLAYFS_SUPER_MAGIC)
}

/// Whether the tree belongs to somebody else than the caller; where that cannot be seen, it does not.
fn is_anothers(config: &Config) -> bool {
    let here = match config.root {
        Some(_) if !config.enters_late() => c".", // the launcher is in it, if it could go there
        root => root.unwrap_or(c"/"),
    };
    file::mode_and_owner(here).is_ok_and(|(_, owner)| owner != config.caller_uid)
}

/// Whether there are mounts below the rootfs, by their names.
fn hides_mounts(config: &Config) -> bool {
    if let Some(root) = config.root.filter(|_| config.enters_late()) {
        let _ = file::change_dir(root); // the launcher is there already, or else it is done with where it was
    }
    let mut path = [0; 4096];
    let root = file::working_dir(&mut path).map_or(&b""[..], CStr::to_bytes);
    has_line(c"/proc/self/mountinfo", &mut |line| {
        let below = mount_point(line).strip_prefix(root).unwrap_or_default();
        root == b"/" && !below.is_empty() || below.starts_with(b"/")
    })
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// Whether a file is missing, where there is a /proc: without one nothing is said of the kernel.
fn is_missing(path: &CStr) -> bool {
    has_proc() && file::open(path, Open::Read).err() == Some(Errno::ENOENT)
}

fn has_proc() -> bool {
    file::open(c"/proc/self/stat", Open::Read).is_ok()
}

/// Whether a file says just this, and a line end.
fn reads(path: &CStr, value: &[u8]) -> bool {
    let mut buffer = [0; 32];
    first_bytes(path, &mut buffer).strip_suffix(b"\n") == Some(value)
}

fn first_bytes<'a>(path: &CStr, buffer: &'a mut [u8]) -> &'a [u8] {
    let filled = file::open(path, Open::Read).and_then(|file| file::read(&file, buffer));
    buffer.get(..filled.unwrap_or(0)).unwrap_or_default()
}

/// Whether a file has such a line.
fn has_line(path: &CStr, wanted: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    file::open(path, Open::Read).and_then(|file| file::has_line(&file, usize::MAX, wanted)).unwrap_or(false)
}

/// Whether /proc/self/status has a line that starts so.
fn status_says(start: &[u8]) -> bool {
    has_line(c"/proc/self/status", &mut |line| line.starts_with(start))
}

/// Whether something is mounted at such a place, by a line of mountinfo that holds `with`.
fn is_mounted(is_it: fn(&[u8]) -> bool, with: &[u8]) -> bool {
    has_line(c"/proc/self/mountinfo", &mut |line| is_it(mount_point(line)) && contains(line, with))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;

    fn file_with(text: &[u8]) -> (tempfile::NamedTempFile, CString) {
        let Ok(file) = tempfile::NamedTempFile::new() else { panic!("no temporary file") };
        assert!(std::fs::write(file.path(), text).is_ok());
        let path = CString::new(file.path().as_os_str().as_encoded_bytes()).unwrap_or_default();
        (file, path)
    }

    #[test]
    fn lines_are_found_across_reads_and_at_the_end() {
        let mut text = b"0123456789abcde\n".repeat(1000);
        text.extend_from_slice(b"last line");
        let (_file, path) = file_with(&text);
        assert!(has_line(&path, &mut |line| line == b"last line"));
        assert!(!has_line(&path, &mut |line| line == b"last lin" || line == b"0123"));
    }

    #[test]
    fn an_id_is_mapped_within_its_range_only() {
        let (_file, path) = file_with(b"         0       1000          1\n         1     100000      65536\n");
        for (id, mapped) in [(0, true), (1, true), (65536, true), (65537, false), (u32::MAX, false)] {
            assert_eq!(is_mapped(&path, id), mapped, "{id}");
        }
    }

    #[test]
    fn the_fifth_word_is_the_mount_point() {
        let line = b"36 35 98:0 /mnt1 /mnt/parent rw,noatime master:1 - ext3 /dev/root rw";
        assert_eq!(mount_point(line), b"/mnt/parent");
        assert_eq!(mount_point(b"36"), b"");
    }
}
