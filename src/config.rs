//! What the user asked for, as plain data; and what follows from it, said once.

use crate::ids::{MOST_RANGES, Range, User};
use crate::limits::ResourceLimit;
use crate::mounts::{Mount, What};
use crate::sys::process::CLONE_NEWTIME;
use crate::sys::{self, Room, Words};
use crate::text::Text;
use core::cell::Cell;
use core::ffi::CStr;

/// The one thing that this run is to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Run,
    /// Measures how long starts take.
    Bench,
    Help,
    Version,
}

/// Who says which system calls are refused.
#[derive(Clone, Copy)]
pub(crate) enum Filter {
    /// What is built in.
    Default,
    /// Nobody.
    Off,
    /// This file, a compiled BPF program.
    File(&'static CStr),
}

/// Where changes to an overlaid rootfs go.
#[derive(Clone, Copy)]
pub(crate) enum Changes {
    /// To memory; they vanish.
    Memory,
    /// To this directory; they stay.
    Dir(&'static CStr),
}

/// The capabilities that a user asks for: some or all, and changes to them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Capabilities {
    /// None: those that root has by default in this container.
    pub(crate) base: Option<u64>,
    pub(crate) added: u64,
    pub(crate) removed: u64,
}

/// Every capability, capabilities(7): capability N is bit N.
pub(crate) const ALL_CAPABILITIES: u64 = u64::MAX;

/// What Docker leaves to root by default: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID,
/// SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD, AUDIT_WRITE, SETFCAP.
const USUAL_CAPABILITIES: u64 = 0xa804_25fb;
const CAP_SYS_PTRACE: u64 = 1 << 19;
pub(crate) const CAP_SYS_ADMIN: u64 = 1 << 21;

/// All kinds, as [`Config::namespaces`] has them.
pub(crate) const EVERY_NAMESPACE: usize = 0x7e02_0000 | CLONE_NEWTIME as usize;

/// Where HOME and USER stand in the environment of a command that is somebody of the container's: only
/// there is it known who that is.
pub(crate) static HOME: Room = Room::new();
pub(crate) static USER: Room = Room::new();

/// What runs in the container.
#[derive(Clone, Copy)]
pub(crate) struct Command {
    /// Its name and arguments.
    pub(crate) words: Words,
    pub(crate) environment: Words,
    /// Where its name is looked up, colons between, if it holds no slash.
    pub(crate) path: &'static CStr,
}

/// The values of a flag that may be repeated, in the order given.
pub(crate) struct List<T: 'static> {
    first: Option<&'static Item<T>>,
    last: Option<&'static Item<T>>,
}

/// One value in a [`List`].
struct Item<T: 'static> {
    value: T,
    next: Cell<Option<&'static Item<T>>>,
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<T> {}

impl<T> List<T> {
    pub(crate) const EMPTY: Self = List { first: None, last: None };

    /// Adds a value, which stays for the whole run, at the end.
    pub(crate) fn push(&mut self, value: T) {
        let item = sys::keep(Item { value, next: Cell::new(None) });
        match self.last {
            Some(last) => last.next.set(Some(item)),
            None => self.first = Some(item),
        }
        self.last = Some(item);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static T> + Clone {
        core::iter::successors(self.first, |item| item.next.get()).map(|item| &item.value)
    }
}

/// Where the ids inside come from.
#[derive(Clone, Copy)]
pub(crate) enum Mapping {
    /// The caller is 0.
    Root,
    /// The caller is who it is outside.
    Own,
    /// The caller is 0; from 1 on stand the ids that /etc/subuid or /etc/subgid gives to it.
    Auto,
    /// These.
    Ranges(List<Range>),
}

/// All lines of a map, as the kernel takes them in one write of less than a page.
pub(crate) type MapText = Text<4096>;

impl Mapping {
    /// Takes a word of `-map` or `-gmap`.
    pub(crate) fn set(mapping: &mut Option<Mapping>, word: &[u8]) -> Result<(), &'static str> {
        let Some(range) = Range::parse(word, b':') else {
            if matches!(mapping, Some(Mapping::Ranges(_))) {
                return Err("takes either one of root, self, auto, or ranges");
            }
            *mapping = Some(match word {
                b"root" => Mapping::Root,
                b"self" => Mapping::Own,
                b"auto" => Mapping::Auto,
                _ => return Err("takes root, self, auto or INSIDE:OUTSIDE:COUNT"),
            });
            return Ok(());
        };
        let mut ranges = match mapping {
            None => List::EMPTY,
            Some(Mapping::Ranges(ranges)) => *ranges,
            Some(_) => return Err("takes either one of root, self, auto, or ranges"),
        };
        if ranges.iter().any(|other| other.overlaps(&range)) {
            return Err("two ranges share an id");
        }
        ranges.push(range);
        if ranges.iter().count() > MOST_RANGES || map_text(ranges).as_c_str().is_none() {
            return Err("too many ranges: the kernel takes 340 lines, and less than 4096 bytes");
        }
        *mapping = Some(Mapping::Ranges(ranges));
        Ok(())
    }

    /// The only line, if it maps no more than the caller's own id: that takes no privilege.
    pub(crate) fn own_line(&self, caller: u32) -> Option<Range> {
        match self {
            Mapping::Root => Some(Range::one(0, caller)),
            Mapping::Own => Some(Range::one(caller, caller)),
            Mapping::Auto => None,
            Mapping::Ranges(ranges) => {
                let mut lines = ranges.iter().copied();
                let first = lines.next().filter(|line| *line == Range::one(line.inside, caller));
                first.filter(|_| lines.next().is_none())
            }
        }
    }

    /// What an id outside is inside, as far as is known before the files are read.
    pub(crate) fn inside_of(&self, caller: u32, outside: u32) -> Option<u32> {
        match self {
            Mapping::Root | Mapping::Auto => (outside == caller).then_some(0),
            Mapping::Own => (outside == caller).then_some(caller),
            Mapping::Ranges(ranges) => ranges.iter().find_map(|range| range.inside_of(outside)),
        }
    }

    /// Whether there is a 0 inside.
    pub(crate) fn has_root(&self, caller: u32) -> bool {
        match self {
            Mapping::Root | Mapping::Auto => true,
            Mapping::Own => caller == 0,
            Mapping::Ranges(ranges) => ranges.iter().any(|range| range.inside == 0),
        }
    }
}

/// What the kernel reads.
pub(crate) fn map_text(ranges: List<Range>) -> MapText {
    let mut text = MapText::new();
    for range in ranges.iter() {
        range.write(&mut text);
        text.push(b"\n");
    }
    text
}

/// One container. Strings live for the whole run, so every process may keep them.
#[derive(Clone, Copy)]
#[repr(C)] // what most steps ask for comes first, at short distances: half a KB less code
pub(crate) struct Config {
    pub(crate) user: bool,
    pub(crate) read_only: bool,
    pub(crate) uts: bool,
    pub(crate) ipc: bool,
    pub(crate) net: bool,
    pub(crate) pid: bool,
    pub(crate) cgroup: bool,
    pub(crate) time: bool,
    /// Whether a kernel without usable time namespaces is no reason to fail.
    pub(crate) time_is_optional: bool,
    pub(crate) as_pid1: bool,
    pub(crate) new_privileges: bool,
    pub(crate) strict: bool,
    /// Which of the things that a rootfs is given are left out: /dev, /proc, /sys, the host's name servers.
    pub(crate) no_dev: bool,
    pub(crate) no_proc: bool,
    pub(crate) no_sys: bool,
    pub(crate) no_dns: bool,
    pub(crate) quiet: bool,
    pub(crate) trace: bool,
    pub(crate) plan: bool,
    pub(crate) json: bool,
    /// Whether the command is the built-in one that does nothing.
    pub(crate) no_command: bool,
    pub(crate) action: Option<Action>,
    pub(crate) map: Option<Mapping>,
    pub(crate) group_map: Option<Mapping>,
    /// Who the command is inside, and the word that said so.
    pub(crate) identity: Option<(User, &'static CStr)>,
    pub(crate) root: Option<&'static CStr>,
    pub(crate) overlay: Option<Changes>,
    /// What `-bind` and `-tmpfs` name, in the order given.
    pub(crate) mounts: List<Mount>,
    /// Where the command starts.
    pub(crate) work_dir: Option<&'static CStr>,
    pub(crate) host_name: Option<&'static CStr>,
    /// What `-fd` names, as a number and as it was written.
    pub(crate) kept_descriptors: List<(i32, &'static CStr)>,
    pub(crate) capabilities: Capabilities,
    pub(crate) filter: Filter,
    /// How long the container may run.
    pub(crate) timeout_ns: Option<u64>,
    /// Each with the words it was asked for in.
    pub(crate) resource_limits: List<(&'static CStr, ResourceLimit)>,
    /// As `oom_score_adj` takes it.
    pub(crate) oom: Option<&'static CStr>,
    pub(crate) nice: Option<i32>,
    /// Bytes.
    pub(crate) memory: Option<u64>,
    /// Hundred-thousandths of a processor.
    pub(crate) cpus: Option<u64>,
    /// Processes and threads.
    pub(crate) pids: Option<u64>,
    /// How many starts to measure, and how many of them at a time.
    pub(crate) runs: u32,
    pub(crate) jobs: u32,
    /// Another program's command line, to measure beside ours.
    pub(crate) versus: Option<&'static CStr>,
    /// `NAME=VALUE`, or `NAME` to hand the caller's on.
    pub(crate) environment: List<&'static CStr>,
    /// Who started us, outside: effective user and group.
    pub(crate) caller_uid: u32,
    pub(crate) caller_gid: u32,
    /// What the host's root is called where we are: 0 but in some user namespaces.
    pub(crate) host_root: u32,
}

impl Config {
    /// Nothing asked for yet.
    #[inline(never)]
    pub(crate) const fn new(caller_uid: u32, caller_gid: u32) -> Config {
        Config {
            action: None,
            user: false,
            map: None,
            group_map: None,
            identity: None,
            root: None,
            read_only: false,
            overlay: None,
            mounts: List::EMPTY,
            work_dir: None,
            uts: false,
            host_name: None,
            ipc: false,
            net: false,
            pid: false,
            cgroup: false,
            time: false,
            time_is_optional: false,
            as_pid1: false,
            kept_descriptors: List::EMPTY,
            new_privileges: false,
            capabilities: Capabilities { base: None, added: 0, removed: 0 },
            filter: Filter::Default,
            strict: false,
            no_dev: false,
            no_proc: false,
            no_sys: false,
            no_dns: false,
            quiet: false,
            trace: false,
            plan: false,
            timeout_ns: None,
            resource_limits: List::EMPTY,
            oom: None,
            nice: None,
            memory: None,
            cpus: None,
            pids: None,
            runs: 200,
            jobs: 1,
            json: false,
            versus: None,
            no_command: false,
            environment: List::EMPTY,
            caller_uid,
            caller_gid,
            host_root: 0,
        }
    }

    pub(crate) fn wants_user(&self) -> bool {
        self.user
    }

    /// How user ids are mapped.
    pub(crate) fn users(&self) -> Mapping {
        self.map.unwrap_or(Mapping::Root)
    }

    /// How group ids are mapped: as user ids, unless something else was asked for.
    pub(crate) fn groups(&self) -> Mapping {
        self.group_map.unwrap_or(self.users())
    }

    /// Whether setgroups(2) is given up inside. Without that, the kernel lets no ordinary user map a group.
    pub(crate) fn denies_groups(&self) -> bool {
        self.user && self.groups().own_line(self.caller_gid).is_some()
    }

    /// Whether to become root inside, which with other maps than the usual one the caller need not be.
    pub(crate) fn wants_root_ids(&self) -> bool {
        self.wants_maps() && self.users().has_root(self.caller_uid)
    }

    /// Whether the command is somebody else than whoever sets the container up.
    pub(crate) fn wants_identity(&self) -> bool {
        self.identity.is_some() || self.user && !self.users().has_root(self.caller_uid)
    }

    /// Whether there are maps of more than the caller's own id, or of another.
    pub(crate) fn wants_maps(&self) -> bool {
        let own = [(self.users(), self.caller_uid), (self.groups(), self.caller_gid)];
        self.user && own.iter().any(|(map, caller)| map.own_line(*caller).is_none())
    }

    /// Whether anybody wants to know of the caller's groups, which stay where nothing drops them.
    pub(crate) fn wants_group_count(&self) -> bool {
        self.trace && (self.denies_groups() || !self.wants_root_ids() && !self.wants_identity())
    }

    /// Whether ids change in a process that shares gontainer's memory: where fs.suid_dumpable is 1, that opens it.
    pub(crate) fn wants_closed_again(&self) -> bool {
        self.wants_identity()
    }

    /// Whether ids change in the process that becomes the command, which has to die with the launcher.
    pub(crate) fn wants_death_again(&self) -> bool {
        self.wants_identity() && !self.wants_init()
    }

    /// Who the command is inside, if that is somebody else: whom `-user` names, or else who the caller is
    /// where no id inside is 0.
    pub(crate) fn identity(&self) -> Option<User> {
        match self.identity {
            Some((user, _)) => Some(user),
            None if !self.wants_identity() => None,
            None => {
                let uid = self.users().inside_of(self.caller_uid, self.caller_uid)?;
                Some(User::Ids(uid, self.groups().inside_of(self.caller_gid, self.caller_gid)))
            }
        }
    }

    pub(crate) fn wants_root(&self) -> bool {
        self.root.is_some()
    }

    /// A new /proc needs mounts of its own, with a rootfs or without, and so does all else that is mounted.
    pub(crate) fn wants_mounts(&self) -> bool {
        self.wants_root() || self.pid || self.wants_hosts_root()
    }

    pub(crate) fn wants_overlay(&self) -> bool {
        self.overlay.is_some()
    }

    /// Whether a directory of the host's keeps the changes.
    pub(crate) fn keeps_changes(&self) -> bool {
        matches!(self.overlay, Some(Changes::Dir(_)))
    }

    /// Whether the rootfs itself becomes the root.
    pub(crate) fn wants_plain_root(&self) -> bool {
        self.wants_root() && !self.wants_overlay()
    }

    /// Whether something is to be mounted, or made read-only, in the host's tree.
    pub(crate) fn wants_hosts_root(&self) -> bool {
        !self.wants_root() && (self.read_only || self.wants_more_mounts())
    }

    /// Whether anything is to be mounted besides what every rootfs is given.
    pub(crate) fn wants_more_mounts(&self) -> bool {
        self.mounts.iter().next().is_some()
    }

    /// Whether names of the host's are to be opened that the caller gave, from the caller's directory.
    pub(crate) fn wants_sources(&self) -> bool {
        self.keeps_changes() || self.mounts.iter().any(|mount| matches!(mount.what, What::Bind(_)))
    }

    /// Whether the launcher goes to the rootfs itself.
    pub(crate) fn enters_at_once(&self) -> bool {
        self.wants_root() && !self.wants_sources()
    }

    /// Whether the child goes there, after it has opened those names.
    pub(crate) fn enters_late(&self) -> bool {
        self.wants_root() && self.wants_sources()
    }

    pub(crate) fn wants_root_read_only(&self) -> bool {
        self.read_only
    }

    /// Whether anything is read-only that whoever may administer mounts could make writable again.
    fn has_read_only_mounts(&self) -> bool {
        self.read_only || self.mounts.iter().any(Mount::is_read_only)
    }

    pub(crate) fn wants_work_dir(&self) -> bool {
        self.work_dir.is_some()
    }

    /// Whether a mount may lie over the caller's directory, in which the command would start. Over one in /proc a new
    /// /proc does; to look costs two calls, and what is seen there is no secret to an ordinary user's root unless
    /// somebody is strict. Real root would write to the host's settings from there, past what covers them.
    pub(crate) fn may_cover_work_dir(&self) -> bool {
        !self.wants_work_dir()
            && !self.wants_root()
            && (self.wants_more_mounts() || self.strict || self.wants_proc_covered())
    }

    pub(crate) fn wants_uts(&self) -> bool {
        self.uts || self.host_name.is_some()
    }

    pub(crate) fn wants_time(&self) -> bool {
        self.time
    }

    /// `-all`: every namespace but the mount namespace, which a rootfs brings.
    pub(crate) fn isolate_all(&mut self) {
        (self.user, self.uts, self.ipc, self.net, self.pid, self.cgroup) = (true, true, true, true, true, true);
        (self.time, self.time_is_optional) = (true, true);
    }

    /// Whether any namespace is new.
    pub(crate) fn isolates(&self) -> bool {
        self.namespaces() != 0
    }

    pub(crate) fn wants_net(&self) -> bool {
        self.net
    }

    /// Whether /proc is to show the container's processes: with a PID namespace.
    pub(crate) fn wants_proc(&self) -> bool {
        self.pid && !self.no_proc
    }

    /// Whether the host's /proc is to be seen in the rootfs.
    pub(crate) fn wants_hosts_proc(&self) -> bool {
        self.wants_root() && !self.pid && !self.no_proc
    }

    pub(crate) fn wants_proc_covered(&self) -> bool {
        (self.wants_proc() || self.wants_hosts_proc()) && self.is_real_root()
    }

    pub(crate) fn wants_proc_moved(&self) -> bool {
        self.wants_root() && !self.no_proc
    }

    /// A sysfs takes a network namespace of its own.
    pub(crate) fn wants_sys(&self) -> bool {
        self.wants_root() && self.net && !self.no_sys
    }

    /// Whether the host's name servers are to be asked.
    pub(crate) fn wants_dns(&self) -> bool {
        self.wants_root() && !self.net && !self.no_dns
    }

    pub(crate) fn wants_dev(&self) -> bool {
        self.wants_root() && !self.no_dev
    }

    pub(crate) fn wants_no_devices(&self) -> bool {
        self.wants_root() && self.lets_devices_open()
    }

    /// Whether device files that lie in a tree would open: to real root, or to an id that only root could have
    /// given. To whom an ordinary user is they open outside, too.
    pub(crate) fn lets_devices_open(&self) -> bool {
        self.is_real_root() || self.is_roots()
    }

    /// Whether the child waits for the id maps before it looks up any name. Until they are written no id has a number,
    /// and so root inside no power over any file: not to search a directory that is closed to its caller, not to make
    /// anything, nor to reach what is mounted behind a closed door. What needs neither the child does meanwhile.
    pub(crate) fn wants_ids_first(&self) -> bool {
        self.wants_overlay() || self.wants_sources() || self.wants_root_read_only() || self.wants_no_devices()
    }

    /// The same before it looks up names in the container's tree, or that of the caller's directory, or becomes root.
    pub(crate) fn wants_ids_early(&self) -> bool {
        let any = self.wants_root() || self.wants_more_mounts() || self.wants_proc_covered() || self.wants_root_ids();
        any && !self.wants_ids_first()
    }

    pub(crate) fn wants_ids_late(&self) -> bool {
        !self.wants_ids_first() && !self.wants_ids_early()
    }

    /// Whoever makes files needs a number itself.
    pub(crate) fn becomes_root_first(&self) -> bool {
        self.wants_root_ids() && self.wants_overlay()
    }

    /// Before that only the caller may be able to: the tree may be the caller's.
    pub(crate) fn becomes_root_early(&self) -> bool {
        self.wants_root_ids() && !self.wants_overlay()
    }

    /// Whether group 5, tty in every distribution, has a number outside. `lines` are those of a map that has more
    /// than the caller's own id.
    pub(crate) fn maps_terminal_group(&self, lines: List<Range>) -> bool {
        const TTY: u32 = 5;
        let own = self.groups().own_line(self.caller_gid);
        !self.user || lines.iter().copied().chain(own).any(|line| line.outside_of(TTY).is_some())
    }

    /// Whether no later limit is on the same resource, and takes this one's place.
    #[inline(never)]
    pub(crate) fn is_last_limit(&self, limit: &&(&CStr, ResourceLimit)) -> bool {
        let same = self.resource_limits.iter().filter(|other| other.1.resource == limit.1.resource);
        same.last().is_some_and(|last| core::ptr::eq(last, *limit))
    }

    pub(crate) fn wants_resource_limits(&self) -> bool {
        self.resource_limits.iter().next().is_some()
    }

    pub(crate) fn wants_oom(&self) -> bool {
        self.oom.is_some()
    }

    pub(crate) fn wants_cgroup(&self) -> bool {
        self.memory.is_some() || self.cpus.is_some() || self.pids.is_some()
    }

    pub(crate) fn wants_nice(&self) -> bool {
        self.nice.is_some()
    }

    /// Whether anybody wants to know when the command was executed.
    pub(crate) fn wants_start_notice(&self) -> bool {
        self.trace
    }

    pub(crate) fn wants_no_command(&self) -> bool {
        self.no_command
    }

    pub(crate) fn wants_init(&self) -> bool {
        self.pid && !self.as_pid1
    }

    /// In a mount namespace that a new user namespace owns, no mount spreads to the host anyway.
    pub(crate) fn wants_private_mounts(&self) -> bool {
        self.wants_mounts() && !self.user
    }

    /// Whether root starts it, whoever it is for.
    pub(crate) fn is_roots(&self) -> bool {
        self.caller_uid == 0 || self.caller_uid == self.host_root
    }

    /// Whether somebody inside is root outside, who owns the host's `/proc/sys` by plain file ownership, user
    /// namespace or not.
    pub(crate) fn is_real_root(&self) -> bool {
        !self.user || [0, self.host_root].iter().any(|root| self.users().inside_of(self.caller_uid, *root).is_some())
    }

    pub(crate) fn keeps_descriptors(&self) -> bool {
        self.kept_descriptors.iter().next().is_some()
    }

    /// Whether the command gets this descriptor of the caller's.
    pub(crate) fn keeps(&self, number: i32) -> bool {
        self.kept_descriptors.iter().any(|(kept, _)| *kept == number)
    }

    /// Whether programs inside gain nothing by set-user-id bits and file capabilities.
    pub(crate) fn refuses_new_privileges(&self) -> bool {
        !self.new_privileges
    }

    /// What root inside may do: of its own namespaces everything, but nothing more than usual where it
    /// is root outside too, as it could undo what keeps it apart.
    pub(crate) fn allowed_capabilities(&self) -> u64 {
        let Capabilities { base, added, removed } = self.capabilities;
        let default = match (self.is_real_root(), self.has_read_only_mounts()) {
            (true, _) => USUAL_CAPABILITIES,
            (false, true) => ALL_CAPABILITIES & !CAP_SYS_ADMIN, // by which it could make them writable
            (false, false) => ALL_CAPABILITIES,
        };
        base.unwrap_or(default) & !removed | added
    }

    /// Whether that is less than a start leads to by itself: all, in a new user namespace, with nothing
    /// inherited; without one, whatever the caller has.
    pub(crate) fn cuts_capabilities(&self) -> bool {
        !self.user || self.capabilities.added != 0 || self.allowed_capabilities() != ALL_CAPABILITIES
    }

    /// Sets all that `-strict` stands for.
    pub(crate) fn set_strict(&mut self, on: bool) {
        self.strict = on;
        if on {
            self.isolate_all();
            self.capabilities = Capabilities { base: Some(0), added: 0, removed: 0 };
            (self.new_privileges, self.read_only) = (false, true);
        }
    }

    /// Whether a later flag took back a part of what `-strict` stands for, or any flag set another filter.
    pub(crate) fn loosens_strict(&self) -> bool {
        let left_out = if self.time_is_optional { CLONE_NEWTIME as usize } else { 0 };
        self.strict
            && !(self.namespaces() | left_out == EVERY_NAMESPACE
                && (self.wants_root() || !self.no_proc)
                && self.allowed_capabilities() == 0
                && self.wants_default_filter()
                && self.read_only
                && self.refuses_new_privileges())
    }

    /// Whether root inside could write to PID 1's memory, which is that of gontainer outside, though nobody asked for all
    /// capabilities. From a user namespace below gontainer's it cannot.
    pub(crate) fn opens_init(&self) -> bool {
        self.wants_init() && !self.user && self.capabilities.added & CAP_SYS_PTRACE != 0
    }

    /// Whether `-bench` may also start the command with less around it: not one that would then write to what is to
    /// stay as it is, or is not trusted: `-strict` is read-only, too.
    pub(crate) fn may_be_freer(&self) -> bool {
        self.no_command || !(self.read_only || self.wants_overlay())
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }

    pub(crate) fn wants_default_filter(&self) -> bool {
        matches!(self.filter, Filter::Default)
    }

    pub(crate) fn wants_filter_of_file(&self) -> bool {
        matches!(self.filter, Filter::File(_))
    }

    /// The new host name.
    pub(crate) fn new_host_name(&self) -> &'static CStr {
        self.host_name.unwrap_or(c"gontainer")
    }

    /// Those of the new namespaces that clone(2) makes: it would read the bit of a time namespace as a part of a
    /// signal's number.
    pub(crate) fn cloned_namespaces(&self) -> usize {
        self.namespaces() & !(CLONE_NEWTIME as usize)
    }

    /// The new namespaces, as flags of clone(2) and unshare(2).
    pub(crate) fn namespaces(&self) -> usize {
        let wanted = [
            (self.user, libc::CLONE_NEWUSER),
            (self.wants_mounts(), libc::CLONE_NEWNS),
            (self.wants_uts(), libc::CLONE_NEWUTS),
            (self.ipc, libc::CLONE_NEWIPC),
            (self.net, libc::CLONE_NEWNET),
            (self.pid, libc::CLONE_NEWPID),
            (self.cgroup, libc::CLONE_NEWCGROUP),
            (self.time, CLONE_NEWTIME.cast_signed()),
        ];
        let mut flags = 0;
        for (_, flag) in wanted.iter().filter(|(wanted, _)| *wanted) {
            flags |= flag.cast_unsigned() as usize;
        }
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_namespace_brings_mounts_for_its_proc() {
        let config = Config { pid: true, ..Config::new(1000, 1000) };
        assert_eq!(config.namespaces(), (libc::CLONE_NEWPID | libc::CLONE_NEWNS) as usize);
    }

    #[test]
    fn only_an_ordinary_users_root_is_not_real() {
        assert!(!Config { user: true, ..Config::new(1000, 1000) }.is_real_root());
        assert!(Config { user: true, ..Config::new(0, 0) }.is_real_root());
        assert!(Config::new(1000, 1000).is_real_root());
        assert!(!mapped(0, &["0:100000:65536"]).is_real_root());
        assert!(mapped(0, &["1:100000:65536", "0:0:1"]).is_real_root());
        assert!(mapped(0, &["1000:0:1"]).is_real_root());
        assert!(mapped(1000, &["5:0:10"]).is_real_root());
        assert!(mapped(0, &["self"]).is_real_root() && mapped(0, &["auto"]).is_real_root());
        assert!(!mapped(1000, &["self"]).is_real_root() && !mapped(1000, &["auto"]).is_real_root());
    }

    fn mapped(caller: u32, words: &[&str]) -> Config {
        let mut config = Config { user: true, ..Config::new(caller, caller) };
        for word in words {
            assert_eq!(Mapping::set(&mut config.map, word.as_bytes()), Ok(()), "{word}");
        }
        config
    }

    #[test]
    fn ranges_are_checked_against_each_other() {
        let mut mapping = None;
        let mut set = |word: &str| Mapping::set(&mut mapping, word.as_bytes());
        assert_eq!(set("0:1000:1"), Ok(()));
        assert_eq!(set("1:100000:65535"), Ok(()));
        assert_eq!(set("65535:7:1"), Err("two ranges share an id"));
        assert_eq!(set("65536:1000:1"), Err("two ranges share an id"));
        assert_eq!(set("auto"), Err("takes either one of root, self, auto, or ranges"));
        let mut mapping = Some(Mapping::Auto);
        assert_eq!(Mapping::set(&mut mapping, b"0:0:1"), Err("takes either one of root, self, auto, or ranges"));
        assert_eq!(Mapping::set(&mut mapping, b"1"), Err("takes root, self, auto or INSIDE:OUTSIDE:COUNT"));
        assert_eq!(Mapping::set(&mut mapping, b""), Err("takes root, self, auto or INSIDE:OUTSIDE:COUNT"));
    }

    #[test]
    fn a_map_has_as_many_lines_as_the_kernel_takes() {
        for (width, most) in [(1, 340), (1_000_000, 4095 / 18)] {
            let mut mapping = None;
            let taken = (0..400)
                .take_while(|index| {
                    let id = width + index * 2;
                    Mapping::set(&mut mapping, format!("{id}:{id}:1").as_bytes()).is_ok()
                })
                .count();
            assert_eq!(taken, most);
        }
    }

    #[test]
    fn a_map_of_the_callers_own_id_alone_takes_no_privilege() {
        let own = |words: &[&str]| mapped(1000, words).denies_groups();
        assert!(own(&[]) && own(&["root"]) && own(&["self"]) && own(&["7:1000:1"]));
        assert!(!own(&["auto"]) && !own(&["0:1000:2"]) && !own(&["0:999:1"]) && !own(&["0:1000:1", "1:7:1"]));
    }

    #[test]
    fn who_sets_up_and_who_the_command_is_follow_from_the_map() {
        for (words, root, user) in [
            (&[][..], false, None),
            (&["root"], false, None),
            (&["auto"], true, None),
            (&["0:100000:65536"], true, None),
            (&["self"], false, Some(User::Ids(1000, Some(1000)))),
            (&["5:1000:1"], false, Some(User::Ids(5, Some(5)))),
            (&["5:100000:10"], false, None),
        ] {
            let config = mapped(1000, words);
            assert!(config.wants_root_ids() == root && config.identity() == user, "{words:?}");
        }
        let named = Config { identity: Some((User::Ids(7, None), c"7")), ..mapped(1000, &["auto"]) };
        assert!(named.wants_root_ids() && named.identity() == Some(User::Ids(7, None)));
    }
}
