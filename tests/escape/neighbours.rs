//! Others on the same machine, of the same user or not, who try to get hold of a container while it starts and
//! runs: its half-made child is in its user's hands, and shares gontainer's memory.
//!
//! Who may trace gontainer may trace its child, and has nothing to gain by it: that is its user, outside. The
//! same user as root of another container, even one that was started without -pid and so has all pids in sight,
//! is in another user namespace, and gets no hold of gontainer, its child or its command. It may send signals to
//! them, though, as to any process of its user's: only -pid keeps it from that.
//!
//! Root's container without -uid is in the host's user namespace and owns all that root makes in it. Without -pid,
//! it may trace the commands of root's other containers: this is what leaving both out means. But it gets no hold
//! of what shares memory with gontainer, which has all capabilities: see `close_memory`.

use super::program;
use crate::support::{Case, Start, marker, starts, users};

const WAYS: [&str; 3] = ["-uts", "-pid", "-pid -as-pid1"];

/// Has a neighbour try, while containers start in every way, and one of each runs; returns what it says. Only what
/// has its name from gontainer's command line is attacked, or, if `commands` is set, the commands too.
fn hunt(neighbour: Case, start: Start, more: &str, commands: bool) -> String {
    let word = marker();
    let (first, second) = word.split_at(word.len() / 2);
    let mut neighbour = neighbour.arg(program()).args(["hunt", first, second]).spawn();
    neighbour.expect("ready\n");
    // When it has nothing more to do but to execute the command, the child looks for it for a long time.
    let path = format!("{}/usr/bin:/bin", "/nowhere:".repeat(400));
    let prey = |way: &str, script: &str| {
        let script = format!("{script}; : {}", if commands { &word } else { "" });
        let case = Case::new(start).named(&word).words(way).words(more).variable("PATH", &path);
        case.silent_input().script(&script).spawn()
    };
    let mut alive = WAYS.map(|way| prey(way, "echo up; read x"));
    alive.iter_mut().for_each(|running| _ = running.expect("up\n"));
    for way in WAYS {
        for _ in 0..20 {
            prey(way, "exit 37").finish().status(37);
        }
    }
    for running in alive {
        running.signal(libc::SIGKILL); // a PID 1 of the container's own takes no other
        running.finish();
    }
    neighbour.signal(libc::SIGTERM);
    neighbour.finish().text().replace("ready\n", "")
}

#[test]
fn a_neighbour_in_another_container_gets_no_hold_of_what_starts_or_runs() {
    for start in starts() {
        for neighbour in starts().into_iter().filter(|neighbour| neighbour.user == start.user) {
            let commands = neighbour.has_user_namespace(); // or they are its own, so to say
            let case = Case::new(neighbour).words("-uts --");
            assert_eq!(hunt(case, start, "", commands), "none reached\n", "{start:?} {neighbour:?}");
        }
    }
}

#[test]
fn an_ordinary_user_gets_no_hold_of_what_root_starts() {
    for user in users().into_iter().filter(|user| !user.is_root()) {
        for start in starts().into_iter().filter(|start| start.is_real_root()) {
            let identity = format!("-user={}", user.uid);
            for more in ["", if start.has_user_namespace() { "" } else { &identity }] {
                for neighbour in [Case::direct(user), Case::new(Start { user, flags: &["-uid"] }).arg("--")] {
                    assert_eq!(hunt(neighbour, start, more, false), "none reached\n", "{start:?} {more}");
                }
            }
        }
    }
}

/// That the attacks are attacks: who may trace gontainer.
#[test]
fn outside_a_container_its_own_user_does_get_hold_of_gontainer() {
    for user in users() {
        let said = hunt(Case::direct(user), Start { user, flags: &["-uid"] }, "", true);
        assert!(said.ends_with("reached\n") && said.starts_with("by "), "{said}");
    }
}
