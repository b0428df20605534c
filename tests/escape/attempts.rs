//! Attacks that a shell can make, and what a rootfs may be prepared for; they must fail.

use crate::support::{Case, Filter, Folder, gontainer, is_static, need_program, root_users, rootfs, skip, starts};
use std::os::unix::fs::PermissionsExt as _;

/// PID 1 may share its memory with gontainer outside. Root inside that could write there would be out.
#[test]
fn the_memory_of_pid_1_is_closed_to_root_inside() {
    for start in starts() {
        let root = rootfs(start.user);
        for attack in [
            "dd if=/dev/zero of=/proc/1/mem bs=1 count=1 conv=notrunc",
            "dd if=/proc/1/mem of=/dev/null bs=1 count=1",
            "cat /proc/1/maps",
            "cat /proc/1/environ",
            "cat /proc/1/auxv",
            "cat /proc/1/stack",
            "cat /proc/1/syscall",
            "readlink /proc/1/exe",
            "dd if=/dev/null of=/proc/1/exe conv=notrunc",
            "cat /proc/1/exe",
            "ls /proc/1/root/",
            "ls /proc/1/cwd/",
            "readlink /proc/1/root",
            "readlink /proc/1/cwd",
            "readlink /proc/1/ns/pid",
            "readlink /proc/1/ns/mnt",
        ] {
            for case in [Case::new(start), Case::new(start).root(&root)] {
                let run = case.words("-pid").command(attack).run();
                run.that("the attack fails", run.stdout.is_empty() && run.code().is_some_and(|code| code != 0));
            }
        }
    }
}

#[test]
fn the_descriptors_of_pid_1_are_closed_to_root_inside() {
    for start in starts() {
        let script = "for link in /proc/1/fd/*; do readlink $link; true 2>/dev/null <$link && echo opened; done
                      cat /proc/1/fdinfo/* 2>/dev/null; exit 37";
        Case::new(start).words("-pid").script(script).run().stdout("").status(37);
        // With a terminal, PID 1 has work for some.
        let run = Case::new(start).words("-pid").script(script).on_terminal().piped(2).run();
        run.status(37).that("nothing is seen or opened", run.screen.is_empty());
    }
}

#[test]
fn pid_1_cannot_be_traced_from_inside() {
    let Some(_) = need_program("strace") else { return };
    for start in starts() {
        for attack in ["strace -o /dev/null -p 1", "strace -o /dev/null -p 1 -e trace=none"] {
            let run = Case::new(start).words("-pid").command(attack).run();
            run.that("the attack fails", run.stdout.is_empty() && run.code() == Some(1));
            run.that("it is not permitted", run.complaint().contains("Operation not permitted"));
        }
    }
}

#[test]
fn pid_1_cannot_be_killed_from_inside() {
    for start in starts() {
        for signal in ["TERM", "KILL", "STOP", "HUP", "INT", "SEGV", "CHLD", "ABRT", "USR1"] {
            // What PID 1 takes, it forwards to the command.
            let script = format!("trap '' HUP INT TERM USR1 ABRT SEGV; kill -{signal} 1; echo alive; exit 37");
            Case::new(start).words("-pid").script(&script).run().stdout("alive\n").stderr("").status(37);
        }
    }
}

#[test]
fn gontainer_outside_is_not_to_be_seen_or_reached_from_inside() {
    for start in starts() {
        let root = rootfs(start.user);
        let script = "cat /proc/[0-9]*/comm; grep PPid: /proc/1/status; kill -KILL -1; echo alive";
        let run = Case::new(start).words("-pid").root(&root).script(script).run();
        run.stdout("gontainer\nsh\nPPid:\t0\nalive\n").status(0);
    }
}

#[test]
fn without_a_pid_namespace_gontainer_cannot_be_traced_or_written_to() {
    for start in starts() {
        let script = "dd if=/dev/zero of=/proc/$PPID/mem bs=1 count=1 conv=notrunc 2>/dev/null && exit 41
                      readlink /proc/$PPID/exe || readlink /proc/$PPID/root || readlink /proc/$PPID/fd/0 || exit 37";
        let run = Case::new(start).words("-uts").script(script).run();
        run.stdout("").status(37);
    }
}

#[test]
fn no_descriptor_leads_out() {
    for start in starts() {
        let root = rootfs(start.user);
        root.file("mark", 0o644, "");
        let script = "for link in /proc/self/fd/*; do [ -d $link/ ] && [ ! -e $link/mark ] && echo $link; done; true";
        Case::new(start).root(&root).words("-pid").leaking(3..20).script(script).run().prints("");
    }
}

/// The kernel looks up a command and its interpreters before it closes what is close-on-exec: a directory that is still
/// open then is a way up, out of the tree, for the tree's own program. All but the tree itself.
#[test]
fn no_directory_of_the_host_is_open_when_the_command_is_executed() {
    for start in starts() {
        let [changes, bound] = [Folder::new(start.user), Folder::new(start.user)];
        let overlay = format!("-overlay={}", changes.join(""));
        let bind = format!("-bind={}:/bound:ro", bound.join(""));
        for flags in [&["-pid"][..], &["-pid", "-as-pid1"], &["-uts"], &[&overlay, "-pid"], &[&bind, "-ro", "-pid"]] {
            let root = rootfs(start.user);
            let executed = |to: &str| {
                root.file("bin/interpreter", 0o755, format!("#!{to}\n")).link("true", to);
                let run = |name| Case::new(start).root(&root).args(flags).args(["--", name]).run().code().unwrap();
                let codes = [run("interpreter"), run("/true")];
                root.remove("true");
                codes
            };
            for fd in 0..12 {
                // A directory cannot be executed, 126; and in one of the host's this is missing, 127.
                let itself = executed(&format!("/proc/self/fd/{fd}/."));
                let below = executed(&format!("/proc/self/fd/{fd}/bin/true"));
                let is_hosts = itself.into_iter().zip(below).any(|codes| codes == (126, 127));
                assert!(!is_hosts, "descriptor {fd} with {flags:?} {start:?}: {itself:?} {below:?}");
            }
        }
    }
}

/// `/proc/self/exe` of what is about to become the command is gontainer's own file: as an interpreter it would be run
/// inside, with whatever flags a tree likes, and be the host's file within reach of what it starts (CVE-2019-5736).
#[test]
fn gontainers_own_file_does_not_run_inside() {
    if !is_static() {
        return skip("what cargo builds is dynamic: the tree's loader runs before it");
    }
    for start in starts() {
        let host = Folder::new(start.user);
        host.copy(gontainer(), "gontainer").mode("gontainer", 0o755);
        for flags in ["-pid", "-pid -as-pid1", "-uts", "-pid -overlay", "-pid -new-privs", "-pid -seccomp=off"] {
            let root = rootfs(start.user);
            root.file("bin/evil", 0o755, "#!/bin/sh\nchmod 777 /proc/$PPID/exe; echo ran\n");
            root.link("bin/chmod", "busybox").link("bin/own", "/proc/self/exe");
            root.file("-uid", 0o755, "#!/proc/self/exe -bench=2\n").file("--", 0o755, "#!-uid -vs=/bin/evil\n");
            root.file("bin/nested", 0o755, "#!-- /bin/true\n");
            // In the place of its name a link that leads to it again.
            let name = host.join("gontainer");
            std::fs::create_dir_all(format!("{}{}", root.join(""), host.join(""))).unwrap();
            root.link(&name[1..], "/proc/self/exe");
            for command in [&["nested"][..], &["own", "-v"], &["own", "-run", "-uts", "--", "evil"]] {
                let case = Case::direct(start.user).arg(&name).arg("-run").args(start.flags).root(&root);
                let run = case.words(flags).arg("--").args(command).run();
                run.status(125)
                    .stdout("")
                    .that("it says why", run.stderr.starts_with(b"gontainer: refused: this file was"));
            }
            assert_eq!(std::fs::metadata(&name).unwrap().permissions().mode() & 0o777, 0o755);
        }
    }
}

/// Bound read-only, at its own name too, the file that `/proc/self/exe` leads to is still the host's, to be written to.
#[test]
fn nor_does_it_where_its_name_is_a_bind_of_it() {
    if !is_static() {
        return skip("what cargo builds is dynamic: the tree's loader runs before it");
    }
    for start in starts() {
        let host = Folder::new(start.user);
        host.copy(gontainer(), "gontainer").mode("gontainer", 0o755);
        let name = host.join("gontainer");
        let root = rootfs(start.user);
        root.link("bin/own", "/proc/self/exe").link("bin/bound", &name);
        let run = |command| {
            let case = Case::direct(start.user).arg(&name).arg("-run").args(start.flags).root(&root);
            case.arg(format!("-bind={name}:{name}:ro")).args(["-pid", "--", command, "-v"]).run()
        };
        let own = run("own");
        own.status(125).stdout("").that("it says why", own.stderr.starts_with(b"gontainer: refused: this file was"));
        run("bound").status(0);
    }
}

#[test]
fn the_old_root_is_gone() {
    for start in starts() {
        let host = Folder::new(start.user);
        host.file("witness", 0o666, "");
        let witness = host.join("witness");
        for attempt in [
            "umount -l /; umount /; umount -l /; cd /..; ls $0",
            "mkdir /x; chroot /x /bin/true; cd ../../../../../../../..; ls .$0; ls $0",
            "cd /proc/self/root/..; ls .$0; ls /proc/self/root/../$0; ls /proc/2/root$0; ls /proc/2/cwd$0",
            "mount --bind / /tmp; ls /tmp$0; mount --move / /tmp; ls /tmp$0",
            "mount --make-rshared /; umount -l /proc; ls $0",
        ] {
            let root = rootfs(start.user);
            let case = Case::new(start).root(&root).words("-pid").args(["--", "sh", "-c", attempt, &witness]);
            case.run().stdout("");
        }
    }
}

#[test]
fn links_in_a_hostile_rootfs_write_nothing_on_the_host() {
    for start in starts() {
        let host = Folder::new(start.user);
        for target in [host.join(""), format!("/../../../../../..{}", host.join("")), "..".into()] {
            let root = rootfs(start.user);
            for name in ["proc", "dev", "sys", "tmp", "etc"] {
                root.remove(name).link(name, &target);
            }
            Case::new(start).root(&root).words("-pid -uts -ipc -net").command("true").run().status(125).stdout("");
            Case::new(start).root(&root).words("-uts -ipc -net").script("echo >/tmp/file; echo >/dev/file").run();
            assert_eq!(std::fs::read_dir(host.path()).unwrap().count(), 0);
        }
    }
}

#[test]
fn a_device_made_inside_by_an_ordinary_user_opens_nothing() {
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        let root = rootfs(start.user);
        let run = Case::new(start).root(&root).words("-pid").script("mknod /null c 1 3; mknod /disk b 254 0").run();
        run.that("mknod fails", run.code() == Some(1));
        assert!(!root.exists("null") && !root.exists("disk"));
    }
}

#[test]
fn setuid_programs_of_the_host_give_nothing() {
    for user in root_users() {
        let host = Folder::new(user);
        let shell = crate::support::find_program("busybox").unwrap();
        host.copy(&shell, "id").mode("id", 0o6755);
        for start in starts().into_iter().filter(|start| !start.is_real_root()) {
            // Its owner has no number inside, so neither bit counts.
            let run = Case::new(start).command(&format!("{} -u", host.join("id"))).run();
            run.prints("0\n");
            let run = Case::new(start).script(&format!("{} -u; cat /etc/shadow", host.join("id"))).run();
            run.stdout("0\n").status(1);
        }
    }
}

/// Root led to a place where somebody else made /proc: of files, of links to files or to another process, of FIFOs.
#[test]
fn a_proc_that_somebody_made_is_not_written_to() {
    let Some(_) = need_program("perl") else { return };
    let gontainer = crate::support::gontainer().display();
    let made = "is not the kernel's: somebody made it";
    for user in root_users() {
        for (entries, says) in [
            ("mkdir $n; for (@names) { open my $file, q(>), qq($n/$_) or die }", made),
            ("mkdir $n; symlink qq($work/witness), qq($n/$_) or die for @names", made),
            ("mkdir $n; POSIX::mkfifo qq($n/$_), 0600 or die for @names", made),
            ("symlink qq($work/proc/$victim), $n or die", "not a directory (ENOTDIR)"),
        ] {
            for (flags, step) in [
                ("-uid -uts", "deny setgroups"),
                ("-map=0:7:9 -uts", "map the group id"),
                ("-uts -oom=5", "set how soon memory kills it"),
            ] {
                let work = Folder::new(user);
                work.file("witness", 0o644, "").dir("proc");
                // All numbers that a process may get in a new PID namespace. The other one has no id map yet.
                let script = format!(
                    "work={}; export work; mount -t proc none $work/proc; cd $work/proc
                     unshare --user sleep 1000 & victim=$!; export victim
                     while [ $(readlink $victim/ns/user) = $(readlink self/ns/user) ]; do :; done
                     mount -t tmpfs none /proc; cd /proc
                     perl -MPOSIX -e 'my ($work, $victim) = @ENV{{qw(work victim)}};
                         my @names = qw(setgroups uid_map gid_map oom_score_adj); for my $n (2 .. 2000) {{ {entries} }}'
                     sh -c 'ln -s $$ self; exec {gontainer} -run {flags} -- echo ran' || echo $?
                     cat $work/witness; cd $work/proc/$victim; cat setgroups uid_map gid_map oom_score_adj
                     find /proc -type f -size +0",
                    work.join(""),
                );
                let case = Case::direct(user).words("unshare --mount --pid --fork --propagation private");
                let run = case.args(["sh", "-ec", &script]).run();
                run.stdout("125\nallow\n0\n").status(0);
                let line = format!("gontainer: {step}: open(/proc): {says}\n");
                run.that("it is said", run.complaint().starts_with(&line));
            }
        }
        // Nor believed by who is confined, as here by a filter, where descriptors to be closed are read from it:
        // before Linux 5.9.
        let script =
            format!("mount -t tmpfs none /proc; mkdir -p /proc/self/fd; exec {gontainer} -run -uts -- echo ran");
        let case = Case::direct(user).private_mounts().refusing(Filter::new(libc::SYS_close_range, libc::ENOSYS));
        let line = "gontainer: refused: this file was not run by its name, or nothing here says so";
        case.args(["sh", "-ec", &script]).run().refuses(125, line);
    }
}

/// To drop a group could give what the group is denied (CVE-2014-8989); where nothing drops them, they also go on
/// giving what they gave.
#[test]
fn the_callers_groups_deny_and_give_inside_what_they_do_outside() {
    let Some(setpriv) = need_program("setpriv") else { return };
    for user in root_users() {
        let folder = Folder::new(user);
        folder.file("denied", 0o604, "denied\n").file("given", 0o640, "given\n");
        for name in ["denied", "given"] {
            std::os::unix::fs::chown(folder.path().join(name), None, Some(7)).unwrap();
        }
        for way in ["-uid", "-uid -pid", "-map=self -pid"] {
            let gontainer = crate::support::gontainer().display();
            let (setpriv, denied, given) = (setpriv.display(), folder.join("denied"), folder.join("given"));
            let script = format!(
                "exec {setpriv} --reuid 65534 --regid 65534 --groups 7 {gontainer} -run {way} -- sh -c '
                 cat {given} {denied}; {setpriv} --clear-groups cat {denied}'"
            );
            Case::direct(user).args(["sh", "-c", &script]).run().stdout("given\n");
        }
    }
}

/// Nor is a file taken for a device because it lies where one should.
#[test]
fn what_is_not_the_device_that_its_name_says_is_not_handed_on() {
    for start in starts() {
        for (source, name) in [("/etc/passwd", "urandom"), ("/dev/full", "zero"), ("/dev/zero", "null")] {
            let root = rootfs(start.user);
            let flags = start.flags.join(" ");
            let script = format!(
                "mount --bind {source} /dev/{name} && exec {} -run {flags} -mnt={} -proc=none -- echo ran",
                crate::support::gontainer().display(),
                root.join("")
            );
            // Whoever may mount there: root, or an ordinary user as root of a container.
            let case = if start.is_real_root() {
                Case::direct(start.user).private_mounts()
            } else {
                Case::new(start).words("-pid").arg("--")
            };
            let line = format!("gontainer: fill a small /dev: stat(/dev/{name}): no such device or address (ENXIO)");
            case.args(["sh", "-c", &script]).run().refuses(125, &line);
        }
    }
}
