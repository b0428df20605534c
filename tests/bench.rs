//! `-bench`: what it measures, how it says so, and that it starts what `-run` starts.

use crate::support::{Case, Folder, Start, gontainer, need_program, root_users, rootfs, starts, users};
use std::ffi::CString;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;
use std::{io, ptr};

fn bench(start: Start, flags: &str) -> Case {
    Case::plain(start.user).args(start.flags).words(flags)
}

const EARLY: &str = "gontainer: -bench: ended early: fewer were measured\n";

/// What is deleted in an overlay with a user namespace is there in one without.
#[test]
fn kept_changes_are_not_measured_without_their_user_namespace() {
    for user in root_users() {
        let (root, kept) = (rootfs(user), Folder::new(user));
        let overlay = format!("-overlay={}", kept.join("new"));
        let run = Case::plain(user).words("-bench=4 -uid -pid -uts").root(&root).arg(overlay).run();
        let text = run.text();
        let costs = text.split_once("that each flag adds").map_or("", |(_, costs)| costs);
        run.that("without each other flag", costs.contains("\n-uts ") && !costs.contains("\n-uid "));
    }
}

/// Whoever executed it may have had children.
#[test]
fn a_strangers_end_is_no_starts_end() {
    for user in users() {
        for flags in ["-bench=20 -uid", "-bench=20 -uid -jobs=2"] {
            let line = format!("(exit 3) & sleep 0.01 & exec {} {flags} -json", gontainer().display());
            let run = Case::direct(user).args(["sh", "-c", &line]).run();
            run.status(0).stderr("").that("all of them", run.text().contains("\"exit_codes\""));
        }
    }
}

#[test]
fn a_benchmark_compares_with_the_floor_step_by_step_and_flag_by_flag() {
    for start in starts() {
        let run = bench(start, "-bench=8 -pid -uts").run();
        let text = run.text();
        // Fewer on a machine that is slow just then: they end with their time, too.
        let warm_up = text.split_once(" to warm up\n").and_then(|(before, _)| before.rsplit(' ').next()?.parse().ok());
        run.that("it warms up", warm_up.is_some_and(|count: u32| (1..=8).contains(&count)));
        for said in [
            "a built-in one that does nothing\n8 starts of each, after ",
            "\nstart: until the command is executed ",
            "\nwhole life: until it is reaped ",
            "\nfloor: whole life ",
            "times as long as the floor's",
            "\nthe container\n",
            "\nparent  make the namespaces ",
            "\ncommand run the command ",
            "\n-pid ",
            "\n-uts ",
            "median of 2 pairs",
        ] {
            run.that(said, text.contains(said));
        }
        run.that("no colours, no progress in a file", !text.contains('\x1b'));
    }
}

/// Of one sample, every number of a row is that one.
#[test]
fn one_start_is_enough_for_a_table() {
    for start in starts() {
        let text = bench(start, "-bench=1 -pid").run().text();
        assert!(text.contains("\n1 starts of each, after "), "{text}");
        let row = text.lines().find_map(|line| line.strip_prefix("whole life: until it is reaped ")).unwrap();
        let numbers: Vec<f64> = row.split_whitespace().map(|number| number.parse().unwrap()).collect();
        let [first, ..] = numbers[..] else { panic!("{text}") };
        assert!(numbers.len() == 5 && numbers.iter().all(|number| *number == first) && first > 0.0, "{text}");
        let text = bench(start, "-bench=1 -pid -json").run().text();
        let value = |name: &str| text.split(name).nth(1).unwrap().split([',', '\n']).next().unwrap().to_owned();
        let [mean, least, most] = ["\"mean\": ", "\"min\": ", "\"max\": "].map(value);
        assert!(mean == least && mean == most && value("\"stddev\": ") == "0.000000000", "{text}");
    }
}

#[test]
fn it_measures_whatever_else_is_asked_and_names_every_new_namespace() {
    for start in starts() {
        let run = bench(start, "-bench=1 -time -pid -run").run();
        let user = if start.has_user_namespace() { "user " } else { "" };
        run.status(0).that("all", run.text().contains(&format!("\nnew namespaces: {user}pid mnt time; command: ")));
    }
}

#[test]
fn a_flag_without_which_nothing_starts_is_named() {
    for user in users().into_iter().filter(|user| !user.is_root()) {
        let run = Case::plain(user).words("-bench=3 -uid -pid").run();
        let text = run.text();
        run.that(
            "-uid is needed",
            text.lines().any(|line| line.starts_with("-uid ") && line.contains("nothing starts")),
        );
    }
}

#[test]
fn a_rootfs_and_a_command_are_measured_too() {
    for start in starts() {
        let root = rootfs(start.user);
        let run = bench(start, "-bench=4 -pid").root(&root).command("/bin/true").run();
        let text = run.text();
        run.that("the command", text.contains("; command: /bin/true\n"));
        run.that("the floor", text.contains("\nfloor: whole life "));
        let run = bench(start, "-bench=4 -pid").root(&root).command("/bin/false").run();
        run.that("its status", run.text().contains("\n8 commands ended with another exit status than 0.\n"));
    }
}

#[test]
fn json_has_hyperfines_fields_and_the_steps() {
    for start in starts() {
        let run = bench(start, "-bench=5 -pid -json").run();
        let text = run.text();
        for field in ["command", "mean", "stddev", "median", "user", "system", "min", "max", "times", "exit_codes"] {
            run.that(field, text.matches(&format!("\n      \"{field}\": ")).count() == 2);
        }
        let times = text.split("\"times\": [").nth(1).and_then(|rest| rest.split(']').next()).unwrap();
        let times: Vec<f64> = times.split(", ").map(|time| time.parse().unwrap()).collect();
        run.that("five times, in seconds", times.len() == 5 && times.iter().all(|time| *time > 0.0 && *time < 10.0));
        run.that("codes", text.contains("\"exit_codes\": [0, 0, 0, 0, 0]"));
        run.that(
            "steps",
            text.contains("{\"who\": \"child\", \"step\": \"mount a new /proc\", \"time\": {\"min\": 0."),
        );
        run.that("balanced", text.matches(['{', '[']).count() == text.matches(['}', ']']).count());
    }
}

#[test]
fn another_program_runs_under_the_same_clock() {
    for start in starts() {
        let case = bench(start, "-bench=4 -pid").args(["-vs", "sh -c 'exit  \"0\"'", "--", "true"]);
        let run = case.run();
        let text = run.text();
        run.that(
            "a ratio",
            text.contains("\ngontainer takes ") && text.contains(" times as long (median of the pairs)\n"),
        );
        run.that("whom", text.contains("\nthe other: sh -c exit  \"0\"\n"));
        bench(start, "-bench=4 -pid -vs=/nowhere -- true")
            .run()
            .status(125)
            .stdout("")
            .stderr("gontainer: -vs: cannot measure /nowhere: it does not start, or ends with status 125\n");
        for words in ["-bench -pid -vs='sh", "-bench -pid -vs=\"sh'"] {
            bench(start, words).run().refuses(2, "gontainer: -vs: no word, or an open quote");
        }
        let run = bench(start, "-bench -pid").arg("-vs= \t").run();
        run.refuses(2, "gontainer: -vs: no word, or an open quote");
        bench(start, "-bench -pid -vs=").run().refuses(2, "gontainer: -vs: must not be empty");
        bench(start, "-bench -pid -vs=true -jobs=2").run().refuses(2, "gontainer: -vs: not with -jobs");
    }
}

/// Executed by a descriptor that is closed then: /dev/fd/N, which the kernel says we were executed by, is nothing. Or
/// by a name without a slash, which would be looked up along PATH.
#[test]
#[allow(unsafe_code, reason = "only fexecve(3) and execve(2) do that")]
fn a_file_without_a_name_measures_itself_all_the_same() {
    for has_name in [false, true] {
        let file = File::open(gontainer()).unwrap();
        let words =
            ["gontainer", "-bench=2", "-uts", "-uid", "-vs=true", "--", "true"].map(|word| CString::new(word).unwrap());
        let mut command = Command::new("/bin/false");
        let execute = move || {
            let mut pointers: Vec<_> = words.iter().map(|word| word.as_ptr()).collect();
            pointers.push(ptr::null());
            let environment = [c"PATH=/usr/bin:/bin".as_ptr(), ptr::null()];
            if has_name {
                // SAFETY: a C string and arrays of them, with NULL at their ends; it comes back only to say why not.
                unsafe { libc::execve(c"gontainer".as_ptr(), pointers.as_ptr(), environment.as_ptr()) };
            } else {
                // SAFETY: as above.
                unsafe { libc::fexecve(file.as_raw_fd(), pointers.as_ptr(), environment.as_ptr()) };
            }
            Err(io::Error::last_os_error())
        };
        // SAFETY: between fork and exec it only allocates, which glibc allows there.
        let command = unsafe { command.current_dir(gontainer().parent().unwrap()).pre_exec(execute) };
        let out = command.output().unwrap();
        let [text, errors] = [out.stdout, out.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(out.status.success() && text.contains("gontainer takes "), "{text}{errors}");
    }
}

#[test]
fn several_at_a_time_are_counted_by_the_second() {
    for start in starts() {
        let run = bench(start, "-bench=12 -pid -jobs=4").run();
        let text = run.text();
        run.that("a rate", text.contains("\nthe container: ") && text.contains(" a second, 4 at a time\n"));
    }
}

#[test]
fn what_does_not_start_says_why_and_is_not_measured() {
    for start in starts() {
        let line = "gontainer: enter the rootfs: chdir(/nowhere): no such file or directory (ENOENT)";
        bench(start, "-bench=5 -pid -mnt=/nowhere").run().refuses(125, line);
        for words in ["-json -run -uts", "-jobs=2 -run -uts", "-vs=true -run -uts"] {
            bench(start, words).run().refuses(2, "gontainer: -json, -jobs and -vs: need -bench");
        }
        for words in ["-bench=0 -uts", "-bench=x -uts", "-bench=1000001 -uts"] {
            bench(start, words).run().refuses(2, "gontainer: -bench: must be a number from 1 to 1000000");
        }
    }
}

#[test]
fn what_begins_to_fail_ends_it_and_is_no_success() {
    for start in starts() {
        for words in ["", "-json"] {
            // Enough for a start, and not for the pipe by which one is noticed.
            let enough = if start.has_user_namespace() { 8 } else { 6 };
            let case = bench(start, "-bench=5 -pid").words(words).open_files(enough);
            case.run().status(125).stdout("").stderr(EARLY);
        }
    }
}

#[test]
fn a_signal_before_anything_is_measured_leaves_nothing_to_print() {
    for start in starts() {
        for words in ["", "-json"] {
            let folder = Folder::new(start.user);
            let case = bench(start, "-bench=5 -pid").words(words);
            let script = format!("echo >>{}; sleep 1", folder.join("begun"));
            let running = case.script(&script).spawn();
            while !folder.exists("begun") {
                std::thread::yield_now();
            }
            running.signal(libc::SIGTERM);
            let run = running.finish();
            run.stdout("").stderr(EARLY).that("as it was asked", run.killed_by() == Some(libc::SIGTERM));
        }
    }
}

/// As under nohup(1).
#[test]
fn a_signal_that_the_caller_ignores_ends_nothing() {
    for start in starts() {
        let folder = Folder::new(start.user);
        let script = format!("echo >>{}", folder.join("begun"));
        let running = bench(start, "-bench=20 -pid").ignoring(&[libc::SIGHUP]).script(&script).spawn();
        while !folder.exists("begun") {
            std::thread::yield_now();
        }
        running.signal(libc::SIGHUP);
        running.finish().status(0).stderr("");
    }
}

/// Ignored, a child's end is nobody's to wait for.
#[test]
fn a_caller_that_ignores_its_childrens_ends_is_measured_too() {
    for start in starts() {
        bench(start, "-bench=3 -pid").ignoring(&[libc::SIGCHLD]).run().status(0).stderr("");
    }
}

#[test]
fn no_process_to_start_is_said() {
    let Some(prlimit) = need_program("prlimit") else { return };
    for user in users().into_iter().filter(|user| !user.is_root()) {
        let case = Case::direct(user).arg(&prlimit).arg("--nproc=0").arg(gontainer());
        let line = "gontainer: -bench: clone: resource temporarily unavailable, or a limit on processes (EAGAIN)";
        case.words("-bench=2 -uid").run().refuses(125, line);
    }
}

/// The floor executes the command with nothing to keep it in, and what each flag adds is seen by leaving it out.
#[test]
fn code_that_is_not_trusted_is_started_in_no_other_way() {
    for start in starts() {
        let (root, out) = (rootfs(start.user), Folder::new(start.user));
        let script = "touch /made 2>/dev/null; grep CapEff /proc/self/status >>/out/log";
        root.dir("out");
        let bind = format!("-bind={}:/out", out.join(""));
        let run = bench(start, "-bench=2 -strict").root(&root).arg(bind).args(["--", "sh", "-c", script]).run();
        let text = run.text();
        run.status(0).that("no floor", text.contains("\nNo floor: ") && !text.contains("\nfloor: "));
        run.that("nor a flag left out", !text.contains("that each flag adds") && !root.exists("made"));
        let log = std::fs::read_to_string(out.join("log")).unwrap();
        run.that("always so", log.lines().all(|line| line == "CapEff:\t0000000000000000"));
        // The built-in command does nothing.
        let text = bench(start, "-bench=2 -strict -hostname=x").run().text();
        assert!(text.contains("\nfloor: ") && text.contains("that each flag adds"), "{text}");
    }
}

#[test]
fn what_is_to_stay_as_it_is_stays_so_while_a_command_is_measured() {
    for start in starts() {
        let (root, host) = (rootfs(start.user), Folder::new(start.user));
        // A place that the host has too.
        let place = host.join("made");
        let script = format!("mkdir -p {}; echo x >>{place}", host.join(""));
        for flags in ["-bench=2 -pid -overlay", "-bench=2 -pid"] {
            bench(start, flags).root(&root).args(["--", "sh", "-c", &script]).run().status(0);
            assert!(!host.exists("made"), "the host's");
            let is_kept = root.path().join(&place[1..]).exists();
            assert!(is_kept != flags.contains("overlay"), "{flags}");
        }
    }
}

/// However long the words are, and whatever they take in JSON.
#[test]
fn what_is_exported_is_whole() {
    for start in starts() {
        let [long, strange] = ["A".repeat(250), "\u{1}".repeat(256)];
        let case = bench(start, "-bench=2 -pid -json");
        let text = case.args(["--", "true", &long, &long[..100], &strange, "x"]).run().text();
        let strings = text.replace("\\\\", "").replace("\\\"", "");
        assert!(strings.matches('"').count().is_multiple_of(2) && text.contains("\\u0001 x\",\n"), "{text}");
    }
}

#[test]
fn a_signal_ends_it_with_what_has_been_measured() {
    for start in starts() {
        // Any number of starts will do, but none: on a busy machine it takes longer to come to the first.
        for milliseconds in [700, 3000, 20_000] {
            let running = bench(start, "-bench=1000000 -pid").spawn();
            std::thread::sleep(Duration::from_millis(milliseconds));
            running.signal(libc::SIGINT);
            let run = running.finish();
            run.stderr(EARLY).that("as it was asked", run.killed_by() == Some(libc::SIGINT));
            let text = String::from_utf8_lossy(&run.stdout);
            if text.contains("\nwhole life: until it is reaped ") {
                break;
            }
            run.that("a table", milliseconds < 20_000);
        }
    }
}

#[test]
fn under_its_secret_name_it_does_nothing() {
    for user in users() {
        Case::plain(user).named(":nothing").run().prints("");
    }
}
