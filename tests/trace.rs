//! What a start consists of: as it says itself, and as an observer sees it.

use crate::support::{Case, Folder, gontainer, need_program, rootfs, skip, starts, users};
use std::collections::BTreeSet;

#[test]
fn a_trace_is_on_stderr_and_leaves_the_rest_as_it_is() {
    for start in starts() {
        for flags in ["-uts", "-pid", "-pid -as-pid1"] {
            let run = Case::new(start).words(flags).words("-trace").script("echo out; exit 37").run();
            run.stdout("out\n").status(37);
            let trace = run.complaint();
            for step in ["make the namespaces", "die with the parent", "let signals through", "run the command"] {
                run.that(step, trace.contains(step));
            }
            run.that("no colours in a file", !trace.contains('\x1b'));
        }
        let run = Case::new(start).words("-uts -trace").command("nowhere").run();
        let line = "gontainer: run the command: execve(nowhere): no such file or directory (ENOENT)\n";
        run.status(127).stdout("").that("the message comes last", run.complaint().ends_with(line));
    }
}

#[test]
fn a_plan_names_the_steps_and_does_nothing() {
    for user in users() {
        let folder = Folder::new(user);
        let mark = folder.join("mark");
        let run =
            Case::plain(user).words("-plan -uid -pid -uts -net --").args(["sh", "-c", &format!("echo >{mark}")]).run();
        let plan = run.text();
        for step in
            ["make the namespaces", "map the user id", "mount a new /proc", "start the command", "run the command"]
        {
            run.that(step, plan.contains(step));
        }
        run.that("nothing is done", !folder.exists("mark"));
    }
}

/// What may be called between the start of the program and that of the command, by the plan; and, at the
/// very start, by the C library.
const CALLS: &str = "mknodat symlinkat mkdirat newfstatat openat2 umask arch_prctl set_tid_address \
                     ppoll close_range ioctl chdir rt_sigprocmask rt_sigaction pipe2 clone openat write \
                     close rt_sigtimedwait wait4 exit_group read prctl setpgid mount open_tree move_mount fchdir \
                     pivot_root mount_setattr umount2 unshare uname faccessat sethostname socket pidfd_open pidfd_getfd capget capset keyctl execve \
                     prlimit64 setpriority umask mkdirat unlinkat getdents64 kill";

#[test]
fn an_observer_sees_only_the_calls_of_the_plan() {
    let Some(strace) = need_program("strace") else { return };
    let binary = std::fs::read(gontainer()).unwrap();
    if binary.windows(8).any(|window| window == b"/ld-linu" || window == b"/ld-musl") {
        return skip("only a static gontainer makes no calls but its own: ./musl-build.sh test");
    }
    for start in starts() {
        let (root, log) = (rootfs(start.user), Folder::new(start.user));
        let case =
            Case::direct(start.user).arg(&strace).args(["-f", "-o", &log.join("log")]).arg(gontainer()).arg("-run");
        let case = case.args(start.flags).words("-uts -ipc -net -pid").root(&root);
        case.command("/bin/true").run().prints("");
        let log = std::fs::read_to_string(log.path().join("log")).unwrap();
        // `123  name(arguments) = result`; what others interrupt comes again as `<... name resumed>`.
        let lines: Vec<(&str, &str)> = log.lines().filter_map(|line| line.split_once(char::is_whitespace)).collect();
        let launcher = lines[0].0;
        let mut gone = BTreeSet::new();
        let mut startup = Vec::new();
        for (pid, what) in &lines[1..] {
            let name = what.trim_start().split('(').next().unwrap();
            if gone.contains(pid) || name.starts_with(['<', '-', '+']) {
                continue;
            }
            assert!(CALLS.split_whitespace().any(|known| known == name), "{name} is not in the plan:\n{log}");
            if name == "execve" {
                gone.insert(*pid); // from here on it is the command
            }
            if matches!(name, "arch_prctl" | "set_tid_address") {
                assert_eq!(*pid, launcher);
                startup.push(name);
            }
        }
        assert!(startup.len() <= 2, "{startup:?}");
        assert_eq!(gone.len(), 1, "{log}");
    }
}
