//! The network namespace.

use crate::support::{Case, rootfs, starts};

#[test]
fn the_loopback_interface_is_up_with_both_families_and_alone() {
    for start in starts() {
        let root = rootfs(start.user);
        let shown = Case::new(start).root(&root).words("-pid -net").command("ip addr").run().text();
        let up: Vec<&str> = shown.lines().filter(|line| line.contains("UP")).collect();
        assert_eq!(up.len(), 1, "{shown}");
        assert!(up[0].starts_with("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 "), "{shown}");
        let addresses: Vec<&str> = shown.lines().map(str::trim).filter(|line| line.starts_with("inet")).collect();
        let has_v6 = std::path::Path::new("/proc/net/if_inet6").exists();
        let wanted = ["inet 127.0.0.1/8 scope host lo", "inet6 ::1/128 scope host"];
        assert_eq!(addresses.len(), if has_v6 { 2 } else { 1 }, "{shown}");
        for (address, wanted) in addresses.iter().zip(wanted) {
            assert!(address.starts_with(wanted), "{shown}");
        }
    }
}

#[test]
fn without_net_the_network_is_the_hosts() {
    for start in starts() {
        let direct = Case::direct(start.user).words("cat /proc/net/route").run().text();
        Case::new(start).words("-uts").command("cat /proc/net/route").run().prints(direct);
    }
}

#[test]
fn with_net_there_is_no_route_out() {
    for start in starts() {
        let heading = Case::new(start).words("-net").command("cat /proc/net/route").run().text();
        assert_eq!(heading.lines().count(), 1, "{heading}");
    }
}
