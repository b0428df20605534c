//! Limits: time, resources of a process, niceness, and who is killed first when memory runs out.

use crate::support::{Case, Start, await_end_of, marker, need_program, starts};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const WAYS: [&str; 3] = ["-uts", "-pid", "-pid -as-pid1"];

fn each(check: impl Fn(Start, &str)) {
    for start in starts() {
        for way in WAYS {
            check(start, way);
        }
    }
}

/// Whether this user may raise limits. Root of this machine need not: with root of another, see `vm`.
fn has_sys_resource(start: Start) -> bool {
    const CAP_SYS_RESOURCE: u64 = 1 << 24;
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:\t")).unwrap();
    start.user.is_root() && u64::from_str_radix(effective, 16).unwrap() & CAP_SYS_RESOURCE != 0
}

// Time

#[test]
fn a_container_that_runs_too_long_ends_with_status_124() {
    for start in starts() {
        for way in ["-uts", "-pid"] {
            let name = marker();
            let begin = Instant::now();
            // A shell that waits, and what it waits for, which would hold the output open.
            let script = format!("echo begun; sleep 1000; : {name}");
            Case::new(start)
                .words(way)
                .arg("-timeout=300ms")
                .script(&script)
                .run()
                .status(124)
                .stdout("begun\n")
                .stderr("");
            let took = begin.elapsed();
            assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(5), "{took:?}");
            await_end_of(&name);
        }
    }
}

#[test]
fn a_container_that_ends_in_time_keeps_its_status() {
    each(|start, way| {
        Case::new(start).words(way).arg("-timeout=1h").script("exit 37").run().status(37).stderr("");
        Case::new(start).words(way).arg("-timeout").arg("60").script("echo out").run().prints("out\n");
    });
}

#[test]
fn a_command_may_clean_up_when_its_time_is_over_and_the_status_is_still_124() {
    each(|start, way| {
        let script = "trap 'echo bye; exit 3' TERM; while :; do :; done";
        Case::new(start).words(way).arg("-timeout=0.3s").script(script).run().status(124).stdout("bye\n").stderr("");
    });
}

#[test]
fn what_does_not_listen_is_killed_five_seconds_later() {
    let running: Vec<_> = starts()
        .into_iter()
        .flat_map(|start| WAYS.map(|way| (start, way)))
        .map(|(start, way)| {
            let name = marker();
            let script = format!("trap '' TERM; echo ready; (setsid sleep 1000; : {name}) & while :; do sleep 1; done");
            // Without PID 1 only the command's group is killed.
            let script = if way == "-uts" { script.replace("setsid ", "") } else { script };
            (Instant::now(), name, Case::new(start).words(way).arg("-timeout=200ms").script(&script).spawn())
        })
        .collect();
    for (begin, name, running) in running {
        running.finish().status(124).stdout("ready\n").stderr("");
        assert!(begin.elapsed() >= Duration::from_millis(5200), "{:?}", begin.elapsed());
        await_end_of(&name);
    }
}

/// What the command has left behind when it ends by the first signal, without a PID 1 to take it along.
#[test]
fn what_is_left_of_the_commands_group_is_killed() {
    for start in starts() {
        let name = marker();
        let script = format!("(trap '' TERM; echo ready; while :; do sleep 1; : {name}; done) & sleep 1000");
        let run = Case::new(start).words("-uts -timeout=300ms").script(&script).run();
        run.status(124).stdout("ready\n").stderr("");
        await_end_of(&name);
    }
}

#[test]
fn a_pid_1_without_a_handler_never_hears_of_it_and_is_killed() {
    for start in starts().into_iter().take(1) {
        let begin = Instant::now();
        Case::new(start).words("-pid -as-pid1 -timeout=100ms").command("sleep 1000").run().status(124).stderr("");
        assert!(begin.elapsed() >= Duration::from_millis(5100));
    }
}

#[test]
fn a_stopped_command_is_woken_to_die() {
    for start in starts() {
        for way in ["-uts", "-pid"] {
            let begin = Instant::now();
            Case::new(start).words(way).arg("-timeout=300ms").script("kill -STOP $$").run().status(124).stderr("");
            assert!(begin.elapsed() < Duration::from_secs(5));
        }
    }
}

#[test]
fn a_time_limit_leaves_a_failed_start_its_own_status() {
    for start in starts() {
        let run = Case::new(start).words("-pid -timeout=1h").command("nowhere").run();
        run.refuses(127, "gontainer: run the command: execve(nowhere): no such file or directory (ENOENT)");
    }
}

// Resources of a process

#[test]
fn resource_limits_are_the_commands_alone() {
    each(|start, way| {
        let flags = "-rlimit=nofile=64:128 -rlimit core=0 -rlimit=fsize=1m -rlimit=stack=2m:unlimited -rlimit=cpu=7:9";
        let script = "for limit in n c f s t; do ulimit -S$limit; ulimit -H$limit; done";
        let run = Case::new(start).words(way).words(flags).args(["--", "bash", "-c", script]).run();
        run.prints("64\n128\n0\n0\n1024\n1024\n2048\nunlimited\n7\n9\n");
    });
    for start in starts().into_iter().filter(|start| !start.user.is_root()) {
        // Far too little for gontainer as PID 1 to go on with, if it had them.
        let script = "ulimit -n; grep -E '^Max (open|cpu)' /proc/1/limits | sed 's/  */ /g'";
        let before = Case::direct(start.user).args(["sh", "-c", &script.replace("/1/", "/self/")]).run().text();
        let flags = "-pid -rlimit=nofile=9 -rlimit=cpu=1";
        let run = Case::new(start).words(flags).script(script).run();
        let own = before.split_once('\n').unwrap().1;
        run.prints(format!("9\n{own}"));
    }
}

#[test]
fn the_last_of_two_limits_on_the_same_resource_holds() {
    each(|start, way| {
        // The first of them nobody could have.
        for (first, last) in [(64, 32), (32, 64), (1_u64 << 40, 64)] {
            let limits = [first, last].map(|most| format!("-rlimit=nofile={most}"));
            let case = Case::new(start).words(way).args(limits);
            case.script("ulimit -Sn; ulimit -Hn").run().prints(format!("{last}\n{last}\n"));
        }
    });
}

#[test]
fn a_limit_is_a_limit() {
    for start in starts() {
        // SIGXCPU after a second of work, SIGKILL after two.
        let run = Case::new(start).words("-pid -rlimit=cpu=1:2").script("while :; do :; done").run();
        run.status(128 + libc::SIGXCPU).stderr("");
    }
}

#[test]
fn root_of_the_host_raises_a_hard_limit_in_a_user_namespace_too() {
    for start in starts() {
        let flags = "-pid -rlimit=nofile=200:300";
        let run = Case::new(start).words(flags).open_files(100).script("ulimit -n; ulimit -Hn").run();
        if has_sys_resource(start) {
            run.prints("200\n300\n");
        } else {
            let line = "gontainer: raise resource limits: prlimit64(nofile=200:300): operation not permitted (EPERM)";
            run.refuses(125, line).hints("CAP_SYS_RESOURCE");
        }
    }
}

// Niceness, and who is killed first

#[test]
fn the_container_has_its_niceness_and_gontainer_keeps_its_own() {
    let Some(_) = need_program("nice") else { return };
    each(|start, way| {
        // The tests may be run niced themselves.
        let own: i32 = Case::direct(start.user).arg("nice").run().text().trim_end().parse().unwrap();
        let more = (own + 7).min(19);
        let case = || Case::new(start).words(way).arg(format!("-nice={more}")).command("nice");
        case().run().prints(format!("{more}\n"));
        case().nice(3).run().prints(format!("{more}\n"));
        Case::new(start).words(way).arg("-nice=19").command("nice").run().prints("19\n");
        let run = Case::new(start).words(way).args(["-nice", "-5"]).command("nice").run();
        if start.user.is_root() {
            run.prints("-5\n");
        } else {
            run.refuses(125, "gontainer: set its niceness: setpriority: permission denied (EACCES)")
                .hints("CAP_SYS_NICE");
        }
    });
}

#[test]
fn all_of_the_container_is_killed_sooner_or_later_than_others() {
    each(|start, way| {
        let script = "cat /proc/self/oom_score_adj /proc/$$/oom_score_adj";
        Case::new(start).words(way).arg("-oom=900").script(script).run().prints("900\n900\n");
        Case::new(start).words(way).arg("-oom=1000").script(script).run().prints("1000\n1000\n");
        let run = Case::new(start).words(way).arg("-oom=-1000").script(script).run();
        if has_sys_resource(start) {
            run.prints("-1000\n-1000\n");
        } else {
            let line = "gontainer: set how soon memory kills it: write(oom_score_adj): permission denied (EACCES)";
            run.refuses(125, line).hints("CAP_SYS_RESOURCE");
        }
    });
}

// Wrong usage

#[test]
fn a_limit_that_is_none_is_refused_before_anything_starts() {
    for (flag, line) in [
        ("-timeout=5x", "-timeout: needs a time, as in 500ms, 5s, 1.5m or 2h"),
        ("-timeout=0", "-timeout: needs a time, as in 500ms, 5s, 1.5m or 2h"),
        ("-timeout=-1s", "-timeout: needs a time, as in 500ms, 5s, 1.5m or 2h"),
        ("-timeout=99999999999999999999s", "-timeout: needs a time, as in 500ms, 5s, 1.5m or 2h"),
        ("-nice=20", "-nice: needs a number from -20 to 19"),
        ("-nice=-21", "-nice: needs a number from -20 to 19"),
        ("-oom=1001", "-oom: needs a number from -1000 to 1000"),
        ("-oom=1k", "-oom: needs a number from -1000 to 1000"),
        ("-rlimit=nofile=64:32", "-rlimit: the soft limit must not be above the hard one"),
        ("-rlimit=nofile=many", "-rlimit: needs a number, as in 64 or 16:64, or unlimited"),
        ("-rlimit=as=99999999999g", "-rlimit: needs a size, as in 64m or 16m:64m, or unlimited"),
        ("-rlimit=files=64", "-rlimit: no such limit; prlimit(1) has their names"),
    ] {
        for start in starts() {
            let run = Case::new(start).words("-uts").arg(flag).command("echo ran").run();
            run.refuses(2, &format!("gontainer: {line}"));
        }
    }
}

/// A signal that is there already would be taken at once, time or no time, and so would the next.
#[test]
fn a_flood_of_signals_gains_no_time() {
    for start in starts() {
        let mut running = Case::new(start).words("-uts -timeout=300ms").script("trap : WINCH; sleep 1000").spawn();
        let launcher = running.pid();
        let has_ended = || std::fs::read_to_string(format!("/proc/{launcher}/stat")).unwrap().contains(") Z ");
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        crate::support::kill(launcher, libc::SIGWINCH); // until it is reaped the number is its own
                    }
                });
            }
            let begin = Instant::now();
            while !has_ended() && begin.elapsed() < Duration::from_secs(5) {
                std::thread::yield_now();
            }
            is_over.store(true, Ordering::Relaxed);
            assert!(has_ended(), "{start:?}");
        });
        assert_eq!(running.end().code(), Some(124));
    }
}
