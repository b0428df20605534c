//! Id maps. user_namespaces(7).
//!
//! The caller's own ids take no privilege. Others do: who has it writes them, and an ordinary user has them
//! written by newuidmap and newgidmap, which know what is its in /etc/subuid and /etc/subgid.

use crate::config::{Config, List, Mapping, map_text};
use crate::ids::{Entry, Range, subordinates};
use crate::launch::fault::{CANNOT_START, Fault, On};
use crate::launch::job::{Job, Running};
use crate::launch::outside;
use crate::sys::file::{self, Open};
use crate::sys::process::{self, Event};
use crate::sys::{self, Errno, Word, Words};
use crate::text::Text;
use core::ffi::CStr;

/// Ids inside that `-map=auto` fills: 0 to 65535.
const AUTO_IDS: u32 = 65536;

/// Where a helper may lie. No PATH is asked.
const HELPER_DIRS: [&str; 4] = ["/usr/bin/", "/bin/", "/usr/local/bin/", "/run/wrappers/bin/"];

/// Gathers the lines of both maps; those of `-map=auto` from the host's files.
#[cold]
#[inline(never)]
pub(in crate::launch) fn find_ranges(job: &mut Job) -> Result<(), Fault> {
    let config = job.config;
    job.users = ranges(config, config.users(), config.caller_uid, c"/etc/subuid")?;
    job.groups = ranges(config, config.groups(), config.caller_gid, c"/etc/subgid")?;
    Ok(())
}

fn ranges(config: &Config, mapping: Mapping, caller: u32, path: &'static CStr) -> Result<List<Range>, Fault> {
    let mut list = List::EMPTY;
    match mapping {
        Mapping::Ranges(ranges) => return Ok(ranges),
        Mapping::Root | Mapping::Own => return Ok(list),
        Mapping::Auto => list.push(Range::one(0, caller)),
    }
    let name = login_name(config.caller_uid)?;
    let mut next = 1;
    let mut take = |line: &[u8]| {
        if let Some((outside, count)) = subordinates(line, name.as_bytes(), config.caller_uid) {
            let range = Range { inside: next, outside, count: count.min(AUTO_IDS - next) };
            // Root's own id is nobody's subordinate; and what is mapped already is left out.
            if outside != 0 && list.iter().all(|other| !other.overlaps(&range)) {
                list.push(range);
                next += range.count;
            }
        }
        next == AUTO_IDS
    };
    let is_full = match file::open(path, Open::Read) {
        Err(Errno::ENOENT) => false,
        file => file::has_line(&file.on(c"open", path)?, usize::MAX, &mut take).on(c"read", path)?,
    };
    if is_full || next > 1 { Ok(list) } else { Err(Errno::NO_SUBORDINATES).on(c"look up", path) }
}

/// The caller's name by the host's /etc/passwd; empty if it has none.
fn login_name(uid: u32) -> Result<Text<64>, Fault> {
    let mut name = Text::new();
    let mut take = |line: &[u8]| {
        let entry = Entry::parse(line).filter(|entry| entry.uid == uid);
        entry.map(|entry| name.push(entry.name)).is_some()
    };
    match file::open(c"/etc/passwd", Open::Read) {
        Err(Errno::ENOENT) => {}
        file => {
            _ = file::has_line(&file.on(c"open", c"/etc/passwd")?, usize::MAX, &mut take).on(c"read", c"/etc/passwd")?
        }
    }
    Ok(name)
}

/// The caller's supplementary groups go on giving access inside where nothing drops them, though they have
/// no name there. For `-trace`: this only looks.
pub(in crate::launch) fn count_groups(_: &mut Job) -> Result<(), Fault> {
    process::count_groups().of(c"getgroups").map(drop)
}

/// Gives up setgroups(2) inside: dropping a group could grant what the group was denied (CVE-2014-8989).
/// An ordinary user's gid_map is refused without.
pub(in crate::launch) fn deny_setgroups(running: &Running) -> Result<(), Fault> {
    outside::write(running, c"setgroups", b"deny")
}

/// By default, gid 0 inside is the caller's group outside.
pub(in crate::launch) fn map_groups(running: &Running) -> Result<(), Fault> {
    let config = running.config();
    match config.groups().own_line(config.caller_gid) {
        Some(line) => write_line(running, c"gid_map", line),
        None => write_ranges(running, c"gid_map", c"newgidmap", running.job.groups),
    }
}

/// By default, uid 0 inside is the caller outside.
pub(in crate::launch) fn map_users(running: &Running) -> Result<(), Fault> {
    let config = running.config();
    match config.users().own_line(config.caller_uid) {
        Some(line) => write_line(running, c"uid_map", line),
        None => write_ranges(running, c"uid_map", c"newuidmap", running.job.users),
    }
}

fn write_line(running: &Running, file: &'static CStr, range: Range) -> Result<(), Fault> {
    let mut line = Text::<32>::new();
    range.write(&mut line);
    outside::write(running, file, line.as_bytes())
}

/// Writes a map as the privileged may, and otherwise has it written.
#[cold]
#[inline(never)]
fn write_ranges(
    running: &Running,
    file: &'static CStr,
    helper: &'static CStr,
    ranges: List<Range>,
) -> Result<(), Fault> {
    match outside::write(running, file, map_text(ranges).as_bytes()) {
        Err(Fault { errno: Errno::EPERM, call, .. }) if call.text() == c"write" => {
            run_helper(running, helper, ranges)?;
            check_map(running, file, ranges)
        }
        result => result,
    }
}

/// Whether the kernel's map is this one. Of more than five lines it keeps them in another order.
fn check_map(running: &Running, file: &'static CStr, ranges: List<Range>) -> Result<(), Fault> {
    let opened = outside::open(running, file, Open::Read)?;
    let mut count = 0;
    let is_other = &mut |line: &[u8]| {
        count += usize::from(!line.is_empty());
        !line.is_empty() && Range::parse(line, b' ').is_none_or(|line| ranges.iter().all(|range| *range != line))
    };
    let is_other = file::has_line(&opened, usize::MAX, is_other).on(c"read", file)?;
    if is_other || count != ranges.iter().count() { Err(Errno::OTHER_MAP).on(c"read", file) } else { Ok(()) }
}

/// A program to run on the host, and its arguments.
pub(in crate::launch) struct Helper {
    pub(in crate::launch) path: &'static CStr,
    pub(in crate::launch) words: Words,
}

/// `newuidmap PID INSIDE OUTSIDE COUNT…`, without any environment.
fn run_helper(running: &Running, name: &'static CStr, ranges: List<Range>) -> Result<(), Fault> {
    let path = find_helper(name)?;
    let mut words = [Word::END; 1 + 1 + 3 * crate::ids::MOST_RANGES + 1];
    let mut places = words.iter_mut();
    let mut add = |word| places.next().map(|place| *place = Word::of(word));
    add(path);
    add(kept_number(running.number.get())); // a map was tried to be written before
    for range in ranges.iter() {
        for number in [range.inside, range.outside, range.count] {
            add(kept_number(number));
        }
    }
    let helper = Helper { path, words: Words::new(sys::keep(words)) };
    let process = crate::launch::spawn_helper(&helper).of(c"clone")?;
    match process::wait_for_end(process).of(c"wait4")? {
        Some((_, Event::Exited(0))) => Ok(()),
        _ => Err(Errno::HELPER_FAILED).on(c"run", path),
    }
}

fn kept_number(number: u32) -> &'static CStr {
    let mut text = Text::<32>::new();
    text.push_number(number.into());
    sys::keep(text).c_str_or_empty()
}

/// The helper's first step on its own stack.
pub(in crate::launch) fn become_helper(helper: &Helper) -> ! {
    let Err(_) = process::execve(helper.path, helper.words, Words::new(&[]));
    process::exit(CANNOT_START)
}

/// The first there is, if it may be trusted: root's alone to write, and with the privilege that it is for.
fn find_helper(name: &'static CStr) -> Result<&'static CStr, Fault> {
    for dir in &HELPER_DIRS {
        let mut path = Text::<64>::new();
        path.push_str(dir).push(name.to_bytes());
        let path = sys::keep(path).c_str_or_empty();
        let (mode, owner) = match file::mode_and_owner(path) {
            Err(Errno::ENOENT | Errno::ENOTDIR) => continue,
            result => result.on(c"stat", path)?,
        };
        let reason = if mode & libc::S_IFMT != libc::S_IFREG {
            Errno::NOT_REGULAR
        } else if owner != 0 {
            Errno::NOT_ROOTS
        } else if mode & (libc::S_IWGRP | libc::S_IWOTH) != 0 {
            Errno::NOT_ONLY_ROOTS
        } else if mode & libc::S_ISUID == 0 && !file::has_attribute(path, c"security.capability") {
            Errno::NOT_PRIVILEGED
        } else {
            return Ok(path);
        };
        return Err(reason).on(c"trust", path);
    }
    Err(Errno::ENOENT).on(c"find", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_line_holds_the_largest_id() {
        let mut line = Text::<32>::new();
        Range::one(u32::MAX, u32::MAX).write(&mut line);
        assert_eq!(line.as_bytes(), b"4294967295 4294967295 1");
    }
}
