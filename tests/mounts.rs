//! /proc, and what a mount namespace keeps apart.

use crate::support::{Case, Filter, When, mounts, root_users, rootfs, skip, starts, users};

#[test]
fn a_pid_namespace_has_a_proc_of_its_own_with_a_rootfs_and_without() {
    for start in starts() {
        // The shell, ls and grep, and PID 1: whoever else is on the host is not there.
        let script = "ls /proc | grep -c '^[0-9]*$'; cat /proc/sys/kernel/ns_last_pid >/dev/null; echo $$";
        let run = Case::new(start).words("-pid").script(script).run().text();
        let (count, pid) = run.trim_end().split_once('\n').unwrap();
        assert!(count.parse::<u32>().unwrap() <= 4 && pid == "2", "{run}");
        let root = rootfs(start.user);
        let shown = Case::new(start).root(&root).words("-pid").command("ls -d /proc/1 /proc/2").run();
        shown.prints("/proc/1\n/proc/2\n");
    }
}

#[test]
fn the_new_proc_gives_no_devices_no_programs_and_no_setuid() {
    for start in starts() {
        let script = "grep ' /proc proc ' /proc/self/mounts | tail -n 1";
        Case::new(start)
            .words("-pid")
            .script(script)
            .run()
            .prints("proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\n");
    }
}

#[test]
fn with_a_rootfs_no_mount_of_the_host_is_left() {
    for start in starts() {
        let root = rootfs(start.user);
        let points = "while read -r line; do set -- $line; echo $5; done </proc/self/mountinfo";
        let bare = Case::new(start).root(&root).words("-pid -dev=none -dns=none").script(points).run().text();
        let ours =
            |point: &str| point == "/" || point == "/proc" || start.is_real_root() && point.starts_with("/proc/");
        assert!(bare.starts_with("/\n/proc\n") && bare.lines().all(ours), "{bare}");
        let whole = Case::new(start).root(&root).words("-pid").script(points).run().text();
        assert!(whole.lines().all(|point| ours(point) || point == "/dev" || point.starts_with("/dev/")), "{whole}");
    }
}

#[test]
fn mounts_made_inside_stay_inside() {
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        let root = rootfs(start.user);
        let script = "mount -t tmpfs none /tmp && echo >/tmp/file && grep -c ' /tmp tmpfs ' /proc/mounts";
        Case::new(start).root(&root).words("-pid").script(script).run().prints("1\n");
        assert!(!root.exists("tmp/file"));
    }
}

#[test]
fn the_host_sees_no_mount_even_where_its_own_are_shared() {
    for user in root_users() {
        let root = rootfs(user);
        let gontainer = crate::support::gontainer().display();
        let script = format!(
            "before=$(cat /proc/self/mountinfo)
             {gontainer} -run -pid -- true && {gontainer} -run -uid -pid -- true || exit 41
             {gontainer} -run -pid -mnt={} -- /bin/true || exit 42
             {gontainer} -run -uid -pid -mnt={0} -- /bin/true || exit 43
             [ \"$before\" = \"$(cat /proc/self/mountinfo)\" ]",
            root.join(""),
        );
        Case::direct(user).shared_mounts().args(["sh", "-c", &script]).run().prints("");
    }
}

#[test]
fn the_hosts_own_mounts_are_as_before() {
    let before = mounts();
    for start in starts() {
        let root = rootfs(start.user);
        Case::new(start).words("-pid").command("true").run().prints("");
        Case::new(start).root(&root).words("-pid").command("true").run().prints("");
    }
    assert_eq!(mounts(), before);
}

#[test]
fn a_rootfs_without_a_proc_folder_gets_one() {
    for start in starts() {
        let root = rootfs(start.user);
        root.remove("proc");
        Case::new(start).root(&root).words("-pid").command("readlink /proc/self").run().prints("2\n");
    }
}

#[test]
fn a_rootfs_whose_proc_is_no_folder_is_refused() {
    for start in starts() {
        for make in [
            |root: &crate::support::Folder| _ = root.link("proc", "/tmp"),
            |root: &crate::support::Folder| _ = root.link("proc", "nowhere"),
            |root: &crate::support::Folder| _ = root.link("proc", "/../../../../../../tmp"),
            |root: &crate::support::Folder| _ = root.file("proc", 0o644, ""),
        ] {
            let root = rootfs(start.user);
            root.remove("proc");
            make(&root);
            let run = Case::new(start).root(&root).words("-pid").command("true").run();
            run.refuses(125, "gontainer: move /proc into the rootfs: open(/proc): not a directory (ENOTDIR)")
                .no_hints();
        }
    }
}

#[test]
fn where_a_part_of_proc_is_covered_the_old_one_is_taken_and_that_is_said() {
    const SAID: &str = "gontainer: /proc is the one from outside: the kernel allows no new one where a part of it is \
                        covered, as in Docker\n";
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        let root = rootfs(start.user);
        let gontainer = crate::support::gontainer().display();
        for flags in [String::new(), format!("-mnt={}", root.join(""))] {
            let script = format!(
                "mount -t tmpfs none /proc/fs && exec {gontainer} -run -uid -pid {flags} -- sh -c 'readlink /proc/self'"
            );
            let run = Case::new(start).words("-pid").script(&script).run();
            run.status(0).stderr(SAID);
        }
    }
}

/// The same for root, to whom the old one is the way to what is mounted in it.
#[test]
fn in_an_old_proc_too_root_finds_no_file_system_of_the_hosts() {
    let Some(user) = users().into_iter().find(|user| user.is_root()) else { return skip("only root may mount this") };
    let filesystems = std::fs::read_to_string("/proc/filesystems").unwrap();
    if !filesystems.contains("binfmt_misc") {
        return skip("this kernel has no binfmt_misc");
    }
    let root = rootfs(user);
    for flags in ["-run -uid -pid", "-run -uid", "-run -strict"] {
        let line = format!(
            "mount -t tmpfs -o ro none /proc/acpi; mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && exec {} {flags} \
             -mnt={} -- sh -c 'ls /proc/sys/fs/binfmt_misc; cat /proc/filesystems >/dev/null && echo seen'",
            crate::support::gontainer().display(),
            root.join("")
        );
        Case::direct(user).private_mounts().args(["sh", "-c", &line]).run().stdout("seen\n").status(0);
    }
}

/// What covers a file is the host's /dev/null. Without one nothing would be covered.
#[test]
fn without_anything_to_cover_with_root_is_refused() {
    let Some(user) = users().into_iter().find(|user| user.is_root()) else { return skip("only root gets covers") };
    let line = format!("mount -t tmpfs none /dev && exec {} -run -pid -- true", crate::support::gontainer().display());
    let run = Case::direct(user).private_mounts().args(["sh", "-c", &line]).run();
    let line = "gontainer: cover what root could misuse in /proc: stat(/dev/null): no such file or directory (ENOENT)";
    run.refuses(125, line);
}

#[test]
fn in_a_user_namespace_of_others_a_terminal_needs_no_group_5() {
    for start in starts().into_iter().filter(|start| start.has_user_namespace()) {
        let root = rootfs(start.user);
        let gontainer = crate::support::gontainer().display();
        let script = format!("{gontainer} -run -pid -mnt={} -- ls /dev/pts/ptmx", root.join(""));
        Case::new(start).arg("-cap=all").script(&script).run().prints("/dev/pts/ptmx\n");
    }
}

#[test]
fn without_a_user_namespace_a_new_proc_that_is_refused_is_a_failure() {
    for start in starts().into_iter().filter(|start| !start.has_user_namespace()) {
        let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
        let filter = Filter::new(libc::SYS_mount, libc::EPERM).when(When::Is(3, u32::try_from(flags).unwrap()));
        let run = Case::new(start).words("-pid").command("true").refusing(filter).run();
        run.refuses(125, "gontainer: mount a new /proc: mount(/proc): operation not permitted (EPERM)");
    }
}

/// What covers a directory is one of /proc's, too, whose mode is the same everywhere.
#[test]
fn with_strict_nothing_in_proc_changes_its_mode() {
    for start in starts().into_iter().filter(|start| start.is_real_root()) {
        if !std::path::Path::new("/proc/acpi").exists() {
            return skip("there is no /proc/acpi here");
        }
        let script =
            "chmod 555 /proc/acpi 2>&1 | grep -o Read-only; chmod 555 /proc/tty/ldisc 2>&1 | grep -o Read-only";
        Case::new(start).words("-strict").script(script).run().prints("Read-only\nRead-only\n");
    }
}

/// How much power others' work takes tells what it is (PLATYPUS). There is none here to look at.
#[test]
fn what_measures_power_is_covered_for_real_root() {
    for start in starts() {
        let root = rootfs(start.user);
        let plan = Case::new(start).root(&root).words("-net -plan").command("true").run().text();
        assert_eq!(plan.contains("devices/virtual/powercap"), start.is_real_root(), "{plan}");
    }
}

#[test]
fn firmware_is_nothing_to_see_for_real_root() {
    for start in starts().into_iter().filter(|start| start.is_real_root()) {
        if !std::path::Path::new("/sys/firmware").exists() {
            return skip("there is no /sys/firmware here");
        }
        let root = rootfs(start.user);
        let script = "ls /sys/firmware; touch /sys/firmware/x 2>&1 | grep -o 'Read-only'";
        Case::new(start).root(&root).words("-pid -net").script(script).run().stdout("Read-only\n");
    }
}

/// As in a container without a network of its own: the kernel makes no new one.
#[test]
fn where_there_is_no_sys_outside_there_is_none_inside() {
    for start in starts().into_iter().filter(|start| !start.is_real_root()) {
        let root = rootfs(start.user);
        let gontainer = crate::support::gontainer();
        root.program(gontainer);
        let inner = format!("{} -run -uid -pid -net -mnt=/ -- sh -c 'echo /sys/*'", gontainer.display());
        Case::new(start).root(&root).words("-pid").script(&inner).run().prints("/sys/*\n");
    }
}

/// Each name that this kernel has, by what the mount table says of it.
#[test]
fn what_root_could_misuse_in_proc_is_covered_by_name() {
    const COVERED: [&str; 19] = [
        "kcore",
        "keys",
        "kpagecgroup",
        "kpagecount",
        "kpageflags",
        "latency_stats",
        "slabinfo",
        "timer_list",
        "vmallocinfo",
        "sched_debug",
        "acpi",
        "asound",
        "scsi",
        "bus",
        "dynamic_debug",
        "fs",
        "irq",
        "sys",
        "sysrq-trigger",
    ];
    for start in starts().into_iter().filter(|start| start.is_real_root()) {
        let root = rootfs(start.user);
        for way in ["-pid", "-pid -mnt=@", "-mnt=@"] {
            let case = Case::new(start).words(&way.replace('@', &root.join("")));
            let table = case.command("cat /proc/self/mountinfo").run().text();
            for name in COVERED.iter().filter(|name| std::path::Path::new("/proc").join(name).exists()) {
                let state = if matches!(*name, "acpi" | "asound" | "scsi") { "" } else { "ro," }; // one is as empty as the other
                let place = format!(" /proc/{name} {state}");
                assert!(table.lines().any(|line| line.contains(&place)), "{way}: {name} is not covered:\n{table}");
            }
        }
    }
}

#[test]
fn what_is_given_holds_no_set_user_id_programs_and_little_else() {
    for start in starts() {
        let root = rootfs(start.user);
        let script = "grep -c -E ' /dev(/shm|/pts)? [^ ]+ [^ ]*nosuid' /proc/mounts; \
                      dd if=/dev/zero of=/dev/x bs=64k count=4 2>&1 | grep -o 'No space'";
        Case::new(start).root(&root).words("-pid").script(script).run().stdout("3\nNo space\n");
    }
}

/// By the options that the mount itself has, and what its file system was made with.
#[test]
fn what_is_given_has_these_options_and_no_others() {
    for start in starts() {
        let root = rootfs(start.user);
        let script = "while read -r line; do set -- $line; case $5 in
                      /dev|/dev/pts|/dev/shm|/dev/mqueue|/proc|/sys|/tmp) echo $5 $6;; esac; done </proc/self/mountinfo
                      stat -c '%n %a' /dev /dev/pts/ptmx /dev/shm /tmp; grep -c ' /dev/pts .*[ ,]ptmxmode=666' /proc/mounts";
        let expected = "/proc rw,nosuid,nodev,noexec,relatime
                        /sys ro,nosuid,nodev,noexec,relatime
                        /dev rw,nosuid,nodev,noexec,relatime
                        /dev/pts rw,nosuid,noexec,relatime
                        /dev/shm rw,nosuid,nodev,relatime
                        /dev/mqueue rw,nosuid,nodev,noexec,relatime
                        /tmp rw,nosuid,nodev,relatime
                        /dev 755
                        /dev/pts/ptmx 666
                        /dev/shm 1777
                        /tmp 1777
                        1
                        ";
        let run = Case::new(start).root(&root).words("-pid -net -ipc -tmpfs=/tmp").umask(0o077).script(script).run();
        run.prints(expected.replace("                        ", ""));
    }
}
