//! The command line.

use crate::support::{Case, Outcome, rootfs, starts, users};
use std::path::Path;

const LISTS: &str = "\nhint: gontainer -h lists all flags\n";

fn run(words: &[&str]) -> Vec<Outcome> {
    users().into_iter().map(|user| Case::plain(user).args(words).run()).collect()
}

fn misuse(words: &[&str], complaint: &str) {
    for outcome in run(words) {
        outcome.status(2).stdout("").stderr(format!("gontainer: {complaint}{LISTS}"));
    }
}

#[test]
fn help_fits_80_columns_and_names_every_flag() {
    for words in [&["-h"][..], &["--h"], &["-run", "-h"], &["-h", "-nonsense"], &["-h", "--", "true"]] {
        for outcome in run(words) {
            let help = outcome.text();
            for flag in "run uid mnt=DIR uts hostname=NAME ipc net pid as-pid1 quiet h v".split_whitespace() {
                let row = format!("  -{flag} ");
                outcome.that(&format!("no row for -{flag}"), help.lines().any(|line| line.starts_with(&row)));
            }
            outcome.that("a line is too long", help.lines().all(|line| line.chars().count() <= 80));
            let examples = help.lines().filter(|line| line.starts_with("  gontainer -run ")).count();
            outcome.that("three command lines are shown", examples == 3);
        }
    }
}

#[test]
fn the_version_is_one_line() {
    for words in [&["-v"][..], &["--v"], &["-run", "-v"]] {
        for outcome in run(words) {
            let version = outcome.text();
            outcome.that("not a line", version.ends_with('\n') && version.lines().count() == 1);
            outcome.that("no version", version.starts_with(concat!("gontainer ", env!("CARGO_PKG_VERSION"), " (")));
        }
    }
}

#[test]
fn help_that_nobody_can_read_is_an_error() {
    for user in users() {
        let complaint = "gontainer: standard output did not take all of it\n";
        Case::plain(user).arg("-h").closed(1).run().stderr(complaint).status(1);
    }
}

#[test]
fn without_an_action_there_is_nothing_to_do() {
    let complaint = "nothing to do: -run starts a container, as in gontainer -run -uid -pid";
    misuse(&[], complaint);
    misuse(&["-uid"], complaint);
    misuse(&["-uid", "-pid", "--", "true"], complaint);
    misuse(&["true"], complaint);
    misuse(&["--"], complaint);
}

#[test]
fn without_a_namespace_there_is_nothing_to_isolate() {
    let complaint = "nothing to isolate: add namespaces, such as -uid -pid";
    misuse(&["-run"], complaint);
    misuse(&["-run", "true"], complaint);
    misuse(&["-run", "--", "-uid"], complaint);
    misuse(&["-run", "-uid=false", "true"], complaint);
    misuse(&["-run", "-uid", "-uid=false"], complaint);
    misuse(&["-run", "-quiet"], complaint);
    misuse(&["-bench=3"], complaint);
}

#[test]
fn an_unknown_flag_names_the_nearest_one() {
    misuse(&["-run", "-hostnam=x"], "unknown flag -hostnam; the nearest is -hostname");
    misuse(&["-run", "--pud"], "unknown flag -pud; the nearest is -pid");
    misuse(&["-rnu"], "unknown flag -rnu; the nearest is -run");
    misuse(&["-run", "-as-pid", "-pid"], "unknown flag -as-pid; the nearest is -as-pid1");
    misuse(&["-run", "-quite"], "unknown flag -quite; the nearest is -quiet");
    misuse(&["-r", "-u"], "unknown flag -r; the nearest is -h"); // no bundles of letters
    misuse(&["-run", "-privileged"], "unknown flag -privileged");
}

#[test]
fn what_is_wrong_cannot_steer_the_terminal() {
    for outcome in run(&["-run", "-ui\x1b[2Jd"]) {
        outcome.status(2).stdout("").that("it is escaped", outcome.complaint().contains("unknown flag -ui\\x1b[2Jd\n"));
    }
}

#[test]
fn three_dashes_make_no_flag() {
    for outcome in run(&["-run", "---uid"]) {
        outcome.status(2).stdout("");
    }
}

#[test]
fn switches_take_what_go_takes_for_a_truth_value() {
    for start in starts() {
        for yes in ["-ipc", "--ipc", "-ipc=true", "--ipc=true", "-ipc=1", "-ipc=t", "-ipc=T", "-ipc=TRUE", "-ipc=True"]
        {
            Case::new(start).words("-uts").arg(yes).command("echo started").run().prints("started\n");
        }
        for no in ["-all=false", "-uts=false", "--uts=false", "-uts=0", "-uts=f", "-uts=F", "-uts=FALSE", "-uts=False"]
        {
            Case::new(start).words("-ipc").arg(no).command("echo started").run().prints("started\n");
        }
    }
    for wrong in ["-uid=", "-uid=yes", "-uid=no", "-uid=2", "-uid=tRUE", "-uid=true "] {
        misuse(&["-run", wrong], "-uid: takes true or false");
    }
    misuse(&["-run", "-pid=maybe"], "-pid: takes true or false");
}

#[test]
fn a_switchs_value_does_not_stand_apart() {
    for start in starts() {
        // As in Go: the word after a switch is the command.
        let line = "gontainer: run the command: execve(false): no such file or directory (ENOENT)";
        Case::new(start).words("-uts -ipc false").variable("PATH", "/nowhere").run().refuses(127, line);
    }
}

#[test]
fn a_value_stands_behind_an_equals_sign_or_in_the_next_word() {
    for start in starts() {
        let root = rootfs(start.user);
        let dir = root.join("");
        for words in [
            &[&*format!("-mnt={dir}")][..],
            &[&format!("--mnt={dir}")],
            &["-mnt", &dir],
            &["--mnt", &dir],
            &["-mnt", "/nowhere", "-mnt", &dir], // the last one counts
        ] {
            Case::new(start).args(words).command("ls /bin/busybox").run().prints("/bin/busybox\n");
        }
    }
    misuse(&["-run", "-uid", "-mnt"], "-mnt: needs a value");
    misuse(&["-run", "-uid", "-hostname"], "-hostname: needs a value");
    misuse(&["-run", "-uid", "-mnt="], "-mnt: must not be empty");
    misuse(&["-run", "-uid", "-mnt", ""], "-mnt: must not be empty");
}

#[test]
fn a_value_may_look_like_a_flag() {
    for start in starts() {
        Case::new(start).words("-hostname -uid").command("uname -n").run().prints("-uid\n");
        Case::new(start).words("-hostname --").command("uname -n").run().prints("--\n");
        Case::new(start).words("-hostname=a=b").command("uname -n").run().prints("a=b\n");
    }
}

#[test]
fn run_may_stand_anywhere_among_the_flags() {
    for start in starts() {
        Case::plain(start.user).args(start.flags).words("-uts -run").command("uname -n").run().prints("gontainer\n");
        Case::plain(start.user).words("-uts -run").args(start.flags).command("uname -n").run().prints("gontainer\n");
    }
}

#[test]
fn flags_end_at_two_dashes_or_at_the_first_word_that_is_none() {
    for start in starts() {
        let case = || Case::new(start).words("-uts");
        case().words("echo -uid --nonsense -- -h").run().prints("-uid --nonsense -- -h\n");
        case().words("-- echo -uid -- -v").run().prints("-uid -- -v\n");
        case().words("-- echo").run().prints("\n");
        let line = "gontainer: run the command: execve(--): no such file or directory (ENOENT)";
        case().words("-- --").run().refuses(127, line);
        let line = "gontainer: run the command: execve(-): no such file or directory (ENOENT)";
        case().words("-").run().refuses(127, line);
    }
}

#[test]
fn a_command_line_of_any_length_is_taken() {
    for start in starts() {
        let words: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
        Case::new(start).words("-uts -- echo").args(&words).run().prints(format!("{}\n", words.join(" ")));
        let many: Vec<String> = (0..2_000).map(|number| format!("-hostname=box{number}")).collect();
        Case::new(start).args(many).command("uname -n").run().prints("box1999\n");
    }
}

#[test]
fn as_pid1_needs_pid() {
    misuse(&["-run", "-uid", "-as-pid1"], "-as-pid1: needs -pid");
    misuse(&["-run", "-uid", "-pid=false", "-as-pid1", "true"], "-as-pid1: needs -pid");
    let line = "-overlay=DIR: needs -pid, and not -as-pid1";
    misuse(&["-run", "-uid", "-mnt=/", "-overlay=x", "true"], line);
    misuse(&["-run", "-uid", "-pid", "-as-pid1", "-mnt=/", "-overlay=x", "true"], line);
    for start in starts() {
        Case::new(start).words("-uts -as-pid1=false").command("echo started").run().prints("started\n");
    }
}

#[test]
fn a_missing_name_of_its_own_is_no_harm() {
    for user in users() {
        // A kernel before 5.18 leaves argc at 0; a later one adds an empty name.
        let run = Case::plain(user).without_words().run();
        run.refuses(2, "gontainer: nothing to do: -run starts a container, as in gontainer -run -uid -pid");
    }
}

#[test]
fn messages_say_gontainer_whatever_the_program_is_called() {
    for start in starts() {
        let case = Case::new(start).words("-uts -- /nowhere").named("x\x1b[2J");
        case.run().refuses(127, "gontainer: run the command: execve(/nowhere): no such file or directory (ENOENT)");
    }
}

#[test]
fn every_flag_is_on_some_tests_command_line() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let sources: String = std::fs::read_dir(tests)
        .unwrap()
        .filter_map(|entry| std::fs::read_to_string(entry.unwrap().path()).ok())
        .collect();
    let help = run(&["-h"]).remove(0).text();
    let rows = help.lines().filter_map(|line| line.strip_prefix("  -"));
    for flag in rows.filter_map(|row| row.split([' ', '=', '[']).next()) {
        // As a word of its own, with a dash before it.
        let used = sources
            .split(|byte: char| !(byte.is_ascii_alphanumeric() || byte == '-'))
            .any(|word| word.strip_prefix("--").or(word.strip_prefix('-')) == Some(flag));
        assert!(used, "no test uses -{flag}");
    }
}
