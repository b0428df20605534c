//! Which namespaces are new, seen from inside and outside; and what an IPC namespace hides.

use crate::support::{Case, Fault, Seen, Start, namespace, rootfs, starts};

const KINDS: [&str; 8] = ["user", "mnt", "uts", "ipc", "net", "pid", "cgroup", "time"];

/// The kinds of namespaces that differ inside.
fn new_inside(start: Start, flags: &str) -> Vec<&'static str> {
    let script = "for kind in user mnt uts ipc net pid cgroup time; do readlink /proc/self/ns/$kind; done";
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
            ("-cgroup", &["cgroup"]),
            ("-time", &["time"]),
            ("-time -pid", &["mnt", "pid", "time"]),
            ("-time -pid -as-pid1", &["mnt", "pid", "time"]),
            ("-uid=false -cgroup -time", &["cgroup", "time"]),
            ("-all", &["mnt", "uts", "ipc", "net", "pid", "cgroup", "time"]),
            ("-all -net=false -time=false", &["mnt", "uts", "ipc", "pid", "cgroup"]),
            ("-all -uid=false -pid=false", &["uts", "ipc", "net", "cgroup", "time"]),
        ] {
            let mut expected = wanted.to_vec();
            let has_user = start.has_user_namespace() || flags.contains("-all");
            if flags.contains("-uid=false") {
                if !start.is_real_root() {
                    continue;
                }
            } else if has_user {
                expected.insert(0, "user");
            }
            assert_eq!(new_inside(start, flags), expected, "{flags} {start:?}");
        }
    }
}

#[test]
fn a_cgroup_namespace_hides_where_one_is() {
    for start in starts() {
        Case::new(start).words("-cgroup").script("sed 's/.*:/:/' /proc/self/cgroup | sort -u").run().prints(":/\n");
    }
}

#[test]
fn a_kernel_without_time_namespaces_is_no_obstacle_to_all_but_to_time() {
    for start in starts() {
        // Its file is looked for, as a kernel without CONFIG_TIME_NS has none.
        let run = |flags| {
            let case = || Case::new(start).words(flags).command("echo on");
            let is_look = |seen: &&Seen| i64::from(seen.call) == libc::SYS_faccessat;
            let at = *case().watched(None).1.calls.iter().find(is_look).unwrap();
            case().watched(Some(Fault { at, errno: libc::ENOENT })).0
        };
        let note = "gontainer: -time is left out: it takes Linux 6.2 and CONFIG_TIME_NS\n";
        run("-all").stdout("on\n").stderr(note).status(0);
        let line = "gontainer: see that the kernel has time namespaces: unshare CLONE_NEWTIME: takes Linux 6.2 and \
                    CONFIG_TIME_NS";
        run("-all -time").refuses(125, line);
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
