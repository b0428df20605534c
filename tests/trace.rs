//! What a start consists of: as it says itself, and as an observer sees it.

use crate::support::{
    Case, Filter, Folder, gontainer, is_static, need_program, root_users, rootfs, skip, starts, users,
};
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

/// By whoever needs a user namespace for it.
const ORDINARY_PLAN: &str = r#"start true: new namespaces: user, pid, mnt, net; the host's: uts, ipc, cgroup, time
who      call                                                    what for
parent   ppoll(are 0, 1 and 2 open?)                             keep closed standard descriptors closed
parent   close_range(3, and above)                               close inherited descriptors
parent   rt_sigprocmask(which signals wait)                      hold signals back
parent   rt_sigaction(SIGCHLD)
parent   ioctl(stdin, is it a terminal?) …(and 2 more)           find the terminal
parent   pipe2()                                                 make the pipe that joins parent and child
parent   clone(user|pid|mnt|net|shared memory)                   make the namespaces
parent   openat("/proc/PID", directory|no links|name only)       deny setgroups
parent   fstatfs(/proc/PID)
parent   readlinkat(/proc/PID, "../self")
parent   getpid()
parent   openat(/proc/PID, "setgroups", write)
parent   write(setgroups, "deny")
parent   close(setgroups)
parent   openat(/proc/PID, "gid_map", write)                     map the group id
parent   write(gid_map, "0 GID 1")
parent   close(gid_map)
parent   openat(/proc/PID, "uid_map", write)                     map the user id
parent   write(uid_map, "0 UID 1")
parent   close(uid_map)
parent   pidfd_open(PID)                                         bring the loopback interface up
parent   close(the child)
parent   write(pipe to the child, "g")                           let the child go on
child    close(pipe to the child)                                leave to the parent what is its alone
child    prctl(parent-death signal, SIGKILL)                     die with the parent
child    socket(internet)                                        open a socket in the new network
child    setpgid(0, 0)                                           lead a process group
child    mount("proc", "/proc", nosuid|nodev|noexec)             mount a new /proc
child    ioctl(the child's socket, lo: up)                       bring the loopback interface up
child    close(the child's socket)
child    keyctl(join a new session keyring)                      leave the caller's session keyring
child    prctl(no new privileges)                                gain no privileges by executing
child    prctl(filter system calls)                              refuse calls that no container needs
child    read(pipe from the parent)                              wait for the id maps
child    ppoll(is the parent still there?)
child    prctl(dumpable)                                         close PID 1 to the container
child    clone(shared memory)                                    start the command
child    close(stdin) …(and 3 more)                              let go of descriptors
child    chdir("/")
child    rt_sigtimedwait(any signal)                             reap, and forward signals
command  setsid()                                                lead a process group
command  rt_sigprocmask(which signals wait)                      let signals through
command  execve("true")                                          run the command
"#;

/// By root, without one.
const ROOTS_PLAN: &str = r#"start true: new namespaces: uts, net; the host's: user, pid, mnt, ipc, cgroup, time
who      call                                                    what for
parent   ppoll(are 0, 1 and 2 open?)                             keep closed standard descriptors closed
parent   close_range(3, and above)                               close inherited descriptors
parent   rt_sigprocmask(which signals wait)                      hold signals back
parent   rt_sigaction(SIGCHLD)
parent   ioctl(stdin, is it a terminal?) …(and 2 more)           find the terminal
parent   prctl(dumpable)                                         close our memory to root's other containers
parent   pipe2()                                                 make the pipe that joins parent and child
parent   clone(uts|net|shared memory)                            make the namespaces
parent   pidfd_open(PID)                                         bring the loopback interface up
parent   close(the child)
parent   write(pipe to the child, "g")                           let the child go on
child    close(pipe to the child)                                leave to the parent what is its alone
child    prctl(parent-death signal, SIGKILL)                     die with the parent
child    socket(internet)                                        open a socket in the new network
child    setsid()                                                lead a process group
child    sethostname("gontainer")                                set the host name
child    ioctl(the child's socket, lo: up)                       bring the loopback interface up
child    close(the child's socket)
child    keyctl(join a new session keyring)                      leave the caller's session keyring
child    prctl(drop for good, capability 2) …(and 27 more)       put capabilities out of reach
child    prctl(secure bits)
child    prctl(no new privileges)                                gain no privileges by executing
child    prctl(filter system calls)                              refuse calls that no container needs
child    read(pipe from the parent)                              wait for the id maps
child    ppoll(is the parent still there?)
child    capget(own capabilities)                                give up capabilities
child    capset(own capabilities)
child    rt_sigprocmask(which signals wait)                      let signals through
child    execve("true")                                          run the command
"#;

#[test]
fn a_plan_reads_the_same_every_time() {
    for user in users() {
        if !user.is_root() {
            let (uid, gid) = (user.uid, user.gid);
            let plan =
                ORDINARY_PLAN.replace("0 UID 1", &format!("0 {uid} 1")).replace("0 GID 1", &format!("0 {gid} 1"));
            Case::plain(user).words("-plan -uid -pid -net -- true").run().prints(plan);
        }
    }
    for user in root_users() {
        Case::plain(user).words("-plan -uts -net -- true").run().prints(ROOTS_PLAN);
    }
}

/// Flags that lead through every step there is.
const ALL_STEPS: [&str; 9] = [
    "-all -strict -mnt=/",
    "-uid -trace -time",
    "-uts -pid",
    "-pid -mnt=/ -map=auto",
    "-pid -mnt=/ -overlay=/nowhere -memory=64m -user=1",
    "-map=0:1:9 -pid -user=1 -workdir=/ -rlimit=nofile=9 -oom=5 -nice=5 -fd=5 -seccomp=/x -bind=/usr -ro",
    "-map=0:1:9 -pid -overlay -mnt=/",
    "-map=0:1:9 -mnt=/ -uts -user=1",
    "-mnt=/ -uts -map=0:1:9 -dev=none",
];

/// Steps that a plan does not show: no terminal is found where nothing is done, and -bench has no plan.
const NOT_SHOWN: [&str; 3] =
    ["watch for stops of the command", "take the terminal", "name our own file, which is the command"];

#[test]
fn plans_show_every_step() {
    let source = include_str!("../src/launch/plan.rs");
    let steps = source.lines().filter(|line| line.contains("=>")).filter_map(|line| {
        let (step, _) = line.trim().strip_prefix('"')?.split_once('"')?;
        Some(step)
    });
    for user in root_users() {
        let plans = ALL_STEPS.map(|flags| Case::plain(user).arg("-plan").words(flags).command("true").run().text());
        let shown: BTreeSet<&str> = plans
            .iter()
            .flat_map(|plan| plan.lines().skip(2))
            .filter_map(|line| line.rsplit_once("  ").map(|(_, step)| step))
            .collect();
        for step in steps.clone() {
            assert!(shown.contains(step) != NOT_SHOWN.contains(&step), "{step:?}: {shown:?}");
        }
    }
}

#[test]
fn a_plan_goes_through_to_the_command() {
    for start in starts() {
        let root = rootfs(start.user);
        for flags in ["-all", "-all -strict", "-pid -cap=none", "-net -ipc -as-pid1 -pid", "-uts -user=1"] {
            for with_root in [false, true] {
                let case = Case::plain(start.user).arg("-plan").args(start.flags).words(flags);
                let case = if with_root { case.root(&root) } else { case };
                let run = case.command("/bin/true").run();
                let plan = run.text();
                let last = plan.lines().last().unwrap_or_default();
                run.that("the last line", last.contains(r#"execve("/bin/true")"#));
                for step in
                    ["filter system calls", "no new privileges", "session keyring", "is the parent still there?"]
                {
                    run.that(step, plan.contains(step));
                }
                run.that("/dev is whole", !with_root || plan.contains("the rootfs, \"dev\""));
                run.that("no capability that no kernel has", !plan.contains("and 49 more"));
            }
        }
    }
}

/// The lines of a trace but for the first, and the last as they are.
fn rows(trace: &str) -> Vec<&str> {
    trace
        .lines()
        .skip(2)
        .filter(|line| line.contains("parent ") || line.contains("child ") || line.contains("command  "))
        .collect()
}

#[test]
fn a_trace_says_what_is_started_in_which_order_and_how_soon() {
    for start in starts() {
        let run = Case::new(start).words("-pid -uts -trace -- /bin/true").run();
        let trace = run.complaint();
        let kinds = if start.has_user_namespace() {
            "user, pid, mnt, uts; the host's: ipc, net, cgroup, time"
        } else {
            "pid, mnt, uts; the host's: user, ipc, net, cgroup, time"
        };
        let lines: Vec<&str> = trace.lines().collect();
        run.status(0).stdout("").that("heading", lines[0] == format!("start /bin/true: new namespaces: {kinds}"));
        let last = lines.last().copied().unwrap_or_default();
        let took = last.strip_prefix("execve was called after ").and_then(|rest| rest.strip_suffix(" µs"));
        run.that("total", took.is_some_and(|took| took.parse::<f64>().is_ok_and(|took| took > 0.0)));
        run.that("no mark", !trace.contains('←'));
        for reading in [
            r#"write(pipe to the child, "g")"#,
            "read(pipe from the parent)",
            "read(pipe that ends at the start)",
            "close(pipe to the child)",
            "prctl(parent-death signal, SIGKILL)",
            r#"mount("proc", "/proc", nosuid|nodev|noexec)"#,
        ] {
            run.that(reading, trace.contains(reading));
        }
        run.that("the child's number", !trace.contains("/proc/PID") && !trace.contains("/proc/0"));
        let times: Vec<f64> =
            rows(&trace).iter().filter_map(|row| row.split_whitespace().next()?.parse().ok()).collect();
        run.that("a time each", times.len() == rows(&trace).len() && times.len() > 15);
        for side in ["parent ", "child ", "command "] {
            run.that(side, rows(&trace).iter().any(|row| row.contains(side)));
        }
    }
}

#[test]
fn a_failing_start_is_marked_where_it_failed() {
    for start in starts() {
        let missing = Case::new(start).words("-uts -trace -mnt=/nowhere -- true").run();
        let command = Case::new(start).words("-uts -pid -trace -- nowhere").run();
        for (run, status, call, step) in [
            (missing, 125, r#"chdir("/nowhere") = ENOENT"#, "enter the rootfs"),
            (command, 127, "execve(\"/", "run the command"),
        ] {
            let trace = run.complaint();
            let marked: Vec<&str> = trace.lines().filter(|line| line.contains('←')).collect();
            run.status(status)
                .that("one mark", marked.len() == 1 && marked[0].ends_with("  ← this is where it failed"));
            // Where other processes made calls meanwhile, those of one step stand in several lines.
            run.that("at the call", marked[0].contains(call));
            let end = trace.lines().find(|line| line.starts_with("failed after "));
            run.that("the end", end.is_some_and(|end| end.ends_with(&format!(" µs: {step}"))));
        }
    }
}

#[test]
fn colours_are_for_terminals_whose_owner_likes_them() {
    for start in starts() {
        for (value, coloured) in [(None, true), (Some(""), true), (Some("1"), false)] {
            let case = Case::new(start).words("-uts -pid -trace").on_terminal();
            let case = if let Some(value) = value { case.variable("NO_COLOR", value) } else { case };
            let run = case.command("nowhere").run();
            let screen = run.screen.replace('\r', "");
            run.status(127).that("colours", screen.contains('\x1b') == coloured);
            let mark = "  \x1b[31m← this is where it failed\x1b[0m\n";
            run.that("mark", screen.contains(if coloured { mark } else { "  ← this is where it failed\n" }));
            for name in ["\x1b[36mparent \x1b[0m", "\x1b[32mchild  \x1b[0m", "\x1b[33mcommand\x1b[0m"] {
                run.that("each side has its own", screen.contains(name) == coloured);
            }
        }
    }
}

#[test]
fn calls_that_fail_show_their_errors_and_that_the_start_went_on() {
    const ONLY_AN_ANSWER: &str = "(Errors without a mark are expected: the start went on.)\nexecve was called after ";
    for start in starts() {
        let case = || Case::new(start).words("-uts -pid -trace");
        let run = case().variable("PATH", "/nowhere:/usr/bin:/bin").command("true").run();
        let trace = run.complaint();
        run.status(0).that("the columns", trace.contains("\n  at µs    took  who      call "));
        let line = trace.lines().find(|line| line.contains("execve(\"/nowhere/true\")"));
        run.that("the error", line.is_some_and(|line| line.contains(" = ENOENT ")));
        run.that("what it means", trace.contains(ONLY_AN_ANSWER));
        for errno in [libc::ENOSYS, libc::EPERM] {
            let filter = Filter::new(libc::SYS_close_range, errno);
            let run = case().command("/bin/true").refusing(filter).run();
            let name = if errno == libc::EPERM { "EPERM" } else { "ENOSYS" };
            let line = format!("close_range(3, and above) = {name} ");
            run.that("both", run.complaint().contains(&line) && run.complaint().contains(ONLY_AN_ANSWER));
        }
    }
}

/// What may be called between the start of the program and that of the command, by the plan; and, at the
/// very start, by the C library.
const CALLS: &str = "fstatfs readlinkat getpid mknodat symlinkat mkdirat newfstatat openat2 umask arch_prctl set_tid_address \
                     ppoll close_range ioctl setsid chdir rt_sigprocmask rt_sigaction pipe2 clone openat write \
                     close rt_sigtimedwait wait4 exit_group read prctl setpgid mount open_tree move_mount fchdir \
                     pivot_root mount_setattr umount2 unshare uname faccessat sethostname socket pidfd_open pidfd_getfd capget capset keyctl execve \
                     prlimit64 setpriority umask mkdirat unlinkat getdents64 kill";

#[test]
fn an_observer_sees_only_the_calls_of_the_plan() {
    let Some(strace) = need_program("strace") else { return };
    if !is_static() {
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

/// Whoever asks for many mounts gets as many lines; where they end early, it is said.
#[test]
fn a_long_start_is_shown_whole_or_said_to_be_cut() {
    for start in starts() {
        let trace = |count: usize| {
            let binds = (0..count).map(|_| "-tmpfs=/tmp");
            Case::new(start).words("-trace").args(binds).command("true").run()
        };
        let text = String::from_utf8(trace(40).stderr).unwrap();
        assert!(text.matches("mount(\"tmpfs\"").count() == 40 && text.contains("execve was called after"), "{text}");
        let text = String::from_utf8(trace(400).stderr).unwrap();
        assert!(text.ends_with("\n(There is no room for more.)\n"), "{text}");
    }
}
