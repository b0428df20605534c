//! Every flag, once. The parser, the help and README's table read this.

use crate::config::{ALL_CAPABILITIES, Action, Capabilities, Changes, Config, Filter, Mapping};
use crate::ids::User;
use crate::limits;
use crate::mounts::{self, Mount};
use crate::number;
use crate::sys::Name;
use crate::text::{Text, first_part, is_same_word, parts};
use core::ffi::CStr;

/// What follows a flag's name, and what it sets; with its group, as a field beside it would take eight bytes more. A setter
/// checks and stores; it never acts, and leaves naming the flag to whoever called it.
pub(crate) enum Takes {
    /// Nothing: it is what to do.
    Nothing(Group, fn(&mut Config)),
    /// Nothing, or `=true` or `=false`.
    Switch(Group, fn(&mut Config, bool)),
    /// A value.
    Value(Group, fn(&mut Config, &'static CStr) -> Result<(), &'static str>),
    /// Nothing, or `=` and a value.
    Maybe(Group, fn(&mut Config, Option<&'static CStr>) -> Result<(), &'static str>),
}

impl Takes {
    /// Whether a value must follow, if not behind `=` then as the next word.
    pub(crate) fn needs_value(&self) -> bool {
        matches!(self, Value(..))
    }
}

/// Under which heading a flag stands in the help.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Actions,
    Namespaces,
    Files,
    Command,
    Limits,
    Safety,
    Insight,
}

/// One flag.
pub(crate) struct Flag {
    /// As help shows it: the name, the value if it takes one, a tab, and what it does.
    line: Name,
    pub(crate) takes: Takes,
}

impl Flag {
    pub(crate) fn name(&self) -> &'static [u8] {
        self.usage().split(ends_name).next().unwrap_or_default()
    }

    fn group(&self) -> Group {
        let (Nothing(group, _) | Switch(group, _) | Value(group, _) | Maybe(group, _)) = self.takes;
        group
    }

    /// Its name and its value.
    fn usage(&self) -> &'static [u8] {
        first_part(self.line.bytes(), b'\t')
    }

    fn help(&self) -> &'static [u8] {
        self.line.bytes().get(self.usage().len() + 1..).unwrap_or_default()
    }

    /// Whether it says something about the container, not about what to do with it.
    pub(crate) fn shapes_container(&self) -> bool {
        !matches!(self.group(), Actions | Insight) && self.name() != b"quiet"
    }
}

use Group::{Actions, Command, Files, Insight, Limits, Namespaces, Safety};
use Takes::{Maybe, Nothing, Switch, Value};

#[rustfmt::skip] // the table is the manual: a flag, a line
pub(crate) static FLAGS: &[Flag] = &[
    Flag { line: Name::of(c"run\tstart a container; COMMAND defaults to /bin/sh"), takes: Nothing(Actions, |c| _ = c.action.get_or_insert(Action::Run)) },
    Flag { line: Name::of(c"bench[=N]\tstart N containers (default 200), time each"), takes: Maybe(Actions, |c, v| { c.action = Some(Action::Bench); count(&mut c.runs, v) }) },
    Flag { line: Name::of(c"h\tprint this help"), takes: Nothing(Actions, |c| c.action = Some(Action::Help)) },
    Flag { line: Name::of(c"v\tprint the version"), takes: Nothing(Actions, |c| c.action = Some(Action::Version)) },
    Flag { line: Name::of(c"uid\tuser namespace: you are root inside, and yourself outside"), takes: Switch(Namespaces, |c, on| c.user = on) },
    Flag { line: Name::of(c"map=MAP\tids: root, self, auto or INSIDE:OUTSIDE:COUNT; implies -uid"), takes: Value(Namespaces, |c, v| { c.user = true; Mapping::set(&mut c.map, v.to_bytes()) }) },
    Flag { line: Name::of(c"gmap=MAP\tthe same for groups (default: as -map)"), takes: Value(Namespaces, |c, v| { c.user = true; Mapping::set(&mut c.group_map, v.to_bytes()) }) },
    Flag { line: Name::of(c"mnt=DIR\tmount namespace: DIR becomes /, the old root is gone"), takes: Value(Namespaces, |c, v| { c.root = Some(v); not_empty(v) }) },
    Flag { line: Name::of(c"uts\tUTS namespace: a host name of its own"), takes: Switch(Namespaces, |c, on| c.uts = on) },
    Flag { line: Name::of(c"hostname=NAME\tthe host name inside, implies -uts (default gontainer)"), takes: Value(Namespaces, |c, v| { c.host_name = Some(v); host_name(v) }) },
    Flag { line: Name::of(c"ipc\tIPC namespace: message queues and shared memory of its own"), takes: Switch(Namespaces, |c, on| c.ipc = on) },
    Flag { line: Name::of(c"net\tnetwork namespace: only a loopback interface, up"), takes: Switch(Namespaces, |c, on| c.net = on) },
    Flag { line: Name::of(c"pid\tPID namespace: a new /proc, and an init as PID 1"), takes: Switch(Namespaces, |c, on| c.pid = on) },
    Flag { line: Name::of(c"cgroup\tcgroup namespace: its own cgroup is the root of all it sees"), takes: Switch(Namespaces, |c, on| c.cgroup = on) },
    Flag { line: Name::of(c"time\ttime namespace: offsets of uptime and monotonic clock"), takes: Switch(Namespaces, |c, on| (c.time, c.time_is_optional) = (on, false)) },
    Flag { line: Name::of(c"all\tall of them but -mnt; -all -net=false leaves one out"), takes: Switch(Namespaces, |c, on| if on { c.isolate_all() }) },
    Flag { line: Name::of(c"ro\tread-only: the root and all that is mounted in it already"), takes: Switch(Files, |c, on| c.read_only = on) },
    Flag { line: Name::of(c"overlay[=DIR]\tchanges to -mnt's tree go to memory, or are kept in DIR"), takes: Maybe(Files, |c, v| { c.overlay = Some(v.map_or(Changes::Memory, Changes::Dir)); v.map_or(Ok(()), directory) }) },
    Flag { line: Name::of(c"bind=SRC[:DST[:ro]]\ta file or directory of the host, inside; repeatable"), takes: Value(Files, |c, v| Mount::bind(v).map(|mount| c.mounts.push(mount))) },
    Flag { line: Name::of(c"tmpfs=DST[:SIZE]\tan empty directory in memory; repeatable"), takes: Value(Files, |c, v| Mount::tmpfs(v).map(|mount| c.mounts.push(mount))) },
    Flag { line: Name::of(c"dev=none\twith -mnt: the rootfs's own /dev, instead of a small new one"), takes: Value(Files, |c, v| { c.no_dev = true; none(v) }) },
    Flag { line: Name::of(c"proc=none\tno new /proc; with -mnt, none at all"), takes: Value(Files, |c, v| { c.no_proc = true; none(v) }) },
    Flag { line: Name::of(c"sys=none\twith -mnt and -net: no /sys"), takes: Value(Files, |c, v| { c.no_sys = true; none(v) }) },
    Flag { line: Name::of(c"dns=none\twith -mnt, without -net: the rootfs's own /etc/resolv.conf"), takes: Value(Files, |c, v| { c.no_dns = true; none(v) }) },
    Flag { line: Name::of(c"as-pid1\twith -pid: no init, COMMAND itself is PID 1"), takes: Switch(Command, |c, on| c.as_pid1 = on) },
    Flag { line: Name::of(c"user=USER\twho COMMAND is inside: NAME, UID or UID:GID"), takes: Value(Command, |c, v| { c.identity = User::parse(v).map(|user| (user, v)); c.identity.map(drop).ok_or("takes a NAME of the container's /etc/passwd, UID or UID:GID") }) },
    Flag { line: Name::of(c"workdir=DIR\twhere COMMAND starts, inside"), takes: Value(Command, |c, v| mounts::absolute(v).map(|path| c.work_dir = Some(path))) },
    Flag { line: Name::of(c"env=NAME[=VALUE]\tset a variable, or hand the caller's on; all: all of them"), takes: Value(Command, |c, v| { c.environment.push(v); variable(v) }) },
    Flag { line: Name::of(c"quiet\tno banner before an interactive shell"), takes: Switch(Command, |c, on| c.quiet = on) },
    Flag { line: Name::of(c"timeout=TIME\tend it after TIME: TERM, 5s later KILL; status 124"), takes: Value(Limits, |c, v| set(&mut c.timeout_ns, limits::duration_ns(v.to_bytes()), "needs a time, as in 500ms, 5s, 1.5m or 2h")) },
    Flag { line: Name::of(c"rlimit=NAME=N[:N]\ta limit by its name in prlimit(1), soft:hard; repeatable"), takes: Value(Limits, |c, v| limits::resource_limit(v.to_bytes()).map(|limit| c.resource_limits.push((v, limit)))) },
    Flag { line: Name::of(c"oom=ADJ\tkilled sooner when memory is short: -1000 never, 1000 first"), takes: Value(Limits, |c, v| { c.oom = Some(v); limits::between(v.to_bytes(), -1000, 1000).map(drop).ok_or("needs a number from -1000 to 1000") }) },
    Flag { line: Name::of(c"nice=N\thow readily it yields the processor: -20 least, 19 most"), takes: Value(Limits, |c, v| set(&mut c.nice, limits::between(v.to_bytes(), -20, 19), "needs a number from -20 to 19")) },
    Flag { line: Name::of(c"fd=N\tkeep descriptor N of yours open inside; repeatable"), takes: Value(Safety, |c, v| descriptor(v).map(|number| c.kept_descriptors.push((number, v)))) },
    Flag { line: Name::of(c"cap=LIST\troot's capabilities: none, default, all, +NAME,-NAME"), takes: Value(Safety, |c, v| capabilities(&mut c.capabilities, v)) },
    Flag { line: Name::of(c"seccomp=FILTER\tcalls that are refused: default, off, or a BPF program's file"), takes: Value(Safety, |c, v| { c.filter = filter(v); not_empty(v) }) },
    Flag { line: Name::of(c"new-privs\tlet set-user-id programs gain privileges, as su and sudo need"), takes: Switch(Safety, |c, on| c.new_privileges = on) },
    Flag { line: Name::of(c"strict\tfor code you do not trust: all namespaces, no privileges"), takes: Switch(Safety, Config::set_strict) },
    Flag { line: Name::of(c"memory=SIZE\tall memory it may use, without swap; beyond it, it ends"), takes: Value(Limits, |c, v| set(&mut c.memory, limits::memory(v.to_bytes()), "needs a size of 8m or more, as in 512m or 2g")) },
    Flag { line: Name::of(c"cpus=N\tprocessor time it may use: 1.5 is one and a half processors"), takes: Value(Limits, |c, v| set(&mut c.cpus, limits::cpus(v.to_bytes()), "needs a number of 0.01 or more, as in 0.5 or 2")) },
    Flag { line: Name::of(c"pids=N\tprocesses and threads it may have"), takes: Value(Limits, |c, v| set(&mut c.pids, limits::pids(v.to_bytes()), "needs a number from 1")) },
    Flag { line: Name::of(c"trace\tprint every step of the start, its calls and its times"), takes: Switch(Insight, |c, on| c.trace = on) },
    Flag { line: Name::of(c"plan\tprint what -run would do, and do nothing"), takes: Switch(Insight, |c, on| c.plan = on) },
    Flag { line: Name::of(c"jobs=J\twith -bench: J at a time (default 1), and how many a second"), takes: Value(Insight, |c, v| count(&mut c.jobs, Some(v))) },
    Flag { line: Name::of(c"vs=COMMAND LINE\twith -bench: in turns with this whole command line"), takes: Value(Insight, |c, v| { c.versus = Some(v); not_empty(v) }) },
    Flag { line: Name::of(c"json\twith -bench: what hyperfine exports, and the steps"), takes: Switch(Insight, |c, on| c.json = on) },
];

/// What follows a name in [`Flag::line`].
fn ends_name(letter: &u8) -> bool {
    matches!(letter, b'=' | b'[' | b'\t')
}

/// Stores what was read of a value; if that is nothing, says what is needed.
fn set<T>(place: &mut Option<T>, value: Option<T>, needed: &'static str) -> Result<(), &'static str> {
    *place = value;
    if place.is_some() { Ok(()) } else { Err(needed) }
}

/// How many of something; as it is if nothing is said.
fn count(into: &mut u32, value: Option<&CStr>) -> Result<(), &'static str> {
    const MOST: u64 = 1_000_000;
    let Some(value) = value else { return Ok(()) };
    match number::decimal(value.to_bytes()).filter(|count| (1..=MOST).contains(count)).map(u32::try_from) {
        Some(Ok(count)) => {
            *into = count;
            Ok(())
        }
        _ => Err("must be a number from 1 to 1000000"),
    }
}

fn not_empty(value: &CStr) -> Result<(), &'static str> {
    if value.is_empty() { Err("must not be empty") } else { Ok(()) }
}

/// A directory to be made, if it is missing, of a flag that one may take for a switch.
fn directory(value: &CStr) -> Result<(), &'static str> {
    if matches!(value.to_bytes(), b"true" | b"false") { Err("takes a directory, or nothing") } else { not_empty(value) }
}

fn variable(value: &CStr) -> Result<(), &'static str> {
    if value.is_empty() || value.to_bytes().starts_with(b"=") { Err("needs a name") } else { Ok(()) }
}

fn none(value: &CStr) -> Result<(), &'static str> {
    if value == c"none" { Ok(()) } else { Err("takes only none") }
}

fn host_name(value: &CStr) -> Result<(), &'static str> {
    // 64: __NEW_UTS_LEN of the kernel.
    if (1..=64).contains(&value.count_bytes()) && !value.to_bytes().contains(&b'/') {
        Ok(())
    } else {
        Err("must be 1 to 64 bytes without '/'")
    }
}

fn descriptor(value: &CStr) -> Result<i32, &'static str> {
    let number = number::decimal(value.to_bytes()).and_then(|number| i32::try_from(number).ok());
    number.filter(|number| *number > 2).ok_or("needs a number from 3 up: 0, 1 and 2 are kept anyway")
}

fn filter(value: &'static CStr) -> Filter {
    match value.to_bytes() {
        b"default" => Filter::Default,
        b"off" => Filter::Off,
        _ => Filter::File(value),
    }
}

/// Of capabilities(7), by number, one after the other.
const CAPABILITIES: &str = "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE \
    NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE \
    SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL \
    SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE";

/// A capability's bit, by its name, in any case and with or without CAP_, or by its number.
fn capability(name: &[u8]) -> Option<u64> {
    let name = match name.get(..4) {
        Some(start) if is_same_word(start, b"CAP_") => name.get(4..)?,
        _ => name,
    };
    let by_name = parts(CAPABILITIES.as_bytes(), b' ').position(|known| is_same_word(known, name));
    let number = by_name.or_else(|| number::decimal(name).and_then(|number| usize::try_from(number).ok()))?;
    1_u64.checked_shl(u32::try_from(number).ok()?)
}

fn capabilities(asked: &mut Capabilities, list: &CStr) -> Result<(), &'static str> {
    for word in parts(list.to_bytes(), b',') {
        match word {
            b"none" => *asked = Capabilities { base: Some(0), added: 0, removed: 0 },
            b"default" => *asked = Capabilities { base: None, added: 0, removed: 0 },
            b"all" => *asked = Capabilities { base: Some(ALL_CAPABILITIES), added: 0, removed: 0 },
            [sign @ (b'+' | b'-'), name @ ..] => {
                let bit = capability(name).ok_or("no such capability; capabilities(7) has their names")?;
                let (set, unset) = if *sign == b'+' {
                    (&mut asked.added, &mut asked.removed)
                } else {
                    (&mut asked.removed, &mut asked.added)
                };
                *set |= bit;
                *unset &= !bit;
            }
            _ => return Err("takes none, default, all, +NAME and -NAME, with commas between"),
        }
    }
    Ok(())
}

/// The flag of this name.
pub(crate) fn find(name: &[u8]) -> Option<&'static Flag> {
    if name.iter().any(ends_name) {
        return None;
    }
    // On the way of every start: of a line no more is read than tells that it is another.
    let is_whole = |rest: &CStr| rest.to_bytes().first().is_some_and(ends_name);
    FLAGS.iter().find(|flag| flag.line.after(name).is_some_and(is_whole))
}

/// The flag whose name is the fewest changes away: one or two, as more are no slip.
pub(crate) fn nearest(name: &[u8]) -> Option<&'static Flag> {
    let within = |most| FLAGS.iter().find(|flag| distance(name, flag.name()) <= most);
    within(1).or_else(|| within(2))
}

/// How many bytes to insert, delete or replace to turn one name into the other. Names longer than any
/// flag's are cut: they are far from all of them.
fn distance(from: &[u8], to: &[u8]) -> usize {
    const LONGEST: usize = 32;
    let mut row = [0_usize; LONGEST + 1];
    for (at, cell) in row.iter_mut().enumerate() {
        *cell = at;
    }
    for (index, letter) in from.iter().take(LONGEST).enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, other) in row.iter_mut().skip(1).zip(to) {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
    }
    row.get(to.len()).copied().unwrap_or(usize::MAX)
}

/// Where a flag's help begins; below its name, if that is longer.
const HELP_COLUMN: usize = 19;

/// Room for the whole help.
pub(crate) type Help = Text<4352>;

/// The help, at most 80 columns wide.
pub(crate) fn help(text: &mut Help) {
    text.push_str(
        "\
gontainer starts a command in a Linux container.

usage: gontainer -run [FLAGS] [--] [COMMAND [ARG...]]

  gontainer -run -uid -pid                    a shell that is root of its own
  gontainer -run -uid -pid -net -- COMMAND    a command without a network
  gontainer -run -uid -pid -mnt=DIR           a shell in another system's tree

Flags take one dash or two; switches also =true and =false.
",
    );
    for (group, heading) in &[
        (Actions, "Actions"),
        (Namespaces, "Isolation"),
        (Files, "Files"),
        (Command, "Command"),
        (Limits, "Limits"),
        (Safety, "Safety"),
        (Insight, "Insight"),
    ] {
        text.push_str("\n").push_str(heading).push_str("\n");
        for flag in FLAGS.iter().filter(|flag| flag.group() == *group) {
            let mut left = Text::<64>::new();
            left.push_str("  -").push(flag.usage());
            text.push(left.as_bytes());
            let mut column = left.as_bytes().len();
            if column >= HELP_COLUMN {
                text.push_str("\n");
                column = 0;
            }
            text.pad(HELP_COLUMN - column).push(flag.help()).push_str("\n");
        }
    }
    text.push_str(
        "
MAP: root, you are 0 inside (default); self, you are who you are outside; auto,
you are 0, and 1 to 65535 are yours by /etc/subuid and /etc/subgid; or ranges of
ids, repeatable.
TIME: 500ms, 5s, 1.5m, 2h. SIZE: bytes, or 64k, 64m, 64g.

Exit status: COMMAND's own; 128+N if signal N killed it; 125 the container could
not be started; 126 COMMAND cannot be executed; 127 COMMAND not found; 124 the
time limit ended it; 2 wrong usage.
",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole_help() -> String {
        let mut text = Help::new();
        help(&mut text);
        String::from_utf8(text.as_bytes().to_vec()).unwrap_or_default()
    }

    fn name_of(flag: &Flag) -> &str {
        core::str::from_utf8(flag.name()).unwrap_or_default()
    }

    fn said_of(flag: &Flag) -> &str {
        core::str::from_utf8(flag.help()).unwrap_or_default()
    }

    #[test]
    fn names_are_unique_and_well_formed() {
        for (index, flag) in FLAGS.iter().enumerate() {
            assert!(FLAGS.iter().skip(index + 1).all(|other| other.name() != flag.name()), "{}", name_of(flag));
            assert!(
                name_of(flag).bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            );
            assert!(name_of(flag).len() <= 16 && !said_of(flag).ends_with('.'), "{}", name_of(flag));
        }
    }

    #[test]
    fn a_flag_is_found_by_its_whole_name_alone() {
        for flag in FLAGS {
            assert_eq!(find(flag.name()).map(name_of), Some(name_of(flag)));
            for other in
                [flag.usage(), flag.line.bytes(), &[flag.name(), b"["].concat(), &[flag.name(), b"\t"].concat()]
            {
                assert!(other == flag.name() || find(other).is_none(), "{other:?}");
            }
        }
        for other in ["", "u", "ui", "uidd", "all-", "as-pid"] {
            assert!(find(other.as_bytes()).is_none(), "{other}");
        }
    }

    #[test]
    fn help_names_every_flag_in_80_columns() {
        let help = whole_help();
        for flag in FLAGS {
            assert!(help.contains(&format!("  -{}", name_of(flag))), "{}", name_of(flag));
        }
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        for flag in FLAGS {
            let row = format!("{}{}\n", " ".repeat(HELP_COLUMN), said_of(flag));
            let line = help.lines().find(|line| line.ends_with(said_of(flag))).unwrap_or_default();
            assert!(line.get(HELP_COLUMN - 1..) == row.trim_end().get(HELP_COLUMN - 1..), "{line}");
        }
        assert!(help.ends_with("usage.\n"), "the buffer is too small");
    }

    fn asked(lists: &[&CStr]) -> Result<Capabilities, &'static str> {
        let mut asked = Capabilities { base: None, added: 0, removed: 0 };
        lists.iter().try_for_each(|list| capabilities(&mut asked, list)).map(|()| asked)
    }

    #[test]
    fn capabilities_have_the_kernels_numbers_and_names_in_any_case() {
        for (name, number) in [("CHOWN", 0), ("cap_kill", 5), ("Sys_Admin", 21), ("CAP_AUDIT_READ", 37), ("bpf", 39)] {
            assert_eq!(capability(name.as_bytes()), Some(1 << number), "{name}");
        }
        assert_eq!(CAPABILITIES.split(' ').count(), 41);
        assert_eq!(capability(b"checkpoint_restore"), Some(1 << 40));
        assert_eq!((capability(b"0"), capability(b"63")), (Some(1), Some(1 << 63)));
        for wrong in ["64", "-1", "", "cap_", "cap", "kil", "kill ", "99999999999999999999"] {
            assert_eq!(capability(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn the_last_word_about_a_capability_counts() {
        for (lists, base, added, removed) in [
            (&[c"+kill"][..], None, 1 << 5, 0),
            (&[c"+kill,-kill"], None, 0, 1 << 5),
            (&[c"-kill", c"+kill"], None, 1 << 5, 0),
            (&[c"none,+kill,+0"], Some(0), 1 << 5 | 1, 0),
            (&[c"none", c"+kill"], Some(0), 1 << 5, 0),
            (&[c"+kill,all"], Some(u64::MAX), 0, 0),
            (&[c"+kill", c"default"], None, 0, 0),
        ] {
            assert_eq!(asked(lists), Ok(Capabilities { base, added, removed }), "{lists:?}");
        }
        for wrong in [c"", c"kill", c"+", c"-", c"+kill,", c"none all", c"NONE", c"+cap_x"] {
            assert!(asked(&[wrong]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_nearest_flag_is_the_one_that_was_meant() {
        for (typed, meant) in [("pidd", "pid"), ("hostnam", "hostname"), ("netw", "net"), ("aspid1", "as-pid1")] {
            assert_eq!(nearest(typed.as_bytes()).map(name_of), Some(meant), "{typed}");
        }
        assert!(nearest(b"nosuch").is_none() && nearest(&[b'x'; 1000]).is_none());
        assert_eq!(distance(b"", b"uid"), 3);
        assert_eq!(distance(b"kitten", b"sitting"), 3);
        assert!(distance(&[b'x'; 1000], b"uid") >= 29);
    }

    /// README's table between its two marks is this table; `BLESS=1 cargo test` rewrites it.
    #[test]
    fn readme_has_this_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let readme = std::fs::read_to_string(path).unwrap_or_default();
        let (begin, end) = ("<!-- flags: generated -->\n", "<!-- flags end -->");
        let mut table = String::from("| flag | what it does |\n|---|---|\n");
        for flag in FLAGS {
            let usage = core::str::from_utf8(flag.usage()).unwrap_or_default();
            table += &format!("| `-{usage}` | {} |\n", said_of(flag));
        }
        let parts = readme.split_once(begin).and_then(|(head, rest)| Some((head, rest.split_once(end)?)));
        let Some((head, (found, tail))) = parts else { panic!("README.md has no flag table") };
        if std::env::var_os("BLESS").is_some() {
            let _ = std::fs::write(path, format!("{head}{begin}{table}{end}{tail}"));
        } else {
            assert_eq!(found, table, "README.md's flag table differs: run BLESS=1 cargo test");
        }
    }
}
