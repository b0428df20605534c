//! Limits on a container as a whole, by cgroup v2, in a virtual machine which has that.

use crate::support::{Case, Machine, starts};
use std::path::Path;

/// Lists what containers have left of their cgroups.
const LEFT: &str = "find /sys/fs/cgroup -name 'gontainer-*'";

#[test]
fn a_container_has_limits_as_a_whole() {
    let Some(machine) = Machine::new() else { return };
    let show = "cd /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup) && \
                cat memory.max memory.swap.max memory.oom.group cpu.max pids.max && cat /proc/1/cgroup";
    let hog = "dd if=/dev/zero of=/dev/null bs=64M count=1";
    let bomb = "bomb() { bomb | bomb & }; bomb; while :; do :; done";
    let count = "n=0; while :; do sleep 1000 & n=$((n + 1)); echo $n; done";
    let steps = [
        format!("gontainer -run -uid -pid -memory=32m -cpus=0.5 -pids=7 -- sh -c '{show}'; {LEFT}"),
        format!("gontainer -run -uid -pid -memory=32m -- {hog}; echo $?; {LEFT}"),
        // Without -pid too; and the shell, which is small, goes with what was large.
        format!("gontainer -run -uts -memory=32m -- sh -c '{hog}; echo went on'; echo $?; {LEFT}"),
        format!("gontainer -run -uid -pid -memory=128m -- {hog} 2>/dev/null; echo $?; {LEFT}"),
        format!("gontainer -run -uid -pid -pids=10 -- sh -c '{count}' 2>/dev/null; echo $?; {LEFT}"),
        format!("gontainer -run -uid -pid -pids=10 -timeout=500ms -- sh -c '{bomb}' 2>/dev/null; echo $?; {LEFT}"),
        // What outlives the command goes with its cgroup.
        format!("gontainer -run -uts -pids=10 -- sh -c 'setsid sleep 1000 & exit 6'; echo $?; pidof sleep; {LEFT}"),
        format!("gontainer -run -uid -pid -memory=32m -- sh -c 'kill -9 $$'; echo $?; {LEFT}"),
        format!("gontainer -run -uid -pid -timeout=300ms -pids=9 -- sleep 1000; echo $?; {LEFT}"),
        format!("gontainer -run -uid -pid -pids=9 -- nowhere; echo $?; {LEFT}"),
        // Killed, gontainer leaves it to the next one.
        format!(
            "gontainer -run -uid -pid -pids=9 -- sleep 1000 & until pidof sleep >/dev/null; do :; done
             kill -9 $!; wait $! 2>/dev/null; echo $?; {LEFT} | wc -l
             until ! pidof sleep >/dev/null; do :; done
             gontainer -run -uid -pid -pids=7 -- echo next; {LEFT}"
        ),
        // It stays a leaf: what root inside made there would stay.
        format!(
            "gontainer -run -uid -pid -pids=9 -- sh -c 'mkdir /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/x' 2>&1 | grep -o temporarily; {LEFT}"
        ),
        // Its directories are no way out for what the tree names as an interpreter.
        "mkdir /only; cp /bin/busybox /only; for fd in 3 4 5 6 7; do
             printf '#!/proc/self/fd/%s/../../../only/busybox sh\necho out\n' $fd >/rootfs/bin/way; chmod 755 /rootfs/bin/way
             gontainer -run -uid -pid -pids=9 -mnt=/rootfs -- way 2>/dev/null
         done"
            .to_owned(),
        // The least memory that may be asked for is enough to start.
        "gontainer -run -uid -pid -memory=8m -- echo small".to_owned(),
        // And for all the arguments that the kernel takes.
        "ulimit -s unlimited; x=$(head -c 120000 /dev/zero | tr '\\0' x)
         for n in 1 2 3 4 5 6; do set -- \"$@\" $x $x $x $x $x $x $x $x; done
         gontainer -run -uid -pid -memory=8m -- true \"$@\"; echo $?"
            .to_owned(),
        // Another limit's kill is not this one's.
        format!(
            "mkdir /sys/fs/cgroup/outer; cd /sys/fs/cgroup/outer; echo 40m >memory.max
             sh -c 'echo $$ >cgroup.procs; exec gontainer -run -uid -pid -memory=300m -- {hog}'; echo $?; {LEFT}"
        ),
        // Root of this machine may do what root of the tests' own may lack the capability for.
        "gontainer -run -uid -pid -oom=-999 -nice=-5 -rlimit=nofile=200000 -- \
             sh -c 'ulimit -Hn; cat /proc/self/oom_score_adj; cut -d\" \" -f19 /proc/$$/stat'"
            .to_owned(),
    ];
    let outcomes = steps.iter().fold(machine, |machine, step| machine.root(step)).boot();
    let out_of_memory = "gontainer: the container used all of its -memory, and was killed\n";
    let nowhere = "gontainer: run the command: execve(nowhere): no such file or directory (ENOENT)\n";
    for (outcome, (stdout, stderr)) in outcomes.iter().zip([
        ("33554432\n0\n1\n50000 100000\n7\n0::/\n", ""),
        ("137\n", out_of_memory),
        ("137\n", out_of_memory),
        ("0\n", ""),
        ("1\n2\n3\n4\n5\n6\n7\n8\n9\n2\n", ""),
        ("124\n", ""),
        ("6\n", ""),
        ("137\n", ""),
        ("124\n", ""),
        ("127\n", nowhere),
        ("137\n1\nnext\n", ""),
        ("temporarily\n", ""),
        ("", ""),
        ("small\n", ""),
        ("0\n", ""),
        ("137\n", ""),
        ("200000\n-999\n-5\n", ""),
    ]) {
        outcome.stdout(stdout).stderr(stderr);
    }
}

/// Killed by a signal in between, gontainer would leave one that nobody takes away.
#[test]
fn signals_are_held_back_before_a_cgroup_is_made() {
    for user in crate::support::users() {
        let plan = Case::direct(user).arg(crate::support::gontainer()).words("-plan -uid -pids=9 -- true").run().text();
        let at = |step| plan.find(step).unwrap();
        assert!(at("hold signals back") < at("make the container's cgroup"), "{plan}");
    }
}

#[test]
fn an_ordinary_user_needs_a_cgroup_of_its_own_and_is_told_how_to_get_one() {
    let Some(machine) = Machine::new() else { return };
    // As systemd delegates one: the folder and these files are the user's.
    let delegate = "cd /sys/fs/cgroup && mkdir user && echo '+memory +cpu +pids' >cgroup.subtree_control &&
                    chown 1000 user user/cgroup.procs user/cgroup.subtree_control";
    let inside = "echo $$ >/sys/fs/cgroup/user/cgroup.procs;";
    let gontainer = "as 1000 gontainer -run -uid -pid -memory=32m -pids=20 -cpus=1.5 --";
    let after = format!("echo $?; {LEFT}; cat /sys/fs/cgroup/user/cgroup.subtree_control");
    let show = "cat /proc/1/cgroup; cat /sys/fs/cgroup/user/gontainer-*[0-9]/cpu.max; \
                cut -d- -f1 /proc/self/cgroup; dd if=/dev/zero of=/dev/null bs=64M count=1";
    let hybrid = "umount /sys/fs/cgroup; mount -t tmpfs none /sys/fs/cgroup; cd /sys/fs/cgroup; mkdir unified pids
                  mount -t cgroup -o pids none pids; mount -t cgroup2 none unified; cd /";
    let again = "umount /sys/fs/cgroup/*; umount /sys/fs/cgroup; ";
    let outcomes = machine
        .root(&format!("{hybrid}; gontainer -run -uid -pid -pids=9 -- echo ran"))
        .root(&format!("{again} gontainer -run -uid -pid -pids=9 -- echo ran"))
        .root(&format!("mount -t cgroup2 none /sys/fs/cgroup; {delegate}"))
        .user("gontainer -run -uid -pid -memory=32m -- echo ran")
        // Alone in it, as systemd-run starts it.
        .root(&format!("sh -c '{inside} exec {gontainer} sh -c \"{}\"'; {after}", show.replace('$', "\\$")))
        .root(&format!("sh -c '{inside} exec as 1000 gontainer -run -uid -pid -pids=20 -- echo ran'; {after}"))
        .root(&format!("sh -c '{inside} exec gontainer -run -uts -cpus=1 -- echo ran'; {after}"))
        // With the shell that started it.
        .root(&format!("sh -c '{inside} {gontainer} echo ran; exit $?'; {after}"))
        .boot();
    let line = "gontainer: make the container's cgroup: ";
    let check = |index: usize, what: &str, hints: &[&str]| {
        let hints: String = hints.iter().map(|hint| format!("hint: {hint}\n")).collect();
        outcomes[index].stderr(format!("{line}{what}\n{hints}"))
    };
    let how = "to get a cgroup of its own: systemd-run --user --scope -p Delegate=yes gontainer ... (root: no --user)";
    check(
        0,
        "read(cgroup.controllers): operation not supported (EOPNOTSUPP)",
        &["cgroup v1 has the controllers on this host: boot with systemd.unified_cgroup_hierarchy=1"],
    )
    .status(125)
    .stdout("");
    check(
        1,
        "openat(cgroup.controllers): no such file or directory (ENOENT)",
        &["no cgroup v2 is on /sys/fs/cgroup, which -memory, -cpus and -pids need"],
    )
    .status(125)
    .stdout("");
    outcomes[2].prints("");
    check(3, "mkdirat(/sys/fs/cgroup/): permission denied (EACCES)", &[how]).status(125).stdout("");
    let out_of_memory = "gontainer: the container used all of its -memory, and was killed\n";
    outcomes[4].stderr(out_of_memory).that(
        "PID 1 is beside the container, which is limited; nothing is left",
        String::from_utf8_lossy(&outcomes[4].stdout).split_once("-self\n").is_some_and(|(before, after)| {
            before.starts_with("0::/user/gontainer-") && after == "150000 100000\n0::/user/gontainer\n137\n"
        }),
    );
    outcomes[5].prints("ran\n0\n");
    outcomes[6].prints("ran\n0\n");
    check(
        7,
        "write(cgroup.subtree_control): device or resource busy (EBUSY)",
        &["other processes are in gontainer's cgroup: one that has any passes no limits on", how],
    )
    .stdout("125\n");
}

/// Where the controllers are cgroup v1's, as on many a host still; so it is also seen outside a machine.
#[test]
fn a_host_without_controllers_is_said_to_be_that() {
    let list = std::fs::read_to_string("/sys/fs/cgroup/unified/cgroup.controllers");
    if list.is_ok_and(|list| list.trim().is_empty()) {
        assert!(!Path::new("/sys/fs/cgroup/cgroup.controllers").exists());
        for start in starts() {
            let run = Case::new(start).words("-pid -memory=1g").command("echo ran").run();
            let line = "gontainer: make the container's cgroup: read(cgroup.controllers): operation not supported (EOPNOTSUPP)";
            run.refuses(125, line).hints("cgroup v1 has the controllers");
        }
    }
}

#[test]
fn a_limit_that_is_none_is_refused() {
    for (flag, line) in [
        ("-memory=8191k", "-memory: needs a size of 8m or more, as in 512m or 2g"),
        ("-memory=unlimited", "-memory: needs a size of 8m or more, as in 512m or 2g"),
        ("-cpus=0", "-cpus: needs a number of 0.01 or more, as in 0.5 or 2"),
        ("-cpus=1.000001", "-cpus: needs a number of 0.01 or more, as in 0.5 or 2"),
        ("-pids=0", "-pids: needs a number from 1"),
    ] {
        for start in starts() {
            let run = Case::new(start).words("-uts").arg(flag).command("echo ran").run();
            run.refuses(2, &format!("gontainer: {line}"));
        }
    }
}
