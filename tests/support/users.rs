//! Whom cases run as.

use super::{Case, skip};
use std::fs;
use std::sync::LazyLock;

/// Whom a case runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    pub name: &'static str,
    pub uid: u32,
    pub gid: u32,
    /// Whether we have to become this user first.
    pub(super) switch: bool,
}

impl User {
    /// Whether this user is root outside.
    pub fn is_root(self) -> bool {
        self.uid == 0
    }

    /// Another user, for a case that root alone can try.
    pub fn other(name: &'static str, uid: u32, gid: u32) -> User {
        User { name, uid, gid, switch: true }
    }
}

/// Whom each case runs as: root and an ordinary user if we are root, and otherwise us.
pub fn users() -> Vec<User> {
    static USERS: LazyLock<Vec<User>> = LazyLock::new(|| {
        // SAFETY: takes nothing, never fails.
        let uid = unsafe { libc::geteuid() };
        // SAFETY: as above.
        let gid = unsafe { libc::getegid() };
        let mut users = vec![User { name: "us", uid, gid, switch: false }];
        if uid == 0 {
            users[0].name = "root";
            users.push(User { name: "an ordinary user", uid: 65534, gid: 65534, switch: true });
        }
        users.retain(|user| {
            let possible = Case::direct(*user).new_namespaces(libc::CLONE_NEWUSER).arg("true").try_spawn().is_ok();
            if !possible {
                skip(&format!("{} may not make user namespaces here", user.name));
            }
            possible
        });
        users
    });
    USERS.clone()
}

/// The users that are root outside; if there are none, that is a skip.
pub fn root_users() -> Vec<User> {
    let roots: Vec<User> = users().into_iter().filter(|user| user.is_root()).collect();
    if roots.is_empty() {
        skip("only root can try this");
    }
    roots
}

/// A user, and the flags without which that user starts no container.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    pub user: User,
    pub flags: &'static [&'static str],
}

impl Start {
    /// Whether root inside is root outside.
    pub fn is_real_root(self) -> bool {
        self.user.is_root()
    }

    pub fn has_user_namespace(self) -> bool {
        !self.flags.is_empty()
    }
}

/// Every user with -uid, and root without.
pub fn starts() -> Vec<Start> {
    let mut starts: Vec<Start> = users().into_iter().map(|user| Start { user, flags: &["-uid"] }).collect();
    for user in users().into_iter().filter(|user| user.is_root()) {
        if may_administer() {
            starts.push(Start { user, flags: &[] });
        } else {
            skip("root here lacks CAP_SYS_ADMIN: no start without -uid");
        }
    }
    starts
}

/// Whether this very process has CAP_SYS_ADMIN.
fn may_administer() -> bool {
    const CAP_SYS_ADMIN: u64 = 1 << 21;
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:\t")).unwrap();
    u64::from_str_radix(effective, 16).unwrap() & CAP_SYS_ADMIN != 0
}
