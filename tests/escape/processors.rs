//! The other processors that gontainer is built for, in virtual machines: each has its own way to give the child a
//! stack, its own numbers for system calls, and its own filter.

use super::{build, compare};
use crate::support::{Machine, skip};

/// The host's side of the attacks, and then they, in a machine that is slow.
fn attacks(flags: &str) -> String {
    format!(
        "mkdir -p /tmp/t/tree/work /tmp/t/host; cp /attack /tmp/t/tree
         mkfifo /tmp/t/open; exec 3<>/tmp/t/open
         /attack host attack-$(id -u) /tmp/t/host <&3 >/tmp/t/facts & host=$!
         until [ -s /tmp/t/facts ]; do :; done
         gontainer -run {flags} -mnt=/tmp/t/tree -- /attack patience=100 $(cat /tmp/t/facts)
         status=$?; kill $host; rm -rf /tmp/t; exit $status"
    )
}

#[track_caller]
fn is_the_same_and_holds_on(cpu: &str) {
    let Some(machine) = Machine::with(cpu) else { return };
    let Some(attack) = build(&format!("{cpu}-linux-gnu-gcc"), &format!("attack-{cpu}")) else {
        return skip(&format!("gcc-{cpu}-linux-gnu and its libc6-dev are not installed"));
    };
    let show = "echo $$ $(id -u) $(hostname); ip addr | grep -o LOOPBACK,UP; tr -s \" \" </proc/self/uid_map";
    let tree = format!("gontainer -run -uid -pid -uts -net -mnt=/rootfs -- sh -c '{show}'");
    let ways = "for way in -uts -pid '-pid -as-pid1' '-uid -all -time=false'; do gontainer -run $way -- sh -c 'exit 7'; echo $?; done";
    let outcomes = machine
        .program(&attack, "attack")
        .root("mkdir /rootfs/sys")
        .user(&tree)
        .root(&tree)
        .root(ways)
        .user("gontainer -run -uid -timeout=100ms -- sleep 1000; echo $?; gontainer -run -uid -- sh -c 'kill -9 $$'")
        .user("gontainer -run -uid -pid -trace -- /bin/true 2>&1 | grep -o 'execve(.*true\").*run the command' | tr -s ' '")
        .user("gontainer -run -uid -- nowhere")
        .root(&attacks("-pid -uts -ipc -net -cgroup"))
        .user(&attacks("-strict -tmpfs=/work"))
        .boot();
    let seen = |uid| format!("2 0 gontainer\nLOOPBACK,UP\n 0 {uid} 1\n");
    outcomes[1].status(0).stderr("").stdout(seen(1000));
    outcomes[2].status(0).stderr("").stdout(seen(0));
    outcomes[3].status(0).stderr("").stdout("7\n7\n7\n7\n");
    outcomes[4].status(137).stderr("").stdout("124\n");
    outcomes[5].status(0).stderr("").stdout("execve(\"/bin/true\") run the command\n");
    let nowhere = "gontainer: run the command: execve(nowhere): no such file or directory (ENOENT)\n";
    outcomes[6].status(127).stdout("").stderr(nowhere);
    compare(outcomes[7].status(0), 2);
    compare(outcomes[8].status(0), 3);
}

#[test]
fn a_container_is_the_same_and_holds_on_aarch64() {
    is_the_same_and_holds_on("aarch64");
}

#[test]
fn a_container_is_the_same_and_holds_on_riscv64() {
    is_the_same_and_holds_on("riscv64");
}
