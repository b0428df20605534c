//! Every way out that is known, tried from inside; what comes of each, in each set-up, stands in one table.
//!
//! The program beside this file, in C, makes the attacks: it is built here, static, and runs in a tree that
//! holds nothing else. A second one of it stays outside and is what there is to be reached: a process, a
//! file, sockets, shared memory. Where it does no harm, each attack is seen to succeed without protection.

mod attempts;
mod neighbours;
mod processors;

use crate::support::{
    Case, Folder, Outcome, Running, Start, User, find_program, marker, root_users, starts, users, work,
};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// How an attack's container is started.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SetUp {
    /// In a tree of its own, with every namespace.
    Whole,
    /// The same with a read-only bind.
    Bound,
    /// With -strict, and a read-only bind.
    Strict,
    /// Only `-pid`: on the host's tree, with its network and IPC.
    Open,
}

/// What comes of each attack: three columns for [`SetUp::Whole`] and [`SetUp::Bound`] by an ordinary user, by root,
/// and by root without -uid; two for [`SetUp::Strict`], by an ordinary user and root; two for [`SetUp::Open`] with -uid.
/// `h` it is held, or there is nothing to attack; `r` it reaches what the missing flag leaves shared; `.` either.
/// Then `s` if the attack is seen to succeed, or `-` if the kernel or this suite's care for the machine forbids it.
#[rustfmt::skip]
const EXPECTED: &[(&str, &str)] = &[
    ("host-file",               "hhh hh rr s"),
    ("fd-leak",                 "hhh hh hh s"),
    ("fd-leak-cwd",             "hhh hh hh -"),
    ("dotdot",                  "hhh hh hh -"),
    ("double-chroot",           "hhh hh hh s"),
    ("nested-double-chroot",    "hhh hh hh -"),
    ("dotdot-moved",            "hhh hh hh -"),
    ("dotdot-race",             "hhh hh hh -"),
    ("unmount-root",            "hhh hh hh -"),
    ("pivot-back",              "hhh hh hh -"),
    ("open-by-handle",          "hhh hh hh s"),
    ("nested-open-by-handle",   "hhh hh hh -"),
    ("fanotify",                "hhh hh hh s"),
    ("fs-ioctl",                "hhh hh hh s"),
    ("mknod-disk",              "hhh hh hh -"),
    ("mknod-tmpfs",             "hhh hh hh s"),
    ("nested-mknod",            "hhh hh hh -"),
    ("mknod-mem",               "hhh hh hh -"),
    ("mknod-kmsg",              "hhh hh hh s"),
    ("mknod-tty",               "hhh hh hh s"),
    ("mknod-loop",              "hhh hh hh s"),
    ("dev",                     "hhh hh .. s"),
    ("dev-modes",               "hhh hh .. s"),
    ("dev-shm",                 "hhh hh rr s"),
    ("runtime-sockets",         "hhh hh rr s"),
    ("bpf",                     "hhh hh hh s"),
    ("perf-event",              "hhh hh hh s"),
    ("userfaultfd",             "hhh hh hh s"),
    ("io-uring",                "hhh hh hh s"),
    ("keyctl",                  "hhh hh hh s"),
    ("add-key",                 "hhh hh hh s"),
    ("request-key",             "hhh hh hh s"),
    ("kexec",                   "hhh hh hh -"),
    ("kexec-file",              "hhh hh hh -"),
    ("init-module",             "hhh hh hh -"),
    ("finit-module",            "hhh hh hh -"),
    ("delete-module",           "hhh hh hh -"),
    ("swapon",                  "hhh hh hh s"),
    ("swapoff",                 "hhh hh hh s"),
    ("reboot",                  "hhh hh hh s"),
    ("clock-settime",           "hhh hh hh s"),
    ("settimeofday",            "hhh hh hh s"),
    ("adjtimex",                "hhh hh hh s"),
    ("sethostname",             "hhh hh hh s"),
    ("iopl",                    "hhh hh hh -"),
    ("ioperm",                  "hhh hh hh -"),
    ("personality",             "... .. .. s"),
    ("quotactl",                "hhh hh hh s"),
    ("acct",                    "hhh hh hh s"),
    ("syslog",                  "hhh hh hh s"),
    ("vhangup",                 "hhh hh hh s"),
    ("lookup-dcookie",          "hhh hh hh -"),
    ("abi-i386",                "hhh hh hh s"),
    ("abi-x32",                 "hhh hh hh -"),
    ("tiocsti",                 "hhh hh hh s"),
    ("tiocsti-high",            "hhh hh hh s"),
    ("tioclinux",               "hhh hh hh s"),
    ("tioclinux-high",          "hhh hh hh s"),
    ("tty-sigio",               "hhh hh hh s"),
    ("tty-fioasync",            "hhh hh hh s"),
    ("proc-writes",             "hhh hh hh s"),
    ("proc-reads",              "hhh hh hh s"),
    ("sys-writes",              "hhh hh .. s"),
    ("sysrq",                   "hhh hh hh s"),
    ("core-pattern",            "hhh hh hh s"),
    ("modprobe-path",           "hhh hh hh s"),
    ("uevent-helper",           "hhh hh .. s"),
    ("binfmt-misc",             "hhh hh hh -"),
    ("cover-modes",             "hhh hh hh -"),
    ("proc-modes",              "h.. hh .. s"),
    ("kcore",                   "hhh hh hh s"),
    ("kmsg",                    "hhh hh .. s"),
    ("kallsyms",                "hhh hh hh s"),
    ("keys",                    "hhh hh hh s"),
    ("covers-unmounted",        "hhh hh .. s"),
    ("nested-covers-unmounted", "hhh hh .. s"),
    ("covers-moved",            "hhh hh .. s"),
    ("second-proc",             "hhh hh hh s"),
    ("nested-second-proc",      "hhh hh hh s"),
    ("second-sys",              "hhh hh hh s"),
    ("nested-second-sys",       "hhh hh hh -"),
    ("proc-bound-bare",         "hhh hh hh s"),
    ("nested-proc-bound-bare",  "hhh hh hh s"),
    ("proc-overlaid",           "hhh hh hh -"),
    ("covers-remounted",        "hhh hh .. s"),
    ("nested-covers-remounted", "hhh hh .. s"),
    ("bind-remounted",          "hhh hh hh s"),
    ("nested-bind-remounted",   "hhh hh hh -"),
    ("bind-unmounted",          "hhh hh hh s"),
    ("propagation",             "hhh hh hh -"),
    ("mount-debugfs",           "hhh hh hh s"),
    ("mount-tracefs",           "hhh hh hh s"),
    ("mount-securityfs",        "hhh hh hh s"),
    ("mount-pstore",            "hhh hh hh s"),
    ("mount-efivarfs",          "hhh hh hh s"),
    ("mount-devtmpfs",          "hhh hh hh s"),
    ("mount-devpts",            "hhh hh hh -"),
    ("fsopen-disk",             "hhh hh hh s"),
    ("mount-disk",              "hhh hh hh -"),
    ("idmapped-mount",          "hhh hh hh s"),
    ("fuse",                    "hhh hh .. s"),
    ("loop-device",             "hhh hh .. s"),
    ("release-agent",           "hhh hh .. s"),
    ("nested-release-agent",    "hhh hh .. -"),
    ("cgroup-move",             "hhh hh .. s"),
    ("nested-cgroup-move",      "hhh hh .. -"),
    ("cgroup-mount",            ".hh hh .h s"),
    ("nested-cgroup-mount",     ".hh hh .h s"),
    ("clone-cgroup-ns",         ".hh hh .h s"),
    ("listmount",               "hhh hh hh s"),
    ("pid1-mem",                "hhh hh hh s"),
    ("pid1-vm-write",           "hhh hh hh s"),
    ("pid1-vm-read",            "hhh hh hh s"),
    ("pid1-ptrace",             "hhh hh hh s"),
    ("pid1-pidfd-getfd",        "hhh hh hh s"),
    ("pid1-kcmp",               "hhh hh hh s"),
    ("pid1-pidfd-namespaces",   "hhh hh hh s"),
    ("pid1-madvise",            "hhh hh hh s"),
    ("pid1-move-pages",         "hhh hh hh s"),
    ("pid1-robust-list",        "hhh hh hh s"),
    ("pid1-exe",                "hhh hh hh s"),
    ("pid1-root",               "hhh hh hh s"),
    ("pid1-cwd",                "hhh hh hh s"),
    ("pid1-fd",                 "hhh hh hh s"),
    ("pid1-environ",            "hhh hh hh s"),
    ("pid1-maps",               "hhh hh hh s"),
    ("pid1-auxv",               "hhh hh hh s"),
    ("pid1-syscall",            "hhh hh hh s"),
    ("pid1-ns",                 "hhh hh hh s"),
    ("host-process",            "hhh hh hh s"),
    ("host-signal",             "hhh hh hh s"),
    ("host-ptrace",             "hhh hh hh s"),
    ("proc-roots",              "hhh hh rr s"),
    ("setns",                   "hhh hh hh s"),
    ("setns-pidfd",             "hhh hh hh s"),
    ("next-mount-ns",           "hhh hh hh -"),
    ("new-user-ns",             "r.. hh r. s"),
    ("clone-user-ns",           "r.. hh r. s"),
    ("clone3-user-ns",          "... hh .. s"),
    ("oom-lower",               "hhh hh hh -"),
    ("rlimit-raise",            "hhh hh hh -"),
    ("priority",                "hhh hh hh s"),
    ("real-time",               "hhh hh hh s"),
    ("no-new-privs",            "hhh hh hh s"),
    ("abstract-socket",         "hhh hh rr s"),
    ("loopback",                "hhh hh rr s"),
    ("route-out",               "hhh hh .. s"),
    ("link-list",               "hhh hh .. s"),
    ("link-change",             "hhh hh hh s"),
    ("packet-socket",           "hhh hh h. s"),
    ("low-port",                "hhh hh h. s"),
    ("audit",                   "hhh hh hh -"),
    ("vsock",                   "... .. .. s"),
    ("sysv-shm",                "hhh hh rr s"),
    ("posix-mq",                "hhh hh rr s"),
];

/// Built once, where everyone can execute it.
fn program() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> =
        LazyLock::new(|| build("cc", "attack").expect("these tests need a C compiler: apt-get install gcc libc6-dev"));
    &PROGRAM
}

/// Builds the program with that compiler, if it is there.
fn build(compiler: &str, name: &str) -> Option<PathBuf> {
    find_program(compiler)?;
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/escape");
    let program = work().join(name);
    let built = Command::new(compiler)
        .args(["-static", "-O1", "-w", "-o"])
        .arg(&program)
        .args(
            ["main.c", "hunt.c", "processes.c", "files.c", "mounts.c", "kernel.c", "shared.c"]
                .map(|name| sources.join(name)),
        )
        .status();
    assert!(built.unwrap().success());
    Some(program)
}

/// The host's side of a set-up, and what the attacks have to know of it.
struct Host {
    facts: Vec<String>,
    word: String,
    _side: Running,
    _folder: Folder,
}

impl Host {
    fn new(user: User) -> Host {
        let (folder, word) = (Folder::new(user), format!("attack-{}", marker()));
        let side = Case::direct(user).args([program().to_str().unwrap(), "host", &word]).arg(folder.join(""));
        let mut side = side.silent_input().spawn();
        let facts = side.expect("\n").split_whitespace().map(str::to_owned).collect();
        Host { facts, word, _side: side, _folder: folder }
    }
}

/// One line of the program's table.
struct Row {
    id: String,
    outcome: String,
    line: String,
}

fn rows(stdout: &[u8]) -> Vec<Row> {
    let cut = |line: &str, from: usize, to: usize| line.get(from..to).unwrap_or_default().trim().to_owned();
    let text = String::from_utf8_lossy(stdout).into_owned();
    text.lines().map(|line| Row { id: cut(line, 0, 24), outcome: cut(line, 24, 43), line: line.to_owned() }).collect()
}

/// Makes all attacks in one set-up, and compares what comes of them with one column of the table.
#[track_caller]
fn attack(start: Start, set_up: SetUp, column: usize) {
    let host = Host::new(start.user);
    let tree = Folder::new(start.user);
    tree.copy(program(), "attack").dir("work");
    // A terminal for the attacks on it, keys for those on keys, descriptors for those on descriptors.
    let case = Case::new(start).on_terminal().piped(1).piped(2).leaking(3..20).session_keyring(&host.word);
    let shown = Folder::new(start.user);
    shown.file("mark", 0o644, "");
    let bind = format!("-bind={}:/shown:ro", shown.join(""));
    let case = match set_up {
        SetUp::Whole => case.words("-pid -uts -ipc -net -cgroup").root(&tree).arg("--").arg("/attack"),
        SetUp::Bound => {
            case.words("-pid -uts -ipc -net -cgroup").root(&tree).args([&bind, "--", "/attack", "ro=/shown"])
        }
        SetUp::Strict => case.words("-strict -tmpfs=/work").root(&tree).args([&bind, "--", "/attack", "ro=/shown"]),
        SetUp::Open => {
            case.words("-pid").arg("--").arg(program()).arg("tree=host").arg(format!("work={}", tree.join("work")))
        }
    };
    let run = case.args(&host.facts).run();
    println!("{run}"); // the table, for whoever wants to see it
    run.status(0).stderr("");
    compare(&run, column);
    run.that("nothing is put into its terminal", run.screen.is_empty());
}

/// What came of the attacks is what a column of the table says.
#[track_caller]
fn compare(run: &Outcome, column: usize) {
    let rows = rows(&run.stdout);
    let mut ids: Vec<&str> = rows.iter().map(|row| &*row.id).collect();
    let mut expected: Vec<&str> = EXPECTED.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    expected.sort_unstable();
    assert_eq!(ids, expected, "each attack stands in the table: {run}");
    let wrong: Vec<&str> = rows
        .iter()
        .filter(|row| {
            let (_, columns) = EXPECTED.iter().find(|(id, _)| *id == row.id).unwrap();
            let expected = columns.bytes().filter(|byte| *byte != b' ').nth(column).unwrap();
            !match expected {
                b'h' => row.outcome == "held" || row.outcome == "not possible here",
                b'r' => row.outcome == "reaches",
                _ => row.outcome != "BROKEN",
            }
        })
        .map(|row| &*row.line)
        .collect();
    assert!(wrong.is_empty(), "not as expected:\n{}\n{run}", wrong.join("\n"));
}

#[test]
fn an_ordinary_users_container_holds() {
    for user in users().into_iter().filter(|user| !user.is_root()) {
        attack(Start { user, flags: &["-uid"] }, SetUp::Whole, 0);
    }
}

#[test]
fn roots_container_holds_with_a_user_namespace_and_without() {
    for start in starts().into_iter().filter(|start| start.is_real_root()) {
        attack(start, SetUp::Whole, if start.has_user_namespace() { 1 } else { 2 });
    }
}

#[test]
fn what_is_bound_read_only_stays_so() {
    for start in starts() {
        attack(start, SetUp::Bound, usize::from(start.is_real_root()) + usize::from(!start.has_user_namespace()));
    }
}

#[test]
fn what_is_strict_holds_more() {
    for user in users() {
        attack(Start { user, flags: &[] }, SetUp::Strict, if user.is_root() { 4 } else { 3 });
    }
}

#[test]
fn without_a_tree_and_a_network_of_its_own_a_container_reaches_what_it_shares_and_no_more() {
    for user in users() {
        attack(Start { user, flags: &["-uid"] }, SetUp::Open, if user.is_root() { 6 } else { 5 });
    }
}

/// What always says "held" proves nothing: each attack that harms nobody is made without protection, on the
/// host itself and in a chroot with PIDs and mounts of its own.
#[test]
fn without_protection_the_attacks_succeed() {
    for user in root_users() {
        let host = Host::new(user);
        let tree = Folder::new(user);
        tree.copy(program(), "attack").dir("work").dir("proc");
        let script = "chroot \"$0\" /attack \"$@\"; exit $?";
        tree.dir("shown").file("shown/mark", 0o644, "");
        let read_only = "mount --bind $0 $0 && mount -o remount,bind,ro $0 && exec \"$@\"";
        let on_host = Case::direct(user).on_terminal().piped(1).piped(2).leaking(3..20).session_keyring(&host.word);
        let on_host = on_host.words("unshare --mount -- sh -c").args([read_only, &tree.join("shown")]).arg(program());
        let on_host = on_host.args(["init=no", "tree=host", &format!("ro={}", tree.join("shown"))]);
        let on_host = on_host.arg(format!("work={}", tree.join("work"))).args(&host.facts).run();
        let in_chroot = Case::direct(user).leaking(3..20).words("unshare --mount --pid --fork");
        let in_chroot = in_chroot.arg(format!("--mount-proc={}", tree.join("proc"))).args(["--", "sh", "-c", script]);
        let in_chroot = in_chroot.arg(tree.join("")).args(&host.facts).run();
        println!("{on_host}\n{in_chroot}");
        let (on_host, in_chroot) = (rows(&on_host.stdout), rows(&in_chroot.stdout));
        let unseen: Vec<&str> = EXPECTED
            .iter()
            .filter(|(_, columns)| columns.ends_with('s'))
            .filter(|(id, _)| {
                let outcomes: Vec<&str> =
                    on_host.iter().chain(&in_chroot).filter(|row| row.id == *id).map(|row| &*row.outcome).collect();
                let seen = outcomes.iter().any(|outcome| matches!(*outcome, "ESCAPED" | "reaches"));
                !seen && (outcomes.is_empty() || outcomes.contains(&"held"))
            })
            .map(|(id, _)| *id)
            .collect();
        assert!(unseen.is_empty(), "never seen to succeed: {unseen:?}");
    }
}
