//! User and group ids: the caller becomes root inside. user_namespaces(7).

use crate::launch::fault::{Fault, On};
use crate::launch::job::Running;
use crate::sys::file::{self, Open};
use crate::text::Text;
use core::ffi::CStr;

/// Gives up setgroups(2) inside: dropping a group could grant what the group was denied (CVE-2014-8989).
/// An ordinary user's gid_map is refused without.
pub(in crate::launch) fn deny_setgroups(running: &Running) -> Result<(), Fault> {
    write_proc(running, c"setgroups", b"deny")
}

/// gid 0 inside is the caller's group outside.
pub(in crate::launch) fn map_group(running: &Running) -> Result<(), Fault> {
    write_proc(running, c"gid_map", map_to_root(running.config().caller_gid).as_bytes())
}

/// uid 0 inside is the caller outside.
pub(in crate::launch) fn map_user(running: &Running) -> Result<(), Fault> {
    write_proc(running, c"uid_map", map_to_root(running.config().caller_uid).as_bytes())
}

/// One line of a map: inside, outside, count.
fn map_to_root(outside: u32) -> Text<16> {
    let mut line = Text::new();
    line.push(b"0 ").push_number(outside.into()).push(b" 1");
    line
}

/// Writes a file in the child's /proc directory. The child is not reaped yet, so its pid is still its own.
fn write_proc(running: &Running, file: &'static CStr, content: &[u8]) -> Result<(), Fault> {
    let pid = running.child.get().map_or(0, |child| child.0.unsigned_abs());
    let mut path = Text::<32>::new();
    path.push(b"/proc/").push_number(pid.into()).push(b"/").push(file.to_bytes());
    let path = path.as_c_str().unwrap_or_default();
    let opened = file::open(path, Open::Write).on("open", file)?;
    file::write(opened.number(), content).on("write", file).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_line_holds_the_largest_id() {
        assert_eq!(map_to_root(u32::MAX).as_bytes(), b"0 4294967295 1");
    }
}
