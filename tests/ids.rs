//! User and group ids.

use crate::support::{Case, Folder, Start, User, root_users, rootfs, starts, users};
use std::os::unix::fs::MetadataExt as _;

fn with_user_namespace() -> impl Iterator<Item = Start> {
    starts().into_iter().filter(|start| start.has_user_namespace())
}

#[test]
fn the_caller_is_root_inside() {
    for start in with_user_namespace() {
        Case::new(start).script("id -u; id -g").run().prints("0\n0\n");
        let root = rootfs(start.user);
        Case::new(start)
            .root(&root)
            .words("-pid")
            .script("id -un; id -gn; cd && pwd")
            .run()
            .prints("root\nroot\n/root\n");
    }
}

/// The words of an id map as the kernel pads them.
fn map(outside: u32) -> String {
    format!("{:>10} {:>10} {:>10}\n", 0, outside, 1)
}

#[test]
fn only_the_callers_own_ids_are_mapped_and_setgroups_is_denied() {
    for start in with_user_namespace() {
        let expected = format!("{}{}deny\n", map(start.user.uid), map(start.user.gid));
        let files = "/proc/self/uid_map /proc/self/gid_map /proc/self/setgroups";
        Case::new(start).command(&format!("cat {files}")).run().prints(&expected);
        Case::new(start).words("-pid").command(&format!("cat {files}")).run().prints(&expected);
    }
}

#[test]
fn what_is_made_inside_is_the_callers_outside() {
    for start in starts() {
        let root = rootfs(start.user);
        Case::new(start).root(&root).script("echo made >/root/file; stat -c %u:%g /root/file").run().prints("0:0\n");
        let data = std::fs::metadata(root.path().join("root/file")).unwrap();
        assert_eq!((data.uid(), data.gid()), (start.user.uid, start.user.gid));
    }
}

#[test]
fn what_the_caller_may_not_read_root_inside_may_not_read_either() {
    for root in root_users() {
        let secret = Folder::new(root);
        secret.file("secret", 0o600, "secret");
        for start in with_user_namespace().filter(|start| !start.is_real_root()) {
            let run = Case::new(start).command(&format!("cat {}", secret.join("secret"))).run();
            run.stdout("").status(1);
            Case::new(start).command(&format!("chown 0:0 {}", secret.join(""))).run().stdout("").status(1);
        }
    }
}

#[test]
fn without_a_user_namespace_the_ids_are_the_callers() {
    for start in starts().into_iter().filter(|start| !start.has_user_namespace()) {
        Case::new(start)
            .words("-pid")
            .command("cat /proc/self/uid_map")
            .run()
            .prints(std::fs::read_to_string("/proc/self/uid_map").unwrap());
    }
}

#[test]
fn odd_ids_are_mapped_as_they_are() {
    for _ in root_users() {
        for (uid, gid) in [(1, 4_294_967_294), (4_294_967_294, 1), (2_147_483_648, 65535), (0, 7), (7, 0)] {
            let start = Start { user: User::other("an odd user", uid, gid), flags: &["-uid"] };
            let expected = format!("0\n{}{}", map(uid), map(gid));
            Case::new(start)
                .words("-pid")
                .script("id -u; cat /proc/self/uid_map /proc/self/gid_map")
                .run()
                .prints(expected);
        }
    }
}

#[test]
fn an_ordinary_user_without_uid_is_told_so() {
    for user in users().into_iter().filter(|user| !user.is_root()) {
        for flags in ["-pid", "-uts", "-ipc", "-net", "-mnt=/"] {
            Case::plain(user)
                .words("-run")
                .words(flags)
                .command("true")
                .run()
                .refuses(125, "gontainer: make the namespaces: clone: operation not permitted (EPERM)")
                .hints("-uid");
        }
    }
}
