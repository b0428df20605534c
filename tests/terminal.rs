//! On a real terminal: banner, prompt, keys, job control, size.

use crate::support::{
    Case, LISTENER, Running, Start, User, find_program, gontainer, need_program, rootfs, starts, users,
};

/// With and without a PID 1 of ours between.
const WAYS: [&str; 3] = ["-uts", "-pid", "-pid -as-pid1"];

fn each(check: impl Fn(Start, &str)) {
    for start in starts() {
        for way in WAYS {
            check(start, way);
        }
    }
}

// Banner and prompt

#[test]
fn an_interactive_shell_is_greeted_on_stderr_with_what_is_isolated() {
    let enabled = |on: bool| if on { "enabled" } else { "disabled" };
    for start in starts() {
        let root = rootfs(start.user);
        let dir = root.join("");
        for (flags, mnt, uts, ipc, net, pid) in [
            ("-uts".to_owned(), "", true, false, false, false),
            ("-hostname=box -ipc -net -pid".to_owned(), "", true, true, true, true),
            (format!("-mnt={dir}"), &*dir, false, false, false, false),
        ] {
            let mut running = Case::new(start).words(&flags).on_terminal().piped(2).spawn();
            running.types("exit 37\n");
            let [uts, ipc, net, pid, uid] = [uts, ipc, net, pid, start.has_user_namespace()].map(enabled);
            let banner = format!(
                "[Gontainer config]\n• mnt:  \"{mnt}\"\n• uts:  {uts}\n• ipc:  {ipc}\n• net:  {net}\n• pid:  {pid}\n\
                 • uid:  {uid}\n\n"
            );
            running.end();
            let outcome = running.finish();
            let complaint = outcome.complaint();
            outcome.that("the banner comes first", complaint.starts_with(&banner)).status(37);
            outcome.that("and not on stdout", !outcome.screen.contains("Gontainer"));
        }
    }
}

#[test]
fn there_is_no_banner_with_quiet_with_a_command_or_without_a_terminal() {
    for start in starts() {
        Case::new(start)
            .words("-uts")
            .input("echo from stdin; exit 37\n")
            .run()
            .stdout("from stdin\n")
            .stderr("")
            .status(37);
        let run = Case::new(start).words("-uts").command("echo hello").on_terminal().run();
        run.status(0).that("only the command's", run.screen == "hello\r\n");
        let running = Case::new(start).words("-uts -quiet").on_terminal().spawn();
        running.types("exit 37\n");
        let outcome = running.finish();
        outcome.status(37).that("no banner", !outcome.screen.contains("Gontainer") && outcome.screen.contains("📦"));
    }
}

#[test]
fn only_an_interactive_shell_gets_a_prompt_in_its_environment() {
    each(|start, way| {
        let own = "container=gontainer\n";
        Case::new(start).words(way).no_environment().command("env").run().prints(own);
        let run = Case::new(start).words(way).no_environment().command("env").on_terminal().run();
        assert_eq!(run.screen, own.replace('\n', "\r\n"));
        let run = Case::new(start).words(way).input("env\n").run();
        run.that("no prompt", !run.stdout.is_empty() && !String::from_utf8_lossy(&run.stdout).contains("PS1"));
    });
}

#[test]
fn the_prompt_names_the_host_and_follows_the_working_directory() {
    for start in starts() {
        for shell in ["busybox", "dash", "bash"] {
            let root = rootfs(start.user);
            if shell != "busybox" {
                let Some(_) = need_program(shell) else { continue };
                let program = find_program(shell).unwrap();
                root.program(&program).remove("bin/sh").link("bin/sh", program.to_str().unwrap());
            }
            let case = Case::new(start).root(&root).words("-pid -hostname=box").variable("TERM", "dumb");
            let mut running = case.on_terminal().spawn();
            running.expect("📦 [root@box] ~/ ‣ ");
            running.types("cd /root; echo o''ne\n");
            running.expect("one\r\n");
            running.expect("📦 [root@box] ~/root ‣ ");
            running.types("cd ../tmp\n");
            running.expect("📦 [root@box] ~/tmp ‣ ");
            running.types("exit 38\n");
            let outcome = running.finish();
            outcome.status(38).that("job control works", !outcome.screen.contains("job control"));
            outcome.that("the terminal is found", !outcome.screen.contains("access tty"));
        }
    }
}

#[test]
fn on_the_hosts_tree_the_prompt_shows_the_callers_folder_and_host() {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    for start in starts() {
        let mut running = Case::new(start).words("-pid").folder("/usr").on_terminal().spawn();
        running.expect(&format!("📦 [root@{}] ~/usr ‣ ", host.trim()));
        running.types("exit 38\n");
        running.finish().status(38);
    }
}

#[test]
fn a_host_name_in_the_prompt_is_never_evaluated() {
    for start in starts() {
        let root = rootfs(start.user);
        let case = Case::new(start).root(&root).words("-pid").arg("-hostname=$(id)`id`\\u\\w!").on_terminal();
        let mut running = case.spawn();
        running.expect("📦 [root@??id??id??u?w?] ~/ ‣ ");
        running.types("exit 38\n");
        running.finish().status(38);
    }
}

// Keys

#[test]
fn ctrl_c_ends_the_command() {
    each(|start, way| {
        if way == "-pid -as-pid1" {
            return; // PID 1 takes only what it has a handler for
        }
        let mut running = Case::new(start).words(way).script("echo ready; exec sleep 1000").on_terminal().spawn();
        running.expect("ready\r\n");
        running.types("\x03");
        let outcome = running.finish();
        outcome.that("gontainer ends as the command did", outcome.killed_by() == Some(libc::SIGINT));
    });
}

#[test]
fn a_key_comes_once_whoever_has_the_foreground() {
    let Some(_) = need_program("perl") else { return };
    each(|start, way| {
        for piped in [None, Some(0)] {
            // Without the terminal as its input the command does not get the foreground, and so no key.
            let case = Case::new(start).words(way).args(["--", "perl", "-e", LISTENER]).on_terminal();
            let mut running = piped.into_iter().fold(case, Case::piped).spawn();
            running.expect("ready\r\n");
            for _ in 0..3 {
                running.types("\x03");
                running.expect("INT\r\n");
                running.types("\x1c");
                running.expect("QUIT\r\n");
            }
            running.signal(libc::SIGTERM);
            let outcome = running.finish();
            let count = |word| outcome.screen.matches(word).count();
            outcome.status(40).that("each came once", count("INT\r\n") == 3 && count("QUIT\r\n") == 3);
        }
    });
}

#[test]
fn keys_work_where_only_input_is_the_terminal() {
    each(|start, way| {
        if way == "-pid -as-pid1" {
            return;
        }
        // gontainer keeps the foreground, and hands the key on.
        let case = Case::new(start).words(way).script("echo ready >&2; exec sleep 1000");
        let mut running = case.on_terminal().piped(1).spawn();
        running.expect("ready\r\n");
        running.types("\x03");
        let outcome = running.finish();
        outcome.that("gontainer ends as the command did", outcome.killed_by() == Some(libc::SIGINT));
    });
}

#[test]
fn the_command_may_read_where_its_output_is_a_pipe() {
    each(|start, way| {
        let mut running = Case::new(start)
            .words(way)
            .script("echo ready >&2; read x; echo \"got $x\"")
            .on_terminal()
            .piped(1)
            .spawn();
        running.expect("ready\r\n");
        running.types("hello\n");
        running.finish().stdout("got hello\n").status(0);
    });
}

#[test]
fn the_command_may_set_its_terminal() {
    each(|start, way| {
        let script = "stty -echo; echo ready; read x; stty echo; echo \"got $x\"; exit 37";
        let mut running = Case::new(start).words(way).script(script).on_terminal().spawn();
        running.expect("ready\r\n");
        running.types("secret\n");
        let outcome = running.finish();
        outcome.status(37).that("no echo", outcome.screen == "ready\r\ngot secret\r\n");
    });
}

#[test]
fn what_is_typed_during_the_start_is_not_lost() {
    each(|start, way| {
        let running = Case::new(start).words(way).script("read x; echo \"got $x\"").on_terminal().spawn();
        running.types("early\n");
        let outcome = running.finish();
        outcome.status(0).that("it was read", outcome.screen.ends_with("got early\r\n"));
    });
}

#[test]
fn the_command_sees_a_new_size() {
    each(|start, way| {
        for piped in [None, Some(1)] {
            let script =
                "trap 'stty size >&2; kill $!; exit 38' WINCH; echo ready >&2; while :; do sleep 1000 & wait $!; done";
            let case = Case::new(start).words(way).script(script).on_terminal();
            let mut running = piped.into_iter().fold(case, Case::piped).spawn();
            running.expect("ready\r\n");
            running.terminal().resize(33, 99);
            running.expect("33 99\r\n");
            assert_eq!(running.end().code(), Some(38));
        }
    });
}

#[test]
fn when_the_terminal_goes_so_does_the_container() {
    for start in starts() {
        for way in ["-uts", "-pid"] {
            let name = crate::support::marker();
            let script = format!("echo ready; sleep 1000; : {name}");
            let mut running = Case::new(start).words(way).script(&script).named(&name).on_terminal().spawn();
            running.expect("ready\r\n");
            running.hang_up();
            running.end();
            crate::support::await_end_of(&name);
        }
    }
}

#[test]
fn ctrl_z_stops_nothing_where_nobody_could_continue_it() {
    each(|start, way| {
        if way == "-pid -as-pid1" {
            return;
        }
        // gontainer leads the session: no shell is there to say fg.
        let mut running =
            Case::new(start).words(way).script("echo ready; read x; echo \"got $x\"; exit 37").on_terminal().spawn();
        running.expect("ready\r\n");
        running.types("\x1a");
        running.expect("^Z");
        running.types("hello\n");
        running.expect("got hello\r\n");
        running.finish().status(37);
    });
}

// A shell outside, with job control

/// An interactive shell on a terminal, which starts gontainer as its job.
struct Outside {
    running: Running,
}

impl Outside {
    const PROMPT: &str = "outside> ";

    fn new(user: User) -> Outside {
        let shell = find_program("dash").or_else(|| find_program("sh")).unwrap();
        let case = Case::direct(user).arg(shell).arg("-i").variable("PS1", Outside::PROMPT);
        let mut running = case.variable("g", gontainer()).on_terminal().spawn();
        running.expect(Outside::PROMPT);
        Outside { running }
    }

    /// Returns what came up to its echo, and that.
    #[track_caller]
    fn say(&mut self, line: &str) -> String {
        self.running.types(&format!("{line}\n"));
        self.running.expect(&format!("{line}\r\n"))
    }

    /// What comes up to the next prompt.
    #[track_caller]
    fn until_prompt(&mut self) -> String {
        self.running.expect(Outside::PROMPT)
    }

    #[track_caller]
    fn expect(&mut self, text: &str) {
        self.running.expect(text);
    }

    #[track_caller]
    fn leave(mut self) {
        self.say("exit 39");
        self.running.finish().status(39);
    }
}

/// gontainer as typed, with its flags.
fn typed(start: Start, way: &str) -> String {
    format!("$g -run {} {way} --", start.flags.join(" "))
}

/// For perl: says `ready`, `on` each time it is continued, and after the third time reads a line, and ends
/// with 37. A key is typed only after that, as a shell's `fg` gives the foreground first and continues then.
const READER: &str = "use POSIX; $| = 1; sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGCONT)); \
                      $SIG{CONT} = sub { print qq(on\\n) }; print qq(ready\\n); \
                      sigsuspend(POSIX::SigSet->new) for 1 .. 3; $_ = <STDIN>; print qq(got $_); exit 37";

/// Runs this command line, which has [`READER`] in it, stops it and lets it go on until it has read, and ends.
fn stops_and_goes_on(start: Start, line: &str) -> Outside {
    let mut outside = Outside::new(start.user);
    outside.say(line);
    outside.expect("ready\r\n");
    for _ in 0..3 {
        outside.running.types("\x1a");
        let seen = outside.until_prompt();
        assert!(seen.contains("Stopped"), "{seen}");
        outside.say("fg");
        outside.expect("on\r\n");
    }
    outside.running.types("hello\n");
    outside.expect("got hello\r\n");
    outside.until_prompt();
    outside
}

#[test]
fn ctrl_z_stops_the_lot_and_fg_goes_on() {
    let Some(_) = need_program("perl") else { return };
    each(|start, way| {
        if way == "-pid -as-pid1" {
            return; // PID 1 does not stop: pid_namespaces(7)
        }
        let mut outside = stops_and_goes_on(start, &format!("{} perl -e '{READER}'", typed(start, way)));
        outside.say("echo status $?");
        outside.expect("status 37\r\n");
        outside.until_prompt();
        outside.leave();
    });
}

#[test]
fn ctrl_z_and_ctrl_c_also_work_one_after_the_other() {
    let Some(_) = need_program("perl") else { return };
    each(|start, way| {
        if way == "-pid -as-pid1" {
            return;
        }
        let mut outside = Outside::new(start.user);
        outside.say(&format!("{} perl -e '{READER}'", typed(start, way)));
        outside.expect("ready\r\n");
        outside.running.types("\x1a");
        assert!(outside.until_prompt().contains("Stopped"));
        outside.say("fg");
        outside.expect("on\r\n");
        outside.running.types("\x03");
        outside.until_prompt();
        outside.say("echo status $?");
        outside.expect("status 130\r\n");
        outside.until_prompt();
        outside.leave();
    });
}

#[test]
fn a_pipeline_with_gontainer_in_it_stops_and_goes_on_as_one() {
    let Some(_) = need_program("perl") else { return };
    each(|start, way| {
        if way != "-pid -as-pid1" {
            stops_and_goes_on(start, &format!("{} perl -e '{READER}' | cat", typed(start, way))).leave();
        }
    });
}

#[test]
fn a_stopped_container_continued_in_the_background_runs_there() {
    each(|start, way| {
        if way == "-pid -as-pid1" {
            return;
        }
        let mut outside = Outside::new(start.user);
        let folder = crate::support::Folder::new(start.user);
        let fifo = folder.join("fifo");
        let script = format!("sh -c 'echo ready; read x <{fifo}; echo \"got $x\"; exit 37'");
        outside.say(&format!("mkfifo {fifo}"));
        outside.until_prompt();
        outside.say(&format!("{} {script}", typed(start, way)));
        outside.expect("ready\r\n");
        outside.running.types("\x1a");
        assert!(outside.until_prompt().contains("Stopped"));
        outside.say("bg");
        outside.until_prompt();
        outside.say(&format!("echo hello >{fifo}"));
        outside.expect("got hello\r\n");
        // The shell tells of its job's end at a prompt, once it knows.
        loop {
            let told = outside.say("jobs") + &outside.until_prompt(); // before the echo, where the shell was slow
            if told.contains("Done(37)") {
                break;
            }
        }
        outside.leave();
    });
}

/// bash ignores, at its prompt and for what it starts in `$(…)`, the signal by which a command asks for the terminal.
#[test]
fn a_command_may_read_whose_output_a_shell_takes() {
    let Some(_) = need_program("bash") else { return };
    each(|start, way| {
        let mut bash = Case::direct(start.user).words("bash --norc --noprofile -i").on_terminal().spawn();
        let command = typed(start, way).replace("$g", gontainer().to_str().unwrap());
        bash.types(&format!("taken=$({command} sh -c 'echo rea\"\"dy >&2; read x; echo \"got $x\"')\n"));
        bash.expect("ready\r\n");
        bash.types("hello\n");
        bash.types("echo \"it $taken\"; exit\n");
        bash.expect("it got hello\r\n");
        bash.finish().status(0);
    });
}

/// Its session has one; but none of what the command was given is it.
#[test]
fn a_terminal_that_is_not_handed_on_is_out_of_reach() {
    each(|start, way| {
        let case = Case::new(start).words(way).on_terminal().piped(0).piped(1).piped(2);
        case.script("( : </dev/tty ) 2>/dev/null && echo reached; true").run().prints("");
        let run = Case::new(start).words(way).on_terminal().piped(2).script("( : </dev/tty ) && echo reached").run();
        run.that("else it is there", run.screen == "reached\r\n");
    });
}

/// A PID 1 neither stops for a key, nor where it may not read: it would ask for ever.
#[test]
fn a_stop_asked_for_during_the_start_does_not_keep_the_terminal_from_what_cannot_stop() {
    let Some(strace) = need_program("strace") else { return };
    for start in starts() {
        // The child is held before it takes the terminal.
        let case = Case::direct(start.user).arg(&strace).words("-f -o /dev/null -e inject=setpgid:delay_exit=1000000");
        let case = case.arg(gontainer()).arg("-run").args(start.flags).words("-pid -as-pid1");
        let mut running = case.script("read x; echo \"got $x\"").on_terminal().spawn();
        let is_starting = |pid: &i32| !crate::support::children_of(*pid).is_empty();
        let launcher = loop {
            if let Some(launcher) = crate::support::children_of(running.pid()).into_iter().find(is_starting) {
                break launcher;
            }
            std::thread::yield_now();
        };
        crate::support::kill(launcher, libc::SIGTSTP);
        running.types("hello\n");
        running.expect("got hello\r\n");
        running.end();
    }
}

/// Where nobody could continue it.
#[test]
fn without_a_terminal_the_command_does_not_stop_for_a_key() {
    each(|start, way| {
        Case::new(start).words(way).script("kill -TSTP $$; echo on").run().prints("on\n");
    });
}

#[test]
fn a_hang_up_ends_what_is_stopped() {
    for start in starts() {
        for way in ["-uts", "-pid"] {
            let mut running =
                Case::new(start).words(way).script("echo ready; kill -STOP $$; sleep 1000").on_terminal().spawn();
            running.expect("ready\r\n");
            running.signal(libc::SIGHUP);
            running.finish().status(129);
        }
    }
}

#[test]
fn a_container_in_a_container_starts_on_a_terminal_too() {
    for start in starts() {
        let inner = format!("{} -run -uid -pid -- echo inside", gontainer().display());
        let run = Case::new(start).words("-pid").command(&inner).on_terminal().piped(2).run();
        run.that("it runs", run.screen == "inside\r\n");
    }
}

/// Whose filter keeps PID 1's word of a stop from raising a signal.
#[test]
fn ctrl_z_stops_a_container_in_a_container_too() {
    let Some(_) = need_program("perl") else { return };
    for start in starts() {
        let inner = format!("{} $g -run -uid -pid -- perl -e '{READER}'", typed(start, "-pid"));
        stops_and_goes_on(start, &inner).leave();
    }
}

#[test]
fn a_container_in_the_background_stops_when_it_reads_and_not_before() {
    each(|start, way| {
        if way == "-pid -as-pid1" {
            return;
        }
        let mut outside = Outside::new(start.user);
        outside.say(&format!("{} sh -c 'echo ready; read x; echo \"got $x\"; exit 37' &", typed(start, way)));
        outside.expect("ready\r\n");
        // The shell asks for its job's state at each prompt.
        loop {
            outside.say("jobs");
            if outside.until_prompt().contains("Stopped") {
                break;
            }
        }
        outside.say("fg");
        outside.running.types("hello\n");
        outside.expect("got hello\r\n");
        outside.until_prompt();
        outside.say("echo status $?");
        outside.expect("status 37\r\n");
        outside.until_prompt();
        outside.leave();
    });
}

/// In a PID namespace that the caller's process group is not of, its number is 0, and so is the foreground group's.
#[test]
fn in_a_group_without_a_number_the_terminal_is_taken_in_the_foreground_alone() {
    let Some(_) = need_program("unshare") else { return };
    each(|start, way| {
        let mut outside = Outside::new(start.user);
        let inner = format!("unshare -Urpf $g -run -uid {way} --");
        outside.say(&format!("{inner} sh -c 'echo ready; exec sleep 1000' &"));
        outside.expect("ready\r\n");
        outside.say("echo on");
        outside.expect("on\r\n");
        let shell = outside.running.pid();
        assert_eq!(outside.running.terminal().foreground(), shell, "{start:?} {way}");
        outside.say("kill -9 %1");
        outside.until_prompt();
        outside.say(&format!("{inner} sh -c 'echo ready; read x; echo \"got $x\"'"));
        outside.expect("ready\r\n");
        outside.running.types("hello\n");
        outside.expect("got hello\r\n");
        outside.until_prompt();
        outside.leave();
    });
}

/// Who reads a terminal keeps others waiting that read it too, even those that read nothing.
#[test]
fn in_a_group_without_a_number_nobody_who_reads_is_waited_for() {
    let Some(_) = need_program("unshare") else { return };
    each(|start, way| {
        let command = format!("unshare -Urpf $g -run -uid {way} -- echo started");
        let mut running = script(start.user, &format!("cat </dev/tty & {command}; kill $!")).spawn();
        running.expect("started\r\n");
        running.end();
    });
}

/// A byte for each would fill it in the end, and PID 1 would stand still.
#[test]
fn stops_that_a_stopped_launcher_does_not_see_fill_no_pipe() {
    // The launcher's descriptors are shown to root alone.
    if crate::support::root_users().is_empty() {
        return;
    }
    for start in starts() {
        let mut running = Case::new(start).words("-pid").script("echo ready; exec sleep 1000").on_terminal().spawn();
        running.expect("ready\r\n");
        let launcher = running.pid();
        let [init] = crate::support::children_of(launcher)[..] else { panic!("no PID 1") };
        let [command] = crate::support::children_of(init)[..] else { panic!("no command") };
        let await_state = |pid: i32, stopped: bool| {
            let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            while state().contains(") T ") != stopped {
                std::thread::yield_now();
            }
        };
        crate::support::kill(launcher, libc::SIGSTOP);
        await_state(launcher, true);
        for _ in 0..50 {
            crate::support::kill(command, libc::SIGSTOP);
            await_state(command, true);
            crate::support::kill(command, libc::SIGCONT);
            await_state(command, false);
        }
        assert!(crate::support::waiting_in_pipes(launcher) <= 1, "{start:?}");
        crate::support::kill(launcher, libc::SIGCONT);
        running.signal(libc::SIGTERM);
        assert_eq!(running.end().code(), Some(143));
    }
}

#[test]
fn the_terminal_is_given_back_at_the_end() {
    for user in users() {
        for start in starts().into_iter().filter(|start| start.user == user) {
            for way in WAYS {
                // Without job control, this shell's group is gontainer's, and reads only in the foreground.
                let script = format!("{} true; echo status $?; read x; echo \"got $x\"; exit 38", typed(start, way));
                let case = Case::direct(user).args(["sh", "-c", &script]).variable("g", gontainer()).on_terminal();
                let mut running = case.spawn();
                running.expect("status 0\r\n");
                assert_eq!(running.terminal().foreground(), running.pid());
                running.types("hello\n");
                running.expect("got hello\r\n");
                running.finish().status(38);
            }
        }
    }
}

/// The shell has taken it then.
#[test]
fn a_terminal_is_not_taken_back_once_the_script_around_has_ended() {
    each(|start, way| {
        if way == "-pid -as-pid1" {
            return; // PID 1 takes only what it has a handler for
        }
        let mut outside = Outside::new(start.user);
        outside.say(&format!("sh -c '{} sh -c \"echo ready; exec sleep 1000\"; :'", typed(start, way)));
        outside.expect("ready\r\n");
        let [script] = crate::support::children_of(outside.running.pid())[..] else { panic!("no script") };
        let [launcher] = crate::support::children_of(script)[..] else { panic!("no launcher") };
        crate::support::kill(script, libc::SIGKILL);
        outside.until_prompt();
        crate::support::kill(launcher, libc::SIGTERM);
        while std::fs::exists(format!("/proc/{launcher}")).unwrap() {
            std::thread::yield_now();
        }
        outside.say("echo al''ive");
        outside.expect("alive\r\n");
        outside.until_prompt();
        outside.leave();
    });
}

/// From another program than a shell: the command has the terminal all the same.
#[test]
fn a_request_to_stop_that_stops_nothing_leaves_the_terminal_to_be_given_back() {
    each(|start, way| {
        let command = format!("{} sh -c 'trap \"\" TSTP; echo ready; read x; echo $x'", typed(start, way));
        let mut running = script(start.user, &format!("{command}; read x; echo \"got $x\"")).spawn();
        running.expect("ready\r\n");
        let launcher = crate::support::children_of(running.pid())[0];
        crate::support::kill(launcher, libc::SIGTSTP);
        running.types("one\n");
        running.expect("one\r\n");
        running.types("two\n");
        running.expect("got two\r\n");
        running.end();
    });
}

#[test]
fn the_terminal_is_given_back_after_a_failure_too() {
    for start in starts() {
        for way in WAYS {
            let script = format!("{} nowhere; read x; echo \"got $x\"; exit 38", typed(start, way));
            let case = Case::direct(start.user).args(["sh", "-c", &script]).variable("g", gontainer()).on_terminal();
            let mut running = case.spawn();
            running.expect("(ENOENT)\r\n");
            running.types("hello\n");
            running.expect("got hello\r\n");
            running.finish().status(38);
        }
    }
}

// A shell inside, with job control

#[test]
fn job_control_works_in_a_shell_inside() {
    for start in starts() {
        for with_rootfs in [false, true] {
            for way in WAYS {
                let root = rootfs(start.user);
                let case = Case::new(start).words(way).words("-hostname=box").variable("TERM", "dumb").on_terminal();
                let mut running = if with_rootfs { case.root(&root) } else { case }.spawn();
                let prompt = "📦 [root@box] ~/ ‣ ";
                running.expect(prompt);
                running.types("sleep 1000 &\n");
                running.expect(prompt);
                running.types("jobs\n");
                running.expect("Running");
                running.expect(prompt);
                running.types("fg; echo ba''ck\n");
                running.await_foreground("sleep");
                running.types("\x1a");
                running.expect("back\r\n");
                running.expect(prompt);
                running.types("jobs\n");
                running.expect("Stopped");
                running.expect(prompt);
                running.types("fg\n");
                running.await_foreground("sleep");
                running.types("\x03");
                running.expect(prompt);
                running.types("echo $?\n");
                running.expect("130\r\n");
                running.expect(prompt);
                running.types("exit 38\n");
                let outcome = running.finish();
                outcome.status(38).that("no complaint of the shell's", !outcome.screen.contains("job control"));
            }
        }
    }
}

#[test]
fn a_shell_inside_may_stop_itself_and_the_shell_outside_takes_over() {
    for start in starts() {
        for way in ["-uts", "-pid"] {
            let mut outside = Outside::new(start.user);
            outside.say(&format!("{} sh -c 'echo ready; kill -STOP $$; echo on; exit 37'", typed(start, way)));
            outside.expect("ready\r\n");
            assert!(outside.until_prompt().contains("Stopped"));
            outside.say("fg");
            outside.expect("on\r\n");
            outside.until_prompt();
            outside.say("echo status $?");
            outside.expect("status 37\r\n");
            outside.until_prompt();
            outside.leave();
        }
    }
}

// A script outside, without job control: gontainer is in its process group

fn script(user: User, script: &str) -> Case {
    Case::direct(user).args(["sh", "-c", script]).variable("g", gontainer()).on_terminal()
}

#[test]
fn ctrl_c_ends_the_script_too() {
    each(|start, way| {
        if way == "-pid -as-pid1" {
            return; // PID 1 takes only what it has a handler for
        }
        // The one has the terminal by then, as it has read from it, the other has not.
        for (reads, typed_before) in [("read x; ", "x\n"), ("", "")] {
            let command = format!("{} sh -c '{reads}echo ready; exec sleep 1000'", typed(start, way));
            let mut running = script(start.user, &format!("for i in 1 2; do {command}; echo went on; done")).spawn();
            running.types(typed_before);
            running.expect("ready\r\n");
            running.types("\x03");
            let outcome = running.finish();
            let ended = outcome.killed_by() == Some(libc::SIGINT);
            outcome.that("the key ended it", ended && !outcome.screen.contains("went on"));
        }
    });
}

#[test]
fn ctrl_c_ends_the_script_that_measures_too() {
    for start in starts() {
        let flags = start.flags.join(" ");
        let lines = format!("for i in 1 2; do $g -bench=1000000 {flags} -pid; echo went on; done");
        let mut running = script(start.user, &lines).spawn();
        running.expect("Ctrl-C ends it here");
        running.types("\x03");
        let outcome = running.finish();
        let ended = outcome.killed_by() == Some(libc::SIGINT);
        outcome.that("the key ended it", ended && !outcome.screen.contains("went on"));
    }
}

/// A signal to the launcher alone is the command's, not that of those around the launcher.
#[test]
fn an_interrupt_that_is_no_key_is_not_for_the_script() {
    each(|start, way| {
        if way == "-pid -as-pid1" {
            return; // PID 1 takes only what it has a handler for
        }
        let command = format!("{} sh -c 'read x; echo ready; exec sleep 1000'", typed(start, way));
        let mut running = script(start.user, &format!("trap 'echo interrupted' INT; {command}; echo went on")).spawn();
        running.types("x\n");
        running.expect("ready\r\n");
        let launcher = crate::support::children_of(running.pid())[0];
        crate::support::kill(launcher, libc::SIGINT);
        let outcome = running.finish();
        outcome.that("the script goes on", outcome.screen.ends_with("ready\r\nwent on\r\n"));
    });
}

#[test]
fn a_command_that_interrupts_itself_without_the_terminal_is_a_number_to_the_script() {
    for start in starts() {
        let command = format!("{} sh -c 'kill -INT $$'", typed(start, "-pid"));
        let run = script(start.user, &format!("{command} >/dev/null; echo went on with $?")).run();
        run.that("it went on", run.screen.ends_with("went on with 130\r\n"));
    }
}

#[test]
fn a_script_with_a_container_in_the_background_keeps_the_terminal() {
    each(|start, way| {
        if way == "-pid -as-pid1" {
            return; // it gets the terminal at once: SIGTTIN would not stop it
        }
        let command = format!("{} sh -c 'echo ready; exec sleep 1000'", typed(start, way));
        let lines = format!("exec 3<&0; {command} <&3 & read x; echo \"got $x\"; kill $!; wait $!; echo $?");
        let mut running = script(start.user, &lines).spawn();
        running.expect("ready\r\n");
        running.types("hello\n");
        running.expect("got hello\r\n143\r\n");
        running.finish().status(0);
    });
}

/// As with `| less`: what reads keys at the pipeline's end has the terminal, though the command's input is it too.
#[test]
fn behind_a_pipe_somebody_else_may_read_the_terminal() {
    each(|start, way| {
        if way == "-pid -as-pid1" {
            return; // it gets the terminal at once: SIGTTIN would not stop it
        }
        let folder = crate::support::Folder::new(start.user);
        let fifo = folder.join("fifo");
        let command = format!("{} sh -c 'echo out; read -r x <{fifo}; exit 37'", typed(start, way));
        let reader = format!("read -r line; read -r key </dev/tty; echo \"$line, $key\"; echo end >{fifo}");
        let mut running = script(start.user, &format!("mkfifo {fifo}; {command} | {{ {reader}; }}; echo done")).spawn();
        running.types("key\n");
        running.expect("out, key\r\n");
        running.expect("done\r\n");
        running.finish().status(0);
    });
}

/// timeout(1) inside ignores that its group may not read: a command that is a part of it would ask for ever.
#[test]
fn in_a_script_too_the_command_has_the_terminal_from_the_start() {
    each(|start, way| {
        let command = format!("{} timeout --foreground 9 sh -c 'read x; echo got $x'", typed(start, way));
        let mut running = script(start.user, &format!("{command}; echo done; read y; echo then $y")).spawn();
        running.types("hello\n");
        running.expect("got hello\r\ndone\r\n");
        running.types("more\n");
        running.expect("then more\r\n");
        running.finish().status(0);
    });
}

/// Whatever the moment: a stop that lasts until after the limit, too.
#[test]
fn a_limit_that_is_over_when_gontainer_stops_ends_it_all_the_same() {
    for start in starts() {
        let name = crate::support::marker();
        let mut outside = Outside::new(start.user);
        let flags = format!("$g -run {} -uts -timeout=700ms --", start.flags.join(" "));
        outside.say(&format!("{flags} sh -c 'echo ready; sleep 0.3; kill -TSTP $$; sleep 1000; : {name}'"));
        outside.expect("ready\r\n");
        let launcher = crate::support::children_of(outside.running.pid())[0];
        crate::support::kill(launcher, libc::SIGSTOP);
        std::thread::sleep(std::time::Duration::from_millis(900));
        crate::support::kill(launcher, libc::SIGCONT);
        crate::support::await_end_of(&name);
        outside.running.hang_up(); // whose the terminal is by now is another matter
        outside.running.end();
    }
}

#[test]
fn timeout_in_a_script_ends_a_container_that_would_read() {
    each(|start, way| {
        if way == "-pid -as-pid1" {
            return; // SIGTTIN does not stop it, so nobody learns that it would read
        }
        let mut running =
            script(start.user, &format!("timeout 1 {} cat; echo \"status $?\"", typed(start, way))).spawn();
        running.expect("status 124\r\n");
        running.finish().status(0);
    });
}

#[test]
fn a_command_that_stops_itself_gains_no_time() {
    each(|start, way| {
        if way == "-pid -as-pid1" {
            return; // PID 1 does not stop: pid_namespaces(7)
        }
        let name = crate::support::marker();
        let mut outside = Outside::new(start.user);
        let flags = format!("$g -run {} {way} -timeout=500ms --", start.flags.join(" "));
        outside.say(&format!("{flags} sh -c 'sleep 1000 & kill -STOP $$; sleep 1000; : {name}'"));
        outside.until_prompt(); // it stands still
        crate::support::await_end_of(&name);
        // The shell looks after its jobs at each prompt, and does not leave one that it takes for stopped.
        while (outside.say("jobs") + &outside.until_prompt()).contains("Stopped") {}
        outside.leave();
    });
}

#[test]
fn the_prompt_says_who_the_command_is() {
    for start in starts().into_iter().filter(|start| start.has_user_namespace() && !start.user.is_root()) {
        let mut running = Case::new(start).words("-map=self -pid -hostname=box").on_terminal().spawn();
        running.expect(&format!("📦 [{}@box] ", start.user.uid));
        running.types("exit 38\n");
        running.finish().status(38);
    }
}
