//! PID 1: what it reaps, what it forwards, and that nothing outlives it or gontainer.

use crate::support::{
    Case, Folder, LISTENER, Outcome, Random, Running, Start, await_end_of, children_of, gontainer, marker, mounts,
    need_program, root_users, rootfs, skip, spin, starts,
};
use std::time::{Duration, Instant};

const WAYS: [&str; 3] = ["-uts", "-pid", "-pid -as-pid1"];

fn each(check: impl Fn(Start, &str)) {
    for start in starts() {
        for way in WAYS {
            check(start, way);
        }
    }
}

// Who is who

#[test]
fn pid_1_is_gontainer_and_the_command_is_its_child() {
    for start in starts() {
        let root = rootfs(start.user);
        let script = "echo $$ $PPID; cat /proc/1/comm /proc/2/comm; grep NSpid: /proc/self/status | wc -w";
        Case::new(start).words("-pid").root(&root).script(script).run().prints("2 1\ngontainer\nsh\n2\n");
    }
}

#[test]
fn with_as_pid1_the_command_is_pid_1_itself() {
    for start in starts() {
        let root = rootfs(start.user);
        let script = "echo $$ $PPID; cat /proc/1/comm; exit 37";
        let run = Case::new(start).words("-pid -as-pid1").root(&root).script(script).run();
        run.stdout("1 0\nsh\n").stderr("").status(37);
    }
}

#[test]
fn the_command_leads_a_process_group_of_its_own() {
    each(|start, way| {
        // Of `pid (comm) state ppid pgrp`, with a name that holds no blank.
        let run = Case::new(start)
            .words(way)
            .script("read -r pid comm state ppid group rest </proc/$$/stat; echo $pid $group");
        let shown = run.run().text();
        let (pid, group) = shown.trim().split_once(' ').unwrap();
        assert_eq!(pid, group);
    });
}

// Reaping

/// Root's root may write to what `/proc/1/autogroup` is of.
#[test]
fn pid_1_is_not_in_the_callers_autogroup_where_it_could_be_made_slow() {
    if !std::fs::exists("/proc/self/autogroup").unwrap() {
        return skip("this kernel makes no autogroups");
    }
    for start in starts().into_iter().filter(|start| start.is_real_root()) {
        let flags = start.flags.join(" ");
        // The kernel's first autogroup, of whom has no session since the boot, has no name: an empty line.
        let script = format!("echo $(cat /proc/self/autogroup); $g -run {flags} -pid -- cat /proc/1/autogroup");
        let run = Case::direct(start.user).args(["sh", "-c", &script]).variable("g", gontainer()).run();
        let text = run.text();
        let groups: Vec<&str> = text.lines().collect();
        run.status(0).that("another", groups.len() == 2 && groups[0] != groups[1]);
    }
}

#[test]
fn orphans_are_reaped() {
    for start in starts() {
        let root = rootfs(start.user);
        // The subshells end at once and leave their children to PID 1; then nothing but us two remains.
        let script = "
            n=0; while [ $n -lt 50 ]; do (true & true & (sleep 0 &) &); n=$((n + 1)); done
            tries=0
            until set -- /proc/[0-9]*; [ $# -eq 2 ]; do
                tries=$((tries + 1)); [ $tries -lt 100000 ] || exit 41
            done
            echo $*";
        Case::new(start).words("-pid").root(&root).script(script).run().prints("/proc/1 /proc/2\n");
    }
}

#[test]
fn when_the_command_ends_everything_else_does() {
    for start in starts() {
        let name = marker();
        // They would hold the output open, which `run` waits for.
        let script = format!("(trap '' HUP TERM INT; sleep 1000; : {name}) & setsid sleep 1000 & exit 37");
        Case::new(start).words("-pid").script(&script).run().status(37).stderr("");
        await_end_of(&name);
        let script = format!("(trap '' HUP TERM INT; sleep 1000; : {name}) & setsid sleep 1000 & kill -KILL $$");
        Case::new(start).words("-pid").script(&script).run().status(137);
        await_end_of(&name);
    }
}

#[test]
fn all_has_ended_before_gontainer_returns() {
    for start in starts() {
        let name = marker();
        let script = format!("for n in 1 2 3 4 5 6 7 8; do (sleep 1000; : {name}) & done; exit 38");
        let mut running = Case::new(start).words("-pid").script(&script).spawn();
        assert_eq!(running.end().code(), Some(38));
        assert_eq!(crate::support::processes_with(&name), []);
    }
}

#[test]
fn a_stop_for_a_tracer_is_no_end() {
    let Some(_) = need_program("perl") else { return };
    for start in starts() {
        // The command has its parent trace it and stops at a signal; its child sees it stop, and kills it.
        let script = "
            $| = 1;
            my $parent = $$;
            if (!fork) {
                for (1 .. 1000000) {
                    open my $f, '<', \"/proc/$parent/stat\" or exit 41;
                    if (<$f> =~ /\\) [tT]/) { print qq(stopped\\n); kill 'KILL', $parent; exit }
                }
                exit 42;
            }
            syscall($ARGV[0], 0, 0, 0, 0) == 0 or exit 43;
            kill 'USR1', $$;
            exit 44";
        for way in ["-uts", "-pid"] {
            let run =
                Case::new(start).words(way).args(["--", "perl", "-e", script, &libc::SYS_ptrace.to_string()]).run();
            run.status(137).stdout("stopped\n").stderr("");
        }
    }
}

#[test]
fn a_traced_start_is_a_start() {
    let Some(_) = need_program("strace") else { return };
    for start in starts() {
        let gontainer = crate::support::gontainer();
        let case = Case::direct(start.user).words("strace -f -o /dev/null").arg(gontainer).arg("-run");
        case.args(start.flags).words("-pid").script("true & wait; exit 37").run().status(37).stderr("");
    }
}

// Forwarding

#[test]
fn signals_go_on_to_the_command_and_none_is_lost() {
    let Some(_) = need_program("perl") else { return };
    each(|start, way| {
        let mut running = Case::new(start).words(way).args(["--", "perl", "-e", LISTENER]).spawn();
        running.expect("ready\n");
        for (signal, name) in [
            (libc::SIGHUP, "HUP"),
            (libc::SIGINT, "INT"),
            (libc::SIGQUIT, "QUIT"),
            (libc::SIGUSR1, "USR1"),
            (libc::SIGUSR2, "USR2"),
            (libc::SIGPIPE, "PIPE"),
            (libc::SIGALRM, "ALRM"),
            (libc::SIGCONT, "CONT"),
            (libc::SIGWINCH, "WINCH"),
            (libc::SIGURG, "URG"),
            (libc::SIGIO, "IO"),
            (libc::SIGPWR, "PWR"),
            (35, "NUM35"),
            (63, "NUM63"),
        ] {
            running.signal(signal);
            running.expect(&format!("{name}\n"));
        }
        running.signal(libc::SIGTERM);
        running.finish().status(40).stderr("");
    });
}

/// What a terminal would send to a whole group comes to the command's whole group.
#[test]
fn a_terminals_signals_reach_all_of_the_commands_group() {
    let Some(_) = need_program("perl") else { return };
    each(|start, way| {
        // Who has heard all four goes on; the parent ends after the child.
        let listener = "$| = 1; $SIG{$_} = sub { $heard{$_[0]} = 1 } for qw(HUP INT QUIT WINCH); $child = fork;
                        print qq(ready\\n) if $child; sleep 1 until keys %heard == 4;
                        exit 0 unless $child; waitpid $child, 0; exit 37";
        let mut running = Case::new(start).words(way).args(["--", "perl", "-e", listener]).spawn();
        running.expect("ready\n");
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGWINCH] {
            running.signal(signal);
        }
        running.finish().status(37).stderr("");
    });
}

#[test]
fn a_signal_that_the_command_does_not_catch_ends_the_container() {
    for start in starts() {
        for way in ["-uts", "-pid"] {
            for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGUSR1, 34] {
                let mut running =
                    Case::new(start).words(way).script("ulimit -c 0; echo ready; exec sleep 1000").spawn();
                running.expect("ready\n");
                running.signal(signal);
                running.finish().status(128 + signal).stderr("");
            }
        }
    }
}

#[test]
fn a_signal_that_waits_from_before_the_start_goes_on_too() {
    let Some(_) = need_program("perl") else { return };
    each(|start, way| {
        // As it is with a command that runs without gontainer: it finds the signal pending.
        let script = "use POSIX; my $set = POSIX::SigSet->new;
                      for (1 .. 1000000) { sigpending($set); exit 37 if $set->ismember(SIGUSR1) } exit 38";
        let case = Case::new(start).words(way).blocking(&[libc::SIGUSR1]).pending(libc::SIGUSR1);
        case.args(["--", "perl", "-e", script]).run().status(37);
    });
}

#[test]
fn a_signal_during_the_start_is_not_lost() {
    let typical = typical_start();
    let mut random = Random::new(11);
    for start in starts() {
        for way in ["-uts", "-pid"] {
            for _ in 0..60 {
                let running = Case::new(start).words(way).command("sleep 1000").spawn();
                spin(random.below(typical));
                running.signal(libc::SIGTERM);
                let outcome = running.finish();
                // Before gontainer holds signals back, it is simply killed.
                let ended = outcome.killed_by() == Some(libc::SIGTERM) || outcome.code() == Some(128 + libc::SIGTERM);
                outcome.stdout("").stderr("").that("the signal ended it", ended);
            }
        }
    }
}

// Nothing survives

/// How long a start takes here, and a little more.
fn typical_start() -> Duration {
    let start = starts()[0];
    let one = || {
        let begin = Instant::now();
        Case::new(start).words("-pid -uts -ipc").command("true").run();
        begin.elapsed()
    };
    one();
    (0..5).map(|_| one()).min().unwrap_or_default() * 3 / 2
}

/// The launcher and PID 1 bear the marker as their name, and the shell has it on its command line;
/// whatever else there is holds the output open.
fn marked(start: Start, way: &str, name: &str, script: &str) -> Case {
    Case::new(start).words(way).named(name).script(&format!("{script}; : {name}"))
}

/// Random moments at which each of a container's processes is killed, over all kinds of starts.
const MOMENTS: usize = 1000;

/// Kills what `find` finds of a start, at random moments of it, and looks at what is left.
fn kill_at_any_moment(ways: &[&str], find: impl Fn(&Running) -> Option<i32>, check: impl Fn(&Outcome)) {
    let (typical, before) = (typical_start(), mounts());
    let seed = u64::from(std::process::id());
    let mut random = Random::new(seed);
    for start in starts() {
        let root = rootfs(start.user);
        for round in 0..MOMENTS.div_ceil(starts().len()) {
            let name = marker();
            let mut way = ways[round % ways.len()].to_owned();
            if (round / ways.len()).is_multiple_of(2) {
                way = format!("{way} -mnt={}", root.join(""));
            }
            // Nothing but the kill ends it: its input is silent, and does not end.
            let script = if way.contains("-pid") { "sleep 1000 & sleep 1000 & wait" } else { "read x" };
            let running = marked(start, &way, &name, script).silent_input().spawn();
            spin(random.below(typical));
            let deadline = Instant::now() + Duration::from_secs(20);
            let victim = loop {
                if let Some(victim) = find(&running) {
                    break victim;
                }
                assert!(Instant::now() < deadline, "there never was anything to kill, seed {seed}");
            };
            crate::support::kill(victim, libc::SIGKILL);
            check(&running.finish()); // which has seen the output's end
            await_end_of(&name);
        }
    }
    assert_eq!(mounts(), before);
}

fn child(running: &Running) -> Option<i32> {
    children_of(running.pid()).first().copied()
}

/// The child was killed: that is what one hears, or, while the launcher writes its maps, that it is gone.
fn ended_or_missed(outcome: &Outcome) {
    let complaint = outcome.complaint();
    let steps = ["deny setgroups", "map the group id", "map the user id"];
    if steps.iter().any(|step| complaint.starts_with(&format!("gontainer: {step}: "))) {
        outcome.status(125);
    } else {
        ended(outcome);
    }
}

/// As the command, or before it could be one.
fn ended(outcome: &Outcome) {
    if outcome.code() == Some(125) {
        outcome.stderr("gontainer: wait for the container: wait4: was killed during its start\n");
    } else {
        outcome.stderr("").status(137);
    }
}

#[test]
fn gontainer_killed_at_any_moment_leaves_nothing_behind() {
    let ways = ["-pid", "-pid -uts -ipc", "-pid -as-pid1"];
    kill_at_any_moment(
        &ways,
        |running| Some(running.pid()),
        |outcome| {
            outcome.stderr("").that("killed", outcome.killed_by() == Some(libc::SIGKILL));
        },
    );
}

#[test]
fn without_a_pid_namespace_at_least_the_command_dies_with_gontainer() {
    kill_at_any_moment(
        &["-uts"],
        |running| Some(running.pid()),
        |outcome| {
            outcome.stderr("").that("killed", outcome.killed_by() == Some(libc::SIGKILL));
        },
    );
}

#[test]
fn pid_1_killed_at_any_moment_leaves_nothing_behind() {
    kill_at_any_moment(&["-pid", "-pid -uts -ipc"], child, ended_or_missed);
}

#[test]
fn the_command_killed_at_any_moment_leaves_nothing_behind() {
    let command = |running: &Running| {
        let child = child(running)?;
        children_of(child).first().copied()
    };
    kill_at_any_moment(&["-pid", "-pid -uts -ipc"], command, ended);
    kill_at_any_moment(&["-uts", "-pid -as-pid1"], child, ended_or_missed);
}

#[test]
fn a_running_container_dies_with_gontainer() {
    each(|start, way| {
        let name = marker();
        let script = "trap '' HUP INT TERM; echo ready; read x";
        let mut running = marked(start, way, &name, script).silent_input().spawn();
        running.expect("ready\n");
        running.signal(libc::SIGKILL);
        running.finish();
        await_end_of(&name);
    });
}

#[test]
fn pid_1_killed_from_outside_ends_the_container() {
    for start in starts() {
        let mut running = Case::new(start).words("-pid").script("echo ready; sleep 1000 & wait").spawn();
        running.expect("ready\n");
        let [pid_1] = children_of(running.pid())[..] else { panic!("one child") };
        crate::support::kill(pid_1, libc::SIGKILL);
        running.finish().status(137).stderr("");
    }
}

/// What a process has open, by where it leads.
fn open_files(pid: i32) -> Vec<String> {
    let numbers = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().map(|entry| entry.unwrap().path());
    let links = numbers.filter_map(|path| std::fs::read_link(path).ok()); // one that is being closed has gone
    let mut links: Vec<String> = links.map(|link| link.to_str().unwrap().to_owned()).collect();
    links.sort();
    links
}

#[test]
fn pid_1_keeps_no_folder_and_no_file_of_the_host_open() {
    if root_users().is_empty() {
        return; // the kernel shows root alone what PID 1 has open
    }
    for start in starts() {
        let (root, kept) = (rootfs(start.user), Folder::new(start.user));
        for flags in [
            "",
            "-trace",
            "-fd=5 -fd=9",
            "-mnt=@",
            "-net -mnt=@",
            "-mnt=@ -overlay",
            "-mnt=@ -overlay=%",
            "-tmpfs=/tmp",
        ] {
            for on_terminal in [false, true] {
                let flags = flags.replace('@', &root.join("")).replace('%', &kept.join("changes"));
                let case = Case::new(start).arg("-pid").words(&flags).folder(kept.path()).leaking(3..10);
                let case = case.script("echo ready; sleep 1000 & wait");
                let mut running = if on_terminal { case.on_terminal() } else { case }.spawn();
                running.expect("ready");
                let [pid_1] = children_of(running.pid())[..] else { panic!("one child") };
                // It lets go while the command starts; a terminal stays, and the pipe to tell of stops.
                let is_done = |open: &[String]| match open {
                    [] => !on_terminal,
                    [terminal, pipe] => on_terminal && terminal.starts_with("/dev/pts/") && pipe.starts_with("pipe:"),
                    _ => false,
                };
                let deadline = Instant::now() + Duration::from_secs(20);
                while !is_done(&open_files(pid_1)) {
                    assert!(Instant::now() < deadline, "{flags}: {:?}", open_files(pid_1));
                    std::thread::yield_now();
                }
                assert_eq!(std::fs::read_link(format!("/proc/{pid_1}/cwd")).unwrap().to_str(), Some("/"), "{flags}");
                running.signal(libc::SIGTERM);
                running.finish().status(143);
            }
        }
    }
}

/// The launcher is told of the start by the end of a pipe, and takes no signal before.
#[test]
fn signals_go_on_to_a_command_that_is_traced() {
    each(|start, way| {
        let script = "trap 'exit 37' USR1; echo ready; while :; do sleep 0.01; done";
        let mut running = Case::new(start).words(way).arg("-trace").script(script).spawn();
        running.expect("ready\n");
        running.signal(libc::SIGUSR1);
        let run = running.finish();
        run.status(37).that("it is whole", run.complaint().contains("\nexecve was called after "));
    });
}

#[test]
fn as_the_pid_1_of_a_container_gontainer_reaps_orphans() {
    for start in starts() {
        let count = "(true &); (true &); sleep 0.3; grep -l '^State:.Z' /proc/[0-9]*/status | wc -l";
        let inner = format!("{} -run -uid -uts -- sh -c \"{count}\"", gontainer().display());
        let case = Case::new(start).words("-pid -as-pid1").script(&format!("exec {inner}"));
        case.run().prints("0\n");
    }
}

/// The kernel hands out lower numbers first, so that SIGCHLD might never come.
#[test]
fn who_floods_pid_1_with_signals_does_not_keep_it_from_seeing_the_end() {
    let Some(_) = need_program("perl") else { return };
    let program = "$SIG{$_} = 'IGNORE' for qw(HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT); \
                   for (1 .. 4) { unless (fork) { while (1) { kill($_, 1) for 1 .. 8, 10 .. 16 } } } sleep 1; exit 7";
    for start in starts() {
        Case::new(start).words("-pid").args(["--", "perl", "-e", program]).run().status(7);
    }
}
