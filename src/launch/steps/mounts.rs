//! Mounts other than the root's: /proc, /sys, and the name server's address.

use crate::launch::fault::{Fault, On};
use crate::launch::inside;
use crate::launch::job::Job;
use crate::launch::workbench::{self, WORKBENCH};
use crate::sys::file::{self, Open};
use crate::sys::{Errno, Name, mount};
use core::ffi::CStr;

/// Real root's mount namespace is a peer of the host's: before any other mount, cut it off.
pub(in crate::launch) fn make_private(_: &Job) -> Result<(), Fault> {
    mount::make_private().on(c"mount", c"/")
}

/// A /proc of this PID namespace: without it, `ps` shows the host's processes and /proc/self is nobody.
/// While the host's is still there: later the kernel refuses, as no proc is left to be seen. It refuses too
/// where something covers a part of the host's, as in a Docker container; then that one has to do.
pub(in crate::launch) fn mount_proc(job: &Job) -> Result<(), Fault> {
    match mount::mount_new(c"proc", WORKBENCH, false) {
        Err(Errno::EPERM) if job.config.user => {
            // Without any /proc outside the kernel refuses too. Then the launcher cannot write the maps, and
            // its word counts.
            if file::open(c"/proc/self/fd", Open::List).is_err() {
                return Ok(());
            }
            job.has_old_proc.set(true);
            if job.config.wants_root() {
                bind_proc(job)?;
            }
            // While the launcher waits for the command nobody else could say it in time.
            let _ = file::write(2, OLD_PROC); // a full or closed pipe
            Ok(())
        }
        result => result.on(c"mount", c"/proc"),
    }
}

const OLD_PROC: &[u8] = b"gontainer: /proc is the one from outside: \
    the kernel allows no new one where a part of it is covered, as in Docker\n";

/// Without a PID namespace, the host's /proc.
pub(in crate::launch) fn bind_proc(_: &Job) -> Result<(), Fault> {
    mount::bind(WORKBENCH, WORKBENCH).on(c"mount", c"/proc")
}

/// What becomes of a part of /proc that root could misuse.
enum Cover {
    /// A file that is to be empty.
    File,
    /// A directory that is to be empty.
    Dir,
    /// The same, of the host's /proc alone: a file system of its own is mounted there.
    Foreign,
    /// To be read only.
    Frozen,
}

/// On the workbench, what OCI runtimes cover (but `interrupts`, which newer ones do); besides that what only root may
/// read of the whole machine's memory, and `dynamic_debug`, for which the kernel asks for no capability. Foreign ones
/// first: what is frozen takes them along.
static COVERS: &[(Cover, Name)] = &[
    (Cover::File, Name::of(c"/proc/keys")),
    (Cover::File, Name::of(c"/proc/kcore")),
    (Cover::File, Name::of(c"/proc/kpagecgroup")),
    (Cover::File, Name::of(c"/proc/kpagecount")),
    (Cover::File, Name::of(c"/proc/kpageflags")),
    (Cover::File, Name::of(c"/proc/latency_stats")),
    (Cover::File, Name::of(c"/proc/slabinfo")),
    (Cover::File, Name::of(c"/proc/timer_list")),
    (Cover::File, Name::of(c"/proc/vmallocinfo")),
    (Cover::File, Name::of(c"/proc/sched_debug")),
    (Cover::Dir, Name::of(c"/proc/acpi")),
    (Cover::Dir, Name::of(c"/proc/asound")),
    (Cover::Dir, Name::of(c"/proc/scsi")),
    (Cover::Foreign, Name::of(c"/proc/sys/fs/binfmt_misc")),
    (Cover::Foreign, Name::of(c"/proc/fs/nfsd")),
    (Cover::Foreign, Name::of(c"/proc/xen")),
    (Cover::Frozen, Name::of(c"/proc/bus")),
    (Cover::Frozen, Name::of(c"/proc/dynamic_debug")),
    (Cover::Frozen, Name::of(c"/proc/fs")),
    (Cover::Frozen, Name::of(c"/proc/irq")),
    (Cover::Frozen, Name::of(c"/proc/sys")),
    (Cover::Frozen, Name::of(c"/proc/sysrq-trigger")),
];

/// What covers a file.
const NULL: &CStr = c"/dev/null";

/// Root inside that is root outside owns the host's kernel settings in any /proc, in a user namespace or
/// not: with core_pattern alone it would run a program on the host. It cannot undo a cover without
/// CAP_SYS_ADMIN; nor can it from a user namespace of its own, where the kernel locks the covers in place
/// and, because of them, refuses a new proc.
pub(in crate::launch) fn cover_proc(job: &Job) -> Result<(), Fault> {
    let (mut frozen, mut has_empty) = (None, false);
    let is_new = job.config.pid && !job.has_old_proc.get();
    for (cover, place) in COVERS {
        let place = place.text();
        let result = match cover {
            Cover::File => cover_file(&mut frozen, place),
            Cover::Dir => hide(&mut has_empty, place).and_then(|()| freeze_if(job.config.strict, place)),
            Cover::Foreign if is_new => continue,
            Cover::Foreign => mount::mount_nothing(place),
            Cover::Frozen => mount::bind(place, place).and_then(|()| mount::make_read_only(place)),
        };
        match result {
            // This kernel has none; if it is not the cover that is missing.
            Err(Errno::ENOENT) if frozen.is_some() => {}
            Err(Errno::ENOENT) => _ = file::mode_and_owner(NULL).on(c"stat", NULL)?,
            result => result.on(c"mount", place)?,
        }
    }
    // The modes of its files are the same in every proc, the host's too, and its root may change them.
    freeze_if(job.config.strict, WORKBENCH).on(c"mount", c"/proc")
}

fn freeze_if(wanted: bool, place: &CStr) -> Result<(), Errno> {
    if wanted { mount::make_read_only(place) } else { Ok(()) }
}

/// Makes a file empty: by the host's /dev/null, read-only, as root inside could else change its mode through here.
/// The next takes that along from the one before.
fn cover_file(frozen: &mut Option<&'static CStr>, place: &'static CStr) -> Result<(), Errno> {
    mount::bind(frozen.unwrap_or(NULL), place)?;
    if frozen.is_none() {
        mount::freeze_device(place)?;
        *frozen = Some(place);
    }
    Ok(())
}

/// Makes a directory empty: by one that is empty in every proc, as a tmpfs takes the kernel five times as long.
/// By a tmpfs where there may be none, as on a kernel without terminals; once it was there, what is missing is the
/// place.
fn hide(has_empty: &mut bool, place: &CStr) -> Result<(), Errno> {
    let result = mount::bind(c"/proc/tty/ldisc", place);
    *has_empty |= result.is_ok();
    match result {
        Err(Errno::ENOENT | Errno::ENOTDIR) if !*has_empty => mount::mount_nothing(place),
        result => result,
    }
}

/// /proc to its place.
pub(in crate::launch) fn move_proc(job: &Job) -> Result<(), Fault> {
    workbench::move_in(job, c"/proc", 0o555)
}

/// /sys of this network namespace, read-only. Left out where the kernel refuses it, as it does where there
/// is none outside.
pub(in crate::launch) fn mount_sys(job: &Job) -> Result<(), Fault> {
    match mount::mount_new(c"sysfs", WORKBENCH, true) {
        Err(Errno::EPERM) => return Ok(()),
        result => result.on(c"mount", c"/sys")?,
    }
    if job.config.is_real_root() {
        // What OCI runtimes cover: firmware's tables, and how much power others' work takes.
        for place in [c"/proc/firmware", c"/proc/devices/virtual/powercap"] {
            match mount::mount_nothing(place) {
                Err(Errno::ENOENT) => {}
                result => result.on(c"mount", c"/sys")?,
            }
        }
    }
    workbench::move_in(job, c"/sys", 0o555)
}

/// Where the host's network is used, so are its name servers: the host's file, over the rootfs's if it has
/// one. It is made read-only on the host's tree, where its name can be relied on.
pub(in crate::launch) fn bind_resolver(job: &Job) -> Result<(), Fault> {
    const FILE: &CStr = c"/etc/resolv.conf";
    let leads_nowhere = |errno: &Errno| matches!(*errno, Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::EACCES);
    let place = match inside::find(job.root()?, FILE) {
        Err(errno) if leads_nowhere(&errno) => return Ok(()),
        result => result.on(c"open", FILE)?,
    };
    if file::kind(&place).on(c"stat", FILE)? != file::Kind::File {
        return Ok(());
    }
    match mount::bind(FILE, FILE) {
        Err(errno) if leads_nowhere(&errno) => return Ok(()), // the host has none
        result => result.on(c"mount", FILE)?,
    }
    mount::make_read_only(FILE).on(c"mount", FILE)?;
    mount::move_onto(FILE, &place).on(c"move_mount", FILE)
}
