//! Which namespaces are new, seen from inside and outside; and what an IPC namespace hides.

use crate::support::{Case, Start, namespace, rootfs, starts};

const KINDS: [&str; 7] = ["user", "mnt", "uts", "ipc", "net", "pid", "cgroup"];

/// The kinds of namespaces that differ inside.
fn new_inside(start: Start, flags: &str) -> Vec<&'static str> {
    let script = "for kind in user mnt uts ipc net pid cgroup; do readlink /proc/self/ns/$kind; done";
    let inside = Case::new(start).words(flags).script(script).run().text();
    assert_eq!(inside.lines().count(), KINDS.len(), "{inside}");
    KINDS
        .into_iter()
        .zip(inside.lines())
        .filter(|(kind, line)| namespace(kind) != *line)
        .map(|(kind, _)| kind)
        .collect()
}

#[test]
fn exactly_the_namespaces_asked_for_are_new() {
    for start in starts() {
        for (flags, wanted) in [
            ("-uts", &["uts"][..]),
            ("-hostname=box", &["uts"]),
            ("-ipc", &["ipc"]),
            ("-net", &["net"]),
            ("-pid", &["mnt", "pid"]),
            ("-pid -as-pid1", &["mnt", "pid"]),
            ("-mnt=/", &["mnt"]),
            ("-uts -ipc -net -pid", &["mnt", "uts", "ipc", "net", "pid"]),
        ] {
            let mut expected = wanted.to_vec();
            if start.has_user_namespace() {
                expected.insert(0, "user");
            }
            assert_eq!(new_inside(start, flags), expected, "{flags} {start:?}");
        }
    }
}

#[test]
fn a_user_namespace_alone_is_enough() {
    for start in starts().into_iter().filter(|start| start.has_user_namespace()) {
        assert_eq!(new_inside(start, ""), ["user"]);
    }
}

#[test]
fn a_switch_set_to_false_makes_no_namespace() {
    for start in starts() {
        let user: &[&str] = if start.has_user_namespace() { &["user"] } else { &[] };
        let expected = [user, &["ipc"]].concat();
        assert_eq!(new_inside(start, "-ipc -uts=false -net=false -pid=false"), expected);
    }
}

#[test]
fn shared_memory_of_the_host_is_not_there_with_an_ipc_namespace() {
    for start in starts() {
        let script = "cat /proc/sysvipc/shm /proc/sysvipc/msg /proc/sysvipc/sem | wc -l";
        Case::new(start).words("-ipc -pid").script(script).run().prints("3\n"); // a heading each
    }
}

#[test]
fn containers_nest() {
    for start in starts().into_iter().filter(|start| start.has_user_namespace() && !start.is_real_root()) {
        let inner = crate::support::gontainer().to_str().unwrap();
        let root = rootfs(start.user);
        let script = "echo $$; hostname; readlink /proc/1/ns/pid || echo closed";
        Case::new(start)
            .words("-pid -uts -hostname=outer --")
            .args([inner, "-run", "-uid", "-pid", "-uts", "-hostname=inner"])
            .root(&root)
            .script(script)
            .run()
            .prints("2\ninner\nclosed\n");
    }
}
