//! What the container may take of the machine as a whole: one leaf of the cgroup v2 tree for each. cgroups(7),
//! and the kernel's Documentation/admin-guide/cgroup-v2.rst.
//!
//! The command's process enters by itself, and all that it starts is born there. PID 1 stays outside: it
//! shares the launcher's memory, and when memory runs out the kernel kills all who share a victim's.
//!
//! A launcher that is killed leaves its leaf behind, empty: the next start beside it removes it. Leaves are told apart by
//! pids: two launchers of one cgroup in two PID namespaces may take each other's, and one then fails to enter.

use crate::config::Config;
use crate::launch::fault::{Fault, On};
use crate::launch::job::{Cgroup, Job};
use crate::sys::file::{self, Open};
use crate::sys::recorder::is_rehearsal;
use crate::sys::signal::{self, Signal};
use crate::sys::{self, Errno, Fd, Pid, clock, process};
use crate::text::{Text, first_part, parts};
use core::ffi::CStr;

/// Of the leaves' names; the launcher's pid follows.
const PREFIX: &[u8] = b"gontainer-";

type Name = Text<32>;
type Path = Text<2048>;

/// The controllers that the limits need, each with a sign and a blank before it, as `subtree_control` takes them.
fn controllers(config: &Config, sign: &[u8]) -> Text<32> {
    let mut words = Text::new();
    for (name, wanted) in
        &[("memory", config.memory.is_some()), ("cpu", config.cpus.is_some()), ("pids", config.pids.is_some())]
    {
        if *wanted {
            words.push(b" ").push(sign).push_str(name);
        }
    }
    words
}

/// Whether a list has each of those words.
fn has_all(list: &[u8], wanted: &[u8]) -> bool {
    parts(wanted, b' ')
        .filter(|word| !word.is_empty())
        .all(|word| list.split(u8::is_ascii_whitespace).any(|other| other == word))
}

/// Where in the tree we are: the line `0::/PATH` of /proc/self/cgroup.
fn own_path(text: &[u8]) -> Option<&[u8]> {
    parts(text, b'\n').find_map(|line| line.strip_prefix(b"0::"))
}

fn read_at<'a>(dir: &Fd, name: &'static CStr, into: &'a mut [u8]) -> Result<&'a [u8], Fault> {
    let file = file::open_at(dir, name, Open::Read).on(c"openat", name)?;
    let filled = file::read(&file, into).on(c"read", name)?;
    Ok(into.get(..filled).unwrap_or_default())
}

fn write_at(dir: &Fd, name: &'static CStr, value: &[u8]) -> Result<(), Fault> {
    let file = file::open_at(dir, name, Open::Write).on(c"openat", name)?;
    file::write(file.number(), value).on(c"write", name).map(drop)
}

/// The cgroup that we are in, if it has been given what the limits need. The tree lies at one of two places:
/// the second is where systemd mounts it beside that of cgroup v1, which has the controllers then.
#[cold]
#[inline(never)] // its buffers are not for the stack of every start
fn own_cgroup(config: &Config) -> Result<(Fd, &'static CStr), Fault> {
    let mut buffer = [0; 4096];
    let file = file::open(c"/proc/self/cgroup", Open::Read).on(c"openat", c"/proc/self/cgroup")?;
    let filled = file::read(&file, &mut buffer).on(c"read", c"/proc/self/cgroup")?;
    let path = own_path(buffer.get(..filled).unwrap_or_default()).unwrap_or(b"/");
    for mount in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
        let mut text = Path::new();
        text.push_str(mount).push(path);
        let Some(name) = text.as_c_str() else { return Err(Errno::ENAMETOOLONG).on(c"openat", c"/proc/self/cgroup") };
        let Ok(dir) = file::open(name, Open::RealDir) else { continue };
        let mut list = [0; 256];
        match read_at(&dir, c"cgroup.controllers", &mut list) {
            Ok(list) if has_all(list, controllers(config, b"").as_bytes()) || is_rehearsal() => {
                return Ok((dir, sys::keep(text).c_str_or_empty()));
            }
            Ok(_) => return Err(Errno::EOPNOTSUPP).on(c"read", c"cgroup.controllers"),
            Err(_) => {} // no cgroup v2
        }
    }
    Err(Errno::ENOENT).on(c"openat", c"cgroup.controllers")
}

/// Has our cgroup hand the controllers on. One with processes of its own may not (only the tree's root
/// may): then we move to a leaf of our own first. It helps if we were alone in it.
#[cold]
#[inline(never)]
fn hand_on(config: &Config, own: &Fd) -> Result<Option<Name>, Fault> {
    const CONTROL: &CStr = c"cgroup.subtree_control";
    let mut list = [0; 256];
    if has_all(read_at(own, CONTROL, &mut list)?, controllers(config, b"").as_bytes()) {
        return Ok(None);
    }
    let wanted = controllers(config, b"+");
    // The root lacks this file. Elsewhere `cpu` and `pids` can be handed on past processes, but to leaves that take none
    // (EOPNOTSUPP, seen on 6.1).
    if file::open_at(own, c"cgroup.type", Open::Read).is_err() {
        return write_at(own, CONTROL, wanted.as_bytes()).map(|()| None);
    }
    let mut name = own_name();
    name.push(b"-self");
    make_leaf(own, &name).on(c"mkdirat", CONTROL)?;
    let refuge = file::open_at(own, name.c_str_or_empty(), Open::RealDir).on(c"openat", CONTROL)?;
    let result = write_at(&refuge, c"cgroup.procs", b"0").and_then(|()| write_at(own, CONTROL, wanted.as_bytes()));
    if result.is_err() {
        go_back(own, &name);
    }
    result.map(|()| Some(name))
}

/// Back from where [`hand_on`] moved us.
fn go_back(own: &Fd, refuge: &Name) {
    let _ = write_at(own, c"cgroup.procs", b"0"); // EBUSY: it hands controllers on again
    let _ = file::remove_dir_at(own, refuge.c_str_or_empty()); // or the next start does
}

/// `gontainer-PID`.
fn own_name() -> Name {
    let mut name = Name::new();
    name.push(PREFIX).push_number(process::own_pid().0.unsigned_abs().into());
    name
}

fn make_leaf(own: &Fd, name: &Name) -> Result<(), Errno> {
    file::make_dir_at(own, name.c_str_or_empty(), 0o755)
}

/// Removes what launchers left that were killed. What has processes stays: EBUSY.
#[cold]
#[inline(never)]
fn sweep(own: &Fd) {
    let Ok(list) = file::open_at(own, c".", Open::List) else { return };
    let mut buffer = [0_u8; 2048];
    loop {
        let filled = file::read_entries(&list, &mut buffer).unwrap_or(0);
        let mut entries = buffer.get(..filled).unwrap_or_default();
        if entries.is_empty() {
            return;
        }
        while let Some((name, rest)) = file::next_entry(entries) {
            entries = rest;
            if owner(name.to_bytes()).is_some_and(|pid| pid == process::own_pid() || has_ended(pid)) {
                let _ = file::remove_dir_at(own, name);
            }
        }
    }
}

/// Whose leaf this is.
fn owner(name: &[u8]) -> Option<Pid> {
    let digits = first_part(name.strip_prefix(PREFIX)?, b'-');
    Some(Pid(i32::try_from(crate::number::decimal(digits)?).ok()?)).filter(|pid| pid.0 > 0)
}

fn has_ended(pid: Pid) -> bool {
    signal::kill(pid, Signal(0)) == Err(Errno::ESRCH)
}

/// Makes a leaf of our cgroup.
#[cold]
#[inline(never)]
pub(in crate::launch) fn make(job: &mut Job) -> Result<(), Fault> {
    let (own, path) = own_cgroup(job.config)?;
    sweep(&own);
    let refuge = hand_on(job.config, &own)?;
    let name = own_name();
    let made = make_leaf(&own, &name).on(c"mkdirat", path).and_then(|()| {
        let leaf = file::open_at(&own, name.c_str_or_empty(), Open::RealDir).on(c"openat", path)?;
        let entry = file::open_at(&leaf, c"cgroup.procs", Open::Write).on(c"openat", c"cgroup.procs")?;
        Ok((leaf, entry))
    });
    match made {
        Ok((leaf, entry)) => {
            job.cgroup = Some(sys::keep(Cgroup { own, leaf, entry, name, refuge }));
            Ok(())
        }
        Err(fault) => {
            if fault.errno != Errno::EEXIST {
                let _ = file::remove_dir_at(&own, name.c_str_or_empty()); // ENOENT: it was not made
            }
            if let Some(refuge) = &refuge {
                let _ = write_at(&own, c"cgroup.subtree_control", controllers(job.config, b"-").as_bytes());
                go_back(&own, refuge);
            }
            Err(fault)
        }
    }
}

/// Sets the limits. SIZE is all the memory there is: no swap on top of it. Out of it, the container ends as
/// a whole, not one process that the kernel picks.
#[cold]
#[inline(never)]
pub(in crate::launch) fn limit(job: &mut Job) -> Result<(), Fault> {
    let Some(cgroup) = job.cgroup else { return Ok(()) };
    let number = |number: u64| {
        let mut text = Text::<32>::new();
        text.push_number(number);
        text
    };
    let where_there_is = |result| match result {
        Err(Fault { errno: Errno::ENOENT, .. }) => Ok(()),
        result => result,
    };
    // Root inside could else make cgroups in it, which would stay.
    write_at(&cgroup.leaf, c"cgroup.max.descendants", b"0")?;
    if let Some(bytes) = job.config.memory {
        write_at(&cgroup.leaf, c"memory.max", number(bytes).as_bytes())?;
        where_there_is(write_at(&cgroup.leaf, c"memory.swap.max", b"0"))?; // a kernel without swap
        where_there_is(write_at(&cgroup.leaf, c"memory.oom.group", b"1"))?; // SINCE(4.19)
    }
    if let Some(cpus) = job.config.cpus {
        write_at(&cgroup.leaf, c"cpu.max", number(cpus).push(b" 100000").as_bytes())?;
    }
    if let Some(pids) = job.config.pids {
        write_at(&cgroup.leaf, c"pids.max", number(pids).as_bytes())?;
    }
    Ok(())
}

/// The command's process goes in.
pub(in crate::launch) fn enter(job: &Job) -> Result<(), Fault> {
    match job.cgroup {
        Some(cgroup) => file::write(cgroup.entry.number(), b"0").on(c"write", c"cgroup.procs").map(drop),
        None => Ok(()),
    }
}

/// Removes the leaf, with whoever is left in it; before Linux 5.14 it stays as long as they do. Returns whether the
/// kernel killed for want of memory.
#[cold]
#[inline(never)]
pub(in crate::launch) fn remove(config: &Config, cgroup: &Cgroup) -> bool {
    /// Killed processes take a moment to go.
    const PATIENCE_NS: u64 = 2_000_000_000;
    const PAUSE_NS: u64 = 2_000_000;
    let mut events = [0; 512];
    let events = read_at(&cgroup.leaf, c"memory.events", &mut events).unwrap_or_default();
    let name = cgroup.name.c_str_or_empty();
    let give_up = clock::now_ns().saturating_add(PATIENCE_NS);
    while file::remove_dir_at(&cgroup.own, name) == Err(Errno::EBUSY) && clock::now_ns() < give_up {
        let _ = write_at(&cgroup.leaf, c"cgroup.kill", b"1"); // SINCE(5.14)
        let _ = signal::await_signal(Some(clock::now_ns().saturating_add(PAUSE_NS)));
    }
    if let Some(refuge) = &cgroup.refuge {
        let _ = write_at(&cgroup.own, c"cgroup.subtree_control", controllers(config, b"-").as_bytes());
        go_back(&cgroup.own, refuge);
    }
    ran_out(events)
}

/// Whether `memory.events` counts that this limit was hit and nothing could be freed, and a kill: not all may be killed,
/// nor are all killed for this limit, but for one further up, or for the whole machine.
fn ran_out(events: &[u8]) -> bool {
    let counts =
        |what: &[u8]| parts(events, b'\n').any(|line| line.strip_prefix(what).is_some_and(|count| count != b"0"));
    counts(b"oom ") && counts(b"oom_kill ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_place_in_the_tree_is_the_line_of_hierarchy_0() {
        assert_eq!(own_path(b"0::/\n"), Some(&b"/"[..]));
        assert_eq!(own_path(b"9:name=systemd:/x\n1:cpu:/\n0::/user.slice/a b\n"), Some(&b"/user.slice/a b"[..]));
        assert_eq!(own_path(b"10::/x\n1:cpu:/\n"), None);
        assert_eq!(own_path(b""), None);
    }

    #[test]
    fn all_wanted_controllers_must_be_listed() {
        assert!(has_all(b"cpuset cpu io memory pids\n", b" memory pids"));
        assert!(has_all(b"pids\n", b" pids") && has_all(b"", b""));
        assert!(!has_all(b"cpuset memory\n", b" cpu") && !has_all(b"\n", b" pids"));
    }

    #[test]
    fn a_leaf_names_its_owner() {
        assert!(owner(b"gontainer-12") == Some(Pid(12)));
        assert!(owner(b"gontainer-12-self") == Some(Pid(12)));
        for name in
            ["gontainer-", "gontainer-x", "gontainer-0", "gontainer--1", "gontainer-99999999999", "other-12", "12"]
        {
            assert!(owner(name.as_bytes()).is_none(), "{name}");
        }
    }

    #[test]
    fn what_ran_out_within_the_limit_is_counted_in_its_own_line() {
        assert!(ran_out(b"low 0\nmax 5\noom 1\noom_kill 2\noom_group_kill 1\n"));
        assert!(!ran_out(b"low 0\nmax 0\noom 0\noom_kill 2\noom_group_kill 0\n") && !ran_out(b""));
        assert!(!ran_out(b"low 0\nmax 9\noom 3\noom_kill 0\noom_group_kill 0\n"));
    }
}
