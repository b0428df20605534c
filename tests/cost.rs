//! What a start costs, counted: system calls, page faults, bytes. Counts do not vary; times do, and are for
//! `-bench` and `latency/latency.sh`. A budget is what was counted when it was set, and a little room: change
//! it knowingly.

use crate::support::{
    Case, Folder, children_of, gontainer, is_static, need_program, root_users, rootfs, skip, starts, users,
};
use std::mem::MaybeUninit;
use std::process::Command;

/// System calls of gontainer's processes in a whole life, the command's execve the last: flags, as root with
/// -uid, and as an ordinary user. Root drops 27 capabilities one by one, and covers parts of /proc.
const CALLS: &[(&str, usize, usize)] = &[
    ("-pid -as-pid1", 97, 44),
    ("-pid", 109, 54),
    ("-pid -uts -ipc -mnt=@ -dev=none -sys=none -dns=none", 120, 64),
    ("-pid -uts -ipc -mnt=@", 158, 96),
];

/// Pages that the launcher has had to fetch by the time its command runs, exec and C library included.
const FAULTS: u64 = 50;

/// Pages more than for `-v` that the launcher fetches in a start that fails at clone, its message included.
/// `-v` itself takes 4 once it has been executed.
const MORE_FAULTS: i64 = 4;

/// Pages more than for its command alone that a whole start fetches: two of the file, the child's stack with the
/// small statics on one page, the launcher's stack, and with a PID 1 the command's; and one more where the launcher's
/// stack comes to lie across a page's edge, which the length of words and environment decides.
const WHOLE_FAULTS: &[(&str, i64)] = &[("-pid -as-pid1", 7), ("-pid", 8)];

/// The whole file, everything in it, where std is built for it: the ready-made one prints panics, with 370 KB.
const FILE_BYTES: u64 = 128 << 10;

/// Anonymous memory, in KiB, that gontainer and its PID 1 have between them while the command runs. The rest
/// of what they show is the file, which is in the page cache anyway.
const IDLE_KIB: u64 = 32;

/// Instructions until a command line of ten flags is read and the version printed.
const INSTRUCTIONS: u64 = 30_000;

/// Only the static file with a std built for it is promised anything: the ready-made std prints panics.
fn is_promised() -> bool {
    if !is_static() {
        skip("only a static gontainer makes no calls but its own: ./musl-build.sh test");
        return false;
    }
    let prints_panics = std::fs::read(gontainer()).unwrap().windows(11).any(|window| window == b"panicked at");
    if prints_panics {
        skip("size and page faults are promised for std built from source: WAY=3 ./musl-build.sh test");
    }
    !prints_panics
}

#[test]
fn a_start_makes_no_more_system_calls_than_its_budget() {
    let Some(strace) = need_program("strace") else { return };
    if !is_promised() {
        return;
    }
    for start in starts().into_iter().filter(|start| start.has_user_namespace()) {
        let root = rootfs(start.user);
        for (flags, as_root, as_user) in CALLS {
            let log = Folder::new(start.user);
            let case =
                Case::direct(start.user).arg(&strace).args(["-f", "-o", &log.join("log")]).arg(gontainer()).arg("-run");
            let flags = flags.replace('@', &root.join(""));
            case.args(start.flags).words(&flags).command("/bin/true").run().prints("");
            let log = std::fs::read_to_string(log.path().join("log")).unwrap();
            let budget = if start.user.is_root() { as_root } else { as_user };
            let mut count = 0;
            let mut command = "";
            // `123  name(arguments) = result`; what others interrupt comes again as `<... name resumed>`.
            for (pid, what) in log.lines().skip(1).filter_map(|line| line.split_once(char::is_whitespace)) {
                let what = what.trim_start();
                if pid == command || what.starts_with(['<', '-', '+']) {
                    continue;
                }
                count += 1;
                if what.starts_with("execve") {
                    command = pid; // from here on it is the command
                }
            }
            assert!(count <= *budget, "{count} calls, {budget} are allowed: {flags} as {}\n{log}", start.user.name);
        }
    }
}

#[test]
fn the_file_holds_everything_in_few_bytes() {
    if !is_promised() {
        return;
    }
    let size = std::fs::metadata(gontainer()).unwrap().len();
    assert!(size <= FILE_BYTES, "{size} bytes, {FILE_BYTES} are allowed");
}

#[test]
fn an_idle_container_takes_few_pages_and_little_memory() {
    if !is_promised() {
        return;
    }
    for user in root_users() {
        let mut running =
            Case::plain(user).words("-run -uid -pid").script("echo up; read -r line").silent_input().spawn();
        running.expect("up");
        let init = children_of(running.pid())[0];
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", running.pid())).unwrap();
        // The name in brackets may hold blanks; minflt is the tenth field.
        let faults: u64 = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(7).unwrap().parse().unwrap();
        // Both have one memory between them, so each of them shows all of it.
        let map = std::fs::read_to_string(format!("/proc/{init}/smaps_rollup")).unwrap();
        let line = map.lines().find_map(|line| line.strip_prefix("Pss_Anon:")).unwrap();
        let memory: u64 = line.split_whitespace().next().unwrap().parse().unwrap();
        assert!(faults <= FAULTS, "{faults} page faults, {FAULTS} are allowed");
        assert!(memory <= IDLE_KIB, "{memory} KiB, {IDLE_KIB} are allowed");
    }
}

/// Page faults of a shell script, always at the same addresses, and of what it executes: the least of some, as the
/// kernel now and then takes a page away. `$0` is gontainer.
#[allow(unsafe_code, clippy::zombie_processes, reason = "std waits, but tells no resource usage")]
fn least_faults(words: &[&str], script: &str) -> i64 {
    let faults = |_| {
        let mut setarch = Command::new("setarch");
        let shell = setarch.arg("-R").args(words).args(["sh", "-c", script]).arg(gontainer()).spawn().unwrap();
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: the kernel fills in the structure.
        let waited = unsafe { libc::wait4(shell.id().cast_signed(), std::ptr::null_mut(), 0, usage.as_mut_ptr()) };
        assert!(waited > 0);
        // SAFETY: filled in, and all zeroes are valid too.
        unsafe { usage.assume_init() }.ru_minflt
    };
    (0..40).map(faults).min().unwrap()
}

#[test]
fn up_to_clone_a_start_takes_hardly_more_pages_than_the_version_line() {
    if !is_promised() || need_program("unshare").is_none() {
        return;
    }
    let faults = |flags| {
        let script = format!("echo 0 >/proc/sys/user/max_user_namespaces; exec \"$0\" {flags} >/dev/null 2>&1");
        least_faults(&["unshare", "-Ur"], &script)
    };
    let (start, version) = (faults("-run -uid -pid true"), faults("-v"));
    assert!(start - version <= MORE_FAULTS, "{start} page faults, and {version} for -v");
}

#[test]
fn a_whole_start_takes_few_pages_more_than_its_command() {
    let Some(busybox) = need_program("busybox") else { return };
    if !is_promised() || !starts().iter().any(|start| start.has_user_namespace()) {
        return;
    }
    let command = format!("{} true", busybox.display());
    let alone = least_faults(&[], &format!("exec {command}"));
    for (flags, budget) in WHOLE_FAULTS {
        let start = least_faults(&[], &format!("exec \"$0\" -run -uid {flags} -- {command}"));
        assert!(start - alone <= *budget, "{flags}: {start} page faults, and {alone} for the command alone");
    }
}

#[test]
fn a_command_line_is_read_in_few_instructions() {
    let Some(valgrind) = need_program("valgrind") else { return };
    if !is_promised() {
        return;
    }
    let words = "--tool=callgrind --callgrind-out-file=/dev/null";
    let flags = "-run -uid -pid -uts -ipc -mnt=/ -dev=none -sys=none -dns=none -v";
    for user in users() {
        let run = Case::direct(user).no_environment().arg(&valgrind).words(words).arg(gontainer()).words(flags).run();
        let complaint = run.complaint();
        let counted = complaint.lines().find_map(|line| line.split("Collected : ").nth(1)?.parse::<u64>().ok());
        run.status(0).that("within its budget", counted.is_some_and(|count| (1000..=INSTRUCTIONS).contains(&count)));
    }
}
