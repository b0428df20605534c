//! What the command may do.

use crate::support::{Case, Start, rootfs, skip, starts};
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
