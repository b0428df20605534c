//! What the command may do.

use crate::support::{
    Case, Filter, Folder, Start, find_program, gontainer, need_program, root_users, rootfs, skip, starts,
};
use std::path::Path;

/// What Docker grants root by default: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP,
/// NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD, AUDIT_WRITE, SETFCAP.
const DEFAULT: u64 = 0xa804_25fb;

/// Inheritable, permitted, effective, bounding and ambient.
fn sets(start: Start, way: &str) -> [u64; 5] {
    let shown = Case::new(start).words(way).command("grep ^Cap /proc/self/status").run().text();
    let sets: Vec<u64> = shown
        .lines()
        .zip(["CapInh:\t", "CapPrm:\t", "CapEff:\t", "CapBnd:\t", "CapAmb:\t"])
        .map(|(line, name)| u64::from_str_radix(line.strip_prefix(name).unwrap(), 16).unwrap())
        .collect();
    sets.try_into().unwrap()
}

#[test]
fn real_root_has_dockers_default_capabilities_and_no_others_in_reach() {
    for start in starts().into_iter().filter(|start| start.is_real_root()) {
        for way in ["-uts", "-pid", "-pid -as-pid1", "-mnt=/ -pid"] {
            assert_eq!(sets(start, way), [0, DEFAULT, DEFAULT, DEFAULT, 0], "{start:?} {way}");
        }
    }
}

#[test]
fn an_ordinary_users_root_has_all_capabilities_over_what_is_its_own() {
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        for way in ["-uts", "-pid", "-pid -as-pid1", "-mnt=/ -pid"] {
            let [inheritable, permitted, effective, bounding, ambient] = sets(start, way);
            assert_eq!((inheritable, ambient), (0, 0), "{way}");
            assert!(permitted == bounding && effective == bounding && bounding & 1 << 21 != 0, "{way}");
        }
        let script = "hostname changed && hostname && ip link set lo down && ip link set lo up && echo done";
        let root = rootfs(start.user);
        Case::new(start).words("-uts -net").root(&root).script(script).run().prints("changed\ndone\n");
    }
}

#[test]
fn real_root_cannot_undo_what_keeps_it_apart() {
    for start in starts().into_iter().filter(|start| start.is_real_root()) {
        let root = rootfs(start.user);
        for attempt in [
            "mount -t tmpfs none /tmp",
            "mount -t proc none /tmp",
            "mount -o remount,dev /proc",
            "umount /proc",
            "hostname changed",
            "ip link set lo down",
        ] {
            let run = Case::new(start).words("-uts -net -pid").root(&root).command(attempt).run();
            run.that("it is refused", run.stdout.is_empty() && run.code().is_some_and(|code| code != 0));
        }
    }
}

#[test]
fn the_session_keyring_is_new() {
    if !Path::new("/proc/keys").exists() {
        return skip("this kernel shows no keys");
    }
    for start in starts() {
        let name = crate::support::marker();
        // The keyring is to be seen only by those who possess it.
        let seen =
            |case: Case, grep: &[&str]| case.session_keyring(&name).args(grep).arg(&name).arg("/proc/keys").run();
        let direct = seen(Case::direct(start.user), &["grep", "-c"]);
        if direct.stdout != b"1\n" {
            skip("no session keyring can be joined here");
            continue;
        }
        for way in ["-uts", "-pid", "-pid -as-pid1"] {
            seen(Case::new(start).words(way), &["--", "grep", "-c"]).stdout("0\n").status(1);
        }
    }
}

#[test]
fn programs_gain_no_privileges_unless_that_is_asked_for() {
    const STATE: &str = "grep ^NoNewPrivs: /proc/self/status";
    for start in starts() {
        for way in ["-uts", "-pid", "-pid -as-pid1"] {
            Case::new(start).words(way).command(STATE).run().prints("NoNewPrivs:\t1\n");
            Case::new(start).words(way).arg("-new-privs").command(STATE).run().prints("NoNewPrivs:\t0\n");
        }
    }
    let Some(setpriv) = need_program("setpriv") else { return };
    for start in starts().into_iter().filter(|start| !start.has_user_namespace()) {
        let folder = Folder::new(start.user);
        let id = find_program("id").unwrap(); // busybox would give privileges up by itself
        folder.copy(&id, "id").mode("id", 0o4755);
        let id = format!("{} --reuid 65534 {} -u", setpriv.display(), folder.join("id"));
        Case::new(start).arg("-pid").command(&id).run().prints("65534\n");
        Case::new(start).args(["-pid", "-new-privs"]).command(&id).run().prints("0\n");
    }
}

#[test]
fn capabilities_are_what_the_list_says() {
    const NET_RAW: u64 = 1 << 13;
    const KILL: u64 = 1 << 5;
    for start in starts() {
        for way in ["-uts", "-pid", "-pid -as-pid1", "-mnt=/ -pid"] {
            let [.., all, _] = sets(start, &format!("{way} -cap=all"));
            let default = if start.is_real_root() { DEFAULT } else { all };
            for (list, wanted) in [
                ("none", 0),
                ("all", all),
                ("default", default),
                ("-NET_RAW", default & !NET_RAW),
                ("none,+cap_kill,+13", KILL | NET_RAW),
                ("all,-CAP_KILL", all & !KILL),
            ] {
                assert_eq!(
                    sets(start, &format!("{way} -cap={list}")),
                    [0, wanted, wanted, wanted, 0],
                    "{start:?} {way} {list}"
                );
            }
            assert!(all & 1 << 21 != 0, "{all:x}");
        }
        const WORDS: &str = "takes none, default, all, +NAME and -NAME, with commas between";
        const UNKNOWN: &str = "no such capability; capabilities(7) has their names";
        for (wrong, line) in
            [("", WORDS), ("kill", WORDS), ("none,", WORDS), ("NONE", WORDS), ("+nonsense", UNKNOWN), ("-64", UNKNOWN)]
        {
            let run = Case::new(start).args(["-uts", &format!("-cap={wrong}")]).command("true").run();
            run.refuses(2, &format!("gontainer: -cap: {line}"));
        }
        if let (false, Some(setpriv)) = (start.has_user_namespace(), find_program("setpriv")) {
            let case = Case::direct(start.user).arg(setpriv).words("--bounding-set=-setpcap --inh-caps=-setpcap");
            let line =
                "gontainer: put capabilities out of reach: prctl PR_CAPBSET_DROP: operation not permitted (EPERM)";
            case.arg(gontainer()).words("-run -uts -- true").run().refuses(125, line).hints("CAP_SETPCAP: add -uid");
        }
        // The memory of PID 1 is gontainer's: with it root inside would have gontainer do what it likes.
        let case = |way| Case::new(start).words(way).arg("-cap=+sys_ptrace").command("true");
        if !start.has_user_namespace() {
            let line =
                "gontainer: -cap: with sys_ptrace root inside would reach gontainer, which is PID 1: add -as-pid1";
            case("-pid").run().refuses(2, line);
        } else {
            case("-pid").run().prints("");
        }
        case("-pid -as-pid1").run().prints("");
        let line = "gontainer: put capabilities out of reach: capget: operation not permitted (EPERM)";
        Case::new(start).args(["-uts", "-cap=+63"]).command("true").run().refuses(125, line).hints("-cap adds only");
    }
}

#[test]
fn without_capabilities_uid_0_is_a_user_as_any_other() {
    for start in starts() {
        let root = rootfs(start.user);
        for attempt in
            ["mount -t tmpfs none /tmp", "umount /proc", "hostname changed", "chroot / /bin/true", "mknod /x p"]
        {
            let run = Case::new(start).words("-uts -pid -cap=none").root(&root).command(attempt).run();
            let is_harmless = attempt.ends_with(" p"); // a FIFO is everybody's
            run.that("it is refused", (run.code() == Some(0)) == is_harmless);
        }
    }
}

/// PR_GET_SECUREBITS.
const SECURE_BITS: [&str; 4] = ["--", "perl", "-e", "print syscall(shift, 27), qq(\\n)"];

#[test]
fn secure_bits_agree_with_the_capabilities() {
    let prctl = libc::SYS_prctl.to_string();
    for start in starts() {
        for (list, bits) in [("none", 0xef), ("default", 0), ("none,+kill", 0)] {
            let case = Case::new(start).args(["-pid", &format!("-cap={list}")]);
            case.args(SECURE_BITS).arg(&prctl).run().prints(format!("{bits}\n"));
        }
        if start.is_real_root() {
            // The caller's are not handed on: PR_SET_SECUREBITS, SECBIT_NO_CAP_AMBIENT_RAISE.
            let odd = ["perl", "-e", "syscall(shift, 28, 64) == 0 or die; exec @ARGV", &prctl];
            let case = Case::direct(start.user).args(odd).arg(gontainer()).arg("-run").args(start.flags);
            case.arg("-uts").args(SECURE_BITS).arg(&prctl).run().prints("0\n");
        }
    }
}

#[test]
fn inherited_capabilities_are_not_handed_on() {
    let Some(setpriv) = need_program("setpriv") else { return };
    for user in root_users() {
        for (more, flags, wanted) in
            [("", "", Some(DEFAULT)), ("", "-uid", Some(DEFAULT)), ("--reuid=65534 --regid=65534", "-uid", None)]
        {
            let case = Case::direct(user).arg(&setpriv).words("--clear-groups --inh-caps=+net_admin,+setpcap");
            let case = case.words(more).arg("--ambient-caps=+net_admin").arg(gontainer()).arg("-run").words(flags);
            let shown = case.words("-uts -- grep ^Cap /proc/self/status").run().text();
            assert!(shown.starts_with("CapInh:\t0000000000000000\n"), "{shown}");
            assert!(shown.ends_with("CapAmb:\t0000000000000000\n"), "{shown}");
            if let Some(wanted) = wanted {
                assert!(shown.contains(&format!("CapPrm:\t{wanted:016x}\nCapEff:\t{wanted:016x}\n")), "{shown}");
            }
        }
    }
}

#[test]
fn pid_1_has_no_more_than_signals_take_and_is_filtered_itself() {
    const KILL: u64 = 1 << 5;
    for start in starts() {
        let mut lists = vec![("-cap=none", KILL), ("-cap=none,+net_raw", KILL | 1 << 13)];
        if start.is_real_root() {
            lists.push(("-cap=default", DEFAULT));
        }
        for (list, wanted) in lists {
            // It lets go while the command starts.
            let script = format!(
                "i=0; until [ $i = 9999 ] || grep -q 'CapPrm:.{wanted:016x}' /proc/1/status; do i=$((i + 1)); done
                 grep -E '^(CapInh|CapPrm|CapEff|CapAmb|NoNewPrivs|Seccomp):' /proc/1/status"
            );
            let state = format!(
                "CapInh:\t{0:016x}\nCapPrm:\t{wanted:016x}\nCapEff:\t{wanted:016x}\nCapAmb:\t{0:016x}\n\
                 NoNewPrivs:\t1\nSeccomp:\t2\n",
                0
            );
            Case::new(start).args(["-pid", list]).script(&script).run().prints(state);
        }
    }
}

#[test]
fn in_a_tree_of_its_own_files_are_created_as_022_allows() {
    for start in starts() {
        for mask in [0, 0o777] {
            let root = rootfs(start.user);
            root.remove("proc"); // what gontainer makes itself is not the caller's to spoil either
            Case::new(start).root(&root).words("-pid").umask(mask).script("umask").run().prints("0022\n");
            Case::new(start).words("-pid").umask(mask).script("umask").run().prints(format!("{mask:04o}\n"));
        }
    }
}

#[test]
fn only_the_descriptors_that_are_named_are_kept() {
    for start in starts() {
        for way in ["-uts", "-pid", "-pid -as-pid1"] {
            for old in [false, true] {
                let case = Case::new(start).words(way).words("-fd=5 -fd=19 -fd=7 -fd=5").leaking(3..30);
                let case = if old { case.refusing(Filter::new(libc::SYS_close_range, libc::ENOSYS)) } else { case };
                let list = "for (0 .. 40) { print qq($_ ) if -e qq(/proc/self/fd/$_) }";
                case.args(["--", "perl", "-e", list]).run().prints("0 1 2 5 7 19 ");
            }
        }
        for wrong in ["", "2", "-1", "x", "3x", "4294967299"] {
            let line = "gontainer: -fd: needs a number from 3 up: 0, 1 and 2 are kept anyway";
            Case::new(start).args(["-uts", &format!("-fd={wrong}")]).command("true").run().refuses(2, line);
        }
    }
}

#[test]
fn a_kept_pipe_ends_when_the_command_closes_it() {
    for start in starts() {
        for way in ["-uts", "-pid", "-pid -as-pid1"] {
            let (gontainer, flags) = (gontainer().display(), start.flags.join(" "));
            // The command goes on until the pipe's reader has seen its end, and says so through another.
            let script = format!(
                "dir=$(mktemp -d); mkfifo $dir/back; exec 4<>$dir/back
                 {gontainer} -run {flags} {way} -fd=3 -fd=4 -- sh -c 'echo said >&3; exec 3>&-; read word <&4; exit 37' 3>&1 >/dev/null |
                 {{ cat; echo ended >&4; echo over; }}; rm -r $dir"
            );
            Case::direct(start.user).args(["sh", "-c", &script]).run().prints("said\nover\n");
        }
    }
}

#[test]
fn a_copy_with_privileges_of_its_own_refuses_to_run() {
    let line = "gontainer: refused: set-user-id, set-group-id or file capabilities, or real ids that are not the effective ones";
    for owner in root_users() {
        let folder = Folder::new(owner);
        let copy = folder.join("gontainer");
        let copied = |bits: u32| {
            folder.copy(gontainer(), "gontainer").mode("gontainer", bits);
        };
        let users = || crate::support::users().into_iter().filter(|user| !user.is_root());
        for user in users() {
            let run = |words: &str| Case::direct(user).arg(&copy).words(words).run();
            for bits in [0o4755, 0o2755, 0o6755] {
                copied(bits);
                for words in ["-run -uid -- true", "-run -uts -- true", "-h", "-v", ""] {
                    run(words).refuses(125, line);
                }
            }
            copied(0o755);
            run("-run -uid -- true").prints("");
            let Some(setcap) = need_program("setcap") else { return };
            for capabilities in ["cap_sys_admin=ep", "cap_net_raw=p"] {
                assert!(std::process::Command::new(&setcap).args([capabilities, &copy]).status().unwrap().success());
                run("-run -uid -- true").refuses(125, line);
            }
        }
        // Nor may it make an ordinary user another one.
        let give = |owner| std::os::unix::fs::chown(&copy, Some(owner), Some(owner)).unwrap();
        copied(0o755);
        give(65_533);
        folder.mode("gontainer", 0o4755);
        for user in users() {
            Case::direct(user).arg(&copy).words("-run -uid -- true").run().refuses(125, line);
        }
        give(0);
        // To root they give nothing.
        copied(0o4755);
        Case::direct(owner).arg(&copy).words("-run -uts -- true").run().prints("");
    }
}
