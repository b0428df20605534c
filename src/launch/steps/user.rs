//! Who the command is, inside.

use crate::config::{self, Config};
use crate::ids::{Entry, Membership, User};
use crate::launch::fault::{Fault, On};
use crate::launch::inside;
use crate::launch::job::Job;
use crate::sys::file::{self, Open};
use crate::sys::{Errno, Fd, process, recorder};
use crate::text::Text;
use core::ffi::CStr;

/// More than any sane /etc/passwd or /etc/group has; a hostile one may have no end.
const MOST_BYTES: usize = 16 << 20;

/// As many groups as a user may have here.
const MOST_GROUPS: usize = 64;

/// With ranges in its map, the caller need not be 0 inside, and has groups which it may drop there.
#[cold]
#[inline(never)]
pub(in crate::launch) fn become_root(job: &Job) -> Result<(), Fault> {
    let config = job.config;
    if !config.denies_groups() {
        process::set_groups(&[]).of(c"setgroups")?;
    }
    if config.groups().has_root(config.caller_gid) {
        process::set_group_id(0).of(c"setresgid")?;
    } else if config.groups().inside_of(config.caller_gid, config.caller_gid).is_none() {
        return Err(Errno::EINVAL).of(c"setresgid"); // the caller's would stay, without a number here
    }
    process::set_user_id(0).of(c"setresuid")?;
    // Where fs.suid_dumpable is 1, other ids opened our memory.
    process::close_memory(true).of(c"prctl PR_SET_DUMPABLE")
}

/// Becomes whom `-user` names: by the container's own files a name or a number, with all its groups; with a group's number
/// too, that group alone. Then no capability is left, unless it is root.
#[cold]
#[inline(never)]
pub(in crate::launch) fn become_user(job: &Job) -> Result<(), Fault> {
    let Some(user) = job.config.identity() else { return Ok(()) };
    let word = job.config.identity.map_or(c"", |(_, word)| word);
    let found = look_up(user, word)?;
    let (uid, gid) = match (user, &found) {
        (User::Ids(uid, Some(gid)), _) => (uid, gid),
        (_, Some(found)) => (found.uid, found.gid),
        (User::Ids(uid, None), None) => (uid, uid),
        (User::Name(_), None) => return Err(Errno::NO_SUCH_USER).on(c"look up", word),
    };
    let mut groups = Groups { list: [0; MOST_GROUPS], count: 0 };
    if let (Some(found), User::Name(_) | User::Ids(_, None)) = (&found, user) {
        groups.add(gid).on(c"look up", word)?;
        add_groups(found.name.as_bytes(), &mut groups)?;
    }
    set_groups(job.config, &groups, gid).on(c"setgroups", word)?;
    process::set_group_id(gid).on(c"setresgid", word)?;
    process::set_user_id(uid).on(c"setresuid", word)?;
    tell_environment(found.as_ref(), uid).on(c"look up", word)
}

/// What passwd says about somebody.
struct Found {
    name: Text<64>,
    home: Text<200>,
    uid: u32,
    gid: u32,
}

/// Who that is by the container's /etc/passwd, if it says.
fn look_up(user: User, word: &'static CStr) -> Result<Option<Found>, Fault> {
    let Some(file) = open(c"/etc/passwd")? else { return Ok(None) };
    let mut found = None;
    let mut is_too_long = false;
    let mut take = |line: &[u8]| {
        let Some(entry) = Entry::parse(line) else { return false };
        let is_it = match user {
            User::Name(name) => entry.name == name.to_bytes(),
            User::Ids(uid, _) => entry.uid == uid,
        };
        if is_it {
            let (mut name, mut home) = (Text::new(), Text::new());
            name.push(entry.name);
            home.push(entry.home);
            is_too_long = name.as_c_str().is_none() || home.as_c_str().is_none();
            found = Some(Found { name, home, uid: entry.uid, gid: entry.gid });
        }
        is_it
    };
    let is_there = file::has_line(&file, MOST_BYTES, &mut take).on(c"read", c"/etc/passwd")?;
    match found {
        _ if is_too_long => Err(Errno::ENAMETOOLONG).on(c"look up", word),
        // In a rehearsal: it is found, but not who it is.
        None if is_there => Ok(Some(Found { name: Text::new(), home: Text::new(), uid: u32::MAX, gid: u32::MAX })),
        found => Ok(found),
    }
}

/// The supplementary groups of a user.
struct Groups {
    list: [u32; MOST_GROUPS],
    count: usize,
}

impl Groups {
    fn add(&mut self, gid: u32) -> Result<(), Errno> {
        *self.list.get_mut(self.count).ok_or(Errno::TOO_MANY_GROUPS)? = gid;
        self.count += 1;
        Ok(())
    }

    fn as_slice(&self) -> &[u32] {
        self.list.get(..self.count).unwrap_or_default()
    }
}

fn add_groups(name: &[u8], groups: &mut Groups) -> Result<(), Fault> {
    let Some(file) = open(c"/etc/group")? else { return Ok(()) };
    let mut membership = Membership::of(name);
    let mut result = Ok(());
    let mut take = |byte| {
        if let Some(gid) = membership.take(byte)
            && !groups.as_slice().contains(&gid)
            && result.is_ok()
        {
            result = groups.add(gid);
        }
    };
    let each = &mut |piece: &[u8]| {
        piece.iter().copied().for_each(&mut take);
        false
    };
    file::read_pieces(&file, MOST_BYTES, each).on(c"read", c"/etc/group")?;
    take(b'\n'); // the last line may lack it
    result.on(c"look up", c"/etc/group")
}

/// A file of the container's that must be just a file: it may be an enemy's.
fn open(path: &'static CStr) -> Result<Option<Fd>, Fault> {
    let found = match inside::find_from_top(path) {
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(None),
        result => result.on(c"open", path)?,
    };
    // One of /proc would be read with all of root's capabilities, or be the launcher's own.
    let is_file = file::kind(&found).on(c"stat", path)? == file::Kind::File
        && !file::is_in_proc(&found).on(c"fstatfs", path)?
        || recorder::is_rehearsal();
    let file = if is_file { file::open(path, Open::Read) } else { Err(Errno::NOT_REGULAR) }.on(c"open", path)?;
    // Another since, by a link that leads out?
    let is_found = file::are_same(&file, &found).on(c"stat", path)? || recorder::is_rehearsal();
    if is_found { Ok(Some(file)) } else { Err(Errno::ESTALE).on(c"open", path) }
}

/// Where setgroups is denied there can be no other group than the one that is mapped; the caller's own stay.
fn set_groups(config: &Config, groups: &Groups, gid: u32) -> Result<(), Errno> {
    if config.denies_groups() && groups.as_slice().iter().all(|group| *group == gid) {
        return Ok(());
    }
    process::set_groups(groups.as_slice())
}

fn tell_environment(found: Option<&Found>, uid: u32) -> Result<(), Errno> {
    let mut number = Text::<32>::new();
    let (name, home) = match found {
        Some(found) => (found.name.as_bytes(), found.home.as_bytes()),
        None => (number.push_number(uid.into()).as_bytes(), &b"/"[..]),
    };
    let home = if home.is_empty() { b"/" } else { home };
    let fits = config::HOME.fill(b"HOME=", home) && config::USER.fill(b"USER=", name);
    if fits { Ok(()) } else { Err(Errno::ENAMETOOLONG) }
}
