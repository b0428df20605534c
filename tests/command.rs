//! The command: how it is found, what it starts with, and what its end gives.

use crate::support::{Case, Filter, Folder, Start, need_program, rootfs, starts, users};

/// The ways a command comes to run: as a child of gontainer, of PID 1, and as PID 1.
const WAYS: [&str; 3] = ["-uts", "-pid", "-pid -as-pid1"];

fn each(check: impl Fn(Start, &str)) {
    for start in starts() {
        for way in WAYS {
            check(start, way);
        }
    }
}

// Its streams and its end

#[test]
fn input_and_output_are_the_commands_own() {
    each(|start, way| {
        let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        let run = Case::new(start).words(way).input(&bytes).command("cat").run();
        run.that("what goes in comes out", run.stdout == bytes).stderr("").status(0);
        let run = Case::new(start).words(way).script("echo out; echo err >&2").run();
        run.stdout("out\n").stderr("err\n").status(0);
    });
}

#[test]
fn the_exit_status_is_the_commands() {
    each(|start, way| {
        for status in [0, 1, 2, 37, 124, 125, 126, 127, 128, 201, 255] {
            let run = Case::new(start).words(way).script(&format!("exit {status}")).run();
            run.status(status).stdout("").stderr("");
        }
    });
}

#[test]
fn a_signal_that_kills_the_command_gives_128_and_its_number() {
    each(|start, way| {
        // PID 1 itself cannot be killed from inside, but for its child to do it from there.
        if way == "-pid -as-pid1" {
            return;
        }
        for signal in ["HUP", "INT", "KILL", "USR1", "SEGV", "PIPE", "ALRM", "TERM", "RTMIN"] {
            let number = match signal {
                "HUP" => libc::SIGHUP,
                "INT" => libc::SIGINT,
                "KILL" => libc::SIGKILL,
                "USR1" => libc::SIGUSR1,
                "SEGV" => libc::SIGSEGV,
                "PIPE" => libc::SIGPIPE,
                "ALRM" => libc::SIGALRM,
                "TERM" => libc::SIGTERM,
                _ => 34,
            };
            let run = Case::new(start).words(way).script(&format!("ulimit -c 0; kill -{number} $$")).run();
            run.status(128 + number).stdout("").stderr("");
        }
    });
}

// How it is found

#[test]
fn a_command_that_is_not_found_gives_127() {
    each(|start, way| {
        let long = "x".repeat(5000);
        for (name, why) in [
            ("nowhere", "no such file or directory (ENOENT)"),
            ("/nowhere", "no such file or directory (ENOENT)"),
            ("./nowhere", "no such file or directory (ENOENT)"),
            ("/etc/passwd/below", "not a directory (ENOTDIR)"),
            ("", "no such file or directory (ENOENT)"),
        ] {
            let line = format!("gontainer: run the command: execve({name}): {why}");
            Case::new(start).words(way).args(["--", name]).run().refuses(127, &line).no_hints();
        }
        for name in [&long, &format!("/{long}")] {
            let run = Case::new(start).words(way).args(["--", name]).run();
            run.status(127).stdout("");
            // However the name is cut, what comes after it is there.
            run.that(
                "the message ends with the error",
                run.complaint().contains("(E") && run.complaint().ends_with('\n'),
            );
        }
    });
}

#[test]
fn a_command_that_the_rootfs_lacks_gives_127_and_a_hint() {
    for start in starts() {
        let root = rootfs(start.user);
        let line = "gontainer: run the command: execve(bash): no such file or directory (ENOENT)";
        for way in WAYS {
            Case::new(start).words(way).root(&root).command("bash").run().refuses(127, line).hints("inside the rootfs");
        }
        root.remove("bin/sh");
        let line = "gontainer: run the command: execve(/bin/sh): no such file or directory (ENOENT)";
        Case::new(start).root(&root).run().refuses(127, line).hints("inside the rootfs");
    }
}

#[test]
fn a_command_that_cannot_be_executed_gives_126() {
    each(|start, way| {
        let root = rootfs(start.user);
        root.file("plain", 0o644, "#!/bin/sh\n").file("words", 0o755, "no program\n").file("empty", 0o755, "");
        root.link("loop", "loop").file("bin/plain", 0o644, "");
        for (name, why) in [
            ("/plain", "permission denied (EACCES)"),
            ("/tmp", "permission denied (EACCES)"),
            ("/words", "neither a program for this machine nor a script with #! (ENOEXEC)"),
            ("/empty", "neither a program for this machine nor a script with #! (ENOEXEC)"),
            ("/loop", "too many levels of symbolic links (ELOOP)"),
            ("plain", "permission denied (EACCES)"), // found in PATH
        ] {
            let line = format!("gontainer: run the command: execve({name}): {why}");
            Case::new(start).words(way).root(&root).args(["--", name]).run().refuses(126, &line).no_hints();
        }
    });
}

/// What the caller could hand to gontainer may be more than a lower limit on its stack lets the command have.
#[test]
fn too_much_for_a_command_gives_126() {
    each(|start, way| {
        let case = Case::new(start).words(way).arg("-rlimit=stack=256k");
        let case = ["A", "B", "C"].iter().fold(case, |case, name| case.variable(name, "x".repeat(100 << 10)));
        let run = case.command("/bin/true").run();
        let why = "arguments and environment are too long (E2BIG)";
        run.refuses(126, &format!("gontainer: run the command: execve(/bin/true): {why}")).no_hints();
    });
}

#[test]
fn a_missing_interpreter_gives_126_and_is_named() {
    each(|start, way| {
        let root = rootfs(start.user);
        let script = "#! /usr/bin/no-such-shell -e\necho hello\n";
        root.file("script", 0o755, script).file("bin/found", 0o755, script).link("link", "script");
        for name in ["/script", "./script", "/link", "found"] {
            let line = format!("gontainer: run the command: execve({name}): no such file or directory (ENOENT)");
            let run = Case::new(start).words(way).root(&root).args(["--", name]).run();
            run.refuses(126, &line).hints("interpreter /usr/bin/no-such-shell does not");
        }
    });
}

#[test]
fn a_missing_loader_gives_126_and_is_named() {
    let Some(program) = need_program("dash") else { return };
    let elf = std::fs::read(&program).unwrap();
    // The path that ends in the loader's name, up to its NUL.
    let Some(at) = elf.windows(6).position(|window| window == b"/lib64" || window == b"/lib/l") else {
        return crate::support::skip("dash is linked statically");
    };
    let loader = elf[at..].split(|byte| *byte == 0).next().unwrap();
    let loader = std::str::from_utf8(loader).unwrap();
    for start in starts() {
        let root = rootfs(start.user);
        root.file("bin/dash", 0o755, &elf);
        for name in ["/bin/dash", "dash"] {
            let line = format!("gontainer: run the command: execve({name}): no such file or directory (ENOENT)");
            let run = Case::new(start).root(&root).args(["--", name, "-c", "true"]).run();
            run.refuses(126, &line).hints(&format!("interpreter {loader} does not"));
        }
    }
}

#[test]
fn the_interpreter_that_is_missing_is_the_one_that_is_named() {
    each(|start, way| {
        let root = rootfs(start.user);
        root.file("one", 0o755, "#!/two\n").file("two", 0o755, "#! /three x\n").file("three", 0o755, "#!/bin/none\n");
        root.file("dos", 0o755, "#!/bin/sh\r\necho hello\r\n");
        for (name, missing) in [("/one", "/bin/none"), ("/two", "/bin/none"), ("/dos", "/bin/sh\\x0d")] {
            let line = format!("gontainer: run the command: execve({name}): no such file or directory (ENOENT)");
            let run = Case::new(start).words(way).root(&root).args(["--", name]).run();
            run.refuses(126, &line).hints(&format!("interpreter {missing} does not"));
        }
    });
}

#[test]
fn commands_are_looked_up_in_each_folder_of_path_in_turn() {
    each(|start, way| {
        let folder = Folder::new(start.user);
        folder.dir("first").dir("second").dir("third").file("second/tool", 0o755, "#!/bin/sh\necho second\n");
        folder.file("third/tool", 0o755, "#!/bin/sh\necho third\n").file("tool", 0o755, "#!/bin/sh\necho here\n");
        let run = |path: &str| {
            let path = path.replace('@', &folder.join(""));
            Case::new(start).words(way).folder(folder.path()).variable("PATH", path).command("tool").run()
        };
        run("@/first:@/second:@/third").prints("second\n");
        run("/nowhere:@/tool:@/third").prints("third\n");
        run("first:third").prints("third\n");
        // An empty word is the working directory.
        run(":@/second").prints("here\n");
        run("@/first:").prints("here\n");
        run("").prints("here\n");
        folder.file("first/tool", 0o644, "");
        run("@/first:@/second").prints("second\n"); // as execvp(3): a file that cannot be executed is passed over
        let line = "gontainer: run the command: execve(tool): permission denied (EACCES)";
        run("@/first").refuses(126, line);
        run("@/first:/nowhere").refuses(126, line);
    });
}

#[test]
fn without_a_path_the_usual_folders_are_searched() {
    each(|start, way| {
        Case::new(start).words(way).no_environment().command("echo found").run().prints("found\n");
        let trace = Case::new(start).words(way).arg("-trace").no_environment().command("echo").run().complaint();
        assert!(trace.contains("execve(\"/usr/local/sbin/echo\")"), "{trace}");
    });
}

#[test]
fn in_a_rootfs_commands_are_looked_up_there() {
    each(|start, way| {
        let root = rootfs(start.user);
        root.dir("usr").dir("usr/local").dir("usr/local/bin");
        root.file("usr/local/bin/tool", 0o755, "#!/bin/sh\necho inside\n");
        // Not by the caller's PATH, which means nothing there.
        let case = Case::new(start).words(way).root(&root).variable("PATH", "/nowhere");
        case.command("tool").run().prints("inside\n");
        Case::new(start).words(way).root(&root).command("../bin/../bin/echo relative").run().prints("relative\n");
    });
}

#[test]
fn links_are_followed_inside_the_rootfs() {
    for start in starts() {
        let root = rootfs(start.user);
        root.dir("absolute").link("absolute/echo", "/bin/echo").dir("up").link("up/echo", "../../../../../bin/echo");
        Case::new(start).root(&root).command("/absolute/echo in").run().prints("in\n");
        Case::new(start).root(&root).command("/up/echo in").run().prints("in\n");
    }
}

// Its environment

#[test]
fn on_the_hosts_tree_the_environment_is_the_callers() {
    each(|start, way| {
        let case = || Case::new(start).words(way).variable("PATH", "/usr/bin:/bin");
        case()
            .variable("SECRET", "a b=c\n")
            .variable("EMPTY", "")
            .command("env -0")
            .run()
            .prints("EMPTY=\0PATH=/usr/bin:/bin\0SECRET=a b=c\n\0container=gontainer\0");
        case().variable("container", "docker").command("env").run().prints("PATH=/usr/bin:/bin\ncontainer=gontainer\n");
        case().no_environment().command("env").run().prints("container=gontainer\n");
    });
}

/// What the environment in a rootfs begins with.
const OWN: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nHOME=/root\nUSER=root\n";

#[test]
fn in_a_rootfs_the_environment_is_clean() {
    each(|start, way| {
        let root = rootfs(start.user);
        let case = || Case::new(start).words(way).root(&root).command("env");
        let bare = format!("{OWN}container=gontainer\n");
        case().no_environment().run().prints(&bare);
        let odd =
            ["SECRET", "HOME", "USER", "SHELL", "LD_LIBRARY_PATH", "PS1", "ENV", "container", "TERMCAP", "LANGUAGE"];
        let full = odd.iter().fold(case(), |case, name| case.variable(name, "host"));
        full.run().prints(&bare);
        let handed_on =
            case().variable("TERM", "xterm").variable("LANG", "C.UTF-8").variable("LC_ALL", "").run().text();
        let mut lines: Vec<&str> = handed_on.lines().collect();
        lines.sort_unstable();
        let mut wanted: Vec<&str> = bare.lines().chain(["TERM=xterm", "LANG=C.UTF-8", "LC_ALL="]).collect();
        wanted.sort_unstable();
        assert_eq!(lines, wanted);
    });
}

#[test]
fn variables_are_set_and_handed_on_by_name() {
    each(|start, way| {
        let case = || Case::new(start).words(way).no_environment().variable("HERE", "host").variable("SECRET", "host");
        let run =
            case().words("-env=A=1 -env B= -env=HERE -env=NOWHERE -env=SECRET=mine -env=A=2").command("env").run();
        run.prints("HERE=host\nSECRET=mine\ncontainer=gontainer\nA=2\nB=\n");
        let root = rootfs(start.user);
        let run = case().root(&root).words("-env HERE -env=HOME=/tmp -env=NOWHERE").command("env").run();
        run.prints(format!("{}container=gontainer\nHERE=host\n", OWN.replace("/root", "/tmp")));
        let run = case().root(&root).words("-env=HERE=mine -env=all -env=A=1").command("env").run();
        run.prints("HERE=mine\nSECRET=host\ncontainer=gontainer\nA=1\n");
    });
    for start in starts() {
        for wrong in ["-env=", "-env==x"] {
            Case::new(start).words("-uts").arg(wrong).command("true").run().refuses(2, "gontainer: -env: needs a name");
        }
    }
}

#[test]
fn an_environment_of_any_size_is_handed_on() {
    each(|start, way| {
        let case = (0..5000).fold(Case::new(start).words(way), |case, number| {
            case.arg("-ipc").variable(&format!("VARIABLE_{number:04}"), "a value of some length")
        });
        let shown = case.command("env").run().text();
        assert_eq!(shown.lines().filter(|line| line.starts_with("VARIABLE_")).count(), 5000);
    });
}

// Its state: as if the caller had started it

/// What a process inherits, as it sees it itself.
const STATE: &str = "grep -E '^(Umask|SigBlk|SigIgn|Cpus_allowed):' /proc/self/status; cat /proc/self/limits; \
                     cat /proc/self/oom_score_adj; nice; umask";

#[test]
fn mask_limits_priority_and_umask_are_the_callers() {
    each(|start, way| {
        let odd = |case: Case| case.umask(0o137).nice(3).open_files(77).folder("/");
        let direct = odd(Case::direct(start.user)).args(["sh", "-c", STATE]).run().text();
        assert!(direct.contains("Umask:\t0137") && direct.contains("Max open files            77"), "{direct}");
        odd(Case::new(start).words(way)).script(STATE).run().prints(direct);
    });
}

#[test]
fn blocked_and_ignored_signals_are_the_callers() {
    const SIGNALS: &str = "-E ^Sig(Blk|Ign|Pnd): /proc/self/status";
    const ALL: [i32; 9] = [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGPIPE,
        libc::SIGCHLD,
        libc::SIGTSTP,
        libc::SIGTERM,
        libc::SIGWINCH,
        64,
    ];
    each(|start, way| {
        let odd: [fn(Case) -> Case; 4] = [
            |case| case,
            |case| case.ignoring(&ALL),
            |case| case.blocking(&ALL),
            |case| case.ignoring(&[libc::SIGHUP, libc::SIGCHLD]).blocking(&[libc::SIGUSR1, 34, 64]),
        ];
        for odd in odd {
            // grep itself, as a shell between might change something.
            let direct = odd(Case::direct(start.user)).words("grep").words(SIGNALS).run().text();
            odd(Case::new(start).words(way)).command("grep").words(SIGNALS).run().prints(direct);
        }
    });
}

#[test]
fn a_caller_that_ignores_its_children_still_gets_the_status() {
    each(|start, way| {
        let case = || Case::new(start).words(way).ignoring(&[libc::SIGCHLD]);
        case().script("exit 37").run().status(37).stderr("");
        case().command("nowhere").run().status(127);
    });
}

#[test]
fn nohup_works() {
    let Some(_) = need_program("nohup") else { return };
    for start in starts() {
        let gontainer = crate::support::gontainer();
        let case = Case::direct(start.user).arg("nohup").arg(gontainer).arg("-run").args(start.flags);
        case.words("-pid").script("kill -HUP $$; echo alive").run().stdout("alive\n").status(0);
    }
}

#[test]
fn no_descriptor_above_2_leaks_in() {
    each(|start, way| {
        let run = |case: Case| {
            case.words(way).leaking(3..40).leaking(700..702).command("ls /proc/self/fd").run().prints("0\n1\n2\n3\n");
        };
        run(Case::new(start)); // 3 is ls's own, on that folder
        let root = rootfs(start.user);
        if way != "-uts" {
            run(Case::new(start).root(&root));
        }
        // A limit that was lowered since says nothing of what is open above it.
        for call in [libc::SYS_clone3, libc::SYS_close_range] {
            let case = Case::new(start).words(way).leaking(3..12).leaking(1000..1002).open_files(16);
            let run = case.refusing(Filter::new(call, libc::ENOSYS)).command("ls /proc/self/fd").run();
            run.prints("0\n1\n2\n3\n");
        }
    });
}

#[test]
fn closed_standard_descriptors_stay_closed() {
    const COUNT: &str = "n=40; for fd in 0 1 2; do [ -e /proc/self/fd/$fd ] || n=$((n + (1 << fd))); done; exit $n";
    each(|start, way| {
        for closed in 0..8 {
            let case = (0..3).filter(|fd| closed & 1 << fd != 0).fold(Case::new(start).words(way), Case::closed);
            case.script(COUNT).run().status(40 + closed).stdout("").stderr("");
        }
    });
}

#[test]
fn a_message_never_lands_in_a_file_of_the_containers() {
    each(|start, way| {
        let case = |fd| Case::new(start).words(way).closed(fd).command("nowhere").run();
        case(2).status(127).stdout("");
        case(0).status(127).stdout("");
        let line = "gontainer: run the command: execve(nowhere): no such file or directory (ENOENT)\n";
        case(1).status(127).stderr(line);
    });
}

#[test]
fn stderr_that_takes_nothing_more_stops_nobody() {
    let gontainer = crate::support::gontainer().display();
    for start in starts() {
        let flags = start.flags.join(" ");
        // Full, and not waiting for room; then without any reader.
        let full = format!(
            "open F, '+<', '/dev/null'; pipe R, W; use Fcntl; fcntl W, F_SETFL, O_NONBLOCK; 1 while syswrite W, 'x' x 4096;
             open STDERR, '>&', W; exit(system(qw({gontainer} -run {flags} -pid -- nowhere)) >> 8)"
        );
        let unread = format!(
            "pipe R, W; close R; open STDERR, '>&', W; exit(system(qw({gontainer} -run {flags} -pid -- nowhere)) >> 8)"
        );
        for script in [full, unread] {
            let Some(_) = need_program("perl") else { return };
            Case::direct(start.user).args(["perl", "-e", &script]).run().status(127).stdout("").stderr("");
        }
    }
}

#[test]
fn a_start_needs_no_free_descriptor_but_the_pipes() {
    each(|start, way| {
        Case::new(start).words(way).open_files(8).command("echo enough").run().prints("enough\n");
    });
}

#[test]
fn a_working_directory_that_was_removed_is_no_harm() {
    for start in starts() {
        let root = rootfs(start.user);
        let folder = Folder::new(start.user);
        folder.dir("gone");
        let script = format!(
            "cd {gone} && rmdir {gone} && exec {program} -run {flags} -pid -mnt={root} -- pwd",
            gone = folder.join("gone"),
            program = crate::support::gontainer().display(),
            flags = start.flags.join(" "),
            root = root.join(""),
        );
        Case::direct(start.user).args(["sh", "-c", &script]).run().prints("/\n");
    }
}

#[test]
fn a_message_that_nobody_reads_is_no_signal_to_the_command() {
    each(|start, way| {
        // `true` has closed the pipe long before.
        let line = format!(
            "exec 3>&1; {{ sleep 0.3; {} -run {} {way} -trace -- sh -c 'sleep 0.2; echo alive; exit 3' >&3
             echo $? >&3; }} 2>&1 | true",
            crate::support::gontainer().display(),
            start.flags.join(" ")
        );
        Case::direct(start.user).args(["sh", "-c", &line]).run().stdout("alive\n3\n");
    });
}

/// A message that goes beyond the limit raises SIGXFSZ in gontainer.
#[test]
fn a_message_too_long_for_a_file_is_no_signal_to_the_command() {
    each(|start, way| {
        let folder = Folder::new(start.user);
        // The limit counts in 512 bytes. The command may write into a pipe.
        let line = format!(
            "ulimit -f 1; {} -run {} {way} -trace -- sh -c 'sleep 0.2; echo alive; exit 3' 2>trace; echo $?",
            crate::support::gontainer().display(),
            start.flags.join(" ")
        );
        let run = Case::direct(start.user).args(["sh", "-c", &line]).folder(folder.path()).run();
        run.stdout("alive\n3\n");
    });
}

#[test]
fn what_cannot_be_written_is_no_success() {
    // Half of it is not all: a disk that fills up takes so much.
    for flags in ["-h", "-plan -uid -pid", "-bench=2 -uid", "-bench=2 -uid -json"] {
        for user in users() {
            let folder = Folder::new(user);
            let line = format!("ulimit -f 1; trap '' XFSZ; {} {flags} >out", crate::support::gontainer().display());
            let run = Case::direct(user).args(["sh", "-c", &line]).folder(folder.path()).run();
            run.status(1).that("it says so", run.complaint().contains("standard output did not take all of it\n"));
        }
    }
    for flags in ["-h", "-v", "-plan -uid -pid", "-bench=2 -uid", "-bench=2 -uid -json"] {
        for user in crate::support::root_users() {
            let line = format!("{} {flags} >/dev/full", crate::support::gontainer().display());
            let complaint = "gontainer: standard output did not take all of it\n";
            Case::direct(user).args(["sh", "-c", &line]).run().status(1).stderr(complaint);
        }
    }
}
