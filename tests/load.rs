//! Many starts, and starts at the limits: none fails without need or without a word, and nothing stays.

use crate::support::{
    Case, Outcome, PATIENCE, User, await_end_of, find_program, gontainer, marker, mounts, need_program, root_users,
    rootfs, skip, starts, users,
};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Command;
use std::time::Instant;

/// What a lasting effect of so many starts would be far beyond, in KiB.
const MEMORY_NOISE: u64 = 400 << 10;

fn available_memory() -> u64 {
    let info = fs::read_to_string("/proc/meminfo").unwrap();
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Every mount namespace and every network holds some.
fn open_files() -> u64 {
    let numbers = fs::read_to_string("/proc/sys/fs/file-nr").unwrap();
    numbers.split_whitespace().next().unwrap().parse().unwrap()
}

/// Starts at least so many containers, so many at a time, over all kinds of starts, and asserts that all
/// went well and nothing stayed.
fn start_many(count: usize, at_a_time: usize, flags: &str) {
    /// What one loop does before it is heard.
    const LOOPS: usize = 500;
    let (before, memory, files) = (mounts(), available_memory(), open_files());
    for start in starts() {
        let (root, name) = (rootfs(start.user), marker());
        let turns = LOOPS.div_ceil(at_a_time);
        for _ in 0..count.div_ceil(starts().len()).div_ceil(turns * at_a_time) {
            let script = format!(
                "many() {{ n=0; while [ $n -lt {turns} ]; do \"$@\" || echo \"status $?\"; n=$((n + 1)); done; }}
                 m=1; while [ $m -lt {at_a_time} ]; do many \"$@\" & m=$((m + 1)); done; many \"$@\"; wait"
            );
            let case = Case::direct(start.user).args(["sh", "-c", &script, "sh"]).arg(gontainer()).arg("-run");
            let case = case.args(start.flags).words(flags).root(&root).args(["--", "/bin/true", &name]);
            case.run().prints("");
        }
        await_end_of(&name);
    }
    assert_eq!(mounts(), before);
    // What the kernel frees later, it has to free in the end.
    let deadline = Instant::now() + PATIENCE;
    while available_memory() + MEMORY_NOISE < memory || open_files() > files + 2000 {
        assert!(
            Instant::now() < deadline,
            "{memory} kB were available, and now {}; {files} files were open, and now {}",
            available_memory(),
            open_files()
        );
        std::thread::yield_now();
    }
}

#[test]
fn twenty_thousand_starts_in_a_row_leave_nothing() {
    start_many(20_000, 1, "-pid -uts -ipc");
}

#[test]
fn two_thousand_starts_at_64_at_a_time_leave_nothing() {
    start_many(2_000, 64, "-pid -uts -ipc -net");
}

#[test]
fn a_thousand_containers_alive_at_once_all_answer_and_all_end() {
    const COUNT: usize = 1000;
    let (gate, holder) = std::io::pipe().unwrap();
    let (answers, answer) = std::io::pipe().unwrap();
    let start = || {
        let mut gontainer = Command::new(gontainer());
        gontainer.args(["-run", "-uid", "-pid", "--", "sh", "-c", "echo $$; read -r line; exit 7"]);
        gontainer.stdin(gate.try_clone().unwrap()).stdout(answer.try_clone().unwrap()).spawn().unwrap()
    };
    let running: Vec<_> = (0..COUNT).map(|_| start()).collect();
    drop((gate, answer));
    let mut answers = BufReader::new(answers).lines();
    for _ in 0..COUNT {
        assert_eq!(answers.next().unwrap().unwrap(), "2"); // all are alive until the gate opens
    }
    drop(holder);
    for mut gontainer in running {
        assert_eq!(gontainer.wait().unwrap().code(), Some(7));
    }
    assert!(answers.next().is_none());
}

// At the limits

/// A script that is root of a new user namespace, as someone whom nobody else here is; `$0` is gontainer.
fn at_a_limit(options: &str, script: &str) -> Outcome {
    /// The kernel counts down a little after the end.
    const RECOVER: &str = r#"recover() {
        n=0; until "$@" 2>/dev/null; do n=$((n + 1)); [ $n -lt 5000 ] || { echo lost; return; }; done; echo works
    }"#;
    let user = root_users().first().map_or(users()[0], |_| User::other("someone else", 7401, 7401));
    let case = Case::direct(user).words("unshare --user --map-root-user").words(options);
    case.args(["sh", "-c", &format!("{RECOVER}\n{script}")]).arg(gontainer()).run()
}

const NO_NAMESPACE: &str =
    "gontainer: make the namespaces: clone: no space left, or a limit on namespaces or mounts (ENOSPC)\n";
const NO_CHILD: &str =
    "gontainer: make the namespaces: clone: resource temporarily unavailable, or a limit on processes (EAGAIN)\n";
const NO_COMMAND: &str =
    "gontainer: start the command: clone: resource temporarily unavailable, or a limit on processes (EAGAIN)\n";

#[test]
fn where_all_user_namespaces_are_taken_it_says_so_and_recovers() {
    let script = r#"
        echo 1 >/proc/sys/user/max_user_namespaces
        "$0" -run -uid -pid -- sh -c '"$0" -run -uid; echo $?' "$0" 2>&1 | grep -v hint:
        recover "$0" -run -uid -pid -- true"#;
    at_a_limit("", script).prints(format!("{NO_NAMESPACE}125\nworks\n"));
}

#[test]
fn where_no_more_processes_may_be_it_says_so_and_recovers() {
    let Some(_) = need_program("prlimit") else { return };
    // The shell, gontainer, PID 1, the command.
    let script = r#"
        for most in 2 3 4; do prlimit --nproc=$most "$0" -run -uid -pid -- true 2>&1; echo $?; done"#;
    at_a_limit("", script).prints(format!("{NO_CHILD}125\n{NO_COMMAND}125\n0\n"));
}

#[test]
fn where_all_process_numbers_are_taken_it_says_so_and_recovers() {
    // Before Linux 6.14 the number is the whole host's, and out of reach. Those below 300 are given once.
    let script = r#"
        { echo 400 >/proc/sys/kernel/pid_max; } 2>/dev/null || { echo none; exit; }
        n=2; while [ $n -lt 398 ]; do sleep 1000 & n=$((n + 1)); done
        "$0" -run -uid -pid -- true 2>&1; echo $?
        sleep 1000 &
        "$0" -run -uid -pid -- true 2>&1; echo $?
        kill 350 351; wait 350 351 2>/dev/null
        "$0" -run -uid -pid -- true 2>&1; echo $?"#;
    let run = at_a_limit("--pid --fork --mount-proc --kill-child", script);
    if run.stdout == b"none\n" {
        return skip("a PID namespace here has no limit of its own");
    }
    run.prints(format!("{NO_COMMAND}125\n{NO_CHILD}125\n0\n"));
}

#[test]
fn on_a_full_disk_it_says_so_and_recovers() {
    let busybox = find_program("busybox").unwrap();
    let script = format!(
        r#"
        mount -t tmpfs -o nr_inodes=20 tmpfs /mnt && cp {} /mnt/ && cd /mnt || exit
        until ! mkdir ./$n- 2>/dev/null; do n=$n-; done
        "$0" -run -uid -pid -mnt=/mnt -- /busybox true 2>&1; echo $?
        rmdir ./- ./-- ./---
        "$0" -run -uid -pid -mnt=/mnt -- /busybox true 2>&1; echo $?"#,
        busybox.display()
    );
    let line = "move /proc into the rootfs: mkdir(/proc): no space left, or a limit on namespaces or mounts (ENOSPC)";
    at_a_limit("--mount", &script).prints(format!("gontainer: {line}\n125\n0\n"));
}

/// Who finds a mount point missing may find it made by another, since.
#[test]
fn starts_side_by_side_make_a_trees_mount_points() {
    for start in starts() {
        for _ in 0..60 {
            let root = rootfs(start.user);
            root.remove("proc").remove("dev/null").remove("dev");
            let case = || Case::new(start).root(&root).words("-pid -bind=/dev/null:/new/null").command("/bin/true");
            let running: Vec<_> = (0..8).map(|_| case().spawn()).collect();
            running.into_iter().for_each(|one| _ = one.finish().prints(""));
        }
    }
}
