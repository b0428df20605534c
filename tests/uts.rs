//! The host name.

use crate::support::{Case, rootfs, starts};
use std::fs;

fn host_name() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap()
}

#[test]
fn the_host_name_is_gontainer_unless_another_is_given() {
    for start in starts() {
        let named = |flags: &str| Case::new(start).words(flags).command("uname -n").run();
        named("-uts").prints("gontainer\n");
        named("-uts -hostname=box").prints("box\n");
        named("-hostname=box").prints("box\n"); // implies -uts
        named("-hostname box").prints("box\n");
        named("-uts=false -hostname=box").prints("box\n");
    }
}

#[test]
fn the_hosts_name_stays_what_it_was() {
    let before = host_name();
    for start in starts() {
        Case::new(start).words("-hostname=elsewhere").command("true").run().prints("");
        assert_eq!(host_name(), before);
    }
}

#[test]
fn without_uts_the_host_name_is_the_hosts() {
    for start in starts() {
        let root = rootfs(start.user);
        Case::new(start).root(&root).command("hostname").run().prints(host_name());
    }
}

#[test]
fn a_host_name_has_64_bytes_at_most() {
    for start in starts() {
        let longest = "x".repeat(64);
        let run = |name: &str| Case::new(start).arg(format!("-hostname={name}")).command("uname -n").run();
        run(&longest).prints(format!("{longest}\n"));
        for wrong in ["", "a/b", "/", &"x".repeat(65)] {
            run(wrong).refuses(2, "gontainer: -hostname: must be 1 to 64 bytes without '/'");
        }
    }
}

#[test]
fn any_other_byte_may_stand_in_a_host_name() {
    for start in starts() {
        for name in ["a b", "ünï", "-x", "a\nb", "$(id)"] {
            let root = rootfs(start.user);
            let case = Case::new(start).root(&root).words("-pid").args(["-hostname", name]);
            case.command("cat /proc/sys/kernel/hostname").run().prints(format!("{name}\n"));
        }
    }
}
