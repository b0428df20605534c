//! Every system call of a start fails once, by each of several errors: then there is either the same
//! container as without, or exit status 125 and a line that names the step; and nothing is left.

use crate::support::{
    Case, Fault, Filter, Folder, Outcome, Seen, Start, await_end_of, marker, mounts, processes_with, rootfs, starts,
};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a call fails with, whether or not its manual page says so: filters, broken file systems and
/// machines at their end know no manual.
const ERRORS: &[(i32, &str)] = &[
    (libc::EPERM, "EPERM"),
    (libc::ENOSYS, "ENOSYS"),
    (libc::ENOMEM, "ENOMEM"),
    (libc::EINTR, "EINTR"),
    (libc::ENOSPC, "ENOSPC"),
    (libc::EIO, "EIO"),
    (libc::EMFILE, "EMFILE"),
];

/// A start, and calls that this kernel shall not have, so that the ways around them get their turn too.
struct Way {
    /// `@` is the rootfs, `UID` and `GID` are the caller's; `MUCH` is more than the arena holds.
    flags: &'static str,
    only: Only,
    on_terminal: bool,
    lacking: &'static [libc::c_long],
}

/// For which starts a way is one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Only {
    All,
    /// Those with a user namespace.
    Mapped,
    /// Of those, root's: who may write any map.
    MappedByRoot,
    /// Those without one.
    Unmapped,
}

const PLAIN: Way = Way { flags: "", only: Only::All, on_terminal: false, lacking: &[] };

const WAYS: &[Way] = &[
    Way { flags: "-pid -uts -ipc -net -mnt=@ -dev=none -sys=none -dns=none", ..PLAIN },
    Way { flags: "-pid", on_terminal: true, ..PLAIN },
    Way { flags: "-pid -as-pid1 -mnt=@ -dev=none -sys=none -dns=none", on_terminal: true, ..PLAIN },
    Way {
        flags: "-all -timeout=60s -rlimit=nofile=77 -oom=500 -nice=5 -mnt=@ -dev=none -sys=none -dns=none",
        lacking: &[libc::SYS_pidfd_open],
        ..PLAIN
    },
    Way { flags: "-time -cgroup -mnt=@ -dev=none -sys=none -dns=none", ..PLAIN },
    Way {
        flags: "-pid -mnt=@ -dev=none -dns=none",
        lacking: &[
            libc::SYS_close_range,
            libc::SYS_open_tree,
            libc::SYS_move_mount,
            libc::SYS_mount_setattr,
            libc::SYS_keyctl,
        ],
        ..PLAIN
    },
    Way { flags: "-pid -as-pid1 -hostname=box", ..PLAIN },
    // A whole tree: a /dev, and the host's name servers or a /sys.
    Way { flags: "-mnt=@", ..PLAIN },
    Way { flags: "-pid -mnt=@", on_terminal: true, ..PLAIN },
    Way { flags: "-net -mnt=@", ..PLAIN },
    Way {
        flags: "-pid -ipc -mnt=@",
        lacking: &[libc::SYS_openat2, libc::SYS_move_mount, libc::SYS_mount_setattr],
        ..PLAIN
    },
    // Things of one's own in it, or on top of it.
    Way {
        flags: "-pid -mnt=@ -dev=none -dns=none -ro -bind=/usr/bin:/srv/bin -bind=/dev/null:/srv/null -tmpfs=/srv/fresh -workdir=/srv/fresh",
        ..PLAIN
    },
    Way { flags: "-pid -mnt=@ -dev=none -dns=none -overlay -tmpfs=/new", ..PLAIN },
    // Other people.
    Way {
        flags: "-map=0:100000:500 -map=500:7:1 -gmap=0:100000:500 -user=somebody -pid -mnt=@ -dev=none -dns=none",
        only: Only::MappedByRoot,
        ..PLAIN
    },
    Way { flags: "-map=0:UID:1 -gmap=0:GID:1 -user=root -pid", only: Only::Mapped, ..PLAIN },
    Way { flags: "-user=somebody -pid -mnt=@ -dev=none -dns=none", only: Only::Unmapped, ..PLAIN },
    // More, or less, than usual in the command's hands.
    Way { flags: "-fd=205 -fd=207 -pid -seccomp=@/filter -cap=none,+kill", ..PLAIN },
    Way {
        flags: "MUCH -uts -fd=205 -fd=207 -seccomp=off -cap=none -new-privs",
        lacking: &[libc::SYS_close_range],
        ..PLAIN
    },
    Way { flags: "-strict -mnt=@ -dev=none -sys=none", only: Only::Mapped, ..PLAIN },
];

fn is_for(way: &Way, start: Start) -> bool {
    match way.only {
        Only::All => true,
        Only::Mapped => start.has_user_namespace(),
        Only::MappedByRoot => start.has_user_namespace() && start.is_real_root(),
        Only::Unmapped => !start.has_user_namespace(),
    }
}

/// A rootfs with somebody else in it, name servers of its own, and a filter that allows everything.
fn tree(start: Start) -> Folder {
    let root = rootfs(start.user);
    root.file("etc/passwd", 0o644, "root:x:0:0::/root:/bin/sh\nsomebody:x:7:8::/tmp:/bin/sh\n");
    root.file("etc/group", 0o644, "root:x:0:\nsomebody:x:8:\nothers:x:9:root,somebody\n");
    root.file("etc/resolv.conf", 0o644, "");
    root.dir("srv").dir("srv/bin").file("srv/null", 0o644, "").dir("srv/fresh");
    root.file("filter", 0o644, [&6_u16.to_ne_bytes()[..], &[0, 0], &libc::SECCOMP_RET_ALLOW.to_ne_bytes()].concat());
    root
}

/// What can be seen of a container from inside: it tells one that is not quite what was asked for from
/// one that is.
const LOOK: &str = r#"
    umask; pwd; echo $HOME $USER /proc/self/fd/* /proc/[12] / /dev/* /dev/*/ /sys/*
    cd /proc/self && busybox grep -E \
        '^(Max open|[0-9]+:|0$|500$|Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|Sig[BI])| / | /(proc|dev|sys|etc|srv|new)[/ ]|^deny|^ *[0-9]+ +[0-9]+ +[0-9]+$| lo$|^[a-z]+$' \
        status limits cgroup oom_score_adj mountinfo setgroups uid_map gid_map net/if_inet6 ../sys/kernel/hostname
    exit 37"#;

/// Made by parent or child, whoever is free first to raise the loopback interface: they may never come.
const RACED: &[libc::c_long] = &[libc::SYS_pidfd_open, libc::SYS_pidfd_getfd, libc::SYS_ioctl, libc::SYS_close];

fn case(start: Start, way: &Way, root: &Folder, name: &str) -> Case {
    let words = way.flags.replace('@', &root.join(""));
    let words = words.replace("MUCH", &format!("-env=MUCH={}", "x".repeat(64 << 10)));
    let words = words.replace("UID", &start.user.uid.to_string()).replace("GID", &start.user.gid.to_string());
    let case =
        Case::new(start).leaking(205..208).words(&words).named(name).args(["--", "/bin/busybox", "sh", "-c", LOOK]);
    let case = if way.on_terminal { case.on_terminal().piped(2) } else { case };
    way.lacking.iter().fold(case, |case, call| case.refusing(Filter::new(*call, libc::ENOSYS)))
}

#[test]
fn every_call_of_a_start_may_fail() {
    let before = mounts();
    let mut complaints = String::new();
    for (turn, start) in starts().into_iter().enumerate() {
        for way in WAYS.iter().filter(|way| is_for(way, start)) {
            let root = tree(start);
            let files = listing(root.path());
            let (whole, watched) = case(start, way, &root, "gontainer").watched(None);
            let are_seen =
                [0, 1].iter().all(|side| watched.calls.iter().filter(|call| call.side == *side).count() > 10);
            whole.status(37).that("it ended, and parent and child were seen", watched.ended && are_seen);
            complaints += &try_all(&faults(&watched.calls, turn < 2), |fault| {
                let name = marker();
                let run = || case(start, way, &root, &name).watched(Some(fault));
                let (mut outcome, mut watched) = run();
                let is_raced = RACED.contains(&libc::c_long::from(fault.at.call));
                for _ in 0..if is_raced { 30 } else { 0 } {
                    if !watched.struck && watched.ended {
                        (outcome, watched) = run();
                    }
                }
                let verdict = if !watched.ended || !processes_with(&name).is_empty() {
                    Err("something of it is left")
                } else if !watched.struck && !is_raced {
                    Err("the call did not come, so it was not tested")
                } else {
                    judge(fault, &outcome, &whole)
                };
                verdict.err().map(|why| format!("{why}\n{outcome}"))
            });
            assert_eq!(listing(root.path()), files);
        }
    }
    assert!(complaints.is_empty(), "{complaints}");
    assert_eq!(mounts(), before);
}

#[test]
fn what_a_command_has_started_ends_with_a_wait_that_fails_without_a_pid_namespace_too() {
    for start in starts() {
        let name = marker();
        // A signal is what the first wait ends with; the second fails.
        let script = format!("sleep 1000 & echo begun; kill -WINCH $PPID; wait; : {name}");
        let at = Seen { side: 0, index: 1, call: libc::SYS_rt_sigtimedwait.try_into().unwrap(), first: 0 };
        let (outcome, _) = Case::new(start).words("-uts").script(&script).watched(Some(Fault { at, errno: libc::EIO }));
        let line = "wait for the container: rt_sigtimedwait: input/output error (EIO)";
        outcome.stdout("begun\n").status(125).stderr(format!("gontainer: {line}\n"));
        await_end_of(&name);
    }
}

/// Every call with every error; with one in turn where a process makes the same call again, and, but for
/// EINTR, in the last kind of start, root's without -uid, where the others have had them all.
fn faults(calls: &[Seen], with_all: bool) -> Vec<Fault> {
    let mut known = BTreeSet::new();
    let mut faults = Vec::new();
    for (turn, at) in calls.iter().enumerate() {
        let is_new = known.insert((at.side, at.call, at.first));
        for (place, (errno, _)) in ERRORS.iter().enumerate() {
            if is_new && (with_all || *errno == libc::EINTR) || place == turn % ERRORS.len() {
                faults.push(Fault { at: *at, errno: *errno });
            }
        }
    }
    faults
}

/// Calls whose failure is told in other words: what the kernel can do is not known then, nor one's own
/// number, which never fails without a filter; and a map that may not be written is left to a helper.
const TOLD_OTHERWISE: &[(libc::c_long, &str)] = &[
    (libc::SYS_uname, "gontainer: -time is left out: it takes Linux 6.2 and CONFIG_TIME_NS\n"),
    (libc::SYS_faccessat, "gontainer: -time is left out: it takes Linux 6.2 and CONFIG_TIME_NS\n"),
    (libc::SYS_uname, "gontainer: see that the kernel has time namespaces: "),
    (libc::SYS_faccessat, "gontainer: see that the kernel has time namespaces: "),
    (libc::SYS_statx, NOT_BY_NAME),
    (libc::SYS_openat, NOT_BY_NAME),
    (libc::SYS_fstatfs, NOT_BY_NAME),
    (libc::SYS_readlinkat, NOT_BY_NAME),
    (libc::SYS_getpid, "gontainer: deny setgroups: pidfd_open: the kernel has no such system call (ENOSYS)\n"),
    (libc::SYS_getpid, "gontainer: take the terminal: ioctl TIOCSPGRP: no such process (ESRCH)\n"),
    (libc::SYS_write, "gontainer: map the group id: run(/usr/bin/newgidmap): "),
    (libc::SYS_write, "gontainer: map the group id: find(newgidmap): "),
    (libc::SYS_write, "gontainer: map the user id: run(/usr/bin/newuidmap): "),
    (libc::SYS_write, "gontainer: map the user id: find(newuidmap): "),
];

/// Of who is confined, as here by the filter that tells of calls.
const NOT_BY_NAME: &str = "gontainer: refused: this file was not run by its name, or nothing here says so\n";

/// Tries them on two processors; returns all complaints.
fn try_all(faults: &[Fault], attempt: impl Fn(Fault) -> Option<String> + Sync) -> String {
    let next = AtomicUsize::new(0);
    let complaints = Mutex::new(String::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(complaint) = attempt(*fault) {
                        let _ = writeln!(complaints.lock().unwrap(), "{complaint}");
                    }
                }
            });
        }
    });
    complaints.into_inner().unwrap()
}

/// Whether this outcome is one of the two that may be.
fn judge(fault: Fault, outcome: &Outcome, whole: &Outcome) -> Result<(), &'static str> {
    // Where the kernel allows no new /proc the old one is taken, and that is said.
    if outcome.code() == whole.code()
        && fault.errno == libc::EPERM
        && outcome.complaint().starts_with("gontainer: /proc is the one from outside: ")
    {
        return Ok(());
    }
    let complaint = outcome.complaint();
    let call = libc::c_long::from(fault.at.call);
    // Nor is there a /sys where the kernel allows none.
    if (call, fault.errno) == (libc::SYS_mount, libc::EPERM)
        && outcome.code() == whole.code()
        && outcome.stderr == whole.stderr
        && lacks_only(outcome, whole, "/sys")
    {
        return Ok(());
    }
    if fault.errno != libc::EINTR
        && TOLD_OTHERWISE.iter().any(|(known, told)| *known == call && complaint.contains(told))
    {
        let as_it_is = outcome.code() == Some(125) || outcome.code() == whole.code() && seen(outcome) == seen(whole);
        return if as_it_is { Ok(()) } else { Err("not even what it says itself") };
    }
    if outcome.code() == whole.code() {
        let same = seen(outcome) == seen(whole) && outcome.stderr == whole.stderr;
        return if same { Ok(()) } else { Err("a container, but not the same") };
    }
    if fault.errno == libc::EINTR {
        return Err("an interrupted call was not made again");
    }
    let wanted = if call == libc::SYS_execve { 126 } else { 125 };
    if outcome.code() != Some(wanted) {
        return Err("neither a container nor the status that says so");
    }
    // What the command had to say comes before, if it ran.
    let mut lines = complaint.lines().skip_while(|line| !line.starts_with("gontainer: "));
    let line = lines.next().unwrap_or_default();
    let step = line.split(": ").nth(1).unwrap_or("none");
    let plan = include_str!("../src/launch/plan.rs");
    let is_beside = matches!(step, "wait for the container" | "find memory");
    if !is_beside && !plan.contains(&format!("\"{step}\"")) {
        return Err("no line that names a step");
    }
    if !ERRORS.iter().any(|(errno, name)| *errno == fault.errno && line.ends_with(&format!(" ({name})"))) {
        return Err("the line does not name the error");
    }
    if lines.all(|line| line.starts_with("hint: ")) { Ok(()) } else { Err("more than hints after the line") }
}

/// What a container showed, without the numbers that differ from one to the next: of mounts, devices and
/// terminals.
fn seen(outcome: &Outcome) -> Vec<String> {
    let text = String::from_utf8_lossy(&outcome.stdout);
    let shown = |line: &str| match line.strip_prefix("mountinfo:") {
        Some(mount) => {
            let skipped = if mount.contains(" /dev/console ") { 5 } else { 4 };
            mount.splitn(skipped, ' ').last().unwrap_or_default().to_owned()
        }
        None => line.to_owned(),
    };
    let mut lines: Vec<String> = text.lines().chain(outcome.screen.lines()).map(shown).collect();
    lines.sort_unstable(); // mounts stand in the order in which they were made, by one call or another
    lines
}

/// Whether the only difference is that `part` of the tree is missing.
fn lacks_only(outcome: &Outcome, whole: &Outcome, part: &str) -> bool {
    let without = |outcome| {
        let mut lines = seen(outcome);
        // Of a mount, the second word is where it is.
        lines.retain(|line| line.split(' ').nth(1).is_none_or(|place| !Path::new(place).starts_with(part)));
        lines.join("\n").split_whitespace().filter(|word| !word.starts_with(part)).collect::<Vec<_>>().join(" ")
    };
    without(outcome) == without(whole)
}

/// The paths of all that lies below a folder.
fn listing(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        if entry.file_type().unwrap().is_dir() {
            found.append(&mut listing(&entry.path()));
        }
        found.insert(entry.path());
    }
    found
}
