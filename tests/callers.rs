//! Callers in a bad way: with next to nothing left of something, with too much, or without /proc.

use crate::support::{Case, gontainer, need_program, root_users, rootfs, starts, users};
use proptest::prelude::*;
use std::fmt::Write as _;

/// A limit, and what a container under it prints, or what is said instead.
#[rustfmt::skip] // a table
const LIMITS: &[(&str, Result<(), &str>)] = &[
    ("stack=16384",  Ok(())), // less, and the kernel executes nothing of this size
    ("stack=unlimited", Ok(())),
    ("nofile=3",     Err("make the pipe that joins parent and child: pipe2: too many open files (EMFILE)")),
    ("nofile=4",     Err("make the pipe that joins parent and child: pipe2: too many open files (EMFILE)")),
    ("nofile=7",     Ok(())),
    ("as=4194304",   Ok(())), // the command takes most of it
    ("data=262144",  Ok(())),
    ("fsize=0",      Ok(())),
    ("sigpending=0", Ok(())),
    ("memlock=0",    Ok(())),
    ("msgqueue=0",   Ok(())),
    ("core=0",       Ok(())),
    ("locks=0",      Ok(())),
    ("cpu=1",        Ok(())),
];

#[test]
fn low_limits_do_no_harm_or_are_said_to() {
    let Some(prlimit) = need_program("prlimit") else { return };
    for start in starts() {
        for (limit, wanted) in LIMITS {
            let case = Case::direct(start.user).arg(&prlimit).arg(format!("--{limit}")).arg(gontainer()).arg("-run");
            let run = case.args(start.flags).words("-pid -uts -ipc -net -- /bin/busybox echo works").run();
            match wanted {
                Ok(()) => run.prints("works\n"),
                Err(says) => run.refuses(125, &format!("gontainer: {says}")),
            };
        }
    }
}

#[test]
fn two_megabytes_of_environment_are_handed_on() {
    for start in starts() {
        let case = Case::new(start).words("-pid").variable("PATH", "/usr/bin:/bin");
        let case = (0..20).fold(case, |case, name| case.variable(&format!("V{name}"), "x".repeat(100 << 10)));
        case.command("sh -c").arg("echo ${#V0} ${#V19}").run().prints("102400 102400\n");
    }
}

#[test]
fn without_any_proc_what_needs_none_works_and_the_rest_is_explained() {
    let Some(_) = need_program("unshare") else { return };
    for root in root_users() {
        for start in starts() {
            for way in ["-uts", "-pid", "-time", "-pid -mnt=/"] {
                let mut script = String::from("umount -l /proc && exec ");
                if !start.user.is_root() {
                    let (uid, gid) = (start.user.uid, start.user.gid);
                    let _ = write!(script, "setpriv --reuid {uid} --regid {gid} --clear-groups ");
                }
                script += "\"$0\" -run \"$@\"";
                let case = Case::direct(root).words("unshare --mount").args(["sh", "-c", &script]).arg(gontainer());
                let run = case.args(start.flags).words(way).words("-- /bin/busybox echo works").run();
                if start.has_user_namespace() {
                    // Parent and child both miss it; who comes first speaks.
                    run.status(125).stdout("").hints("no /proc is mounted here");
                } else {
                    run.prints("works\n");
                }
            }
        }
    }
}

/// chroot(2) without a /proc: the kernel makes no user namespace there, and nothing else can be asked.
#[test]
fn in_a_chroot_without_proc_it_says_what_is_missing() {
    for user in root_users() {
        let root = rootfs(user);
        root.copy(gontainer(), "bin/gontainer").mode("bin/gontainer", 0o755);
        let case = Case::direct(user).args(["chroot", &root.join(""), "/bin/gontainer", "-run", "-uid", "--", "true"]);
        if crate::support::is_static() {
            let line = "gontainer: make the namespaces: clone: operation not permitted (EPERM)";
            case.run().refuses(125, line).hints("no /proc is mounted here");
        }
    }
}

#[test]
fn in_a_chroot_with_a_proc_that_is_said() {
    for user in root_users() {
        let root = rootfs(user);
        root.copy(gontainer(), "bin/gontainer").mode("bin/gontainer", 0o755);
        for (flags, line) in [
            ("-uid", "make the namespaces: clone: operation not permitted (EPERM)"),
            ("-pid", "stop mounts spreading to the host: mount(/): invalid argument (EINVAL)"),
        ] {
            let script = format!("mount -t proc proc /proc && exec gontainer -run {flags} -- true");
            let case = Case::direct(user).private_mounts().args(["chroot", &root.join(""), "/bin/sh", "-c", &script]);
            if crate::support::is_static() {
                case.run()
                    .refuses(125, &format!("gontainer: {line}"))
                    .hints("this process is in a chroot: no user namespace");
            }
        }
    }
}

/// Words behind the program's name: flags of all kinds with values that fit or not.
fn words(flags: Vec<String>) -> impl Strategy<Value = Vec<String>> {
    const VALUES: [&str; 14] = [
        "",
        "0",
        "1",
        "-1",
        "x",
        "/",
        "/nowhere",
        "a=b",
        "0:0:1",
        "0:1000:1",
        "5ms",
        "64m",
        "/nowhere:/nowhere",
        "true",
    ];
    let flag = (prop::sample::select(flags), "-{1,2}", 0..3 * VALUES.len());
    let word = flag.prop_map(|(name, dashes, value)| match VALUES.get(value) {
        Some(value) => format!("{dashes}{name}={value}"),
        None => format!("{dashes}{name}"),
    });
    prop::collection::vec(word, 0..6)
}

#[test]
fn any_command_line_ends_with_a_status_and_a_word_if_it_fails() {
    // Not as root, who could do harm by chance; and not what takes long.
    let user = *users().iter().rfind(|user| !user.is_root()).unwrap_or(&users()[0]);
    let help = Case::plain(user).arg("-h").run().text();
    let rows = help.lines().filter_map(|line| line.strip_prefix("  -"));
    let names = rows.filter_map(|row| row.split([' ', '=']).next().map(str::to_owned));
    let names: Vec<String> = names.filter(|name| name != "bench").collect();
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) };
    proptest!(config, |(words in words(names), run in any::<bool>())| {
        let case = Case::plain(user).args(&words).args(run.then_some("-run"));
        let outcome = case.args(["-uid", "--", "/bin/busybox", "true"]).run();
        let complaint = outcome.complaint();
        let said = complaint.lines().any(|line| line.starts_with("gontainer: "));
        outcome.that("a status of its own", matches!(outcome.code(), Some(0 | 2 | 124..=127)));
        outcome.that("a word if it fails", said || matches!(outcome.code(), Some(0 | 124))); // as timeout(1), of the end of its time
    });
}
